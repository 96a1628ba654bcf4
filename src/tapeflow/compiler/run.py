"""A graph as one call of native code: what `graph/run.py` does, fast."""

from tapeflow.compiler.build import Unsupported, build
from tapeflow.core.dims import holds_dim
from tapeflow.core.logging import warn
from tapeflow.core.variable import LARGE
from tapeflow.graph.run import runner as on_numpy
from tapeflow.graph.specialize import Unknown, specialized

native = True  # False: every graph runs on NumPy


def runner(graph):
    """A function from a list of arrays, the graph's inputs, to a list of arrays, its outputs; made once."""
    if not native:
        return on_numpy(graph)
    run = graph.cache.get("compiled")
    if run is None:
        run = graph.cache["compiled"] = _compiled(graph)
    return run


class Compiled:
    """How a graph of known shapes was compiled: its plan and the text of its code, or why it was not."""

    def __init__(self, graph, plan=None, text="", reason=""):
        self.graph = graph
        self.plan = plan
        self.text = text
        self.reason = reason


def _compiled(graph):
    if not _llvm_is_there():
        return on_numpy(graph)
    graph.cache["native"] = {}
    if not any(holds_dim(shape) for shape, _ in graph.types):
        return _for_shapes(graph, [graph.types[slot][0] for slot in graph.inputs])
    known = {}

    def run(arrays):
        key = tuple([array.shape for array in arrays])
        found = known.get(key)
        if found is None:
            found = known[key] = _for_shapes(graph, key)
        return found(arrays)

    return run


_missing = None


def _llvm_is_there():
    """Whether llvmlite can be imported; if not, that is said once."""
    global _missing
    if _missing is None:
        try:
            import llvmlite.binding  # noqa: F401

            _missing = False
        except ImportError as error:
            _missing = True
            warn("llvmlite is not to be had (%s): functions run uncompiled, on NumPy. pip install llvmlite", error)
    return not _missing


def _for_shapes(graph, shapes):
    """The compiled graph for inputs of known shapes, or its NumPy runner."""
    from tapeflow.compiler import jit, runtime, threads
    from tapeflow.compiler.driver import contiguous, driver

    try:
        known = specialized(graph, shapes)
        plan = build(known, LARGE, threads.count())
    except (Unknown, Unsupported) as reason:
        graph.cache["native"][tuple(shapes)] = Compiled(graph, reason=str(reason))
        return on_numpy(graph)
    text = ""
    addresses = {}
    if plan.exports:
        text = plan.text + f"\nattributes #0 = {{ {jit.attributes()} }}\n"
        loaded = jit.load(text, plan.exports, runtime.symbols(text))
        addresses = loaded.address
        plan.code = loaded  # which lives as long as the plan

    def again(inputs, status):
        if status == -1:
            for variable in plan.variables:
                variable._array = contiguous(variable._array)
            return run([contiguous(array) for array in inputs])
        return on_numpy(graph)(inputs)

    graph.cache["native"][tuple(shapes)] = Compiled(known, plan, text)
    run = driver(known, plan, addresses, again)
    return run
