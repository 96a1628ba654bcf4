"""Functions that only print or check: in a trace, they are called when the graph runs."""

from functools import wraps

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor


def call_at_run(function, args, kwargs, only_checks=False, condition=None):
    """Call `function`, which returns nothing, when the graph that is being traced gets here.

    `only_checks`: it raises an error or does nothing, so that it may be called twice. `condition`: a boolean tensor
    that is false where it would raise: it is called only then.
    """
    structure = [list(args), dict(kwargs)]
    leaves = nest.flatten(structure)
    places = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "__tf_tensor__")]

    def run(*arrays):
        values = list(leaves)
        for place, array in zip(places, arrays):
            values[place] = EagerTensor(array)
        positional, named = nest.pack_sequence_as(structure, values)
        function(*positional, **named)
        return []

    run.only_looks = True  # it neither reads nor assigns variables
    run.only_checks = only_checks
    thread.trace.call_python(run, [convert_to_tensor(leaves[i]) for i in places], condition)


def at_run(holds):
    """Have a check wait for the graph that is being traced to run, if its arguments are known only then.

    `holds`, of the same arguments, gives the boolean tensor that says whether there is nothing to raise, or None.
    """

    def waiting(check):
        @wraps(check)
        def checked(*args, **kwargs):
            if thread.trace is not None:
                leaves = nest.flatten([list(args), kwargs])
                if any(hasattr(leaf, "__tf_tensor__") and leaf.__class__ is not EagerTensor for leaf in leaves):
                    return call_at_run(check, args, kwargs, True, holds(*args, **kwargs))
            return check(*args, **kwargs)

        return checked

    return waiting
