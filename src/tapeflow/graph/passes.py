"""Passes over a finished graph: what nobody needs is dropped, what is computed twice is computed once."""

from tapeflow.core.dims import Dim, dims_in, holds_dim, substitute
from tapeflow.graph.ir import Graph, Node


def effect_of(node):
    """The effect of a node, that of its branches or body counted: "read", "write" or None."""
    found = node.prim.effect
    for attr in node.attrs:
        if attr.__class__ is Graph:
            effects = {found, *map(effect_of, attr.nodes)}
            found = "write" if "write" in effects else "read" if "read" in effects else None
    return found


def only_computes(node):
    """Whether a node does nothing else but compute, or raise an error: it can be done over."""
    if node.prim.effect is not None and node.prim.name != "Assert":
        return False
    return all(only_computes(inner) for attr in node.attrs if isinstance(attr, Graph) for inner in attr.nodes)


def asserts(node):
    """Whether a node that only computes has assertions in it, so that it is needed for them."""
    return effect_of(node) is not None


def simplified(graph):
    """The graph without common subexpressions and dead code."""
    return without_dead(without_repeats(graph))


def without_dead(graph):
    """The graph without nodes that neither an output nor an effect needs."""
    needed = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if effect_of(node) == "write" or not needed.isdisjoint(node.outputs):
            needed.update(node.uses())
            kept.append(node)
    for shape, _ in [graph.types[slot] for slot in graph.inputs]:
        needed.update(leaf[1] for leaf in dims_in(shape))
    constants = {slot: tensor for slot, tensor in graph.constants.items() if slot in needed}
    return graph.with_nodes(kept[::-1], constants=constants)


def without_repeats(graph):
    """The graph in which no pure node is computed twice."""
    seen, renamed, nodes = {}, {}, []

    def leaf(key):
        kind, slot, place = key
        return Dim(kind, renamed.get(slot, slot), place)

    for node in graph.nodes:
        inputs = tuple([renamed.get(slot, slot) for slot in node.inputs])
        attrs = substitute(node.attrs, leaf) if renamed and holds_dim(node.attrs) else node.attrs
        if inputs != node.inputs or attrs is not node.attrs:
            node = Node(node.prim, inputs, attrs, node.outputs, node.where)
        if effect_of(node) is None:
            try:
                known = seen.setdefault((node.prim, inputs, node.attrs), node)
            except TypeError:  # an attribute that is not hashable
                known = node
            if known is not node:
                renamed.update(zip(node.outputs, known.outputs))
                continue
        nodes.append(node)
    out = graph.with_nodes(nodes, [renamed.get(slot, slot) for slot in graph.outputs])
    if renamed:
        out.types = [(substitute(shape, leaf) if holds_dim(shape) else shape, dtype) for shape, dtype in graph.types]
    return out
