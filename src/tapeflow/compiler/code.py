"""A plan's native functions, as LLVM's assembly language.

A function for each run of groups between two host nodes, and one for each group. The first takes a tuple of Python
objects and finds the memory in them by itself: that costs a call less than asking NumPy for each address.
"""

import re

import numpy as np

from tapeflow.compiler import cache, gemm, gemm_small, loop_code, objects
from tapeflow.compiler.accumulator import Accumulator, reduced_axes
from tapeflow.compiler.affine import counter, flat
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.kernel import Kernel
from tapeflow.compiler.plan import ALIGN, Step
from tapeflow.compiler.program import MATMUL, NUMBER
from tapeflow.compiler.routines import routine_of
from tapeflow.compiler.split import cost, sizes, split
from tapeflow.compiler.types import memory_type

LOW, HIGH, PART = (Value("i64", name) for name in ("%low", "%high", "%part"))
LONG = 256  # groups in a native function: LLVM's time grows faster than a function does
MANY = 16  # groups whose calls are not worth LLVM's work on them
SHORT = 64  # simple instructions of a routine that is written where it is called
SHARE = 16  # bytes of a part's share of a reduction
ENOUGH = 300  # lines for a module of several, which threads compile at once
_NAME = re.compile(r"@([\w.]+)")
_FROM_ELSEWHERE = {
    "parallel": "declare void @parallel(ptr, ptr, i64)",
    **{
        name: f"declare void @{name}({ints}, {ints}, ptr, i64, i64, i64, i64, ptr, {name.split('.')[1]}, ptr, ptr, ptr)"
        for name, ints in zip(gemm.NAMES, ["ptr, i64, i64"] * 4)
    },
}


def write(plan, threads, vector_bits):
    """Add the native functions to a plan, and the steps of its call."""
    _Module(plan, threads, vector_bits).write()


