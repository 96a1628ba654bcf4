"""`import tapeflow.keras`: the same module as `tf.keras`, which takes this one's place."""

import sys

from tapeflow.keras_bridge import load_keras

sys.modules[__name__] = load_keras()
