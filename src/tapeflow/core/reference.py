"""`Reference`: a hashable stand-in for an object that compares by value, as `Tensor.ref()` gives."""


class Reference:
    """Compares and hashes by the identity of what it wraps; `deref()` gives that back."""

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped):
        self._wrapped = wrapped

    def deref(self):
        """The object itself."""
        return self._wrapped

    def __eq__(self, other):
        return isinstance(other, Reference) and self._wrapped is other._wrapped

    def __hash__(self):
        return id(self._wrapped)

    def __repr__(self):
        return f"<Reference wrapping {self._wrapped!r}>"
