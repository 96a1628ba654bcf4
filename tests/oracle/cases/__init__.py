"""The families of cases. `load()` imports them all and returns every case by its id."""

import importlib

from oracle import case

FAMILIES = (
    "arrays", "autodiff", "debugging", "dtypes", "errors", "indexing", "jacobians", "kinks", "linalg",
    "making", "math", "nn", "random", "reductions", "shapes", "tape", "tensors", "variables",
)


def load():
    for family in FAMILIES:
        importlib.import_module(f"oracle.cases.{family}")
        for found in case.REGISTRY.values():
            found.family = found.family or family
    return case.REGISTRY
