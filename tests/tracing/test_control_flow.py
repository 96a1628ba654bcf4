"""Control flow, eager and traced, and its derivatives in both modes and to second order: TensorFlow's, recorded."""

import gc
import json
import threading

import numpy as np
import pytest

import tapeflow as tf
from tracing.control_programs import MEASURES, PROGRAMS, RECORDED, W, X, measured

WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives_are_tensorflows(name, measure):
    ways = {
        "eager": lambda: measured(tf, PROGRAMS[name], lambda f: f, measure),
        "a tape around a function": lambda: measured(tf, PROGRAMS[name], tf.function, measure),
        "a tape in a function": lambda: _inside(PROGRAMS[name], measure),
    }
    for way, found in ways.items():
        for a, b in zip(found(), WANTED[name][measure.__name__], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=way)


def _inside(function, measure):
    @tf.function
    def whole(x, w):
        return list(measure(tf, lambda x, w: function(tf, x, w), [x, w]))

    return [tf.convert_to_tensor(t).numpy() for t in whole(tf.constant(X), tf.constant(W))]


def test_assignments_in_a_branch_under_a_tape():
    v = tf.Variable(2.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)

            def branch():
                a = v * x
                v.assign(x * 3.0)
                return a + v * x * x

            z = v * x + tf.cond(x > 0.0, branch, lambda: x)
        return z, *tape.gradient(z, [x, v])

    assert [t.numpy() for t in f(tf.constant(2.0))] == [32, 28, 8] and v.numpy() == 6  # as TensorFlow has it


def test_assignments_in_a_loop_under_a_tape():
    v = tf.Variable(2.0)

    def f(x):
        def body(i, a):
            a = a * v
            v.assign_add(1.0)
            return i + 1, a

        return tf.while_loop(lambda i, a: i < 3, body, (0, x))[1]

    @tf.function
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = f(x)
        return z, *tape.gradient(z, [x, v])

    assert [t.numpy() for t in inside(tf.constant(2.0))] == [48, 24, 52] and v.numpy() == 5  # as TensorFlow has it
    v.assign(2.0)
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = tf.function(f)(x)
    assert z.numpy() == 48 and [g.numpy() for g in tape.gradient(z, [x, v])] == [24, 52]


def test_the_gradient_sees_the_random_numbers_of_the_way_forward():
    def f(x):
        z = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * (tf.random.uniform([]) + 0.5)), (0, x))[1]
        return z + tf.cond(x > 0.0, lambda: x * tf.random.uniform([]), lambda: x)

    @tf.function
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = f(x)
        return z, tape.gradient(z, x)

    x = tf.constant(2.0)
    seen = set()
    for _ in range(3):
        z, g = inside(x)
        np.testing.assert_allclose(z / x, g, rtol=1e-6)
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = tf.function(f)(x)
        np.testing.assert_allclose(z / x, tape.gradient(z, x), rtol=1e-6)
        seen.add(float(g))
    assert len(seen) == 3


def test_hessians_and_jacobians_of_loops_in_a_function():
    def loop(x):
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * a * x), (0, x))[1]

    @tf.function
    def f(x):
        y = tf.reduce_sum(loop(x))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            z = loop(x)
        return tf.hessians(y, x)[0], tape.jacobian(z, x), tape.jacobian(z, x, experimental_use_pfor=False)

    x = tf.constant([1.1, 0.9])
    hessian, rows, looped = f(x)
    np.testing.assert_allclose(hessian, np.diag(15 * 14 * x.numpy() ** 13), rtol=1e-4)  # it is x to the power 15
    np.testing.assert_allclose(rows, np.diag(15 * x.numpy() ** 14), rtol=1e-4)
    np.testing.assert_allclose(looped, rows, rtol=1e-5)


def test_vectorized_map_over_control_flow():
    x = tf.constant([1.1, 0.9])

    @tf.function
    def loop(x):
        return tf.vectorized_map(
            lambda r: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * a * r), (0, r))[1], x
        )

    @tf.function
    def pick(x):
        return tf.vectorized_map(lambda r: tf.cond(r > 1.0, lambda: r * 2.0, lambda: -r), x)

    np.testing.assert_allclose(loop(x), x.numpy() ** 15, rtol=1e-5)
    np.testing.assert_allclose(pick(x), [2.2, -0.9], rtol=1e-6)


def test_only_what_is_asked_for_comes_back_through_a_loop():
    """A matrix that no tape watches gets no cotangent."""
    m, x = tf.ones([50, 50]), tf.ones([50])

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.linalg.matvec(m, a) / 50.0), (0, x))[1]
        return tape.gradient(y, x)

    graph = f.get_concrete_function(x)._graph
    (back,) = [node for node in graph.nodes if node.prim.name == "While" and node.attrs[0] is None]
    assert [graph.types[slot][0] for slot in back.outputs] == [(50,)]
    np.testing.assert_allclose(f(x), np.ones(50), rtol=1e-5)


