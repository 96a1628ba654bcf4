"""A case is one question to TensorFlow. It comes in three forms:

    call("tf.matmul", t([[1., 2.]]), t([[1.], [2.]]), transpose_b=False)    a symbol and its arguments
    expr("tf.Tensor", "x[1:, tf.newaxis]", x=t([1, 2, 3]))                  a Python expression
    @case("tf.GradientTape")                                                a function, for everything else
    def persistent(tf): ...; return any_structure

The first two also take a gradient with respect to every float or complex tensor among the arguments,
weighted by a fixed cotangent (`grad=False` turns it off). The tables (`unary`, `binary`, `reduction`) write
many at once.
"""

import hashlib
import inspect
import math
import operator

import ml_dtypes
import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTS = ("int8", "int16", "int32", "int64")
UINTS = ("uint8", "uint16", "uint32", "uint64")
REALS = FLOATS + INTS + UINTS
NUMBERS = FLOATS + COMPLEX + INTS + UINTS
ALL = (*NUMBERS, "bool", "string")
# Enough to see that a kind of dtype is refused.
SOME_BAD = ("int32", "bool", "string")

SHORT = {
    "float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "complex64": "c64",
    "complex128": "c128", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8",
    "uint16": "u16", "uint32": "u32", "uint64": "u64", "bool": "bool", "string": "str",
}

REGISTRY = {}


def numpy_dtype(name):
    if name == "bfloat16":
        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(object) if name == "string" else np.dtype(name)


class t:
    """A tensor argument. `kind` is "tensor", "variable" or "numpy" (the array as it is)."""

    __slots__ = ("array", "dtype", "kind")

    def __init__(self, values, dtype=None, kind="tensor"):
        if dtype is None:
            if isinstance(values, np.ndarray):
                dtype = "string" if values.dtype == object else values.dtype.name
            else:
                found = np.asarray(values).dtype
                dtype = {"f": "float32", "i": "int32", "c": "complex64", "b": "bool"}.get(found.kind,
                    "string")
        if dtype == "string" and not isinstance(values, np.ndarray):
            values = np.array(values, dtype=object)
        with np.errstate(all="ignore"):
            self.array = np.asarray(values, dtype=numpy_dtype(dtype))
        self.dtype, self.kind = dtype, kind

    @property
    def differentiable(self):
        return self.kind != "numpy" and (self.dtype in FLOATS or self.dtype in COMPLEX)

    def make(self, tf):
        if self.kind == "numpy":
            return self.array
        dtype = getattr(tf, self.dtype)
        return (tf.Variable if self.kind == "variable" else tf.constant)(self.array, dtype=dtype)

    def __repr__(self):
        shape = ",".join(str(n) for n in self.array.shape)
        return {"tensor": "", "variable": "var ", "numpy": "np "}[self.kind] + f"{SHORT[self.dtype]}({shape})"

    def fingerprint(self):
        data = repr(self.array.tolist()) if self.dtype == "string" else self.array.tobytes().hex()
        return f"{self!r}{data}"


def v(values, dtype=None):
    return t(values, dtype, "variable")


def n(values, dtype=None):
    return t(values, dtype, "numpy")


class attr:
    """Something out of the module under test, by name: a dtype (`attr("float32")`), an enum member."""

    __slots__ = ("path",)

    def __init__(self, path):
        self.path = path

    def make(self, tf):
        return lookup(tf, self.path)

    def __repr__(self):
        return self.path

    fingerprint = __repr__


def lookup(tf, path):
    """`lookup(tf, "tf.math.abs")`, with or without the leading `tf.`."""
    found = tf
    for part in path.removeprefix("tf.").split("."):
        found = getattr(found, part)
    return found


def walk(structure, leaf):
    """The structure (lists, tuples, dictionaries) with `leaf` applied to what is in it, in order."""
    if isinstance(structure, (list, tuple)):
        return type(structure)([walk(x, leaf) for x in structure])
    if isinstance(structure, dict):
        return {key: walk(x, leaf) for key, x in structure.items()}
    return leaf(structure)


def tensors_in(structure):
    found = []
    walk(structure, lambda x: found.append(x) if isinstance(x, t) else None)
    return found


def fingerprint(x):
    return x.fingerprint() if isinstance(x, (t, attr)) else repr(x)


