"""Assertions: `tf.debugging.assert_*`, `Assert`. Eagerly each returns None, or raises at once."""

import numpy as np

from tapeflow.core import dtype as dtypes
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import holds_dim
from tapeflow.core.dtype import as_dtype
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.tensor import Tensor
from tapeflow.core.types import TensorLike
from tapeflow.ops.at_run import at_run, call_at_run
from tapeflow.ops.compare import equal, greater, greater_equal, less, less_equal, not_equal
from tapeflow.ops.reduce import reduce_all

# What compiled code tests by itself: only where it is false is the function below called, to raise.


def _is_true(condition, *rest, **options):
    """The condition of an `Assert`, where that is one truth value."""
    if hasattr(condition, "_shape") and condition.dtype is dtypes.bool and condition._shape == ():
        return condition
    return None


def _all(function):
    """Whether a comparison of two tensors holds for all elements."""
    return lambda x, y, *rest, **options: reduce_all(function(convert_to_tensor(x), convert_to_tensor(y)))


def _all_to_zero(function):
    """Whether a comparison with 0 holds for all elements."""

    def holds(x, *rest, **options):
        x = convert_to_tensor(x)
        return reduce_all(function(x, convert_to_tensor(0, x.dtype)))

    return holds


def _with_tolerance(x, y, rtol, atol):
    """The operands of `assert_near` as tensors."""
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, x.dtype)
    if not (x.dtype.is_floating or x.dtype.is_complex):
        raise ValueError(f"data type {x.dtype.as_numpy_dtype} not inexact")
    real = x.dtype.real_dtype
    from ml_dtypes import finfo

    eps = float(finfo(real.as_numpy_dtype).eps)
    rtol = convert_to_tensor(10 * eps if rtol is None else rtol, real)
    atol = convert_to_tensor(10 * eps if atol is None else atol, real)
    return x, y, rtol, atol


def _is_near(x, y, rtol=None, atol=None, *rest, **options):
    """Whether `|x - y| < atol + rtol * |y|` for all elements."""
    x, y, rtol, atol = _with_tolerance(x, y, rtol, atol)
    return reduce_all(less(abs(x - y), atol + rtol * abs(y)))


@at_run(_is_true)
def Assert(condition, data, summarize=None, name=None):  # noqa: N802 (TensorFlow's name)
    """Raise InvalidArgumentError with the values of `data`, a list of tensors, if `condition` is false.

    `summarize`: how many elements of each to show, 3 if None.

    >>> import tapeflow as tf
    >>> tf.debugging.Assert(tf.reduce_all(tf.constant([1., 2.]) > 0), ["positive"])
    """
    if condition:
        return
    if not hasattr(data, "__iter__"):
        raise TypeError(f"values must be a sequence: `data` is a list of tensors to show, and was {data!r}.")
    texts = [_elements(convert_to_tensor(item).numpy(), 3 if summarize is None else summarize) for item in data]
    raise _failed(f"Expected '{condition!s}' to be true. Summarized data: " + "\n".join(texts))


def _elements(value, count):
    flat = np.asarray(value).ravel()
    shown = [str(item) for item in (flat if count < 0 else flat[:count])]
    return ", ".join(shown + ["..."] * (len(shown) < flat.size))


def _failed(text):
    return InvalidArgumentError(None, None, text)


# Elementwise comparisons of two tensors.


