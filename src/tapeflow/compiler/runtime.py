"""What is compiled once for a process: the matrix product and the threads, which compiled graphs call, and what fills
arrays with random numbers for eager operations."""

import _thread
import ctypes
import functools

import numpy as np

from tapeflow.compiler import gemm, philox, threads
from tapeflow.random_bits.seeds import pack


@functools.cache
def _product(name):
    from tapeflow.compiler import jit

    def text():
        return gemm.source(name.split(".")[1], jit.vector_bits(), name.endswith(".even"))

    return jit.load(text, [name], level=0, name=name)  # nothing is left to optimize


def calls(texts):
    """The names of what modules call that is not theirs."""
    from tapeflow.compiler import jit, loop_code

    found = loop_code.calls("\n".join(texts))
    return found + [name for name in jit.making if any(f"@{name}(" in text for text in texts)]


def symbols(names):
    """The (name, address) of what modules call, by the names that `calls` gives."""
    from tapeflow.compiler import jit

    found = []
    for name in names:
        if name not in jit.making:
            found.append((name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value))
            continue
        with jit.making[name]:  # so that what another thread is at is waited for, not done again
            found += (threads.code() if name == "parallel" else _product(name)).address.items()
    return found


def prepare():
    """Load LLVM and the threads' code in the background, while the first function is being traced; unless code of this
    very package was kept here before: then perhaps that function's was too, and LLVM is not needed."""
    try:
        from tapeflow.compiler import library
    except ImportError:  # the first call says so
        return
    if not library.KNOWN or not _is_warm():
        _in_background(_prepare)


def _in_background(task):
    """Begin a task in a thread, without waiting until it has begun, as `threading.Thread.start` does."""
    _thread.start_new_thread(task, ())


def _is_warm():
    from tapeflow.compiler import jit

    return jit.is_kept("parallel")


def load():
    """Load LLVM in the background: a graph is going to be compiled."""
    from tapeflow.compiler import jit

    if not jit.is_loaded():
        _in_background(jit.vector_bits)


def _prepare():
    try:
        from tapeflow.compiler import jit
    except ImportError:  # of llvmlite's Python part; the first call says so
        return
    jit.vector_bits()
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

    def text():
        return philox.source(kind, dtype) + f"\nattributes #0 = {{ {jit.attributes()} }}\n"

    loaded = jit.load(text, ["fill"], lambda: symbols(["parallel"]), name=f"fill {kind} {dtype}")
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
