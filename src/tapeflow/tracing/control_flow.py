"""`cond` and `while_loop` in a trace: one node each, that holds the branches or the body as graphs of their own.

Their derivatives run the branch or the body again, from the values that it was entered with, and are of the same kind:
so there is one to any order.
"""

from tapeflow.autodiff.tape import GradientTape
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import public
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.engine.dispatch import apply, record
from tapeflow.engine.primitive import general
from tapeflow.graph.passes import simplified
from tapeflow.graph.run import runner
from tapeflow.ops import space
from tapeflow.tracing.trace import ASSIGN, READ_STATE, SymbolicTensor, Trace, evaluate

_WRITES = frozenset(ASSIGN.values())


class Branch(Trace):
    """A trace within a trace: of a branch, or of a loop's body. What it reads from around it becomes an input."""

    def __init__(self, name, outer, fresh=()):
        super().__init__(name, outer)
        self.may_create = False
        self.fresh = fresh  # ids of variables that are assigned here: they are read here as well
        self.hoisted = {}

    def slot_of(self, tensor):
        """The slot of a tensor; an inexact one from outside comes in, for its derivative goes out."""
        if tensor.__class__ is EagerTensor and tensor._id not in self.slots and tensor._id < self.start:
            if space.is_inexact(tensor):
                self.slots[tensor._id] = self._capture(self.outer.lift(tensor))
                self.kept.append(tensor)
        return super().slot_of(tensor)

    def read(self, variable):
        """A variable's value: that around, if nothing here changes it."""
        if variable._id in self.fresh:
            return super().read(variable)
        found = self.hoisted.get(variable._id)
        if found is None:
            before = thread.trace
            thread.trace = self.outer
            try:
                outside = self.outer.read(variable)
            finally:
                thread.trace = before
            record_read(variable, outside, self.before[0])
            found = self.hoisted[variable._id] = self.lift(outside)
            self.kept.append(outside)
        return found

    def assigned(self):
        """The ids of the variables that are assigned here, or deeper."""
        return assigned_in(self.graph)


def record_read(variable, tensor, listeners):
    """Tell the listeners around a branch of a read that happens around it."""
    for listener in listeners:
        listener._accessed(variable, tensor)


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


def has_effects(graph):
    """Whether a graph does anything but compute."""
    return any(
        node.prim.effect is not None or any(hasattr(a, "nodes") and has_effects(a) for a in node.attrs)
        for node in graph.nodes
    )


def traced(name, function, types=(), contents=()):
    """`function` of symbolic tensors of `types`, traced as a branch of the present trace.

    Returns the trace and the structure that the function returned.
    """
    fresh = frozenset()
    while True:
        branch = Branch(name, thread.trace, fresh)
        with branch:
            inputs = [branch.input(public(shape), dtype) for shape, dtype in types]
            result = function(*inputs)
        wrong = branch.assigned() & set(branch.hoisted)
        if not wrong:
            return branch, result
        fresh |= wrong


# cond.


def _run_cond(pred, *rest):
    *xs, taken, other, n = rest
    return runner(taken)(xs[:n]) if pred else runner(other)(xs[n:])


def _cond_vjp(gs, xs, graph, other, n):
    pred, *xs = xs
    if has_effects(graph) or has_effects(other):
        raise LookupError("No gradient of a tf.cond whose branches draw random numbers or assign variables.")
    given = [g for g, t in zip(gs, graph.outputs) if _inexact_slot(graph, t)]
    branches = []
    for number, (branch, operands) in enumerate(((graph, xs[:n]), (other, xs[n:]))):

        def gradient(_b=branch, _o=operands, _number=number):
            mine = cotangents(_b, _o, given)
            zeros = [space.zeros_like(x) for x in (xs[n:] if _number == 0 else xs[:n])]
            return [*mine, *zeros] if _number == 0 else [*zeros, *mine]

        branches.append(gradient)
    found = cond(pred, *branches)
    return [None, *[g if space.is_inexact(x) else None for g, x in zip(found, xs)]]


