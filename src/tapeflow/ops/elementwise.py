"""Exponentials, logarithms, powers, trigonometric and hyperbolic functions.

The partials of inverse functions are the textbook's (Abramowitz & Stegun, ch. 4); at poles and at edges of
the domain they are infinite or not a number as it comes. All other elementwise functions are here by name.
"""

import numpy as np

from tapeflow.core.errors import invalid_argument
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import binary, unary
from tapeflow.engine.dtypes import COMPLEX, FLOAT, INEXACT, SIGNED, low_precision
from tapeflow.engine.primitive import elementwise

from tapeflow.ops.arithmetic import (  # noqa: F401  # isort: skip
    ADD, DIV_NO_NAN, IDENTITY, MAXIMUM, MINIMUM, MUL, MUL_NO_NAN, NEG, READ, REAL_DIV, RECIPROCAL, SQUARE,
    SQUARED_DIFFERENCE, SUB, add, copy_of, divide, divide_no_nan, guarded, maximum, minimum, multiply,
    multiply_no_nan, negative, ones_like_static, realdiv, reciprocal, reciprocal_no_nan, scalar_mul, square,
    squared_difference, subtract, truediv, zeros_like_static,
)  # fmt: skip
from tapeflow.ops.complex_parts import (  # noqa: F401  # isort: skip
    ABS, ANGLE, COMPLEX_ABS, COMPLEX_OF, CONJ, IMAG, REAL, SIGN, abs, angle, complex, conj, imag, real, sign,
)  # fmt: skip
from tapeflow.ops.rounding import (  # noqa: F401  # isort: skip
    CEIL, FLOOR, FLOOR_DIV, FLOOR_MOD, RINT, ROUND, TRUNCATE_DIV, TRUNCATE_MOD, ceil, floor, floordiv,
    floormod, mod, rint, round, truncatediv, truncatemod,
)  # fmt: skip

# Roots and powers.

SQRT = guarded("Sqrt", np.sqrt, INEXACT, lambda y: reciprocal(y) * 0.5)
RSQRT = guarded("Rsqrt", lambda x: 1 / np.sqrt(x), INEXACT, lambda y: y * y * y * -0.5)
low_precision(RSQRT, lambda x: 1 / np.sqrt(x))


def _pow(a, b):
    if a.dtype.kind in "iu" and (b < 0).any():
        raise invalid_argument("Integers to negative integer powers are not allowed [Op:Pow] name: ")
    if b.__class__ is np.ndarray:
        return np.power(a, b)
    if b == 2:
        return a * a  # what most users write, and far quicker
    if a.__class__ is not np.ndarray:
        return a**b
    if b == 0.5 and a.dtype.kind != "c":
        # np.power takes the root of -inf and -0, which is not the power
        return np.where(a == -np.inf, -a, np.sqrt(a) + a.dtype.type(0))
    return np.power(a, b)


def _log_where_defined(a):
    """log(a) where a power of a has a derivative by its exponent, 0 elsewhere."""
    from tapeflow.ops.compare import where

    defined = a != 0 if a.dtype.is_complex else a > 0
    return where(defined, log(where(defined, a, 1)), 0)


def _pow_by_base(a, b):
    """b * a^(b - 1), computed at once where nobody listens: squares are what most users differentiate first."""
    if a.__class__ is not EagerTensor or b.__class__ is not EagerTensor or thread.listeners:
        return b * pow(a, b - 1)
    base, exponent = a._array, b._array
    if exponent.__class__ is not np.ndarray and exponent == 2:
        return EagerTensor(base + base)
    return EagerTensor(exponent * _pow(base, exponent - exponent.dtype.type(1)))


POW = elementwise(
    "Pow", _pow, FLOAT + SIGNED + COMPLEX,
    _pow_by_base, lambda a, y: y * _log_where_defined(a),
)  # fmt: skip

# Exponentials and logarithms.

EXP = elementwise("Exp", np.exp, INEXACT, lambda y: y)
EXPM1 = elementwise("Expm1", np.expm1, INEXACT, lambda x: exp(x))
LOG = elementwise("Log", np.log, INEXACT, lambda x: reciprocal(x))
LOG1P = elementwise("Log1p", np.log1p, INEXACT, lambda x: reciprocal(x + 1))


def _sigmoid(x):
    """e^x / (1 + e^x), which is nearer than 1 / (1 + e^-x); beyond the last x whose exponential is finite it is 1."""
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    power = np.exp(np.minimum(x, x.dtype.type(88 if x.dtype.itemsize == 4 else 709)))
    return power / (1 + power)


