"""Clipping: by value, by norm, by the norm of several tensors together."""

from collections.abc import Sequence

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.ops.arithmetic import maximum, minimum
from tapeflow.ops.elementwise import sqrt


def _values(t):
    return convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")


def _like(values, t):
    return IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values


def _same_shape(result, values):
    if differ(result._shape, values._shape):
        raise ValueError(f"Shapes {values.shape} and {result.shape} are incompatible")
    return result


def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """`t`, a tensor or `tf.IndexedSlices`, with what is less or greater than the two values set to them.

    The two values are scalars or broadcast to the shape of `t`; the derivative is 0 where they apply.

    Raises ValueError if they would make the result larger than `t`, TypeError if they cannot have its dtype.

    >>> import tapeflow as tf
    >>> tf.clip_by_value([-2.0, 0.5, 2.0], -1.0, 1.0).numpy().tolist()
    [-1.0, 0.5, 1.0]
    """
    values = _values(t)
    below = _same_shape(minimum(values, clip_value_max), values)
    return _like(_same_shape(maximum(below, clip_value_min), values), t)


def clip_by_norm(t, clip_norm, axes=None, name=None):
    """`t`, a tensor or `tf.IndexedSlices`, scaled to a Euclidean norm over `axes` of at most `clip_norm`.

    >>> import tapeflow as tf
    >>> tf.clip_by_norm([3.0, 4.0], 1.0).numpy().round(3).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    from tapeflow.ops.casting import cast
    from tapeflow.ops.compare import where
    from tapeflow.ops.reduce import reduce_sum

    values = _values(t)
    clip_norm = max(clip_norm, 0) if np.isscalar(clip_norm) else cast(maximum(clip_norm, 0), values.dtype)
    total = reduce_sum(values * values, axes, True)
    positive = total > 0
    norm = where(positive, sqrt(where(positive, total, 1)), total)  # so that the derivative at 0 is no NaN
    scaled = _same_shape(values * clip_norm, values)
    return _like(scaled / maximum(norm, clip_norm), t)


def _list(t_list):
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    return list(t_list)


def global_norm(t_list, name=None):
    """The Euclidean norm of a list of tensors, `tf.IndexedSlices` and None (left out), a scalar.

    Raises TypeError if it is no sequence.

    >>> import tapeflow as tf
    >>> tf.linalg.global_norm([tf.constant([3.0]), tf.constant([4.0])]).numpy().item()
    5.0
    """
    from tapeflow.ops.losses import l2_loss
    from tapeflow.ops.packing import stack
    from tapeflow.ops.reduce import reduce_sum

    halves = reduce_sum(stack([l2_loss(_values(t)) for t in _list(t_list) if t is not None]))
    return sqrt(halves * 2)


def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """A list of tensors scaled down together, to a `global_norm` of at most `clip_norm`.

    Args:
      t_list: a sequence of tensors, `tf.IndexedSlices` and None (kept).
      clip_norm: a scalar.
      use_norm: the norm, if it is known already.

    Returns:
      The list of tensors, all NaN if the norm is infinite, and the norm.

    Raises:
      TypeError: `t_list` is no sequence.

    >>> import tapeflow as tf
    >>> clipped, norm = tf.clip_by_global_norm([tf.constant([3.0]), tf.constant([4.0])], 1.0)
    >>> [t.numpy().round(2).tolist() for t in clipped], norm.numpy().item()
    ([[0.6000000238418579], [0.800000011920929]], 5.0)

    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013.
    """
    from tapeflow.ops.casting import cast

    tensors = _list(t_list)
    norm = global_norm(tensors) if use_norm is None else use_norm
    norm = convert_to_tensor(norm)
    scale = clip_norm * minimum(1.0 / norm, convert_to_tensor(1, norm.dtype) / clip_norm) + (norm - norm)
    clipped = [None if t is None else _like(v * cast(scale, v.dtype), t) for t, v in _with_values(tensors)]
    return clipped, norm if use_norm is None else use_norm


def _with_values(tensors):
    return [(t, None if t is None else _values(t)) for t in tensors]
