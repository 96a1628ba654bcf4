"""What the two digits examples share: the data, the command line, the pictures.

The data are scikit-learn's 1,797 scanned digits, 8 by 8 pixels each (E. Alpaydin and C. Kaynak, UCI Machine
Learning Repository, "Optical Recognition of Handwritten Digits"). They come inside scikit-learn.
"""

import argparse
import pathlib
from typing import NamedTuple

import numpy as np

GOAL = 0.97  # of the held-out digits must be read correctly
SAME = 1e-3  # what rounding may grow to, in float32 and 1,350 steps, as a share of the largest weight
INK, BLUE, RED, GREY = "#22252a", "#2563a8", "#c2452d", "#8a9099"


class Training(NamedTuple):
    """What came of a training."""

    weights: list  # NumPy arrays
    losses: list  # each epoch's batch losses
    held_out: list  # each epoch's (loss, accuracy) on held-out digits
    seconds: list  # each epoch's time


def load(seed):
    """The digits, shuffled and split: (images, labels) to train on and (images, labels) held out, a fifth.

    Images are float32 of shape [n, 64] in [0, 1], labels int64 of shape [n]. Every digit is held out in the
    same proportion.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels.astype(np.int64), test_size=0.2, stratify=labels, random_state=seed
    )
    return (train_x, train_y), (test_x, test_y)


def options(description, epochs):
    """The command line of an example: how many epochs, from which seed, where the pictures go."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, default=epochs, help=f"times through the data ({epochs})")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the shuffles (0)")
    parser.add_argument("--out", type=pathlib.Path, default=".", help="folder for the pictures (this one)")
    chosen = parser.parse_args()
    if chosen.epochs < 1:
        parser.error("--epochs must be 1 or more")
    chosen.out.mkdir(parents=True, exist_ok=True)
    return chosen


def progress(trainings, epochs, steps):
    """The progress bar over some trainings."""
    from tqdm import tqdm

    return tqdm(total=trainings * epochs * steps, unit="step")


def compare(eager, compiled):
    """Prints what tf.function changed: the time of an epoch, and not the weights. Returns whether that holds."""
    apart = max(float(np.abs(a - b).max()) for a, b in zip(eager.weights, compiled.weights))
    share = apart / max(float(np.abs(a).max()) for a in eager.weights)
    eagerly, inside = np.median(eager.seconds), np.median(compiled.seconds)
    print(f"an epoch takes {eagerly:.3f} s eagerly and {inside:.3f} s inside tf.function, {eagerly / inside:.1f} times")
    print(f"as fast; the first one there, with its tracing, took {compiled.seconds[0]:.3f} s")
    print(f"the two came to the same weights to {share:.0e} of the largest")
    if share > SAME:
        print(f"that is more than the {SAME:g} that rounding explains")
    return share <= SAME


def finish(name, out, eager, compiled, held_out, probabilities):
    """Compares the trainings, draws the pictures, prints how well it went; the exit status: 0 at 97 % or better.

    Args:
      name: of the example; the pictures are `NAME_loss.png` and `NAME_wrong.png`.
      out: the folder for them.
      eager, compiled: what came of training eagerly, and inside tf.function from the same seed.
      held_out: (images, labels) of the held-out digits.
      probabilities: what the model trained inside tf.function makes of them, [n, 10].
    """
    images, labels = held_out
    guesses = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    accuracy = 1 - len(wrong) / len(labels)
    pictures = [
        draw_training(out / f"{name}_loss.png", compiled.losses, compiled.held_out),
        draw_wrong(out / f"{name}_wrong.png", images, labels, probabilities, wrong),
    ]
    same = compare(eager, compiled)
    print(f"held-out digits read correctly: {len(labels) - len(wrong)} of {len(labels)}, {accuracy:.2%}")
    print("pictures:", ", ".join(str(picture) for picture in pictures))
    if accuracy < GOAL:
        print(f"that is below the {GOAL:.0%} that this example is to reach")
    return 0 if same and accuracy >= GOAL else 1


def new_figure(rows, columns, size):
    import matplotlib

    matplotlib.use("Agg")  # a picture in a file needs no screen
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "font.size": 10,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": GREY,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    return plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)


def draw_training(path, losses, held_out):
    """The loss and the held-out accuracy over the epochs, side by side."""
    figure, ((left, right),) = new_figure(1, 2, (10, 4.2))
    epochs = np.arange(1, len(losses) + 1)
    batches = np.concatenate(losses)
    times = np.linspace(0, len(losses), len(batches) + 1)[1:]  # every epoch has as many batches
    held_loss, accuracy = np.transpose(held_out)

    left.plot(times, batches, color=BLUE, alpha=0.25, linewidth=0.8, label="each batch")
    left.plot(epochs, [np.mean(batch) for batch in losses], color=BLUE, linewidth=2, label="training")
    left.plot(epochs, held_loss, color=RED, linewidth=2, label="held out")
    left.set(title="Cross-entropy loss", xlabel="epoch", yscale="log")
    left.legend(frameon=False)

    right.plot(epochs, 100 * accuracy, color=RED, linewidth=2, marker="o", markersize=3)
    right.axhline(100 * GOAL, color=GREY, linewidth=1, linestyle="--")
    reached = 100 * accuracy[-1]
    note = {"textcoords": "offset points", "ha": "right"}
    right.annotate(f"goal {GOAL:.0%}", (epochs[-1], 100 * GOAL), (0, -4), va="top", color=GREY, **note)
    right.annotate(f"{reached:.1f}%", (epochs[-1], reached), (0, 8), color=RED, weight="bold", **note)
    lowest = min(90, 100 * accuracy.min()) - 0.5
    right.set(title="Held-out digits read correctly (%)", xlabel="epoch", ylim=(lowest, 100.5))
    for axes in (left, right):
        axes.grid(axis="y", color=GREY, alpha=0.2)
        axes.set_xlim(0, len(losses) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=150)
    return path


def draw_wrong(path, images, labels, probabilities, wrong):
    """The held-out digits that were misread, the surest mistakes first, with what the model made of each."""
    sure = probabilities.max(axis=1)
    shown = wrong[np.argsort(-sure[wrong])][:24]
    rows = max(1, -(-len(shown) // 6))
    columns = max(3, -(-len(shown) // rows))
    figure, grid = new_figure(rows, columns, (1.75 * columns, 2.2 * rows + 0.5))
    for axes in grid.flat[len(shown) :]:
        axes.axis("off")
    for axes, i in zip(grid.flat, shown):
        axes.imshow(images[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=GREY, alpha=0.4)
        guess = probabilities[i].argmax()
        axes.set_title(f"read as {guess} ({sure[i]:.0%})\nlabelled {labels[i]}", fontsize=10, color=INK)
    heading = f"The held-out digits that were misread: {len(wrong)} of {len(labels)}"
    if len(shown) < len(wrong):
        heading += f", the surest {len(shown)} shown"
    figure.suptitle(heading, fontsize=12, weight="bold")
    figure.savefig(path, dpi=150)
    return path
