"""A graph of known shapes as terms: what each value is, said of one element of it.

A term is elementwise (`map`), a view of another (an element of it is an element of the other, at an affine index), a
reduction, a matrix product, or a leaf in memory. A node that no translation knows is a `host` term: its NumPy kernel
runs between two pieces of native code.
"""


import numpy as np

from tapeflow.compiler.affine import Affine, counter, flat
from tapeflow.compiler.lowerings import COSTS

LEAF, NUMBER, VIEW, RESHAPE, MAP, REDUCE, MATMUL, IOTA, GUARD, TAKE, ROUTINE, LOOP, HOST = (
    "leaf", "number", "view", "reshape", "map", "reduce", "matmul", "iota", "guard", "take", "routine", "loop", "host",
)  # fmt: skip


class Term:
    """One value. What `args` and `attrs` hold depends on the kind:

    ========  ==================================  =====================================================================
    kind      args                                attrs
    ========  ==================================  =====================================================================
    leaf      the host term after which it is     ("input", number), ("constant", array) or ("variable", variable)
              read, if any
    number                                        the number, of shape ()
    view      the base                            for each axis of the base an Affine of the own index
    reshape   the base
    map       operands, of the own shape          the primitive's name, then its attributes
    reduce    the operand                         "sum", "max", "min", "prod", "all" or "any"; the axes, in order
    matmul    a [..., m, k], b [..., k, n]
    iota                                          the axis along which it counts
    guard     inside, outside                     conditions (Affine, low, high), and an Affine for each axis of inside
    take      base, places                        an Affine for each axis of the base, None for the one along which an
                                                  element's place says where it is; an Affine for each axis of places
    routine   operands                            its name in `routines`, then its attributes
    loop      operands                            the `loop.Loop`, and which of its outputs
    host      operands                            the node, and which of its outputs
    ========  ==================================  =====================================================================
    """

    __slots__ = ("kind", "shape", "dtype", "args", "attrs", "group", "stored", "uses", "cheap", "where")

    def __init__(self, kind, shape, dtype, args=(), attrs=None, where=None):
        self.kind = kind
        self.shape = shape
        self.dtype = dtype
        self.args = args
        self.attrs = attrs
        self.group = None  # the number of the group of loops that computes it
        self.stored = False  # whether it is kept in memory
        self.uses = 0
        self.cheap = None  # the cost of computing it again rather than storing it, where that is wise
        self.where = where  # the user's line

    def __repr__(self):
        return f"<{self.kind} {self.attrs if self.kind == MAP else ''} {self.dtype}{list(self.shape)}>"


# How terms are made.


def number(value, dtype):
    return Term(NUMBER, (), dtype, attrs=value)


def view(base, shape, index):
    """A view of a base; views of views are one."""
    if base.kind == NUMBER:
        return number(base.attrs, base.dtype) if not shape else Term(VIEW, shape, base.dtype, (base,), ())
    if base.kind == VIEW:
        index = tuple([expression.at(index) for expression in base.attrs])
        base = base.args[0]
    if base.shape == shape and index == tuple(map(counter, range(len(shape)))):
        return base
    return Term(VIEW, shape, base.dtype, (base,), index)


def copied(x):
    """A term of its own with the elements of `x`."""
    return Term(VIEW, x.shape, x.dtype, (x,), tuple(map(counter, range(len(x.shape)))))


def broadcast(x, shape):
    """`x` over a shape that it broadcasts to."""
    if x.shape == shape:
        return x
    lead = len(shape) - len(x.shape)
    return view(x, shape, tuple([Affine(0) if n == 1 else counter(lead + i) for i, n in enumerate(x.shape)]))


def transposed(x, perm):
    shape = tuple([x.shape[axis] for axis in perm])
    places = {axis: i for i, axis in enumerate(perm)}
    return view(x, shape, tuple([counter(places[axis]) for axis in range(len(perm))]))


def reshaped(x, shape):
    """`x` in another shape: a view if only sizes of 1 come or go."""
    if x.shape == shape:
        return x
    if [n for n in x.shape if n != 1] == [n for n in shape if n != 1]:
        own = iter([i for i, n in enumerate(shape) if n != 1])
        return view(x, shape, tuple([Affine(0) if n == 1 else counter(next(own)) for n in x.shape]))
    if x.kind == RESHAPE:
        return reshaped(x.args[0], shape)
    if x.kind == VIEW and x.args[0].kind == NUMBER:
        return broadcast(x.args[0], shape)
    return Term(RESHAPE, shape, x.dtype, (x,))


def same_memory(x):
    """What has the elements of `x` one after the other, as `x` itself has."""
    while x.kind == RESHAPE or x.kind == VIEW and _is_whole(x):
        x = x.args[0]
    return x


def _is_whole(x):
    own = tuple(map(counter, range(len(x.shape))))
    base = x.args[0].shape
    return np.prod(base) == np.prod(x.shape) and flat(x.attrs, base) == _flat_without_ones(own, x.shape)


def _flat_without_ones(index, shape):
    return flat([Affine(0) if n == 1 else expression for n, expression in zip(shape, index)], shape)


def mapped(name, dtype, *operands, attrs=(), where=None):
    """An elementwise primitive of operands that broadcast."""
    shape = np.broadcast_shapes(*[x.shape for x in operands])
    operands = tuple([broadcast(x, shape) for x in operands])
    term = Term(MAP, shape, dtype, operands, (name, *attrs), where)
    term.cheap = _cost_again(term)
    return term


def _cost_again(term):
    """What it costs to compute a map from memory; None where it is too much."""
    total = COSTS.get(term.attrs[0], 1)
    for operand in term.args:
        while operand.kind in (VIEW, RESHAPE):
            operand = operand.args[0]
        if operand.kind == MAP:
            if operand.cheap is None:
                return None
            total += operand.cheap
        elif operand.kind not in (LEAF, NUMBER, IOTA):
            return None
    return total if total <= 6 else None


def reduced(kind, x, axes, keepdims):
    """A reduction; axes of size 1 are only dropped."""
    axes = tuple(sorted(axis % len(x.shape) for axis in axes))
    wide = tuple([axis for axis in axes if x.shape[axis] != 1])
    out = x
    if wide:
        out = Term(REDUCE, tuple([n for i, n in enumerate(x.shape) if i not in wide]), x.dtype, (x,), (kind, wide))
    if keepdims:
        return reshaped(out, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))
    return reshaped(out, tuple([n for i, n in enumerate(x.shape) if i not in axes]))


def shared(roots):
    """The roots with equal terms made one, in place: translations may have spelled out the same thing twice."""
    known, found = {}, {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        term, ready = stack.pop()
        if id(term) in found:
            continue
        if not ready and term.args:
            stack.append((term, True))
            stack += [(x, False) for x in term.args]
            continue
        term.args = tuple([found[id(x)] for x in term.args])
        if term.kind in (LEAF, HOST, LOOP):
            found[id(term)] = term
            continue
        key = (term.kind, term.shape, term.dtype, repr(term.attrs), *map(id, term.args))  # for 0.0 == -0.0
        found[id(term)] = known.setdefault(key, term)
    return [found[id(root)] for root in roots]
