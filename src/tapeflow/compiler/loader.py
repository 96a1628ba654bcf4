"""Machine code into memory without LLVM: the object files that it makes for x86-64 on Linux.

LLVM's own linker has to be loaded first, which takes longer than a warm start does for all the rest. What it makes of
our modules is a handful of sections with a few kinds of relocations between them. Whatever else a file has raises
`Unknown`, and LLVM links it. No piece of memory is ever writable and executable.
"""

import ctypes
import functools
import platform
import struct
import sys

KNOWN = (
    sys.platform == "linux" and platform.machine() == "x86_64" and sys.byteorder == "little" and sys.maxsize > 1 << 32
)

_READ, _WRITE, _EXECUTE = 1, 2, 4  # of mprotect
_PRIVATE, _ANONYMOUS = 2, 32  # of mmap
_FAILED = ctypes.c_void_p(-1).value
_PAGE = 4096

_NOTHING_IN_FILE, _RELOCATIONS, _SYMBOLS = 8, 4, 2  # types of sections
_WRITABLE, _IN_MEMORY, _EXECUTABLE, _OF_THREAD = 1, 2, 4, 0x400  # their flags
_UNWINDING = ".eh_frame"  # for exceptions, which nothing here raises
_ELF = b"\x7fELF\x02\x01\x01"
_RELOCATABLE, _X86_64 = 1, 62
_ABSOLUTE, _RELATIVE, _CALL = 1, 2, 4  # relocations: R_X86_64_64, _PC32, _PLT32
_BY_TABLE = (9, 41, 42)  # GOTPCREL, GOTPCRELX, REX_GOTPCRELX
_JUMP = b"\xff\x25\x00\x00\x00\x00"  # jmp to the address that follows


class Unknown(Exception):
    """An object file has what this module does not know."""


@functools.cache
def _process():
    process = ctypes.CDLL(None, use_errno=True)
    process.mmap.restype = ctypes.c_void_p
    process.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    process.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    process.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    return process


