"""Functions that need to know sizes. In a trace that does not know them, a call is one node: it waits until they are.

A graph is made for known shapes before it is compiled, and the node then becomes the operations that the function is
made of (`tracing/expand.py`); where a graph runs on NumPy, the node's kernel calls the function. Either way the checks
are those that the function makes when it is called eagerly.
"""

import threading
from contextlib import contextmanager
from functools import wraps

import numpy as np

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import UnknownRank, UnknownSize, dims_in, holds_dim, is_open, opened_shape
from tapeflow.core.errors import InvalidArgumentError
from tapeflow.core.indexed_slices import IndexedSlices
from tapeflow.core.listening import Alone, thread
from tapeflow.core.tensor import EagerTensor, Like, Tensor, next_id
from tapeflow.engine.dispatch import apply, is_tensor
from tapeflow.engine.primitive import constant, general
from tapeflow.ops import space


def sized(function):
    """Have calls of `function`, of tensors to a structure of tensors, wait for sizes that a trace does not know."""

    @wraps(function)
    def call(*args, **kwargs):
        if thread.trace is None:
            return function(*args, **kwargs)
        leaves = nest.flatten([args, kwargs])
        if not any([isinstance(leaf, Tensor) and holds_dim(leaf._shape) for leaf in leaves]):
            try:
                return function(*args, **kwargs)
            except UnknownSize:  # of a number, or a rank
                return waiting(function, args, kwargs)
            except (AttributeError, TypeError) as error:  # it asked for a number as only an eager tensor has it
                if not any([isinstance(leaf, Tensor) and leaf.__class__ is not EagerTensor for leaf in leaves]):
                    raise
                try:
                    return waiting(function, args, kwargs)
                except Exception:  # noqa: BLE001 (then that was not it)
                    raise error from None
        try:
            return waiting(function, args, kwargs)
        except Exception as error:  # refused whatever the sizes: the function says it best, now or at the run
            try:
                found = function(*args, **kwargs)
            except UnknownSize:
                raise error from None
            return waiting(function, args, kwargs, found)

    return call


def sized_where_asked(function, operands=1):
    """The same for a function that asks only for the sizes that it needs: with these known, its calls do not wait.

    `operands`: how many of the first arguments are operands; numbers of the others, an axis say, have to be known.
    """
    waits = sized(function)
    names = function.__code__.co_varnames[:operands]

    @wraps(function)
    def call(*args, **kwargs):
        if thread.trace is None:
            return function(*args, **kwargs)
        others = nest.flatten([args[operands:], [value for name, value in kwargs.items() if name not in names]])
        if all(map(_is_told, others)):
            try:
                return function(*args, **kwargs)
            except UnknownSize:
                pass
            except (AttributeError, NotImplementedError, TypeError):  # it asked for one as only an eager tensor has it
                if not any(map(_is_traced, others)):
                    raise
        return waits(*args, **kwargs)

    return call


def of_any_rank(function):
    """The same for a function that asks for no size, but for the rank of what it is given."""

    @wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except UnknownSize:
            if thread.trace is None:
                raise
            return waiting(function, args, kwargs)

    return call


def _is_traced(leaf):
    return isinstance(leaf, Tensor) and leaf.__class__ is not EagerTensor


def _is_told(leaf):
    """Whether the numbers of an argument are known, or are sizes: of `tf.shape`, say, of which a trace keeps them."""
    if not _is_traced(leaf) or thread.trace is None:
        return True
    content = thread.trace._content(leaf) if hasattr(leaf, "_trace") else None
    return content is not None and all(key[0] != "value" for key in dims_in(content.ravel().tolist()))


class _Expanding(threading.local):
    functions = ()  # whose calls are being spelled out: they must not wait for the same once more


expanding = _Expanding()


@contextmanager
def being_spelled_out(call):
    """A context in which a call that waited does not wait for the same once more."""
    before = expanding.functions
    expanding.functions = (*before, call.base())
    try:
        yield
    finally:
        expanding.functions = before


