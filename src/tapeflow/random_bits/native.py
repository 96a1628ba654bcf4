"""Who can fill an array faster than NumPy: the compiler, which says so when it is there. The numbers are the same."""

from collections.abc import Callable

FEW = 256  # numbers that NumPy has as fast

filler: Callable | None = None  # of (kind, key, counter, count, dtype): an array, or None


def filled(kind, key, counter, count, dtype):
    """An array of `count` numbers, or None where NumPy has to make them."""
    return None if filler is None or count < FEW else filler(kind, key, counter, count, dtype)
