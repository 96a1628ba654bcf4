"""`tf.function`: a Python function that is traced once for each signature."""

import functools
import inspect
import itertools
import threading
import weakref

from tapeflow.compiler.run import patience_after, prepare
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import public
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.function_types import PolymorphicFunction, trace_type_of
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.spec import TensorSpec
from tapeflow.core.tensor import EagerTensor
from tapeflow.core.variable import Variable
from tapeflow.graph.passes import simplified
from tapeflow.tracing import (
    expand,  # noqa: F401 (calls that wait for sizes)
    frequency,
)
from tapeflow.tracing.concrete import ConcreteFunction
from tapeflow.tracing.keys import (
    counts_as_tensor,
    is_gone,
    key_of,
    key_of_structure,
    serves,
    whatever_the_variables,
    wider,
    within,
)
from tapeflow.tracing.results import flat_outputs
from tapeflow.tracing.shared import for_variables
from tapeflow.tracing.signature import (
    bound_to,
    cast_to,
    changed_parameters,
    check_constrained,
    described,
    leaf_names,
    pairs,
    parameters_of,
    typed,
)
from tapeflow.tracing.symbolic import SymbolicTensor
from tapeflow.tracing.trace import Trace, TraceError

_eagerly = False
_tracing = threading.RLock()


def run_functions_eagerly(run_eagerly):
    """Whether every `tf.function` runs its Python code at each call instead of its trace.

    >>> import tapeflow as tf
    >>> tf.config.run_functions_eagerly(False)
    """
    global _eagerly
    _eagerly = bool(run_eagerly)


def functions_run_eagerly():
    """Whether `run_functions_eagerly(True)` is in force.

    >>> import tapeflow as tf
    >>> tf.config.functions_run_eagerly()
    False
    """
    return _eagerly


def function(
    func=None,
    input_signature=None,
    autograph=True,
    jit_compile=None,
    reduce_retracing=False,
    experimental_implements=None,
    experimental_autograph_options=None,
    experimental_attributes=None,
    experimental_relax_shapes=None,
    experimental_compile=None,
    experimental_follow_type_hints=None,
):
    """Trace `func` into a graph at the first call with each signature, and run the graph.

    Tensors count by shape and dtype, Python values by value, other objects by identity. Python code runs while
    tracing only; operations, assignments, `tf.print` and random numbers happen at every call, in order.

    Args:
      func: the function; None gives a decorator.
      input_signature: a sequence of `tf.TensorSpec`, the only signature then; a dimension may be None.
      autograph: whether Python's `if`, `while`, `for`, ... work on tensors.
      jit_compile: accepted; everything is traced in the same way.
      reduce_retracing: whether sizes that change between calls are left unknown instead of traced again.
      experimental_implements, experimental_autograph_options, experimental_attributes: not used.
      experimental_relax_shapes: the old name of `reduce_retracing`.
      experimental_compile: the old name of `jit_compile`.
      experimental_follow_type_hints: not used.

    Raises:
      ValueError: variables are made at a later call than the first.

    >>> import tapeflow as tf
    >>> @tf.function
    ... def f(x, y):
    ...     return x ** 2 + y
    >>> f(tf.constant([2., 3.]), tf.constant([3., -2.])).numpy().tolist()
    [7.0, 7.0]
    """
    if func is not None and not callable(func):
        raise TypeError(f"{func} is not a callable object")
    if input_signature is not None:
        if not isinstance(input_signature, (tuple, list)):
            raise TypeError(
                f"input_signature must be either a tuple or a list, and was given {type(input_signature).__name__}."
            )
        for spec in nest.flatten(input_signature):
            if not hasattr(spec, "shape"):
                raise TypeError(
                    f"input_signature must be a possibly nested sequence of TensorSpec objects, got {spec}."
                )

    def decorate(inner):
        made = Function(inner, input_signature, autograph, reduce_retracing or bool(experimental_relax_shapes))
        functools.update_wrapper(made, inner, updated=())
        return made

    return decorate if func is None else decorate(func)


