"""Compiled graphs that hold nodes which read or assign variables by themselves: branches, loops, Python code."""

import gc
import sys
import threading
import time

import numpy as np
import pytest

import tapeflow as tf
from compiler.test_calls import LARGE, in_threads, plan_of
from tapeflow.compiler import run as compiler
from tapeflow.compiler.plan import Planner

SIZES = pytest.mark.parametrize("size", [3, LARGE], ids=["small", "large"])


@pytest.fixture(params=["native", "host"])
def nodes(request, monkeypatch):
    """Whether short branches and loops that assign variables are native code, or barriers like others."""
    if request.param == "host":
        monkeypatch.setenv("TAPEFLOW_CACHE_DIR", "")  # where there are plans of the other way
        monkeypatch.setattr(Planner, "_without_state", lambda *args: None)
    return request.param


def three_ways(monkeypatch, body, starts, calls, compiled=True):
    """Have `body(variables, *arguments)` do the calls eager, on NumPy and compiled: all must come to the same, be it an
    error; also what was read between the calls must stay as it was."""
    found = []
    for way in ("eager", "numpy", "compiled"):
        monkeypatch.setattr(compiler, "native", way == "compiled")
        variables = [tf.Variable(start) for start in starts]

        def function(*arguments, variables=variables):
            return body(variables, *arguments)

        run = function if way == "eager" else tf.function(function)
        seen, held = [], []
        for arguments in calls:
            arguments = [tf.constant(a) for a in arguments]
            try:
                result = [np.array(t) for t in tf.nest.flatten(run(*arguments)) if t is not None]
            except Exception as error:  # noqa: BLE001 (it is compared)
                result = type(error).__name__
            held += [(v.read_value(), v.numpy()) for v in variables]
            seen.append((result, [v.numpy() for v in variables]))
        for tensor, array in held:
            np.testing.assert_array_equal(tensor, array)
        found.append(seen)
    if compiled:
        plan_of(run, *arguments)
    for seen in found[1:]:
        for (result, state), (right, wanted) in zip(seen, found[0], strict=True):
            assert (type(result) is str) == (type(right) is str), (result, right)
            if type(right) is str:
                assert result == right
            else:
                for a, b in zip(result, right, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-6)
            for a, b in zip(state, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6)
    return found[0]


def ones(size, value=1.0):
    return np.full([size], value, np.float32)


# Each takes (v, w) and x.


def branch_assigns(v, w, x):
    before = v * 2.0
    if tf.reduce_sum(x) > 0:
        v.assign_add(x)
        w.assign(v + w)
    else:
        w.assign_sub(x)
    return before, v + w


def one_branch_reads(v, w, x):
    v.assign_add(x)
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: v + 1.0, lambda: w.assign_add(x) * 2.0)
    v.assign(y)
    return y


def loop_assigns(v, w, x):
    for i in tf.range(5):
        v.assign_add(x * tf.cast(i, tf.float32))
        w.assign(w * 0.5 + v)
    return v - w


def loop_until_a_variable_is_large(v, w, x):
    rounds = 0
    w.assign(tf.abs(x))
    while tf.reduce_max(w) < 20.0:
        w.assign_add(tf.abs(x) + 1.0)
        rounds += 1
    v.assign_add(w)
    return rounds


def branch_in_loop(v, w, x):
    for i in tf.range(6):
        w.assign_add(x)
        if i % 3 == 0:
            v.assign_sub(w)
            if tf.reduce_sum(v) > 0:
                w.assign(w * 0.5)
        else:
            v.assign(v + x)
    return v, w


def loop_in_branch(v, w, x):
    v.assign_add(x)
    if tf.reduce_sum(v) > 0:
        for _ in tf.range(3):
            v.assign(v * 0.5)
            w.assign_add(v)
    return w * v


def python_assigns(v, w, x):
    v.assign_add(x)

    def look(y):
        v.assign(v * 2.0 + y)
        return w + y

    y = tf.py_function(look, [x], tf.float32)
    y.set_shape(x.shape)
    w.assign_add(v)
    return y + w


