"""The workloads of whoever speaks TensorFlow's API: Tapeflow and TensorFlow run this same code."""

from functools import partial

from bench.rows import MLP, MLP_RATE, mlp_data


def workloads(tf):
    """The table of workloads over the module `tf`."""
    return {
        ("scalar", "eager"): partial(scalar, tf),
        ("chain", "eager"): partial(chain, tf),
        ("keras", "eager"): partial(keras, tf),
        **{(row, "eager"): partial(mlp, tf, row) for row in MLP},
    }


def scalar(tf):
    x = tf.constant(3.0)

    def call():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x**2
        return tape.gradient(y, x)

    return call


def chain(tf):
    x = tf.constant(3.0)

    def call():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(250):
                y = tf.sin(y) * 1.01 + 0.1
        return y, tape.gradient(y, x)

    return call


def keras(tf):
    model = tf.keras.Sequential([tf.keras.layers.Dense(5, activation="relu"), tf.keras.layers.Dense(1)])
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)
    loss_of = tf.keras.losses.MeanSquaredError()
    inputs, targets = tf.random.normal([1, 10]), tf.random.normal([1, 1])

    def call():
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(inputs, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return call


def mlp(tf, row):
    images, labels, parameters = mlp_data(row)
    images, labels = tf.constant(images), tf.constant(labels)
    parameters = [tf.Variable(p) for p in parameters]

    def call():
        with tf.GradientTape() as tape:
            layer = images
            for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
                layer = tf.nn.relu(layer @ w + b)
            logits = layer @ parameters[-2] + parameters[-1]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
        for p, g in zip(parameters, tape.gradient(loss, parameters)):
            p.assign_sub(MLP_RATE * g)
        return loss

    return call
