"""float16 and bfloat16: kept as the 16 bits that they are, computed in float32, and rounded after each operation.

float32 has more than twice their digits, so that the sum, product, quotient or square root of two of them comes out as
if it had been rounded once: it is NumPy's to the bit. What only moves elements moves bits.
"""

import functools
import platform

import numpy as np
from ml_dtypes import bfloat16, finfo

from tapeflow.compiler import program
from tapeflow.compiler.lowerings import lowering
from tapeflow.compiler.types import BOOL, F32, HALVES
from tapeflow.core.numbers import SELU_ALPHA, SELU_SCALE

BF16 = np.dtype(bfloat16)

# Translations that only move elements, or choose between them.
MOVES = frozenset((
    "Identity", "ReadVariableOp", "StopGradient", "CustomCall", "Reshape", "EnsureShape", "Transpose",
    "BroadcastTo", "StridedSlice", "StridedSliceGrad", "Pad", "MirrorPad", "Shift", "OnesLike", "ZerosLike",
    "CheckNumerics", "ConcatV2", "Pack", "Roll", "Tile", "Repeat", "MatrixBandPart", "MatrixSetDiagV3",
    "MatrixDiagV3", "MatrixDiagPartV3", "OneHot", "SplitV", "Unpack", "ReverseV2", "GatherV2", "GatherNd",
    "TakeAlongLast", "Bitcast", "Cast", "SelectV2", "StatelessShuffle",
))  # fmt: skip
# Translations that compute in float32 and round their results.
ROUNDED = frozenset((
    "MatMul", "BatchMatMulV2", "BiasAdd", "Sum", "Max", "Min", "Prod", "Mean", "SumToShape", "L2Loss", "EuclideanNorm",
    "ArgMax", "ArgMin", "Softmax", "LogSoftmax", "SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits",
    "SparseSoftmaxCrossEntropyWithLogitsGrad", "FiniteMax", "TopKV2", "StatelessMultinomial",
))  # fmt: skip


@functools.cache
def served(dtype):
    """Whether this machine has instructions for a dtype, where it needs any."""
    from tapeflow.compiler import jit

    return dtype == BF16 or "+f16c" in jit.llvm.host()[1] or platform.machine() in ("arm64", "aarch64")


def widened(x):
    """A term of a half in float32; any other term as it is."""
    if x.dtype not in HALVES:
        return x
    if x.kind == program.NUMBER:
        return program.number(float(x.dtype.type(x.attrs)), F32)
    if x.kind == program.VIEW and x.args[0].kind == program.NUMBER:
        return program.broadcast(widened(x.args[0]), x.shape)
    return program.mapped("Cast", F32, x, where=x.where)


def mapped(name, dtype, *operands, attrs=(), where=None):
    """`program.mapped`, of halves too."""
    if dtype not in HALVES and not any(x.dtype in HALVES for x in operands):
        return program.mapped(name, dtype, *operands, attrs=attrs, where=where)
    wide = F32 if dtype in HALVES else dtype
    out = program.mapped(name, wide, *map(widened, operands), attrs=attrs, where=where)
    return program.mapped("Cast", dtype, out, where=where) if wide != dtype else out


def _greater(x, y):
    """The greater one; of equal ones (0 and -0) the first, as NumPy has it for halves."""
    return _unless(mapped("Less", BOOL, x, y), x, y)


def _lesser(x, y):
    return _unless(mapped("Greater", BOOL, x, y), x, y)


def _unless(second, x, y):
    second = program.mapped("LogicalOr", BOOL, second, mapped("IsNan", BOOL, y))
    return program.mapped("SelectV2", x.dtype, second, y, x)


def _relu(x):
    return _greater(x, program.number(0, x.dtype))


def _powers(x):
    """exp(x) - 1 as TensorFlow has it for bfloat16, coarsely; None for float16."""
    return mapped("Sub", x.dtype, mapped("Exp", x.dtype, x), program.number(1, x.dtype)) if x.dtype == BF16 else None


def _below_zero(x, low, other):
    if low is None:
        return None
    return program.mapped("SelectV2", x.dtype, mapped("Less", BOOL, x, program.number(0, x.dtype)), low, other)


