"""LLVM: from assembly text to machine code in this process, by way of a cache on disk."""

import contextlib
import ctypes
import functools
import hashlib
import itertools
import os
import pathlib
import threading

import llvmlite
import llvmlite.binding as llvm
from llvmlite.binding import ffi

from tapeflow.compiler import cache

making = threading.RLock()  # held by whoever makes what all compiled code shares; taken before `_lock`
_lock = threading.Condition()
_compiling = 0  # threads that compile


def _wait_for_all():
    """Before a process forks, LLVM is at rest, or a child could wait for ever for a thread that it has not."""
    making.acquire()
    _lock.acquire()
    while _compiling:
        _lock.wait()


def _go_on():
    _lock.release()
    making.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_for_all, after_in_parent=_go_on, after_in_child=_go_on)


@contextlib.contextmanager
def _at_work():
    """While LLVM compiles, without a lock."""
    global _compiling
    with _lock:
        _compiling += 1
    try:
        yield
    finally:
        with _lock:
            _compiling -= 1
            _lock.notify_all()


# llvmlite lets one thread at a time into LLVM, which itself only wants each to have a context and a machine of its own.
# The two calls that take long are made without that lock, if this llvmlite keeps them where it is known to.
_run_passes, _emit = [
    getattr(getattr(ffi.lib, name), "_cfn", None)
    for name in ("LLVMPY_RunNewModulePassManager", "LLVMPY_TargetMachineEmitToMemory")
]


def _machine():
    """A target machine, of the calling thread alone."""
    options = _options()  # which makes the targets known
    return llvm.Target.from_default_triple().create_target_machine(**options)


@functools.cache
def _options():
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return {"cpu": llvm.get_host_cpu_name(), "features": features, "opt": 2, "jit": True, "reloc": "pic"}


@functools.cache
def _linker():
    return llvm.create_lljit_compiler(_machine())


@functools.cache
def vector_bits():
    """The width of this machine's vectors."""
    features = _options()["features"]
    return 512 if "+avx512f" in features else 256 if "+avx2" in features else 128


def attributes():
    """The attributes of functions with loops."""
    return f'nounwind "prefer-vector-width"="{vector_bits()}"'


def _optimized(text, level):
    machine = _machine()
    module = llvm.parse_assembly(text, llvm.create_context())
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.slp_vectorization = options.loop_unrolling = False  # code that is long to make, and not much faster
    options.loop_vectorization = level > 1
    builder = llvm.create_pass_builder(machine, options)
    manager = builder.getModulePassManager()
    if _run_passes is None:
        manager.run(module, builder)
    else:
        _run_passes(manager, module, builder)
    return module


def _object(module):
    """Its machine code, bytes."""
    machine = _machine()
    if _emit is None:
        return machine.emit_object(module)
    with ffi.OutputString() as error:
        buffer = _emit(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    try:
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


def assembly(text, level=2):
    """The machine's own assembly language for a module, to look at."""
    return _machine().emit_assembly(_optimized(text, level))


class Loaded:
    """A module in memory: `address[name]` of each function that it exports."""

    def __init__(self, tracker, addresses):
        self._tracker = tracker  # the code lives as long as this
        self.address = addresses


_numbers = itertools.count()  # of what was loaded: LLVM wants a name for each


def load(texts, exports, imports=tuple, level=2, name=None):
    """Machine code for modules that call each other: from the disk cache, or compiled, in as many threads.

    `exports`: the names of the functions to call; `imports()`: pairs (name, address) of those that they call. With a
    `name`, which says of which machine-independent settings, texts() gives them, and is only called to compile them.
    """
    codes = _codes(texts, level, imports) if name is None else _named(texts, level, name)
    builder = llvm.JITLibraryBuilder().add_current_process()
    for code in codes:
        builder.add_object_img(code)
    for name, address in imports():
        builder.import_symbol(name, address)
    for name in exports:
        builder.export_symbol(name)
    with _lock:
        tracker = builder.link(_linker(), f"tapeflow{next(_numbers)}")
        return Loaded(tracker, {name: tracker[name] for name in exports})


def _key(text, level):
    options = _options()
    about = f"{llvmlite.__version__} {options['cpu']} {options['features']} {level}\n"
    return hashlib.sha256((about + text).encode()).hexdigest()


def _compiled(text, level, key):
    with _at_work():
        code = _object(_optimized(text, level))
    cache.write(key, code)
    return code


def _named(text, level, name):
    """The machine code of the module text(), known by a name and by the source of this package's compiler."""
    source = _fingerprint()
    key = _key(f"{source} {name}" if source else text(), level)
    return [cache.read(key) or _compiled(text(), level, key)]


@functools.cache
def _fingerprint():
    """A digest of the compiler's source: what it makes of the same things, it makes again. None if there is none."""
    paths = sorted(pathlib.Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join([path.read_bytes() for path in paths])).hexdigest() if paths else None


def _codes(texts, level, imports):
    """The machine code of modules; those that have to be compiled are, at once, and what they call is made with them."""
    keys = [_key(text, level) for text in texts]
    codes = [cache.read(key) for key in keys]

    def compile(i):
        codes[i] = _compiled(texts[i], level, keys[i])

    missing = [i for i, code in enumerate(codes) if code is None]
    tasks = [imports] * bool(missing) + [functools.partial(compile, i) for i in missing[1:]]
    helpers = [threading.Thread(target=task, name="tapeflow-compile") for task in tasks]
    for helper in helpers:
        helper.start()
    for i in missing[:1]:
        compile(i)
    for helper in helpers:
        helper.join()
    for i, code in enumerate(codes):
        if code is None:  # to raise here what a helper failed with
            compile(i)
    return codes
