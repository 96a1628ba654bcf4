"""Keras models trained in a tf.function and eagerly, from the same weights: they come to the same weights."""

import threading

import numpy as np
import pytest

import tapeflow as tf

keras = tf.keras
layers, losses, optimizers = keras.layers, keras.losses, keras.optimizers


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def batches(x, y):
    """Three batches, of which the last is smaller."""
    return [(tf.constant(x[rows]), tf.constant(y[rows])) for rows in (slice(0, 6), slice(6, 12), slice(12, 15))]


TABLE = batches(numbers(15, 5), numbers(15, 3, seed=1))
SEQUENCES = batches(numbers(15, 4, 5), numbers(15, 3, seed=1))
WORDS = batches(np.random.default_rng(2).integers(0, 7, (15, 4)), numbers(15, 3, seed=1))
CLASSES = batches(numbers(15, 5), np.random.default_rng(3).integers(0, 3, 15))


def model_of(*stack, shape=(5,)):
    return keras.Sequential([layers.Input(shape), *stack])


def trained(build, data, traced, signature=False):
    """What two epochs come to: the losses, and all the variables."""
    keras.utils.set_random_seed(1)
    model, optimizer, loss, metrics = build()
    optimizer.build(model.trainable_variables)

    def step(x, y):
        with tf.GradientTape() as tape:
            prediction = model(x, training=True)
            value = loss(y, prediction)
            if model.losses:
                value += tf.add_n(model.losses)
            scaled = optimizer.scale_loss(value)
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        for metric in metrics:
            metric.update_state(y, prediction)
        return value

    if traced:
        specs = [tf.TensorSpec([None, *part.shape[1:]], part.dtype) for part in data[0]] if signature else None
        step = tf.function(step, input_signature=specs)
    found = [step(x, y).numpy() for _ in range(2) for x, y in data]
    of_metrics = [variable for metric in metrics for variable in metric.variables]
    variables = model.variables + optimizer.variables + of_metrics
    found += [np.asarray(v.numpy(), np.float64) for v in variables if "seed" not in v.path]
    return found + [np.asarray(metric.result()) for metric in metrics]


def agree(build, data=TABLE, signature=False, tolerance=2e-5):
    eager, traced = trained(build, data, False), trained(build, data, True, signature)
    for one, other in zip(eager, traced, strict=True):
        np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance)


def built(model, optimizer=None, loss=None, metrics=()):
    """A builder that makes everything anew."""
    return lambda: (
        model(), optimizer() if optimizer else optimizers.SGD(0.05, momentum=0.5),
        loss() if loss else losses.MeanSquaredError(), [metric() for metric in metrics],
    )  # fmt: skip


def perceptron():
    return model_of(layers.Dense(4, activation="tanh"), layers.Dense(3))


