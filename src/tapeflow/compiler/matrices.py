"""Small matrices factorised and solved, as native code; larger ones are for LAPACK, by way of NumPy's kernels.

The methods are the textbook's (G. Golub, C. Van Loan, Matrix Computations, 4th edition, 2013, ch. 3 and 4): Cholesky's
by rows, substitution, and Gaussian elimination with the largest pivot of a column.
"""

import numpy as np

from tapeflow.compiler.elementary import FUNCTIONS
from tapeflow.compiler.emit import i64
from tapeflow.compiler.program import broadcast, mapped, reduced
from tapeflow.compiler.routines import Routine, routine
from tapeflow.compiler.types import BOOL, memory_type

SMALL = 32  # rows of a matrix; what it takes to call LAPACK is no matter with more


ZERO, ONE = i64(0), i64(1)


class _Matrix:
    """Matrices of `columns` in memory: elements and rows by their places."""

    def __init__(self, b, base, columns, type, start=None):
        self.b, self.columns, self.type = b, columns, type
        self.base = base if start is None else b.address(base, start, type)

    def at(self, i, j):
        b = self.b
        return b.address(self.base, b.add(b.mul(i, i64(self.columns)), j), self.type)

    def get(self, i, j):
        return self.b.load(self.at(i, j), self.type)

    def put(self, i, j, value):
        self.b.store(value, self.at(i, j))


def _each(b, low, high, body):
    """A loop without a state."""
    b.loop(low, high, ONE, lambda i, state: (body(i), ())[1])


def _backward(b, n, body):
    """A loop from n - 1 down to 0."""
    _each(b, ZERO, i64(n), lambda i: body(b.sub(i64(n - 1), i)))


def _of_each(write):
    """A routine's code, from that for one matrix: `write(b, term, type, out, args)` of a start in memory for each."""

    def all_of_them(b, term, out, args, low, high):
        type = memory_type(term.dtype)
        scratch = b.new("ptr", f"alloca [{SMALL * SMALL} x {type}], align 64")
        _each(b, low, high, lambda item: write(b, term, type, out, args, item, scratch))

    return all_of_them


# Cholesky's factor.


def _cholesky(b, term, type, out, args, item, scratch):
    """Of the mean of a matrix and its transpose; all that is not 0 is NaN if it is not positive definite."""
    (n,) = term.attrs[1:]
    start = b.mul(item, i64(n * n))
    x, y = (_Matrix(b, base, n, type, start) for base in (args[0], out))
    half = b.const(type, 0.5)

    def row(i, state):
        def left(j, state):
            mean = b.fmul(b.fadd(x.get(i, j), x.get(j, i)), half)
            y.put(i, j, b.fdiv(_less_product(b, mean, y, i, j), y.get(j, j)))
            return ()

        b.loop(ZERO, i, ONE, left)
        square = _less_product(b, b.fmul(b.fadd(x.get(i, i), x.get(i, i)), half), y, i, i)
        y.put(i, i, b.sqrt(square))
        _each(b, b.add(i, ONE), i64(n), lambda j: y.put(i, j, b.const(type, 0)))
        return (b.and_(state[0], b.fcmp("ogt", square, b.const(type, 0))),)

    (good,) = b.loop(ZERO, i64(n), ONE, row, (b.const("i1", 1),))
    nan = b.const(type, np.nan)
    bad_rows = b.select(good, ZERO, i64(n))
    _each(b, ZERO, bad_rows, lambda i: _each(b, ZERO, b.add(i, ONE), lambda j: y.put(i, j, nan)))


def _less_product(b, x, y, i, j):
    """x - the product of the first j elements of two rows."""

    def term(k, state):
        return (b.fsub(state[0], b.fmul(y.get(i, k), y.get(j, k)), "reassoc"),)

    return b.loop(ZERO, j, ONE, term, (x,))[0]


# Triangular systems.


