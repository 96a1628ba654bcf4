"""Which loops compute which terms: terms over one domain share loops, and only what others need is stored.

Groups run in order. A term joins the first group of its domain that comes after all it needs; an elementwise term that
reads another at its own index joins the other's loops, and nothing is stored in between.
"""

from bisect import bisect_left

from tapeflow.compiler.affine import ZERO, counter, flat, unflattened
from tapeflow.compiler.lowerings import COSTS
from tapeflow.compiler.program import (
    GUARD,
    HOST,
    IOTA,
    LEAF,
    LOOP,
    MAP,
    MATMUL,
    NUMBER,
    REDUCE,
    RESHAPE,
    ROUTINE,
    TAKE,
    VIEW,
)  # fmt: skip
from tapeflow.compiler.routines import routine_of

INLINE = -2  # the group of a term that is computed where it is used
FULL = 256  # simple instructions in a group: LLVM's time grows faster than a loop does
EVERY = 1 << 60  # a number beyond that of every group


class Group:
    """Loops over one domain, a shape without ones; before them a matrix product, or instead of them a host node, a
    routine, or a native loop of the graph."""

    def __init__(self, number, domain, matmul=None, routine=None, loop=None, host=None):
        self.number = number
        self.domain = domain
        self.matmul = matmul
        self.update = None  # what of the loops the product does itself: all, see `products`
        self.panels = False  # or whether it calls them for some rows and columns at a time
        self.over = None  # the term that takes the product's place in memory
        self.routine = routine
        self.loop = loop
        self.host = host
        self.terms = []  # what is computed here
        self.length = 0  # about how many simple instructions that is


class Schedule:
    """The groups for a program's roots. When all are placed, `resolve` finds who reads what from memory."""

    def __init__(self):
        self.groups = []
        self.wholes = {}  # the groups of host nodes and of native loops, by their ids
        self.by_domain = {}  # the numbers of the groups of loops over a domain
        self.readers = {}  # a term in memory: [(group's number, whether each element is read at its own place only)]
        self.operands = {}  # a matrix product: for each operand what holds it, and the place of an element

    # Roots.

    def store(self, term):
        """Have a term computed and kept in memory; it may be a view."""
        self.place(term, stored=True)
        return term

    def place(self, root, stored=False):
        """Give a term, and all that it needs, a group."""
        stack = [(root, False)]
        while stack:
            term, ready = stack.pop()
            if term.group is not None:
                continue
            if ready:
                self._assign(term)
            else:
                stack.append((term, True))
                stack += [(x, False) for x in term.args]
        if stored:
            self.keep(root)

    def keep(self, term):
        """Have a term stored; a view, or what is computed where it is used, becomes a term of loops of its own."""
        if term.stored or term.kind == LEAF:
            return
        term.stored = True
        if term.kind in (VIEW, RESHAPE, NUMBER, IOTA) or term.group == INLINE:
            term.group = None
            self._assign(term, alone=True)

    # Where a term goes.

    def _assign(self, term, alone=False):
        if term.kind == LEAF:
            term.group = max([x.group for x in term.args], default=-1)
            term.stored = True
        elif term.kind in (NUMBER, IOTA, VIEW, RESHAPE) and not alone:
            term.group = INLINE
        elif term.kind == MAP and term.cheap is not None and not term.stored and not alone:
            term.group = INLINE
        elif term.kind in (HOST, LOOP):
            self._assign_whole(term)
        elif term.kind == ROUTINE:
            for x in term.args:
                self.store(x)
            self._finish(term, self._new((), routine=term))
        elif term.kind == MATMUL:
            self._assign_matmul(term)
        else:
            self._assign_loops(term)

    def _assign_whole(self, term):
        for x in term.args:
            self.store(x)
        whole = term.attrs[0]
        group = self.wholes.get(id(whole))
        if group is None:
            group = self.wholes[id(whole)] = self._new((), **{"host" if term.kind == HOST else "loop": whole})
        self._finish(term, group)

    def _assign_matmul(self, term):
        self.operands[term] = [self._operand(x) for x in term.args]
        self._finish(term, self._new(without_ones(term.shape), matmul=term))

    def _operand(self, x):
        """A matrix operand in memory: (the stored base, the place of an element by the axes of `x`)."""
        own = tuple(map(counter, range(len(x.shape))))
        found = []
        visit(x, own, x.shape, lambda base, index, place: found.append((base, place)), self.keep)
        if len(found) != 1 or _opened(x) is not found[0][0]:
            self.keep(x)
            return x, flat(own, x.shape)
        self.keep(found[0][0])
        return found[0]

    def _assign_loops(self, term):
        domain = without_ones(_whole(term))
        reads, ready = [], 0
        _visit_own(term, lambda base, index, place: reads.append((base, index)), self.keep)
        for i, (base, index) in enumerate(reads):
            joined = base.kind in (MAP, GUARD, TAKE, MATMUL) and index == canonical(base.shape)
            joined = joined and without_ones(base.shape) == domain
            reads[i] = base, joined
            ready = max(ready, base.group if joined else base.group + 1)
        numbers = self.by_domain.get(domain, ())
        place = bisect_left(numbers, ready)
        while place < len(numbers) and self.groups[numbers[place]].length >= FULL:
            place += 1
        group = self.groups[numbers[place]] if place < len(numbers) else self._new(domain)
        self._finish(term, group)
        for base, joined in reads:
            if not joined or base.group != group.number:
                self.keep(base)

    def _finish(self, term, group):
        term.group = group.number
        group.terms.append(term)
        group.length += COSTS.get(term.attrs[0], 1) if term.kind == MAP else 1
        if term.kind in (REDUCE, MATMUL, ROUTINE, LOOP, HOST):
            term.stored = True

    def _new(self, domain, **what):
        group = Group(len(self.groups), domain, **what)
        self.groups.append(group)
        if group.host is None and group.routine is None and group.loop is None:
            self.by_domain.setdefault(domain, []).append(group.number)
        return group

    # Who reads what.

    def resolve(self):
        """Find the readers of all that is in memory, as the groups' code will have it."""
        for group in self.groups:
            for term in group.terms:
                if term.kind in (HOST, LOOP):
                    for x in term.args:
                        self.read(x, group.number)
                elif term.kind == ROUTINE:
                    over = routine_of(term).over_first
                    for i, x in enumerate(term.args):
                        self.read(x, group.number, over and i == 0)
                elif term.kind == MATMUL:
                    for base, _ in self.operands[term]:
                        self.read(base, group.number)
                else:
                    own = flat(canonical(_whole(term)), _whole(term))
                    _visit_own(
                        term, lambda base, index, place, g=group, own=own: self.read(base, g.number, place == own),
                        None, group.number,
                    )  # fmt: skip

    def read(self, base, number, own_place=False):
        """Note that the group of a number reads a term from memory."""
        self.readers.setdefault(base, []).append((number, own_place))

    def last(self, term):
        """The number of the last group that needs a term's memory."""
        return max([number for number, _ in self.readers.get(term, ())], default=term.group)


