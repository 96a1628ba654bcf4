"""Special functions: the error function and its kin, the logarithm of the gamma function and its derivative."""

from math import inf, nan

from tapeflow.compiler.elementary_exp import exp_within, log
from tapeflow.compiler.elementary_pieces import at_most, flip, polynomial

# erf(x) / x - 1 by x^2, x from 0 to 1
ERF = {
    "float": (
        0.128379166, -0.37612626, 0.112835854, -0.0268538147, 0.00518833054, -0.000801020244, 7.85384982e-05,
    ),
    "double": (
        0.1283791670955126, -0.3761263890318375, 0.11283791670954858, -0.02686617064507296, 0.00522397762478137,
        -0.0008548326978765149, 0.00012055331037551108, -1.4925593518728226e-05, 1.6460972954153765e-06,
        -1.635002619207727e-07, 1.4657883530919653e-08, -1.136567067182716e-09, 5.945255584223488e-11,
    ),
}  # fmt: skip
# (1 + 2 x) exp(x^2) erfc(x) by (x - k) / (x + k), k = ERFC_CENTRE, x from 0 to ERFC_RANGE, where erfc is 0.
# (The transformation is M. M. Shepherd and J. G. Laframboise's, Chebyshev approximation of (1 + 2x) exp(x^2) erfc x,
# Mathematics of Computation 36, 1981.)
ERFC_CENTRE = {"float": 2, "double": 4}
ERFC_RANGE = {"float": 10.2, "double": 27.35}
ERFC = {
    "float": (
        1.27697837, -0.0927639827, -0.166031465, 0.164055422, -0.054203894, -0.00806014612, 0.00863012485,
        0.00131332467, -0.00122802693, -0.000399467361,
    ),
    "double": (
        1.2329951186255526, -0.13962111684056253, 0.015379652102619655, 0.06809705425469542, -0.10103906603629964,
        0.09373283499825137, -0.06633036581231706, 0.037167515539082124, -0.016197734056680676, 0.005031969963686973,
        -0.0007577732964272459, -0.00019925661749391644, 0.00015062171443740936, -2.4399475156785006e-05,
        -1.1222170842320504e-05, 5.7102795771336365e-06, 2.941731432722141e-07, -8.260888826869072e-07,
        7.404157276885877e-08, 1.1042494625036183e-07, -1.7385719443394048e-08, -1.4087645605544762e-08,
        1.6384727855990634e-09, 1.1870142552578629e-09,
    ),
}  # fmt: skip


def _erfc(b, size):
    """erfc of a number that is not below 0."""
    type = size.type
    one, two, centre = (b.const(type, number) for number in (1, 2, ERFC_CENTRE[type]))
    size = at_most(b, size, ERFC_RANGE[type])
    where = b.fdiv(b.fsub(size, centre), b.fadd(size, centre))
    factor = b.fdiv(polynomial(b, where, ERFC[type]), b.fma(two, size, one))
    minus = b.fneg(size)
    square = b.fmul(minus, size)
    return exp_within(b, square, more=b.fma(minus, size, b.fneg(square)), factor=factor)


def _erf_near(b, x):
    """erf of a number within -1 to 1."""
    return b.fma(x, polynomial(b, b.fmul(x, x), ERF[x.type]), x)


def erf(b, x):
    """By a polynomial up to 1, then 1 - erfc(x)."""
    size, one = b.fabs(x), b.const(x.type, 1)
    far = b.fsub(one, _erfc(b, size))
    return b.copysign(b.select(b.fcmp("olt", size, one), _erf_near(b, size), far), x)


def erfc(b, x):
    type = x.type
    size = b.fabs(x)
    value = _erfc(b, size)
    value = b.select(b.fcmp("olt", x, b.const(type, 0)), b.fsub(b.const(type, 2), value), value)
    near = b.fsub(b.const(type, 1), _erf_near(b, x))
    return b.select(b.fcmp("olt", size, b.const(type, 0.5)), near, value)


