"""What compiled graphs call: the matrix product and the threads, compiled once for a process."""

import functools
import threading

from tapeflow.compiler import gemm, threads


@functools.cache
def _product(name):
    from tapeflow.compiler import jit

    bits = jit.vector_bits()
    text = functools.partial(gemm.source, name.split(".")[1], bits, name.endswith(".even"))
    return jit.load(text, [name], level=0, name=f"{name} {bits}")  # nothing is left to optimize


def symbols(texts):
    """The (name, address) of what modules call."""
    from tapeflow.compiler import jit, loop

    found = loop.symbols("\n".join(texts))
    for name, lock in jit.making.items():
        if any(f"@{name}(" in text for text in texts):
            with lock:  # so that what another thread is at is waited for, not done again
                found += (threads.code() if name == "parallel" else _product(name)).address.items()
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
