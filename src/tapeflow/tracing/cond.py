"""`cond` in a trace: one node, that holds the branches as graphs.

The operands are the predicate, then what the first branch captures, then what the other does.
"""

import numpy as np

from tapeflow.autodiff.batching import BatchTensor
from tapeflow.compiler.run import runner
from tapeflow.core import nest
from tapeflow.core.dims import UnknownRank, public
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.primitive import general
from tapeflow.graph.passes import effect_of
from tapeflow.ops import space
from tapeflow.tracing.batched_graph import all_batched, of_batch, payloads_of
from tapeflow.tracing.branch import BATCHED, append, traced
from tapeflow.tracing.branch_derivative import (
    derivative_of,
    extended,
    new_outputs,
    node_of,
    push_by_pull,
    recomputed,
    zeros_now,
)
from tapeflow.tracing.structures import is_open, opened
from tapeflow.tracing.symbolic import SymbolicTensor
from tapeflow.tracing.trace import INLINE, evaluate


def _run_cond(pred, *rest):
    *xs, taken, other, n = rest
    return runner(taken)(list(xs[:n])) if pred else runner(other)(list(xs[n:]))


def _cond_now(xs, attrs):
    taken, other, n = attrs
    if xs[0].__class__ is not EagerTensor:
        return None
    return evaluate(taken, xs[1 : 1 + n]) if xs[0]._array else evaluate(other, xs[1 + n :])


def _pull_cond(mask, xs, ys, attrs, gs):
    if ys[0].__class__ is not SymbolicTensor:
        return recomputed(COND, mask, xs, attrs, gs)
    trace, node, places = node_of(ys)
    n = node.attrs[2]
    wanted = [mask >> i & 1 and space.is_inexact(x) for i, x in enumerate(xs)]
    inexact = [(place, y, g) for place, y, g in zip(places, ys, gs) if space.is_inexact(y)]
    places = tuple([place for place, _, _ in inexact])
    of_branch = [
        tuple([i for i, want in enumerate(flags) if want]) for flags in (wanted[1 : 1 + n], wanted[1 + n :])
    ]

    def extend():
        derivatives = [derivative_of(graph, w, places) for graph, w in zip(node.attrs, of_branch)]
        types = [derivative.types() for derivative in derivatives]
        graphs = []
        for number, derivative in enumerate(derivatives):
            graph = derivative.forward
            graph = graph.with_nodes(graph.nodes)
            graph.cache["reads"] = derivative.forward.cache["reads"]
            empty = []  # for the other branch's residuals, which nobody reads when this branch is taken
            for shape, dtype in types[1 - number]:
                slot = graph.new_slot(public(shape), dtype)
                graph.types[slot] = (tuple([m or 0 for m in public(shape)]), dtype)
                graph.constants[slot] = EagerTensor(np.zeros(graph.types[slot][0], dtype))
                empty.append(slot)
            count = len(graph.outputs) - len(types[number])
            mine = graph.outputs[count:]
            graph.outputs = [*graph.outputs[:count], *(empty + mine if number else mine + empty)]
            graphs.append(graph)
        made = new_outputs(trace, types[0] + types[1])
        node.attrs = (*graphs, n)
        node.outputs += tuple([t._slot for t in made])
        return derivatives, made

    derivatives, made = extended(trace, node, xs, (places, *of_branch), extend)
    border = len(derivatives[0].made)
    cotangents = [zeros_now(y) if g is None else g for _, y, g in inexact]
    sources = [x for x, want in zip(xs, wanted) if want]

    def back(number):
        derivative, own = derivatives[number], (made[:border], made[border:])[number]
        operands = (xs[1 : 1 + n], xs[1 + n :])[number]
        residuals = [operands[i] if is_input else own[i] for is_input, i in derivative.sources]
        found = evaluate(derivative.backward, [*residuals, *cotangents])
        there = (slice(1 + n, None), slice(1, 1 + n))[number]
        rest = [zeros_now(x) for x, want in zip(xs[there], wanted[there]) if want]
        return [*found, *rest] if number == 0 else [*rest, *found]

    if not sources:
        return [None] * len(xs)
    found = iter(cond(xs[0], lambda: back(0), lambda: back(1)))
    return [next(found) if want else None for want in wanted]


