"""Special functions: gamma, beta and zeta functions, the error function and its kin, Bessel functions.

Values are SciPy's, loaded at the first use. Derivatives are the Digital Library of Mathematical Functions'
(https://dlmf.nist.gov), named by section below.
"""

from math import comb, factorial, pi, sqrt

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.engine.dispatch import apply, binary, bracketed, is_tensor, mismatch, unary
from tapeflow.engine.dtypes import FLOAT, LOW, low_precision
from tapeflow.engine.primitive import elementwise
from tapeflow.ops.elementwise import exp, invalid_argument, log, sign, square, xlog1py, xlogy
from tapeflow.ops.kernels import absent

F32_64 = FLOAT[2:]


def _from_scipy(name):
    def kernel(*arrays):
        from scipy import special

        return getattr(special, name)(*arrays).astype(arrays[0].dtype, copy=False)

    return kernel


def _polygamma(a, x):
    """The polygamma function by Hurwitz's zeta function, 25.11.12; NaN for an order that is not whole."""
    from scipy import special

    a, x = a.astype(np.float64), x.astype(np.float64)
    with np.errstate(all="ignore"):
        high = np.where(a % 2 == 0, -1.0, 1.0) * special.gamma(a + 1) * _zeta(a + 1, x)
    high = np.where((a < 0) | (a != np.floor(a)), np.nan, high)
    return np.where(a == 0, _digamma(x), high)


def _rounded_to_operand(kernel):
    return lambda a, *others: kernel(a, *others).astype(a.dtype)


def _lgamma(x):
    from scipy import special

    out = np.where(x == -np.inf, x.dtype.type(np.inf), special.gammaln(x))
    return np.where(np.abs(x) < 1e-300, -np.log(np.abs(x)), out)  # where SciPy's overflows


def _digamma(x):
    from scipy import special

    return np.where(x == 0, x.dtype.type(np.nan), special.psi(x))


def _zeta(a, b):
    """SciPy's for a > 1, with poles at the whole numbers up to 0: infinite for even a, else NaN."""
    from scipy import special

    a, b = np.broadcast_arrays(a, b)
    pole = (b <= 0) & (b == np.floor(b))
    out = np.where(pole, np.where((a % 2 == 0) | (a == np.inf), np.inf, np.nan), special.zeta(a, b))
    out = np.where((a == np.inf) & (b > 1), 0, out)
    out = np.where((a < 1) | np.isnan(a) | np.isnan(b), np.nan, out)
    return np.where(a == 1, np.inf, out).astype(a.dtype)


def _incomplete_gamma(name, at_zero):
    def kernel(a, x):
        from scipy import special

        out = getattr(special, name)(a, x)
        out = np.where((a == np.inf) & (x == np.inf), 0, out)
        out = np.where(a > 0, out, np.nan)
        if at_zero is not None:
            out = np.where(x == 0, at_zero, out)
        return out.astype(a.dtype)

    return kernel


def _betainc(a, b, x):
    from scipy import special

    return np.where((a > 0) & (b > 0), special.betainc(a, b, x), np.nan).astype(a.dtype)


LGAMMA = elementwise("Lgamma", _lgamma, FLOAT, lambda x: digamma(x))
DIGAMMA = elementwise("Digamma", _digamma, FLOAT, lambda x: _trigamma(x))
POLYGAMMA = elementwise(
    "Polygamma", _rounded_to_operand(_polygamma), F32_64, None, lambda a, b: polygamma(a + 1, b)
)
ZETA = elementwise("Zeta", _zeta, F32_64, None, lambda a, b: _zeta_by_q(a, b))
ERF = elementwise("Erf", _from_scipy("erf"), FLOAT, lambda x: 2 / sqrt(pi) * exp(-square(x)))  # 7.2.1
ERFC = elementwise("Erfc", _from_scipy("erfc"), FLOAT, lambda x: -2 / sqrt(pi) * exp(-square(x)))
ERFINV = elementwise("Erfinv", _from_scipy("erfinv"), FLOAT, lambda y: sqrt(pi) / 2 * exp(square(y)))
NDTRI = elementwise("Ndtri", _from_scipy("ndtri"), FLOAT, lambda y: sqrt(2 * pi) * exp(0.5 * square(y)))
# 10.29.3 and 10.29.4; those with an e are scaled by exp(-|x|).
BESSEL_I0 = elementwise("BesselI0", _from_scipy("i0"), FLOAT, lambda x: bessel_i1(x))
BESSEL_I0E = elementwise("BesselI0e", _from_scipy("i0e"), FLOAT, lambda x, y: bessel_i1e(x) - sign(x) * y)
BESSEL_I1 = elementwise("BesselI1", _from_scipy("i1"), FLOAT, lambda x, y: bessel_i0(x) - _over(y, x))
BESSEL_I1E = elementwise(
    "BesselI1e", _from_scipy("i1e"), FLOAT, lambda x, y: bessel_i0e(x) - sign(x) * y - _over(y, x)
)


