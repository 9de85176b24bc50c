# Everything a newcomer needs, each with one word; `make` alone lists the words.
# The environment (.venv) is built on first use from requirements.lock, nothing has to be typed before.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
STAMP := .venv/.installed

# The person's own Python settings must not reach ours; some machines give no HOME at all.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/var/home
endif

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(STAMP) gnupg ## start the hub with all simulated partners; ONCE=1 stops after one round, SCALE=10 more data, PARTNERS=all all 60 partners
	@$(BIN)/python -m launcher.demo $(if $(ONCE),--once) --scale $(or $(SCALE),1) --partners $(or $(PARTNERS),kinds)

.PHONY: test
test: check sshd gnupg node ## check, then every test: unit, contract, end to end
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: $(STAMP) ## style, types, layers and mappings; no test is run
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports
	@$(BIN)/hub check

.PHONY: faults
faults: $(STAMP) ## kill and disturb the exchange everywhere, let the ledgers judge; takes long; SEEDS=1,2,3
	@$(BIN)/python -m tests.faults --seeds $(or $(SEEDS),1,2,3)

.PHONY: fuzz
fuzz: $(STAMP) ## broken and hostile inputs against every reader; CASES=100000, SEED=1
	@$(BIN)/python -m tests.fuzz --cases $(or $(CASES),100000) --seed $(or $(SEED),1)

.PHONY: roles
roles: $(STAMP) ## call every route of Airflow as every role, the table must say the same; `make test` does a part of it
	@HUB_ROLES=whole $(BIN)/python -m pytest tests/e2e/test_roles_in_airflow.py

.PHONY: bench
bench: $(STAMP) ## compare our checks of identifiers with python-stdnum; what sealing of fields and of the archive costs
	@$(BIN)/python -m bench.identifiers
	@$(BIN)/python -m bench.sealing
	@$(BIN)/python -m bench.sealed_store
	@$(BIN)/python -m bench.archive
	@$(BIN)/python -m bench.large_file

.PHONY: canary
canary: $(STAMP) ## a day with 10,000 persons nobody else knows, then a search for each of them everywhere; takes long
	@$(BIN)/python -m launcher.canary

.PHONY: sbom
sbom: $(STAMP) ## list what the hub is built from (CycloneDX), into build/
	@$(BIN)/python -m launcher.supply sbom

.PHONY: audit
audit: $(STAMP) ## hold the environment against the lock, and ask about known weaknesses (network)
	@$(BIN)/python -m launcher.supply audit

.PHONY: lock
lock: $(STAMP) ## resolve pyproject.toml anew into requirements.lock
	@$(BIN)/uv pip compile --python-version 3.11 --generate-hashes --no-emit-index-url --extra demo --extra dev pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## forget what demo kept (database included) and all caches; .venv stays
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m launcher.state --remove; fi
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -path ./.venv -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# Installs a Debian package where that needs no question; never starts what is in it. $(1) the package, $(2) its program.
define install
	@if PATH="$$PATH:/usr/sbin" command -v $(2) >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "$(2) is not installed (Debian: apt install $(1)); what needs it will say so."; exit 0; fi; \
	rule=/usr/sbin/policy-rc.d; \
	if [ ! -e $$rule ]; then printf '#!/bin/sh\nexit 101\n' > $$rule; chmod 755 $$rule; trap "rm -f $$rule" EXIT; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ apt-get update && apt-get install -y --no-install-recommends $(1); } >/dev/null 2>&1 \
	  || echo "$(1) could not be installed; what needs $(2) will say so."
endef

# OpenSSH's own server is the counterpart of one test.
.PHONY: sshd
sshd:
	$(call install,openssh-server,sshd)

# Partners' OpenPGP files are opened by gpg, in the demonstration too.
.PHONY: gnupg
gnupg:
	$(call install,gnupg,gpg)

# npm's soap is an insurer by other people's hands. Node.js is installed where that needs no question; nothing of it runs by itself.
.PHONY: node
node: var/node/.installed

var/node/.installed: tests/node/package.json
	@if ! { command -v node && command -v npm; } >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { apt-get update && apt-get install -y --no-install-recommends nodejs npm; } >/dev/null 2>&1 || true; fi; \
	if ! { command -v node && command -v npm; } >/dev/null; then \
	  echo "Node.js and npm are not installed; the test that needs them will say so."; exit 0; fi; \
	mkdir -p var/node && cp tests/node/package.json var/node/ && cd var/node \
	  && if npm install --package-lock=false --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null 2>&1; \
	  then touch .installed; else echo "npm could not install its packages; the test that needs them will say so."; fi

$(STAMP): requirements.lock pyproject.toml
	@mkdir -p "$$HOME"
	@python=""; for name in python3.11 python3 python; do \
	  if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; \
	  then python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then echo "Python 3.11 is needed and was not found (Debian: apt install python3.11 python3.11-venv)."; exit 1; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "This Python cannot build environments (Debian: apt install python3.11-venv)."; exit 1; fi; \
	echo "Building .venv from requirements.lock; this takes a few minutes once."; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then $$python -m venv .venv; fi
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
