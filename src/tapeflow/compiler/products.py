"""What of the loops after a matrix product the product does itself.

The sum `w - rate * (a @ b)` is written by the product: no pass over w, and no room for a @ b. Other loops are called by
the product for some of its rows and columns at a time, when those are there and in the cache.
"""

from math import prod
from typing import NamedTuple

from tapeflow.compiler import gemm, gemm_small
from tapeflow.compiler.accumulator import reduced_axes
from tapeflow.compiler.lowerings import SELDOM_DEAR
from tapeflow.compiler.program import MAP, NUMBER, REDUCE, VIEW, Term
from tapeflow.compiler.schedule import in_memory
from tapeflow.compiler.split import sizes
from tapeflow.compiler.types import F32, F64, memory_type


class Update(NamedTuple):
    """`term` = `before` + or - `scale` * the product. `scale` is a term of one element, or None for 1."""

    term: Term
    before: Term
    scale: Term | None
    minus: bool


def find(schedule, location):
    """Say what the groups of products are; `location` has the terms whose place is known already."""
    for group in schedule.groups:
        product = group.matmul
        if product is None or gemm_small.is_small(*sizes(product)):
            continue
        alone = all(reader == (group.number, True) for reader in schedule.readers.get(product, ()))
        alone = alone and product not in location
        group.update = _update(group, product) if alone else None
        group.panels = group.update is None and _has_panels(group, product)
        if alone:
            group.over = _over(group, product, location) if group.update is None else group.update.term


def _over(group, product, location):
    """A term that can be written over the product: nothing else reads that, and its loops run once."""
    if any(term.kind == MAP and term.attrs[0] in SELDOM_DEAR for term in group.terms):
        return None
    for term in group.terms:
        fits = term.kind == MAP and term.stored and term.shape == product.shape and term.dtype == product.dtype
        if fits and location.get(term, ("arena",))[0] not in ("variable", "input"):  # which the loops may read
            return term
    return None


def _has_panels(group, product):
    """Whether the loops can run on some rows and columns of a product at a time."""
    whole = len(product.shape) == len(group.domain) == 2 and len(group.terms) > 1
    return whole and all(term.kind != REDUCE or reduced_axes(term) == {0} for term in group.terms)


def _update(group, product):
    """The update that a group is, and nothing else."""
    term, others = group.terms[-1], group.terms[1:-1]
    if product.dtype not in (F32, F64) or len(others) > 1 or not _is(term, "Sub", "AddV2"):
        return None
    *_, k = sizes(product)
    if k > gemm.depth(memory_type(product.dtype)):
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
