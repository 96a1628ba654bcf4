"""The shape and dtype of a primitive's result, found by running its kernel on stand-ins of the operands' types.

Sizes that are not known are tried with several sets of numbers: what comes out the same is known, what equals a known
expression under all is that expression, and anything else is read from the result when the graph runs.
"""

import contextlib
import math

import numpy as np

from tapeflow.core.dims import Dim, broadcast, dims_in, holds_dim, substitute
from tapeflow.core.errors import InvalidArgumentError, invalid_argument
from tapeflow.engine.dispatch import bracketed, check_broadcast, not_allowed
from tapeflow.engine.primitive import ELEMENTWISE

_found: dict = {}


def result_types(prim, types, attrs):
    """A list of (shape, dtype) of the outputs; an unknown size is a Dim, or None where only the result can tell."""
    key = (prim, tuple(types), attrs)
    try:
        found = _found.get(key)
    except TypeError:  # an attribute that is not hashable
        return _infer(prim, types, attrs)
    if found is None:
        found = _infer(prim, types, attrs)
        if len(_found) > 20_000:
            _found.clear()
        _found[key] = found
    return found


def _infer(prim, types, attrs):
    if prim.batch == ELEMENTWISE and not holds_dim(attrs):
        shape = broadcast(*[shape for shape, _ in types])
        if shape is None:
            check_broadcast(prim, types[-2][0], types[-1][0])
            shown = ", ".join(bracketed(shape) for shape, _ in types)
            raise invalid_argument(f"shapes {shown} must be broadcastable [Op:{prim.name}] name: ")
        small = [((1,), dtype) for _, dtype in types]
        return [(shape, _run(prim, small, attrs, np.ones)[0].dtype)]
    if prim.shape is not None:
        if prim.kernels is not None and types[0][1] not in prim.kernels:
            raise not_allowed(prim, types[0][1])
        shape = prim.shape(*[shape for shape, _ in types], *attrs)
        if shape is not None:
            return [(shape, types[0][1])]
    if prim.sized_by_values:
        sizes = dict.fromkeys(dims_in([shape for shape, _ in types]) | dims_in(attrs), 2)
        known = [(substitute(shape, sizes.__getitem__), dtype) for shape, dtype in types]
        found = [_run(prim, known, substitute(attrs, sizes.__getitem__), fill) for fill in (np.zeros, _counting)]
        return _doubted(_compare(found, [])) if sizes else _compare(found, [])
    if not holds_dim([shape for shape, _ in types]) and not holds_dim(attrs):
        return [(array.shape, array.dtype) for array in _run(prim, types, attrs)]
    return _with_unknown(prim, types, attrs)


def _with_unknown(prim, types, attrs):
    leaves = sorted(dims_in([shape for shape, _ in types]) | dims_in(attrs), key=repr)
    candidates = _dims(types) + _dims(attrs)
    error = None
    for apart in (2, 0):  # all sizes different; then all the same, for operands whose sizes have to agree
        trials, values = [], []

        def attempt(base, apart=apart, trials=trials, values=values):
            sizes = {leaf: base + i * apart for i, leaf in enumerate(leaves)}
            known = [(substitute(shape, sizes.__getitem__), dtype) for shape, dtype in types]
            trials.append(_run(prim, known, substitute(attrs, sizes.__getitem__)))
            values.append({dim: substitute(dim, sizes.__getitem__) for dim in candidates})

        try:
            attempt(5)
            attempt(8)
        except Exception as problem:
            error = problem
            continue
        for base in (2, *_beyond(types)):  # sizes that the operation may refuse; min(n, 4) shows itself there
            with contextlib.suppress(Exception):
                attempt(base)
        found = _compare(trials, [(dim, tuple([v[dim] for v in values])) for dim in candidates])
        return _doubted(found) if holds_dim(attrs) else found
    raise error


def _beyond(types):
    """A size that is larger than those that are known, if the stand-ins stay small."""
    largest = 1 + max([n for shape, _ in types for n in shape if n.__class__ is int], default=0)
    whole = sum(math.prod([n if n.__class__ is int else largest for n in shape]) for shape, _ in types)
    return (largest,) if 8 < largest and whole < 1 << 13 else ()


def _doubted(types):
    """A size that two trials agree on may yet be another one: x[:n] has at most the rows of x, for all large n."""
    return [(tuple([n if isinstance(n, Dim) else None for n in shape]), dtype) for shape, dtype in types]


def _compare(trials, candidates):
    out = []
    for pair in zip(*trials):
        shape = []
        for sizes in zip(*[array.shape for array in pair]):
            if len(set(sizes)) == 1:
                shape.append(sizes[0])
            else:
                shape.append(next((dim for dim, seen in candidates if seen == sizes), None))
        out.append((tuple(shape), pair[0].dtype))
    return out


def _dims(value):
    if isinstance(value, Dim):
        return [value]
    return [dim for item in value for dim in _dims(item)] if isinstance(value, (tuple, list)) else []


def _run(prim, types, attrs, fill=None):
    """The arrays that the kernel gives for stand-ins of types."""
    kernel = prim.kernel
    if prim.kernels is not None:
        kernel = prim.kernels.get(types[0][1])
        if kernel is None:
            raise not_allowed(prim, types[0][1])
    with np.errstate(all="ignore"):
        try:
            result = kernel(*[_stand_in(shape, dtype, fill) for shape, dtype in types], *attrs)
        except InvalidArgumentError:  # perhaps of the values
            result = _second_try(kernel, types, attrs)
            if result is None:  # the first error is the one that tells
                raise
    return [np.asarray(array) for array in (result if prim.many else (result,))]


def _second_try(kernel, types, attrs):
    """The result for other values: bounds that are not both 0, a permutation, indices of an empty tensor."""
    rising = [np.full(shape, i).astype(dtype)[()] for i, (shape, dtype) in enumerate(types)]
    counting = [_counting(shape, dtype)[()] for shape, dtype in types]
    negative = [np.full(shape, -1).astype(dtype)[()] for shape, dtype in types]
    for stand_ins in (rising, counting, negative):
        try:
            return kernel(*stand_ins, *attrs)
        except Exception:  # noqa: BLE001 (the next may do)
            continue
    return None


def _stand_in(shape, dtype, fill):
    """An array that most kernels take: valid indices, matrices with an inverse."""
    if dtype.kind == "O":
        array = np.empty(shape, object)
        array[...] = b"0000"  # long enough for a part of it, and a number in every notation
        return array
    if fill is not None:
        return fill(shape, dtype)
    if dtype.kind in "biu":
        return np.broadcast_to(np.zeros((), dtype), shape)
    if len(shape) < 2:
        return np.ones(shape, dtype) if shape else dtype.type(1)
    return np.broadcast_to(np.eye(*shape[-2:]).astype(dtype), shape)


def _counting(shape, dtype):
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape).astype(dtype)
