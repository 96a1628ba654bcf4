"""Programs in the manner of TensorFlow's tutorials: `PROGRAMS[name](tf, say)` says line after line.

`python -m tracing.tutorial_programs` in `tests`, with real TensorFlow installed, records the lines.
"""

import pathlib

import numpy as np

from tracing.said import raises, record

RECORDED = pathlib.Path(__file__).with_name("tutorial_recorded.json")
PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


@program
def objects_with_a_trace_type_of_their_own(tf, say):
    class Kind(tf.types.experimental.TraceType):
        def __init__(self, of, width=1):
            self.of, self.width = of, width

        def is_subtype_of(self, other):
            return type(other) is Kind and self.of is other.of and self.width <= other.width

        def most_specific_common_supertype(self, others):
            return max([self, *others], key=lambda kind: kind.width)

        def placeholder_value(self, placeholder_context):
            return self.of(self.width, "placeholder")

        def __eq__(self, other):
            return type(other) is Kind and (self.of, self.width) == (other.of, other.width)

        def __hash__(self):
            return hash((self.of, self.width))

    class Fruit:
        def __init__(self, width=1, name="given"):
            self.width, self.name = width, name

        def __tf_tracing_type__(self, context):
            return Kind(type(self), self.width)

    class Apple(Fruit):
        flavour = tf.constant([1, 2])

    class Mango(Fruit):
        flavour = tf.constant([3, 4])

    @tf.function
    def mixed(a, b, scale=1):
        say("tracing", type(a).__name__, a.name, a.width, type(b).__name__, b.name, b.width)
        return (a.flavour + b.flavour) * scale

    say(mixed(Apple(), Mango()), mixed(Apple(), Mango()))
    say(mixed(Mango(), Mango()))
    say(mixed(Apple(3), Mango()), mixed(Apple(2), Mango()), mixed(Apple(4), Mango()))
    say(mixed(Apple(), b=Mango(), scale=2))
    say(mixed.experimental_get_tracing_count())
    say(isinstance(Apple(), tf.types.experimental.SupportsTracingProtocol), isinstance(mixed, Fruit))

    class Incomplete(tf.types.experimental.TraceType):
        def is_subtype_of(self, other):
            return True

    raises(say, Incomplete)

    class Wrong:
        def __tf_tracing_type__(self, context):
            return 3

    raises(say, mixed, Wrong(), Mango())


@program
def types_of_functions(tf, say):
    types = tf.types.experimental
    f = tf.function(lambda x: x)
    concrete = f.get_concrete_function(tf.constant(1.0))
    for value in (f, concrete, len):
        say([isinstance(value, t) for t in (
            types.Callable, types.GenericFunction, types.PolymorphicFunction, types.ConcreteFunction
        )])  # fmt: skip
    say([isinstance(v, types.TensorLike) for v in (1, 2.0, "a", [1], np.ones(3), tf.constant(1), {1: 2}, None)])


@program
def a_concrete_function_of_its_tensors_only(tf, say):
    class Model:
        weight, bias = 2.0, 0.0

    def evaluate(model, x, y=3.0):
        return model.weight * x + model.bias + y

    model = Model()
    without = tf.function(evaluate).get_concrete_function(model, tf.constant(10.0))
    model.bias = 5.0
    with_bias = tf.function(evaluate).get_concrete_function(model, tf.constant(10.0), tf.constant(1.0))
    say(without(tf.constant(10.0)), without(x=tf.constant(3.0)), without(model, tf.constant(4.0), 3.0))
    say(with_bias(tf.constant(10.0), tf.constant(0.0)), with_bias(x=tf.constant(1.0), y=tf.constant(2.0)))
    raises(say, without, Model(), tf.constant(4.0))
    raises(say, without, tf.constant(4.0), tf.constant(4.0))
    raises(say, without, 1.0)
    raises(say, without)
    raises(say, without, tf.constant(1))


@program
def signatures_in_the_order_of_tracing(tf, say):
    @tf.function
    def my_relu(x):
        return tf.maximum(0.0, x)

    say(my_relu(tf.constant(5.5)), my_relu([1, -1]), my_relu(tf.constant([3.0, -3.0])))
    say(my_relu(tf.constant([[1.0]])), my_relu(tf.constant(-2.5)))
    say(my_relu.pretty_printed_concrete_signatures())


@program
def a_rank_that_is_not_known(tf, say):
    @tf.function
    def power(a, b):
        return a**b

    square = power.get_concrete_function(a=tf.TensorSpec(None, tf.float32), b=2)
    say("\n".join(str(square).splitlines()[:7]))
    say(square(tf.constant(10.0)), square(tf.constant([[1.0, 3.0]])))


@program
def an_argument_that_does_not_fit_the_signature(tf, say):
    @tf.function(input_signature=(tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32)))
    def f(x, y):
        return x

    for args in [(tf.constant([[1, 2]]), 1.0), (tf.constant([1.0]), 1.0), (tf.constant([1]), tf.constant([2.0]))]:
        try:
            f(*args)
        except TypeError as error:
            say(error)


@program
def the_code_that_autograph_makes(tf, say):
    def simple_relu(x):
        return x if tf.greater(x, 0) else 0

    say(tf.autograph.to_code(simple_relu).splitlines()[0])


