"""`tf.DType`: the types of elements, one object for each."""

import builtins

import ml_dtypes
import numpy as np

# name: (enum, NumPy type, name in TensorFlow's protocol, kind). The enum is DataType's in types.proto.
_TABLE = {
    "float16": (19, np.float16, "half", "f"),
    "float32": (1, np.float32, "float", "f"),
    "float64": (2, np.float64, "double", "f"),
    "bfloat16": (14, ml_dtypes.bfloat16, "bfloat16", "f"),
    "float8_e5m2": (24, ml_dtypes.float8_e5m2, "float8_e5m2", "f"),
    "float8_e4m3fn": (25, ml_dtypes.float8_e4m3fn, "float8_e4m3fn", "f"),
    "int4": (29, ml_dtypes.int4, "int4", "i"),
    "uint4": (30, ml_dtypes.uint4, "uint4", "u"),
    "int8": (6, np.int8, "int8", "i"),
    "int16": (5, np.int16, "int16", "i"),
    "int32": (3, np.int32, "int32", "i"),
    "int64": (9, np.int64, "int64", "i"),
    "uint8": (4, np.uint8, "uint8", "u"),
    "uint16": (17, np.uint16, "uint16", "u"),
    "uint32": (22, np.uint32, "uint32", "u"),
    "uint64": (23, np.uint64, "uint64", "u"),
    "bool": (10, np.bool_, "bool", "b"),
    "complex64": (8, np.complex64, "complex64", "c"),
    "complex128": (18, np.complex128, "complex128", "c"),
    "string": (7, object, "string", "s"),
    "resource": (20, None, "resource", "r"),
    "variant": (21, None, "variant", "r"),
    "qint8": (11, np.dtype([("qint8", np.int8)]), "qint8", "q"),
    "quint8": (12, np.dtype([("quint8", np.uint8)]), "quint8", "q"),
    "qint16": (15, np.dtype([("qint16", np.int16)]), "qint16", "q"),
    "quint16": (16, np.dtype([("quint16", np.uint16)]), "quint16", "q"),
    "qint32": (13, np.dtype([("qint32", np.int32)]), "qint32", "q"),
}
_REAL = {"complex64": "float32", "complex128": "float64"}


class DType:
    """The type of a tensor's elements; `tf.float32` and its like are the only ones.

    Equal to whatever `tf.as_dtype` takes for it.

    >>> import tapeflow as tf
    >>> tf.float32, tf.float32 == "float32", tf.float32.size
    (tf.float32, True, 4)
    """

    __slots__ = (
        "name", "as_datatype_enum", "_np", "_numpy_type", "_proto", "_kind", "size",
        "is_floating", "is_integer", "is_complex", "is_bool", "is_numeric", "is_unsigned", "is_quantized",
    )  # fmt: skip

    def __new__(cls, type_enum, handle_data=None):
        return as_dtype(int(type_enum))

    def __setattr__(self, name, value):
        raise AttributeError(f"property {name!r} of 'DType' object has no setter")

    as_numpy_dtype = property(lambda self: self._numpy(), doc="The NumPy type of the elements.")
    base_dtype = property(lambda self: self, doc="The dtype itself: there are no references here.")
    is_numpy_compatible = property(lambda self: self._kind != "r", doc="Whether NumPy has arrays of it.")

    def _numpy(self):
        if self._numpy_type is None:
            raise KeyError(self.as_datatype_enum)
        return self._numpy_type

    @property
    def real_dtype(self):
        """The dtype of the real part."""
        return DTYPES[_REAL.get(self.name, self.name)]

    @property
    def min(self):
        """The least value. Raises TypeError if there is none."""
        return self._extreme("min", "minimum")

    @property
    def max(self):
        """The largest value. Raises TypeError if there is none."""
        return self._extreme("max", "maximum")

    def _extreme(self, which, word):
        if self.is_quantized or self._kind not in "fiu":
            detail = f" with {'quantized ' * self.is_quantized}type {self}" if self._numpy_type is not None else ""
            raise TypeError(f"Cannot find {word} value of {self}{detail}.")
        limits = ml_dtypes.finfo(self._np) if self.is_floating else ml_dtypes.iinfo(self._np)
        return getattr(limits, which)

    @property
    def limits(self):
        """The range that values of this dtype have in images, a pair. Raises ValueError if there is none."""
        if self.name in ("float32", "float64"):
            return (0, 1)
        if self._kind in "iu":
            return (0, self.max)
        if self._kind == "b":
            return (0, True)
        raise ValueError(f"{self} does not have defined limits.")

    def is_compatible_with(self, other):
        """Whether a tensor of `other` can stand for one of this dtype: they are the same."""
        return as_dtype(other) is self

    def __eq__(self, other):
        if other is self:
            return True
        if other.__class__ is str:
            return _ALIASES.get(other) is self
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return self.as_datatype_enum

    def __int__(self):
        return self.as_datatype_enum

    def __repr__(self):
        return "tf." + self.name

    def __str__(self):
        return f"<dtype: {self.name!r}>"

    def __reduce__(self):
        return as_dtype, (self.name,)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def _make(name):
    enum, numpy_type, proto, kind = _TABLE[name]
    as_numpy = None if numpy_type is None else np.dtype(numpy_type)
    dtype = object.__new__(DType)
    for slot, value in {
        "name": name,
        "as_datatype_enum": enum,
        "_proto": proto,
        "_kind": kind,
        "_numpy_type": numpy_type,
        "_np": as_numpy,
        "size": 0 if as_numpy is None or kind == "s" else as_numpy.itemsize,
        "is_floating": kind == "f",
        "is_complex": kind == "c",
        "is_bool": kind == "b",
        "is_integer": kind in "iu",
        "is_unsigned": kind == "u",
        "is_quantized": kind == "q",
        "is_numeric": kind in "fiucq",
    }.items():
        object.__setattr__(dtype, slot, value)
    return dtype


