"""The module name `tensorflow`, made to stand for Tapeflow: `tapeflow.install()`.

A finder ahead of Python's own answers for `tensorflow` and everything beneath it. It makes no module: each
name resolves to the very module object that Tapeflow or Keras already has, so nothing is imported twice and
`isinstance` means the same whichever way a name was reached. Which name stands for which is data, below.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec

# Everything beneath a package: tensorflow.math is tapeflow.math; tensorflow.keras.layers is, by way of
# tapeflow.keras.layers, what TensorFlow itself means by tf.keras.layers.
BENEATH = {
    "tensorflow": "tapeflow",
    "tapeflow.keras": "keras._tf_keras.keras",
}

# Single modules, by their whole names; a parent that nothing stands for is an empty package.
MODULES = {
    "tensorflow": "tapeflow",
    # What Keras's TensorFlow backend imports from inside of TensorFlow.
    "tensorflow.compiler.tf2xla.python.xla": "tapeflow.keras_bridge.xla",
    "tensorflow.python.eager.context": "tapeflow.keras_bridge.context",
    "tensorflow.python.framework.config": "tapeflow.keras_bridge.config",
    "tensorflow.python.ops.linalg.sparse.sparse_csr_matrix_ops": "tapeflow.keras_bridge.sparse_csr_matrix_ops",
    "tensorflow.python.ops.math_ops": "tapeflow.keras_bridge.math_ops",
    "tensorflow.python.trackable.data_structures": "tapeflow.keras_bridge.data_structures",
}


def install():
    """Makes `import tensorflow` mean Tapeflow, sub-modules included, for the rest of the process.

    Once is enough; another call changes nothing.

    Raises:
      ImportError: the real TensorFlow is already loaded in this process.

    >>> import tapeflow
    >>> tapeflow.install()
    >>> import tensorflow as tf
    >>> tf is tapeflow
    True
    """
    present = sys.modules.get("tensorflow")
    if present is not None and present is not sys.modules["tapeflow"]:
        version = getattr(present, "__version__", "of unknown version")
        where = getattr(present, "__file__", None) or "a module without a file"
        raise ImportError(
            f"The real TensorFlow ({version}, {where}) is already loaded in this process, and Tapeflow "
            "cannot take its name now: the two would mix. Call tapeflow.install() before anything imports "
            "tensorflow, or start the program with `python -m tapeflow`."
        )
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)


def stands_for(name):
    """The full name of the module that `name` stands for, or None where it stands for itself."""
    if name in MODULES:
        return MODULES[name]
    package = name
    while "." in package:
        package = package.rpartition(".")[0]
        if package in BENEATH:
            return BENEATH[package] + name[len(package) :]
    return None


def find(name):
    """The module called `name`, imported if need be, or None where there is none.

    A name may also be a module that is only an attribute of its parent.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; something that it needs is not
    parent, _, child = name.rpartition(".")
    found = getattr(sys.modules.get(parent), child, None)
    return found if isinstance(found, type(sys)) else None


class Finder:
    """Finds and loads, for Python's import machinery, what stands behind an aliased name."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        real = stands_for(name)
        if real is not None and (module := find(real)) is not None:
            return ModuleSpec(name, Finder, loader_state=module)
        if any(known.startswith(f"{name}.") for known in MODULES):
            return ModuleSpec(name, Finder, is_package=True)
        return None

    @staticmethod
    def create_module(spec):
        module = spec.loader_state
        if module is not None:
            spec.loader_state = (module, module.__spec__)
        return module

    @staticmethod
    def exec_module(module):
        state = module.__spec__.loader_state
        if state is not None:  # Python has just put the alias's spec on a module that has its own
            module.__spec__ = state[1]