@program
def python_code_below_a_decorator(tf, say):
    calls = []

    @tf.numpy_function(Tout=[tf.float32, tf.int32])
    def step(action):
        """Says what happens next."""
        calls.append(int(action))
        return np.array([action, 1], np.float32), np.array(len(calls), np.int32)

    @tf.py_function(Tout=tf.float32)
    def scaled(x, y):
        return x * y * y

    say(step.__name__, step.__doc__, *step(tf.constant(3)))
    say(scaled(tf.constant(2.0), tf.constant(3.0)))

    @tf.function
    def episode(n):
        total = tf.zeros([2])
        for t in tf.range(n):
            state, count = step(t)
            state.set_shape([2])
            total += state
        return scaled(total, 2.0)

    say(episode(tf.constant(4)), calls)
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = scaled(x, 2.0)
    say(tape.gradient(y, x))
    for name in ("py_function", "numpy_function"):
        operation = getattr(tf, name)
        for args, kwargs in [((len,), {}), ((len, [x]), {}), ((len,), {"Tout": tf.int32})]:
            raises(say, operation, *args, **kwargs)
        raises(say, lambda made: made(x=x), operation(Tout=tf.float32)(lambda x: x))


@program
def an_episode_of_an_environment(tf, say):
    class Environment:
        def step(self, action):
            self.steps += 1
            return np.array([np.sin(self.steps), action, 0.3]), 1.0 + self.steps % 2, self.steps >= 7

    environment = Environment()

    @tf.numpy_function(Tout=[tf.float32, tf.int32, tf.int32])
    def step(action):
        state, reward, done = environment.step(action)
        return state.astype(np.float32), np.array(reward, np.int32), np.array(done, np.int32)

    weights = tf.Variable(tf.reshape(tf.range(6.0), [3, 2]) / 10.0)

    def run_episode(state, limit):
        probabilities = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        rewards = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        shape = state.shape
        for t in tf.range(limit):
            p = tf.nn.softmax(tf.expand_dims(state, 0) @ weights)
            action = tf.argmax(p, axis=1)[0]
            probabilities = probabilities.write(t, p[0, action])
            state, reward, done = step(action)  # numbers, of a rank that nobody says
            state.set_shape(shape)
            rewards = rewards.write(t, reward)
            if tf.cast(done, tf.bool):
                break
        return probabilities.stack(), rewards.stack()

    def expected_return(rewards, gamma):
        n = tf.shape(rewards)[0]
        returns = tf.TensorArray(tf.float32, size=n)
        rewards = tf.cast(rewards[::-1], tf.float32)
        total = tf.constant(0.0)
        shape = total.shape
        for i in tf.range(n):
            total = rewards[i] + gamma * total
            total.set_shape(shape)
            returns = returns.write(i, total)
        return returns.stack()[::-1]

    @tf.function
    def train_step(state, gamma, limit):
        with tf.GradientTape() as tape:
            p, rewards = run_episode(state, limit)
            loss = -tf.reduce_sum(tf.math.log(p) * expected_return(rewards, gamma))
        weights.assign_sub(0.01 * tape.gradient(loss, weights))
        return tf.reduce_sum(rewards), loss

    for limit in (100, 100, 3):
        environment.steps = 0
        reward, loss = train_step(tf.constant([0.1, -0.2, 0.3]), 0.9, limit)
        say(reward, np.round(loss, 3), environment.steps)
    say(np.round(weights, 3).tolist())


@program
def variables_made_in_a_loop(tf, say):
    class Cell(tf.Module):
        def __init__(self):
            self.w = self.count = None

        def __call__(self, x, state):
            if self.w is None:
                self.w = tf.Variable(tf.ones([x.shape[-1], 3]) * tf.constant(2.0), name="w")
                self.count = tf.Variable(0, trainable=False)
            self.count.assign_add(1)
            state = state + tf.matmul(x, self.w)
            return tf.nn.relu(state), state

    class RNN(tf.Module):
        def __init__(self):
            self.cell = Cell()

        @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
        def __call__(self, data):
            data = tf.transpose(data, [1, 0, 2])
            steps, size = tf.shape(data)[0], tf.shape(data)[1]
            outputs = tf.TensorArray(tf.float32, steps)
            state = tf.zeros([size, 3])
            for i in tf.range(steps):
                output, state = self.cell(data[i], state)
                outputs = outputs.write(i, output)
            return tf.transpose(outputs.stack(), [1, 0, 2]), state

    rnn = RNN()
    with tf.GradientTape() as tape:
        outputs, state = rnn(tf.ones([2, 4, 3]))
        loss = tf.reduce_sum(outputs)
    say(outputs.shape, state, len(rnn.variables), rnn.cell.count.numpy())
    say(tape.gradient(loss, rnn.cell.w))
    say(rnn(tf.ones([1, 2, 3]))[1], rnn.cell.count.numpy())

    holder = Cell()

    @tf.function
    def inner(x):
        if holder.w is None:
            holder.w = tf.Variable(4.0)
        return x * holder.w

    @tf.function
    def outer(x):
        while tf.reduce_sum(x) < 100.0:
            x = inner(x)
        return x

    say(outer(tf.constant(3.0)), holder.w.numpy())

    @tf.function
    def again(x):
        for _ in tf.range(3):
            x = x * tf.Variable(3.0)
        return x

    raises(say, again, tf.constant(1.0))


if __name__ == "__main__":
    record(PROGRAMS, RECORDED)
