"""`tf.function`: when it traces, what it captures, its effects and its derivatives. The figures are TensorFlow's."""

import gc
import threading

import numpy as np
import pytest

import tapeflow as tf


def test_traces_once_for_each_dtype_and_shape():
    seen = []

    @tf.function
    def f(x):
        seen.append(x.dtype.name)
        return x + x

    f(tf.constant(1.0)), f(tf.constant(2.0)), f(tf.constant([1.0])), f(tf.constant(1)), f(np.float32(3))
    assert seen == ["float32", "float32", "int32"]
    assert f.experimental_get_tracing_count() == 3


def test_python_values_count_by_value():
    @tf.function
    def f(x, n, flag=True):
        return x * n if flag else x

    x = tf.constant(2.0)
    found = [f(x, 3), f(x, 3, True), f(x, n=3), f(x, 4), f(x, 3, flag=False)]
    assert [t.numpy() for t in found] == [6, 6, 6, 8, 2]
    assert f.experimental_get_tracing_count() == 3


def test_an_input_signature_traces_once_with_unknown_sizes():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def f(x):
        seen.append(x.shape.as_list())
        n = tf.shape(x)[0]
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_mean(tf.matmul(x, tf.ones([n, 2]), transpose_a=True) ** 2, axis=0)
        return y, tape.gradient(y, x), tf.zeros_like(x), tf.random.normal([n, 2])

    for rows in (4, 2):
        y, g, zeros, random = f(tf.ones([rows, 3]))
        np.testing.assert_allclose(y, [rows**2] * 2)
        np.testing.assert_allclose(g, np.full((rows, 3), 2 * 2 * rows / 3), rtol=1e-6)
        assert zeros.shape == [rows, 3] and random.shape == [rows, 2]
    assert seen == [[None, 3]]
    with pytest.raises(TypeError, match="Can not cast"):
        f(tf.ones([2, 4]))


def test_reduce_retracing_leaves_sizes_unknown():
    f = tf.function(lambda x: x * 2.0, reduce_retracing=True)
    for n in (1, 2, 3, 4):
        assert f(tf.ones([n])).shape == [n]
    assert f.experimental_get_tracing_count() == 2


def test_variables_are_captured_by_reference_and_assigned_in_order():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        before = v.read_value()
        v.assign_add(x)
        v.assign(v * 2.0)
        return before, v.read_value()

    assert [t.numpy() for t in f(tf.constant(2.0))] == [1, 6] and v.numpy() == 6
    v.assign(0.0)
    assert [t.numpy() for t in f(tf.constant(1.0))] == [0, 2]


def test_a_variable_is_made_on_the_first_call_only():
    class Layer:
        v = None

        @tf.function
        def __call__(self, x):
            if self.v is None:
                self.v = tf.Variable(tf.ones([2]) * 3.0)
            return self.v * x

    assert Layer()(tf.constant(2.0)).numpy().tolist() == [6, 6]

    @tf.function
    def bad(x):
        return tf.Variable(1.0) + x

    with pytest.raises(ValueError, match="only supports singleton tf.Variables"):
        bad(tf.constant(1.0))


def test_structures_go_in_and_come_out():
    @tf.function
    def f(d):
        return {"sum": d["a"] + d["b"][0], "both": (d["a"], None)}

    out = f({"a": tf.constant(1.0), "b": [tf.constant(2.0)]})
    assert out["sum"].numpy() == 3 and out["both"][0].numpy() == 1 and out["both"][1] is None


def test_leaked_tensors_say_where_they_were_made():
    kept = []

    @tf.function
    def f(x):
        kept.append(x + 1.0)
        return x

    f(tf.constant(1.0))
    with pytest.raises(TypeError, match=r"out of scope.*test_function.py"):
        kept[0] + 1.0


def test_a_branchs_tensors_do_not_leave_it():
    @tf.function
    def f(x):
        kept = []

        def positive():
            kept.append(x * 2.0)
            return x

        y = tf.cond(x > 0.0, positive, lambda: -x)
        return kept[0] + y

    with pytest.raises(tf.errors.InaccessibleTensorError, match=r"out of scope.*test_function.py"):
        f(tf.constant(1.0))


