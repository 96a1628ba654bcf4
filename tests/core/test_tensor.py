"""`tf.Tensor` and `tf.IndexedSlices`: their attributes and Python's protocols, against TensorFlow's answers."""

import sys

import numpy as np
import pytest

import tapeflow as tf
from core import asked

TEACHES = "the message says what to do instead"
DIFFERENT = dict.fromkeys(
    [
        "t.tolist()", "t.astype('f4')", "t.reshape", "t.T", "t.item()", "t.size", "t.mean()", "t.sum", "t.data",
        "t.clip", "t.transpose", "t.any", "t.max()", "t.ravel", "t.flatten", "t.copy()",
    ],
    TEACHES,
)  # fmt: skip


def test_as_tensorflow():
    asked.check("tensor", DIFFERENT)


def test_indexed_slices_as_tensorflow():
    asked.check("slices", {})


@pytest.mark.parametrize(
    ("name", "use"), [("tolist", ".numpy().tolist()"), ("astype", "tf.cast"), ("T", "tf.transpose")]
)
def test_numpys_attributes_are_explained(name, use):
    with pytest.raises(AttributeError, match="has no attribute") as error:
        getattr(tf.constant([1.0]), name)
    assert use in str(error.value)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes written in Python have no buffers before 3.12")
def test_memoryview():
    view = memoryview(tf.constant([[1.0, 2.0], [3.0, 4.0]]))
    assert view.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert view.format == "f"
    assert view.readonly
    assert memoryview(tf.constant(1, tf.int64)).tolist() == 1
    assert bytes(tf.constant([1, 2], tf.uint8)) == b"\x01\x02"
    for x in (tf.constant("a"), tf.constant([1.0], tf.bfloat16)):
        assert np.array(x).dtype == x.dtype.as_numpy_dtype


def test_no_door_to_the_tensors_memory():
    x = tf.constant([1.0, 2.0])
    x.numpy()[0] = 9.0
    np.array(x)[0] = 9.0
    np.from_dlpack(x)[0] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 9.0
    assert x.numpy().tolist() == [1.0, 2.0]


def test_asarray_copies_nothing():
    x = tf.zeros([1000])
    assert np.shares_memory(np.asarray(x), np.asarray(x))


def test_attributes_can_be_added():
    x = tf.constant(1.0)
    x.mask = 3
    assert x.mask == 3
