"""The primitives that move elements and compute nothing: reshape, transpose, broadcast, concatenate, pad.

Their attributes are static: tuples of ints from 0, checked by the public functions (`ops/shaping.py`).
"""

import numpy as np

from tapeflow.core.dims import Dim, UnknownRank, broadcast, holds_dim, never_negative
from tapeflow.core.errors import invalid_argument
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, bracketed
from tapeflow.engine.primitive import constant, linear
from tapeflow.ops.static import count

RESHAPE = linear(
    "Reshape", lambda x, shape: x.reshape(shape), None, lambda g, x_like: reshape_static(g, x_like._shape),
    attrs="shape", batch=lambda x, shape: apply(RESHAPE, (x,), ((x._shape[0], *shape),)),
)  # fmt: skip


def _reshaped_shape(x, shape):
    if x.__class__ is not UnknownRank and not holds_dim((x, shape)) and count(x) != count(shape):
        raise invalid_argument(
            f"Input to reshape is a tensor with {count(x)} values, but the requested shape has {count(shape)}"
        )
    return tuple([n if never_negative(n) else None for n in shape])


RESHAPE.shape = _reshaped_shape
TRANSPOSE = linear(
    "Transpose", lambda x, perm: x.transpose(perm), None, lambda g, perm: transpose_static(g, inverse(perm)),
    attrs="perm", batch=lambda x, perm: transpose_static(x, (0, *[axis + 1 for axis in perm])),
)  # fmt: skip


def _transposed_shape(x, perm):
    return None if x.__class__ is UnknownRank else tuple([x[axis] for axis in perm])


TRANSPOSE.shape = _transposed_shape
FEW = 1024  # elements; fewer are copied sooner than a view is made


def _broadcast(x, shape):
    if count(shape) > FEW:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


def _sum_to(g, x_like):
    from tapeflow.ops.space import sum_to

    return sum_to(g, x_like)


def _broadcast_batched(x, shape):
    size, *inner = x._shape
    x = reshape_static(x, (size, *[1] * (len(shape) - len(inner)), *inner))
    return broadcast_static(x, (size, *shape))


NUMBER = constant("Const", lambda n, dtype: dtype.type(n), operands="", attrs="n dtype")


def number(n, dtype):
    """A number of a NumPy dtype as a tensor: an int, or a size that a trace does not know yet."""
    if n.__class__ is not Dim:
        return EagerTensor(dtype.type(n))
    tensor = thread.trace.apply(NUMBER, (), (n, dtype))
    if dtype.kind in "iu":
        tensor._content = np.array(n, object)
    return tensor


BROADCAST = linear("BroadcastTo", _broadcast, None, _sum_to, attrs="shape", batch=_broadcast_batched)


def _broadcast_shape(x, shape):
    if x.__class__ is not UnknownRank and not holds_dim((x, shape)) and broadcast(x, shape) != tuple(shape):
        raise invalid_argument(f"Incompatible shapes: {bracketed(x)} vs. {bracketed(shape)}")
    return tuple([n if never_negative(n) else None for n in shape])


BROADCAST.shape = _broadcast_shape


def _split_like(g, xs_like, axis):
    return split_static(g, tuple([x._shape[axis] for x in xs_like]), axis)


CONCAT = linear(
    "ConcatV2", lambda *args: np.concatenate(args[:-1], args[-1]), None, _split_like, operands="*", attrs="axis",
    joint=True, batch=lambda *args: apply(CONCAT, args[:-1], (args[-1] + 1,)),
)  # fmt: skip


def _concatenated_shape(*shapes):
    *shapes, axis = shapes
    if any([shape.__class__ is UnknownRank for shape in shapes]):
        return None
    around = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(around) > 1:  # perhaps wrong: the kernel says so
        return None
    return (*shapes[0][:axis], sum([shape[axis] for shape in shapes]), *shapes[0][axis + 1 :])


CONCAT.shape = _concatenated_shape


def _split(x, sizes, axis):
    ahead = (slice(None),) * axis
    parts, start = [], 0
    for size in sizes:
        parts.append(x[(*ahead, slice(start, start + size))])
        start += size
    return parts


SPLIT = linear(
    "SplitV", _split, None, lambda gs, axis: apply(CONCAT, tuple(gs), (axis,)), attrs="sizes axis", many=True,
    batch=lambda x, sizes, axis: apply(SPLIT, (x,), (sizes, axis + 1)),
)  # fmt: skip


def _split_shape(x, sizes, axis):
    if x.__class__ is UnknownRank or holds_dim((x[axis], sizes)) or sum(sizes) != x[axis]:
        return None
    return [(*x[:axis], size, *x[axis + 1 :]) for size in sizes]


SPLIT.shape = _split_shape


def _untile(g, x_like, multiples):
    from tapeflow.ops.reduce import sum_axes

    folded = tuple([n for pair in zip(multiples, x_like._shape) for n in pair])
    return sum_axes(reshape_static(g, folded), tuple(range(0, len(folded), 2)))


