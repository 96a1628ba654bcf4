"""Records what TensorFlow gives for the programs of cases.py: run it where `tensorflow` 2.21 is installed.

    python tests/random/record.py

One thread, because the categorical operations depend on how many there are.
"""

import base64
import hashlib
import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
from cases import CASES

FILE = Path(__file__).with_name("recorded.json")
SAMPLE = 48  # of a larger result, so many elements evenly spaced, and a digest of all


def run(tf, lines):
    """The outcome of each line that is an expression, and of a statement that fails: (value, exception)."""

    def gradient(function, *values):
        """The gradients of the sum of `function(*values)` by its float64 arguments, one after the other."""
        values = [tf.constant(v, tf.float64) for v in values]
        with tf.GradientTape() as tape:
            tape.watch(values)
            y = tf.reduce_sum(function(*values))
        return np.concatenate([g.numpy().ravel() for g in tape.gradient(y, values)])

    names = {"tf": tf, "np": np, "R": tf.random, "gradient": gradient}
    tf.random.set_seed(None)
    outcomes = []
    for line in lines:
        try:
            if is_statement(line):
                exec(line, names)
            else:
                outcomes.append((eval(line, names), None))
        except Exception as error:
            outcomes.append((None, error))
    return outcomes


def is_statement(line):
    return re.match(r"\w+ = ", line) is not None


def as_array(value):
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def raw(array):
    """The bytes of an array, strings as JSON."""
    if array.dtype.kind in "OU":
        return json.dumps([str(x) for x in array.ravel().tolist()]).encode()
    return np.ascontiguousarray(array).tobytes()


def spread(array):
    """Up to `SAMPLE` elements of an array, evenly spaced."""
    flat = array.ravel()
    return flat[:: max(1, flat.size // SAMPLE)][: SAMPLE + 1]


def describe(value, error):
    if error is not None:
        message = re.sub(r"^\{\{.*?\}\} ", "", str(error)).split(" [Op:")[0].split("\n")[0]
        return {"error": type(error).__name__, "message": message[:200]}
    if value is None:
        return None
    array = as_array(value)
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "sample": base64.b85encode(raw(spread(array))).decode(),
        "digest": hashlib.sha1(raw(array)).hexdigest()[:12],
    }


def main():
    import tensorflow as tf

    if "tapeflow" in sys.modules:
        raise SystemExit("`tensorflow` stands for Tapeflow here: run this where the real one is installed.")

    tf.config.threading.set_intra_op_parallelism_threads(1)
    recorded = {name: [describe(*outcome) for outcome in run(tf, lines)] for name, lines in CASES.items()}
    text = json.dumps({"tensorflow": tf.__version__, "cases": recorded}, indent=0, sort_keys=True)
    FILE.write_text(text + "\n")
    print(len(recorded), "programs,", sum(map(len, recorded.values())), "results,", len(text), "bytes")


if __name__ == "__main__":
    main()
