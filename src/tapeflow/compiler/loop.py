"""Native loops: a `While` of the graph whose body does nothing but compute is one native function.

The test and the body are graphs with plans of their own (`Region`), whose groups are written into the loop's function,
one after the other. What a round gives is written to other memory than what it reads, and the two change places; single
numbers are LLVM's stack slots, which its passes keep in registers; where a round writes one of many rows, it does so in
place.
A check that fails ends the call, and everything is done again on NumPy, which says what is wrong: a loop that only
computes can be run again. So that it can be interrupted, and other threads run, a loop calls `poll` now and then.
"""

import ctypes

import numpy as np

from tapeflow.compiler import program
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.lowerings import COSTS, cast
from tapeflow.compiler.plan import Planner, Unsupported
from tapeflow.compiler.program import LEAF, LOOP, NUMBER, ROUTINE, Term, mapped
from tapeflow.compiler.routines import routine_of
from tapeflow.compiler.types import BOOL, I64, REGISTER, memory_type
from tapeflow.graph.passes import effect_of
from tapeflow.graph.rounds import rounds_of
from tapeflow.graph.specialize import specialized

POLL = 1_000_000  # simple instructions, some tenths of a millisecond, after which a loop looks for interrupts
CHOICE = 2000  # simple instructions in the branches of an `If`, up to which both are computed

FAILED, INTERRUPTED = 1, 3  # a native function's results; see `driver.Stop`


def native_control(planner, node, operands):
    """The terms of an `If` or a `While` that can be native; None for any other node."""
    make = {"If": _choice, "While": _loop}.get(node.prim.name)
    if make is None or effect_of(node) is not None or any(x.dtype not in REGISTER for x in operands):
        return None
    return make(planner, node, operands)


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
        outputs = _inlined(planner, specialized(graph, [x.shape for x in xs]), xs)
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
    if work > CHOICE or any(slot not in values or values[slot].dtype not in REGISTER for slot in graph.outputs):
        return None
    return [values[slot] for slot in graph.outputs]


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
    """A native loop: its regions, and what its node says. See `tracing/control_flow.py`."""

    def __init__(self, node, test, body, rounds):
        _, _, self.n, self.m, self.p, self.reverse, self.counts, _ = node.attrs
        self.where = node.where
        self.test = test  # a Region; None in a loop whose rounds are counted
        self.body = body  # a Region
        self.rounds = rounds  # how many there are, None if only the run can tell
        self.kept = body.plan.outputs[self.n :]  # what each round adds to a stack
        # Memory is made for as many rounds as are foreseen: others (of an integer that wraps) are for NumPy.
        self.guarded = rounds is not None and bool(self.kept or self.p or test is not None)
        grows = rounds is None and bool(self.kept)
        self.may_fail = self.guarded or grows or body.may_fail() or test is not None and test.may_fail()


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
    except Unsupported:
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
    loop = Loop(node, of_test, of_body, rounds)
    if planner.happened and loop.may_fail:  # after an effect, nothing can be done over
        return None

    def result(number, shape, dtype):
        return Term(LOOP, shape, dtype, operands, (loop, number), node.where)

    found = [x if of_body.stays(i) else result(i, x.shape, x.dtype) for i, x in enumerate(operands[:n])]
    if counts:
        found.append(result(n, (), I64) if rounds is None else program.number(rounds, I64))
    return found + [
        result(n + 1 + k, None if rounds is None else (rounds, *x.shape), x.dtype)
        for k, x in enumerate(plan.outputs[n:])
    ]


def _rounds(planner, node, operands):
    """How many rounds a loop makes; None if only the run can tell."""
    def known(i):
        x = operands[i]
        return x.attrs if x.kind == NUMBER else None

    return rounds_of(node, known, [x.shape for x in operands])


# Code.


def write(module, plan, group, main, place):
    """Write the code of a group that is a loop."""
    _LoopCode(module, plan, group, main, place).write()


def _bytes(term):
    return int(np.prod(term.shape)) * term.dtype.itemsize


def _copy(b, term, target, source):
    """Copy a value of a term's type."""
    if np.prod(term.shape) == 1:
        b.store(b.load(source, memory_type(term.dtype)), target)
    else:
        b.move(target, source, _bytes(term))


