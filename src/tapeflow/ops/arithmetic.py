"""Sums, differences, products, quotients, squares and extremes: the primitives that derivatives are made of.

The partials at ties and poles are TensorFlow's: `maximum` gives a tie to its first operand, x / 0 is left
infinite, and the `_no_nan` operations have derivative 0 where they are 0.
"""

import operator

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, binary, is_tensor, match, unary
from tapeflow.engine.dtypes import (
    COMPLEX,
    FLOAT,
    INEXACT,
    INTEGER,
    NUMBER,
    REAL,
    SIGNED,
    STRING,
    low_precision,
)  # fmt: skip  # isort: skip
from tapeflow.engine.primitive import elementwise, general, linear
from tapeflow.ops.kernels import absent

# How a value is had: a variable's, another tensor's.

READ = linear("ReadVariableOp", lambda x: x, None, lambda g: g, batch=lambda x: x)
IDENTITY = linear("Identity", lambda x: x, None, lambda g: g, batch=lambda x: apply(IDENTITY, (x,)))
READ.shape = IDENTITY.shape = lambda x: x
READ.passes_slices = IDENTITY.passes_slices = True

ADD = elementwise("AddV2", operator.add, NUMBER, 1, 1)
ADD.kernels[STRING[0]] = lambda a, b: np.asarray(a + b, object)  # strings join
SUB = elementwise("Sub", operator.sub, NUMBER, 1, -1)
MUL = elementwise("Mul", operator.mul, NUMBER, lambda b: b, lambda a: a)
NEG = elementwise("Neg", operator.neg, FLOAT + SIGNED + COMPLEX, -1)
REAL_DIV = elementwise("RealDiv", operator.truediv, NUMBER, lambda b: reciprocal(b), lambda b, y: -y / b)
absent(REAL_DIV, INTEGER)


def guarded(name, kernel, dtypes, partial):
    """A function of x whose `partial`, given the output, may be infinite: a cotangent of 0 stays 0."""

    def vjp(g, y):
        slope = partial(y)
        return binary(MUL_NO_NAN, _conj(slope) if slope._dtype.kind == "c" else slope, g)

    return general(
        name, kernel, dtypes, vjp, lambda dx, y: binary(MUL_NO_NAN, partial(y), dx), batch="elementwise"
    )


RECIPROCAL = guarded("Reciprocal", lambda x: 1 / x, FLOAT + SIGNED + COMPLEX, lambda y: -y * y)
absent(RECIPROCAL, SIGNED)
SQUARE = elementwise("Square", lambda x: x * x, FLOAT + INTEGER + COMPLEX, lambda x: x + x)
SQUARED_DIFFERENCE = elementwise(
    "SquaredDifference", lambda a, b: np.square(a - b), FLOAT + SIGNED[2:] + COMPLEX,
    lambda a, b: 2 * (a - b), lambda a, b: 2 * (b - a),
)  # fmt: skip
DIV_NO_NAN = elementwise(
    "DivNoNan", lambda a, b: _div_no_nan(a, b), INEXACT,
    lambda b: reciprocal_no_nan(b), lambda b, y: negative(divide_no_nan(y, b)),
)  # fmt: skip
MUL_NO_NAN = linear(
    "MulNoNan", lambda a, b: _mul_no_nan(a, b), INEXACT,
    lambda g, a_like, b: sum_to(multiply_no_nan(g, _conj(b)), a_like),
    lambda g, a, b_like: sum_to(multiply_no_nan(_conj(a), g), b_like),
    operands="a b", batch="elementwise",
)  # fmt: skip


def _div_no_nan(a, b):
    if a.__class__ is np.ndarray or b.__class__ is np.ndarray:
        return np.where(b == 0, b.dtype.type(0), a / b)
    return a / b if b else b.dtype.type(0)


def _mul_no_nan(a, b):
    if a.__class__ is np.ndarray or b.__class__ is np.ndarray:
        return np.where(b == 0, b.dtype.type(0), a * b)
    return a * b if b else b.dtype.type(0)


def _extreme(ufunc, first):
    """A kernel that gives NaN if either is NaN; `first(a, b)`: whether a wins. Scalars need no ufunc."""

    def kernel(a, b):
        if a.__class__ is np.ndarray or b.__class__ is np.ndarray:
            return ufunc(a, b)
        return a if first(a, b) or a != a else b

    return kernel


