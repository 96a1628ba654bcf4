"""Shaping, moving, joining and parting; the scopes that an operation may stand in."""

from oracle.case import (
    ALL,
    attr,
    call,
    case,
    caught,
    expr,
    n,
    spread,
    t,
    v,
)

SOME = ("float32", "bfloat16", "int32", "int64", "complex64", "bool", "string")


def each(symbol, dtypes, *shapes_then, **kwargs):
    """The symbol over a (2, 3) tensor of every dtype, with further arguments."""
    for dtype in dtypes:
        call(symbol, spread(dtype, (2, 3)), *shapes_then, tol="exact", **kwargs)


# The same elements in another shape, order or place.
each("tf.identity", ALL)
call("tf.identity", [1, 2])
call("tf.identity", 2.5, name="a")
call("tf.identity", v([1.0, 2.0]))
call("tf.identity", None)
expr("tf.identity", "tf.identity(tf.IndexedSlices(x, tf.constant([1, 0]), tf.constant([3])))", x=t([1.0,
    2.0]), grad=False)
expr("tf.identity", "tf.identity(x) is x", x=t([1.0, 2.0]), grad=False, eager_only=True)
call("tf.identity_n", [spread("float32", (2,)), spread("int32", (3,)), spread("complex64", ())])
call("tf.identity_n", [1, 2.0])
call("tf.identity_n", [])
call("tf.identity_n", t([1.0, 2.0]), tag="tensor")
each("tf.reshape", ALL, [3, 2])
for shape in ([-1], [6], (1, -1, 2), [3, -1], [6, 1, 1], [4, 2], [-1, -1], [-1, 4], [], [0], 6, [2.0, 3.0],
    "a", [-2, 3], [None, 2], None):
    call("tf.reshape", spread("float32", (2, 3)), shape, grad=True, tol="exact")
call("tf.reshape", spread("float32", (2, 3)), t([3, 2], "int64"))
call("tf.reshape", spread("float32", (2, 3)), [t(3), 2], tag="list-of-tensors")
call("tf.reshape", spread("float32", (0, 3)), [3, 0])
call("tf.reshape", spread("float32", (0, 3)), [-1, 3])
call("tf.reshape", spread("float32", (0, 3)), [-1, 0])
call("tf.reshape", spread("float32", ()), [1, 1])
call("tf.reshape", spread("float32", (1,)), [])
call("tf.reshape", [1, 2, 3, 4], [2, 2], name="a")
expr("tf.reshape", "tf.reshape(x, tf.TensorShape([3, 2]))", x=spread("float32", (2, 3)))
expr("tf.reshape", "tf.reshape(x, [[3, 2]])", x=spread("float32", (2, 3)))
each("tf.expand_dims", ALL, 0)
for axis in (1, 2, -1, -3, 3, -4, None, 1.5, [0], t(1), t([1]), "a"):
    call("tf.expand_dims", spread("float32", (2, 3)), axis, tol="exact")
call("tf.expand_dims", 5, 0)
call("tf.expand_dims", [1, 2], axis=-1, name="a")
each("tf.squeeze", ALL)
for axis in (None, 0, 2, -1, [0], [0, 2], [0, -1], (2,), [], 1, 3, -5, [0, 1], 0.5):
    call("tf.squeeze", spread("float32", (1, 2, 1)), axis, tol="exact")
call("tf.squeeze", spread("float32", (1, 1)))
call("tf.squeeze", spread("float32", ()))
call("tf.squeeze", [[1], [2]])
each("tf.transpose", ALL)
for perm in (None, [0, 1, 2], [2, 0, 1], (1, 0, 2), [1, 0], [0, 0, 1], [0, 1, 3], [-1, 0, 1], [2.0, 1.0, 0.0],
    "a", [0, 1, 2, 3], t([1, 2, 0]), t([1, 2, 0], "int64"), []):
    call("tf.transpose", spread("float32", (2, 3, 1)), perm, tol="exact")
call("tf.transpose", spread("float32", (3,)))
call("tf.transpose", spread("float32", ()))
call("tf.transpose", spread("float32", (0, 2)))
call("tf.transpose", spread("complex64", (2, 2)), conjugate=True)
call("tf.transpose", spread("complex64", (2, 2)), [0, 1], True)
call("tf.transpose", spread("float32", (2, 2)), conjugate=True)
call("tf.transpose", [[1, 2], [3, 4]], name="a")
each("tf.broadcast_to", ALL, [2, 2, 3])
for shape in ([2, 3], [1, 2, 3], [4, 3], [3], [2, 3, 1], [0, 2, 3], [2, -1], t([2, 2, 3]), t([2, 2, 3],
    "int64"), "a", [2.5, 3], []):
    call("tf.broadcast_to", spread("float32", (2, 3)), shape, tol="exact")
