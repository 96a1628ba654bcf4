"""Generated matrix products against float64 ones: every stride, size and width, and not a byte out of bounds."""

import ctypes
import functools
import itertools
import mmap
import os
import threading

import llvmlite.binding as llvm
import numpy as np
import pytest

from tapeflow.compiler import gemm, gemm_small

DTYPES = {"float": np.float32, "double": np.float64}
KINDS = list(itertools.product(DTYPES, (128, 256, 512)))
RNG = np.random.default_rng(3)


def compiled(text):
    """An engine for a module of IR."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=1
    )
    module = llvm.parse_assembly(text)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


@functools.cache
def product(dtype, vector_bits, even=False):
    """`product(a, b, c, before, scale, then)` for arrays of any strides: c = a @ b, or before + scale * (a @ b)."""
    engine = compiled(gemm.source(dtype, vector_bits, even))
    pointer, i64 = ctypes.c_void_p, ctypes.c_int64
    kind = ctypes.CFUNCTYPE(
        None, pointer, i64, i64, pointer, i64, i64, pointer, i64, i64, i64, i64, pointer,
        ctypes.c_float if dtype == "float" else ctypes.c_double, pointer, pointer, pointer,
    )  # fmt: skip
    function = kind(engine.get_function_address(f"gemm.{dtype}.even" if even else f"gemm.{dtype}"))
    size = np.dtype(DTYPES[dtype]).itemsize

    def run(a, b, c, before=None, scale=1.0, then=None):
        (m, k), n = a.shape, b.shape[1]
        work = bytearray(gemm.work_bytes(dtype) + 64 + 4096)
        start = ctypes.addressof(ctypes.c_char.from_buffer(work))
        aligned = -start % 64
        work[aligned + gemm.work_bytes(dtype) :] = b"\x5a" * (64 + 4096 - aligned)
        strides = [s // size for s in (*a.strides, *b.strides, c.strides[0])]
        function(
            a.ctypes.data, *strides[:2], b.ctypes.data, *strides[2:4], c.ctypes.data, strides[4],
            m, n, k, None if before is None else before.ctypes.data, scale, then, None, start + aligned,
        )  # fmt: skip
        assert set(work[aligned + gemm.work_bytes(dtype) :]) == {0x5A}, "wrote beyond the work space"

    run.engine = engine
    return run


class Fenced:
    """Memory between two pages that nobody may touch."""

    BYTES = 16 << 20

    def __init__(self):
        page = mmap.PAGESIZE
        self.pages = mmap.mmap(-1, self.BYTES + 2 * page)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.pages))
        if os.name == "posix":
            protect = ctypes.CDLL(None).mprotect
            for fence in (address, address + page + self.BYTES):
                assert protect(ctypes.c_void_p(fence), ctypes.c_size_t(page), 0) == 0
        self.bytes = np.frombuffer(self.pages, np.uint8, self.BYTES, page)

    def matrix(self, shape, strides, dtype, at_end):
        """A view of exactly the elements in reach, next to a fence; strides of elements."""
        count = 1 + sum((n - 1) * s for n, s in zip(shape, strides)) if 0 not in shape else 0
        size = np.dtype(dtype).itemsize
        flat = self.bytes[self.BYTES - count * size :] if at_end else self.bytes[: count * size]
        return np.lib.stride_tricks.as_strided(flat.view(dtype), shape, [s * size for s in strides])


@pytest.fixture(scope="module")
def fences():
    return Fenced(), Fenced(), Fenced(), Fenced()


def layouts(rows, columns):
    """Strides of a matrix: row by row, column by column, each with gaps, and gaps everywhere."""
    return [(columns, 1), (1, rows), (columns + 5, 1), (1, rows + 3), (2 * columns + 1, 2)]


def check(dtype, a, b, got, start=None, factor=1.0):
    """Against NumPy's double precision, as far as rounding k times may go: twice, as NumPy's rounds for doubles too."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    scale, want = np.abs(factor) * (np.abs(a) @ np.abs(b)), factor * (a @ b)
    if start is not None:
        scale, want = scale + np.abs(start), want + start
    rounds = (a.shape[1] + 2) * (2 if dtype == "double" else 1)
    assert (np.abs(got - want) <= rounds * np.finfo(DTYPES[dtype]).eps * scale).all()