# erfinv(x) / x by w = -log(1 - x^2) less ERFINV_CENTRE.
# (That it is smooth in w, and beyond in sqrt(w), is M. Giles's, Approximating the erfinv function, GPU Gems 4, 2010.)
ERFINV_CENTRE = {"float": 2.5, "double": 3.125}
ERFINV = {
    "float": (
        1.50140941, 0.24664028, -0.00417738687, -0.0012527419, 0.000218344474, -4.9633536e-06, -3.46271236e-06,
        4.66171997e-07, 2.32331168e-08, -8.79116069e-09,
    ),
    "double": (
        1.6536545626831027, 0.24015818242558826, -0.006033670871427754, -0.0007407025341539539,
        0.00018673420802425736, -1.3882523395793378e-05, -1.3654691844361492e-06, 4.234788190792303e-07,
        -2.907038277384794e-08, -4.11266197858198e-09, 1.0512183979357846e-09, -5.41423897504326e-11,
        -1.2976958146602451e-11, 2.630354543512035e-12, -8.117011109586649e-14, -3.9989777943438974e-14,
        6.594702648067909e-15, -4.2865220869367894e-17, -1.3003924813658048e-16, 1.5759723626469778e-17,
        1.1444181241769254e-18, -3.575467007806616e-19, -1.0091830290920815e-21, 3.3756798625651334e-21,
    ),
}  # fmt: skip
# From w = 5 (double: 6.25 and 16) on, by sqrt(w) less the number that comes first.
ERFINV_FAR = {
    "float": (
        (5, 3.2, (
            3.03363657, 1.00469255, 0.00597586529, -0.00429484667, 0.00292697921, -0.00199095625, 0.00115337688,
            -0.000361469749, -0.000112396279, 0.000100988233,
        )),
    ),
    "double": (
        (6.25, 3.25, (
            3.0838856104922208, 1.0052589676941657, 0.005370914553570911, -0.003751208508262949,
            0.0024914420970182974, -0.001688275534251905, 0.0009532893630752234, -0.0003550378308247715,
            2.403126313417727e-05, 6.828724877128656e-05, -4.7319015574599884e-05, 1.2464433258165653e-05,
            2.925824140545363e-06, -3.984077619650282e-06, 1.4985460589330597e-06, -3.026537033385856e-08,
            -2.711866960156712e-07, 1.3394180679100903e-07, 6.343222314489732e-10, -1.618726769560554e-08,
        )),
        (16, 5, (
            4.849906401408584, 1.010300464864542, -0.00013871931833526287, -0.00021503011965885168,
            7.599527702762632e-05, -1.9681773130190585e-05, 4.526062453668345e-06, -9.930139239330293e-07,
            2.2900606013567103e-07, -6.760783177949684e-08, 2.914385913685212e-08, -1.5157940896478257e-08,
            7.622229471228973e-09, -3.5748680592891736e-09, 1.5026368556384435e-09, -3.7918927372593484e-10,
            -2.561626435133241e-11, 2.934645558208838e-11,
        )),
    ),
}  # fmt: skip


def erfinv(b, x):
    type = x.type
    w = b.fneg(log(b, b.fma(b.fneg(x), x, b.const(type, 1))))
    factor = polynomial(b, b.fsub(w, b.const(type, ERFINV_CENTRE[type])), ERFINV[type])
    root = b.sqrt(w)
    for start, centre, coefficients in ERFINV_FAR[type]:
        far = polynomial(b, b.fsub(root, b.const(type, centre)), coefficients)
        factor = b.select(b.fcmp("oge", w, b.const(type, start)), far, factor)
    end = b.fcmp("oeq", b.fabs(x), b.const(type, 1))
    return b.fmul(x, b.select(end, b.const(type, inf), factor))


# lgamma and digamma of floats are those of doubles, rounded.

