"""Reads handwritten digits with a multi-layer perceptron: raw tensors, a gradient tape, Adam written out.

    python examples/digits_tape.py [--epochs 30] [--seed 0] [--out .]

Leaves digits_tape_loss.png and digits_tape_wrong.png; succeeds at 97 % or better on held-out digits.
An ordinary TensorFlow program: with `import tensorflow as tf` it says the same.
"""

import math
import sys

from tqdm import tqdm

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
    """The logits, [n, 10], of images [n, 64]."""
    layer = images
    for weights, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
        layer = tf.nn.relu(layer @ weights + bias)
    return layer @ parameters[-2] + parameters[-1]


def cross_entropy(logits, labels):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def make_adam(parameters, steps):
    """Adam (Kingma and Ba, 2015) as a function of the step, counted from 1, and the gradients.

    The learning rate falls to nothing over the given number of steps, along half a cosine.
    """
    first = [tf.Variable(tf.zeros_like(p)) for p in parameters]
    second = [tf.Variable(tf.zeros_like(p)) for p in parameters]

    def update(step, gradients):
        rate = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        rate *= (1 - BETA_2**step) ** 0.5 / (1 - BETA_1**step)
        for p, g, m, v in zip(parameters, gradients, first, second):
            m.assign_add((1 - BETA_1) * (g - m))
            v.assign_add((1 - BETA_2) * (tf.square(g) - v))
            p.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))

    return update


def main():
    chosen = digits.options(__doc__.splitlines()[0], epochs=30)
    (images, labels), (test_images, test_labels) = digits.load(chosen.seed)
    tf.random.set_seed(chosen.seed)
    images, labels, test = tf.constant(images), tf.constant(labels), tf.constant(test_images)

    parameters = make_parameters()
    steps = -(-len(labels) // BATCH)
    update = make_adam(parameters, chosen.epochs * steps)
    losses, held_out = [], []
    with tqdm(total=chosen.epochs * steps, unit="step") as bar:
        for epoch in range(chosen.epochs):
            order = tf.random.shuffle(tf.range(len(labels)))
            losses.append([])
            for start in range(0, len(labels), BATCH):
                batch = order[start : start + BATCH]
                x, y = tf.gather(images, batch), tf.gather(labels, batch)
                x += tf.random.normal(x.shape, stddev=NOISE)
                with tf.GradientTape() as tape:
                    loss = cross_entropy(predict(parameters, x), y)
                losses[-1].append(float(loss))
                update(epoch * steps + len(losses[-1]), tape.gradient(loss, parameters))
                bar.update()
            logits = predict(parameters, test)
            right = tf.equal(tf.argmax(logits, axis=1), test_labels)
            accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
            held_out.append((float(cross_entropy(logits, test_labels)), float(accuracy)))
            bar.set_description(f"epoch {epoch + 1}/{chosen.epochs}")
            bar.set_postfix(loss=f"{sum(losses[-1]) / steps:.4f}", held_out=f"{held_out[-1][1]:.1%}")

    probabilities = tf.nn.softmax(predict(parameters, test)).numpy()
    return digits.finish(
        "digits_tape", chosen.out, (losses, held_out), (test_images, test_labels), probabilities
    )


if __name__ == "__main__":
    sys.exit(main())
