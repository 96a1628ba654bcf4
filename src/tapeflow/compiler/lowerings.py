"""What elementwise primitives compute, as LLVM code on scalars: a table by the primitives' names.

A lowering is a function of the emitter, the dtype of the first operand and the operands' values (then the attributes)
to a value. `None` where the dtype is not served: then the NumPy kernel runs instead.
"""

import numpy as np

from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.types import F32, F64, HALVES, REGISTER
from tapeflow.core.numbers import SELU_ALPHA, SELU_SCALE


def _by_kind(of_floats, of_integers, of_unsigned=None):
    """An instruction for floating-point numbers, one for integers (and another for unsigned ones)."""

    def lower(b, dtype, x, y):
        name = of_floats if dtype.kind == "f" else of_unsigned if of_unsigned and dtype.kind == "u" else of_integers
        return getattr(b, name)(x, y)

    return lower


def _compare(of_floats, of_signed, of_unsigned):
    def lower(b, dtype, x, y):
        if dtype.kind == "f":
            return b.fcmp(of_floats, x, y)
        return b.icmp(of_signed if dtype.kind == "i" else of_unsigned, x, y)

    return lower


def _floating(lower):
    """A lowering for floating-point numbers only."""
    lower.only = "f"
    return lower


def _function(name):
    return _floating(lambda b, dtype, *operands: FUNCTIONS[name](b, *operands))


def _zero(b, x):
    return b.const(x.type, 0)


def _one(b, x):
    return b.const(x.type, 1)


def _negative(b, dtype, x):
    if dtype.kind != "f":
        return b.sub(_zero(b, x), x)
    value = b.fneg(x)
    b.most[value.text], b.least[value.text] = -_least(b, x), -b.most.get(x.text, np.inf)
    return value


def _square(b, dtype, x):
    if dtype.kind != "f":
        return b.mul(x, x)
    value = b.fmul(x, x)
    b.least[value.text] = 0
    return value


def _positive(b, dtype, x):
    """Whether x > 0."""
    return _compare("ogt", "sgt", "ugt")(b, dtype, x, _zero(b, x))


def _maximum(b, dtype, x, y):
    """The greater one, the second if they are equal, NaN if either is."""
    if dtype.kind == "f":
        wins = b.or_(b.fcmp("ogt", x, y), b.fcmp("uno", x, x))
        return b.select(wins, x, y)
    return b.intrinsic("smax" if dtype.kind == "i" else "umax", x, y)


def _minimum(b, dtype, x, y):
    """The lesser one, the second if they are equal, NaN if either is."""
    if dtype.kind == "f":
        wins = b.or_(b.fcmp("olt", x, y), b.fcmp("uno", x, x))
        return b.select(wins, x, y)
    return b.intrinsic("smin" if dtype.kind == "i" else "umin", x, y)


def _relu(b, dtype, x):
    return _maximum(b, dtype, x, _zero(b, x))


def _relu_grad(b, dtype, g, y):
    return b.select(_positive(b, dtype, y), g, _zero(b, g))


def _relu6(b, dtype, x):
    return _minimum(b, dtype, _relu(b, dtype, x), b.const(x.type, 6))


def _relu6_grad(b, dtype, g, y):
    inside = b.and_(_positive(b, dtype, y), _compare("olt", "slt", "ult")(b, dtype, y, b.const(y.type, 6)))
    return b.select(inside, g, _zero(b, g))


def _rounded(dtype, number):
    """A Python number in a dtype's precision, as the NumPy kernels take it."""
    return float(dtype.type(number))


def _leaky_relu(b, dtype, x, alpha):
    return b.select(_positive(b, dtype, x), x, b.fmul(x, b.const(x.type, _rounded(dtype, alpha))))


def _leaky_relu_grad(b, dtype, g, y, alpha):
    return b.select(_positive(b, dtype, y), g, b.fmul(g, b.const(g.type, _rounded(dtype, alpha))))


def _below_zero(b, x, other):
    return b.select(b.fcmp("olt", x, _zero(b, x)), other, x)


def _elu(b, dtype, x):
    return _below_zero(b, x, FUNCTIONS["expm1"](b, _minimum(b, dtype, x, _zero(b, x))))


def _selu(b, dtype, x):
    low = b.fmul(b.const(x.type, SELU_SCALE * SELU_ALPHA), FUNCTIONS["expm1"](b, _minimum(b, dtype, x, _zero(b, x))))
    return b.select(b.fcmp("olt", x, _zero(b, x)), low, b.fmul(b.const(x.type, SELU_SCALE), x))


def _softsign(b, dtype, x):
    return b.fdiv(x, b.fadd(_one(b, x), b.fabs(x)))


