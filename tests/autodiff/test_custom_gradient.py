"""`tf.custom_gradient` and its kin. Expectations are calculus; messages are TensorFlow 2.21's."""

import numpy as np
import pytest

import tapeflow as tf


def close(tensor, expected):
    np.testing.assert_allclose(np.asarray(tensor), expected, rtol=1e-5)


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)

    def grad(upstream):
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), grad


def test_the_documented_example():
    x = tf.constant(100.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = log1pexp(x)
    close(tape.gradient(y, x), 1.0)


def test_differentiated_again():
    x = tf.constant(0.3)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = log1pexp(x)
        g = tape.gradient(y, x)
    s = 1 / (1 + np.exp(-0.3))
    close(g, s)
    close(outer.gradient(g, x), s * (1 - s))


def test_forward_mode_follows_from_the_reverse():
    x = tf.constant([0.3, 2.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 2.0])) as acc:
        y = log1pexp(x)
    close(acc.jvp(y), 1 / (1 + np.exp([-0.3, -2.0])) * [1.0, 2.0])


def test_several_arguments_and_results():
    @tf.custom_gradient
    def swap(a, b):
        return (b, a), lambda da, db: (10.0 * db, 100.0 * da)

    a, b = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        p, q = swap(a, b)
        z = 3.0 * p + 5.0 * q
    ga, gb = tape.gradient(z, [a, b])
    close(ga, 50.0)
    close(gb, 300.0)


def test_variables_within():
    v = tf.Variable(2.0)

    @tf.custom_gradient
    def times_v(x):
        def grad(dy, variables=None):
            assert len(variables) == 1 and variables[0] is v
            return dy * v * 7.0, [dy * x * 11.0]

        return x * v, grad

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = times_v(x)
    gx, gv = tape.gradient(y, [x, v])
    close(gx, 14.0)
    close(gv, 33.0)


def test_variables_within_must_be_taken():
    v = tf.Variable(2.0)

    @tf.custom_gradient
    def times_v(x):
        return x * v, lambda dy: dy

    with pytest.raises(TypeError, match="must accept keyword argument 'variables'"):
        times_v(tf.constant(1.0))


def test_another_number_of_gradients():
    @tf.custom_gradient
    def f(x):
        return x * 1.0, lambda dy: (dy, dy)

    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = f(x)
    with pytest.raises(ValueError, match="custom_gradient function expected to return 1 gradients, but returned 2"):
        tape.gradient(y, x)


def test_nested():
    @tf.custom_gradient
    def inner(x):
        return x * x, lambda dy: dy * 100.0

    @tf.custom_gradient
    def outer(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        g = tape.gradient(y, x)
        return y, lambda dy: dy * g

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = outer(x)
    close(tape.gradient(y, x), 100.0)


def test_stop_gradient():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * tf.stop_gradient(x * x)
    close(tape.gradient(y, x), 9.0)
    with tf.GradientTape() as tape:
        y = tf.stop_gradient(x)
    assert tape.gradient(y, x) is None


def test_grad_pass_through():
    x = tf.Variable([1.4, 2.6])
    with tf.GradientTape() as tape:
        y = tf.grad_pass_through(lambda t: tf.stop_gradient(t * 0.0))(x) * 3.0
    close(tape.gradient(y, x), [3.0, 3.0])


def test_recompute_grad():
    runs = []
    w = tf.Variable([2.0, 3.0])

    @tf.recompute_grad
    def f(x):
        runs.append(1)
        return tf.sin(x * w)

    x = tf.Variable([0.5, 0.7])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            y = f(x)
        assert len(runs) == 1
        gx, gw = tape.gradient(y, [x, w])
        assert len(runs) == 2
    a, b = np.array([0.5, 0.7]), np.array([2.0, 3.0])
    close(gx, np.cos(a * b) * b)
    close(gw, np.cos(a * b) * a)
    close(outer.gradient(gx, x), -np.sin(a * b) * b * b)


def test_a_method():
    class Scale:
        def __init__(self):
            self.factor = tf.Variable(2.0)

        @tf.custom_gradient
        def __call__(self, x):
            """Documented."""
            return x * self.factor, lambda dy, variables: (10 * dy, [100 * dy for _ in variables])

    scale, x = Scale(), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = scale(x)
    close(y, 6.0)
    close(tape.gradient(y, [x, scale.factor]), [10.0, 100.0])
    assert Scale.__call__.__doc__ == "Documented."


def test_recompute_grad_keeps_only_the_arguments():
    import gc
    import weakref

    gc.disable()
    try:
        held = []

        @tf.recompute_grad
        def f(x):
            middle = tf.sin(x)
            held.append(weakref.ref(middle))
            return middle * middle

        x = tf.Variable(np.ones(1000, np.float32))
        with tf.GradientTape() as tape:
            y = f(x)
            assert held[0]() is None
        close(tape.gradient(y, x), 2 * np.sin(1.0) * np.cos(1.0) * np.ones(1000))
    finally:
        gc.enable()
