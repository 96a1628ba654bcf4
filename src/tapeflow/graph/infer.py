"""The shape and dtype of a primitive's result, found by running its kernel on stand-ins of the operands' types.

Sizes that are not known are tried with several sets of numbers: what comes out the same is known, what equals a known
expression under all is that expression, and anything else is read from the result when the graph runs. Where operands
are large, their sizes are found in the same way from small ones (`small.py`).
"""

import math
from collections import Counter
from itertools import combinations, islice, permutations, product

import numpy as np

from tapeflow.core.dims import Dim, UnknownRank, UnknownSize, broadcast, dims_in, holds_dim, joined, substitute
from tapeflow.core.errors import InvalidArgumentError, invalid_argument
from tapeflow.engine.dispatch import bracketed, check_broadcast, not_allowed
from tapeflow.engine.primitive import ELEMENTWISE
from tapeflow.graph.small import meant, smaller


class ResultsDiffer(UnknownSize):
    """Some sizes give more results than others: sliced rows for a dense gradient."""


MOST = 1 << 23  # elements of all stand-ins, where one size after another is tried
_found: dict = {}


def result_types(prim, types, attrs):
    """A list of (shape, dtype) of the outputs; an unknown size is a Dim, or None where only the result can tell."""
    if any([shape.__class__ is UnknownRank for shape, _ in types]):
        return _infer(prim, types, attrs)
    key = (prim, tuple(types), attrs)
    try:
        found = _found.get(key)
    except TypeError:  # an attribute that is not hashable
        return _infer(prim, types, attrs)
    if found is None:
        found = _infer(prim, types, attrs)
        if len(_found) > 20_000:
            _found.clear()
        _found[key] = found
    return found


def _infer(prim, types, attrs):
    if prim.batch == ELEMENTWISE and not holds_dim(attrs):
        shape = broadcast(*[shape for shape, _ in types])
        if shape is None:
            check_broadcast(prim, types[-2][0], types[-1][0])
            shown = ", ".join(bracketed(shape) for shape, _ in types)
            raise invalid_argument(f"shapes {shown} must be broadcastable [Op:{prim.name}] name: ")
        small = [((1,), dtype) for _, dtype in types]
        return [(shape, _run(prim, small, attrs, np.ones)[0].dtype)]
    if prim.shape is not None:
        if prim.kernels is not None and types[0][1] not in prim.kernels:
            raise not_allowed(prim, types[0][1])
        shape = prim.shape(*[shape for shape, _ in types], *attrs)
        if shape is not None:
            return [(each, prim.dtype or types[0][1]) for each in (shape if prim.many else (shape,))]
    if any([shape.__class__ is UnknownRank for shape, _ in types]):
        return _whatever_the_rank(prim, types, attrs)
    if prim.sized_by_values == "perhaps" and _by_numbers(types, attrs):
        return [
            (shape if shape.__class__ is UnknownRank else (None,) * len(shape), dtype)
            for shape, dtype in _tried(prim, types, attrs)
        ]
    small = smaller(types, attrs)
    if small is not None:
        *small, meaning = small
        try:
            return meant(_tried(prim, *small), meaning)
        except Exception:  # noqa: BLE001 (the sizes themselves may do, or say what is wrong, or what comes out)
            pass
    return _tried(prim, types, attrs)


def _by_numbers(types, attrs):
    """Whether numbers that are not known may decide the sizes of a result: those that are tried are a few of them.

    So it is where a call waits for nothing else, and where there is a short vector, as a permutation is.
    """
    if not holds_dim([shape for shape, _ in types]) and not holds_dim(attrs):
        return True
    return any([
        dtype.kind in "iu" and len(shape) == 1 and shape[0].__class__ is int and 1 < shape[0] < 9
        for shape, dtype in types
    ])  # fmt: skip


def _tried(prim, types, attrs, sets=({},)):
    """The types of the results by what the kernel makes of stand-ins; `sets`: numbers for the names of large ones."""
    if prim.sized_by_values == "perhaps":
        return _whatever_the_values(prim, types, attrs, sets)
    if prim.sized_by_values:
        return _by_values(prim, types, attrs, sets)
    if not sets[0] and not holds_dim([shape for shape, _ in types]) and not holds_dim(attrs):
        return [(array.shape, array.dtype) for array in _run(prim, types, attrs)]
    return _with_unknown(prim, types, attrs, sets)


