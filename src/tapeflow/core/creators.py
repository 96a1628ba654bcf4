"""Functions that make variables in the place of `tf.Variable`, for as long as their scope lasts."""

import threading
from contextlib import contextmanager


class _Scope(threading.local):
    creators = ()  # the innermost last


scope = _Scope()


@contextmanager
def variable_creator_scope(variable_creator):
    """A context in which `variable_creator(next_creator, **kwargs)` makes the variables.

    Args:
      variable_creator: gets the next creator, which it may call, and the arguments of `tf.Variable` by name; returns
        the variable.

    >>> import tapeflow as tf
    >>> def double(next_creator, **kwargs):
    ...     return next_creator(**{**kwargs, "initial_value": 2 * kwargs["initial_value"]})
    >>> with tf.variable_creator_scope(double):
    ...     tf.Variable(3).numpy().item()
    6
    """
    before = scope.creators
    scope.creators = (*before, variable_creator)
    try:
        yield
    finally:
        scope.creators = before


class Created(type):
    """The class of a class whose instances, if it says `_by_creators` of itself, are made by the creators in scope."""

    def __call__(cls, *args, **kwargs):
        """A new instance: made by the innermost creator, if there is one."""
        creators = scope.creators
        if not creators or "_by_creators" not in cls.__dict__:
            return super().__call__(*args, **kwargs)
        names = cls.__init__.__code__.co_varnames[1:]
        kwargs.update(zip(names, args))
        make = super().__call__
        for creator in creators:
            make = _calling(creator, make)
        return make(**kwargs)

    @property
    def __signature__(cls):
        import inspect

        signature = inspect.signature(cls.__init__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])


def _calling(creator, make):
    return lambda **kwargs: creator(make, **kwargs)
