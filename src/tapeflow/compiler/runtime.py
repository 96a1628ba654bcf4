"""What is compiled once for a process: the matrix product and the threads, which compiled graphs call, and what fills
arrays with random numbers for eager operations."""

import ctypes
import functools
import threading

import numpy as np

from tapeflow.compiler import gemm, philox, threads
from tapeflow.random_bits.seeds import pack


@functools.cache
def _product(name):
    from tapeflow.compiler import jit

    bits = jit.vector_bits()
    text = functools.partial(gemm.source, name.split(".")[1], bits, name.endswith(".even"))
    return jit.load(text, [name], level=0, name=f"{name} {bits}")  # nothing is left to optimize


def symbols(texts):
    """The (name, address) of what modules call."""
    from tapeflow.compiler import jit, loop_code

    found = loop_code.symbols("\n".join(texts))
    for name, lock in jit.making.items():
        if any(f"@{name}(" in text for text in texts):
            with lock:  # so that what another thread is at is waited for, not done again
                found += (threads.code() if name == "parallel" else _product(name)).address.items()
    return found


def prepare():
    """Load LLVM and the threads' code in the background, while the first function is being traced."""
    threading.Thread(target=_prepare, name="tapeflow-prepare", daemon=True).start()


def _prepare():
    try:
        from tapeflow.compiler import jit
    except ImportError:  # the first call says so
        return
    with jit.making["parallel"]:
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
    loaded = jit.load([text], ["fill"], lambda: symbols([text]))
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
