# Two commands on a fresh machine with Python 3.11, make and node: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXAMPLE := examples/two-lepton
PYTEST := $(BIN)/python -m pytest -q

.PHONY: demo test setup plain toil validators cluster lint docs pages test-docker test-cluster test-slow clean

demo: setup
	rm -rf build/demo
	$(BIN)/recast-bridge to-cwl $(EXAMPLE)/recast.yml --host -o build/demo/cwl-files
	$(BIN)/recast-bridge to-snakemake $(EXAMPLE)/recast.yml --host -o build/demo/snakemake-files
	$(BIN)/recast-bridge verify $(EXAMPLE)/recast.yml --engines yadage,cwltool,snakemake --runtime host -j 2 -o build/demo
	@$(BIN)/python $(EXAMPLE)/show_cls.py build/demo/yadage build/demo/cwltool build/demo/snakemake

test: lint docs setup
	$(PYTEST) -n 2 -m 'not slow and not docker and not cluster'

# yadage has an environment of its own, in the user's cache.
setup: $(VENV)/.installed
	@$(BIN)/python -m recast_bridge.engines.environments >/dev/null

# Generated Snakefiles must run where recast-bridge is not installed.
plain: .venv-plain/.installed

# toil has one too; only slow tests and those with containers need it made beforehand.
toil: $(VENV)/.installed
	@$(BIN)/python -m recast_bridge.engines.environments toil >/dev/null

# What others check archives with; their old requirements collide with ours.
validators: .venv-crate/.installed .venv-reana/.installed

# Each executor plugin that is installed slows down every start of Snakemake: those of batch systems have their own.
cluster: .venv-cluster/.installed

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The documentation site, in build/docs; a link that leads nowhere, for example, is an error.
docs: $(VENV)/.installed
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

# docs/pairs.md says what the tests of tests/pairs show.
pages: $(VENV)/.installed
	$(BIN)/python tests/pairs/pair_page.py

test-docker: setup toil
	$(PYTEST) -m 'docker and not slow and not cluster'

test-cluster: setup cluster
	.venv-cluster/bin/python -m pytest -q -m cluster

test-slow: setup plain toil validators
	$(PYTEST) -n 2 -m 'slow and not cluster'

clean:
	rm -rf build dist $(VENV) .venv-plain .venv-cluster .venv-crate .venv-reana

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs,examples,test]'
	touch $@

.venv-plain/.installed: constraints.txt
	$(PYTHON) -m venv .venv-plain
	.venv-plain/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt snakemake jq
	touch $@

.venv-crate/.installed .venv-reana/.installed: .venv-%/.installed: tests/validators/%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

.venv-cluster/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-cluster
	.venv-cluster/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e '.[cluster,examples,test]'
	touch $@
