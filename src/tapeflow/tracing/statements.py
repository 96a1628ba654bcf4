"""AutoGraph's operators: Python's own `if`, `while`, `for`, `and`, `or`, `not`, ... over tensors, in a trace.

`autograph.py` has a function's statements written as calls of these. What depends on a symbolic tensor is staged, as
`tf.cond` or a loop of the graph; the rest stays Python's.
"""

import threading

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.errors import OperatorNotAllowedInGraphError
from tapeflow.core.listening import thread
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable


def is_symbolic(value):
    """Whether a value is a tensor that is only known when the graph runs."""
    return isinstance(value, Tensor) and value.__class__ is not EagerTensor


def stands_for_tensor(value):
    return isinstance(value, (Tensor, Variable))


def _settled(condition):
    """A condition; a variable is what is in it when the graph runs."""
    return condition.read_value() if thread.trace is not None and isinstance(condition, Variable) else condition


def _checked(condition, what):
    """A condition that only the run knows, as a boolean scalar. Raises ValueError for what is none."""
    if not is_symbolic(condition):
        return condition
    shape = condition.shape
    sizes = () if shape.rank is None else shape
    if condition.dtype != "bool" or any(n is not None and n > 1 for n in sizes):
        raise ValueError(
            f"condition of {what} expected to be `tf.bool` scalar, got {condition}; to use as boolean Tensor, use "
            "`tf.cast`; to check for None, use `is not None`"
        )
    if not shape.rank:  # a scalar, or not known
        return condition
    from tapeflow.ops.shaping import reshape

    return reshape(condition, [])


def _undefined():
    """malt's classes of what a name without a value is, and what a function that has not returned gives."""
    from malt.operators import Undefined, UndefinedReturnValue

    return Undefined, UndefinedReturnValue


# Conditions.


def if_stmt(cond, body, orelse, get_state, set_state, symbol_names, nouts):
    """`if cond: body() else: orelse()`; the state is that of the names which either changes."""
    cond = _checked(_settled(cond), "if statement")
    if not is_symbolic(cond):
        body() if cond else orelse()
        return
    from tapeflow.tracing.branch import traced
    from tapeflow.tracing.cond import joined
    from tapeflow.tracing.structures import settled

    before = get_state()

    def branch(function):
        def run():
            set_state(before)
            function()
            return tuple([nest.map_structure(settled, value) for value in get_state()])

        return run

    (taken, ones), (other, twos) = (
        traced(name, branch(function)) for name, function in (("true", body), ("false", orelse))
    )
    merged, first, second = [], [], []
    for name, one, two, place in zip(symbol_names, ones, twos, range(len(symbol_names))):
        merged.append(_merged(name, one, two, first, second, place < nouts))
    outs = joined(cond, taken, first, other, second)
    set_state(tuple([item(outs) for item in merged]))


def _merged(name, one, two, first, second, wanted):
    """How to get a name's value after the branches; adds the tensors of either to the lists `first` and `second`."""
    if one is two or not wanted:
        return lambda outs: one
    undefined = _undefined()
    _, not_returned = undefined
    for value, branch in ((one, "main"), (two, "else")):
        if isinstance(value, undefined):
            if isinstance(one, undefined) and isinstance(two, undefined):
                return lambda outs: one
            if isinstance(value, not_returned):
                if _inside.loops:  # a later round may return: at the end of the function it is known
                    stand_in = nest.map_structure(_stand_in, two if value is one else one)
                    return _merged(name, *((stand_in, two) if value is one else (one, stand_in)), first, second, True)
                raise ValueError(
                    f"the {branch} branch must also have a return statement: a value that is returned from one branch "
                    "of a conditional must be returned from all."
                )
            raise ValueError(f"{name!r} must also be initialized in the {branch} branch")
    try:
        nest.assert_same_structure(one, two, check_types=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name!r} does not have the same structure in both branches: {error}") from None
    places, leaves = [], nest.flatten(one)
    for a, b in zip(leaves, nest.flatten(two)):
        if a is b or not stands_for_tensor(a) and not stands_for_tensor(b) and type(a) is type(b) and _equal(a, b):
            places.append(a)
            continue
        if a is None or b is None:
            raise ValueError(f"{name!r} is None at the end of the {'main' if a is None else 'else'} branch.")
        if hasattr(type(a), "_parts") and hasattr(type(b), "_parts"):
            if b._is_blank() or a._is_blank():
                a, b = (a, b._like(a)) if b._is_blank() else (a._like(b), b)
            mine, theirs = a._parts(), b._parts()
        elif not stands_for_tensor(a) and stands_for_tensor(b):
            theirs = [convert_to_tensor(b)]
            mine = [convert_to_tensor(a, dtype_hint=theirs[0].dtype)]
        else:
            mine = [convert_to_tensor(a)]
            theirs = [convert_to_tensor(b, dtype_hint=mine[0].dtype)]
        for x, y in zip(mine, theirs):
            if x.dtype is not y.dtype:
                raise TypeError(
                    f"{name!r} has dtype {x.dtype.name} in the main branch, but dtype {y.dtype.name} in the else branch"
                )
        places.append(_Place(a, len(first), len(mine)))
        first += mine
        second += theirs

    def value(outs):
        return nest.pack_sequence_as(one, [p.of(outs) if p.__class__ is _Place else p for p in places])

    return value


