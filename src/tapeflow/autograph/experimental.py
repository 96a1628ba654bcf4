"""`tf.autograph.experimental`: options of AutoGraph."""

from tapeflow.tracing.autograph import do_not_convert

__all__ = ["Feature", "do_not_convert", "set_loop_options"]  # noqa: F822 (two are found when they are asked for)


def __getattr__(name):
    """What AutoGraph's package has to recognize as its own; it is loaded at this, the first, use."""
    if name == "set_loop_options":
        from malt.lang.directives import set_loop_options

        return set_loop_options
    if name == "Feature":
        from malt.core.converter import Feature

        return Feature
    raise AttributeError(f"module 'tapeflow.autograph.experimental' has no attribute {name!r}")