class _Module:
    def __init__(self, plan, threads, vector_bits):
        self.plan = plan
        self.threads = threads
        self.vector_bits = vector_bits
        self.functions = {}  # text by name
        self.known = {}  # the name by the text
        self.declared = {}
        self.work = {}  # a plan: (size, location) of the scratch of its products, which have it one after the other

    def work_of(self, plan, size):
        if size > self.work.get(plan, (0,))[0]:
            self.work[plan] = size, plan.reserve(size)
        return self.work[plan][1]

    def write(self):
        plan = self.plan
        run = []
        for group in plan.schedule.groups:
            if group.host is None:
                run.append(group)
                if len(run) == LONG:
                    self._function(run)
                    run = []
            else:
                self._function(run)
                run = []
                plan.steps.append(self._host(group))
        self._function(run)
        if plan.inner and (plan.parallel or plan.work > loop_code.POLL):
            for name in plan.exports:
                self.functions[f"{name}.inner"] = self.functions[name].replace(f"@{name}(", f"@{name}.inner(", 1)
                self.functions[name] = loop_code.without_lock(name)
        self._one_product()
        plan.texts = self._texts()

    def _one_product(self):
        """Where the general product is called, it does for the even ones too."""
        for type in ("float", "double"):
            if any(f"@gemm.{type}(" in text for text in self.functions.values()):
                for name, text in self.functions.items():
                    self.functions[name] = text.replace(f"@gemm.{type}.even(", f"@gemm.{type}(")

    def _texts(self):
        """The functions as modules of about equal lengths: LLVM compiles them at once."""
        length = {name: text.count("\n") for name, text in self.functions.items()}
        count = min(2 * self.threads, sum(length.values()) // ENOUGH)
        if self.threads == 1 or count < 2:
            return [self._text(self.functions, "internal")]
        modules, lengths = [[] for _ in range(count)], [0] * count
        for name in sorted(length, key=length.get, reverse=True):
            if not self._is_inlined(name):
                shortest = lengths.index(min(lengths))
                modules[shortest].append(name)
                lengths[shortest] += length[name]
        return [self._text(names, "hidden") for names in modules if names]

    def _is_inlined(self, name):
        """Whether LLVM may put a function's code where it is called: then each module has a copy."""
        head = self.functions[name].partition("\n")[0]
        return "define internal " in head and "noinline" not in head and not name.startswith("part")

    def _text(self, names, linkage):
        """A module of some of the functions, and declarations of what they call."""
        bodies, heads, left = {}, {}, list(names)
        while left:
            name = left.pop()
            copied = name not in names
            own = "internal" if copied else linkage
            bodies[name] = self.functions[name].replace("define internal ", f"define {own} ", 1)
            for called in _NAME.findall(self.functions[name]):
                if called in names or called in bodies or called in heads:
                    continue
                if called in self.functions and self._is_inlined(called):
                    left.append(called)
                else:
                    heads[called] = _declaration(called, self.functions.get(called))
        in_order = [bodies[name] for name in self.functions if name in bodies]
        text = "\n".join([*sorted([*self.declared.values(), *filter(None, heads.values())]), *in_order])
        return loop_code.declarations(text) + text

    def add(self, prefix, signature, lines, type="void"):
        """The name of a function; one that is there already, word for word, is used again, as in an unrolled loop."""
        text = "\n".join([signature, *lines])
        name = self.known.get(text)
        if name is None:
            name = self.known[text] = f"{prefix}{len(self.functions)}"
            result = "void" if type == "void" else f"{type} 0"
            self.functions[name] = _definition(f"define internal {type} @{name}{signature}", lines, result)
        return name

    def _host(self, group):
        location, node = self.plan.location, group.host
        results = [None] * len(node.outputs)
        for term in group.terms:
            if term.attrs[1] is not None:
                results[term.attrs[1]] = location[term]
        places = [location[x] for x in group.terms[0].args]
        count = len(node.inputs)
        sizes = tuple(zip(node.sizes(), places[count:], strict=True))
        return Step(node=node, operands=tuple(places[:count]), sizes=sizes, results=tuple(results))

    def _function(self, groups):
        """The function of groups that follow each other."""
        groups = [group for group in groups if any(term.stored for term in group.terms)]
        if not groups:
            return
        name = f"run{len(self.plan.exports)}"
        slots = {}  # a location: which item of the tuple it is
        body = Emitter()

        def place(location, offset=0):
            """The address of a location, some bytes further on."""
            kind, number = location
            if kind == "arena":
                return body.further(Value("ptr", "%arena"), offset + number)
            return body.further(objects.value(body, slots.setdefault(location, len(slots))), offset)

        for group in groups:
            self.group(self.plan, group, body, place)
        head = Emitter()
        head.start_after(body)
        objects.find(head, len(slots), ALIGN)
        if any(group.loop is not None for group in groups):
            loop_code.start(head)
        self.declared |= body.declared | head.declared
        self.functions[name] = _definition(
            f"define i64 @{name}(ptr %tuple)", head.lines + body.lines, "i64 0",
            "#0" if len(groups) <= MANY else "noinline optnone nounwind",
        )  # fmt: skip
        self.plan.steps.append(Step(name=name, slots=tuple(slots)))

    def group(self, plan, group, main, place):
        """Write the code of one group of a plan: `place(location, offset)` is an address in `main`."""
        if group.loop is not None:
            loop_code.write(self, plan, group, main, place)
        else:
            _GroupCode(self, plan, group, main, place).write()


class _GroupCode:
    """The function of a group, with a parameter for each location that it uses, and the call of it in `main`."""

    def __init__(self, module, plan, group, main, place):
        self.module = module
        self.plan = plan
        self.group = group
        self.main = main
        self._address = place  # of a location in `main`
        self.b = Emitter(wide=module.vector_bits == 512)
        self.split = self.plan.splits[group.number] = split(group, module.threads, module.vector_bits)
        self.parameters = {}  # a location: the parameter
        self.scratch = {}  # a reduction: the location where it adds up
        self.shares = {}  # a reduction of everything: the location of its parts' shares

    def write(self):
        plan, group, parted = self.plan, self.group, self.split.parts > 1
        plan.work += cost(group)
        if group.routine is not None:
            self._routine(group.routine, parted)
            return
        part = {self.split.axis: (LOW, HIGH)} if parted else {}
        plain = ()  # the accumulators whose parts have to be added up
        if group.update is not None:
            self._product(group.matmul)
        elif group.panels:
            then = self._panels()
            kernel = self._kernel(part, self._scratch)
            kernel.start()
            self._product(group.matmul, then)
            if self.split.axis != 0:
                kernel.finish()
        else:
            if group.matmul is not None:
                self._product(group.matmul)
            kernel = self._kernel(part, self._scratch)
            kernel.write()
            plain = kernel.plain
        self._call(parted)
        if parted:
            for accumulator in plain:
                if accumulator.term in self.shares:
                    self._add_up(accumulator)
            for term in self.scratch:
                if self._in_parts(term):
                    self._add_parts(term)
        for term in group.terms:
            if term in plan.checks:
                self._check(term)

    def _kernel(self, ranges, scratch):
        group, location = self.group, self.plan.location
        targets = {t: self._pointer(t) for t in group.terms if t.stored and t.kind != MATMUL}
        return Kernel(
            self.b, group, self._pointer, targets, scratch, ranges, self._share if ranges else None,
            repeatable=group.over is None and all(location[term][0] != "variable" for term in targets),
        )  # fmt: skip

    def _panels(self):
        """The arguments (then, table) for a product that calls the group's loops for a part of both axes."""
        outer, module = (self.b, self.parameters), self.module
        self.b, self.parameters = Emitter(self.b.wide), {}
        ends = [Value("i64", f"%{name}") for name in ("row", "row_end", "column", "column_end")]
        self._kernel({0: tuple(ends[:2]), 1: tuple(ends[2:])}, self._scratch_of_all).rounds()
        module.declared |= self.b.declared
        places, lines = self.parameters, [*self.b.head, *self.b.lines]
        self.b, self.parameters = outer
        counts = ", ".join([f"i64 {end.text}" for end in ends])
        given = "".join([f"ptr noalias {value.text}, " for value in places.values()])
        loops = module.add("loops", f"({given}{counts}) noinline", lines)
        own = {self.scratch[term]: self._scratch(term) for term in self.scratch}
        values = [own.get(location) or self._at(location, offset) for location, offset in places]
        starts = [LOW if self.split.axis == axis else self.b.const("i64", 0) for axis in range(2)]
        table = self.b.new("ptr", f"alloca [{len(values) + 2} x i64]")
        inner = Emitter()
        for i, value in enumerate([*starts, *values]):
            self.b.store(value, self.b.address(table, self.b.const("i64", i), "i64"))
            inner.line(f"%at{i} = getelementptr i64, ptr %table, i64 {i}")
            inner.line(f"%in{i} = load {value.type}, ptr %at{i}")
        ends = [inner.add(end, Value("i64", f"%in{i // 2}")) for i, end in enumerate(ends)]
        given = "".join([f"ptr %in{i + 2}, " for i in range(len(values))])
        inner.line(f"call void @{loops}({given}{', '.join([f'i64 {end.text}' for end in ends])})")
        return "@" + module.add("panel", f"(ptr %table, {counts})", inner.lines), table.text

    def _routine(self, term, parted):
        """A routine instead of loops."""
        how, b = routine_of(term), self.b
        out, args = self._pointer(term), [self._pointer(x) for x in term.args]
        items = (LOW, HIGH) if parted else (b.const("i64", 0), b.const("i64", how.items(term)))
        how.write(b, term, out, args, *items)
        self._call(parted)

    def _call(self, parted):
        """Add the function that was written, and call it in `main`."""
        self.module.declared |= self.b.declared
        given = ", ".join([f"ptr noalias {value.text}" for value in self.parameters.values()])
        extra = ", i64 %low, i64 %high, i64 %part" if parted else ""
        short = self.plan is not self.module.plan and _is_short(self.group)  # so a loop's numbers stay in registers
        signature = f"({given}{extra}) {'alwaysinline' if short else 'noinline'}"
        name = self.module.add("g", signature, [*self.b.head, *self.b.lines])
        addresses = [self._address(*place) for place in self.parameters]
        if parted:
            self._call_in_parts(name, addresses)
        else:
            self.main.line(f"call void @{name}({', '.join([f'ptr {a.text}' for a in addresses])})")

    # Addresses.

    def _at(self, location, offset=0):
        """The parameter for a location, or for a place some bytes further on."""
        found = self.parameters.get((location, offset))
        if found is None:
            found = self.parameters[location, offset] = Value("ptr", f"%p{len(self.parameters)}")
        return found

    def _pointer(self, term, offset=0):
        return self._at(self.plan.location[term], offset)

    def _in_parts(self, term):
        """Whether parts add up a reduction each for itself."""
        return self.split.parts > 1 and self.split.axis in reduced_axes(term)

    def _scratch_bytes(self, term):
        wide = 8 if Accumulator(self.b, term, None).memory == "double" else term.dtype.itemsize
        return -(-int(np.prod(term.shape)) * wide // ALIGN) * ALIGN

    def _scratch_of_all(self, term):
        if term not in self.scratch:
            parts = self.split.parts if self._in_parts(term) else 1
            self.scratch[term] = self.plan.reserve(self._scratch_bytes(term) * parts)
        return self._at(self.scratch[term])

    def _scratch(self, term):
        base = self._scratch_of_all(term)
        return self._of_part(base, self._scratch_bytes(term)) if self._in_parts(term) else base

    def _share(self, term):
        self.shares[term] = self.plan.reserve(SHARE * self.split.parts)
        return self._of_part(self._at(self.shares[term]), SHARE)

    def _of_part(self, base, size):
        """The address of this part's piece of memory, of `size` bytes."""
        b = self.b
        return b.address(base, b.mul(PART, b.const("i64", size)), "i8")

    # Calls.

    def _call_in_parts(self, name, addresses):
        """Threads share the parts: each is called with a table of the addresses and its number."""
        main, b = self.main, Emitter()
        table = self._address(self.plan.reserve(8 * len(addresses)))
        for i, address in enumerate(addresses):
            main.store(address, main.new("ptr", f"getelementptr ptr, ptr {table.text}, i64 {i}"))
            b.line(f"%at{i} = getelementptr ptr, ptr %table, i64 {i}")
            b.line(f"%p{i} = load ptr, ptr %at{i}")
        size, extent = b.const("i64", self.split.size), b.const("i64", self.split.extent)
        low = b.mul(PART, size)
        end = b.add(low, size)
        high = b.select(b.icmp("slt", end, extent), end, extent)
        given = ", ".join([f"ptr %p{i}" for i in range(len(addresses))])
        b.line(f"call void @{name}({given}, i64 {low.text}, i64 {high.text}, i64 %part)")
        part = self.module.add("part", "(ptr %table, i64 %part)", b.lines)
        main.line(f"call void @parallel(ptr @{part}, ptr {table.text}, i64 {self.split.parts})")

    def _add_up(self, accumulator):
        """The total of the parts' shares."""
        main = accumulator.b = self.main
        total = accumulator.gather(self._address(self.shares[accumulator.term]), self.split.parts, SHARE)
        if total.type == "i1":
            total = main.cast("zext", total, "i8")
        main.store(total, self._address(self.plan.location[accumulator.term]))

    def _add_parts(self, term):
        """The totals of the parts' sums in memory."""
        b = Emitter()
        to, start = Value("ptr", "%to"), Value("ptr", "%start")
        accumulator = Accumulator(b, term, None)
        accumulator.add_parts(start, to, self.split.parts, self._scratch_bytes(term), int(np.prod(term.shape)))
        self.module.declared |= b.declared
        name = self.module.add("totals", f"(ptr noalias {start.text}, ptr noalias {to.text}) noinline", b.lines)
        places = [self._address(self.scratch[term]), self._address(self.plan.location[term])]
        self.main.line(f"call void @{name}({', '.join([f'ptr {place.text}' for place in places])})")

    def _check(self, term):
        """End the call with 1 if a boolean in memory is true."""
        bad = self.main.load(self._address(self.plan.location[term]), "i8")
        self.main.leave_unless(self.main.icmp("eq", bad, self.main.const("i8", 0)), 1)

    # Matrix products.

    def _product(self, term, then=("null", "null")):
        """The matrix product before a group's loops, or the part of it that this call has."""
        b, axis_of_split = self.b, self.split.axis
        (pa, place_x), (pb, place_y) = [self._operand(*operand) for operand in self.plan.schedule.operands[term]]
        lead, (m, n, k) = term.shape[:-2], sizes(term)
        rank = len(lead)
        type = memory_type(term.dtype)
        a_strides = place_x.coefficient(rank), place_x.coefficient(rank + 1)
        b_strides = place_y.coefficient(rank), place_y.coefficient(rank + 1)
        pc = self._pointer(term)
        place_c = flat(tuple(map(counter, range(rank + 2))), term.shape)
        own = [i for i, size in enumerate(term.shape) if size != 1]  # which axis is which of the domain's
        axis = None if axis_of_split is None else own[axis_of_split]
        numbers = {rank: b.const("i64", m), rank + 1: b.const("i64", n)}
        counters = [b.const("i64", 0)] * (rank + 2)
        if axis in numbers:
            counters[axis] = LOW
            numbers[axis] = b.sub(HIGH, LOW)
        ms, ns = [self._of_parts(size) if axis == rank + i else [size] for i, size in enumerate((m, n))]
        even = gemm.is_even(self.module.vector_bits, ms, ns, a_strides, b_strides)
        name = f"gemm.{type}.even" if even else f"gemm.{type}"

        def at(base, place):
            total = b.const("i64", place.constant)
            for i, value in enumerate(counters):
                if place.coefficient(i) and value.text != "0":
                    total = b.add(total, b.mul(value, b.const("i64", place.coefficient(i))))
            return b.address(base, total, type) if total.text != "0" else base

        before, scale = self._update(self.group.update, type)
        if not gemm_small.is_small(m, n, k):
            size = gemm.work_bytes(type)
            work = self._at(self.module.work_of(self.plan, size * self.split.parts))
            if self.split.parts > 1:
                work = self._of_part(work, size)

        def one():
            # Of b only the columns count, of a only the rows: a product has no place for the other counter.
            a_, b_, c_ = at(pa, _without(place_x, rank + 1)), at(pb, _without(place_y, rank)), at(pc, place_c)
            from_ = "null" if before is None else at(before, place_c).text
            if gemm_small.is_small(m, n, k):
                self._small((type, m, n, k, a_strides, b_strides), a_, b_, c_)
                return
            ints = [*a_strides, *b_strides]
            rows, columns = numbers[rank].text, numbers[rank + 1].text
            b.line(
                f"call void @{name}(ptr {a_.text}, i64 {ints[0]}, i64 {ints[1]}, ptr {b_.text}, i64 {ints[2]}, "
                f"i64 {ints[3]}, ptr {c_.text}, i64 {n}, i64 {rows}, i64 {columns}, i64 {k}, ptr {from_}, "
                f"{type} {scale.text}, ptr {then[0]}, ptr {then[1]}, ptr {work.text})"
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
            ends = (LOW, HIGH) if axis == level else whole
            b.loop(*ends, b.const("i64", 1), body)

        nest(0)

    def _of_parts(self, size):
        """The sizes of the parts of an axis of a size."""
        return [self.split.size, size % self.split.size or self.split.size]

    def _update(self, update, type):
        """What a product is added to, and the factor."""
        b = self.b
        if update is None:
            return None, b.const(type, 1)
        if update.scale is None:
            scale = b.const(type, 1)
        elif update.scale.kind == NUMBER:
            scale = b.const(type, update.scale.attrs)
        else:
            scale = b.load(self._pointer(update.scale), type)
        return self._pointer(update.before), b.fneg(scale) if update.minus else scale

    def _operand(self, base, place):
        """Where a matrix begins, and the place of an element from there: the code for each part of an array is one."""
        offset = max(place.constant, 0)
        return self._pointer(base, offset * base.dtype.itemsize), place._replace(constant=place.constant - offset)

    def _small(self, shape, *addresses):
        """A call of the straight function for a small product, which is written once."""
        name = "small" + cache.sha256(repr(shape).encode()).hexdigest()[:12]
        if name not in self.module.functions:
            self.module.functions[name] = gemm_small.small(name, *shape, self.module.vector_bits)
        self.b.line(f"call void @{name}({', '.join([f'ptr {a.text}' for a in addresses])})")


def _is_short(group):
    """Whether a group is no loop, or one row written."""
    return not group.domain and (group.routine is None or cost(group) <= SHORT)


def _without(place, axis):
    return place._replace(terms=tuple([(i, c) for i, c in place.terms if i != axis]))


def _declaration(name, definition):
    """The declaration of a function of another module, of one that all share, or None: an intrinsic has its own."""
    if definition is None:
        return _FROM_ELSEWHERE.get(name)
    return re.sub("^define (internal )?", "declare ", definition[: definition.index(")") + 1])


def _definition(head, lines, result="void", attributes="#0"):
    body = "\n".join(lines)
    return f"{head} {attributes} {{\nentry:\n{body}\n  ret {result}\n}}"
