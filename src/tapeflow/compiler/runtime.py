"""What compiled graphs call: the matrix product and the threads, compiled once for a process."""

import functools

from tapeflow.compiler import gemm, threads


@functools.cache
def _product(dtype):
    from tapeflow.compiler import jit

    text = gemm.source(dtype, jit.vector_bits())
    return jit.load(text, [f"gemm.{dtype}"], level=0), f"gemm.{dtype}"


def symbols(text):
    """The (name, address) of what a module calls."""
    found = []
    for dtype in ("float", "double"):
        if f"call void @gemm.{dtype}(" in text:
            loaded, name = _product(dtype)
            found.append((name, loaded.address[name]))
    if "call void @parallel(" in text:
        found.append(("parallel", threads.code().address["parallel"]))
    return found
