"""Every lowering at the ends of its dtypes: infinities, NaN, both zeros, denormals, the least and greatest integers."""

import itertools
import platform

import numpy as np
import pytest

import tapeflow as tf
from sweep.test_sweep import PRIMITIVES  # when all are loaded: some modules are at their first use
from tapeflow.compiler.lowerings import LOWERINGS
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply

DTYPES = [np.dtype(name) for name in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")]
FLOATS = [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 7, -7, 88, -104, 3e38, 1e-30, 1e-40, -1e-40, np.inf, -np.inf,
          np.nan]  # fmt: skip
DOUBLES = [5e-324, 1e308, -1e308, 710, -745]
# Where integers end: what is between them is cut off, what is beyond is the machine's.
ENDS = [127.9, 128, -128.9, 255.9, 256, 32768, 65536, 2147483520, 2147483648, 4294967040, -3e9, 9.2e18, 1e19, -0.9]
ATTRS = {"LeakyRelu": (0.2,), "LeakyReluGrad": (0.2,)}
PRIMS = [p for p in PRIMITIVES if p.name in LOWERINGS and p.name != "Bitcast"]  # whose attribute is of one size only
# Between their poles these have zeros, near which only the absolute error is small (docs/accuracy.md).
ZEROS = {"Lgamma", "Digamma"}


def numbers(dtype):
    if dtype.kind == "f":
        return np.array(FLOATS + DOUBLES * (dtype.itemsize == 8)).astype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    ends = np.iinfo(dtype)
    found = (ends.min, ends.min // 2, -7, -1, 0, 1, 2, 3, 7, ends.max // 2, ends.max)
    return np.array([n for n in found if n >= ends.min], dtype)


def operands(prim, dtype):
    """All pairs (or triples, with a condition) of numbers of a dtype."""
    values = numbers(dtype)
    if prim.name == "SelectV2":
        conditions = np.arange(len(values) ** 2) % 2 > 0
        return [conditions, *np.array(list(itertools.product(values, values)), dtype).T.copy()]
    return list(np.array(list(itertools.product(values, repeat=len(prim.operands))), dtype).T.copy())


def same(found, wanted, about, near_zero=0.0):
    """Equal to a few ulp (or `near_zero` of 1), NaN where NaN is; the sign of a zero does not count."""
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(found, wanted, err_msg=about)
        return
    info = np.finfo(wanted.dtype)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted), err_msg=about)
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(found[~finite], wanted[~finite], err_msg=about)
    least = max(4 * float(info.smallest_subnormal), near_zero * float(info.eps))
    np.testing.assert_allclose(found[finite], wanted[finite], rtol=4 * info.eps, atol=least, err_msg=about)


@pytest.mark.parametrize("prim", PRIMS, ids=lambda prim: prim.name)
def test_eager_and_compiled_agree(prim):
    attrs, arguments, counts = ATTRS.get(prim.name, ()), [], []
    for dtype in DTYPES:
        arrays = operands(prim, dtype)
        try:
            apply(prim, tuple(map(EagerTensor, arrays)), attrs)
        except (tf.errors.OpError, TypeError):
            continue  # a dtype that the primitive does not take, or a division by 0
        arguments += arrays
        counts.append(dtype)

    def function(*tensors):
        n = len(prim.operands)
        return [apply(prim, tensors[i : i + n], attrs) for i in range(0, len(tensors), n)]

    assert counts
    tensors = list(map(EagerTensor, arguments))
    eager = function(*tensors)
    for dtype, one, other in zip(counts, eager, tf.function(function, autograph=False)(*tensors), strict=True):
        about = f"{prim.name} {dtype}"
        same(np.asarray(other._array), np.asarray(one._array), about, 8 if prim.name in ZEROS else 0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_casts(dtype):
    """A float that does not fit becomes what x86 makes of one: NumPy's vectors and other machines do as they like."""
    values = numbers(dtype)
    if dtype.kind == "f":
        values = np.concatenate([values, np.array(ENDS, dtype)])
        values = values[~(values >= 2.0**64)]  # where NumPy's uint64 is 0, TensorFlow's and compiled code's 2**63
    if platform.machine() not in ("x86_64", "AMD64"):
        values = values[np.isfinite(values) & (np.abs(values) < 127)]
    function = lambda x: [tf.cast(x, tf.as_dtype(other)) for other in DTYPES]
    compiled = tf.function(function, autograph=False)(EagerTensor(values))
    eager = [[t._array for t in function(EagerTensor(value))] for value in values]
    for found, wanted, other in zip(compiled, zip(*eager), DTYPES, strict=True):
        same(np.asarray(found._array), np.array(wanted), f"{dtype} to {other}")
