"""Matrix products as LLVM assembly: text that states its own vectors, and needs no vectoriser.

`source` writes the general product, `@gemm.float` or `@gemm.double`, compiled once for a process; `small` writes one
straight function for sizes that are known and small. Neither declares LLVM's intrinsics: LLVM does that by itself.

The general product is the usual one [Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008]:

- A *tile* of c, `rows` x `vectors` registers, is summed over k by a kernel: for every k, one row of the tile's part
  of b is loaded, and each of the rows' elements of a is broadcast and multiplied into it. Kernels exist for 8, 4, 2 and
  1 rows (4, 2, 1 without AVX-512's 32 registers) and 3, 2 and 1 vectors; the last vector is masked, so any size is a
  few tiles, and nothing is read or written outside the matrices.
- k and n are cut into blocks, such that a block of b stays in the second-level cache, and the rows of a that are in use
  stay in the first.
- A block of b is *packed*: the columns of a tile are laid next to each other, whatever the strides of b, unless the
  rows of c are so few that the copy would cost more than it gives. The rows of a are read where they are, except if
  a is transposed: then they are copied too, as many as a tile has.
- Two shapes have ways of their own. A single row of c is a sum of rows of b (`axpys`). Few rows, or few columns, with
  a and b both contiguous along k are squares of dot products (`dots`).
"""

import itertools

from tapeflow.compiler.emit import WIDTH, Emitter, Value

VECTORS = 3  # a tile is at most this many vectors wide
BLOCK_BYTES = 512 << 10  # a block of b: half of a second-level cache
DEPTH_BYTES = 1024  # and the most bytes of one of its columns; sums over blocks are more accurate than one sum, too
DIRECT_ROWS = {8: 256, 4: 64}  # with no more rows in c than this, b is read where it is; by the rows of a tile
DOT_ROWS = 16  # with no more rows or columns in c than this, and b transposed, c is made of dot products
DEEP = 8  # a row of c takes this many rows of b at a time
SQUARE = 8  # the side of the largest block that is transposed in registers
ALIGN = 64

I64 = "i64"
PTR = "ptr"


def grain(dtype, vector_bits):
    """Where to cut a product between threads: at a multiple of these rows, or, if there are too few, of these columns.

    >>> grain("float", 512)
    (8, 16)
    """
    return _rows(vector_bits), vector_bits // WIDTH[dtype]


def work_bytes(dtype):
    """The bytes of scratch, aligned to 64, that one call of `@gemm.DTYPE` writes to: a multiple of 64 itself."""
    # A panel of a, a block of b, and what a transposing copy may write beyond it.
    return 8 * DEPTH_BYTES + BLOCK_BYTES + VECTORS * 64 * 16


NAMES = ("gemm.float", "gemm.double", "gemm.float.even", "gemm.double.even")


def is_even(vector_bits, ms, ns, a_strides, b_strides):
    """Whether `source(..., even=True)` does for products of these numbers of rows and columns, and as fast."""
    dots = a_strides[1] == 1 and b_strides[0] == 1 and min(*ms, *ns) <= DOT_ROWS
    return all(m % _rows(vector_bits) == 0 for m in ms) and min(ns) > 1 and not dots


def depth(dtype):
    """The largest k that is one block: with `from`, a @ b is then rounded before it is scaled and added."""
    return DEPTH_BYTES // (WIDTH[dtype] // 8)


def source(dtype, vector_bits, even=False):
    """The IR of the general matrix product, for a module of its own.

    `dtype` is "float" or "double", `vector_bits` 128, 256 or 512: the vectors of the machine it is compiled for. It
    defines

        void @gemm.DTYPE(ptr a, i64 a_row, i64 a_col, ptr b, i64 b_row, i64 b_col, ptr c, i64 c_row,
                         i64 m, i64 n, i64 k, ptr from, DTYPE scale, ptr then, ptr table, ptr work)

    which computes c = a @ b, or c = from + scale * (a @ b) if `from` is not null, for a of m x k, b of k x n and c of
    m x n. Strides count elements; a column of c has stride 1. c overlaps neither a nor b. `from` is laid out like c,
    and is c itself or does not overlap it. As soon as some rows of some columns of c are there, and in the cache,
    `then`, if it is not null, is called: `void then(ptr table, i64 row, i64 row_end, i64 column, i64 column_end)`.
    `work` is scratch of `work_bytes(dtype)` that no other thread uses at the time. Any of m, n and k may be 0.
    An even product, compiled in half the time, is called `@gemm.DTYPE.even`, takes whole tiles of rows only, and has no
    ways of its own for few.

    The text needs no optimisation passes: code generation alone makes it as fast, in half the time.
    """
    return _Product(dtype, vector_bits, even).module()


def _rows(vector_bits):
    return 8 if vector_bits == 512 else 4


# Vectors, and loops that the emitter does not have.


def _int(number):
    return Value(I64, str(number))


def _offset(e, base, byte_count):
    """The address some bytes further on."""
    return e.new(PTR, f"getelementptr i8, ptr {base.text}, i64 {byte_count.text}")


def _between(e, start, end):
    """The bytes from one address to another."""
    return e.sub(*[e.cast("ptrtoint", address, I64) for address in (end, start)])


def _given(e, pointer):
    return e.new("i1", f"icmp ne ptr {pointer.text}, null")


def _splat(e, scalar, lanes):
    type = f"<{lanes} x {scalar.type}>"
    one = e.new(type, f"insertelement {type} poison, {scalar.type} {scalar.text}, i64 0")
    return e.new(type, f"shufflevector {type} {one.text}, {type} poison, <{lanes} x i32> zeroinitializer")


