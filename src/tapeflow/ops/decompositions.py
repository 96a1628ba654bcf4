"""Factorisations of matrices, the two innermost dimensions, and what is made of them.

Sources of the derivatives: `cholesky`: Murray, "Differentiation of the Cholesky decomposition", 2016, eq. 10;
`qr`: Walter, Lehmann & Lamour, "On evaluating higher-order derivatives of the QR decomposition of tall
matrices with full column rank in forward and reverse mode algorithmic differentiation", 2012, and Roberts &
Roberts, "QR and LQ decomposition matrix backpropagation algorithms for square, wide and deep matrices", 2020;
`eigh`, `svd`: Giles, 2008, sec. 3.1 and 3.2, Seeger et al., "Auto-differentiating linear algebra", 2017;
`eig`: Boeddeker et al., "On the computation of complex-valued gradients with application to statistically
optimum beamforming", 2017, sec. 4.6.
"""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype, int32
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply
from tapeflow.engine.dtypes import COMPLEX
from tapeflow.engine.primitive import general, linear, missing
from tapeflow.ops.casting import cast
from tapeflow.ops.complex_parts import complex as complex_
from tapeflow.ops.complex_parts import imag, real
from tapeflow.ops.diagonals import band_static, diag_static, diagonal_static, set_diagonal_static
from tapeflow.ops.elementwise import log, reciprocal_no_nan, square
from tapeflow.ops.indexing import slice_static
from tapeflow.ops.matmul import conjugate
from tapeflow.ops.reduce import sum_axes
from tapeflow.ops.shaping import concat, reshape_static
from tapeflow.ops.solvers import MATRIX, SOLVE, TRIANGULAR_SOLVE, check_matrix, hermitian, named, times, widened
from tapeflow.ops.space import zeros_like


def _self_adjoint(x):
    return (x + x.swapaxes(-1, -2).conj()) / 2


def _symmetric(x):
    return 0.5 * (x + hermitian(x))


def _rows(x):
    """A vector for each matrix, as its rows to be: `[..., 1, n]`."""
    return reshape_static(x, (*x._shape[:-1], 1, x._shape[-1]))


def _columns(x):
    return reshape_static(x, (*x._shape, 1))


def _right_solve(x, r):
    """x r^-H, for a triangular r (upper)."""
    return hermitian(apply(TRIANGULAR_SOLVE, (r, hermitian(x)), (False, False)))


# Cholesky. It reads the lower triangle; the cotangent is that of a self-adjoint matrix, as in TensorFlow.


def _from_lower(x):
    below = np.tril(x, -1)
    out = below + below.swapaxes(-1, -2).conj()
    n = x.shape[-1]
    out[..., range(n), range(n)] = np.diagonal(x, axis1=-2, axis2=-1).real
    return out


FROM_LOWER = linear("SelfAdjointFromLower", _from_lower, MATRIX, lambda g: _symmetric(g), batch=(2,))


def _cholesky(x):
    try:
        with np.errstate(all="ignore"):
            out = np.linalg.cholesky(_self_adjoint(x))
    except np.linalg.LinAlgError:
        out = np.empty_like(x)
        for index in np.ndindex(x.shape[:-2]):
            try:
                out[index] = np.linalg.cholesky(_self_adjoint(x[index]))
            except np.linalg.LinAlgError:
                out[index] = np.nan
    bad = np.isnan(out).any((-2, -1))
    if bad.any():
        out[bad] = np.tril(np.full(x.shape[-2:], np.nan, x.dtype))
    return out


def _half_below(x):
    """The lower triangle with half the diagonal."""
    return set_diagonal_static(band_static(x, -1, 0), 0.5 * diagonal_static(x))


def _cholesky_vjp(g, y):
    inner = _half_below(times(y, g, adjoint_a=True))
    left = apply(TRIANGULAR_SOLVE, (y, inner), (True, True))  # L^-H inner
    return _symmetric(hermitian(apply(TRIANGULAR_SOLVE, (y, hermitian(left)), (True, True))))


def _cholesky_jvp(dx, y):
    half = apply(TRIANGULAR_SOLVE, (y, _symmetric(dx)), (True, False))
    inner = hermitian(apply(TRIANGULAR_SOLVE, (y, hermitian(half)), (True, False)))  # L^-1 dA L^-H
    return times(y, _half_below(inner))


CHOLESKY = widened(general("Cholesky", _cholesky, MATRIX, _cholesky_vjp, _cholesky_jvp, batch=(2,)))


