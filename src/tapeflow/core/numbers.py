"""Numbers with a name that more than one layer needs."""

# Klambauer et al., "Self-normalizing neural networks", 2017: the fixed point is mean 0, variance 1.
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717