call("tf.broadcast_to", spread("float32", (2, 1)), [2, 3])
call("tf.broadcast_to", spread("float32", (1, 1)), [0, 3])
call("tf.broadcast_to", spread("float32", ()), [2, 2])
call("tf.broadcast_to", 3, [2])
call("tf.broadcast_to", spread("float32", (2, 1, 3)), [2, 2, 3], name="a")
for source in ("tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([1, 3]))",
    "tf.broadcast_static_shape(tf.TensorShape([2, 3]), tf.TensorShape([2]))",
               "tf.broadcast_static_shape(tf.TensorShape([]), tf.TensorShape([2]))",
                   "tf.broadcast_static_shape(tf.TensorShape([None, 3]), tf.TensorShape([2, 1]))",
               "tf.broadcast_static_shape(tf.TensorShape(None), tf.TensorShape([2]))",
                   "tf.broadcast_static_shape(tf.TensorShape([None]), tf.TensorShape([1]))",
               "tf.broadcast_static_shape(tf.TensorShape([0]), tf.TensorShape([1]))"):
    expr("tf.broadcast_static_shape", source)
for left, right in (([2, 1], [1, 3]), ([], [2]), ([2, 3], [3]), ([2], [3]), ([0], [1]), (t([2, 1], "int64"),
    t([3], "int64")), ([1.5], [2])):
    call("tf.broadcast_dynamic_shape", left, right)
each("tf.tile", ALL, [2, 1])
for multiples in ([1, 1], [0, 2], [2, 2], [2], 2, [1, 2, 3], [-1, 1], [1.5, 2], "a", t([1, 2]), t([1, 2],
    "int64")):
    call("tf.tile", spread("float32", (2, 3)), multiples, tol="exact")
call("tf.tile", spread("float32", (3,)), [3])
call("tf.tile", spread("float32", ()), [])
call("tf.tile", [1, 2], [2], name="a")
each("tf.repeat", ALL, 2)
for repeats, axis in ((2, 0), (2, 1), (2, -1), ([1, 2], 0), ([0, 1, 2], 1), ([2], 1), ([1, 2, 3], 0), (0, 0),
    (-1, 0), (2, 5), ([1, 2, 0, 1, 0, 2], None), (t(3), 0), ([[1, 2]], 0), (1.5, 0), ("a", 0)):
    call("tf.repeat", spread("float32", (2, 3)), repeats, axis, tol="exact")
call("tf.repeat", 3, 2)
call("tf.repeat", [1, 2], [1, 2], name="a")
call("tf.repeat", ["a", "b"], repeats=2, axis=0)
each("tf.reverse", ALL, [1])
for axis in ([0], [0, 1], [-1], [], 0, [2], [-3], [0, 0], [0.5], t([1], "int64"), [True, False]):
    call("tf.reverse", spread("float32", (2, 3)), axis, tol="exact")
each("tf.roll", ALL, 1, 1)
for shift, axis in ((1, 0), (-1, 1), (4, 1), ([1, 2], [0, 1]), ([1, 2], [1, 1]), (0, 0), (1, -1), (1, 2), ([1,
    2], [0]), (1.5, 0), (1, [0]), (t(1, "int64"), t(0, "int64")), ([[1]], [0])):
    call("tf.roll", spread("float32", (2, 3)), shift, axis, tol="exact")
call("tf.roll", spread("float32", ()), 1, 0)
each("tf.pad", ALL, [[1, 0], [0, 2]])
for paddings in ([[0, 0], [0, 0]], [[1, 1], [2, 2]], [[1, 1]], [[-1, 0], [0, 0]], [1, 1], [[1, 1, 1], [1, 1,
    1]], t([[1, 0], [0, 1]], "int64"), [[1.5, 0], [0, 0]]):
    call("tf.pad", spread("float32", (2, 3)), paddings, tol="exact")
for mode in ("CONSTANT", "REFLECT", "SYMMETRIC", "constant", "Reflect", "symmetric", "EDGE"):
    call("tf.pad", spread("float32", (2, 3)), [[1, 1], [2, 1]], mode, tol="exact")
    call("tf.pad", spread("int32", (3,)), [[2, 2]], mode)
