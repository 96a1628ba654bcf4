"""The derivative of a graph: one graph forward, that also gives what the other, the graph backward, needs."""

from tapeflow.autodiff.custom_gradient import CUSTOM
from tapeflow.autodiff.tape import GradientTape
from tapeflow.compiler.run import runner
from tapeflow.core import nest
from tapeflow.core.dims import UnknownRank, dims_in, holds_dim, opened_shape, public
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import record
from tapeflow.graph.passes import effect_of, simplified
from tapeflow.ops import space
from tapeflow.tracing.effects import READ_STATE
from tapeflow.tracing.streams import with_own_streams
from tapeflow.tracing.trace import Trace, evaluate


class Split:
    """`forward` gives the graph's outputs and the residuals; `backward` takes residuals and cotangents.

    `packing` is the structure of the cotangents of the sources, None for those that have none.
    """

    def __init__(self, forward, backward, cotangents, packing):
        self.forward = forward
        self.backward = backward
        self.cotangents = cotangents  # which outputs have one
        self.packing = packing


def split(graph, watched, constants, variables):
    """Split the derivative by the inputs numbered in `watched`, the tensors `constants` and `variables`."""

    def flat(inputs, found):
        return [g for g in nest.flatten(found, expand_composites=True) if g is not None]

    return split_by(with_own_streams(graph), watched, [*constants, *variables], flat)


def split_by(graph, watched, others, flat, places=None):
    """The Split of the derivative by the inputs numbered in `watched` and by `others`, tensors and variables.

    `flat(inputs, found)`: what the graph backward gives, tensors, from the cotangents `found` of all of them. `places`:
    the outputs that have a cotangent; None for all that can.
    """
    with Trace(graph.name) as trace:
        inputs = [trace.input(public(graph.types[slot][0]), graph.types[slot][1]) for slot in graph.inputs]
        with GradientTape(watch_accessed_variables=False) as tape:
            sources = [*[inputs[i] for i in watched], *others]
            tape.watch(sources)
            outputs = evaluate(graph, inputs)
        outputs = [trace.lift(tensor) for tensor in outputs]
        border = len(trace.graph.nodes)
        if places is None:
            places = [i for i, tensor in enumerate(outputs) if space.is_inexact(tensor)]
        gs = [_cotangent(trace, outputs[i]) for i in places]
        ys = [outputs[i] for i in places]
        found = tape.gradient(ys, sources, output_gradients=gs) if sources and ys else []
        found = list(found) or [None] * len(sources)
        cotangents = [trace.lift(g)._slot for g in flat(inputs, found)]
    return _parted(trace.graph, border, [t._slot for t in outputs], cotangents, len(inputs), places, found)


def _cotangent(trace, y):
    """An input that stands for the cotangent of an output.

    That of a stack is not made to fit it: the rows may be of several shapes, and then there are no sizes to read.
    """
    g = trace.input(opened_shape(y._shape), y._dtype)
    if y._shape.__class__ is UnknownRank or not holds_dim(y._shape[1:]):
        return g
    for slot in {y._slot, *[leaf[1] for leaf in dims_in(y._shape[1:])]}:
        node = trace.maker(slot)
        if node is not None and (node.prim is space.ZEROS_LIKE or node.prim.name in ("If", "While")):
            g._shape = y._shape
    return g


