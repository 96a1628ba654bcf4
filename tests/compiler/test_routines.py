"""What is no matter of one element at a time (`compiler/routines.py`): compiled against the NumPy kernels.

Integers, moves, random bits and sums in order agree exactly; what goes through other functions to rounding.
"""

import itertools

import numpy as np
import pytest

import tapeflow as tf
from compiler.test_calls import LARGE, plan_of
from tapeflow.compiler import run, runtime
from tapeflow.random_bits import distributions, native

RANDOM = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def numpy_kernels(monkeypatch):
    """Eager operations draw with NumPy."""
    monkeypatch.setattr(native, "filler", None)


NUMBERS = ["float32", "float64", "int32", "int64", "uint8"]


def numbers(dtype, *shape):
    return tf.constant((RANDOM.standard_normal(shape) * 5).astype(dtype))


def places(limit, *shape, least=0, dtype="int32"):
    return tf.constant(RANDOM.integers(least, limit, shape).astype(dtype))


def check(function, *args, hosts=0, rtol=0.0, atol=0.0):
    """That a compiled function gives what it gives eagerly, at the first call and the second."""
    compiled = tf.function(function)
    wanted = tf.nest.flatten(function(*args))
    for _ in range(2):
        for x, y in zip(wanted, tf.nest.flatten(compiled(*args)), strict=True):
            assert (x.dtype, x.shape) == (y.dtype, y.shape)
            np.testing.assert_allclose(y.numpy(), x.numpy(), rtol, atol)
    assert sum(step.node is not None for step in plan_of(compiled, *args).steps) == hosts


def check_error(function, *args):
    """That a compiled function fails as it fails eagerly."""
    with pytest.raises(tf.errors.InvalidArgumentError) as wanted:
        function(*args)
    compiled = tf.function(function)
    for _ in range(2):
        with pytest.raises(tf.errors.InvalidArgumentError) as found:
            compiled(*args)
        assert str(found.value).startswith(str(wanted.value))
    assert not any(step.node is not None for step in plan_of(compiled, *args).steps)


# Random numbers.

WHOLE = {"minval": None, "maxval": None}
DRAWS = {
    "uniform": (tf.random.stateless_uniform, {}),
    "uniform64": (tf.random.stateless_uniform, {"dtype": tf.float64}),
    "int32": (tf.random.stateless_uniform, {"dtype": tf.int32, "minval": -5, "maxval": 12}),
    "int64": (tf.random.stateless_uniform, {"dtype": tf.int64, "minval": 3, "maxval": 3 + 2**40}),
    "uint32": (tf.random.stateless_uniform, {"dtype": tf.uint32, **WHOLE}),
    "uint64": (tf.random.stateless_uniform, {"dtype": tf.uint64, **WHOLE}),
    "normal": (tf.random.stateless_normal, {}),
    "normal64": (tf.random.stateless_normal, {"dtype": tf.float64}),
    "truncated": (tf.random.stateless_truncated_normal, {}),
    "truncated64": (tf.random.stateless_truncated_normal, {"dtype": tf.float64}),
}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers(name):
    draw, how = DRAWS[name]
    # The C library's functions, and others, for float64: to a few ulp of the largest number.
    rounding = {"rtol": 4e-16, "atol": 1e-15} if name in ("normal64", "truncated64") else {}
    few = (1, 2, 3, 4, 5, 16, 1003)
    check(lambda seed: [draw([size], seed + size, **how) for size in few], tf.constant([3, -7]), **rounding)
    check(lambda seed: draw([3, 13_335], seed, **how), tf.constant([2**40, 3], tf.int64), **rounding)


def test_a_counter_runs_over():
    state = np.array([-2, -1, 77])  # two blocks more, and both halves of the counter begin again
    reference = tf.random.Generator.from_state(state, "philox")
    generator = tf.random.Generator.from_state(state, "philox")
    draw = tf.function(lambda: generator.uniform([40]))
    for _ in range(3):
        np.testing.assert_array_equal(draw(), reference.uniform([40]))
        np.testing.assert_array_equal(generator.state, reference.state)


KERNELS = {
    "uniform": distributions.uniform, "bits": distributions.uniform_full_int, "normal": distributions.normal,
    "truncated normal": distributions.truncated_normal,
}  # fmt: skip