SIZES = [
    (1, 1, 1), (1, 48, 7), (2, 10, 3), (3, 17, 40), (4, 1, 100), (5, 33, 1), (7, 64, 16), (8, 48, 64), (9, 49, 65),
    (10, 10, 10), (13, 100, 31), (16, 31, 9), (25, 80, 33), (26, 7, 130), (40, 1, 20), (1, 130, 70), (64, 10, 32),
    (31, 113, 515), (30, 600, 260), (3, 1500, 90), (2, 9, 1030), (260, 50, 9), (16, 48, 5), (24, 64, 805), (8, 79, 401),
]  # fmt: skip


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
def test_a_product_of_any_strides_stays_within_bounds(dtype, vector_bits, fences):
    run = product(dtype, vector_bits)
    for first, (m, n, k) in enumerate(SIZES):
        pairs = list(itertools.product(layouts(m, k), layouts(k, n)))
        for number, (a_strides, b_strides) in enumerate(pairs[first % 2 :: 2], first):
            at_end, how, gap = number % 2, number // 2 % 3, number % 3
            for fence in fences:
                fence.bytes[:64], fence.bytes[-64:] = 0x7F, 0x7F
            a = fences[0].matrix((m, k), a_strides, DTYPES[dtype], at_end)
            b = fences[1].matrix((k, n), b_strides, DTYPES[dtype], at_end)
            c = fences[2].matrix((m, n), (n + gap, 1), DTYPES[dtype], at_end)
            a[...], b[...] = RNG.standard_normal((m, k)), RNG.standard_normal((k, n))
            span = m * (n + gap) * c.itemsize + 64
            around = fences[2].bytes[-span:] if at_end else fences[2].bytes[:span]
            around[:] = 0x7F  # NaN, or nearly, if it were read
            start, scale = None, 1.0
            if how == 0:
                run(a, b, c)
            else:
                start, scale = RNG.standard_normal((m, n)).astype(DTYPES[dtype]), -0.75
                before = c
                if how == 2:  # elsewhere
                    before = fences[3].matrix((m, n), (n + gap, 1), DTYPES[dtype], at_end)
                before[...] = start
                run(a, b, c, before, scale)
                assert how == 1 or (before == start).all()
            check(dtype, a, b, c, start, scale)
            c.view(f"u{c.itemsize}")[...] = 0x7F7F7F7F7F7F7F7F >> (64 - 8 * c.itemsize)
            assert (around == 0x7F).all(), "wrote beyond c"


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
def test_sizes_of_zero(dtype, vector_bits):
    run = product(dtype, vector_bits)
    for m, n, k in itertools.product((0, 1, 9), (0, 1, 60), (0, 3)):
        a, b = np.ones((m, k), DTYPES[dtype]), np.ones((k, n), DTYPES[dtype])
        c = np.full((m, n), 2, DTYPES[dtype])
        run(a, b, c, c, -3)
        np.testing.assert_array_equal(c, np.full((m, n), 2 - 3 * k))
        run(a, b, c)
        np.testing.assert_array_equal(c, np.full((m, n), k))


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
def test_an_even_product_gives_the_same(dtype, vector_bits):
    """For every layout that is said to be even: to the bit, and by the same ways."""
    whole, even = product(dtype, vector_bits), product(dtype, vector_bits, True)
    seen = set()
    for m, n, k in [(8, 10, 40), (16, 17, 70), (40, 2, 33), (64, 130, 31), (264, 100, 300), (20, 30, 40), (24, 1, 9)]:
        for a_strides, b_strides in itertools.product(layouts(m, k), layouts(k, n)):
            takes = gemm.is_even(vector_bits, [m], [n], a_strides, b_strides)
            seen.add(takes)
            if not takes:
                continue
            a, b = [
                np.lib.stride_tricks.as_strided(
                    RNG.standard_normal(1 + sum((n - 1) * s for n, s in zip(shape, strides))).astype(DTYPES[dtype]),
                    shape, [s * np.dtype(DTYPES[dtype]).itemsize for s in strides],
                )
                for shape, strides in [((m, k), a_strides), ((k, n), b_strides)]
            ]  # fmt: skip
            want, got = np.empty((m, n), DTYPES[dtype]), np.full((m, n), np.nan, DTYPES[dtype])
            whole(a, b, want)
            even(a, b, got)
            np.testing.assert_array_equal(got, want)
    assert seen == {True, False}


