"""How often calls are traced: `PROGRAMS[name](tf)` gives the counts of traces after each call, or an error's class.

`python retracing_programs.py`, with real TensorFlow installed, records what TensorFlow does.
"""

import collections
import functools
import json
import pathlib

import numpy as np

RECORDED = pathlib.Path(__file__).with_name("retracing_recorded.json")
PROGRAMS = {}
Point = collections.namedtuple("Point", "x y")


def counted(tf, calls, function=None, **options):
    """The number of traces after each of the calls, functions of a tf.function."""
    traces = []

    def traced(*args, **kwargs):
        traces.append(1)
        return function(*args, **kwargs) if function else None

    f = tf.function(traced, **options)
    return _after_each(f, calls, traces)


def _after_each(f, calls, traces):
    found = []
    for call in calls:
        try:
            call(f)
            found.append(len(traces))
        except Exception as error:
            found.append(type(error).__name__)
    return found


def arguments(tf):
    """Lists of arguments, each to be given twice in a row and all of them once more at the end."""
    c, v = tf.constant, tf.Variable
    kept = [v(1.0), v(2.0), v([1.0]), object(), object(), tf.Module(), lambda x: x, {"a", "b"}]
    return {
        "python numbers by value": [1, 2, 1.0, True, False, 0, 2.5],
        "strings and bytes": ["a", "b", b"a", ""],
        "none": [None, 0, None],
        "complex and large": [1j, 10**20, -1],
        "tensors by dtype": [c(1), c(2), c(1.0), c(2.0), c(True), c("a"), c("b"), c(1, tf.int64), c(1.0, tf.float64)],
        "tensors by shape": [c(1.0), c([1.0]), c([2.0]), c([1.0, 2.0]), c([[1.0]]), tf.zeros([0]), tf.zeros([2, 3])],
        "arrays and tensors": [np.float32(1), c(1.0), np.ones(2, np.float32), c([1.0, 2.0]), np.int64(1), np.ones(2)],
        "numpy scalars and python numbers": [1, np.int32(1), np.int64(1), 1.0, np.float64(1), np.bool_(True), True],
        "lists": [[1, 2], [1, 2], (1, 2), [2, 1], [1], [], [c(1), 2], [c(5), 2], [c(5), 3], [[1], 2]],
        "dictionaries": [{"a": 1}, {"a": 2}, {"b": 1}, {"a": c(1)}, {"a": c(2)}, {"a": 1, "b": 2}, {"b": 2, "a": 1}],
        "ordered dictionaries": [
            {"a": 1, "b": 2}, collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1),
        ],
        "named tuples": [Point(1, 2), Point(1, 2), (1, 2), Point(c(1), 2), Point(c(3), 2)],
        "variables": [kept[0], kept[1], kept[2], kept[0]],
        "objects": [kept[3], kept[4], kept[3], kept[5], kept[6], kept[6]],
        "types and ranges": [int, float, range(3), range(3), range(4), tf.float16, tf.int32],
        "shapes": [tf.TensorShape([1]), tf.TensorShape([2]), tf.TensorShape([1]), tf.TensorShape(None)],
        "nested structures": [{"a": [c(1), (2, None)]}, {"a": [c(3), (2, None)]}, {"a": [c(3), (2, 1)]}],
        "sliced rows": [
            tf.IndexedSlices(c([1.0]), c([0]), c([3])), tf.IndexedSlices(c([2.0]), c([1]), c([3])),
            tf.IndexedSlices(c([2.0]), c([1])),
        ],
        "not a number": [float("nan"), float("nan"), float("inf"), -float("inf"), 0.0, -0.0],
    }  # fmt: skip


def _twice(values):
    calls = []
    for value in [*values, *values]:
        calls.append(functools.partial(lambda value, f: f(value), value))
    return calls


def _of_arguments(kind, options, tf):
    return counted(tf, _twice(arguments(tf)[kind]), **options)


KINDS = (
    "python numbers by value", "strings and bytes", "none", "complex and large", "tensors by dtype", "tensors by shape",
    "arrays and tensors", "numpy scalars and python numbers", "lists", "dictionaries", "ordered dictionaries",
    "named tuples", "variables", "objects", "types and ranges", "shapes", "nested structures", "sliced rows",
    "not a number",
)  # fmt: skip
for kind in KINDS:
    PROGRAMS[kind] = functools.partial(_of_arguments, kind, {})
    PROGRAMS[f"{kind}, reduced"] = functools.partial(_of_arguments, kind, {"reduce_retracing": True})


def program(function):
    PROGRAMS[function.__name__.replace("_", " ")] = function
    return function


