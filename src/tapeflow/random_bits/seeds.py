"""Which random bits an operation gets: its seeds, and the streams that go on from call to call.

A stream's state is `[counter low, counter high, key]`, an array of three uint64, laid out as in
`tf.random.Generator`.

TensorFlow runs a stateful operation eagerly through a kernel that it keeps for the next call with the same
seeds and dtypes; the kernel holds a generator, which goes on where it was left. `stream` finds what such a
kernel would hold.
"""

import math
import os
import threading
from collections.abc import Callable

import numpy as np

from . import philox

# The global seed where only the operation has one, and the modulus that all seeds are reduced by.
DEFAULT_GLOBAL_SEED = 87654321
SEED_LIMIT = 2**31 - 1

# The key under which stateless seeds are scrambled.
_SCRAMBLE_KEY = 0x02461E293EC8F720


class Stream:
    """A Philox stream that several threads may take blocks from. `set_seed` takes it back to where it began."""

    __slots__ = ("key", "counter", "_begin", "_since", "_lock")

    def __init__(self, key: int, counter: int, again: bool = True):
        self.key, self.counter = key, counter
        self._begin = counter if again else None
        self._since = _Global.streams
        self._lock = threading.Lock()

    def reserve(self, blocks: int) -> np.ndarray:
        """The state before the next `blocks` blocks, which are the caller's from then on."""
        with self._lock:
            if self._since is not _Global.streams:  # a seed was set
                self._since = _Global.streams
                if self._begin is not None:
                    self.counter = self._begin
            counter = self.counter
            self.counter = counter + blocks & philox.MASK128
        return pack(self.key, counter)

    def give_back(self, blocks: int, end: int) -> None:
        """Put back the last blocks of a reservation up to `end`, unless somebody has taken others since."""
        with self._lock:
            if self.counter == end & philox.MASK128:
                self.counter = end - blocks & philox.MASK128


class _Global:
    """What `set_seed` sets: the seed, what operations without one of their own draw from, and the streams."""

    seed: int | None = None
    draw: Callable[[int, int], int]
    streams: dict = {}


def set_seed(seed) -> None:
    """Set the global seed (None: no seed) and forget every stream, so that each starts again."""
    import random

    if seed is not None:
        seed = _whole(seed)
    _Global.seed = seed
    _Global.draw = random.Random(seed).randint
    _Global.streams = {}


def stream(op: str, seed: int | None, *attributes) -> Stream:
    """The stream of the stateful operation `op` with the operation seed `seed` and the given dtypes.

    With neither a global nor an operation seed: a new, unpredictable one. With a global seed only: a new one
    from a seed that is drawn (TensorFlow keeps that one too, but reaches it again only if the same 31 bits
    are drawn again). Otherwise the one that the last such call left.
    """
    if seed is None:
        if _Global.seed is None:
            return Stream(int.from_bytes(os.urandom(8)), int.from_bytes(os.urandom(8)) << 64)
        return Stream(*_seeded(_Global.seed, _Global.draw(0, SEED_LIMIT)))
    key, counter = _seeded(DEFAULT_GLOBAL_SEED if _Global.seed is None else _Global.seed, _whole(seed))
    name = op, key, counter, *attributes
    found = _Global.streams.get(name)
    if found is None:
        found = _Global.streams.setdefault(name, Stream(key, counter))
    return found


def node_stream(graph, seed: int | None) -> Stream:
    """The stream of a stateful operation in a graph, which is its own.

    With a global seed only, the operations that have none of their own count from 0 in each graph.
    """
    if seed is None:
        if _Global.seed is None:
            return Stream(int.from_bytes(os.urandom(8)), int.from_bytes(os.urandom(8)) << 64, again=False)
        seed = getattr(graph, "unseeded", 0)
        graph.unseeded = seed + 1
    return Stream(*_seeded(DEFAULT_GLOBAL_SEED if _Global.seed is None else _Global.seed, _whole(seed)))


def _whole(seed) -> int:
    if isinstance(seed, (str, bytes, list, tuple)):
        raise TypeError(f"A seed must be an integer, and was given {seed!r}.")
    return int(seed)


def _seeded(global_seed: int, seed: int) -> tuple[int, int]:
    low, high = global_seed % SEED_LIMIT, seed % SEED_LIMIT
    if (low, high) == (0, 0):
        high = SEED_LIMIT
    return low, high << 64


def pack(key: int, counter: int) -> np.ndarray:
    """A state from Python integers."""
    return np.array([counter & philox.MASK64, counter >> 64, key], np.uint64)


def unpack(state: np.ndarray) -> tuple[int, int]:
    """The key and the counter of a state, as Python integers."""
    low, high, key = state.tolist()
    return key & philox.MASK64, low & philox.MASK64 | (high & philox.MASK64) << 64


def scramble(seed: np.ndarray) -> np.ndarray:
    """The state that a stateless operation starts from, of its seed: two integers of up to 64 bits."""
    first, second = seed.tolist()
    x0, x1, x2, x3 = philox.block(_SCRAMBLE_KEY, first & philox.MASK64 | (second & philox.MASK64) << 64)
    return pack(x0 | x1 << 32, (x2 | x3 << 32) << 64)


def spread(state: np.ndarray, sizes: tuple, blocks: int) -> np.ndarray:
    """States for an array of examples of shape `sizes`, each `blocks` blocks after the one before."""
    key, counter = unpack(state)
    states = [pack(key, counter + i * blocks & philox.MASK128) for i in range(math.prod(sizes))]
    return np.array(states, np.uint64).astype(state.dtype).reshape(*sizes, 3)


def skip(state: np.ndarray, blocks: int) -> np.ndarray:
    """A state `blocks` blocks on, of the same dtype."""
    key, counter = unpack(state)
    return pack(key, counter + blocks & philox.MASK128).astype(state.dtype)
