"""The native code of one group's loops, and of the reductions in them."""

import functools

import numpy as np

from tapeflow.compiler.accumulator import Accumulator, reduced_axes
from tapeflow.compiler.affine import ZERO, Affine, flat, strides_of, unflattened
from tapeflow.compiler.chains import kept, ordered
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.lowerings import COSTS, SELDOM_DEAR, cast, lowering
from tapeflow.compiler.program import GUARD, IOTA, MAP, MATMUL, NUMBER, REDUCE, RESHAPE, TAKE, VIEW
from tapeflow.compiler.schedule import canonical, in_memory
from tapeflow.compiler.stages import written
from tapeflow.compiler.types import BOOL, HALVES, I64, REGISTER, memory_type

CALLED = 20  # simple instructions; what is longer is a function of its own where there is no loop
LONG = 60  # simple instructions, of which a processor does not see the next round
BROAD = 2.25  # times the longest chain
CHOICES = 32  # guards in a loop, of which LLVM takes seconds to make vectors, and those are no faster
BLOCK = 1024  # elements that are added up in the dtype itself, and then to a more accurate sum


class Kernel:
    """The loops of a group, written into `b`.

    `pointer(term, offset)` is where a term in memory is, some bytes further on, `targets` the same for those that the
    group stores, `scratch(term)` where a reduction over outer axes adds up. `ranges`: the axes of the domain of which
    this call has a part, and the part's ends; `share(term)`: where a reduction of everything leaves the part's share.
    `repeatable`: whether nothing that is written is read.
    """

    def __init__(self, b, group, pointer, targets, scratch, ranges, share=None, repeatable=True):
        self.b = b
        self.group = group
        self.pointer = pointer
        self.targets = targets
        self.scratch = scratch
        self.ranges = ranges
        self.share = share
        self.repeatable = repeatable
        self.extents = group.domain
        self.values = {}
        self.addresses = {}
        self.reductions = [t for t in group.terms if t.kind == REDUCE]
        self._merge()
        self._sort()

    # Axes that every array walks through as if they were one are one.

    def _merge(self):
        places = set()
        for term in self.group.terms:
            if term.kind == REDUCE:
                self._places(term.args[0], canonical(term.args[0].shape), places)
            elif term.kind != MATMUL:
                self._places(term, canonical(term.shape), places, True)
                places.add(flat(canonical(term.shape), term.shape))
        reduced = [reduced_axes(term) for term in self.reductions]
        levels = []  # [axes]
        for axis, extent in enumerate(self.extents):
            last = levels[-1][-1] if levels else None
            joins = (
                last is not None
                and axis not in self.ranges
                and last not in self.ranges
                and all(p.coefficient(last) == p.coefficient(axis) * extent for p in places)
                and all((axis in r) == (last in r) for r in reduced)
            )
            if joins:
                levels[-1].append(axis)
            else:
                levels.append([axis])
        self.levels = levels
        self.sizes = [int(np.prod([self.extents[axis] for axis in level])) for level in levels]

    def _places(self, term, index, found, top=False):
        """The places in memory, and other numbers, that an element's value is made of."""
        if term.kind == NUMBER:
            return
        if term.kind == IOTA:
            found.add(index[term.attrs])
        elif self._in_memory(term) and not top:
            found.add(flat(index, term.shape))
        elif term.kind == VIEW:
            self._places(term.args[0], tuple([a.at(index) for a in term.attrs]), found)
        elif term.kind == RESHAPE:
            base, place = self._unshaped(term.args[0], flat(index, term.shape))
            if place.__class__ is Affine:
                found.add(place)
            else:
                self._places(base, place, found)
        elif term.kind == GUARD:
            inside, outside = term.args
            found.update(condition[0].at(index) for condition in term.attrs[0])
            self._places(inside, tuple([a.at(index) for a in term.attrs[1]]), found)
            self._places(outside, index, found)
        elif term.kind == TAKE and top:
            base, places = term.args
            found.add(self._around(term, index))
            self._places(places, tuple([a.at(index) for a in term.attrs[1]]), found)
        elif term.group == self.group.number and index == canonical(term.shape) and not top:
            return  # walked by itself
        else:
            for x in term.args:
                self._places(x, index, found)

    def _in_memory(self, term):
        return in_memory(term, self.group.number)

    def _unshaped(self, base, place):
        """What is read at a place of a reshaped term: (base, its place in memory), or (base, its index)."""
        while base.kind == RESHAPE and not self._in_memory(base):
            base = base.args[0]
        if self._in_memory(base):
            return base, place
        return base, unflattened(place, base.shape, self.extents)

    # Values.

    def value(self, term, index):
        """An element of a term, in a register."""
        key = id(term), index
        found = self.values.get(key)
        if found is None:
            found = self.values[key] = self._value(term, index)
        return found

    def _value(self, term, index, top=False):
        kind, b = term.kind, self.b
        if kind == NUMBER:
            bits = np.array(term.attrs, term.dtype).view(np.int16) if term.dtype in HALVES else term.attrs
            return b.const(REGISTER[term.dtype], bits)
        if kind == IOTA:
            return self.place(index[term.attrs])
        if self._in_memory(term) and not top:
            return self.load(term, flat(index, term.shape))
        if kind == VIEW:
            return self.value(term.args[0], tuple([a.at(index) for a in term.attrs]))
        if kind == RESHAPE:
            base, found = self._unshaped(term.args[0], flat(index, term.shape))
            return self.load(base, found) if found.__class__ is Affine else self.value(base, found)
        if kind == GUARD:
            return self._guarded(term, index)
        if kind == TAKE:
            return self._taken(term, index)
        operands = [self.value(x, index) for x in term.args]
        name, *attrs = term.attrs
        if name == "Cast":
            return cast(b, operands[0], term.args[0].dtype, term.dtype)
        dtypes = [x.dtype for x in term.args]
        lower = lowering(name, dtypes)
        long = not self.levels and not attrs and COSTS.get(name, 1) >= CALLED
        if long and all(x.text.startswith("%") for x in operands):
            return _called(b, f"{name}.{operands[0].type}", lambda b, *xs: lower(b, dtypes[0], *xs), operands)
        return lower(b, dtypes[0], *operands, *attrs)

    def _guarded(self, term, index):
        """One of two values; what is not needed is not read."""
        b = self.b
        inside, outside = term.args
        holds = None
        for expression, low, high in term.attrs[0]:
            n = self.place(expression.at(index))
            shifted = b.sub(n, b.const("i64", low)) if low else n
            within = b.icmp("ult", shifted, b.const("i64", high - low))
            holds = within if holds is None else b.and_(holds, within)
        yes, no, after = b.label(), b.label(), b.label()
        b.line(f"br i1 {holds.text}, label %{yes}, label %{no}")
        known, known_places = self.values, self.addresses
        noted, b.unusual = b.unusual, None  # what is noted has to be known in every round
        found = []
        for label, x, at in ((yes, inside, tuple([a.at(index) for a in term.attrs[1]])), (no, outside, index)):
            b.start(label)
            self.values, self.addresses = dict(known), dict(known_places)
            found.append((self.value(x, at), b.block))
            b.line(f"br label %{after}")
        self.values, self.addresses, b.unusual = known, known_places, noted
        b.start(after)
        type = found[0][0].type
        return b.new(type, f"phi {type} " + ", ".join(f"[ {v.text}, %{block} ]" for v, block in found))

    def _around(self, term, index):
        """The place in its base's memory of the first element along the axis of a `take`."""
        base = term.args[0]
        return flat([ZERO if a is None else a.at(index) for a in term.attrs[0]], base.shape)

    def _taken(self, term, index):
        """An element at a place that is read; a place outside, of which a check tells, is the first."""
        b = self.b
        base, places = term.args
        axis = term.attrs[0].index(None)
        number = cast(b, self.value(places, tuple([a.at(index) for a in term.attrs[1]])), places.dtype, I64)
        inside = b.icmp("ult", number, b.const("i64", base.shape[axis]))
        number = b.select(inside, number, b.const("i64", 0))
        place = b.mul(number, b.const("i64", strides_of(base.shape)[axis]))
        place = b.add(place, self.place(self._around(term, index)))
        type = memory_type(base.dtype)
        found = b.load(b.address(self.pointer(base, 0), place, type), type)
        return b.cast("trunc", found, "i1") if base.dtype == BOOL else found

    def place(self, expression):
        """An affine expression of the domain's counters as an i64."""
        found = self.addresses.get(expression)
        if found is not None:
            return found
        b = self.b
        total = None
        for level, value in zip(self.levels, self.counters):
            coefficient = expression.coefficient(level[-1])
            if coefficient:
                part = value if coefficient == 1 else b.mul(value, b.const("i64", coefficient))
                total = part if total is None else b.add(total, part)
        if total is None:
            total = b.const("i64", expression.constant)
        elif expression.constant:
            total = b.add(total, b.const("i64", expression.constant))
        self.addresses[expression] = total
        return total

    def load(self, term, place):
        b = self.b
        key = id(term), place
        found = self.values.get(key)
        if found is None:
            type = memory_type(term.dtype)
            offset = max(place.constant, 0)  # so that the code for each part of an array is the same
            base = self.pointer(term, offset * term.dtype.itemsize)
            place = place._replace(constant=place.constant - offset)
            found = b.load(b.address(base, self.place(place), type), type)
            if term.dtype == BOOL:
                found = b.cast("trunc", found, "i1")
            self.values[key] = found
        return found

    def store_at(self, value, pointer, place, dtype):
        b = self.b
        if dtype == BOOL:
            value = b.cast("zext", value, "i8")
        b.store(value, b.address(pointer, place, memory_type(dtype)))

    # Loops.

    def _sort(self):
        """Which reductions add up in registers, and which in memory."""
        count = len(self.levels)
        self.counters = [None] * count
        self.plain, self.spread = [], []
        for term in self.reductions:
            over = reduced_axes(term)
            levels = [i for i, level in enumerate(self.levels) if level[0] in over]
            if levels == list(range(levels[0], count)):
                self.plain.append(Accumulator(self.b, term, levels[0]))
            else:
                self.spread.append((Accumulator(self.b, term, None), levels))
        self.plain.sort(key=lambda accumulator: accumulator.first)  # the order of their states in the loops

    def write(self):
        """The group's loops."""
        self.start()
        self.rounds()
        self.finish()

    def start(self):
        """Before the loops."""
        for accumulator, levels in self.spread:
            self._over_kept(levels, self._start_at, accumulator)

    def rounds(self):
        """The loops themselves."""
        if any(t.kind != MATMUL for t in self.group.terms):
            self._level(0, ())

    def finish(self):
        """After the loops."""
        for accumulator, levels in self.spread:
            self._over_kept(levels, self._finish_at, accumulator)

    def _range(self, level):
        b = self.b
        whole = b.const("i64", 0), b.const("i64", self.sizes[level])
        return self.ranges.get(self.levels[level][0], whole)

    def _level(self, level, state):
        """The loop of a level and those within it; `state` is that of the accumulators that are running."""
        if level == len(self.levels):
            return self._element(state)
        b = self.b
        fresh = [a for a in self.plain if a.first == level]
        running = [a for a in self.plain if a.first < level] + fresh
        state = (*state, *[v for a in fresh for v in a.start()])
        low, high = self._range(level)
        if level == len(self.levels) - 1 and any(a.blocked for a in running):
            state = self._blocks(running, low, high, state)
        else:

            def body(i, state):
                self.counters[level] = i
                return self._level(level + 1, state)

            loop = self._innermost if level == len(self.levels) - 1 else b.loop
            state = loop(low, high, b.const("i64", 1), body, state)
        kept = sum(a.width for a in self.plain if a.first < level)
        state, ended = state[:kept], state[kept:]
        for accumulator in fresh:
            values, ended = ended[: accumulator.width], ended[accumulator.width :]
            self.values, self.addresses = {}, {}
            if accumulator.first == 0 and self.share is not None:
                accumulator.leave(values, self.share(accumulator.term))
            else:
                place = self.place(flat(self._kept_index(accumulator.term), accumulator.term.shape))
                self._to_targets(accumulator.term, accumulator.finish(values), place)
        return state

    def _blocks(self, running, low, high, state):
        """The innermost loop in blocks, each added up in the dtype itself."""
        b = self.b
        level = len(self.levels) - 1

        def block(start, state):
            end = b.add(start, b.const("i64", BLOCK))
            end = b.select(b.icmp("slt", end, high), end, high)

            def body(i, inner):
                self.counters[level] = i
                return self._element(inner, True)

            inner = tuple([v for a in running for v in a.start_block()])
            if self.sizes[level] > BLOCK:
                apart = self.repeatable and not self.spread and self._is_broad()  # a round reads what none writes
                stages = functools.partial(written, most=BLOCK) if apart else None
                inner = self._innermost(start, end, b.const("i64", 1), body, inner, stages=stages)
            else:
                inner = self._innermost(low, high, b.const("i64", 1), body, inner)
            out, state, inner = [], list(state), list(inner)
            for a in running:
                mine, state = state[: a.width], state[a.width :]
                sums, inner = inner[: a.block_width], inner[a.block_width :]
                out += a.add_block(mine, sums)
            return tuple(out)

        # What is not a sum carries its state through the blocks as well, so the states are swapped in and out.
        if self.sizes[level] > BLOCK:
            return b.loop(low, high, b.const("i64", BLOCK), block, state)
        return block(low, state)

    def _innermost(self, *loop, stages=None):
        """The innermost loop; where some arguments are dear, it is written twice, and is mostly the cheap one.

        Then it may run twice too, so it must not add to memory, nor write to what it reads.
        """
        twice = self.repeatable and not self.spread
        names = [t.attrs[0] for t in self.group.terms if t.kind == MAP]
        twice = twice and not SELDOM_DEAR.isdisjoint(names)
        long = sum(COSTS.get(name, 1) for name in names) >= LONG
        notes = self.b.interleaved(2 if self._is_broad() else 4) if long else ""
        if sum(t.kind == GUARD for t in self.group.terms) > CHOICES:
            notes = self.b.plain()
        return (self.b.checked_loop if twice else self.b.loop)(*loop, notes=notes, stages=stages)

    def _is_broad(self):
        """Whether long chains stand side by side in one round; with fewer than 32 registers that would not help."""
        ends, total = {}, 0
        for term in self.group.terms:
            cost = COSTS.get(term.attrs[0], 1) if term.kind == MAP else 0
            ends[id(term)] = cost + max((ends.get(id(x), 0) for x in term.args), default=0)
            total += cost
        return self.b.wide and total >= LONG and total >= BROAD * max(ends.values())

    def _element(self, state, in_block=False):
        """All that is done for one element of the domain; stores come last, for a variable's old value may be read."""
        self.values, self.addresses, made = {}, {}, []
        block, place = self.b.block, len(self.b.lines)
        for term in self.group.terms:
            if term.kind in (REDUCE, MATMUL):
                continue
            own = canonical(term.shape)
            value = self.values[id(term), own] = self._value(term, own, True)
            if term in self.targets:
                made.append((term, value, self.place(flat(own, term.shape))))
        out, state = [], list(state)
        for accumulator in self.plain:
            width = accumulator.block_width if in_block else accumulator.width
            mine, state = state[:width], state[width:]
            x = self.value(accumulator.term.args[0], canonical(accumulator.term.args[0].shape))
            out += accumulator.add_element(mine, x, in_block)
        for accumulator, _ in self.spread:
            x = self.value(accumulator.term.args[0], canonical(accumulator.term.args[0].shape))
            accumulator.add_in_memory(self._scratch_at(accumulator), x)
        for term, value, at in made:
            self._to_targets(term, value, at)
        if self.b.block == block and self._is_broad():
            self.b.lines[place:] = kept(self.b, ordered(self.b.lines[place:]))
        return tuple(out)

    def _to_targets(self, term, value, place):
        if term in self.targets:
            self.store_at(value, self.targets[term], place, term.dtype)

    # Reductions whose elements do not come one after the other add up in memory.

    def _kept_index(self, term):
        """The index of a reduction's own element by the counters of the domain."""
        shape, axes = term.args[0].shape, term.attrs[1]
        return tuple([a for axis, a in enumerate(canonical(shape)) if axis not in axes])

    def _over_kept(self, reduced_levels, action, accumulator):
        """The loops over a reduction's own elements."""
        b = self.b
        kept = [i for i in range(len(self.levels)) if i not in reduced_levels]

        def nest(rest):
            if not rest:
                self.values, self.addresses = {}, {}
                action(accumulator)
                return
            level, *inner = rest

            def body(i, state):
                self.counters[level] = i
                nest(inner)
                return ()

            b.loop(*self._range(level), b.const("i64", 1), body)

        nest(kept)

    def _scratch_at(self, accumulator):
        term = accumulator.term
        place = self.place(flat(self._kept_index(term), term.shape))
        return self.b.address(self.scratch(term), place, accumulator.memory)

    def _start_at(self, accumulator):
        self.b.store(accumulator.neutral(), self._scratch_at(accumulator))

    def _finish_at(self, accumulator):
        term = accumulator.term
        total = self.b.load(self._scratch_at(accumulator), accumulator.memory)
        place = self.place(flat(self._kept_index(term), term.shape))
        self._to_targets(term, accumulator.from_memory(total), place)


def _called(b, name, lower, operands):
    """A call of a function for what `lower` computes: a program of single numbers would be long without.

    Its code for unusual arguments is only run for them.
    """
    if name not in b.declared:
        inner = Emitter(b.wide)
        xs = [Value(x.type, f"%x{i}") for i, x in enumerate(operands)]
        inner.unusual = []
        usual = lower(inner, *xs)
        unusual, inner.unusual = inner.unusual, None
        for met in unusual:
            seldom, next_ = inner.label(), inner.label()
            inner.line(f"br i1 {inner.is_unusual(met).text}, label %{seldom}, label %{next_}")
            inner.start(seldom)
            found = lower(inner, *xs)
            inner.line(f"ret {found.type} {found.text}")
            inner.start(next_)
        b.declared |= inner.declared
        given = ", ".join(f"{x.type} {x.text}" for x in xs)
        body = "\n".join(inner.lines)
        b.declared[name] = (
            f"define internal {usual.type} @{name}({given}) noinline nounwind {{\nentry:\n{body}\n"
            f"  ret {usual.type} {usual.text}\n}}"
        )
    given = ", ".join(f"{x.type} {x.text}" for x in operands)
    type = operands[0].type
    return b.new(type, f"call {type} @{name}({given})")
