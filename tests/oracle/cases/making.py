"""Making tensors, and asking what one is."""

from oracle.case import (
    ALL,
    NUMBERS,
    attr,
    call,
    expr,
    spread,
    t,
    v,
)

SOME = ("float32", "bfloat16", "int32", "int64", "complex64", "bool", "string")


def each(symbol, dtypes, *shapes_then, **kwargs):
    """The symbol over a (2, 3) tensor of every dtype, with further arguments."""
    for dtype in dtypes:
        call(symbol, spread(dtype, (2, 3)), *shapes_then, tol="exact", **kwargs)


# Making.
for source in ("tf.constant(1)", "tf.constant(1.5)", "tf.constant(True)", "tf.constant('a')",
    "tf.constant(b'a')", "tf.constant(1j)",
               "tf.constant([1, 2])", "tf.constant([1, 2.5])", "tf.constant([True, False])",
                   "tf.constant(['a', b'b'])", "tf.constant([])",
               "tf.constant([[]])", "tf.constant([[1], [2]])", "tf.constant(((1, 2), (3, 4)))",
                   "tf.constant(range(3))", "tf.constant(2**31)",
               "tf.constant(2**40)", "tf.constant(-2**31)", "tf.constant(2**63)", "tf.constant(2**64)",
                   "tf.constant(1e40)", "tf.constant(float('nan'))",
               "tf.constant([1, 2**31])", "tf.constant([1, True])", "tf.constant([True, 1])",
                   "tf.constant([1, 1j])", "tf.constant([1.5, 1j])",
               "tf.constant([True, 1.5])", "tf.constant(np.float64(1))", "tf.constant(np.float32(1))",
                   "tf.constant(np.int64(1))",
               "tf.constant(np.array([1, 2]))", "tf.constant(np.array([1., 2.]))",
                   "tf.constant([np.float32(1), np.float64(2)])",
               "tf.constant([np.float64(1), 2.])", "tf.constant([np.array([1, 2]), np.array([3, 4])])",
                   "tf.constant([np.int64(1), 2])",
               "tf.constant(np.array(['a', 'bc']))", "tf.constant(np.array([b'a', b'bc']))",
                   "tf.constant('é')", "tf.constant(None)", "tf.constant([None])",
               "tf.constant([1, 'a'])", "tf.constant(['a', 1])", "tf.constant([[1, 2], [3]])",
                   "tf.constant([[1, 2], 3])", "tf.constant([1, [2]])", "tf.constant({})",
               "tf.constant(object())", "tf.constant([1, 2], shape=[2, 2])", "tf.constant(1, shape=[2, 2])",
                   "tf.constant([1, 2, 3, 4], shape=[2, 2])",
               "tf.constant([1, 2, 3], shape=(3, 1))", "tf.constant([], shape=[0, 3])",
                   "tf.constant(1, shape=[0])", "tf.constant(1, shape=[])",
               "tf.constant([1], shape=[])", "tf.constant([1, 2, 3], shape=[2])",
                   "tf.constant(0, shape=[-1])", "tf.constant(tf.constant(1))",
               "tf.constant(tf.constant(1), dtype=tf.float32)", "tf.constant(tf.Variable(1))",
               "tf.constant(1, tf.float32)", "tf.constant(1, 'float64')", "tf.constant(1, float)",
                   "tf.constant(1, np.int8)", "tf.constant(1, int)", "tf.constant(1, bool)",
               "tf.constant(1.5, tf.int32)", "tf.constant(1.0, tf.int32)", "tf.constant(True, tf.float32)",
                   "tf.constant(1, tf.bool)", "tf.constant('a', tf.int32)",
               "tf.constant(1, tf.string)", "tf.constant(300, tf.uint8)", "tf.constant(-1, tf.uint8)",
                   "tf.constant(2**31, tf.int32)",
               "tf.constant(1e40, tf.float32)", "tf.constant(70000., tf.float16)",
                   "tf.constant(1e39, tf.bfloat16)", "tf.constant(1j, tf.float32)",
                   "tf.constant(1, tf.complex64)",
               "tf.constant(1 + 2j, tf.complex128)", "tf.constant(np.array([1.5, 2.5]), tf.int32)",
                   "tf.constant(np.array([1, 2]), tf.float32)",
               "tf.constant(np.array([1., 2.]), tf.float16)", "tf.constant(np.array([1, 300]), tf.uint8)",
                   "tf.constant(np.float64(1.5), tf.float32)",
               "tf.constant(1, 'nonsense')", "tf.constant(1, dtype=3.5)", "tf.constant(2**63 - 1, tf.uint64)",
                   "tf.constant(2**64 - 1, tf.uint64)", "tf.constant([0.1, 0.2], tf.bfloat16)",
               "tf.constant(0.1, tf.float16)", "tf.constant(1, name='c')", "tf.constant([['a'], ['b']])",
                   "tf.constant([[], []], tf.int32)", "tf.constant([[[]]])",
               "tf.constant(value=3)", "tf.constant()", "tf.constant(np.arange(6).reshape(2, 3).T)",
                   "tf.constant(np.arange(6)[::2])", "tf.constant(np.float16(1.5))",
               "tf.constant(np.bool_(True))", "tf.constant(np.complex64(1j))", "tf.constant(np.uint8(3))",
                   "tf.constant(np.array(None))", "tf.constant(np.array([1, 'a'], object))",
               "tf.constant(np.array([[1], [2, 3]], object))", "tf.constant(np.datetime64('2020-01-01'))",
                   "tf.constant(tf.TensorShape([1, 2]))", "tf.constant(tf.float32)",
               "tf.constant([1, 2], tf.int32, [1, 2])"):
    expr("tf.constant", source)
    converted = source.replace("tf.constant(", "tf.convert_to_tensor(", 1)
    if "shape=" not in source and "[1, 2])" not in source[-8:]:
        expr("tf.convert_to_tensor", converted)
