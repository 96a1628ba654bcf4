"""Random programs, as data: what `test_programs.py` runs eager and compiled.

A program is a list of steps (an operation's name and three numbers); a number picks an operand, an axis, a size, modulo
what there is, so that every list is a program, and what is left of one when steps are dropped is one too.

Each value carries a bound of its elements and a bound of how far rounding may take two ways of computing it apart. A
value that no rounding can change (moves; integers; + - * / and sqrt, which are correctly rounded) has an error of 0 and
has to agree to the bit; only such values decide between branches or meet a kink whose derivative jumps, save small ones
at a number of no significance.
"""

import math
from typing import NamedTuple

import numpy as np

import tapeflow as tf

LARGE = 100_000  # elements, at most
F32, F64, I32, BOOL = "float32", "float64", "int32", "bool"
EPS = {F32: 2.0**-23, F64: 2.0**-52}


class Value(NamedTuple):
    """A tensor, a bound of its elements, and of the distance between two ways of computing it."""

    tensor: object
    bound: float
    error: float

    @property
    def shape(self):
        return tuple(self.tensor.shape)

    @property
    def dtype(self):
        return self.tensor.dtype.name


class Program(NamedTuple):
    """`inputs` and `variables`: (shape, dtype); `steps`: (operation, three numbers); `kept`: which values to return."""

    inputs: tuple
    variables: tuple
    steps: tuple
    kept: tuple
    seed: int = 0


def numbers(rng, shape, dtype):
    """An array of a type, within the bounds that a program counts on."""
    if dtype == BOOL:
        return rng.random(shape) < 0.5
    if dtype == I32:
        return rng.integers(-5, 6, shape).astype(np.int32)
    return rng.uniform(-2, 2, shape).astype(dtype)


class Run:
    """One execution of a program's steps: the values so far, and where the variables stand."""

    def __init__(self, inputs, variables):
        self.values = [Value(x, 2.0, 0.0) for x in inputs]
        self.variables = variables
        self.state = [(2.0, 0.0) for _ in variables]
        self.sources = list(inputs)

    def push(self, tensor, bound=1.0, error=0.0):
        """Keep a value; one that is large is made smaller, and one that is huge is left out."""
        if math.prod(tensor.shape) > LARGE:
            return
        if tensor.dtype.is_floating and bound > 8:
            small = 2.0 ** -math.ceil(math.log2(bound))
            tensor, bound, error = tensor * small, bound * small, error * small
        self.values.append(Value(tensor, bound, error))

    def pick(self, number, kind, exact=False, rank=0, smooth=True):
        """A value of a kind ("f", "i", "b" or "*"), made up where there is none."""
        found = [v for v in self.values if _is(v, kind) and not (exact and v.error) and len(v.shape) >= rank]
        if found:
            return found[-1 - number % len(found)]
        value = self.values[-1 - number % len(self.values)]
        if kind == "f" and not exact and value.tensor.dtype.is_floating:
            return Value(tf.reshape(value.tensor, (1,) * (rank - len(value.shape)) + value.shape), *value[1:])
        shape = (2, 3, 2)[:rank] if rank else (3,)
        array = np.arange(math.prod(shape)).reshape(shape) / 4 - 1
        array = array.astype(np.float32 if kind in "f*" else np.int32) if kind != "b" else array > 0
        return Value(tf.constant(array), 2.0, 0.0)

    def partner(self, number, value, exact=False):
        """A value of the dtype of another that broadcasts with it."""
        kind = value.dtype[0]
        found = []
        for other in self.values:
            if other.dtype == value.dtype and not (exact and other.error):
                try:
                    if math.prod(np.broadcast_shapes(value.shape, other.shape)) <= LARGE:
                        found.append(other)
                except ValueError:
                    continue
        return found[-1 - number % len(found)] if found else value if kind else None

    def again(self, number, value):
        """A value of the shape and dtype of another."""
        found = [v for v in self.values if v.shape == value.shape and v.dtype == value.dtype]
        return found[-1 - number % len(found)] if found else value


def _is(value, kind):
    return kind == "*" or value.tensor.dtype.is_floating and kind == "f" or value.dtype[0] == kind


def eps(value):
    return EPS[value.dtype]


# The operations: functions of a run and three numbers. A table of those that are alike, then the others.

OPERATIONS = {}


def operation(function):
    OPERATIONS[function.__name__] = function
    return function


