"""What `tf.function` and its traces are instances of: names for `isinstance`, without behaviour of their own."""

from abc import ABCMeta


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


class TraceType:
    """What an object gives as `__tf_tracing_type__`: it is compared and hashed to find a trace."""


class _HasTracingType(ABCMeta):
    def __instancecheck__(cls, instance):
        return hasattr(type(instance), "__tf_tracing_type__") or hasattr(type(instance), "__tf_tensor__")


class SupportsTracingProtocol(metaclass=_HasTracingType):
    """What says by `__tf_tracing_type__(context)` how it counts among the arguments of a function.

    >>> import tapeflow as tf
    >>> isinstance(tf.constant(1), tf.types.experimental.SupportsTracingProtocol)
    True
    """
