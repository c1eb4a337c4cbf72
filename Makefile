# Two commands on a fresh machine with Python 3.11, make and node: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXAMPLE := examples/two-lepton/recast.yml
PYTEST := $(BIN)/python -m pytest -q

.PHONY: demo test lint test-docker test-slow clean

# The result of the fit, from the files that each engine left.
define SHOW_CLS
import pathlib, sys, yaml
found = sorted(pathlib.Path("build/demo").glob("*/fit/fitresults/results.yaml"))
results = {path.parts[2]: yaml.safe_load(path.read_text()) for path in found}
for engine, result in results.items():
    print(f"{engine:10}CLs observed {result['CLs_obs']:<10} expected {result['CLs_exp'][2]}")
if len(results) != 2 or len({str(result) for result in results.values()}) != 1:
    sys.exit("the two engines do not agree")
endef
export SHOW_CLS

demo: $(VENV)/.yadage
	rm -rf build/demo
	$(BIN)/recast-bridge verify $(EXAMPLE) --engines yadage,cwltool --runtime host -o build/demo
	@$(BIN)/python -c "$$SHOW_CLS"

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
