"""Each distribution's numbers against the distribution, by Kolmogorov and Smirnov, or by chi squared."""

import numpy as np
import pytest
from scipy import stats

import tapeflow as tf

COUNT = 40000
SEED = (2024, 7)

CONTINUOUS = {
    "uniform": (lambda d: tf.random.stateless_uniform([COUNT], SEED, -1.0, 3.0, d), stats.uniform(-1, 4)),
    "normal": (lambda d: tf.random.stateless_normal([COUNT], SEED, 1.0, 2.0, d), stats.norm(1, 2)),
    "truncated_normal": (
        lambda d: tf.random.stateless_truncated_normal([COUNT], SEED, dtype=d),
        stats.truncnorm(-2, 2),
    ),
    "gamma 0.4": (
        lambda d: tf.random.stateless_gamma([COUNT], SEED, 0.4, 2.0, d),
        stats.gamma(0.4, scale=0.5),
    ),
    "gamma 1": (lambda d: tf.random.stateless_gamma([COUNT], SEED, 1.0, dtype=d), stats.gamma(1)),
    "gamma 7": (lambda d: tf.random.stateless_gamma([COUNT], SEED, 7.0, dtype=d), stats.gamma(7)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name, dtype):
    draw, distribution = CONTINUOUS[name]
    assert stats.kstest(draw(dtype).numpy().astype(np.float64), distribution.cdf).pvalue > 0.001


DISCRETE = {
    "poisson 3": (lambda: tf.random.stateless_poisson([COUNT], SEED, 3.0).numpy(), stats.poisson(3)),
    "poisson 40": (lambda: tf.random.stateless_poisson([COUNT], SEED, 40.0).numpy(), stats.poisson(40)),
    "binomial 10 0.3": (
        lambda: tf.random.stateless_binomial([COUNT], SEED, 10.0, 0.3).numpy(),
        stats.binom(10, 0.3),
    ),
    "binomial 100 0.7": (
        lambda: tf.random.stateless_binomial([COUNT], SEED, 100.0, 0.7).numpy(),
        stats.binom(100, 0.7),
    ),
    "integers": (
        lambda: tf.random.stateless_uniform([COUNT], SEED, 0, 12, "int32").numpy(),
        stats.randint(0, 12),
    ),
    "categorical": (
        lambda: tf.random.stateless_categorical([[0.0, np.log(2.0), np.log(3.0)]], COUNT, SEED).numpy()[0],
        stats.rv_discrete(values=([0, 1, 2], [1 / 6, 2 / 6, 3 / 6])),
    ),
    "shuffle": (
        lambda: np.stack(
            [tf.random.experimental.stateless_shuffle(np.arange(6), (i, 0)).numpy()[2] for i in range(1200)]
        ),
        stats.randint(0, 6),
    ),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name):
    draw, distribution = DISCRETE[name]
    values = draw()
    low, high = int(distribution.ppf(0.01)), int(distribution.ppf(0.99))
    observed = [
        np.sum(values < low),
        *(np.sum(values == k) for k in range(low, high + 1)),
        np.sum(values > high),
    ]
    expected = [distribution.cdf(low - 1), *distribution.pmf(np.arange(low, high + 1)), distribution.sf(high)]
    kept = np.array(expected) > 1e-12
    assert not np.array(observed)[~kept].any()
    assert stats.chisquare(np.array(observed)[kept], np.array(expected)[kept] * len(values)).pvalue > 0.001


def test_without_a_seed_no_two_draws_are_alike():
    tf.random.set_seed(None)
    draws = {tf.random.uniform([], dtype=tf.float64).numpy().item() for _ in range(50)}
    draws |= {tf.random.Generator.from_non_deterministic_state().normal([]).numpy().item() for _ in range(50)}
    assert len(draws) == 100
