"""Inverses, determinants and systems of linear equations, over the two innermost dimensions.

Derivatives: Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation", 2008, sec. 2.2: for C = A^-1, dA = -C^H G C^H; for A X = B, dB = A^-H G and
dA = -dB X^H.
"""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply, bracketed, failed, mismatch, not_allowed
from tapeflow.engine.dtypes import COMPLEX, FLOAT, LOW
from tapeflow.engine.primitive import general
from tapeflow.ops.creation import eye
from tapeflow.ops.diagonals import band_static, diagonal_static, set_diagonal_static
from tapeflow.ops.indexing import gather
from tapeflow.ops.matmul import conjugate, matmul, product
from tapeflow.ops.reduce import sum_axes
from tapeflow.ops.shaping import reshape_static, transpose_static
from tapeflow.ops.sized import sized
from tapeflow.ops.space import ones_like, sum_to, zeros_like

# What factorisations and solvers take, in TensorFlow's order; float16 is computed in float32.
MATRIX = (FLOAT[3], FLOAT[2], FLOAT[1], *COMPLEX)


def hermitian(x):
    """The conjugate transpose of matrices."""
    rank = len(x._shape)
    return conjugate(transpose_static(x, (*range(rank - 2), rank - 1, rank - 2)))


def times(a, b, adjoint_a=False, adjoint_b=False):
    """The product of matrices that are known to fit."""
    return product(conjugate(a) if adjoint_a else a, conjugate(b) if adjoint_b else b, adjoint_a, adjoint_b)


def outermost(x):
    """A tensor of scalars, one for each matrix, to multiply matrices with."""
    return reshape_static(x, (*x._shape, 1, 1))


def widened(prim, count=1):
    """Let `prim` compute float16 and bfloat16 in float32; `count`: how many of its arguments are arrays."""
    kernel = prim.kernel

    def in_float32(*args):
        arrays = [a.astype(np.float32) for a in args[:count]]
        out = kernel(*arrays, *args[count:])
        dtype = args[0].dtype
        return tuple([o.astype(dtype) for o in out]) if prim.many else out.astype(dtype)

    for dtype in LOW:
        if dtype in prim.kernels:
            prim.kernels[dtype] = in_float32
    return prim


def check_matrix(prim, x, square=True, what="Input tensor 0"):
    """Raise TensorFlow's error unless `x` is a matrix, or a stack of them, of a dtype that `prim` takes."""
    if x._dtype not in prim.kernels:
        raise not_allowed(prim, x._dtype)
    if len(x._shape) < 2:
        raise failed(prim, f"{what} must have rank >= 2, got {len(x._shape)}")
    if square and x._shape[-1] != x._shape[-2]:
        raise failed(prim, "Input matrix must be square.")


def within(*args, prim):
    """The batching rule of what works on innermost dimensions: nothing changes."""
    count = len(prim.operands)
    return apply(prim, args[:count], args[count:])


# Inverse and determinant.


def _inverse(x):
    try:
        out = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise invalid_argument("Input is not invertible.") from None
    if x.size and not np.isfinite(x).all():
        raise invalid_argument("Input is not invertible.")
    return out


def _inverse_map(v, y):
    return -times(times(y, v), y)


INVERSE = widened(
    general(
        "MatrixInverse", _inverse, MATRIX,
        lambda g, y: _inverse_map(g, hermitian(y)), lambda dx, y: _inverse_map(dx, y), batch=(2,),
    )
)  # fmt: skip
DETERMINANT = widened(
    general(
        "MatrixDeterminant", np.linalg.det, MATRIX,
        lambda g, x, y: outermost(g * conjugate(y)) * hermitian(inv(x)),
        lambda dx, x, y: y * _trace_of_product(inv(x), dx), batch=(2,),
    )
)  # fmt: skip


def _trace_of_product(a, b):
    product_of = a * transpose_static(b, (*range(len(b._shape) - 2), len(b._shape) - 1, len(b._shape) - 2))
    rank = len(product_of._shape)
    return sum_axes(product_of, (rank - 2, rank - 1))


def _log_determinant(x):
    sign, log_abs = np.linalg.slogdet(x)
    sign = np.where(np.isnan(log_abs), log_abs, sign)
    return sign.astype(x.dtype), log_abs.astype(x.dtype)