for source in ("tf.convert_to_tensor(x) is x", "tf.convert_to_tensor(x, tf.float32) is x",
    "tf.convert_to_tensor(x, tf.float64)", "tf.convert_to_tensor(x, dtype_hint=tf.float64)",
               "tf.convert_to_tensor(1, dtype_hint=tf.float32)",
                   "tf.convert_to_tensor(1.5, dtype_hint=tf.int32)",
                   "tf.convert_to_tensor('a', dtype_hint=tf.int32)",
               "tf.convert_to_tensor([x[0], x[1]])", "tf.convert_to_tensor([x, 3.0])",
                   "tf.convert_to_tensor([[x[0], 1], [2, x[1]]])", "tf.convert_to_tensor([x[0], 1j])",
               "tf.convert_to_tensor([x, x])", "tf.convert_to_tensor((x, x), tf.float64)",
                   "tf.convert_to_tensor([x[0], 'a'])", "tf.convert_to_tensor({'a': x})",
               "tf.convert_to_tensor(x, name='n')", "tf.convert_to_tensor(x, 'float32')",
                   "tf.convert_to_tensor([x, [1, 2, 3]])"):
    expr("tf.convert_to_tensor", source, x=t([1.0, 2.0]))
expr("tf.convert_to_tensor", "tf.convert_to_tensor(x)", x=v([1.0, 2.0]))
expr("tf.convert_to_tensor", "tf.convert_to_tensor(x, tf.int32)", x=v([1.0, 2.0]))
expr("tf.convert_to_tensor", "tf.convert_to_tensor(tf.IndexedSlices(x, [1, 0], [3]))", x=t([1.0, 2.0]),
    grad=False)
expr("tf.convert_to_tensor", "tf.convert_to_tensor(tf.IndexedSlices(x, [1, 1], [3]))", x=t([1.0, 2.0]),
    grad=False)
