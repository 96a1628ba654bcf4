"""From a graph of known shapes to the plan of a call: what is computed when, and where each value is kept.

`code.py` writes the plan's native functions, `driver.py` the Python function that calls them.
"""

from bisect import bisect_left
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from tapeflow.compiler import program
from tapeflow.compiler.program import HOST, LEAF, Term
from tapeflow.compiler.schedule import Schedule
from tapeflow.compiler.translations import CHECKS, translated
from tapeflow.compiler.types import REGISTER
from tapeflow.core.dims import holds_dim

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

    ("input", i), ("constant", slot); ("variable", i) as it is before the call, ("new", i) as it is after it;
    ("value", n), an array that is made for every call, or by a host node; ("arena", offset), scratch memory.
    """

    def __init__(self, schedule):
        self.schedule = schedule
        self.location = {}  # of each term in memory
        self.values = []  # (shape, dtype) of the arrays ("value", n)
        self.constants = {}  # arrays by slot
        self.variables = []
        self.assigned = {}  # a variable's number: "fresh", a new array takes the old one's place, or "in place"
        self.checks = []  # boolean terms: where one is true the call ends, before anything is assigned
        self.outputs = []  # terms
        self.arena = 0  # bytes of scratch memory
        # What `code.write` adds.
        self.steps = []
        self.texts = []  # of modules in LLVM's assembly language
        self.work = 0  # simple instructions in all
        self.splits = {}  # a group's number: how its loops are parted

    @property
    def exports(self):
        """The names of the native functions."""
        return [step.name for step in self.steps if step.name is not None]

    @property
    def parallel(self):
        """Whether threads share any loop."""
        return any(split.parts > 1 for split in self.splits.values())

    def reserve(self, size):
        """The location of scratch that is used by nothing else."""
        offset = self.arena
        self.arena += -(-size // ALIGN) * ALIGN
        return ("arena", offset)

    def new_value(self, term):
        """The location of a new array for a term."""
        self.values.append((term.shape, term.dtype))
        return ("value", len(self.values) - 1)


def plan(graph, large):
    """The plan for a graph whose shapes are all known. Raises Unsupported.

    `large`: from how many elements on a variable is updated in place.
    """
    return _Planner(graph, large).plan


class _Planner:
    def __init__(self, graph, large):
        self.graph = graph
        self.large = large
        self.schedule = Schedule()
        self.plan = Plan(self.schedule)
        self.leaves = {}
        self.state = {}  # a variable's number: its value now
        self.numbers = {}  # a variable's id: its number
        self.effects = []  # host terms, in order
        self._translate()
        self._share()
        changed = self._place()
        self.schedule.resolve()
        self._choose_in_place(changed)
        self._locate()

    # Terms. Assignments become values: a later read of a variable is what was assigned, and only the last is kept.

    def _leaf(self, key, shape, dtype, attrs):
        found = self.leaves.get(key)
        if found is None:
            found = self.leaves[key] = Term(LEAF, shape, dtype, attrs=attrs)
            self.plan.location[found] = key
        return found

    def _translate(self):
        graph = self.graph
        values = {}
        for i, slot in enumerate(graph.inputs):
            values[slot] = self._leaf(("input", i), *graph.types[slot], ("input", i))
        for slot, tensor in graph.constants.items():
            values[slot] = self._constant(slot, np.asarray(tensor._array))
        effects = any(node.prim.effect == "write" and not _assigns(node) for node in graph.nodes)
        for node in graph.nodes:
            if node.prim.name == "ReadVariable":
                values[node.outputs[0]] = self._read(node.attrs[0])
                continue
            operands = tuple([values[slot] for slot in node.inputs])
            if _assigns(node):
                self._assign(node, *operands)
                continue
            found = self._translated(node, operands, effects) or self._on_host(node, values)
            values.update(zip(node.outputs, found))
        self.plan.outputs = [values[slot] for slot in graph.outputs]

    def _translated(self, node, operands, effects):
        """The terms of a node's outputs; None where its NumPy kernel has to run."""
        types = [self.graph.types[slot] for slot in node.outputs]
        check = CHECKS.get(node.prim.name)
        if node.prim.effect is not None:
            return None
        if holds_dim(node.attrs) or None in [x.shape for x in operands] + [shape for shape, _ in types]:
            return None
        found = translated(node, operands, types)
        wrong = check(node, *operands, *node.attrs) if found is not None and check is not None else None
        if wrong is not None:
            if effects:  # after an effect, nothing can be done over
                return None
            self.plan.checks.append(wrong)
        return found

    def _on_host(self, node, values):
        """The terms of a node that runs as its NumPy kernel."""
        if _may_touch_variables(node):
            raise Unsupported(f"{node.prim.name} may read or assign variables")
        operands = tuple([self._array(slot, values[slot]) for slot in node.uses()])
        types = [self.graph.types[slot] for slot in node.outputs]
        found = [Term(HOST, *type, operands, (node, i), node.where) for i, type in enumerate(types)]
        if node.prim.effect is not None:
            found = found or [Term(HOST, (), np.dtype(bool), operands, (node, None), node.where)]
            self.effects.append(found[0])
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
        number = self.numbers.get(variable._id)
        if number is None:
            if variable._declared_shape._dims is None or None in variable._declared_shape._dims:
                raise Unsupported("a variable whose shape may change")
            number = self.numbers[variable._id] = len(self.plan.variables)
            self.plan.variables.append(variable)
            self.state[number] = self._leaf(
                ("variable", number), variable._array.shape, variable._np, ("variable", variable)
            )
        return self.state[number]

    def _assign(self, node, value):
        variable, name = node.attrs[0], node.prim.name
        old = self._read(variable)
        if value.shape != old.shape or variable._np not in REGISTER:
            raise Unsupported(f"an assignment of another shape, or of {variable.dtype.name}")
        if name != "AssignVariableOp":
            value = program.mapped("AddV2" if "Add" in name else "Sub", old.dtype, old, value, where=node.where)
        self.state[self.numbers[variable._id]] = value

    def _share(self):
        """Equal terms become one."""
        plan = self.plan
        lists = [self.effects, plan.checks, plan.outputs, list(self.state.values())]
        found = iter(program.shared([term for terms in lists for term in terms]))
        self.effects, plan.checks, plan.outputs, values = [[next(found) for _ in terms] for terms in lists]
        self.state = dict(zip(self.state, values))

    # Groups.

    def _place(self):
        """Give all that is wanted a group; the variables that change, by number, and their new values."""
        schedule, location = self.schedule, self.plan.location
        for term in self.effects:
            schedule.place(term)
        for check in self.plan.checks:
            schedule.store(check)
        changed = {n: value for n, value in self.state.items() if value is not self.leaves[("variable", n)]}
        for term in [*self.plan.outputs, *changed.values()]:
            schedule.place(term)
        for term in self.plan.outputs:
            if term.kind != LEAF and term not in location:
                schedule.keep(term)
                if not self._of_host(term):
                    location[term] = self.plan.new_value(term)
        for number, value in changed.items():
            if value.kind != LEAF:
                schedule.keep(value)
            if value.kind == LEAF or value in location or self._of_host(value):
                changed[number] = value = program.copied(value)
                schedule.store(value)
            location[value] = ("new", number)
        return changed

    def _of_host(self, term):
        return self.schedule.groups[term.group].host is not None

    def _choose_in_place(self, changed):
        """A large variable is written over, if its old value is not needed once the new one is there, and nothing after
        that can fail: what fails assigns nothing. What a host node made of the old value may be a view of it."""
        readers = self.schedule.readers
        hosts = {group.number for group in self.schedule.groups if group.host is not None}
        may_fail = [*hosts, *[check.group for check in self.plan.checks]]
        for term in self.plan.outputs:
            if term.kind == LEAF:  # the array itself is the result: it must not change
                self.schedule.read(term, len(self.schedule.groups))
        for number, value in changed.items():
            leaf = self.leaves[("variable", number)]
            safe = np.prod(leaf.shape) >= self.large and value.group > max(may_fail, default=-1)
            safe = safe and all(
                group not in hosts and (group < value.group or group == value.group and own)
                for group, own in readers.get(leaf, ())
            )
            self.plan.assigned[number] = "in place" if safe else "fresh"
            if safe:
                self.plan.location[value] = ("variable", number)

    # Memory.

    def _locate(self):
        """A place in the arena for what is in memory and nowhere else."""
        schedule, location = self.schedule, self.plan.location
        of_hosts = [t for group in schedule.groups for t in group.terms if t.kind == HOST]
        for term in [*of_hosts, *[x for t in of_hosts for x in t.args]]:
            if term not in location:
                location[term] = self.plan.new_value(term)
        blocks = [
            (int(np.prod(term.shape)) * term.dtype.itemsize, group.number, schedule.last(term), term)
            for group in schedule.groups for term in group.terms if term.stored and term not in location
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


def _assigns(node):
    return node.prim.effect == "write" and node.prim.name.startswith("Assign")


def _may_touch_variables(node):
    """Whether a node's own graphs, or the user's Python, may read or assign variables."""
    if node.prim.name == "EagerPyFunc":
        return not getattr(node.attrs[-1], "only_looks", False)
    return any(hasattr(a, "nodes") and (a.variables() or _has_effects(a)) for a in node.attrs)


def _has_effects(graph):
    return any(
        node.prim.effect is not None or any(hasattr(a, "nodes") and _has_effects(a) for a in node.attrs)
        for node in graph.nodes
    )
