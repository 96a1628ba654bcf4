"""Plans on disk: what a key says of a graph, what is kept, and what a second process does without."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import tapeflow as tf
from tapeflow.compiler import loader, stored
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.primitive import PRIMITIVES

X = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
S = tf.constant(2.0)
I = tf.constant([1, 0])
V, W, WIDE = tf.Variable([1.0, 2.0, 3.0]), tf.Variable([1.0, 2.0, 3.0]), tf.Variable([[1.0, 2.0, 3.0]])
V64, FREE = tf.Variable([1.0, 2.0, 3.0], dtype=tf.float64), tf.Variable([1.0, 2.0, 3.0], shape=[None])
NEAR = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
FULL = EagerTensor(np.ones((3, 1), np.float32))
BROADCAST = EagerTensor(np.broadcast_to(np.float32(1), (3, 1)))


def key_of(function, *args, threads=2, shapes=None):
    concrete = tf.function(function, autograph=False).get_concrete_function(*args)
    graph = concrete._graph
    found = stored.Key(graph, shapes or [a.shape for a in map(np.asarray, args)], threads)
    return found.text


def assigned(*pairs):
    def function(x):
        for variable, method, value in pairs:
            getattr(variable, method)(x * value)
        return x

    return function


def looped(rounds, step, start=0.0):
    return lambda x: tf.while_loop(lambda i, y: i < rounds, lambda i, y: (i + 1, y * step), (0, x + start))[1]


# Programs that differ in one thing each, with their arguments.
PAIRS = {
    "the operation": (lambda x: tf.sin(x), lambda x: tf.cos(x), X),
    "the order of operands": (lambda x, s: x - s, lambda x, s: s - x, X, S),
    "which operand": (lambda x, s: x * x + s, lambda x, s: x * s + s, X, X),
    "the order of results": (lambda x, s: (x + 1, s), lambda x, s: (s, x + 1), X, S),
    "how many results": (lambda x: x + 1, lambda x: (x + 1, x + 1), X),
    "an attribute": (lambda x: tf.reduce_sum(x, 0), lambda x: tf.reduce_sum(x, 1), X),
    "whether an attribute is true": (
        lambda x: tf.reduce_sum(x, 0, keepdims=True), lambda x: tf.reduce_sum(x, 0, keepdims=False), X,
    ),
    "a transposed operand": (
        lambda x: tf.matmul(x, x, transpose_a=True), lambda x: tf.matmul(x, x, transpose_b=True), X,
    ),
    "a slice": (lambda x: x[:, 1:], lambda x: x[:, :2], X),
    "the end of a slice": (lambda x: x[:, 0:1], lambda x: x[:, 0:2], X),
    "a new axis": (lambda x: x[:, None], lambda x: x[None], X),
    "a constant": (lambda x: x * 2.0, lambda x: x * 3.0, X),
    "the sign of zero": (lambda x: x * 0.0, lambda x: x * -0.0, X),
    "a constant's last bit": (lambda x: x * NEAR[0], lambda x: x * NEAR[1], X),
    "a constant's shape": (lambda x: x * np.ones((1, 3), np.float32), lambda x: x * np.ones((2, 3), np.float32), X),
    "a constant's dtype": (lambda x: (x, EagerTensor(np.int32(1))), lambda x: (x, EagerTensor(np.uint32(1))), X),
    "a constant's strides": (lambda x: tf.matmul(x, FULL), lambda x: tf.matmul(x, BROADCAST), X),
    "what is cast to": (lambda x: tf.cast(x, tf.int32), lambda x: tf.cast(x, tf.int64), X),
    "where a gather reads": (lambda x, i: tf.gather(x, i), lambda x, i: tf.gather(x, i, axis=1), X, I),
    "a permutation": (lambda x: tf.transpose(x[None], [0, 2, 1]), lambda x: tf.transpose(x[None], [2, 0, 1]), X),
    "padding": (lambda x: tf.pad(x, [[0, 1], [0, 0]]), lambda x: tf.pad(x, [[1, 0], [0, 0]]), X),
    "which variable": (lambda x: (x + V, V), lambda x: (x + V, W), X),
    "a variable's shape": (lambda x: x + V, lambda x: x + WIDE, X),
    "a variable's dtype": (lambda x: (x, V), lambda x: (x, V64), X),
    "whether a variable's shape may change": (lambda x: x + V, lambda x: x + FREE, X),
    "how a variable is assigned": (assigned((V, "assign", 2.0)), assigned((V, "assign_add", 2.0)), X[0]),
    "which is assigned": (
        assigned((V, "assign", 2.0), (W, "assign", 3.0), (V, "assign_add", 1.0)),
        assigned((V, "assign", 2.0), (W, "assign", 3.0), (W, "assign_add", 1.0)), X[0],
    ),
    "the order of assignments": (
        lambda x: (V.assign(x), V.assign_add(V * x))[1], lambda x: (V.assign_add(V * x), V.assign(x))[1], X[0],
    ),
    "the rounds of a loop": (looped(3, 2.0), looped(4, 2.0), X),
    "what a loop does": (looped(3, 2.0), looped(3, 3.0), X),
    "a branch": (
        lambda x, s: tf.cond(s > 1, lambda: x + 1, lambda: x),
        lambda x, s: tf.cond(s > 1, lambda: x, lambda: x + 1), X, S,
    ),
    "the axis of a softmax": (lambda x: tf.nn.softmax(x, 0), lambda x: tf.nn.softmax(x, 1), X),
    "exclusive": (lambda x: tf.cumsum(x, 1), lambda x: tf.cumsum(x, 1, exclusive=True), X),
    "reverse": (lambda x: tf.cumsum(x, 1), lambda x: tf.cumsum(x, 1, reverse=True), X),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_two_programs_have_two_keys(name):
    one, other, *args = PAIRS[name]
    assert key_of(one, *args) != key_of(other, *args)
    assert key_of(one, *args) == key_of(one, *args) and key_of(other, *args) == key_of(other, *args)


def double(x):
    return tf.nn.relu(x * 2)


def test_what_is_around_a_program_counts(monkeypatch):
    spec = tf.TensorSpec([None, 3])
    keys = [
        key_of(double, X), key_of(double, X, threads=1), key_of(double, tf.cast(X, tf.float64)), key_of(double, X[:1]),
        key_of(double, X, shapes=[(2, 4)]),
        key_of(double, spec, shapes=[(2, 3)]), key_of(double, spec, shapes=[(3, 3)]),
    ]  # fmt: skip
    for what in ("processor", "packages", "sources"):
        with monkeypatch.context() as patch:
            patch.setattr(stored.identity, what, lambda: "another")
            keys.append(key_of(double, X))
    graph = tf.function(double).get_concrete_function(X)._graph
    assert stored.Key(graph, [(2, 3)], 2).text == keys[0]
    graph.cache["bounded"] = True
    keys.append(stored.Key(graph, [(2, 3)], 2).text)
    with monkeypatch.context() as patch:
        patch.setattr(stored, "LARGE", 7)
        keys.append(key_of(double, X))
    assert len(set(keys)) == len(keys)


def test_what_cannot_be_said_is_refused():
    big = np.arange(stored.MOST // 2, dtype=np.float32)
    for function in (
        lambda x: tf.py_function(lambda y: y, [x], tf.float32),
        lambda x: tf.numpy_function(np.sin, [x], tf.float32), lambda x: (tf.print(x), x)[1],
        lambda x: x + big[: len(big) // 3 * 3].reshape(-1, 1, 3),
        lambda x: (tf.constant("text"), x),
    ):  # fmt: skip
        with pytest.raises(stored.Unsayable):
            key_of(function, X)
    key = stored.Key.__new__(stored.Key)
    odd = [float("nan"), complex("nan"), object(), np.array(1), {1: 2}, {1}, np.float32, type("A", (int,), {})()]
    for value in odd:
        with pytest.raises(stored.Unsayable):
            key._said((value,))


def test_values_that_differ_are_said_differently():
    key = stored.Key.__new__(stored.Key)
    values = [
        0, 0.0, -0.0, False, None, ..., "0", "None", b"0", "slice(0, 1, None)", slice(0, 1), slice(None, 1), slice(1),
        (0, 1, None), [0, 1, None], (0,), [0], (), [], ((),), 1, 1.0, True, 1j, np.float32(1), np.float64(1),
        np.int32(1), np.dtype("float32"), np.dtype("float64"), np.dtype(">f4"), tf.float32, tf.float64, tf.bfloat16,
        tf.bfloat16._np,
        "float32", "dtype(<f4 float32)", "DType(float32)", ("slice", (0, 1, None)), float("inf"), "inf", (1, 2),
        "(1, 2)", 2.0000000000000004, 2.0,
    ]  # fmt: skip
    said = [repr(key._said(value)) for value in values]
    repeated = {text for text in said if said.count(text) > 1}
    assert repeated == {"slice((None, 1, None))"}  # which are equal


def test_statements_tell_primitives_apart():
    import tapeflow.nn
    import tapeflow.sparse  # noqa: F401

    for name in ("strings", "linalg", "random", "signal", "image", "math"):
        getattr(tf, name, None)
    said = [repr(stored._statement(prim)) for prim in PRIMITIVES]
    assert len(set(said)) == len(said) > 100


# A second process.

PROGRAM = """
import sys
import numpy as np
import tapeflow as tf

