"""`tf.linalg`: matrices."""

from tapeflow.ops.clip import global_norm
from tapeflow.ops.creation import eye
from tapeflow.ops.decompositions import cholesky, eig, eigh, eigvals, eigvalsh, logdet, lu, qr, svd
from tapeflow.ops.diagonals import band_part, diag, diag_part, set_diag, tensor_diag, tensor_diag_part, trace
from tapeflow.ops.einsum import einsum
from tapeflow.ops.linalg import (
    adjoint,
    cross,
    expm,
    logm,
    lstsq,
    matrix_rank,
    matrix_transpose,
    norm,
    normalize,
    pinv,
    sqrtm,
)
from tapeflow.ops.matmul import matmul, matvec
from tapeflow.ops.reduce import l2_normalize
from tapeflow.ops.solvers import (
    cholesky_solve,
    det,
    inv,
    lu_matrix_inverse,
    lu_reconstruct,
    lu_solve,
    slogdet,
    solve,
    triangular_solve,
)
from tapeflow.ops.tensordot import tensordot
from tapeflow.ops.tridiagonal import tridiagonal_matmul, tridiagonal_solve
