"""The elementary functions in compiled loops: errors in ulp (docs/accuracy.md), special values, vectors."""

import ctypes
import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from scipy import special

from compiler.elementary_loops import ARITY, TYPES, compiled, machine, native, optimised, text_of, ulps
from compiler.elementary_samples import BELOW_ZERO, FILE, RANGES, arguments
from tapeflow.compiler import jit
from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.emit import Emitter, Value
from tapeflow.compiler.lowerings import LOWERINGS

# The largest error allowed, in ulp, of floats and of doubles.
BOUNDS = {
    "exp": (1, 1),
    "expm1": (1, 1),
    "log": (1, 1),
    "log1p": (1, 1),
    "sin": (1.75, 1),
    "cos": (1.75, 1),
    "tan": (2.5, 2.5),
    "asin": (1.25, 1.25),
    "acos": (1.5, 1.5),
    "atan": (2, 2),
    "atan2": (2, 2),
    "sinh": (2.25, 2.25),
    "cosh": (1.5, 1.5),
    "tanh": (2.75, 1.5),
    "asinh": (2, 2),
    "acosh": (2.75, 2.75),
    "atanh": (2, 2),
    "sigmoid": (2, 2),
    "softplus": (2, 2),
    "pow": (0.51, 1),
    "erf": (1, 1),
    "erfc": (4, 3),
    "erfinv": (3.5, 4),
    "lgamma": (0.51, 4.5),
    "digamma": (0.51, 3.5),
}
UNARY = [name for name in FUNCTIONS if name not in ARITY]
EXACT = np.load(FILE)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def lgamma(x):
    return np.where(np.isinf(x), np.inf, np.where(np.abs(x) < 1e-300, -np.log(np.abs(x)), special.gammaln(x)))


REFERENCES = {
    "pow": np.power,
    "atan2": np.arctan2,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "erf": special.erf,
    "erfc": special.erfc,
    "erfinv": special.erfinv,
    "lgamma": lgamma,
    "digamma": lambda x: np.where(x == 0, np.nan, special.psi(x)),
}


def reference(name):
    """The function of NumPy or SciPy, in the precision of its arguments."""
    function = REFERENCES.get(name) or getattr(np, name)

    def quiet(*x):
        with np.errstate(all="ignore"):
            return function(*x)

    return quiet


def floats(stride):
    """Every `stride`th float of all, and many ordinary ones."""
    every = np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
    even = np.arange(1, 50_000) * 0.6180339887498949 % 1
    every[np.isnan(every)] = np.nan  # a signalling NaN makes NumPy warn
    return np.concatenate([every, 60 * even - 30, 2 * even - 1, 0.7 + 0.6 * even]).astype(np.float32)


def test_every_function_is_measured():
    assert set(BOUNDS) == set(RANGES) == set(FUNCTIONS)


@pytest.mark.parametrize("name", UNARY)
def test_error_in_float(name):
    x = floats(20011)
    error = ulps(compiled(name, "float")(x), reference(name)(x.astype(np.float64)))
    worst = np.argmax(np.where(np.isnan(error), np.inf, error))
    assert error[worst] <= BOUNDS[name][0], f"{name}({x[worst]!r}): {error[worst]} ulp"


@pytest.mark.parametrize("name", ARITY)
def test_error_in_float_of_two(name):
    x = floats(60013)
    order = np.argsort(np.arange(x.size) * 0.7548776662466927 % 1)
    pairs = [(x, x[order]), (np.abs(x), 30 * np.sin(np.arange(x.size))), (x, np.rint(10 * np.sin(np.arange(x.size))))]
    for x, y in pairs:
        y = y.astype(np.float32)
        error = ulps(compiled(name, "float")(x, y), reference(name)(x.astype(np.float64), y.astype(np.float64)))
        worst = np.argmax(np.where(np.isnan(error), np.inf, error))
        assert error[worst] <= BOUNDS[name][0], f"{name}({x[worst]!r}, {y[worst]!r}): {error[worst]} ulp"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_double(name):
    x = arguments(name)
    error = ulps(compiled(name, "double")(*x), EXACT[name], EXACT[f"{name} rest"].astype(np.float64))
    worst = np.argmax(np.where(np.isnan(error), np.inf, error))
    assert error[worst] <= BOUNDS[name][1], f"{name}{tuple(a[worst] for a in x)}: {error[worst]} ulp"


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no number here is wider than a double")
@pytest.mark.parametrize("name", [n for n in UNARY if n not in special.__all__ and n != "lgamma"])
def test_error_in_double_on_many(name):
    bits = (np.arange(1, 30_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)).view(np.float64)
    even = np.arange(1, 30_000) * 0.6180339887498949 % 1
    bits[np.isnan(bits)] = np.nan
    x = np.concatenate([bits, 40 * even - 20, 2 * even - 1, 0.7 + 0.6 * even])
    error = ulps(compiled(name, "double")(x), reference(name)(x.astype(np.longdouble)))
    worst = np.argmax(np.where(np.isnan(error), np.inf, error))
    assert error[worst] <= BOUNDS[name][1], f"{name}({x[worst]!r}): {error[worst]} ulp"