v, w = tf.Variable(tf.ones([300, 300])), tf.Variable(1.0)
table = np.arange(300, dtype=np.float32)
@tf.function
def step(x):
    v.assign_add(tf.matmul(v, v) * 0.0 + x)
    w.assign(w * 2.0)
    half = tf.cast(x[:2], tf.bfloat16) * tf.constant([1.5, 2, 2.5], tf.bfloat16)[1]
    return tf.reduce_sum(tf.sin(v)), w + table[:3], tf.scan(lambda a, b: a + b, x[0, :4]), half
MORE
for n in range(3):
    total, few, sums, half = step(tf.ones([300, 300]))
    assert abs(total.numpy() - 90000 * np.sin(2 + n)) < 1, total
    assert (few.numpy() == np.arange(3) + 2 ** (n + 1)).all(), few
    assert sums.numpy().tolist() == [1, 2, 3, 4]
    assert half.dtype == tf.bfloat16 and (half.numpy() == 2).all()
    assert (v.numpy() == 2 + n).all()
planned = "tapeflow.compiler.code" in sys.modules
"""
AFTER = 'print("planned" if planned else "kept")'


def run(folder, more="", after=AFTER, path=None, **environment):
    environment = {**os.environ, "TAPEFLOW_CACHE_DIR": str(folder), **environment}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    program = PROGRAM.replace("MORE", more) + textwrap.dedent(after)
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm") / "cache"
    assert run(folder) == "planned" and run(folder) == "kept"
    return folder


def test_the_number_of_threads_counts(warm):
    more = "tf.config.threading.set_intra_op_parallelism_threads(5)"
    assert [run(warm, more) for _ in range(2)] == ["planned", "kept"]


def test_another_source_is_another_plan(tmp_path):
    package = tmp_path / "source" / "tapeflow"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(tf.__file__).parent, package, ignore=ignored)
    where = f"assert tf.__file__.startswith({str(tmp_path)!r})"
    found = [run(tmp_path / "cache", where, path=package.parent) for _ in range(2)]
    changed = package / "ops" / "matmul.py"
    changed.write_text(changed.read_text() + "\n")
    found += [run(tmp_path / "cache", where, path=package.parent) for _ in range(2)]
    assert found == ["planned", "kept", "planned", "kept"]


def test_what_changed_after_the_start_keeps_nothing(tmp_path):
    """It may run as it was before."""
    package = tmp_path / "source" / "tapeflow"
    shutil.copytree(Path(tf.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    more = f"import os; os.utime({str(package / 'nn' / '__init__.py')!r})"
    assert run(tmp_path / "cache", more, path=package.parent) == "planned"
    assert not list((tmp_path / "cache").glob("*.plan"))


def test_what_was_kept_can_be_looked_at(warm):
    after = """
        assert not planned
        text = str(step.get_concrete_function(tf.ones([300, 300])))
        assert "compiled for (float32[300,300])" in text and "a native loop" in text and "MatMul" in text, text
        with tf.GradientTape() as tape:
            x = tf.ones([300, 300])
            tape.watch(x)
            y = step(x)[0]
        assert tape.gradient(y, x).shape == x.shape
        print("done")
    """
    assert run(warm, after=after) == "done"


def test_an_array_that_is_not_contiguous(warm):
    after = """
        assert not planned
        x = tf.transpose(tf.constant(np.arange(90000, dtype=np.float32).reshape(300, 300) * 1e-5))
        v._array = np.asfortranarray(v._array)
        before = v.numpy()
        step(x)
        np.testing.assert_allclose(v.numpy(), before + x.numpy())
        print("done")
    """
    assert run(warm, after=after) == "done"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_child_of_a_warm_process(warm):
    after = """
        import os
        assert not planned
        child = os.fork()
        before = v.numpy()[0, 0]
        total = step(tf.ones([300, 300]))[0]
        assert v.numpy()[0, 0] == before + 1
        new = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, x)))(tf.ones([200, 200]))
        assert new.numpy() == 200**3
        if child == 0:
            sys.stdout.flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    assert run(warm, after=after) == "done"


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="only Linux says what is in memory")
def test_no_memory_is_writable_and_executable(warm):
    after = """
        permissions = {line.split()[1] for line in open("/proc/self/maps")}
        assert not any("w" in p and "x" in p for p in permissions), permissions
        print("done")
    """
    assert run(warm, after=after) == "done"


@pytest.mark.skipif(not loader.KNOWN, reason="elsewhere LLVM loads the code")
def test_a_warm_process_has_no_llvm(warm):
    after = """
        from tapeflow.compiler import library
        print(library._loaded.cache_info().currsize, "llvm" in open("/proc/self/maps").read().lower())
    """
    assert run(warm, after=after) == "0 False"


def test_a_plan_whose_code_is_gone(warm, tmp_path):
    for path in sorted(warm.glob("*.o")):
        folder = tmp_path / path.name
        shutil.copytree(warm, folder)
        folder.chmod(0o700)
        (folder / path.name).unlink()
        assert run(folder) in ("planned", "kept") and run(folder) == "kept"
