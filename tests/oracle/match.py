"""Patterns over case ids. An id may hold brackets and question marks, so `*` is the only wildcard."""

import re


def matches(pattern, text):
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, text, re.DOTALL) is not None
