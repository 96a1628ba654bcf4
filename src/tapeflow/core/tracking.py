"""Objects that TensorFlow's checkpoints would follow through their attributes. There are no checkpoints of that kind:
Keras saves its models by itself, and asks only for these bases."""


class Trackable:
    """An object that may be part of a checkpoint."""

    def _track_trackable(self, trackable, name, overwrite=False):
        """Note that `trackable` is a part of this object: given back, and not noted."""
        return trackable

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        """The parts of this object by name."""
        return {}


class AutoTrackable(Trackable):
    """An object whose attributes may be parts of a checkpoint."""


def no_automatic_dependency_tracking(method):
    """A decorator for methods whose attribute assignments are not to be noted: none is."""
    return method