def cholesky(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The lower triangular factor L of self-adjoint positive definite matrices, A = L L^H.

    Args:
      input: a tensor of shape `[..., n, n]`, of which only the lower triangle is read.

    The factor of a matrix that is not positive definite is not a number. Raises InvalidArgumentError if the
    matrices are not square.

    >>> import tapeflow as tf
    >>> tf.linalg.cholesky([[4., 0.], [0., 9.]]).numpy().tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    x = convert_to_tensor(input)
    check_matrix(CHOLESKY, x)
    return apply(CHOLESKY, (apply(FROM_LOWER, (x,)),))


def logdet(matrix, name=None):
    """log(det(A)) of self-adjoint positive definite matrices, by their Cholesky factors.

    Args:
      matrix: a tensor of shape `[..., n, n]`.

    Raises InvalidArgumentError if the matrices are not square.

    >>> import tapeflow as tf
    >>> tf.linalg.logdet([[1., 0.], [0., 1.]]).numpy().item()
    0.0
    """
    logs = log(real(diagonal_static(cholesky(matrix))))
    return 2 * sum_axes(logs, (len(logs._shape) - 1,))


# QR.


def _qr(x, full):
    *lead, m, n = x.shape
    if not x.size:  # NumPy has no empty ones
        k = m if full else min(m, n)
        q = np.zeros((*lead, m, k), x.dtype)
        q[..., range(min(m, k)), range(min(m, k))] = 1
        return q, np.zeros((*lead, k, n), x.dtype)
    return tuple(np.linalg.qr(x, "complete" if full else "reduced"))


def _qr_vjp(gs, ys, full):
    gq, gr = gs
    q, r = ys
    m, n = q._shape[-2], r._shape[-1]
    if full and m > n:
        raise NotImplementedError(
            "QrGrad not implemented when nrows > ncols and full_matrices is true. Received r.shape="
            f"{r.shape} with nrows={m} and ncols={n}."
        )
    if m >= n:
        return _qr_vjp_tall(gq, gr, q, r)
    zeros, lead = (0,) * (len(r._shape) - 2), r._shape[:-2]
    left = slice_static(r, (*zeros, 0, 0), (*lead, m, m))
    right = slice_static(r, (*zeros, 0, m), (*lead, m, n - m))
    g_left = slice_static(gr, (*zeros, 0, 0), (*lead, m, m))
    g_right = slice_static(gr, (*zeros, 0, m), (*lead, m, n - m))
    first = _qr_vjp_tall(gq + times(times(q, right), g_right, adjoint_b=True), g_left, q, left)
    return concat([first, times(q, g_right)], len(zeros) + 1)


def _qr_vjp_tall(gq, gr, q, r):
    m = times(r, gr, adjoint_b=True) - times(gq, q, adjoint_a=True)
    below = band_static(m, -1, 0)
    m = set_diagonal_static(below + hermitian(below), _real_part(diagonal_static(m)))
    return _right_solve(gq + times(q, m), r)


def _real_part(x):
    """A tensor without its imaginary part, of the same dtype."""
    return cast(real(x), x.dtype) if x.dtype.is_complex else x


QR = widened(
    general("Qr", _qr, MATRIX, _qr_vjp, attrs="full", many=True, batch=lambda x, full: apply(QR, (x,), (full,)))
)


def qr(input, full_matrices=False, name=None):  # noqa: A002 (TensorFlow's name)
    """Matrices as products of q, whose columns are orthonormal, and r, upper triangular: a pair.

    Args:
      input: a tensor of shape `[..., m, n]`.
      full_matrices: whether q is square, `[..., m, m]`, or has min(m, n) columns.

    Raises InvalidArgumentError for less than two dimensions.

    >>> import tapeflow as tf
    >>> q, r = tf.linalg.qr([[3., 1.], [4., 2.]])
    >>> tf.matmul(q, r).numpy().round(4).tolist()
    [[3.0, 1.0], [4.0, 2.0]]
    """
    x = convert_to_tensor(input)
    check_matrix(QR, x, square=False)
    return named("Qr", "q r", apply(QR, (x,), (bool(full_matrices),)))


# Eigenvalues of self-adjoint matrices.


def _eigh(x):
    return tuple(np.linalg.eigh(_self_adjoint(x)))


def _gaps(e):
    """1 / (e_j - e_i), 0 where they are equal."""
    return reciprocal_no_nan(_rows(e) - _columns(e))


def _as(x, like):
    """Real numbers in the dtype of a tensor that may be complex."""
    return x if x._dtype == like._dtype else cast(x, like.dtype)


def _eigh_vjp(gs, ys):
    ge, gv = gs
    e, v = ys
    inner = diag_static(_as(ge, v)) + _as(_gaps(e), v) * times(v, gv, adjoint_a=True)
    return _symmetric(times(times(v, inner), v, adjoint_b=True))


def _eigh_jvp(dx, ys):
    e, v = ys
    inner = times(times(v, _symmetric(dx), adjoint_a=True), v)
    return [real(diagonal_static(inner)), times(v, _as(_gaps(e), v) * inner)]


EIGH = widened(
    general("SelfAdjointEigV2", _eigh, MATRIX, _eigh_vjp, _eigh_jvp, many=True, batch=lambda x: apply(EIGH, (x,)))
)


def _eigh_of(tensor):
    x = convert_to_tensor(tensor)
    check_matrix(EIGH, x)
    below = band_static(x, -1, 0)
    e, v = apply(EIGH, (set_diagonal_static(below + hermitian(below), diagonal_static(x)),))
    return _as(e, v), v


def eigh(tensor, name=None):
    """The eigenvalues of self-adjoint matrices, in ascending order, and their eigenvectors: a pair.

    Args:
      tensor: a tensor of shape `[..., n, n]`, of which only the lower triangle is read.

    Returns eigenvalues of shape `[..., n]`, of the dtype of `tensor`, and eigenvectors, the columns of `[...,
    n, n]`.

    Raises InvalidArgumentError if the matrices are not square.

    >>> import tapeflow as tf
    >>> tf.linalg.eigh([[2., 0.], [0., 1.]])[0].numpy().tolist()
    [1.0, 2.0]
    """
    return _eigh_of(tensor)


def eigvalsh(tensor, name=None):
    """The eigenvalues of self-adjoint matrices, in ascending order: see `tf.linalg.eigh`.

    >>> import tapeflow as tf
    >>> tf.linalg.eigvalsh([[2., 0.], [0., 1.]]).numpy().tolist()
    [1.0, 2.0]
    """
    return _eigh_of(tensor)[0]


# Singular values.


def _svd(x, full):
    u, s, vh = np.linalg.svd(x, full_matrices=full)
    return s, u, vh.swapaxes(-1, -2).conj()


def _svd_vjp(gs, ys, full):
    gs, gu, gv = gs
    s, u, v = ys
    k = s._shape[-1]
    u, gu = _first_columns(u, gu, k)
    v, gv = _first_columns(v, gv, k)
    s = _as(s, u)
    squares = square(s)
    gaps = reciprocal_no_nan(_rows(squares) - _columns(squares))
    over_s = reciprocal_no_nan(s)
    of_u, of_v = times(u, gu, adjoint_a=True), times(v, gv, adjoint_a=True)
    turn_u, turn_v = gaps * of_u, gaps * of_v
    inner = (
        diag_static(_as(gs, u)) + (turn_u + hermitian(turn_u)) * _rows(s) + _columns(s) * (turn_v + hermitian(turn_v))
    )
    if u.dtype.is_complex:  # the phase that u and v share
        phase = imag(diagonal_static(of_v))
        inner = inner - diag_static(complex_(zeros_like(phase), phase) * over_s)
    found = times(times(u, inner), v, adjoint_b=True)
    if u._shape[-2] > k:
        found = found + times((gu - times(u, of_u)) * _rows(over_s), v, adjoint_b=True)
    if v._shape[-2] > k:
        found = found + times(u * _rows(over_s), gv - times(v, of_v), adjoint_b=True)
    return found


def _first_columns(x, g, k):
    """The first k columns and their cotangent; the others turn with them so as to stay orthogonal."""
    *lead, m, n = x._shape
    if n == k:
        return x, g
    zeros = (0,) * len(lead)
    rest = slice_static(x, (*zeros, 0, k), (*lead, m, n - k))
    g_rest = slice_static(g, (*zeros, 0, k), (*lead, m, n - k))
    x, g = slice_static(x, (*zeros, 0, 0), (*lead, m, k)), slice_static(g, (*zeros, 0, 0), (*lead, m, k))
    return x, g - times(rest, times(g_rest, x, adjoint_a=True))


SVD = widened(
    general(
        "Svd",
        _svd,
        MATRIX,
        _svd_vjp,
        attrs="full",
        many=True,
        batch=lambda x, full: apply(SVD, (x,), (full,)),
    )
)


def _singular_values(x):
    return np.linalg.svd(x, compute_uv=False)


def _singular_values_vjp(g, x):
    _, u, v = apply(SVD, (x,), (False,))
    return times(u * _rows(_as(g, u)), v, adjoint_b=True)


def _singular_values_jvp(dx, x):
    _, u, v = apply(SVD, (x,), (False,))
    return real(diagonal_static(times(times(u, dx, adjoint_a=True), v)))


SINGULAR_VALUES = widened(
    general("SvdValues", _singular_values, MATRIX, _singular_values_vjp, _singular_values_jvp, batch=(2,))
)


def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """The singular values of matrices, in descending order, and the singular vectors: A = u diag(s) v^H.

    Args:
      tensor: a tensor of shape `[..., m, n]`.
      full_matrices: whether u and v are square, or have min(m, n) columns.
      compute_uv: whether to give u and v, or s alone.

    Returns `(s, u, v)`, or s. Raises InvalidArgumentError for less than two dimensions.

    >>> import tapeflow as tf
    >>> tf.linalg.svd([[3., 0.], [0., 4.]], compute_uv=False).numpy().tolist()
    [4.0, 3.0]
    """
    x = convert_to_tensor(tensor)
    check_matrix(SVD, x, square=False)
    if not compute_uv:
        return apply(SINGULAR_VALUES, (x,))
    return tuple(apply(SVD, (x,), (bool(full_matrices),)))


# LU.


def _lu(x, index):
    from scipy.linalg import lapack

    lu, perm = np.empty_like(x), np.empty(x.shape[:-1], index)
    factor = lapack.get_lapack_funcs(("getrf",), (x,))[0]
    for i in np.ndindex(x.shape[:-2]):
        if not x.shape[-1]:
            continue
        lu[i], pivots, _ = factor(x[i])
        order = np.arange(x.shape[-1])
        for row, other in enumerate(pivots):
            order[[row, other]] = order[[other, row]]
        perm[i] = order
        if not (np.abs(np.diagonal(lu[i])) > 0).all():
            raise invalid_argument("Input is not invertible.")
    return lu, perm


LU = missing("Lu", _lu, MATRIX, attrs="index", many=True, batch=lambda x, index: apply(LU, (x,), (index,)))


def lu(input, output_idx_type=int32, name=None):  # noqa: A002 (TensorFlow's name)
    """The LU factors of matrices, with partial pivoting: a pair `(lu, p)`. They have no gradient.

    Args:
      input: a tensor of shape `[..., n, n]`.
      output_idx_type: the dtype of p, int32 or int64.

    Returns the two factors in one matrix (the lower one has ones on its diagonal), and the permutation of the
    rows: `tf.gather(input, p) = l @ u`.

    Raises InvalidArgumentError if a matrix is not square, or not invertible.

    >>> import tapeflow as tf
    >>> factors, p = tf.linalg.lu([[0., 1.], [2., 0.]])
    >>> p.numpy().tolist()
    [1, 0]
    """
    x = convert_to_tensor(input)
    index = as_dtype(output_idx_type)
    if index.name not in ("int32", "int64"):
        raise invalid_argument(
            f"Value for attr 'output_idx_type' of {index._proto} is not in the list of allowed values: "
            "int32, int64\n"
            "\t; NodeDef: {{node Lu}} [Op:Lu] name: "
        )
    check_matrix(LU, x, what="Input tensor")
    return named("Lu", "lu p", apply(LU, (x,), (index._np,)))


# Eigenvalues of any square matrices: complex numbers.


def _eig(x):
    e, v = np.linalg.eig(x)
    kind = np.complex128 if x.dtype in (np.float64, np.complex128) else np.complex64
    return e.astype(kind), v.astype(kind)


def _eig_vjp(gs, ys, x_like):
    ge, gv = gs
    e, v = ys
    of_v = times(v, gv, adjoint_a=True)
    # Of each vector only the direction counts: its length is 1.
    of_v = of_v - times(v, v, adjoint_a=True) * _rows(_real_part(diagonal_static(of_v)))
    inner = diag_static(ge) + conjugate(_gaps(e)) * of_v
    found = apply(SOLVE, (v, times(inner, v, adjoint_b=True)), (True,))
    return found if x_like._dtype.kind == "c" else real(found)


_EIG = (np.dtype(np.float32), np.dtype(np.float64), *COMPLEX)
EIG = general("Eig", _eig, _EIG, _eig_vjp, many=True, batch=lambda x: apply(EIG, (x,)))


def eig(tensor, name=None):
    """The eigenvalues of square matrices and their eigenvectors, a pair of complex tensors.

    Args:
      tensor: a tensor of shape `[..., n, n]`.

    Returns eigenvalues of shape `[..., n]`, in no order, and eigenvectors, the columns of `[..., n, n]`.

    Raises InvalidArgumentError if the matrices are not square.

    >>> import tapeflow as tf
    >>> tf.linalg.eig([[2., 0.], [0., 1.]])[0].numpy().tolist()
    [(2+0j), (1+0j)]
    """
    x = convert_to_tensor(tensor)
    check_matrix(EIG, x)
    return tuple(apply(EIG, (x,)))


def eigvals(tensor, name=None):
    """The eigenvalues of square matrices, complex numbers: see `tf.linalg.eig`.

    >>> import tapeflow as tf
    >>> tf.linalg.eigvals([[2., 0.], [0., 1.]]).numpy().tolist()
    [(2+0j), (1+0j)]
    """
    return eig(tensor)[0]
