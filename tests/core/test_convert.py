"""`tf.convert_to_tensor`, against TensorFlow's answers."""

import numpy as np
import pytest

from core import asked

MORE = "TensorFlow refuses: Tapeflow takes what an array or tensor can be had of, in a sequence as outside of one"
DIFFERENT = {
    "tf.convert_to_tensor(-1,tf.uint64)": "TensorFlow fails with SystemError: wraps, as for the smaller types",
    "tf.convert_to_tensor(2**64,tf.uint64)": "TensorFlow fails with SystemError: ValueError, as for int64",
    "tf.convert_to_tensor([A(),A()])": MORE,
    "tf.convert_to_tensor([A(),[1,2]])": MORE,
    "tf.convert_to_tensor([A()],tf.float32)": MORE,
    "tf.convert_to_tensor([B(),B()])": MORE,
    "tf.convert_to_tensor([tf.IndexedSlices(t,i,tf.constant([4]))])": MORE,
    "tf.convert_to_tensor([tf.bfloat16.as_numpy_dtype(1.5)])": MORE,
    "tf.convert_to_tensor([np.array([1.5],tf.bfloat16.as_numpy_dtype)])": MORE,
    "tf.convert_to_tensor([[],[t[0]]])": "another message: TensorFlow's is about a kernel for no operands",
    "tf.convert_to_tensor()": "another message: Python's own names the argument",
}


def test_as_tensorflow():
    asked.check("convert", DIFFERENT)


def test_pandas_as_tensorflow():
    pytest.importorskip("pandas")
    asked.check("convert_pandas")


def test_a_tensor_does_not_share_memory_with_its_array():
    import tapeflow as tf

    source = np.array([1.0, 2.0])
    tensor = tf.convert_to_tensor(source)
    source[0] = 9.0
    assert tensor.numpy().tolist() == [1.0, 2.0]


def test_gradients_flow_through_packing():
    import tapeflow as tf

    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.convert_to_tensor([[x, 1.0], [x * x, x]]))
    assert tape.gradient(y, x).numpy() == 6.0


def test_a_long_list_is_quick():
    """Lists are read by NumPy, not item by item: under a tenth of a second for a million numbers."""
    import time

    import tapeflow as tf

    numbers = [[0.5] * 1000] * 1000
    start = time.perf_counter()
    tensor = tf.convert_to_tensor(numbers)
    assert tensor.shape == (1000, 1000)
    assert time.perf_counter() - start < 1.0


def test_a_number_before_a_complex_tensor():
    """The squared difference is that by the conjugate, whichever of the two is the tensor: TensorFlow's numbers."""
    import tapeflow as tf

    x = tf.constant([1 + 1j], tf.complex128)
    for number, wanted in ((1.0, 1), (0, 2), (1j, 1)):
        for pair in ((number, x), (x, number)):
            np.testing.assert_array_equal(tf.math.squared_difference(*pair), [wanted + 0j])
