"""`tf.experimental.numpy` and histograms, against TensorFlow's answers."""

from core import asked


def test_as_tensorflow():
    asked.check("experimental", {"tnp.iinfo(tf.int32).max": "a tf.DType is taken too"})
