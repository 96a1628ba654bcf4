"""Random programs of up to forty operations, eager against compiled: results, a gradient, the variables' last values.

CI runs the same ones every time. For others: `TAPEFLOW_PROGRAMS=2000 pytest tests/compiler/test_programs.py`.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from compiler.random_programs import HUGE, MIDDLE, OPERATIONS, SMALL, TYPES, Program, check

MORE = int(os.environ.get("TAPEFLOW_PROGRAMS", "0"))
SETTINGS = settings(
    max_examples=MORE or 15, deadline=None, derandomize=not MORE, database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # `random_programs.shrunk` makes a failing one small, and knows how
)  # fmt: skip
NUMBER = st.integers(0, 63)


def programs(shapes, names, length):
    """Programs over values of some shapes."""
    types = st.tuples(st.sampled_from(shapes), st.sampled_from(TYPES))
    step = st.tuples(st.sampled_from(names), NUMBER, NUMBER, NUMBER)
    return st.builds(
        Program,
        st.lists(types, min_size=1, max_size=4).map(tuple),
        st.lists(types.filter(lambda type: type[1] != "bool"), max_size=3).map(tuple),
        st.lists(step, min_size=length // 2, max_size=length).map(tuple),
        st.lists(NUMBER, min_size=1, max_size=4).map(tuple),
        st.integers(0, 999),
    )


ALL = list(OPERATIONS)
# Variables that change places, and are read before and after.
STATE = ["assign", "update", "swap", "old_value", "read", "add", "multiply", "total", "transpose", "cut", "matmul"]
# The same in branches, loops and Python code.
OWN = [*STATE[:8], "compare", "branch_assigns", "repeat_assigns", "python_assigns"]
MOVES = ["reshape", "transpose", "cut", "concat", "stack", "split", "unstack", "pad", "reverse", "roll", "tile",
         "gather", "broadcast_to", "expand", "squeeze", "element", "multiply", "total", "add"]  # fmt: skip


@SETTINGS
@given(programs(SMALL, ALL, 40))
def test_small(program):
    check(program)


@SETTINGS
@given(programs(SMALL + MIDDLE, ALL, 20))
def test_middle(program):
    check(program)


@SETTINGS
@given(programs(HUGE, ALL, 12))
def test_large(program):
    check(program)


@SETTINGS
@given(programs(SMALL[:4] + HUGE[:2], STATE, 16))
def test_variables(program):
    check(program, times=3)


@SETTINGS
@given(programs(SMALL[:4] + HUGE[:2], OWN, 16))
def test_variables_of_branches_and_loops(program):
    check(program, times=3)


@SETTINGS
@given(programs(SMALL + MIDDLE, MOVES, 16))
def test_moves(program):
    check(program)


# What such programs found.
FOUND = {
    "sums over some axes and over all in one loop": Program(
        (((3, 3), "float64"),), (), (("normalized", 0, 0, 0),), (6,), 462
    ),
    "two variables change places in place": Program(
        (((70,), "float32"),), (((33_000, 1), "float64"),) * 2, (("swap", 0, 1, 0),), (7,), 523
    ),
}


@pytest.mark.parametrize("program", FOUND.values(), ids=FOUND.keys())
def test_what_was_found(program):
    check(program)
