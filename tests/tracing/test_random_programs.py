"""Random programs of nested control flow: values and derivatives in a function agree with those outside of it."""

import random

import numpy as np
import pytest

import tapeflow as tf
from tracing.control_programs import forward, gradient, second, value

PLAIN = [
    lambda x, w: tf.sin(x) * w,
    lambda x, w: x * x * 0.5 + w,
    lambda x, w: tf.reduce_sum(x) * tf.ones([3]) * 0.3 + x,
    lambda x, w: tf.where(x > w, x, x * w),
    lambda x, w: tf.concat([x[1:], x[:1]], 0) * w,
    lambda x, w: tf.stop_gradient(x) * w + tf.cast(tf.argmax(x), tf.float32) * x * 0.1,
]


def program(rng, depth):
    """A function of a vector of three and a scalar to such a vector."""
    if not depth or rng.random() < 0.2:
        return rng.choice(PLAIN)
    f, g, n, t = program(rng, depth - 1), program(rng, depth - 1), rng.randrange(4), rng.uniform(-1, 1)
    v = tf.Variable([0.1, 0.2, 0.3])

    def loop(x, w):
        def body(i, a, b):
            return i + 1, tf.tanh(f(a, b)), b * 0.9 + tf.reduce_mean(a) * 0.1

        return tf.while_loop(lambda i, a, b: i < n, body, (0, x, w))[1]

    def array(x, w):
        def body(i, h, a):
            h = tf.tanh(f(h, w))
            return i + 1, h, a.write(i, h)

        a = tf.TensorArray(tf.float32, 3, dynamic_size=bool(n % 2))
        a = tf.while_loop(lambda i, *_: i < 3, body, (0, x, a))[2]
        return tf.reduce_sum(a.stack(), 0) + g(a.read(1) if n > 1 else a.gather([0, 2])[1], w)

    def scan(x, w):
        step = lambda a, r: tf.reduce_mean(f(tf.stack([a, r, w]), w))  # noqa: E731
        return tf.scan(step, x, initializer=w, reverse=bool(n % 2))

    return rng.choice([
        loop, array, scan,
        lambda x, w: f(g(x, w), w),
        lambda x, w: tf.cond(tf.reduce_sum(x) > t, lambda: f(x, w), lambda: g(x, w) * w),
        lambda x, w: tf.switch_case(tf.cast(tf.abs(w * 3), tf.int32), [lambda: f(x, w), lambda: g(x, w), lambda: x]),
        lambda x, w: tf.map_fn(lambda r: tf.reduce_sum(f(x * r, w)), x),
        lambda x, w: f(x * v, w) + v,
    ])  # fmt: skip


@pytest.mark.parametrize("seed", range(24))
def test_a_function_agrees_with_its_python_code(seed):
    rng = random.Random(seed)
    f = program(rng, 3)
    args = [tf.constant([rng.uniform(-1, 1) for _ in range(3)]), tf.constant(rng.uniform(-1, 1))]
    for measure in (value, gradient, second, forward):
        wanted = measure(tf, f, args)
        around = measure(tf, tf.function(f, autograph=False), args)
        inside = tf.function(lambda x, w: list(measure(tf, f, [x, w])), autograph=False)(*args)  # noqa: B023
        specs = [tf.TensorSpec([None]), tf.TensorSpec([])]
        unknown = measure(tf, tf.function(f, autograph=False, input_signature=specs), args)
        for a, b, c, d in zip(wanted, around, inside, unknown, strict=True):
            a, b, c, d = (tf.convert_to_tensor(t) for t in (a, b, c, d))
            np.testing.assert_allclose(d, a, rtol=2e-3, atol=2e-4, err_msg=f"{measure.__name__}, of an unknown size")
            np.testing.assert_allclose(b, a, rtol=2e-3, atol=2e-4, err_msg=f"{measure.__name__}, around")
            np.testing.assert_allclose(c, a, rtol=2e-3, atol=2e-4, err_msg=f"{measure.__name__}, inside")