@pytest.mark.parametrize("kind, dtype", sorted(runtime.BITS))
def test_eager_numbers_are_the_same_to_the_bit(kind, dtype):
    key, counter = 2**63 + 5, 7 * 2**64 + 2**64 - 3
    for count in (1, 2, 3, 5, 1003, runtime.SHARED + 3):
        wanted = KERNELS[kind](key, counter, count, dtype)
        found = runtime.fill(kind, key, counter, count, np.dtype(dtype))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, wanted)


def test_eager_numbers_are_native_once_there_is_a_function(monkeypatch):
    tf.function(lambda x: x + 1)(1.0)
    drawn = []
    monkeypatch.setattr(native, "filler", lambda *what: drawn.append(run._filler(*what)) or drawn[-1])
    x = tf.random.stateless_uniform([1000], [1, 2])
    assert drawn[0] is not None
    np.testing.assert_array_equal(x, drawn[0])
    tf.random.stateless_normal([1000], [1, 2], dtype=tf.float64)
    assert drawn[1] is None
    tf.random.stateless_uniform([native.FEW - 1], [1, 2])
    assert len(drawn) == 2


def test_dropout_runs_natively_but_for_its_key():
    x = numbers("float32", 8, 5)
    step = tf.function(lambda x: tf.nn.dropout(x, 0.5, seed=3))
    tf.random.set_seed(1)
    first, second = step(x), step(x)
    assert [s.node.prim.name for s in plan_of(step, x).steps if s.node is not None] == ["ReserveRandomBits"]
    assert (first.numpy() != second.numpy()).any()
    np.testing.assert_array_equal(np.where(first == 0, 2 * x, first), 2 * x)
    check(lambda x: tf.nn.experimental.stateless_dropout(x, 0.5, [1, 2]), x)


def test_bounds_that_are_known_when_it_runs_are_for_numpy():
    check(
        lambda low: tf.random.stateless_uniform([5], [1, 2], low, low + 9, tf.int32), tf.constant(4), hosts=1
    )  # fmt: skip


# Rows put into arrays.


@pytest.mark.parametrize("dtype", NUMBERS)
def test_segments(dtype):
    data, ids = numbers(dtype, 50, 7), places(9, 50, least=-1)
    ways = [getattr(tf.math, f"unsorted_segment_{name}") for name in ("sum", "prod", "max", "min")]
    check(lambda x, i: [(way(x, i, 11), way(x[:, 0], i, 11)) for way in ways], data, ids)
    for way in ways:
        check_error(lambda x, i, way=way: way(x, i, 3), data, ids)


@pytest.mark.parametrize("dtype", [*NUMBERS, "bool"])
def test_scatters(dtype):
    tensor, updates, where = numbers(dtype, 6, 5, 7), numbers(dtype, 20, 7), places(5, 20, 2, dtype="int64")
    check(lambda i, x: (tf.scatter_nd(i, x, [6, 5, 7]), tf.scatter_nd(i[:, :1], x[:, 0], [5])), where, updates)
    check_error(lambda i, x: tf.scatter_nd(i, x, [4, 5, 7]), where, updates)
    names = ["update"] if dtype == "bool" else ["update", "add", "sub", "max", "min"]
    changes = [getattr(tf, f"tensor_scatter_nd_{name}") for name in names]
    check(lambda t, i, x: [change(t, i, x) for change in changes], tensor, where, updates)
    check_error(lambda t, i, x: changes[-1](t, i, x), tensor, where - 1, updates)
    check(lambda t, i: tf.gather_nd(t, i), tensor, where)
    check_error(lambda t, i: tf.gather_nd(t, i), tensor, where + 2)


