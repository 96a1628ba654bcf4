"""Reductions over segments: the slices of a tensor that have the same number are reduced together."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ, outside
from tapeflow.core.errors import invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import Takes, apply, bracketed, not_allowed
from tapeflow.engine.dtypes import FLOAT, INTEGER, NUMBER, SIGNED
from tapeflow.engine.primitive import general, linear
from tapeflow.ops.rows import put_rows
from tapeflow.ops.sized import of_any_rank, sized
from tapeflow.ops.static import as_int, count, int_array

# The primitives take flat rows: data [n, ...] and segment_ids [n]; a negative id drops its row.


def _unsorted(ufunc, start):
    """The kernel that reduces rows with a ufunc; `start` gives, by dtype, what a segment without rows has."""

    def kernel(data, ids, num_segments):
        if len(ids):
            if ids.max() >= num_segments:
                place = int(np.argmax(ids >= num_segments))
                raise invalid_argument(f"segment_ids[{place}] = {int(ids[place])} is out of range [0, {num_segments})")
            if ids.min() < 0:
                kept = ids >= 0
                data, ids = data[kept], ids[kept]
        out = np.full((num_segments, *data.shape[1:]), start(data.dtype), data.dtype)
        put_rows(out, ids, data, ufunc)
        return out

    return kernel


def _take(rows, ids):
    """Row ids[i] of `rows` for every i, zeros for a negative one."""
    if not len(rows):
        return np.zeros((len(ids), *rows.shape[1:]), rows.dtype)
    out = rows.take(ids, 0, mode="clip")
    dropped = ids < 0
    if dropped.any():
        out[dropped] = 0
    return out


def _rows(g, ids):
    """For each row its segment's row of `g`, zeros for one that was dropped."""
    return apply(TAKE_ROWS, (g, ids))


def _take_batched(rows, ids):
    """All examples in one: every example has a range of segments of its own."""
    from tapeflow.ops.shaping import reshape_static

    size, n, *rest = rows._shape
    taken = _rows(reshape_static(rows, (size * n, *rest)), _numbered(ids, n))
    return reshape_static(taken, (*ids._shape, *rest))


def _numbered(ids, n):
    """Batched ids as ids into the segments of the whole batch, of which each example has `n`."""
    from tapeflow.ops.casting import cast_static
    from tapeflow.ops.compare import where
    from tapeflow.ops.shaping import reshape_static

    size, rows = ids._shape
    ids = cast_static(ids, np.dtype(np.int64))
    starts = EagerTensor(np.arange(size, dtype=np.int64)[:, None] * n)
    return reshape_static(where(ids >= np.int64(0), ids + starts, ids), (size * rows,))


TAKE_ROWS = linear(
    "GatherDropNegatives", _take, None,
    lambda g, rows_like, segment_ids: apply(UNSORTED_SUM, (g, segment_ids), (rows_like._shape[0],)), None,
    operands="rows segment_ids", batch=_take_batched,
)  # fmt: skip


def _batched(prim):
    def rule(data, ids, num_segments):
        from tapeflow.ops.shaping import reshape_static

        size, rows, *rest = data._shape
        flat = reshape_static(data, (size * rows, *rest))
        total = apply(prim(), (flat, _numbered(ids, num_segments)), (size * num_segments,))
        return reshape_static(total, (size, num_segments, *rest))

    return rule


UNSORTED_SUM = linear(
    "UnsortedSegmentSum", _unsorted(np.add, lambda dtype: 0), NUMBER,
    lambda g, segment_ids: _rows(g, segment_ids), None,
    operands="data segment_ids", attrs="num_segments", batch=_batched(lambda: UNSORTED_SUM),
)  # fmt: skip


def _winners(data, segment_ids, y):
    """1 / (number of ties) where a row is its segment's extreme, 0 elsewhere."""
    from tapeflow.ops.casting import cast_static

    won = cast_static(data == _rows(y, segment_ids), data._dtype)
    ties = apply(UNSORTED_SUM, (won, segment_ids), (y._shape[0],))
    from tapeflow.ops.elementwise import divide_no_nan

    return divide_no_nan(won, _rows(ties, segment_ids))


def _extreme(name, ufunc, start, itself):
    return general(
        name, _unsorted(ufunc, start), FLOAT + INTEGER,
        lambda g, data, segment_ids, y: (_winners(data, segment_ids, y) * _rows(g, segment_ids), None),
        lambda ddata, data, segment_ids, y: apply(
            UNSORTED_SUM, (_winners(data, segment_ids, y) * ddata, segment_ids), (y._shape[0],)
        ),
        operands="data segment_ids", attrs="num_segments", batch=_batched(itself),
    )  # fmt: skip


def _limits(dtype):
    import ml_dtypes

    return np.iinfo(dtype) if dtype.kind in "iu" else ml_dtypes.finfo(dtype)


UNSORTED_MAX = _extreme("UnsortedSegmentMax", np.maximum, lambda dtype: _limits(dtype).min, lambda: UNSORTED_MAX)
UNSORTED_MIN = _extreme("UnsortedSegmentMin", np.minimum, lambda dtype: _limits(dtype).max, lambda: UNSORTED_MIN)


