"""Samples for the primitives that move, pick, place, order and count elements."""

import numpy as np

V = np.array([0.3, -1.2, 2.0])
M = np.array([[0.5, 1.0, -2.0], [0.3, 0.2, 0.1]])
T = np.arange(24.0).reshape(2, 3, 4) / 7 - 1
C = V + 1j * V[::-1]
NONE = np.zeros((0, 2))
S = np.float64(0.7)
INT32, INT64 = np.dtype(np.int32), np.dtype(np.int64)


def ints(*values, dtype=np.int32):
    return np.array(values, dtype)


def one(*cases):
    """Samples of one operand: (array, attribute, attribute...)."""
    return [((array,), tuple(attrs)) for array, *attrs in cases]


ALL = (None, None, None)
AT = [
    ((T, ints([[0, 1], [1, 0]])), ()),
    ((T, ints([[1], [0]])), ()),
    ((V, ints([2], [2])), ()),
    ((V, ints(1)), ()),
    ((M, ints(1)), ()),
    ((C, ints([[0], [2]], dtype=np.int64)), ()),
    ((M, np.zeros((2, 0), np.int32)), ()),
    ((np.zeros((2, 3, 0)), ints([1, 2])), ()),
]
SCATTERS = [
    ((T, ints([0, 1], [1, 2]), T[0, :2]), ()),
    ((V, ints([2], [0]), np.array([5.0, -4.0])), ()),
    ((M, np.array([1]), V), ()),
    ((M, ints([[1, 0]], [[0, 2]]), np.array([[3.0], [-3.0]])), ()),
]
REPEATED = [((V, ints([1], [1], [0]), np.array([5.0, -4.0, 0.25])), ())]
ROWS = np.array([[1.5, -0.5], [0.25, 2.0], [-1.25, 0.75], [3.0, 1.0]])
IDS = ints(2, 0, 2, -1)
UNSORTED = [((ROWS, IDS), (4,)), ((V, ints(0, 1, 0, dtype=np.int64)), (2,)), ((NONE, np.zeros(0, np.int32)), (2,))]


def many(rng):
    """So many rows that they are added by way of a sparse matrix."""
    return (rng.normal(size=(600, 450)), rng.integers(0, 40, 600)), (40,)


PLACES = ints([1, 0], [0, 2], [1, 1])

