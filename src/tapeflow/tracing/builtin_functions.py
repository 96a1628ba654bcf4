"""Python's built-in functions over tensors, in functions that AutoGraph converts: by the function, what is called."""

from tapeflow.core.convert import convert_to_tensor
from tapeflow.tracing.statements import is_symbolic


def _len(value):
    from tapeflow.core.dims import Dim
    from tapeflow.ops.shaping import shape

    tensor = convert_to_tensor(value)
    if tensor._shape and isinstance(tensor._shape[0], Dim):
        return shape(tensor)[0]
    return len(tensor)


def _abs(value):
    from tapeflow.ops.complex_parts import abs as tensor_abs

    return tensor_abs(value)


def _range(*values):
    from tapeflow.ops.creation import range as tensor_range

    return tensor_range(*values)


def _sorted(value, /, *, key=None, reverse=False):
    from tapeflow.autodiff.vectorized_map import vectorized_map
    from tapeflow.ops.indexing import gather
    from tapeflow.ops.sorting import argsort, sort

    direction = "DESCENDING" if reverse else "ASCENDING"
    if key is None:
        return sort(value, direction=direction)
    return gather(value, argsort(vectorized_map(key, value), direction=direction))


def _number(kind, dtype):
    def cast_to(value=0, *rest):
        from tapeflow.ops.casting import cast

        return cast(value, dtype) if is_symbolic(value) else kind(value, *rest)

    return cast_to


BUILTINS = {
    len: _len, abs: _abs, range: _range, sorted: _sorted, int: _number(int, "int32"), float: _number(float, "float32"),
}  # fmt: skip
