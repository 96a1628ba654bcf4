"""Random choices in compiled functions: those of the NumPy kernels, call after call."""

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import run as compiler

FUNCTIONS = {
    "stateless_shuffle": lambda x: tf.random.experimental.stateless_shuffle(x, [1, 2]),
    "shuffle": lambda x: tf.random.shuffle(x, seed=3),
    "stateless_one": lambda x: tf.random.stateless_categorical(x, 1, [3, 4], tf.int32),
    "stateless_some": lambda x: tf.random.stateless_categorical(x, 5, [3, 4]),
    "stateless_many": lambda x: tf.random.stateless_categorical(x, 3000, [3, 4]),
    "categorical": lambda x: tf.random.categorical(x, 7, seed=4),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 5), (32, 10), (300, 4), (2, 1)])
def test_choices(name, dtype, shape, monkeypatch):
    x = np.random.default_rng(0).normal(size=shape) * 3
    x[0, 0] = np.inf if shape[1] > 1 else 0  # what is not finite is never drawn
    if shape[0] > 1:
        x[1] = -np.inf
    x = tf.cast(tf.constant(x), dtype)
    found = []
    for native in (False, True):
        monkeypatch.setattr(compiler, "native", native)
        tf.random.set_seed(7)
        function = tf.function(FUNCTIONS[name])
        found.append([function(x).numpy() for _ in range(3)])
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()
    text = str(function.get_concrete_function(x))
    assert text.count("on NumPy") == (not name.startswith("stateless")), text  # the state's key


def test_shuffled_integers_and_rows():
    x = tf.constant(np.arange(60).reshape(20, 3))
    found = tf.function(FUNCTIONS["stateless_shuffle"])(x).numpy()
    np.testing.assert_array_equal(found, FUNCTIONS["stateless_shuffle"](x))
    assert sorted(found[:, 0]) == list(range(0, 60, 3)) and (found[:, 1] == found[:, 0] + 1).all()


def test_resampling_in_a_loop():
    """A particle filter's inner loop: weights, a draw of each particle's parent, a move."""

    def run(particles):
        for t in tf.range(20):
            logits = -tf.square(particles - 0.1 * tf.cast(t, tf.float32))
            parents = tf.random.stateless_categorical(logits[None], 50, [7, t])[0]
            particles = tf.gather(particles, parents) + 0.1 * tf.random.stateless_normal([50], [8, t])
        return particles

    x = tf.constant(np.random.default_rng(2).normal(size=50).astype(np.float32))
    function = tf.function(run)
    np.testing.assert_allclose(function(x), run(x), atol=1e-4)
    text = str(function.get_concrete_function(x))
    assert "native loop" in text and "on NumPy" not in text, text
