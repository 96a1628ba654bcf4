"""What a user gives for structure (a shape, an axis, a permutation), as plain Python ints."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import Dim, outside
from tapeflow.core.dtype import int32, int64
from tapeflow.core.errors import invalid_argument
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.engine.dispatch import Takes, not_allowed

_SIZES = (int, Dim)
INT32_64 = (int32._np, int64._np)


def ints(value, op, attr="Tidx"):
    """`value`, an int or sequence of ints in any form (list, array, tensor, TensorShape), as a new list of ints.

    `op` is the operation that it is for, `attr` the name of its dtype there. Raises InvalidArgumentError for what are
    no integers, ValueError for None.
    """
    if value.__class__ is int:
        return [value]
    if value.__class__ is list or value.__class__ is tuple:
        for item in value:
            if item.__class__ is not int and item.__class__ is not Dim:
                break
        else:
            return list(value)
    return [as_int(n) for n in int_array(value, op, attr).ravel()]


def as_int(n):
    """A number of an array as a Python int; a Dim, which is only known when the graph runs, as it is."""
    return n if n.__class__ is Dim else int(n)


def int_array(value, op, attr="Tidx"):
    """Like `ints`, an array of the shape that the value has."""
    if value.__class__ is Dim:
        return np.array(value, object)
    tensor = convert_to_tensor(value, dtype_hint=int32)
    if tensor.__class__ is not EagerTensor:
        if hasattr(tensor, "_slot") and thread.trace is not None and tensor._dtype in INT32_64:
            return thread.trace.numbers(tensor)
        raise TypeError(
            f"{op} needs to know the shapes, axes and sizes that it is given, and was given {value!r}: they cannot be "
            "one of a batch."
        )
    if tensor._array.dtype not in INT32_64:
        raise not_allowed(Takes(op, attr, INT32_64), tensor._array.dtype)
    return np.asarray(tensor._array)


def one_int(value, op, attr="Tidx"):
    """`value`, an int in any form, as an int. Raises TypeError for a float, as TensorFlow does for a scalar."""
    if value.__class__ is int:
        return value
    if value.__class__ is float:
        convert_to_tensor(value, int32)
    return as_int(int_array(value, op, attr).reshape(())[()])


def shape_of(value):
    """`value`, the shape of a new tensor, as a tuple of ints that are not negative.

    Raises TypeError or ValueError for what are no integers, InvalidArgumentError for a negative one.
    """
    if value.__class__ is int:
        dims = (value,)
    elif (value.__class__ is list or value.__class__ is tuple) and all([n.__class__ in _SIZES for n in value]):
        dims = tuple(value)
    else:
        tensor = convert_to_tensor(value) if isinstance(value, Tensor) else convert_to_tensor(value, int32)
        if len(tensor._shape) > 1:
            shape = ",".join(map(str, tensor._shape))
            raise invalid_argument(f"dims must represent a vector, got shape [{shape}] [Op:Fill] name: ")
        dims = tuple(ints(tensor, "Fill", "index_type"))
    return checked(dims, "Fill")


def checked(dims, op):
    """A shape, a tuple of ints, that a tensor can have. Raises InvalidArgumentError if none can."""
    size = 1
    for n in dims:
        if outside(n, 0):
            raise invalid_argument(f"Dimension {n} must be >= 0 [Op:{op}] name: ")
        size *= n
    if size.__class__ is int and size >= 2**63:
        shape = ",".join(map(str, dims))
        raise invalid_argument(f"Shape [{shape}] would have more than 2**63 - 1 elements [Op:{op}] name: ")
    return dims


def count(shape):
    """The number of elements of a shape."""
    out = 1
    for n in shape:
        out *= n
    return out
