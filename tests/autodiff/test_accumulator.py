"""`tf.autodiff.ForwardAccumulator`: forward mode, alone, nested, and inside and around tapes."""

import gc
import weakref

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.autodiff import ForwardAccumulator


def close(tensor, expected):
    np.testing.assert_allclose(np.asarray(tensor), expected, rtol=1e-5, atol=1e-6)


def test_a_jvp():
    x = tf.constant([2.0, 3.0])
    with ForwardAccumulator(x, tf.constant([1.0, 10.0])) as acc:
        y = tf.sin(x) * x
    d = np.cos([2.0, 3.0]) * [2.0, 3.0] + np.sin([2.0, 3.0])
    close(acc.jvp(y), d * [1.0, 10.0])


def test_variables_and_structures():
    a, b = tf.Variable(2.0), tf.constant(3.0)
    with ForwardAccumulator({"a": a, "b": b}, {"a": tf.constant(1.0), "b": tf.constant(2.0)}) as acc:
        out = {"p": a * b, "q": [b * b]}
    pushed = acc.jvp(out)
    close(pushed["p"], 3.0 + 2.0 * 2.0)
    close(pushed["q"][0], 12.0)


def test_unconnected():
    x = tf.constant(1.0)
    with ForwardAccumulator(x, tf.constant(1.0)) as acc:
        y = tf.constant([1.0, 2.0]) * 2.0
    assert acc.jvp(y) is None
    close(acc.jvp(y, unconnected_gradients=tf.UnconnectedGradients.ZERO), [0.0, 0.0])


def test_broadcasting_gives_a_tangent_of_the_output_shape():
    b = tf.constant(1.0)
    with ForwardAccumulator(b, tf.constant(2.0)) as acc:
        y = tf.constant([1.0, 2.0, 3.0]) + b
    close(acc.jvp(y), [2.0, 2.0, 2.0])


def test_nested_accumulators_give_second_derivatives():
    x = tf.constant(0.7)
    with ForwardAccumulator(x, tf.constant(1.0)) as outer:
        with ForwardAccumulator(x, tf.constant(1.0)) as inner:
            y = tf.sin(x) * x
        d1 = inner.jvp(y)
    close(d1, np.cos(0.7) * 0.7 + np.sin(0.7))
    close(outer.jvp(y), np.cos(0.7) * 0.7 + np.sin(0.7))
    close(outer.jvp(d1), 2 * np.cos(0.7) - 0.7 * np.sin(0.7))


def test_perturbations_are_not_confused():
    """d/dx (x * d/dy (x + y)) at 1 is 1, and 2 where the perturbations of x and y are taken for one another."""
    x, y = tf.constant(1.0), tf.constant(1.0)
    with ForwardAccumulator(x, tf.constant(1.0)) as outer:
        with ForwardAccumulator(y, tf.constant(1.0)) as inner:
            z = x + y
        w = x * inner.jvp(z)
    close(outer.jvp(w), 1.0)


def test_hessian_vector_product_forward_over_reverse():
    x = tf.Variable([1.0, 2.0, 3.0])
    v = tf.constant([1.0, -1.0, 0.5])
    with ForwardAccumulator(x, v) as acc:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(x * x * x) * tf.reduce_sum(x)
        g = tape.gradient(y, x)
    a = np.array([1.0, 2.0, 3.0])
    h = np.diag(6 * a * a.sum()) + np.add.outer(3 * a**2, 3 * a**2)
    close(acc.jvp(g), h @ np.asarray(v))


def test_hessian_vector_product_reverse_over_forward():
    x = tf.Variable([1.0, 2.0, 3.0])
    v = tf.constant([1.0, -1.0, 0.5])
    with tf.GradientTape() as tape:
        with ForwardAccumulator(x, v) as acc:
            y = tf.reduce_sum(x * x * x)
        d = acc.jvp(y)
    close(tape.gradient(d, x), 6 * np.array([1.0, 2.0, 3.0]) * np.asarray(v))


def test_a_primal_given_twice():
    x = tf.constant(1.0)
    with pytest.raises(ValueError, match="twice"):
        ForwardAccumulator([x, x], [tf.constant(1.0), tf.constant(1.0)])


def test_a_tangent_of_another_shape():
    with pytest.raises(ValueError, match="shape"):
        ForwardAccumulator(tf.constant([1.0, 2.0]), tf.constant([1.0]))


def test_an_integer_primal():
    with pytest.raises(ValueError, match="floating"):
        ForwardAccumulator(tf.constant(1), tf.constant(1))


def test_tangents_go_with_their_tensors():
    gc.disable()
    try:
        x = tf.constant(np.ones(1000, np.float32))
        with ForwardAccumulator(x, x) as acc:
            y = tf.sin(x)
            held = weakref.ref(acc.jvp(y))
            del y
            assert held() is None
    finally:
        gc.enable()
