"""The elementary functions as LLVM code, in float and in double: `exp(b, x)` is the value of exp, of x's type.

The code has no branch, no call and no table, so that LLVM's loop vectoriser makes vectors of it on every machine:
selects, fused multiply-adds, and the bits of numbers as integers. Every function takes every number, denormal ones,
infinities and NaN too. docs/accuracy.md has the errors, as measured; tests/compiler measures them again.

Coefficients are minimax ones (Remez's algorithm, run for this file), rounded to their type. The reductions are
standard: W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980; J.-M. Muller, Elementary
Functions, 3rd edition, 2016. An error-free sum (`_two_sum`) is T. J. Dekker's, 1971.
"""

import struct
from math import inf, nan

from tapeflow.compiler.emit import WIDTH

INTEGER = {"float": "i32", "double": "i64"}
MANTISSA = {"float": 23, "double": 52}  # bits of the fraction
BIAS = {"float": 127, "double": 1023}  # of the exponent
ROUNDING = {"float": 1.5 * 2**23, "double": 1.5 * 2**52}  # added, it leaves the nearest integer in the low bits
ONE = {"float": 0x3F800000, "double": 0x3FF0000000000000}  # the bits of 1
ROOT_OF_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}  # the bits of sqrt(1/2)

# Constants in parts, each the nearest number to what those before it leave.
LN2 = {  # the first part so short that its product with an exponent is exact
    "float": (0.693145751953125, 1.428606765330187e-06),
    "double": (0.6931471805601177, -1.7239444525614835e-13),
}
LOG2E = 1.4426950408889634
HALF_PI = {
    "float": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    "double": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
TWO_OVER_PI = 0.6366197723675814

# Pieces.


def _bits(b, x):
    return b.cast("bitcast", x, INTEGER[x.type])


def _number(b, bits):
    return b.cast("bitcast", bits, "float" if bits.type == "i32" else "double")


def _polynomial(b, x, coefficients):
    """By Horner's rule; the coefficient of the lowest power comes first."""
    total = b.const(x.type, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = b.fma(total, x, b.const(x.type, c))
    return total


def _at_most(b, x, bound):
    """min(x, bound); NaN stays NaN."""
    bound = b.const(x.type, bound)
    return b.select(b.fcmp("ogt", x, bound), bound, x)


def _at_least(b, x, bound):
    bound = b.const(x.type, bound)
    return b.select(b.fcmp("olt", x, bound), bound, x)


def _nearest(b, x, factor):
    """The integer nearest to x * factor, as a number, and as the low bits of an integer."""
    shift = b.const(x.type, ROUNDING[x.type])
    shifted = b.fma(x, b.const(x.type, factor), shift)
    return b.fsub(shifted, shift), _bits(b, shifted)


def _two_sum(b, x, y):
    """x + y for |x| >= |y|, or x = 0: the rounded sum and its error, exactly."""
    total = b.fadd(x, y)
    return total, b.fsub(y, b.fsub(total, x))


def _power_of_two(b, n, type, less=0):
    """2**(n - less) by the low bits of n: a normal number."""
    n = b.add(n, b.const(n.type, BIAS[type] - less))
    return _number(b, b.shl(n, b.const(n.type, MANTISSA[type])))


# The exponential function and what is made of it.

# (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2
EXP = {
    "float": (0.5, 0.166665182, 0.0416661687, 0.00836905558, 0.00139533391),
    "double": (
        0.500000000000001, 0.16666666666666705, 0.04166666666653364, 0.00833333333330339, 0.001388888894325005,
        0.00019841269927713123, 2.48014931286369e-05, 2.755720542273677e-06, 2.763033095273512e-07,
        2.512178559057114e-08,
    ),
}  # fmt: skip
# Where exp is infinite; where it is 0.
EXP_RANGE = {"float": (89.0, -105.0), "double": (710.0, -750.0)}


def _exp_reduced(b, x):
    """n, by its low bits, and r, as the sum of two, with x = n ln(2) + r, |r| <= ln(2) / 2."""
    n, low = _nearest(b, x, LOG2E)
    n = b.fneg(n)
    high, rest = (b.const(x.type, part) for part in LN2[x.type])
    near = b.fma(n, high, x)  # exact
    r = b.fma(n, rest, near)
    return low, r, b.fma(n, rest, b.fsub(near, r))


def _exp(b, x):
    """exp of a number within EXP_RANGE: exp(x) = 2^n exp(r), in two steps, for either may be no normal number."""
    type = x.type
    low, r, _ = _exp_reduced(b, x)
    one = b.const(type, 1)
    y = b.fma(b.fma(_polynomial(b, r, EXP[type]), r, one), r, one)
    n = b.sub(low, b.sub(b.const(low.type, _bits_of(ROUNDING[type], type)), b.const(low.type, 4096)))
    half = b.lshr(n, b.const(n.type, 1))  # not below 0, so there is no sign to keep
    first = _power_of_two(b, half, type, 2048)
    second = _power_of_two(b, b.sub(n, half), type, 2048)
    return b.fmul(b.fmul(y, first), second)


def exp(b, x):
    most, least = EXP_RANGE[x.type]
    return _exp(b, _at_least(b, _at_most(b, x, most), least))


def _half_expm1(b, x):
    """(exp(x) - 1) / 2 for x in -50 to 710 (float: 89): 2^(n-1) expm1(r) + (2^(n-1) - 1/2), the large part exactly."""
    type = x.type
    low, r, rest = _exp_reduced(b, x)
    scale = _power_of_two(b, low, type, 1)
    above = b.fsub(scale, b.const(type, 0.5))
    total = b.fma(scale, r, above)
    error = b.fma(scale, r, b.fsub(above, total))
    small = b.fma(b.fmul(r, r), _polynomial(b, r, EXP[type]), rest)
    return b.fadd(total, b.fma(scale, small, error))


def expm1(b, x):
    half = _half_expm1(b, _at_least(b, _at_most(b, x, EXP_RANGE[x.type][0]), -50))
    return b.copysign(b.fadd(half, half), x)  # -0 stays


def tanh(b, x):
    """-t / (2 + t), t = expm1(-2 |x|)."""
    minus = b.fneg(_at_most(b, b.fabs(x), 20))
    half = _half_expm1(b, b.fadd(minus, minus))
    return b.copysign(b.fdiv(half, b.fadd(half, b.const(x.type, 1))), x)


def sigmoid(b, x):
    """1 / (1 + exp(-x)), as exp(x) / (1 + exp(x)) below 0."""
    e = _exp(b, b.fneg(_at_most(b, b.fabs(x), -EXP_RANGE[x.type][1])))
    one = b.const(x.type, 1)
    return b.fdiv(b.select(b.fcmp("olt", x, b.const(x.type, 0)), e, one), b.fadd(one, e))


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
    moved = b.add(_bits(b, x), b.const(integer, ONE[type] - ROOT_OF_HALF[type]))
    k = b.lshr(moved, b.const(integer, MANTISSA[type]))
    fraction = b.and_(moved, b.const(integer, 2 ** MANTISSA[type] - 1))
    return k, _number(b, b.add(fraction, b.const(integer, ROOT_OF_HALF[type])))


def _as_number(b, k, type, less):
    """k - less as a number; `k` is an integer from 0 to 4095."""
    k = b.or_(k, b.const(k.type, _bits_of(2.0 ** MANTISSA[type], type)))
    return b.fsub(_number(b, k), less)


def _log_rest(b, f):
    """f - log(1 + f), f in sqrt(1/2) - 1 to sqrt(2) - 1."""
    type = f.type
    half = b.fmul(b.fmul(b.const(type, 0.5), f), f)
    if type == "float":
        return b.fma(b.fneg(b.fmul(f, b.fmul(f, f))), _polynomial(b, f, LOG[type]), half)
    s = b.fdiv(f, b.fadd(b.const(type, 2), f))  # as in fdlibm's e_log.c: its error is multiplied by f^2 / 2
    z = b.fmul(s, s)
    return b.fma(b.fneg(s), b.fma(z, _polynomial(b, z, LOG[type]), half), half)


def _log_sum(b, k, f, rest):
    """k ln(2) + f - rest."""
    high, low = (b.const(f.type, part) for part in LN2[f.type])
    total, error = _two_sum(b, b.fmul(k, high), f)
    return b.fadd(total, b.fadd(error, b.fma(k, low, b.fneg(rest))))


def _log_ends(b, x, value, pole):
    """The logarithm's value where x is infinite, the pole, below it, or NaN."""
    pole = b.const(x.type, pole)
    value = b.select(b.fcmp("olt", x, b.const(x.type, inf)), value, b.const(x.type, inf))
    outside = b.select(b.fcmp("oeq", x, pole), b.const(x.type, -inf), b.const(x.type, nan))
    return b.select(b.fcmp("ogt", x, pole), value, outside)


def log(b, x):
    """k ln(2) + log(m), with x = 2^k m."""
    type = x.type
    digits = MANTISSA[type] + 2
    denormal = b.fcmp("olt", x, b.const(type, 2.0 ** (1 - BIAS[type])))
    scaled = b.select(denormal, b.fmul(x, b.const(type, 2.0**digits)), x)
    k, m = _exponent_and_fraction(b, scaled)
    zero = 2.0 ** MANTISSA[type] + BIAS[type]
    k = _as_number(b, k, type, b.select(denormal, b.const(type, zero + digits), b.const(type, zero)))
    f = b.fsub(m, b.const(type, 1))
    return _log_ends(b, x, _log_sum(b, k, f, _log_rest(b, f)), 0)


def _log1p(b, x):
    """log(1 + x) for a finite x > -1: 1 + x = 2^k (1 + f), where f comes from x, not from the rounded sum."""
    type = x.type
    one = b.const(type, 1)
    k, m = _exponent_and_fraction(b, b.fadd(x, one))
    scale = _number(b, b.shl(b.sub(b.const(k.type, 2 * BIAS[type]), k), b.const(k.type, MANTISSA[type])))  # 2^-k
    above = b.fsub(scale, one)
    large = b.fcmp("ogt", x, b.const(type, 2.0 ** (BIAS[type] - 3)))  # 2^-k would be no normal number
    f = b.select(large, b.fsub(m, one), b.fma(x, scale, above))
    error = b.select(large, b.const(type, 0), b.fma(x, scale, b.fsub(above, f)))
    rest = b.fsub(_log_rest(b, f), b.fma(b.fneg(error), f, error))  # log(1 + f + error) is error / (1 + f) more
    return _log_sum(b, _as_number(b, k, type, b.const(type, 2.0 ** MANTISSA[type] + BIAS[type])), f, rest)


def log1p(b, x):
    return b.copysign(_log_ends(b, x, _log1p(b, x), -1), x)  # -0 stays


def softplus(b, x):
    """log(1 + exp(x)): max(x, 0) + log1p(exp(-|x|))."""
    zero = b.const(x.type, 0)
    e = _exp(b, b.fneg(_at_most(b, b.fabs(x), -EXP_RANGE[x.type][1])))
    return b.fadd(b.select(b.fcmp("olt", x, zero), zero, x), _log1p(b, e))


# Trigonometric functions.

# (sin(r) / r - 1) / z and (cos(r) - 1 + z / 2) / z^2 by z = r^2, |r| <= pi / 4
SIN = {
    "float": (-0.166666552, 0.00833218917, -0.000195181769),
    "double": (
        -0.16666666666666632, 0.008333333333322417, -0.00019841269829764938, 2.7557313666387465e-06,
        -2.5050752871527487e-08, 1.5896434369805458e-10,
    ),
}  # fmt: skip
COS = {
    "float": (0.0416666456, -0.00138873013, 2.44306557e-05),
    "double": (
        0.041666666666666595, -0.00138888888888733, 2.4801587288944417e-05, -2.7557314190758186e-07,
        2.087570053612456e-09, -1.135843356576111e-11,
    ),
}  # fmt: skip


def _quadrant(b, x):
    """n, by its low bits, and r, as the sum of two, with x = n pi/2 + r, |r| <= pi/4."""
    type = x.type
    n, low = _nearest(b, x, TWO_OVER_PI)
    first, second, third = (b.const(type, part) for part in HALF_PI[type])
    near = b.fma(b.fneg(n), first, x)  # exact
    product = b.fmul(n, second)
    lost = b.fma(n, second, b.fneg(product))
    r = b.fsub(near, product)
    rest = b.fsub(b.fsub(b.fsub(near, r), product), lost)
    return low, r, b.fma(b.fneg(n), third, rest)


def _sin_and_cos(b, r, rest):
    """sin and cos of r + rest, |r| <= pi/4."""
    type = r.type
    z = b.fmul(r, r)
    sin = b.fadd(r, b.fma(b.fmul(r, z), _polynomial(b, z, SIN[type]), rest))
    half, one = b.fmul(b.const(type, 0.5), z), b.const(type, 1)
    near = b.fsub(one, half)
    error = b.fsub(b.fsub(one, near), half)
    small = b.fma(b.fmul(z, z), _polynomial(b, z, COS[type]), b.fma(b.fneg(r), rest, error))
    return sin, b.fadd(near, small)


def _but_zero(b, x, value):
    """`value`, but x where x is 0: -0 stays."""
    return b.select(b.fcmp("oeq", x, b.const(x.type, 0)), x, value)


def _turned(b, n, even, odd):
    """`even` or `odd` by n's lowest bit, with the sign turned by the next one."""
    one, two = b.const(n.type, 1), b.const(n.type, 2)
    value = b.select(b.icmp("eq", b.and_(n, one), b.const(n.type, 0)), even, odd)
    sign = b.shl(b.and_(n, two), b.const(n.type, WIDTH[n.type] - 2))
    return _number(b, b.xor(_bits(b, value), sign))


def sin(b, x):
    n, r, rest = _quadrant(b, x)
    s, c = _sin_and_cos(b, r, rest)
    return _but_zero(b, x, _turned(b, n, s, c))


def cos(b, x):
    n, r, rest = _quadrant(b, x)
    s, c = _sin_and_cos(b, r, rest)
    return _turned(b, b.add(n, b.const(n.type, 1)), s, c)  # -sin(r) in the next quadrant, and so on


def tan(b, x):
    n, r, rest = _quadrant(b, x)
    s, c = _sin_and_cos(b, r, rest)
    odd = b.icmp("ne", b.and_(n, b.const(n.type, 1)), b.const(n.type, 0))
    return _but_zero(b, x, b.fdiv(b.select(odd, b.fneg(c), s), b.select(odd, s, c)))


def _bits_of(number, type):
    """The bits of a number, as an integer."""
    pack = ("f", "I") if type == "float" else ("d", "Q")
    (bits,) = struct.unpack(pack[1], struct.pack(pack[0], number))
    return bits


FUNCTIONS = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
}
