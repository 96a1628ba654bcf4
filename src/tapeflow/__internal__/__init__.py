"""`tf.__internal__`: what Keras's TensorFlow backend takes from inside of TensorFlow."""

from tapeflow.__internal__ import distribute, smart_cond, tracking, types
from tapeflow.core.indexed_slices import IndexedSlices as CompositeTensor
from tapeflow.core.tensor import EagerTensor

__all__ = ["CompositeTensor", "EagerTensor", "distribute", "smart_cond", "tracking", "types"]
