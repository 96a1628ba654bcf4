"""Initial values of variables: `tf.zeros_initializer` and its kin. Keras has its own, in `tf.keras.initializers`."""

import numpy as np

from tapeflow.core import dtype as dtypes
from tapeflow.core.dtype import as_dtype


class Initializer:
    """A function of a shape and a dtype, that can be written down as a configuration."""

    def __call__(self, shape, dtype=None, **kwargs):
        raise NotImplementedError(f"{type(self).__name__}.__call__")

    def get_config(self):
        """The arguments that make this initializer again, a dictionary."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The initializer with the arguments in `config`."""
        config = dict(config)
        config.pop("dtype", None)
        return cls(**config)

    def _check(self, kwargs):
        for name in kwargs:
            if name not in ("partition_shape", "partition_offset"):
                raise TypeError(
                    "Keyword argument should be one of ['partition_shape', 'partition_offset']. Received: " + name
                )


class zeros_initializer(Initializer):  # noqa: N801 (TensorFlow's names)
    """Zeros.

    >>> import tapeflow as tf
    >>> tf.zeros_initializer()([2]).numpy().tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        from tapeflow.ops.creation import zeros

        self._check(kwargs)
        return zeros(shape, _numeric(dtype, allow_bool=True))


class ones_initializer(Initializer):  # noqa: N801
    """Ones.

    >>> import tapeflow as tf
    >>> tf.ones_initializer()([2]).numpy().tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        from tapeflow.ops.creation import ones

        self._check(kwargs)
        return ones(shape, _numeric(dtype, allow_bool=True))


class constant_initializer(Initializer):  # noqa: N801
    """A given value: one number for all elements, or a sequence of as many as the shape has.

    >>> import tapeflow as tf
    >>> tf.constant_initializer(3.0)([2]).numpy().tolist()
    [3.0, 3.0]
    """

    def __init__(self, value=0, support_partition=False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value).__name__}. Expected Python scalar, list or tuple of "
                "values, or numpy.ndarray."
            )
        self.value = value
        self.support_partition = support_partition

    def __call__(self, shape, dtype=None, **kwargs):
        from tapeflow.ops.creation import constant

        self._check(kwargs)
        return constant(self.value, None if dtype is None else as_dtype(dtype), shape)

    def get_config(self):
        return {"value": self.value}


class random_uniform_initializer(Initializer):  # noqa: N801
    """Uniform between `minval` and `maxval`; the same numbers at each call if there is a `seed`.

    >>> import tapeflow as tf
    >>> tf.random_uniform_initializer(seed=3)([2])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([-0.03040872,  0.04393453], dtype=float32)>
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        from tapeflow.ops.random import stateless_uniform, uniform

        self._check(kwargs)
        dtype = _numeric(dtype, allow_bool=False)
        if self.seed is None:
            return uniform(shape, self.minval, self.maxval, dtype)
        return stateless_uniform(shape, [self.seed, 0], self.minval, self.maxval, dtype)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class random_normal_initializer(Initializer):  # noqa: N801
    """Normal around `mean`; the same numbers at each call if there is a `seed`.

    >>> import tapeflow as tf
    >>> tf.random_normal_initializer(seed=3)([2]).shape
    TensorShape([2])
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        from tapeflow.ops.random import normal, stateless_normal

        self._check(kwargs)
        dtype = as_dtype(dtype)
        if not dtype.is_floating:
            raise ValueError(f"Argument `dtype` is expected to be floating point. Received: <dtype: {dtype.name!r}>.")
        if self.seed is None:
            return normal(shape, self.mean, self.stddev, dtype)
        return stateless_normal(shape, [self.seed, 0], self.mean, self.stddev, dtype)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


def _numeric(dtype, allow_bool):
    dtype = as_dtype(dtype)
    known = dtype.is_floating or dtype.is_integer or allow_bool and (dtype.is_bool or dtype.is_complex)
    if not known:
        raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received <dtype: {dtype.name!r}>.")
    return dtype
