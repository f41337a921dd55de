# What a person types. Everything else is behind `fieldline --help`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PYSPARK_PYTHON := $(CURDIR)/.venv/bin/python

.PHONY: help setup run test check bench clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Set up everything that is missing on this machine
	@$(PYTHON) packaging/setup

run: setup  ## Start the whole stack with simulated hardware and this machine's own sensors
	@$(BIN)/fieldline up --demo

test: setup  ## Run the whole test suite
	$(BIN)/python -m pytest

check: setup  ## Lint, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy packaging/setup
	$(BIN)/lint-imports

bench: setup  ## Run the benchmarks; results go to benchmarks/results
	$(BIN)/python -m benchmarks

clean:  ## Take away what was built (not the data folder)
	rm -rf build .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
