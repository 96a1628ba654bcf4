"""Keras on Tapeflow gives what it gives on TensorFlow: layers, losses, metrics, optimizers, models."""

from pathlib import Path

import numpy as np
import pytest

from keras_bridge import cases

RECORDED = np.load(Path(__file__).parent / "recorded.npz")
PARTS = {}
for _key in RECORDED.files:
    _case, _, _part = _key.rpartition("/")
    PARTS.setdefault(_case, []).append(_part)

# A relative and an absolute tolerance: float32 sums in another order, over a few steps.
TOLERANCE = {
    "initializer": (3e-7, 1e-9), "activation": (3e-6, 1e-6), "layer": (3e-5, 1e-5), "loss": (1e-5, 1e-6),
    "initializer/orthogonal": (3e-6, 1e-7),
    "metric": (1e-5, 1e-6), "optimizer": (3e-5, 2e-6), "schedule": (1e-6, 1e-9), "model": (1e-3, 2e-5),
}  # fmt: skip


@pytest.fixture(scope="module")
def tf():
    import tapeflow

    tapeflow.keras  # noqa: B018 (loads Keras, and makes `import tensorflow` mean Tapeflow)
    return tapeflow


def test_every_case_is_recorded():
    assert set(PARTS) == set(cases.CASES)


@pytest.mark.parametrize("case", cases.CASES)
def test_as_tensorflow(tf, case):
    function, name = cases.CASES[case]
    found = function(tf, name)
    assert sorted(found) == sorted(PARTS[case])
    rtol, atol = TOLERANCE.get(case) or TOLERANCE[case.partition("/")[0]]
    for part, given in found.items():
        wanted = RECORDED[f"{case}/{part}"]
        assert given.dtype == wanted.dtype, part
        if part.startswith("start"):
            np.testing.assert_allclose(given, wanted, rtol=3e-7, atol=1e-9, err_msg=part)
        else:
            np.testing.assert_allclose(given, wanted, rtol=rtol, atol=atol, err_msg=part)
