"""What is measured, as data. A row is one workload in some modes; its goal is a ratio within the same run.

A figure of one machine says nothing on another, so a goal is kept as a share: Tapeflow is to take at most that
share of the time of one peer, or of whichever peer and mode was quickest. A mode is how a peer runs the row.
"""

from typing import NamedTuple

EAGER = ("eager",)
COMPILED = ("function", "xla", "compile", "jit")  # tf.function, the same with XLA, torch.compile, jax.jit
MODES = EAGER + COMPILED


class Goal(NamedTuple):
    share: float
    of: tuple | None = None  # (peer, mode); None: the best peer of the row, whatever its mode


class Row(NamedTuple):
    id: str
    title: str
    modes: tuple = EAGER
    goal: Goal | None = None
    workload: str | None = None  # what bench.workloads calls it, if not by the row's id
    fresh: bool = False  # each time in a process of its own, by the peer's `first` program
    compare: bool = True  # every peer must come to the same numbers

    @property
    def work(self):
        return self.workload or self.id

    @property
    def ours(self):
        """The mode of Tapeflow's that the goal is about."""
        return "function" if "function" in self.modes else "eager"


CHAIN = "750 scalar operations and their gradient"
KERAS = "Keras step: Dense 5 relu, Dense 1, SGD, batch 1"
ROWS = [
    Row("import", "import and first gradient", goal=Goal(1.6, ("numpy", "eager")), fresh=True, compare=False),
    Row("scalar", "gradient of scalar x²", goal=Goal(10 / 25.8, ("torch", "eager"))),
    Row("scalar-compiled", "gradient of scalar x², compiled", COMPILED, Goal(0.5), "scalar"),
    Row("chain", CHAIN, goal=Goal(3.5 / 5.06, ("torch", "eager"))),
    Row("chain-compiled", f"{CHAIN}, compiled", COMPILED, Goal(0.6), "chain"),
    Row("mlp-small", "MLP 784-64-64-10, batch 32, SGD step", MODES, Goal(0.35)),
    Row("mlp-middle", "MLP 784-512-512-10, batch 128, SGD step", MODES, Goal(0.7)),
    Row("mlp-large", "MLP 784-1024-1024-10, batch 256, SGD step", MODES, Goal(0.85)),
    Row("elementwise", "elementwise value and gradient, 1M float32", MODES, Goal(0.25)),
    Row("hessian", "Hessian of Rosenbrock, 100 variables", MODES, Goal(0.5)),
    Row("keras", KERAS, goal=Goal(1 / 7, ("tensorflow", "eager"))),
    Row("keras-compiled", f"{KERAS}, compiled", COMPILED, Goal(0.5, ("jax", "jit")), "keras"),
]

# Goals of a row's first call: (row, Tapeflow's column, share, of a column or of one second)
SECOND = "a second"
FIRST_GOALS = [
    ("mlp-middle", ("tapeflow", "function"), Goal(1, SECOND)),
    ("mlp-middle", ("tapeflow", "function"), Goal(1, ("jax", "jit"))),
    ("mlp-middle", ("tapeflow", "function warm"), Goal(0.1, ("tapeflow", "function"))),
]

# (layers, batch) of the MLP rows, the same for every peer
MLP = {
    "mlp-small": ((784, 64, 64, 10), 32),
    "mlp-middle": ((784, 512, 512, 10), 128),
    "mlp-large": ((784, 1024, 1024, 10), 256),
}
RATE = 0.01  # of every SGD step
CHAIN_STEPS = 250  # of three operations each


def weights(random, layers):
    """[weights, bias, ...] of dense layers, as NumPy arrays."""
    import numpy as np

    parameters = []
    for fan_in, fan_out in zip(layers, layers[1:]):
        limit = (6 / (fan_in + fan_out)) ** 0.5
        parameters.append(random.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32))
        parameters.append(np.zeros(fan_out, np.float32))
    return parameters


def mlp_data(row):
    """(images, labels, [weights, bias, ...]) of an MLP row as NumPy arrays, the same for every peer."""
    import numpy as np

    layers, batch = MLP[row]
    random = np.random.default_rng(0)
    parameters = weights(random, layers)
    images = random.uniform(0, 1, (batch, layers[0])).astype(np.float32)
    labels = random.integers(0, layers[-1], batch).astype(np.int32)
    return images, labels, parameters


def keras_data():
    """(inputs, targets, [weights, bias, ...]) of the Keras row."""
    import numpy as np

    random = np.random.default_rng(0)
    parameters = weights(random, (10, 5, 1))
    inputs, targets = random.normal(size=(1, 10)), random.normal(size=(1, 1))
    return inputs.astype(np.float32), targets.astype(np.float32), parameters


def elementwise_data():
    """A million float32."""
    import numpy as np

    return np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)


def hessian_data():
    """Where Rosenbrock's function is differentiated: 100 float32."""
    import numpy as np

    return np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
