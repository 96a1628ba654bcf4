"""`TensorLike`: the common base of tensors and variables, which Keras knows as `tf.__internal__.types.Tensor`."""


class TensorLike:
    """Anything that stands for a tensor in an operation."""

    __slots__ = ()
