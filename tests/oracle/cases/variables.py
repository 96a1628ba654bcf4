"""tf.Variable, tf.Module and the initializers."""

from oracle.case import ALL, case, caught, expr, exprs, spread, t, v

for dtype in ALL:
    expr("tf.Variable", "(x, x.dtype, x.shape, x.value(), x.read_value(), x.numpy())", x=t(spread(dtype, (2,
        2)).array, dtype, "variable"), grad=False, eager_only=True)
exprs("tf.Variable", """
    tf.Variable(1); tf.Variable(1.5); tf.Variable([1, 2]); tf.Variable(True); tf.Variable('a');
    tf.Variable([]); tf.Variable(1, dtype=tf.float64); tf.Variable([1.5], dtype=tf.int32);
    tf.Variable(np.ones([2, 2])); tf.Variable(lambda: 3.);
    tf.Variable(tf.constant(2.)); tf.Variable(tf.Variable(3.)); tf.Variable(None); tf.Variable();
    tf.Variable([[1], [2, 3]]); tf.Variable(lambda: [1, 2], dtype=tf.float32); tf.Variable(1., shape=[]);
    tf.Variable([1., 2.], shape=[2]);
    tf.Variable([1., 2.], shape=[3]); tf.Variable([1., 2.], shape=tf.TensorShape(None)).shape;
    tf.Variable([1., 2.], shape=[None]).shape; tf.Variable(tf.constant(1.), dtype=tf.float64);
    tf.Variable(1., name='w').name; tf.Variable(1.).name;
    tf.Variable(1., trainable=False).trainable; tf.Variable(1).trainable; tf.Variable(1., True).trainable;
    tf.Variable(1., nonsense=2); tf.Variable(1., constraint=3);
    tf.Variable(1., constraint=tf.abs).constraint(tf.constant(-2.));
    tf.Variable(1., name=3); tf.Variable(initial_value=2., name='n', dtype='float16').dtype;
    tf.Variable(1., synchronization=tf.VariableSynchronization.AUTO,
    aggregation=tf.VariableAggregation.MEAN).aggregation;
    tf.Variable(1.).synchronization;
    tf.Variable(1., synchronization=tf.VariableSynchronization.ON_READ).trainable;
    tf.Variable(1., validate_shape=False); tf.Variable([1.5, 2.5], dtype='int32');
    tf.Variable(1, tf.float32); tf.Variable(object())
""", eager_only=True)
ATTRIBUTES = """
    x.shape; x.dtype; x.name; x.trainable; x.device; x.ndim; x.get_shape(); x.op; x.constraint;
    x.initial_value; x.numpy(); str(x); repr(x); bool(x); int(x); float(x); len(x); list(x); hash(x); x == x;
    x != x; x is x; x[0]; x.handle.dtype; x.nonsense;
    x.shape.rank; x.rank; x.size; x.T; x.tolist(); np.array(x); np.asarray(x); x.initialized_value();
    x.is_initialized(); x.eval(); x.load(1); x.sparse_read([0]); x.gather_nd([[0]]); x.synchronization;
    x.aggregation; x.ref() == x.ref(); x.value();
    x.read_value(); x.read_value_no_copy(); isinstance(x, tf.Tensor); isinstance(x, tf.Variable);
    tf.is_tensor(x); {x.ref(): 1}[x.ref()]; x.experimental_ref() == x.ref(); x.set_shape([2]); x.__index__();
    round(float(x)); x.count_up_to(5); x.to_proto()
"""
for value in (v([1.0, 2.0]), v(3.0), v([1, 2]), v("a"), v([[1.5]]), v(True)):
    for source in ATTRIBUTES.split(";"):
        source = " ".join(source.split())
        if source not in ("x.op", "hash(x)", "x.initialized_value()", "x.initial_value", "x.is_initialized()",
            "x.to_proto()", "x.count_up_to(5)", "x.eval()", "x.load(1)"):
            expr("tf.Variable", source, x=value, grad=False, eager_only=True)
