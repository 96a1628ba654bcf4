"""How reductions add up: accurately, in registers or in memory, and over threads' shares."""

import numpy as np

from tapeflow.compiler.types import BOOL, F32, F64, REGISTER


def reduced_axes(term):
    """The axes of the domain that a reduction is over."""
    shape = term.args[0].shape
    own = {axis: i for i, axis in enumerate([axis for axis, n in enumerate(shape) if n != 1])}
    return {own[axis] for axis in term.attrs[1]}


class Accumulator:
    """How one reduction adds up: in registers (`first`: the level where it starts), or in memory.

    A float32 sum is a float32 for a block of elements and a float64 over the blocks; a float64 sum carries what its
    rounding lost (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974).
    """

    def __init__(self, b, term, first):
        self.b = b
        self.term = term
        self.first = first
        self.kind = term.attrs[0]
        self.dtype = term.dtype
        self.register = "i8" if term.dtype == BOOL else REGISTER[term.dtype]
        self.blocked = self.kind == "sum" and term.dtype.kind == "f"
        self.wide = "double" if self.blocked and term.dtype == F32 else self.register
        self.width = 2 if self.blocked and term.dtype == F64 else 1
        self.block_width = 1
        self.memory = self.wide

    def neutral(self, type=None):
        type = type or self.wide
        if self.kind in ("max", "min"):
            low = self.kind == "max"
            if self.dtype.kind == "f":
                return self.b.const(type, -np.inf if low else np.inf)
            info = np.iinfo(self.dtype)
            return self.b.const(type, info.min if low else info.max)
        return self.b.const(type, {"sum": 0, "prod": 1, "all": 1, "any": 0}[self.kind])

    def start(self):
        return [self.neutral() for _ in range(self.width)]

    def start_block(self):
        return [self.neutral(self.register)]

    def _combined(self, total, x, flags="reassoc"):
        b, kind, floating = self.b, self.kind, self.dtype.kind == "f"
        if kind == "sum":
            return b.fadd(total, x, flags) if floating else b.add(total, x)
        if kind == "prod":
            return b.fmul(total, x, flags) if floating else b.mul(total, x)
        if kind in ("all", "any"):
            return b.and_(total, x) if kind == "all" else b.or_(total, x)
        if floating:
            return b.intrinsic("maximum" if kind == "max" else "minimum", total, x)
        return b.intrinsic(f"{'s' if self.dtype.kind == 'i' else 'u'}{kind}", total, x)

    def _operand(self, x):
        return self.b.cast("zext", x, "i8") if self.dtype == BOOL else x

    def add_element(self, state, x, in_block):
        x = self._operand(x)
        if self.kind in ("max", "min") and self.dtype.kind == "f":
            # LLVM would make a condition of an infinity that is chosen somewhere, and then no vectors.
            x = self.b.new(x.type, f"freeze {x.type} {x.text}")
        if in_block or not self.blocked:
            return [self._combined(state[0], x)]
        return self.add_block(state, [x])

    def add_block(self, state, sums):
        """Add a block's sum to the state of all; what is not a sum goes on from block to block."""
        b = self.b
        if not self.blocked:
            return [self._combined(state[0], sums[0])]
        if self.wide != self.register:
            return [b.fadd(state[0], b.cast("fpext", sums[0], "double"))]
        (x,), (total, lost) = sums, state
        after = b.fadd(total, x)
        larger = b.fcmp("oge", b.fabs(total), b.fabs(x))
        rest = b.select(larger, b.fadd(b.fsub(total, after), x), b.fadd(b.fsub(x, after), total))
        return [after, b.fadd(lost, rest)]

    def finish(self, state):
        b = self.b
        if self.wide != self.register:
            return b.cast("fptrunc", state[0], self.register)
        if self.width == 2:
            total, lost = state
            fine = b.fcmp("olt", b.fabs(total), b.const("double", np.inf))
            return b.select(fine, b.fadd(total, lost), total)
        return b.cast("trunc", state[0], "i1") if self.dtype == BOOL else state[0]

    # In memory.

    def add_parts(self, address, to, parts, size, count):
        """Write `count` totals to memory, each of one number of every part; the parts are `size` bytes apart."""
        b = self.b

        def one(i, state):
            total = None
            for part in range(parts):
                start = b.address(address, b.const("i64", part * size), "i8")
                x = b.load(b.address(start, i, self.memory), self.memory)
                total = x if total is None else self._combined(total, x, "")
            total = self.from_memory(total)
            if self.dtype == BOOL:
                total = b.cast("zext", total, "i8")
            b.store(total, b.address(to, i, total.type))
            return ()

        b.loop(b.const("i64", 0), b.const("i64", count), b.const("i64", 1), one)

    def add_in_memory(self, address, x):
        b = self.b
        x = self._operand(x)
        if self.wide != self.register:
            x = b.cast("fpext", x, self.wide)
        b.store(self._combined(b.load(address, self.memory), x, ""), address)

    def from_memory(self, total):
        return self.finish([total, self.b.const("double", 0)][: self.width])

    def leave(self, state, address):
        """Leave the state in memory, where there is room for two values, for `gather`."""
        for i, value in enumerate(state):
            self.b.store(value, self.b.address(address, self.b.const("i64", i), self.wide))

    def gather(self, address, count, size):
        """The total of `count` states that were left, `size` bytes apart."""
        b, state = self.b, self.start()
        for n in range(count):
            one = b.address(address, b.const("i64", size * n), "i8")
            found = [b.load(b.address(one, b.const("i64", i), self.wide), self.wide) for i in range(self.width)]
            if not self.blocked:
                state = [self._combined(state[0], found[0], "")]
            elif self.width == 1:
                state = [b.fadd(state[0], found[0])]
            else:
                state = self.add_block(state, found[:1])
                state[1] = b.fadd(state[1], found[1])
        return self.finish(state)

