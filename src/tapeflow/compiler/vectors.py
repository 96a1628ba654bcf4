"""Vectors of LLVM's assembly language, of lanes that are known; and loops and conditions that the emitter lacks."""

from tapeflow.compiler.emit import Value

SQUARE = 8  # the side of the largest block that is transposed in registers
I64 = "i64"
PTR = "ptr"


def i64(number):
    """A constant."""
    return Value(I64, str(number))


def offset(e, base, byte_count):
    """The address some bytes further on."""
    return e.new(PTR, f"getelementptr i8, ptr {base.text}, i64 {byte_count.text}")


def between(e, start, end):
    """The bytes from one address to another."""
    return e.sub(*[e.cast("ptrtoint", address, I64) for address in (end, start)])


def is_given(e, pointer):
    """Whether a pointer is not null."""
    return e.new("i1", f"icmp ne ptr {pointer.text}, null")


def splat(e, scalar, lanes):
    """A vector of one number."""
    type = f"<{lanes} x {scalar.type}>"
    one = e.new(type, f"insertelement {type} poison, {scalar.type} {scalar.text}, i64 0")
    return e.new(type, f"shufflevector {type} {one.text}, {type} poison, <{lanes} x i32> zeroinitializer")


def first_lanes(e, count, lanes):
    """The mask of the first `count` (i64) lanes."""
    limit = splat(e, e.cast("trunc", count, "i32"), lanes)
    numbers = ", ".join(f"i32 {i}" for i in range(lanes))
    return e.new(f"<{lanes} x i1>", f"icmp ult <{lanes} x i32> <{numbers}>, {limit.text}")


def _suffix(type):
    """An intrinsic's suffix for a vector type: v8f32 for <8 x float>."""
    lanes, scalar = type[1:-1].split(" x ")
    return f"v{lanes}{'f32' if scalar == 'float' else 'f64'}"


def load_vector(e, address, type, align, mask=None):
    """A vector from an address; zeros where the mask is false, which are not read."""
    if mask is None:
        return e.load(address, type, f", align {align}")
    name = f"llvm.masked.load.{_suffix(type)}.p0"
    return e.new(
        type, f"call {type} @{name}(ptr {address.text}, i32 {align}, {mask.type} {mask.text}, {type} zeroinitializer)"
    )


def store_vector(e, value, address, align, mask=None):
    """A vector to an address, where the mask is true."""
    if mask is None:
        return e.store(value, address, f", align {align}")
    name = f"llvm.masked.store.{_suffix(value.type)}.p0"
    text = f"{value.type} {value.text}, ptr {address.text}, i32 {align}, {mask.type} {mask.text}"
    return e.line(f"call void @{name}({text})")


def fma(e, x, y, z):
    """x * y + z, rounded once where the machine can."""
    name = f"llvm.fmuladd.{_suffix(x.type)}"
    return e.new(x.type, f"call {x.type} @{name}({', '.join(f'{v.type} {v.text}' for v in (x, y, z))})")


def prefetch(e, address):
    """Have the memory at an address ready to be written."""
    e.line(f"call void @llvm.prefetch.p0(ptr {address.text}, i32 1, i32 3, i32 1)")


def while_(e, state, going, body):
    """`while going(state): state = body(state)`; returns the last state."""
    before, head, inside, after = e.block, e.label(), e.label(), e.label()
    e.line(f"br label %{head}")
    e.start(head)
    place = len(e.lines)
    entered = tuple(Value(v.type, f"%w{head}.{n}") for n, v in enumerate(state))
    e.line(f"br i1 {going(*entered).text}, label %{inside}, label %{after}")
    e.start(inside)
    last = body(*entered)
    e.lines[place:place] = [
        f"  {value.text} = phi {value.type} [ {old.text}, %{before} ], [ {new.text}, %{e.block} ]"
        for value, old, new in zip(entered, state, last, strict=True)
    ]
    e.line(f"br label %{head}")
    e.start(after)
    return entered


