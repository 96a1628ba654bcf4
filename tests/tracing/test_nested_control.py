"""Control flow within control flow, traced for unknown sizes: first and second derivatives, those of TensorFlow 2.21.

What the way back needs differs in shape from one branch to the other, or from round to round.
"""

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import run


def branches_in_rounds(x):
    def body(i, y):
        return i + 1, tf.cond(i % 2 == 0, lambda: tf.sin(y) * y, lambda: y * y + tf.exp(y) * x)

    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.while_loop(lambda i, y: i < 4, body, (0, x))[1], lambda: x * 2.0)


def branches_in_a_scan(x):
    def step(y, e):
        return tf.tanh(tf.cond(e > 0.3, lambda: y * e, lambda: tf.sin(y) * y))

    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.scan(step, x, initializer=x)[-1], lambda: x)


def longer_each_round(x):
    def body(i, y):
        part = y[: i + 1]
        part = tf.cond(i % 2 == 0, lambda: tf.sin(part) * part, lambda: part * part + tf.exp(part))
        return i + 1, tf.tanh(y + tf.reduce_sum(part))

    return tf.while_loop(lambda i, y: i < 3, body, (0, x))[1]


def cases_in_a_map(x):
    def row(e):
        cases = [(e < 0.2, lambda: tf.sin(x) * e), (e < 0.6, lambda: tf.exp(x * e))]
        return tf.reduce_sum(tf.case(cases, default=lambda: x * x * x))

    return tf.map_fn(row, x)


def rolled_and_sliced(x):
    return tf.reduce_sum(tf.sin((tf.concat([x[1:], x[:1]], 0) * x)[:2] * x[:2])) * x


RECORDED = {
    branches_in_rounds: (
        [1.035563447, 6.030171716, -39.198498946], [0.787165014, 50.239035413, -989.737293555],
    ),
    branches_in_a_scan: ([0.089687241, 1.06194791, 0.720434443], [1.169370596, 3.257130552, 1.681232735]),
    longer_each_round: ([0.000775064, 0.000629355, 2.2811e-05], [-0.004498015, -0.006349771, -0.000251813]),
    cases_in_a_map: ([2.01772183, 3.638391749, 3.27631709], [5.445869944, 12.340449159, 8.609407993]),
    rolled_and_sliced: ([0.378104466, 1.559078198, 0.593654131], [3.330903099, 7.940706185, 3.32808397]),
}  # fmt: skip


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("program", RECORDED, ids=lambda program: program.__name__)
def test_second_derivatives(program, native, monkeypatch):
    monkeypatch.setattr(run, "native", native)

    def twice(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = tf.reduce_sum(program(x))
            first = inner.gradient(total, x)
        return first, outer.gradient(first, x)

    x = tf.constant([0.1, 0.5, 0.9], tf.float64)
    function = tf.function(twice, autograph=False, input_signature=[tf.TensorSpec([None], tf.float64)])
    for compute in (twice, function, function):
        for found, wanted in zip(compute(x), RECORDED[program], strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=2e-9)


@pytest.mark.parametrize("native", [False, True])
def test_a_gradient_that_is_rows_for_some_sizes_only(native, monkeypatch):
    """TensorFlow knows no depth of the coordinates, and gives a dense gradient for all."""
    monkeypatch.setattr(run, "native", native)

    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None, None], tf.int32)])
    def gradient(x, places):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.gather_nd(x, places) ** 2
        return tape.gradient(y, x)

    x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for _ in range(2):
        np.testing.assert_array_equal(gradient(x, tf.constant([[1], [0]])), [[2.0, 4.0, 6.0], [8.0, 10.0, 12.0]])
        np.testing.assert_array_equal(gradient(x, tf.constant([[1, 2], [0, 0]])), [[2.0, 0.0, 0.0], [0.0, 0.0, 12.0]])