def _whatever_the_rank(prim, types, attrs):
    """What comes out the same for several ranks of the operands of which it is not known."""
    unknown = [i for i, (shape, _) in enumerate(types) if shape.__class__ is UnknownRank]
    trials, problem = [], None
    ranks = [(rank,) * len(unknown) for rank in range(5)]
    if len(unknown) < 3:
        ranks += [other for other in product(range(4), repeat=len(unknown)) if other not in ranks]
    for number, chosen in enumerate(ranks):
        if number == 5 and trials:
            break
        known = list(types)
        for i, rank in zip(unknown, chosen):
            known[i] = tuple([Dim("size", -1 - i, axis) for axis in range(rank)]), types[i][1]
        try:
            found = _infer(prim, known, attrs)
        except ResultsDiffer:
            raise
        except Exception as error:  # noqa: BLE001 (another rank may do; if none does, this is raised)
            problem = problem or error
            continue
        trials.append([(_without_guesses(shape), dtype) for shape, dtype in found])
    if not trials:
        raise problem
    return _agreed_types(trials)


def _agreed_types(trials):
    if len({len(trial) for trial in trials}) > 1:
        raise InvalidArgumentError(None, None, "the number of results depends on a rank or number that is not known")
    return [(_agreed([trial[i][0] for trial in trials]), dtype) for i, (_, dtype) in enumerate(trials[0])]


def _without_guesses(shape):
    """A shape with None for sizes of operands that there are only in a trial."""
    if shape.__class__ is UnknownRank:
        return shape
    return tuple([None if any(leaf[1].__class__ is int and leaf[1] < 0 for leaf in dims_in(n)) else n for n in shape])


def _by_values(prim, types, attrs, sets):
    """What does not depend on the values."""
    leaves = [leaf for leaf in dims_in([shape for shape, _ in types]) | dims_in(attrs) if leaf not in sets[0]]
    results = []
    for numbers in sets:
        sizes = numbers | dict.fromkeys(leaves, 2)
        known = [(substitute(shape, sizes.__getitem__), dtype) for shape, dtype in types]
        results += [_run(prim, known, substitute(attrs, sizes.__getitem__), fill) for fill in (np.zeros, _counting)]
    names = [(Dim(*key), tuple([numbers[key] for numbers in sets for _ in range(2)])) for key in sets[0]]
    found = _compare(results, names)
    return _doubted(found) if leaves else found


def _whatever_the_values(prim, types, attrs, sets):
    """What comes out the same for several values of the operands."""
    trials = []
    for fill in (None, np.ones, _counting, _falling, _turned, *_all_of):
        try:
            trials.append(_with_unknown(prim, types, attrs, sets, fill))
        except InvalidArgumentError:
            pass
    if not trials:
        trials.append(_with_unknown(prim, types, attrs, sets, _patient))
    if len(trials) == 1:
        return [(s if s.__class__ is UnknownRank else (None,) * len(s), dtype) for s, dtype in trials[0]]
    return _agreed_types(trials)


def _agreed(shapes):
    if any(shape.__class__ is UnknownRank for shape in shapes) or len({len(shape) for shape in shapes}) > 1:
        return UnknownRank()
    return tuple([sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes)])


def _with_unknown(prim, types, attrs, sets, fill=None):
    unknown_attrs = dims_in(attrs) - set(sets[0])
    leaves = sorted(dims_in([shape for shape, _ in types]) - set(sets[0]) | unknown_attrs, key=repr)
    candidates = [dim for dim in dict.fromkeys(_dims(types) + _dims(attrs)) if dim.key not in sets[0]]
    candidates += [joined(a, b) for a, b in combinations(candidates, 2)] if len(candidates) < 8 else []
    names = [Dim(*key) for key in sets[0]]
    candidates = names + candidates
    candidates += [a * b for a, b in combinations(candidates, 2)] if names and len(candidates) < 8 else []
    trials = _Trials(prim, types, attrs, sets, fill, candidates)
    certain = _sizes_apart(trials, leaves) or _sizes_agreeing(trials, leaves) or _size_following(trials, leaves)
    if not certain and not (_sizes_of_others(trials, leaves) or _any_sizes(trials, leaves)):
        raise trials.error
    if len(trials.results) < 2:
        return [((None,) * array.ndim, array.dtype) for array in trials.results[0]]
    seen = {dim: tuple([v[dim] for v in trials.values]) for dim in trials.candidates}
    if prim.branches:  # sizes that agreed in all trials, min(m, n) and n, need not for others
        alike = Counter([sizes for dim, sizes in seen.items() if dim.key[0] != "join"])
        seen = {dim: sizes for dim, sizes in seen.items() if alike[sizes] == 1}
    found = _compare(trials.results, list(seen.items()))
    trials.check_names(found, leaves)
    if certain and not unknown_attrs:
        return found
    return _doubted(found, {name for name in sets[0] if not trials.on_both_sides(name, leaves)})


