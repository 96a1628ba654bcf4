"""Embeddings: rows of a table, looked up by number."""

from math import prod

from tapeflow.core.convert import convert_to_tensor
from tapeflow.ops.casting import cast
from tapeflow.ops.clip import clip_by_norm
from tapeflow.ops.compare import where
from tapeflow.ops.creation import range as range_
from tapeflow.ops.elementwise import maximum
from tapeflow.ops.indexing import gather
from tapeflow.ops.packing import dynamic_partition, dynamic_stitch
from tapeflow.ops.shaping import reshape_static
from tapeflow.ops.sized import sized


def embedding_lookup(params, ids, max_norm=None, name=None):
    """The rows of `params` that `ids` names; the gradient is `tf.IndexedSlices`.

    Args:
      params: a tensor or variable of shape `[rows, ...]`, or a list of them that hold the rows one after the
        other.
      ids: a tensor of int32 or int64.
      max_norm: if given, a row of a larger 2-norm is scaled down to it.

    Returns a tensor of shape `ids.shape + params.shape[1:]`.

    Raises:
      ValueError: no params.
      InvalidArgumentError: a number is out of range.

    >>> import tapeflow as tf
    >>> tf.nn.embedding_lookup([[1., 2.], [3., 4.]], [1, 0, 1]).numpy().tolist()
    [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    """
    if params is None:
        raise ValueError("params must be specified")
    if not isinstance(params, (list, tuple)) or not _is_table(params[0] if params else None):
        return _clipped(gather(params, ids), ids, max_norm)
    if not params:
        raise ValueError("Length of params is currently 0. Need at least one.")
    if len(params) == 1:
        return _clipped(gather(params[0], ids), ids, max_norm)
    return _from_parts(params, ids, max_norm)


def _is_table(value):
    """Whether `value`, the first item of a list, is a part of the table rather than its first row."""
    return hasattr(value, "shape") and len(value.shape) > 0


def _clipped(rows, ids, max_norm):
    return rows if max_norm is None else _clip(rows, ids, max_norm)


@sized
def _clip(rows, ids, max_norm):
    rank = len(convert_to_tensor(ids)._shape)
    return clip_by_norm(rows, max_norm, axes=list(range(rank, len(rows._shape))))


@sized
def _from_parts(params, ids, max_norm):
    """Rows of a table in parts of equal size, the first ones larger by one where they cannot be."""
    ids = convert_to_tensor(ids)
    tables = [convert_to_tensor(p) for p in params]
    flat = reshape_static(ids, (prod(ids._shape),))
    size, extra = divmod(sum(table._shape[0] for table in tables), len(tables))
    size, extra = ids._dtype.type(size), ids._dtype.type(extra)
    part = maximum(flat // (size + 1), (flat - extra) // size)
    row = where(part < extra, flat % (size + 1), (flat - extra) % size)
    part = cast(part, "int32")
    rows = dynamic_partition(row, part, len(tables))
    places = dynamic_partition(range_(flat._shape[0]), part, len(tables))
    found = [_clipped(gather(table, r), r, max_norm) for table, r in zip(tables, rows, strict=True)]
    stitched = dynamic_stitch(places, found)
    return reshape_static(stitched, (*ids._shape, *stitched._shape[1:]))