SIGMOID = elementwise("Sigmoid", _sigmoid, INEXACT, lambda y: y * (1 - y))
low_precision(SIGMOID, _sigmoid)


def _guarded(function):
    """`function(a, b)` where a is not 0, and a where it is."""
    return lambda a, b: np.where(a == 0, a, function(a, b))


def _not_zero(a):
    from tapeflow.ops.casting import cast_static

    return cast_static(a != 0, a._dtype)


XLOGY = elementwise(
    "Xlogy", _guarded(lambda a, b: a * np.log(b)), INEXACT,
    lambda a, b: xlogy(_not_zero(a), b), lambda a, b: xdivy(a, b),
)  # fmt: skip
XLOG1PY = elementwise(
    "Xlog1py", _guarded(lambda a, b: a * np.log1p(b)), INEXACT,
    lambda a, b: xlog1py(_not_zero(a), b), lambda a, b: xdivy(a, b + 1),
)  # fmt: skip
XDIVY = elementwise(
    "Xdivy", _guarded(lambda a, b: a / b), INEXACT,
    lambda a, b: xdivy(_not_zero(a), b), lambda b, y: -xdivy(y, b),
)  # fmt: skip
for _prim in (XLOGY, XLOG1PY, XDIVY):
    low_precision(_prim, _prim.kernel)

# Trigonometric and hyperbolic functions.


def _inverse_sine_partial(x):
    """1 / sqrt(1 - x^2), of a complex number on the side of the branch cut that `asin` itself is on."""
    return conj(reciprocal(sqrt(1 - square(conj(x)))))


SIN = elementwise("Sin", np.sin, INEXACT, lambda x: cos(x))
COS = elementwise("Cos", np.cos, INEXACT, lambda x: -sin(x))
TAN = elementwise("Tan", np.tan, INEXACT, lambda x: square(reciprocal(cos(x))))
ASIN = elementwise("Asin", np.arcsin, INEXACT, lambda x: _inverse_sine_partial(x))
ACOS = elementwise("Acos", np.arccos, INEXACT, lambda x: -_inverse_sine_partial(x))
ATAN = elementwise("Atan", np.arctan, INEXACT, lambda x: reciprocal(1 + square(x)))
SINH = elementwise("Sinh", np.sinh, INEXACT, lambda x: cosh(x))
COSH = elementwise("Cosh", np.cosh, INEXACT, lambda x: sinh(x))
TANH = elementwise("Tanh", np.tanh, INEXACT, lambda y: 1 - y * y)
ASINH = elementwise("Asinh", np.arcsinh, INEXACT, lambda y: reciprocal(cosh(y)))
ACOSH = elementwise("Acosh", np.arccosh, INEXACT, lambda y: reciprocal(sinh(y)))
ATANH = elementwise("Atanh", np.arctanh, INEXACT, lambda x: reciprocal(1 - square(x)))
ATAN2 = elementwise(
    "Atan2", np.arctan2, FLOAT,
    lambda a, b: b / (square(a) + square(b)), lambda a, b: -a / (square(a) + square(b)),
)  # fmt: skip
NEXT_AFTER = elementwise("NextAfter", np.nextafter, (np.dtype(np.float64), np.dtype(np.float32)), 1, 0)


# The public operations.


def sqrt(x, name=None):
    """The square root, elementwise.

    >>> import tapeflow as tf
    >>> tf.sqrt([4., 9.]).numpy().tolist()
    [2.0, 3.0]
    """
    return unary(SQRT, x)


def rsqrt(x, name=None):
    """1 / sqrt(x), elementwise.

    >>> import tapeflow as tf
    >>> tf.math.rsqrt([4., 16.]).numpy().tolist()
    [0.5, 0.25]
    """
    return unary(RSQRT, x)


def pow(x, y, name=None):  # noqa: A001 (TensorFlow's name)
    """x to the power y, elementwise and broadcast.

    Raises InvalidArgumentError for an integer to a negative power.

    >>> import tapeflow as tf
    >>> tf.pow([2., 3.], 2.).numpy().tolist()
    [4.0, 9.0]
    """
    return binary(POW, x, y)


def exp(x, name=None):
    """e to the power x, elementwise.

    >>> import tapeflow as tf
    >>> tf.exp(0.).numpy().item()
    1.0
    """
    return unary(EXP, x)


def expm1(x, name=None):
    """exp(x) - 1, accurate for small x.

    >>> import tapeflow as tf
    >>> tf.math.expm1(0.).numpy().item()
    0.0
    """
    return unary(EXPM1, x)


