"""`SymbolicTensor`: a tensor of a trace, which has its numbers when the graph runs."""

from tapeflow.core.dims import Dim, UnknownRank, public
from tapeflow.core.errors import InaccessibleTensorError, OperatorNotAllowedInGraphError
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import Tensor, next_id
from tapeflow.ops.shaping import ENSURE


class SymbolicTensor(Tensor):
    """A tensor of a trace: a slot of its graph. `_content` holds its numbers where they are known as sizes."""

    __slots__ = ("_trace", "_slot", "_shape", "_dtype", "_level", "_content")

    def __init__(self, trace, slot, shape, dtype, content=None):
        self._trace = trace
        self._slot = slot
        self._shape = shape
        self._dtype = dtype
        self._level = trace.level
        self._content = content
        self._id = next_id()
        if shape.__class__ is UnknownRank and shape.tensor is None:
            shape.tensor = self

    @property
    def shape(self):
        """The `tf.TensorShape`; None for a size that is not known."""
        return TensorShape._of(public(self._shape))

    def __len__(self):
        if not self._shape:
            raise TypeError("Scalar tensor has no `len()`")
        if isinstance(self._shape[0], Dim):
            raise TypeError("len is not well defined for a symbolic Tensor of unknown size. Use `tf.shape(x)[0]`.")
        return self._shape[0]

    @property
    def name(self):
        """A name that is unique in the graph: that of the argument, or of the operation and a number."""
        trace = self._trace
        maker = trace.maker(self._slot)
        if maker is None or self._slot in trace.names:
            return f"{trace.names.get(self._slot) or f'Placeholder_{self._slot}'}:0"
        return f"{maker.prim.name}_{self._slot}:0"

    @property
    def graph(self):
        """The graph that the tensor belongs to."""
        return self._trace.view()

    @property
    def op(self):
        """The operation that computes the tensor."""
        from tapeflow.tracing.view import Operation

        return Operation(self._trace.view(), self._trace.maker(self._slot))

    device = ""
    value_index = 0

    def _copy(self):
        return SymbolicTensor(self._trace, self._slot, self._shape, self._dtype, self._content)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def set_shape(self, shape):
        """Say what the shape is, where the trace does not know: the run checks it. Raises ValueError if it can't be."""
        super().set_shape(shape)
        merged = self.shape.merge_with(shape)._dims
        if merged is None or merged == public(self._shape):
            return
        known = merged if self._shape.__class__ is UnknownRank else self._shape
        told = tuple([m if n is None else n for m, n in zip(known, merged)])
        (same,) = self._trace.append(ENSURE, (self._slot,), (merged,), [(told, self._dtype)])
        if self._slot in self._trace.names:
            self._trace.names[same._slot] = self._trace.names[self._slot]
        self._slot, self._shape = same._slot, same._shape

    def __repr__(self):
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def __str__(self):
        return f'Tensor("{self.name}", shape={self.shape}, dtype={self.dtype.name})'

    def _python(self, what):
        return OperatorNotAllowedInGraphError(
            f"Using a symbolic `tf.Tensor` as a Python `{what}` is not allowed: its value is only known when the "
            "function runs. You can attempt the following resolutions to the problem: If you are running in Graph "
            "mode, use Eager execution mode or decorate this function with @tf.function. If the function's source "
            "cannot be read or autograph=False was given, use tf.cond, tf.where or tf.while_loop."
        )

    def __bool__(self):
        raise self._python("bool")

    def __int__(self):
        raise self._python("int")

    def __float__(self):
        raise self._python("float")

    def __complex__(self):
        raise self._python("complex")

    def __index__(self):
        raise self._python("index")

    def __iter__(self):
        if not self._shape:
            raise OperatorNotAllowedInGraphError("Cannot iterate over a scalar tensor.")
        if isinstance(self._shape[0], Dim):
            raise self._python("iterable")
        return iter([self[i] for i in range(self._shape[0])])

    def __array__(self, dtype=None, copy=None):
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may indicate that you're "
            "trying to pass a Tensor to a NumPy call, which is not supported: use tf.numpy_function or the tf "
            "operation of that name."
        )

    def _interpret(self, prim, inputs, attrs):
        trace = thread.trace
        if trace is None or not self._trace.open:
            raise leaked(self)
        return trace.apply(prim, inputs, attrs)


def leaked(tensor):
    """The error for a symbolic tensor outside of its function, or of its branch, which says where it was made."""
    node = tensor._trace.maker(tensor._slot)
    place = "" if node is None or node.where is None else " It was made by {2} at {0}, line {1}.".format(*node.where)
    return (TypeError if tensor._trace.outer is None else InaccessibleTensorError)(
        f"{tensor!r} is out of scope and cannot be used here. Use return values, explicit Python locals or "
        f"collections to access it: it belongs to the tf.function {tensor._trace.graph.name!r}.{place}"
    )
