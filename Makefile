PYTHON ?= python3
BIN := .venv/bin
SOURCES := services libs cli clients/python tests bench tools

.PHONY: run test setup lint types check bench faults schema clean

run: ## set up and run everything on this machine
	@$(PYTHON) tools/setup.py && exec $(BIN)/parley up $(UP)

test: setup ## set up and run every test
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(TEST)

setup: ## everything the tests and checks need
	@$(PYTHON) tools/setup.py --dev

lint: setup ## format and style
	@$(BIN)/ruff format --check $(SOURCES) && $(BIN)/ruff check $(SOURCES) && $(BIN)/lint-imports

types: setup ## mypy --strict, tsc --checkJs
	@$(BIN)/mypy $(SOURCES) && $(BIN)/python tools/node.py node_modules/typescript/bin/tsc -p jsconfig.json

check: lint types test ## all of the above

bench: setup ## measure; see docs/benchmarks.md
	@$(BIN)/python -m bench $(BENCH)

faults: setup ## break things at random and judge: MINUTES=30 SEED=7 FAULTS=--cluster; see docs/reliability.md
	@PYTHONPATH=tests $(BIN)/python -m faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(FAULTS)

schema: setup ## write docs/schema from the code
	@$(BIN)/parley schema --write docs/schema && $(BIN)/python tools/configuration.py

clean: ## forget everything that was installed or built
	rm -rf .venv node_modules build artefacts .mypy_cache .ruff_cache .hypothesis .import_linter_cache