for mode in ("REFLECT", "SYMMETRIC"):
    call("tf.pad", spread("float32", (2, 3)), [[0, 2], [0, 0]], mode)
    call("tf.pad", spread("float32", (2, 3)), [[0, 3], [0, 0]], mode)
call("tf.pad", spread("float32", (2,)), [[1, 2]], constant_values=5)
call("tf.pad", spread("float32", (2,)), [[1, 2]], constant_values=t(5.0))
call("tf.pad", spread("int32", (2,)), [[1, 2]], constant_values=1.5)
call("tf.pad", spread("int32", (2,)), [[1, 2]], constant_values=-1)
call("tf.pad", spread("string", (2,)), [[1, 0]], constant_values="x")
call("tf.pad", spread("bool", (2,)), [[1, 0]], constant_values=True)
call("tf.pad", spread("float32", (0, 2)), [[1, 0], [0, 0]])
call("tf.pad", spread("float32", ()), t([], "int32"), tag="scalar")
each("tf.bitcast", ("int32", "uint32", "float32", "float64", "int64", "complex64"), attr("uint8"), grad=False)
for source, target in (("float32", "int32"), ("int32", "float32"), ("int32", "int64"), ("float64",
    "complex64"), ("int16", "bfloat16"), ("int16", "float16"), ("uint8", "int8"), ("float32", "bool"),
                       ("float32", "string"), ("string", "uint8"), ("bool", "uint8")):
    call("tf.bitcast", spread(source, (2, 2)), attr(target), grad=False)
call("tf.bitcast", spread("uint8", (2, 4)), attr("float32"))
call("tf.bitcast", spread("uint8", (2, 3)), attr("float32"))
call("tf.bitcast", spread("float32", (2,)), attr("int32"), tag="gradient")
each("tf.stop_gradient", SOME)
call("tf.stop_gradient", [1.0, 2.0])
for source in ("tf.ensure_shape(x, [2, 3])", "tf.ensure_shape(x, [None, 3])", "tf.ensure_shape(x, None)",
    "tf.ensure_shape(x, [2, 2])", "tf.ensure_shape(x, [2])", "tf.ensure_shape(x, tf.TensorShape([2, None]))",
               "tf.ensure_shape(x, 'a')", "tf.ensure_shape([1], [1])",
                   "tf.ensure_shape(x, (2, 3), name='a')"):
    expr("tf.ensure_shape", source, x=spread("float32", (2, 3)))

# Joining and parting.
for dtype in ALL:
    pair = [spread(dtype, (2, 3)), spread(dtype, (2, 3), seed=1)]
    call("tf.concat", pair, 0, tol="exact")
    call("tf.stack", pair, tol="exact")
for axis in (0, 1, -1, -2, 2, -3, 0.5, t(1), t(1, "int64"), [0], None):
    call("tf.concat", [spread("float32", (2, 2)), spread("float32", (2, 2), seed=1)], axis, tol="exact")
for axis in (0, 1, 2, -1, -3, 3, -4, 0.5):
    call("tf.stack", [spread("float32", (2, 2)), spread("float32", (2, 2), seed=1)], axis, tol="exact")
for args in (([spread("float32", (2, 3)), spread("float32", (1, 3))], 0), ([spread("float32", (2, 3)),
    spread("float32", (1, 3))], 1), ([spread("float32", (2,)), spread("float32", (2, 1))], 0),
             ([t(1.0), t(2.0)], 0), ([spread("float32", (2,)), spread("int32", (2,))], 0), ([spread("float32",
                 (2,))], 0), ([spread("float32", (0, 2)), spread("float32", (1, 2))], 0),
             ([spread("float32", (2,)), [1, 2]], 0), ([[1, 2], [3.5]], 0), ([[1, 2], [3]], 0),
                 ([spread("float32", (2,)), n([1.0, 2.0], "float64")], 0)):
    call("tf.concat", *args, tol="exact")
expr("tf.concat", "tf.concat(x, 0)", x=spread("float32", (2, 3)))
expr("tf.concat", "tf.concat(3, 0)")
expr("tf.concat", "tf.concat([x, x], axis=0, name='a')", x=spread("float32", (2,)))
expr("tf.concat", "tf.concat([tf.Variable([1.]), [2.]], 0)")
for values in ([t(1.0), t(2.0)], [spread("float32", (2,)), spread("float32", (3,))], [spread("float32", (2,)),
    spread("int32", (2,))], [], [1, 2], [1, 2.5], [t(1.0), 2], ["a", "b"],
               [spread("float32", (2,)), [1, 2]], [spread("float32", (0,)), spread("float32", (0,))], [v(1.0),
                   t(2.0)]):
    call("tf.stack", values, tol="exact")
