"""Activation functions: the rectifiers, the smooth ones, and the softmaxes over an axis.

Where a derivative can be had from the output it is, so that a tape keeps only what the next layer keeps
anyway. The derivatives at the kinks are TensorFlow's: 0 of `relu` at 0, alpha of `leaky_relu` at 0.
"""

import operator

import numpy as np
from ml_dtypes import finfo

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import bfloat16
from tapeflow.core.errors import invalid_argument
from tapeflow.core.numbers import SELU_ALPHA, SELU_SCALE
from tapeflow.engine.dispatch import apply, binary, not_allowed, unary
from tapeflow.engine.dtypes import FLOAT, INTEGER, LOW, low_precision
from tapeflow.engine.primitive import ELEMENTWISE, elementwise, general
from tapeflow.ops.casting import cast
from tapeflow.ops.compare import logical_and, where
from tapeflow.ops.elementwise import abs as abs_
from tapeflow.ops.elementwise import exp, negative, reciprocal, sigmoid, square, tanh
from tapeflow.ops.elementwise import pow as pow_
from tapeflow.ops.reduce import sum_axes
from tapeflow.ops.shaping import concat
from tapeflow.ops.sized import of_any_rank

BFLOAT16 = bfloat16._np

# Rectifiers.


def _relu(x):
    return np.maximum(x, x.dtype.type(0))


def _relu6(x):
    return np.minimum(_relu(x), x.dtype.type(6))


def _leaky_relu(x, alpha):
    return np.where(x > 0, x, x * x.dtype.type(alpha))


def _elu(x):
    if x.dtype == BFLOAT16:
        return np.where(x < 0, np.exp(x) - x.dtype.type(1), x)  # so coarse in TensorFlow
    return np.where(x < 0, np.expm1(np.minimum(x, x.dtype.type(0))), x)


def _selu(x):
    scale, slope = x.dtype.type(SELU_SCALE), x.dtype.type(SELU_SCALE * SELU_ALPHA)
    if x.dtype == BFLOAT16:
        return np.where(x < 0, slope * (np.exp(x) - x.dtype.type(1)), scale * x)
    return np.where(x < 0, slope * np.expm1(np.minimum(x, x.dtype.type(0))), scale * x)


# The slope of each of these is a primitive of the cotangent and the value: its derivative by the value is 0,
# not None, so that second derivatives are the zeros that TensorFlow gives.

_REAL = FLOAT + INTEGER
RELU_GRAD = elementwise("ReluGrad", lambda a, b: np.where(b > 0, a, a.dtype.type(0)), _REAL, lambda b: b > 0, 0)
RELU = general(
    "Relu", _relu, _REAL, lambda g, y: binary(RELU_GRAD, g, y), lambda dx, y: binary(RELU_GRAD, dx, y),
    batch=ELEMENTWISE,
)  # fmt: skip
RELU6_GRAD = elementwise(
    "Relu6Grad", lambda a, b: np.where((b > 0) & (b < 6), a, a.dtype.type(0)), _REAL,
    lambda b: logical_and(b > 0, b < 6), 0,
)  # fmt: skip
RELU6 = general(
    "Relu6", _relu6, _REAL, lambda g, y: binary(RELU6_GRAD, g, y), lambda dx, y: binary(RELU6_GRAD, dx, y),
    batch=ELEMENTWISE,
)  # fmt: skip
LEAKY_RELU_GRAD = elementwise(
    "LeakyReluGrad", lambda a, b, alpha: np.where(b > 0, a, a * a.dtype.type(alpha)), FLOAT,
    lambda b, alpha: where(b > 0, b._dtype.type(1), b._dtype.type(alpha)), 0, attrs="alpha",
)  # fmt: skip
LEAKY_RELU = general(
    "LeakyRelu", _leaky_relu, FLOAT,
    lambda g, x, alpha: apply(LEAKY_RELU_GRAD, (g, x), (alpha,)),
    lambda dx, x, alpha: apply(LEAKY_RELU_GRAD, (dx, x), (alpha,)), attrs="alpha", batch=ELEMENTWISE,
)  # fmt: skip
ELU = elementwise("Elu", _elu, FLOAT, lambda y: where(y < 0, y + 1, 1))
SELU = elementwise("Selu", _selu, FLOAT, lambda y: where(y < 0, y + SELU_SCALE * SELU_ALPHA, SELU_SCALE))

# Smooth ones.


def _softplus(x):
    return np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(x)))


def _softplus_in_float32(x):
    """As TensorFlow has it: log(1 + exp(x)) is exp(x) where that is small for the dtype."""
    wide = x.astype(np.float32)
    small = wide < np.log(np.float32(finfo(x.dtype).eps)) + 2
    return np.where(small, np.exp(wide), _softplus(wide)).astype(x.dtype)


