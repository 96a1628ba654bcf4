"""AutoGraph: Python's own `if`, `while`, `for`, `and`, `or`, `not`, ... over tensors, in a trace.

The package diastatic-malt rewrites a function's source so that each statement is a call of an operator in the
namespace `ag__`; this module is those operators. What does not depend on a symbolic tensor stays Python's.
"""

import builtins
import functools
import inspect
import sys
import weakref

from tapeflow.core import nest
from tapeflow.core.convert import convert_to_tensor
from tapeflow.core.listening import thread
from tapeflow.core.logging import warn
from tapeflow.core.tensor import EagerTensor, Tensor
from tapeflow.core.variable import Variable
from tapeflow.tracing import control_flow

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
        if_stmt, while_stmt, for_stmt, if_exp, and_, or_, not_, eq, not_eq, assert_stmt, converted_call,
    ):  # fmt: skip
        setattr(namespace, operator.__name__, operator)

    class Transpiler(api.PyToPy):
        def get_extra_locals(self):
            return {"ag__": namespace}

    wanted = converter.Feature
    features = (wanted.ASSERT_STATEMENTS, wanted.BUILTIN_FUNCTIONS, wanted.EQUALITY_OPERATORS)
    options = converter.ConversionOptions(recursive=True, user_requested=True, optional_features=features)
    return Transpiler(), converter.ProgramContext(options=options), operators


_converted = weakref.WeakKeyDictionary()
_warned = set()


def convert(function):
    """`function` with its control flow over tensors; itself, with a warning, if its source cannot be had."""
    if inspect.ismethod(function):
        return functools.partial(convert(function.__func__), function.__self__)
    if isinstance(function, functools.partial):
        return functools.partial(convert(function.func), *function.args, **function.keywords)
    if not inspect.isfunction(function):
        call = getattr(type(function), "__call__", None)
        if inspect.isclass(function) or not inspect.isfunction(call) or not _is_users(call):
            return function
        return functools.partial(convert(call), function)
    if not _is_users(function):
        return function
    found = _converted.get(function)
    if found is None:
        found = _converted[function] = _convert(function)
    return found


def _is_users(function):
    """Whether a function's source is the user's own, and to be converted."""
    if getattr(function, "_as_it_is", False) or hasattr(function, "ag_module") or inspect.isgeneratorfunction(function):
        return False
    if inspect.iscoroutinefunction(function) or function.__code__.co_filename.startswith("<"):
        return False
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] not in _LEFT_ALONE


def _convert(function):
    inner = inspect.unwrap(function)
    if inner is not function and hasattr(function, "__wrapped__"):
        inner = function  # a decorator's wrapper is a function like any other
    try:
        transpiler, context, _ = _transpiler()
        found, module, _ = transpiler.transform(inner, context)
    except Exception as error:  # noqa: BLE001 (whatever malt cannot read, runs as it is)
        if function.__code__ not in _warned:
            _warned.add(function.__code__)
            warn(
                "AutoGraph could not transform %r and will run it as-is: %s: %s. To silence this warning, decorate the "
                "function with @tf.autograph.experimental.do_not_convert", function, type(error).__name__, error,
            )  # fmt: skip
        return function
    found.ag_module = module
    return found


def converted_call(f, args, kwargs, caller_fn_scope=None, options=None):
    """Call `f`, converted if it is the user's own; Python's built-in functions over tensors are TensorFlow's."""
    kwargs = kwargs or {}
    overload = _BUILTINS.get(f) if inspect.isbuiltin(f) or inspect.isclass(f) else None
    if overload is not None and any(map(_stands_for_tensor, args)):
        return overload(*args, **kwargs)
    if f is builtins.super and not args:
        raise NotImplementedError("super() without arguments cannot be converted: write super(Class, self).")
    return convert(f)(*args, **kwargs)


# Conditions.


def if_stmt(cond, body, orelse, get_state, set_state, symbol_names, nouts):
    """`if cond: body() else: orelse()`; the state is that of the names which either changes."""
    if not is_symbolic(cond):
        body() if cond else orelse()
        return
    before = get_state()

    def branch(function):
        def run():
            set_state(before)
            function()
            return get_state()

        return run

    (taken, ones), (other, twos) = (
        control_flow.traced(name, branch(function)) for name, function in (("true", body), ("false", orelse))
    )
    merged, first, second = [], [], []
    for name, one, two, place in zip(symbol_names, ones, twos, range(len(symbol_names))):
        merged.append(_merged(name, one, two, first, second, place < nouts))
    outs = control_flow.joined(cond, taken, first, other, second)
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
                raise ValueError(
                    f"A value must also be returned from the {branch} branch. If a value is returned from one branch of "
                    "a conditional a value must be returned from all branches."
                )
            raise ValueError(f"{name!r} must also be initialized in the {branch} branch")
    try:
        nest.assert_same_structure(one, two, check_types=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name!r} does not have the same structure in both branches: {error}") from None
    places = []
    for a, b in zip(nest.flatten(one), nest.flatten(two)):
        if a is b or not _stands_for_tensor(a) and not _stands_for_tensor(b) and type(a) is type(b) and a == b:
            places.append((None, a))
            continue
        if a is None or b is None:
            branch = "main" if a is None else "else"
            raise TypeError(f"{name!r} is None at the end of the {branch} branch, and a tensor at that of the other.")
        if not _stands_for_tensor(a) and _stands_for_tensor(b):
            b = convert_to_tensor(b)
            a = convert_to_tensor(a, dtype_hint=b.dtype)
        else:
            a = convert_to_tensor(a)
            b = convert_to_tensor(b, dtype_hint=a.dtype)
        if a.dtype is not b.dtype:
            raise TypeError(
                f"{name!r} has dtype {a.dtype.name} in the main branch, but dtype {b.dtype.name} in the else branch"
            )
        places.append((len(first), None))
        first.append(a)
        second.append(b)
    return lambda outs: nest.pack_sequence_as(one, [v if i is None else outs[i] for i, v in places])