def waiting(function, args, kwargs=None, like=None):
    """The result of a call as a node of the trace that is open. Raises UnknownSize where not even ranks are known.

    `like`: a result of the same structure and types, if these need not be found out.
    """
    structure = [list(args), kwargs or {}]
    operands, fixed = [], []
    for leaf in nest.flatten(structure):
        if leaf.__class__ is Like:
            if leaf._shape.__class__ is UnknownRank:
                iter(leaf._shape)
            fixed.append((LIKE, leaf._shape, leaf._dtype))
        elif not is_tensor(leaf) or leaf.__class__ is IndexedSlices:
            fixed.append(leaf)
        else:
            tensor = thread.trace.here(convert_to_tensor(leaf))
            if tensor.__class__ is EagerTensor and not space.is_inexact(tensor):
                fixed.append(tensor)
                continue
            content = None if tensor.__class__ is EagerTensor else thread.trace._content(tensor)
            if content is not None:
                numbers = tuple([n if holds_dim(n) else int(n) for n in content.ravel()])
                fixed.append((NUMBERS, numbers, tensor._shape, tensor._dtype))
            else:
                operands.append(tensor)
                fixed.append(OPERAND)
    if function in expanding.functions and not holds_dim(fixed) and not any([is_open(x._shape) for x in operands]):
        raise UnknownSize("a number that is only known when the function runs")
    call = Call(function, structure)
    if like is None:
        return _apply(call, tuple(fixed), operands)
    if any([x.__class__ is not EagerTensor and not hasattr(x, "_trace") for x in operands]):
        raise UnknownSize("the sizes of a tensor in a batch")
    call.result = like
    leaves = map(convert_to_tensor, nest.flatten(like, expand_composites=True))
    types = [(opened_shape(y._shape), y._dtype) for y in leaves]
    found = thread.trace.call(SIZED, operands, (call, tuple(fixed)), types)
    return nest.pack_sequence_as(like, found, expand_composites=True)


class Mark:
    """What stands in the place of something else among the leaves of a call."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


OPERAND, NUMBERS, LIKE = map(Mark, ("operand", "numbers", "like"))


class Call:
    """A function and the structure of its arguments; `result` is that of its result, once it is known."""

    def __init__(self, function, structure):
        self.function = function
        self.structure = structure
        self.result = None

    def base(self):
        """The function that is called, or differentiated."""
        return self.function

    def __repr__(self):
        return getattr(self.function, "__name__", "function")

    def __call__(self, fixed, operands):
        """The flat result for the operands among the leaves, tensors of any kind."""
        supply = iter(operands)
        args, kwargs = nest.pack_sequence_as(self.structure, [_filled(leaf, supply) for leaf in fixed])
        self.result = self.function(*args, **kwargs)
        return [convert_to_tensor(leaf) for leaf in nest.flatten(self.result, expand_composites=True)]


def _filled(leaf, supply):
    if leaf is OPERAND:
        return next(supply)
    if leaf.__class__ is not tuple or not leaf or leaf[0].__class__ is not Mark:
        return leaf
    if leaf[0] is LIKE:
        like = Like.__new__(Like)
        like._id, like._shape, like._dtype = next_id(), leaf[1], leaf[2]
        return like
    _, numbers, shape, dtype = leaf
    if not holds_dim(numbers):
        return EagerTensor(np.array(numbers, dtype).reshape(shape)[()])
    content = np.empty(len(numbers), object)
    content[:] = numbers
    (tensor,) = thread.trace.append(NUMBERS_OF, (), (numbers, shape, dtype), [(shape, dtype)], content.reshape(shape))
    return tensor


def _apply(call, fixed, operands):
    prim = SIZED if all([x._dtype.kind not in "iub" for x in operands]) else VALUED
    interpret = apply if any([x.__class__ is not EagerTensor for x in operands]) else thread.trace.apply
    found = interpret(prim, tuple(operands), (call, fixed))
    return nest.pack_sequence_as(call.result, found, expand_composites=True)


def again(operands, attrs):
    """The flat result of a call that waited, for other operands; it waits again if their sizes are not known."""
    call, fixed = attrs
    if thread.trace is not None and (holds_dim(fixed) or any([is_open(x._shape) for x in operands])):
        return nest.flatten(_apply(call, fixed, operands), expand_composites=True)
    try:
        return call(fixed, operands)
    except UnknownSize:  # of a number that only the run knows
        if thread.trace is None or call.base() in expanding.functions:
            raise
        return nest.flatten(_apply(call, fixed, operands), expand_composites=True)


def _run(*operands):
    *arrays, call, fixed = operands
    with Alone():
        try:
            return [y._array for y in call(fixed, [EagerTensor(array) for array in arrays])]
        except ValueError as error:  # of shapes; a graph that runs has one class of errors for them
            raise InvalidArgumentError(None, None, f"{error} [Op:{call}] name: ") from None


class Batched:
    """A call that waited, for all the examples of a batch: its operands and results have them along axis 0."""

    def __init__(self, call):
        self.call = call
        self.result = None

    def __repr__(self):
        return f"batch of {self.call}"

    def __call__(self, fixed, operands):
        from tapeflow.autodiff.batching import batched_call

        self.result = batched_call(lambda *xs: self.call(fixed, xs), operands)
        return self.result


def _batched(*args):
    *payloads, call, fixed = args
    if thread.trace is None:
        return Batched(call)(fixed, payloads)
    return again(payloads, (Batched(call), fixed))


class Gradient:
    """The derivative of a call that waited, as a call of its operands and its results' cotangents."""

    def __init__(self, call, wanted, targets):
        self.call = call
        self.wanted = wanted
        self.targets = targets
        self.present = ()  # which of the wanted cotangents there are
        self.all = False  # zeros for the others
        self.result = None

    def base(self):
        """The function that is differentiated."""
        return self.call.base()

    def __repr__(self):
        return f"gradient of {self.call}"

    def __call__(self, fixed, operands):
        from tapeflow.autodiff.tape import GradientTape

        count = len(operands) - len(self.targets)
        xs, gs = operands[:count], operands[count:]
        sources = [xs[i] for i in self.wanted]
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            with being_spelled_out(self.call):
                outs = again(xs, (self.call, fixed))
        found = tape.gradient([outs[i] for i in self.targets], sources, gs)
        if self.all:
            found = [space.zeros_like(x) if g is None else space.dense(g) for x, g in zip(sources, found)]
        self.present = [i for i, g in zip(self.wanted, found) if g is not None]
        self.result = [g for g in found if g is not None]
        return nest.flatten(self.result, expand_composites=True)


