"""What only the run knows, how arguments are bound, and random streams: as in TensorFlow 2.21, recorded."""

import json

import numpy as np
import pytest

import tapeflow as tf
from tracing.late_programs import PROGRAMS, RECORDED, X, told

WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_tensorflow(name):
    _same(json.loads(json.dumps(PROGRAMS[name](tf))), WANTED[name])


def _same(found, wanted):
    if isinstance(wanted, list):
        assert isinstance(found, list) and len(found) == len(wanted), (found, wanted)
        for a, b in zip(found, wanted):
            _same(a, b)
    elif isinstance(wanted, float):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-4)
    elif isinstance(found, str) and found == "TypeError":  # what is found while tracing is a ValueError as well
        assert wanted in ("TypeError", "ValueError")
    else:
        assert found == wanted


@pytest.mark.parametrize("order", [2, 3])
def test_derivatives_of_python_code_in_a_function(order):
    def nth(x, n):
        if not n:
            return tf.py_function(lambda x: x * x * x * x, [x], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = nth(x, n - 1)
        return tape.gradient(y, x)

    found = tf.function(lambda x: nth(x, order))(tf.constant(3.0))
    assert found.numpy() == {2: 108.0, 3: 72.0}[order]  # of x ** 4


def test_an_axis_that_is_known_later_is_compiled_for_what_is_known():
    f = tf.function(lambda x, n: tf.reduce_sum(x, n) * 2)
    for n in (0, 1, -1):
        np.testing.assert_allclose(f(tf.constant(X), tf.constant(n)), X.sum(n) * 2)


def test_the_names_of_converted_functions_are_tensorflows():
    assert "def tf__told(" in tf.autograph.to_code(told)


def test_a_constant_of_tensors():
    assert tf.constant([tf.constant(1), 2]).numpy().tolist() == [1, 2]  # TensorFlow refuses it
