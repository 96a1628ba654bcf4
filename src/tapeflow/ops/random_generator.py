"""`tf.random.Generator`: a stream of random numbers whose state is a variable."""

import math
import threading

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dtype import as_dtype, float32, int32, int64, uint32, uint64
from tapeflow.core.errors import UnimplementedError
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import Tensor
from tapeflow.core.variable import Variable
from tapeflow.engine.dispatch import apply
from tapeflow.ops.creation import zeros_like
from tapeflow.ops.packing import stack
from tapeflow.ops.random import check_binomial
from tapeflow.ops.random_arguments import (
    FLOATS,
    INDICES,
    STATE_SIZE,
    check_dtype,
    convert_alg,
    invalid,
    ranged,
    scaled,
    static_shape,
)  # fmt: skip
from tapeflow.ops.random_primitives import (
    BINOMIAL,
    NORMAL,
    SKIP,
    TRUNCATED_NORMAL,
    UNIFORM,
    UNIFORM_FULL_INT,
    UNIFORM_INT,
    batch_sizes,
    spread,
)  # fmt: skip
from tapeflow.random_bits.distributions import RESERVED

_LOCK = threading.Lock()


def create_rng_state(seed, alg):
    """The state of a generator made from an integer or a vector of integers; int64, of shape [3] for Philox.

    >>> import tapeflow as tf
    >>> tf.random.create_rng_state(1234, "philox")
    <tf.Tensor: shape=(3,), dtype=int64, numpy=array([1234,    0,    0])>
    """
    size = STATE_SIZE[convert_alg(alg)]
    if isinstance(seed, int):
        words = [seed >> 64 * i for i in range(size)]
    else:
        # A vector that is too short is filled on the left, so that a small seed becomes the key, not the
        # counter.
        words = np.ravel(_state(seed).numpy()).tolist()[:size]
        words = [0] * (size - len(words)) + words
    return _state(words)


def _state(values):
    """Integers of any size (or tensors of them) as an int64 tensor, those of 2**63 and more wrapped round."""
    if isinstance(values, (list, tuple)):
        values = np.array([int(v) & 2**64 - 1 for v in values], np.uint64).astype(np.int64)
    elif isinstance(values, int):
        values = np.uint64(values & 2**64 - 1).astype(np.int64)
    elif isinstance(values, (Tensor, Variable)):
        values = values.numpy().astype(np.int64)
    return convert_to_tensor(np.asarray(values).astype(np.int64))


def _check_shape(shape, wanted):
    if not shape.is_compatible_with(TensorShape(wanted)):
        raise ValueError(f"Shapes {shape} and {wanted} are incompatible")


