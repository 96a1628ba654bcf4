"""Order and counting: sort, top_k, unique, searchsorted, bincount, confusion matrices, permutations."""

from collections import namedtuple

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.dtype import as_dtype, int32, int64
from tapeflow.core.errors import invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import Takes, apply, bracketed, mismatch, not_allowed
from tapeflow.engine.dtypes import FLOAT, INTEGER, LOW, SIGNED
from tapeflow.engine.primitive import constant, linear, missing
from tapeflow.ops.shaping import inverse, reshape_static, transpose_static
from tapeflow.ops.sized import of_any_rank, sized
from tapeflow.ops.static import count, one_int

_INT32_64 = (int32._np, int64._np)

# Elements along the last axis by position. The order of elements is such a set of positions, found by a primitive
# without a derivative, so that sorting needs no other derivative than this.

TAKE_ALONG = linear(
    "TakeAlongLast", lambda x, indices: np.take_along_axis(x, indices, -1), None,
    lambda g, x_like, indices: apply(ADD_ALONG, (g, indices), (x_like._shape[-1],)), None, operands="x indices",
    batch=lambda x, indices: apply(TAKE_ALONG, (x, indices)),
)  # fmt: skip


def _add_along(x, indices, size):
    out = np.zeros((count(x.shape[:-1]), size), x.dtype)
    rows = np.arange(len(out)).reshape(*x.shape[:-1], 1)
    np.add.at(out, (np.broadcast_to(rows, x.shape), indices), x)
    return out.reshape(*x.shape[:-1], size)


ADD_ALONG = linear(
    "AddAlongLast", _add_along, None, lambda g, indices: apply(TAKE_ALONG, (g, indices)), None,
    operands="x indices", attrs="size", batch=lambda x, indices, size: apply(ADD_ALONG, (x, indices), (size,)),
)  # fmt: skip


def _order(x, descending, dtype, k):
    """The first k (None: all) positions that put the last axis in order, equal elements in their own; what is not a
    number comes first."""
    if x.dtype.kind in "iu":
        key = ~x if descending else x
    else:
        key = x.astype(np.float32) if x.dtype in LOW else x
        key = np.negative(key) if descending else key
        key = np.where(np.isnan(key), key.dtype.type(-np.inf), key)
    return np.argsort(key, -1, kind="stable")[..., :k].astype(dtype)


ORDER = constant(
    "TopKV2", _order, FLOAT + INTEGER, attrs="descending dtype k",
    batch=lambda x, *attrs: apply(ORDER, (x,), attrs),
)  # fmt: skip
_NEG = Takes("Neg", "T", FLOAT + SIGNED)  # how TensorFlow turns the order round


@of_any_rank
def sort(values, axis=-1, direction="ASCENDING", name=None):
    """`values` in order along an axis: real numbers.

    Args:
      values: a tensor of one dimension or more.
      axis: the axis to sort along.
      direction: "ASCENDING" or "DESCENDING".

    Raises ValueError for another direction, InvalidArgumentError for an axis out of range.

    >>> import tapeflow as tf
    >>> tf.sort([3, 1, 2], direction="DESCENDING").numpy().tolist()
    [3, 2, 1]
    """
    x, order, perm = _sorted(values, axis, direction)
    return transpose_static(apply(TAKE_ALONG, (x, order)), inverse(perm))


@of_any_rank
def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """The positions that put `values` in order along an axis, int32; equal elements stay in their own order.

    Args:
      values: a tensor of one dimension or more: real numbers.
      axis: the axis to sort along.
      direction: "ASCENDING" or "DESCENDING".
      stable: not used: the order always is.

    Raises ValueError for another direction, InvalidArgumentError for an axis out of range.

    >>> import tapeflow as tf
    >>> tf.argsort([3, 1, 2]).numpy().tolist()
    [1, 2, 0]
    """
    _, order, perm = _sorted(values, axis, direction)
    return transpose_static(order, inverse(perm))


def _sorted(values, axis, direction):
    """`values` with the axis last, its order, and the permutation that put the axis there."""
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            f"Argument `direction` should be one of ASCENDING, DESCENDING. Received: direction={direction}"
        )
    place = int(convert_to_tensor(axis))
    x = convert_to_tensor(values)
    rank = len(x._shape)
    if not -rank <= place < rank:
        raise _no_such_axis(place, rank)
    if x._dtype.kind in "bO" and direction == "ASCENDING":
        raise not_allowed(_NEG, x._dtype)
    perm = (*[i for i in range(rank) if i != place % rank], place % rank)
    x = transpose_static(x, perm)
    return x, apply(ORDER, (x,), (direction == "DESCENDING", int32._np, None)), perm


