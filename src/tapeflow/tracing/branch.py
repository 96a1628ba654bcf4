"""The trace of a branch or of a loop's body, within another trace; and the node of it in the trace around.

`cond` (`cond.py`) and loops (`loop_node.py`, `loops.py`) are one node each, that holds the branches or the body as
graphs of their own. Where nothing is symbolic, `evaluate` runs branches and rounds one by one.
"""

from tapeflow.autodiff.batching import BatchTensor
from tapeflow.core.dims import public
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import record
from tapeflow.graph.passes import simplified
from tapeflow.ops import space
from tapeflow.tracing.effects import ASSIGN
from tapeflow.tracing.trace import Trace

BATCHED: dict = {}  # primitive that holds graphs: how to add its node where the tensors carry a batch
_WRITES = frozenset(ASSIGN.values())


class Branch(Trace):
    """A trace within a trace: of a branch, or of a loop's body. What it reads from around it becomes an input."""

    def __init__(self, name, outer, fresh=()):
        super().__init__(name, outer)
        self.may_create, self.created = outer.may_create, outer.created  # variables are the whole function's
        self.fresh = fresh  # ids of variables that are assigned here: they are read here as well
        self.hoisted = {}  # id of a variable: its value around

    def slot_of(self, tensor):
        """The slot of a tensor; an inexact one from outside comes in, for its derivative goes out."""
        if tensor.__class__ is EagerTensor and tensor._id not in self.slots and tensor._id < self.start:
            if space.is_inexact(tensor):
                self.slots[tensor._id] = self._capture(tensor)
                self.kept.append(tensor)
        return super().slot_of(tensor)

    def read(self, variable):
        """A variable's value: that around, if nothing here changes it."""
        found = self.hoisted.get(variable._id)
        if found is None:
            before = thread.trace
            thread.trace = self.outer
            try:
                outside = self.outer.read(variable)
            finally:
                thread.trace = before
            for listener in self.before[0]:
                listener._accessed(variable, outside)
            found = self.hoisted[variable._id] = self.lift(outside)
            self.kept.append(outside)
        # One that is assigned here is read here too, but its cotangent goes out by way of the value around.
        return super().read(variable) if variable._id in self.fresh else found

    def finished(self, outputs, n=0, rows=0):
        """The graph, with these tensors as its outputs; `rows` of its inputs, from number `n`, go to the end."""
        self.graph.outputs = [self.slot_of(tensor) for tensor in outputs]
        graph = simplified(self.graph)
        inputs = graph.inputs
        graph.inputs = [*inputs[:n], *inputs[n + rows :], *inputs[n : n + rows]]
        graph.cache["reads"] = {
            variable: graph.inputs.index(tensor._slot)
            for variable, tensor in self.hoisted.items() if variable in self.fresh
        }  # fmt: skip
        return graph


def assigned_in(graph):
    """The ids of the variables that a graph assigns, in its branches too."""
    found = set()
    for node in graph.nodes:
        if node.prim in _WRITES:
            found.add(node.attrs[0]._id)
        for attr in node.attrs:
            if hasattr(attr, "nodes"):
                found |= assigned_in(attr)
    return found


def traced(name, function, types=(), fresh=frozenset()):
    """`function` of symbolic tensors of `types`, traced as a branch of the present trace.

    `fresh`: ids of variables that are assigned elsewhere meanwhile. Returns the trace and the structure that the
    function returned.
    """
    may_create = thread.trace.may_create
    while True:
        branch = Branch(name, thread.trace, fresh)
        branch.may_create = may_create
        with branch:
            inputs = [branch.input(public(shape), dtype) for shape, dtype in types]
            result = function(*inputs)
        wrong = (assigned_in(branch.graph) & set(branch.hoisted)) - fresh
        if not wrong:
            return branch, result
        fresh |= wrong
        may_create = False  # what was to be made is made


def append(prim, tensors, attrs, types):
    """A node of the present trace, told to the listeners."""
    trace = thread.trace
    level = max([t._level for t in tensors if t.__class__ is BatchTensor], default=0)
    if level > trace.level:
        outs = BATCHED[prim](level, tensors, attrs)
    else:
        outs = trace.append(prim, tuple([trace.slot_of(t) for t in tensors]), attrs, types)
    record(prim, tuple(tensors), outs, attrs)
    return outs


__all__ = ["BATCHED", "Branch", "append", "assigned_in", "traced"]
