"""A graph for known shapes: every size becomes an int, and what is known by then becomes a constant."""

import numpy as np

from tapeflow.core.dims import holds_dim, substitute
from tapeflow.core.tensor import EagerTensor
from tapeflow.graph.infer import result_types
from tapeflow.graph.ir import Graph, Node
from tapeflow.graph.run import kernel_of

FOLDED = 1024  # elements; a larger result is left to the run


class Unknown(Exception):
    """A size depends on values that only the run knows; the message says where."""


def specialized(graph, shapes):
    """The graph for inputs of `shapes`. Raises Unknown."""
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
            size = out.types[slot][0][place]
            if size.__class__ is not int:
                raise Unknown(f"the size of %{slot}")
            return size
        if slot not in known:
            raise Unknown(f"the value of %{slot}")
        return int(known[slot].ravel()[place])

    for node in graph.nodes:
        attrs = substitute(node.attrs, leaf) if holds_dim(node.attrs) else node.attrs
        found = Node(node.prim, node.inputs, attrs, node.outputs, node.where)
        types = [graph.types[slot] for slot in node.outputs]
        if any(holds_dim(shape) for shape, _ in types):
            types = _known_types(found, [out.types[slot] for slot in node.inputs], types)
            for slot, type in zip(node.outputs, types):
                out.types[slot] = type
        results = _folded(found, out, known, types)
        if results is None:
            out.nodes.append(found)
            continue
        for slot, array in zip(node.outputs, results):
            known[slot] = array
            out.constants[slot] = EagerTensor(array[()] if not array.ndim else array)
    used = {slot for node in out.nodes for slot in node.inputs} | set(out.outputs)
    out.constants = {slot: tensor for slot, tensor in out.constants.items() if slot in used}
    return out


def _known_types(node, operands, types):
    if node.prim.effect is not None or any(isinstance(attr, Graph) for attr in node.attrs):
        raise Unknown(f"the size of {node.prim.name}'s result")
    types = result_types(node.prim, operands, node.attrs)
    for shape, _ in types:
        if any(n is None for n in shape):
            raise Unknown(f"the size of {node.prim.name}'s result, which depends on values")
    return types


def _folded(node, graph, known, types):
    """The arrays of a node's outputs if they can be known now."""
    prim = node.prim
    if prim.effect is not None or not node.outputs or any(isinstance(attr, Graph) for attr in node.attrs):
        return None
    if prim.name == "Shape":
        return [np.array(graph.types[node.inputs[0]][0], node.attrs[0])]
    if any(slot not in known for slot in node.inputs) or any(np.prod(shape) > FOLDED for shape, _ in types):
        return None
    with np.errstate(all="ignore"):
        try:
            found = kernel_of(node, graph)(*[_scalar(known[slot]) for slot in node.inputs], *node.attrs)
        except Exception:  # noqa: BLE001 (the run raises it, with the user's line)
            return None
    return [np.asarray(array) for array in (found if prim.many else [found])]


def _scalar(array):
    return array if array.ndim else array[()]
