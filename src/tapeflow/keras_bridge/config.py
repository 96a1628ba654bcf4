"""Stands for `tensorflow.python.framework.config`, which `Model.compile(jit_compile="auto")` asks."""

from tapeflow.core.devices import is_op_determinism_enabled

__all__ = ["is_op_determinism_enabled"]
