.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo browser test check format serve soak bench screenshots lock

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=/path/to/it")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: .venv/installed ## everything into .venv

demo: install ## start a server, report facts over HTTP, show the numbers, say how to open its pages
	$(BIN)/openrate demo --keep demo

PUSH_SERVICE := tests/providers/push_service
$(PUSH_SERVICE)/node_modules: $(PUSH_SERVICE)/package-lock.json
	@npm ci --prefix $(PUSH_SERVICE) --silent --no-audit --no-fund || \
	  echo "Without npm the tests against a Web Push service of others are left out."

PAGES := tests/pages
$(PAGES)/node_modules: $(PAGES)/package-lock.json
	@npm ci --prefix $(PAGES) --silent --no-audit --no-fund || \
	  echo "Without npm the pages are not searched for barriers, and the SDK's types are not checked."

browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit; done; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || \
	  echo "Without Chromium the tests that need a browser are left out: install it."

test: install browser $(PUSH_SERVICE)/node_modules $(PAGES)/node_modules ## the whole test suite, five to ten minutes
	$(BIN)/pytest -m "not soak" -n 3 --dist worksteal

soak: install ## the long runs: kills, fuzzing, many worlds
	$(BIN)/pytest -m soak --timeout=3600

check: install ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install ## let ruff tidy up
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

serve: install ## serve from ./data on port 8000
	$(BIN)/openrate serve --data data

bench: install ## measure, and write benchmarks/RESULTS.md
	@command -v wrk >/dev/null || { apt-get update -qq && apt-get install -y -qq wrk; } # the client that measures
	@command -v nginx >/dev/null || { apt-get update -qq && apt-get install -y -qq nginx-light; } # answers the clients
	$(BIN)/python -m benchmarks

screenshots: demo ## the pictures of the pages in docs/images
	PYTHONPATH=tests $(BIN)/python tests/pages/screenshots.py

lock: install ## make requirements.lock again from pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-options \
	  --extra dev --allow-unsafe --no-emit-trusted-host --output-file requirements.lock pyproject.toml
