"""Compiled code and plans on disk: files that only their user can write, named by a hash of all that they depend on.

A file holds a digest of its content before it; what does not agree with its digest is compiled again. The folder is
`$TAPEFLOW_CACHE_DIR`, or `tapeflow` in the user's cache folder; an empty variable turns the cache off. Machine code is
only read from a folder and a file that nobody else can write.
"""

import contextlib
import functools
import importlib
import os
import stat
import sys
import threading
import time

from tapeflow.core.logging import warn

LIMIT = 512 << 20  # bytes in the folder; beyond it the oldest files go


def sha256(data):
    """The digest of bytes, an object of hashlib's kind. hashlib loads OpenSSL: that takes 3 ms, and is quick then."""
    if "hashlib" not in sys.modules and len(data) < 1 << 20:
        with contextlib.suppress(ImportError):
            return _small().sha256(data)
    import hashlib

    return hashlib.sha256(data)


@functools.cache
def _small():
    """Python's own module of digests, which a Python may lack."""
    return importlib.import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256")


@functools.cache
def _folder_at(wanted):
    """The folder to use, made if need be; None if there is none that is the user's alone."""
    if wanted == "":
        return None
    folder = os.path.normpath(wanted or _default())  # a link with a slash at its end is not what it leads to
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return None
    if not _only_ours(folder):
        warn("Tapeflow keeps no compiled code in %s: others can write there. Set TAPEFLOW_CACHE_DIR to a folder of "
             "your own.", folder)  # fmt: skip
        return None
    return folder


def folder():
    """The folder of compiled code, or None."""
    return _folder_at(os.environ.get("TAPEFLOW_CACHE_DIR"))


def _default():
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return os.path.join(base, "tapeflow")


def _only_ours(path):
    """Whether only this user can write to a file or folder, or put another in its place."""
    if not hasattr(os, "getuid"):
        return True  # Windows: the user's profile is the user's
    about = os.lstat(path)
    if stat.S_ISLNK(about.st_mode) or about.st_uid != os.getuid():
        return False
    return not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def read(key, kind="o"):
    """What was kept under a key, bytes; None if there is none, or it is damaged. `kind`: the end of the file's name."""
    place = folder()
    if place is None:
        return None
    path = os.path.join(place, f"{key}.{kind}")
    try:
        if not _only_ours(path):
            return None
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    digest, code = data[:32], data[32:]
    return code if sha256(key.encode() + code).digest() == digest else None


def holds(key):
    """Whether there seems to be code under a key."""
    place = folder()
    return place is not None and os.path.exists(os.path.join(place, f"{key}.o"))


def write(key, code, kind="o"):
    """Keep code, or a plan, under a key: whole or not at all. A full disk or a folder that is gone is no error."""
    place = folder()
    if place is None:
        return
    name = os.path.join(place, f"{key[:16]}.{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}")
    try:
        number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(sha256(key.encode() + code).digest() + code)
            os.replace(name, os.path.join(place, f"{key}.{kind}"))
        except BaseException:
            os.unlink(name)
            raise
        _make_room(place)
    except OSError as error:
        warn("Tapeflow could not keep compiled code in %s: %s", place, error)


_written = 0


def _make_room(place):
    """Now and then, the oldest files go, if all together are too large."""
    global _written
    _written += 1
    if _written % 256:
        return
    entries = [entry for entry in os.scandir(place) if entry.name.endswith((".o", ".plan"))]
    total = 0
    for about, path in sorted([(e.stat(), e.path) for e in entries], key=lambda x: -x[0].st_mtime):
        total += about.st_size
        if total > LIMIT:
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                os.unlink(path)
