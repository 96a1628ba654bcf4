"""A graph for known shapes: every size becomes an int, and what is known by then becomes a constant."""

import numpy as np

from tapeflow.core.dims import Dim, UnknownRank, holds_dim, substitute
from tapeflow.core.tensor import EagerTensor
from tapeflow.graph.infer import result_types
from tapeflow.graph.ir import Graph, Node
from tapeflow.graph.passes import simplified
from tapeflow.graph.rounds import rounds_of
from tapeflow.graph.run import kernel_of

FOLDED = 1024  # elements; a larger result is left to the run
EXPANSIONS: dict = {}  # primitive: a function of a node and its operands' types to a graph that says the same, or None


class Misfit(Exception):
    """An operation refuses operands of these shapes: the run says which, and where."""


def specialized(graph, shapes):
    """The graph for inputs of `shapes`. A shape is None, and an attribute holds a Dim, where only the run can tell.

    What each operation gives is found again where the trace did not know all sizes, so nothing that is derived from
    the types has to be checked at the run. Raises Misfit if operands do not fit.
    """
    out = Graph(graph.name)
    out.types = list(graph.types)
    out.inputs, out.outputs = list(graph.inputs), list(graph.outputs)
    out.constants = dict(graph.constants)
    for slot, shape in zip(graph.inputs, shapes):
        out.types[slot] = (tuple(shape), graph.types[slot][1])
    work = _Specializing(out)
    for node in graph.nodes:
        attrs = substitute(node.attrs, work.leaf) if holds_dim(node.attrs) else node.attrs
        inputs = tuple([work.same.get(slot, slot) for slot in node.inputs])
        certain = not holds_dim([graph.types[slot][0] for slot in node.inputs]) and attrs is node.attrs
        work.add(Node(node.prim, inputs, attrs, node.outputs, node.where), certain)
    out.outputs = [work.same.get(slot, slot) for slot in out.outputs]
    used = {slot for node in out.nodes for slot in node.uses()} | set(out.outputs)
    out.constants = {slot: tensor for slot, tensor in out.constants.items() if slot in used}
    return simplified(out) if work.same else out  # calls that waited may repeat each other


class _Specializing:
    """A graph in the making: `known` has values by slot, `same` the slot that another one stands for."""

    def __init__(self, out):
        self.out = out
        self.known = {slot: np.asarray(tensor._array) for slot, tensor in out.constants.items()}
        self.same = {}

    def leaf(self, key):
        """A size or a number as far as it is known."""
        kind, slot, place = key
        slot = self.same.get(slot, slot)
        if kind == "size":
            shape = self.out.types[slot][0]
            known = shape is not None and shape.__class__ is not UnknownRank and not isinstance(shape[place], Dim)
            return shape[place] if known else Dim(kind, slot, place)
        return int(self.known[slot].ravel()[place]) if slot in self.known else Dim(kind, slot, place)

    def add(self, node, certain):
        """A node; `certain`: the types of its outputs are known already."""
        out = self.out
        if node.prim in EXPANSIONS and self._expand(node):
            return
        for slot, type in zip(node.outputs, self._types(node, certain)):
            out.types[slot] = type
        results = _folded(node, out, self.known)
        if results is None:
            out.nodes.append(node)
            return
        for slot, array in zip(node.outputs, results):
            self._constant(slot, EagerTensor(array[()] if not array.ndim else array))

    def _constant(self, slot, tensor):
        self.known[slot] = np.asarray(tensor._array)
        self.out.constants[slot] = tensor

    def _types(self, node, certain):
        """The types of a node's outputs."""
        traced = [self.out.types[slot] for slot in node.outputs]
        if node.prim.name == "While":
            traced = _of_rounds(node, traced, self.out)
        found = [(_known(shape, self.leaf), dtype) for shape, dtype in traced]
        if certain and all(shape is not None for shape, _ in found):
            return found
        operands = [self.out.types[slot] for slot in node.inputs]
        if node.prim.effect is not None or holds_dim(node.attrs) or any(isinstance(a, Graph) for a in node.attrs):
            return found
        if any(shape is None for shape, _ in operands):
            return found
        try:
            inferred = result_types(node.prim, operands, node.attrs)
        except Exception as error:
            raise Misfit(f"{node.prim.name}: {error}") from error
        return [(None if s.__class__ is UnknownRank or None in s else s, dtype) for s, dtype in inferred]

    def _expand(self, node):
        """Whether a node could be replaced by what it is made of."""
        types = [self.out.types[slot] for slot in node.inputs]
        if any(shape is None for shape, _ in types):
            return False
        try:
            graph = EXPANSIONS[node.prim](node, types)
        except Exception:  # noqa: BLE001 (the run raises it, with the user's line)
            return False
        if graph is None or len(graph.outputs) != len(node.outputs):  # then the run says what is wrong
            return False
        slots = dict(zip(graph.inputs, node.inputs))

        def leaf(key):
            kind, slot, place = key
            return self.leaf((kind, slots.get(slot, slot), place))

        for slot, (shape, dtype) in enumerate(graph.types):
            if slot not in slots:
                slots[slot] = self.out.new_slot(shape, dtype)
        for slot, tensor in graph.constants.items():
            self._constant(slots[slot], tensor)
        for inner in graph.nodes:
            for slot in inner.outputs:
                shape, dtype = self.out.types[slots[slot]]
                if shape.__class__ is not UnknownRank:
                    self.out.types[slots[slot]] = substitute(tuple(shape), leaf), dtype
            inputs = tuple([self.same.get(slots[slot], slots[slot]) for slot in inner.inputs])
            attrs = substitute(inner.attrs, leaf) if holds_dim(inner.attrs) else inner.attrs
            outputs = tuple([slots[slot] for slot in inner.outputs])
            self.add(Node(inner.prim, inputs, attrs, outputs, node.where), not holds_dim(inner.attrs))
        for slot, inner in zip(node.outputs, graph.outputs):
            self.same[slot] = self.same.get(slots[inner], slots[inner])
        return True


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
