"""The exponential function, the logarithm, and what is made of them."""

from math import inf, nan

from tapeflow.compiler import elementary_avx512
from tapeflow.compiler.elementary_pieces import (
    BIAS,
    INTEGER,
    LN2,
    LOG2E,
    LOG_OF_2,
    MANTISSA,
    ONE,
    ROOT_OF_HALF,
    ROUNDING,
    at_least,
    at_most,
    but_small,
    from_bits,
    nearest,
    pattern,
    polynomial,
    power_of_two,
    to_bits,
    two_sum,
)

LARGEST_FLOAT = (2 - 2.0**-23) * 2.0**127

# The exponential function and what is made of it.

# (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2
EXP = {
    "float": (0.5, 0.166666672, 0.0416662656, 0.00833325926, 0.00139463297, 0.000199217509),
    "double": (
        0.5, 0.16666666666666685, 0.04166666666666674, 0.008333333333316416, 0.0013888888888851007,
        0.00019841269897870618, 2.480158738815988e-05, 2.7557233415491327e-06, 2.7557221008805177e-07,
        2.5112529439349594e-08, 2.0930809651434034e-09,
    ),
}  # fmt: skip
# Where exp is infinite; where it is 0.
EXP_RANGE = {"float": (89.0, -105.0), "double": (710.0, -750.0)}


def _exp_reduced(b, x):
    """n, by its low bits, and r, as the sum of two, with x = n ln(2) + r, |r| <= ln(2) / 2."""
    n, low = nearest(b, x, LOG2E)
    n = b.fneg(n)
    high, rest = (b.const(x.type, part) for part in LN2[x.type])
    near = b.fma(n, high, x)  # exact
    r = b.fma(n, rest, near)
    return low, r, b.fma(n, rest, b.fsub(near, r))


# exp(r) for |r| <= ln(2) / 2, as good as exp itself needs
EXP_OF_FLOAT = (1.0, 1.0, 0.49999994, 0.16666521, 0.041668255, 0.008368663, 0.0013821468)


