"""`tf.autodiff.ForwardAccumulator`: forward mode, a tangent pushed through every operation as it runs."""

import weakref

from tapeflow.autodiff.derive import push
from tapeflow.autodiff.tape import handle
from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.listening import thread
from tapeflow.core.unconnected import UnconnectedGradients
from tapeflow.ops import space
from tapeflow.ops.elementwise import READ


class ForwardAccumulator:
    """Computes Jacobian-vector products as the program runs, without keeping its intermediate values.

    Args:
      primals: a tensor or variable, or a nested structure of them.
      tangents: a structure like `primals`, of the same shapes and dtypes.

    Raises:
      ValueError: the same primal is given twice, or a tangent does not fit its primal.

    >>> import tapeflow as tf
    >>> x = tf.constant([2.0, 3.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...     y = x * x
    >>> acc.jvp(y)
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([4., 0.], dtype=float32)>
    """

    def __init__(self, primals, tangents):
        self._tangents = {}  # id of a tensor: (its tangent, a weak reference that forgets it with the tensor)
        self._recording = False
        nest.assert_same_structure(primals, tangents, check_types=False)
        for primal, tangent in zip(nest.flatten(primals), nest.flatten(tangents), strict=True):
            self._watch(handle(primal), tangent)

    def _watch(self, primal, tangent):
        if not space.is_inexact(primal):
            raise ValueError(
                f"ForwardAccumulator: the dtype of a primal must be floating or complex, and is {primal.dtype!r}."
            )
        tangent = convert_to_tensor(tangent, primal.dtype)
        if tangent._shape != primal._shape:
            raise ValueError(
                f"ForwardAccumulator: a tangent has shape {tangent.shape}, and its primal has shape {primal.shape}."
            )
        if primal._id in self._tangents:
            raise ValueError(
                "Tensor "
                f"{primal!r} was passed to the ForwardAccumulator twice. A primal can have one tangent: add them up."
            )
        self._keep(primal, tangent)

    def _keep(self, tensor, tangent):
        key, tangents = tensor._id, self._tangents
        self._tangents[key] = (tangent, weakref.ref(tensor, lambda _: tangents.pop(key, None)))

    def __enter__(self):
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        thread.listeners += (self,)
        self._recording = True
        return self

    def __exit__(self, kind, error, traceback):
        if self._recording:
            thread.listeners = tuple([listener for listener in thread.listeners if listener is not self])
            self._recording = False

    def _accessed(self, variable, tensor):
        self._record(READ, (variable,), tensor, ())

    def _record(self, prim, inputs, out, attrs):
        found = self._tangents
        tangents = [entry and entry[0] for entry in [found.get(tensor._id) for tensor in inputs]]
        if not any(tangent is not None for tangent in tangents):
            return
        # The jvp is itself a program: tapes and the accumulators around this one see it, those within do not.
        before = thread.listeners
        place = before.index(self)
        thread.listeners = (
            *before[:place],
            *[listener for listener in before[place:] if not isinstance(listener, ForwardAccumulator)],
        )
        try:
            pushed = push(prim)(tangents, inputs, out, attrs)
        finally:
            thread.listeners = before
        if prim.many:
            for tensor, tangent in zip(out, pushed or (), strict=False):
                if tangent is not None and space.is_inexact(tensor):
                    self._keep(tensor, tangent)
        elif pushed is not None:
            self._keep(out, pushed)

    def jvp(self, primals, unconnected_gradients=UnconnectedGradients.NONE):
        """The tangents of `primals`: the Jacobian of each times the tangents that the accumulator was made with.

        Args:
          primals: a nested structure of tensors and variables.
          unconnected_gradients: what to give for a value that does not depend on the primals, None or zeros.

        Returns:
          A structure like `primals`.
        """
        unconnected = UnconnectedGradients(unconnected_gradients)

        def tangent(primal):
            primal = handle(primal)
            entry = self._tangents.get(primal._id)
            if entry is not None:
                return entry[0]
            if unconnected is UnconnectedGradients.ZERO:
                return space.zeros_like(primal)
            return None

        return nest.map_structure(tangent, primals)
