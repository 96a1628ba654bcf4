"""Elementwise functions of one and of two tensors, and the bitwise ones."""

from oracle.case import (
    ALL,
    COMPLEX,
    FLOATS,
    INTS,
    NUMBERS,
    REALS,
    UINTS,
    attr,
    binary,
    call,
    edges,
    expr,
    n,
    spread,
    t,
    unary,
    v,
)

FC = FLOATS + COMPLEX
WIDE = ("float32", "float64")

# One tensor. The domain is where the function is smooth; the edges go everywhere.
unary("tf.math.abs", FC + INTS, bad=("uint8", "bool", "string"), tol="exact")
unary("tf.math.negative", FC + INTS, bad=("uint8", "bool", "string"), tol="exact")
unary("tf.math.sign", FC + INTS, bad=("uint8", "bool", "string"))
unary("tf.math.square", NUMBERS, bad=("bool", "string"), tol="exact")
unary("tf.math.ceil", FLOATS, tol="exact", bad=("complex64", "int32", "bool"))
unary("tf.math.floor", FLOATS, tol="exact", bad=("complex64", "int32", "bool"))
unary("tf.math.rint", WIDE, tol="exact")
unary("tf.math.round", REALS, tol="exact", bad=("bool", "string"))
unary("tf.math.is_finite", FLOATS, tol="exact", bad=("complex64", "int32", "string"))
unary("tf.math.is_inf", FLOATS, tol="exact", bad=("complex64", "int32", "string"))
unary("tf.math.is_nan", FLOATS, tol="exact", bad=("complex64", "int32", "string"))
unary("tf.math.logical_not", ("bool",), bad=("float32", "int32", "string"))
unary("tf.bitwise.invert", INTS + UINTS, bad=("float32", "bool", "string"))
for name in ("asin", "acos"):
    unary(f"tf.math.{name}", FC, lo=-0.9, hi=0.9)
unary("tf.math.atanh", FC, lo=-0.9, hi=0.9)
unary("tf.math.acosh", FC, lo=1.1, hi=4)
for name in ("asinh", "atan", "cos", "cosh", "exp", "expm1", "sigmoid", "sin", "sinh", "tan", "tanh"):
    unary(f"tf.math.{name}", FC)
for name in ("log", "rsqrt", "sqrt"):
    unary(f"tf.math.{name}", FC, lo=0.1, hi=4)
unary("tf.math.log1p", FLOATS, lo=0.1, hi=4)
unary("tf.math.log1p", COMPLEX, bad=(), lo=0.1, hi=4, shapes=False, tol="special")
for name in ("reciprocal", "reciprocal_no_nan"):
    unary(f"tf.math.{name}", FC, lo=0.5, hi=3, bad=("uint8", "bool", "string"))
for name in ("erf", "erfc", "log_sigmoid", "softplus", "softsign"):
    unary(f"tf.math.{name}", FLOATS, bad=("complex64", "int32", "string"))
unary("tf.math.erfinv", WIDE, lo=-0.9, hi=0.9, tol="special")
unary("tf.math.erfcinv", WIDE, lo=0.1, hi=1.9, tol="special", bad=("complex64", "int32", "string"))
unary("tf.math.ndtri", WIDE, lo=0.1, hi=0.9, tol="special")
unary("tf.math.lgamma", ("float16", *WIDE), lo=0.2, hi=5, tol="special")
unary("tf.math.digamma", ("float16", *WIDE), lo=0.2, hi=5, tol="special")
unary("tf.math.angle", FC, bad=("int32", "bool", "string"))
unary("tf.math.conj", NUMBERS, bad=("bool", "string"), tol="exact")
unary("tf.math.real", NUMBERS, bad=("bool", "string"), tol="exact")
unary("tf.math.imag", ALL, bad=(), tol="exact")
for name in ("is_non_decreasing", "is_strictly_increasing"):
    for values in ([1.0, 2.0, 3.0], [1.0, 1.0, 2.0], [3.0, 1.0, 2.0], [1.0], [], [[1.0, 2.0], [3.0, 4.0]]):
        call(f"tf.math.{name}", t(values, "float32"), tag=repr(values))
    for dtype in REALS:
        call(f"tf.math.{name}", t([1, 2, 2], dtype))
    for dtype in ("bool", "string", "complex64"):
        call(f"tf.math.{name}", spread(dtype, (3,)))

