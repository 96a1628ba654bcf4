"""Picking and putting elements, ordering them, and casting."""

from oracle.case import (
    ALL,
    FLOATS,
    INTS,
    NUMBERS,
    REALS,
    UINTS,
    attr,
    call,
    edges,
    expr,
    spread,
    t,
    v,
)

# Picking.
for dtype in ALL:
    call("tf.gather", spread(dtype, (3, 2)), [2, 0, 2], tol="exact")
    call("tf.gather_nd", spread(dtype, (3, 2)), [[2, 0], [0, 1]], tol="exact")
for kwargs in ({"axis": 0}, {"axis": 1}, {"axis": -1}, {"axis": 2}, {"axis": -4}, {"batch_dims": 1},
    {"batch_dims": 1, "axis": 1}, {"batch_dims": 1, "axis": 2}, {"batch_dims": -1}, {"batch_dims": 2,
    "axis": 1},
               {"batch_dims": 3}, {"axis": 0.5}, {"validate_indices": True}, {"name": "a"}):
    call("tf.gather", spread("float32", (2, 3, 2)), t([[1, 0], [0, 1]]), tol="exact", **kwargs)
for indices in (0, 2, 3, -1, [], [[0, 1], [2, 0]], [0, 3], [-1], [0.5], ["a"], t([1], "int64"), t([1],
    "int16"), t([1], "uint8"), t([1], "int8"), [True], None):
    call("tf.gather", spread("float32", (3, 2)), indices, tol="exact")
call("tf.gather", spread("float32", ()), [0])
call("tf.gather", spread("float32", (0, 2)), [0])
call("tf.gather", v([[1.0, 2.0], [3.0, 4.0]]), [1, 1])
call("tf.gather", [10, 20, 30], [2, 0])
call("tf.gather", spread("float32", (3, 2)), t([0, 1]), axis=t(1))
for indices in ([0], [[0]], [[0, 1]], [[0], [2]], [[2, 1]], [[3, 0]], [[0, 2]], [[-1, 0]], [[0, 0, 0]], [],
    [[]], [[[0, 0]], [[1, 1]]], [[0.5, 0]], t([[1, 1]], "int64"), 0, t([[1]], "int16")):
    call("tf.gather_nd", spread("float32", (3, 2)), indices, tol="exact")
for kwargs in ({"batch_dims": 1}, {"batch_dims": 2}, {"batch_dims": -1}, {"name": "a"},
    {"bad_indices_policy": "IGNORE"}, {"bad_indices_policy": "ERROR"}, {"bad_indices_policy": "x"}):
    call("tf.gather_nd", spread("float32", (2, 3, 2)), t([[1], [0]]), tol="exact", **kwargs)
call("tf.gather_nd", spread("float32", (3, 2)), [[5, 0], [1, 1]], bad_indices_policy="IGNORE")
call("tf.gather_nd", v([[1.0, 2.0], [3.0, 4.0]]), [[1, 0], [1, 0]])
for dtype in ALL:
    call("tf.boolean_mask", spread(dtype, (3, 2)), [True, False, True], tol="exact")
for mask in ([[True, False], [False, False], [True, True]], [False, False, False], [True, False], True, [1, 0,
    1], [], t([True, True, False]), [[True], [False], [True]], None):
    call("tf.boolean_mask", spread("float32", (3, 2)), mask, tol="exact")
call("tf.boolean_mask", spread("float32", (3, 2)), [True, False], axis=1)
call("tf.boolean_mask", spread("float32", (3, 2)), [True, False], axis=-1)
call("tf.boolean_mask", spread("float32", (3, 2)), [True, False], axis=2)
call("tf.boolean_mask", [1, 2, 3], [True, False, True], name="a")
call("tf.boolean_mask", spread("float32", ()), [True])
for dtype in ALL:
    call("tf.slice", spread(dtype, (3, 3)), [1, 0], [2, 2], tol="exact")