def _no_such_axis(axis, rank):
    return invalid_argument(
        f"slice index {axis + rank if axis < 0 else axis} of dimension 0 out of bounds. [Op:StridedSlice] name: "
        "strided_slice/"
    )


TopKV2 = namedtuple("TopKV2", "values indices")


@sized
def top_k(input, k=1, sorted=True, index_type=int32, name=None):  # noqa: A002 (TensorFlow's names)
    """The `k` largest elements along the last axis, the largest first, and where they are; of equal ones the first.

    Args:
      input: a tensor of one dimension or more: real numbers.
      k: how many, at most the size of the last axis.
      sorted: not used: they always are.
      index_type: the dtype of the positions: int16, int32 or int64.

    Returns a pair (values, indices), each of shape `input.shape[:-1] + [k]`.

    Raises InvalidArgumentError if there are not as many.

    >>> import tapeflow as tf
    >>> values, indices = tf.math.top_k([3, 1, 2], k=2)
    >>> values.numpy().tolist(), indices.numpy().tolist()
    ([3, 2], [0, 2])
    """

    x = convert_to_tensor(input)
    dtype = as_dtype(index_type)._np
    if dtype not in _INDEX_TYPE.kernels:
        raise not_allowed(_INDEX_TYPE, dtype)
    if x._dtype not in ORDER.kernels:
        raise not_allowed(ORDER, x._dtype)
    k = convert_to_tensor(k, None if hasattr(k, "dtype") else int32)
    if k._shape:
        raise invalid_argument(f"k must be scalar, got shape {bracketed(k._shape)} [Op:TopKV2]")
    n = int(k)
    if n < 0:
        raise invalid_argument(f"Need k >= 0, got {n} [Op:TopKV2] name: ")
    if not x._shape:
        raise invalid_argument("input must be >= 1-D, got shape [] [Op:TopKV2] name: ")
    *outer, size = x._shape
    if n > size:
        raise invalid_argument(f"input must have at least k columns. Had {size}, needed {n} [Op:TopKV2] name: ")
    first = apply(ORDER, (x,), (True, dtype, n))
    return TopKV2(apply(TAKE_ALONG, (x, first)), first)


_INDEX_TYPE = Takes("TopKV2", "index_type", SIGNED[1:])


def _in_top_k(predictions, targets, k):
    rows, classes = predictions.shape
    valid = (targets >= 0) & (targets < classes)
    chosen = predictions[np.arange(rows), np.where(valid, targets, 0)] if classes else np.zeros(rows, np.float32)
    ahead = np.sum(predictions > chosen[:, None], axis=1)
    return valid & np.isfinite(predictions).all(axis=1) & (ahead < k)


IN_TOP_K = constant("InTopKV2", _in_top_k, (np.dtype(np.float32),), operands="predictions targets k")


@sized
def in_top_k(targets, predictions, k, name=None):
    """Whether each target is among the `k` classes with the highest predictions: booleans.

    Args:
      targets: the numbers of classes, int32 or int64, of shape `[batch]`.
      predictions: float32 of shape `[batch, classes]`; where one is not finite, nothing is among the first.
      k: how many, an int.

    Raises InvalidArgumentError for other shapes.

    >>> import tapeflow as tf
    >>> tf.math.in_top_k([0, 1], [[0.1, 0.9], [0.2, 0.8]], k=1).numpy().tolist()
    [False, True]
    """
    targets = convert_to_tensor(targets)
    k = convert_to_tensor(k, targets.dtype)
    given = convert_to_tensor(predictions)
    if given.dtype.is_integer:
        raise mismatch(IN_TOP_K, 0, np.dtype(np.float32), given._dtype)
    predictions = convert_to_tensor(predictions if given.dtype != "float32" else given, "float32")
    if len(predictions._shape) != 2:
        raise invalid_argument("predictions must be 2-dimensional [Op:InTopKV2] name: ")
    if len(targets._shape) != 1:
        raise invalid_argument("targets must be 1-dimensional [Op:InTopKV2] name: ")
    if predictions._shape[0] != targets._shape[0]:
        raise invalid_argument(
            f"First dimension of predictions {predictions._shape[0]} must match length of targets "
            f"{targets._shape[0]} [Op:InTopKV2] name: "
        )
    return apply(IN_TOP_K, (predictions, targets, k))