class _Trials:
    """Runs of a kernel with numbers in the place of unknown sizes: what they gave, and what the candidates were."""

    def __init__(self, prim, types, attrs, sets, fill, candidates):
        self.prim, self.types, self.attrs, self.fill, self.candidates = prim, types, attrs, fill, candidates
        self.sets = sets
        self.results, self.values, self.sizes, self.error = [], [], [], None
        self.left = MOST

    def fit(self, sizes, number=0):
        """The results for these sizes, None if they are refused. Names of large numbers are those of a set."""
        sizes = self.sets[number % len(self.sets)] | sizes
        known = [(substitute(shape, sizes.__getitem__), dtype) for shape, dtype in self.types]
        try:
            if any([None in shape for shape, _ in known]):
                raise invalid_argument("sizes that do not broadcast")
            elements = sum([math.prod(shape) for shape, _ in known])
            if elements > self.left and (self.error is not None or len(self.results) > 3):  # not worth the time
                return None
            self.left -= elements
            return _run(self.prim, known, substitute(self.attrs, sizes.__getitem__), self.fill)
        except Exception as error:  # noqa: BLE001 (others may do; if none does, this is raised)
            self.error = self.error or error
            return None

    def keep(self, *several):
        """Try sizes, and keep what the kernel gives. False if it refuses the first ones."""
        for number, sizes in enumerate(several):
            results = None if sizes is None else self.fit(sizes, number)
            if results is not None:
                sizes = self.sets[number % len(self.sets)] | sizes
                self.results.append(results)
                self.sizes.append(sizes)
                self.values.append({dim: substitute(dim, sizes.__getitem__) for dim in self.candidates})
            elif not number:
                return False
        return True

    def check_names(self, found, leaves):
        """That what is not said does not follow from large numbers in some other way: a part of one, a product."""
        fixed = {leaf: self.sizes[0][leaf] for leaf in leaves}
        if any([shape.__class__ is not UnknownRank and None in shape for shape, _ in found]) and self.sets[0]:
            several = [each for i in range(len(self.sets)) if (each := self.fit(fixed, i)) is not None]
            for (shape, _), arrays in zip(found, zip(*several)):
                for n, *sizes in zip(shape, *[array.shape for array in arrays]):
                    if n is None and len(set(sizes)) > 1:
                        raise UnknownSize

    def on_both_sides(self, name, leaves):
        """Whether every unknown size was tried smaller and larger than a large number."""
        pairs = [[(sizes[leaf], sizes[name]) for sizes in self.sizes] for leaf in leaves]
        return all([any([m < n for m, n in tried]) and any([m > n for m, n in tried]) for tried in pairs])

    def small_and_large(self):
        """Sizes to begin with, which an operation may refuse: min(n, 4) shows itself there."""
        return 2, *_beyond([substitute(shape, self._names) for shape, _ in self.types])

    def _names(self, key):
        return self.sets[0].get(key) or Dim(*key)


def _apart(groups, base, step=2):
    """Sizes for all leaves: another one for each group."""
    return {leaf: base + step * i for i, group in enumerate(groups) for leaf in group}


def _several(trials, groups):
    """Such sizes in several ways: in either order, with other differences, small and large."""
    last = len(groups) - 1
    return [_apart(groups, 5), _apart(groups, 9 + 3 * last, -3), _apart(groups, 8), *[
        _apart(groups, base) for base in trials.small_and_large()
    ]]  # fmt: skip


def _ones(leaves, sizes):
    """The same with one of them 1: what may be broadcast, or dropped."""
    return [sizes | {leaf: 1} for leaf in leaves]


def _sizes_apart(trials, leaves):
    """Whether all sizes may differ."""
    groups = [(leaf,) for leaf in leaves]
    return trials.keep(*_several(trials, groups), *_ones(leaves, _apart(groups, 5)))


