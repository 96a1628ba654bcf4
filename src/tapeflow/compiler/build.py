"""From a graph of known shapes to a module of native code, and to the plan of a call.

The native functions take one tuple of Python objects, arrays and NumPy scalars, and find the memory in them: that costs
a call less than asking NumPy for each address. A call is a few of them, with host nodes in between.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from tapeflow.compiler import gemm, program
from tapeflow.compiler.affine import counter, flat
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.kernel import Accumulator, Kernel, reduced_axes
from tapeflow.compiler.lowerings import COSTS
from tapeflow.compiler.program import HOST, LEAF, MATMUL, NUMBER, REDUCE, Term
from tapeflow.compiler.schedule import Schedule
from tapeflow.compiler.types import REGISTER, memory_type

SMALL_CONSTANT = 1  # elements of a constant array that are written into the code
PARALLEL = 60_000  # simple instructions that are worth a second thread
ALIGN = 64


CACHED = 256 << 10  # bytes of a product that one part of its loops works on


class Split(NamedTuple):
    """The axis of a group's domain that is parted, its extent, the size of a part, and how many there are."""

    axis: int | None
    extent: int
    size: int
    parts: int


WHOLE = Split(None, 0, 0, 1)


class Unsupported(Exception):
    """A graph that is not compiled, and why."""


class Step:
    """A native function `name` of the objects `slots`, or a host `node`."""

    def __init__(self, name=None, slots=(), node=None, operands=(), results=()):
        self.name = name
        self.slots = slots  # locations: what the tuple holds, in order
        self.node = node
        self.operands = operands  # locations of a host node's operands
        self.results = results


class Plan:
    """What a call does: `steps` in order, over locations.

    A location says whose memory it is: ("input", i), ("constant", slot), ("variable", i) as it is before the call,
    ("new", i) as it is after it, ("value", n): array number n, new at every call or a host node's result.
    """

    def __init__(self):
        self.text = ""
        self.exports = []
        self.schedule = self.location = None  # how it came about, for `explain`
        self.steps = []
        self.arena = 0  # bytes
        self.values = []  # (shape, dtype) of the arrays that are made before a call
        self.variables = []
        self.assigned = {}  # variable's number: "fresh", "in place"
        self.outputs = []  # locations
        self.constants = {}
        self.work = 0  # simple instructions in all
        self.parallel = False
        self.splits = {}  # a group's number: how its loops are parted


def build(graph, large, threads):
    """The plan for a graph whose shapes are all known. Raises Unsupported.

    `large`: from how many elements on a variable is updated in place; `threads`: how many share a loop.
    """
    return _Builder(graph, large, threads).build()


