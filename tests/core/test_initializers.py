"""`tf.*_initializer`, with the numbers that TensorFlow 2.21 gives for the same seeds."""

import numpy as np
import pytest

import tapeflow as tf


def test_constants():
    assert tf.zeros_initializer()([2], tf.int32).numpy().tolist() == [0, 0]
    assert tf.ones_initializer()([2], tf.bool).numpy().tolist() == [True, True]
    assert tf.constant_initializer(2.0)([2, 1]).numpy().tolist() == [[2.0], [2.0]]
    assert tf.constant_initializer([1, 2, 3, 4])([2, 2]).numpy().tolist() == [[1, 2], [3, 4]]


# Recorded from TensorFlow 2.21.
@pytest.mark.parametrize(
    ("initializer", "shape", "dtype", "wanted"),
    [
        (tf.random_normal_initializer(seed=3), [2], tf.float32, [-0.03357924, 0.08380252]),
        (tf.random_normal_initializer(seed=3), [2], tf.float64, [0.05316754, -0.00274251]),
        (tf.random_uniform_initializer(seed=3), [2], tf.float32, [-0.03040872, 0.04393453]),
        (tf.random_uniform_initializer(-2, 5, seed=3), [4], tf.int32, [1, 0, 4, -1]),
        (tf.random_uniform_initializer(seed=1), [2], tf.float32, [0.03784882, -0.00400198]),
    ],
)
def test_a_seed_gives_tensorflows_numbers(initializer, shape, dtype, wanted):
    np.testing.assert_allclose(initializer(shape, dtype).numpy(), wanted, atol=1e-8)
    np.testing.assert_array_equal(initializer(shape, dtype), initializer(shape, dtype))


def test_without_a_seed_the_global_one_counts():
    tf.random.set_seed(5)
    first, second = tf.random_normal_initializer()([2]), tf.random_normal_initializer()([2])
    np.testing.assert_allclose(first.numpy(), [-0.00901533, -0.04751432], atol=1e-8)  # as TensorFlow 2.21
    np.testing.assert_allclose(second.numpy(), [0.01132643, 0.04053276], atol=1e-8)


@pytest.mark.parametrize(
    ("initializer", "dtype", "error"),
    [
        (tf.zeros_initializer(), tf.string, ValueError),
        (tf.random_normal_initializer(), tf.int32, ValueError),
        (tf.random_uniform_initializer(), tf.complex64, ValueError),
        (tf.random_uniform_initializer(), tf.int32, TypeError),
    ],
)
def test_refused_dtypes(initializer, dtype, error):
    with pytest.raises(error):
        initializer([2], dtype)


def test_configurations():
    for made in (
        tf.constant_initializer(2), tf.zeros_initializer(), tf.random_normal_initializer(1, 2, 3),
        tf.random_uniform_initializer(seed=3),
    ):  # fmt: skip
        assert type(made).from_config(made.get_config()).get_config() == made.get_config()
    with pytest.raises(TypeError, match="foo"):
        tf.constant_initializer(2)([2], foo=1)
