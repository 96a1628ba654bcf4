"""How Keras is loaded, each time in a process of its own."""

import os
import subprocess
import sys

import pytest

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**ENVIRONMENT, **environment}
    )


@pytest.mark.parametrize("backend", [None, "jax", "torch"])
def test_only_this_process_is_told_the_backend(backend):
    code = (
        "import os, tapeflow as tf\n"
        "print(tf.keras.backend.backend(), os.environ.get('KERAS_BACKEND'))"
    )
    done = python(code, **({} if backend is None else {"KERAS_BACKEND": backend}))
    assert done.stdout == f"tensorflow {backend}\n", done.stderr


def test_keras_on_another_backend_is_an_error():
    code = (
        "import sys, types\nkeras = types.ModuleType('keras')\n"
        "keras.config = types.SimpleNamespace(backend=lambda: 'jax')\nsys.modules['keras'] = keras\n"
        "import tapeflow as tf\ntf.keras"
    )
    done = python(code)
    assert "ImportError: Keras is already loaded on its 'jax' backend" in done.stderr
    assert "KERAS_BACKEND=tensorflow" in done.stderr


def test_the_real_tensorflow_is_an_error():
    code = "import sys, types\nsys.modules['tensorflow'] = types.ModuleType('tensorflow')\n"
    done = python(code + "import tapeflow as tf\ntf.keras")
    assert "ImportError: The real TensorFlow" in done.stderr


def test_keras_may_come_first():
    code = (
        "import tapeflow\ntapeflow.install()\nimport keras\n"
        "inputs = keras.Input((4,))\n"
        "outputs = keras.layers.Lambda(lambda x: x[:, :2] * 2)(inputs)\n"
        "print(outputs.shape, tapeflow.keras.layers is not None)"
    )
    done = python(code, KERAS_BACKEND="tensorflow")
    assert done.stdout == "(None, 2) True\n", done.stderr


@pytest.mark.parametrize("code", ["import tapeflow.keras as k", "from tapeflow import keras as k"])
def test_keras_can_be_imported_from_here(code):
    done = python(code + "\nimport tapeflow as tf\nprint(k is tf.keras, k.layers.Dense(2).units)")
    assert done.stdout == "True 2\n", done.stderr


def test_the_name_keras_is_not_loaded_before_it_is_touched():
    done = python("import sys, tapeflow as tf\ntf.constant(1.0)\nprint('keras' in sys.modules)")
    assert done.stdout == "False\n"


def test_aliases_of_keras():
    done = python("import tapeflow as tf\nprint(tf.optimizers is tf.keras.optimizers, tf.losses is tf.keras.losses)")
    assert done.stdout == "True True\n", done.stderr
