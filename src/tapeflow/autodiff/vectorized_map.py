"""`tf.vectorized_map`: a function of one example, run once for all."""

from tapeflow.autodiff.batching import batched_call
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor


def vectorized_map(fn, elems, fallback_to_while_loop=True, warn=True):
    """`fn` of every example of `elems`, computed for all of them at once.

    Args:
      fn: a function of one example, a structure like `elems` without the first axis, to a nested structure of tensors.
      elems: a tensor or nested structure of them, with the examples along axis 0.
      fallback_to_while_loop: not used: an operation that states no batching rule is looped over in any case.
      warn: not used.

    A tensor of one example only is the same for all of the others.

    Returns:
      The structure that `fn` returns, with the examples along axis 0 of each tensor.

    Raises:
      ValueError: the tensors of `elems` have different numbers of examples, or one has no axis 0.

    >>> import tapeflow as tf
    >>> tf.vectorized_map(lambda row: tf.reduce_sum(row * row), tf.constant([[1., 2.], [3., 4.]]))
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([ 5., 25.], dtype=float32)>
    """
    flat = [convert_to_tensor(item) for item in nest.flatten(elems)]
    sizes = {tensor._shape[0] if tensor._shape else None for tensor in flat}
    if len(sizes) == 2 and 1 in sizes and None not in sizes:  # one example for all
        single = [tensor._shape[0] == 1 for tensor in flat]
        sizes.discard(1)
    else:
        single = [False] * len(flat)
    if len(sizes) != 1 or None in sizes:
        raise ValueError(
            "vectorized_map: all of `elems` need the same size of axis 0, and their shapes are "
            f"{', '.join(str(tensor.shape) for tensor in flat)}."
        )
    structure = None

    def one(*examples):
        nonlocal structure
        supply = iter(examples)
        leaves = [tensor[0] if alone else next(supply) for tensor, alone in zip(flat, single)]
        result = fn(nest.pack_sequence_as(elems, leaves))
        structure = nest.map_structure(lambda leaf: None if leaf is None else 0, result)
        return [convert_to_tensor(leaf) for leaf in nest.flatten(result) if leaf is not None]

    if not flat:
        return elems
    results = iter(batched_call(one, [tensor for tensor, alone in zip(flat, single) if not alone]))
    return nest.map_structure(lambda leaf: None if leaf is None else next(results), structure)