SOFTPLUS = elementwise("Softplus", _softplus, FLOAT, lambda x: sigmoid(x))
SOFTSIGN = elementwise("Softsign", lambda x: x / (1 + np.abs(x)), FLOAT, lambda x: reciprocal(square(1 + abs_(x))))
for _prim in (RELU, RELU6):  # -0 stays -0, as in TensorFlow
    _prim.kernels[BFLOAT16] = lambda x, kernel=_prim.kernel: np.where(x == 0, x, kernel(x))
for _dtype in LOW:
    SOFTPLUS.kernels[_dtype] = _softplus_in_float32
low_precision(SOFTSIGN, SOFTSIGN.kernel)

# Over an axis, a negative int: it counts from the end, so that it is the same in a batch.


def _softmax(x, axis):
    out = np.exp(x - _highest(x, axis))
    out /= out.sum(axis, keepdims=True)
    return out


def _log_softmax(x, axis):
    shifted = x - _highest(x, axis)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def _highest(x, axis):
    return x.max(axis, keepdims=True) if x.shape[axis] else x.dtype.type(0)


def _softmax_map(v, y, axis):
    """The Jacobian of softmax, diag(y) - y y^T, times v. It is symmetric: the same for both modes."""
    return (v - sum_axes(v * y, (len(y._shape) + axis,), True)) * y


def _over_axis(name, kernel, vjp, jvp):
    prim = general(name, kernel, FLOAT, vjp, jvp, attrs="axis", batch=lambda x, axis: apply(prim, (x,), (axis,)))

    def widened(x, axis):
        return kernel(x.astype(np.float32), axis).astype(x.dtype)

    for dtype in LOW:
        prim.kernels[dtype] = widened
    return prim


SOFTMAX = _over_axis(
    "Softmax", _softmax,
    lambda g, y, axis: _softmax_map(g, y, axis),
    lambda dx, y, axis: _softmax_map(dx, y, axis),
)  # fmt: skip
LOG_SOFTMAX = _over_axis(
    "LogSoftmax", _log_softmax,
    lambda g, y, axis: g - exp(y) * sum_axes(g, (len(y._shape) + axis,), True),
    lambda dx, y, axis: dx - sum_axes(dx * exp(y), (len(y._shape) + axis,), True),
)  # fmt: skip


# The public operations.


def relu(features, name=None):
    """max(x, 0), elementwise: real numbers. The derivative at 0 is 0.

    >>> import tapeflow as tf
    >>> tf.nn.relu([-1., 2.]).numpy().tolist()
    [0.0, 2.0]
    """
    return unary(RELU, features)


def relu6(features, name=None):
    """min(max(x, 0), 6), elementwise: real numbers.

    >>> import tapeflow as tf
    >>> tf.nn.relu6([-1., 2., 7.]).numpy().tolist()
    [0.0, 2.0, 6.0]
    """
    return unary(RELU6, features)


def leaky_relu(features, alpha=0.2, name=None):
    """x where x > 0, alpha * x elsewhere; integers become float32. Raises TypeError if `alpha` is no number.

    >>> import tapeflow as tf
    >>> tf.nn.leaky_relu([-1., 2.], alpha=0.5).numpy().tolist()
    [-0.5, 2.0]
    """
    x = convert_to_tensor(features)
    if x._dtype.kind in "iu":
        x = cast(x, "float32")
    if alpha is None:
        alpha = 0.2
    if hasattr(alpha, "__tf_tensor__") or not hasattr(alpha, "__float__"):
        raise TypeError(f"Expected float for argument 'alpha' not {alpha!r}.")
    alpha = float(np.float32(alpha))  # as TensorFlow has it, whatever the dtype of x
    return apply(LEAKY_RELU, (x,), (alpha,))


def elu(features, name=None):
    """x where x >= 0, exp(x) - 1 elsewhere: floating-point numbers. (Clevert et al., 2015.)

    >>> import tapeflow as tf
    >>> tf.nn.elu([-1., 2.]).numpy().round(3).tolist()
    [-0.6320000290870667, 2.0]
    """
    return unary(ELU, features)


def selu(features, name=None):
    """scale * elu(x, alpha), for networks that normalise themselves. (Klambauer et al., 2017.)

    >>> import tapeflow as tf
    >>> tf.nn.selu([0., 1.]).numpy().round(3).tolist()
    [0.0, 1.0509999990463257]
    """
    return unary(SELU, features)


