"""`cond` and `while_loop` in a trace: one node each, that holds the branches or the body as graphs of their own.

The derivative of a branch or a round is parted into a graph forward, which also gives what the derivative needs, and a
graph backward. The node, in its trace that is still open, is given the graph forward in the place of the old one, so
that what it did, it does once; and the way back is a `cond`, or a loop that reads the stacked values, of the same kind.
So there is a derivative to any order. Where nothing is symbolic, `evaluate` runs branches and rounds one by one.
"""

import numpy as np

from tapeflow.autodiff.batching import BatchTensor
from tapeflow.autodiff.tape import GradientTape
from tapeflow.compiler.run import runner
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import opened_shape, public
from tapeflow.core.errors import invalid_argument
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.engine.dispatch import record
from tapeflow.engine.primitive import general
from tapeflow.graph.passes import effect_of, simplified
from tapeflow.ops import space
from tapeflow.ops.shaping import broadcast_static, transpose_static
from tapeflow.tracing.derivative import parted
from tapeflow.tracing.trace import ASSIGN, INLINE, SymbolicTensor, Trace, evaluate, here

_WRITES = frozenset(ASSIGN.values())


class Branch(Trace):
    """A trace within a trace: of a branch, or of a loop's body. What it reads from around it becomes an input."""

    def __init__(self, name, outer, fresh=()):
        super().__init__(name, outer)
        self.may_create = False
        self.fresh = fresh  # ids of variables that are assigned here: they are read here as well
        self.hoisted = {}  # id of a variable: its value around

    def slot_of(self, tensor):
        """The slot of a tensor; an inexact one from outside comes in, for its derivative goes out."""
        if tensor.__class__ is EagerTensor and tensor._id not in self.slots and tensor._id < self.start:
            if space.is_inexact(tensor):
                self.slots[tensor._id] = self._capture(tensor)
                self.kept.append(tensor)
        return super().slot_of(tensor)

    def read(self, variable):
        """A variable's value: that around, if nothing here changes it."""
        found = self.hoisted.get(variable._id)
        if found is None:
            before = thread.trace
            thread.trace = self.outer
            try:
                outside = self.outer.read(variable)
            finally:
                thread.trace = before
            for listener in self.before[0]:
                listener._accessed(variable, outside)
            found = self.hoisted[variable._id] = self.lift(outside)
            self.kept.append(outside)
        # One that is assigned here is read here too, but its cotangent goes out by way of the value around.
        return super().read(variable) if variable._id in self.fresh else found

    def finished(self, outputs, n=0, rows=0):
        """The graph, with these tensors as its outputs; `rows` of its inputs, from number `n`, go to the end."""
        self.graph.outputs = [self.slot_of(tensor) for tensor in outputs]
        graph = simplified(self.graph)
        inputs = graph.inputs
        graph.inputs = [*inputs[:n], *inputs[n + rows :], *inputs[n : n + rows]]
        graph.cache["reads"] = {
            variable: graph.inputs.index(tensor._slot)
            for variable, tensor in self.hoisted.items() if variable in self.fresh
        }  # fmt: skip
        return graph


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


def traced(name, function, types=(), fresh=frozenset()):
    """`function` of symbolic tensors of `types`, traced as a branch of the present trace.

    `fresh`: ids of variables that are assigned elsewhere meanwhile. Returns the trace and the structure that the
    function returned.
    """
    while True:
        branch = Branch(name, thread.trace, fresh)
        with branch:
            inputs = [branch.input(public(shape), dtype) for shape, dtype in types]
            result = function(*inputs)
        wrong = (assigned_in(branch.graph) & set(branch.hoisted)) - fresh
        if not wrong:
            return branch, result
        fresh |= wrong


# Structures: of tensors, None, and objects that hold tensors (a TensorArray), which come apart and are put together.


def opened(structure, slices=False):
    """The tensors in a structure, and a function that puts others in their places.

    `slices`: whether IndexedSlices are kept as such, and not summed up into a tensor.
    """
    leaves = nest.flatten(structure)
    if slices:
        leaves = [_Slices(leaf) if _is_open(leaf) else leaf for leaf in leaves]
    tensors, counts = [], []
    for leaf in leaves:
        parts = [] if leaf is None else leaf._parts() if hasattr(type(leaf), "_parts") else [_tensor(leaf)]
        tensors += parts
        counts.append(len(parts))

    def put(values):
        values = iter(values)
        filled = []
        for leaf, count in zip(leaves, counts):
            mine = [next(values) for _ in range(count)]
            filled.append(leaf._with_parts(mine) if hasattr(type(leaf), "_parts") else mine[0] if count else None)
        return nest.pack_sequence_as(structure, filled)

    return tensors, put


