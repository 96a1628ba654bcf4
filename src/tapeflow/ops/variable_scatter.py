"""Scatters: updates put at coordinates or rows, into new tensors, into a tensor's copy, and into variables."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ, holds_dim
from tapeflow.core.dtype import int32
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import LARGE, UnreadVariable, Variable, _alone, _array_of, _references, locked
from tapeflow.engine.dispatch import Takes, apply, bracketed, match, mismatch, not_allowed
from tapeflow.engine.dtypes import BOOL, COMPLEX, NUMBER, SIGNED, STRING, UNSIGNED
from tapeflow.engine.primitive import constant, general, linear
from tapeflow.ops import indexing
from tapeflow.ops.indexing import GATHER_ND, check_policy, flat_places, in_range, numbered
from tapeflow.ops.kernels import absent
from tapeflow.ops.packing import PACK
from tapeflow.ops.rows import put_rows
from tapeflow.ops.sized import sized
from tapeflow.ops.static import INT32_64, checked, count, int_array

# The primitives: coordinates as `tf.gather_nd` has them, and updates for the slices there.


def _put(out, indices, updates, ufunc):
    """Combine the slices of `out` at the coordinates with the updates, in place and in order."""
    shape, depth = out.shape, indices.shape[-1]
    places = flat_places(indices, shape, "shape")
    if len(places) and out.size:
        inner = shape[depth:]
        put_rows(out.reshape(count(shape[:depth]), *inner), places, updates.reshape(len(places), *inner), ufunc)
    return out


def _scatter_nd(indices, updates, shape):
    out = np.full(shape, b"", object) if updates.dtype.kind == "O" else np.zeros(shape, updates.dtype)
    if updates.dtype.kind in "bO":
        return _put(out, indices, updates, None)
    return _put(out, indices, updates, np.add)


SCATTER_ND = linear(
    "ScatterNd", _scatter_nd, None, None, lambda g, indices: apply(GATHER_ND, (g, indices)),
    operands="indices updates", attrs="shape",
    batch=lambda indices, updates, shape: apply(
        SCATTER_ND, (numbered(indices), updates), ((indices._shape[0], *shape),)
    ),
)  # fmt: skip


def _into_copy(ufunc):
    return lambda tensor, indices, updates: _put(np.array(tensor, order="C"), indices, updates, ufunc)


def _batched(prim):
    return lambda tensor, indices, updates: apply(prim(), (tensor, numbered(indices), updates))


def _blank(g, indices):
    """`g` with zeros where the indices point."""
    updates = np.zeros(indices._shape[:-1] + g._shape[indices._shape[-1] :], g._dtype)
    return apply(SCATTER_UPDATE, (g, indices, EagerTensor(updates)))


SCATTER_UPDATE = linear(
    "TensorScatterUpdate", _into_copy(None), None,
    lambda g, indices: _blank(g, indices), None, lambda g, indices: apply(GATHER_ND, (g, indices)),
    operands="tensor indices updates", joint=True, batch=_batched(lambda: SCATTER_UPDATE),
)  # fmt: skip
SCATTER_ADD = linear(
    "TensorScatterAdd", _into_copy(np.add), NUMBER,
    lambda g: g, None, lambda g, indices: apply(GATHER_ND, (g, indices)),
    operands="tensor indices updates", joint=True, batch=_batched(lambda: SCATTER_ADD),
)  # fmt: skip
SCATTER_SUB = linear(
    "TensorScatterSub", _into_copy(np.subtract), NUMBER,
    lambda g: g, None, lambda g, indices: -apply(GATHER_ND, (g, indices)),
    operands="tensor indices updates", joint=True, batch=_batched(lambda: SCATTER_SUB),
)  # fmt: skip


def _shares(tensor, indices, updates, y):
    """The part that each candidate has in the result: those that equal it share it, all others have none."""
    from tapeflow.ops.casting import cast_static

    tensor_wins = cast_static(tensor == y, y._dtype)
    update_wins = cast_static(updates == apply(GATHER_ND, (y, indices)), y._dtype)
    winners = apply(SCATTER_ADD, (tensor_wins, indices, update_wins))
    return tensor_wins / winners, update_wins / apply(GATHER_ND, (winners, indices))


def _extreme_vjp(g, tensor, indices, updates, y):
    of_tensor, of_updates = _shares(tensor, indices, updates, y)
    return g * of_tensor, None, apply(GATHER_ND, (g, indices)) * of_updates


def _extreme_jvp(dtensor, dupdates, tensor, indices, updates, y):
    of_tensor, of_updates = _shares(tensor, indices, updates, y)
    return apply(SCATTER_ADD, (dtensor * of_tensor, indices, dupdates * of_updates))


_REAL = tuple([dtype for dtype in NUMBER if dtype not in COMPLEX])
SCATTER_MAX = general(
    "TensorScatterMax", _into_copy(np.maximum), _REAL, _extreme_vjp, _extreme_jvp,
    operands="tensor indices updates", batch=_batched(lambda: SCATTER_MAX),
)  # fmt: skip
SCATTER_MIN = general(
    "TensorScatterMin", _into_copy(np.minimum), _REAL, _extreme_vjp, _extreme_jvp,
    operands="tensor indices updates", batch=_batched(lambda: SCATTER_MIN),
)  # fmt: skip


def _scattered_shape(tensor, indices, updates):
    return tensor if holds_dim([indices, updates]) else None  # known sizes are for the kernel to check


for prim in (SCATTER_UPDATE, SCATTER_ADD, SCATTER_SUB, SCATTER_MAX, SCATTER_MIN):
    prim.shape = _scattered_shape

absent(SCATTER_ADD, BOOL + STRING)
absent(SCATTER_SUB, BOOL + STRING)
absent(SCATTER_MAX, COMPLEX + BOOL + STRING)
absent(SCATTER_MIN, COMPLEX + BOOL + STRING)


# The public operations on tensors.

_INDEX = {
    "ScatterNd": SIGNED[1:], "TensorScatterUpdate": (*SIGNED[1:], UNSIGNED[1]), "TensorScatterAdd": SIGNED[2:],
    "TensorScatterSub": SIGNED[2:], "TensorScatterMax": SIGNED[2:], "TensorScatterMin": SIGNED[2:],
}  # fmt: skip


def _arguments(op, indices, updates, policy):
    check_policy(policy, op)
    indices = convert_to_tensor(indices)
    if indices._dtype not in _INDEX[op]:
        raise not_allowed(Takes(op, "Tindices", _INDEX[op]), indices._dtype)
    if not indices._shape:
        raise invalid_argument(f"Indices shape must have rank at least one. Found:[] [Op:{op}]")
    if not updates._shape:
        raise invalid_argument(f"Updates shape must have rank at least one. Found:[] [Op:{op}]")
    return indices


def _good(indices, updates, shape, policy):
    """The coordinates that are in range and their updates, if the others are to be ignored; else all."""
    if policy != "IGNORE":
        return indices, updates
    good = in_range(indices, shape)
    return indexing.boolean_mask(indices, good), indexing.boolean_mask(updates, good)


@sized
def scatter_nd(indices, updates, shape, bad_indices_policy="", name=None):
    """A tensor of `shape` with `updates` at coordinates `indices`, repeated ones added up, and zeros elsewhere.

    Args:
      indices: integers; the last axis names places in the leading axes of the result.
      updates: a tensor of shape `indices.shape[:-1] + shape[indices.shape[-1]:]`.
      shape: a vector of ints of the dtype of `indices`.
      bad_indices_policy: "IGNORE" leaves out what is out of range; else it is an error.

    Raises InvalidArgumentError for coordinates out of range or shapes that do not fit.

    >>> import tapeflow as tf
    >>> tf.scatter_nd([[1], [1]], [10, 20], [3]).numpy().tolist()
    [0, 30, 0]
    """
    updates = convert_to_tensor(updates)
    indices, shape = match(indices, shape)
    if shape._dtype != indices._dtype:
        raise mismatch(SCATTER_ND, 2, indices._dtype, shape._dtype)
    indices = _arguments("ScatterNd", indices, updates, bad_indices_policy)
    dims = checked(tuple(int_array(shape, "ScatterNd", "Tindices").tolist()), "ScatterNd")
    if 0 in dims and (count(indices._shape) or count(updates._shape)):
        raise invalid_argument(
            "Indices and updates specified for empty output.  indices shape: "
            f"{bracketed(indices._shape)} [Op:ScatterNd]"
        )
    _check_dimensions(indices._shape, updates._shape, dims, "ScatterNd", sizes=False)
    return apply(SCATTER_ND, _good(indices, updates, dims, bad_indices_policy), (dims,))


def _check_dimensions(indices, updates, shape, op, sizes):
    """Raise InvalidArgumentError unless the shapes fit. `sizes`: whether the message tells the numbers of elements."""
    *outer, depth = indices
    n = len(outer)

    def told(dims):
        return f" = {count(dims)}" if sizes else ""

    if differ(updates[:n], outer):
        raise invalid_argument(
            f"Dimensions [0,{n}) of indices[shape={bracketed(indices)}]{told(outer)} must match dimensions [0,{n}) of "
            f"updates[shape={bracketed(updates)}]{told(updates[:n])} [Op:{op}]"
        )
    if depth > len(shape) or differ(updates[n:], shape[depth:]):
        raise invalid_argument(
            f"Dimensions [{depth},{len(shape)}) of input[shape={bracketed(shape)}]{told(shape[depth:])} must match "
            f"dimensions [{n},{len(updates)}) of updates[shape={bracketed(updates)}]{told(updates[n:])} [Op:{op}]"
        )


def _tensor_scatter(prim, tensor, indices, updates, policy):
    tensor, updates = match(tensor, updates)
    op = prim.name
    if tensor._dtype != updates._dtype:
        raise mismatch(prim, 2, tensor._dtype, updates._dtype)
    indices = _arguments(op, indices, updates, policy)
    *outer, depth = indices._shape
    shape = tensor._shape
    if differ(updates._shape[: len(outer)], outer):
        raise invalid_argument(
            f"Outer dimensions of indices and update must match. Indices shape: {bracketed(indices._shape)}, updates "
            f"shape:{bracketed(updates._shape)} [Op:{op}]"
        )
    if depth > len(shape) or differ(updates._shape[len(outer) :], shape[depth:]):
        raise invalid_argument(
            "Inner dimensions of output shape must match inner dimensions of updates shape. Output: "
            f"{bracketed(shape)} updates: {bracketed(updates._shape)} [Op:{op}]"
        )
    return apply(prim, (tensor, *_good(indices, updates, shape, policy)))


@sized
def tensor_scatter_nd_update(tensor, indices, updates, name=None):
    """`tensor` with `updates` put at coordinates `indices`; of repeated ones the last stays.

    Raises InvalidArgumentError for coordinates out of range or shapes that do not fit.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_update([1, 2, 3], [[0]], [9]).numpy().tolist()
    [9, 2, 3]
    """
    return _tensor_scatter(SCATTER_UPDATE, tensor, indices, updates, "")


@sized
def tensor_scatter_nd_add(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with `updates` added at coordinates `indices`, like `tf.tensor_scatter_nd_update`.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_add([1, 2, 3], [[0], [0]], [9, 1]).numpy().tolist()
    [11, 2, 3]
    """
    return _tensor_scatter(SCATTER_ADD, tensor, indices, updates, bad_indices_policy)


