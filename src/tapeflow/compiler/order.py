"""Places in order, as native code: what sort, top_k and searchsorted need."""

import numpy as np

from tapeflow.compiler.emit import Value, i64
from tapeflow.compiler.places import taken
from tapeflow.compiler.program import broadcast, mapped, number, reduced, reshaped
from tapeflow.compiler.routines import Routine, routine
from tapeflow.compiler.types import BOOL, I64, memory_type

FEW = 64  # so many places are kept in order by insertion; more are sorted by the bytes of what they stand for
DIGIT = 256
STACK = 1 << 18  # bytes of the stack for one row's keys and places, twice; NumPy sorts longer rows


def _key(b, dtype, descending, x):
    """What stands in ascending order: equal elements keep theirs, and what is not a number comes first."""
    if dtype.kind != "f":
        return b.not_(x) if descending else x
    key = b.fneg(x) if descending else x
    return b.select(b.fcmp("uno", key, key), b.const(x.type, -np.inf), key)


def _above(b, dtype, x, y):
    if dtype.kind == "f":
        return b.fcmp("ogt", x, y)
    return b.icmp("sgt" if dtype.kind == "i" else "ugt", x, y)


def _order(b, term, out, args, low, high):
    """The places of the first `k` elements in order of each row of `n`: inserted where they belong, one by one."""
    n, descending = term.attrs[1:]
    k, dtype = term.shape[-1], term.args[0].dtype
    type, place_type = memory_type(dtype), memory_type(term.dtype)
    keys = b.new("ptr", f"alloca [{k} x {type}], align 64")

    def row(i, state):
        places = b.address(out, b.mul(i, i64(k)), place_type)

        def element(j, state):
            (count,) = state
            key = _key(b, dtype, descending, b.load(b.address(args[0], b.add(b.mul(i, i64(n)), j), type), type))
            full = b.icmp("eq", count, i64(k))
            last = b.load(b.address(keys, b.select(full, i64(k - 1), i64(0)), type), type)
            drops = b.and_(full, b.not_(_above(b, dtype, last, key)))
            before, insert, after = b.block, b.label(), b.label()
            b.line(f"br i1 {drops.text}, label %{after}, label %{insert}")
            b.start(insert)
            grown = _insert(b, dtype, key, j, b.select(full, i64(k - 1), count), keys, places, type, place_type)
            insert = b.block
            b.line(f"br label %{after}")
            b.start(after)
            return (b.new("i64", f"phi i64 [ {count.text}, %{before} ], [ {grown.text}, %{insert} ]"),)

        # Uninitialised keys are never compared: there is no element before the first is there.
        b.loop(i64(0), i64(n), i64(1), element, (i64(0),), b.plain())
        return ()

    b.loop(low, high, i64(1), row)


def _insert(b, dtype, key, place, count, keys, places, type, place_type):
    """Put an element after all of the first `count` that are not above it; how many there are then."""
    head, move, done = b.label(), b.label(), b.label()
    before = b.block
    b.line(f"br label %{head}")
    b.start(head)
    line = len(b.lines)
    at = Value("i64", f"%at{head}")
    b.line(f"br i1 {b.icmp('eq', at, i64(0)).text}, label %{done}, label %{move}")
    b.start(move)
    previous = b.sub(at, i64(1))
    found = b.load(b.address(keys, previous, type), type)
    shift = b.label()
    b.line(f"br i1 {_above(b, dtype, found, key).text}, label %{shift}, label %{done}")
    b.start(shift)
    b.store(found, b.address(keys, at, type))
    b.store(b.load(b.address(places, previous, place_type), place_type), b.address(places, at, place_type))
    b.line(f"br label %{head}")
    b.lines.insert(line, f"  {at.text} = phi i64 [ {count.text}, %{before} ], [ {previous.text}, %{shift} ]")
    b.start(done)
    b.store(key, b.address(keys, at, type))
    b.store(b.cast("trunc", place, place_type) if place_type != "i64" else place, b.address(places, at, place_type))
    return b.add(count, i64(1))


