"""Programs in the manner of TensorFlow's guides to tf.function: `PROGRAMS[name](tf, say)` says line after line.

`python -m tracing.guide_programs` in `tests`, with real TensorFlow installed, records the lines.
"""

import copy
import gc
import inspect
import pathlib
import pickle
import tempfile
import traceback
import weakref

import numpy as np

from tracing.said import raises, record

RECORDED = pathlib.Path(__file__).with_name("guide_recorded.json")
PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def doubled(x):
    return x * 2


class printed:
    """Where tf.print writes to, to be said at the end."""

    def __init__(self, say):
        self.say = say

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile()
        return f"file://{self.file.name}"

    def __exit__(self, *args):
        self.say(pathlib.Path(self.file.name).read_text())
        self.file.close()


@program
def a_function_is_an_operation(tf, say):
    @tf.function
    def add(a, b):
        return a + b

    say(add(tf.ones([2, 2]), tf.ones([2, 2])))
    v = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        result = add(v, 1.0)
    say(tape.gradient(result, v))

    @tf.function
    def dense_layer(x, w, b):
        return add(tf.matmul(x, w), b)

    say(dense_layer(tf.ones([3, 2]), tf.ones([2, 2]), tf.ones([2])))


@program
def what_python_sees_while_tracing(tf, say):
    @tf.function
    def double(a):
        say("Tracing with", a)
        return a + a

    say(double(tf.constant(1)))
    say(double(tf.constant(1.1)))
    say(double(tf.constant("a")))
    say(double(tf.constant("b")))


@program
def signatures_as_text(tf, say):
    @tf.function
    def double(a, b=2, *, c=None):
        return a + a, {"half": a}

    double(tf.constant(1.0))
    double(tf.constant([1, 2]), 3)
    say(double.pretty_printed_concrete_signatures())
    say(double.get_concrete_function(tf.constant(1.0)).pretty_printed_signature())


