"""Every primitive of the sweep, and its vjp, three ways: eager, as a graph on the NumPy kernels, compiled.

All samples of a primitive make one function, so that its kernels also meet their neighbours in one graph.
"""

import numpy as np
import pytest

import tapeflow as tf
from sweep.test_sweep import CASES, PRIMITIVES, dense, generator, is_inexact, like, sample
from tapeflow.compiler import run as compiler
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import MISSING, NONE

WHOLE = {np.float64: {}, np.float32: {np.float64: np.float32, np.complex128: np.complex64}}

# Of the largest element. A value differs by the rounding of the elementary functions (1 or 2 ulp against NumPy's 1 to
# 4) and of sums in another order; a vjp is a handful of those.
TOLERANCE = {"d": 2e-13, "D": 2e-13, "f": 2e-6, "F": 2e-6, "e": 1e-3}

# Its result is where a generator stands, and moves it; see tests/tracing/test_function.py.
STATEFUL = {"ReserveRandomBits"}

# What only moves elements, and so does its vjp: no rounding at all.
MOVES = {
    "ConcatV2", "Identity", "Pack", "Pad", "Reshape", "ReverseV2", "SelectV2", "SplitV", "StridedSlice", "StopGradient",
    "StridedSliceGrad", "Transpose", "Unpack", "GatherV2", "Abs", "Neg", "Sign", "Floor", "Relu", "ReluGrad",
}  # fmt: skip

PRIMS = [p for p in PRIMITIVES if any(p is prim for prim, _ in CASES) and p.name not in STATEFUL]


def converted(array, dtype):
    """A sample in single precision, where it is wanted."""
    narrow = WHOLE[dtype].get(array.dtype.type)
    return array if narrow is None else array.astype(narrow)


def refuses(prim, arrays, attrs):
    """Whether a primitive does not take a sample in single precision: its own check of dtypes or sizes says so."""
    try:
        apply(prim, tuple([EagerTensor(np.array(a)) for a in arrays]), attrs)
    except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.UnimplementedError) as error:
        assert any(word in str(error) for word in ("float", "complex", "Cannot bitcast")), error
        return True
    return False


def program(prim, dtype):
    """(function, arguments, how many results each sample gives): outputs and cotangents of all samples."""
    samples = []
    for other, index in CASES:
        if other is prim:
            arrays, attrs = sample(prim, index)
            arrays = [converted(a, dtype) for a in arrays]
            if dtype is np.float64 or not refuses(prim, arrays, attrs):
                samples.append((index, arrays, attrs))
    arguments = []
    for index, arrays, attrs in samples:
        arguments += arrays
        out = apply(prim, tuple([EagerTensor(np.array(a)) for a in arrays]), attrs)
        rng = generator(prim, index)
        arguments += [like(rng, np.asarray(o._array)) for o in (out if prim.many else [out]) if is_inexact(o._array)]

    def function(*tensors):
        supply, found = iter(tensors), []
        for _, arrays, attrs in samples:
            operands = [next(supply) for _ in arrays]
            points = [x for x, a in zip(operands, arrays) if is_inexact(a)]
            with tf.GradientTape() as tape:
                tape.watch(points)
                out = apply(prim, tuple(operands), attrs)
                out = list(out) if prim.many else [out]
                wanted = [o for o in out if o.dtype.is_floating or o.dtype.is_complex]
            cotangents = [next(supply) for _ in wanted]
            pulled = []
            if prim.kind not in (NONE, MISSING) and wanted and points:
                pulled = [g for g in dense(tape.gradient(wanted, points, output_gradients=cotangents)) if g is not None]
            found.append(out + pulled)
        return found

    return function, [EagerTensor(np.array(a)) for a in arguments]


def three_ways(function, arguments, monkeypatch):
    """The results of a function: eager, traced on NumPy, compiled."""
    monkeypatch.setattr(compiler, "native", False)
    tf.random.set_seed(5)
    eager = function(*arguments)
    tf.random.set_seed(5)
    traced = tf.function(function, autograph=False)(*arguments)
    monkeypatch.setattr(compiler, "native", True)
    tf.random.set_seed(5)
    native = tf.function(function, autograph=False)
    compiled = native(*arguments)
    (made,) = native.get_concrete_function(*arguments)._graph.cache["native"].values()
    return eager, traced, compiled, made.reason


def agree(found, wanted, tolerance, about):
    found, wanted = np.asarray(found._array), np.asarray(wanted._array)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape, about
    if wanted.dtype == object:
        assert found.tolist() == wanted.tolist(), about
    elif wanted.dtype.kind in "biu" or tolerance == 0:
        np.testing.assert_array_equal(found, wanted, err_msg=about)
    else:
        finite = np.abs(wanted[np.isfinite(wanted)])
        scale = np.max(finite, initial=np.finfo(wanted.dtype).tiny)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * float(scale), err_msg=about)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("prim", PRIMS, ids=lambda prim: prim.name)
def test_three_ways(prim, dtype, monkeypatch):
    function, arguments = program(prim, dtype)
    eager, traced, compiled, reason = three_ways(function, arguments, monkeypatch)
    assert not reason or reason.endswith("depends on values")
    for number, results in enumerate(zip(eager, traced, compiled)):
        for place, (a, b, c) in enumerate(zip(*results, strict=True)):
            about = f"{prim.name}, sample {number}, result {place}"
            tolerance = 0 if prim.name in MOVES else TOLERANCE.get(a._array.dtype.char, 0)
            agree(b, a, tolerance, about + ", on NumPy")
            agree(c, a, tolerance, about + ", compiled")
