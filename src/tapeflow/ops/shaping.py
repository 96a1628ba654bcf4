"""Operations that move elements and compute nothing: reshape, transpose, broadcast, concatenate, pad and their like."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype, int32
from tapeflow.core.errors import invalid_argument
from tapeflow.core.shape import TensorShape, as_shape, broadcast_static_shape
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, bracketed, match, mismatch
from tapeflow.engine.primitive import constant, linear
from tapeflow.ops.static import axis_in, count, ints

# Primitives. `shape`, `perm`, `axis` and the rest are static: ints from 0, checked by the public functions.

RESHAPE = linear(
    "Reshape", lambda x, shape: x.reshape(shape), None, lambda g, x_like: reshape_static(g, x_like._shape),
    attrs="shape", batch=lambda x, shape: apply(RESHAPE, (x,), ((x._shape[0], *shape),)),
)  # fmt: skip
TRANSPOSE = linear(
    "Transpose", lambda x, perm: x.transpose(perm), None, lambda g, perm: transpose_static(g, inverse(perm)),
    attrs="perm", batch=lambda x, perm: transpose_static(x, (0, *[axis + 1 for axis in perm])),
)  # fmt: skip


def _sum_to(g, x_like):
    from tapeflow.ops.space import sum_to

    return sum_to(g, x_like)


def _broadcast_batched(x, shape):
    size, *inner = x._shape
    x = reshape_static(x, (size, *[1] * (len(shape) - len(inner)), *inner))
    return broadcast_static(x, (size, *shape))


BROADCAST = linear(
    "BroadcastTo", lambda x, shape: np.broadcast_to(x, shape), None, _sum_to, attrs="shape", batch=_broadcast_batched
)


def _split_like(g, xs_like, axis):
    sizes = tuple([x._shape[axis] for x in xs_like])
    return split_static(g, sizes, axis)


CONCAT = linear(
    "ConcatV2", lambda *args: np.concatenate(args[:-1], args[-1]), None, _split_like, operands="*", attrs="axis",
    joint=True, batch=lambda *args: apply(CONCAT, args[:-1], (args[-1] + 1,)),
)  # fmt: skip


def _split(x, sizes, axis):
    return np.split(x, np.cumsum(sizes)[:-1], axis)


SPLIT = linear(
    "SplitV", _split, None, lambda gs, axis: apply(CONCAT, tuple(gs), (axis,)), attrs="sizes axis", many=True,
    batch=lambda x, sizes, axis: apply(SPLIT, (x,), (sizes, axis + 1)),
)  # fmt: skip


def _untile(g, x_like, multiples):
    shape = x_like._shape
    folded = tuple([n for pair in zip(multiples, shape, strict=True) for n in pair])
    from tapeflow.ops.reduce import sum_axes

    return sum_axes(reshape_static(g, folded), tuple(range(0, len(folded), 2)))


TILE = linear(
    "Tile", lambda x, multiples: np.tile(x, multiples), None, _untile, attrs="multiples",
    batch=lambda x, multiples: apply(TILE, (x,), ((1, *multiples),)),
)  # fmt: skip
REVERSE = linear(
    "ReverseV2", lambda x, axes: np.flip(x, axes), None, lambda g, axes: apply(REVERSE, (g,), (axes,)), attrs="axes",
    batch=lambda x, axes: apply(REVERSE, (x,), (tuple([axis + 1 for axis in axes]),)),
)  # fmt: skip
ROLL = linear(
    "Roll", lambda x, shifts, axes: np.roll(x, shifts, axes), None,
    lambda g, shifts, axes: apply(ROLL, (g,), (tuple([-shift for shift in shifts]), axes)), attrs="shifts axes",
    batch=lambda x, shifts, axes: apply(ROLL, (x,), (shifts, tuple([axis + 1 for axis in axes]))),
)  # fmt: skip


def _unpad(g, x_like, paddings):
    from tapeflow.ops.indexing import slice_static

    return slice_static(g, tuple([before for before, _ in paddings]), x_like._shape)


def _pad(x, paddings):
    if x.dtype.kind == "O":
        return np.pad(x, paddings, constant_values=b"")
    return np.pad(x, paddings)


PAD = linear(
    "Pad", _pad, None, _unpad, attrs="paddings", batch=lambda x, paddings: apply(PAD, (x,), (((0, 0), *paddings),))
)


def _mirror_indices(shape, paddings, mode):
    """For each axis, where in the operand each element of the padded one comes from."""
    return [
        np.pad(np.arange(n), padding, "reflect" if mode == "REFLECT" else "symmetric")
        for n, padding in zip(shape, paddings, strict=True)
    ]


def _mirror_pad(x, paddings, mode):
    for axis, index in enumerate(_mirror_indices(x.shape, paddings, mode)):
        x = np.take(x, index, axis)
    return x


def _unmirror(g, x_like, paddings, mode):
    """Every padded element's cotangent goes to the element it is a copy of: a product with a 0-1 matrix an axis."""
    from tapeflow.ops.tensordot import tensordot

    shape = x_like._shape
    for axis, (n, index) in enumerate(zip(shape, _mirror_indices(shape, paddings, mode), strict=True)):
        if len(index) != n:
            copies = EagerTensor(np.eye(n, dtype=g._dtype)[index])
            moved = tensordot(g, copies, [[axis], [0]])
            rank = len(shape)
            g = transpose_static(moved, (*range(axis), rank - 1, *range(axis, rank - 1)))
    return g