def _first_lanes(e, count, lanes):
    """The mask of the first `count` (i64) lanes."""
    splat = _splat(e, e.cast("trunc", count, "i32"), lanes)
    numbers = ", ".join(f"i32 {i}" for i in range(lanes))
    return e.new(f"<{lanes} x i1>", f"icmp ult <{lanes} x i32> <{numbers}>, {splat.text}")


def _suffix(type):
    """An intrinsic's suffix for a vector type: v8f32 for <8 x float>."""
    lanes, scalar = type[1:-1].split(" x ")
    return f"v{lanes}{'f32' if scalar == 'float' else 'f64'}"


def _load(e, address, type, align, mask=None):
    if mask is None:
        return e.load(address, type, f", align {align}")
    name = f"llvm.masked.load.{_suffix(type)}.p0"
    return e.new(
        type, f"call {type} @{name}(ptr {address.text}, i32 {align}, {mask.type} {mask.text}, {type} zeroinitializer)"
    )


def _store(e, value, address, align, mask=None):
    if mask is None:
        return e.store(value, address, f", align {align}")
    name = f"llvm.masked.store.{_suffix(value.type)}.p0"
    text = f"{value.type} {value.text}, ptr {address.text}, i32 {align}, {mask.type} {mask.text}"
    return e.line(f"call void @{name}({text})")


def _fma(e, x, y, z):
    """x * y + z, rounded once where the machine can."""
    name = f"llvm.fmuladd.{_suffix(x.type)}"
    return e.new(x.type, f"call {x.type} @{name}({', '.join(f'{v.type} {v.text}' for v in (x, y, z))})")


def _prefetch(e, address):
    e.line(f"call void @llvm.prefetch.p0(ptr {address.text}, i32 1, i32 3, i32 1)")


def _while(e, state, going, body):
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


def _when(e, condition, body, values=()):
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


def _return_when(e, condition, body):
    """`if condition: return body()`."""
    inside, after = e.label(), e.label()
    e.line(f"br i1 {condition.text}, label %{inside}, label %{after}")
    e.start(inside)
    body()
    e.line("ret void")
    e.start(after)


def _minimum(e, x, y):
    return e.intrinsic("smin", x, y)


def _maximum(e, x, y):
    return e.intrinsic("smax", x, y)


def _round_up(e, x, step):
    """x to a multiple of a constant."""
    return e.mul(_ceil_div(e, x, _int(step)), _int(step))


def _ceil_div(e, x, y):
    return e.udiv(e.sub(e.add(x, y), _int(1)), y)


