"""Doctests run over the package only: what else lies here is data, and scripts that ask TensorFlow."""

import signal
import threading

# A shell starts what runs in its background deaf to Ctrl-C, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path):
    if collection_path.suffix == ".py" and not collection_path.name.startswith("test_"):
        return True
    return None
