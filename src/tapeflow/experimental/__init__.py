"""`tf.experimental`."""

from tapeflow.experimental import dlpack

__all__ = ["dlpack"]
