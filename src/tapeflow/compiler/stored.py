"""Plans on disk, so that a second process needs neither the passes over a graph nor LLVM: it traces, and runs.

A plan is kept under a digest of all that it is made from: the graph as it was traced, to the last attribute, the shapes
of the inputs, the number of threads, the processor, the versions, and this package's source. `_said` writes each of
them down so that no two that differ are written alike; what it does not know it refuses, and the graph is planned anew
in every process. Only graphs that are native code as a whole are kept: what a plan on disk says is data.
"""

import marshal
from types import EllipsisType, NoneType

import numpy as np

from tapeflow.compiler import cache, identity, jit, runtime
from tapeflow.compiler.plan import Step, Write
from tapeflow.core.dims import Dim, UnknownRank
from tapeflow.core.dtype import DType, bfloat16
from tapeflow.core.tensor import EagerTensor
from tapeflow.core.variable import LARGE, UnreadVariable, Variable
from tapeflow.graph.ir import Graph

MOST = 1 << 22  # bytes of constants that are read to make a key; and, of those that the passes made, to be kept
SHORT = 64  # bytes of a constant that stand in a key as they are
_OURS = frozenset(["tapeflow", "numpy", "_operator", None])  # whose kernels the sources and versions know
_PLAIN = frozenset([int, str, bool, bytes, NoneType, EllipsisType])  # whose repr says all


class Unsayable(Exception):
    """Something in a graph that a key cannot say."""


class Key:
    """What a graph's plan is kept under, and the variables by the numbers that the plan knows them by."""

    def __init__(self, graph, shapes, threads):
        source = identity.sources()
        if source is None:
            raise Unsayable("this package's source")
        self.variables = []
        self._numbers = {}  # by a variable's id
        self._types = {}
        self._bytes = 0
        about = source, identity.packages(), identity.processor(), threads, LARGE, "bounded" in graph.cache
        bounded = bool(graph.cache.get("bounded", False))  # see `plan`
        told = about, bounded, self._said(tuple(map(tuple, shapes))), self._graph(graph)
        variables = [self._variable_type(variable) for variable in self.variables]
        self.text = cache.sha256(repr((told, variables)).encode()).hexdigest()

    def _graph(self, graph):
        type_of = self._type
        types = graph.types
        return (
            len(types), [(slot, type_of(types[slot])) for slot in graph.inputs], list(graph.outputs),
            [(slot, type_of(types[slot]), self._constant(tensor)) for slot, tensor in graph.constants.items()],
            [
                (_statement(node.prim), node.inputs, self._attrs(node), node.outputs,
                 [type_of(types[slot]) for slot in node.outputs])
                for node in graph.nodes
            ],
        )  # fmt: skip

    def _attrs(self, node):
        if not node.attrs or node.prim.name == "Assert":  # what an assertion calls is no part of native code
            return ()
        return self._said(node.attrs)

    def _type(self, type):
        found = self._types.get(type)
        if found is None:
            shape, dtype = type
            found = self._types[type] = _Text(f"{self._said(shape)!r} {self._said(dtype)!r}")
        return found

    def _constant(self, tensor):
        if tensor.__class__ is not EagerTensor:
            raise Unsayable(tensor.__class__)
        array = np.asarray(tensor._array)
        self._bytes += array.nbytes
        if self._bytes > MOST:
            raise Unsayable("so large a constant")
        data = array.tobytes()
        if len(data) > SHORT:
            data = cache.sha256(data).digest()
        return _dtype_said(array.dtype), array.shape, array.strides, data

    def _variable(self, variable):
        number = self._numbers.get(variable._id)
        if number is None:
            number = self._numbers[variable._id] = len(self.variables)
            self.variables.append(variable)
        return _Text(f"Variable({number})")

    def _variable_type(self, variable):
        array, declared = variable._array, variable._declared_shape._dims
        return self._said((variable._np, None if declared is None else tuple(declared), array.shape, array.dtype))

    def _said(self, value):
        """A value as one whose repr says all of it."""
        kind = value.__class__
        if kind in _PLAIN:
            return value
        if kind in (float, complex) and value == value:
            return value
        if kind is tuple or kind is list:
            return kind([self._said(item) for item in value])
        if kind is slice:
            return _Text(f"slice({self._said((value.start, value.stop, value.step))!r})")
        if kind is Dim:
            return _Text(f"Dim({self._said(value.key)!r})")
        if kind is UnknownRank:
            return _Text("UnknownRank")
        if isinstance(value, np.dtype) and value.names is None and value.subdtype is None:
            return _Text(f"dtype({value.str} {value.name})")
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            return _Text(f"number({value.dtype.str} {value.tobytes()!r})")
        if kind is DType:
            return _Text(f"DType({value.name})")
        if kind is Variable or kind is UnreadVariable:
            return self._variable(value)
        if kind is Graph:
            return _Text(f"Graph({self._graph(value)!r})")
        raise Unsayable(kind)