# Different elements, in the order of their first appearance.


def _unique(x, dtype):
    y, positions, counts = _unique_with_counts(x, dtype)
    return y, positions


def _unique_with_counts(x, dtype):
    key = x.astype(np.float32) if x.dtype in LOW else x
    if x.dtype.kind == "O":
        return _unique_strings(x, dtype)
    _, first, positions, counts = np.unique(key, True, True, True, equal_nan=False)
    order = np.argsort(first)
    return x[first[order]], inverse_of(order)[positions.ravel()].astype(dtype), counts[order].astype(dtype)


def _unique_strings(x, dtype):
    numbers = {}
    positions = [numbers.setdefault(item, len(numbers)) for item in x.tolist()]
    y = np.empty(len(numbers), object)
    y[:] = list(numbers)
    positions = np.array(positions, dtype)
    return y, positions, np.bincount(positions, minlength=len(numbers)).astype(dtype)


def inverse_of(order):
    """The inverse of a permutation, an array of integers."""
    out = np.empty_like(order)
    out[order] = np.arange(len(order), dtype=order.dtype)
    return out


UNIQUE = missing("Unique", _unique, attrs="dtype", many=True)
UNIQUE_WITH_COUNTS = missing("UniqueWithCounts", _unique_with_counts, attrs="dtype", many=True)
UNIQUE.sized_by_values = UNIQUE_WITH_COUNTS.sized_by_values = True
Unique = namedtuple("Unique", "y idx")
UniqueWithCounts = namedtuple("UniqueWithCounts", "y idx count")


def unique(x, out_idx=int32, name=None):
    """The different elements of a vector, in the order of their first appearance.

    Returns a pair (y, idx), with `y[idx[i]] == x[i]`; `out_idx` is the dtype of `idx`, int32 or int64.

    Raises InvalidArgumentError if `x` is not a vector.

    >>> import tapeflow as tf
    >>> y, idx = tf.unique([7, 3, 7])
    >>> y.numpy().tolist(), idx.numpy().tolist()
    ([7, 3], [0, 1, 0])
    """
    return Unique(*_apply_unique(UNIQUE, x, out_idx))


def unique_with_counts(x, out_idx=int32, name=None):
    """The different elements of a vector, as `tf.unique` gives them, and how often each is there.

    Returns a triple (y, idx, count), with `y[idx[i]] == x[i]`; `out_idx` is the dtype of the last two.

    Raises InvalidArgumentError if `x` is not a vector.

    >>> import tapeflow as tf
    >>> tf.unique_with_counts([7, 3, 7]).count.numpy().tolist()
    [2, 1]
    """
    return UniqueWithCounts(*_apply_unique(UNIQUE_WITH_COUNTS, x, out_idx))


def _apply_unique(prim, x, out_idx):
    x = convert_to_tensor(x)
    dtype = as_dtype(out_idx)._np
    if dtype not in _INT32_64:
        raise not_allowed(Takes(prim.name, "out_idx", _INT32_64), dtype)
    if len(x._shape) != 1:
        raise invalid_argument(f"unique expects a 1D vector. [Op:{prim.name}]")
    return apply(prim, (x,), (dtype,))


# Search.


def _searched(side):
    def kernel(sequence, values, dtype):
        if sequence.dtype in LOW:
            sequence, values = sequence.astype(np.float32), values.astype(np.float32)
        rows = [np.searchsorted(row, wanted, side) for row, wanted in zip(sequence, values, strict=True)]
        return np.array(rows, dtype).reshape(values.shape)

    return kernel


LOWER_BOUND = constant("LowerBound", _searched("left"), operands="sequence values", attrs="dtype")
UPPER_BOUND = constant("UpperBound", _searched("right"), operands="sequence values", attrs="dtype")


