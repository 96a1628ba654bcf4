"""Compare two frozen answers: `difference(expected, got, tol)` is None or one line that says what differs.

Integers, bools, strings, shapes, dtypes and kinds of result are equal or they differ. A float may be off by

    ulps * eps * |expected|  +  scale * eps * max |expected|  +  the smallest normal number

where (ulps, scale) is the case's tolerance;
the last term is there because TensorFlow flushes denormals to zero.
Infinities, NaNs and (for `exact` and `elementwise` results) the signs of zeros are in the same places.
"""

import re

import ml_dtypes
import numpy as np

from oracle.case import COMPLEX, FLOATS, numpy_dtype
from oracle.freeze import thaw

# (ulps, scale) for results and for gradients. float16 and bfloat16 are computed wider and rounded once, so a
# few of their coarse steps are already generous: `HALF` caps them.
TOLERANCES = {
    "exact": ((0, 0), (16, 0)),
    "elementwise": ((8, 0), (32, 0)),
    "special": ((256, 0), (1024, 0)),  # lgamma, betainc and kin, where TensorFlow's own error is of this size
    "sum": ((16, 16), (32, 32)),
    "linalg": ((256, 256), (1024, 1024)),
    "loose": ((20000, 20000), (20000, 20000)),
}
HALF = ((2, 2), (6, 6))
# A gradient that cancels (1 - tanh(x)**2) is exact to eps of its terms, which are about 1 here.
GRADIENT_FLOOR = 16
SPECIAL_FLOOR = 16


def difference(expected, got, tol=None):
    """What differs between a recorded answer and one's own, or None."""
    if expected.get("kind") == "error" or got.get("kind") == "error":
        if got.get("kind") != "error":
            return f"expected {_show(expected)}, got {_show(got['out'])}"
        if expected.get("kind") != "error":
            return f"expected {_show(expected['out'])}, got {_show(got)}"
        return _error(expected, got)
    found = _differ(expected["out"], got["out"], tol or "elementwise", False, "")
    if found is None and ("grad" in expected) != ("grad" in got):
        found = "a gradient: " + ("expected, none taken" if "grad" in expected else "taken, none expected")
    if found is None and "grad" in expected:
        found = _differ(expected["grad"], got["grad"], tol or "elementwise", True, "gradient")
    return found


def _differ(e, g, tol, gradient, where):
    if e == g:
        return None
    if isinstance(e, list) and isinstance(g, list):
        return _items(e, g, tol, gradient, where)
    if not (isinstance(e, dict) and isinstance(g, dict)) or e["kind"] != g["kind"]:
        return f"{where}: expected {_show(e)}, got {_show(g)}"
    kind = e["kind"]
    if kind == "error":
        return _error(e, g, where)
    if "data" in e:
        return _array(e, g, tol, gradient, where)
    if kind == "dict":
        if [k for k, _ in e["items"]] != [k for k, _ in g["items"]]:
            return f"{where}: keys {[k for k, _ in e['items']]} against {[k for k, _ in g['items']]}"
        return _items([x for _, x in e["items"]], [x for _, x in g["items"]], tol, gradient, where)
    if kind == "float":
        x, y = np.float64(e["value"]), np.float64(g["value"])
        return _numbers(x, y, "float64", tol, gradient, where)
    if kind == "complex":
        return _numbers(np.complex128(complex(e["value"])), np.complex128(complex(g["value"])), "complex128",
            tol,
                        gradient, where)
    if "items" in e and {k: x for k, x in e.items() if k != "items"} == {k: x for k,
        x in g.items() if k != "items"}:
        return _items(e["items"], g["items"], tol, gradient, where)
    return f"{where}: expected {_show(e)}, got {_show(g)}"


def _items(e, g, tol, gradient, where):
    if len(e) != len(g):
        return f"{where}: expected {len(e)} items, got {len(g)}"
    for i, (x, y) in enumerate(zip(e, g, strict=True)):
        found = _differ(x, y, tol, gradient, f"{where}[{i}]")
        if found:
            return found
    return None


def _array(e, g, tol, gradient, where):
    for key in ("dtype", "shape", "numpy"):
        if e.get(key) != g.get(key):
            return f"{where}: {key}: expected {_show(e)}, got {_show(g)}"
    if e["dtype"] not in FLOATS and e["dtype"] not in COMPLEX:
        return f"{where}: expected {_show(e)}, got {_show(g)}"
    return _numbers(thaw(e), thaw(g), e["dtype"], tol, gradient, where)


def _value(x):
    return "nothing" if x is None else x


