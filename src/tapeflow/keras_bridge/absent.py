"""Types and functions that Keras mentions and Tapeflow does not have: nothing is of the types, and a call says so."""


class _Absent(type):
    """A type of which there are no values."""

    def __call__(cls, *args, **kwargs):
        raise NotImplementedError(f"Tapeflow has no {cls.__doc__}")

    def __getattr__(cls, name):
        raise AttributeError(f"There is no {name!r}: Tapeflow has no {cls.__doc__}")


def _absent_type(name, advice):
    space, _, base = name.rpartition(".")
    made = _Absent(base, (), {"__doc__": f"tf.{name}: {advice}.", "__module__": __name__})
    made.__qualname__ = base
    return made


_DENSE = "use a dense tensor"
_BATCHES = "iterate over batches in Python"
_ALONE = "there is one replica on one machine"

RaggedTensor = _absent_type("RaggedTensor", _DENSE)
SparseTensorSpec = _absent_type("SparseTensorSpec", _DENSE)
RaggedTensorSpec = _absent_type("RaggedTensorSpec", _DENSE)
Dataset = _absent_type("data.Dataset", _BATCHES)
Iterator = _absent_type("data.Iterator", _BATCHES)
Optional = _absent_type("experimental.Optional", "use None")
DistributedDataset = _absent_type("distribute.DistributedDataset", _BATCHES)
DistributedIterator = _absent_type("distribute.DistributedIterator", _BATCHES)
DistributedValues = _absent_type("distribute.DistributedValues", _ALONE)
MirroredStrategy = _absent_type("distribute.MirroredStrategy", _ALONE)
MultiWorkerMirroredStrategy = _absent_type("distribute.MultiWorkerMirroredStrategy", _ALONE)
TPUStrategy = _absent_type("distribute.TPUStrategy", _ALONE)


def _absent(name):
    def function(*args, **kwargs):
        raise NotImplementedError(f"Tapeflow has no tf.{name}: use dense tensors.")

    function.__doc__ = f"`tf.{name}` is not to be had: raises NotImplementedError. Sparse tensors are containers here."
    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    return function


sparse_add = _absent("sparse.add")
sparse_maximum = _absent("sparse.maximum")
sparse_minimum = _absent("sparse.minimum")
