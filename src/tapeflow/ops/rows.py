"""The kernel of everything that puts rows into an array by number: segments, scatters, the gradients of gathers."""

import numpy as np

MANY = 1 << 18  # elements; above, a sparse matrix product is worth the import of scipy


def put_rows(out, numbers, rows, ufunc):
    """Combine row `numbers[i]` of `out` with `rows[i]`, in place and in order; with None for `ufunc`, replace it.

    `out` is contiguous, of shape `[n, ...]`; `numbers` are in range, of shape `[m]`; `rows` is of shape `[m, ...]`.
    """
    if ufunc is None:
        out[numbers] = rows
        return
    if not rows.size:
        return
    numbers = np.asarray(numbers, np.intp)
    width = rows.size // len(numbers)
    flat = out.reshape(-1)
    if width > 1:
        if ufunc is np.add and rows.size >= MANY and rows.dtype.char in "fdFD":
            _add_many(out.reshape(-1, width), numbers, rows.reshape(-1, width))
            return
        numbers = (numbers[:, None] * width + np.arange(width)).reshape(-1)
    if ufunc is np.divide and rows.dtype.kind in "iu":
        _divide_integers(flat, numbers, rows.reshape(-1))
    else:
        ufunc.at(flat, numbers, rows.reshape(-1))


def _add_many(out, numbers, rows):
    """The rows times the matrix of zeros and ones that says where each goes: four times as quick as `np.add.at`."""
    from scipy.sparse import csc_array

    different, places = np.unique(numbers, return_inverse=True)
    ones = np.ones(len(numbers), rows.dtype)
    where = csc_array((ones, places, np.arange(len(numbers) + 1)), (len(different), len(numbers)))
    out[different] += where @ rows


def _divide_integers(flat, numbers, divisors):
    """Division toward 0, as integers are divided in C."""
    for i, divisor in zip(numbers.tolist(), divisors.tolist(), strict=True):
        quotient = abs(int(flat[i])) // abs(divisor)
        flat[i] = quotient if (flat[i] < 0) == (divisor < 0) else -quotient
