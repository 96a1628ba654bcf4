"""`tf.GradientTape`: what it records, keeps, gives and refuses. Expectations are calculus and TensorFlow's."""

import gc
import logging
import weakref

import numpy as np
import pytest

import tapeflow as tf


def close(tensor, expected):
    np.testing.assert_allclose(np.asarray(tensor), expected, rtol=1e-6)


def test_a_constant_must_be_watched():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None


def test_a_trainable_variable_is_watched_and_another_is_not():
    x, c = tf.Variable(3.0), tf.Variable(2.0, trainable=False)
    with tf.GradientTape() as tape:
        y = x * x * c
    assert [v is x for v in tape.watched_variables()] == [True]
    g = tape.gradient(y, [x, c])
    close(g[0], 12.0)
    assert g[1] is None


def test_watch_accessed_variables_off():
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(b)
        y = a * b
    assert tape.gradient(y, {"a": a, "b": b})["a"] is None


def test_structures_in_and_out():
    x, y = tf.Variable(3.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        targets = {"p": x * y, "q": [y * y]}
    g = tape.gradient(targets, {"x": x, "rest": (y,)})
    close(g["x"], 2.0)
    close(g["rest"][0], 3.0 + 4.0)


def test_a_tape_gives_one_gradient_unless_it_persists():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="A non-persistent GradientTape can only be used to compute one set"):
        tape.gradient(y, x)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        z = y * x
    close(tape.gradient(y, x), 6.0)
    close(tape.gradient(z, x), 27.0)
    close(tape.gradient(z, y), 3.0)


def test_gradients_of_and_by_intermediate_values():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        z = y * y * x
    dy, dx = tape.gradient(z, [y, x])
    close(dy, 2 * 9.0 * 3.0)
    close(dx, 5 * 3.0**4)


def test_a_target_that_is_a_source():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * 2.0
    gy, gx = tape.gradient(y, [y, x])
    close(gy, 1.0)
    close(gx, 2.0)


def test_output_gradients():
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    close(tape.gradient(y, x, output_gradients=tf.constant([1.0, 0.0, -1.0])), [2.0, 0.0, -6.0])


def test_unconnected_gradients():
    x, y = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        z = y * y
    zero = tape.gradient(z, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    close(zero, [0.0, 0.0])
    with tf.GradientTape() as tape:
        z = y * y
    close(tape.gradient(z, x, unconnected_gradients="zero"), [0.0, 0.0])


def test_stop_recording_and_reset():
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        with tape.stop_recording():
            z = y * y
    assert tape.gradient(z, x) is None
    close(tape.gradient(y, x), 6.0)
    with tf.GradientTape() as tape:
        y = x * x
        tape.reset()
        z = x + x
    assert tape.watched_variables()[0] is x
    assert tape.gradient(y, x) is None
    assert tape.watched_variables()[0] is x
    close_tape = tf.GradientTape()
    with close_tape:
        y = x * x
        close_tape.reset()
        z = x + x
    close(close_tape.gradient(z, x), 2.0)


def test_stop_recording_needs_a_recording_tape():
    with pytest.raises(RuntimeError, match="not recording"), tf.GradientTape().stop_recording():
        pass


def test_reentering_an_active_tape():
    with tf.GradientTape() as tape, pytest.raises(ValueError, match="Tape is still recording"), tape:
        pass


def test_nested_tapes_to_third_order():
    x = tf.Variable(2.0)
    with tf.GradientTape() as t3:
        with tf.GradientTape() as t2:
            with tf.GradientTape() as t1:
                y = tf.sin(x) * x
            d1 = t1.gradient(y, x)
        d2 = t2.gradient(d1, x)
    d3 = t3.gradient(d2, x)
    close(d1, np.cos(2) * 2 + np.sin(2))
    close(d2, 2 * np.cos(2) - 2 * np.sin(2))
    close(d3, -3 * np.sin(2) - 2 * np.cos(2))


def test_two_tapes_at_once():
    x = tf.Variable(2.0)
    with tf.GradientTape() as a, tf.GradientTape() as b:
        y = x * x
        z = tf.sin(x)
    close(a.gradient(y, x), 4.0)
    close(b.gradient(z, x), np.cos(2))


def test_a_gradient_within_the_tape():
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x * x
        g = tape.gradient(y, x)
        h = tape.gradient(g, x)
    close(g, 12.0)
    close(h, 12.0)


def test_assignment_is_no_part_of_the_gradient():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
        x.assign(5.0)
        z = x * 1.0
    close(tape.gradient([y, z], x), 6.0 + 1.0)


def test_an_earlier_read_is_a_constant_to_a_tape():
    x = tf.Variable(3.0)
    before = x.read_value()
    with tf.GradientTape() as tape:
        y = before * x
    close(tape.gradient(y, x), 3.0)


def test_integers_give_none_and_a_warning(caplog):
    x = tf.constant(3)
    with caplog.at_level(logging.WARNING, "tensorflow"), tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x) is None
    assert "must be floating" in caplog.text and "int32" in caplog.text


def test_a_source_that_is_no_tensor():
    with tf.GradientTape() as tape:
        pass
    with pytest.raises(AttributeError, match="'float' object has no attribute 'dtype': a source must be a tf.Tensor"):
        tape.gradient(tf.constant(1.0), 2.0)


