"""One replica: what `tf.distribute` says where nothing is distributed. Optimizers ask it before each update."""

from enum import Enum


class ReduceOp(Enum):
    """How values of several replicas are made one."""

    SUM = "SUM"
    MEAN = "MEAN"


class _Nothing:
    """A context that changes nothing."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return False


_NOTHING = _Nothing()


class StrategyExtended:
    """The parts of a strategy that optimizers use."""

    def colocate_vars_with(self, colocate_with_variable):
        """A context in which variables are made beside another."""
        return _NOTHING

    def update(self, var, fn, args=(), kwargs=None, group=True):
        """`fn(var, *args, **kwargs)`."""
        return fn(var, *args, **(kwargs or {}))


class Strategy:
    """The strategy that distributes nothing."""

    num_replicas_in_sync = 1

    def __init__(self):
        self.extended = StrategyExtended()

    def scope(self):
        """A context in which this strategy is the current one."""
        return _NOTHING

    def run(self, fn, args=(), kwargs=None, options=None):
        """`fn(*args, **kwargs)`."""
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op, value, axis=None):
        """`value`, or its sum or mean over `axis`."""
        from tapeflow.ops.reduce import reduce_mean, reduce_sum

        if axis is None:
            return value
        return (reduce_mean if ReduceOp(reduce_op) is ReduceOp.MEAN else reduce_sum)(value, axis)


class ReplicaContext:
    """The context of the one replica."""

    num_replicas_in_sync = 1
    replica_id_in_sync_group = 0

    def __init__(self, strategy):
        self.strategy = strategy

    def all_reduce(self, reduce_op, value, options=None):
        """The sum or mean of the replicas' values: the only one's."""
        return value

    def merge_call(self, merge_fn, args=(), kwargs=None):
        """`merge_fn(strategy, *args, **kwargs)`."""
        return merge_fn(self.strategy, *args, **(kwargs or {}))


_STRATEGY = Strategy()
_CONTEXT = ReplicaContext(_STRATEGY)


def get_strategy():
    """The current strategy: that which distributes nothing.

    >>> import tapeflow as tf
    >>> tf.distribute.get_strategy().num_replicas_in_sync
    1
    """
    return _STRATEGY


def has_strategy():
    """Whether a strategy was chosen: False."""
    return False


def in_cross_replica_context():
    """Whether the program is outside of any replica: False."""
    return False


def get_replica_context():
    """The context of the one replica."""
    return _CONTEXT


def maybe_merge_call(fn, strategy, *args, **kwargs):
    """`fn(strategy, *args, **kwargs)`, as there is no other replica to wait for."""
    return fn(strategy, *args, **kwargs)


def strategy_supports_no_merge_call():
    """Whether optimizers may update variables without waiting for other replicas: there are none."""
    return True
