"""Which loops compute which terms: terms over one domain share loops, and only what others need is stored.

Groups run in order. A term joins the first group of its domain that comes after all it needs; an elementwise term that
reads another at its own index joins the other's loops, and nothing is stored in between.
"""

from tapeflow.compiler.affine import ZERO, counter, flat, unflattened
from tapeflow.compiler.program import GUARD, HOST, IOTA, LEAF, MAP, MATMUL, NUMBER, REDUCE, RESHAPE, VIEW

INLINE = -2  # the group of a term that is computed where it is used


class Group:
    """Loops over one domain, a shape without ones; before them a matrix product, or instead of them a host node."""

    def __init__(self, number, domain, matmul=None, host=None):
        self.number = number
        self.domain = domain
        self.matmul = matmul
        self.host = host
        self.terms = []  # what is computed here


class Schedule:
    """The groups for a program's roots; `last[term]` is the number of the last group that reads a stored term."""

    def __init__(self):
        self.groups = []
        self.last = {}
        self.readers = {}  # a leaf: [(group's number, whether each element is read at its own place only)]

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
            term.group, term.stored = -1, True
        elif term.kind in (NUMBER, IOTA, VIEW, RESHAPE) and not alone:
            term.group = INLINE
        elif term.kind == MAP and term.cheap is not None and not term.stored and not alone:
            term.group = INLINE
        elif term.kind == HOST:
            self._assign_host(term)
        elif term.kind == MATMUL:
            self._assign_matmul(term)
        else:
            self._assign_loops(term)

    def _assign_host(self, term):
        for x in term.args:
            self.store(x)
        node = term.attrs[0]
        group = next((g for g in self.groups if g.host is node), None)
        if group is None:
            group = self._new((), host=node)
        self._finish(term, group)
        for x in term.args:
            self._read(x, group, False)

    def _assign_matmul(self, term):
        bases = [self.operand(x)[0] for x in term.args]
        group = self._new(without_ones(term.shape), matmul=term)
        self._finish(term, group)
        for base in bases:
            self._read(base, group, False)

    def operand(self, x):
        """A matrix operand in memory: (the stored base, the place of an element by the axes of `x`)."""
        found = []
        extents = x.shape
        visit(x, tuple(map(counter, range(len(x.shape)))), extents, lambda base, index, place: found.append((base, place)),
              self.keep, False)  # fmt: skip
        if len(found) != 1 or found[0][1] is None or found[0][0].kind in (NUMBER, IOTA):
            self.keep(x)
            return x, flat(tuple(map(counter, range(len(x.shape)))), x.shape)
        base, place = found[0]
        self.keep(base)
        return base, place

    def _assign_loops(self, term):
        whole = term.args[0].shape if term.kind == REDUCE else term.shape
        domain = without_ones(whole)
        own = canonical(whole)
        reads = []
        start = term.args if term.kind == REDUCE else (term,)
        for x in start:
            visit(x, own, domain, lambda base, index, place: reads.append((base, index, place)), self.keep,
                  term.kind != REDUCE)  # fmt: skip
        ready, joined = 0, []
        for base, index, _ in reads:
            same = index is not None and base.kind in (MAP, GUARD, MATMUL) and index == canonical(base.shape)
            same = same and without_ones(base.shape) == domain
            joined.append(same)
            ready = max(ready, base.group if same else base.group + 1)
        group = next((g for g in self.groups[ready:] if g.domain == domain and g.host is None and g.loops), None)
        if group is None:
            group = self._new(domain)
        self._finish(term, group)
        for (base, index, place), same in zip(reads, joined):
            if not same or base.group != group.number:
                self.keep(base)
            own_place = place is not None and place == flat(own, whole) or index is not None and index == own
            self._read(base, group, own_place)

    def _finish(self, term, group):
        term.group = group.number
        group.terms.append(term)
        if term.kind in (REDUCE, MATMUL, HOST):
            term.stored = True

    def _new(self, domain, **what):
        group = Group(len(self.groups), domain, **what)
        group.loops = group.host is None
        self.groups.append(group)
        return group

    def _read(self, base, group, own_place):
        self.last[base] = max(self.last.get(base, -1), group.number)
        if base.kind == LEAF:
            self.readers.setdefault(base, []).append((group.number, own_place))


def without_ones(shape):
    return tuple([n for n in shape if n != 1])


def canonical(shape):
    """The index of a shape's own element: a counter for each axis that is wider than 1."""
    out, own = [], 0
    for n in shape:
        out.append(ZERO if n == 1 else counter(own))
        own += n != 1
    return tuple(out)


def visit(term, index, extents, found, keep, top):
    """Walk from a term at an affine index to what it reads: `found(base, index, place)` for each.

    `index` or `place` (in the base's memory) may be None. What cannot be addressed is stored first, by `keep`. `top`:
    the term itself is to be opened, whatever it is.
    """
    kind = term.kind
    if kind in (NUMBER, IOTA) and not term.stored:
        return
    if kind == LEAF or term.stored and not top:
        found(term, index, flat(index, term.shape))
    elif kind == VIEW:
        visit(term.args[0], tuple([a.at(index) for a in term.attrs]), extents, found, keep, False)
    elif kind == RESHAPE:
        _visit_flat(term.args[0], flat(index, term.shape), extents, found, keep)
    elif kind == GUARD and top:
        inside, outside = term.args
        conditions, back = term.attrs
        visit(inside, tuple([a.at(index) for a in back]), extents, found, keep, False)
        visit(outside, index, extents, found, keep, False)
    elif kind == MAP and (top or term.group == INLINE):
        for x in term.args:
            visit(x, index, extents, found, keep, False)
    else:
        found(term, index, flat(index, term.shape))


def _visit_flat(base, place, extents, found, keep):
    if base.kind == LEAF or base.stored:
        found(base, None, place)
        return
    if base.kind == RESHAPE:
        _visit_flat(base.args[0], place, extents, found, keep)
        return
    index = unflattened(place, base.shape, extents)
    if index is None:
        keep(base)
        found(base, None, place)
    else:
        visit(base, index, extents, found, keep, False)
