"""tf.Tensor: slicing, operators, conversions, printing."""

from oracle.case import ALL, FLOATS, INTS, UINTS, case, caught, edges, expr, exprs, n, spread, t, v

# Slicing.
SLICES = """
    x[0]; x[-1]; x[1, 2]; x[1, 2, 0]; x[1:]; x[:1]; x[:]; x[...]; x[..., 0]; x[0, ...]; x[:, 1]; x[:, :, 1];
    x[::2]; x[::-1]; x[1::-1, ::2]; x[:, -1:]; x[:, -2:-1]; x[:, 5:]; x[:, :-5]; x[5:2]; x[:100];
    x[tf.newaxis]; x[None, ..., None]; x[:, tf.newaxis, 0]; x[0, tf.newaxis, ..., 1]; x[..., ::-1, :];
    x[1, ..., ::-2]; x[:, 2:0:-1]; x[:, 0:0]; x[()]; x[tf.constant(1)]; x[tf.constant(0):tf.constant(1)];
    x[:, tf.constant(1):]; x[np.int64(1)]; x[:, np.array(2)]; x[tf.constant(1, tf.int64)];
    x[tf.constant(1, tf.int64):]; x[slice(0, 1), slice(None)]; x[x[:, :, 0] > 0]; x[x > 0];
    x[tf.constant([True, False])];
    x[[True, False]]; x[[0, 1]]; x[tf.constant([0, 1])]; x[np.array([True, False])]; x[1:][0]; x[True];
    x[..., ...]; x[0, 0, 0, 0]; x[2]; x[-3]; x[1.0]; x['a']; x[1.5:]; x[::0]; x[:, 3]; x[0:1, 5]; x[(0, 1)];
    x[None, None];
    x[:, ::-3]; x[-1:-10:-1]; x[:, :, None, :1]; x[0][1][1]; x[tf.constant(5)]; x[tf.constant([[0]])];
    x[None]; x[0:tf.constant(1)]; x[tf.constant(1.)]; x[:, [1]]; x[{}]; x[0, None]; x[None, 0];
    x[:, 0, None, 1]
"""
exprs("tf.Tensor", SLICES, x=spread("float32", (2, 3, 2)), tol="exact")
exprs("tf.Tensor", "x[0]; x[...]; x[None]; x[()]; x[:]; x[..., None]", x=spread("float32", ()))
exprs("tf.Tensor", "x[0]; x[:]; x[0:1]; x[::-1]; x[None]", x=spread("float32", (0,)))
exprs("tf.Variable", "x[1]; x[:, 1:]; x[..., 0]; x[x > 0]; x[tf.newaxis]; x[::-1]; x[5]; x[tf.constant(1)]",
    x=v(spread("float32", (2, 3)).array), tol="exact")
for dtype in ALL:
    exprs("tf.Tensor", "x[1, ::-1]; x[:, 1:]", x=spread(dtype, (2, 3)), tol="exact")
exprs("tf.Tensor", "x[1]; x[1][0]; x.numpy()[0]; len(x); list(x); x[0] == b's6'", x=spread("string", (2, 2)),
    eager_only=True)

# Operators and their reflections.
ARITHMETIC = ("+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^", "@", "<<")
for operator in ARITHMETIC:
    for dtype in ("float32", "int32", "bool", "complex64", "string", "float16", "uint8"):
        x, y = spread(dtype, (2,), *((1, 4) if dtype not in ("bool", "string") else ())), spread(dtype, (2,),
            *((1, 4) if dtype not in ("bool", "string") else ()), seed=1)
        expr("tf.Tensor", f"x {operator} y", x=x, y=y)
    for number in ("2", "2.5", "True", "1j", "'a'", "None", "[1, 2]", "np.float64(2)", "np.float32(2)",
        "np.int64(2)", "np.array([1., 2.])", "np.array([1, 2])", "(1, 2)",
        "tf.constant([1., 2.], tf.float64)",
                   "tf.constant([1, 2])", "tf.Variable([1., 2.])", "object()", "np.ones([2, 2], np.float32)"):
        for dtype in ("float32", "int32"):
            expr("tf.Tensor", f"x {operator} {number}", x=t([1, 2], dtype), grad=dtype == "float32")
            expr("tf.Tensor", f"{number} {operator} x", x=t([1, 2], dtype), grad=dtype == "float32")
    for number in ("2", "2.5", "x", "tf.constant([3., 4.])", "[3., 4.]", "None"):
        expr("tf.Variable", f"x {operator} {number}", x=v([1.0, 2.0]))
        expr("tf.Variable", f"{number} {operator} x", x=v([1.0, 2.0]))
