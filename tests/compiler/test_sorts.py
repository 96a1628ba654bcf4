"""Sorts in compiled functions: the places that NumPy gives, to the last of equal elements."""

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import run as compiler

DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint32",
          "uint64"]  # fmt: skip
FUNCTIONS = {
    "ascending": lambda x: (tf.argsort(x), tf.sort(x)),
    "descending": lambda x: (tf.argsort(x, direction="DESCENDING"), tf.sort(x, direction="DESCENDING")),
    "most": lambda x: tf.math.top_k(x, 70),
}


def numbers(dtype, shape, rng):
    """Numbers of all sizes, some of them again and again."""
    dtype = tf.as_dtype(dtype)
    if dtype.is_integer:
        info = np.iinfo(dtype.as_numpy_dtype)
        wide = rng.integers(info.min, info.max, shape, dtype.as_numpy_dtype, endpoint=True)
        return tf.constant(np.where(rng.random(shape) < 0.5, wide, wide % 5).astype(dtype.as_numpy_dtype))
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-4, 4, shape)
    special = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1e-40], shape)
    return tf.cast(tf.constant(np.where(rng.random(shape) < 0.7, values, special)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(70,), (3, 257), (2, 2, 1000)])
def test_places(name, dtype, shape):
    x = numbers(dtype, shape, np.random.default_rng(sum(shape)))
    function = tf.function(FUNCTIONS[name])
    found = function(x)
    text = str(function.get_concrete_function(x))
    assert "on NumPy" not in text, text
    before, compiler.native = compiler.native, False
    try:
        wanted = tf.function(FUNCTIONS[name])(x)
    finally:
        compiler.native = before
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype
        assert a.numpy().tobytes() == b.numpy().tobytes()


def test_rows_that_are_too_long_are_numpy_s():
    x = numbers("float32", (30_000,), np.random.default_rng(0))
    function = tf.function(tf.argsort)
    np.testing.assert_array_equal(function(x), tf.argsort(x))
    assert "TopKV2 on NumPy" in str(function.get_concrete_function(x))


def test_in_a_loop_and_with_a_gradient():
    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in tf.range(3):
                y = tf.sort(tf.sin(y) * 2.0) * tf.cast(i + 1, tf.float64)
            total = tf.reduce_sum(y * tf.range(100.0, dtype=tf.float64))
        return total, tape.gradient(total, x)

    x = tf.constant(np.random.default_rng(1).normal(size=100))
    function = tf.function(slopes)
    for a, b in zip(function(x), slopes(x)):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    text = str(function.get_concrete_function(x))
    assert "native loop" in text and "on NumPy" not in text, text
