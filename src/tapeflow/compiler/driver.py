"""A plan as one Python function: it makes the arrays for the results, calls the native code, runs the host nodes."""

import ctypes

import numpy as np

from tapeflow.compiler import threads
from tapeflow.compiler.loop import Stack
from tapeflow.compiler.plan import ALIGN
from tapeflow.core.dims import holds_dim, joined
from tapeflow.core.variable import _alone, _references, only_mine, updating
from tapeflow.graph.run import explaining, kernel_of, literal

RECYCLED = 1 << 17  # bytes of a result whose memory is used again when nobody holds it: the system's own is slow to get
HOLD = 1_000_000  # simple instructions; a call that takes longer lets other Python threads run


def driver(graph, plan, addresses, again):
    """A function from a list of arrays to a list of arrays. `again` runs the graph on NumPy, to say what is wrong."""
    names = {
        "ndarray": np.ndarray, "empty": np.empty, "contiguous": contiguous, "updating": updating,
        "references": _references, "alone": _alone(),
        "again": again, "arenas": [], "arena_bytes": plan.arena + ALIGN, "byte": np.uint8, "__name__": __name__,
        "plan": plan, "join": joined, "Stop": Stop,
    }  # fmt: skip
    lines, where = ["def run(inputs):", "    try:"], {}
    depth, ends = 2, []

    def line(text):
        lines.append("    " * depth + text)

    if plan.parallel:
        names["asleep"], names["wake"] = threads.asleep, threads.wake
        line("if asleep: wake()")
    for step in plan.steps:
        if step.name is not None:
            holds = plan.inner or not plan.parallel and plan.work <= HOLD  # a loop asks for interrupts by itself
            kind = ctypes.PYFUNCTYPE if holds else ctypes.CFUNCTYPE
            names[step.name] = kind(ctypes.c_int64, ctypes.py_object)(addresses[step.name])
    hosts = any(step.node is not None for step in plan.steps)
    several = len(plan.steps) > 1  # only the first may find that an array is not as native code takes it
    if graph.inputs:
        line("".join(f"i{n}, " for n in range(len(graph.inputs))) + "= inputs")
    if several:
        for n in range(len(graph.inputs)):
            line(f"i{n} = contiguous(i{n})")
    for slot, array in plan.constants.items():
        names[f"c{slot}"] = contiguous(array)
    made_by_hosts = {location for step in plan.steps if step.node is not None for location in step.results}
    for n, (shape, dtype) in enumerate(plan.values):
        if ("value", n) in made_by_hosts:
            continue
        if np.prod(shape) * dtype.itemsize < RECYCLED:
            line(f"r{n} = {_new(names, shape, dtype)}")
        else:
            names[f"used{n}"], names["recycled"], names[dtype.name] = [], recycled, dtype
            line(f"r{n} = recycled(used{n}, {tuple(shape)!r}, {dtype.name})")
            ends.append(f"if len(used{n}) < 2: used{n}.append(r{n})")
    in_place = [n for n, how in plan.assigned.items() if how == "in place"]
    fresh = [n for n, how in plan.assigned.items() if how == "fresh"]
    if plan.assigned:
        line("with updating:")  # what is read is what is assigned to, whatever other threads do
        depth += 1
    for n, variable in enumerate(plan.variables):
        names[f"var{n}"] = variable
        line(f"x{n} = var{n}._array")
        if several and n not in in_place:
            line(f"x{n} = contiguous(x{n})")
    for n in fresh:
        line(f"n{n} = {_new(names, plan.variables[n]._array.shape, plan.variables[n]._np)}")
    for n in range(len(plan.grown)):
        names["Stack"] = Stack
        line(f"s{n} = Stack(); h{n} = s{n}.handle")
    line("arena = arenas.pop() if arenas else empty(arena_bytes, byte)")
    if in_place:
        line("try:")
        depth += 1
        for n in in_place:  # no call before all are gone, or else an interrupt could come when one is in neither place
            line(f"del var{n}._array")  # a thread that reads it now waits in __getattr__
        for n in in_place:
            unfit = f"references(x{n}) != alone or x{n}.base is not None or not x{n}.flags.carray"
            line(f"if {unfit}: x{n} = x{n}.copy()")  # shared, read-only, or not as native code takes it
    made = set()  # the stacks that are there
    for number, step in enumerate(plan.steps):
        if step.name is not None:
            items = "".join(_name(location, "h") + ", " for location in step.slots)
            line(f"status = {step.name}((ndarray, arena, {items}))")
            line("if status: raise Stop(status)")
            for n in [n for kind, n in step.slots if kind == "grown" and n not in made]:
                shape, dtype = plan.grown[n]
                names[dtype.name] = dtype
                line(f"g{n} = s{n}.array({tuple(shape)!r}, {dtype.name})")
                made.add(n)
        else:
            _host_line(line, names, graph, number, step)
            where[len(lines)] = step.node
            for location in step.results:
                if location is not None:
                    name, (shape, dtype) = _name(location), plan.values[location[1]]
                    line(f"{name} = contiguous({name})")
                    if shape is not None and dtype.kind != "O":
                        line(f"if {name}.shape != {shape!r}: raise Stop(2)")  # the trace guessed wrong
    if in_place:
        depth -= 1
        line("finally:")
        for n in in_place:
            line(f"    var{n}._array = x{n}")
    for n in fresh:
        line(f"var{n}._array = {_scalar(f'n{n}', plan.variables[n]._array.shape, plan.variables[n]._np)}")
    depth = 2
    line("arenas.append(arena)")
    for text in ends:
        line(text)
    results = []
    for term in plan.outputs:
        location = plan.location[term]
        name = _name(location)
        if location[0] == "value" and location not in made_by_hosts:
            name = _scalar(name, *plan.values[location[1]])
        results.append(name)
    line("return [" + ", ".join(results) + "]")
    depth = 1
    line("except Stop as stop:")
    line("    return again(inputs, stop.status)")
    filename = f"<compiled {graph.name}>"
    exec(compile("\n".join(lines), filename, "exec"), names)
    plan.source = "\n".join(lines)
    return explaining(names["run"], filename, where) if hosts else names["run"]


