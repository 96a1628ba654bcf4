"""Random numbers as native code: Philox 4x32-10, and what TensorFlow makes of its words.

The numbers are those of `random_bits`, which says where they are from, bit for bit; float64 normal numbers, for which
the C library's functions are called there, are within the error of `elementary`'s. A state is three integers of 64
bits, the counter's two halves and the key. A block is four words, and an item of the routines here.
"""

import numpy as np

from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.program import NUMBER
from tapeflow.compiler.routines import Routine, routine
from tapeflow.compiler.types import F32, F64, memory_type
from tapeflow.random_bits import libm
from tapeflow.random_bits.distributions import RESERVED
from tapeflow.random_bits.philox import _MULTIPLY, _RAISE, _ROUNDS, MASK32, MASK64, MASK128
from tapeflow.random_bits.seeds import _SCRAMBLE_KEY

I32, I64 = "i32", "i64"


def _int(value, type=I64):
    return Value(type, str(value))


# Blocks.


def _load_state(b, address):
    """(counter's low half, its high half, key) of a state in memory."""
    return [b.load(b.address(address, _int(i), I64), I64) for i in range(3)]


def _round_keys(b, key):
    """Both halves of the key in every round."""
    low, high = b.and_(key, _int(MASK32)), b.lshr(key, _int(32))
    return [
        [b.and_(b.add(half, _int(i * step)), _int(MASK32)) for half, step in zip((low, high), _RAISE)]
        for i in range(_ROUNDS)
    ]


def _block(b, low, high, keys, place):
    """The words of a block that is some places on from a counter, as i64."""
    total = b.add(low, place)
    high = b.add(high, b.cast("zext", b.icmp("ult", total, low), I64))
    x0, x1, x2, x3 = [part for half in (total, high) for part in (b.and_(half, _int(MASK32)), b.lshr(half, _int(32)))]
    for k0, k1 in keys:
        p0, p1 = b.mul(x0, _int(_MULTIPLY[0])), b.mul(x2, _int(_MULTIPLY[1]))
        x0, x2 = b.xor(b.xor(b.lshr(p1, _int(32)), x1), k0), b.xor(b.xor(b.lshr(p0, _int(32)), x3), k1)
        x1, x3 = b.and_(p1, _int(MASK32)), b.and_(p0, _int(MASK32))
    return x0, x1, x2, x3


# What is made of a block's words: each function gives the numbers of one block.


def _bits(b, dtype, words):
    if dtype.itemsize == 4:
        return [b.cast("trunc", word, I32) for word in words]
    return [b.or_(low, b.shl(high, _int(32))) for low, high in (words[:2], words[2:])]


def _float(b, word):
    bits = b.or_(b.and_(b.cast("trunc", word, I32), _int(0x7FFFFF, I32)), _int(0x3F800000, I32))
    return b.fsub(b.cast("bitcast", bits, "float"), b.const("float", 1))


def _double(b, high, low):
    bits = b.or_(b.shl(b.or_(b.and_(high, _int(0xFFFFF)), _int(0x3FF00000)), _int(32)), low)
    return b.fsub(b.cast("bitcast", bits, "double"), b.const("double", 1))


def _uniform(b, dtype, words):
    if dtype == F32:
        return [_float(b, word) for word in words]
    return [_double(b, *words[:2]), _double(b, *words[2:])]


def _integers(low, high):
    """Integers in [low, high)."""

    def make(b, dtype, words):
        found = _bits(b, dtype, words)
        type, span = found[0].type, high - low
        if span & (span - 1):
            found = [b.urem(x, _int(span, type)) for x in found]
        else:
            found = [b.and_(x, _int(span - 1, type)) for x in found]
        return [b.add(x, _int(low, type)) for x in found]

    return make


def _normal(b, dtype, words):
    """Two numbers by Box and Muller of each pair: of words, or of the doubles that they make."""
    if dtype == F32:
        pairs = [(_float(b, one), _float(b, other)) for one, other in (words[:2], words[2:])]
        make = _normal_floats
    else:
        pairs, make = [(_double(b, *words[:2]), _double(b, *words[2:]))], _normal_doubles
    return [x for pair in pairs for x in make(b, *pair)]


def _normal_floats(b, radius, angle):
    least = b.const("float", 1e-7)
    radius = _log(b, b.select(b.fcmp("olt", radius, least), least, radius))
    radius = b.sqrt(b.fmul(radius, b.const("float", -2)))
    wide = b.fmul(b.cast("fpext", angle, "double"), b.const("double", 2 * np.pi))  # which is rounded to a float
    sine, cosine = _sine_and_cosine(b, b.cast("fptrunc", wide, "float"))
    return b.fmul(sine, radius), b.fmul(cosine, radius)


