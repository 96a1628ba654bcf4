"""`Dim`: a size or number that a trace does not know yet, as an expression over what it will be read from.

Shapes and attributes hold a `Dim` where the number is only known when the graph runs. Rules compute with it as with an
int. What is not known is false: `d == 3` and `d != 3` are both False, so that a check lets it pass and a short cut is
not taken. Whatever truly needs the number raises `UnknownSize`.
"""


class UnknownSize(Exception):
    """A number was asked for that is only known when the graph runs."""


class Dim:
    """`key` is ("size", slot, axis), ("value", slot, position), or (operator, operand, operand)."""

    __slots__ = ("key",)

    def __init__(self, *key):
        self.key = key

    def __hash__(self):
        return hash(self.key)

    def __eq__(self, other):
        return isinstance(other, Dim) and self.key == other.key

    def __ne__(self, other):
        return False

    def __repr__(self):
        return source(self)

    def __add__(self, other):
        return self if other == 0 else _commuting("+", self, other)

    def __mul__(self, other):
        if isinstance(other, float):
            return NotImplemented
        return other if other.__class__ is int and other == 0 else self if other == 1 else _commuting("*", self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return 0 if other == self else self if other == 0 else Dim("-", self, other)

    def __rsub__(self, other):
        return Dim("-", other, self)

    def __neg__(self):
        return Dim("-", 0, self)

    def __floordiv__(self, other):
        if other == 1:
            return self
        if other == self:
            return 1
        if self.key[0] == "*" and other in self.key[1:]:
            return self.key[2] if self.key[1] == other else self.key[1]
        return Dim("//", self, other)

    def __rfloordiv__(self, other):
        return Dim("//", other, self)

    def __mod__(self, other):
        return 0 if other == 1 else Dim("%", self, other)

    def __rmod__(self, other):
        return Dim("%", other, self)

    def __pos__(self):
        return self

    def __lt__(self, other):
        if other == 0 and never_negative(self):
            return False
        raise self._unknown()

    def __ge__(self, other):
        return not self < other

    def __le__(self, other):
        if other == self:
            return True
        raise self._unknown()

    def __gt__(self, other):
        return not self <= other

    def __index__(self):
        raise self._unknown()

    __int__ = __bool__ = __float__ = __index__

    def _unknown(self):
        return UnknownSize("the size of a dimension, or a number, that is only known when the function runs")


class UnknownRank:
    """The shape of `tensor`, of which not even the rank is known: what Python code returned. What needs it raises."""

    __slots__ = ("tensor",)

    def __init__(self):
        self.tensor = None

    def __iter__(self):
        raise UnknownSize(
            "The rank of a tensor is not known while tracing: say its shape with `set_shape`, `tf.ensure_shape`, or a "
            "tf.TensorSpec in the Tout of tf.py_function."
        )

    __len__ = __getitem__ = __bool__ = lambda self, *args: iter(self)


def _commuting(operator, a, b):
    if isinstance(a, Dim) and isinstance(b, Dim) and repr(b) < repr(a):
        a, b = b, a
    return Dim(operator, a, b)


def never_negative(dim):
    """Whether a number, an int or a Dim, is known to be 0 or more."""
    if not isinstance(dim, Dim):
        return dim >= 0
    head, *rest = dim.key
    return head == "size" or head in ("+", "*", "//", "%", "max", "join") and all(map(never_negative, rest))


def outside(n, low, high=None):
    """Whether a number is known to be below `low` or above `high`; where there is a Dim, the kernel finds out."""
    if isinstance(n, Dim) or isinstance(high, Dim):
        return False
    return n < low or high is not None and n > high


def differ(a, b):
    """Whether two shapes are known to differ. (`!=` of tuples takes a Dim next to another size for a difference.)"""
    if a.__class__ is UnknownRank or b.__class__ is UnknownRank:
        return False
    return len(a) != len(b) or any([m != n for m, n in zip(a, b)])


def joined(m, n):
    """The size that sizes `m` and `n` of one dimension broadcast to. None if they cannot."""
    if m == n or n == 1:
        return m
    if m == 1:
        return n
    if not isinstance(m, Dim):
        return m if isinstance(n, Dim) else None
    return n if not isinstance(n, Dim) else _commuting("join", m, n)


def broadcast(*shapes):
    """The shape that several broadcast to, of ints and Dims. None if they cannot."""
    unknown = {shape for shape in shapes if shape.__class__ is UnknownRank}
    if unknown:
        if len(unknown) == 1 and all([shape == () for shape in shapes if shape not in unknown]):
            return unknown.pop()
        return UnknownRank()
    out = []
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        size = 1
        for shape in shapes:
            if axis <= len(shape):
                size = joined(size, shape[-axis])
                if size is None:
                    return None
        out.append(size)
    return tuple(reversed(out))


def holds_dim(value):
    """Whether there is a Dim in nested tuples, lists and slices."""
    if isinstance(value, Dim):
        return True
    if isinstance(value, (tuple, list)):
        return any(map(holds_dim, value))
    return isinstance(value, slice) and holds_dim((value.start, value.stop, value.step))


def is_open(shape):
    """Whether sizes of a shape, or how many there are, are not known."""
    return shape.__class__ is UnknownRank or holds_dim(shape)


def dims_in(value):
    """The leaves, as keys, of all Dims in nested tuples, lists and slices."""
    if isinstance(value, Dim):
        return {value.key} if value.key[0] in ("size", "value") else dims_in(value.key[1:])
    if isinstance(value, slice):
        value = (value.start, value.stop, value.step)
    return set().union(*map(dims_in, value)) if isinstance(value, (tuple, list)) else set()


def substitute(value, leaf):
    """`value` with every leaf of its Dims replaced by `leaf(key)`, an int or a Dim."""
    if isinstance(value, Dim):
        head, *rest = value.key
        if head in ("size", "value"):
            return leaf(value.key)
        return _OPERATORS[head](*[substitute(item, leaf) for item in rest])
    if value.__class__ is tuple or value.__class__ is list:
        return type(value)([substitute(item, leaf) for item in value])
    if value.__class__ is slice:
        return slice(*[substitute(item, leaf) for item in (value.start, value.stop, value.step)])
    return value


_OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "//": lambda a, b: a // b,
    "%": lambda a, b: a % b, "join": joined,
}  # fmt: skip


def source(value):
    """A Dim as a Python expression over the arrays `v0`, `v1`, ... of the slots."""
    if not isinstance(value, Dim):
        return repr(value)
    head, a, b = value.key
    if head == "size":
        return f"v{a}.shape[{b}]"
    if head == "value":
        return f"int(v{a}.reshape(-1)[{b}])"
    if head == "join":
        return f"join({source(a)}, {source(b)})"
    return f"({source(a)} {head} {source(b)})"


def opened_shape(shape):
    """A shape for an input that stands for a tensor of it: None for a size that is not known."""
    return shape if shape.__class__ is UnknownRank else public(shape)


def public(shape):
    """A shape as users see it: None for what is not known."""
    if shape is None or shape.__class__ is UnknownRank:
        return None
    return tuple([None if isinstance(n, Dim) else n for n in shape])
