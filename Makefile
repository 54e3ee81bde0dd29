# Everything a person or a build machine does here, by name. `make` alone prints the list.
# The first target that needs it sets up .venv from requirements.lock; nothing else is touched.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && { command -v "$$name"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Named by what it was made from and where: a new lock or version sets up again, as does a checkout
# that was moved; touched files do not.
STAMP := $(VENV)/revline-$(shell { cat requirements.lock pyproject.toml; pwd; } | git hash-object --stdin)
CODE := connectors engine sandbox benchmarks tests .ci
PACKAGES := connectors engine sandbox

.PHONY: help demo test check bench torture lock clean setup
.PHONY: check-lint check-format check-types check-imports check-repository

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: setup ## Watch the whole line on six simulated systems, from MQL to journal, in ./demo
	@$(BIN)/revline demo

test: setup ## Run every suite, with its seconds (REVLINE_SEED=n repeats a run)
	@$(BIN)/python .ci/suites.py $(SUITES)

check: setup ## Lint, format, types, import rules, the repository's own rules
	@$(MAKE) --keep-going check-lint check-format check-types check-imports check-repository

check-lint:
	@$(BIN)/ruff check --quiet $(CODE) && echo "ruff check        ok"

check-format:
	@$(BIN)/ruff format --quiet --check $(CODE) && echo "ruff format       ok"

check-types:
	@$(BIN)/mypy --no-error-summary && echo "mypy --strict     ok"

check-imports:
	@$(BIN)/lint-imports --no-logo > $(VENV)/lint-imports.txt 2>&1 \
	  && echo "import rules      ok" || { cat $(VENV)/lint-imports.txt; exit 1; }

check-repository:
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/repository

bench: setup ## Measure against a plain loop, in one run of under three minutes
	@$(BIN)/python -m benchmarks

torture: setup ## The long campaigns: many seeds, kills, interleavings
	@$(BIN)/python .ci/suites.py --torture $(SUITES)

lock: setup ## Resolve requirements.lock again from pyproject.toml
	@$(BIN)/python .ci/lock.py

clean: ## Remove .venv, caches and what the demo left
	@rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	  .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMP)

$(STAMP):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found" >&2; exit 1; }
	@"$(PYTHON)" .ci/setup.py $(VENV) requirements.lock
	@rm -f $(VENV)/revline-*; touch $@
