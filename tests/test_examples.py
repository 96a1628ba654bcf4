"""The examples, run as a person would run them."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def run(program, *arguments, cwd, door=()):
    # One thread for products of this size: two that wait for each other, beside other tests, take ten times as long.
    environment = {**os.environ, "TQDM_MININTERVAL": "5", "OPENBLAS_NUM_THREADS": "1"}
    options = {"env": environment, "stdin": subprocess.DEVNULL, "timeout": 300}
    command = [sys.executable, *door, str(program), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **options)


@pytest.mark.parametrize("name", ["digits_tape", "digits_keras"])
def test_digits(name, tmp_path):
    done = run(EXAMPLES / f"{name}.py", "--out", tmp_path / "pictures", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    right, of, percent = re.search(r"correctly: (\d+) of (\d+), ([\d.]+)%", done.stdout).groups()
    assert int(of) == 360
    assert int(right) >= 0.97 * int(of)
    assert float(percent) == pytest.approx(100 * int(right) / int(of), abs=0.01)
    assert "eager, epoch 30/30" in done.stderr and "tf.function, epoch 30/30: 100%" in done.stderr
    told = r"takes ([\d.]+) s eagerly and ([\d.]+) s inside tf.function, ([\d.]+) times"
    eagerly, inside, times = map(float, re.search(told, done.stdout).groups())
    assert times == pytest.approx(eagerly / inside, rel=0.1)
    assert float(re.search(r"same weights to ([\d.e+-]+) of the largest", done.stdout)[1]) < 1e-3
    for picture in (f"{name}_loss.png", f"{name}_wrong.png"):
        check_picture(tmp_path / "pictures" / picture)


def test_weights_that_differ_are_reported(capsys, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import digits

    eager = digits.Training([np.array([2.0, 1.0])], [], [], [0.2, 0.2, 0.4])
    assert digits.compare(eager, eager._replace(seconds=[0.3, 0.1, 0.1]))
    told = capsys.readouterr().out
    assert "0.200 s eagerly and 0.100 s inside tf.function, 2.0 times" in told
    assert "tracing, took 0.300 s" in told and "0e+00 of the largest" in told
    assert not digits.compare(eager, eager._replace(weights=[np.array([2.0, 1.01])]))
    assert "5e-03 of the largest" in capsys.readouterr().out


def check_picture(path):
    """A PNG of a legible size with something drawn on it."""
    from matplotlib.image import imread

    pixels = imread(path)
    height, width = pixels.shape[:2]
    assert height >= 300 and width >= 500
    dark = (pixels[..., :3].mean(axis=-1) < 0.6).mean()
    assert 0.005 < dark < 0.5


def test_digits_fails_below_its_goal(tmp_path):
    done = run(EXAMPLES / "digits_tape.py", "--epochs", 1, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "below the 97%" in done.stdout


@pytest.mark.parametrize("door", ["import tapeflow", "python -m tapeflow"])
def test_tutorial(door, tmp_path):
    program = EXAMPLES / "tutorial.py"
    if door == "import tapeflow":
        done = run(program, cwd=tmp_path)
    else:
        text = program.read_text().replace("import tapeflow as tf", "import tensorflow as tf")
        (tmp_path / "tutorial.py").write_text(text)
        done = run("tutorial.py", cwd=tmp_path, door=["-m", "tapeflow"])
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == "6.0"
    assert lines[3:5] == ["2.0", "7.0"]
    losses = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("step")]
    assert len(losses) == 6
    assert all(later < earlier for earlier, later in zip(losses, losses[1:]))
