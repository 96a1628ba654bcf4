"""What is measured, as data. A row is one workload; its goal is a ratio to a peer in the same run.

A figure of one machine says nothing on another, so a goal is kept as (peer, ratio): Tapeflow is to take at
most that share of the peer's time. A mode ("eager", later "function" and its kin) is how a peer runs the row.
"""

from typing import NamedTuple


class Row(NamedTuple):
    id: str
    title: str
    modes: tuple = ("eager",)
    goal: tuple | None = None  # (peer, mode, ratio)
    fresh: bool = False  # each time in a process of its own, by the peer's `first` program
    compare: bool = True  # every peer must come to the same number


ROWS = [
    Row("import", "import and first gradient", goal=("numpy", "eager", 1.6), fresh=True, compare=False),
    Row("scalar", "gradient of scalar x²", goal=("torch", "eager", 10 / 25.8)),
    Row("chain", "750 scalar operations and their gradient", goal=("torch", "eager", 3.5 / 5.06)),
    Row(
        "keras",
        "Keras step: Dense 5 relu, Dense 1, SGD, batch 1",
        goal=("tensorflow", "eager", 1 / 7),
        compare=False,
    ),
    Row("mlp-small", "MLP 784-64-64-10, batch 32, SGD step"),
    Row("mlp-middle", "MLP 784-512-512-10, batch 128, SGD step"),
    Row("mlp-large", "MLP 784-1024-1024-10, batch 256, SGD step"),
]

# (layers, batch) of the MLP rows, the same for every peer
MLP = {
    "mlp-small": ((784, 64, 64, 10), 32),
    "mlp-middle": ((784, 512, 512, 10), 128),
    "mlp-large": ((784, 1024, 1024, 10), 256),
}
MLP_RATE = 0.01


def mlp_data(row):
    """(images, labels, [weights, bias, ...]) of an MLP row as NumPy arrays, the same for every peer."""
    import numpy as np

    layers, batch = MLP[row]
    random = np.random.default_rng(0)
    parameters = []
    for fan_in, fan_out in zip(layers, layers[1:]):
        limit = (6 / (fan_in + fan_out)) ** 0.5
        parameters.append(random.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32))
        parameters.append(np.zeros(fan_out, np.float32))
    images = random.uniform(0, 1, (batch, layers[0])).astype(np.float32)
    labels = random.integers(0, layers[-1], batch).astype(np.int32)
    return images, labels, parameters