exprs("tf.Tensor", "-x; +x; abs(x); ~x; not x; divmod(x, 2); pow(x, 2); x.__matmul__(x); x.__pow__(2, 3)",
    x=t([1.5, -2.0]))
exprs("tf.Tensor", "-x; abs(x); ~x", x=t([1, -2]))
exprs("tf.Tensor", "-x; abs(x); ~x", x=t([True, False]))
exprs("tf.Tensor", "-x; abs(x)", x=t([1 + 1j, -2j]))
exprs("tf.Tensor", "x @ y; y @ x; x @ [[1.], [2.]]; [[1., 2.]] @ x; np.ones([1, 2], np.float32) @ x; x @ x",
    x=spread("float32", (2, 2)), y=spread("float32", (2, 2), seed=1), tol="sum")
exprs("tf.Tensor", "x @ x; x @ 2; x @ [1., 2.]", x=t([1.0, 2.0]))
exprs("tf.Variable", "-x; abs(x); x @ y; y @ x; x ** 2; 2 ** x; +x; ~x", x=v([[1.0, 2.0], [3.0, 4.0]]),
    y=t([[1.0, 0.0], [0.0, 1.0]]), tol="sum")
for dtype in FLOATS:
    few = edges(dtype, few=True)
    for operator in ("//", "%", "/", "**"):
        expr("tf.Tensor", f"x {operator} 2", x=few, tag=f"edge x {operator} 2 {dtype}".replace("/", "÷"))
        expr("tf.Tensor", f"2 {operator} x", x=few, tag=f"edge 2 {operator} x {dtype}".replace("/", "÷"))
for dtype in INTS + UINTS:
    exprs("tf.Tensor", "x // 3; x % 3; x / 4; x * 3; x + 100; x - 100", x=edges(dtype))
exprs("tf.Tensor", "x // 0; x % 0; x / 0; 1 // x", x=t([1, 0]))
exprs("tf.Tensor",
    """
    x == y; x != y; x < y; x == None; x != None; x == 'a'; x == [1., 2.]; x == y[0]; x == tf.constant([1]);
    x is x; x == object()
""",
    x=t([1.0, 2.0]), y=t([1.0, 3.0]), grad=False)
exprs("tf.Tensor", "x == t3; x != t3; x < t3", x=t([1.0, 2.0]), t3=t([1.0, 2.0, 3.0]), grad=False)
exprs("tf.Tensor", "x & True; x | [False, True]; True ^ x; ~x & x", x=t([True, False]))
exprs("tf.Tensor", "x & 1; x | 6; x ^ x; ~x; x & 1.5; x & True", x=t([5, 3]))
exprs("tf.Tensor", "x & True; x | x", x=t([1.0, 0.0]))

# What Python makes of a tensor.
FACTS = """
    bool(x); int(x); float(x); len(x); list(x); x in [1]; 1 in x; str(x); repr(x); f'{x}'; format(x, '.2f');
    x.numpy(); np.array(x); np.asarray(x, np.float64); x.shape; x.dtype; x.ndim; x.device; x.get_shape();
    x.set_shape([]);
    x.set_shape([2]); x.set_shape([3]); isinstance(x, tf.Tensor); sum(x); max(x); {x: 1}; x if x else 0;
    x and x; not x; np.add(x, 1); np.sqrt(x); tuple(x); next(iter(x)); x.dtype.name; x.shape.rank;
    x.shape.as_list(); x.cpu(); any(x)
"""
for value in (t(2), t(2.5), t(True), t("a"), t([1.0, 2.0]), t([1]), t([[1.5], [2.5]]), t([], "float32"),
    t(0.0), t(1 + 2j)):
    refused = ("int(x)", "float(x)", "format(x, '.2f')",
        "np.asarray(x, np.float64)") if value.dtype == "complex64" else ()
    for source in FACTS.split(";"):
        source = " ".join(source.split())
        if source not in refused and not (source == "next(iter(x))" and value.array.size == 0):
            expr("tf.Tensor", source, x=value, grad=False, eager_only=True)
exprs("tf.Tensor", "x.__index__(); [1, 2, 3][x]; x.numpy().dtype.name; round(float(x)); 'abc'[x]; [0] * x",
    x=t(2), grad=False, eager_only=True)
