"""Ask real TensorFlow every case and write what it answers to recordings/.

Run in an environment that has TensorFlow 2.21 (and nothing of Tapeflow):

    python tests/oracle/record.py                  everything
    python tests/oracle/record.py --only '*relu*'  the cases whose id matches (`*` is the only wildcard)
    python tests/oracle/record.py --check          record nothing; list the core's symbols that have no case
"""

import argparse
import os
import pathlib
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

if __name__ == "__main__":
    sys.path[0] = ""  # this folder holds names of the standard library
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from oracle import cases, store
from oracle.case import lookup
from oracle.compare import difference
from oracle.freeze import Unfreezable
from oracle.match import matches
from oracle.run import run, sizes_in, traced, unknown

CORE = (pathlib.Path(__file__).parent / "api" / "core.txt").read_text().split()
WANTED = "2.21"


def aliases(tf):
    """The names of the core that are one object, each with the first of them."""
    first, found = {}, {}
    for symbol in CORE:
        try:
            key = id(lookup(tf, symbol))
        except AttributeError:
            continue
        if isinstance(lookup(tf, symbol), (int, str, type(None))):
            continue
        if key in first:
            found[symbol] = first[key]
        first.setdefault(key, symbol)
    return found


def uncovered(every, alias):
    asked = {symbol for case in every.values() for symbol in case.symbols}
    asked |= {alias.get(symbol, symbol) for symbol in asked}
    return [symbol for symbol in CORE if symbol not in asked and alias.get(symbol) not in asked]


def without_kernel(answer):
    """`{"kind": "no kernel"}` for a dtype that the operation takes and TensorFlow's CPU build lacks.

    That is a gap of one build and says nothing of the API: such a case is not replayed."""
    message = answer.get("message", "")
    if answer.get("class") == "NotFoundError" and message.startswith("Could not find device for node"):
        return {"kind": "no kernel"}
    return answer


def in_a_graph(case, tf, answer):
    """What `tf.function` makes of the case: nothing if the same, else {"traced": the error's class, or "differs"}."""
    if case.eager_only or answer.get("kind") == "no kernel":
        return {}
    other = answer_in(traced, case, tf)
    if difference(answer, other, case.tol) is None:
        return {}
    return {"traced": other["class"] if "class" in answer and "class" in other else "differs"}


def answer_in(mode, case, tf):
    try:
        return run(case, tf, mode)
    except Unfreezable:
        return {"out": None}


def of_unknown_sizes(case, tf, answer):
    """What a function that does not know the sizes makes of it: None if the same, the error's class, or "differs"."""
    if case.eager_only or answer.get("kind") == "no kernel" or "traced" in answer or not sizes_in(case):
        return None
    other = answer_in(unknown, case, tf)
    return None if difference(answer, other, case.tol) is None else other.get("class", "differs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="PATTERN", help="record only the cases whose id matches")
    parser.add_argument("--check", action="store_true", help="list the symbols without a case and stop")
    parser.add_argument("--sizes", action="store_true", help="only what unknown sizes change in what is recorded")
    parser.add_argument("--verbose", action="store_true", help="name each case before it is asked")
    options = parser.parse_args()
    import tensorflow as tf

    if "tapeflow" in sys.modules:
        raise SystemExit("`tensorflow` stands for Tapeflow here: run this where the real one is installed.")

    if not tf.__version__.startswith(WANTED):
        sys.exit(f"this is TensorFlow {tf.__version__}; the recordings are of {WANTED}")
    tf.get_logger().setLevel("ERROR")
    every = cases.load()
    alias = aliases(tf)
    missing = uncovered(every, alias)
    print(f"{len(every)} cases; {len(CORE) - len(missing)} of {len(CORE)} symbols covered")
    if options.check:
        print("\n".join(missing))
        sys.exit(1 if missing else 0)
    asked = [case for case in every.values() if options.only is None or matches(options.only, case.id)]
    started = time.perf_counter()
    if options.sizes:
        recorded = {key: answer for family in cases.FAMILIES for key, answer in store.read(family).items()}
        found = {case.id: of_unknown_sizes(case, tf, recorded[case.id]) for case in asked}
        store.write("sizes", {key: answer for key, answer in found.items() if answer})
        return
    answers, mistakes = {}, []
    for done, case in enumerate(asked, 1):
        if options.verbose:
            print(case.id, flush=True)
        try:
            answer = without_kernel(run(case, tf))
            answers[case.id] = {"digest": case.digest, **answer, **in_a_graph(case, tf, answer)}
        except Unfreezable as mistake:
            mistakes.append(f"{case.id}: {mistake}")
        if sys.stderr.isatty() or done % 500 == 0 or done == len(asked):
            left = (time.perf_counter() - started) / done * (len(asked) - done)
            print(f"\r{done}/{len(asked)} cases, {left:4.0f} s left ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if mistakes:
        sys.exit("\n".join(mistakes))
    for family in cases.FAMILIES:
        kept = store.read(family) if options.only else {}
        kept = {key: kept[key] for key in kept if key in every}
        kept |= {key: answer for key, answer in answers.items() if every[key].family == family}
        store.write(family, kept)
    kept = {key: answer for key, answer in store.read("sizes").items() if key in every and key not in answers}
    found = {key: of_unknown_sizes(every[key], tf, answer) for key, answer in answers.items()}
    store.write("sizes", kept | {key: answer for key, answer in found.items() if answer})
    store.write("aliases", alias)
    size = sum(path.stat().st_size for path in store.FOLDER.glob("*.json.gz"))
    print(f"{len(asked)} recorded; recordings/ is {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
