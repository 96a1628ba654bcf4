"""`tf.experimental.numpy`: what Keras uses of it."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import DType, as_dtype
from tapeflow.core.tensor import Tensor
from tapeflow.ops.casting import cast
from tapeflow.ops.compare import where

__all__ = ["finfo", "iinfo", "select"]


def finfo(dtype):
    """NumPy's `finfo` of a floating-point dtype.

    >>> import tapeflow as tf
    >>> tf.experimental.numpy.finfo(tf.float32).bits
    32
    """
    return np.finfo(dtype._np if isinstance(dtype, DType) else dtype)


def iinfo(int_type):
    """NumPy's `iinfo` of an integer dtype.

    >>> import tapeflow as tf
    >>> tf.experimental.numpy.iinfo("int8").max
    127
    """
    return np.iinfo(int_type._np if isinstance(int_type, DType) else int_type)


def select(condlist, choicelist, default=0):
    """From each place of the choices, that of the first whose condition holds there, else `default`; all broadcast.

    Args:
      condlist: tensors of truth values.
      choicelist: as many tensors.
      default: a tensor, or a number.

    Returns a tensor of the dtype that NumPy promotes the choices to. Raises ValueError if the lists do not fit.

    >>> import tapeflow as tf
    >>> tf.experimental.numpy.select([[True, False]], [tf.constant([1., 2.])], default=-1).numpy().tolist()
    [1.0, -1.0]
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"condlist must have length equal to choicelist ({len(condlist)} vs {len(choicelist)})"
        )
    if not len(condlist):
        raise ValueError("condlist must be non-empty")
    values = [x if isinstance(x, (Tensor, int, float)) else np.asarray(x) for x in (default, *choicelist)]
    kinds = [x.dtype.as_numpy_dtype if isinstance(x, Tensor) else x for x in values]
    dtype = as_dtype(np.result_type(*kinds))
    out, *choices = [cast(convert_to_tensor(x), dtype) for x in values]
    for condition, choice in reversed(list(zip(condlist, choices, strict=True))):
        out = where(cast(condition, "bool"), choice, out)
    return out
