"""Losses of logits and labels, and what averages them.

The two softmax losses are primitives for stability: log(sum(exp(x))) is taken once, from the largest logit
down, and the derivative is softmax(x) - labels (Bishop, "Pattern recognition and machine learning", 2006, eq.
4.109), which takes the labels of an example to sum to 1, as TensorFlow does.
"""

from math import prod

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.dtype import float32
from tapeflow.core.errors import InvalidArgumentError, invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, binary, bracketed, is_tensor, mismatch, not_allowed
from tapeflow.engine.dtypes import FLOAT, LOW
from tapeflow.engine.primitive import elementwise, general
from tapeflow.ops.activations import LOG_SOFTMAX, SOFTMAX, relu
from tapeflow.ops.casting import cast
from tapeflow.ops.compare import GREATER_EQUAL, logical_and, where
from tapeflow.ops.elementwise import EXP, MUL, divide_no_nan, exp, log, log1p, negative, sigmoid
from tapeflow.ops.elementwise import abs as abs_
from tapeflow.ops.reduce import reduce_sum, sum_axes
from tapeflow.ops.shaping import broadcast_static, reshape_static, transpose_static
from tapeflow.ops.sized import sized

# Softmax cross entropy over the last axis, of logits and labels of one shape.


def _log_normalized(logits):
    """log(softmax(x)) of an array with at least one class."""
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _cross_entropy(logits, labels):
    if not logits.shape[-1]:
        return np.zeros(logits.shape[:-1], logits.dtype)
    return 0 - (_log_normalized(logits) * labels).sum(-1)  # never -0


def _cross_entropy_vjp(g, logits, labels):
    g = reshape_static(g, (*g._shape, 1))
    log_share = apply(LOG_SOFTMAX, (logits,), (-1,))
    return g * (exp(log_share) - labels), negative(g * log_share)


def _cross_entropy_jvp(dlogits, dlabels, logits, labels):
    log_share = apply(LOG_SOFTMAX, (logits,), (-1,))
    found = (exp(log_share) - labels) * dlogits - log_share * dlabels
    return sum_axes(found, (len(found._shape) - 1,))


SOFTMAX_CROSS_ENTROPY = general(
    "SoftmaxCrossEntropyWithLogits", _cross_entropy, FLOAT, _cross_entropy_vjp, _cross_entropy_jvp,
    operands="logits labels", batch=lambda logits, labels: apply(SOFTMAX_CROSS_ENTROPY, (logits, labels)),
)  # fmt: skip


def _sparse_cross_entropy(logits, labels):
    classes = logits.shape[-1]
    if not classes:
        raise invalid_argument(f"Must have at least one class, but got logits shape {bracketed(logits.shape)}")
    if labels.shape != logits.shape[:-1]:
        raise invalid_argument(
            "labels must be 1-D, and logits and labels must have the same first dimension, got logits shape "
            f"{bracketed(logits.shape)} and labels shape {bracketed(labels.shape)}"
        )
    bad = (labels < 0) | (labels >= classes)
    if bad.any():
        raise invalid_argument(
            f"Received a label value of {labels[bad].ravel()[0] if labels.ndim else labels} which is outside "
            "the valid "
            f"range of [0, {classes}).  Label values: {' '.join(map(str, labels.ravel().tolist()))}"
        )
    rows = logits.reshape(-1, classes)
    chosen = _log_normalized(rows)[np.arange(len(rows)), labels.ravel()]
    return 0 - chosen.reshape(labels.shape)


def _excess(logits, labels):
    """softmax(logits) minus 1 at the label: the derivative of the loss."""
    out = np.exp(_log_normalized(logits))
    rows = out.reshape(-1, out.shape[-1])
    rows[np.arange(len(rows)), labels.ravel()] -= 1
    return out


def _softmax_map(v, logits):
    """The Jacobian of softmax times v; it is symmetric."""
    share = apply(SOFTMAX, (logits,), (-1,))
    return (v - sum_axes(v * share, (len(v._shape) - 1,), True)) * share


EXCESS = general(
    "SparseSoftmaxCrossEntropyWithLogitsGrad", _excess, FLOAT,
    lambda g, logits: (_softmax_map(g, logits), None), lambda dlogits, logits: _softmax_map(dlogits, logits),
    operands="logits labels", batch=lambda logits, labels: apply(EXCESS, (logits, labels)),
)  # fmt: skip


def _sparse_cross_entropy_vjp(g, logits, labels):
    return reshape_static(g, (*g._shape, 1)) * apply(EXCESS, (logits, labels)), None


