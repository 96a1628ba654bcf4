"""float16 and bfloat16 in compiled functions: NumPy's results to the bit, and in native code."""

import ml_dtypes
import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import run as compiler

HALVES = [tf.float16, tf.bfloat16]
ALL = np.arange(1 << 16, dtype=np.uint16)
NUMPY = {tf.float16: np.float16, tf.bfloat16: ml_dtypes.bfloat16}


def bits(x):
    """An array's bits; all that is not a number is one."""
    x = np.asarray(x)
    if x.dtype in (np.float16, ml_dtypes.bfloat16):
        return np.where(np.isnan(x.astype(np.float32)), 0x7FFF, x.view(np.uint16))
    return np.where(np.isnan(x), 1, x.view(f"u{x.itemsize}")) if x.dtype.kind == "f" else x


def same(function, *args, native=True):
    """Have a function compiled, and on NumPy, and the results compared to the bit."""
    compiled = tf.function(function)
    found = tf.nest.flatten(compiled(*args))
    text = str(compiled.get_concrete_function(*args))
    assert ("on NumPy" in text) != native, text
    before, compiler.native = compiler.native, False
    try:
        wanted = tf.nest.flatten(tf.function(function)(*args))
    finally:
        compiler.native = before
    for x, y in zip(found, wanted, strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape
        np.testing.assert_array_equal(bits(x.numpy()), bits(y.numpy()))
    return found


def every(dtype):
    return tf.constant(ALL.view(NUMPY[dtype]))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("to", [tf.float32, tf.float64, tf.bool, *HALVES])
def test_every_half_in_another_dtype(dtype, to):
    same(lambda x: tf.cast(x, to), every(dtype))


@pytest.mark.parametrize("dtype", HALVES)
def test_halves_as_integers(dtype):
    x = tf.constant([0.0, -0.0, 1.5, -1.5, 2.5, 100.0, -127.0], dtype)
    for to in (tf.int8, tf.int32, tf.int64):
        same(lambda x, to=to: tf.cast(x, to), x)


@pytest.mark.parametrize("dtype", HALVES)
def test_rounding_of_floats(dtype):
    """Around every half, and half-way between each and the next; doubles a little to either side of that."""
    with np.errstate(invalid="ignore"):
        near = ALL.view(NUMPY[dtype]).astype(np.float64)
    near = np.sort(near[np.isfinite(near)])
    middle = (near[1:] + near[:-1]) / 2
    special = np.array([np.inf, -np.inf, np.nan, 1e30, -1e300, 1e-320, 65519.9, 65520.0, 3.4e38, 3.39e38])
    wide = np.concatenate([near, middle, middle * (1 + 2e-16), middle * (1 - 2e-16), special])
    same(lambda x: tf.cast(x, dtype), tf.constant(wide))
    with np.errstate(over="ignore"):
        narrow = wide.astype(np.float32)
    more = np.concatenate([narrow, np.nextafter(narrow, np.float32(np.inf)), np.nextafter(narrow, np.float32(0))])
    same(lambda x: tf.cast(x, dtype), tf.constant(more))
    for kind in (np.int32, np.int64, np.uint8, np.uint32):
        whole = np.array([0, 1, 3, 2049, 2051, 4099, 65519, 65520, 70000, 2**24 + 2**16 + 1, 257 * 2**20 + 1])
        with np.errstate(all="ignore"):
            same(lambda x: tf.cast(x, dtype), tf.constant(whole.astype(kind)))
    same(lambda x: tf.cast(x, dtype), tf.constant([True, False]))


BINARY = {
    "add": tf.add, "subtract": tf.subtract, "multiply": tf.multiply, "divide": tf.divide, "maximum": tf.maximum,
    "minimum": tf.minimum, "squared_difference": tf.math.squared_difference, "less": tf.less, "equal": tf.equal,
    "greater_equal": tf.greater_equal, "not_equal": tf.not_equal, "divide_no_nan": tf.math.divide_no_nan,
    "where": lambda x, y: tf.where(x < y, x, y), "chain": lambda x, y: (x * y + x) * y - x,
}  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", BINARY)
def test_of_two(name, dtype):
    rng = np.random.default_rng(0)
    any_two = rng.integers(0, 1 << 16, (2, 20_000), np.uint16).view(NUMPY[dtype])
    close = rng.normal(size=(2, 20_000)).astype(NUMPY[dtype])
    for x, y in (any_two, close):
        same(BINARY[name], tf.constant(x), tf.constant(y))


UNARY = {
    "negative": tf.negative, "abs": tf.abs, "sqrt": tf.sqrt, "square": tf.square, "sign": tf.sign, "relu": tf.nn.relu,
    "relu6": tf.nn.relu6, "floor": tf.floor, "round": tf.round, "is_nan": tf.math.is_nan, "is_inf": tf.math.is_inf,
    "is_finite": tf.math.is_finite, "reciprocal": tf.math.reciprocal, "identity": tf.identity, "constants":
    lambda x: (x * 3.0 + 1.0) / 7.0, "leaky": lambda x: tf.nn.leaky_relu(x, 0.3), "bits":
    lambda x: tf.bitcast(x, tf.int16), "numbers": tf.ones_like,
}  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", UNARY)
def test_of_every_half(name, dtype):
    same(UNARY[name], every(dtype))


CLOSE = {
    "exp": tf.exp, "log": tf.math.log, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "sin": tf.sin, "rsqrt": tf.math.rsqrt,
    "softplus": tf.math.softplus, "softsign": tf.nn.softsign, "gelu": tf.nn.gelu, "softmax": tf.nn.softmax,
    "log_softmax": tf.nn.log_softmax, "sum": tf.reduce_sum, "mean": lambda x: tf.reduce_mean(x, 0),
    "max": tf.reduce_max, "matmul": lambda x: tf.matmul(x, x, transpose_b=True), "l2": tf.nn.l2_loss, "norm": tf.norm,
    "std": tf.math.reduce_std, "bias": lambda x: tf.nn.bias_add(x, x[0]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", CLOSE)
def test_of_what_is_rounded_more_than_once_elsewhere(name, dtype):
    x = tf.constant(np.random.default_rng(1).uniform(0.1, 2.0, (30, 17)).astype(NUMPY[dtype]))
    compiled = tf.function(CLOSE[name])
    found = compiled(x)
    assert "on NumPy" not in str(compiled.get_concrete_function(x))
    exact = CLOSE[name](tf.cast(x, tf.float64)).numpy()
    eps = float(ml_dtypes.finfo(NUMPY[dtype]).eps)
    wanted = np.abs(exact - CLOSE[name](x).numpy().astype(np.float64))  # how far NumPy's is off
    off = np.abs(exact - found.numpy().astype(np.float64))
    assert np.all(off <= np.maximum(wanted, eps * np.maximum(np.abs(exact), 0.1))), off.max()
    assert found.dtype == dtype


MOVES = {
    "slices": lambda x: x[1:, ::2], "pad": lambda x: tf.pad(x, [[1, 0], [0, 2]]), "turn": lambda x: tf.transpose(x),
    "concat": lambda x: tf.concat([x, x[:1]], 0), "stack": lambda x: tf.stack([x, x]), "reverse":
    lambda x: tf.reverse(x, [1]), "gather": lambda x: tf.gather(x, [2, 0]), "roll": lambda x: tf.roll(x, 1, 0),
    "band": lambda x: tf.linalg.band_part(x, 0, -1), "tile": lambda x: tf.tile(x, [2, 1]), "split":
    lambda x: tf.split(x, 2, 1), "full": lambda x: tf.fill([3], x[0, 0]) + tf.cast(0.1, x.dtype), "one_hot":
    lambda x: tf.one_hot([1, 0], 3, dtype=x.dtype), "argmax": lambda x: tf.argmax(x, 1),
}  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", MOVES)
def test_moves(name, dtype):
    x = tf.constant(np.random.default_rng(2).normal(size=(4, 6)).astype(NUMPY[dtype]))
    same(MOVES[name], x)


@pytest.mark.parametrize("dtype", HALVES)
def test_scalars_and_variables(dtype):
    v, w = tf.Variable(tf.cast(1.1, dtype)), tf.Variable(tf.ones([5], dtype))

    @tf.function
    def step(x):
        v.assign_add(x)
        w.assign_sub(w * v)
        return v * x, w.read_value()

    x = tf.constant(0.3, dtype)
    one, other = NUMPY[dtype](1.1), np.ones(5, NUMPY[dtype])
    for _ in range(3):
        a, b = step(x)
        one = NUMPY[dtype](one + x.numpy())
        other = other - other * one
        assert a.numpy() == NUMPY[dtype](one * x.numpy()) and a.dtype == dtype
        np.testing.assert_array_equal(b.numpy(), other)
        np.testing.assert_array_equal(w.numpy(), other)
        assert v.numpy() == one and v.numpy().dtype == NUMPY[dtype]
    assert "0 NumPy kernels" in str(step.get_concrete_function(x))


@pytest.mark.parametrize("dtype", HALVES)
def test_in_loops_and_branches(dtype):
    def run(x, n):
        total = tf.zeros_like(x)
        i = tf.constant(0)
        while i < n:
            if i % 2 == 0:
                total += x
            else:
                total = total * x - x
            i += 1
        return total

    for x in (tf.constant(0.7, dtype), tf.constant([0.1, 0.7, -3.0], dtype)):
        same(run, x, tf.constant(7))


@pytest.mark.parametrize("dtype", HALVES)
def test_a_mixed_precision_step(dtype):
    def step(w, x, y):
        with tf.GradientTape() as tape:
            tape.watch(w)
            h = tf.nn.relu(tf.cast(x, dtype) @ tf.cast(w, dtype))
            loss = tf.reduce_mean(tf.square(tf.cast(h, tf.float32) - y))
            scaled = loss * 128.0
        g = tape.gradient(scaled, w) / 128.0
        return loss, tf.where(tf.reduce_all(tf.math.is_finite(g)), w - 0.1 * g, w)

    rng = np.random.default_rng(3)
    args = [tf.constant(rng.normal(size=shape).astype(np.float32)) for shape in ((8, 3), (20, 8), (20, 3))]
    compiled = tf.function(step)
    found = compiled(*args)
    assert "0 NumPy kernels" in str(compiled.get_concrete_function(*args))
    for a, b in zip(found, step(*args)):
        np.testing.assert_allclose(a, b, rtol=0, atol=float(ml_dtypes.finfo(NUMPY[dtype]).eps))