SHAPES = ([1], [2], [3], [4], [1, 2], [3, 2], [3, 5], [], [9], [9, 9])


@program
def new_shapes(tf):
    return counted(tf, _twice([tf.zeros(shape) for shape in SHAPES]))


@program
def new_shapes_reduced(tf):
    return counted(tf, _twice([tf.zeros(shape) for shape in SHAPES]), reduce_retracing=True)


@program
def new_shapes_relaxed(tf):
    return counted(tf, _twice([tf.zeros(shape) for shape in SHAPES]), experimental_relax_shapes=True)


@program
def new_shapes_of_two_arguments_reduced(tf):
    calls = [
        lambda f, a=a, b=b: f(tf.zeros(a), tf.zeros(b))
        for a, b in [([1], [1]), ([2], [1]), ([3], [1]), ([3], [2]), ([4], [3]), ([1], [1])]
    ]
    return counted(tf, calls, reduce_retracing=True)


@program
def shapes_seen_reduced(tf):
    seen = []
    f = tf.function(lambda x: seen.append(x.shape.as_list()), reduce_retracing=True)
    for shape in ([1, 2], [3, 2], [5, 2], [5, 7], [4, 4]):
        f(tf.zeros(shape))
    return seen


@program
def input_signatures(tf):
    spec = tf.TensorSpec
    calls = [
        lambda f: f(tf.zeros([1, 2])), lambda f: f(tf.zeros([5, 2])), lambda f: f(np.zeros([3, 2], np.float32)),
        lambda f: f([[1.0, 2.0]]), lambda f: f(tf.zeros([1, 3])), lambda f: f(tf.zeros([2])),
        lambda f: f(tf.zeros([1, 2], tf.float64)), lambda f: f(np.zeros([3, 2])), lambda f: f([[1, 2]]),
        lambda f: f(), lambda f: f(tf.zeros([1, 2]), tf.zeros([1, 2])), lambda f: f(x=tf.zeros([4, 2])),
    ]  # fmt: skip
    traces = []

    @functools.partial(tf.function, input_signature=[spec([None, 2])])
    def f(x):
        traces.append(1)

    return _after_each(f, calls, traces)


@program
def input_signatures_with_structures_and_defaults(tf):
    spec = tf.TensorSpec
    traces = []

    @functools.partial(tf.function, input_signature=({"a": spec([None]), "b": [spec([], tf.int32)]}, spec([])))
    def f(d, x):
        traces.append(1)

    @functools.partial(tf.function, input_signature=(spec([]),))
    def g(x, y=3):
        traces.append(y)

    one = lambda n: {"a": tf.zeros([n]), "b": [tf.constant(n)]}  # noqa: E731
    calls = [
        lambda _: f(one(1), tf.constant(1.0)), lambda _: f(one(2), tf.constant(1.0)), lambda _: f(one(2), 2.0),
        lambda _: f({"a": tf.zeros([1])}, 1.0), lambda _: f(d=one(3), x=3.0), lambda _: g(1.0), lambda _: g(2.0),
        lambda _: g(tf.constant(1)),
    ]  # fmt: skip
    return [*_after_each(None, calls, traces), traces]


@program
def defaults_and_keywords(tf):
    traces = []

    @tf.function
    def f(a, b=2, *, c=3, d=None):
        traces.append((a, b, c, d))

    calls = [
        lambda _: f(1), lambda _: f(1, 2), lambda _: f(1, b=2), lambda _: f(a=1), lambda _: f(b=2, a=1),
        lambda _: f(1, c=3), lambda _: f(1, c=4), lambda _: f(1, 3), lambda _: f(1, d=None), lambda _: f(1, d=5),
        lambda _: f(), lambda _: f(1, 2, 3), lambda _: f(1, e=3),
    ]  # fmt: skip
    return [*_after_each(None, calls, traces), traces]


@program
def star_arguments(tf):
    calls = [
        lambda f: f(1, 2), lambda f: f(1, 2), lambda f: f(1), lambda f: f(1, a=2), lambda f: f(1, a=3),
        lambda f: f(1, b=2, a=3), lambda f: f(1, a=3, b=2), lambda f: f(tf.constant(1)), lambda f: f(tf.constant(2)),
    ]  # fmt: skip
    return counted(tf, calls)


