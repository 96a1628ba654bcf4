"""The derivative of a branch or a round, and of the node that holds it.

The branch or the round is parted into a graph forward, which also gives what the derivative needs, and a graph
backward. The node, in its trace that is still open, is given the graph forward in the place of the old one, so that
what it did, it does once; and the way back is a `cond`, or a loop that reads the stacked values, of the same kind. So
there is a derivative to any order.
"""

from tapeflow.autodiff.tape import GradientTape
from tapeflow.core.dims import UnknownRank, holds_dim, public
from tapeflow.engine.dispatch import apply, record
from tapeflow.graph.passes import effect_of
from tapeflow.ops import space
from tapeflow.tracing.derivative import split_by
from tapeflow.tracing.trace import INLINE, here


class Derivative:
    """`forward` gives the graph's outputs and then the `residuals`, slots of it; `backward` takes them and cotangents.

    `backward` gives the cotangents of the inputs `wanted`, for those of the outputs at `places`.
    """

    def __init__(self, split, wanted, places, outputs):
        self.forward, self.backward = split.forward, split.backward
        self.residuals = split.backward.inputs[: len(split.backward.inputs) - len(places)]
        self.wanted, self.places = wanted, places
        # A residual that is an input is there already: (True, its number); others are made: (False, their number).
        self.sources, self.made = [], []
        for slot in self.residuals:
            if slot in self.forward.inputs:
                self.sources.append((True, self.forward.inputs.index(slot)))
            else:
                self.sources.append((False, len(self.made)))
                self.made.append(slot)
        self.forward.outputs = [*self.forward.outputs[:outputs], *self.made]

    def types(self):
        """The types of the residuals that are made."""
        return [self.forward.types[slot] for slot in self.made]


def derivative_of(graph, wanted, places):
    """The Derivative of a graph by its inputs `wanted`, for cotangents of its outputs at `places`."""
    key = ("derivative", wanted, places)
    found = graph.cache.get(key)
    if found is not None:
        return found
    reads = graph.cache.get("reads", {})
    variables = [v for v in graph.variables() if v._id in reads and reads[v._id] in wanted]

    def flat(inputs, cotangents):
        of_inputs = dict(zip(wanted, cotangents))
        for variable, g in zip(variables, cotangents[len(wanted) :]):
            if g is not None:
                place = reads[variable._id]
                of_inputs[place] = g if of_inputs[place] is None else space.add(of_inputs[place], g)
        return (zeros_now(inputs[i]) if g is None else space.dense(g) for i, g in of_inputs.items())

    split = split_by(graph, wanted, variables, flat, list(places))
    found = graph.cache[key] = Derivative(split, wanted, places, len(graph.outputs))
    found.forward.cache["reads"] = reads
    return found


def node_of(ys):
    """The trace and the node of the symbolic tensors `ys`, and their places among its outputs."""
    trace = ys[0]._trace
    node = trace.maker(ys[0]._slot)
    return trace, node, [node.outputs.index(y._slot) for y in ys]


def recomputed(prim, mask, xs, attrs, gs):
    """The cotangents where the tensors are not symbolic: all happens again, under a tape."""
    if any(effect_of(node) for attr in attrs if hasattr(attr, "nodes") for node in attr.nodes):
        raise LookupError(f"No gradient in a batch of a {prim.name} that draws random numbers or assigns variables.")
    sources = [x for i, x in enumerate(xs) if mask >> i & 1 and space.is_inexact(x)]
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        outs = INLINE[prim](xs, attrs)
    pairs = [(y, g) for y, g in zip(outs, gs) if g is not None]
    found = iter(tape.gradient([y for y, _ in pairs], sources, output_gradients=[g for _, g in pairs]))
    return [next(found) if mask >> i & 1 and space.is_inexact(x) else None for i, x in enumerate(xs)]


def extended(trace, node, xs, key, extend):
    """The residuals of a node by `key`: new outputs of it, made by `extend` at the first time, told to the tapes."""
    known = trace.extended.setdefault(id(node), {"node": node})
    if key not in known:
        known[key] = extend()
    derivatives, made = known[key]
    told = [t for t in made if space.is_inexact(t)]
    if told:
        record(node.prim, tuple(xs), told, node.attrs)
    return derivatives, made


def new_outputs(trace, types):
    """New slots of a graph, as tensors."""
    return [trace.declared(public(shape), dtype) for shape, dtype in types]


def zeros_now(like):
    """Zeros like a tensor, in the present trace; it may be a stack of rows of several shapes, which has no sizes."""
    like = here(like)
    if like._shape.__class__ is UnknownRank or holds_dim(like._shape[1:]):
        return apply(space.ZEROS_LIKE, (like,))
    return space.zeros_like(like)


def push_by_pull(prim):
    """The jvp by transposing the vjp, with cotangents for the outputs that can have one."""

    def jvp(tangents, xs, ys, attrs):
        mask = sum(1 << i for i, tangent in enumerate(tangents) if tangent is not None)
        with GradientTape(watch_accessed_variables=False) as tape:
            us = [zeros_now(y) if space.is_inexact(y) else None for y in ys]
            watched = [u for u in us if u is not None]
            tape.watch(watched)
            cotangents = prim.pull(mask, xs, ys, attrs, us)
        pairs = [(c, t) for c, t in zip(cotangents, tangents, strict=True) if c is not None and t is not None]
        if not pairs or not watched:
            return [None] * len(ys)
        found = iter(tape.gradient([c for c, _ in pairs], watched, output_gradients=[t for _, t in pairs]))
        return [None if u is None else next(found) for u in us]

    return jvp


__all__ = ["derivative_of", "extended", "new_outputs", "node_of", "push_by_pull", "recomputed", "zeros_now"]