expr("tf.convert_to_tensor", "tf.convert_to_tensor(tf.IndexedSlices(x, [1, 0]))", x=t([1.0, 2.0]), grad=False)
expr("tf.convert_to_tensor", "tf.convert_to_tensor(tf.TensorShape([2, 3]))")
expr("tf.convert_to_tensor", "tf.convert_to_tensor(tf.TensorShape([2, None]))")
expr("tf.convert_to_tensor", "tf.convert_to_tensor(tf.TensorShape([2, 3]), tf.int64)")
for symbol in ("zeros", "ones"):
    for dtype in ALL:
        call(f"tf.{symbol}", [2, 3], attr(dtype))
    for source in ("tf.{}([])", "tf.{}(3)", "tf.{}(())", "tf.{}((2,))", "tf.{}([0, 2])",
        "tf.{}(tf.constant([2, 1]))", "tf.{}(tf.TensorShape([2, 1]))",
                   "tf.{}([tf.constant(2), 1])", "tf.{}([-1])", "tf.{}([1.5])", "tf.{}('a')",
                       "tf.{}([2, None])", "tf.{}(tf.constant([1], tf.int64))",
                   "tf.{}([2], 'int32')", "tf.{}([2], int)", "tf.{}([2], np.float64)", "tf.{}([2], name='a')",
                       "tf.{}(np.array([2, 2]))", "tf.{}(tf.constant([[2]]))",
                   "tf.{}([2], None)", "tf.{}(shape=[2], dtype=tf.bool)", "tf.{}(None)",
                       "tf.{}([2**40, 2**40])"):
        expr(f"tf.{symbol}", source.format(symbol))
    each(f"tf.{symbol}_like", ALL)
    for dtype in SOME:
        call(f"tf.{symbol}_like", spread("float32", (2,)), attr(dtype))
    for source in ("tf.{}_like([1, 2])", "tf.{}_like(2.5)", "tf.{}_like([])",
        "tf.{}_like([[1], [2]], dtype='float64')", "tf.{}_like(np.eye(2))", "tf.{}_like('a')",
                   "tf.{}_like(None)", "tf.{}_like(tf.Variable([1.5]))", "tf.{}_like(input=[1])",
                       "tf.{}_like([1], name='a')"):
        expr(f"tf.{symbol}_like", source.format(symbol))
for dtype in ALL:
    call("tf.fill", [2, 3], spread(dtype, ()))
for source in ("tf.fill([2], 1)", "tf.fill([], 1.5)", "tf.fill([0, 2], 'a')", "tf.fill(2, 1)",
    "tf.fill([2], [1])", "tf.fill([-2], 1)", "tf.fill([2.5], 1)",
               "tf.fill(tf.constant([2, 2], tf.int64), True)", "tf.fill([2], 1j)",
                   "tf.fill((1, 2), np.float64(3))", "tf.fill(dims=[1], value=2)", "tf.fill([2], None)"):
    expr("tf.fill", source)
for dtype in (*NUMBERS, "bool"):
    call("tf.eye", 2, 3, dtype=attr(dtype))
for source in ("tf.eye(3)", "tf.eye(0)", "tf.eye(2, 0)", "tf.eye(2, batch_shape=[2])",
    "tf.eye(3, 2, batch_shape=[1, 2])", "tf.eye(2, dtype=tf.string)", "tf.eye(-1)",
               "tf.eye(tf.constant(2))", "tf.eye(2, tf.constant(3))", "tf.eye(2.5)",
                   "tf.eye(2, batch_shape=tf.constant([2]))", "tf.eye(num_rows=2, num_columns=1, name='a')"):
    expr("tf.eye", source)
for source in ("tf.range(5)", "tf.range(0)", "tf.range(2, 5)", "tf.range(5, 2)", "tf.range(5, 2, -1)",
    "tf.range(0, 10, 3)", "tf.range(5.)", "tf.range(0, 1, 0.25)",
               "tf.range(1.5, 4)", "tf.range(0., 1., 0.1)", "tf.range(3, dtype=tf.float32)",
                   "tf.range(3, dtype=tf.int64)", "tf.range(start=3)", "tf.range(3, limit=6)",
               "tf.range(3, delta=1)", "tf.range(0, 5, 0)", "tf.range(0, 5, -1)", "tf.range([1, 2])",
                   "tf.range(tf.constant(3))", "tf.range(tf.constant(3, tf.int64))",
               "tf.range(tf.constant(1), tf.constant(4.))", "tf.range(tf.constant(1, tf.int64), 4)",
                   "tf.range(np.int64(3))", "tf.range(np.float64(3))", "tf.range(3, dtype=tf.int8)",
               "tf.range(3, dtype=tf.bfloat16)", "tf.range(3, dtype=tf.float16)",
                   "tf.range(3, dtype=tf.uint8)", "tf.range(3, dtype=tf.complex64)", "tf.range(3, name='r')",
               "tf.range(1, 2, 0.3, tf.float64)", "tf.range(2.5, dtype=tf.int32)", "tf.range(-3, 3)",
                   "tf.range(2**31)" if False else "tf.range(2**31, 2**31 + 2)", "tf.range()",
                   "tf.range(None)",
               "tf.range(10, 0, -3)", "tf.range(float('nan'))", "tf.range(3, dtype=tf.int32, delta=2)"):
    expr("tf.range", source)
