"""Samples for checks."""

import numpy as np

MATRIX = np.array([[0.3, -1.2], [2.0, 0.7]])
SAMPLES = {"CheckNumerics": [((np.float64(0.7),), ("m",)), ((MATRIX,), ("m",)), ((np.zeros((0, 2)),), ("m",))]}
