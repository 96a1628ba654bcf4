"""Whether tracebacks leave out a library's own frames, as programs may ask: here they show all of them."""

_filtering = True


def enable_traceback_filtering():
    """Ask for tracebacks without the library's own frames: kept for programs that ask, without effect."""
    global _filtering
    _filtering = True


def disable_traceback_filtering():
    """Ask for tracebacks with the library's own frames."""
    global _filtering
    _filtering = False


def is_traceback_filtering_enabled():
    """What was asked for last; True at first.

    >>> import tapeflow as tf
    >>> tf.debugging.is_traceback_filtering_enabled()
    True
    """
    return _filtering