class _Text:
    """What is written into a repr as it stands."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


_statements: dict = {}  # primitives: what tells them apart


def _statement(prim):
    """What tells a primitive apart from all others, which its name alone does not."""
    found = _statements.get(prim)
    if found is None:
        module, name = [getattr(prim.kernel, place, None) for place in ("__module__", "__qualname__")]
        if (module and module.partition(".")[0]) not in _OURS:
            raise Unsayable(module)
        about = prim.name, prim.kind, module, name, prim.operands, prim.attrs, prim.many, prim.effect
        found = _statements[prim] = _Text(f"Primitive{about!r}")
    return found


class Kept:
    """What the driver needs of a plan."""

    def __init__(self, data, constants, variables):
        self.barriers = self.effects = frozenset()
        self.steps = [Step(name=name, slots=slots) for name, slots in data["steps"]]
        self.values = [_type(type) for type in data["values"]]
        self.grown = [_type(type) for type in data["grown"]]
        self.constants = constants
        self.reads = [(variables[number], None) for number in data["reads"]]
        self.writes = []
        for number, over in data["writes"]:
            self.writes.append(Write(variables[number], None))
            self.writes[-1].over = over
        self.outputs = [Output(*_type(type)) for _, *type in data["outputs"]]
        self.location = {output: location for output, (location, *_) in zip(self.outputs, data["outputs"])}
        self.arena, self.work = data["arena"], data["work"]
        self.code = None
        self.inner, self.parallel = data["inner"], data["parallel"]


class Output:
    """A value that a plan gives."""

    def __init__(self, shape, dtype):
        self.shape = shape
        self.dtype = dtype


def _type(said):
    shape, dtype = said
    return None if shape is None else tuple(shape), np.dtype(dtype)


def key(graph, shapes, threads):
    """The Key of a graph for shapes, whose loops so many threads share; None where nothing is kept of it."""
    if cache.folder() is None:
        return None
    try:
        return Key(graph, shapes, threads)
    except Unsayable:
        return None


def read(key, graph):
    """The plan that was kept under a key, its code in memory; None if there is none."""
    data = cache.read(key.text, "plan")
    if data is None:
        return None
    length = int.from_bytes(data[:8], "little")
    said, rest = marshal.loads(data[8 : 8 + length]), memoryview(data)[8 + length :]
    codes = [cache.read(name) for name in said["codes"]]
    if None in codes:
        return None
    constants = {}
    for slot, dtype, shape in said["constants"]:
        if dtype is None:
            constants[slot] = np.asarray(graph.constants[slot]._array)
            continue
        array = np.empty(shape, dtype)
        constants[slot] = array
        array.reshape(-1).view(np.uint8)[:] = np.frombuffer(rest[: array.nbytes], np.uint8)
        rest = rest[array.nbytes :]
    plan = Kept(said, constants, key.variables)
    plan.code = jit.link(codes, runtime.symbols(said["calls"]), [step.name for step in plan.steps])
    return plan


def write(key, graph, known, plan, codes, calls):
    """Keep the plan of `known`, which `graph` was made for known shapes. `codes`: the keys of its machine code."""
    if not plan.steps or any(step.node is not None for step in plan.steps) or plan.barriers or plan.effects:
        return
    number = {variable._id: i for i, variable in enumerate(key.variables)}
    constants, data = [], []
    try:
        for slot, array in plan.constants.items():
            tensor = graph.constants.get(slot)
            if tensor is not None and tensor is known.constants.get(slot):
                constants.append((slot, None, None))
            else:
                constants.append((slot, _dtype_said(array.dtype), array.shape))
                data.append(array.tobytes())
        said = {
            "steps": [(step.name, step.slots) for step in plan.steps],
            "values": [_sayable(*type) for type in plan.values],
            "grown": [_sayable(*type) for type in plan.grown],
            "constants": constants,
            "reads": [number[variable._id] for variable, _ in plan.reads],
            "writes": [(number[write.variable._id], write.over) for write in plan.writes],
            "outputs": [(plan.location[term], *_sayable(term.shape, term.dtype)) for term in plan.outputs],
            "arena": plan.arena, "work": plan.work, "inner": bool(plan.inner), "parallel": plan.parallel,
            "codes": codes, "calls": calls,
        }  # fmt: skip
    except Unsayable:
        return
    text = marshal.dumps(said)
    if sum(map(len, data)) <= MOST and marshal.loads(text) == said:  # there is no number of NumPy's in it
        cache.write(key.text, b"".join([len(text).to_bytes(8, "little"), text, *data]), "plan")


def _sayable(shape, dtype):
    return shape, _dtype_said(dtype)


def _dtype_said(dtype):
    """A dtype's name: that of a number, of this machine's byte order."""
    if dtype.kind not in "biufc" and dtype != bfloat16._np or dtype != np.dtype(dtype.name):
        raise Unsayable(dtype)
    return dtype.name
