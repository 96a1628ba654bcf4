"""Machine code in memory without LLVM: what is linked, and what is left to it."""

import ctypes
import gc

import pytest

from tapeflow.compiler import jit, loader

pytestmark = pytest.mark.skipif(not loader.KNOWN, reason="this is for x86-64 on Linux")
I64 = ctypes.c_int64
NUMBERS = """
@pool = global [4 x i64] zeroinitializer, align 64
@table = internal constant [2 x ptr] [ptr @f, ptr @g], align 16
declare i64 @given(i64)
declare double @sin(double)
declare i64 @of_the_other(i64)
define i64 @f(i64 %x) { %y = call i64 @given(i64 %x)
  store i64 %y, ptr @pool
  ret i64 %y }
define i64 @g(i64 %x) { %y = mul i64 %x, 3
  ret i64 %y }
define double @h(double %x) { %y = call double @sin(double %x)
  %z = fadd double %y, 0.1
  ret double %z }
define i64 @chosen(i64 %i, i64 %x) { %p = getelementptr ptr, ptr @table, i64 %i
  %fn = load ptr, ptr %p
  %r = call i64 %fn(i64 %x)
  ret i64 %r }
define i64 @both(i64 %x) { %y = call i64 @of_the_other(i64 %x)
  ret i64 %y }
"""
OTHER = """
@pool = external global [4 x i64]
define hidden i64 @of_the_other(i64 %x) { %y = load i64, ptr @pool
  %z = add i64 %x, %y
  ret i64 %z }
"""


def function(linked, name, result=I64, *types):
    return ctypes.CFUNCTYPE(result, *(types or (I64,)))(linked.address[name])


@pytest.fixture(scope="module")
def codes():
    return [jit.llvm.compiled(text, 2) for text in (NUMBERS, OTHER)]


def test_all_that_llvm_makes_of_our_modules(codes):
    ten = ctypes.CFUNCTYPE(I64, I64)(lambda x: 10 * x)
    given = [("given", ctypes.cast(ten, ctypes.c_void_p).value)]
    linked = loader.Linked(codes, given, ["f", "h", "chosen", "both", "pool"])
    assert linked.address["pool"] % 64 == 0
    assert function(linked, "f")(5) == 50 == I64.from_address(linked.address["pool"]).value
    assert function(linked, "both")(2) == 52
    chosen = function(linked, "chosen", I64, I64, I64)
    assert chosen(0, 7) == 70 and chosen(1, 7) == 21
    assert function(linked, "h", ctypes.c_double, ctypes.c_double)(1.0) == pytest.approx(0.9414709848078965, rel=1e-15)


def protections(address):
    with open("/proc/self/maps") as file:
        for line in file:
            place, allowed = line.split()[:2]
            low, high = [int(x, 16) for x in place.split("-")]
            if low <= address < high:
                return allowed[:3]
    return None


def test_memory_is_protected_and_given_back(codes):
    linked = loader.Linked(codes, [("given", 1)], ["f", "pool"])
    f, pool = linked.address["f"], linked.address["pool"]
    assert protections(f) == "r-x" and protections(pool) == "rw-"
    del linked
    gc.collect()
    assert protections(f) != "r-x"


def test_what_is_not_known_is_refused(codes):
    for wrong in (b"", b"no machine code at all, but long enough to be some", codes[0][:16] + b"\3" + codes[0][17:]):
        with pytest.raises(loader.Unknown):
            loader.Linked([wrong], [], [])
    with pytest.raises(loader.Unknown, match="given"):  # a symbol that is nowhere
        loader.Linked(codes, [], ["f"])
    thread = "@own = thread_local global i64 0\ndefine ptr @f() { ret ptr @own }"
    with pytest.raises(loader.Unknown):
        loader.Linked([jit.llvm.compiled(thread, 0)], [], ["f"])


def test_llvm_links_what_is_not_known(monkeypatch):
    def unknown(*args):
        raise loader.Unknown("all of it")

    monkeypatch.setattr(loader, "Linked", unknown)
    linked = jit.link([jit.llvm.compiled("define i64 @f(i64 %x) { ret i64 7 }", 0)], [], ["f"])
    assert function(linked, "f")(5) == 7
