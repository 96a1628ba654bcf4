"""A trace that was made for variables among the arguments, for other variables of the same shapes and dtypes."""

import copy

from tapeflow.core import nest
from tapeflow.core.variable import Variable
from tapeflow.graph.ir import Graph, Node
from tapeflow.tracing.results import Itself


def for_variables(concrete, old, new):
    """A concrete function with the variables `new` where it has `old`. None if something else may know the old ones."""
    named = {id(variable): other for variable, other in zip(old, new)}
    graph = _graph(concrete._graph, named)
    if graph is None:
        return None
    made = copy.copy(concrete)
    made._graph = graph
    made._structure = nest.map_structure(
        lambda leaf: Itself(named.get(id(leaf.value), leaf.value)) if leaf.__class__ is Itself else leaf,
        concrete._structure,
    )
    made._signature = nest.map_structure(lambda leaf: named.get(id(leaf), leaf), concrete._signature)
    made._parameters = [copy.copy(parameter) for parameter in concrete._parameters]
    for parameter in made._parameters:
        parameter.value = nest.map_structure(lambda leaf: named.get(id(leaf), leaf), parameter.value)
    return made


def _graph(graph, named):
    """The graph with other variables; None where there is Python code, which may have its own way to the old ones."""
    nodes = []
    for node in graph.nodes:
        attrs = []
        for attr in node.attrs:
            if isinstance(attr, Variable):
                attr = named.get(id(attr), attr)
            elif isinstance(attr, Graph):
                attr = _graph(attr, named)
            elif callable(attr):
                attr = None
            if attr is None and node.attrs[len(attrs)] is not None:
                return None
            attrs.append(attr)
        nodes.append(Node(node.prim, node.inputs, tuple(attrs), node.outputs, node.where))
    out = graph.with_nodes(nodes)
    ids = {old: new._id for old, new in _ids(named, graph).items()}
    for key in ("reads", "patience"):
        if key in graph.cache:
            found = graph.cache[key]
            out.cache[key] = {ids.get(k, k): v for k, v in found.items()} if key == "reads" else found
    return out


def _ids(named, graph):
    """By the ids that the trace knows the old variables by: the new ones."""
    return {variable._id: named[id(variable)] for variable in graph.variables() if id(variable) in named}