for source in ("tf.linspace(0., 1., 5)", "tf.linspace(0, 1, 5)", "tf.linspace(0., 1., 1)",
    "tf.linspace(0., 1., 0)", "tf.linspace(1., 1., 3)", "tf.linspace(5., 1., 3)",
               "tf.linspace([0., 1.], [1., 3.], 3)", "tf.linspace([0., 1.], [1., 3.], 3, axis=1)",
                   "tf.linspace([0., 1.], [1., 3.], 3, axis=-1)", "tf.linspace([[0.]], [[1., 2.]], 2)",
               "tf.linspace(tf.constant(0, tf.float64), 1, 4)", "tf.linspace(0., 1, 2.5)",
                   "tf.linspace(0., 1., -1)", "tf.linspace(tf.constant(0.), tf.constant(1., tf.float64), 2)",
               "tf.linspace(0., 10., tf.constant(4))", "tf.linspace(start=-1., stop=1., num=2, name='a')",
                   "tf.linspace([0., 1.], [1., 2., 3.], 2)", "tf.linspace([0.], [1.], 2, axis=3)",
               "tf.linspace(tf.constant(0, tf.bfloat16), 1, 4)",
                   "tf.linspace(tf.constant(0, tf.float16), 1, 4)", "tf.linspace(0., 1., 7)",
                   "tf.linspace(0, 10, 4)", "tf.linspace('a', 1, 2)"):
    expr("tf.linspace", source)
expr("tf.linspace", "tf.linspace(a, b, 5)", a=t(0.5), b=t(2.0))
expr("tf.linspace", "tf.linspace(a, b, 3)", a=t([0.5, 1.0]), b=t([2.0, 4.0]))
for dtype in ("int32", "int64", "uint8"):
    call("tf.one_hot", t([0, 2, 1], dtype), 3)
for dtype in ("float32", "bfloat16", "int32", "bool", "complex64", "string", "int8"):
    call("tf.one_hot", t([0, 2]), 3, dtype=attr(dtype))
for source in ("tf.one_hot(x, 4)", "tf.one_hot(x, 4, 5., 1.)", "tf.one_hot(x, 4, on_value=5)",
    "tf.one_hot(x, 4, off_value=-1)", "tf.one_hot(x, 4, axis=0)", "tf.one_hot(x, 4, axis=-1)",
               "tf.one_hot(x, 4, axis=1)", "tf.one_hot(x, 4, axis=2)", "tf.one_hot(x, 4, axis=-2)",
                   "tf.one_hot(x, 0)", "tf.one_hot(x, -1)", "tf.one_hot(x, 2.5)", "tf.one_hot(x, [4])",
               "tf.one_hot(x, 4, 1, 0, dtype=tf.float32)", "tf.one_hot(x, 4, 1., 0)",
                   "tf.one_hot(x, 4, 'on', 'off')", "tf.one_hot(x, 4, True, False)",
                   "tf.one_hot([[1, 0], [2, 5]], 3, axis=1)",
               "tf.one_hot(1, 3)", "tf.one_hot([1.5], 3)", "tf.one_hot(x, tf.constant(4))",
                   "tf.one_hot([], 3)", "tf.one_hot(x, depth=3, name='a', dtype='int64')",
                   "tf.one_hot(x, 4, on_value=[1, 2])",
               "tf.one_hot(x, 4, 2., dtype=tf.float64)",
                   "tf.one_hot(x, 4, tf.constant(2.), dtype=tf.float64)"):
    expr("tf.one_hot", source, x=t([0, 3, -1]))
expr("tf.one_hot", "tf.one_hot([0, 2], 3, on, off)", on=t(5.0), off=t(-1.0))
for source in ("tf.sequence_mask([1, 3, 2])", "tf.sequence_mask([1, 3, 2], 5)",
    "tf.sequence_mask([1, 3, 2], 2)", "tf.sequence_mask([[1, 3], [2, 0]])", "tf.sequence_mask(2, 3)",
    "tf.sequence_mask([])",
               "tf.sequence_mask([1, 2], dtype=tf.float32)", "tf.sequence_mask([1, 2], 3, tf.int32)",
                   "tf.sequence_mask([1, 2], tf.constant(4))", "tf.sequence_mask([1, 2], [4])",
               "tf.sequence_mask([0, -1], 2)", "tf.sequence_mask([1.5])",
                   "tf.sequence_mask(tf.constant([1, 2], tf.int64), tf.constant(3, tf.int64))",
                   "tf.sequence_mask([1, 2], 3, 'complex64', 'n')",
               "tf.sequence_mask('a')", "tf.sequence_mask([1], -1)"):
    expr("tf.sequence_mask", source)