@program
def methods_on_two_instances(tf):
    traces = []

    class Layer:
        @tf.function
        def call(self, x):
            traces.append(1)
            return x

    one, two = Layer(), Layer()
    calls = [
        lambda _: one.call(tf.constant(1)), lambda _: one.call(tf.constant(2)), lambda _: two.call(tf.constant(1)),
        lambda _: one.call(tf.constant(1)), lambda _: one.call(1), lambda _: two.call(1), lambda _: Layer().call(1),
    ]  # fmt: skip
    return _after_each(None, calls, traces)


@program
def a_function_of_a_bound_method(tf):
    traces = []

    class Layer:
        def call(self, x):
            traces.append(1)
            return x

    layer = Layer()
    f, g = tf.function(layer.call), tf.function(layer.call)
    calls = [lambda _: f(1), lambda _: f(1), lambda _: g(1), lambda _: f(2), lambda _: tf.function(layer.call)(1)]
    return _after_each(None, calls, traces)


@program
def partials_callables_and_lambdas(tf):
    traces = []

    def base(a, b, c=0):
        traces.append((a, b, c))

    class Callable:
        def __call__(self, x):
            traces.append(x)

    f = tf.function(functools.partial(base, 1, c=5))
    g = tf.function(Callable())
    h = tf.function(lambda x: traces.append(x))
    calls = [
        lambda _: f(2), lambda _: f(2), lambda _: f(3), lambda _: f(2, c=6), lambda _: g(1), lambda _: g(1),
        lambda _: g(2), lambda _: h(1), lambda _: h(1), lambda _: h(x=1),
    ]  # fmt: skip
    return [*_after_each(None, calls, traces), traces]


@program
def variables_made_on_the_first_call(tf):
    traces = []

    class Layer:
        v = None

        @tf.function
        def __call__(self, x):
            traces.append(1)
            if self.v is None:
                self.v = tf.Variable(1.0)
            return self.v * x

    @tf.function
    def always(x):
        traces.append(1)
        return tf.Variable(1.0) * x

    layer = Layer()
    calls = [lambda _: layer(tf.constant(1.0)), lambda _: layer(tf.constant(2.0)), lambda _: layer(tf.zeros([2])),
             lambda _: always(tf.constant(1.0))]  # fmt: skip
    return _after_each(None, calls, traces)


@program
def nested_functions(tf):
    traces = []

    @tf.function
    def inner(x):
        traces.append("inner")
        return x + 1

    @tf.function
    def outer(x, n):
        traces.append("outer")
        return inner(x) + inner(x * n) + inner(2 * x)

    calls = [
        lambda _: outer(tf.constant(1), 2), lambda _: outer(tf.constant(5), 2), lambda _: outer(tf.constant(1), 3),
        lambda _: inner(tf.constant(1)), lambda _: outer(tf.constant(1.0), 2.0), lambda _: inner(tf.constant(1.0)),
    ]  # fmt: skip
    return [*_after_each(None, calls, traces), traces]


@program
def concrete_functions(tf):
    traces = []

    @tf.function
    def f(x, n=1):
        traces.append(1)
        return x * n

    spec = tf.TensorSpec
    calls = [
        lambda _: f.get_concrete_function(spec([], tf.float32)), lambda _: f(tf.constant(1.0)),
        lambda _: f.get_concrete_function(spec([None], tf.float32)), lambda _: f(tf.zeros([3])),
        lambda _: f(tf.zeros([4])), lambda _: f.get_concrete_function(tf.zeros([5])),
        lambda _: f.get_concrete_function(spec([None], tf.float32), 2), lambda _: f(tf.zeros([4]), 2),
        lambda _: f.get_concrete_function(spec(None, tf.float32)), lambda _: f(tf.zeros([4, 4])),
    ]  # fmt: skip
    return [*_after_each(None, calls, traces), f.experimental_get_tracing_count()]


@program
def closures_are_not_looked_at_again(tf):
    box = {"n": 1}

    @tf.function
    def f(x):
        return x * box["n"]

    first = f(tf.constant(2)).numpy().item()
    box["n"] = 10
    return [first, f(tf.constant(2)).numpy().item(), f(tf.constant([2])).numpy().tolist()]


@program
def run_eagerly(tf):
    traces = []
    f = tf.function(lambda x: traces.append(1) or x)
    f(1), f(1)
    tf.config.run_functions_eagerly(True)
    try:
        f(1), f(1)
    finally:
        tf.config.run_functions_eagerly(False)
    f(1)
    return [len(traces), f.experimental_get_tracing_count()]


if __name__ == "__main__":
    import tensorflow

    assert hasattr(tensorflow, "raw_ops"), "this is not the real TensorFlow"
    lines = [f"{json.dumps(name)}: {json.dumps(function(tensorflow))}" for name, function in PROGRAMS.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
