"""LLVM: from assembly text to machine code in this process, by way of a cache on disk."""

import functools
import hashlib
import itertools

import llvmlite
import llvmlite.binding as llvm

from tapeflow.compiler import cache


@functools.cache
def _machine():
    """The JIT, and the target machine, of this process."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    options = {"cpu": llvm.get_host_cpu_name(), "features": features, "opt": 2, "jit": True, "reloc": "pic"}
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
    options.slp_vectorization = False
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
    jit, machine, features = _machine()
    about = f"{llvmlite.__version__} {llvm.get_host_cpu_name()} {features} {level}\n"
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
