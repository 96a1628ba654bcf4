"""The primitives of a `TensorArray`'s rows as terms: one row is read, or written into the others."""

from tapeflow.compiler.places import outside, taken
from tapeflow.compiler.program import broadcast, number, reshaped
from tapeflow.compiler.scatter import scattered


def _put(way, shape, place, row, rows=None, where=None):
    """Rows of a shape, or zeros, with one combined with what is at a place, a scalar."""
    return scattered(way, shape, reshaped(place, (1, 1)), reshaped(row, (1, *row.shape)), rows, where=where)


def _write(node, rows, place, row, dynamic):
    return _put("replace", rows.shape, place, row, rows, node.where)


def _wipe(node, rows, place, size):
    if size != rows.shape[0]:
        return None
    zeros = broadcast(number(0, rows.dtype), rows.shape[1:])
    return _put("replace", rows.shape, place, zeros, rows, node.where)


TRANSLATIONS = {
    "TensorListSetItem": _write, "TensorListWipe": _wipe,
    "TensorListGetItem": lambda node, rows, place: taken(rows, place, 0, 0, node.where),
    "TensorListUnread": lambda node, row, place, size: _put("add", (size, *row.shape), place, row, None, node.where),
}  # fmt: skip
CHECKS = {
    "TensorListSetItem": lambda node, rows, place, row, dynamic: outside(place, 0, rows.shape[0]),
    "TensorListGetItem": lambda node, rows, place: outside(place, 0, rows.shape[0]),
}  # fmt: skip
