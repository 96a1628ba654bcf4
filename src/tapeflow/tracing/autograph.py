"""AutoGraph: functions whose control flow over tensors goes into a trace.

The package diastatic-malt rewrites a function's source so that each statement is a call of an operator in the
namespace `ag__`: those of `statements.py`, and `converted_call` here, by which functions that it calls are converted
too. What does not depend on a symbolic tensor stays Python's.
"""

import builtins
import functools
import inspect
import sys
import textwrap
import threading

from tapeflow.core.logging import warn
from tapeflow.tracing.builtin_functions import BUILTINS
from tapeflow.tracing.calls import CALL, with_calls_changed
from tapeflow.tracing.statements import (
    and_,
    assert_stmt,
    for_stmt,
    if_exp,
    if_stmt,
    is_symbolic,
    not_,
    or_,
    stands_for_tensor,
    while_stmt,
)
from tapeflow.tracing.user_code import GENERATED

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
    return Transpiler(), converter.ProgramContext(options=options)


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
    return (inspect.isclass(value) or inspect.isbuiltin(value)) and value in (builtins.super, *BUILTINS)


def _convert(function):
    transpiler, context = _transpiler()
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
        overload = BUILTINS.get(f)
        if overload is not None and any(map(stands_for_tensor, args)):
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
        from malt.operators import UndefinedReturnValue

        if isinstance(value, UndefinedReturnValue):
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
