"""Samples for elementwise, special, comparing, casting and reducing primitives."""

import numpy as np

V = np.array([0.3, -1.2, 2.0])
P = np.array([0.4, 1.3, 2.6])  # positive
U = np.array([0.3, -0.6, 0.85])  # within (-1, 1)
M = np.array([[0.5, 1.0, -2.0], [0.3, 0.2, 0.1]])
Z = np.array([0.4 + 0.7j, -1.1 + 0.3j, 0.9 - 0.5j])
INTS = np.array([6, -7, 3], np.int32)
BOOLS = np.array([True, False, True])
EMPTY = np.zeros((0, 2))


def unary(values, *others):
    return [((x,), ()) for x in (values[0], values, np.abs(values[:2]).reshape(2, 1), EMPTY, *others)]


def binary(a, b, *others):
    """Of one shape, broadcast both ways, scalars, empty."""
    pairs = [(a, b), (a[0], b), (a, b[1]), (a[0], b[0]), (a[:, None], b[None, :2]), *others]
    pairs.append((EMPTY.astype(a.dtype), EMPTY[:, :1].astype(a.dtype)))
    return [(pair, ()) for pair in pairs]


def over_axes(x, *others):
    return [
        ((x,), ((0,), False)),
        ((x,), ((0, 1), True)),
        ((x,), ((1,), False)),
        ((x[0],), ((0,), False)),
        *others,
    ]


def along_axis(*values):
    return [
        ((x,), (0, exclusive, reverse))
        for x in values
        for exclusive in (False, True)
        for reverse in (False, True)
    ]


