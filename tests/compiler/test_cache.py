"""The cache of compiled code on disk: what is read, what is refused, what is compiled again."""

import os
import stat
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
import sys
import tapeflow as tf
from tapeflow.compiler import jit

made = []
compiled = jit.llvm.compiled
def counting(text, level):
    made.append(level)
    return compiled(text, level)
jit.llvm.compiled = counting

v = tf.Variable(tf.ones([300, 300]))
@tf.function
def step(x):
    v.assign_add(tf.matmul(v, v) * 0.0 + x)
    return tf.reduce_sum(tf.sin(v))

first = step(tf.ones([300, 300])).numpy()
assert abs(first - 90000 * 0.9092974) < 1, first
assert (v.numpy() == 2).all()
print(len(made))
"""

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no such permissions")


def start(folder, program=PROGRAM, **more):
    environment = {**os.environ, "TAPEFLOW_CACHE_DIR": str(folder), **more}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process):
    """(how many modules were compiled, what was said); fails if the process did."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return int(out), error


def compiled(folder, **more):
    return finish(start(folder, **more))


def files(folder):
    return sorted([*folder.glob("*.o"), *folder.glob("*.plan")])


def codes(folder):
    return sorted(folder.glob("*.o"))


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A folder with the program's code, and how many modules that is."""
    folder = tmp_path_factory.mktemp("full") / "cache"
    count, said = compiled(folder)
    assert count == len(codes(folder)) > 1 and "cache" not in said
    assert len(files(folder)) == count + 1  # and the plan
    return folder, count


