"""The public names of the core: each is there, with TensorFlow's parameters, and each has recordings."""

import inspect
import json
import pathlib
import re

import pytest

import tapeflow
from oracle import cases, replay, store
from oracle.case import lookup

API = pathlib.Path(__file__).parent / "oracle" / "api"
CORE = (API / "core.txt").read_text().split()
SIGNATURES = json.loads((API / "tensorflow-2.21-core.json").read_text())
ALIASES = store.read("aliases")
# What the list of parameters does not say, for TensorFlow's own is (*args, **kwargs) there.
OPAQUE = {
    "tf.AggregationMethod", "tf.Tensor", "tf.UnconnectedGradients", "tf.VariableAggregation",
    "tf.random.Algorithm", "tf.VariableSynchronization", "tf.ones_initializer", "tf.zeros_initializer",
    "tf.errors.OperatorNotAllowedInGraphError",
}


@pytest.mark.parametrize("symbol", CORE)
def test_exists(symbol):
    found = lookup(tapeflow, symbol)
    kind = SIGNATURES[symbol]["kind"]
    assert inspect.isclass(found) == (kind == "class")
    assert kind == "constant" or callable(found)


@pytest.mark.parametrize("symbol", [s for s in CORE if "parameters" in SIGNATURES[s] and s not in OPAQUE])
def test_signature(symbol):
    signature = inspect.signature(lookup(tapeflow, symbol))
    found = [written(parameter) for parameter in signature.parameters.values()]
    assert found == SIGNATURES[symbol]["parameters"]


@pytest.mark.parametrize("symbol", sorted(ALIASES))
def test_alias(symbol):
    assert lookup(tapeflow, symbol) is lookup(tapeflow, ALIASES[symbol])


def test_every_symbol_has_a_recording():
    recorded = replay.answers()
    asked = {symbol for case in cases.load().values() if case.id in recorded for symbol in case.symbols}
    asked |= {ALIASES.get(symbol, symbol) for symbol in asked}
    assert not [symbol for symbol in CORE if symbol not in asked and ALIASES.get(symbol) not in asked]


def test_the_opaque_are_opaque():
    assert not [s for s in OPAQUE if not re.match(r"\*args", SIGNATURES[s]["parameters"][0])]


def written(parameter):
    """A parameter as the list writes it: `x`, `axis=None`, `dtype=tf.float32`, `*args`."""
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    if parameter.default is parameter.empty:
        return star + parameter.name
    return f"{parameter.name}={parameter.default!r}"
