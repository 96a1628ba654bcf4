"""What `tf.function` and its traces are instances of: names for `isinstance`, without behaviour of their own."""


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