@pytest.fixture
def cache(full, tmp_path):
    """A copy of it, to spoil."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    for path in files(full[0]):
        copy = folder / path.name
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
    return folder


def test_a_second_process_starts_warm(cache):
    assert compiled(cache)[0] == 0


@posix
def test_the_folder_and_its_files_are_the_users_own(full):
    folder, _ = full
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in folder.iterdir())
    assert {path.suffix for path in folder.iterdir()} == {".o", ".plan"}  # no half of a file is left


SPOILT = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "only a digest": lambda data: data[:32],
    "less than a digest": lambda data: data[:7],
    "one bit is another": lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:],
    "the digest is another": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "longer": lambda data: data + b"\0",
    "something else": lambda data: b"not machine code\n" * 100,
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_damaged_file_is_compiled_again(cache, full, spoil):
    whole = {path.name: path.read_bytes() for path in files(cache)}
    for path in files(cache):
        path.write_bytes(spoil(path.read_bytes()))
    assert compiled(cache)[0] == full[1]
    assert {path.name: path.read_bytes() for path in files(cache)} == whole  # and mended


def test_a_file_of_other_code_is_compiled_again(cache, full):
    """One file under the name of another: whole, but not what was asked for."""
    for paths in (codes(cache), files(cache)):
        datas = [path.read_bytes() for path in paths]
        for path, data in zip(paths, datas[1:] + datas[:1]):
            path.write_bytes(data)
        assert compiled(cache)[0] == full[1]


def test_a_folder_in_the_place_of_a_file(cache, full):
    for path in files(cache):
        path.unlink()
        path.mkdir()
    assert compiled(cache)[0] == full[1]


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o720])
def test_a_folder_that_others_can_write_to_is_refused(cache, full, mode):
    cache.chmod(mode)
    before = {path: path.stat().st_mtime_ns for path in files(cache)}
    count, said = compiled(cache)
    assert count == full[1] and str(cache) in said and said.count("others can write") == 1
    assert {path: path.stat().st_mtime_ns for path in files(cache)} == before


@posix
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_can_write_to_is_refused(cache, full, mode):
    for path in files(cache):
        path.chmod(mode)
    assert compiled(cache)[0] == full[1]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files(cache))  # put anew


@posix
def test_a_link_is_refused(cache, full, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(cache, target_is_directory=True)
    count, said = compiled(link)
    assert count == full[1] and str(link) in said
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in files(cache):
        path.rename(elsewhere / path.name)
        path.symlink_to(elsewhere / path.name)
    assert compiled(cache)[0] == full[1]
    assert not any(path.is_symlink() for path in files(cache))


@posix
@pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() != 0, reason="only root can give a file away")
def test_what_another_user_owns_is_refused(cache, full):
    for path in files(cache):
        os.chown(path, 12345, -1)
    assert compiled(cache)[0] == full[1]
    os.chown(cache, 12345, -1)
    count, said = compiled(cache)
    assert count == full[1] and str(cache) in said


def test_an_empty_variable_turns_it_off(full, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    assert compiled("", HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))[0] == full[1]
    assert not list(home.iterdir())


def test_without_the_variable_it_is_in_the_users_cache(full, tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120,
        env={**{k: v for k, v in os.environ.items() if k != "TAPEFLOW_CACHE_DIR"},
             "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "c"), "LOCALAPPDATA": str(tmp_path / "c")},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert len(list(tmp_path.rglob("tapeflow/*.o"))) == full[1]


def test_parents_are_made(full, tmp_path):
    folder = tmp_path / "a" / "b" / "c"
    assert compiled(folder)[0] == full[1]
    assert compiled(folder)[0] == 0


def test_a_folder_that_cannot_be_made(full, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert compiled(tmp_path / "file" / "cache")[0] == full[1]
    assert compiled(tmp_path / "file")[0] == full[1]
    assert (tmp_path / "file").read_text() == "in the way"


@posix
def test_a_folder_that_cannot_be_written_to(full, tmp_path):
    if os.getuid() == 0:
        folder = "/proc/tapeflow"  # where not even root can
    else:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
    assert compiled(folder)[0] == full[1]


def test_two_processes_at_once(full, tmp_path):
    folder = tmp_path / "cache"
    counts = [finish(process)[0] for process in [start(folder) for _ in range(3)]]
    assert max(counts) == full[1]
    assert compiled(folder)[0] == 0
    assert {path.suffix for path in folder.iterdir()} == {".o", ".plan"}


def test_no_more_of_llvmlite_than_its_library_is_loaded(cache, full):
    program = PROGRAM + textwrap.dedent("""
        from tapeflow.compiler import library
        assert not library.KNOWN or "llvmlite.binding" not in sys.modules
    """)
    for folder, count in ((cache, 0), (cache / "new", full[1])):
        assert finish(start(folder, program))[0] == count


def test_another_llvmlite_is_used_by_its_python_part(cache, full):
    """And makes the same code: what was kept for one is good for the other."""
    program = "from tapeflow.compiler import binding, jit, loader\njit.llvm = binding\n" + textwrap.dedent("""
        def linked(*args):
            raise loader.Unknown("all of it")
        loader.Linked = linked
    """) + PROGRAM
    for folder, count in ((cache, 0), (cache / "new", full[1])):
        assert finish(start(folder, program))[0] == count
    assert {path.name: path.read_bytes() for path in files(cache / "new")} == {
        path.name: path.read_bytes() for path in files(full[0])
    }


def test_a_name_does_not_depend_on_the_process(full, tmp_path):
    """The same program has the same text whatever the hash seed: else nothing would ever be warm."""
    folder = tmp_path / "cache"
    assert compiled(folder, PYTHONHASHSEED="1")[0] == full[1]
    assert compiled(folder, PYTHONHASHSEED="2")[0] == 0


def test_without_llvmlite_all_runs_and_says_so_once():
    said = """
        import sys
        class Hidden:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "llvmlite":
                    raise ImportError("No module named 'llvmlite'", name="llvmlite")
        sys.meta_path.insert(0, Hidden())
        import numpy as np
        import tapeflow as tf
        v = tf.Variable(tf.ones([40_000]))
        @tf.function(autograph=False)
        def step(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.square(v * x))
            v.assign_sub(0.25 * tape.gradient(loss, v))
            return loss
        for n in range(3):
            assert step(tf.ones([40_000])).numpy() == 40_000 / 4**n
        g = tf.function(lambda x: tf.matmul(x, x))
        for n in (2, 3, 4):
            assert (g(tf.ones([n, n])).numpy() == n).all()
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(g(v[:4][:, tf.newaxis] * tf.ones([4, 4])))
        assert tape.gradient(y, v) is not None
        print(step.get_concrete_function(tf.ones([40_000])))
        assert "llvmlite" not in sys.modules
    """
    process = start("", said)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert error.count("uncompiled") == 1 and "pip install llvmlite" in error, error
    assert len(error.strip().splitlines()) == 1
    assert "Square" in out or "Mul" in out
