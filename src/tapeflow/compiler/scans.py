"""Running sums and products along an axis, as native code: one element after the other, as NumPy accumulates."""

import numpy as np

from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.emit import i64
from tapeflow.compiler.lowerings import LOWERINGS
from tapeflow.compiler.routines import Routine, routine
from tapeflow.compiler.types import memory_type

COLUMNS = 128  # that run side by side, where the axis is not the last


def _log_add_exp(b, dtype, x, y):
    """log(exp(x) + exp(y)), without their overflow."""
    top = b.select(b.fcmp("ogt", x, y), x, y)
    rest = FUNCTIONS["log1p"](b, FUNCTIONS["exp"](b, b.fneg(b.fabs(b.fsub(x, y)))))
    equal = b.fcmp("oeq", x, y)  # infinities too
    return b.fadd(top, b.select(equal, b.const(x.type, np.log(2)), rest))


STEPS = {"sum": LOWERINGS["AddV2"], "prod": LOWERINGS["Mul"], "logsumexp": _log_add_exp}
STARTS = {"sum": 0, "prod": 1, "logsumexp": -np.inf}


def _scan(b, term, out, args, low, high):
    """`out[k] = step(out[k - 1], x[k])`, an item for each row of numbers or block of columns."""
    kind, n, inner, exclusive, reverse = term.attrs[1:]
    type, step = memory_type(term.dtype), STEPS[kind]
    blocks = -(-inner // COLUMNS)
    late = int(exclusive)  # how many places after its last operand a result stands

    def item(i, state):
        outer = b.udiv(i, i64(blocks)) if blocks > 1 else i
        first = b.mul(b.sub(i, b.mul(outer, i64(blocks))), i64(COLUMNS)) if blocks > 1 else i64(0)
        width = b.intrinsic("smin", i64(COLUMNS), b.sub(i64(inner), first)) if blocks > 1 else i64(inner)
        start = b.add(b.mul(outer, i64(n * inner)), first)

        def at(base, k, j):
            """The address of element `k` of a running row, from its own beginning."""
            place = b.sub(i64(n - 1), k) if reverse else k
            return b.address(base, b.add(b.add(start, b.mul(place, i64(inner))), j), type)

        def columns(body):
            if inner == 1:
                body(i64(0))
            else:
                b.loop(i64(0), width, i64(1), lambda j, state: (body(j), ())[1])

        def begin(j):
            if exclusive:
                b.store(b.const(type, STARTS[kind]), at(out, i64(0), j))
            if n > late:
                b.store(b.load(at(args[0], i64(0), j), type), at(out, i64(late), j))

        columns(begin)
        if n <= late + 1:
            return ()
        if inner == 1:

            def element(k, state):
                total = step(b, term.dtype, state[0], b.load(at(args[0], b.sub(k, i64(late)), i64(0)), type))
                b.store(total, at(out, k, i64(0)))
                return (total,)

            b.loop(i64(late + 1), i64(n), i64(1), element, (b.load(at(args[0], i64(0), i64(0)), type),))
            return ()

        def row(k, state):
            before = b.sub(k, i64(1))

            def element(j):
                x = b.load(at(args[0], b.sub(k, i64(late)), j), type)
                b.store(step(b, term.dtype, b.load(at(out, before, j), type), x), at(out, k, j))

            columns(element)
            return ()

        b.loop(i64(late + 1), i64(n), i64(1), row)
        return ()

    b.loop(low, high, i64(1), item)


def _items(term):
    _, n, inner, _, _ = term.attrs[1:]
    return int(np.prod(term.shape)) // (n * inner) * -(-inner // COLUMNS)


def _cost(term):
    kind, n, inner, _, _ = term.attrs[1:]
    return n * (4 if inner == 1 else min(inner, COLUMNS) // 2) * (1 if kind != "logsumexp" else 40)


ROUTINES = {"scan": Routine(_scan, _items, _cost)}


def _translation(kind):
    def translate(node, x, axis, exclusive, reverse):
        axis %= len(x.shape)
        attrs = kind, x.shape[axis], int(np.prod(x.shape[axis + 1 :])), bool(exclusive), bool(reverse)
        return routine("scan", x.shape, x.dtype, x, attrs=attrs, where=node.where)

    return translate


TRANSLATIONS = {
    "Cumsum": _translation("sum"), "Cumprod": _translation("prod"), "CumulativeLogsumexp": _translation("logsumexp"),
}  # fmt: skip
