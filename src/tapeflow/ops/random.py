"""`tf.random`: the stateful operations under `set_seed`, and the stateless ones; TensorFlow's numbers."""

import math

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype, float16, float32, float64, int32, int64, uint32, uint64
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.engine.dispatch import apply, bracketed, mismatch
from tapeflow.ops.random_arguments import (
    FLOATS,
    INDICES,
    SAMPLES,
    broadcast_shapes,
    check_dtype,
    check_ending,
    invalid,
    no_kernel,
    ranged,
    real_dtype,
    scaled,
    seed_state,
    static_shape,
)  # fmt: skip
from tapeflow.ops.random_primitives import (
    BINOMIAL,
    CATEGORICAL,
    GAMMA,
    INDEX_SHUFFLE,
    NORMAL,
    POISSON,
    POISSON_STATEFUL,
    RESERVE,
    SHUFFLE,
    TRUNCATED_NORMAL,
    UNIFORM,
    UNIFORM_FULL_INT,
    UNIFORM_INT,
    batch_sizes,
    spread,
    within_batches,
)  # fmt: skip
from tapeflow.ops.shaping import broadcast_static
from tapeflow.random_bits import seeds
from tapeflow.random_bits.distributions import RESERVED

# -- stateful ------------------------------------------------------------------------------------------------


def set_seed(seed):
    """Set the global seed, and start every stream of random numbers anew.

    A stateful operation uses the global seed and its own `seed=`. With the global one only, each operation
    draws a seed of its own in turn, so a program gives the same numbers at every run. With neither, no two
    runs are alike.

    Args:
      seed: an integer; None goes back to unpredictable numbers.

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> tf.random.uniform([2])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0.6263931, 0.5298432], dtype=float32)>
    """
    seeds.set_seed(seed)


STATE = ((3,), uint64._np)


def _stateful_state(op, seed, blocks, *dtypes):
    """The state that a stateful operation starts from, which takes `blocks` blocks of its stream."""
    graph = thread.trace or (thread.batches[0] if thread.batches else None)
    attrs = (seeds.stream(op, seed, *dtypes) if graph is None else seeds.node_stream(graph, seed), blocks)
    return apply(RESERVE, (), attrs) if thread.trace is None else thread.trace.append(RESERVE, (), attrs, [STATE])[0]


def _together(prim, op, seed, shape, dtypes, *attrs, operands=()):
    """`prim` of a state: within `tf.vectorized_map` one draw for all examples, as TensorFlow makes it."""
    batches = within_batches()
    full = (*[batch.size for batch in batches], *shape)
    state = _stateful_state(op, seed, math.prod(full) * RESERVED, *dtypes)
    out = apply(prim, (state, *operands), (full, *attrs))
    for batch in batches:
        out = batch.of(out)
    return out


def _one_each(op, seed, blocks, *dtypes):
    """The state to draw from, and within `tf.vectorized_map` one for each example, `blocks` after the one before."""
    sizes = batch_sizes()
    state = _stateful_state(op, seed, math.prod(sizes) * blocks, *dtypes)
    return spread(state, sizes, blocks) if sizes else state


def normal(shape, mean=0.0, stddev=1.0, dtype=float32, seed=None, name=None):
    """Normally distributed numbers; a tensor of `shape` (or what that, `mean` and `stddev` broadcast to).

    Args:
      shape: a vector of integers.
      mean, stddev: of type `dtype`, broadcast to the result; gradients flow to them.
      dtype: float16, bfloat16, float32 or float64.
      seed: an integer, this operation's own seed; see `tf.random.set_seed`.
      name: not used.

    Raises:
      InvalidArgumentError: `shape` is no vector of non-negative integers.

    Source: G. Box, M. Muller, "A note on the generation of random normal deviates" (1958).

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> tf.random.normal([2, 2], seed=1)
    <tf.Tensor: shape=(2, 2), dtype=float32, numpy=
    array([[-1.3768897 , -0.01258316],
           [-0.169515  ,  1.0824056 ]], dtype=float32)>
    """
    return _stateful_normal(NORMAL, "RandomStandardNormal", shape, mean, stddev, dtype, seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=float32, seed=None, name=None):
    """Normally distributed numbers within two standard deviations of the mean; others are drawn again.

    The arguments are those of `tf.random.normal`.

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> bool(abs(tf.random.truncated_normal([1000]).numpy()).max() < 2)
    True
    """
    return _stateful_normal(TRUNCATED_NORMAL, "TruncatedNormal", shape, mean, stddev, dtype, seed)


