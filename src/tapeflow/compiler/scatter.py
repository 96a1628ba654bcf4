"""Rows put into arrays by number, as native code: scatters, sums over segments, counts.

A routine, for each row of updates in order, finds its place and combines it with what is there. The sums are those of
the NumPy kernels, in the same order. A row whose place is outside is left out: where that is an error, a check tells
(`CHECKS`), and where it is none, that is what is wanted.
"""

import numpy as np

from tapeflow.compiler.affine import strides_of
from tapeflow.compiler.emit import i64
from tapeflow.compiler.lowerings import LOWERINGS
from tapeflow.compiler.places import coordinates_outside, outside, taken
from tapeflow.compiler.program import IOTA, ROUTINE, Term, broadcast, mapped, number, reshaped
from tapeflow.compiler.routines import Routine, routine
from tapeflow.compiler.types import BOOL, I64, memory_type

# How an update is combined with what is there, by the names of NumPy's functions; None: it takes its place.
WAYS = {
    "add": "AddV2", "subtract": "Sub", "multiply": "Mul", "maximum": "Maximum", "minimum": "Minimum", "replace": None,
}  # fmt: skip
COLUMNS = 32  # of a row: what threads share; less would have them write to the same lines of the cache


class _Sizes:
    """The sizes of a scatter: `limits` of the places' coordinates, the `width` of a row, how many updates there are."""

    def __init__(self, term):
        self.way, self.limits, self.width, self.count, self.fill = term.attrs[1:]
        self.rows = int(np.prod(self.limits))


def _scatter(b, term, out, args, low, high):
    """`args`: what is changed, unless all begins with a number; the coordinates; the updates."""
    sizes = _Sizes(term)
    type = memory_type(term.dtype)
    places_type = memory_type(term.args[-2].dtype)
    signed = term.args[-2].dtype.kind == "i"
    low, high = b.mul(low, i64(COLUMNS)), b.mul(high, i64(COLUMNS))
    high = b.intrinsic("smin", high, i64(sizes.width))
    if len(args) == 2 or args[0].text != out.text:
        _begin(b, sizes, type, out, None if len(args) == 2 else args[0], low, high)
    combined = WAYS[sizes.way]
    depth = len(sizes.limits)

    def update(i, state):
        place = inside = None
        for n, (limit, stride) in enumerate(zip(sizes.limits, strides_of(sizes.limits))):
            found = b.load(b.address(args[-2], b.add(b.mul(i, i64(depth)), i64(n)), places_type), places_type)
            if places_type != "i64":
                found = b.cast("sext" if signed else "zext", found, "i64")
            fits = b.icmp("ult", found, i64(limit))
            inside = fits if inside is None else b.and_(inside, fits)
            part = b.mul(found, i64(stride))
            place = part if place is None else b.add(place, part)
        inside = b.const("i1", 1) if inside is None else inside
        place = i64(0) if place is None else place
        to, source = b.mul(place, i64(sizes.width)), b.mul(i, i64(sizes.width))

        def column(j, state):
            target = b.address(out, b.add(to, j), type)
            value = b.load(b.address(args[-1], b.add(source, j), type), type)
            if combined is not None:
                value = LOWERINGS[combined](b, term.dtype, b.load(target, type), value)
            b.store(value, target)
            return ()

        b.loop(low, b.select(inside, high, low), i64(1), column)
        return ()

    b.loop(i64(0), i64(sizes.count), i64(1), update)


def _begin(b, sizes, type, out, base, low, high):
    """What is there before the first update."""

    def element(place, state):
        found = b.const(type, sizes.fill) if base is None else b.load(b.address(base, place, type), type)
        b.store(found, b.address(out, place, type))
        return ()

    if _parts(sizes.width) == 1:
        b.loop(i64(0), i64(sizes.rows * sizes.width), i64(1), element)
        return

    def row(i, state):
        start = b.mul(i, i64(sizes.width))
        b.loop(b.add(start, low), b.add(start, high), i64(1), element)
        return ()

    b.loop(i64(0), i64(sizes.rows), i64(1), row)


