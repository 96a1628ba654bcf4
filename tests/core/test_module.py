"""`tf.Module` and `tf.name_scope`, and what is said of graphs and devices, against TensorFlow's answers."""

import tapeflow as tf
from core import asked

PLAIN = "attributes stay the plain lists and dictionaries that they were, where TensorFlow wraps them"


def _different():
    lines = asked.questions("module")
    words = ("type(m.l)", "repr(m.l)", "repr(m.d)", "{1:tf.V")
    wrapped = [line for line in lines if any(word in line for word in words) and "m.d=(1,2)" not in line]
    return {**dict.fromkeys(wrapped, PLAIN), **{line: "another class name" for line in lines if "repr(m)" in line}}


def test_as_tensorflow():
    asked.check("module", _different())


def test_eager_as_tensorflow():
    asked.check("eager", {"run(\"r=tf.test.is_built_with_xla()\")": "Tapeflow has no XLA"})


def test_a_module_trains():
    class Line(tf.Module):
        def __init__(self):
            super().__init__()
            self.parts = [tf.Variable(2.0, name="slope"), {"b": tf.Variable(1.0, name="offset")}]

        def __call__(self, x):
            return self.parts[0] * x + self.parts[1]["b"]

    line = Line()
    with tf.GradientTape() as tape:
        y = line(3.0)
    assert [g.numpy().item() for g in tape.gradient(y, line.trainable_variables)] == [3.0, 1.0]
