"""Reductions over segments: the slices of a tensor that have the same number are reduced together."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import Takes, apply, bracketed, not_allowed
from tapeflow.engine.dtypes import FLOAT, INTEGER, LOW, NUMBER
from tapeflow.engine.primitive import general, linear
from tapeflow.ops.static import count, ints

# The primitives take flat rows: data [n, ...] and segment_ids [n]; a negative id drops its row.


def _reduce_rows(data, ids, n, ufunc, start):
    """`ufunc` over the rows of each segment, `start` where there is none."""
    out = np.full((n, *data.shape[1:]), start, data.dtype)
    ids = np.asarray(ids)
    if (ids < 0).any():
        keep = ids >= 0
        data, ids = data[keep], ids[keep]
    if not len(ids) or not out.size:
        return out
    if ufunc is np.add and data.ndim == 1 and data.dtype in (np.float32, np.float64):
        return np.bincount(ids, data, n).astype(data.dtype)  # accumulates in float64
    if np.any(ids[1:] < ids[:-1]):
        order = np.argsort(ids, kind="stable")
        data, ids = data[order], ids[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    wide = np.float32 if data.dtype in LOW else data.dtype
    out[ids[starts]] = ufunc.reduceat(data.astype(wide, copy=False), starts, axis=0)
    return out


def _check_ids(ids, n):
    bad = ids >= n
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise invalid_argument(f"segment_ids[{place}] = {int(ids[place])} is out of range [0, {n})")


def _unsorted(ufunc, start):
    def kernel(data, ids, num_segments):
        _check_ids(ids, num_segments)
        return _reduce_rows(data, ids, num_segments, ufunc, start(data.dtype))

    return kernel


def _rows(g, ids):
    """Each row's part of the cotangent: its segment's, nothing for a row that was dropped."""
    from tapeflow.ops.compare import where
    from tapeflow.ops.elementwise import maximum
    from tapeflow.ops.indexing import GATHER
    from tapeflow.ops.shaping import reshape_static

    if not g._shape[0]:
        return _zero_rows(g, ids)
    picked = apply(GATHER, (g, maximum(ids, ids._dtype.type(0))), (0, 0))
    kept = reshape_static(ids >= 0, (ids._shape[0], *[1] * (len(g._shape) - 1)))
    return where(kept, picked, g._dtype.type(0))


def _zero_rows(g, ids):
    return EagerTensor(np.zeros((ids._shape[0], *g._shape[1:]), g._dtype))


def _batched_sum(data, ids, num_segments):
    """All examples in one: every example has a range of segments of its own."""
    from tapeflow.ops.compare import where
    from tapeflow.ops.shaping import reshape_static

    size, rows, *rest = data._shape
    offsets = EagerTensor((np.arange(size, dtype=ids._dtype) * num_segments)[:, None])
    flat = reshape_static(where(ids >= 0, ids + offsets, ids), (size * rows,))
    total = apply(UNSORTED_SUM, (reshape_static(data, (size * rows, *rest)), flat), (size * num_segments,))
    return reshape_static(total, (size, num_segments, *rest))


UNSORTED_SUM = linear(
    "UnsortedSegmentSum", _unsorted(np.add, lambda dtype: 0), NUMBER, lambda g, segment_ids: _rows(g, segment_ids), None,
    operands="data segment_ids", attrs="num_segments", batch=_batched_sum,
)  # fmt: skip


def _winners(data, segment_ids, y):
    """1 / (number of ties) where a row is its segment's extreme, 0 elsewhere."""
    from tapeflow.ops.casting import cast_static

    won = cast_static(data == _rows(y, segment_ids), data._dtype)
    ties = apply(UNSORTED_SUM, (won, segment_ids), (y._shape[0],))
    from tapeflow.ops.elementwise import divide_no_nan

    return divide_no_nan(won, _rows(ties, segment_ids))


def _extreme(name, ufunc, start):
    return general(
        name, _unsorted(ufunc, start), FLOAT + INTEGER,
        lambda g, data, segment_ids, y: (_winners(data, segment_ids, y) * _rows(g, segment_ids), None),
        lambda ddata, data, segment_ids, y: apply(
            UNSORTED_SUM, (_winners(data, segment_ids, y) * ddata, segment_ids), (y._shape[0],)
        ),
        operands="data segment_ids", attrs="num_segments",
    )  # fmt: skip


