"""What is compiled once for a process: the matrix product and the threads, which compiled graphs call, and what fills
arrays with random numbers for eager operations."""

import ctypes
import functools
import threading

import numpy as np

from tapeflow.compiler import gemm, philox, threads
from tapeflow.random_bits.seeds import pack


@functools.cache
def _product(dtype):
    from tapeflow.compiler import jit

    text = gemm.source(dtype, jit.vector_bits())
    return jit.load(text, [f"gemm.{dtype}"], level=0)  # nothing in it is left to optimize


def symbols(text):
    """The (name, address) of what a module calls."""
    from tapeflow.compiler import jit, loop_code

    with jit.lock:  # so that what `prepare` is at is waited for, not done again
        found = [_product(dtype) for dtype in ("float", "double") if f"@gemm.{dtype}(" in text]
        found += [threads.code()] if "@parallel(" in text else []
        return [pair for loaded in found for pair in loaded.address.items()] + loop_code.symbols(text)


_prepared = False


def prepare():
    """Load LLVM and the float32 product in the background, while the first function is being traced."""
    global _prepared
    if not _prepared:
        _prepared = True
        threading.Thread(target=_prepare, name="tapeflow-prepare", daemon=True).start()


def _prepare():
    try:
        from tapeflow.compiler import jit
    except ImportError:  # the first call says so
        return
    with jit.lock:
        _product("float")
        threads.code()


# Random numbers for eager operations: those that are the same to the bit.
BITS = frozenset(
    [("uniform", "float32"), ("uniform", "float64"), ("normal", "float32"), ("truncated normal", "float32")]
    + [("bits", name) for name in ("int32", "uint32", "int64", "uint64")]
)
SHARED = 1 << 15  # numbers that are worth a second thread


@functools.cache
def _random(kind, dtype):
    from tapeflow.compiler import jit

    text = philox.source(kind, dtype) + f"\nattributes #0 = {{ {jit.attributes()} }}\n"
    loaded = jit.load(text, ["fill"], symbols(text))
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(loaded.address["fill"]), loaded


def fill(kind, key, counter, count, dtype):
    """An array of `count` random numbers; None for those that are NumPy's."""
    if (kind, dtype.name) not in BITS:
        return None
    run, _ = _random(kind, dtype)
    state, out = pack(key, counter), np.empty(count, dtype)
    parts = 4 * threads.count() if count >= SHARED and threads.count() > 1 else 1
    if parts > 1 and threads.asleep:
        threads.wake()
    table = np.array([state.ctypes.data, out.ctypes.data, count, parts], np.int64)
    run(table.ctypes.data, parts)
    return out
