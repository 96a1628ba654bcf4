"""A graph as one call of native code: what `graph/run.py` does, fast."""

import functools

from tapeflow.compiler import objects
from tapeflow.compiler.plan import Unsupported, plan
from tapeflow.core.dims import is_open
from tapeflow.core.logging import warn
from tapeflow.core.variable import LARGE, locked
from tapeflow.graph.ir import Graph
from tapeflow.graph.run import runner as on_numpy
from tapeflow.graph.specialize import Misfit, specialized
from tapeflow.random_bits import native as native_bits

native = True  # False: every graph runs on NumPy


def runner(graph):
    """A function from a list of arrays, the graph's inputs, to a list of arrays, its outputs; made once."""
    if not native:
        return on_numpy(graph)
    run = graph.cache.get("compiled")
    if run is None:
        run = graph.cache["compiled"] = _compiled(graph)
    return run


HUGE = 1 << 21  # random numbers for which LLVM is loaded, were it only for them


def _filler(kind, key, counter, count, dtype):
    """See `random_bits/native.py`. Until there is a function to compile, only much work is worth the start."""
    if not native or not (_preparing or count >= HUGE) or not _can_compile():
        return None
    from tapeflow.compiler.runtime import fill

    return fill(kind, key, counter, count, dtype)


native_bits.filler = _filler
_preparing = False


def prepare():
    """What can be done for a first call before its graph is there; once."""
    global _preparing
    if native and not _preparing:
        from tapeflow.compiler import runtime

        _preparing = True
        runtime.prepare()


class Compiled:
    """How a graph of known shapes was compiled: its plan, or why it has none.

    `plan` may be a function that makes (the graph for known shapes, the plan): where both came from the disk, they are
    made when somebody looks at them.
    """

    def __init__(self, graph, plan=None, reason=""):
        self._graph = graph
        self._plan = plan
        self.reason = reason

    @property
    def graph(self):
        """The graph for known shapes."""
        self._make()
        return self._graph

    @property
    def plan(self):
        """The plan, or None."""
        self._make()
        return self._plan

    def _make(self):
        if callable(self._plan):
            self._graph, self._plan = self._plan()


def _compiled(graph):
    if not _can_compile():
        return on_numpy(graph)
    graph.cache["native"] = {}
    patience = graph.cache.get("patience", 0)
    open_ended = any(is_open(shape) for shape, _ in graph.types)
    if not open_ended and not patience:
        return _for_shapes(graph, [graph.types[slot][0] for slot in graph.inputs])
    if any(is_open(graph.types[slot][0]) for slot in graph.inputs) and _has_control(graph):
        patience = max(patience, 1)  # what loops give is not found again: the kernels look first
    known = graph.cache["known"] = {}  # by shapes: the native code
    calls = {}  # by shapes: how often they came before there was any

    def run(arrays):
        key = tuple([array.shape for array in arrays])
        found = known.get(key)
        if found is None:
            before = calls.get(key, 0)
            if before < max(patience, patience_after(len(known))):
                results = on_numpy(graph)(arrays)
                calls[key] = before + 1
                return results
            found = known[key] = _for_shapes(graph, key)
            calls.pop(key, None)
            if not open_ended:
                graph.cache["compiled"] = found
        return found(arrays)

    return run


def patience_after(compiled):
    """How often the next shapes run on NumPy before they are compiled too, when so many were compiled.

    Shapes that never come back are not worth LLVM's time, nor the memory: what is compiled grows like the square root
    of the calls.
    """
    return compiled // 8


def _has_control(graph):
    return any(isinstance(attr, Graph) for node in graph.nodes for attr in node.attrs)


@functools.cache
def _can_compile():
    """Whether native code can be had; if not, that is said once."""
    try:
        from tapeflow.compiler import jit  # noqa: F401 (whether llvmlite is there)
    except ImportError as error:
        warn("llvmlite is not to be had (%s): functions run uncompiled, on NumPy. pip install llvmlite", error)
        return False
    if not objects.known():
        warn("This Python keeps its objects in a way that Tapeflow does not know: functions run uncompiled, on NumPy.")
        return False
    return True


def _for_shapes(graph, shapes):
    """The compiled graph for inputs of known shapes, or its NumPy runner."""
    from tapeflow.compiler import jit, runtime, stored, threads

    count = threads.count()
    key = stored.key(graph, shapes, count)
    kept = stored.read(key, graph) if key is not None else None
    if kept is not None:
        graph.cache["native"][tuple(shapes)] = Compiled(graph, lambda: _planned(graph, shapes, count))
        return _driven(graph, graph, kept)
    runtime.load()
    try:
        known, planned = _planned(graph, shapes, count)
    except (Unsupported, Misfit) as reason:
        graph.cache["native"][tuple(shapes)] = Compiled(graph, reason=str(reason))
        return on_numpy(graph)
    if planned.exports:
        texts = [f"{text}\nattributes #0 = {{ {jit.attributes()} }}\n" for text in planned.texts]
        calls = runtime.calls(texts)
        planned.code = jit.load(texts, planned.exports, lambda: runtime.symbols(calls))
        if key is not None:
            stored.write(key, graph, known, planned, [jit.key_of(text) for text in texts], calls)
    graph.cache["native"][tuple(shapes)] = Compiled(known, planned)
    return _driven(graph, known, planned)


def _planned(graph, shapes, threads):
    """The graph for known shapes and its plan, written out. Raises Unsupported, Misfit."""
    from tapeflow.compiler import code, jit

    known = specialized(graph, shapes)
    planned = plan(known, LARGE, graph.cache.get("bounded", False))
    code.write(planned, threads, jit.vector_bits())
    return known, planned


class Refused(Exception):
    """A check failed before anything was assigned; the caller runs it in another way: for `refuses` in the cache."""


def _driven(graph, known, planned):
    """The function that runs a plan of the graph for `known` shapes."""
    from tapeflow.compiler.driver import contiguous, driver

    def again(inputs, status):
        if status == -1:
            for variable, _ in planned.reads:  # locked, or an assignment of another thread in between would be lost
                locked(variable, lambda v=variable: setattr(v, "_array", contiguous(v._array)))
            return run([contiguous(array) for array in inputs])
        if graph.cache.get("refuses"):
            raise Refused
        return on_numpy(graph)(inputs)

    run = driver(known, planned, planned.code.address if planned.code is not None else {}, again)
    return run
