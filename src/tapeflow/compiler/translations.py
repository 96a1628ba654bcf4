"""How a graph's nodes become terms: tables by the primitives' names.

A translation takes the node, the operands' terms and the attributes, and gives the term of the result (a list, where
there are several), or None where the NumPy kernel has to run. What is elementwise stands in `lowerings`.
"""

import itertools

import numpy as np

from tapeflow.compiler import draws, halves, matrices, order, philox, places, rows, scans, scatter
from tapeflow.compiler.affine import Affine, counter
from tapeflow.compiler.lowerings import lowering
from tapeflow.compiler.program import (
    GUARD,
    IOTA,
    LEAF,
    MATMUL,
    Term,
    broadcast,
    mapped,
    number,
    reduced,
    reshaped,
    transposed,
    view,
)  # fmt: skip
from tapeflow.compiler.types import BOOL, HALVES, I64, REGISTER

FEW = 1 << 14  # simple instructions that are over before NumPy has begun


def _matmul(node, a, b, transpose_a, transpose_b):
    if a.dtype.kind != "f" or a.dtype not in REGISTER:
        return None
    if transpose_a:
        a = _swapped(a)
    if transpose_b:
        b = _swapped(b)
    if len(a.shape) == len(b.shape) == 2:
        return Term(MATMUL, (a.shape[0], b.shape[1]), a.dtype, (a, b), where=node.where)
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if len(b.shape) == 2 and a.kind == LEAF:  # rows of one large matrix
        rows = reshaped(a, (int(np.prod(a.shape[:-1])), a.shape[-1]))
        flat = Term(MATMUL, (rows.shape[0], b.shape[1]), a.dtype, (rows, b), where=node.where)
        return reshaped(flat, (*lead, a.shape[-2], b.shape[-1]))
    a, b = broadcast(a, (*lead, *a.shape[-2:])), broadcast(b, (*lead, *b.shape[-2:]))
    return Term(MATMUL, (*lead, a.shape[-2], b.shape[-1]), a.dtype, (a, b), where=node.where)


def _swapped(x):
    rank = len(x.shape)
    return transposed(x, (*range(rank - 2), rank - 1, rank - 2))


def _reduction(kind):
    def translate(node, x, axes, keepdims):
        if 0 in x.shape:
            return None
        return reduced(kind, x, axes, keepdims)

    return translate


def _mean(node, x, axes, keepdims):
    if x.dtype.kind != "f" or 0 in x.shape:
        return None
    count = int(np.prod([x.shape[axis] for axis in axes]))
    total = reduced("sum", x, axes, keepdims)
    return mapped("RealDiv", x.dtype, total, number(float(x.dtype.type(count)), x.dtype))


def _bias_add(node, value, bias, channel):
    rank = len(value.shape)
    shape = tuple([n if i == rank + channel else 1 for i, n in enumerate(value.shape)])
    return mapped("AddV2", value.dtype, value, reshaped(bias, shape))


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


def _pack(node, *args):
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


def _cast(node, x, dtype):
    if x.dtype not in REGISTER or dtype not in REGISTER:
        return None
    return x if x.dtype == dtype else mapped("Cast", dtype, x, where=node.where)


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


def _chosen(condition, x, y):
    return mapped("SelectV2", x.dtype, condition, x, y)


def _band_part(node, x, lower, upper):
    row, column = _row_and_column(x.shape)
    below = mapped("Sub", I64, row, column)
    if upper >= 0:
        x = _chosen(mapped("GreaterEqual", BOOL, below, number(-upper, I64)), x, number(0, x.dtype))
    if lower >= 0:
        x = _chosen(mapped("LessEqual", BOOL, below, number(lower, I64)), x, number(0, x.dtype))
    return x


def _set_diag(node, x, diagonal, band, left):
    if band != (0, 0) or x.shape[-2] != x.shape[-1]:
        return None
    row, column = _row_and_column(x.shape)
    return _chosen(mapped("Equal", BOOL, row, column), reshaped(diagonal, (*x.shape[:-1], 1)), x)


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
    return _chosen(mapped("GreaterEqual", BOOL, row, column), x, _swapped(x))


def _cross(node, a, b):
    parts = []
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        one, other = [mapped("Mul", a.dtype, _at(a, m), _at(b, n)) for m, n in ((j, k), (k, j))]
        parts.append(mapped("Sub", a.dtype, one, other))
    return _pack(node, *parts, -1)


def _at(x, place):
    """Elements of the last axis."""
    lead = len(x.shape) - 1
    return view(x, x.shape[:-1], (*map(counter, range(lead)), Affine(place)))


# Reductions in other words.


def _squares(x):
    return mapped("Mul", x.dtype, x, x)


def _l2_loss(node, x):
    total = reduced("sum", _squares(x), range(len(x.shape)), False)
    return mapped("Mul", x.dtype, total, number(0.5, x.dtype))


def _euclidean_norm(node, x, axes, keepdims):
    if x.dtype.kind != "f":
        return None
    return mapped("Sqrt", x.dtype, reduced("sum", _squares(x), axes, keepdims))


