"""`tf.vectorized_map` equals a loop, whatever runs inside."""

import threading

import numpy as np
import pytest

import tapeflow as tf


def close(tensor, expected):
    np.testing.assert_allclose(np.asarray(tensor), expected, rtol=1e-5)


X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def test_it_equals_a_loop():
    def f(row):
        return tf.reduce_sum(tf.sin(row) * row) + row[0]

    close(tf.vectorized_map(f, tf.constant(X)), [f(tf.constant(row)).numpy() for row in X])


def test_structures():
    out = tf.vectorized_map(
        lambda e: {"sum": e["a"] + e["b"], "both": (e["a"], e["b"] * 2.0)}, {"a": tf.constant(X), "b": tf.constant(X)}
    )
    close(out["sum"], 2 * X)
    close(out["both"][1], 2 * X)


def test_a_result_that_no_example_changes():
    close(tf.vectorized_map(lambda row: tf.constant([1.0, 2.0]), tf.constant(X)), [[1.0, 2.0]] * 4)


def test_a_tape_within_gives_the_gradient_of_each_example():
    w = tf.Variable([1.0, 2.0, 3.0])

    def g(row):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.square(row * w))
        return tape.gradient(y, w)

    close(tf.vectorized_map(g, tf.constant(X)), 2 * X**2 * [1.0, 2.0, 3.0])


def test_a_tape_around_gives_the_gradient_of_all():
    w = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.vectorized_map(lambda row: tf.square(row * w), tf.constant(X)))
    close(tape.gradient(y, w), np.sum(2 * X**2, 0) * [1.0, 2.0, 3.0])


def test_nested():
    def outer(row):
        return tf.vectorized_map(lambda a: a * tf.reduce_sum(row), row)

    close(tf.vectorized_map(outer, tf.constant(X)), X * X.sum(1, keepdims=True))


def test_different_numbers_of_examples():
    with pytest.raises(ValueError, match="same size of axis 0"):
        tf.vectorized_map(lambda e: e[0], (tf.constant(X), tf.constant(X[:2])))


def test_a_truth_value_within():
    with pytest.raises(TypeError, match="tf.where"):
        tf.vectorized_map(lambda row: row if row[0] > 0 else -row, tf.constant(X))


EACH = {
    "normal": lambda e: tf.random.normal([3]) + e,
    "uniform": lambda e: tf.random.uniform([3]),
    "integers": lambda e: tf.random.uniform([3], 0, 10**6, tf.int32),
    "integers within bounds": lambda e: tf.random.uniform([3], tf.cast(e, tf.int32), 10**6, tf.int32),
    "shuffle": lambda e: tf.random.shuffle(tf.range(50)),
    "gamma": lambda e: tf.random.gamma([3], [1.0, 2.0]),
    "poisson": lambda e: tf.random.poisson([3], 10000.0),
    "categorical": lambda e: tf.random.categorical(tf.zeros([1, 1000]), 3),
    "generator": lambda e: tf.random.Generator.from_seed(3).normal([3]),
    "nested": lambda e: tf.vectorized_map(lambda i: tf.random.shuffle(tf.range(50)), tf.range(2)),
}


@pytest.mark.parametrize("draw", EACH.values(), ids=EACH)
def test_random_numbers_for_each_example(draw):
    drawn = tf.vectorized_map(draw, tf.zeros([20])).numpy()
    assert len(np.unique(drawn.reshape(20, -1), axis=0)) == 20


def test_random_numbers_of_a_stateless_seed_are_one_for_all():
    drawn = tf.vectorized_map(lambda e: tf.random.stateless_normal([2], [1, 2]), tf.zeros([4])).numpy()
    assert len(np.unique(drawn, axis=0)) == 1


def test_the_mean_of_what_is_drawn_within():
    tf.random.set_seed(3)
    rates = tf.constant([0.5, 2.0, 30.0])
    drawn = tf.vectorized_map(lambda rate: tf.random.poisson([20000], rate), rates).numpy()
    np.testing.assert_allclose(drawn.mean(1), rates, rtol=0.05)
    shuffled = tf.vectorized_map(lambda e: tf.random.shuffle(tf.range(4)), tf.zeros([4000])).numpy()
    np.testing.assert_allclose(shuffled.mean(0), [1.5] * 4, atol=0.1)


def test_the_gradient_of_a_gamma_drawn_within():
    alpha = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        y = tf.reduce_sum(tf.vectorized_map(lambda e: tf.random.gamma([5], alpha), tf.zeros([4])))
    assert (tape.gradient(y, alpha).numpy() > 0).all()


def test_one_map_in_another_while_that_of_another_thread_ends():
    inside, end = threading.Event(), threading.Event()

    def held(x):
        inside.set()
        assert end.wait(60)
        return x

    other = threading.Thread(target=lambda: tf.vectorized_map(held, tf.zeros([2])))
    other.start()
    assert inside.wait(60)

    def outer(x):
        end.set()
        other.join()
        return tf.vectorized_map(lambda y: x * y, tf.constant([10.0, 20.0]))

    close(tf.vectorized_map(outer, tf.constant([1.0, 2.0, 3.0])), [[10, 20], [20, 40], [30, 60]])
