"""Samples for the primitives of a TensorArray in a loop: rows, written and read one by one."""

import numpy as np

ROWS = np.array([[1.5, -0.5], [0.25, 2.0], [-1.25, 0.75]])
V = np.array([0.3, -1.2, 2.0])
ONE, TWO, FOUR = (np.int64(n) for n in (1, 2, 4))

SAMPLES = {
    "TensorListSetItem": [
        ((ROWS, ONE, ROWS[2]), (False,)),
        ((V, TWO, np.float64(0.5)), (False,)),
        ((V, FOUR, np.float64(0.5)), (True,)),
        ((ROWS, ONE, ROWS[2]), (True,)),
    ],
    "TensorListGetItem": [((ROWS, TWO), ()), ((V, ONE), ())],
    "TensorListUnread": [((ROWS[0], ONE), (3,)), ((np.float64(0.5), TWO), (4,))],
    "OnesLike": [((ROWS,), ())],
    "ZerosLike": [((ROWS,), ())],
    "TensorListWipe": [((ROWS, ONE), (3,)), ((V, TWO), (2,)), ((V, FOUR), (6,))],
}