def _is_open(leaf):
    from tapeflow.core.indexed_slices import IndexedSlices

    return isinstance(leaf, IndexedSlices) and (leaf.dense_shape is None or leaf.dense_shape.__class__ is EagerTensor)


class _Slices:
    """IndexedSlices of which the values and indices cross the border of a branch."""

    def __init__(self, slices):
        self.slices = slices

    def _parts(self):
        from tapeflow.ops.casting import cast

        return [convert_to_tensor(self.slices.values), cast(self.slices.indices, "int64")]

    def _with_parts(self, tensors):
        return type(self.slices)(*tensors, self.slices.dense_shape)


def settled(leaf):
    """What holds tensors, with those that it will come apart in at the border of the present branch."""
    opens = hasattr(type(leaf), "_parts") and not leaf._is_blank()
    return leaf._with_parts(leaf._parts()) if opens else leaf


def _tensor(leaf):
    from tapeflow.core.indexed_slices import IndexedSlices

    return leaf.__tf_tensor__() if isinstance(leaf, IndexedSlices) else convert_to_tensor(leaf)


def _append(prim, tensors, attrs, types):
    """A node of the present trace, told to the listeners."""
    trace = thread.trace
    level = max([t._level for t in tensors if t.__class__ is BatchTensor], default=0)
    if level > trace.level:
        outs = _BATCHED[prim](level, tensors, attrs)
    else:
        outs = trace.append(prim, tuple([trace.slot_of(t) for t in tensors]), attrs, types)
    record(prim, tuple(tensors), outs, attrs)
    return outs


# The derivative of a branch or a round.


class _Derivative:
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


def _derivative(graph, wanted, places):
    key = ("derivative", wanted, places)
    found = graph.cache.get(key)
    if found is not None:
        return found
    reads = graph.cache.get("reads", {})
    variables = [v for v in graph.variables() if v._id in reads and reads[v._id] in wanted]
    with Trace(graph.name) as trace:
        inputs = [trace.input(public(graph.types[slot][0]), graph.types[slot][1]) for slot in graph.inputs]
        with GradientTape(watch_accessed_variables=False) as tape:
            sources = [*[inputs[i] for i in wanted], *variables]
            tape.watch(sources)
            outputs = evaluate(graph, inputs)
        outputs = [trace.lift(tensor) for tensor in outputs]
        border = len(trace.graph.nodes)
        gs = [trace.input(opened_shape(outputs[i]._shape), outputs[i]._dtype) for i in places]
        given = [outputs[i] for i in places]
        cotangents = tape.gradient(given, sources, output_gradients=gs) if sources and given else [None] * len(sources)
        of_inputs = dict(zip(wanted, cotangents))
        for variable, g in zip(variables, cotangents[len(wanted) :]):
            if g is not None:
                place = reads[variable._id]
                of_inputs[place] = g if of_inputs[place] is None else space.add(of_inputs[place], g)
        flat = [
            trace.lift(space.zeros_like(inputs[i]) if g is None else space.dense(g))._slot for i, g in of_inputs.items()
        ]
    slots = [t._slot for t in outputs]
    split = parted(trace.graph, border, slots, flat, len(inputs), list(places), None)
    found = graph.cache[key] = _Derivative(split, wanted, places, len(slots))
    found.forward.cache["reads"] = reads
    return found


def _node_of(ys):
    """The trace and the node of the symbolic tensors `ys`, and their places among its outputs."""
    trace = ys[0]._trace
    node = trace.maker(ys[0]._slot)
    return trace, node, [node.outputs.index(y._slot) for y in ys]


def _recomputed(prim, mask, xs, attrs, gs):
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


def _extended(trace, node, xs, key, extend):
    """The residuals of a node by `key`: new outputs of it, made by `extend` at the first time, told to the tapes."""
    known = trace.extended.setdefault(id(node), {"node": node})
    if key not in known:
        known[key] = extend()
    derivatives, made = known[key]
    told = [t for t in made if space.is_inexact(t)]
    if told:
        record(node.prim, tuple(xs), told, node.attrs)
    return derivatives, made


def _new_outputs(trace, types):
    """New slots of a graph, as tensors."""
    return [trace.declared(public(shape), dtype) for shape, dtype in types]


def _zeros(like):
    return space.zeros_like(here(like))