def test_dynamic_sizes():
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def f(x):
        array = tf.TensorArray(tf.float32, size=tf.shape(x)[0])
        for i in tf.range(tf.shape(x)[0]):
            array = array.write(i, x[i] * 2.0)
        mapped = tf.map_fn(lambda r: tf.reduce_sum(r), x)
        return array.stack(), mapped, tf.scan(lambda a, r: a + r, x), tf.foldl(lambda a, r: a + r, x), array.size()

    for n in (1, 4):
        x = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
        stacked, mapped, scanned, folded, size = f(tf.constant(x))
        np.testing.assert_allclose(stacked, x * 2)
        np.testing.assert_allclose(mapped, x.sum(1))
        np.testing.assert_allclose(scanned, np.cumsum(x, 0))
        np.testing.assert_allclose(folded, x.sum(0))
        assert size.numpy() == n


def test_an_element_of_unknown_size():
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            array = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
            for i in tf.range(3):
                array = array.write(i, x * tf.cast(i, tf.float32))
            y = array.stack()
        return y, tape.gradient(y, x)

    y, g = f(tf.ones([4, 2]))
    assert y.shape == [3, 4, 2] and y.numpy()[:, 0, 0].tolist() == [0, 1, 2] and g.numpy().tolist() == [[3, 3]] * 4


def test_rows_of_several_shapes_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Incompatible shapes"):
        tf.function(lambda n: tf.map_fn(lambda x: tf.range(x), tf.range(n)))(tf.constant(3))


ERRORS = {
    "a write past the end": lambda a: a.write(5, 1.0),
    "a write before the beginning": lambda a: a.write(-1, 1.0),
    "a read past the end": lambda a: a.read(7),
}


@pytest.mark.parametrize("name", ERRORS)
def test_places_out_of_range(name):
    def f(i):
        return ERRORS[name](tf.TensorArray(tf.float32, size=3, element_shape=[])).stack()

    with pytest.raises(tf.errors.OutOfRangeError):
        f(0)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.function(f)(0)


def test_places_out_of_range_in_a_loop():
    @tf.function
    def f(n):
        array = tf.TensorArray(tf.float32, size=3)
        for i in tf.range(n):
            array = array.write(i, 1.0)
        return array.stack()

    assert f(tf.constant(2)).numpy().tolist() == [1, 1, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="element 3 in a list with 3 elements"):
        f(tf.constant(4))


def test_what_a_tensor_array_refuses():
    array = tf.TensorArray(tf.float32, size=3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="TensorArray dtype is float"):
        array.write(0, tf.constant(1))
    array = array.write(0, [1.0, 2.0])
    with pytest.raises(ValueError, match="Incompatible shape"):
        array.write(1, [1.0, 2.0, 3.0])
    assert array.read(0).numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="twice"):
        array.read(0)
    with pytest.raises(ValueError, match="static size 2"):
        tf.TensorArray(tf.float32, size=2).unstack([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="[Ss]ize"):
        tf.TensorArray(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="sum of lengths"):
        tf.TensorArray(tf.float32, size=2).split(tf.range(6.0), [2, 2])


def test_parts_of_several_lengths():
    array = tf.TensorArray(tf.float32, size=3, infer_shape=False).split(tf.range(6.0), [1, 2, 3])
    assert [array.read(i).shape[0] for i in range(3)] == [1, 2, 3]
    array = tf.TensorArray(tf.float32, size=3, infer_shape=False).split(tf.range(6.0), [1, 2, 3])
    assert array.concat().numpy().tolist() == [0, 1, 2, 3, 4, 5]
    assert array.size().numpy() == 3 and array.dtype is tf.float32 and not array.dynamic_size


def test_a_tensor_array_through_a_branch():
    @tf.function
    def f(x):
        array = tf.TensorArray(tf.float32, size=2)
        if x > 0.0:
            array = array.write(0, x)
        else:
            array = array.write(1, -x)
        return array.stack()

    assert f(tf.constant(3.0)).numpy().tolist() == [3, 0] and f(tf.constant(-2.0)).numpy().tolist() == [0, 2]


def test_an_empty_scan():
    empty = tf.zeros([0, 2])
    for wrap in (lambda f: f, tf.function):
        assert wrap(lambda: tf.scan(lambda a, x: a + x, empty, initializer=tf.zeros([2])))().shape == [0, 2]
        with pytest.raises((tf.errors.OutOfRangeError, tf.errors.InvalidArgumentError)):
            wrap(lambda: tf.foldl(lambda a, x: a + x, empty))()


def test_threads_call_one_function_with_control_flow():
    v = tf.Variable(2.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                if y < 100.0:
                    y = y * v
            z = tf.scan(lambda a, r: a * r, tf.stack([y, x]))[-1]
        return z, tape.gradient(z, x)

    wrong = []

    def work(n):
        for i in range(20):
            x = float(n + i)
            z, g = f(tf.constant(x))
            if not np.allclose([z, g], [8 * x * x, 16 * x]):
                wrong.append((x, z, g))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong and f.experimental_get_tracing_count() == 1


def test_calls_leak_nothing():
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.sin(a) * x), (0, x))[1]
        return tape.gradient(y, x)

    x = tf.ones([10])
    f(x)
    f(x)  # what has unknown sizes is compiled at the second call
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(300):
            f(x)
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_sizes_from_around_a_loop_that_are_not_known():
    """A body computes with the sizes of tensors from outside, which have other numbers in the graph of the body."""

    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None, None]), tf.TensorSpec([None])])
    def f(unused, y, x):
        def body(i, a):
            a += tf.reduce_mean(x) + tf.reduce_sum(tf.zeros_like(y) + 1.0) + tf.reduce_sum(tf.reshape(y, [-1]))
            return i + 1, a + tf.cast(tf.size(x), tf.float32) + x[-1]

        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = tf.while_loop(lambda i, a: i < 2, body, (0, 0.0))[1]
        return z, *tape.gradient(z, [x, y])

    z, gx, gy = f(tf.zeros([7]), tf.ones([2, 3]), tf.constant([1.0, 2.0, 3.0, 4.0]))
    assert z.numpy() == 2 * (2.5 + 6 + 6 + 4 + 4)
    assert gx.numpy().tolist() == [0.5, 0.5, 0.5, 2.5] and gy.numpy().tolist() == [[2] * 3] * 2


