"""`tf.__internal__.tracking`: the bases of objects that TensorFlow's checkpoints follow; here nothing follows them."""

from tapeflow.core.tracking import AutoTrackable, Trackable, no_automatic_dependency_tracking

__all__ = ["AutoTrackable", "Trackable", "no_automatic_dependency_tracking"]
