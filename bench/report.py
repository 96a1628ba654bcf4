"""What a run says: tables for the terminal, RESULTS.md, results.json and, with matplotlib, results.png."""

import importlib.util
import json
import os
import platform
from typing import NamedTuple

from bench.harness import PATIENCE
from bench.peers import PEERS
from bench.rows import COMPILED, FIRST_GOALS, MODES, SECOND

INK = "#22252a"
COLOURS = ["#c2452d", "#8a9099", "#e08a1e", "#2563a8", "#2f8f6b", "#7a4fa3", "#5b6b2f"]


class Run(NamedTuple):
    """What one run measured; figures are {row id: {(peer, mode): number}}."""

    rows: list
    times: dict
    firsts: dict
    peaks: dict
    hellos: dict
    rounds: int
    seconds: float
    processes: int  # fresh ones for each first call


def machine():
    """The machine in words: its processor, how many cores this process may use, the system."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        model = names[0] if names else model
    except OSError:
        pass  # not Linux: what platform knows will do
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()} {platform.machine()}"


def duration(seconds):
    """Three figures and a unit: '6.42 ms'."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size or unit == "ns":
            value = seconds / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def ratio(value):
    """Two or three figures: '0.0013', '0.45', '7.21', '345'."""
    return f"{value:.2g}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def size(count):
    """'345 MB': millions of bytes, as memory is spoken of."""
    return f"{count / 1e6:.0f} MB"


def columns_of(figures):
    """The (peer, mode) columns that have a figure, in the order of PEERS and MODES."""
    found = {column for row in figures.values() for column in row}
    return sorted(found, key=lambda column: (list(PEERS).index(column[0]), MODES.index(column[1].split()[0]), column))


def heading(column):
    peer, mode = column
    return PEERS[peer].title if peer == "numpy" else f"{PEERS[peer].title} {mode}"


def best_peer(figures):
    """The column that was quickest, Tapeflow's aside, or None."""
    peers = [column for column in figures if column[0] != "tapeflow"]
    return min(peers, key=figures.get, default=None)


def goal_cells(goal, ours, figures):
    """The goal in words, and whether it was met in this run.

    Args:
      goal: a Goal, or None.
      ours: the column that it is about.
      figures: of the row, {column: figure}.
    """
    if goal is None:
        return "", ""
    of = best_peer(figures) if goal.of is None else goal.of
    share = f"{goal.share:.2f}"
    if goal.of == SECOND:
        words, theirs = f"{goal.share:g} s", 1.0
    else:
        words = f"{share} × {'the best peer' if goal.of is None else heading(of)}"
        theirs = figures.get(of)
    mine = figures.get(ours)
    if mine is None or theirs is None:
        return words, "not measured"
    reached = f"{'met' if mine / theirs <= goal.share else 'missed'}: {mine / theirs:.2f}"
    return words, f"{reached} × {heading(of)}" if goal.of is None else reached


def table(rows, figures, words, ratios_to=None):
    """The header and the lines of a table: a line a row, a column a peer and mode.

    Args:
      figures: {row id: {column: number}}.
      words: a number as text.
      ratios_to: a function of a row that names Tapeflow's column; the others then say how many times as much.
    """
    columns = columns_of(figures)
    lines = []
    for row in rows:
        ours = ratios_to and ratios_to(row)
        base = figures[row.id].get(ours)
        cells = []
        for column in columns:
            figure = figures[row.id].get(column)
            cell = "" if figure is None else words(figure)
            if figure is not None and base is not None and column != ours:
                cell += f" ({ratio(figure / base)})"
            cells.append(cell)
        lines.append([row.title, *cells])
    return ["workload", *map(heading, columns)], lines


def ours(row):
    return "tapeflow", row.ours


def times_table(run):
    """Each peer's time and, in brackets, how many times Tapeflow's it is; the goal, and whether it was met."""
    header, lines = table(run.rows, run.times, duration, ours)
    goals = [goal_cells(row.goal, ours(row), run.times[row.id]) for row in run.rows]
    return [*header, "goal", "reached"], [[*line, *cells] for line, cells in zip(lines, goals)]


def first_call_lines(run):
    """What the first calls have to reach, and whether they did."""
    titles = {row.id: row.title for row in run.rows}
    lines = []
    for row, column, goal in FIRST_GOALS:
        if run.firsts.get(row):
            words, reached = goal_cells(goal, column, run.firsts[row])
            lines.append(f"- {titles[row]}, {heading(column)}: {words}: {reached}")
    return "\n".join(lines)


