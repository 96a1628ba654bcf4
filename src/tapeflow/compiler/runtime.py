"""What compiled graphs call: the matrix product and the threads, compiled once for a process."""

import functools
import threading

from tapeflow.compiler import gemm, threads


@functools.cache
def _product(dtype):
    from tapeflow.compiler import jit

    bits = jit.vector_bits()
    text = functools.partial(gemm.source, dtype, bits)
    return jit.load(text, [f"gemm.{dtype}"], level=0, name=f"gemm.{dtype} {bits}")  # nothing is left to optimize


def symbols(texts):
    """The (name, address) of what modules call."""
    from tapeflow.compiler import jit

    makers = {"gemm.float": lambda: _product("float"), "gemm.double": lambda: _product("double"),
              "parallel": threads.code}  # fmt: skip
    found = []
    for name, make in makers.items():
        if any(f"@{name}(" in text for text in texts):
            with jit.making[name]:  # so that what another thread is at is waited for, not done again
                found += make().address.items()
    return found


_prepared = False


def prepare():
    """Load LLVM and the threads' code in the background, while the first function is being traced."""
    global _prepared
    if not _prepared:
        _prepared = True
        threading.Thread(target=_prepare, name="tapeflow-prepare", daemon=True).start()


def _prepare():
    try:
        from tapeflow.compiler import jit
    except ImportError:  # the first call says so
        return
    with jit.making["parallel"]:
        threads.code()
