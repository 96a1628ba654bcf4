"""Parts of tensors: slices and `x[...]`, gathers by number and by coordinates, masks."""

import builtins
from functools import partial

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import UnknownSize, differ, holds_dim, outside, substitute
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.engine.dispatch import Takes, apply, bracketed, not_allowed
from tapeflow.engine.dtypes import SIGNED
from tapeflow.engine.primitive import linear
from tapeflow.ops.shaping import broadcast_static, reshape_static, transpose_static
from tapeflow.ops.sized import sized, sized_where_asked, waiting
from tapeflow.ops.static import count, int_array, ints, one_int

_INDEX = SIGNED[1:]  # int16, int32, int64

# Slices. The attribute `spec` is an index as NumPy has them: ints, None, an ellipsis, and for each slice a tuple
# (start, stop, step).

_ALL = (None, None, None)


def as_index(spec):
    return tuple([builtins.slice(*part) if part.__class__ is tuple else part for part in spec])


def _strided(x, spec):
    if x.dtype.kind == "O" and Ellipsis not in spec:
        spec = (*spec, Ellipsis)  # so that one element comes as an array too
    return x[as_index(spec)]


def _unstride(g, spec, shape):
    out = np.zeros(shape, g.dtype) if g.dtype.kind != "O" else np.full(shape, b"", object)
    out[as_index(spec)] = g
    return out


STRIDED = linear(
    "StridedSlice", _strided, None, lambda g, x_like, spec: apply(UNSTRIDE, (g,), (spec, x_like._shape)),
    attrs="spec", batch=lambda x, spec: apply(STRIDED, (x,), ((_ALL, *spec),)),
)  # fmt: skip
UNSTRIDE = linear(
    "StridedSliceGrad", _unstride, None, lambda g, spec: apply(STRIDED, (g,), (spec,)), attrs="spec shape",
    batch=lambda x, spec, shape: apply(UNSTRIDE, (x,), ((_ALL, *spec), (x._shape[0], *shape))),
)  # fmt: skip


def _strided_shape(shape, spec):
    """The shape of a part; None for a size that is not known."""
    after = sum(part is not None and part is not Ellipsis for part in spec)
    sizes, out = list(shape), []
    for part in spec:
        if part is Ellipsis:
            out += sizes[: len(sizes) - after]
            sizes = sizes[len(sizes) - after :]
        elif part is None:
            out.append(1)
        else:
            after -= 1
            n = sizes.pop(0)
            if part.__class__ is int and outside(part, -n, n - 1):
                raise invalid_argument(f"slice index {part} of a dimension of size {n} out of bounds.")
            if part.__class__ is tuple:
                out.append(_length(n, *part))
    return tuple(out + sizes)


def _length(n, start, stop, step):
    """How long a slice of an axis of size `n` is; None where it cannot be said.

    A size is said only if it is right for every number of rows: x[:3] has three if there are as many.
    """
    part = builtins.slice(start, stop, step)
    if not holds_dim((n, part)):
        return len(range(*part.indices(n)))
    forwards = start in (None, 0) and (stop is None or stop == n) and step in (None, 1)
    if forwards or (start, stop, step) == (None, None, -1):
        return n
    if holds_dim(part):
        return None
    tried = [substitute(n, lambda key, size=size: size) for size in (0, 1, 2, 3, 5, 8, 1 << 40)]
    if None in tried or len(set(tried)) <= 4:  # sizes that broadcast for some rows only; the difference of two sizes
        return None
    found = [len(range(*part.indices(max(size, 0)))) for size in tried]
    return n if found == tried else found[0] if len(set(found)) == 1 else None


STRIDED.shape = _strided_shape


def _unstrided_shape(g, spec, shape):
    wanted = _strided_shape(shape, spec)
    if not holds_dim((g, shape, spec)) and wanted is not None and tuple(g) != wanted:
        raise invalid_argument(f"shape of dy was {bracketed(g)} instead of {bracketed(wanted)}")
    return tuple(shape)


UNSTRIDE.shape = _unstrided_shape


def slice_static(x, begin, size):
    """The part of `x` that starts at `begin` and has shape `size`, both known to be right."""
    return apply(STRIDED, (x,), (tuple([(b, b + n, None) for b, n in zip(begin, size)]),))