ASSIGN = """
    x.assign([5., 6.]); x.assign_add([1., 2.]); x.assign_sub([1., 2.]); x.assign(7.); x.assign_add(1.);
    x.assign([1.]); x.assign([1., 2., 3.]); x.assign([[1., 2.]]); x.assign([1, 2]);
    x.assign(tf.constant([1, 2])); x.assign('a'); x.assign(None);
    x.assign(tf.constant([1., 2.], tf.float64)); x.assign(np.array([1., 2.])); x.assign(x); x.assign_add(x);
    x.assign_add(tf.constant([1, 2])); x.assign_add([1.]); x.assign_add([1., 2., 3.]);
    x.assign_add([[1., 2.]]); x.assign_add('a');
    x.assign([5., 6.], read_value=False); x.assign_add([5., 6.], read_value=False);
    x.assign([5., 6.], use_locking=True, name='n'); x.assign(value=[1., 1.]); x.assign_add(delta=[1., 1.]);
    x.assign_sub(delta=2.); x.assign(); x.assign([1., 2.], False, None, True)
"""
for source in ASSIGN.split(";"):
    source = " ".join(source.split())
    expr("tf.Variable",
        f"[{source}, x.numpy()]",
        x=v([1.0, 2.0]), grad=False, tag=source, eager_only=True)


@case("tf.Variable", params=[" ".join(s.split()) for s in ASSIGN.split(";") if "." in s], eager_only=True)
def failed_assignment_changes_nothing(tf, source):
    import numpy as np

    x = tf.Variable([1.0, 2.0])
    result = caught(eval, source, {"x": x, "tf": tf, "np": np})
    return hasattr(result, "error"), x.numpy()


@case("tf.Variable", params=["assign", "assign_add", "assign_sub"], eager_only=True)
def assignments_return_the_variable(tf, name):
    x = tf.Variable([1.0, 2.0])
    y = getattr(x, name)([1.0, 1.0])
    z = getattr(x, name)([1.0, 1.0], read_value=False)
    chained = getattr(getattr(x, name)([1.0, 1.0]), name)([1.0, 1.0])
    return y is x, z is None, x, chained


@case("tf.Variable", eager_only=True)
def reads_keep_their_value(tf):
    x = tf.Variable([1.0, 2.0])
    value, read, identity, array, sliced = x.value(), x.read_value(), tf.identity(x), x.numpy(), x[:]
    converted = tf.convert_to_tensor(x)
    x.assign_add([10.0, 10.0])
    x[0].assign(99.0)
    x.scatter_nd_update([[1]], [-1.0])
    return value, read, identity, array, sliced, converted, x


@case("tf.Variable", eager_only=True)
def in_place_operators_make_tensors(tf):
    x = tf.Variable([1.0, 2.0])
    y = x
    y += 1.0
    return x, y


@case("tf.Variable", params=["add", "sub", "mul", "div", "max", "min", "update"], eager_only=True)
def scatter(tf, name):
    x = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    slices = tf.IndexedSlices(tf.constant([[10.0, 20.0], [2.0, 4.0]]), tf.constant([2, 0]), tf.constant([3,
        2]))
    result = getattr(x, f"scatter_{name}")(slices)
    repeated = tf.IndexedSlices(tf.constant([[2.0, 2.0], [4.0, 4.0]]), tf.constant([1, 1]))
    getattr(x, f"scatter_{name}")(repeated)
    return result, x


@case("tf.Variable", params=["add", "sub", "mul", "div", "max", "min", "update"], eager_only=True)
def scatter_errors(tf, name):
    x = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    method = getattr(x, f"scatter_{name}")
    bad = [
        caught(method, tf.IndexedSlices([[1.0, 1.0]], [5])),
        caught(method, tf.IndexedSlices([[1.0, 1.0]], [-1])),
        caught(method, tf.constant([[1.0, 1.0]])),
        caught(method, tf.IndexedSlices(tf.constant([[1, 1]]), [0])),
    ]
    return bad, x


@case("tf.Variable", params=["add", "sub", "max", "min", "update"], eager_only=True)
def scatter_nd(tf, name):
    x = tf.Variable([1.0, 2.0, 3.0, 4.0])
    result = getattr(x, f"scatter_nd_{name}")([[0], [2], [2]], [10.0, 5.0, 2.0])
    m = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    getattr(m, f"scatter_nd_{name}")([[0, 1], [1, 0]], [7.0, 8.0])
    getattr(m, f"scatter_nd_{name}")([[1]], [[3.5, 3.5]])
    bad = [caught(getattr(x, f"scatter_nd_{name}"), [[4]], [1.0]), caught(getattr(x, f"scatter_nd_{name}"),
        [[0]], [1.0, 2.0]), caught(getattr(x, f"scatter_nd_{name}"), [[0]], [1])]
    return result, m, bad, x


