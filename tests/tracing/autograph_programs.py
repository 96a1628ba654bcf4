"""Programs with Python's control flow over tensors: `PROGRAMS[name](tf)` gives what can be written as JSON.

`python autograph_programs.py`, with real TensorFlow installed, records what TensorFlow does.
"""

import json
import pathlib

RECORDED = pathlib.Path(__file__).with_name("autograph_recorded.json")
PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def numbers(*tensors):
    return [t.numpy().tolist() for t in tensors]


def failure(function, *args):
    try:
        function(*args)
    except Exception as error:
        return type(error).__name__
    return "nothing"


@program
def if_else(tf):
    @tf.function
    def f(x):
        if x > 0:
            y = x * 2.0
        elif x < -5.0:
            y = x
        else:
            y = -x
        return y

    return numbers(*[f(tf.constant(v)) for v in (3.0, -7.0, -1.0)])


@program
def early_return(tf):
    @tf.function
    def f(x):
        if x > 0:
            return x
        if x < -10:
            return x * 100
        return -x

    return numbers(*[f(tf.constant(v)) for v in (3, -7, -11)])


@program
def collatz(tf):
    @tf.function
    def f(x):
        n = 0
        while x != 1:
            if x % 2 == 0:
                x = x // 2
            else:
                x = 3 * x + 1
            n += 1
        return n

    return numbers(f(tf.constant(27)), f(tf.constant(1)), f(tf.constant(97)))


@program
def break_and_continue(tf):
    @tf.function
    def f(n):
        s = 0
        for i in tf.range(n):
            if i % 2 == 0:
                continue
            if i > 7:
                break
            s += i
        return s

    return numbers(f(tf.constant(20)), f(tf.constant(4)), f(tf.constant(0)))


@program
def nested_loops(tf):
    @tf.function
    def f(x):
        total = 0.0
        for row in x:
            for value in row:
                if value > 1.0:
                    total += value
            total = total * 2.0
        return total

    return numbers(f(tf.constant([[1.0, 2.0], [3.0, 0.5]])))


@program
def logic(tf):
    @tf.function
    def f(x):
        if x > 0 and x < 10 or x == -1:
            return 1
        return 2 if not x > 100 else 3

    return numbers(*[f(tf.constant(v)) for v in (5, -1, 50, 500)])


@program
def and_is_lazy(tf):
    @tf.function
    def f(x, y):
        if y != 0 and x // y > 1:
            return 1
        return 0

    return numbers(f(tf.constant(4), tf.constant(0)), f(tf.constant(4), tf.constant(2)))


@program
def helpers_and_lambdas(tf):
    def helper(x):
        if tf.reduce_sum(x) > 1.0:
            return x * 2.0
        return -x

    class Layer:
        def call(self, x):
            return helper(x) if x > -3.0 else x

    layer = Layer()
    f = tf.function(lambda x: layer.call(x))
    return numbers(*[f(tf.constant(v)) for v in (2.0, 0.5, -4.0)])


@program
def methods_change_variables(tf):
    class Counter(tf.Module):
        def __init__(self):
            self.count = tf.Variable(0)

        @tf.function
        def __call__(self, x):
            if x > 0:
                self.count.assign_add(1)
            return self.count + 0

    counter = Counter()
    return numbers(*[counter(tf.constant(v)) for v in (1, -1, 5)])


@program
def gradient_of_a_loop(tf):
    @tf.function
    def newton(x):
        y = x
        for _ in tf.range(10):
            y = 0.5 * (y + x / y)
        return y

    x = tf.constant(9.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = newton(x)
    return numbers(y, tape.gradient(y, x))


@program
def gradient_inside(tf):
    v = tf.Variable(2.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            y = v * x
            while y < 100.0:
                y = y * y
            if x > 2.0:
                y = y + v
        return y, tape.gradient(y, v)

    return numbers(*f(tf.constant(1.5)), *f(tf.constant(2.5)))


@program
def structures_in_loops(tf):
    @tf.function
    def f(n):
        state = {"a": 0, "b": (1.0, 2.0)}
        i = 0
        while i < n:
            state = {"a": state["a"] + i, "b": (state["b"][1], state["b"][0] + 1.0)}
            i += 1
        return state["a"], state["b"][0], state["b"][1]

    return numbers(*f(tf.constant(4)))


@program
def python_loops_unroll(tf):
    traced = []

    @tf.function
    def f(x, n):
        for i in range(n):
            traced.append(i)
            if x > i:
                x = x + 1
        return x

    return [*numbers(f(tf.constant(2), 4), f(tf.constant(0), 4)), traced]


@program
def len_int_float(tf):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        n = len(x)
        return n, int(x[0]), float(n)

    return numbers(*f(tf.constant([2.7, 1.0, 0.0])))


@program
def loop_of_unknown_length(tf):
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def f(x):
        total = tf.zeros([2])
        for row in x:
            total = total * 0.5 + row
        return total

    return numbers(f(tf.ones([3, 2])), f(tf.ones([1, 2])))


@program
def failures(tf):
    @tf.function
    def one_branch(x):
        if x > 0:
            y = 1
        return y

    @tf.function
    def two_dtypes(x):
        if x > 0:
            y = 1
        else:
            y = 2.0
        return y

    @tf.function
    def changes_dtype(x):
        while x < 10:
            x = tf.cast(x, tf.float32) + 1.0
        return x

    @tf.function
    def asserts(x):
        assert x > 0, "positive"
        return x

    @tf.function
    def users(x):
        raise KeyError("mine")

    x = tf.constant(-1)
    return [failure(f, x) for f in (one_branch, two_dtypes, changes_dtype, asserts, users)]


if __name__ == "__main__":
    import tensorflow

    assert hasattr(tensorflow, "raw_ops"), "this is not the real TensorFlow"
    lines = [f"{json.dumps(name)}: {json.dumps(function(tensorflow))}" for name, function in PROGRAMS.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