class _Builder:
    def __init__(self, graph, large, threads):
        self.graph = graph
        self.large = large
        self.threads = threads
        self.plan = Plan()
        self.schedule = Schedule()
        self.leaves = {}
        self.location = {}  # a stored term: its location, or ("arena", offset)
        self.target = {}  # a term: [locations] to write besides
        self.checks = []

    def build(self):
        self._translate()
        self._place()
        self._locate()
        self._emit()
        self.plan.schedule, self.plan.location = self.schedule, self.location
        return self.plan

    # Terms.

    def _leaf(self, key, shape, dtype, attrs):
        found = self.leaves.get(key)
        if found is None:
            found = self.leaves[key] = Term(LEAF, shape, dtype, attrs=attrs)
            self.location[found] = key
        return found

    def _translate(self):
        graph, plan = self.graph, self.plan
        values = {}
        for i, slot in enumerate(graph.inputs):
            values[slot] = self._leaf(("input", i), *graph.types[slot], ("input", i))
        for slot, tensor in graph.constants.items():
            values[slot] = self._constant(slot, tensor._array)
        state, numbers = {}, {}  # a variable's value now; its number
        for node in graph.nodes:
            name = node.prim.name
            if name == "ReadVariable":
                variable = node.attrs[0]
                values[node.outputs[0]] = self._read(variable, state, numbers)
                continue
            operands = [values[slot] for slot in node.inputs]
            if node.prim.effect == "write" and name.startswith("Assign"):
                self._assign(node, operands[0], state, numbers)
                continue
            if node.prim.effect is not None or any(hasattr(a, "nodes") for a in node.attrs):
                if _may_touch_variables(node):
                    raise Unsupported(f"{name}, which may read or assign variables")
            types = [graph.types[slot] for slot in node.outputs]
            found = None if node.prim.effect is not None else program.translated(node, operands, types)
            if found is None:
                found = [Term(HOST, *type, tuple(operands), (node, i), node.where) for i, type in enumerate(types)]
                if not found:
                    found = [Term(HOST, (), np.dtype(bool), tuple(operands), (node, 0), node.where)]
                if node.prim.effect is not None:
                    self.schedule.place(found[0])
            check = program.CHECKS.get(name)
            if check is not None and found[0].kind != HOST:
                self.checks.append(check(node, *operands, *node.attrs))
            values.update(zip(node.outputs, found))
        self.outputs = [values[slot] for slot in graph.outputs]
        self.state = {numbers[v._id]: state[v._id] for v in plan.variables}

    def _constant(self, slot, array):
        array = np.asarray(array)
        if array.dtype in REGISTER and array.size and (array.size == 1 or not any(array.strides)):
            value = array.reshape(-1)[0] if array.size == 1 else array[(0,) * array.ndim]
            return program.broadcast(program.number(value.item(), array.dtype), array.shape)
        self.plan.constants[slot] = array
        return self._leaf(("constant", slot), array.shape, array.dtype, ("constant", array))

    def _read(self, variable, state, numbers):
        found = state.get(variable._id)
        if found is None:
            if variable._declared_shape._dims is None or None in variable._declared_shape._dims:
                raise Unsupported("a variable whose shape may change")
            number = numbers[variable._id] = len(self.plan.variables)
            self.plan.variables.append(variable)
            found = self._leaf(("variable", number), variable._array.shape, variable._np, ("variable", variable))
            state[variable._id] = found
        return found

    def _assign(self, node, value, state, numbers):
        variable = node.attrs[0]
        old = self._read(variable, state, numbers)
        if value.shape != old.shape or variable._np not in REGISTER:
            raise Unsupported(f"an assignment of another shape, or of {variable.dtype.name}")
        name = node.prim.name
        if name != "AssignVariableOp":
            value = program.mapped("AddV2" if "Add" in name else "Sub", old.dtype, old, value, where=node.where)
        state[variable._id] = value

    # Groups.

    def _place(self):
        schedule, plan = self.schedule, self.plan
        for check in self.checks:
            schedule.store(check)
        changed = {n: value for n, value in self.state.items() if value is not self.leaves[("variable", n)]}
        for term in [*self.outputs, *changed.values()]:
            schedule.place(term)
        for term in self.outputs:
            if term.kind != LEAF and term not in self.location:
                schedule.keep(term)
                if not self._of_host(term):
                    self.location[term] = self._value(term)
        for number, value in changed.items():
            if value.kind != LEAF:
                schedule.keep(value)
            if value.kind == LEAF or value in self.location or self._of_host(value):
                changed[number] = value = program.copied(value)
                schedule.store(value)
            self.location[value] = ("new", number)
        schedule.resolve()
        for term in self.outputs:
            if term.kind == LEAF:  # the array itself is the result: it must not change
                schedule.read(term, len(schedule.groups))
        for number, value in changed.items():
            in_place = self._safe_in_place(self.leaves[("variable", number)], value)
            plan.assigned[number] = "in place" if in_place else "fresh"
            if in_place:
                self.location[value] = ("variable", number)

    def _of_host(self, term):
        return self.schedule.groups[term.group].host is not None

    def _value(self, term):
        self.plan.values.append((term.shape, term.dtype))
        return ("value", len(self.plan.values) - 1)

    def _safe_in_place(self, leaf, value):
        """Whether a variable is large, and its old value not needed once the new one is written over it."""
        return np.prod(leaf.shape) >= self.large and all(
            group < value.group or group == value.group and own for group, own in self.schedule.readers.get(leaf, ())
        )

    # Memory.

    def _locate(self):
        """A place in the arena for what is stored and lives nowhere else."""
        schedule = self.schedule
        of_hosts = [t for g in schedule.groups for t in g.terms if t.kind == HOST]
        for term in [*of_hosts, *[x for t in of_hosts for x in t.args]]:
            if term.kind != LEAF and term not in self.location:
                self.location[term] = self._value(term)
        blocks = []  # (first, last, bytes, term)
        for group in schedule.groups:
            for term in group.terms:
                if term.stored and term not in self.location:
                    size = int(np.prod(term.shape)) * term.dtype.itemsize
                    blocks.append((group.number, schedule.last(term), size, term))
        self._pack(blocks)

    def _pack(self, blocks):
        """First fit, the largest first, over the groups that each lives through."""
        placed = []
        for first, last, size, term in sorted(blocks, key=lambda block: -block[2]):
            size = -(-size // ALIGN) * ALIGN
            taken = sorted([(o, s) for f, l, s, o in placed if f <= last and l >= first])
            offset = 0
            for o, s in taken:
                if offset + size <= o:
                    break
                offset = max(offset, o + s)
            placed.append((first, last, size, offset))
            self.location[term] = ("arena", offset)
            self.plan.arena = max(self.plan.arena, offset + size)

    def _reserve(self, size):
        """Scratch in the arena that is used by nothing else."""
        offset = self.plan.arena
        self.plan.arena += -(-size // ALIGN) * ALIGN
        return offset

    # Code.

    def _emit(self):
        plan, schedule = self.plan, self.schedule
        self.functions, self.declared = [], {}
        run = []
        for group in schedule.groups:
            if group.host is not None:
                self._finish_segment(run)
                run = []
                node = group.host
                term = group.terms[0]
                results = [None] * len(node.outputs)
                for t in group.terms:
                    if node.outputs:
                        results[t.attrs[1]] = self.location[t]
                plan.steps.append(
                    Step(node=node, operands=[self.location[x] for x in term.args], results=results)
                )
            else:
                run.append(group)
        self._finish_segment(run)
        plan.outputs = [self.location[term] for term in self.outputs]
        if plan.exports:
            head = ["declare void @gemm.float(ptr, i64, i64, ptr, i64, i64, ptr, i64, i64, i64, i64, i64, ptr)",
                    "declare void @gemm.double(ptr, i64, i64, ptr, i64, i64, ptr, i64, i64, i64, i64, i64, ptr)",
                    "declare void @parallel(ptr, ptr, i64)"]  # fmt: skip
            plan.text = "\n".join([*head, *sorted(self.declared.values()), *self.functions])

    def _finish_segment(self, groups):
        """One native function for groups that follow each other."""
        groups = [g for g in groups if any(t.stored for t in g.terms)]
        if not groups:
            return
        plan = self.plan
        name = f"run{len(plan.exports)}"
        plan.exports.append(name)
        slots = {}
        body = Emitter()
        for group in groups:
            self._group(body, group, slots)
        head = Emitter()
        head.start_after(body)
        _prologue(head, list(slots))
        lines = head.lines + body.lines
        self.declared.update(body.declared)
        self.declared.update(head.declared)
        self.functions.append(
            f"define i64 @{name}(ptr %tuple) #0 {{\nentry:\n" + "\n".join(lines) + "\n  ret i64 0\n}"
        )
        plan.steps.append(Step(name=name, slots=list(slots)))

    def _group(self, main, group, slots):
        """The functions of one group, and the call of them in `main`."""
        cost = self._cost(group)
        self.plan.work += cost
        split = self.plan.splits[group.number] = self._split(group, cost)
        number = len(self.functions)
        params = {}  # a location: the parameter
        b = Emitter()

        def pointer_at(location):
            found = params.get(location)
            if found is None:
                found = params[location] = Value("ptr", f"%p{len(params)}")
                if location[0] != "arena":
                    slots.setdefault(location, len(slots))
            return found

        def pointer(term):
            return pointer_at(self.location[term])

        targets = {t: [pointer(t)] for t in group.terms if t.stored and t.kind != MATMUL}
        scratch, partials = {}, {}

        def scratch_of(term):
            if term not in scratch:
                wide = Accumulator(b, term, None)
                size = int(np.prod(term.shape)) * (8 if wide.memory == "double" else term.dtype.itemsize)
                scratch[term] = ("arena", self._reserve(size))
            return pointer_at(scratch[term])

        def partial_of(term):
            partials[term] = ("arena", self._reserve(16 * split.parts))
            size = b.const("i64", 16)
            return b.new("ptr", f"getelementptr i8, ptr {pointer_at(partials[term]).text}, i64 "
                                f"{b.mul(Value('i64', '%part'), size).text}")  # fmt: skip

        low, high = (Value("i64", "%low"), Value("i64", "%high")) if split.parts > 1 else (None, None)
        kernel = Kernel(b, group, pointer, targets, scratch_of, split.axis, low, high,
                        partial_of if split.parts > 1 else None,
                        all(self.location[t][0] != "variable" for t in targets))  # fmt: skip
        if group.matmul is not None:
            self._product(b, group.matmul, split, pointer, pointer_at)
        kernel.write()
        self.declared.update(b.declared)
        given = ", ".join(f"ptr noalias %p{i}" for i in range(len(params)))
        names = ", ".join(f"ptr %p{i}" for i in range(len(params)))
        body = "\n".join(b.lines)
        if split.parts == 1:
            self.functions.append(f"define internal void @g{number}({given}) #0 {{\nentry:\n{body}\n  ret void\n}}")
            addresses = [self._address(main, location, slots) for location in params]
            main.line(f"call void @g{number}({', '.join(f'ptr {v.text}' for v in addresses)})")
        else:
            self.plan.parallel = True
            self.functions.append(
                f"define internal void @g{number}({given}, i64 %low, i64 %high, i64 %part) #0 {{\nentry:\n{body}\n"
                "  ret void\n}"
            )
            self.functions.append(_part(number, names, len(params), split))
            table = main.new("ptr", f"getelementptr i8, ptr %arena, i64 {self._reserve(8 * len(params))}")
            for i, location in enumerate(params):
                at = main.new("ptr", f"getelementptr ptr, ptr {table.text}, i64 {i}")
                main.store(self._address(main, location, slots), at)
            main.line(f"call void @parallel(ptr @g{number}.part, ptr {table.text}, i64 {split.parts})")
            for accumulator in kernel.plain:
                if accumulator.term in partials:
                    self._gather(main, accumulator, partials[accumulator.term], split.parts, slots)
        for term in group.terms:
            if term in self.checks:
                self._check(main, term, slots)

    def _address(self, main, location, slots):
        if location[0] == "arena":
            return main.new("ptr", f"getelementptr i8, ptr %arena, i64 {location[1]}")
        return Value("ptr", f"%d{slots[location]}")

    def _gather(self, main, accumulator, location, parts, slots):
        """The total of what the parts of a loop added up."""
        accumulator.b = main
        total = accumulator.gather(self._address(main, location, slots), parts)
        if total.type == "i1":
            total = main.cast("zext", total, "i8")
        main.store(total, self._address(main, self.location[accumulator.term], slots))

    def _split(self, group, cost):
        """How a group's loops are parted between threads."""
        if self.threads == 1 or cost < PARALLEL:
            return WHOLE
        product = group.matmul
        if product is not None and gemm.is_small(*_sizes(product)):
            return WHOLE
        axes = [i for i, n in enumerate(group.domain) if n >= 2 * self.threads]
        for term in group.terms:
            if term.kind == REDUCE:
                over = reduced_axes(term)
                every = len(over) == len(group.domain)
                axes = [i for i in axes if i not in over or every and i == 0]
        if not axes:
            return WHOLE
        axis = axes[0]
        if product is not None and len(axes) > 1 and axes[-1] == len(group.domain) - 1 and len(group.domain) == 2:
            m, n, _ = _sizes(product)
            axis = axes[-1] if n > m else axis
        extent = group.domain[axis]
        parts = self.threads
        step = 1
        if product is None:
            parts *= max(1, min(4, cost // (8 * PARALLEL)))
        else:
            size = int(np.prod(product.shape)) * product.dtype.itemsize
            parts *= max(1, round(size / (self.threads * CACHED)))
            step = 8
        if axis == len(group.domain) - 1:
            step = 16
        size = -(-extent // parts)
        size = min(-(-size // step) * step, extent)
        parts = -(-extent // size)
        return Split(axis, extent, size, parts) if parts > 1 else WHOLE

    def _check(self, main, term, slots):
        location = self.location[term]
        address = main.new("ptr", f"getelementptr i8, ptr %arena, i64 {location[1]}")
        bad = main.load(address, "i8")
        wrong, right = main.label(), main.label()
        test = main.icmp("ne", bad, main.const("i8", 0))
        main.line(f"br i1 {test.text}, label %{wrong}, label %{right}")
        main.start(wrong)
        main.line("ret i64 1")
        main.start(right)

    def _cost(self, group):
        size = int(np.prod(group.domain))
        each = sum(COSTS.get(t.attrs[0], 1) if t.kind == program.MAP else 1 for t in group.terms)
        if group.matmul is not None:
            each += group.matmul.args[0].shape[-1] // 8
        return size * each

    def _product(self, b, term, split, pointer, pointer_at):
        """The matrix product before a group's loops, or the part of it that this call has."""
        (x, place_x), (y, place_y) = self.schedule.operands[term]
        *lead, m, n = term.shape
        k = term.args[0].shape[-1]
        rank = len(lead)
        type = memory_type(term.dtype)
        a_strides = place_x.coefficient(rank), place_x.coefficient(rank + 1)
        b_strides = place_y.coefficient(rank), place_y.coefficient(rank + 1)
        pa, pb, pc = pointer(x), pointer(y), pointer(term)
        place_c = flat(tuple(map(counter, range(rank + 2))), term.shape)
        own = [i for i, size in enumerate(term.shape) if size != 1]  # which axis is which of the domain's
        axis = None if split.axis is None else own[split.axis]
        numbers = {rank: b.const("i64", m), rank + 1: b.const("i64", n)}
        counters = [b.const("i64", 0)] * (rank + 2)
        if axis in numbers:
            counters[axis] = Value("i64", "%low")
            numbers[axis] = b.sub(Value("i64", "%high"), Value("i64", "%low"))

        def at(base, place):
            total = b.const("i64", place.constant)
            for i, value in enumerate(counters):
                if place.coefficient(i) and value.text != "0":
                    total = b.add(total, b.mul(value, b.const("i64", place.coefficient(i))))
            return b.address(base, total, type) if total.text != "0" else base

        if not gemm.is_small(m, n, k):
            work = pointer_at(("arena", self._reserve(gemm.work_bytes(type) * split.parts)))
            if split.parts > 1:
                offset = b.mul(Value("i64", "%part"), b.const("i64", gemm.work_bytes(type)))
                work = b.new("ptr", f"getelementptr i8, ptr {work.text}, i64 {offset.text}")

        def one():
            # Of b only the columns count, of a only the rows: a product has no place for the other counter.
            a_, b_, c_ = at(pa, _without(place_x, rank + 1)), at(pb, _without(place_y, rank)), at(pc, place_c)
            if gemm.is_small(m, n, k):
                self._small(b, term, m, n, k, a_strides, b_strides, (a_, b_, c_))
                return
            ints = [*a_strides, *b_strides]
            rows, columns = numbers[rank].text, numbers[rank + 1].text
            b.line(
                f"call void @gemm.{type}(ptr {a_.text}, i64 {ints[0]}, i64 {ints[1]}, ptr {b_.text}, i64 {ints[2]}, "
                f"i64 {ints[3]}, ptr {c_.text}, i64 {n}, i64 {rows}, i64 {columns}, i64 {k}, i64 0, ptr {work.text})"
            )

        def nest(level):
            if level == rank:
                one()
                return

            def body(i, state):
                counters[level] = i
                nest(level + 1)
                return ()

            whole = b.const("i64", 0), b.const("i64", lead[level])
            ends = (Value("i64", "%low"), Value("i64", "%high")) if axis == level else whole
            b.loop(*ends, b.const("i64", 1), body)

        nest(0)

    def _small(self, b, term, m, n, k, a_strides, b_strides, addresses):
        from tapeflow.compiler import jit

        type = memory_type(term.dtype)
        shape = (type, m, n, k, a_strides, b_strides)
        name = "small" + hashlib.sha256(repr(shape).encode()).hexdigest()[:12]
        if name not in self.declared:
            self.declared[name] = ""
            self.functions.append(gemm.small(name, type, m, n, k, a_strides, b_strides, jit.vector_bits()))
        b.line(f"call void @{name}({', '.join(f'ptr {v.text}' for v in addresses)})")


def _may_touch_variables(node):
    return any(hasattr(a, "nodes") and (a.variables() or _deep_effects(a)) for a in node.attrs) or (
        node.prim.name == "EagerPyFunc"
    )


def _deep_effects(graph):
    return any(
        node.prim.effect is not None or any(hasattr(a, "nodes") and _deep_effects(a) for a in node.attrs)
        for node in graph.nodes
    )


def _sizes(product):
    return product.shape[-2], product.shape[-1], product.args[0].shape[-1]


def _without(place, axis):
    return place._replace(terms=tuple([(i, c) for i, c in place.terms if i != axis]))


def _part(number, names, count, split):
    """The function of one part of a group's loops: of a table of addresses, and the part's number."""
    b = Emitter()
    for i in range(count):
        at = b.new("ptr", f"getelementptr ptr, ptr %table, i64 {i}")
        b.line(f"%p{i} = load ptr, ptr {at.text}")
    low = b.mul(Value("i64", "%part"), b.const("i64", split.size))
    end = b.add(low, b.const("i64", split.size))
    high = b.select(b.icmp("slt", end, b.const("i64", split.extent)), end, b.const("i64", split.extent))
    b.line(f"call void @g{number}({names}, i64 {low.text}, i64 {high.text}, i64 %part)")
    body = "\n".join(b.lines)
    return f"define internal void @g{number}.part(ptr %table, i64 %part) #0 {{\nentry:\n{body}\n  ret void\n}}"


HEADER = object.__basicsize__  # where what follows a Python object's head begins
_DATA, _FLAGS = HEADER, HEADER + 48  # in an ndarray (PyArrayObject_fields: data, nd, dimensions, ..., descr, flags)
_CONTIGUOUS = 0x0001 | 0x0100  # C order, aligned
ITEMS = tuple.__basicsize__  # where a tuple's items begin


def _prologue(b, slots):
    """Where the memory of each of the tuple's items is: %d0, %d1, ...; the tuple begins with np.ndarray and the arena.

    Ends with -1 if an array is not contiguous.
    """

    def item(number):
        address = b.new("ptr", f"getelementptr i8, ptr %tuple, i64 {ITEMS + 8 * number}")
        return b.load(address, "ptr")

    def field(base, offset, type):
        return b.load(b.new("ptr", f"getelementptr i8, ptr {base.text}, i64 {offset}"), type)

    kind = item(0)
    arena = field(item(1), _DATA, "ptr")
    raised = b.new("ptr", f"getelementptr i8, ptr {arena.text}, i64 {ALIGN - 1}")
    b.line(f"%arena = call ptr @llvm.ptrmask.p0.i64(ptr {raised.text}, i64 {-ALIGN})")
    fine = None
    for number, _ in enumerate(slots):
        value = item(number + 2)
        of_array = b.new("i1", f"icmp eq ptr {field(value, 8, 'ptr').text}, {kind.text}")
        inside = b.new("ptr", f"getelementptr i8, ptr {value.text}, i64 {HEADER}")
        data = b.load(inside, "ptr")
        b.line(f"%d{number} = select i1 {of_array.text}, ptr {data.text}, ptr {inside.text}")
        flags = field(b.select(of_array, value, kind), _FLAGS, "i32")  # a NumPy scalar is too short to have any
        contiguous = b.icmp("eq", b.and_(flags, b.const("i32", _CONTIGUOUS)), b.const("i32", _CONTIGUOUS))
        good = b.or_(contiguous, b.not_(of_array))
        fine = good if fine is None else b.and_(fine, good)
    if fine is not None:
        wrong, right = b.label(), b.label()
        b.line(f"br i1 {fine.text}, label %{right}, label %{wrong}")
        b.start(wrong)
        b.line("ret i64 -1")
        b.start(right)


__all__ = ["build", "Plan", "Step", "Unsupported", "NUMBER", "REDUCE"]
