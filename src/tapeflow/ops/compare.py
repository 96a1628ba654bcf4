"""Comparisons, logic and selection: booleans in and out, none of it differentiable but `where`."""

import operator

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import Dim, holds_dim
from tapeflow.core.dtype import BY_NUMPY
from tapeflow.core.errors import InvalidArgumentError, UnimplementedError, invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, binary, check_broadcast, is_tensor, match, mismatch, unary
from tapeflow.engine.dtypes import BOOL, FLOAT, INTEGER, NUMBER, STRING
from tapeflow.engine.primitive import constant, elementwise

_ORDERED = FLOAT + INTEGER


def _comparison(name, kernel, dtypes):
    return constant(name, kernel, dtypes, operands="a b", batch="elementwise")


# Python's operators are ten times quicker than the ufuncs on NumPy scalars.
LESS = _comparison("Less", operator.lt, _ORDERED)
LESS_EQUAL = _comparison("LessEqual", operator.le, _ORDERED)
GREATER = _comparison("Greater", operator.gt, _ORDERED)
GREATER_EQUAL = _comparison("GreaterEqual", operator.ge, _ORDERED)
EQUAL = _comparison("Equal", operator.eq, tuple(BY_NUMPY))
NOT_EQUAL = _comparison("NotEqual", operator.ne, tuple(BY_NUMPY))
EQUAL.kernels[STRING[0]] = lambda a, b: np.asarray(np.equal(a, b), bool)
NOT_EQUAL.kernels[STRING[0]] = lambda a, b: np.asarray(np.not_equal(a, b), bool)
LOGICAL_AND = _comparison("LogicalAnd", operator.and_, BOOL)
LOGICAL_OR = _comparison("LogicalOr", operator.or_, BOOL)
LOGICAL_NOT = constant("LogicalNot", operator.invert, BOOL, batch="elementwise")
IS_NAN = constant("IsNan", np.isnan, FLOAT, batch="elementwise")
IS_INF = constant("IsInf", np.isinf, FLOAT, batch="elementwise")
IS_FINITE = constant("IsFinite", np.isfinite, FLOAT, batch="elementwise")
IS_NON_DECREASING = constant("IsNonDecreasing", lambda x: _in_order(operator.le, x), _ORDERED)
IS_STRICTLY_INCREASING = constant("IsStrictlyIncreasing", lambda x: _in_order(operator.lt, x), _ORDERED)


def _in_order(compare, x):
    flat = x.ravel()
    return np.all(compare(flat[:-1], flat[1:]))


def _select(c, a, b):
    if c.__class__ is np.bool_ and a.__class__ is not np.ndarray and b.__class__ is not np.ndarray:
        return a if c else b
    return np.where(c, a, b)


SELECT = elementwise("SelectV2", _select, None, None, lambda c: c, lambda c: ~c, operands="c a b")


def _where(x):
    if not x.ndim:
        raise invalid_argument("WhereOp : Unhandled input dimensions: 0 (a scalar has no positions)")
    if x.dtype == np.float16:
        raise UnimplementedError(
            None, None, "No WhereOp available for float16/half type on CPU: cast it first"
        )
    return np.argwhere(x).astype(np.int64, copy=False)


WHERE = constant("Where", _where, NUMBER + BOOL)
WHERE.sized_by_values = True


def less(x, y, name=None):
    """x < y, elementwise and broadcast, a bool tensor.

    >>> import tapeflow as tf
    >>> tf.less([1, 2], 2).numpy().tolist()
    [True, False]
    """
    return binary(LESS, x, y)


def less_equal(x, y, name=None):
    """x <= y, elementwise and broadcast, a bool tensor.

    >>> import tapeflow as tf
    >>> tf.less_equal([1, 3], 2).numpy().tolist()
    [True, False]
    """
    return binary(LESS_EQUAL, x, y)


def greater(x, y, name=None):
    """x > y, elementwise and broadcast, a bool tensor.

    >>> import tapeflow as tf
    >>> tf.greater([1, 3], 2).numpy().tolist()
    [False, True]
    """
    return binary(GREATER, x, y)


def greater_equal(x, y, name=None):
    """x >= y, elementwise and broadcast, a bool tensor.

    >>> import tapeflow as tf
    >>> tf.greater_equal([1, 2], 2).numpy().tolist()
    [False, True]
    """
    return binary(GREATER_EQUAL, x, y)


def equal(x, y, name=None):
    """x == y, elementwise and broadcast, a bool tensor; any dtype.

    >>> import tapeflow as tf
    >>> tf.equal([1, 2], 2).numpy().tolist()
    [False, True]
    """
    return binary(EQUAL, x, y)


def not_equal(x, y, name=None):
    """x != y, elementwise and broadcast, a bool tensor; any dtype.

    >>> import tapeflow as tf
    >>> tf.not_equal([1, 2], 2).numpy().tolist()
    [True, False]
    """
    return binary(NOT_EQUAL, x, y)


