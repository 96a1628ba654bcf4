"""Matrix products as LLVM assembly: text that states its own vectors, and needs no vectoriser.

`source` writes the general product, `@gemm.float` or `@gemm.double`, compiled once for a process, of the functions in
`gemm_kernels.py` and `gemm_packing.py`; `gemm_small.py` writes one straight function for sizes that are known and
small. Neither declares LLVM's intrinsics: LLVM does that by itself.

The general product is the usual one [Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008]:

- A *tile* of c, `rows` x `vectors` registers, is summed over k by a kernel: for every k, one row of the tile's part
  of b is loaded, and each of the rows' elements of a is broadcast and multiplied into it. Kernels exist for 8, 4, 2 and
  1 rows (4, 2, 1 without AVX-512's 32 registers) and 3, 2 and 1 vectors, and for a part of one vector, which is masked:
  any size is a few tiles, and nothing is read or written outside the matrices.
- k and n are cut into blocks, such that a block of b stays in the second-level cache, and the rows of a that are in use
  stay in the first.
- A block of b is *packed*: the columns of a tile are laid next to each other, whatever the strides of b, unless the
  rows of c are so few that the copy would cost more than it gives. The rows of a are read where they are, except if
  a is transposed: then they are copied too, as many as a tile has.
- Two shapes have ways of their own. A single row of c is a sum of rows of b (`axpys`). Few rows, or few columns, with
  a and b both contiguous along k are squares of dot products (`dots`).
"""

import itertools

from tapeflow.compiler import gemm_kernels, gemm_packing
from tapeflow.compiler.emit import WIDTH, Emitter, Value
from tapeflow.compiler.gemm_kernels import VECTORS
from tapeflow.compiler.vectors import (
    I64,
    PTR,
    between,
    ceil_div,
    first_lanes,
    i64,
    is_given,
    load_vector,
    maximum,
    minimum,
    offset,
    return_when,
    round_up,
    store_vector,
    when,
    while_,
)

