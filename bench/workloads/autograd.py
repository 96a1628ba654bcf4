"""autograd's workloads."""

import autograd.numpy as np
from autograd import grad, value_and_grad

from bench.rows import CHAIN_STEPS


def scalar():
    gradient = grad(lambda x: x**2)
    return lambda: gradient(3.0)


def chain():
    def steps(y):
        for _ in range(CHAIN_STEPS):
            y = np.sin(y) * 1.01 + 0.1
        return y

    both = value_and_grad(steps)
    return lambda: both(3.0)


WORKLOADS = {("scalar", "eager"): scalar, ("chain", "eager"): chain}
