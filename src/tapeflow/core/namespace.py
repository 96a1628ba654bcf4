"""Public namespaces: each name is found at its home when it is first used, and stays."""

import sys
from importlib import import_module


def namespace(module, homes, within=()):
    """`__getattr__`, `__dir__` and `__all__` of a module: `homes` has the names of each module of this package.

    `within`: the names of its submodules.
    """
    home = {name: place for place, names in homes.items() for name in names.split()}

    def find(name):
        if name in home:
            value = getattr(import_module(f"tapeflow.{home[name]}"), name)
        elif name in within:
            value = import_module(f"{module}.{name}")
        else:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        setattr(sys.modules[module], name, value)
        return value

    def names():
        return sorted({*vars(sys.modules[module]), *home, *within})

    return find, names, [*home, *within]
