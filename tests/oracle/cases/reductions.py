"""Reductions, cumulative sums, segments, counts and the search for the largest."""

from oracle.case import (
    ALL,
    COMPLEX,
    FLOATS,
    INTS,
    NUMBERS,
    REALS,
    attr,
    call,
    edges,
    expr,
    exprs,
    reduction,
    spread,
    t,
    v,
)

NAN, INF = float("nan"), float("inf")

reduction("tf.math.reduce_sum", NUMBERS, bad=("bool", "string"))
reduction("tf.math.reduce_mean", NUMBERS, bad=("bool", "string"))
reduction("tf.math.reduce_prod", NUMBERS, bad=("bool", "string"))
reduction("tf.math.reduce_max", REALS, bad=("complex64", "bool", "string"), tol="exact")
reduction("tf.math.reduce_min", REALS, bad=("complex64", "bool", "string"), tol="exact")
reduction("tf.math.reduce_all", ("bool",), bad=("float32", "int32", "string"))
reduction("tf.math.reduce_any", ("bool",), bad=("float32", "int32", "string"))
reduction("tf.math.reduce_logsumexp", FLOATS, bad=("complex64", "int32", "bool", "string"))
reduction("tf.math.reduce_euclidean_norm", NUMBERS, bad=("bool", "string"), edge=False)
reduction("tf.math.reduce_variance", FLOATS + COMPLEX, bad=("int32", "bool", "string"), edge=False)
reduction("tf.math.reduce_std", FLOATS + COMPLEX, bad=("int32", "bool", "string"), edge=False)
reduction("tf.math.count_nonzero", ALL, bad=(), tol="exact")
for name in ("max", "min"):
    symbol = f"tf.math.reduce_{name}"
    call(symbol, t([1.0, 2.0, 2.0, 1.0]), tag="ties")
    call(symbol, t([[1.0, 2.0], [1.0, 2.0]]), axis=0, tag="ties-0")
    call(symbol, t([0.0, -0.0]), tag="zeros", tol=None)
    call(symbol, t([1.0, NAN, 2.0]), tag="nan")
    call(symbol, ["a"], tag="strings")
    call(symbol, t([], "int32"), tag="none-int32")
    call(symbol, t([], "float64"), tag="none-float64")
for values in ([0.0, 1.0, 2.0], [0.0, 0.0, 3.0], [2.0, -3.0, 4.0], [0.0], [INF, 2.0]):
    call("tf.math.reduce_prod", t(values), tag=repr(values))
    call("tf.math.reduce_prod", t([values, values]), axis=1, tag=f"rows-{values!r}")
    call("tf.math.reduce_euclidean_norm", t(values), tag=repr(values))
    call("tf.math.reduce_std", t(values), tag=repr(values), tol="sum")