def _push(prim):
    """The jvp by transposing the vjp, with cotangents for the outputs that can have one."""

    def jvp(tangents, xs, ys, attrs):
        mask = sum(1 << i for i, tangent in enumerate(tangents) if tangent is not None)
        with GradientTape(watch_accessed_variables=False) as tape:
            us = [space.zeros_like(y) if space.is_inexact(y) else None for y in ys]
            watched = [u for u in us if u is not None]
            tape.watch(watched)
            cotangents = prim.pull(mask, xs, ys, attrs, us)
        pairs = [(c, t) for c, t in zip(cotangents, tangents, strict=True) if c is not None and t is not None]
        if not pairs or not watched:
            return [None] * len(ys)
        found = iter(tape.gradient([c for c, _ in pairs], watched, output_gradients=[t for _, t in pairs]))
        return [None if u is None else next(found) for u in us]

    return jvp


# cond. The operands are the predicate, then what the first branch captures, then what the other does.


def _run_cond(pred, *rest):
    *xs, taken, other, n = rest
    return runner(taken)(list(xs[:n])) if pred else runner(other)(list(xs[n:]))


def _cond_now(xs, attrs):
    taken, other, n = attrs
    if xs[0].__class__ is not EagerTensor:
        return None
    return evaluate(taken, xs[1 : 1 + n]) if xs[0]._array else evaluate(other, xs[1 + n :])


def _pull_cond(mask, xs, ys, attrs, gs):
    if ys[0].__class__ is not SymbolicTensor:
        return _recomputed(COND, mask, xs, attrs, gs)
    trace, node, places = _node_of(ys)
    n = node.attrs[2]
    wanted = [mask >> i & 1 and space.is_inexact(x) for i, x in enumerate(xs)]
    inexact = [(place, y, g) for place, y, g in zip(places, ys, gs) if space.is_inexact(y)]
    places = tuple([place for place, _, _ in inexact])
    of_branch = [
        tuple([i for i, want in enumerate(flags) if want]) for flags in (wanted[1 : 1 + n], wanted[1 + n :])
    ]

    def extend():
        derivatives = [_derivative(graph, w, places) for graph, w in zip(node.attrs, of_branch)]
        types = [derivative.types() for derivative in derivatives]
        graphs = []
        for number, derivative in enumerate(derivatives):
            graph = derivative.forward
            graph = graph.with_nodes(graph.nodes)
            graph.cache["reads"] = derivative.forward.cache["reads"]
            empty = []  # for the other branch's residuals, which nobody reads when this branch is taken
            for shape, dtype in types[1 - number]:
                slot = graph.new_slot(public(shape), dtype)
                graph.types[slot] = (tuple([m or 0 for m in public(shape)]), dtype)
                graph.constants[slot] = EagerTensor(np.zeros(graph.types[slot][0], dtype))
                empty.append(slot)
            count = len(graph.outputs) - len(types[number])
            mine = graph.outputs[count:]
            graph.outputs = [*graph.outputs[:count], *(empty + mine if number else mine + empty)]
            graphs.append(graph)
        made = _new_outputs(trace, types[0] + types[1])
        node.attrs = (*graphs, n)
        node.outputs += tuple([t._slot for t in made])
        return derivatives, made

    derivatives, made = _extended(trace, node, xs, (places, *of_branch), extend)
    border = len(derivatives[0].made)
    cotangents = [_zeros(y) if g is None else g for _, y, g in inexact]
    sources = [x for x, want in zip(xs, wanted) if want]

    def back(number):
        derivative, own = derivatives[number], (made[:border], made[border:])[number]
        operands = (xs[1 : 1 + n], xs[1 + n :])[number]
        residuals = [operands[i] if is_input else own[i] for is_input, i in derivative.sources]
        found = evaluate(derivative.backward, [*residuals, *cotangents])
        there = (slice(1 + n, None), slice(1, 1 + n))[number]
        rest = [_zeros(x) for x, want in zip(xs[there], wanted[there]) if want]
        return [*found, *rest] if number == 0 else [*rest, *found]

    if not sources:
        return [None] * len(xs)
    found = iter(cond(xs[0], lambda: back(0), lambda: back(1)))
    return [next(found) if want else None for want in wanted]


COND = general(
    "If", _run_cond, None, lambda gs, ys, xs: None, operands="*", attrs="graph other n", many=True
)  # fmt: skip
COND.pull, COND.push = _pull_cond, _push(COND)
INLINE[COND] = _cond_now


