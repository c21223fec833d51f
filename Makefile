# make run      sets everything up and serves on 127.0.0.1:$(PORT); ARGS go to `mockserver serve`
# make demo     a tour with the official SDK: speaks, and really listens
# make whisper  trains the embedded Whisper (hours; goes on where it was stopped); ARGS go to the training
# make test     sets everything up and runs lint, types and tests; with TRAINING=1 those of the training, too
# make test-sdk runs the official SDK's own tests of the endpoints against this server (needs the package index)
PYTHON ?= python3
PORT ?= 4010
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SDK := tests/sdk/node_modules

.PHONY: run demo test test-sdk check format bench build whisper clean

run: $(READY)
	$(BIN)/mockserver serve --port $(PORT) $(ARGS)

demo: $(READY)
	$(BIN)/python docs/examples/tour.py
	$(BIN)/python docs/examples/talk.py

test: check $(SDK) $(if $(TRAINING),$(VENV)/.training)
	$(BIN)/python -m pytest -n auto

test-sdk: $(READY)
	$(BIN)/python -m tools.sdk_suite $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

build: $(READY)
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

whisper: $(VENV)/.training
	$(BIN)/python -m tools.whisper_training $(ARGS)

clean:
	rm -rf $(VENV) $(SDK) dist build .mypy_cache .pytest_cache .ruff_cache

# The SDK for JavaScript, for the tests that drive it; they skip where there is no Node.js.
$(SDK):
	@if command -v npm >/dev/null; then \
	  npm install --prefix tests/sdk --no-save --no-package-lock --no-audit --no-fund --silent openai || true; \
	fi
	@mkdir -p $@

$(VENV)/.training: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group whisper-training
	touch $@

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@
