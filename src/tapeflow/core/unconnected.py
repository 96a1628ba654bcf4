"""`tf.UnconnectedGradients`: what to give where a target does not depend on a source."""

from enum import Enum


class UnconnectedGradients(Enum):
    """`NONE` gives None, `ZERO` gives zeros of the source's shape."""

    NONE = "none"
    ZERO = "zero"
