"""`tf.experimental`."""

from importlib import import_module

from tapeflow.experimental import dlpack

__all__ = ["dlpack", "numpy"]  # noqa: F822 (see __getattr__)


def __getattr__(name):
    if name == "numpy":
        return import_module("tapeflow.experimental.numpy")
    raise AttributeError(f"module 'tapeflow.experimental' has no attribute {name!r}")
