"""Sums that a matrix product writes itself, `w - rate * (a @ b)`: where it is one, where it only looks like one."""

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import run as compiler

RNG = np.random.default_rng(5)
M, N, K = 300, 130, 70  # not small, and in place as a float32 and a float64 variable
DEEP = 300  # more than a block


def array(*shape, dtype="float32"):
    return tf.constant(RNG.standard_normal(shape), dtype)


def both(function, variables, *arguments):
    """Two calls on NumPy, and two compiled: results and the variables' values; and what became of the graph."""
    found = []
    start = [v.numpy() for v in variables]
    for native in (False, True):
        compiler.native = native
        try:
            graph = tf.function(function)
            results = [np.array(x) for _ in range(2) for x in tf.nest.flatten(graph(*arguments)) if x is not None]
            found.append(results + [v.numpy() for v in variables])
            text = str(graph.get_concrete_function(*arguments))
        finally:
            compiler.native = True
        for v, value in zip(variables, start):
            v.assign(value)
    for want, got in zip(*found, strict=True):
        eps = np.finfo(want.dtype).eps
        np.testing.assert_allclose(got, want, rtol=30 * eps, atol=30 * eps * np.abs(want).max())
    return text[text.index("compiled for") :]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(M, N), (60, 33)])  # over the old value, and as a new array
@pytest.mark.parametrize("transposed", [False, True])
def test_a_step_of_gradient_descent(dtype, shape, transposed):
    w = tf.Variable(array(*shape, dtype=dtype))
    a, b = array(K, shape[0], dtype=dtype), array(K, shape[1], dtype=dtype)

    def step(a, b):
        if transposed:
            w.assign_sub(0.1 * tf.transpose(tf.matmul(b, a, transpose_a=True)))
        else:
            w.assign_sub(0.1 * tf.matmul(a, b, transpose_a=True))

    assert ("MatMul, Mul, Sub ->" in both(step, [w], a, b)) is not transposed


def test_a_rate_in_memory():
    w, rate = tf.Variable(array(M, N)), tf.Variable(0.25)
    def step(a, b):
        w.assign_sub(a @ b * rate)

    text = both(step, [w, rate], array(M, K), array(K, N))
    assert "MatMul, Mul, Sub -> float32[300,130] over the variable's old value" in text


def test_sums_that_are_results():
    def sums(a, b, x):
        return x + a @ b, a @ (b + 1) + 2 * x

    text = both(sums, [], array(2, M, K), array(2, K, N), array(2, M, N))
    assert "MatMul, AddV2 -> float32[2,300,130] in a new array" in text


def test_of_a_single_row_and_column():
    def sums(a, b, x, y):
        return x - 0.5 * (a @ b), y - 0.5 * tf.matmul(b, a, transpose_a=True, transpose_b=True)

    text = both(sums, [], array(1, 256), array(256, 2000), array(1, 2000), array(2000, 1))
    assert text.count("MatMul, Mul, Sub ->") == 2


LIKE_ONES = {
    "the product is a result too": lambda w, a, b: (a @ b, w - 0.1 * (a @ b)),
    "the change is used again": lambda w, a, b: w - 0.1 * (a @ b) + tf.reduce_sum(0.1 * (a @ b)),
    "the product is the change twice": lambda w, a, b: (w - 0.1 * (a @ b), w - 0.2 * (a @ b)),
    "the product itself": lambda w, a, b: a @ b + 0.5 * (a @ b),
    "from the product": lambda w, a, b: a @ b - w,
    "a rate for each row": lambda w, a, b: w - a[:, :1] * (a @ b),
    "a row for all": lambda w, a, b: w[:1] + a @ b,
    "more than a sum": lambda w, a, b: tf.nn.relu(w + a @ b),
    "a sum of columns": lambda w, a, b: (w - 0.1 * (a @ b), tf.reduce_sum(a @ b, 0)),
    "turned around": lambda w, a, b: tf.transpose(w) - tf.transpose(0.1 * (a @ b)),
}


@pytest.mark.parametrize("name", LIKE_ONES)
def test_what_looks_like_one(name):
    both(LIKE_ONES[name], [], array(M, N), array(M, K), array(K, N))


def test_beyond_a_block_the_whole_product_is_rounded_once():
    text = both(lambda w, a, b: w - 0.1 * (a @ b), [], array(M, N), array(M, DEEP), array(DEEP, N))
    assert "MatMul -> " in text


def test_the_old_value_is_read_before_it_is_gone():
    w, v = tf.Variable(array(200, 200)), tf.Variable(array(200, 200))

    def step(x):
        before = w + 1.0
        w.assign_sub(0.1 * (x @ w))
        v.assign(before + 0.1 * (w @ w))
        return before, tf.reduce_sum(w * v)

    both(step, [w, v], array(200, 200))


def test_variables_that_change_places():
    w, v = tf.Variable(array(200, 200)), tf.Variable(array(200, 200))

    def step(x):
        old = w + 0.0
        w.assign(v - 0.1 * (x @ x))
        v.assign(old - 0.2 * (x @ x))

    both(step, [w, v], array(200, 200))
