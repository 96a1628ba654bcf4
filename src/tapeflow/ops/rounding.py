"""Rounding, and the divisions and remainders that round."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.engine.dispatch import binary, unary
from tapeflow.engine.dtypes import COMPLEX, FLOAT, INTEGER, LOW, NUMBER, SIGNED, low_precision
from tapeflow.engine.primitive import constant, elementwise, missing
from tapeflow.ops.kernels import absent, nonzero_divisor

FLOOR = constant("Floor", np.floor, FLOAT, batch="elementwise")
CEIL = constant("Ceil", np.ceil, FLOAT, batch="elementwise")
RINT = constant("Rint", np.rint, FLOAT, batch="elementwise")
ROUND = constant("Round", np.rint, FLOAT + SIGNED + COMPLEX, batch="elementwise")
absent(RINT, LOW)
absent(ROUND, SIGNED[:2] + COMPLEX)


def _floor_divide(a, b):
    if a.dtype.kind in "iu":
        nonzero_divisor(b, "FloorDiv")
        return a // b
    return np.floor(a / b)


def _floor_mod(a, b):
    if a.dtype.kind in "iu":
        nonzero_divisor(b, "FloorMod")
        return a % b
    r = np.fmod(a, b)
    return np.where((r != 0) & ((b < 0) != (r < 0)), r + b, r)


def _truncate_divide(a, b):
    if a.dtype.kind in "iu":
        nonzero_divisor(b, "TruncateDiv")
        q = a // b
        return q + ((q < 0) & (q * b != a)).astype(q.dtype)
    return np.trunc(a / b)


def _truncate_mod(a, b):
    if a.dtype.kind in "iu":
        nonzero_divisor(b, "TruncateMod")
    return np.fmod(a, b)


FLOOR_DIV = constant("FloorDiv", _floor_divide, NUMBER, operands="a b", batch="elementwise")
FLOOR_MOD = elementwise("FloorMod", _floor_mod, INTEGER + FLOAT, 1, lambda a, b: -floordiv(a, b))
TRUNCATE_DIV = constant("TruncateDiv", _truncate_divide, NUMBER, operands="a b", batch="elementwise")
TRUNCATE_MOD = missing("TruncateMod", _truncate_mod, SIGNED[2:] + FLOAT, operands="a b", batch="elementwise")
for _prim in (FLOOR_DIV, FLOOR_MOD, TRUNCATE_DIV):
    low_precision(_prim, _prim.kernel)
for _prim in (FLOOR_DIV, TRUNCATE_DIV):
    absent(_prim, COMPLEX)
absent(TRUNCATE_MOD, LOW)


def floor(x, name=None):
    """The largest integer that is not greater, as a floating-point number. It has no derivative.

    >>> import tapeflow as tf
    >>> tf.floor([1.5, -1.5]).numpy().tolist()
    [1.0, -2.0]
    """
    return unary(FLOOR, x)


def ceil(x, name=None):
    """The smallest integer that is not less, as a floating-point number. It has no derivative.

    >>> import tapeflow as tf
    >>> tf.math.ceil([1.5, -1.5]).numpy().tolist()
    [2.0, -1.0]
    """
    return unary(CEIL, x)


def rint(x, name=None):
    """The nearest integer, a half to the even one. It has no derivative.

    >>> import tapeflow as tf
    >>> tf.math.rint([0.5, 1.5]).numpy().tolist()
    [0.0, 2.0]
    """
    return unary(RINT, x)


def round(x, name=None):  # noqa: A001 (TensorFlow's name)
    """The nearest integer, a half to the even one; integers as they are. It has no derivative.

    >>> import tapeflow as tf
    >>> tf.round([0.5, 1.5]).numpy().tolist()
    [0.0, 2.0]
    """
    x = convert_to_tensor(x)
    return x if x._dtype.kind in "iu" else unary(ROUND, x)


def floordiv(x, y, name=None):
    """x // y, rounded down: integers and real numbers.

    Raises InvalidArgumentError for an integer divided by 0.

    >>> import tapeflow as tf
    >>> tf.math.floordiv([7, -7], 2).numpy().tolist()
    [3, -4]
    """
    return binary(FLOOR_DIV, x, y)


def floormod(x, y, name=None):
    """x - floor(x / y) * y: the remainder has the sign of y.

    >>> import tapeflow as tf
    >>> tf.math.floormod([7, -7], 3).numpy().tolist()
    [1, 2]
    """
    return binary(FLOOR_MOD, x, y)


mod = floormod


mod = floormod


def truncatediv(x, y, name=None):
    """x / y, rounded toward 0, as C divides integers.

    >>> import tapeflow as tf
    >>> tf.truncatediv([7, -7], 2).numpy().tolist()
    [3, -3]
    """
    return binary(TRUNCATE_DIV, x, y)


def truncatemod(x, y, name=None):
    """The remainder of `tf.truncatediv`: it has the sign of x.

    >>> import tapeflow as tf
    >>> tf.truncatemod([7, -7], 3).numpy().tolist()
    [1, -1]
    """
    return binary(TRUNCATE_MOD, x, y)
