# `make demo` and `make test` need nothing but make and Python 3.11 to 3.14. Every target makes its own virtual environment in .venv.
PYTHON ?= python3
NEEDS_GB ?= $(if $(wildcard .venv/lib/python*/site-packages/torch),1,9)
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST = .venv/bin/python -m pytest -n auto --maxprocesses 8 --dist loadscope

.PHONY: help demo test pages lint docs hooks release constraints

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed  ## sample data -> build -> verify -> load_dataset -> a clip with its masks, into ./demo
	rm -rf demo
	.venv/bin/brokenvideos demo demo

test: .venv/tests-installed  ## the default tests, on every core
	$(PYTEST) -m "not slow"

pages: .venv/tests-installed  ## the tests of our pages in a real browser, which must be there
	REQUIRE_CHROMIUM=1 $(PYTEST) tests/tools/annotation/browser tests/tools/explorer/browser tests/tools/page

lint: .venv/tests-installed  ## style and types
	$(PIP) -e ".[lint]"
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	. .venv/bin/activate && .ci/types

docs: .venv/installed  ## the documentation site, in .site; open .site/index.html
	$(PIP) -e ".[docs]"
	. .venv/bin/activate && .ci/docs

hooks: .venv/tests-installed  ## checks before every commit, by pre-commit
	$(PIP) -e ".[lint]"
	.venv/bin/pre-commit install

release: .venv/bin/python  ## wheel and sdist in dist, each tried in a clean environment (docs/releasing.md)
	$(PIP) build hatchling uv
	. .venv/bin/activate && .ci/release

constraints: .venv/bin/python  ## constraints.txt from pyproject.toml
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv/bin/python .ci/pins.py write

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	@free=$$(df -Pk . | awk 'NR == 2 {print int($$4 / 1000000)}'); [ "$$free" -ge $(NEEDS_GB) ] || { \
	  echo "make: $$free GB are free here, $(NEEDS_GB) are needed. Free some, or install torch's small CPU build first (README: Install)." >&2; exit 1; }
	$(PIP) -e .
	touch $@

.venv/tests-installed: .venv/installed
	$(PIP) -e ".[test]"
	touch $@

.venv/bin/python:
	@found=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || found=missing; case $$found in 3.11|3.12|3.13|3.14) ;; *) \
	  echo "make: Python 3.11 to 3.14 is needed, $(PYTHON) is $$found. Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1;; esac
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) has no module venv. Install it (on Debian and Ubuntu: apt install python3-venv) and run make again." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
