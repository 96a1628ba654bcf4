"""exp, log and tanh of floats by tables, for machines that look up a whole vector in registers at once.

A table takes the place of the higher terms of a polynomial: multiplications, which such a loop has the most of. The
ends (0, infinities, NaN, negative numbers) come from the instructions' own rules, without selects. P.-T. P. Tang,
Table-driven implementation of the exponential function, ACM TOMS 15 (1989), and of the logarithm, 16 (1990).
"""

from math import inf

from tapeflow.compiler.avx512 import call
from tapeflow.compiler.elementary_pieces import LOG2E, LOG_OF_2, at_least, at_most, polynomial, to_bits
from tapeflow.compiler.elementary_pieces import ROUNDING as ROUNDINGS

ROUNDING = ROUNDINGS["float"]
LN2 = (0.6931471824645996, -1.904654323148236e-09)

LEAST = -105.0  # where exp is 0
STEPS = 128 * 16  # 16ths

# (exp(r) - 1) / r for |r| <= ln(2) / 32
EXP = (1.0, 0.5000162, 0.16667046)


def exp(b, x):
    """exp(x) = 2^n (t + t r p(r)), t = 2^(j / 16); beyond STEPS r goes on growing."""
    if b.least.get(x.text, -inf) < LEAST:
        x = at_least(b, x, LEAST)
    shift = b.const("float", ROUNDING / 16)
    shifted = b.fma(x, b.const("float", LOG2E), shift)
    if b.most.get(x.text, inf) > 88:
        shifted = at_most(b, shifted, ROUNDING / 16 + STEPS / 16)
    n = b.fsub(shifted, shift)
    minus, r = b.fneg(n), x
    for part in LN2:
        r = b.fma(minus, b.const("float", part), r)
    t = call(b, "exp2", to_bits(b, shifted))
    return call(b, "scalef", b.fma(b.fmul(t, r), polynomial(b, r, EXP), t), n)


# (log(1 + z) - z) / z^2 for z from -1/64 to 1/32
LOG = (-0.5000012, 0.33336654, -0.24401802)


def log(b, x):
    """log(x) = k ln(2) - log(c) + log(1 + z), x = 2^k m, 1 + z = c m."""
    m = call(b, "getmant", x)
    k = b.fsub(call(b, "getexp", x), call(b, "getexp", m))
    place = b.lshr(to_bits(b, m), b.const("i32", 18))
    z = b.fma(m, call(b, "log_point", place), b.const("float", -1))
    far = b.fma(k, b.const("float", LOG_OF_2), call(b, "log_value", place))
    return b.fadd(far, b.fma(b.fmul(z, z), polynomial(b, z, LOG), z))


# (tanh(r) / r - 1) / r^2 by r^2, |r| <= 1/4
TANH = (-0.3333324, 0.13324164, -0.051420026)


def tanh(b, x):
    """tanh(c + r) = (tanh(c) + tanh(r)) / (1 + tanh(c) tanh(r)), for the c nearest to |x| of 0, 1/2, 1, ..."""
    size, shift = at_most(b, b.fabs(x), 10), b.const("float", ROUNDING / 2)
    shifted = b.fadd(size, shift)
    r = b.fsub(size, b.fsub(shifted, shift))
    z = b.fmul(r, r)
    near, far = b.fma(b.fmul(r, z), polynomial(b, z, TANH), r), call(b, "tanh", to_bits(b, shifted))
    y = b.fdiv(b.fadd(far, near), b.fma(far, near, b.const("float", 1)))
    return call(b, "nearer", x, y)
