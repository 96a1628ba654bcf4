"""Equations and products with tridiagonal matrices, given by their three diagonals.

The diagonals are the rows of a `[..., 3, n]` tensor: above the main one (its last element is not used), the
main one, and below it (its first element is not used).
"""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply, mismatch, not_allowed
from tapeflow.engine.dtypes import COMPLEX, FLOAT
from tapeflow.engine.primitive import general
from tapeflow.ops.diagonals import diag_part
from tapeflow.ops.indexing import slice_static
from tapeflow.ops.linalg import matrix_transpose
from tapeflow.ops.matmul import conjugate
from tapeflow.ops.reduce import sum_axes
from tapeflow.ops.shaping import concat, reshape_static
from tapeflow.ops.sized import sized
from tapeflow.ops.space import zeros

_DTYPES = (FLOAT[3], FLOAT[2], *COMPLEX)


def _tridiagonal_solve(diagonals, rhs):
    """By elimination with exchanges of neighbouring rows (LAPACK's gtsv)."""
    from scipy.linalg import lapack

    solve = lapack.get_lapack_funcs(("gtsv",), (diagonals, rhs))[0]
    out = np.empty(rhs.shape, rhs.dtype)
    for i in np.ndindex(rhs.shape[:-2]):
        if rhs[i].size:
            upper, main, lower = diagonals[i]
            *_, out[i], info = solve(lower[1:], main, upper[:-1], rhs[i])
            if info > 0:
                out[i] = np.nan
    return out


def _transposed(diagonals):
    """The diagonals of the conjugate transposes."""
    upper, main, lower = _split(conjugate(diagonals))
    return _join(_moved(lower, 1), main, _moved(upper, -1))


def _split(diagonals):
    """The three rows, each of shape `[..., 1, n]`."""
    *lead, _, n = diagonals._shape
    zeros = (0,) * len(lead)
    return [slice_static(diagonals, (*zeros, i, 0), (*lead, 1, n)) for i in range(3)]


def _join(upper, main, lower):
    return concat([upper, main, lower], len(main._shape) - 2)


def _moved(x, by, axis=-1):
    """`x` moved along an axis, by 1 to the start or by -1 to the end, with a zero put in."""
    axis %= len(x._shape)
    shape = list(x._shape)
    if not shape[axis]:
        return x
    shape[axis] -= 1
    begin = [0] * len(shape)
    begin[axis] = max(by, 0)
    rest = slice_static(x, tuple(begin), tuple(shape))
    shape[axis] = 1
    blank = zeros(shape, x._dtype)
    return concat([rest, blank] if by > 0 else [blank, rest], axis)


def _product(diagonals, x):
    """The tridiagonal matrix times `x`."""
    upper, main, lower = [reshape_static(d, (*d._shape[:-2], d._shape[-1], 1)) for d in _split(diagonals)]
    return upper * _moved(x, 1, -2) + main * x + lower * _moved(x, -1, -2)


def _tridiagonal_solve_vjp(g, diagonals, y):
    of_rhs = apply(TRIDIAGONAL_SOLVE, (_transposed(diagonals), g))
    y = conjugate(y)
    rows = [_sum_of_product(of_rhs, y_row) for y_row in (_moved(y, 1, -2), y, _moved(y, -1, -2))]
    return -_join(*rows), of_rhs


def _sum_of_product(a, b):
    total = sum_axes(a * b, (len(a._shape) - 1,))
    return reshape_static(total, (*total._shape[:-1], 1, total._shape[-1]))


TRIDIAGONAL_SOLVE = general(
    "TridiagonalSolve", _tridiagonal_solve, _DTYPES, _tridiagonal_solve_vjp,
    lambda ddiagonals, drhs, diagonals, y: apply(TRIDIAGONAL_SOLVE, (diagonals, drhs - _product(ddiagonals,
    y))), operands="diagonals rhs", batch=lambda diagonals, rhs: apply(TRIDIAGONAL_SOLVE, (diagonals, rhs)),
)  # fmt: skip


def _compact(diagonals, diagonals_format):
    """The diagonals in the compact format, from any of the three."""
    if diagonals_format == "compact":
        return convert_to_tensor(diagonals)
    if diagonals_format == "sequence":
        if not isinstance(diagonals, (tuple, list)) or len(diagonals) != 3:
            raise ValueError("Expected diagonals to be a sequence of length 3.")
        upper, main, lower = [convert_to_tensor(d) for d in diagonals]
        n = main._shape[-1]
        rows = [_fitted(upper, n, False), main, _fitted(lower, n, True)]
        return _join(*[reshape_static(d, (*d._shape[:-1], 1, n)) for d in rows])
    if diagonals_format == "matrix":
        x = convert_to_tensor(diagonals)
        if len(x._shape) < 2 or x._shape[-1] != x._shape[-2]:
            raise ValueError(f"Expected last two dimensions of diagonals to be same, got shape {x.shape}")
        return diag_part(x, k=(-1, 1), align="LEFT_RIGHT")
    raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")


