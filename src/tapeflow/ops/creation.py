"""Tensors out of nothing: constants, zeros, ones, ranges, identity matrices, one-hot rows, masks."""

import builtins

import numpy as np

from tapeflow.core.convert import convert_to_tensor, to_array
from tapeflow.core.dims import holds_dim
from tapeflow.core.dtype import as_dtype, bool, float32, int32, string  # noqa: A004 (TensorFlow's name)
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.engine.dispatch import Takes, apply, bracketed, check_broadcast, not_allowed
from tapeflow.engine.dtypes import BOOL, FLOAT, INTEGER, NUMBER
from tapeflow.engine.primitive import constant as statement
from tapeflow.ops.sized import of_any_rank, sized, waiting
from tapeflow.ops.static import checked, count, int_array, ints, one_int, shape_of


def constant(value, dtype=None, shape=None, name="Const"):
    """A tensor of a Python or NumPy value.

    Args:
      value: a number, string, nested sequence or array; one element may fill a whole `shape`.
      dtype: the dtype, inferred if None: int32 or int64, float32, complex128, bool or string of Python values, the
        array's own of NumPy's.
      shape: the shape, that of the value if None.

    Raises:
      TypeError: the value cannot have the dtype or the shape.
      ValueError: the value is no tensor's.

    >>> import tapeflow as tf
    >>> tf.constant([1., 2.])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>
    """
    if dtype is not None:
        dtype = as_dtype(dtype)
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype is not dtype:
            raise TypeError(f"Expected tensor {value.numpy()} with dtype {dtype!r}, but got dtype {value.dtype!r}.")
        tensor = value
    else:
        array = to_array(value, dtype)
        tensor = convert_to_tensor(value, dtype) if array is None else EagerTensor(array)  # there are tensors in it
    if shape is None:
        return tensor
    shape = tuple(TensorShape(shape).as_list())
    if tensor._shape == shape:
        return tensor
    size, wanted = count(tensor._shape), count(shape)
    if size == wanted:
        return EagerTensor(np.asarray(tensor._array).reshape(shape))
    if size == 1 and not tensor._shape:
        return EagerTensor(np.full(shape, tensor._array, tensor._dtype))
    raise TypeError(
        f"Eager execution of tf.constant with unsupported shape. Tensor {tensor.numpy()} (converted from {value}) has "
        f"{size} elements, but got `shape` {shape} with {wanted} elements)."
    )


def _filled(shape, array):
    dims = shape_of(shape)
    if holds_dim(dims):
        from tapeflow.ops.moves import broadcast_static

        return broadcast_static(EagerTensor(array), dims)
    return EagerTensor(np.full(dims, array, array.dtype) if dims else array)


def zeros(shape, dtype=float32, name=None, layout=None):
    """Zeros (False, empty strings) of a shape and dtype. Raises InvalidArgumentError for a negative dimension.

    >>> import tapeflow as tf
    >>> tf.zeros([2]).numpy().tolist()
    [0.0, 0.0]
    """
    dtype = as_dtype(dtype)
    return _filled(shape, np.array(b"" if dtype is string else 0, dtype._np))


def ones(shape, dtype=float32, name=None, layout=None):
    """Ones (True) of a shape and dtype. Raises TypeError for strings.

    >>> import tapeflow as tf
    >>> tf.ones([2]).numpy().tolist()
    [1.0, 1.0]
    """
    dtype = as_dtype(dtype)
    if dtype is string:
        raise TypeError("Cannot convert 1 to EagerTensor of dtype string")
    return _filled(shape, np.array(1, dtype._np))


def fill(dims, value, name=None, layout=None):
    """A tensor of shape `dims` with every element the scalar `value`.

    Raises InvalidArgumentError if `value` is not a scalar or a dimension is negative.

    >>> import tapeflow as tf
    >>> tf.fill([2], 7).numpy().tolist()
    [7, 7]
    """
    from tapeflow.ops.shaping import broadcast_static, reshape_static

    dims = int_array(dims, "Fill", "index_type")
    value = convert_to_tensor(value)
    if dims.ndim > 1:
        raise invalid_argument(f"dims must represent a vector, got shape {bracketed(dims.shape)} [Op:Fill]")
    if value._shape == (1,):
        value = reshape_static(value, ())
    if value._shape:
        raise invalid_argument(f"value must represent a scalar, got shape {bracketed(value._shape)} [Op:Fill]")
    return broadcast_static(value, checked(tuple(dims.ravel().tolist()), "Fill"))


