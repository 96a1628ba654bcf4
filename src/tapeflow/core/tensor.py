"""`tf.Tensor` and its eager form: an immutable value, a slotted object around a NumPy array.

Operators and slicing are operations, one layer up: `ops/operators.py` adds them to `Tensor`.
"""

from itertools import count

import numpy as np

from tapeflow.core.dtype import BY_NUMPY
from tapeflow.core.shape import TensorShape
from tapeflow.core.types import TensorLike

next_id = count().__next__  # tapes know tensors and variables by these numbers, never by address

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


class Tensor(TensorLike):
    """A multi-dimensional array of one dtype: what every operation takes and returns.

    `tf.Tensor` is the common type of all tensors (`isinstance(x, tf.Tensor)`); make one with
    `tf.constant` or `tf.convert_to_tensor`.

    >>> import tapeflow as tf
    >>> isinstance(tf.constant([1., 2.]), tf.Tensor)
    True
    """

    __slots__ = ("_id", "__weakref__", "__dict__")
    __array_priority__ = 100  # NumPy leaves `ndarray + tensor` to the tensor

    def __init__(self, *args, **kwargs):
        raise TypeError("tf.Tensor is not made directly: use tf.constant or tf.convert_to_tensor.")

    @property
    def dtype(self):
        """The `tf.DType` of the elements."""
        return BY_NUMPY[self._dtype]

    @property
    def shape(self):
        """The `tf.TensorShape`."""
        return TensorShape._of(self._shape)

    def get_shape(self):
        """The `tf.TensorShape`, as a method."""
        return self.shape

    @property
    def ndim(self):
        """The number of dimensions, an int."""
        return len(self._shape)

    def set_shape(self, shape):
        """Check that the shape is compatible with `shape`. Raises ValueError if it is not."""
        wanted = shape if isinstance(shape, TensorShape) else TensorShape(shape)
        if not self.shape.is_compatible_with(wanted):
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {wanted}.")

    def ref(self):
        """A hashable reference to this tensor, to use as a key of a dictionary or set.

        >>> import tapeflow as tf
        >>> x = tf.constant(1.0)
        >>> {x.ref(): "one"}[x.ref()]
        'one'
        """
        from tapeflow.core.reference import Reference

        return Reference(self)

    experimental_ref = ref

    def __tf_tensor__(self, dtype=None, name=None):
        from tapeflow.core.convert import convert_to_tensor

        return convert_to_tensor(self, dtype)

    def __hash__(self):
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")

    def __len__(self):
        shape = self._shape
        if not shape:
            raise TypeError("Scalar tensor has no `len()`")
        return shape[0]

    def consumers(self):
        """Not to be had: raises NotImplementedError."""
        raise NotImplementedError("Tensor.consumers is undefined when eager execution is enabled.")

    def eval(self, feed_dict=None, session=None):
        """Not to be had: raises NotImplementedError."""
        raise NotImplementedError(
            "eval is not supported when eager execution is enabled, is .numpy() what you're looking for?"
        )

    def __dir__(self):
        return [name for name in object.__dir__(self) if vars(Tensor).get(name).__class__ is not _Absent]