for begin, size in (([0, 0], [3, 3]), ([1, 1], [-1, -1]), ([0, 0], [0, 3]), ([2, 2], [2, 1]), ([-1, 0], [1,
    1]), ([0], [1]), ([0, 0], [1, -2]), (t([1, 1]), t([1, 2])), (t([1, 1], "int64"), t([1, 2], "int64")),
                    ([3, 0], [-1, 1]), ([3, 0], [0, 1]), ([0.5, 0], [1, 1]), ([4, 0], [-1, 1]), ([[0, 0]],
                        [[1, 1]])):
    call("tf.slice", spread("float32", (3, 3)), begin, size, tol="exact")
for dtype in ALL:
    call("tf.strided_slice", spread(dtype, (3, 4)), [0, 1], [3, 4], [2, 2], tol="exact")
for args, kwargs in ((([0, 0], [2, 2]), {}), (([0, 1], [3, 3], [1, 1]), {}), (([-1, -1], [-4, -5], [-1, -2]),
    {}), (([1], [2]), {}), (([0, 0], [3, 4], [0, 1]), {}), (([0], [3, 4]), {}),
                     (([1, 0], [2, 4]), {"begin_mask": 1}), (([1, 0], [2, 2]), {"end_mask": 3}), (([1, 0], [2,
                         2]), {"shrink_axis_mask": 1}), (([0, 1, 0], [0, 3, 0]), {"new_axis_mask": 1}),
                     (([0, 1], [0, 2]), {"ellipsis_mask": 1}), (([0, 0], [0, 0]), {"ellipsis_mask": 3}),
                         (([5], [6]), {"shrink_axis_mask": 1}), (([0, 0, 0], [1, 1, 1]), {}), (([2, 3], [0,
                         0], [-1, -1]), {}),
                     (([0, 1], [3, 10]), {"name": "a"})):
    call("tf.strided_slice", spread("float32", (3, 4)), *args, tol="exact", **kwargs)
for dtype in ALL:
    call("tf.where", t([True, False, True]), spread(dtype, (3,)), spread(dtype, (3,), seed=1), tol="exact")
    call("tf.where", spread(dtype, (2, 3)), tag=f"indices-{dtype}")
for args in ((t([[True], [False]]), spread("float32", (3,)), spread("float32", ())), (True, spread("float32",
    (2,)), spread("float32", (2,), seed=1)), (t([True, False]), 1.0, spread("float32", (2,))),
             (t([True, False]), spread("float32", (2,)), 0), (t([True, False]), 1, 0), (t([True, False]), 1,
                 0.5), ([True, False], [1, 2], [3, 4]), (t([True, False]), spread("float32", (3,)), 0.0),
             (t([True, False]), spread("float32", (2,)), spread("float64", (2,))), (t([1, 0]), 1.0, 2.0),
                 (t([True]), spread("float32", (2,)), None), (t([True]), None, spread("float32", (2,))),
             (t([True, False]), spread("float32", (2, 2)), spread("float32", (2, 1))), (t([], "bool"), t([],
                 "float32"), 1.0), (t([True, False]), "a", "b"), (t([True, False]), v([1.0, 2.0]), t([3.0,
                 4.0]))):
    call("tf.where", *args, tol="exact")
for x in ([True, False, True], [[0, 1], [2, 0]], [0.0, -0.0, 1.0, float("nan")], True, False, [], [[True]]):
    call("tf.where", x)
call("tf.where", edges("float32"), tag="indices-edge")
expr("tf.where", "tf.where(x > 0, tf.math.log(x), 0.)", x=t([-1.0, 0.0, 2.0]))
expr("tf.where", "tf.where(x > 0, tf.sqrt(x), tf.zeros_like(x))", x=t([-1.0, 0.0, 4.0]))
expr("tf.where", "tf.where(tf.equal(x, 0), 1., x / x)", x=t([0.0, 2.0]))
expr("tf.where", "tf.where(condition=x > 0, x=x, y=-x, name='a')", x=t([-1.0, 0.0, 4.0]))

# Putting.
for dtype in (*NUMBERS, "bool", "string"):
    call("tf.scatter_nd", t([[2], [0]]), spread(dtype, (2, 2)), [4, 2], tol="exact")
    call("tf.tensor_scatter_nd_update", spread(dtype, (3, 2)), [[2], [0]], spread(dtype, (2, 2), seed=1),
        tol="exact")
