"""Calls that waited for sizes (`ops/sized.py`), once these are known: as the operations that they are made of."""

from tapeflow.core.dims import holds_dim
from tapeflow.graph.passes import simplified
from tapeflow.graph.specialize import EXPANSIONS
from tapeflow.ops.sized import SIZED, VALUED, again, being_spelled_out
from tapeflow.tracing.trace import INLINE, Trace


def _expanded(node, types):
    """The graph of a node's call for operands of known types; None where it cannot be had."""
    if holds_dim(node.attrs):
        return None
    with being_spelled_out(node.attrs[0]), Trace("call") as trace:
        inputs = [trace.input(shape, dtype) for shape, dtype in types]
        outputs = [trace.lift(tensor)._slot for tensor in again(inputs, node.attrs)]
    trace.graph.outputs = outputs
    return simplified(trace.graph)


for prim in (SIZED, VALUED):
    EXPANSIONS[prim] = _expanded
    INLINE[prim] = again
