"""Reads handwritten digits with Keras layers in a custom training loop.

    python examples/digits_keras.py [--epochs 30] [--seed 0] [--out .]

Trains twice from the same seed, eagerly and inside tf.function, and compares the weights and the times. Leaves
digits_keras_loss.png and digits_keras_wrong.png; succeeds at 97 % or better on held-out digits and the same weights.
An ordinary TensorFlow program: with `import tensorflow as tf` it says the same.
"""

import sys
import time

import digits
import tapeflow as tf

BATCH = 32


def make_model():
    """Logits of images; silu, as in digits_tape.py, and no bias where BatchNormalization would subtract it again."""
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=(64,)),
            tf.keras.layers.Dense(256, activation="silu", use_bias=False),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Dropout(0.3),
            tf.keras.layers.Dense(128, activation="silu", use_bias=False),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Dropout(0.3),
            tf.keras.layers.Dense(10),
        ]
    )


def train(mode, wrap, chosen, data, bar):
    """Trains a model from the seed: (the model, a digits.Training).

    Args:
      mode: what to call it beside the progress bar.
      wrap: what the training step is wrapped in: tf.function, or a function that gives the step back.
      chosen: the command line.
      data: what digits.load returns.
      bar: the progress bar.
    """
    (images, labels), (test_images, test_labels) = [[tf.constant(part) for part in parts] for parts in data]
    tf.keras.utils.set_random_seed(chosen.seed)
    model = make_model()
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    steps = -(-len(labels) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, chosen.epochs * steps)
    optimizer = tf.keras.optimizers.Adam(learning_rate=rate)
    accuracy = tf.keras.metrics.SparseCategoricalAccuracy()

    @wrap
    def train_step(batch):
        x, y = tf.gather(images, batch), tf.gather(labels, batch)
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    losses, held_out, seconds = [], [], []
    for epoch in range(chosen.epochs):
        bar.set_description(f"{mode}, epoch {epoch + 1}/{chosen.epochs}")
        started = time.perf_counter()
        order = tf.random.shuffle(tf.range(len(labels)))
        losses.append([])
        for i in range(steps):
            losses[-1].append(float(train_step(order[i * BATCH : (i + 1) * BATCH])))
            bar.update()
        seconds.append(time.perf_counter() - started)
        logits = model(test_images, training=False)
        accuracy.reset_state()
        accuracy.update_state(test_labels, logits)
        held_out.append((float(loss_of(test_labels, logits)), float(accuracy.result())))
        bar.set_postfix(loss=f"{sum(losses[-1]) / steps:.4f}", held_out=f"{held_out[-1][1]:.1%}")
    return model, digits.Training(model.get_weights(), losses, held_out, seconds)


def main():
    chosen = digits.options(__doc__.splitlines()[0], epochs=30)
    data = digits.load(chosen.seed)
    with digits.progress(2, chosen.epochs, -(-len(data[0][1]) // BATCH)) as bar:
        _, eager = train("eager", lambda step: step, chosen, data, bar)
        model, compiled = train("tf.function", tf.function, chosen, data, bar)
    probabilities = tf.nn.softmax(model(data[1][0], training=False)).numpy()
    return digits.finish("digits_keras", chosen.out, eager, compiled, data[1], probabilities)


if __name__ == "__main__":
    sys.exit(main())
