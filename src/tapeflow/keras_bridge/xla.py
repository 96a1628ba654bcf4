"""Stands for `tensorflow.compiler.tf2xla.python.xla`."""

from tapeflow.core.convert import convert_to_tensor


def dynamic_update_slice(x, updates, start_indices):
    """`x` with the elements from `start_indices` on replaced by `updates`, moved inwards where they do not fit.

    >>> import tapeflow as tf
    >>> dynamic_update_slice(tf.zeros([4]), tf.ones([2]), [1]).numpy().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    from itertools import product

    from tapeflow.ops.indexing import tensor_scatter_nd_update
    from tapeflow.ops.shaping import reshape

    x = convert_to_tensor(x)
    updates = convert_to_tensor(updates, x.dtype)
    starts = convert_to_tensor(start_indices).numpy().tolist()
    sizes = tuple(updates.shape)
    starts = [min(max(start, 0), n - m) for start, n, m in zip(starts, tuple(x.shape), sizes, strict=True)]
    indices = list(product(*[range(start, start + size) for start, size in zip(starts, sizes, strict=True)]))
    if not indices:
        return x
    return tensor_scatter_nd_update(x, indices, reshape(updates, [len(indices)]))
