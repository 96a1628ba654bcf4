"""Changes of dtype: `cast`, `saturate_cast`, `bitcast`."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import BY_NUMPY, as_dtype
from tapeflow.core.errors import UnimplementedError, invalid_argument
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.logging import warn
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.engine.dispatch import apply
from tapeflow.engine.dtypes import NUMBER
from tapeflow.engine.primitive import constant, linear


def _cast(x, dtype):
    if x.dtype.kind == "O" or dtype.kind == "O":
        names = [BY_NUMPY[d].name for d in (x.dtype, dtype)]
        raise UnimplementedError(None, None, f"Cast {names[0]} to {names[1]} is not supported")
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype)


CAST = linear(
    "Cast", _cast, None, lambda g, x_like: cast_static(g, x_like._dtype), attrs="dtype",
    batch=lambda x, dtype: cast_static(x, dtype),
)  # fmt: skip
# To or from integers and booleans there is no derivative.
CAST_DISCRETE = constant("Cast", _cast, attrs="dtype", batch=lambda x, dtype: cast_static(x, dtype))


def cast_static(x, dtype):
    """`x`, a tensor, in a NumPy dtype."""
    given = x._dtype
    if given == dtype:
        return x
    inexact = (BY_NUMPY[d] for d in (given, dtype))
    return apply(
        CAST if all(d.is_floating or d.is_complex for d in inexact) else CAST_DISCRETE, (x,), (dtype,)
    )


def cast(x, dtype, name=None):
    """`x` in another dtype: numbers toward 0 to integers, complex ones without their imaginary part.

    `x` may be `tf.IndexedSlices`. Raises TypeError for a dtype that is none, UnimplementedError for strings.

    >>> import tapeflow as tf
    >>> tf.cast([1.7, -1.7], tf.int32).numpy().tolist()
    [1, -1]
    """
    base = as_dtype(dtype)
    if x.__class__ is EagerTensor:
        return x if x._array.dtype is base._np else cast_static(x, base._np)
    if x.__class__ is IndexedSlices:
        return IndexedSlices(cast(x.values, base), x.indices, x.dense_shape)
    if isinstance(x, (Tensor, Variable)) and x.dtype is base:
        return x
    return cast_static(convert_to_tensor(x, name="x"), base._np)


def saturate_cast(value, dtype, name=None):
    """`value` in another dtype, with what does not fit at the nearest value that does.

    Of complex numbers real dtypes take the real part.

    >>> import tapeflow as tf
    >>> tf.saturate_cast([-10, 300], tf.uint8).numpy().tolist()
    [0, 255]
    """
    from tapeflow.ops.complex_parts import complex, imag, real

    value = convert_to_tensor(value, name="value")
    dtype = as_dtype(dtype)
    if value.dtype.is_complex:
        if dtype.is_complex:
            if value.dtype.real_dtype.max <= dtype.real_dtype.max:
                return cast(value, dtype)
            parts = [_clamp(part, dtype.real_dtype) for part in (real(value), imag(value))]
            return cast(complex(*parts), dtype)
        warn("Casting complex to real discards imaginary part.")
        value = real(value)
    return cast(_clamp(value, dtype.real_dtype), dtype)


def _clamp(value, dtype):
    """`value` within the range of `dtype`; what is not a number stays so."""
    from tapeflow.ops.compare import where

    low, high = _common_range(value.dtype, dtype)
    return where(value < low, low, where(value > high, high, value))


def _common_range(given, dtype):
    """The extremes of `dtype` that `given` can represent without leaving it, as scalar tensors of `given`."""
    kind = given._np.type
    if given.is_integer and dtype.is_integer:
        limits = max(int(given.min), int(dtype.min)), min(int(given.max), int(dtype.max))
        return [convert_to_tensor(kind(limit)) for limit in limits]
    limits = []
    for own, other in ((given.min, dtype.min), (given.max, dtype.max)):
        exact = int(other) if dtype.is_integer else float(other)
        limit = kind(other) if abs(float(other)) < abs(float(own)) else kind(own)
        beyond = int(limit) if dtype.is_integer and given.is_floating else float(limit)
        if abs(beyond) > abs(exact):  # rounding to a coarser float has left the range
            limit = np.nextafter(limit, kind(0))
        limits.append(convert_to_tensor(limit))
    return limits


def _bitcast(x, dtype):
    given, wanted = x.dtype.itemsize, dtype.itemsize
    x = np.ascontiguousarray(x).reshape(x.shape)  # which turns a scalar into a vector
    if given >= wanted:
        more = () if given == wanted else (given // wanted,)
        return x.reshape(-1).view(dtype).reshape((*x.shape, *more))
    if not x.ndim or x.shape[-1] != wanted // given:
        raise invalid_argument(
            f"Cannot bitcast from {wanted} to {given}: the last dimension of the shape {list(x.shape)} must "
            f"be {wanted // given}, the ratio of the sizes"
        )
    return x.view(dtype).reshape(x.shape[:-1])


BITCAST = constant(
    "Bitcast", _bitcast, NUMBER, attrs="dtype", batch=lambda x, dtype: apply(BITCAST, (x,), (dtype,))
)


def bitcast(input, type, name=None):  # noqa: A002 (TensorFlow's names)
    """The same bits as another dtype: a smaller one adds a last dimension, a larger one takes it away.

    Raises InvalidArgumentError if the last dimension is not the ratio of the sizes, TypeError for no dtype.

    >>> import tapeflow as tf
    >>> tf.bitcast(1.0, tf.int32).numpy().item()
    1065353216
    """
    dtype = as_dtype(type)
    if dtype._np not in BITCAST.kernels:
        raise invalid_argument(
            f"Value for attr 'type' of {dtype._proto} is not in the list of allowed values: numbers "
            "[Op:Bitcast] name: "
        )
    return apply(BITCAST, (convert_to_tensor(input),), (dtype._np,))
