"""Values into tensors: Python numbers and sequences, NumPy arrays, pandas objects, anything with `__tf_tensor__`."""

from itertools import chain

import numpy as np

from tapeflow.core import dtype as dtypes
from tapeflow.core.dtype import BY_NUMPY, as_dtype
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import EagerTensor, Tensor

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


def convert_to_tensor(value, dtype=None, dtype_hint=None, name=None):
    """`value` as a tensor: itself if it is one, else a constant of it.

    Args:
      value: a tensor, variable, Python number, string or nested sequence, NumPy array, or an object with
        `__tf_tensor__` or `__array__`.
      dtype: the dtype the result must have; None infers it.
      dtype_hint: a dtype to prefer if `value` can have it.
      name: not used.

    Raises:
      TypeError: `value` cannot have `dtype`.
      ValueError: `value` is a tensor of another dtype, or not convertible.

    >>> import tapeflow as tf
    >>> tf.convert_to_tensor([1, 2], dtype=tf.float32)
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>
    """
    cls = value.__class__
    if cls is EagerTensor and dtype is None:
        return value
    if dtype is not None and dtype.__class__ is not dtypes.DType:
        dtype = as_dtype(dtype)
    if cls is float and dtype_hint is None:
        return EagerTensor(_from_float(value, dtype))
    if issubclass(cls, Tensor):
        if dtype is not None and value.dtype is not dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {value.dtype.name}: {value!r}"
            )
        return value if thread.trace is None else thread.trace.here(value)
    if cls not in _PLAIN:
        protocol = getattr(value, "__tf_tensor__", None)
        if protocol is not None:
            return protocol(dtype, name)
        if _registered or cls is TensorShape:
            result = _by_registered(value, dtype, dtype_hint, name)
            if result is not NotImplemented:
                return result
    if dtype is None and dtype_hint is not None:
        try:
            return convert_to_tensor(value, dtype_hint)
        except (TypeError, ValueError):
            dtype = None  # a hint only: the value keeps its own dtype
    array = to_array(value, dtype)
    if array is None:
        return _packed(value, dtype)
    return EagerTensor(array)


_PLAIN = frozenset([bool, int, float, complex, str, bytes, np.ndarray])
_registered: list = []  # (priority, type or types, function), by priority


def register_tensor_conversion_function(base_type, conversion_func, priority=100):
    """Have `conversion_func` turn objects of `base_type` into tensors.

    Args:
      base_type: a type, or a tuple of them.
      conversion_func: a function `(value, dtype=None, name=None, as_ref=False)` that gives a tensor, or
        NotImplemented to leave it to others.
      priority: those with a smaller one are asked first.

    Raises:
      TypeError: `base_type` holds no types, or the types of Python's and NumPy's numbers and arrays.

    >>> import tapeflow as tf
    >>> class Celsius:
    ...     degrees = 20.5
    >>> tf.register_tensor_conversion_function(
    ...     Celsius, lambda value, dtype=None, name=None, as_ref=False: tf.constant(value.degrees, dtype))
    >>> tf.add(Celsius(), 1.0).numpy().item()
    21.5
    """
    kinds = base_type if isinstance(base_type, tuple) else (base_type,)
    if not kinds or not all(isinstance(kind, type) for kind in kinds):
        raise TypeError(f"Argument `base_type` must be a type or a tuple of types. Obtained: {base_type}")
    if any(issubclass(kind, (int, float, np.generic, np.ndarray)) for kind in kinds):
        raise TypeError("Cannot register conversions for Python numeric types and NumPy scalars and arrays.")
    if not callable(conversion_func):
        raise TypeError(f"Argument `conversion_func` must be callable. Received {conversion_func}.")
    _registered.append((priority, kinds, conversion_func))
    _registered.sort(key=lambda entry: entry[0])


def _by_registered(value, dtype, dtype_hint, name):
    for _, kinds, function in _registered:
        if isinstance(value, kinds):
            for wanted in (dtype,) if dtype is not None or dtype_hint is None else (as_dtype(dtype_hint), None):
                try:
                    result = function(value, dtype=wanted, name=name, as_ref=False)
                except (TypeError, ValueError):
                    if wanted is dtype:
                        raise
                    continue
                if result is NotImplemented:
                    continue
                said = f"Conversion function {function!r} for type {kinds[0] if len(kinds) == 1 else kinds} returned"
                if not isinstance(result, Tensor):
                    raise RuntimeError(f"{said} non-Tensor: {result!r}")
                if wanted is not None and result.dtype is not wanted:
                    raise RuntimeError(
                        f"{said} incompatible dtype: requested = {wanted.name}, actual = {result.dtype.name}"
                    )
                return result
    if value.__class__ is TensorShape:
        return _from_shape(value, dtype)
    return NotImplemented


