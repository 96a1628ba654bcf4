"""Calls of compiled functions: what they keep, who may call them, what they may be given, and how they fail."""

import ctypes
import gc
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import objects
from tapeflow.compiler.threads import count

LARGE = 40_000  # elements: updated in place, and worth a second thread


def plan_of(function, *args):
    """The plan of a function that was compiled for one set of shapes."""
    (made,) = function.get_concrete_function(*args)._graph.cache["native"].values()
    assert not made.reason
    return made.plan


def run_script(text, timeout=60, **environment):
    """What a script prints, run by a Python of its own; fails if the script does."""
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=timeout,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.parametrize("count", [objects.FEW - 1, objects.FEW, objects.FEW + 1, 200])
def test_many_arguments(count):
    """Arrays and scalars are found one by one up to a number, and in a loop from there on."""
    variables = [tf.Variable([float(i)]) for i in range(3)]

    @tf.function
    def f(*args):
        for v in variables:
            v.assign_add([1.0])
        return [x * 2.0 for x in args], variables[0] + variables[2]

    args = [tf.constant(float(i)) if i % 2 else tf.constant([float(i), 1.0]) for i in range(count)]
    for calls in (1, 2):
        doubled, total = f(*args)
        for x, y in zip(args, doubled, strict=True):
            np.testing.assert_array_equal(y, 2.0 * x.numpy())
        np.testing.assert_array_equal(total, [2.0 + 2 * calls])


@pytest.mark.parametrize("place", [0, 40])
def test_an_array_that_is_not_contiguous_among_many(place):
    turned = tf.transpose(tf.constant(np.arange(6.0).reshape(2, 3)))  # a view
    args = [turned if i == place else tf.constant(np.full((3, 2), float(i))) for i in range(50)]
    f = tf.function(lambda *args: [x + 1.0 for x in args])
    for x, y in zip(args, f(*args), strict=True):
        np.testing.assert_array_equal(y, x.numpy() + 1.0)
    assert len(plan_of(f, *args).steps) == 1


def test_code_does_not_grow_with_the_arguments():
    """A piece of straight code of a length is not compiled in a time of its square: arguments are a few lines each."""

    def lines(count):
        args = [tf.constant(float(i)) for i in range(count)]
        f = tf.function(lambda *args: [x + 1.0 for x in args])
        f(*args)
        (text,) = [text for text in plan_of(f, *args).texts if "@run0(ptr %tuple)" in text]
        return text[text.index("@run0(ptr %tuple)") :].count("\n")

    assert lines(200) - lines(100) < 100 * 8  # two objects an argument: what goes in, and what comes out


# What calls leave behind.


def test_a_hundred_thousand_calls_leak_nothing():
    v = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(v * x - 1.0))
        v.assign_sub(0.01 * tape.gradient(loss, v))
        return loss

    x = tf.constant([1.0, 2.0, 3.0])
    for _ in range(1000):
        step(x)
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for _ in range(100_000):
            step(x)
        assert sys.getallocatedblocks() - before < 100
    finally:
        gc.enable()


