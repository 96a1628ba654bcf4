"""Reductions over axes, and the broadcasts that they transpose to."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import UnknownSize, differ
from tapeflow.core.dtype import as_dtype, int64
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, bracketed, mismatch, not_allowed
from tapeflow.engine.dtypes import BOOL, FLOAT, INTEGER, LOW, NUMBER
from tapeflow.engine.primitive import constant, general, linear
from tapeflow.ops.compare import boolean
from tapeflow.ops.cumulative import cumprod, cumsum, cumulative_logsumexp  # noqa: F401 (names for others)
from tapeflow.ops.moves import number
from tapeflow.ops.shaping import broadcast_static, reshape_static, transpose_static
from tapeflow.ops.sized import sized, sized_where_asked

# A reduction's attributes are `axes`, a tuple of ints from 0, and `keepdims`.


_LOW = frozenset(LOW)  # found by hash, which comparing with each of a tuple is not


def _reducer(ufunc):
    """The kernel of a NumPy ufunc's `reduce` that keeps the dtype; float16 and bfloat16 add up in float32."""

    def kernel(x, axes, keepdims):
        if x.dtype in _LOW:
            return ufunc.reduce(x.astype(np.float32), axes, np.float32, None, keepdims).astype(x.dtype)
        return ufunc.reduce(x, axes, x.dtype, None, keepdims)

    return kernel


_add_up = _reducer(np.add)
_BLOCK = 256


def _sum(x, axes, keepdims):
    """The sum, pairwise wherever NumPy's is not: it adds row to row if the last axis stays."""
    if x.size > 4 * _BLOCK and x.dtype.kind in "fc" and x.ndim - 1 not in axes:
        for axis in axes:
            while x.shape[axis] > 2 * _BLOCK:
                x = _sum_of_blocks(x, axis)
    return _add_up(x, axes, keepdims)


def _sum_of_blocks(x, axis):
    """`x` with each `_BLOCK` of elements along an axis replaced by their sum, and the rest by theirs."""
    shape, whole = x.shape, x.shape[axis] // _BLOCK
    ahead = (slice(None),) * axis
    body = x[(*ahead, slice(0, whole * _BLOCK))].reshape(*shape[:axis], whole, _BLOCK, *shape[axis + 1 :])
    rest = _add_up(x[(*ahead, slice(whole * _BLOCK, None))], (axis,), True)
    return np.concatenate([_add_up(body, (axis + 1,), False), rest], axis)


def _within(prim):
    """The batching rule of a reduction: the same axes, after the batch."""
    return lambda x, axes, keepdims: apply(prim(), (x,), (tuple([axis + 1 for axis in axes]), keepdims))