MAXIMUM = elementwise(
    "Maximum", _extreme(np.maximum, operator.ge), REAL, lambda a, b: a >= b, lambda a, b: ~(a >= b)
)
MINIMUM = elementwise(
    "Minimum", _extreme(np.minimum, operator.le), REAL, lambda a, b: a <= b, lambda a, b: ~(a <= b)
)
BFLOAT16 = FLOAT[0]  # whose ufuncs do not tell the zeros apart as the others do
MAXIMUM.kernels[BFLOAT16] = lambda a, b: np.where((a >= b) | (a != a), a, b)
MINIMUM.kernels[BFLOAT16] = lambda a, b: np.where((a <= b) | (a != a), a, b)
for _prim in (SQUARED_DIFFERENCE, DIV_NO_NAN, MUL_NO_NAN, RECIPROCAL):
    low_precision(_prim, _prim.kernel)


def _conj(x):
    from tapeflow.ops.complex_parts import conj

    return conj(x)


def sum_to(vector, like):
    """`space.sum_to`, found when it is called: that module needs this one."""
    from tapeflow.ops.space import sum_to

    return sum_to(vector, like)


def zeros_like_static(x):
    """Zeros of the shape and dtype of a tensor."""
    from tapeflow.ops.space import zeros_like

    return zeros_like(x)


def ones_like_static(x):
    """Ones of the shape and dtype of a tensor."""
    from tapeflow.ops.space import ones_like

    return ones_like(x)


def copy_of(x):
    """A tensor of its own with the value of `x`, unknown to every tape."""
    return x._copy()


# The public operations.


def add(x, y, name=None):
    """x + y, elementwise and broadcast: numbers of one dtype, or strings (joined).

    >>> import tapeflow as tf
    >>> tf.add([1, 2], 3).numpy().tolist()
    [4, 5]
    """
    return binary(ADD, x if x.__class__ is EagerTensor else convert_to_tensor(x), y, True)


def subtract(x, y, name=None):
    """x - y, elementwise and broadcast: numbers of one dtype.

    >>> import tapeflow as tf
    >>> tf.subtract([1, 2], 3).numpy().tolist()
    [-2, -1]
    """
    return binary(SUB, x, y)


def multiply(x, y, name=None):
    """x * y, elementwise and broadcast: numbers of one dtype.

    >>> import tapeflow as tf
    >>> tf.multiply([1, 2], 3).numpy().tolist()
    [3, 6]
    """
    return binary(MUL, x, y)


def scalar_mul(scalar, x, name=None):
    """`scalar * x`: a number or 0-d tensor times a tensor or `tf.IndexedSlices`.

    Raises ValueError if `scalar` is not 0-d.

    >>> import tapeflow as tf
    >>> tf.scalar_mul(2.0, tf.constant([1., 2.])).numpy().tolist()
    [2.0, 4.0]
    """
    scalar = convert_to_tensor(scalar, x.dtype)
    if scalar._shape:
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {scalar.shape}.")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(binary(MUL, scalar, x.values), x.indices, x.dense_shape)
    return binary(MUL, scalar, x)


def negative(x, name=None):
    """-x, elementwise: signed numbers.

    >>> import tapeflow as tf
    >>> tf.negative([1., -2.]).numpy().tolist()
    [-1.0, 2.0]
    """
    return unary(NEG, x)


def square(x, name=None):
    """x * x, elementwise: numbers.

    >>> import tapeflow as tf
    >>> tf.square([1., -2.]).numpy().tolist()
    [1.0, 4.0]
    """
    return unary(SQUARE, x)


def squared_difference(x, y, name=None):
    """(x - y) * conj(x - y), elementwise and broadcast.

    >>> import tapeflow as tf
    >>> tf.math.squared_difference([1., 5.], 3.).numpy().tolist()
    [4.0, 4.0]
    """
    if not is_tensor(x):
        x, y = match(x, y)
    if x.dtype.is_complex:
        difference = x - y
        return difference * _conj(difference)  # not differentiable in the complex sense: by its parts
    return binary(SQUARED_DIFFERENCE, x, y)


_TRUE_DIVIDE = {  # what the quotient of integers is
    "uint8": "float32", "int8": "float32", "uint16": "float32", "int16": "float32",
    "uint32": "float64", "int32": "float64", "uint64": "float64", "int64": "float64",
}  # fmt: skip
_QUICK = (float, int, EagerTensor)


