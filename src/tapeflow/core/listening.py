"""Who listens: the tapes and accumulators of each thread, outermost first."""

import threading


class ThreadState(threading.local):
    """What belongs to one thread. `listeners` is replaced, never changed, so that a loop over it is safe.

    A listener has `_record(prim, inputs, out, attrs)`, called for every application of a primitive, and
    `_accessed(variable, tensor)`, called for every read of a variable.
    """

    listeners = ()
    trace = None  # the innermost function that is being traced
    batches = ()  # the batches that functions of one example run for, outermost first: `autodiff/batching.py`
    depth = 0  # how many traces and batches are open: the level of the innermost


thread = ThreadState()


class Alone:
    """A context that is neither traced nor listened to: a graph runs, and Python code with it."""

    def __enter__(self):
        self.before = thread.trace, thread.listeners
        thread.trace, thread.listeners = None, ()

    def __exit__(self, kind, error, traceback):
        thread.trace, thread.listeners = self.before