MIRROR_PAD = linear(
    "MirrorPad", _mirror_pad, None, _unmirror, attrs="paddings mode",
    batch=lambda x, paddings, mode: apply(MIRROR_PAD, (x,), (((0, 0), *paddings), mode)),
)  # fmt: skip


def _repeat_vjp(g, x_like, repeats, axis):
    """The sum of each element's copies: a difference of running sums would lose accuracy, so by segments."""
    from tapeflow.ops.segments import UNSORTED_SUM

    ids = EagerTensor(np.repeat(np.arange(len(repeats), dtype=np.int32), repeats))
    rank = len(g._shape)
    perm = (axis, *[i for i in range(rank) if i != axis])
    out = apply(UNSORTED_SUM, (transpose_static(g, perm), ids), (len(repeats),))
    return transpose_static(out, inverse(perm))


REPEAT = linear(
    "Repeat", lambda x, repeats, axis: np.repeat(x, repeats, axis), None, _repeat_vjp, attrs="repeats axis",
    batch=lambda x, repeats, axis: apply(REPEAT, (x,), (repeats, axis + 1)),
)  # fmt: skip

# The shape of a tensor, as a tensor: constant, for it does not depend on the values.

SHAPE = constant(
    "Shape", lambda x, dtype: np.array(x.shape, dtype), attrs="dtype",
    batch=lambda x, dtype: broadcast_static(EagerTensor(np.array(x._shape[1:], dtype)), (x._shape[0], len(x._shape) - 1)),
)  # fmt: skip


# The same with static arguments that are known to be right, for rules and other operations.


def inverse(perm):
    """The permutation that undoes `perm`, a tuple of ints."""
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


def reshape_static(x, shape):
    """`x` in a shape, a tuple of ints without -1, that is known to have as many elements."""
    return apply(RESHAPE, (x,), (shape,))


def transpose_static(x, perm):
    """`x` with its axes in the order of `perm`, a tuple of ints that is known to be a permutation."""
    return apply(TRANSPOSE, (x,), (perm,))


def broadcast_static(x, shape):
    """`x` broadcast to a shape, a tuple of ints, that it is known to broadcast to."""
    return apply(BROADCAST, (x,), (shape,))


def split_static(x, sizes, axis):
    """`x` in pieces of known sizes along an axis."""
    return apply(SPLIT, (x,), (sizes, axis))


def identity_matrix(n, dtype):
    """The `n` by `n` identity matrix of a NumPy dtype."""
    return EagerTensor(np.eye(n, dtype=dtype))


# The public operations.


