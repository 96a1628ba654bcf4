"""A long loop of a block of elements as two, one after the other; what is half way lies in the nearest cache.

A processor looks ahead some hundred instructions. Where one round's longest chain takes more than those do, it waits
for it; two chains of half the length, each in a loop of its own, it works on without a pause.
"""

import re
from typing import NamedTuple

from tapeflow.compiler.chains import LATENCY, NAMES, PARTS, ordered

MOST = 5  # values of an element in between: with 1024 elements, 20 KB
SOON, LATE = 0.35, 0.65  # of the longest chain: what is there by then is the first stage's, or is the second's
AGAIN = ("load", "getelementptr", "bitcast", "fneg", "icmp", "fcmp")  # done again where it is needed
TYPE = re.compile(r"\b(float|double|i\d+|ptr)\b")
BYTES = {"float": 4, "i32": 4}  # of what is kept


class Stages(NamedTuple):
    """The lines of two basic blocks, and `between`: a list of (name, type) of what the second has from the first."""

    first: list
    second: list
    between: list


class _Block:
    """What is known of the lines of a basic block."""

    def __init__(self, lines):
        self.lines = {PARTS.match(line)[1]: line for line in lines}
        self.operands, self.kind, self.end = {}, {}, {}
        for name, line in self.lines.items():
            _, intrinsic, instruction = PARTS.match(line).groups()
            self.kind[name] = intrinsic or instruction
            self.operands[name] = [x for x in NAMES.findall(line)[1:] if x in self.lines]
            start = max((self.end[x] for x in self.operands[name]), default=0)
            self.end[name] = start + LATENCY.get(self.kind[name], 1)

    def type(self, name):
        line = self.lines[name]
        if self.kind[name] in ("icmp", "fcmp"):
            return "i1"
        if self.kind[name] == "select":
            return TYPE.findall(line)[1]
        return line.rpartition(" to ")[2] if " to " in line else TYPE.search(line)[1]

    def needed(self, lines, known):
        """What lines need that are not among the `known` names: what is done again, and what has to be kept."""
        again, kept, rest = {}, {}, [x for line in lines for x in NAMES.findall(line) if x in self.lines]
        while rest:
            name = rest.pop()
            if name in known or name in again or name in kept:
                continue
            if self.kind[name] in AGAIN:
                again[name] = None
                rest += self.operands[name]
            else:
                kept[name] = None
        return again, kept


def staged(lines, states):
    """The lines of a basic block in two stages, with as little between them as can be; None where that is too much.

    `states`: pairs of names of what the block has from the round before, and of what it leaves to the next one.
    """
    stores = [line for line in lines if line.startswith("  store")]
    lines = [line for line in lines if not line.startswith("  store")]
    if not all(map(PARTS.match, lines)):
        return None
    block = _Block(lines)
    if any(new not in block.lines for _, new in states):
        return None
    early = _early(block, states)
    if early is None:
        return None
    late = block.lines.keys() - early
    again, kept = block.needed([*[block.lines[name] for name in late], *stores], late)
    if len(kept) > MOST or any(block.type(name) not in BYTES for name in kept):
        return None
    first = _with_operands(block, {new for _, new in states if new in early} | kept.keys())
    if any(old in NAMES.findall(line) for old, new in states if new in late for line in first):
        return None
    second = [line for name, line in block.lines.items() if name in late or name in again]
    return Stages(first, second + stores, [(name, block.type(name)) for name in kept])


