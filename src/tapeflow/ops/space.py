"""Tensors as vectors: the few operations that every derivative is made of."""

import numpy as np

from tapeflow.core.dims import UnknownRank, broadcast, holds_dim
from tapeflow.core.errors import invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.engine.dispatch import apply, binary, bracketed, unary
from tapeflow.engine.dtypes import INEXACT
from tapeflow.engine.primitive import constant, linear
from tapeflow.ops.compare import SELECT
from tapeflow.ops.elementwise import ADD, CONJ, MUL, NEG


def scale(cotangent, partial):
    """cotangent * conj(partial), where a boolean partial selects and a number is a constant."""
    if partial.__class__ is EagerTensor:
        array = partial._array
        kind = array.dtype.kind
        if kind == "f" and not thread.listeners and cotangent.__class__ is EagerTensor:
            return EagerTensor(cotangent._array * array)  # what follows, at half the cost
    elif isinstance(partial, Tensor):
        kind = partial._dtype.kind
    else:
        return _scale_number(cotangent, partial)
    if kind == "c":
        partial = unary(CONJ, partial)
    elif kind == "b":
        return _select(partial, cotangent)
    return binary(MUL, cotangent, partial)


def scale_tangent(tangent, partial):
    """tangent * partial, where a boolean partial selects and a number is a constant."""
    if not isinstance(partial, Tensor):
        return _scale_number(tangent, partial)
    if partial._dtype.kind == "b":
        return _select(partial, tangent)
    return binary(MUL, tangent, partial)


def _scale_number(vector, number):
    if number == 1:
        return vector
    if number == -1:
        return unary(NEG, vector)
    if number == 0:
        return zeros_like(vector)
    return binary(MUL, vector, number)


def _select(condition, vector):
    return apply(SELECT, (condition, vector, zeros_of((), vector._dtype)))


def add(a, b):
    """The sum of two cotangents, either of which may be sliced rows."""
    if a.__class__ is EagerTensor and b.__class__ is EagerTensor and not thread.listeners:
        return EagerTensor(a._array + b._array)
    if a.__class__ is IndexedSlices or b.__class__ is IndexedSlices:
        return add_slices(a, b)
    return binary(ADD, a, b)


def add_slices(a, b):
    """Two sliced cotangents one after the other, the later found first; a sliced and a dense one densely."""
    if a.__class__ is IndexedSlices and b.__class__ is IndexedSlices:
        from tapeflow.ops.shaping import concat

        return IndexedSlices(concat([b.values, a.values], 0), concat([b.indices, a.indices], 0), a.dense_shape)
    return binary(ADD, dense(a), dense(b))


def dense(cotangent):
    """A cotangent as a tensor."""
    return cotangent.__tf_tensor__() if cotangent.__class__ is IndexedSlices else cotangent


def sum_to(vector, like):
    """Undo broadcasting: `vector` summed to the shape of `like`."""
    if vector.__class__ is EagerTensor and like.__class__ is EagerTensor and vector._array.shape == like._array.shape:
        return vector
    wanted = like._shape
    given = vector._shape
    if given == wanted:
        return vector
    if wanted.__class__ is UnknownRank:
        from tapeflow.ops.sized import waiting

        return waiting(sum_to, (vector, wanted.tensor))
    if given.__class__ is UnknownRank:
        return apply(UNBROADCAST, (vector,), (wanted,))
    lead = len(given) - len(wanted)
    from tapeflow.ops.reduce import sum_axes  # not on the path of a first gradient, so not imported before
    from tapeflow.ops.shaping import reshape_static

    if thread.trace is not None and (holds_dim(wanted) or holds_dim(given)):
        return apply(UNBROADCAST, (vector,), (wanted,))
    axes = tuple(range(lead)) + tuple(
        lead + i for i, (m, n) in enumerate(zip(wanted, given[lead:], strict=True)) if m == 1 and n != 1
    )
    if axes:
        vector = sum_axes(vector, axes)
    return vector if vector._shape == wanted else reshape_static(vector, wanted)


def broadcast_like(vector, like):
    """`vector` broadcast to the shape of `like`."""
    if vector._shape == like._shape:
        return vector
    from tapeflow.ops.shaping import broadcast_static

    return broadcast_static(vector, like._shape)


def zeros_of(shape, dtype):
    """Zeros of a shape, a tuple of ints, and a NumPy dtype."""
    if holds_dim(shape):
        return _filled(0, shape, dtype)
    return EagerTensor(np.zeros(shape, dtype)) if shape else EagerTensor(dtype.type(0))


def zeros_like(like):
    """A zero vector of the shape and dtype of a tensor, or of what a tape kept of one."""
    if like._shape.__class__ is UnknownRank:
        return binary(MUL, ones_like(like), 0)
    return zeros_of(like._shape, like._dtype)


def ones_like(like):
    """A tensor of ones of the shape and dtype of another."""
    if like.__class__ is EagerTensor and like._array.__class__ is not np.ndarray:
        return EagerTensor(_ONE[like._array.dtype])
    shape, dtype = like._shape, like._dtype
    if shape.__class__ is UnknownRank:
        return apply(ONES_LIKE, (thread.trace.here(shape.tensor),))
    if holds_dim(shape):
        return _filled(1, shape, dtype)
    return EagerTensor(np.ones(shape, dtype) if shape else _ONE[dtype])


def _filled(number, shape, dtype):
    from tapeflow.ops.shaping import broadcast_static

    return broadcast_static(EagerTensor(dtype.type(number)), shape)


def _unbroadcast(x, shape):
    """An array summed to the shape that it was broadcast from."""
    lead = x.ndim - len(shape)
    axes = (*range(lead), *[lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1])
    return np.add.reduce(x, axes, x.dtype, None, True).reshape(shape) if axes else x


UNBROADCAST = linear(
    "SumToShape", _unbroadcast, None, lambda g, x_like: broadcast_like(g, x_like), attrs="shape"
)
ONES_LIKE = constant("OnesLike", np.ones_like)  # of a tensor whose rank is not known
ONES_LIKE.shape = lambda x: x


def _zeros_of_rows(x):
    """Zeros like an array, or like rows of several shapes, as a loop stacks them."""
    if x.dtype != object:
        return np.zeros_like(x)
    out = np.empty(x.shape, object)
    for place, row in np.ndenumerate(x):
        out[place] = _zeros_of_rows(row)
    return out


ZEROS_LIKE = constant("ZerosLike", _zeros_of_rows)
ZEROS_LIKE.shape = lambda x: x


def _unbroadcast_shape(x, shape):
    if x.__class__ is not UnknownRank and not holds_dim((x, shape)) and broadcast(x, shape) != tuple(x):
        raise invalid_argument(f"Incompatible shapes: {bracketed(x)} vs. {bracketed(shape)}")
    return shape


UNBROADCAST.shape = _unbroadcast_shape


def zeros(shape, dtype):
    """Zeros of a shape, any sequence of ints, and a NumPy dtype."""
    return zeros_of(tuple(shape), dtype)


_INEXACT = frozenset(INEXACT)
_ONE = {dtype: dtype.type(1) for dtype in INEXACT}


def is_inexact(tensor):
    """Whether a tensor can have a derivative: its elements are floating or complex."""
    return tensor._dtype in _INEXACT
