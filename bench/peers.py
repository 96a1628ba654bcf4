"""Whom Tapeflow is measured beside, and where each lives: an environment of its own in bench/.venvs."""

import pathlib
import subprocess
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
TAPE = """
x = tf.Variable(3.0)
with tf.GradientTape() as tape:
    y = x ** 2
assert tape.gradient(y, x).numpy() == 6.0"""


class Peer(NamedTuple):
    title: str
    packages: tuple  # what pip installs into its environment; none: Tapeflow's own environment
    versions: tuple  # the distributions whose versions are reported
    workloads: str | None  # the module under bench.workloads, or None where only the first program is run
    first: str  # import and first gradient
    cache: str | None = None  # the environment variable that says where it keeps compiled code, if it does by default


PEERS = {
    "tapeflow": Peer(
        "Tapeflow",
        (),
        ("tapeflow", "numpy", "llvmlite", "keras"),
        "tapeflow",
        f"import tapeflow as tf{TAPE}",
        "TAPEFLOW_CACHE_DIR",
    ),
    "numpy": Peer("NumPy's import", (), ("numpy",), None, "import numpy"),
    "tensorflow": Peer(
        "TensorFlow",
        ("tensorflow-cpu==2.21.0",),
        ("tensorflow-cpu", "keras", "numpy"),
        "tensorflow",
        f"import tensorflow as tf{TAPE}",
    ),
    "torch": Peer(
        "PyTorch",
        ("torch==2.13.0", "numpy"),
        ("torch",),
        "torch",
        "import torch\nx = torch.tensor(3.0, requires_grad=True)\n(x ** 2).backward()\nassert x.grad == 6.0",
        "TORCHINDUCTOR_CACHE_DIR",
    ),
    "jax": Peer(
        "JAX",
        ("jax", "jaxlib"),
        ("jax", "numpy"),
        "jax",
        "import jax\nassert jax.grad(lambda x: x ** 2)(3.0) == 6.0",
    ),
    "autograd": Peer(
        "autograd",
        ("autograd",),
        ("autograd", "numpy"),
        "autograd",
        "from autograd import grad\nassert grad(lambda x: x ** 2)(3.0) == 6.0",
    ),
    "mlx": Peer(
        "MLX",
        ("mlx[cpu]",) if sys.platform == "linux" else ("mlx",),
        ("mlx",),
        None,
        "import mlx.core as mx\nassert mx.grad(lambda x: x ** 2)(mx.array(3.0)).item() == 6.0",
    ),
}


def python_of(name, say):
    """The interpreter of a peer's environment, which is built first if it is not there."""
    packages = PEERS[name].packages
    if not packages:
        return sys.executable
    folder = HERE / ".venvs" / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = folder / ".ready"
    if not stamp.exists() or stamp.read_text().split() != list(packages):
        say(f"building an environment for {PEERS[name].title}: {' '.join(packages)} (may take minutes)")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages]
        subprocess.run([python, *install], check=True)
        stamp.write_text("\n".join(packages))
    return str(python)