@pytest.mark.parametrize("name", BELOW_ZERO)
def test_error_below_zero_in_double(name):
    """In ulps of the value, or of 1 where the value is smaller: near its zeros only the absolute error is small."""
    value, exact = compiled(name, "double")(*arguments(name, BELOW_ZERO)), EXACT[f"{name} below 0"]
    error = np.abs(value - exact) / np.spacing(np.maximum(np.abs(exact), 1))
    assert error.max() <= 8


SPECIAL = [0.0, 0.5, 1.0, 2.0, 3.0, 1e30, np.inf, np.nan]


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, type):
    """Where NumPy and SciPy have a zero, an infinity, a NaN or a small whole number, so have we, with its sign."""
    info = np.finfo(TYPES[type])
    ends = [info.max, info.tiny, info.smallest_subnormal, 1 + info.eps, 1 - info.epsneg, 2.0**24 + 1, 2.0**53 - 1]
    with np.errstate(over="ignore"):
        x = np.array([*SPECIAL, *ends], TYPES[type])
    x = np.concatenate([x, -x])
    x = [a.ravel() for a in np.meshgrid(x, x)] if name in ARITY else [x]
    value, exact = compiled(name, type)(*x), reference(name)(*x)
    clear = np.isnan(exact) | np.isinf(exact) | (exact == 0)
    if name == "pow":
        clear |= (x[1] == 0) | (np.abs(x[0]) == 1)
    else:
        clear |= (exact == np.rint(exact)) & (np.abs(exact) < 3)
    if name == "digamma":  # SciPy rounds its value to an infinity, and its gradient away from a pole to NaN
        clear &= np.abs(x[0].astype(np.float64)) > 1e-300
    if name == "lgamma":  # likewise
        clear &= np.abs(x[0].astype(np.float64)) < 1e300
    same = (value == exact) | np.isnan(value) & np.isnan(exact)
    if name not in ("erfinv", "sinh", "digamma", "lgamma"):
        same &= np.isnan(exact) | (np.signbit(value) == np.signbit(exact))
    wrong = clear & ~same
    assert not wrong.any(), [(*(a[k] for a in x), value[k], exact[k]) for k in np.flatnonzero(wrong)]


ONLY_WITH_TABLES = pytest.mark.skipif(jit.vector_bits() != 512, reason="this machine has no AVX-512")
BY_TABLES = {"exp": 1.1, "log": 1.6, "tanh": 2.9, "sigmoid": 2.75}  # the largest error allowed of floats with AVX-512


def floats_at_the_ends():
    ends = [np.linspace(-105, -85, 20_000), np.linspace(87, 90, 1000), np.linspace(8, 10, 1000)]
    return np.concatenate([floats(20011), *ends]).astype(np.float32)


@ONLY_WITH_TABLES
@pytest.mark.parametrize("name", BY_TABLES)
def test_error_in_float_by_tables(name):
    x = floats_at_the_ends()
    error = ulps(compiled(name, "float", wide=True)(x), reference(name)(x.astype(np.float64)))
    worst = np.argmax(np.where(np.isnan(error), np.inf, error))
    assert error[worst] <= BY_TABLES[name], f"{name}({x[worst]!r}): {error[worst]} ulp"


@ONLY_WITH_TABLES
@pytest.mark.parametrize("name", BY_TABLES)
def test_by_tables_a_value_is_the_same_wherever_it_stands(name):
    """In a vector of 16, of 8, and by itself."""
    function, x = compiled(name, "float", wide=True), floats_at_the_ends()[:-1:97]
    whole = function(x)
    for size in (1, 3, 8, 9, 25):
        parts = [function(x[i : i + size]) for i in range(0, 50 * size, size)]
        assert np.array_equal(np.concatenate(parts), whole[: 50 * size], equal_nan=True)


@ONLY_WITH_TABLES
@pytest.mark.parametrize("name", BY_TABLES)
def test_by_tables_exact_values_are_exact(name):
    inf, nan = np.inf, np.nan
    exact = {
        "exp": [(0.0, 1), (-0.0, 1), (inf, inf), (-inf, 0), (nan, nan), (1e38, inf), (3.4e38, inf), (-3.4e38, 0),
                (88.73, inf), (-104, 0), (1e-45, 1), (-1e-45, 1)],
        "log": [(0.0, -inf), (-0.0, -inf), (1, 0), (-1, nan), (inf, inf), (-inf, nan), (nan, nan), (-1e-45, nan),
                (-3.4e38, nan)],
        "tanh": [(0.0, 0.0), (-0.0, -0.0), (inf, 1), (-inf, -1), (nan, nan), (1e-45, 1e-45), (-1e-45, -1e-45),
                 (1e-40, 1e-40), (1e-30, 1e-30), (9.5, 1), (-9.5, -1), (3.4e38, 1)],
        "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (nan, nan), (1e-45, 0.5), (20, 1), (-3.4e38, 0)],
    }[name]  # fmt: skip
    x, y = np.array(exact, np.float32).T
    value = compiled(name, "float", wide=True)(x)
    assert np.array_equal(value, y, equal_nan=True)
    assert np.array_equal(np.signbit(value) & ~np.isnan(y), np.signbit(y) & ~np.isnan(y))


