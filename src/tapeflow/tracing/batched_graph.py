"""The graph of a branch or a round for a batch: one that does all the examples at once."""

from tapeflow.autodiff.batching import BatchTensor
from tapeflow.core.dims import public
from tapeflow.core.listening import thread
from tapeflow.graph.passes import simplified
from tapeflow.ops.shaping import broadcast_static
from tapeflow.tracing.trace import Trace, evaluate


def of_batch(graph, size, flags):
    """The graph for a batch: `flags` tell which inputs carry one. And which outputs do."""
    with Trace(graph.name) as trace:
        types = [graph.types[slot] for slot in graph.inputs]
        inputs = [
            trace.input((size, *public(shape)) if flag else public(shape), dtype)
            for (shape, dtype), flag in zip(types, flags)
        ]
        thread.depth += 1
        level = thread.depth
        try:
            outs = evaluate(graph, [BatchTensor(x, level) if flag else x for x, flag in zip(inputs, flags)])
        finally:
            thread.depth -= 1
        carry = [t.__class__ is BatchTensor and t._level == level for t in outs]
        outs = [trace.lift(t._payload if c else t) for t, c in zip(outs, carry)]
    trace.graph.outputs = [t._slot for t in outs]
    return trace, outs, carry


def all_batched(trace, outs, carry, wanted, size):
    """The finished graph, the outputs in `wanted` repeated for the batch where they do not carry it."""
    with trace:
        outs = [
            trace.lift(broadcast_static(t, (size, *t._shape))) if want and not have else t
            for t, have, want in zip(outs, carry, wanted)
        ]
    trace.graph.outputs = [t._slot for t in outs]
    return simplified(trace.graph)


def payloads_of(level, tensors):
    flags = [t.__class__ is BatchTensor and t._level == level for t in tensors]
    size = next(t._size for t, flag in zip(tensors, flags) if flag)
    return size, flags, [t._payload if flag else t for t, flag in zip(tensors, flags)]


__all__ = ["all_batched", "of_batch", "payloads_of"]