def _finite_max(node, x, axes):
    top = reduced("max", x, axes, True)
    return _chosen(mapped("IsFinite", BOOL, top), top, number(0, x.dtype))


def _first(kind, worst):
    """The place of the first extreme element; what is not a number never wins."""

    def translate(node, x, axis, dtype):
        axis %= len(x.shape)
        if x.dtype == BOOL:
            x = mapped("Cast", I64, x)
        if x.dtype.kind == "f":
            x = _chosen(mapped("IsNan", BOOL, x), number(worst, x.dtype), x)
        best = mapped("Equal", BOOL, x, broadcast(reduced(kind, x, (axis,), True), x.shape))
        place = Term(IOTA, x.shape, I64, attrs=axis)
        found = reduced("min", _chosen(best, place, number(x.shape[axis], I64)), (axis,), False)
        return _cast(node, found, np.dtype(dtype))

    return translate


def _divides_by_zero(node, x, y):
    known = places.known(y)
    if y.dtype.kind == "f" or known is not None and known.all():
        return None
    return reduced("any", mapped("Equal", BOOL, y, number(0, y.dtype)), range(len(y.shape)), False)


def _not_finite(node, x, message):
    return reduced("any", mapped("LogicalNot", BOOL, mapped("IsFinite", BOOL, x)), range(len(x.shape)), False)


def _one_hot_of(node, indices, on, off, depth, axis):
    axis %= len(indices.shape) + 1
    shape = (*indices.shape[:axis], depth, *indices.shape[axis:])
    wide = reshaped(mapped("Cast", I64, indices), (*indices.shape[:axis], 1, *indices.shape[axis:]))
    return _chosen(mapped("Equal", BOOL, Term(IOTA, shape, I64, attrs=axis), wide), on, off)


def _softmax(logits, axis):
    """(exp(x - max), their sum, x - max) over an axis."""
    shifted = mapped("Sub", logits.dtype, logits, reduced("max", logits, (axis,), True))
    powers = mapped("Exp", logits.dtype, shifted)
    return powers, reduced("sum", powers, (axis,), True), shifted


def _of_logits(translate):
    """A translation for floats with at least one class."""

    def checked(node, logits, *rest):
        if logits.dtype not in REGISTER or not logits.shape or 0 in logits.shape:
            return None
        return translate(node, logits, *rest)

    return checked


def _share(node, logits, axis):
    powers, total, _ = _softmax(logits, axis)
    return mapped("RealDiv", logits.dtype, powers, total)


def _log_share(node, logits, axis):
    _, total, shifted = _softmax(logits, axis)
    return mapped("Sub", logits.dtype, shifted, mapped("Log", logits.dtype, total))


def _cross_entropy(node, logits, labels):
    products = mapped("Mul", logits.dtype, _log_share(node, logits, -1), labels)
    return mapped("Sub", logits.dtype, number(0, logits.dtype), reduced("sum", products, (-1,), False))


def _one_hot(labels, like):
    """Whether an element's place along the last axis is its label."""
    wide = broadcast(reshaped(labels, (*labels.shape, 1)), like.shape)
    place = Term(IOTA, like.shape, I64, attrs=len(like.shape) - 1)
    return mapped("Equal", BOOL, wide, mapped("Cast", labels.dtype, place))


def _sparse_cross_entropy(node, logits, labels):
    chosen = mapped("SelectV2", logits.dtype, _one_hot(labels, logits), logits, number(0, logits.dtype))
    highest = reduced("max", logits, (-1,), False)
    total = reshaped(_softmax(logits, -1)[1], labels.shape)
    found = mapped("Sub", logits.dtype, highest, reduced("sum", chosen, (-1,), False))
    return mapped("AddV2", logits.dtype, mapped("Log", logits.dtype, total), found)


def _excess(node, logits, labels):
    hot = mapped("Cast", logits.dtype, _one_hot(labels, logits))
    return mapped("Sub", logits.dtype, _share(node, logits, -1), hot)


def _labels_outside(node, logits, labels):
    """Whether a label is no class: the condition under which the NumPy kernel raises."""
    low = mapped("Less", BOOL, labels, number(0, labels.dtype))
    high = mapped("GreaterEqual", BOOL, labels, number(logits.shape[-1], labels.dtype))
    return reduced("any", mapped("LogicalOr", BOOL, low, high), range(len(labels.shape)), False)


def _checked_labels(translate):
    """The labels may be found to be of another size only when the function runs: then the NumPy kernel says so."""
    return lambda node, x, labels: translate(node, x, labels) if labels.shape == x.shape[:-1] else None


def _reshape(node, x, shape):
    return reshaped(x, tuple(shape)) if np.prod(x.shape) == np.prod(shape) else None


def _ensure_shape(node, x, shape):
    fits = len(shape) == len(x.shape) and all(n in (None, m) for n, m in zip(shape, x.shape))
    return x if fits else None


def _add_n(node, *xs):
    if any(x.shape != xs[0].shape for x in xs):
        return None
    total = xs[0]
    for x in xs[1:]:
        total = mapped("AddV2", x.dtype, total, x, where=node.where)
    return total


