"""The order of a long loop's instructions, and its constants."""

import re

from tapeflow.compiler.chains import kept, ordered
from tapeflow.compiler.emit import Emitter, Value


def two_chains():
    """x^8 and y + 4, one after the other, and their sum in memory."""
    b = Emitter()
    x, y = Value("float", "%x"), Value("float", "%y")
    for _ in range(3):
        x = b.fmul(x, x)
    for _ in range(4):
        y = b.fadd(y, b.const("float", 1))
    b.store(b.fadd(x, y), Value("ptr", "%out"))
    return b.lines


def test_values_are_made_before_they_are_used_and_stores_come_last():
    lines = two_chains()
    found = ordered(lines)
    assert sorted(found) == sorted(lines) and found != lines
    made = {"%x", "%y", "%out"}
    for line in found[:-1]:
        name, *used = re.findall(r"%\w+", line)
        assert made.issuperset(used)
        made.add(name)
    assert found[-1].startswith("  store")


def test_chains_stand_side_by_side():
    kinds = [line.split()[2] for line in ordered(two_chains())]
    assert kinds[0] != kinds[1] and "fadd" in kinds[: kinds.index("fmul", 2)]


def test_memory_that_is_read_after_it_is_written_keeps_its_order():
    lines = [*two_chains(), "  %v90 = load float, ptr %out", "  store float %v90, ptr %in"]
    assert ordered(lines) == lines


def test_what_is_no_plain_instruction_keeps_its_order():
    lines = [*two_chains(), "  call void @f(ptr %out)"]
    assert ordered(lines) == lines


def test_constants_that_are_calculated_with_are_read_before():
    b = Emitter()
    x, half = Value("float", "%x"), b.const("float", 0.5)
    y = b.fma(b.fadd(x, half), half, b.const("float", 1))
    b.select(b.fcmp("olt", y, half), y, b.const("float", 0.25))
    b.lshr(Value("i32", "%i"), b.const("i32", 18))
    add, multiply, compare, choose, *others = kept(b, b.lines)
    read, quarter = b.head
    name = read.split()[0]
    assert compare.endswith(f", {name}") and choose.endswith(quarter.split()[0])
    assert add.endswith(f"%x, {name}") and f"float {name}, float {b.const('float', 1).text}" in multiply
    assert others == b.lines[4:] and half.text in "".join(b.declared.values())


def test_constants_of_each_type_have_names_of_their_own():
    b = Emitter()
    for type in ("float", "double"):
        b.fmul(Value(type, "%x"), b.const(type, 0.5))
    one, other = [line.split()[-1] for line in kept(b, b.lines)]
    assert one.startswith("%float.") and other.startswith("%double.") and len(b.head) == 2


def test_an_instruction_is_written_once_in_a_block():
    b = Emitter()
    x, place = Value("float", "%x"), Value("ptr", "%p")
    assert b.fadd(x, x) == b.fadd(x, x) and b.fma(x, x, x) == b.fma(x, x, x) and len(b.lines) == 2
    assert b.load(place, "float") != b.load(place, "float")  # memory may have changed
    assert b.new("i32", "call i32 @poll()") != b.new("i32", "call i32 @poll()")
    assert b.new("ptr", "alloca i64") != b.new("ptr", "alloca i64")
    first = b.fadd(x, x)
    b.start("another")  # to which another way may lead
    assert b.fadd(x, x) != first
