"""Nested structures as `tf.nest` sees them: sequences, named tuples and mappings (in the order of their keys).

Not optree: it keeps the order of an OrderedDict, and TensorFlow does not.
"""

from collections.abc import Mapping, MappingView, Sequence

from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import EagerTensor
from tapeflow.core.types import TensorLike

_LEAVES = (str, bytes, bytearray, memoryview)


def is_nested(seq):
    """Whether `seq` holds others: a list, tuple, named tuple, other sequence (but no string) or mapping.

    >>> import tapeflow as tf
    >>> tf.nest.is_nested([1]), tf.nest.is_nested(1)
    (True, False)
    """
    if isinstance(seq, (list, tuple, dict)):
        return True
    if isinstance(seq, (TensorLike, float, int)):
        return False
    if isinstance(seq, (Sequence, Mapping, MappingView)):
        return not isinstance(seq, _LEAVES)
    return hasattr(type(seq), "__tf_flatten__")  # of the user's own


def flatten(structure, expand_composites=False):
    """The leaves of `structure` in a list; a mapping's in the order of its sorted keys.

    Args:
      structure: a nested structure, or a leaf.
      expand_composites: whether a `tf.IndexedSlices` counts as a structure of its tensors.

    Raises:
      TypeError: a mapping's keys cannot be sorted.

    >>> import tapeflow as tf
    >>> tf.nest.flatten({"b": [1, (2, 3)], "a": 0})
    [0, 1, 2, 3]
    """
    if structure.__class__ is EagerTensor:
        return [structure]
    leaves = []
    _flatten_into(structure, leaves, expand_composites)
    return leaves


def _flatten_into(structure, leaves, composites):
    if isinstance(structure, (list, tuple)):
        for item in structure:
            if item.__class__ is EagerTensor:
                leaves.append(item)
            else:
                _flatten_into(item, leaves, composites)
    elif is_nested(structure):
        for _, item in _items(structure):
            _flatten_into(item, leaves, composites)
    elif composites and structure.__class__ is IndexedSlices:
        leaves += _components(structure)
    else:
        leaves.append(structure)


def flatten_with_paths(structure, expand_composites=False):
    """Pairs of (path, leaf), a path being the tuple of the keys and positions that lead to the leaf."""
    if not is_nested(structure):
        if expand_composites and structure.__class__ is IndexedSlices:
            yield from (((i,), part) for i, part in enumerate(_components(structure)))
        else:
            yield (), structure
        return
    names = getattr(structure, "_fields", None)
    for key, item in _items(structure):
        for path, leaf in flatten_with_paths(item, expand_composites):
            yield (key if names is None else names[key], *path), leaf


def _items(structure):
    """(key, item) of what is nested, in order."""
    if isinstance(structure, Mapping):
        return [(key, structure[key]) for key in _sorted_keys(structure)]
    if hasattr(type(structure), "__tf_flatten__"):
        return enumerate(structure.__tf_flatten__()[1])
    return enumerate(structure)


def _sorted_keys(mapping):
    try:
        return sorted(mapping)
    except TypeError:
        raise TypeError(f"nest only supports dicts with sortable keys, and was given {list(mapping)}.") from None


def _components(slices):
    parts = (slices.values, slices.indices, slices.dense_shape)
    return [part for part in parts if part is not None]


def pack_sequence_as(structure, flat_sequence, expand_composites=False):
    """`flat_sequence`'s items in the shape of `structure`.

    Args:
      structure: a nested structure, or a leaf.
      flat_sequence: a list or tuple of as many items as `structure` has leaves.
      expand_composites: whether a `tf.IndexedSlices` counts as a structure of its tensors.

    Raises:
      ValueError: the numbers of leaves and items differ.
      TypeError: `flat_sequence` is no sequence.

    >>> import tapeflow as tf
    >>> tf.nest.pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    if not is_nested(flat_sequence):
        raise TypeError(
            f"Attempted to pack value:\n  {flat_sequence!s}\ninto a structure, but found incompatible type "
            f"`{type(flat_sequence)}` instead."
        )
    flat = list(flat_sequence)
    if not is_nested(structure) and not (expand_composites and structure.__class__ is IndexedSlices):
        if len(flat) != 1:
            raise ValueError(
                f"The target structure is of type `{type(structure)}`\n  {structure}\nHowever the input is a sequence "
                f"({type(flat_sequence)}) of length {len(flat)}.\n  {flat_sequence}\nnest cannot guarantee that it is "
                "safe to map one to the other."
            )
        return flat[0]
    wanted = len(flatten(structure, expand_composites))
    if wanted != len(flat):
        raise ValueError(
            f"Could not pack sequence. Structure had {wanted} atoms, but flat_sequence had {len(flat)} items.  "
            f"Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _pack(structure, iter(flat), expand_composites)


def _pack(structure, leaves, composites):
    if isinstance(structure, Mapping):
        packed = {key: _pack(structure[key], leaves, composites) for key in _sorted_keys(structure)}
        ordered = [(key, packed[key]) for key in structure]
        if hasattr(structure, "default_factory"):
            return type(structure)(structure.default_factory, ordered)
        return type(structure)(ordered)
    if hasattr(type(structure), "__tf_flatten__"):
        metadata, parts = structure.__tf_flatten__()
        return type(structure).__tf_unflatten__(metadata, tuple([_pack(part, leaves, composites) for part in parts]))
    if is_nested(structure):
        items = [_pack(item, leaves, composites) for item in structure]
        if hasattr(structure, "_fields"):
            return type(structure)(*items)
        return items if isinstance(structure, (range, MappingView)) else type(structure)(items)
    if composites and structure.__class__ is IndexedSlices:
        return IndexedSlices(*[next(leaves) for _ in _components(structure)])
    return next(leaves)


def map_structure(func, *structure, **kwargs):
    """A structure of `func` applied to the leaves of one or more structures of the same shape.

    Args:
      func: a function of as many arguments as there are structures.
      *structure: nested structures of one shape.
      **kwargs: `check_types=True`, whether their types must agree too; `expand_composites=False`.

    Raises:
      ValueError: the structures differ in shape, there is none, or another keyword is given.
      TypeError: the structures differ in type, or `func` is not callable.

    >>> import tapeflow as tf
    >>> tf.nest.map_structure(lambda a, b: a + b, {"x": 1}, {"x": 2})
    {'x': 3}
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    composites = kwargs.pop("expand_composites", False)
    if kwargs:
        raise ValueError(
            "Only valid keyword arguments are `check_types` and `expand_composites`, not: `{}`".format(
                "`, `".join(kwargs)
            )
        )
    first = structure[0]
    for other in structure[1:]:
        assert_same_structure(first, other, check_types, composites)
    columns = [flatten(each, composites) for each in structure]
    return pack_sequence_as(first, [func(*leaves) for leaves in zip(*columns, strict=True)], composites)


