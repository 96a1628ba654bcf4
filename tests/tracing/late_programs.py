"""What only the run knows (an axis, a permutation, a rank), how arguments are bound, and random streams.

`PROGRAMS[name](tf)` gives numbers, nested lists of them, or an error's class. `python late_programs.py`, with real
TensorFlow installed, records what TensorFlow gives.
"""

import dataclasses
import functools
import json
import logging
import pathlib

import numpy as np

RECORDED = pathlib.Path(__file__).with_name("late_recorded.json")
PROGRAMS = {}
X = np.arange(12.0).reshape(3, 4).astype("float32")


def program(function):
    PROGRAMS[function.__name__.replace("_", " ")] = function
    return function


def told(value):
    """A result as JSON."""
    if isinstance(value, (list, tuple)):
        return [told(item) for item in value]
    if isinstance(value, dict):
        return {str(key): told(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    return np.round(array.astype(float), 4).tolist()


def refused(call):
    """The class of the error that a call raises, as the base classes that both libraries share."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 (whatever it is)
        return next(c.__name__ for c in (TypeError, ValueError, AttributeError, Exception) if isinstance(error, c))
    return "no error"


# Numbers that only the run knows, with a derivative where there is one.

LATE = {
    "sum over an axis": (lambda tf, v, n: tf.reduce_sum(v * v, n), 1),
    "sum over axes": (lambda tf, v, n: tf.reduce_sum(v * v, n), [0, -1]),
    "mean over an axis": (lambda tf, v, n: tf.reduce_mean(v * v, n), -1),
    "maximum over an axis": (lambda tf, v, n: tf.reduce_max(v, n), 1),
    "product over an axis": (lambda tf, v, n: tf.reduce_prod(v + 1, n), 0),
    "log of sum over an axis": (lambda tf, v, n: tf.reduce_logsumexp(v, n), 1),
    "running sum": (lambda tf, v, n: tf.cumsum(v * v, n), 1),
    "transpose": (lambda tf, v, n: tf.transpose(v * v, n), [1, 0]),
    "concat": (lambda tf, v, n: tf.concat([v, v * v], n), 1),
    "expand": (lambda tf, v, n: tf.expand_dims(v * v, n), -1),
    "gather": (lambda tf, v, n: tf.gather(v * v, [0, 1], axis=n), 1),
    "split by an axis": (lambda tf, v, n: tf.concat(tf.split(v * v, [1, 3], n), n), 1),
    "split in sizes": (lambda tf, v, n: tf.split(v * v, n, 1)[1], [1, 3]),
    "roll": (lambda tf, v, n: tf.roll(v * v, n, 1), 1),
    "reverse": (lambda tf, v, n: tf.reverse(v * v, n), [1]),
    "tile": (lambda tf, v, n: tf.tile(v * v, n), [2, 1]),
    "pad": (lambda tf, v, n: tf.pad(v * v, n), [[1, 1], [0, 2]]),
    "repeat": (lambda tf, v, n: tf.repeat(v * v, n, 0), [2, 0, 1]),
    "reshape": (lambda tf, v, n: tf.reshape(v * v, n), [2, -1]),
    "broadcast": (lambda tf, v, n: tf.broadcast_to(v * v, n), [2, 3, 4]),
    "slice": (lambda tf, v, n: tf.slice(v * v, n, [2, -1]), [0, 1]),
    "strided slice": (lambda tf, v, n: tf.strided_slice(v * v, [0, 0], [3, 4], n), [1, 2]),
    "segments": (lambda tf, v, n: tf.math.unsorted_segment_sum(v * v, [0, 1, 0], n), 3),
    "top": (lambda tf, v, n: tf.math.top_k(v, n).values, 2),
    "ones": (lambda tf, v, n: v * tf.ones(n), [3, 1]),
    "one hot": (lambda tf, v, n: tf.one_hot([0, 3], n) @ tf.transpose(v), 4),
    "identity matrix": (lambda tf, v, n: v @ tf.eye(n), 4),
    "linspace": (lambda tf, v, n: v * tf.linspace(0.0, 1.0, n), 4),
    "stitch": (lambda tf, v, n: tf.dynamic_stitch([n, [1]], [v[:2], v[2:] * v[2:]]), [0, 2]),
}  # fmt: skip


def _late(function, number, tf):
    @tf.function
    def f(v, n):
        with tf.GradientTape() as tape:
            tape.watch(v)
            y = function(tf, v, n)
        return y, tape.gradient(y, v)

    return [told(t) for t in f(tf.constant(X), tf.constant(number))]


for name, (function, number) in LATE.items():
    PROGRAMS[f"late: {name}"] = functools.partial(_late, function, number)


@program
def an_axis_that_decides_which_sizes_are_left(tf):
    f = tf.function(lambda x, n: tf.shape(tf.reduce_sum(x, n)))
    return [told(f(tf.ones([3, 3, 4, 3, 5]), tf.constant(n))) for n in (0, 2, 3, -1, 4)]


# Ranks that only the run knows.


@program
def branches_of_several_ranks(tf):
    @tf.function
    def f(p, x):
        r = tf.cond(p, lambda: x * x, lambda: tf.reduce_sum(x))
        return r + 1.0, tf.reduce_sum(r), r * r, tf.rank(r), tf.size(r), tf.shape(r), tf.reshape(r, [-1])

    return [told(f(tf.constant(p), tf.constant([1.0, 2.0]))) for p in (True, False)]


@program
def the_derivative_of_branches_of_several_ranks(tf):
    @tf.function
    def f(p, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            r = tf.cond(p, lambda: x * x, lambda: tf.reduce_sum(x))
            y = tf.reduce_sum(r * x)
        return tape.gradient(y, x)

    return [told(f(tf.constant(p), tf.constant([1.0, 2.0]))) for p in (True, False)]


@program
def branches_of_several_ranks_in_python(tf):
    @tf.function
    def f(p):
        if p:
            x = tf.constant([1.0, 2.0])
        else:
            x = tf.constant(3.0)
        return x * 2.0

    return [told(f(tf.constant(p))) for p in (True, False)]


@program
def one_of_several_ranks(tf):
    c = tf.constant
    f = tf.function(lambda i: tf.switch_case(i, [lambda: c([1.0]), lambda: c(2.0), lambda: c([[3.0]])]))
    return [told(f(tf.constant(i))) for i in range(3)]


@program
def a_loop_whose_rank_grows(tf):
    @tf.function
    def f(x):
        shapes = [tf.TensorShape([]), tf.TensorShape(None)]
        return tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, x[None]), [0, x], shape_invariants=shapes)

    return told(f(tf.constant([1.0])))


@program
def a_trace_for_any_rank(tf):
    def shaped(w, x, y):
        x = tf.transpose(x, [1, 0, 2])
        rows = tf.shape(x)[0]
        y *= w
        return tf.reshape(y, [tf.shape(y)[0] // rows, rows, -1])

    trace = tf.function(shaped).get_concrete_function(*[tf.TensorSpec(None)] * 3)
    found = trace(tf.ones([2]), tf.ones([5, 4, 2]), tf.ones([20, 2]))
    return told([found.shape.as_list(), tf.reduce_sum(found)])


@program
def sizes_that_turn_out_to_differ(tf):
    specs = [tf.TensorSpec([None], tf.int32)] * 2
    same = tf.function(lambda a, b: a == b, input_signature=specs)
    other = tf.function(lambda a, b: a != b, input_signature=specs)
    pairs = [([1, 2], [1, 2, 3]), ([1, 2], [1, 3]), ([1, 2], [2]), ([], [])]
    return [told([same(tf.constant(a, tf.int32), tf.constant(b, tf.int32)) for a, b in pairs]),
            told([other(tf.constant(a, tf.int32), tf.constant(b, tf.int32)) for a, b in pairs])]  # fmt: skip


# Random streams: each place that calls a function has its own.


@program
def streams_of_functions_in_functions(tf):
    tf.random.set_seed(7)
    inner = tf.function(lambda: tf.random.uniform([2]))
    middle = tf.function(lambda: (inner(), tf.random.uniform([2])))
    outer = tf.function(lambda: (tf.random.uniform([2]), middle(), inner(), tf.random.normal([2])))
    return told([outer(), outer(), inner(), middle()])


@program
def streams_after_a_seed(tf):
    tf.random.set_seed(7)
    inner = tf.function(lambda: tf.random.uniform([2]))
    outer = tf.function(lambda: (inner(), inner()))
    first = told([inner(), outer(), inner()])
    tf.random.set_seed(7)
    return [first, told([inner(), outer(), inner()])]


@program
def streams_in_branches(tf):
    tf.random.set_seed(7)
    inner = tf.function(lambda: tf.random.uniform([2]))
    f = tf.function(lambda p: (tf.cond(p, lambda: inner(), lambda: inner() + 1.0), inner()))
    return told([f(tf.constant(True)), f(tf.constant(False)), f(tf.constant(True))])


@program
def streams_under_a_tape(tf):
    tf.random.set_seed(7)
    v = tf.Variable(1.0)
    f = tf.function(lambda: v * tf.random.uniform([2]))

    def taped():
        with tf.GradientTape() as tape:
            y = f()
        return y, tape.gradient(y, v)

    return told([f(), taped(), f(), taped()])


# Arguments.


@program
def arguments_that_do_not_fit_a_trace(tf):
    c = tf.constant
    function = tf.function(lambda x, y=5, *rest, **more: x)
    cases = [
        ((1, c(2)), {}, (1,), {}), ((1, 2, c(1.0)), {}, (1, 2), {}), ((1, 2), {}, (1, 2, 3), {}),
        ((1, 2), {"c": c(1.0)}, (1, 2), {}), ((1, 2), {}, (1, 2), {"c": c(1.0)}), ((5,), {}, (8, 5), {}),
        (({"a": c(1), "b": c(1)},), {}, (c(1), 5), {}), (((c(1), c(2)),), {}, (c(1), 5), {}),
        ((5,), {}, (c(6), 5), {}), ((1, 2), {}, (1, 2), {"x": 3}), ((c(1),), {}, (c(1.0), 5), {}),
    ]  # fmt: skip
    return [
        refused(lambda: function.get_concrete_function(*args, **kwargs)(*given, **named))  # noqa: B023 (called now)
        for args, kwargs, given, named in cases
    ]


@program
def missing_constraints(tf):
    typed = tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    functions = [
        lambda a, b: a, lambda a, b, *more: a, lambda a, b, c=4, **more: a, lambda a, *, b: a,
        functools.partial(lambda a, b, c: a, 1),
    ]  # fmt: skip
    fine = typed(lambda a, d=4, **more: a + d), typed(functools.partial(lambda a, b, d=4: a + b + d, 1, d=5))
    return [[refused(lambda f=f: typed(f)(1)) for f in functions], told([f(tf.constant(1)) for f in fine])]


@program
def defaults_under_a_signature(tf):
    def f(a, training=True):
        if training:
            return a
        else:
            return -1.0 * a

    f = tf.function(f, input_signature=[tf.TensorSpec([]), tf.TensorSpec([], tf.bool)])
    a = tf.constant(1.0)
    return told([f(a), f(a, training=True), f(a, training=False), f(a=a)])


@program
def changed_arguments(tf):
    c = tf.constant

    def listed(change):
        def f(items):
            change(items)

        return refused(lambda: tf.function(f)([c(0.0), c(1.0)]))

    def mapped(change):
        def f(items):
            change(items)

        return refused(lambda: tf.function(f)({"a": c(0.0), "b": c(1.0)}))

    def nested(items):
        items[0].append(items[1].pop(0))

    return [
        [listed(f) for f in (lambda x: x.append(c(0.0)), lambda x: x.extend([c(0.0)]), lambda x: x.insert(0, c(0.0)),
                             lambda x: x.reverse(), lambda x: x.clear(), lambda x: x.__setitem__(0, c(2.0)), len)],
        [mapped(f) for f in (lambda x: x.clear(), lambda x: x.update({"a": c(3.0)}), lambda x: x.setdefault("c", 1),
                             lambda x: x.popitem(), lambda x: x.get("a"))],
        refused(lambda: tf.function(nested)([[c(0.0)], [c(1.0), c(2.0)]])),
    ]  # fmt: skip


@program
def arguments_that_are_no_arguments(tf):
    import weakref

    class Thing:
        pass

    thing = Thing()
    return [
        refused(lambda: tf.function(1)), refused(lambda: tf.function(lambda x: 1)(weakref.ref(thing))),
        refused(lambda: tf.function(lambda **k: 1)(**{"a_b": 1, "a/b": 2})),
    ]  # fmt: skip


@program
def names_of_inputs(tf):
    spec = tf.TensorSpec(None)
    f = tf.function(lambda x, **more: x[0] + x[1] + x[2] + more["d"])
    trace = f.get_concrete_function((spec, spec, spec), d=spec)
    named = tf.function(lambda x: x)
    one = named.get_concrete_function(tf.TensorSpec([], name="y"))
    two = named.get_concrete_function(tf.TensorSpec([], name="z"))
    c = tf.constant
    return told([
        trace(x=c(1.0), x_1=c(2.0), x_2=c(3.0), d=c(4.0)), trace(c(1.0), c(2.0), c(3.0), c(4.0)), one(y=c(1.0)),
        two(z=c(2.0)), one.structured_input_signature[0][0].name, two.structured_input_signature[0][0].name,
    ])  # fmt: skip


@program
def one_trace_for_variables_of_a_type(tf):
    traces = []

    @tf.function
    def double(x, y):
        traces.append(1)
        x.assign_add(y.read_value())
        with tf.GradientTape() as tape:
            z = tf.cond(x > 3.0, lambda: x * x * y, lambda: x + y)
        return z, tape.gradient(z, [x, y])

    found = []
    for values in ((1.0, 2.0), (4.0, 5.0), (0.5, 1.0)):
        pair = [tf.Variable(value) for value in values]
        found.append([told(double(*pair)), told(pair), len(traces)])
    same = tf.Variable(3.0)
    return [found, told(double(same, same)), len(traces)]


@dataclasses.dataclass
class Masked:
    mask: list
    value: object

    def __tf_flatten__(self):
        return (self.mask,), (self.value,)

    @classmethod
    def __tf_unflatten__(cls, metadata, leaves):
        return cls(metadata[0], leaves[0])


@program
def objects_that_say_how_they_come_apart(tf):
    traces = []

    @tf.function
    def f(x, y):
        traces.append(1)
        return Masked(x.mask + y.mask, x.value * y.value)

    def masked(mask, value):
        return Masked(mask, tf.constant(value))

    pairs = [([True], [False]), ([True], [True]), ([True], [False])]
    found = [f(masked(a, [2.0]), masked(b, [3.0])) for a, b in pairs]
    doubled = tf.nest.map_structure(lambda x: x * 2, Masked([1], tf.constant(4.0)))
    flat = tf.nest.flatten([Masked([1], 5), {"a": Masked([2], 6)}])
    return [[m.mask, told(m.value)] for m in [*found, doubled]], flat, len(traces)


@program
def warnings_of_many_traces(tf):
    class Kept(logging.Handler):
        def emit(self, record):
            kept.append("Tracing is expensive" in record.getMessage())

    kept = []
    handler, logger = Kept(), tf.get_logger()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel("WARNING")
    try:
        f = tf.function(lambda x: x)
        g = tf.function(lambda y: y + 1)
        for i in range(4):
            f(i), g(0)
        few = list(kept)
        for i in range(4, 10):
            f(i), g(0)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    return [few, kept]


@program
def creators_of_variables(tf):
    made = []

    def creator(next_creator, **kwargs):
        made.append(kwargs["name"])
        return next_creator(**kwargs)

    def other(next_creator, **kwargs):
        return next_creator(**{**kwargs, "initial_value": 5.0})

    with tf.variable_creator_scope(other), tf.variable_creator_scope(creator):
        v = tf.Variable(1.0, name="v")
    return [made, told(v), told(tf.Variable(1.0))]


@program
def types_of_functions(tf):
    kinds = tf.types.experimental
    f = tf.function(lambda x: x)
    trace = f.get_concrete_function(tf.constant(1.0))
    classes = kinds.Callable, kinds.GenericFunction, kinds.PolymorphicFunction, kinds.ConcreteFunction
    return [[isinstance(each, c) for c in classes] for each in (f, trace, len)]


# Errors of control flow.


@program
def branches_that_do_not_fit(tf):
    c = tf.constant

    def of(one, two):
        return refused(lambda: tf.function(lambda p: tf.cond(p, lambda: one, lambda: two))(c(True)))

    return [
        of(c(1), c(2.0)), of((c(1),), c(1)), of({"a": c(1)}, {"b": c(1)}), of([c(1)], (c(1),)), of(c(1), c(2)),
        refused(lambda: tf.function(lambda: tf.cond(True, lambda: 1, lambda: 2))()),
        refused(lambda: tf.cond(None, lambda: 1, lambda: 2)),
    ]  # fmt: skip


@program
def cases_that_do_not_fit(tf):
    c = tf.constant

    def one():
        return c(1)

    def exclusive(x):
        return tf.case([(x < 5, one), (x < 10, lambda: c(2))], default=lambda: c(3), exclusive=True)

    def without(x):
        return tf.case([(x < 5, one), (x > 10, lambda: c(2))])

    return [
        [[refused(lambda f=f, v=v, way=way: way(f)(c(v))) for v in (3, 7, 20)] for f in (exclusive, without)
         for way in (lambda f: f, tf.function)],
        [refused(lambda pairs=pairs: tf.case(pairs)) for pairs in ([c(True)], 3)],
        [refused(lambda fns=fns: tf.switch_case(c(0), fns)) for fns in ([one, 3], {0: one, 2: one}, {"a": one}, 3, [])],
        refused(lambda: tf.while_loop(lambda x: x < 8, lambda x: (x + x,), [c(1)], parallel_iterations=0)),
    ]  # fmt: skip


# AutoGraph and batches.


@program
def comparisons_in_a_chain(tf):
    def between(x):
        return 0 < x < 5

    f = tf.function(between)
    return told([f(tf.constant(3)), f(tf.constant(7))])


@program
def sorted_tensors(tf):
    def f(x):
        return sorted(x), sorted(x, reverse=True), sorted(x, key=lambda v: -v * v)

    return told(tf.function(f)(tf.constant([3, -1, 2])))


@program
def conditions_that_are_no_truth_values(tf):
    def branch(x):
        if x:
            return tf.constant(1)
        return tf.constant(2)

    def loop(x):
        while x:
            x = x - 1
        return x

    def of(f, value):
        return refused(lambda: tf.function(f)(tf.constant(value)))

    return [[of(branch, value) for value in (3, 0.5, "a", [True], [True, False])], of(loop, 3)]


@program
def conditions_in_a_batch(tf):
    x = tf.constant([1.0, 2.0, 5.0])
    return told([
        tf.vectorized_map(lambda v: tf.cond(v > 1.5, lambda: v * 10, lambda: v), x),
        tf.vectorized_map(lambda v: tf.while_loop(lambda a: a < 20.0, lambda a: [a * 2.0], [v])[0], x),
        tf.vectorized_map(lambda v: (v, None, {"a": v * 2}), x),
        tf.vectorized_map(lambda pair: pair[0] + pair[1], (x, tf.constant([10.0]))),
    ])  # fmt: skip


@program
def a_derivative_of_ones_own_with_keywords(tf):
    @tf.custom_gradient
    def f(x, *, k=2.0):
        return x * k, lambda dy: dy * k * 10

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, k=3.0)
    return told([y, tape.gradient(y, x)])


# Rows of a table, for a batch of which the size is not known: their gradient is used as a whole tensor.

TABLE = np.arange(28.0).reshape(7, 4).astype("float32") / 10
TAKEN = {
    "gather": lambda tf, v, i: tf.gather(v, i),
    "columns": lambda tf, v, i: tf.gather(v, i, axis=1),
    "embedding": lambda tf, v, i: tf.nn.embedding_lookup(v, i),
    "short rows": lambda tf, v, i: tf.nn.embedding_lookup(v, i, max_norm=1.0),
    "each from its own": lambda tf, v, i: tf.gather(tf.gather(v, i), i % 3, batch_dims=1),
    "coordinates of rows": lambda tf, v, i: tf.gather_nd(v, i[:, :1]),
    "of elements": lambda tf, v, i: tf.gather_nd(v, tf.stack([tf.range(tf.shape(i)[0]), i[:, 1]], 1)),
    "of each one's": lambda tf, v, i: tf.gather_nd(tf.gather(v, i), i[:, :1] % 3, batch_dims=1),
}


@program
def rows_for_a_batch_of_any_size(tf):
    def of(taken, shape):
        v = tf.Variable(TABLE)

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.int32)])
        def step(i):
            with tf.GradientTape() as tape:
                y = taken(tf, v, i)
                loss = tf.reduce_sum(y * y)
            return y, tf.convert_to_tensor(tape.gradient(loss, v)) - v

        return [step(tf.constant(i)) for i in ([[1, 2, 3], [3, 3, 0]], [[2, 1, 0]])]

    return told([of(taken, shape) for taken in TAKEN.values() for shape in ([None, 3], [None, None])])


@program
def shapes_said_by_sizes(tf):
    def of(f, *shape):
        return f.get_concrete_function(tf.TensorSpec(shape)).structured_outputs.shape.as_list()

    made = [
        lambda x: tf.reshape(x, (tf.shape(x)[0], 3, 8)),
        lambda x: tf.reshape(x, (tf.shape(x)[0], 24)),
        lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], 4, 6])),
        lambda x: tf.reshape(x, [tf.shape(x)[0] * 6, 4]),
        lambda x: tf.broadcast_to(x[:, :1], tf.shape(x)),
        lambda x: tf.zeros((tf.shape(x)[0], 3)),
        lambda x: tf.fill([tf.shape(x)[0], 5], 1.0),
        lambda x: tf.gather(x[0], tf.range(tf.shape(x)[0])),
    ]
    return [of(tf.function(f), None, 6, 4) for f in made]


@program
def conditions_that_are_known(tf):
    smart_cond = tf.__internal__.smart_cond.smart_cond

    def branches(pred, called):
        one, two = (lambda: called.append(1) or tf.constant(1.0)), (lambda: called.append(2) or tf.constant(2.0))
        return smart_cond(pred, one, two)

    def of(pred):
        called = []

        results = [refused(lambda: branches(pred, called)), refused(tf.function(lambda: branches(pred, called)))]
        return results, called

    asked = []
    unknown = tf.function(lambda x: branches(x, asked))
    return told([
        [of(pred) for pred in (True, False, 1, 0, 2, None, "a", tf.constant(True), tf.constant(0))],
        unknown(tf.constant(False)), asked,
        [refused(lambda given=given: smart_cond(True, *given)) for given in ((), (1, 2))],
    ])  # fmt: skip


@program
def how_many_rounds_at_once(tf):
    def of(number):
        return tf.while_loop(lambda i: i < 3, lambda i: (i + 1,), [tf.constant(0)], parallel_iterations=number)

    return [told([of(number) for number in (1, True, 1.5, tf.constant(2))]),
            [refused(lambda number=number: of(number)) for number in (0, None, "a", tf.constant(0))]]  # fmt: skip


if __name__ == "__main__":
    import os

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import tensorflow

    RECORDED.write_text(
        "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(p(tensorflow))}" for k, p in PROGRAMS.items()) + "\n}\n"
    )
