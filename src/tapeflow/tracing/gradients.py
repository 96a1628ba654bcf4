"""`tf.gradients` and `tf.hessians`: the derivative of what a trace holds already, by its own nodes."""

from tapeflow.autodiff.tape import GradientTape
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.listening import thread
from tapeflow.core.unconnected import UnconnectedGradients
from tapeflow.core.variable import is_variable
from tapeflow.ops import space
from tapeflow.tracing.effects import READ_STATE
from tapeflow.tracing.symbolic import SymbolicTensor


def _tape_of(trace):
    """A tape, the tensors by slot that it knows, and what has it watch sources and see all nodes of the open trace."""
    graph = trace.graph
    tape = GradientTape(persistent=True, watch_accessed_variables=False)
    tape._spent = False
    tensors = {}

    def tensor(slot):
        if slot not in tensors:
            tensors[slot] = SymbolicTensor(trace, slot, *graph.types[slot])
        return tensors[slot]

    def watch(sources, stopped):
        for source in sources:
            tape._roots.add(source._id)
            tape._watched.add(source._id)
        for node in list(graph.nodes):
            out = [tensor(slot) for slot in node.outputs]
            if node.prim is READ_STATE:
                tape._accessed(node.attrs[0], out[0])
            elif node.prim.recorded and not stopped & set(node.outputs):
                tape._record(node.prim, tuple(map(tensor, node.inputs)), out if node.prim.many else out[0], node.attrs)

    return tape, tensor, watch


def gradients(ys, xs, grad_ys=None, stop_gradients=None, unconnected_gradients=UnconnectedGradients.NONE):
    """See `tf.gradients`."""
    trace = thread.trace
    ys = [convert_to_tensor(y) for y in (ys if isinstance(ys, (list, tuple)) else [ys])]
    xs = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    if grad_ys is not None:
        grad_ys = list(grad_ys) if isinstance(grad_ys, (list, tuple)) else [grad_ys]
    stopped = {trace.slot_of(t) for t in (stop_gradients or ())}
    tape, tensor, watch = _tape_of(trace)
    sources = [x if is_variable(x) else tensor(trace.slot_of(convert_to_tensor(x))) for x in xs]
    targets = [tensor(trace.slot_of(y)) for y in ys]
    watch(sources, stopped)
    found = tape.gradient(targets, sources, output_gradients=grad_ys, unconnected_gradients=unconnected_gradients)
    return list(found)


def hessians(ys, xs):
    """See `tf.hessians`."""
    from tapeflow.ops.packing import stack
    from tapeflow.ops.shaping import reshape_static

    xs = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    out = []
    for x, g in zip(xs, gradients(ys, xs)):
        flat = reshape_static(space.dense(g), (-1,)) if len(g._shape) != 1 else g
        rows = []
        for i in range(flat._shape[0]):
            (row,) = gradients(flat[i], [x], unconnected_gradients=UnconnectedGradients.ZERO)
            rows.append(space.dense(row))
        out.append(reshape_static(stack(rows), (*x._shape, *x._shape)))
    return out
