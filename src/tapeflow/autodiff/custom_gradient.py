"""Functions with derivatives of their own: `custom_gradient`, `recompute_grad`, `grad_pass_through`."""

from functools import update_wrapper, wraps

from tapeflow.autodiff.tape import GradientTape, handle
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.tensor import Tensor
from tapeflow.engine.dispatch import apply, record
from tapeflow.engine.primitive import constant, general
from tapeflow.ops.elementwise import IDENTITY, copy_of

CUSTOM = general(
    "CustomGradient", None, None, lambda gs, function: function(*gs), operands="*", attrs="function", many=True
)
STOP = constant("StopGradient", lambda x: x, batch=lambda x: apply(STOP, (x,)))


def stop_gradient(input, name=None):  # noqa: A002 (TensorFlow's name)
    """`input`, a tensor of any shape and dtype, as a constant to every tape and accumulator.

    `tf.IndexedSlices` stay what they are.

    >>> import tapeflow as tf
    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = x * tf.stop_gradient(x)
    >>> tape.gradient(y, x).numpy().item()
    3.0
    """
    if input.__class__ is IndexedSlices:
        return IndexedSlices(stop_gradient(input.values), input.indices, input.dense_shape)
    return apply(STOP, (convert_to_tensor(input),))


class _VariableWatcher:
    """A listener that only notes which trainable variables are read."""

    def __init__(self):
        self.variables = {}

    def _record(self, prim, inputs, out, attrs):
        """Nothing: operations are not this listener's business."""

    def _accessed(self, variable, tensor):
        if variable._trainable:
            self.variables[variable._id] = variable

    def others_than(self, args):
        """The variables that were read and are not among `args`."""
        given = {id(handle(arg)) for arg in args}
        return [variable for variable in self.variables.values() if id(variable) not in given]

    def __enter__(self):
        thread.listeners += (self,)
        return self

    def __exit__(self, kind, error, traceback):
        thread.listeners = tuple([listener for listener in thread.listeners if listener is not self])


def custom_gradient(f=None):
    """Give the function `f` a derivative of its own.

    Args:
      f: a function of tensors that returns `(y, grad_fn)`: `y` a tensor or nested structure of them, and
        `grad_fn(*dy)` a function from the cotangents of `y` to those of the arguments. If `f` reads variables,
        `grad_fn` takes them as `variables=` and returns `(cotangents of the arguments, cotangents of the variables)`.

    Returns:
      A function of the same arguments that returns `y`.

    Raises:
      TypeError: at the call, if `f` reads variables and `grad_fn` does not take `variables`.
      ValueError: at the gradient, if `grad_fn` returns another number of cotangents than there are arguments.

    >>> import tapeflow as tf
    >>> @tf.custom_gradient
    ... def clipped(x):
    ...     return x, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)
    >>> x = tf.Variable(2.0)
    >>> with tf.GradientTape() as tape:
    ...     y = clipped(x) * 5.0
    >>> tape.gradient(y, x).numpy().item()
    1.0
    """
    if f is None:
        return custom_gradient

    def decorated(*args, **kwargs):
        if thread.trace is not None:  # what reads a variable among them, a Keras variable too, reads it here
            args = nest.map_structure(convert_to_tensor, args)
        with _VariableWatcher() as watcher:
            result, grad_fn = f(*args, **kwargs)
        flat_args = nest.flatten(args) + nest.flatten(list(kwargs.values()))
        variables = watcher.others_than(flat_args)
        if variables and not _takes_variables(grad_fn):
            raise TypeError(
                "@tf.custom_gradient grad_fn must accept keyword argument 'variables', since function uses "
                f"variables: {variables}"
            )
        outputs = [copy_of(convert_to_tensor(item)) for item in nest.flatten(result)]
        inputs = [convert_to_tensor(arg) for arg in flat_args]

        def cotangents(*dys):
            if variables:
                of_inputs, of_variables = grad_fn(*dys, variables=variables)
                if len(of_variables) != len(variables):
                    raise ValueError(
                        f"Must return gradient for each variable from @custom_gradient grad_fn: {len(variables)} "
                        f"variables, {len(of_variables)} gradients."
                    )
            else:
                of_inputs, of_variables = grad_fn(*dys), []
            flat = nest.flatten(of_inputs)
            if len(flat) == len(nest.flatten(args)):  # those given by keyword have none
                flat += [None] * (len(inputs) - len(flat))
            if len(flat) != len(inputs):
                raise ValueError(
                    f"custom_gradient function expected to return {len(inputs)} gradients, but returned {len(flat)} "
                    "instead."
                )
            return [None if g is None else _as_cotangent(g) for g in [*flat, *of_variables]]

        outputs = _with_cotangents(inputs, variables, outputs, cotangents)
        return nest.pack_sequence_as(result, outputs)

    return _Differentiated(f, decorated)


