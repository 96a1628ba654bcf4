"""`tf.random.experimental`: shuffles without state, and older names of what `tf.random` has."""

from tapeflow.ops.random import fold_in as stateless_fold_in
from tapeflow.ops.random import index_shuffle, stateless_shuffle
from tapeflow.ops.random import split as stateless_split
from tapeflow.ops.random_arguments import Algorithm
from tapeflow.ops.random_generator import (
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
)

__all__ = [
    "Algorithm",
    "Generator",
    "create_rng_state",
    "get_global_generator",
    "index_shuffle",
    "set_global_generator",
    "stateless_fold_in",
    "stateless_shuffle",
    "stateless_split",
]