def _inexact_slot(graph, slot):
    return graph.types[slot][1].kind in "fcV"


def cotangents(graph, operands, gs):
    """The cotangents of a graph's inputs, zeros where there are none: it runs again under a tape."""
    copies = [x._copy() for x in operands]
    with GradientTape(watch_accessed_variables=False) as tape:
        sources = [copy for copy in copies if space.is_inexact(copy)]
        tape.watch(sources)
        outputs = [y for y in evaluate(graph, copies) if space.is_inexact(y)]
    for x, copy in zip(operands, copies):  # the copies are the operands, to the tapes around
        _linked(x, copy)
    found = iter(_gradient(tape, outputs, sources, gs))
    return [space.dense(next(found)) if space.is_inexact(copy) else space.zeros_like(copy) for copy in copies]


def _linked(x, copy):
    from tapeflow.ops.elementwise import IDENTITY

    record(IDENTITY, (x,), copy)


def _gradient(tape, outputs, sources, gs):
    pairs = [(y, g) for y, g in zip(outputs, gs) if g is not None]
    if not sources or not pairs:
        return [space.zeros_like(s) for s in sources]
    ys, given = zip(*pairs)
    found = tape.gradient(list(ys), sources, output_gradients=list(given))
    return [space.zeros_like(s) if g is None else g for g, s in zip(found, sources)]


COND = general("If", _run_cond, None, _cond_vjp, operands="*", attrs="graph other n", many=True)


def cond(pred, true_fn=None, false_fn=None, name=None):
    """See `tapeflow.ops.control_flow.cond`; here `pred` is symbolic, or the call goes there."""
    if pred.__class__ is not SymbolicTensor:
        return true_fn() if pred else false_fn()
    taken, if_true = traced("true", lambda: _flat(true_fn()))
    other, if_false = traced("false", lambda: _flat(false_fn()))
    (one, structure), (two, other_structure) = if_true, if_false
    try:
        nest.assert_same_structure(structure, other_structure, check_types=False)
    except (ValueError, TypeError) as error:
        raise TypeError(f"true_fn and false_fn arguments to tf.cond must have the same structure: {error}") from None
    outs = joined(pred, taken, one, other, two)
    return _packed(structure, outs)


def joined(pred, taken, ones, other, twos):
    """The node of two traced branches: the tensors `ones` of one, or `twos` of the other, when the graph runs."""
    for a, b in zip(ones, twos):
        if a._dtype != b._dtype:
            raise TypeError(
                "true_fn and false_fn arguments to tf.cond must have the same number, type, and overall structure of "
                f"return values: one has dtype {a.dtype.name}, the other {b.dtype.name}."
            )
    for branch, flat in ((taken, ones), (other, twos)):
        branch.graph.outputs = [branch.slot_of(tensor) for tensor in flat]
    types = [(_common(a._shape, b._shape), a._dtype) for a, b in zip(ones, twos)]
    graphs = simplified(taken.graph), simplified(other.graph)
    return _append(COND, [pred, *taken.captures, *other.captures], (*graphs, len(taken.captures)), types)


def _flat(result):
    """The tensors of a branch's result as tensors of the branch, and the structure: None where it has None."""
    trace = thread.trace
    flat = [trace.lift(_tensor(leaf)) for leaf in nest.flatten(result) if leaf is not None]
    return flat, nest.map_structure(lambda leaf: None if leaf is None else _Leaf, result)


class _Leaf:
    """Where a tensor is, in a structure."""


def _tensor(leaf):
    from tapeflow.core.indexed_slices import IndexedSlices

    return leaf.__tf_tensor__() if isinstance(leaf, IndexedSlices) else convert_to_tensor(leaf)


def _packed(structure, outs):
    outs = iter(outs)
    return nest.map_structure(lambda leaf: None if leaf is None else next(outs), structure)