def test_large_results_are_freed_or_used_again():
    @tf.function
    def f(x):
        return x + 1.0, x * 2.0

    x = tf.zeros([1_000_000])
    kept = [f(x)[0] for _ in range(4)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        f(x)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000 * (1024 if sys.platform == "darwin" else 1)  # KiB; all of them would be 2,400,000
    assert all((t.numpy() == 1).all() for t in kept)


def test_a_dropped_function_frees_its_memory():
    import weakref

    v = tf.Variable(tf.zeros([LARGE]))
    function = tf.function(lambda x: v + x)
    function(tf.constant(1.0))
    graph = weakref.ref(function.get_concrete_function(tf.constant(1.0))._graph)
    del function
    gc.collect()
    assert graph() is None


# Results belong to the caller.


def test_results_are_the_callers_own():
    v = tf.Variable(tf.ones([LARGE]))

    @tf.function
    def f(x):
        v.assign_add(x)
        return v.read_value(), x * 2.0, tf.reduce_sum(x), x

    x = tf.ones([LARGE])
    held, arrays = [], []
    for n in range(6):
        found = f(x)
        assert found[0].numpy()[0] == n + 2
        held.append(found)
        arrays.append([np.array(t) for t in found])
        found[1].numpy()[...] = -1
        found[0].numpy()[...] = -1
    for tensors, wanted in zip(held, arrays):
        for tensor, array in zip(tensors, wanted):
            np.testing.assert_array_equal(tensor, array)
    assert (x.numpy() == 1).all() and (v.numpy() == 7).all()


@pytest.mark.parametrize("view", [np.asarray, lambda t: np.from_dlpack(t), lambda t: memoryview(np.asarray(t)),
                                  lambda t: np.asarray(t)[::2], lambda t: tf.experimental.dlpack.to_dlpack(t)],
                         ids=["asarray", "from_dlpack", "memoryview", "a view of a view", "to_dlpack"])  # fmt: skip
def test_what_looks_into_a_result_never_changes(view):
    @tf.function
    def f(x):
        return x + 1.0

    first = view(f(tf.zeros([100_000])))
    for n in range(5):
        f(tf.fill([100_000], float(n + 5)))
    if type(first).__name__ == "PyCapsule":
        first = tf.experimental.dlpack.from_dlpack(first)
    assert (np.asarray(first) == 1).all()


def test_a_view_of_a_result_that_is_gone_never_changes():
    f = tf.function(lambda x: tf.transpose(tf.reshape(x + 1.0, [400, 250])))
    g = tf.function(lambda x: x + 1.0)
    one = tf.reshape(g(tf.zeros([100_000])), [1000, 100])
    two = f(tf.zeros([100_000]))[3:9]
    for n in range(5):
        g(tf.fill([100_000], float(n + 5))), f(tf.fill([100_000], float(n + 5)))
    assert (one.numpy() == 1).all() and (two.numpy() == 1).all()


def test_what_a_numpy_kernel_made_of_a_variable_never_changes():
    """A slice whose bound only the run knows is a view of the variable's array, which is then not written over."""
    v = tf.Variable(tf.zeros([LARGE]))

    @tf.function
    def step(n):
        old = v[:n]
        v.assign_add(tf.ones([LARGE]))
        return old

    first = step(tf.constant(3))
    assert (first.numpy() == 0).all() and (step(tf.constant(3)).numpy() == 1).all() and (v.numpy() == 2).all()
    assert (first.numpy() == 0).all()


@pytest.mark.parametrize("size", [3, LARGE], ids=["small", "large"])
def test_what_was_read_from_a_variable_never_changes(size):
    v = tf.Variable(tf.zeros([size]))

    @tf.function
    def step(x):
        old = v.read_value()
        v.assign_add(x)
        return old

    x = tf.ones([size])
    before = v.read_value()
    views = [np.asarray(v.read_value()), np.asarray(tf.reshape(v, [-1, 1]))]
    olds = [step(x) for _ in range(5)]
    assert (before.numpy() == 0).all() and all((view == 0).all() for view in views)
    assert [t.numpy()[-1] for t in olds] == [0, 1, 2, 3, 4]
    assert (v.numpy() == 5).all()


def test_a_variable_does_not_share_what_it_is_assigned():
    v, w = tf.Variable(tf.zeros([LARGE])), tf.Variable(tf.zeros([LARGE]))

    @tf.function
    def share(x):
        v.assign(x)
        w.assign(x)
        return v.read_value()

    @tf.function
    def step():
        v.assign_add(tf.ones([LARGE]))

    x = tf.fill([LARGE], 4.0)
    found = share(x)
    for _ in range(3):
        step()
    assert (x.numpy() == 4).all() and (w.numpy() == 4).all() and (found.numpy() == 4).all() and (v.numpy() == 7).all()


# What may be given.


def test_arguments_of_every_layout():
    f = tf.function(lambda x: (x * 2.0, tf.reduce_sum(x), tf.transpose(x)))
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    padded = np.zeros(4 * 6 * 4 + 1, np.uint8)
    crooked = padded[1:].view(np.float32).reshape(4, 6)
    crooked[...] = whole
    frozen = whole.copy()
    frozen.setflags(write=False)
    wide = np.zeros((8, 12), np.float32)
    wide[::2, ::2] = whole
    layouts = {
        "as it is": whole, "by columns": np.asfortranarray(whole), "misaligned": crooked, "read-only": frozen,
        "every other": wide[::2, ::2], "backwards": whole[::-1, ::-1].copy()[::-1, ::-1],
        "one row": np.broadcast_to(whole[:1], (4, 6)), "big-endian": whole.astype(">f4"),
    }  # fmt: skip
    for name, array in layouts.items():
        for value in (array, tf.constant(array)):
            double, total, turned = f(value)
            np.testing.assert_array_equal(double, np.asarray(array) * 2, err_msg=name)
            np.testing.assert_array_equal(turned, np.asarray(array).T, err_msg=name)
            assert total == np.sum(array), name
    turned = tf.transpose(tf.constant(whole))  # a view of a tensor
    np.testing.assert_array_equal(f(turned)[0], whole.T * 2)


def test_scalars_of_every_make():
    f = tf.function(lambda x, flag, n: (tf.where(flag, x, -x), tf.logical_not(flag), n + 1))
    zero = np.array(1.5, np.float32)
    for x in (tf.constant(1.5), zero, np.float32(1.5), tf.constant(zero), tf.reshape(tf.constant([1.5]), [])):
        for flag in (tf.constant(True), np.bool_(True), np.array(True), tf.constant(3) > 2):
            a, b, c = f(x, flag, tf.constant(4))
            assert a.numpy() == 1.5 and b.numpy() == np.False_ and c.numpy() == 5
            assert a.shape == b.shape == c.shape == []
    assert f(tf.constant(1.5), tf.constant(False), tf.constant(4))[0].numpy() == -1.5


def test_scalars_are_not_shared_between_calls():
    f = tf.function(lambda x: (x + 1.0, x > 2.0, tf.cast(x, tf.int64)))
    found = [f(tf.constant(float(n))) for n in range(5)]
    assert [a.numpy() for a, _, _ in found] == [1, 2, 3, 4, 5]
    assert [bool(b) for _, b, _ in found] == [False, False, False, True, True]
    assert [c.numpy() for _, _, c in found] == [0, 1, 2, 3, 4]


def test_a_variable_with_an_array_of_another_layout():
    v = tf.Variable(np.asfortranarray(np.arange(LARGE, dtype=np.float32).reshape(200, 200)))
    f = tf.function(lambda: v.assign_add(tf.ones([200, 200])))
    f()
    v.assign(tf.transpose(v))
    f()
    np.testing.assert_array_equal(v, np.arange(LARGE, dtype=np.float32).reshape(200, 200).T + 2)


def test_a_variable_that_is_an_argument_of_itself():
    v = tf.Variable(tf.ones([LARGE]))
    f = tf.function(lambda x: v.assign_add(x))
    for _ in range(3):
        f(v.read_value())
    assert (v.numpy() == 8).all()


# Errors.


def names_line(function, offset, caught):
    """Whether an error names the line that is so many lines after a function's first."""
    line = function.python_function.__code__.co_firstlineno + offset
    where = f"{os.path.basename(__file__)}, line {line}."
    return any(where in note for note in caught.value.__notes__)


@pytest.mark.parametrize("size", [2, LARGE], ids=["small", "large"])
def test_a_wrong_label_assigns_nothing(size):
    v, count_ = tf.Variable(tf.zeros([size, 3])), tf.Variable(0)

    @tf.function
    def step(labels):
        count_.assign_add(1)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, v)  # here
        v.assign_add(tf.ones([size, 3]))
        return losses

    good = np.zeros(size, np.int32)
    step(tf.constant(good))
    good[-1] = 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="label") as caught:
        step(tf.constant(good))
    assert (v.numpy() == 1).all()
    assert names_line(step, 3, caught)
    assert step(tf.constant(np.zeros(size, np.int32))).shape == [size]
    assert (v.numpy() == 2).all()


