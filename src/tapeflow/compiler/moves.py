"""Elements at other places, as terms: what pads, joins, parts, turns round or repeats arrays, and matrices' diagonals.

Most are views, affine maps of indices; what has elements of several arrays chooses between them.
"""

import itertools

import numpy as np

from tapeflow.compiler.affine import Affine, counter
from tapeflow.compiler.program import GUARD, IOTA, Term, broadcast, mapped, number, reshaped, transposed, view
from tapeflow.compiler.types import BOOL, I64

FEW = 1 << 14  # simple instructions that are over before NumPy has begun


def swapped(x):
    """Matrices transposed."""
    rank = len(x.shape)
    return transposed(x, (*range(rank - 2), rank - 1, rank - 2))


def _reshape(node, x, shape):
    return reshaped(x, tuple(shape)) if np.prod(x.shape) == np.prod(shape) else None


def _ensure_shape(node, x, shape):
    fits = len(shape) == len(x.shape) and all(n in (None, m) for n, m in zip(shape, x.shape))
    return x if fits else None


def _strides(spec, shape):
    """An index of ints, slices, None and an ellipsis: (the result's shape, an Affine for each axis of the operand)."""
    explicit = sum(part is not None and part is not Ellipsis for part in spec)
    full = []
    for part in spec:
        full += [(None, None, None)] * (len(shape) - explicit) if part is Ellipsis else [part]
    full += [(None, None, None)] * (len(shape) - sum(part is not None for part in full))
    out, index, axis = [], [], 0
    for part in full:
        if part is None:
            out.append(1)
            continue
        n = shape[axis]
        axis += 1
        if part.__class__ is int:
            index.append(Affine(part % n if -n <= part < n else part))
            continue
        start, stop, step = slice(*part).indices(n)
        index.append(Affine(start).plus(counter(len(out)).times(step)))
        out.append(len(range(start, stop, step)))
    return tuple(out), tuple(index)


def _simple(spec):
    return all(part is None or part is Ellipsis or part.__class__ in (int, tuple) for part in spec)


def _strided(node, x, spec):
    if not _simple(spec):
        return None
    shape, index = _strides(spec, x.shape)
    return view(x, shape, index) if 0 not in shape else None


def _unstride(node, g, spec, shape):
    if not _simple(spec) or 0 in g.shape:
        return None
    _, index = _strides(spec, tuple(shape))
    conditions, back = [], [Affine(0)] * len(g.shape)
    for axis, place in enumerate(index):
        n = shape[axis]
        if not place.terms:
            conditions.append((counter(axis), place.constant, place.constant + 1))
            continue
        ((own, step),) = place.terms
        if step == -1:
            last = place.constant
            if last != n - 1 or g.shape[own] != n:
                conditions.append((counter(axis), last - g.shape[own] + 1, last + 1))
            back[own] = counter(axis).times(-1).plus(Affine(last))
            continue
        if step != 1:
            return None
        if place.constant or g.shape[own] != n:
            conditions.append((counter(axis), place.constant, place.constant + g.shape[own]))
        back[own] = counter(axis).plus(Affine(-place.constant))
    return guarded(g, conditions, back, broadcast(number(0, g.dtype), tuple(shape)))


def guarded(inside, conditions, index, outside):
    """`inside` at `index` where every condition holds, else `outside`, a term of the result's shape."""
    conditions = tuple([c for c in conditions if not (c[1] <= 0 and c[2] >= outside.shape[c[0].terms[0][0]])])
    if not conditions:
        return view(inside, outside.shape, tuple(index))
    return Term(GUARD, outside.shape, inside.dtype, (inside, outside), (conditions, tuple(index)))


def _pad(node, x, paddings):
    shape = tuple([before + n + after for n, (before, after) in zip(x.shape, paddings)])
    if 0 in x.shape:
        return None
    conditions = [(counter(i), before, before + n) for i, (n, (before, _)) in enumerate(zip(x.shape, paddings))]
    index = [counter(i).plus(Affine(-before)) for i, (before, _) in enumerate(paddings)]
    return guarded(x, conditions, index, broadcast(number(0, x.dtype), shape))


