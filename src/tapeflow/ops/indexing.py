"""Parts of tensors, and tensors out of parts: slices, gathers, scatters, partitions."""

import builtins

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.engine.dispatch import Takes, apply, bracketed, match, mismatch, not_allowed
from tapeflow.engine.dtypes import SIGNED
from tapeflow.engine.primitive import general, linear
from tapeflow.ops.shaping import broadcast_static, reshape_static, transpose_static
from tapeflow.ops.static import axis_in, count, ints

_INDEX = SIGNED[1:]  # int16, int32, int64

# Slices. A strided slice's attribute is a tuple of (start, stop, step) for each axis, None where it runs to the end.


def _strided(x, spec):
    return x[tuple([builtins.slice(*part) for part in spec])]


def _unstride(g, spec, shape):
    out = np.zeros(shape, g.dtype) if g.dtype.kind != "O" else np.full(shape, b"", object)
    out[tuple([builtins.slice(*part) for part in spec])] = g
    return out


_ALL = (None, None, None)
STRIDED = linear(
    "StridedSlice", _strided, None, lambda g, x_like, spec: apply(UNSTRIDE, (g,), (spec, x_like._shape)), attrs="spec",
    batch=lambda x, spec: apply(STRIDED, (x,), ((_ALL, *spec),)),
)  # fmt: skip
UNSTRIDE = linear(
    "StridedSliceGrad", _unstride, None, lambda g, spec: apply(STRIDED, (g,), (spec,)), attrs="spec shape",
    batch=lambda x, spec, shape: apply(UNSTRIDE, (x,), ((_ALL, *spec), (x._shape[0], *shape))),
)  # fmt: skip


def slice_static(x, begin, size):
    """The part of `x` that starts at `begin` and has shape `size`, both known to be right."""
    return apply(STRIDED, (x,), (tuple([(b, b + n, None) for b, n in zip(begin, size, strict=True)]),))


def getitem(x, key):
    """`x[key]` in all of TensorFlow's forms: ints, slices, `...`, `tf.newaxis`, scalar tensors, boolean masks.

    Raises InvalidArgumentError for an index out of range, TypeError for what is no index.
    """
    x = convert_to_tensor(x)
    if key.__class__ is int and x.__class__ is EagerTensor:
        return _one_index(x, key)
    if _is_mask(key):
        return boolean_mask(x, key)
    spec, kept = _parse(x._shape, list(key) if isinstance(key, (tuple, list)) else [key])
    part = apply(STRIDED, (x,), (spec,))
    shape = _shape_after(part._shape, kept)
    return part if shape == part._shape else reshape_static(part, shape)


def _one_index(x, i):
    shape = x._shape
    if not shape:
        raise _index_error("Attempting to slice scalar input.")
    if not -shape[0] <= i < shape[0]:
        raise _out_of_bounds(i, shape[0], 0)
    i %= shape[0]
    part = apply(STRIDED, (x,), (((i, i + 1, None), *[_ALL] * (len(shape) - 1)),))
    return reshape_static(part, shape[1:])


def _is_mask(key):
    dtype = getattr(key, "dtype", None)
    if dtype is None:
        return key is True or key is False
    return dtype == "bool" if not isinstance(dtype, np.dtype) else dtype.kind == "b"


def _index_error(message):
    return invalid_argument(f"{message} [Op:StridedSlice] name: strided_slice/")


def _out_of_bounds(i, n, axis):
    return _index_error(f"slice index {i + n if i < 0 else i} of dimension {axis} out of bounds.")


def _parse(shape, keys):
    """The (start, stop, step) of every axis, and for each axis of the result: "new", "keep" or "drop"."""
    if sum(key is Ellipsis for key in keys) > 1:
        raise _index_error("Multiple ellipses in slice spec not allowed")
    used = sum(key is not None and key is not Ellipsis for key in keys)
    if Ellipsis not in [key if key is Ellipsis else 0 for key in keys]:
        keys = [*keys, Ellipsis]
    spec, kept = [], []
    for key in keys:
        if key is Ellipsis:
            for _ in range(len(shape) - used):
                spec.append(_ALL)
                kept.append("keep")
        elif key is None:
            kept.append("new")
        else:
            axis = len(spec)
            if isinstance(key, builtins.slice):
                part, keep = _parse_slice(key, axis), "keep"
            else:
                part, keep = _int(key, key), "drop"
            if not shape:
                raise _index_error("Attempting to slice scalar input.")
            if axis >= len(shape):
                raise _index_error(
                    f"Index out of range using input dim {axis}; input has only {len(shape)} dims"
                )
            if keep == "drop":
                n = shape[axis]
                if not -n <= part < n:
                    raise _out_of_bounds(part, n, axis)
                part = (part % n, part % n + 1, None)
            spec.append(part)
            kept.append(keep)
    return tuple(spec), kept


