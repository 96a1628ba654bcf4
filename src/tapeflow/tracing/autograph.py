"""AutoGraph: Python's own `if`, `while`, `for`, `and`, `or`, `not`, ... over tensors, in a trace.

The package diastatic-malt rewrites a function's source so that each statement is a call of an operator in the
namespace `ag__`; this module is those operators. What does not depend on a symbolic tensor stays Python's.
"""

import builtins
import functools
import inspect
import sys
import textwrap
import threading

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.listening import thread
from tapeflow.core.logging import warn
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.tracing.calls import CALL, with_calls_changed
from tapeflow.tracing.trace import GENERATED, OperatorNotAllowed

_LEFT_ALONE = frozenset(
    "tapeflow tensorflow keras numpy scipy malt builtins collections functools itertools contextlib copy inspect re "
    "logging threading unittest typing abc enum math random tqdm matplotlib optree ml_dtypes".split()
)


def do_not_convert(func=None):
    """Mark a function that is to be called as it is.

    >>> import tapeflow as tf
    >>> @tf.autograph.experimental.do_not_convert
    ... def plain(x):
    ...     return x
    """
    if func is None:
        return do_not_convert

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        return func(*args, **kwargs)

    wrapper._as_it_is = True
    return wrapper


def is_symbolic(value):
    """Whether a value is a tensor that is only known when the graph runs."""
    return isinstance(value, Tensor) and value.__class__ is not EagerTensor


def _stands_for_tensor(value):
    return isinstance(value, (Tensor, Variable))


def _settled(condition):
    """A condition; a variable is what is in it when the graph runs."""
    return condition.read_value() if thread.trace is not None and isinstance(condition, Variable) else condition


# Conversion.


@functools.cache
def _transpiler():
    import importlib.util  # noqa: F401 (malt needs it and does not import it)
    import types

    from malt import operators
    from malt.core import converter
    from malt.impl import api
    from malt.lang import special_functions

    namespace = types.ModuleType("ag__")
    for module in (special_functions, operators):
        namespace.__dict__.update({k: v for k, v in vars(module).items() if not k.startswith("__")})
    namespace.ConversionOptions = converter.ConversionOptions
    namespace.STD = converter.STANDARD_OPTIONS
    namespace.Feature = converter.Feature
    namespace.autograph_artifact = api.autograph_artifact
    for operator in (
        if_stmt, while_stmt, for_stmt, if_exp, and_, or_, not_, assert_stmt, converted_call, FunctionScope,
    ):  # fmt: skip
        setattr(namespace, operator.__name__, operator)
    namespace.with_function_scope = lambda thunk, name, options: thunk(FunctionScope("lambda", name, options))

    class Transpiler(api.PyToPy):
        def get_transformed_name(self, node):
            return "tf__" + super(api.PyToPy, self).get_transformed_name(node)  # as TensorFlow has it; malt says "ag__"

        def get_extra_locals(self):
            return {"ag__": namespace}

    options = converter.ConversionOptions(
        recursive=True, user_requested=True, optional_features=(converter.Feature.ASSERT_STATEMENTS,)
    )
    return Transpiler(), converter.ProgramContext(options=options), operators


_converting = threading.RLock()
_warned: set = set()


def convert(function):
    """`function` with its control flow over tensors; itself, with a warning, if its source cannot be had."""
    if inspect.ismethod(function):
        return functools.partial(convert(function.__func__), function.__self__)
    if isinstance(function, functools.partial):
        return functools.partial(convert(function.func), *function.args, **function.keywords)
    if not inspect.isfunction(function):
        call = getattr(type(function), "__call__", None)  # noqa: B004 (the function itself, not whether there is one)
        if inspect.isclass(function) or not inspect.isfunction(call) or not _is_users(call):
            return function
        return functools.partial(convert(call), function)
    if not _is_users(function):
        return function
    known = function.__dict__.get("_converted", ())
    if len(known) != 2 or known[0] is not function:  # a decorator may have copied it from another function
        with _converting:
            known = function._converted = (function, _converted(function))
    return known[1]


def _converted(function):
    return function if _is_plain(function) else with_calls_changed(function, _call) or _convert(function)


def _call(f, /, *args, **kwargs):
    return converted_call(f, args, kwargs)


def _is_users(function):
    """Whether a function's source is the user's own, and to be converted."""
    if getattr(function, "_as_it_is", False) or inspect.isgeneratorfunction(function):
        return False
    code = function.__code__
    if inspect.iscoroutinefunction(function) or code.co_filename in GENERATED or CALL in code.co_freevars:
        return False
    return _is_users_module(function.__globals__.get("__name__"))


def _is_users_module(name):
    return (name or "").partition(".")[0] not in _LEFT_ALONE


