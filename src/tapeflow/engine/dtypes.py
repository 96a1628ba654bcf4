"""Sets of NumPy dtypes for the statements of primitives, in TensorFlow's order."""

import numpy as np

from tapeflow.core import dtype as d

FLOAT = tuple(x._np for x in (d.bfloat16, d.float16, d.float32, d.float64))
COMPLEX = (d.complex64._np, d.complex128._np)
SIGNED = tuple(x._np for x in (d.int8, d.int16, d.int32, d.int64))
UNSIGNED = tuple(x._np for x in (d.uint8, d.uint16, d.uint32, d.uint64))
INTEGER = SIGNED + UNSIGNED
BOOL = (d.bool._np,)
STRING = (d.string._np,)
REAL = FLOAT + INTEGER
INEXACT = FLOAT + COMPLEX
NUMBER = REAL + COMPLEX
LOW = (d.float16._np, d.bfloat16._np)


def low_precision(prim, kernel):
    """Let `prim` compute float16 and bfloat16 in float32 and round once, as TensorFlow's kernels do."""

    def widened(*arrays):
        return np.asarray(kernel(*[a.astype(np.float32) for a in arrays])).astype(arrays[0].dtype)

    for dtype in LOW:
        if dtype in prim.kernels:
            prim.kernels[dtype] = widened
