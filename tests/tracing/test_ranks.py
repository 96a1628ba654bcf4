"""Tensors of which a trace does not know the rank go through ordinary operations; as TensorFlow 2.21 has it."""

import numpy as np
import pytest

import tapeflow as tf

NUMBERS = np.arange(6, dtype=np.float32).reshape(2, 3) / 3
# By program of x = 0.5 * NUMBERS, which Python code gives: its result and the derivative of its sum by the 0.5.
RECORDED = {
    "transpose": (
        lambda x: tf.transpose(x),
        [[0.0, 0.5], [0.1667, 0.6667], [0.3333, 0.8333]], 5.0,
    ),
    "softmax": (
        lambda x: tf.nn.softmax(x),
        [[0.2796, 0.3303, 0.3902], [0.2796, 0.3303, 0.3902]], 0.0,
    ),
    "matmul": (
        lambda x: tf.matmul(x, x, transpose_b=True),
        [[0.1389, 0.3889], [0.3889, 1.3889]], 9.2222,
    ),
    "index": (
        lambda x: x[0],
        [0.0, 0.1667, 0.3333], 1.0,
    ),
    "add_n": (
        lambda x: tf.add_n([x, x * x]),
        [[0.0, 0.1944, 0.4444], [0.75, 1.1111, 1.5278]], 11.1111,
    ),
    "norm": (
        lambda x: tf.norm(x),
        1.236, 2.4721,
    ),
    "clip_by_value": (
        lambda x: tf.clip_by_value(x, 0.1, 0.3),
        [[0.1, 0.1667, 0.3], [0.3, 0.3, 0.3]], 0.3333,
    ),
    "clip_by_norm": (
        lambda x: tf.clip_by_norm(x, 0.1),
        [[0.0, 0.0135, 0.027], [0.0405, 0.0539, 0.0674]], 0.0,
    ),
    "tensordot": (
        lambda x: tf.tensordot(x, x, [[1], [1]]),
        [[0.1389, 0.3889], [0.3889, 1.3889]], 9.2222,
    ),
    "sort": (
        lambda x: tf.sort(x, direction="DESCENDING"),
        [[0.3333, 0.1667, 0.0], [0.8333, 0.6667, 0.5]], 5.0,
    ),
    "matrix_transpose": (
        lambda x: tf.linalg.matrix_transpose(x),
        [[0.0, 0.5], [0.1667, 0.6667], [0.3333, 0.8333]], 5.0,
    ),
    "moments": (
        lambda x: tf.stack(tf.nn.moments(x, [0])),
        [[0.25, 0.4167, 0.5833], [0.0625, 0.0625, 0.0625]], 3.25,
    ),
    "bias_add": (
        lambda x: tf.nn.bias_add(x, [1.0, 2.0, 3.0]),
        [[1.0, 2.1667, 3.3333], [1.5, 2.6667, 3.8333]], 5.0,
    ),
    "unsorted_segment_sum": (
        lambda x: tf.math.unsorted_segment_sum(x, [1, 0], 3),
        [[0.5, 0.6667, 0.8333], [0.0, 0.1667, 0.3333], [0.0, 0.0, 0.0]], 5.0,
    ),
    "ones_like": (
        lambda x: tf.ones_like(x) * x,
        [[0.0, 0.1667, 0.3333], [0.5, 0.6667, 0.8333]], 5.0,
    ),
    "gather": (
        lambda x: tf.gather(x, [1, 0, 1]),
        [[0.5, 0.6667, 0.8333], [0.0, 0.1667, 0.3333], [0.5, 0.6667, 0.8333]], 9.0,
    ),
    "reduce_sum": (
        lambda x: tf.reduce_sum(x, 0),
        [0.5, 0.8333, 1.1667], 5.0,
    ),
    "cond": (
        lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * x, lambda: x[0]),
        [[0.0, 0.0278, 0.1111], [0.25, 0.4444, 0.6944]], 6.1111,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_a_rank_that_only_the_run_knows(name):
    program, value, slope = RECORDED[name]

    @tf.function(autograph=False)
    def function(scale):
        with tf.GradientTape() as tape:
            tape.watch(scale)
            x = scale * tf.numpy_function(lambda: NUMBERS, [], tf.float32)
            assert x.shape.rank is None
            y = program(x)
        return y, tape.gradient(y, scale)

    for _ in range(2):
        found = function(tf.constant(0.5))
        np.testing.assert_allclose(found[0], value, rtol=1e-4, atol=6e-5)
        np.testing.assert_allclose(found[1], slope, rtol=1e-4, atol=6e-5)


def test_a_squeeze_of_sizes_that_are_not_known():
    """TensorFlow's: the rank of what is left is found at each call."""

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def function(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.squeeze(x), 0) ** 2
        return y, tape.gradient(y, x), tf.nn.softmax(tf.squeeze(x))

    for _ in range(2):
        y, gradient, soft = function(tf.constant([[1.0, 2.0, 3.0]]))
        np.testing.assert_allclose(y, 36.0)
        np.testing.assert_allclose(gradient, [[12.0, 12.0, 12.0]])
        np.testing.assert_allclose(soft, [0.09003058, 0.24472848, 0.66524094], rtol=1e-5)
        y, gradient, soft = function(tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        np.testing.assert_allclose(y, [25.0, 49.0, 81.0])
        np.testing.assert_allclose(gradient, [[10.0, 14.0, 18.0], [10.0, 14.0, 18.0]])
        np.testing.assert_allclose(soft, [[0.09003058, 0.24472848, 0.66524094]] * 2, rtol=1e-5)
