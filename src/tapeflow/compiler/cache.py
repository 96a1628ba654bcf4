"""Compiled code on disk: files that only their user can write, named by a hash of all that they depend on.

A file holds a digest of its code before the code; what does not agree with its digest is compiled again. The folder is
`$TAPEFLOW_CACHE_DIR`, or `tapeflow` in the user's cache folder; an empty variable turns the cache off. Machine code is
only read from a folder and a file that nobody else can write.
"""

import functools
import hashlib
import os
import pathlib
import stat
import sys
import tempfile

from tapeflow.core.logging import warn

LIMIT = 512 << 20  # bytes in the folder; beyond it the oldest files go


@functools.cache
def _folder_at(wanted):
    """The folder to use, made if need be; None if there is none that is the user's alone."""
    if wanted == "":
        return None
    folder = pathlib.Path(wanted) if wanted else _default()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or pathlib.Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = pathlib.Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "tapeflow"


def _only_ours(path):
    """Whether only this user can write to a file or folder, or put another in its place."""
    if not hasattr(os, "getuid"):
        return True  # Windows: the user's profile is the user's
    about = os.lstat(path)
    if stat.S_ISLNK(about.st_mode) or about.st_uid != os.getuid():
        return False
    return not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def read(key):
    """The code that was kept under a key, bytes; None if there is none, or it is damaged."""
    place = folder()
    if place is None:
        return None
    path = place / f"{key}.o"
    try:
        if not _only_ours(path):
            return None
        data = path.read_bytes()
    except OSError:
        return None
    digest, code = data[:32], data[32:]
    return code if hashlib.sha256(key.encode() + code).digest() == digest else None


def write(key, code):
    """Keep code under a key: whole or not at all. A full disk or a folder that is gone is no error."""
    place = folder()
    if place is None:
        return
    try:
        number, name = tempfile.mkstemp(dir=place)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(hashlib.sha256(key.encode() + code).digest() + code)
            os.replace(name, place / f"{key}.o")
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
    files = sorted([(path.stat().st_mtime, path.stat().st_size, path) for path in place.glob("*.o")], reverse=True)
    total = 0
    for _, size, path in files:
        total += size
        if total > LIMIT:
            path.unlink(missing_ok=True)
