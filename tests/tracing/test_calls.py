"""Functions whose own control flow is Python's: which are told from others, and that they mean what they meant."""

import importlib.util
import subprocess
import sys

import pytest

import tapeflow as tf
from tapeflow.tracing import autograph
from tapeflow.tracing.calls import CALL, with_calls_changed

WEIGHTS = [tf.constant(2.0), tf.constant(3.0)]
COUNT = 3


def clipped(x):
    if x > 5.0:
        return tf.constant(5.0)
    return x


class Layer:
    scale = 4.0

    def __call__(self, x):
        return clipped(x * self.scale)

    def method(self, x, *, more=1.0):
        return clipped(x + self.scale * more)


def over_zip(x):
    for w, number in zip(WEIGHTS, range(2)):
        x = x * w + number
    return x


def over_a_slice(x):
    for w in WEIGHTS[::-1]:
        x = x + w
        if x is None:
            break
    return x


def counted(x):
    for i in range(COUNT):
        x += i
    for i in range(1, 4, 2):
        x += i
    return x


def known_tests(x, y=None):
    y = x if y is None and not isinstance(x, str) else y
    if callable(y) or hasattr(y, "no such"):
        return x
    return x + y


def calls(x):
    layer = Layer()
    return clipped(x * 3.0) + layer(x) + layer.method(x, more=2.0) + layer.method(*[x], **{"more": 3.0})


def builtins(x):
    return tf.cast(len(tf.stack([x, x])), tf.float32) + abs(-x) + max([1.0, 2.0])


def inner(x):
    total = 1.0

    def add(y, *rest, by=0.5):
        nonlocal total
        total = total + clipped(y) * by
        return [clipped(z) for z in rest]

    found = add(x, x, 2 * x)
    return total + sum(found) + (lambda z: clipped(z) + 1.0)(x)


def keywords(x, /, a=1.0, *args, b, **more):
    return clipped(x) + a + sum(args) + b + sum(more.values())