def _packed(value, dtype):
    """A nested sequence in which some items are tensors, as one tensor, stacked so that gradients flow.

    The dtype is the first tensor's if none is given, and what is no tensor adapts to it; tensors do not mix.
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.packing import stack

    target = _first_tensor(value).dtype if dtype is None else dtype

    def pack(item):
        if isinstance(item, (list, tuple)) and _holds_tensor(item):
            return stack([pack(inner) for inner in item])
        if not _is_tensor_kind(type(item)):
            return convert_to_tensor(item, target)
        tensor = convert_to_tensor(item)
        return tensor if dtype is None else cast(tensor, dtype)

    return pack(value)


def _first_tensor(value):
    for item in value:
        if isinstance(item, (list, tuple)) and _holds_tensor(item):
            return _first_tensor(item)
        if _is_tensor_kind(type(item)):
            return convert_to_tensor(item)
    return None


def _from_shape(value, dtype):
    if not value.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape {value} to a Tensor.")
    if dtype not in (None, dtypes.int32, dtypes.int64):
        raise TypeError(
            f"Cannot convert TensorShape {value} to dtype {dtype}. Allowed dtypes are tf.int32 and tf.int64."
        )
    sizes = tuple(value)
    if dtype is None:
        dtype = dtypes.int32 if all(size <= INT32_MAX for size in sizes) else dtypes.int64
    return EagerTensor(np.array(sizes, dtype._np))


def to_array(value, dtype=None):
    """A fresh array (or NumPy scalar) of `value`, of `dtype` if given, else of the dtype that TensorFlow infers.

    None for a sequence that holds tensors. Raises TypeError or ValueError, with TensorFlow's messages, for what has
    no such array.
    """
    cls = value.__class__
    if cls is float:
        return _from_float(value, dtype)
    if cls is int and dtype is None and INT32_MIN <= value <= INT32_MAX:
        return np.int32(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(value, dtype)
    if isinstance(value, (list, tuple)):
        return _from_sequence(value, dtype)
    if not isinstance(value, (int, float, complex, str, bytes)):
        if isinstance(value, range):
            return _from_numpy(np.arange(value.start, value.stop, value.step, _range_dtype(value)), dtype)
        if hasattr(value, "__array__") and not isinstance(value, type):
            return _from_numpy(np.asarray(value), dtype)
        if _is_sequence(value):
            return _from_sequence(list(value), dtype)
    return _from_leaves([value], (), dtype, value)


def _range_dtype(value):
    small = not value or INT32_MIN <= min(value[0], value[-1]) and max(value[0], value[-1]) <= INT32_MAX
    return np.int32 if small else None


def _from_float(value, dtype):
    """An array of a float: float32 if no dtype is given, and then it has to fit."""
    if dtype is None:
        out = np.float32(value)
        if out - out != 0 and value - value == 0:
            raise _too_large()
        return out
    return _from_leaves([value], (), dtype, value)


def _is_sequence(value):
    return (
        hasattr(value, "__getitem__")
        and hasattr(value, "__len__")
        and not isinstance(value, (dict, str, bytes, np.generic, type))
    )


# NumPy.


def _from_numpy(value, dtype):
    if dtype is not None and value.dtype != dtype._np:
        value = value.astype(dtype._np)
        if dtype is not dtypes.string:
            return value if value.ndim else value[()]
    if value.dtype.kind in "USOT":
        return _strings(value)
    if value.dtype not in BY_NUMPY:
        native = value.dtype.newbyteorder("=")
        if native not in BY_NUMPY:
            raise _unsupported_numpy(value.dtype)
        value = value.astype(native)
    return np.array(value, order="C") if value.ndim else value[()]


def _strings(value):
    """An array of bytes objects."""
    flat = np.asarray(value).ravel().tolist()
    for i, item in enumerate(flat):
        if isinstance(item, str):
            flat[i] = item.encode()
        elif not isinstance(item, bytes):
            raise ValueError(
                f"Failed to convert a NumPy array to a Tensor (Unsupported object type {type(item).__name__})."
            )
    out = np.empty(len(flat), object)
    out[:] = flat
    return out.reshape(value.shape)


def _unsupported_numpy(dtype):
    names = {"g": "NPY_LONGDOUBLE", "G": "NPY_CLONGDOUBLE", "M": "NPY_DATETIME", "m": "NPY_TIMEDELTA"}
    reason = f"numpy type: {names[dtype.char]}" if dtype.char in names else "numpy data type"
    return ValueError(f"Failed to convert a NumPy array to a Tensor (Unsupported {reason}).")


# Python sequences. TensorFlow takes the shape from the first item at each depth, and the dtype from the first leaf.


def _from_sequence(value, dtype):
    """An array of a nested sequence, or None if there are tensors in it."""
    level, shape = value, [len(value)]
    while level:
        kinds = set(map(type, level))
        if not kinds <= _PLAIN_OR_LIST:
            if any(_is_tensor_kind(kind) for kind in kinds):
                return None
            level = [item if item.__class__ in _PLAIN_OR_LIST else _opened(item) for item in level]
            kinds = set(map(type, level))
            if kinds == {np.ndarray}:
                stacked = _from_arrays(level, shape, dtype)
                if stacked is not None:
                    return stacked
        first = level[0]
        if not _is_sequence(first):
            break
        size = len(first)
        shape.append(size)
        if size == 0:
            break
        for item in level:
            if not _is_sequence(item) or len(item) != size:
                if _holds_tensor(value):
                    return None
                raise _mixed() if isinstance(item, str) else _ragged()
        level = list(chain.from_iterable(level))
    if 0 in shape:
        return np.empty(shape, np.float32 if dtype is None else dtype._np)
    if any(map(_is_sequence, kinds - _PLAIN)) or not kinds.isdisjoint((list, tuple)):
        if _holds_tensor(value):
            return None
        raise _mixed()
    return _from_leaves(level, tuple(shape), dtype, value)


_PLAIN_OR_LIST = frozenset([bool, int, float, complex, str, bytes, list, tuple])


def _is_tensor_kind(kind):
    return issubclass(kind, Tensor) or hasattr(kind, "__tf_tensor__")


def _opened(item):
    """An item of a sequence as NumPy or Python has it: what offers an array becomes one, a 0-d array its element."""
    if not isinstance(item, (np.ndarray, np.generic)) and hasattr(item, "__array__") and not isinstance(item, type):
        item = np.asarray(item)
    if isinstance(item, np.ndarray) and not item.ndim:
        return item[()]
    return item


def _holds_tensor(value):
    return any(
        _holds_tensor(item) if isinstance(item, (list, tuple)) else _is_tensor_kind(type(item)) for item in value
    )


def _from_arrays(arrays, shape, dtype):
    """Arrays of one shape and dtype, stacked, with the dtype that a sequence of their elements has; None if not so."""
    first = arrays[0]
    if first.dtype.kind not in "fiubc" or not first.size:
        return None
    if any(array.dtype != first.dtype or array.shape != first.shape for array in arrays):
        return None
    out = np.stack(arrays).reshape((*shape, *first.shape))
    kind = out.dtype.kind
    if kind in "iu":
        if INT32_MIN <= out.min() and out.max() <= INT32_MAX:
            out = out.astype(np.int32)
        elif out.dtype == np.uint64 and (dtype is None or dtype._np != np.uint64):
            return None
    elif kind == "c":
        out = out.astype(np.complex128)
    if dtype is None or out.dtype == dtype._np:
        return out
    if not _casts(BY_NUMPY[out.dtype], dtype):
        return None
    return out.astype(dtype._np)


# Leaves. First the converter for the dtype that is asked for is tried, then that for the first leaf's own dtype.


def _from_leaves(leaves, shape, dtype, value):
    """An array of Python or NumPy scalars; `value` is what the caller gave, for the messages."""
    kinds = set(map(type, leaves))
    if dtype is not None:
        out = _directly(leaves, kinds, dtype)
        if out is not None:
            return out.reshape(shape) if shape else out[0] if out.dtype.kind != "O" else out.reshape(())
    own, out = _infer(leaves, kinds, dtype is None)
    if dtype is not None:
        if not _casts(own, dtype):
            raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {dtype._proto}")
        out = out.astype(dtype._np)
    return out.reshape(shape) if shape else out[0] if out.dtype.kind != "O" else out.reshape(())


_BOOLS = (bool, np.bool_)
_INTS = (int, np.integer)
_FLOATS = (float, np.floating)
_COMPLEX = (complex, np.complexfloating)


def _all(kinds, *accepted):
    return all(issubclass(kind, accepted) for kind in kinds)


def _directly(leaves, kinds, dtype):
    """An array of exactly `dtype`, or None if TensorFlow has no direct converter or a leaf does not fit it."""
    if dtype.is_floating and dtype is not dtypes.bfloat16 and dtype.size > 1:
        if _all(kinds, *_BOOLS, *_INTS, *_FLOATS):
            try:
                # By way of float32 to float16, as TensorFlow rounds.
                wide = np.array(leaves, np.float64 if dtype is dtypes.float64 else np.float32)
            except OverflowError:  # an int beyond the range of a double
                return None
            return wide.astype(dtype._np, copy=False)
    elif dtype in (dtypes.int32, dtypes.int64, dtypes.uint64):
        if _all(kinds, *_BOOLS, *_INTS):
            try:
                return np.array([int(leaf) for leaf in leaves], dtype._np)
            except OverflowError:
                return None
    elif dtype is dtypes.complex128:
        if _all(kinds, *_BOOLS, *_INTS, *_FLOATS, *_COMPLEX):
            return np.array(leaves, dtype._np)
    return None


def _infer(leaves, kinds, strict):
    """The dtype that TensorFlow infers, from the first leaf, and the array; `strict`: no float may overflow."""
    first = type(leaves[0])
    if issubclass(first, _BOOLS):
        if _all(kinds, *_BOOLS):
            return dtypes.bool, np.array(leaves, np.bool_)
    elif issubclass(first, _INTS):
        if _all(kinds, *_BOOLS, *_INTS):
            low, high = min(map(int, leaves)), max(map(int, leaves))
            if INT32_MIN <= low and high <= INT32_MAX:
                return dtypes.int32, np.array(leaves, np.int32)
            if low < -(2**63) or high >= 2**63:
                raise ValueError("Can't convert Python sequence with out-of-range integer to Tensor.")
            return dtypes.int64, np.array(leaves, np.int64)
        if _all(kinds, *_BOOLS, *_INTS, *_FLOATS):
            return dtypes.float32, _floats(leaves, np.float32, strict)
    elif issubclass(first, _FLOATS) or getattr(first, "dtype", None) is not None and _is_bfloat16(first):
        numpy_dtype = np.dtype(first) if issubclass(first, np.generic) else np.dtype(np.float32)
        if numpy_dtype not in BY_NUMPY:
            raise _unsupported(leaves[0])
        if _all(kinds, *_BOOLS, *_INTS, *_FLOATS, first):
            return BY_NUMPY[numpy_dtype], _floats(leaves, numpy_dtype, strict)
    elif issubclass(first, _COMPLEX):
        if _all(kinds, *_BOOLS, *_INTS, *_FLOATS, *_COMPLEX):
            return dtypes.complex128, np.array(leaves, np.complex128)
    elif issubclass(first, (str, bytes)):
        if _all(kinds, str, bytes):
            out = np.empty(len(leaves), object)
            out[:] = [leaf.encode() if isinstance(leaf, str) else bytes(leaf) for leaf in leaves]
            return dtypes.string, out
    else:
        raise _unsupported(leaves[0])
    raise _mixed()


def _is_bfloat16(kind):
    return issubclass(kind, np.generic) and np.dtype(kind) in BY_NUMPY and BY_NUMPY[np.dtype(kind)].is_floating


def _floats(leaves, numpy_dtype, strict):
    try:
        wide = np.array(leaves, np.float64)
    except OverflowError:
        raise _too_large() from None
    out = wide.astype(numpy_dtype, copy=False)
    if strict and not np.isfinite(out).all() and (np.isinf(out) & np.isfinite(wide)).any():
        raise _too_large()
    return out


def _casts(own, wanted):
    """Whether TensorFlow casts a Python value of dtype `own` to a dtype that was asked for."""
    if own is wanted:
        return True
    if wanted.is_integer or wanted.is_quantized:
        return own.is_integer
    if wanted.is_floating:
        return own.is_integer or own.is_floating
    return wanted.is_complex and (own.is_integer or own.is_floating or own.is_complex)


def _mixed():
    return ValueError("Can't convert Python sequence with mixed types to Tensor.")


def _ragged():
    return ValueError("Can't convert non-rectangular Python sequence to Tensor.")


def _too_large():
    return ValueError("Can't convert Python sequence with a value out of range for a double-precision float.")


def _unsupported(value):
    return ValueError(f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor.")
