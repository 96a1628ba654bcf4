"""tf.DType and the dtypes."""

from oracle.case import ALL, attr, call, case, caught, expr, exprs

NAMES = (*ALL, "half", "double")

for name in NAMES:
    expr((f"tf.{name}", "tf.dtypes.DType"), f"tf.{name}")
    expr((f"tf.{name}", "tf.dtypes.DType"),
        f"(str(tf.{name}), repr(tf.{name}), tf.{name}.name, int(tf.{name}), tf.{name}.as_datatype_enum)")
    for source in ("size", "is_floating", "is_integer", "is_complex", "is_unsigned", "is_bool", "is_numeric",
        "is_quantized", "is_numpy_compatible", "real_dtype", "min", "max", "limits", "as_numpy_dtype"):
        expr((f"tf.{name}", "tf.dtypes.DType"), f"tf.{name}.{source}")
    call("tf.dtypes.as_dtype", name)
    expr("tf.dtypes.as_dtype", f"tf.as_dtype(tf.{name}) is tf.{name}")
    expr("tf.dtypes.as_dtype", f"tf.as_dtype(tf.{name}.as_numpy_dtype) == tf.{name}")
    expr("tf.dtypes.DType",
        f"tf.{name} == '{name}', tf.{name} != '{name}', tf.{name} == tf.float32, "
        f"hash(tf.{name}) == hash(tf.as_dtype('{name}'))")
exprs("tf.dtypes.as_dtype", """
    tf.as_dtype(float); tf.as_dtype(int); tf.as_dtype(bool); tf.as_dtype(str); tf.as_dtype(bytes);
    tf.as_dtype(complex); tf.as_dtype(object); tf.as_dtype(np.float32); tf.as_dtype(np.int8);
    tf.as_dtype(np.dtype('float64')); tf.as_dtype(np.str_); tf.as_dtype(np.bytes_); tf.as_dtype(np.object_);
    tf.as_dtype('float'); tf.as_dtype('int'); tf.as_dtype('str'); tf.as_dtype('half'); tf.as_dtype('double');
    tf.as_dtype('nonsense'); tf.as_dtype(None); tf.as_dtype(1); tf.as_dtype(9999); tf.as_dtype(3.5);
    tf.as_dtype([]); tf.as_dtype(list); tf.as_dtype('f4'); tf.as_dtype('<f4'); tf.as_dtype(np.datetime64);
    tf.as_dtype(tf.constant(1.)); tf.as_dtype(type_value=tf.int32); tf.as_dtype(np.array([1.]).dtype);
    tf.as_dtype('int32_ref'); tf.as_dtype('object'); tf.as_dtype(np.float16)
""")
exprs("tf.dtypes.DType", """
    tf.DType(1); tf.DType('float32'); tf.float32 == np.float32; tf.float32 == 'float32'; tf.float32 == 3;
    tf.float32 == None; tf.float32 != np.int32; np.float32 == tf.float32;
    tf.float32 in (tf.int32, tf.float32);
    tf.float32.is_compatible_with(tf.float32); tf.float32.is_compatible_with('float64');
    tf.float32.base_dtype; isinstance(tf.float32, tf.DType); tf.half is tf.float16; tf.double is tf.float64;
    np.dtype(tf.float32.as_numpy_dtype).name;
    tf.float32 < tf.float64; len({tf.float32, tf.as_dtype('float32'), tf.int32});
    {tf.float32: 1}[tf.as_dtype('float32')]; tf.float32 + 1; tf.float32.nonsense;
    np.zeros(2, tf.int32.as_numpy_dtype).dtype.name;
    tf.bfloat16.as_numpy_dtype.__name__; np.zeros(2, tf.float32).dtype.name; tf.dtypes.float32 is tf.float32;
    f'{tf.float32}'; f'{tf.int64!r}'
""")


@case("tf.dtypes.DType", eager_only=True)
def dtypes_copy_and_pickle(tf):
    import copy
    import pickle

    pickled = pickle.loads(pickle.dumps(tf.bfloat16))
    return copy.deepcopy(tf.float32) is tf.float32, copy.copy(tf.int8) is tf.int8, pickled is tf.bfloat16


@case("tf.dtypes.DType", eager_only=True)
def dtypes_are_immutable(tf):
    def assign():
        tf.float32.name = "other"

    return caught(assign).error.__class__


call("tf.dtypes.as_dtype", attr("float32"))
