"""Softmax and the losses of classes in simpler terms, and what is wrong with labels."""

from tapeflow.compiler.moves import chosen
from tapeflow.compiler.program import IOTA, Term, broadcast, mapped, number, reduced, reshaped
from tapeflow.compiler.types import BOOL, I64, REGISTER


def _one_hot_of(node, indices, on, off, depth, axis):
    axis %= len(indices.shape) + 1
    shape = (*indices.shape[:axis], depth, *indices.shape[axis:])
    wide = reshaped(mapped("Cast", I64, indices), (*indices.shape[:axis], 1, *indices.shape[axis:]))
    return chosen(mapped("Equal", BOOL, Term(IOTA, shape, I64, attrs=axis), wide), on, off)


def _softmax(logits, axis):
    """(exp(x - max), their sum, x - max) over an axis."""
    shifted = mapped("Sub", logits.dtype, logits, reduced("max", logits, (axis,), True))
    powers = mapped("Exp", logits.dtype, shifted)
    return powers, reduced("sum", powers, (axis,), True), shifted


def _of_logits(translate):
    """A translation for floats with at least one class."""

    def checked(node, logits, *rest):
        if logits.dtype not in REGISTER or not logits.shape or 0 in logits.shape:
            return None
        return translate(node, logits, *rest)

    return checked


def _share(node, logits, axis):
    powers, total, _ = _softmax(logits, axis)
    return mapped("RealDiv", logits.dtype, powers, total)


def _log_share(node, logits, axis):
    _, total, shifted = _softmax(logits, axis)
    return mapped("Sub", logits.dtype, shifted, mapped("Log", logits.dtype, total))


def _cross_entropy(node, logits, labels):
    products = mapped("Mul", logits.dtype, _log_share(node, logits, -1), labels)
    return mapped("Sub", logits.dtype, number(0, logits.dtype), reduced("sum", products, (-1,), False))


def _one_hot(labels, like):
    """Whether an element's place along the last axis is its label."""
    wide = broadcast(reshaped(labels, (*labels.shape, 1)), like.shape)
    place = Term(IOTA, like.shape, I64, attrs=len(like.shape) - 1)
    return mapped("Equal", BOOL, wide, mapped("Cast", labels.dtype, place))


def _sparse_cross_entropy(node, logits, labels):
    own = chosen(_one_hot(labels, logits), logits, number(0, logits.dtype))  # the label's, and zeros
    highest = reduced("max", logits, (-1,), False)
    total = reshaped(_softmax(logits, -1)[1], labels.shape)
    found = mapped("Sub", logits.dtype, highest, reduced("sum", own, (-1,), False))
    return mapped("AddV2", logits.dtype, mapped("Log", logits.dtype, total), found)


def _excess(node, logits, labels):
    hot = mapped("Cast", logits.dtype, _one_hot(labels, logits))
    return mapped("Sub", logits.dtype, _share(node, logits, -1), hot)


def _labels_outside(node, logits, labels):
    """Whether a label is no class: the condition under which the NumPy kernel raises."""
    low = mapped("Less", BOOL, labels, number(0, labels.dtype))
    high = mapped("GreaterEqual", BOOL, labels, number(logits.shape[-1], labels.dtype))
    return reduced("any", mapped("LogicalOr", BOOL, low, high), range(len(labels.shape)), False)


def _checked_labels(translate):
    """The labels may be found to be of another size only when the function runs: then the NumPy kernel says so."""
    return lambda node, x, labels: translate(node, x, labels) if labels.shape == x.shape[:-1] else None


TRANSLATIONS = {
    "OneHot": _one_hot_of,
    "Softmax": _of_logits(_share), "LogSoftmax": _of_logits(_log_share),
    "SoftmaxCrossEntropyWithLogits": _of_logits(_cross_entropy),
    "SparseSoftmaxCrossEntropyWithLogits": _of_logits(_checked_labels(_sparse_cross_entropy)),
    "SparseSoftmaxCrossEntropyWithLogitsGrad": _of_logits(_checked_labels(_excess)),
}  # fmt: skip
CHECKS = {"SparseSoftmaxCrossEntropyWithLogits": _labels_outside}