DTYPES = {name: _make(name) for name in _TABLE}
BY_NUMPY = {dtype._np: dtype for dtype in DTYPES.values() if dtype._np is not None}

float16 = half = DTYPES["float16"]
float32 = DTYPES["float32"]
float64 = double = DTYPES["float64"]
bfloat16 = DTYPES["bfloat16"]
float8_e5m2, float8_e4m3fn = DTYPES["float8_e5m2"], DTYPES["float8_e4m3fn"]
int4, uint4 = DTYPES["int4"], DTYPES["uint4"]
int8, int16, int32, int64 = DTYPES["int8"], DTYPES["int16"], DTYPES["int32"], DTYPES["int64"]
uint8, uint16, uint32, uint64 = DTYPES["uint8"], DTYPES["uint16"], DTYPES["uint32"], DTYPES["uint64"]
bool = DTYPES["bool"]  # noqa: A001 (TensorFlow's name)
complex64, complex128 = DTYPES["complex64"], DTYPES["complex128"]
string, resource, variant = DTYPES["string"], DTYPES["resource"], DTYPES["variant"]
qint8, quint8, qint16 = DTYPES["qint8"], DTYPES["quint8"], DTYPES["qint16"]
quint16, qint32 = DTYPES["quint16"], DTYPES["qint32"]

# What as_dtype takes, besides NumPy's types and dtypes.
_ALIASES = {
    **DTYPES,
    **{dtype.as_datatype_enum: dtype for dtype in DTYPES.values()},
    "half": float16, "float": float32, "double": float64, float: float32, builtins.bool: bool,
    object: string,
}  # fmt: skip


def as_dtype(type_value):
    """The `tf.DType` for a name, NumPy type or dtype, Python's float or bool, or DataType enum.

    Raises TypeError for anything else.

    >>> import tapeflow as tf
    >>> tf.as_dtype("half"), tf.as_dtype(float)
    (tf.float16, tf.float32)
    """
    if type_value.__class__ is DType:
        return type_value
    try:
        found = _ALIASES.get(type_value)
    except TypeError:  # unhashable
        found = None
    if found is None and not isinstance(type_value, (str, int)) and type_value is not None:
        found = _from_numpy(type_value)
    if found is None:
        raise TypeError(f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType.")
    return found


def _from_numpy(value):
    if isinstance(value, type):
        if not issubclass(value, np.generic):
            return None
        value = np.dtype(value)
    elif not isinstance(value, np.dtype):
        value = getattr(value, "dtype", None)
        if isinstance(value, DType) or not isinstance(value, np.dtype):
            return None
    if value.kind in "SU":
        return string
    return BY_NUMPY.get(value) or BY_NUMPY.get(value.newbyteorder("="))
