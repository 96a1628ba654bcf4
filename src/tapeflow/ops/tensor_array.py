"""`tf.TensorArray`: tensors by number, written one by one.

Where the numbers are known it is a Python list. In a loop of a trace it is one tensor, the rows stacked, which the
loop carries: a write gives the next one.
"""

import weakref

import numpy as np

from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.dims import Dim, UnknownRank
from tapeflow.core.dtype import as_dtype
from tapeflow.core.errors import InvalidArgumentError, OutOfRangeError, invalid_argument
from tapeflow.core.listening import thread
from tapeflow.core.shape import TensorShape
from tapeflow.core.tensor import EagerTensor
from tapeflow.engine.dispatch import apply
from tapeflow.engine.primitive import general, linear
from tapeflow.ops import space
from tapeflow.ops.shaping import ensure_shape
from tapeflow.ops.static import one_int

# Primitives over the stacked rows. A size 0 stands for one that is not known before the first write.


def _write(rows, index, value, dynamic):
    size = len(rows)
    if not 0 <= index < size and not (dynamic and index >= 0):
        raise invalid_argument(f"Trying to modify element {index} in a list with {size} elements.")
    shape = rows.shape[1:]
    if shape != value.shape and any(m not in (0, n) for m, n in zip(shape, value.shape, strict=True)):
        raise invalid_argument(f"Inconsistent shapes: saw {value.shape} but expected {shape}")
    if index == size and shape == value.shape:
        return _appended(rows, value)
    out = np.zeros((max(size, int(index) + 1), *value.shape), value.dtype)
    if shape == value.shape:
        out[:size] = rows
    out[index] = value
    return out


# Arrays with room for more rows than are seen of them, by their ids: a weak reference, and a list of the number of rows
# that are taken. Who takes that number from the list writes the next row, which nobody sees yet, without a copy.
_rooms: dict = {}


def _appended(rows, value):
    """The rows and one more."""
    size, room = len(rows), rows.base
    _, taken = _rooms.get(id(room), (None, ()))
    if not (size in taken and size < len(room) and _is_start(rows, room) and _takes(taken, size)):
        room = np.zeros((2 * size + 8, *value.shape), value.dtype)
        room[:size] = rows
        key, taken = id(room), []
        _rooms[key] = weakref.ref(room, lambda _: _rooms.pop(key, None)), taken
    room[size] = value
    taken.append(size + 1)
    return room[: size + 1]


def _takes(taken, size):
    try:
        taken.remove(size)
    except ValueError:  # another thread was quicker
        return False
    return True


def _is_start(rows, room):
    """Whether rows are the first ones of an array that has more."""
    same = rows.dtype == room.dtype and rows.shape[1:] == room.shape[1:] and rows.flags.c_contiguous
    return same and rows.ctypes.data == room.ctypes.data


def _wipe(rows, index, size):
    out = np.zeros((size, *rows.shape[1:]), rows.dtype)
    kept = min(size, len(rows))
    out[:kept] = rows[:kept]
    if index < size:
        out[index] = 0
    return out


def _read(rows, index):
    if not 0 <= index < len(rows):
        raise invalid_argument(f"Trying to access element {index} in a list with {len(rows)} elements.")
    return rows[index]


def _unread(row, index, size):
    out = np.zeros((size, *row.shape), row.dtype)
    out[index] = row
    return out


def _written(rows, index, value, dynamic):
    inner = tuple([n if m.__class__ is Dim or m == 0 else m for m, n in zip(rows[1:], value)])
    return (None if dynamic else rows[0], *inner)


WIPE = linear(
    "TensorListWipe", _wipe, None, lambda g, rows_like, index: apply(WIPE, (g, index), (rows_like._shape[0],)), None,
    operands="rows index", attrs="size",
)  # fmt: skip
WIPE.shape = lambda rows, index, size: (size, *rows[1:])
READ_ROW = linear(
    "TensorListGetItem", _read, None, lambda g, rows_like, index: apply(UNREAD, (g, index), (rows_like._shape[0],)),
    None, operands="rows index",
)  # fmt: skip
READ_ROW.shape = lambda rows, index: rows[1:]
UNREAD = linear(
    "TensorListUnread", _unread, None, lambda g, index: apply(READ_ROW, (g, index)), None,
    operands="row index", attrs="size",
)  # fmt: skip
UNREAD.shape = lambda row, index, size: (size, *row)
WRITE = general(
    "TensorListSetItem", _write, None,
    lambda g, rows_like, index: (apply(WIPE, (g, index), (rows_like._shape[0],)), None, apply(READ_ROW, (g, index))),
    jvp=lambda drows, dvalue, index, dynamic: apply(WRITE, (drows, index, dvalue), (dynamic,)),
    operands="rows index value", attrs="dynamic",
)  # fmt: skip
WRITE.shape = _written