def when(e, condition, body, values=()):
    """`if condition: values = body()`; returns the values after it."""
    before, inside, after = e.block, e.label(), e.label()
    e.line(f"br i1 {condition.text}, label %{inside}, label %{after}")
    e.start(inside)
    new = body() or ()
    end = e.block
    e.line(f"br label %{after}")
    e.start(after)
    return [
        e.new(v.type, f"phi {v.type} [ {v.text}, %{before} ], [ {w.text}, %{end} ]")
        for v, w in zip(values, new, strict=True)
    ]


def return_when(e, condition, body):
    """`if condition: return body()`."""
    inside, after = e.label(), e.label()
    e.line(f"br i1 {condition.text}, label %{inside}, label %{after}")
    e.start(inside)
    body()
    e.line("ret void")
    e.start(after)


def minimum(e, x, y):
    return e.intrinsic("smin", x, y)


def maximum(e, x, y):
    return e.intrinsic("smax", x, y)


def round_up(e, x, step):
    """x to a multiple of a constant."""
    return e.mul(ceil_div(e, x, i64(step)), i64(step))


def ceil_div(e, x, y):
    return e.udiv(e.sub(e.add(x, y), i64(1)), y)


def transposed(e, lines):
    """The columns of a square block of 1, 2, 4 or 8 rows, given the rows."""
    count = len(lines)
    group = min(count, 4)  # the shuffles stay within four lanes first, which machines prefer
    lines = list(lines)
    span = 1
    while span < count:
        # Runs of `span` lanes of two rows in turn: from the first and from the second half of every group.
        wide = max(group, 2 * span)
        masks = [
            [
                row + start + run + i
                for start in range(half, count, wide)
                for run in range(0, wide // 2, span)
                for row in (0, count)
                for i in range(span)
            ]
            for half in (0, wide // 2)
        ]
        for i in range(count):
            if not i & span:
                x, y = lines[i], lines[i + span]
                lines[i], lines[i + span] = (shuffle(e, x, y, mask) for mask in masks)
        span *= 2
    # Within four lanes the halves were taken in turn: the second column is in the third place.
    return [lines[i & ~3 | (i & 1) << 1 | (i & 2) >> 1] if count > 2 else lines[i] for i in range(count)]


def next_power(count):
    """The next power of two."""
    return 1 << (count - 1).bit_length()


def lanes_of(vector):
    """How many lanes a vector has."""
    return int(vector.type[1:].split(" x ")[0])


def known_mask(count, lanes):
    """The first `count` lanes; None for all."""
    if count == lanes:
        return None
    return Value(f"<{lanes} x i1>", f"<{', '.join(f'i1 {int(i < count)}' for i in range(lanes))}>")


def shuffle(e, x, y, lanes):
    """Lanes of two vectors, one after the other."""
    mask = f"<{len(lanes)} x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>"
    scalar = x.type[1:-1].split(" x ")[1]
    return e.new(f"<{len(lanes)} x {scalar}>", f"shufflevector {x.type} {x.text}, {y.type} {y.text}, {mask}")


def slice_of(e, vector, start, count):
    """`count` lanes of a vector."""
    return shuffle(e, vector, Value(vector.type, "poison"), range(start, start + count))


def lane_sums(e, vectors):
    """The sum of the lanes of each vector, in one vector."""
    count, lanes = next_power(len(vectors)), lanes_of(vectors[0])
    vectors = [*vectors, *[Value(vectors[0].type, "zeroinitializer")] * (count - len(vectors))]
    if lanes < count:
        return shuffle(e, lane_sums(e, vectors[: count // 2]), lane_sums(e, vectors[count // 2 :]), range(count))
    while lanes > count:
        lanes //= 2
        vectors = [e.fadd(slice_of(e, v, 0, lanes), slice_of(e, v, lanes, lanes)) for v in vectors]
    while len(vectors) > 1:
        # Neighbouring lanes of two vectors, added: the sums of the first in the lower half, of the second in the upper.
        vectors = [
            e.fadd(shuffle(e, x, y, range(0, 2 * lanes, 2)), shuffle(e, x, y, range(1, 2 * lanes, 2)))
            for x, y in zip(vectors[::2], vectors[1::2])
        ]
    return vectors[0]
