"""`tf.types.experimental`: the types of functions, and what decides whether they are traced again."""

import typing

import numpy as np

from tapeflow.core.tensor import Tensor
from tapeflow.core.trace_type import SupportsTracingProtocol, TraceType
from tapeflow.core.variable import Variable
from tapeflow.tracing.concrete import Callable, ConcreteFunction
from tapeflow.tracing.function import Function as PolymorphicFunction

GenericFunction = PolymorphicFunction
TensorLike = typing.Union[  # noqa: UP007 (isinstance() takes it, and so do annotations)
    Tensor, Variable, int, float, bool, str, bytes, complex, tuple, list, np.ndarray, np.generic
]

__all__ = [
    "Callable",
    "ConcreteFunction",
    "GenericFunction",
    "PolymorphicFunction",
    "SupportsTracingProtocol",
    "TensorLike",
    "TraceType",
]