SAMPLES = {
    "EnsureShape": one((M, (2, None)), (C, (None,)), (S, ())),
    "Reshape": one((M, (3, 2)), (S, (1, 1)), (np.array([[2.0]]), ()), (NONE, (2, 0, 3)), (C, (3, 1))),
    "Transpose": one((M, (1, 0)), (T, (2, 0, 1)), (S, ()), (NONE, (1, 0)), (V, (0,))),
    "BroadcastTo": one((V, (2, 3)), (V.reshape(3, 1), (2, 3, 4)), (S, (2, 2)), (V, (0, 3)), (V, (500, 3)), (M, (2, 3))),
    "ConcatV2": [
        ((M, V.reshape(1, 3), M), (0,)),
        ((M, np.zeros((2, 0))), (1,)),
        ((C, C), (0,)),
        ((T, T, T), (2,)),
        ((M,), (1,)),
    ],
    "SplitV": one((M, (1, 2), 1), (V, (0, 3), 0), (T, (1, 1, 2), 2), (C, (2, 1), 0)),
    "Tile": one((M, (2, 3)), (V, (1,)), (S, ()), (V, (0,)), (C, (2,)), (T, (1, 2, 1))),
    "ReverseV2": one((M, (0, 1)), (V, (0,)), (V, ()), (T, (2,)), (NONE, (0,))),
    "Roll": one((M, (1, 1), (0, 1)), (V, (-4,), (0,)), (T, (1, 2), (1, 1)), (NONE, (1,), (1,))),
    "Pad": one((M, ((1, 0), (0, 2))), (V, ((0, 0),)), (S, ()), (NONE, ((1, 1), (0, 1))), (C, ((2, 1),))),
    "MirrorPad": one(
        (M, ((1, 0), (2, 2)), "REFLECT"),
        (M, ((2, 1), (0, 3)), "SYMMETRIC"),
        (V, ((0, 0),), "REFLECT"),
        (C, ((1, 2),), "SYMMETRIC"),
    ),
    "Repeat": one((M, (2, 2), 0), (V, (0, 1, 3), 0), (T, (1, 0, 2), 1), (C, (2, 0, 1), 0)),
    "Pack": [((V, V + 1), (0,)), ((V, V + 1), (1,)), ((S, S + 1, S), (0,)), ((NONE, NONE), (1,)), ((C,), (0,))],
    "Unpack": one((M, 0), (M, 1), (V, 0), (T, 1), (C, 0)),
    "StridedSlice": one(
        (M, (1,)),
        (T, (-1, ALL, (None, None, -2))),
        (T, ((0, 1, None), Ellipsis, None, (1, None, 2))),
        (V, ((2, None, -1),)),
        (V, ((2, 1, None),)),
        (S, (None, Ellipsis)),
        (C, ((None, None, 2),)),
    ),
    "StridedSliceGrad": one(
        (V, (1,), (2, 3)),
        (T, (ALL, (0, 3, None)), (2, 5, 4)),
        (V[:2], ((None, None, -2),), (4,)),
        (S, (2,), (3,)),
    ),
    "GatherV2": [
        ((M, ints(1, 0, 1)), (0, 0)),
        ((M, np.int32(1)), (0, 0)),
        ((T, ints([1, 0], [2, 2], dtype=np.int64)), (1, 0)),
        ((T, ints([1, 0], [2, 2])), (1, 1)),
        ((T, ints([1, 0, 3], [2, 2, 0])), (2, 1)),
        ((T, PLACES.reshape(2, 3)), (2, 2)),
        ((T, ints(3, 0)), (2, 0)),
        ((C, ints(0, 0, 2)), (0, 0)),
        ((M, np.zeros(0, np.int32)), (1, 0)),
        ((np.zeros((2, 0)), ints(0)), (0, 0)),
    ],
    "GatherNd": AT,
    "ScatterNd": [
        ((ints([1], [1], [0]), V), ((3,),)),
        ((ints([1], [1]), M), ((3, 3),)),
        ((ints([[0, 1]], [[1, 1]]), np.array([[2.0], [3.0]])), ((2, 2),)),
        ((ints([2]), C[:1]), ((3,),)),
    ],
    "TensorScatterUpdate": SCATTERS,
    "TensorScatterAdd": SCATTERS + REPEATED,
    "HistogramFixedWidth": [((V, np.array([-1.0, 1.0])), (5, INT32))],
    "HistogramFixedWidthBins": [((V, np.array([-1.0, 1.0])), (5,))],
    "TensorScatterSub": SCATTERS + REPEATED,
    "TensorScatterMax": SCATTERS + REPEATED,
    "TensorScatterMin": SCATTERS + REPEATED,
    "DynamicPartition": [((ROWS, ints(1, 0, 1, 1)), (3,)), ((V, ints(0, 0, 0)), (1,))],
    "DynamicStitch": [((ROWS, ints(3, 0, 1, 4)), (6,)), ((V, ints(2, 0, 1)), (3,))],
    "UnsortedSegmentSum": UNSORTED + [((C, ints(1, 1, -1)), (2,)), many],
    "UnsortedSegmentProd": UNSORTED + [((C, ints(1, 1, 0)), (2,))],
    "UnsortedSegmentMax": UNSORTED,
    "UnsortedSegmentMin": UNSORTED,
    "GatherDropNegatives": [((ROWS, ints(3, -1, 0, 3)), ()), ((C, ints(1, 1)), ()), ((NONE, ints(-1)), ())],
    "TakeAlongLast": [((M, ints([2, 0], [1, 1])), ()), ((V, ints(2, 0, 1)), ()), ((C, ints(1)), ())],
    "AddAlongLast": [((M, ints([2, 0, 0], [1, 1, 3])), (4,)), ((V, ints(2, 0, 1)), (3,))],
    "TopKV2": one(
        (M, False, INT32, None), (T, True, INT64, 1), (ints(3, 1, 2), True, INT32, 2),
        (np.zeros((2, 0)), False, INT32, 0),
    ),
    "InTopKV2": [((M.astype(np.float32), ints(1, 0), np.int32(2)), ())],
    "Unique": one((ints(4, 2, 4, 1), INT32), (np.array([b"b", b"a", b"b"], object), INT64)),
    "UniqueWithCounts": one((ints(4, 2, 4, 1), INT32)),
    "LowerBound": [((np.sort(M), M), (INT32,)), ((ints([1, 3, 3]), ints([3, 0, 9, 1])), (INT64,))],
    "UpperBound": [((np.sort(M), M), (INT32,)), ((ints([1, 3, 3]), ints([3, 0, 9, 1])), (INT64,))],
    "DenseBincount": [((ints(1, 1, 3), V), (5, False)), ((ints([0, 1], [1, 1]), np.zeros(0)), (2, True))],
    "InvertPermutation": one((ints(2, 0, 1),)),
    "UnravelIndex": [((ints(5, 0), ints(2, 3)), ())],
    "OneHot": [
        ((ints(0, 2, 5), np.float64(2.0), np.float64(-1.0)), (3, 1)),
        ((ints([0, 1]), np.int32(1), np.int32(0)), (2, 0)),
    ],
    "Range": [((np.int32(1), np.int32(9), np.int32(3)), ()), ((np.int64(5), np.int64(0), np.int64(-2)), ())],
}