# Two tensors.
binary("tf.math.add", (*NUMBERS, "string"), bad=("bool",), tol="exact")
binary("tf.math.subtract", NUMBERS, bad=("bool", "string"), tol="exact")
binary("tf.math.multiply", NUMBERS, bad=("bool", "string"), tol="exact")
binary("tf.math.divide", NUMBERS, bad=("bool", "string"), lo2=0.5, hi2=3)
binary("tf.math.truediv", NUMBERS, bad=("bool", "string"), lo2=0.5, hi2=3)
binary("tf.math.divide_no_nan", NUMBERS, bad=("bool", "string"), lo2=0.5, hi2=3)
binary("tf.realdiv", FC, bad=("bool", "string"), lo2=0.5, hi2=3)
binary("tf.math.floordiv", FLOATS + UINTS, bad=("bool", "string"), lo=1, hi=9, edge=False, tol="exact")
binary("tf.math.floordiv", INTS, bad=(), lo=1, hi=9, edge=False, shapes=False, tol="exact")
binary("tf.math.floormod", FLOATS + UINTS, bad=("bool", "string"), lo=1, hi=9, edge=False, tol="exact")
binary("tf.math.floormod", INTS, bad=(), lo=1, hi=9, edge=False, shapes=False, tol="exact")
binary("tf.truncatediv", FLOATS + UINTS, bad=("bool", "string"), lo=1, hi=9, edge=False, tol="exact")
binary("tf.truncatediv", INTS, bad=(), lo=1, hi=9, edge=False, shapes=False, tol="exact")
binary("tf.truncatemod", WIDE, bad=("int8", "bool", "string"), lo=1, hi=9, edge=False, tol="exact")
binary("tf.truncatemod", ("int32", "int64"), bad=(), lo=1, hi=9, edge=False, shapes=False, tol="exact")
for name in ("tf.math.floordiv", "tf.math.floormod", "tf.truncatediv", "tf.truncatemod"):
    # Every pair of signs, no division by zero.
    left, right = [7, -7, 7, -7, 6, -6, 0, 5], [3, 3, -3, -3, 2, 2, 4, -8]
    for dtype in INTS + FLOATS:
        if name != "tf.truncatemod" or dtype in ("int32", "int64", *WIDE):
            call(name, t(left, dtype), t(right, dtype), tag=f"signs-{dtype}", tol="exact")
    for dtype in ("int32", "int64"):
        call(name, t([1, 2], dtype), t([1, 0], dtype), tag=f"by-zero-{dtype}")
        call(name, t([2**31 - 1, -(2**31)], dtype), t([2, 3], dtype), tag=f"extremes-{dtype}", tol="exact")
    for dtype in WIDE:
        inf, nan = float("inf"), float("nan")
        call(name, t([1.0, -1, 0, inf, 1, -1, nan, 2.5, -0.0], dtype), t([0.0, 0, 0, 2, inf, inf, 1, nan, 3],
            dtype),
             tag=f"edge-{dtype}", tol="exact")
for name in ("equal", "not_equal"):
    binary(f"tf.math.{name}", ALL, bad=())
for name in ("greater", "greater_equal", "less", "less_equal"):
    binary(f"tf.math.{name}", REALS, bad=("complex64", "bool", "string"))
for name in ("maximum", "minimum"):
    binary(f"tf.math.{name}", REALS, bad=("complex64", "bool", "string"), tol="exact")
    call(f"tf.math.{name}", t([1.0, 2.0, 3.0]), t([1.0, 3.0, 2.0]), tag="tie", tol="exact")
    call(f"tf.math.{name}", t([[1.0], [2.0]]), t([1.0, 2.0]), tag="tie-broadcast", tol="exact")