class Memory:
    """Some pages, written once by `fill` and then protected; given back when this is no more."""

    def __init__(self, size):
        self.size = -(-size // _PAGE) * _PAGE
        self.base = _process().mmap(None, self.size, _READ | _WRITE, _PRIVATE | _ANONYMOUS, -1, 0)
        if self.base == _FAILED:
            raise OSError(ctypes.get_errno(), "no memory for machine code")

    def fill(self, image, parts):
        """Put bytes there, and protect `parts`: (offset, end, protection)."""
        ctypes.memmove(self.base, bytes(image), len(image))
        for start, end, protection in parts:
            if end > start and _process().mprotect(self.base + start, end - start, protection):
                raise OSError(ctypes.get_errno(), "the system does not let new machine code run")

    def __del__(self, ending=sys.is_finalizing, process=_process):
        if getattr(self, "base", _FAILED) != _FAILED and not ending():  # threads may be in it until the very end
            process().munmap(self.base, self.size)


def raw(code):
    """The memory of machine code that needs no linking."""
    memory = Memory(len(code))
    memory.fill(code, [(0, memory.size, _READ | _EXECUTE)])
    return memory


class _Object:
    """An object file, taken apart."""

    def __init__(self, code):
        if code[:7] != _ELF or struct.unpack_from("<HH", code, 16) != (_RELOCATABLE, _X86_64):
            raise Unknown("no object file for this machine")
        self.code = code
        (start,), (size, count, names) = struct.unpack_from("<Q", code, 40), struct.unpack_from("<HHH", code, 58)
        if size != 64:
            raise Unknown("section headers of another size")
        headers = [struct.unpack_from("<IIQQQQIIQQ", code, start + size * i) for i in range(count)]
        self.sections = []  # (type, flags, offset, size, the section that it is about, alignment)
        for name, type, flags, _, offset, size, _, about, align, _ in headers:
            if self._text(headers[names][4], name) == _UNWINDING:
                flags = 0
            elif flags & _OF_THREAD or type in (9, 14, 15, 16, 17, 18):  # REL, constructors, groups, many sections
                raise Unknown(f"a section of type {type}, flags {flags:#x}")
            self.sections.append((type, flags, offset, size, about, align or 1))
        self.symbols = []  # (name, whether others see it, section, value)
        for _, type, _, _, offset, size, texts, _, _, _ in headers:
            if type == _SYMBOLS:
                for name, info, _, section, value, _ in struct.iter_unpack("<IBBHQQ", code[offset : offset + size]):
                    self.symbols.append((self._text(headers[texts][4], name), info >> 4, section, value))

    def _text(self, start, offset):
        begin = start + offset
        return self.code[begin : self.code.index(b"\0", begin)].decode()


class Linked:
    """Object code in memory: `address[name]` of what it exports, for as long as this lives. Raises Unknown, OSError."""

    def __init__(self, codes, imports, exports):
        self._memory, self.address = _Linking(codes, imports).done(exports)


class _Linking:
    def __init__(self, codes, imports):
        self._objects, self._given = [_Object(code) for code in codes], dict(imports)
        self._seen = {  # what the objects see of each other
            name: (n, section, value)
            for n, found in enumerate(self._objects)
            for name, binding, section, value in found.symbols if binding and section
        }  # fmt: skip
        self._table = {key: i for i, key in enumerate(dict.fromkeys(self._tabled()))}

    def done(self, exports):
        """The memory with the code, and the addresses of what it exports."""
        image, parts = self._laid_out()
        memory = Memory(len(image))
        self._base = memory.base
        for key, i in self._table.items():
            struct.pack_into("<6sQ", image, self._table_at + 16 * i, _JUMP, self._address(*key))
        for n, section, offset, type, symbol, addend in self._relocations():
            self._relocate(image, n, self._places[n, section] + offset, type, symbol, addend)
        memory.fill(image, parts)
        return memory, {name: self._in_memory(*self._seen[name]) for name in exports}

    def _relocations(self):
        """(object, section, offset in it, type, symbol, addend) of each."""
        for n, found in enumerate(self._objects):
            for type, _, offset, size, section, _ in found.sections:
                if type == _RELOCATIONS and found.sections[section][1] & _IN_MEMORY:
                    for place, info, addend in struct.iter_unpack("<QQq", found.code[offset : offset + size]):
                        yield n, section, place, info & 0xFFFFFFFF, info >> 32, addend

    def _tabled(self):
        """The symbols whose addresses stand in a table: those further away than 2 GiB, and what wants it so."""
        for n, _, _, type, symbol, _ in self._relocations():
            name, _, section, _ = self._objects[n].symbols[symbol]
            if type in _BY_TABLE or type == _CALL and not section and name not in self._seen:
                yield n, symbol

    def _laid_out(self):
        """The bytes of all sections, code first and then the table; and which are protected how."""
        image, parts = bytearray(), []
        self._places = {}  # of a section in the image
        for kind, protection in (
            (_EXECUTABLE, _READ | _EXECUTE), (0, _READ), (_WRITABLE, _READ | _WRITE)
        ):  # fmt: skip
            start = len(image)
            for n, found in enumerate(self._objects):
                for i, (type, flags, offset, size, _, align) in enumerate(found.sections):
                    if flags & _IN_MEMORY and flags & (_EXECUTABLE | _WRITABLE) == kind:
                        image += bytes(-len(image) % align)
                        self._places[n, i] = len(image)
                        image += bytes(size) if type == _NOTHING_IN_FILE else found.code[offset : offset + size]
            if kind == _EXECUTABLE:
                image += bytes(-len(image) % 16)
                self._table_at = len(image)
                image += bytes(16 * len(self._table))
            image += bytes(-len(image) % _PAGE)
            parts.append((start, len(image), protection))
        return image, parts

    def _in_memory(self, n, section, value):
        if (n, section) not in self._places:
            raise Unknown(f"a symbol in section {section}")
        return self._base + self._places[n, section] + value

    def _address(self, n, symbol):
        name, _, section, value = self._objects[n].symbols[symbol]
        if section:
            return self._in_memory(n, section, value)
        if name in self._seen:
            return self._in_memory(*self._seen[name])
        if name in self._given:
            return self._given[name]
        try:
            return ctypes.cast(getattr(_process(), name), ctypes.c_void_p).value
        except AttributeError:
            raise Unknown(f"a symbol that is nowhere: {name}") from None

    def _relocate(self, image, n, place, type, symbol, addend):
        if type == _ABSOLUTE:
            struct.pack_into("<Q", image, place, self._address(n, symbol) + addend & 0xFFFFFFFFFFFFFFFF)
            return
        entry = self._table.get((n, symbol))
        if type in _BY_TABLE:
            target = self._base + self._table_at + 16 * entry + len(_JUMP)
        elif type == _CALL and entry is not None and not self._objects[n].symbols[symbol][2]:
            target = self._base + self._table_at + 16 * entry
        elif type in (_CALL, _RELATIVE):
            target = self._address(n, symbol)
        else:
            raise Unknown(f"a relocation of type {type}")
        distance = target + addend - self._base - place
        if not -1 << 31 <= distance < 1 << 31:
            raise Unknown("a symbol that is too far away")
        struct.pack_into("<i", image, place, distance)
