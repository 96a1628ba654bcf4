"""`tf.TypeSpec` and its kin: what is known of a value before there is one."""

from tapeflow.core.dtype import as_dtype, float32, int64
from tapeflow.core.shape import TensorShape, as_shape


class TypeSpec:
    """The type of a value: of what class, with what shape and dtype."""

    __slots__ = ()

    def is_compatible_with(self, spec_or_value):
        """Whether `spec_or_value` has, or is, this type."""
        raise NotImplementedError(f"{type(self).__name__}.is_compatible_with")

    def most_specific_compatible_type(self, other):
        """The most specific spec that both are subtypes of. Raises ValueError if there is none."""
        found = self.most_specific_common_supertype([other])
        if found is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return found

    def __eq__(self, other):
        return type(self) is type(other) and self._key() == other._key()

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash((type(self), self._key()))


class TensorSpec(TypeSpec):
    """The type of a tensor.

    Args:
      shape: the `tf.TensorShape`, or what converts to one.
      dtype: the `tf.DType`.
      name: a name, or None.

    >>> import tapeflow as tf
    >>> tf.TensorSpec([2, None]).is_compatible_with(tf.ones([2, 3]))
    True
    """

    __slots__ = ("_shape", "_dtype", "_name")

    def __init__(self, shape, dtype=float32, name=None):
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    shape = property(lambda self: self._shape, doc="The `tf.TensorShape`.")
    dtype = property(lambda self: self._dtype, doc="The `tf.DType`.")
    name = property(lambda self: self._name, doc="The name, or None.")

    @property
    def value_type(self):
        """`tf.Tensor`."""
        from tapeflow.core.tensor import Tensor

        return Tensor

    @classmethod
    def from_spec(cls, spec, name=None):
        """A spec of another's shape and dtype."""
        return cls(spec.shape, spec.dtype, name or getattr(spec, "name", None))

    @classmethod
    def from_tensor(cls, tensor, name=None):
        """The spec of a tensor. Raises ValueError for what is none."""
        from tapeflow.core.tensor import Tensor

        if not isinstance(tensor, Tensor):
            raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")
        return cls(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, spec_or_tensor):
        """Whether a tensor, or all tensors of a spec, have this dtype and a compatible shape."""
        shape, dtype = getattr(spec_or_tensor, "shape", None), getattr(spec_or_tensor, "dtype", None)
        if not isinstance(shape, TensorShape):
            return False
        return dtype is self._dtype and self._shape.is_compatible_with(shape)

    def is_subtype_of(self, other):
        """Whether every tensor of this spec is one of `other`."""
        return (
            isinstance(other, TensorSpec)
            and self._dtype is other._dtype
            and self._shape.is_subtype_of(other._shape)
            and (other._name is None or self._name == other._name)
        )

    def most_specific_common_supertype(self, others):
        """The most specific spec that this and all of `others` are subtypes of, None if there is none."""
        if not all(isinstance(other, TensorSpec) and other._dtype is self._dtype for other in others):
            return None
        name = self._name if all(other._name == self._name for other in others) else None
        return type(self)(
            self._shape.most_specific_common_supertype([other._shape for other in others]), self._dtype, name
        )

    def with_shape(self, shape):
        """This spec with another shape."""
        return type(self)(shape, self._dtype, self._name)

    def _key(self):
        return self._shape, self._dtype, self._name

    def __repr__(self):
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"

    def __reduce__(self):
        return type(self), self._key()


class IndexedSlicesSpec(TypeSpec):
    """The type of `tf.IndexedSlices`: the dense shape, the values' dtype, the indices' dtype."""

    __slots__ = ("_shape", "_dtype", "_indices_dtype", "_dense_shape_dtype", "_indices_shape")

    def __init__(self, shape=None, dtype=float32, indices_dtype=int64, dense_shape_dtype=None, indices_shape=None):
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._indices_dtype = as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else as_dtype(dense_shape_dtype)
        self._indices_shape = as_shape(indices_shape).with_rank(1)

    shape = property(lambda self: self._shape, doc="The shape of the whole.")
    dtype = property(lambda self: self._dtype, doc="The dtype of the values.")

    @property
    def value_type(self):
        """`tf.IndexedSlices`."""
        from tapeflow.core.indexed_slices import IndexedSlices

        return IndexedSlices

    def is_compatible_with(self, spec_or_value):
        """Whether `spec_or_value` is sliced rows of this dtype and a compatible shape."""
        if not isinstance(spec_or_value, (IndexedSlicesSpec, self.value_type)):
            return False
        shape = spec_or_value.shape if isinstance(spec_or_value, IndexedSlicesSpec) else TensorShape(None)
        return spec_or_value.dtype is self._dtype and self._shape.is_compatible_with(shape)

    def _key(self):
        return self._shape, self._dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape

    def __repr__(self):
        return f"IndexedSlicesSpec({', '.join(repr(part) for part in self._key())})"