def test_what_is_even():
    rows, columns = (10, 1), (1, 10)
    assert gemm.is_even(512, [64, 128], [10], columns, rows) and gemm.is_even(256, [4], [10], columns, rows)
    assert not gemm.is_even(512, [64, 60], [10], columns, rows)  # the last part of the rows
    assert not gemm.is_even(512, [64], [1], columns, rows)
    assert not gemm.is_even(512, [64], [10], rows, columns)  # dot products
    assert gemm.is_even(512, [64], [100], rows, columns)


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
@pytest.mark.parametrize("transposed", ["", "a", "b"])
def test_large_products(dtype, vector_bits, transposed):
    assert 267 > max(gemm.DIRECT_ROWS.values())
    run = product(dtype, vector_bits)
    m, n, k = 267, 403, 600  # rows enough that b is packed, and more than one block of everything
    a = np.array(RNG.standard_normal((m, k)), DTYPES[dtype], order="F" if transposed == "a" else "C")
    b = np.array(RNG.standard_normal((k, n)), DTYPES[dtype], order="F" if transposed == "b" else "C")
    c = np.empty((m, n), DTYPES[dtype])
    run(a, b, c)
    check(dtype, a, b, c)
    before = np.array(RNG.standard_normal((m, n)), DTYPES[dtype])
    run(a, b, c, before, 0.75)
    check(dtype, a, b, c, before, 0.75)


@pytest.mark.parametrize(
    "shape", [(64, 64, 64), (128, 256, 784), (1, 4000, 512), (4000, 1, 512), (100, 100, 2000)]
)
def test_as_accurate_as_numpy(shape):
    m, n, k = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(np.float32), rng.standard_normal((k, n)).astype(np.float32)
    want = a.astype(np.float64) @ b.astype(np.float64)
    error = lambda got: np.sqrt(np.mean((got - want) ** 2))
    c = np.empty((m, n), np.float32)
    product("float", 512)(a, b, c)
    assert error(c) <= 1.05 * error(a @ b)  # equal, but for chance


