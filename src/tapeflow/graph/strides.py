"""A loop that does more than compute, as a graph that runs many of its rounds at once.

A *stride* is some rounds of a `While` whose body assigns variables, draws random numbers, or has an effect now and
then: it ends after a number of rounds, and before a round that has such an effect, which is for whoever runs the
strides. What is left is a loop that can be native code.
"""

from typing import NamedTuple

import numpy as np

from tapeflow.core.dims import holds_dim
from tapeflow.core.tensor import EagerTensor
from tapeflow.graph.ir import Graph, Node
from tapeflow.graph.lifted import lifted
from tapeflow.graph.passes import effect_of, only_computes, without_dead
from tapeflow.graph.specialize import Misfit, specialized
from tapeflow.ops.arithmetic import ADD, MINIMUM, SUB
from tapeflow.ops.compare import LESS, LOGICAL_AND, LOGICAL_NOT
from tapeflow.ops.indexing import GATHER

_INT = np.dtype(np.int64)
_STATE = ((3,), np.dtype(np.uint64))
ROUNDS = 1 << 20  # at most in a stride
DRAWS = 1 << 10  # of one that draws random numbers, whose keys are made before it
# What is done twice a round, so that a stride ends before an effect: it must be cheap, and refuse nothing.
_PLAIN = frozenset((
    "Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual", "LogicalAnd", "LogicalOr", "LogicalNot",
    "AddV2", "Sub", "Mul", "Neg", "Abs", "Cast", "Identity", "Minimum", "Maximum", "IsNan", "IsFinite",
    "StridedSlice", "Reshape",
))  # fmt: skip
_OF_DIVISOR = ("FloorMod", "FloorDiv", "TruncateMod", "TruncateDiv")


class Stride(NamedTuple):
    """A graph from (variables, t, what the test captures or the number of rounds, limit, what the body captures,
    stacks, states for each draw, the t at the stride's begin) to (variables, t): the rounds from t on, to `limit` at
    most. `draws`: the (stream, blocks) of each draw of a round; `stops`: whether it may end before an effect.
    """

    graph: Graph
    draws: list
    stops: bool


def stride_of(prim, attrs, types):
    """The Stride of a `While` of attributes, for operands of `types`; None if it has none."""
    test, body, n, m, p, reverse, _, _ = attrs
    border = len(types) - p
    if reverse or len(body.outputs) != n or any(shape is None for shape, _ in types):
        return None
    shapes = [shape for shape, _ in types]
    rows = [(shape[1:], dtype) for shape, dtype in types[border:]]
    try:
        body = specialized(body, [*shapes[:n], *shapes[n + m : border], *[shape for shape, _ in rows]])
        test = None if test is None else specialized(test, shapes[: n + m])
    except Misfit:
        return None
    if any(body.types[a] != body.types[b] for a, b in zip(body.inputs, body.outputs[:n])):
        return None
    found = _without_effects(body)
    if found is None:
        return None
    quiet, stops, draws = found
    body_of_stride = _body(quiet, n, types[border:], draws)
    test_of_stride = _test(test, body, n, types, m, p, stops)
    if test_of_stride is None:
        return None
    graph = _whole(prim, test_of_stride, body_of_stride, types, n, m, len(draws))
    return Stride(graph, [node.attrs for node in draws], bool(stops))


def _without_effects(body):
    """(the body without what has an effect, [(predicate, whether it is true where there is one)], draws), or None."""
    out = body.with_nodes([])
    stops, draws = [], []
    for node in body.nodes:
        name = node.prim.name
        if _changes_variables_at_most(node):
            out.nodes.append(node)
        elif name == "ReserveRandomBits":
            draws.append(node)
        elif name == "If" and not holds_dim(node.attrs):
            quiet = [_is_quiet(graph) for graph in node.attrs[:2]]
            if quiet == [False, False]:
                return None
            which = quiet.index(True)
            stops.append((node.inputs[0], which == 1))
            n, graph = node.attrs[2], node.attrs[which]
            xs = node.inputs[1 : 1 + n] if which == 0 else node.inputs[1 + n :]
            out.nodes.append(
                Node(node.prim, (node.inputs[0], *xs, *xs), (graph, graph, len(xs)), node.outputs, node.where)
            )
        else:
            return None
    streams = [node.attrs[0] for node in draws]
    return (out, stops, draws) if len(set(map(id, streams))) == len(streams) else None


def _changes_variables_at_most(node):
    """Whether a node has no effect but that it reads or assigns variables."""
    name = node.prim.name
    return (
        only_computes(node) or name == "ReadVariable" or name.startswith("Assign")
        or lifted(node, Graph("scratch").new_slot) is not None
    )  # fmt: skip


def _is_quiet(graph):
    """Whether a branch has no effects but on variables."""
    return all(map(_changes_variables_at_most, graph.nodes))


def _added(graph, prim, inputs, type, *attrs):
    """The slot of a new node's output."""
    slot = graph.new_slot(*type)
    graph.nodes.append(Node(prim, tuple(inputs), attrs, (slot,)))
    return slot


def _number(graph, value):
    slot = graph.new_slot((), _INT)
    graph.constants[slot] = EagerTensor(np.int64(value))
    return slot


