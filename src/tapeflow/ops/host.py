"""Operations that call Python: `tf.print`, `py_function`, `numpy_function`."""

import functools
import sys

import numpy as np

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import opened_shape
from tapeflow.core.dtype import BY_NUMPY, as_dtype
from tapeflow.core.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from tapeflow.core.listening import Alone, thread
from tapeflow.core.spec import TypeSpec
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import constant, general
from tapeflow.ops import space
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

    As a decorator, with `Tout` by name, it makes a function of tensors:

    >>> @tf.py_function(Tout=tf.float32)
    ... def double(x):
    ...     return x + x
    >>> double(tf.constant(2.0)).numpy().item()
    4.0
    """
    if func is None:
        return _decorator(py_function, Tout)
    _check_given("py_function", inp, Tout)
    specs = Tout if isinstance(Tout, (list, tuple)) else [Tout]
    wanted = tuple([_dtype(item) for item in specs])
    inputs = [convert_to_tensor(item) for item in inp]
    if thread.trace is None:
        outputs = _called(func, inputs, wanted)
    else:
        types = [*[(None, dtype._np) for dtype in wanted], ((), np.dtype(object))]
        outputs = _told(thread.trace.call(PY_FUNCTION, inputs, (func, wanted), types)[:-1], specs)
    return outputs if isinstance(Tout, (list, tuple)) else outputs[0]


def _decorator(operation, wanted):
    """What `tf.py_function(Tout=...)` and `tf.numpy_function(Tout=...)` do with the function below them."""

    def decorate(function):
        @functools.wraps(function)
        def with_tensors(*args):
            return operation(function, args, wanted)

        return with_tensors

    return decorate


def _check_given(name, inp, wanted):
    """Raises TypeError if an argument that may be left out only above a function is missing."""
    if wanted is None:
        raise TypeError(
            f"Missing required argument: 'Tout'\n  If using tf.{name} as a decorator, set `Tout`\n  **by name** above "
            f"the function:\n  `@tf.{name}(Tout=tout)`"
        )
    if inp is None:
        raise TypeError(
            f"Missing argument `inp`:\n  You must set the `inp` argument (the list of arguments to the\n  function), "
            f"unless you use `tf.{name}` as a decorator(`func=None`)."
        )


def _called(func, inputs, wanted):
    """The results of `func`, a list of tensors of the dtypes `wanted`."""
    try:
        result = func(*inputs)
        values = [] if result is None else list(result) if isinstance(result, (list, tuple)) else [result]
        if len(values) < len(wanted):
            raise _Miscounted(f"{func} returns {len(values)} values, but expects to see {len(wanted)} values.")
        return [convert_to_tensor(value, dtype) for value, dtype in zip(values, wanted, strict=False)]
    except _Miscounted as error:
        raise InvalidArgumentError(None, None, f"{error} [Op:EagerPyFunc] name: ") from None
    except OpError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error} [Op:EagerPyFunc] name: "
        raise _ERRORS.get(type(error), UnknownError)(None, None, text) from error


def _told(outputs, specs):
    """The results in a trace, with their shapes where specs say them."""
    for tensor, spec in zip(outputs, specs, strict=True):
        if isinstance(spec, TypeSpec):
            tensor.set_shape(spec.shape)
    return outputs


# In a trace. The last output of PY_FUNCTION is the tape of its run, which its gradient needs.


def _run_py_function(*args):
    *arrays, func, wanted = args
    inputs = [EagerTensor(array) for array in arrays]
    with Alone(), _new_tape() as tape:
        tape.watch([x for x in inputs if space.is_inexact(x)])
        outputs = _called(func, inputs, wanted)
    token = np.empty((), object)
    token[()] = _Token(tape, inputs, outputs)
    return [*[y._array for y in outputs], token]


class _Token:
    """A run of the Python code, as one element of an array."""

    def __init__(self, *parts):
        self.parts = parts


def _new_tape():
    from tapeflow.autodiff.tape import GradientTape

    return GradientTape(persistent=True, watch_accessed_variables=False)


def _pull_py_function(mask, xs, ys, attrs, gs):
    sources = tuple([i for i, x in enumerate(xs) if mask >> i & 1 and space.is_inexact(x)])
    targets = tuple([i for i, g in enumerate(gs) if g is not None])
    given = (ys[-1], *[space.dense(gs[i]) for i in targets], *xs)  # all that the cotangents depend on
    if thread.trace is None:
        found = apply(PY_GRADIENT, given, (targets, sources, *attrs))
    else:
        types = [(opened_shape(xs[i]._shape), xs[i]._dtype) for i in sources]
        found = thread.trace.call(PY_GRADIENT, given, (targets, sources, *attrs), types)
    out = [None] * len(xs)
    for i, g in zip(sources, found, strict=True):
        out[i] = g
    return out


def _run_py_gradient(token, *rest):
    *arrays, targets, sources, _, _ = rest
    arrays = arrays[: len(targets)]
    tape, inputs, outputs = (token if token.__class__ is _Token else token[()]).parts
    with Alone():
        given = [EagerTensor(array) for array in arrays]
        found = tape.gradient([outputs[i] for i in targets], [inputs[i] for i in sources], given, "zero")
        return [space.dense(g)._array for g in found]


def _pull_py_gradient(mask, xs, ys, attrs, gs):
    """The derivative of the gradient: of the Python code, which is called once more, under two tapes."""
    targets, sources, func, wanted = attrs
    operands, n, m = xs[1:], len(targets), len(xs) - 1
    there = [i for i, g in enumerate(gs) if g is not None]
    asked = [i for i, x in enumerate(operands) if mask >> (i + 1) & 1 and space.is_inexact(x)]

    def gradient(*values):
        given, primals = values[:n], values[n:]
        with _new_tape() as tape:
            tape.watch([primals[i] for i in sources])
            outputs = _called(func, list(primals), wanted)
        return tape.gradient([outputs[i] for i in targets], [primals[i] for i in sources], list(given), "zero")

    def second(*values):
        values, cotangents = values[:m], values[m:]
        with _new_tape() as tape:
            tape.watch([values[i] for i in asked])
            found = gradient(*values)
        found = tape.gradient([found[i] for i in there], [values[i] for i in asked], list(cotangents), "zero")
        return [space.dense(g) for g in found]

    inputs = [*operands, *[space.dense(gs[i]) for i in there]]
    if thread.trace is None:
        found = second(*inputs)
    else:
        types = [(opened_shape(operands[i]._shape), operands[i]._dtype) for i in asked]
        dtypes = tuple([BY_NUMPY[dtype] for _, dtype in types])
        found = thread.trace.call(PY_FUNCTION, inputs, (second, dtypes), [*types, ((), np.dtype(object))])[:-1]
    out = [None] * len(xs)
    for i, g in zip(asked, found, strict=True):
        out[i + 1] = g
    return out


def _run_numpy_function(*args):
    *arrays, func, wanted = args
    with Alone():
        found = nest.flatten(func(*[np.array(array) for array in arrays]))
    found = [np.asarray(convert_to_tensor(item)._array) for item in found if item is not None]
    if len(found) != len(wanted):
        raise InvalidArgumentError(
            None, None, f"{func} returns {len(found)} values, but expects to see {len(wanted)} values."
        )
    for i, (array, dtype) in enumerate(zip(found, wanted)):
        if array.dtype != dtype._np:
            raise InvalidArgumentError(
                None, None, f"{i}-th value returned by {func} is {BY_NUMPY[array.dtype].name}, but expects {dtype.name}"
            )
    return found


PY_FUNCTION = general(
    "EagerPyFunc", _run_py_function, None, lambda gs, ys, xs: None, operands="*", attrs="func wanted", many=True
)
PY_FUNCTION.pull = _pull_py_function
PY_FUNCTION.effect = "write"
PY_GRADIENT = general(
    "EagerPyFuncGrad", _run_py_gradient, None, lambda gs, ys, xs: None, operands="*",
    attrs="targets sources func wanted", many=True,
)  # fmt: skip
PY_GRADIENT.pull = _pull_py_gradient
PY_GRADIENT.effect = "read"  # it must not be tried out
PY_FUNC = constant("PyFunc", _run_numpy_function, None, operands="*", attrs="func wanted", many=True)
PY_FUNC.effect = "write"


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

    As a decorator, with `Tout` by name, it makes a function of tensors.
    """
    if func is None:
        return _decorator(numpy_function, Tout)
    _check_given("numpy_function", inp, Tout)
    if thread.trace is not None:
        specs = Tout if isinstance(Tout, (list, tuple)) else [Tout]
        wanted = tuple([_dtype(item) for item in specs])
        inputs = [convert_to_tensor(item) for item in inp]
        outputs = thread.trace.call(PY_FUNC, inputs, (func, wanted), [(None, dtype._np) for dtype in wanted])
        outputs = _told(outputs, specs)
        return outputs if isinstance(Tout, (list, tuple)) else outputs[0]
    result = nest.flatten(func(*[np.array(item) for item in inp]))
    result = [item if item is None else convert_to_tensor(item) for item in result]
    return result[0] if len(result) == 1 else result