for name in ("logical_and", "logical_or", "logical_xor"):
    binary(f"tf.math.{name}", ("bool",), bad=("float32", "int32", "string"))
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    binary(f"tf.bitwise.{name}", INTS + UINTS, bad=("float32", "bool", "string"))
for name in ("left_shift", "right_shift"):
    binary(f"tf.bitwise.{name}", INTS + UINTS, bad=("float32", "bool", "string"), lo=0, hi=9, lo2=0, hi2=5,
        edge=False)
    for dtype in INTS + UINTS:
        few = edges(dtype)
        call(f"tf.bitwise.{name}", few, t(3, dtype), tag=f"edge-{dtype}")
binary("tf.math.atan2", FLOATS, bad=("complex64", "int32", "string"))
binary("tf.math.pow", FC, bad=("bool", "string"), lo=0.25, hi=2.5, lo2=-2, hi2=3)
binary("tf.math.pow", ("int32", "int64"), bad=("int8",), lo=-3, hi=4, lo2=0, hi2=4, edge=False)
for dtype in FC:
    # Whole exponents of a negative base; zeros and ones on either side.
    base, exponent = [-2.0, -2.0, -1.5, 0.0, 0.0, 0.0, 1.0, 3.0], [2.0, 3.0, 0.0, 0.0, 1.0, 2.0, 5.0, 0.0]
    call("tf.math.pow", t(base, dtype), t(exponent, dtype), tag=f"kinks-{dtype}")
    call("tf.math.pow", t([-2.0, 0.0, 3.0], dtype), 2, tag=f"square-{dtype}")
    call("tf.math.pow", t([-2.0, 0.0, 3.0], dtype), 0, tag=f"zeroth-{dtype}")
    call("tf.math.pow", t([0.0, 4.0], dtype), 0.5, tag=f"root-{dtype}")
    call("tf.math.pow", t([-1.0, 0.0], dtype), -1, tag=f"inverse-{dtype}")
for dtype in ("int32", "int64"):
    call("tf.math.pow", t([2, 3], dtype), t([-1, 2], dtype), tag=f"negative-exponent-{dtype}")
    call("tf.math.pow", t([2, 10, -7], dtype), t([31, 9, 12], dtype), tag=f"overflow-{dtype}")
call("tf.math.pow", 2, 3)
call("tf.math.pow", 2.0, 3)
call("tf.math.pow", t([2, 3]), 1.5)
binary("tf.math.squared_difference", (*FC, "int32", "int64"), bad=("int8", "bool", "string"), tol="exact")
binary("tf.math.multiply_no_nan", FC, bad=("int32", "bool", "string"), tol="exact")
binary("tf.math.xlogy", FC, lo2=0.2, hi2=3)
binary("tf.math.xlog1py", FC, lo2=0.2, hi2=3)
binary("tf.math.xdivy", FC, lo2=0.5, hi2=3)
binary("tf.math.nextafter", WIDE, bad=("float16", "int32", "string"), tol="exact")
binary("tf.math.igamma", WIDE, lo=0.3, hi=4, tol="special")
binary("tf.math.igammac", WIDE, lo=0.3, hi=4, tol="special")
binary("tf.math.zeta", WIDE, bad=("float16", "int32"), lo=1.5, hi=5, lo2=0.5, hi2=4, tol="special")
binary("tf.math.polygamma", WIDE, bad=("float16", "int32"), lo=0.5, hi=4, edge=False, numbers=False,
    tol="special")