def _reciprocal(b, dtype, x):
    return b.fdiv(_one(b, x), x)


def _rsqrt(b, dtype, x):
    return b.fdiv(_one(b, x), b.sqrt(x))


def _squared_difference(b, dtype, x, y):
    return _square(b, dtype, b.fsub(x, y) if dtype.kind == "f" else b.sub(x, y))


def _unless_zero(compute):
    """`compute(x, y)`, 0 where y is 0."""

    def lower(b, dtype, x, y):
        return b.select(b.fcmp("oeq", y, _zero(b, y)), _zero(b, y), compute(b, x, y))

    return _floating(lower)


def _where_nonzero(compute):
    """`compute(x, y)`, x where it is 0."""

    def lower(b, dtype, x, y):
        return b.select(b.fcmp("oeq", x, _zero(b, x)), x, compute(b, x, y))

    return _floating(lower)


def _absolute(b, dtype, x):
    if dtype.kind == "f":
        return b.fabs(x)
    return b.select(b.icmp("slt", x, _zero(b, x)), b.sub(_zero(b, x), x), x)


def _sign(b, dtype, x):
    one, zero, minus_one = _one(b, x), _zero(b, x), b.const(x.type, -1)
    if dtype.kind == "f":
        level = b.select(b.fcmp("uno", x, x), x, zero)
        return b.select(b.fcmp("ogt", x, zero), one, b.select(b.fcmp("olt", x, zero), minus_one, level))
    return b.select(b.icmp("sgt", x, zero), one, b.select(b.icmp("slt", x, zero), minus_one, zero))


def _divided(b, dtype, x, y):
    """(quotient, remainder) of integers, toward 0. A check tells of zeros; here they must only do no harm."""
    if dtype.kind == "u":
        y = b.select(b.icmp("eq", y, _zero(b, y)), _one(b, y), y)
        return b.udiv(x, y), b.urem(x, y)
    unit = b.icmp("ult", b.add(y, _one(b, y)), b.const(y.type, 2))  # 0 or -1: the machine refuses least / -1
    safe = b.select(unit, _one(b, y), y)
    return b.select(unit, b.sub(_zero(b, x), x), b.sdiv(x, safe)), b.srem(x, safe)


def _down(b, dtype, r, y):
    """Whether an integer quotient toward 0, whose remainder is r, is more than the one toward -infinity."""
    if dtype.kind == "u":
        return b.const("i1", 0)
    differ = b.icmp("slt", b.xor(r, y), _zero(b, r))
    return b.and_(b.icmp("ne", r, _zero(b, r)), differ)


def _floor_div(b, dtype, x, y):
    if dtype.kind == "f":
        return b.floor(b.fdiv(x, y))
    q, r = _divided(b, dtype, x, y)
    return b.select(_down(b, dtype, r, y), b.sub(q, _one(b, q)), q)


def _floor_mod(b, dtype, x, y):
    if dtype.kind != "f":
        _, r = _divided(b, dtype, x, y)
        return b.select(_down(b, dtype, r, y), b.add(r, y), r)
    r = b.frem(x, y)
    zero = _zero(b, x)
    differ = b.xor(b.fcmp("olt", y, zero), b.fcmp("olt", r, zero))
    return b.select(b.and_(b.fcmp("une", r, zero), differ), b.fadd(r, y), r)


def _truncate_div(b, dtype, x, y):
    return b.truncate(b.fdiv(x, y)) if dtype.kind == "f" else _divided(b, dtype, x, y)[0]


def _truncate_mod(b, dtype, x, y):
    return b.frem(x, y) if dtype.kind == "f" else _divided(b, dtype, x, y)[1]


def _shifted(to_left):
    """A shift by at most the width of the type less 1, and at least 0."""

    def lower(b, dtype, x, y):
        most = b.const(y.type, 8 * dtype.itemsize - 1)
        if dtype.kind == "u":
            by = b.intrinsic("umin", y, most)
        else:
            by = b.intrinsic("smax", b.intrinsic("smin", y, most), _zero(b, y))
        return (b.shl if to_left else b.ashr if dtype.kind == "i" else b.lshr)(x, by)

    return lower


def _sigmoid_cross_entropy(b, dtype, x, z):
    positive = b.fcmp("oge", x, _zero(b, x))
    head = b.fsub(b.select(positive, x, _zero(b, x)), b.fmul(x, z))
    decay = FUNCTIONS["exp"](b, b.select(positive, b.fneg(x), x))
    return b.fadd(head, FUNCTIONS["log1p"](b, decay))


