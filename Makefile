# Two commands do everything on a machine that has Python, git and make: `make demo` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
KUBE := .cache/heavy/kube
# The first that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$each && exit; done; echo python3)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := 0
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.PHONY: demo test heavy lint types check format docs bench judges build clean

demo: $(VENV)/.installed
	@$(BIN)/pipelinegen demo

test: $(VENV)/.developed
	$(BIN)/python -m pytest -n auto --dist worksteal

# A real Kubernetes API server, built from its sources: seven minutes of CPU time the first time, 3 GB of caches.
heavy: $(VENV)/.developed $(KUBE)
	tools=$$(.ci/helm) && PATH="$${tools:+$$tools:}$$PATH" PIPELINEGEN_HEAVY_KUBE="$(CURDIR)/$(KUBE)" \
		$(BIN)/python -m pytest tests/heavy/deployers.py tests/heavy/workflow.py tests/heavy/agents.py

$(KUBE): tests/heavy/kube/go.mod tests/heavy/kube/go.sum $(wildcard tests/heavy/kube/*.go)
	cd tests/heavy/kube && go build -trimpath -ldflags="-s -w" -o "$(CURDIR)/$@" .

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developed
	$(BIN)/mypy

check: lint types test

format: $(VENV)/.developed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Write what is generated in README.md and docs/ again.
docs: $(VENV)/.developed
	$(BIN)/python -m docs.write

bench: $(VENV)/.developed
	$(BIN)/python -m bench.run --files 10000

# Cases that other projects have written, where their folder stands beside this one.
judges: $(VENV)/.developed
	$(BIN)/python -m tests.judges.run

build: $(VENV)/.developed
	$(BIN)/python -m hatchling build

$(VENV)/.installed: pyproject.toml .ci/environment.py
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) .ci/environment.py $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
