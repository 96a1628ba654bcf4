"""Tensors out of tensors: stack and unstack, partition and stitch."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import Dim, UnknownRank, differ
from tapeflow.core.dtype import int32
from tapeflow.core.errors import invalid_argument
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.engine.dispatch import apply, bracketed, is_tensor, mismatch
from tapeflow.engine.primitive import linear
from tapeflow.ops.static import count


def _pack(*args):
    *arrays, axis = args
    if not axis and arrays[0].__class__ is not np.ndarray:
        return np.array(arrays, arrays[0].dtype)  # scalars: much quicker
    return np.stack(arrays, axis)


def _unpack(x, axis):
    if x.dtype.kind == "O" and x.ndim == 1:
        return [x[i : i + 1].reshape(()) for i in range(len(x))]
    return list(np.moveaxis(x, axis, 0) if axis else x)


PACK = linear(
    "Pack", _pack, None, lambda g, axis: apply(UNPACK, (g,), (axis,)), operands="*", attrs="axis", joint=True,
    batch=lambda *args: apply(PACK, args[:-1], (args[-1] + 1,)),
)  # fmt: skip
UNPACK = linear(
    "Unpack", _unpack, None, lambda gs, axis: apply(PACK, tuple(gs), (axis,)), attrs="axis", many=True,
    batch=lambda x, axis: apply(UNPACK, (x,), (axis + 1,)),
)  # fmt: skip


def _packed_shape(*shapes):
    *shapes, axis = shapes
    if any([shape.__class__ is UnknownRank for shape in shapes]) or len(set(shapes)) > 1:
        return None
    return (*shapes[0][:axis], len(shapes), *shapes[0][axis:])


PACK.shape = _packed_shape


def stack(values, axis=0, name="stack"):
    """Tensors of one shape and dtype side by side along a new axis.

    Raises ValueError for an axis out of range, InvalidArgumentError for shapes or dtypes that differ.

    >>> import tapeflow as tf
    >>> tf.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    if not axis and (isinstance(values, Tensor) or not _has_tensor(values)):
        return convert_to_tensor(values)
    tensors = alike(list(values), PACK)
    first = tensors[0]._shape
    for i, tensor in enumerate(tensors):
        if differ(tensor._shape, first):
            raise invalid_argument(
                f"Shapes of all inputs must match: values[0].shape = {bracketed(first)} != values[{i}].shape = "
                f"{bracketed(tensor._shape)} [Op:Pack] name: stack"
            )
    return apply(PACK, tuple(tensors), (_axis(axis, len(first) + 1),))


def _axis(axis, rank):
    if not -rank <= axis < rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank}, {rank})")
    return int(axis) % rank


def alike(values, prim):
    """Values as tensors of one dtype: that of the first tensor among them, else the first's own."""
    if all([value.__class__ is EagerTensor for value in values]) and len({v._array.dtype for v in values}) == 1:
        return values
    dtype = next((convert_to_tensor(v).dtype for v in values if is_tensor(v)), None)
    tensors = []
    for value in values:
        tensor = convert_to_tensor(value) if dtype is None or is_tensor(value) else convert_to_tensor(value, dtype)
        dtype = dtype or tensor.dtype
        if tensor.dtype is not dtype:
            raise mismatch(prim, len(tensors), dtype._np, tensor._dtype)
        tensors.append(tensor)
    return tensors


