"""The elementary functions as LLVM code, in float and in double: `exp(b, x)` is the value of exp, of x's type.

The code has no branch, no call and no table, so that LLVM's loop vectoriser makes vectors of it on every machine:
selects, fused multiply-adds, and the bits of numbers as integers. Every function takes every number, denormal ones,
infinities and NaN too. docs/accuracy.md has the errors, as measured; tests/compiler measures them again. With AVX-512
exp, log and tanh of floats are computed by tables in registers instead (`elementary_avx512`).

Coefficients are minimax ones (Remez's algorithm, run for this file), rounded to their type. The reductions are
standard: W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980; J.-M. Muller, Elementary
Functions, 3rd edition, 2016. An error-free sum (`two_sum`) is T. J. Dekker's, 1971.
"""

from tapeflow.compiler.elementary_exp import (
    acosh,
    asinh,
    atanh,
    cosh,
    exp,
    expm1,
    log,
    log1p,
    pow,
    sigmoid,
    sinh,
    softplus,
    tanh,
)
from tapeflow.compiler.elementary_special import digamma, erf, erfc, erfinv, lgamma
from tapeflow.compiler.elementary_trig import acos, asin, atan, atan2, cos, sin, tan

FUNCTIONS = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "pow": pow,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "atan2": atan2,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "erf": erf,
    "erfc": erfc,
    "erfinv": erfinv,
    "lgamma": lgamma,
    "digamma": digamma,
}
