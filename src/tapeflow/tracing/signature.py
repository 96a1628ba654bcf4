"""The arguments of a traced function: bound to its parameters, and as text."""

import weakref

from tapeflow.core import nest
from tapeflow.core.spec import TensorSpec, TypeSpec
from tapeflow.core.tensor import Tensor
from tapeflow.core.trace_type import TraceType, trace_type_of
from tapeflow.core.variable import Variable


class Reference:
    """An object among the arguments, which its trace does not keep alive."""

    def __init__(self, value):
        self.value = weakref.ref(value)

    def __repr__(self):
        return f"Weakref[{self.value!r}]"


def described(value):
    """A Python value among the arguments, as a trace remembers it."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, Variable)):
        return value
    told = trace_type_of(value)
    if told is not None:
        return told
    try:
        return Reference(value)
    except TypeError:  # there are no weak references to this type
        return value


class Parameter:
    """A parameter of a trace: its name, its kind, and what was given for it, specs standing for tensors."""

    def __init__(self, name, kind, value):
        self.name, self.kind, self.value = name, kind, value

    def holds_tensors(self):
        """Whether there is a tensor in it."""
        return any(isinstance(leaf, TensorSpec) for leaf in nest.flatten(self.value, expand_composites=True))


def parameters_of(signature, args, kwargs):
    """The parameters of a function (an inspect.Signature or None) that was given these arguments."""
    known = [] if signature is None else list(signature.parameters.values())
    places = [p for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in known if p.kind is p.VAR_POSITIONAL), "args")
    only = len(args) > len(places)
    found = []
    for i, value in enumerate(args):
        if i < len(places):
            found.append(Parameter(places[i].name, "POSITIONAL_ONLY" if only else places[i].kind.name, value))
        else:
            found.append(Parameter(f"{rest}_{i - len(places)}", "POSITIONAL_ONLY", value))
    return found + [Parameter(name, "KEYWORD_ONLY", value) for name, value in kwargs.items()]


def bind(parameters, args, kwargs):
    """The tensors, in order, among arguments that fit the parameters; None if they have another structure.

    Raises TypeError for another Python value than the one that was traced.
    """
    given = {p.name: value for p, value in zip(parameters, args)}
    if len(args) > len(parameters) or set(given) & set(kwargs) or set(kwargs) - {p.name for p in parameters}:
        return None
    given.update(kwargs)
    tensors = []
    for parameter in parameters:
        if parameter.name not in given:
            if parameter.holds_tensors():
                return None
            continue
        value, wanted = given[parameter.name], parameter.value
        if isinstance(wanted, TensorSpec):
            tensors.append(value)
            continue
        try:
            nest.assert_same_structure(wanted, value, check_types=False, expand_composites=True)
        except (TypeError, ValueError):
            return None
        leaves, wants = (nest.flatten(item, expand_composites=True) for item in (value, wanted))
        for leaf, want in zip(leaves, wants):
            if isinstance(want, TensorSpec):
                tensors.append(leaf)
                continue
            if isinstance(want, TraceType):
                want.cast(leaf, None)
                continue
            want = want.value() if want.__class__ is Reference else want
            if leaf is not want and (isinstance(leaf, (Tensor, Variable)) or leaf != want):
                raise TypeError(f"{parameter.name} was traced as {want!r}, and was given as {leaf!r}.")
    return tensors


def text(parameters, result, captures, verbose):
    """A trace's parameters, result and captures as TensorFlow writes them."""
    if not verbose:
        inner = ", ".join(f"{p.name}: {typed(p.value)}" for p in parameters)
        return f"({inner}) -> {typed(result)}"
    lines = ["Input Parameters:"]
    lines += [f"  {p.name} ({p.kind}): {typed(p.value)}" for p in parameters] or ["  None"]
    lines += ["Output Type:", f"  {typed(result)}", "Captures:"]
    lines += [f"  {id(value)}: {_captured(value)}" for value in captures] or ["  None"]
    return "\n".join(lines)


def typed(value):
    """A value's type, a nested structure's written out."""
    if isinstance(value, TypeSpec):
        return repr(TensorSpec(value.shape, value.dtype)) if isinstance(value, TensorSpec) else repr(value)
    if value.__class__ is Reference or isinstance(value, TraceType):
        return repr(value)
    if isinstance(value, dict):
        return f"Dict[{', '.join(f'[{key!r}, {typed(item)}]' for key, item in value.items())}]"
    if hasattr(value, "_fields"):
        inner = ", ".join(f"[{name!r}, {typed(item)}]" for name, item in zip(value._fields, value))
        return f"{type(value).__name__}[{inner}]"
    if isinstance(value, (list, tuple)):
        return f"{'List' if isinstance(value, list) else 'Tuple'}[{', '.join(map(typed, value))}]"
    if isinstance(value, Variable):
        return f"VariableSpec(shape={value.shape}, dtype={value.dtype!r}, trainable={value.trainable})"
    return f"Literal[{value!r}]"


def _captured(value):
    if isinstance(value, Variable):
        return "TensorSpec(shape=(), dtype=tf.resource, name=None)"
    return repr(TensorSpec(value.shape, value.dtype))
