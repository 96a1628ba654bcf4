"""Sine, cosine, tangent and their inverses."""

from math import inf, nan

from tapeflow.compiler.elementary_pieces import (
    BIAS,
    HALF_PI,
    INTEGER,
    MANTISSA,
    ROUNDING,
    flip,
    from_bits,
    nearest,
    pattern,
    polynomial,
    to_bits,
    two_sum,
)
from tapeflow.compiler.emit import WIDTH, Value

TWO_OVER_PI = 0.6366197723675814

# Trigonometric functions.

# (sin(r) / r - 1) / z and (cos(r) - 1 + z / 2) / z^2 by z = r^2, |r| <= pi / 4 (a little more for floats)
SIN = {
    "float": (-0.166666538, 0.00833210628, -0.000195078828),
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


# The bits of 2 / pi, from that of weight 2^39 downwards.
TWO_OVER_PI_BITS = (
    0x0000000000A2F983,
    0x6E4E441529FC2757,
    0xD1F534DDC0DB6295,
    0x993C439041FE5163,
    0xABDEBBC561B7246E,
    0x3A424DD2E006492E,
    0xEA09D1921CFE1DEB,
    0x1CB129A73EE88235,
    0xF52EBB4484E99C70,
    0x26B45F7E413991D6,
    0x39835339F49C845F,
    0x8BBDF9283B1FF897,
    0xFFDE05980FEF2F11,
    0x8B5A0A6D1F6D367E,
    0xCF27CB09B74F463F,
    0x669E5FEA2D7527BA,
    0xC7EBE5F17B3D0739,
    0xF78A5292EA6BFB5F,
    0xB11F8D5D08560330,
)
# Beyond, _quadrant_near is wrong.
NEAR = {"float": 2.0**15, "double": 2.0**40}
# For floats alone: cos(r) by r^2, |r| < 0.7877; pi/2 in parts, which are all positive, so that -0 keeps its sign.
COS_OF_FLOAT = (1.0, -0.49999884, 0.041655693, -0.0013590553)
HALF_PI_OF_FLOAT = (1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15)
FEW = 2**15  # quarter turns


def _quadrant_near(b, x):
    """_quadrant for |x| up to NEAR: n pi/2 is taken off in three parts (Cody and Waite)."""
    type = x.type
    n, low = nearest(b, x, TWO_OVER_PI)
    first, second, third = (b.const(type, part) for part in HALF_PI[type])
    near = b.fma(b.fneg(n), first, x)  # exact
    product = b.fmul(n, second)
    lost = b.fma(n, second, b.fneg(product))
    r = b.fsub(near, product)
    rest = b.fsub(b.fsub(b.fsub(near, r), product), lost)
    return b.cast("trunc", low, "i32") if type == "double" else low, r, b.fma(b.fneg(n), third, rest)


def _product(b, x, y):
    """The 128 bits of x * y as two integers, high and low, by halves of 32 bits."""
    half, mask = b.const("i64", 32), b.const("i64", 2**32 - 1)
    a, c, d, e = b.lshr(x, half), b.and_(x, mask), b.lshr(y, half), b.and_(y, mask)
    low, one, other = b.mul(c, e), b.mul(a, e), b.mul(c, d)
    middle = b.add(b.add(b.lshr(low, half), b.and_(one, mask)), b.and_(other, mask))
    high = b.add(b.add(b.mul(a, d), b.lshr(one, half)), b.add(b.lshr(other, half), b.lshr(middle, half)))
    return high, b.mul(x, y)


def _quadrant_far(b, x):
    """_quadrant for a double x from 2^15: of x 2/pi only the bits that matter (M. Payne and R. Hanek, 1983).

    x = m 2^e with an integer m; bits of 2/pi that make multiples of 4 are left out, and so are those below 2^-126.
    """

    def i64(number):
        return b.const("i64", number)

    bits = to_bits(b, x)
    place = b.sub(b.lshr(bits, i64(52)), i64(1075 - 38))  # e + 38
    m = b.or_(b.and_(bits, i64(2**52 - 1)), i64(2**52))
    index = b.intrinsic("umin", b.lshr(place, i64(6)), i64(len(TWO_OVER_PI_BITS) - 4))
    words = [b.load(b.address(_table(b), b.add(index, i64(k)), "i64"), "i64") for k in range(4)]
    shift = b.and_(place, i64(63))
    first, second, third = (b.intrinsic("fshl", *words[k : k + 2], shift) for k in range(3))
    above, middle = _product(b, m, second)
    low = b.add(middle, _product(b, m, third)[0])
    carry = b.cast("zext", b.icmp("ult", low, middle), "i64")
    high = b.add(b.add(b.mul(m, first), above), carry)  # (high, low): x 2/pi modulo 4, two bits before the point
    n = b.lshr(b.add(high, i64(2**61)), i64(62))
    rest = b.shl(low, i64(2))
    high = b.intrinsic("fshl", high, low, i64(2))  # (high, rest): the fraction, from -1/2 to 1/2, as 2^128 parts
    parts = (
        b.fmul(b.cast("sitofp", b.ashr(high, i64(32)), "double"), b.const("double", 2.0**-32)),
        b.fmul(b.cast("uitofp", b.and_(high, i64(2**32 - 1)), "double"), b.const("double", 2.0**-64)),
        b.fmul(b.cast("uitofp", rest, "double"), b.const("double", 2.0**-128)),
    )
    total, error = two_sum(b, *parts[:2])
    total, error = two_sum(b, total, b.fadd(error, parts[2]))
    first, second = (b.const("double", part) for part in HALF_PI["double"][:2])
    r = b.fmul(total, first)
    return b.cast("trunc", n, "i32"), r, b.fma(total, second, b.fma(error, first, b.fma(total, first, b.fneg(r))))


def _table(b):
    """The address of TWO_OVER_PI_BITS."""
    words = ", ".join(f"i64 {word}" for word in TWO_OVER_PI_BITS)
    name = "@tapeflow.two_over_pi"
    b.declared[name] = f"{name} = private constant [{len(TWO_OVER_PI_BITS)} x i64] [{words}]"
    return Value("ptr", name)


def _quadrant(b, x):
    """n, by its low bits (i32), and r, as the sum of two, with x = n pi/2 + r, |r| <= pi/4, for x not below 0."""
    type = x.type
    far = b.fcmp("ogt", x, b.const(type, NEAR[type]))
    n, r, rest = _quadrant_near(b, x)
    if b.unusual is not None:
        b.note(b.select(far, b.const("i32", -1), b.const("i32", 0)))
        return n, r, rest
    wide = x if type == "double" else b.cast("fpext", x, "double")
    far_n, far_r, far_rest = _quadrant_far(b, wide)
    if type == "float":
        high = b.cast("fptrunc", far_r, "float")
        far_rest = b.cast("fptrunc", b.fadd(b.fsub(far_r, b.cast("fpext", high, "double")), far_rest), "float")
        far_r = high
    far_r = b.select(b.fcmp("oeq", x, b.const(type, inf)), b.const(type, nan), far_r)
    return b.select(far, far_n, n), b.select(far, far_r, r), b.select(far, far_rest, rest)


def _sin_and_cos(b, r, rest):
    """sin and cos of r + rest, |r| <= pi/4."""
    type = r.type
    z = b.fmul(r, r)
    sin = b.fadd(r, b.fma(b.fmul(r, z), polynomial(b, z, SIN[type]), rest))
    half, one = b.fmul(b.const(type, 0.5), z), b.const(type, 1)
    near = b.fsub(one, half)
    error = b.fsub(b.fsub(one, near), half)
    small = b.fma(b.fmul(z, z), polynomial(b, z, COS[type]), b.fma(b.fneg(r), rest, error))
    return sin, b.fadd(near, small)


def _turned(b, n, even, odd, sign=None):
    """`even` or `odd` by n's lowest bit, with the sign turned by the next one, and by that of `sign`."""
    one, two = b.const("i32", 1), b.const("i32", 2)
    value = to_bits(b, b.select(b.icmp("eq", b.and_(n, one), b.const("i32", 0)), even, odd))
    turn = b.and_(n, two)
    turn = b.shl(
        turn if value.type == "i32" else b.cast("zext", turn, "i64"), b.const(value.type, WIDTH[value.type] - 2)
    )
    if sign is not None:
        turn = b.xor(turn, b.and_(to_bits(b, sign), b.const(value.type, -(2 ** (WIDTH[value.type] - 1)))))
    return from_bits(b, b.add(value, turn))


def _quadrant_of_float(b, x):
    """n, by its low bits (i32), and r, a single float, with x = n pi/2 + r, |r| <= pi/4, for any x.

    n pi/2 is taken off in three steps, of which only the last one that matters rounds. What is noted is small if n is
    from -FEW to FEW - 1.
    """
    shift = ROUNDING["float"] + FEW
    shifted = b.fma(x, b.const("float", TWO_OVER_PI), b.const("float", shift))
    n, low, r = b.fneg(b.fsub(shifted, b.const("float", shift))), to_bits(b, shifted), x
    for part in HALF_PI_OF_FLOAT:
        r = b.fma(n, b.const("float", part), r)
    differs = b.xor(low, b.const("i32", pattern(ROUNDING["float"], "float")))
    if b.unusual is not None:
        b.note(differs)
        return low, r
    size = b.fabs(x)
    far_n, far_r, far_rest = _quadrant_far(b, b.cast("fpext", size, "double"))
    far_r = b.cast("fptrunc", b.fadd(far_r, far_rest), "float")
    far_r = b.select(b.fcmp("olt", size, b.const("float", inf)), far_r, b.const("float", nan))
    negative = b.fcmp("olt", x, b.const("float", 0))
    far_n = b.select(negative, b.sub(b.const("i32", 0), far_n), far_n)
    far = b.is_unusual(differs)
    return b.select(far, far_n, low), b.select(far, flip(b, far_r, negative), r)


def _sin_and_cos_of_float(b, r):
    z = b.fmul(r, r)
    less = polynomial(b, z, (0.0, *SIN["float"]))  # +0 for a tiny r, which then keeps its sign
    return b.fma(r, less, r), polynomial(b, z, COS_OF_FLOAT)


def sin(b, x):
    if x.type == "float":
        n, r = _quadrant_of_float(b, x)
        return _turned(b, n, *_sin_and_cos_of_float(b, r))
    n, r, rest = _quadrant(b, b.fabs(x))
    return _turned(b, n, *_sin_and_cos(b, r, rest), sign=x)


def cos(b, x):
    if x.type == "float":
        n, r = _quadrant_of_float(b, x)
        s, c = _sin_and_cos_of_float(b, r)
    else:
        n, r, rest = _quadrant(b, b.fabs(x))
        s, c = _sin_and_cos(b, r, rest)
    return _turned(b, b.add(n, b.const("i32", 1)), s, c)  # -sin(r) in the next quadrant, and so on


def tan(b, x):
    n, r, rest = _quadrant(b, b.fabs(x))
    s, c = _sin_and_cos(b, r, rest)
    odd = b.icmp("ne", b.and_(n, b.const("i32", 1)), b.const("i32", 0))
    quotient = b.fdiv(b.select(odd, b.fneg(c), s), b.select(odd, s, c))
    return b.fmul(quotient, b.copysign(b.const(x.type, 1), x))


# Inverse ones.

# (atan(w) / w - 1) / z by z = w^2, |w| <= sqrt(2) - 1 = tan(pi / 8)
ATAN = {
    "float": (-0.333333164, 0.199985325, -0.142445102, 0.106001623, -0.0609268434),
    "double": (
        -0.333333333333332, 0.19999999999953819, -0.1428571428022029, 0.11111110784655537, -0.09090897792077625,
        0.07692060820827422, -0.06663110832213684, 0.05847937617640466, -0.05039516802149987, 0.03806979335473721,
        -0.017912759543880583,
    ),
}  # fmt: skip
# (asin(s) / s - 1) / z by z = s^2, s from 0 to 1/2
ASIN = {
    "float": (0.166666597, 0.0750052109, 0.0445136428, 0.0318358876, 0.0143302632, 0.0376709998),
    "double": (
        0.16666666666665383, 0.07500000000342882, 0.04464285682359858, 0.03038195932743298, 0.022371753591209062,
        0.017359770426487422, 0.013884601992520692, 0.012173275797840766, 0.006510789897066734, 0.019574278581919603,
        -0.01629494626486248, 0.031959746787648374,
    ),
}  # fmt: skip


def _angle(b, above, below, turned, quarters):
    """`quarters` pi/2 + atan(above / below), or less it where `turned`, for 0 <= above <= below.

    atan is of w = above / below, or pi/4 + atan(w), w = (above - below) / (above + below), so that |w| <= tan(pi/8).
    """
    type = above.type
    large = b.fcmp("ogt", above, b.fmul(below, b.const(type, 0.4142135623730951)))
    w = b.fdiv(
        b.select(large, b.fsub(above, below), above),
        b.select(large, b.fadd(above, below), below),
    )
    w = flip(b, w, turned)
    z = b.fmul(w, w)
    eighth = flip(b, b.select(large, b.const(type, 0.5), b.const(type, 0)), turned)
    quarters = b.fadd(quarters, eighth)
    first, second = (b.const(type, part) for part in HALF_PI[type][:2])
    total = b.fmul(quarters, first)
    rest = b.fma(quarters, second, b.fma(quarters, first, b.fneg(total)))
    total, error = two_sum(b, total, w)
    return b.fadd(total, b.fadd(error, b.fma(b.fmul(w, z), polynomial(b, z, ATAN[type]), rest)))


def atan(b, x):
    """atan(|x|), or pi/2 - atan(1 / |x|) above 1."""
    type = x.type
    size, one = b.fabs(x), b.const(type, 1)
    inverse = b.fcmp("ogt", size, one)
    quarters = b.select(inverse, one, b.const(type, 0))
    y = _angle(b, b.select(inverse, one, size), b.select(inverse, size, one), inverse, quarters)
    return b.copysign(y, x)


def atan2(b, y, x):
    """The angle of the point (x, y), as in C (annex F)."""
    type = x.type
    exponent = BIAS[type]
    tall, wide = b.fabs(y), b.fabs(x)
    steep = b.fcmp("ogt", tall, wide)
    above, below = b.select(steep, wide, tall), b.select(steep, tall, wide)
    one = b.const(type, 1)
    # Far from where their sum overflows, or where they are denormal; 1 / 1 for inf / inf; 0 / 1 for 0 / 0.
    scale = b.select(b.fcmp("ogt", below, b.const(type, 2.0 ** (exponent - 3))), b.const(type, 0.25), one)
    tiny = b.fcmp("olt", below, b.const(type, 2.0 ** (3 * MANTISSA[type] - exponent + 3 - MANTISSA[type])))
    scale = b.select(tiny, b.const(type, 2.0 ** (MANTISSA[type] + 3)), scale)
    infinite = b.fcmp("oeq", above, b.const(type, inf))
    one_by_one = b.or_(infinite, b.fcmp("oeq", below, b.const(type, 0)))
    above = b.select(infinite, one, b.fmul(above, scale))
    below = b.select(one_by_one, one, b.fmul(below, scale))
    back = b.icmp("slt", to_bits(b, x), b.const(INTEGER[type], 0))  # the left half-plane, -0 included
    quarters = b.select(steep, one, b.select(back, b.const(type, 2), b.const(type, 0)))
    angle = _angle(b, above, below, b.xor(steep, back), quarters)
    return b.select(b.fcmp("uno", x, y), b.const(type, nan), b.copysign(angle, y))


def _asin_reduced(b, size):
    """`large`, s + rest: asin(size) = s + rest, or pi/2 - 2 (s + rest) where `large`."""
    type = size.type
    half = b.const(type, 0.5)
    large = b.fcmp("ogt", size, half)
    z = b.select(large, b.fma(b.fneg(size), half, half), b.fmul(size, size))
    s = b.select(large, b.sqrt(z), size)
    return large, s, b.fmul(b.fmul(s, z), polynomial(b, z, ASIN[type]))


def asin(b, x):
    type = x.type
    large, s, rest = _asin_reduced(b, b.fabs(x))
    first, second = (b.const(type, part) for part in HALF_PI[type][:2])
    minus = b.const(type, -2)
    total, error = two_sum(b, first, b.fmul(minus, s))
    far = b.fadd(total, b.fadd(error, b.fma(minus, rest, second)))
    return b.copysign(b.select(large, far, b.fadd(s, rest)), x)


def acos(b, x):
    """pi/2 - asin(x); 2 (s + rest) near 1, pi less it near -1."""
    type = x.type
    large, s, rest = _asin_reduced(b, b.fabs(x))
    one, two = b.const(type, 1), b.const(type, 2)
    below = b.fcmp("olt", x, b.const(type, 0))
    factor = b.select(large, two, one)
    factor = flip(b, factor, b.xor(large, b.not_(below)))
    quarters = b.select(large, b.select(below, two, b.const(type, 0)), one)
    first, second = (b.const(type, part) for part in HALF_PI[type][:2])
    total, error = two_sum(b, b.fmul(quarters, first), b.fmul(factor, s))
    return b.fadd(total, b.fadd(error, b.fma(factor, rest, b.fmul(quarters, second))))
