"""Assertions in compiled functions: native while they hold; where one fails, the error and what was done before it."""

import inspect

import numpy as np
import pytest

import tapeflow as tf

d = tf.debugging

HELD = {  # an assertion of x, an argument for which it holds, and one for which it does not
    "Assert": (lambda x: d.Assert(tf.reduce_all(x < 9.0), [x, "too large"]), [1.0, 2.0], [1.0, 10.0]),
    "equal": (lambda x: d.assert_equal(x, [1.0, 2.0], "differ"), [1.0, 2.0], [1.0, 3.0]),
    "none_equal": (lambda x: d.assert_none_equal(x, 3.0), [1.0, 2.0], [1.0, 3.0]),
    "less": (lambda x: d.assert_less(x, 3.0, message="small"), [1.0, 2.0], [1.0, 3.0]),
    "less_equal": (lambda x: d.assert_less_equal(x=x, y=3.0), [1.0, 3.0], [1.0, np.nan]),
    "greater": (lambda x: d.assert_greater(x, tf.constant(0.0)), [1.0, 2.0], [1.0, 0.0]),
    "greater_equal": (lambda x: d.assert_greater_equal(x, x[::-1]), [1.0, 1.0], [1.0, 2.0]),
    "near": (lambda x: d.assert_near(x, 1.0, atol=0.1), [1.0, 1.05], [1.0, 1.2]),
    "negative": (lambda x: d.assert_negative(x), [-1.0, -2.0], [-1.0, 0.0]),
    "positive": (lambda x: d.assert_positive(x, "no"), [1.0, 2.0], [1.0, 0.0]),
    "non_negative": (lambda x: d.assert_non_negative(x), [0.0, 2.0], [1.0, -1.0]),
    "non_positive": (lambda x: d.assert_non_positive(x), [0.0, -2.0], [1.0, -1.0]),
}


def text_of(function, *args):
    return str(function.get_concrete_function(*args))


def lines_named(function, error):
    """The lines of a function that an error's notes name, from 0."""
    first = inspect.getsourcelines(function)[1]
    notes = "\n".join(getattr(error, "__notes__", []))
    return [int(part.split(".")[0].split()[0]) - first for part in notes.split("line ")[1:]]


@pytest.mark.parametrize("name", HELD)
def test_each(name):
    check, good, bad = HELD[name]
    good, bad = tf.constant(good), tf.constant(bad)
    v = tf.Variable(0.0)

    @tf.function
    def step(x):
        v.assign_add(1.0)
        check(x)
        v.assign_add(10.0)
        return tf.reduce_sum(x)

    for n in range(1, 4):
        assert step(good) == tf.reduce_sum(good)
        assert v.numpy() == 11 * n
    text = text_of(step, good)
    assert "0 NumPy kernels" in text and "on NumPy" not in text, text
    with pytest.raises(tf.errors.InvalidArgumentError) as eager:
        check(bad)
    for n in range(1, 3):
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            step(bad)
        assert caught.value.message.startswith(eager.value.message)
        assert any("line" in note for note in caught.value.__notes__)
        assert v.numpy() == 33 + n, "what is before it is done, what is after it is not"