def getitem(x, key):
    """`x[key]` in all of TensorFlow's forms: ints, slices, `...`, `tf.newaxis`, scalar tensors, boolean masks.

    Raises InvalidArgumentError for an index out of range, TypeError for what is no index.
    """
    if x.__class__ is not EagerTensor:
        if isinstance(x, Variable):
            return _part_of_variable(x, key)
        x = convert_to_tensor(x)
    if key.__class__ is int:
        shape = x._shape
        if shape.__class__ is tuple and shape and shape[0].__class__ is int and -shape[0] <= key < shape[0]:
            return apply(STRIDED, (x,), ((key,),))
    if _is_mask(key):
        return boolean_mask(x, key)
    keys = list(key) if isinstance(key, (tuple, list)) else [key]
    try:
        spec, batched = parse(x._shape, keys)
    except UnknownSize:
        slices = [k for k in keys if isinstance(k, builtins.slice)]
        if any([isinstance(part, Tensor) for k in slices for part in (k.start, k.stop, k.step)]):
            raise
        return waiting(getitem, (x, key))
    part = apply(STRIDED, (x,), (spec,))
    for axis, index in reversed(batched):
        part = _at_batched(part, axis, index)
    return part


def _at_batched(x, axis, index):
    """`x` at a scalar index that has no value of its own, being one of a batch, or into a size that is not known."""
    from tapeflow.ops.casting import cast
    from tapeflow.ops.compare import where
    from tapeflow.ops.shaping import shape

    if index.__class__ is EagerTensor and index._array >= 0:
        return gather(x, index, axis=axis)
    size = x._shape[axis]
    size = index._dtype.type(size) if size.__class__ is int else cast(shape(x)[axis], index.dtype)
    zero = index._dtype.type(0)
    return gather(x, where(index < zero, index + size, index), axis=axis)


def _is_mask(key):
    dtype = getattr(key, "dtype", None)
    if dtype is None:
        return key is True or key is False
    return dtype == "bool" if not isinstance(dtype, np.dtype) else dtype.kind == "b"


def _index_error(message):
    return invalid_argument(f"{message} [Op:StridedSlice] name: strided_slice/")


def parse(shape, keys):
    """The spec for what stands between the brackets, and (axis of the result, index) for every batched index."""
    if sum(key is Ellipsis for key in keys) > 1:
        raise _index_error("Multiple ellipses in slice spec not allowed")
    rank = len(shape)
    parts = [_part(key, axis) for axis, key in enumerate(keys)]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if used and not rank:
        raise _index_error("Attempting to slice scalar input.")
    if used > rank:
        raise _index_error(f"Index out of range using input dim {rank}; input has only {rank} dims")
    spec, batched = [], []
    axis = kept = 0
    for part in parts:
        if part is Ellipsis:
            spec += [_ALL] * (rank - used)
            axis += rank - used
            kept += rank - used
            continue
        if part is None:
            spec.append(None)
            kept += 1
            continue
        if part.__class__ is int:
            n = shape[axis]
            if n.__class__ is not int:  # the run finds out whether it is out of range
                batched.append((kept, convert_to_tensor(part)))
                part = _ALL
                kept += 1
            elif not -n <= part < n:
                shown = part + n if part < 0 else part
                raise _index_error(f"slice index {shown} of dimension {axis} out of bounds.")
        else:
            if part.__class__ is not tuple:
                batched.append((kept, part))
                part = _ALL
            kept += 1
        spec.append(part)
        axis += 1
    return tuple(spec), batched


def _part(key, axis):
    """One of the things between the brackets, with plain ints."""
    if key is None or key is Ellipsis:
        return key
    if not isinstance(key, builtins.slice):
        return _int(key, key)
    start, stop, step = (None if part is None else _bound(part) for part in (key.start, key.stop, key.step))
    if step.__class__ is int and step == 0:
        raise _index_error(f"strides[{axis}] must be non-zero")
    return start, stop, step


def _bound(part):
    """A bound of a slice, as an int; a Dim where it is only known when the graph runs."""
    part = _int(part, part)
    return one_int(part, "StridedSlice", "Index") if isinstance(part, Tensor) else part


