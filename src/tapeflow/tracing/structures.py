"""Structures at the border of a branch or a loop: they come apart into tensors, and are put together from others.

They hold tensors, None, and objects that hold tensors (a TensorArray): those have `_parts` and `_with_parts`.
"""

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.tensor import EagerTensor


def opened(structure, slices=False):
    """The tensors in a structure, and a function that puts others in their places.

    `slices`: whether IndexedSlices are kept as such, and not summed up into a tensor.
    """
    leaves = nest.flatten(structure)
    if slices:
        leaves = [_Slices(leaf) if is_open(leaf) else leaf for leaf in leaves]
    tensors, counts = [], []
    for leaf in leaves:
        parts = [] if leaf is None else leaf._parts() if hasattr(type(leaf), "_parts") else [tensor_of(leaf)]
        tensors += parts
        counts.append(len(parts))

    def put(values):
        values = iter(values)
        filled = []
        for leaf, count in zip(leaves, counts):
            mine = [next(values) for _ in range(count)]
            filled.append(leaf._with_parts(mine) if hasattr(type(leaf), "_parts") else mine[0] if count else None)
        return nest.pack_sequence_as(structure, filled)

    return tensors, put


def is_open(leaf):
    from tapeflow.core.indexed_slices import IndexedSlices

    return isinstance(leaf, IndexedSlices) and (leaf.dense_shape is None or leaf.dense_shape.__class__ is EagerTensor)


class _Slices:
    """IndexedSlices of which the values and indices cross the border of a branch."""

    def __init__(self, slices):
        self.slices = slices

    def _parts(self):
        from tapeflow.ops.casting import cast

        return [convert_to_tensor(self.slices.values), cast(self.slices.indices, "int64")]

    def _with_parts(self, tensors):
        from tapeflow.ops.casting import cast

        values, indices = tensors
        return type(self.slices)(values, cast(indices, self.slices.indices.dtype), self.slices.dense_shape)


def settled(leaf):
    """What holds tensors, with those that it will come apart in at the border of the present branch."""
    opens = hasattr(type(leaf), "_parts") and not leaf._is_blank()
    return leaf._with_parts(leaf._parts()) if opens else leaf


def tensor_of(leaf):
    from tapeflow.core.indexed_slices import IndexedSlices

    return leaf.__tf_tensor__() if isinstance(leaf, IndexedSlices) else convert_to_tensor(leaf)


__all__ = ["is_open", "opened", "settled", "tensor_of"]