# lgamma(1 + t) / (t (t - 1)) by t - 1/2, t from 0 to 1
LGAMMA = (
    0.4831289505409809, -0.14595989591430608, 0.06291140107456437, -0.03130848750100938, 0.016797098631275972,
    -0.009425622448635446, 0.005446457839032763, -0.0032120740693583685, 0.0019229163152284098,
    -0.0011644146798545424, 0.0007115190309553748, -0.0004379918267973346, 0.0002713140721716868,
    -0.00016892808148988035, 0.00010535324239006213, -6.60881116469454e-05, 4.303409846021938e-05,
    -2.7371079379590946e-05, 1.3173913274121036e-05, -8.053484789228523e-06, 1.2149711128867479e-05,
    -7.990737564836688e-06,
)  # fmt: skip
# (lgamma(y) - (y - 1/2) log(y) + y - log(2 pi) / 2) y by 1 / y^2, y from 8
STIRLING = (
    0.08333333333333333, -0.0027777777777741003, 0.0007936507898355585, -0.0005952366071162396,
    0.0008414728669380262, -0.0018905408298981376, 0.005069265392352649,
)  # fmt: skip
# sin(pi r) / r by r^2, |r| <= 1/2
SIN_PI = (
    3.141592653589793, -5.167712780049969, 2.550164039877294, -0.5992645293187381, 0.08214588656989054,
    -0.007370430478749376, 0.00046629968873115353, -2.1903185361363093e-05, 7.694727129223005e-07,
)  # fmt: skip
# digamma(1 + t) / (1 + t - DIGAMMA_ROOT) by t - 1/2, t from 0 to 1
DIGAMMA_ROOT = (1.4616321449683622, 9.549995429965697e-17)
DIGAMMA = (
    0.9510558760318328, -0.4236274212814606, 0.24054248424078722, -0.1484049230538802, 0.09498872445285002,
    -0.061922133275550455, 0.04076083394337775, -0.026975796657315438, 0.01790724823594765, -0.01190822015996442,
    0.007927023321430028, -0.0052799365465260005, 0.003518088764711913, -0.0023455005719212056,
    0.0015635030246950346, -0.0010364281980067087, 0.0006902836207715892, -0.0004860467787793845,
    0.0003258771957600899, -0.00014463477455904108, 9.32997941309136e-05, -0.00017834985270857916,
    0.00012117074950983246,
)  # fmt: skip
# (digamma(y) - log(y) + 1 / (2 y)) y^2 by 1 / y^2, y from 8
DIGAMMA_FAR = (
    -0.08333333333333333, 0.008333333333331734, -0.003968253966070614, 0.004166665528604001, -0.007575464852724691,
    0.021051522313144697, -0.0800447901788065, 0.2998160339075101,
)  # fmt: skip
# pi r cot(pi r) (1 - r^2) / (1 - 4 r^2) by r^2, |r| <= 1/2
COT_PI = (
    1.0, -0.2898681336964537, -0.034250868511529434, -0.007043130598503218, -0.0016411106624642884,
    -0.0003988830789652039, -9.852901370973915e-05, -2.461097563428234e-05, -5.78710162588634e-06,
    -2.105294075909936e-06,
)  # fmt: skip


def _in_double(function):
    def either(b, x):
        if x.type == "double":
            return function(b, x)
        return b.cast("fptrunc", function(b, b.cast("fpext", x, "double")), "float")

    return either


def _lowered(b, y, step):
    """y less 1 as often as it takes to be below 2, for y < 8. `step(condition, y - 1)` is told each time."""
    for _ in range(6):
        less = b.fsub(y, b.const("double", 1))
        high = b.fcmp("oge", y, b.const("double", 2))
        step(high, less)
        y = b.select(high, less, y)
    return y


