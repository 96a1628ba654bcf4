"""Samples for activations, losses and normalisation."""

import numpy as np

V = np.array([0.3, -1.2, 2.0, -0.1])
M = np.array([[0.5, 1.0, -2.0], [0.3, -0.2, 7.0]])
X = [((np.float64(0.7),), ()), ((V,), ()), ((M,), ()), ((np.zeros((0, 2)),), ())]
AXES = [
    ((V,), (-1,)),
    ((M,), (-1,)),
    ((M,), (-2,)),
    ((np.stack([M, M / 2]),), (-2,)),
    ((np.zeros((0, 2)),), (-1,)),
]
SHARES = np.array([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])

SAMPLES = {
    **{name: X for name in ("Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign")},
    "LeakyRelu": [((V,), (0.2,)), ((M,), (1.5,))],
    **{name: [((V, 7 * V[::-1]), ()), ((M, M / 2), ())] for name in ("ReluGrad", "Relu6Grad")},
    "LeakyReluGrad": [((V, V[::-1]), (0.2,)), ((M, M / 2), (1.5,))],
    "Softmax": AXES,
    "LogSoftmax": AXES,
    "SoftmaxCrossEntropyWithLogits": [
        ((M, SHARES), ()),
        ((M[0], SHARES[0]), ()),
        ((np.stack([M, M / 2]), np.stack([SHARES, SHARES[::-1]])), ()),
        ((np.zeros((0, 2)), np.zeros((0, 2))), ()),
    ],
    **{
        name: [
            ((M, np.array([2, 0])), ()),
            ((M[0], np.int32(1)), ()),
            ((np.stack([M, M / 2]), np.array([[0, 1], [2, 1]])), ()),
        ]
        for name in ("SparseSoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogitsGrad")
    },
    "SigmoidCrossEntropyWithLogits": [((np.float64(0.7), np.float64(0.2)), ()), ((M, SHARES), ())],
    "L2Loss": [((np.float64(0.7),), ()), ((M,), ()), ((np.zeros((0, 2)),), ())],
    "BiasAdd": [
        ((M, V[:3]), (-1,)),
        ((np.stack([M, M / 2]), V[:3]), (-1,)),
        ((np.stack([M, M / 2]), V[:2]), (-2,)),
        ((np.zeros((0, 3)), V[:3]), (-1,)),
        ((M + 1j, V[:3] * 1j), (-1,)),
    ],
}