def numpy_code_assigns(v, w, x):
    v.assign_sub(x)

    def look(y):
        w.assign_add(v.numpy() + y)
        return y * 3

    y = tf.numpy_function(look, [x], tf.float32)
    y.set_shape(x.shape)
    return y + w + v


def prints(v, w, x):
    v.assign_add(x)
    tf.print("v is", v[0], output_stream=sys.stdout)
    w.assign(v)
    v.assign_add(w)
    return v


def prints_in_a_loop(v, w, x):
    for i in tf.range(3):
        tf.print(i, output_stream=sys.stdout)
        v.assign_add(x)
    return v + w


def gradient_of_a_branch(v, w, x):
    with tf.GradientTape() as tape:
        y = v * x
        if tf.reduce_sum(x) > 0:
            v.assign_add(x)
            y = y * w + v
        else:
            w.assign(w * 0.5)
            y = tf.sin(y) * w
        loss = tf.reduce_mean(y * y)
    dv, dw = tape.gradient(loss, [v, w], unconnected_gradients="zero")
    v.assign_sub(0.1 * dv)
    w.assign_sub(0.1 * dw)
    return loss


def gradient_of_a_loop(v, w, x):
    with tf.GradientTape() as tape:
        y = x
        for _ in tf.range(3):
            y = y * v + w
            w.assign(w * 0.5)
        loss = tf.reduce_mean(y * y)
    dv, dw = tape.gradient(loss, [v, w])
    v.assign_sub(0.01 * dv)
    return loss, dw


def training_loop(v, w, x):
    for _ in tf.range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(v * x + w - 1.0))
        dv, dw = tape.gradient(loss, [v, w])
        v.assign_sub(0.1 * dv)
        w.assign_sub(0.1 * dw)
    return loss


def values_change_places(v, w, x):
    old = v + 0.0
    v.assign(w)
    w.assign(old)
    if tf.reduce_sum(x) > 0:
        v.assign_add(x)
    again = tf.identity(v)
    v.assign(w)
    w.assign(again)
    return old, again


def assigned_but_not_read(v, w, x):
    v.assign(x)
    if tf.reduce_sum(x) > 0:
        w.assign(x)
    w.assign(x * 2.0)


def back_to_what_it_was(v, w, x):
    old = v.read_value()
    v.assign_add(x)
    w.assign(tf.py_function(lambda: v + 0.0, [], tf.TensorSpec(x.shape)))
    v.assign(old)
    return w


def computed_before_and_assigned_after(v, w, x):
    y = v * 2.0 + w
    v.assign_add(x)
    if tf.reduce_sum(x) > 0:
        w.assign_add(v)
    v.assign(y)
    return w


BODIES = [
    branch_assigns, one_branch_reads, loop_assigns, loop_until_a_variable_is_large, branch_in_loop, loop_in_branch,
    python_assigns, numpy_code_assigns, prints, prints_in_a_loop, gradient_of_a_branch, gradient_of_a_loop,
    training_loop, values_change_places, assigned_but_not_read, back_to_what_it_was,
    computed_before_and_assigned_after,
]  # fmt: skip


@SIZES
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_three_ways(nodes, monkeypatch, body, size):
    starts = [np.linspace(-1, 2, size).astype(np.float32), np.linspace(0.5, 1, size).astype(np.float32)]
    calls = [[ones(size, a)] for a in (1.0, -0.5, 0.25, 1.0)]
    three_ways(monkeypatch, lambda variables, x: body(*variables, x), starts, calls)


@pytest.mark.parametrize("dtype", ["bool", "int32", "float64", "uint8"])
def test_scalars_of_every_kind(nodes, monkeypatch, dtype):
    def body(variables, x, go):
        a, b = variables
        a.assign(x)
        if go:
            b.assign(a)
        a.assign(b)
        tf.print("a", output_stream=sys.stdout)
        b.assign(x)
        return a, b.read_value(), tf.cond(go, lambda: b.assign(x), lambda: a.read_value())

    start = np.array(0, dtype)[()]
    calls = [[np.array(n, dtype)[()], go] for n in (1, 0) for go in (True, False)]
    three_ways(monkeypatch, body, [start, start], calls)


