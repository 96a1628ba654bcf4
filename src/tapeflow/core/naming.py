"""Name scopes: the prefix that the names of variables and modules get."""

import threading


class _Scope(threading.local):
    prefix = ""  # ends with "/" unless it is empty


_scope = _Scope()


class name_scope:  # noqa: N801 (TensorFlow's name)
    """A context in which the names of new variables begin with `name/`.

    Args:
      name: the scope's name; one that ends with "/" does not nest in the present scope, and "" leaves all scopes.

    Raises:
      ValueError: `name` is not a string.

    >>> import tapeflow as tf
    >>> with tf.name_scope("layer"):
    ...     tf.Variable(1.0, name="bias").name
    'layer/bias:0'
    """

    def __init__(self, name):
        self._name = _checked(name)
        self._outer = []

    @property
    def name(self):
        """The name that the scope was made with."""
        return self._name

    def __enter__(self):
        outer = _scope.prefix
        self._outer.append(outer)
        if not self._name:
            _scope.prefix = ""
        elif self._name.endswith("/"):
            _scope.prefix = self._name
        else:
            _scope.prefix = f"{outer}{self._name}/"
        return _scope.prefix

    def __exit__(self, kind, error, traceback):
        _scope.prefix = self._outer.pop()
        return False


def get_current_name_scope():
    """The name of the present scope, without the final "/".

    >>> import tapeflow as tf
    >>> with tf.name_scope("a"), tf.name_scope("b"):
    ...     tf.get_current_name_scope()
    'a/b'
    """
    return _scope.prefix.rstrip("/")


def scoped(name):
    """`name` within the present scope."""
    return _scope.prefix + _checked(name)


def _checked(name):
    if not isinstance(name, str):
        raise ValueError("name for name_scope must be a string.")
    return name