# What people try who know NumPy or PyTorch.
exprs("tf.Tensor", """
    x.tolist(); x.T; x.astype('float32'); x.item(); x.mean(); x.nonsense; x.reshape([1]); x.size; x.ravel();
    x.clip(0, 1); x.itemsize; x.nbytes; x.to_list(); x.detach(); x.backward(); x.grad; x.requires_grad;
    x.view(1); x.sum(); x.max(); x.dot(x);
    x.transpose(); x.fill(1); x.copy(); x.append(2); x.is_cuda; x.name; x.value_index; x.eval();
    x.consumers(); x.numpy().flags.writeable; x.numpy().dtype.name
""", x=t([1.0, 2.0]), grad=False, eager_only=True)
exprs("tf.Tensor",
    """
    type(iter(x)).__name__ != 'list'; x.ref() == x.ref(); hash(x.ref()) == hash(x.ref());
    x.ref().deref() is x; x.ref() in {x.ref()}
""",
    x=t([1.0]), grad=False, eager_only=True)
for value in ("[]", "[[]]", "1", "1.0", "-0.0", "0.1", "1e-7", "1e10", "123456789.", "[1., 2.5]",
    "[1e-5, 1e5]", "[0.1, 0.12345678901]", "[float('nan'), float('inf')]", "True", "[True, False]", "'a'",
    "['a', 'bc']", "b'\\xff'", "'é'",
              "[[1, 2], [3, 4]]", "[[[1.5]]]", "1j", "[1 + 2j, 0.5]", "list(range(30))", "list(range(1200))",
                  "np.arange(30.).reshape(5, 6)", "np.zeros([0, 3])", "np.eye(3)", "np.float16(0.1)",
                  "np.int8(3)", "np.ones([2, 2, 2])",
              "[100000, 1]", "[1e-8, 1.]", "1/3", "[1/3, 2/3]", "np.float64(1/3)", "['a' * 100]",
                  "'line\\nbreak'", "[[b'a', b'b']]", "2**40", "np.array([1/3, 100.25])"):
    expr("tf.Tensor", f"(str(tf.constant({value})), repr(tf.constant({value})))", eager_only=True)
for dtype in ("bfloat16", "float16", "float64", "uint8", "int64", "complex128"):
    expr("tf.Tensor", "(str(x), repr(x), str(x[0]), repr(x[0]))", x=t([0, 1, 3], dtype), grad=False,
        eager_only=True)
exprs("tf.Tensor",
    """
    tf.constant(x); tf.constant(x[1:]) + 1.; np.add(x, tf.constant([1., 1., 1.]));
    tf.constant([1., 1., 1.]) + x; x + tf.constant([1., 1., 1.]); np.multiply(tf.constant([1., 1., 1.]), 2)
""",
    x=n([1.0, 2.0, 3.0]))


@case("tf.Tensor", eager_only=True)
def numpy_is_a_copy_or_read_only(tf):
    x = tf.constant([1.0, 2.0])
    array = x.numpy()
    caught(array.__setitem__, 0, 5.0)
    return x


@case("tf.Tensor")
def source_arrays_are_copied(tf):
    import numpy as np

    array = np.array([1.0, 2.0], np.float32)
    x, y, z = tf.constant(array), tf.convert_to_tensor(array + 0), tf.Variable(array)
    array[0] = 7.0
    return x, y, z.read_value()


@case("tf.Tensor", eager_only=True)
def item_assignment(tf):
    x = tf.constant([1.0, 2.0])

    def assign():
        x[0] = 3.0

    def delete():
        del x[0]

    return caught(assign), caught(delete)


@case("tf.Tensor", eager_only=True)
def iteration(tf):
    return list(tf.constant([[1, 2], [3, 4]])), [int(i) for i in tf.range(3)], caught(list,
        tf.constant(1.0)), caught(lambda: [*tf.constant(3)])


@case("tf.Tensor", eager_only=True)
def unpacking(tf):
    a, b = tf.constant([1.0, 2.0])
    (c, d), (e, f) = tf.constant([[1, 2], [3, 4]])
    return a, b, c, d, e, f


@case("tf.Tensor", eager_only=True)
def as_indices_and_bounds(tf):
    two = tf.constant(2)
    return [10, 20, 30][two], list(range(two)), [1, 2, 3][:two], "ab" * two, two.__index__()


@case("tf.Tensor", eager_only=True)
def not_an_index(tf):
    return caught(lambda: [1, 2][tf.constant(1.0)]), caught(lambda: [1, 2][tf.constant([1])]), caught(range,
        tf.constant([1, 2]))