def _int(key, shown):
    """An index as an int, or as the scalar tensor that it is if it is one of a batch."""
    if key.__class__ is int:
        return key
    if key.__class__ is bool:
        raise not_allowed(_SLICE_INDEX, np.dtype(bool))
    if isinstance(key, (Tensor, Variable)):
        key = convert_to_tensor(key)
        if len(key._shape) > 1:
            shape = bracketed((1, *key._shape))
            raise _index_error(
                f"Expected begin, end, and strides to be 1D equal size tensors, but got shapes {shape}, {shape}, and "
                "[1] instead."
            )
        if not key._shape and key._dtype in _INDEX:
            return int(key) if key.__class__ is EagerTensor else key
    elif isinstance(key, (np.ndarray, np.integer)) and np.ndim(key) == 0 and key.dtype.kind in "iu":
        return int(key)
    elif hasattr(key, "__index__") and not isinstance(key, np.ndarray):
        return key.__index__()
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {shown!r}"
    )


_SLICE_INDEX = Takes("StridedSlice", "Index", _INDEX)


def iterate(x):
    """The slices of a tensor along its first axis, all at once if a tape listens, else one by one.

    Raises TypeError for a scalar.
    """
    x = convert_to_tensor(x)
    if not x._shape:
        raise TypeError("Cannot iterate over a scalar tensor.")
    if not thread.listeners:
        return (getitem(x, i) for i in range(x._shape[0]))
    from tapeflow.ops.packing import UNPACK

    return iter(apply(UNPACK, (x,), (0,)))


def _part_of_variable(variable, key):
    """`variable[key]`, to which `assign` assigns."""
    part = getitem(variable._read(), key)

    def assign(value, name=None):
        from tapeflow.ops.variable_scatter import assign_slice

        return assign_slice(variable, key, value)

    part.assign = assign
    return part


for _class in (Tensor, Variable):  # in place of the ones that load this module at the first use
    setattr(_class, "__getitem__", getitem)  # noqa: B010 (a type checker cannot follow an assignment)
    setattr(_class, "__iter__", iterate)  # noqa: B010


@sized
def slice(input_, begin, size, name=None):  # noqa: A001 (TensorFlow's name)
    """The part of a tensor that starts at `begin` and has shape `size`, where -1 is all that is left.

    Raises InvalidArgumentError for what is outside.

    >>> import tapeflow as tf
    >>> tf.slice([1, 2, 3, 4], [1], [2]).numpy().tolist()
    [2, 3]
    """
    x = convert_to_tensor(input_)
    starts, sizes = int_array(begin, "Slice", "Index"), int_array(size, "Slice", "Index")
    shape = x._shape
    if starts.shape != (len(shape),) or sizes.shape != (len(shape),):
        raise invalid_argument(
            f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, but got shapes "
            f"{bracketed(starts.shape)} and {bracketed(sizes.shape)} instead. [Op:Slice]"
        )
    spec = []
    for i, (b, n, whole) in enumerate(zip(starts.tolist(), sizes.tolist(), shape)):
        if outside(b, 0, whole):
            raise invalid_argument(f"Expected begin[{i}] in [0, {whole}], but got {b} [Op:Slice]")
        n = whole - b if n == -1 else n
        if outside(n, 0, whole - b):
            raise invalid_argument(f"Expected size[{i}] in [0, {whole - b}], but got {n} [Op:Slice]")
        spec.append((b, b + n, None))
    return apply(STRIDED, (x,), (tuple(spec),))


