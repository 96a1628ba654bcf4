"""What Keras's TensorFlow backend is told: how to find the shapes of what a layer would give, for functional models.

Keras asks its TensorFlow backend to run a layer on placeholders in a graph. Here the layer is traced, as in a
`tf.function`: nothing is drawn, assigned or printed.
"""

import sys


def compute_output_spec(fn, *args, **kwargs):
    """What `fn` gives for `KerasTensor` arguments, as `KerasTensor`s in its own structure."""
    from keras.src import tree
    from keras.src.backend.common.keras_tensor import KerasTensor
    from keras.src.backend.common.stateless_scope import StatelessScope
    from keras.src.backend.common.symbolic_scope import SymbolicScope

    from tapeflow.core.dtype import as_dtype
    from tapeflow.core.eager import is_tensor
    from tapeflow.tracing.trace import Trace

    def stand_in(x):
        return trace.input(tuple(x.shape), as_dtype(x.dtype)._np) if isinstance(x, KerasTensor) else x

    def spec(x):
        return KerasTensor(x.shape.as_list(), x.dtype.name) if is_tensor(x) else x

    with Trace("scratch_graph") as trace, StatelessScope(), SymbolicScope():
        filled, named = tree.map_structure(stand_in, (args, kwargs))
        return tree.map_structure(spec, fn(*filled, **named))


def adapt():
    """Have Keras use `compute_output_spec` above, and know that all tensors are dense; once is enough."""
    for name in ("keras.src.backend", "keras.src.backend.tensorflow", "keras.src.backend.tensorflow.core"):
        backend = sys.modules[name]
        backend.compute_output_spec = compute_output_spec
        backend.SUPPORTS_SPARSE_TENSORS = backend.SUPPORTS_RAGGED_TENSORS = False