def _normal_doubles(b, radius, angle):
    least = b.const("double", 1e-7)
    radius = FUNCTIONS["log"](b, b.select(b.fcmp("olt", radius, least), least, radius))
    radius = b.sqrt(b.fmul(b.const("double", -2), radius))
    angle = b.fmul(angle, b.const("double", 2 * np.pi))
    noted, b.unusual = b.unusual, []  # an angle is never large
    sine, cosine = FUNCTIONS["sin"](b, angle), FUNCTIONS["cos"](b, angle)
    b.unusual = noted
    return b.fmul(sine, radius), b.fmul(cosine, radius)


# The C library's logf and sincosf, step by step as in `libm`: their last bits count.


def _chosen(b, bits, numbers):
    """One of 2 ** len(bits) constants, by its number's bits, the lowest first: a table without memory."""
    found = [b.const("double", x) for x in numbers]
    for bit in bits:
        found = [b.select(bit, odd, even) for even, odd in zip(found[::2], found[1::2])]
    return found[0]


def _log(b, x):
    def const(number):
        return b.const("double", number)

    bits = b.cast("bitcast", x, I32)
    shifted = b.sub(bits, _int(0x3F330000, I32))
    exponent = b.ashr(shifted, _int(23, I32))
    row = [b.icmp("ne", b.and_(shifted, _int(1 << 19 + i, I32)), _int(0, I32)) for i in range(4)]
    z = b.cast("bitcast", b.sub(bits, b.shl(exponent, _int(23, I32))), "float")
    inverse, base = [_chosen(b, row, column) for column in libm._LOG_TABLE.T.tolist()]
    p0, p1, p2 = map(const, libm._LOG_POLY)
    r = b.fsub(b.fmul(b.cast("fpext", z, "double"), inverse), const(1))
    y = b.fadd(b.fmul(p1, r), p2)
    r2 = b.fmul(r, r)
    y = b.fmul(b.fadd(y, b.fmul(p0, r2)), r2)
    base = b.fadd(base, b.fmul(b.cast("sitofp", exponent, "double"), const(libm._LN2)))
    return b.cast("fptrunc", b.fadd(y, b.fadd(r, base)), "float")


def _sine_and_cosine(b, x):
    """Both for a float in [0, 2 pi]."""

    def const(number):
        return b.const("double", number)

    x = b.cast("fpext", x, "double")
    turns = b.cast("fptosi", b.fadd(b.fmul(x, const(libm._TWO_OVER_PI)), const(0.5)), I32)
    odd = b.and_(turns, _int(1, I32))
    for part in (b.sub(turns, odd), odd):
        x = b.fsub(x, b.fmul(b.cast("sitofp", part, "double"), const(libm._HALF_PI)))
    x2 = b.fmul(x, x)
    x4 = b.fmul(x2, x2)
    s1, s2, s3 = map(const, libm._SIN_POLY)
    x3 = b.fmul(x2, x)
    sine = b.fmul(b.fadd(b.fmul(s3, x2), s2), b.fmul(x3, x2))
    sine = b.fadd(sine, b.fadd(b.fmul(x3, s1), x))
    c1, c2, c3, c4 = map(const, libm._COS_POLY)
    cosine = b.fmul(b.fadd(b.fmul(c4, x2), c3), b.fmul(x4, x2))
    cosine = b.fadd(cosine, b.fadd(b.fadd(b.fmul(x2, c1), const(1)), b.fmul(x4, c2)))
    sine, cosine = [b.cast("fptrunc", y, "float") for y in (sine, cosine)]
    swap = b.icmp("ne", odd, _int(0, I32))
    sine, cosine = b.select(swap, cosine, sine), b.select(swap, sine, cosine)
    # The sine is negative in quadrants 2 and 3, the cosine in 1 and 2.
    out = []
    for y, quadrant in ((sine, turns), (cosine, b.add(turns, _int(1, I32)))):
        sign = b.shl(b.and_(quadrant, _int(2, I32)), _int(30, I32))
        out.append(b.cast("bitcast", b.xor(b.cast("bitcast", y, I32), sign), "float"))
    return out


# Routines.


def _group(dtype):
    """How many numbers a block makes."""
    return 16 // dtype.itemsize


