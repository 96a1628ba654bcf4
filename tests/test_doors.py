"""The doors: `import tapeflow`, `python -m tapeflow`, `tapeflow.install()`; each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

SQUARE = """
import {module} as tf
x = tf.Variable(3.0)
with tf.GradientTape() as tape:
    y = x ** 2
print(tape.gradient(y, x).numpy())
"""

TWO_SOURCES = """
import {module} as tf
x, y = tf.Variable(3.0), tf.Variable(2.0)
with tf.GradientTape() as tape:
    z = x * y + tf.square(y)
for gradient in tape.gradient(z, [x, y]):
    print(gradient.numpy())
"""

KERAS = """
import {module} as tf
model = tf.keras.Sequential([tf.keras.layers.Dense(5, activation='relu'), tf.keras.layers.Dense(1)])
inputs, targets = tf.random.normal([32, 10]), tf.random.normal([32, 1])
optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)
loss_of = tf.keras.losses.MeanSquaredError()

def train_step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = loss_of(targets, model(inputs, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss.numpy()

for _ in range(20):
    print(train_step(inputs, targets))
"""


def python(*arguments, cwd=None, **options):
    """Runs this Python with the given arguments and nothing to read; returns what it did."""
    command = [sys.executable, *arguments]
    options = {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, **options)


def output(*arguments, **options):
    done = python(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_program(door, text, folder):
    """What a program prints, entered by one of the doors."""
    if door == "import tapeflow":
        return output("-c", text.format(module="tapeflow"), cwd=folder)
    text = text.format(module="tensorflow")
    (folder / "program.py").write_text(text)
    arguments = {
        "script": ["-m", "tapeflow", "program.py"],
        "module": ["-m", "tapeflow", "-m", "program"],
        "code": ["-m", "tapeflow", "-c", text],
        "install": ["-c", "import tapeflow; tapeflow.install(); import program"],
    }
    return output(*arguments[door], cwd=folder)


DOORS = pytest.mark.parametrize("door", ["import tapeflow", "script", "module", "code", "install"])


@DOORS
def test_square(door, tmp_path):
    assert run_program(door, SQUARE, tmp_path) == "6.0\n"


@DOORS
def test_two_sources(door, tmp_path):
    assert run_program(door, TWO_SOURCES, tmp_path) == "2.0\n7.0\n"


@DOORS
def test_keras_training_loop(door, tmp_path):
    losses = [float(line) for line in run_program(door, KERAS, tmp_path).split()]
    assert len(losses) == 20
    assert losses[-1] < 0.95 * losses[0]


# What a program sees of its own start: the same as under Python itself

ABOUT = """
import os, sys
print([os.path.basename(argument) for argument in sys.argv])
print(os.path.realpath(sys.path[0] or os.curdir))
print(__name__, sys.modules["__main__"].__dict__ is globals(), globals().get("__file__"))
print(__spec__ and __spec__.name, __doc__)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["inner/about.py", "a", "-b", "--help"],
        ["-m", "inner.about", "a", "-c"],
        ["-m", "inner", "a"],
        ["inner", "a"],
        ["-c", ABOUT, "a", "-m"],
    ],
    ids=["script", "module", "package", "folder", "code"],
)
def test_starts_as_python_starts(arguments, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("about.py", "__main__.py"):
        (inner / name).write_text(ABOUT)
    assert output("-m", "tapeflow", *arguments, cwd=tmp_path) == output(*arguments, cwd=tmp_path)


def test_standard_input_as_program():
    done = python("-m", "tapeflow", "-", "a", stdin=None, input="import sys, tensorflow\nprint(sys.argv)")
    assert (done.stdout, done.returncode) == ("['-', 'a']\n", 0), done.stderr


def test_exit_status_and_traceback_are_the_programs(tmp_path):
    (tmp_path / "fails.py").write_text("def f():\n    raise KeyError('mine')\nf()\n")
    (tmp_path / "broken.py").write_text("x = = 1\n")
    for program in ("fails.py", "broken.py"):
        ours, theirs = (python(*door, program, cwd=tmp_path) for door in (["-m", "tapeflow"], []))
        assert ours.stderr == theirs.stderr != ""
        assert ours.returncode == theirs.returncode == 1
    assert python("-m", "tapeflow", "-c", "raise SystemExit(7)").returncode == 7


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["absent.py"], 2, "can't open file"),
        (["-m", "absent"], 1, "No module named absent"),
        (["-m"], 2, "argument expected for the -m option"),
        (["--absent"], 2, "unknown option --absent"),
    ],
)
def test_what_cannot_be_run(arguments, status, message, tmp_path):
    done = python("-m", "tapeflow", *arguments, cwd=tmp_path)
    assert done.returncode == status
    assert done.stderr.startswith(f"tapeflow: {message}")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help(arguments):
    text = output("-m", "tapeflow", *arguments)
    assert text.startswith("usage: tapeflow script.py")
    assert len(text.splitlines()) < 15


