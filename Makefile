# Two commands that need nothing but Python 3.11+ and make; each makes its own virtual environment in .venv.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint

demo: .venv/installed  ## sample data -> build -> verify -> load_dataset -> a clip with its masks, into ./demo
	rm -rf demo
	.venv/bin/brokenvideos demo demo

test: .venv/tests-installed  ## the default tests
	.venv/bin/python -m pytest -m "not slow"

lint: .venv/tests-installed  ## style and types
	$(PIP) -e ".[lint]"
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	. .venv/bin/activate && .ci/types

.venv/installed: pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

.venv/tests-installed: .venv/installed
	$(PIP) -e ".[test]"
	touch $@
