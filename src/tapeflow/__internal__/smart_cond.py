"""`tf.__internal__.smart_cond`: a condition that is known chooses its branch at once, in a function too."""

from tapeflow.core.eager import get_static_value, is_tensor
from tapeflow.ops.control_flow import cond

__all__ = ["smart_cond"]


def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """`true_fn()` or `false_fn()`: only the one that is chosen is called if `pred` is known, else it is `tf.cond`.

    Args:
      pred: a boolean scalar: a tensor, or a Python bool, 1 or 0.
      true_fn, false_fn: functions of nothing.
      name: not used.

    Raises TypeError if one is not callable, or `pred` is something else.

    >>> import tapeflow as tf
    >>> tf.__internal__.smart_cond.smart_cond(True, lambda: "one", lambda: "other")
    'one'
    """
    for label, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"Argument `{label}` must be callable. Received {function}")
    known = get_static_value(pred)
    if known is None and is_tensor(pred):
        return cond(pred, true_fn, false_fn)
    if not is_tensor(pred) and known not in (0, 1):
        raise TypeError(
            f"Argument `pred` must be a Tensor, or a Python bool, or 1 or 0. Received: pred={pred} of type "
            f"{type(pred).__name__}"
        )
    return true_fn() if known else false_fn()
