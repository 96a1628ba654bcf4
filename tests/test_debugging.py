"""`tf.debugging`, against TensorFlow's answers, and the checks on every operation."""

import numpy as np
import pytest

import tapeflow as tf
from core import asked

DIFFERENT = {
    "d.assert_equal('a','b')": "TensorFlow fails with AttributeError on strings",
    "d.assert_non_positive(t)": "another message: TensorFlow's lacks a line break",
    "d.assert_shapes([(t,(tf.constant(3),))])": "TensorFlow fails on sizes that are tensors",
}


def test_as_tensorflow():
    asked.check("debugging", DIFFERENT)


@pytest.fixture
def checked():
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()


def test_every_operation_is_checked(checked):
    x = tf.Variable(0.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tensor had -Inf values"):
        tf.math.log(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match='"Sqrt"'):
        tf.sqrt(tf.constant([1.0, -1.0]))


def test_gradients_are_checked_too(checked):
    x = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        y = tf.sqrt(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Inf"):
        tape.gradient(y, x)


def test_an_error_within_a_tape_leaves_none_open(checked):
    with pytest.raises(tf.errors.InvalidArgumentError):
        with tf.GradientTape():
            tf.math.log(-1.0)
    tf.debugging.disable_check_numerics()
    from tapeflow.core.listening import thread

    assert thread.listeners == ()


def test_checks_are_off_again():
    tf.debugging.enable_check_numerics()
    tf.debugging.disable_check_numerics()
    assert np.isnan(tf.math.log(-1.0).numpy())


def test_check_numerics_checks_the_gradient():
    x = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        y = tf.debugging.check_numerics(tf.sqrt(x), "here")
        z = 1.0 / y
    with pytest.raises(tf.errors.InvalidArgumentError, match="in gradient. here"):
        tape.gradient(z, x)
