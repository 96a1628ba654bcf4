"""Keras's functional models: what a layer would give is found by tracing it."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def tf():
    import tapeflow

    tapeflow.keras  # noqa: B018
    return tapeflow


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda tf, x: x * 2.0, (None, 4, 6)),
        (lambda tf, x: tf.reduce_sum(x, axis=1), (None, 6)),
        (lambda tf, x: tf.reshape(x, [-1, 24]), (None, 24)),
        (lambda tf, x: tf.reshape(x, [-1, 6]), (None, 6)),
        (lambda tf, x: tf.concat([x, x], 0), (None, 4, 6)),
        (lambda tf, x: tf.transpose(x), (6, 4, None)),
        (lambda tf, x: tf.reduce_mean(x), ()),
        (lambda tf, x: tf.ones([2, 3]), (2, 3)),
        (lambda tf, x: tf.cast(x > 0, tf.int32), (None, 4, 6)),
    ],
)
def test_shape_of_any_computation(tf, call, shape):
    class Any(tf.keras.layers.Layer):
        def call(self, x):
            return call(tf, x)

    out = Any()(tf.keras.Input((4, 6)))
    assert tuple(out.shape) == shape


def test_structures_and_dtypes(tf):
    class Pair(tf.keras.layers.Layer):
        def call(self, x):
            return {"a": x, "b": [tf.argmax(x, -1), tf.cast(x, tf.float64)]}

    out = Pair()(tf.keras.Input((5,)))
    assert [(tuple(t.shape), t.dtype) for t in (out["a"], *out["b"])] == [
        ((None, 5), "float32"), ((None,), "int64"), ((None, 5), "float64"),
    ]  # fmt: skip


def test_a_tape_around_the_making_sees_nothing(tf):
    with tf.GradientTape() as tape:
        inputs = tf.keras.Input((3,))
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(inputs))
    assert tape.watched_variables() == ()
    assert model(np.ones((4, 3), np.float32)).shape == (4, 2)


def test_a_model_is_saved_and_loaded(tf, tmp_path):
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, activation="tanh")(inputs))
    model.save(tmp_path / "model.keras")
    again = tf.keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(x), again(x))
    model.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")


def test_a_model_can_be_copied(tf):
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    again = tf.keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(np.ones((1, 3))), again(np.ones((1, 3))))


def test_finding_a_shape_draws_no_numbers(tf):
    class Noisy(tf.keras.layers.Layer):
        def call(self, x):
            return x + tf.random.normal(tf.shape(x)) + tf.random.normal([2], seed=3)

    tf.keras.utils.set_random_seed(5)
    inputs = tf.keras.Input((2,))
    model = tf.keras.Model(inputs, Noisy()(inputs))
    found = [*tf.random.normal([2]).numpy(), *model(tf.zeros([1, 2])).numpy()[0]]
    wanted = [-0.18030665814876556, -0.9502862691879272, -1.2351701259613037, 0.22046810388565063]  # TensorFlow's
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_finding_a_shape_assigns_nothing(tf):
    class Counting(tf.keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.calls = tf.Variable(0, trainable=False)

        def call(self, x):
            self.calls.assign_add(1)
            return x

    layer, inputs = Counting(), tf.keras.Input((2,))
    model = tf.keras.Model(inputs, layer(inputs))
    assert layer.calls.numpy() == 0
    model(tf.zeros([1, 2]))
    assert layer.calls.numpy() == 1
