"""How a graph's nodes become terms: tables by the primitives' names.

A translation takes the node, the operands' terms and the attributes, and gives the term of the result (a list, where
there are several), or None where the NumPy kernel has to run. What is elementwise stands in `lowerings`.
"""

import numpy as np

from tapeflow.compiler import draws, halves, matrices, moves, order, philox, places, rows, scans, scatter, softmax
from tapeflow.compiler.affine import Affine, counter
from tapeflow.compiler.lowerings import lowering
from tapeflow.compiler.moves import chosen, pack, swapped
from tapeflow.compiler.program import IOTA, LEAF, MATMUL, Term, broadcast, mapped, number, reduced, reshaped, view
from tapeflow.compiler.types import BOOL, HALVES, I64, REGISTER


def _matmul(node, a, b, transpose_a, transpose_b):
    if a.dtype.kind != "f" or a.dtype not in REGISTER:
        return None
    if transpose_a:
        a = swapped(a)
    if transpose_b:
        b = swapped(b)
    if len(a.shape) == len(b.shape) == 2:
        return Term(MATMUL, (a.shape[0], b.shape[1]), a.dtype, (a, b), where=node.where)
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if len(b.shape) == 2 and a.kind == LEAF:  # rows of one large matrix
        rows = reshaped(a, (int(np.prod(a.shape[:-1])), a.shape[-1]))
        flat = Term(MATMUL, (rows.shape[0], b.shape[1]), a.dtype, (rows, b), where=node.where)
        return reshaped(flat, (*lead, a.shape[-2], b.shape[-1]))
    a, b = broadcast(a, (*lead, *a.shape[-2:])), broadcast(b, (*lead, *b.shape[-2:]))
    return Term(MATMUL, (*lead, a.shape[-2], b.shape[-1]), a.dtype, (a, b), where=node.where)


def _reduction(kind):
    def translate(node, x, axes, keepdims):
        if 0 in x.shape:
            return None
        return reduced(kind, x, axes, keepdims)

    return translate


def _mean(node, x, axes, keepdims):
    if x.dtype.kind != "f" or 0 in x.shape:
        return None
    count = int(np.prod([x.shape[axis] for axis in axes]))
    total = reduced("sum", x, axes, keepdims)
    return mapped("RealDiv", x.dtype, total, number(float(x.dtype.type(count)), x.dtype))


def _bias_add(node, value, bias, channel):
    rank = len(value.shape)
    shape = tuple([n if i == rank + channel else 1 for i, n in enumerate(value.shape)])
    return mapped("AddV2", value.dtype, value, reshaped(bias, shape))


def _cast(node, x, dtype):
    if x.dtype not in REGISTER or dtype not in REGISTER:
        return None
    return x if x.dtype == dtype else mapped("Cast", dtype, x, where=node.where)


def _cross(node, a, b):
    parts = []
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        one, other = [mapped("Mul", a.dtype, _at(a, m), _at(b, n)) for m, n in ((j, k), (k, j))]
        parts.append(mapped("Sub", a.dtype, one, other))
    return pack(node, *parts, -1)


def _at(x, place):
    """Elements of the last axis."""
    lead = len(x.shape) - 1
    return view(x, x.shape[:-1], (*map(counter, range(lead)), Affine(place)))


# Reductions in other words.


def _squares(x):
    return mapped("Mul", x.dtype, x, x)


def _l2_loss(node, x):
    total = reduced("sum", _squares(x), range(len(x.shape)), False)
    return mapped("Mul", x.dtype, total, number(0.5, x.dtype))


def _euclidean_norm(node, x, axes, keepdims):
    if x.dtype.kind != "f":
        return None
    return mapped("Sqrt", x.dtype, reduced("sum", _squares(x), axes, keepdims))


def _finite_max(node, x, axes):
    top = reduced("max", x, axes, True)
    return chosen(mapped("IsFinite", BOOL, top), top, number(0, x.dtype))


def _first(kind, worst):
    """The place of the first extreme element; what is not a number never wins."""

    def translate(node, x, axis, dtype):
        axis %= len(x.shape)
        if x.dtype == BOOL:
            x = mapped("Cast", I64, x)
        if x.dtype.kind == "f":
            x = chosen(mapped("IsNan", BOOL, x), number(worst, x.dtype), x)
        best = mapped("Equal", BOOL, x, broadcast(reduced(kind, x, (axis,), True), x.shape))
        place = Term(IOTA, x.shape, I64, attrs=axis)
        found = reduced("min", chosen(best, place, number(x.shape[axis], I64)), (axis,), False)
        return _cast(node, found, np.dtype(dtype))

    return translate


