"""`train_on_batch` and its kin, with a `train_step` of one's own: the numbers are TensorFlow 2.21's."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def tf():
    import tapeflow

    tapeflow.keras  # noqa: B018 (loads Keras, and makes `import tensorflow` mean Tapeflow)
    return tapeflow


def model_of(tf):
    keras = tf.keras

    class OwnStep(keras.Model):
        def train_step(self, data):
            x, y, *weight = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=weight[0] if weight else None)
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    inputs = keras.Input(shape=(4,))
    hidden = keras.layers.Dense(3, "tanh", kernel_initializer="ones", bias_initializer="ones")(inputs)
    return OwnStep(inputs, keras.layers.Dense(1, kernel_initializer="ones")(hidden))


X = np.arange(24, dtype=np.float32).reshape(6, 4) / 24 - 0.5
Y = np.arange(6, dtype=np.float32)[:, None]
WANTED_LOGS = [
    [1.8311535, 1.1993115], [0.9182339, 0.7605636], [0.6161086, 0.6579919], [0.2965008, 0.6075252],
    [0.5241957, 0.6069514],
]  # fmt: skip
WANTED_TOTAL = 14.185727


def answers(tf, run_eagerly):
    model = model_of(tf)
    model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"], run_eagerly=run_eagerly)
    logs = [model.train_on_batch(X, Y, return_dict=True) for _ in range(3)]
    logs.append(model.train_on_batch(X, Y, sample_weight=Y / 5, return_dict=True))
    logs.append(model.test_on_batch(X, Y, return_dict=True))
    return [[float(log["loss"]), float(log["mae"])] for log in logs], float(np.sum(model.predict_on_batch(X)))


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_on_batch(tf, run_eagerly):
    logs, total = answers(tf, run_eagerly)
    np.testing.assert_allclose(logs, WANTED_LOGS, rtol=1e-5)
    np.testing.assert_allclose(total, WANTED_TOTAL, rtol=1e-5)


def test_without_datasets(tf):
    model = model_of(tf)
    model.compile(optimizer="sgd", loss="mse")
    with pytest.raises(AttributeError, match="Tapeflow has no tf.data.Dataset"):
        model.fit(X, Y, verbose=0)
    with pytest.raises(NotImplementedError, match="Tapeflow has no tf.distribute.MirroredStrategy: there is one"):
        tf.distribute.MirroredStrategy(["cpu:0"])