@case("tf.Variable", eager_only=True)
def batch_scatter_update(tf):
    x = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    return x.batch_scatter_update(tf.IndexedSlices(tf.constant([[9.0], [8.0]]), tf.constant([[1], [0]]))), x


@case("tf.Variable", eager_only=True)
def sliced_assignment(tf):
    x = tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    x[0].assign([7.0, 8.0, 9.0])
    x[1, 1:].assign([0.0, -1.0])
    x[:, 0].assign_add([100.0, 200.0]) if hasattr(x[:, 0], "assign_add") else None
    result = x[0, 2].assign(42.0)
    x[::-1, ::2].assign([[1.0, 2.0], [3.0, 4.0]])
    bad = [caught(x[0].assign, [1.0, 2.0]), caught(lambda: x[5].assign([1.0, 2.0, 3.0])), caught(x[0].assign,
        [1, 2, 3])]
    return result, x, bad


@case("tf.Variable", eager_only=True)
def item_assignment_is_refused(tf):
    x = tf.Variable([1.0, 2.0])

    def assign():
        x[0] = 3.0

    return caught(assign), x


@case("tf.Variable", eager_only=True)
def copies(tf):
    import copy

    x = tf.Variable([1.0, 2.0], name="w", trainable=False)
    deep = copy.deepcopy(x)
    deep.assign([5.0, 5.0])
    both = copy.deepcopy([x, x])
    return x, deep, deep.trainable, deep.name, both[0] is both[1], both[0]


@case("tf.Variable", eager_only=True)
def names(tf):
    with tf.name_scope("a"):
        x = tf.Variable(1.0, name="w")
        with tf.name_scope("b"):
            y = tf.Variable(1.0)
    z = tf.Variable(1.0, name="w")
    return x.name, y.name, z.name, tf.Variable(1.0, name="w").name, caught(lambda: tf.Variable(1.0,
        name="bad name").name)


@case("tf.Variable", eager_only=True)
def unknown_shapes(tf):
    x = tf.Variable([1.0, 2.0], shape=tf.TensorShape([None]))
    x.assign([1.0, 2.0, 3.0])
    y = tf.Variable(1.0, shape=tf.TensorShape(None))
    y.assign([[1.0]])
    return x, x.shape, y, y.shape, caught(x.assign, [[1.0]])


@case("tf.Variable", eager_only=True)
def equality_and_hash(tf):
    x, y = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 3.0])
    return x == y, x != y, x == 1.0, caught(hash, x), x.ref() == x.ref(), x.ref() == y.ref(), len({x.ref(),
        y.ref(), x.ref()})


@case("tf.Variable", eager_only=True)
def printing(tf):
    return [str(v) for v in (tf.Variable(1.0), tf.Variable([1, 2], name="w"), tf.Variable([["a"]]),
        tf.Variable(tf.ones([2, 2]), trainable=False), tf.Variable(1, dtype=tf.bfloat16), tf.Variable([1.0],
        shape=[None]))]


@case("tf.VariableSynchronization", "tf.VariableAggregation", "tf.AggregationMethod",
    "tf.UnconnectedGradients", "tf.random.Algorithm")
def enumerations(tf):
    found = [[(m.name, m.value) for m in e] for e in (tf.VariableSynchronization, tf.VariableAggregation,
        tf.UnconnectedGradients, tf.random.Algorithm)]
    method = tf.AggregationMethod
    return found, [method.ADD_N, method.DEFAULT, method.EXPERIMENTAL_TREE,
        method.EXPERIMENTAL_ACCUMULATE_N], tf.UnconnectedGradients("zero"), tf.VariableAggregation(1)


# Modules.