def _power(b, dtype, x, y):
    """Small whole exponents that are known are products, as NumPy's are where they are squares."""
    from tapeflow.compiler.emit import number_of

    exponent = number_of(y.text, y.type)
    if exponent == 0:
        return _one(b, x)
    if exponent == 1:
        return x
    if exponent == 2:
        return b.fmul(x, x)
    if exponent == 3:
        return b.fmul(b.fmul(x, x), x)
    if exponent == -1:
        return _reciprocal(b, dtype, x)
    return FUNCTIONS["pow"](b, x, y)


def _is_infinite(b, dtype, x):
    return b.fcmp("oeq", b.fabs(x), b.const(x.type, float("inf")))


def _is_finite(b, dtype, x):
    return b.fcmp("olt", b.fabs(x), b.const(x.type, float("inf")))


def _select(b, dtype, c, x, y):
    return b.select(c, x, y)


def cast(b, x, given, wanted):
    """A value in another dtype, as NumPy's `astype`: toward 0 to integers."""
    if given == wanted:
        return x
    if given in HALVES or wanted in HALVES:
        return _cast_half(b, x, given, wanted)
    source, target = REGISTER[given], REGISTER[wanted]
    if wanted.kind == "b":
        return b.fcmp("une", x, _zero(b, x)) if given.kind == "f" else b.icmp("ne", x, _zero(b, x))
    if wanted.kind == "f":
        if given.kind == "f":
            return b.cast("fpext" if wanted.itemsize > given.itemsize else "fptrunc", x, target)
        return b.cast("sitofp" if given.kind == "i" else "uitofp", x, target)
    if given.kind == "f":
        return _to_integer(b, x, wanted)
    if given.kind == "b":
        return b.cast("zext", x, target)
    if given.itemsize == wanted.itemsize:
        return x
    if wanted.itemsize < given.itemsize:
        return b.cast("trunc", x, target)
    return b.cast("sext" if given.kind == "i" else "zext", x, target) if source != target else x


def _cast_half(b, x, given, wanted):
    from tapeflow.compiler.halves import narrow, single, widen

    if given in HALVES:
        return cast(b, widen(b, x, given), F32, wanted)
    return narrow(b, single(b, x, wanted) if given == F64 else cast(b, x, given, F32), wanted)


def _to_integer(b, x, wanted):
    """Where the number does not fit, the result is one that is defined, as on the machine: the least integer.

    Other than signed integers of 32 and 64 bits are the low bits of one, and so the machine's own conversion wraps.
    """
    target = REGISTER[wanted]
    if wanted.itemsize < 4:
        return b.cast("trunc", _to_integer(b, x, np.dtype(np.int32)), target)
    if wanted.kind == "u":
        wrapped = _to_integer(b, x, np.dtype(np.int64))
        if wanted.itemsize == 4:
            return b.cast("trunc", wrapped, target)
        upper = _within(b, x, 2.0**63, 2.0**64)
        return b.select(upper, b.cast("fptoui", b.select(upper, x, _zero(b, x)), target), wrapped)
    limit = 2.0 ** (8 * wanted.itemsize - 1)
    fits = _within(b, x, -limit, limit)
    found = b.cast("fptosi", b.select(fits, x, _zero(b, x)), target)
    return b.select(fits, found, b.const(target, -int(limit)))


def _within(b, x, low, high):
    """Whether low <= x < high."""
    return b.and_(b.fcmp("oge", x, b.const(x.type, low)), b.fcmp("olt", x, b.const(x.type, high)))


def _least(b, x):
    """A number that x is not below."""
    from tapeflow.compiler.emit import number_of

    known = number_of(x.text, x.type)
    return b.least.get(x.text, -np.inf) if known is None else known


def _add(b, dtype, x, y):
    if dtype.kind != "f":
        return b.add(x, y)
    total = b.fadd(x, y)
    least = _least(b, x) + _least(b, y)
    if least > -np.inf:
        b.least[total.text] = least
    return total


def _exp(b, dtype, x):
    value = FUNCTIONS["exp"](b, x)
    b.least[value.text] = 0  # log(1 + exp(x)) is quicker for it
    return value


_sub, _mul = _by_kind("fsub", "sub"), _by_kind("fmul", "mul")

