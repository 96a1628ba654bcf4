"""Native loops: three ways to the same, how they fail, and that they can be interrupted."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import tapeflow as tf
from compiler.loop_programs import PROGRAMS, with_gradient
from tapeflow.compiler import run as compiler

NOT_NATIVE = {"nested": "an inner loop's rounds are kept, and their number is known by none"}


def three_ways(function, args, monkeypatch):
    """The results of a function: eager, traced on NumPy, compiled; and what became of it, as text."""
    monkeypatch.setattr(compiler, "native", False)
    eager = tf.nest.flatten(function(*args))
    traced = tf.nest.flatten(tf.function(function)(*args))
    monkeypatch.setattr(compiler, "native", True)
    native = tf.function(function)
    first = tf.nest.flatten(native(*args))
    second = tf.nest.flatten(native(*args))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    return eager, traced, first, str(native.get_concrete_function(*args))


def agree(eager, traced, compiled):
    for number, (a, b, c) in enumerate(zip(eager, traced, compiled, strict=True)):
        a, b, c = a.numpy(), b.numpy(), c.numpy()
        assert a.dtype == b.dtype == c.dtype and a.shape == b.shape == c.shape, number
        if a.dtype.kind == "f":
            scale = max(1.0, float(np.max(np.abs(a))))
            tolerance = (1e-12 if a.dtype == np.float64 else 1e-5) * scale
            np.testing.assert_allclose(b, a, rtol=0, atol=tolerance, err_msg=f"result {number}, on NumPy")
            np.testing.assert_allclose(c, a, rtol=0, atol=tolerance, err_msg=f"result {number}, compiled")
        else:
            np.testing.assert_array_equal(b, a)
            np.testing.assert_array_equal(c, a)


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name, monkeypatch):
    function, args = PROGRAMS[name]
    eager, traced, compiled, text = three_ways(function, args, monkeypatch)
    agree(eager, traced, compiled)
    assert "While on NumPy" not in text and "native loop" in text, text


FLOATING = [name for name, (_, args) in PROGRAMS.items() if any(x.dtype.is_floating for x in args)]


@pytest.mark.parametrize("name", FLOATING)
def test_gradients(name, monkeypatch):
    function, args = PROGRAMS[name]
    eager, traced, compiled, text = three_ways(with_gradient(function), args, monkeypatch)
    agree(eager, traced, compiled)
    assert ("While on NumPy" in text) == (name in NOT_NATIVE), text


SECOND = ["newton", "van_der_pol", "rnn", "mapped", "folded", "array_of_numbers", "array_of_rows", "picked",
          "one_of_many_bounds", "linear_system"]  # fmt: skip


@pytest.mark.parametrize("name", SECOND)
def test_second_order(name, monkeypatch):
    function, args = PROGRAMS[name]

    def slopes(*args):
        return with_gradient(function)(*args)[-len([x for x in args if x.dtype.is_floating]) :]

    eager, traced, compiled, text = three_ways(with_gradient(slopes), args, monkeypatch)
    agree(eager, traced, compiled)


# What can go wrong.


def test_a_check_that_fails_in_some_round():
    """Nothing of the call is seen, and the error is the one of the operation."""
    v = tf.Variable([5.0])

    @tf.function
    def divide(x, n):
        v.assign([1.0])
        while n > -5:
            x = x + 100 // n
            n -= 1
        return x

    n = tf.constant(7)
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?i)division by zero"):
        divide(tf.constant(0), n)

    @tf.function
    def pick(x):
        total = 0.0
        for i in tf.range(9):
            total += x[i + 1]
        return total

    assert pick(tf.ones([20])) == 9
    with pytest.raises(tf.errors.InvalidArgumentError, match="9") as caught:
        pick(tf.ones([9]))
    assert any("line" in note for note in getattr(caught.value, "__notes__", []))

    @tf.function
    def write(n):
        array = tf.TensorArray(tf.float32, 5, element_shape=[])
        i = tf.constant(0)
        while i < n:
            array = array.write(i, 1.0)
            i += 1
        return array.stack()

    assert write(tf.constant(4)).numpy().tolist() == [1, 1, 1, 1, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="5"):
        write(tf.constant(6))


def test_a_failing_loop_assigns_nothing():
    v = tf.Variable(tf.ones([40_000]))

    @tf.function
    def step(n):
        v.assign_add(tf.ones([40_000]))
        total = tf.constant(0)
        while n > -3:
            total += 10 // n
            n -= 1
        return total

    with pytest.raises(tf.errors.InvalidArgumentError):
        step(tf.constant(2))


def test_a_loop_that_counts_on_past_its_integers():
    """The number of rounds is not what the first numbers say: an int8 wraps."""

    @tf.function
    def count(limit):
        i, n = tf.constant(0, tf.int8), tf.constant(0)
        while i < limit:
            i += tf.constant(100, tf.int8)
            n += 1
            if n > 300:
                i = limit
        return n

    assert count(tf.constant(120, tf.int8)).numpy() == count.python_function(tf.constant(120, tf.int8)).numpy()


def test_rounds_that_the_trace_foresaw_wrongly():
    @tf.function
    def rows(x):
        i = tf.constant(0, tf.int8)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            while i <= tf.constant(126, tf.int8):
                y = y * 0.99
                i += tf.constant(3, tf.int8)
        return y, tape.gradient(y, x), i

    y, slope, i = rows(tf.constant(1.0))
    wanted = rows.python_function(tf.constant(1.0))
    np.testing.assert_allclose([y, slope], [wanted[0], wanted[1]], rtol=1e-5)
    assert i == wanted[2]


SCRIPT = """
    import os, signal, sys, threading, time
    import tapeflow as tf
    signal.alarm(100)  # should nobody be left to interrupt it

    @tf.function
    def numbers(x):
        i = tf.constant(0.0)
        while i < 1.0:
            i = i * 0.5
        return i + x

    @tf.function
    def nested(x):
        i = tf.constant(0.0)
        while i < 1.0:
            j = tf.constant(1.0)
            while j > 0.0:
                j = j * 1.5
            i = j * 0.0
        return i + x

    @tf.function
    def shared(x):
        y = tf.ones([300_000]) * x
        while tf.reduce_max(y) > 0.0:
            y = y * 0.5 + 1.0
        return y[0]

    function = globals()[sys.argv[1]]
    ticks = 0

    def tick():
        global ticks
        while True:
            ticks += 1
            time.sleep(0.001)

    threading.Thread(target=tick, daemon=True).start()
    for n in range(2):
        threading.Timer(0.5 + 2.0 * (n == 0), os.kill, (os.getpid(), signal.SIGINT)).start()
        before = ticks
        try:
            function(tf.constant(1.0))
        except KeyboardInterrupt:
            assert ticks > before + 10, "no other thread ran"
            print("interrupted", flush=True)
    assert tf.function(lambda x: x + 1.0)(tf.constant(1.0)) == 2.0
