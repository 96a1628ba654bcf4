"""Applying a primitive: check the dtypes, run the kernel, tell whoever listens.

`unary` and `binary` are the short ways for elementwise primitives, `apply` the way for all others. A tensor that is
not eager (batched, symbolic) brings its own interpreter, which does something else with the same primitive.
"""

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import Dim, holds_dim
from tapeflow.core.dtype import BY_NUMPY
from tapeflow.core.errors import InvalidArgumentError, UnimplementedError
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable


def unary(prim, x):
    """The elementwise `prim` of one operand, a tensor or what converts to one."""
    if x.__class__ is not EagerTensor:
        x = convert_to_tensor(x)
        if x.__class__ is not EagerTensor:
            return x._interpret(prim, (x,), ())
    array = x._array
    kernel = prim.kernels.get(array.dtype)
    if kernel is None:
        raise not_allowed(prim, array.dtype)
    out = EagerTensor(kernel(array))
    listeners = thread.listeners
    if listeners and prim.recorded:
        for listener in listeners:
            listener._record(prim, (x,), out, ())
    return out


def binary(prim, x, y, hint=False):
    """The elementwise `prim` of two operands of one dtype, broadcast; what is no tensor takes the other's dtype.

    `hint`: what cannot take it keeps its own dtype (and is then refused), as TensorFlow's operators have it.
    """
    if x.__class__ is not EagerTensor or y.__class__ is not EagerTensor:
        if x.__class__ is Variable:
            x = x._read()
        if y.__class__ is Variable:
            y = y._read()
        elif x.__class__ is EagerTensor and (y.__class__ is float or y.__class__ is int):
            dtype = x._array.dtype
            if dtype.kind == "f" or y.__class__ is int and dtype.kind == "i" and -128 <= y < 128:  # fits all of them
                y = EagerTensor(dtype.type(y))
        if x.__class__ is not EagerTensor or y.__class__ is not EagerTensor:
            x, y = match(x, y, hint)
            if x.__class__ is not EagerTensor or y.__class__ is not EagerTensor:
                return interpreter(x, y)(prim, (x, y), ())
    a = x._array
    b = y._array
    dtype = a.dtype
    kernel = prim.kernels.get(dtype)
    if kernel is None:
        raise not_allowed(prim, dtype)
    if dtype is not b.dtype and dtype != b.dtype:
        raise mismatch(prim, 1, dtype, b.dtype)
    try:
        out = EagerTensor(kernel(a, b))
    except ValueError:
        check_broadcast(prim, a.shape, b.shape)
        raise
    listeners = thread.listeners
    if listeners and prim.recorded:
        for listener in listeners:
            listener._record(prim, (x, y), out, ())
    return out


def apply(prim, inputs, attrs=()):
    """`prim` of a tuple of tensors and a tuple of attributes; several outputs come as a list."""
    for tensor in inputs:
        if tensor.__class__ is not EagerTensor:
            return interpreter(*inputs)(prim, inputs, attrs)
    if attrs and thread.trace is not None and holds_dim(attrs):  # only known when the graph runs
        return thread.trace.apply(prim, inputs, attrs)
    kernel = prim.kernel
    if prim.kernels is not None:
        dtype = inputs[0]._array.dtype
        kernel = prim.kernels.get(dtype)
        if kernel is None:
            raise not_allowed(prim, dtype)
    try:
        if len(inputs) == 1:
            result = kernel(inputs[0]._array, *attrs)
        elif len(inputs) == 2:
            result = kernel(inputs[0]._array, inputs[1]._array, *attrs)
        else:
            result = kernel(*[tensor._array for tensor in inputs], *attrs)
    except (InvalidArgumentError, UnimplementedError) as error:
        raise located(error, prim) from None
    out = [EagerTensor(array) for array in result] if prim.many else EagerTensor(result)
    listeners = thread.listeners
    if listeners and prim.recorded:
        for listener in listeners:
            listener._record(prim, inputs, out, attrs)
    return out


def record(prim, inputs, out, attrs=()):
    """Tell this thread's listeners of an application that was made elsewhere."""
    for listener in thread.listeners:
        listener._record(prim, inputs, out, attrs)


def interpreter(*tensors):
    """The interpreter for operands of several kinds: that of the innermost tensor that brings one."""
    best = None
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"A primitive takes tensors, and was given {tensor!r}.")
        if tensor.__class__ is not EagerTensor and (best is None or tensor._level > best._level):
            best = tensor
    return best._interpret


def match(x, y, hint=False):
    """Two operands as tensors: the dtype is that of the first tensor among them, else the first operand's own."""
    if not is_tensor(x) and is_tensor(y):
        y = convert_to_tensor(y)
        return _adapt(x, y.dtype, hint), y
    x = convert_to_tensor(x)
    if is_tensor(y):
        return x, convert_to_tensor(y)
    return x, _adapt(y, x.dtype, hint)


def _adapt(value, dtype, hint):
    return convert_to_tensor(value, dtype_hint=dtype) if hint else convert_to_tensor(value, dtype)


def is_tensor(value):
    """Whether `value` is a tensor or stands for one (a variable, sliced rows)."""
    return isinstance(value, Tensor) or hasattr(value, "__tf_tensor__")


# Errors, off the fast path.


class Takes:
    """The dtypes that an operation takes for another operand than the first, `attr` in its definition: for errors."""

    def __init__(self, name, attr, dtypes):
        self.name, self.attr, self.kernels = name, attr, dtypes


def failed(prim, text):
    """The error of an operation that was given what it cannot take."""
    return InvalidArgumentError(None, None, f"{text} [Op:{prim.name}] name: ")


def not_allowed(prim, dtype):
    """TensorFlow's error for a dtype that an operation does not take: a primitive, or what `Takes` for an operand."""
    allowed = ", ".join(BY_NUMPY[d]._proto for d in prim.kernels)
    return InvalidArgumentError(
        None, None,
        f"Value for attr '{getattr(prim, 'attr', 'T')}' of {BY_NUMPY[dtype]._proto} is not in the list of allowed "
        f"values: {allowed}\n"
        f"\t; NodeDef: {{{{node {prim.name}}}}} [Op:{prim.name}] name: ",
    )  # fmt: skip


def mismatch(prim, position, wanted, given):
    """TensorFlow's error for operands of two dtypes."""
    return InvalidArgumentError(
        None, None,
        f"cannot compute {prim.name} as input #{position}(zero-based) was expected to be a {BY_NUMPY[wanted]._proto} "
        f"tensor but is a {BY_NUMPY[given]._proto} tensor [Op:{prim.name}] name: ",
    )  # fmt: skip


def check_broadcast(prim, a, b):
    """Raise TensorFlow's error if shapes `a` and `b` do not broadcast."""
    for m, n in zip(reversed(a), reversed(b), strict=False):
        if m != n and m != 1 and n != 1:
            text = "Incompatible shapes: {} vs. {} [Op:{}] name: "
            raise InvalidArgumentError(None, None, text.format(bracketed(a), bracketed(b), prim.name)) from None


def bracketed(shape):
    """A shape as TensorFlow's kernels print it: `[2,3]`."""
    return "[" + ",".join(["?" if isinstance(n, Dim) else str(n) for n in shape]) + "]"


def located(error, prim):
    """A kernel's error with the operation's name after it, as TensorFlow has it."""
    if "[Op:" in error.message:
        return error
    return type(error)(None, None, f"{error.message} [Op:{prim.name}] name: ")