@sized_where_asked
def strided_slice(
    input_,
    begin,
    end,
    strides=None,
    begin_mask=0,
    end_mask=0,
    ellipsis_mask=0,
    new_axis_mask=0,
    shrink_axis_mask=0,
    var=None,
    name=None,
):
    """The elements from `begin` up to `end`, `strides` apart; bit i of a mask changes what axis i of these means.

    Args:
      input_: a tensor.
      begin, end, strides: vectors of ints; strides are 1 if None.
      begin_mask, end_mask: where `begin` or `end` do not count, and the slice goes as far as it can.
      ellipsis_mask: where as many axes as are left over stay whole.
      new_axis_mask: where there is a new dimension of 1.
      shrink_axis_mask: where only the element at `begin` is taken, and the dimension goes.
      var: a variable that stands for `input_`: what is returned has `assign`.

    Raises InvalidArgumentError as `x[...]` does.

    >>> import tapeflow as tf
    >>> tf.strided_slice([1, 2, 3, 4], [0], [4], [2]).numpy().tolist()
    [1, 3]
    """
    starts, stops = int_array(begin, "StridedSlice", "Index"), int_array(end, "StridedSlice", "Index")
    steps = np.ones_like(starts) if strides is None else int_array(strides, "StridedSlice", "Index")
    if not starts.shape == stops.shape == steps.shape or starts.ndim != 1:
        raise invalid_argument(
            "Expected begin, end, and strides to be 1D equal size tensors, but got shapes "
            f"{bracketed(starts.shape)}, {bracketed(stops.shape)}, and {bracketed(steps.shape)} instead. "
            "[Op:StridedSlice]"
        )
    key = []
    for i, (b, e, s) in enumerate(zip(starts.tolist(), stops.tolist(), steps.tolist())):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            if s < 1:
                raise invalid_argument("only stride 1 allowed on non-range indexing. [Op:StridedSlice]")
            key.append(b)
        else:
            key.append(builtins.slice(None if begin_mask & bit else b, None if end_mask & bit else e, s))
    return getitem(input_, tuple(key)) if var is None else _part_of_variable(var, tuple(key))


# Gather. `axis` and `batch_dims` are static; indices are an operand without a derivative. A negative axis is left as
# it is, for TensorFlow gives sliced rows only where the axis is written as 0.


def _check_indices(indices, limit):
    if indices.size and (indices.min() < 0 or indices.max() >= limit):
        place = tuple(np.argwhere((indices < 0) | (indices >= limit))[0].tolist())
        at = f"[{','.join(map(str, place))}]" if place else ""
        raise invalid_argument(f"indices{at} = {int(indices[place])} is not in [0, {limit})")


def _gather(params, indices, axis, batch_dims):
    axis %= params.ndim
    _check_indices(indices, params.shape[axis])
    if batch_dims and not _repeated(indices, batch_dims):
        return _gather_rows(params, indices, axis, batch_dims)
    if batch_dims:
        indices = indices[(0,) * batch_dims]
    if params.dtype.kind == "O" and not indices.shape:
        return np.take(params, indices.reshape(1), axis).reshape(params.shape[:axis] + params.shape[axis + 1 :])
    return params.take(indices, axis)


def _repeated(array, batch_dims):
    """Whether an array is the same for the whole batch, as that of an operand without a batch is."""
    return not any(array.strides[:batch_dims]) and 0 not in array.shape[:batch_dims]


def _gather_rows(params, indices, axis, batch_dims):
    """A gather of which every batch has indices of its own: its rows stand in one long list."""
    batch, size = params.shape[:batch_dims], params.shape[axis]
    between, rest = params.shape[batch_dims:axis], params.shape[axis + 1 :]
    rows = count(batch)
    lists = np.moveaxis(params, axis, batch_dims).reshape(rows * size, *between, *rest)
    offsets = (np.arange(rows, dtype=np.intp) * size).reshape(batch + (1,) * (indices.ndim - batch_dims))
    taken = lists.take(indices + offsets, 0)
    inner = range(batch_dims, indices.ndim)
    stays = range(indices.ndim, indices.ndim + len(between))
    return taken.transpose(*range(batch_dims), *stays, *inner, *range(indices.ndim + len(between), taken.ndim))