class _LoopCode:
    """The function of a loop, with a parameter for each location around it that it uses, and the call of it."""

    def __init__(self, module, plan, group, main, place):
        self.module = module
        self.plan = plan
        self.group = group
        self.loop = group.loop
        self.main = main
        self.place = place
        self.b = Emitter()
        self.slots = []  # the lines that make the stack slots
        self.parameters = {}  # a location around: the parameter
        loop, operands = group.loop, group.terms[0].args
        border = len(operands) - loop.p
        self.carry, self.of_test = operands[: loop.n], operands[loop.n : loop.n + loop.m]
        self.captured, self.rows = operands[loop.n + loop.m : border], operands[border:]
        self.out = {term.attrs[1]: plan.location[term] for term in group.terms}

    # Addresses.

    def around(self, location):
        """The parameter for a location around the loop."""
        found = self.parameters.get(location)
        if found is None:
            found = self.parameters[location] = Value("ptr", f"%a{len(self.parameters)}")
        return found

    def operand(self, term):
        return self.around(self.plan.location[term])

    def scratch(self, size):
        """Memory of the loop's own, or of one round's."""
        return self.around(self.plan.reserve(size))

    def slot(self, name, type):
        """A stack slot."""
        self.slots.append(f"  {name} = alloca {type}")
        return Value("ptr", name)

    def placed(self, tag, region, inputs, outputs):
        """`place` for a region: `inputs` and `outputs` are functions from a number to an address."""
        numbers = [self.slot(f"%{tag}{n}", memory_type(dtype)) for n, dtype in enumerate(region.plan.stack)]

        def place(location, offset=0):
            kind, number = location
            if kind == "stack":
                base = numbers[number]
            elif kind == "input":
                base = inputs(number)
            elif kind == "constant":
                base = self.around(location)
            elif kind == "arena":
                base, offset = Value("ptr", f"%{tag}scratch"), offset + number
            else:
                base = outputs(number)
            return self.b.further(base, offset)

        return place

    # The function.

    def write(self):
        loop, b = self.loop, self.b
        regions = [("t", loop.test), ("l", loop.body)] if loop.test else [("l", loop.body)]
        self.plan.inner += [region.plan for _, region in regions]
        self.t = self.slot("%round", "i64")
        b.store(b.const("i64", 0), self.t)
        self.grown = {i: at for i, at in self.out.items() if at[0] == "grown"}
        self.bases = {i: self.slot(f"%grown{i}", "ptr") for i in self.grown}
        self.room = self.slot("%room", "i64")
        b.store(b.const("i64", 0), self.room)
        for base in self.bases.values():
            b.store(Value("ptr", "null"), base)
        if loop.test is None or loop.guarded:
            self._count()
        self._enter()
        head, body, after = b.label(), b.label(), b.label()
        b.line(f"br label %{head}")
        b.start(head)
        going = self._going()
        b.line(f"br i1 {going.text}, label %{body}, label %{after}")
        b.start(body)
        self._round()
        self._poll(head)
        b.start(after)
        self._leave()
        self.module.declared |= b.declared
        scratch = [(f"%{tag}scratch", self.place(self.plan.reserve(region.plan.arena))) for tag, region in regions]
        given = [*[(value.text, self.place(location)) for location, value in self.parameters.items()], *scratch]
        names = ", ".join([f"ptr {name}" for name, _ in given])
        name = self.module.add("loop", f"({names}, ptr %fuel)", self.slots + b.lines, "i64")
        main = self.main
        addresses = ", ".join([f"ptr {address.text}" for _, address in given])
        status = main.new("i64", f"call i64 @{name}({addresses}, ptr %fuel)")
        main.leave_unless(main.icmp("eq", status, main.const("i64", 0)), status.text)

    def _count(self):
        loop, b = self.loop, self.b
        if loop.test is None:
            given = cast(b, b.load(self.operand(self.of_test[0]), memory_type(self.of_test[0].dtype)),
                         self.of_test[0].dtype, I64)  # fmt: skip
            self.count = given
            if loop.rounds is not None:
                b.leave_unless(b.icmp("eq", given, b.const("i64", loop.rounds)), FAILED)

    def _enter(self):
        """What is there before the first round."""
        loop, b, body = self.loop, self.b, self.loop.body
        self.first = {  # rows that grew in another loop are where its handle says
            rows: b.load(self.operand(rows), "ptr")
            for rows in self.rows if self.plan.location[rows][0] == "grown"
        }  # fmt: skip
        if self.grown and loop.test is None:
            self._grow(self.count)
        self.current, self.swapped = {}, []
        for i, term in enumerate(self.carry):
            source = self.operand(term)
            if body.stays(i):
                self.current[i] = lambda source=source: source
                continue
            if np.prod(term.shape) == 1:
                own = self.slot(f"%c{i}", memory_type(term.dtype))
                _copy(b, term, own, source)
                self.current[i] = lambda own=own: own
                continue
            one = self.around(self.out[i]) if i in self.out else self.scratch(_bytes(term))
            if i in body.in_place:
                _copy(b, term, one, source)
                self.current[i] = lambda one=one: one
                continue
            at, to = self.slot(f"%at{i}", "ptr"), self.slot(f"%to{i}", "ptr")
            b.store(source, at)
            b.store(one, to)
            self.current[i] = lambda at=at: b.load(at, "ptr")
            self.swapped.append((i, source, at, to, self.scratch(_bytes(term))))

    def _going(self):
        """Whether there is another round, an i1."""
        loop, b = self.loop, self.b
        if loop.test is None:
            return b.icmp("slt", b.load(self.t, "i64"), self.count)
        region = loop.test

        def inputs(number):
            return self.current[number]() if number < loop.n else self.operand(self.of_test[number - loop.n])

        place = self.placed("t", region, inputs, None)
        self._groups(region, place)
        (answer,) = region.plan.outputs
        location = region.plan.location[answer]
        return b.cast("trunc", b.load(place(location), "i8"), "i1")

    def _groups(self, region, place):
        for group in region.schedule.groups:
            if any(term.stored for term in group.terms):
                self.module.group(region.plan, group, self.b, place)

    def _row(self, base, shape, dtype, t):
        size = int(np.prod(shape)) * dtype.itemsize
        return self.b.address(base, self.b.mul(t, self.b.const("i64", size)), "i8")

    def _round(self):
        loop, b, body = self.loop, self.b, self.loop.body
        n, outputs = loop.n, loop.body.plan.outputs
        t = b.load(self.t, "i64")
        if loop.test is not None and loop.guarded:
            b.leave_unless(b.icmp("slt", t, b.const("i64", loop.rounds)), FAILED)
        if self.grown and loop.test is not None:
            full, fits = b.label(), b.label()
            room = b.load(self.room, "i64")
            b.line(f"br i1 {b.icmp('slt', t, room).text}, label %{fits}, label %{full}")
            b.start(full)
            self._grow(b.add(b.add(room, room), b.const("i64", 32)))
            b.line(f"br label %{fits}")
            b.start(fits)
        if loop.reverse:
            t = b.sub(b.sub(self.count, t), b.const("i64", 1))
        going_to = {i: to for i, _, _, to, _ in self.swapped}
        captured = n + len(self.captured)

        def of_inputs(number):
            if number < n:
                return self.current[number]()
            if number < captured:
                return self.operand(self.captured[number - n])
            rows, leaf = self.rows[number - captured], body.inputs[number]
            return self._row(self.first.get(rows) or self.operand(rows), leaf.shape, leaf.dtype, t)

        def of_outputs(i):
            if i < n:
                return b.load(going_to[i], "ptr")
            if n + 1 + i - n not in self.out:
                return self.scratch(_bytes(outputs[i]))
            base = b.load(self.bases[1 + i], "ptr") if 1 + i in self.bases else self.around(self.out[1 + i])
            return self._row(base, outputs[i].shape, outputs[i].dtype, t)

        place = self.placed("l", body, of_inputs, of_outputs)
        self._groups(body, place)
        for i, term in enumerate(outputs):
            location = body.plan.location[term]
            if i >= n and location[0] == "stack" and 1 + i in self.out:
                _copy(b, term, of_outputs(i), place(location))
        for i, term in enumerate(self.carry):
            if not body.stays(i) and np.prod(term.shape) == 1:
                _copy(b, term, self.current[i](), place(body.plan.location[outputs[i]]))
        for _, source, at, to, other in self.swapped:
            was, now = b.load(at, "ptr"), b.load(to, "ptr")
            b.store(now, at)
            first = b.icmp("eq", was, source)
            b.store(b.select(first, other, was), to)
        b.store(b.add(b.load(self.t, "i64"), b.const("i64", 1)), self.t)

    def _grow(self, room):
        """Make room for so many rounds in the stacks."""
        b = self.b
        for i, location in self.grown.items():
            shape, dtype = self.plan.grown[location[1]]
            size = b.mul(room, b.const("i64", int(np.prod(shape)) * dtype.itemsize))
            old = b.load(self.bases[i], "ptr")
            new = b.new("ptr", f"call ptr @PyMem_RawRealloc(ptr {old.text}, i64 {size.text})")
            b.leave_unless(b.new("i1", f"icmp ne ptr {new.text}, null"), FAILED)
            b.store(new, self.bases[i])
            b.store(new, self.around(location))
        b.store(room, self.room)

    def _poll(self, head):
        """The end of a round: now and then a look for interrupts."""
        loop, b = self.loop, self.b
        work = 4 + loop.body.plan.work + (loop.test.plan.work if loop.test is not None else 0)
        self.plan.work += work
        fuel = Value("ptr", "%fuel")
        left = b.sub(b.load(fuel, "i64"), b.const("i64", work))
        b.store(left, fuel)
        look = b.label()
        b.line(f"br i1 {b.icmp('slt', left, b.const('i64', 0)).text}, label %{look}, label %{head}")
        b.start(look)
        b.store(b.const("i64", POLL), fuel)
        b.leave_unless(b.icmp("eq", b.new("i32", "call i32 @poll()"), b.const("i32", 0)), INTERRUPTED)
        b.line(f"br label %{head}")

    def _leave(self):
        """What is there after the last round."""
        loop, b, body = self.loop, self.b, self.loop.body
        t = b.load(self.t, "i64")
        if loop.test is not None and loop.guarded:
            b.leave_unless(b.icmp("eq", t, b.const("i64", loop.rounds)), FAILED)
        for location in self.grown.values():
            b.store(t, b.further(self.around(location), 8))
        if loop.counts and loop.n in self.out:
            b.store(t, self.around(self.out[loop.n]))
        places = {i: at for i, _, at, _, _ in self.swapped}
        for i, term in enumerate(self.carry):
            if i not in self.out or i in body.in_place and np.prod(term.shape) != 1:
                continue
            target = self.around(self.out[i])
            if i not in places:
                _copy(b, term, target, self.current[i]())
                continue
            at = b.load(places[i], "ptr")
            move, after = b.label(), b.label()
            b.line(f"br i1 {b.icmp('eq', at, target).text}, label %{after}, label %{move}")
            b.start(move)
            _copy(b, term, target, at)
            b.line(f"br label %{after}")
            b.start(after)