def assert_same_structure(nest1, nest2, check_types=True, expand_composites=False):
    """Check that two structures have one shape.

    Args:
      nest1: a nested structure, or a leaf.
      nest2: the same.
      check_types: whether the types of the sequences must agree too; any two lists do, and any two mappings.
      expand_composites: whether a `tf.IndexedSlices` counts as a structure of its tensors.

    Raises:
      ValueError: the structures differ in shape.
      TypeError: they differ in type.

    >>> import tapeflow as tf
    >>> tf.nest.assert_same_structure({"a": [1]}, {"a": [2]})
    """
    found = _difference(nest1, nest2, check_types, expand_composites)
    if found is None:
        return
    kind, text = found
    raise kind(
        f"The two structures don't have the same nested structure.\n\nFirst structure: {_told(nest1)}\n\n"
        f"Second structure: {_told(nest2)}\n\nMore specifically: {text}\nEntire first structure:\n{_dots(nest1)}\n"
        f"Entire second structure:\n{_dots(nest2)}"
    )


def _difference(one, two, check_types, composites):
    """The first difference as (error class, text), or None."""
    if one.__class__ is two.__class__ is IndexedSlices:
        return None
    nested = [is_nested(item) or composites and item.__class__ is IndexedSlices for item in (one, two)]
    if not any(nested):
        return None
    if not all(nested):
        inner, leaf = (one, two) if nested[0] else (two, one)
        return ValueError, f'Substructure "{_told(inner)}" is a sequence, while substructure "{_told(leaf)}" is not'
    if check_types and not _same_type(one, two):
        text = (
            f"The two namedtuples don't have the same sequence type. First structure {_told(one)} has type "
            f"{type(one).__name__}, while second structure {_told(two)} has type {type(two).__name__}"
        )
        return TypeError, text
    if hasattr(type(one), "__tf_flatten__") and hasattr(type(two), "__tf_flatten__"):
        (first, one), (second, two) = one.__tf_flatten__(), two.__tf_flatten__()
        if first != second:
            return ValueError, f"The metadata of the two structures differ: {first} and {second}"
    mappings = check_types and isinstance(one, Mapping) and isinstance(two, Mapping)
    if len(one) != len(two) and not mappings:
        text = f"The two structures don't have the same number of elements. First structure: {_told(one)}. "
        return ValueError, f"{text}Second structure: {_told(two)}"
    if mappings and set(one) != set(two):
        keys = [f"type=list str={list(each)}" for each in (one, two)]
        text = "The two dictionaries don't have the same set of keys. First structure has keys {}, while second "
        return ValueError, (text + "structure has keys {}").format(*keys)
    for (_, a), (_, b) in zip(_items(one), _items(two), strict=True):
        found = _difference(a, b, check_types, composites)
        if found is not None:
            return found
    return None


def _same_type(one, two):
    if type(one) is type(two):
        return True
    for kind in (list, Mapping):
        if isinstance(one, kind) and isinstance(two, kind):
            return True
    names = getattr(one, "_fields", None)
    return names is not None and names == getattr(two, "_fields", None) and type(one).__name__ == type(two).__name__


def _told(structure):
    return f"type={type(structure).__name__} str={structure}"


def _dots(structure):
    """A structure with a dot for each leaf."""
    if not is_nested(structure):
        return "."
    if isinstance(structure, Mapping):
        return "{" + ", ".join(f"{key!r}: {_dots(item)}" for key, item in _items(structure)) + "}"
    items = [_dots(item) for _, item in _items(structure)]
    if hasattr(structure, "_fields"):
        inner = ", ".join(f"{name}={item}" for name, item in zip(structure._fields, items, strict=True))
        return f"{type(structure).__name__}({inner})"
    if isinstance(structure, tuple):
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    return "[" + ", ".join(items) + "]"
