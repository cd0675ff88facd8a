# Two commands on a fresh machine with Python 3.11 or later and make: `make demo` and `make test`.
# Set-up is one virtual environment in .venv, from deploy/constraints.txt: every package, with its version and hashes.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
BIN := .venv/bin
SET_UP := .venv/.set-up

.PHONY: demo test setup browser lock

demo: $(SET_UP)  ## a live ward; SECONDS=60 stops it by itself
	@$(BIN)/lemof demo $(if $(SECONDS),--seconds $(SECONDS))

test: $(SET_UP) browser  ## the whole suite, on a real Kafka
	$(BIN)/pytest

setup: $(SET_UP)

# The stamp is written last, so that a set-up that broke off runs again.
$(SET_UP): pyproject.toml deploy/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    f"lemof_stream needs Python 3.11 or later, {sys.executable} is older: name one with make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' deploy/constraints.txt > .venv/uv.txt
	$(BIN)/pip install --quiet --require-hashes -r .venv/uv.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --no-deps --require-hashes -r deploy/constraints.txt
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --no-deps --no-build-isolation -e .
	@touch $@

browser:  ## Chromium, which the browser tests drive
	@deploy/chromium.sh

lock: $(SET_UP)  ## pin anew what pyproject.toml asks for; `uv` keeps what still fits, LOCK=--upgrade takes the newest
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    --no-header --group dev --extra training --override deploy/overrides.txt pyproject.toml $(LOCK) -o deploy/constraints.txt
	$(BIN)/python -m lemof_stream.broker.relock