class _Product:
    """The functions of a general product of one type, for vectors of one width."""

    def __init__(self, dtype, vector_bits, even):
        self.dtype = dtype
        self.even = even
        self.name = f"gemm.{dtype}.even" if even else f"gemm.{dtype}"
        self.size = WIDTH[dtype] // 8
        self.lanes = vector_bits // WIDTH[dtype]
        self.vector = f"<{self.lanes} x {dtype}>"
        self.vector_bytes = vector_bits // 8
        self.rows = _rows(vector_bits)
        self.parts = []

    def module(self):
        names = []
        for rows in (1 << i for i in range(self.rows.bit_length())):
            for vectors in range(1, VECTORS + 1):
                there = rows == self.rows or not self.even
                if there:
                    self.kernel(rows, vectors)
                names.append(f"ptr @{self.name}.kernel.{rows}x{vectors}" if there else "ptr null")
        self.parts.append(
            f"@{self.name}.kernels = internal constant [{len(names)} x ptr] [{', '.join(names)}]\n"
        )
        self.pack_rows()
        self.pack_transposed()
        self.pack_any()
        self.pack_a()
        if not self.even:
            for rows, columns in itertools.product((self.rows // 2, 1), (4, 1)):
                self.dots(rows, columns)
            for depth in (DEEP, 1):
                self.axpys(depth)
        self.product()
        return "\n".join(self.parts)

    def function(self, name, parameters, body, linkage="internal "):
        """Write a function; `body` gets an emitter and the parameters as values."""
        e = Emitter()
        values = [Value(type, f"%{parameter}") for type, parameter in parameters]
        body(e, *values)
        e.line("ret void")
        head = ", ".join(
            f"{type}{' noalias' if type == PTR and parameter not in ('c', 'from', 'table') else ''} %{parameter}"
            for type, parameter in parameters
        )
        # Dots make `@gemm.float`; every function is called through a pointer or once: nothing to inline.
        self.parts.append(
            f"define {linkage}void @{self.name}{name}({head}) noinline nounwind {{\nentry:\n"
            + "\n".join(e.lines)
            + "\n}\n"
        )

    def load(self, e, address, mask=None):
        return _load(e, address, self.vector, self.size, mask)

    def zero(self):
        return Value(self.vector, "zeroinitializer")

    # The kernel of a tile. Strides are of bytes here.

    def kernel(self, rows, vectors):
        """c = a @ b, or from + scale * a @ b, for `rows` rows; `last` is the number of lanes of the last vector."""
        def body(e, a, a_row, a_col, b, b_row, c, c_row, k, last, from_, scale):
            masks = [None] * (vectors - 1) + [_first_lanes(e, last, self.lanes)]
            a_offsets, c_rows = [_int(0)], [c]
            for _ in range(rows - 1):
                a_offsets.append(e.add(a_offsets[-1], a_row))
                c_rows.append(_offset(e, c_rows[-1], c_row))
            places = [
                [_offset(e, start, _int(v * self.vector_bytes)) for v in range(vectors)] for start in c_rows
            ]
            if rows * vectors >= 8:
                for row in places:
                    for place in row:
                        _prefetch(e, place)

            def step(a, b, sums):
                """One k."""
                line = [
                    self.load(e, _offset(e, b, _int(v * self.vector_bytes)), masks[v])
                    for v in range(vectors)
                ]
                new = []
                for r in range(rows):
                    x = _splat(e, e.load(_offset(e, a, a_offsets[r]), self.dtype), self.lanes)
                    new += [_fma(e, x, line[v], sums[r * vectors + v]) for v in range(vectors)]
                return new

            # A multiplication takes some cycles: with few sums, several k at once keep the machine busy.
            chains = 4 if rows * vectors <= 2 else 2 if rows * vectors <= 4 else 1
            count = rows * vectors
            sums = (self.zero(),) * count
            done = _int(0)
            if chains > 1:
                done = e.and_(k, _int(-chains))

                def several(i, state):
                    a, b, *all_sums = state
                    new = []
                    for u in range(chains):
                        new += step(a, b, all_sums[u * count : (u + 1) * count])
                        a, b = _offset(e, a, a_col), _offset(e, b, b_row)
                    return a, b, *new

                a, b, *parts = e.loop(_int(0), done, _int(chains), several, (a, b, *(sums * chains)))
                while len(parts) > count:
                    half = len(parts) // 2
                    parts = [e.fadd(x, y) for x, y in zip(parts[:half], parts[half:])]
                sums = tuple(parts)

            def one(i, state):
                a, b, *sums = state
                new = step(a, b, sums)
                return _offset(e, a, a_col), _offset(e, b, b_row), *new

            _, _, *sums = e.loop(done, k, _int(1), one, (a, b, *sums))

            def add():
                factor, away = _splat(e, scale, self.lanes), _between(e, c, from_)
                new = []
                for number, total in enumerate(sums):
                    v = number % vectors
                    before = self.load(e, _offset(e, places[number // vectors][v], away), masks[v])
                    new.append(e.fadd(before, e.fmul(factor, total)))
                return new

            sums = _when(e, _given(e, from_), add, sums)
            for r in range(rows):
                for v in range(vectors):
                    _store(e, sums[r * vectors + v], places[r][v], self.size, masks[v])

        self.function(
            f".kernel.{rows}x{vectors}",
            [(PTR, "a"), (I64, "a_row"), (I64, "a_col"), (PTR, "b"), (I64, "b_row"), (PTR, "c"), (I64, "c_row"),
             (I64, "k"), (I64, "last"), (PTR, "from"), (self.dtype, "scale")],
            body,
        )  # fmt: skip

    # Copies of a tile's columns of b, `count` of them, to rows `step` bytes apart. What the rows hold beyond `count` is
    # never read.

    PACK = [(PTR, "b"), (I64, "b_row"), (I64, "b_col"), (PTR, "to"), (I64, "step"), (I64, "k"), (I64, "count")]

    def pack_rows(self):
        """Rows of b are contiguous."""

        def body(e, b, b_row, b_col, to, step, k, count):
            full = e.and_(count, _int(-self.lanes))
            mask = _first_lanes(e, e.sub(count, full), self.lanes)

            def row(i, state):
                b, to = state

                def vector(j, state, mask=None):
                    line = self.load(e, e.address(b, j, self.dtype), mask)
                    e.store(line, e.address(to, j, self.dtype), f", align {self.vector_bytes}")
                    return ()

                e.loop(_int(0), full, _int(self.lanes), vector)
                e.loop(full, count, _int(self.lanes), lambda j, state: vector(j, state, mask))
                return _offset(e, b, b_row), _offset(e, to, step)

            e.loop(_int(0), k, _int(1), row, (b, to))

        self.function(".pack.rows", self.PACK, body)

    def pack_transposed(self):
        """Columns of b are contiguous: square blocks are transposed in registers."""

        side = min(self.lanes, SQUARE)
        type = f"<{side} x {self.dtype}>"

        def body(e, b, b_row, b_col, to, step, k, count):
            def columns(first, state):
                b, to = state
                # Columns that are not there: the last one again.
                left = e.sub(count, first)
                steps = [e.select(e.icmp("slt", _int(i), left), b_col, _int(0)) for i in range(1, side)]

                def block(i, state):
                    start, to = state
                    mask = _first_lanes(e, _minimum(e, e.sub(k, i), _int(side)), side)
                    lines, place = [], start
                    for column in [*steps, _int(0)]:
                        lines.append(_load(e, place, type, self.size, mask))
                        place = _offset(e, place, column)
                    for line in _transposed(e, lines):
                        e.store(line, to, f", align {side * self.size}")
                        to = _offset(e, to, step)
                    return _offset(e, start, _int(side * self.size)), to

                e.loop(_int(0), k, _int(side), block, (b, to))
                return _offset(e, b, e.mul(b_col, _int(side))), _offset(e, to, _int(side * self.size))

            e.loop(_int(0), count, _int(side), columns, (b, to))

        self.function(".pack.transposed", self.PACK, body)

    def pack_any(self):
        def body(e, b, b_row, b_col, to, step, k, count):
            def row(i, state):
                b, to = state

                def element(j, state):
                    (place,) = state
                    e.store(e.load(place, self.dtype), e.address(to, j, self.dtype))
                    return (_offset(e, place, b_col),)

                e.loop(_int(0), count, _int(1), element, (b,))
                return _offset(e, b, b_row), _offset(e, to, step)

            e.loop(_int(0), k, _int(1), row, (b, to))

        self.function(".pack.any", self.PACK, body)

    def pack_a(self):
        """A tile's rows of a transposed a: one vector for every k."""

        def body(e, a, a_col, to, k):
            type = f"<{self.rows} x {self.dtype}>"

            def column(i, state):
                a, to = state
                e.store(e.load(a, type, f", align {self.size}"), to, f", align {self.rows * self.size}")
                return _offset(e, a, a_col), _offset(e, to, _int(self.rows * self.size))

            e.loop(_int(0), k, _int(1), column, (a, to))

        self.function(".pack.a", [(PTR, "a"), (I64, "a_col"), (PTR, "to"), (I64, "k")], body)

    def dots(self, rows, columns):
        """c = a @ b, or from + scale * a @ b, both contiguous along k: the first multiple of `rows` rows, of `columns`
        columns."""
        chains = max(1, 4 // (rows * columns))
        wide = self.lanes * chains
        line = f"<{columns} x {self.dtype}>"

        def body(e, a, a_row, b, b_col, c, c_row, m, n, k, from_, scale):
            adding, away, factor = _given(e, from_), _between(e, c, from_), _splat(e, scale, columns)

            def strip(j, state):
                b, c = state
                b_starts = [b]
                for _ in range(columns):
                    b_starts.append(_offset(e, b_starts[-1], b_col))

                def square(i, state):
                    a, place = state
                    a_starts = [a]
                    for _ in range(rows):
                        a_starts.append(_offset(e, a_starts[-1], a_row))

                    def part(at, sums, mask=None, chains=1):
                        new = list(sums)
                        for u in range(chains):
                            here = e.add(at, _int(u * self.lanes))
                            xs = [self.load(e, e.address(start, here, self.dtype), mask) for start in a_starts[:-1]]
                            ys = [self.load(e, e.address(start, here, self.dtype), mask) for start in b_starts[:-1]]
                            first = u * rows * columns
                            for number, (x, y) in enumerate(itertools.product(xs, ys), first):
                                new[number] = _fma(e, x, y, new[number])
                        return tuple(new)

                    def last(at, sums):
                        return part(at, sums, _first_lanes(e, _minimum(e, e.sub(k, at), _int(self.lanes)), self.lanes))

                    sums = (self.zero(),) * (rows * columns * chains)
                    full = e.and_(k, _int(-wide))
                    sums = e.loop(_int(0), full, _int(wide), lambda at, sums: part(at, sums, chains=chains), sums)
                    sums = e.loop(full, k, _int(self.lanes), last, sums)
                    while len(sums) > rows * columns:
                        half = len(sums) // 2
                        sums = [e.fadd(x, y) for x, y in zip(sums[:half], sums[half:])]
                    for r in range(rows):
                        total = _sums(e, sums[r * columns : (r + 1) * columns])

                        def add(place=place, total=total):
                            before = _load(e, _offset(e, place, away), line, self.size)
                            return [e.fadd(before, e.fmul(factor, total))]

                        (total,) = _when(e, adding, add, [total])
                        _store(e, total, place, self.size)
                        place = _offset(e, place, c_row)
                    return a_starts[-1], place

                e.loop(_int(0), e.and_(m, _int(-rows)), _int(rows), square, (a, c))
                return b_starts[-1], _offset(e, c, _int(columns * self.size))

            e.loop(_int(0), e.and_(n, _int(-columns)), _int(columns), strip, (b, c))

        self.function(
            f".dots.{rows}x{columns}",
            [(PTR, "a"), (I64, "a_row"), (PTR, "b"), (I64, "b_col"), (PTR, "c"), (I64, "c_row"), (I64, "m"),
             (I64, "n"), (I64, "k"), (PTR, "from"), (self.dtype, "scale")],
            body,
        )  # fmt: skip

    def axpys(self, depth):
        """y += scale * x @ b, for the first multiple of `depth` rows of b, which are contiguous: `depth` at a time."""

        def body(e, x, x_step, b, b_row, y, n, k, scale):
            full = e.and_(n, _int(-self.lanes))
            mask = _first_lanes(e, e.sub(n, full), self.lanes)

            def group(i, state):
                x, start = state
                factors, starts = [], []
                for _ in range(depth):
                    factors.append(_splat(e, e.fmul(scale, e.load(x, self.dtype)), self.lanes))
                    starts.append(start)
                    x, start = _offset(e, x, x_step), _offset(e, start, b_row)

                def vector(j, state, mask=None):
                    total = None
                    for factor, row in zip(factors, starts):
                        line = self.load(e, e.address(row, j, self.dtype), mask)
                        if total is None:
                            total = e.fmul(factor, line)
                        else:
                            total = _fma(e, factor, line, total)
                    place = e.address(y, j, self.dtype)
                    _store(e, e.fadd(self.load(e, place, mask), total), place, self.size, mask)
                    return ()

                e.loop(_int(0), full, _int(self.lanes), vector)
                e.loop(full, n, _int(self.lanes), lambda j, state: vector(j, state, mask))
                return x, start

            e.loop(_int(0), e.and_(k, _int(-depth)), _int(depth), group, (x, b))

        self.function(
            f".axpys.{depth}",
            [(PTR, "x"), (I64, "x_step"), (PTR, "b"), (I64, "b_row"), (PTR, "y"), (I64, "n"), (I64, "k"),
             (self.dtype, "scale")],
            body,
        )  # fmt: skip

    # The whole.

    def product(self):
        name = f"@{self.name}"
        size, lanes, rows = self.size, self.lanes, self.rows
        columns = VECTORS * lanes
        most_deep, block = depth(self.dtype), BLOCK_BYTES // size

        def bytes_of(e, count):
            return e.mul(count, _int(size))

        def tiles(e, n, body):
            """`body(j, vectors, last)` for the tiles along n columns; `last`: the lanes of the last vector."""

            def one(j):
                left = e.sub(n, j)
                vectors = _ceil_div(e, left, _int(lanes))
                taken = _minimum(e, vectors, _int(VECTORS))
                taken = e.select(e.icmp("eq", vectors, _int(4)), _int(2), taken)  # rather than 3, and a narrow one
                wide = e.mul(taken, _int(lanes))
                there = _minimum(e, left, wide)
                body(j, taken, e.sub(there, e.and_(e.sub(wide, _int(1)), _int(-lanes))))
                return (e.add(j, wide),)

            _while(e, (_int(0),), lambda j: e.icmp("slt", j, n), one)

        def body(e, a, a_row, a_col, b, b_row, b_col, c, c_row, m, n, k, from_, scale, then, table, work):
            add = _given(e, from_)
            scale = e.select(add, scale, e.const(self.dtype, 1))
            zero, one = _int(0), _int(1)

            # A product with a vector is a row, not a column.
            swap = e.and_(e.icmp("eq", n, one), e.icmp("eq", c_row, one))
            swap = e.and_(swap, e.icmp("sgt", m, one))
            a, b = e.select(swap, b, a), e.select(swap, a, b)
            a_row, a_col, b_row, b_col = (
                e.select(swap, b_col, a_row),
                e.select(swap, b_row, a_col),
                e.select(swap, a_col, b_row),
                e.select(swap, a_row, b_col),
            )
            m, n = e.select(swap, n, m), e.select(swap, m, n)

            def finish(last, *ends):
                """Call `then` for rows and columns."""
                low, high, left, right = ends
                places = [e.select(swap, y, x) for x, y in zip(ends, (left, right, low, high))]
                text = ", ".join(f"i64 {x.text}" for x in places)
                call = lambda: e.line(f"call void {then.text}(ptr {table.text}, {text})")
                _when(e, e.and_(_given(e, then), last), call)

            unit_a = e.icmp("eq", a_col, one)
            unit_b = e.or_(e.icmp("eq", b_col, one), e.icmp("eq", n, one))
            few = e.or_(e.icmp("sle", m, _int(DOT_ROWS)), e.icmp("sle", n, _int(DOT_ROWS)))
            few = e.or_(e.and_(few, e.icmp("sge", k, _int(2 * lanes))), e.icmp("sle", m, _int(3)))
            apart = e.or_(e.icmp("ne", b_col, one), e.icmp("eq", n, one))
            dots = e.and_(e.and_(unit_a, e.icmp("eq", b_row, one)), e.and_(few, apart))
            a_row, a_col, b_row, b_col, c_row = (bytes_of(e, x) for x in (a_row, a_col, b_row, b_col, c_row))
            away = _between(e, c, from_)

            true = e.const("i1", 1)

            def by_dots():
                high = rows // 2
                m_done, n_done = e.and_(m, _int(-high)), e.and_(n, _int(-4))
                for a_here, c_here, height, m_part in (
                    (a, c, high, m_done),
                    (_offset(e, a, e.mul(m_done, a_row)), _offset(e, c, e.mul(m_done, c_row)), 1, e.sub(m, m_done)),
                ):
                    for b_here, at, width, n_part in (
                        (b, c_here, 4, n_done),
                        (
                            _offset(e, b, e.mul(n_done, b_col)),
                            e.address(c_here, n_done, self.dtype),
                            1,
                            e.sub(n, n_done),
                        ),
                    ):
                        before = e.select(add, _offset(e, at, away), from_)
                        e.line(
                            f"call void {name}.dots.{height}x{width}(ptr {a_here.text}, i64 {a_row.text},"
                            f" ptr {b_here.text}, i64 {b_col.text}, ptr {at.text}, i64 {c_row.text},"
                            f" i64 {m_part.text}, i64 {n_part.text}, i64 {k.text}, ptr {before.text},"
                            f" {self.dtype} {scale.text})"
                        )
                finish(true, zero, m, zero, n)

            def by_rows():
                def vector(j, state):
                    mask = _first_lanes(e, _minimum(e, e.sub(n, j), _int(lanes)), lanes)
                    load = lambda: [self.load(e, e.address(from_, j, self.dtype), mask)]
                    (before,) = _when(e, add, load, [self.zero()])
                    _store(e, before, e.address(c, j, self.dtype), size, mask)
                    return ()

                e.loop(zero, n, _int(lanes), vector)
                done = e.and_(k, _int(-DEEP))
                rest = (_offset(e, a, e.mul(done, a_col)), _offset(e, b, e.mul(done, b_row)), e.sub(k, done))
                for depth, (x, y, count) in ((DEEP, (a, b, done)), (1, rest)):
                    e.line(
                        f"call void {name}.axpys.{depth}(ptr {x.text}, i64 {a_col.text}, ptr {y.text},"
                        f" i64 {b_row.text}, ptr {c.text}, i64 {n.text}, i64 {count.text}, {self.dtype} {scale.text})"
                    )
                finish(true, zero, m, zero, n)

            if not self.even:
                _return_when(e, dots, by_dots)
                _return_when(e, e.and_(e.icmp("eq", m, one), unit_b), by_rows)

            # Blocks of equal sizes.
            some = _maximum(e, k, one)
            k_block = _ceil_div(e, some, _ceil_div(e, some, _int(most_deep)))
            most = e.mul(e.udiv(e.udiv(_int(block), k_block), _int(columns)), _int(columns))
            n_block = _round_up(e, _ceil_div(e, n, _maximum(e, _ceil_div(e, n, most), one)), columns)
            n_block = _maximum(e, n_block, _int(columns))

            low = e.or_(e.icmp("sle", m, _int(DIRECT_ROWS[rows])), e.icmp("sle", b_row, _int(columns * size)))
            direct = e.or_(e.icmp("eq", n, one), e.and_(unit_b, low))
            pack = e.select(
                unit_b,
                Value(PTR, f"{name}.pack.rows"),
                e.select(
                    e.icmp("eq", b_row, _int(size)),
                    Value(PTR, f"{name}.pack.transposed"),
                    Value(PTR, f"{name}.pack.any"),
                ),
            )
            pack_a = e.and_(e.icmp("eq", a_row, _int(size)), e.not_(unit_a))
            pack_a = e.and_(pack_a, e.icmp("sgt", n, _int(2 * columns)))
            b_work = _offset(e, work, _int(8 * DEPTH_BYTES))

            def columns_of_c(j0, state):
                wide = _minimum(e, e.sub(n, j0), n_block)

                def depth_of_k(p0):
                    deep = _minimum(e, e.sub(k, p0), k_block)
                    b_here = _offset(e, b, e.add(e.mul(p0, b_row), e.mul(j0, b_col)))
                    later = e.icmp("sgt", p0, zero)
                    adding, away_ = e.or_(add, later), e.select(later, zero, away)

                    def pack_b():
                        def tile(j, vectors, last):
                            step = e.mul(vectors, _int(self.vector_bytes))
                            to = _offset(e, b_work, bytes_of(e, e.mul(j, deep)))
                            start = _offset(e, b_here, e.mul(j, b_col))
                            left = _minimum(e, e.sub(wide, j), e.mul(vectors, _int(lanes)))
                            e.line(
                                f"call void {pack.text}(ptr {start.text}, i64 {b_row.text}, i64 {b_col.text},"
                                f" ptr {to.text}, i64 {step.text}, i64 {deep.text}, i64 {left.text})"
                            )

                        tiles(e, wide, tile)

                    _when(e, e.not_(direct), pack_b)

                    def rows_of_c(i):
                        left = e.sub(m, i)
                        zeros = e.new(I64, f"call i64 @llvm.ctlz.i64(i64 {left.text}, i1 true)")
                        height = _minimum(e, e.sub(_int(63), zeros), _int(rows.bit_length() - 1))
                        high = e.shl(one, height)
                        a_here = _offset(e, a, e.add(e.mul(i, a_row), e.mul(p0, a_col)))
                        copy = e.and_(pack_a, e.icmp("eq", high, _int(rows)))

                        def copy_a():
                            e.line(
                                f"call void {name}.pack.a(ptr {a_here.text}, i64 {a_col.text}, ptr {work.text},"
                                f" i64 {deep.text})"
                            )

                        _when(e, copy, copy_a)
                        a_from = e.select(copy, work, a_here)
                        a_step = e.select(copy, _int(rows * size), a_col)
                        c_here = _offset(e, c, e.add(e.mul(i, c_row), bytes_of(e, j0)))

                        def tile(j, vectors, last):
                            at = e.sub(e.add(e.mul(height, _int(VECTORS)), vectors), one)
                            kernel = e.load(e.address(Value(PTR, f"{name}.kernels"), at, PTR), PTR)
                            b_from = e.select(
                                direct,
                                _offset(e, b_here, bytes_of(e, j)),
                                _offset(e, b_work, bytes_of(e, e.mul(j, deep))),
                            )
                            b_step = e.select(direct, b_row, e.mul(vectors, _int(self.vector_bytes)))
                            to = _offset(e, c_here, bytes_of(e, j))
                            before = e.select(adding, _offset(e, to, away_), Value(PTR, "null"))
                            e.line(
                                f"call void {kernel.text}(ptr {a_from.text}, i64 {a_row.text}, i64 {a_step.text},"
                                f" ptr {b_from.text}, i64 {b_step.text},"
                                f" ptr {to.text}, i64 {c_row.text}, i64 {deep.text}, i64 {last.text},"
                                f" ptr {before.text}, {self.dtype} {scale.text})"
                            )

                        tiles(e, wide, tile)
                        below = e.add(i, high)
                        finish(e.icmp("sge", e.add(p0, deep), k), i, below, j0, e.add(j0, wide))
                        return (below,)

                    _while(e, (zero,), lambda i: e.icmp("slt", i, m), rows_of_c)
                    return (e.add(p0, k_block),)

                # Once at least: a product over no k is zero.
                _while(e, (zero,), lambda p0: e.icmp("slt", p0, some), depth_of_k)
                return ()

            e.loop(zero, n, n_block, columns_of_c)

        self.function(
            "",
            [(PTR, "a"), (I64, "a_row"), (I64, "a_col"), (PTR, "b"), (I64, "b_row"), (I64, "b_col"), (PTR, "c"),
             (I64, "c_row"), (I64, "m"), (I64, "n"), (I64, "k"), (PTR, "from"), (self.dtype, "scale"),
             (PTR, "then"), (PTR, "table"), (PTR, "work")],
            body,
            linkage="",
        )  # fmt: skip


def _transposed(e, lines):
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
                lines[i], lines[i + span] = (_shuffle(e, x, y, mask) for mask in masks)
        span *= 2
    # Within four lanes the halves were taken in turn: the second column is in the third place.
    return [lines[i & ~3 | (i & 1) << 1 | (i & 2) >> 1] if count > 2 else lines[i] for i in range(count)]


# Small products.


def is_small(m, n, k):
    """Whether `small` is the way to multiply m x k by k x n: beyond it `source` is as fast, and is compiled once."""
    return m * n * k <= 32768 and k * n <= 8192


def small(name, dtype, m, n, k, a_strides, b_strides, vector_bits):
    """The IR of `define internal void @NAME(ptr a, ptr b, ptr c)`: c = a @ b for known sizes.

    a is m x k, b is k x n, with strides of elements, (row, column); c is m x n, contiguous, and overlaps neither. The
    loops are written for these sizes alone: rows of b are loaded where they are; if its columns are contiguous
    instead, few rows of c are dot products, and for more of them b is copied to the stack.
    """
    e = Emitter()
    a, b, c = (Value(PTR, f"%{x}") for x in "abc")
    if n == 1 < m:  # a column is a row
        m, n, a, b, a_strides, b_strides = n, m, b, a, b_strides[::-1], a_strides[::-1]
    product = _Small(e, dtype, vector_bits, m, n, k)
    direct = b_strides[1] == 1 and n > 1
    if m == 0 or n == 0:
        pass
    elif not direct and b_strides[0] == 1 and a_strides[1] == 1 and m <= 3 and k:
        product.dots(a, a_strides[0], b, b_strides[1], c)
    elif direct or n == 1 or k == 0:
        product.tiles(a, a_strides, b, b_strides[0], c)
    else:
        copy, row = product.copied(b, b_strides)
        product.tiles(a, a_strides, copy, row, c)
    e.line("ret void")
    head = f"define internal void @{name}(ptr noalias %a, ptr noalias %b, ptr noalias %c) nounwind"
    return "\n".join([head + " {", "entry:", *e.lines, "}", ""])


class _Small:
    """The parts of a small product."""

    def __init__(self, e, dtype, vector_bits, m, n, k):
        self.e, self.dtype, self.m, self.n, self.k = e, dtype, m, n, k
        self.size = WIDTH[dtype] // 8
        self.lanes = vector_bits // WIDTH[dtype]
        self.masks = vector_bits == 512  # stores under a mask are cheap

    def at(self, base, index):
        """The address of an element, its index known."""
        return _offset(self.e, base, _int(index * self.size)) if index else base

    def load(self, address, count):
        """`count` elements, in the narrowest vector that has them."""
        return self.padded(address, count, _power(count))

    def store(self, vector, address, count):
        """The first `count` lanes."""
        lanes = _lanes(vector)
        if count == lanes or self.masks:
            _store(self.e, vector, address, self.size, _known_mask(count, lanes))
            return
        start = 0
        while start < count:  # one store for every bit of the count
            wide = 1 << ((count - start).bit_length() - 1)
            _store(self.e, _slice(self.e, vector, start, wide), self.at(address, start), self.size)
            start += wide

    def repeat(self, count, body, places):
        """`count` times: `places = body(places)`."""
        if count == 1:
            body(*places)
        elif count > 1:
            self.e.loop(_int(0), _int(count), _int(1), lambda i, state: body(*state), tuple(places))

    # c in tiles, as in a large product.

    def tiles(self, a, a_strides, b, b_row, c):
        full, rest = divmod(self.n, self.lanes)
        widths = [self.lanes] * full + [rest] * (rest > 0)
        groups = []  # (number of times, widths of the tile's vectors)
        repeated = max(0, len(widths) - 4) // VECTORS if len(widths) > 2 * VECTORS else 0
        if repeated:
            groups.append((repeated, widths[: VECTORS]))
            widths = widths[repeated * VECTORS :]
        while widths:
            take = 2 if len(widths) == 4 else min(len(widths), VECTORS)
            groups.append((1, widths[:take]))
            widths = widths[take:]
        for count, group in groups:
            most = 8 if self.lanes * self.size == 64 or len(group) == 1 else 4
            rows = -(-self.m // -(-self.m // most))  # tiles of equal heights
            wide = sum(group)

            def column(b, c, group=group, rows=rows, wide=wide):
                def band(a, c):
                    self.tile(a, a_strides, b, b_row, c, rows, group)
                    return self.at(a, rows * a_strides[0]), self.at(c, rows * self.n)

                times, left = divmod(self.m, rows)
                self.repeat(times, band, (a, c))
                if left:
                    done = times * rows
                    self.tile(
                        self.at(a, done * a_strides[0]), a_strides, b, b_row, self.at(c, done * self.n), left, group
                    )
                return self.at(b, wide), self.at(c, wide)

            self.repeat(count, column, (b, c))
            b, c = self.at(b, count * wide), self.at(c, count * wide)

    def tile(self, a, a_strides, b, b_row, c, rows, widths):
        e = self.e
        starts = [sum(widths[:i]) for i in range(len(widths))]

        def step(a, b, i, sums):
            line = [self.load(self.at(b, i * b_row + start), width) for start, width in zip(starts, widths)]
            new = []
            for r in range(rows):
                x = e.load(self.at(a, i * a_strides[1] + r * a_strides[0]), self.dtype)
                for v in line:
                    new.append(_fma(e, _splat(e, x, _lanes(v)), v, sums[len(new)]))
            return new

        zeros = [Value(f"<{_power(width)} x {self.dtype}>", "zeroinitializer") for _ in range(rows) for width in widths]
        sums = self.over_k((a, b), (a_strides[1], b_row), step, zeros, 1)
        for r in range(rows):
            for v, (start, width) in enumerate(zip(starts, widths)):
                self.store(sums[r * len(widths) + v], self.at(c, r * self.n + start), width)

    def over_k(self, places, strides, step, zeros, stride):
        """`sums = step(*places, i, sums)` for i in range(0, k, stride), in as many chains as keep a machine busy."""
        e, steps, count = self.e, self.k // stride, len(zeros)
        chains = max(1, min(4, 8 // count, steps))
        state = [list(zeros) for _ in range(chains)]

        def several(places, first, number, state):
            state = [list(x) for x in state]
            for i in range(number):
                state[i % chains] = step(*places, (first + i) * stride, state[i % chains])
            return state

        unrolled = steps if steps * count <= 96 else steps % chains
        times = (steps - unrolled) // chains
        if times:

            def round(i, values):
                places, sums = values[: len(strides)], values[len(strides) :]
                sums = several(places, 0, chains, [sums[u * count : (u + 1) * count] for u in range(chains)])
                places = [self.at(place, chains * stride * s) for place, s in zip(places, strides)]
                return (*places, *(x for part in sums for x in part))

            out = e.loop(_int(0), _int(times), _int(1), round, (*places, *(x for part in state for x in part)))
            places, sums = out[: len(strides)], out[len(strides) :]
            state = [sums[u * count : (u + 1) * count] for u in range(chains)]
        state = several(places, 0, unrolled, state)
        self.rest = [self.at(place, unrolled * stride * s) for place, s in zip(places, strides)]
        while len(state) > 1:
            pairs = [[e.fadd(x, y) for x, y in zip(p, q)] for p, q in zip(state[::2], state[1::2])]
            state = pairs + state[len(pairs) * 2 :]
        return state[0]

    # Dot products: a and the columns of b are contiguous.

    def dots(self, a, a_row, b, b_col, c):
        wide = min(self.lanes, _power(self.k))
        most = 8

        def group(a, b, c, columns):
            def step(a, b, i, sums, count=wide):
                x = self.load(self.at(a, i), count)
                return [
                    _fma(self.e, x, self.load(self.at(b, i + j * b_col), count), total) for j, total in enumerate(sums)
                ]

            zeros = [Value(f"<{wide} x {self.dtype}>", "zeroinitializer")] * columns
            sums = self.over_k((a, b), (1, 1), step, zeros, wide)
            left = self.k % wide
            if left:
                sums = self.tail(sums, left, columns, b_col)
            self.store(_sums(self.e, sums), c, columns)

        for i in range(self.m):
            here, row = self.at(a, i * a_row), self.at(c, i * self.n)

            def column(b, c, here=here):
                group(here, b, c, most)
                return self.at(b, most * b_col), self.at(c, most)

            times, left = divmod(self.n, most)
            self.repeat(times, column, (b, row))
            if left:
                group(here, self.at(b, times * most * b_col), self.at(row, times * most), left)

    def tail(self, sums, count, columns, b_col):
        """The last elements of dot products, fewer than a vector."""
        a, b = self.rest
        lanes = _lanes(sums[0])
        x = self.padded(a, count, lanes)
        return [_fma(self.e, x, self.padded(self.at(b, j * b_col), count, lanes), sums[j]) for j in range(columns)]

    # b with contiguous rows, on the stack.

    def copied(self, b, b_strides):
        """The copy, and its row stride."""
        e = self.e
        row = self.n
        copy = e.new(PTR, f"alloca [{self.k * row} x {self.dtype}], align {ALIGN}")
        side = min(self.lanes, SQUARE) if b_strides[0] == 1 else 1

        def square(b, to, deep, wide):
            if side == 1:
                e.store(e.load(b, self.dtype), to)
                return
            lines = [self.padded(self.at(b, j * b_strides[1]), deep, side) for j in range(wide)]
            lines += [Value(lines[0].type, "zeroinitializer")] * (side - wide)
            for i, line in enumerate(_transposed(e, lines)[:deep]):
                self.store(line, self.at(to, i * row), wide)

        def band(b, to, deep):
            def next(b, to):
                square(b, to, deep, side)
                return self.at(b, side * b_strides[1]), self.at(to, side)

            times, left = divmod(self.n, side)
            self.repeat(times, next, (b, to))
            if left:
                square(self.at(b, times * side * b_strides[1]), self.at(to, times * side), deep, left)

        def down(b, to):
            band(b, to, side)
            return self.at(b, side * b_strides[0]), self.at(to, side * row)

        times, left = divmod(self.k, side)
        self.repeat(times, down, (b, copy))
        if left:
            band(self.at(b, times * side * b_strides[0]), self.at(copy, times * side * row), left)
        return copy, row

    def padded(self, address, count, lanes):
        """`count` elements, and zeros."""
        return _load(self.e, address, f"<{lanes} x {self.dtype}>", self.size, _known_mask(count, lanes))


def _power(count):
    """The next power of two."""
    return 1 << (count - 1).bit_length()


def _lanes(vector):
    return int(vector.type[1:].split(" x ")[0])


def _known_mask(count, lanes):
    """The first `count` lanes; None for all."""
    if count == lanes:
        return None
    return Value(f"<{lanes} x i1>", f"<{', '.join(f'i1 {int(i < count)}' for i in range(lanes))}>")


def _shuffle(e, x, y, lanes):
    """Lanes of two vectors, one after the other."""
    mask = f"<{len(lanes)} x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>"
    scalar = x.type[1:-1].split(" x ")[1]
    return e.new(f"<{len(lanes)} x {scalar}>", f"shufflevector {x.type} {x.text}, {y.type} {y.text}, {mask}")


def _slice(e, vector, start, count):
    return _shuffle(e, vector, Value(vector.type, "poison"), range(start, start + count))


def _sums(e, vectors):
    """The sum of the lanes of each vector, in one vector."""
    count, lanes = _power(len(vectors)), _lanes(vectors[0])
    vectors = [*vectors, *[Value(vectors[0].type, "zeroinitializer")] * (count - len(vectors))]
    if lanes < count:
        return _shuffle(e, _sums(e, vectors[: count // 2]), _sums(e, vectors[count // 2 :]), range(count))
    while lanes > count:
        lanes //= 2
        vectors = [e.fadd(_slice(e, v, 0, lanes), _slice(e, v, lanes, lanes)) for v in vectors]
    while len(vectors) > 1:
        # Neighbouring lanes of two vectors, added: the sums of the first in the lower half, of the second in the upper.
        vectors = [
            e.fadd(_shuffle(e, x, y, range(0, 2 * lanes, 2)), _shuffle(e, x, y, range(1, 2 * lanes, 2)))
            for x, y in zip(vectors[::2], vectors[1::2])
        ]
    return vectors[0]
