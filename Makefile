# Two commands on a fresh machine with Python 3.11, make and node: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXAMPLE := examples/two-lepton
PYTEST := $(BIN)/python -m pytest -q

.PHONY: demo test lint test-docker test-slow clean

demo: $(VENV)/.yadage
	rm -rf build/demo
	$(BIN)/recast-bridge to-cwl $(EXAMPLE)/recast.yml --host -o build/demo/cwl
	$(BIN)/recast-bridge verify $(EXAMPLE)/recast.yml --engines yadage,cwltool --runtime host -j 2 -o build/demo
	@$(BIN)/python $(EXAMPLE)/show_cls.py build/demo/yadage build/demo/cwltool

test: lint $(VENV)/.yadage
	$(PYTEST) -n 2 -m 'not slow and not docker'

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test-docker: $(VENV)/.yadage
	$(PYTEST) -m 'docker and not slow'

test-slow: $(VENV)/.yadage
	$(PYTEST) -n 2 -m slow

clean:
	rm -rf build dist $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[examples,test]'
	touch $@

# yadage has an environment of its own, in the user's cache.
$(VENV)/.yadage: $(VENV)/.installed bridge/recast_bridge/engines/yadage-requirements.txt
	$(BIN)/python -m recast_bridge.engines.environments
	touch $@
