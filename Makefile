# Everything a developer or a newcomer runs. Each target sets up what it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_VENV ?= .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
N ?= 30
USERS ?= 50
SWARMS ?= 4
STORE ?= sqlite
PORT ?= 7071
TESTS ?= tests/e2e
INFRA_VENV ?= .venv-infra
INFRA_READY := $(INFRA_VENV)/.ready
AUDIT_VENV ?= .venv-audit
AUDIT_READY := $(AUDIT_VENV)/.ready
LOCKS := requirements.lock requirements-dev.lock requirements-audit.lock

.DEFAULT_GOAL := help
.PHONY: help setup sandbox demo dev func core-tools e2e test lint format lock audit sbom release crash load bench infra-check clean

help: ## Show what can be run
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# ALLOW_ANY_PYTHON=1 tries another version, as CI does with the next one.
define check_python
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 12) or "$(ALLOW_ANY_PYTHON)" else \
	  "Swarm Star needs Python 3.11 or 3.12, and $(PYTHON) is %d.%d. Try: make $(MAKECMDGOALS) PYTHON=python3.12" % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }
endef

# UNLOCKED=1 installs what requirements*.txt name instead of what their locks pin, as CI does with the next Python.
DEV := $(if $(UNLOCKED),-r requirements-dev.txt,--require-hashes -r requirements-dev.lock)
PIP_INSTALL := -m pip install --quiet --quiet --disable-pip-version-check

$(READY): requirements.txt requirements-local.txt requirements-dev.txt requirements-dev.lock pyproject.toml
	$(check_python)
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) $(DEV)
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(AUDIT_READY): requirements-audit.lock
	@echo "Setting up $(AUDIT_VENV) (once) ..."
	@$(PYTHON) -m venv $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r requirements-audit.lock
	@touch $@

$(BENCH_READY): requirements-bench.txt requirements-dev.txt requirements-local.txt requirements.txt $(READY)
	@echo "Setting up $(BENCH_VENV) (once) ..."
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements-bench.txt
	@$(BENCH_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(INFRA_READY): requirements-infra.txt $(READY)
	@echo "Setting up $(INFRA_VENV) (once) ..."
	@$(PYTHON) -m venv $(INFRA_VENV)
	@$(INFRA_VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements-infra.txt
	@touch $@

node_modules/.ready: package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null || { \
	  echo "The tests need Node 20 or newer with npm, for the emulators of Cosmos DB and Blob Storage."; \
	  echo "On Debian or Ubuntu: sudo apt-get install nodejs npm; or see https://nodejs.org/download"; exit 1; }
	@echo "Installing the emulators (once) ..."
	@npm ci --ignore-scripts --silent
	@touch $@

setup: $(READY) ## Make the virtual environment and install everything

sandbox: $(READY) ## Prepare the embedded sandbox, which the tests do by themselves; no action runs programs in it yet
	@$(BIN)/python -m local.sandbox

demo: $(READY) ## Run a real directive on the offline model, or on OPENAI_API_KEY; MODEL= chooses another
	@$(BIN)/python -m local.demo $(if $(MODEL),--model $(MODEL))

dev: $(READY) $(if $(filter cosmos,$(STORE)),node_modules/.ready) ## Keep the embedded host running on http://127.0.0.1:7071; STORE=cosmos on emulators
	@$(BIN)/python -m local.dev --port $(PORT) $(if $(MODEL),--model $(MODEL)) --store $(STORE)

func: $(READY) core-tools node_modules/.ready ## The same under Azure Functions Core Tools, which must be installed
	@$(BIN)/python -m local.func --port $(PORT) $(if $(MODEL),--model $(MODEL)) --store $(STORE)

# Before the emulators, which take longer.
core-tools: $(READY)
	@$(BIN)/python -m local.func --check

e2e: $(READY) $(if $(filter cosmos,$(STORE)),node_modules/.ready) ## Test a running deployment: BASE_URL= API_KEY= or ADMIN_KEY=; without BASE_URL one is started
	@STORE=$(STORE) $(BIN)/python -m pytest $(if $(BASE_URL),,-n 2 --dist loadfile) $(TESTS)

test: $(READY) sandbox node_modules/.ready ## Run every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile
	@STORE=cosmos $(BIN)/python -m pytest -n 2 --dist loadfile tests/e2e
	@$(MAKE) --no-print-directory infra-check

infra-check: $(READY) $(INFRA_READY) ## Check the infrastructure without a compiler or a cloud, and show what seeded faults are seen
	@$(BIN)/python -m infra.checks --checkov $(INFRA_VENV)/bin/checkov

lint: $(READY) ## Check lock files, format, style, types and import rules
	@$(if $(UNLOCKED),,$(BIN)/python -m infra.locks)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# One lock for every platform and each Python we support, with the hash of every file and without a registry.
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(AUDIT_VENV)/bin/uv pip compile --quiet --universal \
  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

lock: $(AUDIT_READY) ## Pin what requirements*.txt need, transitive libraries and hashes too; UPGRADE=1 takes the newest
	@$(COMPILE) requirements.txt --output-file requirements.lock
	@$(COMPILE) requirements-dev.txt --constraints requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) requirements-audit.txt --output-file requirements-audit.lock

audit: $(AUDIT_READY) ## Look every locked library and npm package up among known vulnerabilities
	@$(AUDIT_VENV)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off $(LOCKS:%=-r %)
	@npm audit --audit-level=high

sbom: $(AUDIT_READY) ## Install what is deployed by its hashes, and list it in build/sbom.json (CycloneDX)
	@rm -rf build/deployed
	@$(PYTHON) -m venv --without-pip build/deployed
	@$(AUDIT_VENV)/bin/python -m pip --python build/deployed/bin/python install --quiet --quiet \
	  --disable-pip-version-check --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(AUDIT_VENV)/bin/cyclonedx-py environment build/deployed/bin/python --pyproject pyproject.toml \
	  --output-reproducible --output-file build/sbom.json
	@$(AUDIT_VENV)/bin/python -m infra.sbom build/sbom.json

release: sbom ## Write what a release holds to build/release: the package, its list of libraries, checksums
	@rm -rf build/release
	@mkdir -p build/release
	@$(PYTHON) infra/package.py build/package
	@cd build/package && $(PYTHON) -m zipfile -c ../release/swarmstar.zip *
	@cp build/sbom.json build/release/swarmstar.cdx.json
	@cd build/release && shasum -a 256 * > SHA256SUMS

crash: $(READY) $(if $(filter cosmos,$(STORE)),node_modules/.ready) ## Kill the host N times in the middle of swarms and compare with an undisturbed run; STORE=cosmos on emulators
	@$(BIN)/python -m tests.crash.run --kills $(N) --store $(STORE)

load: $(READY) $(if $(filter cosmos,$(STORE)),node_modules/.ready) ## Run SWARMS swarms of each of USERS users at once and see that nothing crosses; STORE=cosmos on emulators
	@$(BIN)/python -m tests.load.run --users $(USERS) --swarms $(SWARMS) --store $(STORE)

bench: $(BENCH_READY) ## Measure orchestration cost beside its peers
	@$(BENCH_VENV)/bin/python -m bench

clean: ## Remove environments and caches; swarm spaces stay
	rm -rf $(VENV) $(BENCH_VENV) $(INFRA_VENV) $(AUDIT_VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
