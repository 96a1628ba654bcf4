"""LLVM in this process, by llvmlite's own library: what compiles modules, and links their code.

llvmlite's Python part takes longer to import than a warm start takes for all the rest, and lets one thread at a time
into LLVM, which itself only wants each to have a context and a machine of its own. So the few functions that are needed
are called here as `llvmlite.binding` calls them, of versions of llvmlite that are known to have them so. For others
there is `binding`, which does the same.
"""

import contextlib
import ctypes
import functools
import os
import sys
import threading

import llvmlite
from llvmlite.utils import get_library_name

from tapeflow.compiler import avx512

KNOWN = sys.platform == "linux" and llvmlite.__version__ in ("0.50.0",)

# Constants are near the code: an operand in memory, not two instructions. (On Windows, what llvmlite knows to work.)
CODE_MODEL = "jitdefault" if os.name == "nt" else "small"


class _Element(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint8), ("value", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class _Symbol(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("address", ctypes.c_uint64)]


_TEXT, _PTR, _INT, _BOOL, _SIZE = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_bool, ctypes.c_size_t
_OUT = ctypes.POINTER(ctypes.c_void_p)  # where a text is put, to be given back
_OBJECT, _LIBRARY = 2, 3  # kinds of elements

_SIGNATURES = {
    "InitializeNativeTarget": (_INT, ()),
    "InitializeNativeAsmPrinter": (_INT, ()),
    "GetHostCPUName": (None, (_OUT,)),
    "GetHostCPUFeatures": (_INT, (_OUT,)),
    "GetDefaultTargetTriple": (None, (_OUT,)),
    "DisposeString": (None, (_PTR,)),
    "GetTargetFromTriple": (_PTR, (_TEXT, _OUT)),
    "CreateTargetMachine": (_PTR, (_PTR, _TEXT, _TEXT, _TEXT, _INT, _TEXT, _TEXT, _INT, _INT, _TEXT)),
    "DisposeTargetMachine": (None, (_PTR,)),
    # To compile.
    "ContextCreate": (_PTR, ()),
    "ContextDispose": (None, (_PTR,)),
    "ParseAssembly": (_PTR, (_PTR, _TEXT, _OUT)),
    "DisposeModule": (None, (_PTR,)),
    "LinkModules": (_INT, (_PTR, _PTR, _OUT)),
    "SetTarget": (None, (_PTR, _TEXT)),
    "SetDataLayout": (None, (_PTR, _TEXT)),
    "CreateTargetMachineData": (_PTR, (_PTR,)),
    "CopyStringRepOfTargetData": (None, (_PTR, _OUT)),
    "DisposeTargetData": (None, (_PTR,)),
    "CreatePipelineTuningOptions": (_PTR, ()),
    "PTOSetSLPVectorization": (None, (_PTR, _BOOL)),
    "PTOSetLoopUnrolling": (None, (_PTR, _BOOL)),
    "PTOSetLoopVectorization": (None, (_PTR, _BOOL)),
    "DisposePipelineTuningOptions": (None, (_PTR,)),
    "CreatePassBuilder": (_PTR, (_PTR, _PTR)),
    "DisposePassBuilder": (None, (_PTR,)),
    "buildPerModuleDefaultPipeline": (_PTR, (_PTR, _INT)),
    "RunNewModulePassManager": (None, (_PTR, _PTR, _PTR)),
    "DisposeNewModulePassManger": (None, (_PTR,)),
    "TargetMachineEmitToMemory": (_PTR, (_PTR, _PTR, _INT, _OUT)),
    "GetBufferStart": (_PTR, (_PTR,)),
    "GetBufferSize": (_SIZE, (_PTR,)),
    "DisposeMemoryBuffer": (None, (_PTR,)),
    # To link.
    "CreateLLJITCompiler": (_PTR, (_PTR, _BOOL, _BOOL, _OUT)),
    "LLJIT_Link": (_PTR, (_PTR, _TEXT, _PTR, _SIZE, _PTR, _SIZE, _PTR, _SIZE, _OUT)),
    "LLJIT_Dylib_Tracker_Dispose": (_BOOL, (_PTR, _OUT)),
}


loading = threading.Lock()  # held while LLVM is loaded; who has it takes no other lock


@functools.cache
def _loaded():
    folder = os.path.join(os.path.dirname(llvmlite.__file__), "binding")
    library = ctypes.CDLL(os.path.join(folder, get_library_name()))
    library.LLVMPY_InitializeNativeTarget()
    library.LLVMPY_InitializeNativeAsmPrinter()
    return library


@functools.cache
def _function(name):
    with loading:  # once: another thread waits
        library = _loaded()
    function = getattr(library, f"LLVMPY_{name}")
    function.restype, function.argtypes = _SIGNATURES[name]
    return function


def _call(name, *args):
    return _function(name)(*args)


def _said(name, *args):
    """What a function returns, and the text that it puts out."""
    out = ctypes.c_void_p()
    result = _call(name, *args, ctypes.byref(out))
    if not out:
        return result, ""
    text = ctypes.cast(out, ctypes.c_char_p).value.decode()
    _call("DisposeString", out)
    return result, text


def _made(name, *args):
    """What a function makes. Raises RuntimeError with what it says otherwise."""
    result, error = _said(name, *args)
    if not result:
        raise RuntimeError(error)
    return result


def triple():
    """What LLVM calls this machine."""
    return _said("GetDefaultTargetTriple")[1]


@functools.cache
def host():
    """The processor's name and its features, as LLVM's options."""
    features = _said("GetHostCPUFeatures")[1].split(",")
    return _said("GetHostCPUName")[1], ",".join(sorted(filter(None, features), key=lambda feature: feature[1:]))


def _machine(stack):
    """A target machine, until the stack is left."""
    name, (cpu, features) = triple().encode(), host()
    options = cpu.encode(), features.encode(), 2, b"pic", CODE_MODEL.encode(), 0, 1, b""
    machine = _call("CreateTargetMachine", _made("GetTargetFromTriple", name), name, *options)
    stack.callback(_call, "DisposeTargetMachine", machine)
    return machine


def compiled(text, level):
    """The machine code of a module in LLVM's assembly language, bytes. Raises RuntimeError for what is none."""
    with contextlib.ExitStack() as stack:

        def mine(dispose, object):
            stack.callback(_call, dispose, object)
            return object

        machine = _machine(stack)
        context = mine("ContextDispose", _call("ContextCreate"))
        module = mine("DisposeModule", _made("ParseAssembly", context, text.encode()))
        data = mine("DisposeTargetData", _call("CreateTargetMachineData", machine))
        _call("SetTarget", module, triple().encode())
        _call("SetDataLayout", module, _said("CopyStringRepOfTargetData", data)[1].encode())
        options = mine("DisposePipelineTuningOptions", _call("CreatePipelineTuningOptions"))
        for option, wanted in tuning(level).items():
            _call(f"PTOSet{option}", options, wanted)
        builder = mine("DisposePassBuilder", _call("CreatePassBuilder", machine, options))

        def run(level):
            passes = mine("DisposeNewModulePassManger", _call("buildPerModuleDefaultPipeline", builder, level))
            _call("RunNewModulePassManager", passes, module, builder)

        run(level)
        definitions = avx512.definitions(text)
        if definitions:
            failed, error = _said("LinkModules", module, _made("ParseAssembly", context, definitions.encode()))
            if failed:
                raise RuntimeError(error)
            run(0)  # puts them where they are called
        buffer = mine("DisposeMemoryBuffer", _made("TargetMachineEmitToMemory", machine, module, 1))
        return ctypes.string_at(_call("GetBufferStart", buffer), _call("GetBufferSize", buffer))


def tuning(level):
    """LLVM's options for a level: without what makes code that is long to make, and not much faster."""
    return {"SLPVectorization": False, "LoopUnrolling": False, "LoopVectorization": level > 1}


@functools.cache
def _jit():
    with contextlib.ExitStack() as stack:
        return _made("CreateLLJITCompiler", _machine(stack), False, False)


class Linked:
    """Object code in memory: `address[name]` of what it exports, for as long as this lives."""

    def __init__(self, name, codes, imports, exports):
        elements = [(_LIBRARY, b"", 0), *[(_OBJECT, code, len(code)) for code in codes]]
        elements = (_Element * len(elements))(*elements)
        given = (_Symbol * len(imports))(*[(symbol.encode(), address) for symbol, address in imports])
        wanted = (_Symbol * len(exports))(*[(symbol.encode(), 0) for symbol in exports])
        arguments = [x for array in (elements, given, wanted) for x in (array, len(array))]
        self._tracker = _made("LLJIT_Link", _jit(), name.encode(), *arguments)
        self.address = {symbol: wanted[i].address for i, symbol in enumerate(exports)}

    def __del__(self, ending=sys.is_finalizing):
        if hasattr(self, "_tracker") and not ending():
            _said("LLJIT_Dylib_Tracker_Dispose", self._tracker)
