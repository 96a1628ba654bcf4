"""A plan as one Python function: it makes the arrays for the results, calls the native code, runs the host nodes."""

import ctypes

import numpy as np

from tapeflow.compiler import threads
from tapeflow.compiler.plan import ALIGN
from tapeflow.core.dims import holds_dim, joined
from tapeflow.core.errors import invalid_argument
from tapeflow.core.variable import LARGE, _alone, _references, locks_of, only_mine
from tapeflow.graph.run import explaining, kernel_of, literal

RECYCLED = 1 << 17  # bytes of a result whose memory is used again when nobody holds it: the system's own is slow to get
NO_SCALARS = "bV"  # kinds of dtypes whose NumPy scalars are not made for native code to write to: bool, bfloat16
HOLD = 1_000_000  # simple instructions; a call that takes longer lets other Python threads run


def driver(graph, plan, addresses, again):
    """A function from a list of arrays to a list of arrays. `again` runs the graph on NumPy, to say what is wrong."""
    return _Driver(graph, plan, addresses, again).made()


class _Driver:
    def __init__(self, graph, plan, addresses, again):
        self.graph, self.plan, self.addresses = graph, plan, addresses
        self.names = {
            "ndarray": np.ndarray, "empty": np.empty, "contiguous": contiguous,
            "references": _references, "alone": _alone(),
            "again": again, "arenas": [], "arena_bytes": plan.arena + ALIGN, "byte": np.uint8, "__name__": __name__,
            "plan": plan, "join": joined, "Stop": Stop, "misfit": misfit,
        }  # fmt: skip
        self.lines = []
        self.depth = 0
        self.where = {}  # by line: the host node
        self.ends = []
        self.new = set()  # the writes whose arrays are there
        self.given = set()  # the writes that are done
        self.gone = set()  # the locations that are not needed any more
        self.used = {location for step in plan.steps for location in (*step.slots, *step.operands)}
        self.used |= {location for step in plan.steps for _, location in step.sizes}
        self.used |= {plan.location[term] for term in plan.outputs}
        locks_of([write.variable for write in plan.writes])  # those of all share one
        hosts = [i for i, step in enumerate(plan.steps) if step.node is not None]
        self.made_by_hosts = {location for i in hosts for location in plan.steps[i].results}
        self.last_host = max(hosts, default=None)
        # What runs before the first host node, or is the first to run, may find that an array is not as native code
        # takes it; what runs later must be given such arrays.
        first = min(hosts, default=1)
        seen = {location for step in plan.steps[:first] for location in step.slots}
        self.unseen = {location for step in plan.steps[first:] for location in step.slots} - seen
        self.grown = set()  # the stacks of native loops that are there
        self.guarded = bool(plan.inner and plan.writes) and self.last_host is not None

    def line(self, text):
        self.lines.append("    " * self.depth + text)

    def made(self):
        graph, plan, names, line = self.graph, self.plan, self.names, self.line
        line("def run(inputs):")
        self.depth = 1
        if plan.effects:
            line("done = False")
        if self.guarded:
            line("native = False")
        line("try:")
        self.depth = 2
        self._prologue()
        self._steps()
        line("arenas.append(arena)")
        for text in self.ends:
            line(text)
        line("return [" + ", ".join(map(self._result, plan.outputs)) + "]")
        self.depth = 1
        line("except Stop as stop:")
        if plan.effects:
            line("    if done: raise misfit(stop) from None")
        line("    return again(inputs, stop.status)")
        if plan.writes and self.last_host is not None:
            line("except Exception:")  # of a host node: what was assigned before it stays
            if self.guarded:
                line("    if native: raise")  # of a signal's handler
            if plan.effects:
                line("    if done: raise")
            line("    return again(inputs, 3)")
        filename = f"<compiled {graph.name}>"
        plan.source = "\n".join(self.lines)
        exec(compile(plan.source, filename, "exec"), names)
        return names["run"] if self.last_host is None else explaining(names["run"], filename, self.where)

    def _prologue(self):
        graph, plan, names, line = self.graph, self.plan, self.names, self.line
        if plan.parallel:
            names["asleep"], names["wake"] = threads.asleep, threads.wake
            line("if asleep: wake()")
        for step in plan.steps:
            if step.name is not None:
                holds = plan.inner or not plan.parallel and plan.work <= HOLD  # loops let others run by themselves
                kind = ctypes.PYFUNCTYPE if holds else ctypes.CFUNCTYPE
                names[step.name] = kind(ctypes.c_int64, ctypes.py_object)(self.addresses[step.name])
        if graph.inputs:
            line("".join(f"i{n}, " for n in range(len(graph.inputs))) + "= inputs")
        for n in range(len(graph.inputs)):
            if ("input", n) in self.unseen:
                line(f"i{n} = contiguous(i{n})")
        for slot, array in plan.constants.items():
            names[f"c{slot}"] = contiguous(array)
        for n, (shape, dtype) in enumerate(plan.values):
            if ("value", n) in self.made_by_hosts:
                continue
            if np.prod(shape) * dtype.itemsize < RECYCLED:
                line(f"r{n} = {_new(names, shape, dtype)}")
            else:
                names[f"used{n}"], names["recycled"], names[dtype.name] = [], recycled, dtype
                line(f"r{n} = recycled(used{n}, {tuple(shape)!r}, {dtype.name})")
                self.ends.append(f"if len(used{n}) < 2: used{n}.append(r{n})")
        if plan.grown:
            from tapeflow.compiler.loop_code import Stack  # which only loops need

            names["Stack"] = Stack
        for n in range(len(plan.grown)):
            line(f"s{n} = Stack()")
            line(f"h{n} = s{n}.handle")
        line("arena = arenas.pop() if arenas else empty(arena_bytes, byte)")

    def _steps(self):
        """The steps, in pieces: between two barriers what is read is what is assigned to, whatever other threads do."""
        steps, begin = self.plan.steps, 0
        for end, step in enumerate(steps):
            if step.node is not None and id(step.node) in self.plan.barriers:
                self._piece(begin, end, steps[begin - 1].node if begin else None, step.node)
                self._host(end, step)
                begin = end + 1
        self._piece(begin, len(steps), steps[begin - 1].node if begin else None, None)

    def _piece(self, begin, end, after, barrier):
        plan, names, line = self.plan, self.names, self.line
        steps = plan.steps[begin:end]
        within = {id(step.node) for step in steps if step.node is not None}
        writes = [
            (n, write) for n, write in enumerate(plan.writes) if write.before is barrier or id(write.before) in within
        ]  # fmt: skip
        over = [(n, write.over) for n, write in writes if write.over is not None]
        in_place = [] if self.last_host is not None else [read for _, read in over]  # made so at once, see `_take`
        if writes:
            locks = locks_of([write.variable for _, write in writes])
            for lock in locks:
                names[f"lock{id(lock)}"] = lock
            line("with " + ", ".join([f"lock{id(lock)}" for lock in locks]) + ":")
            self.depth += 1
        for n, (variable, node) in enumerate(plan.reads):
            names[f"var{variable._id}"] = variable
            if node is after and ("variable", n) in self.used:
                line(f"x{n} = var{variable._id}._array")
                if ("variable", n) in self.unseen and n not in in_place:
                    line(f"x{n} = contiguous(x{n})")
        for n in sorted({n for step in steps for kind, n in step.slots if kind == "new"} - self.new):
            write = plan.writes[n]
            names[f"var{write.variable._id}"] = write.variable
            line(f"n{n} = {_new(names, write.variable._array.shape, write.variable._np)}")
            self.new.add(n)
        taken = None  # from which step on they are taken out
        if over:
            taken = begin if self.last_host is None else max(begin, self.last_host + 1)
        for number, step in enumerate(steps, begin):
            if number == taken:
                self._take(over)
            if step.name is not None:
                self._native(step)
            else:
                self._host(number, step)
        if over:
            self.depth -= 1
            line("finally:")
            for _, read in over:
                line(f"    var{plan.reads[read][0]._id}._array = x{read}")
        if barrier is None:
            self._give(None)
        else:
            line("done = True")
            self._give(barrier)
            self._let_go(barrier)
        if writes:
            self.depth -= 1

    def _native(self, step):
        plan, line = self.plan, self.line
        items = "".join(_name(location, "h") + ", " for location in step.slots)
        if self.guarded:
            line("native = True")
        line(f"status = {step.name}((ndarray, arena, {items}))")
        if self.guarded:
            line("native = False")
        line("if status: raise Stop(status)")
        for n in sorted({n for kind, n in step.slots if kind == "grown"} - self.grown):
            shape, dtype = plan.grown[n]
            self.names[dtype.name] = dtype
            line(f"g{n} = s{n}.array({tuple(shape)!r}, {dtype.name})")
            self.grown.add(n)

    def _take(self, over):
        """Take the arrays that are written over out of their variables."""
        line = self.line
        line("try:")
        self.depth += 1
        reads = [(read, self.plan.reads[read][0]._id) for _, read in over]
        for _, id in reads:  # no call before all are gone, or else an interrupt could come when one is in neither place
            line(f"del var{id}._array")  # a thread that reads it now waits in __getattr__
        for n, _ in reads:
            unfit = f"references(x{n}) != alone or x{n}.base is not None or not x{n}.flags.carray"
            line(f"if {unfit}: x{n} = x{n}.copy()")  # shared, read-only, or not as native code takes it

    def _give(self, before):
        """Assign what is to be in the variables before a host node."""
        for n, write in enumerate(self.plan.writes):
            if write.before is before and write.over is None:
                value = _scalar(f"n{n}", write.variable._array.shape, write.variable._np)
                self.line(f"var{write.variable._id}._array = {value}")
                self.given.add(n)

    def _let_go(self, barrier):
        """Hold no longer what large variables had: the node may write over what nobody holds."""
        schedule = self.plan.schedule
        end = next(group.number for group in schedule.groups if group.host is barrier)
        for term, location in self.plan.location.items():
            kind, n = location
            waits = kind == "new" and n not in self.given
            if kind not in ("variable", "new") or waits or location in self.gone or location not in self.used:
                continue
            if term.group is not None and np.prod(term.shape) >= LARGE and term not in self.plan.outputs:
                if max(term.group, schedule.last(term)) < end:
                    self.line(f"{_name(location)} = None")
                    self.gone.add(location)

    def _host(self, number, step):
        plan, line = self.plan, self.line
        if id(step.node) not in plan.barriers:
            if id(step.node) in plan.effects:
                line("done = True")
            self._give(step.node)
        for i in range(_host_lines(line, self.names, self.graph, number, step, plan.strided)):
            self.where[len(self.lines) - i] = step.node
        for location in step.results:
            if location is not None:
                name, (shape, dtype) = _name(location), plan.values[location[1]]
                if location in self.unseen:
                    line(f"{name} = contiguous({name})")
                if shape is not None and dtype.kind != "O":
                    line(f"if {name}.shape != {shape!r}: raise Stop(2)")  # the trace guessed wrong

    def _result(self, term):
        """The source of a result."""
        location = self.plan.location[term]
        native = location[0] in ("value", "new") and location not in self.made_by_hosts
        return _scalar(_name(location), term.shape, term.dtype) if native else _name(location)