def _numbers(e, g, dtype, tol, gradient, where):
    info = ml_dtypes.finfo(numpy_dtype(dtype if dtype not in COMPLEX else np.zeros(0, dtype).real.dtype.name))
    wide = "complex128" if dtype in COMPLEX else "float64"
    e, g = e.astype(wide), g.astype(wide)
    ulps, scale = TOLERANCES[tol][gradient]
    if dtype in ("float16", "bfloat16"):
        ulps, scale = min(ulps, HALF[gradient][0]), min(scale, HALF[gradient][1])
    if dtype in COMPLEX:
        ulps = max(ulps, 4)  # a product of complex numbers rounds each part by the size of the whole
    with np.errstate(all="ignore"):
        finite = np.isfinite(e)
        if dtype in COMPLEX:
            same = finite | ~np.isfinite(g)
        else:
            same = finite | (np.isnan(e) & np.isnan(g)) | (e == g)
        size = np.abs(np.where(finite, e, 0))
        eps = float(info.eps)
        floor = GRADIENT_FLOOR if gradient else SPECIAL_FLOOR if tol == "special" else 0
        floor = min(floor, 1) if dtype in ("float16", "bfloat16") else floor
        bound = ulps * eps * size + scale * eps * np.max(size,
            initial=0) + floor * eps + float(info.smallest_normal)
        same &= ~finite | (np.abs(e - g) <= bound)
        if tol in ("exact", "elementwise") and not gradient and dtype not in COMPLEX:
            same &= (e != 0) | (g != 0) | (np.signbit(e) == np.signbit(g))
    if same.all():
        return None
    bad = np.argwhere(~same)[0] if same.ndim else ()
    x, y = e[tuple(bad)], g[tuple(bad)]
    with np.errstate(all="ignore"):
        off = np.abs(x - y) / max(eps * np.abs(x),
            float(info.smallest_subnormal)) if np.isfinite(x) else np.nan
    at = f" at {tuple(int(i) for i in bad)}" if len(bad) else ""
    count = f"{int((~same).sum())} of {same.size} differ"
    return f"{where}: {dtype}{at} expected {x!s}, got {y!s} ({off:.3g} ulp); {count}"


def _show(x):
    if isinstance(x, dict) and "data" in x:
        text = np.array2string(thaw(x).ravel()[:6], separator=",").replace("\n", "")
        return f"{x['kind']} {x['dtype']}{x['shape']} {text}"
    if isinstance(x, dict) and x["kind"] == "error":
        return f"{x['class']}: {x['message'][:160]!r}"
    text = repr(x)
    return text if len(text) <= 160 else text[:157] + "..."


# Errors: the class by name, and what the message is about.

NOISE = [
    r"\{\{function_node [^}]*\}\}", r"\{\{node [^}]*\}\}", r"\[Op:[^\]]*\]", r" name: *\S*$", r"/job:\S*",
        r"0x[0-9a-f]+",
    r"\[[\[\]\s\d.eE+,-]*\d\.\d*[\[\]\s\d.eE+,-]*\]",  # a tensor's values
    r"<tf\.Tensor:.*?(?:\)>|>$)", r"tf\.Tensor\(.*?dtype=\w+\)", r"[Ee]xpected one of.*", r"one of \[.*",
    r"If you are looking for numpy.*", r"; NodeDef:.*", r"All kernels registered.*", r"Registered devices.*",
        r"is not in the list of allowed values:.*",
    r"Op<name=.*", r"\battr '\w+'", r"#\d+\(zero-based\)", r"; (?=Op<).*", r"Call arguments received.*",
]
DTYPES = {
    "half": "float16", "float": "float32", "double": "float64", "DT_HALF": "float16", "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64", "DT_BFLOAT16": "bfloat16", "DT_BOOL": "bool", "DT_STRING": "string",
    "DT_INT32": "int32", "DT_INT64": "int64", "DT_INT8": "int8", "DT_INT16": "int16", "DT_UINT8": "uint8",
    "DT_COMPLEX64": "complex64", "DT_COMPLEX128": "complex128",
}
INTERNAL = {"EagerTensor", "ResourceVariable", "tensorflow"}  # TensorFlow's names for its own things
NAMES = {*DTYPES, *DTYPES.values(), "uint16", "uint32", "uint64"}


def plain(message):
    """The message without what only TensorFlow's runtime would say."""
    for pattern in NOISE:
        message = re.sub(pattern, " ", message, flags=re.DOTALL)
    return message


def substance(message):
    """What a message is about: the numbers, the dtypes and the quoted words in it."""
    message = plain(message)
    found = {DTYPES.get(word, word) for word in re.findall(r"\w+", message) if word in NAMES}
    numbers = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])", message)
    found |= {f"{float(number):g}" for number in numbers if abs(float(number)) < 2**62}
    for quoted in re.findall(r"(?<!\w)['\"`]([A-Za-z_][\w.]{1,39})['\"`](?!\w)", message):
        quoted = quoted.rsplit(".", 1)[-1]
        if quoted not in INTERNAL:
            found.add(DTYPES.get(quoted, quoted))
    return found


def gist(message):
    """Its longer words, for a message of none of those."""
    return {word.lower() for word in re.findall(r"[A-Za-z]{4,}", plain(message))}


def _error(e, g, where=""):
    where = where and f"{where}: "
    if e["class"] != g["class"]:
        return f"{where}expected {_show(e)}, got {_show(g)}"
    wanted, said = substance(e["message"]), substance(g["message"]) | set(re.findall(r"\w+", g["message"]))
    if said & {"integer", "integers", "int"}:
        said |= {"int32", "int64"}
    missing = sorted(wanted - said)
    if not wanted:
        wanted = gist(e["message"])
        lacks = sorted(wanted - gist(g["message"]))
        missing = lacks if len(lacks) * 3 > len(wanted) * 2 else []
    if missing:
        text = f"expected {e['message'][:160]!r}, got {g['message'][:160]!r}"
        return f"{where}{e['class']} does not mention {', '.join(missing)}: {text}"
    return None
