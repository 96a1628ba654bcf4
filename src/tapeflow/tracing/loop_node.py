"""Loops in a trace: one node, that holds the test and the body as graphs.

The operands are the loop's n variables; the m that the test captures, or, where there is no test, the number of rounds;
what the body captures; and p stacks, of which each round gets a row, the last one first if `reverse`. The outputs are
the variables, the number of rounds if it `counts`, and a stack of each other output of the body; rows of several shapes
are refused in the first `exact` stacks, and kept as they are in those that derivatives asked for.
"""

import numpy as np

from tapeflow.autodiff.batching import BatchTensor
from tapeflow.compiler.run import runner
from tapeflow.core.dims import public
from tapeflow.core.errors import invalid_argument
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.primitive import general
from tapeflow.graph.passes import simplified
from tapeflow.ops import space
from tapeflow.ops.shaping import broadcast_static, transpose_static
from tapeflow.tracing.batched_graph import all_batched, of_batch, payloads_of
from tapeflow.tracing.branch import BATCHED, append
from tapeflow.tracing.branch_derivative import (
    derivative_of,
    extended,
    new_outputs,
    node_of,
    push_by_pull,
    recomputed,
    zeros_now,
)
from tapeflow.tracing.symbolic import SymbolicTensor
from tapeflow.tracing.trace import INLINE, Trace, evaluate


def _run_loop(*operands):
    *xs, test, body, n, m, p, reverse, counts, exact = operands
    border = len(xs) - p
    carry, of_test, captured, stacks = xs[:n], xs[n : n + m], xs[n + m : border], xs[border:]
    run = runner(body)
    rows = []
    count = 0
    if test is None:
        count = int(of_test[0])
        for t in reversed(range(count)) if reverse else range(count):
            found = run([*carry, *captured, *[stack[t] for stack in stacks]])
            carry = found[:n]
            rows.append(found[n:])
    else:
        check, kept = runner(test), len(body.outputs) > n
        while check([*carry, *of_test])[0]:
            found = run([*carry, *captured])
            carry = found[:n]
            count += 1
            if kept:
                rows.append(found[n:])
    if reverse:
        rows.reverse()
    out = [*carry, np.int64(count)] if counts else list(carry)
    columns = zip(*rows) if rows else [()] * (len(body.outputs) - n)
    columns = enumerate(zip(columns, body.outputs[n:]))
    return out + [_stacked(column, *body.types[slot], i < exact) for i, (column, slot) in columns]


def _stacked(rows, shape, dtype, exact=False):
    if not rows:
        return np.zeros((0, *[m or 0 for m in public(shape)]), dtype)
    if all([row.shape == rows[0].shape for row in rows]):
        return np.stack(rows)
    if exact:
        other = next(row for row in rows if row.shape != rows[0].shape)
        raise invalid_argument(f"Incompatible shapes during merge: {list(rows[0].shape)} vs. {list(other.shape)}")
    out = np.empty(len(rows), object)  # rows of several shapes: only the loop back reads them, one by one
    for i, row in enumerate(rows):
        out[i] = row
    return out


def _loop_now(xs, attrs):
    from tapeflow.ops.packing import stack

    if thread.trace is not None:
        return None
    test, body, n, m, p, reverse, counts, exact = attrs
    border = len(xs) - p
    carry, of_test, captured, stacks = list(xs[:n]), xs[n : n + m], xs[n + m : border], xs[border:]
    rows = []

    def go(*row):
        nonlocal carry
        found = evaluate(body, [*carry, *captured, *row])
        carry = found[:n]
        rows.append(found[n:])

    if test is None:
        rounds = range(int(of_test[0]))
        for t in reversed(rounds) if reverse else rounds:
            go(*[s[t] for s in stacks])
    else:
        while True:
            (going,) = evaluate(test, [*carry, *of_test])
            if going.__class__ is not EagerTensor:
                return None  # one answer for each example of a batch
            if not going._array:
                break
            go()
    if reverse:
        rows.reverse()
    if rows:
        stacked = [stack(list(column)) for column in zip(*rows)]
    else:
        stacked = [EagerTensor(_stacked((), *body.types[slot])) for slot in body.outputs[n:]]
    return [*carry, *([EagerTensor(np.int64(len(rows)))] if counts else []), *stacked]