def test_arrays_that_grow_from_the_same_rows_are_each_their_own():
    """A row past the last is written without a copy, but not over the row of another that did so before."""

    @tf.function
    def grow(x, n):
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for i in tf.range(n):
            array = array.write(i, x * tf.cast(i, tf.float32))
        first = array.write(n, x + 100.0)
        second = array.write(n, x + 200.0)
        third = first.write(n + 1, x)
        return array.stack(), first.stack(), second.stack(), third.stack(), second.write(n + 1, x - 1.0).stack()

    for n in (1, 3, 9, 40):
        found = [t.numpy().tolist() for t in grow(tf.constant(1.0), tf.constant(n))]
        rows = [float(i) for i in range(n)]
        assert found == [rows, [*rows, 101.0], [*rows, 201.0], [*rows, 101.0, 1.0], [*rows, 201.0, 0.0]]


def test_a_growing_array_does_not_copy_its_rows():
    from tapeflow.ops import tensor_array

    row, rows, before = np.ones(1000), np.zeros((0, 1000)), set(tensor_array._rooms)
    places = set()
    for n in range(1000):
        rows = tensor_array._write(rows, n, row * n, True)
        places.add(rows.ctypes.data)
    assert len(places) < 20
    assert (rows == np.arange(1000.0)[:, None]).all()
    backwards = rows[::-1]
    assert (tensor_array._write(backwards, 1000, row, True)[:-1] == backwards).all() and rows[0, 0] == 0
    del rows, backwards
    gc.collect()
    assert set(tensor_array._rooms) <= before


@pytest.mark.parametrize("rows", [3, 20])
def test_a_jacobian_row_by_row_in_a_function(rows):
    """Without pfor the way back is in the graph once, whatever the number of rows, and has derivatives."""
    w = tf.constant(np.random.default_rng(0).normal(size=(rows, 5)))
    x = tf.constant(np.linspace(-1, 1, 5))

    def jacobian(x, pfor):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.tanh(tf.linalg.matvec(w, x * x))
        found, unconnected = tape.jacobian(y, [x, w], experimental_use_pfor=pfor)
        assert unconnected is None
        return found

    def slope(x, pfor):
        with tf.GradientTape() as outer:
            outer.watch(x)
            total = tf.reduce_sum(tf.sin(jacobian(x, pfor)))
        return outer.gradient(total, x)

    for f in (jacobian, slope):
        np.testing.assert_allclose(tf.function(f)(x, False), f(x, True), rtol=1e-12)


def test_a_long_jacobian_row_by_row_is_a_short_graph():
    @tf.function
    def f(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.sin(x) * tf.reduce_sum(x)
        return tape.jacobian(y, x, experimental_use_pfor=False)

    def operations(rows):
        return len(f.get_concrete_function(tf.TensorSpec([rows])).graph.get_operations())

    assert operations(300) == operations(100)