def _gather_vjp(g, params_like, indices, axis, batch_dims):
    """Each slice goes back where it came from. Along axis 0 as sliced rows, as TensorFlow has it; else added up."""
    shape = params_like._shape
    n = len(indices._shape)
    size = count(indices._shape)
    if axis == 0 and not batch_dims:
        values = reshape_static(g, (size, *shape[1:]))
        if holds_dim(shape):
            from tapeflow.ops.shaping import shape as shape_of

            whole = shape_of(params_like)
        else:
            whole = EagerTensor(np.array(shape, np.int32))
        return IndexedSlices(values, reshape_static(indices, (size,)), whole)
    from tapeflow.ops.segments import UNSORTED_SUM

    axis %= len(shape)
    # Move the gathered axes to the front (after the batch), and give every batch its own range of segments.
    rank = len(g._shape)
    batch = range(batch_dims)
    gathered = range(axis, axis + n - batch_dims)
    rest = [i for i in range(batch_dims, rank) if i not in gathered]
    moved = transpose_static(g, (*batch, *gathered, *rest))
    rows = count(shape[:batch_dims])
    starts = np.arange(rows, dtype=np.int64).reshape(shape[:batch_dims] + (1,) * (n - batch_dims)) * shape[axis]
    segments = reshape_static(_as_int64(indices) + EagerTensor(starts), (size,))
    sizes = [moved._shape[i] for i in range(n, rank)]
    total = apply(UNSORTED_SUM, (reshape_static(moved, (size, *sizes)), segments), (rows * shape[axis],))
    whole = reshape_static(total, (*shape[:batch_dims], shape[axis], *sizes))
    # The axis stands right after the batch: put it back in its place.
    back = (*batch, *range(batch_dims + 1, axis + 1), batch_dims, *range(axis + 1, len(shape)))
    return transpose_static(whole, back)


def _as_int64(indices):
    from tapeflow.ops.casting import cast_static

    return cast_static(indices, np.dtype(np.int64))


GATHER = linear(
    "GatherV2", _gather, None, _gather_vjp, None, operands="params indices", attrs="axis batch_dims",
    batch=lambda params, indices, axis, batch_dims: apply(
        GATHER, (params, indices), (axis + (axis >= 0), batch_dims + 1)
    ),
)  # fmt: skip


