"""`tf.SparseTensor`: a tensor by the places of some of its elements, as a container; and to dense tensors and back."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import int64
from tapeflow.core.errors import invalid_argument
from tapeflow.core.shape import TensorShape
from tapeflow.core.types import TensorLike
from tapeflow.engine.dispatch import bracketed
from tapeflow.ops.compare import where
from tapeflow.ops.creation import fill
from tapeflow.ops.indexing import gather, gather_nd
from tapeflow.ops.variable_scatter import tensor_scatter_nd_update


class SparseTensor(TensorLike):
    """A tensor of shape `dense_shape` whose elements are `values[i]` at `indices[i]`, and zero elsewhere.

    Only what is here is done with sparse tensors: turn them into dense ones with `tf.sparse.to_dense`.

    Args:
      indices: an int64 tensor of shape `[n, rank]`, in the order of the elements.
      values: a tensor of shape `[n]`.
      dense_shape: an int64 tensor of shape `[rank]`.

    Raises:
      ValueError: their shapes do not fit.

    >>> import tapeflow as tf
    >>> s = tf.SparseTensor([[0, 0], [1, 2]], [1., 2.], [2, 3])
    >>> tf.sparse.to_dense(s).numpy().tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]
    """

    def __init__(self, indices, values, dense_shape):
        self._indices = convert_to_tensor(indices, dtype=int64)
        self._values = convert_to_tensor(values)
        self._dense_shape = convert_to_tensor(dense_shape, dtype=int64)
        for tensor, rank in ((self._indices, 2), (self._values, 1), (self._dense_shape, 1)):
            if len(tensor._shape) != rank:
                raise ValueError(f"Shape {tensor.shape} must have rank {rank}")
        for m, n in ((self._indices._shape[0], self._values._shape[0]), (self._indices._shape[1], self.shape.rank)):
            if m != n:
                raise ValueError(f"Dimensions {m} and {n} are not compatible")

    indices = property(lambda self: self._indices, doc="The places of the elements, int64 of shape `[n, rank]`.")
    values = property(lambda self: self._values, doc="The elements, of shape `[n]`.")
    dense_shape = property(lambda self: self._dense_shape, doc="The shape, an int64 tensor.")
    dtype = property(lambda self: self._values.dtype, doc="The `tf.DType` of the elements.")
    op = graph = name = None

    @property
    def shape(self):
        """The `tf.TensorShape`."""
        return TensorShape(self._dense_shape.numpy().tolist())

    def get_shape(self):
        """The shape, as a method."""
        return self.shape

    def with_values(self, new_values):
        """A sparse tensor with other elements at the same places."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def __str__(self):
        parts = f"indices={self._indices!s}, values={self._values!s}, dense_shape={self._dense_shape!s}"
        return f"SparseTensor({parts})"

    __repr__ = __str__

    def __tf_tensor__(self, dtype=None, name=None):
        raise ValueError(
            f"Attempt to convert a value ({self}) with an unsupported type ({type(self)}) to a Tensor: use "
            "tf.sparse.to_dense."
        )


def _checked(sp_input):
    if not isinstance(sp_input, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return sp_input


def to_dense(sp_input, default_value=None, validate_indices=True, name=None):
    """A `tf.SparseTensor` as a tensor, with `default_value` (or zero, False, "") between its elements.

    Raises InvalidArgumentError for places outside the shape, and if `validate_indices` for those that are out of order
    or repeated.

    >>> import tapeflow as tf
    >>> tf.sparse.to_dense(tf.SparseTensor([[1]], [5], [3]), default_value=-1).numpy().tolist()
    [-1, 5, -1]
    """
    x = _checked(sp_input)
    places, sizes = x.indices.numpy(), x.dense_shape.numpy()
    before = None
    for i, place in enumerate(places.tolist()):
        wrong = None
        if any(not 0 <= k < n for k, n in zip(place, sizes, strict=True)):
            wrong = f"is out of bounds: need 0 <= index < {bracketed(sizes)}"
        elif validate_indices and before is not None and place < before:
            wrong = (
                "is out of order. Many sparse ops require sorted indices.\n    Use `tf.sparse.reorder` to create a "
                "correctly ordered copy.\n\n"
            )
        elif validate_indices and place == before:
            wrong = "is repeated"
        if wrong:
            raise invalid_argument(f"indices[{i}] = {bracketed(place)} {wrong} [Op:SparseToDense] name: ")
        before = place
    blank = convert_to_tensor(_BLANK.get(x.dtype._kind, 0) if default_value is None else default_value, x.dtype)
    return tensor_scatter_nd_update(fill(x.dense_shape, blank), x.indices, x.values)


_BLANK = {"s": "", "b": False}


def from_dense(tensor, name=None):
    """The elements of a tensor that are not zero (False, ""), as a `tf.SparseTensor`.

    >>> import tapeflow as tf
    >>> tf.sparse.from_dense([0, 7]).indices.numpy().tolist()
    [[1]]
    """
    x = convert_to_tensor(tensor)
    indices = where(x != convert_to_tensor(_BLANK.get(x.dtype._kind, 0), x.dtype))
    return SparseTensor(indices, gather_nd(x, indices), x._shape)


def reorder(sp_input, name=None):
    """A `tf.SparseTensor` with its elements in order.

    >>> import tapeflow as tf
    >>> tf.sparse.reorder(tf.SparseTensor([[2], [0]], [1, 2], [3])).values.numpy().tolist()
    [2, 1]
    """
    x = _checked(sp_input)
    order = np.lexsort(x.indices.numpy().T[::-1])
    return SparseTensor(gather(x.indices, order), gather(x.values, order), x.dense_shape)