call("tf.math.reduce_euclidean_norm", t([0.0, 0.0]), tag="zeros")
call("tf.math.reduce_std", t([2.0, 2.0]), tag="equal")
call("tf.math.reduce_logsumexp", t([1000.0, 1000.0]), tag="large")
call("tf.math.reduce_logsumexp", t([-INF, -INF]), tag="nothing")
call("tf.math.reduce_logsumexp", t([INF, 1.0]), tag="inf")
exprs("tf.math.reduce_sum", """
    tf.reduce_sum(3); tf.reduce_sum([]); tf.reduce_sum([1, 2]); tf.reduce_sum([True]); tf.reduce_sum(None);
    tf.reduce_sum([[1], [2, 3]]); tf.reduce_sum([1., 2.], name='a'); tf.reduce_sum(input_tensor=[1], axis=0);
    tf.reduce_sum(tf.Variable([1., 2.])); tf.reduce_sum([[1, 2]], axis=tf.constant(1, tf.int64));
    tf.reduce_sum([[1, 2]], 'a'); tf.reduce_sum([[1, 2]], [[0]]); tf.reduce_sum([1, 2], keepdims=None);
    tf.reduce_sum(tf.constant([200, 100], tf.uint8)); tf.reduce_sum(tf.constant([2**31 - 1, 1]));
    tf.reduce_sum(tf.IndexedSlices([[1.], [2.]], [0, 1], [3, 1])); tf.reduce_sum(np.arange(4.))
""")
exprs("tf.math.reduce_mean", """
    tf.reduce_mean(3); tf.reduce_mean([]); tf.reduce_mean([1, 2]); tf.reduce_mean([True]);
    tf.reduce_mean([-1, -2]);
    tf.reduce_mean(tf.constant([255, 255, 254], tf.uint8)); tf.reduce_mean(tf.constant([], tf.float64))
""")
exprs("tf.math.count_nonzero", """
    tf.math.count_nonzero([0, 1, 2]); tf.math.count_nonzero([['', 'a']], axis=1);
    tf.math.count_nonzero([0., -0., float('nan')]); tf.math.count_nonzero([1], dtype=tf.int32);
    tf.math.count_nonzero([1], dtype=tf.float32); tf.math.count_nonzero([[1, 0]], keepdims=True);
    tf.math.count_nonzero(5)
""")
for name in ("argmax", "argmin"):
    symbol = f"tf.math.{name}"
    for dtype in (*REALS, "bool", "complex64", "string"):
        call(symbol, spread(dtype, (2, 3)))
        call(symbol, spread(dtype, (2, 3)), axis=1)
    for dtype in FLOATS + INTS:
        call(symbol, edges(dtype, few=True), tag=f"edge-{dtype}")
    for kwargs in ({"axis": 0}, {"axis": -1}, {"axis": 2}, {"axis": -4}, {"axis": None}, {"axis": [0]},
        {"axis": 0.5},
                   {"output_type": attr("int32")}, {"output_type": attr("float32")}, {"axis": t(1)},
                       {"name": "a"},
                   {"output_type": attr("int16")}, {"output_type": attr("uint16")}, {"axis": 2,
                       "output_type": attr("int32")}):
        call(symbol, spread("float32", (2, 3, 2)), **kwargs)
    for values in (5, [], [3, 1, 3], [[], []], [NAN, 1.0], [1.0, NAN], [INF, NAN], "a", None):
        call(symbol, values)
    call(symbol, t([[], []], "float32"), axis=0)
    call(symbol, t([[], []], "float32"), axis=1)

# Running sums and products.
for name in ("cumsum", "cumprod"):
    for dtype in NUMBERS:
        call(f"tf.math.{name}", spread(dtype, (2, 3)), axis=1, tol="sum")
        call(f"tf.math.{name}", spread(dtype, (4,)), exclusive=True, reverse=True, tol="sum")
for dtype in FLOATS:
    call("tf.math.cumulative_logsumexp", spread(dtype, (2, 3)), axis=1, tol="sum")
    call("tf.math.cumulative_logsumexp", spread(dtype, (4,)), exclusive=True, reverse=True, tol="sum")
for name in ("cumsum", "cumprod", "cumulative_logsumexp"):
    symbol = f"tf.math.{name}"
    for kwargs in ({}, {"axis": 1}, {"axis": -1}, {"axis": 3}, {"exclusive": True}, {"reverse": True},
                   {"axis": 1, "exclusive": True, "reverse": True}, {"axis": t(2)}, {"axis": t(2, "int64")},
                       {"name": "a"},
                   {"axis": 0.5}, {"axis": None}, {"axis": [0, 1]}, {"axis": [0]}):
        call(symbol, spread("float32", (2, 3, 2)), tol="sum", **kwargs)
    for kwargs in ({}, {"exclusive": True}, {"reverse": True}):
        call(symbol, t([1.0, INF, 2.0, NAN, -1.0]), tol="sum", tag=f"edge-{kwargs}", **kwargs)
        call(symbol, t([], "float32"), **kwargs)
        call(symbol, t([3.0, 0.0, 2.0, 0.0, 5.0]), tol="sum", tag=f"zeros-{kwargs}", **kwargs)
    for x in (t(2.0), [1.0, 2.0], t([True]), t(["a"]), spread("float32", (0, 2)), v([1.0, 2.0])):
        call(symbol, x, tol="sum")
call("tf.math.cumulative_logsumexp", t([1, 2]))
call("tf.math.cumulative_logsumexp", spread("complex64", (2,)))
call("tf.math.cumulative_logsumexp", t([1000.0, 1000.0, -1000.0]), tag="large", tol="sum")
call("tf.math.cumulative_logsumexp", t([-INF, -INF, 1.0]), tag="nothing", tol="sum")

