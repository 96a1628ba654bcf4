"""Operations that move elements and compute nothing, as users call them: the arguments made plain, and checked."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import UnknownRank, holds_dim, outside
from tapeflow.core.dtype import as_dtype, int32
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape, as_shape, broadcast_static_shape
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import Takes, apply, bracketed, match, mismatch, not_allowed
from tapeflow.engine.primitive import constant, linear
from tapeflow.ops.moves import (  # noqa: F401 (other modules look for these here)
    BROADCAST,
    CONCAT,
    RESHAPE,
    SPLIT,
    TRANSPOSE,
    broadcast_static,
    identity_matrix,
    inverse,
    number,
    reshape_static,
    split_static,
    transpose_static,
)  # fmt: skip
from tapeflow.ops.packing import alike, at_least
from tapeflow.ops.sized import sized, sized_where_asked, waiting
from tapeflow.ops.static import INT32_64, checked, count, int_array, ints, one_int
from tapeflow.ops.tiling import pad, repeat, reverse, roll, tile  # noqa: F401 (public names that are found here)


def reshape(tensor, shape, name=None):
    """The elements of `tensor`, in order, in another shape, of which one dimension may be -1: what is left.

    Raises InvalidArgumentError if the numbers of elements differ.

    >>> import tapeflow as tf
    >>> tf.reshape([1, 2, 3, 4], [2, -1]).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    x = convert_to_tensor(tensor)
    if shape.__class__ is not list and shape.__class__ is not tuple:
        shape = int_array(shape, "Reshape", "Tshape")
        if shape.ndim > 1:
            raise _reshape_error(f"sizes input must be 1-D, not {bracketed(shape.shape)}")
        dims = shape.ravel().tolist()
    else:
        dims = ints(shape, "Reshape", "Tshape")
        if len(dims) != len(shape):
            raise _reshape_error(f"sizes input must be 1-D, not {bracketed(int_array(shape, 'Reshape').shape)}")
    size = count(x._shape)
    if -1 in dims:
        if 0 in dims and holds_dim(x._shape):
            return waiting(reshape, (x, dims))
        _infer(dims, x._shape)
    for i, n in enumerate(dims):
        if outside(n, 0):
            raise _reshape_error(f"Size {i} must be non-negative, not {n}")
    if count(dims) != size:
        raise _reshape_error(
            f"Input to reshape is a tensor with {size} values, but the requested shape has {count(dims)}"
        )
    return reshape_static(x, tuple(dims))


def _infer(dims, shape):
    """Put what is left in the place of -1. Next to a 0 it is what is left of the dimensions that are not 0."""
    free = dims.index(-1)
    if -1 in dims[free + 1 :]:
        second = dims.index(-1, free + 1)
        raise _reshape_error(f"Only one input size may be -1, not both {free} and {second}")
    known = count([n for n in dims if n not in (0, -1)])
    left = [n for n in shape if n] if 0 in dims else shape
    rest = count(left) % known
    if rest.__class__ is int and rest:  # else the kernel finds out
        raise _reshape_error(
            f"Input to reshape is a tensor with {count(shape)} values, but the requested shape requires a multiple of "
            f"{known}"
        )
    dims[free] = count(left) // known


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
        order = int_array(perm, "Transpose", "Tperm")
        if order.ndim != 1:
            raise invalid_argument(f"perm must be rank 1, got shape {bracketed(order.shape)} [Op:Transpose] name: ")
        order = order.tolist()
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
    place = one_int(axis, "ExpandDims", "Tdim")
    if not -len(shape) - 1 <= place <= len(shape):
        raise invalid_argument(
            f"Tried to expand dim index {place} for tensor with {len(shape)} dimensions. [Op:ExpandDims] name: "
        )
    place %= len(shape) + 1
    return reshape_static(x, (*shape[:place], 1, *shape[place:]))


