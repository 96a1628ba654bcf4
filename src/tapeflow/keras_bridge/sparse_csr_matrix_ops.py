"""Stands for `tensorflow.python.ops.linalg.sparse.sparse_csr_matrix_ops`: there are no sparse matrices."""


def sparse_tensor_to_csr_sparse_matrix(*args, **kwargs):
    """Raises NotImplementedError."""
    raise NotImplementedError("Tapeflow has no sparse tensors: use dense ones.")


sparse_matrix_sparse_mat_mul = csr_sparse_matrix_to_sparse_tensor = sparse_tensor_to_csr_sparse_matrix