def _body(quiet, n, stacks, draws):
    """The graph of a round: of the variables, t, captures, stacks, states, and the first t."""
    out = quiet.with_nodes([])
    rows = out.inputs[len(out.inputs) - len(stacks) :]
    t = out.new_slot((), _INT)
    given = [out.new_slot(*type) for type in stacks]
    states = [out.new_slot((DRAWS, 3), _STATE[1]) for _ in draws]
    first = out.new_slot((), _INT)
    captured = out.inputs[n : len(out.inputs) - len(stacks)]
    out.inputs = [*out.inputs[:n], t, *captured, *given, *states, first]
    for row, stack in zip(rows, given):
        out.nodes.append(Node(GATHER, (stack, t), (0, 0), (row,)))
    if draws:
        place = _added(out, SUB, (t, first), ((), _INT))
        for node, state in zip(draws, states):
            out.nodes.append(Node(GATHER, (state, place), (0, 0), node.outputs, node.where))
    out.nodes += quiet.nodes
    out.outputs = [*out.outputs, _added(out, ADD, (t, _number(out, 1)), ((), _INT))]
    return out


def _test(test, body, n, types, m, p, stops):
    """The graph of the test: of the variables, t, the test's captures or the number of rounds, limit, captures, stacks.

    None where it is not known to be cheap, and to refuse nothing, what says whether a round has an effect.
    """
    out = Graph("test")
    inputs = [out.new_slot(*type) for type in types]
    t, limit = out.new_slot((), _INT), out.new_slot((), _INT)
    out.inputs = [*inputs[:n], t, *inputs[n : n + m], limit, *inputs[n + m :]]
    going = _added(out, LESS, (t, limit), ((), np.dtype(bool)))

    def both(a, b):
        return _added(out, LOGICAL_AND, (a, b), ((), np.dtype(bool)))

    if test is not None:
        (answer,) = _inlined(out, test, inputs[: n + m])
        going = both(going, answer)
    if stops:
        tell = _telling(body, [slot for slot, _ in stops])
        if tell is None:
            return None
        rows = []
        if p:
            last = _added(out, SUB, (limit, _number(out, 1)), ((), _INT))
            place = _added(out, MINIMUM, (t, last), ((), _INT))
            rows = [
                _added(out, GATHER, (stack, place), (shape[1:], dtype), 0, 0)
                for stack, (shape, dtype) in zip(inputs[len(inputs) - p :], types[len(types) - p :])
            ]
        captured = inputs[n + m : len(inputs) - p]
        for slot, (_, if_true) in zip(_inlined(out, tell, [*inputs[:n], *captured, *rows]), stops):
            if if_true:
                slot = _added(out, LOGICAL_NOT, (slot,), ((), np.dtype(bool)))
            going = both(going, slot)
    out.outputs = [going]
    return out


def _telling(body, slots):
    """The part of a body that computes some slots, all of them plain; None if it is not."""
    tell = without_dead(body.with_nodes([node for node in body.nodes if effect_of(node) is None], slots))
    for node in tell.nodes:
        if holds_dim(node.attrs):
            return None
        if node.prim.name in _OF_DIVISOR:
            divisor = body.constants.get(node.inputs[1])
            if divisor is None or not np.all(np.asarray(divisor._array)):
                return None
        elif node.prim.name not in _PLAIN:
            return None
        if any(body.types[slot][0] not in ((), (1,)) for slot in node.outputs):
            return None
    made = {slot for node in tell.nodes for slot in node.outputs}.union(tell.inputs, tell.constants)
    fine = made.issuperset([*slots, *[slot for node in tell.nodes for slot in node.inputs]])  # no variable is read
    return tell if fine else None


def _inlined(out, graph, inputs):
    """Add a graph's nodes to another graph: the slots of its outputs."""
    slots = dict(zip(graph.inputs, inputs))
    for slot, tensor in graph.constants.items():
        slots[slot] = out.new_slot(*graph.types[slot])
        out.constants[slots[slot]] = tensor
    for node in graph.nodes:
        for slot in node.outputs:
            slots[slot] = out.new_slot(*graph.types[slot])
        own = [tuple([slots[slot] for slot in own]) for own in (node.inputs, node.outputs)]
        out.nodes.append(Node(node.prim, own[0], node.attrs, own[1], node.where))
    return [slots[slot] for slot in graph.outputs]


def _whole(prim, test, body, types, n, m, draws):
    """The graph of a stride: the `While`, of a test and a body that know the limit."""
    out = Graph("stride")
    xs = [out.new_slot(*type) for type in types]
    t, limit, first = [out.new_slot((), _INT) for _ in range(3)]
    states = [out.new_slot((DRAWS, 3), _STATE[1]) for _ in range(draws)]
    carry, of_test, rest = xs[:n], xs[n : n + m], xs[n + m :]
    out.inputs = [*carry, t, *of_test, limit, *rest, *states, first]
    operands = (*carry, t, *of_test, limit, *rest, *rest, *states, first)
    outputs = tuple([out.new_slot(*type) for type in (*types[:n], ((), _INT))])
    attrs = (test, body, n + 1, m + 1 + len(rest), 0, False, False, 0)
    out.nodes.append(Node(prim, operands, attrs, outputs))
    out.outputs = list(outputs)
    return out
