"""Stands for `tensorflow.python.trackable.data_structures`: the containers that TensorFlow wraps attributes in.

Tapeflow wraps none, so that nothing is of these types.
"""


class ListWrapper(list):
    """A list that checkpoints follow."""


class _DictWrapper(dict):
    """A dictionary that checkpoints follow."""
