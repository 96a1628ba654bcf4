"""What TensorFlow says of graphs, functions and devices, where every operation runs at once on one CPU."""

from tapeflow.core.dims import holds_dim
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.types import TensorLike
from tapeflow.core.unconnected import UnconnectedGradients


def executing_eagerly():
    """Whether operations run as they are called: True, but while a function is being traced.

    >>> import tapeflow as tf
    >>> tf.executing_eagerly()
    True
    """
    return thread.trace is None


def inside_function():
    """Whether a function is being traced.

    >>> import tapeflow as tf
    >>> tf.inside_function()
    False
    """
    return thread.trace is not None


class _Outside:
    """The state of a thread without any trace."""

    def __enter__(self):
        self.before = thread.listeners, thread.trace
        if thread.trace is not None:
            thread.listeners, thread.trace = (), None

    def __exit__(self, kind, error, traceback):
        thread.listeners, thread.trace = self.before


class _Unchanged:
    """A context that changes nothing."""

    def __enter__(self):
        return None

    def __exit__(self, kind, error, traceback):
        return False


def init_scope():
    """A context outside of any function that is being traced: where nothing is traced, the same as none.

    >>> import tapeflow as tf
    >>> with tf.init_scope():
    ...     tf.executing_eagerly()
    True
    """
    return _Outside()


def control_dependencies(control_inputs):
    """A context whose operations run after `control_inputs`: eagerly, they have run; functions among them run now.

    >>> import tapeflow as tf
    >>> with tf.control_dependencies([tf.constant(1)]):
    ...     tf.constant(2).numpy().item()
    2
    """
    for item in control_inputs or ():
        if callable(item):
            item()
    return _Unchanged()


def device(device_name):
    """A context whose operations run on a device: everything runs on the CPU, as with soft placement.

    Args:
      device_name: a name like "/CPU:0", "/device:GPU:1" or "/job:localhost/task:0", or None.

    Raises:
      ValueError: the name is no device's.

    >>> import tapeflow as tf
    >>> with tf.device("/CPU:0"):
    ...     tf.constant(1.0).device
    '/job:localhost/replica:0/task:0/device:CPU:0'
    """
    if callable(device_name):
        raise RuntimeError("tf.device does not support functions when eager execution is enabled.")
    if device_name is not None:
        _check_device(str(device_name))
    return _Unchanged()


def _check_device(name):
    for part in name.split("/"):
        key, *rest = part.lower().split(":")
        known = key in ("", "cpu", "gpu", "tpu", "job", "replica", "task", "device")
        number = rest[-1] if rest else "0"
        if key in ("replica", "task", "cpu", "gpu", "tpu", "device") and not (number.isdigit() or number == "*"):
            known = False
        if not known:
            raise ValueError(f"Unknown attribute {key!r} is encountered while parsing the device spec: {name!r}.")


def no_op(name=None):
    """Does nothing.

    >>> import tapeflow as tf
    >>> tf.no_op()
    """


def reset_default_graph():
    """Forget the graph that operations are added to: there is none."""


def group(*inputs, **kwargs):
    """Runs after all of `inputs`, which have run: does nothing.

    >>> import tapeflow as tf
    >>> tf.group(tf.constant(1), tf.constant(2))
    """


def is_tensor(x):
    """Whether `x` is a tensor, variable or `tf.IndexedSlices`, or says that it stands for a tensor.

    >>> import tapeflow as tf
    >>> tf.is_tensor(tf.constant(1)), tf.is_tensor(tf.Variable(1)), tf.is_tensor(1)
    (True, True, False)
    """
    return x.__class__ is EagerTensor or isinstance(x, TensorLike) or getattr(x, "is_tensor_like", False)


def is_symbolic_tensor(tensor):
    """Whether a tensor has no value yet: False, for all have.

    >>> import tapeflow as tf
    >>> tf.is_symbolic_tensor(tf.constant(1))
    False
    """
    if not isinstance(tensor, TensorLike):
        raise TypeError(f"tf.is_symbolic_tensor takes a tensor, and was given {tensor!r}.")
    return isinstance(tensor, Tensor) and tensor.__class__ is not EagerTensor


def get_static_value(tensor, partial=False):
    """The value of a tensor as a NumPy array or scalar; None for a variable; what is no tensor as it is.

    >>> import tapeflow as tf
    >>> tf.get_static_value(tf.constant([1, 2]))
    array([1, 2], dtype=int32)
    """
    if tensor.__class__ is EagerTensor:
        return tensor.numpy()
    content = getattr(tensor, "_content", None)
    if content is not None and not holds_dim(content.ravel().tolist()):
        return content.astype(tensor._dtype)
    return None if is_tensor(tensor) else tensor


def gradients(
    ys, xs, grad_ys=None, name="gradients", gate_gradients=False, aggregation_method=None, stop_gradients=None,
    unconnected_gradients=UnconnectedGradients.NONE,
):  # fmt: skip
    """The gradients of the sum of `ys` by each of `xs`, in a function that is being traced.

    Args:
      ys, xs: a tensor or a list of them, and for `xs` of variables.
      grad_ys: cotangents to start from, one for each of `ys`; None stands for ones.
      name, gate_gradients, aggregation_method: not used.
      stop_gradients: tensors to take as constants.
      unconnected_gradients: what to give for an `x` that `ys` do not depend on, None or zeros.

    Returns a list, a gradient for each of `xs`. Raises RuntimeError outside of a function: use `tf.GradientTape`.

    >>> import tapeflow as tf
    >>> f = tf.function(lambda x: tf.gradients(x * x, x))
    >>> f(tf.constant(3.0))[0].numpy().item()
    6.0
    """
    if thread.trace is None:
        raise _use_a_tape()
    from tapeflow.tracing.gradients import gradients as of_graph

    return of_graph(ys, xs, grad_ys, stop_gradients, unconnected_gradients)


def hessians(ys, xs, gate_gradients=False, aggregation_method=None, name="hessians"):
    """The Hessian of the sum of `ys` by each of `xs`, in a function that is being traced.

    Returns a list, a tensor of shape `x.shape + x.shape` for each. Raises RuntimeError outside of a function: use two
    of `tf.GradientTape`.

    >>> import tapeflow as tf
    >>> f = tf.function(lambda x: tf.hessians(tf.reduce_sum(x * x), x))
    >>> f(tf.constant([3.0, 4.0]))[0].numpy().tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    if thread.trace is None:
        raise _use_a_tape()
    from tapeflow.tracing.gradients import hessians as of_graph

    return of_graph(ys, xs)


def _use_a_tape():
    return RuntimeError(
        "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
    )


class AggregationMethod:
    """How `tf.gradients` would add up the parts of a gradient: named for programs that pass it on."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2
