# Two commands do everything on a fresh machine with Python 3.11 or newer, git and make:
#   make demo     the main job on the embedded default: no account, no server, no torch
#   make test     style, types and every test of the project
# While working: `make check` is `make test` without real models and servers. `make nightly` has what takes too long for
# every change, `make pace` says how fast the machine is now.

PYTHON ?= python3
BIN := .venv/bin
UV = $(shell command -v uv || echo $(BIN)/uv)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt

# Tests that need no real model share the cores; a model takes all of them by itself.
PYTEST = $(BIN)/python -m pytest
APART = $(if $(WITHOUT_XDIST),,--numprocesses=logical --maxprocesses=8 --dist=worksteal)
CLOCK = begun=$$(date +%s); trap 'echo "$@: $$(( $$(date +%s) - begun )) s"' EXIT

.PHONY: demo demo-all demo-ollama demo-rivals check test nightly wheel-check base fixtures ollama bench pace clean
.DELETE_ON_ERROR:

# Judges the tuned model against its base. A verdict other than SHIP is shown, and is no failure of the demo.
demo: base
	@$(BIN)/python -m fixtures demo

# The same for all four golden tasks.
demo-all: base .venv/.demo-all
	@$(BIN)/python -m fixtures demo suites/

# Style, types, rooms, and every test that needs no real model: what to run before each commit.
check: .venv/.test base
	@$(CLOCK); set -e; \
	$(BIN)/ruff check .; \
	$(BIN)/ruff format --check .; \
	$(BIN)/mypy; \
	$(BIN)/lint-imports; \
	$(PYTEST) -m 'not real and not nightly' $(APART)

# Every test of the project but the nightly ones: `check`, and those that ask real models and a real server.
test: .venv/.test base
	@$(BIN)/python -m fixtures ollama > /dev/null || echo "the tests of Ollama will be skipped"
	@$(CLOCK); set -e; \
	$(MAKE) --no-print-directory check; \
	$(PYTEST) -m 'real and not nightly'

# What takes many minutes: merges of whole models, and every case of the campaigns, from a seed that is told at the end
# (STORM_SEED=N tries those of N again).
nightly: .venv/.test base
	@$(BIN)/python -m fixtures ollama > /dev/null || echo "the tests of Ollama will be skipped"
	@$(CLOCK); set -e; $(PYTEST) -m 'nightly and not storm'; \
	$(PYTEST) -m storm --storm-share=1 --storm-seed=$${STORM_SEED:-$$begun} $(APART)

# The built wheel in an empty environment: it says its version, and judges two examples.
wheel-check: .venv/.test
	@$(CLOCK); set -e; $(BIN)/python .ci/wheel_check.py

# SmolLM2-135M-Instruct as GGUF, checked by sha256, one copy in the user's cache folder.
base: .venv/.demo
	@$(BIN)/python -m fixtures fetch > /dev/null

# The same examples through every rung: base, adapter, merged, quantized, and a real Ollama server. LINEAGE=market leaves
# out two mistakes that are there to be seen.
demo-ollama: .venv/.test ollama
	@$(BIN)/python -m fixtures demo-ollama $(LINEAGE)

# The tuned model beside its base and beside one that a real server sells by the token: by field, cost and latency.
demo-rivals: .venv/.test ollama
	@$(BIN)/python -m fixtures demo-rivals

# Ollama: the one on PATH, else built from source into the user's cache folder (needs Go and a C++ compiler).
ollama: .venv/.demo
	@$(BIN)/python -m fixtures ollama > /dev/null

# Every model of the project again from nothing: float base, adapters, merged, f16 GGUF.
fixtures: .venv/.test
	$(BIN)/python -m fixtures all

# How fast this machine is now, beside the reference; limits in minutes are scaled by it.
pace: .venv/.demo base
	@$(BIN)/python benchmarks/pace.py

bench: .venv/.test
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/near_duplicates.py

clean:
	rm -rf .venv .evalkit

.venv/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing evalkit with llama.cpp into .venv ..."
	@$(INSTALL) --editable '.[gguf]'
	@touch $@

# One of the four tasks has a score of free text.
.venv/.demo-all: .venv/.demo
	@$(INSTALL) --editable '.[gguf,text]'
	@touch $@

.venv/.test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing evalkit with all extras and the tools of development into .venv ..."
	@$(INSTALL) --editable '.[all]' --group dev
	@$(INSTALL) --no-deps --target .venv/strangers --group strangers
	@touch .venv/.demo .venv/.demo-all $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evalkit needs Python 3.11 or newer, this is " + sys.version)'
	@echo "making .venv ..."
	@$(PYTHON) -m venv .venv
	@command -v uv > /dev/null || $(BIN)/pip install --quiet --disable-pip-version-check uv
