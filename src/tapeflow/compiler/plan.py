"""From a graph of known shapes to the plan of a call: what is computed when, and where each value is kept.

`code.py` writes the plan's native functions, `driver.py` the Python function that calls them.
"""

from bisect import bisect_left
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from tapeflow.compiler import halves, products, program
from tapeflow.compiler.program import HOST, LEAF, LOOP, MATMUL, Term
from tapeflow.compiler.schedule import Schedule
from tapeflow.compiler.translations import CHECKS, translated
from tapeflow.compiler.types import REGISTER
from tapeflow.core.dims import holds_dim
from tapeflow.graph.lifted import lifted
from tapeflow.graph.passes import asserts

ALIGN = 64


class Unsupported(Exception):
    """A graph that is not compiled, and why."""


class Step(NamedTuple):
    """A native function `name`, which takes the objects at `slots`; or a host `node`."""

    name: str | None = None
    slots: tuple = ()  # locations: what the tuple holds, in order
    node: object = None
    operands: tuple = ()  # locations
    sizes: tuple = ()  # (slot, location) of what the sizes in the node's attributes are read from
    results: tuple = ()  # locations, None for what nobody needs


class Plan:
    """What a call does. A location says whose memory a value is in:

    ("input", i), ("constant", slot); ("variable", i), what a read gave; ("new", i), what is assigned;
    ("value", n), an array that is made for every call, or by a host node; ("arena", offset), scratch memory;
    ("grown", n), a stack of which only a native loop knows how many rows it has. In such a loop also
    ("stack", n), a number; ("round", n), what a round gives.

    A call is one piece but for barriers: host nodes that may read or assign variables by themselves. Before one, what
    was assigned is in the variables; after it, they are read again. Others come to them then: the lock is open.
    """

    def __init__(self, schedule):
        self.schedule = schedule
        self.location = {}  # of each term in memory
        self.values = []  # (shape, dtype) of the arrays ("value", n)
        self.constants = {}  # arrays by slot
        self.reads = []  # (variable, the host node after which it is read, None at the beginning)
        self.writes = []  # `Write`s
        self.barriers = set()  # the ids of host nodes that may read or assign variables
        self.effects = set()  # the ids of host nodes after which nothing may be done over
        self.checks = []  # boolean terms: where one is true the call ends, before anything is assigned
        self.outputs = []  # terms
        self.arena = 0  # bytes of scratch memory
        self.stack = []  # dtypes of the numbers ("stack", n)
        self.grown = []  # (shape of a row, dtype) of the stacks ("grown", n)
        # What `code.write` adds.
        self.steps = []
        self.texts = []  # of modules in LLVM's assembly language
        self.work = 0  # simple instructions in all
        self.splits = {}  # a group's number: how its loops are parted
        self.inner = []  # the plans of native loops
        self.code = None  # the machine code in memory, once it is there
        self.strided = {}  # by the id of a host node that is a loop: what runs it, see `strides`

    @property
    def exports(self):
        """The names of the native functions."""
        return [step.name for step in self.steps if step.name is not None]

    @property
    def parallel(self):
        """Whether threads share any loop."""
        return any(split.parts > 1 for split in self.splits.values()) or any(plan.parallel for plan in self.inner)

    def reserve(self, size):
        """The location of scratch that is used by nothing else."""
        offset = self.arena
        self.arena += -(-size // ALIGN) * ALIGN
        return ("arena", offset)

    def new_value(self, term):
        """The location of a new array for a term."""
        self.values.append((term.shape, term.dtype))
        return ("value", len(self.values) - 1)


class Write:
    """An assignment to a variable, before a host node or, where that is None, at the end.

    Where `over` is None, a new array takes the old one's place; otherwise it is done in place, over that read.
    """

    def __init__(self, variable, before):
        self.variable = variable
        self.before = before
        self.over = None


def plan(graph, large, bounded=False):
    """The plan for a graph whose shapes are all known. Raises Unsupported.

    `large`: from how many elements on a variable is updated in place. `bounded`: its loops are short, whatever the
    number of their rounds seems to be; and it is not worth a plan unless all of it is native.
    """
    return Planner(graph, large, bounded).plan


class Planner:
    """The making of a plan, stage by stage."""

    def __init__(self, graph, large, bounded=False):
        self.graph = graph
        self.large = large
        self.bounded = bounded
        self.schedule = Schedule()
        self.plan = Plan(self.schedule)
        self.leaves = {}
        self.state = {}  # a variable's id: its value now, unless a barrier may have changed it
        self.read = {}  # a variable's id: the leaf that is in it
        self.pending = {}  # a variable's id: it, if it is yet to be given its value
        self.barrier = None  # the last one: a term, and its node
        self.happened = False  # whether anything has that cannot be done over
        self.ordered = []  # (None, a host term) or (a Write, its value), in order
        self._translate()
        self._share()
        self._place()
        self.schedule.resolve()
        self._choose_in_place()
        products.find(self.schedule, self.plan.location)
        self._locate()

    # Terms. Assignments become values: a later read of a variable is what was assigned, and only the last is kept.

    def _leaf(self, key, shape, dtype, attrs, after=()):
        found = self.leaves.get(key)
        if found is None:
            found = self.leaves[key] = Term(LEAF, shape, dtype, after, attrs)
            self.plan.location[found] = key
        return found

    def _translate(self):
        graph = self.graph
        values = {}
        for i, slot in enumerate(graph.inputs):
            values[slot] = self._leaf(("input", i), *graph.types[slot], ("input", i))
        for slot, tensor in graph.constants.items():
            values[slot] = self._constant(slot, np.asarray(tensor._array))
        ordered = any(has_effect(node) and not _assigns(node) for node in graph.nodes)
        for node in graph.nodes:
            if node.prim.name == "ReadVariable":
                values[node.outputs[0]] = self._read(node.attrs[0])
                continue
            operands = tuple([values[slot] for slot in node.inputs])
            if _assigns(node):
                self._assign(node, *operands)
                continue
            found = self._translated(node, operands)
            if found is None:
                found = self._control(node, operands, ordered)
            if found is None:
                found = self._without_state(node, values, ordered)
            if found is None:
                found = self._on_host(node, values, ordered)
            values.update(zip(node.outputs, found))
        self._write(None)
        self.plan.outputs = [values[slot] for slot in graph.outputs]

    def _control(self, node, operands, ordered, wanted=lambda found: True):
        """The terms of a branch or loop that can be native code, and is as `wanted`; None if not."""
        from tapeflow.compiler.loop import native_control

        found = native_control(self, node, operands)
        if found is None or not wanted(found):
            return None
        if ordered or asserts(node):  # it may fail, and must not do so after an effect, or is there to fail
            self.ordered += [(None, term) for term in found if term.kind == LOOP]
        return found

    def _without_state(self, node, values, ordered):
        """The terms of a branch or loop that assigns variables, if it can be native code; None if not."""
        from tapeflow.compiler.loop import is_short

        made = lifted(node, self.graph.new_slot)
        if made is None:
            return None
        node_of_values, variables, before, changed = made
        values.update({slot: self._read(variable) for slot, variable in zip(before, variables)})
        operands = tuple([values[slot] for slot in node_of_values.inputs])
        found = self._control(node_of_values, operands, ordered, lambda found: self.bounded or is_short(found))
        if found is None:
            return None
        of_slot = dict(zip(node_of_values.outputs, found))
        for slot, variable in changed.items():
            self.state[variable._id] = of_slot[slot]
            self.pending[variable._id] = variable
        return [of_slot[slot] for slot in node.outputs]

    def _translated(self, node, operands, types=None):
        """The terms of a node's outputs; None where its NumPy kernel has to run."""
        types = [(types or self.graph.types)[slot] for slot in node.outputs]
        check = CHECKS.get(node.prim.name)
        if node.prim.name == "Assert":
            return self._asserted(operands[0])
        if node.prim.effect is not None:
            return None
        if holds_dim(node.attrs) or None in [x.shape for x in operands] + [shape for shape, _ in types]:
            return None
        found = translated(node, operands, types)
        wrong = None
        if found is not None and check is not None:
            wrong = check(node, *map(halves.widened, operands), *node.attrs)
        if wrong is not None:
            if self.happened:  # after an effect, nothing can be done over
                return None
            self.plan.checks.append(wrong)
        return found

    def _asserted(self, holds):
        """The terms, none, of an assertion that is a check; None after an effect: then nothing can be done over."""
        if self.happened:
            return None
        self.plan.checks.append(program.mapped("LogicalNot", holds.dtype, holds))
        return []

    def _on_host(self, node, values, ordered):
        """The terms of a node that runs as its NumPy kernel. `ordered`: what fails must not do so after an effect."""
        if self.bounded:
            raise Unsupported(f"{node.prim.name} runs on NumPy")
        barrier, effect = is_barrier(node), has_effect(node)
        if self.happened or effect:  # it may fail: then what was assigned before it stays
            self._write(node)
        operands = tuple([self._array(slot, values[slot]) for slot in node.uses()])
        types = [self.graph.types[slot] for slot in node.outputs]
        found = [Term(HOST, *type, operands, (node, i), node.where) for i, type in enumerate(types)]
        placed = found or [Term(HOST, (), np.dtype(bool), operands, (node, None), node.where)]
        if ordered or node.prim.effect is not None:
            self.ordered.append((None, placed[0]))
        if effect:
            self.happened = True
            self.plan.effects.add(id(node))
        if barrier:
            self.plan.barriers.add(id(node))
            self.barrier = placed[0], node
            self.state.clear()
            self.read.clear()
        return found

    def _array(self, slot, term):
        """A constant as an array, also if it is written into native code elsewhere."""
        tensor = self.graph.constants.get(slot)
        if tensor is None:
            return term
        array = self.plan.constants[slot] = np.asarray(tensor._array)
        return self._leaf(("constant", slot), array.shape, array.dtype, ("constant", array))

    def _constant(self, slot, array):
        if array.dtype in REGISTER and array.size and (array.size == 1 or not any(array.strides)):
            value = array[(0,) * array.ndim].item()
            return program.broadcast(program.number(value, array.dtype), array.shape)
        self.plan.constants[slot] = array
        return self._leaf(("constant", slot), array.shape, array.dtype, ("constant", array))

    def _read(self, variable):
        key = variable._id
        if key not in self.state:
            if variable._declared_shape._dims is None or None in variable._declared_shape._dims:
                raise Unsupported("a variable whose shape may change")
            after, node = ((), None) if self.barrier is None else (self.barrier[:1], self.barrier[1])
            place = ("variable", len(self.plan.reads))
            self.plan.reads.append((variable, node))
            leaf = self._leaf(place, variable._array.shape, variable._np, ("variable", variable), after)
            self.state[key] = self.read[key] = leaf
        return self.state[key]

    def _assign(self, node, value):
        variable, name = node.attrs[0], node.prim.name
        old = self._read(variable)
        if value.shape != old.shape or variable._np not in REGISTER:
            raise Unsupported(f"an assignment of another shape, or of {variable.dtype.name}")
        if name != "AssignVariableOp":
            value = halves.mapped("AddV2" if "Add" in name else "Sub", old.dtype, old, value, where=node.where)
        self.state[variable._id] = value
        self.pending[variable._id] = variable

    def _write(self, node):
        """Have the variables given their values before a host node, or at the end."""
        for key, variable in self.pending.items():
            value = self.state[key]
            if value is not self.read.get(key):
                write = Write(variable, node)
                self.plan.writes.append(write)
                self.ordered.append((write, value))
                if node is not None:
                    self.read.pop(key, None)  # what is in it is of this call
        self.pending.clear()

    def _share(self):
        """Equal terms become one."""
        plan = self.plan
        lists = [[term for _, term in self.ordered], plan.checks, plan.outputs]
        found = iter(program.shared([term for terms in lists for term in terms]))
        ordered, plan.checks, plan.outputs = [[next(found) for _ in terms] for terms in lists]
        self.ordered = [(write, term) for (write, _), term in zip(self.ordered, ordered)]

    # Groups.

    def _place(self):
        """Give all that is wanted a group: what may have to be done over first, then the effects in their order."""
        schedule, location = self.schedule, self.plan.location
        self.new = {}  # writes: the terms of their values
        for check in self.plan.checks:
            schedule.store(check)
        last = [(write, value) for write, value in self.ordered if write is not None and write.before is None]
        for write, term in self.ordered[: len(self.ordered) - len(last)]:
            schedule.place(term)
            if write is not None:
                self._store(write, term)
        for term in [*self.plan.outputs, *[value for _, value in last]]:
            schedule.place(term)
        for term in self.plan.outputs:
            if term.kind != LEAF and term not in location:
                schedule.keep(term)
                if not self._of_host(term) and term.shape is not None:
                    location[term] = self.plan.new_value(term)
        for write, value in last:
            self._store(write, value)

    def _store(self, write, value):
        """Have a value made in an array that becomes a variable's."""
        schedule, location = self.schedule, self.plan.location
        if value.kind != LEAF:
            schedule.keep(value)
        if value.kind == LEAF or value in location or self._of_host(value):
            value = program.copied(value)
            schedule.store(value)
        location[value] = ("new", self.plan.writes.index(write))
        self.new[write] = value

    def _of_host(self, term):
        return self.schedule.groups[term.group].host is not None

    def _choose_in_place(self):
        """A large variable is written over, if its old value is not needed once the new one is there, and nothing after
        that can fail: what fails assigns nothing. What a host node made of the old value may be a view of it."""
        readers = self.schedule.readers
        hosts = {group.number for group in self.schedule.groups if group.host is not None}
        loops = [group.number for group in self.schedule.groups if group.loop is not None]  # may be interrupted too
        may_fail = [*hosts, *loops, *[check.group for check in self.plan.checks]]
        for term in self.plan.outputs:
            if term.kind == LEAF:  # the array itself is the result: it must not change
                self.schedule.read(term, len(self.schedule.groups))
        for write, value in self.new.items():
            leaf = self.read.get(write.variable._id)
            if write.before is None and leaf is not None and np.prod(leaf.shape) >= self.large and all(
                value.group > group for group in may_fail
            ) and all(
                group not in hosts and (group < value.group or group == value.group and own)
                for group, own in readers.get(leaf, ())
            ):  # fmt: skip
                _, write.over = self.plan.location[value] = self.plan.location[leaf]

    # Memory.

    def _locate(self):
        """A place in the arena for what is in memory and nowhere else."""
        schedule, location = self.schedule, self.plan.location
        for term in [t for group in schedule.groups for t in group.terms if t.kind == LOOP and t.shape is None]:
            location[term] = ("grown", len(self.plan.grown))
            self.plan.grown.append(term.attrs[0].row(term))
        of_hosts = [t for group in schedule.groups for t in group.terms if t.kind == HOST]
        for term in [*of_hosts, *[x for t in of_hosts for x in t.args]]:
            if term not in location and (term.kind != HOST or term.attrs[1] is not None):
                location[term] = self.plan.new_value(term)
        blocks = [
            (int(np.prod(term.shape)) * term.dtype.itemsize, group.number, schedule.last(term), term)
            for group in schedule.groups for term in group.terms
            if term.stored and term not in location and not (term.kind == MATMUL and group.over is not None)
        ]  # fmt: skip
        living = []  # a heap of (last group, offset, end)
        gaps = [(0, 1 << 62)]  # (offset, end), in order
        for size, first, last, term in sorted(blocks, key=lambda block: block[1:3]):
            while living and living[0][0] < first:
                _, offset, end = heappop(living)
                place = bisect_left(gaps, (offset, end))
                if gaps[place][0] == end:
                    end = gaps.pop(place)[1]
                if place and gaps[place - 1][1] == offset:
                    place -= 1
                    offset = gaps.pop(place)[0]
                gaps.insert(place, (offset, end))
            size = -(-size // ALIGN) * ALIGN
            place = next(i for i, (offset, end) in enumerate(gaps) if end - offset >= size)  # the first that is wide
            offset, end = gaps.pop(place)
            if offset + size < end:
                gaps.insert(place, (offset + size, end))
            heappush(living, (last, offset, offset + size))
            location[term] = ("arena", offset)
            self.plan.arena = max(self.plan.arena, offset + size)
        for group in schedule.groups:
            if group.over is not None:
                location[group.matmul] = location[group.over]


def _assigns(node):
    return node.prim.effect == "write" and node.prim.name.startswith("Assign")


def is_barrier(node):
    """Whether a node runs the user's Python, or its graphs do or read or assign variables by themselves."""
    name = node.prim.name
    if name in ("EagerPyFunc", "PyFunc"):
        return True
    if name == "PyCall":
        return not getattr(node.attrs[0], "only_looks", False)
    return any(graph.variables() or any(map(is_barrier, graph.nodes)) for graph in _graphs(node))


def has_effect(node):
    """Whether a node, or one of its graphs, does anything that is not to be done twice."""
    if node.prim.name == "Assert":
        return False
    if node.prim.effect == "write":
        return not getattr(node.attrs[0], "only_checks", False)
    return is_barrier(node) or any(has_effect(inner) for graph in _graphs(node) for inner in graph.nodes)


def _graphs(node):
    """The graphs that a node runs."""
    return [attr for attr in node.attrs if hasattr(attr, "nodes")] if node.prim.name != "CustomCall" else []
