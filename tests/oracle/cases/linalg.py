"""Matrices: products, norms, diagonals, factorisations and solvers.

Factors that are unique only up to a sign or a phase (`qr`, `svd`, eigenvectors) are asked through what is
unique: the product, or the absolute values."""

import numpy as np

from oracle.case import ALL, COMPLEX, FLOATS, NUMBERS, attr, call, case, expr, exprs, spread, t, v

FC = FLOATS + COMPLEX
WIDE = ("float32", "float64", *COMPLEX)
NAN, INF = float("nan"), float("inf")


def regular(dtype, *batch, size=3, seed=0):
    """Square matrices far from singular."""
    x = spread(dtype, (*batch, size, size), -1, 1, seed)
    return t(x.array + np.eye(size, dtype=x.array.dtype) * 3, dtype)


def positive(dtype, *batch, size=3, seed=0):
    """Symmetric (Hermitian) positive definite matrices with distinct eigenvalues."""
    x = spread(dtype, (*batch, size, size), -0.5, 0.5, seed).array
    return t(x + np.conj(np.swapaxes(x, -1, -2)) + np.diag([2.0, 3.5, 5.0][:size]).astype(x.dtype), dtype)


def singular(dtype="float32"):
    return t([[1.0, 2.0], [2.0, 4.0]], dtype)


# Products.
for dtype in (*NUMBERS, "bool", "string"):
    call("tf.linalg.matmul", spread(dtype, (2, 3)), spread(dtype, (3, 2), seed=1), tol="sum")
    call("tf.linalg.matvec", spread(dtype, (2, 3)), spread(dtype, (3,), seed=1), tol="sum")
    call("tf.linalg.tensordot", spread(dtype, (2, 3)), spread(dtype, (3, 2), seed=1), 1, tol="sum")
    call("tf.linalg.einsum", "ij,jk->ik", spread(dtype, (2, 3)), spread(dtype, (3, 2), seed=1), tol="sum")
for left in ("transpose", "adjoint"):
    for right in ("transpose", "adjoint"):
        flags = {f"{left}_a": True, f"{right}_b": True}
        for dtype in ("float32", "complex64"):
            call("tf.linalg.matmul", spread(dtype, (3, 2)), spread(dtype, (4, 3), seed=1), tol="sum", **flags)
            call("tf.linalg.matmul", spread(dtype, (2, 3, 2)), spread(dtype, (2, 4, 3), seed=1), tol="sum",
                **flags)
for flags in ({"transpose_a": True}, {"transpose_b": True}, {"adjoint_a": True}, {"adjoint_b": True},
              {"transpose_a": True, "adjoint_a": True}, {"transpose_b": True, "adjoint_b": True},
                  {"a_is_sparse": True},
              {"b_is_sparse": True}, {"output_type": attr("float32")}, {"output_type": attr("int32")},
                  {"name": "a"}):
    call("tf.linalg.matmul", spread("float32", (3, 3)), spread("float32", (3, 3), seed=1), tol="sum", **flags)
for left, right in (((1, 3), (3, 1)), ((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2,
    1, 2, 3), (3, 3, 1)),
                    ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0, 2, 3), (3, 2)), ((2, 3), (2, 3)), ((2, 2, 3), (3,
                        3, 2)), ((3,), (3, 2)),
                    ((2, 3), (3,)), ((), (2, 2)), ((3,), (3,)), ((1, 2, 2), (5, 2, 2))):
    call("tf.linalg.matmul", spread("float32", left), spread("float32", right, seed=1), tol="sum")
