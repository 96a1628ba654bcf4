"""`tf.tensordot`: a sum of products over several axes, as one matrix product."""

from math import prod

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.tensor import Tensor
from tapeflow.ops.matmul import matmul
from tapeflow.ops.shaping import reshape_static, transpose_static
from tapeflow.ops.sized import of_any_rank


@of_any_rank
def tensordot(a, b, axes, name=None):
    """The sum of products of `a` and `b` over some axes of each.

    Args:
      a, b: tensors of one dtype.
      axes: an int n, for the last n axes of `a` and the first n of `b`; or a pair of lists of axes of each.

    Returns a tensor with the other axes of `a` and then those of `b`.

    Raises:
      ValueError: axes that do not fit each other or the tensors.
      InvalidArgumentError: the sizes or dtypes do not fit.

    >>> import tapeflow as tf
    >>> tf.tensordot([[1., 2.]], [[3.], [4.]], axes=1).numpy().tolist()
    [[11.0]]
    """
    a = convert_to_tensor(a)
    b = convert_to_tensor(b, dtype_hint=a.dtype)
    of_a, of_b = _axes(a, axes)
    of_a, of_b = _within(of_a, a), _within(of_b, b)
    free_a = [i for i in range(len(a._shape)) if i not in of_a]
    free_b = [i for i in range(len(b._shape)) if i not in of_b]
    left, shape_a = _matrix(a, free_a, of_a)
    right, shape_b = _matrix(b, of_b, free_b)
    found = matmul(left, right)
    shape = tuple(shape_a[: len(free_a)] + shape_b[len(of_b) :])
    return found if found._shape == shape else reshape_static(found, shape)


def _matrix(x, first, second):
    """`x` as a matrix of the axes `first` by the axes `second`, and the sizes of the one and the other."""
    perm = (*first, *second)
    sizes = [x._shape[i] for i in perm]
    if perm != tuple(range(len(perm))):
        x = transpose_static(x, perm)
    shape = (prod(sizes[: len(first)]), prod(sizes[len(first) :]))
    return (x if x._shape == shape else reshape_static(x, shape)), sizes


def _axes(a, axes):
    """The axes of each tensor, as two lists of ints."""
    if isinstance(axes, Tensor) or isinstance(axes, (np.ndarray, np.generic)):
        axes = np.asarray(convert_to_tensor(axes)._array).tolist()
    if isinstance(axes, int):
        rank = len(a._shape)
        if axes < 0:
            raise ValueError(f"`axes` must be at least 0. Received: {axes}.")
        if axes > rank:
            raise ValueError(
                f"`axes` must not be larger than the number of dimensions of tensor {a}.  Received {axes}, "
                "vs tensor "
                f"dimensions {rank}."
            )
        return list(range(rank - axes, rank)), list(range(axes))
    if not isinstance(axes, (list, tuple)):
        raise TypeError(f"Cannot convert {axes!r} to EagerTensor of dtype int32")
    if len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    of_a, of_b = [[int(i) for i in item] if hasattr(item, "__len__") else [int(item)] for item in axes]
    if len(of_a) != len(of_b):
        raise ValueError(f"Different number of contraction axes `a` and `b`, {len(of_a)} != {len(of_b)}.")
    return of_a, of_b


def _within(axes, x):
    rank = len(x._shape)
    for axis in axes:
        if not -rank <= axis < rank:
            raise IndexError(f"Axis {axis} is out of range for a tensor of {rank} dimension(s), of shape {x.shape}.")
    return [axis % rank for axis in axes]
