"""What the operations of `tf.random` share: checks of shapes, dtypes, seeds and algorithms; scaling."""

import enum

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import outside
from tapeflow.core.dtype import as_dtype, bfloat16, float16, float32, float64, int32, int64
from tapeflow.core.errors import InvalidArgumentError, NotFoundError
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import Tensor
from tapeflow.engine.dispatch import apply, bracketed
from tapeflow.ops.random_primitives import SEED
from tapeflow.ops.static import ints

FLOATS = (float16, bfloat16, float32, float64)
INDICES = (int32, int64)
SAMPLES = (float16, float32, float64, int32, int64)


class Algorithm(enum.Enum):
    """The algorithms that make random numbers. Here, as on TensorFlow's CPUs, all numbers are Philox."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


STATE_SIZE = {1: 3, 2: 2, 3: 3}


def convert_alg(alg):
    """The number of an algorithm that is given as a name, a number, an `Algorithm` or None.

    Raises ValueError for an algorithm that there is not, TypeError for what names none.
    """
    if alg is None:
        return 3
    if isinstance(alg, Algorithm):
        return alg.value
    if isinstance(alg, str):
        number = {"philox": 1, "threefry": 2, "autoselect": 3}.get(
            alg.strip().lower().replace("-", "").replace("_", "")
        )
        names = "philox", "threefry", "auto_select"
    elif isinstance(alg, (int, Tensor)):
        number = int(alg)
        names = 1, 2, 3
    else:
        raise TypeError(f"Can't convert argument `alg` (of value {alg} and type {type(alg)}) to int.")
    if number not in STATE_SIZE:
        raise ValueError(
            f"Argument `alg` got unsupported value {alg}. Supported values are {names[0]} for the Philox "
            f"algorithm, {names[1]} for the ThreeFry algorithm, and {names[2]} for auto-selection."
        )
    return number


def invalid(op, message):
    """TensorFlow's error for an argument of the operation named `op`."""
    return InvalidArgumentError(None, None, f"{message} [Op:{op}] name: ")


def no_kernel(op, dtype, what):
    """TensorFlow's error for a dtype that the operation named `op` has no kernel for."""
    node = f"{{{{node {op}}}}} = {op}[T={dtype.name}]"
    return NotFoundError(None, None, f"Could not find device for node: {node}: {what} [Op:{op}] name: ")


def static_shape(op, shape):
    """The `shape` argument of the operation named `op`, as a tuple of ints and the dtype that it came in.

    Raises InvalidArgumentError unless it is a vector of non-negative int32 or int64.
    """
    if isinstance(shape, TensorShape):
        if shape.rank is None or None in tuple(shape):
            raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
        shape = tuple(shape)
    index = int32
    if not isinstance(shape, (list, tuple)) or any(n.__class__ is not int or n >= 2**31 for n in shape):
        tensor = convert_to_tensor(shape)
        index = tensor.dtype
        check_dtype(op, "T", index, INDICES)
        if tensor.ndim != 1:
            raise invalid(
                op, f"shape must be a vector of {{int32,int64}}, got shape {bracketed(tensor._shape)}"
            )
        shape = ints(tensor, op, "T")
    for n in shape:
        if outside(n, 0):
            raise invalid(op, f"Dimension {n} must be >= 0")
    return tuple(shape), index


def check_dtype(op, attribute, dtype, allowed):
    """Raise TensorFlow's error unless `dtype` is `allowed` for an attribute of the operation `op`."""
    if dtype not in allowed:
        names = ", ".join(d._proto for d in allowed)
        raise invalid(
            op,
            f"Value for attr '{attribute}' of {dtype._proto} is not in the list of allowed values: {names}\n"
            f"\t; NodeDef: {{{{node {op}}}}}",
        )


def seed_state(op, seed, alg="auto_select"):
    """The state that a stateless operation starts from. `seed`: two integers, int32 or int64."""
    if convert_alg(alg) == 2:
        raise invalid(
            op,
            "counter must be a vector with length at least 2; got shape: [1]. The ThreeFry algorithm is not "
            "supported on a CPU: leave `alg` at 'auto_select', or use 'philox'.",
        )
    seed = convert_to_tensor(seed)
    check_dtype(SEED.name, "Tseed", seed.dtype, INDICES)
    if seed._shape != (2,):
        raise invalid(SEED.name, f"seed must have shape [2], not {bracketed(seed._shape)}")
    return apply(SEED, (seed,))


def real_dtype(dtype, accepted):
    """`dtype` as a tf.DType, if it is one of those `accepted`."""
    dtype = as_dtype(dtype)
    if dtype not in accepted:
        raise ValueError(
            f"Argument `dtype` got invalid value <dtype: '{dtype.name}'>. Accepted dtypes are "
            f"({', '.join(f'tf.{d.name}' for d in accepted)})."
        )
    return dtype


def scaled(noise, scale, shift, given_scale, given_shift):
    """noise * scale + shift, where a Python 1 and 0 that were given change nothing."""
    if given_scale.__class__ not in (int, float) or given_scale != 1:
        noise = noise * scale
    if given_shift.__class__ not in (int, float) or given_shift != 0:
        noise = noise + shift
    return noise


def ranged(noise, low, high, minval, maxval):
    """Numbers in [0, 1) moved to [low, high), unless a Python 0 and 1 were given for the two."""
    if minval.__class__ in (int, float) and maxval.__class__ in (int, float) and (minval, maxval) == (0, 1):
        return noise
    return noise * (high - low) + low


def broadcast_shapes(a, b, op="BroadcastArgs"):
    """The shape that two shapes broadcast to, or TensorFlow's error."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    out = list(long)
    for i, n in enumerate(short, len(long) - len(short)):
        if n != out[i] and n != 1 and out[i] != 1:
            raise invalid(op, f"Incompatible shapes: {bracketed(a)} vs. {bracketed(b)}")
        out[i] = n if out[i] == 1 else out[i]
    return tuple(out)


def check_ending(op, shape, parameters):
    """Raise TensorFlow's error unless `shape` ends with the shape `parameters`."""
    if len(parameters) > len(shape) or shape[len(shape) - len(parameters) :] != parameters:
        raise invalid(
            op,
            f"Shape passed in must end with broadcasted shape. It is {bracketed(shape)}, and the parameters "
            f"broadcast to {bracketed(parameters)}.",
        )
