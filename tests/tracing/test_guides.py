"""Programs in the manner of TensorFlow's guides: what they say, line by line, is what they say there."""

import json

import pytest

import tapeflow as tf
from tracing.guide_programs import PROGRAMS, RECORDED, lines_of

WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_says_what_it_says_in_tensorflow(name):
    assert lines_of(tf, PROGRAMS[name]) == WANTED[name]
