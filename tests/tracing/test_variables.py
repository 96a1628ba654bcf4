"""What the methods of variables that change parts of them do in a tf.function: when it runs, not when it is traced."""

import numpy as np
import pytest

import tapeflow as tf

START = np.arange(1.0, 13.0).reshape(4, 3).astype(np.float32)
ROWS = np.array([[2, 3, 4], [5, 6, 7]], np.float32)
PLACES = np.array([1, 1])


def changed(method, indices, updates, traced):
    v = tf.Variable(START)

    def change(indices, updates):
        if "nd" in method:
            getattr(v, method)(indices, updates)
        else:
            getattr(v, method)(tf.IndexedSlices(updates, indices))

    change = tf.function(change) if traced else change
    for _ in range(2):
        change(indices, updates)
    return v.numpy()


@pytest.mark.parametrize("method", ["add", "sub", "mul", "div", "max", "min", "update"])
@pytest.mark.parametrize("known", [True, False])
def test_rows(method, known):
    indices, updates = (PLACES, ROWS) if known else (tf.constant(PLACES), tf.constant(ROWS))
    found = changed(f"scatter_{method}", indices, updates, True)
    assert np.array_equal(found, changed(f"scatter_{method}", indices, updates, False))


@pytest.mark.parametrize("method", ["add", "sub", "max", "min", "update"])
def test_coordinates(method):
    given = tf.constant([[1, 2], [1, 2]]), tf.constant([2.0, 30.0])
    found = changed(f"scatter_nd_{method}", *given, True)
    assert np.array_equal(found, changed(f"scatter_nd_{method}", *given, False))


def test_any_number_of_rows():
    v = tf.Variable(START)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, 3])])
    def change(indices, updates):
        return v.scatter_add(tf.IndexedSlices(updates, indices)).read_value()

    change([1, 2], ROWS)
    assert np.array_equal(change([0], ROWS[:1]), v)
    assert np.array_equal(v.numpy() - START, [ROWS[0], ROWS[0], ROWS[1], np.zeros(3)])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[0\] = 9 is not in \[0, 4\)"):
        change([9], ROWS[:1])


def test_slices():
    v = tf.Variable(START)

    @tf.function
    def change(x, n):
        v[1:3, 0].assign(x)
        for i in tf.range(n):
            v[i, 1].assign(tf.cast(i, tf.float32))
            v[i : i + 1, 2:].assign([[-1.0]])

    change(tf.constant([40.0, 50.0]), tf.constant(3))
    assert v.numpy().tolist() == [[1, 0, -1], [40, 1, -1], [50, 2, -1], [10, 11, 12]]


def test_rows_of_batches():
    v = tf.Variable(np.zeros((2, 3), np.float32))
    put = tf.function(lambda i, u: [v.batch_scatter_update(tf.IndexedSlices(u, i)), 0][1])
    put(tf.constant([[0], [2]]), tf.constant([[1.0], [2.0]]))
    assert v.numpy().tolist() == [[1, 0, 0], [0, 0, 2]]


def test_a_branch_gives_a_variable():
    v = tf.Variable([1.0, 2.0])
    f = tf.function(lambda p: tf.cond(p, lambda: (v, v + 1), lambda: (v * 2, v)))
    assert [y.numpy().tolist() for y in f(tf.constant(True))] == [[1, 2], [2, 3]]
    assert [y.numpy().tolist() for y in f(tf.constant(False))] == [[2, 4], [1, 2]]