def test_autograph_names_the_line():
    def step(x):
        y = x + 1.0
        assert tf.reduce_all(y > 0.0), "not positive"
        return y

    run = tf.function(step)
    assert run(tf.constant([1.0])).numpy() == [2.0]
    assert "0 NumPy kernels" in text_of(run, tf.constant([1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not positive") as caught:
        run(tf.constant([-5.0]))
    assert 2 in lines_named(step, caught.value)


def test_in_a_loop_that_assigns():
    v, w = tf.Variable(0), tf.Variable(0)

    @tf.function
    def count(limit):
        for i in tf.range(10):
            v.assign_add(1)
            d.assert_less(i, limit)
            w.assign_add(1)

    count(tf.constant(20))
    assert (v.numpy(), w.numpy()) == (10, 10)
    text = text_of(count, tf.constant(20))
    assert "native loop" in text and "on NumPy" not in text, text
    with pytest.raises(tf.errors.InvalidArgumentError, match="x < y did not hold"):
        count(tf.constant(4))
    assert (v.numpy(), w.numpy()) == (15, 14)


@pytest.mark.parametrize("given", [lambda x, i: i, lambda x, i: None])
def test_in_a_loop_of_which_nothing_else_is_needed(given):
    @tf.function
    def look(x):
        i = tf.constant(0)
        while i < 5:
            d.assert_positive(x[i])
            i += 1
        return given(x, i)

    x = np.ones(5, np.float32)
    look(tf.constant(x))
    text = text_of(look, tf.constant(x))
    assert "native loop" in text and "on NumPy" not in text, text
    x[3] = -1
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > 0 did not hold"):
        look(tf.constant(x))


def test_in_a_counted_loop_that_gives_nothing():
    @tf.function
    def look(rows):
        for row in rows:
            d.assert_positive(row)

    rows = np.ones((6, 3), np.float32)
    look(tf.constant(rows))
    text = text_of(look, tf.constant(rows))
    assert "native loop" in text and "on NumPy" not in text, text
    rows[4, 1] = 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > 0 did not hold"):
        look(tf.constant(rows))


@pytest.mark.parametrize("size", [2, 5000])
def test_in_a_branch(size):
    v = tf.Variable(0.0)

    @tf.function
    def step(x, careful):
        if careful:
            v.assign_add(1.0)
            d.assert_positive(x)
            x = x * 2.0
        return tf.reduce_sum(x)

    good, bad = tf.ones([size]), -tf.ones([size])
    for _ in range(2):
        assert step(good, tf.constant(True)) == 2 * size
        assert step(bad, tf.constant(False)) == -size
        with pytest.raises(tf.errors.InvalidArgumentError):
            step(bad, tf.constant(True))
    assert v.numpy() == 4


@pytest.mark.parametrize("size", [2, 5000])
def test_in_a_branch_in_a_loop(size):
    @tf.function
    def step(x, first):
        total = 0.0
        for i in tf.range(6):
            if i >= first:
                d.assert_positive(tf.sin(x))
            else:
                total += tf.reduce_sum(tf.cos(x))
        return total

    good, bad = tf.ones([size]), -tf.ones([size])
    np.testing.assert_allclose(step(good, tf.constant(2)), 2 * size * np.cos(1), rtol=1e-5)
    np.testing.assert_allclose(step(bad, tf.constant(6)), 6 * size * np.cos(1), rtol=1e-5)
    assert "native loop" in text_of(step, good, tf.constant(2))
    with pytest.raises(tf.errors.InvalidArgumentError):
        step(bad, tf.constant(5))


def test_after_a_print(capfd):
    """What was printed is not printed again, and an assertion after it calls Python only where it fails."""
    v = tf.Variable(0.0)

    @tf.function
    def step(x):
        tf.print("printed")
        v.assign_add(1.0)
        d.assert_positive(x)
        v.assign_add(1.0)
        return x

    for _ in range(3):
        step(tf.constant(1.0))
    with pytest.raises(tf.errors.InvalidArgumentError):
        step(tf.constant(-1.0))
    assert v.numpy() == 7
    assert capfd.readouterr().err.count("printed") == 4
    assert "Assert where it fails" in text_of(step, tf.constant(1.0))


def test_gradients():
    @tf.function
    def square(x):
        d.assert_positive(x)
        return x * x

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = square(x)
            d.assert_near(y, x * x)
        return tape.gradient(y, x)

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = square(x)
    assert tape.gradient(y, x) == 6 and slope(tf.constant(3.0)) == 6
    assert "0 NumPy kernels" in text_of(slope, tf.constant(3.0))
    for f in (square, slope):
        with pytest.raises(tf.errors.InvalidArgumentError):
            f(tf.constant(-3.0))


def test_in_a_loop_with_a_gradient():
    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = y * x
                d.assert_less(y, 100.0)
        return tape.gradient(y, x)

    assert slope(tf.constant(2.0)) == 32
    text = text_of(slope, tf.constant(2.0))
    assert "native loop" in text and "on NumPy" not in text, text
    with pytest.raises(tf.errors.InvalidArgumentError):
        slope(tf.constant(4.0))


def test_what_is_refused_while_tracing():
    @tf.function
    def f(x):
        d.assert_near(x, x)

    with pytest.raises(ValueError, match="not inexact"):
        f(tf.constant([1]))