def _parse_slice(key, axis):
    start, stop, step = (None if part is None else _int(part, part) for part in (key.start, key.stop, key.step))
    if step == 0:
        raise _index_error(f"strides[{axis}] must be non-zero")
    return start, stop, step


def _int(key, shown):
    if key.__class__ is int:
        return key
    if key.__class__ is bool:
        raise not_allowed(_SLICE_INDEX, np.dtype(bool))
    if np.ndim(getattr(key, "_array", 0)) > 1:
        shape = bracketed((1, *key._shape))
        raise _index_error(
            f"Expected begin, end, and strides to be 1D equal size tensors, but got shapes {shape}, {shape}, and [1] "
            "instead."
        )
    if isinstance(key, (Tensor, Variable)):
        key = convert_to_tensor(key)
        if not key._shape and key._dtype.kind in "iu":
            return int(key)
    elif isinstance(key, (np.ndarray, np.integer)) and np.ndim(key) == 0 and key.dtype.kind in "iu":
        return int(key)
    elif hasattr(key, "__index__") and not isinstance(key, (np.ndarray, bool)):
        return key.__index__()
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {shown!r}"
    )


_SLICE_INDEX = Takes("StridedSlice", "Index", _INDEX)


def _shape_after(shape, kept):
    sizes = iter(shape)
    out = []
    for what in kept:
        if what == "new":
            out.append(1)
        else:
            n = next(sizes)
            if what == "keep":
                out.append(n)
    return tuple(out)


def iterate(x):
    """The slices of a tensor along its first axis. Raises TypeError for a scalar."""
    x = convert_to_tensor(x)
    if not x._shape:
        raise TypeError("Cannot iterate over a scalar tensor.")
    from tapeflow.ops.packing import UNPACK

    return iter(apply(UNPACK, (x,), (0,)))


