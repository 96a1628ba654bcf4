"""Stands for `tensorflow.python.ops.math_ops`."""

from tapeflow.ops.compare import is_nan

__all__ = ["is_nan"]
