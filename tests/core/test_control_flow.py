"""`tf.cond`, `tf.while_loop` and their kin, where every operation runs at once."""

import pytest

import tapeflow as tf


def test_cond_and_its_gradient():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.cond(x > 1.0, lambda: x * x, lambda: x)
    assert tape.gradient(y, x).numpy() == 4.0
    with pytest.raises(TypeError, match="'true_fn' must be callable"):
        tf.cond(True, 1, lambda: 2)
    with pytest.raises(ValueError, match="ambiguous"):
        tf.cond(tf.constant([True, False]), lambda: 1, lambda: 2)


def test_case_and_switch_case():
    no, yes = tf.constant(False), tf.constant(True)
    assert tf.case([(no, lambda: 1), (yes, lambda: 2)], default=lambda: 3) == 2
    assert tf.case([(no, lambda: 1)], default=lambda: 3) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions"):
        tf.case([(no, lambda: 1)])
    assert tf.switch_case(tf.constant(1), [lambda: 1, lambda: 2]) == 2
    assert tf.switch_case(tf.constant(-1), [lambda: 1, lambda: 2]) == 2
    assert tf.switch_case(tf.constant(9), {0: lambda: 1, 1: lambda: 2}, default=lambda: 7) == 7
    with pytest.raises(TypeError, match="must be a Tensor"):
        tf.switch_case(1, [lambda: 1])


def test_while_loop_and_its_gradient():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, tf.constant(1.0)))
    assert y.numpy() == 8.0
    assert tape.gradient(y, x).numpy() == 12.0
    i, d = tf.while_loop(lambda i, d: i < 5, lambda i, d: (i + 1, {"a": d["a"] + 1}), (0, {"a": 0}))
    assert (i.numpy(), d["a"].numpy()) == (5, 5)
    (i,) = tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=4)
    assert i.numpy() == 4
    with pytest.raises(ValueError, match="same nested structure"):
        tf.while_loop(lambda i: i < 5, lambda i: (i + 1, 2), [0])
    with pytest.raises(ValueError, match="'loop_vars' must be provided"):
        tf.while_loop(lambda: False, lambda: 1, [])


def test_map_fn():
    pairs = (tf.constant([1, 2]), tf.constant([3, 4]))
    assert tf.map_fn(lambda t: t[0] + t[1], pairs, fn_output_signature=tf.int32).numpy().tolist() == [4, 6]
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.map_fn(lambda a: a * a, x)
    assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="same nested structure"):
        tf.map_fn(lambda x: (x, x), tf.constant([1, 2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="dtype is int32 but Op is trying to write dtype float"):
        tf.map_fn(lambda x: tf.cast(x, tf.float32), tf.constant([1, 2]))
    with pytest.raises(ValueError, match="not scalars"):
        tf.map_fn(lambda x: x, 3)
