"""Copies and borders, as users call them: tile, repeat, reverse, roll, pad."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import outside
from tapeflow.core.dtype import int32, uint16
from tapeflow.core.errors import UnimplementedError, invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, bracketed, is_tensor, match
from tapeflow.ops.moves import MIRROR_PAD, PAD, REPEAT, REVERSE, ROLL, TILE, reshape_static
from tapeflow.ops.sized import sized
from tapeflow.ops.static import count, int_array, one_int


@sized
def tile(input, multiples, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` repeated `multiples[i]` times along each axis i.

    Raises InvalidArgumentError if `multiples` has not one number an axis.

    >>> import tapeflow as tf
    >>> tf.tile([1, 2], [2]).numpy().tolist()
    [1, 2, 1, 2]
    """
    x = convert_to_tensor(input)
    times = int_array(multiples, "Tile", "Tmultiples")
    if times.ndim != 1:
        raise invalid_argument(f"Expected multiples to be 1-D, but got shape {bracketed(times.shape)} [Op:Tile] name: ")
    times = tuple(times.tolist())
    if len(times) != len(x._shape):
        raise invalid_argument(
            f"Expected multiples argument to be a vector of length {len(x._shape)} but got length {len(times)} "
            "[Op:Tile]"
        )
    _check_tile(x, times)
    return apply(TILE, (x,), (times,))


def _check_tile(x, times):
    for i, n in enumerate(times):
        if outside(n, 0):
            raise invalid_argument(f"Expected multiples[{i}] >= 0, but got {n} [Op:Tile]")
    if x.dtype is uint16:
        raise UnimplementedError(
            None, None,
            f"TileOp : The input data type is not supported, DataType : uint16, Dimension : {len(times)} [Op:Tile]",
        )  # fmt: skip


@sized
def repeat(input, repeats, axis=None, name=None):  # noqa: A002 (TensorFlow's name)
    """Each element along `axis` (of the flattened `input` if None) repeated, all alike or each so many times.

    Raises ValueError for an axis out of range, or if there is not one number of repeats for each element.

    >>> import tapeflow as tf
    >>> tf.repeat([1, 2], [1, 2]).numpy().tolist()
    [1, 2, 2]
    """
    x = convert_to_tensor(input)
    if axis is None:
        x = reshape_static(x, (count(x._shape),))
        axis = 0
    rank = len(x._shape)
    times = integer(repeats, "repeats")
    place = one_int(axis, "ExpandDims")
    if not -rank <= place < rank:
        raise ValueError(f"axis={place} out of bounds: expected {-rank}<=axis<{rank}")
    place %= rank
    if times.ndim > 1:
        raise ValueError(f"Shape {times.shape} must have rank at most 1")
    size = x._shape[place]
    if times.size != 1 and times.size != size:
        raise ValueError(f"Dimensions {size} and {times.size} are not compatible")
    times = times.ravel().tolist()
    _check_tile(x, tuple([1] * (place + 1) + [min(times, default=0)]))
    return apply(REPEAT, (x,), (times[0] if len(times) == 1 else tuple(times), place))


def integer(value, name):
    """`value` as an array of integers. Raises TypeError if it is none."""
    tensor = convert_to_tensor(value, dtype_hint=int32)
    if not tensor.dtype.is_integer:
        raise TypeError(
            f"Argument `tensor` (name: {name}) must be of type integer. Received `tensor` = {tensor.numpy()} of dtype: "
            f"{tensor.dtype!s}"
        )
    return np.asarray(tensor._array)


def reverse(tensor, axis, name=None):
    """`tensor` with the order along the axes of a list turned round. Raises InvalidArgumentError out of range.

    >>> import tapeflow as tf
    >>> tf.reverse([1, 2, 3], [0]).numpy().tolist()
    [3, 2, 1]
    """
    x = convert_to_tensor(tensor)
    rank = len(x._shape)
    places = int_array(axis, "ReverseV2")
    if places.ndim != 1:
        raise invalid_argument(f"'dims' must be 1-dimension, not {places.ndim} [Op:ReverseV2] name: ")
    axes = []
    for i, place in enumerate(places.tolist()):
        if not -rank <= place < rank:
            raise invalid_argument(f"'axis'[{i}] = {place} is out of valid range [0, {rank - 1} [Op:ReverseV2]")
        if place % rank in axes:
            raise invalid_argument(f"axis {place % rank} specified more than once. [Op:ReverseV2]")
        axes.append(place % rank)
    return apply(REVERSE, (x,), (tuple(axes),))


