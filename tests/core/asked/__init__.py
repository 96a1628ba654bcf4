"""Questions put to TensorFlow, and its answers: `NAME.txt` holds Python expressions over `tf`, one a line, and
`NAME.json` what TensorFlow 2.21 made of each. A line that begins with "S: " is a statement, for what follows.

    python tests/core/asked/record.py NAME      (where TensorFlow is installed) asks, and writes the answers down
    asked.check("NAME", different)              asks Tapeflow, and compares

An answer is text: a value, or the class and message of an error. `different` maps a question to the reason for which
Tapeflow answers otherwise on purpose; that it does is checked too.
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent


def questions(name):
    """The lines of a file of questions."""
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("#")]


def answers(lines, tf):
    """What `tf` makes of each line: pairs of (line, text)."""
    import collections
    import copy
    import io
    import pickle
    import warnings

    import numpy as np

    scope = {"tf": tf, "np": np, "collections": collections, "copy": copy, "pickle": pickle, "io": io}
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line in lines:
            try:
                if line.startswith("S: "):
                    exec(line[3:].replace("\\n", "\n"), scope)  # noqa: S102 (the questions are ours)
                    text = "done"
                else:
                    text = _value(eval(line, scope), tf)  # noqa: S307
            except Exception as error:  # noqa: BLE001 (any error is an answer)
                text = f"{type(error).__name__}: {_plain(str(error))}"
            found.append((line, text))
    return found


def _value(value, tf):
    if isinstance(value, tf.Tensor):
        array = value.numpy()
        return f"<{value.dtype.name} {list(value.shape)} {array.tolist() if hasattr(array, 'tolist') else array}>"
    if type(value) in (list, tuple):
        return f"{type(value).__name__}({', '.join(_value(item, tf) for item in value)})"
    return _plain(repr(value))


def _plain(text):
    """Text without what differs by nature: addresses, modules' and classes' own names, definitions of operations."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = re.sub(r"\{\{function_node [^}]*\}\} ", "", text)
    text = re.sub(r" *; Op<name=.*>(?= \[Op:|$)", "", text)
    text = re.sub(r" name: \w*$", "", text)
    text = re.sub(r" used by \{\{node.*(?=\[Op:)", "", text, flags=re.DOTALL)  # lists of kernels
    text = re.sub(r"\b(tensorflow|tapeflow)(\.\w+)*\.(?=\w)", "", text)
    return text.replace("ResourceVariable", "Variable").strip()


def check(name, different=()):
    """Ask Tapeflow the questions of `name` and compare with TensorFlow's answers."""
    import tapeflow

    lines = questions(name)
    recorded = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    assert [line for line, _ in recorded] == lines, f"the answers of {name} are not to these questions: record again"
    wrong = []
    for (line, wanted), (_, given) in zip(recorded, answers(lines, tapeflow), strict=True):
        if (line in different) == (wanted == given):
            wrong.append(f"{line}\n    TensorFlow: {wanted}\n    Tapeflow:   {given}")
    missing = set(different) - set(lines)
    assert not missing, f"differences of what is not asked: {missing}"
    assert not wrong, f"{len(wrong)} of {len(lines)}:\n" + "\n".join(wrong)
