"""`tf.strings`, against TensorFlow's answers."""

import pytest

import tapeflow as tf
from core import asked


def test_as_tensorflow():
    asked.check("strings", {})


def test_of_many_strings():
    with pytest.raises(NotImplementedError, match="RaggedTensor"):
        tf.strings.split(["a b", "c"])


def test_traced():
    @tf.function
    def f(s, x):
        parts = tf.strings.split(s, ",")
        return tf.strings.to_number(parts) + x, tf.strings.join([s, tf.strings.as_string(x)], "="), tf.strings.length(s)

    numbers, text, size = f(tf.constant("1,2.5"), tf.constant([1.0, 2.0]))
    assert numbers.numpy().tolist() == [2.0, 4.5]
    assert text.numpy().tolist() == [b"1,2.5=1.000000", b"1,2.5=2.000000"]
    assert size.numpy() == 5