# name: (the function, the bound of its result given the operand's, its steepness). Some ulp of rounding each.
SMOOTH = {
    "tanh": (tf.tanh, lambda b: 1, lambda b: 1),
    "sigmoid": (tf.sigmoid, lambda b: 1, lambda b: 1),
    "sin": (tf.sin, lambda b: 1, lambda b: 1),
    "cos": (tf.cos, lambda b: 1, lambda b: 1),
    "tan": (lambda x: tf.tan(x / 8), lambda b: 2, lambda b: 1),
    "erf": (tf.math.erf, lambda b: 1, lambda b: 2),
    "erfc": (tf.math.erfc, lambda b: 2, lambda b: 2),
    "atan": (tf.atan, lambda b: 2, lambda b: 1),
    "asinh": (tf.asinh, lambda b: b, lambda b: 1),
    "sinh": (lambda x: tf.sinh(x / 8), lambda b: 2, lambda b: 1),
    "cosh": (lambda x: tf.cosh(x / 8), lambda b: 2, lambda b: 1),
    "exp": (lambda x: tf.exp(x / 8), lambda b: 3, lambda b: 1),
    "expm1": (lambda x: tf.math.expm1(x / 8), lambda b: 2, lambda b: 1),
    "log": (lambda x: tf.math.log(x * x + 1.0), lambda b: 5, lambda b: 1),
    "log1p": (lambda x: tf.math.log1p(tf.square(x)), lambda b: 5, lambda b: 1),
    "softplus": (tf.nn.softplus, lambda b: b + 1, lambda b: 1),
    "log_sigmoid": (tf.math.log_sigmoid, lambda b: b + 1, lambda b: 1),
    "rsqrt": (lambda x: tf.math.rsqrt(x * x + 1.0), lambda b: 1, lambda b: 1),
    "softsign": (tf.nn.softsign, lambda b: 1, lambda b: 1),
    "power": (lambda x: tf.pow(x * x + 1.0, 0.75), lambda b: (b * b + 1) ** 0.75, lambda b: 2 * b + 1),
    "gelu": (tf.nn.gelu, lambda b: b, lambda b: 2),
    "swish": (tf.nn.silu, lambda b: b, lambda b: 2),
}
# Correctly rounded ones.
ROUNDED = {
    "negative": (lambda x: -x, lambda b: b, lambda b: 1),
    "square": (tf.square, lambda b: b * b, lambda b: 2 * b),
    "cube": (lambda x: x * x * x, lambda b: b**3, lambda b: 3 * b * b),
    "sqrt": (lambda x: tf.sqrt(x * x + 1.0), lambda b: b + 1, lambda b: 1),
    "reciprocal": (lambda x: 1.0 / (x * x + 1.0), lambda b: 1, lambda b: 1),
    "halve": (lambda x: x / 2.0, lambda b: b / 2, lambda b: 1),
    "shift": (lambda x: x + 0.625, lambda b: b + 1, lambda b: 1),
    "identity": (tf.identity, lambda b: b, lambda b: 1),
    "stop": (tf.stop_gradient, lambda b: b, lambda b: 1),
}
# Their derivatives jump. The number is of no significance, so that no structure puts many elements there.
KINKS = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "abs": tf.abs,
    "leaky_relu": tf.nn.leaky_relu,
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
    "clip": lambda x: tf.clip_by_value(x, -0.75, 1.25),
}
JUMPS = {"sign": tf.sign, "floor": tf.floor, "round": tf.round, "ceil": tf.math.ceil}


def _smooth(function, bound, steep, own):
    def step(run, i, j, k):
        x = run.pick(i, "f")
        high = bound(x.bound)
        error = steep(x.bound) * x.error + (own * eps(x) * max(high, 1) if own or x.error else 0)
        run.push(function(x.tensor), high, error)

    return step


def _kink(function):
    def step(run, i, j, k):
        x = run.pick(i, "f")
        if x.error and math.prod(x.shape) > 2000:
            x = run.pick(i, "f", exact=True)
        shifted = x.tensor + 0.3719 if x.error else x.tensor
        out = function(shifted)
        inexact = function in (tf.nn.elu, tf.nn.selu)
        run.push(out, 2 * x.bound + 1, 2 * x.error + (8 * eps(x) * (x.bound + 1) if inexact or x.error else 0))

    return step


def _jump(function):
    def step(run, i, j, k):
        x = run.pick(i, "f", exact=True)
        run.push(function(x.tensor), x.bound + 1)

    return step


OPERATIONS.update({name: _smooth(*about, 16) for name, about in SMOOTH.items()})
OPERATIONS.update({name: _smooth(*about, 0) for name, about in ROUNDED.items()})
OPERATIONS.update({name: _kink(function) for name, function in KINKS.items()})
OPERATIONS.update({name: _jump(function) for name, function in JUMPS.items()})


# Of two floats. name: (function, bound, its error by those of the operands)
PAIRS = {
    "add": (lambda x, y: x + y, lambda a, b: a + b, lambda a, b, e, f: e + f),
    "subtract": (lambda x, y: x - y, lambda a, b: a + b, lambda a, b, e, f: e + f),
    "multiply": (lambda x, y: x * y, lambda a, b: a * b, lambda a, b, e, f: a * f + b * e),
    "divide": (lambda x, y: x / (y * y + 1.0), lambda a, b: a, lambda a, b, e, f: e + a * f),
    "squared_difference": (
        tf.math.squared_difference, lambda a, b: (a + b) ** 2, lambda a, b, e, f: 2 * (a + b) * (e + f),
    ),
    "divide_no_nan": (lambda x, y: tf.math.divide_no_nan(x, y * y + 1.0), lambda a, b: a, lambda a, b, e, f: e + a * f),
}  # fmt: skip
INTEGERS = {
    "add_i": lambda x, y: x + y,
    "subtract_i": lambda x, y: x - y,
    "multiply_i": lambda x, y: x * y,
    "maximum_i": tf.maximum,
    "minimum_i": tf.minimum,
    "floordiv_i": lambda x, y: x // (tf.abs(y % 7) + 1),
    "mod_i": lambda x, y: x % (tf.abs(y % 5) + 1),
    "and_i": tf.bitwise.bitwise_and,
    "xor_i": tf.bitwise.bitwise_xor,
}
COMPARISONS = [tf.less, tf.less_equal, tf.greater, tf.greater_equal, tf.equal, tf.not_equal]
LOGICAL = [tf.logical_and, tf.logical_or, tf.math.logical_xor, lambda x, y: tf.logical_not(x)]