def as_markdown(header, lines):
    """A Markdown table whose source is aligned, so that it reads as well on a terminal."""
    widths = [max(map(len, column)) for column in zip(header, *lines)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths)] for line in [header, *lines]]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def conditions(run):
    """The lines that say how and where it was measured."""
    found = {}
    for hello in run.hellos.values():
        for package, version in hello["versions"].items():
            found.setdefault(package, []).append(version)
    packages = ", ".join(f"{package} {'/'.join(dict.fromkeys(every))}" for package, every in found.items())
    return [
        f"Machine: {machine()}.",
        f"Versions: {packages}." if packages else "Only fresh processes were timed.",
        f"Each figure is the fastest of {run.rounds} means over about {run.seconds:g} s, the peers taking turns; "
        "an import is timed in a fresh process, the fastest of as many.",
        "In brackets: how many times Tapeflow's time, its compiled time where the row has one. A goal is Tapeflow's "
        "time as a share of a peer's.",
    ]


def sections(run):
    """The report as Markdown blocks."""
    blocks = [as_markdown(*times_table(run)), *conditions(run)]
    rows = [row for row in run.rows if run.firsts.get(row.id)]
    if not rows:
        return blocks
    blocks += ["## First call", as_markdown(*table(rows, run.firsts, duration)), first_call_lines(run)]
    blocks.append(
        "Tracing, compiling and running once, in a fresh process that has imported its library and made its data: the "
        f"fastest of {run.processes}, or of one where that takes over {PATIENCE} s. A peer that keeps compiled code on "
        "disk starts from an empty cache, and again (warm) from what the first process left there."
    )
    if any(run.peaks[row.id] for row in rows):
        blocks += ["## Peak memory", as_markdown(*table(rows, run.peaks, size))]
        blocks.append("The most that such a process held in four calls, its library included and its children not.")
    return [block for block in blocks if block]


def write(folder, run):
    """Writes the files and returns (the report as text, the files written)."""
    blocks = sections(run)
    written = [folder / "RESULTS.md", folder / "results.json"]
    body = "\n\n".join(["# Results", "Written by `python -m bench`.", *blocks])
    written[0].write_text(body + "\n", encoding="utf-8")
    record = {
        "machine": machine(),
        "rounds": run.rounds,
        "peers": {
            name: {"python": hello["python"], "versions": hello["versions"]} for name, hello in run.hellos.items()
        },
        "seconds": named(run.times),
        "first_call_seconds": named(run.firsts),
        "peak_bytes": named(run.peaks),
    }
    written[1].write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    rows = [row for row in run.rows if ours(row) in run.times[row.id]]
    if rows and importlib.util.find_spec("matplotlib"):
        written.append(draw(folder / "results.png", rows, run.times))
    return "\n\n".join(blocks), written


def named(figures):
    """Figures with their columns as text, as JSON wants them."""
    return {
        row: {f"{peer} {mode}": figure for (peer, mode), figure in sorted(found.items())}
        for row, found in figures.items()
    }


def draw(path, rows, times):
    """A line a row: each peer's time as a multiple of Tapeflow's, on a logarithmic scale, and where the goal lies."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    columns = columns_of({row.id: times[row.id] for row in rows})
    peers = list(dict.fromkeys(peer for peer, _ in columns))
    figure, axes = plt.subplots(figsize=(11, 2 + 0.5 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        mine = times[row.id][ours(row)]
        for column in columns:
            if column in times[row.id]:
                axes.plot(times[row.id][column] / mine, y, **dot(column))
        compared = row.goal and (row.goal.of or best_peer(times[row.id]))
        if compared in times[row.id]:
            reached = times[row.id][compared] / mine
            axes.plot([1 / row.goal.share] * 2, [y - 0.22, y + 0.22], color=INK, linewidth=1.5)
            axes.plot([1 / row.goal.share, reached], [y, y], color=INK, linewidth=1, linestyle=":", zorder=0)
            axes.annotate(ratio(reached), (reached, y), (0, 8), textcoords="offset points", ha="center", fontsize=8)
    axes.set(xscale="log", xlabel="time as a multiple of Tapeflow's: right of 1 is slower")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), [row.title for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.7)
    axes.axvline(1, color=colour("tapeflow"), linewidth=1, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", alpha=0.2)
    handles = [Line2D([], [], linestyle="", label=heading(column), **dot(column)) for column in columns]
    label = "goal: the peer with the figure is to be at or right of this"
    handles.append(Line2D([], [], color=INK, linestyle="", marker="|", markersize=12, markeredgewidth=1.5, label=label))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(4, max(2, len(peers))), frameon=False)
    figure.savefig(path, dpi=150)
    return path


def colour(peer):
    return COLOURS[list(PEERS).index(peer) % len(COLOURS)]


def dot(column):
    """How a column is marked: a peer by its colour, eager hollow, compiled filled, XLA a diamond."""
    peer, mode = column
    filled = colour(peer) if mode in COMPILED else "white"
    style = {"marker": "D" if mode == "xla" else "o", "color": colour(peer), "markerfacecolor": filled}
    return {**style, "markersize": 7, "markeredgewidth": 1.5}