def _sparse_cross_entropy_jvp(dlogits, logits, labels):
    found = apply(EXCESS, (logits, labels)) * dlogits
    return sum_axes(found, (len(found._shape) - 1,))


SPARSE_SOFTMAX_CROSS_ENTROPY = general(
    "SparseSoftmaxCrossEntropyWithLogits", _sparse_cross_entropy, FLOAT, _sparse_cross_entropy_vjp,
    _sparse_cross_entropy_jvp, operands="logits labels",
    batch=lambda logits, labels: apply(SPARSE_SOFTMAX_CROSS_ENTROPY, (logits, labels)),
)  # fmt: skip


def _sigmoid_cross_entropy(x, z):
    zero = x.dtype.type(0)
    return np.where(x >= 0, x, zero) - x * z + np.log1p(np.exp(np.where(x >= 0, -x, x)))


SIGMOID_CROSS_ENTROPY = elementwise(
    "SigmoidCrossEntropyWithLogits", _sigmoid_cross_entropy, FLOAT,
    lambda x, z: sigmoid(x) - z, lambda x: negative(x), operands="x z",
)  # fmt: skip


def _l2_loss(t):
    flat = t.ravel().astype(np.float32 if t.dtype in LOW else t.dtype, copy=False)
    return (np.dot(flat, flat) / 2).astype(t.dtype)


L2_LOSS = general(
    "L2Loss", _l2_loss, FLOAT, lambda g, t: g * t, lambda dt, t: reduce_sum(dt * t), operands="t",
    batch=lambda t: reduce_sum(reshape_static(t, (t._shape[0], prod(t._shape[1:]))) ** 2, 1) / 2,
)  # fmt: skip


# The public operations.


@sized
def softmax_cross_entropy_with_logits(labels, logits, axis=-1, name=None):
    """The cross entropy of the distributions `labels` and softmax(logits) along `axis`, for each example.

    Args:
      labels: a tensor of shape `[..., classes]`, of which each example sums to 1; cast to the dtype of
        `logits`.
      logits: a floating-point tensor of the same shape.
      axis: where the classes are.

    Returns a tensor of the shape of `logits` without `axis`. Raises InvalidArgumentError if the shapes
    differ.

    >>> import tapeflow as tf
    >>> tf.nn.softmax_cross_entropy_with_logits([[0., 1.]], [[0., 0.]]).numpy().round(3).tolist()
    [0.6930000185966492]
    """
    logits = convert_to_tensor(logits)
    labels = convert_to_tensor(labels)
    dtype = logits.dtype
    if logits._dtype not in SOFTMAX_CROSS_ENTROPY.kernels:
        raise not_allowed(SOFTMAX_CROSS_ENTROPY, logits._dtype)
    if logits._dtype in LOW:
        logits = cast(logits, float32)
    labels = cast(labels, logits.dtype)
    rank = len(logits._shape)
    if not rank:
        raise _failed("logits must have at least 1 dimension, the last one (-1) that of the classes; they have 0")
    if not -rank <= axis < rank:
        raise _failed(f"`axis` must be in the range [{-rank}, {rank}), and was {axis}")
    axis %= rank
    if axis != rank - 1:
        logits, labels = _axis_last(logits, axis), _axis_last(labels, axis)
    shape = logits._shape[:-1]
    if logits._shape != labels._shape:
        logits, labels = _as_rows(logits, labels)
    loss = apply(SOFTMAX_CROSS_ENTROPY, (logits, labels))
    if loss._shape != shape:
        loss = reshape_static(loss, shape)
    return loss if loss.dtype is dtype else cast(loss, dtype)


def _axis_last(x, axis):
    if axis >= len(x._shape):
        return x
    return transpose_static(x, (*range(axis), *range(axis + 1, len(x._shape)), axis))


def _as_rows(logits, labels):
    """Both as examples by classes, broadcast. Raises InvalidArgumentError if they do not fit."""
    rows = [reshape_static(t, (prod(t._shape[:-1]), t._shape[-1] if t._shape else 1)) for t in (logits, labels)]
    sizes = [t._shape for t in rows]
    common = tuple([n if m == 1 else m for m, n in zip(*sizes, strict=True)])
    if any(size[i] not in (1, common[i]) for size in sizes for i in (0, 1)) or common[0] != sizes[0][0]:
        raise _failed(
            "logits and labels must be broadcastable: logits_size={} labels_size={}".format(*map(bracketed, sizes))
        )
    return [broadcast_static(t, common) for t in rows]


def _failed(text):
    return invalid_argument(f"{text} [Op:SoftmaxCrossEntropyWithLogits] name: ")