def _whole(term):
    """The shape of a term's domain."""
    return term.args[0].shape if term.kind == REDUCE else term.shape


def _opened(term):
    while term.kind in (VIEW, RESHAPE) and not term.stored:
        term = term.args[0]
    return term


def without_ones(shape):
    return tuple([n for n in shape if n != 1])


def canonical(shape):
    """The index of a shape's own element: a counter for each axis that is wider than 1."""
    out, own = [], 0
    for n in shape:
        out.append(ZERO if n == 1 else counter(own))
        own += n != 1
    return tuple(out)


def in_memory(term, number):
    """Whether a group reads a term from memory."""
    return term.kind == LEAF or term.stored and (term.group < number or term.kind == MATMUL)


def _visit_own(term, found, keep, number=EVERY):
    """`visit` all that a term of loops reads, over its own domain."""
    whole = _whole(term)
    own, domain = canonical(whole), without_ones(whole)
    if term.kind == REDUCE:
        visit(term.args[0], own, domain, found, keep, number)
    else:
        visit(term, own, domain, found, keep, number, True)


def visit(term, index, extents, found, keep, number=EVERY, top=False):
    """Walk from a term at an affine index to what the group of a number reads: `found(base, index, place)` for each.

    `index` may be None where a reshaped term is read at a `place` of its memory, `place` too where it is not affine.
    What cannot be addressed is stored first, by `keep`. `top`: the term itself is to be computed, whatever it is.
    """
    kind = term.kind
    if kind in (NUMBER, IOTA) and (top or not term.stored):
        return
    if not top and in_memory(term, number):
        found(term, index, flat(index, term.shape))
    elif kind == VIEW:
        visit(term.args[0], tuple([a.at(index) for a in term.attrs]), extents, found, keep, number)
    elif kind == RESHAPE:
        _visit_flat(term.args[0], flat(index, term.shape), extents, found, keep, number)
    elif kind == GUARD and top:
        inside, outside = term.args
        visit(inside, tuple([a.at(index) for a in term.attrs[1]]), extents, found, keep, number)
        visit(outside, index, extents, found, keep, number)
    elif kind == TAKE and top:
        base, places = term.args
        if not in_memory(base, number):
            keep(base)
        found(base, None, None)
        visit(places, tuple([a.at(index) for a in term.attrs[1]]), extents, found, keep, number)
    elif kind == MAP and (top or term.group == INLINE or _is_again(term, index, number)):
        for x in term.args:
            visit(x, index, extents, found, keep, number)
    elif number == EVERY:
        found(term, index, flat(index, term.shape))


def _is_again(term, index, number):
    """Whether a group that stores a term also computes it at another place: what was inline when that was planned."""
    return term.group == number and index != canonical(term.shape)


def _visit_flat(base, place, extents, found, keep, number):
    if in_memory(base, number):
        found(base, None, place)
        return
    if base.kind == RESHAPE:
        _visit_flat(base.args[0], place, extents, found, keep, number)
        return
    index = unflattened(place, base.shape, extents)
    if index is None:
        keep(base)
        found(base, None, place)
    else:
        visit(base, index, extents, found, keep, number)