def gelu(features, approximate=False, name=None):
    """x times the normal distribution function of x, or an approximation of that. (Hendrycks & Gimpel, 2016.)

    Raises ValueError unless `features` are floating-point numbers.

    >>> import tapeflow as tf
    >>> tf.nn.gelu([-1., 0., 1.]).numpy().round(3).tolist()
    [-0.1589999943971634, 0.0, 0.8410000205039978]
    """
    x = convert_to_tensor(features)
    if not x.dtype.is_floating:
        raise ValueError(f"`features.dtype` must be a floating point tensor. Received: features.dtype={x.dtype}")
    if approximate:
        return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + _GELU_CUBIC * pow_(x, 3))))
    from tapeflow.ops.special import erfc

    return 0.5 * x * erfc(-x * _ROOT_OF_HALF)


# TensorFlow has these two in float32, whatever the dtype of x.
_GELU_CUBIC, _ROOT_OF_HALF = float(np.float32(0.044715)), float(np.float32(0.5**0.5))


def crelu(features, axis=-1, name=None):
    """relu of x and of -x, one after the other along `axis`. (Shang et al., 2016.)

    >>> import tapeflow as tf
    >>> tf.nn.crelu([-1., 2.]).numpy().tolist()
    [0.0, 2.0, 1.0, 0.0]
    """
    x = convert_to_tensor(features)
    if not x._shape:
        raise invalid_argument(
            f"ConcatOp : Expected concatenating dimensions in the range [0, 0), but got {axis} [Op:ConcatV2] name: "
        )
    return relu(concat([x, -x], axis))


def silu(features, beta=1.0):
    """x * sigmoid(beta * x). (Elfwing et al., 2017; Ramachandran et al., 2017, who call it swish.)

    >>> import tapeflow as tf
    >>> tf.nn.silu([0., 2.]).numpy().round(3).tolist()
    [0.0, 1.7619999647140503]
    """
    x = convert_to_tensor(features)
    if beta.__class__ is float and beta == 1.0:
        return x * sigmoid(x)
    return x * sigmoid(cast(beta, x.dtype) * x)


swish = silu


def softplus(features, name=None):
    """log(1 + exp(x)), without overflow: floating-point numbers.

    >>> import tapeflow as tf
    >>> tf.math.softplus([-100., 0., 100.]).numpy().round(3).tolist()
    [0.0, 0.6930000185966492, 100.0]
    """
    return unary(SOFTPLUS, features)


def softsign(features, name=None):
    """x / (1 + |x|), elementwise: floating-point numbers.

    >>> import tapeflow as tf
    >>> tf.math.softsign([-1., 0., 3.]).numpy().tolist()
    [-0.5, 0.0, 0.75]
    """
    return unary(SOFTSIGN, features)


def log_sigmoid(x, name=None):
    """log(sigmoid(x)), without overflow: floating-point numbers.

    >>> import tapeflow as tf
    >>> tf.math.log_sigmoid([-100., 0.]).numpy().round(3).tolist()
    [-100.0, -0.6930000185966492]
    """
    return negative(unary(SOFTPLUS, negative(x)))


def softmax(logits, axis=None, name=None):
    """exp(x) / sum(exp(x)) over `axis`, the last one if None: floating-point numbers.

    Raises InvalidArgumentError for an axis out of range.

    >>> import tapeflow as tf
    >>> tf.nn.softmax([0., 0.]).numpy().tolist()
    [0.5, 0.5]
    """
    return _normalized(SOFTMAX, logits, axis)


def log_softmax(logits, axis=None, name=None):
    """log(softmax(x)) over `axis`, the last one if None, without overflow: floating-point numbers.

    Raises InvalidArgumentError for an axis out of range.

    >>> import tapeflow as tf
    >>> tf.nn.log_softmax([0., 0.]).numpy().round(3).tolist()
    [-0.6930000185966492, -0.6930000185966492]
    """
    return _normalized(LOG_SOFTMAX, logits, axis)


@of_any_rank
def _normalized(prim, logits, axis):
    x = convert_to_tensor(logits)
    rank = len(x._shape)
    if isinstance(axis, float):
        raise invalid_argument(
            "Value for attr 'Tperm' of float is not in the list of allowed values: int32, int64: the axis "
            f"was {axis} "
            f"[Op:{prim.name}] name: "
        )
    axis = -1 if axis is None else operator.index(axis)
    if not -rank <= axis < rank:
        if not rank and axis == -1:
            raise invalid_argument(f"logits must have >= 1 dimension, got [] [Op:{prim.name}] name: ")
        raise invalid_argument(
            f"`dim` must be in the range [{-rank}, {rank}) where {rank} is the number of dimensions in the "
            "input. "
            f"Received: dim={axis}"
        )
    if x._dtype not in prim.kernels:
        raise not_allowed(prim, x._dtype)
    return apply(prim, (x,), (axis if axis < 0 else axis - rank,))