class Stack:
    """What a loop leaves of each of its rounds, whose number was not known. `handle`: an address, how many rows."""

    def __init__(self):
        self.handle = np.zeros(2, np.int64)

    def array(self, shape, dtype):
        """The rows, of a shape and dtype each, as an array, which keeps them."""
        address, count = self.handle.tolist()
        if not count:
            return np.zeros((0, *shape), dtype)
        self.__array_interface__ = {
            "shape": (count, *shape), "typestr": dtype.str, "data": (address, False), "version": 3,
        }  # fmt: skip
        return np.asarray(self)

    def __del__(self):
        address = self.handle.tolist()[0]
        if address:
            _free(address)


_free = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("PyMem_RawFree", ctypes.pythonapi))


# What loops call.


def start(head):
    """The beginning of a function in which there are loops."""
    head.lines[:0] = ["  %fuel = alloca i64", f"  store i64 {POLL}, ptr %fuel"]


def without_lock(name):
    """A function that lets other Python threads run while NAME.inner does."""
    return (
        f"define i64 @{name}(ptr %tuple) {{\n  %state = call ptr @PyEval_SaveThread()\n"
        f"  %status = call i64 @{name}.inner(ptr %tuple)\n  call void @PyEval_RestoreThread(ptr %state)\n"
        "  ret i64 %status\n}"
    )


_POLL = """
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)

define internal i32 @poll() noinline {
  %held = call i32 @PyGILState_Ensure()
  %raised = call i32 @PyErr_CheckSignals()
  %state = call ptr @PyEval_SaveThread()
  call void @PyEval_RestoreThread(ptr %state)
  call void @PyGILState_Release(i32 %held)
  ret i32 %raised
}
"""
_REALLOC = "declare ptr @PyMem_RawRealloc(ptr, i64)\n"
_OF_PYTHON = ("PyMem_RawRealloc", "PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals", "PyEval_SaveThread",
              "PyEval_RestoreThread")  # fmt: skip


def declarations(text):
    """What a module has to say of what its loops call."""
    if "call i32 @poll(" in text:
        return _POLL + _REALLOC
    return ""


def symbols(text):
    """The (name, address) of what a module's loops call."""
    if "call i32 @poll(" not in text:
        return []
    return [(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value) for name in _OF_PYTHON]