def _substitute(b, term, type, out, args, item, scratch):
    n, m, lower, adjoint = term.attrs[1:]
    a = _Matrix(b, args[0], n, type, b.mul(item, i64(n * n)))
    given, x = (_Matrix(b, base, m, type, b.mul(item, i64(n * m))) for base in (args[1], out))
    _each(b, ZERO, i64(n * m), lambda j: x.put(ZERO, j, given.get(ZERO, j)))
    forward = lower != adjoint

    def coefficient(i, k):
        return a.get(k, i) if adjoint else a.get(i, k)

    def row(i):
        def known(k):
            _subtract(b, x, i, k, coefficient(i, k), ZERO, m)

        _each(b, *((ZERO, i) if forward else (b.add(i, ONE), i64(n))), known)
        pivot = coefficient(i, i)
        _each(b, ZERO, i64(m), lambda j: x.put(i, j, b.fdiv(x.get(i, j), pivot)))

    if forward:
        _each(b, ZERO, i64(n), row)
    else:
        _backward(b, n, row)


# Elimination.


def _eliminate(b, type, n, a, rows=None, m=0):
    """Make `a` upper triangular, with the same done to `rows` of m numbers; the sign that the swaps of rows give."""
    zero = b.const(type, 0)

    def column(k, state):
        def larger(i, state):
            size = b.fabs(a.get(i, k))
            wins = b.fcmp("ogt", size, state[0])
            return b.select(wins, size, state[0]), b.select(wins, i, state[1])

        _, pivot_row = b.loop(b.add(k, ONE), i64(n), ONE, larger, (b.fabs(a.get(k, k)), k))
        _swap(b, a, k, pivot_row, n)
        if rows is not None:
            _swap(b, rows, k, pivot_row, m)
        pivot = a.get(k, k)
        nothing = b.fcmp("oeq", pivot, zero)

        def below(i):
            factor = b.select(nothing, zero, b.fdiv(a.get(i, k), pivot))
            _subtract(b, a, i, k, factor, b.add(k, ONE), n)
            if rows is not None:
                _subtract(b, rows, i, k, factor, ZERO, m)

        _each(b, b.add(k, ONE), i64(n), below)
        return (b.select(b.icmp("eq", pivot_row, k), state[0], b.fneg(state[0])),)

    return b.loop(ZERO, i64(n), ONE, column, (b.const(type, 1),))[0]


def _subtract(b, matrix, i, k, factor, first, columns):
    """Row i less a multiple of row k."""

    def one(j):
        matrix.put(i, j, b.fsub(matrix.get(i, j), b.fmul(factor, matrix.get(k, j))))

    _each(b, first, i64(columns), one)


def _swap(b, matrix, i, k, columns):
    def one(j):
        x, y = matrix.get(i, j), matrix.get(k, j)
        matrix.put(i, j, y)
        matrix.put(k, j, x)

    _each(b, ZERO, i64(columns), one)


def _copy(b, n, source, target, transposed):
    _each(b, ZERO, i64(n), lambda i: _each(
        b, ZERO, i64(n), lambda j: target.put(i, j, source.get(j, i) if transposed else source.get(i, j))
    ))  # fmt: skip


def _solve(b, term, type, out, args, item, scratch):
    """The solution of a system, or the inverse where there is no right side; not finite if there is none."""
    n, m, adjoint = term.attrs[1:]
    a = _Matrix(b, scratch, n, type)
    _copy(b, n, _Matrix(b, args[0], n, type, b.mul(item, i64(n * n))), a, adjoint)
    x = _Matrix(b, out, m, type, b.mul(item, i64(n * m)))
    if len(args) == 2:
        given = _Matrix(b, args[1], m, type, b.mul(item, i64(n * m)))
        _each(b, ZERO, i64(n * m), lambda j: x.put(ZERO, j, given.get(ZERO, j)))
    else:
        one, zero = b.const(type, 1), b.const(type, 0)
        _each(b, ZERO, i64(n), lambda i: _each(
            b, ZERO, i64(n), lambda j: x.put(i, j, b.select(b.icmp("eq", i, j), one, zero))
        ))  # fmt: skip
    _eliminate(b, type, n, a, x, m)

    def row(i):
        def known(k):
            _subtract(b, x, i, k, a.get(i, k), ZERO, m)

        _each(b, b.add(i, ONE), i64(n), known)
        pivot = a.get(i, i)
        pivot = b.select(b.fcmp("oeq", pivot, b.const(type, 0)), b.const(type, np.nan), pivot)
        _each(b, ZERO, i64(m), lambda j: x.put(i, j, b.fdiv(x.get(i, j), pivot)))

    _backward(b, n, row)


