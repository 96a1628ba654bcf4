"""`tf.function`: programs traced into graphs, their control flow and their derivatives."""
