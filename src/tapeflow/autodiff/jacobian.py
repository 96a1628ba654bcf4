"""Jacobians by reverse mode: a tape walked back from every element of a target, all at once or one by one."""

from tapeflow.autodiff.batching import batched_call
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.listening import thread
from tapeflow.core.tensor import Tensor
from tapeflow.core.unconnected import UnconnectedGradients
from tapeflow.ops import space
from tapeflow.ops.control_flow import map_fn
from tapeflow.ops.packing import stack, unstack
from tapeflow.ops.shaping import broadcast_static, identity_matrix, reshape_static, transpose_static

UNROLLED = 8  # rows that a trace computes without a loop


def jacobian(tape, target, sources, unconnected_gradients, vectorised):
    """See `GradientTape.jacobian`."""
    if isinstance(target, (list, tuple, dict)):
        raise TypeError(f"The target of a Jacobian must be one tensor, and was a {type(target).__name__}.")
    target = convert_to_tensor(target)
    rows = _count(target._shape)
    seeds = reshape_static(identity_matrix(rows, target._dtype), (rows, *target._shape))
    flat = nest.flatten(sources)
    found = _rows(tape, target, flat, seeds, vectorised)
    results = []
    for source, g in zip(flat, found, strict=True):
        shape = (*target._shape, *_sizes(source))
        if g is not None:
            g = reshape_static(g, shape)
        elif UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO:
            g = space.zeros(shape, source.dtype._np)
        results.append(g)
    return nest.pack_sequence_as(sources, results)


def batch_jacobian(tape, target, source, unconnected_gradients, vectorised):
    """See `GradientTape.batch_jacobian`."""
    target, source = convert_to_tensor(target), source
    if len(target._shape) < 2 or not source.shape.rank or target._shape[0] != source.shape[0]:
        raise ValueError(
            "Need first dimension of target shape and source shape to match, and both to have one: the target has "
            f"shape {target.shape} and the source has shape {source.shape}."
        )
    batch, *inner = target._shape
    rows = _count(inner)
    # Seed i asks for element i of every example: one example's elements depend on that example alone.
    seeds = reshape_static(identity_matrix(rows, target._dtype), (rows, 1, *inner))
    seeds = broadcast_static(seeds, (rows, *target._shape))
    (g,) = _rows(tape, target, [source], seeds, vectorised)
    shape = (*target._shape, *_sizes(source)[1:])
    if g is None:
        if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO:
            return space.zeros(shape, source.dtype._np)
        return None
    return reshape_static(transpose_static(g, (1, 0, *range(2, len(g._shape)))), shape)


def _rows(tape, target, sources, seeds, vectorised):
    """The gradients of the sources for every seed, stacked along a new first axis."""
    if not vectorised and not tape._persistent:
        raise RuntimeError(
            "GradientTape must be created with persistent=True to compute the jacobian with eager execution enabled "
            "and with experimental_use_pfor set to False."
        )

    def row(seed):
        return [space.dense(g) for g in tape.gradient(target, sources, output_gradients=seed)]

    if vectorised:
        return batched_call(row, [seeds])
    count = seeds._shape[0]
    if thread.trace is not None and not (isinstance(count, int) and count <= UNROLLED):
        return _looped(row, seeds)
    columns = zip(*[row(seed) for seed in unstack(seeds)], strict=True)
    return [None if column[0] is None else stack(column) for column in columns]


def _looped(row, seeds):
    """The rows one by one in a loop of the graph, which holds the way back once, and not for each row."""
    like = row(space.zeros(seeds._shape[1:], seeds._dtype))  # says which sources are connected; nothing else reads it
    found = [i for i, g in enumerate(like) if g is not None]
    if not found:
        return like

    def connected(seed):
        gradients = row(seed)
        return [gradients[i] for i in found]

    columns = map_fn(connected, seeds, fn_output_signature=[like[i].dtype for i in found])
    for i, column in zip(found, columns, strict=True):
        like[i] = column
    return like


def _sizes(source):
    """The shape of a tensor or variable, with sizes that a trace does not know as it computes with them."""
    return source._shape if isinstance(source, Tensor) else tuple(source.shape)


def _count(shape):
    count = 1
    for n in shape:
        count *= n
    return count