def cond(pred, true_fn=None, false_fn=None, name=None):
    """See `tapeflow.ops.control_flow.cond`; here `pred` is symbolic, or the call goes there."""
    if pred.__class__ is EagerTensor or not isinstance(pred, Tensor):
        return true_fn() if pred else false_fn()
    for slices in (True, False):  # where only one of them gives IndexedSlices, both give tensors
        branches = []
        for label, function in (("true", true_fn), ("false", false_fn)):
            branch, result = traced(label, lambda f=function: _lifted(f(), slices))  # noqa: B023 (it is called now)
            branches.append((branch, *result))
        (taken, one, ones, put), (other, two, twos, _) = branches
        if list(map(_is_open, nest.flatten(one))) == list(map(_is_open, nest.flatten(two))):
            break
    try:
        nest.assert_same_structure(one, two, check_types=False)
        if len(ones) != len(twos):
            raise ValueError(f"one gives {len(ones)} tensors, the other {len(twos)}")
    except (ValueError, TypeError) as error:
        raise TypeError(f"true_fn and false_fn arguments to tf.cond must have the same structure: {error}") from None
    return put(joined(pred, taken, ones, other, twos))


def _lifted(result, slices):
    tensors, put = opened(result, slices)
    return result, [thread.trace.lift(t) for t in tensors], put


def joined(pred, taken, ones, other, twos):
    """The node of two traced branches: the tensors `ones` of one, or `twos` of the other, when the graph runs."""
    for a, b in zip(ones, twos):
        if a._dtype != b._dtype:
            raise TypeError(
                "true_fn and false_fn arguments to tf.cond must have the same number, type, and overall structure of "
                f"return values: one has dtype {a.dtype.name}, the other {b.dtype.name}."
            )
    types = [(_common(a._shape, b._shape), a._dtype) for a, b in zip(ones, twos)]
    graphs = taken.finished(ones), other.finished(twos)
    return _append(COND, [pred, *taken.captures, *other.captures], (*graphs, len(taken.captures)), types)


def _common(a, b):
    if len(a) != len(b):
        raise ValueError(f"The branches of a tf.cond, or the rounds of a loop, give ranks {len(a)} and {len(b)}.")
    return tuple([m if m.__class__ is int and m == n else None for m, n in zip(a, b)])


# Loops. The operands are the loop's n variables; the m that the test captures, or, where there is no test, the number
# of rounds; what the body captures; and p stacks, of which each round gets a row, the last one first if `reverse`. The
# outputs are the variables, the number of rounds if it `counts`, and a stack of each other output of the body; rows of
# several shapes are refused in the first `exact` stacks, and kept as they are in those that derivatives asked for.


def _run_loop(*operands):
    *xs, test, body, n, m, p, reverse, counts, exact = operands
    border = len(xs) - p
    carry, of_test, captured, stacks = xs[:n], xs[n : n + m], xs[n + m : border], xs[border:]
    run = runner(body)
    rows = []
    count = 0
    if test is None:
        count = int(of_test[0])
        for t in reversed(range(count)) if reverse else range(count):
            found = run([*carry, *captured, *[stack[t] for stack in stacks]])
            carry = found[:n]
            rows.append(found[n:])
    else:
        check, kept = runner(test), len(body.outputs) > n
        while check([*carry, *of_test])[0]:
            found = run([*carry, *captured])
            carry = found[:n]
            count += 1
            if kept:
                rows.append(found[n:])
    if reverse:
        rows.reverse()
    out = [*carry, np.int64(count)] if counts else list(carry)
    columns = zip(*rows) if rows else [()] * (len(body.outputs) - n)
    columns = enumerate(zip(columns, body.outputs[n:]))
    return out + [_stacked(column, *body.types[slot], i < exact) for i, (column, slot) in columns]


def _stacked(rows, shape, dtype, exact=False):
    if not rows:
        return np.zeros((0, *[m or 0 for m in public(shape)]), dtype)
    if all([row.shape == rows[0].shape for row in rows]):
        return np.stack(rows)
    if exact:
        other = next(row for row in rows if row.shape != rows[0].shape)
        raise invalid_argument(f"Incompatible shapes during merge: {list(rows[0].shape)} vs. {list(other.shape)}")
    out = np.empty(len(rows), object)  # rows of several shapes: only the loop back reads them, one by one
    for i, row in enumerate(rows):
        out[i] = row
    return out


