"""The benchmark's harness: it measures, reports, and says so when something fails. No timing is judged."""

import json
import os
import pathlib
import subprocess
import sys

from bench import harness, report, worker
from bench.rows import ROWS

ROOT = pathlib.Path(__file__).parents[1]


def bench(*arguments, folder, **environment):
    quick = ["--rounds", "1", "--seconds", "0.01", "--out", str(folder)]
    command = [sys.executable, "-m", "bench", *quick, *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_measures_and_reports(tmp_path):
    done = bench("--rows", "import,scalar,scalar-compiled", "--first", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "results.json").read_text())
    seconds = record["seconds"]
    assert set(seconds) == {"import", "scalar", "scalar-compiled"}
    assert set(seconds["import"]) == {"tapeflow eager", "numpy eager"}
    assert 0 < seconds["scalar"]["tapeflow eager"] < seconds["import"]["numpy eager"]
    assert set(seconds["scalar-compiled"]) == {"tapeflow function"}
    first, peak = record["first_call_seconds"], record["peak_bytes"]
    assert set(first) == {"scalar-compiled"}
    assert set(first["scalar-compiled"]) == {"tapeflow function", "tapeflow function warm"}
    assert first["scalar-compiled"]["tapeflow function"] > seconds["scalar-compiled"]["tapeflow function"] > 0
    assert all(1e7 < taken < 1e9 for taken in peak["scalar-compiled"].values())
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 5 + 3 + 3
    assert table == [line for line in (tmp_path / "RESULTS.md").read_text().splitlines() if line.startswith("|")]


def test_every_row_runs_in_our_modes_to_the_same_numbers(tmp_path):
    rows = [row for row in ROWS if not row.fresh]
    done = bench("--rows", ",".join(row.id for row in rows), "--first", "0", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    seconds = json.loads((tmp_path / "results.json").read_text())["seconds"]
    ours = {"eager", "function"}
    assert {row: set(found) for row, found in seconds.items()} == {
        row.id: {f"tapeflow {mode}" for mode in ours.intersection(row.modes)} for row in rows
    }


def test_a_first_call_starts_from_an_empty_cache_and_then_from_a_filled_one(monkeypatch):
    folders = []

    class Spy:
        def __init__(self, name, python, **environment):
            (folder,) = environment.values()
            folders.append((list(environment), sorted(os.listdir(folder))))
            pathlib.Path(folder, "code").touch()

        def ask(self, **request):
            return {"first": float(len(folders)), "peak": 100 - len(folders)}

        def close(self):
            pass

    monkeypatch.setattr(harness, "Worker", Spy)
    rows = [row for row in ROWS if row.id in ("scalar", "scalar-compiled")]
    works = {"tapeflow": {("scalar", "function")}, "torch": {("scalar", "compile")}}
    seconds, peaks, failures = harness.measure_first_calls(
        rows, dict.fromkeys(works, "python"), works, 2, lambda text: None
    )
    ours, theirs = ["TAPEFLOW_CACHE_DIR"], ["TORCHINDUCTOR_CACHE_DIR"]
    assert folders == [(ours, []), (ours, ["code"]), (theirs, []), (theirs, ["code"])] * 2
    assert seconds == {
        "scalar-compiled": {
            ("tapeflow", "function"): 1.0,
            ("tapeflow", "function warm"): 2.0,
            ("torch", "compile"): 3.0,
            ("torch", "compile warm"): 4.0,
        }
    }
    assert peaks["scalar-compiled"]["tapeflow", "function"] == 95
    assert not failures


def test_a_peer_that_fails_is_reported(tmp_path):
    done = bench("--rows", "scalar", "--python-of", f"torch={sys.executable}", folder=tmp_path)
    assert done.returncode == 1
    assert "FAILED PyTorch ended early" in done.stderr
    assert "torch" not in json.loads((tmp_path / "results.json").read_text())["seconds"]["scalar"]


def test_goals_are_ratios_within_the_run():
    goal, ours = next((row.goal, report.ours(row)) for row in ROWS if row.id == "import")
    met = {("tapeflow", "eager"): 0.15, ("numpy", "eager"): 0.1}
    assert report.goal_cells(goal, ours, met) == ("1.60 × NumPy's import", "met: 1.50")
    assert report.goal_cells(goal, ours, {**met, ours: 0.17})[1] == "missed: 1.70"
    assert report.goal_cells(goal, ours, {ours: 0.15})[1] == "not measured"
    assert report.goal_cells(None, ours, met) == ("", "")


def test_a_goal_may_be_a_share_of_the_best_peer():
    goal, ours = next((row.goal, report.ours(row)) for row in ROWS if row.id == "mlp-middle")
    assert ours == ("tapeflow", "function")
    times = {ours: 2.0, ("tapeflow", "eager"): 1.0, ("torch", "eager"): 4.0, ("jax", "jit"): 8.0}
    assert report.goal_cells(goal, ours, times) == ("0.70 × the best peer", "met: 0.50 × PyTorch eager")
    assert report.goal_cells(goal, ours, {**times, ("jax", "jit"): 2.5})[1] == "missed: 0.80 × JAX jit"
    assert report.goal_cells(goal, ours, {ours: 2.0}) == ("0.70 × the best peer", "not measured")


def test_the_goals_of_first_calls():
    firsts = {("tapeflow", "function"): 0.5, ("tapeflow", "function warm"): 0.04, ("jax", "jit"): 0.4}
    run = report.Run(ROWS, {}, {"mlp-middle": firsts}, {}, {}, 1, 1.0, 1)
    told = [line.partition("SGD step, ")[2] for line in report.first_call_lines(run).splitlines()]
    assert told == [
        "Tapeflow function: 1 s: met: 0.50",
        "Tapeflow function: 1.00 × JAX jit: missed: 1.25",
        "Tapeflow function warm: 0.10 × Tapeflow function: met: 0.08",
    ]


def test_large_results_are_compared_by_where_their_numbers_stand():
    assert worker.numbers((3.0, [1.0, 2.0])) == [3.0, 1.0, 2.0]
    up, down = worker.numbers([0.0, 1.0, 2.0, 3.0]), worker.numbers([3.0, 2.0, 1.0, 0.0])
    assert up[:2] == down[:2] and not harness.agree([up, down])


def test_peers_must_agree():
    assert harness.agree([[6.0, 1e-30], [6.0001, 0.0]])
    assert not harness.agree([[6.0], [6.1]])
    assert not harness.agree([[6.0, 1.0], [6.0]])


def test_ratios_are_legible():
    assert [report.ratio(value) for value in (0.00134, 0.45, 7.214, 345.1)] == ["0.0013", "0.45", "7.21", "345"]


def test_durations_are_legible():
    found = [report.duration(seconds) for seconds in (5.9, 0.0064, 345e-6, 8.123e-6, 5e-7)]
    assert found == ["5.90 s", "6.40 ms", "345 µs", "8.12 µs", "500 ns"]