def _pair(function, bound, error):
    def step(run, i, j, k):
        x = run.pick(i, "f")
        y = run.partner(j, x)
        if k % 2:
            x, y = y, x
        high = bound(x.bound, y.bound)
        wrong = error(x.bound, y.bound, x.error, y.error)
        run.push(function(x.tensor, y.tensor), high, wrong + (4 * eps(x) * high if wrong else 0))

    return step


def _integers(function):
    def step(run, i, j, k):
        x = run.pick(i, "i")
        run.push(function(x.tensor, run.partner(j, x).tensor))

    return step


OPERATIONS.update({name: _pair(*about) for name, about in PAIRS.items()})
OPERATIONS.update({name: _integers(function) for name, function in INTEGERS.items()})


@operation
def extremum(run, i, j, k):
    x = run.pick(i, "f", exact=True)
    y = run.partner(j, x, exact=True)
    run.push((tf.maximum, tf.minimum)[k % 2](x.tensor, y.tensor), max(x.bound, y.bound))


@operation
def atan2(run, i, j, k):
    x = run.pick(i, "f")
    y = run.partner(j, x)
    out = tf.math.atan2(x.tensor, y.tensor * y.tensor + 1.0)
    run.push(out, 2, x.error + y.error * (x.bound + 1) + 16 * eps(x))


