"""What `graph/small.py` says of large operands, by small ones: the same as the kernels do of the large ones themselves.

Every sample of every primitive is taken for one that is large: all its numbers from 3 on become names.
"""

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.core.dims import UnknownRank
from tapeflow.graph import infer, small
from tapeflow.graph.ir import Graph

from . import test_sweep

SAMPLES = [
    (prim, i) for prim, i in test_sweep.CASES
    if prim.batch != "elementwise" and prim.effect is None and not prim.name.startswith(("If", "While"))
]  # fmt: skip


def types_of(prim, index):
    arrays, attrs = test_sweep.sample(prim, index)
    return [(array.shape, array.dtype) for array in arrays], attrs


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(small, "CHEAP", 0)
    monkeypatch.setattr(small, "KEPT", 2)


@pytest.mark.parametrize("case", SAMPLES, ids=test_sweep.name_of)
def test_small_sizes_say_the_same(case, everything_is_large):
    prim, _ = case
    types, attrs = types_of(*case)
    if any(isinstance(attr, Graph) for attr in attrs):
        return
    found = infer._infer(prim, types, attrs)
    arrays, _ = test_sweep.sample(*case)
    with np.errstate(all="ignore"):
        results = prim.kernel(*[x if x.ndim or x.dtype.kind in "OS" else x[()] for x in arrays], *attrs)
    for (shape, dtype), array in zip(found, map(np.asarray, results if prim.many else [results]), strict=True):
        assert array.dtype == dtype or dtype.kind == "O"
        if shape.__class__ is UnknownRank:
            assert prim.sized_by_values
            continue
        assert len(shape) == array.ndim
        assert all(n in (None, m) for n, m in zip(shape, array.shape)), (shape, array.shape)
        assert prim.sized_by_values or None not in shape or prim.shape is not None


def test_as_many_strings_as_there_are():
    """Values that differ are tried of strings too: how many different ones there are is not known while tracing."""
    count = tf.function(lambda strings: tf.size(tf.unique(strings)[0]))
    assert count(tf.constant(["a", "b", "a"])).numpy() == 2


def test_most_are_found(everything_is_large):
    """The way by small sizes is one that is gone: few kernels refuse them."""
    found = 0
    for prim, i in SAMPLES:
        types, attrs = types_of(prim, i)
        made = small.smaller(types, attrs)
        try:
            found += made is not None and infer._tried(prim, *made[:-1]) is not None
        except Exception:  # noqa: BLE001
            continue
    assert found > 0.6 * len(SAMPLES), found / len(SAMPLES)