def _batched_cond(level, tensors, attrs):
    from tapeflow.ops.compare import where

    taken, other, n = attrs
    size, flags, payloads = payloads_of(level, tensors)
    if flags[0]:  # both happen, and each example picks its own
        if any(effect_of(node) == "write" for graph in (taken, other) for node in graph.nodes):
            raise NotImplementedError("A tf.cond whose branches have effects cannot depend on a tensor of a batch.")
        ones, twos = evaluate(taken, tensors[1 : 1 + n]), evaluate(other, tensors[1 + n :])
        return [where(tensors[0], one, two) for one, two in zip(ones, twos)]
    made = [of_batch(taken, size, flags[1 : 1 + n]), of_batch(other, size, flags[1 + n :])]
    wanted = [a or b for a, b in zip(made[0][2], made[1][2])]
    graphs = [all_batched(*parts, wanted, size) for parts in made]
    types = [
        (_common(graphs[0].types[a][0], graphs[1].types[b][0]), graphs[0].types[a][1])
        for a, b in zip(graphs[0].outputs, graphs[1].outputs)
    ]
    outs = append(COND, payloads, (*graphs, n), types)
    return [BatchTensor(t, level) if want else t for t, want in zip(outs, wanted)]


COND = general(
    "If", _run_cond, None, lambda gs, ys, xs: None, operands="*", attrs="graph other n", many=True
)  # fmt: skip
COND.pull, COND.push = _pull_cond, push_by_pull(COND)
INLINE[COND] = _cond_now
BATCHED[COND] = _batched_cond


def cond(pred, true_fn=None, false_fn=None, name=None):
    """See `tapeflow.ops.control_flow.cond`; here `pred` is symbolic, or the call goes there."""
    for slices in (True, False):  # where only one of them gives IndexedSlices, both give tensors
        branches = []
        for label, function in (("true", true_fn), ("false", false_fn)):
            branch, result = traced(label, lambda f=function: _lifted(f(), slices))  # noqa: B023 (it is called now)
            branches.append((branch, *result))
        (taken, one, ones, put), (other, two, twos, _) = branches
        if list(map(is_open, nest.flatten(one))) == list(map(is_open, nest.flatten(two))):
            break
    try:
        nest.assert_same_structure(one, two)
        if len(ones) != len(twos):
            raise ValueError(f"one gives {len(ones)} tensors, the other {len(twos)}")
    except (ValueError, TypeError) as error:
        raise TypeError(f"true_fn and false_fn arguments to tf.cond must have the same structure: {error}") from None
    return put(joined(pred, taken, ones, other, twos))


def _lifted(result, slices):
    tensors, put = opened(result, slices)
    return result, [thread.trace.lift(t) for t in tensors], put


def joined(pred, taken, ones, other, twos):
    """The node of two traced branches: the tensors `ones` of one, or `twos` of the other, when the graph runs."""
    for a, b in zip(ones, twos):
        if a._dtype != b._dtype:
            raise TypeError(
                "true_fn and false_fn arguments to tf.cond must have the same number, type, and overall structure of "
                f"return values: one has dtype {a.dtype.name}, the other {b.dtype.name}."
            )
    types = [(_common(a._shape, b._shape), a._dtype) for a, b in zip(ones, twos)]
    graphs = taken.finished(ones), other.finished(twos)
    return append(COND, [pred, *taken.captures, *other.captures], (*graphs, len(taken.captures)), types)


def _common(a, b):
    if a.__class__ is UnknownRank or b.__class__ is UnknownRank or len(a) != len(b):
        return None
    return tuple([m if m.__class__ is int and m == n else None for m, n in zip(a, b)])


__all__ = ["COND", "cond", "joined"]