def _sum_to_shape(node, x, shape):
    lead = len(x.shape) - len(shape)
    axes = (*range(lead), *[lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1])
    return reshaped(reduced("sum", x, axes, False), tuple(shape))


def _bitcast(node, x, dtype):
    if x.dtype.itemsize != dtype.itemsize or "b" in (x.dtype.kind, dtype.kind):
        return None
    return mapped("Bitcast", dtype, x, attrs=(dtype,), where=node.where)


TRANSLATIONS = {
    "Identity": lambda node, x: x, "ReadVariableOp": lambda node, x: x, "StopGradient": lambda node, x: x,
    "CustomCall": lambda node, *operands: list(operands[operands[-3] : operands[-3] + operands[-2]]),
    "Reshape": _reshape, "EnsureShape": _ensure_shape, "SumToShape": _sum_to_shape, "AddN": _add_n, "Bitcast": _bitcast,
    "Transpose": lambda node, x, perm: transposed(x, perm),
    "BroadcastTo": lambda node, x, shape: broadcast(x, tuple(shape)),
    "StridedSlice": _strided, "StridedSliceGrad": _unstride, "Pad": _pad, "MirrorPad": _mirror_pad, "Shift": _shift,
    "OnesLike": lambda node, x: broadcast(number(1, x.dtype), x.shape),
    "ZerosLike": lambda node, x: broadcast(number(0, x.dtype), x.shape), "CheckNumerics": lambda node, x, message: x,
    "ConcatV2": _concat, "Pack": _pack,
    "Roll": _roll, "Tile": _tile, "Repeat": _repeat, "MatrixBandPart": _band_part, "MatrixSetDiagV3": _set_diag,
    "MatrixDiagV3": _diag, "MatrixDiagPartV3": _diag_part, "SelfAdjointFromLower": _from_lower, "Cross": _cross,
    "L2Loss": _l2_loss, "EuclideanNorm": _euclidean_norm, "FiniteMax": _finite_max,
    "ArgMax": _first("max", -np.inf), "ArgMin": _first("min", np.inf),
    "OneHot": _one_hot_of,
    "SplitV": _split, "Unpack": _unpack, "ReverseV2": _reverse, "Cast": _cast,
    "MatMul": _matmul, "BatchMatMulV2": _matmul, "BiasAdd": _bias_add,
    "Sum": _reduction("sum"), "Max": _reduction("max"), "Min": _reduction("min"), "Prod": _reduction("prod"),
    "All": _reduction("all"), "Any": _reduction("any"), "Mean": _mean,
    "Softmax": _of_logits(_share), "LogSoftmax": _of_logits(_log_share),
    "SoftmaxCrossEntropyWithLogits": _of_logits(_cross_entropy),
    "SparseSoftmaxCrossEntropyWithLogits": _of_logits(_checked_labels(_sparse_cross_entropy)),
    "SparseSoftmaxCrossEntropyWithLogitsGrad": _of_logits(_checked_labels(_excess)),
    **places.TRANSLATIONS, **philox.TRANSLATIONS, **scatter.TRANSLATIONS, **scans.TRANSLATIONS, **order.TRANSLATIONS,
    **matrices.TRANSLATIONS, **rows.TRANSLATIONS, **draws.TRANSLATIONS,
}  # fmt: skip

# When a primitive refuses its operands' values, as a boolean term; None where that is known not to happen. Then nothing
# is assigned, and the NumPy kernel says what is wrong.
CHECKS = {
    **dict.fromkeys(("FloorDiv", "FloorMod", "TruncateDiv", "TruncateMod"), _divides_by_zero),
    "SparseSoftmaxCrossEntropyWithLogits": _labels_outside, **places.CHECKS, **scatter.CHECKS,
    **matrices.CHECKS, **rows.CHECKS,
    "CheckNumerics": _not_finite,
}  # fmt: skip


MAY_BE_EMPTY = ("DenseBincount",)  # what has operands that may say by their size that there is none


def translated(node, operands, types):
    """The terms of a node's outputs, of `types`; None if it has to run as its NumPy kernel."""
    if any(dtype not in REGISTER for _, dtype in types) or any(x.dtype not in REGISTER for x in operands):
        return None
    name = node.prim.name
    if any(0 in shape for shape, _ in types) or any(0 in x.shape for x in operands) and name not in MAY_BE_EMPTY:
        return None
    special = TRANSLATIONS.get(name)
    if any(x.dtype in HALVES for x in operands) or any(dtype in HALVES for _, dtype in types):
        found = halves.translated(node, operands, types, special)
        return found if found is None or isinstance(found, list) else [found]
    if special is not None:
        found = special(node, *operands, *node.attrs)
        return found if found is None or isinstance(found, list) else [found]
    if name == "AddV2":
        found = scatter.added(*operands, node.where)
        if found is not None:
            return [found]
    if lowering(name, [x.dtype for x in operands]) is not None:
        return [mapped(name, types[0][1], *operands, attrs=node.attrs, where=node.where)]
    return None
