# Everything a person or CI runs. Needs Python 3.11 or later, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
FAULTS_ARGS ?=
TEST_ARGS ?= -n auto
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.DEFAULT_GOAL := help
.PHONY: help demo test test-long faults check format bench lock clean

help: ## List what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed ## The sample shop, served: one recommendation, then until Ctrl-C (DEMO_ARGS=--once, --reset)
	@$(BIN)/homing demo $(DEMO_ARGS)

test: $(VENV)/.tests ## All tests (TEST_ARGS: what pytest is told)
	@$(BIN)/python -c 'from channel_selector.choosing import load_compiled; load_compiled()'  # once, before tests share it
	@$(BIN)/python -m pytest $(TEST_ARGS)

test-long: $(VENV)/.tests ## The proofs with large numbers, for hours; their output stays in long-tests.log
	@bash -o pipefail -c '$(BIN)/python -m pytest -m long --hypothesis-profile=search -o addopts=--import-mode=importlib -ra --durations=20 2>&1 | tee long-tests.log'

faults: $(VENV)/.tests ## Kills, power cuts, full disks, bit flips: one table (FAULTS_ARGS=--long)
	@$(BIN)/python -m tests.faults $(FAULTS_ARGS)

check: $(VENV)/.tests ## Lint, format, types, laws of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.tests ## Put the code in its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.tests ## The benchmarks, side by side with their controls
	$(BIN)/python -m benchmarks

lock: ## Write requirements.lock anew, from the newest that the bounds allow
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --editable '.[test,bench,spark]'
	$(VENV)-lock/bin/python -m pip freeze --exclude-editable > requirements.lock
	rm -rf $(VENV)-lock

clean: ## Remove what was made here: environment, caches, the demo's store
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache homing-demo.*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Homing needs Python 3.11 or later; name one with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml requirements.lock
	@echo "Installing Homing into $(VENV)…" >&2
	@$(PIP) --editable .
	@touch $@

$(VENV)/.tests: $(VENV)/.installed
	@echo "Installing what the tests need…" >&2
	@$(PIP) --editable '.[test,bench,spark]'
	@touch $@
