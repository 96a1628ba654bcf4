"""`tf.version`: the version of TensorFlow's API that this package follows, and its own."""

VERSION = "2.21.0"
GIT_VERSION = COMPILER_VERSION = "unknown"

__all__ = ["COMPILER_VERSION", "GIT_VERSION", "TAPEFLOW_VERSION", "VERSION"]  # noqa: F822 (see __getattr__)


def __getattr__(name):
    if name == "TAPEFLOW_VERSION":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("tapeflow")
        except PackageNotFoundError:  # a checkout that is not installed
            return "unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