def _early(block, states):
    """The names of the first stage: what is there soon, and what a smallest cut in the graph of values leaves with it.

    A value is two nodes, (name, 0) and (name, 1), with an edge between them for that it may be kept. (L. R. Ford and
    D. R. Fulkerson, "Maximal flow through a network", 1956.)
    """
    whole, edges = max(block.end.values(), default=0), {}

    def edge(one, other, room=MOST + 1):
        edges.setdefault(one, {})[other] = room
        edges.setdefault(other, {}).setdefault(one, 0)

    names = [name for name in block.lines if block.kind[name] not in ("load", "getelementptr")]
    for name in names:
        keeps = block.kind[name] not in AGAIN and block.type(name) in BYTES
        edge((name, 0), (name, 1), 1 if keeps else MOST + 1)
        for x in block.operands[name]:
            if x in names:
                edge((x, 1), (name, 0))
                edge((name, 0), (x, 0))
        if block.end[name] <= SOON * whole:
            edge("first", (name, 0))
        elif block.end[name] >= LATE * whole:
            edge((name, 0), "last")
    for old, new in states:
        for name, line in block.lines.items():
            if name != new and old in NAMES.findall(line):
                edge((name, 0), (new, 0))
                edge((new, 0), (name, 0))
    for _ in range(MOST + 1):
        came, rest = {"first": None}, ["first"]
        for one in rest:
            for other, room in edges.get(one, {}).items():
                if room and other not in came:
                    came[other] = one
                    rest.append(other)
        if "last" not in came:
            return {name for name in names if (name, 0) in came}
        other = "last"
        while other != "first":
            one = came[other]
            edges[one][other] -= 1
            edges[other][one] += 1
            other = one
    return None


def _with_operands(block, names):
    """The lines that names, and all that they are made of, come from."""
    found, rest = set(), list(names)
    while rest:
        name = rest.pop()
        if name not in found:
            found.add(name)
            rest += block.operands[name]
    return [line for name, line in block.lines.items() if name in found]


def written(b, place, before, ends, index, states, notes, most):
    """Write the loop whose lines in `b` begin at `place` as two, if that helps; whether it does.

    `before`: the label of the block that leads to it; `ends`: the first number, that after the last, and the step;
    `states`: triples of values, that before the loop, its name in a round, and that after the round. The loop has one
    basic block, and `most` rounds at most.
    """
    start = next(i for i in range(place, len(b.lines)) if b.lines[i] == f"{b.block}:") + 1
    stages = staged(b.lines[start:], [(old.text, new.text) for _, old, new in states])
    if stages is None:
        return False
    del b.lines[place:]
    low, high, step = ends
    made = [{line.split(" = ")[0].strip() for line in lines if " = " in line} for lines in stages[:2]]
    twice = {name: f"{name}.again" for name in made[0] & (made[1] | {name for name, _ in stages.between})}
    for number, lines in enumerate(stages[:2]):
        head, inside, after = b.label(), b.label(), b.label()
        mine, i, nth, following = dict(twice) if number else {}, f"%i{head}", f"%n{head}", f"%f{head}"
        mine[index.text] = i
        lines = [NAMES.sub(lambda name, mine=mine: mine.get(name[0], name[0]), line) for line in lines]
        for n, (name, type) in enumerate(stages.between):
            room, at = f"%between{index.text[1:]}.{n}", f"%a{head}.{n}"
            if not number:
                b.head.append(f"  {room} = alloca [{most} x {type}], align 64")
                lines.append(f"  store {type} {name}, ptr {at}")
            else:
                lines.insert(0, f"  {twice[name]} = load {type}, ptr {at}")
            lines.insert(0, f"  {at} = getelementptr inbounds {type}, ptr {room}, i64 {nth}")
        b.line(f"br label %{head}")
        b.start(head)
        b.line(f"{i} = phi i64 [ {low.text}, %{before} ], [ {following}, %{inside} ]")
        for first, old, new in states:
            if new.text in made[number]:
                text = mine.get(new.text, new.text)
                b.line(f"{old.text} = phi {old.type} [ {first.text}, %{before} ], [ {text}, %{inside} ]")
        b.line(f"%g{head} = icmp slt i64 {i}, {high.text}")
        b.line(f"br i1 %g{head}, label %{inside}, label %{after}")
        b.start(inside)
        b.line(f"{nth} = sub i64 {i}, {low.text}")
        b.lines += ordered(lines)
        b.line(f"{following} = add nuw nsw i64 {i}, {step.text}")
        b.line(f"br label %{head}{notes}")
        b.start(after)
        before = after
    return True