def _equal(a, b):
    return not hasattr(type(a), "_parts") and bool(a == b)


class _Place:
    """Where a value is among the tensors that a conditional gives."""

    def __init__(self, like, start, count):
        self.like, self.start, self.count = like, start, count

    def of(self, outs):
        mine = outs[self.start : self.start + self.count]
        return self.like._with_parts(mine) if hasattr(type(self.like), "_parts") else mine[0]


def if_exp(cond, if_true, if_false, expr_repr):
    """`if_true() if cond else if_false()`."""
    cond = _settled(cond)
    if not is_symbolic(cond):
        return if_true() if cond else if_false()
    result = []

    def set_state(state):
        result[:] = state

    if_stmt(cond, lambda: set_state([if_true()]), lambda: set_state([if_false()]), lambda: list(result), set_state,
            (expr_repr,), 1)  # fmt: skip
    return result[0]


def _staged_cond(pred, true_fn, false_fn):
    from tapeflow.tracing.cond import cond

    return cond(pred, true_fn, false_fn)


def and_(a, b):
    """`a() and b()`."""
    left = _settled(a())
    if is_symbolic(left):
        return _staged_cond(left, b, lambda: left)
    return left and b()


def or_(a, b):
    """`a() or b()`."""
    left = _settled(a())
    if is_symbolic(left):
        return _staged_cond(left, lambda: left, b)
    return left or b()


def not_(a):
    """`not a`."""
    a = _settled(a)
    if is_symbolic(a):
        from tapeflow.ops.compare import logical_not

        return logical_not(a)
    return not a


def assert_stmt(expression1, expression2):
    """`assert expression1, expression2()`."""
    expression1 = _settled(expression1)
    if is_symbolic(expression1):
        from tapeflow.ops.debugging import Assert

        message = expression2()
        return Assert(expression1, list(message) if isinstance(message, tuple) else [message])
    assert expression1, expression2()
    return None


# Loops.

_MIXED = (
    "The condition of while loop started as non-Tensor, then changed to Tensor. This may happen either when variables "
    "change type, or when a break or return statement inside the loop depends on a Tensor condition. In both cases, "
    "changing to a TF loop should remove the error."
)
_MIXED_FOR = (
    "break and return statements which depend on a TF condition are not supported in Python for loops. Did you intend "
    "to make it a TF loop?"
)


def while_stmt(test, body, get_state, set_state, symbol_names, opts):
    """`while test(): body()`."""
    if thread.trace is None:
        going = test()
    else:
        from tapeflow.tracing.branch import traced

        before = get_state()
        looked, going = traced("test", test)
        set_state(before)
    if thread.trace is None or not stands_for_tensor(going):
        while _known(test(), _MIXED):
            body()
        return
    reads = bool(looked.hoisted or looked.graph.variables()) or isinstance(going, Variable)
    _staged(
        lambda: _checked(_settled(test()), "while loop"), body, get_state, set_state, symbol_names, opts, reads=reads
    )


def _known(condition, problem):
    try:
        return bool(condition)
    except OperatorNotAllowedInGraphError:
        raise NotImplementedError(problem) from None


def for_stmt(iter_, extra_test, body, get_state, set_state, symbol_names, opts):
    """`for target in iter_: body(target)`, as long as `extra_test()` holds, if it is given."""
    if thread.trace is None or not stands_for_tensor(iter_):
        if extra_test is None:
            for target in iter_:
                body(target)
        elif _known(extra_test(), _MIXED_FOR):
            for target in iter_:
                body(target)
                if not _known(extra_test(), _MIXED_FOR):
                    break
        return
    rows = convert_to_tensor(iter_)
    if not rows._shape:
        raise ValueError("Cannot iterate over a scalar tensor: a loop requires a non-scalar tensor.")
    if extra_test is None and "maximum_iterations" not in opts:
        _staged(None, body, get_state, set_state, symbol_names, opts, rows)
        return
    from tapeflow.ops.indexing import gather
    from tapeflow.ops.shaping import shape

    size = shape(rows)[0]
    index = [convert_to_tensor(0)]

    def test():
        going = index[0] < size
        return going if extra_test is None else _staged_cond(thread.trace.lift(going), extra_test, lambda: going)

    def step():
        body(gather(rows, index[0]))
        index[0] = index[0] + 1

    def get():
        return (index[0], *get_state())

    def put(state):
        index[0] = state[0]
        set_state(tuple(state[1:]))

    _staged(test, step, get, put, ("the loop's index", *symbol_names), opts)


class _Inside(threading.local):
    loops = 0  # how many staged loops are being traced around


_inside = _Inside()


