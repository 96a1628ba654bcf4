"""Transposes, norms, cross products, functions of matrices, least squares."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.errors import FailedPreconditionError
from tapeflow.engine.dispatch import apply, bracketed, failed, mismatch, not_allowed
from tapeflow.engine.dtypes import COMPLEX, FLOAT, INTEGER
from tapeflow.engine.primitive import general, linear, missing
from tapeflow.ops.casting import cast
from tapeflow.ops.compare import where
from tapeflow.ops.decompositions import cholesky, svd
from tapeflow.ops.elementwise import abs as abs_
from tapeflow.ops.elementwise import conj, sqrt
from tapeflow.ops.elementwise import pow as pow_
from tapeflow.ops.indexing import slice_static
from tapeflow.ops.matmul import matmul
from tapeflow.ops.reduce import axes_of, reduce_max, reduce_sum
from tapeflow.ops.shaping import concat, identity_matrix, reshape_static, transpose_static
from tapeflow.ops.sized import of_any_rank, sized
from tapeflow.ops.solvers import check_matrix, cholesky_solve, hermitian, times
from tapeflow.ops.space import zeros_like

# Transposes.


@of_any_rank
def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """The transpose of matrices, the two innermost dimensions.

    Args:
      a: a tensor of shape `[..., m, n]`.
      conjugate: whether to take the complex conjugate too.

    Raises ValueError for less than two dimensions.

    >>> import tapeflow as tf
    >>> tf.linalg.matrix_transpose([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    x = convert_to_tensor(a)
    rank = len(x._shape)
    if rank < 2:
        raise ValueError(
            f"Argument `a` should be a (batch) matrix with rank >= 2.  Received `a` = {x} with shape: {x.shape}"
        )
    found = transpose_static(x, (*range(rank - 2), rank - 1, rank - 2))
    return conj(found) if conjugate and x._dtype.kind == "c" else found


def adjoint(matrix, name=None):
    """The conjugate transpose of matrices, the two innermost dimensions. Raises ValueError for less than two.

    >>> import tapeflow as tf
    >>> tf.linalg.adjoint([[1 + 1j, 2]]).numpy().tolist()
    [[(1-1j)], [(2-0j)]]
    """
    return matrix_transpose(matrix, conjugate=True)


# Cross products.


def _cross(a, b):
    out = np.empty_like(a)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return out


CROSS = linear(
    "Cross", _cross, (FLOAT[2], FLOAT[3], *INTEGER, *FLOAT[:2]),
    lambda g, b: apply(CROSS, (b, g)), lambda g, a: apply(CROSS, (g, a)),
    operands="a b", batch=lambda a, b: apply(CROSS, (a, b)),
)  # fmt: skip


@sized
def cross(a, b, name=None):
    """The cross product of vectors of three elements, over the last dimension: real numbers.

    Args:
      a, b: tensors of one dtype and shape, `[..., 3]`.

    Raises InvalidArgumentError if the shapes differ, FailedPreconditionError unless the last dimension is 3.

    >>> import tapeflow as tf
    >>> tf.linalg.cross([1., 0., 0.], [0., 1., 0.]).numpy().tolist()
    [0.0, 0.0, 1.0]
    """
    a = convert_to_tensor(a)
    b = convert_to_tensor(b, dtype_hint=a.dtype)
    if a._dtype not in CROSS.kernels:
        raise not_allowed(CROSS, a._dtype)
    if a._dtype != b._dtype:
        raise mismatch(CROSS, 1, a._dtype, b._dtype)
    if differ(a._shape, b._shape):
        raise failed(CROSS, f"Both inputs must be of same shape: {bracketed(a._shape)} vs. {bracketed(b._shape)}")
    if not a._shape:
        raise failed(CROSS, f"Input must be at least 1D{bracketed(a._shape)}")
    if a._shape[-1] != 3:
        raise FailedPreconditionError(
            None, None, "Cross-products are only defined for 3-element vectors. [Op:Cross] name: "
        )
    return apply(CROSS, (a, b))


# Norms.

_MATRIX_NORMS = ("euclidean", "fro", 1, 2, np.inf)


@of_any_rank
def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None):  # noqa: A002 (TensorFlow's name)
    """The norm of vectors or matrices.

    Args:
      tensor: a tensor of floating-point or complex numbers.
      ord: "euclidean", or a positive number p, `np.inf` included; for matrices "fro" (the same as
        "euclidean"), 1, 2 or `np.inf`, the norms that are induced by those of vectors.
      axis: an int for vectors along that axis, two ints for matrices in those axes, or None for all elements
        as one vector.
      keepdims: whether the reduced dimensions stay, with size 1.

    Raises ValueError for an `ord` or `axis` that there is no norm for. The gradient of the Euclidean norm at
    0 is not a number.

    >>> import tapeflow as tf
    >>> tf.norm([3., 4.]).numpy().item()
    5.0
    """
    axis, of_matrix = _norm_axis(axis, ord)
    x = convert_to_tensor(tensor)
    if of_matrix and ord in ("fro", "euclidean", 2) or not of_matrix and ord in ("euclidean", 2):
        found = _spectral_norm(x, axis) if of_matrix and ord == 2 else sqrt(reduce_sum(x * conj(x), axis, True))
    else:
        found = abs_(x)
        if ord == 1:
            found = reduce_sum(found, axis and axis[0], True)
            if of_matrix:
                found = reduce_max(found, axis[1], True)
        elif ord == np.inf:
            if of_matrix:
                found = reduce_sum(found, axis[1], True)
            found = reduce_max(found, axis and axis[0], True)
        else:
            found = pow_(reduce_sum(pow_(found, ord), axis, True), 1.0 / ord)
    if keepdims:
        return found
    reduced = axes_of(axis, len(x._shape))
    return reshape_static(found, tuple([n for i, n in enumerate(x._shape) if i not in reduced]))


def _norm_axis(axis, order):
    """The axes as a tuple or None, and whether they are those of matrices."""
    of_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if of_matrix:
        axis = tuple(axis)
        if not all(_is_int(i) for i in axis) or axis[0] == axis[1]:
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        if order not in _MATRIX_NORMS:
            raise ValueError(f"'ord' must be a supported matrix norm in ['euclidean', 'fro', 1, 2, inf], got {order}")
        return axis, True
    if not (axis is None or _is_int(axis)):
        raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
    if order != "euclidean" and (isinstance(order, str) or order is None or order <= 0):
        raise ValueError(f"'ord' must be a supported vector norm, got {order}")
    return (None if axis is None else (axis,)), False


def _is_int(value):
    return isinstance(value, (int, np.integer))


def _spectral_norm(x, axis):
    """The largest singular value, with the two reduced dimensions kept."""
    rank = len(x._shape)
    first, second = [i % rank for i in axis]
    others = tuple([i for i in range(rank) if i not in (first, second)])
    largest = reduce_max(abs_(svd(transpose_static(x, (*others, first, second)), compute_uv=False)), -1)
    return reshape_static(largest, tuple([1 if i in (first, second) else n for i, n in enumerate(x._shape)]))


def normalize(tensor, ord="euclidean", axis=None, name=None):  # noqa: A002 (TensorFlow's name)
    """`tensor` over its norm, and the norm with the reduced dimensions kept: a pair. See `tf.norm`.

    >>> import tapeflow as tf
    >>> tf.linalg.normalize([3., 4.])[1].numpy().tolist()
    [5.0]
    """
    x = convert_to_tensor(tensor)
    found = norm(x, ord, axis, True)
    if found.dtype is not x.dtype:
        found = cast(found, x.dtype)
    return x / found, found


# Functions of matrices. Their derivatives in a direction E are a block of the same function of a larger
# matrix: f([[A, E], [0, A]]) = [[f(A), L(A, E)], [0, f(A)]] (Higham, "Functions of matrices", 2008, eq.
# 3.16), and that of the transpose is L(A^H, G).


def _direction(prim, x, e):
    """L(A, E)."""
    rank, n = len(x._shape), x._shape[-1]
    above, below = concat([x, e], rank - 1), concat([zeros_like(x), x], rank - 1)
    found = apply(prim, (concat([above, below], rank - 2),))
    zeros, lead = (0,) * (rank - 2), x._shape[:-2]
    return slice_static(found, (*zeros, 0, n), (*lead, n, n))


def _matrix_function(name, function):
    def kernel(x):
        import scipy.linalg

        compute = getattr(scipy.linalg, function)
        out = np.empty_like(x)
        for i in np.ndindex(x.shape[:-2]):
            if x.size:
                found = compute(x[i])
                out[i] = found.real if x.dtype.kind != "c" else found
        return out

    prim = general(
        name, kernel, (FLOAT[3], FLOAT[2], *COMPLEX),
        lambda g, x: _direction(prim, hermitian(x), g), lambda dx, x: _direction(prim, x, dx), batch=(2,),
    )  # fmt: skip
    return prim


MATRIX_EXPONENTIAL = _matrix_function("MatrixExponential", "expm")
MATRIX_SQUARE_ROOT = _matrix_function("MatrixSquareRoot", "sqrtm")


def _logm(x):
    import scipy.linalg

    out = np.empty_like(x)
    for i in np.ndindex(x.shape[:-2]):
        out[i] = scipy.linalg.logm(x[i])
    return out


MATRIX_LOGARITHM = missing("MatrixLogarithm", _logm, COMPLEX, batch=(2,))


@sized
def expm(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The exponential of square matrices.

    Args:
      input: a tensor of shape `[..., n, n]`, of float32, float64 or complex numbers.

    Raises ValueError for other dtypes, InvalidArgumentError if the matrices are not square.

    >>> import tapeflow as tf
    >>> tf.linalg.expm([[0., 0.], [0., 0.]]).numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    x = convert_to_tensor(input)
    if x._dtype not in MATRIX_EXPONENTIAL.kernels:
        raise ValueError(f"tf.linalg.expm does not support matrices of type {x.dtype}")
    rank = len(x._shape)
    if not rank:
        raise failed(MATRIX_EXPONENTIAL, "The matrices are the last two dimensions, from -1; the input has 0")
    if rank < 2 or x._shape[-1] != x._shape[-2]:
        shape = bracketed((1, *x._shape) if rank <= 2 else x._shape)
        raise failed(MATRIX_EXPONENTIAL, f"Matrix size-incompatible: In[0]: {shape}, In[1]: {shape}")
    return apply(MATRIX_EXPONENTIAL, (x,))


def sqrtm(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The square root of matrices, `[..., n, n]`. Raises InvalidArgumentError unless they are square.

    >>> import tapeflow as tf
    >>> tf.linalg.sqrtm([[4., 0.], [0., 9.]]).numpy().tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    x = convert_to_tensor(input)
    check_matrix(MATRIX_SQUARE_ROOT, x)
    return apply(MATRIX_SQUARE_ROOT, (x,))


def logm(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The logarithm of complex square matrices, of shape `[..., n, n]`. It has no gradient.

    Raises InvalidArgumentError if they are not square or not complex.

    >>> import tapeflow as tf
    >>> tf.linalg.logm(tf.eye(2, dtype=tf.complex64)).numpy().tolist()
    [[0j, 0j], [0j, 0j]]
    """
    x = convert_to_tensor(input)
    check_matrix(MATRIX_LOGARITHM, x)
    return apply(MATRIX_LOGARITHM, (x,))


# Inverses of matrices that have none, and ranks.


@sized
def pinv(a, rcond=None, validate_args=False, name=None):
    """The Moore-Penrose pseudo-inverse of matrices.

    Args:
      a: a floating-point tensor of shape `[..., m, n]`.
      rcond: singular values up to this fraction of the largest count as 0; None stands for 10 max(m, n) eps.
      validate_args: not used.

    Returns a tensor of shape `[..., n, m]`. Raises TypeError for other dtypes, ValueError for less than two
    dimensions.

    >>> import tapeflow as tf
    >>> tf.linalg.pinv([[2., 0.], [0., 0.]]).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    x = convert_to_tensor(a)
    if not x.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {x.dtype.name}).")
    if len(x._shape) < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {len(x._shape)}).")
    if rcond is None:
        rcond = 10.0 * max(x._shape[-2:]) * np.finfo(x._dtype).eps
    s, u, v = svd(x)
    cutoff = convert_to_tensor(rcond, x.dtype) * reduce_max(s, -1)
    s = where(s > reshape_static(cutoff, (*cutoff._shape, 1)), s, x._dtype.type(np.inf))
    return times(v / reshape_static(s, (*s._shape[:-1], 1, s._shape[-1])), u, adjoint_b=True)


def matrix_rank(a, tol=None, validate_args=False, name=None):
    """How many singular values of matrices are above `tol`, an int32 for each.

    Args:
      a: a tensor of shape `[..., m, n]`.
      tol: None stands for the largest singular value times max(m, n) eps.
      validate_args: not used.

    >>> import tapeflow as tf
    >>> tf.linalg.matrix_rank([[1., 2.], [2., 4.]]).numpy().item()
    1
    """
    x = convert_to_tensor(a)
    s = svd(x, compute_uv=False)
    if tol is None:
        tol = reduce_max(s, -1, True) * (max(x._shape[-2:]) * np.finfo(x._dtype).eps)
    return reduce_sum(cast(s > tol, "int32"), -1)


# Least squares.


def _least_squares(a, b, l2_regularizer):
    out = np.empty((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)
    for i in np.ndindex(a.shape[:-2]):
        out[i] = np.linalg.lstsq(a[i], b[i], rcond=None)[0]
    return out


def _no_least_squares_gradient(g):
    raise ValueError("Gradient not defined for fast=False")


LEAST_SQUARES = general(
    "MatrixSolveLs", _least_squares, (FLOAT[3], FLOAT[2], *COMPLEX), _no_least_squares_gradient,
    operands="a b", attrs="l2_regularizer", batch=lambda a, b, l2: apply(LEAST_SQUARES, (a, b), (l2,)),
)  # fmt: skip


@sized
def lstsq(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
    """The X that makes `matrix @ X - rhs` least, or the least X that makes it 0.

    Args:
      matrix: a tensor of shape `[..., m, n]`.
      rhs: a tensor of the same dtype, of shape `[..., m, k]`.
      l2_regularizer: r, to minimise |matrix @ X - rhs|^2 + r |X|^2.
      fast: whether to solve the normal equations, by a Cholesky factorisation; otherwise by singular values,
        without the regularizer and without a gradient.

    Returns a tensor of shape `[..., n, k]`. Raises InvalidArgumentError if the shapes do not fit.

    >>> import tapeflow as tf
    >>> tf.linalg.lstsq([[2., 0.], [0., 4.]], [[1.], [1.]]).numpy().tolist()
    [[0.5], [0.25]]
    """
    a = convert_to_tensor(matrix)
    b = convert_to_tensor(rhs, dtype_hint=a.dtype)
    if not fast:
        return apply(LEAST_SQUARES, (a, b), (float(l2_regularizer),))
    if len(a._shape) < 2 or len(b._shape) < 2:
        return matmul(a, b, adjoint_a=True)  # which says what is wrong
    m, n = a._shape[-2:]
    if m >= n:
        return cholesky_solve(_regular(times(a, a, adjoint_a=True), l2_regularizer), matmul(a, b, adjoint_a=True))
    return matmul(a, cholesky_solve(_regular(times(a, a, adjoint_b=True), l2_regularizer), b), adjoint_a=True)


def _regular(gram, l2_regularizer):
    """The Cholesky factor of a Gramian matrix, with something added to its diagonal."""
    if l2_regularizer.__class__ is not float or l2_regularizer != 0:
        gram = gram + cast(l2_regularizer, gram.dtype) * identity_matrix(gram._shape[-1], gram._dtype)
    return cholesky(gram)