def _zeta_by_q(x, q):
    """25.11.17. There is no derivative by x, and so there is none of this one either."""
    from tapeflow.autodiff.custom_gradient import stop_gradient

    x = stop_gradient(x)
    return -x * zeta(x + 1, q)


def _trigamma(x):
    return polygamma(convert_to_tensor(1, x.dtype), x)


def _over(y, x):
    """I1(x) / x, which is 1/2 at 0."""
    from tapeflow.ops.compare import where

    zero = x == 0
    return where(zero, 0.5, y / where(zero, 1, x))


for _prim in (LGAMMA, DIGAMMA, ERF, ERFC, BESSEL_I0, BESSEL_I0E, BESSEL_I1, BESSEL_I1E):
    low_precision(_prim, _prim.kernel)
for _prim in (LGAMMA, DIGAMMA, BESSEL_I0, BESSEL_I0E, BESSEL_I1, BESSEL_I1E):
    absent(_prim, FLOAT[:1])
for _prim in (ERFINV, NDTRI):
    absent(_prim, LOW)

# The incomplete gamma functions. With p(a, x) = exp(-x) x^(a-1) / gamma(a), a gamma distribution's density,
# P = igamma has dP/dx = p (8.8.13); the derivatives by `a` are a primitive of their own, of any order.


def _density(a, x, order):
    """The derivative by `a`, `order` times, of p(a, x): p times a complete Bell polynomial (of log p's)."""
    p = exp((a - 1) * log(x) - x - lgamma(a))
    if not order:
        return p
    logs = [log(x) - digamma(a)] + [-polygamma(convert_to_tensor(k, a.dtype), a) for k in range(1, order)]
    bell = [1.0]
    for m in range(order):
        bell.append(sum(comb(m, k) * bell[m - k] * logs[k] for k in range(m + 1)))
    return p * bell[order]


def _by_a(a, x, order):
    return apply(IGAMMA_BY_A, (a, x), (order,))


def _igamma_by_a(a, x, order):
    """The derivative of P(a, x) by `a`, `order` times: a Taylor coefficient, by series or fraction."""
    shape = np.broadcast_shapes(a.shape, x.shape)
    given = a.dtype
    a = np.broadcast_to(a, shape).astype(np.float64).ravel()
    x = np.broadcast_to(x, shape).astype(np.float64).ravel()
    out = np.full(a.shape, np.nan)
    out[(x == 0) | (a > 0) & (x == np.inf) | (a == np.inf) & (x > 0)] = 0
    usable = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)
    for part, function in ((usable & (x <= a + 1), _series), (usable & (x > a + 1), _fraction)):
        if part.any():
            out[part] = function(a[part], x[part], order) * factorial(order)
    return out.reshape(shape).astype(given)


_TERMS = 5000


def _prefactor(a, x, order, start):
    """The Taylor coefficients in e of exp(-x) x^(a+e) / gamma(start+e)."""
    from scipy import special

    logs = [a * np.log(x) - x - special.gammaln(start), np.log(x) - special.psi(start)]
    logs += [-special.polygamma(k - 1, start) / factorial(k) for k in range(2, order + 1)]
    out = [np.exp(logs[0])]
    for k in range(1, order + 1):
        out.append(sum(j * logs[j] * out[k - j] for j in range(1, k + 1)) / k)
    return out


def _times(u, v, order):
    """The coefficient of e^order in the product of two series."""
    return sum(u[j] * v[order - j] for j in range(order + 1))


def _series(a, x, order):
    """8.7.1: P(a, x) = exp(-x) x^a / gamma(a+1) (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...), where x <= a + 1."""
    term = [np.ones_like(a)] + [np.zeros_like(a)] * order
    total = list(term)
    for k in range(1, _TERMS):
        quotient = []
        for j in range(order + 1):  # term * x / (a + k + e)
            quotient.append((x * term[j] - (quotient[j - 1] if j else 0)) / (a + k))
        term = quotient
        total = [t + u for t, u in zip(total, term, strict=True)]
        if all(np.all(np.abs(u) <= 1e-17 * np.abs(t)) for t, u in zip(total, term, strict=True)):
            break
    return _times(_prefactor(a, x, order, a + 1), total, order)


