"""AutoGraph of functions whose own control flow is Python's: their calls alone are changed.

Most training steps loop over lists of variables and test nothing that is a tensor. Only what they call may have to be
converted, so `f(x)` becomes `ag__call(f, x)`, the rest of the function stays as it is, with its lines, and the package
that rewrites statements need not be loaded. What is in doubt is left to it.
"""

import __future__

import ast
import builtins
import dis
import functools
import inspect
import linecache
import tokenize
import types

CALL = "ag__call"  # a free variable of what was changed
_LOOKS_AT_ITS_CALLER = frozenset({"super", "eval", "exec", "globals", "locals", "vars", "dir", "breakpoint"})
_ITERATORS = frozenset({"zip", "enumerate", "reversed", "sorted", "map", "filter", "list", "tuple", "set", "dict"})
_TESTS = frozenset({"isinstance", "issubclass", "hasattr", "callable"})
_WAYS_OF_CALLING = frozenset({"PUSH_NULL", "PRECALL", "NOP", "EXTENDED_ARG", "CACHE"})
_CONTAINERS = (list, tuple, dict, set, frozenset, range, str)
_LEFT_TO_MALT = (
    ast.While, ast.Assert, ast.NamedExpr, ast.ClassDef, ast.AsyncFunctionDef, ast.AsyncFor,
    ast.AsyncWith, ast.Await, ast.Yield, ast.YieldFrom, getattr(ast, "Match", ast.Await),
)  # fmt: skip
_FUTURE = sum([getattr(__future__, name).compiler_flag for name in __future__.all_feature_names])


def with_calls_changed(function, call):
    """The function with `call(f, ...)` in place of `f(...)`; None if that is not enough, or its source is in doubt."""
    code = function.__code__
    tree = _tree(code, function.__globals__)
    if tree is None or not _Reader(function).allows(tree) or not _same(_compiled(tree, code), code):
        return None
    made = _compiled(_Calls().visit(tree), code, CALL)
    if made is None:
        return None
    cells = dict(zip(code.co_freevars, function.__closure__ or ()))
    cells[CALL] = types.CellType(call)
    closure = tuple([cells[name] for name in made.co_freevars])
    changed = types.FunctionType(made, function.__globals__, function.__name__, function.__defaults__, closure)
    changed.__kwdefaults__ = function.__kwdefaults__
    return functools.update_wrapper(changed, function)


def _tree(code, names):
    """The definition that code comes from, at its place in its file; None if there is none."""
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, names)[code.co_firstlineno - 1 :]
    try:
        node = _parsed(lines[: _last_line(code) - code.co_firstlineno + 1]) or _parsed(inspect.getblock(lines))
    except (ValueError, SyntaxError, tokenize.TokenError):
        return None
    if not isinstance(node, ast.FunctionDef):
        return None
    ast.increment_lineno(node, code.co_firstlineno - 1)
    # What is evaluated where the function is defined is no part of it.
    node.decorator_list, node.returns = [], None
    arguments = node.args
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    nothing = ast.copy_location(ast.Constant(None), node)
    arguments.defaults = [nothing for _ in arguments.defaults]
    arguments.kw_defaults = [default and nothing for default in arguments.kw_defaults]
    return node


def _last_line(code):
    """The last line that code has instructions for."""
    ends = [end for _, end, _, _ in code.co_positions() if end] if hasattr(code, "co_positions") else []
    inner = [_last_line(x) for x in code.co_consts if isinstance(x, types.CodeType)]
    return max([code.co_firstlineno, *ends, *inner])


def _parsed(lines):
    """The first statement; None if the lines end before it does."""
    indented = bool(lines) and lines[0][0].isspace()
    try:
        nodes = ast.parse("".join(["if 1:\n", *lines] if indented else lines)).body
    except SyntaxError:
        return None
    if not indented:
        return nodes[0] if nodes else None
    return ast.increment_lineno(nodes[0].body[0], -1)


