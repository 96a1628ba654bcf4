"""LLVM's assembly language as text: values, instructions, loops. Knows no operation and no graph.

A value is scalar; LLVM's loop vectoriser makes vectors of the loops that are written here.
"""

import re
import struct
from typing import NamedTuple

FLOATS = ("float", "double")
USUAL = 2**16 - 1  # of what is noted of arguments in `checked_loop`: all bits that may be set in usual ones
# Instructions that give the same number again, for the same operands.
PURE = re.compile(
    r"(call (float|double|i\d+) @(llvm|tapeflow)\.|(f(add|sub|mul|div|rem|neg|cmp|ptosi|ptoui|pext|ptrunc)|add|sub|mul|"
    r"[su]div|[su]rem|shl|[al]shr|and|or|xor|icmp|select|[su]itofp|zext|sext|trunc|bitcast) )(?!.*\bptr\b)"
)
WIDTH = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "float": 32, "double": 64}


class Value(NamedTuple):
    """An LLVM value: its type, and how it is written."""

    type: str
    text: str


def i64(number):
    """A constant of 64 bits: a place, a count."""
    return Value("i64", str(number))


class Emitter:
    """The body of one function, line by line. `wide`: for vectors of 512 bits (AVX-512)."""

    def __init__(self, wide=False):
        self.wide = wide
        self.head = []  # lines to be put before the others
        self.lines = []
        self.block = "entry"  # the label of the basic block that is being written
        self.declared = {}  # intrinsics, tables, metadata: name to declaration
        self.unusual = None  # in `checked_loop`: an i32 value, above USUAL where the cheap code is wrong somewhere
        self.least, self.most = {}, {}  # a value's text: a number that it is not below, or above, unless it is NaN
        self._count = 0
        self._known = {}  # the text of an instruction of this block: its name

    def start_after(self, other):
        """Have names that another emitter of the same function does not use."""
        self._count = other._count

    # Values.

    def const(self, type, number):
        """A constant of a type."""
        return Value(type, literal(type, number))

    def new(self, type, text):
        """The value of an instruction; of the one that is there, if the block has it already."""
        name = self._known.get(text)
        if name is None:
            self._count += 1
            name = f"%v{self._count}"
            self.lines.append(f"  {name} = {text}")
            if PURE.match(text):
                self._known[text] = name
        return Value(type, name)

    def label(self):
        """A new label, without its block."""
        self._count += 1
        return f"b{self._count}"

    def start(self, label):
        """Begin the basic block of a label."""
        self.lines.append(f"{label}:")
        self.block = label
        self._known = {}

    def line(self, text):
        """An instruction without a value."""
        self.lines.append("  " + text)

    # Floating-point numbers. `flags`: LLVM's fast-math flags, such as "reassoc".

    def _binary(self, op, x, y):
        return self.new(x.type, f"{op} {x.type} {x.text}, {y.text}")

    def fadd(self, x, y, flags=""):
        return self._binary(f"fadd {flags}", x, y)

    def fsub(self, x, y, flags=""):
        return self._binary(f"fsub {flags}", x, y)

    def fmul(self, x, y, flags=""):
        return self._binary(f"fmul {flags}", x, y)

    def fdiv(self, x, y, flags=""):
        return self._binary(f"fdiv {flags}", x, y)

    def frem(self, x, y):
        return self._binary("frem", x, y)

    def fneg(self, x):
        return self.new(x.type, f"fneg {x.type} {x.text}")

    def fcmp(self, predicate, x, y):
        """`predicate` is LLVM's: oeq, olt, ole, ogt, oge, one (false for NaN), une, ult, ... (true for NaN), uno."""
        return self.new("i1", f"fcmp {predicate} {x.type} {x.text}, {y.text}")

    def intrinsic(self, name, *args, type=None):
        """A call of LLVM's intrinsic `llvm.NAME.TYPE`, of operands of one type."""
        suffix = {"float": "f32", "double": "f64"}.get(args[0].type, args[0].type)
        type = type or args[0].type
        full = f"llvm.{name}.{suffix}"
        self.declared[full] = f"declare {type} @{full}({', '.join(a.type for a in args)})"
        return self.new(type, f"call {type} @{full}({', '.join(f'{a.type} {a.text}' for a in args)})")

    def fma(self, x, y, z):
        """x * y + z, rounded once."""
        return self.intrinsic("fma", x, y, z)

    def sqrt(self, x):
        return self.intrinsic("sqrt", x)

    def fabs(self, x):
        return self.intrinsic("fabs", x)

    def floor(self, x):
        return self.intrinsic("floor", x)

    def ceil(self, x):
        return self.intrinsic("ceil", x)

    def truncate(self, x):
        return self.intrinsic("trunc", x)

    def rint(self, x):
        """To the nearest integer, ties to the even one."""
        return self.intrinsic("roundeven", x)

    def copysign(self, x, y):
        return self.intrinsic("copysign", x, y)

    # Integers.

    def add(self, x, y):
        return self._binary("add", x, y)

    def sub(self, x, y):
        return self._binary("sub", x, y)

    def mul(self, x, y):
        return self._binary("mul", x, y)

    def sdiv(self, x, y):
        return self._binary("sdiv", x, y)

    def udiv(self, x, y):
        return self._binary("udiv", x, y)

    def srem(self, x, y):
        return self._binary("srem", x, y)

    def urem(self, x, y):
        return self._binary("urem", x, y)

    def shl(self, x, y):
        return self._binary("shl", x, y)

    def lshr(self, x, y):
        return self._binary("lshr", x, y)

    def ashr(self, x, y):
        return self._binary("ashr", x, y)

    def and_(self, x, y):
        return self._binary("and", x, y)

    def or_(self, x, y):
        return self._binary("or", x, y)

    def xor(self, x, y):
        return self._binary("xor", x, y)

    def icmp(self, predicate, x, y):
        """`predicate` is LLVM's: eq, ne, slt, sle, sgt, sge, ult, ule, ugt, uge."""
        return self.new("i1", f"icmp {predicate} {x.type} {x.text}, {y.text}")

    def not_(self, x):
        return self.xor(x, self.const(x.type, -1))

    # Both.

    def select(self, condition, x, y):
        return self.new(x.type, f"select i1 {condition.text}, {x.type} {x.text}, {y.type} {y.text}")

    def cast(self, op, x, type):
        """`op` is LLVM's: fptosi, fptoui, sitofp, uitofp, fpext, fptrunc, sext, zext, trunc, bitcast."""
        return self.new(type, f"{op} {x.type} {x.text} to {type}")

    # Memory.

    def address(self, base, index, type):
        """The address of element `index` (i64) of an array of `type`."""
        return self.new("ptr", f"getelementptr inbounds {type}, ptr {base.text}, i64 {index.text}")

    def further(self, base, offset):
        """The address some bytes further on."""
        return self.new("ptr", f"getelementptr i8, ptr {base.text}, i64 {offset}") if offset else base

    def load(self, address, type, notes=""):
        return self.new(type, f"load {type}, ptr {address.text}{notes}")

    def store(self, value, address, notes=""):
        self.line(f"store {value.type} {value.text}, ptr {address.text}{notes}")

    # Control.

    def leave_unless(self, condition, result):
        """End the function with an i64 unless a condition holds."""
        wrong, right = self.label(), self.label()
        self.line(f"br i1 {condition.text}, label %{right}, label %{wrong}")
        self.start(wrong)
        self.line(f"ret i64 {result}")
        self.start(right)

    def move(self, target, source, size):
        """Copy bytes between two pieces of memory."""
        self.declared["llvm.memcpy"] = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"
        self.line(f"call void @llvm.memcpy.p0.p0.i64(ptr {target.text}, ptr {source.text}, i64 {size}, i1 false)")

    def loop(self, low, high, step, body, state=(), notes="", stages=None):
        """`for i in range(low, high, step): state = body(i, state)`, i64 values; returns the last state.

        The loop may run no round at all. `state` is a tuple of values. `stages`: what may write it in another way, a
        function of this emitter, where its lines begin, the ends, the index, the states and the notes.
        """
        begin = len(self.lines)
        before, head, inside, after = self.block, self.label(), self.label(), self.label()
        self.line(f"br label %{head}")
        self.start(head)
        index_name = f"%i{head}"
        place = len(self.lines)
        entered = [Value(v.type, f"%s{head}.{n}") for n, v in enumerate(state)]
        index = Value("i64", index_name)
        going = self.icmp("slt", index, high)
        self.line(f"br i1 {going.text}, label %{inside}, label %{after}")
        self.start(inside)
        last = tuple(body(index, tuple(entered)))
        if stages is not None and self.block == inside:
            states = list(zip(state, entered, last, strict=True))
            if stages(self, begin, before, (low, high, step), index, states, notes):
                return tuple(entered)
        following = self.new("i64", f"add nuw nsw i64 {index.text}, {step.text}")
        phis = [f"  {index_name} = phi i64 [ {low.text}, %{before} ], [ {following.text}, %{self.block} ]"]
        for value, old, new in zip(entered, state, last, strict=True):
            phis.append(
                f"  {value.text} = phi {value.type} [ {old.text}, %{before} ], [ {new.text}, %{self.block} ]"
            )
        self.lines[place:place] = phis
        self.line(f"br label %{head}{notes}")
        self.start(after)
        return tuple(entered)

    def interleaved(self, count):
        """Notes for `loop`: work on so many vectors at a time, for the processor sees only so far ahead."""
        name, rule = f"!{90010 + count}", f"!{90020 + count}"
        self.declared[name] = f"{name} = distinct !{{{name}, {rule}}}"
        self.declared[rule] = f'{rule} = !{{!"llvm.loop.interleave.count", i32 {count}}}'
        return f", !llvm.loop {name}"

    def plain(self):
        """Notes for `loop`: one number at a time."""
        self.declared["!90000"] = "!90000 = distinct !{!90000, !90001, !90002}"
        self.declared["!90001"] = '!90001 = !{!"llvm.loop.vectorize.enable", i1 false}'
        self.declared["!90002"] = '!90002 = !{!"llvm.loop.unroll.disable"}'
        return ", !llvm.loop !90000"

    def note(self, bits):
        """Note a value, an i32, that is above USUAL where the cheap code is wrong."""
        self.unusual = [self.intrinsic("umax", met, bits) for met in self.unusual] or [bits]

    def is_unusual(self, bits):
        """Whether one of the values that were noted, or all of them in one by `or_`, is above USUAL."""
        return self.icmp("ugt", bits, self.const("i32", USUAL))

    def checked_loop(self, low, high, step, body, state=(), notes="", stages=None):
        """`loop` with the cheap code for usual arguments; where a round met an unusual one, all once more, in full.

        So `body` is called twice, and what it writes must not be what it reads. The second loop is rare: it is short
        code rather than fast.
        """
        zero = self.const("i32", 0)

        def noting(index, state):
            self.unusual = [state[0]]
            last = body(index, state[1:])
            (met,), self.unusual = self.unusual, None
            return (met, *last)

        met, *first = self.loop(low, high, step, noting, (zero, *state), notes, stages)
        before, again, after = self.block, self.label(), self.label()
        self.line(f"br i1 {self.is_unusual(met).text}, label %{again}, label %{after}")
        self.start(again)
        second = self.loop(low, high, step, body, state, self.plain())
        again = self.block
        self.line(f"br label %{after}")
        self.start(after)
        return tuple(
            self.new(x.type, f"phi {x.type} [ {x.text}, %{before} ], [ {y.text}, %{again} ]")
            for x, y in zip(first, second, strict=True)
        )


def literal(type, number):
    """A number as LLVM writes a constant of a type."""
    if type in FLOATS:
        if type == "float":
            number = as_float(number)
        return f"0x{struct.unpack('Q', struct.pack('d', number))[0]:016X}"
    if type == "i1":
        return "true" if number else "false"
    return str(int(number))


def as_float(number):
    """The nearest float."""
    return struct.unpack("f", struct.pack("f", number))[0]


def number_of(text, type):
    """The number of a constant's text; None if the text is no constant."""
    if text.startswith("%"):
        return None
    if type in FLOATS:
        return struct.unpack("d", struct.pack("Q", int(text, 16)))[0]
    return {"true": 1, "false": 0}.get(text) if type == "i1" else int(text)
