"""Asks TensorFlow: run with the names of question files, or none for all, where TensorFlow is installed.

Each file is asked in a process of its own: TensorFlow keeps scalars (0.0 after -0.0 is -0.0 again).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import asked  # noqa: E402

if "tapeflow" in sys.modules:
    raise SystemExit("`tensorflow` stands for Tapeflow here: run this where the real one is installed.")
names = sys.argv[1:] or sorted(path.stem for path in asked.HERE.glob("*.txt"))
if len(names) > 1:
    for name in names:
        subprocess.run([sys.executable, __file__, name], check=True)
else:
    import tensorflow as tf

    (name,) = names
    found = asked.answers(asked.questions(name), tf)
    text = "[\n" + ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in found) + "\n]\n"
    (asked.HERE / f"{name}.json").write_text(text, encoding="utf-8")