expr("tf.stack", "tf.stack(x)", x=spread("float32", (2, 3)))
expr("tf.stack", "tf.stack(3)")
expr("tf.stack", "tf.stack([[1, 2], [3, 4]], axis=1, name='a')")
for dtype in ALL:
    call("tf.unstack", spread(dtype, (2, 3)), tol="exact")
for kwargs in ({"axis": 1}, {"axis": -1}, {"num": 2}, {"num": 3}, {"axis": 2}, {"axis": -3}, {"num": 3,
    "axis": 1}):
    call("tf.unstack", spread("float32", (2, 3)), tol="exact", **kwargs)
call("tf.unstack", spread("float32", ()))
call("tf.unstack", spread("float32", (0, 2)))
call("tf.unstack", [1, 2])
for dtype in ALL:
    call("tf.split", spread(dtype, (4, 2)), 2, tol="exact")
for sizes, axis in ((1, 0), (4, 0), (2, 1), ([1, 3], 0), ([1, -1], 0), ([-1, -1], 0), ([1, 1], 0), (3, 0), (0,
    0), (-1, 0), (2, -1), (2, 2), ([4], 0), ([0, 4], 0), (t([1, 3]), 0), (1.5, 0), ([2, -3], 0),
                    ("a", 0), (t(2), 0), ([1, 1, 2], 0)):
    call("tf.split", spread("float32", (4, 2)), sizes, axis, tol="exact")
call("tf.split", spread("float32", (4, 2)), [1, 3], num=2)
call("tf.split", spread("float32", (4, 2)), [1, 3], num=3)
call("tf.split", [1, 2, 3, 4], 2, name="a")
call("tf.split", spread("float32", ()), 1)

@case("tf.init_scope")
def init_scope(tf):
    with tf.init_scope():
        x = tf.constant(1.0) + 1.0
    return x


@case("tf.device")
def device(tf):
    with tf.device("/CPU:0"):
        x = tf.constant([1.0, 2.0])
    with tf.device("cpu"):
        y = x * 2.0
    with tf.device(None):
        z = x + y
    return z, z.device


@case("tf.name_scope")
def name_scope(tf):
    with tf.name_scope("outer") as outer:
        with tf.name_scope("inner") as inner:
            x = tf.constant(1.0, name="c") + 1.0
            w = tf.Variable(1.0, name="w")
    return outer, inner, x, w.name


@case("tf.name_scope")
def name_scope_errors(tf):
    return [caught(tf.name_scope, 3), caught(tf.name_scope), tf.name_scope("a").name]


@case("tf.control_dependencies")
def control_dependencies(tf):
    x = tf.Variable(1.0)
    with tf.control_dependencies([x.assign_add(2.0)]):
        y = x * 2.0
    with tf.control_dependencies(None):
        z = y + 1.0
    return y, z


@case("tf.numpy_function")
def numpy_function(tf):
    x = tf.constant([1.0, 2.0])
    double = tf.numpy_function(lambda a: a * 2, [x], tf.float32)
    pair = tf.numpy_function(lambda a, b: (a + b, a.sum()), [x, [1.0, 1.0]], [tf.float32, tf.float32])
    none = tf.numpy_function(lambda a: None, [x], [])
    return double, pair, none


@case("tf.numpy_function")
def numpy_function_errors(tf):
    def fail(a):
        raise ValueError("from inside")

    return [
        caught(tf.numpy_function, lambda a: a.astype("float64"), [tf.constant([1.0])], tf.float32),
        caught(tf.numpy_function, fail, [tf.constant([1.0])], tf.float32),
    ]


@case("tf.py_function")
def py_function(tf):
    x = tf.constant([1.0, 2.0])
    double = tf.py_function(lambda a: a * 2, [x], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.py_function(lambda a: tf.reduce_sum(a * a), [x], tf.float32)
    pair = tf.py_function(lambda a, b: [a + b, tf.reduce_sum(a)], [x, [1.0, 1.0]], [tf.float32, tf.float32])
    return double, y, tape.gradient(y, x), pair


@case("tf.py_function")
def py_function_of_nothing(tf):
    return tf.py_function(lambda: 3, [], tf.int32), tf.py_function(lambda a: None, [1], [])
