# Everything runs in .venv, which the first target that needs it makes: a bare clone, Python 3.11 or newer
# and a network are enough. `make` lists the targets.

PYTHON ?= python3
ARGS   ?=
JOBS   ?= auto
ROUTE  ?=
# The oldest server that is supported; the suite runs on the newest.
OLDEST ?= /usr/lib/postgresql/15/bin
# What a test may need that make test-fast does without: see tests/support/tiers.py.
SLOW   := faults or ocr or process or model or trial or values or cloud or browser

VENV := .venv
BIN  := $(VENV)/bin
PIP  := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip

# One stamp for each set of packages, written last: an install that was interrupted is taken up again.
RUNTIME := $(VENV)/.installed-runtime
DEV     := $(VENV)/.installed-dev
BENCH   := $(VENV)/.installed-bench

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast test-route test-routes test-oldest train measure soak check lint lint-python lint-migrations lint-functions format schema dist bench bench-quick replay migrate up down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: ARGS=\"...\" is passed on (make test ARGS=\"-k inbox\"), JOBS=4 sets the test processes,"
	@echo "PYTHON=python3.12 chooses the interpreter. Settings are ALFRD_* in the environment: .env.example."

demo: $(RUNTIME) ## put the sample documents through the whole pipeline, on an embedded PostgreSQL
	@mkdir -p .alfrd  # the home of this checkout: every command below it finds it
	@$(BIN)/alfrd-events demo $(ARGS)

test: $(DEV) ## run the test suite on a real PostgreSQL
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

test-fast: $(DEV) ## the quick tests: no faults, OCR, processes, trials of prompts, extreme values, cloud or browser
	@$(BIN)/python -m pytest -n $(JOBS) -m "not ($(SLOW))" $(ARGS)

# The engine keeps its promises by every way to the server. A test that is skipped there fails, unless it is marked.
test-route: $(DEV) ## the engine's tests by another way: ROUTE=pgbouncer, ROUTE=deaf, or on another server
	@ALFRD_TEST_ROUTE=$(ROUTE) $(BIN)/python -m pytest -n $(JOBS) --no-skips tests/engine $(ARGS)

test-routes: ## the engine's tests by all ways: PgBouncer, no LISTEN, and PostgreSQL 15 if Debian's is here
	@$(MAKE) --no-print-directory test-route ROUTE=pgbouncer
	@$(MAKE) --no-print-directory test-route ROUTE=deaf
	@$(MAKE) --no-print-directory test-oldest

test-oldest: $(DEV) ## the engine's tests on PostgreSQL 15, if Debian's is here
	@if [ -x $(OLDEST)/initdb ]; then $(MAKE) --no-print-directory test-route ALFRD_TEST_PG_BIN=$(OLDEST); \
	else echo "PostgreSQL 15 is not installed in $(OLDEST): its tests are left out."; fi

train: $(DEV) ## train the ranker anew: ARGS="TRUTH.jsonl --held-back MORE.jsonl --cache FOLDER"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[train]'
	@$(BIN)/python -m devtools.train $(ARGS)

measure: $(DEV) ## measure accuracy and write docs/accuracy.md: ARGS as for train, --boxes FOLDER, --turned 60
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[train]'
	@$(BIN)/python -m devtools.measure $(ARGS)

soak: $(DEV) ## ten minutes of random faults, and an account of each document; not part of check
	@$(BIN)/python -m tests.faults.soak $(ARGS)

check: lint test ## lint, then test: what a change must pass

lint: lint-python lint-migrations lint-functions ## ruff, mypy, import rules, schema dump, migrations, functions

lint-python: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.dump_schema --check

lint-migrations: $(DEV)
	@$(BIN)/squawk sql/migrations/*.sql

lint-functions: $(DEV) ## plpgsql_check over the functions, on PostgreSQL 15 if Debian's package is here
	@$(BIN)/python -m tools.lint_functions $(OLDEST)

format: $(DEV) ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

schema: $(DEV) ## write sql/schema.sql anew, after a change of sql/
	@$(BIN)/python -m tools.dump_schema

dist: $(DEV) ## build the wheel and the source distribution into dist/
	@rm -rf dist
	@$(BIN)/python -m hatchling build --directory dist

bench: $(BENCH) ## measure the engine and its peers on an embedded PostgreSQL: takes most of an hour
	@$(BIN)/python -m bench.run $(ARGS)

bench-quick: $(BENCH) ## the same with smaller sizes and one peer: takes three minutes
	@$(BIN)/python -m bench.run --quick $(ARGS)

migrate: $(RUNTIME) ## bring the database up to date
	@$(BIN)/alfrd-events migrate $(ARGS)

replay: $(RUNTIME) ## re-emit everything that is stuck
	@$(BIN)/alfrd-events replay $(ARGS)

up: ## start PostgreSQL and a worker in containers
	@docker compose version >/dev/null 2>&1 || { \
	  echo "make up needs Docker with its compose plugin; without it, 'make demo' shows the same work." >&2; exit 1; }
	@mkdir -p inbox files
	HOST_UID=$$(id -u) HOST_GID=$$(id -g) docker compose up --build --detach $(ARGS)

down: ## stop the containers; documents stay in their volume
	docker compose down $(ARGS)

clean: ## remove the environment and all caches; .alfrd, which holds documents, stays
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# constraints.txt is not a wish but a need: without it pip tries releases of the AWS packages for minutes.
$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.[local$(comma)embedded$(comma)console$(comma)export])
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.[local$(comma)embedded$(comma)console$(comma)export$(comma)metrics$(comma)mail$(comma)mcp$(comma)otel$(comma)aws$(comma)llm$(comma)dev])
	@touch $(RUNTIME) $@

$(BENCH): pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.[local$(comma)embedded$(comma)bench])
	@touch $(RUNTIME) $@

comma := ,
define install
echo "Installing into $(VENV); the first time takes a minute or two ..."; \
$(PIP) install --quiet --constraint constraints.txt --editable '$(1)' || { \
  echo "The packages could not be installed: pip says why above. It needs a network or a package mirror." >&2; \
  exit 1; }
endef

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "'$(PYTHON)' was not found: install Python 3.11 or newer, or name it: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, '$(PYTHON)' is $$($(PYTHON) -V); name another: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "No environment could be made: this Python lacks venv (Debian, Ubuntu: apt install python3-venv)." >&2; \
	  exit 1; }