def _common(a, b):
    if len(a) != len(b):
        raise ValueError(f"The branches of a tf.cond, or the rounds of a loop, give ranks {len(a)} and {len(b)}.")
    return tuple([m if m.__class__ is int and m == n else None for m, n in zip(a, b)])


def _append(prim, tensors, attrs, types):
    """A node of the present trace, told to the listeners."""
    trace = thread.trace
    outs = trace.append(prim, tuple([trace.slot_of(t) for t in tensors]), attrs, types)
    record(prim, tuple([trace.lift(t) if t.__class__ is EagerTensor else t for t in tensors]), outs, attrs)
    return outs


# while_loop. The operands are the loop's variables, then what the test captures, then what the body does.


def _run_while(*operands):
    *xs, test, body, n, m = operands
    carry, of_test, of_body = xs[:n], xs[n : n + m], xs[n + m :]
    test, body = runner(test), runner(body)
    while test([*carry, *of_test])[0]:
        carry = body([*carry, *of_body])
    return carry


def _run_while_gradient(*operands):
    """The loop again, its variables kept, then back through the rounds."""
    *xs, test, body, n, m, back = operands
    gs, xs = xs[-n:], xs[:-n]
    carry, of_test, of_body = xs[:n], xs[n : n + m], xs[n + m :]
    test, run, back = runner(test), runner(body), runner(back)
    rounds = []
    while test([*carry, *of_test])[0]:
        rounds.append(carry)
        carry = run([*carry, *of_body])
    total = None
    for before in reversed(rounds):
        found = back([*before, *of_body, *gs])
        gs, more = found[:n], found[n:]
        total = more if total is None else [a + b for a, b in zip(total, more)]
    if total is None:
        import numpy as np

        total = [np.zeros_like(x) for x in of_body]
    return [*gs, *total]


def _while_vjp(gs, xs, test, body, n, m):
    if has_effects(body) or has_effects(test):
        raise LookupError("No gradient of a tf.while_loop that draws random numbers or assigns variables.")
    back = _back(body, n)
    gs = [g if space.is_inexact(x) else space.zeros_like(x) for g, x in zip(gs, xs)]
    types = [(public(x._shape), x._dtype) for x in (*xs[:n], *xs[n + m :])]
    operands = (*xs, *gs)
    attrs = (test, body, n, m, back)
    if thread.trace is not None:
        found = _append(WHILE_GRADIENT, operands, attrs, types)
    else:
        found = apply(WHILE_GRADIENT, operands, attrs)
    found = [g if space.is_inexact(g) else None for g in found]
    return [*found[:n], *[None] * m, *found[n:]]


def _back(body, n):
    """The graph of one round's cotangents: of the loop's variables and captures, from those of the next round."""
    graph = body.cache.get("back")
    if graph is None:
        with Trace("back") as trace:
            xs = [trace.input(public(body.types[s][0]), body.types[s][1]) for s in body.inputs]
            gs = [trace.input(public(body.types[s][0]), body.types[s][1]) for s in body.inputs[:n]]
            given = [g for g, s in zip(gs, body.outputs) if _inexact_slot(body, s)]
            found = [trace.lift(g) for g in cotangents(body, xs, given)]
        trace.graph.outputs = [g._slot for g in found]
        graph = body.cache["back"] = simplified(trace.graph)
    return graph


def _no_second(gs):
    raise LookupError(
        "The second derivative of a traced tf.while_loop is not to be had: call the function eagerly, or unroll "
        "the loop with Python's range."
    )


WHILE = general("While", _run_while, None, _while_vjp, operands="*", attrs="test body n m", many=True)
WHILE_GRADIENT = general(
    "WhileGrad", _run_while_gradient, None, _no_second, operands="*", attrs="test body n m back", many=True
)


