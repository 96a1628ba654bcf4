"""The largest error of a float function over all of the 4,294,967,296 floats, in ulp; a minute each.

    PYTHONPATH=src:tests python -m compiler.elementary_sweep exp log ...

Without names: all functions of one number. The reference is the same function in double, whose own error, which
test_elementary.py measures, is far below a float's ulp; lgamma and digamma, whose floats are rounded doubles, are not
measured this way.
"""

import ctypes
import sys
import time

import llvmlite.binding as llvm
import numpy as np

from compiler.elementary_loops import ARITY, machine, optimised, ulps
from tapeflow.compiler import jit
from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.emit import Emitter, Value

BLOCK = 2**24
ROUNDED = ("lgamma", "digamma")


def worst(function):
    """A native function of `low`, `high` and an i64 to write to: the bits of the largest error, a double, in ulp."""
    b = Emitter(wide=jit.vector_bits() == 512)

    def body(i, state):
        x = b.cast("bitcast", b.cast("trunc", i, "i32"), "float")
        y, exact = function(b, x), function(b, b.cast("fpext", x, "double"))
        rounded = b.cast("fptrunc", exact, "float")
        exponent = b.and_(b.lshr(b.cast("bitcast", exact, "i64"), b.const("i64", 52)), b.const("i64", 2047))
        exponent = b.intrinsic("smax", exponent, b.const("i64", 1023 - 126))  # denormal floats share their ulp
        per_ulp = b.cast("bitcast", b.shl(b.sub(b.const("i64", 2046 + 23), exponent), b.const("i64", 52)), "double")
        error = b.fmul(b.fabs(b.fsub(b.cast("fpext", y, "double"), exact)), per_ulp)
        infinite = b.fcmp("oeq", b.fabs(rounded), b.const("float", float("inf")))
        both = b.and_(b.fcmp("uno", y, y), b.fcmp("uno", rounded, rounded))
        same = b.or_(b.and_(b.fcmp("oeq", y, rounded), infinite), both)
        error = b.select(same, b.const("double", 0), error)
        bits = b.and_(b.cast("bitcast", error, "i64"), b.const("i64", 2**63 - 1))  # ordered as the numbers; NaN above
        return (b.intrinsic("smax", state[0], bits),)

    (most,) = b.loop(Value("i64", "%low"), Value("i64", "%high"), b.const("i64", 1), body, (b.const("i64", 0),))
    b.store(most, Value("ptr", "%out"))
    b.line("ret void")
    head = [*b.declared.values(), "define void @f(i64 %low, i64 %high, ptr %out) {", "entry:"]
    engine = llvm.create_mcjit_compiler(optimised("\n".join([*head, *b.lines, "}", ""])), machine())
    engine.finalize_object()
    native = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(engine.get_function_address("f"))

    def run(low, high):
        out = np.zeros(1)
        native(low, high, out.ctypes.data)
        return out[0]

    run.engine = engine  # kept alive
    return run


def where(name, low, high):
    """The number of the largest error between two bit patterns."""
    from compiler.elementary_loops import compiled

    x = np.arange(low, high, dtype=np.uint32).view(np.float32)
    wide = jit.vector_bits() == 512
    error = ulps(compiled(name, "float", wide)(x), compiled(name, "double")(x))
    return x[np.nanargmax(np.where(np.isnan(error), np.inf, error))]


def main(names):
    for name in names or [n for n in FUNCTIONS if n not in (*ARITY, *ROUNDED)]:
        start, run = time.perf_counter(), worst(FUNCTIONS[name])
        errors = [run(low, low + BLOCK) for low in range(0, 2**32, BLOCK)]
        block = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
        at = where(name, block * BLOCK, (block + 1) * BLOCK)
        print(f"{name:9s} {errors[block]:.4f} ulp at {at!s:16s} {time.perf_counter() - start:4.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
