"""Native loops: a `While` of the graph whose body does nothing but compute is one native function.

The test and the body are graphs with plans of their own (`Region`), whose groups are written into the loop's function,
one after the other. What a round gives is written to other memory than what it reads, and the two change places; single
numbers are LLVM's stack slots, which its passes keep in registers; where a round writes one of many rows, it does so in
place.
A check that fails ends the call, and everything is done again on NumPy, which says what is wrong: a loop that only
computes can be run again. An `If` whose branches are short is a choice between what both give; in a native loop a long
one is a native branch. `loop_code` writes them.
"""

import numpy as np

from tapeflow.compiler import program
from tapeflow.compiler.lowerings import COSTS
from tapeflow.compiler.plan import Planner, Unsupported
from tapeflow.compiler.program import LEAF, LOOP, NUMBER, ROUTINE, Term, mapped
from tapeflow.compiler.routines import routine_of
from tapeflow.compiler.split import cost
from tapeflow.compiler.types import BOOL, I64, REGISTER
from tapeflow.graph.passes import asserts, only_computes
from tapeflow.graph.rounds import rounds_of
from tapeflow.graph.specialize import Misfit, specialized

SOON = 100_000_000  # simple instructions, some hundredths of a second
CHOICE = 2000  # simple instructions in the branches of an `If`, up to which both are computed


def native_control(planner, node, operands):
    """The terms of an `If` or a `While` that can be native; None for any other node."""
    make = {"If": _choice, "While": _loop}.get(node.prim.name)
    if make is None or not only_computes(node) or any(x.dtype not in REGISTER for x in operands):
        return None
    found = make(planner, node, operands)
    return _branch(planner, node, operands) if found is None and make is _choice else found


# If: both branches, if they are short, and a choice between what they give.


def _choice(planner, node, operands):
    taken, other, n = node.attrs
    pred = operands[0]
    if pred.shape != () or pred.dtype != BOOL or any(x.shape is None for x in operands):
        return None
    checks = planner.plan.checks
    before = list(checks)
    found = []
    for graph, xs, holds in (
        (taken, operands[1 : 1 + n], pred), (other, operands[1 + n :], mapped("LogicalNot", BOOL, pred)),
    ):  # fmt: skip
        try:
            outputs = _inlined(planner, specialized(graph, [x.shape for x in xs]), xs)
        except Misfit:  # of a branch that is not taken for these shapes
            outputs = None
        if outputs is None:
            checks[:] = before
            return None
        checks[len(before) :] = [mapped("LogicalAnd", BOOL, holds, wrong) for wrong in checks[len(before) :]]
        before = list(checks)
        found.append(outputs)
    if any(x.shape != y.shape for x, y in zip(*found)):
        checks[:] = before
        return None
    return [mapped("SelectV2", x.dtype, pred, x, y, where=node.where) for x, y in zip(*found)]


def _inlined(planner, graph, operands):
    """The terms of a branch's outputs; None if it is long, or has what is not native."""
    values = dict(zip(graph.inputs, operands))
    for slot, tensor in graph.constants.items():
        values[slot] = planner._constant(f"b{len(planner.plan.constants)}", np.asarray(tensor._array))
    work = 0
    for node in graph.nodes:
        xs = tuple([values[slot] for slot in node.inputs])
        if node.prim.name == "If":
            found = _choice(planner, node, xs)
        else:
            found = planner._translated(node, xs, graph.types)
        if found is None:
            return None
        values.update(zip(node.outputs, found))
        elements = max([int(np.prod(x.shape)) for x in (*xs, *found)])
        work += elements * COSTS.get(node.prim.name, 1) * (xs[0].shape[-1] if "MatMul" in node.prim.name else 1)
        for term in map(program.same_memory, found):
            if term.kind == ROUTINE:
                work += routine_of(term).items(term) * routine_of(term).cost(term)
    if work > CHOICE or any(slot not in values or values[slot].dtype not in REGISTER for slot in graph.outputs):
        return None
    return [values[slot] for slot in graph.outputs]


class Branch:
    """A native branch: the regions of an `If`; the first `n` operands after the predicate are the first one's."""

    def __init__(self, node, regions):
        self.where = node.where
        self.n = node.attrs[2]
        self.regions = regions
        self.may_fail = any(region.may_fail() for region in regions)

    def named(self):
        """The regions, by what they are."""
        return [("if so", self.regions[0]), ("if not", self.regions[1])]