def test_symbolic_tensors_are_no_python_values():
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="tf.cond"):
        tf.function(lambda x: 1 if x > 0 else 2, autograph=False)(tf.constant(1.0))
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="iterate"):
        tf.function(lambda x: list(x), autograph=False)(tf.constant(1.0))
    assert tf.executing_eagerly() and not tf.inside_function()


def test_print_and_random_happen_at_every_call(capsys):
    @tf.function
    def f(x):
        tf.print("x is", x)
        return tf.random.uniform([])

    a, b = f(tf.constant(1)), f(tf.constant(2))
    assert capsys.readouterr().err == "x is 1\nx is 2\n" and a.numpy() != b.numpy()


def _loss(v, x):
    return tf.reduce_sum(tf.sin(x * v) * tf.exp(x))


def test_a_tape_around_a_function_within_it_and_both():
    v, x = tf.Variable([1.0, 2.0]), tf.constant([0.5, -0.3])

    def gradient(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(v, x)
        return [y, *tape.gradient(y, [v, x])]

    def second(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            first = gradient(function)[2]
        return tape.gradient(first, [v, x])

    for compute in (gradient, second):
        wanted = compute(_loss)
        for found in (compute(tf.function(_loss)), tf.function(lambda compute: compute(_loss))(compute)):
            for a, b in zip(wanted, found, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5)


def test_forward_mode_jacobian_and_vectorized_map_over_a_function():
    f = tf.function(lambda x: tf.sin(x) * x)
    x = tf.constant([0.4, 1.3])
    slope = np.cos([0.4, 1.3]) * [0.4, 1.3] + np.sin([0.4, 1.3])
    with tf.autodiff.ForwardAccumulator(x, tf.ones([2])) as acc:
        y = f(x)
    np.testing.assert_allclose(acc.jvp(y), slope, rtol=1e-5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    np.testing.assert_allclose(tape.jacobian(y, x), np.diag(slope), rtol=1e-5)
    np.testing.assert_allclose(tf.vectorized_map(f, x), f(x), rtol=1e-6)


def test_rows_of_a_table_have_a_sliced_gradient():
    table = tf.Variable(tf.ones([5, 2]))
    f = tf.function(lambda i: tf.reduce_sum(tf.gather(table, i) ** 2))
    with tf.GradientTape() as tape:
        y = f(tf.constant([1, 1, 3]))
    g = tape.gradient(y, table)
    assert isinstance(g, tf.IndexedSlices)
    np.testing.assert_allclose(tf.convert_to_tensor(g)[:, 0], [0, 4, 0, 2, 0])


@tf.custom_gradient
def _odd(x):
    y = tf.sin(x)
    return x * 2.0, lambda dy: dy * 10.0 * x * y


def test_custom_gradients_hold_inside_and_around():
    def first(f, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x)

    def second(f, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            g = first(f, x)
        return tape.gradient(g, x)

    def forward(f, x):
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as acc:
            y = f(x)
        return acc.jvp(y)

    def in_a_loop(x):
        return tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, _odd(a)), (0, x))[1]

    x = tf.constant(1.5)
    for f in (_odd, in_a_loop, lambda x: tf.cond(x > 0.0, lambda: _odd(x), lambda: x)):
        for measure in (first, second, forward):
            wanted = measure(f, x)
            np.testing.assert_allclose(measure(tf.function(f), x), wanted, rtol=1e-5)
            np.testing.assert_allclose(tf.function(lambda x: measure(f, x))(x), wanted, rtol=1e-5)  # noqa: B023
    np.testing.assert_allclose(first(tf.function(_odd), x), 10 * 1.5 * np.sin(1.5), rtol=1e-6)


def test_custom_gradients_with_variables_and_recomputed_ones():
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x):
        def grad(dy, variables):
            assert variables[0] is v
            return dy * 5.0, [dy * x]

        return x * v, grad

    x = tf.constant(2.0)
    for g, wanted in ((f, [5.0, 2.0]), (tf.recompute_grad(lambda x: tf.sin(x) * v), [3 * np.cos(2), np.sin(2)])):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.function(g)(x)
        np.testing.assert_allclose(tape.gradient(y, [x, v]), wanted, rtol=1e-6)


def test_a_custom_gradient_that_fails_does_so_when_it_is_asked_for():
    @tf.custom_gradient
    def f(x):
        def grad(dy):
            raise NotImplementedError("no gradient here")

        return x * 2.0, grad

    x = tf.constant(2.0)
    assert tf.function(f)(x).numpy() == 4
    with pytest.raises(NotImplementedError, match="no gradient here"), tf.GradientTape() as tape:
        tape.watch(x)
        tape.gradient(tf.function(f)(x), x)


def test_gradients_and_hessians_of_a_graph():
    @tf.function
    def f(x):
        y = tf.reduce_sum(x**3)
        return tf.gradients(y, x)[0], tf.hessians(y, x)[0]

    g, h = f(tf.constant([1.0, 2.0]))
    np.testing.assert_allclose(g, [3, 12])
    np.testing.assert_allclose(h, [[6, 0], [0, 12]])


def test_cond_takes_one_branch_and_its_gradient():
    v = tf.Variable(5.0)

    def f(x):
        def taken():
            return v * x * x

        return tf.cond(x > 2.0, taken, lambda: x)

    for value, wanted in ((3.0, (45.0, 30.0, 9.0)), (1.0, (1.0, 1.0, 0.0))):
        x = tf.constant(value)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.function(f)(x)
        gx, gv = tape.gradient(y, [x, v], unconnected_gradients="zero")
        assert (y.numpy(), gx.numpy(), gv.numpy()) == wanted


def test_a_branch_that_is_not_taken_does_nothing():
    v = tf.Variable(0.0)

    @tf.function
    def f(x):
        def write():
            v.assign(x)
            return x

        return tf.cond(x > 0.0, write, lambda: -x)

    assert f(tf.constant(-2.0)).numpy() == 2 and v.numpy() == 0
    assert f(tf.constant(3.0)).numpy() == 3 and v.numpy() == 3


def test_while_loop_and_its_gradient():
    v = tf.Variable(2.0)

    @tf.function
    def f(x, n):
        return tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * x * v), (tf.constant(0), x))[1]

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, tf.constant(3))
    gx, gv = tape.gradient(y, [x, v])
    assert y.numpy() == 3**4 * 8 and gx.numpy() == 4 * 27 * 8 and gv.numpy() == 81 * 3 * 4


