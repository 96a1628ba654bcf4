"""Samples for the random primitives: a state, and the same numbers from it however it is run."""

import numpy as np

from tapeflow.random_bits.seeds import Stream

STATE = np.array([5, 2**63 + 1, 2**64 - 1], np.uint64)
V = np.array([0.3, 1.0, 12.5])
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
FILL = [((STATE,), ((2, 3), F64)), ((STATE,), ((), F32)), ((STATE,), ((0, 2), F64))]

SAMPLES = {
    "StatelessRandomGetKeyCounter": [((np.array([1, -2]),), ())],
    "ReserveRandomBits": [((), (Stream(1, 2), 7))],
    "SpreadRandomBits": [((STATE,), ((2, 3), 5)), ((STATE,), ((4,), 0))],
    "RngReadAndSkip": [((STATE,), (7,)), ((STATE.astype(np.int64),), (7,))],
    "StatelessRandomUniformV2": FILL,
    "StatelessRandomNormalV2": FILL,
    "StatelessTruncatedNormalV2": FILL,
    "StatelessRandomUniformFullIntV2": [
        ((STATE,), ((2, 3), np.dtype(np.int32))),
        ((STATE,), ((), np.dtype(np.uint64))),
    ],
    "StatelessRandomUniformIntV2": [((STATE, np.int64(-3), np.int64(9)), ((2, 3),))],
    "StatelessRandomPoisson": [
        ((STATE, V), ((2, 3), F64)),
        ((STATE, V.astype(F32)), ((3,), np.dtype(np.int64))),
    ],
    "RandomPoissonV2": [((STATE, V), ((2, 3), F64))],
    "StatelessRandomBinomial": [
        ((STATE, np.float64(20), np.array([0.1, 0.5, 0.9])), ((2, 3), np.dtype(np.int32)))
    ],
    "StatelessMultinomial": [
        ((STATE, np.array([[0.1, 0.2, 0.3], [2.0, 1.0, 0.0]])), (4, np.dtype(np.int64)))
    ],
    "StatelessShuffle": [((STATE, np.arange(6)), ()), ((STATE, np.arange(6.0).reshape(3, 2)), ())],
    "RandomIndexShuffle": [((np.array([0, 1, 2]), np.array([1, 2, 3]), np.int64(9)), (4,))],
    "RandomGammaGrad": [((V, 2 * V), ()), ((np.float64(0.5), V), ())],
    # Its derivative holds the place in the distribution fixed, not the random bits, so that no difference of
    # draws is no check of it: see tests/random/test_bits.py, and its gradient in tests/random/cases.py.
    "StatelessRandomGammaV3": [],
}
