"""Small sizes in the place of large ones, for what a kernel does with sizes to be found out in no time.

Each number that is not small becomes a name, as a size that is not known is one, and the names stand for small numbers
in the same order: what is least or largest stays so. Several sets of them differ in all their sums and differences, so
that what comes out as the same number, or name, in all of them is that number, or name.
"""

import math

import numpy as np

from tapeflow.core.dims import Dim, UnknownRank, substitute
from tapeflow.core.tensor import EagerTensor
from tapeflow.ops.sized import Batched, Call, Gradient, Mark

CHEAP = 1 << 12  # elements that no kernel takes long for
KEPT = 8  # numbers up to here stay: ranks, axes, the sizes of small matrices
STEPS = ((1, 1, 2), (3, 1, 4, 2), (2, 5, 1, 3, 1), (1, 4, 6))  # between the numbers of a set
WITHOUT = (Dim, str, bool, float, complex, np.dtype, type, Call, Gradient, Batched, Mark)  # without numbers to replace
LONG = 64  # items of an attribute; more are content rather than sizes


def smaller(types, attrs):
    """(types, attributes, sets, meaning) of an operation that takes long: large numbers are names, Dims.

    Each of the sets has a number for each name's key. `meaning` has what each stands for. None where the operation is
    quick as it is, or something in it cannot be replaced.
    """
    numbers = set()
    if not (_slow(types, attrs) and all([_collect(shape, numbers) for shape, _ in types]) and _collect(attrs, numbers)):
        return None
    large = sorted(n for n in numbers if n > KEPT)
    named, meaning = {}, {}

    def name(value):
        found = named.get(value)
        if found is None:
            found = named[value] = Dim("size", "large" if value.__class__ is int else "unknown", len(named))
            meaning[found.key] = value
        return found

    for n in large:
        name(n)
    first = 1 + max([n for n in numbers if n <= KEPT], default=4)
    sets = [_rising([named[n].key for n in large], max(first, 5), steps) for steps in STEPS]
    return [(_replaced(shape, name), dtype) for shape, dtype in types], _replaced(attrs, name), sets, meaning


def _slow(types, attrs):
    """Whether operands, or what may be made of them by the attributes' numbers, are large."""
    if any(shape.__class__ is UnknownRank for shape, _ in types):
        return False
    elements = sum([math.prod([n if n.__class__ is int else 5 for n in shape]) for shape, _ in types])
    numbers = set()
    return elements > CHEAP or not _collect(attrs, numbers) or math.prod([n for n in numbers if n > KEPT]) > CHEAP


def _rising(keys, first, steps):
    found = {}
    for i, key in enumerate(keys):
        found[key] = first + steps[0] - 1
        first = found[key] + steps[(i + 1) % len(steps)]
    return found


def _collect(value, numbers):
    """Add the ints in a shape or attribute to a set. False if there is something in it that may hold others."""
    kind = value.__class__
    if kind is int:
        numbers.add(value)
        return value >= -KEPT
    if kind is tuple or kind is list:
        return len(value) <= LONG and all([_collect(item, numbers) for item in value])
    if kind is slice:
        return all([_collect(item, numbers) for item in (value.start, value.stop, value.step)])
    if kind is EagerTensor:
        value = value._array
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind not in "iu" or value.size <= KEPT and bool(np.all(np.abs(value) <= KEPT))
    return value is None or isinstance(value, WITHOUT)


def _replaced(value, name):
    """A shape or attribute with names for large numbers, and for what is not known."""
    kind = value.__class__
    if kind is Dim:
        return name(value)
    if kind is int:
        return name(value) if value > KEPT else value
    if kind is tuple or kind is list:
        return kind([_replaced(item, name) for item in value])
    if kind is slice:
        return slice(*[_replaced(item, name) for item in (value.start, value.stop, value.step)])
    return value


def meant(types, meaning):
    """Types in which names stand for what they mean."""
    return [
        (shape if shape.__class__ is UnknownRank else substitute(shape, meaning.__getitem__), dtype)
        for shape, dtype in types
    ]