def _loop_now(xs, attrs):
    from tapeflow.ops.packing import stack

    if thread.trace is not None:
        return None
    test, body, n, m, p, reverse, counts, exact = attrs
    border = len(xs) - p
    carry, of_test, captured, stacks = list(xs[:n]), xs[n : n + m], xs[n + m : border], xs[border:]
    rows = []

    def go(*row):
        nonlocal carry
        found = evaluate(body, [*carry, *captured, *row])
        carry = found[:n]
        rows.append(found[n:])

    if test is None:
        rounds = range(int(of_test[0]))
        for t in reversed(rounds) if reverse else rounds:
            go(*[s[t] for s in stacks])
    else:
        while True:
            (going,) = evaluate(test, [*carry, *of_test])
            if going.__class__ is not EagerTensor:
                return None  # one answer for each example of a batch
            if not going._array:
                break
            go()
    if reverse:
        rows.reverse()
    if rows:
        stacked = [stack(list(column)) for column in zip(*rows)]
    else:
        stacked = [EagerTensor(_stacked((), *body.types[slot])) for slot in body.outputs[n:]]
    return [*carry, *([EagerTensor(np.int64(len(rows)))] if counts else []), *stacked]


def _pull_loop(mask, xs, ys, attrs, gs):
    if ys[0].__class__ is not SymbolicTensor:
        return _recomputed(LOOP, mask, xs, attrs, gs)
    trace, node, places = _node_of(ys)
    test, body, n, m, p, reverse, counts, exact = node.attrs
    border = len(xs) - p
    # The inputs of the body as numbers of operands: its captures follow the test's.
    operand = [*range(n), *range(n + m, len(xs))]
    wanted = tuple([
        i for i, j in enumerate(operand) if space.is_inexact(xs[j]) and (j < n or mask >> j & 1)
    ])  # fmt: skip
    given = {place: g for place, g in zip(places, gs)}
    carried = [i for i in wanted if i < n]
    stacked = [place for place, y in zip(places, ys) if place >= n and space.is_inexact(y)]
    asked = tuple([*carried, *[place - counts for place in stacked]])  # the body's outputs

    def extend():
        derivative = _derivative(body, wanted, asked)
        # What the rounds read all the same, and rows of stacks, need not be stacked again.
        first = [] if counts else [trace.declared((), np.dtype(np.int64))]
        kept = []
        for is_input, i in derivative.sources:
            if is_input and i < n:
                kept.append(derivative.forward.inputs[i])
        graph = derivative.forward.with_nodes(derivative.forward.nodes)
        graph.cache["reads"] = derivative.forward.cache["reads"]
        graph.outputs = [*graph.outputs, *kept]
        types = [graph.types[slot] for slot in (*derivative.made, *kept)]
        size = _row_count(xs[border:])
        made = _new_outputs(trace, [((size, *public(shape)), dtype) for shape, dtype in types])
        outputs = node.outputs
        node.outputs = (*outputs[:n], *[t._slot for t in first], *outputs[n:], *[t._slot for t in made])
        node.attrs = (test, graph, n, m, p, reverse, True, exact)
        return derivative, made

    derivative, made = _extended(trace, node, xs, (wanted, asked), extend)
    count = SymbolicTensor(trace, node.outputs[n], (), np.dtype(np.int64))
    ends = [SymbolicTensor(trace, node.outputs[i], *trace.graph.types[node.outputs[i]]) for i in carried]
    cotangents = [_zeros(end) if given.get(i) is None else given[i] for i, end in zip(carried, ends)]
    captures = [i for i in wanted if n <= i and operand[i] < border]
    of_stacks = [i for i in wanted if operand[i] >= border]
    totals = [_zeros(xs[operand[i]]) for i in captures]
    # The residuals: captures come as they are, all else as rows.
    same, rows, plan, again = [], [], [], iter(made[len(derivative.made) :])
    for is_input, i in derivative.sources:
        if is_input and n <= i and operand[i] < border:
            plan.append((same, len(same)))
            same.append(xs[operand[i]])
        else:
            plan.append((rows, len(rows)))
            rows.append(xs[operand[i]] if is_input and i >= n else next(again) if is_input else made[i])
    of_ys = [_zeros(y) if given[place] is None else given[place]
             for place, y in zip(places, ys) if place in stacked]  # fmt: skip

    def round_back(*operands):
        operands = list(operands)
        gs_now, totals_now = operands[: len(carried)], operands[len(carried) : len(carried) + len(captures)]
        rest = operands[len(carried) + len(captures) :]
        values = {id(same): rest[: len(same)], id(rows): rest[len(same) : len(same) + len(rows)]}
        gs_ys = rest[len(same) + len(rows) :]
        residuals = [values[id(kind)][i] for kind, i in plan]
        found = dict(zip(wanted, evaluate(derivative.backward, [*residuals, *gs_now, *gs_ys])))
        return [
            *[found[i] for i in carried], *[space.add(t, found[i]) for t, i in zip(totals_now, captures)],
            *[found[i] for i in of_stacks],
        ]  # fmt: skip

    back = _back(round_back, [*cotangents, *totals], same, [*rows, *of_ys])
    found = counted_loop(back, count, [*cotangents, *totals], same, [*rows, *of_ys], not reverse)
    out = [None] * len(xs)
    for i, g in zip((*carried, *captures, *of_stacks), found):
        out[operand[i]] = g
    return out


