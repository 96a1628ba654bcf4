"""Histograms with bins of one width."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype, int32
from tapeflow.core.errors import invalid_argument
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import constant


def _places(x, limits, bins):
    """The bin of each element; what is out of range goes to the first or the last."""
    low, high = limits.astype(np.float64).tolist()
    if not low < high:
        shown = ", ".join(f"{n:g}" for n in (low, high))
        raise invalid_argument(f"value_range should satisfy value_range[0] < value_range[1], but got '[{shown}]'")
    step = (high - low) / bins
    return np.clip((np.maximum(x, limits[0]) - limits[0]).astype(np.float64) / step, 0, bins - 1).astype(np.int32)


HISTOGRAM = constant(
    "HistogramFixedWidth",
    lambda x, limits, bins, dtype: np.bincount(_places(x, limits, bins).ravel(), minlength=bins).astype(dtype),
    operands="x limits", attrs="bins dtype",
)  # fmt: skip
HISTOGRAM_BINS = constant("HistogramFixedWidthBins", _places, operands="x limits", attrs="bins")


def _arguments(values, value_range, nbins):
    x = convert_to_tensor(values)
    limits = convert_to_tensor(value_range, x.dtype)
    if limits._shape != (2,):
        raise invalid_argument("value_range should be a vector of 2 elements. [Op:HistogramFixedWidth] name: ")
    bins = int(nbins)
    if bins <= 0:
        raise invalid_argument(f"nbins should be a positive number, but got '{bins}' [Op:HistogramFixedWidth] name: ")
    return x, limits, bins


def histogram_fixed_width(values, value_range, nbins=100, dtype=int32, name=None):
    """How many elements fall into each of `nbins` equal parts of a range; those outside count at its ends.

    Args:
      values: a tensor of numbers.
      value_range: two numbers of the same dtype, the lower one first.
      nbins: the number of bins.
      dtype: of the result, int32 or int64.

    Returns a tensor of shape `[nbins]`. Raises InvalidArgumentError for no range or no bins.

    >>> import tapeflow as tf
    >>> tf.histogram_fixed_width([0., 1., 9.], [0., 10.], nbins=2).numpy().tolist()
    [2, 1]
    """
    x, limits, bins = _arguments(values, value_range, nbins)
    return apply(HISTOGRAM, (x, limits), (bins, as_dtype(dtype)._np))


def histogram_fixed_width_bins(values, value_range, nbins=100, dtype=int32, name=None):
    """The number of the bin that each element falls into, int32 (whatever `dtype`, as in TensorFlow).

    The arguments and errors are those of `tf.histogram_fixed_width`.

    >>> import tapeflow as tf
    >>> tf.histogram_fixed_width_bins([0., 1., 9.], [0., 10.], nbins=2).numpy().tolist()
    [0, 0, 1]
    """
    x, limits, bins = _arguments(values, value_range, nbins)
    return apply(HISTOGRAM_BINS, (x, limits), (bins,))
