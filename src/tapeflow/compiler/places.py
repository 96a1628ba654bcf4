"""Elements at places that are known when they are read: gathers, and what is wrong with the places."""

import numpy as np

from tapeflow.compiler.affine import Affine, counter, strides_of
from tapeflow.compiler.program import LEAF, NUMBER, TAKE, VIEW, Term, mapped, number, reduced, reshaped, view
from tapeflow.compiler.types import BOOL, I64


def known(x):
    """The numbers of a constant; None for what is none."""
    if x.kind == VIEW and x.args[0].kind == NUMBER:
        x = x.args[0]
    if x.kind == NUMBER:
        return np.array(x.attrs)
    return x.attrs[1] if x.kind == LEAF and x.attrs[0] == "constant" else None


def outside(x, low, high):
    """Whether a number is not in [low, high); None if it is known that all are."""
    numbers = known(x)
    if numbers is not None and (low is None or numbers.min() >= low) and numbers.max() < high:
        return None
    wrong = mapped("GreaterEqual", BOOL, mapped("Cast", I64, x), number(high, I64))
    if low is not None:
        wrong = mapped("LogicalOr", BOOL, wrong, mapped("Less", BOOL, x, number(low, x.dtype)))
    return reduced("any", wrong, range(len(x.shape)), False)


def taken(params, indices, axis, batch_dims, where=None):
    """Elements of `params` along an axis."""
    rank = len(params.shape)
    axis %= rank
    inner = len(indices.shape) - batch_dims
    shape = (*params.shape[:axis], *indices.shape[batch_dims:], *params.shape[axis + 1 :])
    index = [None if i == axis else counter(i if i < axis else i + inner - 1) for i in range(rank)]
    place = [*map(counter, range(batch_dims)), *[counter(axis + i) for i in range(inner)]]
    return Term(TAKE, shape, params.dtype, (params, indices), (tuple(index), tuple(place)), where)


def column(coordinates, n):
    """One of the coordinates `[..., depth]`."""
    lead = len(coordinates.shape) - 1
    return view(coordinates, coordinates.shape[:-1], (*map(counter, range(lead)), Affine(n)))


def coordinates_outside(coordinates, shape):
    """Whether any coordinate is not within the leading axes of a shape; None if it is known that all are."""
    found = [outside(column(coordinates, n), 0, shape[n]) for n in range(coordinates.shape[-1])]
    found = [wrong for wrong in found if wrong is not None]
    if not found:
        return None
    total = found[0]
    for wrong in found[1:]:
        total = mapped("LogicalOr", BOOL, total, wrong)
    return total


def _gather_nd(node, params, indices):
    """The leading axes of `params` as one, along which is gathered."""
    shape, depth = params.shape, indices.shape[-1]
    places = column(indices, 0)
    if depth > 1:
        places = number(0, I64)
        for n, stride in enumerate(strides_of(shape[:depth])):
            part = mapped("Mul", I64, mapped("Cast", I64, column(indices, n)), number(stride, I64))
            places = mapped("AddV2", I64, places, part)
    rows = reshaped(params, (int(np.prod(shape[:depth])), *shape[depth:]))
    return taken(rows, places, 0, 0, node.where)


def _take_along(node, x, indices):
    return taken(x, indices, -1, len(x.shape) - 1, node.where)


TRANSLATIONS = {
    "GatherV2": lambda node, params, indices, axis, batch_dims: taken(params, indices, axis, batch_dims, node.where),
    "GatherNd": _gather_nd, "TakeAlongLast": _take_along,
}  # fmt: skip
CHECKS = {
    "GatherV2": lambda node, params, indices, axis, batch_dims: outside(indices, 0, params.shape[axis]),
    "GatherNd": lambda node, params, indices: coordinates_outside(indices, params.shape),
    "TakeAlongLast": lambda node, x, indices: outside(indices, 0, x.shape[-1]),
}  # fmt: skip