def sparse_softmax_cross_entropy_with_logits(labels, logits, name=None):
    """The cross entropy of softmax(logits) and the class that `labels` names, for each example.

    Args:
      labels: a tensor of int32 or int64, of shape `[...]`, each in `[0, classes)`.
      logits: a floating-point tensor of shape `[..., classes]`.

    Returns a tensor of the shape of `labels`, of the dtype of `logits`.

    Raises:
      ValueError: the shapes do not fit, or one is not given.
      InvalidArgumentError: a label is out of range, or the dtypes are not as above.

    >>> import tapeflow as tf
    >>> tf.nn.sparse_softmax_cross_entropy_with_logits([1], [[0., 0.]]).numpy().round(3).tolist()
    [0.6930000185966492]
    """
    _both("sparse_softmax_cross_entropy_with_logits", labels, logits)
    labels = convert_to_tensor(labels)
    logits = convert_to_tensor(logits)
    dtype = logits.dtype
    wanted, given = logits._shape, labels._shape
    if not wanted:
        raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}`")
    if len(given) != len(wanted) - 1:
        raise ValueError(
            f"`labels.shape.rank` must equal `logits.shape.rank - 1`. Received: labels.shape={labels.shape} "
            "of rank "
            f"{len(given)} and logits.shape={logits.shape} of rank {len(wanted)}"
        )
    if differ(given, wanted[:-1]):
        raise ValueError(
            "`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
            f"labels.shape={labels.shape} and logits.shape={logits.shape}"
        )
    if logits._dtype not in SPARSE_SOFTMAX_CROSS_ENTROPY.kernels:
        raise not_allowed(SPARSE_SOFTMAX_CROSS_ENTROPY, logits._dtype)
    if labels._dtype not in (np.int32, np.int64):
        raise InvalidArgumentError(
            None, None,
            f"Value for attr 'Tlabels' of {labels.dtype._proto} is not in the list of allowed values: int32, "
            "int64\n"
            "\t; NodeDef: {{node SparseSoftmaxCrossEntropyWithLogits}} "
            "[Op:SparseSoftmaxCrossEntropyWithLogits] name: ",
        )  # fmt: skip
    if logits._dtype in LOW:
        logits = cast(logits, float32)
    loss = apply(SPARSE_SOFTMAX_CROSS_ENTROPY, (logits, labels))
    return loss if loss.dtype is dtype else cast(loss, dtype)


def _both(function, labels, logits):
    if labels is None or logits is None:
        raise ValueError(
            f"Both `labels` and `logits` must be provided for {function}. Received: labels={labels} and logits={logits}"
        )


def sigmoid_cross_entropy_with_logits(labels=None, logits=None, name=None):
    """The cross entropy of independent events: -z log(sigmoid(x)) - (1 - z) log(1 - sigmoid(x)), elementwise.

    Args:
      labels: z, a floating-point tensor, each element in `[0, 1]`.
      logits: x, a tensor of the same shape and dtype.

    Computed as max(x, 0) - x z + log(1 + exp(-|x|)), which does not overflow. Raises ValueError if one is not
    given or the shapes differ.

    >>> import tapeflow as tf
    >>> tf.nn.sigmoid_cross_entropy_with_logits([1., 0.], [0., 0.]).numpy().round(3).tolist()
    [0.6930000185966492, 0.6930000185966492]
    """
    _both("sigmoid_cross_entropy_with_logits", labels, logits)
    logits = convert_to_tensor(logits)
    labels = convert_to_tensor(labels)
    _same_shape(("logits", logits), ("labels", labels))
    for prim in (GREATER_EQUAL, EXP):
        if logits._dtype not in prim.kernels:
            raise not_allowed(prim, logits._dtype)
    if logits._dtype != labels._dtype:
        raise mismatch(MUL, 1, logits._dtype, labels._dtype)
    return binary(SIGMOID_CROSS_ENTROPY, logits, labels)


def weighted_cross_entropy_with_logits(labels, logits, pos_weight, name=None):
    """`tf.nn.sigmoid_cross_entropy_with_logits` with the positive events weighted by `pos_weight`.

    Args:
      labels: z, a floating-point tensor, each element in `[0, 1]`.
      logits: x, a tensor of the same shape and dtype.
      pos_weight: q, a number or tensor that broadcasts.

    Computed as (1 - z) x + (1 + (q - 1) z) (log(1 + exp(-|x|)) + max(-x, 0)). Raises ValueError if the shapes
    differ.

    >>> import tapeflow as tf
    >>> tf.nn.weighted_cross_entropy_with_logits([1., 0.], [0., 0.], 2.).numpy().round(3).tolist()
    [1.3860000371932983, 0.6930000185966492]
    """
    logits = convert_to_tensor(logits)
    labels = convert_to_tensor(labels)
    _same_shape(("logits", logits), ("labels", labels))
    weight = (pos_weight - 1) * labels + 1
    return (1 - labels) * logits + weight * (log1p(exp(-abs_(logits))) + relu(-logits))