# The largest, in order.
for dtype in (*REALS, "complex64", "bool", "string"):
    call("tf.math.top_k", spread(dtype, (2, 5)), 3, tol="exact")
for args, kwargs in (((), {}), ((1,), {}), ((0,), {}), ((5,), {}), ((6,), {}), ((-1,), {}), ((2,),
    {"sorted": True}),
                     ((2,), {"index_type": attr("int64")}), ((2,), {"index_type": attr("int16")}),
                     ((2,), {"index_type": attr("float32")}), ((t(2),), {}), ((2.0,), {}), ((None,), {}), ((2,
                         ), {"name": "a"})):
    call("tf.math.top_k", spread("float32", (2, 5)), *args, tol="exact", **kwargs)
call("tf.math.top_k", t([2.0, 1.0, 2.0, 2.0]), 2, tag="ties")
call("tf.math.top_k", t([NAN, 1.0, INF, -INF]), 4, tag="edge")
call("tf.math.top_k", t([0.0, -0.0, 0.0]), 3, tag="zeros")
call("tf.math.top_k", t(3.0), 1)
call("tf.math.top_k", [3, 1, 2], 2)
call("tf.math.top_k", spread("float32", (2, 2, 3)), 2)
call("tf.math.top_k", spread("float32", (0, 3)), 2)
exprs("tf.math.top_k",
    "tf.math.top_k([1, 3, 2]).values; tf.math.top_k([1, 3, 2])._fields; tf.math.top_k([1, 3, 2], k=2)[1]")
for dtype in ("int32", "int64"):
    call("tf.math.in_top_k", t([0, 2], dtype), t([[3.0, 1, 2], [1, 3, 2]]), 1)
for targets, predictions, k in (([1, 1], [[1.0, 1, 0], [0, 1, 1]], 1), ([0], [[1.0, 2]], 2), ([5], [[1.0, 2]],
    1), ([-1], [[1.0, 2]], 1),
                                ([0], [[NAN, 2.0]], 1), ([0], [[INF, 2.0]], 1), ([0], [[1.0, 2]], 0), ([0],
                                    [[1.0, 2]], 5),
                                ([0, 1], [[1.0, 2]], 1), ([0], [1.0, 2], 1), ([[0]], [[1.0, 2]], 1), ([0],
                                    [[1, 2]], 1)):
    call("tf.math.in_top_k", t(targets), t(predictions), k, tag=f"{targets},{predictions},{k}")
call("tf.math.in_top_k", [0], [[1.0, 2.0]], t(1), name="a")
call("tf.math.in_top_k", [0], spread("float64", (1, 2)), 1)

# Segments.
for name in ("sum", "mean", "max", "min", "prod"):
    symbol = f"tf.math.segment_{name}"
    for dtype in (*NUMBERS, "bool", "string"):
        call(symbol, spread(dtype, (4, 2)), [0, 0, 1, 3], tol="sum")
    x = spread("float32", (3, 2))
    for ids in ([0, 0, 0], [0, 1, 2], [2, 2, 4], [1, 0, 2], [-1, 0, 1], [0, 1], [[0, 0, 1]], t([0, 0, 1],
        "int64"), [0.0, 1, 1], 0):
        call(symbol, x, ids, tol="sum")
    call(symbol, t([], "float32"), t([], "int32"))
    call(symbol, t([1.0, 2.0, 2.0]), [0, 0, 0], tag="ties")
    call(symbol, t([1.0, 0.0, 2.0, 0.0, 0.0]), [0, 0, 1, 1, 1], tag="zeros")
    call(symbol, [1, 2, 3], [0, 0, 1], name="a")
