"""Batched tensors: one run of a function stands for many, each primitive applied to all examples at once.

A `BatchTensor` looks like one example; its `_payload` holds all of them along axis 0. A primitive applied to it goes
through its batching rule, and where it states none, through a loop over the examples.
"""

from tapeflow.core.listening import thread
from tapeflow.core.tensor import Tensor, next_id
from tapeflow.engine.dispatch import apply, binary, record, unary
from tapeflow.engine.primitive import ELEMENTWISE
from tapeflow.ops.shaping import broadcast_static, reshape_static


class BatchTensor(Tensor):
    """One tensor that stands for `_size` of them; `_level` tells nested batches apart."""

    __slots__ = ("_payload", "_level", "_size")

    def __init__(self, payload, level):
        self._payload = payload
        self._level = level
        self._size = payload._shape[0]
        self._id = next_id()

    @property
    def _shape(self):
        return self._payload._shape[1:]

    @property
    def _dtype(self):
        return self._payload._dtype

    def _copy(self):
        return BatchTensor(self._payload, self._level)

    def __repr__(self):
        return f"<tf.Tensor of a batch: shape={self.shape}, dtype={self.dtype.name}, {self._size} examples>"

    __str__ = __repr__

    def numpy(self):
        raise NotImplementedError("numpy() is only available when eager execution is enabled: not within a batch.")

    def __bool__(self):
        raise TypeError(
            "A tensor of a batch has no single truth value: within tf.vectorized_map, use tf.where instead of `if`."
        )

    def _interpret(self, prim, inputs, attrs):
        """Apply `prim` to all the examples of this tensor's level at once."""
        if thread.trace is not None and thread.trace.level > self._level:
            return thread.trace.apply(prim, inputs, attrs)
        level, size = self._level, self._size
        batched = [t.__class__ is BatchTensor and t._level == level for t in inputs]
        payloads = [t._payload if b else t for t, b in zip(inputs, batched, strict=True)]
        result = run_batched(prim, size, batched, payloads, attrs)
        out = [BatchTensor(t, level) for t in result] if prim.many else BatchTensor(result, level)
        if prim.recorded:
            record(prim, inputs, out, attrs)
        return out


def run_batched(prim, size, batched, payloads, attrs):
    """`prim` of operands of which some carry the batch as axis 0; every output carries it."""
    if prim.batch is ELEMENTWISE:
        rank = max(len(p._shape) - b for p, b in zip(payloads, batched, strict=True))
        payloads = [_align(p, rank) if b else p for p, b in zip(payloads, batched, strict=True)]
        if len(payloads) == 1 and not attrs:
            return unary(prim, payloads[0])
        return binary(prim, *payloads) if len(payloads) == 2 and not attrs else apply(prim, tuple(payloads), attrs)
    if prim.batch is None:
        return _loop(prim, size, batched, payloads, attrs)
    if isinstance(prim.batch, tuple):
        return apply(prim, tuple(_align_core(size, batched, payloads, prim.batch)), attrs)
    return prim.batch(*[p if b else _repeat(p, size) for p, b in zip(payloads, batched, strict=True)], *attrs)


def _align(payload, rank):
    """A batched operand with ones after the batch axis, so that its examples broadcast as tensors of `rank`."""
    size, *inner = payload._shape
    return payload if len(inner) == rank else reshape_static(payload, (size, *[1] * (rank - len(inner)), *inner))


def _align_core(size, batched, payloads, cores):
    """Operands of a kernel that loops over leading dimensions, as gufuncs do: `cores` are the ranks within."""
    if len(cores) == 1:
        cores = cores * len(payloads)
    loops = max(len(p._shape) - b - core for p, b, core in zip(payloads, batched, cores, strict=True))
    return [_align(p, loops + core) if b else p for p, b, core in zip(payloads, batched, cores, strict=True)]


def _repeat(payload, size):
    return broadcast_static(payload, (size, *payload._shape))


def _loop(prim, size, batched, payloads, attrs):
    from tapeflow.ops.packing import stack, unstack

    columns = [unstack(p) if b else [p] * size for p, b in zip(payloads, batched, strict=True)]
    results = [apply(prim, row, attrs) for row in zip(*columns, strict=True)]
    if prim.many:
        return [stack(column) for column in zip(*results, strict=True)]
    return stack(results)


class Batch:
    """The examples that a function of one example is being run for."""

    def __init__(self, level, size):
        self.level = level
        self.size = size

    def of(self, payload):
        """A tensor of this batch; `payload` has the examples along axis 0."""
        return BatchTensor(payload, self.level)


def batched_call(function, payloads):
    """`function` of one example, run for all: `payloads` are tensors with the examples along axis 0, the result too.

    Returns a list of tensors, of which each has the examples along axis 0, and the structure's packing is the
    caller's: `function` gives a flat list.
    """
    thread.depth += 1
    level = thread.depth
    before = thread.batches
    try:
        size = payloads[0]._shape[0]
        thread.batches = (*before, Batch(level, size))
        results = function(*[BatchTensor(payload, level) for payload in payloads])
        return [
            r._payload if r.__class__ is BatchTensor and r._level == level else r if r is None else _repeat(r, size)
            for r in results
        ]
    finally:
        thread.batches = before
        thread.depth -= 1