BLOCK_BYTES = 512 << 10  # a block of b: half of a second-level cache
DEPTH_BYTES = 1600  # and the most bytes of one of its columns; sums over blocks are more accurate than one sum, too
DIRECT_ROWS = {8: 256, 4: 64}  # with no more rows in c than this, b is read where it is; by the rows of a tile
DOT_ROWS = 16  # with no more rows or columns in c than this, and b transposed, c is made of dot products
DEEP = 8  # a row of c takes this many rows of b at a time


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
            for vectors in range(VECTORS + 1):
                there = rows == self.rows or not self.even
                if there:
                    gemm_kernels.kernel(self, rows, vectors)
                names.append(f"ptr @{self.name}.kernel.{rows}x{vectors or 'part'}" if there else "ptr null")
        self.parts.append(
            f"@{self.name}.kernels = internal constant [{len(names)} x ptr] [{', '.join(names)}]\n"
        )
        gemm_packing.pack_rows(self)
        gemm_packing.pack_transposed(self)
        gemm_packing.pack_any(self)
        gemm_packing.pack_a(self)
        if not self.even:
            for rows, columns in itertools.product((self.rows // 2, 1), (4, 1)):
                gemm_kernels.dots(self, rows, columns)
            for depth in (DEEP, 1):
                gemm_kernels.axpys(self, depth)
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
        return load_vector(e, address, self.vector, self.size, mask)

    def zero(self):
        return Value(self.vector, "zeroinitializer")

    # The whole.

    def product(self):
        name = f"@{self.name}"
        size, lanes, rows = self.size, self.lanes, self.rows
        columns = VECTORS * lanes
        most_deep, block = depth(self.dtype), BLOCK_BYTES // size

        def bytes_of(e, count):
            return e.mul(count, i64(size))

        def tiles(e, n, body):
            """`body(j, vectors, width, count)` for the tiles along n columns: of whole vectors, or of part of one, then
            0. `width` is a tile's in memory of its own, `count` how many columns are there."""

            def one(j):
                left = e.sub(n, j)
                vectors = e.udiv(left, i64(lanes))
                taken = minimum(e, vectors, i64(VECTORS))
                taken = e.select(e.icmp("eq", vectors, i64(4)), i64(2), taken)  # rather than 3, and a narrow one
                width = e.mul(maximum(e, taken, i64(1)), i64(lanes))
                body(j, taken, width, minimum(e, left, width))
                return (e.add(j, width),)

            while_(e, (i64(0),), lambda j: e.icmp("slt", j, n), one)

        def body(e, a, a_row, a_col, b, b_row, b_col, c, c_row, m, n, k, from_, scale, then, table, work):
            add = is_given(e, from_)
            scale = e.select(add, scale, e.const(self.dtype, 1))
            zero, one = i64(0), i64(1)

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
                when(e, e.and_(is_given(e, then), last), call)

            unit_a = e.icmp("eq", a_col, one)
            unit_b = e.or_(e.icmp("eq", b_col, one), e.icmp("eq", n, one))
            few = e.or_(e.icmp("sle", m, i64(DOT_ROWS)), e.icmp("sle", n, i64(DOT_ROWS)))
            few = e.or_(e.and_(few, e.icmp("sge", k, i64(2 * lanes))), e.icmp("sle", m, i64(3)))
            apart = e.or_(e.icmp("ne", b_col, one), e.icmp("eq", n, one))
            dots = e.and_(e.and_(unit_a, e.icmp("eq", b_row, one)), e.and_(few, apart))
            a_row, a_col, b_row, b_col, c_row = (bytes_of(e, x) for x in (a_row, a_col, b_row, b_col, c_row))
            away = between(e, c, from_)

            true = e.const("i1", 1)

            def by_dots():
                high = rows // 2
                m_done, n_done = e.and_(m, i64(-high)), e.and_(n, i64(-4))
                for a_here, c_here, height, m_part in (
                    (a, c, high, m_done),
                    (offset(e, a, e.mul(m_done, a_row)), offset(e, c, e.mul(m_done, c_row)), 1, e.sub(m, m_done)),
                ):
                    for b_here, at, width, n_part in (
                        (b, c_here, 4, n_done),
                        (
                            offset(e, b, e.mul(n_done, b_col)),
                            e.address(c_here, n_done, self.dtype),
                            1,
                            e.sub(n, n_done),
                        ),
                    ):
                        before = e.select(add, offset(e, at, away), from_)
                        e.line(
                            f"call void {name}.dots.{height}x{width}(ptr {a_here.text}, i64 {a_row.text},"
                            f" ptr {b_here.text}, i64 {b_col.text}, ptr {at.text}, i64 {c_row.text},"
                            f" i64 {m_part.text}, i64 {n_part.text}, i64 {k.text}, ptr {before.text},"
                            f" {self.dtype} {scale.text})"
                        )
                finish(true, zero, m, zero, n)

            def by_rows():
                def vector(j, state):
                    mask = first_lanes(e, minimum(e, e.sub(n, j), i64(lanes)), lanes)
                    load = lambda: [self.load(e, e.address(from_, j, self.dtype), mask)]
                    (before,) = when(e, add, load, [self.zero()])
                    store_vector(e, before, e.address(c, j, self.dtype), size, mask)
                    return ()

                e.loop(zero, n, i64(lanes), vector)
                done = e.and_(k, i64(-DEEP))
                rest = (offset(e, a, e.mul(done, a_col)), offset(e, b, e.mul(done, b_row)), e.sub(k, done))
                for depth, (x, y, count) in ((DEEP, (a, b, done)), (1, rest)):
                    e.line(
                        f"call void {name}.axpys.{depth}(ptr {x.text}, i64 {a_col.text}, ptr {y.text},"
                        f" i64 {b_row.text}, ptr {c.text}, i64 {n.text}, i64 {count.text}, {self.dtype} {scale.text})"
                    )
                finish(true, zero, m, zero, n)

            if not self.even:
                return_when(e, dots, by_dots)
                return_when(e, e.and_(e.icmp("eq", m, one), unit_b), by_rows)

            # Blocks of equal sizes.
            some = maximum(e, k, one)
            k_block = ceil_div(e, some, ceil_div(e, some, i64(most_deep)))
            most = e.mul(e.udiv(e.udiv(i64(block), k_block), i64(columns)), i64(columns))
            n_block = round_up(e, ceil_div(e, n, maximum(e, ceil_div(e, n, most), one)), columns)
            n_block = maximum(e, n_block, i64(columns))

            low = e.or_(e.icmp("sle", m, i64(DIRECT_ROWS[rows])), e.icmp("sle", b_row, i64(columns * size)))
            direct = e.or_(e.icmp("eq", n, one), e.and_(unit_b, low))
            pack = e.select(
                unit_b,
                Value(PTR, f"{name}.pack.rows"),
                e.select(
                    e.icmp("eq", b_row, i64(size)),
                    Value(PTR, f"{name}.pack.transposed"),
                    Value(PTR, f"{name}.pack.any"),
                ),
            )
            pack_a = e.and_(e.icmp("eq", a_row, i64(size)), e.not_(unit_a))
            pack_a = e.and_(pack_a, e.icmp("sgt", n, i64(2 * columns)))
            b_work = offset(e, work, i64(8 * DEPTH_BYTES))

            def columns_of_c(j0, state):
                wide = minimum(e, e.sub(n, j0), n_block)

                def depth_of_k(p0):
                    deep = minimum(e, e.sub(k, p0), k_block)
                    b_here = offset(e, b, e.add(e.mul(p0, b_row), e.mul(j0, b_col)))
                    later = e.icmp("sgt", p0, zero)
                    adding, away_ = e.or_(add, later), e.select(later, zero, away)

                    def pack_b():
                        def tile(j, vectors, width, count):
                            step = bytes_of(e, width)
                            to = offset(e, b_work, bytes_of(e, e.mul(j, deep)))
                            start = offset(e, b_here, e.mul(j, b_col))
                            e.line(
                                f"call void {pack.text}(ptr {start.text}, i64 {b_row.text}, i64 {b_col.text},"
                                f" ptr {to.text}, i64 {step.text}, i64 {deep.text}, i64 {count.text})"
                            )

                        tiles(e, wide, tile)

                    when(e, e.not_(direct), pack_b)

                    def rows_of_c(i):
                        left = e.sub(m, i)
                        zeros = e.new(I64, f"call i64 @llvm.ctlz.i64(i64 {left.text}, i1 true)")
                        height = minimum(e, e.sub(i64(63), zeros), i64(rows.bit_length() - 1))
                        high = e.shl(one, height)
                        a_here = offset(e, a, e.add(e.mul(i, a_row), e.mul(p0, a_col)))
                        copy = e.and_(pack_a, e.icmp("eq", high, i64(rows)))

                        def copy_a():
                            e.line(
                                f"call void {name}.pack.a(ptr {a_here.text}, i64 {a_col.text}, ptr {work.text},"
                                f" i64 {deep.text})"
                            )

                        when(e, copy, copy_a)
                        a_from = e.select(copy, work, a_here)
                        a_step = e.select(copy, i64(rows * size), a_col)
                        c_here = offset(e, c, e.add(e.mul(i, c_row), bytes_of(e, j0)))

                        def tile(j, vectors, width, count):
                            at = e.add(e.mul(height, i64(VECTORS + 1)), vectors)
                            kernel = e.load(e.address(Value(PTR, f"{name}.kernels"), at, PTR), PTR)
                            b_from = e.select(
                                direct,
                                offset(e, b_here, bytes_of(e, j)),
                                offset(e, b_work, bytes_of(e, e.mul(j, deep))),
                            )
                            b_step = e.select(direct, b_row, bytes_of(e, width))
                            to = offset(e, c_here, bytes_of(e, j))
                            before = e.select(adding, offset(e, to, away_), Value(PTR, "null"))
                            e.line(
                                f"call void {kernel.text}(ptr {a_from.text}, i64 {a_row.text}, i64 {a_step.text},"
                                f" ptr {b_from.text}, i64 {b_step.text},"
                                f" ptr {to.text}, i64 {c_row.text}, i64 {deep.text}, i64 {count.text},"
                                f" ptr {before.text}, {self.dtype} {scale.text})"
                            )

                        tiles(e, wide, tile)
                        below = e.add(i, high)
                        finish(e.icmp("sge", e.add(p0, deep), k), i, below, j0, e.add(j0, wide))
                        return (below,)

                    while_(e, (zero,), lambda i: e.icmp("slt", i, m), rows_of_c)
                    return (e.add(p0, k_block),)

                # Once at least: a product over no k is zero.
                while_(e, (zero,), lambda p0: e.icmp("slt", p0, some), depth_of_k)
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
