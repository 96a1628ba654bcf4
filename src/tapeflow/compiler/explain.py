"""What became of a graph, as text: which operations share loops, what is stored, what ran on NumPy instead."""

from tapeflow.compiler.program import IOTA, MAP, MATMUL, NUMBER, REDUCE, RESHAPE, ROUTINE, VIEW
from tapeflow.core.dtype import BY_NUMPY


def text(compiled):
    """A few lines about a graph that was compiled, or a line that says why it was not."""
    if compiled.plan is None:
        return f"not compiled: {compiled.reason}; it runs on NumPy"
    plan = compiled.plan
    schedule = plan.schedule
    natives = [g for g in schedule.groups if g.host is None and any(t.stored for t in g.terms)]
    hosts = [g for g in schedule.groups if g.host is not None]
    inputs = ", ".join(_typed(*compiled.graph.types[slot]) for slot in compiled.graph.inputs)
    lines = [
        f"compiled for ({inputs}): {_count(len(natives), 'loop')} in {_count(len(plan.exports), 'native call')}, "
        f"{_count(len(hosts), 'NumPy kernel')} in between, {_bytes(plan.arena)} of scratch memory"
    ]
    return "\n".join(lines + _groups(plan))


def _groups(plan):
    lines, shown = [], 0
    for group in plan.schedule.groups:
        if group.host is not None:
            shown += 1
            barrier = id(group.host) in plan.barriers
            how = ": variables are assigned before it and read again after it" if barrier else " on NumPy"
            if group.host.prim.name == "Assert":
                how = " where it fails"
            loop = plan.strided.get(id(group.host))
            if any(getattr(loop, "native", {}).values()):
                how += "; its rounds are native, many at a time"
            lines.append(f"  {shown}. {group.host.prim.name}{how}{_place(group.host.where)}")
        elif group.loop is not None:
            shown += 1
            lines += _loop(group.loop, shown)
        elif any(t.stored for t in group.terms):
            shown += 1
            lines += _group(group, shown, plan.splits[group.number], plan.location)
    return lines


def _loop(loop, shown):
    """A native loop, or a branch in one: what its regions do."""
    what = "a native loop" if hasattr(loop, "body") else "a native branch"
    if getattr(loop, "rounds", None) is not None:
        what += f" of {_count(loop.rounds, 'round')}"
    lines = [f"  {shown}. {what}{_place(loop.where)}"]
    for name, region in loop.named():
        lines += [f"     {name}:", *["     " + line for line in _groups(region.plan)]]
    return lines


def _group(group, shown, split, location):
    domain = "x".join(map(str, group.domain)) or ("one element" if group.routine is None else "a whole array")
    parts = f", in {split.parts} parts" if split.parts > 1 else ""
    lines = [f"  {shown}. over {domain}{parts}"]
    run = []
    for term in group.terms:
        name = _name(term)
        if (term.kind == REDUCE or term.stored) and (term.kind != MATMUL or group.over is None):
            where = _location(term, location)
            lines.append(f"       {', '.join([*run, name])} -> {_typed(term.shape, term.dtype)} {where}"
                         f"{_place(term.where)}")  # fmt: skip
            run = []
        else:
            run.append(name)
    return lines


def _name(term):
    if term.kind == MAP:
        return term.attrs[0]
    if term.kind == REDUCE:
        return f"{term.attrs[0]} over {list(term.attrs[1])}"
    if term.kind == MATMUL:
        return "MatMul"
    if term.kind == ROUTINE:
        return term.attrs[0]
    return {VIEW: "copy", RESHAPE: "copy", NUMBER: "fill", IOTA: "count"}.get(term.kind, "part")


def _location(term, location):
    kind, number = location[term]
    if kind == "arena":
        return f"in scratch at {number}"
    return _WHERE[kind]


_WHERE = {
    "value": "in a new array", "new": "as the variable's new value", "variable": "over the variable's old value",
    "stack": "in a register", "round": "as what the round gives", "input": "in place",
}  # fmt: skip


def _typed(shape, dtype):
    return f"{BY_NUMPY[dtype].name}[{','.join(map(str, shape))}]"


def _place(where):
    return "" if where is None else "   # line {1}".format(*where)


def _count(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _bytes(size):
    return f"{size} B" if size < 10_000 else f"{size / 1024:.0f} KiB" if size < 1 << 23 else f"{size / 2**20:.0f} MiB"

