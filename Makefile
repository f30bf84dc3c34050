# Thin on purpose: each target prepares the environment and hands over to one command.
# Needs Python 3.11 or newer, git and make. `make help` says what there is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
ARGS ?=

BIN := .venv/bin
PY := $(BIN)/python
# Real servers that are thrown away, with the variables of a test run.
SCRATCH := $(PY) -m recovery.embedded.scratch
APPS := common audit accounts delivery incidents compensations desk portal reporting
CODE := manage.py conftest.py recovery $(APPS) tests $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test check gates bench messages screenshots schema audit pins clean \
	gate-lint gate-format gate-imports gate-templates gate-translations gate-packages gate-types \
	gate-django gate-migrations gate-api

help: ## What there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install:
	@$(PYTHON) recovery/embedded/bootstrap.py

install-dev:
	@$(PYTHON) recovery/embedded/bootstrap.py --dev

run: install ## Start everything on http://127.0.0.1:$(PORT); Ctrl-C stops it. PORT=8001 for another port
	@PORT=$(PORT) exec $(PY) -m recovery.embedded.supervisor

test: install-dev ## All tests in parallel on real servers. ARGS="-k coupon" for some
	@$(PY) -m recovery.embedded.catalogues
	@$(PY) -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

check: install-dev ## Every static gate: lint, types, directions, templates, migrations, translations, API
	@$(SCRATCH) $(MAKE) --no-print-directory --keep-going gates

# One target a gate, so that one run shows everything that fails. Types need the settings and
# migrations a server: `check` runs them all inside scratch servers.
gates: gate-lint gate-format gate-imports gate-templates gate-translations gate-packages gate-types \
	gate-django gate-migrations gate-api

gate-lint:
	$(BIN)/ruff check $(CODE)
gate-format:
	$(BIN)/ruff format --check $(CODE)
gate-imports:
	$(BIN)/lint-imports --no-logo
gate-templates:
	$(BIN)/djlint --lint --quiet templates
gate-translations:
	$(PY) -m recovery.embedded.catalogues --check
gate-packages:
	$(PY) -m pip check
gate-types:
	$(BIN)/mypy $(CODE)
gate-django:
	$(PY) manage.py check --fail-level WARNING
gate-migrations:
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m recovery.embedded.lint_migrations
gate-api:
	$(PY) manage.py spectacular --validate --fail-on-warn --file $${RECOVERY_VAR}/openapi.yaml
	diff -u docs/openapi.yaml $${RECOVERY_VAR}/openapi.yaml

schema: install-dev ## Write docs/openapi.yaml anew
	@$(SCRATCH) $(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

messages: install-dev ## Bring the translation catalogues up to date with the text in the code
	@$(PY) -m recovery.embedded.catalogues --update

bench: install-dev ## Measure the workloads; never part of the tests. See bench/README.md
	@$(PY) -m bench $(ARGS)

screenshots: install-dev ## Make the pictures in docs/ anew
	@$(PY) -m tests.screenshots $(ARGS)

audit: install-dev ## Known vulnerabilities in what is pinned (needs a network)
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements.txt

pins: install-dev ## Pin anew what requirements.in and requirements-dev.in ask for. ARGS=--upgrade for newer
	@for name in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --custom-compile-command 'make pins' \
			$(ARGS) $$name.in -o $$name.txt || exit 1; \
	done

clean: ## Remove what tools left behind; var/ (your data) and .venv stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results