def _fraction(a, x, order):
    """8.9.2: 1 - P(a, x) = exp(-x) x^a / gamma(a) (1/(x+1-a -) 1(1-a)/(x+3-a -) ...), where x > a + 1."""
    zero = [np.zeros_like(a) for _ in range(order + 1)]
    one = [np.ones_like(a), *zero[1:]]
    numerators, denominators = [zero, one], [one, _linear(x + 1 - a, -1, one)]
    before = None
    for k in range(1, _TERMS):
        for pair in (numerators, denominators):
            ahead, back = _linear(x + 2 * k + 1 - a, -1, pair[1]), _linear(-k * (k - a), k, pair[0])
            pair[:] = pair[1], [u + v for u, v in zip(ahead, back, strict=True)]
        size = np.abs(denominators[1][0])
        numerators = [[u / size for u in row] for row in numerators]
        denominators = [[u / size for u in row] for row in denominators]
        ratio = []
        for j in range(order + 1):
            rest = sum(ratio[i] * denominators[1][j - i] for i in range(j))
            ratio.append((numerators[1][j] - rest) / denominators[1][0])
        if before is not None and all(
            np.all(np.abs(u - v) <= 1e-16 * np.abs(u)) for u, v in zip(ratio, before, strict=True)
        ):
            break
        before = ratio
    return -_times(_prefactor(a, x, order, a), ratio, order)


def _linear(constant, slope, series):
    """(constant + slope e) times a series in e."""
    return [constant * u + (slope * series[j - 1] if j else 0) for j, u in enumerate(series)]


IGAMMA = elementwise(
    "Igamma", _incomplete_gamma("gammainc", 0), FLOAT,
    lambda a, x: _by_a(a, x, 1), lambda a, x: _density(a, x, 0),
    operands="a x",
)  # fmt: skip
IGAMMAC = elementwise(
    "Igammac", _incomplete_gamma("gammaincc", None), FLOAT,
    lambda a, x: -_by_a(a, x, 1), lambda a, x: -_density(a, x, 0),
    operands="a x",
)  # fmt: skip
IGAMMA_BY_A = elementwise(
    "IgammaGradA", _igamma_by_a, F32_64,
    lambda a, x, order: _by_a(a, x, order + 1), lambda a, x, order: _density(a, x, order),
    operands="a x", attrs="order",
)  # fmt: skip
for _prim in (IGAMMA, IGAMMAC):
    absent(_prim, LOW)


def _betainc_by_x(a, b, x):
    """8.17.1: x^(a-1) (1-x)^(b-1) / B(a, b)."""
    return exp(xlog1py(b - 1, -x) + xlogy(a - 1, x) - lgamma(a) - lgamma(b) + lgamma(a + b))


BETAINC = elementwise(
    "Betainc", _betainc, F32_64, None, None, lambda a, b, x: _betainc_by_x(a, b, x), operands="a b x"
)


# The public operations.


def lgamma(x, name=None):
    """log |gamma(x)|, elementwise: float16, float32, float64.

    >>> import tapeflow as tf
    >>> round(tf.math.lgamma(5.0).numpy().item(), 5)
    3.17805
    """
    return unary(LGAMMA, x)


def digamma(x, name=None):
    """The derivative of `lgamma`, elementwise: float16, float32, float64.

    >>> import tapeflow as tf
    >>> round(tf.math.digamma(1.0).numpy().item(), 5)
    -0.57722
    """
    return unary(DIGAMMA, x)


def polygamma(a, x, name=None):
    """The derivative of `digamma`, `a` times: float32, float64. NaN unless `a` is whole and not negative.

    There is a derivative by `x` only.

    >>> import tapeflow as tf
    >>> round(tf.math.polygamma(1.0, 1.0).numpy().item(), 5)
    1.64493
    """
    return binary(POLYGAMMA, a, x)


def zeta(x, q, name=None):
    """Hurwitz's zeta function, the sum over n of (q + n)^-x: float32, float64.

    There is a derivative by `q` only.

    >>> import tapeflow as tf
    >>> round(tf.math.zeta(2.0, 1.0).numpy().item(), 5)
    1.64493
    """
    return binary(ZETA, x, q)


def igamma(a, x, name=None):
    """The lower regularised incomplete gamma function P(a, x): float32, float64, differentiable by both.

    >>> import tapeflow as tf
    >>> round(tf.math.igamma(1.0, 2.0).numpy().item(), 5)
    0.86466
    """
    return binary(IGAMMA, a, x)