class Stop(Exception):
    """The call cannot go on: -1, an array is not contiguous; 1, a check failed; 2, a shape is another one."""

    def __init__(self, status):
        self.status = status


def misfit(stop):
    """The error for a Stop after what cannot be done over."""
    assert stop.status == 2, stop.status
    return invalid_argument("An operation gave a tensor of another shape than was found when the function was traced.")


def _name(location, grown="g"):
    kind, n = location
    return {"input": "i", "constant": "c", "variable": "x", "new": "n", "value": "r", "grown": grown}[kind] + str(n)


def _new(names, shape, dtype):
    """The source of a new array, or NumPy scalar, for native code to write to."""
    if not shape and dtype.kind not in NO_SCALARS:
        names[f"new_{dtype.name}"] = dtype.type
        return f"new_{dtype.name}()"  # an object of its own, although it is a number
    names[dtype.name] = dtype
    return f"empty({tuple(shape)!r}, {dtype.name})"


def _scalar(name, shape, dtype):
    return f"{name}[()]" if not shape and dtype.kind in NO_SCALARS else name


def recycled(used, shape, dtype):
    """An array of the results of earlier calls that nobody holds any more, or a new one."""
    for _ in range(len(used)):
        try:
            array = used.pop()  # from here on no other thread can take it
        except IndexError:
            break
        if only_mine(array):
            return array
        used.insert(0, array)
    return np.empty(shape, dtype)