@ONLY_WITH_TABLES
@pytest.mark.parametrize("name", BY_TABLES)
def test_loops_by_tables_become_vectors(name):
    text = str(optimised(text_of(FUNCTIONS[name], "float", wide=True)))
    assert "= call <16 x float> @llvm.x86.avx512." in text and re.search(r"fmul <\d+ x float>", text)
    assert not re.search(r"call .*@tapeflow\.", text)


@ONLY_WITH_TABLES
def test_tanh_by_tables_is_never_above_one():
    x = np.linspace(0, 12, 1_000_003, dtype=np.float32)
    assert np.abs(compiled("tanh", "float", wide=True)(x)).max() == 1


@ONLY_WITH_TABLES
def test_the_exponential_of_what_is_known_to_be_below_zero_by_tables():
    exp, negative, square = (LOWERINGS[name] for name in ("Exp", "Neg", "Square"))
    dtype = np.dtype(np.float32)

    def short(b, x):
        value = negative(b, dtype, square(b, dtype, x))
        assert b.most[value.text] == 0
        return exp(b, dtype, value)

    def general(b, x):
        return FUNCTIONS["exp"](b, b.fneg(b.fmul(x, x)))

    one, other = (native(text_of(function, "float", wide=True), "float") for function in (short, general))
    x = floats_at_the_ends()
    assert np.array_equal(one(x), other(x), equal_nan=True)


def test_the_logarithm_of_what_is_known_to_be_a_normal_number():
    exp, add = LOWERINGS["Exp"], LOWERINGS["AddV2"]

    def short(b, x):
        value = add(b, np.dtype(np.float32), b.const("float", 1), exp(b, np.dtype(np.float32), x))
        assert b.least[value.text] == 1
        return FUNCTIONS["log"](b, value)

    def general(b, x):
        return FUNCTIONS["log"](b, b.fadd(b.const("float", 1), FUNCTIONS["exp"](b, x)))

    x = floats(20011)
    one, other = (native(text_of(function, "float"), "float")(x) for function in (short, general))
    assert np.array_equal(one, other, equal_nan=True) and np.isinf(one).any() and np.isnan(one).any()


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("name", "expm1 log1p sin tan asin atan sinh tanh asinh atanh erf".split())
def test_odd_functions_keep_the_sign_of_zero_and_denormal_numbers(name, type):
    tiny = np.finfo(TYPES[type]).smallest_subnormal
    x = np.array([0.0, -0.0, tiny, -tiny, 1000 * tiny, -1000 * tiny], TYPES[type])
    value = compiled(name, type)(x)
    assert np.array_equal(np.signbit(value), np.signbit(x))
    expected = x if name != "erf" else np.rint(x / tiny * 1.1283791670955126) * tiny
    assert np.array_equal(value, expected)


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_loops_become_vectors(name, type):
    text = str(optimised(text_of(FUNCTIONS[name], type, ARITY.get(name, 1))))
    assert re.search(r"fmul <\d+ x (float|double)>", text)
    assert not re.search(r"call \w+ @(?!llvm\.)", text)


def test_one_unusual_argument_repeats_the_loop():
    """A sum beside the written values: the state of the first loop is dropped."""
    b = Emitter()

    def body(i, state):
        x = b.load(b.address(Value("ptr", "%x"), i, "double"), "double")
        y = FUNCTIONS["sin"](b, x)
        b.store(y, b.address(Value("ptr", "%out"), i, "double"))
        return (b.fadd(state[0], y),)

    zero, one = b.const("i64", 0), b.const("i64", 1)
    (total,) = b.checked_loop(zero, Value("i64", "%n"), one, body, (b.const("double", 0),))
    assert b.unusual is None
    b.line(f"ret double {total.text}")
    head = [*b.declared.values(), "define double @f(ptr noalias %x, ptr noalias %out, i64 %n) {", "entry:"]
    engine = llvm.create_mcjit_compiler(optimised("\n".join([*head, *b.lines, "}", ""])), machine())
    engine.finalize_object()
    native = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        engine.get_function_address("f")
    )
    for huge in (1.0, 2.0**1000):
        x = np.array([0.5, huge, -3.0, 1e6] * 10)
        out = np.empty_like(x)
        total = native(x.ctypes.data, out.ctypes.data, x.size)
        assert np.max(ulps(out, np.sin(x))) <= 1
        assert total == pytest.approx(np.sin(x).sum(), rel=1e-13)