def _pull(mask, xs, ys, attrs, gs):
    call, fixed = attrs
    wanted = [i for i, x in enumerate(xs) if mask >> i & 1 and space.is_inexact(x)]
    targets = [i for i, g in enumerate(gs) if g is not None]
    gradient = Gradient(call, wanted, targets)
    operands = [*xs, *[space.dense(gs[i]) for i in targets]]
    try:
        flat = again(operands, (gradient, fixed))
    except (InvalidArgumentError, UnknownSize):
        if thread.trace is None or not any([is_open(x._shape) or x._dtype.kind in "iu" for x in operands]):
            raise
        # No sizes or values were found that the function takes, or they decide what there is to give (sliced rows, for
        # some sizes). Those of the run
        # will do, or it says then what is wrong.
        gradient.all, gradient.present = True, wanted
        gradient.result = [xs[i] for i in wanted]
        types = [(opened_shape(x._shape), x._dtype) for x in gradient.result]
        flat = thread.trace.call(SIZED, operands, (gradient, fixed), types)
    found = nest.pack_sequence_as(gradient.result, flat, expand_composites=True)
    out = [None] * len(xs)
    for i, g in zip(gradient.present, found, strict=True):
        out[i] = g
    return out


NUMBERS_OF = constant(
    "Const", lambda numbers, shape, dtype: np.array(numbers, dtype).reshape(shape), operands="",
    attrs="numbers shape dtype",
)  # fmt: skip
SIZED = general("SizedCall", _run, None, lambda gs, ys, xs: None, operands="*", attrs="call fixed", many=True)
VALUED = general("ValuedCall", _run, None, lambda gs, ys, xs: None, operands="*", attrs="call fixed", many=True)
SIZED.pull = VALUED.pull = _pull
SIZED.batch = VALUED.batch = _batched
SIZED.branches = VALUED.branches = True
VALUED.sized_by_values = "perhaps"
