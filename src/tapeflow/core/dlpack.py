"""DLPack: tensors to and from other libraries' arrays."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor


def to_dlpack(tf_tensor):
    """A DLPack capsule of a tensor's value, which another library may take.

    >>> import tapeflow as tf
    >>> capsule = tf.experimental.dlpack.to_dlpack(tf.constant([1., 2.]))
    >>> tf.experimental.dlpack.from_dlpack(capsule)
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>
    """
    return convert_to_tensor(tf_tensor).__dlpack__()


def from_dlpack(dlcapsule):
    """A tensor of the value in a DLPack capsule, or in an array with `__dlpack__`; a copy, as tensors do not change."""
    source = dlcapsule if hasattr(dlcapsule, "__dlpack__") else _Capsule(dlcapsule)
    return convert_to_tensor(np.from_dlpack(source))


class _Capsule:
    """A bare capsule as NumPy takes it."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **options):
        return self._capsule

    def __dlpack_device__(self):
        return (1, 0)  # kDLCPU
