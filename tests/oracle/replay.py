"""Ask a module what TensorFlow was asked, and compare.

    python tests/oracle/replay.py ['PATTERN'] [--module tapeflow] [--mode eager] [--symbols]

prints every failing case whose id matches (`*` is the only wildcard), expected and got in one line each;
`--symbols` prints one line a symbol instead. The tests use `check`.
"""

import argparse
import collections
import functools
import importlib
import os
import pathlib
import sys

if __name__ == "__main__":
    sys.path[0] = ""  # this folder holds names of the standard library
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from oracle import cases, store
from oracle.compare import difference
from oracle.differences import DIFFERENCES
from oracle.match import matches
from oracle.run import MODES, run, sizes_in


@functools.cache
def answers():
    """Every recording by case id."""
    found = {}
    for family in cases.FAMILIES:
        found |= store.read(family)
    return found


@functools.cache
def of_unknown_sizes():
    """What TensorFlow makes of a case whose sizes a trace does not know, by case id, where that is something else: the
    error's class, or "differs"."""
    return store.read("sizes")


def replayable(mode="eager"):
    """Every case, but for those that TensorFlow's CPU build has no kernel for and, in a mode that traces, those that
    TensorFlow itself cannot trace (`bool(x)`) or that mean something else there."""
    found = []
    for case in cases.load().values():
        answer = answers().get(case.id, {})
        differs = mode != "eager" and (case.eager_only or answer.get("traced") == "differs")
        if mode == "unknown" and (not sizes_in(case) or of_unknown_sizes().get(case.id) == "differs"):
            continue
        if answer.get("kind") != "no kernel" and not differs:
            found.append(case)
    return found


def compare(case, tf, mode="eager"):
    """None, or one line that says how the module's answer differs from TensorFlow's."""
    expected = answers().get(case.id)
    if expected is None:
        return "no recording: run record.py"
    if expected["digest"] != case.digest:
        return "the case has changed since it was recorded: run record.py --only"
    got = run(case, tf, MODES[mode])
    if mode != "eager" and "traced" in expected and got.get("class") in (expected["class"], expected["traced"]):
        return None  # a graph's errors are found by other means, and worded otherwise
    if mode == "unknown" and case.id in of_unknown_sizes() and got.get("class") == of_unknown_sizes()[case.id]:
        return None
    return difference(expected, got, case.tol)


def declared(case, mode="eager"):
    """The pattern of the declared difference that the case belongs to, or None."""
    for pattern in DIFFERENCES:
        if covers(pattern, case.id, mode):
            return pattern
    return None


def covers(pattern, name, mode="eager"):
    pattern = pattern.removeprefix("~")
    modes = (mode,) if mode in ("eager", "traced") else ("traced", mode)  # what holds of a trace holds of the others
    return matches(pattern, name) or any(matches(pattern, f"{mode}:{name}") for mode in modes)


def check(case, tf, mode="eager"):
    """Raise AssertionError unless the module agrees with TensorFlow, or differs as declared."""
    found, pattern = compare(case, tf, mode), declared(case, mode)
    if pattern is None:
        assert found is None, f"{case.id}: {found}"
    elif not pattern.startswith("~") and (mode != "unknown" or not pattern.startswith("traced:")):
        # (A call that waits for sizes has the numbers as well, by then.)
        assert found is not None, f"agrees with TensorFlow, but is declared to differ: {DIFFERENCES[pattern]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--module", default="tapeflow")
    parser.add_argument("--mode", default="eager", choices=MODES)
    parser.add_argument("--symbols", action="store_true", help="one line a symbol")
    options = parser.parse_args()
    if options.module == "tensorflow":  # as it was recorded
        os.environ.update({"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"})
    tf = importlib.import_module(options.module)
    asked, failed = collections.Counter(), collections.defaultdict(list)
    for case in replayable(options.mode):
        if not matches(options.pattern, case.id):
            continue
        symbol = case.symbols[0]
        asked[symbol] += 1
        found = compare(case, tf, options.mode)
        if found is not None and declared(case, options.mode) is None:
            failed[symbol].append((case.id, found))
    for symbol in sorted(failed):
        if options.symbols:
            first, found = failed[symbol][0]
            print(f"{symbol}: {len(failed[symbol])} failed/{asked[symbol]} cases: {first}: {found}")
        else:
            for name, found in failed[symbol]:
                print(f"{name}: {found}")
    count = sum(map(len, failed.values()))
    print(f"{count} of {sum(asked.values())} cases failed, in {len(failed)} of {len(asked)} symbols")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
