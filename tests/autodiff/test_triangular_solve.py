"""One matrix is solved by LAPACK, several by substitution over all of them: they agree."""

import numpy as np
import pytest

import tapeflow as tf


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_one_matrix_and_several(dtype, lower, adjoint):
    random = np.random.default_rng(0)
    a, b = random.standard_normal((12, 12)) + 5 * np.eye(12), random.standard_normal((12, 3))
    if dtype.startswith("complex"):
        a, b = a + 1j * random.standard_normal((12, 12)), b * 1j
    a, b = a.astype(dtype), b.astype(dtype)
    one = tf.linalg.triangular_solve(a, b, lower, adjoint).numpy()
    (several,) = tf.linalg.triangular_solve(a[None], b[None], lower, adjoint).numpy()
    triangle = np.tril(a) if lower else np.triu(a)
    tolerance = 1e-5 if dtype in ("float32", "complex64") else 1e-13
    np.testing.assert_allclose(one, several, atol=tolerance)
    np.testing.assert_allclose((triangle.conj().T if adjoint else triangle) @ one, b, atol=10 * tolerance)


def test_a_singular_matrix_gives_infinity():
    a = np.eye(10)
    a[3, 3] = 0
    assert np.isinf(tf.linalg.triangular_solve(a, np.ones((10, 1))).numpy()[3, 0])
