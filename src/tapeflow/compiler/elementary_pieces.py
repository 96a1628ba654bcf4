"""What the elementary functions are made of: bits, polynomials, error-free sums."""

import struct

INTEGER = {"float": "i32", "double": "i64"}
MANTISSA = {"float": 23, "double": 52}  # bits of the fraction
BIAS = {"float": 127, "double": 1023}  # of the exponent
ROUNDING = {"float": 1.5 * 2**23, "double": 1.5 * 2**52}  # added, it leaves the nearest integer in the low bits
ONE = {"float": 0x3F800000, "double": 0x3FF0000000000000}  # the bits of 1
ROOT_OF_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}  # the bits of sqrt(1/2)


LOG2E = 1.4426950408889634
LOG_OF_2 = 0.6931471805599453

# Constants in parts, each the nearest number to what those before it leave.
LN2 = {  # the first part so short that its product with an exponent is exact
    "float": (0.693145751953125, 1.428606765330187e-06),
    "double": (0.6931471805601177, -1.7239444525614835e-13),
}
HALF_PI = {
    "float": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    "double": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}


def to_bits(b, x):
    return b.cast("bitcast", x, INTEGER[x.type])


def from_bits(b, bits):
    return b.cast("bitcast", bits, "float" if bits.type == "i32" else "double")


def polynomial(b, x, coefficients):
    """By Horner's rule; the coefficient of the lowest power comes first."""
    total = b.const(x.type, coefficients[-1])
    if coefficients[-1] == 1 and len(coefficients) > 1:
        total = b.fadd(x, b.const(x.type, coefficients[-2]))
        coefficients = coefficients[:-1]
    for c in coefficients[-2::-1]:
        total = b.fma(total, x, b.const(x.type, c))
    return total


def at_most(b, x, bound):
    """min(x, bound); NaN stays NaN."""
    bound = b.const(x.type, bound)
    return b.select(b.fcmp("ogt", x, bound), bound, x)


def at_least(b, x, bound):
    bound = b.const(x.type, bound)
    return b.select(b.fcmp("olt", x, bound), bound, x)


def nearest(b, x, factor):
    """The integer nearest to x * factor, as a number, and as the low bits of an integer."""
    shift = b.const(x.type, ROUNDING[x.type])
    shifted = b.fma(x, b.const(x.type, factor), shift)
    return b.fsub(shifted, shift), to_bits(b, shifted)


def two_sum(b, x, y):
    """x + y for |x| >= |y|, or x = 0: the rounded sum and its error, exactly."""
    total = b.fadd(x, y)
    return total, b.fsub(y, b.fsub(total, x))


def but_small(b, x, value):
    """`value`, but x where that is so small that they are equal: -0 and denormal numbers stay."""
    small = b.fcmp("olt", b.fabs(x), b.const(x.type, 2.0 ** -(MANTISSA[x.type] + 2)))
    return b.select(small, x, value)


def flip(b, x, condition):
    """-x where the condition holds."""
    return b.select(condition, b.fneg(x), x)


def power_of_two(b, n, type, less=0):
    """2**(n - less) by the low bits of n: a normal number."""
    n = b.add(n, b.const(n.type, BIAS[type] - less))
    return from_bits(b, b.shl(n, b.const(n.type, MANTISSA[type])))


def pattern(number, type):
    """The bits of a constant."""
    pack = ("f", "I") if type == "float" else ("d", "Q")
    (bits,) = struct.unpack(pack[1], struct.pack(pack[0], number))
    return bits
