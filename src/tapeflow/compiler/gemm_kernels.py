"""The functions of a general product (`gemm.py`) that compute: the kernels of tiles, dot products, sums of rows.

Each writes a function of the `product` that it is given. Strides are of bytes here.
"""

import itertools

from tapeflow.compiler.vectors import (
    I64,
    PTR,
    between,
    first_lanes,
    fma,
    i64,
    is_given,
    lane_sums,
    load_vector,
    minimum,
    offset,
    prefetch,
    splat,
    store_vector,
    when,
)

VECTORS = 3  # a tile is at most this many vectors wide


def kernel(product, rows, vectors):
    """c = a @ b, or from + scale * a @ b, for `rows` rows, of whole vectors; where `vectors` is 0, of the first `count`
    lanes of one."""
    whole, vectors = vectors > 0, max(vectors, 1)

    def body(e, a, a_row, a_col, b, b_row, c, c_row, k, count, from_, scale):
        mask = None if whole else first_lanes(e, count, product.lanes)
        a_offsets, c_rows = [i64(0)], [c]
        for _ in range(rows - 1):
            a_offsets.append(e.add(a_offsets[-1], a_row))
            c_rows.append(offset(e, c_rows[-1], c_row))
        places = [
            [offset(e, start, i64(v * product.vector_bytes)) for v in range(vectors)] for start in c_rows
        ]

        def step(a, b, sums):
            """One k."""
            line = [
                product.load(e, offset(e, b, i64(v * product.vector_bytes)), mask)
                for v in range(vectors)
            ]
            new = []
            for r in range(rows):
                x = splat(e, e.load(offset(e, a, a_offsets[r]), product.dtype), product.lanes)
                new += [fma(e, x, line[v], sums[r * vectors + v]) for v in range(vectors)]
            return new

        # A multiplication takes some cycles: with few sums, several k at once keep the machine busy.
        chains = 4 if rows * vectors <= 2 else 2 if rows * vectors <= 4 else 1
        many = rows * vectors
        sums = (product.zero(),) * many
        done = i64(0)
        if chains > 1:
            done = e.and_(k, i64(-chains))

            def several(i, state):
                a, b, *all_sums = state
                new = []
                for u in range(chains):
                    new += step(a, b, all_sums[u * many : (u + 1) * many])
                    a, b = offset(e, a, a_col), offset(e, b, b_row)
                return a, b, *new

            a, b, *parts = e.loop(i64(0), done, i64(chains), several, (a, b, *(sums * chains)))
            while len(parts) > many:
                half = len(parts) // 2
                parts = [e.fadd(x, y) for x, y in zip(parts[:half], parts[half:])]
            sums = tuple(parts)

        def one(i, state):
            a, b, *sums = state
            new = step(a, b, sums)
            return offset(e, a, a_col), offset(e, b, b_row), *new

        if many >= 8:
            share = e.udiv(k, i64(rows))

            def of_row(r, state):
                """A share of k, while a row of c is fetched: all rows at once would be in the way of b."""
                row, start, *state = state
                for v in range(vectors):
                    prefetch(e, offset(e, row, i64(v * product.vector_bytes)))
                end = e.select(e.icmp("eq", r, i64(rows - 1)), k, e.add(start, share))
                return offset(e, row, c_row), end, *e.loop(start, end, i64(1), one, state)

            _, _, _, _, *sums = e.loop(i64(0), i64(rows), i64(1), of_row, (c, i64(0), a, b, *sums))
        else:
            _, _, *sums = e.loop(done, k, i64(1), one, (a, b, *sums))

        def add():
            factor, away = splat(e, scale, product.lanes), between(e, c, from_)
            new = []
            for number, total in enumerate(sums):
                before = product.load(e, offset(e, places[number // vectors][number % vectors], away), mask)
                new.append(e.fadd(before, e.fmul(factor, total)))
            return new

        sums = when(e, is_given(e, from_), add, sums)
        for r in range(rows):
            for v in range(vectors):
                store_vector(e, sums[r * vectors + v], places[r][v], product.size, mask)

    product.function(
        f".kernel.{rows}x{vectors if whole else 'part'}",
        [(PTR, "a"), (I64, "a_row"), (I64, "a_col"), (PTR, "b"), (I64, "b_row"), (PTR, "c"), (I64, "c_row"),
         (I64, "k"), (I64, "count"), (PTR, "from"), (product.dtype, "scale")],
        body,
    )  # fmt: skip


def dots(product, rows, columns):
    """c = a @ b, or from + scale * a @ b, both contiguous along k: the first multiple of `rows` rows, of `columns`
    columns."""
    chains = max(1, 4 // (rows * columns))
    wide = product.lanes * chains
    line = f"<{columns} x {product.dtype}>"

    def body(e, a, a_row, b, b_col, c, c_row, m, n, k, from_, scale):
        adding, away, factor = is_given(e, from_), between(e, c, from_), splat(e, scale, columns)

        def strip(j, state):
            b, c = state
            b_starts = [b]
            for _ in range(columns):
                b_starts.append(offset(e, b_starts[-1], b_col))

            def square(i, state):
                a, place = state
                a_starts = [a]
                for _ in range(rows):
                    a_starts.append(offset(e, a_starts[-1], a_row))

                def part(at, sums, mask=None, chains=1):
                    new = list(sums)
                    for u in range(chains):
                        here = e.add(at, i64(u * product.lanes))
                        xs = [product.load(e, e.address(start, here, product.dtype), mask) for start in a_starts[:-1]]
                        ys = [product.load(e, e.address(start, here, product.dtype), mask) for start in b_starts[:-1]]
                        first = u * rows * columns
                        for number, (x, y) in enumerate(itertools.product(xs, ys), first):
                            new[number] = fma(e, x, y, new[number])
                    return tuple(new)

                def last(at, sums):
                    return part(at, sums, first_lanes(e, minimum(e, e.sub(k, at), i64(product.lanes)), product.lanes))

                sums = (product.zero(),) * (rows * columns * chains)
                full = e.and_(k, i64(-wide))
                sums = e.loop(i64(0), full, i64(wide), lambda at, sums: part(at, sums, chains=chains), sums)
                sums = e.loop(full, k, i64(product.lanes), last, sums)
                while len(sums) > rows * columns:
                    half = len(sums) // 2
                    sums = [e.fadd(x, y) for x, y in zip(sums[:half], sums[half:])]
                for r in range(rows):
                    total = lane_sums(e, sums[r * columns : (r + 1) * columns])

                    def add(place=place, total=total):
                        before = load_vector(e, offset(e, place, away), line, product.size)
                        return [e.fadd(before, e.fmul(factor, total))]

                    (total,) = when(e, adding, add, [total])
                    store_vector(e, total, place, product.size)
                    place = offset(e, place, c_row)
                return a_starts[-1], place

            e.loop(i64(0), e.and_(m, i64(-rows)), i64(rows), square, (a, c))
            return b_starts[-1], offset(e, c, i64(columns * product.size))

        e.loop(i64(0), e.and_(n, i64(-columns)), i64(columns), strip, (b, c))

    product.function(
        f".dots.{rows}x{columns}",
        [(PTR, "a"), (I64, "a_row"), (PTR, "b"), (I64, "b_col"), (PTR, "c"), (I64, "c_row"), (I64, "m"),
         (I64, "n"), (I64, "k"), (PTR, "from"), (product.dtype, "scale")],
        body,
    )  # fmt: skip


def axpys(product, depth):
    """y += scale * x @ b, for the first multiple of `depth` rows of b, which are contiguous: `depth` at a time."""

    def body(e, x, x_step, b, b_row, y, n, k, scale):
        full = e.and_(n, i64(-product.lanes))
        mask = first_lanes(e, e.sub(n, full), product.lanes)

        def group(i, state):
            x, start = state
            factors, starts = [], []
            for _ in range(depth):
                factors.append(splat(e, e.fmul(scale, e.load(x, product.dtype)), product.lanes))
                starts.append(start)
                x, start = offset(e, x, x_step), offset(e, start, b_row)

            def vector(j, state, mask=None):
                total = None
                for factor, row in zip(factors, starts):
                    line = product.load(e, e.address(row, j, product.dtype), mask)
                    if total is None:
                        total = e.fmul(factor, line)
                    else:
                        total = fma(e, factor, line, total)
                place = e.address(y, j, product.dtype)
                store_vector(e, e.fadd(product.load(e, place, mask), total), place, product.size, mask)
                return ()

            e.loop(i64(0), full, i64(product.lanes), vector)
            e.loop(full, n, i64(product.lanes), lambda j, state: vector(j, state, mask))
            return x, start

        e.loop(i64(0), e.and_(k, i64(-depth)), i64(depth), group, (x, b))

    product.function(
        f".axpys.{depth}",
        [(PTR, "x"), (I64, "x_step"), (PTR, "b"), (I64, "b_row"), (PTR, "y"), (I64, "n"), (I64, "k"),
         (product.dtype, "scale")],
        body,
    )  # fmt: skip
