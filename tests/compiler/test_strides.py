"""Loops with effects: many rounds at once, in native code, to the same as round by round."""

import os
import signal
import threading

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import run as compiler
from tapeflow.compiler import strides

ROUNDS = 300


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(strides, "PATIENCE", 64)
    monkeypatch.setattr(strides, "BRIEF", 1.0)


NATIVE = "native, many at a time"


def run_each_way(make, *calls, native=True):
    """What the calls of a function give, on NumPy and compiled: `make` gives the function, and its variables."""
    found = []
    before = compiler.native
    for way in (False, True):
        compiler.native = way
        try:
            tf.random.set_seed(5)
            function, variables = make()
            run = tf.function(function)
            seen = []
            for args in calls:
                try:
                    result = [np.array(t) for t in tf.nest.flatten(run(*args)) if t is not None]
                except tf.errors.InvalidArgumentError as error:
                    result = [np.array(str(error).split("[Op")[0])]
                seen.append((result, [v.numpy() for v in variables]))
            text = str(run.get_concrete_function(*calls[0]))
        finally:
            compiler.native = before
        found.append(seen)
    for (result, state), (wanted, right) in zip(*found, strict=True):
        for a, b in zip([*result, *state], [*wanted, *right], strict=True):
            if a.dtype.kind == "f":
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
            else:
                np.testing.assert_array_equal(a, b)
    assert (NATIVE in text) == native, text
    return found[1]


def ints(*values):
    return [(tf.constant(n),) for n in values]


def test_variables_of_a_loop_of_unknown_length():
    def make():
        v, w = tf.Variable(0), tf.Variable(tf.zeros([4]))

        def count(n):
            for i in tf.range(n):
                v.assign_add(i)
                w.assign(0.5 * w + tf.cast(v, tf.float32))
            return v.read_value()

        return count, [v, w]

    seen = run_each_way(make, *ints(ROUNDS, 0, 1, 7, 100 * ROUNDS))
    assert seen[0][0][0] == sum(range(ROUNDS))


def test_training_steps_in_a_loop():
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(32, 3)).astype(np.float32))
    y = x @ tf.constant([[1.0], [-2.0], [0.5]])

    def make():
        w = tf.Variable(tf.zeros([3, 1]))

        def train(steps):
            loss = tf.constant(0.0)
            for _ in tf.range(steps):
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(x @ w - y))
                w.assign_sub(0.1 * tape.gradient(loss, w))
            return loss

        return train, [w]

    seen = run_each_way(make, *ints(ROUNDS, ROUNDS))
    np.testing.assert_allclose(seen[-1][1][0][:, 0], [1, -2, 0.5], atol=1e-4)


def test_a_test_that_reads_what_is_assigned():
    def make():
        v = tf.Variable(1.0)

        def halve(x):
            n = tf.constant(0)
            while v > x:
                v.assign(v * 0.99)
                n += 1
            return n

        return halve, [v]

    run_each_way(make, (tf.constant(0.05),), (tf.constant(0.01),), (tf.constant(5.0),))


def test_a_test_of_what_is_carried():
    def make():
        v = tf.Variable(0)

        def grow(x):
            total = tf.constant(0.0)
            while total < x:
                total += 1.5
                v.assign_add(1)
            return total

        return grow, [v]

    run_each_way(make, *[(tf.constant(x),) for x in (450.0, 30.0, -1.0, 9000.0)])


@pytest.mark.parametrize("at", [0, 10, 150, ROUNDS - 1])
def test_a_failing_round(at):
    """What the rounds before it assigned stays, and what the round itself did before it failed."""

    def make():
        v, w = tf.Variable(0), tf.Variable(0)

        def count(n, limit):
            for i in tf.range(n):
                v.assign_add(1)
                tf.debugging.assert_less(i, limit)
                w.assign_add(1)

        return count, [v, w]

    n = tf.constant(ROUNDS)
    seen = run_each_way(make, (n, n), (n, tf.constant(at)), (n, n))
    assert [int(v) for v in seen[1][1]] == [ROUNDS + at + 1, ROUNDS + at]


@pytest.mark.parametrize("every", [1, 2, 7, 100, 1000])
def test_prints(every, capfd):
    def make():
        v = tf.Variable(0.0)

        def work(n):
            x = tf.constant(1.0)
            for i in tf.range(n):
                x = 0.5 * x + 1.0
                v.assign_add(x)
                if i % every == 0:
                    tf.print("round", i, x)
                    v.assign_add(1.0)
                elif x > 100.0:
                    x = x / 2.0
            return x

        return work, [v]

    run_each_way(make, *ints(ROUNDS, ROUNDS))
    lines = capfd.readouterr().err.splitlines()
    wanted = [i for i in range(ROUNDS) if i % every == 0]
    assert [int(line.split()[1]) for line in lines] == wanted * 4
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


def test_an_effect_in_the_other_branch_and_two_of_them():
    called = []

    def make():
        def work(rows):
            total = tf.constant(0.0)
            for row in rows:
                if row[0] < 280.0:
                    total += tf.reduce_sum(row)
                else:
                    total += tf.ensure_shape(tf.numpy_function(lambda x: x * np.float32(2), [row[0]], tf.float32), [])
                if tf.equal(row[0], 123.0):
                    tf.py_function(lambda x: called.append(float(x)), [row[1]], [])
            return total

        return work, []

    rows = np.stack([np.arange(ROUNDS), np.arange(ROUNDS) * 2.0], 1).astype(np.float32)
    run_each_way(make, (tf.constant(rows),), (tf.constant(rows),))
    assert called == [246.0] * 4