def _bits(b, dtype, descending, x):
    """An integer whose bits, without a sign, stand in the order of the keys."""
    key = _key(b, dtype, descending, x)
    if dtype.kind == "u":
        return key
    type = f"i{8 * dtype.itemsize}"
    top = b.const(type, -(1 << (8 * dtype.itemsize - 1)))
    if dtype.kind == "i":
        return b.xor(key, top)
    bits = b.cast("bitcast", b.fadd(key, b.const(key.type, 0)), type)  # -0 is 0
    negative = b.ashr(bits, b.const(type, 8 * dtype.itemsize - 1))
    return b.xor(bits, b.or_(negative, top))


def _sort(b, term, out, args, low, high):
    """The places of the first `k` elements in order of each row of `n`: put in order by one byte after the other, from
    the last one on (a radix sort), each time without a change in what is equal."""
    n, descending = term.attrs[1:]
    k, dtype = term.shape[-1], term.args[0].dtype
    type, place_type, bits_type = memory_type(dtype), memory_type(term.dtype), f"i{8 * dtype.itemsize}"
    digits = range(dtype.itemsize)
    counts = b.new("ptr", f"alloca [{len(digits) * DIGIT} x i32], align 64")
    buffers = [
        (b.new("ptr", f"alloca [{n} x {bits_type}], align 64"), b.new("ptr", f"alloca [{n} x i32], align 64"))
        for _ in range(2)
    ]
    one = b.const("i32", 1)

    def counter(digit, key):
        """The address of the count of a key's byte."""
        byte = b.lshr(key, b.const(bits_type, 8 * digit)) if digit else key
        byte = b.and_(byte, b.const(bits_type, DIGIT - 1)) if bits_type != "i8" else byte
        byte = b.cast("zext", byte, "i64") if bits_type != "i64" else byte
        return b.address(counts, b.add(byte, i64(digit * DIGIT)), "i32")

    def row(i, state):
        def clear(j, state):
            b.store(b.const("i32", 0), b.address(counts, j, "i32"))
            return ()

        def take(j, state):
            key = _bits(b, dtype, descending, b.load(b.address(args[0], b.add(b.mul(i, i64(n)), j), type), type))
            b.store(key, b.address(buffers[0][0], j, bits_type))
            b.store(b.cast("trunc", j, "i32"), b.address(buffers[0][1], j, "i32"))
            for digit in digits:
                at = counter(digit, key)
                b.store(b.add(b.load(at, "i32"), one), at)
            return ()

        b.loop(i64(0), i64(len(digits) * DIGIT), i64(1), clear)
        b.loop(i64(0), i64(n), i64(1), take, (), b.plain())
        for digit in digits:
            (keys, places), (to_keys, to_places) = buffers if digit % 2 == 0 else buffers[::-1]

            def begin(j, state, digit=digit):
                at = b.address(counts, b.add(j, i64(digit * DIGIT)), "i32")
                count = b.load(at, "i32")
                b.store(state[0], at)
                return (b.add(state[0], count),)

            def put(j, state, digit=digit, keys=keys, places=places, to_keys=to_keys, to_places=to_places):
                key = b.load(b.address(keys, j, bits_type), bits_type)
                at = counter(digit, key)
                place = b.load(at, "i32")
                b.store(b.add(place, one), at)
                place = b.cast("zext", place, "i64")
                b.store(key, b.address(to_keys, place, bits_type))
                b.store(b.load(b.address(places, j, "i32"), "i32"), b.address(to_places, place, "i32"))
                return ()

            b.loop(i64(0), i64(DIGIT), i64(1), begin, (b.const("i32", 0),), b.plain())
            b.loop(i64(0), i64(n), i64(1), put, (), b.plain())
        last = buffers[len(digits) % 2][1]

        def give(j, state):
            place = b.load(b.address(last, j, "i32"), "i32")
            place = b.cast("zext", place, "i64") if place_type == "i64" else place
            b.store(place, b.address(out, b.add(b.mul(i, i64(k)), j), place_type))
            return ()

        b.loop(i64(0), i64(k), i64(1), give)
        return ()

    b.loop(low, high, i64(1), row)