for name in ("sum", "mean", "max", "min", "prod", "sqrt_n"):
    symbol = f"tf.math.unsorted_segment_{name}"
    for dtype in (*NUMBERS, "bool", "string"):
        call(symbol, spread(dtype, (4, 2)), [2, 0, 2, 3], 5, tol="sum")
    x = spread("float32", (3, 2))
    for ids, count in (([0, 0, 0], 1), ([1, 0, 1], 2), ([-1, 0, 1], 2), ([0, 1, 2], 2), ([0, 1], 2), ([[0, 1],
        [1, 0], [2, 2]], 3),
                       (t([1, 0, 1], "int64"), t(2, "int64")), ([0, 1, 1], -1), ([0, 0, 0], 0), ([0.0, 1, 1],
                           2), ([0, 1, 1], [2]),
                       ([0, 1, 1], 2.5)):
        call(symbol, x, ids, count, tol="sum")
    call(symbol, t([], "float32"), t([], "int32"), 2)
    call(symbol, t([1.0, 2.0, 2.0]), [0, 0, 0], 1, tag="ties", tol="sum")
    call(symbol, t([1.0, 0.0, 2.0, 0.0, 0.0]), [0, 0, 1, 1, 1], 2, tag="zeros", tol="sum")
    call(symbol, t(3.0), 0, 2, tag="scalar")
    call(symbol, [1.0, 2.0, 3.0], [0, 0, 1], num_segments=2, name="a")

# Counting.
exprs("tf.math.bincount", """
    tf.math.bincount([1, 1, 3]); tf.math.bincount([]); tf.math.bincount([[1, 1], [0, 3]]);
    tf.math.bincount([1, 1, 3], minlength=6); tf.math.bincount([1, 1, 3], maxlength=2);
    tf.math.bincount([1, 1, 3], minlength=3, maxlength=10);
    tf.math.bincount([1, 1, 3], weights=[0.5, 1., 2.]);
    tf.math.bincount([1, 1, 3], weights=[1, 2, 3]); tf.math.bincount([1, 1, 3], dtype=tf.int64);
    tf.math.bincount([1, 1, 3], dtype=tf.float32); tf.math.bincount([1, 1, 3], dtype=tf.float64);
    tf.math.bincount([-1, 1]); tf.math.bincount([1.5]); tf.math.bincount([1, 2], weights=[1.]);
    tf.math.bincount([[1, 1], [0, 3]], axis=0); tf.math.bincount([[1, 1], [0, 3]], axis=-1);
    tf.math.bincount([[1, 1], [0, 3]], axis=-1, binary_output=True);
    tf.math.bincount([[1, 1], [0, 3]], axis=1);
    tf.math.bincount([[1, 1], [0, 3]], axis=-1, weights=[[1., 2.], [3., 4.]]);
    tf.math.bincount([1, 1], binary_output=True);
    tf.math.bincount([[1, 1], [0, 3]], axis=-1, minlength=5);
    tf.math.bincount([[1, 1], [0, 3]], axis=-1, maxlength=2);
    tf.math.bincount([1, 2], axis=2); tf.math.bincount(tf.constant([1, 2], tf.int64)); tf.math.bincount(3);
    tf.math.bincount([True, False, True]); tf.math.bincount(['a']); tf.math.bincount([1], minlength=-1);
    tf.math.bincount([1], maxlength=-1); tf.math.bincount([1, 1, 3], maxlength=0);
    tf.math.bincount([2], name='a');
    tf.math.bincount(tf.constant([1, 2], tf.uint8));
    tf.math.bincount([1, 2], weights=tf.constant([1., 2.], tf.float64))
""")
exprs("tf.math.confusion_matrix", """
    tf.math.confusion_matrix([1, 2, 4], [2, 2, 4]); tf.math.confusion_matrix([0, 1], [1, 1], num_classes=3);
    tf.math.confusion_matrix([0, 1], [1, 1], weights=[0.5, 2]);
    tf.math.confusion_matrix([0, 1], [1, 1], dtype=tf.float32);
    tf.math.confusion_matrix([0, 1], [1, 1], weights=[2, 3], dtype=tf.int64);
    tf.math.confusion_matrix([0, 3], [1, 1], num_classes=2);
    tf.math.confusion_matrix([0, -1], [1, 1]); tf.math.confusion_matrix([0, 1], [1]);
    tf.math.confusion_matrix([[0], [1]], [1, 1]);
    tf.math.confusion_matrix([0.0, 1.0], [1.0, 1.0]); tf.math.confusion_matrix([], []);
    tf.math.confusion_matrix(labels=[0], predictions=[0], name='a');
    tf.math.confusion_matrix([0, 1], [1, -1]); tf.math.confusion_matrix([0, 1], [1, 3], num_classes=2);
    tf.math.confusion_matrix(['a'], ['b'])
""")
exprs("tf.math.invert_permutation", """
    tf.math.invert_permutation([3, 4, 0, 2, 1]); tf.math.invert_permutation([]);
    tf.math.invert_permutation([0]);
    tf.math.invert_permutation(tf.constant([1, 0], tf.int64)); tf.math.invert_permutation([0, 0]);
    tf.math.invert_permutation([0, 2]);
    tf.math.invert_permutation([-1, 0]); tf.math.invert_permutation([[0, 1]]);
    tf.math.invert_permutation([0., 1.]);
    tf.math.invert_permutation(tf.constant([1, 0], tf.int16));
    tf.math.invert_permutation(x=[1, 0], name='a'); tf.math.invert_permutation(tf.constant([], tf.int32))
""")
for dtype in ALL:
    call("tf.math.zero_fraction", spread(dtype, (2, 3)))