@sized
def searchsorted(sorted_sequence, values, side="left", out_type=int32, name=None):
    """Where each of `values` belongs in a sequence in ascending order, along the last axis of both.

    Args:
      sorted_sequence: a tensor of shape `[..., n]`, in order along the last axis.
      values: a tensor of the same dtype, of shape `[..., m]` with the same leading dimensions.
      side: "left" for the number of elements that are less, "right" for that of those that are not greater.
      out_type: the dtype of the result, int32 or int64.

    Returns a tensor of the shape of `values`.

    Raises InvalidArgumentError if the leading dimensions or the dtypes differ, ValueError for another side.

    >>> import tapeflow as tf
    >>> tf.searchsorted([1, 3, 5], [2, 3, 9]).numpy().tolist()
    [1, 1, 3]
    """
    sequence, values = convert_to_tensor(sorted_sequence), convert_to_tensor(values)
    for tensor in (sequence, values):
        if not tensor._shape:
            raise _no_such_axis(-1, 0)
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    prim = LOWER_BOUND if side == "left" else UPPER_BOUND
    dtype = as_dtype(out_type)._np
    if dtype not in _INT32_64:
        raise not_allowed(Takes(prim.name, "out_type", _INT32_64), dtype)
    if sequence._dtype != values._dtype:
        raise mismatch(prim, 1, sequence._dtype, values._dtype)
    rows = count(sequence._shape[:-1])
    if rows != count(values._shape[:-1]):
        raise invalid_argument(f"Leading dim_size of both tensors must match. [Op:{prim.name}] name: ")
    shape = values._shape
    sequence = reshape_static(sequence, (rows, sequence._shape[-1]))
    return reshape_static(apply(prim, (sequence, reshape_static(values, (rows, shape[-1]))), (dtype,)), shape)


# Counting.


def _bincount(arr, weights, size, binary):
    if (arr < 0).any():
        raise invalid_argument("Input arr must be non-negative!")
    rows = 1 if arr.ndim < 2 else len(arr)
    where = np.arange(rows)[:, None] * size + arr.reshape(rows, -1)
    inside = arr.reshape(rows, -1) < size
    out = np.zeros(rows * size, weights.dtype)
    if binary:
        out[where[inside]] = 1
    else:
        np.add.at(out, where[inside], weights.reshape(rows, -1)[inside] if weights.size else weights.dtype.type(1))
    return out.reshape(rows, size) if arr.ndim > 1 else out


BINCOUNT = missing("DenseBincount", _bincount, _INT32_64, operands="arr weights", attrs="size binary")
_COUNTS = Takes("DenseBincount", "T", (*_INT32_64, np.dtype(np.float32), np.dtype(np.float64)))


def bincount(
    arr, weights=None, minlength=None, maxlength=None, dtype=int32, name=None, axis=None, binary_output=False
):
    """How often each of the numbers 0, 1, 2 ... is in `arr`, or the sum of its weights.

    Args:
      arr: integers that are not negative.
      weights: a tensor of the shape of `arr`: what each of its elements counts.
      minlength, maxlength: bounds of the number of bins, which is else the largest number plus 1.
      dtype: that of the counts, if there are no weights: int32, int64, float32 or float64.
      axis: None or 0 to count all of `arr`, -1 to count each row of a matrix by itself.
      binary_output: whether to give 1 for every number that is there.

    Raises InvalidArgumentError for a negative number or weights of another shape, ValueError for another axis.

    >>> import tapeflow as tf
    >>> tf.math.bincount([1, 1, 3]).numpy().tolist()
    [0, 2, 0, 1]
    """
    from tapeflow.ops.casting import cast

    arr = convert_to_tensor(arr)
    if not arr.dtype.is_integer:
        arr = cast(arr, int32)
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    if arr._dtype not in _INT32_64:
        raise not_allowed(Takes("DenseBincount", "Tidx", _INT32_64), arr._dtype)
    weights = EagerTensor(np.zeros(0, as_dtype(dtype)._np)) if weights is None else convert_to_tensor(weights)
    if weights._dtype not in _COUNTS.kernels:
        raise not_allowed(_COUNTS, weights._dtype)
    if all([differ(weights._shape, shape) for shape in ((0,), arr._shape)]):
        raise invalid_argument(
            "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it acts as all weights "
            f"equal to 1. Received {bracketed(weights._shape)} [Op:DenseBincount] name: "
        )
    size = _bins(arr, minlength, maxlength) if arr.__class__ is EagerTensor else _bins_later(arr, minlength, maxlength)
    if axis != -1 or len(arr._shape) < 2:
        arr = reshape_static(arr, (count(arr._shape),))
        weights = reshape_static(weights, (count(weights._shape),))
    return apply(BINCOUNT, (arr, weights), (size, bool(binary_output)))


def _bins(arr, minlength, maxlength):
    """How many bins there are: the largest number plus 1, within the bounds."""
    numbers = np.asarray(arr._array)
    size = int(numbers.max()) + 1 if numbers.size else 0
    if minlength is not None:
        size = max(int(convert_to_tensor(minlength)), size)
    if maxlength is not None:
        size = min(int(convert_to_tensor(maxlength)), size)
    if size < 0 and not (numbers < 0).any():
        raise invalid_argument(f"size ({size}) must be non-negative [Op:DenseBincount] name: ")
    return size