def _pull_loop(mask, xs, ys, attrs, gs):
    if ys[0].__class__ is not SymbolicTensor:
        return recomputed(LOOP, mask, xs, attrs, gs)
    trace, node, places = node_of(ys)
    _, body, n, m, p, reverse, counts, _ = node.attrs
    border = len(xs) - p
    # The inputs of the body as numbers of operands: its captures follow the test's.
    operand = [*range(n), *range(n + m, len(xs))]
    wanted = tuple([
        i for i, j in enumerate(operand) if space.is_inexact(xs[j]) and (j < n or mask >> j & 1)
    ])  # fmt: skip
    given = {place: g for place, g in zip(places, gs)}
    carried = [i for i in wanted if i < n]
    stacked = [place for place, y in zip(places, ys) if place >= n and space.is_inexact(y)]
    asked = tuple([*carried, *[place - counts for place in stacked]])  # the body's outputs

    def extend():
        return _with_residuals(trace, node, xs, wanted, asked)

    derivative, made = extended(trace, node, xs, (wanted, asked), extend)
    count = SymbolicTensor(trace, node.outputs[n], (), np.dtype(np.int64))
    ends = [SymbolicTensor(trace, node.outputs[i], *trace.graph.types[node.outputs[i]]) for i in carried]
    cotangents = [zeros_now(end) if given.get(i) is None else given[i] for i, end in zip(carried, ends)]
    captures = [i for i in wanted if n <= i and operand[i] < border]
    of_stacks = [i for i in wanted if operand[i] >= border]
    totals = [zeros_now(xs[operand[i]]) for i in captures]
    same, rows, plan = _residuals(derivative, made, xs, operand, n, border)
    of_ys = [zeros_now(y) if given[place] is None else given[place]
             for place, y in zip(places, ys) if place in stacked]  # fmt: skip
    back = _back(
        _round_back(derivative, carried, captures, of_stacks, len(same), plan),
        [*cotangents, *totals], same, [*rows, *of_ys],
    )  # fmt: skip
    found = counted_loop(back, count, [*cotangents, *totals], same, [*rows, *of_ys], not reverse)
    out = [None] * len(xs)
    for i, g in zip((*carried, *captures, *of_stacks), found):
        out[operand[i]] = g
    return out


def _with_residuals(trace, node, xs, wanted, asked):
    """Give a loop's node the body that also gives the residuals, and it stacks of them: the derivative, the stacks."""
    test, body, n, m, p, reverse, counts, exact = node.attrs
    derivative = derivative_of(body, wanted, asked)
    # What the rounds read all the same, and rows of stacks, need not be stacked again.
    first = [] if counts else [trace.declared((), np.dtype(np.int64))]
    kept = []
    for is_input, i in derivative.sources:
        if is_input and i < n:
            kept.append(derivative.forward.inputs[i])
    graph = derivative.forward.with_nodes(derivative.forward.nodes)
    graph.cache["reads"] = derivative.forward.cache["reads"]
    graph.outputs = [*graph.outputs, *kept]
    types = [graph.types[slot] for slot in (*derivative.made, *kept)]
    size = _row_count(xs[len(xs) - p :])
    made = new_outputs(trace, [((size, *public(shape)), dtype) for shape, dtype in types])
    outputs = node.outputs
    node.outputs = (*outputs[:n], *[t._slot for t in first], *outputs[n:], *[t._slot for t in made])
    node.attrs = (test, graph, n, m, p, reverse, True, exact)
    return derivative, made


def _residuals(derivative, made, xs, operand, n, border):
    """The residuals for the loop back: captures, that come as they are, and all else as rows, stacked.

    The third, for each residual: whether it is a row, and its number among them.
    """
    same, rows, plan, again = [], [], [], iter(made[len(derivative.made) :])
    for is_input, i in derivative.sources:
        if is_input and n <= i and operand[i] < border:
            plan.append((False, len(same)))
            same.append(xs[operand[i]])
        else:
            plan.append((True, len(rows)))
            rows.append(xs[operand[i]] if is_input and i >= n else next(again) if is_input else made[i])
    return same, rows, plan


