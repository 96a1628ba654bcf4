"""Bands and diagonals of matrices, the two innermost dimensions of a tensor.

Several diagonals together are the rows of a matrix, the highest first, each as long as the longest: shorter
ones are padded at one end. `align` says at which: "RIGHT_LEFT" has those above the main diagonal flush right
and those below flush left.
"""

from math import prod

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import differ
from tapeflow.core.errors import NotFoundError, invalid_argument
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply, bracketed, mismatch
from tapeflow.engine.dtypes import COMPLEX, FLOAT, SIGNED
from tapeflow.engine.primitive import linear
from tapeflow.ops.compare import where
from tapeflow.ops.reduce import reduce_sum
from tapeflow.ops.shaping import reshape_static
from tapeflow.ops.sized import sized
from tapeflow.ops.space import zeros_like
from tapeflow.ops.static import ints

# Attributes: `band`, the (lowest, highest) diagonal; `left`, whether those above and below are flush left.

ALIGNMENTS = {
    "LEFT_RIGHT": (True, False), "RIGHT_LEFT": (False, True),
    "LEFT_LEFT": (True, True), "RIGHT_RIGHT": (False, False),
}  # fmt: skip


def _length(rows, columns, d):
    """How long the diagonal `d` of a matrix is."""
    return max(min(rows + min(d, 0), columns - max(d, 0)), 0)


def _pieces(rows, columns, band, left):
    """(row among the diagonals, diagonal, where in that row it starts, where it ends), of each diagonal."""
    lowest, highest = band
    longest = _longest(rows, columns, band)
    for i, d in enumerate(range(highest, lowest - 1, -1)):
        size = _length(rows, columns, d)
        flush_left = d >= 0 and left[0] or d <= 0 and left[1]
        start = 0 if flush_left else longest - size
        yield i, d, start, start + size


def _longest(rows, columns, band):
    return min(rows + min(band[1], 0), columns - max(band[0], 0))


def _places(d, size):
    """The row and column indices of diagonal `d`."""
    steps = np.arange(size)
    return steps - min(d, 0), steps + max(d, 0)


def _diag_part(x, band, left):
    if band[0] == band[1]:
        return np.diagonal(x, band[0], -2, -1)
    rows, columns = x.shape[-2:]
    out = np.zeros((*x.shape[:-2], band[1] - band[0] + 1, _longest(rows, columns, band)), x.dtype)
    for i, d, start, stop in _pieces(rows, columns, band, left):
        out[..., i, start:stop] = np.diagonal(x, d, -2, -1)
    return out


def _set_diag(x, diagonal, band, left):
    out = np.array(x)
    if band[0] == band[1]:
        diagonal = diagonal[..., None, :]
    for i, d, start, stop in _pieces(*x.shape[-2:], band, left):
        out[(..., *_places(d, stop - start))] = diagonal[..., i, start:stop]
    return out


def _diag(diagonal, band, left, rows, columns):
    inner = 1 if band[0] == band[1] else 2
    blank = np.zeros((*diagonal.shape[:-inner], rows, columns), diagonal.dtype)
    return _set_diag(blank, diagonal, band, left)


def _within(prim):
    """The batching rule of an operation on innermost dimensions."""
    return lambda *args: apply(prim(), args[: len(prim().operands)], args[len(prim().operands) :])


MATRIX_DIAG_PART = linear(
    "MatrixDiagPartV3", _diag_part, None,
    lambda g, x_like, band, left: apply(MATRIX_DIAG, (g,), (band, left, *x_like._shape[-2:])),
    attrs="band left", batch=_within(lambda: MATRIX_DIAG_PART),
)  # fmt: skip
MATRIX_DIAG = linear(
    "MatrixDiagV3", _diag, None, lambda g, band, left: apply(MATRIX_DIAG_PART, (g,), (band, left)),
    operands="diagonal", attrs="band left rows columns", batch=_within(lambda: MATRIX_DIAG),
)  # fmt: skip
MATRIX_SET_DIAG = linear(
    "MatrixSetDiagV3", _set_diag, None,
    lambda g, diagonal_like, band, left: _without_diagonal(g, diagonal_like, band, left),
    lambda g, band, left: apply(MATRIX_DIAG_PART, (g,), (band, left)),
    operands="x diagonal", attrs="band left", joint=True, batch=_within(lambda: MATRIX_SET_DIAG),
)  # fmt: skip


def _without_diagonal(g, diagonal_like, band, left):
    return apply(MATRIX_SET_DIAG, (g, zeros_like(diagonal_like)), (band, left))


def diagonal_static(x):
    """The main diagonals of matrices."""
    return apply(MATRIX_DIAG_PART, (x,), ((0, 0), (False, True)))


def diag_static(x):
    """Square matrices with these main diagonals."""
    n = x._shape[-1]
    return apply(MATRIX_DIAG, (x,), ((0, 0), (False, True), n, n))


