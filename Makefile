# Self-documenting: `make` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run ## set everything up and show live alerts from the demo newsroom
	@$(BIN)/wirewatch up --demo

up: $(VENV)/run ## the same with the real feeds of deploy/config/feeds.yaml
	@$(BIN)/wirewatch up

test: $(VENV)/dev ## all tests, on the embedded broker and on Apache Kafka
	$(BIN)/pytest -n 2 --dist loadfile

fast: $(VENV)/dev ## the tests that need no broker
	$(BIN)/pytest -n 2 --dist loadfile -m "not kafka and not embedded and not e2e"

laws: $(VENV)/dev ## look for new cases that break a law (the suite tries the same ones each time)
	$(BIN)/pytest -q --hypothesis-profile=new -m "not kafka and not embedded and not e2e"

MINUTES ?= 30
fuzz: $(VENV)/dev ## feed documents, records and rule files that nearly make sense, MINUTES of each
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

CHAOS ?= --poison 0.01
chaos: $(VENV)/dev ## break the stream on Apache Kafka for ten minutes while every item is counted; options in CHAOS
	$(BIN)/python -m tests.chaos $(CHAOS)

SOAK ?=
soak: $(VENV)/dev ## half of what the stream can do, with its memory watched for an hour; options in SOAK
	$(BIN)/python -m tests.soak $(SOAK)

lint: $(VENV)/dev ## ruff, formatting, mypy strict, published schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/wirewatch schemas

format: $(VENV)/dev ## format and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

semantics: $(VENV)/train ## train the semantic layer on the labelled items (half an hour)
	$(BIN)/python -m tests.gold.train_semantics

likeness: $(VENV)/dev ## learn what makes two items the same news, from the labelled stories (two minutes)
	$(BIN)/python -m tests.gold.term_frequencies
	$(BIN)/python -m tests.gold.fit_likeness

DATA ?= ../shared/data/ner
train-ner: $(VENV)/train ## train the entity model on our sentences and the corpora in DATA (most of an hour)
	$(BIN)/python -m tests.gold.entities.train --data $(DATA)

eval-ner: $(VENV)/dev ## how well entities are found in the corpora in DATA, beside the stock English model
	$(BIN)/python -m tests.gold.entities.judge --data $(DATA)

audit: $(VENV)/supply ## known vulnerabilities of all that the image brings (asks PyPI's advisory database)
	$(VENV)/supply/bin/pip-audit -r requirements-image.lock --no-deps --disable-pip --strict --progress-spinner off

sbom: $(VENV)/supply ## list of all that the image brings, as CycloneDX, in dist/sbom.json
	mkdir -p dist && $(VENV)/supply/bin/cyclonedx-py requirements requirements-image.lock --pyproject pyproject.toml -o dist/sbom.json

bench: $(VENV)/dev ## what the rooms cost, beside the bare libraries below them
	$(BIN)/python -m tests.bench

eval: $(VENV)/dev ## how well figures, topics, languages and stories are found in tests/gold, test half
	$(BIN)/wirewatch eval figures --split test tests/gold/items/*.jsonl
	$(BIN)/wirewatch eval policy --split test tests/gold/items/*.jsonl
	$(BIN)/wirewatch eval language --split test tests/gold/items/*.jsonl
	$(BIN)/wirewatch eval stories --split test tests/gold/stories/*.jsonl

lock: $(VENV)/dev ## renew the files of locked versions (needs uv)
	uv pip compile -q -U --universal --generate-hashes --no-annotate --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q -U --universal --generate-hashes --no-annotate --no-header --python-version 3.11 pyproject.toml --all-extras --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile -q -U --universal --generate-hashes --no-annotate --no-header --python-version 3.11 pyproject.toml --extra archive --extra otel -c requirements-dev.lock -o requirements-image.lock
	uv pip compile -q -U --universal --generate-hashes --no-annotate --no-header --python-version 3.11 pyproject.toml --all-extras --group dev --group train -c requirements-dev.lock -o requirements-train.lock

clean: ## remove the environment and what runs have left
	rm -rf $(VENV) .wirewatch .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The environment: uv where it is present, pip otherwise, the same locked versions either way.
$(VENV)/bin/python:
ifdef UV
	uv venv -q --python $(PYTHON) $(VENV)
else
	$(PYTHON) -m venv $(VENV)
endif

$(VENV)/run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing (once; a minute or two) ..."
	$(call install,requirements.lock)
	@touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing with the tools for development (once; a minute or two) ..."
	$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/run

# Tools about packages, apart from the packages that they look at.
$(VENV)/supply: | $(VENV)/bin/python
	$(PYTHON) -m venv $@ && $@/bin/pip install -q --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0

$(VENV)/train: requirements-train.lock | $(VENV)/dev
	@echo "Installing what training needs (once) ..."
	$(call install,requirements-train.lock)
	@touch $@

ifdef UV
install = VIRTUAL_ENV=$(VENV) uv pip install -q --compile-bytecode -r $(1) && VIRTUAL_ENV=$(VENV) uv pip install -q --no-deps -e .
else
install = $(BIN)/python -m pip install -q --disable-pip-version-check -r $(1) && $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
endif

.PHONY: help run up test fast laws fuzz chaos soak lint format semantics likeness train-ner eval-ner audit sbom bench eval lock clean
