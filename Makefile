# `make train` and `make test` set everything up by themselves; a second call installs nothing.
PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
ARGS   ?=

export NO_ALBUMENTATIONS_UPDATE := 1
.DEFAULT_GOAL := help
.PHONY: help setup train demo test test-all test-browser test-cluster lint type lock clean bench bench-rivals bench-regions reproduce notebook notebooks campaign mutants audit

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## make .venv and install everything into it (done by the other targets as well)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "semsynth needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V): call make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: on Debian and Ubuntu install the package python3-venv"; exit 1; }
	@echo "Installing semsynth into $(VENV) (about 6 GB, once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(PY) -r requirements.lock
	@$(VENV)/bin/uv pip install --quiet --python $(PY) --no-deps --editable .
	@touch $(STAMP)

train: $(STAMP) ## train CLADE with a segmenter on the embedded scenes and show a grid of pictures; ARGS="norm=spade" changes words
	@$(PY) train.py experiments=first_picture $(ARGS)

demo: $(STAMP) ## paint in the browser with the newest run, as make train leaves it; ARGS="run=DIR compare=DIR" names others
	@$(PY) demo.py $(ARGS)

test: $(STAMP) ## run the tests without those marked seldom; ARGS="tests/norms -x" narrows them
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist worksteal -m "not seldom" $(ARGS)

test-all: $(STAMP) ## run all tests, those marked seldom too
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist worksteal $(ARGS)

test-cluster: $(STAMP) ## several processes against one, and a Slurm, installed and started for the tests (minutes; as root of a Debian)
	@OMP_NUM_THREADS=1 $(PY) -m pytest tests/training/test_equal_to_one.py tests/cluster $(ARGS)

test-browser: $(STAMP) ## paint and judge in a headless Chromium, which it installs (minutes; as root of a Debian)
	@$(PY) -c "import playwright" 2>/dev/null || $(VENV)/bin/uv pip install --quiet --python $(PY) --editable '.[browser]'
	@OMP_NUM_THREADS=1 $(PY) -m pytest tests/browser $(ARGS)

campaign: $(STAMP) ## answer 2,000 mutated inputs and survive 100 kills (hours); ARGS="kinds=masks count=200 seed=1" narrows it
	@OMP_NUM_THREADS=1 PYTHONPATH=tests $(PY) -m campaigns $(ARGS)

mutants: $(STAMP) ## break the code one place at a time and tell what no test sees (hours; goes on when called again); ARGS=--help
	@PYTHONPATH=tests OMP_NUM_THREADS=1 $(PY) -m mutants $(ARGS)

audit: $(STAMP) ## look up the known vulnerabilities of the packages in requirements.lock (needs the network)
	@$(PY) -m pip_audit --version >/dev/null 2>&1 || $(VENV)/bin/uv pip install --quiet --python $(PY) 'pip-audit>=2.7'
	@$(PY) .ci/audit.py $(ARGS)

notebook: $(STAMP) ## open the notebooks in a browser (installs JupyterLab the first time)
	@$(PY) -m jupyterlab --version >/dev/null 2>&1 || $(VENV)/bin/uv pip install --quiet --python $(PY) --editable '.[notebooks]'
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m jupyterlab notebooks $(ARGS)

notebooks: $(STAMP) ## run all notebooks on small settings; ARGS=quickstart runs one
	@$(PY) tests/notebooks.py $(ARGS)

bench: $(STAMP) ## measure the fast path against the published formulation, and the painting page, into bench/results*.md; ARGS=quick for minutes
	@$(PY) bench/run.py $(ARGS)
	@$(PY) bench/demo.py $(ARGS)

reproduce: $(STAMP) ## make the papers' tables and figures on the embedded scenes, into docs/results/; started again it goes on; ARGS=study.small=true for minutes
	@$(PY) train.py 'experiments=*_scenes' $(ARGS)

bench-rivals: $(STAMP) ## the same for OASIS, DAGAN, CC-FPSE and first convolutions, into bench/results_rivals.md; ARGS=quick for minutes
	@$(PY) bench/rivals.py $(ARGS)

bench-regions: $(STAMP) ## the same for SEAN, GroupDNet, their CLADE forms and INADE, into bench/results_regions.md; ARGS=training or device=cuda
	@$(PY) bench/by_region.py $(ARGS)

lint: $(STAMP) ## check the style of the code
	@$(VENV)/bin/ruff check .

type: $(STAMP) ## check the types
	@$(VENV)/bin/mypy

lock: ## resolve requirements.lock anew from pyproject.toml
	@$(VENV)/bin/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --quiet -o requirements.lock

clean: ## remove .venv and caches; runs stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
