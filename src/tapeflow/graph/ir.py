"""The graph: a flat list of nodes in order, each a primitive applied to numbered slots.

A slot is a value, written once. `types[slot]` is its (shape, NumPy dtype); a shape is a tuple of ints, or of Dims where
a size is only known when the graph runs. Nothing here knows an operation, a tape, or how a node is computed.
"""

from tapeflow.core.dims import dims_in


class Node:
    """One application: `outputs = prim(*inputs, *attrs)`. `where` is the user's line, (file, line, function)."""

    __slots__ = ("prim", "inputs", "attrs", "outputs", "where")

    def __init__(self, prim, inputs, attrs, outputs, where=None):
        self.prim = prim
        self.inputs = inputs
        self.attrs = attrs
        self.outputs = outputs
        self.where = where

    def sizes(self):
        """The slots that unknown sizes in the attributes are read from, in order."""
        return sorted({leaf[1] for leaf in dims_in(list(self.attrs))})

    def uses(self):
        """All slots that it needs: the operands, and those of sizes."""
        return [*self.inputs, *self.sizes()] if self.attrs else list(self.inputs)

    def __repr__(self):
        return f"{self.outputs} = {self.prim.name}{self.inputs}{self.attrs}"


class Graph:
    """A program: from the slots `inputs` and the tensors `constants` by slot, through `nodes`, to the slots `outputs`.

    A node whose primitive has an `effect` ("read" or "write") keeps its place among the others that have one.
    """

    __slots__ = ("name", "types", "inputs", "constants", "nodes", "outputs", "cache", "__weakref__")

    def __init__(self, name):
        self.name = name
        self.types = []
        self.inputs = []
        self.constants = {}
        self.nodes = []
        self.outputs = []
        self.cache = {}  # what others derive from the finished graph: its runners, its derivative

    def new_slot(self, shape, dtype):
        """A new slot of a type."""
        self.types.append((shape, dtype))
        return len(self.types) - 1

    def with_nodes(self, nodes, outputs=None, constants=None):
        """A graph of the same slots and inputs with other nodes (and outputs, and constants)."""
        out = Graph(self.name)
        out.types = list(self.types)
        out.inputs = list(self.inputs)
        out.constants = dict(self.constants if constants is None else constants)
        out.nodes = nodes
        out.outputs = list(self.outputs if outputs is None else outputs)
        return out

    def variables(self):
        """The variables that are read or assigned, each once, in order."""
        found = {}
        for node in self.nodes:
            for attr in node.attrs:
                for variable in variables_of(attr):
                    found[variable._id] = variable
        return list(found.values())


def variables_of(attr):
    """The variables in an attribute: one, or those of a sub-graph."""
    from tapeflow.core.variable import Variable

    if isinstance(attr, Variable):
        return [attr]
    return attr.variables() if isinstance(attr, Graph) else []