def _parted(b, size, group):
    """The number of whole groups in a size, an int or a value, and whether there may be a rest."""
    if size.__class__ is int:
        return _int(size // group), size % group != 0
    return b.lshr(size, _int(group.bit_length() - 1)), True


def _fill(b, dtype, make, state, out, size, low, high):
    """The numbers of blocks `low` to `high`, one after the other; of the last as many as there is room for."""
    first, second, key = _load_state(b, state)
    keys = _round_keys(b, key)
    group, type = _group(dtype), memory_type(dtype)
    whole, rest = _parted(b, size, group)
    nowhere = b.new("ptr", f"alloca {type}, align 8")

    def block(i, last):
        start = b.mul(i, _int(group))
        room = b.sub(_int(size) if size.__class__ is int else size, start)
        for n, value in enumerate(make(b, dtype, _block(b, first, second, keys, i))):
            address = b.address(out, b.add(start, _int(n)), type)
            if last:
                address = b.select(b.icmp("ult", _int(n), room), address, nowhere)
            b.store(value, address)
        return ()

    b.loop(low, b.intrinsic("smin", high, whole), _int(1), lambda i, state: block(i, False))
    if rest:
        b.loop(b.intrinsic("smax", low, whole), high, _int(1), lambda i, state: block(i, True), notes=b.plain())


def _truncated(b, dtype, make, state, out, size, low, high):
    """Numbers of magnitude below 2: a group, as many as a block makes, has its own stretch of blocks, and takes from it
    the first that are inside. Mostly the first block has enough; the other groups draw on one by one."""
    first, second, key = _load_state(b, state)
    keys = _round_keys(b, key)
    group, type = _group(dtype), memory_type(dtype)
    stretch = _int(group * RESERVED // 4)
    whole, _ = _parted(b, size, group)
    size = _int(size) if size.__class__ is int else size
    nowhere = b.new("ptr", f"alloca {type}, align 8")

    def numbers(place):
        return make(b, dtype, _block(b, first, second, keys, place))

    def inside(x):
        return b.fcmp("olt", b.fabs(x), b.const(type, 2))

    def draw(i, state):
        start = b.mul(i, _int(group))
        for n, x in enumerate(numbers(b.mul(i, stretch))):
            b.store(x, b.address(out, b.add(start, _int(n)), type))
        return ()

    def mend(i, state):
        start = b.mul(i, _int(group))
        drawn, room = b.icmp("ult", i, whole), b.intrinsic("umin", b.sub(size, start), _int(group))
        good, first_block = drawn, []
        for n in range(group):
            place = b.intrinsic("umin", b.add(start, _int(n)), b.sub(size, _int(1)))
            x = b.load(b.address(out, place, type), type)
            first_block.append((x, b.and_(drawn, inside(x))))
            good = b.and_(good, first_block[-1][1])
        some, again, after = b.label(), b.label(), b.label()
        b.line(f"br i1 {good.text}, label %{after}, label %{some}")
        b.start(some)
        kept = _int(0)
        for x, takes in first_block:
            b.store(x, b.select(takes, b.address(out, b.add(start, kept), type), nowhere))
            kept = b.add(kept, b.cast("zext", takes, I64))
        next_block = b.cast("zext", drawn, I64)
        b.line(f"br label %{again}")
        b.start(again)
        line, step, filled = len(b.lines), Value(I64, f"%step{again}"), Value(I64, f"%filled{again}")
        count = filled
        for x in numbers(b.add(b.mul(i, stretch), step)):
            takes = b.and_(inside(x), b.icmp("ult", count, room))
            b.store(x, b.select(takes, b.address(out, b.add(start, count), type), nowhere))
            count = b.add(count, b.cast("zext", takes, I64))
        following = b.add(step, _int(1))
        b.line(f"br i1 {b.icmp('ult', count, room).text}, label %{again}, label %{after}")
        b.lines[line:line] = [
            f"  {x.text} = phi i64 [ {begun.text}, %{some} ], [ {y.text}, %{again} ]"
            for x, begun, y in ((step, next_block, following), (filled, kept, count))
        ]
        b.start(after)
        return ()

    b.loop(low, b.intrinsic("smin", high, whole), _int(1), draw)
    b.loop(low, high, _int(1), mend, notes=b.plain())


def _scrambled(b, term, out, args, low, high):
    """The state that a stateless operation starts from, of its seed: two integers of up to 64 bits."""
    type = memory_type(term.args[0].dtype)
    first, second = [b.load(b.address(args[0], _int(i), type), type) for i in range(2)]
    if type != I64:
        first, second = [b.cast("sext", x, I64) for x in (first, second)]
    x0, x1, x2, x3 = _block(b, first, second, _round_keys(b, _int(_SCRAMBLE_KEY)), _int(0))
    for i, value in enumerate((_int(0), b.or_(x2, b.shl(x3, _int(32))), b.or_(x0, b.shl(x1, _int(32))))):
        b.store(value, b.address(out, _int(i), I64))


def _skipped(b, term, out, args, low, high):
    """A state so many blocks on."""
    low_half, high_half, key = _load_state(b, args[0])
    blocks = term.attrs[1]
    total = b.add(low_half, _int(blocks & MASK64))
    carry = b.cast("zext", b.icmp("ult", total, low_half), I64)
    high_half = b.add(b.add(high_half, _int(blocks >> 64)), carry)
    for i, value in enumerate((total, high_half, key)):
        b.store(value, b.address(out, _int(i), I64))


# How an array is filled: the loops, what makes a block's numbers, and about how many simple instructions a block is.
FILLS = {
    "uniform": (_fill, _uniform, 80), "bits": (_fill, _bits, 80), "normal": (_fill, _normal, 250),
    "truncated normal": (_truncated, _normal, 500),
}  # fmt: skip


def source(kind, dtype):
    """The IR of a module that fills arrays of any size, and `parallel` for large ones: it defines

    void @fill(ptr table, i64 parts)

    where `table` holds the addresses of a state and of the array, the array's size, and the number of parts.
    """
    write, make, _ = FILLS[kind]
    b = Emitter()
    state, out, size, parts = [b.load(b.address(Value("ptr", "%table"), _int(i), I64), I64) for i in range(4)]
    state, out = [b.cast("inttoptr", x, "ptr") for x in (state, out)]
    blocks = b.udiv(b.add(size, _int(_group(dtype) - 1)), _int(_group(dtype)))
    each = b.udiv(b.add(blocks, b.sub(parts, _int(1))), parts)
    low = b.intrinsic("smin", b.mul(Value(I64, "%part"), each), blocks)
    write(b, dtype, make, state, out, size, low, b.intrinsic("smin", b.add(low, each), blocks))
    body = "\n".join(b.lines)
    return "\n".join([
        *sorted(b.declared.values()), "declare void @parallel(ptr, ptr, i64)",
        f"define internal void @part(ptr %table, i64 %part) #0 {{\nentry:\n{body}\n  ret void\n}}",
        "define void @fill(ptr %table, i64 %parts) #0 {\nentry:\n  %one = icmp eq i64 %parts, 1",
        "  br i1 %one, label %alone, label %shared", "alone:\n  call void @part(ptr %table, i64 0)\n  ret void",
        "shared:\n  call void @parallel(ptr @part, ptr %table, i64 %parts)\n  ret void\n}",
    ])  # fmt: skip


def _random(b, term, out, args, low, high):
    kind, *attrs = term.attrs[1:]
    write, make, _ = FILLS[kind] if not attrs else (_fill, _integers(*attrs), 0)
    write(b, term.dtype, make, args[0], out, int(np.prod(term.shape)), low, high)


def _blocks(term):
    return -(-int(np.prod(term.shape)) // _group(term.dtype))


def _cost(term):
    return FILLS.get(term.attrs[1], (None, None, 90))[2]


def _one(term):
    return 1


ROUTINES = {
    "random": Routine(_random, _blocks, _cost),
    "scramble": Routine(_scrambled, _one, lambda term: 80),
    "skip": Routine(_skipped, _one, lambda term: 5),
}


# Translations.


def _filled(maker, *dtypes):
    def translate(node, state, shape, dtype):
        if np.dtype(dtype) not in dtypes or state.shape != (3,):
            return None
        return routine("random", tuple(shape), np.dtype(dtype), state, attrs=(maker,), where=node.where)

    return translate


def _uniform_int(node, state, low, high, shape):
    if low.kind != NUMBER or high.kind != NUMBER or low.attrs >= high.attrs or low.dtype.itemsize < 4:
        return None
    return routine(
        "random", tuple(shape), low.dtype, state, attrs=("integers", low.attrs, high.attrs), where=node.where
    )


def _scramble(node, seed):
    return routine("scramble", (3,), np.dtype(np.uint64), seed) if seed.shape == (2,) else None


_WHOLE = [np.dtype(f"{sign}{size}") for sign in "iu" for size in (4, 8)]
TRANSLATIONS = {
    "StatelessRandomUniformV2": _filled("uniform", F32, F64),
    "StatelessRandomNormalV2": _filled("normal", F32, F64),
    "StatelessTruncatedNormalV2": _filled("truncated normal", F32, F64),
    "StatelessRandomUniformFullIntV2": _filled("bits", *_WHOLE),
    "StatelessRandomUniformIntV2": _uniform_int,
    "StatelessRandomGetKeyCounter": _scramble,
    "RngReadAndSkip": lambda node, state, blocks: routine(
        "skip", state.shape, state.dtype, state, attrs=(blocks & MASK128,)
    ),
}  # fmt: skip
