"""The arguments of a traced function: bound to its parameters, and as text."""

import inspect
import re
import weakref

import numpy as np

from tapeflow.core import function_types, nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.function_types import TraceType, trace_type_of
from tapeflow.core.spec import TensorSpec, TypeSpec
from tapeflow.core.tensor import Tensor
from tapeflow.core.variable import Variable
from tapeflow.tracing.keys import is_array_like


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


class FunctionType(function_types.FunctionType):
    """The type of a trace: its parameters by name, what is captured by id, and the result."""

    def __init__(self, parameters, captures, output):
        self.parameters = {p.name: TypedParameter(p) for p in parameters}
        self.captures = {id(value): TensorSpec(value.shape, value.dtype) for value in captures}
        self.output = output

    def __repr__(self):
        return f"({', '.join(map(repr, self.parameters.values()))}) -> {typed(self.output)}"


def _unnamed(leaf):
    return TensorSpec(leaf.shape, leaf.dtype) if isinstance(leaf, TensorSpec) else leaf


class TypedParameter:
    """A parameter of a trace as others see it: `type_constraint` is a spec, or the value that was traced."""

    def __init__(self, parameter):
        self.name = parameter.name
        self.kind = getattr(inspect.Parameter, parameter.kind)
        self.type_constraint = nest.map_structure(_unnamed, parameter.value, expand_composites=True)
        self.optional = not parameter.holds_tensors()

    def __repr__(self):
        return f"{self.name}: {typed(self.type_constraint)}"


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


def leaf_names(signature, structure):
    """A name for each leaf among the arguments of a function (of an inspect.Signature or None): its parameter's."""
    args, kwargs = structure
    parameters = [] if signature is None else list(signature.parameters.values())
    names = []
    sanitized = {re.sub(r"[^a-zA-Z0-9]", "_", key) for key in kwargs}
    if len(sanitized) < len(kwargs):
        raise ValueError(
            "Name collision after sanitization. Please rename tf.function input parameters. Original: "
            f"{sorted(kwargs)}, Sanitized: {sorted(sanitized)}"
        )
    for i, arg in enumerate(args):
        if i < len(parameters) and parameters[i].kind is not inspect.Parameter.VAR_POSITIONAL:
            name = parameters[i].name
        else:
            name = f"args_{i}"
        leaves = nest.flatten(arg, expand_composites=True)
        names += [f"{name}_{j}" if j else name for j in range(len(leaves))]
    for key in sorted(kwargs):
        leaves = nest.flatten(kwargs[key], expand_composites=True)
        names += [f"{key}_{j}" if j else key for j in range(len(leaves))]
    return names


def bound_to(signature, args, kwargs):
    """The inspect.BoundArguments, defaults filled in. Raises TypeError as TensorFlow does."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(
            f"Binding inputs to tf.function failed due to `{error}`. Received args: {args} and kwargs: {kwargs} for "
            f"signature: {signature}."
        ) from None
    bound.apply_defaults()
    return bound


def check_constrained(signature, count):
    """Raise TypeError for a parameter beyond those of an `input_signature` of `count` specs that has no default."""
    places = 0
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        positional = parameter.kind is not parameter.KEYWORD_ONLY
        places += positional
        if (places > count or not positional) and parameter.default is parameter.empty:
            raise TypeError(f"input_signature missing type constraint for {parameter.name}")


def changed_parameters(signature, before, after):
    """The names of the parameters whose values, nested structures, differ."""
    names = ["args"] if signature is None else list(signature.parameters)
    pairs = [(names[min(i, len(names) - 1)], *each) for i, each in enumerate(zip(before[0], after[0]))]
    pairs += [(name, before[1][name], after[1].get(name)) for name in before[1]]
    found = []
    for name, one, two in pairs:
        try:
            nest.assert_same_structure(one, two, expand_composites=True)
            flat = [nest.flatten(each, expand_composites=True) for each in (one, two)]
            same = all([a is b for a, b in zip(*flat)])
        except (TypeError, ValueError):
            same = False
        if not same:
            found.append(name)
    return found


def bind(parameters, args, kwargs):
    """The tensors, in order, among arguments that fit the parameters.

    Raises TypeError for others, and for another Python value than the one that was traced.
    """
    given = {p.name: value for p, value in zip(parameters, args)}
    if len(args) > len(parameters):
        raise TypeError("too many positional arguments")
    known = {p.name for p in parameters if p.kind != "POSITIONAL_ONLY"}
    for name in kwargs:
        if name not in known:
            raise TypeError(f"got an unexpected keyword argument {name!r}")
        if name in given:
            raise TypeError(f"multiple values for argument {name!r}")
    given.update(kwargs)
    tensors = []
    for parameter in parameters:
        if parameter.name not in given:
            if parameter.holds_tensors():
                raise TypeError(f"missing a required argument: {parameter.name!r}")
            continue
        _take(parameter.value, given[parameter.name], tensors)
    return tensors


def _take(wanted, value, tensors):
    """Add the tensors of an argument to the list. Raises TypeError where it is not what was traced."""
    if isinstance(wanted, TensorSpec):
        tensors.append(value)
        return
    nested = nest.is_nested(wanted)
    if nested and not nest.is_nested(value):
        kind = "a Dict" if isinstance(wanted, dict) else type(wanted).__name__
        raise TypeError(f"Can not cast {value!r} to {kind} type.")
    nest.assert_same_structure(wanted, value, check_types=False, expand_composites=True)
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
            shown = typed(want) if want is None or isinstance(want, (bool, int, float, str, bytes)) else repr(want)
            raise TypeError(f"Can not cast {leaf!r} to {shown}")


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


# Under an `input_signature`.


def pairs(specs, values):
    """Each spec of a structure with what was given in its place, which may be a list that is a tensor's value."""
    if isinstance(specs, dict):
        if set(specs) != set(values):
            raise ValueError(f"the keys {sorted(specs)} were expected, not {sorted(values)}")
        return [pair for key in sorted(specs) for pair in pairs(specs[key], values[key])]
    if isinstance(specs, (list, tuple)):
        if not isinstance(values, (list, tuple)) or len(specs) != len(values):
            raise ValueError(f"the structure {specs} was expected, not {values}")
        return [pair for spec, value in zip(specs, values) for pair in pairs(spec, value)]
    return [(specs, values)]


def cast_to(spec, value):
    """An argument as a tensor of its spec; NumPy arrays and Python values take its dtype."""
    if isinstance(value, TensorSpec):
        return spec
    if isinstance(value, (Tensor, Variable)):
        tensor = convert_to_tensor(value)
    else:
        tensor = convert_to_tensor(np.asarray(value, spec.dtype._np) if is_array_like(value) else value, spec.dtype)
    if tensor.dtype is not spec.dtype or not spec.shape.is_compatible_with(tensor.shape):
        found = TensorSpec(tensor.shape, tensor.dtype)
        raise TypeError(f"Can not cast {found} to {spec}")
    return tensor
