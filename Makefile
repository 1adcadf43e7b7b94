# Two commands do everything on a fresh machine with Python 3.11 or newer, git and make:
#   make demo     the main job on the embedded default: no account, no server, no torch
#   make test     style, types and every test of the project

PYTHON ?= python3
BIN := .venv/bin
UV = $(shell command -v uv || echo $(BIN)/uv)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt

.PHONY: demo demo-all demo-ollama demo-rivals test base fixtures ollama bench clean
.DELETE_ON_ERROR:

# Judges the tuned model against its base. A verdict other than SHIP is shown, and is no failure of the demo.
demo: base
	@$(BIN)/python -m fixtures demo

# The same for all four golden tasks.
demo-all: base
	@$(BIN)/python -m fixtures demo suites/

# Every test of the project: those with real models by themselves, the others on all cores (eight at most).
test: .venv/.test base
	@$(BIN)/python -m fixtures ollama > /dev/null || echo "the tests of Ollama will be skipped"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m 'not real' --numprocesses=logical --maxprocesses=8 --dist=worksteal
	$(BIN)/pytest -m real

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

bench: .venv/.test
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/near_duplicates.py

clean:
	rm -rf .venv .evalkit

.venv/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing evalkit with llama.cpp into .venv ..."
	@$(INSTALL) --editable '.[gguf,text]'
	@touch $@

.venv/.test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing evalkit with all extras and the tools of development into .venv ..."
	@$(INSTALL) --editable '.[all]' --group dev
	@touch $@ .venv/.demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evalkit needs Python 3.11 or newer, this is " + sys.version)'
	@echo "making .venv ..."
	@$(PYTHON) -m venv .venv
	@command -v uv > /dev/null || $(BIN)/pip install --quiet --disable-pip-version-check uv