def _scaled(b, y, n):
    """y 2^n, rounded once, for a y near 1.

    2^n is multiplied in two steps, for it may be no normal number though the value is one, or the value may be none.
    """
    zero = 4096  # n + zero is not below 0, so its half has no sign to keep
    n = b.add(n, b.const(n.type, zero))
    half = b.lshr(n, b.const(n.type, 1))
    first = power_of_two(b, half, y.type, zero // 2)
    return b.fmul(b.fmul(y, first), power_of_two(b, b.sub(n, half), y.type, zero // 2))


def _exp_of_float(b, x):
    most, least = EXP_RANGE["float"]
    x = at_least(b, at_most(b, x, most), least)
    shifted = b.fma(x, b.const("float", LOG2E), b.const("float", ROUNDING["float"]))
    n = b.sub(to_bits(b, shifted), b.const("i32", pattern(ROUNDING["float"], "float")))
    minus, r = b.fneg(b.cast("sitofp", n, "float")), x
    for part in LN2["float"]:
        r = b.fma(minus, b.const("float", part), r)
    return _scaled(b, polynomial(b, r, EXP_OF_FLOAT), n)


def exp_within(b, x, more=None, factor=None):
    """exp(x + more) * factor for x within EXP_RANGE, a tiny `more`: exp(x) = 2^n exp(r)."""
    type = x.type
    low, r, rest = _exp_reduced(b, x)
    one = b.const(type, 1)
    q = polynomial(b, r, EXP[type])
    if more is None:
        y = b.fma(b.fma(q, r, one), r, one)
    else:  # 1 + r exactly
        y, error = two_sum(b, one, r)
        above = b.fmul(b.fmul(r, r), q)
        y = b.fadd(y, b.fadd(error, b.fma(b.fadd(more, rest), b.fadd(y, above), above)))
    if factor is not None:
        y = b.fmul(y, factor)
    return _scaled(b, y, b.sub(low, b.const(low.type, pattern(ROUNDING[type], type))))


def exp(b, x):
    if x.type == "float":
        return elementary_avx512.exp(b, x) if b.wide else _exp_of_float(b, x)
    most, least = EXP_RANGE[x.type]
    return exp_within(b, at_least(b, at_most(b, x, most), least))


def _expm1_part(b, x, less):
    """(exp(x) - 1) / 2^less, as a sum of two, for x from -50 to EXP_RANGE (a little more for a `less` of 2).

    It is scale expm1(r) + (scale - 2^-less), scale = 2^(n-less), the large part exactly.
    """
    type = x.type
    low, r, rest = _exp_reduced(b, x)
    scale = power_of_two(b, low, type, less)
    one = b.const(type, 2.0**-less)
    above = b.fsub(scale, one)
    total = b.fma(scale, r, above)
    lost = b.fsub(b.fsub(scale, above), one)  # not 0 for a large n
    error = b.fadd(b.fma(scale, r, b.fsub(above, total)), lost)
    small = b.fma(b.fmul(r, r), polynomial(b, r, EXP[type]), b.fma(rest, r, rest))
    return total, b.fma(scale, small, error)


def expm1(b, x):
    half = b.fadd(*_expm1_part(b, at_least(b, at_most(b, x, EXP_RANGE[x.type][0]), -50), 1))
    return but_small(b, x, b.fadd(half, half))


def sinh(b, x):
    """(t + t / (1 + t)) / 2, t = expm1(|x|)."""
    # By t / 4, for the last numbers whose sinh is finite are beyond those whose exp is.
    quarter = b.fadd(*_expm1_part(b, at_most(b, b.fabs(x), EXP_RANGE[x.type][0] + 0.7), 2))
    half = b.fadd(quarter, b.fdiv(quarter, b.fma(b.const(x.type, 4), quarter, b.const(x.type, 1))))
    return but_small(b, x, b.copysign(b.fadd(half, half), x))


def cosh(b, x):
    """y + 1 / (4 y), y = exp(|x|) / 2."""
    type = x.type
    y = exp_within(b, at_most(b, b.fabs(x), EXP_RANGE[type][0] + 1), factor=b.const(type, 0.5))
    return b.fadd(y, b.fdiv(b.const(type, 0.25), y))


# (1 - exp(-2 r) - 2 r) / r^2 for |r| <= ln(2) / 4
TANH = (-1.9999993, 1.3333225, -0.6667418, 0.26776686, -0.08729703)


def _tanh_of_float(b, x):
    """h / (2 - h), h = 1 - exp(-2 |x|) = 1 - 2^n + 2^n (1 - exp(-2 r)), |x| = r - n ln(2) / 2."""
    r = at_most(b, b.fabs(x), 10)
    shift = b.const("float", ROUNDING["float"] + BIAS["float"])  # so that the low bits are 2^n's exponent
    shifted = b.fma(r, b.const("float", -2 * LOG2E), shift)
    r = b.fma(b.fsub(shifted, shift), b.const("float", LOG_OF_2 / 2), r)  # exact but for ln(2), which is near enough
    scale = from_bits(b, b.shl(to_bits(b, shifted), b.const("i32", MANTISSA["float"])))
    rest = b.fma(b.fmul(r, r), polynomial(b, r, TANH), b.fadd(r, r))
    h = b.fma(scale, rest, b.fsub(b.const("float", 1), scale))
    return b.copysign(b.fdiv(h, b.fsub(b.const("float", 2), h)), x)


def tanh(b, x):
    """-t / (2 + t), t = expm1(-2 |x|)."""
    if x.type == "float":
        return elementary_avx512.tanh(b, x) if b.wide else _tanh_of_float(b, x)
    type = x.type
    half, error = two_sum(b, *_expm1_part(b, b.fmul(at_most(b, b.fabs(x), 20), b.const(type, -2)), 1))
    below, lost = two_sum(b, b.const(type, 1), half)
    quotient = b.fdiv(half, below)
    # What the two sums lost, times 1 / (1 + half), which is near enough to 1 - 2 half.
    rest = b.fma(b.fneg(quotient), b.fadd(lost, error), error)
    about = b.fma(b.const(type, -2), half, b.const(type, 1))
    return b.copysign(b.fma(rest, about, quotient), x)


def sigmoid(b, x):
    """1 / (1 + exp(-x)), as exp(x) / (1 + exp(x)) below 0."""
    type = x.type
    if b.wide and type == "float":
        minus = b.fneg(b.fabs(x))
        b.most[minus.text] = 0
        e = elementary_avx512.exp(b, minus)
    else:
        e = exp_within(b, b.fneg(at_most(b, b.fabs(x), -EXP_RANGE[type][1])))
    one = b.const(type, 1)
    total, error = two_sum(b, one, e)
    quotient = b.fdiv(b.select(b.fcmp("olt", x, b.const(type, 0)), e, one), total)
    return b.fma(b.fneg(quotient), error, quotient)  # what the sum lost, all but for the factor 1 / total


# Logarithms.

# float: (log(1 + f) - f + f^2 / 2) / f^3. double: with z = (f / (2 + f))^2, (2 atanh(sqrt(z)) / sqrt(z) - 2) / z.
# Both for 1 + f in sqrt(1/2) to sqrt(2).
LOG = {
    "float": (
        0.333333135, -0.250000119, 0.20002158, -0.166679651, 0.142186388, -0.124054447, 0.118953682, -0.116802968,
        0.067356132,
    ),
    "double": (
        0.6666666666666737, 0.3999999999939273, 0.2857142874774709, 0.22222197978081884, 0.18183597450348687,
        0.15313149948997165, 0.1480546668820292,
    ),
}  # fmt: skip


def _exponent_and_fraction(b, x):
    """k + BIAS, an integer, and m, with x = 2^k m, m in sqrt(1/2) to sqrt(2), for a positive normal x."""
    type = x.type
    integer = INTEGER[type]
    moved = b.add(to_bits(b, x), b.const(integer, ONE[type] - ROOT_OF_HALF[type]))
    k = b.lshr(moved, b.const(integer, MANTISSA[type]))
    fraction = b.and_(moved, b.const(integer, 2 ** MANTISSA[type] - 1))
    return k, from_bits(b, b.add(fraction, b.const(integer, ROOT_OF_HALF[type])))


def _as_number(b, k, type, less):
    """k - less as a number; `k` is an integer from 0 to 4095."""
    k = b.or_(k, b.const(k.type, pattern(2.0 ** MANTISSA[type], type)))
    return b.fsub(from_bits(b, k), less)


def _log_rest(b, f):
    """f - log(1 + f), f in sqrt(1/2) - 1 to sqrt(2) - 1."""
    type = f.type
    half = b.fmul(b.fmul(b.const(type, 0.5), f), f)
    if type == "float":
        return b.fma(b.fneg(b.fmul(f, b.fmul(f, f))), polynomial(b, f, LOG[type]), half)
    s = b.fdiv(f, b.fadd(b.const(type, 2), f))  # as in fdlibm's e_log.c: its error is multiplied by f^2 / 2
    z = b.fmul(s, s)
    return b.fma(b.fneg(s), b.fma(z, polynomial(b, z, LOG[type]), half), half)


def _log_sum(b, k, f, rest):
    """k ln(2) + f - rest."""
    high, low = (b.const(f.type, part) for part in LN2[f.type])
    total, error = two_sum(b, b.fmul(k, high), f)
    return b.fadd(total, b.fadd(error, b.fma(k, low, b.fneg(rest))))


def _log_ends(b, x, value, pole):
    """The logarithm's value where x is infinite, the pole, below it, or NaN."""
    pole = b.const(x.type, pole)
    value = b.select(b.fcmp("olt", x, b.const(x.type, inf)), value, b.const(x.type, inf))
    outside = b.select(b.fcmp("oeq", x, pole), b.const(x.type, -inf), b.const(x.type, nan))
    return b.select(b.fcmp("ogt", x, pole), value, outside)


def _log_reduced(b, x):
    """k and f with x = 2^k (1 + f), 1 + f in sqrt(1/2) to sqrt(2), for a positive x."""
    type = x.type
    digits = MANTISSA[type] + 2
    denormal = b.fcmp("olt", x, b.const(type, 2.0 ** (1 - BIAS[type])))
    k, m = _exponent_and_fraction(b, b.select(denormal, b.fmul(x, b.const(type, 2.0**digits)), x))
    zero = 2.0 ** MANTISSA[type] + BIAS[type]
    k = _as_number(b, k, type, b.select(denormal, b.const(type, zero + digits), b.const(type, zero)))
    return k, b.fsub(m, b.const(type, 1))


# (log(1 + f) - f) / f^2 as a quotient of polynomials, for 1 + f in sqrt(1/2) to sqrt(2)
LOG_OF_FLOAT = ((-4.393845, -4.6033964, -0.93832815), (8.78769, 15.065253, 7.526332, 1.0))


def _log_of_float(b, x):
    """log(x); where x is known to be a normal number, or NaN, that is short."""
    bits, normal = to_bits(b, x), b.least.get(x.text, -inf) >= 2.0 ** (1 - BIAS["float"])
    if not normal:
        denormal = b.fcmp("olt", x, b.const("float", 2.0 ** (1 - BIAS["float"])))
        bits = b.select(denormal, to_bits(b, b.fmul(x, b.const("float", 2.0**25))), bits)
    moved = b.sub(bits, b.const("i32", ROOT_OF_HALF["float"]))
    k = b.cast("sitofp", b.ashr(moved, b.const("i32", MANTISSA["float"])), "float")
    fraction = b.and_(moved, b.const("i32", 2 ** MANTISSA["float"] - 1))
    f = b.fsub(from_bits(b, b.add(fraction, b.const("i32", ROOT_OF_HALF["float"]))), b.const("float", 1))
    if not normal:
        k = b.fsub(k, b.select(denormal, b.const("float", 25), b.const("float", 0)))
    above, below = (polynomial(b, f, part) for part in LOG_OF_FLOAT)
    y = b.fma(b.fmul(f, f), b.fdiv(above, below), f)
    y = b.fma(k, b.const("float", LOG_OF_2), y)
    end = b.fsub(x, b.const("float", LARGEST_FLOAT))  # the greater one just where x is infinite
    y = b.select(b.fcmp("ogt", y, end), y, end)
    if normal:
        return y
    y = from_bits(b, b.or_(to_bits(b, y), b.ashr(to_bits(b, x), b.const("i32", 31))))  # NaN below 0: every bit is 1
    return b.select(b.fcmp("oeq", x, b.const("float", 0)), b.const("float", -inf), y)


def log(b, x):
    """k ln(2) + log(1 + f)."""
    if x.type == "float":
        return elementary_avx512.log(b, x) if b.wide else _log_of_float(b, x)
    k, f = _log_reduced(b, x)
    return _log_ends(b, x, _log_sum(b, k, f, _log_rest(b, f)), 0)


def _log1p(b, x):
    """log(1 + x) for a finite x > -1: 1 + x = 2^k (1 + f), where f comes from x, not from the rounded sum."""
    type = x.type
    one = b.const(type, 1)
    k, m = _exponent_and_fraction(b, b.fadd(x, one))
    scale = from_bits(b, b.shl(b.sub(b.const(k.type, 2 * BIAS[type]), k), b.const(k.type, MANTISSA[type])))  # 2^-k
    above = b.fsub(scale, one)
    large = b.fcmp("ogt", x, b.const(type, 2.0 ** (BIAS[type] - 3)))  # 2^-k would be no normal number
    f = b.select(large, b.fsub(m, one), b.fma(x, scale, above))
    error = b.select(large, b.const(type, 0), b.fma(x, scale, b.fsub(above, f)))
    rest = b.fsub(_log_rest(b, f), b.fma(b.fneg(error), f, error))  # log(1 + f + error) is error / (1 + f) more
    return _log_sum(b, _as_number(b, k, type, b.const(type, 2.0 ** MANTISSA[type] + BIAS[type])), f, rest)


def log1p(b, x):
    return b.copysign(_log_ends(b, x, _log1p(b, x), -1), x)  # -0 stays


def softplus(b, x):
    """log(1 + exp(x)): max(x, 0) + log(1 + e), e = exp(-|x|), where 1 + e = 1 + f, or 2 (1 + f) above sqrt(2)."""
    type = x.type
    zero, half = b.const(type, 0), b.const(type, 0.5)
    e = exp_within(b, b.fneg(at_most(b, b.fabs(x), -EXP_RANGE[type][1])))
    large = b.fcmp("ogt", e, b.const(type, 0.4142135623730951))
    f = b.select(large, b.fma(e, half, b.fneg(half)), e)
    y = _log_sum(b, b.select(large, b.const(type, 1), zero), f, _log_rest(b, f))
    return b.fadd(b.select(b.fcmp("olt", x, zero), zero, x), y)


# Inverse hyperbolic functions.


def _log1p_everywhere(b, x):
    return _log_ends(b, x, _log1p(b, x), -1)


def asinh(b, x):
    """log1p(|x| + x^2 / (1 + sqrt(1 + x^2))); log1p(|x|) + ln(2) where x^2 is too large to be told from 1 + x^2."""
    type = x.type
    size, one = b.fabs(x), b.const(type, 1)
    square = b.fmul(size, size)
    large = b.fcmp("ogt", size, b.const(type, 2.0 ** (MANTISSA[type] + 3)))
    below = b.fadd(one, b.sqrt(b.fma(size, size, one)))
    y = _log1p_everywhere(b, b.select(large, size, b.fadd(size, b.fdiv(square, below))))
    y = b.fadd(y, b.select(large, b.const(type, LOG_OF_2), b.const(type, 0)))
    return but_small(b, x, b.copysign(y, x))


def acosh(b, x):
    """log1p(t + sqrt(t (t + 2))), t = x - 1; log1p(x) + ln(2) for a large x."""
    type = x.type
    t = b.fsub(x, b.const(type, 1))
    large = b.fcmp("ogt", x, b.const(type, 2.0 ** (MANTISSA[type] + 3)))
    root = b.sqrt(b.fmul(t, b.fadd(t, b.const(type, 2))))
    y = _log1p_everywhere(b, b.select(large, x, b.fadd(t, root)))
    y = b.fadd(y, b.select(large, b.const(type, LOG_OF_2), b.const(type, 0)))
    return b.select(b.fcmp("olt", x, b.const(type, 1)), b.const(type, nan), y)


def atanh(b, x):
    """log1p(2 |x| / (1 - |x|)) / 2."""
    size = b.fabs(x)
    y = _log1p_everywhere(b, b.fdiv(b.fadd(size, size), b.fsub(b.const(x.type, 1), size)))
    return but_small(b, x, b.copysign(b.fmul(y, b.const(x.type, 0.5)), x))


# Powers.

# (2 atanh(sqrt(z)) / sqrt(z) - 2 - 2/3 z) / z^2, z as for LOG
LOG_TAIL = (
    0.40000000000002345, 0.2857142857005459, 0.22222222528345087, 0.18181783599363394, 0.15386793981154864,
    0.1325593708832877, 0.13204734411132962,
)  # fmt: skip
# LOG and EXP as doubles, as good as a float power needs: 2^-44 and 2^-34
LOG_FOR_FLOAT = (0.666666666760607, 0.39999995522474113, 0.28572120758091824, 0.22175662243744518, 0.1959229566508998)
EXP_FOR_FLOAT = (
    0.5000000078898149, 0.16666666880949108, 0.04166626643604824, 0.008333258926136861, 0.001394633027356929,
    0.00019921751023915191,
)  # fmt: skip


def _log_in_two(b, x):
    """log(x) for a positive double x, as a sum of two; error 2^-65 of it. (Dekker's arithmetic.)"""
    k, f = _log_reduced(b, x)
    two = b.const("double", 2)
    below, below_rest = two_sum(b, two, f)
    inverse = b.fdiv(b.const("double", 1), below)
    s = b.fmul(f, inverse)  # with s_rest: f / (2 + f)
    s_rest = b.fmul(b.fsub(b.fma(b.fneg(s), below, f), b.fmul(s, below_rest)), inverse)
    z = b.fmul(s, s)  # its square
    z_rest = b.fma(b.fadd(s, s), s_rest, b.fma(s, s, b.fneg(z)))
    c, c_rest = two_sum(b, b.const("double", 2 / 3), b.fmul(z, polynomial(b, z, LOG_TAIL)))
    c_rest = b.fadd(c_rest, b.const("double", 3.700743415417188e-17))  # 2/3 less the double 2/3
    v = b.fmul(z, c)
    v_rest = b.fadd(b.fma(z, c, b.fneg(v)), b.fma(z, c_rest, b.fmul(z_rest, c)))
    w = b.fmul(s, v)
    w_rest = b.fadd(b.fma(s, v, b.fneg(w)), b.fma(s, v_rest, b.fmul(s_rest, v)))
    total, rest = two_sum(b, b.fadd(s, s), w)
    rest = b.fadd(rest, b.fma(two, s_rest, w_rest))
    first, second = (b.const("double", part) for part in LN2["double"])
    total, error = two_sum(b, b.fmul(k, first), total)
    return two_sum(b, total, b.fadd(error, b.fma(k, second, rest)))


def _log_of_size(b, size, value):
    """`value`, the logarithm of `size`, but infinite or NaN where that is so."""
    value = b.select(b.fcmp("oeq", size, b.const(size.type, 0)), b.const(size.type, -inf), value)
    return b.select(b.fcmp("olt", size, b.const(size.type, inf)), value, size)


def _power_of_size(b, size, y):
    """exp(y log(size)) for a `size` not below 0, in double."""
    high, low = _log_in_two(b, size)
    high = _log_of_size(b, size, high)
    product = b.fmul(y, high)
    rest = b.fma(y, low, b.fma(y, high, b.fneg(product)))
    rest = b.select(b.fcmp("olt", b.fabs(rest), b.const("double", 2.0**-40)), rest, b.const("double", 0))
    most, least = EXP_RANGE["double"]
    return exp_within(b, at_least(b, at_most(b, product, most), least), more=rest)


def _power_of_float(b, size, y):
    """The same of floats, by doubles."""
    size, y = b.cast("fpext", size, "double"), b.cast("fpext", y, "double")
    k, m = _exponent_and_fraction(b, size)
    k = _as_number(b, k, "double", b.const("double", 2.0 ** MANTISSA["double"] + BIAS["double"]))
    f = b.fsub(m, b.const("double", 1))
    s = b.fdiv(f, b.fadd(b.const("double", 2), f))
    z = b.fmul(s, s)
    log = b.fma(b.fmul(s, z), polynomial(b, z, LOG_FOR_FLOAT), b.fma(k, b.const("double", LOG_OF_2), b.fadd(s, s)))
    t = b.fmul(y, _log_of_size(b, size, log))
    low, r, _ = _exp_reduced(b, at_least(b, at_most(b, t, 150), -150))
    one = b.const("double", 1)
    value = b.fma(b.fma(polynomial(b, r, EXP_FOR_FLOAT), r, one), r, one)
    return b.cast("fptrunc", b.fmul(value, power_of_two(b, low, "double")), "float")


def pow(b, x, y):
    """x**y as in C (annex F): 1 for a y of 0 and for an x of 1, NaN for x < 0 and a finite y that is not whole."""
    type = x.type
    zero, one = b.const(type, 0), b.const(type, 1)
    size = b.fabs(x)
    value = _power_of_float(b, size, y) if type == "float" else _power_of_size(b, size, y)
    whole = b.fcmp("oeq", b.truncate(y), y)
    half = b.fmul(y, b.const(type, 0.5))
    odd = b.and_(whole, b.fcmp("une", b.truncate(half), half))
    value = b.select(odd, b.copysign(value, x), value)
    outside = b.and_(b.fcmp("olt", x, zero), b.and_(b.not_(whole), b.fcmp("one", x, b.const(type, -inf))))
    value = b.select(outside, b.const(type, nan), value)
    minus = b.and_(b.fcmp("oeq", x, b.const(type, -1)), b.fcmp("oeq", b.fabs(y), b.const(type, inf)))
    always = b.or_(minus, b.or_(b.fcmp("oeq", y, zero), b.fcmp("oeq", x, one)))
    return b.select(always, one, value)