def contiguous(array):
    """An array as native code takes it."""
    if array.__class__ is np.ndarray and not (array.flags.c_contiguous and array.flags.aligned):
        return array.copy()
    return array


def _host_lines(line, names, graph, number, step, strides):
    """Write the call of a host node. Returns how many lines it takes."""
    node = step.node
    arguments = [_name(location) for location in step.operands]
    targets = [f"unused{i}" if location is None else _name(location) for i, location in enumerate(step.results)]
    several = "".join(target + ", " for target in targets)
    if node.prim.name == "If":  # a branch is called here: its NumPy kernel would only pass the operands on
        pred, *xs = arguments
        *graphs, n = node.attrs
        shapes = [graph.types[slot][0] for slot in node.inputs[1:]]
        for place, word, mine in ((0, f"if {pred}:", slice(n)), (1, "else:", slice(n, None))):
            name = f"branch{number}_{place}"
            names[name] = direct(names, name, graphs[place], shapes[mine])
            line(f"{word} {several + '= ' if targets else ''}{name}([{', '.join(xs[mine])}])")
        return 2
    if node.prim.name == "While":
        from tapeflow.compiler.strides import strided

        names[f"k{number}"] = strides[id(node)] = strided(node)
    else:
        names[f"k{number}"] = kernel_of(node, graph)
    for slot, location in step.sizes:
        line(f"v{slot} = {_name(location)}")  # as `literal` calls it
    for place, attr in enumerate(node.attrs):
        if holds_dim(attr):
            arguments.append(literal(attr, names))
            continue
        names[f"a{number}_{place}"] = attr
        arguments.append(f"a{number}_{place}")
    call = f"k{number}({', '.join(arguments)})"
    if node.prim.name == "Assert":
        line(f"if not {arguments[0]}: {call}")
    elif not node.outputs:
        line(call)
    elif node.prim.many:
        line(f"{several}= {call}")
    else:
        line(f"{targets[0]} = {call}")
    return 1


def direct(names, name, graph, shapes):
    """What runs a graph on arrays of known shapes; after the first call it is the compiled function under its name."""

    def first(arrays):
        from tapeflow.compiler.run import runner

        run = runner(graph)
        known = graph.cache.get("known")
        found = run if known is None else known.get(tuple(shapes))
        if found is not None:
            names[name] = found
        return run(arrays)

    return first