def _bins_later(arr, minlength, maxlength):
    """The same of numbers that are only known when the graph runs."""
    from tapeflow.ops.elementwise import maximum, minimum
    from tapeflow.ops.reduce import reduce_max
    from tapeflow.ops.shaping import concat

    low, high = [None if n is None else one_int(n, "DenseBincount") for n in (minlength, maxlength)]
    if low is not None and low == high:
        return low
    size = reduce_max(concat([reshape_static(arr, (count(arr._shape),)), [-1]], 0)) + 1
    size = size if minlength is None else maximum(size, convert_to_tensor(minlength, size.dtype))
    return one_int(size if maxlength is None else minimum(size, convert_to_tensor(maxlength, size.dtype)), "Bincount")


def confusion_matrix(labels, predictions, num_classes=None, weights=None, dtype=int32, name=None):
    """How often each label (row) was predicted as each class (column): a matrix `[num_classes, num_classes]`.

    Args:
      labels, predictions: numbers of classes, of shape `[n]` or one of them `[n, 1]`.
      num_classes: how many classes there are, the largest number plus 1 if None.
      weights: what each prediction counts, 1 if None.
      dtype: that of the result.

    Raises InvalidArgumentError for a number that is negative or too large.

    >>> import tapeflow as tf
    >>> tf.math.confusion_matrix([0, 1, 1], [0, 0, 1]).numpy().tolist()
    [[1, 0], [1, 1]]
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.creation import ones_like
    from tapeflow.ops.debugging import assert_less, assert_non_negative
    from tapeflow.ops.packing import stack
    from tapeflow.ops.reduce import reduce_max
    from tapeflow.ops.variable_scatter import scatter_nd

    labels, predictions = _same_rank(convert_to_tensor(labels), convert_to_tensor(predictions))
    labels, predictions = cast(labels, int64), cast(predictions, int64)
    assert_non_negative(labels, message="`labels` contains negative values.  ")
    assert_non_negative(predictions, message="`predictions` contains negative values.  ")
    if num_classes is None:
        size = max(int(reduce_max(predictions)), int(reduce_max(labels))) + 1
    else:
        size = int(convert_to_tensor(num_classes))
        bound = convert_to_tensor(size, int64)
        assert_less(labels, bound, message="`labels` out of bound")
        assert_less(predictions, bound, message="`predictions` out of bound")
    dtype = as_dtype(dtype)
    indices = stack([labels, predictions], axis=1)
    values = ones_like(predictions, dtype) if weights is None else cast(convert_to_tensor(weights), dtype)
    return scatter_nd(indices, values, convert_to_tensor([size, size], int64))


def _same_rank(labels, predictions):
    """One of two that has a last dimension of 1 more than the other without it."""
    difference = len(predictions._shape) - len(labels._shape)
    if difference == 1 and predictions._shape[-1] == 1:
        return labels, reshape_static(predictions, predictions._shape[:-1])
    if difference == -1 and labels._shape[-1] == 1:
        return reshape_static(labels, labels._shape[:-1]), predictions
    return labels, predictions


def _invert(x):
    size = len(x)
    outside = (x < 0) | (x >= size)
    if outside.any():
        raise invalid_argument(f"{int(x[outside][0])} is not between 0 and {size}")
    if len(set(x.tolist())) < size:
        repeated = next(item for i, item in enumerate(x.tolist()) if item in x[:i])
        raise invalid_argument(f"{repeated} is duplicated in the input.")
    return inverse_of(x)


INVERT_PERMUTATION = constant("InvertPermutation", _invert, _INT32_64)


def invert_permutation(x, name=None):
    """The inverse of a permutation of 0, 1, 2 ..., a vector of int32 or int64: `y[x[i]] == i`.

    Raises InvalidArgumentError if `x` is no permutation.

    >>> import tapeflow as tf
    >>> tf.math.invert_permutation([2, 0, 1]).numpy().tolist()
    [1, 2, 0]
    """
    x = convert_to_tensor(x, dtype_hint=int32)
    if x._dtype in _INT32_64 and len(x._shape) != 1:
        raise invalid_argument("invert_permutation expects a 1D vector. [Op:InvertPermutation]")
    return apply(INVERT_PERMUTATION, (x,))
