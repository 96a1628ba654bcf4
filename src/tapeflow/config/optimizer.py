"""`tf.config.optimizer`: what a compiler may do."""

from tapeflow.core.devices import get_jit, set_jit

__all__ = ["get_jit", "set_jit"]
