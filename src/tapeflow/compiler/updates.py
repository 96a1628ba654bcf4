"""Which matrix products write a sum themselves: `w - rate * (a @ b)` needs no pass over w, and no room for a @ b."""

from math import prod
from typing import NamedTuple

from tapeflow.compiler import gemm
from tapeflow.compiler.program import MAP, NUMBER, VIEW, Term
from tapeflow.compiler.schedule import in_memory
from tapeflow.compiler.split import sizes
from tapeflow.compiler.types import F32, F64, memory_type


class Update(NamedTuple):
    """`term` = `before` + or - `scale` * the product. `scale` is a term of one element, or None for 1."""

    term: Term
    before: Term
    scale: Term | None
    minus: bool


def find(schedule, kept):
    """Set the `update` of the groups that are one; `kept` are the terms whose memory others have a use for."""
    for group in schedule.groups:
        product = group.matmul
        if product is None or product in kept or any(reader != (group.number, True) for reader in
                                                     schedule.readers.get(product, ())):  # fmt: skip
            continue
        group.update = _update(group, product)


def _update(group, product):
    """The update that a group is, and nothing else."""
    term, others = group.terms[-1], group.terms[1:-1]
    if product.dtype not in (F32, F64) or len(others) > 1 or not _is(term, "Sub", "AddV2"):
        return None
    *_, k = sizes(product)
    if gemm.is_small(*sizes(product)) or k > gemm.depth(memory_type(product.dtype)):
        return None
    change = others[0] if others else product
    scale = None
    if others:
        if change.stored or not _is(change, "Mul") or product not in change.args:
            return None
        scale = _number(change.args[change.args[0] is product], group.number)
        if scale is None:
            return None
    before, other = term.args
    if other is not change and term.attrs[0] == "AddV2":
        before, other = other, before
    if other is not change or before in (change, product) or not in_memory(before, group.number):
        return None
    return Update(term, before, scale, term.attrs[0] == "Sub")


def _is(term, *names):
    return term.kind == MAP and term.attrs[0] in names


def _number(term, group):
    """The term of one element that a term is everywhere; None if it is not in memory."""
    while term.kind == VIEW and prod(term.args[0].shape) == 1:
        term = term.args[0]
    known = term.kind == NUMBER or prod(term.shape) == 1 and term.kind != VIEW and in_memory(term, group)
    return term if known else None