def set_diagonal_static(x, diagonal):
    """Matrices with other main diagonals."""
    return apply(MATRIX_SET_DIAG, (x, diagonal), ((0, 0), (False, True)))


def _in_band(rows, columns, lower, upper):
    """Which elements of a matrix are in a band; a negative width is the whole triangle."""
    below = np.arange(rows)[:, None] - np.arange(columns)
    kept = np.ones((rows, columns), bool)
    if lower >= 0:
        kept &= below <= lower
    if upper >= 0:
        kept &= -below <= upper
    return kept


def _band_part(x, lower, upper):
    return np.where(_in_band(*x.shape[-2:], lower, upper), x, x.dtype.type(0))


MATRIX_BAND_PART = linear(
    "MatrixBandPart", _band_part, None, lambda g, lower, upper: band_static(g, lower, upper),
    attrs="lower upper", batch=_within(lambda: MATRIX_BAND_PART),
)  # fmt: skip


def band_static(x, lower, upper):
    """`x` within a band, 0 elsewhere; a negative width is the whole triangle."""
    return apply(MATRIX_BAND_PART, (x,), (lower, upper))


def _tensor_diag(x):
    return np.diag(x.ravel()).reshape(x.shape * 2)


def _tensor_diag_part(x):
    shape = x.shape[: x.ndim // 2]
    return np.diagonal(x.reshape(prod(shape), prod(shape))).reshape(shape)


def _tensor_diag_batched(x):
    size, *shape = x._shape
    return reshape_static(diag_static(reshape_static(x, (size, prod(shape)))), (size, *shape, *shape))


def _tensor_diag_part_batched(x):
    size, *shape = x._shape[: (len(x._shape) + 1) // 2]
    return reshape_static(diagonal_static(reshape_static(x, (size, prod(shape), prod(shape)))), (size, *shape))


_TENSOR_DIAG = FLOAT + SIGNED[2:] + COMPLEX
TENSOR_DIAG = linear(
    "Diag", _tensor_diag, _TENSOR_DIAG, lambda g: apply(TENSOR_DIAG_PART, (g,)), batch=_tensor_diag_batched
)
TENSOR_DIAG_PART = linear(
    "DiagPart",
    _tensor_diag_part,
    _TENSOR_DIAG,
    lambda g: apply(TENSOR_DIAG, (g,)),
    batch=_tensor_diag_part_batched,
)


# The public operations.


@sized
def band_part(input, num_lower, num_upper, name=None):  # noqa: A002 (TensorFlow's name)
    """`input` with everything outside a band around the main diagonals set to 0.

    Args:
      input: a tensor of shape `[..., m, n]`.
      num_lower, num_upper: how many diagonals below and above to keep, ints; a negative one keeps all of
        them.

    Raises InvalidArgumentError for less than two dimensions, or a band that is wider than the matrix.

    >>> import tapeflow as tf
    >>> tf.linalg.band_part([[1, 2], [3, 4]], 0, -1).numpy().tolist()
    [[1, 2], [0, 4]]
    """
    x = convert_to_tensor(input)
    (lower,), (upper,) = _integers(num_lower), _integers(num_upper)
    _check_matrix(MATRIX_BAND_PART, x)
    if x._dtype.kind == "O":
        raise NotFoundError(
            None, None,
            "Could not find device for node: {{node MatrixBandPart}} = MatrixBandPart[T=DT_STRING]: strings "
            "have no "
            "zero [Op:MatrixBandPart] name: ",
        )  # fmt: skip
    for word, things, given, most in (
        ("lower", "rows", lower, x._shape[-2]),
        ("upper", "columns", upper, x._shape[-1]),
    ):
        if given > most:
            raise invalid_argument(
                f"num_{word} must be negative or less or equal to number of {things} ({most}) got: {given} "
                "[Op:MatrixBandPart] name: "
            )
    return band_static(x, lower, upper)


def _integers(value):
    """Ints out of what a user gives for a diagonal. Raises TypeError for what are none."""
    if isinstance(value, (float, str)):
        raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype int64")
    return ints(value, "diagonal")


def _check_matrix(prim, x, what="input"):
    if len(x._shape) < 2:
        raise invalid_argument(
            f"{what} must be at least 2-dim, received shape: {bracketed(x._shape)} [Op:{prim.name}] name: "
        )


def _band(prim, k, align):
    """The attributes for `k`, an int or a pair of ints, and `align`."""
    if align not in ALIGNMENTS:
        raise invalid_argument(
            f"Value for attr 'align' of \"{align}\" is not in the list of allowed values: "
            f"{', '.join(ALIGNMENTS)}\n"
            f"\t; NodeDef: {{{{node {prim.name}}}}} [Op:{prim.name}] name: "
        )
    if isinstance(k, (float, str)):
        raise TypeError(f"Cannot convert {k!r} to EagerTensor of dtype int32")
    found = ints(k, "diagonal")
    if not 1 <= len(found) <= 2:
        raise invalid_argument(
            f"diag_index must be a vector with one or two elements, received {len(found)} elements. [Op:{prim.name}]"
        )
    band = (found[0], found[-1])
    if band[0] > band[1]:
        raise invalid_argument(
            f"lower_diag_index must not be larger than upper_diag_index: {band[0]} > {band[1]} [Op:{prim.name}]"
        )
    return band, ALIGNMENTS[align]


def _check_in_matrix(prim, shape, band):
    rows, columns = shape[-2:]
    for word, d in (("lower", band[0]), ("upper", band[1])):
        if not (-rows < d < columns) and d != 0:
            raise invalid_argument(
                f"{word}_diag_index is out of bound: {d} It must be between {-rows} and {columns} [Op:{prim.name}]"
            )


def _padding(value, x):
    """The padding as a scalar tensor of the dtype of `x`, None if it is 0. Raises TypeError if it is none."""
    if x._dtype.kind == "b":
        value = bool(value)
    value = convert_to_tensor(value, x.dtype)
    return None if value.__class__ is EagerTensor and not value._array.any() else value


def _padded(x, blank, padding):
    """`x` with `padding` where `blank`, a NumPy array of bools."""
    from tapeflow.autodiff.custom_gradient import stop_gradient

    return where(EagerTensor(blank), stop_gradient(padding), x)


@sized
def diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0, align="RIGHT_LEFT"):
    """Matrices with given diagonals.

    Args:
      diagonal: a tensor of shape `[..., m]`, or `[..., diagonals, m]` for several of them, the highest first.
      k: which diagonals: an int, or a pair of ints, the lowest and the highest.
      num_rows, num_cols: the size of the matrices; -1 stands for the smallest (square, if both are -1).
      padding_value: what is elsewhere.
      align: at which end diagonals that are shorter than the longest are padded (see the module).

    Returns a tensor of shape `[..., rows, columns]`. Raises InvalidArgumentError if the sizes do not fit.

    >>> import tapeflow as tf
    >>> tf.linalg.diag([1, 2]).numpy().tolist()
    [[1, 0], [0, 2]]
    """
    x = convert_to_tensor(diagonal)
    padding = _padding(padding_value, x)
    band, left = _band(MATRIX_DIAG, k, align)
    (rows,), (columns,) = _integers(num_rows), _integers(num_cols)
    if not x._shape:
        raise invalid_argument("diagonal must be at least 1-dim, received shape: [] [Op:MatrixDiagV3] name: diag")
    count = band[1] - band[0] + 1
    if count > 1 and (len(x._shape) < 2 or x._shape[-2] != count):
        raise invalid_argument(
            "The number of diagonals provided in the input does not match the lower_diag_index and "
            "upper_diag_index "
            f"range. They are {x._shape[-2] if len(x._shape) > 1 else 1} and {count} [Op:MatrixDiagV3]"
        )
    least_rows, least_columns = x._shape[-1] - min(band[1], 0), x._shape[-1] + max(band[0], 0)
    if rows == columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows, columns = (least_rows if rows == -1 else rows), (least_columns if columns == -1 else columns)
    for word, given, least in (("rows", rows, least_rows), ("columns", columns, least_columns)):
        if given < least:
            raise invalid_argument(
                f"The number of {word} is too small. It is {given} and must be at least {least} "
                "[Op:MatrixDiagV3] "
                "name: diag"
            )
    if rows != least_rows and columns != least_columns:
        raise invalid_argument(
            "The number of rows or columns is not consistent with the specified d_lower, d_upper, and "
            "diagonal. "
            "[Op:MatrixDiagV3] name: diag"
        )
    found = apply(MATRIX_DIAG, (x,), (band, left, rows, columns))
    if padding is not None:
        below = np.arange(rows)[:, None] - np.arange(columns)
        found = _padded(found, (below > -band[0]) | (below < -band[1]), padding)
    return found


@sized
def diag_part(input, name="diag_part", k=0, padding_value=0, align="RIGHT_LEFT"):  # noqa: A002 (TensorFlow's name)
    """Diagonals of matrices.

    Args:
      input: a tensor of shape `[..., rows, columns]`.
      k: which diagonals: an int, or a pair of ints, the lowest and the highest.
      padding_value: what the shorter ones of several diagonals are padded with.
      align: at which end (see the module).

    Returns a tensor of shape `[..., m]`, or `[..., diagonals, m]` for several diagonals, the highest first.

    Raises InvalidArgumentError for less than two dimensions, or diagonals that are outside of the matrix.

    >>> import tapeflow as tf
    >>> tf.linalg.diag_part([[1, 2], [3, 4]]).numpy().tolist()
    [1, 4]
    """
    x = convert_to_tensor(input)
    padding = _padding(padding_value, x)
    band, left = _band(MATRIX_DIAG_PART, k, align)
    _check_matrix(MATRIX_DIAG_PART, x)
    _check_in_matrix(MATRIX_DIAG_PART, x._shape, band)
    found = apply(MATRIX_DIAG_PART, (x,), (band, left))
    if padding is not None and band[0] != band[1]:
        blank = np.ones(found._shape[-2:], bool)
        for i, _, start, stop in _pieces(*x._shape[-2:], band, left):
            blank[i, start:stop] = False
        found = _padded(found, blank, padding)
    return found


@sized
def set_diag(input, diagonal, name="set_diag", k=0, align="RIGHT_LEFT"):  # noqa: A002 (TensorFlow's name)
    """Matrices with some of their diagonals set to others.

    Args:
      input: a tensor of shape `[..., rows, columns]`.
      diagonal: a tensor of the same dtype, of shape `[..., m]`, or `[..., diagonals, m]` for several
        diagonals.
      k: which diagonals: an int, or a pair of ints, the lowest and the highest.
      align: at which end shorter diagonals are padded (see the module).

    Raises InvalidArgumentError if the shapes or dtypes do not fit.

    >>> import tapeflow as tf
    >>> tf.linalg.set_diag([[1, 2], [3, 4]], [8, 9]).numpy().tolist()
    [[8, 2], [3, 9]]
    """
    x = convert_to_tensor(input)
    diagonal = convert_to_tensor(diagonal, dtype_hint=x.dtype)
    if x._dtype != diagonal._dtype:
        raise mismatch(MATRIX_SET_DIAG, 1, x._dtype, diagonal._dtype)
    band, left = _band(MATRIX_SET_DIAG, k, align)
    _check_matrix(MATRIX_SET_DIAG, x)
    if not diagonal._shape:
        raise invalid_argument(
            "diagonal must be at least 1-dim, received shape: [] [Op:MatrixSetDiagV3] name: set_diag"
        )
    _check_in_matrix(MATRIX_SET_DIAG, x._shape, band)
    count = band[1] - band[0] + 1
    wanted = (*x._shape[:-2], *([count] if count > 1 else []), _longest(*x._shape[-2:], band))
    if differ(diagonal._shape, wanted):
        raise invalid_argument(
            "Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] is "
            "not equal to "
            "the longests diagonal in range [lower_diag_index:upper_diag_index].\nInput shape: "
            f"{bracketed(x._shape)}\n"
            f"Diagonal shape: {bracketed(diagonal._shape)}\nExpected diagonal shape: {bracketed(wanted)} "
            "[Op:MatrixSetDiagV3] name: set_diag"
        )
    return apply(MATRIX_SET_DIAG, (x, diagonal), (band, left))


def trace(x, name=None):
    """The sum of the main diagonal of matrices, of shape `[..., m, n]`: numbers.

    Raises InvalidArgumentError for less than two dimensions.

    >>> import tapeflow as tf
    >>> tf.linalg.trace([[1, 2], [3, 4]]).numpy().item()
    5
    """
    return reduce_sum(diag_part(x), -1)


def tensor_diag(diagonal, name=None):
    """A tensor of twice the rank, with `diagonal` where the two halves of the indices agree and 0 elsewhere.

    Raises InvalidArgumentError for a scalar.

    >>> import tapeflow as tf
    >>> tf.linalg.tensor_diag([1, 2]).numpy().tolist()
    [[1, 0], [0, 2]]
    """
    x = convert_to_tensor(diagonal)
    if not x._shape:
        raise invalid_argument("Input must be at least rank 1, got 0 [Op:Diag] name: ")
    return apply(TENSOR_DIAG, (x,))


@sized
def tensor_diag_part(input, name=None):  # noqa: A002 (TensorFlow's name)
    """The elements of a tensor of even rank where the two halves of the indices agree.

    Raises InvalidArgumentError for an odd rank, or if the two halves of the shape differ.

    >>> import tapeflow as tf
    >>> tf.linalg.tensor_diag_part([[1, 2], [3, 4]]).numpy().tolist()
    [1, 4]
    """
    x = convert_to_tensor(input)
    shape = x._shape
    half = len(shape) // 2
    if len(shape) % 2:
        raise invalid_argument(
            f"The rank of the tensor should be even and positive, got shape {bracketed(shape)} [Op:DiagPart] name: "
        )
    for i in range(half):
        if shape[i] != shape[half + i]:
            raise invalid_argument(
                f"Invalid shape {bracketed(shape)}: dimensions {i} and {half + i} do not match. [Op:DiagPart] name: "
            )
    return apply(TENSOR_DIAG_PART, (x,))
