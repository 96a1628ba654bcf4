"""What Keras's TensorFlow backend is told: how to find the shapes of what a layer would give, for functional models.

Keras asks its TensorFlow backend to run a layer on placeholders in a graph. There are no graphs yet, so the layer runs
on zeros, twice, with two sizes for each dimension that is unknown: what differs in the results depends on it.
"""

import sys

_SIZES = (2, 3)


def compute_output_spec(fn, *args, **kwargs):
    """What `fn` gives for `KerasTensor` arguments, as `KerasTensor`s in its own structure."""
    from keras.src import tree
    from keras.src.backend.common.keras_tensor import KerasTensor
    from keras.src.backend.common.stateless_scope import StatelessScope
    from keras.src.backend.common.symbolic_scope import SymbolicScope

    from tapeflow.core.eager import is_tensor
    from tapeflow.core.listening import thread
    from tapeflow.ops.creation import zeros
    from tapeflow.random_bits.seeds import aside

    def run(size):
        def stand_in(x):
            if isinstance(x, KerasTensor):
                return zeros([size if n is None else n for n in x.shape], x.dtype)
            return x

        filled, named = tree.map_structure(stand_in, (args, kwargs))
        return fn(*filled, **named)

    def spec(one, other):
        if not is_tensor(one):
            return one
        shape = [m if m == n else None for m, n in zip(one.shape, other.shape, strict=True)]
        return KerasTensor(shape, one.dtype.name)

    unknown = any(
        isinstance(x, KerasTensor) and None in x.shape for x in tree.flatten((args, kwargs))
    )
    listeners = thread.listeners
    thread.listeners = ()
    try:
        with StatelessScope(), SymbolicScope(), aside():
            first = run(_SIZES[0])
            second = run(_SIZES[1]) if unknown else first
    finally:
        thread.listeners = listeners
    return tree.map_structure(spec, first, second)


def adapt():
    """Have Keras use `compute_output_spec` above, and know that all tensors are dense; once is enough."""
    for name in ("keras.src.backend", "keras.src.backend.tensorflow", "keras.src.backend.tensorflow.core"):
        backend = sys.modules[name]
        backend.compute_output_spec = compute_output_spec
        backend.SUPPORTS_SPARSE_TENSORS = backend.SUPPORTS_RAGGED_TENSORS = False