def test_a_loop_assigns_at_every_round():
    v = tf.Variable(0)

    @tf.function
    def f():
        def body(i):
            v.assign_add(v + 1)
            return (i + 1,)

        return tf.while_loop(lambda i: i < 3, body, (tf.constant(0),))

    f()
    assert v.numpy() == 7


def test_a_failure_points_to_the_users_line():
    f = tf.function(lambda x, i: tf.gather(x, i))
    f(tf.ones([3]), tf.constant(1))
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        f(tf.ones([3]), tf.constant(7))
    assert any("test_function.py" in note for note in error.value.__notes__)
    with pytest.raises(ValueError):
        tf.function(lambda x: tf.matmul(x, x))(tf.ones([2, 3]))


def test_a_concrete_function_can_be_called_and_read():
    f = tf.function(lambda x, y: {"z": x * y})
    concrete = f.get_concrete_function(tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32))
    assert concrete(tf.constant([2.0]), tf.constant(3.0))["z"].numpy().tolist() == [6]
    assert concrete.structured_outputs["z"].shape.as_list() == [None]
    assert len(concrete.inputs) == 2 and concrete.captured_inputs == []
    assert "Mul" in str(concrete) and [op.type for op in concrete.graph.get_operations()][-1] == "Mul"


def test_a_model_trains_to_the_same_weights():
    def trained(wrap):
        tf.random.set_seed(3)
        w, b = tf.Variable(tf.random.stateless_normal([4, 2], [1, 2])), tf.Variable(tf.zeros([2]))
        x = tf.random.stateless_normal([16, 4], [3, 4])

        def step():
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(tf.nn.relu(x @ w + b) - 1.0))
            gw, gb = tape.gradient(loss, [w, b])
            w.assign_sub(0.1 * gw)
            b.assign_sub(0.1 * gb)
            return loss

        step = wrap(step)
        for _ in range(20):
            step()
        return np.concatenate([w.numpy(), b.numpy()[None]])

    np.testing.assert_allclose(trained(tf.function), trained(lambda f: f), rtol=1e-5)


