# The few verbs of this project; `make` alone prints them.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint fmt flagged bench coverage
MAKEFLAGS += --no-print-directory

UV := .ci/uv
RUN := $(UV) run --frozen

help:
	@echo "make run       set everything up, start web, worker and scheduler; Ctrl-C stops them"
	@echo "make test      set everything up, run all tests (ARGS=\"-k words\" to choose)"
	@echo "make lint      ruff, mypy, templates"
	@echo "make fmt       put code into its standard form"
	@echo "make flagged   note where the checks flag their bad examples, after changing one"
	@echo "make bench     measure, as ratios of one run"
	@echo "make coverage  run all tests and report the lines they never reach"
	@echo "make setup     install what the above need, and nothing else"

setup:
	@$(UV) sync --frozen --quiet --compile-bytecode
	@$(RUN) python -m compileall -q checks dashboard

run: setup
	@exec $(RUN) manage.py start

test: setup
	@.ci/packages
	@$(RUN) pytest -n auto --dist loadfile $(ARGS)

lint: setup
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) djlint templates --lint --quiet

fmt: setup
	@$(RUN) ruff check --fix-only --quiet
	@$(RUN) ruff format

flagged: setup
	@$(RUN) python -m tests.flagged

bench: setup
	@$(RUN) python -m tests.bench $(ARGS)

coverage: setup
	@.ci/packages
	@$(RUN) pytest -n auto --dist loadfile --cov --cov-report=term --cov-report=html $(ARGS)
