"""Bias, moments over axes, and normalisation by them."""

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import float16, float32
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply, bracketed, mismatch, not_allowed
from tapeflow.engine.dtypes import NUMBER
from tapeflow.engine.primitive import linear
from tapeflow.ops.casting import cast
from tapeflow.ops.elementwise import divide_no_nan, rsqrt, squared_difference
from tapeflow.ops.reduce import axes_of, reduce_mean, reduce_sum, sum_axes
from tapeflow.ops.shaping import broadcast_static, reshape_static
from tapeflow.ops.sized import of_any_rank


def _bias_add(value, bias, channel):
    return value + (bias if channel == -1 else bias.reshape(bias.size, *[1] * (-1 - channel)))


def _sum_but(g, channel):
    rank = len(g._shape)
    return sum_axes(g, tuple([i for i in range(rank) if i != rank + channel]))


def _bias_add_batched(value, bias, channel):
    ones = [1] * len(value._shape)
    ones[0], ones[channel] = bias._shape
    return value + reshape_static(bias, tuple(ones))


# `channel` is the axis of the bias, a negative int.
BIAS_ADD = linear(
    "BiasAdd", _bias_add, NUMBER, lambda g: g, _sum_but, operands="value bias", attrs="channel", joint=True,
    batch=_bias_add_batched,
)  # fmt: skip


@of_any_rank
def bias_add(value, bias, data_format=None, name=None):
    """`value + bias`, the bias along the last dimension, or along the second one.

    Args:
      value: a tensor of numbers, of shape `[n, ..., c]` (or `[n, c, ...]`).
      bias: a tensor of the same dtype, of shape `[c]`.
      data_format: "N...C" or "NC..."; None stands for the first.

    Raises ValueError for another format, InvalidArgumentError if the shapes or dtypes do not fit.

    >>> import tapeflow as tf
    >>> tf.nn.bias_add([[1., 2.]], [10., 20.]).numpy().tolist()
    [[11.0, 22.0]]
    """
    if data_format is None or data_format.startswith("N") and data_format.endswith("C") and data_format != "NC":
        first = False
    elif data_format.startswith("NC"):
        first = True
    else:
        raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`. Received: data_format={data_format}")
    value = convert_to_tensor(value)
    bias = convert_to_tensor(bias, dtype_hint=value.dtype)
    if value._dtype not in BIAS_ADD.kernels:
        raise not_allowed(BIAS_ADD, value._dtype)
    if value._dtype != bias._dtype:
        raise mismatch(BIAS_ADD, 1, value._dtype, bias._dtype)
    rank = len(value._shape)
    if rank < 2:
        raise _failed(f"Input tensor must be at least 2D: {bracketed(value._shape)}")
    if len(bias._shape) != 1:
        raise _failed(f"Biases must be 1D: {bracketed(bias._shape)}")
    channel = 1 - rank if first else -1
    if bias._shape[0] != value._shape[channel]:
        raise _failed(
            f"Must provide as many biases as the {'channel' if first else 'last'} dimension of the input "
            "tensor: "
            f"{bracketed(bias._shape)} vs. {bracketed(value._shape)}"
        )
    return apply(BIAS_ADD, (value, bias), (channel,))


def _failed(text):
    return invalid_argument(f"{text} [Op:BiasAdd] name: ")


@of_any_rank
def moments(x, axes, shift=None, keepdims=False, name=None):
    """The mean and the variance of `x` over `axes`, a pair; float16 is summed in float32.

    Args:
      x: a tensor of numbers.
      axes: an int, several, or None for all.
      shift: not used.
      keepdims: whether the reduced dimensions stay, with size 1.

    Raises InvalidArgumentError for a bad axis.

    >>> import tapeflow as tf
    >>> [m.numpy().tolist() for m in tf.nn.moments([[1., 2.], [3., 6.]], axes=[0])]
    [[2.0, 4.0], [1.0, 4.0]]
    """
    x = convert_to_tensor(x)
    wide = cast(x, float32) if x.dtype is float16 else x
    mean = reduce_mean(wide, axes, True)
    variance = reduce_mean(squared_difference(wide, mean), axes, True)
    return _finished(x, axes, keepdims, mean, variance)


def _finished(x, axes, keepdims, mean, variance):
    """The moments in the shape and dtype that they are to have."""
    if not keepdims:
        reduced = axes_of(axes, len(x._shape))
        shape = tuple([n for i, n in enumerate(x._shape) if i not in reduced])
        mean, variance = reshape_static(mean, shape), reshape_static(variance, shape)
    if mean.dtype is not x.dtype:
        mean, variance = cast(mean, x.dtype), cast(variance, x.dtype)
    return mean, variance


def weighted_moments(x, axes, frequency_weights, keepdims=False, name=None):
    """The weighted mean and variance of `x` over `axes`, a pair; 0 where the weights sum to 0.

    Args:
      x: a tensor of numbers.
      axes: an int, several, or None for all.
      frequency_weights: weights that broadcast to `x`.
      keepdims: whether the reduced dimensions stay, with size 1.

    Raises InvalidArgumentError for a bad axis.

    >>> import tapeflow as tf
    >>> [m.numpy().item() for m in tf.nn.weighted_moments([1., 4.], axes=0, frequency_weights=[2., 1.])]
    [2.0, 2.0]
    """
    x = convert_to_tensor(x)
    wide = cast(x, float32) if x.dtype is float16 else x
    weights = convert_to_tensor(frequency_weights)
    if weights.dtype is not wide.dtype:
        weights = cast(weights, wide.dtype)
    weighted = weights * wide
    total = reduce_sum(
        weights if weights._shape == weighted._shape else broadcast_static(weights, weighted._shape),
        axes,
        True,
    )
    mean = divide_no_nan(reduce_sum(weighted, axes, True), total)
    variance = divide_no_nan(reduce_sum(weights * squared_difference(wide, mean), axes, True), total)
    return _finished(x, axes, keepdims, mean, variance)


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """scale * (x - mean) / sqrt(variance + variance_epsilon) + offset. (Ioffe & Szegedy, 2015, algorithm 2.)

    Args:
      x: a floating-point tensor.
      mean, variance: tensors that broadcast to `x`.
      offset, scale: tensors that broadcast to `x`, or None to leave them out.
      variance_epsilon: a small number, against division by 0.

    >>> import tapeflow as tf
    >>> tf.nn.batch_normalization([1., 3.], mean=2., variance=4., offset=None, scale=None,
    ...                           variance_epsilon=0.).numpy().tolist()
    [-0.5, 0.5]
    """
    factor = rsqrt(variance + variance_epsilon)
    if scale is not None:
        factor = factor * scale
    rest = -mean * factor if offset is None else offset - mean * factor
    dtype = x.dtype if hasattr(x, "dtype") else convert_to_tensor(x).dtype
    return x * _cast(factor, dtype) + _cast(rest, dtype)


def _cast(value, dtype):
    return value if hasattr(value, "dtype") and value.dtype is dtype else cast(value, dtype)