def with_and_try(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = clipped(x * x) * x
    try:
        return tape.gradient(y, x)
    except ValueError:
        raise
    finally:
        del y


def recursive(x, depth=2):
    return x if depth is None else recursive(clipped(x), None)


LIGHT = [over_zip, over_a_slice, counted, known_tests, calls, builtins, inner, with_and_try, recursive]


@pytest.mark.parametrize("function", LIGHT, ids=lambda f: f.__name__)
def test_its_calls_alone_are_changed(function):
    assert autograph.convert(function).__code__.co_filename == __file__  # and not one that was written for it
    traced = tf.function(function)
    for value in (1.0, 4.0, 9.0):
        x = tf.constant(value)
        assert traced(x).numpy() == function(x).numpy()


def test_parameters_of_every_kind():
    traced = tf.function(keywords)
    for value in (1.0, 9.0):
        x = tf.constant(value)
        assert traced(x, b=2.0).numpy() == keywords(x, b=2.0).numpy()
        assert traced(x, 3.0, 4.0, b=5.0, c=6.0).numpy() == keywords(x, 3.0, 4.0, b=5.0, c=6.0).numpy()
    assert CALL in autograph.convert(keywords).__code__.co_freevars


def test_a_method_and_a_callable_object():
    layer = Layer()
    for function in (layer, layer.method, tf.function(layer), tf.function(layer.method)):
        assert [tf.function(function)(tf.constant(v)).numpy() for v in (0.5, 9.0)] == [
            function(tf.constant(v)).numpy() for v in (0.5, 9.0)
        ]


def test_a_closure_is_the_functions_own():
    weights, offset = [tf.Variable(1.0)], 1.0

    def step(x):
        for w in weights:
            x = clipped(x * w) + offset
        return x

    made = autograph.convert(step)
    assert CALL in made.__code__.co_freevars
    assert made(tf.constant(2.0)).numpy() == 3.0
    offset = 2.0
    assert made(tf.constant(2.0)).numpy() == 4.0  # the variable, not its value
    assert made.__name__ == "step" and made.__defaults__ is None


def if_over(x):
    if x > 0:
        x = clipped(x)
    return x


def while_over(x):
    while x < 10:
        x = x * 2
    return x


def for_over(x):
    for row in tf.stack([x, x]):
        x = x + row
    return x


def for_over_an_argument(x):
    total = 0.0
    for row in x[None]:
        total += row
    return total


def range_over(x):
    for i in tf.range(3):
        x += tf.cast(i, tf.float32)
    return x


def pythons_range_over(x):
    for _ in range(tf.cast(x, tf.int32)):
        x = x + 1
    return x


def and_over(x):
    return (x > 0 and x < 5) or x > 7


def not_over(x):
    return tf.constant(not x > 2)


def exp_over(x):
    return x if x > 2 else -x


def assert_over(x):
    assert x < 100, "too much"
    return x


def shadowed(x):
    zip = lambda a: tf.stack([a, a])
    for row in zip(x):
        x = x + row
    return x


def shadowed_within(x):
    def loop(zip, y):
        for row in zip(y):
            y = y + row
        return y

    return loop(lambda a: tf.stack([a, a]), x)


LEFT = [
    if_over, while_over, for_over, for_over_an_argument, range_over, pythons_range_over, and_over, not_over, exp_over,
    assert_over, shadowed, shadowed_within,
]  # fmt: skip


@pytest.mark.parametrize("function", LEFT, ids=lambda f: f.__name__)
def test_what_may_depend_on_a_tensor_is_rewritten(function):
    assert with_calls_changed(function, lambda f, *args, **kwargs: f(*args, **kwargs)) is None
    traced = tf.function(function)
    for value in (1.0, 4.0, 9.0):
        x = tf.constant(value)
        assert traced(x).numpy() == function(x).numpy()


class Base:
    def f(self, x):
        return x + 1


class Derived(Base):
    def f(self, x):
        return clipped(super().f(x))



def names_of_its_frame(x):
    y = clipped(x)
    return x * len([name for name in locals() if name in "xy"]) + y


def test_what_looks_at_its_caller():
    for function in (Derived().f, names_of_its_frame):
        assert tf.function(function)(tf.constant(1.0)).numpy() == function(tf.constant(1.0)).numpy()


def test_an_operation_has_the_users_line():
    def outer(x):
        y = clipped(x)
        return tf.reshape(
            y,
            [1, 1],
        )

    graph = tf.function(outer).get_concrete_function(tf.constant(1.0))._graph
    _, line, name = next(node.where for node in graph.nodes if node.prim.name == "Reshape")
    assert (line, name) == (outer.__code__.co_firstlineno + 2, "outer")


def test_a_file_that_has_changed(tmp_path):
    """What is on disk is no longer what runs."""
    path = tmp_path / "changing.py"
    path.write_text("def g(x):\n    return x\n\ndef f(x):\n    return g(x) + 1\n")
    spec = importlib.util.spec_from_file_location("changing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text("def g(x):\n    return x\n\ndef f(x):\n    return g(x) + 2\n")
    assert with_calls_changed(module.f, lambda f, *args: f(*args)) is None


def test_a_training_step_needs_no_rewriting(tmp_path):
    (tmp_path / "program.py").write_text("""
import sys
import tapeflow as tf
variables = [tf.Variable(1.0), tf.Variable(2.0)]
@tf.function
def step(x):
    with tf.GradientTape() as tape:
        y = x
        for v in variables:
            y = y * v
        loss = tf.reduce_sum(y * y)
    for v, g in zip(variables, tape.gradient(loss, variables)):
        v.assign_sub(0.1 * g)
    return loss
assert step(tf.constant([1.0])).numpy() == 4
assert "malt" not in sys.modules
""")
    subprocess.run([sys.executable, str(tmp_path / "program.py")], check=True, timeout=120)


def test_what_looks_at_its_caller_under_another_name():
    """`eval` as a value: in a function of which the calls alone were changed, it sees that function's names."""

    def ask(look, *args):
        mine = 3.0  # noqa: F841 (eval reads it)
        return look(*args)

    assert float(tf.function(lambda: ask(eval, "mine + 1"))()) == 4
    assert float(tf.function(lambda: ask(eval, "other", {"other": 5.0}))()) == 5
    assert tf.function(lambda: ask(locals)["mine"])().numpy() == 3
    assert tf.function(lambda: tf.constant(ask(globals) is globals()))()