def _fitted(x, n, at_start):
    """A diagonal of n - 1 elements with a zero put in; one of n elements as it is."""
    if x._shape[-1] == n:
        return x
    if x._shape[-1] != n - 1:
        raise ValueError(
            f"Expected the diagonals beside the main one to have {n} or {n - 1} elements, got shape {x.shape}"
        )
    blank = zeros((*x._shape[:-1], 1), x._dtype)
    return concat([blank, x] if at_start else [x, blank], len(x._shape) - 1)


@sized
def tridiagonal_solve(
    diagonals,
    rhs,
    diagonals_format="compact",
    transpose_rhs=False,
    conjugate_rhs=False,
    name=None,
    partial_pivoting=True,
    perturb_singular=False,
):
    """The solution X of `A @ X = rhs` for tridiagonal matrices A.

    Args:
      diagonals: by `diagonals_format`: a tensor of shape `[..., 3, n]` ("compact": see the module), a list of
        three tensors ("sequence"; those beside the main diagonal have n or n - 1 elements), or `[..., n, n]`
        ("matrix").
      rhs: a tensor of the same dtype, of shape `[..., n]` or `[..., n, k]`.
      diagonals_format: "compact", "sequence" or "matrix".
      transpose_rhs, conjugate_rhs: whether to transpose, conjugate `rhs` first (if it is of matrices).
      partial_pivoting: not used: rows are exchanged as needed.
      perturb_singular: not used.

    Returns a tensor of the shape of `rhs`, not a number where a matrix is singular.

    Raises ValueError if the shapes or the format do not fit.

    >>> import tapeflow as tf
    >>> tf.linalg.tridiagonal_solve([[0., 0.], [2., 4.], [0., 0.]], [1., 1.]).numpy().tolist()
    [0.5, 0.25]
    """
    compact = _compact(diagonals, diagonals_format)
    b = convert_to_tensor(rhs, dtype_hint=compact.dtype)
    if compact._dtype not in TRIDIAGONAL_SOLVE.kernels:
        raise not_allowed(TRIDIAGONAL_SOLVE, compact._dtype)
    if len(compact._shape) < 2 or compact._shape[-2] != 3:
        raise invalid_argument(f"Expected diagonals to have 3 rows, got shape {compact.shape} [Op:TridiagonalSolve]")
    n = compact._shape[-1]
    of_vectors = len(b._shape) == len(compact._shape) - 1
    if of_vectors:
        b = reshape_static(b, (*b._shape, 1))
    elif transpose_rhs:
        b = matrix_transpose(b)
    if conjugate_rhs:
        b = conjugate(b)
    if len(b._shape) != len(compact._shape):
        raise ValueError(
            f"Expected the rank of rhs to be {len(compact._shape)} or {len(compact._shape) - 1}, got shape {rhs.shape}"
        )
    if b._shape[-2] != n:
        raise ValueError(
            f"Expected number of left-hand sided and right-hand sides to be equal, got {n} and {b._shape[-2]}"
        )
    if differ(compact._shape[:-2], b._shape[:-2]):
        raise ValueError(f"Batch shapes {compact.shape[:-2]} and {b.shape[:-2]} are not the same")
    if compact._dtype != b._dtype:
        raise mismatch(TRIDIAGONAL_SOLVE, 1, compact._dtype, b._dtype)
    found = apply(TRIDIAGONAL_SOLVE, (compact, b))
    return reshape_static(found, found._shape[:-1]) if of_vectors else found


def tridiagonal_matmul(diagonals, rhs, diagonals_format="compact", name=None):
    """The product of tridiagonal matrices with `rhs`.

    Args:
      diagonals: as for `tf.linalg.tridiagonal_solve`.
      rhs: a tensor of the same dtype, of shape `[..., n, k]`.
      diagonals_format: "compact", "sequence" or "matrix".

    >>> import tapeflow as tf
    >>> tf.linalg.tridiagonal_matmul([[1., 0.], [2., 4.], [0., 0.]], [[1.], [1.]]).numpy().tolist()
    [[3.0], [4.0]]
    """
    compact = _compact(diagonals, diagonals_format)
    b = convert_to_tensor(rhs, dtype_hint=compact.dtype)
    return _product(compact, b)
