"""`tf.TensorShape`: the sizes of a tensor's dimensions, of which some, or how many there are, may be unknown."""


class TensorShape:
    """A shape: `TensorShape([2, None])` has an unknown dimension, `TensorShape(None)` an unknown rank.

    Equal to the list or tuple of its dimensions.

    >>> import tapeflow as tf
    >>> tf.TensorShape([2, None]), tf.TensorShape([2, 3]) == [2, 3]
    (TensorShape([2, None]), True)
    """

    __slots__ = ("_dims",)

    def __init__(self, dims):
        self._dims = _dimensions(dims)

    @classmethod
    def _of(cls, dims):
        """A shape of a tuple of ints and Nones, taken as it is."""
        shape = object.__new__(cls)
        shape._dims = dims
        return shape

    rank = property(lambda self: None if self._dims is None else len(self._dims), doc="The number of dimensions.")
    ndims = rank

    @property
    def dims(self):
        """The dimensions as a list of ints and Nones, None if the rank is unknown."""
        return None if self._dims is None else list(self._dims)

    def as_list(self):
        """The dimensions as a list. Raises ValueError if the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def num_elements(self):
        """The number of elements, None if it is not known."""
        if not self.is_fully_defined():
            return None
        count = 1
        for dim in self._dims:
            count *= dim
        return count

    def is_fully_defined(self):
        """Whether every dimension is known."""
        return self._dims is not None and None not in self._dims

    def merge_with(self, other):
        """The shape that has what either knows. Raises ValueError if they are incompatible."""
        other = as_shape(other)
        if self._dims is None:
            return other
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape._of(tuple([n if m is None else m for m, n in zip(self._dims, other._dims, strict=True)]))

    def concatenate(self, other):
        """The dimensions of both, one after the other."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return TensorShape._of(None)
        return TensorShape._of(self._dims + other._dims)

    def __add__(self, other):
        return self.concatenate(other)

    def __radd__(self, other):
        return as_shape(other).concatenate(self)

    def is_compatible_with(self, other):
        """Whether a tensor could have both shapes."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return True
        if len(self._dims) != len(other._dims):
            return False
        return all(m is None or n is None or m == n for m, n in zip(self._dims, other._dims, strict=True))

    def most_specific_compatible_shape(self, other):
        """The shape with the most known dimensions that both are subtypes of."""
        other = as_shape(other)
        if self._dims is None or other._dims is None or len(self._dims) != len(other._dims):
            return TensorShape._of(None)
        return TensorShape._of(tuple([m if m == n else None for m, n in zip(self._dims, other._dims, strict=True)]))

    def most_specific_common_supertype(self, others):
        """The most specific shape that this and all of `others` are subtypes of."""
        shape = self
        for other in others:
            shape = shape.most_specific_compatible_shape(other)
        return shape

    def is_subtype_of(self, other):
        """Whether every tensor of this shape is one of `other`, a `TensorShape`."""
        if not isinstance(other, TensorShape):
            return False
        if other._dims is None:
            return True
        if self._dims is None or len(self._dims) != len(other._dims):
            return False
        return all(n is None or m == n for m, n in zip(self._dims, other._dims, strict=True))

    def assert_has_rank(self, rank):
        """Raise ValueError unless the rank is `rank` or unknown."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other):
        """Raise ValueError if the ranks are known and differ."""
        other = as_shape(other)
        if self.rank is not None and other.rank is not None and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_is_compatible_with(self, other):
        """Raise ValueError if no tensor can have both shapes."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def assert_is_fully_defined(self):
        """Raise ValueError unless every dimension is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def with_rank(self, rank):
        """This shape, known to have a rank. Raises ValueError if it has another."""
        try:
            return self.merge_with(unknown_shape(rank))
        except ValueError:
            raise ValueError(f"Shape {self} must have rank {rank}") from None

    def with_rank_at_least(self, rank):
        """This shape. Raises ValueError if its rank is known and less."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank):
        """This shape. Raises ValueError if its rank is known and more."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __getitem__(self, key):
        if self._dims is not None:
            return TensorShape._of(self._dims[key]) if isinstance(key, slice) else self._dims[key]
        if not isinstance(key, slice):
            return None
        start, stop = key.start or 0, key.stop
        if key.step not in (None, 1):
            raise ValueError("Steps are not yet handled")
        if stop is None or stop < 0 or start < 0:
            return TensorShape._of(None)
        return unknown_shape(max(0, stop - start))

    def __iter__(self):
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims)

    def __len__(self):
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self):
        return self._dims is not None

    def __eq__(self, other):
        if other.__class__ is TensorShape:
            return self._dims == other._dims
        try:
            return self._dims == as_shape(other)._dims
        except (TypeError, ValueError):
            return False

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self._dims)

    def __repr__(self):
        return f"TensorShape({None if self._dims is None else list(self._dims)})"

    def __str__(self):
        return "<unknown>" if self._dims is None else str(self._dims)

    def __reduce__(self):
        return TensorShape, (self._dims,)

    def __concat__(self, other):
        return self.concatenate(other)


def _dimensions(dims):
    if dims is None:
        return None
    if dims.__class__ is TensorShape:
        return dims._dims
    if isinstance(dims, (list, tuple)):
        for dim in dims:
            if dim.__class__ is not int or dim < 0:
                break
        else:
            return tuple(dims)
        return tuple([_dimension(dim) for dim in dims])
    if hasattr(dims, "__index__") and not getattr(dims, "shape", ()):
        return (_dimension(dims),)
    try:
        items = list(dims)
        return tuple([_dimension(dim) for dim in items])
    except TypeError as error:
        first = next(iter(dims), dims) if hasattr(dims, "__iter__") else dims
        raise TypeError(
            f"Failed to convert '{dims!r}' to a shape: '{first!r}'could not be converted to a dimension. A shape "
            "should either be single dimension (e.g. 10), or an iterable of dimensions (e.g. [1, 10, None])."
        ) from error


def _dimension(dim):
    if dim is None or dim.__class__ is int and dim >= 0:
        return dim
    if not hasattr(dim, "__index__"):
        raise TypeError(
            "Dimension value must be integer or None or have an __index__ method, got value "
            f"'{dim!r}' with type '{type(dim)!r}'"
        )
    value = dim.__index__()
    if value < 0:
        raise ValueError(f"Dimension {value} must be >= 0")
    return value


def as_shape(value):
    """`value` as a `TensorShape`."""
    return value if value.__class__ is TensorShape else TensorShape(value)


def unknown_shape(rank=None):
    """A shape of a rank of which no dimension is known."""
    return TensorShape._of(None if rank is None else (None,) * rank)


def broadcast_static_shape(shape_x, shape_y):
    """The shape that two broadcast to. Raises ValueError if they do not.

    >>> import tapeflow as tf
    >>> tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3]))
    TensorShape([2, 3])
    """
    x, y = as_shape(shape_x)._dims, as_shape(shape_y)._dims
    if x is None or y is None:
        return TensorShape._of(None)
    rank = max(len(x), len(y))
    out = []
    for m, n in zip((1,) * (rank - len(x)) + x, (1,) * (rank - len(y)) + y, strict=True):
        if m == n or n == 1:
            out.append(m)
        elif m == 1:
            out.append(n)
        elif m is None or n is None:
            out.append(n if m is None else m)
        else:
            raise ValueError(
                "Incompatible shapes for broadcasting. Two shapes are compatible if for each dimension pair they are "
                f"either equal or one of them is 1. Received: {as_shape(shape_x)} and {as_shape(shape_y)}."
            )
    return TensorShape._of(tuple(out))
