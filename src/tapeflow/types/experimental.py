"""`tf.types.experimental`: what functions, and what stands for a tensor, are instances of."""

import numpy as np

from tapeflow.core.function_types import (
    AtomicFunction,
    Callable,
    ConcreteFunction,
    FunctionType,
    GenericFunction,
    PolymorphicFunction,
    SupportsTracingProtocol,
    TraceType,
)
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import Tensor
from tapeflow.core.variable import Variable
from tapeflow.ops.sparse import SparseTensor

TensorLike = (
    Tensor | Variable | SparseTensor | IndexedSlices | int | float | complex | bool | str | bytes | np.generic
    | np.ndarray | list | tuple
)  # fmt: skip

__all__ = [
    "AtomicFunction",
    "Callable",
    "ConcreteFunction",
    "FunctionType",
    "GenericFunction",
    "PolymorphicFunction",
    "SupportsTracingProtocol",
    "TensorLike",
    "TraceType",
]
