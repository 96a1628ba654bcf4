"""What a run says: a table for the terminal, RESULTS.md, results.json and, with matplotlib, results.png."""

import importlib.util
import json
import os
import platform

from bench.peers import PEERS

OURS = ("tapeflow", "eager")
COLOURS = ["#c2452d", "#8a9099", "#e08a1e", "#2563a8", "#2f8f6b", "#7a4fa3", "#5b6b2f"]


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
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def columns_of(times):
    """The (peer, mode) columns that have a figure, in the order of PEERS."""
    found = {column for row in times.values() for column in row}
    return sorted(found, key=lambda column: (list(PEERS).index(column[0]), column[1]))


def heading(column):
    peer, mode = column
    return PEERS[peer].title if peer == "numpy" else f"{PEERS[peer].title} {mode}"


def goal_cells(row, times):
    """The goal in words, and whether it was met in this run."""
    if row.goal is None:
        return "", ""
    peer, mode, share = row.goal
    words = f"{share:.2f} × {PEERS[peer].title}"
    ours, theirs = times.get(OURS), times.get((peer, mode))
    if ours is None or theirs is None:
        return words, "not measured"
    reached = ours / theirs
    return words, f"{'met' if reached <= share else 'missed'}: {reached:.2f}"


def table(rows, times):
    """The header and the lines: each peer's time and, in brackets, how many times Tapeflow's it is."""
    columns = columns_of(times)
    header = ["workload", *map(heading, columns), "goal", "reached"]
    lines = []
    for row in rows:
        ours = times[row.id].get(OURS)
        cells = []
        for column in columns:
            seconds = times[row.id].get(column)
            cell = "" if seconds is None else duration(seconds)
            if seconds is not None and ours is not None and column != OURS:
                cell += f" ({ratio(seconds / ours)})"
            cells.append(cell)
        lines.append([row.title, *cells, *goal_cells(row, times[row.id])])
    return header, lines


def as_markdown(header, lines):
    """A Markdown table whose source is aligned, so that it reads as well on a terminal."""
    widths = [max(map(len, column)) for column in zip(header, *lines)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths)] for line in [header, *lines]]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def conditions(hellos, rounds, seconds):
    """The lines that say how and where it was measured."""
    found = {}
    for hello in hellos.values():
        for package, version in hello["versions"].items():
            found.setdefault(package, []).append(version)
    packages = ", ".join(f"{package} {'/'.join(dict.fromkeys(every))}" for package, every in found.items())
    return [
        f"Machine: {machine()}.",
        f"Versions: {packages}." if packages else "Only fresh processes were timed.",
        f"Each figure is the fastest of {rounds} means over about {seconds:g} s, the peers taking turns; "
        "an import is timed in a fresh process, the fastest of as many.",
        "In brackets: how many times Tapeflow's time. A goal is Tapeflow's time as a share of a peer's.",
    ]


def write(folder, rows, times, hellos, rounds, seconds):
    """Writes the files and returns (the table as text, the files written)."""
    text = as_markdown(*table(rows, times))
    lines = conditions(hellos, rounds, seconds)
    written = [folder / "RESULTS.md", folder / "results.json"]
    body = "\n\n".join(["# Results", "Written by `python -m bench`.", text, *lines])
    written[0].write_text(body + "\n", encoding="utf-8")
    figures = {
        row.id: {f"{peer} {mode}": taken for (peer, mode), taken in sorted(times[row.id].items())}
        for row in rows
    }
    record = {"machine": machine(), "rounds": rounds, "peers": hellos, "seconds": figures}
    written[1].write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    rows = [row for row in rows if OURS in times[row.id]]
    if rows and importlib.util.find_spec("matplotlib"):
        written.append(draw(folder / "results.png", rows, times))
    return "\n\n".join([text, *lines]), written


def draw(path, rows, times):
    """Bars: each peer's time as a multiple of Tapeflow's, a group for each row, on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = columns_of({row.id: times[row.id] for row in rows})
    groups = [{column: times[row.id].get(column) for column in columns} for row in rows]
    bars = [[(c, taken / group[OURS]) for c, taken in group.items() if taken] for group in groups]
    colours = dict(zip(columns, COLOURS * len(columns)))
    height = 0.8 + 0.24 * sum(map(len, bars)) + 0.3 * len(rows)
    figure, axes = plt.subplots(figsize=(9, height), layout="constrained")
    y, ticks = 0.0, []
    for group in bars:
        top = y
        for column, times_ours in group:
            axes.barh(y, times_ours, height=0.85, color=colours[column])
            axes.annotate(f" {ratio(times_ours)}", (times_ours, y), va="center", fontsize=8)
            y += 1
        ticks.append((top + y - 1) / 2)
        y += 1
    axes.set(xscale="log", xlabel="time as a multiple of Tapeflow's (shorter is faster)")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(ticks, [row.title for row in rows])
    axes.invert_yaxis()
    axes.axvline(1, color=colours[OURS], linewidth=1)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.2)
    shown = [plt.Rectangle((0, 0), 1, 1, color=colours[column]) for column in columns]
    names = list(map(heading, columns))
    figure.legend(shown, names, loc="outside upper center", ncols=min(4, len(names)), frameon=False)
    figure.savefig(path, dpi=150)
    return path