class TensorArray:
    """Tensors of one dtype by number, each written and read on its own.

    Args:
      dtype: the dtype of the elements.
      size: how many there are: an int or a scalar tensor.
      dynamic_size: whether a write past the end makes it grow.
      clear_after_read: whether an element can be read only once, outside of a `tf.function`; True by default.
      tensor_array_name: not used.
      handle: not used.
      flow: not used.
      infer_shape: whether all elements have to have one shape.
      element_shape: the shape of an element, if it is known.
      colocate_with_first_write_call: not used.
      name: not used.

    Raises:
      ValueError: there is no size, or an element has another shape than it should.

    >>> import tapeflow as tf
    >>> ta = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    >>> for i in range(3):
    ...     ta = ta.write(i, i * i)
    >>> ta.stack().numpy().tolist()
    [0.0, 1.0, 4.0]
    """

    def __init__(
        self,
        dtype,
        size=None,
        dynamic_size=None,
        clear_after_read=None,
        tensor_array_name=None,
        handle=None,
        flow=None,
        infer_shape=True,
        element_shape=None,
        colocate_with_first_write_call=True,
        name=None,
    ):
        if size is None:
            raise ValueError("Size must be declared for TensorArrays: give `size`, which may be 0.")
        self._dtype = as_dtype(dtype)
        self._dynamic = bool(dynamic_size)
        self._clears = clear_after_read is None or bool(clear_after_read)
        self._infers = infer_shape
        self._shape = TensorShape(element_shape)  # as far as it is known
        self._whole = None  # the stacked rows
        self._loose = ()  # axes of the stacked rows whose sizes are not known before the first write
        self._read = set()  # numbers of cleared elements
        size = convert_to_tensor(size)
        if size.__class__ is EagerTensor:
            self._rows = [None] * max(int(size), 0)
            self._size = None
        else:
            self._rows, self._size = None, size

    # What it is.

    @property
    def dtype(self):
        """The dtype of the elements."""
        return self._dtype

    @property
    def dynamic_size(self):
        """Whether a write past the end makes it grow."""
        return self._dynamic

    @property
    def element_shape(self):
        """The shape of an element, as far as it is known."""
        return self._shape

    @property
    def handle(self):
        """None: there is no resource behind it."""
        return None

    @property
    def flow(self):
        """A tensor that depends on what was written: the stacked rows."""
        return self.stack()

    def size(self, name=None):
        """How many elements there are, a scalar int32 tensor."""
        if self._rows is not None:
            return EagerTensor(np.int32(len(self._rows)))
        if self._whole is None:
            return self._size
        from tapeflow.ops.shaping import shape

        return shape(self._whole)[0]

    def identity(self):
        """The same array."""
        return self._copy()

    def mark_used(self):
        """Nothing: nobody warns of an array that is not used."""

    def close(self, name=None):
        """Forget the elements."""
        if self._rows is not None:
            self._rows = []

    def grad(self, source, flow=None, name=None):
        """Not to be had: take gradients with `tf.GradientTape`."""
        raise NotImplementedError("TensorArray.grad: take gradients of what was read, with tf.GradientTape.")

    # Writing.

    def write(self, index, value, name=None):
        """The array with `value` at `index`, a scalar.

        Raises OutOfRangeError (in a `tf.function`: InvalidArgumentError) past the end of an array that cannot grow,
        and ValueError for another shape than that of the other elements.
        """
        value = self._element(value)
        index = convert_to_tensor(index)
        if index.__class__ is EagerTensor and self._rows is not None:
            return self._written_row(int(index), value)
        out = self._copy()
        out._whole = apply(WRITE, (self._stacked(value), _number(index), value), (self._dynamic,))
        out._rows = out._size = None
        return out

    def _element(self, value):
        value = convert_to_tensor(value, dtype_hint=self._dtype)
        if value.dtype is not self._dtype:
            raise InvalidArgumentError(
                None, None,
                f"TensorArray dtype is {self._dtype._proto} but Op is trying to write dtype {value.dtype._proto} ",
            )  # fmt: skip
        if not self._shape.is_compatible_with(value.shape):
            raise ValueError(f"Incompatible shape for value ({value.shape}), expected ({self._shape})")
        if value._shape.__class__ is UnknownRank:
            # What Python code returns is most often a number. The run checks it.
            value = ensure_shape(value, self._shape if self._shape.rank is not None else ())
        if self._infers:
            self._shape = self._shape.merge_with(value.shape)
        return value

    def _written_row(self, index, value):
        rows = self._rows
        problem = InvalidArgumentError if thread.trace is not None else OutOfRangeError
        if index < 0:
            raise problem(None, None, f"Writing to negative indices (index {index}) is not allowed.")
        if index >= len(rows) and not self._dynamic:
            raise problem(
                None, None, f"Tried to write to index {index} but array is not resizeable and size is: {len(rows)} "
            )
        out = self
        if thread.trace is not None:  # there, an array that is written is another one
            out, rows = self._copy(), list(rows)
        rows += [None] * (index + 1 - len(rows))
        rows[index] = value
        out._rows = rows
        out._read.discard(index)
        return out

    def unstack(self, value, name=None):
        """The array with the rows of `value`, a tensor of rank 1 or more, as its elements."""
        from tapeflow.ops.packing import unstack

        value = convert_to_tensor(value, dtype_hint=self._dtype)
        if not value._shape:
            raise ValueError("Argument `axis` = 0 not in range [0, 0)")
        if value.__class__ is EagerTensor and thread.trace is None:
            rows = unstack(value)
            if self._rows is not None and len(rows) > len(self._rows) and not self._dynamic:
                raise ValueError(
                    f"Cannot unstack {len(rows)} tensors into a TensorArray of static size {len(self._rows)} "
                )
            self._rows = [self._element(row) for row in rows]
            return self
        out = self._copy()
        if self._infers:
            out._shape = self._shape.merge_with(value.shape[1:])
        out._whole, out._rows, out._size = value, None, None
        return out

    def scatter(self, indices, value, name=None):
        """The array with row i of `value` at `indices[i]`, for all i."""
        from tapeflow.ops.packing import unstack

        indices, value = convert_to_tensor(indices), convert_to_tensor(value, dtype_hint=self._dtype)
        out = self
        for i, row in zip(unstack(indices), unstack(value), strict=True):
            out = out.write(i, row)
        return out

    def split(self, value, lengths, name=None):
        """The array with the parts of `value`, `lengths[i]` rows each, as its elements.

        Raises InvalidArgumentError if the lengths do not add up to the rows.
        """
        from tapeflow.ops.shaping import split

        value, lengths = convert_to_tensor(value, dtype_hint=self._dtype), convert_to_tensor(lengths)
        if lengths.__class__ is not EagerTensor:
            raise TypeError("TensorArray.split in a tf.function needs lengths that are known while it is traced.")
        sizes = lengths.numpy().tolist()
        rows = value._shape[0]
        if rows.__class__ is int and sum(sizes) != rows:
            raise InvalidArgumentError(
                None, None, "Expected sum of lengths to be equal to values.shape[0], but sum of lengths is "
                f"{sum(sizes)} and value's shape is: [{', '.join(map(str, value._shape))}] ",
            )  # fmt: skip
        out = self._copy() if thread.trace is not None else self
        if self._infers and len(set(sizes)) > 1:
            raise ValueError("TensorArray.split into parts of several lengths needs infer_shape=False.")
        out._rows = [self._element(part) for part in split(value, sizes)]
        return out

    # Reading.

    def read(self, index, name=None):
        """The element at `index`, a scalar.

        Raises OutOfRangeError (in a `tf.function`: InvalidArgumentError) past the end, and InvalidArgumentError for an
        element that was cleared by reading it.
        """
        index = convert_to_tensor(index)
        if index.__class__ is not EagerTensor or self._rows is None:
            return apply(READ_ROW, (self._stacked(), _number(index)))
        index = int(index)
        problem = InvalidArgumentError if thread.trace is not None else OutOfRangeError
        if index < 0:
            raise problem(None, None, f"Reading from negative indices (index {index}) is not allowed.")
        if index >= len(self._rows):
            raise problem(None, None, f"Tried to read from index {index} but array size is: {len(self._rows)} ")
        if self._clears and thread.trace is None:
            if index in self._read:
                raise InvalidArgumentError(
                    None, None, f"Could not read index {index} twice because it was cleared after a previous read "
                    "(perhaps try setting clear_after_read = false?)",
                )  # fmt: skip
            self._read.add(index)
        row = self._rows[index]
        return self._zero() if row is None else row

    def _zero(self):
        if not self._shape.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape {self._shape} to a Tensor.")
        return space.zeros_of(tuple(self._shape), self._dtype._np)

    def stack(self, name=None):
        """All elements, stacked along a new axis 0; zeros for those that were not written."""
        return self._stacked()

    def gather(self, indices, name=None):
        """The elements at `indices`, a vector, stacked."""
        from tapeflow.ops.indexing import gather

        return gather(self._stacked(), indices)

    def concat(self, name=None):
        """All elements, one after the other along their axis 0."""
        from tapeflow.ops.shaping import concat, reshape

        if self._rows is not None:
            rows = [self._zero() if row is None else row for row in self._rows]
            if any([not row._shape for row in rows]):
                raise InvalidArgumentError(
                    None, None, "Concat saw a scalar shape at index 0 but requires at least vectors."
                )
            return concat(rows, 0) if rows else space.zeros_of((0, *tuple(self._shape)[1:]), self._dtype._np)
        whole = self._stacked()
        if len(whole._shape) < 2:
            raise ValueError("TensorArray.concat requires elements of rank 1 or more.")
        return reshape(whole, (-1, *whole._shape[2:]))

    # As one tensor.

    def _stacked(self, like=None):
        """The rows as one tensor; `like` is an element, where the shape may not be known yet."""
        from tapeflow.ops.packing import stack

        if self._whole is not None:
            return self._whole
        shape = tuple(self._shape._dims) if self._shape._dims is not None else None
        if like is not None and (shape is None or None in shape):
            shape = like._shape
        if self._rows:
            first = next((row for row in self._rows if row is not None), None)
            if first is None:
                first = self._zero() if like is None else space.zeros_like(like)
            return stack([space.zeros_like(first) if row is None else row for row in self._rows])
        if shape is None or None in shape:
            if self._rows is not None and like is None:
                return space.zeros_of((0, *[n or 0 for n in shape or ()]), self._dtype._np)
            raise ValueError(f"Cannot convert a partially known TensorShape {self._shape} to a Tensor.")
        return self._zeros(shape)

    def _zeros(self, shape):
        if self._size is None:
            return space.zeros_of((len(self._rows), *shape), self._dtype._np)
        from tapeflow.ops.creation import zeros

        return zeros([one_int(self._size, "TensorListReserve"), *shape], self._dtype)

    # In a loop: see `opened` in tracing/structures.py.

    def _parts(self):
        return [] if self._is_blank() else [self._stacked()]

    def _with_parts(self, tensors):
        if not tensors:
            return self
        out = self._copy()
        (out._whole,) = tensors
        out._rows = out._size = None
        return out

    def _is_blank(self):
        """Whether it is not known yet what an element looks like."""
        known = self._shape.is_fully_defined() or self._rows and any(row is not None for row in self._rows)
        return self._whole is None and not known

    def _like(self, other):
        """This array, blank, with elements like those of another."""
        if other._is_blank():
            return self
        out = self._copy()
        inner = other._stacked()._shape[1:]
        shape = tuple([n if n.__class__ is int else 0 for n in inner])
        out._loose = tuple([axis for axis, n in enumerate(inner, 1) if n.__class__ is not int])
        out._whole = self._zeros(shape)
        out._rows = out._size = None
        return out

    def _loose_axes(self):
        return [] if self._is_blank() else [(0, *self._loose) if self._dynamic else self._loose]

    def _copy(self):
        out = object.__new__(TensorArray)
        out.__dict__.update(self.__dict__)
        out._read = set(self._read)
        return out


def _number(index):
    """A number as the int64 scalar that the primitives take."""
    from tapeflow.ops.casting import cast

    return cast(index, "int64")