TILE = linear(
    "Tile", lambda x, multiples: np.tile(x, multiples), None, _untile, attrs="multiples",
    batch=lambda x, multiples: apply(TILE, (x,), ((1, *multiples),)),
)  # fmt: skip
REVERSE = linear(
    "ReverseV2", lambda x, axes: np.flip(x, axes), None, lambda g, axes: apply(REVERSE, (g,), (axes,)), attrs="axes",
    batch=lambda x, axes: apply(REVERSE, (x,), (tuple([axis + 1 for axis in axes]),)),
)  # fmt: skip
ROLL = linear(
    "Roll", lambda x, shifts, axes: np.roll(x, shifts, axes), None,
    lambda g, shifts, axes: apply(ROLL, (g,), (tuple([-shift for shift in shifts]), axes)), attrs="shifts axes",
    batch=lambda x, shifts, axes: apply(ROLL, (x,), (shifts, tuple([axis + 1 for axis in axes]))),
)  # fmt: skip


def _pad(x, paddings):
    shape = tuple([before + n + after for n, (before, after) in zip(x.shape, paddings)])
    out = np.full(shape, b"", object) if x.dtype.kind == "O" else np.zeros(shape, x.dtype)
    out[tuple([slice(before, before + n) for n, (before, _) in zip(x.shape, paddings)])] = x
    return out


def _unpad(g, x_like, paddings):
    from tapeflow.ops.indexing import slice_static

    return slice_static(g, tuple([before for before, _ in paddings]), x_like._shape)


PAD = linear(
    "Pad", _pad, None, _unpad, attrs="paddings", batch=lambda x, paddings: apply(PAD, (x,), (((0, 0), *paddings),))
)


def _mirror_places(shape, paddings, mode):
    """For each axis, where in the operand each element of the padded one comes from."""
    mode = "reflect" if mode == "REFLECT" else "symmetric"
    return [np.pad(np.arange(n), pair, mode) if any(pair) else None for n, pair in zip(shape, paddings)]


def _mirror_pad(x, paddings, mode):
    for axis, places in enumerate(_mirror_places(x.shape, paddings, mode)):
        if places is not None:
            x = x.take(places, axis)
    return x


def _unmirror(g, x_like, paddings, mode):
    """Every padded element's cotangent goes to the element that it is a copy of."""
    shape = x_like._shape
    for axis, places in enumerate(_mirror_places(shape, paddings, mode)):
        if places is not None:
            g = _sum_copies(g, places, shape[axis], axis)
    return g


def _sum_copies(g, places, size, axis):
    """`g` with the elements along an axis that are copies of one element summed: element i is one of places[i]."""
    from tapeflow.ops.segments import UNSORTED_SUM

    perm = (axis, *[i for i in range(len(g._shape)) if i != axis])
    out = apply(UNSORTED_SUM, (transpose_static(g, perm), EagerTensor(places)), (size,))
    return transpose_static(out, inverse(perm))


MIRROR_PAD = linear(
    "MirrorPad", _mirror_pad, None, _unmirror, attrs="paddings mode",
    batch=lambda x, paddings, mode: apply(MIRROR_PAD, (x,), (((0, 0), *paddings), mode)),
)  # fmt: skip


def _unrepeat(g, x_like, repeats, axis):
    size = x_like._shape[axis]
    return _sum_copies(g, np.repeat(np.arange(size), repeats), size, axis)


REPEAT = linear(
    "Repeat", lambda x, repeats, axis: np.repeat(x, repeats, axis), None, _unrepeat, attrs="repeats axis",
    batch=lambda x, repeats, axis: apply(REPEAT, (x,), (repeats, axis + 1)),
)  # fmt: skip


# The same for rules and other operations, with arguments that are known to be right.


def inverse(perm):
    """The permutation that undoes `perm`, a tuple of ints."""
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


def reshape_static(x, shape):
    """`x` in a shape, a tuple of ints without -1, that is known to have as many elements."""
    return apply(RESHAPE, (x,), (shape,))


def transpose_static(x, perm):
    """`x` with its axes in the order of `perm`, a tuple of ints that is known to be a permutation."""
    return apply(TRANSPOSE, (x,), (perm,))


def broadcast_static(x, shape):
    """`x` broadcast to a shape, a tuple of ints, that it is known to broadcast to."""
    return apply(BROADCAST, (x,), (shape,))


def split_static(x, sizes, axis):
    """`x` in pieces of known sizes along an axis."""
    return apply(SPLIT, (x,), (sizes, axis))


def identity_matrix(n, dtype):
    """The `n` by `n` identity matrix of a NumPy dtype."""
    if n.__class__ is Dim:
        from tapeflow.ops.sized import waiting

        return waiting(identity_matrix, (n, dtype))
    return EagerTensor(np.eye(n, dtype=dtype))
