"""Operations on the bits of integers."""

import numpy as np

from tapeflow.engine.dispatch import binary, unary
from tapeflow.engine.dtypes import INTEGER
from tapeflow.engine.primitive import constant


def _statement(name, kernel):
    return constant(name, kernel, INTEGER, operands="a b", batch="elementwise")


AND = _statement("BitwiseAnd", np.bitwise_and)
OR = _statement("BitwiseOr", np.bitwise_or)
XOR = _statement("BitwiseXor", np.bitwise_xor)
LEFT = _statement("LeftShift", lambda a, b: np.left_shift(a, _shift(a, b)))
RIGHT = _statement("RightShift", lambda a, b: np.right_shift(a, _shift(a, b)))
INVERT = constant("Invert", np.invert, INTEGER, batch="elementwise")


def _shift(a, b):
    """A shift count within the width of the type, as TensorFlow's kernels clamp it."""
    return np.clip(b, 0, a.dtype.itemsize * 8 - 1).astype(b.dtype)


def bitwise_and(x, y, name=None):
    """The bits that are set in both of two integers.

    >>> import tapeflow as tf
    >>> tf.bitwise.bitwise_and(6, 3).numpy().item()
    2
    """
    return binary(AND, x, y)


def bitwise_or(x, y, name=None):
    """The bits that are set in either of two integers.

    >>> import tapeflow as tf
    >>> tf.bitwise.bitwise_or(6, 3).numpy().item()
    7
    """
    return binary(OR, x, y)


def bitwise_xor(x, y, name=None):
    """The bits that differ between two integers.

    >>> import tapeflow as tf
    >>> tf.bitwise.bitwise_xor(6, 3).numpy().item()
    5
    """
    return binary(XOR, x, y)


def invert(x, name=None):
    """Every bit of an integer flipped.

    >>> import tapeflow as tf
    >>> tf.bitwise.invert(0).numpy().item()
    -1
    """
    return unary(INVERT, x)


def left_shift(x, y, name=None):
    """x with its bits moved y places up.

    >>> import tapeflow as tf
    >>> tf.bitwise.left_shift(3, 2).numpy().item()
    12
    """
    return binary(LEFT, x, y)


def right_shift(x, y, name=None):
    """x with its bits moved y places down; the sign stays.

    >>> import tapeflow as tf
    >>> tf.bitwise.right_shift(-8, 2).numpy().item()
    -2
    """
    return binary(RIGHT, x, y)
