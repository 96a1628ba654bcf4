"""What a matrix product does of the loops after it: the sum `w - rate * (a @ b)`, or calls of them for panels."""

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import explain, gemm
from tapeflow.compiler import run as compiler

RNG = np.random.default_rng(5)
M, N, K = 300, 130, 70  # not small, and in place as a float32 and a float64 variable
DEEP = 450  # more than a block


def array(*shape, dtype="float32"):
    return tf.constant(RNG.standard_normal(shape), dtype)


def both(function, variables, *arguments):
    """Two calls on NumPy, and two compiled: results and the variables' values. What became of the graph, and
    how many products are updates."""
    found = []
    start = [v.numpy() for v in variables]
    for native in (False, True):
        compiler.native = native
        try:
            graph = tf.function(function)
            results = [np.array(x) for _ in range(2) for x in tf.nest.flatten(graph(*arguments)) if x is not None]
            found.append(results + [v.numpy() for v in variables])
            concrete = graph.get_concrete_function(*arguments)
        finally:
            compiler.native = True
        for v, value in zip(variables, start):
            v.assign(value)
    for want, got in zip(*found, strict=True):
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(got, want)
            continue
        eps = np.finfo(want.dtype).eps
        np.testing.assert_allclose(got, want, rtol=30 * eps, atol=30 * eps * np.abs(want).max())
    (made,) = concrete._graph.cache["native"].values()
    return explain.text(made), sum(group.update is not None for group in made.plan.schedule.groups)


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

    text, updates = both(step, [w], a, b)
    assert updates == (not transposed)
    assert ("MatMul, Mul, Sub ->" in text) == (not transposed)


def test_a_rate_in_memory():
    w, rate = tf.Variable(array(M, N)), tf.Variable(0.25)
    def step(a, b):
        w.assign_sub(a @ b * rate)

    text, updates = both(step, [w, rate], array(M, K), array(K, N))
    assert updates == 1
    assert "MatMul, Mul, Sub -> float32[300,130] over the variable's old value" in text


def test_sums_that_are_results():
    def sums(a, b, x):
        return x + a @ b, a @ (b + 1) + 2 * x

    text, updates = both(sums, [], array(2, M, K), array(2, K, N), array(2, M, N))
    assert updates == 1
    assert "MatMul, AddV2 -> float32[2,300,130] in a new array" in text


def test_of_a_single_row_and_column():
    def sums(a, b, x, y):
        return x - 0.5 * (a @ b), y - 0.5 * tf.matmul(b, a, transpose_a=True, transpose_b=True)

    assert both(sums, [], array(1, 256), array(256, 2000), array(1, 2000), array(2000, 1))[1] == 2


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
    assert both(LIKE_ONES[name], [], array(M, N), array(M, K), array(K, N))[1] == 0


@pytest.mark.parametrize("k", [K, 330, DEEP])
def test_the_whole_product_is_rounded_once(k):
    w, a, b = array(M, N), array(M, k), array(k, N)
    update = tf.function(lambda w, a, b: w - 0.1 * (a @ b))
    product = tf.function(lambda a, b: a @ b)(a, b).numpy()
    np.testing.assert_array_equal(update(w, a, b), w.numpy() - np.float32(0.1) * product)


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


# Loops that run on a product's rows and columns as soon as they are there.

AFTER = {
    "a bias": lambda a, b, x: tf.nn.relu(a @ b + x[0]),
    "a sum of columns": lambda a, b, x: tf.reduce_sum(a @ b * x, 0),
    "all of it": lambda a, b, x: (tf.nn.tanh(a @ b), tf.reduce_sum(x * (a @ b), 0), tf.reduce_max(a @ b - x, 0)),
    "both the product and more": lambda a, b, x: (a @ b, tf.sin(a @ b) + x),
    "a sum of rows": lambda a, b, x: (tf.nn.relu(a @ b), tf.reduce_sum(tf.nn.relu(a @ b) * x, 1)),
    "a sum of all": lambda a, b, x: (a @ b + x, tf.reduce_sum(a @ b * x)),
    "a softmax": lambda a, b, x: tf.nn.softmax(a @ b + x),
    "other signs": lambda a, b, x: (a @ b > x, tf.reduce_any(a @ b > x, 0), tf.cast(a @ b, tf.int32)),
    "its neighbours": lambda a, b, x: (a @ b)[1:] * (a @ b)[:-1] + x[1:],
    "itself turned around": lambda a, b, x: tf.transpose(a @ b + x) * 2.0 + tf.transpose(a @ b),
}
SHAPES = {  # parted by rows, by columns for there are few rows, or for there is much to read; several blocks
    "rows": (300, 70, 130), "columns": (9, 300, 1031), "wide": (65, 700, 1500), "deep": (123, 1100, 77),
    "thin": (1000, 300, 5), "thinner": (700, 300, 1), "a row": (1, 700, 901),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", AFTER)
def test_loops_after_a_product(name, shape, dtype):
    m, k, n = SHAPES[shape]
    if m > 1 or name != "its neighbours":
        rng = np.random.default_rng(1)
        matrices = [rng.integers(-3, 4, s) for s in ((m, k), (k, n), (m, n))]  # for no sign hangs on a rounding
        both(AFTER[name], [], *[tf.constant(x, dtype) for x in matrices])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_parts_of_sums(threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    try:
        text, _ = both(AFTER["all of it"], [], array(400, 100), array(100, 210), array(400, 210))
    finally:
        tf.config.threading.set_intra_op_parallelism_threads(0)
    assert (f"in {threads} parts" in text) is (threads > 1)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [77, 331, 411])
def test_a_training_step(batch, threads):
    """Its updates are the products', unless those are sums of blocks; the old weights are read turned around, too."""
    sizes = (200, 150, 90, 10)
    variables = [tf.Variable(0.1 * array(*shape)) for m, n in zip(sizes, sizes[1:]) for shape in ((m, n), (n,))]

    def step(layer, labels):
        with tf.GradientTape() as tape:
            for w, b in zip(variables[:-2:2], variables[1:-2:2]):
                layer = tf.nn.relu(layer @ w + b)
            logits = layer @ variables[-2] + variables[-1]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        for v, g in zip(variables, tape.gradient(loss, variables)):
            v.assign_sub(0.1 * g)
        return loss

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    try:
        text, updates = both(step, variables, array(batch, 200), tf.constant(RNG.integers(0, 10, batch)))
    finally:
        tf.config.threading.set_intra_op_parallelism_threads(0)
    assert updates == (3 if batch <= gemm.depth("float") else 0)
    assert text.count("MatMul, AddV2, Relu ->") == 2
    assert text.count("MatMul, ReluGrad ->") == 2


def test_a_new_value_that_is_transposed_too():
    """It is computed from the old one in two orders, so it must not be written over that."""
    w = tf.Variable(array(200, 200))

    def step(a):
        w.assign_sub(0.5 - w)
        return tf.matmul(w, w, transpose_a=True, transpose_b=True) + a

    text, _ = both(step, [w], array(200, 200))
    assert "as the variable's new value" in text