ANYWHERE = "Square Neg Exp Expm1 Sin Cos Sinh Cosh Tanh Asinh Atan Sigmoid".split()
POSITIVE = "Sqrt Rsqrt Reciprocal Log Log1p".split()
BESSEL = "BesselI0 BesselI0e BesselI1 BesselI1e".split()
REAL = [*"Abs Sign Erf Erfc Floor Ceil Rint Round IsNan IsInf IsFinite".split(), *BESSEL]
SAMPLES = {
    **{name: unary(V, Z) for name in ANYWHERE},
    **{name: unary(P, Z) for name in POSITIVE},
    **{name: unary(V) for name in REAL},
    "Tan": unary(U, Z),
    "Asin": unary(U, Z),
    "Acos": unary(U, Z),
    "Atanh": unary(U, Z),
    "Acosh": [((x,), ()) for x in (P[1], P[1:], Z, EMPTY)],
    "Erfinv": unary(U),
    "Ndtri": [((x,), ()) for x in (np.float64(0.2), np.array([0.1, 0.5, 0.9]), EMPTY)],
    "Lgamma": unary(P),
    "Digamma": unary(P),
    "Conj": [((Z,), ()), ((Z[0],), ()), ((Z.reshape(3, 1),), ())],
    "Real": [((Z,), ()), ((Z[0],), ()), ((Z.reshape(3, 1),), ())],
    "Imag": [((Z,), ()), ((Z[0],), ()), ((Z.reshape(3, 1),), ())],
    "ComplexAbs": [((Z,), ()), ((Z[0],), ()), ((Z.reshape(3, 1),), ())],
    "Angle": [((Z,), ()), ((Z[0],), ()), ((Z.reshape(3, 1),), ())],
    "Complex": binary(V, P),
    "AddV2": binary(V, P, (Z, Z[::-1])),
    "Sub": binary(V, P, (Z, Z[::-1])),
    "Mul": binary(V, P, (Z, Z[::-1])),
    "MulNoNan": binary(V, P, (Z, Z[::-1])),
    "RealDiv": binary(V, P, (Z, Z[::-1])),
    "DivNoNan": binary(V, P, (Z, Z[::-1])),
    "SquaredDifference": binary(V, P),
    "Pow": binary(P, V, (Z, Z[::-1])),
    "Maximum": binary(V, P),
    "Minimum": binary(V, P + 0.05),
    "Atan2": binary(V, P),
    "Xlogy": binary(V, P, (Z, Z[::-1])),
    "Xlog1py": binary(V, P, (Z, Z[::-1])),
    "Xdivy": binary(V, P, (Z, Z[::-1])),
    "NextAfter": [((V, V + 1), ())],
    "FloorDiv": binary(V, P),
    "FloorMod": binary(V, P + 0.05),
    "TruncateDiv": binary(V, P),
    "TruncateMod": binary(V, P),
    "Igamma": binary(P, P[::-1] + 0.1),
    "Igammac": binary(P, P[::-1] + 0.1),
    "IgammaGradA": [((P, P[::-1] + 0.1), (1,)), ((P[:, None], P[:2]), (2,)), ((P[0], P[2]), (1,))],
    "Zeta": binary(P + 1.5, P),
    "Polygamma": [
        ((np.array([0.0, 1, 3]), P), ()),
        ((np.float64(2), P), ()),
        ((np.array([[1.0], [2.0]]), P), ()),
    ],
    "Betainc": [((P, P[::-1], np.array([0.2, 0.5, 0.7])), ()), ((P[0], P[1], np.float64(0.4)), ())],
    **{name: binary(V, P) for name in "Less LessEqual Greater GreaterEqual Equal NotEqual".split()},
    "LogicalAnd": binary(BOOLS, BOOLS[::-1]),
    "LogicalOr": binary(BOOLS, BOOLS[::-1]),
    "LogicalNot": [((BOOLS,), ()), ((BOOLS[0],), ())],
    "IsNonDecreasing": [((V,), ()), ((P,), ()), ((EMPTY,), ())],
    "IsStrictlyIncreasing": [((V,), ()), ((P,), ()), ((EMPTY,), ())],
    "SelectV2": [((V > 0, V, V * 2), ()), ((V > 0, M, np.float64(2)), ()), ((BOOLS[0], V, M), ())],
    "Where": [((BOOLS,), ()), ((np.array([[1, 0], [1, 1]]),), ())],
    **{
        name: binary(INTS, np.abs(INTS))
        for name in "BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift".split()
    },
    "Invert": [((INTS,), ()), ((INTS[0],), ())],
    "Cast": [
        ((V,), (np.dtype("complex128"),)),
        ((Z,), (np.dtype("float64"),)),
        ((INTS,), (np.dtype("float64"),)),
    ],
    "Bitcast": [((V,), (np.dtype("int64"),)), ((M,), (np.dtype("int32"),))],
    "Sum": over_axes(M, ((Z,), ((0,), False)), ((np.float64(2),), ((), False)), ((EMPTY,), ((0,), True))),
    "Mean": over_axes(M, ((Z,), ((0,), False)), ((np.float64(2),), ((), False))),
    "Prod": over_axes(M, ((Z,), ((0,), False)), ((np.array([[0.0, 2.0, 3.0]]),), ((1,), False))),
    "Max": over_axes(M, ((np.float64(2),), ((), False))),
    "Min": over_axes(M, ((np.float64(2),), ((), False))),
    "EuclideanNorm": over_axes(M),
    "FiniteMax": [((M,), ((0,),)), ((M,), ((0, 1),))],
    "All": [((M > 0,), ((0,), False)), ((M > 0,), ((0, 1), True))],
    "Any": [((M > 0,), ((0,), False)), ((M > 0,), ((0, 1), True))],
    "ArgMax": [((M,), (0, np.dtype("int64"))), ((M,), (1, np.dtype("int32")))],
    "ArgMin": [((M,), (0, np.dtype("int64"))), ((M,), (1, np.dtype("int32")))],
    "AddN": [((V, P), ()), ((M, M * 2, M + 1), ()), ((Z, Z[::-1]), ())],
    "Cumsum": [*along_axis(V, M, Z), ((M,), (1, True, False))],
    "Cumprod": [*along_axis(V, M, Z, np.array([2.0, 0.0, 3.0, 0.0, 5.0])), ((M,), (1, False, True))],
    # Exclusive ones begin with -inf, which has no finite differences: the oracle's recordings have those.
    "CumulativeLogsumexp": [
        ((x,), (axis, False, reverse)) for x, axis in ((V, 0), (M, 0), (M, 1)) for reverse in (False, True)
    ],
    "Shift": [((V,), (0, 1)), ((V,), (0, -2)), ((M,), (1, -1)), ((M,), (0, 1))],
}