def kept(shape, axes):
    """A shape with ones where it is reduced."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def _spread(g, x_like, axes, keepdims):
    """`g`, a reduction's cotangent, over the whole of the operand's shape."""
    shape = x_like._shape
    return broadcast_static(_restore(g, shape, axes, keepdims), shape)


def _restore(g, shape, axes, keepdims):
    return g if keepdims else reshape_static(g, kept(shape, axes))


def _count(shape, axes):
    count = 1
    for axis in axes:
        count *= shape[axis]
    return count


def _mean(x, axes, keepdims):
    count = _count(x.shape, axes)
    if x.dtype.kind in "iu":
        return _integer_mean(x, axes, keepdims, count)
    wide = x.astype(np.float32) if x.dtype in _LOW else x
    return (_sum(wide, axes, keepdims) / wide.dtype.type(count)).astype(x.dtype, copy=False)


def _integer_mean(x, axes, keepdims, count):
    """The mean of integers, summed in 64 bits and rounded toward 0."""
    wide = np.int64 if x.dtype.kind == "i" else np.uint64
    total = np.add.reduce(x, axes, wide, None, keepdims)
    if not count:
        return total.astype(x.dtype)
    quotient = total // wide(count)
    return (quotient + ((quotient < 0) & (quotient * wide(count) != total))).astype(x.dtype)


SUM = linear("Sum", _sum, NUMBER, _spread, attrs="axes keepdims", batch=_within(lambda: SUM))
MEAN = linear(
    "Mean", _mean, NUMBER,
    lambda g, x_like, axes, keepdims: _spread(g / _size(x_like, axes), x_like, axes, keepdims),
    attrs="axes keepdims", batch=_within(lambda: MEAN),
)  # fmt: skip


def _size(x_like, axes):
    return number(_count(x_like._shape, axes), x_like._dtype)


def _extreme(ufunc, start):
    """The kernel of np.maximum or np.minimum over axes; that of nothing is the last number the other way."""

    def kernel(x, axes, keepdims):
        if x.dtype.kind == "V":  # bfloat16
            return kernel(x.astype(np.float32), axes, keepdims).astype(x.dtype)
        if x.size:
            return ufunc.reduce(x, axes, None, None, keepdims)
        nothing = start if x.dtype.kind == "f" else getattr(np.iinfo(x.dtype), "min" if start < 0 else "max")
        return ufunc.reduce(x, axes, None, None, keepdims, nothing)

    return kernel


def _selected(x, y, axes, keepdims):
    """1 / (number of ties) where an element is the extreme of its group, 0 elsewhere."""
    from tapeflow.ops.casting import cast_static

    chosen = cast_static(x == _restore(y, x._shape, axes, keepdims), x._dtype)
    return chosen / sum_axes(chosen, axes, True)


def _extreme_vjp(g, x, y, axes, keepdims):
    return _selected(x, y, axes, keepdims) * _restore(g, x._shape, axes, keepdims)


def _extreme_jvp(dx, x, y, axes, keepdims):
    return sum_axes(_selected(x, y, axes, keepdims) * dx, axes, keepdims)


MAX = general(
    "Max", _extreme(np.maximum, -np.inf), FLOAT + INTEGER, _extreme_vjp, _extreme_jvp, attrs="axes keepdims",
    batch=_within(lambda: MAX),
)  # fmt: skip
MIN = general(
    "Min", _extreme(np.minimum, np.inf), FLOAT + INTEGER, _extreme_vjp, _extreme_jvp, attrs="axes keepdims",
    batch=_within(lambda: MIN),
)  # fmt: skip


def _others(x, axes):
    """For each element the product of the others in its group: of those before it times those after it."""
    shape = x._shape
    rest = tuple([i for i in range(len(shape)) if i not in axes])
    perm = (*axes, *rest)
    rows = _count(shape, axes)
    columns = _count(shape, rest)
    flat = reshape_static(transpose_static(x, perm), (rows, columns))
    product = cumprod(flat, 0, exclusive=True) * cumprod(flat, 0, exclusive=True, reverse=True)
    moved = reshape_static(product, tuple([shape[i] for i in perm]))
    back = tuple(sorted(range(len(perm)), key=perm.__getitem__))
    return transpose_static(moved, back)


def _prod_vjp(g, x, axes, keepdims):
    from tapeflow.ops.elementwise import conj

    return _restore(g, x._shape, axes, keepdims) * conj(_others(x, axes))


PROD = general(
    "Prod", _reducer(np.multiply), NUMBER, _prod_vjp,
    lambda dx, x, axes, keepdims: sum_axes(dx * _others(x, axes), axes, keepdims),
    attrs="axes keepdims", batch=_within(lambda: PROD),
)  # fmt: skip
ALL = constant(
    "All", lambda x, axes, keepdims: np.logical_and.reduce(x, axes, keepdims=keepdims), BOOL,
    attrs="axes keepdims", batch=_within(lambda: ALL),
)  # fmt: skip
ANY = constant(
    "Any", lambda x, axes, keepdims: np.logical_or.reduce(x, axes, keepdims=keepdims), BOOL,
    attrs="axes keepdims", batch=_within(lambda: ANY),
)  # fmt: skip


def _arg(function, worst):
    def kernel(x, axis, dtype):
        if not x.shape[axis]:
            raise invalid_argument(f"Reduction axis {axis} is empty in shape {bracketed(x.shape)}")
        if x.dtype in _FLOATS:
            not_numbers = np.isnan(x)
            if not_numbers.any():  # they never win
                x = np.where(not_numbers, x.dtype.type(worst), x)
        return function(x, axis).astype(dtype)

    return kernel


_FLOATS = frozenset(FLOAT)
_ARG_DTYPES = FLOAT + INTEGER + BOOL
ARG_MAX = constant(
    "ArgMax", _arg(np.argmax, -np.inf), _ARG_DTYPES, attrs="axis dtype",
    batch=lambda x, axis, dtype: apply(ARG_MAX, (x,), (axis + 1, dtype)),
)  # fmt: skip
ARG_MIN = constant(
    "ArgMin", _arg(np.argmin, np.inf), _ARG_DTYPES, attrs="axis dtype",
    batch=lambda x, axis, dtype: apply(ARG_MIN, (x,), (axis + 1, dtype)),
)  # fmt: skip


# Axes.


def static_ints(value, op="Sum"):
    """What a user gives for axes (an int, a sequence, an array, a tensor) as a list of ints.

    Raises TypeError or InvalidArgumentError for what are no integers.
    """
    if value.__class__ is int:
        return [value]
    if value.__class__ is float:
        convert_to_tensor(value, "int32")
    tensor = convert_to_tensor(value, dtype_hint="int32")
    if tensor.__class__ is not EagerTensor:
        if thread.trace is not None and hasattr(tensor, "_slot"):
            raise UnknownSize("an axis that is only known when the function runs")
        raise TypeError(f"An axis must have a value, and was {value!r}: it cannot be one of a batch.")
    if tensor._dtype.kind not in "iu":
        raise invalid_argument(
            f"Value for attr 'Tidx' of {tensor.dtype._proto} is not in the list of allowed values: int32, "
            f"int64 [Op:{op}] name: "
        )
    return [int(item) for item in tensor._array.ravel()]


def axes_of(axis, rank, op="Sum"):
    """`axis` as a user gives it, as a sorted tuple of ints from 0.

    Raises InvalidArgumentError out of range or given twice.
    """
    if axis is None:
        return tuple(range(rank))
    if axis.__class__ is int and -rank <= axis < rank:
        return (axis % rank,)
    axes = set()
    for item in static_ints(axis, op):
        if not -rank <= item < rank:
            raise invalid_argument(
                f"Invalid reduction dimension ({item} for input with {rank} dimension(s) [Op:{op}] name: "
            )
        if item % rank in axes:
            raise invalid_argument(
                f"Invalid reduction arguments: Axes contains duplicate dimension: {item % rank} "
                f"[Op:{op}] name: "
            )
        axes.add(item % rank)
    return tuple(sorted(axes))


@sized_where_asked
def _reduce(prim, input_tensor, axis, keepdims):
    x = convert_to_tensor(input_tensor)
    return apply(prim, (x,), (axes_of(axis, len(x._shape), prim.name), bool(keepdims)))


def sum_axes(x, axes, keepdims=False):
    """The sum over a tuple of axes that are known to be in range."""
    return apply(SUM, (x,), (axes, keepdims))


# The public operations.


def reduce_sum(input_tensor, axis=None, keepdims=False, name=None):
    """The sum over `axis` (an int, several, or None for all): numbers.

    Raises InvalidArgumentError for an axis that is out of range or given twice.

    >>> import tapeflow as tf
    >>> tf.reduce_sum([[1, 2], [3, 4]], axis=0).numpy().tolist()
    [4, 6]
    """
    return _reduce(SUM, input_tensor, axis, keepdims)


def reduce_mean(input_tensor, axis=None, keepdims=False, name=None):
    """The mean over `axis`: numbers; that of integers is an integer, rounded toward 0.

    >>> import tapeflow as tf
    >>> tf.reduce_mean([1., 2., 4., 5.]).numpy().item()
    3.0
    """
    return _reduce(MEAN, input_tensor, axis, keepdims)


def reduce_prod(input_tensor, axis=None, keepdims=False, name=None):
    """The product over `axis`: numbers.

    >>> import tapeflow as tf
    >>> tf.reduce_prod([2., 3., 4.]).numpy().item()
    24.0
    """
    return _reduce(PROD, input_tensor, axis, keepdims)


def reduce_max(input_tensor, axis=None, keepdims=False, name=None):
    """The maximum over `axis`: real numbers; ties share the derivative. That of nothing is the lowest.

    >>> import tapeflow as tf
    >>> tf.reduce_max([[1, 5], [3, 4]], axis=1).numpy().tolist()
    [5, 4]
    """
    return _reduce(MAX, input_tensor, axis, keepdims)


def reduce_min(input_tensor, axis=None, keepdims=False, name=None):
    """The minimum over `axis`: real numbers; ties share the derivative. That of nothing is the highest.

    >>> import tapeflow as tf
    >>> tf.reduce_min([[1, 5], [3, 4]], axis=1).numpy().tolist()
    [1, 3]
    """
    return _reduce(MIN, input_tensor, axis, keepdims)


def reduce_all(input_tensor, axis=None, keepdims=False, name=None):
    """Whether all elements over `axis` are true: booleans.

    >>> import tapeflow as tf
    >>> tf.reduce_all([True, False]).numpy().item()
    False
    """
    return _reduce(ALL, boolean(input_tensor), axis, keepdims)


def reduce_any(input_tensor, axis=None, keepdims=False, name=None):
    """Whether any element over `axis` is true: booleans.

    >>> import tapeflow as tf
    >>> tf.reduce_any([True, False]).numpy().item()
    True
    """
    return _reduce(ANY, boolean(input_tensor), axis, keepdims)


def _finite_max(x, axes):
    wide = x.astype(np.float32) if x.dtype in _LOW else x
    top = np.maximum.reduce(wide, axes, None, None, True, -np.inf)
    return np.where(np.isfinite(top), top, 0).astype(x.dtype)


# What log(sum(exp(x))) is shifted by, which makes no difference but to its accuracy: so it has no derivative.
FINITE_MAX = constant(
    "FiniteMax", _finite_max, FLOAT, attrs="axes",
    batch=lambda x, axes: apply(FINITE_MAX, (x,), (tuple([axis + 1 for axis in axes]),)),
)  # fmt: skip


@sized_where_asked
def reduce_logsumexp(input_tensor, axis=None, keepdims=False, name=None):
    """log(sum(exp(x))) over `axis`, without overflow: floating-point numbers.

    >>> import tapeflow as tf
    >>> round(tf.reduce_logsumexp([1000., 1000.]).numpy().item(), 3)
    1000.693
    """
    from tapeflow.ops.elementwise import exp, log

    x = convert_to_tensor(input_tensor)
    axes = axes_of(axis, len(x._shape), "Max")
    top = apply(FINITE_MAX, (x,), (axes,))
    out = log(sum_axes(exp(x - top), axes, bool(keepdims)))
    return out + (top if keepdims else reshape_static(top, out._shape))


@sized_where_asked
def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    """The variance over `axis`, around the mean: floating-point or complex numbers.

    Raises TypeError for integers.

    >>> import tapeflow as tf
    >>> tf.math.reduce_variance([1., 3.]).numpy().item()
    1.0
    """
    from tapeflow.ops.elementwise import conj, real, square

    x = convert_to_tensor(input_tensor)
    mean = reduce_mean(x, axis, True)
    if x.dtype.is_integer:
        raise TypeError(f"Input must be either real or complex. Received integer type {x.dtype!r}.")
    difference = x - mean
    squared = real(difference * conj(difference)) if x.dtype.is_complex else square(difference)
    return reduce_mean(squared, axis, keepdims)


def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    """The standard deviation over `axis`: the root of `tf.math.reduce_variance`.

    >>> import tapeflow as tf
    >>> tf.math.reduce_std([1., 3.]).numpy().item()
    1.0
    """
    from tapeflow.ops.elementwise import sqrt

    return sqrt(reduce_variance(input_tensor, axis, keepdims))


def _euclidean_norm(x, axes, keepdims):
    wide = x.astype(np.float32) if x.dtype in _LOW else x
    squares = (wide * np.conj(wide)).real if wide.dtype.kind == "c" else wide * wide
    total = np.sum(squares, axis=axes, keepdims=keepdims, dtype=squares.dtype)
    return np.sqrt(total).astype(x.dtype)


EUCLIDEAN_NORM = general(
    "EuclideanNorm", _euclidean_norm, NUMBER,
    lambda g, x, y, axes, keepdims: x / _restore(y / g, x._shape, axes, keepdims),
    lambda dx, x, y, axes, keepdims: sum_axes(dx * x, axes, keepdims) / y,
    attrs="axes keepdims", batch=_within(lambda: EUCLIDEAN_NORM),
)  # fmt: skip


def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """The Euclidean norm over `axis`: the root of the sum of squares.

    >>> import tapeflow as tf
    >>> tf.math.reduce_euclidean_norm([3., 4.]).numpy().item()
    5.0
    """
    return _reduce(EUCLIDEAN_NORM, input_tensor, axis, keepdims)


def count_nonzero(input, axis=None, keepdims=None, dtype=int64, name=None):  # noqa: A002 (TensorFlow's name)
    """How many elements over `axis` are not 0 (or the empty string), in `dtype`.

    >>> import tapeflow as tf
    >>> tf.math.count_nonzero([0, 1, 2]).numpy().item()
    2
    """
    from tapeflow.ops.casting import cast

    x = convert_to_tensor(input)
    zero = convert_to_tensor("" if x.dtype == "string" else x._dtype.type(0))
    return cast(reduce_sum(cast(x != zero, int64), axis, bool(keepdims)), dtype)


@sized
def zero_fraction(value, name=None):
    """The fraction of elements that are 0, a float32.

    >>> import tapeflow as tf
    >>> tf.math.zero_fraction([0., 1., 0., 3.]).numpy().item()
    0.5
    """
    from tapeflow.ops.casting import cast

    x = convert_to_tensor(value)
    size = np.float32(_count(x._shape, range(len(x._shape))))
    zeros = size - cast(count_nonzero(x), "float32")
    return zeros / size


@sized_where_asked
def _arg_reduce(prim, x, axis, output_type, allowed):
    x = convert_to_tensor(x)
    output_type = as_dtype(output_type)
    if x._dtype not in prim.kernels:
        raise not_allowed(prim, x._dtype)
    if output_type.name not in allowed:
        raise invalid_argument(
            f"Value for attr 'output_type' of {output_type._proto} is not in the list of allowed values: "
            f"{', '.join(allowed)} [Op:{prim.name}] name: "
        )
    axis = 0 if axis is None else axis
    shape = () if axis.__class__ is int else convert_to_tensor(axis)._shape
    if shape:
        raise invalid_argument(
            f"dim must be a scalar, but received tensor of shape: {bracketed(shape)} [Op:{prim.name}] name: "
        )
    (item,) = static_ints(axis, prim.name)
    rank = len(x._shape)
    if not -rank <= item < rank:
        raise invalid_argument(
            f"Expected dimension in the range [{-rank}, {rank}), but got {item} [Op:{prim.name}] name: "
        )
    return apply(prim, (x,), (item % rank, output_type._np))


def argmax(input, axis=None, output_type=int64, name=None):  # noqa: A002 (TensorFlow's name)
    """The position of the largest element along `axis` (0 if None), the first of ties, in `output_type`.

    >>> import tapeflow as tf
    >>> tf.argmax([[1, 5], [3, 4]], axis=1).numpy().tolist()
    [1, 1]
    """
    if axis is not None and not isinstance(axis, int) and not hasattr(axis, "dtype"):
        raise TypeError("axis must be int or Tensor with integer datatype")
    return _arg_reduce(ARG_MAX, input, axis, output_type, ("int16", "uint16", "int32", "int64"))


def argmin(input, axis=None, output_type=int64, name=None):  # noqa: A002 (TensorFlow's name)
    """The position of the smallest element along `axis` (0 if None), the first of ties, in `output_type`.

    >>> import tapeflow as tf
    >>> tf.argmin([[1, 5], [3, 4]], axis=1).numpy().tolist()
    [0, 0]
    """
    return _arg_reduce(ARG_MIN, input, axis, output_type, ("int32", "int64"))


def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """`x` divided by its Euclidean norm over `axis` (None for all), or by sqrt(epsilon) if that is larger.

    `dim` is the old name of `axis`. Raises ValueError if both are given.

    >>> import tapeflow as tf
    >>> tf.math.l2_normalize([3.0, 4.0]).numpy().round(3).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    from tapeflow.ops.elementwise import complex, imag, maximum, real, rsqrt, square, zeros_like_static

    if dim is not None:
        if axis is not None:
            raise ValueError("Cannot specify both 'axis' and 'dim'.")
        axis = dim
    x = convert_to_tensor(x)
    if not x.dtype.is_complex:
        return x * rsqrt(maximum(reduce_sum(square(x), axis, True), epsilon))
    squares = reduce_sum(square(real(x)), axis, True) + reduce_sum(square(imag(x)), axis, True)
    scale = rsqrt(maximum(squares, epsilon))
    return x * complex(scale, zeros_like_static(scale))


