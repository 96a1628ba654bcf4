"""`tf.strings`: operations on strings, which are bytes; where characters matter they are UTF-8."""

import re

import numpy as np

from tapeflow.core import dtype as d
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import BY_NUMPY, as_dtype, string
from tapeflow.core.errors import OutOfRangeError, invalid_argument
from tapeflow.engine.dispatch import Takes, apply, bracketed, not_allowed
from tapeflow.engine.dtypes import STRING
from tapeflow.engine.primitive import ELEMENTWISE, constant
from tapeflow.ops.shaping import expand_dims, transpose

_UNITS = ("BYTE", "UTF8_CHAR")


def _each(function, dtype=object):
    """The kernel that applies `function(bytes, *attrs)` to every string."""

    def kernel(x, *attrs):
        found = [function(item, *attrs) for item in np.asarray(x).ravel().tolist()]
        return _array(found, np.shape(x), dtype)

    return kernel


def _array(items, shape, dtype):
    out = np.empty(len(items), dtype)
    out[:] = items
    return out.reshape(shape) if shape or dtype is object else out[0]


def _statement(name, function, attrs="", dtype=object):
    return constant(name, _each(function, dtype), STRING, attrs=attrs, batch=ELEMENTWISE)


def _text(value):
    return value.decode("utf-8", "replace")


def _strings(value):
    return convert_to_tensor(value, string)


def _unit(op, unit):
    if unit not in _UNITS:
        allowed = ", ".join(f'"{name}"' for name in _UNITS)
        raise invalid_argument(
            f"Value for attr 'unit' of \"{unit}\" is not in the list of allowed values: {allowed}\n"
            f"\t; NodeDef: {{{{node {op}}}}} [Op:{op}] name: "
        )
    return unit


LENGTH = _statement(
    "StringLength", lambda s, unit: len(s if unit == "BYTE" else _text(s)), "unit", np.int32
)
LOWER = _statement("StringLower", lambda s, utf8: _text(s).lower().encode() if utf8 else s.lower(), "utf8")
UPPER = _statement("StringUpper", lambda s, utf8: _text(s).upper().encode() if utf8 else s.upper(), "utf8")
STRIP = _statement("StringStrip", lambda s: s.strip())


def length(input, unit="BYTE", name=None):  # noqa: A002 (TensorFlow's name)
    """The number of bytes of each string, or of its characters with `unit="UTF8_CHAR"`; int32.

    >>> import tapeflow as tf
    >>> tf.strings.length(["ab", ""]).numpy().tolist()
    [2, 0]
    """
    return apply(LENGTH, (_strings(input),), (_unit("StringLength", unit),))


def _utf8(encoding, op):
    if encoding not in ("", "utf-8"):
        raise invalid_argument(f"only utf-8 or '' (no encoding) is supported, received {encoding} [Op:{op}] name: ")
    return bool(encoding)


def lower(input, encoding="", name=None):  # noqa: A002 (TensorFlow's name)
    """Each string in lower case: ASCII letters, or all that have one with `encoding="utf-8"`.

    >>> import tapeflow as tf
    >>> tf.strings.lower("AbC").numpy()
    b'abc'
    """
    return apply(LOWER, (_strings(input),), (_utf8(encoding, "StringLower"),))


def upper(input, encoding="", name=None):  # noqa: A002 (TensorFlow's name)
    """Each string in upper case: ASCII letters, or all that have one with `encoding="utf-8"`.

    >>> import tapeflow as tf
    >>> tf.strings.upper("AbC").numpy()
    b'ABC'
    """
    return apply(UPPER, (_strings(input),), (_utf8(encoding, "StringUpper"),))


def strip(input, name=None):  # noqa: A002 (TensorFlow's name)
    """Each string without white space at its ends.

    >>> import tapeflow as tf
    >>> tf.strings.strip(" a b ").numpy()
    b'a b'
    """
    return apply(STRIP, (_strings(input),))


