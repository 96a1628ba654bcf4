"""The benchmark's harness: it measures, reports, and says so when something fails. No timing is judged."""

import json
import os
import pathlib
import subprocess
import sys

from bench import harness, report
from bench.rows import ROWS

ROOT = pathlib.Path(__file__).parents[1]


def bench(*arguments, folder, **environment):
    quick = ["--rounds", "1", "--seconds", "0.01", "--out", str(folder)]
    command = [sys.executable, "-m", "bench", *quick, *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_measures_and_reports(tmp_path):
    done = bench("--rows", "import,scalar", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    seconds = json.loads((tmp_path / "results.json").read_text())["seconds"]
    assert set(seconds) == {"import", "scalar"}
    assert set(seconds["import"]) == {"tapeflow eager", "numpy eager"}
    assert 0 < seconds["scalar"]["tapeflow eager"] < seconds["import"]["numpy eager"]
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert table == [
        line for line in (tmp_path / "RESULTS.md").read_text().splitlines() if line.startswith("|")
    ]


def test_a_peer_that_fails_is_reported(tmp_path):
    done = bench("--rows", "scalar", "--python-of", f"torch={sys.executable}", folder=tmp_path)
    assert done.returncode == 1
    assert "FAILED PyTorch ended early" in done.stderr
    assert "torch" not in json.loads((tmp_path / "results.json").read_text())["seconds"]["scalar"]


def test_goals_are_ratios_within_the_run():
    row = next(row for row in ROWS if row.id == "import")
    met = {("tapeflow", "eager"): 0.15, ("numpy", "eager"): 0.1}
    assert report.goal_cells(row, met) == ("1.60 × NumPy's import", "met: 1.50")
    assert report.goal_cells(row, {**met, ("tapeflow", "eager"): 0.17})[1] == "missed: 1.70"
    assert report.goal_cells(row, {("tapeflow", "eager"): 0.15})[1] == "not measured"


def test_peers_must_agree():
    assert harness.agree([[6.0, 1e-30], [6.0001, 0.0]])
    assert not harness.agree([[6.0], [6.1]])


def test_durations_are_legible():
    found = [report.duration(seconds) for seconds in (5.9, 0.0064, 345e-6, 8.123e-6, 5e-7)]
    assert found == ["5.90 s", "6.40 ms", "345 µs", "8.12 µs", "500 ns"]