def _prod_vjp(g, data, segment_ids, num_segments):
    """Each row's cotangent times the product of the others in its segment, right where one of them is 0."""
    from tapeflow.ops.casting import cast_static
    from tapeflow.ops.compare import where
    from tapeflow.ops.elementwise import conj

    zero, one = data._dtype.type(0), data._dtype.type(1)
    is_zero = data == zero
    zeros = apply(UNSORTED_SUM, (cast_static(is_zero, np.dtype(np.int32)), segment_ids), (num_segments,))
    zeros = _rows(zeros, segment_ids)
    filled = where(is_zero, one, data)
    without_zeros = _rows(apply(UNSORTED_PROD, (filled, segment_ids), (num_segments,)), segment_ids)
    others = where(zeros == 0, without_zeros / filled, where(is_zero & (zeros == 1), without_zeros, zero))
    return _rows(g, segment_ids) * conj(others), None


UNSORTED_PROD = general(
    "UnsortedSegmentProd", _unsorted(np.multiply, lambda dtype: 1), NUMBER, _prod_vjp,
    operands="data segment_ids", attrs="num_segments", batch=_batched(lambda: UNSORTED_PROD),
)  # fmt: skip


def _flat(data, segment_ids, num_segments, op, index):
    """Data, ids and the number of segments as the primitives want them, the ids' dimensions folded into one."""
    from tapeflow.ops.shaping import reshape_static

    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids._dtype not in index:
        raise not_allowed(Takes(op, "Tindices", index), ids._dtype)
    n = int_array(num_segments, op, "Tnumsegments")
    if n.shape:
        raise invalid_argument(f"num_segments should be a scalar, not shape {bracketed(n.shape)} [Op:{op}]")
    n = as_int(n[()])
    rank = len(ids._shape)
    if differ(data._shape[:rank], ids._shape):
        raise invalid_argument(
            f"data.shape = {bracketed(data._shape)} does not start with segment_ids.shape = {bracketed(ids._shape)} "
            f"[Op:{op}]"
        )
    if outside(n, 0):
        raise invalid_argument(f"Input num_segments == {n} must not be negative. [Op:{op}]")
    size = count(ids._shape)
    return reshape_static(data, (size, *data._shape[rank:])), reshape_static(ids, (size,)), n


_SUM_IDS = SIGNED[1:]  # int16, int32, int64
_IDS = SIGNED[2:]


def _unsorted_reduce(prim, data, segment_ids, num_segments):
    data = convert_to_tensor(data)
    if data._dtype not in prim.kernels:
        raise not_allowed(prim, data._dtype)
    index = _SUM_IDS if prim is UNSORTED_SUM else _IDS
    data, ids, n = _flat(data, segment_ids, num_segments, prim.name, index)
    return apply(prim, (data, ids), (n,))


@of_any_rank
def unsorted_segment_sum(data, segment_ids, num_segments, name=None):
    """The sum of the slices of each segment: row i of the result is that of the slices with id i, 0 without any.

    Raises InvalidArgumentError for an id out of range; a negative one drops its slice.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_sum([1, 2, 4], [1, 0, 1], 2).numpy().tolist()
    [2, 5]
    """
    return _unsorted_reduce(UNSORTED_SUM, data, segment_ids, num_segments)


def unsorted_segment_prod(data, segment_ids, num_segments, name=None):
    """The product of the slices of each segment, 1 without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_prod([1, 2, 4], [1, 0, 1], 2).numpy().tolist()
    [2, 4]
    """
    return _unsorted_reduce(UNSORTED_PROD, data, segment_ids, num_segments)


def unsorted_segment_max(data, segment_ids, num_segments, name=None):
    """The maximum of the slices of each segment, the lowest number without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_max([1, 2, 4], [1, 0, 1], 2).numpy().tolist()
    [2, 4]
    """
    return _unsorted_reduce(UNSORTED_MAX, data, segment_ids, num_segments)


def unsorted_segment_min(data, segment_ids, num_segments, name=None):
    """The minimum of the slices of each segment, the highest number without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_min([1, 2, 4], [1, 0, 1], 2).numpy().tolist()
    [2, 1]
    """
    return _unsorted_reduce(UNSORTED_MIN, data, segment_ids, num_segments)


def _counts(ids, n, rank, dtype):
    """How many slices each segment has, at least 1, in the dtype and a shape of the rank to divide by."""
    from tapeflow.ops.compare import where
    from tapeflow.ops.shaping import reshape_static

    one = dtype.type(1)
    counts = apply(UNSORTED_SUM, (EagerTensor(np.full(ids._shape, one, dtype)), ids), (n,))
    return reshape_static(where(counts == dtype.type(0), one, counts), (n, *[1] * (rank - 1)))


