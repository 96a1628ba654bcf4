"""What `tf.types.experimental` is about: what functions are instances of, and how objects decide about their traces."""

import abc
import typing

# Names for `isinstance`, without behaviour of their own.


class Callable:
    """Anything of TensorFlow's that is called with tensors.

    >>> import tapeflow as tf
    >>> isinstance(tf.function(abs), tf.types.experimental.Callable)
    True
    """


class GenericFunction(Callable):
    """A function that is traced for its arguments."""


class PolymorphicFunction(GenericFunction):
    """What `tf.function` gives."""


class ConcreteFunction(Callable):
    """One trace of a function.

    >>> import tapeflow as tf
    >>> trace = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([]))
    >>> isinstance(trace, tf.types.experimental.ConcreteFunction)
    True
    """


class AtomicFunction(Callable):
    """The least of functions: a graph that is called with tensors. There is none apart from concrete functions."""


class FunctionType:
    """The parameters, the captures and the result of a trace."""


# By what a `tf.function` tells objects of the user's own classes apart.


class TraceType(abc.ABC):
    """The type that an object counts as among the arguments of a `tf.function`: `__tf_tracing_type__` returns it.

    Types that are equal, and hash alike, share a trace. While tracing, `placeholder_value` stands for the object.

    >>> import tapeflow as tf
    >>> class Kind(tf.types.experimental.TraceType):
    ...     def __init__(self, of): self.of = of
    ...     def is_subtype_of(self, other): return self == other
    ...     def most_specific_common_supertype(self, others): return self if all(self == o for o in others) else None
    ...     def placeholder_value(self, placeholder_context): return self.of()
    ...     def __eq__(self, other): return isinstance(other, Kind) and self.of is other.of
    ...     def __hash__(self): return hash(self.of)
    >>> class Two:
    ...     number = 2.0
    ...     def __tf_tracing_type__(self, context): return Kind(type(self))
    >>> f = tf.function(lambda two, x: two.number * x)
    >>> [f(Two(), tf.constant(3.0)).numpy().item() for _ in range(2)], f.experimental_get_tracing_count()
    ([6.0, 6.0], 1)
    """

    @abc.abstractmethod
    def is_subtype_of(self, other):
        """Whether a trace for `other`, another TraceType, serves for this one."""

    @abc.abstractmethod
    def most_specific_common_supertype(self, others):
        """The narrowest TraceType that this one and all `others` are subtypes of; None if there is none."""

    @abc.abstractmethod
    def placeholder_value(self, placeholder_context):
        """The object that the Python function is given while it is traced; the context is not used."""

    @abc.abstractmethod
    def __eq__(self, other):
        """Whether both are the same type."""

    @abc.abstractmethod
    def __hash__(self):
        """The hash of the type, as of any key."""

    def to_tensors(self, value):
        """The tensors in an object of this type, as a list: none."""
        return []

    def from_tensors(self, tensors):
        """The object that is made of the tensors, an iterator: the placeholder."""
        return self.placeholder_value(None)

    def flatten(self):
        """The types of `to_tensors`' tensors, as a list: none."""
        return []

    def cast(self, value, cast_context):
        """`value` as an object of this type. Raises TypeError for one that is not."""
        given = trace_type_of(value)
        if given is None or not given.is_subtype_of(self):
            raise TypeError(f"Can not cast {value!r} to type {self!r}")
        return value


@typing.runtime_checkable
class SupportsTracingProtocol(typing.Protocol):
    """An object that says by `__tf_tracing_type__(context)` what `TraceType` it counts as.

    >>> import tapeflow as tf
    >>> isinstance(3, tf.types.experimental.SupportsTracingProtocol)
    False
    """

    def __tf_tracing_type__(self, context):
        """The `TraceType` of the object; the context is passed on to the parts of which it consists."""


class TracingContext:
    """What `__tf_tracing_type__` is given, to be passed on."""


def trace_type_of(value):
    """What `value` says that it counts as, None if it says nothing. Raises TypeError for what is no TraceType."""
    if not hasattr(type(value), "__tf_tracing_type__"):
        return None
    found = value.__tf_tracing_type__(TracingContext())
    if not isinstance(found, TraceType):
        raise TypeError(f"Expected an instance of TraceType for Tracing Protocol call to {value} but got {found}")
    return found