class Case:
    """One question: `body(tf, arguments)` over `arguments` (a pair of positional and keyword ones)."""

    __slots__ = ("arguments", "body", "eager_only", "family", "grad", "id", "source", "symbols", "tol")

    def __init__(self, symbols, tag, body, source, arguments=((), {}), grad=False, tol=None,
        eager_only=False):
        self.symbols = (symbols,) if isinstance(symbols, str) else tuple(symbols)
        self.body, self.source, self.arguments = body, source, arguments
        self.grad, self.tol, self.eager_only = grad, tol, eager_only
        self.family = None
        base = f"{self.symbols[0]}/{tag}"
        self.id, count = base, 1
        while self.id in REGISTRY:
            count += 1
            self.id = f"{base}#{count}"
        REGISTRY[self.id] = self

    @property
    def digest(self):
        """Changes when the question does, so that no stale answer is compared with it."""
        text = f"{self.source}{walk(self.arguments, fingerprint)!r}{self.grad}"
        return hashlib.sha1(text.encode()).hexdigest()[:10]

    def __repr__(self):
        return self.id


def describe(args, kwargs):
    parts = [_describe(x) for x in args] + [f"{key}={_describe(x)}" for key, x in kwargs.items()]
    return ",".join(parts)


def _describe(x):
    if isinstance(x, list) and len(x) > 1 and all(isinstance(e, t) for e in x):
        return "[" + ",".join(map(repr, x)) + "]"
    text = repr(x).replace(" ", "").replace("/", "|")
    return text if len(text) <= 40 else text[:37] + "..."


def call(symbol, *args, tag=None, grad=True, tol=None, eager_only=False, **kwargs):
    """`symbol(*args, **kwargs)`, and its gradient."""
    def body(tf, arguments):
        positional, named = arguments
        return lookup(tf, symbol)(*positional, **named)

    tag = describe(args, kwargs) if tag is None else tag
    Case(symbol, tag, body, symbol, (args, kwargs), grad, tol, eager_only)


def expr(symbols, source, grad=True, tol=None, tag=None, eager_only=False, **values):
    """The value of a Python expression over `tf`, `np` and given values, and its gradient."""
    code = compile(source, "<case>", "eval")

    def body(tf, arguments):
        return eval(code, {"tf": tf, "np": np, "math": math, "operator": operator, **arguments[1]})

    if tag is None:
        tag = source + (" " + describe((), values) if values else "")
        tag = tag.replace("/", "÷")
    Case(symbols, tag, body, source, ((), values), grad, tol, eager_only)


def exprs(symbols, sources, *args, **kwargs):
    """`expr` for each of several expressions in one text, parted by semicolons."""
    for source in sources.split(";"):
        if source.strip():
            expr(symbols, " ".join(source.split()), *args, **kwargs)


def case(*symbols, params=None, tol=None, eager_only=False):
    """A function of `tf` (and of one of `params`) that returns any structure of results."""
    def decorate(function):
        source = inspect.getsource(function)
        name = function.__name__
        if params is None:
            Case(symbols, name, lambda tf, _: function(tf), source, tol=tol, eager_only=eager_only)
            return function
        for param in params:
            def body(tf, _, param=param):
                return function(tf, param)

            Case(symbols, f"{name}-{param}".replace("/", "÷"), body, f"{source}{param!r}", tol=tol,
                 eager_only=eager_only)
        return function

    return decorate


class Caught:
    """An exception as a result, so that a function may collect several."""

    __slots__ = ("error",)

    def __init__(self, error):
        self.error = error


