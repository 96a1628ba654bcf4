"""Programs that scientists write, eager against compiled, and their gradients against differences.

`science_programs.py` runs on TensorFlow as well, which agrees to rounding.
"""

import numpy as np
import pytest

import tapeflow as tf
from compiler.science_programs import PROGRAMS, with_gradients

# In single precision those, too, whose sums, products or guards are of another kind there.
NARROW = ["mixture_model", "logistic_regression", "gaussian_process", "heat", "ising", "k_means", "pinn", "rosenbrock",
          "derivatives", "rnn_loop", "kernel_ridge"]  # fmt: skip


def made(name, dtype):
    function, arrays = PROGRAMS[name](tf, dtype, np.random.default_rng(3))
    return function, [tf.constant(array, dtype) for array in arrays]


CASES = [(name, "float64") for name in PROGRAMS] + [(name, "float32") for name in NARROW]


@pytest.mark.parametrize("name, dtype", CASES)
def test_compiled_is_eager(name, dtype):
    function, args = made(name, dtype)
    compiled = tf.function(function)
    wanted, found = function(*args), compiled(*args)
    again = compiled(*args)
    for number, (a, b, c) in enumerate(zip(wanted, found, again, strict=True)):
        assert a.dtype == b.dtype and a.shape == b.shape
        a, b = a.numpy(), b.numpy()
        np.testing.assert_array_equal(b, c.numpy())
        scale = max(1e-3, float(np.nanmax(np.abs(a))))
        tolerance = 2e-13 if dtype == "float64" else 1e-4
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale, err_msg=f"result {number}")
    text = str(compiled.get_concrete_function(*args))
    assert "not compiled" not in text and " on NumPy" not in text


# The first result of these is a number, and the others are its gradients.
SCALARS = ["mixture_model", "logistic_regression", "gaussian_process", "ode_while", "heat", "fluid", "ising",
           "mixture_of_experts", "pinn", "kalman", "rnn_loop", "transformer", "kernel_ridge"]  # fmt: skip


@pytest.mark.parametrize("name", SCALARS)
def test_compiled_gradients_are_slopes(name):
    """Along a random direction, against central differences of the compiled function itself."""
    function, args = made(name, "float64")
    compiled = tf.function(function)
    _, *gradients = compiled(*args)
    rng = np.random.default_rng(4)
    directions = [rng.normal(size=g.shape) for g in gradients]
    slope = sum(np.sum(g.numpy() * d) for g, d in zip(gradients, directions))
    h = 1e-6

    def moved(by):
        points = [x + by * d for x, d in zip(args, directions)]
        return compiled(*points, *args[len(points) :])[0].numpy()

    difference = (moved(h) - moved(-h)) / (2 * h)
    size = np.sqrt(sum(np.sum(g.numpy() ** 2) for g in gradients))
    assert abs(difference - slope) <= 1e-5 * max(size, abs(slope))


# What is read at places that the program computes.


def test_places_outside_are_errors():
    @tf.function
    def rows(table, places):
        return tf.gather(table, places) * 2.0

    table = tf.constant(np.arange(6.0).reshape(3, 2))
    assert rows(table, tf.constant([2, 0])).numpy().tolist() == [[8.0, 10.0], [0.0, 2.0]]
    for bad in (3, -1, 2**31 - 1):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"indices\[1\] = {bad} is not in \[0, 3\)"):
            rows(table, tf.constant([0, bad]))