def _sizes_agreeing(trials, leaves):
    """Whether some sizes have to agree. What does not is set apart."""
    same = dict.fromkeys(leaves, 5)
    if trials.fit(same) is None:
        return False
    groups = _separate(lambda sizes: trials.fit(sizes) is not None, leaves, same)
    more = [dict.fromkeys(leaves, size) for size in (7, 9)]
    return trials.keep(*_several(trials, groups), *more, *_ones(leaves, _apart(groups, 5)))


def _separate(fits, leaves, sizes):
    """Groups of leaves that agree: the first is what cannot be set apart, of the smallest size."""
    groups, left = [], list(leaves)
    for n in range(1, len(leaves)):
        if n > 2 and len(left) > 8:
            break
        for group in combinations(left, n):
            if len(left) == n or not set(group) <= set(left):
                continue
            other = sizes | dict.fromkeys(group, 7 + 2 * len(groups))
            if fits(other):
                groups.append(group)
                left = [leaf for leaf in left if leaf not in group]
                sizes = other
    return [tuple(left), *groups]


def _size_following(trials, leaves):
    """Whether one size has to be a certain number, or one that follows from the others: the sum of several lengths."""
    for special in leaves:
        rest = [leaf for leaf in leaves if leaf != special]

        def solved(sizes, tried, special=special):
            if sizes is None:
                return None
            return next((s for n in tried if trials.fit(s := sizes | {special: n}) is not None), None)

        for groups in ([(leaf,) for leaf in rest], [tuple(rest)]):
            if solved(_apart(groups, 5), range(41)) is None:
                continue
            if len(groups) == 1 and len(rest) > 1:
                groups = _separate(lambda s: solved(s, range(41)) is not None, rest, _apart(groups, 5))  # noqa: B023
            # The least and the largest of those that fit, for there may be many: a multiple, a bound.
            low, high = range(1, 41), range(40, -1, -1)
            sizes = _apart(groups, 5) | trials.sets[0], _apart(groups, 9 + 3 * len(groups), -3) | trials.sets[-1]
            found = [solved(several, tried) for several in sizes for tried in (low, high)]
            more = [solved(sizes, low) for sizes in _ones(rest, _apart(groups, 5))]
            kept = trials.keep(*[s for s in found if s is not None], *more)
            # A size that was the same in all of them, though it need not be, would seem to be known.
            return kept and all(len({sizes[leaf] for sizes in trials.sizes}) > 1 for leaf in rest)
    return False


def _sizes_of_others(trials, leaves):
    """Whether some sizes have to be ones that are known, of another operand or attribute, and one more a small one."""
    known = sorted(set(_ints([shape for shape, _ in trials.types]) + _ints(trials.attrs)) - {0, 1})
    known = [*trials.sets[0], *known][:8]
    some = [numbers for n in (1, 2, 3) for numbers in product(known, repeat=n)]
    some += [(n, *numbers) for n in range(1, 41) for numbers in some[: len(known) * (1 + len(known))]]
    tried = ((given, numbers) for numbers in some for given in permutations(leaves, len(numbers)))
    for given, numbers in islice(tried, 4000):
        fixed = dict(zip(given, numbers))
        rest = [leaf for leaf in leaves if leaf not in fixed]
        for groups in ([(leaf,) for leaf in rest], [tuple(rest)])[: 1 + (len(rest) > 1)]:
            sizes = []
            for i, more in enumerate(_several(trials, groups)):
                numbers = trials.sets[i % len(trials.sets)]
                sizes.append({leaf: numbers.get(n, n) for leaf, n in fixed.items()} | more)
            if trials.keep(*sizes):
                return True
    return False


def _ints(value):
    """The numbers in an attribute, or in shapes; the sizes of a tensor."""
    value = getattr(value, "_shape", value)
    if isinstance(value, (tuple, list)):
        return [n for item in value for n in _ints(item)]
    return [value] if value.__class__ is int else []


def _any_sizes(trials, leaves):
    """Whether any small sizes fit: those that do are a sample."""
    tried = product((5, 3, 2, 4, 1, 0), repeat=len(leaves)) if len(leaves) < 6 else ()
    fitting = (sizes for numbers in tried if trials.fit(sizes := dict(zip(leaves, numbers))) is not None)
    return trials.keep(*[*islice(fitting, 12)] or [None])


def _beyond(shapes):
    """A size that is larger than those that are known, if the stand-ins stay small."""
    largest = 1 + max([n for shape in shapes for n in shape if n.__class__ is int], default=0)
    whole = sum(math.prod([n if n.__class__ is int else largest for n in shape]) for shape in shapes)
    return (largest,) if 8 < largest and whole < 1 << 13 else ()


