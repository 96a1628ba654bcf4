"""What programs say, line after line, here and, recorded, in real TensorFlow."""

import json


def lines_of(tf, function):
    lines = []
    function(tf, lambda *values: lines.append(" ".join(map(str, values))))
    return lines


def raises(say, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
        say("no error")
    except Exception as error:
        say(type(error).__name__)


def record(programs, path):
    """Write down what real TensorFlow says."""
    import tensorflow

    assert hasattr(tensorflow, "raw_ops"), "this is not the real TensorFlow"
    lines = [f"{json.dumps(n)}: {json.dumps(lines_of(tensorflow, f), indent=1)}" for n, f in programs.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
