"""Stands for `tensorflow.python.eager.context`, which Keras imports when its backend is complete."""

from tapeflow.keras_bridge.specs import adapt


class Context:
    """TensorFlow's eager context, as far as Keras knows it."""

    def clear_kernel_cache(self):
        """Forget compiled kernels: there are none."""


_CONTEXT = Context()


def context():
    """The eager context."""
    return _CONTEXT


def async_wait():
    """Wait for operations that still run: none does."""


adapt()
