"""Where the names of `tapeflow` come from, and what `import tapeflow` loads."""

import importlib
import subprocess
import sys

import pytest

import tapeflow


@pytest.mark.parametrize("name", sorted(tapeflow._HOME))
def test_home(name):
    module = importlib.import_module(f"tapeflow.{tapeflow._HOME[name]}")
    found = getattr(tapeflow, name)
    assert found is getattr(module, name)
    assert getattr(found, "__module__", module.__name__) == module.__name__, "the table leads to another module"


@pytest.mark.parametrize("name", sorted(tapeflow._NAMESPACES))
def test_namespace(name):
    module = getattr(tapeflow, name)
    assert module is importlib.import_module(f"tapeflow.{name}")
    for public in getattr(module, "__all__", ()):
        getattr(module, public)


def test_dir_lists_what_is_not_loaded_yet():
    assert {"sin", "keras", "math", "optimizers", "newaxis"} <= set(dir(tapeflow))
    assert not [name for name in tapeflow.__all__ if not hasattr(tapeflow, name)]


def test_versions():
    assert tapeflow.__version__ == tapeflow.version.VERSION == "2.21.0"
    assert tapeflow.version.TAPEFLOW_VERSION


def test_an_absent_name():
    with pytest.raises(AttributeError, match="module 'tapeflow' has no attribute 'absent'"):
        tapeflow.absent  # noqa: B018


def test_a_first_gradient_loads_little():
    code = (
        "import sys, numpy; before = set(sys.modules)\n"
        "import tapeflow as tf\n"
        "x = tf.Variable(3.0)\n"
        "with tf.GradientTape() as tape: y = x ** 2\n"
        "assert tape.gradient(y, x).numpy() == 6.0\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "['ml_dtypes', 'tapeflow', 'threading']\n", done.stdout + done.stderr


def test_numpys_warnings_are_not_shown():
    code = (
        "import warnings, tapeflow as tf\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    tf.constant([1.0]) / 0.0; tf.math.log(-1.0); tf.exp(1000.0); tf.constant(1e300, tf.float64) * 1e300\n"
        "assert not seen, seen"
    )
    assert subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True).returncode == 0