for dtype in WIDE:
    call("tf.math.polygamma", t([0, 1, 2, 3, 5], dtype), t([1.5, 0.5, 2, 3.25, 4], dtype),
        tag=f"orders-{dtype}", tol="special")
    call("tf.math.polygamma", t([1, 1, -1, 0.5, 2, 1], dtype), t([0, -1, 2, 2, -1.5, float("inf")], dtype),
         tag=f"edge-{dtype}", tol="special")
    a, b, x = spread(dtype, (2, 3), 0.5, 4), spread(dtype, (2, 3), 0.5, 4, seed=1), spread(dtype, (2, 3), 0.1,
        0.9, 2)
    call("tf.math.betainc", a, b, x, tol="special")
    call("tf.math.betainc", t([1, 2, 2, 0.5, 3, 50, 0, 1, -1], dtype), t([1, 3, 3, 0.5, 2, 60, 1, 0, 1],
        dtype),
         t([0, 1, 0.5, 0.25, 1.5, 0.45, 0.5, 0.5, 0.5], dtype), tag=f"edge-{dtype}", tol="special")
call("tf.math.betainc", t(2.0), t([0.5, 3.0]), t([[0.25], [0.75]]), tol="special")
call("tf.math.betainc", t([1.0, 2.0]), t([0.5, 3.0, 1.0]), t([0.25, 0.5]))
call("tf.math.betainc", t([1, 2]), t([1, 2]), t([1, 2]))
call("tf.math.betainc", 1.0, 2.0, 0.25, tol="special")

# A number times a tensor.
for dtype in NUMBERS:
    call("tf.math.scalar_mul", t(3, dtype), spread(dtype, (2, 2)))
call("tf.math.scalar_mul", 2.5, spread("float32", (2, 3)))
call("tf.math.scalar_mul", 2, spread("int32", (2, 3)))
call("tf.math.scalar_mul", t([1.0, 2.0]), spread("float32", (2,)))
call("tf.math.scalar_mul", 2.5, spread("int32", (2,)))
call("tf.math.scalar_mul", v(2.0), spread("float32", (2,)))
expr("tf.math.scalar_mul", "tf.math.scalar_mul(3.0, tf.IndexedSlices(x, [1, 0], dense_shape=[4, 2]))",
     x=spread("float32", (2, 2)), grad=False)

# A list of tensors.
for name in ("tf.add_n", "tf.math.accumulate_n"):
    for dtype in NUMBERS:
        call(name, [spread(dtype, (2, 2)), spread(dtype, (2, 2), seed=1), spread(dtype, (2, 2), seed=2)],
            tol="exact")
    call(name, [spread("float32", (3,))])
    call(name, [])
    call(name, [spread("float32", (3,)), spread("float32", (2,))])
    call(name, [spread("float32", (3,)), spread("float64", (3,))])
    call(name, [spread("string", (3,)), spread("string", (3,))])
    if name == "tf.add_n":
        call(name, spread("float32", (2, 3)), tag="one-tensor")
    call(name, [1.0, 2.0], tag="numbers")
    call(name, [t(1.0), 2.0], tag="tensor-and-number")
    call(name, t(3.0), tag="scalar")
    call(name, [v([1.0, 2.0]), t([3.0, 4.0])], tag="variable", tol="exact")
    expr(name, f"{name}([tf.IndexedSlices(x, [1, 0], [4, 2]), tf.ones([4, 2])])", x=spread("float32", (2, 2)),
        grad=False)
expr("tf.math.accumulate_n", "tf.math.accumulate_n([x, x], shape=[2], tensor_dtype=tf.float32)", x=t([1.0,
    2.0]))
expr("tf.math.accumulate_n", "tf.math.accumulate_n([x, x], shape=[3])", x=t([1.0, 2.0]))
expr("tf.math.accumulate_n", "tf.math.accumulate_n([x, x], tensor_dtype=tf.int32)", x=t([1.0, 2.0]))

for dtype in NUMBERS:
    call("tf.math.polyval", [t(2, dtype), t(1, dtype), t(3, dtype)], spread(dtype, (2, 2)))
call("tf.math.polyval", [1.0, -2.0, 0.5], spread("float32", (3,)))
call("tf.math.polyval", [], spread("float32", (3,)))
call("tf.math.polyval", [spread("float32", (3,)), t(2.0)], spread("float32", (3,), seed=1))
call("tf.math.polyval", t([1.0, 2.0]), t(3.0))
call("tf.math.polyval", [2.0], t(3.0))

