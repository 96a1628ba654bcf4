"""`tf.print`, `tf.py_function`, `tf.numpy_function`."""

import sys

import numpy as np
import pytest

import tapeflow as tf


def test_print_goes_to_standard_error(capsys):
    tf.print("x", tf.constant([1.5, 2.0]), 3, {"a": tf.range(10)}, [tf.constant(True)], sep="|", end="!\n")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "x|[1.5 2]|3|{'a': [0 1 2 ... 7 8 9]}|[1]!\n"


def test_print_to_other_places(capsys, tmp_path):
    tf.print("a", output_stream=sys.stdout)
    assert capsys.readouterr().out == "a\n"
    path = tmp_path / "log.txt"
    tf.print(tf.range(10), summarize=2, output_stream=f"file://{path}")
    tf.print(tf.range(10), summarize=-1, output_stream=f"file://{path}")
    assert path.read_text() == "[0 1 ... 8 9]\n[0 1 2 3 4 5 6 7 8 9]\n"


def test_print_to_the_logger(caplog):
    with caplog.at_level("INFO", logger="tensorflow"):
        tf.print("said", output_stream=tf.get_logger().info)
    assert "said" in caplog.text


@pytest.mark.parametrize("options", [{"output_stream": "foo"}, {"output_stream": 3}, {"foo": 3}])
def test_print_refuses(options):
    with pytest.raises(ValueError, match="Unsupported output stream|Unrecognized keyword"):
        tf.print("a", **options)


def test_py_function_is_differentiable_to_any_order():
    x = tf.Variable(3.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = tf.py_function(lambda a: a * a * a, [x], tf.float32)
        g = inner.gradient(y, x)
    assert (y.numpy(), g.numpy(), outer.gradient(g, x).numpy()) == (27.0, 27.0, 18.0)


def test_py_function_results():
    x = tf.constant([1.0, 2.0])
    a, b = tf.py_function(lambda x: (x.numpy() + 1, 3), [x], [tf.float32, tf.int64])
    assert (a.numpy().tolist(), b.dtype) == ([2.0, 3.0], tf.int64)
    assert tf.py_function(lambda x: None, [x], []) == []
    assert tf.py_function(lambda: "s", [], tf.string).numpy() == b"s"


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda x: 1 / 0, tf.errors.UnknownError, "ZeroDivisionError: division by zero"),
        (lambda x: x, tf.errors.InvalidArgumentError, "ValueError: Tensor conversion requested dtype int32"),
        (lambda x, y: x, tf.errors.InvalidArgumentError, "TypeError: .* missing 1 required positional argument"),
        (lambda x: None, tf.errors.InvalidArgumentError, "returns 0 values, but expects to see 1 values"),
        (lambda x: (_ for _ in ()).throw(NotImplementedError("no")), tf.errors.UnimplementedError, "no"),
    ],
)
def test_py_function_errors(function, error, text):
    with pytest.raises(error, match=text):
        tf.py_function(function, [tf.constant(1.0)], tf.int32)


def test_numpy_function_gets_arrays_and_has_no_gradient():
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.numpy_function(lambda a: a * 2 if isinstance(a, np.ndarray) else None, [x], tf.float32)
    assert y.numpy().tolist() == [2.0, 4.0]
    assert tape.gradient(y, x) is None
    assert tf.numpy_function(lambda a: None, [x], []) is None
    with pytest.raises(ZeroDivisionError):
        tf.numpy_function(lambda a: 1 / 0, [x], tf.float32)
