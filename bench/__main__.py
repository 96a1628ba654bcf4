"""`python -m bench`: measures Tapeflow, and the peers it is asked for, turn by turn in one run."""

import argparse
import pathlib
import subprocess
import sys

from bench import harness, report
from bench.peers import HERE, PEERS, python_of
from bench.rows import ROWS

ALWAYS = ("tapeflow", "numpy")


def parse():
    peers = [name for name in PEERS if name not in ALWAYS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--peers", default="", metavar="A,B", help=f"any of {', '.join(peers)}, or all")
    parser.add_argument(
        "--python-of", action="append", default=[], metavar="PEER=PYTHON",
        help="use this interpreter for a peer, and build no environment for it",
    )  # fmt: skip
    names = {row.id: row for row in ROWS}
    parser.add_argument("--rows", default="", metavar="A,B", help=f"any of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=5, help="a figure is the fastest of so many means (5)")
    parser.add_argument("--seconds", type=float, default=0.3, help="how long one mean takes, about (0.3)")
    parser.add_argument(
        "--first", type=int, default=3, metavar="N",
        help="how many fresh processes each first call is measured in (3); 0: none",
    )  # fmt: skip
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="folder for the results (bench)")
    chosen = parser.parse_args()
    chosen.peers = peers if chosen.peers == "all" else [name for name in chosen.peers.split(",") if name]
    chosen.rows = [name for name in chosen.rows.split(",") if name] or list(names)
    for wanted, known in ((chosen.peers, peers), (chosen.rows, names)):
        for name in wanted:
            if name not in known:
                parser.error(f"{name!r} is none of {', '.join(known)}")
    chosen.rows = [names[name] for name in chosen.rows]
    chosen.pythons = {}
    for entry in chosen.python_of:
        name, _, python = entry.partition("=")
        if name not in PEERS or not python:
            parser.error(f"--python-of takes PEER=PYTHON, not {entry!r}")
        chosen.pythons[name] = python
    if chosen.rounds < 1 or chosen.seconds <= 0 or chosen.first < 0:
        parser.error("--rounds must be 1 or more, --seconds more than 0, and --first 0 or more")
    return chosen


def main():
    chosen = parse()
    say = harness.say_to()
    pythons, unbuilt = {}, []
    for name in [name for name in PEERS if name in ALWAYS or name in chosen.peers or name in chosen.pythons]:
        try:
            pythons[name] = chosen.pythons.get(name) or python_of(name, say)
        except subprocess.CalledProcessError as error:
            unbuilt.append(f"{PEERS[name].title}: its environment could not be built: {error}")
    if "numpy" not in chosen.pythons:
        pythons["numpy"] = pythons["tapeflow"]  # the same NumPy for both
    # pip compiles what it installs, the peers among it: an editable checkout is to be no worse off.
    compiling = "import compileall, tapeflow; compileall.compile_dir(tapeflow.__path__[0], quiet=2)"
    subprocess.run([pythons["tapeflow"], "-c", compiling], check=True)
    times, hellos, failures = harness.measure(chosen.rows, pythons, chosen.rounds, chosen.seconds, say)
    workloads = {name: {tuple(key) for key in hello["workloads"]} for name, hello in hellos.items()}
    firsts, peaks, failed = harness.measure_first_calls(chosen.rows, pythons, workloads, chosen.first, say)
    failures += failed
    run = report.Run(chosen.rows, times, firsts, peaks, hellos, chosen.rounds, chosen.seconds, chosen.first)
    chosen.out.mkdir(parents=True, exist_ok=True)
    text, written = report.write(chosen.out, run)
    say("")
    print(text)
    print("\nwritten:", ", ".join(map(str, written)))
    for failure in unbuilt + failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    return 1 if unbuilt + failures else 0


if __name__ == "__main__":
    sys.exit(main())
