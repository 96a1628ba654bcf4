"""`tf.strings.unicode_*`: strings as code points, and back."""

import numpy as np

from tapeflow.core import dtype as d
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import constant
from tapeflow.ops.strings import _one

_CODECS = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be"}
_ERRORS = ("replace", "strict", "ignore")


def _points(text, codec, errors, replacement, controls):
    """The code points of bytes, as a list."""
    try:
        points = [ord(c) for c in text.decode(codec, errors)]
    except UnicodeDecodeError:
        raise invalid_argument("Invalid formatting on input string [Op:UnicodeDecodeWithOffsets] name: ") from None
    if errors == "replace" and replacement != 0xFFFD:
        points = [replacement if p == 0xFFFD else p for p in points]
    return [replacement if p < 32 else p for p in points] if controls else points


def _decode(x, *attrs):
    return np.array(_points(np.asarray(x).item(), *attrs), np.int32)


def _split(x, codec, errors, replacement):
    points = _points(np.asarray(x).item(), codec, errors, replacement, False)
    out = np.empty(len(points), object)
    out[:] = [chr(p).encode(codec) for p in points]
    return out


def _encode(x, codec, errors, replacement):
    out = np.empty(x.shape[:-1], object)
    for place in np.ndindex(out.shape):
        out[place] = b"".join(_encoded(int(p), codec, errors, replacement) for p in x[place])
    return out


def _encoded(point, codec, errors, replacement):
    if 0 <= point < 0x110000 and not 0xD800 <= point < 0xE000:
        return chr(point).encode(codec)
    if errors == "strict":
        raise invalid_argument("Code point is out of range for Unicode, or a noncharacter. [Op:UnicodeEncode] name: ")
    return b"" if errors == "ignore" else chr(replacement).encode(codec)


DECODE = constant("UnicodeDecode", _decode, attrs="codec errors replacement controls")
SPLIT = constant("UnicodeSplit", _split, attrs="codec errors replacement")
DECODE.shape = SPLIT.shape = lambda *ignored: (None,)
DECODE.dtype = np.dtype(np.int32)
ENCODE = constant("UnicodeEncode", _encode, attrs="codec errors replacement")


def _checked(encoding, errors, op):
    if errors not in _ERRORS:
        raise invalid_argument(f"errors must be one of {', '.join(_ERRORS)}, and is {errors!r}. [Op:{op}] name: ")
    codec = _CODECS.get(encoding.upper())
    if codec is None:
        raise invalid_argument(f"{op} takes the encodings {', '.join(_CODECS)}, not {encoding!r}. [Op:{op}] name: ")
    return codec, errors


def unicode_decode(
    input, input_encoding, errors="replace", replacement_char=65533,  # noqa: A002 (TensorFlow's name)
    replace_control_characters=False, name=None,
):  # fmt: skip
    """The code points of one string, an int32 vector.

    Args:
      input: one string: there are no ragged tensors for several.
      input_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what is not text is "replace"d, an error ("strict"), or left out ("ignore").
      replacement_char: the code point in the place of what is not text.
      replace_control_characters: whether the control characters below 32 are replaced too.
      name: not used.

    Raises InvalidArgumentError for an unknown encoding, and for what is not text if `errors` is "strict".

    >>> import tapeflow as tf
    >>> tf.strings.unicode_decode("G\\u00f6", "UTF-8").numpy().tolist()
    [71, 246]
    """
    attrs = *_checked(input_encoding, errors, "UnicodeDecode"), int(replacement_char), bool(replace_control_characters)
    return apply(DECODE, (_one(input, "unicode_decode"),), attrs)


def unicode_split(input, input_encoding, errors="replace", replacement_char=65533, name=None):  # noqa: A002
    """The characters of one string, each a string. The arguments are those of `tf.strings.unicode_decode`.

    >>> import tapeflow as tf
    >>> [c.decode() for c in tf.strings.unicode_split("G\\u00f6", "UTF-8").numpy()] == ["G", "\\u00f6"]
    True
    """
    attrs = *_checked(input_encoding, errors, "UnicodeSplit"), int(replacement_char)
    return apply(SPLIT, (_one(input, "unicode_split"),), attrs)


def unicode_encode(input, output_encoding, errors="replace", replacement_char=65533, name=None):  # noqa: A002
    """Strings of code points: of each row along the last axis, one.

    Args:
      input: int32 code points, a vector or more.
      output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what is no code point is "replace"d, an error ("strict"), or left out ("ignore").
      replacement_char: the code point in the place of what is none.
      name: not used.

    Raises ValueError for a scalar, InvalidArgumentError as `tf.strings.unicode_decode`.

    >>> import tapeflow as tf
    >>> tf.strings.unicode_encode([[71, 111], [72, 105]], "UTF-8").numpy().tolist()
    [b'Go', b'Hi']
    """
    attrs = *_checked(output_encoding, errors, "UnicodeEncode"), int(replacement_char)
    points = convert_to_tensor(input, d.int32)
    if not points._shape:
        raise ValueError("input_tensor's rank must be at least 1.")
    return apply(ENCODE, (points,), attrs)