def _limits(dtype):
    import ml_dtypes

    return np.iinfo(dtype) if dtype.kind in "iu" else ml_dtypes.finfo(dtype)


UNSORTED_MAX = _extreme("UnsortedSegmentMax", np.maximum, lambda dtype: _limits(dtype).min)
UNSORTED_MIN = _extreme("UnsortedSegmentMin", np.minimum, lambda dtype: _limits(dtype).max)


def _prod_vjp(g, data, segment_ids, num_segments):
    """Each row's cotangent times the product of the others in its segment, right where one of them is 0."""
    from tapeflow.ops.casting import cast_static
    from tapeflow.ops.compare import where
    from tapeflow.ops.elementwise import conj

    one = data._dtype.type(1)
    is_zero = data == data._dtype.type(0)
    zeros = _rows(apply(UNSORTED_SUM, (cast_static(is_zero, np.dtype(np.int32)), segment_ids), (num_segments,)), segment_ids)
    filled = where(is_zero, one, data)
    without_zeros = _rows(apply(UNSORTED_PROD, (filled, segment_ids), (num_segments,)), segment_ids)
    nothing = data._dtype.type(0)
    others = where(
        zeros == 0, without_zeros / filled, where((zeros == 1) & is_zero, without_zeros, nothing)
    )
    return _rows(g, segment_ids) * conj(others), None


UNSORTED_PROD = general(
    "UnsortedSegmentProd", _unsorted(np.multiply, lambda dtype: 1), NUMBER, _prod_vjp,
    operands="data segment_ids", attrs="num_segments",
)  # fmt: skip


def _flat(data, segment_ids, name):
    """Rows and ids as the primitives want them: the ids' dimensions of the data folded into one."""
    from tapeflow.ops.shaping import reshape_static

    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids._dtype.kind not in "iu" or ids._dtype.itemsize < 4:
        raise not_allowed(_IDS, ids._dtype)
    rank = len(ids._shape)
    if data._shape[:rank] != ids._shape:
        raise invalid_argument(
            f"data.shape = {bracketed(data._shape)} does not start with segment_ids.shape = {bracketed(ids._shape)} "
            f"[Op:{name}]"
        )
    size = count(ids._shape)
    return reshape_static(data, (size, *data._shape[rank:])), reshape_static(ids, (size,))


_IDS = Takes("UnsortedSegmentSum", "Tindices", (np.dtype(np.int32), np.dtype(np.int64)))


def _unsorted_reduce(prim, data, segment_ids, num_segments):
    if prim.kernels.get(convert_to_tensor(data)._dtype) is None:
        raise not_allowed(prim, convert_to_tensor(data)._dtype)
    data, ids = _flat(data, segment_ids, prim.name)
    (n,) = ints(num_segments, "num_segments")
    if n < 0:
        raise invalid_argument(f"Input num_segments == {n} must not be negative. [Op:{prim.name}]")
    return apply(prim, (data, ids), (n,))


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


def _counts(data, ids, n):
    """How many slices each segment has, at least 1, in the shape and dtype to divide by."""
    from tapeflow.ops.elementwise import maximum
    from tapeflow.ops.shaping import reshape_static

    ones = EagerTensor(np.ones(ids._shape, data._dtype))
    counts = apply(UNSORTED_SUM, (ones, ids), (n,))
    return maximum(reshape_static(counts, (n, *[1] * (len(data._shape) - 1))), data._dtype.type(1))


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The mean of the slices of each segment, 0 without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_mean([1., 2., 4.], [1, 0, 1], 2).numpy().tolist()
    [2.0, 2.5]
    """
    data, ids = _flat(data, segment_ids, UNSORTED_SUM.name)
    total = _unsorted_reduce(UNSORTED_SUM, data, ids, num_segments)
    return total / _counts(data, ids, total._shape[0])


def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sum of the slices of each segment over the root of their number, 0 without any.

    >>> import tapeflow as tf
    >>> tf.math.unsorted_segment_sqrt_n([1., 2., 2., 4., 5.], [1, 0, 1, 1, 1], 2).numpy().tolist()
    [2.0, 6.0]
    """
    from tapeflow.ops.elementwise import sqrt

    data, ids = _flat(data, segment_ids, UNSORTED_SUM.name)
    total = _unsorted_reduce(UNSORTED_SUM, data, ids, num_segments)
    return total / sqrt(_counts(data, ids, total._shape[0]))