@partial(sized_where_asked, operands=2)
def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The slices of `params` at `indices` along `axis` (`batch_dims` if None).

    Args:
      params: a tensor.
      indices: an int32 or int64 tensor of any shape.
      validate_indices: not used: they always are.
      axis: the axis of `params` to take from.
      batch_dims: how many leading dimensions of both go together.

    Returns:
      A tensor of shape `params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]`. Its gradient
      with respect to `params` is `tf.IndexedSlices` along axis 0.

    Raises InvalidArgumentError for an index out of range.

    >>> import tapeflow as tf
    >>> tf.gather([10, 20, 30], [2, 0]).numpy().tolist()
    [30, 10]
    """
    params = convert_to_tensor(params)
    indices = convert_to_tensor(indices)
    if indices._dtype not in _INDEX:
        raise not_allowed(_GATHER_INDEX, indices._dtype)
    rank, index_rank = len(params._shape), len(indices._shape)
    batch = batch_dims if batch_dims.__class__ is int else int(convert_to_tensor(batch_dims))
    place = batch if axis is None else axis if axis.__class__ is int else ints(axis, "GatherV2", "Taxis")[0]
    if not -rank <= place < rank:
        if not rank:
            raise invalid_argument("params must be at least 1 dimensional [Op:GatherV2]")
        wanted = place + 1 if place >= 0 else -place
        raise invalid_argument(f"Shape must be at least rank {wanted} but is rank {rank} [Op:GatherV2] name: ")
    axis = place
    place %= rank
    if not -index_rank <= batch <= index_rank:
        raise invalid_argument(
            f"Expected batch_dims in the range [{-index_rank}, {index_rank}], but got {batch} [Op:GatherV2] name: "
        )
    batch = batch + index_rank if batch < 0 else batch
    if batch > place:
        raise invalid_argument(
            f"batch_dims ({batch}) must be less than or equal to axis ({place}). [Op:GatherV2] name: "
        )
    for i in range(batch):
        if params._shape[i] != indices._shape[i]:
            raise invalid_argument(
                f"params.shape[{i}]: {params._shape[i]} should be equal to indices.shape[{i}]: {indices._shape[i]} "
                "[Op:GatherV2]"
            )
    if batch and holds_dim((params._shape, indices._shape)) or axis and holds_dim(params._shape[place]):
        raise UnknownSize("a size that the gradient of a gather needs as a number")
    return apply(GATHER, (params, indices), (axis, batch))


_GATHER_INDEX = Takes("GatherV2", "Tindices", _INDEX)


def dense_of_slices(slices, dtype=None):
    """`tf.IndexedSlices` as the whole tensor, repeated rows added up. Raises ValueError without a dense shape."""
    values = convert_to_tensor(slices.values)
    if slices.dense_shape is None:
        raise ValueError(
            f"Tensor conversion requested for IndexedSlices for argument without dense_shape: {values}"
        )
    if dtype is not None and values.dtype is not dtype:
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype {values.dtype.name}"
        )
    return _dense_of_parts(values, slices.indices, slices.dense_shape)


@partial(sized_where_asked, operands=3)
def _dense_of_parts(values, indices, dense_shape):
    from tapeflow.ops.segments import unsorted_segment_sum

    try:
        rows = int_array(dense_shape, "StridedSlice", "Index")[0]
    except UnknownSize:  # not even the rank is known
        rows = convert_to_tensor(dense_shape)[0]
    return unsorted_segment_sum(values, indices, rows)


# Gather by coordinates: the last axis of `indices` names a place in the leading axes of a tensor.


def flat_places(indices, shape, what):
    """The places that coordinates name in the leading axes of `shape`, as numbers from 0, checked."""
    depth = indices.shape[-1]
    columns = indices.reshape(count(indices.shape[:-1]), depth)
    limits = shape[:depth]
    wrong = np.zeros(len(columns), bool)
    places = np.zeros(len(columns), np.intp)
    for i, limit in enumerate(limits):
        column = columns[:, i]
        wrong |= (column < 0) | (column >= limit)
        places = places * limit + column
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        at = ",".join(map(str, np.unravel_index(first, indices.shape[:-1] or (1,))))
        index = ", ".join(map(str, columns[first].tolist()))
        raise invalid_argument(f"indices[{at}] = [{index}] does not index into {what} {bracketed(shape)}")
    return places


def _gather_nd(params, indices):
    shape, depth = params.shape, indices.shape[-1]
    places = flat_places(indices, shape, "param shape")
    if 0 in shape[:depth]:  # and no places, then
        return np.empty(indices.shape[:-1] + shape[depth:], params.dtype)
    rows = params.reshape(count(shape[:depth]), *shape[depth:])
    return rows.take(places, 0).reshape(indices.shape[:-1] + shape[depth:])


def numbered(indices):
    """Batched coordinates with the number of the example before each: coordinates into the whole batch."""
    from tapeflow.ops.shaping import CONCAT

    size, *inner, depth = indices._shape
    numbers = np.arange(size, dtype=indices._dtype).reshape(size, *[1] * (len(inner) + 1))
    numbers = broadcast_static(EagerTensor(numbers), (size, *inner, 1))
    return apply(CONCAT, (numbers, indices), (len(inner) + 1,))


def _gather_nd_vjp(g, params_like, indices):
    """Sliced rows where one coordinate names each row, as TensorFlow has it; else added up."""
    shape = params_like._shape
    if len(indices._shape) == 2 and indices._shape[1] == 1:
        numbers = reshape_static(indices, indices._shape[:1])
        return IndexedSlices(g, numbers, EagerTensor(np.array(shape, indices._dtype)))
    from tapeflow.ops.variable_scatter import SCATTER_ND

    return apply(SCATTER_ND, (indices, g), (shape,))


GATHER_ND = linear(
    "GatherNd", _gather_nd, None, _gather_nd_vjp, None, operands="params indices",
    batch=lambda params, indices: apply(GATHER_ND, (params, numbered(indices))),
)  # fmt: skip


@partial(sized_where_asked, operands=2)
def gather_nd(params, indices, batch_dims=0, name=None, bad_indices_policy=""):
    """The slices of `params` at the coordinates along the last axis of `indices`.

    Args:
      params: a tensor.
      indices: an int32 or int64 tensor; its last axis names places in the leading axes of `params`.
      batch_dims: how many leading dimensions of both go together.
      bad_indices_policy: "IGNORE" gives zeros for coordinates out of range; else they are an error.

    Raises InvalidArgumentError for coordinates out of range.

    >>> import tapeflow as tf
    >>> tf.gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).numpy().tolist()
    [2, 3]
    """
    params, indices = convert_to_tensor(params), convert_to_tensor(indices)
    if indices._dtype not in _INDEX:
        raise not_allowed(_GATHER_ND_INDEX, indices._dtype)
    check_policy(bad_indices_policy, "GatherNd")
    batch = batch_dims if batch_dims.__class__ is int else int(convert_to_tensor(batch_dims))
    if batch:
        indices = _with_batch(params, indices, batch)
    if not indices._shape:
        raise invalid_argument("indices must be at least a vector [Op:GatherNd] name: ")
    if not params._shape:
        raise invalid_argument("params must be at least a vector [Op:GatherNd]")
    depth = indices._shape[-1]
    if depth > len(params._shape):
        raise invalid_argument(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(params._shape)} "
            "[Op:GatherNd]"
        )
    if holds_dim((params._shape, indices._shape)) and (batch or depth == 1 or bad_indices_policy == "IGNORE"):
        raise UnknownSize("a size that a gather by coordinates, or its gradient, needs as a number")
    if bad_indices_policy != "IGNORE":
        return apply(GATHER_ND, (params, indices))
    from tapeflow.ops.compare import where

    good = in_range(indices, params._shape)
    safe = where(reshape_static(good, (*good._shape, 1)), indices, indices._dtype.type(0))
    good = reshape_static(good, good._shape + (1,) * (len(params._shape) - depth))
    return where(good, apply(GATHER_ND, (params, safe)), params._dtype.type(0))


_GATHER_ND_INDEX = Takes("GatherNd", "Tindices", _INDEX)


def check_policy(policy, op):
    """Raise InvalidArgumentError for a `bad_indices_policy` that is none."""
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise invalid_argument(f"Unknown bad indices handling attribute: {policy} [Op:{op}]")


def in_range(indices, shape):
    """Whether all the coordinates along the last axis of `indices` are in range."""
    from tapeflow.ops.reduce import reduce_all

    limits = EagerTensor(np.array(shape[: indices._shape[-1]], indices._dtype))
    return reduce_all((indices >= indices._dtype.type(0)) & (indices < limits), axis=-1)


def _with_batch(params, indices, batch):
    """Coordinates with those of their batch before them."""
    from tapeflow.ops.shaping import concat

    rank = len(indices._shape)
    if batch < 0:
        raise ValueError("tf.gather_nd does not allow negative batch_dims.")
    for what, tensor in (("indices", indices), ("params", params)):
        if batch >= len(tensor._shape):
            raise ValueError(
                f"Argument `batch_dims` = {batch} must be less than rank(`{what}`) = {len(tensor._shape)}"
            )
    sizes = indices._shape[:batch]
    if differ(params._shape[:batch], sizes):
        raise invalid_argument(
            f"batch dimensions of params {bracketed(params._shape)} and indices {bracketed(indices._shape)} differ "
            "[Op:GatherNd]"
        )
    grid = np.stack(np.indices(sizes), -1).astype(indices._dtype)
    grid = grid.reshape(*sizes, *[1] * (rank - 1 - batch), batch)
    return concat([broadcast_static(EagerTensor(grid), (*indices._shape[:-1], batch)), indices], -1)


@sized
def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """The slices of a tensor for which a mask, of the shape of its leading axes (from `axis`), is true.

    Raises ValueError for a scalar mask or one of another shape.

    >>> import tapeflow as tf
    >>> tf.boolean_mask([1, 2, 3], [True, False, True]).numpy().tolist()
    [1, 3]
    """
    from tapeflow.ops.compare import where

    x, mask = convert_to_tensor(tensor), convert_to_tensor(mask)
    place = 0 if axis is None else int(convert_to_tensor(axis))
    rank = len(mask._shape)
    if not rank:
        raise ValueError("mask cannot be scalar.")
    part = x._shape[place : place + rank]
    if differ(part, mask._shape):
        raise ValueError(f"Shapes {part} and {mask._shape} are incompatible")
    size = count(mask._shape)
    flat = reshape_static(x, (*x._shape[:place], size, *x._shape[place + rank :]))
    chosen = where(reshape_static(mask, (size,)))
    return apply(GATHER, (flat, reshape_static(chosen, chosen._shape[:1])), (place, 0))