def _branch(planner, node, operands):
    """The terms of an `If` in a native loop. Outside of one it is Python's: that costs little there."""
    *graphs, n = node.attrs
    if not isinstance(planner, Region) or operands[0].shape != () or operands[0].dtype != BOOL:
        return None
    if any(x.shape is None or 0 in x.shape for x in operands):
        return None
    try:
        regions = [
            Region(specialized(graph, [x.shape for x in xs]), planner.plan, 0)
            for graph, xs in zip(graphs, (operands[1 : 1 + n], operands[1 + n :]))
        ]
    except (Unsupported, Misfit):
        return None
    outputs = list(zip(*[region.plan.outputs for region in regions]))
    if any(x.shape != y.shape or 0 in x.shape or x.dtype not in REGISTER for x, y in outputs):
        return None
    branch = Branch(node, regions)
    found = [Term(LOOP, x.shape, x.dtype, operands, (branch, i), node.where) for i, (x, _) in enumerate(outputs)]
    if asserts(node) and not found:  # a term for its own sake
        found.append(Term(LOOP, (), BOOL, operands, (branch, len(outputs)), node.where))
    return found


# While.


class Region(Planner):
    """The planning of a graph that is part of a native loop: its first `carried` inputs and outputs are its variables.

    Raises Unsupported where a NumPy kernel would have to run.
    """

    def __init__(self, graph, root, carried):
        self.root = root
        self.carried = carried
        self.in_place = set()  # numbers of variables of which a round writes a row
        super().__init__(graph, 0)

    def _translate(self):
        self.plan.constants = self.root.constants
        super()._translate()
        self.inputs = [self.leaves["input", i] for i in range(len(self.graph.inputs))]

    def _constant(self, slot, array):
        if array.dtype not in REGISTER or not array.size:
            raise Unsupported("a constant that is not native")
        return super()._constant(f"b{len(self.plan.constants)}", array)

    def _on_host(self, node, values, ordered):
        raise Unsupported(f"{node.prim.name} runs on NumPy")

    def _read(self, variable):
        raise Unsupported("a loop that reads variables")

    def _place(self):
        """Give all that is wanted a group; rows that are written in place come last, when the old ones are read."""
        outputs, schedule = self.plan.outputs, self.schedule
        for check in self.plan.checks:
            schedule.store(check)
        for _, term in self.ordered:  # with assertions in them
            schedule.place(term)
        known = set()
        for i in sorted(range(len(outputs)), key=lambda i: _is_over(outputs[i])):
            if self.stays(i):
                continue
            if outputs[i].kind == LEAF or outputs[i] in known:
                outputs[i] = program.copied(outputs[i])
            known.add(outputs[i])
            schedule.store(outputs[i])

    def stays(self, i):
        """Whether a variable is the same after a round."""
        return i < self.carried and self.plan.outputs[i] is self.inputs[i]

    def _choose_in_place(self):
        """Rows are written in place if everybody else reads the old ones before."""
        location, readers = self.plan.location, self.schedule.readers
        for i, term in enumerate(self.plan.outputs[: self.carried]):
            chain = []
            while _is_over(term):
                chain.append(term)
                term = term.args[0]
            safe = chain and term is self.inputs[i]
            for new in chain:
                old = new.args[0]
                safe = safe and all(n < new.group or n == new.group for n, _ in readers[old])
                safe = safe and old not in new.args[1:] and (old is term or old not in self.plan.outputs)
            if safe:
                self.in_place.add(i)
                location.update(dict.fromkeys(chain, ("input", i)))
        self._locate_outputs()

    def _locate_outputs(self):
        """Single numbers are on the stack; the other outputs are where the loop says."""
        plan = self.plan
        for group in self.schedule.groups:
            for term in group.terms:
                if term.stored and term not in plan.location and np.prod(term.shape) == 1:
                    plan.location[term] = ("stack", len(plan.stack))
                    plan.stack.append(term.dtype)
        for i, term in enumerate(plan.outputs):
            plan.location.setdefault(term, ("round", i))

    def may_fail(self):
        """Whether a check may end the call."""
        loops = [group.loop for group in self.schedule.groups if group.loop is not None]
        return bool(self.plan.checks) or any(loop.may_fail for loop in loops)


def _is_over(term):
    """Whether a term can be written over its first operand."""
    return term.kind == ROUTINE and routine_of(term).over_first