def test_threads_share_a_function():
    f = tf.function(lambda x: tf.reduce_sum(x * x))
    wrong = []

    def work(n):
        for _ in range(50):
            if f(tf.fill([n], 2.0)).numpy() != 4 * n:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2, 3, 4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert not wrong and f.experimental_get_tracing_count() == 4


def test_calls_leak_nothing():
    v = tf.Variable(tf.ones([8]))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(v * x)
        v.assign_sub(0.01 * tape.gradient(y, v))
        return y

    x = tf.ones([8])
    step(x)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(1000):
            step(x)
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_unknown_sizes_that_have_to_agree():
    rows, labels = tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int32)
    a, b = tf.ones([4, 3]), tf.zeros([4, 3])
    for function, given in [
        (lambda x, y: tf.add_n([x, y]), (a, b)),
        (lambda x, y: tf.stack([x, y]), (a, b)),
        (lambda x, y: tf.nn.sigmoid_cross_entropy_with_logits(x, y), (a, b)),
        (lambda x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(x, y), (tf.constant([0, 2, 1, 0]), a)),
        (lambda x, y: tf.boolean_mask(x, y[:, 0] > 0), (a, b)),
        (lambda x, y: tf.math.unsorted_segment_sum(x, tf.cast(y[:, 0], tf.int32), 2), (a, b)),
        (lambda x, y: tf.reshape(x + y, [-1, 6]), (a, b)),
    ]:
        specs = [labels if x.dtype == tf.int32 else rows for x in given]
        assert np.array_equal(tf.function(function, input_signature=specs)(*given), function(*given))


def test_unknown_sizes_that_do_not_agree():
    rows, labels = tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int32)
    add = tf.function(lambda x, y: tf.add_n([x, y]), input_signature=[rows, rows])
    cross = tf.function(tf.nn.sparse_softmax_cross_entropy_with_logits, input_signature=[labels, rows])
    for function, one, other in [(add, tf.ones([4, 3]), tf.ones([1, 3])), (cross, tf.constant([1]), tf.ones([4, 3]))]:
        with pytest.raises(tf.errors.InvalidArgumentError, match="same"):
            function(one, other)
    for function in (lambda x, y: tf.stack([x, y]), lambda x, y: tf.reshape(tf.concat([x, y], 0), [-1, 6])):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            tf.function(function, input_signature=[rows, rows])(tf.ones([4, 3]), tf.ones([1, 3]))


def test_slices_with_bounds_that_are_not_known():
    x = tf.reshape(tf.range(60.0), [4, 5, 3])

    def parts(x, i):
        return x[i : i + 2], x[:i], x[i:], x[::i], x[:, i : i + 2, ..., None, 0:2], x[-i:, 0]

    f = tf.function(parts)
    for i in (1, 2, 3, 9):
        for found, wanted in zip(f(x, tf.constant(i)), parts(x, i), strict=True):
            assert np.array_equal(found, wanted)
    shapes = [y.shape.as_list() for y in f.get_concrete_function(x, tf.constant(1)).outputs]
    assert shapes == [[None, 5, 3]] * 4 + [[4, None, 1, 2], [None, 3]]


def test_bins_of_numbers_that_are_not_known():
    def count(x):
        return tf.math.bincount(x), tf.math.bincount(x, minlength=5, maxlength=5, axis=-1), tf.math.bincount(
            x, minlength=2, maxlength=3)  # fmt: skip

    for x in ([[1, 1, 3]], [[0, 0, 0]], [[6, 2, 1]]):
        for found, wanted in zip(tf.function(count)(tf.constant(x)), count(tf.constant(x)), strict=True):
            assert np.array_equal(found, wanted)


