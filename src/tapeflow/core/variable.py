"""`tf.Variable`: a named, mutable tensor, captured by reference."""

import functools
import sys
from enum import Enum
from threading import RLock

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.creators import Created
from tapeflow.core.dtype import BY_NUMPY, as_dtype
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.listening import thread
from tapeflow.core.naming import scoped
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import CPU, EagerTensor, next_id, no_attribute
from tapeflow.core.types import TensorLike


class VariableSynchronization(Enum):
    """When replicas of a variable are synchronised. Only one replica exists here."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(Enum):
    """How replicas of a variable are aggregated. Only one replica exists here."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


_common = RLock()


class Variable(TensorLike, metaclass=Created):
    """A tensor that can be assigned to; trainable ones are watched by tapes as they are read.

    Args:
      initial_value: a tensor, what converts to one, or a function without arguments that returns one.
      trainable: whether tapes watch the variable; None stands for True, unless it is synchronised `ON_READ`.
      validate_shape: not used.
      caching_device: not used.
      name: the name, "Variable" if None, after the present name scope.
      variable_def: not supported.
      dtype: the dtype to convert the initial value to; None infers it.
      import_scope: not used.
      constraint: a function that optimizers apply to the value after an update.
      synchronization: a `tf.VariableSynchronization`, kept for reading only.
      aggregation: a `tf.VariableAggregation`, kept for reading only.
      shape: what every value's shape is checked against, the initial value's if None.
      experimental_enable_variable_lifting: not used.

    Raises:
      ValueError: there is no initial value, or its shape, the name or the constraint is wrong.

    >>> import tapeflow as tf
    >>> v = tf.Variable([1., 2.])
    >>> v.assign_add([1., 1.])
    <tf.Variable 'UnreadVariable' shape=(2,) dtype=float32, numpy=array([2., 3.], dtype=float32)>
    """

    _by_creators = True
    _should_act_as_resource_variable = True
    _in_graph_mode = False
    _lock = _common
    __array_priority__ = 100

    def __init__(
        self,
        initial_value=None,
        trainable=None,
        validate_shape=True,
        caching_device=None,
        name=None,
        variable_def=None,
        dtype=None,
        import_scope=None,
        constraint=None,
        synchronization=VariableSynchronization.AUTO,
        aggregation=VariableAggregation.NONE,
        shape=None,
        experimental_enable_variable_lifting=True,
    ):
        _check_arguments(initial_value, variable_def, constraint)
        self._name = scoped("Variable" if name is None else name)
        if callable(initial_value):
            initial_value = initial_value()
        value = convert_to_tensor(initial_value, dtype)
        if thread.trace is not None:
            value = _lifted(value, self)
        self._array = _array_of(value)
        self._np = self._array.dtype
        self._declared_shape = value.shape if shape is None else TensorShape(shape)
        if shape is not None and not self._declared_shape.is_compatible_with(value.shape):
            raise ValueError(
                f"In this `tf.Variable` creation, the initial value's shape ({value.shape}) is not compatible with "
                f"the explicitly supplied `shape` argument ({shape})."
            )
        if trainable is None:
            trainable = synchronization is not VariableSynchronization.ON_READ
        self._trainable = bool(trainable)
        self._constraint = constraint
        self._synchronization = synchronization
        self._aggregation = aggregation
        self._id = next_id()

    # Reading.

    def _read(self):
        """The present value as a tensor of its own, so that a tape can tell one read from another."""
        tensor = EagerTensor(self._array) if thread.trace is None else thread.trace.read(self)
        for listener in thread.listeners:
            listener._accessed(self, tensor)
        return tensor

    def value(self):
        """The present value, a tensor."""
        return self._read()

    read_value = read_value_no_copy = _read_variable_op = value

    def __tf_tensor__(self, dtype=None, name=None):
        if dtype is not None and as_dtype(dtype) is not self.dtype:
            raise ValueError(
                f"Incompatible type conversion requested to type {as_dtype(dtype).name} for `tf.Variable of type "
                f"{self.dtype.name}. (Variable: {self!r})"
            )
        return self._read()

    def numpy(self):
        """The present value as a NumPy array of the caller's own, or a NumPy scalar."""
        array = self._array
        return array.copy() if array.ndim else array[()]

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype)

    def is_initialized(self, name=None):
        """Whether there is a value, a boolean tensor: always true."""
        return EagerTensor(np.True_)

    # Writing. An array that a tensor holds is never written to: only one that nobody else can see is changed in place.

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Set the value.

        Args:
          value: the new value, a tensor of the variable's dtype or what converts to it.
          use_locking: not used.
          name: not used.
          read_value: whether to return anything.

        Returns:
          What stands for the variable after the assignment, or None.

        Raises:
          ValueError: the shape or dtype is another one; the variable is then as it was.
        """
        if thread.trace is not None:
            return self._assign_later(value, "assign", read_value)
        array = self._operand(value)
        if array.shape != self._array.shape and not self._declared_shape.is_compatible_with(array.shape):
            raise ValueError(
                f"Cannot assign value to variable ' {self._name}:0': Shape mismatch.The variable shape "
                f"{self._declared_shape}, and the assigned value shape {array.shape} are incompatible."
            )
        while True:  # as `locked` does, without its call
            lock = self._lock
            with lock:  # or else an update in another thread, which has read the old value, would undo it
                if lock is self._lock:
                    self._array = array
                    return UnreadVariable(self) if read_value else None

    def assign_add(self, delta, use_locking=None, name=None, read_value=True):
        """Add `delta`, of the variable's shape and dtype, to the value; otherwise like `assign`.

        Raises InvalidArgumentError if the shape is another one.
        """
        if thread.trace is not None:
            return self._assign_later(delta, "assign_add", read_value)
        self._update(np.add, "AssignAddVariableOp", delta)
        return UnreadVariable(self) if read_value else None

    def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
        """Subtract `delta`, of the variable's shape and dtype, from the value; otherwise like `assign`.

        Raises InvalidArgumentError if the shape is another one.
        """
        if thread.trace is not None:
            return self._assign_later(delta, "assign_sub", read_value)
        self._update(np.subtract, "AssignSubVariableOp", delta)
        return UnreadVariable(self) if read_value else None

    def load(self, value, session=None):
        """Set the value."""
        self.assign(value, read_value=False)

    def _assign_later(self, value, method, read_value):
        """An assignment that happens when the graph that is being traced runs."""
        tensor = convert_to_tensor(value, self.dtype)
        if not self._declared_shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Cannot assign value to variable ' {self._name}:0': Shape mismatch.The variable shape "
                f"{self._declared_shape}, and the assigned value shape {tensor.shape} are incompatible."
            )
        thread.trace.assign(self, tensor, method)
        return UnreadVariable(self) if read_value else None

    def _operand(self, value):
        """The array of a value of the variable's dtype."""
        if value.__class__ is EagerTensor and value._array.dtype == self._np:
            return value._array
        return _array_of(convert_to_tensor(value, self.dtype))

    def _update(self, function, op, delta):
        delta = self._operand(delta)
        array = self._array
        if array.shape != delta.shape:
            raise InvalidArgumentError(
                None, None,
                f"Cannot update variable with shape {_bracketed(array.shape)} using a Tensor with shape "
                f"{_bracketed(delta.shape)}, shapes must be equal. [Op:{op}] name: ",
            )  # fmt: skip
        if self._np.kind in "bO":
            raise InvalidArgumentError(
                None, None, f"No OpKernel was registered to support Op '{op}' with dtype {self.dtype.name}. [Op:{op}]"
            )
        large = array.size >= LARGE
        del array
        while True:  # as `locked` does, without its call
            lock = self._lock
            with lock:
                if lock is self._lock:
                    if large:
                        self._update_in_place(function, delta)
                    else:
                        self._array = function(self._array, delta)
                    return

    def _update_in_place(self, function, delta):
        array = self._array
        del self._array  # a thread that reads now waits in __getattr__
        try:
            alone = _references(array) == _alone() and array.base is None and array.flags.writeable
            array = function(array, delta, out=array if alone else None)
        finally:
            self._array = array

    def __getattr__(self, name):
        if name == "_array":
            found = locked(self, lambda: self.__dict__.get("_array"))
            if found is not None:
                return found
        raise AttributeError(no_attribute(self, name))

    # What it is.

    @property
    def dtype(self):
        """The `tf.DType` of the elements."""
        return BY_NUMPY[self._np]

    _dtype = property(lambda self: self._np)
    _shape = property(lambda self: self._array.shape)

    @property
    def shape(self):
        """The `tf.TensorShape` that was declared."""
        return self._declared_shape

    def get_shape(self):
        """The shape, as a method."""
        return self._declared_shape

    def set_shape(self, shape):
        """Check that the shape is compatible with `shape`. Raises ValueError if it is not."""
        wanted = TensorShape(shape)
        if not self._declared_shape.is_compatible_with(wanted):
            raise ValueError(f"Shapes {self._declared_shape} and {wanted} are not compatible")

    @property
    def name(self):
        """The name, as `name:0`."""
        return self._name + ":0"

    _shared_name = property(lambda self: self._name)
    _handle_name = property(lambda self: self._name + ":0")
    _unique_id = property(lambda self: f"{self._name}_{self._id}")

    @property
    def trainable(self):
        """Whether tapes watch this variable as it is read."""
        return self._trainable

    @property
    def constraint(self):
        """The function that was given to be applied after an update, or None."""
        return self._constraint

    @property
    def synchronization(self):
        """The `tf.VariableSynchronization` that was given."""
        return self._synchronization

    @property
    def aggregation(self):
        """The `tf.VariableAggregation` that was given."""
        return self._aggregation

    @property
    def device(self):
        """The name of the device that holds the value."""
        return CPU

    @property
    def handle(self):
        """What tapes know this variable by: here, the variable itself."""
        return self

    initializer = None

    @property
    def initial_value(self):
        """Not kept: raises RuntimeError."""
        raise RuntimeError("This property is not supported when eager execution is enabled.")

    def initialized_value(self):
        """Not to be had: raises NotImplementedError."""
        raise NotImplementedError("A variable always has a value: use `variable.read_value()`.")

    def eval(self, session=None):
        """Not to be had: raises RuntimeError."""
        raise RuntimeError("This operation is not supported when eager execution is enabled: use `variable.numpy()`.")

    def to_proto(self, export_scope=None):
        """Not to be had: raises RuntimeError."""
        raise RuntimeError("This operation is not supported when eager execution is enabled.")

    def ref(self):
        """A hashable reference to this variable, to use as a key of a dictionary or set."""
        from tapeflow.core.reference import Reference

        return Reference(self)

    experimental_ref = ref

    def __hash__(self):
        raise TypeError(f"Variable is unhashable. Instead, use variable.ref() as the key. (Variable: {self!r})")

    def __repr__(self):
        from tapeflow.core.printing import variable_repr

        return variable_repr(self.name, str(self.shape), self.dtype, self._array)

    def __bool__(self):
        return bool(self._array)

    def __int__(self):
        return int(self._array)

    def __float__(self):
        return float(self._array)

    def __complex__(self):
        return complex(self._array)

    def _no_in_place(self, other):
        raise RuntimeError(
            "`variable += value` with `tf.Variable`s is not supported. Use `variable.assign_add(value)` to modify the "
            "variable, or `out = variable + value` if you need to get a new output Tensor."
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __imod__ = __ipow__ = __imatmul__ = _no_in_place

    # Copies.

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        copied = _rebuilt(*self._made_of())
        memo[id(self)] = copied
        return copied

    def __reduce__(self):
        return _rebuilt, self._made_of()

    def _made_of(self):
        return (
            self._array, self._trainable, self._name, self._constraint, self._synchronization, self._aggregation,
            self._declared_shape,
        )  # fmt: skip


Variable.__name__ = "ResourceVariable"  # what programs print as a variable's type


class UnreadVariable(Variable):
    """What an assignment returns: the same variable under another name."""

    def __init__(self, variable):
        self.__dict__ = variable.__dict__

    name = property(lambda self: "UnreadVariable")


def _rebuilt(array, trainable, name, constraint, synchronization, aggregation, shape):
    variable = Variable(
        EagerTensor(array), trainable, constraint=constraint, synchronization=synchronization,
        aggregation=aggregation, shape=shape,
    )  # fmt: skip
    variable._name = name
    return variable


def _lifted(value, variable):
    """The initial value of a variable that is made in a function, out of it. Raises ValueError at a later call."""
    trace = thread.trace
    if not trace.may_create:
        raise ValueError(
            "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is "
            "only created once or created outside tf.function. See "
            "https://www.tensorflow.org/guide/function#creating_tfvariables for more information."
        )
    trace.created.append(variable)
    return value if value.__class__ is EagerTensor else trace.evaluated(value)


def is_variable(value):
    """Whether `value` is a variable."""
    return isinstance(value, Variable)


def _check_arguments(initial_value, variable_def, constraint):
    if variable_def is not None:
        if initial_value is not None:
            raise ValueError(
                "The variable_def and initial_value args to `tf.Variable` are mutually exclusive, but got both: "
                f"variable_def={variable_def},\ninitial_value={initial_value}"
            )
        raise ValueError("`tf.Variable` cannot be made of a `variable_def`: give an `initial_value`.")
    if initial_value is None:
        raise ValueError(
            "The `initial_value` arg to `tf.Variable` must be specified except when you are not providing a "
            "`variable_def`. You provided neither."
        )
    if constraint is not None and not callable(constraint):
        raise ValueError(
            f"Argument `constraint` must be None or a callable. a callable. Got a {type(constraint)}:  {constraint}"
        )


def _array_of(tensor):
    """The array of an eager tensor; a tensor that stands for many, or for none yet, cannot be a variable's value."""
    if tensor.__class__ is not EagerTensor:
        raise NotImplementedError(
            f"A variable can only hold a tensor with a value, and was given {tensor!r}: assign outside of "
            "tf.vectorized_map."
        )
    return tensor._array


def only_mine(array):
    """Whether a caller's local variable is all that refers to an array and its memory."""
    return sys.getrefcount(array) == _mine() and array.base is None and array.flags.writeable


@functools.cache
def _mine():
    def count(array):
        return sys.getrefcount(array)

    array = np.empty(1)
    return count(array)


def _bracketed(shape):
    return "[" + ",".join(map(str, shape)) + "]"


# Locks. Who computes a variable's new value from the old one holds its lock meanwhile. Variables that a compiled
# function updates together share one, which is theirs for good; all others have `_common`.


def locks_of(variables):
    """The locks to hold while variables are updated together, in the order in which to take them."""
    with _common:  # nobody is at one that has no lock of its own
        lock = next((v._lock for v in variables if v._lock is not _common), None) or RLock()
        for variable in variables:
            if variable._lock is _common:
                variable._lock = lock
        return sorted({variable._lock for variable in variables}, key=id)


def locked(variable, change):
    """`change()`, which nobody does with the variable at the same time."""
    while True:
        lock = variable._lock
        with lock:
            if lock is variable._lock:  # it may have got one of its own meanwhile
                return change()


# In place. An array may be written to if nothing but the variable refers to it, which its reference count tells. What
# the count is then depends on the interpreter, so it is measured, on an array held in the same way.

LARGE = 1 << 15  # elements; adding fewer into a new array is quicker than finding out
_baseline = None


def _references(array):
    return sys.getrefcount(array)


def _alone():
    global _baseline
    if _baseline is None:
        array = np.empty(1)
        _baseline = _references(array)
    return _baseline
