"""A graph for known shapes: every size becomes an int, and what is known by then becomes a constant."""

import numpy as np

from tapeflow.core.dims import Dim, UnknownRank, holds_dim, substitute
from tapeflow.core.tensor import EagerTensor
from tapeflow.graph.infer import result_types
from tapeflow.graph.ir import Graph, Node
from tapeflow.graph.rounds import rounds_of
from tapeflow.graph.run import kernel_of

FOLDED = 1024  # elements; a larger result is left to the run


def specialized(graph, shapes):
    """The graph for inputs of `shapes`. A shape is None, and an attribute holds a Dim, where only the run can tell."""
    out = Graph(graph.name)
    out.types = list(graph.types)
    out.inputs, out.outputs = list(graph.inputs), list(graph.outputs)
    out.constants = dict(graph.constants)
    for slot, shape in zip(graph.inputs, shapes):
        out.types[slot] = (tuple(shape), graph.types[slot][1])
    known = {slot: np.asarray(tensor._array) for slot, tensor in graph.constants.items()}

    def leaf(key):
        kind, slot, place = key
        if kind == "size":
            shape = out.types[slot][0]
            return Dim(*key) if shape is None else shape[place]
        return int(known[slot].ravel()[place]) if slot in known else Dim(*key)

    for node in graph.nodes:
        attrs = substitute(node.attrs, leaf) if holds_dim(node.attrs) else node.attrs
        found = Node(node.prim, node.inputs, attrs, node.outputs, node.where)
        for slot, type in zip(node.outputs, _types(found, graph, out, leaf)):
            out.types[slot] = type
        results = _folded(found, out, known)
        if results is None:
            out.nodes.append(found)
            continue
        for slot, array in zip(node.outputs, results):
            known[slot] = array
            out.constants[slot] = EagerTensor(array[()] if not array.ndim else array)
    used = {slot for node in out.nodes for slot in node.uses()} | set(out.outputs)
    out.constants = {slot: tensor for slot, tensor in out.constants.items() if slot in used}
    return out


def _types(node, graph, out, leaf):
    """The types of a node's outputs."""
    traced = [graph.types[slot] for slot in node.outputs]
    if node.prim.name == "While":
        traced = _of_rounds(node, traced, out)
    found = [(_known(shape, leaf), dtype) for shape, dtype in traced]
    operands = [out.types[slot] for slot in node.inputs]
    if all(shape is not None for shape, _ in found) or node.prim.effect is not None or holds_dim(node.attrs):
        return found
    if any(shape is None for shape, _ in operands) or any(isinstance(attr, Graph) for attr in node.attrs):
        return found
    inferred = result_types(node.prim, operands, node.attrs)
    return [(None if None in shape else shape, dtype) for shape, dtype in inferred]


def _of_rounds(node, types, out):
    """The types of a loop's outputs, with as many rows of the stacks as it has rounds, if that is known."""
    n, counts = node.attrs[2], node.attrs[6]

    def known(i):
        tensor = out.constants.get(node.inputs[i])
        return tensor._array.item() if tensor is not None and tensor._array.size == 1 else None

    rounds = rounds_of(node, known, [out.types[slot][0] for slot in node.inputs])
    if rounds is None:
        return types
    return [
        (shape if i < n + counts else (rounds, *shape[1:]), dtype) for i, (shape, dtype) in enumerate(types)
    ]


def _known(shape, leaf):
    """A shape of ints; None where a size, or the rank, is not known."""
    if shape.__class__ is UnknownRank:
        return None
    shape = substitute(tuple(shape), leaf)
    return None if holds_dim(shape) else shape


def _folded(node, graph, known):
    """The arrays of a node's outputs if they can be known now."""
    prim = node.prim
    if prim.effect is not None or not node.outputs or any(isinstance(attr, Graph) for attr in node.attrs):
        return None
    if prim.name == "Shape" and graph.types[node.inputs[0]][0] is not None:
        return [np.array(graph.types[node.inputs[0]][0], node.attrs[0])]
    if any(slot not in known for slot in node.inputs) or holds_dim(node.attrs):
        return None
    if any(shape is None or np.prod(shape) > FOLDED for shape, _ in [graph.types[slot] for slot in node.outputs]):
        return None
    with np.errstate(all="ignore"):
        try:
            found = kernel_of(node, graph)(*[_scalar(known[slot]) for slot in node.inputs], *node.attrs)
        except Exception:  # noqa: BLE001 (the run raises it, with the user's line)
            return None
    return [np.asarray(array) for array in (found if prim.many else [found])]


def _scalar(array):
    return array if array.ndim else array[()]