TOLD = {
    "an argument": lambda x: x,
    "an argument in a loop": lambda x: tf.while_loop(
        lambda i, y: i < 2, lambda i, y: (i + 1, tf.concat([y, y], 0)), [0, x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )[1],
    "what depends on values": lambda x: tf.boolean_mask(x, x > 2),
    "what Python code returns": lambda x: tf.numpy_function(lambda v: v[:5], [x], tf.float32),
    "what Python code was to return": lambda x: tf.numpy_function(lambda v: v[:5], [x], tf.TensorSpec([1 << 22])),
}  # fmt: skip


@pytest.mark.parametrize("make", TOLD.values(), ids=TOLD)
@pytest.mark.parametrize("way", ["set_shape", "ensure_shape"])
def test_a_shape_that_is_told_and_is_not_so(make, way):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        y = make(x)
        if way == "set_shape":
            y.set_shape([1 << 22])
        else:
            y = tf.ensure_shape(y, [1 << 22])
        assert y.shape == [1 << 22]
        return y * 2.0, tf.reduce_sum(y)

    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible with expected shape .4194304."):
        f(tf.range(6.0))


def test_the_gradient_of_a_shape_that_is_told():
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            x.set_shape([3, None])
            y = tf.reduce_sum(x * x)
        return tape.gradient(y, x)

    assert f.get_concrete_function().inputs[0].name == "x:0"
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert f(x).numpy().tolist() == (2 * x).numpy().tolist()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(f(x))
    assert tape.gradient(y, x).numpy().tolist() == [[2.0, 2.0]] * 3


PARTS = {
    "x[:3]": lambda x: x[:3] * 2,
    "x[-3:]": lambda x: tf.cumsum(x[-3:]) * 2,
    "x[:10]": lambda x: tf.sort(x[:10]) * 2,
    "x[1:]": lambda x: tf.reduce_mean(tf.sin(x[1:]) * x[1:]),
    "tile": lambda x: tf.tile(x[:3], [2]) * 2,
    "reshape": lambda x: tf.reshape(x[:3], [-1, 1]) * 2,
    "shape": lambda x: tf.shape(x[:3]),
    "zeros_like": lambda x: tf.zeros_like(x[:3]) + 1,
    "map_fn": lambda x: tf.map_fn(lambda e: e * 2, x[:3]),
    "singular values": lambda x: tf.linalg.svd(tf.tile(x[:, None], [1, 4]), compute_uv=False) * 2,
    "gradient": lambda x: _gradient(lambda x: tf.reduce_mean(tf.sin(x[:3]) * x[:3]), x),
}


def _gradient(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_part_of_fewer_or_more_rows(part):
    f = tf.function(part, input_signature=[tf.TensorSpec([None], tf.float32)])
    for n in (2, 3, 5, 20):
        x = tf.range(float(n))
        for _ in range(2):  # on NumPy, and compiled
            np.testing.assert_allclose(f(x).numpy(), part(x).numpy(), rtol=1e-5, atol=1e-5)


UNFIT = {
    "matmul": (lambda a, b: a @ b * 2, (4, 5), (3, 4)),
    "add": (lambda a, b: (a + b) * 2, (5, 2), (3, 2)),
    "bias": (lambda a, b: tf.nn.bias_add(a, b[0]) * 2, (5, 3), (1, 4)),
    "reshape": (lambda a, b: tf.reshape(a, tf.shape(b)) * 2, (5, 3), (4, 3)),
    "concat": (lambda a, b: tf.concat([a, b], 1) * 2, (5, 3), (2, 3)),
    "stack": (lambda a, b: tf.stack([a, b]) * 2, (5, 3), (2, 3)),
}


@pytest.mark.parametrize("join", [lambda a, b: tf.concat([a, b], 1), lambda a, b: tf.stack([a, b])])
def test_joining_what_has_unknown_sizes(join):
    f = tf.function(lambda a, b: join(a, b) * 2, input_signature=[tf.TensorSpec([None, None], tf.float32)] * 2)
    for n in (2, 5, 5):
        a, b = tf.random.normal([n, 3]), tf.random.normal([n, 3])
        assert (f(a, b).numpy() == (join(a, b) * 2).numpy()).all()


@pytest.mark.parametrize(("f", "one", "other"), UNFIT.values(), ids=UNFIT)
def test_sizes_that_do_not_fit_are_found_when_they_are_known(f, one, other):
    f = tf.function(f, input_signature=[tf.TensorSpec([None, None], tf.float32)] * 2)
    for _ in range(2):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            f(tf.ones(one), tf.ones(other))
