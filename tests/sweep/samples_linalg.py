"""Samples for products, diagonals, factorisations and solvers of matrices."""

import numpy as np


def values(*shape, seed=0, complex_=False):
    rng = np.random.default_rng([*shape, seed])
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if complex_ else x


def regular(*shape, seed=0, complex_=False):
    """Square matrices far from singular."""
    return values(*shape, seed=seed, complex_=complex_) + 4 * np.eye(shape[-1])


def positive(*shape, complex_=False):
    """Self-adjoint positive definite matrices with distinct eigenvalues."""
    x = values(*shape, complex_=complex_) / 4
    return x @ x.conj().swapaxes(-1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))


def spread(*shape, complex_=False):
    """Matrices with distinct singular values and (square ones) distinct real eigenvalues."""
    x = values(*shape, complex_=complex_) / 8
    m, n = shape[-2:]
    x[..., range(min(m, n)), range(min(m, n))] += np.arange(1.0, min(m, n) + 1)
    return x


FLAGS = [(a, b) for a in (False, True) for b in (False, True)]
PRODUCTS = [
    ((values(*((3, 2) if a else (2, 3)), seed=1), values(*((4, 3) if b else (3, 4)), seed=2)), (a, b)) for a, b in FLAGS
] + [
    ((values(2, 3, complex_=True), values(3, 2, complex_=True)), (False, False)),
    ((values(0, 3), values(3, 2)), (False, False)),
    ((values(2, 0), values(0, 2)), (False, False)),
]
BATCHED_PRODUCTS = [
    ((values(*((2, 3, 2) if a else (2, 2, 3))), values(*((2, 4, 3) if b else (2, 3, 4)))), (a, b)) for a, b in FLAGS
] + [
    ((values(2, 2, 3), values(3, 4)), (False, False)),
    ((values(2, 3), values(2, 4, 3)), (False, True)),
    ((values(2, 1, 3, 2), values(3, 3, 2)), (True, False)),
    ((values(2, 2, 2, complex_=True), values(2, 2, complex_=True)), (True, True)),
]
MAIN = (0, 0)
BANDS = [(MAIN, (False, True)), ((1, 1), (False, True)), ((-1, 1), (False, True)), ((-2, 0), (True, False))]
SQUARE = [regular(3, 3), regular(2, 2, 2), regular(1, 1), values(0, 0), regular(2, 2, complex_=True)]
DIAGONALS = np.stack([values(4, seed=3) / 4, values(4, seed=4) / 4 + 4, values(4, seed=5) / 4])

SAMPLES = {
    "MatMul": PRODUCTS,
    "BatchMatMulV2": BATCHED_PRODUCTS,
    "MatrixBandPart": [
        ((values(3, 4),), (1, 0)),
        ((values(2, 2, 3),), (-1, 1)),
        ((values(2, 2, complex_=True),), (0, 0)),
        ((values(0, 2),), (0, 0)),
    ],
    "MatrixDiagPartV3": [((values(2, 3, 4),), band) for band in BANDS] + [((values(2, 2, complex_=True),), BANDS[2])],
    "MatrixDiagV3": [
        ((values(2, 3),), (*BANDS[0], 3, 3)),
        ((values(3),), (*BANDS[1], 3, 5)),
        ((values(2, 3, 3),), (*BANDS[2], 3, 4)),
        ((values(3, 3),), (*BANDS[3], 3, 3)),
    ],
    "MatrixSetDiagV3": [
        ((values(2, 3, 4), values(2, 3)), BANDS[0]),
        ((values(3, 4), values(3)), BANDS[1]),
        ((values(3, 4), values(3, 3)), BANDS[2]),
    ],
    "Diag": [((values(3),), ()), ((values(2, 2),), ())],
    "DiagPart": [((values(3, 3),), ()), ((values(2, 2, 2, 2),), ())],
    "Cross": [((values(3), values(3, seed=1)), ()), ((values(2, 3), values(2, 3, seed=1)), ())],
    "MatrixInverse": [((x,), ()) for x in SQUARE],
    "MatrixDeterminant": [((x,), ()) for x in SQUARE],
    # Of complex matrices the phase is taken for constant, as in TensorFlow.
    "LogMatrixDeterminant": [((x,), ()) for x in SQUARE[:4]],
    "MatrixSolve": [
        ((regular(3, 3, complex_=c), values(3, 2, complex_=c)), (flag,))
        for c in (False, True)
        for flag in (False, True)
    ]
    + [((regular(2, 2, 2), values(2, 2, 1)), (False,)), ((values(0, 0), values(0, 2)), (False,))],
    "MatrixTriangularSolve": [
        ((regular(3, 3, complex_=c), values(3, 2, complex_=c)), (lower, flag))
        for c in (False, True)
        for lower in (False, True)
        for flag in (False, True)
    ]
    + [((regular(2, 3, 3), values(3, 2)), (True, False)), ((regular(3, 3), values(2, 3, 1)), (False, False))],
    "TridiagonalSolve": [
        ((DIAGONALS, values(4, 2)), ()),
        ((np.stack([DIAGONALS, DIAGONALS + 0.1]), values(2, 4, 1)), ()),
        ((DIAGONALS + 0.2j, values(4, 2, complex_=True)), ()),
    ],
    # It reads the lower triangle, and its cotangent is that of a self-adjoint matrix, as TensorFlow's
    # `cholesky` has it: no difference of values is a check of that, but of a single element.
    "SelfAdjointFromLower": [((regular(1, 1),), ()), ((regular(2, 1, 1),), ())],
    "Cholesky": [((positive(3, 3),), ()), ((positive(2, 2, 2),), ()), ((positive(2, 2, complex_=True),), ())],
    "Qr": [
        ((spread(3, 3),), (False,)),
        ((spread(4, 2),), (False,)),
        ((spread(2, 4),), (False,)),
        ((spread(2, 2, 3),), (True,)),
        ((spread(3, 2, complex_=True),), (False,)),
        ((spread(3, 3, complex_=True),), (True,)),
    ],
    # Complex vectors have a phase that nothing fixes.
    "SelfAdjointEigV2": [((positive(3, 3),), ()), ((positive(2, 2, 2),), ())],
    "Svd": [((spread(3, 3),), (False,)), ((spread(4, 2),), (False,)), ((spread(2, 2, 3),), (False,))],
    "SvdValues": [((spread(3, 2),), ()), ((spread(2, 2, 2),), ()), ((spread(2, 3, complex_=True),), ())],
    "Lu": [((regular(3, 3),), (np.int32,)), ((regular(2, 2, 2, complex_=True),), (np.int64,))],
    "Eig": [((spread(3, 3),), ()), ((spread(2, 2, 2),), ())],
    "MatrixExponential": [
        ((values(3, 3),), ()),
        ((values(2, 2, 2),), ()),
        ((values(2, 2, complex_=True),), ()),
        ((values(0, 0),), ()),
    ],
    "MatrixSquareRoot": [((regular(3, 3),), ()), ((regular(2, 2, complex_=True),), ())],
    "MatrixLogarithm": [((regular(2, 2, complex_=True),), ())],
    # Its gradient is a ValueError, as TensorFlow has it.
    "MatrixSolveLs": [],
}