for source in ("tf.meshgrid([1, 2], [3, 4, 5])", "tf.meshgrid([1, 2], [3, 4, 5], indexing='ij')",
    "tf.meshgrid([1, 2])", "tf.meshgrid(1, [2, 3])", "tf.meshgrid([1], [2, 3], [4., 5.])",
               "tf.meshgrid([1], [2, 3], [4, 5], indexing='ij')", "tf.meshgrid()",
                   "tf.meshgrid([1], [2], indexing='no')", "tf.meshgrid([1], [2], sparse=True)",
                   "tf.meshgrid([[1, 2]], [3, 4])",
               "tf.meshgrid(['a', 'b'], ['c', 'd'])", "tf.meshgrid([True, False], [True])",
                   "tf.meshgrid([1], [2.5])"):
    expr("tf.meshgrid", source)
expr("tf.meshgrid", "tf.meshgrid(x, y)", x=spread("float32", (2,)), y=spread("float32", (3,)))

# What a tensor is.
for symbol in ("shape", "size", "rank"):
    each(f"tf.{symbol}", SOME)
    for source in ("tf.{}(1)", "tf.{}([])", "tf.{}([[1, 2, 3]])", "tf.{}('ab')", "tf.{}(np.ones([2, 0]))",
        "tf.{}(tf.Variable([1, 2]))", "tf.{}(None)", "tf.{}([[1], [2, 3]])", "tf.{}(input=[1], name='a')"):
        expr(f"tf.{symbol}", source.format(symbol))
for symbol in ("shape", "size"):
    expr(f"tf.{symbol}", f"tf.{symbol}([1, 2], tf.int64)")
    expr(f"tf.{symbol}", f"tf.{symbol}([1, 2], out_type=tf.int32)")
    expr(f"tf.{symbol}", f"tf.{symbol}([1, 2], out_type=tf.float32)")
expr("tf.shape", "tf.shape(tf.IndexedSlices([[1.], [2.]], [0, 1], [4, 1]))")
expr("tf.shape_n", "tf.shape_n([[1], [2, 3], 4])")
expr("tf.shape_n", "tf.shape_n([tf.ones([2, 3]), tf.ones([0])], out_type=tf.int64)")
expr("tf.shape_n", "tf.shape_n([tf.ones([2, 3]), tf.ones([2], tf.int32)])")
expr("tf.shape_n", "tf.shape_n([])")
expr("tf.shape_n", "tf.shape_n(3)")
for source in ("tf.is_tensor(x)", "tf.is_tensor(tf.Variable(1.))", "tf.is_tensor(1)", "tf.is_tensor([x])",
    "tf.is_tensor(np.ones(2))", "tf.is_tensor(None)", "tf.is_tensor(tf.IndexedSlices(x, [0, 1]))",
               "tf.is_tensor(tf.float32)", "tf.is_tensor(tf.TensorShape([]))", "tf.is_tensor(x=x)"):
    expr("tf.is_tensor", source, x=t([1.0, 2.0]), grad=False)
for source in ("tf.get_static_value(x)", "tf.get_static_value(3)", "tf.get_static_value(tf.constant('a'))",
    "tf.get_static_value(None)", "tf.get_static_value(x, partial=True)",
    "tf.get_static_value(tf.Variable([1]))",
               "tf.get_static_value([1, 2])", "tf.get_static_value(np.ones(2))"):
    expr("tf.get_static_value", source, x=t([1.0, 2.0]), grad=False, eager_only=True)
for source in ("tf.type_spec_from_value(x)", "tf.type_spec_from_value([1, 2])",
    "tf.type_spec_from_value(1.5)", "tf.type_spec_from_value(np.ones([2, 3]))",
    "tf.type_spec_from_value(object())", "tf.type_spec_from_value('a')"):
    expr("tf.type_spec_from_value", source, x=t([1.0, 2.0]), grad=False)
for source in ("tf.newaxis is None", "np.ones(3)[:, tf.newaxis].shape"):
    expr("tf.newaxis", source)
expr("tf.no_op", "tf.no_op()")
expr("tf.no_op", "tf.no_op(name='a')")
expr("tf.executing_eagerly", "tf.executing_eagerly()", eager_only=True)
expr("tf.inside_function", "tf.inside_function()", eager_only=True)
expr("tf.__version__", "isinstance(tf.__version__, str) and tf.__version__.split('.')[0]")