# The logarithm is taken for that of the determinant itself, whose phase is the sign, as if that were
# constant: so does TensorFlow, and real(log) and sign * exp(log) come out right.
LOG_DETERMINANT = widened(
    general(
        "LogMatrixDeterminant", _log_determinant, MATRIX,
        lambda gs, x: outermost(gs[1]) * hermitian(inv(x)),
        lambda dx, x, ys: [zeros_like(ys[0]), _trace_of_product(inv(x), dx)],
        many=True, batch=lambda x: apply(LOG_DETERMINANT, (x,)),
    )
)  # fmt: skip


# Equations.


def _solve(a, b, adjoint):
    if adjoint:
        a = a.swapaxes(-1, -2).conj()
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise invalid_argument("Input matrix is not invertible.") from None


def _solve_vjp(g, a, y, adjoint):
    of_b = apply(SOLVE, (a, g), (not adjoint,))
    return -(times(y, of_b, adjoint_b=True) if adjoint else times(of_b, y, adjoint_b=True)), of_b


def _solve_jvp(da, db, a, y, adjoint):
    return apply(SOLVE, (a, db - times(da, y, adjoint_a=adjoint)), (adjoint,))


SOLVE = widened(
    general(
        "MatrixSolve", _solve, MATRIX, _solve_vjp, _solve_jvp, operands="a b", attrs="adjoint",
        batch=lambda *args: within(*args, prim=SOLVE),
    ), 2
)  # fmt: skip

_BLOCK = 64
_ONE = 8  # rows, from which on LAPACK is the faster for one matrix


def _triangular_solve_one(a, b, lower, adjoint):
    """The same for one matrix, by LAPACK; None if it is singular."""
    from scipy.linalg import lapack

    solve = {"f": lapack.strtrs, "d": lapack.dtrtrs, "F": lapack.ctrtrs, "D": lapack.ztrtrs}[a.dtype.char]
    x, info = solve(a, b, lower=lower, trans=2 if adjoint else 0)
    return np.ascontiguousarray(x) if info == 0 else None


def _triangular_solve(a, b, lower, adjoint):
    """Substitution, a row at a time within blocks, and a product for what the rows before a block add."""
    if a.ndim == b.ndim == 2 and a.shape[0] >= _ONE and b.shape[1] and a.dtype == b.dtype:
        x = _triangular_solve_one(a, b, lower, adjoint)
        if x is not None:
            return x
    if adjoint:
        a, lower = a.swapaxes(-1, -2).conj(), not lower
    n = a.shape[-1]
    x = np.array(np.broadcast_to(b, (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])))
    if not lower:  # the same upside down
        a, x = a[..., ::-1, ::-1], x[..., ::-1, :]
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        if start:
            x[..., start:stop, :] -= a[..., start:stop, :start] @ x[..., :start, :]
        for i in range(start, stop):
            row = x[..., i, :]
            if i > start:
                row = row - (a[..., i, None, start:i] @ x[..., start:i, :])[..., 0, :]
            x[..., i, :] = row / a[..., i, i, None]
    return x if lower else x[..., ::-1, :]


def _triangle(x, lower):
    return band_static(x, -1, 0) if lower else band_static(x, 0, -1)


def _triangular_solve_vjp(g, a, b_like, y, lower, adjoint):
    of_b = apply(TRIANGULAR_SOLVE, (a, g), (lower, not adjoint))
    of_a = times(y, of_b, adjoint_b=True) if adjoint else times(of_b, y, adjoint_b=True)
    return sum_to(-_triangle(of_a, lower), a), sum_to(of_b, b_like)


def _triangular_solve_jvp(da, db, a, y, lower, adjoint):
    return apply(TRIANGULAR_SOLVE, (a, db - times(_triangle(da, lower), y, adjoint_a=adjoint)), (lower, adjoint))


TRIANGULAR_SOLVE = widened(
    general(
        "MatrixTriangularSolve", _triangular_solve, (FLOAT[0], *MATRIX), _triangular_solve_vjp,
        _triangular_solve_jvp, operands="a b", attrs="lower adjoint", batch=(2, 2),
    ), 2
)  # fmt: skip


# The public operations.