PANELS = [(1, 1, 5), (1, 300, 40), (300, 1, 40), (1, 1500, 9), (40, 9, 100), (77, 130, 600), (300, 1400, 300)]


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
@pytest.mark.parametrize("order", "CF")
def test_each_panel_is_told_of_when_it_is_there(dtype, vector_bits, order):
    for m, n, k in PANELS:
        a = np.array(RNG.integers(-4, 5, (m, k)), DTYPES[dtype])
        b = np.array(RNG.integers(-4, 5, (k, n)), DTYPES[dtype], order=order)
        c, want = np.empty((m, n), DTYPES[dtype]), a @ b
        told = np.zeros((m, n), int)

        @ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 4)
        def then(table, *ends, c=c, want=want, told=told):
            rows, columns = slice(*ends[:2]), slice(*ends[2:])
            told[rows, columns] += 1
            c[rows, columns] -= want[rows, columns]  # and nothing of it is looked at again

        product(dtype, vector_bits)(a, b, c, then=ctypes.cast(then, ctypes.c_void_p))
        assert (told == 1).all()
        assert (c == 0).all()


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
def test_what_is_not_finite_stays_in_its_row_and_column(dtype, vector_bits):
    for m, n, k in [(9, 50, 20), (40, 100, 70), (1, 20, 5), (20, 1, 5)]:
        a, b = np.ones((m, k), DTYPES[dtype]), np.ones((k, n), DTYPES[dtype])
        a[m // 2, k - 1], b[0, n - 1] = np.nan, np.inf
        c = np.empty((m, n), DTYPES[dtype])
        product(dtype, vector_bits)(a, b, c)
        want = np.full((m, n), k, DTYPES[dtype])
        want[:, n - 1] = np.inf
        want[m // 2] = np.nan
        np.testing.assert_array_equal(c, want)


@pytest.mark.parametrize("axis", [0, 1])
def test_threads_share_a_product(axis):
    run = product("float", 512)
    m, n, k = 160, 200, 300
    a, b = (RNG.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n)))
    whole, c = np.empty((m, n), np.float32), np.empty((m, n), np.float32)
    run(a, b, whole)
    cut = gemm.grain("float", 512)[axis] * 9

    def part(piece):
        for _ in range(20):
            if axis == 0:
                run(a[piece], b, c[piece])
            else:
                run(a, b[:, piece], c[:, piece])

    threads = [threading.Thread(target=part, args=(piece,)) for piece in (slice(cut), slice(cut, None))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(c, whole)  # whole tiles on both sides: the same sums, bit by bit


SMALL = [
    (1, 1, 1), (1, 5, 10), (1, 10, 5), (4, 4, 4), (10, 10, 10), (1, 40, 33), (2, 3, 70), (3, 19, 8), (9, 1, 50),
    (1, 1, 50), (5, 3, 0), (0, 3, 2), (2, 0, 3), (17, 33, 20), (1, 300, 9), (3, 17, 2), (30, 9, 7), (6, 31, 12),
]  # fmt: skip


@pytest.mark.parametrize("dtype,vector_bits", KINDS)
def test_small_products(dtype, vector_bits, fences):
    cases = []
    for number, (m, n, k) in enumerate(SMALL):
        pairs = list(itertools.product(layouts(m, k), layouts(k, n)))
        # Row by row and transposed, and one of the others in turn.
        for a_strides, b_strides in [pairs[0], pairs[1], pairs[5], pairs[number % 25]]:
            cases.append((m, n, k, a_strides, b_strides))
    texts = [
        gemm_small.small(f"small.{i}", dtype, m, n, k, a_strides, b_strides, vector_bits)
        for i, (m, n, k, a_strides, b_strides) in enumerate(cases)
    ]
    names = ", ".join(f"ptr @small.{i}" for i in range(len(cases)))
    engine = compiled("\n".join(texts) + f"\n@all = constant [{len(cases)} x ptr] [{names}]\n")
    table = (ctypes.c_void_p * len(cases)).from_address(engine.get_global_value_address("all"))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    for address, (m, n, k, a_strides, b_strides) in zip(table, cases):
        assert gemm_small.is_small(m, n, k)
        for at_end in (False, True):
            a = fences[0].matrix((m, k), a_strides, DTYPES[dtype], at_end)
            b = fences[1].matrix((k, n), b_strides, DTYPES[dtype], at_end)
            c = fences[2].matrix((m, n), (n, 1), DTYPES[dtype], at_end)
            a[...], b[...] = RNG.standard_normal((m, k)), RNG.standard_normal((k, n))
            span = m * n * c.itemsize + 64
            around = fences[2].bytes[-span:] if at_end else fences[2].bytes[:span]
            around[:] = 0x7F
            kind(address)(a.ctypes.data, b.ctypes.data, c.ctypes.data)
            check(dtype, a, b, c)
            c.view(f"u{c.itemsize}")[...] = 0x7F7F7F7F7F7F7F7F >> (64 - 8 * c.itemsize)
            assert (around == 0x7F).all(), "wrote beyond c"


def test_what_is_small():
    assert gemm_small.is_small(1, 5, 10) and gemm_small.is_small(32, 32, 32)
    assert not gemm_small.is_small(64, 64, 64) and not gemm_small.is_small(1, 200, 100)
