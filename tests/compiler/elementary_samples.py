"""Where the elementary functions are measured: doubles that are the same on every machine."""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("elementary.npz")  # the exact values, which elementary_record.py writes
COUNT = 500  # of each range
GOLDEN = 0.6180339887498949
EVERY = ("spread", 5e-324, 1.7e308)
BOTH = [EVERY, ("spread", -5e-324, -1.7e308)]

# "even": evenly from low to high; "spread": evenly by the bits, so about evenly by the logarithm.
RANGES = {
    "exp": [("even", -745.2, 709.7), ("even", -2, 2), ("spread", 1e-18, 700)],
    "expm1": [("even", -50, 709.7), ("even", -2, 2), ("spread", 5e-324, 1), ("spread", -1e-18, -1)],
    "log": [EVERY, ("even", 0.5, 2), ("even", 0.999, 1.001)],
    "log1p": [("spread", 5e-324, 1.7e308), ("even", -0.9999, 3), ("spread", -5e-324, -0.5)],
    "sin": [*BOTH, ("even", -10, 10), ("spread", 1, 1e16)],
    "cos": [*BOTH, ("even", -10, 10), ("spread", 1, 1e16)],
    "tan": [*BOTH, ("even", -10, 10), ("spread", 1, 1e16)],
    "asin": [("even", -1, 1), ("spread", 5e-324, 1), ("even", 0.999, 1)],
    "acos": [("even", -1, 1), ("spread", 1e-20, 1), ("even", 0.999, 1)],
    "atan": [*BOTH, ("even", -5, 5)],
    "sinh": [("even", -710.4, 710.4), ("even", -2, 2), ("spread", 5e-324, 1)],
    "cosh": [("even", -710.4, 710.4), ("even", -2, 2)],
    "tanh": [("even", -22, 22), ("even", -1, 1), ("spread", 5e-324, 1)],
    "asinh": [*BOTH, ("even", -3, 3)],
    "acosh": [("spread", 1, 1.7e308), ("even", 1, 3), ("even", 1, 1.001)],
    "atanh": [("even", -1, 1), ("spread", 5e-324, 1), ("even", 0.999, 1)],
    "sigmoid": [("even", -745, 40), ("even", -5, 5)],
    "softplus": [("even", -745, 40), ("even", -5, 5), ("spread", 1, 1.7e308)],
    "erf": [("even", -6, 6), ("spread", 5e-324, 1)],
    "erfc": [("even", -6, 27.2), ("even", -1, 1), ("spread", 1e-20, 1)],
    "erfinv": [("even", -1, 1), ("spread", 5e-324, 1), ("even", 0.9999, 1)],
    "lgamma": [("spread", 5e-324, 2e305), ("even", 0, 12), ("even", 12, 200)],
    "digamma": [("spread", 1e-300, 1.7e308), ("even", 0, 12), ("even", 1.4, 1.5)],
    "pow": [
        (("even", 0.5, 2), ("even", -700, 700)),
        (EVERY, ("even", -1, 1)),
        (("spread", 1e-20, 1e20), ("even", -15, 15)),
        (("even", 0.9999, 1.0001), ("even", -5e5, 5e5)),
    ],
    "atan2": [
        (("even", -1, 1), ("even", -1, 1)),
        (("spread", -1e-300, -1e300), ("spread", 1e-300, 1e300)),
        (("spread", 5e-324, 1e-300), ("even", -1e-305, 1e-305)),
    ],
}

# Between the poles there are zeros, near which only the absolute error is small.
BELOW_ZERO = {
    "lgamma": [("even", -12, 0), ("even", -150, -12)],
    "digamma": [("even", -12, 0), ("even", -150, -12), ("spread", -1e-300, -1)],
}


def sample(how, low, high, step):
    parts = np.arange(1, COUNT + 1) * step % 1
    if how == "even":
        return low + (high - low) * parts
    low, high = (int(np.float64(end).view(np.int64)) for end in (low, high))
    return np.array([low + int(part * 2**40) * (high - low) // 2**40 for part in parts], np.int64).view(np.float64)


def arguments(name, table=RANGES):
    """The arrays of a function's arguments."""
    ranges = [r if isinstance(r[0], tuple) else (r,) for r in table[name]]
    steps = (GOLDEN, 0.7548776662466927)  # a low-discrepancy sequence in one dimension, and in the next
    return [np.concatenate([sample(*r[k], steps[k]) for r in ranges]) for k in range(len(ranges[0]))]