@sized
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
    if isinstance(axis, str):
        raise TypeError(f"Expected int for argument 'axis' not {axis!r}.")
    axes = [] if axis is None else [int(i) for i in axis] if np.ndim(axis) else [int(axis)]
    if not axes:
        return reshape_static(x, tuple([n for n in shape if n != 1]))
    for place in axes:
        if not -rank <= place < rank:
            raise invalid_argument(
                f"Tried to squeeze dim index {place} for tensor with {rank} dimensions. [Op:Squeeze] name: "
            )
        if shape[place] != 1:
            raise invalid_argument(
                f"Can not squeeze dim[{place % rank}], expected a dimension of 1, got {shape[place]} [Op:Squeeze] "
                "name: "
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
    shape = checked(tuple(ints(shape, "BroadcastTo")), "BroadcastTo")
    given = x._shape
    if len(given) > len(shape):
        raise invalid_argument(
            f"Rank of input ({len(given)}) must be no greater than rank of output shape ({len(shape)}). "
            "[Op:BroadcastTo]"
        )
    for m, n in zip(reversed(given), reversed(shape), strict=False):
        if m != 1 and m != n:  # noqa: PLR1714 (neither, where it is not known)
            raise invalid_argument(f"Incompatible shapes: {bracketed(given)} vs. {bracketed(shape)} [Op:BroadcastTo]")
    return broadcast_static(x, shape)


def broadcast_dynamic_shape(shape_x, shape_y):
    """The shape that two broadcast to, as an int32 tensor. Raises InvalidArgumentError if they do not.

    >>> import tapeflow as tf
    >>> tf.broadcast_dynamic_shape([2, 1], [3]).numpy().tolist()
    [2, 3]
    """
    if not hasattr(shape_x, "dtype") and not hasattr(shape_y, "dtype"):
        shape_x = convert_to_tensor(shape_x, dtype_hint=int32)
    x, y = match(shape_x, shape_y)
    a, b = (TensorShape(ints(dims, "BroadcastArgs", "T")) for dims in (x, y))
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
    if len(values) == 1:
        one_int(axis, "ConcatV2")
        return identity(values[0])
    if not values:
        raise at_least("N", 0, "ConcatV2", 2)
    tensors = alike(values, CONCAT)
    place = one_int(axis, "ConcatV2")
    first = tensors[0]._shape
    rank = len(first)
    if not rank:
        raise _concat_error("Can't concatenate scalars (use tf.stack instead)")
    if not -rank <= place < rank:
        raise _concat_error(f"Expected concatenating dimensions in the range [{-rank}, {rank}), but got {place}")
    place %= rank
    for i, tensor in enumerate(tensors):
        shape = tensor._shape
        if len(shape) != rank:
            raise _concat_error(f"Ranks of all input tensors should match: {_two_shapes(first, i, shape)}")
        wrong = () if shape == first else [j for j in range(rank) if j != place and shape[j] != first[j]]
        if wrong:
            raise _concat_error(f"Dimension {wrong[0]} in both shapes must be equal: {_two_shapes(first, i, shape)}")
    return apply(CONCAT, tuple(tensors), (place,))


def _two_shapes(first, i, shape):
    return f"shape[0] = {bracketed(first)} vs. shape[{i}] = {bracketed(shape)}"


def _concat_error(problem):
    return invalid_argument(f"ConcatOp : {problem} [Op:ConcatV2] name: concat")


@sized_where_asked
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """`value` in pieces along `axis`: so many of one size, or one of each size given, of which one may be -1.

    Args:
      value: a tensor.
      num_or_size_splits: an int, how many pieces of one size; or a vector of the sizes.
      axis: the axis to split.
      num: how many sizes there have to be.

    Returns a list. Raises InvalidArgumentError if the sizes do not add up.

    >>> import tapeflow as tf
    >>> [part.numpy().tolist() for part in tf.split([1, 2, 3], [1, 2])]
    [[1], [2, 3]]
    """
    x = convert_to_tensor(value)
    rank = len(x._shape)
    even = isinstance(num_or_size_splits, (int, np.integer))
    op = "Split" if even else "SplitV"
    if not even and not np.ndim(getattr(num_or_size_splits, "_array", num_or_size_splits)):
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: "
            f"{num_or_size_splits}"
        )
    if even and num_or_size_splits < 1:
        raise at_least("num_split", num_or_size_splits, "Split")
    place = one_int(axis, op)
    if not -rank <= place < rank:
        raise _split_error(f"-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {place}", op)
    place %= rank
    size = x._shape[place]
    if even:
        if size % num_or_size_splits:
            raise _split_error(
                f"Number of ways to split should evenly divide the split dimension, but got split_dim {place} "
                f"(size = {size}) and num_split {num_or_size_splits}", op,
            )  # fmt: skip
        sizes = (size // int(num_or_size_splits),) * int(num_or_size_splits)
    else:
        wanted = int_array(num_or_size_splits, op, "Tlen")
        if wanted.ndim != 1 or num is not None and num != wanted.size:
            raise _split_error(
                "size of the split_tensor must be 1-D and have the same elements as outputs got "
                f"{wanted.ndim} -D and {wanted.size} elements", op,
            )  # fmt: skip
        sizes = _sizes(wanted.tolist(), size)
    return list(split_static(x, sizes, place))


def _sizes(sizes, whole):
    """The sizes of the pieces of a dimension, with what is left in the place of -1."""
    if sizes.count(-1) > 1:
        raise _split_error("There can only be one -1 in the input.", "SplitV")
    total = sum([n for n in sizes if n != -1])
    if total > whole or total != whole and -1 not in sizes:
        raise _split_error(
            "Determined shape must either match input shape along split_dim exactly if fully specified, or be less "
            f"than the size of the input along split_dim if not fully specified.  Got: {total}", "SplitV",
        )  # fmt: skip
    for i, n in enumerate(sizes):
        if n < -1:
            raise _split_error(f"Split size at index {i} must be >= 0. Got: {n}", "SplitV")
    return tuple([whole - total if n == -1 else n for n in sizes])


def _split_error(message, op):
    return invalid_argument(f"{message} [Op:{op}] name: split")


def identity(input, name=None):  # noqa: A002 (TensorFlow's name)
    """A tensor of its own with the value and the derivative of `input`.

    >>> import tapeflow as tf
    >>> tf.identity([1, 2]).numpy().tolist()
    [1, 2]
    """
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
    if isinstance(input, (list, tuple)) and not input:
        raise invalid_argument(
            "Length for attr 'T' of 0 must be at least minimum 1\n\t; NodeDef: {{node IdentityN}} [Op:IdentityN] name: "
        )
    return [identity(item) for item in input]


def _ensured(x, shape):
    if len(shape) != x.ndim or any(n is not None and n != m for m, n in zip(x.shape, shape)):
        given, text = bracketed(x.shape), bracketed(["?" if n is None else n for n in shape])
        raise invalid_argument(f"Shape of tensor input {given} is not compatible with expected shape {text}.")
    return x


# What a trace is told about a shape: the run checks it, for what comes after is made for this shape.
ENSURE = linear(
    "EnsureShape", _ensured, None, lambda g: g, attrs="shape",
    batch=lambda x, shape: apply(ENSURE, (x,), ((None, *shape),)),
)  # fmt: skip


def _ensured_shape(x, shape):
    if x.__class__ is UnknownRank:
        return shape
    if len(x) != len(shape) or any([n is not None and m != n for m, n in zip(x, shape)]):
        given, text = bracketed(x), bracketed(["?" if n is None else n for n in shape])
        raise invalid_argument(f"Shape of tensor input {given} is not compatible with expected shape {text}.")
    return tuple([m if n is None else n for m, n in zip(x, shape)])


ENSURE.shape = _ensured_shape


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
    same = identity(x)
    same.set_shape(wanted)
    return same


def shape(input, out_type=None, name=None):  # noqa: A002 (TensorFlow's name)
    """The shape of a tensor, as a 1-D tensor of int32 or `out_type`.

    Raises InvalidArgumentError for another `out_type` than int32 and int64.

    >>> import tapeflow as tf
    >>> tf.shape([[1, 2, 3]]).numpy().tolist()
    [1, 3]
    """
    dtype = int32 if out_type is None else as_dtype(out_type)
    if isinstance(input, IndexedSlices):
        from tapeflow.ops.casting import cast

        return cast(input.dense_shape, dtype)
    x = convert_to_tensor(input)
    if dtype._np not in INT32_64:
        raise not_allowed(Takes("Shape", "out_type", INT32_64), dtype._np)
    return sizes_of(x, dtype._np)


def sizes_of(x, dtype):
    """The shape of a tensor as a tensor of a NumPy dtype."""
    if holds_dim(x._shape):
        return thread.trace.sizes(x, dtype)
    return EagerTensor(np.array(x._shape, dtype))


def shape_n(input, out_type=int32, name=None):  # noqa: A002 (TensorFlow's name)
    """`tf.shape` of each of a list of tensors of one dtype.

    Raises TypeError for what is no list, InvalidArgumentError for tensors of two dtypes or none at all.

    >>> import tapeflow as tf
    >>> [s.numpy().tolist() for s in tf.shape_n([[1, 2], [[1]]])]
    [[2], [1, 1]]
    """
    if not isinstance(input, (list, tuple)):
        raise TypeError(f"Expected list for 'input' argument to 'shape_n' Op, not {input}.")
    if not input:
        raise at_least("N", 0, "ShapeN")
    return [shape(item, out_type) for item in alike(input, _SHAPE_N)]


_SHAPE_N = Takes("ShapeN", "T", ())


def size(input, out_type=None, name=None):  # noqa: A002 (TensorFlow's name)
    """The number of elements, a scalar of int32 or `out_type`.

    >>> import tapeflow as tf
    >>> tf.size([[1, 2, 3]]).numpy().item()
    3
    """
    dtype = int32 if out_type is None else as_dtype(out_type)
    x = convert_to_tensor(input)
    return number(count(x._shape), dtype._np)


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
    if tensors and tensors[0].dtype.name == "string":
        convert_to_tensor(1, tensors[0].dtype)
    for tensor in tensors:
        if tensor.dtype is not tensors[0].dtype:
            raise mismatch(_MUL, 1, tensor._dtype, tensors[0]._dtype)
    sizes = [tensor._shape[0] for tensor in tensors]
    n = len(tensors)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    whole = tuple([sizes[i] for i in order])
    grids = []
    for i, tensor in enumerate(tensors):
        place = order.index(i)
        along = tuple([sizes[i] if j == place else 1 for j in range(n)])
        grids.append(broadcast_static(reshape_static(tensor, along), whole))
    return grids


_MUL = Takes("Mul", "T", ())  # with what TensorFlow spreads the coordinates


def unravel_index(indices, dims, name=None):
    """Flat positions in a tensor of shape `dims` as coordinates, along a new first axis.

    Args:
      indices: a scalar or vector of int32 or int64.
      dims: a vector of the same dtype.

    Raises InvalidArgumentError for a position outside, or other shapes.

    >>> import tapeflow as tf
    >>> tf.unravel_index([5], [2, 3]).numpy().tolist()
    [[1], [2]]
    """
    if not hasattr(indices, "dtype") and not hasattr(dims, "dtype"):
        indices = convert_to_tensor(indices, dtype_hint=int32)
    return apply(UNRAVEL, match(indices, dims))


def _unravel(indices, dims):
    if indices.ndim > 1:
        raise invalid_argument(f'The indices can only be scalar or vector, got "{bracketed(indices.shape)}"')
    if dims.ndim != 1:
        raise invalid_argument(f'The indices can only be 1-D, got "{bracketed(dims.shape)}"')
    if not indices.size:
        raise invalid_argument(
            f"received empty tensor indices: Tensor<type: {indices.dtype} shape: {bracketed(indices.shape)} values: >"
        )
    if not dims.all():
        raise invalid_argument(
            f"Input dims cannot contain a dim of zero, but dims contains zero at index {np.flatnonzero(dims == 0)[0]}"
        )
    sizes = dims.tolist()
    if not sizes or (indices >= count(sizes)).any():
        raise invalid_argument("index is out of bound as with dims")
    sign, left = np.sign(indices), np.abs(indices)  # toward 0, as integers are divided in C
    out = []
    for n in reversed(sizes):
        out.append(sign * (left % n))
        left = left // n
    return np.stack(out[::-1]).astype(indices.dtype)


UNRAVEL = constant("UnravelIndex", _unravel, INT32_64, operands="indices dims")