def test_what_fails_assigns_nothing():
    table = tf.Variable(tf.zeros([3, 2]))

    @tf.function
    def step(places):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(table, places) + 1.0)
        table.assign_sub(0.5 * tf.convert_to_tensor(tape.gradient(loss, table)))
        return loss

    assert step(tf.constant([0, 0, 2])).numpy() == 6.0
    before = table.numpy()
    assert before.tolist() == [[-1.0, -1.0], [0.0, 0.0], [-0.5, -0.5]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
        step(tf.constant([0, 0, 3]))
    np.testing.assert_array_equal(table.numpy(), before)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("function", [tf.math.floordiv, tf.math.floormod, tf.truncatediv, tf.truncatemod])
def test_integer_division(function, dtype):
    """All signs, and the least integer by -1, which the machine's own instruction refuses."""
    info = np.iinfo(dtype)
    ends = [info.min, info.min + 1, -7, -3, -2, -1, 0, 1, 2, 3, 7, info.max - 1, info.max]
    pairs = np.array([(a, b) for a in ends for b in ends if b], dtype)
    x, y = tf.constant(pairs[:, 0]), tf.constant(pairs[:, 1])
    compiled = tf.function(function)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(compiled(x, y).numpy(), function(x, y).numpy())
    assert "on NumPy" not in str(compiled.get_concrete_function(x, y))
    with pytest.raises(tf.errors.OpError, match="division by zero"):
        compiled(x, 0 * y)


def test_arg_max_of_what_is_no_number():
    nan, inf = np.nan, np.inf
    x = tf.constant([[nan, 1, 3, 3], [nan, nan, nan, nan], [-inf, nan, -inf, nan], [nan, -inf, inf, inf]], "float32")
    for function in (tf.argmax, tf.argmin):
        for axis in (0, 1):
            wanted = function(x, axis).numpy().tolist()
            assert tf.function(function)(x, axis).numpy().tolist() == wanted


# Long programs.


def chain(x, w, steps):
    for i in range(steps):
        x = tf.tanh(tf.linalg.matvec(w, x) + w[i % 4])
    return tf.reduce_sum(x)


def test_many_loops():
    """More groups than one native function has."""
    args = [tf.constant(np.random.default_rng(0).normal(size=s) * 0.5) for s in ((4,), (4, 4))]
    function = with_gradients(tf, lambda x, w: chain(x, w, 100))
    compiled = tf.function(function, autograph=False)
    for a, b in zip(function(*args), compiled(*args)):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-12)
    assert "in 1 native call," not in str(compiled.get_concrete_function(*args))
    wide = np.random.default_rng(0).normal(size=(4, 8)) * 0.5
    for x in (tf.constant(wide[:, ::2]), tf.constant(wide.T[:4])):  # strided memory
        for a, b in zip(function(args[0], x), compiled(args[0], x)):
            np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-12)


def test_many_terms():
    """More terms than one loop has."""

    def function(x):
        total = x
        for i in range(40):
            total = total + tf.sin(total + i) * 0.01
        return total

    x = tf.constant(np.linspace(0, 1, 5))
    np.testing.assert_allclose(tf.function(function, autograph=False)(x), function(x), rtol=1e-12)


def test_many_choices():
    """A loop with so many choices that it is no vector loop."""

    def function(x):
        rows = [x[i] * (i + 1.0) for i in range(40)]
        padded = [tf.pad(row[None], [[i, 39 - i], [0, 0]]) for i, row in enumerate(rows)]
        return tf.add_n(padded), tf.stack(rows[:20])

    x = tf.constant(np.arange(120.0).reshape(40, 3))
    compiled = tf.function(function, autograph=False)
    for a, b in zip(function(x), compiled(x)):
        np.testing.assert_array_equal(b.numpy(), a.numpy())


def test_masked_maxima_stay_vectors():
    """-inf where a mask says so, then the greatest: values as NumPy has them, also of rows that are all masked."""
    x = np.random.default_rng(0).normal(size=(7, 300)).astype("float32")
    mask = x > 0.5
    mask[3] = False

    @tf.function
    def function(x, mask):
        return tf.reduce_max(tf.where(mask, x, -np.inf), 1), tf.reduce_min(tf.where(mask, x, np.inf), 1)

    high, low = function(tf.constant(x), tf.constant(mask))
    np.testing.assert_array_equal(high, np.where(mask, x, -np.inf).max(1))
    np.testing.assert_array_equal(low, np.where(mask, x, np.inf).min(1))
