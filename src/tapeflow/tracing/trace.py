"""Tracing: a run of a Python function in which operations on symbolic tensors are written into a graph.

Operations on eager tensors run at once, as ever. Those that depend on a tensor from outside the trace are written into
the graph as well, for a tape around the function may ask for their derivative.
"""


import numpy as np

from tapeflow.core.dims import Dim, UnknownRank, UnknownSize, holds_dim, public, substitute
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, next_id
from tapeflow.engine.dispatch import apply, located, mismatch, record
from tapeflow.engine.primitive import ELEMENTWISE, constant
from tapeflow.graph.infer import result_types
from tapeflow.graph.ir import Graph, Node
from tapeflow.tracing.effects import ASSIGN, CHECK, HOST, METHODS, READ_STATE
from tapeflow.tracing.symbolic import SymbolicTensor, leaked
from tapeflow.tracing.user_code import user_line

INLINE: dict = {}  # primitive that holds graphs: how to evaluate it piece by piece; gives None if it cannot
SIZES = constant("Shape", lambda x, dtype: np.array(x.shape, dtype), attrs="dtype")


class TraceError(InvalidArgumentError, ValueError, TypeError):
    """What eager mode calls InvalidArgumentError, found while tracing, where TensorFlow has ValueError or TypeError."""


TraceError.__name__ = "InvalidArgumentError"