# Complex numbers out of real ones.
for dtype in WIDE:
    call("tf.complex", spread(dtype, (2, 3)), spread(dtype, (2, 3), seed=1), tol="exact")
    call("tf.complex", edges(dtype), t(2, dtype), tag=f"edge-{dtype}", tol="exact")
call("tf.complex", spread("float32", (2, 1)), spread("float32", (3,)))
call("tf.complex", 1.0, 2.0)
call("tf.complex", t(1.0), 2.0)
for dtype in ("float16", "int32", "complex64", "string"):
    call("tf.complex", spread(dtype, (2,)), spread(dtype, (2,)))
call("tf.complex", t([1.0]), t([1.0], "float64"))
call("tf.complex", t([1.0, 2.0]), t([1.0, 2.0, 3.0]))

# Numbers, arrays, variables and lists as operands adapt to the tensor beside them; tensors do not.
for source in ("tf.add(x, True)", "tf.add(x, 1j)", "tf.add(x, 'a')", "tf.add(x, [1, 2])", "tf.add([1, 2], x)",
               "tf.add(x, np.float64(1.5))", "tf.add(x, np.array([1.5, 2.5]))", "tf.add(x, np.array([1, 2]))",
               "tf.add(x, 10**10)", "tf.add(x, 2**70)", "tf.add(x, 1e40)", "tf.add(x, x.numpy())",
                   "tf.add(x, ())",
               "tf.add(x, [[1], [2]])", "tf.add(x, [1, 2.5])", "tf.add(x, [x[0], 2])",
                   "tf.add([x[0], 2], x)"):
    for dtype in ("float32", "float64", "int32", "int64", "uint8", "complex64", "bfloat16"):
        expr("tf.math.add", source, x=t([1, 2], dtype))
for symbol in ("tf.add", "tf.multiply", "tf.maximum", "tf.pow", "tf.equal"):
    expr(symbol, f"{symbol}(2, 3)")
    expr(symbol, f"{symbol}(2, 3.5)")
    expr(symbol, f"{symbol}(2.5, 3)")
    expr(symbol, f"{symbol}(np.float64(2.5), 3)")
    expr(symbol, f"{symbol}([1, 2], [3, 4])")
    expr(symbol, f"{symbol}(x=2, y=3)")
    expr(symbol, f"{symbol}(2)")
    expr(symbol, f"{symbol}(1, 2, 3, 4)")
    expr(symbol, f"{symbol}(1, 2, nme='a')")
    expr(symbol, f"{symbol}(x, y)", x=v([1.0, 2.0]), y=t([3.0, 4.0]))
    expr(symbol, f"{symbol}(y, x)", x=v([1.0, 2.0]), y=v(3.0))
    expr(symbol, f"{symbol}(x, y)", x=n([1.0, 2.0], "float64"), y=t([3.0, 4.0]))
    expr(symbol, f"{symbol}(x, y)", x=n([1.0, 2.0], "float64"), y=n([3, 4], "int64"))
call("tf.equal", t([1.0, 2.0]), t([1.0, 2.0, 3.0]), tag="mismatch-strict")
call("tf.cos", attr("float32"), tag="dtype-as-operand")
call("tf.cos", "text")
call("tf.cos", None)
call("tf.cos", {"a": 1.0})
call("tf.cos", [[1.0, 2.0], [3.0]])
call("tf.cos", [1.0, "a"])
call("tf.cos", 1)
call("tf.cos", [1, 2])
call("tf.cos", True)
call("tf.cos", 1 + 2j)
call("tf.abs", -3)
call("tf.abs", 3 + 4j)
call("tf.sqrt", n([4.0, 9.0], "float64"))
call("tf.sqrt", n([4, 9], "int64"))
call("tf.sqrt", v([4.0, 9.0]))
