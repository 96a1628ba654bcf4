"""LLVM: from assembly text to machine code in this process, by way of a cache on disk."""

import functools
import hashlib
import itertools
import os
import threading

import llvmlite
import llvmlite.binding as llvm

from tapeflow.compiler import cache

# Constants are near the code: an operand in memory, not two instructions. (On Windows, what llvmlite knows to work.)
CODE_MODEL = "jitdefault" if os.name == "nt" else "small"

lock = threading.RLock()  # held by whoever compiles; and by a process that forks, so that no child waits for it
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


def _machine():
    """The JIT, the target machine and the processor's features, of this process."""
    with lock:
        return _made()


@functools.cache
def _made():
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    options = {"cpu": llvm.get_host_cpu_name(), "features": features, "opt": 2, "jit": True, "reloc": "pic"}
    options["codemodel"] = CODE_MODEL
    machine = target.create_target_machine(**options)
    return llvm.create_lljit_compiler(target.create_target_machine(**options)), machine, features


@functools.cache
def vector_bits():
    """The width of this machine's vectors."""
    features = _machine()[2]
    return 512 if "+avx512f" in features else 256 if "+avx2" in features else 128


def attributes():
    """The attributes of functions with loops."""
    return f'nounwind "prefer-vector-width"="{vector_bits()}"'


def _optimized(text, level):
    _, machine, _ = _machine()
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.slp_vectorization = options.loop_unrolling = False  # code that is long to make, and not much faster
    options.loop_vectorization = level > 1
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


def assembly(text, level=2):
    """The machine's own assembly language for a module, to look at."""
    return _machine()[1].emit_assembly(_optimized(text, level))


class Loaded:
    """A module in memory: `address[name]` of each function that it exports."""

    def __init__(self, tracker, addresses):
        self._tracker = tracker  # the code lives as long as this
        self.address = addresses


_numbers = itertools.count()  # of what was loaded: LLVM wants a name for each


def load(text, exports, imports=(), level=2):
    """Machine code for the module `text`: from the disk cache, or compiled.

    `exports`: the names of the functions to call; `imports`: pairs (name, address) of those it calls.
    """
    with lock:
        return _load(text, exports, imports, level)


def _load(text, exports, imports, level):
    jit, machine, features = _machine()
    about = f"{llvmlite.__version__} {llvm.get_host_cpu_name()} {features} {CODE_MODEL} {level}\n"
    key = hashlib.sha256((about + text).encode()).hexdigest()
    code = cache.read(key)
    if code is None:
        code = machine.emit_object(_optimized(text, level))
        cache.write(key, code)
    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name, address in imports:
        builder.import_symbol(name, address)
    for name in exports:
        builder.export_symbol(name)
    tracker = builder.link(jit, f"tapeflow{next(_numbers)}")
    return Loaded(tracker, {name: tracker[name] for name in exports})