def _same_shape(first, second):
    (name, a), (other, b) = first, second
    if differ(a._shape, b._shape):
        raise ValueError(f"`{name}` and `{other}` must have the same shape, received ({a.shape} vs {b.shape}).")


def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """The negative log-likelihood of counts under Poisson distributions: exp(c) - z c, elementwise.

    Args:
      targets: z, a floating-point tensor.
      log_input: c, the logarithm of the expected count, a tensor of the same shape and dtype.
      compute_full_loss: whether to add log(z!) by Stirling's formula, z log(z) - z + log(2 pi z) / 2, where z
        > 1.

    Raises ValueError if the shapes differ.

    >>> import tapeflow as tf
    >>> tf.nn.log_poisson_loss([1., 2.], [0., 0.]).numpy().tolist()
    [1.0, 1.0]
    """
    log_input = convert_to_tensor(log_input)
    targets = convert_to_tensor(targets)
    _same_shape(("log_input", log_input), ("targets", targets))
    loss = exp(log_input) - log_input * targets
    if compute_full_loss:
        rest = targets * log(targets) - targets + 0.5 * log(2 * np.pi * targets)
        small = logical_and(targets >= 0, targets <= 1)
        loss = loss + where(small, targets._dtype.type(0), rest)
    return loss


def l2_loss(t, name=None):
    """Half the sum of squares of all elements, a scalar: floating-point numbers.

    >>> import tapeflow as tf
    >>> tf.nn.l2_loss([3., 4.]).numpy().item()
    12.5
    """
    return apply(L2_LOSS, (convert_to_tensor(t),))


@sized
def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
    """The sum of the losses of examples, weighted, over the size of the batch.

    Args:
      per_example_loss: a tensor with the examples along its first dimension.
      sample_weight: weights that broadcast.
      global_batch_size: the number to divide by, a scalar integer; None for the number of examples.

    Raises:
      ValueError: a loss without dimensions.
      TypeError, InvalidArgumentError: `global_batch_size` is no integer, is negative.

    >>> import tapeflow as tf
    >>> tf.nn.compute_average_loss([1., 2., 6.]).numpy().item()
    3.0
    """
    loss = convert_to_tensor(per_example_loss)
    dtype = loss.dtype
    if not loss._shape:
        raise ValueError(
            "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1. Received "
            f"per_example_loss={per_example_loss} with rank 0"
        )
    if sample_weight is not None:
        loss = _weighted(loss, sample_weight)
    loss = cast(loss, dtype)
    if global_batch_size is None:
        size = convert_to_tensor(np.int32(loss._shape[0]))
    else:
        size = convert_to_tensor(global_batch_size)
        if size._shape:
            raise ValueError(f"global_batch_size must be scalar. Received shape {size.shape}")
        if size._dtype.kind not in "iu":
            raise TypeError(
                'global_batch_size must be an integer..  Expected "x" to be integer type.  Found: tensor of '
                f"dtype {size.dtype}"
            )
        if size.__class__ is EagerTensor and size._array < 0:
            raise invalid_argument(
                "global_batch_size must be non-negative..  \nCondition x >= 0 did not hold element-wise:\nx "
                "(shape=() "
                f"dtype={size.dtype.name}) = \n{size._array}"
            )
    return divide_no_nan(reduce_sum(loss), cast(size, dtype))


def _weighted(loss, weight):
    """`loss * weight` in float32; the weight may lack the last dimension of the loss, or have one more."""
    loss = cast(loss, float32)
    weight = cast(weight if is_tensor(weight) else convert_to_tensor(weight), float32)
    extra = len(weight._shape) - len(loss._shape)
    if extra == -1 and weight._shape:
        weight = reshape_static(weight, (*weight._shape, 1))
    elif extra == 1 and weight._shape[-1] == 1:
        weight = reshape_static(weight, weight._shape[:-1])
    return loss * weight


def scale_regularization_loss(regularization_loss):
    """The sum of a regularisation loss over the number of replicas, which is 1.

    >>> import tapeflow as tf
    >>> tf.nn.scale_regularization_loss([1., 2.]).numpy().item()
    3.0
    """
    total = reduce_sum(regularization_loss)
    return total / 1 if total.dtype.is_integer else total
