"""Python's operators, on tensors and variables."""

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.engine.dispatch import binary, unary
from tapeflow.ops import compare
from tapeflow.ops.arithmetic import ADD, MUL, NEG, SUB, truediv
from tapeflow.ops.complex_parts import abs
from tapeflow.ops.elementwise import POW
from tapeflow.ops.rounding import FLOOR_DIV, FLOOR_MOD


def _primitive(name, prim, hint=False):
    """`x op y` and its reflection; `hint`: a y that cannot have x's dtype keeps its own, and is refused."""

    def forward(x, y):
        try:
            return binary(prim, x, y, hint)
        except (TypeError, ValueError) as error:
            return _leave_to_other(name, x, y, error)

    def reflected(y, x):
        if (
            (x.__class__ is float or x.__class__ is int)
            and y.__class__ is EagerTensor
            and y._array.dtype.kind == "f"
        ):
            x = EagerTensor(y._array.dtype.type(x))  # what comes of it anyway, sooner
        return binary(prim, x, y)

    return forward, reflected


_times, _times_reflected = _primitive("mul", MUL)


def _multiply(x, y):
    """x * y; of booleans, as `&`."""
    try:
        return _times(x, y)
    except InvalidArgumentError:
        if x._dtype.kind == "b":
            return compare.logical_and(x, y)
        raise


def _function(name, function):
    def forward(x, y):
        try:
            return function(x, y)
        except (TypeError, ValueError) as error:
            return _leave_to_other(name, x, y, error)

    def reflected(y, x):
        return function(convert_to_tensor(x, y.dtype), y)

    return forward, reflected


def _leave_to_other(name, x, y, error):
    """What y makes of `x op y`, if it has a reflected operator of its own; else the error."""
    operator = getattr(type(y), f"__r{name}__", None)
    if (
        operator is None
        or isinstance(y, (Tensor, Variable, int, float, complex, str))
        or hasattr(y, "__array__")
    ):
        raise error
    try:
        result = operator(y, x)
    except (TypeError, ValueError):
        raise error from None
    if result is NotImplemented:
        raise error
    return result


def _matmul(x, y):
    from tapeflow.ops.matmul import matmul

    return matmul(x, y)


def _logical_or_bitwise(logical, bitwise):
    """`&`, `|` and `^` are logical on booleans, bitwise on integers."""

    def function(x, y):
        if x._dtype.kind == "b":
            return logical(x, y)
        from tapeflow.ops import bitwise as module

        return getattr(module, bitwise)(x, y)

    return function


def _invert(x):
    if x._dtype.kind == "b":
        return compare.logical_not(x)
    from tapeflow.ops.bitwise import invert

    return invert(x)


_BINARY = {
    "add": _primitive("add", ADD, hint=True),
    "sub": _primitive("sub", SUB),
    "mul": (_multiply, _times_reflected),
    "floordiv": _primitive("floordiv", FLOOR_DIV),
    "mod": _primitive("mod", FLOOR_MOD),
    "pow": _primitive("pow", POW),
    "truediv": _function("truediv", truediv),
    "matmul": _function("matmul", _matmul),
    "and": _function("and", _logical_or_bitwise(compare.logical_and, "bitwise_and")),
    "or": _function("or", _logical_or_bitwise(compare.logical_or, "bitwise_or")),
    "xor": _function("xor", _logical_or_bitwise(compare.logical_xor, "bitwise_xor")),
}
_COMPARISON = {
    "lt": compare.LESS,
    "le": compare.LESS_EQUAL,
    "gt": compare.GREATER,
    "ge": compare.GREATER_EQUAL,
}


def _comparison(prim):
    return lambda x, y: binary(prim, x, y)


def _equality(prim, of_none):
    return lambda x, y: of_none if y is None and isinstance(x, Tensor) else compare.equal_or_not(prim, x, y)


for _class in (Tensor, Variable):
    for _name, (_forward, _reflected) in _BINARY.items():
        setattr(_class, f"__{_name}__", _forward)
        setattr(_class, f"__r{_name}__", _reflected)
    for _name, _prim in _COMPARISON.items():
        setattr(_class, f"__{_name}__", _comparison(_prim))
    _class.__eq__ = _equality(compare.EQUAL, False)
    _class.__ne__ = _equality(compare.NOT_EQUAL, True)
    _class.__neg__ = lambda x: unary(NEG, x)
    _class.__abs__ = lambda x: abs(x)
    _class.__invert__ = _invert


# Indexing and the scatter methods of variables are loaded when they are first used.


def _getitem(x, key):
    from tapeflow.ops.indexing import getitem

    return getitem(x, key)


def _iter(x):
    from tapeflow.ops.indexing import iterate

    return iterate(x)


def _method(name):
    def method(self, *args, **kwargs):
        from tapeflow.ops import variable_scatter

        return getattr(variable_scatter, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _class in (Tensor, Variable):
    _class.__getitem__ = _getitem
    _class.__iter__ = _iter
for _name in (
    "scatter_add scatter_sub scatter_update scatter_max scatter_min scatter_mul scatter_div scatter_nd_add "
    "scatter_nd_sub scatter_nd_update scatter_nd_max scatter_nd_min batch_scatter_update sparse_read gather_nd"
).split():
    setattr(Variable, _name, _method(_name))