def _parts(width):
    return -(-width // COLUMNS)


def _cost(term):
    sizes = _Sizes(term)
    return min(sizes.width, COLUMNS) * (sizes.count + sizes.rows // 4) // 2 + 4 * sizes.count


def _items(term):
    return _parts(_Sizes(term).width)


ROUTINES = {
    "scatter": Routine(_scatter, _items, _cost),
    "scatter into": Routine(_scatter, _items, _cost, over_first=True),
}


def scattered(way, shape, coordinates, updates, base=None, fill=0, where=None):
    """A term of `shape`: `base`, or a number everywhere, with updates at coordinates `[..., depth]`.

    The updates have the shape `[..., *shape[depth:]]`. None where the NumPy kernel has to say what is wrong.
    """
    *outer, depth = coordinates.shape
    if depth > len(shape) or updates.shape != (*outer, *shape[depth:]):
        return None
    if updates.dtype == BOOL and way != "replace":
        return None
    attrs = way, tuple(shape[:depth]), int(np.prod(shape[depth:])), int(np.prod(outer)), fill
    if base is None:
        return routine("scatter", shape, updates.dtype, coordinates, updates, attrs=attrs, where=where)
    return routine("scatter into", shape, updates.dtype, base, coordinates, updates, attrs=attrs, where=where)


def added(x, y, where=None):
    """The sum of two terms of which one is a scatter into zeros, as a scatter into the other; None if neither is."""
    for base, one in ((x, y), (y, x)):
        if one.kind == ROUTINE and one.attrs[:2] == ("scatter", "add") and base.shape == one.shape:
            if one.attrs[-1] != 0:
                continue
            attrs = one.attrs[1:]
            return routine("scatter into", base.shape, base.dtype, base, *one.args, attrs=attrs, where=where)
    return None


def _deeper(ids):
    """Numbers of rows as coordinates."""
    return reshaped(ids, (*ids.shape, 1))


# Translations.


def _segments(way, fill):
    def translate(node, data, ids, segments):
        if len(ids.shape) != 1:
            return None
        start = fill(data.dtype)
        return scattered(way, (segments, *data.shape[1:]), _deeper(ids), data, fill=start, where=node.where)

    return translate


def _limit(name):
    def of(dtype):
        about = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        return dtype.type(getattr(about, name)).item()

    return of


def _scatter_nd(node, indices, updates, shape):
    way = "replace" if updates.dtype == BOOL else "add"
    return scattered(way, tuple(shape), indices, updates, where=node.where)


def _into(way):
    def translate(node, tensor, indices, updates):
        return scattered(way, tensor.shape, indices, updates, tensor, where=node.where)

    return translate


def _change(node, *operands):
    """A variable's rows, or slices at coordinates: the method says which, and how they are changed."""
    *operands, prepare, _ = operands
    if getattr(prepare, "way", None) not in WAYS or len(operands) != 3:
        return None
    array, indices, updates = operands
    if prepare.by_rows and not updates.shape:
        updates = broadcast(updates, (*indices.shape, *array.shape[1:]))
    return scattered(prepare.way, array.shape, _coordinates(prepare, indices), updates, array, where=node.where)


def _coordinates(prepare, indices):
    return _deeper(indices) if prepare.by_rows or len(indices.shape) == 1 else indices


def _add_along(node, x, indices, size):
    """Sums along the last axis: rows of one number each, in one long list."""
    if x.shape != indices.shape:
        return None
    lead = x.shape[:-1]
    rows = int(np.prod(lead))
    flat = (rows, x.shape[-1])
    starts = mapped("Mul", I64, Term(IOTA, flat, I64, attrs=0), number(size, I64))
    places = mapped("AddV2", I64, mapped("Cast", I64, reshaped(indices, flat)), starts)
    found = scattered("add", (rows * size,), _deeper(places), reshaped(x, flat), where=node.where)
    return reshaped(found, (*lead, size))


def _bincount(node, arr, weights, size, binary):
    """How often each number is there, in each row; those beyond the last are not counted."""
    if len(arr.shape) > 2 or not arr.shape or 0 in arr.shape:
        return None
    flat = arr if len(arr.shape) == 2 else reshaped(arr, (1, int(np.prod(arr.shape))))
    updates = broadcast(number(1, weights.dtype), flat.shape)
    if weights.shape not in ((), (0,)) and not binary:
        if weights.shape != arr.shape:
            return None
        updates = reshaped(weights, flat.shape)
    places, rows = mapped("Cast", I64, flat), flat.shape[0]
    if rows > 1:
        starts = mapped("Mul", I64, Term(IOTA, flat.shape, I64, attrs=0), number(size, I64))
        fits = mapped("Less", BOOL, places, number(size, I64))
        places = mapped("SelectV2", I64, fits, mapped("AddV2", I64, places, starts), number(-1, I64))
    found = scattered("replace" if binary else "add", (rows * size,), _deeper(places), updates, where=node.where)
    return reshaped(found, (*arr.shape[:-1], size))


def _drop_negatives(node, rows, ids):
    """Row `ids[i]` of `rows`, zeros for a negative one."""
    found = taken(rows, mapped("Minimum", ids.dtype, ids, number(rows.shape[0] - 1, ids.dtype)), 0, 0, node.where)
    dropped = mapped("Less", BOOL, reshaped(ids, (*ids.shape, *[1] * (len(rows.shape) - 1))), number(0, ids.dtype))
    return mapped("SelectV2", rows.dtype, dropped, number(0, rows.dtype), found)


TRANSLATIONS = {
    "UnsortedSegmentSum": _segments("add", lambda dtype: 0),
    "UnsortedSegmentProd": _segments("multiply", lambda dtype: 1),
    "UnsortedSegmentMax": _segments("maximum", _limit("min")),
    "UnsortedSegmentMin": _segments("minimum", _limit("max")),
    "ScatterNd": _scatter_nd, "TensorScatterUpdate": _into("replace"), "TensorScatterAdd": _into("add"),
    "TensorScatterSub": _into("subtract"), "TensorScatterMax": _into("maximum"), "TensorScatterMin": _into("minimum"),
    "ResourceScatter": _change, "AddAlongLast": _add_along, "GatherDropNegatives": _drop_negatives,
    "DenseBincount": _bincount,
}  # fmt: skip


# Checks.


def _beyond(node, data, ids, segments):
    return outside(ids, None, segments)


def _into_outside(node, tensor, indices, updates):
    return coordinates_outside(indices, tensor.shape)


def _change_outside(node, array, indices, updates, prepare, attrs):
    return coordinates_outside(_coordinates(prepare, indices), array.shape)


CHECKS = {
    **{f"UnsortedSegment{way}": _beyond for way in ("Sum", "Prod", "Max", "Min")},
    **{f"TensorScatter{way}": _into_outside for way in ("Update", "Add", "Sub", "Max", "Min")},
    "ScatterNd": lambda node, indices, updates, shape: coordinates_outside(indices, shape),
    "ResourceScatter": _change_outside,
    "AddAlongLast": lambda node, x, indices, size: outside(indices, 0, size),
    "DenseBincount": lambda node, arr, weights, size, binary: outside(arr, 0, 1 << 62),
}  # fmt: skip
