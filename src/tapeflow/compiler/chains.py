"""What LLVM does not do for a long loop of vectors of 512 bits: the order of its instructions, and its constants.

Chains that do not need each other stand side by side, the longest first. LLVM keeps the order that it is given, and a
processor looks ahead only some sixty vector instructions: where one function's code follows the other's, it waits for
each step of the one while the other has not come into sight.

Constants are read once, before the loop, and what has no register lies on the stack as whole vectors. LLVM would make a
vector of a number in each round, which takes as much of an arithmetic unit's time (Zen 4) as an addition.
"""

import heapq
import re

from tapeflow.compiler import avx512

# Cycles until the value is there; 1 for others. What is no instruction of the machine, or part of another, takes none.
LATENCY = {
    "fadd": 3, "fsub": 3, "fmul": 3, "fma": 4, "fdiv": 12, "sqrt": 20, "sitofp": 3, "fcmp": 2, "icmp": 5, "load": 6,
    "bitcast": 0, "fneg": 0, "zext": 0, "getelementptr": 0,
    "getexp": 3, "getmant": 3, "scalef": 4, "nearer": 3, **dict.fromkeys(avx512.TABLES, 5),
}  # fmt: skip
EACH = 1.5  # cycles that one takes of the processor's time, for two vectors
PARTS = re.compile(r"  (%\S+) = (?:call (?:\w+ )*@(?:llvm|tapeflow)\.(\w+)|(\w+))")
NAMES = re.compile(r"%[\w.]+")
ARITHMETIC = re.compile(r"  %\S+ = (?:call|fadd|fsub|fmul|fcmp|select) .*?(float|double)\b(?!.*@llvm\.(?!fma))")
NUMBER = re.compile(r"\b0x[0-9A-F]{16}\b")
PLAIN = ("0x0000000000000000", "0x8000000000000000", "0x3FF0000000000000")  # 0, -0, 1: LLVM knows more of them


def ordered(lines):
    """The lines of a basic block by a simulation of them; as they are where memory is read after it is written."""
    stores = [line for line in lines if line.startswith("  store")]
    first = lines.index(stores[0]) if stores else 0
    if any(" = load " in line for line in lines[first:] if stores):
        return lines
    given, lines = lines, [line for line in lines if not line.startswith("  store")]
    end = len(lines)
    if not all(map(PARTS.match, lines)):
        return given
    made, users, missing, cycles = {}, [], [], []
    for i, line in enumerate(lines):
        name, intrinsic, instruction = PARTS.match(line).groups()
        needed = {made[x] for x in NAMES.findall(line) if x in made}
        made[name] = i
        users.append([])
        missing.append(len(needed))
        cycles.append(LATENCY.get(intrinsic or instruction, 1))
        for k in needed:
            users[k].append(i)
    still = [0] * end  # cycles to the end of the longest chain from here
    for i in reversed(range(end)):
        still[i] = cycles[i] + max((still[k] for k in users[i]), default=0)
    start = [0] * end  # when all operands are there
    later = [(0, i) for i in range(end) if not missing[i]]
    now, ready, found = 0, [], []
    while later or ready:
        while later and (later[0][0] <= now or not ready):
            at, i = heapq.heappop(later)
            now = max(now, at)
            heapq.heappush(ready, (-still[i], i))
        i = heapq.heappop(ready)[1]
        found.append(lines[i])
        for k in users[i]:
            start[k] = max(start[k], now + cycles[i])
            missing[k] -= 1
            if not missing[k]:
                heapq.heappush(later, (start[k], k))
        if cycles[i]:
            now += EACH
    return found + stores


def kept(b, lines):
    """The lines with names for the constants that they calculate with; the emitter's `head` reads them."""

    def name(match, type):
        number = match.group()
        if number in PLAIN:
            return number
        place, found = f"@tapeflow.{type}.{number[2:]}", f"%{type}.{number[2:]}"
        if place not in b.declared:
            b.declared[place] = f"{place} = private constant {type} {number}"
            b.head.append(f"  {found} = load volatile {type}, ptr {place}")  # volatile: or it were a constant again
        return found

    out = []
    for line in lines:
        arithmetic = ARITHMETIC.match(line)
        out.append(NUMBER.sub(lambda m, type=arithmetic and arithmetic[1]: name(m, type), line) if arithmetic else line)
    return out
