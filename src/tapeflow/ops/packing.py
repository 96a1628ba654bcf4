"""Tensors out of tensors: stack and unstack, and nested Python sequences that hold tensors."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import invalid_argument
from tapeflow.core.tensor import Tensor
from tapeflow.engine.dispatch import apply, bracketed
from tapeflow.engine.primitive import linear

PACK = linear(
    "Pack", lambda *args: np.stack(args[:-1], args[-1]), None, lambda g, axis: apply(UNPACK, (g,), (axis,)),
    operands="*", attrs="axis", joint=True, batch=lambda *args: apply(PACK, args[:-1], (args[-1] + 1,)),
)  # fmt: skip
UNPACK = linear(
    "Unpack", lambda x, axis: list(np.moveaxis(x, axis, 0)), None, lambda gs, axis: apply(PACK, tuple(gs), (axis,)),
    attrs="axis", many=True, batch=lambda x, axis: apply(UNPACK, (x,), (axis + 1,)),
)  # fmt: skip


def stack(values, axis=0, name="stack"):
    """Tensors of one shape and dtype side by side along a new axis.

    Raises ValueError for an axis out of range, InvalidArgumentError for shapes that differ.

    >>> import tapeflow as tf
    >>> tf.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    from tapeflow.ops.shaping import alike

    if axis == 0 and not isinstance(values, Tensor) and not _has_tensor(values):
        return convert_to_tensor(list(values))
    tensors = alike(list(values), PACK)
    first = tensors[0]._shape
    for i, tensor in enumerate(tensors):
        if tensor._shape != first:
            raise invalid_argument(
                f"Shapes of all inputs must match: values[0].shape = {bracketed(first)} != values[{i}].shape = "
                f"{bracketed(tensor._shape)} [Op:Pack] name: stack"
            )
    return apply(PACK, tuple(tensors), (_axis(axis, len(first) + 1),))


def _axis(axis, rank):
    if not -rank <= axis < rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank}, {rank})")
    return axis % rank


def unstack(value, num=None, axis=0, name="unstack"):
    """The slices of a tensor along an axis, a list. `num`: how many there must be.

    Raises ValueError for an axis out of range, InvalidArgumentError for another number.

    >>> import tapeflow as tf
    >>> [row.numpy().tolist() for row in tf.unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = convert_to_tensor(value)
    rank = len(x._shape)
    if not -rank <= axis < rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank}, {rank})")
    place = axis % rank
    if num is not None and num != x._shape[place]:
        raise invalid_argument(
            f"Input shape axis {place} must equal {num}, got shape {bracketed(x._shape)} [Op:Unpack] name: unstack"
        )
    return list(apply(UNPACK, (x,), (place,)))


def pack_nested(value, dtype):
    """A nested sequence in which some items are tensors, as one tensor: the dtype is the first tensor's."""
    if dtype is None:
        dtype = _first_tensor(value).dtype

    def pack(item):
        if isinstance(item, (list, tuple)) and item:
            tensors = tuple([pack(inner) for inner in item])
            first = tensors[0]._shape
            for i, tensor in enumerate(tensors):
                if tensor._shape != first:
                    raise invalid_argument(
                        f"Shapes of all inputs must match: values[0].shape = {bracketed(first)} != values[{i}].shape "
                        f"= {bracketed(tensor._shape)} [Op:Pack] name: packed"
                    )
            return apply(PACK, tensors, (0,))
        return convert_to_tensor(item, dtype)

    return pack(value)


def _is_tensor(item):
    return isinstance(item, Tensor) or hasattr(item, "__tf_tensor__")


def _has_tensor(value):
    return any(_is_tensor(item) or isinstance(item, (list, tuple)) and _has_tensor(item) for item in value)


def _first_tensor(value):
    for item in value:
        if isinstance(item, (list, tuple)):
            found = _first_tensor(item)
            if found is not None:
                return found
        elif _is_tensor(item):
            return convert_to_tensor(item)
    return None
