"""Python's control flow over tensors, in a function: TensorFlow's results, recorded."""

import functools
import gc
import json
import subprocess
import sys
import weakref

import pytest

import tapeflow as tf
from tapeflow.tracing.autograph import convert
from tracing.autograph_programs import PROGRAMS, RECORDED

WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_does_what_tensorflow_does(name):
    check(json.loads(json.dumps(PROGRAMS[name](tf))), WANTED[name])


def check(found, wanted):
    if isinstance(wanted, list):
        assert len(found) == len(wanted), (found, wanted)
        for a, b in zip(found, wanted, strict=True):
            check(a, b)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-6)
    else:
        assert found == wanted


def test_print_happens_while_tracing(capsys):
    @tf.function
    def f(x):
        print("traced", x)
        return x

    f(tf.constant(1)), f(tf.constant(2))
    assert capsys.readouterr().out == 'traced Tensor("x:0", shape=(), dtype=int32)\n'


def test_what_is_marked_runs_as_it_is():
    @tf.autograph.experimental.do_not_convert
    def plain(x):
        return 1 if x > 0 else 2

    with pytest.raises(TypeError, match="bool"):
        tf.function(lambda x: plain(x))(tf.constant(1))


def test_without_autograph_a_tensor_has_no_truth_value():
    with pytest.raises(TypeError, match="bool"):
        tf.function(lambda x: 1 if x > 0 else 2, autograph=False)(tf.constant(1))


def test_a_user_sees_their_own_line():
    @tf.function
    def f(x):
        if x > 0:
            x = tf.gather(tf.constant([1, 2]), x)
        return x

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        f(tf.constant(5))
    assert any("test_autograph.py" in note for note in caught.value.__notes__)


def test_what_has_nothing_to_convert_is_left_as_it_is():
    v = tf.Variable(2.0)

    def plain(x):
        return tf.reduce_sum(tf.square(x) * v)

    def calls_its_argument(g, x):
        return g(x)

    assert convert(plain) is plain
    assert convert(calls_its_argument) is not calls_its_argument


def test_a_return_in_a_loop():
    @tf.function
    def first_above(x, limit):
        for value in x:
            if value > limit:
                return value
        return tf.constant(-1.0)

    @tf.function
    def never(x):
        for value in x:
            if value > 10.0:
                return value

    x = tf.constant([1.0, 5.0, 7.0])
    assert first_above(x, tf.constant(3.0)).numpy() == 5 and first_above(x, tf.constant(9.0)).numpy() == -1
    with pytest.raises(tf.errors.InvalidArgumentError, match="must return a value"):
        never(x)


def test_an_assertion_waits_for_the_run():
    @tf.function
    def f(x):
        assert x > 0, "positive"
        return x

    assert f(tf.constant(1)).numpy() == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="positive"):
        f(tf.constant(-1))


def test_super_without_arguments():
    class Base(tf.Module):
        def go(self, x):
            return x if x > 0 else -x

    class Child(Base):
        @tf.function
        def go(self, x):
            return super().go(x) * 2

    assert Child().go(tf.constant(-4)).numpy() == 8


def test_source_that_cannot_be_had_runs_as_it_is(caplog):
    names = {}
    exec("def f(x):\n    if x > 0:\n        return x\n    return -x", names)
    with pytest.raises(TypeError, match="bool"):
        tf.function(names["f"])(tf.constant(1))
    assert "could not transform" in caplog.text


def test_to_code_and_to_graph():
    def f(x):
        if x > 0:
            return x
        return -x

    assert "ag__.if_stmt" in tf.autograph.to_code(f)
    assert tf.autograph.to_graph(f)(tf.constant(-2)).numpy() == 2
    with pytest.raises(ValueError, match="cannot be converted"):
        tf.autograph.to_code(len)


def test_the_package_is_loaded_at_the_first_trace_that_needs_it():
    code = (
        "import sys, tapeflow as tf\n"
        "tf.function(lambda x: x * 2.0)(tf.constant(1.0)); print('malt' in sys.modules)\n"
        "tf.autograph.experimental.do_not_convert(print); print('malt' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_a_converted_function_is_not_kept_alive():
    def make(n):
        def f(x):
            return x if n > 5 else f(x + 1)

        return f

    f = make(6)
    tf.function(f)(tf.constant(1))
    seen = weakref.ref(f)
    del f
    gc.collect()
    assert seen() is None


def test_a_decorated_function_is_converted_with_its_decorator():
    def twice(function):
        @functools.wraps(function)
        def wrapper(x):
            if x > 100:
                return x
            return function(x) * 2

        return wrapper

    def inner(x):
        if x > 0:
            return x
        return -x

    tf.function(inner)(tf.constant(1))
    f = tf.function(twice(inner))
    assert f(tf.constant(-3)).numpy() == 6 and f(tf.constant(101)).numpy() == 101
