"""Python code that runs with the graph, in order: `tf.py_function`, `tf.numpy_function`, `tf.print`, checks."""

import sys

import numpy as np
import pytest

import tapeflow as tf


def test_py_function_runs_at_every_call_in_order():
    log = []

    def note(x):
        log.append(float(x))
        return x * 2.0

    @tf.function
    def f(x):
        y = tf.py_function(note, [x], tf.float32)
        z = tf.py_function(note, [y + 1.0], tf.TensorSpec([2], tf.float32) if False else tf.float32)
        tf.py_function(lambda: log.append("end"), [], [])
        return z

    assert f(tf.constant(1.0)).numpy() == 6 and f(tf.constant(2.0)).numpy() == 10
    assert log == [1.0, 3.0, "end", 2.0, 5.0, "end"]


def test_py_function_has_a_gradient():
    w = tf.constant(3.0)

    def cube(x, w):
        return x.numpy().sum() * 0.0 + x * x * x * w  # `numpy` is there: it runs eagerly

    def f(x):
        return tf.py_function(cube, [x, w], tf.float32) * 2.0

    @tf.function
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = f(x)
        return y, tape.gradient(y, [x, w])

    x = tf.constant([1.0, 2.0])
    for y, (gx, gw) in (inside(x), _around(tf.function(f), x, w), _around(f, x, w)):
        np.testing.assert_allclose(y, [6, 48])
        np.testing.assert_allclose(gx, [18, 72])
        np.testing.assert_allclose(gw, 18)


def _around(f, x, w):
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = f(x)
    return y, tape.gradient(y, [x, w])


def test_py_function_in_loops_and_branches():
    log = []

    def note(x):
        log.append(float(x))
        return x * x

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = tf.py_function(note, [y], tf.TensorSpec([], tf.float32))
            if y < 100.0:
                y = tf.py_function(note, [y], tf.TensorSpec([], tf.float32))
        return y, tape.gradient(y, x)

    y, g = f(tf.constant(2.0))
    assert (y.numpy(), g.numpy(), log) == (256.0, 1024.0, [2.0, 4.0, 16.0])
    y, g = f(tf.constant(1.0))
    assert (y.numpy(), g.numpy()) == (1.0, 16.0)


def test_results_without_a_shape():
    @tf.function
    def f(x):
        y = tf.py_function(lambda x: x[None], [x], tf.float32)
        assert y.shape.rank is None
        z = tf.sin(y * 2.0) + 1.0
        assert tf.reshape(y, [-1]).shape.as_list() == [None]
        y.set_shape([1, None])
        assert y.shape.as_list() == [1, None]
        a, b = tf.py_function(lambda x: (x, x.numpy().tolist()), [x], [tf.float32, tf.float64])
        return z, tf.matmul(y, y, transpose_b=True), tf.ensure_shape(a, [2]), b

    z, square, a, b = f(tf.constant([1.0, 2.0]))
    np.testing.assert_allclose(z, np.sin([[2.0, 4.0]]) + 1, rtol=1e-6)
    assert square.numpy().tolist() == [[5.0]] and a.numpy().tolist() == [1, 2] and b.dtype is tf.float64


def test_numpy_function():
    calls = []

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.numpy_function(lambda a: calls.append(type(a)) or np.sinh(a), [x], tf.float32)
        return y, tape.gradient(y, x, unconnected_gradients="zero")

    y, g = f(tf.constant([0.0, 1.0]))
    np.testing.assert_allclose(y, np.sinh([0.0, 1.0]), rtol=1e-6)
    assert g.numpy().tolist() == [0, 0] and calls == [np.ndarray]
    with pytest.raises(tf.errors.InvalidArgumentError, match="float64, but expects float32"):
        tf.function(lambda x: tf.numpy_function(lambda a: a.astype(np.float64), [x], tf.float32))(tf.constant([0.0]))


def test_errors_of_the_python_code():
    def bad(x):
        raise ValueError("mine")

    with pytest.raises(tf.errors.InvalidArgumentError, match="ValueError: mine") as caught:
        tf.function(lambda x: tf.py_function(bad, [x], tf.float32))(tf.constant(1.0))
    assert any("test_python.py" in note for note in caught.value.__notes__)


def test_print_and_checks_in_loops_and_branches(capsys):
    @tf.function
    def f(n):
        for i in tf.range(n):
            tf.print("round", i, output_stream=sys.stdout)
            if i == 1:
                tf.print("one", output_stream=sys.stdout)
            tf.debugging.assert_less(i, 3, message="too far")
        tf.debugging.Assert(n < 10, ["n is", n])
        return n

    f(tf.constant(2))
    assert capsys.readouterr().out == "round 0\nround 1\none\n"
    with pytest.raises(tf.errors.InvalidArgumentError, match="too far"):
        f(tf.constant(9))
    assert capsys.readouterr().out == "round 0\nround 1\none\nround 2\nround 3\n"
