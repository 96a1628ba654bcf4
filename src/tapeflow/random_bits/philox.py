"""Philox 4x32-10, the counter-based generator behind every random number of TensorFlow.

A *block* is four 32-bit words `x0 x1 x2 x3`, a pure function of a 64-bit key and a 128-bit counter; block `n`
of a stream is the block at `counter + n`. Keys and counters are Python integers, `x0` of the counter its
lowest word.

Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import numpy as np

MASK32, MASK64, MASK128 = 2**32 - 1, 2**64 - 1, 2**128 - 1

# The paper's multipliers, and its Weyl constants that raise the key from round to round.
_MULTIPLY = (0xD2511F53, 0xCD9E8D57)
_RAISE = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10

# Lanes that are worked on at a time: three arrays of 2 x 8 bytes each stay in a core's own cache.
CHUNK = 16384
# Up to here Python's integers are quicker than some fifty calls of NumPy.
_SMALL = 6

_M = np.array([[_MULTIPLY[0]], [_MULTIPLY[1]]], np.uint64)
_SHIFT = np.uint64(32)
_LOW = np.uint64(MASK32)


def block(key: int, counter: int) -> tuple[int, int, int, int]:
    """One block, as four Python integers.

    >>> [hex(x) for x in block(0, 0)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    k0, k1 = key & MASK32, key >> 32
    x0, x1, x2, x3 = counter & MASK32, counter >> 32 & MASK32, counter >> 64 & MASK32, counter >> 96 & MASK32
    for _ in range(_ROUNDS):
        p0, p1 = x0 * _MULTIPLY[0], x2 * _MULTIPLY[1]
        x0, x1, x2, x3 = p1 >> 32 ^ x1 ^ k0, p1 & MASK32, p0 >> 32 ^ x3 ^ k1, p0 & MASK32
        k0, k1 = k0 + _RAISE[0] & MASK32, k1 + _RAISE[1] & MASK32
    return x0, x1, x2, x3


def at(key: int, counter: int, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The blocks at `counter + offsets`, as `even = [x0, x2]` and `odd = [x1, x3]`.

    `offsets` is uint64 of shape [n]; each result is uint64 of shape [2, n] and holds 32-bit words.
    """
    even, odd = np.empty((2, 2, offsets.size), np.uint64)
    if offsets.size <= _SMALL:
        for i, offset in enumerate(offsets.tolist()):
            even[0, i], odd[0, i], even[1, i], odd[1, i] = block(key, counter + offset & MASK128)
        return even, odd
    keys = _round_keys(key)
    for start in range(0, offsets.size, CHUNK):
        part = slice(start, start + CHUNK)
        _load_counter(counter, offsets[part], even[:, part], odd[:, part])
        _rounds(even[:, part], odd[:, part], keys)
    return even, odd


def chunks(key: int, counter: int, count: int):
    """Yields `(start, even, odd)` for blocks `start ...` of the stream, until `count` are done.

    The arrays are as in `at`, at most `CHUNK` blocks wide, and are overwritten by the next chunk.
    """
    if count <= _SMALL:
        if count:
            yield 0, *at(key, counter, np.arange(count, dtype=np.uint64))
        return
    width = min(count, CHUNK)
    steps = np.arange(width, dtype=np.uint64)
    buffers = np.empty((3, 2, width), np.uint64)
    keys = _round_keys(key)
    for start in range(0, count, width):
        even, odd, scratch = buffers[..., : min(width, count - start)]
        _load_counter(counter + start & MASK128, steps[: even.shape[1]], even, odd)
        _rounds(even, odd, keys, scratch)
        yield start, even, odd


def words(key: int, counter: int, count: int) -> np.ndarray:
    """The first `count` 32-bit words of the stream, uint32."""
    out = np.empty((-(-count // 4), 4), np.uint32)
    for start, even, odd in chunks(key, counter, len(out)):
        interleave(even, odd, out[start : start + CHUNK])
    return out.reshape(-1)[:count]


def interleave(even: np.ndarray, odd: np.ndarray, out: np.ndarray) -> None:
    """Writes `[x0, x2]` and `[x1, x3]` into `out`, of shape [n, 4], in the order of the stream."""
    out[:, 0], out[:, 1], out[:, 2], out[:, 3] = even[0], odd[0], even[1], odd[1]


def _round_keys(key: int) -> list[np.ndarray]:
    halves = key & MASK32, key >> 32
    return [
        np.array([[k + i * r & MASK32] for k, r in zip(halves, _RAISE)], np.uint64) for i in range(_ROUNDS)
    ]


def _load_counter(counter: int, offsets: np.ndarray, even: np.ndarray, odd: np.ndarray) -> None:
    low, high = np.uint64(counter & MASK64), counter >> 64
    sums = offsets + low
    np.bitwise_and(sums, _LOW, out=even[0])
    np.right_shift(sums, _SHIFT, out=odd[0])
    even[1], odd[1] = high & MASK32, high >> 32
    carried = sums < low
    if carried.any():
        high = high + 1 & MASK64
        even[1, carried], odd[1, carried] = high & MASK32, high >> 32


def _rounds(
    even: np.ndarray, odd: np.ndarray, keys: list[np.ndarray], scratch: np.ndarray | None = None
) -> None:
    # Both products of a round are one multiplication of two rows; a round hands each row's product to the
    # other.
    product = np.empty_like(even) if scratch is None else scratch
    crossed = product[::-1]
    for key in keys:
        np.multiply(even, _M, out=product)
        np.right_shift(crossed, _SHIFT, out=even)
        np.bitwise_xor(even, odd, out=even)
        np.bitwise_xor(even, key, out=even)
        np.bitwise_and(crossed, _LOW, out=odd)