def _add_n(node, *xs):
    if any(x.shape != xs[0].shape for x in xs):
        return None
    total = xs[0]
    for x in xs[1:]:
        total = mapped("AddV2", x.dtype, total, x, where=node.where)
    return total


def _sum_to_shape(node, x, shape):
    lead = len(x.shape) - len(shape)
    axes = (*range(lead), *[lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1])
    return reshaped(reduced("sum", x, axes, False), tuple(shape))


def _bitcast(node, x, dtype):
    if x.dtype.itemsize != dtype.itemsize or "b" in (x.dtype.kind, dtype.kind):
        return None
    return mapped("Bitcast", dtype, x, attrs=(dtype,), where=node.where)


TRANSLATIONS = {
    "Identity": lambda node, x: x, "ReadVariableOp": lambda node, x: x, "StopGradient": lambda node, x: x,
    "CustomCall": lambda node, *operands: list(operands[operands[-3] : operands[-3] + operands[-2]]),
    "SumToShape": _sum_to_shape, "AddN": _add_n, "Cast": _cast, "Bitcast": _bitcast,
    "OnesLike": lambda node, x: broadcast(number(1, x.dtype), x.shape),
    "ZerosLike": lambda node, x: broadcast(number(0, x.dtype), x.shape), "CheckNumerics": lambda node, x, message: x,
    "L2Loss": _l2_loss, "EuclideanNorm": _euclidean_norm, "FiniteMax": _finite_max, "Cross": _cross,
    "ArgMax": _first("max", -np.inf), "ArgMin": _first("min", np.inf),
    "MatMul": _matmul, "BatchMatMulV2": _matmul, "BiasAdd": _bias_add,
    "Sum": _reduction("sum"), "Max": _reduction("max"), "Min": _reduction("min"), "Prod": _reduction("prod"),
    "All": _reduction("all"), "Any": _reduction("any"), "Mean": _mean,
    **moves.TRANSLATIONS, **places.TRANSLATIONS, **softmax.TRANSLATIONS, **philox.TRANSLATIONS, **scatter.TRANSLATIONS,
    **scans.TRANSLATIONS, **order.TRANSLATIONS, **matrices.TRANSLATIONS, **rows.TRANSLATIONS, **draws.TRANSLATIONS,
}  # fmt: skip


def _divides_by_zero(node, x, y):
    known = places.known(y)
    if y.dtype.kind == "f" or known is not None and known.all():
        return None
    return reduced("any", mapped("Equal", BOOL, y, number(0, y.dtype)), range(len(y.shape)), False)


def _not_finite(node, x, message):
    return reduced("any", mapped("LogicalNot", BOOL, mapped("IsFinite", BOOL, x)), range(len(x.shape)), False)


# When a primitive refuses its operands' values, as a boolean term; None where that is known not to happen. Then nothing
# is assigned, and the NumPy kernel says what is wrong.
CHECKS = {
    **dict.fromkeys(("FloorDiv", "FloorMod", "TruncateDiv", "TruncateMod"), _divides_by_zero),
    "CheckNumerics": _not_finite,
    **places.CHECKS, **scatter.CHECKS, **softmax.CHECKS, **matrices.CHECKS, **rows.CHECKS,
}  # fmt: skip

MAY_BE_EMPTY = ("DenseBincount",)  # what has operands that may say by their size that there is none


def translated(node, operands, types):
    """The terms of a node's outputs, of `types`; None if it has to run as its NumPy kernel."""
    if any(dtype not in REGISTER for _, dtype in types) or any(x.dtype not in REGISTER for x in operands):
        return None
    name = node.prim.name
    if any(0 in shape for shape, _ in types) or any(0 in x.shape for x in operands) and name not in MAY_BE_EMPTY:
        return None
    special = TRANSLATIONS.get(name)
    half = any(x.dtype in HALVES for x in operands) or any(dtype in HALVES for _, dtype in types)
    if half or special is not None:
        found = halves.translated(node, operands, types, special) if half else special(node, *operands, *node.attrs)
        return found if found is None or isinstance(found, list) else [found]
    if name == "AddV2":
        found = scatter.added(*operands, node.where)
        if found is not None:
            return [found]
    if lowering(name, [x.dtype for x in operands]) is not None:
        return [mapped(name, types[0][1], *operands, attrs=node.attrs, where=node.where)]
    return None
