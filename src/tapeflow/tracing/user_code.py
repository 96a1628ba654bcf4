"""Where in the user's own code an operation comes from."""

import functools
import os
import sys

GENERATED: dict = {}  # the files that AutoGraph wrote: {line: (file, line, function) of the user's}
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OTHERS = (os.path.join(os.sep, "malt", ""), os.path.join(os.sep, "keras", "src", ""), "<")


def user_line():
    """(file, line, function) of the user's code that is running."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name in GENERATED:
            found = GENERATED[name].get(frame.f_lineno)
            if found is not None:
                return found
        elif not _is_internal(name):
            return name, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back
    return None


@functools.lru_cache(maxsize=4096)
def _is_internal(filename):
    """Whether a file is of this package, or of one that calls it for the user."""
    return filename.startswith(_HERE) or any(part in filename for part in _OTHERS)
