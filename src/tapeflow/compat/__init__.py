"""`tf.compat`: text and bytes, and what is left of TensorFlow 1."""

from tapeflow.compat import v1
from tapeflow.core.text import as_bytes, as_str, as_str_any, as_text

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "v1"]