@program
def an_input_signature(tf, say):
    @tf.function(input_signature=(tf.TensorSpec(shape=[None], dtype=tf.int32),))
    def next_collatz(x):
        say("Tracing with", x)
        return tf.where(x % 2 == 0, x // 2, 3 * x + 1)

    say(next_collatz(tf.constant([1, 2])))
    say(next_collatz(tf.constant([5, 6, 7])))
    raises(say, next_collatz, tf.constant([[1, 2], [3, 4]]))
    raises(say, next_collatz, tf.constant([1.0, 2.0]))


@program
def python_arguments_and_tensor_arguments(tf, say):
    @tf.function
    def train(num_steps):
        say("Tracing with num_steps =", num_steps)
        total = 0
        for i in tf.range(num_steps):
            total += i
        return total

    for n in (10, 20, 10, tf.constant(10), tf.constant(20)):
        say(train(num_steps=n))


@program
def concrete_functions(tf, say):
    @tf.function
    def double(a):
        say("Tracing", a.shape, a.dtype)
        return a + a

    text = double.get_concrete_function(tf.constant("a"))
    say(text(tf.constant("a")), text(a=tf.constant("b")))
    same = double.get_concrete_function(tf.TensorSpec(shape=[], dtype=tf.string))
    say(same is text, same(tf.constant("c")))
    say(text.structured_input_signature)
    say(text.structured_outputs)
    say([tuple(i.shape) for i in text.inputs], [o.dtype for o in text.outputs], len(text.captured_inputs))
    raises(say, text, tf.constant(1))
    raises(say, text)
    raises(say, text, tf.constant("a"), tf.constant("b"))

    @tf.function
    def power(a, b):
        return a**b

    square = power.get_concrete_function(a=tf.TensorSpec(None, tf.float32), b=2)
    say(square(tf.constant(10.0)), square(tf.constant(10.0), b=2), square(tf.constant(3.0), 2))
    raises(say, square, tf.constant(10.0), b=3)


@program
def captured_inputs(tf, say):
    v, c = tf.Variable([1.0, 2.0]), tf.constant([3.0, 4.0])

    @tf.function
    def f(x):
        return {"out": (x * v + c, None)}

    concrete = f.get_concrete_function(tf.TensorSpec([2]))
    say(len(concrete.captured_inputs), len(concrete.inputs), [u is v for u in concrete.variables])
    say(concrete.structured_outputs)
    say(concrete(tf.ones([2]))["out"][0])
    say(type(concrete.graph).__name__, concrete.graph.name[:1] == "f" or concrete.graph.name)


@program
def loops_and_conditions(tf, say):
    @tf.function
    def f(x):
        while tf.reduce_sum(x) > 1:
            x = tf.tanh(x)
        return x

    say(np.round(f(tf.constant([0.9, 0.8, 0.7])).numpy(), 5))

    with printed(say) as stream:

        @tf.function
        def fizzbuzz(n):
            for i in tf.range(1, n + 1):
                if i % 15 == 0:
                    tf.print("FizzBuzz", output_stream=stream)
                elif i % 3 == 0:
                    tf.print("Fizz", output_stream=stream)
                elif i % 5 == 0:
                    tf.print("Buzz", output_stream=stream)
                else:
                    tf.print(i, output_stream=stream)

        fizzbuzz(tf.constant(15))


@program
def values_collected_in_a_loop(tf, say):
    def rnn_step(inputs, state):
        return inputs + state

    @tf.function
    def dynamic_rnn(input_data, initial_state):
        input_data = tf.transpose(input_data, [1, 0, 2])
        max_seq_len = input_data.shape[0]
        states = tf.TensorArray(tf.float32, size=max_seq_len)
        state = initial_state
        for i in tf.range(max_seq_len):
            state = rnn_step(input_data[i], state)
            states = states.write(i, state)
        return tf.transpose(states.stack(), [1, 0, 2])

    say(dynamic_rnn(tf.reshape(tf.range(12.0), [2, 3, 2]), tf.zeros([2, 2])))


@program
def side_effects(tf, say):
    kept = []
    with printed(say) as stream:

        @tf.function
        def f(x):
            say("Traced with", x)
            kept.append(1)
            tf.print("Executed with", x, output_stream=stream)

        for n in (1, 1, 2):
            f(n)
    say(len(kept))

    rows = []

    @tf.function
    def through_python(x):
        return tf.py_function(lambda x: rows.append(x.numpy().item()) or x * 2, [x], tf.int32)

    say(through_python(tf.constant(3)), through_python(tf.constant(4)), rows)

    counter = iter(range(10))

    @tf.function
    def next_of_an_iterator(x):
        return x + next(counter)

    say(next_of_an_iterator(tf.constant(0)), next_of_an_iterator(tf.constant(0)))


@program
def what_is_not_used_is_not_run(tf, say):
    def unused(x):
        tf.gather(x, [1])
        return x

    raises(say, unused, tf.constant([0.0]))
    say(tf.function(unused)(tf.constant([0.0])))


@program
def run_functions_eagerly(tf, say):
    @tf.function
    def mse(y_true, y_pred):
        say("Calculating MSE!")
        return tf.reduce_mean(tf.pow(y_true - y_pred, 2))

    a, b = tf.constant([1, 2, 3]), tf.constant([2, 2, 5])
    for _ in range(2):
        say(mse(a, b))
    tf.config.run_functions_eagerly(True)
    say(tf.config.functions_run_eagerly())
    for _ in range(2):
        say(mse(a, b))
    tf.config.run_functions_eagerly(False)


@program
def leaks(tf, say):
    kept = []

    @tf.function
    def leaky(a):
        kept.append(a + 1)
        return a + 2

    say(leaky(tf.constant(1)))
    raises(say, lambda: kept[0] + 1)
    raises(say, lambda: kept[0].numpy())
    raises(say, tf.function(lambda: kept[0] * 2))
    raises(say, lambda: bool(kept[0]))


@program
def globals_and_attributes(tf, say):
    class Model(tf.Module):
        def __init__(self):
            self.bias = 0.0
            self.weight = tf.Variable(2.0)

    @tf.function
    def evaluate(model, x):
        return model.weight * x + model.bias

    model = Model()
    say(evaluate(model, tf.constant(10.0)))
    model.bias += 5.0
    say(evaluate(model, tf.constant(10.0)))
    model.weight.assign(3.0)
    say(evaluate(model, tf.constant(10.0)))
    say(evaluate(Model(), tf.constant(10.0)))


@program
def variables_are_made_once(tf, say):
    class Count(tf.Module):
        def __init__(self):
            self.count = None

        @tf.function
        def __call__(self):
            if self.count is None:
                self.count = tf.Variable(0)
            return self.count.assign_add(1)

    c = Count()
    say(c(), c(), c.count.numpy(), Count()())

    @tf.function
    def bad(x):
        v = tf.Variable(1.0)
        return v + x

    raises(say, bad, 1.0)

    holder = []

    @tf.function
    def lazily(x):
        if not holder:
            holder.append(tf.Variable(x * 2.0))
            holder.append(tf.Variable(lambda: tf.ones([2])))
        return holder[0] + holder[1] + x

    raises(say, lazily, tf.constant(1.0))

    @tf.function
    def in_init_scope(x):
        if len(holder) < 5:
            with tf.init_scope():
                holder.append(tf.Variable([5.0]))
                holder.extend([0] * 5)
        return [v for v in holder if isinstance(v, tf.Variable)][-1] * x

    say(in_init_scope(tf.constant(2.0)))


@program
def recursion(tf, say):
    traces = []

    @tf.function
    def recursive(n):
        traces.append(n)
        if n > 0:
            return recursive(n - 1)
        return 1

    say(recursive(5), traces)

    def doubled(x, n):
        return x if n == 0 else doubled(x, n - 1) * 2

    say(tf.function(doubled)(tf.constant(1.5), 4))


@program
def scopes_and_dependencies(tf, say):
    v = tf.Variable(0.0)

    @tf.function
    def f(x):
        with tf.init_scope():
            say("eagerly:", tf.executing_eagerly())
        say("eagerly:", tf.executing_eagerly(), tf.inside_function())
        first = v.assign_add(x)
        with tf.control_dependencies([first]):
            y = v * 2.0
        with tf.name_scope("inner"):
            z = y + 1.0
        with tf.device("/CPU:0"):
            v.assign(z)
        return z, tf.gradients(z * x, x)[0], tf.group(first, z) is None

    z, g, _ = f(tf.constant(3.0))
    say(z, g, v.numpy())


@program
def gradients_and_hessians(tf, say):
    @tf.function
    def f(x, y):
        z = tf.reduce_sum(x * x * x * y)
        gx, gy = tf.gradients(z, [x, y])
        stopped = tf.gradients(z, [x], grad_ys=[tf.constant(2.0)], stop_gradients=[y])[0]
        unconnected = tf.gradients(z, [tf.constant(1.0)])[0]
        return gx, gy, stopped, unconnected is None, tf.hessians(z, x)[0]

    for value in f(tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])):
        say(value)
    raises(say, lambda: tf.gradients(tf.constant(1.0), tf.constant(1.0)))