class Generator:
    """A stream of random numbers. Its state is a variable, which every method that draws numbers moves on.

    Make one with `from_seed`, `from_state`, `from_key_counter` or `from_non_deterministic_state`, or copy
    one.

    Args:
      copy_from: a generator to copy; nothing else may be given then.
      state: a vector of integers, or a variable of them to use as it is.
      alg: the algorithm, as a name, a number or a `tf.random.Algorithm`.

    >>> import tapeflow as tf
    >>> g = tf.random.Generator.from_seed(1234)
    >>> g.normal(shape=(2, 3))
    <tf.Tensor: shape=(2, 3), dtype=float32, numpy=
    array([[ 0.9356609 ,  1.0854305 , -0.93788373],
           [-0.5061547 ,  1.3169702 ,  0.7137579 ]], dtype=float32)>
    """

    def __init__(self, copy_from=None, state=None, alg=None):
        if copy_from is not None:
            if alg is not None or state is not None:
                raise AssertionError(
                    "A generator is made from `copy_from`, or from `state` and `alg`, not from both."
                )
            self._state_var = Variable(
                copy_from.state.read_value(), dtype=int64, trainable=False, name="StateVar"
            )
            self._alg = copy_from.algorithm
            return
        if alg is None or state is None:
            raise AssertionError(
                "A generator needs both `state` and `alg`; see also tf.random.Generator.from_seed."
            )
        self._alg = convert_alg(alg)
        if not isinstance(state, Variable):
            state = Variable(_state(state), dtype=int64, trainable=False, name="StateVar")
        _check_shape(state.shape, [STATE_SIZE[self._alg]])
        self._state_var = state

    @classmethod
    def from_state(cls, state, alg):
        """A generator with a given state: a vector of integers, or a variable of them to use as it is."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed, alg=None):
        """A generator from a seed, an integer of up to 1024 bits or a vector of integers.

        >>> import tapeflow as tf
        >>> tf.random.Generator.from_seed(5).uniform([]).numpy().item()
        0.5670160055160522
        """
        alg = convert_alg(1 if alg is None else alg)
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        """A generator with an unpredictable state."""
        import os

        alg = convert_alg(1 if alg is None else alg)
        return cls(state=np.frombuffer(os.urandom(8 * STATE_SIZE[alg]), np.int64), alg=alg)

    @classmethod
    def from_key_counter(cls, key, counter, alg):
        """A generator from the parts of its state: a scalar key and, for Philox, a counter of two numbers."""
        alg = convert_alg(alg)
        return cls(state=_join(key, counter, alg), alg=alg)

    def reset(self, state):
        """Set the state."""
        state = _state(state)
        _check_shape(state.shape, [STATE_SIZE[self._alg]])
        self._state_var.assign(state)

    def reset_from_seed(self, seed):
        """Set the state as `from_seed` does."""
        self._state_var.assign(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key, counter):
        """Set the state as `from_key_counter` does."""
        self._state_var.assign(_join(key, counter, self._alg))

    @property
    def state(self):
        """The variable that holds the state."""
        return self._state_var

    @property
    def algorithm(self):
        """The number of the algorithm, an int."""
        return self._alg

    @property
    def key(self):
        """The key, the part of the state that does not change; an int64 scalar."""
        return convert_to_tensor(self._state_var.numpy()[-1])

    def skip(self, delta):
        """Move on as far as drawing `delta` numbers does; the state before, an int64 tensor.

        >>> import tapeflow as tf
        >>> tf.random.Generator.from_seed(5).skip(3)
        <tf.Tensor: shape=(3,), dtype=int64, numpy=array([5, 0, 0])>
        """
        if self._alg == 2:
            raise UnimplementedError(
                None, None, f"Non-XLA devices don't support the ThreeFry algorithm. [Op:{SKIP.name}] name: "
            )
        if self._state_var.dtype is not int64:
            name = self._state_var.dtype.name
            raise invalid(SKIP.name, f"dtype of RNG state variable must be int64, not {name}")
        with _LOCK:
            before = self._state_var.read_value()
            blocks, sizes = int(delta) * RESERVED, batch_sizes()
            if not sizes:
                self._state_var.assign(apply(SKIP, (before,), (blocks,)))
                return before
            # TensorFlow draws once before its loop over the examples, and does not use that.
            first = apply(SKIP, (before,), (blocks,))
            self._state_var.assign(apply(SKIP, (first,), (math.prod(sizes) * blocks,)))
            return spread(first, sizes, blocks)

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=float32, name=None):
        """Normally distributed numbers; see `tf.random.normal`."""
        return self._normal(NORMAL, shape, mean, stddev, dtype)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=float32, name=None):
        """Normally distributed numbers within two standard deviations; see `tf.random.truncated_normal`."""
        return self._normal(TRUNCATED_NORMAL, shape, mean, stddev, dtype)

    def _normal(self, prim, shape, mean, stddev, dtype):
        shape, _ = static_shape(prim.name, shape)
        dtype = as_dtype(dtype)
        shift, scale = convert_to_tensor(mean, dtype=dtype), convert_to_tensor(stddev, dtype=dtype)
        check_dtype(prim.name, "dtype", dtype, FLOATS)
        noise = apply(prim, (self.skip(math.prod(shape)),), (shape, dtype._np))
        return scaled(noise, scale, shift, stddev, mean)

    def uniform(self, shape, minval=0, maxval=None, dtype=float32, name=None):
        """Numbers spread evenly over [minval, maxval); see `tf.random.stateless_uniform`."""
        dtype = as_dtype(dtype)
        if dtype.is_integer:
            if (minval is None) != (maxval is None):
                raise ValueError(
                    f"For integer dtype <dtype: '{dtype.name}'>, minval and maxval must be both `None` or "
                    f"both non-`None`; got minval={minval} and maxval={maxval}"
                )
            if minval is None:
                return self.uniform_full_int(shape, dtype)
            shape, _ = static_shape(UNIFORM_INT.name, shape)
            low, high = convert_to_tensor(minval, dtype=dtype), convert_to_tensor(maxval, dtype=dtype)
            check_dtype(UNIFORM_INT.name, "dtype", dtype, INDICES)
            return apply(UNIFORM_INT, (self.skip(math.prod(shape)), low, high), (shape,))
        shape, _ = static_shape(UNIFORM.name, shape)
        check_dtype(UNIFORM.name, "dtype", dtype, FLOATS)
        maxval = 1 if maxval is None else maxval
        low, high = convert_to_tensor(minval, dtype=dtype), convert_to_tensor(maxval, dtype=dtype)
        noise = apply(UNIFORM, (self.skip(math.prod(shape)),), (shape, dtype._np))
        return ranged(noise, low, high, minval, maxval)

    def uniform_full_int(self, shape, dtype=uint64, name=None):
        """Integers over the whole range of their type: int32, int64, uint32 or uint64."""
        dtype = as_dtype(dtype)
        shape, _ = static_shape(UNIFORM_FULL_INT.name, shape)
        check_dtype(UNIFORM_FULL_INT.name, "dtype", dtype, (*INDICES, uint32, uint64))
        return apply(UNIFORM_FULL_INT, (self.skip(math.prod(shape)),), (shape, dtype._np))

    def binomial(self, shape, counts, probs, dtype=int32, name=None):
        """Binomially distributed numbers; see `tf.random.stateless_binomial`."""
        op = "StatefulRandomBinomial"
        counts, probs = convert_to_tensor(counts), convert_to_tensor(probs)
        shape, _ = static_shape(op, shape)
        dtype = check_binomial(op, shape, counts, probs, dtype)
        if self._alg != 1:
            raise invalid(op, f"Unsupported algorithm id: {self._alg}")
        batches = math.prod(np.broadcast_shapes(counts._shape, probs._shape))
        samples = math.prod(shape) // batches if batches else 0
        before = self.skip(batches * 2 * 100 * (samples + 3) // 4)
        return apply(BINOMIAL, (before, counts, probs), (shape, dtype._np))

    def make_seeds(self, count=1):
        """`count` seeds for stateless operations, the columns of an int64 tensor of shape [2, count]."""
        keys = self.uniform_full_int([count], int64)
        return stack([keys, zeros_like(keys)])

    def split(self, count=1):
        """A list of `count` new generators, independent of this one and of each other."""
        keys = self.uniform_full_int([count], int64).numpy().tolist()
        size = STATE_SIZE[self._alg]
        return [Generator(state=[0] * (size - 1) + [key], alg=self._alg) for key in keys]


def _join(key, counter, alg):
    key, counter = _state(key), _state(counter)
    _check_shape(counter.shape, [STATE_SIZE[alg] - 1])
    _check_shape(key.shape, [])
    return np.append(counter.numpy(), key.numpy())


_global_generator = None


def get_global_generator():
    """The generator that all of a program may share; made, with an unpredictable state, when asked for."""
    global _global_generator
    if _global_generator is None:
        _global_generator = Generator.from_non_deterministic_state()
    return _global_generator


def set_global_generator(generator):
    """Make `generator` the global one."""
    global _global_generator
    _global_generator = generator
