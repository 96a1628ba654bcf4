"""`tf.SparseTensor` and its way to dense tensors and back, against TensorFlow's answers."""

from core import asked


def test_as_tensorflow():
    asked.check("sparse", {"tf.convert_to_tensor(st)": "the message says what to do instead"})
