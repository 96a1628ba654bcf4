"""The primitives of `tf.random`: where bits come from, and what is made of them.

A *state* is a uint64 tensor of shape [3], the counter's two halves and the key. `RESERVE` alone has a side
effect, on the stream it is given; all others are pure functions of a state. `shape` is a tuple of ints,
`dtype` NumPy's.
"""

import math

import numpy as np

from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.engine.dispatch import apply, bracketed
from tapeflow.engine.primitive import constant, general, missing
from tapeflow.ops import space
from tapeflow.random_bits import distributions, seeds


def _filled(make):
    """The kernel for a function of key, counter, number of elements and dtype."""

    def kernel(state, shape, dtype):
        return make(*seeds.unpack(state), math.prod(shape), dtype).reshape(shape)[()]

    return kernel


def _uniform_int(state, low, high, shape):
    for name, bound in (("minval", low), ("maxval", high)):
        if bound.ndim:
            raise InvalidArgumentError(None, None, f"{name} must be 0-D, got shape {bracketed(bound.shape)}")
    count = math.prod(shape)
    if count and low >= high:
        raise InvalidArgumentError(None, None, f"Need minval < maxval, got {low} >= {high}")
    if not count:
        return np.empty(shape, low.dtype)
    return distributions.uniform_int(*seeds.unpack(state), count, int(low), int(high), low.dtype).reshape(
        shape
    )[()]


def _per_parameter(make, state, parameters, shape, dtype):
    """Samples for an array of parameters whose shape ends `shape`."""
    number = parameters[0].size
    samples = math.prod(shape) // number if number else 0
    if not samples:
        return np.empty(shape, dtype)
    flat = [np.ravel(p) for p in parameters]
    return make(*seeds.unpack(state), samples, *flat, dtype).reshape(shape)[()]


def _gamma(state, alpha, shape):
    return _per_parameter(distributions.gamma, state, [alpha], shape, alpha.dtype)


def _poisson(state, rate, shape, dtype):
    return _per_parameter(distributions.poisson, state, [rate], shape, dtype)


def _binomial(state, counts, probs, shape, dtype):
    return _per_parameter(distributions.binomial, state, np.broadcast_arrays(counts, probs), shape, dtype)


def _categorical(state, logits, num_samples, dtype):
    return distributions.categorical(*seeds.unpack(state), num_samples, logits, dtype)


def _shuffle(state, value):
    if value.size <= 1 or value.shape[0] <= 1:
        return value
    return value[distributions.permutation(*seeds.unpack(state), value.shape[0])]


def _index_shuffle(index, seed, max_index, rounds):
    sizes = [index.size, max_index.size, seed.size // seed.shape[-1]]
    count = max(sizes)
    scalar = not index.ndim and not max_index.ndim and seed.ndim == 1
    rows = np.broadcast_to(seed.astype(np.uint32), (count, 3)).tolist()
    pairs = zip(
        np.broadcast_to(index, count).tolist(), np.broadcast_to(max_index, count).tolist(), strict=True
    )
    out = []
    for (place, last), row in zip(pairs, rows, strict=True):
        for name, number in (("index", place), ("max_index", last)):
            if number < 0:
                raise InvalidArgumentError(None, None, f"{name} must be >= 0 but was {number}")
        if last < place:
            raise InvalidArgumentError(None, None, f"max_index must be >= index, but {last} < {place}")
        out.append(distributions.index_shuffle(place, row, last, rounds))
    return np.array(out, index.dtype)[0] if scalar else np.array(out, index.dtype)


def _gamma_gradient(alpha, sample):
    from tapeflow.random_bits.gamma_gradient import gamma_gradient

    return gamma_gradient(alpha, sample)[()]


# Within `tf.vectorized_map`, what draws numbers draws them for each example.


def within_batches():
    """The batches that a draw is made for, outermost first: those within the function that is being traced."""
    return [b for b in thread.batches if thread.trace is None or b.level > thread.trace.level]


def batch_sizes():
    """The sizes of those batches."""
    return tuple([batch.size for batch in within_batches()])


def spread(state, sizes, blocks):
    """A state for each example of these batches, `blocks` blocks after the one before."""
    states = apply(SPREAD, (state,), (sizes, blocks))
    for batch in within_batches():
        states = batch.of(states)
    return states


# Where bits come from: a seed of two integers, a stream that goes on, the state of a generator.
SEED = constant("StatelessRandomGetKeyCounter", lambda seed: seeds.scramble(seed), operands="seed")
RESERVE = constant(
    "ReserveRandomBits", lambda stream, blocks: stream.reserve(blocks), operands="", attrs="stream blocks"
)
RESERVE.effect = "read"
SKIP = constant("RngReadAndSkip", seeds.skip, operands="state", attrs="blocks")

SPREAD = constant("SpreadRandomBits", seeds.spread, operands="state", attrs="sizes blocks")

_FILL = {"operands": "state", "attrs": "shape dtype"}
UNIFORM = constant("StatelessRandomUniformV2", _filled(distributions.uniform), **_FILL)
UNIFORM_FULL_INT = constant(
    "StatelessRandomUniformFullIntV2", _filled(distributions.uniform_full_int), **_FILL
)
NORMAL = constant("StatelessRandomNormalV2", _filled(distributions.normal), **_FILL)
TRUNCATED_NORMAL = constant("StatelessTruncatedNormalV2", _filled(distributions.truncated_normal), **_FILL)
UNIFORM_INT = constant("StatelessRandomUniformIntV2", _uniform_int, operands="state low high", attrs="shape")
POISSON = constant("StatelessRandomPoisson", _poisson, operands="state rate", attrs="shape dtype")
BINOMIAL = constant("StatelessRandomBinomial", _binomial, operands="state counts probs", attrs="shape dtype")
# The stateful one has no gradient at all in TensorFlow, where the others have none on purpose.
POISSON_STATEFUL = missing("RandomPoissonV2", _poisson, operands="state rate", attrs="shape dtype")
CATEGORICAL = constant(
    "StatelessMultinomial", _categorical, operands="state logits", attrs="num_samples dtype"
)
SHUFFLE = constant("StatelessShuffle", _shuffle, operands="state value")
INDEX_SHUFFLE = constant(
    "RandomIndexShuffle", _index_shuffle, operands="index seed max_index", attrs="rounds"
)

GAMMA_GRADIENT = missing("RandomGammaGrad", _gamma_gradient, operands="alpha sample")
# A sample moves with its concentration (Figurnov et al. 2018). TensorFlow differentiates it once; so do we.
GAMMA = general(
    "StatelessRandomGammaV3", _gamma, None,
    lambda g, y, alpha: (None, space.sum_to(g * apply(GAMMA_GRADIENT, (alpha, y)), alpha)),
    operands="state alpha", attrs="shape",
)  # fmt: skip