def inv(input, adjoint=False, name=None):  # noqa: A002 (TensorFlow's name)
    """The inverse of matrices, or of their conjugate transposes.

    Args:
      input: a tensor of shape `[..., n, n]`.
      adjoint: whether to invert the conjugate transpose.

    Raises InvalidArgumentError if a matrix is not square, or not invertible.

    >>> import tapeflow as tf
    >>> tf.linalg.inv([[2., 0.], [0., 4.]]).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = convert_to_tensor(input)
    check_matrix(INVERSE, x)
    found = apply(INVERSE, (x,))
    return hermitian(found) if adjoint else found


@sized
def det(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The determinants of matrices, `[..., n, n]`. Raises InvalidArgumentError unless they are square.

    The gradient needs the inverse: it raises InvalidArgumentError for a singular matrix.

    >>> import tapeflow as tf
    >>> tf.linalg.det([[2., 0.], [0., 4.]]).numpy().item()
    8.0
    """
    x = convert_to_tensor(input)
    check_matrix(DETERMINANT, x)
    return apply(DETERMINANT, (x,))


@sized
def slogdet(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The sign (the phase, of complex ones) of determinants and the logarithm of their size, a pair.

    Args:
      input: a tensor of shape `[..., n, n]`.

    Raises InvalidArgumentError if the matrices are not square.

    >>> import tapeflow as tf
    >>> [part.numpy().item() for part in tf.linalg.slogdet([[-1., 0.], [0., 1.]])]
    [-1.0, 0.0]
    """
    x = convert_to_tensor(input)
    check_matrix(LOG_DETERMINANT, x)
    return named("LogMatrixDeterminant", "sign log_abs_determinant", apply(LOG_DETERMINANT, (x,)))


_NAMED: dict[str, type] = {}


def named(name, fields, values):
    """A named tuple of results."""
    kind = _NAMED.get(name)
    if kind is None:
        from collections import namedtuple

        kind = _NAMED[name] = namedtuple(name, fields)
    return kind(*values)


def solve(matrix, rhs, adjoint=False, name=None):
    """The solution X of `matrix @ X = rhs`, or of `adjoint(matrix) @ X = rhs`.

    Args:
      matrix: a tensor of shape `[..., n, n]`.
      rhs: a tensor of the same dtype, of shape `[..., n, k]`, with the same leading dimensions.
      adjoint: whether to solve with the conjugate transpose.

    Raises InvalidArgumentError if the shapes do not fit, or a matrix is not invertible.

    >>> import tapeflow as tf
    >>> tf.linalg.solve([[2., 0.], [0., 4.]], [[1.], [1.]]).numpy().tolist()
    [[0.5], [0.25]]
    """
    a, b = _pair(SOLVE, matrix, rhs)
    if len(a._shape) != len(b._shape):
        raise failed(SOLVE, "All input tensors must have the same rank.")
    if len(a._shape) < 2:
        raise failed(SOLVE, f"Input tensor 0 must have rank >= 2, got {len(a._shape)}")
    if differ(a._shape[:-2], b._shape[:-2]):
        raise failed(SOLVE, "All input tensors must have the same outer dimensions.")
    if a._shape[-1] != a._shape[-2]:
        raise failed(SOLVE, "First input (lhs) must be a square matrix.")
    if a._shape[-1] != b._shape[-2]:
        raise failed(SOLVE, "Input matrix and rhs are incompatible.")
    return apply(SOLVE, (a, b), (bool(adjoint),))


def _pair(prim, a, b):
    """Two operands of one dtype."""
    a = convert_to_tensor(a)
    b = convert_to_tensor(b, dtype_hint=a.dtype)
    if a._dtype not in prim.kernels:
        raise not_allowed(prim, a._dtype)
    if a._dtype != b._dtype:
        raise mismatch(prim, 1, a._dtype, b._dtype)
    return a, b


@sized
def triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
    """The solution X of `matrix @ X = rhs` for triangular matrices, by substitution.

    Args:
      matrix: a tensor of shape `[..., n, n]`, of which only one triangle is read.
      rhs: a tensor of the same dtype, of shape `[..., n, k]`; leading dimensions broadcast.
      lower: whether it is the lower triangle.
      adjoint: whether to solve with the conjugate transpose.

    Raises InvalidArgumentError if the shapes do not fit.

    >>> import tapeflow as tf
    >>> tf.linalg.triangular_solve([[2., 0.], [1., 1.]], [[2.], [3.]]).numpy().tolist()
    [[1.0], [2.0]]
    """
    a, b = _pair(TRIANGULAR_SOLVE, matrix, rhs)
    shape_a, shape_b = a._shape, b._shape
    for i, shape in enumerate((shape_a, shape_b)):
        if len(shape) < 2:
            raise failed(TRIANGULAR_SOLVE, f"In[{i}] ndims must be >= 2: {len(shape)}")
    for m, n in zip(reversed(shape_a[:-2]), reversed(shape_b[:-2]), strict=False):
        if m != n and 1 not in (m, n):
            raise failed(
                TRIANGULAR_SOLVE,
                f"In[0] and In[1] must have compatible batch dimensions: {bracketed(shape_a)} vs. {bracketed(shape_b)}",
            )
    if shape_a[-1] != shape_a[-2]:
        raise failed(
            TRIANGULAR_SOLVE,
            f"In[0] matrices in the last dimensions must be square ({shape_a[-1]} =/= {shape_a[-2]})",
        )
    if shape_a[-1] != shape_b[-2]:
        raise failed(
            TRIANGULAR_SOLVE,
            f"In[0] mismatch In[1] shape: {shape_a[-1]} vs. {shape_b[-2]}: {bracketed(shape_a)} "
            f"{bracketed(shape_b)} "
            f"{int(lower)} {int(adjoint)}",
        )
    return apply(TRIANGULAR_SOLVE, (a, b), (bool(lower), bool(adjoint)))


@sized
def cholesky_solve(chol, rhs, name=None):
    """The solution X of `A @ X = rhs`, where `chol` is the Cholesky factor of A.

    Args:
      chol: a tensor of shape `[..., n, n]`, of which only the lower triangle is read.
      rhs: a tensor of the same dtype, of shape `[..., n, k]`.

    Raises InvalidArgumentError if the shapes do not fit.

    >>> import tapeflow as tf
    >>> tf.linalg.cholesky_solve([[2., 0.], [0., 1.]], [[4.], [3.]]).numpy().tolist()
    [[1.0], [3.0]]
    """
    return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True)


def lu_solve(lower_upper, perm, rhs, validate_args=False, name=None):
    """The solution X of `A @ X = rhs`, where `lower_upper, perm` are what `tf.linalg.lu` gives for A.

    >>> import tapeflow as tf
    >>> lu, p = tf.linalg.lu([[2., 0.], [0., 4.]])
    >>> tf.linalg.lu_solve(lu, p, [[1.], [1.]]).numpy().tolist()
    [[0.5], [0.25]]
    """
    lower_upper, perm = convert_to_tensor(lower_upper), convert_to_tensor(perm)
    rhs = convert_to_tensor(rhs, dtype_hint=lower_upper.dtype)
    rows = gather(rhs, perm, axis=-2, batch_dims=len(perm._shape) - 1)
    half = triangular_solve(_unit_lower(lower_upper), rows)
    return triangular_solve(lower_upper, half, lower=False)


def _unit_lower(lower_upper):
    return set_diagonal_static(_triangle(lower_upper, True), ones_like(diagonal_static(lower_upper)))


def lu_reconstruct(lower_upper, perm, validate_args=False, name=None):
    """The matrices that `tf.linalg.lu` gave `lower_upper, perm` for.

    >>> import tapeflow as tf
    >>> tf.linalg.lu_reconstruct(*tf.linalg.lu([[0., 1.], [2., 0.]])).numpy().tolist()
    [[0.0, 1.0], [2.0, 0.0]]
    """
    from tapeflow.ops.sorting import argsort

    lower_upper, perm = convert_to_tensor(lower_upper), convert_to_tensor(perm)
    rows = matmul(_unit_lower(lower_upper), _triangle(lower_upper, False))
    return gather(rows, argsort(perm), axis=-2, batch_dims=len(perm._shape) - 1)


def lu_matrix_inverse(lower_upper, perm, validate_args=False, name=None):
    """The inverses of the matrices that `tf.linalg.lu` gave `lower_upper, perm` for.

    >>> import tapeflow as tf
    >>> tf.linalg.lu_matrix_inverse(*tf.linalg.lu([[2., 0.], [0., 4.]])).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    lower_upper = convert_to_tensor(lower_upper)
    shape = lower_upper._shape
    identity = eye(shape[-1], batch_shape=shape[:-2], dtype=lower_upper.dtype)
    return lu_solve(lower_upper, perm, identity)