class Stop(Exception):
    """The call cannot go on: -1, an array is not contiguous; 1, a check failed; 2, a shape is another one."""

    def __init__(self, status):
        self.status = status


def _name(location, grown="g"):
    kind, n = location
    return {"input": "i", "constant": "c", "variable": "x", "new": "n", "value": "r", "grown": grown}[kind] + str(n)


def _new(names, shape, dtype):
    """The source of a new array, or NumPy scalar, for native code to write to."""
    if not shape and dtype.kind != "b":
        names[f"new_{dtype.name}"] = dtype.type
        return f"new_{dtype.name}()"  # an object of its own, although it is a number
    names[dtype.name] = dtype
    return f"empty({tuple(shape)!r}, {dtype.name})"


def _scalar(name, shape, dtype):
    return f"{name}[()]" if not shape and dtype.kind == "b" else name


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


def _host_line(line, names, graph, number, step):
    node = step.node
    names[f"k{number}"] = kernel_of(node, graph)
    arguments = [_name(location) for location in step.operands]
    for slot, location in step.sizes:
        line(f"v{slot} = {_name(location)}")  # as `literal` calls it
    for place, attr in enumerate(node.attrs):
        if holds_dim(attr):
            arguments.append(literal(attr, names))
            continue
        names[f"a{number}_{place}"] = attr
        arguments.append(f"a{number}_{place}")
    call = f"k{number}({', '.join(arguments)})"
    targets = [f"unused{i}" if location is None else _name(location) for i, location in enumerate(step.results)]
    if not node.outputs:
        line(call)
    elif node.prim.many:
        line("".join(target + ", " for target in targets) + f"= {call}")
    else:
        line(f"{targets[0]} = {call}")
