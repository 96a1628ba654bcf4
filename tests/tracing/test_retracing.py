"""How often each call is traced: as often as in TensorFlow 2.21, recorded."""

import json

import pytest

import tapeflow as tf
from tracing.retracing_programs import PROGRAMS, RECORDED

# Where Tapeflow traces more often, on purpose; see docs/differences.md.
RANKS = "one trace for each rank: a trace knows the rank of its tensors"
MORE = {
    "tensors by shape, reduced": RANKS,
    "new shapes reduced": RANKS,
    "new shapes relaxed": RANKS,
}
WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_traces_as_often_as_tensorflow(name):
    found = json.loads(json.dumps(PROGRAMS[name](tf)))
    if name in MORE:
        assert found != WANTED[name], "no difference any more"
        assert all(a >= b for a, b in zip(found, WANTED[name], strict=True))
        assert found[len(found) // 2 :] == [found[-1]] * (len(found) // 2)  # nothing is traced again
    else:
        assert found == WANTED[name]
