"""Random numbers against TensorFlow's own, recorded by record.py, and against their distributions."""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from cases import CASES
from record import as_array, is_statement, raw, run, spread

import tapeflow as tf

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())["cases"]

# Where the message says more than TensorFlow's, or something more useful: how its begins, a part of ours.
DIFFERENT = {
    r"(\w+): Tensor conversion requested": "Tensor conversion requested",
    "counter must be a vector with length": "The ThreeFry algorithm is not supported on a CPU",
    "Could not find device": "Could not find device",
    "Value for attr": "Value for attr",
    "Seed must be a vector of size": "seed must have shape [2], not [3]",
    "not all arguments converted during string formatting": "A seed must be an integer, and was given 'a'",
    "gradient registry has no entry for": "No gradient defined for operation 'RandomPoissonV2'",
    "data type .* not inexact": "A gamma distribution needs dtype float16, float32 or float64",
    "Attempt to convert a value .None. ": "Attempt to convert a value (None)",
}

# float64 numbers that go through the C library's logarithm, sine and power may differ in the last bits.
ULPS = 2


def test_every_case_is_recorded():
    assert set(CASES) == set(RECORDED)


@pytest.mark.parametrize("name", CASES)
def test_as_recorded(name):
    lines = [line for line in CASES[name] if not is_statement(line)]
    outcomes = run(tf, CASES[name])
    assert len(outcomes) == len(RECORDED[name])
    for line, (value, error), expected in zip(lines, outcomes, RECORDED[name], strict=True):
        check(name, line, value, error, expected)


def check(name, line, value, error, expected):
    if error is not None or expected is not None and "error" in expected:
        check_error(line, error, expected)
        return
    if expected is None:
        assert value is None, line
        return
    array = as_array(value)
    assert array.dtype.name == expected["dtype"], line
    assert list(array.shape) == expected["shape"], line
    if hashlib.sha1(raw(array)).hexdigest()[:12] == expected["digest"]:
        return
    wanted = base64.b85decode(expected["sample"])
    assert array.dtype.kind not in "OU", f"{line}: {array} is not {wanted}"
    wanted, given = np.frombuffer(wanted, array.dtype), spread(array)
    if name.startswith("gradient"):
        np.testing.assert_allclose(given, wanted, rtol=1e-12, err_msg=line)
        return
    assert array.dtype == np.float64 and "uniform" not in line, f"{line}:\n{given}\nis not\n{wanted}"
    apart = np.abs(given.view(np.int64) - wanted.view(np.int64)).max()
    assert apart <= ULPS, f"{line}: {apart} units in the last place apart:\n{given}\n{wanted}"


def check_error(line, error, expected):
    assert error is not None, f"{line} gave a value, not {expected}"
    assert "error" in expected, f"{line}: {error!r}"
    assert type(error).__name__ == expected["error"], f"{line}: {error!r}"
    known = [ours for theirs, ours in DIFFERENT.items() if re.match(theirs, expected["message"])]
    assert (known or [expected["message"]])[0] in str(error), line