# Failures. What was assigned before one stays, what comes after it does not happen.


def fails_in_a_check(bad, x):
    return tf.gather(x, tf.where(bad, 1_000_000, 0))


def fails_on_the_host(bad, x):
    return tf.linalg.inv(tf.where(bad, 0.0, 1.0) * tf.eye(2))[0, 0]


def fails_an_assertion(bad, x):
    tf.debugging.Assert(tf.logical_not(bad), ["bad"])
    return x[0]


def fails_in_python(bad, x):
    def look(bad):
        if bad:
            raise ValueError("bad")
        return np.float32(1)

    return tf.py_function(look, [bad], tf.TensorSpec([]))


def fails_in_a_branch(bad, x):
    return tf.cond(bad, lambda: fails_on_the_host(bad, x), lambda: x[0])


def after_a_branch(v, x):
    if x[0] > 0:
        v.assign_add(x)


def after_python(v, x):
    def look(x):
        v.assign_add(x)

    tf.py_function(look, [x], [])


def after_printing(v, x):
    tf.print("here", output_stream=sys.stdout)


@SIZES
@pytest.mark.parametrize("barrier", [after_a_branch, after_python, after_printing], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "fail", [fails_in_a_check, fails_on_the_host, fails_an_assertion, fails_in_python, fails_in_a_branch],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_failures_at_each_place(nodes, monkeypatch, fail, barrier, size):
    happened = []

    def body(variables, x, bad):
        v, w = variables
        here = iter(range(6))

        def point():
            return fail(bad[next(here)], x)

        a = point()
        v.assign_add(x)
        b = point()
        barrier(w, x)
        c = point()
        v.assign_add(x)
        w.assign_add(v)
        d = point()
        tf.py_function(lambda: happened.append(1), [], [])
        e = point()
        w.assign(w * 2.0)
        f = point()
        return a + b + c + d + e + f, v + w

    calls = [[ones(size), np.eye(7)[6][:6] == 1]] + [[ones(size), np.eye(6)[n] == 1] for n in range(6)]
    three_ways(monkeypatch, body, [ones(size), ones(size, 2.0)], calls)
    assert len(happened) == 3 * 3  # of each way, the whole call and the last two: nothing was done twice


def test_a_failure_in_a_loop_leaves_what_the_rounds_before_it_did(monkeypatch):
    def body(variables, x):
        (v,) = variables
        for i in tf.range(10):
            v.assign_add(x)
            tf.debugging.Assert(i < 4, ["too far"])
        v.assign(x)
        return v

    found = three_ways(monkeypatch, body, [ones(3)], [[ones(3)], [ones(3)]])
    assert found[0][0] == "InvalidArgumentError" and (found[1][1][0] == 11).all()


def fails_in_a_loop(v, w, x):
    for i in tf.range(6):
        v.assign_add(x)
        w.assign_add(x * tf.gather(x, tf.maximum(i + tf.cast(x[0] * 2.0, tf.int32) - 5, 0)))


def fails_in_the_other_branch(v, w, x):
    if x[0] > 2.0:
        v.assign(tf.gather(x, tf.cast(x, tf.int32) * 1_000_000))
        w.assign(x / (x - x))
    else:
        v.assign_add(x)
        w.assign(w * 2.0)
    v.assign_add(w)


@pytest.mark.parametrize("body", [fails_in_a_loop, fails_in_the_other_branch], ids=lambda body: body.__name__)
def test_failures_within(nodes, monkeypatch, body):
    calls = [[ones(3, a)] for a in (1.0, 2.0, 3.0, 1.0)]
    found = three_ways(monkeypatch, lambda variables, x: body(*variables, x), [ones(3), ones(3)], calls)
    assert {type(result) for result, _ in found} == {str, list}


def test_a_loop_that_waits_for_a_variable_sees_it_change():
    stop, rounds = tf.Variable(False), tf.Variable(0)

    @tf.function
    def wait():
        n = 0
        while tf.logical_not(stop):
            n += 1
            rounds.assign_add(1)
            if rounds < 0:
                stop.assign(True)
        return n

    wait.get_concrete_function()
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    end = time.time() + 20
    while rounds.numpy() < 10 and time.time() < end:
        time.sleep(0.01)
    stop.assign(True)
    thread.join(20)
    assert not thread.is_alive() and rounds.numpy() >= 10


def test_short_branches_and_loops_are_native_code():
    v, w = tf.Variable([1.0, 2.0]), tf.Variable(0)

    @tf.function
    def step(x):
        for _ in tf.range(10):
            v.assign_add(x)
            if tf.reduce_sum(v) > 10:
                v.assign(v * 0.5)
                w.assign_add(1)
        return v + 0.0

    x = tf.constant([1.0, 2.0])
    step(x)
    plan = plan_of(step, x)
    assert len(plan.steps) == 1 and not plan.barriers


def test_the_line_is_named():
    v = tf.Variable([1.0])

    @tf.function
    def step(x, bad):
        v.assign_add(x)
        if x[0] > 0:
            v.assign_add(x)
        return fails_on_the_host(bad, x)

    step(tf.constant([1.0]), tf.constant(False))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        step(tf.constant([1.0]), tf.constant(True))
    assert any("test_barriers.py" in note for note in caught.value.__notes__)
    assert v.numpy() == 5


@pytest.mark.parametrize("first", [True, False])
def test_arrays_of_another_layout(first):
    """Found out in the native code before the node, or in that after it, when nothing may be done over."""
    v, w = tf.Variable(tf.zeros([3, 4])), tf.Variable(tf.zeros([3, 4]))
    happened = []

    @tf.function
    def step(x, y):
        if first:
            v.assign_add(x)
        tf.py_function(lambda: happened.append(1), [], [])
        w.assign_add(v * x + y)
        return x + w

    for _ in range(3):
        v.assign(np.arange(12, dtype=np.float32).reshape(4, 3).T)
        w.assign(np.ones((4, 3), np.float32).T)
        x = tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
        result = step(tf.transpose(x), tf.reverse(tf.transpose(x), [0]))
        x = x.numpy().T
        wanted = 1 + (x + x * first) * x + x[::-1]
        np.testing.assert_array_equal(w, wanted)
        np.testing.assert_array_equal(result, x + wanted)
    assert len(happened) == 3


# Readers.


@SIZES
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_what_was_read_never_changes(nodes, body, size):
    variables = [tf.Variable(ones(size)), tf.Variable(ones(size, 0.5))]
    step = tf.function(lambda x: body(*variables, x), autograph=True)
    held = []
    for a in (1.0, -0.5, 0.25, 1.0):
        held += [(v.read_value(), v.numpy()) for v in variables]
        held += [(t, np.array(t)) for t in tf.nest.flatten(step(tf.constant(ones(size, a)))) if t is not None]
        views = [np.asarray(v.read_value()) for v in variables]
        held += [(view, view.copy()) for view in views]
    for tensor, array in held:
        np.testing.assert_array_equal(tensor, array)


@SIZES
def test_a_tensor_read_in_python_in_between_never_changes(size):
    v = tf.Variable(ones(size))
    held = []

    def look():
        held.append((v.read_value(), v.numpy()))

    @tf.function
    def step(x):
        v.assign_add(x)
        tf.py_function(look, [], [])
        v.assign_add(x)
        tf.py_function(look, [], [])
        v.assign_add(x)

    for _ in range(3):
        step(tf.constant(ones(size)))
    assert [array[0] for _, array in held] == [2, 3, 5, 6, 8, 9]
    for tensor, array in held:
        np.testing.assert_array_equal(tensor, array)


def test_many_calls_leak_nothing():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step(x):
        v.assign_add(x)
        if x[0] > 0:
            v.assign(v * 0.5)
        for _ in tf.range(2):
            v.assign_add(x)
        return v + x

    x = tf.constant([1.0, 2.0])
    for _ in range(200):
        step(x)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(3000):
        step(x)
    gc.collect()
    assert sys.getallocatedblocks() - before < 200


# Threads.


@pytest.mark.parametrize("size", [1, LARGE], ids=["small", "large"])
def test_threads_lose_no_update(nodes, size):
    v, w = tf.Variable(ones(size, 0.0)), tf.Variable(ones(size, 0.0))
    before = sys.getswitchinterval()

    @tf.function
    def step(x, go):
        v.assign_add(x)
        if go:
            w.assign_add(x)
        v.assign_add(x)
        for _ in tf.range(2):
            w.assign_add(x)
        return v[0]

    x, times = tf.constant(ones(size)), 200 if size > 1 else 1500

    def work(i):
        for n in range(times):
            step(x, tf.constant(n % 2 == 0))

    sys.setswitchinterval(1e-6)
    try:
        in_threads(3, work)
    finally:
        sys.setswitchinterval(before)
    assert (v.numpy() == 3 * 2 * times).all()
    assert (w.numpy() == 3 * 2.5 * times).all()


def test_python_code_may_wait_for_another_thread_that_assigns():
    v, w = tf.Variable([0.0]), tf.Variable(ones(LARGE))

    @tf.function
    def other():
        v.assign_add([1.0])
        w.assign_add(ones(LARGE))

    def look():
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        thread.join(60)
        assert not thread.is_alive(), "it waits for the lock"

    @tf.function
    def step(x):
        v.assign_add(x)
        w.assign_add(ones(LARGE))
        tf.py_function(look, [], [])
        v.assign_add(x)
        w.assign_add(ones(LARGE))

    step(tf.constant([1.0]))
    assert v.numpy() == 3 and (w.numpy() == 4).all()


@SIZES
def test_functions_of_different_variables_do_not_wait_for_each_other(size):
    """One that is in the middle of an update, as it were, keeps those waiting that update the same."""
    a, b = tf.Variable(ones(size)), tf.Variable(ones(size))
    steps = []
    for v in (a, a, b):

        @tf.function
        def step(x, v=v):
            v.assign_add(x)

        step(tf.constant(ones(size)))
        steps.append(step)

    def started(work):
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(0.2)
        return thread

    x = tf.constant(ones(size))
    with a._lock:
        same = [started(lambda: steps[1](x)), started(lambda: a.assign_add(x)), started(lambda: a.assign(a + x))]
        others = [started(lambda: steps[2](x)), started(lambda: b.assign_add(x))]
        for thread in others:
            thread.join(60)
        assert [thread.is_alive() for thread in (*same, *others)] == [True, True, True, False, False]
    for thread in same:
        thread.join(60)
    assert (b.numpy() == 4).all()


def test_functions_that_share_some_variables_wait_in_turn():
    a, b, c = [tf.Variable(ones(2, 0.0)) for _ in range(3)]
    x = tf.constant(ones(2))
    for v in (a, b, c):
        v.assign_add(x)

    def together(*variables):
        @tf.function
        def step():
            for v in variables:
                v.assign_add(x)

        return step

    first, second = together(a), together(b)
    first(), second()  # a and b have locks of their own
    steps = [together(a, b), together(b, c, a), together(c, b)]
    in_threads(3, lambda i: [steps[i]() for _ in range(1000)])
    assert [v.numpy()[0] for v in (a, b, c)] == [2002, 3002, 2001]
    assert a._lock is not b._lock


# What it looks like.


def test_the_text_says_what_is_assigned_when():
    v = tf.Variable([1.0])

    @tf.function
    def step(x):
        v.assign_add(x)
        tf.py_function(lambda: None, [], [])
        v.assign_add(x)

    x = tf.constant([1.0])
    step(x)
    text = str(step.get_concrete_function(x))
    assert "EagerPyFunc" in text and "not compiled" not in text
    assert "variables are assigned before it and read again after it" in text