def slice(input_, begin, size, name=None):  # noqa: A001 (TensorFlow's name)
    """The part of a tensor that starts at `begin` and has shape `size`, where -1 is all that is left.

    Raises InvalidArgumentError for what is outside.

    >>> import tapeflow as tf
    >>> tf.slice([1, 2, 3, 4], [1], [2]).numpy().tolist()
    [2, 3]
    """
    x = convert_to_tensor(input_)
    begin, size = ints(begin, "begin"), ints(size, "size")
    shape = x._shape
    if len(begin) != len(shape) or len(size) != len(shape):
        raise invalid_argument(
            f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, but got shapes "
            f"[{len(begin)}] and [{len(size)}] instead. [Op:Slice]"
        )
    sizes = []
    for i, (b, n, whole) in enumerate(zip(begin, size, shape, strict=True)):
        if not 0 <= b <= whole:
            raise invalid_argument(f"Expected begin[{i}] in [0, {whole}], but got {b} [Op:Slice]")
        n = whole - b if n == -1 else n
        if not 0 <= n <= whole - b:
            raise invalid_argument(f"Expected size[{i}] in [0, {whole - b}], but got {n} [Op:Slice]")
        sizes.append(n)
    return slice_static(x, tuple(begin), tuple(sizes))


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

    Raises InvalidArgumentError as `x[...]` does.

    >>> import tapeflow as tf
    >>> tf.strided_slice([1, 2, 3, 4], [0], [4], [2]).numpy().tolist()
    [1, 3]
    """
    begin, end = ints(begin, "begin"), ints(end, "end")
    strides = [1] * len(begin) if strides is None else ints(strides, "strides")
    key = []
    for i, (b, e, s) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(b)
        else:
            key.append(builtins.slice(None if begin_mask & bit else b, None if end_mask & bit else e, s))
    return getitem(input_, tuple(key))


# Gather. `axis` and `batch_dims` are static and from 0; indices are an operand without a derivative.


def _check_indices(indices, limit):
    bad = (indices < 0) | (indices >= limit)
    if np.any(bad):
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        value = int(indices[place])
        raise invalid_argument(f"indices[{','.join(map(str, place))}] = {value} is not in [0, {limit})"
                               if place else f"indices = {value} is not in [0, {limit})")  # fmt: skip


def _gather(params, indices, axis, batch_dims):
    _check_indices(np.asarray(indices), params.shape[axis])
    if not batch_dims:
        return np.take(params, indices, axis)
    batch = params.shape[:batch_dims]
    flat_params = params.reshape(-1, *params.shape[batch_dims:])
    flat_indices = indices.reshape(-1, *indices.shape[batch_dims:])
    rows = [np.take(p, i, axis - batch_dims) for p, i in zip(flat_params, flat_indices, strict=True)]
    inner = params.shape[batch_dims:axis] + indices.shape[batch_dims:] + params.shape[axis + 1 :]
    return np.stack(rows).reshape(batch + inner) if rows else np.empty(batch + inner, params.dtype)


def _gather_vjp(g, params_like, indices, axis, batch_dims):
    """Each slice goes back where it came from. Along axis 0 as sliced rows, as TensorFlow has it; else added up."""
    shape = params_like._shape
    n = len(indices._shape)
    if axis == 0 and not batch_dims:
        flat = reshape_static(indices, (count(indices._shape),))
        values = reshape_static(g, (count(indices._shape), *shape[1:]))
        return IndexedSlices(values, flat, EagerTensor(np.array(shape, np.int32)))
    from tapeflow.ops.segments import UNSORTED_SUM

    # Move the gathered axes to the front (after the batch), and give every batch its own range of segments.
    rank = len(g._shape)
    gathered = tuple(range(axis, axis + n - batch_dims))
    batch = tuple(range(batch_dims))
    rest = tuple([i for i in range(batch_dims, rank) if i not in gathered])
    moved = transpose_static(g, (*batch, *gathered, *rest))
    rows = count(shape[:batch_dims])
    offsets = EagerTensor(
        (np.arange(rows, dtype=indices._dtype) * shape[axis]).reshape(shape[:batch_dims] + (1,) * (n - batch_dims))
    )
    segments = reshape_static(indices + offsets, (count(indices._shape),))
    sizes = tuple([moved._shape[i] for i in range(n, rank)])
    flat = reshape_static(moved, (count(indices._shape), *sizes))
    total = apply(UNSORTED_SUM, (flat, segments), (rows * shape[axis],))
    whole = reshape_static(total, (*shape[:batch_dims], shape[axis], *sizes))
    # The axis stands right after the batch: put it back in its place.
    back = (*batch, *range(batch_dims + 1, axis + 1), batch_dims, *range(axis + 1, len(shape)))
    return transpose_static(whole, back)


def _gather_batched(params, indices, axis, batch_dims):
    return apply(GATHER, (params, indices), (axis + 1, batch_dims + 1))


GATHER = linear(
    "GatherV2", _gather, None, _gather_vjp, None, operands="params indices", attrs="axis batch_dims",
    batch=_gather_batched,
)  # fmt: skip


def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The slices of `params` at `indices` along `axis` (`batch_dims` if None).

    Args:
      params: a tensor.
      indices: an int32 or int64 tensor of any shape.
      axis: the axis of `params` to take from.
      batch_dims: how many leading dimensions of both go together.

    Returns:
      A tensor of shape `params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]`. Its gradient with
      respect to `params` is `tf.IndexedSlices` along axis 0.

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
    (batch,) = ints(batch_dims, "batch_dims")
    if batch < 0:
        batch += index_rank
    place = batch if axis is None else ints(axis, "axis")[0]
    if not -rank <= place < rank:
        raise invalid_argument(f"Shape must be at least rank {place + 1} but is rank {rank} [Op:GatherV2] name: ")
    place %= rank
    if batch > index_rank or batch > place:
        raise invalid_argument(
            f"batch_dims ({batch}) must be less than or equal to axis ({place}) and rank(indices) ({index_rank}) "
            "[Op:GatherV2]"
        )
    for i in range(batch):
        if params._shape[i] != indices._shape[i]:
            raise invalid_argument(
                f"params.shape[{i}]: {params._shape[i]} should be equal to indices.shape[{i}]: {indices._shape[i]} "
                "[Op:GatherV2]"
            )
    return apply(GATHER, (params, indices), (place, batch))


_GATHER_INDEX = Takes("GatherV2", "Tindices", _INDEX)


def dense_of_slices(slices, dtype=None):
    """`tf.IndexedSlices` as the whole tensor, repeated rows added up. Raises ValueError without a dense shape."""
    if slices.dense_shape is None:
        raise ValueError(
            "Tensor conversion requested for IndexedSlices without dense_shape: " + str(slices.values)
        )
    shape = tuple(ints(slices.dense_shape))
    from tapeflow.ops.segments import UNSORTED_SUM

    values = slices.values
    if dtype is not None and values.dtype is not dtype:
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype {values.dtype.name}"
        )
    return apply(UNSORTED_SUM, (values, slices.indices), (shape[0],))


# Gather and scatter by coordinates: the last axis of `indices` names a place in the leading axes of a tensor.


def _coordinates(indices, shape, what):
    """The columns of `indices`, checked against a shape."""
    limits = np.asarray(shape[: indices.shape[-1]], indices.dtype)
    bad = np.any((indices < 0) | (indices >= limits), axis=-1) if indices.size else np.zeros(indices.shape[:-1], bool)
    if np.any(bad):
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        index = ", ".join(map(str, indices[place].tolist()))
        raise invalid_argument(
            f"indices[{','.join(map(str, place))}] = [{index}] does not index into {what} {bracketed(shape)}"
        )
    return tuple(np.moveaxis(indices, -1, 0))


def _gather_nd(params, indices):
    where = _coordinates(indices, params.shape, "param shape")
    return params[where] if where else np.broadcast_to(params, indices.shape[:-1] + params.shape)


def _numbered(indices):
    """Batched coordinates with the number of the example before each: coordinates into the whole batch."""
    from tapeflow.ops.shaping import CONCAT

    size = indices._shape[0]
    numbers = np.arange(size, dtype=indices._dtype).reshape(size, *[1] * (len(indices._shape) - 1))
    numbers = broadcast_static(EagerTensor(numbers), (*indices._shape[:-1], 1))
    return apply(CONCAT, (numbers, indices), (len(indices._shape) - 1,))


GATHER_ND = linear(
    "GatherNd", _gather_nd, None,
    lambda g, params_like, indices: apply(SCATTER_ND, (indices, g), (params_like._shape,)), None,
    operands="params indices", batch=lambda params, indices: apply(GATHER_ND, (params, _numbered(indices))),
)  # fmt: skip


def _scatter_nd(indices, updates, shape):
    return _accumulate(np.zeros(shape, updates.dtype), indices, updates, np.add)


def _accumulate(out, indices, updates, ufunc):
    """Apply `ufunc` at the coordinates in order, so that repeated ones all count; None puts the value there."""
    where = _coordinates(indices, out.shape, "shape")
    if not where:
        where = (Ellipsis,)
        for update in updates.reshape(-1, *out.shape):
            out = update.copy() if ufunc is None else ufunc(out, update)
        return out
    if ufunc is None:
        out[where] = updates
    else:
        ufunc.at(out, where, updates)
    return out


SCATTER_ND = linear(
    "ScatterNd", _scatter_nd, None, None, lambda g, indices: apply(GATHER_ND, (g, indices)),
    operands="indices updates", attrs="shape",
    batch=lambda indices, updates, shape: apply(
        SCATTER_ND, (_numbered(indices), updates), ((indices._shape[0], *shape),)
    ),
)  # fmt: skip


def gather_nd(params, indices, batch_dims=0, name=None, bad_indices_policy=""):
    """The slices of `params` at the coordinates along the last axis of `indices`.

    Args:
      params: a tensor.
      indices: an int32 or int64 tensor; its last axis names places in the leading axes of `params`.
      batch_dims: how many leading dimensions of both go together.

    Raises InvalidArgumentError for coordinates out of range.

    >>> import tapeflow as tf
    >>> tf.gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).numpy().tolist()
    [2, 3]
    """
    params, indices = convert_to_tensor(params), convert_to_tensor(indices)
    if not indices._shape:
        raise invalid_argument("indices must be at least a vector [Op:GatherNd]")
    if not params._shape:
        raise invalid_argument("params must be at least a vector [Op:GatherNd]")
    depth = indices._shape[-1]
    if depth + batch_dims > len(params._shape):
        raise invalid_argument(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(params._shape)} "
            "[Op:GatherNd]"
        )
    if batch_dims:
        batch = indices._shape[:batch_dims]
        if params._shape[:batch_dims] != batch:
            raise invalid_argument(
                f"batch dimensions of params {bracketed(params._shape)} and indices {bracketed(indices._shape)} differ "
                "[Op:GatherNd]"
            )
        grid = np.stack(np.indices(batch), -1).astype(indices._dtype)
        inner = len(indices._shape) - 1 - batch_dims
        grid = np.broadcast_to(grid.reshape(*batch, *[1] * inner, batch_dims), (*indices._shape[:-1], batch_dims))
        from tapeflow.ops.shaping import concat

        indices = concat([EagerTensor(grid), indices], -1)
    return apply(GATHER_ND, (params, indices))


def _check_updates(indices, updates, shape, op):
    depth = indices._shape[-1] if indices._shape else 1
    if depth > len(shape):
        raise invalid_argument(
            f"The innermost dimension of indices must be <= the rank of the tensor; saw: {depth} vs. {len(shape)} "
            f"[Op:{op}]"
        )
    outer = len(indices._shape) - 1
    if updates._shape[:outer] != indices._shape[:-1]:
        raise invalid_argument(
            f"Dimensions [0,{outer}) of indices[shape={bracketed(indices._shape)}] must match dimensions [0,{outer}) of "
            f"updates[shape={bracketed(updates._shape)}] [Op:{op}]"
        )
    if updates._shape[outer:] != tuple(shape[depth:]):
        raise invalid_argument(
            f"Dimensions [{depth},{len(shape)}) of input[shape={bracketed(shape)}] must match dimensions "
            f"[{outer},{len(updates._shape)}) of updates[shape={bracketed(updates._shape)}] [Op:{op}]"
        )


def scatter_nd(indices, updates, shape, name=None):
    """A tensor of `shape` with `updates` at coordinates `indices`, repeated ones added up, and zeros elsewhere.

    Raises InvalidArgumentError for coordinates out of range or shapes that do not fit.

    >>> import tapeflow as tf
    >>> tf.scatter_nd([[1], [1]], [10, 20], [3]).numpy().tolist()
    [0, 30, 0]
    """
    indices, updates = convert_to_tensor(indices), convert_to_tensor(updates)
    dims = tuple(ints(shape))
    _check_updates(indices, updates, dims, "ScatterNd")
    return apply(SCATTER_ND, (indices, updates), (dims,))


def _tensor_scatter(ufunc):
    return lambda tensor, indices, updates: _accumulate(np.array(tensor), indices, updates, ufunc)


def _scatter_batch(prim):
    return lambda tensor, indices, updates: apply(prim(), (tensor, _numbered(indices), updates))


def _blank(g, indices):
    """`g` with zeros where the indices point."""
    updates = np.zeros(indices._shape[:-1] + g._shape[indices._shape[-1] :], g._dtype)
    return apply(SCATTER_UPDATE, (g, indices, EagerTensor(updates)))


SCATTER_UPDATE = linear(
    "TensorScatterUpdate", _tensor_scatter(None), None,
    lambda g, indices: _blank(g, indices), None, lambda g, indices: apply(GATHER_ND, (g, indices)),
    operands="tensor indices updates", joint=True, batch=_scatter_batch(lambda: SCATTER_UPDATE),
)  # fmt: skip
SCATTER_ADD = linear(
    "TensorScatterAdd", _tensor_scatter(np.add), None,
    lambda g: g, None, lambda g, indices: apply(GATHER_ND, (g, indices)),
    operands="tensor indices updates", joint=True, batch=_scatter_batch(lambda: SCATTER_ADD),
)  # fmt: skip
SCATTER_SUB = linear(
    "TensorScatterSub", _tensor_scatter(np.subtract), None,
    lambda g: g, None, lambda g, indices: -apply(GATHER_ND, (g, indices)),
    operands="tensor indices updates", joint=True, batch=_scatter_batch(lambda: SCATTER_SUB),
)  # fmt: skip


def _extreme_vjp(g, tensor, indices, updates, y):
    """Every candidate that equals the result has a share in it: of the whole, as TensorFlow gives it."""
    from tapeflow.ops.casting import cast

    at_y = apply(GATHER_ND, (y, indices))
    at_g = apply(GATHER_ND, (g, indices))
    update_wins = cast(at_y == updates, g.dtype)
    tensor_wins = cast(y == tensor, g.dtype)
    winners = apply(SCATTER_ADD, (tensor_wins, indices, update_wins))
    return g * tensor_wins / winners, None, at_g * update_wins / apply(GATHER_ND, (winners, indices))


SCATTER_MAX = general(
    "TensorScatterMax", _tensor_scatter(np.maximum), None, _extreme_vjp, operands="tensor indices updates",
    batch=_scatter_batch(lambda: SCATTER_MAX),
)
SCATTER_MIN = general(
    "TensorScatterMin", _tensor_scatter(np.minimum), None, _extreme_vjp, operands="tensor indices updates",
    batch=_scatter_batch(lambda: SCATTER_MIN),
)


def _tensor_scatter_nd(prim, tensor, indices, updates):
    tensor, indices = convert_to_tensor(tensor), convert_to_tensor(indices)
    tensor, updates = match(tensor, updates)
    if tensor._dtype != updates._dtype:
        raise mismatch(prim, 2, tensor._dtype, updates._dtype)
    _check_updates(indices, updates, tensor._shape, prim.name)
    return apply(prim, (tensor, indices, updates))


def tensor_scatter_nd_update(tensor, indices, updates, name=None):
    """`tensor` with `updates` put at coordinates `indices`. Raises InvalidArgumentError out of range.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_update([1, 2, 3], [[0]], [9]).numpy().tolist()
    [9, 2, 3]
    """
    return _tensor_scatter_nd(SCATTER_UPDATE, tensor, indices, updates)


def tensor_scatter_nd_add(tensor, indices, updates, name=None):
    """`tensor` with `updates` added at coordinates `indices`. Raises InvalidArgumentError out of range.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_add([1, 2, 3], [[0], [0]], [9, 1]).numpy().tolist()
    [11, 2, 3]
    """
    return _tensor_scatter_nd(SCATTER_ADD, tensor, indices, updates)


def tensor_scatter_nd_sub(tensor, indices, updates, name=None):
    """`tensor` with `updates` subtracted at coordinates `indices`. Raises InvalidArgumentError out of range.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_sub([1, 2, 3], [[0]], [9]).numpy().tolist()
    [-8, 2, 3]
    """
    return _tensor_scatter_nd(SCATTER_SUB, tensor, indices, updates)


def tensor_scatter_nd_max(tensor, indices, updates, name=None):
    """`tensor` with the greater of it and `updates` at coordinates `indices`.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_max([1, 2, 3], [[0], [1]], [9, 0]).numpy().tolist()
    [9, 2, 3]
    """
    return _tensor_scatter_nd(SCATTER_MAX, tensor, indices, updates)


def tensor_scatter_nd_min(tensor, indices, updates, name=None):
    """`tensor` with the lesser of it and `updates` at coordinates `indices`.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_min([1, 2, 3], [[0], [1]], [9, 0]).numpy().tolist()
    [1, 0, 3]
    """
    return _tensor_scatter_nd(SCATTER_MIN, tensor, indices, updates)


# Masks and partitions.


def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """The slices of a tensor for which a mask, of the shape of its leading axes (from `axis`), is true.

    Raises ValueError for a scalar mask or one of another shape.

    >>> import tapeflow as tf
    >>> tf.boolean_mask([1, 2, 3], [True, False, True]).numpy().tolist()
    [1, 3]
    """
    from tapeflow.ops.compare import where

    x, mask = convert_to_tensor(tensor), convert_to_tensor(mask)
    place = 0 if axis is None else axis_in(axis, len(x._shape))
    rank = len(mask._shape)
    if not rank:
        raise ValueError("mask cannot be scalar.")
    if x._shape[place : place + rank] != mask._shape:
        given = x.shape[place : place + rank]
        raise ValueError(f"Shapes {given} and {mask.shape} are incompatible")
    size = count(mask._shape)
    flat = reshape_static(x, (*x._shape[:place], size, *x._shape[place + rank :]))
    indices = where(reshape_static(mask, (size,)))
    return apply(GATHER, (flat, reshape_static(indices, (indices._shape[0],))), (place, 0))


def dynamic_partition(data, partitions, num_partitions, name=None):
    """`data`'s slices in `num_partitions` lists, by the number that `partitions` gives each.

    Returns a list of tensors. Raises InvalidArgumentError for a number out of range.

    >>> import tapeflow as tf
    >>> [p.numpy().tolist() for p in tf.dynamic_partition([1, 2, 3], [0, 1, 0], 2)]
    [[1, 3], [2]]
    """
    data, partitions = convert_to_tensor(data), convert_to_tensor(partitions)
    rank = len(partitions._shape)
    if data._shape[:rank] != partitions._shape:
        raise invalid_argument(
            f"data.shape must start with partitions.shape, got data.shape = {bracketed(data._shape)}, partitions.shape "
            f"= {bracketed(partitions._shape)} [Op:DynamicPartition]"
        )
    numbers = np.asarray(partitions._array)
    bad = (numbers < 0) | (numbers >= num_partitions)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        at = f"[{','.join(map(str, place))}]" if place else ""
        raise invalid_argument(
            f"partitions{at} = {int(numbers[place])} is not in [0, {num_partitions}) [Op:DynamicPartition]"
        )
    flat = reshape_static(data, (count(partitions._shape), *data._shape[rank:]))
    numbers = numbers.ravel()
    rows = [np.flatnonzero(numbers == i).astype(np.int32) for i in range(num_partitions)]
    return [apply(GATHER, (flat, EagerTensor(row)), (0, 0)) for row in rows]


def dynamic_stitch(indices, data, name=None):
    """The slices of a list of tensors put at the positions of a list of indices; the last of repeated ones stays.

    >>> import tapeflow as tf
    >>> tf.dynamic_stitch([[0, 2], [1]], [[1, 3], [2]]).numpy().tolist()
    [1, 2, 3]
    """
    from tapeflow.ops.shaping import alike, concat

    where = [convert_to_tensor(item) for item in indices]
    values = alike(list(data), _STITCH)
    flat_values, flat_where = [], []
    for index, value in zip(where, values, strict=True):
        rank = len(index._shape)
        if value._shape[:rank] != index._shape:
            raise invalid_argument(
                f"data.shape must start with indices.shape, got data.shape = {bracketed(value._shape)}, indices.shape "
                f"= {bracketed(index._shape)} [Op:DynamicStitch]"
            )
        flat_values.append(reshape_static(value, (count(index._shape), *value._shape[rank:])))
        flat_where.append(np.asarray(index._array).ravel())
    positions = np.concatenate(flat_where)
    if (positions < 0).any():
        raise invalid_argument(f"indices must be non-negative, got {int(positions.min())} [Op:DynamicStitch]")
    size = int(positions.max()) + 1 if positions.size else 0
    # For every position the last row that was meant for it, and for a position without one a row of zeros.
    source = np.full(size, -1, np.int64)
    source[positions] = np.arange(len(positions))
    rows = concat(flat_values, 0)
    picked = apply(GATHER, (rows, EagerTensor(np.maximum(source, 0))), (0, 0))
    if (source >= 0).all():
        return picked
    from tapeflow.ops.compare import where as select

    known = (source >= 0).reshape(-1, *[1] * (len(picked._shape) - 1))
    return select(EagerTensor(known), picked, EagerTensor(np.zeros((), picked._dtype)))


_STITCH = Takes("DynamicStitch", "T", ())
