"""An elementary function as a compiled loop over arrays, and errors in ulp."""

import ctypes
import functools

import llvmlite.binding as llvm
import numpy as np

from tapeflow.compiler import avx512
from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.emit import Emitter, Value

TYPES = {"float": np.float32, "double": np.float64}
ARITY = {"pow": 2, "atan2": 2}  # the others are functions of one number


def text_of(function, type, arity=1, wide=False):
    """LLVM's text of `for i in range(n): out[i] = f(a[i], ...)`."""
    b = Emitter(wide)
    names = ("x", "y")[:arity]

    def body(i, state):
        arguments = [b.load(b.address(Value("ptr", f"%{name}"), i, type), type) for name in names]
        b.store(function(b, *arguments), b.address(Value("ptr", "%out"), i, type))
        return ()

    b.checked_loop(b.const("i64", 0), Value("i64", "%n"), b.const("i64", 1), body)
    b.line("ret void")
    parameters = "".join(f"ptr noalias %{name}, " for name in names)
    head = [*b.declared.values(), f"define void @f({parameters}ptr noalias %out, i64 %n) {{", "entry:"]
    return "\n".join([*head, *b.lines, "}", ""])


def machine():
    """This machine as a target: a new one for each engine, which takes it with it when it goes."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3)


def optimised(text):
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine(), options)
    builder.getModulePassManager().run(module, builder)
    definitions = avx512.definitions(text)
    if definitions:
        module.link_in(llvm.parse_assembly(definitions))
        options.speed_level = 0
        builder.getModulePassManager().run(module, builder)
    return module


@functools.cache
def compiled(name, type, wide=False):
    """The function over arrays of a type; `wide`: as for AVX-512."""
    arity = ARITY.get(name, 1)
    return native(text_of(FUNCTIONS[name], type, arity, wide), type, arity)


def native(text, type, arity=1):
    """What `text_of` wrote, over arrays."""
    engine = llvm.create_mcjit_compiler(optimised(text), machine())
    engine.finalize_object()
    code = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 1), ctypes.c_int64)(engine.get_function_address("f"))

    def run(*arrays):
        arrays = [np.ascontiguousarray(a, TYPES[type]) for a in arrays]
        out = np.empty_like(arrays[0])
        code(*[a.ctypes.data for a in arrays], out.ctypes.data, out.size)
        return out

    run.engine = engine  # kept alive
    return run


def ulps(value, exact, low=0.0):
    """|value - exact| in ulps of `value`'s dtype at `exact`, which is `low` ulps more than given.

    NaN where just one of them is NaN, infinite where just one is infinite.
    """
    dtype = value.dtype
    info = np.finfo(dtype)
    exact = np.asarray(exact)
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
        ulp = np.spacing(np.abs(rounded)).astype(np.float64)
        ulp = np.where(np.isinf(rounded), np.spacing(info.max).astype(np.float64), ulp)
        wide = value.astype(exact.dtype)
        error = np.abs((wide - exact) / ulp - low)
    same = (value == rounded) & ~np.isfinite(rounded) | np.isnan(value) & np.isnan(rounded)
    near = np.isinf(value) & np.isfinite(exact) & (np.abs(exact) > info.max)
    return np.where(same | near, 0.0, error).astype(np.float64)