# Sorted segments: the ids rise, and their number is the last one's plus 1. Without any slices a segment is 0, or 1.


def _sorted_segments(data, segment_ids, op):
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids._dtype.kind not in "iu" or ids._dtype.itemsize < 4:
        raise not_allowed(_IDS, ids._dtype)
    if len(ids._shape) != 1:
        raise invalid_argument(f"segment_ids should be a vector. [Op:{op}]")
    if not data._shape or data._shape[0] != ids._shape[0]:
        raise invalid_argument(f"segment_ids should be the same size as dimension 0 of input. [Op:{op}]")
    numbers = np.asarray(ids._array)
    if (numbers < 0).any():
        raise invalid_argument(f"segment ids must be >= 0 [Op:{op}]")
    if np.any(numbers[1:] < numbers[:-1]):
        raise invalid_argument(f"segment ids are not increasing [Op:{op}]")
    return data, ids, int(numbers[-1]) + 1 if len(numbers) else 0


def _empty_as(value, total, ids, n):
    """`total` with `value` for the segments that have no slices."""
    from tapeflow.ops.compare import where

    present = np.zeros(n, bool)
    present[np.asarray(ids._array)] = True
    if present.all():
        return total
    shaped = EagerTensor(present.reshape(n, *[1] * (len(total._shape) - 1)))
    return where(shaped, total, total._dtype.type(value))


def segment_sum(data, segment_ids, name=None):
    """The sum of the slices of each segment; the ids rise.

    Raises InvalidArgumentError if they do not, or are not one for each slice.

    >>> import tapeflow as tf
    >>> tf.math.segment_sum([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [3, 4]
    """
    data, ids, n = _sorted_segments(data, segment_ids, "SegmentSum")
    return _unsorted_reduce(UNSORTED_SUM, data, ids, n)


def segment_prod(data, segment_ids, name=None):
    """The product of the slices of each segment, 1 without any; the ids rise.

    >>> import tapeflow as tf
    >>> tf.math.segment_prod([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [2, 4]
    """
    data, ids, n = _sorted_segments(data, segment_ids, "SegmentProd")
    return _unsorted_reduce(UNSORTED_PROD, data, ids, n)


def segment_max(data, segment_ids, name=None):
    """The maximum of the slices of each segment, 0 without any; the ids rise.

    >>> import tapeflow as tf
    >>> tf.math.segment_max([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [2, 4]
    """
    data, ids, n = _sorted_segments(data, segment_ids, "SegmentMax")
    return _empty_as(0, _unsorted_reduce(UNSORTED_MAX, data, ids, n), ids, n)


def segment_min(data, segment_ids, name=None):
    """The minimum of the slices of each segment, 0 without any; the ids rise.

    >>> import tapeflow as tf
    >>> tf.math.segment_min([1, 2, 4], [0, 0, 1]).numpy().tolist()
    [1, 4]
    """
    data, ids, n = _sorted_segments(data, segment_ids, "SegmentMin")
    return _empty_as(0, _unsorted_reduce(UNSORTED_MIN, data, ids, n), ids, n)


def segment_mean(data, segment_ids, name=None):
    """The mean of the slices of each segment, 0 without any; the ids rise. That of integers is rounded toward 0.

    >>> import tapeflow as tf
    >>> tf.math.segment_mean([1., 2., 4.], [0, 0, 1]).numpy().tolist()
    [1.5, 4.0]
    """
    from tapeflow.ops.elementwise import truncatediv

    data, ids, n = _sorted_segments(data, segment_ids, "SegmentMean")
    total = _unsorted_reduce(UNSORTED_SUM, data, ids, n)
    counts = _counts(data, ids, n)
    return truncatediv(total, counts) if data.dtype.is_integer else total / counts
