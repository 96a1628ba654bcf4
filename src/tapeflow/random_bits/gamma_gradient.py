"""How a gamma-distributed sample moves with its concentration, at a fixed position in the distribution.

With P the distribution function and p the density, a sample x with P(a, x) held fixed has dx/da = -(dP/da) /
p. Written over the power series of P below the mean, and over the continued fraction of 1 - P above it, the
factors that could over- or underflow cancel.

Sources: M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", NeurIPS 2018; DLMF 8.7.1,
8.9.2.
"""

import numpy as np

_TERMS = 20000  # as many as a concentration of ten million needs


def gamma_gradient(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/da of gamma samples `x` of concentration `a`, broadcast, in the dtype of `x`.

    0 where x is 0 or infinite; NaN where it is negative, or `a` is not positive.
    """
    dtype = x.dtype
    a, x = np.broadcast_arrays(a, x)
    shape = x.shape
    a, x = a.astype(np.float64).reshape(-1), x.astype(np.float64).reshape(-1)
    out = np.where(((x == 0) | (x == np.inf)) & (a > 0), 0.0, np.nan)
    proper = (x > 0) & (a > 0) & (x < np.inf)
    above = proper & (x > 1) & (x > a)
    below = proper & ~above
    out[below] = _below(a[below], x[below])
    out[above] = _above(a[above], x[above])
    return out.reshape(shape).astype(dtype)


def _below(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    # S = sum of c_n, c_n = x^n / ((a + 1) ... (a + n)), and its derivative -c_n * sum of 1 / (a + k).
    total, slope = np.ones(a.size), np.zeros(a.size)
    term, inverses = np.ones(a.size), np.zeros(a.size)
    rows = np.arange(a.size)
    for n in range(1, _TERMS):
        if not rows.size:
            break
        divisor = a[rows] + n
        term[rows] *= x[rows] / divisor
        inverses[rows] += 1 / divisor
        total[rows] += term[rows]
        change = term[rows] * inverses[rows]
        slope[rows] -= change
        rows = rows[change > 1e-16 * np.abs(slope[rows])]
    return -x / a * (total * (np.log(x) - digamma(a + 1)) + slope)


def _above(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    # 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...))) as h, a product of ratios c *
    # d (Lentz's method), each carried with its derivative by a.
    b = x + 1 - a
    d, dd = 1 / b, 1 / b**2
    c, dc = np.full(a.size, np.inf), np.zeros(a.size)
    h, dh = d.copy(), dd.copy()
    rows = np.arange(a.size)
    for n in range(1, _TERMS):
        if not rows.size:
            break
        numerator = n * (a[rows] - n)
        step = b[rows] + 2 * n
        dr, ddr, cr, dcr = d[rows], dd[rows], c[rows], dc[rows]
        bottom = step + numerator * dr
        slope = -1 + n * dr + numerator * ddr
        dr, ddr = 1 / bottom, -slope / bottom**2
        dcr = -1 + n / cr - numerator * dcr / cr**2
        cr = step + numerator / cr
        ratio, change = cr * dr, dcr * dr + cr * ddr
        dh[rows] = dh[rows] * ratio + h[rows] * change
        h[rows] *= ratio
        d[rows], dd[rows], c[rows], dc[rows] = dr, ddr, cr, dcr
        rows = rows[(np.abs(ratio - 1) > 1e-15) | (np.abs(h[rows] * change) > 1e-15 * np.abs(dh[rows]))]
    return x * (h * (np.log(x) - digamma(a)) + dh)


def digamma(x: np.ndarray) -> np.ndarray:
    """The logarithmic derivative of the gamma function for positive float64 `x` (DLMF 5.5.2, 5.11.2)."""
    x = x.copy()
    out = np.zeros(x.size)
    for _ in range(8):
        small = x < 8
        out[small] -= 1 / x[small]
        x[small] += 1
    s = 1 / (x * x)
    tail = s * (
        1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))
    )
    return out + np.log(x) - 0.5 / x - tail
