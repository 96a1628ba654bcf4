"""Reads handwritten digits with a multi-layer perceptron: raw tensors, a gradient tape, Adam written out.

    python examples/digits_tape.py [--epochs 30] [--seed 0] [--out .]

Trains twice from the same seed, eagerly and inside tf.function, and compares the weights and the times. Leaves
digits_tape_loss.png and digits_tape_wrong.png; succeeds at 97 % or better on held-out digits and the same weights.
An ordinary TensorFlow program: with `import tensorflow as tf` it says the same.
"""

import math
import sys
import time

import digits
import tapeflow as tf

LAYERS = [64, 256, 128, 10]
BATCH = 32
NOISE = 0.2  # deviation of what is added to each pixel while training, so that nothing is learnt by heart
RATE, BETA_1, BETA_2, EPSILON = 2e-3, 0.9, 0.999, 1e-7


def make_parameters():
    """A weight matrix and a bias for each layer: Glorot and Bengio's uniform weights (2010), zero biases."""
    parameters = []
    for fan_in, fan_out in zip(LAYERS, LAYERS[1:]):
        limit = (6 / (fan_in + fan_out)) ** 0.5
        parameters.append(tf.Variable(tf.random.uniform([fan_in, fan_out], -limit, limit)))
        parameters.append(tf.Variable(tf.zeros([fan_out])))
    return parameters


def predict(parameters, images):
    """The logits, [n, 10], of images [n, 64].

    silu is smooth. At the kink of a relu the last bit of a number can decide between two gradients, and 1,350 steps
    later the weights are others: no way to see that tf.function computes the same as eager code.
    """
    layer = images
    for weights, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
        layer = tf.nn.silu(layer @ weights + bias)
    return layer @ parameters[-2] + parameters[-1]


def cross_entropy(logits, labels):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def make_adam(parameters, steps):
    """Adam (Kingma and Ba, 2015) as a function of the step, counted from 0, and the gradients.

    The learning rate falls to nothing over the given number of steps, along half a cosine.
    """
    first = [tf.Variable(tf.zeros_like(p)) for p in parameters]
    second = [tf.Variable(tf.zeros_like(p)) for p in parameters]

    def update(step, gradients):
        done = tf.cast(step + 1, tf.float32)
        rate = RATE * (1 + tf.cos(math.pi * done / steps)) / 2
        rate *= tf.sqrt(1 - BETA_2**done) / (1 - BETA_1**done)
        for p, g, m, v in zip(parameters, gradients, first, second):
            m.assign_add((1 - BETA_1) * (g - m))
            v.assign_add((1 - BETA_2) * (tf.square(g) - v))
            p.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))

    return update


def train(mode, wrap, chosen, data, bar):
    """Trains a perceptron from the seed: (its parameters, a digits.Training).

    Args:
      mode: what to call it beside the progress bar.
      wrap: what the training step is wrapped in: tf.function, or a function that gives the step back.
      chosen: the command line.
      data: what digits.load returns.
      bar: the progress bar.
    """
    (images, labels), (test_images, test_labels) = [[tf.constant(part) for part in parts] for parts in data]
    tf.random.set_seed(chosen.seed)
    parameters = make_parameters()
    steps = -(-len(labels) // BATCH)
    update = make_adam(parameters, chosen.epochs * steps)

    @wrap
    def train_step(step, batch):
        x, y = tf.gather(images, batch), tf.gather(labels, batch)
        x += tf.random.stateless_normal(x.shape, seed=[chosen.seed, step], stddev=NOISE)
        with tf.GradientTape() as tape:
            loss = cross_entropy(predict(parameters, x), y)
        update(step, tape.gradient(loss, parameters))
        return loss

    losses, held_out, seconds = [], [], []
    for epoch in range(chosen.epochs):
        bar.set_description(f"{mode}, epoch {epoch + 1}/{chosen.epochs}")
        started = time.perf_counter()
        order = tf.random.shuffle(tf.range(len(labels)))
        losses.append([])
        for i in range(steps):
            step = tf.constant(epoch * steps + i)  # as a Python number, each would be traced anew
            losses[-1].append(float(train_step(step, order[i * BATCH : (i + 1) * BATCH])))
            bar.update()
        seconds.append(time.perf_counter() - started)
        logits = predict(parameters, test_images)
        right = tf.equal(tf.argmax(logits, axis=1), test_labels)
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
        held_out.append((float(cross_entropy(logits, test_labels)), float(accuracy)))
        bar.set_postfix(loss=f"{sum(losses[-1]) / steps:.4f}", held_out=f"{held_out[-1][1]:.1%}")
    return parameters, digits.Training([p.numpy() for p in parameters], losses, held_out, seconds)


def main():
    chosen = digits.options(__doc__.splitlines()[0], epochs=30)
    data = digits.load(chosen.seed)
    with digits.progress(2, chosen.epochs, -(-len(data[0][1]) // BATCH)) as bar:
        _, eager = train("eager", lambda step: step, chosen, data, bar)
        parameters, compiled = train("tf.function", tf.function, chosen, data, bar)
    probabilities = tf.nn.softmax(predict(parameters, data[1][0])).numpy()
    return digits.finish("digits_tape", chosen.out, eager, compiled, data[1], probabilities)


if __name__ == "__main__":
    sys.exit(main())
