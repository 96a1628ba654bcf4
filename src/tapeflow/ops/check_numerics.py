"""Guards against NaN and infinity: `check_numerics`, and `enable_check_numerics` for every operation."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply
from tapeflow.engine.dtypes import FLOAT
from tapeflow.engine.primitive import linear
from tapeflow.ops.space import is_inexact


def _check(x, message):
    nan, infinite = bool(np.isnan(x).any()), bool(np.isinf(x).any())
    if nan or infinite:
        kinds = "Inf and NaN" if nan and infinite else "NaN" if nan else "Inf"
        raise InvalidArgumentError(None, None, f"{message} : Tensor had {kinds} values")
    return x


CHECK = linear(
    "CheckNumerics", _check, FLOAT,
    lambda g, message: _checked(
        g, f"Not a number (NaN) or infinity (Inf) values detected in gradient. {message}"
    ),
    attrs="message", batch=lambda x, message: _checked(x, message),
)  # fmt: skip


def _checked(x, message):
    return apply(CHECK, (x,), (message,))


def check_numerics(tensor, message, name=None):
    """`tensor`, of a floating dtype, as it is; its gradient is checked likewise.

    Raises InvalidArgumentError, with `message` before it, if an element is NaN or infinite.

    >>> import tapeflow as tf
    >>> tf.debugging.check_numerics(tf.constant([1., 2.]), "x").numpy().tolist()
    [1.0, 2.0]
    """
    if not isinstance(message, (str, bytes)):
        raise TypeError(f"Expected string for argument 'message' not {message!r}.")
    return _checked(convert_to_tensor(tensor), message)


def assert_all_finite(x, message, name=None):
    """`x`, of a floating dtype, as it is.

    Raises InvalidArgumentError, with `message` before it, if an element is NaN or infinite.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_all_finite(tf.constant([1., 2.]), "x").numpy().tolist()
    [1.0, 2.0]
    """
    return _checked(convert_to_tensor(x), message)


# Moves: operations that can only pass on what they were given.
_MOVES = frozenset(
    "Identity IdentityN ReadVariableOp StopGradient Reshape BroadcastTo Transpose ConcatV2 Pack Unpack Split SplitV "
    "Slice StridedSlice Tile GatherV2 GatherNd ScatterNd Squeeze ExpandDims Pad PadV2 MirrorPad ReverseV2 Roll "
    "SelectV2 MatrixDiagV3 MatrixDiagPartV3 MatrixSetDiagV3 MatrixBandPart DynamicPartition DynamicStitch Cast Neg "
    "Conj Real Imag CustomGradient".split()
)


class _NumericsListener:
    """A listener that looks at every result."""

    def _record(self, prim, inputs, out, attrs):
        if prim.name in _MOVES:
            return
        for i, tensor in enumerate(out if prim.many else [out]):
            if tensor.__class__ is not EagerTensor or not is_inexact(tensor):
                continue
            if not np.isfinite(tensor._array).all():
                raise _found(prim, inputs, i, tensor, len(out) if prim.many else 1)

    def _accessed(self, variable, tensor):
        """Nothing: a read computes nothing."""


_LISTENER = _NumericsListener()


def _found(prim, inputs, place, tensor, count):
    array = np.asarray(tensor._array)
    signs = array.real if array.dtype.kind == "c" else array
    nan = np.isnan(array)
    counts = [
        ("-Inf", int((np.isinf(array) & ~nan & (signs < 0)).sum())),
        ("+Inf", int((np.isinf(array) & ~nan & ~(signs < 0)).sum())),
        ("NaN", int(nan.sum())),
    ]
    lines = [
        f'\n\n!!! Detected Infinity or NaN in output {place} of eagerly-executing op "{prim.name}" '
        f"(# of outputs: {count}) !!!",
        f"  dtype: <dtype: {tensor.dtype.name!r}>",
        f"  shape: {tensor.shape}",
        *[f"  # of {'+NaN' if kind == 'NaN' else kind} elements: {number}" for kind, number in counts if number],
        "",
    ]
    if len(inputs) == 1:
        lines.append(f"  Input tensor: {inputs[0]!s}")
    else:
        lines.append(f"  Input tensors ({len(inputs)}):")
        lines += [f"         {i}: {operand!s}" for i, operand in enumerate(inputs)]
    kinds = " and ".join(kind for kind, number in counts if number)
    return InvalidArgumentError(
        None, None, "\n".join(lines) + f"\n\n : Tensor had {kinds} values [Op:CheckNumericsV2] name: "
    )


def enable_check_numerics(stack_height_limit=30, path_length_limit=50):
    """Have every operation of this thread raise InvalidArgumentError if its result holds NaN or infinity.

    Operations that only move elements are not looked at. `stack_height_limit` and `path_length_limit` are not used:
    the error is raised where the operation was called, and its traceback shows the way there.

    >>> import tapeflow as tf
    >>> tf.debugging.enable_check_numerics()
    >>> try:
    ...     tf.math.log(-1.0)
    ... except tf.errors.InvalidArgumentError as error:
    ...     print("Tensor had NaN values" in str(error))
    ... finally:
    ...     tf.debugging.disable_check_numerics()
    True
    """
    if _LISTENER not in thread.listeners:
        thread.listeners = (_LISTENER, *thread.listeners)


def disable_check_numerics():
    """Undo `enable_check_numerics` for this thread."""
    thread.listeners = tuple([listener for listener in thread.listeners if listener is not _LISTENER])