def test_effects_that_a_number_decides():
    called = []

    def make():
        def work(numbers):
            total = tf.constant(0.0)
            for x in numbers:
                if x < 280.0:
                    total += x
                else:
                    total += tf.ensure_shape(tf.numpy_function(lambda x: x * np.float32(2), [x], tf.float32), [])
                if tf.equal(x, 123.0):
                    tf.py_function(lambda x: called.append(float(x)), [x], [])
            return total

        return work, []

    run_each_way(make, *[(tf.range(float(ROUNDS)),)] * 2)
    assert called == [123.0] * 4


def test_what_decides_on_an_effect_is_dear_or_assigned():
    called = []

    def make():
        v = tf.Variable(0.0)

        def work(n):
            for i in tf.range(n):
                v.assign_add(1.0)
                if tf.equal(v, 100.0):
                    tf.py_function(lambda i: called.append(int(i)), [i], [])

        return work, [v]

    run_each_way(make, *ints(ROUNDS), native=False)
    assert called == [99, 99]


DRAWS = {
    "normal": lambda: tf.random.normal([3]), "uniform": lambda: tf.random.uniform([]),
    "seeded": lambda: tf.random.normal([5], seed=3),
    "integers": lambda: tf.cast(tf.random.uniform([2], 0, 100, tf.int32), tf.float32),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers(name):
    """The numbers are those that round by round would be drawn, also by later calls."""

    def make():
        def walk(n):
            x = tf.constant(0.0)
            for _ in tf.range(n):
                x += tf.reduce_sum(DRAWS[name]()) * 0.1
                x = x * 0.9 + tf.reduce_mean(DRAWS[name]())
            return x, DRAWS[name]()

        return walk, []

    run_each_way(make, *ints(ROUNDS, 10, 2500, 3))


def test_random_numbers_until_a_round_fails():
    """What the failing round and those before it drew is drawn, and no more: later numbers are NumPy's."""

    def make():
        v = tf.Variable(0.0)

        def walk(n, limit):
            for i in tf.range(n):
                v.assign_add(tf.random.normal([]))
                tf.debugging.assert_less(i, limit)
            return v.read_value(), tf.random.normal([])

        return walk, [v]

    calls = [tf.constant(n) for n in (ROUNDS, 2 * ROUNDS, ROUNDS + 77)]
    seen = run_each_way(make, calls[:2], calls[1:], calls[:2])
    assert "assertion" in str(seen[1][0]) or "did not hold" in str(seen[1][0])


def test_random_numbers_and_a_print(capfd):
    def make():
        v = tf.Variable(0.0)

        def walk(n):
            for i in tf.range(n):
                v.assign_add(tf.random.normal([]))
                if i % 90 == 50:
                    tf.print(i, tf.random.uniform([]))
            return v.read_value()

        return walk, [v]

    run_each_way(make, *ints(ROUNDS, ROUNDS))
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 12 and lines[:6] == lines[6:]


def test_a_generator_as_the_state():
    def make():
        generator = tf.random.Generator.from_seed(3)

        def walk(n):
            x = tf.constant(0.0)
            for _ in tf.range(n):
                x += generator.normal([])
            return x

        return walk, [generator.state]

    run_each_way(make, *ints(ROUNDS, 20))


def test_short_loops_ask_for_no_code():
    """LLVM is not asked for the sake of some rounds."""
    v = tf.Variable(0)

    @tf.function
    def count(n):
        for _ in tf.range(n):
            v.assign_add(1)

    for _ in range(3):
        count(tf.constant(5))
    assert v.numpy() == 15 and NATIVE not in str(count.get_concrete_function(tf.constant(5)))


def test_other_threads_see_it_go_on():
    v = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def bounded(n):
        i = tf.constant(0, tf.int64)
        while i < n:
            v.assign_add(1)
            i += 1

    bounded(tf.constant(1000, tf.int64))
    thread = threading.Thread(target=bounded, args=(tf.constant(300_000_000, tf.int64),))
    thread.start()
    seen = set()
    while thread.is_alive() and len(seen) < 5:
        seen.add(int(v.numpy()))
    thread.join()
    assert len(seen) == 5 and v.numpy() == 300_001_000


def test_an_interrupt_leaves_whole_rounds():
    v, w = tf.Variable(0, dtype=tf.int64), tf.Variable(0, dtype=tf.int64)

    @tf.function
    def endless(n):
        i = tf.constant(0, tf.int64)
        while i < n:
            v.assign_add(1)
            i += 1
            w.assign_add(2)

    endless(tf.constant(1000, tf.int64))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        endless(tf.constant(10**14, tf.int64))
    timer.join()
    assert v.numpy() > 1000 and w.numpy() == 2 * v.numpy()


def test_python_that_raises_in_some_round():
    v = tf.Variable(0)

    def limited(i):
        if i > 200:
            raise ValueError("too far")
        return i

    @tf.function
    def count(n):
        for i in tf.range(n):
            v.assign_add(1)
            if i % 50 == 0:
                tf.numpy_function(limited, [i], tf.int32)
            v.assign_add(1)

    count(tf.constant(200))
    with pytest.raises(tf.errors.InvalidArgumentError, match="too far"):
        count(tf.constant(1000))
    assert v.numpy() == 400 + 2 * 250 + 1
