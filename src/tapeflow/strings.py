"""`tf.strings`: operations on strings."""

from tapeflow.ops.strings import (
    as_string,
    bytes_split,
    format,
    join,
    length,
    lower,
    reduce_join,
    regex_full_match,
    regex_replace,
    split,
    strip,
    substr,
    to_number,
    upper,
)
from tapeflow.ops.unicode import unicode_decode, unicode_encode, unicode_split

__all__ = [
    "as_string", "bytes_split", "format", "join", "length", "lower", "reduce_join", "regex_full_match",
    "regex_replace", "split", "strip", "substr", "to_number", "unicode_decode", "unicode_encode", "unicode_split",
    "upper",
]  # fmt: skip
