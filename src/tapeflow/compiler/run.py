"""A graph as one call of native code: what `graph/run.py` does, fast."""

from tapeflow.compiler.build import Unsupported, build
from tapeflow.core.variable import LARGE
from tapeflow.graph.run import runner as on_numpy


def runner(graph):
    """A function from a list of arrays, the graph's inputs, to a list of arrays, its outputs; made once."""
    run = graph.cache.get("compiled")
    if run is None:
        run = graph.cache["compiled"] = _compiled(graph)
    return run


def _compiled(graph):
    from tapeflow.compiler import jit, runtime
    from tapeflow.compiler.driver import driver

    try:
        plan = build(graph, LARGE)
    except Unsupported as reason:
        graph.cache["not compiled"] = str(reason)
        return on_numpy(graph)
    if not plan.exports:
        graph.cache["not compiled"] = "nothing in it has native code"
        return on_numpy(graph)
    text = plan.text + f"\nattributes #0 = {{ {jit.attributes()} }}\n"
    loaded = jit.load(text, plan.exports, runtime.symbols(text))
    graph.cache["native"] = loaded, plan, text

    def again(inputs, status):
        if status == -1:
            return run([_straight(array) for array in inputs])
        return on_numpy(graph)(inputs)

    run = driver(graph, plan, loaded.address, again)
    return run


def _straight(array):
    from tapeflow.compiler.driver import _contiguous

    return _contiguous(array)
