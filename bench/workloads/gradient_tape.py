"""The workloads of whoever speaks TensorFlow's API: Tapeflow and TensorFlow run this same code."""

from functools import partial

from bench.rows import CHAIN_STEPS, MLP, RATE, elementwise_data, hessian_data, keras_data, mlp_data


def workloads(tf, modes):
    """The table of workloads over the module `tf`, in some of the modes."""
    wrappers = {
        "eager": lambda function: function,
        "function": tf.function,
        "xla": partial(tf.function, jit_compile=True),
    }
    made = {"scalar": scalar, "chain": chain, "elementwise": elementwise, "hessian": hessian, "keras": keras}
    made |= {row: partial(mlp, row=row) for row in MLP}
    return {(name, mode): partial(setup, tf, wrappers[mode]) for name, setup in made.items() for mode in modes}


def scalar(tf, wrap):
    @wrap
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x**2
        return tape.gradient(y, x)

    return partial(gradient, tf.constant(3.0))


def chain(tf, wrap):
    @wrap
    def value_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(CHAIN_STEPS):
                y = tf.sin(y) * 1.01 + 0.1
        return y, tape.gradient(y, x)

    return partial(value_and_gradient, tf.constant(3.0))


def elementwise(tf, wrap):
    @wrap
    def value_and_gradient(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            bell = tf.exp(-tf.square(1.3 * tf.sin(z) + 0.2))
            value = tf.reduce_sum(bell * tf.tanh(z) + tf.math.log(1 + tf.exp(z)))
        return value, tape.gradient(value, z)

    return partial(value_and_gradient, tf.constant(elementwise_data()))


def hessian(tf, wrap):
    @wrap
    def second(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(100 * tf.square(x[1:] - tf.square(x[:-1])) + tf.square(1 - x[:-1]))
            gradient = inner.gradient(y, x)
        return outer.jacobian(gradient, x)

    return partial(second, tf.constant(hessian_data()))


def mlp(tf, wrap, row):
    images, labels, parameters = mlp_data(row)
    parameters = [tf.Variable(p) for p in parameters]

    @wrap
    def step(images, labels):
        with tf.GradientTape() as tape:
            layer = images
            for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
                layer = tf.nn.relu(layer @ w + b)
            logits = layer @ parameters[-2] + parameters[-1]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
        for p, g in zip(parameters, tape.gradient(loss, parameters)):
            p.assign_sub(RATE * g)
        return loss

    return partial(step, tf.constant(images), tf.constant(labels))


def keras(tf, wrap):
    inputs, targets, parameters = keras_data()
    layers = [tf.keras.Input([10]), tf.keras.layers.Dense(5, activation="relu"), tf.keras.layers.Dense(1)]
    model = tf.keras.Sequential(layers)
    model.set_weights(parameters)
    optimizer = tf.keras.optimizers.SGD(learning_rate=RATE)
    loss_of = tf.keras.losses.MeanSquaredError()

    @wrap
    def step(inputs, targets):
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(inputs, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return partial(step, tf.constant(inputs), tf.constant(targets))