exprs("tf.math.zero_fraction", """
    tf.math.zero_fraction([0, 1, 0]); tf.math.zero_fraction([]); tf.math.zero_fraction(0.0);
    tf.math.zero_fraction(['', 'a']);
    tf.math.zero_fraction([-0.0, float('nan')]); tf.math.zero_fraction([True, False], name='a');
    tf.math.zero_fraction(None)
""")

# Norms, softmax and beta along axes.
for dtype in FLOATS + COMPLEX:
    call("tf.math.l2_normalize", spread(dtype, (2, 3)), axis=1)
    call("tf.math.l2_normalize", spread(dtype, (2, 3)))
for dtype in ("int32", "bool", "string"):
    call("tf.math.l2_normalize", spread(dtype, (2, 3)))
for kwargs in ({"axis": 0}, {"axis": [0, 1]}, {"axis": -1, "epsilon": 10.0}, {"dim": 1}, {"dim": 1,
    "axis": 0}, {"axis": 5}, {"axis": []},
               {"name": "a"}, {"axis": None, "epsilon": 0.0}):
    call("tf.math.l2_normalize", spread("float32", (2, 3)), **kwargs)
call("tf.math.l2_normalize", t([0.0, 0.0]), tag="zeros")
call("tf.math.l2_normalize", t([0.0, 0.0]), epsilon=0.0, tag="zeros-no-epsilon")
call("tf.math.l2_normalize", [3.0, 4.0])
for name in ("softmax", "log_softmax"):
    symbol = f"tf.math.{name}"
    for dtype in FLOATS:
        call(symbol, spread(dtype, (2, 3)))
        call(symbol, t([1000.0, 1000.0, -1000.0] if dtype != "float16" else [100.0, 100.0, -100.0], dtype),
            tag=f"large-{dtype}")
        call(symbol, t([[0.0, INF], [-INF, 1.0], [NAN, 1.0], [-INF, -INF]], dtype), tag=f"edge-{dtype}")
    for dtype in ("complex64", "int32", "bool", "string"):
        call(symbol, spread(dtype, (2,)))
    for axis in (0, 1, -1, -2, 2, 3, -4, None, 0.5):
        call(symbol, spread("float32", (2, 3, 2)), axis=axis)
    for shape in ((0,), (2, 0), (0, 2), (), (1,)):
        call(symbol, spread("float32", shape))
    call(symbol, [1.0, 2.0])
    call(symbol, spread("float32", (2, 3)), name="a")
    call(symbol, v([1.0, 2.0]))
for dtype in ("float16", "float32", "float64"):
    call("tf.math.lbeta", spread(dtype, (2, 3), 0.5, 3), tol="special")
for x in (t([1.0]), t([0.0, 1.0]), t([[], []], "float32"), t([-0.5, 1.0]), [1, 2], t([1, 2]), t(1.0), t([INF,
    1.0]), t(["a"])):
    call("tf.math.lbeta", x, tol="special")
expr("tf.math.lbeta", "tf.math.lbeta(x=[1., 2.], name='a')")