METHODS = ["add", "sub", "mul", "max", "min", "update"]


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("rows", [8, LARGE // 50])
@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_variable(method, rows, dtype):
    start, where, updates = numbers(dtype, rows, 70), places(rows, 3, 10), numbers(dtype, 3, 10, 70)
    eager, v = tf.Variable(start), tf.Variable(start)

    @tf.function
    def change(where, updates):
        old = tf.reduce_max(v[0])
        getattr(v, f"scatter_{method}")(tf.IndexedSlices(updates, where))
        return old

    for _ in range(2):
        old = v.value()
        kept = old.numpy()
        getattr(eager, f"scatter_{method}")(tf.IndexedSlices(updates, where))
        assert change(where, updates).numpy() == kept[0].max()
        np.testing.assert_array_equal(v, eager)
        np.testing.assert_array_equal(old, kept)  # who has read it keeps what was read
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
        change(where + 1 + rows // 2, updates)
    np.testing.assert_array_equal(v, eager)
    (write,) = plan_of(change, where, updates).writes
    assert (write.over is not None) == (v.shape.num_elements() >= LARGE)  # in place


def test_rows_of_a_variable_that_are_its_own():
    v = tf.Variable(numbers("float32", LARGE // 50, 70))
    start = v.numpy()
    function = tf.function(lambda where: v.scatter_add(tf.IndexedSlices(v[:3], where)).read_value())
    function(tf.constant([1, 0, 1]))
    wanted = start.copy()
    np.add.at(wanted, [1, 0, 1], start[:3])
    np.testing.assert_array_equal(v, wanted)


def test_a_variable_scattered_over_itself():
    """Its numbers are read as places after the value that takes its place has begun."""
    v = tf.Variable(np.arange(LARGE)[::-1].copy())
    tf.function(lambda: v.assign(tf.scatter_nd(v[:, None], tf.range(LARGE, dtype=tf.int64), [LARGE])))()
    np.testing.assert_array_equal(v, np.arange(LARGE)[::-1])


def test_counts():
    x = places(9, 40)
    check(lambda x: tf.math.bincount(x, minlength=12, maxlength=12), x)
    check(lambda x: tf.math.bincount(x, minlength=5, maxlength=5, dtype=tf.float32), x)
    check(lambda x: tf.math.bincount(x, weights=tf.cast(x, tf.float32) * 0.3, minlength=5, maxlength=5), x)
    for binary in (False, True):
        check(
            lambda x, binary=binary: tf.math.bincount(x, minlength=5, maxlength=5, axis=-1, binary_output=binary),
            tf.reshape(x, (4, 10)),
        )
    check_error(lambda x: tf.math.bincount(x, minlength=5, maxlength=5), x - 3)


def test_gradients_that_scatter():
    def slope(function):
        def gradient(x, *args):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(function(x, *args) ** 2)
            return tape.gradient(y, x)

        return gradient

    x = numbers("float64", 3, 5)
    check(slope(lambda x, i: tf.gather(x, i, axis=1, batch_dims=1)), x, places(5, 3, 4), rtol=1e-15)
    check(slope(lambda x, i: tf.gather(x, i, axis=1)), x, places(5, 4), rtol=1e-15)
    check(slope(lambda x, i: tf.gather_nd(x, i)), x, places(3, 6, 2), rtol=1e-15)
    check(slope(lambda x: tf.math.top_k(x, 3).values), x, rtol=1e-15)
    check(slope(lambda x, i: tf.math.unsorted_segment_max(x, i, 4)), x, tf.constant([1, -1, 1]), rtol=1e-15)
    check(slope(lambda x: tf.math.cumprod(x, -1)), x, rtol=1e-13)


# Along an axis.


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", [(1,), (2,), (1000,), (3, 4, 5), (2, 130, 3), (3, 300)])
def test_running_sums(shape, dtype):
    x = numbers(dtype, *shape)
    how = list(itertools.product(range(len(shape)), (False, True), (False, True)))
    check(lambda x: [(tf.cumsum(x, *each), tf.math.cumprod(x, *each)) for each in how], x)
    if dtype.startswith("float"):
        rounding = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-13, "atol": 1e-14}
        check(lambda x: [tf.math.cumulative_logsumexp(x, *each) for each in how], x, **rounding)


SPECIAL = tf.constant([[3, np.nan, 1, np.inf, -np.inf, np.nan, 2, -0.0, 0.0]], tf.float32)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_order(dtype):
    for shape in ((1,), (9,), (5, 30), (300, 40)):
        x = numbers(dtype, *shape)
        check(lambda x: [(tf.argsort(x, -1, d), tf.sort(x, -1, d)) for d in ("ASCENDING", "DESCENDING")], x)
        check(lambda x: [tuple(tf.math.top_k(x, k)) for k in (1, min(4, x.shape[-1]), x.shape[-1])], x)
        y, z = tf.sort(x), numbers(dtype, *shape)
        check(lambda x, y: [tf.searchsorted(x, y, side) for side in ("left", "right")], y, z)


def test_order_of_special_numbers():
    for k in (1, 3, 9):
        check(lambda x, k=k: tf.math.top_k(x, k).indices, SPECIAL)
    check(lambda x: tf.argsort(x), SPECIAL)
    check(lambda x, y: tf.searchsorted(x, y), tf.constant(np.sort(SPECIAL)), SPECIAL)
    check(lambda p, t: tf.math.in_top_k(t, p, 2), SPECIAL, tf.constant([0]))
    check(lambda p, t: tf.math.in_top_k(t, p, 2), numbers("float32", 20, 5), places(7, 20, least=-1))


def test_some_of_many_in_order():
    check(lambda x: tf.math.top_k(x, 3).indices, numbers("float32", 5, 2000))


def test_moves():
    x = numbers("float32", 3, 2, 5)
    for mode in ("REFLECT", "SYMMETRIC"):
        check(lambda x, mode=mode: tf.pad(x, [[1, 2], [0, 1], [3, 1]], mode), x)
    check(lambda x: tf.debugging.check_numerics(x, "x"), x)
    check_error(lambda x: tf.debugging.check_numerics(x, "x"), SPECIAL)
    for dtype in ("int8", "uint8", "int32", "uint64"):
        a, by = places(100, 20, dtype=dtype), places(70, 20, least=0 if dtype[0] == "u" else -2, dtype=dtype)
        check(lambda a, by: (tf.bitwise.left_shift(a, by), tf.bitwise.right_shift(a, by)), a, by)


# Matrices.


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("n", [1, 3, 32])
@pytest.mark.parametrize("lead", [(), (3,)])
def test_matrices(lead, n, dtype, tolerance):
    a = RANDOM.standard_normal((*lead, n, n)) + 2 * np.eye(n)
    s = tf.constant((a @ a.swapaxes(-1, -2) + n * np.eye(n)).astype(dtype))
    a, b = tf.constant(a.astype(dtype)), numbers(dtype, *lead, n, 2)
    size = float(abs(tf.linalg.inv(a).numpy()).max() * 10)
    rounding = {"rtol": tolerance, "atol": tolerance * size}
    check(tf.linalg.cholesky, s, rtol=tolerance, atol=tolerance)
    how = list(itertools.product((False, True), (False, True)))
    check(lambda s, b: [tf.linalg.triangular_solve(s, b, *each) for each in how], s, b, **rounding)
    check(lambda a, b: [(tf.linalg.solve(a, b, t), tf.linalg.inv(a, t)) for t in (False, True)], a, b, **rounding)
    check(lambda a: (tf.linalg.det(a), *tf.linalg.slogdet(a)), a, rtol=10 * tolerance * size, atol=tolerance * size)


def test_special_matrices():
    b = tf.constant([[1.0], [2.0]])
    for rows in ([[1, 2], [2, 4]], [[0, 0], [0, 0]], [[np.inf, 0], [0, 1]], [[1, np.nan], [2, 4]]):
        x = tf.constant(rows, tf.float32)
        check(tf.linalg.cholesky, x)
        check(lambda x: (tf.linalg.det(x), *tf.linalg.slogdet(x)), x)
    for rows in ([[1, 2], [2, 4]], [[0, 0], [0, 0]]):
        check_error(tf.linalg.inv, tf.constant(rows, tf.float32))
        check_error(lambda x: tf.linalg.solve(x, b), tf.constant(rows, tf.float32))
    check_error(tf.linalg.inv, tf.constant([[np.inf, 0], [0, 1]], tf.float32))
    swapped = tf.constant([[0.0, 1.0], [1.0, 0.0]])
    check(lambda x: (tf.linalg.inv(x), tf.linalg.det(x), tf.linalg.solve(x, b)), swapped)
    check(tf.linalg.cholesky, tf.eye(40), hosts=1)