def test_a_tape_that_was_never_entered():
    x = tf.Variable(1.0)
    with pytest.raises(RuntimeError, match="one set of gradients"):
        tf.GradientTape().gradient(x * 2.0, x)


def test_watching_what_is_no_tensor():
    with tf.GradientTape() as tape, pytest.raises(ValueError, match="not tf.Tensor or tf.Variable"):
        tape.watch(np.ones(3))


def test_an_error_leaves_no_tape_open():
    from tapeflow.core.listening import thread

    x = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError), tf.GradientTape():
        x * tf.constant([1.0, 2.0, 3.0])
    assert thread.listeners == ()
    with pytest.raises(ZeroDivisionError), tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 1.0])):
        raise ZeroDivisionError
    assert thread.listeners == ()


def test_broadcast_operands_get_gradients_of_their_own_shapes():
    a, b = tf.Variable([[1.0], [2.0]]), tf.Variable([3.0, 4.0, 5.0])
    with tf.GradientTape() as tape:
        y = a * b
    ga, gb = tape.gradient(y, [a, b])
    close(ga, [[12.0], [12.0]])
    close(gb, [3.0, 3.0, 3.0])


def test_only_what_was_asked_for_is_computed():
    calls = []

    @tf.custom_gradient
    def noted(x):
        def grad(dy):
            calls.append(1)
            return dy

        return x * 1.0, grad

    x, y = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        z = noted(x) * y
    tape.gradient(z, y)
    assert not calls


# Jacobians.


@pytest.mark.parametrize("vectorised", [True, False])
def test_jacobian(vectorised):
    x, w = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x * w + tf.constant([[1.0], [2.0], [3.0]]) * x
    jx, jw = tape.jacobian(y, [x, w], experimental_use_pfor=vectorised)
    assert jx.shape == (3, 2, 2) and jw.shape == (3, 2)
    close(jx, [np.diag([6.0 + k, 12.0 + k]) for k in (1, 2, 3)])
    close(jw, [[1.0, 4.0]] * 3)


@pytest.mark.parametrize("vectorised", [True, False])
def test_batch_jacobian(vectorised):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x * tf.constant([2.0, 3.0])
    j = tape.batch_jacobian(y, x, experimental_use_pfor=vectorised)
    close(j, [np.diag([4.0 * a, 6.0 * b]) for a, b in np.asarray(x)])


def test_batch_jacobian_of_other_batches():
    x, y = tf.constant([[1.0], [2.0]]), tf.constant([[1.0], [2.0], [3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
    with pytest.raises(ValueError, match="Need first dimension of target shape"):
        tape.batch_jacobian(y, x)


def test_looped_jacobian_needs_a_persistent_tape():
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = x * x
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.jacobian(y, x, experimental_use_pfor=False)


def test_unconnected_jacobian():
    x, y = tf.Variable([1.0, 2.0]), tf.Variable([1.0])
    with tf.GradientTape(persistent=True) as tape:
        z = x * x
    assert tape.jacobian(z, y) is None
    assert tape.jacobian(z, y, unconnected_gradients="zero").shape == (2, 1)


def test_hessian_by_a_jacobian_of_a_gradient():
    x = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = tf.reduce_sum(x * x * x)
        g = inner.gradient(y, x)
    close(outer.jacobian(g, x), np.diag([6.0, 12.0, 18.0]))


# Memory.


def test_a_dropped_tape_frees_what_it_held_at_once():
    gc.disable()
    try:
        x = tf.Variable(np.ones(1000, np.float32))
        with tf.GradientTape() as tape:
            y = tf.sin(x) * x
            held = weakref.ref(y)
            y = y * y
        assert held() is not None
        del tape
        assert held() is None
    finally:
        gc.enable()


def test_a_spent_tape_holds_nothing():
    gc.disable()
    try:
        x = tf.Variable(np.ones(1000, np.float32))
        with tf.GradientTape() as tape:
            a = tf.sin(x)
            y = a * a
        held = weakref.ref(a)
        del a
        assert held() is not None
        tape.gradient(y, x)
        assert held() is None
    finally:
        gc.enable()


def test_ten_thousand_steps_hold_memory_constant():
    import tracemalloc

    w, b = tf.Variable(np.ones((20, 1), np.float32)), tf.Variable(0.0)
    x = tf.constant(np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20))

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.tanh(x @ w + b) - 0.5))
        for variable, g in zip([w, b], tape.gradient(loss, [w, b]), strict=True):
            variable.assign_sub(0.001 * g)

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(500):
            step()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10_000):
            step()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 20_000, f"{after - before} bytes more after ten thousand steps"


def test_what_no_rule_needs_is_not_kept():
    gc.disable()
    try:
        x = tf.Variable(np.ones(1000, np.float32))
        with tf.GradientTape() as tape:
            a = x + 1.0
            held = weakref.ref(a)
            b = a + 2.0
            del a
            assert held() is None, "a sum's derivative needs neither operand"
        close(tape.gradient(b, x), np.ones(1000))
    finally:
        gc.enable()
