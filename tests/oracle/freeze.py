"""Results as plain JSON, exact to the bit: `freeze(tf, x)` for any structure, `thaw(entry)` for an array."""

import base64
import enum
import re

import numpy as np

from oracle.case import Caught, numpy_dtype


class Unfreezable(Exception):
    """A case returned what a recording cannot hold. A mistake in the case, not an answer."""


def freeze(tf, x):
    """A JSON value that keeps what `x` is: kind, dtype, shape, every bit. Raises Unfreezable if it cannot."""
    if x is None or isinstance(x, (bool, str)) or (isinstance(x, int) and not isinstance(x, enum.Enum)):
        return _plain(x)
    if isinstance(x, np.generic):
        return {"kind": "numpy scalar", **_array(np.asarray(x))}
    if isinstance(x, float):
        return {"kind": "float", "value": repr(x)}
    if isinstance(x, complex):
        return {"kind": "complex", "value": repr(x)}
    if isinstance(x, bytes):
        return {"kind": "bytes", "value": x.decode("latin1")}
    if isinstance(x, np.ndarray):
        return {"kind": "numpy", **_array(x)}
    if isinstance(x, enum.Enum):
        return {"kind": "enum", "value": f"{type(x).__name__}.{x.name}"}
    if isinstance(x, type):
        return {"kind": "class", "value": x.__name__}
    if isinstance(x, (Caught, BaseException)):
        return error(x.error if isinstance(x, Caught) else x)
    if isinstance(x, tf.Variable):
        return {"kind": "Variable", **_array(x.numpy(), x.dtype.name)}
    if isinstance(x, tf.IndexedSlices):
        parts = [freeze(tf, x.values), freeze(tf, x.indices), freeze(tf, x.dense_shape)]
        return {"kind": "IndexedSlices", "items": parts}
    if isinstance(x, tf.TensorShape):
        return {"kind": "TensorShape", "value": None if x.rank is None else x.as_list()}
    if isinstance(x, tf.DType):
        return {"kind": "DType", "value": x.name}
    if isinstance(x, tf.TensorSpec):
        return {"kind": "TensorSpec", "items": [freeze(tf, x.shape), freeze(tf, x.dtype), x.name]}
    if isinstance(x, tf.Tensor):
        return {"kind": "Tensor", **_array(x.numpy(), x.dtype.name)}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        items = [freeze(tf, item) for item in x]
        return {"kind": "namedtuple", "name": type(x).__name__, "fields": list(x._fields), "items": items}
    if isinstance(x, tuple):
        return {"kind": "tuple", "items": [freeze(tf, item) for item in x]}
    if hasattr(x, "items"):
        return {"kind": "dict", "items": [[freeze(tf, key), freeze(tf, value)] for key, value in x.items()]}
    if isinstance(x, list):
        return [freeze(tf, item) for item in x]
    kind = f"{type(x).__module__}.{type(x).__name__}"
    raise Unfreezable(f"a case returned a {kind}, which a recording cannot hold: return tensors and numbers")


def _plain(x):
    # A ListWrapper-like or int subclass is stored as what it equals.
    for kind in (bool, int, str):
        if isinstance(x, kind):
            return kind(x)
    return None


def error(e):
    return {"kind": "error", "class": type(e).__name__, "message": _message(e)}


def _message(e):
    message = str(e.args[0] if isinstance(e, KeyError) and e.args else e)
    message = message.partition("Traceback (most recent call last)")[0]
    return re.sub(r"0x[0-9a-f]+", "0x", message)  # an address differs from run to run


def _array(array, dtype=None):
    if isinstance(array, (bytes, str)) or (isinstance(array, np.ndarray) and array.dtype == object):
        array = np.asarray(array, dtype=object)
        items = [item if isinstance(item, str) else bytes(item).decode("latin1") for item in array.ravel()]
        return {"dtype": dtype or "object", "shape": list(array.shape), "data": items}
    array = np.asarray(array)
    entry = {"dtype": dtype or array.dtype.name, "shape": list(array.shape)}
    if array.dtype.kind in "SU":
        return {**entry, "dtype": "text", "data": [str(item) for item in array.ravel()]}
    if dtype is not None and array.dtype != numpy_dtype(dtype):
        entry["numpy"] = array.dtype.name  # .numpy() is of another dtype than the tensor: worth a failure
    return {**entry, "data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def thaw(entry):
    """The array in a frozen tensor, variable or NumPy array."""
    if isinstance(entry["data"], list):
        return np.array(entry["data"], dtype=object).reshape(entry["shape"])
    dtype = numpy_dtype(entry.get("numpy", entry["dtype"]))
    return np.frombuffer(base64.b64decode(entry["data"]), dtype=dtype).reshape(entry["shape"])
