"""`tf.distribute`: one replica on one machine."""

from tapeflow.core.replica import (
    ReduceOp,
    ReplicaContext,
    Strategy,
    StrategyExtended,
    get_replica_context,
    get_strategy,
    has_strategy,
    in_cross_replica_context,
)
from tapeflow.keras_bridge.absent import (
    DistributedDataset,
    DistributedIterator,
    DistributedValues,
    MirroredStrategy,
    MultiWorkerMirroredStrategy,
    TPUStrategy,
)

__all__ = [
    "DistributedDataset",
    "DistributedIterator",
    "DistributedValues",
    "MirroredStrategy",
    "MultiWorkerMirroredStrategy",
    "ReduceOp",
    "ReplicaContext",
    "Strategy",
    "StrategyExtended",
    "TPUStrategy",
    "get_replica_context",
    "get_strategy",
    "has_strategy",
    "in_cross_replica_context",
]
