# The verbs of CI.  All of them run in the active virtual environment; `make dev` fills it.
PYTHON ?= python
ARGS ?=

# mypy refuses a folder without a Python file.
TYPED := $(foreach folder,bench examples tests typing_tests,$(if $(shell find $(folder) -name '*.py' 2>/dev/null),$(folder)))

.PHONY: dev installed style types test cover cover-half cover-rest bench check test-all clean

dev: ## install refold strictly editable, with all that the other verbs need
	$(PYTHON) -m pip install --quiet -e '.[test,dev,webrtc,musig2]'

installed: ## lay the links to the files again, so that new ones are seen (1 s)
	@$(PYTHON) -m pip install --quiet --no-deps --no-build-isolation -e .

style: ## lint (docstrings too), formatting
	$(PYTHON) -m ruff check --output-format concise .
	$(PYTHON) -m ruff format --check .

types: installed ## mypy and pyright, both strict, over everything
	$(PYTHON) -m mypy --package refold
	$(PYTHON) -m mypy $(TYPED)
	@mkdir -p build/types
	@ln -sfn "$$($(PYTHON) -c 'import pathlib, refold; print(pathlib.Path(refold.__file__).parent)')" build/types/refold
	$(PYTHON) -m pyright --project pyproject.toml --pythonpath "$$($(PYTHON) -c 'import sys; print(sys.executable)')"

test: installed ## the suite; make test ARGS='tests/store -x'
	$(PYTHON) -m pytest $(ARGS)

cover: installed ## the tests of the rooms that have a floor, in two halves, and the floors
	$(PYTHON) -m coverage erase
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target cover-half cover-rest
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage json --quiet -o build/coverage.json
	$(PYTHON) tests/house/coverage_floors.py build/coverage.json

# Not `pytest --cov`: that begins to measure after refold's own plugin of pytest was imported.
# Left out is what tests no room with a floor, and is long.
HALF := tests/commands tests/connection tests/house
LONG := tests/testing $(filter-out tests/peers/state,$(wildcard tests/peers/*))

cover-half:
	COVERAGE_FILE=.coverage.half $(PYTHON) -m coverage run -m pytest $(HALF) $(ARGS)

cover-rest:
	COVERAGE_FILE=.coverage.rest $(PYTHON) -m coverage run -m pytest $(addprefix --ignore=,$(HALF) $(LONG)) $(ARGS)

bench: ## measure against the peers, print the table
	$(PYTHON) -m pip install --quiet -e '.[bench]'
	$(PYTHON) bench/run.py $(ARGS)

check: style types cover ## what has to pass before a commit

test-all: ## the suite under every supported Python on this machine
	.ci/test-all

clean: ## what tools left behind; `make dev` comes next
	rm -rf build dist *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
