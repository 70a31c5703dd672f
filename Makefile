# Every target sets itself up: a fresh clone needs Python 3.11 or newer and make, nothing else.

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test check bench protos docs clean compose-up compose-down compose-test

BIN := .venv/bin
# Two stamps: what runs Millrace is there sooner than what develops it, which is twice as large.
RUNS := .venv/.runs
READY := .venv/.ready
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
# The first Python that is new enough and can make an environment. `make setup PYTHON=/path/to/python` takes another.
PYTHON ?=
CANDIDATES := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python
IS_FIT := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

# Compose v2 where it is there, docker-compose otherwise. The project's name does not depend on the clone's folder.
COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose) --project-name millrace

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Make the environment in .venv; the other targets do it when needed

demo: $(RUNS) ## Put 1,707 real earthquakes through a stream into a handler, with a crash on the way
	@$(BIN)/millrace demo

dev: $(RUNS) ## Start the same stack and stay; its data is kept in ./data
	@$(BIN)/millrace dev

# Most tests wait for processes of their own; two at a time, a file each, use two cores.
test: $(READY) ## Run the whole suite
	$(BIN)/pytest --numprocesses 2 --dist loadfile

check: $(READY) ## Check format, lint, types and contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	cd protos && ../$(BIN)/buf lint
	cd protos && ../$(BIN)/buf format --diff --exit-code
	@if [ -d protos/released ]; then set -x; $(BIN)/buf breaking protos --against protos/released; fi

bench: $(RUNS) ## Measure ratios against floors of the same run; writes build/bench.json
	$(BIN)/python -m benchmarks

docs: $(READY) ## Write the parts of docs/operations.md that come from the code
	PYTHONPATH=. $(BIN)/python docs/generate.py

protos: .venv-protos/.ready ## Generate gen/ from protos/ with the pinned generator
	.venv-protos/bin/python protos/generate.py

compose-up: ## Start the stack of compose.yaml in containers, with a first stream and its mapping
	@$(COMPOSE) up --detach --build
	@$(COMPOSE) ps

compose-down: ## Stop that stack; its data stays in volumes
	@$(COMPOSE) down

compose-test: $(READY) ## Try the stack of compose.yaml for real: put, restart, kill, count; needs a container engine
	MILLRACE_TEST_CONTAINERS=1 $(BIN)/pytest tests/stack

clean: ## Remove the environments and what tools left behind; ./data stays
	rm -rf .venv .venv-protos build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(RUNS): pyproject.toml
	@$(call make_environment,.venv)
	$(INSTALL) '.[services,cli]'
	@touch $@

$(READY): pyproject.toml
	@$(call make_environment,.venv)
	$(INSTALL) '.[services,cli,dev]'
	@touch $@ $(RUNS)

# grpcio-tools of that age needs pkg_resources, which newer setuptools no longer have.
.venv-protos/.ready:
	@$(call make_environment,.venv-protos)
	.venv-protos/bin/python -m pip install --quiet --disable-pip-version-check grpcio-tools==1.71.2 'setuptools<81'
	@touch $@

# An environment that is there and fit is kept; one that was broken off or is too old is made anew.
define make_environment
python=; if ! $(1)/bin/python -c '$(IS_FIT)' 2>/dev/null; then \
  for each in $(CANDIDATES); do \
    if $$each -c '$(IS_FIT)' 2>/dev/null; then python=$$each; break; fi; \
  done; \
  if [ -z "$$python" ]; then \
    echo 'Millrace needs Python 3.11 or newer with its venv module (on Debian: python3-venv);' \
      'none was found. Name one with PYTHON=/path/to/python.' >&2; \
    exit 1; \
  fi; \
  echo "making $(1) with $$($$python --version)"; \
  $$python -m venv --clear $(1); \
fi
endef
