"""`tf.types`."""

from tapeflow.types import experimental

__all__ = ["experimental"]
