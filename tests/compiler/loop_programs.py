"""Programs whose time goes into loops: (function, arguments) by name. Each only computes, so its loops are native."""

import numpy as np

import tapeflow as tf

PROGRAMS = {}


def program(*arguments):
    """Note a program, with its arguments."""

    def note(function):
        PROGRAMS[function.__name__] = function, [tf.constant(a) for a in map(np.asarray, arguments)]
        return function

    return note


def with_gradient(function, *order):
    """The function with the gradients of the sum of its floating results, by the floating arguments."""

    def both(*args):
        sources = [x for x in args if x.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            found = tf.nest.flatten(function(*args))
            total = tf.add_n([tf.reduce_sum(t * t) for t in found if t.dtype.is_floating])
        return [*found, *tape.gradient(total, sources, unconnected_gradients="zero")]

    return both


VECTOR = np.linspace(0.2, 1.4, 7)
MATRIX = np.random.default_rng(1).normal(size=(5, 4)) * 0.3
SQUARE = np.random.default_rng(2).normal(size=(4, 4)) * 0.3


@program(2.0, 1e-12)
def newton(x, tolerance):
    """As many rounds as it takes."""
    root = x
    while tf.abs(root * root - x) > tolerance:
        root = root - (root * root - x) / (2.0 * root)
    return root


@program(np.int32(27))
def collatz(n):
    steps, highest = tf.constant(0), n
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        highest = tf.maximum(highest, n)
        steps += 1
    return steps, highest


@program(VECTOR, np.int32(0))
def no_round(x, n):
    i, y = tf.constant(0), x
    while i < n:
        y = tf.sin(y) * x
        i += 1
    return y, i


@program(VECTOR, np.int32(3))
def one_of_many_bounds(x, n):
    """The number of rounds is an argument."""
    y = x
    for i in tf.range(n):
        y = tf.sin(y) * x + tf.cast(i, tf.float64)
    return y


@program(VECTOR)
def down_in_threes(x):
    i, y = tf.constant(20), x
    while i >= 2:
        y = 0.5 * y + tf.cos(y) / tf.cast(i, tf.float64)
        i -= 3
    return y, i


@program(np.float64(1.1), np.int32(4))
def nested(x, n):
    """The inner loop's rounds depend on the outer's."""
    total, i = tf.constant(0.0, tf.float64), tf.constant(0)
    while i < n:
        j, part = tf.constant(0), x
        while j < i:
            part = tf.sin(part) + x
            j += 1
        total += part
        i += 1
    return total


@program(VECTOR)
def nested_for(x):
    """Known rounds, one within the other."""
    y = x
    for i in tf.range(4):
        for j in tf.range(3):
            y = tf.sin(y + tf.cast(i * j, tf.float64)) * x
    return y


def _slopes(x, v):
    return v, (1.0 - x * x) * 1.5 * v - x


@program(1.0, 0.0)
def van_der_pol(x, v):
    """Runge and Kutta's method, in numbers."""
    h = 0.02
    for _ in tf.range(50):
        a, b = _slopes(x, v)
        c, d = _slopes(x + h / 2 * a, v + h / 2 * b)
        e, f = _slopes(x + h / 2 * c, v + h / 2 * d)
        k, m = _slopes(x + h * e, v + h * f)
        x, v = x + h / 6 * (a + 2 * c + 2 * e + k), v + h / 6 * (b + 2 * d + 2 * f + m)
    return x, v


@program(np.array([1.0, 0.5, -0.2, 0.3]), SQUARE)
def linear_system(y, matrix):
    """Runge and Kutta's method, on a vector, until it is small."""
    h = 0.1

    def slope(y):
        return tf.linalg.matvec(matrix, y) - y * tf.tanh(y)

    while tf.reduce_sum(y * y) > 0.5:
        one = slope(y)
        two = slope(y + h / 2 * one)
        three = slope(y + h / 2 * two)
        y = y + h / 6 * (one + 4 * two + three)
    return y


@program(MATRIX, SQUARE)
def rnn(xs, weights):
    def step(state, x):
        return tf.tanh(tf.linalg.matvec(weights, state) + x)

    return tf.scan(step, xs, tf.zeros([4], tf.float64))


@program(MATRIX)
def mapped(xs):
    return tf.map_fn(lambda row: tf.sin(row) * tf.reduce_sum(row), xs)


@program(MATRIX, np.float64(0.7))
def folded(xs, start):
    left = tf.foldl(lambda total, row: total * 0.9 + tf.reduce_max(row) * total, xs, start)
    return left, tf.foldr(lambda total, row: tf.sin(total) + tf.reduce_sum(row * total), xs, start)


@program(np.float64(0.3))
def array_of_numbers(x):
    array = tf.TensorArray(tf.float64, 90, element_shape=[])
    for i in tf.range(90):
        x = x * 0.97 + tf.sin(x)
        array = array.write(i, x)
    return array.stack()


@program(VECTOR)
def array_of_rows(x):
    """Rows are read where others are written."""
    array = tf.TensorArray(tf.float64, 12, element_shape=[7], clear_after_read=False)
    array = array.unstack(tf.zeros([12, 7], tf.float64) + x)
    for i in tf.range(10):
        array = array.write(i + 2, tf.sin(array.read(i)) + array.read(i + 1)[::-1] * x)
    return array.stack(), array.gather([3, 1])


@program(VECTOR)
def written_and_read(x):
    """The old rows are read when the new ones are there, and a row is written over itself."""
    array = tf.TensorArray(tf.float64, 4, element_shape=[7], clear_after_read=False)
    array = array.unstack(tf.stack([x, x * 2.0, x * 3.0, x + 1.0]))
    total = x
    for i in tf.range(3):
        old = array.read(i)
        array = array.write(i, array.read(i)[::-1])
        array = array.write(i + 1, array.read(i) * 0.5)
        total = total + old * array.read(i + 1)
    return total, array.stack()


@program(VECTOR)
def picked(x):
    """Elements at places that the loop computes."""
    y = tf.constant(0.0, tf.float64)
    for i in tf.range(7):
        y += x[i] * x[6 - i] * tf.cast(i, tf.float64)
    return y


@program(np.linspace(0.1, 0.9, 300))
def picked_of_many(x):
    y = tf.constant(1.0, tf.float64)
    for i in tf.range(20):
        y = tf.sin(y * x[i * 3])
    return y


@program(np.int64(10))
def fibonacci(n):
    """Variables that change places."""
    a, b = tf.constant(0, tf.int64), tf.constant(1, tf.int64)
    while n > 0:
        a, b, n = b, a + b, n - 1
    return a, b


@program(VECTOR, VECTOR[::-1].copy())
def arrays_change_places(x, y):
    for i in tf.range(5):
        x, y = y, x + tf.cast(i, tf.float64)
    return x, y


@program(VECTOR, VECTOR * 2)
def arrays_only_change_places(x, y):
    for _ in tf.range(5):
        x, y = y, x
    return x, y


@program(VECTOR)
def with_break(x):
    y = x
    for i in tf.range(100):
        y = y * 0.8
        if tf.reduce_max(y) < 0.1:
            break
        if i == 3:
            continue
        y = y + 0.01
    return y


@program(np.float32(0.5), np.bool_(True), np.uint8(250), np.int64(1))
def of_many_types(x, flag, small, large):
    for i in tf.range(9):
        x = tf.where(flag, tf.sin(x) + 1.0, x * 2.0)
        flag = tf.logical_not(flag)
        small = small + tf.cast(i, tf.uint8)
        large = large * 3 + tf.cast(small, tf.int64)
    return x, flag, small, large


@program(np.random.default_rng(5).normal(size=(33, 40)))
def matrix_powers(x):
    y = x @ tf.transpose(x)
    for _ in tf.range(3):
        y = y @ y
        y = y / tf.reduce_max(tf.abs(y))
    return y


@program(np.float64(2.0))
def branches(x):
    """Branches with what must not be computed where they are not taken."""
    total, n = tf.constant(0, tf.int64), tf.constant(4, tf.int64)
    while n > -4:
        if n != 0:
            total += 100 // n
            if x > 0.0:
                x = tf.math.log(x + 1.0)
        else:
            total += 7
            x = x * 3.0
        n -= 1
    return total, x


# One element in an array that does not look like one.
@program(np.array([[0.5]]))
def one_element(x):
    array = tf.TensorArray(tf.float64, 1, element_shape=[1, 1])
    for _ in tf.range(4):
        x = tf.sin(x) + 0.1
        array = array.write(0, x)
    return array.stack(), x


@program(np.linspace(-0.9, 0.9, 700))
def long_branches(x):
    """Branches too long to compute both, one with a loop and one that is not always possible."""
    y, n = x, tf.constant(6)
    while n > 0:
        if tf.reduce_sum(y * y) > 40.0:
            for _ in tf.range(3):
                y = tf.sin(y) * 0.9 + tf.math.log(1.0 + x * x)
        elif n > 2:
            y = tf.exp(-y) + tf.cast(60 // (n - 2), tf.float64) * x
        n -= 1
    return y