def _stateful_normal(prim, op, shape, mean, stddev, dtype, seed):
    shape, index = static_shape(op, shape)
    dtype = as_dtype(dtype)
    shift, scale = convert_to_tensor(mean, dtype=dtype), convert_to_tensor(stddev, dtype=dtype)
    check_dtype(op, "dtype", dtype, FLOATS)
    return scaled(_together(prim, op, seed, shape, (index, dtype), dtype._np), scale, shift, stddev, mean)


def uniform(shape, minval=0, maxval=None, dtype=float32, seed=None, name=None):
    """Numbers spread evenly over [minval, maxval); a tensor of `shape`.

    Args:
      shape: a vector of integers.
      minval, maxval: of type `dtype`, broadcast to the result, and scalars for an integer `dtype`. `maxval`
        is 1 if not given, and must be given for integers.
      dtype: float16, bfloat16, float32, float64, int32 or int64. Integers are slightly biased unless
        `maxval - minval` is a power of two.
      seed: an integer, this operation's own seed; see `tf.random.set_seed`.
      name: not used.

    Raises:
      ValueError: `dtype` is none of these, or an integer type without a `maxval`.
      InvalidArgumentError: `shape` is no vector of non-negative integers; `minval` is not below `maxval`
        (integers).

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> tf.random.uniform([3], maxval=3, dtype=tf.int32, seed=10)
    <tf.Tensor: shape=(3,), dtype=int32, numpy=array([2, 0, 1], dtype=int32)>
    """
    dtype = real_dtype(dtype, (*FLOATS, *INDICES))
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype tf.{dtype.name}")
        maxval = 1
    op = "RandomUniformInt" if dtype.is_integer else "RandomUniform"
    shape, index = static_shape(op, shape)
    low, high = convert_to_tensor(minval, dtype=dtype), convert_to_tensor(maxval, dtype=dtype)
    if dtype.is_integer:
        if hasattr(low, "_payload") or hasattr(high, "_payload"):
            state = _one_each(op, seed, math.prod(shape) * RESERVED, index, dtype)
            return apply(UNIFORM_INT, (state, low, high), (shape,))
        return _together(UNIFORM_INT, op, seed, shape, (index, dtype), operands=(low, high))
    return ranged(_together(UNIFORM, op, seed, shape, (index, dtype), dtype._np), low, high, minval, maxval)


