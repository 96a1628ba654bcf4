"""Graphs as TensorFlow's users look at them: `FuncGraph`, `Operation`, and text."""

from tapeflow.core.dims import public
from tapeflow.core.dtype import BY_NUMPY


class Operation:
    """One node of a graph."""

    def __init__(self, graph, node):
        self.graph = graph
        self._node = node

    @property
    def type(self):
        """TensorFlow's name of the kind of operation."""
        return "Placeholder" if self._node is None else self._node.prim.name

    @property
    def name(self):
        """A name that is unique in the graph."""
        return self.type if self._node is None or not self._node.outputs else f"{self.type}_{self._node.outputs[0]}"

    def __repr__(self):
        return f"<tf.Operation {self.name!r} type={self.type}>"


class NodeDef:
    """One node of a graph as data: its name, the kind of operation, and the names of the nodes that it reads."""

    def __init__(self, name, op, inputs):
        self.name, self.op, self.input = name, op, inputs

    def __repr__(self):
        return f"name: {self.name!r}\nop: {self.op!r}\n" + "".join(f"input: {name!r}\n" for name in self.input)


class GraphDef:
    """A graph as data: `node` lists inputs, constants, operations and, an Identity each, outputs."""

    def __init__(self, nodes):
        self.node = nodes

    def __repr__(self):
        return "".join(f"node {{\n  {repr(node)[:-1].replace(chr(10), chr(10) + '  ')}\n}}\n" for node in self.node)


class FuncGraph:
    """The graph of a `tf.function`."""

    def __init__(self, graph, trace=None):
        self._graph = graph
        self._trace = trace
        self.name = graph.name
        self.building_function = True

    def get_operations(self):
        """The operations in order, inputs first."""
        graph = self._graph
        return [Operation(self, None) for _ in graph.inputs] + [Operation(self, node) for node in graph.nodes]

    def as_graph_def(self, from_version=None, add_shapes=False):
        """The graph as data, in the order in which it runs; `from_version` and `add_shapes` are not used."""
        graph, names, nodes = self._graph, {}, []

        def add(name, op, reads, slots):
            nodes.append(NodeDef(name, op, [names[slot] for slot in reads]))
            names.update({slot: f"{name}:{i}" if i else name for i, slot in enumerate(slots)})

        given = self._trace.names if self._trace is not None else {}
        for slot in graph.inputs:
            add(given.get(slot) or f"Placeholder_{slot}", "Placeholder", (), (slot,))
        for slot in graph.constants:
            add(f"Const_{slot}", "Const", (), (slot,))
        for number, node in enumerate(graph.nodes):
            name = f"{node.prim.name}_{node.outputs[0] if node.outputs else f'of_{number}'}"
            add(name, node.prim.name, node.inputs, node.outputs)
        for i, slot in enumerate(graph.outputs):
            add(f"Identity_{i}" if i else "Identity", "Identity", (slot,), ())
        return GraphDef(nodes)

    def as_default(self):
        """A context in which operations are added to this graph, which they are while it is traced."""
        from tapeflow.core.eager import _Unchanged

        return _Unchanged()

    @property
    def variables(self):
        """The variables that the graph reads or assigns."""
        return tuple(self._graph.variables())

    def __repr__(self):
        return f"FuncGraph(name={self.name}, id={id(self)})"

    def __str__(self):
        return text(self._graph)


def text(graph, indent=""):
    """A graph as text: a line for each operation, with its result's type."""
    from tapeflow.graph.ir import Graph

    def typed(slot):
        shape, dtype = graph.types[slot]
        known = public(shape)
        sizes = "..." if known is None else ",".join("?" if n is None else str(n) for n in known)
        return f"%{slot}: {BY_NUMPY[dtype].name}[{sizes}]"

    lines = [f"{indent}{graph.name}({', '.join(map(typed, graph.inputs))})"]
    lines += [f"{indent}  {typed(slot)} = constant" for slot in graph.constants]
    for node in graph.nodes:
        attrs = [a for a in node.attrs if not isinstance(a, Graph)]
        shown = ", ".join([f"%{slot}" for slot in node.inputs] + [repr(a)[:40] for a in attrs])
        left = ", ".join(map(typed, node.outputs))
        place = "" if node.where is None else "   # line {1}".format(*node.where)
        lines.append(f"{indent}  {left + ' = ' if left else ''}{node.prim.name}({shown}){place}")
        lines += [text(a, indent + "    ") for a in node.attrs if isinstance(a, Graph)]
    lines.append(f"{indent}  return {', '.join(f'%{slot}' for slot in graph.outputs)}")
    return "\n".join(lines)
