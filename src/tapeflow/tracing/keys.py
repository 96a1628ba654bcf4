"""What of a function's arguments decides whether it is traced again."""

import types
import weakref

import numpy as np

from tapeflow.core.function_types import trace_type_of
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import Tensor
from tapeflow.core.variable import Variable


def counts_as_tensor(value):
    """Whether an argument counts by dtype and shape."""
    return isinstance(value, (Tensor, np.ndarray, np.generic)) or is_array_like(value)


def is_array_like(value):
    """Whether a value that is no tensor counts as one: by dtype and shape."""
    return hasattr(value, "__array__") and not isinstance(value, (Variable, type)) and not hasattr(value, "handle")


def key_of_structure(structure):
    """The part of the key that says how arguments are nested."""
    if isinstance(structure, (list, tuple)):
        return (type(structure), *[key_of_structure(item) for item in structure])
    if hasattr(type(structure), "__tf_flatten__"):
        metadata, parts = structure.__tf_flatten__()
        return (type(structure), _frozen(metadata), *[key_of_structure(item) for item in parts])
    if isinstance(structure, dict):  # of any type and order
        return (dict, *[(key, key_of_structure(structure[key])) for key in sorted(structure)])
    return IndexedSlices if structure.__class__ is IndexedSlices else None


def key_of(value):
    """A Python value's part of the key: by value (1 is 1.0 is True), other objects by a weak reference or as they say.

    Raises TypeError for what cannot be hashed: it might change, and the trace would not.
    """
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return ("value", value) if value == value else ("nan",)
    if isinstance(value, Variable):
        return ("variable", value._id)
    told = trace_type_of(value)
    if told is not None:
        return ("told", told)
    if isinstance(value, types.MethodType):  # made anew by every look-up
        return ("method", value.__func__, key_of(value.__self__))
    if isinstance(value, weakref.ref):
        raise TypeError(f"weakref input {value} not supported for tf.function.")
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"Could not generate a generic TraceType for {value!r}. Please verify that it is immutable/hashable. "
            "Otherwise, pass a tuple, a tensor or an object that is compared by identity."
        ) from None
    try:
        return (type(value), weakref.ref(value))
    except TypeError:  # there are no weak references to this type
        return (type(value), value)


def whatever_the_variables(kind, variables):
    """A key for any variables of the same types, of which the same are the same."""
    numbers = {variable._id: i for i, variable in enumerate(variables)}
    types = [(v.dtype, v.shape.rank and tuple(v.shape), v.trainable) for v in variables]
    return (*types, *[(part[0], numbers[part[1]]) if part and part[0] == "variable" else part for part in kind])


def _frozen(metadata):
    """What comes with the parts of an object, to be hashed: lists and dictionaries by what is in them."""
    if isinstance(metadata, (list, tuple)):
        return tuple(map(_frozen, metadata))
    if isinstance(metadata, dict):
        return tuple([(key, _frozen(item)) for key, item in metadata.items()])
    return metadata


def serves(kind, known):
    """Whether a trace of the key `known` serves for the key `kind`: they differ at most in wider `TraceType`s."""
    return len(kind) == len(known) and all(
        a == b or (a and b and a[0] == b[0] == "told" and a[1].is_subtype_of(b[1])) for a, b in zip(kind, known)
    )


def within(sizes, known):
    """Whether sizes (None for an unknown rank) are among those that a trace is for."""
    if known is None:
        return True
    return sizes is not None and len(sizes) == len(known) and all(n is None or m == n for m, n in zip(sizes, known))


def wider(a, b):
    """Sizes that hold both tuples of sizes."""
    return tuple([
        x if x is None or y is None or len(x) != len(y) else tuple([m if m == n else None for m, n in zip(x, y)])
        for x, y in zip(a, b)
    ])  # fmt: skip


def is_gone(key):
    """Whether a part of a key stands for an object that is no more."""
    last = key[-1] if key.__class__ is tuple and key else None
    return (last.__class__ is weakref.ref and last() is None) or (last.__class__ is tuple and is_gone(last))
