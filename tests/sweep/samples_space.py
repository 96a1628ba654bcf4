"""Samples for the primitives that stand for values: reads, copies, constants."""

import numpy as np

V = np.array([0.3, -1.2, 2.0])
X = [((np.float64(0.7),), ()), ((V,), ()), ((np.zeros((0, 2)),), ())]
SAMPLES = {name: X for name in ("ReadVariableOp", "Identity", "StopGradient")}
SAMPLES["SumToShape"] = [((np.ones((2, 3)) * V,), ((1, 3),)), ((np.ones((4, 2, 3)) * V,), ((2, 3),)), ((V,), ((3,),))]
