"""Samples for the primitives on strings."""

import re

import numpy as np

from tapeflow.core.dtype import string

WORDS = np.array([[b"Gray wolf", b" fox "], [b"", b"a1b22"]], string._np)
ONE = np.array(b"a,b,,c", string._np)
TEXT = np.array("G\u00f6\u6c34".encode(), string._np)
POINTS = np.array([[71, 246], [27700, 72]], np.int32)
NUMBERS = np.array([b"1", b"-25", b"3"], string._np)
F32, I64 = np.dtype(np.float32), np.dtype(np.int64)

SAMPLES = {
    "StringLength": [((WORDS,), ("BYTE",)), ((NUMBERS,), ("UTF8_CHAR",))],
    "StringLower": [((WORDS,), (False,)), ((NUMBERS,), (True,))],
    "StringUpper": [((WORDS,), (True,)), ((NUMBERS,), (False,))],
    "StringStrip": [((WORDS,), ())],
    "Substr": [
        ((NUMBERS, np.int32(0), np.int32(2)), ("BYTE",)),
        ((NUMBERS, np.array([0, 1, 1]), I64.type(1)), ("UTF8_CHAR",)),
    ],
    "StringJoin": [((WORDS, WORDS), (b"-",)), ((WORDS, ONE, WORDS), (b"",))],
    "ReduceJoin": [((WORDS,), (b" ",)), ((NUMBERS,), (b"",))],
    "StringSplitV2": [((ONE,), (b",", -1)), ((ONE,), (b"", 1))],
    "StringBytesSplit": [((ONE,), ())],
    "UnicodeDecode": [((TEXT,), ("utf-8", "strict", 65533, False)), ((ONE,), ("utf-16-be", "replace", 63, True))],
    "UnicodeSplit": [((TEXT,), ("utf-8", "strict", 65533)), ((ONE,), ("utf-8", "ignore", 65533))],
    "UnicodeEncode": [((POINTS,), ("utf-8", "strict", 65533)), ((POINTS[0],), ("utf-16-be", "replace", 65533))],
    "StringToNumber": [((NUMBERS,), (F32,)), ((NUMBERS,), (I64,))],
    "AsString": [((np.array([1.5, -2.0]),), ("%.2f",)), ((np.array([True, False]),), ("%s",)), ((WORDS,), ("%s",))],
    "RegexReplace": [((WORDS,), (re.compile(b"[aeiou]"), rb"<\0>", 0))],
    "RegexFullMatch": [((WORDS,), (re.compile(b".*l.*"),))],
}
