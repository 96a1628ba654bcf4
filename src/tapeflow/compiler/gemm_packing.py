"""The functions of a general product (`gemm.py`) that copy parts of b and a to where its kernels read them fastest.

Those of b copy a tile's columns, `count` of them, to rows `step` bytes apart. What the rows hold beyond `count` is
never read. Each writes a function of the `product` that it is given. Strides are of bytes here.
"""

from tapeflow.compiler.vectors import I64, PTR, SQUARE, first_lanes, i64, load_vector, minimum, offset, transposed

PACK = [(PTR, "b"), (I64, "b_row"), (I64, "b_col"), (PTR, "to"), (I64, "step"), (I64, "k"), (I64, "count")]


def pack_rows(product):
    """Rows of b are contiguous."""

    def body(e, b, b_row, b_col, to, step, k, count):
        full = e.and_(count, i64(-product.lanes))
        mask = first_lanes(e, e.sub(count, full), product.lanes)

        def row(i, state):
            b, to = state

            def vector(j, state, mask=None):
                line = product.load(e, e.address(b, j, product.dtype), mask)
                e.store(line, e.address(to, j, product.dtype), f", align {product.vector_bytes}")
                return ()

            e.loop(i64(0), full, i64(product.lanes), vector)
            e.loop(full, count, i64(product.lanes), lambda j, state: vector(j, state, mask))
            return offset(e, b, b_row), offset(e, to, step)

        e.loop(i64(0), k, i64(1), row, (b, to))

    product.function(".pack.rows", PACK, body)


def pack_transposed(product):
    """Columns of b are contiguous: square blocks are transposed in registers."""

    side = min(product.lanes, SQUARE)
    type = f"<{side} x {product.dtype}>"

    def body(e, b, b_row, b_col, to, step, k, count):
        def columns(first, state):
            b, to = state
            # Columns that are not there: the last one again.
            left = e.sub(count, first)
            steps = [e.select(e.icmp("slt", i64(i), left), b_col, i64(0)) for i in range(1, side)]

            def block(i, state):
                start, to = state
                mask = first_lanes(e, minimum(e, e.sub(k, i), i64(side)), side)
                lines, place = [], start
                for column in [*steps, i64(0)]:
                    lines.append(load_vector(e, place, type, product.size, mask))
                    place = offset(e, place, column)
                for line in transposed(e, lines):
                    e.store(line, to, f", align {side * product.size}")
                    to = offset(e, to, step)
                return offset(e, start, i64(side * product.size)), to

            e.loop(i64(0), k, i64(side), block, (b, to))
            return offset(e, b, e.mul(b_col, i64(side))), offset(e, to, i64(side * product.size))

        e.loop(i64(0), count, i64(side), columns, (b, to))

    product.function(".pack.transposed", PACK, body)


def pack_any(product):
    def body(e, b, b_row, b_col, to, step, k, count):
        def row(i, state):
            b, to = state

            def element(j, state):
                (place,) = state
                e.store(e.load(place, product.dtype), e.address(to, j, product.dtype))
                return (offset(e, place, b_col),)

            e.loop(i64(0), count, i64(1), element, (b,))
            return offset(e, b, b_row), offset(e, to, step)

        e.loop(i64(0), k, i64(1), row, (b, to))

    product.function(".pack.any", PACK, body)


def pack_a(product):
    """A tile's rows of a transposed a: one vector for every k."""

    def body(e, a, a_col, to, k):
        type = f"<{product.rows} x {product.dtype}>"

        def column(i, state):
            a, to = state
            e.store(e.load(a, type, f", align {product.size}"), to, f", align {product.rows * product.size}")
            return offset(e, a, a_col), offset(e, to, i64(product.rows * product.size))

        e.loop(i64(0), k, i64(1), column, (a, to))

    product.function(".pack.a", [(PTR, "a"), (I64, "a_col"), (PTR, "to"), (I64, "k")], body)
