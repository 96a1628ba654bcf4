"""Instructions of AVX-512 that LLVM's code for single numbers has no name for, and tables in registers.

`call(b, "getexp", x)` is a call of a function of one number, which LLVM's loop vectoriser makes one of vectors: the
attribute "vector-function-abi-variant" says which there are. What they do LLVM is told when that is done
(`definitions`), and puts the instruction in the place of the call. That of one number is the same instruction, so an
element's value is the same wherever in an array it stands.
"""

import functools
import math

from tapeflow.compiler import cache
from tapeflow.compiler.emit import as_float, literal

LANES = 16
WIDTHS = (2, 4, 8, LANES)  # of the vectors that LLVM may make


# About 1 / m for the m from 3/4 to 3/2 whose fraction begins with the bits of j, and 1 beside 1. Of the numbers near
# the middle each is the one whose logarithm is nearest to a float: S. Gal's accurate tables.
_LOG_POINTS = (
    1.0, 0.9552086, 0.9275211, 0.9014235, 0.8767127, 0.8533336, 0.8311685, 0.81012684, 0.7901234, 0.7710696,
    0.7529552, 0.73564684, 0.7191009, 0.7032822, 0.68815684, 0.6736834, 1.3196026, 1.2929153, 1.2673264, 1.2427039,
    1.2190325, 1.1962621, 1.1743114, 1.1531683, 1.1327584, 1.1130284, 1.0940171, 1.0756179, 1.0578511, 1.0406353,
    1.0240152, 1.0,
)  # fmt: skip

# By the low bits of an integer.
TABLES = {
    "exp2": [2 ** (j / LANES) for j in range(LANES)],
    "log_point": _LOG_POINTS,
    "log_value": [-math.log(as_float(c)) for c in _LOG_POINTS],
    "tanh": [math.tanh(j / 2) for j in range(32)],
}


def _vector(type, lanes=LANES):
    return type if lanes == 1 else f"<{lanes} x {type}>"


_V, _I = _vector("float"), _vector("i32")
_FIRST, _SECOND = (_V, "%a0"), (_V, "%a1")
_EVERYWHERE = ((_V, "zeroinitializer"), ("i16", "-1"), ("i32", "4"))  # in every lane, rounded as always


def _table(numbers):
    if len(numbers) == LANES:  # in one register: a quicker instruction
        whole = ", ".join(f"float {literal('float', x)}" for x in numbers)
        return ("i32",), "permvar.sf.512", ((_V, f"<{whole}>"), (_I, "%a0"))
    halves = [", ".join(f"float {literal('float', x)}" for x in numbers[i : i + LANES]) for i in (0, LANES)]
    return ("i32",), "vpermi2var.ps.512", ((_V, f"<{halves[0]}>"), (_I, "%a0"), (_V, f"<{halves[1]}>"))


# The operands' types, the instruction, and its own operands.
FUNCTIONS = {
    # floor(log2(|x|))
    "getexp": (("float",), "mask.getexp.ps.512", (_FIRST, *_EVERYWHERE)),
    # m of x = 2^k m, m from 3/4 to 3/2; NaN for an x below 0
    "getmant": (("float",), "mask.getmant.ps.512", (_FIRST, ("i32", "11"), *_EVERYWHERE)),
    # x 2^floor(y), rounded once
    "scalef": (("float", "float"), "mask.scalef.ps.512", (_FIRST, _SECOND, *_EVERYWHERE)),
    # min(|x|, |y|) with the sign of x
    "nearer": (("float", "float"), "mask.range.ps.512", (_FIRST, _SECOND, ("i32", "2"), *_EVERYWHERE)),
    **{name: _table(numbers) for name, numbers in TABLES.items()},
}


def _definition(name, lanes):
    """A function for so many lanes, by the instruction for all. `available_externally`: it leaves no code itself."""
    types, instruction, operands = FUNCTIONS[name]
    given = [_vector(type, lanes) for type in types]
    result, full = _vector("float", lanes), name if lanes == 1 else f"{name}.{lanes}"
    parameters = ", ".join(f"{type} %x{i}" for i, type in enumerate(given))
    lines = [f"define available_externally {result} @tapeflow.{full}({parameters}) alwaysinline {{"]
    for i, type in enumerate(types):
        if lanes == 1:
            lines.append(f"  %a{i} = insertelement {_vector(type)} poison, {type} %x{i}, i32 0")
        else:
            lines.append(f"  %a{i} = {_lanes(f'%x{i}', given[i], lanes, LANES)}")
    lines.append(f"  %y = call {_V} @llvm.x86.avx512.{instruction}({', '.join(map(' '.join, operands))})")
    if lanes == 1:
        lines.append(f"  %z = extractelement {_V} %y, i32 0")
    else:
        lines.append(f"  %z = {_lanes('%y', _V, LANES, lanes)}")
    return [*lines, f"  ret {result} %z", "}"]


def _lanes(value, type, count, wanted):
    """The first lanes of a vector; what it has not, does not matter."""
    places = ", ".join(f"i32 {i if i < count else 'poison'}" for i in range(wanted))
    return f"shufflevector {type} {value}, {type} poison, <{wanted} x i32> <{places}>"


def definitions(text=None):
    """The functions that a module calls (all without one), for when LLVM has made its vectors; "" if it calls none."""
    used = {name: parts for name, parts in FUNCTIONS.items() if text is None or f"call float @tapeflow.{name}(" in text}
    lines = {}
    for _, instruction, operands in used.values():
        lines[f"declare {_V} @llvm.x86.avx512.{instruction}({', '.join(type for type, _ in operands)})"] = None
    for name in used:
        for lanes in (1, *WIDTHS):
            lines["\n".join(_definition(name, lanes))] = None
    return "\n".join(lines)


@functools.cache
def declarations():
    """What a module has to say of them; with a digest of what is told later, for the cache of compiled code."""
    lines, used = [f"; {cache.sha256(definitions().encode()).hexdigest()}"], []
    for name, (types, _, _) in FUNCTIONS.items():
        variants = []
        for lanes in WIDTHS:
            full = f"tapeflow.{name}.{lanes}"
            given = ", ".join(_vector(type, lanes) for type in types)
            lines.append(f"declare {_vector('float', lanes)} @{full}({given})")
            used.append(f"ptr @{full}")
            variants.append(f"_ZGV_LLVM_N{lanes}{'v' * len(types)}_tapeflow.{name}({full})")
        lines.append(
            f"declare float @tapeflow.{name}({', '.join(types)}) nounwind willreturn memory(none) "
            f'"vector-function-abi-variant"="{",".join(variants)}"'
        )
    kept = f"[{len(used)} x ptr] [{', '.join(used)}]"
    return "\n".join([*lines, f'@llvm.compiler.used = appending global {kept}, section "llvm.metadata"'])


def call(b, name, *operands):
    """The value of a function of `FUNCTIONS`, a float."""
    b.declared["avx512"] = declarations()
    return b.new("float", f"call float @tapeflow.{name}({', '.join(f'{x.type} {x.text}' for x in operands)})")
