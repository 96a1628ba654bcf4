"""The parts of numbers: absolute value, sign; real and imaginary part, conjugate, angle."""

import operator

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.engine.dispatch import apply, binary, unary
from tapeflow.engine.dtypes import COMPLEX, FLOAT, SIGNED, low_precision
from tapeflow.engine.primitive import elementwise, general, linear
from tapeflow.ops.arithmetic import divide_no_nan, sum_to, zeros_like_static

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)

ABS = elementwise("Abs", operator.abs, FLOAT + SIGNED, lambda x: sign(x))
SIGN = elementwise("Sign", np.sign, FLOAT + SIGNED, 0)
low_precision(SIGN, np.sign)
COMPLEX_ABS = general(
    "ComplexAbs", lambda x: np.hypot(x.real, x.imag), COMPLEX,  # np.abs is less accurate
    lambda g, x, y: divide_no_nan(_as_complex(g) * x, _as_complex(y)),
    lambda dx, x, y: divide_no_nan(real(conj(x) * dx), y),
    batch="elementwise",
)  # fmt: skip
CONJ = linear("Conj", np.conj, COMPLEX, lambda g: conj(g), batch="elementwise")
REAL = linear("Real", np.real, COMPLEX, lambda g: _as_complex(g), batch="elementwise")
IMAG = linear("Imag", np.imag, COMPLEX, lambda g: complex(zeros_like_static(g), g), batch="elementwise")


def _make_complex(a, b):
    out = np.empty(np.broadcast_shapes(a.shape, b.shape), np.complex64 if a.dtype == F32 else np.complex128)
    out.real, out.imag = a, b
    return out


COMPLEX_OF = linear(
    "Complex", _make_complex, (F32, F64),
    lambda g, a_like: sum_to(real(g), a_like), lambda g, b_like: sum_to(imag(g), b_like),
    operands="a b", batch="elementwise", joint=True,
)  # fmt: skip
# With z = a + ib, the angle has the partials -b / |z|^2 and a / |z|^2.
ANGLE = general(
    "Angle", np.angle, COMPLEX,
    lambda g, x: -_as_complex(g) / complex(imag(x), real(x)),
    lambda dx, x: imag(dx / x),
    batch="elementwise",
)  # fmt: skip


def _as_complex(g):
    return complex(g, zeros_like_static(g))


# The public operations.


def abs(x, name=None):  # noqa: A001 (TensorFlow's name)
    """The absolute value, a real number even of a complex one.

    >>> import tapeflow as tf
    >>> tf.abs([-1., 3.]).numpy().tolist(), tf.abs(3 + 4j).numpy().item()
    ([1.0, 3.0], 5.0)
    """
    x = convert_to_tensor(x)
    return apply(COMPLEX_ABS, (x,)) if x._dtype.kind == "c" else unary(ABS, x)


def sign(x, name=None):
    """-1, 0 or 1; x / |x| of a complex number.

    >>> import tapeflow as tf
    >>> tf.sign([-2., 0., 3.]).numpy().tolist()
    [-1.0, 0.0, 1.0]
    """
    x = convert_to_tensor(x)
    if x._dtype.kind == "c":
        return divide_no_nan(x, _as_complex(apply(COMPLEX_ABS, (x,))))
    return unary(SIGN, x)


def conj(x, name=None):
    """The complex conjugate; a real tensor as it is. Raises TypeError for what is no number.

    >>> import tapeflow as tf
    >>> tf.math.conj(1 + 2j).numpy().item()
    (1-2j)
    """
    x = convert_to_tensor(x)
    if x._dtype.kind == "c":
        return apply(CONJ, (x,))
    if x.dtype.is_floating or x.dtype.is_integer:
        return x
    raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")


def real(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The real part; a real tensor as it is.

    >>> import tapeflow as tf
    >>> tf.math.real(1 + 2j).numpy().item()
    1.0
    """
    x = convert_to_tensor(input)
    if x._dtype.kind == "c":
        return apply(REAL, (x,))
    if x.dtype.is_numeric:
        return x
    raise TypeError(f"input must be a numeric tensor, but got tensor with dtype {x.dtype!r}")


def imag(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The imaginary part; zeros of a real tensor.

    >>> import tapeflow as tf
    >>> tf.math.imag(1 + 2j).numpy().item()
    2.0
    """
    x = convert_to_tensor(input)
    return apply(IMAG, (x,)) if x._dtype.kind == "c" else zeros_like_static(x)


def complex(real, imag, name=None):  # noqa: A001 (TensorFlow's name)
    """real + 1j * imag: complex64 of float32, complex128 of float64. Raises TypeError for other dtypes.

    >>> import tapeflow as tf
    >>> tf.complex(1., 2.).numpy().item()
    (1+2j)
    """
    real, imag = convert_to_tensor(real), convert_to_tensor(imag)
    if (real._dtype, imag._dtype) not in ((F32, F32), (F64, F64)):
        raise TypeError(
            "The `real` and `imag` components have incorrect types: "
            f"{real.dtype.name} {imag.dtype.name}. They must be consistent, and one of (tf.float32, "
            "tf.float64)."
        )
    return binary(COMPLEX_OF, real, imag)


def angle(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The argument of a complex number in radians; 0 or pi of a real one.

    >>> import tapeflow as tf
    >>> round(tf.math.angle(1j).numpy().item(), 4)
    1.5708
    """
    x = convert_to_tensor(input)
    if x._dtype.kind == "c":
        return apply(ANGLE, (x,))
    from tapeflow.ops.compare import less, where

    return where(less(x, 0), convert_to_tensor(np.pi, x.dtype), zeros_like_static(x))