def _substr(x, pos, count, unit):
    x, pos, count = np.broadcast_arrays(x, pos, count)
    found = []
    for i, (item, start, size) in enumerate(zip(x.ravel().tolist(), pos.ravel().tolist(), count.ravel().tolist())):
        whole = item if unit == "BYTE" else _text(item)
        if not -len(whole) <= start <= len(whole):
            raise invalid_argument(f"pos {start} out of range for string b'{_text(item)}' at index {i}")
        start += len(whole) if start < 0 else 0
        part = whole[start : start + max(size, 0)]
        found.append(part if unit == "BYTE" else part.encode())
    return _array(found, x.shape, object)


SUBSTR = constant("Substr", _substr, operands="x pos count", attrs="unit", batch=ELEMENTWISE)


def substr(input, pos, len, unit="BYTE", name=None):  # noqa: A002 (TensorFlow's names)
    """The part of each string from `pos` (from its end if negative) of up to `len` bytes or characters; broadcast.

    Raises InvalidArgumentError if `pos` is not within the string.

    >>> import tapeflow as tf
    >>> tf.strings.substr("Hello", 1, 3).numpy()
    b'ell'
    """
    pos = convert_to_tensor(pos)
    return apply(SUBSTR, (_strings(input), pos, convert_to_tensor(len, pos.dtype)), (_unit("Substr", unit),))


# Joining and splitting.


def _join(*arrays_and_separator):
    *arrays, separator = arrays_and_separator
    shape = next((a.shape for a in arrays if a.ndim), ())
    for a in arrays:
        if a.ndim and a.shape != shape:
            raise invalid_argument(f"Input shapes do not match: {bracketed(shape)} vs. {bracketed(a.shape)}")
    rows = zip(*[np.broadcast_to(a, shape).ravel().tolist() for a in arrays])
    return _array([separator.join(row) for row in rows], shape, object)


JOIN = constant("StringJoin", _join, operands="*", attrs="separator")


def join(inputs, separator="", name=None):
    """The strings of several tensors of one shape (or scalars), joined element by element.

    Raises InvalidArgumentError if the shapes differ.

    >>> import tapeflow as tf
    >>> tf.strings.join([["a", "b"], "x"], separator="-").numpy().tolist()
    [b'a-x', b'b-x']
    """
    tensors = tuple([_strings(item) for item in inputs])
    return apply(JOIN, tensors, (separator.encode(),)) if tensors else _strings("")


REDUCE_JOIN = constant(  # over the last axis
    "ReduceJoin",
    lambda x, separator: _array(
        [separator.join(row) for row in x.reshape(-1, x.shape[-1]).tolist()], x.shape[:-1], object
    ),
    attrs="separator", batch=lambda x, separator: apply(REDUCE_JOIN, (x,), (separator,)),
)  # fmt: skip


def reduce_join(inputs, axis=None, keepdims=False, separator="", name=None):
    """The strings along an axis, or several one after the other, or all, joined.

    Raises OutOfRangeError for an axis that there is not.

    >>> import tapeflow as tf
    >>> tf.strings.reduce_join([["a", "b"], ["c", "d"]], axis=1).numpy().tolist()
    [b'ab', b'cd']
    """
    x = _strings(inputs)
    rank = len(x._shape)
    axes = list(range(rank))[::-1] if axis is None else np.ravel(convert_to_tensor(axis).numpy()).tolist()
    for place in axes:
        if not -rank <= place < rank:
            raise OutOfRangeError(
                None, None,
                f"Invalid reduction dimension {place} for input with {rank} dimension(s) [Op:ReduceJoin] name: ",
            )  # fmt: skip
    axes = [place % rank for place in axes]
    if not axes:
        return x
    out = transpose(x, [i for i in range(rank) if i not in axes] + axes[::-1])
    for _ in axes:
        out = apply(REDUCE_JOIN, (out,), (separator.encode(),))
    for place in sorted(axes) if keepdims else ():
        out = expand_dims(out, place)
    return out