@program
def a_training_step(tf, say):
    w, b = tf.Variable(5.0), tf.Variable(0.0)
    x = tf.linspace(-2.0, 2.0, 21)
    y = 3.0 * x + 2.0

    @tf.function
    def train(x, y, steps, rate):
        loss = tf.constant(0.0)
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(y - (w * x + b)))
            dw, db = tape.gradient(loss, [w, b])
            w.assign_sub(rate * dw)
            b.assign_sub(rate * db)
            if loss < 1e-6:
                break
        return loss

    loss = train(x, y, tf.constant(500), 0.1)
    say(round(w.numpy().item(), 2), round(b.numpy().item(), 2), bool(loss < 1e-6))


@program
def methods_and_modules(tf, say):
    class Dense(tf.Module):
        def __init__(self, n, m):
            self.w, self.b = tf.Variable(tf.ones([n, m])), tf.Variable(tf.zeros([m]))

        @tf.function(input_signature=[tf.TensorSpec([None, 2])])
        def __call__(self, x):
            say("tracing", x.shape)
            return tf.nn.relu(x @ self.w + self.b)

    layer = Dense(2, 3)
    say(layer(tf.ones([1, 2])), layer(tf.ones([2, 2])).shape)
    other = Dense(2, 1)
    say(other(tf.ones([1, 2])))
    with tf.GradientTape() as tape:
        y = layer(tf.ones([4, 2]))
    say([g.shape for g in tape.gradient(y, layer.trainable_variables)])


@program
def errors_name_the_users_line(tf, say):
    @tf.function
    def inner(x, i):
        return tf.gather(x, i)

    def outer(i):
        try:
            inner(tf.constant([1.0, 2.0]), i)
        except tf.errors.InvalidArgumentError:
            return "guide_programs.py" in traceback.format_exc()
        return None

    say(outer(tf.constant(0)), outer(tf.constant(7)))


@program
def structures_of_all_kinds(tf, say):
    import collections

    Pair = collections.namedtuple("Pair", "a b")

    @tf.function
    def f(pair, options, *rest, **named):
        return Pair(pair.b, [pair.a, *rest]), {"named": named["k"], "n": options["n"]}, None

    pair, found, nothing = f(Pair(tf.constant(1), 2), {"n": tf.constant(3.0)}, tf.constant(4), k=tf.constant(5))
    say(type(pair).__name__, pair.a, pair.b, found["named"], found["n"], nothing)


