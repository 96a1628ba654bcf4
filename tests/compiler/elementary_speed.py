"""Nanoseconds an element of each function over a million numbers, on one thread, beside NumPy's or SciPy's.

    PYTHONPATH=src:tests python -m compiler.elementary_speed
"""

import time

import numpy as np

from compiler.elementary_loops import ARITY, TYPES, compiled
from compiler.test_elementary import reference
from tapeflow.compiler import jit
from tapeflow.compiler.elementary import FUNCTIONS

COUNT = 10**6
POSITIVE = ("log", "pow", "lgamma", "digamma")
WITHIN_ONE = ("asin", "acos", "atanh", "erfinv")


def numbers(name, type, seed):
    x = np.random.default_rng(seed).normal(size=COUNT) * 2
    if name in POSITIVE:
        x = np.abs(x)
    if name in WITHIN_ONE:
        x = np.tanh(x)
    if name == "acosh":
        x = 1 + np.abs(x)
    return x.astype(TYPES[type])


def fastest(function, arguments, times):
    best = np.inf
    for _ in range(times):
        start = time.perf_counter()
        function(*arguments)
        best = min(best, time.perf_counter() - start)
    return best / COUNT * 1e9


def main():
    wide = jit.vector_bits() == 512
    print(f"{'':9s} {'float':>7s} {'NumPy':>7s} {'double':>7s} {'NumPy':>7s}")
    for name in FUNCTIONS:
        row = []
        for type in TYPES:
            x = [numbers(name, type, seed) for seed in range(ARITY.get(name, 1))]
            row += [fastest(compiled(name, type, wide), x, 9), fastest(reference(name), x, 3)]
        print(f"{name:9s} " + " ".join(f"{t:7.2f}" for t in row), flush=True)


if __name__ == "__main__":
    main()
