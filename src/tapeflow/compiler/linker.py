"""LLVM's linker for object code, in this process, by llvmlite's own library.

A warm start links what is on disk and compiles nothing: to import llvmlite's Python part, with its second writer of
LLVM's language, would take it longer than all the rest. So the few functions that it needs are called here as
`llvmlite.binding` calls them, of versions of llvmlite that are known to have them so. For others `jit` goes by
`llvmlite.binding`.
"""

import ctypes
import functools
import os
import sys

import llvmlite
from llvmlite.utils import get_library_name

KNOWN = sys.platform == "linux" and llvmlite.__version__ in ("0.50.0",)


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
    "CreateLLJITCompiler": (_PTR, (_PTR, _BOOL, _BOOL, _OUT)),
    "LLJIT_Link": (_PTR, (_PTR, _TEXT, _PTR, _SIZE, _PTR, _SIZE, _PTR, _SIZE, _OUT)),
    "LLJIT_Dylib_Tracker_Dispose": (_BOOL, (_PTR, _OUT)),
}


@functools.cache
def _library():
    folder = os.path.join(os.path.dirname(llvmlite.__file__), "binding")
    library = ctypes.CDLL(os.path.join(folder, get_library_name()))
    functions = {}
    for name, (result, parameters) in _SIGNATURES.items():
        function = functions[name] = getattr(library, f"LLVMPY_{name}")
        function.restype, function.argtypes = result, parameters
    functions["InitializeNativeTarget"]()
    functions["InitializeNativeAsmPrinter"]()
    return functions


def _call(name, *args):
    """What a function returns, and the text that it puts out."""
    out = ctypes.c_void_p()
    result = _library()[name](*args, ctypes.byref(out))
    if not out:
        return result, ""
    text = ctypes.cast(out, ctypes.c_char_p).value.decode()
    _library()["DisposeString"](out)
    return result, text


def _made(name, *args):
    result, error = _call(name, *args)
    if not result:
        raise RuntimeError(error)
    return result


def triple():
    """What LLVM calls this machine."""
    return _call("GetDefaultTargetTriple")[1]


def host():
    """The processor's name and its features, as LLVM's options."""
    features = _call("GetHostCPUFeatures")[1].split(",")
    return _call("GetHostCPUName")[1], ",".join(sorted(filter(None, features), key=lambda feature: feature[1:]))


@functools.cache
def _jit():
    name, (cpu, features) = triple().encode(), host()
    target = _made("GetTargetFromTriple", name)
    options = cpu.encode(), features.encode(), 2, b"pic", b"jitdefault", 0, 1, b""
    machine = _library()["CreateTargetMachine"](target, name, *options)
    try:
        return _made("CreateLLJITCompiler", machine, False, False)
    finally:
        _library()["DisposeTargetMachine"](machine)


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
            _call("LLJIT_Dylib_Tracker_Dispose", self._tracker)