def _back(function, carry, captured, stacks):
    """The graph of one round of a counted loop: `function` of the variables, captures, and rows of stacks."""
    with Trace("back") as trace:
        types = [(t._shape, t._dtype) for t in (*carry, *captured)] + [(t._shape[1:], t._dtype) for t in stacks]
        inputs = [trace.input(public(shape), dtype) for shape, dtype in types]
        outputs = [trace.lift(t) for t in function(*inputs)]
    trace.graph.outputs = [t._slot for t in outputs]
    return simplified(trace.graph)


def counted_loop(body, count, carry, captured, stacks, reverse):
    """The node of a loop of `count` rounds over the rows of stacks: the last variables, and a stack of each more."""
    n = len(carry)
    types = [(_loose(t._shape, body.types[s][0]), t._dtype) for t, s in zip(carry, body.outputs)]
    size = _row_count(stacks)
    types += [((size, *public(body.types[s][0])), body.types[s][1]) for s in body.outputs[n:]]
    attrs = (None, body, n, 1, len(stacks), reverse, False, 0)
    return _append(LOOP, [*carry, count, *captured, *stacks], attrs, types)


def _row_count(stacks):
    """How many rows stacks have, None if it is not known."""
    return next((t._shape[0] for t in stacks if t._shape[0].__class__ is int), None)


def _loose(a, b):
    return tuple([m if m.__class__ is int and m == k else None for m, k in zip(a, b)])


LOOP = general(
    "While", _run_loop, None, lambda gs, ys, xs: None, operands="*", attrs="test body n m p reverse counts exact",
    many=True,
)  # fmt: skip
LOOP.pull, LOOP.push = _pull_loop, _push(LOOP)
INLINE[LOOP] = _loop_now


# Batches in a trace: the same nodes, with graphs that do all the examples at once.


def _of_batch(graph, size, flags):
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


def _all_batched(trace, outs, carry, wanted, size):
    """The finished graph, the outputs in `wanted` repeated for the batch where they do not carry it."""
    with trace:
        outs = [
            trace.lift(broadcast_static(t, (size, *t._shape))) if want and not have else t
            for t, have, want in zip(outs, carry, wanted)
        ]
    trace.graph.outputs = [t._slot for t in outs]
    return simplified(trace.graph)


def _payloads(level, tensors):
    flags = [t.__class__ is BatchTensor and t._level == level for t in tensors]
    size = next(t._size for t, flag in zip(tensors, flags) if flag)
    return size, flags, [t._payload if flag else t for t, flag in zip(tensors, flags)]


def _batched_cond(level, tensors, attrs):
    from tapeflow.ops.compare import where

    taken, other, n = attrs
    size, flags, payloads = _payloads(level, tensors)
    if flags[0]:  # both happen, and each example picks its own
        if any(effect_of(node) == "write" for graph in (taken, other) for node in graph.nodes):
            raise NotImplementedError("A tf.cond whose branches have effects cannot depend on a tensor of a batch.")
        ones, twos = evaluate(taken, tensors[1 : 1 + n]), evaluate(other, tensors[1 + n :])
        return [where(tensors[0], one, two) for one, two in zip(ones, twos)]
    made = [_of_batch(taken, size, flags[1 : 1 + n]), _of_batch(other, size, flags[1 + n :])]
    wanted = [a or b for a, b in zip(made[0][2], made[1][2])]
    graphs = [_all_batched(*parts, wanted, size) for parts in made]
    types = [
        (_common(graphs[0].types[a][0], graphs[1].types[b][0]), graphs[0].types[a][1])
        for a, b in zip(graphs[0].outputs, graphs[1].outputs)
    ]
    outs = _append(COND, payloads, (*graphs, n), types)
    return [BatchTensor(t, level) if want else t for t, want in zip(outs, wanted)]