def _sum_and_counts(data, segment_ids, num_segments):
    data = convert_to_tensor(data)
    if data._dtype.kind == "O":
        convert_to_tensor(1, data.dtype)
    if data._dtype not in UNSORTED_SUM.kernels:
        raise not_allowed(UNSORTED_SUM, data._dtype)
    if data.dtype.is_complex:
        raise not_allowed(Takes("Maximum", "T", FLOAT + INTEGER), data._dtype)
    data, ids, n = _flat(data, segment_ids, num_segments, UNSORTED_SUM.name, _SUM_IDS)
    return apply(UNSORTED_SUM, (data, ids), (n,)), _counts(ids, n, len(data._shape), data._dtype)


@sized
def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The mean of the slices of each segment, 0 without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_mean([1., 2., 4.], [1, 0, 1], 2).numpy().tolist()
    [2.0, 2.5]
    """
    total, counts = _sum_and_counts(data, segment_ids, num_segments)
    return total / counts


@sized
def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sum of the slices of each segment over the root of their number, 0 without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_sqrt_n([1., 2., 2., 4., 5.], [1, 0, 1, 1, 1], 2).numpy().tolist()
    [2.0, 6.0]
    """
    from tapeflow.ops.elementwise import sqrt

    total, counts = _sum_and_counts(data, segment_ids, num_segments)
    return total / sqrt(counts)


# Sorted segments: the ids rise, and their number is the last one's plus 1. Without any slices a segment is 0, or 1.


def _sorted_reduce(op, prim, data, segment_ids):
    """The reduction, the ids and their number."""
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if data._dtype not in prim.kernels:
        raise not_allowed(Takes(op, "T", tuple(prim.kernels)), data._dtype)
    if ids._dtype not in _IDS:
        raise not_allowed(Takes(op, "Tindices", _IDS), ids._dtype)
    if len(ids._shape) != 1:
        raise invalid_argument(f"segment_ids should be a vector. [Op:{op}]")
    if not data._shape or data._shape[0] != ids._shape[0]:
        raise invalid_argument(f"segment_ids should be the same size as dimension 0 of input. [Op:{op}]")
    numbers = int_array(ids, op, "Tindices")
    n = int(numbers[-1]) + 1 if len(numbers) else 0
    wrong = (numbers < 0) | (numbers >= n)
    if len(numbers) and (numbers[0] < 0 or numbers[-1] < 0):
        raise invalid_argument(
            f"Segment id {int(numbers[np.argmax(wrong)])} out of range [0, {n}), possibly because 'segment_ids' input "
            f"is not sorted. [Op:{op}]"
        )
    if (numbers[1:] < numbers[:-1]).any():
        raise invalid_argument(f"segment ids are not increasing [Op:{op}]")
    return apply(prim, (data, ids), (n,)), ids, n


def _empty_as_zero(total, ids, n):
    """`total` with 0 for the segments that have no slices."""
    from tapeflow.ops.compare import where

    present = np.zeros(n, bool)
    present[np.asarray(ids._array)] = True
    if present.all():
        return total
    shaped = EagerTensor(present.reshape(n, *[1] * (len(total._shape) - 1)))
    return where(shaped, total, total._dtype.type(0))


@sized
def segment_sum(data, segment_ids, name=None):
    """The sum of the slices of each segment; the ids rise.

    Raises InvalidArgumentError if they do not, or are not one for each slice.

    >>> import tapeflow as tf
    >>> tf.math.segment_sum([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [3, 4]
    """
    return _sorted_reduce("SegmentSum", UNSORTED_SUM, data, segment_ids)[0]


@sized
def segment_prod(data, segment_ids, name=None):
    """The product of the slices of each segment, 1 without any; the ids rise.

    >>> import tapeflow as tf
    >>> tf.math.segment_prod([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [2, 4]
    """
    return _sorted_reduce("SegmentProd", UNSORTED_PROD, data, segment_ids)[0]


@sized
def segment_max(data, segment_ids, name=None):
    """The maximum of the slices of each segment, 0 without any; the ids rise.

    >>> import tapeflow as tf
    >>> tf.math.segment_max([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [2, 4]
    """
    return _empty_as_zero(*_sorted_reduce("SegmentMax", UNSORTED_MAX, data, segment_ids))


@sized
def segment_min(data, segment_ids, name=None):
    """The minimum of the slices of each segment, 0 without any; the ids rise.

    >>> import tapeflow as tf
    >>> tf.math.segment_min([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [1, 4]
    """
    return _empty_as_zero(*_sorted_reduce("SegmentMin", UNSORTED_MIN, data, segment_ids))


@sized
def segment_mean(data, segment_ids, name=None):
    """The mean of the slices of each segment, 0 without any; the ids rise. That of integers is rounded toward 0.

    >>> import tapeflow as tf
    >>> tf.math.segment_mean([1., 2., 4.], [0, 0, 1]).numpy().tolist()
    [1.5, 4.0]
    """
    from tapeflow.ops.elementwise import truncatediv

    total, ids, n = _sorted_reduce("SegmentMean", UNSORTED_SUM, data, segment_ids)
    counts = _counts(ids, n, len(total._shape), total._dtype)
    return truncatediv(total, counts) if total.dtype.is_integer else total / counts
