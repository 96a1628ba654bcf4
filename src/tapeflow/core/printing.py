"""Values as text, the way TensorFlow writes them: `repr`, `str` and `tf.print`."""

import numpy as np

from tapeflow.core import nest


def tensor_repr(array, dtype, name=None):
    """`<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>`."""
    return f"<tf.Tensor: shape={array.shape}, dtype={dtype.name}, {_numpy_repr(array)}>"


def tensor_str(array, dtype):
    """`tf.Tensor([1. 2.], shape=(2,), dtype=float32)`."""
    text = str(array if array.ndim else array[()])
    return f"tf.Tensor({_own_lines(text)}, shape={array.shape}, dtype={dtype.name})"


def variable_repr(name, shape_text, dtype, array):
    """`<tf.Variable 'Variable:0' shape=() dtype=float32, numpy=3.0>`."""
    return f"<tf.Variable {name!r} shape={shape_text} dtype={dtype.name}, {_numpy_repr(array)}>"


def _numpy_repr(array):
    if array.ndim:
        return "numpy=" + _own_lines(repr(array))
    value = array[()]
    return f"numpy={value!r}" if isinstance(value, (bytes, str)) else f"numpy={value:}"


def _own_lines(text):
    """An array of several lines starts on a line of its own."""
    return "\n" + text if "\n" in text else text


def print_text(inputs, summarize=None, sep=" "):
    """What `tf.print(*inputs)` writes, without the end: tensors by TensorFlow's format, the rest by Python's.

    `summarize`: how many elements of each dimension to show at either end, None for 3, -1 for all.
    """
    return sep.join(_print_structure(value, 3 if summarize is None else summarize) for value in inputs)


def _print_structure(value, summarize):
    leaves = nest.flatten(value)
    if not nest.is_nested(value):
        return _print_leaf(value, summarize, top=True)
    # Python writes the structure, and each leaf stands in it for its own text.
    texts = [_Verbatim(_print_leaf(leaf, summarize, top=False)) for leaf in leaves]
    return str(nest.pack_sequence_as(value, texts))


class _Verbatim:
    """Text that is written into a structure as it is."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text


def _print_leaf(value, summarize, top):
    array = getattr(value, "_array", None)
    if array is None and hasattr(value, "__tf_tensor__"):
        array = value.__tf_tensor__()._array
    if array is None:
        return str(value) if top and isinstance(value, (str, bytes)) else repr(value)
    array = np.asarray(array)
    if not array.ndim:
        return _element(array[()])
    return _print_array(array, summarize)


def _print_array(array, summarize):
    if not array.size:
        return "[]"
    return _rows(array, summarize, 0)


def _rows(array, summarize, depth):
    count = len(array)
    shorten = 0 <= summarize and count > 2 * summarize
    shown = [*range(summarize), None, *range(count - summarize, count)] if shorten else range(count)
    if array.ndim == 1:
        texts = ["..." if i is None else _element(array[i]) for i in shown]
        return f"[{' '.join(texts)}]"
    texts = ["..." if i is None else _rows(array[i], summarize, depth + 1) for i in shown]
    between = "\n" * (array.ndim - 1) + " " * (depth + 1)
    return f"[{between.join(texts)}]"


def _element(value):
    if isinstance(value, bytes):
        return f'"{value.decode(errors="backslashreplace")}"'
    array = np.asarray(value)
    kind = array.dtype.kind
    if kind == "b":
        return "1" if value else "0"
    if kind in "iu":
        return str(int(value))
    if kind == "c":
        return "?"  # as TensorFlow prints it
    if array.dtype == np.float64:
        return _shortest(float(value), 15, 17, np.float64)
    return _shortest(float(value), 6, 9, np.float32)


def _shortest(value, digits, more, kind):
    """`%g` with few digits if they give the value back, else with enough that they do."""
    text = f"{value:.{digits}g}"
    return text if kind(text) == kind(value) or value != value else f"{value:.{more}g}"
