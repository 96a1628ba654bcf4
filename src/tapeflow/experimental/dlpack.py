"""`tf.experimental.dlpack`: tensors to and from other libraries' arrays."""

from tapeflow.core.dlpack import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
