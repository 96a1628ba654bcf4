"""Where CPython and NumPy keep the memory of arrays and scalars: what native code looks up by itself.

An ndarray holds its data's address right after the head that every object has, and its flags 48 bytes further on
(PyArrayObject_fields in NumPy's ndarraytypes.h); a NumPy scalar holds its value there.
"""

import ctypes
import functools

import numpy as np

from tapeflow.compiler.emit import Value

HEAD = object.__basicsize__
TYPE = 8  # of an object, in its head
FLAGS = HEAD + 48
CONTIGUOUS = 0x0001 | 0x0100  # in C's order, and aligned
ITEMS = tuple.__basicsize__
FEW = 24  # objects are found one by one, others in a loop: LLVM's time grows with the square of a straight piece


@functools.cache
def known():
    """Whether this interpreter and this NumPy keep things where this module says."""
    array, number = np.arange(3.0), np.float64(0.5)
    pair = (array, number)

    def word(place, type=ctypes.c_void_p):
        return type.from_address(place).value

    return (
        word(id(array) + TYPE) == id(np.ndarray)
        and word(id(array) + HEAD) == array.ctypes.data
        and word(id(array) + FLAGS, ctypes.c_int32) == array.flags.num
        and word(id(number) + HEAD, ctypes.c_double) == 0.5
        and word(id(pair) + ITEMS + 8) == id(number)
    )


def value(b, number):
    """The address of the values of object `number` of those that `find` finds, where it is needed."""
    if number < FEW:
        return Value("ptr", f"%d{number}")
    return b.load(b.new("ptr", f"getelementptr ptr, ptr %others, i64 {number - FEW}"), "ptr")


def find(b, count, align):
    """Write code that finds the memory of the tuple `%tuple`: of (np.ndarray, an array of bytes, `count` objects).

    The bytes are at `%arena`, aligned, and where each object's values are is said by `value`. The function ends with
    -1 if an array is not contiguous.
    """

    def field(base, offset, type):
        return b.load(b.new("ptr", f"getelementptr i8, ptr {base}, i64 {offset}"), type)

    def item(number):
        return field("%tuple", ITEMS + 8 * number, "ptr")

    def look(object):
        """(whether it is an array, its memory if it is one, its memory if not, whether it is as it should be)."""
        is_array = b.new("i1", f"icmp eq ptr {field(object.text, TYPE, 'ptr').text}, {ndarray.text}")
        inside = b.new("ptr", f"getelementptr i8, ptr {object.text}, i64 {HEAD}")
        data = b.load(inside, "ptr")
        flags = field(b.select(is_array, object, ndarray).text, FLAGS, "i32")  # a scalar is too short to have any
        wanted = b.const("i32", CONTIGUOUS)
        fine = b.or_(b.not_(is_array), b.icmp("eq", b.and_(flags, wanted), wanted))
        return is_array, data, inside, fine

    ndarray = item(0)
    arena = field(item(1).text, HEAD, "ptr")
    raised = b.new("ptr", f"getelementptr i8, ptr {arena.text}, i64 {align - 1}")
    b.line(f"%arena = call ptr @llvm.ptrmask.p0.i64(ptr {raised.text}, i64 {-align})")
    all_fine = b.const("i1", 1)
    for number in range(min(count, FEW)):
        is_array, data, inside, fine = look(item(number + 2))
        b.line(f"%d{number} = select i1 {is_array.text}, ptr {data.text}, ptr {inside.text}")
        all_fine = b.and_(all_fine, fine)
    if count > FEW:
        first = b.new("ptr", f"getelementptr i8, ptr %tuple, i64 {ITEMS + 8 * (FEW + 2)}")
        b.line(f"%others = alloca [{count - FEW} x ptr]")

        def one(number, state):
            is_array, data, inside, fine = look(b.load(b.address(first, number, "ptr"), "ptr"))
            b.store(b.select(is_array, data, inside), b.address(Value("ptr", "%others"), number, "ptr"))
            return (b.and_(*state, fine),)

        whole = b.const("i64", 0), b.const("i64", count - FEW), b.const("i64", 1)
        (all_fine,) = b.loop(*whole, one, (all_fine,))
    b.leave_unless(all_fine, -1)
