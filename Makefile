# The newcomer's entry points. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
STAMP := $(VENV)/.installed
COLLECTED := $(VENV)/.collected

# Processes that share the tests. Each has up to four MySQL servers and a node: 2 GB of memory.
JOBS := $(shell awk '/^MemTotal/ { large = $$2 > 12000000 } END { print 4 + large }' /proc/meminfo 2>/dev/null || echo 4)
SOURCES := udup tests $(wildcard bench)

# Python keeps what it has compiled of the tests: collecting them takes half the time. Empty means so.
export PYTHONDONTWRITEBYTECODE :=

# Looks for a Python 3.11 or newer, and among those for one that can make virtual environments: Debian's python3 cannot
# without the package python3-venv. A version manager's stand-in that does not run is passed over.
define FIND_PYTHON
found=; able=; \
for python in $${PYTHON:-python3.13 python3.12 python3.11 python3}; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
  found=$$python; \
  if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then able=$$python; break; fi; \
done; \
if [ -z "$$found" ]; then \
  echo "Python 3.11 or newer was not found. On Debian 12 and later: apt install python3 python3-venv" >&2; exit 1; \
fi; \
if [ -z "$$able" ]; then \
  version=$$("$$found" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'); \
  echo "$$found cannot make a virtual environment. On Debian: apt install $$version-venv" >&2; exit 1; \
fi
endef

.PHONY: help venv demo check test test-servers lint console-check docs pictures wheel bench soak trials faults sim clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 24

venv: $(STAMP)  ## install Udup and its tools into .venv (again only when pyproject.toml or the compiled reader changes)

$(STAMP): pyproject.toml $(wildcard udup/_rows/*)
	@$(FIND_PYTHON); \
	echo "Installing Udup into $(VENV) with $$able ($$("$$able" --version)): a minute or two"; \
	"$$able" -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP)  ## replicate a shop between two throw-away servers (SOURCE=mariadb TARGET=mysql; DEMO=--subscribe)
	@$(VENV)/bin/udup demo $(if $(SOURCE),--source $(SOURCE)) $(if $(TARGET),--target $(TARGET)) $(DEMO)

# Plugins that no test without a server uses: loading Schemathesis takes each process a second.
UNUSED := -p no:schemathesis -p no:anyio

check: lint  ## lint, then run the tests that need no server: half a minute (PYTEST="-k name" chooses)
	@echo "Running the tests that need no server"
	@$(VENV)/bin/python -m pytest -q -m "not server and not slow" $(UNUSED) --numprocesses 3 --dist worksteal $(PYTEST)

# Most of a test's time is waiting for a server, so more of them run at a time than there are cores; a file's tests
# stay together and share their servers.
# The lint runs beside the first of them, which wait for their servers; what it finds fails the target in the end.
# In a fresh clone one process compiles the tests beside it: several would each compile all of them, a minute of CPU.
test: $(STAMP)  ## lint, and run all tests, most against throw-away MySQL servers (PYTEST="-k name" chooses)
	@echo "Running all tests, and checking style, format and types beside them"
	@{ $(LINT); } & lint=$$!; tests=0; \
	$(if $(PYTEST),:,$(COLLECT)); \
	$(VENV)/bin/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST) || tests=$$?; \
	wait $$lint || { echo "Style, format or types are at fault (make lint)" >&2; exit 1; }; \
	exit $$tests

# Every server that can be had: MariaDB 11.8, 10.11 and 10.5, MySQL 5.6 (90 MB, once), and the newest MySQL.
test-servers: export UDUP_TEST_SERVERS := all
test-servers: $(STAMP)  ## run the tests of MariaDB and old MySQL with every version there is (PYTEST="-k name" chooses)
	@echo "Running the tests of servers besides the newest MySQL, with every version"
	@$(VENV)/bin/python -m pytest -m "other_servers and not pairs" $(UNUSED) --numprocesses $(JOBS) --dist loadfile \
	  --no-loadscope-reorder $(PYTEST)
	@echo "Running all conformance cases between every other pair of servers"
	@$(VENV)/bin/python -m pytest -m pairs $(UNUSED) --numprocesses 2 --dist load tests/conformance/test_other_pairs.py

COLLECT = [ -e $(COLLECTED) ] || ! $(VENV)/bin/python -m pytest --collect-only -qq >/dev/null || touch $(COLLECTED)

LINT = $(VENV)/bin/ruff check --quiet $(SOURCES) && $(VENV)/bin/ruff format --quiet --check $(SOURCES) \
  && $(VENV)/bin/mypy --no-error-summary

lint: $(STAMP)  ## check style, format and types
	@echo "Checking style, format and types"
	@$(LINT)

SITE := udup/web/site

# Warnings are errors: a link that leads nowhere, a page that no other leads to.
docs: $(STAMP)  ## build the documentation as a searchable site into udup/web/site, which a node serves under /docs/
	@echo "Building the documentation into $(SITE)"
	@$(VENV)/bin/sphinx-build -W --keep-going -q -E -b html -d build/doctrees docs $(SITE)
	@rm -f $(SITE)/.buildinfo $(SITE)/objects.inv
	@find $(SITE) -name '*.map' -delete

wheel: docs  ## build a wheel into dist/, the documentation in it
	@echo "Building a wheel into dist"
	@$(VENV)/bin/python -m pip wheel -q --disable-pip-version-check --no-deps --wheel-dir dist .

console-check: $(STAMP)  ## check the console's files: libraries as listed, imports, sizes, words of both languages
	@$(VENV)/bin/python -m tests.console.files

pictures: $(STAMP)  ## take the pictures of the documentation again, in Chromium
	@$(VENV)/bin/python -m tests.console.pictures

bench: $(STAMP)  ## measure the speed (BENCH="..." passes arguments)
	@$(VENV)/bin/python -m bench $(BENCH)

soak: $(STAMP)  ## a random workload with kills, compared at every quiet point; SOAK=--proof: the proof of compare and repair
	@$(VENV)/bin/python -m tests.soak $(SOAK)

TRIALS := --trials 100

trials: $(STAMP)  ## whole nodes of a cluster under faults and writing, an hour (TRIALS="--trials 20 --managers 5")
	@$(VENV)/bin/python -m tests.trials $(TRIALS)

faults: $(STAMP)  ## every step of a job goes wrong once: half an hour and more (FAULTS="--phase copy --place target")
	@$(VENV)/bin/python -m tests.faults $(FAULTS)

# A night: make sim SEEDS="every 100000 40000". Begin where nobody has been: by the date.
SEEDS := every $(shell date +%y%m%d)00000 2000

sim: $(STAMP)  ## simulated histories under faults (SEEDS="CLASS FIRST COUNT"); the first that fails is made small
	@$(VENV)/bin/python -m tests.sim run $(SEEDS)

clean:  ## remove what the targets made (.venv, caches); the MySQL in ~/.cache/udup stays
	@echo "Removing $(VENV) and the tools' caches"
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