def test_a_failed_assertion_assigns_nothing_after_it():
    v = tf.Variable(tf.zeros([LARGE]))

    @tf.function
    def step(x):
        tf.debugging.Assert(tf.reduce_all(x > 0), ["not positive"])  # here
        v.assign_add(x)
        return tf.reduce_sum(v)

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        step(tf.fill([LARGE], -1.0))
    assert names_line(step, 2, caught)
    assert (v.numpy() == 0).all()
    assert step(tf.ones([LARGE])).numpy() == LARGE


def test_an_index_out_of_range_names_the_line():
    @tf.function
    def f(x, i):
        y = x + 1.0
        return tf.gather(y, i)  # here

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        f(tf.zeros([3]), tf.constant([1, 7]))
    assert names_line(f, 3, caught)


@pytest.mark.parametrize("size", [3, LARGE], ids=["small", "large"])
def test_an_index_out_of_range_before_an_assignment_leaves_the_variable(size):
    v = tf.Variable(tf.zeros([size]))

    @tf.function
    def step(x, i):
        found = tf.gather(x, i)
        v.assign_add(x)
        return found

    with pytest.raises(tf.errors.InvalidArgumentError):
        step(tf.ones([size]), tf.constant([1, size]))
    assert (v.numpy() == 0).all()
    step(tf.ones([size]), tf.constant([1]))
    assert (v.numpy() == 1).all()


