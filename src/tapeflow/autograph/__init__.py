"""`tf.autograph`: Python's control flow over tensors."""

from tapeflow.autograph import experimental
from tapeflow.tracing.autograph import set_verbosity, to_code, to_graph, trace

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]
