"""A tape belongs to the thread that opened it; variables are shared."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import tapeflow as tf


def test_eight_threads_with_a_tape_each_on_shared_variables():
    x, y = tf.Variable([1.0, 2.0]), tf.Variable(3.0)

    def work(k):
        found = []
        for i in range(200):
            with tf.GradientTape() as outer:
                with tf.GradientTape() as tape:
                    z = tf.reduce_sum(tf.sin(x * y) * float(k + i))
                g = tape.gradient(z, x)
                s = tf.reduce_sum(g)
            found.append((np.asarray(g), np.asarray(outer.gradient(s, y))))
        return found

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    a = np.array([1.0, 2.0])
    for k, found in enumerate(together):
        for i, (g, h) in enumerate(found):
            np.testing.assert_allclose(g, (k + i) * 3 * np.cos(3 * a), rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(h, (k + i) * np.sum(np.cos(3 * a) - 3 * a * np.sin(3 * a)), rtol=1e-4, atol=1e-3)


def test_a_tape_does_not_hear_other_threads():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        with ThreadPoolExecutor(1) as pool:
            y = pool.submit(lambda: x * x).result()
        z = x * 3.0
    assert tape.gradient([y, z], x).numpy() == 3.0
