"""Shapes and traces that never come back are not compiled: how much is, grows slower than the calls."""

import numpy as np

import tapeflow as tf


def natively(concrete):
    """For how many sets of shapes there is native code."""
    return len(concrete._graph.cache.get("native", ()))


def test_sizes_that_change_all_the_time():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return tf.reduce_sum(tf.tanh(x) * 2.0)

    concrete = f.get_concrete_function()
    for _ in range(2):
        for n in range(1, 61):
            x = np.linspace(0, 1, n, dtype=np.float32)
            np.testing.assert_allclose(f(x), 2 * np.tanh(x).sum(), rtol=1e-5)
    assert 8 <= natively(concrete) <= 16


def test_sizes_that_come_back_are_compiled():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return tf.reduce_sum(x)

    concrete = f.get_concrete_function()
    for _ in range(6):
        for n in range(1, 25):
            f(tf.ones([n]))
    assert natively(concrete) == 24


def test_a_function_that_is_traced_all_the_time():
    @tf.function
    def f(x, k):
        return x * k

    x = tf.constant([1.0, 2.0])
    for k in range(40):
        assert f(x, k).numpy().tolist() == [k, 2 * k]
    assert sum(natively(f.get_concrete_function(x, k)) for k in range(40)) == 8
    last = f.get_concrete_function(x, 39)
    for _ in range(6):
        f(x, 39)
    assert natively(last) == 1
    w = tf.Variable([1.0, 2.0])
    for _ in range(8):
        with tf.GradientTape() as tape:
            y = f(w * 1.0, 39)
        assert tape.gradient(y, w).numpy().tolist() == [39, 39]
