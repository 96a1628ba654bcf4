"""Record the exact values of the elementary functions at elementary_samples.py's doubles, by mpmath.

    pip install mpmath; PYTHONPATH=tests python -m compiler.elementary_record

Each value is a double and, in ulps of it, what it is less than the exact value.
"""

import mpmath
import numpy as np

from compiler.elementary_samples import BELOW_ZERO, FILE, RANGES, arguments

mpmath.mp.dps = 60


def erfinv(x):
    """By Halley's iteration on erfc, which is accurate near 1."""
    size, one = abs(x), mpmath.mpf(1)
    if size < 0.5:
        return mpmath.erfinv(x) if size > 1e-20 else x * mpmath.sqrt(mpmath.pi) / 2
    rest = one - size
    y = mpmath.sqrt(-mpmath.log(rest * (one + size))) * 0.95
    for _ in range(100):
        step = (mpmath.erfc(y) - rest) / (-2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-y * y))
        step /= 1 + y * step
        y -= step
        if abs(step) < mpmath.mpf(10) ** -55:
            break
    return mpmath.sign(x) * y


def digamma(x):
    return mpmath.digamma(x) if abs(x) > 1e-20 else -1 / x - mpmath.euler


OWN = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)) if x < 200 else x,
    "erfinv": erfinv,
    "lgamma": lambda x: mpmath.loggamma(x).real if x > 1e-20 or x < 0 else -mpmath.log(x) - mpmath.euler * x,
    "digamma": digamma,
    "pow": mpmath.power,
}


def main():
    recorded = {}
    for suffix, table in (("", RANGES), (" below 0", BELOW_ZERO)):
        for name in table:
            function = OWN.get(name) or getattr(mpmath, name)
            exact = [mpmath.mpf(function(*map(mpmath.mpf, map(float, x)))) for x in zip(*arguments(name, table))]
            values = np.array([float(value) for value in exact])
            ulp = np.spacing(np.abs(values))
            rest = [float((e - mpmath.mpf(float(v))) / mpmath.mpf(float(u))) for e, v, u in zip(exact, values, ulp)]
            recorded[name + suffix], recorded[f"{name}{suffix} rest"] = values, np.array(rest, np.float16)
            print(name + suffix, len(values), flush=True)
    np.savez_compressed(FILE, **recorded)


if __name__ == "__main__":
    main()
