"""Dropout: elements set to zero at random, the others scaled up. (Srivastava et al., 2014.)"""

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import holds_dim
from tapeflow.core.shape import TensorShape
from tapeflow.engine.dispatch import is_tensor
from tapeflow.ops.compare import where
from tapeflow.ops.shaping import shape


def dropout(x, rate, noise_shape=None, seed=None, name=None):
    """`x` with each element set to 0 with probability `rate`, and the others over 1 - rate.

    Args:
      x: a floating-point tensor.
      rate: a number in `[0, 1)`, or a scalar tensor.
      noise_shape: a shape that broadcasts to that of `x`: elements that share a random number go together.
      seed: an int for this operation; see `tf.random.set_seed`.

    Raises ValueError for integers, and for a rate that is no scalar or out of range.

    >>> import tapeflow as tf
    >>> tf.random.set_seed(1)
    >>> sorted(set(tf.nn.dropout(tf.ones([100]), rate=0.5).numpy().tolist()))
    [0.0, 2.0]
    """
    from tapeflow.ops.random import uniform

    return _dropout(x, rate, noise_shape, lambda shape, dtype: uniform(shape, dtype=dtype, seed=seed), seed)


def stateless_dropout(x, rate, seed, rng_alg="auto_select", noise_shape=None, name=None):
    """`tf.nn.dropout` with the random numbers of `tf.random.stateless_uniform` for `seed`, a pair of ints.

    >>> import tapeflow as tf
    >>> x = tf.nn.experimental.stateless_dropout(tf.ones([100]), rate=0.5, seed=[1, 2])
    >>> sorted(set(x.numpy().tolist()))
    [0.0, 2.0]
    """
    from tapeflow.ops.random import stateless_uniform

    return _dropout(x, rate, noise_shape, lambda shape, dtype: stateless_uniform(shape, seed, dtype=dtype, alg=rng_alg))


def general_dropout(x, rate, uniform_sampler, noise_shape=None, name=None):
    """`tf.nn.dropout` with random numbers in `[0, 1)` from `uniform_sampler(shape=..., dtype=...)`.

    >>> import tapeflow as tf
    >>> half = lambda shape, dtype: tf.fill(shape, tf.constant(0.5, dtype))
    >>> tf.nn.experimental.general_dropout([1., 3.], 0.25, half).numpy().round(3).tolist()
    [1.3329999446868896, 4.0]
    """
    return _dropout(x, rate, noise_shape, uniform_sampler)


_NO_SEED = object()


def _dropout(x, rate, noise_shape, sampler, seed=_NO_SEED):
    number = _is_real(rate)
    if number and not 0 <= rate < 1:
        raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
    x = convert_to_tensor(x)
    dtype = x.dtype
    if not dtype.is_floating:
        raise ValueError(f"`x.dtype` must be a floating point tensor as `x` will be scaled. Received: x_dtype={dtype}")
    if number and rate == 0:
        if seed is not _NO_SEED:  # the operations after this one get the same numbers as if it had drawn
            from tapeflow.random_bits.seeds import stream

            stream("RandomUniform", seed)
        return x
    if number:
        scaled = x * (1 / (1 - rate))
    elif is_tensor(rate):
        rate = convert_to_tensor(rate)
        rate.shape.assert_has_rank(0)
        if rate.dtype is not dtype:
            raise ValueError(
                f"`x.dtype` must be compatible with `rate.dtype`. Received: x.dtype={dtype} and rate.dtype={rate.dtype}"
            )
        scaled = x / (1 - rate)
    else:
        raise ValueError(f"`rate` must be a scalar or scalar tensor. Received: rate={rate}")
    kept = sampler(shape=_noise_shape(x, noise_shape), dtype=dtype) >= rate
    return where(kept, scaled, dtype._np.type(0))


def _is_real(rate):
    from numbers import Real

    return isinstance(rate, Real)


def _noise_shape(x, noise_shape):
    """The shape of the noise, where a None stands for the dimension of `x`."""
    if noise_shape is None:
        return shape(x) if holds_dim(x._shape) else x.shape
    if is_tensor(noise_shape):
        return noise_shape
    dims = TensorShape(noise_shape).as_list()
    if len(dims) == len(x._shape):
        dims = [n if m is None else m for m, n in zip(dims, x._shape, strict=True)]
    return dims
