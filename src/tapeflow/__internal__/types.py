"""`tf.__internal__.types`: the base of all that stands for a tensor."""

from tapeflow.core.types import TensorLike as Tensor

__all__ = ["Tensor"]