def unstack(value, num=None, axis=0, name="unstack"):
    """The slices of a tensor along an axis, a list. `num`: how many there must be.

    Raises ValueError for an axis out of range, InvalidArgumentError for another number.

    >>> import tapeflow as tf
    >>> [row.numpy().tolist() for row in tf.unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = convert_to_tensor(value)
    place = _axis(axis, len(x._shape))
    if num is not None and num != x._shape[place]:
        raise invalid_argument(
            f"Input shape axis {place} must equal {num}, got shape {bracketed(x._shape)} [Op:Unpack] name: unstack"
        )
    if isinstance(x._shape[place], Dim):
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {x.shape}")
        x = _ensured(x, [num if i == place else None for i in range(len(x._shape))])
    return list(apply(UNPACK, (x,), (place,)))


def _ensured(x, shape):
    from tapeflow.ops.shaping import ensure_shape

    return ensure_shape(x, shape)


def _has_tensor(value):
    if not isinstance(value, (list, tuple)):
        return False
    return any(item.__class__ is EagerTensor or is_tensor(item) or _has_tensor(item) for item in value)


# Partition and stitch. Both know the numbers of their rows, flat.


def _partition(data, numbers, how_many):
    return [data[numbers == i] for i in range(how_many)]


def _partition_vjp(gs, partitions):
    """The rows of the parts, one after the other, each back in its place."""
    from tapeflow.ops.shaping import concat
    from tapeflow.ops.sorting import argsort

    return apply(STITCH, (concat(gs, 0), argsort(partitions)), (partitions._shape[0],))


PARTITION = linear(
    "DynamicPartition", _partition, None, _partition_vjp, None, operands="data partitions", attrs="how_many", many=True
)
PARTITION.sized_by_values = True


def _stitch(rows, positions, size):
    out = np.full((size, *rows.shape[1:]), b"" if rows.dtype.kind == "O" else 0, rows.dtype)
    out[positions] = rows
    return out


def _stitch_vjp(g, positions):
    from tapeflow.ops.indexing import GATHER

    return apply(GATHER, (g, positions), (0, 0))


STITCH = linear(
    "DynamicStitch", _stitch, None, _stitch_vjp, None, operands="rows positions", attrs="size",
    batch=lambda rows, positions, size: _stitch_batched(rows, positions, size),
)  # fmt: skip
STITCH.shape = lambda rows, positions, size: (size, *rows[1:])


def _stitch_batched(rows, positions, size):
    """All examples in one, each with a range of positions of its own."""
    from tapeflow.ops.shaping import reshape_static

    batch, n, *inner = rows._shape
    starts = EagerTensor(np.arange(batch, dtype=positions._dtype)[:, None] * positions._dtype.type(size))
    positions = reshape_static(positions + starts, (batch * n,))
    out = apply(STITCH, (reshape_static(rows, (batch * n, *inner)), positions), (batch * size,))
    return reshape_static(out, (batch, size, *inner))


def dynamic_partition(data, partitions, num_partitions, name=None):
    """`data`'s slices in `num_partitions` lists, by the number that `partitions` gives each.

    Args:
      data: a tensor whose shape begins with that of `partitions`.
      partitions: an int32 tensor of numbers from 0.
      num_partitions: how many lists there are, an int.

    Returns a list of tensors. Raises InvalidArgumentError for a number out of range.

    >>> import tapeflow as tf
    >>> [p.numpy().tolist() for p in tf.dynamic_partition([1, 2, 3], [0, 1, 0], 2)]
    [[1, 3], [2]]
    """
    from tapeflow.ops.shaping import reshape_static

    data = convert_to_tensor(data)
    partitions = convert_to_tensor(partitions) if is_tensor(partitions) else convert_to_tensor(partitions, int32)
    if partitions.dtype is not int32:
        raise mismatch(PARTITION, 1, int32._np, partitions._dtype)
    how_many = int(num_partitions)
    if how_many < 1:
        raise at_least("num_partitions", how_many, "DynamicPartition")
    rank = len(partitions._shape)
    if differ(data._shape[:rank], partitions._shape):
        raise invalid_argument(
            f"data.shape must start with partitions.shape, got data.shape = {bracketed(data._shape)}, "
            f"partitions.shape = {bracketed(partitions._shape)} [Op:DynamicPartition]"
        )
    numbers = np.asarray(partitions._array if partitions.__class__ is EagerTensor else 0)  # else the kernel finds out
    wrong = (numbers < 0) | (numbers >= how_many)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0].tolist())
        at = f"[{','.join(map(str, place))}]" if place else ""
        raise invalid_argument(
            f"partitions{at} = {int(numbers[place])} is not in [0, {how_many}) [Op:DynamicPartition]"
        )
    size = count(partitions._shape)
    flat = reshape_static(data, (size, *data._shape[rank:]))
    return apply(PARTITION, (flat, reshape_static(partitions, (size,))), (how_many,))


def at_least(attr, value, op, minimum=1):
    """TensorFlow's error for an attribute that is too small."""
    return invalid_argument(
        f"Value for attr '{attr}' of {value} must be at least minimum {minimum}\n"
        f"\t; NodeDef: {{{{node {op}}}}} [Op:{op}] name: "
    )


def dynamic_stitch(indices, data, name=None):
    """The slices of a list of tensors put at the positions of a list of indices; the last of repeated ones stays.

    Args:
      indices: a list of int32 tensors.
      data: a list of as many tensors, the shape of each beginning with that of its indices.

    Returns a tensor with a slice for each position up to the last; one that no index names is zero.

    Raises InvalidArgumentError for shapes that do not fit or a negative index.

    >>> import tapeflow as tf
    >>> tf.dynamic_stitch([[0, 2], [1]], [[1, 3], [2]]).numpy().tolist()
    [1, 2, 3]
    """
    from tapeflow.ops.shaping import concat, reshape_static

    indices = [convert_to_tensor(item, int32) for item in indices]
    data = alike(list(data), STITCH)
    if not data and not indices:
        raise at_least("N", 0, "DynamicStitch")
    if len(indices) != len(data):
        raise invalid_argument(
            f"DynamicStitch expected inputs 'int32, {data[0].dtype._proto}', as many indices as data, and they do not "
            f"match {len(indices) + len(data)} inputs specified [Op:DynamicStitch] name: "
        )
    ranks = [len(index._shape) for index in indices]
    for i, (index, value, rank) in enumerate(zip(indices, data, ranks)):
        if differ(value._shape[:rank], index._shape):
            raise invalid_argument(
                f"data[{i}].shape = {bracketed(value._shape)} does not start with indices[{i}].shape = "
                f"{bracketed(index._shape)} [Op:DynamicStitch] name: "
            )
        if differ(value._shape[rank:], data[0]._shape[ranks[0] :]):
            raise invalid_argument(
                f"Need data[0].shape[{ranks[0]}:] = data[{i}].shape[{rank}:], got data[0].shape = "
                f"{bracketed(data[0]._shape)}, data[{i}].shape = {bracketed(value._shape)}, indices[0].shape = "
                f"{bracketed(indices[0]._shape)}, indices[{i}].shape = {bracketed(index._shape)} [Op:DynamicStitch]"
            )
        if (np.asarray(index._array) < 0).any():
            raise invalid_argument(f"indices[{i}] is out of range [Op:DynamicStitch] name: ")
    rows = [reshape_static(v, (count(v._shape[:r]), *v._shape[r:])) for v, r in zip(data, ranks)]
    positions = np.concatenate([np.asarray(index._array).reshape(-1) for index in indices])
    size = int(positions.max()) + 1 if positions.size else 0
    return apply(STITCH, (concat(rows, 0), EagerTensor(positions)), (size,))
