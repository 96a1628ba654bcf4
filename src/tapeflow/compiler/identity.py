"""What compiled code depends on besides the program: the processor, the packages, and the source of this one."""

import ctypes
import functools
import os
import platform
import sys

import llvmlite
import numpy as np

from tapeflow.compiler import cache, loader, objects
from tapeflow.core import LOADED

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# void(leaf, subleaf, out): push rbx; mov r8, rdx; mov eax, edi; mov ecx, esi; cpuid; four stores; pop rbx; ret
_CPUID = bytes.fromhex("53 4989d0 89f8 89f1 0fa2 418900 41895804 41894808 4189500c 5b c3")
# void(out): xor ecx, ecx; xgetbv; two stores; ret
_XGETBV = bytes.fromhex("31c9 0f01d0 8907 895704 c3")
# (leaf, subleaf, which of eax, ebx, ecx, edx do not change from core to core): all that LLVM looks at to know the
# processor's name and its features, in llvm/lib/TargetParser/Host.cpp
_LEAVES = (
    (0x0, 0, "abcd"), (0x1, 0, "acd"), (0x7, 0, "abcd"), (0x7, 1, "abcd"), (0xD, 1, "a"), (0x14, 0, "b"),
    (0x19, 0, "b"), (0x1E, 1, "a"), (0x24, 0, "b"), (0x80000000, 0, "a"), (0x80000001, 0, "cd"), (0x80000008, 0, "b"),
)  # fmt: skip
_SAVES_STATE = 1 << 27  # of leaf 1's ecx: whether the system says, by xgetbv, which registers it keeps


@functools.cache
def processor():
    """All that LLVM knows the processor by, as text. It is read without LLVM, where that is known to be the same."""
    if loader.KNOWN:
        try:
            return _by_cpuid()
        except OSError:  # no new code may run: then LLVM's may not either, and says so
            pass
    from tapeflow.compiler import jit

    return " ".join(jit.llvm.host())


def _by_cpuid():
    memory = loader.raw(_CPUID + _XGETBV)
    cpuid = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)(memory.base)
    xgetbv = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(memory.base + len(_CPUID))
    out = (ctypes.c_uint32 * 4)()

    @functools.cache  # where a hypervisor answers, each takes a while
    def ask(leaf, subleaf):
        cpuid(leaf, subleaf, ctypes.addressof(out))
        return dict(zip("abcd", out))

    last = {0: ask(0, 0)["a"], 0x80000000: ask(0x80000000, 0)["a"]}
    found = []
    for leaf, subleaf, registers in _LEAVES:
        known = leaf <= last[leaf & 0x80000000] and subleaf <= (ask(7, 0)["a"] if leaf == 7 else subleaf)
        values = ask(leaf, subleaf) if known else {}
        found.append("-".join([f"{values.get(register, 0):x}" for register in registers]))
    if ask(1, 0)["c"] & _SAVES_STATE:
        xgetbv(ctypes.addressof(out))
        found.append(f"{out[0]:x}-{out[1]:x}")
    return "cpuid " + " ".join(found)


@functools.cache
def sources():
    """A digest of which files this package is made of, by their sizes and times; None if that is not known.

    Python itself knows by size and time whether a file is the one that it has compiled. What was changed after it was
    loaded may not be what runs in it.
    """
    found, left = [], [_PACKAGE]
    while left:
        try:
            entries = list(os.scandir(left.pop()))
        except OSError:  # in an archive
            return None
        for entry in entries:
            if entry.name.endswith(".py"):
                about = entry.stat()
                found.append((entry.path, about.st_size, about.st_mtime_ns))
            elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                left.append(entry.path)
    if not found or max([changed for _, _, changed in found]) > LOADED:
        return None
    start = len(_PACKAGE)
    text = repr(sorted([(path[start:], size, changed) for path, size, changed in found]))
    return cache.sha256(text.encode()).hexdigest()


@functools.cache
def packages():
    """What else there is that decides about code: versions, and where Python keeps what native code reads."""
    return repr((sys.version, np.__version__, llvmlite.__version__, platform.machine(), sys.platform,
                 objects.HEAD, objects.FLAGS, objects.ITEMS))  # fmt: skip
