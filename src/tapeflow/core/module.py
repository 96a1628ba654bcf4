"""`tf.Module`: an object that finds the variables and modules among its attributes."""

from functools import wraps

from tapeflow.core import nest
from tapeflow.core.naming import name_scope
from tapeflow.core.variable import Variable


class Module:
    """A named container for variables and other modules, found in attributes, lists, tuples and dictionaries.

    Args:
      name: the module's name, a Python identifier; the class's name in snake case if None.

    Raises:
      ValueError: the name is no identifier.

    >>> import tapeflow as tf
    >>> class Dense(tf.Module):
    ...     def __init__(self, inputs, outputs, name=None):
    ...         super().__init__(name=name)
    ...         self.w = tf.Variable(tf.ones([inputs, outputs]), name="w")
    ...         self.b = tf.Variable(tf.zeros([outputs]), name="b")
    ...     def __call__(self, x):
    ...         return tf.matmul(x, self.w) + self.b
    >>> [v.name for v in Dense(3, 2).trainable_variables]
    ['b:0', 'w:0']
    """

    _TF_MODULE_IGNORED_PROPERTIES = frozenset(["_name_scope"])

    def __init__(self, name=None):
        if name is None:
            name = _snake_case(type(self).__name__)
        elif not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers (e.g. a valid "
                "class name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._scope_name = scope

    @property
    def name(self):
        """The name of this module as given, or made from the class's name."""
        return self._name

    @property
    def name_scope(self):
        """The `tf.name_scope` of this module, to enter where its variables are made."""
        if "_name_scope" not in vars(self):
            self._name_scope = name_scope(self._scope_name)
        return self._name_scope

    @classmethod
    def with_name_scope(cls, method):
        """A decorator: `method` runs in the module's name scope.

        >>> import tapeflow as tf
        >>> class Scale(tf.Module):
        ...     @tf.Module.with_name_scope
        ...     def __call__(self, x):
        ...         if not hasattr(self, "factor"):
        ...             self.factor = tf.Variable(2.0, name="factor")
        ...         return x * self.factor
        >>> scale = Scale()
        >>> scale(3.0).numpy().item(), scale.factor.name
        (6.0, 'scale/factor:0')
        """

        @wraps(method)
        def scoped_method(self, *args, **kwargs):
            with self.name_scope:
                return method(self, *args, **kwargs)

        return scoped_method

    @property
    def variables(self):
        """All variables of this module and those within it, as a tuple: its own by attribute name, then theirs."""
        return tuple(self._flatten(predicate=_is_variable, expand_composites=True))

    @property
    def trainable_variables(self):
        """The variables that are trainable, as a tuple."""
        return tuple(self._flatten(predicate=_is_trainable, expand_composites=True))

    @property
    def non_trainable_variables(self):
        """The variables that are not trainable, as a tuple."""
        return tuple(self._flatten(predicate=_is_constant, expand_composites=True))

    @property
    def submodules(self):
        """All modules within this one, as a tuple."""
        return tuple(self._flatten(predicate=_is_module))

    def _flatten(
        self, recursive=True, predicate=None, attribute_traversal_key=None, with_path=False, expand_composites=False
    ):
        """The leaves among the attributes that `predicate` holds for, each once, or each path with `with_path`."""
        if predicate is None:
            predicate = _any
        found = _walk(self, recursive, predicate, attribute_traversal_key, expand_composites, (), (), {id(self)})
        if with_path:
            return (entry for entry in found)
        return _once(found, id(self))


def _once(found, own):
    seen = {own}
    for _, leaf in found:
        if id(leaf) not in seen:
            seen.add(id(leaf))
            yield leaf


def _walk(module, recursive, predicate, key, expand_composites, path, stack, seen):
    """(path, leaf) of a module's own leaves, then of those of the modules within it; no module twice on a path."""
    stack = (*stack, module)
    within = []
    attributes = vars(module)
    for name in sorted(attributes, key=key):
        if name in module._TF_MODULE_IGNORED_PROPERTIES:
            continue
        try:
            leaves = list(nest.flatten_with_paths(attributes[name], expand_composites))
        except TypeError as error:
            raise ValueError(f"Error processing property {name!r} of {attributes[name]!r}") from error
        for inner, leaf in leaves:
            place = (*path, name, *inner)
            if predicate(leaf) and leaf is not stack[0]:
                yield place, leaf
            if recursive and isinstance(leaf, Module) and not any(leaf is above for above in stack):
                within.append((place, leaf))
    for place, leaf in within:
        yield from _walk(leaf, recursive, predicate, key, expand_composites, place, stack, seen)


def _any(leaf):
    return True


def _is_variable(leaf):
    return isinstance(leaf, Variable)


def _is_trainable(leaf):
    return isinstance(leaf, Variable) and leaf.trainable


def _is_constant(leaf):
    return isinstance(leaf, Variable) and not leaf.trainable


def _is_module(leaf):
    return isinstance(leaf, Module)


def _snake_case(name):
    import re

    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?!^)([A-Z])(?=[a-z])", r"_\1\2", name).lower()