@at_run(_all(equal))
def assert_equal(x, y, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless `x == y` holds for every element, broadcast.

    `message` goes before TensorFlow's own; `summarize` is how many elements to show, 3 if None.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_equal(tf.constant([1, 2]), [1, 2])
    """
    _compare("==", equal, x, y, message, summarize)


@at_run(_all(not_equal))
def assert_none_equal(x, y, summarize=None, message=None, name=None):
    """Raise InvalidArgumentError unless `x != y` holds for every element, broadcast.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_none_equal(tf.constant([1, 2]), [2, 1])
    """
    _compare("!=", not_equal, x, y, message, summarize)


@at_run(_all(less))
def assert_less(x, y, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless `x < y` holds for every element, broadcast.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_less(tf.constant([1, 2]), 3)
    """
    _compare("<", less, x, y, message, summarize)


@at_run(_all(less_equal))
def assert_less_equal(x, y, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless `x <= y` holds for every element, broadcast.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_less_equal(tf.constant([1, 2]), 2)
    """
    _compare("<=", less_equal, x, y, message, summarize)


@at_run(_all(greater))
def assert_greater(x, y, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless `x > y` holds for every element, broadcast.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_greater(tf.constant([1, 2]), 0)
    """
    _compare(">", greater, x, y, message, summarize)


@at_run(_all(greater_equal))
def assert_greater_equal(x, y, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless `x >= y` holds for every element, broadcast.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_greater_equal(tf.constant([1, 2]), 1)
    """
    _compare(">=", greater_equal, x, y, message, summarize)


def _compare(symbol, function, x, y, message, summarize):
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    holds = function(x, y).numpy()
    if np.all(holds):
        return
    lines = [] if not message else [str(message)]
    lines.append(f"Condition x {symbol} y did not hold.")
    a, b = np.asarray(x.numpy()), np.asarray(y.numpy())
    count = 3 if summarize is None else max(a.size, b.size) if summarize < 0 else summarize
    if a.shape == b.shape != ():
        where = np.argwhere(~holds)[:count]
        lines += [
            f"Indices of first {len(where)} different values:", str(where),
            "Corresponding x values:", str(a[~holds][:count]),
            "Corresponding y values:", str(b[~holds][:count]),
        ]  # fmt: skip
    for letter, array in (("x", a), ("y", b)):
        lines += [f"First {min(array.size, count)} elements of {letter}:", str(array.ravel()[:count])]
    raise _failed("\n".join(lines))


@at_run(_is_near)
def assert_near(x, y, rtol=None, atol=None, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless `|x - y| <= atol + rtol * |y|` for every element.

    `rtol` and `atol` are 10 times the dtype's epsilon if None.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_near(tf.constant([1., 2.]), [1.0000001, 2.])
    """
    x, y, rtol, atol = _with_tolerance(x, y, rtol, atol)
    a, b = x.numpy(), y.numpy()
    near = np.abs(a - b) < atol.numpy() + rtol.numpy() * np.abs(b)
    Assert(
        convert_to_tensor(bool(np.all(near))),
        [
            f"{message}.  " if message else "",
            f"x and y not equal to tolerance rtol = {rtol!s}, atol = {atol!s}",
            f"x (shape={x.shape} dtype={x.dtype.name}) = ", x, f"y (shape={y.shape} dtype={y.dtype.name}) = ", y,
        ],
        summarize=summarize,
    )  # fmt: skip


# The sign.


@at_run(_all_to_zero(less))
def assert_negative(x, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless every element of `x` is below 0.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_negative(tf.constant([-1., -2.]))
    """
    _signed("<", less, x, message, summarize)


@at_run(_all_to_zero(greater))
def assert_positive(x, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError unless every element of `x` is above 0.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_positive(tf.constant([1., 2.]))
    """
    _signed(">", greater, x, message, summarize)


@at_run(_all_to_zero(greater_equal))
def assert_non_negative(x, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError if an element of `x` is below 0.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_non_negative(tf.constant([0., 2.]))
    """
    _signed(">=", greater_equal, x, message, summarize)


@at_run(_all_to_zero(less_equal))
def assert_non_positive(x, message=None, summarize=None, name=None):
    """Raise InvalidArgumentError if an element of `x` is above 0.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_non_positive(tf.constant([0., -2.]))
    """
    _signed("<=", less_equal, x, message, summarize)


def _signed(symbol, function, x, message, summarize):
    x = convert_to_tensor(x)
    if np.all(function(x, convert_to_tensor(0, x.dtype)).numpy()):
        return
    shown = _elements(x.numpy(), 3 if summarize is None else summarize).split(", ")
    before = f"{message}.  " if message else ""
    raise _failed(
        f"{before}\nCondition x {symbol} 0 did not hold element-wise:\nx (shape={x.shape} dtype={x.dtype.name}) = \n"
        f"{shown}"
    )


# Types.


def assert_integer(x, message=None, name=None):
    """Raise TypeError unless the dtype of `x` is an integer one.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_integer(tf.constant(1))
    """
    x = convert_to_tensor(x)
    if not x.dtype.is_integer:
        raise TypeError(
            f'{_prefix(message)}Expected "x" to be integer type.  Found: tensor of dtype {_type_text(x.dtype)}'
        )


def assert_type(tensor, tf_type, message=None, name=None):
    """Raise TypeError unless `tensor` has the dtype `tf_type`.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_type(tf.constant(1.0), tf.float32)
    """
    wanted = as_dtype(tf_type)
    given = convert_to_tensor(tensor).dtype
    if given is not wanted:
        raise TypeError(f"{_prefix(message)}tensor must be of type {wanted!r}; got {given!r}")


def assert_same_float_dtype(tensors=None, dtype=None):
    """The floating dtype that all of `tensors` have, and `dtype` if it is given; float32 if neither is.

    Raises ValueError if they differ, or the dtype is not floating.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_same_float_dtype([tf.constant(1.0), tf.constant(2.0)])
    tf.float32
    """
    found = None if dtype is None else as_dtype(dtype)
    first = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        if found is None:
            found, first = tensor.dtype, tensor
        elif tensor.dtype is not found:
            origin = "" if first is None else f" as {first!s}"
            raise ValueError(
                f"{tensor!s}, type={_type_text(tensor.dtype)}, must be of the same type ({_type_text(found)}){origin}."
            )
    found = dtypes.float32 if found is None else found
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {_type_text(found)}.")
    return found


def assert_proper_iterable(values):
    """Raise TypeError unless `values` is an iterable of values: no tensor, array or string.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_proper_iterable([tf.constant(1.0)])
    """
    if isinstance(values, (Tensor, str, bytes, np.ndarray)):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


def is_numeric_tensor(tensor):
    """Whether `tensor` is a tensor of numbers.

    >>> import tapeflow as tf
    >>> tf.debugging.is_numeric_tensor(tf.constant(1)), tf.debugging.is_numeric_tensor("a")
    (True, False)
    """
    if not isinstance(tensor, Tensor):
        return False
    dtype = tensor.dtype
    return dtype.is_floating or dtype.is_integer or dtype.is_complex or dtype.is_quantized


def _type_text(dtype):
    return f"<dtype: {dtype.name!r}>"


def _prefix(message):
    return f"{message}.  " if message else ""


# Shapes.


def assert_rank(x, rank, message=None, name=None):
    """Raise ValueError unless `x` has the rank `rank`.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_rank(tf.constant([1., 2.]), 1)
    """
    _check_rank(x, rank, lambda given, wanted: given == wanted, "rank {}", message)


def assert_rank_at_least(x, rank, message=None, name=None):
    """Raise ValueError unless `x` has the rank `rank` or a higher one.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_rank_at_least(tf.constant([1., 2.]), 0)
    """
    _check_rank(x, rank, lambda given, wanted: given >= wanted, "rank at least {}", message)


def assert_rank_in(x, ranks, message=None, name=None):
    """Raise ValueError unless `x` has one of the ranks in `ranks`.

    >>> import tapeflow as tf
    >>> tf.debugging.assert_rank_in(tf.constant([1., 2.]), (1, 2))
    """
    x = convert_to_tensor(x)
    wanted = tuple(_rank(rank) for rank in ranks)
    if x.ndim not in wanted:
        raise ValueError(
            f"{_prefix(message)}Tensor  must have rank in {wanted}.  Received rank {x.ndim}, shape {x.shape}"
        )


def _rank(rank):
    rank = convert_to_tensor(rank)
    if rank.dtype is not dtypes.int32:
        raise TypeError(f"tensor must be of type tf.int32; got {rank.dtype!r}")
    if rank.ndim:
        raise ValueError("Rank must be a scalar.")
    return int(rank.numpy())


def _check_rank(x, rank, holds, text, message):
    x = convert_to_tensor(x)
    wanted = _rank(rank)
    if not holds(x.ndim, wanted):
        raise ValueError(
            f"{_prefix(message)}Tensor  must have {text.format(wanted)}.  Received rank {x.ndim}, shape {x.shape}"
        )


def assert_scalar(tensor, message=None, name=None):
    """Raise ValueError unless `tensor` has the shape ().

    >>> import tapeflow as tf
    >>> tf.debugging.assert_scalar(tf.constant(1.0))
    """
    shape = convert_to_tensor(tensor).shape
    if shape.rank != 0:
        raise ValueError(f"{_prefix(message)}Expected scalar shape, saw shape: {shape}.")


def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """Check the shapes of several tensors, and that sizes of one name agree.

    Args:
      shapes: pairs of a tensor and its shape, or a dictionary. A shape is a sequence of sizes, names, and None or "."
        for any size; a first "*" or `...` stands for any number of dimensions.
      data: not used.
      summarize: not used.
      message: text before the error's own.
      name: not used.

    Raises:
      ValueError: a shape does not hold, or is not well formed.

    >>> import tapeflow as tf
    >>> x, y = tf.ones([2, 3]), tf.ones([3])
    >>> tf.debugging.assert_shapes([(x, ("N", "Q")), (y, ("Q",))])
    """
    pairs = list(shapes.items() if isinstance(shapes, dict) else shapes)
    if any(isinstance(x, Tensor) and holds_dim(x._shape) and len(x._shape) == len(spec) for x, spec in pairs):
        return call_at_run(_assert_shapes_at_run, (pairs, message), {}, only_checks=True)
    prefix = _prefix(message)
    known = {}  # a name: (its size, the text of the tensor that gave it, the dimension)
    for tensor, spec in pairs:
        tensor = tensor if isinstance(tensor, TensorLike) else convert_to_tensor(tensor)
        told = f"Tensor shape={tensor.shape} dtype={tensor.dtype.name}"
        if not (hasattr(spec, "__iter__") or hasattr(spec, "__getitem__")):
            raise ValueError(
                f"{prefix}{told}.  Specified shape must be an iterable.  An iterable has the attribute `__iter__` or "
                f"`__getitem__`.  Received specified shape: {spec}"
            )
        sizes = [... if isinstance(size, str) and size == "*" else size for size in spec]
        for i, size in enumerate(sizes):
            if size is ... and i:
                raise ValueError(
                    f"{prefix}{told} specified shape index {i}.  Symbol `...` or `*` for a variable number of "
                    "unspecified dimensions is only allowed as the first entry"
                )
        shape = tuple(tensor.shape)
        leading = bool(sizes) and sizes[0] is ...
        sizes = (sizes[1:] if leading else sizes) or [1]
        rank = len(sizes)
        # A scalar passes for a vector of one element, and no size for one that is 1.
        fits = len(shape) >= rank or rank == 1 if leading else len(shape) == rank or rank == 1 and not shape
        if not fits:
            wanted = f"at least {rank}" if leading else "in (0, 1)" if rank == 1 else rank
            raise ValueError(f"{prefix}Tensor  must have rank {wanted}.  Received rank {len(shape)}, shape {shape}")
        for i, size in enumerate(sizes):
            _check_size(told, shape, i - rank if leading else i, size, known, prefix)


def _assert_shapes_at_run(pairs, message):
    try:
        assert_shapes(pairs, message=message)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


def _check_size(told, shape, place, size, known, prefix):
    if size is None or isinstance(size, str) and size == ".":
        return
    given = shape[place] if shape else 1
    if isinstance(size, str):
        wanted, teller, where = known.setdefault(size, (given, told, place))
        origin = f"Specified by {teller[0].lower()}{teller[1:]} dimension {where}"
    else:
        wanted, origin = int(size), "Specified explicitly"
    if given != wanted:
        raise ValueError(
            f"{prefix}{origin}.  {told} dimension {place} must have size {wanted}.  Received size {given}, shape "
            f"{shape}"
        )
