# Two commands matter: `make run` and `make test`. Both install what they need the first time, from the lock files,
# and work without a network after that. Needs: Python 3.11 or later with venv, make. No root.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
# A file's tests stay together, so that what they share is made once; the files start in the order of tests/conftest.py.
BY_FILE := --dist loadfile --no-loadscope-reorder
# The environment's programs come first: where node had to be installed, it is there.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Some images forbid Python to keep what it has compiled. Then each of the many processes that the tests start would
# compile the whole program again, a second of processor time each (measured).
export PYTHONDONTWRITEBYTECODE :=

STAMP_RUN := $(VENV)/.installed-run
STAMP_DEV := $(VENV)/.installed-dev
STAMP_NODE := $(VENV)/.node-found
STAMP_NPM := webui/node_modules/.installed
STAMP_FEELIN := tests/support/feelin/node_modules/.installed
STAMP_AXE := tests/support/axe/node_modules/.installed
MANIFEST := webui/static/dist/manifest.json
ASSETS := $(shell find webui/assets -type f 2>/dev/null)

.PHONY: documents-look help run test test-long bench lint fmt lock screenshots clean assets dev browser feelin axe

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(STAMP_RUN) $(MANIFEST) ## install, then serve the demo at http://127.0.0.1:8000
	$(PY) -m engine.cli run --demo

test: dev assets browser feelin axe lint ## install, then lint and every test but the long ones
	$(PY) -m pytest -q -n $(WORKERS) $(BY_FILE)

test-long: dev assets browser feelin axe ## the tests that take minutes
	$(PY) -m pytest -q -n $(WORKERS) $(BY_FILE) -m long

bench: dev assets feelin ## measure, and print the figures
	$(PY) -m bench

lint: dev ## ruff, formatting, mypy, layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

fmt: dev ## let ruff mend what it can
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

documents-look: dev assets ## every document as pictures in var/documents-look, ours beside LibreOffice's
	$(PY) -m tests.support.documents_look

screenshots: dev assets browser ## take the pictures in docs/ again
	$(PY) -m tests.support.screenshots

lock: dev $(STAMP_NODE) ## write every lock file again, with the newest versions allowed
	$(UV_COMPILE) pyproject.toml --output-file requirements.lock
	$(UV_COMPILE) pyproject.toml --group dev --constraints requirements.lock --output-file requirements-dev.lock
	$(UV_COMPILE) --group node --output-file requirements-node.lock
	cd webui && $(NPM_LOCK)
	cd tests/support/chromium && $(NPM_LOCK)
	cd tests/support/feelin && $(NPM_LOCK)
	cd tests/support/axe && $(NPM_LOCK)

# Hashes and versions, no addresses: where packages come from is the machine's affair.
UV_COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/uv pip compile --quiet \
	--upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links

# In a directory of its own: beside node_modules npm takes versions from there and writes them without their hashes.
NPM_LOCK = away=`mktemp -d` && cp package.json .npmrc $$away && (cd $$away && npm install --package-lock-only) && \
	cp $$away/package-lock.json . && rm -r $$away

clean: ## forget everything installed and built; the data in var/ stays
	rm -rf $(VENV) webui/node_modules webui/static/dist tests/support/chromium/node_modules tests/support/chromium/unpacked
	rm -rf tests/support/feelin/node_modules tests/support/axe/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

dev: $(STAMP_DEV)

assets: $(MANIFEST)

feelin: $(STAMP_FEELIN)

axe: $(STAMP_AXE)

browser: dev $(STAMP_NODE)
	@$(PY) -m tests.support.browser

$(PY):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later found. Install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make environments. On Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP_RUN): requirements.lock | $(PY)
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(STAMP_DEV): requirements-dev.lock | $(PY)
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# A node that is already there is used; else one is installed into the environment.
$(STAMP_NODE): requirements-node.lock | $(PY)
	@if command -v npm >/dev/null 2>&1 && node -e 'process.exit(+process.versions.node.split(".")[0] < 20)' 2>/dev/null; then \
		echo "node `node --version`"; \
	else \
		echo "No node >= 20 with npm: installing one into $(VENV)"; $(PIP) install --require-hashes -r requirements-node.lock; \
	fi
	@touch $@

# --ignore-scripts: one dependency's install script reports to its maker and leaves processes running.
$(STAMP_NPM): webui/package-lock.json webui/.npmrc $(STAMP_NODE)
	cd webui && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The other FEEL that ours is compared with; tests only.
$(STAMP_FEELIN): tests/support/feelin/package-lock.json tests/support/feelin/.npmrc $(STAMP_NODE)
	cd tests/support/feelin && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# Looks at every page for what keeps people out; tests only.
$(STAMP_AXE): tests/support/axe/package-lock.json tests/support/axe/.npmrc $(STAMP_NODE)
	cd tests/support/axe && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(MANIFEST): webui/build.mjs $(ASSETS) $(STAMP_NPM)
	cd webui && node build.mjs
