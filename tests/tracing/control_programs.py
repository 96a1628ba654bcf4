"""Programs with `cond`, `while_loop`, `scan`, `TensorArray`, ...: `PROGRAMS[name]` is a function (tf, x, w) of tensors.

`python control_programs.py`, with real TensorFlow installed, records their values and derivatives.
"""

import json
import pathlib

RECORDED = pathlib.Path(__file__).with_name("control_recorded.json")
PROGRAMS = {}
X, W = [0.5, -0.3, 0.2], 1.3


def program(function):
    PROGRAMS[function.__name__] = function
    return function


# What is computed of each program: `function` is it or its tf.function.


def value(tf, function, args):
    return [function(*args)]


def gradient(tf, function, args):
    with tf.GradientTape() as tape:
        tape.watch(args)
        y = function(*args)
    return tape.gradient(y, args, unconnected_gradients="zero")


def second(tf, function, args):
    with tf.GradientTape() as outer:
        outer.watch(args)
        found = [tf.convert_to_tensor(g) for g in gradient(tf, function, args)]
        total = tf.add_n([tf.reduce_sum(tf.sin(g)) for g in found])
    return [tf.convert_to_tensor(g) for g in outer.gradient(total, args, unconnected_gradients="zero")]


def forward(tf, function, args):
    with tf.autodiff.ForwardAccumulator(args, [tf.ones_like(a) for a in args]) as accumulator:
        y = function(*args)
    return [accumulator.jvp(y, unconnected_gradients="zero")]


MEASURES = [value, gradient, second, forward]


@program
def cond_taken(tf, x, w):
    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.sin(x) * w * w, lambda: x)


@program
def cond_not_taken(tf, x, w):
    return tf.cond(tf.reduce_sum(x) > 9.0, lambda: tf.sin(x) * w * w, lambda: x * x * x)


@program
def case(tf, x, w):
    total = tf.reduce_sum(x)
    return tf.case([(total > 9.0, lambda: x), (total > 0.1, lambda: w * x * x)], default=lambda: w + x)


@program
def switch_case(tf, x, w):
    return tf.switch_case(tf.cast(w, tf.int32), [lambda: x, lambda: w * x * x, lambda: w + x])


@program
def while_loop(tf, x, w):
    return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.sin(a) * w + x * a), (0, x))[1]


@program
def no_round(tf, x, w):
    return tf.while_loop(lambda i, a: i < 0, lambda i, a: (i + 1, tf.sin(a) * w + x * a), (0, x))[1]


@program
def data_decides_how_many_rounds(tf, x, w):
    return tf.while_loop(lambda a: tf.reduce_sum(a) < 20.0, lambda a: (a * a + w,), (x,))[0]


@program
def maximum_iterations(tf, x, w):
    return tf.while_loop(lambda a: True, lambda a: (tf.sin(a) * w,), (x,), maximum_iterations=3)[0]


@program
def loops_in_loops(tf, x, w):
    def inner(j, b):
        return j + 1, tf.cond(b[0] > 0.0, lambda: tf.exp(-b) * w, lambda: b * b * x)

    def body(i, a):
        return i + 1, tf.while_loop(lambda j, b: j < i, inner, (0, a))[1] + x

    return tf.while_loop(lambda i, a: i < 3, body, (0, x))[1]


@program
def a_shape_that_grows(tf, x, w):
    def body(i, a):
        return i + 1, tf.concat([a, tf.sin(a[-2:]) * w], 0)

    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    return tf.while_loop(lambda i, a: i < 3, body, (0, x), shape_invariants=shapes)[1]


@program
def structures(tf, x, w):
    def body(i, state):
        return i + 1, {"a": state["b"][0] * w, "b": (state["a"] + x, state["b"][1] * 2.0)}

    state = tf.while_loop(lambda i, s: i < 3, body, (0, {"a": x, "b": (w * x, w)}))[1]
    return state["a"] * state["b"][0] + state["b"][1]


@program
def matrices_that_do_not_change(tf, x, w):
    m = tf.linalg.diag(x) + w
    return tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, tf.tanh(tf.linalg.matvec(m, a))), (0, x))[1]


@program
def scan(tf, x, w):
    return tf.scan(lambda a, r: tf.sin(a) * w + r, x)


@program
def scan_backwards(tf, x, w):
    return tf.scan(lambda a, r: tf.sin(a) * w + r, x, initializer=w, reverse=True)


@program
def scan_of_structures(tf, x, w):
    a, b = tf.scan(lambda a, r: (a[0] * r[0], a[1] + r[1] * a[0]), (x, tf.cos(x)), initializer=(w, w * w))
    return a * b


@program
def foldl(tf, x, w):
    return tf.foldl(lambda a, r: tf.sin(a) * w + r, x)


@program
def foldr(tf, x, w):
    return tf.foldr(lambda a, r: tf.sin(a) * w + r, x)


@program
def map_fn(tf, x, w):
    return tf.map_fn(lambda r: tf.sin(r) * w, x)


@program
def map_fn_of_structures(tf, x, w):
    a, b = tf.map_fn(lambda r: (r[0] * r[1], r[0] + w), (x, tf.exp(x)), fn_output_signature=(tf.float32, tf.float32))
    return a * b


@program
def tensor_array_in_a_loop(tf, x, w):
    def body(i, h, array):
        h = tf.sin(h) * x[i]
        return i + 1, h, array.write(i, h * w)

    return tf.while_loop(lambda i, h, a: i < 3, body, (0, w, tf.TensorArray(tf.float32, 3)))[2].stack()


@program
def tensor_array_that_grows(tf, x, w):
    rows = tf.TensorArray(tf.float32, 3).unstack(x)

    def body(i, h, array):
        h = tf.sin(h) * rows.read(i)
        return i + 1, h, array.write(i, tf.stack([h * w, h]))

    array = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    return tf.while_loop(lambda i, h, a: i < 3, body, (0, w, array))[2].concat()


@program
def tensor_array_by_hand(tf, x, w):
    array = tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(tf.stack([x, x * w, w - x, x]))
    array = array.write(1, x * x).scatter([3, 0], tf.stack([x, w * x]))
    return array.gather([0, 1, 3]) * array.read(2) + tf.reduce_sum(array.concat())


@program
def a_recurrent_network(tf, x, w):
    kernel = tf.linalg.diag(x) * w
    inputs = tf.sin(tf.reshape(tf.range(12.0), [4, 1, 3]) * w)

    def step(i, h, outputs):
        h = tf.tanh(inputs[i] @ kernel + h * x)
        return i + 1, h, outputs.write(i, h)

    state = (0, tf.zeros([1, 3]), tf.TensorArray(tf.float32, 4))
    return tf.transpose(tf.while_loop(lambda i, *_: i < 4, step, state)[2].stack(), [1, 0, 2])


def measured(tf, function, wrap, measure):
    args = [tf.constant(X), tf.constant(W)]
    found = measure(tf, wrap(lambda x, w: function(tf, x, w)), args)
    return [tf.convert_to_tensor(t).numpy().tolist() for t in found]


if __name__ == "__main__":
    import tensorflow

    assert hasattr(tensorflow, "raw_ops"), "this is not the real TensorFlow"
    lines = []
    for name, function in PROGRAMS.items():
        found = {}
        for measure in MEASURES:
            try:
                found[measure.__name__] = measured(tensorflow, function, tensorflow.function, measure)
            except Exception as error:
                print(name, measure.__name__, "eager instead, for in a function:", repr(error)[:80])
                found[measure.__name__] = measured(tensorflow, function, lambda f: f, measure)
        lines.append(f"{json.dumps(name)}: {json.dumps(found)}")
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