@case("tf.Tensor", eager_only=True)
def dlpack_and_buffers(tf):
    import numpy as np

    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    return np.from_dlpack(x), np.array(memoryview(x)), np.asarray(x), np.array(x, dtype="int32"), np.stack([x,
        x])


@case("tf.Tensor", eager_only=True)
def copies_and_pickles(tf):
    import copy
    import pickle

    x = tf.constant([1.0, 2.0])
    return copy.copy(x), copy.deepcopy(x), copy.deepcopy({"a": [x]}), pickle.loads(pickle.dumps(x))


@case("tf.Tensor", eager_only=True)
def attributes_cannot_be_set(tf):
    x = tf.constant([1.0, 2.0])
    return [caught(setattr, x, name, 1).error.__class__.__name__ for name in ("shape", "dtype", "device",
        "ndim")]


@case("tf.Tensor", eager_only=True)
def the_class(tf):
    x = tf.constant(1.0)
    return isinstance(x, tf.Tensor), isinstance(tf.Variable(1.0), tf.Tensor), isinstance(1.0,
        tf.Tensor), issubclass(type(x), tf.Tensor), tf.Tensor.__name__


@case("tf.Tensor", eager_only=True)
def tensors_are_unhashable(tf):
    x = tf.constant(1.0)
    return caught(hash, x), caught(lambda: {x}), caught(lambda: x in [tf.constant([1.0, 2.0])])


@case("tf.Tensor", eager_only=True)
def big_tensors_print_short(tf):
    x = tf.reshape(tf.range(2000), [100, 20])
    return str(x), repr(x), str(tf.zeros([1001])), str(tf.cast(x, tf.float32) / 7.0)


@case("tf.print")
def print_returns_nothing(tf):
    return tf.print("a", tf.constant([1, 2]), output_stream=tf_stderr())


def tf_stderr():
    import sys

    return sys.stderr


def printed(tf, *args, **kwargs):
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out")
        tf.print(*args, output_stream=f"file://{path}", **kwargs)
        with open(path, encoding="utf8") as stream:
            return stream.read()


@case("tf.print", eager_only=True)
def print_formats(tf):
    x = tf.constant([[1.5, 2.0], [-3.25, 1e10]])
    return [
        printed(tf, "text", 1, 2.5, True, None, x),
        printed(tf, x[0], sep=" | "),
        printed(tf, x[0], x[1], sep=",", end="!"),
        printed(tf, tf.range(20)),
        printed(tf, tf.range(20), summarize=-1),
        printed(tf, tf.range(20), summarize=2),
        printed(tf, {"a": x[0], "b": [1, tf.constant(2)]}),
        printed(tf, [tf.constant("s"), tf.constant(True), tf.constant(1j)]),
        printed(tf, tf.constant(["a", "b"]), tf.constant("c")),
        printed(tf, tf.constant([1.0, 0.1, 1e-8, float("nan"), float("inf")])),
        printed(tf, tf.constant([0.1, 1 / 3], tf.float64), tf.constant(1 / 3, tf.float16), tf.constant(1 / 3,
            tf.bfloat16)),
        printed(tf, tf.Variable([1.0])),
        printed(tf),
        printed(tf, tf.zeros([0]), tf.zeros([2, 0])),
        printed(tf, tf.reshape(tf.range(64), [8, 8])),
        printed(tf, (1, [2, (3,)]), tf.constant(3)),
    ]


@case("tf.print", eager_only=True)
def print_refuses(tf):
    return caught(tf.print, "a", nonsense=1), caught(tf.print, "a", output_stream=3), caught(tf.print, "a",
        sep=1)


@case("tf.register_tensor_conversion_function", eager_only=True)
def conversion_functions(tf):
    class Money:
        def __init__(self, amount):
            self.amount = amount

    before = caught(tf.convert_to_tensor, Money(1)).error.__class__.__name__
    tf.register_tensor_conversion_function(Money, lambda value, dtype=None, name=None,
        as_ref=False: tf.constant(value.amount, dtype=dtype))
    refused = caught(tf.register_tensor_conversion_function, "not a type", lambda *a: None)
    bad = caught(tf.register_tensor_conversion_function, Money, "not a function")
    return before, tf.convert_to_tensor(Money(3)), tf.convert_to_tensor(Money(3),
        tf.float64), tf.constant(2.0) + Money(4), tf.add(Money(1), Money(2)), refused, bad
