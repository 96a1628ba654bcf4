"""Assertions and the rest of tf.debugging, and tf.config."""

from oracle.case import ALL, attr, call, case, caught, exprs, spread, t, v

NAN, INF = float("nan"), float("inf")

# Comparisons of two.
for name in ("equal", "none_equal", "less", "less_equal", "greater", "greater_equal", "near"):
    symbol = f"tf.debugging.assert_{name}"
    for x, y in ((1, 1), (1, 2), (2, 1), ([1, 2], [1, 2]), ([1, 2], [2, 1]), ([1, 2, 3], [1, 2, 4]), ([], []),
        ([1.0, 2.0], [1.0, 2.0]), ([NAN], [NAN]), ([1.0], [NAN]), (t([1.0, 2.0]), t([1.0, 2.5])),
                 (t([[1, 2], [3, 4]]), t([1, 2])), (t([1, 2]), t([1, 2, 3])), (t([1]), t([1.0])), ("a", "a"),
                     (["a", "b"], ["a", "c"]), (True, True), (t([True, False]), t([True, True])), (1, 1.5),
                     (None, 1),
                 (1 + 1j, 1 + 1j), (v([1.0]), t([2.0])), (0, [0, 0]), (list(range(30)), [0] * 30)):
        # TensorFlow's default tolerance for integers and strings is an accident.
        if name != "near" or (isinstance(x, list) and x and isinstance(x[0], float)) or (isinstance(x,
            t) and x.dtype == "float32"):
            call(symbol, x, y)
    if name != "near":
        call(symbol, t([1, 2]), t([1, 3]), message="my words")
        call(symbol, t([1, 2]), t([3, 1]), message="my words", name="a")
        call(symbol, t([1, 2, 3, 4]), t([1, 3, 5, 7]), summarize=2)
        call(symbol, t([4, 3, 5, 8]), t([1, 3, 5, 7]), summarize=1)
    for dtype in ALL if name != "near" else ("float16", "float32", "float64", "complex64"):
        call(symbol, spread(dtype, (3,)), spread(dtype, (3,), seed=2), tag=f"two-{dtype}")
        call(symbol, spread(dtype, (3,)), spread(dtype, (3,)), tag=f"same-{dtype}")
call("tf.debugging.assert_near", t([1.0, 2.0]), t([1.0 + 1e-7, 2.0]))
call("tf.debugging.assert_near", t([1.0, 2.0]), t([1.1, 2.0]), rtol=0.2)
call("tf.debugging.assert_near", t([1.0, 2.0]), t([1.1, 2.0]), rtol=0.01, atol=0.01)
call("tf.debugging.assert_near", t([1.0, 2.0]), t([1.1, 2.0]), 0.0, 0.2)
call("tf.debugging.assert_near", t([1.0, 2.0]), t([1.1, 2.1]), summarize=1)

# Of one.
for name in ("negative", "positive", "non_negative", "non_positive", "integer"):
    symbol = f"tf.debugging.assert_{name}"
    for x in (1, 0, -1, 0.0, -0.0, [1, 2], [-1, -2], [1, -1], [], [NAN], [INF], t([0.5, -0.5]), "a", True,
        None, 1j, v([1.0])):
        call(symbol, x)
    call(symbol, t([1.0, 0.0, -1.0]), message="my words")
    call(symbol, t([1.0, 0.0, -1.0]), message="my words", name="a")
    if name != "integer":
        call(symbol, t([-1, 0, 1, 2]), summarize=2)
    for dtype in ALL:
        call(symbol, spread(dtype, (3,)), tag=f"{dtype}")
for x in (t([1.0, 2.0]), t([1.0, NAN]), t([INF, 1.0]), t([-INF]), t([INF, NAN]), t([], "float32"), t([1, 2]),
    t([NAN], "float64"), t([NAN], "float16"), t([INF], "bfloat16"), [1.0], 2.0, t([1j]), "a", None, v([NAN])):
    call("tf.debugging.assert_all_finite", x, "my words")
    call("tf.debugging.check_numerics", x, "my words")
    call("tf.debugging.check_numerics", x, message="other words", name="a")
