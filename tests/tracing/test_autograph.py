"""Python's control flow over tensors, in a function: TensorFlow's results, recorded."""

import json

import numpy as np
import pytest

import tapeflow as tf
from tracing.autograph_programs import PROGRAMS, RECORDED

WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_does_what_tensorflow_does(name):
    found = json.loads(json.dumps(PROGRAMS[name](tf)))
    assert len(found) == len(WANTED[name])
    for a, b in zip(found, WANTED[name], strict=True):
        if isinstance(a, (str, list)):
            assert a == b if isinstance(a, str) else np.allclose(a, b, rtol=1e-6)
        else:
            assert a == pytest.approx(b, rel=1e-6)


def test_print_shows_values_at_every_run(capsys):
    @tf.function
    def f(x):
        print("x:", x)
        print("traced")
        return x

    f(tf.constant(1)), f(tf.constant(2))
    assert capsys.readouterr().out == "traced\nx: 1\nx: 2\n"


def test_what_is_marked_runs_as_it_is():
    @tf.autograph.experimental.do_not_convert
    def plain(x):
        return 1 if x > 0 else 2

    with pytest.raises(TypeError, match="bool"):
        tf.function(lambda x: plain(x))(tf.constant(1))


def test_without_autograph_a_tensor_has_no_truth_value():
    with pytest.raises(TypeError, match="bool"):
        tf.function(lambda x: 1 if x > 0 else 2, autograph=False)(tf.constant(1))
