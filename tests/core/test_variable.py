"""`tf.Variable`, against TensorFlow's answers, and its memory."""

import threading
import tracemalloc

import numpy as np
import pytest

import tapeflow as tf
from core import asked
from tapeflow.core.variable import LARGE

TEACHES = "the message says what to do instead"
DIFFERENT = {
    "v.initialized_value()": TEACHES,
    "v.eval()": TEACHES,
    "v.ndim": TEACHES,
    "v.size": TEACHES,
    "v.tolist()": TEACHES,
    "v@m": "another message: which of the shapes is wrong",
    "s.assign_add('b')": "another message, without the list of TensorFlow's kernels",
    "b.assign_add(True)": "another message, without the list of TensorFlow's kernels",
    "tf.Variable(c,dtype=tf.int32)": "another message: the same without the argument's name before it",
    "v.sparse_read([5])": "another message: the operation is Gather",
}


def test_as_tensorflow():
    asked.check("variable", DIFFERENT)


def test_a_wrong_assignment_changes_nothing():
    v = tf.Variable([1.0, 2.0])
    for value, error in (([1.0], ValueError), ("a", TypeError), (tf.constant([1, 2]), ValueError)):
        with pytest.raises(error):
            v.assign(value)
    with pytest.raises(tf.errors.InvalidArgumentError):
        v.assign_add([1.0, 2.0, 3.0])
    assert v.numpy().tolist() == [1.0, 2.0]


def test_what_an_assignment_returns_is_the_variable():
    v = tf.Variable(1.0)
    again = v.assign_add(1.0)
    assert isinstance(again, tf.Variable)
    again.assign_add(1.0)
    assert v.numpy() == again.numpy() == 3.0
    with tf.GradientTape() as tape:
        y = again * again
    assert tape.gradient(y, v).numpy() == 6.0


@pytest.mark.parametrize("update", ["assign_add", "assign_sub"])
def test_a_large_update_allocates_nothing(update):
    v = tf.Variable(np.zeros(4 * LARGE, np.float32))
    delta = tf.ones([4 * LARGE])
    getattr(v, update)(delta)
    where = v._array.ctypes.data
    tracemalloc.start()
    for _ in range(10):
        getattr(v, update)(delta)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * LARGE
    assert v._array.ctypes.data == where
    assert abs(v.numpy()[0]) == 11.0


def readers(v):
    """Whatever can see a variable's value, made in every way that shares memory."""
    x = v.read_value()
    return {
        "tensor": x, "reshaped": tf.reshape(x, [2, -1]), "transposed": tf.transpose(tf.reshape(x, [2, -1])),
        "identity": tf.identity(x), "array": np.asarray(x), "part": np.asarray(x)[3:], "other variable": tf.Variable(x),
    }  # fmt: skip


@pytest.mark.parametrize("kind", readers(tf.Variable(tf.zeros([4]))))
def test_no_reader_sees_an_update(kind):
    v = tf.Variable(np.zeros(2 * LARGE, np.float32))
    v.assign_add(tf.ones([2 * LARGE]))  # from now on in place
    reader = readers(v)[kind]
    v.assign_add(tf.ones([2 * LARGE]))
    assert np.all(np.array(reader) == 1.0)
    assert np.all(v.numpy() == 2.0)


def test_a_tensor_that_was_assigned_does_not_change():
    value = tf.ones([2 * LARGE])
    v = tf.Variable(tf.zeros([2 * LARGE]))
    v.assign(value)
    v.assign_sub(value)
    assert np.all(value.numpy() == 1.0)
    assert np.all(v.numpy() == 0.0)


def test_a_tape_keeps_the_value_it_read():
    v = tf.Variable(np.full(2 * LARGE, 3.0, np.float32))
    v.assign_add(tf.zeros([2 * LARGE]))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(v * v)
    v.assign_add(tf.ones([2 * LARGE]))
    assert np.all(tape.gradient(y, v).numpy() == 6.0)


def test_readers_in_other_threads_see_whole_values():
    v = tf.Variable(np.zeros(2 * LARGE, np.float32))
    one = tf.ones([2 * LARGE])
    torn, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            array = np.asarray(v.read_value())
            if array[0] != array[-1]:
                torn.append((array[0], array[-1]))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        v.assign_add(one)
    stop.set()
    for thread in threads:
        thread.join()
    assert not torn
    assert v.numpy()[0] == 300.0


def test_deep_copies_are_apart():
    import copy

    v = tf.Variable([1.0, 2.0], name="v", trainable=False)
    w = copy.deepcopy({"a": v, "b": v})
    assert w["a"] is w["b"]
    w["a"].assign([5.0, 5.0])
    assert v.numpy().tolist() == [1.0, 2.0]
    assert (w["a"].name, w["a"].trainable) == ("v:0", False)


def test_a_vectorized_map_cannot_assign():
    v = tf.Variable(0.0)
    with pytest.raises(NotImplementedError, match="vectorized_map"):
        tf.vectorized_map(lambda x: v.assign(x), tf.constant([1.0, 2.0]))


def test_creators_make_new_variables_only():
    seen = []

    def creator(next_creator, **kwargs):
        seen.append(kwargs)
        return next_creator(**kwargs)

    v = tf.Variable(1.0)
    with tf.variable_creator_scope(creator):
        w = tf.Variable(2.0)
        assert v.assign(3.0).numpy() == 3.0  # what an assignment returns is no new variable
    assert w.numpy() == 2.0
    assert [kwargs["initial_value"] for kwargs in seen] == [2.0]