def equal_or_not(prim, x, y):
    """What `==` and `!=` give: elementwise, and a single False or True where the shapes do not broadcast."""
    try:
        found = binary(prim, x, y)
        if found.__class__ is EagerTensor or not holds_dim(found._shape):
            return found
        x, y = match(x, y)
        if x._shape.__class__ is y._shape.__class__ is tuple and _may_not_fit(x._shape, y._shape):
            from tapeflow.ops.sized import waiting

            return waiting(equal_or_not, (prim, x, y))
        return found
    except InvalidArgumentError:
        x, y = match(x, y)
        if x._dtype != y._dtype:
            raise
    return convert_to_tensor(prim is NOT_EQUAL)


def _may_not_fit(a, b):
    """Whether shapes have sizes that are not known, by which they may turn out not to broadcast."""
    pairs = zip(reversed(a), reversed(b))
    return any([(isinstance(m, Dim) or isinstance(n, Dim)) and not (m == n or m == 1 or n == 1) for m, n in pairs])


def boolean(value):
    """A logical operand as a tensor: what is none must be booleans."""
    if value.__class__ is EagerTensor:
        return value
    return convert_to_tensor(value) if is_tensor(value) else convert_to_tensor(value, "bool")


def logical_and(x, y, name=None):
    """x and y, elementwise and broadcast; bool tensors.

    >>> import tapeflow as tf
    >>> tf.logical_and([True, False], True).numpy().tolist()
    [True, False]
    """
    return binary(LOGICAL_AND, boolean(x), boolean(y))


def logical_or(x, y, name=None):
    """x or y, elementwise and broadcast; bool tensors.

    >>> import tapeflow as tf
    >>> tf.logical_or([True, False], False).numpy().tolist()
    [True, False]
    """
    return binary(LOGICAL_OR, boolean(x), boolean(y))


def logical_not(x, name=None):
    """not x, elementwise; a bool tensor.

    >>> import tapeflow as tf
    >>> tf.logical_not([True, False]).numpy().tolist()
    [False, True]
    """
    return unary(LOGICAL_NOT, boolean(x))


def logical_xor(x, y, name="LogicalXor"):
    """Either x or y but not both, elementwise and broadcast; bool tensors.

    >>> import tapeflow as tf
    >>> tf.math.logical_xor([True, False], True).numpy().tolist()
    [False, True]
    """
    return logical_and(logical_or(x, y), logical_not(logical_and(x, y)))


def is_nan(x, name=None):
    """Whether each element is not a number.

    >>> import tapeflow as tf
    >>> tf.math.is_nan([1., float("nan")]).numpy().tolist()
    [False, True]
    """
    return unary(IS_NAN, x)


def is_inf(x, name=None):
    """Whether each element is infinite.

    >>> import tapeflow as tf
    >>> tf.math.is_inf([1., float("inf")]).numpy().tolist()
    [False, True]
    """
    return unary(IS_INF, x)


def is_finite(x, name=None):
    """Whether each element is neither infinite nor not a number.

    >>> import tapeflow as tf
    >>> tf.math.is_finite([1., float("inf")]).numpy().tolist()
    [True, False]
    """
    return unary(IS_FINITE, x)


def is_non_decreasing(x, name=None):
    """Whether the elements of `x`, in row-major order, never decrease: a scalar bool tensor.

    >>> import tapeflow as tf
    >>> tf.math.is_non_decreasing([1, 1, 2]).numpy().item()
    True
    """
    return apply(IS_NON_DECREASING, (_numeric(x),))


def is_strictly_increasing(x, name=None):
    """Whether the elements of `x`, in row-major order, always increase: a scalar bool tensor.

    >>> import tapeflow as tf
    >>> tf.math.is_strictly_increasing([1, 1, 2]).numpy().item()
    False
    """
    return apply(IS_STRICTLY_INCREASING, (_numeric(x),))


def _numeric(x):
    x = convert_to_tensor(x)
    if not x.dtype.is_numeric:
        raise TypeError(f"Expected x to be numeric, instead found: {x!r}")
    return x


def where(condition, x=None, y=None, name=None):
    """x where `condition` holds and y elsewhere, all three broadcast; without x and y, where it holds.

    Args:
      condition: a bool tensor, or numbers, which hold where they are not 0.
      x, y: tensors of one dtype, or both None.

    Returns:
      A tensor of the dtype of x and y; or the positions, an int64 tensor of shape `[number of them, rank]`.

    Raises:
      ValueError: one of x and y is None.
      InvalidArgumentError: the dtypes differ, or the shapes do not broadcast.

    >>> import tapeflow as tf
    >>> tf.where([True, False], [1, 2], 0).numpy().tolist()
    [1, 0]
    >>> tf.where([True, False, True]).numpy().tolist()
    [[0], [2]]
    """
    condition = convert_to_tensor(condition)
    if x is None and y is None:
        return apply(WHERE, (condition,))
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    if condition._dtype.kind != "b":
        raise mismatch(SELECT, 0, BOOL[0], condition._dtype)
    x, y = match(x, y)
    if x._dtype != y._dtype:
        raise mismatch(SELECT, 2, x._dtype, y._dtype)
    try:
        return apply(SELECT, (condition, x, y))
    except ValueError:
        for a, b in ((condition, x), (condition, y), (x, y)):
            check_broadcast(SELECT, a._shape, b._shape)
        raise
