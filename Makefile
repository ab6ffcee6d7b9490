# Two targets for a newcomer: `make train` runs the main job, `make test` runs the tests. Each installs what it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: train test test-slow fuzz chaos results results-reduced docs release-check lint install clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

train: install
	$(BIN)/darlr sweep first --out runs/first
	$(BIN)/darlr report runs/first
	$(BIN)/darlr report runs/first --out runs/first/curves.png

# A process for each core, with one thread each; a file stays in one process, whose fixtures it shares. `pytest tests/FILE` starts
# no other process.
test: install
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

# Real training on whole data sets, every variant of a method, and the property tests with many more examples.
test-slow: install
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile -m 'slow or hypothesis' --hypothesis-profile thorough

# Ten minutes of spoiled inputs, at least 20,000: used or refused in one line, never a traceback (tests/fuzz). FUZZ="--seed 7" tries
# the same ones again.
fuzz: install
	$(BIN)/python -m tests.fuzz $(FUZZ)

# 100 kills at random moments of train, sweep and tune, and the same bytes in the end (tests/chaos). CHAOS="--seed 7" likewise.
chaos: install
	$(BIN)/python -m tests.chaos $(CHAOS)

# The table of all methods in all worlds, tuned alike (docs/fair_table.md): hours on two cores, in as many goes as you like. It tells
# its cost before and after.
results: install
	$(BIN)/python -m experiments.fair experiments/fair.yaml --out runs/fair --table docs/fair_table.md

# The same on two small worlds and short schedules, in minutes.
results-reduced: install
	$(BIN)/python -m experiments.fair experiments/fair-reduced.yaml --out runs/fair-reduced --table runs/fair-reduced/table.md

# The site, in build/site; a broken link or a page that no one can find ends it.
docs: install
	$(BIN)/python -m mkdocs build

# Wheel and sdist in dist/, tried in clean environments (.ci/matrix), and the list of packages (CONTRIBUTING.md, "A release").
release-check: install
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[release]'
	BUILDER=$(BIN)/python .ci/matrix
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file dist/sbom.json $(BIN)/python

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