@case("tf.Module", eager_only=True)
def module_variables(tf):
    class Dense(tf.Module):
        def __init__(self, size, name=None):
            super().__init__(name=name)
            self.w = tf.Variable(tf.ones([size, 2]), name="w")
            self.b = tf.Variable(tf.zeros([2]), name="b", trainable=False)

    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.layers = [Dense(1), Dense(2, name="second")]
            self.named = {"z": Dense(3), "a": tf.Variable(5.0)}
            self.again = self.layers[0]
            self.other = 3

    net = Net()
    return (net.name, [v.name for v in net.variables], [v.shape for v in net.trainable_variables],
        [v.shape for v in net.non_trainable_variables], [m.name for m in net.submodules], net.name_scope.name,
        Dense(1).name, Dense(1, "n").name)


@case("tf.Module", eager_only=True)
def module_names(tf):
    class MyNiceNET(tf.Module):
        pass

    class Dense2D(tf.Module):
        pass

    return MyNiceNET().name, Dense2D().name, tf.Module().name, tf.Module("a_b").name, caught(tf.Module,
        "bad name"), caught(tf.Module, "1a"), repr(tf.Module("a"))[:20]


@case("tf.Module", eager_only=True)
def module_name_scope(tf):
    class Layer(tf.Module):
        @tf.Module.with_name_scope
        def __call__(self):
            self.w = tf.Variable(1.0, name="w")
            return self.w.name

    class Late(tf.Module):
        def build(self):
            with self.name_scope:
                return tf.Variable(1.0, name="v").name

    layer = Layer("outer")
    return layer(), Late().build(), tf.Variable(1.0, name="plain").name


@case("tf.Module", eager_only=True)
def module_gradients(tf):
    class Line(tf.Module):
        def __init__(self):
            super().__init__()
            self.slope, self.offset = tf.Variable(2.0), tf.Variable(1.0)

        def __call__(self, x):
            return self.slope * x + self.offset

    line = Line()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(line(tf.constant([1.0, 2.0])) ** 2)
    return tape.gradient(loss, line.trainable_variables)


@case("tf.zeros_initializer", "tf.ones_initializer", "tf.constant_initializer")
def fixed_initializers(tf):
    return [
        tf.zeros_initializer()([2, 3]),
        tf.zeros_initializer()([2], dtype=tf.int32),
        tf.zeros_initializer()((2, 1), tf.bool),
        tf.ones_initializer()([2]),
        tf.ones_initializer()([2], tf.int64),
        tf.ones_initializer()(3, dtype=tf.bool),
        tf.constant_initializer(3)([2]),
        tf.constant_initializer(3)([2], tf.int32),
        tf.constant_initializer([1, 2, 3, 4])([2, 2]),
        tf.constant_initializer(2.5)([2], dtype=tf.float64),
        tf.constant_initializer()([2]),
        tf.constant_initializer(2).get_config(),
        tf.zeros_initializer().get_config(),
        tf.ones_initializer.from_config({})([1]),
    ]


@case("tf.zeros_initializer", "tf.ones_initializer", "tf.constant_initializer",
    "tf.random_normal_initializer", "tf.random_uniform_initializer")
def initializer_errors(tf):
    return [
        caught(tf.zeros_initializer(), [2], tf.string),
        caught(tf.ones_initializer(), [2], tf.string),
        caught(tf.constant_initializer([1, 2, 3]), [2, 2]),
        caught(tf.constant_initializer("a"), [2]),
        caught(tf.constant_initializer, object()),
        caught(tf.random_normal_initializer(), [2], tf.int32),
        caught(tf.random_uniform_initializer(), [2], tf.string),
        caught(tf.zeros_initializer(), [2], nonsense=3),
        caught(tf.random_normal_initializer(), [-2]),
    ]


@case("tf.random_normal_initializer", "tf.random_uniform_initializer")
def random_initializers(tf):
    normal, uniform = tf.random_normal_initializer(mean=10.0, stddev=0.5,
        seed=1), tf.random_uniform_initializer(2.0, 3.0, seed=1)
    a, b, c = normal([100]), uniform([100], tf.float64), tf.random_uniform_initializer(1, 4, seed=2)([50],
        tf.int32)
    return (a.dtype, a.shape, b.dtype, c.dtype, tf.reduce_all(tf.abs(a - 10.0) < 5.0),
        tf.reduce_all((b >= 2.0) & (b < 3.0)), tf.reduce_all((c >= 1) & (c < 4)), normal.get_config(),
        uniform.get_config(),
            tf.random_normal_initializer().get_config(), normal([2], "float16").dtype)


