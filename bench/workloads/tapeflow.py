"""Tapeflow's workloads: TensorFlow's own, over another module."""

import tapeflow
from bench.workloads.gradient_tape import workloads

WORKLOADS = workloads(tapeflow, ("eager", "function"))