def reshape(tensor, shape, name=None):
    """The elements of `tensor`, in order, in another shape, of which one dimension may be -1: what is left.

    Raises InvalidArgumentError if the numbers of elements differ.

    >>> import tapeflow as tf
    >>> tf.reshape([1, 2, 3, 4], [2, -1]).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    x = convert_to_tensor(tensor)
    if shape is None:
        convert_to_tensor(shape)
    shape = ints(shape)
    size = count(x._shape)
    if -1 in shape:
        free = shape.index(-1)
        if -1 in shape[free + 1 :]:
            second = shape.index(-1, free + 1)
            raise _reshape_error(f"Only one input size may be -1, not both {free} and {second}")
        known = count(shape[:free] + shape[free + 1 :])
        if known == 0 and size == 0:
            shape[free] = 0
            return reshape_static(x, tuple(shape))
        if known == 0:
            raise _reshape_error("reshape cannot infer the missing input size for an empty tensor unless all specified "
                                 "input sizes are non-zero")  # fmt: skip
        if size % known:
            raise _reshape_error(
                f"Input to reshape is a tensor with {size} values, but the requested shape requires a multiple of "
                f"{known}"
            )
        shape[free] = size // known
    for i, n in enumerate(shape):
        if n < 0:
            raise _reshape_error(f"Size {i} must be non-negative, not {n}")
    if count(shape) != size:
        raise _reshape_error(
            f"Input to reshape is a tensor with {size} values, but the requested shape has {count(shape)}"
        )
    return reshape_static(x, tuple(shape))


def _reshape_error(message):
    return invalid_argument(f"{message} [Op:Reshape]")


def transpose(a, perm=None, conjugate=False, name="transpose"):
    """`a` with its axes in the order of `perm` (reversed if None), and conjugated if asked.

    Raises InvalidArgumentError if `perm` is no permutation.

    >>> import tapeflow as tf
    >>> tf.transpose([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    x = convert_to_tensor(a)
    rank = len(x._shape)
    if perm is None:
        order = tuple(range(rank))[::-1]
    else:
        order = ints(perm, "permutation")
        if len(order) != rank:
            raise invalid_argument(
                f"transpose expects a vector of size {rank}. But input(1) is a vector of size {len(order)} "
                "[Op:Transpose]"
            )
        for axis in order:
            if not -rank <= axis < rank:
                raise invalid_argument(f"{axis} is out of range [0 .. {rank}) [Op:Transpose]")
        order = tuple([axis % rank for axis in order])
        for axis in range(rank):
            if axis not in order:
                raise invalid_argument(
                    f"{axis} is missing from {{{','.join(map(str, order))}}}. [Op:Transpose]"
                )
    out = transpose_static(x, order)
    if conjugate and x._dtype.kind == "c":
        from tapeflow.ops.elementwise import conj

        return conj(out)
    return out


def expand_dims(input, axis, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` with a dimension of 1 at `axis`. Raises InvalidArgumentError out of range.

    >>> import tapeflow as tf
    >>> tf.expand_dims([1, 2], 0).shape
    TensorShape([1, 2])
    """
    x = convert_to_tensor(input)
    shape = x._shape
    (place,) = ints(axis, "axis")
    if not -len(shape) - 1 <= place <= len(shape):
        raise invalid_argument(
            f"Tried to expand dim index {place} for tensor with {len(shape)} dimensions. [Op:ExpandDims] name: "
        )
    place %= len(shape) + 1
    return reshape_static(x, (*shape[:place], 1, *shape[place:]))


def squeeze(input, axis=None, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` without its dimensions of 1, or without those at `axis`, one or several.

    Raises InvalidArgumentError for a dimension that is not 1.

    >>> import tapeflow as tf
    >>> tf.squeeze([[[1], [2]]]).shape, tf.squeeze([[[1], [2]]], axis=0).shape
    (TensorShape([2]), TensorShape([2, 1]))
    """
    x = convert_to_tensor(input)
    shape = x._shape
    rank = len(shape)
    axes = [] if axis is None else ints(axis, "axis")
    if not axes:
        return reshape_static(x, tuple([n for n in shape if n != 1]))
    for place in axes:
        if not -rank <= place < rank:
            raise invalid_argument(
                f"Tried to squeeze dim index {place} for tensor with {rank} dimensions. [Op:Squeeze] name: "
            )
        if shape[place] != 1:
            raise invalid_argument(
                f"Can not squeeze dim[{place % rank}], expected a dimension of 1, got {shape[place]} [Op:Squeeze] name: "
            )
    gone = {place % rank for place in axes}
    return reshape_static(x, tuple([n for i, n in enumerate(shape) if i not in gone]))


def broadcast_to(input, shape, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` repeated along new dimensions and those of 1, to a shape. Raises InvalidArgumentError if it cannot be.

    >>> import tapeflow as tf
    >>> tf.broadcast_to([1, 2], [2, 2]).numpy().tolist()
    [[1, 2], [1, 2]]
    """
    x = convert_to_tensor(input)
    shape = tuple(ints(shape))
    given = x._shape
    if len(given) > len(shape):
        raise invalid_argument(
            f"Rank of input ({len(given)}) must be no greater than rank of output shape ({len(shape)}). "
            "[Op:BroadcastTo]"
        )
    for m, n in zip(reversed(given), reversed(shape), strict=False):
        if m not in (1, n):
            raise invalid_argument(f"Incompatible shapes: {bracketed(given)} vs. {bracketed(shape)} [Op:BroadcastTo]")
    return broadcast_static(x, shape)


def broadcast_dynamic_shape(shape_x, shape_y):
    """The shape that two broadcast to, as an int32 tensor. Raises InvalidArgumentError if they do not.

    >>> import tapeflow as tf
    >>> tf.broadcast_dynamic_shape([2, 1], [3]).numpy().tolist()
    [2, 3]
    """
    x, y = match(shape_x, shape_y)
    a, b = TensorShape(ints(x)), TensorShape(ints(y))
    try:
        out = broadcast_static_shape(a, b)
    except ValueError:
        raise invalid_argument(
            f"Incompatible shapes: {bracketed(a)} vs. {bracketed(b)} [Op:BroadcastArgs]"
        ) from None
    return EagerTensor(np.array(out.as_list(), x._dtype))


def concat(values, axis, name="concat"):
    """Tensors of one dtype and rank, one after the other along `axis`.

    Raises InvalidArgumentError if their other dimensions differ.

    >>> import tapeflow as tf
    >>> tf.concat([[[1, 2]], [[3, 4]]], axis=0).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if not values:
        raise invalid_argument("ConcatV2: Expected at least one tensor to concatenate, but got none [Op:ConcatV2]")
    tensors = alike(values, CONCAT)
    if len(tensors) == 1:
        axis_in(axis, max(1, len(tensors[0]._shape)))
        return identity(tensors[0])
    first = tensors[0]._shape
    place = axis_in(
        axis, len(first), "ConcatOp : Expected concatenating dimensions in the range [{low}, {high}), but got {axis}",
        "ConcatV2",
    )  # fmt: skip
    for i, tensor in enumerate(tensors):
        shape = tensor._shape
        if len(shape) != len(first):
            raise _concat_error("Ranks of all input tensors should match", first, i, shape)
        for j, (m, n) in enumerate(zip(first, shape, strict=True)):
            if j != place and m != n:
                raise _concat_error(f"Dimension {j} in both shapes must be equal", first, i, shape)
    return apply(CONCAT, tuple(tensors), (place,))


def _concat_error(problem, first, i, shape):
    return invalid_argument(
        f"ConcatOp : {problem}: shape[0] = {bracketed(first)} vs. shape[{i}] = {bracketed(shape)} [Op:ConcatV2] "
        "name: concat"
    )


def alike(values, prim):
    """Values as tensors of one dtype: that of the first tensor among them, else the first's own."""
    dtype = next((v.dtype for v in values if hasattr(v, "_id") or hasattr(v, "__tf_tensor__")), None)
    tensors = []
    for value in values:
        if dtype is None or hasattr(value, "_id") or hasattr(value, "__tf_tensor__"):
            tensor = convert_to_tensor(value)
        else:
            tensor = convert_to_tensor(value, dtype)
        dtype = dtype or tensor.dtype
        if tensor.dtype is not dtype:
            raise mismatch(prim, len(tensors), dtype._np, tensor._dtype)
        tensors.append(tensor)
    return tensors


def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """`value` in pieces along `axis`: so many of one size, or one of each size given, of which one may be -1.

    Returns a list. Raises InvalidArgumentError if the sizes do not add up.

    >>> import tapeflow as tf
    >>> [part.numpy().tolist() for part in tf.split([1, 2, 3], [1, 2])]
    [[1], [2, 3]]
    """
    x = convert_to_tensor(value)
    shape = x._shape
    rank = len(shape)
    even = isinstance(num_or_size_splits, (int, np.integer))
    op = "Split" if even else "SplitV"
    if not even and not getattr(num_or_size_splits, "shape", (1,)):
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: "
            f"{num_or_size_splits}"
        )
    place = axis_in(axis, rank, "-input rank({low}) <= split_dim < input rank ({high}), but got {axis}", op)
    size = shape[place]
    if even:
        if num_or_size_splits <= 0:
            raise invalid_argument(f"Number of ways to split should be > 0, but got {num_or_size_splits} [Op:Split]")
        if size % num_or_size_splits:
            raise invalid_argument(
                f"Number of ways to split should evenly divide the split dimension, but got split_dim {place} "
                f"(size = {size}) and num_split {num_or_size_splits} [Op:Split] name: split"
            )
        sizes = [size // int(num_or_size_splits)] * int(num_or_size_splits)
    else:
        sizes = ints(num_or_size_splits, "sizes")
        if sizes.count(-1) > 1:
            raise invalid_argument("There can only be one -1 in the input. [Op:SplitV] name: split")
        total = sum(n for n in sizes if n != -1)
        if total > size or -1 not in sizes and total != size:
            raise invalid_argument(
                "Determined shape must either match input shape along split_dim exactly if fully specified, or be "
                f"less than the size of the input along split_dim if not fully specified.  Got: {total} [Op:SplitV] "
                "name: split"
            )
        sizes = [size - total if n == -1 else n for n in sizes]
    return list(split_static(x, tuple(sizes), place))


def tile(input, multiples, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` repeated `multiples[i]` times along each axis i.

    Raises InvalidArgumentError if `multiples` has not one number an axis.

    >>> import tapeflow as tf
    >>> tf.tile([1, 2], [2]).numpy().tolist()
    [1, 2, 1, 2]
    """
    x = convert_to_tensor(input)
    times = tuple(ints(multiples, "multiples"))
    if len(times) != len(x._shape):
        raise invalid_argument(
            f"Expected multiples argument to be a vector of length {len(x._shape)} but got length {len(times)} "
            "[Op:Tile]"
        )
    for i, n in enumerate(times):
        if n < 0:
            raise invalid_argument(f"Expected multiples[{i}] >= 0, but got {n} [Op:Tile]")
    return apply(TILE, (x,), (times,))


def repeat(input, repeats, axis=None, name=None):  # noqa: A002 (TensorFlow's name)
    """Each element along `axis` (of the flattened `input` if None) repeated, all alike or each so many times.

    Raises ValueError if there is not one number of repeats for each.

    >>> import tapeflow as tf
    >>> tf.repeat([1, 2], [1, 2]).numpy().tolist()
    [1, 2, 2]
    """
    x = convert_to_tensor(input)
    if axis is None:
        x = reshape_static(x, (count(x._shape),))
        axis = 0
    place = axis_in(axis, len(x._shape))
    times = ints(repeats, "repeats")
    size = x._shape[place]
    if len(times) == 1:
        times = times * size
    elif len(times) != size:
        raise ValueError(f"Dimensions {size} and {len(times)} are not compatible")
    for n in times:
        if n < 0:
            raise invalid_argument(f"Expected multiples[{place + 1}] >= 0, but got {n} [Op:Tile]")
    return apply(REPEAT, (x,), (tuple(times), place))


def reverse(tensor, axis, name=None):
    """`tensor` with the order along the axes of a list turned round. Raises InvalidArgumentError out of range.

    >>> import tapeflow as tf
    >>> tf.reverse([1, 2, 3], [0]).numpy().tolist()
    [3, 2, 1]
    """
    x = convert_to_tensor(tensor)
    rank = len(x._shape)
    axes = []
    for i, place in enumerate(ints(axis, "axis")):
        if not -rank <= place < rank:
            raise invalid_argument(f"'axis'[{i}] = {place} is out of valid range [0, {rank - 1} [Op:ReverseV2]")
        if place % rank in axes:
            raise invalid_argument(f"axis {place % rank} specified more than once. [Op:ReverseV2]")
        axes.append(place % rank)
    return apply(REVERSE, (x,), (tuple(axes),))


def roll(input, shift, axis, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` moved along an axis or several, with what falls off one end put on at the other.

    >>> import tapeflow as tf
    >>> tf.roll([1, 2, 3], 1, 0).numpy().tolist()
    [3, 1, 2]
    """
    x = convert_to_tensor(input)
    rank = len(x._shape)
    if not rank:
        raise invalid_argument("input must be 1-D or higher [Op:Roll]")
    shifts, axes = ints(shift, "shift"), ints(axis, "axis")
    if len(shifts) != len(axes):
        raise invalid_argument("shift and axis must have the same size [Op:Roll]")
    for place in axes:
        if not -rank <= place < rank:
            raise invalid_argument(f"axis {place} is out of range [Op:Roll]")
    return apply(ROLL, (x,), (tuple(shifts), tuple([place % rank for place in axes])))


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
    mode = mode.upper()
    if mode not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(
            'Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or "SYMMETRIC". Received `mode` = '
            f"{mode}"
        )
    op = "Pad" if mode == "CONSTANT" else "MirrorPad"
    array = np.asarray(paddings._array if hasattr(paddings, "_array") else paddings)
    if array.ndim != 2 and array.size or array.ndim == 2 and array.shape[1] != 2:
        raise invalid_argument(f"paddings must be a matrix with 2 columns: {bracketed(array.shape)} [Op:{op}]")
    pairs = tuple([(int(before), int(after)) for before, after in array.reshape(-1, 2)])
    if len(pairs) != len(x._shape):
        raise invalid_argument(
            f"The first dimension of paddings must be the rank of inputs{bracketed(array.shape)} "
            f"{bracketed(x._shape)} [Op:{op}]"
        )
    for n, (before, after) in zip(x._shape, pairs, strict=True):
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
    if not hasattr(constant_values, "_id") and np.all(np.asarray(constant_values) == 0):
        return apply(PAD, (x,), (pairs,))
    from tapeflow.ops.compare import where

    inside = np.pad(np.ones(x._shape, bool), pairs)
    return where(EagerTensor(inside), apply(PAD, (x,), (pairs,)), convert_to_tensor(constant_values, x.dtype))


def identity(input, name=None):  # noqa: A002 (TensorFlow's name)
    """A tensor of its own with the value and the derivative of `input`.

    >>> import tapeflow as tf
    >>> tf.identity([1, 2]).numpy().tolist()
    [1, 2]
    """
    from tapeflow.core.indexed_slices import IndexedSlices
    from tapeflow.ops.elementwise import IDENTITY

    if isinstance(input, IndexedSlices):
        return IndexedSlices(identity(input.values), identity(input.indices), input.dense_shape)
    return apply(IDENTITY, (convert_to_tensor(input),))


def identity_n(input, name=None):  # noqa: A002 (TensorFlow's name)
    """`tf.identity` of each of a list of tensors.

    >>> import tapeflow as tf
    >>> [t.numpy().item() for t in tf.identity_n([1, 2.5])]
    [1, 2.5]
    """
    return [identity(item) for item in input]


def ensure_shape(x, shape, name=None):
    """`x`, if its shape is compatible with `shape`. Raises InvalidArgumentError if not.

    >>> import tapeflow as tf
    >>> tf.ensure_shape([1, 2], [None]).numpy().tolist()
    [1, 2]
    """
    x = convert_to_tensor(x)
    wanted = as_shape(shape)
    if not wanted.is_compatible_with(x.shape):
        text = "<unknown>" if wanted.rank is None else bracketed(["?" if n is None else n for n in wanted])
        raise invalid_argument(
            f"Shape of tensor input {bracketed(x._shape)} is not compatible with expected shape {text}. "
            "[Op:EnsureShape] name: "
        )
    return identity(x)


def shape(input, out_type=None, name=None):  # noqa: A002 (TensorFlow's name)
    """The shape of a tensor, as a 1-D tensor of int32 or `out_type`.

    >>> import tapeflow as tf
    >>> tf.shape([[1, 2, 3]]).numpy().tolist()
    [1, 3]
    """
    dtype = int32 if out_type is None else as_dtype(out_type)
    from tapeflow.core.indexed_slices import IndexedSlices

    if isinstance(input, IndexedSlices):
        from tapeflow.ops.casting import cast

        return cast(input.dense_shape, dtype)
    return apply(SHAPE, (convert_to_tensor(input),), (dtype._np,))


def shape_n(input, out_type=int32, name=None):  # noqa: A002 (TensorFlow's name)
    """`tf.shape` of each of a list of tensors.

    >>> import tapeflow as tf
    >>> [s.numpy().tolist() for s in tf.shape_n([[1, 2], [[1]]])]
    [[2], [1, 1]]
    """
    return [shape(item, out_type) for item in input]


def size(input, out_type=None, name=None):  # noqa: A002 (TensorFlow's name)
    """The number of elements, a scalar of int32 or `out_type`.

    >>> import tapeflow as tf
    >>> tf.size([[1, 2, 3]]).numpy().item()
    3
    """
    dtype = int32 if out_type is None else as_dtype(out_type)
    x = convert_to_tensor(input)
    return EagerTensor(dtype._np.type(count(x._shape)))


def rank(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The number of dimensions, an int32 scalar.

    >>> import tapeflow as tf
    >>> tf.rank([[1, 2, 3]]).numpy().item()
    2
    """
    return EagerTensor(np.int32(len(convert_to_tensor(input)._shape)))


def meshgrid(*args, **kwargs):
    """Coordinates on the grid of 1-D tensors: a list of tensors of one shape, one for each.

    Args:
      *args: 1-D tensors.
      indexing: "xy" (the first two dimensions of the results swapped) or "ij".

    >>> import tapeflow as tf
    >>> [t.numpy().tolist() for t in tf.meshgrid([1, 2], [3, 4, 5])]
    [[[1, 2], [1, 2], [1, 2]], [[3, 3], [4, 4], [5, 5]]]
    """
    indexing = kwargs.pop("indexing", "xy")
    kwargs.pop("name", None)
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    tensors = [reshape(arg, [-1]) for arg in args]
    sizes = [tensor._shape[0] for tensor in tensors]
    n = len(tensors)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    whole = tuple([sizes[i] for i in order])
    grids = []
    for i, tensor in enumerate(tensors):
        place = order.index(i)
        grids.append(broadcast_static(reshape_static(tensor, tuple([sizes[i] if j == place else 1 for j in range(n)])), whole))
    return grids


def unravel_index(indices, dims, name=None):
    """Flat positions in a tensor of shape `dims` as coordinates, along a new first axis.

    Raises InvalidArgumentError for a position outside.

    >>> import tapeflow as tf
    >>> tf.unravel_index([5], [2, 3]).numpy().tolist()
    [[1], [2]]
    """
    indices, dims = match(indices, dims)
    return apply(UNRAVEL, (indices, dims))


def _unravel(indices, dims):
    if np.any(indices >= np.prod(dims)) or np.any(indices < 0):
        raise invalid_argument("index is out of bound as with dims")
    return np.array(np.unravel_index(indices, tuple(dims.tolist())), indices.dtype)


UNRAVEL = constant("UnravelIndex", _unravel, operands="indices dims")
