"""TensorFlow's workloads."""

import tensorflow

from bench.workloads.gradient_tape import workloads

WORKLOADS = workloads(tensorflow, ("eager", "function", "xla"))