@sized
def tensor_scatter_nd_sub(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with `updates` subtracted at coordinates `indices`, like `tf.tensor_scatter_nd_update`.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_sub([1, 2, 3], [[0]], [9]).numpy().tolist()
    [-8, 2, 3]
    """
    return _tensor_scatter(SCATTER_SUB, tensor, indices, updates, bad_indices_policy)


@sized
def tensor_scatter_nd_max(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with the greater of it and `updates` at coordinates `indices`, like `tf.tensor_scatter_nd_update`.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_max([1, 2, 3], [[0], [1]], [9, 0]).numpy().tolist()
    [9, 2, 3]
    """
    return _tensor_scatter(SCATTER_MAX, tensor, indices, updates, bad_indices_policy)


@sized
def tensor_scatter_nd_min(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with the lesser of it and `updates` at coordinates `indices`, like `tf.tensor_scatter_nd_update`.

    >>> import tapeflow as tf
    >>> tf.tensor_scatter_nd_min([1, 2, 3], [[0], [1]], [9, 0]).numpy().tolist()
    [1, 0, 3]
    """
    return _tensor_scatter(SCATTER_MIN, tensor, indices, updates, bad_indices_policy)


# The methods of variables. All that can be wrong is found out before anything is changed.


def _change(variable, put):
    """Have `put` write into the variable's array, or into a copy if anybody else may be reading it."""
    locked(variable, lambda: _change_locked(variable, put))
    return UnreadVariable(variable)


def _change_locked(variable, put):
    array = variable._array
    if array.size < LARGE:
        array = np.array(array)
        put(array)
        variable._array = array
        return
    del variable._array  # a thread that reads now waits, as in `Variable._update`
    try:
        if _references(array) != _alone() or array.base is not None or not array.flags.writeable:
            array = array.copy()
        put(array)
    finally:
        variable._array = array


def _changed(variable, prepare, operands, attrs=()):
    """Change a variable as `prepare` says: from arrays and attributes, it gives a function that writes into an array.

    In a trace, the new value is computed, and assigned, when the graph runs.
    """
    if thread.trace is None:
        return _change(variable, prepare(variable._array, *[np.asarray(_array_of(t)) for t in operands], *attrs))
    value = thread.trace.read(variable)
    tensors = [value, *[thread.trace.lift(t) for t in operands]]
    (new,) = thread.trace.call(CHANGED, tensors, (prepare, attrs), [(value._shape, value._dtype)])
    return variable.assign(new)


def _run_changed(array, *operands):
    *arrays, prepare, attrs = operands
    put = prepare(array, *map(np.asarray, arrays), *attrs)
    array = np.array(array, order="C")
    put(array)
    return (array,)


CHANGED = constant("ResourceScatter", _run_changed, operands="*", attrs="prepare attrs", many=True)


def _way(ufunc):
    """How updates change what is there, for those who cannot look into a function."""
    return "replace" if ufunc is None else ufunc.__name__


def _row_scatter(name, op, ufunc, doc):
    def prepare(array, numbers, updates):
        shape = array.shape
        _check_rows(numbers, updates.shape, shape, op)
        if ufunc is np.divide and not np.all(updates):
            raise invalid_argument(f"updates must not contain 0 [Op:{op}]")
        numbers = numbers.reshape(-1)
        rows = np.broadcast_to(updates.reshape(-1, *shape[1:]) if updates.ndim else updates, (len(numbers), *shape[1:]))
        return lambda array: put_rows(array, numbers, np.ascontiguousarray(rows), ufunc)

    prepare.way, prepare.by_rows = _way(ufunc), True

    def method(self, sparse_delta, use_locking=False, name=None):
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {sparse_delta}")
        updates = convert_to_tensor(sparse_delta.values, self.dtype)
        numbers = convert_to_tensor(sparse_delta.indices)
        if numbers._dtype not in SIGNED[2:]:
            raise not_allowed(Takes(op, "Tindices", SIGNED[2:]), numbers._dtype)
        return _changed(self, prepare, (numbers, updates))

    method.__name__, method.__qualname__ = name, f"Variable.{name}"
    method.__doc__ = f"""{doc}: those of `sparse_delta`, a `tf.IndexedSlices`; repeated ones one after the other.

    Returns what stands for the variable afterwards. Raises TypeError for what are no slices, InvalidArgumentError for
    a row out of range; the variable is then as it was.
    """
    return method


def _check_rows(numbers, updates, shape, op):
    if updates and updates != numbers.shape + shape[1:]:
        raise invalid_argument(
            "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got updates.shape "
            f"{bracketed(updates)}, indices.shape {bracketed(numbers.shape)}, params.shape {bracketed(shape)} [Op:{op}]"
        )
    wrong = (numbers < 0) | (numbers >= shape[0])
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        raise invalid_argument(
            f"indices[{','.join(map(str, place))}] = {int(numbers[tuple(place)])} is not in [0, {shape[0]}) [Op:{op}]"
        )


def _nd_scatter(name, op, ufunc, doc):
    def prepare(array, indices, updates):
        indices = indices[:, None] if indices.ndim == 1 else indices
        _check_dimensions(indices.shape, updates.shape, array.shape, op, sizes=True)
        try:
            flat_places(indices, array.shape, "shape")
        except Exception as error:
            raise invalid_argument(f"{error} [Op:{op}]") from None
        return lambda array: _put(array, indices, updates, ufunc)

    prepare.way, prepare.by_rows = _way(ufunc), False

    def method(self, indices, updates, name=None):
        updates = convert_to_tensor(updates, self.dtype)
        indices = convert_to_tensor(indices, dtype_hint=int32)
        if indices._dtype not in INT32_64:
            raise not_allowed(Takes(op, "Tindices", INT32_64), indices._dtype)
        return _changed(self, prepare, (indices, updates))

    method.__name__, method.__qualname__ = name, f"Variable.{name}"
    method.__doc__ = f"""{doc} at coordinates `indices`, as `tf.tensor_scatter_nd_update` has them.

    Returns what stands for the variable afterwards. Raises InvalidArgumentError for coordinates out of range or
    shapes that do not fit; the variable is then as it was.
    """
    return method


scatter_add = _row_scatter("scatter_add", "ResourceScatterAdd", np.add, "Add rows")
scatter_sub = _row_scatter("scatter_sub", "ResourceScatterSub", np.subtract, "Subtract rows")
scatter_mul = _row_scatter("scatter_mul", "ResourceScatterMul", np.multiply, "Multiply by rows")
scatter_div = _row_scatter("scatter_div", "ResourceScatterDiv", np.divide, "Divide by rows")
scatter_max = _row_scatter("scatter_max", "ResourceScatterMax", np.maximum, "Take the maximum with rows")
scatter_min = _row_scatter("scatter_min", "ResourceScatterMin", np.minimum, "Take the minimum with rows")
scatter_update = _row_scatter("scatter_update", "ResourceScatterUpdate", None, "Replace rows")
scatter_nd_add = _nd_scatter("scatter_nd_add", "ResourceScatterNdAdd", np.add, "Add `updates`")
scatter_nd_sub = _nd_scatter("scatter_nd_sub", "ResourceScatterNdSub", np.subtract, "Subtract `updates`")
scatter_nd_max = _nd_scatter("scatter_nd_max", "ResourceScatterNdMax", np.maximum, "Take the maximum with `updates`")
scatter_nd_min = _nd_scatter("scatter_nd_min", "ResourceScatterNdMin", np.minimum, "Take the minimum with `updates`")
scatter_nd_update = _nd_scatter("scatter_nd_update", "ResourceScatterNdUpdate", None, "Put `updates`")


def batch_scatter_update(self, sparse_delta, use_locking=False, name=None):
    """Replace rows of every batch by those of `sparse_delta`, a `tf.IndexedSlices` with indices `[..., n]`.

    Returns what stands for the variable afterwards. Raises TypeError for what are no slices.
    """
    if not isinstance(sparse_delta, IndexedSlices):
        raise TypeError(f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {sparse_delta}")
    numbers = convert_to_tensor(sparse_delta.indices, dtype_hint=int32)
    grid = [EagerTensor(part.astype(numbers._dtype)) for part in np.indices(numbers._shape)[:-1]]
    return scatter_nd_update(self, apply(PACK, (*grid, numbers), (len(numbers._shape),)), sparse_delta.values)


def sparse_read(self, indices, name=None):
    """The rows at `indices`, as `tf.gather` gives them."""
    return indexing.gather(self, indices)


def gather_nd(self, indices, name=None):
    """The slices at coordinates `indices`, as `tf.gather_nd` gives them."""
    return indexing.gather_nd(self, indices)


def assign_slice(variable, key, value):
    """`variable[key] = value`, with `value` broadcast to the slice. Raises InvalidArgumentError if it cannot be."""
    keys = list(key) if isinstance(key, (tuple, list)) else [key]
    numbers = []
    if thread.trace is not None:
        keys = [_without_tensors(key, numbers) for key in keys]
    return _changed(variable, _slice_change, (convert_to_tensor(value, variable.dtype), *numbers), (keys,))


_NUMBER = object()  # in a key, what stands for a number that is known when the graph runs


def _without_tensors(key, numbers):
    if isinstance(key, slice):
        return slice(*[_without_tensors(part, numbers) for part in (key.start, key.stop, key.step)])
    if not isinstance(key, (Tensor, Variable)):
        return key
    numbers.append(convert_to_tensor(key))
    return _NUMBER


def _with_numbers(key, numbers):
    if isinstance(key, slice):
        return slice(*[_with_numbers(part, numbers) for part in (key.start, key.stop, key.step)])
    return EagerTensor(next(numbers)) if key is _NUMBER else key


def _slice_change(array, value, *rest):
    *numbers, keys = rest
    found = iter(numbers)
    spec, _ = indexing.parse(array.shape, [_with_numbers(key, found) for key in keys])
    where = indexing.as_index(spec)
    wanted = array[where].shape
    try:
        np.broadcast_to(value, wanted)
    except ValueError:
        raise invalid_argument(
            f"Cannot broadcast input shape {bracketed(value.shape)} into final shape {bracketed(wanted)} "
            "[Op:ResourceStridedSliceAssign] name: strided_slice/_assign"
        ) from None
    return lambda array: array.__setitem__(where, value)


METHODS = (
    scatter_add, scatter_sub, scatter_mul, scatter_div, scatter_max, scatter_min, scatter_update, scatter_nd_add,
    scatter_nd_sub, scatter_nd_max, scatter_nd_min, scatter_nd_update, batch_scatter_update, sparse_read, gather_nd,
)  # fmt: skip
for _method in METHODS:
    setattr(Variable, _method.__name__, _method)