def _splitter(name, function, attrs=""):
    def kernel(x, *attrs):
        parts = function(np.asarray(x).item(), *attrs)
        return _array(parts, (len(parts),), object)

    prim = constant(name, kernel, attrs=attrs)
    prim.shape = lambda *ignored: (None,)
    return prim


SPLIT = _splitter("StringSplitV2", lambda s, sep, most: s.split(sep or None, most), "sep most")
BYTES_SPLIT = _splitter("StringBytesSplit", lambda s: [s[i : i + 1] for i in range(len(s))])


def _one(value, op):
    x = _strings(value)
    if x._shape:
        raise NotImplementedError(
            f"tf.strings.{op} of several strings gives rows of different lengths, and Tapeflow has no tf.RaggedTensor: "
            "split one string at a time."
        )
    return x


def split(input, sep=None, maxsplit=-1, name=None):  # noqa: A002 (TensorFlow's name)
    """The parts of one string between `sep`, or between runs of white space; as Python splits.

    Raises NotImplementedError for more than one string: there are no ragged tensors.

    >>> import tapeflow as tf
    >>> tf.strings.split("a b  c").numpy().tolist()
    [b'a', b'b', b'c']
    """
    return apply(SPLIT, (_one(input, "split"),), ((sep or "").encode(), maxsplit))


