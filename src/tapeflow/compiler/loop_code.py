"""The code of native loops, and of native branches in them: a function each, called where the group's turn is.

So that a loop can be interrupted, and other threads run, it calls `poll` now and then.
"""

import ctypes

import numpy as np

from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.lowerings import cast
from tapeflow.compiler.types import I64, memory_type

POLL = 1_000_000  # simple instructions, some tenths of a millisecond, after which a loop looks for interrupts
FAILED, INTERRUPTED = 1, 3  # a native function's results; see `driver.Stop`


def write(module, plan, group, main, place):
    """Write the code of a group that is a loop, or a branch in one."""
    code = _LoopCode if hasattr(group.loop, "body") else _BranchCode
    code(module, plan, group, main, place).write()


def _bytes(term):
    return int(np.prod(term.shape)) * term.dtype.itemsize


def _copy(b, term, target, source):
    """Copy a value of a term's type."""
    if np.prod(term.shape) == 1:
        b.store(b.load(source, memory_type(term.dtype)), target)
    else:
        b.move(target, source, _bytes(term))


class _Function:
    """A function of its own, with a parameter for each location around it that it uses, and the call of it."""

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
        self.operands = group.terms[0].args
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

    def placed(self, number, region, inputs, outputs):
        """`place` for a region of a number: `inputs` and `outputs` are functions from a number to an address."""
        tag = f"s{number}"
        numbers = [self.slot(f"%{tag}.{n}", memory_type(dtype)) for n, dtype in enumerate(region.plan.stack)]

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

    def groups(self, region, place):
        """Write all groups of a region."""
        for group in region.schedule.groups:
            if any(term.stored for term in group.terms):
                self.module.group(region.plan, group, self.b, place)

    def call(self, prefix):
        """Add the function, and call it in `main`, which ends with its status if that is not 0."""
        self.module.declared |= self.b.declared
        regions = [region for _, region in self.loop.named()]
        self.plan.inner += [region.plan for region in regions]
        given = [(value.text, self.place(location)) for location, value in self.parameters.items()]
        for n, region in enumerate(regions):
            given.append((f"%s{n}scratch", self.place(self.plan.reserve(region.plan.arena))))
        names = ", ".join([f"ptr {name}" for name, _ in given])
        name = self.module.add(prefix, f"({names}, ptr %fuel)", self.slots + self.b.lines, "i64")
        addresses = ", ".join([f"ptr {address.text}" for _, address in given])
        main = self.main
        status = main.new("i64", f"call i64 @{name}({addresses}, ptr %fuel)")
        main.leave_unless(main.icmp("eq", status, main.const("i64", 0)), status.text)


class _BranchCode(_Function):
    """Two regions, of which one is run."""

    def write(self):
        branch, b = self.loop, self.b
        pred, *xs = self.operands
        taken = b.cast("trunc", b.load(self.operand(pred), "i8"), "i1")
        labels, after = [b.label(), b.label()], b.label()
        b.line(f"br i1 {taken.text}, label %{labels[0]}, label %{labels[1]}")
        for n, (_, region) in enumerate(branch.named()):
            b.start(labels[n])
            self._side(n, region, xs[: branch.n] if n == 0 else xs[branch.n :])
            b.line(f"br label %{after}")
        b.start(after)
        self.plan.work += max(region.plan.work for region in branch.regions)
        self.call("branch")

    def _side(self, n, region, xs):
        outputs = region.plan.outputs

        def of_outputs(i):
            return self.around(self.out[i]) if i in self.out else self.scratch(_bytes(outputs[i]))

        place = self.placed(n, region, lambda i: self.operand(xs[i]), of_outputs)
        self.groups(region, place)
        for i, term in enumerate(outputs):
            location = region.plan.location[term]
            if location[0] == "stack" and i in self.out:
                _copy(self.b, term, of_outputs(i), place(location))


class _LoopCode(_Function):
    """A test and a body, run in turns."""

    def __init__(self, *around):
        super().__init__(*around)
        loop, operands = self.loop, self.operands
        border = len(operands) - loop.p
        self.carry, self.of_test = operands[: loop.n], operands[loop.n : loop.n + loop.m]
        self.captured, self.rows = operands[loop.n + loop.m : border], operands[border:]

    def write(self):
        loop, b = self.loop, self.b
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
        self.call("loop")

    def _count(self):
        loop, b = self.loop, self.b
        if loop.test is None:
            given = cast(b, b.load(self.operand(self.of_test[0]), memory_type(self.of_test[0].dtype)),
                         self.of_test[0].dtype, I64)  # fmt: skip
            self.count = given
            if loop.guarded:
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

        place = self.placed(0, region, inputs, None)
        self.groups(region, place)
        (answer,) = region.plan.outputs
        location = region.plan.location[answer]
        return b.cast("trunc", b.load(place(location), "i8"), "i1")

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

        place = self.placed(len(loop.named()) - 1, body, of_inputs, of_outputs)
        self.groups(body, place)
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
        if loop.n in self.out:
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
    if "call i32 @poll(" in text or "call ptr @PyEval_SaveThread(" in text:  # of this module, or around another's
        return _POLL + _REALLOC
    return ""


def calls(text):
    """The names of what a module's loops call of Python's."""
    return list(_OF_PYTHON) if "call i32 @poll(" in text else []
