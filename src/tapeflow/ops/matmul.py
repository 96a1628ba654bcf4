"""Products of matrices: `matmul` and `matvec`.

A product carries transposition as attributes, so that its cotangents are products of the same kind and
nothing is copied: for Y = A B they are dA = G B^H and dB = A^H G. (Giles, "An extended collection of matrix
derivative results for forward and reverse mode algorithmic differentiation", 2008, sec. 2.2.1.)
"""

from math import prod

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import UnknownSize, broadcast, holds_dim
from tapeflow.core.dtype import as_dtype
from tapeflow.core.errors import invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.core.variable import Variable
from tapeflow.engine.dispatch import apply, bracketed, failed, mismatch, not_allowed
from tapeflow.engine.dtypes import COMPLEX, FLOAT, LOW, SIGNED, UNSIGNED
from tapeflow.engine.primitive import linear
from tapeflow.ops.casting import cast
from tapeflow.ops.elementwise import CONJ
from tapeflow.ops.shaping import reshape_static
from tapeflow.ops.sized import waiting
from tapeflow.ops.space import sum_to


def _product(a, b, transpose_a, transpose_b):
    if a.ndim > 2 or b.ndim > 2:
        return _batched_product(a, b, transpose_a, transpose_b)
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


def _batched_product(a, b, transpose_a, transpose_b):
    """A product over leading dimensions, which broadcast; those of `a` alone are rows of one large matrix."""
    if transpose_b:
        b = b.swapaxes(-1, -2)
    if transpose_a:
        a = a.swapaxes(-1, -2)
    elif b.ndim == 2 and a.flags.c_contiguous:
        return (a.reshape(-1, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[-1]) if a.size else a @ b
    return a @ b


def _product_in_float32(a, b, transpose_a, transpose_b):
    return _product(a.astype(np.float32), b.astype(np.float32), transpose_a, transpose_b).astype(a.dtype)


def _to_first(g, a_like, b, transpose_a, transpose_b):
    """The cotangent of the first factor."""
    b = conjugate(b)
    found = product(b, g, transpose_b, True) if transpose_a else product(g, b, False, not transpose_b)
    return found if len(found._shape) == 2 else sum_to(found, a_like)


def _to_second(g, a, b_like, transpose_a, transpose_b):
    """The cotangent of the second factor."""
    a = conjugate(a)
    found = product(g, a, True, transpose_a) if transpose_b else product(a, g, not transpose_a, False)
    return found if len(found._shape) == 2 else sum_to(found, b_like)


def _statement(name, dtypes):
    prim = linear(
        name, _product, dtypes, _to_first, _to_second,
        operands="a b", attrs="transpose_a transpose_b", batch=(2, 2),
    )  # fmt: skip
    for dtype in LOW:
        prim.kernels[dtype] = _product_in_float32
    prim.shape = _product_shape
    return prim


def _product_shape(a, b, transpose_a, transpose_b):
    inner = a[-2 if transpose_a else -1], b[-1 if transpose_b else -2]
    if not holds_dim(inner) and inner[0] != inner[1]:
        raise invalid_argument(f"Matrix size-incompatible: In[0]: {bracketed(a)}, In[1]: {bracketed(b)}")
    lead = broadcast(a[:-2], b[:-2])
    if lead is None:
        shapes = f"{bracketed(a)} vs. {bracketed(b)}"
        raise invalid_argument(f"In[0] and In[1] must have compatible batch dimensions: {shapes}")
    return (*lead, a[-1 if transpose_a else -2], b[-2 if transpose_b else -1])


# The same product of two matrices, and over leading dimensions; TensorFlow has two operations for them.
MATMUL = _statement("MatMul", FLOAT + SIGNED[2:] + UNSIGNED + COMPLEX)
BATCH_MATMUL = _statement("BatchMatMulV2", FLOAT + SIGNED[1:] + UNSIGNED + COMPLEX)


def product(a, b, transpose_a=False, transpose_b=False):
    """The product of two tensors of one dtype that are known to fit: matrices, or stacks of them."""
    prim = MATMUL if len(a._shape) == 2 and len(b._shape) == 2 else BATCH_MATMUL
    return apply(prim, (a, b), (transpose_a, transpose_b))


def conjugate(x):
    """The complex conjugate of a tensor; a real one as it is."""
    return apply(CONJ, (x,)) if x._dtype.kind == "c" else x


def matmul(
    a,
    b,
    transpose_a=False,
    transpose_b=False,
    adjoint_a=False,
    adjoint_b=False,
    a_is_sparse=False,
    b_is_sparse=False,
    output_type=None,
    grad_a=False,
    grad_b=False,
    name=None,
):
    """The matrix product `a @ b` of the two innermost dimensions; leading dimensions broadcast.

    Args:
      a: a tensor of floating, complex or integer numbers, of shape `[..., m, k]`.
      b: a tensor of the same dtype, of shape `[..., k, n]`.
      transpose_a, transpose_b: whether to transpose `a`, `b` first.
      adjoint_a, adjoint_b: whether to conjugate and transpose `a`, `b` first.
      a_is_sparse, b_is_sparse: hints, not used.
      output_type: a dtype to compute in, as int32 for factors of int8.
      grad_a, grad_b: not used.

    Returns:
      A tensor of shape `[..., m, n]`. float16 and bfloat16 are summed in float32.

    Raises:
      ValueError: both transposed and adjoint.
      InvalidArgumentError: the shapes or dtypes do not fit.

    >>> import tapeflow as tf
    >>> tf.matmul([[1., 2.]], [[3.], [4.]]).numpy().tolist()
    [[11.0]]
    """
    if a.__class__ is not EagerTensor:
        a = a._read() if a.__class__ is Variable else convert_to_tensor(a)
    if b.__class__ is not EagerTensor:
        b = b._read() if b.__class__ is Variable else convert_to_tensor(b, dtype_hint=a.dtype)
    if adjoint_a or adjoint_b:
        _check_flags(transpose_a, transpose_b, adjoint_a, adjoint_b)
        if adjoint_a:
            a, transpose_a = conjugate(a), True
        if adjoint_b:
            b, transpose_b = conjugate(b), True
    if output_type is not None:
        a, b = _to_output_type(a, b, as_dtype(output_type))
    shape_a, shape_b = a._shape, b._shape
    try:
        prim = MATMUL if len(shape_a) <= 2 and len(shape_b) <= 2 else BATCH_MATMUL
    except UnknownSize:
        return waiting(matmul, (a, b, bool(transpose_a), bool(transpose_b)))
    if a._dtype != b._dtype:
        if a._dtype not in prim.kernels:
            raise not_allowed(prim, a._dtype)
        raise mismatch(prim, 1, a._dtype, b._dtype)
    transpose_a, transpose_b = bool(transpose_a), bool(transpose_b)
    if len(shape_a) == 2 and len(shape_b) == 2:
        if shape_a[not transpose_a] != shape_b[transpose_b]:
            _check_shapes(prim, a, b, transpose_a, transpose_b)
        return apply(prim, (a, b), (transpose_a, transpose_b))
    _check_shapes(prim, a, b, transpose_a, transpose_b)
    if len(shape_b) == 2 and not transpose_a and 0 not in shape_a:  # one large product, and one for each cotangent
        rows = reshape_static(a, (prod(shape_a[:-1]), shape_a[-1]))
        rows = apply(MATMUL, (rows, b), (False, transpose_b))
        return reshape_static(rows, (*shape_a[:-1], shape_b[not transpose_b]))
    return apply(prim, (a, b), (transpose_a, transpose_b))


def matvec(a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None):
    """The product of a matrix and a vector; leading dimensions broadcast.

    Args:
      a: a tensor of shape `[..., m, k]`.
      b: a tensor of the same dtype, of shape `[..., k]`.
      transpose_a: whether to transpose `a` first.
      adjoint_a: whether to conjugate and transpose `a` first.
      a_is_sparse, b_is_sparse: hints, not used.

    Returns a tensor of shape `[..., m]`. Raises what `tf.matmul` raises.

    >>> import tapeflow as tf
    >>> tf.linalg.matvec([[1., 2.], [3., 4.]], [1., 1.]).numpy().tolist()
    [3.0, 7.0]
    """
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    column = reshape_static(b, (*b._shape, 1))
    found = matmul(a, column, transpose_a=transpose_a, adjoint_a=adjoint_a)
    return reshape_static(found, found._shape[:-1])


def _check_flags(transpose_a, transpose_b, adjoint_a, adjoint_b):
    for which, transpose, adjoint in (("a", transpose_a, adjoint_a), ("b", transpose_b, adjoint_b)):
        if transpose and adjoint:
            raise ValueError(
                f"Only one of `transpose_{which}` and `adjoint_{which}` can be True. Received "
                f"`transpose_{which}`={transpose}, `adjoint_{which}`={adjoint}."
            )


def _to_output_type(a, b, dtype):
    if dtype is a.dtype and dtype is b.dtype:
        return a, b
    return cast(a, dtype), cast(b, dtype)


def _check_shapes(prim, a, b, transpose_a, transpose_b):
    """Raise TensorFlow's error unless the shapes fit."""
    m, n = len(a._shape), len(b._shape)
    of_a, of_b = bracketed(a._shape), bracketed(b._shape)
    if a._dtype not in prim.kernels:
        raise not_allowed(prim, a._dtype)
    if prim is MATMUL:
        if m != n:
            raise failed(prim, f"In[0] and In[1] has different ndims: {of_a} vs. {of_b}")
        if m != 2:
            raise failed(prim, f"In[0] and In[1] ndims must be == 2: {m}")
    for position, rank in enumerate((m, n)):
        if rank < 2:
            raise failed(prim, f"In[{position}] ndims must be >= 2: {rank}")
    for i, j in zip(reversed(a._shape[:-2]), reversed(b._shape[:-2]), strict=False):
        if i != j and i != 1 and j != 1:
            raise failed(prim, f"In[0] and In[1] must have compatible batch dimensions: {of_a} vs. {of_b}")
    if a._shape[-2 if transpose_a else -1] != b._shape[-1 if transpose_b else -2]:
        flags = f" {int(transpose_a)} {int(transpose_b)}" if prim is BATCH_MATMUL else ""
        raise failed(prim, f"Matrix size-incompatible: In[0]: {of_a}, In[1]: {of_b}{flags}")