call("tf.linalg.matmul", spread("int8", (2, 3)), spread("int8", (3, 2)), output_type=attr("int32"))
call("tf.linalg.matmul", spread("float32", (2, 2)), spread("float64", (2, 2)))
call("tf.linalg.matmul", spread("float32", (2, 2)), [[1.0, 2.0], [3.0, 4.0]], tol="sum")
call("tf.linalg.matmul", [[1, 2], [3, 4]], [[1, 0], [0, 1]])
call("tf.linalg.matmul", [[1.0, 2.0], [3.0, 4.0]], spread("float32", (2, 2)), tol="sum")
call("tf.linalg.matmul", spread("int32", (2, 2)), [[1.5, 2.0], [3.0, 4.0]])
call("tf.linalg.matmul", v([[1.0, 2.0]]), v([[3.0], [4.0]]))
call("tf.linalg.matmul", t([[INF, 0.0], [NAN, 1.0]]), t([[1.0, 0.0], [0.0, 1.0]]), tag="edge")
call("tf.linalg.matmul", "a", "b")
call("tf.linalg.matmul", 1.0, 2.0)
for flags in ({"transpose_a": True}, {"adjoint_a": True}, {"transpose_a": True, "adjoint_a": True},
    {"a_is_sparse": True}, {"name": "a"}):
    for dtype in ("float32", "complex64"):
        call("tf.linalg.matvec", spread(dtype, (3, 3)), spread(dtype, (3,), seed=1), tol="sum", **flags)
for left, right in (((2, 2, 3), (2, 3)), ((2, 2, 3), (3,)), ((2, 3), (4, 3)), ((2, 3), (2,)), ((3,), (3,)),
    ((2, 3), ()), ((2, 0), (0,))):
    call("tf.linalg.matvec", spread("float32", left), spread("float32", right, seed=1), tol="sum")
for left, right, axes in (((2, 3), (3, 2), 1), ((2, 3), (2, 3), 2), ((2, 3), (4, 2), 0), ((2, 3), (3, 2),
    [[1], [0]]), ((2, 3), (4, 2), [[0], [1]]),
                          ((2, 3, 4), (4, 3), [[1, 2], [1, 0]]), ((2, 3), (3, 2), [1, 0]), ((2, 3), (3, 2),
                              (1, 0)), ((2, 3), (3, 2), [[0, 1], [1, 0]]),
                          ((3,), (3,), 1), ((2, 3), (2, 3), 1), ((2, 3), (3, 2), 3), ((2, 3), (3, 2), [[1, 0],
                              [0]]), ((2, 3), (3, 2), [[-1], [0]]),
                          ((), (2,), 0), ((2, 3), (3, 2), "a"), ((2, 3), (3, 2), [1]), ((2, 3), (3, 2), -1),
                              ((0, 3), (3, 2), 1)):
    call("tf.linalg.tensordot", spread("float32", left), spread("float32", right, seed=1), axes, tol="sum")
