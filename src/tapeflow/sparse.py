"""`tf.sparse`: sparse tensors as containers, and the names that Keras mentions as it loads."""

from tapeflow.keras_bridge.absent import sparse_add as add
from tapeflow.keras_bridge.absent import sparse_maximum as maximum
from tapeflow.keras_bridge.absent import sparse_minimum as minimum
from tapeflow.ops.sparse import SparseTensor, from_dense, reorder, to_dense

__all__ = ["SparseTensor", "add", "from_dense", "maximum", "minimum", "reorder", "to_dense"]