def if_exp(cond, if_true, if_false, expr_repr):
    """`if_true() if cond else if_false()`."""
    if is_symbolic(cond):
        return control_flow.cond(cond, if_true, if_false)
    return if_true() if cond else if_false()


def and_(a, b):
    """`a() and b()`."""
    left = a()
    if is_symbolic(left):
        return control_flow.cond(left, b, lambda: left)
    return left and b()


def or_(a, b):
    """`a() or b()`."""
    left = a()
    if is_symbolic(left):
        return control_flow.cond(left, lambda: left, b)
    return left or b()


def not_(a):
    """`not a`."""
    if is_symbolic(a):
        from tapeflow.ops.compare import logical_not

        return logical_not(a)
    return not a


def eq(a, b):
    """`a == b`."""
    return a == b


def not_eq(a, b):
    """`a != b`."""
    return a != b


def assert_stmt(expression1, expression2):
    """`assert expression1, expression2()`."""
    if is_symbolic(expression1):
        from tapeflow.ops.debugging import Assert

        message = expression2()
        return Assert(expression1, list(message) if isinstance(message, tuple) else [message])
    assert expression1, expression2()
    return None


# Loops.


def while_stmt(test, body, get_state, set_state, symbol_names, opts):
    """`while test(): body()`."""
    before = get_state()
    first = test()
    if thread.trace is None or not _stands_for_tensor(first):
        going = first
        while going:
            body()
            going = test()
            if is_symbolic(going):
                raise TypeError(
                    "The condition of a while loop started as a Python value, and became a tensor. Make it a tensor "
                    "before the loop: tf.constant(True)."
                )
        return
    set_state(before)
    _staged(lambda: test(), lambda: body(), get_state, set_state, symbol_names)


def for_stmt(iter_, extra_test, body, get_state, set_state, symbol_names, opts):
    """`for target in iter_: body(target)`, as long as `extra_test()` holds, if it is given."""
    if thread.trace is None or not _stands_for_tensor(iter_):
        _python_for(iter_, extra_test, body)
        return
    from tapeflow.ops.indexing import gather
    from tapeflow.ops.shaping import shape

    rows = convert_to_tensor(iter_)
    if not rows._shape:
        raise TypeError("Cannot iterate over a scalar tensor.")
    size = shape(rows)[0]
    index = [convert_to_tensor(0)]

    def test():
        going = index[0] < size
        return going if extra_test is None else control_flow.cond(_symbolic(going), extra_test, lambda: going)

    def step():
        body(gather(rows, index[0]))
        index[0] = index[0] + 1

    def get():
        return (index[0], *get_state())

    def put(state):
        index[0] = state[0]
        set_state(tuple(state[1:]))

    _staged(test, step, get, put, ("the loop's index", *symbol_names))


def _symbolic(tensor):
    return thread.trace.lift(tensor)


def _python_for(iterable, extra_test, body):
    for target in iterable:
        if extra_test is not None and not extra_test():
            break
        body(target)


def _staged(test, body, get_state, set_state, symbol_names):
    """A loop in the graph over the names whose values can be tensors."""
    _, _, operators = _transpiler()
    before = get_state()
    carried = [i for i, value in enumerate(before) if _is_tensors(value)]

    def full(values):
        state = list(before)
        for i, value in zip(carried, values):
            state[i] = value
        return tuple(state)

    def cond_fn(*values):
        set_state(full(values))
        return test()

    def body_fn(*values):
        set_state(full(values))
        body()
        after = get_state()
        for i, (name, old, new) in enumerate(zip(symbol_names, before, after)):
            if i in carried or old is new or isinstance(old, operators.Undefined):
                continue
            if isinstance(old, operators.UndefinedReturnValue):
                raise NotImplementedError("return within a loop over tensors: set a variable, and return it after the loop.")
            raise ValueError(
                f"{name!r} must be a tensor, or stay what it is, in a loop over tensors: it was {old!r} and became {new!r}."
            )
        return [after[i] for i in carried]

    try:
        found = control_flow.while_loop(cond_fn, body_fn, [before[i] for i in carried])
    except BaseException:
        set_state(before)
        raise
    set_state(full(found))


def _is_tensors(value):
    """Whether a value is, or holds only, what can be a tensor of a loop."""
    leaves = nest.flatten(value)
    return bool(leaves) and all(_stands_for_tensor(v) or isinstance(v, (bool, int, float, complex)) for v in leaves)


# Built-in functions.


def _len(value):
    from tapeflow.core.dims import Dim
    from tapeflow.ops.shaping import shape

    tensor = convert_to_tensor(value)
    if tensor._shape and isinstance(tensor._shape[0], Dim):
        return shape(tensor)[0]
    return len(tensor)


def _print(*values, **kwargs):
    if not any(map(is_symbolic, values)) and thread.trace is None:
        return print(*values, **kwargs)
    from tapeflow.ops.host import print as tensor_print

    kwargs.pop("flush", None)
    kwargs["output_stream"] = kwargs.pop("file", sys.stdout)
    return tensor_print(*values, **kwargs)


def _range(*values):
    from tapeflow.ops.creation import range as tensor_range

    return tensor_range(*values)


def _number(kind, dtype):
    def cast_to(value=0, *rest):
        from tapeflow.ops.casting import cast

        return cast(value, dtype) if is_symbolic(value) else kind(value, *rest)

    return cast_to


_BUILTINS = {
    len: _len, print: _print, range: _range, int: _number(int, "int32"), float: _number(float, "float32"),
}  # fmt: skip
