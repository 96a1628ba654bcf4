"""Runs every row turn by turn: a round is one mean from each peer, so that all meet the same weather."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from bench.peers import PEERS
from bench.rows import COMPILED

ROOT = pathlib.Path(__file__).resolve().parents[1]
PATIENCE = 5  # seconds
TIMED = "import time\nstarted = time.perf_counter()\n{}\nprint(time.perf_counter() - started)"


class Failed(Exception):
    """A peer could not run a row; the message says why."""


class Worker:
    """A peer's process, kept alive, which measures on request and waits in between."""

    def __init__(self, name, python, **environment):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [python, "-m", "bench.worker", name],
            cwd=ROOT,
            env={**quiet(), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.hello = self.reply()
        self.workloads = {tuple(key) for key in self.hello["workloads"]}

    def reply(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Failed(f"{PEERS[self.name].title} ended early: {self.errors.read()[-3000:]}")
        reply = json.loads(line)
        if "error" in reply:
            raise Failed(f"{PEERS[self.name].title}: {reply['error']}")
        return reply

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.reply()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def quiet():
    """The environment as it is, with TensorFlow's start-up messages off."""
    return {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}


def run_fresh(name, python):
    """Seconds of a peer's first program in a process of its own."""
    code = TIMED.format(PEERS[name].first)
    done = subprocess.run([python, "-c", code], cwd=ROOT, env=quiet(), capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{PEERS[name].title}: {done.stderr}")
    return float(done.stdout.split()[-1])


def measure(rows, pythons, rounds, seconds, say):
    """Every row's fastest mean: {row id: {(peer, mode): seconds}}, the workers' hellos, and what failed."""
    times, failures = {row.id: {} for row in rows}, []
    workers = {}
    try:
        if any(not row.fresh for row in rows):
            for name, python in pythons.items():
                if PEERS[name].workloads is not None:
                    say(f"starting {PEERS[name].title}")
                    try:
                        workers[name] = Worker(name, python)
                    except Failed as failure:
                        failures.append(str(failure))
        for row in rows:
            turns, counts = start(row, pythons, workers, seconds, failures, say)
            for i in range(rounds):
                for peer, mode in list(turns):
                    say(f"{row.title}: round {i + 1} of {rounds}, {PEERS[peer].title} {mode}")
                    try:
                        if row.fresh:
                            took = run_fresh(peer, pythons[peer])
                        else:
                            request = {"work": row.work, "mode": mode, "count": counts[peer, mode]}
                            took = workers[peer].ask(**request)["mean"]
                    except Failed as failure:
                        failures.append(f"{row.title}: {failure}")
                        turns.remove((peer, mode))
                        times[row.id].pop((peer, mode), None)
                        continue
                    times[row.id][peer, mode] = min(took, times[row.id].get((peer, mode), took))
    finally:
        for worker in workers.values():
            worker.close()
    return times, {name: worker.hello for name, worker in workers.items()}, failures


def start(row, pythons, workers, seconds, failures, say):
    """Who takes part in a row, [(peer, mode)], and how often each runs it in one mean.

    Each runs it first unmeasured, to warm up; where the row compares, all must come to the same number.
    """
    turns, counts, values = [], {}, {}
    if row.fresh:
        wanted = [(name, "eager") for name in pythons]
    else:
        wanted = runs_of(row, {name: worker.workloads for name, worker in workers.items()})
    for peer, mode in wanted:
        say(f"{row.title}: warming up {PEERS[peer].title} {mode}")
        try:
            if row.fresh:
                run_fresh(peer, pythons[peer])  # brings its files into the disk cache
            else:
                request = {"work": row.work, "mode": mode}
                values[peer, mode] = workers[peer].ask(**request)["values"]
                counts[peer, mode] = workers[peer].ask(**request, seconds=seconds)["count"]
            turns.append((peer, mode))
        except Failed as failure:
            failures.append(f"{row.title}: {failure}")
    if row.compare and not agree(list(values.values())):
        came_to = ", ".join(f"{peer} {mode} {value}" for (peer, mode), value in values.items())
        failures.append(f"{row.title}: the peers do not come to the same numbers: {came_to}")
    return turns, counts


def runs_of(row, workloads):
    """The (peer, mode) pairs that run a row; `workloads`: what each peer has, {peer: {(workload, mode)}}."""
    return [(name, mode) for name in workloads for mode in row.modes if (row.work, mode) in workloads[name]]


def measure_first_calls(rows, pythons, workloads, rounds, say):
    """Each compiled row's first call, the quickest of some fresh processes, and their peak memory, the least.

    A peer that keeps compiled code on disk starts from an empty cache, and once more from what that left. A call that
    takes longer than PATIENCE is not repeated: torch.compile's would fill half an hour.

    Returns:
      ({row id: {(peer, mode): seconds}}, the same of bytes, what failed); a start from a filled cache has " warm" at
      the end of its mode.
    """
    rows = [row for row in rows if not set(row.modes).isdisjoint(COMPILED)]
    seconds, peaks, failures = {row.id: {} for row in rows}, {row.id: {} for row in rows}, []
    for row in rows:
        turns = runs_of(row, workloads)
        for i in range(rounds):
            for peer, mode in list(turns):
                say(f"{row.title}: first call {i + 1} of {rounds}, {PEERS[peer].title} {mode}")
                try:
                    replies = first_calls(row, peer, mode, pythons[peer])
                    for column, reply in replies:
                        for figures, kind in ((seconds[row.id], "first"), (peaks[row.id], "peak")):
                            if reply[kind] is not None:
                                figures[column] = min(reply[kind], figures.get(column, reply[kind]))
                except Failed as failure:
                    failures.append(f"{row.title}, first call: {failure}")
                    turns.remove((peer, mode))
                    continue
                if max(reply["first"] for _, reply in replies) > PATIENCE:
                    turns.remove((peer, mode))
    return seconds, peaks, failures


def first_calls(row, peer, mode, python):
    """[(column, what the worker says)]: from an empty cache and, where there is one, again from a filled one."""
    cached = PEERS[peer].cache if mode in COMPILED else None
    columns = [(peer, mode), (peer, f"{mode} warm")] if cached else [(peer, mode)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for column in columns:
            worker = Worker(peer, python, **({cached: folder} if cached else {}))
            try:
                found.append((column, worker.ask(work=row.work, mode=mode, first=True)))
            finally:
                worker.close()
    return found


def agree(results, relative=1e-3, absolute=1e-6):
    """Whether lists of numbers are the same to rounding."""
    return len(set(map(len, results))) <= 1 and all(
        max(numbers) - min(numbers) <= absolute + relative * max(map(abs, numbers)) for numbers in zip(*results)
    )


def say_to(stream=sys.stderr):
    """A function that shows progress: one line that is overwritten on a terminal, else a line each."""
    if not stream.isatty():
        return lambda text: print(text, file=stream, flush=True)
    return lambda text: print(f"\r\x1b[K{text[:100]}", end="", file=stream, flush=True)
