"""Affine expressions of loop counters: where an element of one array is found in another."""

from typing import NamedTuple


class Affine(NamedTuple):
    """`constant` + the sum of coefficient * counter over `terms`, pairs (counter's number, coefficient) in order."""

    constant: int
    terms: tuple = ()

    def plus(self, other):
        """The sum with another."""
        total = dict(self.terms)
        for counter, coefficient in other.terms:
            total[counter] = total.get(counter, 0) + coefficient
        return Affine(self.constant + other.constant, tuple(sorted((k, c) for k, c in total.items() if c)))

    def times(self, number):
        """The product with an int."""
        if not number:
            return ZERO
        return Affine(self.constant * number, tuple([(k, c * number) for k, c in self.terms]))

    def at(self, index):
        """With affine expressions in the place of the counters: counter k is `index[k]`."""
        out = Affine(self.constant)
        for counter, coefficient in self.terms:
            out = out.plus(index[counter].times(coefficient))
        return out

    def coefficient(self, counter):
        """That of a counter."""
        return dict(self.terms).get(counter, 0)

    def bounds(self, extents):
        """The least and the greatest value where counter k runs from 0 to extents[k] - 1."""
        low = high = self.constant
        for counter, coefficient in self.terms:
            far = coefficient * (extents[counter] - 1)
            low, high = low + min(far, 0), high + max(far, 0)
        return low, high

    def divided(self, number, extents):
        """(quotient, remainder) by a positive int as affine expressions; None where they are none."""
        if number == 1:
            return self, ZERO
        whole = Affine(self.constant // number * number, tuple([(k, c) for k, c in self.terms if c % number == 0]))
        rest = Affine(self.constant % number, tuple([(k, c) for k, c in self.terms if c % number]))
        low, high = rest.bounds(extents)
        if low < 0 or high >= number:
            return None
        return Affine(whole.constant // number, tuple([(k, c // number) for k, c in whole.terms])), rest


ZERO = Affine(0)


def counter(number):
    """A counter itself."""
    return Affine(0, ((number, 1),))


def strides_of(shape):
    """The strides, in elements, of a row-major array."""
    out, step = [], 1
    for n in reversed(shape):
        out.append(step)
        step *= n
    return tuple(reversed(out))


def flat(index, shape):
    """The place of an element in the memory of a row-major array."""
    out = ZERO
    for expression, stride in zip(index, strides_of(shape), strict=True):
        out = out.plus(expression.times(stride))
    return out


def unflattened(place, shape, extents):
    """The index in a row-major array of a place in its memory; None if it is not affine."""
    index = []
    for stride, n in zip(strides_of(shape), shape):
        if n == 1:
            index.append(ZERO)
            continue
        found = place.divided(stride, extents)
        if found is None:
            return None
        quotient, place = found
        index.append(quotient)
    return tuple(index)