def _selu(x):
    low = _powers(x)
    if low is None:
        return None
    scale, slope = [program.number(float(x.dtype.type(k)), x.dtype) for k in (SELU_SCALE, SELU_SCALE * SELU_ALPHA)]
    return _below_zero(x, mapped("Mul", x.dtype, slope, low), mapped("Mul", x.dtype, scale, x))


def _softplus(x):
    """As TensorFlow has it: log(1 + exp(x)) is exp(x) where that is small for the dtype."""
    wide = widened(x)
    small = program.number(float(np.log(np.float32(finfo(x.dtype).eps)) + 2), F32)
    parts = [program.mapped(name, F32, wide) for name in ("Exp", "Softplus")]
    out = program.mapped("SelectV2", F32, program.mapped("Less", BOOL, wide, small), *parts)
    return program.mapped("Cast", x.dtype, out)


# Elementwise primitives that are not as for floats; None where they are.
OWN = {
    "Maximum": _greater, "Minimum": _lesser, "Relu": _relu,
    "Relu6": lambda x: _lesser(_relu(x), program.number(6, x.dtype)),
    "Elu": lambda x: _below_zero(x, _powers(x), x), "Selu": _selu, "Softplus": _softplus,
}  # fmt: skip


def translated(node, operands, types, special):
    """The terms of a node's outputs where operands or results are halves; `special`: its translation, if any."""
    name = node.prim.name
    halves = {dtype for dtype in (*[x.dtype for x in operands], *[dtype for _, dtype in types]) if dtype in HALVES}
    if not all(map(served, halves)):
        return None
    if name in MOVES and special is not None:
        return special(node, *operands, *node.attrs)
    if name == "SelectV2":
        return program.mapped(name, types[0][1], *operands, where=node.where)
    if name == "AddN":
        return functools.reduce(lambda x, y: mapped("AddV2", x.dtype, x, y, where=node.where), operands)
    found = OWN[name](*operands) if name in OWN else None
    if found is not None:
        return found
    wide = tuple(map(widened, operands))
    if name in ROUNDED:
        found = special(node, *wide, *node.attrs)
        if found is None:
            return None
        found = found if isinstance(found, list) else [found]
        return [
            program.mapped("Cast", dtype, x, where=node.where) if x.dtype != dtype else x
            for x, (_, dtype) in zip(found, types)
        ]
    if special is not None or lowering(name, [x.dtype for x in wide]) is None:
        return None
    attrs = node.attrs
    if name.startswith("LeakyRelu"):  # the slope too is a half
        attrs = (float(operands[0].dtype.type(*attrs)),)
    return mapped(name, types[0][1], *operands, attrs=attrs, where=node.where)


# Instructions.


def widen(b, x, dtype):
    """The float of a half's bits."""
    if dtype == BF16:
        return b.cast("bitcast", b.shl(b.cast("zext", x, "i32"), b.const("i32", 16)), "float")
    return b.cast("fpext", b.cast("bitcast", x, "half"), "float")


def narrow(b, x, dtype):
    """The bits of a float rounded to a half, to the nearest, ties to the even one."""
    if dtype != BF16:
        return b.cast("bitcast", b.cast("fptrunc", x, "half"), "i16")
    bits = b.cast("bitcast", x, "i32")
    odd = b.and_(b.lshr(bits, b.const("i32", 16)), b.const("i32", 1))
    near = b.add(b.add(bits, b.const("i32", 0x7FFF)), odd)
    sign = b.and_(bits, b.const("i32", -0x80000000))
    near = b.select(b.fcmp("uno", x, x), b.or_(sign, b.const("i32", 0x7FC00000)), near)
    return b.cast("trunc", b.lshr(near, b.const("i32", 16)), "i16")


def single(b, x, dtype):
    """A double as a float, so that rounding that to a half is as rounding once, where NumPy does so."""
    near = b.cast("fptrunc", x, "float")
    if dtype == BF16:
        return near
    back = b.cast("fpext", near, "double")
    bits = b.cast("bitcast", near, "i32")
    beyond = b.fcmp("ogt", b.fabs(back), b.fabs(x))  # rounded away from 0: the last bit of what is cut off is kept
    inside = b.select(beyond, b.sub(bits, b.const("i32", 1)), bits)
    odd = b.cast("bitcast", b.or_(inside, b.const("i32", 1)), "float")
    return b.select(b.fcmp("one", back, x), odd, near)
