"""`tf.autodiff`: derivatives of programs, in reverse and forward mode."""

from tapeflow.autodiff.tape import GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]


def __getattr__(name):
    if name == "ForwardAccumulator":
        from tapeflow.autodiff.accumulator import ForwardAccumulator

        globals()[name] = ForwardAccumulator
        return ForwardAccumulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