def _part(x, axis, first, count, step=1):
    """Elements along an axis."""
    shape = tuple([count if i == axis else n for i, n in enumerate(x.shape)])
    index = [counter(i).times(step).plus(Affine(first)) if i == axis else counter(i) for i in range(len(shape))]
    return view(x, shape, tuple(index))


def _mirror_pad(node, x, paddings, mode):
    """Along each axis what stands before, turned round, the whole, and what stands after."""
    edge = int(mode == "REFLECT")  # the first and last elements are not repeated
    for axis, (before, after) in enumerate(paddings):
        n = x.shape[axis]
        parts = [_part(x, axis, before - 1 + edge, before, -1)] if before else []
        parts += [x]
        parts += [_part(x, axis, n - 1 - edge, after, -1)] if after else []
        x = _concat(node, *parts, axis) if len(parts) > 1 else x
    return x


def _shift(node, x, axis, places):
    """Zeros, and then what was before."""
    n = x.shape[axis]
    if abs(places) >= n:
        return broadcast(number(0, x.dtype), x.shape)
    conditions = [(counter(axis), max(places, 0), n + min(places, 0))]
    index = tuple([counter(i).plus(Affine(-places)) if i == axis else counter(i) for i in range(len(x.shape))])
    return guarded(x, conditions, index, broadcast(number(0, x.dtype), x.shape))


def _concat(node, *args):
    *parts, axis = args
    axis %= len(parts[0].shape)
    total = sum(x.shape[axis] for x in parts)
    parts = [x for x in parts if x.shape[axis]]
    if not parts or 0 in parts[0].shape:
        return None
    shape = tuple([total if i == axis else n for i, n in enumerate(parts[0].shape)])
    if len(parts) > 8 and len(parts) * int(np.prod(shape)) > FEW:
        return None
    start, out = total, None
    for x in reversed(parts):
        start -= x.shape[axis]
        index = [counter(i).plus(Affine(-start)) if i == axis else counter(i) for i in range(len(shape))]
        if out is None:
            out = Term(GUARD, shape, x.dtype, (x, broadcast(number(0, x.dtype), shape)),
                       (((counter(axis), start, total),), tuple(index)))  # fmt: skip
        else:
            out = guarded(x, [(counter(axis), start, start + x.shape[axis])], index, out)
    return out