def caught(function, *args, **kwargs):
    """What `function` returns, or what it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return Caught(error)


# Values. No transcendental function, so that every NumPy on every machine makes the same ones.

GOLDEN = (math.sqrt(5) - 1) / 2


def spread(dtype, shape, lo=None, hi=None, seed=0):
    """Well spread numbers in [lo, hi) (whole ones for an integer dtype), in no order."""
    size = math.prod(shape)
    unit = np.modf((np.arange(size) + 1 + 17 * seed) * GOLDEN)[0].reshape(shape)
    if dtype == "bool":
        return t(unit > 0.5, dtype)
    if dtype == "string":
        return t(np.array([f"s{int(u * 10)}".encode() for u in unit.ravel()], dtype=object).reshape(shape),
            dtype)
    whole = dtype in INTS or dtype in UINTS
    lo = (-2 if not whole else 0 if dtype in UINTS else -5) if lo is None else lo
    hi = (2 if not whole else 9) if hi is None else hi
    values = lo + unit * (hi - lo)
    if whole:
        return t(np.floor(values), dtype)
    values = np.round(values * 64) / 64  # exact in every float dtype up to 4, bfloat16 rounds the rest
    if dtype in COMPLEX:
        other = np.modf((np.arange(size) + 5 + 29 * seed) * GOLDEN)[0].reshape(shape)
        values = values + 1j * np.round((lo + other * (hi - lo)) * 64) / 64
    return t(values, dtype)


def edges(dtype, few=False):
    """The values where an implementation goes wrong, as a vector."""
    if dtype == "bool":
        return t([True, False], dtype)
    if dtype == "string":
        return t([b"", b"a", b"B", b"\x00", b"\xff", b"ab"], dtype)
    if dtype in INTS or dtype in UINTS:
        info = np.iinfo(dtype)
        values = [0, 1, 2, 3, 7, info.max, info.max - 1, info.min]
        values += [] if info.min == 0 else [-1, -2, -7, info.min + 1]
        return t(np.array(values[:8] if few else values, dtype=dtype), dtype)
    inf, nan = math.inf, math.nan
    if dtype in COMPLEX:
        values = [0, 1, -1, 1j, -1j, 1 + 1j, -1 - 1j, 0.5, 2, -2, 0.5 - 0.25j, 3 + 4j, -3 - 1e-3j,
            1e-3 + 1e-3j]
        return t(values[:8] if few else values, dtype)
    if few:
        return t([0.0, -0.0, 1.0, -1.5, 2.0, -3.0, inf, -inf, nan], dtype)
    info = ml_dtypes.finfo(numpy_dtype(dtype))
    values = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, 2.0, -2.0, 3.0, -3.0, 10.0, -10.0, 90.0, -90.0,
        inf, -inf, nan]
    values += [float(info.max), float(info.min), float(info.smallest_normal), float(info.eps),
        -float(info.eps)]
    return t(np.array(values, dtype="float64"), dtype)


def denormals(dtype):
    info = ml_dtypes.finfo(numpy_dtype(dtype))
    small = float(info.smallest_subnormal)
    return t(np.array([small, -small, 5 * small, float(info.smallest_normal) / 2], dtype="float64"), dtype)


# Tables.


def unary(symbol, dtypes=FLOATS, bad=SOME_BAD, lo=None, hi=None, tol=None, grad=True, edge=True, shapes=True,
    **kwargs):
    """An elementwise function of one tensor: a spread and the edges of every dtype; odd shapes once."""
    for dtype in dtypes:
        call(symbol, spread(dtype, (3, 4), lo, hi), tol=tol, grad=grad, **kwargs)
        if edge:
            call(symbol, edges(dtype), tag=f"edge-{SHORT[dtype]}", tol=tol, grad=grad, **kwargs)
        if edge and dtype in ("float32", "float64"):
            call(symbol, denormals(dtype), tag=f"denormal-{SHORT[dtype]}", tol=tol, grad=grad, **kwargs)
    for dtype in bad:
        if dtype not in dtypes:
            call(symbol, spread(dtype, (2,)), grad=False, tag=f"refused-{SHORT[dtype]}", **kwargs)
    if shapes:
        main = "float32" if "float32" in dtypes else dtypes[0]
        for shape in ((), (0,), (2, 0, 3), (1, 2, 1, 2)):
            call(symbol, spread(main, shape, lo, hi), tol=tol, grad=grad, **kwargs)
        call(symbol, [x for x in spread(main, (3,), lo, hi).array.tolist()], tag="list", tol=tol, **kwargs)
        call(symbol, spread(main, (2,), lo, hi), name="given", tag="name", tol=tol, grad=False, **kwargs)


# Pairs that broadcast, and what each is for.
BROADCASTS = (((), ()), ((3,), ()), ((), (2, 3)), ((2, 1), (1, 3)), ((2, 3), (3,)), ((3,), (2, 1, 3)), ((0,
    3), (1, 3)),
              ((2, 0), (1,)), ((1, 1), (2, 2)))
MISMATCHES = (((2,), (3,)), ((2, 3), (2,)))


def binary(symbol, dtypes=FLOATS, bad=SOME_BAD, lo=None, hi=None, lo2=None, hi2=None, tol=None, grad=True,
    edge=True,
           shapes=True, numbers=True, **kwargs):
    """A broadcasting function of two tensors."""
    lo2, hi2 = (lo if lo2 is None else lo2), (hi if hi2 is None else hi2)

    def pair(dtype, left, right):
        return spread(dtype, left, lo, hi), spread(dtype, right, lo2, hi2, seed=1)

    for dtype in dtypes:
        call(symbol, *pair(dtype, (2, 3), (2, 3)), tol=tol, grad=grad, **kwargs)
        if edge:
            few = edges(dtype, few=True)
            size = len(few.array)
            grid = [t(np.repeat(few.array, size), dtype), t(np.tile(few.array, size), dtype)]
            call(symbol, *grid, tag=f"edge-{SHORT[dtype]}", tol=tol, grad=grad, **kwargs)
    for dtype in bad:
        if dtype not in dtypes:
            call(symbol, *pair(dtype, (2,), (2,)), grad=False, tag=f"refused-{SHORT[dtype]}", **kwargs)
    main = "float32" if "float32" in dtypes else dtypes[0]
    if shapes:
        for left, right in BROADCASTS:
            call(symbol, *pair(main, left, right), tol=tol, grad=grad, **kwargs)
        for left, right in MISMATCHES:
            call(symbol, *pair(main, left, right), grad=False, **kwargs)
        other = {"float32": "float64", "int32": "int64"}.get(main)
        if other:
            call(symbol, spread(main, (2,), lo, hi), spread(other, (2,), lo2, hi2), grad=False, **kwargs)
        call(symbol, spread(main, (2,), lo, hi), spread("string", (2,)), grad=False, **kwargs)
        call(symbol, *pair(main, (2,), (2,)), name="given", tag="name", tol=tol, grad=False, **kwargs)
    if numbers:
        x, y = spread(main, (3,), lo, hi), spread(main, (3,), lo2, hi2)
        number = {"bool": True, "float32": 1.5}.get(main, 2)
        call(symbol, x, number, tol=tol, grad=grad, **kwargs)
        call(symbol, number, y, tol=tol, grad=grad, **kwargs)
        call(symbol, number, number, tol=tol, grad=grad, **kwargs)
        call(symbol, x, 1, tol=tol, grad=grad, **kwargs)
        call(symbol, x, n([1, 2, 3], main), tol=tol, grad=grad, **kwargs)
        call(symbol, x, "text", grad=False, **kwargs)
        call(symbol, x, None, grad=False, **kwargs)
        if main != "float32":
            call(symbol, x, 1.5, grad=False, **kwargs)


def reduction(symbol, dtypes=FLOATS, bad=("string",), lo=None, hi=None, tol="sum", grad=True, edge=True,
    **kwargs):
    """A reduction with `axis` and `keepdims`."""
    for dtype in dtypes:
        call(symbol, spread(dtype, (2, 3), lo, hi), tol=tol, grad=grad, **kwargs)
        call(symbol, spread(dtype, (2, 3), lo, hi), axis=1, tol=tol, grad=grad, **kwargs)
        if edge:
            few = edges(dtype, few=True).array
            rows = np.stack([few, np.roll(few, 1), np.ones_like(few) if dtype != "string" else few])
            call(symbol, t(rows, dtype), axis=0, tag=f"edge-{SHORT[dtype]}", tol=tol, grad=grad, **kwargs)
    for dtype in bad:
        call(symbol, spread(dtype, (2, 3)), grad=False, tag=f"refused-{SHORT[dtype]}", **kwargs)
    main = "float32" if "float32" in dtypes else dtypes[0]
    x = spread(main, (2, 3, 2), lo, hi)
    for axis in (0, -1, [0, 1], (2, 0), [], [-1, -3], [0, 1, 2]):
        call(symbol, x, axis=axis, tol=tol, grad=grad, **kwargs)
    for axis in (None, 1, [0, 2]):
        call(symbol, x, axis=axis, keepdims=True, tol=tol, grad=grad, **kwargs)
    call(symbol, x, t([0, 2]), tag="tensor-axis", tol=tol, grad=grad, **kwargs)
    for shape in ((), (0,), (2, 0)):
        call(symbol, spread(main, shape, lo, hi), tol=tol, grad=grad, **kwargs)
    call(symbol, spread(main, (0, 3), lo, hi), axis=0, tol=tol, grad=grad, **kwargs)
    call(symbol, spread(main, (2, 2), lo, hi).array.tolist(), tag="list", tol=tol, **kwargs)
    for axis in (3, -4, [0, 0]):
        call(symbol, x, axis=axis, grad=False, **kwargs)
    call(symbol, x, axis=0.5, grad=False, **kwargs)