def test_a_late_check_assigns_nothing():
    """The labels are known after the loop that would have updated the variable."""
    v = tf.Variable(tf.zeros([LARGE]))

    @tf.function
    def step(x, logits):
        labels = tf.cast(tf.reduce_sum(tf.reshape(x, [4, -1]), axis=1) / 10_000.0, tf.int32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        v.assign_add(x)
        return losses

    logits = tf.zeros([4, 3])
    with pytest.raises(tf.errors.InvalidArgumentError):
        step(tf.fill([LARGE], 5.0), logits)
    assert (v.numpy() == 0).all()
    step(tf.fill([LARGE], 1.0), logits)
    assert (v.numpy() == 1).all()


# Threads.


def in_threads(number, work):
    """Run `work(i)` in threads at once; raises what one raises."""
    errors = []
    start = threading.Barrier(number)

    def body(i):
        try:
            start.wait()
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=body, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_threads_compile_at_once(monkeypatch):
    from tapeflow.compiler import jit

    monkeypatch.setenv("TAPEFLOW_CACHE_DIR", "")
    both = threading.Barrier(2)

    def work(i):
        for number in range(i, 40, 2):
            both.wait(60)
            loaded = jit.load([f"define i64 @f() {{ ret i64 {number} }}"], ["f"], level=0)
            assert ctypes.CFUNCTYPE(ctypes.c_int64)(loaded.address["f"])() == number

    in_threads(2, work)


def many_loops(x):
    for n in range(1, 9):
        x = tf.tanh(tf.matmul(x, tf.ones([64, 64]) * 0.01 * n) + tf.reduce_mean(tf.sin(x * n), axis=0))
    return x


def test_a_long_graph_is_compiled_in_parts_at_once(monkeypatch):
    from tapeflow.compiler import jit

    monkeypatch.setenv("TAPEFLOW_CACHE_DIR", "")
    x = tf.random.stateless_normal([640, 64], [1, 2])
    monkeypatch.setattr("tapeflow.compiler.threads.count", lambda: 2)
    f, by = tf.function(many_loops), set()
    compiled = jit.llvm.compiled
    monkeypatch.setattr(jit.llvm, "compiled", lambda *args: by.add(threading.get_ident()) or compiled(*args))
    np.testing.assert_allclose(f(x), many_loops(x), rtol=1e-4, atol=1e-5)
    assert len(plan_of(f, x).texts) > 2 and len(by) > 1

    def broken(text, level):
        raise RuntimeError("no such machine")

    monkeypatch.setattr(jit.llvm, "compiled", broken)
    with pytest.raises(RuntimeError, match="no such machine"):
        tf.function(many_loops)(x)


def test_a_native_loop_is_compiled_in_parts_at_once(monkeypatch):
    monkeypatch.setattr("tapeflow.compiler.threads.count", lambda: 2)

    def loop(x):
        def round(i, s, k):
            for n in range(1, 13):
                s = tf.tanh(s * 0.3 + x * n) + tf.reduce_mean(tf.sin(s * n), axis=n % 2, keepdims=True)
            return i + 1, s, k * 1.01 + s[0, 0] * 0.01

        return tf.while_loop(lambda i, s, k: i < 30, round, (0, tf.zeros([40, 50]), 1.0))[1:]

    f = tf.function(loop)

    x = tf.random.stateless_normal([40, 50], [1, 2])
    for found, wanted in zip(f(x), loop(x)):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    assert len(plan_of(f, x).texts) > 1 and plan_of(f, x).inner


@pytest.mark.parametrize("size", [3, 200_000], ids=["small", "large"])
@pytest.mark.parametrize("number", [2, 8])
def test_threads_call_a_pure_function(number, size):
    @tf.function
    def f(x):
        y = tf.reduce_sum(tf.sin(x) * x)
        return x * 2.0 + 1.0, y, tf.reduce_max(x)

    def work(i):
        x = tf.fill([size], float(i + 1))
        right = None
        for _ in range(300 if size < 10 else 30):
            a, b, c = f(x)
            assert (a.numpy() == 2 * (i + 1) + 1).all() and c.numpy() == i + 1
            right = b.numpy() if right is None else right
            assert b.numpy() == right

    in_threads(number, work)


@pytest.mark.parametrize("size", [1, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("number", [2, 8])
def test_threads_update_a_variable(number, size):
    """No update is lost, and no reader sees half of one, as with TensorFlow's assign_add."""
    v = tf.Variable(tf.zeros([size]))
    one = tf.ones([size])
    before = sys.getswitchinterval()

    @tf.function
    def step(x):
        v.assign_add(x)

    @tf.function
    def look():
        return tf.reduce_max(v), tf.reduce_min(v)

    times = 400 if size > 1 else 4000

    def work(i):
        for n in range(times):
            step(one)
            if n % 50 == 0:
                high, low = look()
                assert high.numpy() == low.numpy()

    sys.setswitchinterval(1e-6)
    try:
        in_threads(number, work)
    finally:
        sys.setswitchinterval(before)
    assert (v.numpy() == number * times).all()


def test_threads_trace_at_once():
    f = tf.function(lambda x: tf.reduce_sum(x * x))
    in_threads(8, lambda i: [f(tf.ones([n + 1])) for n in range(10)])
    assert f(tf.ones([4])).numpy() == 4
    assert f.experimental_get_tracing_count() == 10


def test_the_number_of_threads_is_what_was_set():
    wanted = tf.config.threading.get_intra_op_parallelism_threads()
    x = tf.ones([1_000_000])
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        alone = tf.function(lambda x: tf.reduce_sum(tf.sin(x)))
        assert not plan_of(alone, x).parallel if alone(x) is not None else False
        tf.config.threading.set_intra_op_parallelism_threads(3)
        assert count() == 3
        shared = tf.function(lambda x: tf.reduce_sum(tf.sin(x)))
        np.testing.assert_allclose(shared(x), alone(x), rtol=1e-6)
        assert plan_of(shared, x).parallel
    finally:
        tf.config.threading.set_intra_op_parallelism_threads(wanted)


def test_an_idle_process_burns_no_core():
    printed = run_script("""
        import os, time
        import tapeflow as tf
        tf.config.threading.set_intra_op_parallelism_threads(4)
        f = tf.function(lambda x: tf.reduce_sum(tf.sin(x)))
        x = tf.ones([1_000_000])
        for _ in range(20):
            f(x)
        time.sleep(0.1)
        before = time.process_time()
        time.sleep(1)
        print(time.process_time() - before)
    """)
    assert float(printed) < 0.1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_forked_child_works(when):
    """Forked before or after the workers started: the child compiles, and runs loops of several threads."""
    printed = run_script(f"""
        import os, sys, signal
        import numpy as np
        import tapeflow as tf
        tf.config.threading.set_intra_op_parallelism_threads(3)
        f = tf.function(lambda x: (tf.reduce_sum(x * 2.0), x + 1.0))
        x = tf.ones([500_000])
        if {when == "after"}:
            for _ in range(10):
                f(x)
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            g = tf.function(lambda x: tf.reduce_sum(x * 3.0))
            for _ in range(50):
                total, more = f(x)
                good = float(total) == 1e6 and (more.numpy() == 2).all() and float(g(x)) == 1.5e6
                if not good:
                    os._exit(3)
            os._exit(0)
        for _ in range(50):
            assert float(f(x)[0]) == 1e6
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    assert printed.strip() == "0"


def test_ctrl_c_interrupts():
    """Many times, between any two instructions: each interrupt is raised, and the variables stay whole."""
    script = textwrap.dedent("""
        import signal
        import tapeflow as tf
        signal.alarm(120)  # should nobody be left to interrupt it
        v, w = tf.Variable(tf.zeros([40_000])), tf.Variable(0.0)
        @tf.function
        def step(x):
            v.assign_add(x)
            w.assign_add(1.0)
            return tf.reduce_sum(tf.sin(x))
        x = tf.ones([40_000])
        step(x)
        caught = 0
        while caught < 20:
            try:
                print("ready", flush=True)
                while True:
                    step(x)
            except KeyboardInterrupt:
                caught += 1
        a = v.numpy()
        assert (a == a[0]).all(), a
        assert abs(a[0] - w.numpy()) <= 20, (a[0], w.numpy())
        step(x)
        v.assign_add(x)
        print("done", flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for n in range(20):
            assert process.stdout.readline() == "ready\n", (n, process.wait(), process.stderr.read())
            time.sleep(0.02 + 0.003 * n)
            process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "done\n", process.stderr.read()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers on this system")
def test_an_interrupt_at_any_instruction_leaves_the_variables():
    run_script("""
        import random, signal
        import tapeflow as tf
        class Interrupt(Exception):
            pass
        def interrupt(*_):
            raise Interrupt
        signal.signal(signal.SIGALRM, interrupt)
        v, w = tf.Variable(tf.zeros([40_000])), tf.Variable(tf.zeros([40_000]))
        @tf.function
        def step(x):
            v.assign_add(x)
            w.assign_sub(x)
        x = tf.ones([40_000])
        step(x)
        rng = random.Random(1)
        for _ in range(3000):
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 2e-4))
                while True:
                    step(x)
            except Interrupt:
                pass
            assert "_array" in vars(v) and "_array" in vars(w)
        signal.setitimer(signal.ITIMER_REAL, 0)
        a = v.numpy()
        assert (a == a[0]).all() and (w.numpy() == -a).all()
    """)


def test_one_long_call_is_interrupted_when_it_ends():
    script = textwrap.dedent("""
        import signal
        import tapeflow as tf
        signal.alarm(120)
        f = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, x)))
        x = tf.ones([600, 600])
        f(x)
        print("ready", flush=True)
        try:
            while True:
                f(x)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - start < 5
    finally:
        process.kill()
        process.communicate()