def _batched_loop(level, tensors, attrs):
    test, body, n, m, p, reverse, counts, exact = attrs
    size, flags, payloads = _payloads(level, tensors)
    border = len(tensors) - p
    carried = flags[:n]
    while True:
        trace, outs, carry = _of_batch(body, size, [*carried, *flags[n + m :]])
        more = [a or b for a, b in zip(carried, carry)]
        if more == carried:
            break
        carried = more
    if test is not None:
        used = {slot for node in test.nodes for slot in node.inputs} | set(test.outputs)
        if any(flag and slot in used for flag, slot in zip([*carried, *flags[n : n + m]], test.inputs)):
            raise NotImplementedError("The condition of a tf.while_loop cannot depend on a tensor of a batch.")
    wanted = [*carried, *carry[n:]]
    graph = _all_batched(trace, outs, carry, wanted, size)
    payloads = [
        *[broadcast_static(t, (size, *t._shape)) if now and not flag else t
          for t, now, flag in zip(payloads, carried, flags)],
        *payloads[n:border],
        *[_swapped(t) if flag else t for t, flag in zip(payloads[border:], flags[border:])],
    ]  # fmt: skip
    types = [(_loose(t._shape, graph.types[s][0]), t._dtype) for t, s in zip(payloads, graph.outputs[:n])]
    types += [((), np.dtype(np.int64))] if counts else []
    rows = _row_count(payloads[border:])
    types += [((rows, *public(graph.types[s][0])), graph.types[s][1]) for s in graph.outputs[n:]]
    outs = _append(LOOP, payloads, (test, graph, n, m, p, reverse, counts, exact), types)
    wanted[n:n] = [False] if counts else []
    return [
        BatchTensor(_swapped(t) if i >= n else t, level) if want else t
        for i, (t, want) in enumerate(zip(outs, wanted))
    ]


def _swapped(stack):
    """Examples of rows as rows of examples, and back."""
    return transpose_static(stack, (1, 0, *range(2, len(stack._shape))))


_BATCHED = {COND: _batched_cond, LOOP: _batched_loop}


def while_loop(
    cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True, swap_memory=False,
    maximum_iterations=None, name=None, names=None,
):  # fmt: skip
    """See `tapeflow.ops.control_flow.while_loop`; here in a trace, as one node. `names`: AutoGraph's, for errors."""
    if maximum_iterations is not None:
        return _limited(cond, body, loop_vars, shape_invariants, maximum_iterations, names)
    structure, flat, put, types = _entered(lambda: body(*loop_vars), list(loop_vars), shape_invariants)

    def run(*values):
        found = body(*put(list(values)))
        one = len(loop_vars) == 1
        if one and (not isinstance(found, (list, tuple)) or nest.is_nested(structure[0]) and len(found) != 1):
            found = [found]
        return _left(structure, list(found))

    loop, (found, last) = traced("body", run, types)
    _check_rounds(flat, types, found, structure, names)
    test, pred = traced(
        "test", lambda *values: thread.trace.lift(_tensor(cond(*put(list(values))))), types,
        frozenset(assigned_in(loop.graph)),
    )  # fmt: skip
    if assigned_in(test.graph) & set(loop.hoisted):  # what the test assigns, the body reads anew
        loop, (found, last) = traced("body", run, types, frozenset(assigned_in(test.graph)))
    outs = _append(
        LOOP, [*flat, *test.captures, *loop.captures],
        (test.finished([pred]), loop.finished(found), len(flat), len(test.captures), 0, False, False, 0),
        [(public(shape), dtype) for shape, dtype in types],
    )  # fmt: skip
    packed = last(outs)
    return packed if isinstance(loop_vars, list) else type(loop_vars)(packed)


