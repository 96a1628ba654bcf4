"""A primitive: one operation, stated once, as data.

A statement gives a name (TensorFlow's op type), a NumPy kernel, a derivative of one of three kinds, and how the
operation batches. `autodiff/derive.py` turns a derivative into a vjp and a jvp; `autodiff/batching.py` batches.

A rule is a function whose parameter names say what it needs, and a tape keeps only that:

===============  ==========================================================================
an operand       its value (`x`, or `a`, `b`; the names are the statement's own)
`x_like`         the operand's shape and dtype only
`y`, `ys`        the output's value; all the outputs, where there are several
`g`, `gs`        the cotangent of the output; of all the outputs
`dx`             the tangent of the operand `x` (only in a `jvp`)
an attribute     its value, by the attribute's name
===============  ==========================================================================
"""

from itertools import repeat
from operator import itemgetter

ELEMENTWISE, LINEAR, GENERAL, MISSING, NONE = "elementwise", "linear", "general", "missing", "none"


class Primitive:
    """See the module's docstring. `kernels` maps a dtype to the kernel for it; None takes any dtype."""

    __slots__ = (
        "name", "kernel", "kernels", "operands", "attrs", "many", "kind", "rules", "jvp", "batch", "joint",
        "recorded", "passes_slices", "_keeps", "pull", "push", "effect", "shape", "dtype", "sized_by_values",
        "branches",
    )  # fmt: skip

    def __init__(self, name, kernel, dtypes, operands, attrs, many, kind, rules, jvp=None, batch=None, joint=False):
        self.name = name
        self.kernel = kernel
        self.kernels = None if dtypes is None else dict.fromkeys(dtypes, kernel)
        self.operands = tuple(operands.split())
        self.attrs = tuple(attrs.split())
        self.many = many  # several outputs: the kernel gives a tuple or list, and so does the application
        self.kind = kind
        self.rules = rules
        self.jvp = jvp
        self.batch = batch
        self.joint = joint  # linear in all its operands together (concat), not in each for itself (matmul)
        self.recorded = kind is not NONE
        self.passes_slices = False  # its transpose takes sliced rows as they are, without making them dense
        self.effect = None  # "read" or "write" where a graph may not drop or move the primitive at will
        self.shape = None  # the result's shape (shapes, of many) from the operands' and the attributes, or None
        self.dtype = None  # with `shape`: the result's dtype, where it is not the first operand's
        self.sized_by_values = False  # the result's shape depends on the operands' values
        self.branches = False  # its kernel may go several ways, by the sizes of the operands
        self._keeps = {}
        self.pull = self.push = None  # the vjp and jvp that autodiff/derive.py makes of the rules at first use
        PRIMITIVES.append(self)

    def __repr__(self):
        return f"<primitive {self.name}>"

    def keeps(self, mask):
        """What the derivative for the operands in `mask` (a bit each) needs: (operand flags or None, output)."""
        found = self._keeps.get(mask)
        if found is None:
            found = self._keeps[mask] = self._find_keeps(mask)
        return found

    def _find_keeps(self, mask):
        if self.kind in (ELEMENTWISE, LINEAR):
            wanted = [True] if self.operands == ("*",) else [mask >> i & 1 for i in range(len(self.rules))]
            rules = [rule for rule, want in zip(self.rules, wanted, strict=True) if want and callable(rule)]
        else:
            rules = [rule for rule in self.rules if rule is not None]
        names = {name for rule in rules for name in parameters(rule)}
        output = "y" in names or "ys" in names
        if self.operands == ("*",):  # any number of operands, known to the rule as one tuple
            return (None if "xs" in names else repeat(False)), output
        flags = tuple(operand in names for operand in self.operands)
        return (None if all(flags) else flags), output

    def pick(self, rule):
        """A function from the flat tuple (g, y, *attrs, *operands, *tangents) to the tuple of the rule's arguments."""
        return picker([self._place(name) for name in parameters(rule)])

    def _place(self, name):
        if name in ("g", "gs"):
            return 0
        if name in ("y", "ys"):
            return 1
        if name in self.attrs:
            return 2 + self.attrs.index(name)
        if name in ("xs", "xs_like", "dxs"):
            return 2 + len(self.attrs)
        name = name.removesuffix("_like")
        if name.startswith("d") and name[1:] in self.operands:
            return 2 + len(self.attrs) + len(self.operands) + self.operands.index(name[1:])
        return 2 + len(self.attrs) + self.operands.index(name)


PRIMITIVES: list["Primitive"] = []  # every statement, for the sweep in the tests


def parameters(rule):
    """The names of a rule's parameters."""
    code = rule.__code__
    return code.co_varnames[: code.co_argcount]


def picker(places):
    """A function from a tuple to the tuple of its items at `places`."""
    if len(places) == 1:
        (place,) = places
        return lambda slots: (slots[place],)
    if not places:
        return lambda slots: ()
    return itemgetter(*places)


def elementwise(name, kernel, dtypes, *partials, operands=None, attrs=""):
    """A function of single elements, broadcast over its operands; `partials`: its local partial derivatives.

    A partial is a rule, a number, None (no derivative with respect to that operand), or a rule that gives a boolean
    tensor, which selects: the cotangent where it is true, zero elsewhere, whatever the cotangent holds there.
    """
    if operands is None:
        operands = ("x", "a b", "a b c")[len(partials) - 1]
    return Primitive(name, kernel, dtypes, operands, attrs, False, ELEMENTWISE, partials, batch=ELEMENTWISE)


def linear(name, kernel, dtypes, *transposes, operands="x", attrs="", batch=None, many=False, joint=False):
    """A function linear in each operand by itself; `transposes`: a rule from `g` for each, None where it has none.

    `joint`: linear in all of them together instead. With `operands="*"` there may be any number, the rules know them
    as `xs`, and the one transpose gives all the cotangents.
    """
    return Primitive(name, kernel, dtypes, operands, attrs, many, LINEAR, transposes, batch=batch, joint=joint)


def general(name, kernel, dtypes, vjp, jvp=None, operands="x", attrs="", many=False, batch=None):
    """Any other differentiable function; a `jvp` that is not stated is had by transposing the `vjp`."""
    return Primitive(name, kernel, dtypes, operands, attrs, many, GENERAL, (vjp,), jvp, batch)


def constant(name, kernel, dtypes=None, operands="x", attrs="", many=False, batch=None):
    """A function without a derivative (integer, boolean or random results): a tape does not record it."""
    return Primitive(name, kernel, dtypes, operands, attrs, many, NONE, (), batch=batch)


def missing(name, kernel, dtypes=None, operands="x", attrs="", many=False, batch=None):
    """A function whose derivative ought to be there and is not: asking for it is a LookupError."""
    return Primitive(name, kernel, dtypes, operands, attrs, many, MISSING, (), batch=batch)