@of_any_rank
def zeros_like(input, dtype=None, name=None, layout=None):  # noqa: A002 (TensorFlow's name)
    """Zeros of the shape of `input`, and of its dtype or `dtype`.

    >>> import tapeflow as tf
    >>> tf.zeros_like([1, 2]).numpy().tolist()
    [0, 0]
    """
    x = _dense(input)
    return zeros(x._shape, x.dtype if dtype is None else dtype)


_ONES_LIKE = Takes("OnesLike", "T", NUMBER + BOOL)


@of_any_rank
def ones_like(input, dtype=None, name=None, layout=None):  # noqa: A002 (TensorFlow's name)
    """Ones of the shape of `input`, and of its dtype or `dtype`.

    >>> import tapeflow as tf
    >>> tf.ones_like([1, 2]).numpy().tolist()
    [1, 1]
    """
    x = _dense(input)
    if dtype is None and x.dtype is string:
        raise not_allowed(_ONES_LIKE, x._dtype)
    return ones(x._shape, x.dtype if dtype is None else dtype)


def _dense(value):
    return convert_to_tensor(value.values if isinstance(value, IndexedSlices) and value.dense_shape is None else value)


@sized
def eye(num_rows, num_columns=None, batch_shape=None, dtype=float32, name=None):
    """Identity matrices: ones on the diagonal, of shape `batch_shape + [num_rows, num_columns]`.

    >>> import tapeflow as tf
    >>> tf.eye(2).numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    given = (num_rows, num_rows if num_columns is None else num_columns)
    tensors = [convert_to_tensor(n) for n in given]
    if any([tensor.__class__ is not EagerTensor for tensor in tensors]):
        return waiting(eye, (num_rows, num_columns, batch_shape, dtype))
    sizes = [np.asarray(tensor._array) for tensor in tensors]
    if any([size.dtype.kind not in "iu" for size in sizes]):
        raise TypeError(
            "Arguments `num_rows` and `num_columns` must be positive integer values. Received: "
            f"num_rows={given[0]}, num_columns={given[1]}"
        )
    batch = () if batch_shape is None else tuple(ints(batch_shape, "ConcatV2"))
    *batch, rows, columns = checked((*batch, *[int(size) for size in sizes]), "Fill")
    dtype = as_dtype(dtype)
    convert_to_tensor(1, dtype) if dtype is string else None
    matrix = np.eye(rows, columns, dtype=dtype._np)
    return EagerTensor(np.broadcast_to(matrix, (*batch, rows, columns)))


def _one_hot(indices, on, off, depth, axis):
    positions = np.arange(depth).reshape([depth if i == axis else 1 for i in range(indices.ndim + 1)])
    return np.where(np.expand_dims(indices, axis) == positions, on, off).astype(on.dtype, copy=False)


_ONE_HOT_INDEX = Takes("OneHot", "TI", tuple([as_dtype(name)._np for name in ("uint8", "int8", "int32", "int64")]))


def _one_hot_batched(indices, on, off, depth, axis):
    """Where the batch is hot, and then each example's own values."""
    from tapeflow.ops.compare import where
    from tapeflow.ops.shaping import reshape_static

    size = indices._shape[0]
    yes, no = EagerTensor(np.True_), EagerTensor(np.False_)
    chosen = apply(ONE_HOT, (indices, yes, no), (depth, axis + 1))

    on, off = (reshape_static(value, (size,) + (1,) * len(indices._shape)) for value in (on, off))
    return where(chosen, on, off)


ONE_HOT = statement(
    "OneHot", _one_hot, operands="indices on off", attrs="depth axis", batch=_one_hot_batched
)


