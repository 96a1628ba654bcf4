"""Small matrix products: one straight function for sizes that are known."""

from tapeflow.compiler.emit import WIDTH, Emitter, Value
from tapeflow.compiler.gemm_kernels import VECTORS
from tapeflow.compiler.vectors import (
    PTR,
    SQUARE,
    fma,
    i64,
    known_mask,
    lane_sums,
    lanes_of,
    load_vector,
    next_power,
    offset,
    slice_of,
    splat,
    store_vector,
    transposed,
)

ALIGN = 64


def is_small(m, n, k):
    """Whether `small` is the way to multiply m x k by k x n: beyond it `gemm.source` is as fast, and compiled once."""
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
        return offset(self.e, base, i64(index * self.size)) if index else base

    def load(self, address, count):
        """`count` elements, in the narrowest vector that has them."""
        return self.padded(address, count, next_power(count))

    def store(self, vector, address, count):
        """The first `count` lanes."""
        lanes = lanes_of(vector)
        if count == lanes or self.masks:
            store_vector(self.e, vector, address, self.size, known_mask(count, lanes))
            return
        start = 0
        while start < count:  # one store for every bit of the count
            wide = 1 << ((count - start).bit_length() - 1)
            store_vector(self.e, slice_of(self.e, vector, start, wide), self.at(address, start), self.size)
            start += wide

    def repeat(self, count, body, places):
        """`count` times: `places = body(places)`."""
        if count == 1:
            body(*places)
        elif count > 1:
            self.e.loop(i64(0), i64(count), i64(1), lambda i, state: body(*state), tuple(places))

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
                    new.append(fma(e, splat(e, x, lanes_of(v)), v, sums[len(new)]))
            return new

        zeros = [Value(f"<{next_power(width)} x {self.dtype}>", "zeroinitializer") for width in widths] * rows
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

            out = e.loop(i64(0), i64(times), i64(1), round, (*places, *(x for part in state for x in part)))
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
        wide = min(self.lanes, next_power(self.k))
        most = 8

        def group(a, b, c, columns):
            def step(a, b, i, sums, count=wide):
                x = self.load(self.at(a, i), count)
                return [
                    fma(self.e, x, self.load(self.at(b, i + j * b_col), count), total) for j, total in enumerate(sums)
                ]

            zeros = [Value(f"<{wide} x {self.dtype}>", "zeroinitializer")] * columns
            sums = self.over_k((a, b), (1, 1), step, zeros, wide)
            left = self.k % wide
            if left:
                sums = self.tail(sums, left, columns, b_col)
            self.store(lane_sums(self.e, sums), c, columns)

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
        lanes = lanes_of(sums[0])
        x = self.padded(a, count, lanes)
        return [fma(self.e, x, self.padded(self.at(b, j * b_col), count, lanes), sums[j]) for j in range(columns)]

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
            for i, line in enumerate(transposed(e, lines)[:deep]):
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
        return load_vector(self.e, address, f"<{lanes} x {self.dtype}>", self.size, known_mask(count, lanes))