call("tf.linalg.tensordot", spread("float32", (2, 3)), spread("float32", (3, 2)), t([[1], [0]]), tol="sum")
call("tf.linalg.tensordot", [1.0, 2.0], [3.0, 4.0], 1, name="a")
call("tf.linalg.tensordot", spread("float32", (2,)), spread("int32", (2,)), 1)
for equation, *shapes in (("ii->i", (3, 3)), ("ii->", (3, 3)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j",
    (2, 3)), ("ij", (2, 3)), ("ji", (2, 3)), ("i,i->", (3,), (3,)),
                          ("i,j->ij", (2,), (3,)), ("ij,jk", (2, 3), (3, 2)), ("bij,bjk->bik", (2, 2, 3), (2,
                              3, 2)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("...ij->...ji", (2, 3, 1)),
                          ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("i,i,i->i", (3,), (3,), (3,)),
                              ("ij,ij->", (2, 3), (2, 3)), ("iij->ij", (2, 2, 3)), ("ab,bc->ca", (2, 3), (3,
                              2)), (" ij , jk -> ik ", (2, 3), (3, 2)),
                          ("ij,kj->ik", (2, 3), (4, 3)), ("->", ()), (",->", (), ()), ("i->", (0,)),
                              ("...,...->...", (2, 3), (3,)), ("ijk,ilm,njm,nlk,abc->", (2, 3, 2), (2, 2, 2),
                              (2, 3, 2), (2, 2, 2), (2, 2, 2)),
                          ("ij,jk->ik", (2, 3), (2, 3)), ("ij,jk->ik", (2, 3)), ("ij,jk->im", (2, 3), (3, 2)),
                              ("ij->k", (2, 3)), ("i", (2, 3)), ("ij->ii", (2, 3)), ("ij-ji", (2, 3)),
                              ("i1->i", (2, 2)), ("ij->i->j", (2, 3)),
                          ("ii->i", (2, 3)), ("ij,j...->i...", (2, 3), (3, 2)), ("bhqd,bhkd->bhqk", (1, 2, 2,
                              2), (1, 2, 3, 2)), ("i...->...", (2, 3))):
    call("tf.linalg.einsum", equation, *[spread("float32", shape, seed=k) for k, shape in enumerate(shapes)],
        tol="sum")
exprs("tf.linalg.einsum", """
    tf.einsum('ij,jk->ik', x, x, optimize='greedy'); tf.einsum('ij,jk->ik', x, x, optimize='optimal');
    tf.einsum('ij,jk->ik', x, x, name='a');
    tf.einsum('ij,jk->ik', x, x, optimize=False); tf.einsum('ij,jk->ik', x, x, what=1);
    tf.einsum('ij,jk->ik', x, tf.cast(x, tf.float64))
""", x=spread("float32", (2, 2)), tol="sum")
for dtype in NUMBERS:
    call("tf.linalg.cross", spread(dtype, (2, 3)), spread(dtype, (2, 3), seed=1), tol="sum")
call("tf.linalg.cross", [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
call("tf.linalg.cross", spread("float32", (2,)), spread("float32", (2,)))
call("tf.linalg.cross", spread("float32", (3,)), spread("float32", (2, 3)))
call("tf.linalg.cross", spread("float32", (0, 3)), spread("float32", (0, 3)))
call("tf.linalg.cross", spread("float32", ()), spread("float32", ()))

# Norms.
for symbol in ("norm", "normalize"):
    for dtype in (*FC, "int32", "bool", "string"):
        call(f"tf.linalg.{symbol}", spread(dtype, (2, 3)), tol="sum")
    for order in ("euclidean", 1, 2, 3, 1.5, INF, "fro", 0.5, -1, 0, "no", np.inf):
        call(f"tf.linalg.{symbol}", spread("float32", (2, 3)), order, tol="sum")
        call(f"tf.linalg.{symbol}", spread("float32", (2, 3)), order, axis=1, tol="sum")
        call(f"tf.linalg.{symbol}", spread("float32", (2, 3)), order, axis=[0, 1], tol="linalg")
    for axis in (0, -1, [0, 1], (1, 2), [-2, -1], 3, [0, 1, 2], [1], [0, 0], "a"):
        call(f"tf.linalg.{symbol}", spread("float32", (2, 3, 2)), axis=axis, tol="sum")
    call(f"tf.linalg.{symbol}", t([0.0, 0.0]), tag="zeros")
    call(f"tf.linalg.{symbol}", t([0.0, 0.0]), 1, tag="zeros-1")
    call(f"tf.linalg.{symbol}", t([0.0, 0.0]), INF, tag="zeros-inf")
    call(f"tf.linalg.{symbol}", t([0.0, 0.0]), 3, tag="zeros-3")
    call(f"tf.linalg.{symbol}", t([3.0, -4.0, 4.0]), INF, tag="ties-inf")
    call(f"tf.linalg.{symbol}", t([3.0, -4.0, 0.0]), 1, tag="kink-1")
    call(f"tf.linalg.{symbol}", [3.0, 4.0], name="a")
    call(f"tf.linalg.{symbol}", t(-3.0))
    call(f"tf.linalg.{symbol}", spread("complex64", (2, 2)), 1, tol="sum")
    call(f"tf.linalg.{symbol}", spread("float32", (0,)))
for keepdims in (True, False):
    call("tf.linalg.norm", spread("float32", (2, 3)), keepdims=keepdims, tol="sum")
    call("tf.linalg.norm", spread("float32", (2, 3)), axis=1, keepdims=keepdims, tol="sum")
for dtype in (*FC, "int32"):
    call("tf.linalg.global_norm", [spread(dtype, (2,)), spread(dtype, (2, 2), seed=1)], tol="sum")
exprs("tf.linalg.global_norm", """
    tf.linalg.global_norm([x, x]); tf.linalg.global_norm([x, None]); tf.linalg.global_norm([]);
    tf.linalg.global_norm(x); tf.linalg.global_norm([[3., 4.]]);
    tf.linalg.global_norm([tf.IndexedSlices(x, [1, 0], [4])]); tf.linalg.global_norm([x * 0.]);
    tf.linalg.global_norm([None]); tf.linalg.global_norm((x,), name='a');
    tf.linalg.global_norm(3.); tf.linalg.global_norm([x, tf.cast(x, tf.float64)])
""", x=t([3.0, 4.0]), tol="sum")

# Transposes, bands and diagonals.
for dtype in ALL:
    call("tf.linalg.matrix_transpose", spread(dtype, (2, 2, 3)), tol="exact")
    call("tf.linalg.adjoint", spread(dtype, (2, 2, 3)), tol="exact")
    call("tf.linalg.band_part", spread(dtype, (3, 3)), 1, 0, tol="exact")
    call("tf.linalg.diag", spread(dtype, (2, 2)), tol="exact")
    call("tf.linalg.diag_part", spread(dtype, (2, 2, 3)), tol="exact")
    call("tf.linalg.set_diag", spread(dtype, (2, 2, 3)), spread(dtype, (2, 2), seed=1), tol="exact")
    call("tf.linalg.tensor_diag", spread(dtype, (3,)), tol="exact")
    call("tf.linalg.tensor_diag_part", spread(dtype, (3, 3)), tol="exact")
    call("tf.linalg.trace", spread(dtype, (2, 3, 3)), tol="sum")
for symbol in ("matrix_transpose", "adjoint", "trace", "diag_part", "tensor_diag_part", "diag",
    "tensor_diag"):
    for shape in ((2,), (), (2, 3), (0, 0), (2, 0, 2), (2, 2, 2, 2)):
        call(f"tf.linalg.{symbol}", spread("float32", shape), tol="sum")
    call(f"tf.linalg.{symbol}", [[1.0, 2.0], [3.0, 4.0]], name="a")
call("tf.linalg.matrix_transpose", spread("complex64", (2, 3)), conjugate=True)
for lower, upper in ((0, 0), (-1, 0), (0, -1), (-1, -1), (1, 1), (2, 1), (5, 0), (-2, 0), (t(1), t(0)), (t(1,
    "int64"), t(0, "int64")), (0.5, 0)):
    call("tf.linalg.band_part", spread("float32", (3, 4)), lower, upper, tol="exact")
call("tf.linalg.band_part", spread("float32", (3,)), 0, 0)
for kwargs in ({"k": 1}, {"k": -1}, {"k": (-1, 0)}, {"k": (0, 1)}, {"num_rows": 4}, {"num_rows": 3,
    "num_cols": 5}, {"padding_value": 9}, {"k": 1, "num_rows": 3, "num_cols": 4}, {"num_rows": 2},
               {"num_rows": 5, "num_cols": 5, "k": 1}, {"k": "a"}):
    call("tf.linalg.diag", spread("float32", (3,)), tol="exact", **kwargs)
    call("tf.linalg.diag", spread("float32", (2, 3)), tol="exact", tag=f"rows-{kwargs}", **kwargs)
for align in ("LEFT_LEFT", "RIGHT_LEFT", "LEFT_RIGHT", "RIGHT_RIGHT", "UP"):
    call("tf.linalg.diag", spread("float32", (3, 3)), k=(-1, 1), align=align, tol="exact")
    call("tf.linalg.diag_part", spread("float32", (3, 4)), k=(-1, 1), align=align, tol="exact")
    call("tf.linalg.set_diag", spread("float32", (3, 3)), spread("float32", (3, 3), seed=1), k=(-1, 1),
        align=align, tol="exact")
for kwargs in ({"k": 1}, {"k": -1}, {"k": (0, 1)}, {"k": (-2, 2), "padding_value": 7}, {"k": 5}, {"k": (1,
    0)}, {"k": -3}, {"k": (-1, 0), "padding_value": -1}):
    call("tf.linalg.diag_part", spread("float32", (3, 4)), tol="exact", **kwargs)
call("tf.linalg.set_diag", spread("float32", (3, 3)), spread("float32", (2,)), k=1)
call("tf.linalg.set_diag", spread("float32", (3, 3)), spread("float32", (2,)))
call("tf.linalg.set_diag", spread("float32", (3,)), spread("float32", (3,)))
call("tf.linalg.set_diag", spread("float32", (3, 3)), spread("float64", (3,)))
call("tf.linalg.set_diag", spread("float32", (3, 3)), [1.0, 2.0, 3.0], "name")
call("tf.linalg.tensor_diag", spread("float32", (2, 2)))

# Factorisations: what is unique.
for dtype in (*FC, "int32"):
    for symbol in ("det", "logdet", "slogdet", "inv", "cholesky", "expm"):
        kind = positive if symbol in ("logdet", "cholesky") else regular
        call(f"tf.linalg.{symbol}", kind(dtype, 2), tol="linalg", tag=f"{dtype}")
    call("tf.linalg.solve", regular(dtype, 2), spread(dtype, (2, 3, 2), seed=1), tol="linalg")
    call("tf.linalg.lu", regular(dtype), tol="linalg")
    if dtype != "bfloat16":
        call("tf.linalg.pinv", spread(dtype, (3, 2)), tol="linalg")
    call("tf.linalg.lstsq", spread(dtype, (3, 2)), spread(dtype, (3, 1), seed=1), tol="linalg")
    call("tf.linalg.triangular_solve", t(np.tril(regular(dtype).array), dtype), spread(dtype, (3, 2), seed=1),
        tol="linalg")
    call("tf.linalg.cholesky_solve", t(np.tril(regular(dtype).array), dtype), spread(dtype, (3, 2), seed=1),
        tol="linalg")
for symbol in ("det", "logdet", "slogdet", "inv", "cholesky", "expm", "lu", "pinv"):
    for shape in ((2,), (), (2, 3), (0, 0), (0, 2, 2)):
        call(f"tf.linalg.{symbol}", spread("float32", shape), tol="linalg")
    call(f"tf.linalg.{symbol}", positive("float32", size=1), tag="one", tol="linalg")
    call(f"tf.linalg.{symbol}", positive("float64", size=2), tag="two", tol="linalg")
    call(f"tf.linalg.{symbol}", [[4.0, 1.0], [1.0, 3.0]], name="a", tol="linalg")
    if symbol not in ("pinv",):
        call(f"tf.linalg.{symbol}", t([[2.0, 0.0], [0.0, 2.0]]), tag="equal", tol="linalg")
        call(f"tf.linalg.{symbol}", t([[NAN, 1.0], [1.0, 2.0]]), tag="nan", tol="linalg")
for symbol in ("det", "slogdet", "inv", "lu", "expm"):
    call(f"tf.linalg.{symbol}", singular("float64"), tag="singular", tol="linalg")
    call(f"tf.linalg.{symbol}", t([[0.0, 0.0], [0.0, 0.0]]), tag="zero", tol="linalg")
call("tf.linalg.det", t([[-1.0, 0.0], [0.0, 2.0]]), tag="negative")
call("tf.linalg.slogdet", t([[-1.0, 0.0], [0.0, 2.0]]), tag="negative")
for x in (t([[1.0, 2.0], [2.0, 1.0]]), t([[0.0, 0.0], [0.0, 0.0]]),
    singular("float64")):  # the rest is not initialised
    expr("tf.linalg.cholesky", "tf.math.is_nan(tf.linalg.cholesky(x)[0, 0])", x=x, grad=False)
call("tf.linalg.cholesky", t([[4.0, 99.0], [1.0, 3.0]]), tag="lower-only", tol="linalg")
call("tf.linalg.inv", regular("complex64"), adjoint=True, tol="linalg")
call("tf.linalg.inv", regular("float32"), adjoint=True, tol="linalg")
call("tf.linalg.lu", regular("float32"), attr("int64"), tol="linalg")
call("tf.linalg.lu", regular("float32"), output_idx_type=attr("float32"))
call("tf.linalg.lu", t([[0.0, 1.0], [1.0, 0.0]]), tag="pivot")
call("tf.linalg.lu", regular("float32", 2), tag="batch", tol="linalg")
call("tf.linalg.pinv", spread("float32", (2, 3)), rcond=0.5, tol="linalg")
call("tf.linalg.pinv", spread("float64", (2, 3, 2)), tol="linalg")
call("tf.linalg.pinv", t([[1.0, 2.0], [2.0, 4.0]]), grad=False, tag="singular", tol="linalg")
call("tf.linalg.pinv", spread("float32", (2, 3)), validate_args=True, tol="linalg")
for matrix, rhs in (((3, 3), (3,)), ((3, 3), (2, 1)), ((2, 3), (2, 1)), ((2, 3, 3), (3, 1)), ((0, 0), (0, 2)),
    ((3, 3), (3, 0)), ((2, 3, 3), (3, 3, 1))):
    left = regular("float32", *matrix[:-2]) if matrix[-2:] == (3, 3) else spread("float32", matrix)
    call("tf.linalg.solve", left, spread("float32", rhs), tol="linalg")
    call("tf.linalg.triangular_solve", left, spread("float32", rhs), tol="linalg")
    call("tf.linalg.cholesky_solve", left, spread("float32", rhs), tol="linalg")
    call("tf.linalg.lstsq", left, spread("float32", rhs), tol="linalg")
for dtype in ("float32", "complex64"):
    call("tf.linalg.solve", regular(dtype), spread(dtype, (3, 2)), adjoint=True, tol="linalg")
    for lower in (True, False):
        for adjoint in (True, False):
            call("tf.linalg.triangular_solve", regular(dtype), spread(dtype, (3, 2)), lower=lower,
                adjoint=adjoint, tol="linalg")
call("tf.linalg.triangular_solve", regular("float32", 2), spread("float32", (3, 2)), tag="batch-broadcast",
    tol="linalg")
call("tf.linalg.solve", singular(), spread("float32", (2, 1)))
call("tf.linalg.triangular_solve", t([[1.0, 0.0], [1.0, 0.0]]), spread("float32", (2, 1)))
call("tf.linalg.solve", regular("float32"), spread("float64", (3, 1)))
call("tf.linalg.cholesky_solve", t(np.tril(regular("float32", 2).array), "float32"), spread("float32", (2, 3,
    1)), tag="batch", tol="linalg")
for kwargs in ({"l2_regularizer": 0.5}, {"fast": False}, {"l2_regularizer": 0.5, "fast": True},
    {"name": "a"}):
    for shape in ((3, 2), (2, 3), (2, 3, 2)):
        call("tf.linalg.lstsq", spread("float64", shape), spread("float64", (*shape[:-1], 1), seed=1),
            tol="loose", **kwargs)

MATRICES = [positive("float32"), positive("float64", 2), positive("complex64"), spread("float32", (3, 2)),
    spread("float64", (2, 2, 3)), spread("complex128", (2, 3)), spread("float32", (1, 1)),
            spread("float32", (3, 0)), spread("float64", (0, 2, 3))]
for x in MATRICES:
    call("tf.linalg.qr", x, grad=False, tag=f"shapes-{x!r}") if x.array.size == 0 else None
    expr("tf.linalg.qr", "tf.matmul(*tf.linalg.qr(x))", x=x, tol="linalg", grad=False)
    expr("tf.linalg.qr", "tf.abs(tf.linalg.qr(x).r)", x=x, tol="linalg")
    expr("tf.linalg.qr", "tf.abs(tf.linalg.qr(x, full_matrices=True).q)", x=x, tol="linalg", grad=False)
    expr("tf.linalg.svd", "tf.linalg.svd(x, compute_uv=False)", x=x, tol="linalg")
    expr("tf.linalg.svd", "tf.linalg.svd(x)[0]", x=x, tol="linalg")
    expr("tf.linalg.svd", "[tf.abs(part) for part in tf.linalg.svd(x)]", x=x, tol="linalg")
    expr("tf.linalg.svd", "[part.shape for part in tf.linalg.svd(x, full_matrices=True)]", x=x, grad=False)
    expr("tf.linalg.svd",
        "(lambda s, u, v: (u * tf.cast(s, u.dtype)[..., None, :]) @ tf.linalg.adjoint(v))(*tf.linalg.svd(x))",
        x=x, tol="linalg", grad=False)
for x in (positive("float32"), positive("float64", 2), positive("complex64"), positive("complex128"),
    positive("float32", size=1), spread("float32", (0, 0)), positive("float64", size=2)):
    expr("tf.linalg.eigh", "tf.linalg.eigh(x)[0]", x=x, tol="linalg")
    expr("tf.linalg.eigh", "tf.abs(tf.linalg.eigh(x)[1])", x=x, tol="linalg")
    expr("tf.linalg.eigh",
        "(lambda e, w: (w * tf.cast(e, w.dtype)[..., None, :]) @ tf.linalg.adjoint(w))(*tf.linalg.eigh(x))",
        x=x, tol="linalg")
for symbol in ("qr", "svd", "eigh"):
    for shape in ((2,), (), *(((2, 3),) if symbol == "eigh" else ())):
        call(f"tf.linalg.{symbol}", spread("float32", shape))
    for dtype in ("int32", "float16", "string"):
        call(f"tf.linalg.{symbol}", spread(dtype, (2, 2)), grad=False)
expr("tf.linalg.eigh", "tf.linalg.eigh(x)[0]", x=t([[2.0, 99.0], [1.0, 3.0]]), tag="lower-only", tol="linalg")
exprs("tf.linalg.svd", "tf.linalg.svd(x, compute_uv=False)", x=t([[1.0, 0.0], [0.0, 1.0]]), tol="linalg")

DIAGONALS = spread("float64", (3, 4), 0.1, 1).array + np.array([[0.0], [4.0], [0.0]])
for dtype in (*WIDE, "int32"):
    call("tf.linalg.tridiagonal_solve", t(DIAGONALS, dtype), spread(dtype, (4, 2)), tol="linalg")
    call("tf.linalg.tridiagonal_solve", t(DIAGONALS, dtype), spread(dtype, (4,)), tol="linalg")
for kwargs in ({"partial_pivoting": False}, {"transpose_rhs": True}, {"conjugate_rhs": True},
    {"diagonals_format": "sequence"}, {"diagonals_format": "no"}, {"perturb_singular": True}, {"name": "a"}):
    call("tf.linalg.tridiagonal_solve", t(DIAGONALS), spread("float32", (4, 4)), tol="linalg", **kwargs)
call("tf.linalg.tridiagonal_solve", [t([1.0, 0.5]), t([4.0, 5.0, 6.0]), t([0.5, 1.0])], spread("float32", (3,
    )), "sequence", tol="linalg")
call("tf.linalg.tridiagonal_solve", t([[1.0, 0.5, 0.0], [4.0, 5.0, 6.0], [0.0, 0.5, 1.0]]), spread("float32",
    (3,)), "compact", tol="linalg")
call("tf.linalg.tridiagonal_solve", t(np.eye(3) + np.diag([1.0, 1], 1) + 3 * np.eye(3)), spread("float32", (3,
    )), diagonals_format="matrix", tol="linalg")
call("tf.linalg.tridiagonal_solve", t(DIAGONALS), spread("float32", (3, 1)))
call("tf.linalg.tridiagonal_solve", t([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), spread("float32", (2, 1)),
    tag="singular")
call("tf.linalg.tridiagonal_solve", t(np.stack([DIAGONALS, DIAGONALS])), spread("float32", (2, 4, 1)),
    tag="batch", tol="linalg")


@case("tf.linalg.eigh", tol="linalg")
def eigh_is_a_tuple(tf):
    found = tf.linalg.eigh([[2.0, 0.0], [0.0, 1.0]])
    return type(found).__name__, len(found), found[0]


@case("tf.linalg.qr", "tf.linalg.svd", "tf.linalg.lu", "tf.linalg.slogdet")
def named_results(tf):
    x = tf.constant([[2.0, 0.0], [1.0, 3.0]])
    return [type(y).__name__ for y in (tf.linalg.qr(x), tf.linalg.svd(x), tf.linalg.lu(x),
        tf.linalg.slogdet(x))]


