"""Whole values that a function of their own writes: what is no matter of one element at a time.

A *routine* term has its operands in memory, contiguous, and is written to memory. `ROUTINES` says how, by the routine's
name; the subjects have modules of their own.
"""

from typing import NamedTuple

from tapeflow.compiler.program import ROUTINE, Term, same_memory


class Routine(NamedTuple):
    """How a routine is written.

    `write(b, term, out, args, low, high)` writes the loops for the items from `low` to `high`; `out` and `args` are
    addresses. `items(term)` says how many there are, which threads may share; `cost(term)` how many simple
    instructions an item is about.
    """

    write: object
    items: object
    cost: object
    over_first: bool = False  # whether the result may be written over the first operand, which is then `out` itself


def routine(name, shape, dtype, *args, attrs=(), where=None):
    """The term of a routine."""
    return Term(ROUTINE, shape, dtype, tuple(map(same_memory, args)), (name, *attrs), where)


def routine_of(term):
    """How a term is written."""
    from tapeflow.compiler import draws, matrices, order, philox, scans, scatter

    for subject in (philox, scatter, scans, order, matrices, draws):
        if term.attrs[0] in subject.ROUTINES:
            return subject.ROUTINES[term.attrs[0]]
    raise KeyError(term.attrs[0])