def _staged(*args, **kwargs):
    """A loop in the graph over the names whose values can be tensors."""
    _inside.loops += 1
    try:
        _stage(*args, **kwargs)
    finally:
        _inside.loops -= 1


def _stage(test, body, get_state, set_state, symbol_names, opts, rows=None, reads=False):
    """With `rows`, a tensor, there is no test: the body is given row after row. `reads`: the test reads a variable."""
    from tapeflow.tracing.loops import for_loop, while_loop

    before = list(get_state())
    carried = [i for i, value in enumerate(before) if _is_tensors(value)]
    unset = {}  # names without a value yet, and what to say if no round gives them one
    if len(carried) < len(before):
        _first_values(body, get_state, set_state, before, carried, unset, symbol_names, rows)
    ran = None
    if unset or reads and not carried:  # a loop may change nothing but variables
        ran = len(before)
        before.append(False)
        carried.append(ran)

    def full(values):
        state = list(before)
        for i, value in zip(carried, values):
            state[i] = value
        return state

    def put(state):
        set_state(tuple(state[:ran]))

    def cond_fn(*values):
        put(full(values))
        return test()

    def body_fn(*values):
        put(full(values))
        body(*values[len(carried) :])
        after = list(get_state())
        if ran is not None:
            after.append(True)
        for i, (name, old, new) in enumerate(zip(symbol_names, before, after)):
            if i not in carried and not _same(old, new):
                raise ValueError(
                    f"{name!r} must be a tensor, or stay what it is, in a loop over tensors: it was {old!r} and became "
                    f"{new!r}."
                )
        return [after[i] for i in carried]

    names = [symbol_names[i] if i < len(symbol_names) else "the loop" for i in carried]
    values, shapes = [before[i] for i in carried], _invariants(opts, before, carried)
    try:
        if rows is not None:
            found, _ = for_loop(
                lambda *values: (body_fn(*values), []), values, [rows], shape_invariants=shapes, names=names
            )
        elif values:
            limit = opts.get("maximum_iterations")
            found = while_loop(cond_fn, body_fn, values, shapes, maximum_iterations=limit, names=names)
        else:
            raise ValueError("A while loop over tensors must change a tensor that its condition depends on.")
    except BaseException:
        put(before)
        raise
    if ran is not None:
        from tapeflow.ops.debugging import Assert

        *found, did = found
        if [name for name in unset.values() if name is not None]:
            missing = ", ".join(name for name in unset.values() if name is not None)
            Assert(did, [f"loop must iterate at least once to initialize {missing}"])
        carried.pop()
    put(full(found))


def _same(old, new):
    if old is new:
        return True
    if isinstance(old, _undefined()):
        return True  # set and used within one round only
    return isinstance(old, (str, bytes)) and old == new


def _first_values(body, get_state, set_state, before, carried, unset, symbol_names, rows):
    """Stand-ins for what has no value, or no tensor's, before the loop: the body, tried out, tells their types."""
    from tapeflow.tracing.branch import traced
    from tapeflow.tracing.structures import opened

    undefined = _undefined()
    _, not_returned = undefined
    given, put = opened([before[i] for i in carried])

    def once(*values):
        state = list(before)
        for value, i in zip(put(values[: len(given)]), carried):
            state[i] = value
        set_state(tuple(state))
        body(*values[len(given) :])
        return get_state()

    types = [(t._shape, t._dtype) for t in given] + ([] if rows is None else [(rows._shape[1:], rows._dtype)])
    try:
        _, after = traced("first", once, types)
    finally:
        set_state(tuple(before))
    for i, (old, new) in enumerate(zip(before, after)):
        if i in carried or not _is_tensors(new) and not isinstance(new, str) or old is new:
            continue
        if old is None or isinstance(old, undefined):
            unset[i] = None if isinstance(old, not_returned) else symbol_names[i]
            tensors, pack = opened(new)
            before[i] = pack([_stand_in(tensor) for tensor in tensors])
            carried.append(i)
        elif isinstance(old, str) and not (isinstance(new, str) and old == new):
            carried.append(i)
    carried.sort()


def _stand_in(like):
    from tapeflow.ops.creation import zeros

    like = convert_to_tensor(like)
    return zeros([0 if n is None else n for n in like.shape], like.dtype)


def _invariants(opts, before, carried):
    """The shapes that `set_loop_options` says, for the loop's variables; None if it says none."""
    said = opts.get("shape_invariants")
    if not said:
        return None
    said = {id(value): shape for value, shape in said}
    values = [before[i] for i in carried]
    return [said.get(id(v), nest.map_structure(_shape_of, v)) for v in values]


def _shape_of(value):
    return None if hasattr(type(value), "_parts") else convert_to_tensor(value).shape


def _is_tensors(value):
    """Whether a value is, or holds only, what can be a tensor of a loop."""
    leaves = nest.flatten(value)
    numbers = (bool, int, float, complex)
    return bool(leaves) and all(
        stands_for_tensor(v) or isinstance(v, numbers) or hasattr(type(v), "_parts") for v in leaves
    )