class EagerTensor(Tensor):
    """A tensor whose value is known: `_array` holds an ndarray or a NumPy scalar, never written to."""

    __slots__ = ("_array",)

    def __init__(self, array):
        self._array = array
        self._id = next_id()

    @property
    def _shape(self):
        return self._array.shape

    @property
    def _dtype(self):
        return self._array.dtype

    @property
    def dtype(self):
        """The `tf.DType` of the elements."""
        return BY_NUMPY[self._array.dtype]

    @property
    def device(self):
        """The name of the device that holds the value."""
        return CPU

    backing_device = device

    def numpy(self):
        """The value as a NumPy array of the caller's own, or as a NumPy scalar if the tensor is one.

        >>> import tapeflow as tf
        >>> tf.constant([1, 2]).numpy()
        array([1, 2], dtype=int32)
        """
        array = self._array
        return array.copy() if array.ndim else array[()]

    def _numpy(self):
        """The value for reading only: the array itself, or a NumPy scalar."""
        array = self._array
        return readable(array) if array.ndim else array[()]

    def __array__(self, dtype=None, copy=None):
        if copy or dtype is not None and dtype != self._array.dtype:
            return np.array(self._array, dtype)
        return readable(np.asarray(self._array))

    def __buffer__(self, flags):  # Python 3.12 and later ask for it
        return memoryview(readable(np.asarray(self._array)))

    def __dlpack__(self, **options):
        return np.array(self._array).__dlpack__(**options)

    def __dlpack_device__(self):
        return (1, 0)  # kDLCPU

    def __bool__(self):
        array = self._array
        return bool(array) if array.size else False

    def __int__(self):
        return int(self._array)

    def __float__(self):
        return float(self._array)

    def __complex__(self):
        return complex(self._array)

    def __index__(self):
        return self._array.__index__()

    def __format__(self, spec):
        return format(self.numpy(), spec)

    def __repr__(self):
        from tapeflow.core.printing import tensor_repr

        return tensor_repr(self._array, self.dtype)

    def __str__(self):
        from tapeflow.core.printing import tensor_str

        return tensor_str(self._array, self.dtype)

    def _copy(self):
        """A tensor of its own with the same value, unknown to every tape."""
        return EagerTensor(self._array)

    cpu = _copy

    def gpu(self, gpu_index=0):
        """Not to be had: raises RuntimeError."""
        raise RuntimeError(f"GPU:{gpu_index} unknown device.")

    def __copy__(self):
        return self  # it cannot be changed

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return EagerTensor, (self._array,)


def readable(array):
    """An array's elements for reading: a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


_NOT_EAGER = ("name", "op", "graph", "value_index")


def no_attribute(tensor, name):
    """Why there is no such attribute, and what to use instead."""
    if name in _NOT_EAGER:
        return f"Tensor.{name} is undefined when eager execution is enabled."
    text = f"{type(tensor).__name__!r} object has no attribute {name!r}"
    if name.startswith("_") or not hasattr(np.ndarray, name):
        return text
    call = "()" if callable(getattr(np.ndarray, name)) else ""
    text += f". It is NumPy's: use `.numpy().{name}{call}`"
    function = _INSTEAD.get(name)
    return f"{text}, or `{function}` to stay with tensors (and their gradients)." if function else text + "."


_INSTEAD = {
    "astype": "tf.cast(x, dtype)", "reshape": "tf.reshape(x, shape)", "T": "tf.transpose(x)",
    "transpose": "tf.transpose(x)", "sum": "tf.reduce_sum(x)", "mean": "tf.reduce_mean(x)",
    "max": "tf.reduce_max(x)", "min": "tf.reduce_min(x)", "prod": "tf.reduce_prod(x)", "any": "tf.reduce_any(x)",
    "all": "tf.reduce_all(x)", "argmax": "tf.argmax(x)", "argmin": "tf.argmin(x)", "ravel": "tf.reshape(x, [-1])",
    "flatten": "tf.reshape(x, [-1])", "clip": "tf.clip_by_value(x, low, high)", "size": "tf.size(x)",
    "std": "tf.math.reduce_std(x)", "var": "tf.math.reduce_variance(x)", "dot": "tf.tensordot(x, y, 1)",
    "round": "tf.round(x)", "cumsum": "tf.cumsum(x)", "squeeze": "tf.squeeze(x)", "repeat": "tf.repeat(x, n)",
    "conj": "tf.math.conj(x)", "real": "tf.math.real(x)", "imag": "tf.math.imag(x)", "copy": "tf.identity(x)",
    "fill": "tf.fill(shape, value)", "sort": "tf.sort(x)", "argsort": "tf.argsort(x)",
}  # fmt: skip


class _Absent:
    """An attribute that tensors lack and people look for; a `__getattr__` that says so would slow all `hasattr`."""

    def __init__(self, name):
        self._name = name

    def __get__(self, tensor, owner):
        raise AttributeError(no_attribute(tensor, self._name))


for _name in (*_NOT_EAGER, *dir(np.ndarray)):
    if not _name.startswith("_") and _name not in vars(Tensor):
        setattr(Tensor, _name, _Absent(_name))


class Like:
    """What is left of a tensor on a tape when no rule needs its value: identity, shape and dtype."""

    __slots__ = ("_id", "_shape", "_dtype")

    def __init__(self, tensor):
        self._id = tensor._id
        self._shape = tensor._shape
        self._dtype = tensor._dtype
