"""How loops are parted between threads."""

from typing import NamedTuple

import numpy as np

from tapeflow.compiler import gemm, gemm_small
from tapeflow.compiler.accumulator import reduced_axes
from tapeflow.compiler.lowerings import COSTS
from tapeflow.compiler.program import MAP, REDUCE
from tapeflow.compiler.routines import routine_of
from tapeflow.compiler.threads import MOST
from tapeflow.compiler.types import memory_type

WORTH = 120_000  # simple instructions that are worth a second thread
CACHED = 512 << 10  # bytes of a product that one part works on, and then works on again
WIDE = 2 << 20  # bytes of a product's right operand, of which a thread should not read all


class Split(NamedTuple):
    """The axis of a group's domain that is parted, its extent, the size of a part, and how many parts there are."""

    axis: int | None = None
    extent: int = 0
    size: int = 0
    parts: int = 1


WHOLE = Split()


def cost(group):
    """How many simple instructions on one element a group is about."""
    if group.routine is not None:
        how = routine_of(group.routine)
        return how.items(group.routine) * how.cost(group.routine)
    each = sum(COSTS.get(t.attrs[0], 1) if t.kind == MAP else 1 for t in group.terms)
    if group.matmul is not None:
        each += group.matmul.args[0].shape[-1]
    return int(np.prod(group.domain)) * each


def split(group, threads, vector_bits):
    """The split of a group's loops."""
    total, product = cost(group), group.matmul
    if threads == 1 or total < WORTH or product is not None and gemm_small.is_small(*sizes(product)):
        return WHOLE
    if group.routine is not None:
        return _of_items(routine_of(group.routine).items(group.routine), total, threads)
    axes = [i for i, n in enumerate(group.domain) if n >= 2 * threads]
    if not group.panels:  # whose sums are over the first axis, and are added up
        for term in group.terms:
            if term.kind == REDUCE:  # an axis that stays; or, where none does, the first: then the shares are added up
                over = reduced_axes(term)
                axes = [i for i in axes if i not in over or i == 0 and len(over) == len(group.domain)]
    if not axes:
        return WHOLE
    axis, parts, step = axes[0], threads, 1
    innermost = len(group.domain) - 1
    if product is None:
        parts *= max(1, min(4, total // (8 * WORTH)))
    else:
        rows, columns = gemm.grain(memory_type(product.dtype), vector_bits)
        if len(product.shape) == len(group.domain) == 2 and innermost in axes:
            m, n, k = sizes(product)
            if m < 2 * rows or n > m and k * n * product.dtype.itemsize > WIDE:
                axis = innermost
        if not group.panels and group.update is None:
            size = int(np.prod(product.shape)) * product.dtype.itemsize
            parts *= max(1, round(size / (threads * CACHED)))
        step = columns if axis == innermost else rows if axis == innermost - 1 else 1
    if axis == innermost:
        step = max(step, vector_bits // 32)
    extent = group.domain[axis]
    parts = min(parts, MOST)
    size = min(-(-extent // (parts * step)) * step, extent)
    parts = -(-extent // size)
    return Split(axis, extent, size, parts) if parts > 1 else WHOLE


def _of_items(items, total, threads):
    """The split of a routine."""
    parts = min(threads * max(1, min(4, total // (8 * WORTH))), items)
    size = -(-items // parts)
    parts = -(-items // size)
    return Split(0, items, size, parts) if parts > 1 else WHOLE


def sizes(product):
    """The (m, n, k) of a matrix product."""
    return product.shape[-2], product.shape[-1], product.args[0].shape[-1]