def _search(b, term, out, args, low, high):
    """For each value the number of elements of its row's sequence that are below it, or not above it."""
    n, values, side = term.attrs[1:]
    dtype = term.args[0].dtype
    type, place_type = memory_type(dtype), memory_type(term.dtype)

    def below(x, y):
        """Whether x < y, where what is not a number is above all others, as NumPy sorts."""
        if dtype.kind != "f":
            return _above(b, dtype, y, x)
        return b.or_(b.fcmp("olt", x, y), b.and_(b.fcmp("uno", y, y), b.fcmp("ord", x, x)))

    def item(i, state):
        value = b.load(b.address(args[1], i, type), type)
        row = b.mul(b.udiv(i, i64(values)), i64(n))

        def halve(_, state):
            start, size = state
            half = b.lshr(size, i64(1))
            middle = b.intrinsic("umin", b.add(start, half), i64(n - 1))
            found = b.load(b.address(args[0], b.add(row, middle), type), type)
            right = below(found, value) if side == "left" else b.not_(below(value, found))
            right = b.and_(right, b.icmp("ne", size, i64(0)))
            rest = b.sub(b.sub(size, half), b.cast("zext", b.icmp("ne", size, i64(0)), "i64"))
            return b.select(right, b.add(middle, i64(1)), start), b.select(right, rest, half)

        start, _ = b.loop(i64(0), i64(n.bit_length()), i64(1), halve, (i64(0), i64(n)))
        b.store(b.cast("trunc", start, place_type) if place_type != "i64" else start, b.address(out, i, place_type))
        return ()

    b.loop(low, high, i64(1), item)


ROUTINES = {
    "order": Routine(
        _order, lambda term: int(np.prod(term.shape[:-1])), lambda term: (6 + term.shape[-1] // 4) * term.attrs[1]
    ),
    "sort": Routine(
        _sort, lambda term: int(np.prod(term.shape[:-1])),
        lambda term: term.args[0].dtype.itemsize * (8 * term.attrs[1] + 3 * DIGIT),
    ),
    "search": Routine(_search, lambda term: int(np.prod(term.shape)), lambda term: 10 * term.attrs[1].bit_length()),
}


# Translations.


def _sorted_places(node, x, descending, dtype, k):
    k = x.shape[-1] if k is None else k
    n = x.shape[-1]
    if x.dtype == BOOL or k > FEW and 2 * n * (x.dtype.itemsize + 4) > STACK:
        return None
    attrs = n, bool(descending)
    name = "order" if k <= FEW else "sort"
    return routine(name, (*x.shape[:-1], k), np.dtype(dtype), x, attrs=attrs, where=node.where)


def _in_top_k(node, predictions, targets, k):
    """Whether fewer than k classes are ahead of the target, and all numbers are finite."""
    rows, classes = predictions.shape
    wide = mapped("Cast", I64, targets)
    valid = mapped("LogicalAnd", BOOL, mapped("GreaterEqual", BOOL, wide, number(0, I64)),
                   mapped("Less", BOOL, wide, number(classes, I64)))  # fmt: skip
    places = reshaped(mapped("SelectV2", I64, valid, wide, number(0, I64)), (rows, 1))
    chosen = broadcast(taken(predictions, places, 1, 1, node.where), predictions.shape)
    ahead = mapped("Cast", I64, mapped("Greater", BOOL, predictions, chosen))
    finite = reduced("all", mapped("IsFinite", BOOL, predictions), (1,), False)
    few = mapped("Less", BOOL, reduced("sum", ahead, (1,), False), mapped("Cast", I64, k))
    return mapped("LogicalAnd", BOOL, mapped("LogicalAnd", BOOL, valid, finite), few)


def _searched(side):
    def translate(node, sequence, values, dtype):
        if sequence.dtype == BOOL:
            return None
        attrs = sequence.shape[-1], values.shape[-1], side
        return routine("search", values.shape, np.dtype(dtype), sequence, values, attrs=attrs, where=node.where)

    return translate


TRANSLATIONS = {
    "TopKV2": _sorted_places, "InTopKV2": _in_top_k, "LowerBound": _searched("left"), "UpperBound": _searched("right"),
}  # fmt: skip