class Loop:
    """A native loop: its regions, and what its node says. See `tracing/loop_node.py`."""

    def __init__(self, node, test, body, rounds, count):
        _, _, self.n, self.m, self.p, self.reverse, self.counts, _ = node.attrs
        self.where = node.where
        self.test = test  # a Region; None in a loop whose rounds are counted
        self.body = body  # a Region
        self.rounds = rounds  # how many there are, None if only the run can tell
        self.kept = body.plan.outputs[self.n :]  # what each round adds to a stack
        # Memory is made for as many rounds as are foreseen: others (of an integer that wraps) are for NumPy.
        sure = count is not None and count.kind == NUMBER and count.attrs == rounds
        self.guarded = rounds is not None and not sure
        grows = rounds is None and bool(self.kept)
        self.may_fail = self.guarded or grows or body.may_fail() or test is not None and test.may_fail()

    def named(self):
        """The regions, by what they are."""
        return [("test", self.test), ("body", self.body)] if self.test is not None else [("body", self.body)]

    def row(self, term):
        """The (shape, dtype) of a row of one of its stacks."""
        kept = self.body.plan.outputs[term.attrs[1] - 1]
        return kept.shape, kept.dtype


def _loop(planner, node, operands):
    test, body, n, m, p, reverse, counts, exact = node.attrs
    border = len(operands) - p
    if any(x.shape is None or 0 in x.shape for x in operands[:border]):
        return None
    of_rows = [body.types[slot][0] for slot in body.inputs[len(body.inputs) - p :]]
    rows = [y if x.shape is None else x.shape[1:] for x, y in zip(operands[border:], of_rows)]
    if any(len(given) != len(traced) for given, traced in zip(rows, of_rows)):
        return None  # rows of several shapes: an array of arrays
    if any(x.shape is not None and x.shape[0] == 0 for x in operands[border:]):
        return None
    try:
        shapes = [*[x.shape for x in operands[:n]], *[x.shape for x in operands[n + m : border]], *rows]
        if any(k.__class__ is not int or not k for shape in shapes for k in shape):
            return None
        of_body = Region(specialized(body, shapes), planner.plan, n)
        of_test = None
        if test is not None:
            of_test = Region(specialized(test, [x.shape for x in operands[: n + m]]), planner.plan, 0)
    except (Unsupported, Misfit):
        return None
    plan = of_body.plan
    if any(x.shape != y.shape or x.dtype != y.dtype for x, y in zip(operands, plan.outputs[:n])):
        return None
    if any(x.dtype not in REGISTER or 0 in x.shape for x in plan.outputs):
        return None
    if of_test is not None and of_test.plan.outputs[0].shape != ():
        return None
    rounds = _rounds(planner, node, operands)
    if rounds == 0 or rounds is None and len(plan.outputs) > n and isinstance(planner, Region):
        return None
    loop = Loop(node, of_test, of_body, rounds, operands[n] if test is None else None)
    if planner.happened and loop.may_fail:  # after an effect, nothing can be done over
        return None

    def result(number, shape, dtype):
        return Term(LOOP, shape, dtype, operands, (loop, number), node.where)

    found = [x if of_body.stays(i) else result(i, x.shape, x.dtype) for i, x in enumerate(operands[:n])]
    if counts:
        found.append(result(n, (), I64) if rounds is None else program.number(rounds, I64))
    found += [
        result(n + 1 + k, None if rounds is None else (rounds, *x.shape), x.dtype)
        for k, x in enumerate(plan.outputs[n:])
    ]
    if asserts(node) and not any(x.kind == LOOP for x in found):  # a term for its own sake
        found.append(result(n, (), I64))
    return found


def is_short(terms):
    """Whether the loop that gives the terms, if it is one, is known to be over soon: others wait for its variables."""
    return all(_cost(x.attrs[0]) < SOON for x in terms if x.kind == LOOP)


def _cost(control):
    """How many simple instructions a loop, or both sides of a branch, are about."""
    rounds = control.rounds if control.__class__ is Loop else 1
    if rounds is None:
        return np.inf
    groups = [group for _, region in control.named() if region for group in region.plan.schedule.groups]
    return rounds * sum(cost(group) if group.loop is None else _cost(group.loop) for group in groups)


def _rounds(planner, node, operands):
    """How many rounds a loop makes; None if only the run can tell."""
    def known(i):
        x = operands[i]
        return x.attrs if x.kind == NUMBER else None

    return rounds_of(node, known, [x.shape for x in operands])