class Trace:
    """An open graph. It is also the first listener of its thread, for what happens to eager tensors."""

    def __init__(self, name, outer=None):
        self.graph = Graph(name)
        self.outer = outer
        self.open = False
        self.slots = {}  # id of a tensor from elsewhere, or an eager one: its slot here
        self.kept = []  # those tensors, so that no id is used twice
        self.captures = []  # symbolic and batched tensors from outside, which became inputs
        self.dims = {}  # unknown sizes of outer traces, as they are known here
        self.created = []  # variables
        self.given = {}  # the tensors that the inputs stand for at the first call, by slot
        self.names = {}  # names of inputs, by slot
        self.extended = {}  # residuals that derivatives asked of nodes with graphs, by node
        self.may_create = True
        self.level = 0
        self._view = None

    def __enter__(self):
        thread.depth += 1
        self.level = thread.depth
        self.before = thread.listeners, thread.trace
        self.start = next_id()
        thread.listeners, thread.trace = (self,), self
        self.open = True
        return self

    def __exit__(self, kind, error, traceback):
        thread.listeners, thread.trace = self.before
        thread.depth -= 1
        self.open = False

    def view(self):
        """The graph as users see it."""
        from tapeflow.tracing.view import FuncGraph

        if self._view is None:
            self._view = FuncGraph(self.graph, self)
        return self._view

    def maker(self, slot):
        """The node that computes a slot, or None."""
        return next((node for node in reversed(self.graph.nodes) if slot in node.outputs), None)

    # What comes in.

    def input(self, shape, dtype):
        """A new input of the graph; None stands for an unknown size."""
        slot = self.graph.new_slot((), dtype)
        if shape.__class__ is not UnknownRank:
            shape = UnknownRank() if shape is None else self.sizes_of(slot, shape)
        self.graph.types[slot] = (shape, dtype)
        self.graph.inputs.append(slot)
        return SymbolicTensor(self, slot, shape, dtype)

    def slot_of(self, tensor):
        """The slot that holds a tensor: one of this trace, an eager one, or one of a trace or batch around it."""
        if tensor.__class__ is SymbolicTensor and tensor._trace is self:
            return tensor._slot
        slot = self.slots.get(tensor._id)
        if slot is None:
            if tensor.__class__ is EagerTensor:
                slot = self.graph.new_slot(tensor._array.shape, tensor._array.dtype)
                self.graph.constants[slot] = tensor
            else:
                slot = self._capture(tensor)
            self.slots[tensor._id] = slot
            self.kept.append(tensor)
        return slot

    def _capture(self, tensor):
        if tensor.__class__ is SymbolicTensor and not tensor._trace.open:
            raise leaked(tensor)
        if not hasattr(tensor, "_trace") and getattr(tensor, "_level", 0) > self.level:
            raise TypeError(f"{tensor!r}, made within this trace, does not stand for one value of it.")
        if tensor._shape.__class__ is UnknownRank:
            self.captures.append(tensor)
            return self.input(None, tensor._dtype)._slot
        shape = tuple([self.dims.get(n) if isinstance(n, Dim) else n for n in tensor._shape])
        found = self.input(shape, tensor._dtype)
        for axis, n in enumerate(tensor._shape):
            if isinstance(n, Dim):
                self.dims.setdefault(n, found._shape[axis])
        self.captures.append(tensor)
        return found._slot

    def lift(self, tensor):
        """A tensor as one of this trace."""
        if tensor.__class__ is SymbolicTensor and tensor._trace is self:
            return tensor
        slot = self.slot_of(tensor)
        found = SymbolicTensor(self, slot, *self.graph.types[slot], self._content(tensor))
        found._id = tensor._id  # the same value, to tapes
        return found

    def here(self, tensor):
        """A symbolic tensor of a trace around as one of this trace, with sizes that can be computed with here."""
        if tensor.__class__ is not SymbolicTensor or tensor._trace is self or not tensor._trace.open:
            return tensor
        return self.lift(tensor)

    def _content(self, tensor):
        """A small integer tensor's numbers, as an array of ints and Dims; None if they are not known."""
        if tensor.__class__ is EagerTensor:
            array = tensor._array
            # (astype: of Python's ints. A scalar of NumPy's would stay one in a Dim, and overflow.)
            return np.asarray(array).astype(object) if array.dtype.kind in "iu" and array.size <= 16 else None
        content = getattr(tensor, "_content", None)
        if content is None or tensor._trace is self:
            return content
        known = [self.dims.get(n) if isinstance(n, Dim) else n for n in content.ravel()]
        if None in known:
            return None
        out = np.empty(len(known), object)
        out[:] = known
        return out.reshape(content.shape)

    # What happens.

    def apply(self, prim, inputs, attrs):
        """Write an application into the graph, and tell the listeners."""
        slots = tuple([self.slot_of(tensor) for tensor in inputs])
        types = [self.graph.types[slot] for slot in slots]
        try:
            if prim.batch == ELEMENTWISE and len(types) == 2 and types[0][1] != types[1][1]:
                raise mismatch(prim, 1, types[0][1], types[1][1])
            found = result_types(prim, types, attrs)
        except InvalidArgumentError as error:
            raise TraceError(None, None, located(error, prim).message) from None
        out = self.append(prim, slots, attrs, found, self._result_content(prim, inputs, attrs))
        out = out if prim.many else out[0]
        if prim.recorded:
            record(prim, inputs, out, attrs)
        return out

    def declared(self, shape, dtype, content=None):
        """A tensor of a new slot, that a node gives; None stands for an unknown size, or an unknown shape."""
        slot = self.graph.new_slot((), dtype)
        if shape is None:
            shape = UnknownRank()
        elif shape.__class__ is not UnknownRank:
            shape = self.sizes_of(slot, shape)
        self.graph.types[slot] = (shape, dtype)
        return SymbolicTensor(self, slot, shape, dtype, content)

    def sizes_of(self, slot, shape):
        """A shape with the sizes that are not known read from the slot."""
        return tuple([Dim("size", slot, axis) if n is None else n for axis, n in enumerate(shape)])

    def append(self, prim, slots, attrs, types, content=None):
        """A new node of known result types; its outputs."""
        graph = self.graph
        outputs = [self.declared(shape, dtype, content) for shape, dtype in types]
        graph.nodes.append(Node(prim, slots, attrs, tuple([t._slot for t in outputs]), user_line()))
        return outputs

    def _result_content(self, prim, inputs, attrs):
        """The numbers of a small integer result, by the same kernel on sizes instead of numbers."""
        if prim.many or not inputs or len(inputs) > 8 or prim.kernels is None and prim.batch == ELEMENTWISE:
            return None
        contents = []
        for tensor in inputs:
            if tensor._dtype.kind not in "iu":
                return None
            content = self._content(tensor)
            if content is None:
                return None
            contents.append(content)
        if prim is SIZES:
            return None
        try:
            found = np.asarray(prim.kernel(*contents, *attrs), object)
        except Exception:  # noqa: BLE001 (the kernel does not work on sizes: then they stay unknown)
            return None
        fine = found.size <= 16 and all(n.__class__ in (int, Dim) for n in found.ravel())
        return found if fine else None

    def sizes(self, tensor, dtype):
        """`tf.shape` of a tensor of which not all sizes are known."""
        (out,) = self.append(SIZES, (self.slot_of(tensor),), (dtype,), [((len(tensor._shape),), dtype)])
        content = np.empty(len(tensor._shape), object)
        content[:] = [self.dims.get(n, n) if isinstance(n, Dim) else n for n in tensor._shape]
        out._content = content
        return out

    def numbers(self, tensor):
        """The elements of an integer tensor, of known shape, as an array of ints and Dims."""
        content = self._content(tensor)
        if content is None:
            slot = self.slot_of(tensor)
            shape = self.graph.types[slot][0]
            if holds_dim(shape):
                raise UnknownSize(f"the length of {tensor!r}, which says a shape")
            count = int(np.prod(shape))
            content = np.empty(count, object)
            content[:] = [Dim("value", slot, i) for i in range(count)]
            content = content.reshape(shape)
        return content

    # Variables.

    def read(self, variable):
        """A variable's value when the graph gets here."""
        shape = public_shape(variable)
        (tensor,) = self.append(READ_STATE, (), (variable,), [(shape, variable._np)])
        return tensor

    def call_python(self, function, tensors, unless=None):
        """Call `function` of the tensors' arrays, which gives an empty list, when the graph gets here.

        `unless`: a boolean tensor; the call is left out where it is true.
        """
        prim, tensors = (HOST, tensors) if unless is None else (CHECK, [unless, *tensors])
        self.append(prim, tuple([self.slot_of(tensor) for tensor in tensors]), (function,), [])

    def call(self, prim, tensors, attrs, types):
        """A node of a primitive whose kernel must not be tried out: what it gives is of `types`."""
        outs = self.append(prim, tuple([self.slot_of(tensor) for tensor in tensors]), attrs, types)
        if prim.recorded:
            record(prim, tuple(tensors), outs, attrs)
        return outs

    def assign(self, variable, value, method):
        """Assign to a variable when the graph gets here."""
        self.append(ASSIGN[method], (self.slot_of(value),), (variable,), [])

    def evaluated(self, tensor):
        """The value now of a tensor, for the arguments that are being traced with: for a new variable."""
        from tapeflow.graph.passes import without_dead
        from tapeflow.graph.run import runner

        graph = without_dead(self.graph.with_nodes(self.graph.nodes, [self.slot_of(tensor)]))
        used = {slot for node in graph.nodes for slot in node.inputs} | set(graph.outputs)
        graph.inputs = [slot for slot in graph.inputs if slot in used]
        around = {self.slots[t._id]: t for t in self.captures}
        given = [
            self.outer.evaluated(around[slot]) if slot in around and self.outer is not None else self.given.get(slot)
            for slot in graph.inputs
        ]
        if any(tensor is None for tensor in given):
            raise ValueError(
                "The initial value of a tf.Variable made in a tf.function must not depend on what is not known while "
                "it is traced: use tf.init_scope, or make the variable outside."
            )
        return EagerTensor(runner(graph)([tensor._array for tensor in given])[0])

    # Listening, to what happens to eager tensors.

    def _record(self, prim, inputs, out, attrs):
        outs = out if prim.many else [out]
        if not outs or any(t.__class__ is not EagerTensor for t in outs):
            return
        if not any(t._id < self.start or t._id in self.slots for t in inputs) or prim.kernel is None:
            return
        slots = tuple([self.slot_of(tensor) for tensor in inputs])
        made = self.append(prim, slots, attrs, [(t._array.shape, t._array.dtype) for t in outs])
        for eager, symbolic in zip(outs, made):
            self.slots[eager._id] = symbolic._slot
            self.kept.append(eager)

    def _accessed(self, variable, tensor):
        pass  # the read itself is in the graph