_NULL_AFTER = sys.version_info >= (3, 13)  # a call's bytecode pushes a null after what it calls, not before


def _is_plain(function):
    """Whether there is nothing to convert: no jump, `not` or inner function, no call but of a library's functions."""
    import dis

    code, cells = function.__code__, dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    unknown = object()
    value, before = unknown, ""
    for step in dis.get_instructions(code):
        name = step.opname
        if name in ("MAKE_FUNCTION", "UNARY_NOT") or step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
            return False
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            value = function.__globals__.get(step.argval, getattr(builtins, step.argval, unknown))
        elif name == "LOAD_DEREF":
            try:
                value = cells[step.argval].cell_contents
            except (KeyError, ValueError):
                return False
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            if not inspect.ismodule(value):
                return False
            value = getattr(value, step.argval, unknown)
        elif _NULL_AFTER and name == "PUSH_NULL" and before.startswith("LOAD_FAST"):
            return False  # the call of a local name
        elif not _NULL_AFTER and before == "PUSH_NULL" and name.startswith("LOAD_FAST"):
            return False
        else:
            value, before = unknown, name
            continue
        if value is unknown or callable(value) and value is not convert(value) or _has_overload(value):
            return False
        before = name
    return True


def _has_overload(value):
    return (inspect.isclass(value) or inspect.isbuiltin(value)) and value in (builtins.super, *_BUILTINS)


def _convert(function):
    transpiler, context, _ = _transpiler()
    try:
        found, module, lines = transpiler.transform(function, context)
    except Exception as error:  # noqa: BLE001 (whatever malt cannot read, runs as it is)
        if function.__code__ not in _warned:
            _warned.add(function.__code__)
            warn(
                "AutoGraph could not transform %r and will run it as-is.\nCause: %s\nTo silence this warning, decorate "
                "the function with @tf.autograph.experimental.do_not_convert", function, error,
            )  # fmt: skip
        return function
    known = GENERATED.setdefault(module.__file__, {})
    for place, origin in lines.items():
        known[place.lineno] = (origin.loc.filename, origin.loc.lineno, origin.function_name or function.__name__)
    return found


def converted_call(f, args, kwargs, caller_fn_scope=None, options=None):
    """Call `f`, converted if it is the user's own; Python's built-in functions over tensors are TensorFlow's."""
    kwargs = kwargs or {}
    if inspect.isbuiltin(f) or inspect.isclass(f):
        overload = _BUILTINS.get(f)
        if overload is not None and any(map(_stands_for_tensor, args)):
            return overload(*args, **kwargs)
        if f in (builtins.super, builtins.eval, builtins.globals, builtins.locals):
            return _in_the_callers_place(f, args, kwargs, caller_fn_scope)
    return convert(f)(*args, **kwargs)


def _in_the_callers_place(f, args, kwargs, scope):
    """Built-in functions that look at the frame that calls them."""
    if scope is None:  # a function of which the calls alone were changed, which has them under another name
        caller = sys._getframe(3)  # of this, of `converted_call`, of `_call`
        if f is builtins.eval and len(args) == 1:
            return f(*args, caller.f_globals, caller.f_locals)
        names = {builtins.globals: caller.f_globals, builtins.locals: caller.f_locals}
        return names[f] if f in names else f(*args, **kwargs)
    from malt.operators import py_builtins

    if f is builtins.eval:
        return py_builtins.eval_in_original_context(f, args, scope)
    if f is builtins.super:
        return py_builtins.super_in_original_context(f, args, scope)
    return getattr(py_builtins, f"{f.__name__}_in_original_context")(scope)


class FunctionScope:
    """What surrounds the body of a converted function."""

    def __init__(self, name, scope_name, options):
        self.name = scope_name
        self.function_name = name
        self.callopts = options

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        pass

    def ret(self, value, did_return):
        """The value that the function returns."""
        if isinstance(value, _transpiler()[2].UndefinedReturnValue):
            return None
        if is_symbolic(did_return):  # a return in a loop: whether it was reached is known when the graph runs
            from tapeflow.ops.debugging import Assert

            Assert(did_return, [f"{self.function_name} must return a value"])
        return value


def to_graph(entity, recursive=True, experimental_optional_features=None):
    """`entity`, a function, with its control flow over tensors.

    >>> import tapeflow as tf
    >>> tf.autograph.to_graph(abs)(-1)
    1
    """
    return convert(entity)


