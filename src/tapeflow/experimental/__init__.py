"""`tf.experimental`."""

from importlib import import_module

from tapeflow.experimental import dlpack
from tapeflow.keras_bridge.absent import Optional

__all__ = ["Optional", "dlpack", "numpy"]  # noqa: F822 (see __getattr__)


def __getattr__(name):
    if name == "numpy":
        return import_module("tapeflow.experimental.numpy")
    raise AttributeError(f"module 'tapeflow.experimental' has no attribute {name!r}")
