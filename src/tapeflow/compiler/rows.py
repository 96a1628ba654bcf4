"""The primitives of a `TensorArray`'s rows as terms: one row is read, or written, and the others stay what they are."""

import numpy as np

from tapeflow.compiler.affine import counter
from tapeflow.compiler.program import NUMBER, TAKE, UPDATE, VIEW, Term, broadcast, mapped, number, reshaped
from tapeflow.compiler.types import BOOL, I64


def written(rows, place, row, where=None):
    """The term of rows with another row at a place, a scalar; the same rows where there is none."""
    return Term(UPDATE, rows.shape, rows.dtype, (rows, place, row), None, where)


def row_of(rows, place, where=None):
    """The term of the row at a place, a scalar."""
    index = (None, *map(counter, range(len(rows.shape) - 1)))
    return Term(TAKE, rows.shape[1:], rows.dtype, (rows, place), (index, ()), where)


def unread(row, place, size, where=None):
    """The term of `size` rows of zeros but for one."""
    return written(broadcast(number(0, row.dtype), (size, *row.shape)), place, row, where)


def added(x, y, where):
    """The sum of two terms, if one is rows of zeros but for one: then that row of the other changes. None if not."""
    for rows, one in ((x, y), (y, x)):
        if one.kind == UPDATE and rows.shape == one.shape and is_zero(one.args[0]):
            _, place, row = one.args
            return written(rows, place, mapped("AddV2", x.dtype, row_of(rows, place, where), row, where=where), where)
    return None


def is_zero(term):
    """Whether a term is known to be zeros."""
    while term.kind == VIEW:
        term = term.args[0]
    return term.kind == NUMBER and term.attrs == 0


def _outside(node, rows, place, *_):
    if place.kind == NUMBER:
        return None if 0 <= place.attrs < rows.shape[0] else number(True, BOOL)
    high = mapped("GreaterEqual", BOOL, mapped("Cast", I64, place), number(rows.shape[0], I64))
    return mapped("LogicalOr", BOOL, high, mapped("Less", BOOL, place, number(0, place.dtype)))


def _write(node, rows, place, row, dynamic):
    return written(rows, place, row, node.where) if row.shape == rows.shape[1:] else None


def _wipe(node, rows, place, size):
    if size != rows.shape[0]:
        return None
    return written(rows, place, broadcast(number(0, rows.dtype), rows.shape[1:]), node.where)


def segment(data, ids, segments):
    """The term of a segment sum of one row: `unread` in other words."""
    rest = data.shape[len(ids.shape) :]
    return unread(reshaped(data, rest), reshaped(ids, ()), segments)


ROWS = {
    "TensorListSetItem": _write, "TensorListWipe": _wipe,
    "TensorListGetItem": lambda node, rows, place: row_of(rows, place, node.where),
    "TensorListUnread": lambda node, row, place, size: unread(row, place, size, node.where),
}  # fmt: skip
ROW_CHECKS = {"TensorListSetItem": _outside, "TensorListGetItem": _outside}
WIDE = 64  # elements, from how many on a sum of one row is a row written


def is_one_row(ids, shape):
    """Whether a segment sum into `shape` is that of one row, and worth writing alone."""
    return np.prod(ids.shape) == 1 and np.prod(shape) >= WIDE
