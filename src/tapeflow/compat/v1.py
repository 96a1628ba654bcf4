"""`tf.compat.v1`: the one name of TensorFlow 1 that Keras calls."""

from tapeflow.core.eager import reset_default_graph

__all__ = ["reset_default_graph"]