decay = optimizers.schedules
OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(decay.ExponentialDecay(0.1, 2, 0.9), momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda: optimizers.Adam(decay.CosineDecay(0.02, 5, warmup_target=0.05, warmup_steps=2), amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(decay.PiecewiseConstantDecay([1, 3], [0.1, 0.05, 0.01]), clipnorm=0.1),
    "RMSprop": lambda: optimizers.RMSprop(0.01, centered=True, momentum=0.5, clipvalue=0.1),
    "Adagrad": lambda: optimizers.Adagrad(0.1, global_clipnorm=0.1),
    "Adadelta": lambda: optimizers.Adadelta(decay.PolynomialDecay(1.0, 3, 0.1, cycle=True)),
    "Adamax": lambda: optimizers.Adamax(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
    "Nadam": lambda: optimizers.Nadam(0.01, gradient_accumulation_steps=2),
    "Ftrl": lambda: optimizers.Ftrl(0.05, l1_regularization_strength=0.01, l2_regularization_strength=0.01),
    "Lion": lambda: optimizers.Lion(0.01),
    "Lamb": lambda: optimizers.Lamb(0.01),
    "Adafactor": lambda: optimizers.Adafactor(0.01),
    "LossScale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), 8.0, dynamic_growth_steps=2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    agree(built(perceptron, OPTIMIZERS[name]), tolerance=1e-4)


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad", "Adadelta", "Adafactor"])
@pytest.mark.parametrize("signature", [False, True])
def test_optimizers_on_slices(name, signature):
    def model():
        return model_of(layers.Embedding(7, 3, mask_zero=name == "SGD"), layers.GlobalAveragePooling1D(),
                        layers.Dense(3), shape=(4,))  # fmt: skip

    agree(built(model, OPTIMIZERS[name]), WORDS, signature, tolerance=1e-4)


def attention():
    x = layers.Input((4, 5))
    h = layers.Dense(4)(x)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 2)(h, h))
    return keras.Model(x, layers.Dense(3)(layers.GlobalMaxPooling1D()(h)))


def merged():
    x = layers.Input((5,))
    a, b = layers.Dense(4, activation="gelu")(x), layers.Dense(4, activation="silu")(x)
    parts = [layer([a, b]) for layer in (layers.Subtract(), layers.Average(), layers.Maximum(), layers.Dot(1))]
    return keras.Model(x, layers.Dense(3)(layers.Concatenate()(parts)))


class Counting(keras.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 4), regularizer="l2", constraint=keras.constraints.MaxNorm(0.5))
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.count.assign_add(1.0)
        self.add_loss(0.01 * tf.reduce_sum(tf.abs(self.w)))
        return tf.nn.relu(x @ self.w)


def normalized():
    table = layers.Normalization()
    table.adapt(numbers(15, 5))
    return model_of(table, layers.Dense(4), layers.BatchNormalization(), layers.PReLU(), layers.Dropout(0.3, seed=3),
                    layers.Dense(3))  # fmt: skip