class _Differentiated:
    """A function with a derivative of its own; bound to an object, as a method is, it differentiates by the rest."""

    def __init__(self, function, call):
        update_wrapper(self, function)
        self._call = call

    def __call__(self, *args, **kwargs):
        return self._call(*args, **kwargs)

    def __get__(self, instance, owner):
        return self if instance is None else custom_gradient(self.__wrapped__.__get__(instance, owner))


def _with_cotangents(inputs, variables, outputs, cotangents):
    """The outputs, with this function from their cotangents to those of inputs and variables."""
    if thread.trace is not None and any([hasattr(t, "_slot") for t in (*inputs, *outputs)]):
        from tapeflow.tracing.custom import with_cotangents

        return with_cotangents(inputs, variables, outputs, cotangents)
    record(CUSTOM, (*inputs, *variables), outputs, (cotangents,))
    return outputs


def _as_cotangent(g):
    return g if isinstance(g, Tensor) or hasattr(g, "dense_shape") else convert_to_tensor(g)


def _takes_variables(function):
    import inspect

    parameters = inspect.signature(function).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def recompute_grad(f):
    """`f`, which a tape runs again for its gradient instead of keeping what happened within.

    Saves memory for time: only the arguments are kept. `f` may read variables; it must give the same result twice.

    >>> import tapeflow as tf
    >>> x = tf.Variable(2.0)
    >>> with tf.GradientTape() as tape:
    ...     y = tf.recompute_grad(lambda x: tf.sin(x) * x)(x)
    >>> round(tape.gradient(y, x).numpy().item(), 4)
    0.077
    """

    @wraps(f)
    def inner(*args, **kwargs):
        before = thread.listeners
        thread.listeners = ()
        try:
            with _VariableWatcher() as watcher:
                result = f(*args, **kwargs)
        finally:
            thread.listeners = before
        flat_args = [convert_to_tensor(arg) for arg in nest.flatten(args)]
        variables = watcher.others_than(nest.flatten(args))
        for variable in variables:
            variable._read()  # so that the tapes around know it, for they did not see it read within

        def cotangents(*dys):
            inputs = [copy_of(arg) for arg in flat_args]
            for arg, copy in zip(flat_args, inputs, strict=True):
                record(IDENTITY, (arg,), copy)
            with GradientTape() as tape:
                tape.watch([*inputs, *variables])
                again = f(*nest.pack_sequence_as(args, inputs), **kwargs)
            return tape.gradient(again, [*inputs, *variables], output_gradients=list(dys))

        outputs = [copy_of(convert_to_tensor(item)) for item in nest.flatten(result)]
        outputs = _with_cotangents(flat_args, variables, outputs, cotangents)
        return nest.pack_sequence_as(result, outputs)

    return inner


def grad_pass_through(f):
    """`f` as the identity to every tape: the cotangent of its result goes to its arguments unchanged.

    >>> import tapeflow as tf
    >>> x = tf.Variable(1.4)
    >>> with tf.GradientTape() as tape:
    ...     y = tf.grad_pass_through(tf.round)(x)
    >>> tape.gradient(y, x).numpy().item()
    1.0
    """

    @custom_gradient
    def passed(*args, **kwargs):
        def grad(*dys, variables=None):
            if variables is None:
                return dys
            return dys, [None] * len(variables)

        return f(*args, **kwargs), grad

    @wraps(f)
    def wrapped(*args, **kwargs):
        return passed(*args, **kwargs)

    return wrapped