for name in ("add", "sub", "max", "min"):
    symbol = f"tf.tensor_scatter_nd_{name}"
    for dtype in (*NUMBERS, "bool", "string"):
        call(symbol, spread(dtype, (3, 2)), [[2], [0]], spread(dtype, (2, 2), seed=1), tol="exact")
    call(symbol, t([1.0, 2.0, 3.0]), [[1], [1], [0]], t([10.0, 2.0, 1.0]), tag="repeated")
for name in ("update", "add", "sub", "max", "min"):
    symbol = f"tf.tensor_scatter_nd_{name}"
    x = spread("float32", (3, 2))
    for indices, updates in (([[0, 1], [2, 0]], t([5.0, 6.0])), ([0], t(5.0)), ([[3]], t([[1.0, 2.0]])),
        ([[-1]], t([[1.0, 2.0]])), ([[0]], t([1.0])), ([[0, 0, 0]], t([1.0])), ([[[0, 0]], [[1, 1]]],
        t([[1.0], [2.0]])),
                             (t([], "int32"), t([], "float32")), ([[0]], t([[1, 2]])), ([[0.5]], t([[1.0,
                                 2.0]])), (t([[1]], "int64"), t([[1.0, 2.0]])), ([[0], [1]], t([[1.0, 2.0]])),
                                 ([[0]], [[1, 2]])):
        call(symbol, x, indices, updates, tol="exact")
    call(symbol, [1, 2, 3], [[0]], [5], name="a")
    call(symbol, v([1.0, 2.0]), [[0]], [5.0])
    if name != "update":
        call(symbol, x, [[5], [0]], t([[1.0, 2.0], [3.0, 4.0]]), bad_indices_policy="IGNORE")
for indices, updates, shape in (([[1], [1]], t([2.0, 3.0]), [3]), ([[0, 1], [1, 0]], t([2.0, 3.0]), [2, 2]),
    ([[3]], t([1.0]), [3]), ([[-1]], t([1.0]), [3]), ([[0]], t([1.0, 2.0]), [3]), ([[0]], t([[1.0, 2.0]]),
    [3]),
                                ([0], t(1.0), [3]), ([[0, 0]], t([1.0]), [3]), ([[0]], t([1.0]), [-3]),
                                    ([[0]], t([1.0]), [0]), (t([[0]], "int64"), t([1.0]), t([2], "int64")),
                                    (t([[0]], "int64"), t([1.0]), t([2])),
                                ([[0]], [5], [2]), (t([], "int32"), t([], "float32"), [2]), ([[0]], t([1.0]),
                                    [2.5]), ([[[0]], [[2]]], t([[1.0], [2.0]]), [3])):
    call("tf.scatter_nd", indices, updates, shape, tol="exact")
call("tf.scatter_nd", [[3], [0]], t([1.0, 2.0]), [3], bad_indices_policy="IGNORE")
for dtype in ALL:
    call("tf.dynamic_partition", spread(dtype, (4, 2)), [0, 1, 0, 2], 3, tol="exact")
    call("tf.dynamic_stitch", [t([0, 2]), t([1, 3])], [spread(dtype, (2, 2)), spread(dtype, (2, 2), seed=1)],
        tol="exact")
for args in (([0, 1, 1, 0], 2), ([0, 0, 0, 0], 1), ([0, 5, 0, 0], 2), ([0, -1, 0, 0], 2), ([0, 1], 2), (0, 2),
    ([[0, 1], [1, 0], [0, 0], [1, 1]], 2), (t([0, 1, 1, 0], "int64"), 2), ([0, 1, 1, 0], 0), ([0.0, 1, 1, 0],
    2)):
    call("tf.dynamic_partition", spread("float32", (4, 2)), *args, tol="exact")