def truediv(x, y, name=None):
    """x / y as Python 3 divides: integers of up to 16 bits become float32, larger ones float64.

    Raises TypeError for two dtypes, or for one that has no quotient.

    >>> import tapeflow as tf
    >>> tf.truediv(1, 2).numpy().item()
    0.5
    """
    if x.__class__ is EagerTensor and y.__class__ in _QUICK and x._array.dtype.kind == "f":
        if y.__class__ is not EagerTensor or y._array.dtype is x._array.dtype:
            return binary(REAL_DIV, x, y)
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, dtype_hint=x.dtype)
    return binary(REAL_DIV, *_divisible(x, y, "__truediv__"))


def _divisible(x, y, what):
    """Two tensors in the dtype that their quotient has."""
    if x._dtype != y._dtype:
        raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
    if x._dtype in _INEXACT:
        return x, y
    wanted = _TRUE_DIVIDE.get(x.dtype.name)
    if wanted is None:
        raise TypeError(f"Invalid dtype {x.dtype!r} in {what}. Expected one of numbers, real or complex.")
    from tapeflow.ops.casting import cast

    return cast(x, wanted), cast(y, wanted)


_INEXACT = frozenset(INEXACT)


def divide(x, y, name=None):
    """x / y as Python's operator: see `tf.truediv`.

    >>> import tapeflow as tf
    >>> tf.divide([1., 2.], 2.).numpy().tolist()
    [0.5, 1.0]
    """
    if not is_tensor(x):
        x = convert_to_tensor(x, y.dtype if is_tensor(y) else None)
    return truediv(x, y)


def realdiv(x, y, name=None):
    """x / y of real numbers, elementwise and broadcast.

    >>> import tapeflow as tf
    >>> tf.realdiv([1., 2.], 2.).numpy().tolist()
    [0.5, 1.0]
    """
    return binary(REAL_DIV, x, y)


def divide_no_nan(x, y, name=None):
    """x / y, and 0 where y is 0.

    >>> import tapeflow as tf
    >>> tf.math.divide_no_nan([1., 2.], [0., 2.]).numpy().tolist()
    [0.0, 1.0]
    """
    x = convert_to_tensor(x, y.dtype if is_tensor(y) and not is_tensor(x) else None)
    y = convert_to_tensor(y, dtype_hint=x.dtype)
    return binary(DIV_NO_NAN, *_divisible(x, y, "tf.math.divide_no_nan"))


def multiply_no_nan(x, y, name=None):
    """x * y, and 0 where y is 0 even if x is infinite or not a number.

    >>> import tapeflow as tf
    >>> tf.math.multiply_no_nan([float("inf"), 2.], [0., 2.]).numpy().tolist()
    [0.0, 4.0]
    """
    x = convert_to_tensor(x)
    return binary(MUL_NO_NAN, x, convert_to_tensor(y, x.dtype))


def reciprocal(x, name=None):
    """1 / x, elementwise.

    >>> import tapeflow as tf
    >>> tf.math.reciprocal([2., 4.]).numpy().tolist()
    [0.5, 0.25]
    """
    return unary(RECIPROCAL, x)


def reciprocal_no_nan(x, name=None):
    """1 / x, and 0 where x is 0.

    >>> import tapeflow as tf
    >>> tf.math.reciprocal_no_nan([2., 0.]).numpy().tolist()
    [0.5, 0.0]
    """
    x = convert_to_tensor(x)
    one = EagerTensor(x._dtype.type(1)) if x._dtype in DIV_NO_NAN.kernels else convert_to_tensor(1, x.dtype)
    return binary(DIV_NO_NAN, one, x)


def maximum(x, y, name=None):
    """The greater of x and y; the derivative of a tie goes to x.

    >>> import tapeflow as tf
    >>> tf.maximum([1., 5.], 3.).numpy().tolist()
    [3.0, 5.0]
    """
    return binary(MAXIMUM, x, y)


def minimum(x, y, name=None):
    """The lesser of x and y; the derivative of a tie goes to x.

    >>> import tapeflow as tf
    >>> tf.minimum([1., 5.], 3.).numpy().tolist()
    [1.0, 3.0]
    """
    return binary(MINIMUM, x, y)


def polyval(coeffs, x, name=None):
    """The polynomial with the list `coeffs` of coefficients, highest power first, at `x`, by Horner's rule.

    Raises ValueError if `coeffs` is no list.

    >>> import tapeflow as tf
    >>> tf.math.polyval([2, 1, 0], 3).numpy().item()
    21
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    x = convert_to_tensor(x)
    if not coeffs:
        return zeros_like_static(x)
    total, *rest = [convert_to_tensor(coefficient) for coefficient in coeffs]
    for coefficient in rest:
        total = coefficient + total * x
    return total