call("tf.debugging.check_numerics", t([1.0, 2.0]), 3)
call("tf.debugging.check_numerics", t([1.0, 2.0]))
exprs("tf.debugging.check_numerics",
    "tf.debugging.check_numerics(x, 'm') * 2.; tf.debugging.check_numerics(1. / x, 'm')", x=t([0.0, 2.0]))

# Ranks, shapes and types.
for x in (1, [1], [[1]], t([[1.0]]), v([1.0]), "a", [], None, [[1], [2, 3]]):
    for rank in (0, 1, 2):
        call("tf.debugging.assert_rank", x, rank)
        call("tf.debugging.assert_rank_at_least", x, rank)
    for ranks in ([0, 1], (1, 2), [2], []):
        call("tf.debugging.assert_rank_in", x, ranks)
    call("tf.debugging.assert_scalar", x)
for name, rank in (("rank", 2), ("rank_at_least", 2), ("rank_in", [2, 3])):
    call(f"tf.debugging.assert_{name}", t([1.0]), rank, message="my words", name="a")
    call(f"tf.debugging.assert_{name}", t([1.0]), "a")
    call(f"tf.debugging.assert_{name}", t([1.0]), [[1]])
    call(f"tf.debugging.assert_{name}", t([1.0]), t(1) if name != "rank_in" else [t(1)])
    call(f"tf.debugging.assert_{name}", t([1.0]), 1.5 if name != "rank_in" else [1.5])
    call(f"tf.debugging.assert_{name}", t([1.0]), None)
    call(f"tf.debugging.assert_{name}", t([1.0]), -1 if name != "rank_in" else [-1])
call("tf.debugging.assert_scalar", t([1.0]), "my words", "a")
for x, dtype in ((t([1.0]), attr("float32")), (t([1.0]), attr("int32")), ([1], attr("int32")), (1.5,
    attr("float32")), ("a", attr("string")), (t([1.0]), "float32"), (t([1.0]), 3), (None, attr("float32")),
    (v([1.0]), attr("float32"))):
    call("tf.debugging.assert_type", x, dtype)
    call("tf.debugging.assert_type", x, dtype, message="my words", name="a")
exprs("tf.debugging.assert_same_float_dtype", """
    tf.debugging.assert_same_float_dtype([x, x]); tf.debugging.assert_same_float_dtype([x], tf.float64);
    tf.debugging.assert_same_float_dtype([x, tf.cast(x, tf.float64)]);
    tf.debugging.assert_same_float_dtype();
    tf.debugging.assert_same_float_dtype(dtype=tf.float64);
    tf.debugging.assert_same_float_dtype([tf.constant(1)]);
    tf.debugging.assert_same_float_dtype(dtype=tf.int32); tf.debugging.assert_same_float_dtype([None, x]);
    tf.debugging.assert_same_float_dtype([tf.constant(1), x]); tf.debugging.assert_same_float_dtype([]);
    tf.debugging.assert_same_float_dtype([tf.Variable(1.)]);
    tf.debugging.assert_same_float_dtype([tf.cast(x, tf.complex64)])
""", x=t([1.0]), grad=False)
exprs("tf.debugging.assert_shapes", """
    tf.debugging.assert_shapes([(x, [2, 3])]); tf.debugging.assert_shapes([(x, ('N', 'D')), (y, ('D',))]);
    tf.debugging.assert_shapes([(x, ('N', 'D')), (y, ('N',))]); tf.debugging.assert_shapes([(x, [3, 2])]);
    tf.debugging.assert_shapes([(x, (None, 3))]); tf.debugging.assert_shapes([(x, [2])]);
    tf.debugging.assert_shapes([]); tf.debugging.assert_shapes([(y, 3)]);
    tf.debugging.assert_shapes([(x, 'ND')]);
    tf.debugging.assert_shapes([(x, (..., 3))]); tf.debugging.assert_shapes([(x, (..., 2))]);
    tf.debugging.assert_shapes([(x, ('*', 'D')), (y, ('D',))]); tf.debugging.assert_shapes([(x, (2.5, 3))]);
    tf.debugging.assert_shapes([(x, ('N', 'N'))]);
    tf.debugging.assert_shapes([(x, (3, 3))], message='my words'); tf.debugging.assert_shapes([(1., ())]);
    tf.debugging.assert_shapes([(1., (1,))]); tf.debugging.assert_shapes(3);
    tf.debugging.assert_shapes([([1, 2], ('N',)), (y, ('N',))], data=[x], summarize=2);
    tf.debugging.assert_shapes([(x, ['N', 'D']), (y, ['D'])], name='a')
""", x=spread("float32", (2, 3)), y=spread("float32", (3,)), grad=False)
for x in ([1, 2], (1,), {"a": 1}, 3, "abc", b"abc", None, t([1.0]), set(), (k for k in ()), [], v([1.0])):
    if type(x).__name__ == "generator":
        continue
    call("tf.debugging.assert_proper_iterable", x)
