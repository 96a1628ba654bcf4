"""What a user gives for structure (a shape, an axis, a permutation), as plain Python ints."""

import numpy as np

from tapeflow.core.errors import invalid_argument
from tapeflow.core.shape import TensorShape


def is_static(value):
    """Whether `value` is a sequence of plain ints, or one."""
    return value.__class__ is int or isinstance(value, (tuple, list)) and all(item.__class__ is int for item in value)


def ints(value, what="shape"):
    """`value`, an int or sequence of ints in any form (list, array, tensor, TensorShape), as a list of ints.

    Raises TypeError for what are no integers, ValueError for an unknown dimension.
    """
    if value.__class__ is list or value.__class__ is tuple:
        out = []
        for item in value:
            if item.__class__ is int:
                out.append(item)
            else:
                out += _one(item, what)
        return out
    return _one(value, what)


def _one(value, what):
    if value.__class__ is TensorShape:
        dims = value.as_list()
        if None in dims:
            raise ValueError(f"Cannot convert a partially known TensorShape {value} to a Tensor.")
        return dims
    if value is None:
        raise ValueError(f"Cannot convert {what} with an unknown dimension (None) to a Tensor.")
    if hasattr(value, "__tf_tensor__"):
        value = value.__tf_tensor__()
    array = np.asarray(value._array if hasattr(value, "_array") else value)
    if array.dtype.kind not in "iu":
        if array.size:
            raise TypeError(f"The {what} must be integers, and was {value!r}.")
        return []
    return [int(item) for item in array.ravel()]


def shape_of(value):
    """`value` as a shape: a tuple of ints that are not negative. Raises InvalidArgumentError for one that is."""
    if value.__class__ is int:
        value = [value]
    shape = tuple(ints(value))
    for i, n in enumerate(shape):
        if n < 0:
            raise invalid_argument(f"Dimension {n} must be >= 0 (dimension {i} of the shape {list(shape)})")
    return shape


def axis_in(axis, rank, message="Expected dimension in the range [{low}, {high}), but got {axis}", op=None):
    """`axis` from 0, of a tensor of `rank`. Raises InvalidArgumentError out of range."""
    (item,) = ints(axis, "axis")
    if not -rank <= item < rank:
        text = message.format(low=-rank, high=rank, axis=item, rank=rank)
        raise invalid_argument(f"{text} [Op:{op}] name: " if op else text)
    return item % rank


def count(shape):
    """The number of elements of a shape."""
    out = 1
    for n in shape:
        out *= n
    return out
