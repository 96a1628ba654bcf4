"""`tf.keras`: the real Keras, on its own TensorFlow backend, with Tapeflow standing for TensorFlow."""

import os
import sys


def load_keras():
    """The module `tf.keras`: Keras with the names it has within TensorFlow.

    Raises:
      ImportError: Keras is not installed, is already loaded on another backend, or the real TensorFlow is loaded.
    """
    import tapeflow

    loaded = sys.modules.get("keras")
    if loaded is None:
        tapeflow.install()
        before = os.environ.get("KERAS_BACKEND")
        os.environ["KERAS_BACKEND"] = "tensorflow"
        try:
            import keras
        finally:
            if before is None:
                del os.environ["KERAS_BACKEND"]
            else:
                os.environ["KERAS_BACKEND"] = before
    elif loaded.config.backend() != "tensorflow":
        raise ImportError(
            f"Keras is already loaded on its {loaded.config.backend()!r} backend, and tf.keras needs the one named "
            "'tensorflow'. Use tf.keras before anything imports keras, set KERAS_BACKEND=tensorflow, or start the "
            "program with `python -m tapeflow`."
        )
    else:
        tapeflow.install()  # raises if Keras is on the real TensorFlow
    from keras._tf_keras import keras

    from tapeflow.keras_bridge.specs import adapt

    adapt()
    return keras