def pack(node, *args):
    """Terms of one shape along a new axis; None if their shapes differ."""
    *parts, axis = args
    if any(x.shape != parts[0].shape for x in parts):
        return None
    rank = len(parts[0].shape)
    axis %= rank + 1
    wide = [reshaped(x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in parts]
    return _concat(node, *wide, axis)


def _split(node, x, sizes, axis):
    parts, start = [], 0
    if 0 in sizes or 0 in x.shape:
        return None
    for size in sizes:
        shape = tuple([size if i == axis else n for i, n in enumerate(x.shape)])
        index = [counter(i).plus(Affine(start)) if i == axis else counter(i) for i in range(len(shape))]
        parts.append(view(x, shape, tuple(index)))
        start += size
    return parts


def _unpack(node, x, axis):
    axis %= len(x.shape)
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    if 0 in shape:
        return None
    return [
        view(x, shape, tuple([Affine(n) if i == axis else counter(i - (i > axis)) for i in range(len(x.shape))]))
        for n in range(x.shape[axis])
    ]


def _reverse(node, x, axes):
    axes = [axis % len(x.shape) for axis in axes]
    index = [
        counter(i).times(-1).plus(Affine(n - 1)) if i in axes else counter(i) for i, n in enumerate(x.shape)
    ]  # fmt: skip
    return view(x, x.shape, tuple(index))


def _roll(node, x, shifts, axes):
    """Along each axis, the last elements before the others: a choice between the pieces that stay together."""
    rank, total = len(x.shape), {}
    for shift, axis in zip(shifts, axes):
        total[axis % rank] = total.get(axis % rank, 0) + shift
    total = {axis: shift % x.shape[axis] for axis, shift in total.items() if shift % x.shape[axis]}
    choices = [[(axis, 0, s, x.shape[axis] - s), (axis, s, x.shape[axis], -s)] for axis, s in total.items()]
    out = None
    for pieces in itertools.product(*choices):
        moved = {axis: by for axis, _, _, by in pieces}
        index = tuple([counter(i).plus(Affine(moved.get(i, 0))) for i in range(rank)])
        conditions = [(counter(axis), low, high) for axis, low, high, _ in pieces]
        out = view(x, x.shape, index) if out is None else guarded(x, conditions, index, out)
    return out


def _tile(node, x, multiples):
    wide = tuple([n for pair in zip(multiples, x.shape) for n in pair])
    ones = tuple([n for size in x.shape for n in (1, size)])
    return reshaped(broadcast(reshaped(x, ones), wide), tuple([m * n for m, n in zip(multiples, x.shape)]))


def _repeat(node, x, repeats, axis):
    times = np.unique(repeats)
    if len(times) != 1:
        return None
    axis %= len(x.shape)
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    wide = broadcast(reshaped(x, (*before, n, 1, *after)), (*before, n, int(times[0]), *after))
    return reshaped(wide, (*before, n * int(times[0]), *after))


# Matrices by the places of their elements.


def _row_and_column(shape):
    """The places of elements in matrices of a shape."""
    return [Term(IOTA, shape, I64, attrs=len(shape) + axis) for axis in (-2, -1)]


def chosen(condition, x, y):
    """`x` where a condition holds, else `y`."""
    return mapped("SelectV2", x.dtype, condition, x, y)


def _band_part(node, x, lower, upper):
    row, column = _row_and_column(x.shape)
    below = mapped("Sub", I64, row, column)
    if upper >= 0:
        x = chosen(mapped("GreaterEqual", BOOL, below, number(-upper, I64)), x, number(0, x.dtype))
    if lower >= 0:
        x = chosen(mapped("LessEqual", BOOL, below, number(lower, I64)), x, number(0, x.dtype))
    return x


def _set_diag(node, x, diagonal, band, left):
    if band != (0, 0) or x.shape[-2] != x.shape[-1]:
        return None
    row, column = _row_and_column(x.shape)
    return chosen(mapped("Equal", BOOL, row, column), reshaped(diagonal, (*x.shape[:-1], 1)), x)


def _diag(node, diagonal, band, left, rows, columns):
    blank = broadcast(number(0, diagonal.dtype), (*diagonal.shape[:-1], rows, columns))
    return _set_diag(node, blank, diagonal, band, left) if rows == columns else None


def _diag_part(node, x, band, left):
    low, high = band
    if low != high:
        return None
    first = max(-low, 0), max(low, 0)
    size = min(n - start for n, start in zip(x.shape[-2:], first))
    rank = len(x.shape)
    own = [counter(rank - 2).plus(Affine(start)) for start in first]
    return view(x, (*x.shape[:-2], size), (*map(counter, range(rank - 2)), *own))


def _from_lower(node, x):
    row, column = _row_and_column(x.shape)
    return chosen(mapped("GreaterEqual", BOOL, row, column), x, swapped(x))


TRANSLATIONS = {
    "Reshape": _reshape, "EnsureShape": _ensure_shape, "Transpose": lambda node, x, perm: transposed(x, perm),
    "BroadcastTo": lambda node, x, shape: broadcast(x, tuple(shape)),
    "StridedSlice": _strided, "StridedSliceGrad": _unstride, "Pad": _pad, "MirrorPad": _mirror_pad, "Shift": _shift,
    "ConcatV2": _concat, "Pack": pack, "SplitV": _split, "Unpack": _unpack, "ReverseV2": _reverse,
    "Roll": _roll, "Tile": _tile, "Repeat": _repeat, "MatrixBandPart": _band_part, "MatrixSetDiagV3": _set_diag,
    "MatrixDiagV3": _diag, "MatrixDiagPartV3": _diag_part, "SelfAdjointFromLower": _from_lower,
}  # fmt: skip