def public_shape(variable):
    """A variable's shape, None where it may change."""
    declared = variable._declared_shape
    if declared._dims is None:
        return variable._array.shape
    return tuple(declared._dims)


def here(tensor):
    """A tensor as the present trace computes with it."""
    return tensor if thread.trace is None else thread.trace.here(tensor)


def evaluate(graph, tensors):
    """Run a graph operation by operation on any tensors: listened to, batched, or traced into another graph."""
    values = dict(zip(graph.inputs, map(here, tensors), strict=True))
    values.update(graph.constants)

    def leaf(key):
        kind, slot, place = key
        tensor = values[slot]
        if kind == "size":
            return tensor._shape[place]
        if tensor.__class__ is EagerTensor:
            return int(np.ravel(tensor._array)[place])
        return thread.trace.numbers(tensor).ravel()[place]

    for node in graph.nodes:
        prim = node.prim
        if prim is READ_STATE:
            values[node.outputs[0]] = node.attrs[0]._read()
            continue
        inputs = tuple([values[slot] for slot in node.inputs])
        if prim in METHODS:
            getattr(node.attrs[0], METHODS[prim])(inputs[0], read_value=False)
            continue
        attrs = substitute(node.attrs, leaf) if holds_dim(node.attrs) else node.attrs
        out = INLINE[prim](inputs, attrs) if prim in INLINE else None
        if out is not None:
            pass
        elif thread.trace is not None and (prim.effect is not None or any([isinstance(a, Graph) for a in attrs])):
            types = [(public(shape), dtype) for shape, dtype in [graph.types[slot] for slot in node.outputs]]
            slots = tuple([thread.trace.slot_of(t) for t in inputs])
            out = thread.trace.append(prim, slots, attrs, types)
            out = out if prim.many else out[0]
            if prim.recorded:
                record(prim, inputs, out, attrs)
        else:
            out = apply(prim, inputs, attrs)
        values.update(zip(node.outputs, out if prim.many else [out]))
    return [values[slot] for slot in graph.outputs]
