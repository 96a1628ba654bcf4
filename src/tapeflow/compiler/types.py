"""NumPy's dtypes as LLVM's types, in registers and in memory."""

import numpy as np
from ml_dtypes import bfloat16

# In registers; a boolean is an i1 there and a byte in memory.
REGISTER: dict[np.dtype, str] = {
    np.dtype(np.float32): "float", np.dtype(np.float64): "double", np.dtype(bool): "i1",
    **{np.dtype(f"{sign}{size}"): f"i{8 * size}" for sign in "iu" for size in (1, 2, 4, 8)},
}  # fmt: skip
# float16 and bfloat16 are their bits, also in registers: see `halves`.
HALVES = frozenset((np.dtype(np.float16), np.dtype(bfloat16)))
REGISTER.update(dict.fromkeys(HALVES, "i16"))
F32, F64, BOOL, I64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(bool), np.dtype(np.int64)


def memory_type(dtype):
    """The type of an array's element."""
    return "i8" if dtype == BOOL else REGISTER[dtype]