@operation
def compare(run, i, j, k):
    x = run.pick(i, "fi"[k % 2], exact=True)
    y = run.partner(j, x, exact=True)
    run.push(COMPARISONS[k // 2 % 6](x.tensor, y.tensor))


@operation
def logical(run, i, j, k):
    x = run.pick(i, "b")
    run.push(LOGICAL[k % 4](x.tensor, run.partner(j, x).tensor))


@operation
def where(run, i, j, k):
    condition = run.pick(i, "b")
    x = run.partner(j, run.pick(k, "*"))
    y = run.partner(k, x)
    try:
        shape = np.broadcast_shapes(condition.shape, x.shape, y.shape)
    except ValueError:
        condition = Value(tf.reduce_any(condition.tensor), 1.0, 0.0)
        shape = np.broadcast_shapes(x.shape, y.shape)
    if math.prod(shape) <= LARGE:
        run.push(tf.where(condition.tensor, x.tensor, y.tensor), max(x.bound, y.bound), max(x.error, y.error))


@operation
def cast(run, i, j, k):
    x = run.pick(i, "*")
    dtype = (F32, F64, I32, BOOL)[j % 4]
    if x.error and dtype in (I32, BOOL):
        dtype = (F32, F64)[j // 4 % 2]
    if x.dtype == I32 and dtype in EPS:
        x = Value(x.tensor % 7, 7.0, 0.0)
    bound = 1.0 if x.dtype == BOOL else x.bound
    wrong = x.error + (eps(x) * bound if x.error else 0)
    wrong += EPS[F32] * bound if x.error and dtype == F32 else 0
    run.push(tf.cast(x.tensor, dtype), bound, wrong)


# Moves.


def _axis(value, number):
    return number % len(value.shape)


def _shapes_of(size):
    """Some shapes of a number of elements."""
    found = [(size,), (1, size), (size, 1)]
    for n in range(2, 8):
        if size % n == 0:
            found += [(n, size // n), (size // n, n)]
            found += [(n, m, size // n // m) for m in (2, 3) if size // n % m == 0]
    return found


@operation
def reshape(run, i, j, k):
    x = run.pick(i, "*")
    shapes = _shapes_of(math.prod(x.shape))
    run.push(tf.reshape(x.tensor, shapes[j % len(shapes)]), *x[1:])


@operation
def transpose(run, i, j, k):
    x = run.pick(i, "*", rank=2)
    axes = list(range(len(x.shape)))
    perm = []
    for number in (j, k, 0):
        if axes:
            perm.append(axes.pop(number % len(axes)))
    run.push(tf.transpose(x.tensor, perm), *x[1:])


@operation
def cut(run, i, j, k):
    """A slice, forward or backward, with steps, an index or a new axis."""
    x = run.pick(i, "*", rank=1)
    n = x.shape[0]
    start = j % n
    step = (1, 2, -1, -2, 3, -3)[k % 6]
    index = [slice(start, None, step)]
    if len(x.shape) > 1:
        m = x.shape[1]
        more = (slice(None), slice(None, None, -1), k % m, slice(j % m, None), tf.newaxis)
        index.append(more[k // 6 % (7 - len(x.shape))])  # a fourth axis is one too many
    run.push(x.tensor[tuple(index)], *x[1:])


@operation
def element(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    run.push(x.tensor[(j % x.shape[0]) - (x.shape[0] if k % 2 else 0)], *x[1:])


@operation
def concat(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    axis = _axis(x, k)
    fits = [
        v for v in run.values
        if v.dtype == x.dtype and len(v.shape) == len(x.shape)
        and all(a == axis or m == n for a, (m, n) in enumerate(zip(v.shape, x.shape)))
    ] or [x]  # fmt: skip
    parts = [x, fits[j % len(fits)], fits[k % len(fits)]][: 2 + j % 2]
    run.push(tf.concat([v.tensor for v in parts], axis), max(v.bound for v in parts), max(v.error for v in parts))


@operation
def stack(run, i, j, k):
    x = run.pick(i, "*")
    if len(x.shape) < 3:
        y = run.again(j, x)
        out = tf.stack([x.tensor, y.tensor, x.tensor][: 2 + k % 2], axis=k % (len(x.shape) + 1))
        run.push(out, max(x.bound, y.bound), max(x.error, y.error))


@operation
def split(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    axis = _axis(x, j)
    n = x.shape[axis]
    first = k % n
    sizes = [first, n - first] if first else [n]
    parts = tf.split(x.tensor, sizes, axis)
    run.push(parts[-1], *x[1:])
    run.push(parts[0], *x[1:])


@operation
def unstack(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    axis = _axis(x, j)
    if x.shape[axis] <= 7:
        parts = tf.unstack(x.tensor, axis=axis)
        run.push(parts[k % len(parts)], *x[1:])
        run.push(parts[0], *x[1:])


@operation
def pad(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    if x.dtype != BOOL:
        widths = [[j % 3, k % 2]] + [[k % 3, j % 2]] * (len(x.shape) - 1)
        run.push(tf.pad(x.tensor, widths, constant_values=0), *x[1:])


@operation
def reverse(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    run.push(tf.reverse(x.tensor, sorted({_axis(x, j), _axis(x, k)})), *x[1:])


@operation
def roll(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    run.push(tf.roll(x.tensor, j % 5 - 2, _axis(x, k)), *x[1:])


@operation
def tile(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    times = [1 + j % 2] + [1 + k % 2] * (len(x.shape) - 1)
    if math.prod(x.shape) * math.prod(times) <= LARGE:
        run.push(tf.tile(x.tensor, times), *x[1:])


@operation
def broadcast_to(run, i, j, k):
    x = run.pick(i, "*")
    shape = tuple([2 + j % 3 if n == 1 else n for n in x.shape])
    if len(shape) < 3:
        shape = (1 + k % 3, *shape)
    if math.prod(shape) <= LARGE:
        run.push(tf.broadcast_to(x.tensor, shape), *x[1:])


@operation
def expand(run, i, j, k):
    x = run.pick(i, "*")
    if len(x.shape) < 3:
        run.push(tf.expand_dims(x.tensor, j % (len(x.shape) + 1)), *x[1:])


@operation
def squeeze(run, i, j, k):
    x = run.pick(i, "*")
    run.push(tf.squeeze(x.tensor), *x[1:])


@operation
def gather(run, i, j, k):
    x = run.pick(i, "*", rank=1)
    places = run.pick(j, "i")
    axis = _axis(x, k)
    rest = math.prod(x.shape) // x.shape[axis]
    if len(places.shape) + len(x.shape) <= 4 and math.prod(places.shape) * rest <= LARGE:
        run.push(tf.gather(x.tensor, places.tensor % x.shape[axis], axis=axis), *x[1:])


@operation
def one_hot(run, i, j, k):
    x = run.pick(i, "i")
    if len(x.shape) < 3 and math.prod(x.shape) < LARGE // 8:
        run.push(tf.one_hot(x.tensor, 2 + j % 6, dtype=(tf.float32, tf.float64, tf.int32)[k % 3]))


@operation
def ones_or_zeros(run, i, j, k):
    x = run.pick(i, "*")
    run.push((tf.ones_like, tf.zeros_like)[j % 2](x.tensor))


# Reductions.


def _axes(value, j, k):
    """Axes of a reduction: one, several, or all."""
    rank = len(value.shape)
    if not rank or j % 4 == 0:
        return None
    return sorted({j % rank, k % rank}) if j % 4 == 1 else j % rank


def _width(value, axes):
    if axes is None:
        return math.prod(value.shape)
    return math.prod([value.shape[a] for a in ([axes] if isinstance(axes, int) else axes)])


@operation
def total(run, i, j, k):
    x = run.pick(i, "f")
    axes = _axes(x, j, k)
    n = _width(x, axes)
    mean = j // 4 % 2
    out = (tf.reduce_sum, tf.reduce_mean)[mean](x.tensor, axes, keepdims=bool(k % 2))
    # NumPy's sum over an outer axis, one row after the other, loses up to n ulp
    error = n * (x.error + eps(x) * x.bound * (2 + min(n, 4 * math.sqrt(n))))
    run.push(out, x.bound if mean else n * x.bound, error / n if mean else error)


@operation
def total_i(run, i, j, k):
    x = run.pick(i, "i")
    function = (tf.reduce_sum, tf.reduce_max, tf.reduce_min, tf.reduce_prod)[j // 4 % 4]
    run.push(function(x.tensor, _axes(x, j, k), keepdims=bool(k % 2)))


@operation
def total_b(run, i, j, k):
    x = run.pick(i, "b")
    run.push((tf.reduce_any, tf.reduce_all)[j // 4 % 2](x.tensor, _axes(x, j, k), keepdims=bool(k % 2)))


@operation
def greatest(run, i, j, k):
    x = run.pick(i, "f", exact=True)
    function = (tf.reduce_max, tf.reduce_min)[j // 4 % 2]
    run.push(function(x.tensor, _axes(x, j, k), keepdims=bool(k % 2)), x.bound)


@operation
def product(run, i, j, k):
    x = run.pick(i, "f")
    axes = _axes(x, j, k)
    n = _width(x, axes)
    if n <= 70:
        out = tf.reduce_prod(x.tensor * 0.125 / max(1.0, x.bound / 8) + 1.0 / 64, axes, keepdims=bool(k % 2))
        run.push(out, 1.02**n, 1.02**n * n * (x.error + 4 * eps(x)))


@operation
def argmax(run, i, j, k):
    x = run.pick(i, "f", exact=True, rank=1)
    run.push(tf.argmax(x.tensor, _axis(x, j), output_type=tf.int32))


@operation
def cumulative(run, i, j, k):
    x = run.pick(i, "f", rank=1)
    axis = _axis(x, j)
    n = x.shape[axis]
    out = tf.cumsum(x.tensor, axis, exclusive=bool(k % 2), reverse=bool(k // 2 % 2))
    run.push(out, n * x.bound, n * (x.error + 2 * n * eps(x) * x.bound))


@operation
def norm(run, i, j, k):
    x = run.pick(i, "f")
    axes = _axes(x, j, k)
    n = _width(x, axes)
    out = tf.sqrt(tf.reduce_sum(tf.square(x.tensor), axes, keepdims=bool(k % 2)) + 1.0)
    run.push(out, math.sqrt(n) * x.bound + 1, n * x.bound * (2 * x.error + n * eps(x) * x.bound))


@operation
def normalized(run, i, j, k):
    """A layer normalisation: reductions, and what they are broadcast back to."""
    x = run.pick(i, "f", rank=1)
    n = x.shape[-1]
    middle = tf.reduce_mean(x.tensor, -1, keepdims=True)
    spread = tf.reduce_mean(tf.math.squared_difference(x.tensor, middle), -1, keepdims=True)
    out = (x.tensor - middle) * tf.math.rsqrt(spread + 0.25)
    run.push(out, 4 * x.bound, 8 * (1 + x.bound) ** 3 * (x.error + 8 * n * eps(x)))


# Matrix products, softmaxes and losses.


@operation
def matmul(run, i, j, k):
    x = run.pick(i, "f", rank=2)
    found = []
    for other in run.values:
        for a in (False, True):
            for b in (False, True):
                rows = x.shape[-1 - (not a)]
                inner = x.shape[-2] if a else x.shape[-1]
                if other.dtype != x.dtype or len(other.shape) < 2:
                    continue
                columns = other.shape[-2] if b else other.shape[-1]
                if inner != (other.shape[-1] if b else other.shape[-2]) or inner > 600:
                    continue
                try:
                    lead = np.broadcast_shapes(x.shape[:-2], other.shape[:-2])
                except ValueError:
                    continue
                if math.prod(lead) * rows * columns * inner <= 4_000_000:
                    found.append((other, a, b, inner))
    if found:
        y, a, b, n = found[-1 - j % len(found)]
        out = tf.matmul(x.tensor, y.tensor, transpose_a=a, transpose_b=b)
        error = n * (x.bound * y.error + y.bound * x.error + (n + 2) * eps(x) * x.bound * y.bound)
        run.push(out, n * x.bound * y.bound, error)


@operation
def dense(run, i, j, k):
    """A layer: a product, a bias, an activation."""
    x = run.pick(i, "f", rank=2)
    n, units = x.shape[-1], 1 + j % 17
    if n <= 600 and math.prod(x.shape[:-1]) * units <= LARGE:
        rng = np.random.default_rng(k)
        kernel = tf.constant(rng.uniform(-1, 1, (n, units)).astype(x.dtype))
        bias = tf.constant(rng.uniform(-1, 1, units).astype(x.dtype))
        out = tf.nn.bias_add(tf.matmul(x.tensor, kernel), bias)
        scale = 1.0 / (1 + n)
        error = n * (x.error + (n + 2) * eps(x) * x.bound)
        run.push(tf.tanh(out * scale), 1, scale * error + 16 * eps(x))


@operation
def softmax(run, i, j, k):
    x = run.pick(i, "f", rank=1)
    out = (tf.nn.softmax, tf.nn.log_softmax)[j % 2](x.tensor, axis=-1 if k % 3 else _axis(x, k))
    n = max(x.shape)
    high = 1 if j % 2 == 0 else 2 * x.bound + math.log(n) + 1
    run.push(out, high, 4 * x.error + (n + 32) * eps(x) * high)


@operation
def logsumexp(run, i, j, k):
    x = run.pick(i, "f")
    n = math.prod(x.shape)
    out = tf.reduce_logsumexp(x.tensor, _axes(x, j, k), keepdims=bool(k % 2))
    run.push(out, x.bound + math.log(n) + 1, 2 * x.error + (n + 32) * eps(x) * (x.bound + math.log(n) + 1))


@operation
def loss(run, i, j, k):
    x = run.pick(i, "f", rank=1)
    n = x.shape[-1]
    high = 2 * x.bound + math.log(n) + 1
    error = 4 * x.error + (n + 32) * eps(x) * high
    if j % 3 == 0:
        labels = run.pick(k, "i")
        labels = tf.reshape(labels.tensor, [-1])[0] % n + tf.zeros(x.shape[:-1], tf.int32)
        labels = (labels + tf.reshape(tf.range(math.prod(x.shape[:-1])), x.shape[:-1])) % n
        out = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, x.tensor)
    elif j % 3 == 1:
        labels = run.again(k, x)
        out = tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(labels.tensor), x.tensor)
        error += 4 * high * labels.error + error + high * (n + 32) * eps(x) * n
    else:
        labels = run.again(k, x)
        out = tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(labels.tensor), x.tensor)
        error += high * (labels.error + 32 * eps(x))
    run.push(out, high * 2, error)


@operation
def einsum(run, i, j, k):
    x = run.pick(i, "f", rank=2)
    n = max(x.shape)
    if len(x.shape) == 2 and n <= 300:
        out = tf.einsum(("ij,kj->ik", "ij,ik->jk", "ij,ij->i", "ij->ji")[j % 4], *[x.tensor] * (2 if j % 4 < 3 else 1))
        error = n * (2 * x.bound * x.error + (n + 2) * eps(x) * x.bound**2)
        run.push(out, n * max(x.bound**2, x.bound), max(error, x.error))


# Variables.


def _read(run, number):
    variable, state = run.variables[number], run.state[number]
    return Value(variable.read_value(), *state)


@operation
def read(run, i, j, k):
    if run.variables:
        number = i % len(run.variables)
        variable = run.variables[number]
        tensor = (variable.read_value, variable.value, lambda: tf.convert_to_tensor(variable))[j % 3]()
        run.push(tensor, *run.state[number])


def _for_variable(run, number, j):
    """A value that a variable can take."""
    variable = run.variables[number]
    like = Value(variable, *run.state[number])
    found = [v for v in run.values if v.shape == tuple(variable.shape) and v.dtype == variable.dtype.name]
    if found:
        return found[-1 - j % len(found)]
    old = _read(run, number)
    if old.dtype == I32:
        return Value(old.tensor + 1, 1.0, 0.0)
    return Value(tf.constant(0.5, old.tensor.dtype) - old.tensor, like.bound + 1, like.error * 2)


@operation
def assign(run, i, j, k):
    if run.variables:
        number = i % len(run.variables)
        value = _for_variable(run, number, j)
        run.variables[number].assign(value.tensor)
        run.state[number] = value[1:]


@operation
def update(run, i, j, k):
    if run.variables:
        number = i % len(run.variables)
        variable, (bound, error) = run.variables[number], run.state[number]
        value = _for_variable(run, number, j)
        if variable.dtype.is_floating and bound + value.bound > 64:
            return
        result = (variable.assign_add, variable.assign_sub)[k % 2](value.tensor)
        wrong = error + value.error
        if wrong:
            wrong += 4 * EPS[variable.dtype.name] * (bound + value.bound)
        run.state[number] = (bound + value.bound, wrong)
        if k % 3 == 0:
            run.push(tf.convert_to_tensor(result), *run.state[number])


@operation
def swap(run, i, j, k):
    if len(run.variables) > 1:
        a, b = i % len(run.variables), j % len(run.variables)
        va, vb = run.variables[a], run.variables[b]
        if va.shape == vb.shape and va.dtype == vb.dtype and a != b:
            x, y = _read(run, a), _read(run, b)
            va.assign(y.tensor)
            vb.assign(x.tensor)
            run.state[a], run.state[b] = y[1:], x[1:]


@operation
def old_value(run, i, j, k):
    """A read before an update, used after it."""
    if run.variables:
        number = i % len(run.variables)
        old = _read(run, number)
        update(run, i, j, 1)
        run.push(old.tensor, old.bound, old.error)


# Control flow.


@operation
def branch(run, i, j, k):
    test = tf.reduce_any(run.pick(i, "b").tensor)
    x = run.pick(j, "f")
    y = run.partner(k, x)
    if k % 2:
        out = tf.cond(test, lambda: tf.sin(x.tensor) * y.tensor, lambda: x.tensor - y.tensor)
    else:
        out = tf.cond(test, lambda: x.tensor + y.tensor, lambda: y.tensor * x.tensor + tf.ones_like(x.tensor))
    high = (x.bound + 1) * (y.bound + 1)
    wrong = (x.bound + 1) * y.error + (y.bound + 1) * x.error + 32 * eps(x) * high
    run.push(out, high, wrong)


@operation
def repeat(run, i, j, k):
    """A loop of few rounds; where the number says so, it goes on as long as an exact value is small."""
    x = run.pick(i, "f")
    rounds = j % 4

    def go(n, value):
        return n < rounds

    def body(n, value):
        return n + 1, tf.sin(value) + 0.5 * tf.tanh(x.tensor)

    _, out = tf.while_loop(go, body, (tf.constant(0), x.tensor))
    run.push(out, max(x.bound, 2.0), (rounds + 1) * (x.error + 32 * eps(x)) * 2)


@operation
def rows_written(run, i, j, k):
    """A TensorArray of which a loop reads a row and writes another, and whose places it may change."""
    x = run.pick(i, "f")
    rounds, step = 1 + j % 4, 1 + k % 3

    def body(n, array):
        row = array.read(n * step) * 0.5 + 0.5 * x.tensor
        if k % 2:
            row = tf.cond(n % 2 == 0, lambda: tf.sin(row), lambda: -row)
        return n + 1, array.write(n * step + step, row)

    array = tf.TensorArray(x.tensor.dtype, rounds * step + 1, element_shape=x.shape, clear_after_read=False)
    _, array = tf.while_loop(lambda n, array: n < rounds, body, (tf.constant(0), array.write(0, x.tensor)))
    run.push(array.stack(), x.bound, (rounds + 1) * (x.error + 32 * eps(x)))


@operation
def scanned(run, i, j, k):
    """A scan, whose rounds have a loop of their own."""
    x = run.pick(i, "f", rank=1)
    rounds = j % 3

    def step(state, row):
        _, state = tf.while_loop(
            lambda n, s: n < rounds, lambda n, s: (n + 1, 0.5 * s + 0.5 * tf.tanh(row)), (tf.constant(0), state)
        )
        return 0.5 * tf.sin(state) + 0.5 * row

    out = tf.scan(step, x.tensor, tf.zeros(x.shape[1:], x.tensor.dtype), reverse=bool(k % 2))
    run.push(out, max(x.bound, 1.0), 2 * (x.shape[0] + 1) * (x.error + 64 * eps(x)))


@operation
def halved(run, i, j, k):
    """As many rounds as the numbers say: a whole number is halved until it is 1."""
    x, number = run.pick(i, "f"), 1 + abs(j) * 5

    def body(n, value, rounds):
        value = tf.cond(n % 2 == 0, lambda: 0.5 * value, lambda: tf.cos(value))
        return n // 2, value, rounds + 1

    start = tf.reduce_sum(tf.zeros([2], tf.int32)) + number
    _, out, rounds = tf.while_loop(lambda n, *_: n > 1, body, (start, x.tensor, tf.constant(0)))
    run.push(out, max(x.bound, 1.0), 10 * (x.error + 32 * eps(x)))
    run.push(rounds)


# Branches and loops that assign variables, and Python code that does.


def _changed(run, number, j, k):
    """A function that changes a variable and gives its new value, and the state after it; None if that is too large."""
    variable, (bound, error) = run.variables[number], run.state[number]
    value = _for_variable(run, number, j)
    if k % 2:
        return lambda: variable.assign(value.tensor).read_value(), value[1:]
    if variable.dtype.is_floating and bound + value.bound > 64:
        return None
    wrong = error + value.error
    wrong += 4 * EPS[variable.dtype.name] * (bound + value.bound) if wrong else 0
    return lambda: variable.assign_add(value.tensor).read_value(), (bound + value.bound, wrong)


def _either(*states):
    return tuple([max(numbers) for numbers in zip(*states)])


@operation
def branch_assigns(run, i, j, k):
    """One branch changes a variable, the other reads it or changes another one."""
    if run.variables:
        a, b = j % len(run.variables), k % len(run.variables)
        test = tf.reduce_any(run.pick(i, "b").tensor)
        one, two = _changed(run, a, i, k), _changed(run, b, j, i)
        if one is None or two is None:
            return
        old = run.state[a]

        def other():
            if a != b:
                two[0]()
            return run.variables[a].read_value()

        if k % 3:
            result = tf.cond(test, one[0], other)
        else:
            result = tf.cond(test, other, one[0])
        run.state[a] = _either(old, one[1])
        if a != b:
            run.state[b] = _either(run.state[b], two[1])
        run.push(result, *run.state[a])


@operation
def repeat_assigns(run, i, j, k):
    """A loop whose rounds change a variable and, every other one, another."""
    if run.variables:
        a, b, rounds = i % len(run.variables), j % len(run.variables), k % 4
        first, second = run.variables[a], run.variables[b]
        if not first.dtype.is_floating:
            return
        x, y = _for_variable(run, a, j), _for_variable(run, b, i)

        def go(n, total):
            return n < rounds

        def body(n, total):
            first.assign((first + x.tensor) * 0.5)
            if a != b:
                tf.cond(n % 2 == 0, lambda: second.assign(y.tensor).read_value(), second.read_value)
            return n + 1, total + first

        start = _read(run, a)
        _, total = tf.while_loop(go, body, (tf.constant(0), start.tensor))
        bound, error = _either(start[1:], x[1:])
        error += 8 * EPS[start.dtype] * bound if error else 0
        run.state[a] = (bound, error)
        if a != b:
            run.state[b] = _either(run.state[b], y[1:])
        total_error = (rounds + 1) * (error + 8 * EPS[start.dtype] * bound) if error else 0.0
        run.push(total, (rounds + 1) * bound, total_error)


@operation
def python_assigns(run, i, j, k):
    """Python code, when the graph gets there: it changes a variable and reads another."""
    if run.variables:
        a, b = i % len(run.variables), j % len(run.variables)
        read, changed = run.variables[a], run.variables[b]

        def code():
            if changed.dtype.is_floating:
                changed.assign(changed * 0.5)
            return read.read_value()

        out = tf.py_function(code, [], tf.TensorSpec(read.shape, read.dtype))
        run.push(tf.stop_gradient(out), *run.state[a])


# Running.


def execute(program, inputs, variables, derivative=True):
    """(the values that are kept, a gradient, its loss, (bounds and errors, those of variables, tolerance))."""
    with tf.GradientTape() as tape:
        tape.watch([x for x in inputs if x.dtype.is_floating])
        run = Run(inputs, variables)
        for name, i, j, k in program.steps:
            OPERATIONS[name](run, i, j, k)
        kept = [run.values[-1 - number % len(run.values)] for number in program.kept]
        loss = tf.constant(0.0, tf.float64)
        for value in kept:
            if value.tensor.dtype.is_floating:
                loss += tf.cast(tf.reduce_mean(tf.square(value.tensor) + value.tensor), tf.float64)
    sources = [x for x in inputs if x.dtype.is_floating] + [v for v in variables if v.dtype.is_floating]
    gradient = tape.gradient(loss, sources, unconnected_gradients="zero") if derivative and sources else []
    about = [(v.bound, v.error) for v in kept]
    narrow = any(v.dtype == F32 for v in run.values) or any(v.dtype == tf.float32 for v in variables)
    widths = [math.prod(v.shape) for v in kept if v.tensor.dtype.is_floating]
    least = 64 * EPS[F32 if narrow else F64] / min(widths, default=1)  # what is left where cotangents cancel
    tolerance = (1e-4 if narrow else 1e-11), least
    return [v.tensor for v in kept], gradient, loss, (about, run.state, tolerance)


def made(program):
    """The inputs and the variables' first values, as arrays."""
    rng = np.random.default_rng(program.seed)
    return [numbers(rng, *type) for type in program.inputs], [numbers(rng, *type) for type in program.variables]


def check(program, times=2):
    """Run a program eager and compiled, and compare; raises AssertionError. Returns how the compiled function is."""
    arrays, starts = made(program)
    inputs = [tf.constant(a) for a in arrays]
    variables = [tf.Variable(a) for a in starts]
    about = []

    def body(*tensors):
        out, gradient, loss, about[:] = execute(program, list(tensors), variables)
        return out, gradient, loss

    out, gradient, _ = body(*inputs)
    wanted = [np.array(t) for t in out]
    slopes = [np.array(tf.convert_to_tensor(g)) for g in gradient]
    after = [v.numpy() for v in variables]
    bounds, state, tolerance = about
    function = tf.function(body, autograph=False)
    held = None
    for _ in range(times):
        for variable, start in zip(variables, starts):
            variable.assign(start)
        before = [v.read_value() for v in variables]
        out, gradient, _ = function(*inputs)
        for n, (found, right, (_, error)) in enumerate(zip(out, wanted, bounds, strict=True)):
            close(found, right, error, f"result {n}")
        for n, (variable, right, (_, error)) in enumerate(zip(variables, after, state, strict=True)):
            close(variable, right, error, f"variable {n}")
        for n, (found, right) in enumerate(zip(gradient, slopes, strict=True)):
            along(found, right, slopes, tolerance, f"gradient {n}")
        for n, (tensor, start) in enumerate(zip(before, starts)):
            close(tensor, start, 0, f"what was read from variable {n} before the call")
        for array, tensor in held or ():
            close(tensor, array, 0, "a result of the last call, after this one")
        held = [(np.array(t), t) for t in [*out, *[tf.convert_to_tensor(g) for g in gradient]]]
    for n, (tensor, array) in enumerate(zip(inputs, arrays)):
        close(tensor, array, 0, f"argument {n}")
    return function.get_concrete_function(*inputs)


def close(found, wanted, error, about):
    found = found.numpy() if hasattr(found, "numpy") else np.asarray(found)
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape and found.dtype == wanted.dtype, about
    if error == 0 or wanted.dtype.kind in "ib":
        np.testing.assert_array_equal(found, wanted, err_msg=about)
    else:
        np.testing.assert_allclose(found, wanted, rtol=0, atol=error, err_msg=about)


def along(found, wanted, slopes, tolerance, about):
    """A gradient has no error bound of its own: it is compared with the steepest element of all."""
    found = tf.convert_to_tensor(found).numpy()
    assert found.shape == wanted.shape and found.dtype == wanted.dtype, about
    steepest = max([float(np.max(np.abs(g), initial=0)) for g in slopes], default=0.0)
    limit = tolerance[0] * steepest + tolerance[1]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=limit, err_msg=about)


# Making programs without hypothesis, many of them quickly; and making a failing one small.

SMALL = [(), (1,), (3,), (7,), (2, 3), (1, 5), (4, 1), (5, 7), (3, 3), (2, 3, 4), (1, 6, 2), (5, 1, 3)]
MIDDLE = [(16,), (33,), (70,), (16, 16), (17, 35), (40, 3), (2, 30, 9), (3, 16, 64)]
HUGE = [(40_000,), (200, 170), (2, 130, 150), (33_000, 1), (7, 5_000), (64, 3, 200)]
TYPES = [F32, F32, F64, F64, I32, BOOL]


def random_program(rng, length):
    """A program of about a length, from a generator of random numbers."""
    shapes = SMALL + (MIDDLE if rng.random() < 0.5 else [])
    if rng.random() < 0.25:
        shapes = shapes + HUGE * 3

    def type(types):
        return shapes[rng.integers(len(shapes))], types[rng.integers(len(types))]

    inputs = tuple(type(TYPES) for _ in range(rng.integers(1, 5)))
    variables = tuple(type(TYPES[:-1]) for _ in range(rng.integers(0, 4)))
    if len(variables) > 1 and rng.random() < 0.5:
        variables = (variables[0], *variables[:-1])
    names = list(OPERATIONS)
    steps = tuple((names[rng.integers(len(names))], *[int(n) for n in rng.integers(0, 64, 3)]) for _ in range(length))
    kept = tuple(int(n) for n in rng.integers(0, 12, rng.integers(1, 5)))
    return Program(inputs, variables, steps, kept, int(rng.integers(1000)))


def shrunk(program, fails):
    """A smaller program that fails too: fewer steps, results, variables and inputs."""
    going = True
    while going:
        going = False
        for field in ("steps", "kept", "variables", "inputs"):
            i = 0
            while i < len(getattr(program, field)):
                items = getattr(program, field)
                less = items[:i] + items[i + 1 :]
                smaller = program._replace(**{field: less})
                if (less or field in ("steps", "variables")) and fails(smaller):
                    program, going = smaller, True
                else:
                    i += 1
        for n, step in enumerate(program.steps):
            for place in (1, 2, 3):
                for value in range(step[place]):
                    new = (*step[:place], value, *step[place + 1 :])
                    smaller = program._replace(steps=program.steps[:n] + (new,) + program.steps[n + 1 :])
                    if value <= 3 and fails(smaller):
                        program, going, step = smaller, True, new
                        break
    return program
