"""What a traced function returns: its tensors, flat, and the structure that they stand in."""

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import Tensor


class Itself:
    """A part of a result that is no tensor: None, a variable."""

    def __init__(self, value):
        self.value = value


class Rows:
    """An IndexedSlices in a result: the numbers of its parts."""

    def __init__(self, parts):
        self.parts = parts


def flat_outputs(trace, result):
    """The tensors of a result, and its structure with numbers for them."""
    outputs = []

    def number(tensor):
        outputs.append(trace.lift(tensor))
        return len(outputs) - 1

    def leaf(value):
        if value is None:
            return Itself(None)
        if isinstance(value, IndexedSlices):
            return Rows([None if p is None else number(p) for p in (value.values, value.indices, value.dense_shape)])
        if hasattr(value, "_as_result"):
            return Itself(value)
        try:
            return number(convert_to_tensor(value))
        except (TypeError, ValueError) as error:
            if isinstance(value, Tensor):
                raise
            raise TypeError(
                "To be compatible with tf.function, Python functions must return zero or more Tensors or "
                f"ExtensionTypes or None values; in compilation of {trace.graph.name}, found return value of type "
                f"{type(value).__name__}, which is not a Tensor or ExtensionType. ({error})"
            ) from None

    structure = nest.map_structure(leaf, result)
    return outputs, structure


def refilled(structure, outputs):
    """A result's structure with its tensors: numbers stand for outputs, what is wrapped is itself."""

    def fill(leaf):
        if leaf.__class__ is int:
            return outputs[leaf]
        if leaf.__class__ is Rows:
            return IndexedSlices(*[None if i is None else outputs[i] for i in leaf.parts])
        return leaf.value

    return nest.map_structure(fill, structure)
