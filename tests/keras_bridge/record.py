"""Runs the cases under TensorFlow and writes down what they give: run where TensorFlow is installed."""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
sys.path.insert(0, str(Path(__file__).parent))

import cases  # noqa: E402
import numpy as np  # noqa: E402


def main():
    import tensorflow as tf

    if "tapeflow" in sys.modules:
        raise SystemExit("`tensorflow` stands for Tapeflow here: run this where the real one is installed.")
    recorded = {}
    for key, (function, name) in cases.CASES.items():
        if len(sys.argv) > 1 and sys.argv[1] not in key:
            continue
        try:
            recorded.update({f"{key}/{part}": array for part, array in function(tf, name).items()})
        except Exception as error:
            raise RuntimeError(key) from error
    np.savez_compressed(Path(__file__).parent / "recorded.npz", **recorded)
    print(f"{len(recorded)} arrays of {len(cases.CASES)} cases")


if __name__ == "__main__":
    main()
