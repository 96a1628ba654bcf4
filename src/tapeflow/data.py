"""`tf.data`: the types that Keras asks after. There are no datasets yet: iterate over batches in Python."""

from tapeflow.keras_bridge.absent import Dataset, Iterator

__all__ = ["Dataset", "Iterator"]
