"""The warning that a function is traced at most of its calls, which is slow."""

import weakref
from threading import Lock

from tapeflow.core.logging import warn

HISTORY = 10  # calls that are looked back at
MANY = 5  # traces among them
MOST = 2  # warnings for one function
_lock = Lock()
_known: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class _Calls:
    """The calls of the functions that are made of one piece of source: how many, by the traces among them."""

    def __init__(self):
        self.after = []  # for each trace, the calls from it to the next
        self.warned = 0


def traced(function, name):
    """A call of `function`, Python's, was traced: warn if that is so for many of the last calls."""
    with _lock:
        calls = _calls_of(function)
        calls.after.append(1)
        while sum(calls.after) > HISTORY:
            calls.after.pop(0)
        count = len(calls.after)
        if count < MANY or calls.warned >= MOST:
            return
        calls.warned += 1
        total = sum(calls.after)
    warn(
        "%d out of the last %d calls to %s triggered tf.function retracing. Tracing is expensive and the excessive "
        "number of tracings could be due to (1) creating @tf.function repeatedly in a loop, (2) passing tensors with "
        "different shapes, (3) passing Python objects instead of tensors. For (1), please define your @tf.function "
        "outside of the loop. For (2), @tf.function has reduce_retracing=True option that can avoid unnecessary "
        "retracing. For (3), pass tensors, or values that change seldom.", count, total, name,
    )  # fmt: skip


def reused(function, many=False):
    """A call of `function` found its trace; `many`: as others will that are not told of."""
    with _lock:
        calls = _calls_of(function)
        if many:
            calls.after.clear()
        elif calls.after:
            calls.after[-1] += 1


def _calls_of(function):
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    key = getattr(getattr(function, "__func__", function), "__code__", function)
    try:
        return _known.setdefault(key, _Calls())
    except TypeError:  # not hashable, or without weak references
        return _Calls()
