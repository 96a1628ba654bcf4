"""Programs over `tf.keras`, run by TensorFlow to record what it gives and by Tapeflow to compare.

Each case is a function of the module `tf` to a dictionary of arrays. Inputs and weights come from NumPy's generator, so
that both start from the same numbers.
"""

import numpy as np


def random(*shape, seed=0):
    """Normal numbers, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def positive(*shape, seed=0):
    """Numbers between 0.05 and 0.95, float32."""
    return np.random.default_rng(seed).uniform(0.05, 0.95, shape).astype(np.float32)


def fill(layer, seed=100):
    """Give a built layer weights from NumPy."""
    layer.set_weights([positive(*w.shape, seed=seed + i) for i, w in enumerate(layer.get_weights())])


def dense(tf, gradient):
    return None if gradient is None else np.array(tf.convert_to_tensor(gradient))


# Layers: the result, its gradients and what became of the layer's state, in both modes.

LAYERS = {
    "dense": lambda k: (k.layers.Dense(4, activation="tanh"), [random(3, 5)]),
    "dense_3d_no_bias": lambda k: (k.layers.Dense(4, use_bias=False), [random(2, 3, 5)]),
    "dense_regularized": lambda k: (
        k.layers.Dense(4, kernel_regularizer="l2", bias_regularizer=k.regularizers.L1(0.1)), [random(3, 5)]),
    "einsum_dense": lambda k: (
        k.layers.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d"), [random(2, 3, 5)]),
    "dropout": lambda k: (k.layers.Dropout(0.4, seed=7), [random(6, 5)]),
    "dropout_noise_shape": lambda k: (k.layers.Dropout(0.4, noise_shape=(6, 1), seed=7), [random(6, 5)]),
    "gaussian_noise": lambda k: (k.layers.GaussianNoise(0.3, seed=7), [random(6, 5)]),
    "gaussian_dropout": lambda k: (k.layers.GaussianDropout(0.3, seed=7), [random(6, 5)]),
    "alpha_dropout": lambda k: (k.layers.AlphaDropout(0.3, seed=7), [random(6, 5)]),
    "spatial_dropout": lambda k: (k.layers.SpatialDropout1D(0.5, seed=7), [random(4, 3, 5)]),
    "activity_regularization": lambda k: (k.layers.ActivityRegularization(0.1, 0.2), [random(3, 5)]),
    "batch_normalization": lambda k: (k.layers.BatchNormalization(), [random(6, 5)]),
    "batch_normalization_4d": lambda k: (k.layers.BatchNormalization(axis=-1, momentum=0.8), [random(2, 3, 3, 4)]),
    "batch_normalization_bare": lambda k: (k.layers.BatchNormalization(center=False, scale=False), [random(6, 5)]),
    "layer_normalization": lambda k: (k.layers.LayerNormalization(), [random(6, 5)]),
    "layer_normalization_axes": lambda k: (k.layers.LayerNormalization(axis=[1, 2]), [random(2, 3, 4)]),
    "rms_normalization": lambda k: (k.layers.RMSNormalization(), [random(6, 5)]),
    "group_normalization": lambda k: (k.layers.GroupNormalization(groups=2), [random(3, 5, 4)]),
    "unit_normalization": lambda k: (k.layers.UnitNormalization(), [random(6, 5)]),
    "normalization": lambda k: (k.layers.Normalization(mean=0.5, variance=2.0), [random(6, 5)]),
    "embedding": lambda k: (k.layers.Embedding(7, 3), [np.array([[1, 2, 2], [6, 0, 1]], np.int32)]),
    "flatten": lambda k: (k.layers.Flatten(), [random(3, 2, 4)]),
    "reshape": lambda k: (k.layers.Reshape((4, -1)), [random(3, 2, 6)]),
    "permute": lambda k: (k.layers.Permute((2, 1)), [random(3, 2, 6)]),
    "repeat_vector": lambda k: (k.layers.RepeatVector(3), [random(3, 4)]),
    "cropping": lambda k: (k.layers.Cropping1D((1, 2)), [random(2, 6, 3)]),
    "zero_padding": lambda k: (k.layers.ZeroPadding2D((1, 2)), [random(2, 3, 3, 2)]),
    "up_sampling": lambda k: (k.layers.UpSampling1D(2), [random(2, 3, 2)]),
    "masking": lambda k: (k.layers.Masking(), [np.array([[[1.0, 2.0], [0.0, 0.0]]], np.float32)]),
    "concatenate": lambda k: (k.layers.Concatenate(axis=1), [[random(3, 2), random(3, 4, seed=1)]]),
    "add": lambda k: (k.layers.Add(), [[random(3, 2), random(3, 2, seed=1), random(3, 2, seed=2)]]),
    "subtract": lambda k: (k.layers.Subtract(), [[random(3, 2), random(3, 2, seed=1)]]),
    "multiply": lambda k: (k.layers.Multiply(), [[random(3, 2), random(3, 2, seed=1)]]),
    "average": lambda k: (k.layers.Average(), [[random(3, 2), random(3, 2, seed=1)]]),
    "maximum": lambda k: (k.layers.Maximum(), [[random(3, 2), random(3, 2, seed=1)]]),
    "minimum": lambda k: (k.layers.Minimum(), [[random(3, 2), random(3, 2, seed=1)]]),
    "dot": lambda k: (k.layers.Dot(axes=1, normalize=True), [[random(3, 4), random(3, 4, seed=1)]]),
    "dot_matrices": lambda k: (k.layers.Dot(axes=(2, 1)), [[random(3, 2, 4), random(3, 4, 5, seed=1)]]),
    "leaky_relu": lambda k: (k.layers.LeakyReLU(0.2), [random(3, 5)]),
    "prelu": lambda k: (k.layers.PReLU(), [random(3, 5)]),
    "elu": lambda k: (k.layers.ELU(0.7), [random(3, 5)]),
    "relu": lambda k: (k.layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), [random(3, 5)]),
    "softmax": lambda k: (k.layers.Softmax(), [random(3, 5)]),
    "rescaling": lambda k: (k.layers.Rescaling(2.0, 0.5), [random(3, 5)]),
    "identity": lambda k: (k.layers.Identity(), [random(3, 5)]),
    "lambda": lambda k: (k.layers.Lambda(lambda x: x * 2.0), [random(3, 5)]),
    "multi_head_attention": lambda k: (k.layers.MultiHeadAttention(2, 3), [random(2, 4, 6), random(2, 5, 6, seed=1)]),
    "attention": lambda k: (k.layers.Attention(), [[random(2, 3, 4), random(2, 5, 4, seed=1)]]),
    "global_average_pooling": lambda k: (k.layers.GlobalAveragePooling1D(), [random(2, 3, 4)]),
    "global_max_pooling": lambda k: (k.layers.GlobalMaxPooling2D(), [random(2, 3, 3, 4)]),
    "wrapped_dense": lambda k: (k.layers.TimeDistributed(k.layers.Dense(3)), [random(2, 4, 5)]),
    "spectral_normalization": lambda k: (k.layers.SpectralNormalization(k.layers.Dense(3)), [random(4, 5)]),
}  # fmt: skip

ACTIVATIONS = (
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid "
    "log_softmax mish relu relu6 selu sigmoid silu softmax soft_shrink softplus softsign sparse_plus sparsemax "
    "sparse_sigmoid squareplus tanh tanh_shrink"
).split()


def layer(tf, name):
    made, arguments = LAYERS[name](tf.keras)
    flat = [tf.constant(a) for a in tf.nest.flatten(arguments)]
    packed = tf.nest.pack_sequence_as(arguments, flat)
    made(*packed)
    seeds = [v for v in made.variables if "seed" in v.path]
    if not seeds and made.get_weights():
        fill(made)
    found = {}
    for training in (False, True):
        options = {"training": training} if made._call_has_training_arg else {}
        with tf.GradientTape() as tape:
            tape.watch(flat)
            y = made(*packed, **options)
            weights = tf.constant(positive(*y.shape, seed=50))
            target = tf.reduce_sum(y * weights)
            for loss in made.losses:
                target += loss
        gradients = tape.gradient(target, [flat, [v.value for v in made.trainable_variables]])
        found[f"y{training:d}"] = np.array(y)
        for i, g in enumerate(tf.nest.flatten(gradients)):
            if g is not None:
                found[f"g{training:d}_{i}"] = dense(tf, g)
    for i, v in enumerate(made.non_trainable_variables):
        found[f"state{i}"] = np.array(v.numpy())
    return found


def activation(tf, name):
    function = tf.keras.activations.get(name)
    x = tf.constant(random(3, 6) * 3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
        target = tf.reduce_sum(y * tf.constant(positive(*y.shape, seed=50)))
    return {"y": np.array(y), "g": np.array(tape.gradient(target, x))}


# Initializers: the very numbers.

INITIALIZERS = {
    "zeros": lambda i: i.Zeros(), "ones": lambda i: i.Ones(), "constant": lambda i: i.Constant(2.5),
    "identity": lambda i: i.Identity(1.5), "orthogonal": lambda i: i.Orthogonal(0.5, seed=3),
    "random_normal": lambda i: i.RandomNormal(1.0, 0.5, seed=3),
    "random_uniform": lambda i: i.RandomUniform(-1.0, 2.0, seed=3),
    "truncated_normal": lambda i: i.TruncatedNormal(1.0, 0.5, seed=3),
    "variance_scaling": lambda i: i.VarianceScaling(2.0, "fan_avg", "uniform", seed=3),
    "glorot_uniform": lambda i: i.GlorotUniform(seed=3), "glorot_normal": lambda i: i.GlorotNormal(seed=3),
    "he_uniform": lambda i: i.HeUniform(seed=3), "he_normal": lambda i: i.HeNormal(seed=3),
    "lecun_uniform": lambda i: i.LecunUniform(seed=3), "lecun_normal": lambda i: i.LecunNormal(seed=3),
    "stft": lambda i: i.STFT("real", "hann"),
}  # fmt: skip


def initializer(tf, name):
    made = INITIALIZERS[name](tf.keras.initializers)
    shapes = {"identity": [(4, 4)], "stft": [(8, 1, 5)]}.get(name, [(4, 4), (7, 3)])
    found = {str(shape): np.array(made(shape)) for shape in shapes}
    if name not in ("identity", "orthogonal", "stft"):
        found["float64"] = np.array(made((5,), dtype="float64"))
    return found


# Losses: the value of each reduction, and the gradient.

LOSSES = {
    "mean_squared_error": lambda l: (l.MeanSquaredError, {}, random(4, 3), random(4, 3, seed=1)),
    "mean_absolute_error": lambda l: (l.MeanAbsoluteError, {}, random(4, 3), random(4, 3, seed=1)),
    "mean_absolute_percentage_error": lambda l: (
        l.MeanAbsolutePercentageError, {}, positive(4, 3), positive(4, 3, seed=1)),
    "mean_squared_logarithmic_error": lambda l: (
        l.MeanSquaredLogarithmicError, {}, positive(4, 3), positive(4, 3, seed=1)),
    "huber": lambda l: (l.Huber, {"delta": 0.7}, random(4, 3), random(4, 3, seed=1)),
    "log_cosh": lambda l: (l.LogCosh, {}, random(4, 3), random(4, 3, seed=1)),
    "cosine_similarity": lambda l: (l.CosineSimilarity, {}, random(4, 3), random(4, 3, seed=1)),
    "hinge": lambda l: (l.Hinge, {}, np.sign(random(4, 3)), random(4, 3, seed=1)),
    "squared_hinge": lambda l: (l.SquaredHinge, {}, np.sign(random(4, 3)), random(4, 3, seed=1)),
    "categorical_hinge": lambda l: (l.CategoricalHinge, {}, one_hot(4, 3), random(4, 3, seed=1)),
    "kl_divergence": lambda l: (l.KLDivergence, {}, positive(4, 3), positive(4, 3, seed=1)),
    "poisson": lambda l: (l.Poisson, {}, positive(4, 3), positive(4, 3, seed=1)),
    "binary_crossentropy": lambda l: (
        l.BinaryCrossentropy, {"label_smoothing": 0.1}, bits(4, 3), positive(4, 3, seed=1)),
    "binary_crossentropy_logits": lambda l: (
        l.BinaryCrossentropy, {"from_logits": True}, bits(4, 3), random(4, 3, seed=1)),
    "binary_focal_crossentropy": lambda l: (
        l.BinaryFocalCrossentropy, {"apply_class_balancing": True}, bits(4, 3), positive(4, 3, seed=1)),
    "categorical_crossentropy": lambda l: (
        l.CategoricalCrossentropy, {"label_smoothing": 0.1}, one_hot(4, 3), positive(4, 3, seed=1)),
    "categorical_crossentropy_logits": lambda l: (
        l.CategoricalCrossentropy, {"from_logits": True}, one_hot(4, 3), random(4, 3, seed=1)),
    "categorical_focal_crossentropy": lambda l: (
        l.CategoricalFocalCrossentropy, {}, one_hot(4, 3), positive(4, 3, seed=1)),
    "sparse_categorical_crossentropy": lambda l: (
        l.SparseCategoricalCrossentropy, {}, np.array([0, 2, 1, 1], np.int32), positive(4, 3, seed=1)),
    "sparse_categorical_crossentropy_logits": lambda l: (
        l.SparseCategoricalCrossentropy, {"from_logits": True, "ignore_class": 2}, np.array([0, 2, 1, 1], np.int32),
        random(4, 3, seed=1)),
    "dice": lambda l: (l.Dice, {}, bits(4, 3), positive(4, 3, seed=1)),
    "tversky": lambda l: (l.Tversky, {}, bits(4, 3), positive(4, 3, seed=1)),
    "circle": lambda l: (l.Circle, {}, np.array([0, 1, 0, 1], np.int32), unit(4, 3)),
    "categorical_generalized_cross_entropy": lambda l: (
        l.CategoricalGeneralizedCrossEntropy, {}, np.array([0, 2, 1, 1], np.int32), positive(4, 3, seed=1)),
}  # fmt: skip


def one_hot(n, classes):
    return np.eye(classes, dtype=np.float32)[np.arange(n) % classes]


def bits(*shape):
    return (positive(*shape, seed=9) > 0.5).astype(np.float32)


def unit(*shape):
    x = random(*shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def loss(tf, name):
    cls, options, y_true, y_pred = LOSSES[name](tf.keras.losses)
    found = {}
    for reduction in ("sum_over_batch_size", "sum", "none", "mean"):
        x = tf.constant(y_pred)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = cls(reduction=reduction, **options)(y_true, x)
        found[reduction] = np.array(y)
        found["g_" + reduction] = np.array(tape.gradient(y, x))
    if name != "circle":
        weights = positive(4, seed=5)
        found["weighted"] = np.array(cls(**options)(y_true, tf.constant(y_pred), sample_weight=weights))
    return found


# Metrics: the result after one and after two updates.

METRICS = {
    **{name: (name, {}, "real") for name in (
        "MeanSquaredError RootMeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError "
        "MeanSquaredLogarithmicError CosineSimilarity LogCoshError Hinge SquaredHinge CategoricalHinge R2Score "
        "KLDivergence Poisson PearsonCorrelation ConcordanceCorrelation").split()},
    **{name: (name, {}, "binary") for name in (
        "BinaryAccuracy BinaryCrossentropy Precision Recall TruePositives TrueNegatives FalsePositives "
        "FalseNegatives AUC F1Score FBetaScore").split()},
    "AUC_PR": ("AUC", {"curve": "PR", "num_thresholds": 20}, "binary"),
    "Precision_top": ("Precision", {"top_k": 2}, "binary"),
    "PrecisionAtRecall": ("PrecisionAtRecall", {"recall": 0.5}, "binary"),
    "RecallAtPrecision": ("RecallAtPrecision", {"precision": 0.5}, "binary"),
    "SensitivityAtSpecificity": ("SensitivityAtSpecificity", {"specificity": 0.5}, "binary"),
    "SpecificityAtSensitivity": ("SpecificityAtSensitivity", {"sensitivity": 0.5}, "binary"),
    "BinaryIoU": ("BinaryIoU", {}, "binary"),
    "Accuracy": ("Accuracy", {}, "labels"),
    "IoU": ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, "labels"),
    "MeanIoU": ("MeanIoU", {"num_classes": 3}, "labels"),
    "CategoricalAccuracy": ("CategoricalAccuracy", {}, "one_hot"),
    "CategoricalCrossentropy": ("CategoricalCrossentropy", {}, "one_hot"),
    "TopKCategoricalAccuracy": ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    "OneHotIoU": ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0]}, "one_hot"),
    "OneHotMeanIoU": ("OneHotMeanIoU", {"num_classes": 3}, "one_hot"),
    "SparseCategoricalAccuracy": ("SparseCategoricalAccuracy", {}, "sparse"),
    "SparseCategoricalCrossentropy": ("SparseCategoricalCrossentropy", {}, "sparse"),
    "SparseTopKCategoricalAccuracy": ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    "Mean": ("Mean", {}, "one"), "Sum": ("Sum", {}, "one"), "MeanMetricWrapper": (None, {}, "real"),
}  # fmt: skip


def metric(tf, name):
    cls, options, kind = METRICS[name]
    if cls is None:
        made = tf.keras.metrics.MeanMetricWrapper(lambda a, b: tf.reduce_mean(tf.square(a - b), -1))
    else:
        made = getattr(tf.keras.metrics, cls)(**options)
    found = {}
    for step in (0, 1):
        truth, guess = positive(6, 3, seed=step), positive(6, 3, seed=step + 10)
        arguments = {
            "real": (truth, guess), "binary": ((truth > 0.5).astype(np.float32), guess), "one": (truth,),
            "labels": (truth.argmax(1), guess.argmax(1)), "sparse": (truth.argmax(1), guess),
            "one_hot": (np.eye(3, dtype=np.float32)[truth.argmax(1)], guess),
        }[kind]  # fmt: skip
        made.update_state(*[tf.constant(a) for a in arguments])
        found[f"result{step}"] = np.array(made.result())
    made.reset_state()
    found["variables"] = np.array([np.sum(np.array(v.numpy())) for v in made.variables])
    return found


# Optimizers: two variables after each of four steps; the second one's gradient comes as IndexedSlices.

OPTIMIZERS = {
    "SGD": {}, "SGD_momentum": {"momentum": 0.9, "nesterov": True}, "RMSprop": {"momentum": 0.5, "centered": True},
    "Adam": {}, "Adam_amsgrad": {"amsgrad": True, "weight_decay": 0.01}, "AdamW": {}, "Adagrad": {}, "Adadelta": {},
    "Adamax": {}, "Nadam": {}, "Ftrl": {"l1_regularization_strength": 0.01}, "Lion": {}, "Lamb": {}, "Adafactor": {},
    "Muon": {}, "SGD_clipnorm": {"clipnorm": 0.1}, "SGD_clipvalue": {"clipvalue": 0.05},
    "SGD_global_clipnorm": {"global_clipnorm": 0.2}, "Adam_ema": {"use_ema": True, "ema_overwrite_frequency": 2},
    "SGD_accumulation": {"gradient_accumulation_steps": 2},
}  # fmt: skip


def optimizer(tf, name):
    options = {"learning_rate": 0.1, **OPTIMIZERS[name]}
    made = getattr(tf.keras.optimizers, name.partition("_")[0])(**options)
    w = tf.keras.Variable(random(4, 3), name="w")
    table = tf.keras.Variable(random(6, 3, seed=1), name="table")
    found = {}
    for step in range(4):
        with tf.GradientTape() as tape:
            rows = tf.gather(table.value, tf.constant([1, 4, 1]))
            y = tf.reduce_sum(tf.square(tf.matmul(rows, w, transpose_b=True) - float(step)))
        gradients = tape.gradient(y, [w.value, table.value])
        made.apply_gradients(zip(gradients, [w, table], strict=True))
        found[f"w{step}"] = np.array(w.numpy())
        found[f"table{step}"] = np.array(table.numpy())
    made.finalize_variable_values([w, table])
    found["w_final"] = np.array(w.numpy())
    return found


SCHEDULES = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "warmup_target": 0.2, "warmup_steps": 3},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5, "staircase": True},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [2, 4], "values": [0.1, 0.2, 0.3]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 4, "power": 2.0, "cycle": True},
}


def schedule(tf, name):
    made = getattr(tf.keras.optimizers.schedules, name)(**SCHEDULES[name])
    return {"rates": np.array([float(made(tf.constant(step))) for step in range(7)], np.float32)}


# Models, from a seed through training steps: the weights at the start, the losses, the weights at the end.


def sequential(k):
    layers = k.layers
    model = k.Sequential([
        layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(3),
    ])  # fmt: skip
    return model, random(16, 6), k.losses.SparseCategoricalCrossentropy(from_logits=True)


def functional(k):
    layers = k.layers
    inputs = k.Input((6,))
    left = layers.Dense(5, activation="gelu")(inputs)
    right = layers.LayerNormalization()(layers.Dense(5, activation="tanh")(inputs))
    both = layers.Concatenate()([layers.Add()([left, right]), layers.Reshape((5,))(left)])
    return k.Model(inputs, layers.Dense(3, activation="softmax")(both)), random(16, 6), (
        k.losses.SparseCategoricalCrossentropy()
    )


def subclassed(k):
    class Bag(k.Model):
        def __init__(self):
            super().__init__()
            self.embedding = k.layers.Embedding(10, 4)
            self.flatten = k.layers.Flatten()
            self.dropout = k.layers.Dropout(0.3)
            self.out = k.layers.Dense(3)

        def call(self, x, training=False):
            return self.out(self.dropout(self.flatten(self.embedding(x)), training=training))

    tokens = np.random.default_rng(0).integers(0, 10, (16, 5)).astype(np.int32)
    return Bag(), tokens, k.losses.SparseCategoricalCrossentropy(from_logits=True)


def custom_layer(k):
    import tensorflow as tf

    class Scale(k.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1], 4), initializer="random_normal", trainable=True)
            self.b = self.add_weight(shape=(4,), initializer="zeros", trainable=True)
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign_add(1.0)
            self.add_loss(0.01 * tf.reduce_sum(tf.square(self.w)))
            return tf.nn.relu(tf.matmul(x, self.w) + self.b)

    inputs = k.Input((6,))
    model = k.Model(inputs, k.layers.Dense(3)(Scale()(inputs)))
    return model, random(16, 6), k.losses.SparseCategoricalCrossentropy(from_logits=True)


MODELS = {f.__name__: f for f in (sequential, functional, subclassed, custom_layer)}


def model(tf, name):
    keras = tf.keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(11)
    made, x, loss_function = MODELS[name](keras)
    optimizer = keras.optimizers.Adam(0.01)
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    y = (np.arange(16) % 3).astype(np.int32)
    x = tf.constant(x)
    made(x)
    found = {f"start{i}": np.array(v.numpy()) for i, v in enumerate(made.weights)}
    losses = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            guess = made(x, training=True)
            value = loss_function(y, guess) + sum(made.losses)
        gradients = tape.gradient(value, made.trainable_variables)
        optimizer.apply_gradients(zip(gradients, made.trainable_variables, strict=True))
        accuracy.update_state(y, guess)
        losses.append(float(value))
    found.update({f"end{i}": np.array(v.numpy()) for i, v in enumerate(made.weights)})
    found["losses"] = np.array(losses, np.float32)
    found["accuracy"] = np.array(accuracy.result())
    found["inference"] = np.array(made(x, training=False))
    return found


CASES = {
    f"{function.__name__}/{name}": (function, name)
    for function, names in (
        (layer, LAYERS), (activation, ACTIVATIONS), (initializer, INITIALIZERS), (loss, LOSSES), (metric, METRICS),
        (optimizer, OPTIMIZERS), (schedule, SCHEDULES), (model, MODELS),
    )
    for name in names
}  # fmt: skip
