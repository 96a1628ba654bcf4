"""The order of a loop's instructions."""

import re

from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.chains import ordered


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