class Function(PolymorphicFunction):
    """What `tf.function` returns."""

    def __init__(self, python_function, input_signature=None, autograph=True, reduce_retracing=False):
        if isinstance(python_function, Function):
            python_function = python_function.python_function
        self._python_function = python_function
        self._input_signature = None if input_signature is None else tuple(input_signature)
        self._autograph = autograph
        self._reduce = reduce_retracing
        self._name = getattr(python_function, "__name__", type(python_function).__name__)
        self._known = {}  # a whole key: the concrete function
        self._kinds_of_variables = {}  # a key without sizes, for any variables: [(sizes, concrete function, variables)]
        self._kinds = {}  # a key without sizes: [(sizes, concrete function)]
        self._quick = {}  # (shape, dtype) of each argument, where all are eager tensors: the concrete function
        self._last = None  # the types and the concrete function of the last call of that kind
        self._count = 0
        self._had_variables = None
        self._bound = weakref.WeakKeyDictionary()
        self._converted = None

    @property
    def name(self):
        """The name of the Python function."""
        return self._name

    @property
    def python_function(self):
        """The function as it was given."""
        return self._python_function

    @property
    def input_signature(self):
        """The signature as it was given, a tuple or None."""
        return self._input_signature

    @property
    def function_spec(self):
        """The signature of the Python function."""
        return self._signature

    def experimental_get_tracing_count(self):
        """How often the function was traced."""
        return self._count

    def experimental_get_compiler_ir(self, *args, **kwargs):
        """Not to be had: there is no XLA. Print a concrete function to see its graph."""
        raise NotImplementedError("There is no XLA here: print(f.get_concrete_function(...)) shows the graph.")

    def pretty_printed_concrete_signatures(self, verbose=True):
        """The signatures that were traced, as text."""
        traces = sorted([c for kind in self._kinds.values() for _, c in kind], key=lambda c: c._trace.start)
        return "\n\n".join(c.pretty_printed_signature(verbose) for c in traces)

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        try:
            bound = self._bound.get(instance)
        except TypeError:  # not hashable or without weak references: not kept
            return self._bind(instance)
        if bound is None:
            bound = self._bound[instance] = self._bind(instance)
        return bound

    def _bind(self, instance):
        method = _WeakMethod(self._python_function, instance)
        functools.update_wrapper(method, self._python_function, updated=())
        made = Function(method, self._input_signature, self._autograph, self._reduce)
        return functools.update_wrapper(made, method, updated=())  # whose signature has no `self`

    def get_initialization_function(self, *args, **kwargs):
        """A function that initialises what variables the function makes for these arguments: they are, by then."""
        self._find(args, kwargs)
        return function(lambda: None)

    def clear_cache(self):
        """Forget all traces: the next call is the first."""
        self._known.clear()
        self._kinds.clear()
        self._quick.clear()
        self._last, self._count, self._had_variables = None, 0, None
        for bound in self._bound.values():
            bound.clear_cache()

    def __call__(self, *args, **kwargs):
        if kwargs or self._last is None or thread.trace is not None or _eagerly:
            return self._call(args, kwargs)
        types, concrete = self._last
        if len(args) != len(types):
            return self._call(args, kwargs)
        arrays = []
        for tensor, (shape, dtype) in zip(args, types):
            if tensor.__class__ is not EagerTensor:
                return self._call(args, kwargs)
            array = tensor._array
            if array.dtype is not dtype or array.shape != shape:
                return self._call(args, kwargs)
            arrays.append(array)
        return concrete.call_flat(args) if thread.listeners else concrete.call_arrays(arrays)

    def _call(self, args, kwargs):
        if _eagerly:
            return self._python_function(*args, **kwargs)
        quick = not kwargs and thread.trace is None and all([a.__class__ is EagerTensor for a in args])
        if quick:
            types = tuple([(a._array.shape, a._array.dtype) for a in args])
            concrete = self._quick.get(types)
            if concrete is not None:
                self._last = types, concrete
                return concrete.call_flat(args)
        count = self._count
        concrete, tensors = self._find(args, kwargs)
        if thread.trace is None:
            if self._count > count:
                frequency.traced(self._python_function, self)
            else:
                frequency.reused(self._python_function, quick)
        if quick and len(args) == len(tensors) and not concrete._trace.captures:
            self._quick[types] = concrete
            self._last = types, concrete
        return concrete.call_flat(tensors)

    def get_concrete_function(self, *args, **kwargs):
        """The trace for arguments: values, or a `tf.TensorSpec` in the place of a tensor."""
        concrete = self._find(args, kwargs, asked=True)[0]
        names = [leaf.name for leaf in nest.flatten([args, kwargs]) if isinstance(leaf, TensorSpec)]
        return concrete.renamed(names) if any(names) and len(names) == len(concrete._names) else concrete

    # From arguments to a trace.

    @functools.cached_property
    def _signature(self):
        """The inspect.Signature of the Python function; None for a builtin that has none."""
        target = self._python_function
        try:
            return inspect.signature(target, follow_wrapped=not isinstance(target, _WeakMethod))
        except ValueError:
            return None

    def _canonical(self, args, kwargs):
        """The arguments in the order of the parameters, defaults filled in: (positional, by name)."""
        if self._signature is None:
            return args, kwargs
        bound = bound_to(self._signature, args, kwargs)
        return bound.args, bound.kwargs

    def _find(self, args, kwargs, asked=False):
        """The trace for arguments, and the tensors among them. `asked`: none stand for those of the signature."""
        if self._input_signature is not None:
            args, kwargs = self._signed(args, kwargs, asked)
        else:
            args, kwargs = self._canonical(args, kwargs)
        structure = (args, dict(sorted(kwargs.items())))
        leaves = nest.flatten(structure, expand_composites=True)
        kind, sizes, tensors, variables = [key_of_structure(structure)], [], [], {}
        for leaf in leaves:
            if isinstance(leaf, TensorSpec):
                kind.append(("tensor", leaf.dtype))
                sizes.append(None if leaf.shape.rank is None else tuple(leaf.shape))
                tensors.append(leaf)
            elif counts_as_tensor(leaf):
                tensor = convert_to_tensor(leaf)
                kind.append(("tensor", tensor.dtype))
                sizes.append(public(tensor._shape))
                tensors.append(tensor)
            elif isinstance(leaf, Variable):
                kind.append(("variable", leaf._id))
                variables[leaf._id] = leaf
            else:
                kind.append(key_of(leaf))
        kind, sizes = tuple(kind), tuple(sizes)
        concrete = self._known.get((kind, sizes))
        if concrete is None:
            with _tracing:
                concrete = self._known.get((kind, sizes)) or self._compatible(kind, sizes)
                if concrete is None and variables:
                    concrete = self._for_other_variables(kind, sizes, list(variables.values()))
                if concrete is None:
                    concrete = self._trace(structure, leaves, kind, sizes, tensors)
                    if variables and not concrete._trace.captures:
                        known = concrete, list(variables.values())
                        self._kinds_of_variables.setdefault(whatever_the_variables(kind, known[1]), []).append(
                            (sizes, *known)
                        )
        return concrete, tensors

    def _for_other_variables(self, kind, sizes, variables):
        """The trace that was made for other variables of the same shapes and dtypes, with these in their places."""
        for known, concrete, others in self._kinds_of_variables.get(whatever_the_variables(kind, variables), ()):
            if known == sizes:
                made = for_variables(concrete, others, variables)
                if made is not None:
                    self._known[kind, sizes] = made
                    self._kinds.setdefault(kind, []).append((sizes, made))
                    return made
        return None

    def _signed(self, args, kwargs, asked):
        """Arguments under an `input_signature`: tensors of its specs."""
        specs = self._input_signature
        if self._signature is not None:
            check_constrained(self._signature, len(specs))
        if asked and not args and not kwargs:
            args = specs
        given, kwargs = self._canonical(args, kwargs)
        extra = given[len(specs) :]
        given = given[: len(specs)]
        try:
            flat = [cast_to(spec, value) for spec, value in pairs(list(specs), list(given))]
        except (TypeError, ValueError, KeyError) as error:
            names = (f"args_{i}" for i in itertools.count()) if self._signature is None else self._signature.parameters
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{error}`. Received args: {args} and kwargs: {kwargs} "
                f"for signature: ({', '.join(f'{name}: {typed(spec)}' for name, spec in zip(names, specs))})."
            ) from None
        return tuple(nest.pack_sequence_as(list(specs), flat)) + extra, kwargs

    def _compatible(self, kind, sizes):
        """A trace of wider sizes, if there is one."""
        traces = self._kinds.get(kind)
        if traces is None and any(part and part[0] == "told" for part in kind[1:]):
            traces = next((self._kinds[known] for known in self._kinds if serves(kind, known)), None)
        for known, concrete in traces or ():
            if all(within(a, b) for a, b in zip(sizes, known)):
                self._known[kind, sizes] = concrete
                return concrete
        return None

    def _trace(self, structure, leaves, kind, sizes, tensors):
        wanted = sizes
        if self._input_signature is not None:
            flat = nest.flatten(list(self._input_signature))
            wanted = tuple([None if s.shape.rank is None else tuple(s.shape) for s in flat]) + sizes[len(flat) :]
        elif self._reduce and kind in self._kinds:
            wanted = functools.reduce(wider, [known for known, _ in self._kinds[kind]], sizes)
        wanted = tuple([a if b is None else b for a, b in zip(sizes, wanted)])  # an unknown rank is known by now
        concrete = self._traced(structure, leaves, wanted, tensors)
        if concrete._trace.created and self._had_variables is None:
            self._had_variables = concrete._trace.created
            concrete = self._traced(structure, leaves, wanted, tensors)
        elif self._had_variables is None:
            self._had_variables = []
        if not concrete._trace.captures:
            self._known[kind, sizes] = concrete
            self._kinds.setdefault(kind, []).append((wanted, concrete))
        return concrete

    def _traced(self, structure, leaves, sizes, tensors):
        self._count += 1
        self._forget()
        prepare()
        with Trace(self._name, thread.trace) as trace:
            trace.may_create = self._had_variables is None
            specs, inputs, names = [], [], []
            paths = leaf_names(self._signature, structure)
            flat = []
            remaining = iter(zip(sizes, tensors))
            for leaf, name in zip(leaves, paths):
                if isinstance(leaf, TensorSpec) or counts_as_tensor(leaf):
                    shape, tensor = next(remaining)
                    dtype = tensor.dtype
                    specs.append(TensorSpec(TensorShape._of(shape), dtype, getattr(leaf, "name", None) or name))
                    names.append((isinstance(leaf, TensorSpec) and leaf.name) or name)
                    inputs.append(trace.input(shape, dtype._np))
                    trace.names[inputs[-1]._slot] = names[-1]
                    flat.append(inputs[-1])
                else:
                    told = trace_type_of(leaf)
                    flat.append(leaf if told is None else told.placeholder_value(None))
            args, kwargs = nest.pack_sequence_as(structure, flat, expand_composites=True)
            before = nest.pack_sequence_as(structure, flat, expand_composites=True)
            if all([t.__class__ is EagerTensor for t in tensors]):
                trace.given = dict(zip([t._slot for t in inputs], tensors))
            try:
                result = self._body()(*args, **kwargs)
            except InvalidArgumentError as error:
                if isinstance(error, TraceError):
                    raise
                raise TraceError(None, None, error.message) from error
            self._check_untouched(before, (args, kwargs))
            outputs, shaped = flat_outputs(trace, result)
            trace.given = {}
        graph = trace.graph
        graph.outputs = [t._slot for t in outputs]
        graph = simplified(graph)
        graph.cache["patience"] = patience_after(self._count - 1)
        concrete = ConcreteFunction(self._name, trace, graph, specs, shaped, names)
        concrete._arguments, concrete._results = inputs, outputs
        named = iter([TensorSpec(s.shape, s.dtype, n) for s, n in zip(specs, names)])
        told = [next(named) if f.__class__ is SymbolicTensor else described(leaf) for f, leaf in zip(flat, leaves)]
        concrete._signature = nest.pack_sequence_as(structure, told, expand_composites=True)
        concrete._parameters = parameters_of(self._signature, *concrete._signature)
        return concrete

    def _check_untouched(self, before, after):
        """Raise ValueError where the Python code changed a list or dictionary among its arguments."""
        try:
            nest.assert_same_structure(before, after, expand_composites=True)
            flat = [nest.flatten(each, expand_composites=True) for each in (before, after)]
            if all([a is b for a, b in zip(*flat)]):
                return
        except (TypeError, ValueError):
            pass  # told below, by the names of the parameters
        changed = changed_parameters(self._signature, before, after)
        name = getattr(self._python_function, "__qualname__", self._name)
        raise ValueError(
            f"{name}{self._signature or ''} should not modify its Python input arguments. Modifying a copy is allowed. "
            f"The following parameter(s) were modified: {', '.join(changed)}"
        )

    def _forget(self):
        """Drop the traces for objects that are no more: nothing can ask for them again."""
        gone = {kind for kind in self._kinds if any(map(is_gone, kind))}
        if gone:
            self._kinds = {kind: traces for kind, traces in self._kinds.items() if kind not in gone}
            self._known = {key: trace for key, trace in self._known.items() if key[0] not in gone}

    def _body(self):
        if not self._autograph:
            return self._python_function
        if self._converted is None:
            self._converted = _autographed(self._python_function)
        return self._converted

    def __reduce__(self):
        return _again, (self._python_function, self._input_signature, self._autograph, self._reduce)

    def __repr__(self):
        return f"<tapeflow.function {self._name} at 0x{id(self):x}>"


def _again(python_function, *options):
    """A function as `copy` and `pickle` make it: without the traces of the other."""
    made = Function(python_function, *options)
    return functools.update_wrapper(made, python_function, updated=())


class _WeakMethod:
    """A method bound to an instance that it does not keep alive."""

    def __init__(self, function, instance):
        self.function = function
        self.instance = weakref.ref(instance)
        self.__signature__ = _without_first(function)

    def __call__(self, *args, **kwargs):
        instance = self.instance()
        if instance is None:
            raise ReferenceError("weakly-referenced object no longer exists: the instance of this method is gone.")
        return self.function(instance, *args, **kwargs)


def _without_first(function):
    signature = inspect.signature(function)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _autographed(python_function):
    from tapeflow.tracing.autograph import convert

    if isinstance(python_function, _WeakMethod):
        inner = convert(python_function.function)
        return lambda *args, **kwargs: inner(python_function.instance(), *args, **kwargs)
    return convert(python_function)


__all__ = ["function", "Function", "run_functions_eagerly", "functions_run_eagerly"]
