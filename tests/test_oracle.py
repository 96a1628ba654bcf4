"""Tapeflow against what real TensorFlow 2.21 did: every recording, in every mode."""

import os
import pathlib

import pytest

import tapeflow
from oracle import replay
from oracle.differences import DIFFERENCES
from oracle.run import MODES

ROOT = pathlib.Path(__file__).parents[1]
# All modes; ORACLE_MODES=eager picks some.
WANTED = os.environ.get("ORACLE_MODES", ",".join(MODES)).split(",")
assert set(WANTED) <= set(MODES), f"ORACLE_MODES knows {sorted(MODES)}"
CASES = {f"{mode}:{case.id}": (case, mode) for mode in WANTED for case in replay.replayable(mode)}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_tensorflow(name):
    case, mode = CASES[name]
    replay.check(case, tapeflow, mode)


def test_every_case_is_recorded_and_every_recording_asked():
    assert set(replay.answers()) == set(replay.cases.load())


@pytest.mark.parametrize("pattern", DIFFERENCES)
def test_differences_are_documented_and_real(pattern):
    text = (ROOT / "docs" / "differences.md").read_text(encoding="utf8")
    assert DIFFERENCES[pattern] in text
    covered = [(case, mode) for case, mode in CASES.values() if replay.covers(pattern, case.id, mode)]
    assert any(replay.compare(case, tapeflow, mode) is not None for case, mode in covered), "no case differs"
