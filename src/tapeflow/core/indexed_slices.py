"""`tf.IndexedSlices`: rows of a large tensor, as the gradient of a gather is."""

from tapeflow.core.types import TensorLike


class IndexedSlices(TensorLike):
    """Slices `values[i]` of a tensor of shape `dense_shape` at positions `indices[i]`; repeated ones add up.

    Args:
      values: a tensor of shape `[D0, ...]`, the slices.
      indices: a 1-D integer tensor of shape `[D0]`.
      dense_shape: the shape of the whole, a 1-D integer tensor, or None.

    >>> import tapeflow as tf
    >>> s = tf.IndexedSlices(tf.constant([[1., 2.]]), tf.constant([1]), tf.constant([3, 2]))
    >>> tf.convert_to_tensor(s).numpy().tolist()
    [[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]
    """

    __slots__ = ("_values", "_indices", "_dense_shape", "__weakref__")

    def __init__(self, values, indices, dense_shape=None):
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self):
        """The slices, a tensor of shape `[D0, ...]`."""
        return self._values

    @property
    def indices(self):
        """The positions of the slices, a 1-D integer tensor."""
        return self._indices

    @property
    def dense_shape(self):
        """The shape of the whole, a 1-D tensor, or None."""
        return self._dense_shape

    @property
    def shape(self):
        """The `tf.TensorShape` of the whole."""
        from tapeflow.core.convert import convert_to_tensor
        from tapeflow.core.shape import TensorShape

        whole = self._dense_shape
        return TensorShape(None if whole is None else convert_to_tensor(whole).numpy().tolist())

    @property
    def dtype(self):
        """The `tf.DType` of the values."""
        return self._values.dtype

    @property
    def device(self):
        """The name of the device that holds the values."""
        return self._values.device

    @property
    def _type_spec(self):
        from tapeflow.core.value_spec import type_spec_from_value

        return type_spec_from_value(self)

    def __getattr__(self, name):
        if name in ("name", "op", "graph"):
            raise AttributeError(f"Tensor.{name} is undefined when eager execution is enabled.")
        raise AttributeError(f"'IndexedSlices' object has no attribute {name!r}")

    def consumers(self):
        """The operations that take this as an input: none are known."""
        return []

    def __neg__(self):
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self):
        whole = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{whole})"

    def __tf_tensor__(self, dtype=None, name=None):
        if dtype is not None and dtype is not self.dtype:
            raise ValueError(
                f"Incompatible tensor conversion requested to `dtype` {dtype.name} for IndexedSlices ({self}) with "
                f"dtype {self.dtype.name}"
            )
        if self._dense_shape is None:
            raise ValueError(
                "Tensor conversion requested for IndexedSlices for argument `value` without dense_shape: " + str(self)
            )
        from tapeflow.core.convert import convert_to_tensor
        from tapeflow.ops.indexing import dense_of_slices

        parts = (self._values, self._indices, self._dense_shape)
        return dense_of_slices(IndexedSlices(*map(convert_to_tensor, parts)), dtype)