def for_loop(body, loop_vars, rows, reverse=False, shape_invariants=None, names=None):
    """A loop over the rows of tensors, as one node: the last `loop_vars`, a list, and a list of stacks.

    `body(*loop_vars, *rows)` gives the next variables, in the same structure, and a list of tensors to be stacked.
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.shaping import shape

    rows = [convert_to_tensor(t) for t in rows]
    of_rows = [(t._shape[1:], t._dtype) for t in rows]
    structure, flat, put, types = _entered(
        lambda *row: body(*loop_vars, *row)[0], list(loop_vars), shape_invariants, of_rows
    )
    n = len(flat)

    def run(*values):
        found, stacked = body(*put(list(values[:n])), *values[n:])
        return (*_left(structure, list(found)), [thread.trace.lift(_tensor(t)) for t in stacked])

    loop, (found, last, stacked) = traced("body", run, [*types, *of_rows])
    _check_rounds(flat, types, found, structure, names)
    outs = _append(
        LOOP, [*flat, cast(shape(rows[0])[0], "int64"), *loop.captures, *rows],
        (None, loop.finished([*found, *stacked], n, len(rows)), n, 1, len(rows), reverse, False, len(stacked)),
        [(public(shape), dtype) for shape, dtype in types]
        + [((public(rows[0]._shape)[0], *public(t._shape)), t._dtype) for t in stacked],
    )  # fmt: skip
    return last(outs[:n]), outs[n:]


def _entered(body, structure, shape_invariants, of_rows=()):
    """The loop's variables: their structure, tensors, how to put others in their places, and their types."""
    structure = _begun(body, structure, of_rows)
    flat, put = opened(structure)
    types = [(t._shape, t._dtype) for t in flat]
    if shape_invariants is not None:
        return structure, flat, put, _said(list(shape_invariants), structure, types)
    loose = _loose_axes(structure)
    return structure, flat, put, [
        (tuple([None if axis in axes else k for axis, k in enumerate(shape)]), dtype)
        for (shape, dtype), axes in zip(types, loose)
    ]


def _left(structure, found):
    """What a round gives, as tensors of the trace, and how to put others in their places."""
    try:
        nest.assert_same_structure(structure, found, check_types=False)
    except TypeError as error:
        raise ValueError(str(error)) from None
    after, last = opened(found)
    return [thread.trace.lift(t) for t in after], last


def _limited(cond, body, loop_vars, shape_invariants, maximum_iterations, names):
    from tapeflow.ops.compare import logical_and

    limit = convert_to_tensor(maximum_iterations)
    count = convert_to_tensor(0, limit.dtype)

    def counting(i, *values):
        found = body(*values)
        return (i + 1, *(found if isinstance(found, (list, tuple)) else [found]))

    found = while_loop(
        lambda i, *values: logical_and(i < limit, cond(*values)), counting, [count, *loop_vars],
        None if shape_invariants is None else [count.shape, *shape_invariants], names=names and ["the count", *names],
    )  # fmt: skip
    return type(loop_vars)(found[1:])


def _begun(body, structure, of_rows):
    """The loop's variables, those that do not know yet what they will hold with what the first round tells."""
    if not any(hasattr(type(leaf), "_parts") and leaf._is_blank() for leaf in nest.flatten(structure)):
        return structure

    def once(*row):
        found = body(*row)
        return nest.map_structure(settled, list(found) if isinstance(found, (list, tuple)) else [found])

    _, after = traced("first", once, of_rows)
    leaves = [
        old._like(new) if hasattr(type(old), "_parts") and old._is_blank() else old
        for old, new in zip(nest.flatten(structure), nest.flatten(after))
    ]
    return nest.pack_sequence_as(structure, leaves)


def _loose_axes(structure):
    """For each tensor of a structure, the axes whose size may change from round to round."""
    out = []
    for leaf in nest.flatten(structure):
        out += [] if leaf is None else leaf._loose_axes() if hasattr(type(leaf), "_parts") else [()]
    return out


def _said(invariants, structure, types):
    """The types of the loop's variables under `shape_invariants`."""
    out, types = [], iter(types)
    for leaf, shape in _pairs(structure, invariants):
        if leaf is None:
            continue
        if hasattr(type(leaf), "_parts"):
            for loose in leaf._loose_axes():
                known, dtype = next(types)
                out.append((tuple([None if axis in loose else k for axis, k in enumerate(known)]), dtype))
            continue
        known, dtype = next(types)
        shape = TensorShape(shape.shape if hasattr(shape, "shape") else shape)
        out.append((known if shape.rank is None else tuple(shape.as_list()), dtype))
    return out


def _pairs(structure, invariants):
    """Each leaf of a structure with its shape: a shape is no structure."""
    if isinstance(structure, dict):
        return [pair for key in sorted(structure) for pair in _pairs(structure[key], invariants[key])]
    if isinstance(structure, (list, tuple)):
        return [pair for item, shapes in zip(structure, invariants, strict=True) for pair in _pairs(item, shapes)]
    return [(structure, invariants)]


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


__all__ = ["COND", "LOOP", "cond", "counted_loop", "for_loop", "joined", "opened", "settled", "traced",
           "while_loop"]  # fmt: skip