@sized
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """`on_value` (1) at the position that each index names and `off_value` (0) elsewhere, along a new axis.

    Args:
      indices: an integer tensor; an index outside `[0, depth)` gives a row of `off_value`.
      depth: the size of the new axis.
      axis: where the new axis goes, last by default.
      dtype: that of the values, float32 if they are not given.

    Raises TypeError if the dtypes of the values and `dtype` differ.

    >>> import tapeflow as tf
    >>> tf.one_hot([0, 2], 3).numpy().tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    on = None if on_value is None else convert_to_tensor(on_value, dtype_hint=dtype)
    off = None if off_value is None else convert_to_tensor(off_value, dtype_hint=dtype)
    given = on.dtype if on is not None else off.dtype if off is not None else None
    wanted = given if dtype is None and given is not None else as_dtype(float32 if dtype is None else dtype)
    for what, value in (("on_value", on), ("off_value", off)):
        if value is not None and value.dtype is not wanted:
            if on is not None and off is not None and on.dtype is not off.dtype:
                raise TypeError(
                    f"dtype {on.dtype!r} of on_value does not match dtype {off.dtype!r} of off_value"
                )
            raise TypeError(f"dtype {value.dtype!r} of {what} does not match dtype parameter {wanted!r}")
    on = _number(1, wanted) if on is None else on
    off = _number(0, wanted) if off is None else off
    for what, value in (("on_value", on), ("off_value", off)):
        if value._shape:
            raise invalid_argument(f"{what} must be a scalar, but got: {bracketed(value._shape)} [Op:OneHot] name: ")
    if isinstance(indices, float):
        convert_to_tensor(indices, "int64")
    x = convert_to_tensor(indices, dtype_hint=None if hasattr(indices, "dtype") else "int64")
    if x._dtype not in _ONE_HOT_INDEX.kernels:
        raise not_allowed(_ONE_HOT_INDEX, x._dtype)
    rank = len(x._shape)
    place = -1 if axis is None else axis
    if not -1 <= place <= rank:
        raise invalid_argument(
            f"Expected axis to be -1 or between [0, {rank + 1}).  But received: {place} [Op:OneHot] name: "
        )
    size = convert_to_tensor(depth, int32)
    if size._shape:
        raise invalid_argument(f"depth must be a scalar, but got: {bracketed(size._shape)} [Op:OneHot]")
    depth = int(size)
    if depth < 0:
        raise invalid_argument(f"depth must be non-negative, got: {depth} [Op:OneHot] name: ")
    return apply(ONE_HOT, (x, on, off), (depth, place % (rank + 1)))


def _number(value, dtype):
    return EagerTensor(dtype._np.type(value)) if dtype.is_numeric else convert_to_tensor(value, dtype)


def _range(start, limit, delta):
    if not delta:
        raise invalid_argument("Requires delta != 0: 0")
    if delta > 0 and not start <= limit:
        raise invalid_argument(f"Requires start <= limit when delta > 0: {start:g}/{limit:g}")
    if delta < 0 and not start >= limit:
        raise invalid_argument(f"Requires start >= limit when delta < 0: {start:g}/{limit:g}")
    kind = start.dtype
    if kind.kind in "iu":
        return np.arange(int(start), int(limit), int(delta)).astype(kind)
    size = int(np.ceil(np.abs((limit - start) / delta)))  # in the dtype of the operands, as TensorFlow rounds it
    steps = np.arange(size)
    if kind.itemsize < 4:
        return (np.float32(start) + steps.astype(np.float32) * np.float32(delta)).astype(kind)
    return (start + steps.astype(kind) * delta).astype(kind)


RANGE = statement("Range", _range, FLOAT + INTEGER[:4] + INTEGER[5:], operands="start limit delta")  # not uint8
_WIDTH = [int32, as_dtype("int64"), as_dtype("float16"), as_dtype("bfloat16"), float32, as_dtype("float64")]
RANGE.shape = lambda start, limit, delta: (None,)


def range(start, limit=None, delta=1, dtype=None, name="range"):  # noqa: A001 (TensorFlow's name)
    """Numbers from `start` (0 if only one argument is given) up to but without `limit`, `delta` apart.

    Raises InvalidArgumentError if they can never arrive.

    >>> import tapeflow as tf
    >>> tf.range(3).numpy().tolist(), tf.range(3, 0, -1).numpy().tolist()
    ([0, 1, 2], [3, 2, 1])
    """
    if limit is None:
        start, limit = 0, start
    if start is None or limit is None:
        convert_to_tensor(None)
    if dtype is not None:
        values = [_as(value, as_dtype(dtype)) for value in (start, limit, delta)]
    else:
        tensors = [convert_to_tensor(value) for value in (start, limit, delta)]
        widest = max([t.dtype for t in tensors], key=lambda d: _WIDTH.index(d) if d in _WIDTH else -1)
        values = [_as(value, widest) for value in tensors]
    for what, value in zip(("start", "limit", "delta"), values):
        if value._shape:
            raise invalid_argument(
                f"{what} must be a scalar, not shape {bracketed(value._shape)} [Op:Range] name: "
            )
    return apply(RANGE, tuple(values))


def _as(value, dtype):
    from tapeflow.ops.casting import cast

    return cast(value, dtype) if hasattr(value, "_id") else convert_to_tensor(value, dtype)


@sized
def linspace(start, stop, num, name=None, axis=0):
    """`num` evenly spaced numbers from `start` to `stop`, both included, along a new axis.

    Args:
      start, stop: scalars, or tensors of shapes that broadcast; integers become float64.
      num: how many, an int.
      axis: where the new axis goes.

    Raises TypeError if `num` is no integer, ValueError for two dtypes, InvalidArgumentError for a negative `num`.

    >>> import tapeflow as tf
    >>> tf.linspace(0., 1., 5).numpy().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.shaping import broadcast_static, concat, reshape_static
    from tapeflow.ops.tiling import integer

    start = convert_to_tensor(start)
    stop = convert_to_tensor(stop, start.dtype)
    n = int(integer(num, "num").reshape(()))
    if start.dtype.is_integer:
        start, stop = cast(start, "float64"), cast(stop, "float64")
    check_broadcast(_BROADCAST_ARGS, start._shape, stop._shape)
    shape = np.broadcast_shapes(start._shape, stop._shape)
    start, stop = broadcast_static(start, shape), broadcast_static(stop, shape)
    place = one_int(axis, "ExpandDims", "Tdim")
    rank = len(shape) + 1
    if not -rank <= place < rank:
        raise invalid_argument(
            f"Tried to expand dim index {place} for tensor with {rank - 1} dimensions. [Op:ExpandDims] name: "
        )
    place %= rank
    if n < 0:
        raise invalid_argument(f"Requires start <= limit when delta > 0: 1/{n} [Op:Range] name: ")
    with_axis = (*shape[:place], 1, *shape[place:])
    start, stop = reshape_static(start, with_axis), reshape_static(stop, with_axis)
    if not n:
        return zeros((*shape[:place], 0, *shape[place:]), start.dtype)
    if n == 1:
        return start
    if n == 2:
        return concat([start, stop], place)
    # As in TensorFlow, the steps are counted from the start, and the last number is the stop itself.
    delta = (stop - start) / convert_to_tensor(start._dtype.type(n - 1))
    steps = np.arange(1, n - 1).astype(start._dtype)
    steps = EagerTensor(steps.reshape([-1 if i == place else 1 for i in builtins.range(rank)]))
    return concat([start, start + delta * steps, stop], place)


_BROADCAST_ARGS = Takes("BroadcastArgs", "T", ())


def sequence_mask(lengths, maxlen=None, dtype=bool, name=None):
    """For each length a row that is True so many times, then False, up to `maxlen` (the longest if None).

    Raises ValueError if `maxlen` is no scalar, InvalidArgumentError if it is negative.

    >>> import tapeflow as tf
    >>> tf.sequence_mask([1, 2], 3).numpy().tolist()
    [[True, False, False], [True, True, False]]
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.elementwise import maximum
    from tapeflow.ops.reduce import reduce_max
    from tapeflow.ops.shaping import expand_dims

    lengths = convert_to_tensor(lengths)
    if maxlen is None:
        longest = maximum(reduce_max(lengths), lengths._dtype.type(0))
    else:
        longest = convert_to_tensor(maxlen)
        if longest._shape:
            raise ValueError(
                f"Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = {maxlen} with shape "
                f"'{longest.shape}' instead"
            )
    row = range(convert_to_tensor(0, longest.dtype), longest, convert_to_tensor(1, longest.dtype))
    column = cast(expand_dims(lengths, -1), longest.dtype)
    return cast(row < column, dtype)
