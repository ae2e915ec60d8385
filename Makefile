# The two commands of a new user are `make demo` and `make test`; both make their environment.
# Every path is relative, so the folder may have any name, spaces included.

PYTHON ?= python3
PORT ?= 8080
RUN = .venv/bin/python -m headrace
SHELL = /bin/sh
# The tests start hundreds of processes: each would compile headrace anew where this is set.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo serve test soak pictures live bench mutants lint docs clean

help: ## List what can be made
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/'

demo: .venv/installed ## Bring a real accounting file into a hub, to the cent (starts over each time)
	@$(RUN) demo --folder headrace-demo

serve: .venv/installed ## Serve the demo's hub on PORT (8080)
	@test -d headrace-demo/hub || { echo "There is no demo data yet: run 'make demo' first." >&2; exit 1; }
	@$(RUN) serve --data headrace-demo/hub --port $(PORT)

# DuckDB prepares thousands of queries in small pieces of memory: with jemalloc, where it is
# installed, the tests take a tenth less.
test soak: export LD_PRELOAD := $(strip $(LD_PRELOAD) \
  $(wildcard /usr/lib/$(shell uname -m)-linux-gnu/libjemalloc.so.2))

# Hundreds of processes start, and without bytecode each would compile every module.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/developing ## Run all tests
	@.venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

soak: .venv/developing ## Run the long tests
	@.venv/bin/python -m pytest -m soak

pictures: .venv/developing ## Keep a picture of every page in build/screenshots
	@HEADRACE_TEST_PICTURES=1 .venv/bin/python -m pytest tests/browser

live: .venv/developing ## Bring up real systems, act in them and hold a hub against each; ONLY=tryton for one
	@.venv/bin/python -m pytest tests/live -m live -rs $(if $(ONLY),-k $(ONLY))

bench: .venv/developing ## Print the ratios of speed and memory; FULL=1 for the large sizes
	@.venv/bin/python bench/run.py $(if $(FULL),--full)

mutants: .venv/mutating ## Change the code in small ways and count what tests notice; ONLY=ledger for one area or module
	@.venv/bin/python tests/mutation/run.py $(ONLY) $(if $(SURVIVORS),--survivors)

lint: .venv/developing ## Style, types and import rules
	@.venv/bin/python -m ruff check --no-cache .
	@.venv/bin/python -m ruff format --no-cache --check .
	@.venv/bin/python -m mypy
	@.venv/bin/lint-imports --no-cache

docs: .venv/developing ## Write the parts of docs/ that come from the program itself
	@.venv/bin/python docs/reference.py

clean: ## Remove the environment, the demo, the mutants and the live systems
	rm -rf .venv .mutants .live headrace-demo

.venv/bin/python:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "headrace needs Python 3.11 or newer; there is no '$(PYTHON)' here." >&2; \
	  echo "Install one and name it: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1)' 2>/dev/null || { \
	  echo "headrace needs Python 3.11 or newer; '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1)." >&2; \
	  echo "Install a newer one and name it: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv >.venv-trouble 2>&1 || { rm -rf .venv; cat .venv-trouble >&2; \
	  rm -f .venv-trouble; echo "Python's venv module could not make .venv (above: why)." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -f .venv-trouble

.venv/installed: .venv/bin/python pyproject.toml
	@echo "Installing headrace into .venv ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch .venv/installed

.venv/developing: .venv/bin/python pyproject.toml
	@echo "Installing headrace and its test tools into .venv ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch .venv/installed .venv/developing

.venv/mutating: .venv/developing
	@echo "Installing the mutation tester into .venv ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	@touch .venv/installed .venv/developing .venv/mutating
