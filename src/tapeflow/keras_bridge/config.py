"""Stands for `tensorflow.python.framework.config`, which `Model.compile(jit_compile="auto")` asks."""

from tapeflow.core.devices import disable_op_determinism, enable_op_determinism, is_op_determinism_enabled

__all__ = ["disable_op_determinism", "enable_op_determinism", "is_op_determinism_enabled"]