for args in (([t([0, 1]), t([1, 0])], [t([1.0, 2.0]), t([3.0, 4.0])]), ([t(0), t([1, 2])], [t(1.0), t([2.0,
    3.0])]), ([t([0, 3])], [t([1.0, 2.0])]), ([t([0])], [t([1.0, 2.0])]), ([t([0])], [t([1.0]), t([2.0])]),
             ([t([-1])], [t([1.0])]), ([t([[0], [1]])], [t([[1.0], [2.0]])]), ([t([0])], [t(["a"])]), ([t([],
                 "int32")], [t([], "float32")])):
    call("tf.dynamic_stitch", *args, tol="exact" if len(args[0]) else None)

# Ordering and counting.
for dtype in (*REALS, "complex64", "bool", "string"):
    call("tf.sort", spread(dtype, (2, 4)), tol="exact")
    call("tf.argsort", spread(dtype, (2, 4)))
    call("tf.sort", edges(dtype) if dtype in INTS + UINTS else spread(dtype, (5,)), tag=f"more-{dtype}",
        direction="DESCENDING", tol="exact")
for kwargs in ({"axis": 0}, {"axis": 1}, {"axis": -2}, {"axis": 2}, {"axis": -3}, {"direction": "DESCENDING"},
    {"direction": "ASCENDING", "axis": 0}, {"direction": "up"}, {"axis": None}, {"name": "a"}, {"axis": 0.5},
               {"axis": 0, "direction": "DESCENDING"}):
    call("tf.sort", spread("float32", (3, 2)), tol="exact", **kwargs)
    call("tf.argsort", spread("float32", (3, 2)), **kwargs)
for x in ([3, 1, 2], 5, [], [2, 2, 1], [[1], [2]], [float("nan"), 1.0, float("-inf"), 2.0], [0.0, -0.0, 1.0],
    [1.0, 1.0, 0.0]):
    call("tf.sort", x, tol="exact")
    call("tf.argsort", x)
    call("tf.argsort", x, direction="DESCENDING")
    call("tf.argsort", x, stable=True)
call("tf.sort", t([2.0, 1.0, 2.0, 1.0]), tag="ties")
call("tf.sort", t([2.0, 1.0, 2.0, 1.0]), direction="DESCENDING", tag="ties-down")
call("tf.argsort", t([2.0, 1.0, 2.0, 1.0]), tag="ties")
call("tf.argsort", t([2.0, 1.0, 2.0, 1.0]), direction="DESCENDING", tag="ties-down")
for dtype in (*REALS, "bool", "string"):
    values = edges(dtype).array[[0, 1, 0, 1, 1, 0]] if dtype in ("bool", "string") else [3, 1, 3, 2, 1, 1]
    call("tf.unique", t(values, dtype), tol="exact")
    call("tf.unique_with_counts", t(values, dtype), tol="exact")
for symbol in ("tf.unique", "tf.unique_with_counts"):
    call(symbol, [1, 2, 1], attr("int64"))
    call(symbol, [1, 2, 1], out_idx=attr("int64"))
    call(symbol, [1, 2, 1], out_idx=attr("float32"))
    call(symbol, [[1, 2], [1, 2]])
    call(symbol, 3)
    call(symbol, [])
    call(symbol, ["a", "b", "a"], name="a")
    call(symbol, [0.0, -0.0, float("nan"), float("nan")])
    call(symbol, spread("complex64", (2,)), grad=False)
    call(symbol, t([1.0, 2.0, 1.0]), tag="gradient")
    expr(symbol, f"{symbol}([3, 1, 3]).y")
    expr(symbol, f"{symbol}([3, 1, 3])._fields")
for dtype in (*REALS, "string", "bool", "complex64"):
    call("tf.searchsorted", t([1, 3, 5, 7], dtype) if dtype in REALS else spread(dtype, (4,)), t([0, 3, 4, 9],
        dtype) if dtype in REALS else spread(dtype, (4,)))
for kwargs in ({"side": "left"}, {"side": "right"}, {"side": "middle"}, {"out_type": attr("int64")},
    {"out_type": attr("float32")}, {"name": "a"}):
    call("tf.searchsorted", t([1.0, 2.0, 2.0, 4.0]), t([[0.0, 2.0], [4.0, 5.0]]), **kwargs)
    call("tf.searchsorted", t([1.0, 2.0, 2.0, 4.0]), t([0.0, 2.0, 4.0, 5.0]), tag=f"vector-{kwargs}",
        **kwargs)
