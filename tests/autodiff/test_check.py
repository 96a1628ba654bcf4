"""`tf.test.compute_gradient`, with the Jacobians that TensorFlow 2.21 gives."""

import numpy as np
import pytest

import tapeflow as tf


def both(f, x, wanted, atol=1e-3):
    for jacobians in tf.test.compute_gradient(f, x):
        assert len(jacobians) == len(wanted)
        for found, expected in zip(jacobians, wanted, strict=True):
            np.testing.assert_allclose(found, expected, atol=atol)


def test_real():
    both(lambda x, y: x * y, [tf.constant([1.0, 2.0]), [3.0, 4.0]], [[[3, 0], [0, 4]], [[1, 0], [0, 2]]])
    both(lambda x: tf.gather(x, [0, 0]), [tf.constant([1.0, 2.0])], [[[1, 0], [1, 0]]])
    both(lambda x: tf.constant(1.0), [tf.constant([1.0, 2.0])], [[[0, 0]]])
    both(tf.reduce_sum, [tf.ones([2, 0])], [np.zeros((1, 0))])


def test_complex():
    both(
        lambda x: x * x, [tf.constant([1j, 2.0])],
        [[[0, -2, 0, 0], [2, 0, 0, 0], [0, 0, 4, 0], [0, 0, 0, 4]]],
    )  # fmt: skip
    both(lambda x: tf.cast(x, tf.complex64) * 1j, [tf.constant([1.0, 2.0])], [[[0, 0], [1, 0], [0, 0], [0, 1]]])


def test_refused():
    with pytest.raises(ValueError, match="must be a list or tuple"):
        tf.test.compute_gradient(tf.square, tf.constant([1.0]))
    with pytest.raises(AssertionError, match="unsupported type int32"):
        tf.test.compute_gradient(tf.square, [tf.constant(1)])


def test_a_wrong_gradient_shows():
    @tf.custom_gradient
    def wrong(x):
        return x * x, lambda dy: dy * x

    theoretical, numerical = tf.test.compute_gradient(wrong, [tf.constant([1.0, 2.0])])
    assert np.abs(theoretical[0] - numerical[0]).max() > 0.5
