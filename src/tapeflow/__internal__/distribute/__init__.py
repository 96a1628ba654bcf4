"""`tf.__internal__.distribute`: how optimizers reach all replicas."""

from tapeflow.__internal__.distribute import interim
from tapeflow.core.replica import strategy_supports_no_merge_call

__all__ = ["interim", "strategy_supports_no_merge_call"]