def _add_all(*arrays):
    total = arrays[0]
    for array in arrays[1:]:
        if array.shape != total.shape:
            raise invalid_argument(
                f"Inputs must have the same size and shape: {bracketed(total.shape)} != {bracketed(array.shape)}"
            )
        total = total + array
    return total


ADD_N = linear(
    "AddN", _add_all, NUMBER, lambda g, xs_like: [g] * len(xs_like), operands="*", joint=True,
    batch=lambda *xs: apply(ADD_N, xs),
)  # fmt: skip


def add_n(inputs, name=None):
    """The sum of a list of tensors of one shape and dtype (or `tf.IndexedSlices`).

    Raises ValueError for an empty list, InvalidArgumentError for shapes or dtypes that differ.

    >>> import tapeflow as tf
    >>> tf.add_n([tf.constant([1, 2]), tf.constant([3, 4])]).numpy().tolist()
    [4, 6]
    """
    inputs = list(inputs) if hasattr(inputs, "__iter__") else []
    if not inputs:
        raise ValueError(
            "Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape."
        )
    tensors = [convert_to_tensor(item) for item in inputs]
    first = tensors[0]
    for i, tensor in enumerate(tensors):
        if tensor._dtype != first._dtype:
            raise mismatch(ADD_N, i, first._dtype, tensor._dtype)
        if differ(tensor._shape, first._shape):
            raise invalid_argument(
                "Inputs to operation AddN of type AddN must have the same size and shape.  Input 0: "
                f"{bracketed(first._shape)} != input {i}: {bracketed(tensor._shape)} [Op:AddN] name: "
            )
    return apply(ADD_N, tuple(tensors))