LOWERINGS = {
    "AddV2": _add, "Sub": _sub, "Mul": _mul, "Neg": _negative, "Square": _square,
    "RealDiv": _floating(lambda b, dtype, x, y: b.fdiv(x, y)),
    "Reciprocal": _floating(_reciprocal), "Sqrt": _floating(lambda b, dtype, x: b.sqrt(x)), "Rsqrt": _floating(_rsqrt),
    "SquaredDifference": _squared_difference, "Maximum": _maximum, "Minimum": _minimum,
    "MulNoNan": _unless_zero(lambda b, x, y: b.fmul(x, y)), "DivNoNan": _unless_zero(lambda b, x, y: b.fdiv(x, y)),
    "Abs": _absolute, "Sign": _sign,
    "Floor": _floating(lambda b, dtype, x: b.floor(x)), "Ceil": _floating(lambda b, dtype, x: b.ceil(x)),
    "Rint": _floating(lambda b, dtype, x: b.rint(x)), "Round": _floating(lambda b, dtype, x: b.rint(x)),
    "FloorDiv": _floor_div, "FloorMod": _floor_mod, "TruncateDiv": _truncate_div, "TruncateMod": _truncate_mod,
    "Less": _compare("olt", "slt", "ult"), "LessEqual": _compare("ole", "sle", "ule"),
    "Greater": _compare("ogt", "sgt", "ugt"), "GreaterEqual": _compare("oge", "sge", "uge"),
    "Equal": _compare("oeq", "eq", "eq"), "NotEqual": _compare("une", "ne", "ne"),
    "LogicalAnd": lambda b, dtype, x, y: b.and_(x, y), "LogicalOr": lambda b, dtype, x, y: b.or_(x, y),
    "LogicalNot": lambda b, dtype, x: b.not_(x), "SelectV2": _select,
    "IsNan": _floating(lambda b, dtype, x: b.fcmp("uno", x, x)), "IsInf": _floating(_is_infinite),
    "IsFinite": _floating(_is_finite), "Bitcast": lambda b, dtype, x, wanted: b.cast("bitcast", x, REGISTER[wanted]),
    "BitwiseAnd": lambda b, dtype, x, y: b.and_(x, y), "BitwiseOr": lambda b, dtype, x, y: b.or_(x, y),
    "BitwiseXor": lambda b, dtype, x, y: b.xor(x, y), "Invert": lambda b, dtype, x: b.not_(x),
    "LeftShift": _shifted(True), "RightShift": _shifted(False),
    "Relu": _relu, "ReluGrad": _relu_grad, "Relu6": _relu6, "Relu6Grad": _relu6_grad,
    "LeakyRelu": _floating(_leaky_relu), "LeakyReluGrad": _floating(_leaky_relu_grad),
    "Elu": _floating(_elu), "Selu": _floating(_selu), "Softsign": _floating(_softsign),
    "Softplus": _function("softplus"), "Sigmoid": _function("sigmoid"),
    "SigmoidCrossEntropyWithLogits": _floating(_sigmoid_cross_entropy),
    "Xlogy": _where_nonzero(lambda b, x, y: b.fmul(x, FUNCTIONS["log"](b, y))),
    "Xlog1py": _where_nonzero(lambda b, x, y: b.fmul(x, FUNCTIONS["log1p"](b, y))),
    "Xdivy": _where_nonzero(lambda b, x, y: b.fdiv(x, y)),
    "Pow": _floating(_power), "Exp": _floating(_exp),
    **{name.capitalize(): _function(name) for name in (
        "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
        "acosh", "atanh", "erf", "erfc", "erfinv", "atan2", "lgamma", "digamma",
    )},
}  # fmt: skip

# How many simple instructions a lowering is about, where it is not one: what a kernel is worth, and what is computed
# twice rather than stored.
COSTS = {
    **dict.fromkeys(("RealDiv", "Reciprocal", "DivNoNan", "Xdivy", "Softsign", "Sqrt", "Rsqrt"), 4),
    **dict.fromkeys(("FloorDiv", "FloorMod", "TruncateDiv", "TruncateMod"), 8),
    **dict.fromkeys(("Exp", "Log", "Sigmoid", "Tanh", "Sin", "Cos", "Expm1", "Log1p", "Elu", "Selu", "Xlogy"), 20),
    **dict.fromkeys(("Pow", "Tan", "Asin", "Acos", "Atan", "Atan2", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"), 40),
    **dict.fromkeys(("Erf", "Erfc", "Erfinv", "Lgamma", "Digamma", "Softplus", "Xlog1py"), 40),
    "SigmoidCrossEntropyWithLogits": 40,
}


SELDOM_DEAR = frozenset(("Sin", "Cos", "Tan"))  # which are much cheaper for all but huge arguments


def lowering(name, dtypes):
    """The lowering of a primitive for operands of these dtypes; None if there is none."""
    found = LOWERINGS.get(name)
    if found is None or not all(dtype in REGISTER for dtype in dtypes):
        return None
    if getattr(found, "only", None) == "f" and dtypes[-1].kind != "f":
        return None
    return found
