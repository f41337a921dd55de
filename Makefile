# What a person types. Everything else is behind `fieldline --help`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PYSPARK_PYTHON := $(CURDIR)/.venv/bin/python

.PHONY: help setup run test faults soak screenshots fuzz check deb panel test-panel test-deb test-arm64 bench clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Set up everything that is missing on this machine
	@$(PYTHON) packaging/setup

run: setup  ## Start the whole stack with simulated hardware and this machine's own sensors
	@$(BIN)/fieldline up --demo

test: setup  ## Run the whole test suite
	$(BIN)/python -m pytest -n 2

faults: setup  ## What takes longer: a machine lost, the CA rotated, the pipeline stopped while devices send
	$(BIN)/python -m pytest -m long

soak: setup  ## An hour of the panel with 8 charts at 200 readings a second: memory stays flat
	$(BIN)/python -m benchmarks.panel_soak --minutes 60

screenshots: setup  ## Draw every view of the panel from its demonstration, into docs/images
	$(BIN)/python docs/screenshots.py

fuzz: setup  ## Send the API what nobody expects, ten minutes long
	FIELDLINE_FUZZ_EXAMPLES=200 $(BIN)/python -m pytest tests/cloud/control/test_schemathesis.py

check: setup  ## Lint, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy packaging/setup
	MYPYPATH=packaging/setup $(BIN)/mypy packaging/deb
	MYPYPATH=packaging/setup $(BIN)/mypy packaging/panel
	$(BIN)/lint-imports

deb: setup  ## Build the agent's Debian package for this machine (ARCH=arm64: for a Raspberry Pi)
	@$(PYTHON) packaging/deb $(if $(ARCH),--arch $(ARCH))

panel: setup  ## Build the control panel's packages for this machine (.deb, .tar.xz; some minutes)
	@$(BIN)/python packaging/panel

test-panel: setup  ## The packaged panel, used against the whole stack by the desktop's accessibility (some minutes)
	$(BIN)/python -m pytest -m packaged tests/packaging/panel

test-deb: setup  ## Package and server's unit under systemd, in Debians of their own (root, some minutes)
	$(BIN)/python -m pytest -m clean_root tests/packaging

test-arm64: setup  ## The same in an arm64 Debian under emulation (root, some ten minutes)
	$(BIN)/python -m pytest -m emulated tests/packaging/deb

bench: setup  ## Run the benchmarks; results go to benchmarks/results
	$(BIN)/python -m benchmarks

clean:  ## Take away what was built (not the data folder)
	rm -rf build .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