"""


@pytest.mark.skipif(os.name == "nt", reason="the signal is another one there")
@pytest.mark.parametrize("name", ["numbers", "nested", "shared"])
def test_an_endless_loop_is_interrupted(name, tmp_path):
    script = tmp_path / "endless.py"  # AutoGraph reads it
    script.write_text(textwrap.dedent(SCRIPT))
    process = subprocess.run([sys.executable, str(script), name], capture_output=True, text=True, timeout=120)
    assert process.stdout == "interrupted\n" * 2, process.stderr


def test_an_interrupt_that_raises_something_else():
    """What the handler raises comes through as it is."""

    class Enough(Exception):
        pass

    def handler(*_):
        raise Enough("enough")

    @tf.function
    def endless(x):
        while x < 1.0:
            x = x * 0.5
        return x

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 2.0)
        with pytest.raises(Enough, match="enough"):
            endless(tf.constant(0.5))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_several_threads_run_one_loop():
    function, _ = PROGRAMS["van_der_pol"]
    compiled = tf.function(with_gradient(function))
    points = [tf.constant(0.1 * n, tf.float64) for n in range(8)]
    wanted = [[t.numpy() for t in compiled(x, x)] for x in points]
    wrong = []

    def work(k):
        for n in range(100):
            found = [t.numpy() for t in compiled(points[(n + k) % 8], points[(n + k) % 8])]
            if found != wanted[(n + k) % 8]:
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_of_a_loop_are_the_callers_own():
    """Also the arrays that grew with the rounds."""

    @tf.function
    def rows(n):
        return tf.map_fn(lambda i: tf.cast(i, tf.float32) * 2.0, tf.range(n), fn_output_signature=tf.float32)

    first = rows(tf.constant(50_000))
    second = rows(tf.constant(3))
    assert rows(tf.constant(0)).shape == [0]
    assert second.numpy().tolist() == [0, 2, 4]
    assert first.numpy()[-1] == 2 * 49_999 and first.shape == [50_000]
    assert "native loop" in str(rows.get_concrete_function(tf.constant(3)))


# What it costs.


def test_a_write_costs_no_more_where_there_are_more_rows():
    """In a loop over an array of many rows, each of which is written once."""

    def timed(rows):
        @tf.function
        def fill(x):
            array = tf.TensorArray(tf.float32, rows, element_shape=[100])
            for i in tf.range(rows):
                array = array.write(i, x)
            return array.stack()[-1]

        x = tf.ones([100])
        fill(x)
        best = 1e9
        for _ in range(5):
            start = time.perf_counter()
            fill(x)
            best = min(best, time.perf_counter() - start)
        assert f"float32[{rows},100] in place" in str(fill.get_concrete_function(x))
        return best / rows

    assert timed(4000) < 10 * timed(200)