def _determinant(b, term, type, out, args, item, scratch):
    """The determinant, the logarithm of its magnitude, or its sign."""
    n, what = term.attrs[1:]
    a = _Matrix(b, scratch, n, type)
    _copy(b, n, _Matrix(b, args[0], n, type, b.mul(item, i64(n * n))), a, False)
    sign = _eliminate(b, type, n, a)
    zero = b.const(type, 0)

    def pivot(i, state):
        x = a.get(i, i)
        if what == "value":
            return (b.fmul(state[0], x),)
        level = b.select(b.fcmp("oeq", x, zero), zero, b.copysign(b.const(type, 1), x))
        return b.fmul(state[0], level), b.fadd(state[1], FUNCTIONS["log"](b, b.fabs(x)))

    found = b.loop(ZERO, i64(n), ONE, pivot, (sign,) if what == "value" else (sign, zero))
    if what == "sign":
        found = (b.select(b.fcmp("uno", found[1], found[1]), found[1], found[0]),)
    b.store(found[-1], b.address(out, item, type))


def _items(size):
    return lambda term: int(np.prod(term.shape)) // size(term)


def _square(term):
    return term.attrs[1] ** 2


def _rectangle(term):
    return term.attrs[1] * term.attrs[2]


ROUTINES = {
    "cholesky": Routine(_of_each(_cholesky), _items(_square), lambda term: term.attrs[1] ** 3 // 3),
    "substitute": Routine(_of_each(_substitute), _items(_rectangle), lambda term: term.attrs[1] * _rectangle(term)),
    "solve": Routine(
        _of_each(_solve), _items(_rectangle), lambda term: term.attrs[1] * (_square(term) + 2 * _rectangle(term))
    ),
    "determinant": Routine(_of_each(_determinant), _items(lambda term: 1), lambda term: term.attrs[1] ** 3),
}


# Translations.


def _fits(x):
    return x.dtype.kind == "f" and len(x.shape) > 1 and x.shape[-1] == x.shape[-2] <= SMALL


def _cholesky_of(node, x):
    return routine("cholesky", x.shape, x.dtype, x, attrs=(x.shape[-1],), where=node.where) if _fits(x) else None


def _system(a, b):
    """A matrix and a right side for each system; None if they are not for this module."""
    if not _fits(a) or len(b.shape) < 2 or b.shape[-2] != a.shape[-1]:
        return None
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return broadcast(a, (*lead, *a.shape[-2:])), broadcast(b, (*lead, *b.shape[-2:]))


def _triangular(node, a, b, lower, adjoint):
    both = _system(a, b)
    if both is None:
        return None
    attrs = (*both[1].shape[-2:], bool(lower), bool(adjoint))
    return routine("substitute", both[1].shape, a.dtype, *both, attrs=attrs, where=node.where)


def _solution(node, a, b, adjoint):
    if not _fits(a) or a.shape[:-2] != b.shape[:-2] or b.shape[-2] != a.shape[-1]:
        return None
    return routine("solve", b.shape, a.dtype, a, b, attrs=(*b.shape[-2:], bool(adjoint)), where=node.where)


def _inverse(node, x):
    return routine("solve", x.shape, x.dtype, x, attrs=(*x.shape[-2:], False), where=node.where) if _fits(x) else None


def _determinants(*kinds):
    def translate(node, x):
        if not _fits(x):
            return None
        found = [
            routine("determinant", x.shape[:-2], x.dtype, x, attrs=(x.shape[-1], kind), where=node.where)
            for kind in kinds
        ]
        return found if len(found) > 1 else found[0]

    return translate


TRANSLATIONS = {
    "Cholesky": _cholesky_of, "MatrixTriangularSolve": _triangular, "MatrixSolve": _solution, "MatrixInverse": _inverse,
    "MatrixDeterminant": _determinants("value"), "LogMatrixDeterminant": _determinants("sign", "log"),
}  # fmt: skip


def _not_finite(x):
    wrong = mapped("LogicalNot", BOOL, mapped("IsFinite", BOOL, x))
    return reduced("any", wrong, range(len(x.shape)), False)


def _no_solution(node, *operands):
    """Whether a solution is not finite: there is none, or NumPy's kernel finds the same."""
    return _not_finite(_solution(node, *operands))


def _no_inverse(node, x):
    return mapped("LogicalOr", BOOL, _not_finite(_inverse(node, x)), _not_finite(x))


CHECKS = {"MatrixSolve": _no_solution, "MatrixInverse": _no_inverse}