MODELS = {
    "normalized": (normalized, TABLE),
    "subclassed": (lambda: model_of(Counting(), layers.UnitNormalization(), layers.Dense(3)), TABLE),
    "merged": (merged, TABLE),
    "spectral": (lambda: model_of(layers.SpectralNormalization(layers.Dense(4)), layers.Dense(3)), TABLE),
    "attention": (attention, SEQUENCES),
    "recurrent": (lambda: model_of(layers.GRU(3), layers.Dense(3), shape=(4, 5)), SEQUENCES),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    model, data = MODELS[name]
    agree(built(model), data, signature=True, tolerance=1e-4)


def together(*several):
    """The sum of losses; those that want probabilities get them."""

    def loss():
        made = [getattr(losses, name)() for name in several]
        return lambda y, p: tf.add_n([value(y, p) for value in made])

    return loss


REGRESSION = ("MeanAbsoluteError", "Huber", "LogCosh", "CosineSimilarity", "MeanSquaredLogarithmicError", "Hinge")
OF_LABELS = ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy")
OF_EVENTS = ("BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "KLDivergence", "Poisson",
             "Dice", "CategoricalFocalCrossentropy", "CategoricalHinge", "SquaredHinge")  # fmt: skip
ONE_HOT = [(x, tf.one_hot(y, 3)) for x, y in CLASSES]
METRICS = keras.metrics


def classifier():
    return model_of(layers.Dense(4, activation="mish"), layers.Dense(3, activation="softmax"))


def test_losses_and_metrics_of_numbers():
    metrics = [METRICS.MeanSquaredError, METRICS.RootMeanSquaredError, METRICS.R2Score, METRICS.CosineSimilarity]
    agree(built(perceptron, loss=together(*REGRESSION), metrics=metrics), signature=True)


def test_losses_and_metrics_of_labels():
    metrics = [METRICS.SparseCategoricalAccuracy, METRICS.SparseCategoricalCrossentropy]
    agree(built(classifier, loss=together(*OF_LABELS), metrics=metrics), CLASSES, signature=True)


def test_losses_and_metrics_of_events():
    metrics = [METRICS.CategoricalAccuracy, METRICS.AUC, METRICS.Precision, METRICS.F1Score, METRICS.BinaryAccuracy]
    agree(built(classifier, loss=together(*OF_EVENTS), metrics=metrics), ONE_HOT)


def test_two_dtypes():
    def model():
        return model_of(layers.Dense(4, dtype="float64"), layers.Dense(3))

    agree(built(model))


def test_keras_own_step_and_a_tape_around():
    found = []
    for kind in ("eager", "step", "around"):
        keras.utils.set_random_seed(1)
        model = perceptron()
        model.compile(optimizer=optimizers.Adam(0.01), loss="mse", metrics=["mae"])
        model.optimizer.build(model.trainable_variables)
        step = model.train_step if kind == "eager" else tf.function(lambda data, of=model: of.train_step(data))
        forward = tf.function(lambda x, y, of=model: of.compute_loss(x, y, of(x, training=True)))
        update = tf.function(lambda gradients, of=model: of.optimizer.apply(gradients, of.trainable_variables))
        for x, y in TABLE:
            if kind == "around":
                with tf.GradientTape() as tape:
                    loss = forward(x, y)
                update(tape.gradient(loss, model.trainable_variables))
            else:
                step((x, y))
        found.append(model.get_weights())
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def compiled(function, *arguments):
    """Whether all that a function was compiled for is native code."""
    made = function.get_concrete_function(*arguments)._graph.cache["native"].values()
    return len(made) > 0 and not any(one.reason for one in made)


@pytest.mark.parametrize("kind", ["LossScale", "accumulation"])
def test_steps_that_are_left_out(kind):
    """Gradients that are not finite, and gradients that are only added up."""
    found = []
    for traced in (False, True):
        keras.utils.set_random_seed(1)
        model = perceptron()
        if kind == "LossScale":
            optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.1, momentum=0.5), 8.0, dynamic_growth_steps=2)
        else:
            optimizer = optimizers.SGD(0.1, momentum=0.5, gradient_accumulation_steps=2)
        optimizer.build(model.trainable_variables)

        def step(x, y, model=model, optimizer=optimizer):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
                scaled = optimizer.scale_loss(loss)
            optimizer.apply_gradients(zip(tape.gradient(scaled, model.trainable_variables), model.trainable_variables))
            return loss

        if traced:
            step = tf.function(step)
        x, y = TABLE[0]
        states = []
        for bad in (False, False, True, False, False, False, True):
            step(x, tf.fill(y.shape, np.inf) if bad and kind == "LossScale" else y)
            states.append([np.array(v.numpy()) for v in model.variables + optimizer.variables])
        found.append(states)
    assert compiled(step, x, y)
    for one, other in zip(*found, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_a_loop_of_steps_in_the_function():
    found = []
    for traced in (False, True):
        keras.utils.set_random_seed(1)
        model, optimizer, mean = perceptron(), optimizers.Adam(0.01), keras.metrics.Mean()
        optimizer.build(model.trainable_variables)

        def train(xs, ys, model=model, optimizer=optimizer, mean=mean):
            for i in tf.range(tf.shape(xs)[0]):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(model(xs[i], training=True) - ys[i]))
                optimizer.apply_gradients(
                    zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                )
                mean.update_state(loss)
            return mean.result()

        if traced:
            train = tf.function(train)
        xs, ys = tf.constant(numbers(6, 4, 5)), tf.constant(numbers(6, 4, 3, seed=1))
        found.append([*[train(xs, ys).numpy() for _ in range(3)], *model.get_weights()])
    assert compiled(train, xs, ys)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_two_models_in_two_threads():
    model = built(perceptron, OPTIMIZERS["Adam"])
    found = [None, None]

    def work(i):
        tf.random.set_seed(i)
        own, optimizer, loss, _ = model()
        own.set_weights(start[i])
        optimizer.build(own.trainable_variables)

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                value = loss(y, own(x, training=True))
            optimizer.apply(tape.gradient(value, own.trainable_variables), own.trainable_variables)

        for _ in range(20):
            for x, y in TABLE:
                step(x, y)
        found[i] = own.get_weights()

    start = [[numbers(*w.shape, seed=i) for w in perceptron().get_weights()] for i in range(2)]
    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at_once = [list(weights) for weights in found]
    for i in range(2):
        work(i)
    for a, b in zip(at_once[0] + at_once[1], found[0] + found[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
