"""What compiled graphs call: the matrix product and the threads, compiled once for a process."""

import functools
import threading

from tapeflow.compiler import gemm, threads


@functools.cache
def _product(dtype):
    from tapeflow.compiler import jit

    text = gemm.source(dtype, jit.vector_bits())
    return jit.load(text, [f"gemm.{dtype}"], level=0)  # nothing in it is left to optimize


def symbols(text):
    """The (name, address) of what a module calls."""
    from tapeflow.compiler import jit, loop

    with jit.lock:  # so that what `prepare` is at is waited for, not done again
        found = [_product(dtype) for dtype in ("float", "double") if f"@gemm.{dtype}(" in text]
        found += [threads.code()] if "@parallel(" in text else []
        return [pair for loaded in found for pair in loaded.address.items()] + loop.symbols(text)


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
