"""`tf.__internal__.distribute.interim`."""

from tapeflow.core.replica import maybe_merge_call

__all__ = ["maybe_merge_call"]