def igammac(a, x, name=None):
    """The upper regularised incomplete gamma function Q(a, x) = 1 - P(a, x): float32, float64.

    >>> import tapeflow as tf
    >>> round(tf.math.igammac(1.0, 2.0).numpy().item(), 5)
    0.13534
    """
    return binary(IGAMMAC, a, x)


def betainc(a, b, x, name=None):
    """The regularised incomplete beta function I_x(a, b): float32, float64.

    There is a derivative by `x` only.

    Raises InvalidArgumentError unless the operands that are not scalars have one shape.

    >>> import tapeflow as tf
    >>> round(tf.math.betainc(2.0, 2.0, 0.25).numpy().item(), 5)
    0.15625
    """
    dtype = next((convert_to_tensor(v).dtype for v in (a, b, x) if is_tensor(v)), None)
    operands = []
    for value in (a, b, x):
        operands.append(convert_to_tensor(value) if is_tensor(value) else convert_to_tensor(value, dtype))
        dtype = operands[0].dtype if dtype is None else dtype
    for position, operand in enumerate(operands):
        if operand._dtype != operands[0]._dtype:
            raise mismatch(BETAINC, position, operands[0]._dtype, operand._dtype)
    shaped = [(name, v) for name, v in zip("abx", operands, strict=True) if v._shape]
    for name, v in shaped[1:]:
        if differ(v._shape, shaped[0][1]._shape):
            raise invalid_argument(
                f"Shapes of {shaped[0][0]} and {name} are inconsistent: {bracketed(shaped[0][1]._shape)} vs. "
                f"{bracketed(v._shape)} [Op:Betainc] name: "
            )
    return apply(BETAINC, tuple(operands))


def lbeta(x, name=None):
    """log |B(x)|, the multivariate beta function over the last axis: sum of lgamma less lgamma of the sum.

    >>> import tapeflow as tf
    >>> round(tf.math.lbeta([1.0, 2.0]).numpy().item(), 5)
    -0.69315
    """
    from tapeflow.ops.reduce import reduce_sum

    x = convert_to_tensor(x)
    return reduce_sum(lgamma(x), [-1]) - lgamma(reduce_sum(x, [-1]))


def erf(x, name=None):
    """The error function, elementwise: floating-point numbers.

    >>> import tapeflow as tf
    >>> round(tf.math.erf(1.0).numpy().item(), 5)
    0.8427
    """
    return unary(ERF, x)


def erfc(x, name=None):
    """1 - erf(x), accurate where that is small: floating-point numbers.

    >>> import tapeflow as tf
    >>> round(tf.math.erfc(1.0).numpy().item(), 5)
    0.1573
    """
    return unary(ERFC, x)


def erfinv(x, name=None):
    """The inverse of `erf`: float32, float64.

    >>> import tapeflow as tf
    >>> round(tf.math.erfinv(0.5).numpy().item(), 5)
    0.47694
    """
    return unary(ERFINV, x)


def erfcinv(x, name=None):
    """The inverse of `erfc`: float32, float64.

    >>> import tapeflow as tf
    >>> round(tf.math.erfcinv(0.5).numpy().item(), 5)
    0.47694
    """
    x = convert_to_tensor(x)
    return -ndtri(0.5 * x) * sqrt(0.5)


def ndtri(x, name=None):
    """The quantile of the standard normal distribution: float32, float64.

    >>> import tapeflow as tf
    >>> round(tf.math.ndtri(0.975).numpy().item(), 4)
    1.96
    """
    return unary(NDTRI, x)


def bessel_i0(x, name=None):
    """The modified Bessel function I0: float16, float32, float64.

    >>> import tapeflow as tf
    >>> tf.math.bessel_i0(0.0).numpy().item()
    1.0
    """
    return unary(BESSEL_I0, x)


def bessel_i0e(x, name=None):
    """exp(-|x|) I0(x): float16, float32, float64.

    >>> import tapeflow as tf
    >>> tf.math.bessel_i0e(0.0).numpy().item()
    1.0
    """
    return unary(BESSEL_I0E, x)


def bessel_i1(x, name=None):
    """The modified Bessel function I1: float16, float32, float64.

    >>> import tapeflow as tf
    >>> tf.math.bessel_i1(0.0).numpy().item()
    0.0
    """
    return unary(BESSEL_I1, x)


def bessel_i1e(x, name=None):
    """exp(-|x|) I1(x): float16, float32, float64.

    >>> import tapeflow as tf
    >>> tf.math.bessel_i1e(0.0).numpy().item()
    0.0
    """
    return unary(BESSEL_I1E, x)