def bytes_split(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The bytes of one string, each a string.

    Raises NotImplementedError for more than one string: there are no ragged tensors.

    >>> import tapeflow as tf
    >>> tf.strings.bytes_split("ab").numpy().tolist()
    [b'a', b'b']
    """
    return apply(BYTES_SPLIT, (_one(input, "bytes_split"),))


# Numbers.

_NUMBERS = (d.float32, d.float64, d.int32, d.int64, d.uint32, d.uint64)


def _number(item, dtype):
    try:
        if dtype.kind == "f":
            return float(item)
        value = int(item)
        if np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            return value
    except ValueError:
        value = None
    raise invalid_argument(f"StringToNumberOp could not correctly convert string: {_text(item)}")


TO_NUMBER = constant(
    "StringToNumber", lambda x, dtype: _each(_number, dtype)(x, dtype), attrs="dtype", batch=ELEMENTWISE
)


def to_number(input, out_type=d.float32, name=None):  # noqa: A002 (TensorFlow's name)
    """The number that each string spells, of a dtype: float32, float64, int32, int64, uint32 or uint64.

    Raises InvalidArgumentError for what is no number.

    >>> import tapeflow as tf
    >>> tf.strings.to_number(["1", "2.5"]).numpy().tolist()
    [1.0, 2.5]
    """
    dtype = as_dtype(out_type)
    if dtype not in _NUMBERS:
        raise not_allowed(Takes("StringToNumber", "out_type", [n._np for n in _NUMBERS]), dtype._np)
    return apply(TO_NUMBER, (_strings(input),), (dtype._np,))


def _spell(item, spec):
    if isinstance(item, bytes):
        return spec.replace("%s", "%" + "s") % _text(item)
    if isinstance(item, bool):
        return spec % ("true" if item else "false")
    if isinstance(item, complex):
        return f"({spec},{spec})" % (item.real, item.imag)
    return spec % item


AS_STRING = constant(
    "AsString",
    lambda x, spec: _array([_spell(item, spec).encode() for item in np.asarray(x).ravel().tolist()], x.shape, object),
    attrs="spec", batch=ELEMENTWISE,
)  # fmt: skip


def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):  # noqa: A002
    """Each number, truth value or string spelt as a string, as C's printf does.

    Args:
      input: a tensor.
      precision: how many digits floating-point numbers have after the point.
      scientific: whether those have an exponent.
      shortest: whether those have an exponent only where it is shorter.
      width: the least number of characters.
      fill: what comes before shorter ones: " " (the default), "0", "+" for a sign, or "-" to fill after them.

    Raises InvalidArgumentError if these do not go together.

    >>> import tapeflow as tf
    >>> tf.strings.as_string([3.14159, 2.0], precision=2).numpy().tolist()
    [b'3.14', b'2.00']
    """
    x = convert_to_tensor(input)
    inexact = x.dtype.is_floating or x.dtype.is_complex
    if len(fill) > 1:
        raise invalid_argument("Fill string must be one or fewer characters [Op:AsString] name: ")
    if scientific and shortest:
        raise invalid_argument("Cannot select both scientific and shortest notation [Op:AsString] name: ")
    if not inexact:
        for given, what in ((scientific or shortest, "scientific and shortest"), (precision >= 0, "precision")):
            if given:
                what = f"{what} not supported for datatype {BY_NUMPY[x._dtype].name}"
                raise invalid_argument(f"{what} [Op:AsString] name: ")
    kind = "d" if x.dtype.is_integer else ("e" if scientific else "g" if shortest else "f") if inexact else "s"
    spec = "%" + fill.strip() + (str(width) if width >= 0 else "") + (f".{precision}" if precision >= 0 else "") + kind
    return apply(AS_STRING, (x,), (spec,))


# Patterns.


def _compiled(pattern, op):
    try:
        return re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
    except re.error as error:
        reason = "missing )" if "missing )" in str(error) else str(error)
        raise invalid_argument(f"Invalid pattern: {pattern}, error: {reason}: {pattern} [Op:{op}] name: ") from None


def _replace(item, pattern, rewrite, count):
    if max([int(n) for n in re.findall(rb"\\([0-9])", rewrite)], default=0) > pattern.groups:
        return item
    return pattern.sub(re.sub(rb"\\([0-9])", rb"\\g<\1>", rewrite), item, count=count)


REGEX_REPLACE = _statement("RegexReplace", _replace, "pattern rewrite count")
REGEX_FULL_MATCH = _statement(
    "RegexFullMatch", lambda s, pattern: pattern.fullmatch(s) is not None, "pattern", np.bool_
)


def regex_replace(input, pattern, rewrite, replace_global=True, name=None):  # noqa: A002 (TensorFlow's name)
    r"""Each string with what matches a regular expression replaced; `\1` in `rewrite` is a group, `\0` all of it.

    Python's expressions, which TensorFlow's (RE2) are nearly all among. Raises InvalidArgumentError for no expression.

    >>> import tapeflow as tf
    >>> tf.strings.regex_replace("ab12", "[0-9]+", "_").numpy()
    b'ab_'
    """
    attrs = (_compiled(pattern, "StaticRegexReplace"), rewrite.encode(), 0 if replace_global else 1)
    return apply(REGEX_REPLACE, (_strings(input),), attrs)


def regex_full_match(input, pattern, name=None):  # noqa: A002 (TensorFlow's name)
    """Whether a regular expression matches the whole of each string.

    >>> import tapeflow as tf
    >>> tf.strings.regex_full_match(["abc", "abcd"], "a.c").numpy().tolist()
    [True, False]
    """
    return apply(REGEX_FULL_MATCH, (_strings(input),), (_compiled(pattern, "StaticRegexFullMatch"),))


def format(template, inputs, placeholder="{}", summarize=3, name=None):  # noqa: A001 (TensorFlow's name)
    """`template` with each `placeholder` replaced by a tensor, printed as `tf.print` does.

    Raises ValueError if there are not as many of one as of the other.

    >>> import tapeflow as tf
    >>> tf.strings.format("x = {}", tf.constant([1, 2])).numpy()
    b'x = [1 2]'
    """
    from tapeflow.core.printing import print_text

    if not isinstance(inputs, (list, tuple)) and not isinstance(inputs, str):
        inputs = [inputs]
    parts = template.split(placeholder)
    if len(parts) != len(inputs) + 1:
        raise ValueError(
            f"The template expects {len(parts) - 1} tensors, but the inputs only has {len(inputs)}. Please ensure the "
            "number of placeholders in template matches inputs length."
        )
    texts = [print_text([convert_to_tensor(item)], summarize) for item in inputs]
    return _strings("".join([a + b for a, b in zip(parts, [*texts, ""])]))