def shuffle(value, seed=None, name=None):
    """`value`, a tensor of any dtype, with its rows (its elements along axis 0) in random order.

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> sorted(tf.random.shuffle([1, 2, 3]).numpy().tolist())
    [1, 2, 3]
    """
    value = convert_to_tensor(value)
    shape = value._shape
    words = shape[0] - 1 if math.prod(shape) > 1 and shape[0] > 1 else 0
    return apply(SHUFFLE, (_one_each("RandomShuffle", seed, -(-words // 4), value.dtype), value))


def categorical(logits, num_samples, dtype=None, seed=None, name=None):
    """Class numbers drawn by unnormalised log-probabilities; shape [batch_size, num_samples].

    Args:
      logits: a floating tensor of shape [batch_size, num_classes].
      num_samples: how many to draw for each row.
      dtype: int32 or int64 (the default).
      seed: an integer, this operation's own seed; see `tf.random.set_seed`.
      name: not used.

    Raises:
      ValueError: `dtype` is none of these.
      InvalidArgumentError: `logits` is no matrix or has no classes, or `num_samples` is negative.

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> tf.random.categorical([[0., -float("inf")]], 4).numpy()
    array([[0, 0, 0, 0]])
    """
    logits, num_samples, dtype = _categorical_arguments("Multinomial", logits, num_samples, dtype)
    blocks = logits._shape[0] * -(-num_samples // 4) * 8 * RESERVED
    if batch_sizes():
        blocks = -(-logits._shape[0] * num_samples // 2)  # one stream over all rows of all examples
    state = _one_each("Multinomial", seed, blocks, logits.dtype, dtype)
    return apply(CATEGORICAL, (state, logits), (num_samples, dtype._np))


def _categorical_arguments(op, logits, num_samples, dtype):
    logits = convert_to_tensor(logits)
    dtype = real_dtype(dtype, INDICES) if dtype else int64
    samples = convert_to_tensor(num_samples, dtype=int32)
    if logits.dtype not in FLOATS:
        raise no_kernel(op, logits.dtype, "logits must be half, bfloat16, float or double")
    if logits.ndim != 2:
        message = f"logits should be a matrix, got shape {bracketed(logits._shape)}"
    elif samples.ndim:
        message = f"num_samples should be a scalar, got shape {bracketed(samples._shape)}"
    elif (samples := int(samples)) < 0:
        message = f"num_samples should be non-negative, got {samples}"
    elif not logits._shape[1]:
        message = "num_classes should be positive, got 0"
    else:
        return logits, samples, dtype
    raise invalid(op, message)


def gamma(shape, alpha, beta=None, dtype=float32, seed=None, name=None):
    """Gamma distributed numbers; a tensor of shape `shape + broadcast(alpha, beta).shape`.

    Args:
      shape: a vector of integers: how many to draw for each pair of parameters.
      alpha: the concentration, of type `dtype`. Gradients flow to it, by implicit reparameterisation.
      beta: the inverse scale, of type `dtype`; 1 if not given. Gradients flow to it.
      dtype: float16, float32 or float64.
      seed: an integer, this operation's own seed; see `tf.random.set_seed`.
      name: not used.

    Raises:
      ValueError: `dtype` is none of these.
      InvalidArgumentError: `shape` is no vector of non-negative integers, or the parameters do not broadcast.

    Sources: G. Marsaglia, W. W. Tsang (2000); M. Figurnov, S. Mohamed, A. Mnih (2018).

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> tf.random.gamma([10], [0.5, 1.5]).shape
    TensorShape([10, 2])
    """
    op = "RandomGamma"
    alpha, beta, parameters = _gamma_arguments(alpha, beta, dtype)
    shape, _ = static_shape(op, shape)
    shape += parameters
    state = _one_each(op, seed, math.prod(shape) * RESERVED, alpha.dtype)
    return _gamma(state, alpha, beta, parameters, shape)


def _gamma_arguments(alpha, beta, dtype):
    dtype = as_dtype(dtype)
    alpha = convert_to_tensor(alpha, dtype=dtype)
    beta = convert_to_tensor(1 if beta is None else beta, dtype=dtype)
    if dtype not in (float16, float32, float64):
        raise ValueError(
            f"A gamma distribution needs dtype float16, float32 or float64, and was given {dtype.name}."
        )
    return alpha, beta, broadcast_shapes(alpha._shape, beta._shape)


def _gamma(state, alpha, beta, parameters, shape):
    from tapeflow.ops.elementwise import maximum

    if alpha._shape != parameters:
        alpha = broadcast_static(alpha, parameters)
    # A sample that rounds to 0 becomes the smallest normal number.
    smallest = {2: 2.0**-14, 4: 2.0**-126, 8: 2.0**-1022}[alpha.dtype.size]
    return maximum(smallest, apply(GAMMA, (state, alpha), (shape,)) / beta)


def poisson(shape, lam, dtype=float32, seed=None, name=None):
    """Poisson distributed numbers; a tensor of shape `shape + lam.shape`.

    Args:
      shape: a vector of integers: how many to draw for each rate.
      lam: the rate, a tensor of float16, float32, float64, int32 or int64.
      dtype: of the result, any of the same.
      seed: an integer, this operation's own seed; see `tf.random.set_seed`.
      name: not used.

    Raises:
      InvalidArgumentError: `shape` is no vector of non-negative integers, or a dtype is none of these.

    >>> import tapeflow as tf
    >>> tf.random.set_seed(5)
    >>> tf.random.poisson([10], [0.5, 12.5]).shape
    TensorShape([10, 2])
    """
    op = POISSON_STATEFUL.name
    if lam.__class__ in (int, float):
        lam = convert_to_tensor(lam, dtype=float64)  # as TensorFlow has it, for this operation only
    lam, dtype = _poisson_arguments(op, "R", lam, dtype)
    shape, _ = static_shape(op, shape)
    shape += lam._shape
    state = _one_each(op, seed, math.prod(shape) * RESERVED, lam.dtype, dtype)
    return apply(POISSON_STATEFUL, (state, lam), (shape, dtype._np))


def _poisson_arguments(op, attribute, lam, dtype):
    lam, dtype = convert_to_tensor(lam), as_dtype(dtype)
    check_dtype(op, attribute, lam.dtype, SAMPLES)
    check_dtype(op, "dtype", dtype, SAMPLES)
    return lam, dtype


# -- stateless -----------------------------------------------------------------------------------------------


def stateless_normal(shape, seed, mean=0.0, stddev=1.0, dtype=float32, name=None, alg="auto_select"):
    """Normally distributed numbers that are a function of `seed`; else as `tf.random.normal`.

    Args:
      shape: a vector of integers.
      seed: two integers, int32 or int64.
      mean, stddev: of type `dtype`, broadcast to the result; gradients flow to them.
      dtype: float16, bfloat16, float32 or float64.
      name: not used.
      alg: "philox" or "auto_select", which is the same here.

    Raises:
      InvalidArgumentError: `shape` or `seed` has not the right shape or dtype, or `alg` is "threefry".

    >>> import tapeflow as tf
    >>> tf.random.stateless_normal([3], seed=[1, 2])
    <tf.Tensor: shape=(3,), dtype=float32, numpy=array([0.5441101 , 0.20738031, 0.07356432], dtype=float32)>
    """
    return _stateless_normal(NORMAL, shape, seed, mean, stddev, dtype, alg)


def stateless_truncated_normal(
    shape, seed, mean=0.0, stddev=1.0, dtype=float32, name=None, alg="auto_select"
):
    """Normally distributed numbers within two standard deviations of the mean, a function of `seed`.

    The arguments are those of `tf.random.stateless_normal`.

    >>> import tapeflow as tf
    >>> tf.random.stateless_truncated_normal([3], seed=[1, 2]).shape
    TensorShape([3])
    """
    return _stateless_normal(TRUNCATED_NORMAL, shape, seed, mean, stddev, dtype, alg)


def _stateless_normal(prim, shape, seed, mean, stddev, dtype, alg):
    shape, _ = static_shape(prim.name, shape)
    dtype = as_dtype(dtype)
    shift, scale = convert_to_tensor(mean, dtype=dtype), convert_to_tensor(stddev, dtype=dtype)
    check_dtype(prim.name, "dtype", dtype, FLOATS)
    state = seed_state(prim.name, seed, alg)
    return scaled(apply(prim, (state,), (shape, dtype._np)), scale, shift, stddev, mean)


def stateless_uniform(shape, seed, minval=0, maxval=None, dtype=float32, name=None, alg="auto_select"):
    """Numbers spread evenly over [minval, maxval) that are a function of `seed`; else as `tf.random.uniform`.

    Args:
      shape: a vector of integers.
      seed: two integers, int32 or int64.
      minval, maxval: of type `dtype`, broadcast to the result, and scalars for an integer `dtype`. `maxval`
        is 1 if not given. For an integer `dtype` both None give the type's whole range.
      dtype: float16, bfloat16, float32, float64, int32, int64, and for whole ranges uint32 and uint64.
      name: not used.
      alg: "philox" or "auto_select", which is the same here.

    Raises:
      ValueError: `dtype` is none of these, or an integer type and one of `minval` and `maxval` is None.
      InvalidArgumentError: `shape` or `seed` has not the right shape or dtype, `minval` is not below `maxval`
        (integers), or `alg` is "threefry".

    >>> import tapeflow as tf
    >>> tf.random.stateless_uniform([2], seed=[1, 2])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0.8440604 , 0.19204533], dtype=float32)>
    """
    dtype = real_dtype(dtype, (*FLOATS, *INDICES, uint32, uint64))
    whole = dtype.is_integer and minval is None
    if dtype.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument <dtype: '{dtype.name}'>, argument `minval` and `maxval` must "
                f"be both None or not None. Got `minval`={minval} and `maxval`={maxval}."
            )
        if not whole and dtype in (uint32, uint64):
            raise ValueError(
                f"Argument `dtype` got invalid value <dtype: '{dtype.name}'> when argument `minval` is not "
                "None. Please don't use unsigned integers in this case."
            )
    elif maxval is None:
        maxval = 1
    prim = UNIFORM if not dtype.is_integer else UNIFORM_FULL_INT if whole else UNIFORM_INT
    shape, _ = static_shape(prim.name, shape)
    if whole:
        return apply(prim, (seed_state(prim.name, seed, alg),), (shape, dtype._np))
    low, high = convert_to_tensor(minval, dtype=dtype), convert_to_tensor(maxval, dtype=dtype)
    state = seed_state(prim.name, seed, alg)
    if dtype.is_integer:
        return apply(prim, (state, low, high), (shape,))
    return ranged(apply(prim, (state,), (shape, dtype._np)), low, high, minval, maxval)


def stateless_categorical(logits, num_samples, seed, dtype=int64, name=None):
    """Class numbers drawn by unnormalised log-probabilities; a function of `seed`, as `categorical` is not.

    >>> import tapeflow as tf
    >>> tf.random.stateless_categorical([[1., 2.]], 3, seed=[1, 2])
    <tf.Tensor: shape=(1, 3), dtype=int64, numpy=array([[1, 1, 0]])>
    """
    op = CATEGORICAL.name
    logits, num_samples, dtype = _categorical_arguments(op, logits, num_samples, dtype)
    return apply(CATEGORICAL, (seed_state(op, seed), logits), (num_samples, dtype._np))


def stateless_gamma(shape, seed, alpha, beta=None, dtype=float32, name=None):
    """Gamma distributed numbers, a function of `seed`; a tensor of `shape`, which ends with the parameters'.

    Args:
      shape: a vector of integers: the whole shape of the result.
      seed: two integers, int32 or int64.
      alpha: the concentration, of type `dtype`. Gradients flow to it, by implicit reparameterisation.
      beta: the inverse scale, of type `dtype`; 1 if not given. Gradients flow to it.
      dtype: float16, float32 or float64.
      name: not used.

    Raises:
      InvalidArgumentError: `shape` or `seed` has not the right shape or dtype, or `shape` does not end with
        the shape that the parameters broadcast to.

    >>> import tapeflow as tf
    >>> tf.random.stateless_gamma([10, 2], seed=[12, 34], alpha=[0.5, 1.5]).shape
    TensorShape([10, 2])
    """
    op = GAMMA.name
    shape, _ = static_shape(op, shape)
    alpha, beta, parameters = _gamma_arguments(alpha, beta, dtype)
    state = seed_state(op, seed)
    check_ending(op, shape, parameters)
    return _gamma(state, alpha, beta, parameters, shape)


def stateless_poisson(shape, seed, lam, dtype=int32, name=None):
    """Poisson distributed numbers, a function of `seed`; a tensor of `shape`, which ends with that of `lam`.

    Args:
      shape: a vector of integers: the whole shape of the result.
      seed: two integers, int32 or int64.
      lam: the rate, a tensor of float16, float32, float64, int32 or int64.
      dtype: of the result, any of the same.
      name: not used.

    Raises:
      InvalidArgumentError: a shape or a dtype is not right, or `shape` does not end with the shape of `lam`.

    >>> import tapeflow as tf
    >>> tf.random.stateless_poisson([2], [1, 2], lam=1)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([3, 3], dtype=int32)>
    """
    op = POISSON.name
    shape, _ = static_shape(op, shape)
    lam, dtype = _poisson_arguments(op, "Rtype", lam, dtype)
    state = seed_state(op, seed)
    check_ending(op, shape, lam._shape)
    return apply(POISSON, (state, lam), (shape, dtype._np))


def stateless_binomial(shape, seed, counts, probs, output_dtype=int32, name=None):
    """Binomially distributed numbers, a function of `seed`; a tensor of `shape`.

    Args:
      shape: a vector of integers: the whole shape of the result, which must end with the shape that `counts`
        and `probs` broadcast to.
      seed: two integers, int32 or int64.
      counts, probs: how many trials, and the probability of success: float16, float32 or float64, both the
        same.
      output_dtype: float16, float32, float64, int32 or int64.
      name: not used.

    Raises:
      InvalidArgumentError: a shape or a dtype is not right.

    >>> import tapeflow as tf
    >>> tf.random.stateless_binomial([2], [1, 2], counts=5, probs=0.5)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([3, 3], dtype=int32)>
    """
    op = BINOMIAL.name
    shape, _ = static_shape(op, shape)
    probs = convert_to_tensor(probs, dtype_hint=float32)
    counts = convert_to_tensor(counts, dtype_hint=probs.dtype)
    dtype = check_binomial(op, shape, counts, probs, output_dtype)
    return apply(BINOMIAL, (seed_state(op, seed), counts, probs), (shape, dtype._np))


def check_binomial(op, shape, counts, probs, dtype):
    """The result's dtype, once the arguments of a binomial operation are found to fit each other."""
    dtype = as_dtype(dtype)
    if counts.dtype is not probs.dtype:
        raise mismatch(BINOMIAL, 3, counts.dtype._np, probs.dtype._np)
    if counts.dtype not in (float16, float32, float64):
        raise no_kernel(op, counts.dtype, "counts and probs must be half, float or double")
    check_dtype(op, "dtype", dtype, SAMPLES)
    a, b = counts._shape, probs._shape
    try:
        parameters = broadcast_shapes(a, b)
    except InvalidArgumentError:
        message = f"counts and probs must have compatible batch dimensions: {bracketed(a)} vs. {bracketed(b)}"
        raise invalid(op, message) from None
    check_ending(op, shape, parameters)
    return dtype


def split(seed, num=2, alg="auto_select"):
    """`num` new seeds out of one; a tensor of shape [num, 2] and of the seed's dtype, int32 or int64.

    >>> import tapeflow as tf
    >>> tf.random.split([1, 2], num=3)
    <tf.Tensor: shape=(3, 2), dtype=int32, numpy=
    array([[1105988140, 1738052849],
           [-335576002,  370444179],
           [  10670227, -246211131]], dtype=int32)>
    """
    seed = convert_to_tensor(seed)
    return stateless_uniform([num, 2], seed, minval=None, maxval=None, dtype=seed.dtype, alg=alg)


def fold_in(seed, data, alg="auto_select"):
    """A new seed out of a seed and an integer scalar; a tensor of shape [2] and of the dtype of `data`.

    >>> import tapeflow as tf
    >>> tf.random.fold_in([1, 2], 3)
    <tf.Tensor: shape=(2,), dtype=int32, numpy=array([1105988140,          3], dtype=int32)>
    """
    from tapeflow.ops.packing import stack

    data = convert_to_tensor(data)
    return stack([stateless_uniform([], seed, minval=None, maxval=None, dtype=data.dtype, alg=alg), data])


def stateless_shuffle(value, seed, alg="auto_select", name=None):
    """`value`, a tensor of any dtype, with its rows in an order that is a function of `seed`.

    >>> import tapeflow as tf
    >>> tf.random.experimental.stateless_shuffle([1, 2, 3, 4], seed=[8, 9])
    <tf.Tensor: shape=(4,), dtype=int32, numpy=array([2, 1, 3, 4], dtype=int32)>
    """
    value = convert_to_tensor(value)
    return apply(SHUFFLE, (seed_state(SHUFFLE.name, seed, alg), value))


def index_shuffle(index, seed, max_index):
    """The place of `index` in a pseudo-random permutation of 0 ... `max_index`, a function of `seed`.

    Args:
      index: int32, int64, uint32 or uint64, a scalar or a vector.
      seed: integers of shape [2].
      max_index: of the dtype of `index`, a scalar or a vector of its size.

    Raises:
      InvalidArgumentError: a shape or a dtype is not right, or `index` is not within 0 ... `max_index`.

    >>> import tapeflow as tf
    >>> tf.random.experimental.index_shuffle([0, 1, 2, 3], seed=[5, 9], max_index=3)
    <tf.Tensor: shape=(4,), dtype=int32, numpy=array([2, 0, 1, 3], dtype=int32)>
    """
    from tapeflow.ops.shaping import concat

    # The operation takes three words; TensorFlow's function puts this one before the seed.
    seed = convert_to_tensor(seed)
    if seed._shape != (2,):
        raise invalid(INDEX_SHUFFLE.name, f"seed must have shape [2], not {bracketed(seed._shape)}")
    return random_index_shuffle(
        index, concat([convert_to_tensor([498247692], seed.dtype), seed], 0), max_index
    )


def random_index_shuffle(index, seed, max_index, rounds=4, name=None):
    """As `tf.random.experimental.index_shuffle`, with a seed of shape [3] or [n, 3], and a choice of rounds.

    >>> import tapeflow as tf
    >>> tf.random_index_shuffle(0, seed=[498247692, 5, 9], max_index=3).numpy().item()
    2
    """
    op = INDEX_SHUFFLE.name
    index = convert_to_tensor(index)
    max_index = convert_to_tensor(max_index, dtype=index.dtype)
    seed = convert_to_tensor(seed)
    for attribute, dtype in (("dtype", index.dtype), ("Tseed", seed.dtype)):
        check_dtype(op, attribute, dtype, (int32, uint32, int64, uint64))
    count = max(math.prod(index._shape), math.prod(max_index._shape), math.prod(seed._shape) // 3)
    if index._shape not in ((), (count,)):
        message = f"Index must be a scalar or vector, got shape {bracketed(index._shape)}"
    elif seed._shape not in ((3,), (count, 3)):
        message = f"Seed must be a vector of size [3] or a matrix of size [{count}, 3] but got "
        message += f"{bracketed(seed._shape)}."
    elif max_index._shape not in ((), (count,)):
        message = "Maxval must be a scalar or a vector of the same size as index but got "
        message += bracketed(max_index._shape)
    else:
        return apply(INDEX_SHUFFLE, (index, seed, max_index), (rounds,))
    raise invalid(op, message)