def roll(input, shift, axis, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` moved along an axis or several, with what falls off one end put on at the other.

    Raises InvalidArgumentError for an axis out of range, or not as many shifts as axes.

    >>> import tapeflow as tf
    >>> tf.roll([1, 2, 3], 1, 0).numpy().tolist()
    [3, 1, 2]
    """
    x = convert_to_tensor(input)
    rank = len(x._shape)
    shifts, axes = int_array(shift, "Roll", "Tshift"), int_array(axis, "Roll", "Taxis")
    if not rank:
        raise invalid_argument("input must be 1-D or higher [Op:Roll] name: ")
    for what, array in (("shift", shifts), ("axis", axes)):
        if array.ndim > 1:
            raise invalid_argument(
                f"{what} must be a scalar or a 1-D vector. Found: {bracketed(array.shape)} [Op:Roll]"
            )
    if shifts.shape != axes.shape:
        raise invalid_argument("shift and axis must have the same size [Op:Roll]")
    axes = axes.ravel().tolist()
    for place in axes:
        if not -rank <= place < rank:
            raise invalid_argument(f"axis {place} is out of range [Op:Roll] name: ")
    return apply(ROLL, (x,), (tuple(shifts.ravel().tolist()), tuple([place % rank for place in axes])))


@sized
def pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    """`tensor` with `paddings[i] = [before, after]` elements more at either end of each axis i.

    Args:
      tensor: of any dtype.
      paddings: ints, of shape `[rank, 2]`.
      mode: "CONSTANT", or "REFLECT" and "SYMMETRIC", which mirror it without and with the edge.
      constant_values: what to pad with in constant mode.

    Raises InvalidArgumentError or ValueError for paddings or a mode that do not fit.

    >>> import tapeflow as tf
    >>> tf.pad([1, 2], [[1, 0]]).numpy().tolist(), tf.pad([1, 2, 3], [[0, 2]], "REFLECT").numpy().tolist()
    ([0, 1, 2], [1, 2, 3, 2, 1])
    """
    x = convert_to_tensor(tensor)
    if is_tensor(constant_values):
        x, constant_values = match(tensor, constant_values)
    mode = mode.upper()
    if mode not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(
            'Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or "SYMMETRIC". Received `mode` = '
            f"{mode}"
        )
    op = "Pad" if mode == "CONSTANT" else "MirrorPad"
    array = int_array(paddings, op, "Tpaddings")
    if array.ndim != 2 or array.shape[1] != 2:
        raise invalid_argument(f"paddings must be a matrix with 2 columns: {bracketed(array.shape)} [Op:{op}]")
    pairs = tuple([(before, after) for before, after in array.tolist()])
    if len(pairs) != len(x._shape):
        raise invalid_argument(
            f"The first dimension of paddings must be the rank of inputs{bracketed(array.shape)} "
            f"{bracketed(x._shape)} [Op:{op}]"
        )
    for n, (before, after) in zip(x._shape, pairs):
        if before < 0 or after < 0:
            raise invalid_argument(f"Paddings must be non-negative: {before} {after} [Op:{op}]")
        if mode == "REFLECT" and max(before, after) >= n and before + after:
            raise invalid_argument(
                f"paddings must be less than the dimension size: {before}, {after} not less than {n} [Op:{op}]"
            )
        if mode == "SYMMETRIC" and max(before, after) > n:
            raise invalid_argument(
                f"paddings must be no greater than the dimension size: {before}, {after} greater than {n} [Op:{op}]"
            )
    if mode != "CONSTANT":
        return apply(MIRROR_PAD, (x,), (pairs, mode))
    if constant_values.__class__ is int and not constant_values:
        return apply(PAD, (x,), (pairs,))
    from tapeflow.autodiff.custom_gradient import stop_gradient
    from tapeflow.ops.compare import where

    value = stop_gradient(convert_to_tensor(constant_values, x.dtype))  # as in TensorFlow
    if value._shape:
        raise invalid_argument(f"constant_values must be a scalar. Found: {bracketed(value._shape)} [Op:PadV2]")
    inside = np.zeros([before + n + after for n, (before, after) in zip(x._shape, pairs)], bool)
    inside[tuple([slice(before, before + n) for n, (before, _) in zip(x._shape, pairs)])] = True
    return where(EagerTensor(inside), apply(PAD, (x,), (pairs,)), value)
