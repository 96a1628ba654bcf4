"""`tf.GradientTape`: reverse mode, by recording applications of primitives and walking them backwards."""

from itertools import compress
from operator import is_

import numpy as np

from tapeflow.autodiff.derive import pull, pull_later
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import thread
from tapeflow.core.logging import warn
from tapeflow.core.tensor import EagerTensor, Like, Tensor
from tapeflow.core.unconnected import UnconnectedGradients
from tapeflow.core.variable import is_variable
from tapeflow.engine.dispatch import check_broadcast, mismatch
from tapeflow.engine.primitive import ELEMENTWISE
from tapeflow.ops import space
from tapeflow.ops.elementwise import MUL, READ
from tapeflow.ops.space import _INEXACT as INEXACT
from tapeflow.ops.space import is_inexact

NO_GRADIENT = UnconnectedGradients.NONE


class GradientTape:
    """Records operations, for their gradients.

    Args:
      persistent: whether `gradient` may be called more than once.
      watch_accessed_variables: whether trainable variables are watched as they are read.

    >>> import tapeflow as tf
    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=6.0>
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._recording = False
        self._spent = True  # until it is entered
        self._variables = {}  # watched variables by id
        self._watched = set()  # ids of what is watched and of all that depends on it
        self._roots = set()  # ids of what was watched
        self._records = []

    def _forget(self):
        self._watched = set()
        self._roots = set()
        self._records = []

    # Recording.

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, kind, error, traceback):
        if self._recording:
            self._stop()

    def _start(self):
        if self._recording:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        if self._spent:
            self._variables = {}
            self._spent = False
        thread.listeners += (self,)
        self._recording = True

    def _stop(self):
        if not self._recording:
            raise ValueError("Tape is not recording.")
        listeners = thread.listeners
        if listeners and listeners[-1] is self:
            thread.listeners = listeners[:-1]
        else:
            thread.listeners = tuple([listener for listener in listeners if listener is not self])
        self._recording = False

    def _record(self, prim, inputs, out, attrs):
        """Called for every application of a primitive while the tape listens: keep what its vjp will need."""
        watched = self._watched
        mask = 0
        bit = 1
        for tensor in inputs:
            if tensor._id in watched:
                mask |= bit
            bit += bit
        if not mask:
            return
        flags, wants_out = prim._keeps.get(mask) or prim.keeps(mask)
        if flags is not None and (prim.kind is not ELEMENTWISE or not _is_scalar(out)):
            inputs = tuple([t if f or _is_scalar(t) else Like(t) for t, f in zip(inputs, flags)])  # noqa: B905 `repeat`
        if prim.many:
            ids = [tensor._id for tensor in out]
            watched.update(compress(ids, map(is_inexact, out)))
            self._records.append((prim, mask, inputs, ids, out if wants_out else [Like(t) for t in out], attrs))
        else:
            key = out._id
            watched.add(key)
            self._records.append((prim, mask, inputs, key, out if wants_out else None, attrs))

    def watch(self, tensor):
        """Trace `tensor`, a tensor or variable or a nested structure of them.

        Raises ValueError for what is neither.
        """
        if tensor.__class__ is EagerTensor and tensor._array.dtype in INEXACT:
            self._roots.add(tensor._id)
            self._watched.add(tensor._id)
            return
        for item in nest.flatten(tensor, expand_composites=True):
            item = handle(item)
            if not (isinstance(item, Tensor) or is_variable(item)):
                raise ValueError(
                    f"Passed in object {item!r} of type {type(item).__name__!r}, not tf.Tensor or tf.Variable or "
                    "ExtensionType."
                )
            if not is_inexact(item):
                warn(
                    "The dtype of the watched tensor must be floating (e.g. tf.float32), got %r", item.dtype
                )
                continue
            self._roots.add(item._id)
            self._watched.add(item._id)
            if not isinstance(item, Tensor):
                self._variables[item._id] = item

    def _accessed(self, variable, tensor):
        """Called for every read of a variable while the tape listens."""
        key = variable._id
        if key not in self._watched:
            if not (variable._trainable and self._watch_accessed_variables and is_inexact(variable)):
                return
            self._variables[key] = variable
            self._roots.add(key)
            self._watched.add(key)
        self._watched.add(tensor._id)
        self._records.append((READ, 1, (variable,), tensor._id, None, ()))

    def stop_recording(self):
        """A context in which the tape does not record. Raises RuntimeError if it is not recording."""
        return _Pause(self)

    def reset(self):
        """Forget all that was recorded, and what was watched."""
        self._stop()
        self._forget()
        self._variables = {}
        self._start()

    def watched_variables(self):
        """The variables watched by this tape, as a tuple in the order of their creation."""
        return tuple(sorted(self._variables.values(), key=lambda variable: variable._id))

    # Derivatives.

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients=NO_GRADIENT):
        """The gradient of `target`'s elements, summed, with respect to `sources`.

        Args:
          target: a tensor, or a nested structure of them, to differentiate.
          sources: a nested structure of tensors and variables to differentiate by.
          output_gradients: the cotangents to start from, one for each target; None stands for ones.
          unconnected_gradients: what to give for a source that the target does not depend on, None or zeros.

        Returns:
          A structure like `sources`, each a tensor of the source's shape and dtype, `tf.IndexedSlices`, or None.

        Raises:
          RuntimeError: a second call on a tape that is not persistent.

        >>> import tapeflow as tf
        >>> x, y = tf.Variable(3.0), tf.Variable(2.0)
        >>> with tf.GradientTape() as tape:
        ...     z = x * y + tf.square(y)
        >>> [g.numpy().item() for g in tape.gradient(z, [x, y])]
        [2.0, 7.0]
        """
        if self._spent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)"
            )
        if target is None:
            raise TypeError(
                "Argument `target` should be a list or nested structure of Tensors, Variables or CompositeTensors to "
                "be differentiated, but received None."
            )
        if self._recording:
            if not self._persistent:
                self._stop()
            else:
                warn(
                    "Calling GradientTape.gradient on a persistent tape inside its context is significantly less "
                    "efficient than calling it outside the context (it causes the gradient ops to be recorded on the "
                    "tape, leading to increased CPU and memory usage). Only call GradientTape.gradient inside the "
                    "context if you actually want to trace the gradient in order to compute higher order derivatives."
                )
        targets = [_target(item) for item in nest.flatten(target, expand_composites=True)]
        leaves = nest.flatten(sources, expand_composites=True)
        flat_sources = [_source(item) for item in leaves]
        if output_gradients is None:
            given = [None] * len(targets)
        else:
            given = nest.flatten(output_gradients)
            if len(given) != len(targets):
                raise ValueError(
                    f"`output_gradients` needs one gradient for each target, and has {len(given)} for {len(targets)}."
                )
            given = [_output_gradient(g, t) for g, t in zip(given, targets)]
        found = self._walk(targets, flat_sources, given)
        if unconnected_gradients is not NO_GRADIENT and UnconnectedGradients(unconnected_gradients) is not NO_GRADIENT:
            found = [space.zeros_like(s) if g is None else g for g, s in zip(found, flat_sources, strict=True)]
        if not self._persistent:
            self._forget()
            self._spent = True
        if sources.__class__ is list and len(leaves) == len(sources) and all(map(is_, leaves, sources)):
            return found  # the structure is a flat list, as most are
        return nest.pack_sequence_as(sources, found, expand_composites=True)

    def _walk(self, targets, sources, output_gradients):
        """From the targets back to the sources: the cotangent of each source, or None."""
        source_ids = {sources[0]._id} if len(sources) == 1 else {source._id for source in sources}
        watched = self._watched
        cotangents = {}
        for target, g in zip(targets, output_gradients, strict=True):
            key = target._id
            if key not in watched and (key not in source_ids or not is_inexact(target)):
                continue
            if g is None:
                g = space.ones_like(target)
            before = cotangents.get(key)
            cotangents[key] = g if before is None else space.add(before, g)
        needed = watched if self._roots <= source_ids else self._dependents(source_ids)
        records = reversed(self._records) if not self._recording else list(reversed(self._records))
        for prim, mask, inputs, key, out, attrs in records:
            if key.__class__ is list:
                g = [cotangents.get(k) if k in source_ids else cotangents.pop(k, None) for k in key]
                if not any(item is not None for item in g):
                    continue
                g = [space.dense(item) for item in g]
            else:
                g = cotangents.get(key) if key in source_ids else cotangents.pop(key, None)
                if g is None:
                    continue
                if g.__class__ is IndexedSlices and not prim.passes_slices:
                    g = space.dense(g)
            if needed is not watched:
                mask = sum([1 << i for i, tensor in enumerate(inputs) if tensor._id in needed])
                if not mask:
                    continue
            try:
                pulled = (prim.pull or pull(prim))(mask, inputs, out, attrs, g)
            except Exception as problem:
                pulled = pull_later(problem, prim, mask, inputs, out, attrs, g)
            bit = 1
            for tensor, cotangent in zip(inputs, pulled):  # noqa: B905
                if cotangent is not None and mask & bit:
                    k = tensor._id
                    before = cotangents.get(k)
                    cotangents[k] = cotangent if before is None else space.add(before, cotangent)
                bit += bit
        return [cotangents.get(source._id) for source in sources]

    def _dependents(self, ids):
        """The ids that depend on `ids`, so that no work is done for other watched things."""
        found = set(ids)
        for _, _, inputs, key, _, _ in self._records:
            for tensor in inputs:
                if tensor._id in found:
                    found.update(key) if key.__class__ is list else found.add(key)
                    break
        return found

    def jacobian(
        self,
        target,
        sources,
        unconnected_gradients=NO_GRADIENT,
        parallel_iterations=None,
        experimental_use_pfor=True,
    ):
        """The Jacobian of `target` with respect to `sources`.

        Args:
          target: a tensor.
          sources: a nested structure of tensors and variables.
          unconnected_gradients: what to give for a source that the target does not depend on, None or zeros.
          parallel_iterations: not used.
          experimental_use_pfor: whether to compute all rows at once (vectorised) or one after the other.

        Returns:
          A structure like `sources`, each a tensor of shape `target.shape + source.shape`.

        >>> import tapeflow as tf
        >>> x = tf.Variable([1., 2.])
        >>> with tf.GradientTape() as tape:
        ...     y = x * x
        >>> tape.jacobian(y, x).numpy().tolist()
        [[2.0, 0.0], [0.0, 4.0]]
        """
        from tapeflow.autodiff.jacobian import jacobian

        return jacobian(self, target, sources, unconnected_gradients, experimental_use_pfor)

    def batch_jacobian(
        self,
        target,
        source,
        unconnected_gradients=NO_GRADIENT,
        parallel_iterations=None,
        experimental_use_pfor=True,
    ):
        """The Jacobian of each example of `target` with respect to the same example of `source`.

        Args:
          target: a tensor of shape `[b, y_1, ..., y_n]`, in which row i depends on row i of `source` only.
          source: a tensor of shape `[b, x_1, ..., x_m]`.
          unconnected_gradients: what to give if `target` does not depend on `source`, None or zeros.
          parallel_iterations: not used.
          experimental_use_pfor: whether to compute all rows at once (vectorised) or one after the other.

        Returns:
          A tensor of shape `[b, y_1, ..., y_n, x_1, ..., x_m]`.

        Raises ValueError if the batch sizes differ.

        >>> import tapeflow as tf
        >>> x = tf.constant([[1., 2.], [3., 4.]])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> tape.batch_jacobian(y, x).numpy().tolist()
        [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
        """
        from tapeflow.autodiff.jacobian import batch_jacobian

        return batch_jacobian(self, target, source, unconnected_gradients, experimental_use_pfor)


class _Pause:
    """The context manager of `GradientTape.stop_recording`."""

    def __init__(self, tape):
        self._tape = tape

    def __enter__(self):
        if not self._tape._recording:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._tape._stop()

    def __exit__(self, kind, error, traceback):
        self._tape._start()


def _is_scalar(tensor):
    """Whether keeping a tensor is as cheap as keeping what is `Like` it."""
    return tensor.__class__ is not EagerTensor or tensor._array.__class__ is not np.ndarray


def handle(source):
    """A source as the tensor or variable that tapes know: a Keras variable stands for the one it holds."""
    return source if source.__class__ is EagerTensor else getattr(source, "handle", source)


def _source(item):
    """A source as the tensor or variable that the records know."""
    if item.__class__ is EagerTensor and item._array.dtype in INEXACT:
        return item
    source = handle(item)
    if not (isinstance(source, Tensor) or is_variable(source)):
        raise _no_tensor(source, "source")
    if not is_inexact(source):
        warn(
            "The dtype of the source tensor must be floating (e.g. tf.float32) when calling GradientTape.gradient, "
            "got %r", source.dtype,
        )  # fmt: skip
    return source


def _target(item):
    """A target as the tensor or variable that the records know."""
    if item.__class__ is EagerTensor and item._array.dtype in INEXACT:
        return item
    item = handle(item)
    if not (isinstance(item, Tensor) or is_variable(item)):
        raise _no_tensor(item, "target")
    if not is_inexact(item):
        warn(
            "The dtype of the target tensor must be floating (e.g. tf.float32) when calling GradientTape.gradient, "
            "got %r", item.dtype,
        )  # fmt: skip
    return item


def _no_tensor(value, what):
    """TensorFlow's error for a source or target that is no tensor, which it finds when it asks for the dtype."""
    advice = (
        f"a {what} must be a tf.Tensor or tf.Variable. Make a tensor with tf.constant or tf.convert_to_tensor before "
        "the tape, watch it, and use that same tensor"
    )
    if value is None or isinstance(value, (str, bytes)):
        return TypeError(f"Cannot convert the argument `type_value`: {value!r} to a TensorFlow DType: {advice}.")
    name = type(value).__name__ if type(value).__module__ != "numpy" else f"numpy.{type(value).__name__}"
    return AttributeError(f"{name!r} object has no attribute {'_id' if '.' in name else 'dtype'!r}: {advice}.")


def _output_gradient(g, target):
    """A cotangent that the user gives, as a tensor of the target's shape and dtype."""
    g = convert_to_tensor(g, dtype_hint=target.dtype)
    if g._dtype != target._dtype:
        raise mismatch(MUL, 1, target._dtype, g._dtype)
    if g._shape != target._shape:
        check_broadcast(MUL, g._shape, target._shape)
        g = space.broadcast_like(g, target)
    return g
