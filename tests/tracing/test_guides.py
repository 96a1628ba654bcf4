"""Programs in the manner of TensorFlow's guides and tutorials: what they say, line by line, is what they say there."""

import json

import pytest

import tapeflow as tf
from tracing import guide_programs, tutorial_programs
from tracing.said import lines_of

SOURCES = [guide_programs, tutorial_programs]
WANTED = {source: json.loads(source.RECORDED.read_text()) for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES)
def test_every_program_is_recorded(source):
    assert list(WANTED[source]) == list(source.PROGRAMS)


@pytest.mark.parametrize(("source", "name"), [(source, name) for source in SOURCES for name in source.PROGRAMS])
def test_says_what_it_says_in_tensorflow(source, name):
    assert lines_of(tf, source.PROGRAMS[name]) == WANTED[source][name]
