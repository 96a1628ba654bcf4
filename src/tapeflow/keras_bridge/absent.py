"""Types and functions that Keras mentions and Tapeflow does not have: nothing is of the types, and a call says so."""


class _Absent:
    def __init__(self, *args, **kwargs):
        raise NotImplementedError(f"Tapeflow has no tf.{type(self).__name__}: use a dense tensor.")


class RaggedTensor(_Absent):
    """A tensor with rows of different lengths: not to be had, so that nothing is one."""


class SparseTensorSpec(_Absent):
    """The type of a `SparseTensor`: not to be had."""


class RaggedTensorSpec(_Absent):
    """The type of a `RaggedTensor`: not to be had."""


def _absent(name):
    def function(*args, **kwargs):
        raise NotImplementedError(f"Tapeflow has no tf.{name}: use dense tensors.")

    function.__doc__ = f"`tf.{name}` is not to be had: raises NotImplementedError. Sparse tensors are containers here."
    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    return function


sparse_add = _absent("sparse.add")
sparse_maximum = _absent("sparse.maximum")
sparse_minimum = _absent("sparse.minimum")
