"""`tf.__internal__.smart_cond`."""

from tapeflow.ops.control_flow import cond as smart_cond

__all__ = ["smart_cond"]