def accumulate_n(inputs, shape=None, tensor_dtype=None, name=None):
    """The sum of a list of tensors of one shape and dtype, which `shape` and `tensor_dtype` may name.

    Raises ValueError if they differ, TypeError if the dtype is not `tensor_dtype`.

    >>> import tapeflow as tf
    >>> tf.math.accumulate_n([tf.constant([1, 2]), tf.constant([3, 4])]).numpy().tolist()
    [4, 6]
    """
    problem = "inputs must be a list of at least one Tensor with the same dtype and shape"
    if (
        not isinstance(inputs, (list, tuple))
        or not inputs
        or any(isinstance(x, IndexedSlices) for x in inputs)
    ):
        raise ValueError(problem)
    tensors = [convert_to_tensor(item) for item in inputs]
    if any(tensor._dtype != tensors[0]._dtype for tensor in tensors):
        raise ValueError(problem)
    common = TensorShape(shape)
    for tensor in tensors:
        common = common.merge_with(tensor.shape)
    if tensor_dtype is not None and tensors[0].dtype is not as_dtype(tensor_dtype):
        raise TypeError(
            f"The `tensor_dtype` argument is {tensor_dtype}, but `input` is of type {tensors[0].dtype}."
        )
    return add_n(tensors) if len(tensors) > 1 else tensors[0]