for dtype in ALL:
    call("tf.debugging.is_numeric_tensor", spread(dtype, (2,)), grad=False)
for x in (1, [1.0], "a", None, v([1.0])):
    call("tf.debugging.is_numeric_tensor", x)
for condition, data in ((True, ["a"]), (False, ["a"]), (t(True), [1, 2]), (t(False), [t([1, 2, 3, 4, 5])]),
    (False, [t([1.5]), "text", t(["s"])]), (False, []), (1, ["a"]), (0, ["a"]), ("a", ["b"]),
                        (None, ["a"]), (False, None), (False, "a"), (0.0, ["zero"])):
    call("tf.debugging.Assert", condition, data)
call("tf.debugging.Assert", False, [t([1, 2, 3, 4, 5])], summarize=2)
call("tf.debugging.Assert", False, [t([1, 2, 3, 4, 5])], summarize=-1)
call("tf.debugging.Assert", False, [t(list(range(20)))], name="a")



@case("tf.debugging.enable_check_numerics", "tf.debugging.disable_check_numerics", eager_only=True)
def numerics_are_checked(tf):
    tf.debugging.enable_check_numerics()
    try:
        results = [caught(lambda: tf.math.log(tf.constant(-1.0))).error.__class__,
            caught(lambda: tf.constant([1.0, 0.0]) / 0.0).error.__class__, tf.constant(1.0) + 1.0]
    finally:
        tf.debugging.disable_check_numerics()
    return results, tf.math.log(tf.constant(-1.0))


@case("tf.debugging.enable_check_numerics", eager_only=True)
def numerics_message(tf):
    tf.debugging.enable_check_numerics()
    try:
        message = str(caught(lambda: tf.math.log(tf.constant([-1.0, 1.0]))).error)
    finally:
        tf.debugging.disable_check_numerics()
    return [word in message for word in ("NaN", "Log", "float32", "(2,)")]


@case("tf.debugging.enable_traceback_filtering", "tf.debugging.disable_traceback_filtering",
    "tf.debugging.is_traceback_filtering_enabled", eager_only=True)
def traceback_filtering(tf):
    results = [tf.debugging.is_traceback_filtering_enabled()]
    tf.debugging.disable_traceback_filtering()
    results.append(tf.debugging.is_traceback_filtering_enabled())
    tf.debugging.enable_traceback_filtering()
    return [*results, tf.debugging.is_traceback_filtering_enabled()]


@case("tf.debugging.get_log_device_placement", "tf.debugging.set_log_device_placement", eager_only=True)
def device_placement(tf):
    before = tf.debugging.get_log_device_placement()
    tf.debugging.set_log_device_placement(False)
    return before, tf.debugging.get_log_device_placement()


@case("tf.config.list_physical_devices", "tf.config.list_logical_devices", eager_only=True)
def devices(tf):
    physical, logical = tf.config.list_physical_devices(), tf.config.list_logical_devices("CPU")
    return ([(d.name, d.device_type, type(d).__name__) for d in physical if d.device_type == "CPU"], [(d.name,
        d.device_type, type(d).__name__) for d in logical], tf.config.list_physical_devices("GPU"),
            tf.config.list_physical_devices("CPU") == physical, str(physical[0]))