@_in_double
def lgamma(b, x):
    """log(|gamma(x)|) for y = |x|, reflected where x < 0: log(pi / (y |sin(pi y)|)) - lgamma(y).

    Up to 8, from 1 + t in 1 to 2 by gamma(y + 1) = y gamma(y); beyond, Stirling's series (DLMF 5.5, 5.11).
    """

    def c(number):
        return b.const("double", number)

    y = b.fabs(x)
    product = c(1)

    def multiply(high, less):
        nonlocal product
        product = b.select(high, b.fmul(product, less), product)

    lowered = _lowered(b, y, multiply)
    small, large = b.fcmp("olt", y, c(1)), b.fcmp("oge", y, c(8))
    t = b.select(small, y, b.fsub(lowered, c(1)))
    near = b.fmul(b.fmul(t, b.fsub(t, c(1))), polynomial(b, b.fsub(t, c(0.5)), LGAMMA))
    logarithm = log(b, b.select(b.or_(small, large), y, product))
    near = b.fadd(near, flip(b, logarithm, small))
    inverse = b.fdiv(c(1), y)
    rest = b.fma(inverse, polynomial(b, b.fmul(inverse, inverse), STIRLING), c(0.9189385332046727 - 0.5))
    far = b.fma(b.fsub(y, c(0.5)), b.fsub(logarithm, c(1)), rest)
    value = b.select(large, far, near)
    r = b.fsub(y, b.rint(y))
    sine = b.fmul(b.fabs(r), polynomial(b, b.fmul(r, r), SIN_PI))
    reflected = b.fsub(log(b, b.fdiv(c(3.141592653589793), b.fmul(y, sine))), value)
    reflected = b.select(b.fcmp("oeq", sine, c(0)), c(inf), reflected)  # a pole, however large
    value = b.select(b.fcmp("olt", x, c(0)), reflected, value)
    tiny = b.fcmp("olt", y, c(2.0**-60))  # -log(y), for the quotient above overflows
    value = b.select(tiny, b.fneg(logarithm), value)
    return b.select(b.fcmp("oeq", y, c(inf)), c(inf), value)


@_in_double
def digamma(b, x):
    """The derivative of lgamma, by the same steps: digamma(y + 1) = digamma(y) + 1 / y; NaN at the poles.

    digamma(-y) = digamma(y) + 1 / y + pi cot(pi y).
    """

    def c(number):
        return b.const("double", number)

    y = b.fabs(x)
    above, below = c(0), c(1)  # the sum of 1 / (y - 1), 1 / (y - 2), ... as a fraction

    def add(high, less):
        nonlocal above, below
        above = b.select(high, b.fma(above, less, below), above)
        below = b.select(high, b.fmul(below, less), below)

    lowered = _lowered(b, y, add)
    small, large = b.fcmp("olt", y, c(1)), b.fcmp("oge", y, c(8))
    t = b.select(small, y, b.fsub(lowered, c(1)))
    first, second = DIGAMMA_ROOT
    distance = b.fsub(b.fsub(t, c(first - 1)), c(second))
    near = b.fmul(distance, polynomial(b, b.fsub(t, c(0.5)), DIGAMMA))
    negative = b.fcmp("olt", x, c(0))  # where -1 / y, for a small y, and 1 / y cancel out
    above, below = b.select(small, b.select(negative, c(0), c(-1)), above), b.select(small, y, below)
    inverse = b.fdiv(c(1), y)
    square = b.fmul(inverse, inverse)
    far = b.fadd(log(b, y), b.fma(square, polynomial(b, square, DIGAMMA_FAR), b.fmul(c(-0.5), inverse)))
    value = b.select(large, far, b.fadd(near, b.fdiv(above, below)))
    r = b.fsub(y, b.rint(y))
    z = b.fmul(r, r)
    top = b.fmul(b.fma(c(-4), z, c(1)), polynomial(b, z, COT_PI))
    cot = b.fdiv(top, b.fmul(r, b.fsub(c(1), z)))
    reflected = b.fadd(value, b.fadd(b.select(small, c(0), inverse), cot))
    value = b.select(negative, reflected, value)
    pole = b.and_(b.fcmp("ole", x, c(0)), b.fcmp("oeq", r, c(0)))
    return b.select(b.or_(pole, b.fcmp("oeq", x, c(-inf))), c(nan), value)