@program
def a_graph_as_data(tf, say):
    v, k = tf.Variable(1.0), tf.constant(3.0)

    @tf.function
    def f(x):
        return tf.maximum(0.0, x * v) + k

    concrete = f.get_concrete_function(tf.constant(1.0))
    say(len(concrete.captured_inputs), len(concrete.inputs))
    nodes = concrete.graph.as_graph_def().node
    say(nodes[0].name, nodes[0].op, list(nodes[0].input))
    say([node.op for node in nodes if node.op in ("Mul", "Maximum", "AddV2")])
    say(tf.function(lambda x: tf.maximum(0.0, x)).get_concrete_function([1, 2]).pretty_printed_signature())


@program
def objects_as_arguments(tf, say):
    import enum
    import functools

    class Thing:
        def method(self, x):
            return x

    class Color(enum.Enum):
        RED, BLUE = 1, 2

    class Point:  # equal by value, and so without a hash
        def __eq__(self, other):
            return True

    @tf.function
    def f(x, thing):
        say("tracing")
        return x

    one, x = Thing(), tf.constant(1)
    for thing in (one, one, Thing(), Thing, Thing, len, len, Color.RED, Color.RED, Color.BLUE, 1, 1.0, True):
        f(x, thing)
    raises(say, f, x, Point())
    raises(say, f, x, {1, 2})
    concrete = f.get_concrete_function(x, one)
    say(concrete(x), concrete(x, one))
    raises(say, concrete, x, Thing())
    gone = weakref.ref(one)
    del one, thing
    gc.collect()
    say("gone:", gone() is None)
    g = tf.function(functools.partial(lambda a, b, c=1: a * b + c, tf.constant(2)))
    say(g(3), g(tf.constant(3), c=2))


@program
def methods_have_the_signature_of_methods(tf, say):
    class Model(tf.Module):
        @tf.function
        def call(self, x, y=2):
            return x + y

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def signed(self, x):
            return x * 2.0

    model = Model()
    say(inspect.signature(model.call), inspect.signature(Model.call), inspect.signature(model.signed))
    say(model.call(1), Model.call(model, 1, y=5), model.call.name, model.signed([1.0]))


@program
def copies(tf, say):
    @tf.function
    def f(x):
        say("tracing")
        return x + 1

    say(copy.deepcopy(f)(1), copy.copy(f)(1), pickle.loads(pickle.dumps(tf.function(doubled)))(2))


@program
def a_seed_that_is_set_again(tf, say):
    tf.random.set_seed(3)

    @tf.function
    def f():
        return tf.random.uniform([2]), tf.random.normal([1], seed=5)

    def rounded():
        return [np.round(t.numpy(), 5).tolist() for t in f()]

    say(rounded(), rounded())
    for seed in (3, 4):
        tf.random.set_seed(seed)
        say(rounded(), rounded())


@program
def a_custom_gradient_of_a_variable(tf, say):
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x):
        def gradient(dy, variables=None):
            say("of variables:", variables is not None)
            return dy * 5.0 * x

        return x * 2.0, gradient

    @tf.function
    def g():
        with tf.GradientTape() as tape:
            y = f(v)
        return y, tape.gradient(y, v)

    say(*g())


@program
def sizes_that_do_not_fit(tf, say):
    def signed(function, *ranks):
        return tf.function(function, input_signature=[tf.TensorSpec([None] * rank) for rank in ranks])

    v = tf.Variable(tf.ones([2]))
    for function, *shapes in [
        (lambda x: tf.reshape(x, [3, 3]), [4]),
        (lambda a, b: a @ b, [2, 3], [2, 3]),
        (lambda a, b: a + b, [2], [3]),
        (lambda a, b: tf.concat([a, b], 0), [2, 3], [2, 4]),
        (lambda a, b: tf.stack([a, b]), [2], [4]),
        (lambda a, b: tf.einsum("ij,jk->ik", a, b), [2, 3], [2, 3]),
        (lambda a, b: tf.where(a > 0, a, b), [2], [3]),
        (lambda a: tf.linalg.cholesky(a), [2, 3]),
        (lambda a: tf.squeeze(a, 0), [2, 3]),
        (lambda a: v.assign(a), [3]),
    ]:
        f = signed(function, *map(len, shapes))
        for _ in range(2):
            try:
                f(*[tf.ones(shape) for shape in shapes])
                say("no error")
            except tf.errors.InvalidArgumentError:
                say("InvalidArgumentError")


if __name__ == "__main__":
    record(PROGRAMS, RECORDED)
