"""`ConcreteFunction`: one trace of a function, called with tensors of its types."""

import copy

import numpy as np

from tapeflow.autodiff.tape import GradientTape
from tapeflow.compiler.run import runner
from tapeflow.core import function_types, nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.core.spec import TensorSpec
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.tracing.derivative import call_recorded, only_reads
from tapeflow.tracing.results import refilled
from tapeflow.tracing.signature import FunctionType, bind, typed
from tapeflow.tracing.signature import text as signature_text
from tapeflow.tracing.streams import with_own_streams
from tapeflow.tracing.symbolic import SymbolicTensor
from tapeflow.tracing.trace import evaluate


class ConcreteFunction(function_types.ConcreteFunction):
    """A traced function: a callable of its tensors. Made by `tf.function(...).get_concrete_function`."""

    def __init__(self, name, trace, graph, specs, structure, names):
        self.name = name
        self._trace = trace
        self._graph = graph
        self._specs = specs  # a TensorSpec for each tensor among the arguments
        self._structure = structure  # the result, numbers standing for tensors
        plain = structure.__class__ in (list, tuple) and list(structure) == list(range(len(graph.outputs)))
        self._flat = structure.__class__ if plain else None  # of a result that is just the outputs
        self._names = names  # a name for each tensor among the arguments, for calls by keyword
        self._signature = ((), {})

    # Calling.

    def __call__(self, *args, **kwargs):
        """Call with the arguments of the signature, or with its tensors only, in order or by name.

        Raises TypeError for others, and for another Python value than the one that was traced.
        """
        try:
            given = bind(self._parameters, args, kwargs)
            tensors = [_cast(v, s) for v, s in zip(given, self._specs, strict=True)]
        except (TypeError, ValueError) as error:
            tensors = self._flat_arguments(args, kwargs, error)
        return self.call_flat(tensors)

    def _flat_arguments(self, args, kwargs, error):
        """The tensors of arguments that are nothing but tensors, in order or by name."""
        name = f"{self.name}({', '.join(map(str, self._names))})"
        problem = None
        count = len(self._specs)
        values = list(args)
        rest = self._names[len(values) :]
        unknown = [key for key in kwargs if key not in self._names]
        twice = [key for key in kwargs if key in self._names and key not in rest]
        if len(values) > count:
            problem = f"{name} takes {count} positional arguments, got {len(values)}"
        elif twice:
            problem = f"{name} got two values for {twice[0]!r}"
        elif unknown:
            problem = f"{name} got unexpected keyword arguments: {', '.join(unknown)}"
        elif len(values) + len(kwargs) < count:
            problem = f"{name} missing required arguments: {', '.join(n for n in rest if n not in kwargs)}"
        values += [kwargs[key] for key in rest if key in kwargs]
        for i, value in enumerate(values):
            if problem is None and not isinstance(value, (Tensor, Variable, np.ndarray)):
                problem = (
                    f"{name}: expected argument #{i}(zero-based) to be a Tensor; got {type(value).__name__} ({value})"
                )
        if problem is None and thread.trace is not None:
            try:
                return [_cast(value, spec) for value, spec in zip(values, self._specs)]
            except TypeError as misfit:
                error = problem = misfit
        if problem is not None:
            inner = ", ".join(f"{p.name}: {typed(p.value)}" for p in self._parameters)
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{error}`. Received args: {args} and kwargs: {kwargs} "
                f"for signature: ({inner}) -> {typed(self._types())}.\nFallback to flat signature also failed due to: "
                f"{problem}"
            ) from None
        return [_fitted(value, spec, self.name) for value, spec in zip(values, self._specs)]

    def call_flat(self, tensors):
        """The result for a list of tensors of the right types."""
        graph = self._graph
        listeners = thread.listeners
        if thread.trace is None and all([t.__class__ is EagerTensor for t in tensors]):
            if not listeners:
                return self.call_arrays([t._array for t in tensors])
            if len(listeners) == 1 and listeners[0].__class__ is GradientTape and self._once(listeners[0]):
                outputs = call_recorded(graph, tensors)
            else:
                outputs = evaluate(graph, tensors)
        elif thread.trace is None:
            outputs = evaluate(graph, [*tensors, *self._trace.captures])
        else:
            outputs = evaluate(with_own_streams(graph), [*tensors, *self._trace.captures])
        return self.packed(outputs)

    def call_arrays(self, arrays):
        """The result for a list of arrays of the right types, where nobody listens."""
        results = runner(self._graph)(arrays)
        if self._structure.__class__ is int:
            return EagerTensor(results[self._structure])
        if self._flat is not None:
            return self._flat([EagerTensor(array) for array in results])
        return refilled(self._structure, [EagerTensor(array) for array in results])

    def _once(self, tape):
        return not tape._persistent or only_reads(self._graph)

    def packed(self, outputs):
        """Flat outputs in the structure that the function returned."""
        if self._structure.__class__ is int:
            return outputs[self._structure]
        return refilled(self._structure, outputs)

    def renamed(self, names):
        """The same with other names for the tensors among the arguments, None for those that keep theirs."""
        names = [new or old for new, old in zip(names, self._names)]
        if names == self._names:
            return self
        made = copy.copy(self)
        made._names = names
        named = iter(names)

        def leaf(spec):
            return TensorSpec(spec.shape, spec.dtype, next(named)) if isinstance(spec, TensorSpec) else spec

        made._signature = nest.map_structure(leaf, self._signature, expand_composites=True)
        return made

    # Looking at it.

    @property
    def function_type(self):
        """The parameters, what is captured, and the result, as types."""
        return FunctionType(self._parameters, self._graph_captures(), self._types())

    @property
    def graph(self):
        """The `FuncGraph`."""
        view = self._trace.view()
        view._graph = self._graph
        view.outputs = self.outputs
        view.inputs = self.inputs
        return view

    @property
    def inputs(self):
        """The symbolic inputs: those of the arguments, then those of what is captured."""
        return list(self._arguments) + list(self._graph_captures())

    @property
    def outputs(self):
        """The symbolic outputs, flat."""
        named = []
        for i, tensor in enumerate(self._results):
            slot = -1 - i  # of no operation: the results have names of their own
            self._trace.names[slot] = f"Identity_{i}" if i else "Identity"
            named.append(SymbolicTensor(self._trace, slot, tensor._shape, tensor._dtype))
        return named

    def _graph_captures(self):
        start = self._trace.start  # what was made since is the function's own
        return [*self._graph.variables(), *[t for t in self._graph.constants.values() if t._id < start]]

    @property
    def captured_inputs(self):
        """The variables and tensors from outside that the function uses."""
        return self._graph_captures()

    @property
    def variables(self):
        """The variables that the function reads or assigns."""
        return tuple(self._graph.variables())

    @property
    def trainable_variables(self):
        """Those of the variables that are trainable."""
        return tuple([v for v in self._graph.variables() if v.trainable])

    @property
    def structured_outputs(self):
        """The result as symbolic tensors, in its structure."""
        return self.packed(self.outputs)

    def _types(self):
        return self.packed([TensorSpec(t.shape, t.dtype) for t in self._results])

    @property
    def output_shapes(self):
        """The shapes of the result, in its structure."""
        return self.packed([t.shape for t in self._results])

    @property
    def output_dtypes(self):
        """The dtypes of the result, in its structure."""
        return self.packed([t.dtype for t in self._results])

    @property
    def structured_input_signature(self):
        """The arguments as specs: a tuple for the positional ones and a dictionary."""
        return self._signature

    def pretty_printed_signature(self, verbose=True):
        """The parameters, the result and what is captured, as text."""
        return signature_text(self._parameters, self._types(), self._graph_captures(), verbose)

    def __repr__(self):
        return f"<ConcreteFunction {self.pretty_printed_signature(verbose=False)} at 0x{id(self):X}>"

    def __str__(self):
        """The graph, an operation a line, and what the compiler made of it for each set of shapes that was called."""
        from tapeflow.compiler import explain
        from tapeflow.tracing.view import text

        known = self._graph.cache.get("native", {}).values()
        return "\n".join([
            f"ConcreteFunction {self.pretty_printed_signature()}", text(self._graph), *map(explain.text, known),
        ])  # fmt: skip


def _cast(value, spec):
    """An argument as a tensor of its spec. Raises TypeError if it is none."""
    given = isinstance(value, (Tensor, Variable))
    tensor = convert_to_tensor(value, None if given else spec.dtype)
    if tensor.dtype is not spec.dtype or not spec.shape.is_compatible_with(tensor.shape):
        unnamed = TensorSpec(spec.shape, spec.dtype)
        raise TypeError(f"Can not cast {TensorSpec(tensor.shape, tensor.dtype)} to {unnamed}")
    return tensor


def _fitted(value, spec, name):
    """An argument as a tensor that fits its spec."""
    tensor = convert_to_tensor(value, None if isinstance(value, (Tensor, Variable)) else spec.dtype)
    if tensor.dtype is not spec.dtype:
        raise InvalidArgumentError(
            None, None, f"cannot compute {name} as an input was expected to be a {spec.dtype._proto} tensor but is a "
            f"{tensor.dtype._proto} tensor",
        )  # fmt: skip
    if not spec.shape.is_compatible_with(tensor.shape):
        raise InvalidArgumentError(
            None, None, f"cannot compute {name}: an input has shape {tensor.shape}, and the function was traced for "
            f"{spec.shape}",
        )  # fmt: skip
    return tensor