def _round_back(derivative, carried, captures, of_stacks, border, plan):
    """A round of the loop back, of cotangents, totals, the residuals that are the same (as many as `border`), and rows.

    The rows are those of residuals, and then the cotangents of the stacks that the loop gave.
    """
    count = sum(is_row for is_row, _ in plan)

    def round_back(*operands):
        operands = list(operands)
        gs_now, totals_now = operands[: len(carried)], operands[len(carried) : len(carried) + len(captures)]
        rest = operands[len(carried) + len(captures) :]
        same, rows, gs_ys = rest[:border], rest[border : border + count], rest[border + count :]
        residuals = [rows[i] if is_row else same[i] for is_row, i in plan]
        found = dict(zip(derivative.wanted, evaluate(derivative.backward, [*residuals, *gs_now, *gs_ys])))
        return [
            *[found[i] for i in carried], *[space.add(t, found[i]) for t, i in zip(totals_now, captures)],
            *[found[i] for i in of_stacks],
        ]  # fmt: skip

    return round_back


def _back(function, carry, captured, stacks):
    """The graph of one round of a counted loop: `function` of the variables, captures, and rows of stacks."""
    with Trace("back") as trace:
        types = [(t._shape, t._dtype) for t in (*carry, *captured)] + [(t._shape[1:], t._dtype) for t in stacks]
        inputs = [trace.input(public(shape), dtype) for shape, dtype in types]
        outputs = [trace.lift(t) for t in function(*inputs)]
    trace.graph.outputs = [t._slot for t in outputs]
    return simplified(trace.graph)


def counted_loop(body, count, carry, captured, stacks, reverse):
    """The node of a loop of `count` rounds over the rows of stacks: the last variables, and a stack of each more."""
    n = len(carry)
    types = [(_loose(t._shape, body.types[s][0]), t._dtype) for t, s in zip(carry, body.outputs)]
    size = _row_count(stacks)
    types += [((size, *public(body.types[s][0])), body.types[s][1]) for s in body.outputs[n:]]
    attrs = (None, body, n, 1, len(stacks), reverse, False, 0)
    return append(LOOP, [*carry, count, *captured, *stacks], attrs, types)


def _row_count(stacks):
    """How many rows stacks have, None if it is not known."""
    return next((t._shape[0] for t in stacks if t._shape[0].__class__ is int), None)


def _loose(a, b):
    return tuple([m if m.__class__ is int and m == k else None for m, k in zip(a, b)])


def _batched_loop(level, tensors, attrs):
    test, body, n, m, p, reverse, counts, exact = attrs
    size, flags, payloads = payloads_of(level, tensors)
    border = len(tensors) - p
    carried = flags[:n]
    while True:
        trace, outs, carry = of_batch(body, size, [*carried, *flags[n + m :]])
        more = [a or b for a, b in zip(carried, carry)]
        if more == carried:
            break
        carried = more
    if test is not None:
        used = {slot for node in test.nodes for slot in node.inputs} | set(test.outputs)
        if any(flag and slot in used for flag, slot in zip([*carried, *flags[n : n + m]], test.inputs)):
            raise NotImplementedError("The condition of a tf.while_loop cannot depend on a tensor of a batch.")
    wanted = [*carried, *carry[n:]]
    graph = all_batched(trace, outs, carry, wanted, size)
    payloads = [
        *[broadcast_static(t, (size, *t._shape)) if now and not flag else t
          for t, now, flag in zip(payloads, carried, flags)],
        *payloads[n:border],
        *[_swapped(t) if flag else t for t, flag in zip(payloads[border:], flags[border:])],
    ]  # fmt: skip
    types = [(_loose(t._shape, graph.types[s][0]), t._dtype) for t, s in zip(payloads, graph.outputs[:n])]
    types += [((), np.dtype(np.int64))] if counts else []
    rows = _row_count(payloads[border:])
    types += [((rows, *public(graph.types[s][0])), graph.types[s][1]) for s in graph.outputs[n:]]
    outs = append(LOOP, payloads, (test, graph, n, m, p, reverse, counts, exact), types)
    wanted[n:n] = [False] if counts else []
    return [
        BatchTensor(_swapped(t) if i >= n else t, level) if want else t
        for i, (t, want) in enumerate(zip(outs, wanted))
    ]


def _swapped(stack):
    """Examples of rows as rows of examples, and back."""
    return transpose_static(stack, (1, 0, *range(2, len(stack._shape))))


LOOP = general(
    "While", _run_loop, None, lambda gs, ys, xs: None, operands="*", attrs="test body n m p reverse counts exact",
    many=True,
)  # fmt: skip
LOOP.pull, LOOP.push = _pull_loop, push_by_pull(LOOP)
INLINE[LOOP] = _loop_now
BATCHED[LOOP] = _batched_loop


__all__ = ["LOOP", "counted_loop"]
