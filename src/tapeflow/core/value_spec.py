"""`tf.type_spec_from_value`, and the specs of values that are no tensors."""

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype, float32
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.shape import as_shape
from tapeflow.core.spec import IndexedSlicesSpec, TensorSpec, TypeSpec
from tapeflow.core.tensor import Tensor
from tapeflow.core.variable import Variable


def type_spec_from_value(value):
    """The `tf.TypeSpec` of a tensor, variable, `tf.IndexedSlices` or what converts to a tensor.

    Raises TypeError if there is none.

    >>> import tapeflow as tf
    >>> tf.type_spec_from_value(tf.constant([1., 2.]))
    TensorSpec(shape=(2,), dtype=tf.float32, name=None)
    """
    if value is None:
        return NoneTensorSpec()
    if isinstance(value, Variable):
        return VariableSpec(value.shape, value.dtype, value.trainable)
    if isinstance(value, IndexedSlices):
        whole = None if value.dense_shape is None else value.dense_shape.dtype
        return IndexedSlicesSpec(value.shape, value.dtype, value.indices.dtype, whole, value.indices.shape)
    if not isinstance(value, Tensor):
        try:
            value = convert_to_tensor(value)
        except (TypeError, ValueError):
            raise TypeError(f"Could not build a TypeSpec for {value!r} of unsupported type {type(value)}.") from None
    return TensorSpec(value.shape, value.dtype)


class VariableSpec(TypeSpec):
    """The type of a variable: shape, dtype, and whether it is trainable."""

    __slots__ = ("_shape", "_dtype", "_trainable", "_alias_id")

    def __init__(self, shape, dtype=float32, trainable=True, alias_id=None):
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._trainable = trainable
        self._alias_id = alias_id

    shape = property(lambda self: self._shape, doc="The declared shape.")
    dtype = property(lambda self: self._dtype, doc="The dtype of the elements.")
    trainable = property(lambda self: self._trainable, doc="Whether tapes watch the variable.")
    value_type = Variable

    def is_compatible_with(self, spec_or_value):
        """Whether `spec_or_value` is a variable of this dtype, trainability and a compatible shape."""
        if not isinstance(spec_or_value, (VariableSpec, Variable)):
            return False
        return (
            self._shape.is_compatible_with(spec_or_value.shape)
            and self._dtype is spec_or_value.dtype
            and self._trainable == spec_or_value.trainable
        )

    def _key(self):
        return self._shape, self._dtype, self._trainable, self._alias_id

    def __repr__(self):
        return (
            f"VariableSpec(shape={self._shape}, dtype={self._dtype!r}, trainable={self._trainable!r}, "
            f"alias_id={self._alias_id!r})"
        )


class NoneTensorSpec(TypeSpec):
    """The type of None."""

    __slots__ = ()
    value_type = type(None)

    def is_compatible_with(self, spec_or_value):
        """Whether `spec_or_value` is None."""
        return spec_or_value is None or isinstance(spec_or_value, NoneTensorSpec)

    def _key(self):
        return ()

    def __repr__(self):
        return "NoneTensorSpec()"