def while_loop(
    cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True, swap_memory=False,
    maximum_iterations=None, name=None, names=None,
):  # fmt: skip
    """See `tapeflow.ops.control_flow.while_loop`; here in a trace, as one node. `names`: AutoGraph's, for errors."""
    one = len(loop_vars) == 1
    structure = list(loop_vars)
    if maximum_iterations is not None:
        limit = convert_to_tensor(maximum_iterations)
        first, again = cond, body
        count = convert_to_tensor(0, limit.dtype)

        def body(i, *values):
            found = again(*values)
            return (i + 1, *(found if isinstance(found, (list, tuple)) else [found]))

        def cond(i, *values):
            from tapeflow.ops.compare import logical_and

            return logical_and(i < limit, first(*values))

        return type(loop_vars)(
            while_loop(cond, body, [count, *loop_vars], None if shape_invariants is None else
                       [count.shape, *shape_invariants], names=names and ["the count", *names])[1:]
        )  # fmt: skip
    flat = [convert_to_tensor(v) for v in nest.flatten(structure)]
    types = [(t._shape, t._dtype) for t in flat]
    if shape_invariants is not None:
        wanted = nest.flatten(list(shape_invariants))
        types = [
            (tuple(shape.shape if hasattr(shape, "shape") else shape), dtype)
            for shape, (_, dtype) in zip(wanted, types, strict=True)
        ]

    def run(*values):
        found = body(*nest.pack_sequence_as(structure, list(values)))
        if one and not isinstance(found, (list, tuple)) or one and nest.is_nested(structure[0]) and len(found) != 1:
            found = [found]
        try:
            nest.assert_same_structure(structure, list(found), check_types=False)
        except TypeError as error:
            raise ValueError(str(error)) from None
        return [thread.trace.lift(_tensor(leaf)) for leaf in nest.flatten(list(found))]

    loop, found = traced("body", run, types)
    _check_rounds(flat, types, found, structure, names)
    loop.graph.outputs = [t._slot for t in found]
    test, pred = traced(
        "test",
        lambda *values: thread.trace.lift(convert_to_tensor(cond(*nest.pack_sequence_as(structure, list(values))))),
        types,
    )
    test.graph.outputs = [pred._slot]
    outs = _append(
        WHILE, [*flat, *test.captures, *loop.captures],
        (simplified(test.graph), simplified(loop.graph), len(flat), len(test.captures)),
        [(public(shape), dtype) for shape, dtype in types],
    )  # fmt: skip
    packed = nest.pack_sequence_as(structure, outs)
    return packed if isinstance(loop_vars, list) else type(loop_vars)(packed)


def _check_rounds(flat, types, found, structure, names):
    """Raise TensorFlow's error if what a round gives is of another type than what it takes."""
    if names is not None:
        names = [name for name, value in zip(names, structure) for _ in nest.flatten(value)]
    for i, (before, (shape, _), after) in enumerate(zip(flat, types, found)):
        if before._dtype != after._dtype:
            if names is not None:
                raise TypeError(
                    f"{names[i]!r} has dtype {before.dtype.name} before the loop, but dtype {after.dtype.name} after "
                    "one iteration"
                )
            raise TypeError(
                f"Input tensor enters the loop with dtype {before.dtype!r}, but has dtype {after.dtype!r} after one "
                "iteration."
            )
        if len(shape) != len(after._shape) or any(
            m.__class__ is int and not (n.__class__ is int and m == n) for m, n in zip(shape, after._shape)
        ):
            entry = str(TensorShape._of(public(shape)))
            if names is not None:
                raise ValueError(
                    f"{names[i]!r} has shape {entry} before the loop, but shape {after.shape} after one iteration. Use "
                    "tf.autograph.experimental.set_loop_options to set shape invariants."
                )
            raise ValueError(
                f"Input tensor enters the loop with shape {entry}, but has shape {after.shape} after one iteration. To "
                "allow the shape to vary across iterations, use the `shape_invariants` argument of tf.while_loop to "
                "specify a less-specific shape."
            )


__all__ = ["cond", "while_loop", "InvalidArgumentError", "READ_STATE", "Tensor"]
