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
def variables_as_conditions(tf):
    flag, count, total = tf.Variable(True), tf.Variable(0), tf.Variable(1.0)

    @tf.function
    def branches():
        if flag:
            total.assign_add(1.0)
            flag.assign(False)
        else:
            total.assign_sub(5.0)
            flag.assign(True)
        return total.read_value(), 1 if flag else 2

    @tf.function
    def logic(x):
        return not flag, flag and x, flag or x, x and flag

    @tf.function
    def until():
        rounds = 0
        while not flag:
            flag.assign(True)
            rounds += 1
        return rounds, flag.read_value()

    @tf.function
    def while_it_is():
        rounds = 0
        while flag:
            flag.assign(False)
            rounds += 1
        return rounds, flag.read_value()

    @tf.function
    def nothing_but_variables(limit):
        while count < limit:
            count.assign_add(2)
        return count.read_value()

    found = [numbers(*branches()) for _ in range(3)]
    found += [numbers(*logic(tf.constant(x))) for x in (True, False)]
    flag.assign(False)
    found += [numbers(*branches()), numbers(*logic(tf.constant(True)))]
    found += [numbers(*f()) for f in (until, until, while_it_is, while_it_is)]
    return [*found, numbers(nothing_but_variables(tf.constant(7)), nothing_but_variables(tf.constant(12)))]


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
    def users(x):
        raise KeyError("mine")

    x = tf.constant(-1)
    return [failure(f, x) for f in (one_branch, two_dtypes, changes_dtype, users)]


@program
def a_name_set_in_a_loop(tf):
    @tf.function
    def f(n):
        for i in tf.range(n):
            y = i * 2
        return y

    return [*numbers(f(tf.constant(3))), failure(f, tf.constant(0))]


@program
def shape_invariants_and_maximum_iterations(tf):
    @tf.function
    def f(n):
        v = tf.constant([0])
        for i in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(v, tf.TensorShape([None]))], maximum_iterations=3
            )
            v = tf.concat([v, [i]], 0)
        return v

    @tf.function
    def unsaid(n):
        v = tf.constant([0])
        for i in tf.range(n):
            v = tf.concat([v, [i]], 0)
        return v

    return [*numbers(f(tf.constant(7)), f(tf.constant(2))), failure(unsaid, tf.constant(7))]


@program
def none_and_text_before_a_loop(tf):
    @tf.function
    def none(n):
        v = None
        for i in tf.range(n):
            v = i
        return v

    @tf.function
    def text(x):
        s = "a"
        while x > 0:
            s = "b"
            x -= 1
        if x < -5:
            t = "low"
        else:
            t = "high"
        return s, t

    return [none(tf.constant(7)).numpy().item(), *[[s.numpy().decode() for s in text(tf.constant(n))] for n in (5, -9)]]


@program
def kinds_of_control_flow_do_not_mix(tf):
    @tf.function
    def breaks(x):
        for i in [1, 2, 3]:
            if x > i:
                break
        return x

    @tf.function
    def changes(x):
        i = 0
        while i < 10:
            i = i + x
        return i

    @tf.function
    def none_in_a_branch(x):
        if x > 0:
            y = None
        else:
            y = x
        return y

    @tf.function
    def returns_in_one_branch(x):
        if x > 0:
            return x

    @tf.function
    def structures(x):
        if x > 0:
            s = (1, 2)
        else:
            s = (1,)
        return s

    @tf.function
    def iterates_a_scalar(x):
        for _ in x:
            pass
        return x

    @tf.function
    def numbers_of_two_types(x):
        return 1 if x > 0 else 2.0

    functions = (breaks, changes, none_in_a_branch, returns_in_one_branch, structures, iterates_a_scalar,
                 numbers_of_two_types)  # fmt: skip
    return [failure(f, tf.constant(5)) for f in functions]


@program
def chained_comparison_and_range_of_a_tensor(tf):
    @tf.function
    def f(x):
        total = 0
        for i in range(x):
            total += i
        return 0 < x < 5, total, abs(-x)

    return numbers(*f(tf.constant(4)), *f(tf.constant(6)))


@program
def a_random_condition_is_drawn_once_a_round(tf):
    @tf.function
    def f(n):
        count = 0
        while tf.random.uniform([]) < 2.0 and count < n:
            count += 1
        return count

    return numbers(f(tf.constant(4)))


@program
def recursion_and_nested_functions(tf):
    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    @tf.function
    def f(x):
        def inner(y):
            if y > 0:
                return y
            return -y

        return inner(x) * factorial(4), tf.map_fn(lambda r: inner(r), tf.stack([x, x + 10]))

    return numbers(*f(tf.constant(-3)))


@program
def lists_and_dictionaries_in_python_loops(tf):
    @tf.function
    def f(x):
        outs = []
        for i, (name, value) in enumerate({"a": 1.0, "b": 2.0}.items()):
            if name == "b":
                continue
            outs.append(x * value + i)
        while len(outs) < 3:
            outs.append(outs[-1] * 2.0)
        return outs

    return numbers(*f(tf.constant(3.0)))


@program
def a_break_in_a_nested_loop(tf):
    @tf.function
    def f(n):
        found = 0
        for i in tf.range(2, n):
            prime = True
            for j in tf.range(2, i):
                if i % j == 0:
                    prime = False
                    break
            if prime:
                found += 1
        return found

    return numbers(f(tf.constant(30)))


if __name__ == "__main__":
    import tensorflow

    assert hasattr(tensorflow, "raw_ops"), "this is not the real TensorFlow"
    lines = [f"{json.dumps(name)}: {json.dumps(function(tensorflow))}" for name, function in PROGRAMS.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
