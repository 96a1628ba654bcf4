"""Random bits made into numbers, as TensorFlow's CPU kernels make them: NumPy in, NumPy out.

Every function takes the `key` and the `counter` of a Philox stream (see `philox`) and says which blocks of it
go to which element, so the numbers are TensorFlow's own and do not depend on how the work is cut up. Where an
element may need an unknown number of blocks (rejection sampling), TensorFlow gives each a stretch of
`RESERVED` blocks of its own.

`dtype` is a NumPy dtype or scalar type; bfloat16 is that of ml_dtypes. Results are flat, of length `count`.
"""

import math

import numpy as np

from . import libm, native, philox

# Blocks set aside for one element, and, in the stateful operations, skipped for one element.
RESERVED = 256

_U64 = np.uint64
_SHIFT = _U64(32)


# -- uniform -------------------------------------------------------------------------------------------------


def uniform(key: int, counter: int, count: int, dtype) -> np.ndarray:
    """Numbers in [0, 1): the low bits of each word become the mantissa of a number in [1, 2), less 1.

    float64 takes two words a number, of the first its low 20 bits as the high ones; every other type takes
    one.
    """
    dtype = np.dtype(dtype)
    found = native.filled("uniform", key, counter, count, dtype)
    if found is not None:
        return found
    if dtype == np.float64:
        out = np.empty((-(-count // 2), 2), np.float64)
        for start, even, odd in philox.chunks(key, counter, len(out)):
            out[start : start + even.shape[1]] = _doubles(even, odd).T
        return out.reshape(-1)[:count]
    if dtype == np.float32:
        out = np.empty((-(-count // 4), 4), np.float32)
        for start, even, odd in philox.chunks(key, counter, len(out)):
            part = out[start : start + even.shape[1]]
            philox.interleave(even, odd, part.view(np.uint32))
            _floats(part.view(np.uint32))
        return out.reshape(-1)[:count]
    # m / 2**bits is exact in either of the 16-bit types.
    bits = 10 if dtype == np.float16 else 7
    mantissa = philox.words(key, counter, count) & np.uint32(2**bits - 1)
    return (mantissa * np.float32(2.0**-bits)).astype(dtype)


def uniform_full_int(key: int, counter: int, count: int, dtype) -> np.ndarray:
    """Integers over the whole range of a 32-bit or 64-bit type; 64 bits are two words, the low one first."""
    dtype = np.dtype(dtype)
    found = native.filled("bits", key, counter, count, dtype)
    if found is not None:
        return found
    if dtype.itemsize == 4:
        return philox.words(key, counter, count).view(dtype)
    out = np.empty((-(-count // 2), 2), _U64)
    for start, even, odd in philox.chunks(key, counter, len(out)):
        out[start : start + even.shape[1]] = (odd << _SHIFT | even).T
    return out.reshape(-1)[:count].view(dtype)


def uniform_int(key: int, counter: int, count: int, low: int, high: int, dtype) -> np.ndarray:
    """Integers in [low, high): full-range bits modulo `high - low`, so slightly biased, as in TensorFlow."""
    dtype = np.dtype(dtype)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    out = uniform_full_int(key, counter, count, unsigned)
    span = high - low
    if span & (span - 1):
        out %= unsigned.type(span)
    else:
        out &= unsigned.type(span - 1)
    out += unsigned.type(low % 2 ** (8 * dtype.itemsize))
    return out.view(dtype)


def _floats(words: np.ndarray) -> np.ndarray:
    """uint32 words to float32 in [0, 1), in place."""
    words &= np.uint32(0x7FFFFF)
    words |= np.uint32(0x3F800000)
    numbers = words.view(np.float32)
    numbers -= np.float32(1)
    return numbers


def _doubles(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Pairs of words, as uint64, to float64 in [0, 1); `high` gives the upper 20 bits of the mantissa."""
    bits = high & _U64(0xFFFFF)
    bits |= _U64(0x3FF00000)
    bits <<= _SHIFT
    bits |= low
    numbers = bits.view(np.float64)
    numbers -= 1.0
    return numbers


# -- normal --------------------------------------------------------------------------------------------------


def normal(key: int, counter: int, count: int, dtype) -> np.ndarray:
    """Standard normal numbers by the Box-Muller transform; float16 and bfloat16 are rounded from float32."""
    dtype = np.dtype(dtype)
    found = native.filled("normal", key, counter, count, dtype)
    if found is not None:
        return found
    wide = dtype == np.float64
    group, make = (2, _normal_doubles) if wide else (4, _normal_floats)
    out = np.empty((-(-count // group), group), dtype)
    for start, even, odd in philox.chunks(key, counter, len(out)):
        out[start : start + even.shape[1]] = make(even, odd)
    return out.reshape(-1)[:count]


def truncated_normal(key: int, counter: int, count: int, dtype) -> np.ndarray:
    """Standard normal numbers, those of magnitude 2 and more drawn again.

    The elements come in groups, as many as a block makes numbers; a group has its own stretch of blocks and
    takes from it the first numbers that are inside.
    """
    dtype = np.dtype(dtype)
    found = native.filled("truncated normal", key, counter, count, dtype)
    if found is not None:
        return found
    wide = dtype == np.float64
    group, make = (2, _normal_doubles) if wide else (4, _normal_floats)
    stride = _U64(group * RESERVED // 4)
    groups = -(-count // group)
    out = np.empty((groups, group), np.float64 if wide else np.float32)
    for start in range(0, groups, philox.CHUNK):
        part = out[start : start + philox.CHUNK]
        origin = np.arange(start, start + len(part), dtype=_U64) * stride
        part[...] = make(*philox.at(key, counter, origin))
        inside = np.abs(part) < 2
        pending = np.flatnonzero(~inside.all(axis=1))
        drawn, inside = part[pending], inside[pending]
        filled = np.zeros(len(pending), np.intp)
        step = 0
        while len(pending):
            for column in range(group):
                take = np.flatnonzero(inside[:, column] & (filled < group))
                part[pending[take], filled[take]] = drawn[take, column]
                filled[take] += 1
            short = filled < group
            pending, filled = pending[short], filled[short]
            step += 1
            drawn = make(*philox.at(key, counter, origin[pending] + _U64(step)))
            inside = np.abs(drawn) < 2
    return out.reshape(-1)[:count].astype(dtype, copy=False)


def _normal_floats(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Four float32 normals a block, shape [n, 4]: a sine and a cosine of words x0, x1, then of x2, x3."""
    radius = _floats(even.astype(np.uint32))
    np.maximum(radius, np.float32(1e-7), out=radius)
    radius = libm.log(radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    # The angle is rounded to float32 from the float64 product.
    angle = _floats(odd.astype(np.uint32)) * np.float64(2 * np.pi)
    sine, cosine = libm.sincos(angle.astype(np.float32))
    out = np.empty((even.shape[1], 4), np.float32)
    np.multiply(sine, radius, out=out[:, 0::2].T)
    np.multiply(cosine, radius, out=out[:, 1::2].T)
    return out


def _normal_doubles(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Two float64 normals a block, shape [n, 2]."""
    radius, angle = _doubles(even, odd)
    # The C library's logarithm, as in TensorFlow; NumPy's own differs from it in the last bit now and then.
    radius = np.fromiter(map(math.log, np.maximum(radius, 1e-7).tolist()), np.float64, radius.size)
    radius = np.sqrt(-2.0 * radius)
    angle *= 2 * np.pi
    out = np.empty((even.shape[1], 2))
    np.multiply(np.sin(angle), radius, out=out[:, 0])
    np.multiply(np.cos(angle), radius, out=out[:, 1])
    return out


# -- gamma, Poisson, binomial --------------------------------------------------------------------------------
#
# All three compute in float64, give sample `s` of parameter `p` the stretch of blocks that begins at
# `RESERVED * (p * samples + s)`, and return shape [samples, parameters]. Each round of a loop is one trial of
# every element that has not been accepted yet.


class _Draws:
    """The float64 numbers that each element takes from its stretch, two a block, the second one first.

    `position` is the next block of each element. Several of these may share it: they take blocks in turn.
    """

    def __init__(self, key, counter, position, make):
        self.key, self.counter, self.position, self.make = key, counter, position, make
        self.pair = np.empty((position.size, 2))
        self.left = np.zeros(position.size, np.int8)

    def take(self, rows: np.ndarray) -> np.ndarray:
        empty = rows[self.left[rows] == 0]
        if empty.size:
            self.pair[empty] = self.make(*philox.at(self.key, self.counter, self.position[empty]))
            self.position[empty] += _U64(1)
            self.left[empty] = 2
        self.left[rows] -= 1
        return self.pair[rows, self.left[rows]]


def _uniform_doubles(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Two float64 in [0, 1) a block, shape [n, 2]."""
    return _doubles(even, odd).T


def _stretches(size: int, reserved: int = RESERVED) -> np.ndarray:
    return np.arange(size, dtype=_U64) * _U64(reserved)


def gamma(key: int, counter: int, samples: int, alpha: np.ndarray, dtype) -> np.ndarray:
    """Gamma numbers of concentration `alpha` (flat) and rate 1, by rejection (Marsaglia and Tsang).

    Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
    """
    alpha = np.repeat(alpha.astype(np.float64), samples)
    position = _stretches(alpha.size)
    uniforms = _Draws(key, counter, position, _uniform_doubles)
    normals = _Draws(key, counter, position, _normal_doubles)
    out = np.empty(alpha.size)

    exponential = np.flatnonzero(alpha == 1)
    out[exponential] = -np.log1p(-uniforms.take(exponential))

    # A concentration below 1 is raised by 1, and the result multiplied by a uniform number's power 1 / alpha.
    below = alpha < 1
    d = alpha + np.where(below, 2.0 / 3, -1.0 / 3)
    pending = np.flatnonzero(alpha != 1)
    with np.errstate(all="ignore"):
        c = 1.0 / 3 / np.sqrt(d)
        while pending.size:
            x = normals.take(pending)
            v = 1 + c[pending] * x
            tried = np.flatnonzero(~(v <= 0))
            rows, x, v = pending[tried], x[tried], v[tried]
            v = v * v * v
            u = uniforms.take(rows)
            accepted = u < 1 - 0.0331 * (x * x) * (x * x)
            left = np.flatnonzero(~accepted)
            x, w = x[left], v[left]
            accepted[left] = np.log(u[left]) < 0.5 * x * x + d[rows[left]] * (1 - w + np.log(w))
            rows = rows[accepted]
            out[rows] = d[rows] * v[accepted]
            rows = rows[below[rows]]
            power = uniforms.take(rows) ** (1 / alpha[rows])
            out[rows] *= np.where(np.abs(power) < np.finfo(np.float64).tiny, 0, power)
            pending = np.delete(pending, tried[accepted])
        table = out.reshape(-1, samples).T
        if np.dtype(dtype).itemsize == 2:
            return table.astype(np.float32).astype(dtype)
        table = table.astype(dtype)
    # TensorFlow's threads flush what is below the normal numbers to zero.
    table[np.abs(table) < np.finfo(dtype).tiny] = 0
    return table


def poisson(key: int, counter: int, samples: int, rate: np.ndarray, dtype) -> np.ndarray:
    """Poisson numbers of the given rates (flat): a product of uniforms below 10, rejection from there.

    Sources: D. Knuth, "The art of computer programming", volume 2, 3.4.1; W. Hörmann, "The transformed
    rejection method for generating Poisson random variables", Insurance: Mathematics and Economics 12 (1993).
    """
    rate = np.repeat(rate.astype(np.float64), samples)
    uniforms = _Draws(key, counter, _stretches(rate.size), _uniform_doubles)
    highest = _highest(dtype)
    out = np.full(rate.size, np.nan)

    pending, events = np.flatnonzero(rate < 10), 0
    limit, product = np.exp(-np.clip(rate, 0, 10)), np.ones(rate.size)
    while pending.size:
        product[pending] *= uniforms.take(pending)
        done = product[pending] <= limit[pending]
        out[pending[done]] = events
        pending, events = pending[~done], events + 1

    # TensorFlow never returns for a finite rate that the type cannot hold, nor for NaN; infinity is 0 in its
    # integers.
    whole = np.dtype(dtype).kind in "iu"
    out[rate > highest] = highest if whole else np.inf
    if whole:
        out[np.isinf(rate)] = 0
    pending = np.flatnonzero((rate >= 10) & (rate <= highest))
    with np.errstate(all="ignore"):
        b = 0.931 + 2.53 * np.sqrt(rate)
        a = -0.059 + 0.02483 * b
        while pending.size:
            u, v = uniforms.take(pending) - 0.5, uniforms.take(pending)
            r, at, bt = rate[pending], a[pending], b[pending]
            shifted = 0.5 - np.abs(u)
            k = np.floor((2 * at / shifted + bt) * u + r + 0.43)
            accepted = (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (bt - 2))
            inverse = 1.1239 + 1.1328 / (bt - 3.4)
            s = np.log(v * inverse / (at / (shifted * shifted) + bt))
            t = -r + k * np.log(r) - _log_factorial(k)
            accepted |= ~((k < 0) | ((shifted < 0.013) & (v > shifted))) & (s <= t)
            accepted &= k <= highest
            out[pending[accepted]] = k[accepted]
            pending = pending[~accepted]
        return _cast(out, dtype).reshape(-1, samples).T


def binomial(
    key: int, counter: int, samples: int, counts: np.ndarray, probs: np.ndarray, dtype
) -> np.ndarray:
    """Binomial numbers of the given counts and probabilities (flat, of one float dtype, one length).

    By inversion where the mean (of the rarer outcome) is below 10, by transformed rejection from there.

    Source: W. Hörmann, "The generation of binomial random variates", Journal of Statistical Computation and
    Simulation 46 (1993).
    """
    swapped = np.repeat(probs > 0.5, samples)
    rarer = np.where(probs > 0.5, probs.dtype.type(1) - probs, probs)
    many = np.repeat(counts * rarer >= 10, samples)
    n, p = (np.repeat(x.astype(np.float64), samples) for x in (counts, rarer))
    sure = np.repeat(probs.astype(np.float64), samples)
    out = np.full(n.size, np.nan)
    out[(n <= 0) | (sure <= 0)] = 0
    certain = (n > 0) & (sure >= 1)
    out[certain] = n[certain]
    proper = (n > 0) & (sure > 0) & (sure < 1)

    with np.errstate(all="ignore"):
        rows = np.flatnonzero(proper & many)
        out[rows] = _binomial_rejection(
            _Draws(key, counter, _stretches(n.size), _uniform_doubles), rows, n, p
        )
        rows = np.flatnonzero(proper & ~many)
        # This method has shorter stretches.
        out[rows] = _binomial_inversion(
            _Draws(key, counter, _stretches(n.size, 42), _uniform_doubles), rows, n, p
        )
        swapped &= proper
        out[swapped] = n[swapped] - out[swapped]
        return _cast(out, dtype).reshape(-1, samples).T


def _binomial_inversion(uniforms: _Draws, rows: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Counts the geometric numbers that fit into `n`."""
    out, total = np.zeros(n.size), np.zeros(n.size)
    scale = np.log1p(-p)
    pending, fitted = rows, 0
    while pending.size:
        total[pending] += np.ceil(np.log(uniforms.take(pending)) / scale[pending])
        done = total[pending] > n[pending]
        out[pending[done]] = fitted
        pending, fitted = pending[~done], fitted + 1
    return out[rows]


def _binomial_rejection(uniforms: _Draws, rows: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    out, pending = np.zeros(n.size), rows
    while pending.size:
        u, v = uniforms.take(pending) - 0.5, uniforms.take(pending)
        count, prob = n[pending], p[pending]
        deviation = np.sqrt(count * prob * (1 - prob))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * prob
        odds = prob / (1 - prob)
        mode = np.floor((count + 1) * prob)
        shifted = 0.5 - np.abs(u)
        k = np.floor((2 * a / shifted + b) * u + (count * prob + 0.5))
        accepted = (shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
        v = np.log(v * ((2.83 + 5.1 / b) * deviation) / (a / (shifted * shifted) + b))
        bound = (
            (mode + 0.5) * np.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * np.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * np.log(odds * (count - k + 1) / (k + 1))
            + _stirling_tail(mode)
            + _stirling_tail(count - mode)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        accepted |= (k >= 0) & (k <= count) & (v <= bound)
        out[pending[accepted]] = k[accepted]
        pending = pending[~accepted]
    return out[rows]


# log(k!) - ((k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2) for k of 0 to 9 (Hörmann 1993).
_STIRLING = np.array(
    [
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
        0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
    ]
)  # fmt: skip


def _stirling_tail(k: np.ndarray) -> np.ndarray:
    square = (k + 1) * (k + 1)
    tail = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
    return np.where(k <= 9, _STIRLING[np.clip(k, 0, 9).astype(np.intp)], tail)


def _log_factorial(k: np.ndarray) -> np.ndarray:
    """log(k!) of whole float64 numbers, by a table to 19 and Stirling's series from there."""
    table = np.cumsum(np.log(np.maximum(np.arange(20.0), 1)))
    x = k + 1
    square = x * x
    tail = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / x
    series = (x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi) + tail
    return np.where(k < 20, table[np.clip(k, 0, 19).astype(np.intp)], series)


# -- choices -------------------------------------------------------------------------------------------------


def categorical(key: int, counter: int, samples: int, logits: np.ndarray, dtype) -> np.ndarray:
    """Class numbers, shape [batch, samples], from unnormalised log-probabilities of shape [batch, classes].

    Inverts the cumulative distribution; logits that are not finite have probability 0. The uniform numbers
    are one stream over all rows, as in a TensorFlow with one thread: with more, it cuts a large batch into
    stretches, whose number depends on the machine.
    """
    batch, classes = logits.shape
    finite = np.isfinite(logits)
    wide = logits.astype(np.float64)
    with np.errstate(all="ignore"):
        peak = np.max(np.where(finite, wide, -np.inf), axis=1, keepdims=True, initial=-np.inf)
        cumulative = np.cumsum(np.where(finite, np.exp(wide - peak), 0), axis=1)
    target = uniform(key, counter, batch * samples, np.float64).reshape(batch, samples) * cumulative[:, -1:]
    out = np.empty((batch, samples), dtype)
    if batch < samples:
        for row in range(batch):
            out[row] = np.searchsorted(cumulative[row], target[row], side="right")
    else:
        for column in range(samples):
            out[:, column] = (cumulative <= target[:, column : column + 1]).sum(axis=1)
    return out


def permutation(key: int, counter: int, size: int) -> np.ndarray:
    """The numbers below `size`, shuffled: each place in turn swaps with a random one from there on."""
    remaining = np.arange(size, 1, -1, dtype=np.uint32)
    partners = (philox.words(key, counter, size - 1) % remaining).tolist()
    order = list(range(size))
    for place, ahead in enumerate(partners):
        other = place + ahead
        order[place], order[other] = order[other], order[place]
    return np.array(order, np.intp)


def index_shuffle(index: int, seed: tuple[int, int, int], max_index: int, rounds: int = 4) -> int:
    """The place of `index` in a pseudo-random permutation of 0 ... `max_index`, which is not made.

    A block cipher of a few rounds over the smallest even number of bits, at least 16, applied until the
    result is in range. Sources: R. Beaulieu et al., "The Simon and Speck families of lightweight block
    ciphers", IACR ePrint 2013/404; J. Black, P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
    2002.
    """
    if max_index == 0:
        return 0
    bits = max((max_index - 1).bit_length() + 1 & ~1, 16)
    half = bits // 2
    mask = (1 << half) - 1

    def left(x: int, by: int) -> int:
        return (x << by | x >> half - by) & mask

    def right(x: int, by: int) -> int:
        return left(x, half - by)

    def mix(x: int) -> int:
        return left(x, 1) & left(x, 8) ^ left(x, 2)

    keys = [word & mask for word in seed]
    constants = 0x7369F885192C0EF5
    for i in range(3, rounds):
        last = keys[-1]
        keys.append(
            (0xFFFFFFFC & mask) ^ (constants >> i - 3 & 1) ^ keys[i - 3] ^ right(last, 3) ^ right(last, 4)
        )
    while True:
        high, low = index >> half & mask, index & mask
        for i in range(0, rounds, 2):
            high ^= mix(low) ^ keys[i]
            low ^= mix(high) ^ keys[i + 1]
        index = high << half | low
        if index <= max_index:
            return index


def _highest(dtype) -> float:
    dtype = np.dtype(dtype)
    return float((np.iinfo if dtype.kind in "iu" else np.finfo)(dtype).max)


def _cast(values: np.ndarray, dtype) -> np.ndarray:
    """float64 to the result's type; beyond an integer type's range its highest value, and 0 for NaN."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        return values.astype(dtype)
    highest = np.iinfo(dtype).max
    return np.where(values >= float(highest), highest, np.nan_to_num(values, posinf=0).astype(dtype))
