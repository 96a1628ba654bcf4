"""Stands for `tensorflow.compiler.tf2xla.python.xla`."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor


def dynamic_update_slice(x, updates, start_indices):
    """`x` with the elements from `start_indices` on replaced by `updates`, moved inwards where they do not fit.

    >>> import tapeflow as tf
    >>> dynamic_update_slice(tf.zeros([4]), tf.ones([2]), [1]).numpy().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    from tapeflow import reshape, tensor_scatter_nd_update

    x = convert_to_tensor(x)
    updates = convert_to_tensor(updates, x.dtype)
    starts = convert_to_tensor(start_indices).numpy().tolist()
    sizes = tuple(updates.shape)
    starts = [min(max(start, 0), n - m) for start, n, m in zip(starts, tuple(x.shape), sizes, strict=True)]
    if not sizes:
        return updates
    places = np.moveaxis(np.indices(sizes), 0, -1).reshape(-1, len(sizes)) + starts
    return tensor_scatter_nd_update(x, places, reshape(updates, [len(places)]))