def _doubted(types, names=frozenset()):
    """A size that two trials agree on may yet be another one: x[:n] has at most the rows of x, for all large n."""

    def certain(n):
        return isinstance(n, Dim) and not dims_in(n) <= names

    return [
        (shape if shape.__class__ is UnknownRank else tuple([n if certain(n) else None for n in shape]), dtype)
        for shape, dtype in types
    ]


def _compare(trials, candidates):
    if len(set(map(len, trials))) > 1:
        raise ResultsDiffer("how many results there are is only known when the function runs")
    out = []
    for pair in zip(*trials):
        shape = []
        if len({array.ndim for array in pair}) > 1:
            out.append((UnknownRank(), pair[0].dtype))
            continue
        for sizes in zip(*[array.shape for array in pair]):
            if len(set(sizes)) == 1:
                shape.append(sizes[0])
            else:
                found = next((dim for dim, seen in candidates if seen == sizes), None)
                shape.append(_related(sizes, candidates) if found is None else found)
        out.append((tuple(shape), pair[0].dtype))
    return out


def _related(sizes, candidates):
    """The expression for sizes that differ from a candidate by a number, or are a multiple of it; None if none is."""
    if len(set(sizes)) < 3:
        return None
    for dim, seen in [(dim, seen) for dim, seen in candidates if None not in seen]:
        more = {m - n for m, n in zip(sizes, seen)}
        if len(more) == 1:
            return dim + more.pop()
        times = sizes[0] // seen[0] if seen[0] else 0
        if times > 1 and all(m == n * times for m, n in zip(sizes, seen)):
            return dim * times
    return None


def _dims(value):
    if isinstance(value, Dim):
        return [value]
    return [dim for item in value for dim in _dims(item)] if isinstance(value, (tuple, list)) else []


def _run(prim, types, attrs, fill=None):
    """The arrays that the kernel gives for stand-ins of types."""
    kernel = prim.kernel
    if prim.kernels is not None:
        kernel = prim.kernels.get(types[0][1])
        if kernel is None:
            raise not_allowed(prim, types[0][1])
    with np.errstate(all="ignore"):
        try:
            result = kernel(*[_stand_in(shape, dtype, fill) for shape, dtype in types], *attrs)
        except InvalidArgumentError:  # perhaps of the values
            if prim.sized_by_values == "perhaps" and fill is not _patient:
                raise  # other values are tried for what they change
            result = _second_try(kernel, types, attrs)
            if result is None:  # the first error is the one that tells
                raise
    return [np.asarray(array) for array in (result if prim.many else (result,))]


def _second_try(kernel, types, attrs):
    """The result for other values: bounds that are not both 0, a permutation, indices of an empty tensor."""
    rising = [np.broadcast_to(np.array(i).astype(dtype), shape)[()] for i, (shape, dtype) in enumerate(types)]
    counting = [_counting(shape, dtype)[()] for shape, dtype in types]
    negative = [np.broadcast_to(np.array(-1).astype(dtype), shape)[()] for shape, dtype in types]
    for stand_ins in (rising, counting, negative):
        try:
            return kernel(*stand_ins, *attrs)
        except Exception:  # noqa: BLE001 (the next may do)
            continue
    return None


def _stand_in(shape, dtype, fill):
    """An array that most kernels take: valid indices, matrices with an inverse."""
    if dtype.kind == "O":
        array = np.empty(shape, object)
        array[...] = b"0000"  # long enough for a part of it, and a number in every notation
        if fill is _counting:
            array.ravel()[:] = [b"%04d" % i for i in range(array.size)]
        return array
    if fill is not None and fill is not _patient:
        return fill(shape, dtype)
    if dtype.kind in "biu":
        return np.broadcast_to(np.zeros((), dtype), shape)
    if len(shape) < 2:
        return np.ones(shape, dtype) if shape else dtype.type(1)
    return np.broadcast_to(np.eye(*shape[-2:]).astype(dtype), shape)


def _counting(shape, dtype):
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape).astype(dtype)


def _falling(shape, dtype):
    return _counting(shape, dtype)[tuple([slice(None, None, -1)] * len(shape))]


def _turned(shape, dtype):
    return np.roll(_counting(shape, dtype), 1)


def _patient(shape, dtype):
    """No values of its own: whatever the kernel does not refuse."""


_all_of = [lambda shape, dtype, n=n: np.broadcast_to(np.array(n).astype(dtype), shape) for n in (-1, 2, 3)]
