"""Operations that call Python: `tf.print`, `py_function`, `numpy_function`."""

import sys

import numpy as np

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype
from tapeflow.core.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from tapeflow.core.listening import thread
from tapeflow.core.spec import TypeSpec
from tapeflow.ops.at_run import call_at_run


def print(*inputs, **kwargs):  # noqa: A001 (TensorFlow's name)
    """Write values as text, tensors in TensorFlow's own format.

    Args:
      *inputs: tensors, other values, and nested structures of them.
      **kwargs: `output_stream`, `sys.stderr` by default: also `sys.stdout`, a method of `tf.get_logger()` or
        "file://" and a path to append to; `summarize`, how many elements of each dimension to show at either end,
        3 by default, -1 for all; `sep`, " " by default; `end`, a new line by default; `name`, not used.

    Raises:
      ValueError: another keyword or output stream.

    >>> import sys, tapeflow as tf
    >>> tf.print("x:", tf.range(10), output_stream=sys.stdout)
    x: [0 1 2 ... 7 8 9]
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    summarize = kwargs.pop("summarize", 3)
    sep = kwargs.pop("sep", " ")
    end = kwargs.pop("end", "\n")
    kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    if thread.trace is not None:
        options = {"output_stream": stream, "summarize": summarize, "sep": sep, "end": end}
        return call_at_run(print, inputs, options)
    from tapeflow.core.printing import print_text

    text = print_text(inputs, summarize, sep)
    if isinstance(stream, str) and stream.startswith("file://"):
        with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(text + end)
    elif stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        stream.write(text + end)
        stream.flush()
    elif callable(stream) and getattr(stream, "__module__", None) == "logging" or _is_logger_method(stream):
        stream(text)
    else:
        raise ValueError(
            f"Unsupported output stream, logging level, or file.{stream}. Supported streams are sys.stdout, "
            "sys.stderr, tf.logging.info, tf.logging.warning, tf.logging.error. File needs to be in the form of "
            "'file://<filepath>'."
        )


def _not_traced(name):
    """The rank of what Python code returns is not known ahead, and a trace knows every rank."""
    return UnimplementedError(
        None, None,
        f"{name} cannot be traced into a tf.function yet: call it outside, or use "
        "tf.config.run_functions_eagerly(True).",
    )  # fmt: skip


def _is_logger_method(stream):
    import logging

    return isinstance(getattr(stream, "__self__", None), logging.Logger)


def py_function(func=None, inp=None, Tout=None, name=None):  # noqa: N803 (TensorFlow's name)
    """`func` of the tensors `inp`, any Python code on tensors, as one operation; differentiable as its code is.

    Args:
      func: a function of tensors to a value, or a list of values, that converts to tensors.
      inp: a list of tensors.
      Tout: the dtype of the result, or a list of dtypes, one for each.
      name: not used.

    Returns:
      A tensor, or a list of them as `Tout` is one.

    Raises:
      InvalidArgumentError: the function raised TypeError or ValueError, or its results do not have the dtypes.
      UnknownError: the function raised anything else.

    >>> import tapeflow as tf
    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = tf.py_function(lambda x: x * x, [x], tf.float32)
    >>> tape.gradient(y, x).numpy().item()
    6.0
    """
    if thread.trace is not None:
        raise _not_traced("tf.py_function")
    wanted = [_dtype(item) for item in (Tout if isinstance(Tout, (list, tuple)) else [Tout])]
    inputs = [convert_to_tensor(item) for item in inp]
    try:
        result = func(*inputs)
        values = [] if result is None else list(result) if isinstance(result, (list, tuple)) else [result]
        if len(values) < len(wanted):
            raise _Miscounted(f"{func} returns {len(values)} values, but expects to see {len(wanted)} values.")
        outputs = [convert_to_tensor(value, dtype) for value, dtype in zip(values, wanted, strict=False)]
    except _Miscounted as error:
        raise InvalidArgumentError(None, None, f"{error} [Op:EagerPyFunc] name: ") from None
    except OpError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error} [Op:EagerPyFunc] name: "
        raise _ERRORS.get(type(error), UnknownError)(None, None, text) from error
    return outputs if isinstance(Tout, (list, tuple)) else outputs[0]


class _Miscounted(Exception):
    """A function gave too few results."""


_ERRORS = {
    TypeError: InvalidArgumentError, ValueError: InvalidArgumentError, StopIteration: OutOfRangeError,
    MemoryError: ResourceExhaustedError, NotImplementedError: UnimplementedError,
}  # fmt: skip


def _dtype(item):
    return item.dtype if isinstance(item, TypeSpec) else as_dtype(item)


def numpy_function(func=None, inp=None, Tout=None, stateful=True, name=None):  # noqa: N803
    """`func` of the values `inp` as NumPy arrays, any Python code, as one operation without a gradient.

    Args:
      func: a function of NumPy arrays to what converts to tensors, or a list of that.
      inp: a list of tensors.
      Tout: the dtype of the result, or a list of dtypes: the results keep their own, as in TensorFlow.
      stateful: not used.
      name: not used.

    Returns:
      A tensor, a list of them, or None if the function returned it.

    >>> import numpy as np, tapeflow as tf
    >>> tf.numpy_function(np.sinh, [tf.constant([0., 1.])], tf.float32)
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0.       , 1.1752012], dtype=float32)>
    """
    if thread.trace is not None:
        raise _not_traced("tf.numpy_function")
    result = nest.flatten(func(*[np.array(item) for item in inp]))
    result = [item if item is None else convert_to_tensor(item) for item in result]
    return result[0] if len(result) == 1 else result
