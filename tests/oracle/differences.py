"""Where Tapeflow differs from TensorFlow on purpose.

Case pattern -> the heading in docs/differences.md that gives the reason. `*` is the only wildcard. A pattern
may begin with a mode (`traced:tf.print/*`). Every case that matches differs: one that agrees with TensorFlow
after all fails. A pattern that begins with `~` is of a family in which some cases differ and some do not: it
fails when none does.
"""

DIFFERENCES = {}