call("tf.searchsorted", t([[1.0, 3.0], [2.0, 4.0]]), t([[2.0], [2.0]]))
call("tf.searchsorted", t([[1.0, 3.0], [2.0, 4.0]]), t([[2.0], [2.0], [3.0]]))
call("tf.searchsorted", t([1.0, 3.0]), t(2.0))
call("tf.searchsorted", t([], "float32"), t([2.0]))
call("tf.searchsorted", t([1.0, 3.0]), t([1, 2]))
call("tf.searchsorted", [1, 3, 5], [2, 3])
for source in ("tf.unravel_index([0, 5, 3], [2, 3])", "tf.unravel_index(5, [2, 3])",
    "tf.unravel_index([22, 41, 37], [7, 6])", "tf.unravel_index([6], [2, 3])",
    "tf.unravel_index([-1], [2, 3])",
               "tf.unravel_index([[0, 1]], [2, 3])",
                   "tf.unravel_index(tf.constant([5], tf.int64), tf.constant([2, 3], tf.int64))",
                   "tf.unravel_index([5], [])", "tf.unravel_index([1.5], [2, 3])",
               "tf.unravel_index([5], [6])", "tf.unravel_index([5], [0, 3])", "tf.unravel_index([], [2, 3])",
                   "tf.unravel_index(indices=[1], dims=[2, 2], name='a')", "tf.unravel_index([1], 3)"):
    expr("tf.unravel_index", source)

# Dtypes. Overflow and NaN in a cast to an integer are undefined in TensorFlow and not asked.
for source in (*NUMBERS, "bool"):
    for target in (*NUMBERS, "bool"):
        call("tf.cast", t([0, 1, 3, 100, 2], source), attr(target))
    call("tf.cast", t([1.25, 2.75, 0.5, 100.0] if source in FLOATS else [1, 2, 0, 100], source),
        attr("int32"))
for source in FLOATS + INTS:
    for target in INTS + FLOATS + ("complex64", "bool"):
        call("tf.cast", t([-1.75, -2, -0.25], source), attr(target), tag=f"negative-{source}-{target}")
for source in INTS + UINTS:
    for target in INTS + UINTS:
        call("tf.cast", edges(source), attr(target), tag=f"wrap-{source}-{target}")
        call("tf.saturate_cast", edges(source), attr(target), tag=f"{source}-{target}")
    call("tf.cast", edges(source), attr("float32"), tag=f"wrap-{source}-float32")
    call("tf.saturate_cast", edges(source), attr("float16"), tag=f"{source}-float16")
for source in FLOATS:
    for target in FLOATS + ("bool", "complex64"):
        call("tf.cast", edges(source), attr(target), tag=f"edge-{source}-{target}", tol="exact")
        call("tf.saturate_cast", edges(source), attr(target), tag=f"{source}-{target}", tol="exact")
    for target in ("int8", "uint8", "int32", "int64", "uint16"):
        call("tf.saturate_cast", t([0.0, 1.5, -1.5, 300.0, -300.0, 1e6 if source != "float16" else 6e4],
            source), attr(target))
for args in ((spread("string", (2,)), attr("int32")), (spread("int32", (2,)), attr("string")), ([1, 2],
    attr("float32")), (1.9, attr("int32")), (t([1.5]), "int32"), (t([1.5]), int), (t([1.5]), "nonsense"),
    (t([1.5]), None),
             (None, attr("float32")), (v([1.5]), attr("int32")), (t([1.5]), attr("float32"))):
    call("tf.cast", *args)
    call("tf.saturate_cast", *args)
expr("tf.cast", "tf.cast(tf.IndexedSlices(x, [0, 1], [2]), tf.float64)", x=t([1.0, 2.0]), grad=False)
expr("tf.cast", "tf.cast(x, tf.float32) is x", x=t([1.0, 2.0]), grad=False)
expr("tf.cast", "tf.cast(tf.cast(x, tf.float64), tf.complex64)", x=t([1.0, 2.0]))
expr("tf.cast", "tf.cast(x, tf.float32)", x=spread("complex64", (3,)))
