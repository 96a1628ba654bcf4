"""LLVM: from assembly text to machine code in this process, by way of a cache on disk."""

import contextlib
import functools
import importlib
import itertools
import os
import threading

import llvmlite

from tapeflow.compiler import cache, gemm, identity, library, loader, threads

llvm = library if library.KNOWN else importlib.import_module("tapeflow.compiler.binding")

# Held by whoever makes what all compiled code shares, by its name; taken in this order, and before `_lock`.
making = {name: threading.RLock() for name in (*gemm.NAMES, "parallel")}
_lock = threading.Condition()
_compiling = 0  # threads that compile


def _wait_for_all():
    """Before a process forks, LLVM is at rest, or a child could wait for ever for a thread that it has not."""
    for lock in (*making.values(), _lock):
        lock.acquire()
    while _compiling:
        _lock.wait()
    library.loading.acquire()


def _go_on():
    for lock in (library.loading, _lock, *making.values()):
        lock.release()


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


def triple():
    """What LLVM calls this machine."""
    return llvm.triple()


@functools.cache
def vector_bits():
    """The width of this machine's vectors."""
    features = llvm.host()[1]
    return 512 if "+avx512f" in features else 256 if "+avx2" in features else 128


def is_loaded():
    """Whether LLVM is in this process."""
    return vector_bits.cache_info().currsize > 0


def attributes():
    """The attributes of functions with loops."""
    return f'nounwind "prefer-vector-width"="{vector_bits()}"'


def assembly(text, level=2):
    """The machine's own assembly language for a module, to look at."""
    from tapeflow.compiler import binding

    return binding.compiled(text, level, assembly=True)


_numbers = itertools.count()  # of what was loaded: LLVM wants a name for each


def load(texts, exports, imports=tuple, level=2, name=None):
    """Machine code for modules that call each other: from the disk cache, or compiled, in as many threads.

    `exports`: the names of the functions to call; `imports()`: pairs (name, address) of those that they call. With a
    `name`, which says of which machine-independent settings, texts() gives them, and is only called to compile them.
    """
    codes = codes_of(texts, level, imports) if name is None else _named(texts, level, name)
    return link(codes, imports(), exports)


def link(codes, imports, exports):
    """Machine code in memory: `address[name]` of what it exports, for as long as what this returns lives."""
    if loader.KNOWN:
        try:
            return loader.Linked(codes, imports, exports)
        except (loader.Unknown, OSError):
            pass  # LLVM may know it, or says why not
    with _lock:
        return llvm.Linked(f"tapeflow{next(_numbers)}", codes, imports, exports)


def key_of(text, level=2):
    """What the code of a module is kept under."""
    about = f"{llvmlite.__version__} {identity.processor()} {library.CODE_MODEL} {level}\n"
    return cache.sha256((about + text).encode()).hexdigest()


def _compiled(text, level, key):
    with _at_work():
        code = llvm.compiled(text, level)
    cache.write(key, code)
    return code


def _named(text, level, name):
    """The machine code of the module text(), known by a name and by the source of this package."""
    key = _key_of_name(name, level) or key_of(text(), level)
    return [cache.read(key) or _compiled(text(), level, key)]


def _key_of_name(name, level):
    source = identity.sources()
    return key_of(f"{source} {identity.packages()} {name}", level) if source else None


def is_kept(name, level=0):
    """Whether code with a name seems to be on disk."""
    key = _key_of_name(name, level)
    return key is not None and cache.holds(key)


def codes_of(texts, level, imports):
    """The machine code of modules; those to compile are, at once, and with them what they call is made."""
    keys = [key_of(text, level) for text in texts]
    codes = [cache.read(key) for key in keys]

    def compile(i):
        codes[i] = _compiled(texts[i], level, keys[i])

    missing = [i for i, code in enumerate(codes) if code is None]
    missing.sort(key=lambda i: len(texts[i]), reverse=True)
    if missing:
        _share([imports, *[functools.partial(compile, i) for i in missing]])
    return codes


def _share(tasks):
    """Do tasks, in this order, with the help of other threads; raises what one raises."""
    tasks, errors = tasks[::-1], []

    def work():
        while tasks and not errors:
            try:
                task = tasks.pop()
            except IndexError:  # another thread was quicker
                return
            try:
                task()
            except BaseException as error:  # noqa: BLE001 (it is raised below, where it is waited for)
                errors.append(error)

    count = min(threads.count(), len(tasks)) - 1
    helpers = [threading.Thread(target=work, name="tapeflow-compile") for _ in range(count)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
