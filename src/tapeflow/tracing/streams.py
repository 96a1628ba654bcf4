"""The streams that the random operations of a graph draw from."""

from tapeflow.graph.ir import Graph, Node
from tapeflow.random_bits.seeds import Stream


def with_own_streams(graph):
    """A graph whose random operations draw from streams of their own, as each place that calls a function has them."""
    if not _draws(graph):
        return graph
    nodes = [
        Node(node.prim, node.inputs, tuple(map(_own_stream, node.attrs)), node.outputs, node.where)
        for node in graph.nodes
    ]
    out = graph.with_nodes(nodes)
    if "reads" in graph.cache:
        out.cache["reads"] = graph.cache["reads"]
    return out


def _own_stream(attr):
    if isinstance(attr, Graph):
        return with_own_streams(attr)
    return attr.anew() if isinstance(attr, Stream) else attr


def _draws(graph):
    attrs = [attr for node in graph.nodes for attr in node.attrs]
    return any([isinstance(attr, Stream) or isinstance(attr, Graph) and _draws(attr) for attr in attrs])
