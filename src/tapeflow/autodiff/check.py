"""`tf.test.compute_gradient`: a function's Jacobians by the tape and by finite differences."""

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.tensor import EagerTensor


def compute_gradient(f, x, delta=None):
    """The Jacobians of `f` at `x`, by the tape and by central differences, to be compared.

    Args:
      f: a function of as many tensors as `x` has, floating or complex, to a tensor.
      x: a list or tuple of values that convert to tensors.
      delta: the step of the differences, 1/1024 if None.

    Returns:
      A pair of tuples, theoretical and numerical, of one 2-D array for each item of `x`: a row for each element of the
      result and a column for each of the item; two of each for complex numbers, the real and the imaginary part.

    Raises:
      ValueError: `x` is no list or tuple.
      AssertionError: an item of `x` is neither floating nor complex.

    >>> import tapeflow as tf
    >>> theoretical, numerical = tf.test.compute_gradient(tf.square, [tf.constant([1., 2.])])
    >>> theoretical[0].tolist(), numerical[0].tolist()
    ([[2.0, 0.0], [0.0, 4.0]], [[2.0, 0.0], [0.0, 4.0]])
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(
            "`x` must be a list or tuple of values convertible to a Tensor (arguments to `f`), not a " + str(type(x))
        )
    delta = 1 / 1024 if delta is None else delta
    arguments = [convert_to_tensor(item) for item in x]
    for i, argument in enumerate(arguments):
        if not (argument.dtype.is_floating or argument.dtype.is_complex):
            raise AssertionError(f"Cannot compute gradient for unsupported type {argument.dtype.name} of argument {i}")
    y = f(*arguments)
    theoretical = tuple(_by_tape(f, arguments, i) for i in range(len(arguments)))
    numerical = tuple(_by_differences(f, arguments, i, delta, _width(y)) for i in range(len(arguments)))
    return theoretical, numerical


def _by_tape(f, arguments, place):
    from tapeflow.autodiff.tape import GradientTape

    x = arguments[place]
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(*arguments)
    columns, rows = _width(x), _width(y)
    jacobian = np.zeros((rows, columns), np.asarray(_reals(x)).dtype)
    for row in range(rows):
        seed = np.zeros(rows, _reals(y).dtype)
        seed[row] = 1
        g = tape.gradient(y, x, output_gradients=EagerTensor(_unreal(seed, y)))
        if g is not None:
            g = convert_to_tensor(g) if isinstance(g, IndexedSlices) else g
            jacobian[row] = _reals(g)
    return jacobian


def _by_differences(f, arguments, place, delta, rows):
    x = arguments[place]
    values = _reals(x)
    jacobian = np.zeros((rows, values.size), values.dtype)

    def at(shifted):
        moved = [*arguments[:place], EagerTensor(_unreal(shifted, x)), *arguments[place + 1 :]]
        return _reals(f(*moved)).astype(np.float64)

    for column in range(values.size):
        step = np.zeros_like(values)
        step[column] = delta
        jacobian[:, column] = (at(values + step) - at(values - step)) / (2 * delta)
    return jacobian


def _reals(tensor):
    """A tensor's elements as a flat array of real numbers, real and imaginary parts in turn."""
    if isinstance(tensor, IndexedSlices):
        tensor = convert_to_tensor(tensor)
    flat = np.array(tensor.numpy()).ravel()
    if flat.dtype.kind != "c":
        return flat
    return flat.view(flat.real.dtype)


def _unreal(flat, like):
    """The array that `_reals` gives `flat` of, in the shape and dtype of a tensor."""
    dtype = like.dtype._np
    flat = flat.view(dtype) if dtype.kind == "c" else flat.astype(dtype, copy=False)
    return flat.reshape(tuple(like.shape))


def _width(tensor):
    return int(np.prod(tuple(tensor.shape))) * (2 if tensor.dtype.is_complex else 1)