# What a name under `tensorflow` is

SAME = """
import tapeflow
tapeflow.install()
tapeflow.install()
import sys
from pathlib import Path
import tensorflow as tf
import tensorflow.math
import tensorflow.nn as nn
from tensorflow.linalg import matmul
from tensorflow import random
import tensorflow.random.experimental
assert tf is tapeflow is tensorflow
assert tensorflow.math is tapeflow.math is sys.modules["tensorflow.math"]
assert nn is tapeflow.nn and random is tapeflow.random and matmul is tapeflow.linalg.matmul
assert tf.__name__ == "tapeflow" and tf.math.__name__ == tf.math.__spec__.name == "tapeflow.math"
assert "keras" not in sys.modules
"""

SAME_KERAS = """
import tapeflow
tapeflow.install()
import sys
from pathlib import Path
import tensorflow as tf
import tensorflow.keras.layers
from tensorflow import keras as by_name
from tensorflow.keras import Model, layers
from tensorflow.keras.layers import Dense
from tensorflow.keras.utils import to_categorical
import tensorflow.keras.datasets.mnist
import keras
assert by_name is tf.keras is tapeflow.keras is sys.modules["tensorflow.keras"]
assert layers is tf.keras.layers is tensorflow.keras.layers
assert Dense is keras.layers.Dense and Model is keras.Model and to_categorical is keras.utils.to_categorical
assert keras.backend.backend() == "tensorflow"
"""


@pytest.mark.parametrize("code", [SAME, SAME_KERAS], ids=["tensorflow", "keras"])
def test_one_module_by_every_name(code):
    assert output("-c", code) == ""


@pytest.mark.parametrize("first", ["import tapeflow.keras", "from tapeflow.keras import layers"])
def test_keras_is_importable_under_tapeflow(first):
    assert output("-c", f"{first}\nimport tapeflow as tf\nprint(tf.keras.layers.Dense(2).units)") == "2\n"


@pytest.mark.parametrize("name", ["tensorflow.absent", "tensorflow.math.absent", "tensorflow.keras.absent"])
def test_no_module_of_that_name(name):
    done = python("-m", "tapeflow", "-c", f"import {name}")
    assert f"ModuleNotFoundError: No module named '{name}'" in done.stderr


def test_other_packages_keep_their_names():
    done = python("-m", "tapeflow", "-c", "import tensorflow_absent")
    assert "ModuleNotFoundError: No module named 'tensorflow_absent'" in done.stderr


def test_real_tensorflow_already_loaded():
    code = """
import sys, types
real = types.ModuleType("tensorflow")
real.__version__ = "2.21.0"
sys.modules["tensorflow"] = real
import tapeflow as tf
before = list(sys.meta_path)
try:
    tf.install()
except ImportError as error:
    print(error)
assert sys.meta_path == before and sys.modules["tensorflow"] is real
print(float(tf.square(3.0)))
"""
    message, _, value = output("-c", code).strip().rpartition("\n")
    for part in ("real TensorFlow (2.21.0", "already loaded", "tapeflow.install()"):
        assert part in message
    assert value == "9.0"


@pytest.mark.parametrize(
    "code",
    [
        "import tapeflow",
        "import tapeflow; tapeflow.install(); import tensorflow",
        SQUARE.format(module="tapeflow"),
    ],
    ids=["import", "install", "first gradient"],
)
def test_import_is_light(code):
    heavy = "{'scipy', 'llvmlite', 'keras', 'malt', 'pandas', 'tensorflow.keras'}"
    assert output("-c", f"{code}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))").endswith("[]\n")


@pytest.mark.parametrize("script", ["core/asked", "keras_bridge", "oracle", "random"])
def test_nothing_is_recorded_from_tapeflow_itself(script):
    path = Path(__file__).parent / script / "record.py"
    done = subprocess.run([sys.executable, "-m", "tapeflow", str(path)], capture_output=True, text=True)
    assert done.returncode
    assert "stands for Tapeflow" in done.stderr