def to_code(entity, recursive=True, experimental_optional_features=None):
    """The source that a function is converted to, as text.

    Raises ValueError for what is not converted: a built-in function, a library's own.

    >>> import fractions, tapeflow as tf
    >>> "if_stmt" in tf.autograph.to_code(fractions.Fraction.limit_denominator)
    True
    """
    found = entity if inspect.isbuiltin(entity) else _convert(inspect.unwrap(getattr(entity, "__func__", entity)))
    try:
        source = inspect.getsource(found) if found.__code__.co_filename in GENERATED else _no_code(entity)
        return textwrap.dedent(source)
    except (AttributeError, OSError):
        return _no_code(entity)


def _no_code(entity):
    raise ValueError(f"{entity!r} cannot be converted: there is no source of it.")


def set_verbosity(level, alsologtostdout=False):
    """How much AutoGraph says of what it does: from 0, nothing, to 10.

    >>> import tapeflow as tf
    >>> tf.autograph.set_verbosity(0)
    """
    from malt.utils import ag_logging

    ag_logging.set_verbosity(level, alsologtostdout)


def trace(*args):
    """Print the arguments, while tracing.

    >>> import tapeflow as tf
    >>> tf.autograph.trace("here", 1)
    here 1
    """
    print(*args)


# Conditions.


def if_stmt(cond, body, orelse, get_state, set_state, symbol_names, nouts):
    """`if cond: body() else: orelse()`; the state is that of the names which either changes."""
    cond = _settled(cond)
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
    _, _, operators = _transpiler()
    undefined = (operators.Undefined, operators.UndefinedReturnValue)
    for value, branch in ((one, "main"), (two, "else")):
        if isinstance(value, undefined):
            if isinstance(one, undefined) and isinstance(two, undefined):
                return lambda outs: one
            if isinstance(value, operators.UndefinedReturnValue):
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
        if a is b or not _stands_for_tensor(a) and not _stands_for_tensor(b) and type(a) is type(b) and _equal(a, b):
            places.append(a)
            continue
        if a is None or b is None:
            raise ValueError(f"{name!r} is None at the end of the {'main' if a is None else 'else'} branch.")
        if hasattr(type(a), "_parts") and hasattr(type(b), "_parts"):
            if b._is_blank() or a._is_blank():
                a, b = (a, b._like(a)) if b._is_blank() else (a._like(b), b)
            mine, theirs = a._parts(), b._parts()
        elif not _stands_for_tensor(a) and _stands_for_tensor(b):
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
    if thread.trace is None or not _stands_for_tensor(going):
        while _known(test(), _MIXED):
            body()
        return
    reads = bool(looked.hoisted or looked.graph.variables()) or isinstance(going, Variable)
    _staged(lambda: _settled(test()), body, get_state, set_state, symbol_names, opts, reads=reads)


def _known(condition, problem):
    try:
        return bool(condition)
    except OperatorNotAllowed:
        raise NotImplementedError(problem) from None


def for_stmt(iter_, extra_test, body, get_state, set_state, symbol_names, opts):
    """`for target in iter_: body(target)`, as long as `extra_test()` holds, if it is given."""
    if thread.trace is None or not _stands_for_tensor(iter_):
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
    operators = _transpiler()[2]
    if isinstance(old, (operators.Undefined, operators.UndefinedReturnValue)):
        return True  # set and used within one round only
    return isinstance(old, (str, bytes)) and old == new


def _first_values(body, get_state, set_state, before, carried, unset, symbol_names, rows):
    """Stand-ins for what has no value, or no tensor's, before the loop: the body, tried out, tells their types."""
    operators = _transpiler()[2]

    from tapeflow.tracing.branch import traced
    from tapeflow.tracing.structures import opened

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
        if old is None or isinstance(old, (operators.Undefined, operators.UndefinedReturnValue)):
            unset[i] = None if isinstance(old, operators.UndefinedReturnValue) else symbol_names[i]
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
        _stands_for_tensor(v) or isinstance(v, numbers) or hasattr(type(v), "_parts") for v in leaves
    )


# Built-in functions.


def _len(value):
    from tapeflow.core.dims import Dim
    from tapeflow.ops.shaping import shape

    tensor = convert_to_tensor(value)
    if tensor._shape and isinstance(tensor._shape[0], Dim):
        return shape(tensor)[0]
    return len(tensor)


def _abs(value):
    from tapeflow.ops.complex_parts import abs as tensor_abs

    return tensor_abs(value)


def _range(*values):
    from tapeflow.ops.creation import range as tensor_range

    return tensor_range(*values)


def _number(kind, dtype):
    def cast_to(value=0, *rest):
        from tapeflow.ops.casting import cast

        return cast(value, dtype) if is_symbolic(value) else kind(value, *rest)

    return cast_to


_BUILTINS = {
    len: _len, abs: _abs, range: _range, int: _number(int, "int32"), float: _number(float, "float32"),
}  # fmt: skip