def _compiled(node, code, *more):
    """The code of a definition in the place of `code`: within a function that has its free variables, and more."""
    names = [ast.arg(name) for name in (*code.co_freevars, *more)]
    arguments = ast.arguments([], names, None, [], [], None, [])
    known = [] if code.co_name in code.co_freevars else [ast.Global([code.co_name])]  # a function that calls itself
    outer = ast.FunctionDef("outer", arguments, [*known, node], [], None)
    outer.type_params = []  # from Python 3.12 on
    module = ast.fix_missing_locations(ast.Module([ast.copy_location(outer, node)], []))
    try:
        whole = compile(module, code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    return _inner(_inner(whole, "outer"), code.co_name)


def _inner(code, name):
    found = [x for x in code.co_consts if isinstance(x, types.CodeType) and x.co_name == name] if code else []
    return found[0] if len(found) == 1 else None


def _same(made, code):
    """Whether what was read is what runs: the file may have changed."""
    if made is None or made.co_freevars != code.co_freevars or made.co_varnames != code.co_varnames:
        return False
    if not _equal(made, code) and list(map(_step, _steps(made))) != list(map(_step, _steps(code))):
        return False
    inner, known = [[x for x in c.co_consts if isinstance(x, types.CodeType)] for c in (made, code)]
    return len(inner) == len(known) and all(map(_same, inner, known))


def _equal(made, code):
    """Whether two pieces of code are the same to the byte. (What is not may do the same.)"""
    return made.co_code == code.co_code and made.co_names == code.co_names and _constants(made) == _constants(code)


def _constants(code):
    return [None if isinstance(x, types.CodeType) else repr(x) for x in code.co_consts]


def _steps(code):
    return [step for step in dis.get_instructions(code) if step.opname not in _WAYS_OF_CALLING]


def _step(step):
    """What an instruction does. (A method of what the file imports is called in another way than one of an object.)"""
    value = step.argval
    if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs or isinstance(value, types.CodeType):
        value = None
    return step.opname.replace("_METHOD", "_ATTR"), value.__class__, value


class _Reader:
    """Looks for what would have to be rewritten, with the names as they are now."""

    def __init__(self, function):
        code = function.__code__
        self.bound = set(_locals(code))
        self.globals = function.__globals__
        self.cells = dict(zip(code.co_freevars, function.__closure__ or ()))

    def allows(self, tree):
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                self.bound.update(node.names)
        return all(map(self._allows, nodes))

    def _allows(self, node):
        if isinstance(node, _LEFT_TO_MALT):
            return False
        if isinstance(node, ast.Name):
            return node.id not in _LOOKS_AT_ITS_CALLER and node.id not in ("__class__", CALL)
        if isinstance(node, ast.For):
            return self._is_pythons(node.iter)
        if isinstance(node, (ast.If, ast.IfExp)):
            return self._is_test(node.test)
        if isinstance(node, ast.BoolOp):
            return self._is_test(node)
        return not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)) or self._is_test(node.operand)

    def _is_pythons(self, node):
        """Whether what a loop is over is no tensor, whatever the arguments are."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if not self._is_builtin(name):
                return False
            return name in _ITERATORS or name == "range" and all(map(self._is_number, node.args))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self._is_pythons(node.value)
        if isinstance(node, ast.Name):
            return isinstance(self._outside(node.id), _CONTAINERS)
        return isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp,
                                 ast.GeneratorExp))  # fmt: skip

    def _is_number(self, node):
        if isinstance(node, ast.Name):
            return isinstance(self._outside(node.id), int)
        return isinstance(node, ast.Constant)

    def _is_test(self, node):
        """Whether a condition is no tensor."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._is_test(node.operand)
        if isinstance(node, ast.BoolOp):
            return all(map(self._is_test, node.values))
        if isinstance(node, ast.Compare):
            return all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops)
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id in _TESTS and self._is_builtin(node.func.id)
        return isinstance(node, ast.Constant)

    def _outside(self, name):
        """The value of a name from outside the function, None if it has none."""
        if name in self.bound:
            return None
        if name not in self.cells:
            return self.globals.get(name)
        try:
            return self.cells[name].cell_contents
        except ValueError:
            return None

    def _is_builtin(self, name):
        return hasattr(builtins, name) and not any(name in names for names in (self.bound, self.cells, self.globals))


def _locals(code):
    """The names that a function, or one within it, binds."""
    inner = [name for x in code.co_consts if isinstance(x, types.CodeType) for name in _locals(x)]
    return [*code.co_varnames, *code.co_cellvars, *inner]


class _Calls(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        first = ast.copy_location(ast.Name(CALL, ast.Load()), node.func)
        return ast.copy_location(ast.Call(first, [node.func, *node.args], node.keywords), node)


__all__ = ["CALL", "with_calls_changed"]
