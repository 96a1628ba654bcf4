"""Random choices as native code, of the numbers that `philox` makes: shuffles, and classes by their probabilities."""

import numpy as np

from tapeflow.compiler.affine import Affine, counter
from tapeflow.compiler.emit import i64
from tapeflow.compiler.places import taken
from tapeflow.compiler.program import mapped, number, reduced, view
from tapeflow.compiler.routines import Routine, routine
from tapeflow.compiler.types import BOOL, F64, I64

_WORD = np.dtype(np.uint32)


def _permuted(b, term, out, args, low, high):
    """The places of a shuffle: each in turn changes with one from there on, that a random word says."""
    size = term.shape[0]

    def begin(i, state):
        b.store(i, b.address(out, i, "i64"))
        return ()

    def swap(i, state):
        word = b.load(b.address(args[0], i, "i32"), "i32")
        ahead = b.urem(word, b.cast("trunc", b.sub(i64(size), i), "i32"))
        other = b.add(i, b.cast("zext", ahead, "i64"))
        mine, theirs = b.address(out, i, "i64"), b.address(out, other, "i64")
        x, y = b.load(mine, "i64"), b.load(theirs, "i64")
        b.store(y, mine)
        b.store(x, theirs)
        return ()

    def all_of_it(_, state):
        b.loop(i64(0), i64(size), i64(1), begin)
        b.loop(i64(0), i64(size - 1), i64(1), swap, (), b.plain())
        return ()

    b.loop(low, high, i64(1), all_of_it)


ROUTINES = {"permute": Routine(_permuted, lambda term: 1, lambda term: 12 * term.shape[0])}


# Translations.


def _shuffle(node, state, value):
    if not value.shape or value.shape[0] <= 1:
        return value
    size = value.shape[0]
    if state.shape != (3,) or size >= 1 << 32:
        return None
    words = routine("random", (size - 1,), _WORD, state, attrs=("bits",), where=node.where)
    return taken(value, routine("permute", (size,), I64, words, where=node.where), 0, 0, node.where)


def _categorical(node, state, logits, samples, dtype):
    """Where uniform numbers are among the running sums of the probabilities; what is not finite has none."""
    if logits.dtype.kind != "f" or state.shape != (3,) or not samples:
        return None
    rows, classes = logits.shape
    finite, wide = mapped("IsFinite", BOOL, logits), mapped("Cast", F64, logits)
    top = reduced("max", mapped("SelectV2", F64, finite, wide, number(-np.inf, F64)), (1,), True)
    powers = mapped("Exp", F64, mapped("Sub", F64, wide, top))
    shares = mapped("SelectV2", F64, finite, powers, number(0, F64))
    sums = routine("scan", shares.shape, F64, shares, attrs=("sum", classes, 1, False, False), where=node.where)
    total = view(sums, (rows, samples), (counter(0), Affine(classes - 1)))
    uniform = routine("random", (rows, samples), F64, state, attrs=("uniform",), where=node.where)
    target = mapped("Mul", F64, uniform, total)
    attrs = classes, samples, "right"
    return routine("search", (rows, samples), np.dtype(dtype), sums, target, attrs=attrs, where=node.where)


TRANSLATIONS = {"StatelessShuffle": _shuffle, "StatelessMultinomial": _categorical}
