"""`tf.sparse`: the names that Keras mentions as it loads. There are no sparse tensors yet."""

from tapeflow.keras_bridge.absent import SparseTensor
from tapeflow.keras_bridge.absent import sparse_add as add
from tapeflow.keras_bridge.absent import sparse_maximum as maximum
from tapeflow.keras_bridge.absent import sparse_minimum as minimum

__all__ = ["SparseTensor", "add", "maximum", "minimum"]
