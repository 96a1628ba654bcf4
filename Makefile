# `make demo` and `make test` do all the set-up themselves, in .venv; the system's own Python stays as it is.
# Wanted: make and Python 3.11 or later. Another Python: make test PYTHON=/path/to/python3

PYTHON ?=
PYTEST ?=
PEERS ?=
VENV := .venv
BIN := $(VENV)/bin
RECORD := tests/oracle/.venv
TENSORFLOW := tensorflow-cpu==2.21.0
PIP := -m pip --disable-pip-version-check install --quiet

.PHONY: help test demo bench lint record clean

help:
	@echo "make demo     train on scikit-learn's digits, twice; pictures in demo/"
	@echo "make test     ruff, mypy and the tests      (one file: make test PYTEST=tests/test_doors.py)"
	@echo "make lint     ruff and mypy"
	@echo "make bench    the benchmark                 (beside peers: make bench PEERS=tensorflow,torch,jax)"
	@echo "make record   ask real TensorFlow again what it does, in an environment of its own"
	@echo "make clean    remove what the others made"

test: lint
	@echo "== pytest"
	@$(BIN)/python -m pytest -q -n auto --doctest-modules $(or $(PYTEST),src tests)

lint: $(VENV)/.dev
	@echo "== ruff"
	@$(BIN)/python -m ruff check .
	@echo "== mypy"
	@$(BIN)/python -m mypy

demo: $(VENV)/.examples
	@echo "== an MLP on raw tensors and a tape"
	@$(BIN)/python examples/digits_tape.py --out demo
	@echo "== Keras layers in a custom training loop"
	@$(BIN)/python examples/digits_keras.py --out demo

bench: $(VENV)/.examples
	@$(BIN)/python -m bench $(if $(PEERS),--peers $(PEERS))

record: $(RECORD)/.ready
	@$(RECORD)/bin/python tests/oracle/record.py

clean:
	rm -rf $(VENV) $(RECORD) bench/.venvs demo build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find src tests examples bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is newer than the pyproject.toml it was made from, so a second call has nothing to do.

$(VENV)/.examples: pyproject.toml | $(VENV)/.made
	@echo "== installing Tapeflow, Keras and what the examples need (a minute or two the first time)"
	@$(BIN)/python $(PIP) -e '.[examples]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.examples
	@echo "== installing the test tools"
	@$(BIN)/python $(PIP) -e '.[dev,examples]'
	@touch $@

$(VENV)/.made:
	@PYTHON='$(PYTHON)' sh tools/make_venv.sh $(VENV)
	@touch $@

$(RECORD)/.ready:
	@PYTHON='$(PYTHON)' sh tools/make_venv.sh $(RECORD)
	@echo "== installing $(TENSORFLOW) to ask it (some minutes, about 1.6 GB)"
	@$(RECORD)/bin/python $(PIP) $(TENSORFLOW)
	@touch $@