def log(x, name=None):
    """The natural logarithm, elementwise.

    >>> import tapeflow as tf
    >>> tf.math.log(1.).numpy().item()
    0.0
    """
    return unary(LOG, x)


def log1p(x, name=None):
    """log(1 + x), accurate for small x.

    >>> import tapeflow as tf
    >>> tf.math.log1p(0.).numpy().item()
    0.0
    """
    return unary(LOG1P, x)


def sigmoid(x, name=None):
    """1 / (1 + exp(-x)), elementwise.

    >>> import tapeflow as tf
    >>> tf.sigmoid(0.).numpy().item()
    0.5
    """
    return unary(SIGMOID, x)


def xlogy(x, y, name=None):
    """x * log(y), and 0 where x is 0.

    >>> import tapeflow as tf
    >>> tf.math.xlogy(0., 0.).numpy().item()
    0.0
    """
    return binary(XLOGY, x, y)


def xlog1py(x, y, name=None):
    """x * log1p(y), and 0 where x is 0.

    >>> import tapeflow as tf
    >>> tf.math.xlog1py(0., -1.).numpy().item()
    0.0
    """
    return binary(XLOG1PY, x, y)


def xdivy(x, y, name=None):
    """x / y, and 0 where x is 0.

    >>> import tapeflow as tf
    >>> tf.math.xdivy(0., 0.).numpy().item()
    0.0
    """
    return binary(XDIVY, x, y)


def sin(x, name=None):
    """The sine, of radians.

    >>> import tapeflow as tf
    >>> tf.sin(0.).numpy().item()
    0.0
    """
    return unary(SIN, x)


def cos(x, name=None):
    """The cosine, of radians.

    >>> import tapeflow as tf
    >>> tf.cos(0.).numpy().item()
    1.0
    """
    return unary(COS, x)


def tan(x, name=None):
    """The tangent, of radians.

    >>> import tapeflow as tf
    >>> tf.tan(0.).numpy().item()
    0.0
    """
    return unary(TAN, x)


def asin(x, name=None):
    """The inverse sine, in radians.

    >>> import tapeflow as tf
    >>> tf.asin(0.).numpy().item()
    0.0
    """
    return unary(ASIN, x)


def acos(x, name=None):
    """The inverse cosine, in radians.

    >>> import tapeflow as tf
    >>> tf.acos(1.).numpy().item()
    0.0
    """
    return unary(ACOS, x)


def atan(x, name=None):
    """The inverse tangent, in radians.

    >>> import tapeflow as tf
    >>> tf.atan(0.).numpy().item()
    0.0
    """
    return unary(ATAN, x)


def atan2(y, x, name=None):
    """The angle of the point (x, y), in radians in [-pi, pi].

    >>> import tapeflow as tf
    >>> tf.atan2(0., 1.).numpy().item()
    0.0
    """
    return binary(ATAN2, y, x)


def sinh(x, name=None):
    """The hyperbolic sine.

    >>> import tapeflow as tf
    >>> tf.sinh(0.).numpy().item()
    0.0
    """
    return unary(SINH, x)


def cosh(x, name=None):
    """The hyperbolic cosine.

    >>> import tapeflow as tf
    >>> tf.cosh(0.).numpy().item()
    1.0
    """
    return unary(COSH, x)


def tanh(x, name=None):
    """The hyperbolic tangent.

    >>> import tapeflow as tf
    >>> tf.tanh(0.).numpy().item()
    0.0
    """
    return unary(TANH, x)


def asinh(x, name=None):
    """The inverse hyperbolic sine.

    >>> import tapeflow as tf
    >>> tf.asinh(0.).numpy().item()
    0.0
    """
    return unary(ASINH, x)


def acosh(x, name=None):
    """The inverse hyperbolic cosine.

    >>> import tapeflow as tf
    >>> tf.acosh(1.).numpy().item()
    0.0
    """
    return unary(ACOSH, x)


def atanh(x, name=None):
    """The inverse hyperbolic tangent.

    >>> import tapeflow as tf
    >>> tf.atanh(0.).numpy().item()
    0.0
    """
    return unary(ATANH, x)


def nextafter(x1, x2, name=None):
    """The next representable number after x1 toward x2.

    >>> import tapeflow as tf
    >>> (tf.math.nextafter(1., 2.) - 1.).numpy().item()
    1.1920928955078125e-07
    """
    return binary(NEXT_AFTER, x1, x2)