def _parted(joint, border, outputs, cotangents, n_inputs, wanted, packing):
    """The Split of a graph of both: up to node `border` it is the function, after it the derivative."""
    whole = joint.with_nodes(joint.nodes, [*outputs, *cotangents])
    ahead = joint.with_nodes(joint.nodes[:border], outputs)
    for node in ahead.nodes:  # what has an effect, or reads one, happens once, ahead
        if effect_of(node) == "read":
            ahead.outputs += node.outputs
    ahead.inputs = joint.inputs[:n_inputs]
    ahead = simplified(ahead)
    done = {id(n.outputs) for n in ahead.nodes}
    whole = simplified(whole)
    have = set(ahead.inputs).union(*[node.outputs for node in ahead.nodes])
    behind = [n for n in whole.nodes if id(n.outputs) not in done and not set(n.outputs) <= have]
    first = {id(node.outputs) for node in joint.nodes[:border]}
    behind = [node for node in behind if effect_of(node) != "write" or id(node.outputs) not in first]
    made = set().union(*[node.outputs for node in behind])
    uses = {slot for node in behind for slot in node.uses()} | set(whole.outputs[len(outputs) :])
    residuals = sorted(slot for slot in uses - made if slot in have)
    gs = joint.inputs[n_inputs:]
    forward = ahead.with_nodes(ahead.nodes, [*ahead.outputs[: len(outputs)], *residuals])
    forward = simplified(forward)
    backward = whole.with_nodes(behind, whole.outputs[len(outputs) :])
    backward.inputs = [*residuals, *gs]
    backward.constants = {s: t for s, t in whole.constants.items() if s in uses}
    return Split(forward, backward, wanted, packing)


def call_recorded(graph, tensors):
    """Run a graph on eager tensors for the one tape that listens: one operation on it."""
    (tape,) = thread.listeners
    variables = [v for v in graph.variables() if space.is_inexact(v)]
    for variable in variables:
        tape._accessed(variable, EagerTensor(variable._array))
    seen = tape._watched
    watched = tuple([i for i, t in enumerate(tensors) if t._id in seen and space.is_inexact(t)])
    constants = [t for t in graph.constants.values() if t._id in seen and space.is_inexact(t)]
    variables = [v for v in variables if v._id in seen]
    sources = [*[tensors[i] for i in watched], *constants, *variables]
    if not sources:
        return [EagerTensor(array) for array in runner(graph)([t._array for t in tensors])]
    key = (watched, tuple([t._id for t in constants]), tuple([v._id for v in variables]))
    found = graph.cache.get(key)
    if found is None:
        found = graph.cache[key] = split(graph, watched, constants, variables)
        found.forward.cache["patience"] = found.backward.cache["patience"] = graph.cache.get("patience", 0)
    arrays = runner(found.forward)([t._array for t in tensors])
    count = len(graph.outputs)
    outputs = [EagerTensor(array) for array in arrays[:count]]
    residuals = arrays[count:]
    types = [(array.shape, array.dtype) for array in arrays[:count]]

    def cotangents(*gs):
        if thread.listeners:  # a derivative of the derivative is asked for: operation by operation
            return _again(graph, tensors, sources, gs)
        given = [space.zeros_of(*types[i]) if gs[i] is None else space.dense(gs[i]) for i in found.cotangents]
        if all([g.__class__ is EagerTensor for g in given]):
            arrays = runner(found.backward)([*residuals, *[g._array for g in given]])
            flat = iter([EagerTensor(array) for array in arrays])
        else:  # cotangents of a batch
            flat = iter(evaluate(found.backward, [*[EagerTensor(array) for array in residuals], *given]))
        return [None if g is None else _packed(g, flat) for g in found.packing]

    record(CUSTOM, tuple(sources), outputs, (cotangents,))
    return outputs


def _packed(like, flat):
    count = len(nest.flatten(like, expand_composites=True))
    return nest.pack_sequence_as(like, [next(flat) for _ in range(count)], expand_composites=True)


def _again(graph, tensors, sources, gs):
    with GradientTape() as tape:
        tape.watch(sources)
        outputs = evaluate(graph, tensors)
    pairs = [(y, g) for y, g in zip(outputs, gs) if g is not None and space.is_inexact(y)]
    if not pairs:
        return [None] * len(sources)
    ys, gs = zip(*pairs)
    return tape.gradient(list(ys), sources, output_gradients=list(gs))


def only_reads(graph):
    """Whether running a graph twice is the same as running it once."""
    return all(node.prim.effect is None or node.prim is READ_STATE for node in graph.nodes)
