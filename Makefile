# make run      sets up the environment and serves on 127.0.0.1:$(PORT); ARGS go to `mockserver serve`
# make demo     a tour with the official SDK: speech, and real transcription; a spoken chat; a voice assistant
# make test     sets up the environment and runs lint, types and tests; with TRAINING=1 also the tests of the training
#               with AGAIN=1 the tests that failed beside others run once more, one after another
# make test-fast runs the tests that are not marked `slow`: under two minutes on two cores
# make whisper  trains the embedded Whisper (hours; continues where it was stopped); ARGS go to the training
# make lock     updates requirements/*.txt and package-lock.json of the tests to the newest versions that are allowed
# make test-lowest, make test-latest    run the tests with the lowest and the newest allowed versions of the dependencies
# make test-sdk runs the official SDK's own tests of these endpoints against the server; ARGS=latest: those of the newest
# make test-browser tests in Chromium what web pages can do to the server; needs Node
# make test-dashboard tests the pages of the dashboard in Chromium, which must be installed
# make test-clients runs clients of other projects against the server, in a separate environment; needs Node
# make test-realtime-clients runs clients of the Realtime API against the server, in an environment of their own
# make test-js  tests the npm package with the runners that it is for; needs Node
# make js-types writes the types of the control API for the npm package, from its OpenAPI document
# make test-release builds the distributions, checks them, the workflows and the Dockerfile, and installs them by uvx and pipx
# make test-deploy renders and checks the Helm chart, the compose file, the Grafana board and the GitHub Action
# make test-image builds the container images and runs them, without Docker; needs root, buildah, mmdebstrap and podman
# make dashboard-libraries copies the libraries of the dashboard's pages into the package, from npm; needs Node
# make environments installs what these targets need, each in an environment of its own
# make sbom    lists the locked dependencies of the distributions in build/sbom, in the format of CycloneDX
# make pictures redraws the pictures of the documentation
# make dashboard-pictures redraws the pictures of the dashboard, in Chromium
# make llms     writes llms.txt, the index of the guides for language models
# make fuzz    sends mutated requests to every endpoint for ten minutes; ARGS go to it: ARGS="--minutes 1 --seed 7"
PYTHON ?= python3
PORT ?= 4010
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
PIP := $(BIN)/python -m pip --disable-pip-version-check
SDK := tests/sdk/node_modules/.package-lock.json
JS := js/node_modules/.package-lock.json
BROWSER := tests/browser/node_modules/.package-lock.json
IMAGE_NPM := tests/image/npm/node_modules/.package-lock.json
CLIENTS := build/clients
REALTIME_CLIENTS := build/realtime-clients
DASHBOARD := build/dashboard
DASHBOARD_PIP := $(DASHBOARD)/bin/python -m pip --disable-pip-version-check
FUZZ := build/fuzz
FUZZ_PIP := $(FUZZ)/bin/python -m pip --disable-pip-version-check
RELEASE := build/release
RELEASE_PIP := $(RELEASE)/bin/python -m pip --disable-pip-version-check
REALTIME_CLIENTS_PIP := $(REALTIME_CLIENTS)/bin/python -m pip --disable-pip-version-check
CLIENTS_PIP := $(CLIENTS)/bin/python -m pip --disable-pip-version-check
UV := build/uv/bin/uv
# Neighbouring tests stay in one process, which has their servers and models; a process that has none left takes half of
# those of another.
IN_PARALLEL := -n auto --dist worksteal
ONCE_MORE = $(if $(AGAIN),|| $(1) -m pytest --last-failed --last-failed-no-failures none $(2))
LOCK := $(UV) pip compile --quiet --no-progress --upgrade --universal --python-version 3.11 --no-emit-index-url \
  --custom-compile-command "make lock"
LOCK_IMAGE := $(UV) pip compile --quiet --no-progress --upgrade --python-platform linux --python-version 3.13 \
  --no-emit-index-url --custom-compile-command "make lock" --generate-hashes

.PHONY: run demo environments test test-fast test-lowest test-latest test-sdk test-browser test-dashboard test-clients test-realtime-clients test-js js-types test-release test-image test-deploy sbom fuzz pictures dashboard-pictures llms dashboard-libraries check format bench build lock whisper clean

run: $(RUN)
	$(BIN)/mockserver serve --port $(PORT) $(ARGS)

demo: $(DEV)
	$(BIN)/python docs/examples/tour.py
	$(BIN)/python docs/examples/talk.py
	$(BIN)/python docs/examples/assistant.py

test: check $(SDK) $(if $(TRAINING),$(VENV)/.training)
	$(BIN)/python -m pytest $(IN_PARALLEL) $(call ONCE_MORE,$(BIN)/python)

test-fast: $(DEV)
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not slow"

test-lowest: $(UV) $(SDK)
	$(UV) venv --quiet --clear --seed --python $(PYTHON) build/lowest
	$(UV) pip install --quiet --python build/lowest --resolution lowest-direct --group dev --editable .
	build/lowest/bin/python -m pytest $(IN_PARALLEL)

test-latest: $(UV) $(SDK)
	$(UV) venv --quiet --clear --seed --python $(PYTHON) build/latest
	$(UV) pip install --quiet --python build/latest --group dev --editable .
	build/latest/bin/python -m pytest $(IN_PARALLEL)

test-sdk: $(DEV)
	$(BIN)/python -m tools.sdk_suite $(ARGS)

test-browser: $(DEV) $(BROWSER)
	$(BIN)/python -m pytest tests/browser

# tests/conftest.py needs packages that only the other tests have.
test-dashboard: $(DASHBOARD)/.python
	$(DASHBOARD)/bin/python -m pytest -n 3 --dist worksteal --confcutdir tests/dashboard tests/dashboard \
	  $(call ONCE_MORE,$(DASHBOARD)/bin/python,--confcutdir tests/dashboard tests/dashboard)

# Warnings of the clients are ignored; tests/conftest.py needs packages that only the other tests have.
test-clients: $(CLIENTS)/.python $(CLIENTS)/.npm
	$(CLIENTS)/bin/python -m pytest -W ignore --confcutdir tests/clients tests/clients

test-realtime-clients: $(REALTIME_CLIENTS)/.python $(REALTIME_CLIENTS)/.npm
	$(REALTIME_CLIENTS)/bin/python -m pytest -W ignore --confcutdir tests/realtime_clients tests/realtime_clients

# tests/conftest.py needs packages that only the other tests have.
test-release: $(RELEASE)/.python
	$(RELEASE)/bin/python -m pytest --confcutdir tests/release tests/release

test-deploy: $(RUN) $(RELEASE)/.python
	$(RELEASE)/bin/python -m pytest --confcutdir tests/deploy tests/deploy

sbom: $(RELEASE)/.python
	$(RELEASE)/bin/python -m tools.sbom build/sbom

environments: $(CLIENTS)/.npm $(REALTIME_CLIENTS)/.npm $(DASHBOARD)/.python $(RELEASE)/.python $(JS) $(BROWSER)

test-image: $(DEV) $(IMAGE_NPM)
	$(BIN)/python -m pytest --confcutdir tests/image tests/image

test-js: $(DEV) $(JS)
	npm test --prefix js

js-types: $(DEV) $(JS)
	$(BIN)/python -m tools.control_document build/openapi.json
	node js/tools/types.mjs build/openapi.json

fuzz: $(FUZZ)/.python
	$(FUZZ)/bin/python -m tools.fuzz $(ARGS)

pictures: $(DEV)
	$(BIN)/python -m tools.pictures

dashboard-pictures: $(DASHBOARD)/.python
	$(DASHBOARD)/bin/python -W ignore -m tools.dashboard_pictures

llms: $(DEV)
	$(BIN)/python -m tools.llms

dashboard-libraries: $(DEV)
	npm ci --prefix tools/dashboard_libraries --no-audit --no-fund --silent
	$(BIN)/python -m tools.dashboard_libraries

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/mockserver drift

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV)
	$(BIN)/python -m benchmarks

build: $(DEV)
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist . ./light

whisper: $(VENV)/.training
	$(BIN)/python -m tools.whisper_training $(ARGS)

lock: $(UV)
	$(LOCK) --generate-hashes --group dev pyproject.toml -o requirements/dev.txt
	$(LOCK) --generate-hashes --group build pyproject.toml -o requirements/run.txt
	$(LOCK) --generate-hashes --group clients pyproject.toml -o requirements/clients.txt
	$(LOCK) --generate-hashes --group realtime-clients pyproject.toml -o requirements/realtime-clients.txt
	$(LOCK) --generate-hashes --group dashboard pyproject.toml -o requirements/dashboard.txt
	$(LOCK) --generate-hashes --group fuzz pyproject.toml -o requirements/fuzz.txt
	$(LOCK) --generate-hashes --group build -o requirements/build.txt
	$(LOCK) --generate-hashes --group release -o requirements/release.txt
	$(LOCK_IMAGE) --extra webrtc --extra redis --extra otel --extra mcp pyproject.toml -o requirements/image.txt
	$(LOCK_IMAGE) --extra redis --extra otel light/pyproject.toml -o requirements/image-slim.txt
	$(LOCK) --group whisper-training pyproject.toml -o requirements/training.txt
	npm install --prefix tests/sdk --package-lock-only --ignore-scripts
	npm install --prefix tests/browser --package-lock-only --ignore-scripts
	npm install --prefix tests/clients/npm --package-lock-only --ignore-scripts
	npm install --prefix tests/realtime_clients/npm --package-lock-only --ignore-scripts
	npm install --prefix tests/image/npm --package-lock-only --ignore-scripts
	npm install --prefix js --package-lock-only --ignore-scripts
	npm install --prefix tools/dashboard_libraries --package-lock-only --ignore-scripts

clean:
	rm -rf $(VENV) tests/sdk/node_modules tests/browser/node_modules tests/clients/npm/node_modules tests/realtime_clients/npm/node_modules tests/image/npm/node_modules js/node_modules js/dist dist build .mypy_cache .pytest_cache .ruff_cache

# The SDK for JavaScript, for the tests that drive it; they skip where there is no Node.js.
$(SDK): tests/sdk/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/sdk --no-audit --no-fund --silent || true; fi
	@mkdir -p $(@D)
	@touch $@

$(JS): js/package-lock.json
	npm ci --prefix js --no-audit --no-fund --silent --ignore-scripts
	touch $@

$(IMAGE_NPM): tests/image/npm/package-lock.json
	npm ci --prefix tests/image/npm --no-audit --no-fund --silent --ignore-scripts
	touch $@

$(BROWSER): tests/browser/package-lock.json
	npm ci --prefix tests/browser --no-audit --no-fund --silent
	touch $@

# What is installed is what the lock says, to the byte: pip takes nothing whose hash is not in it.
$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --require-hashes --no-deps --requirement requirements/run.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(DEV): requirements/dev.txt $(RUN)
	$(PIP) install --quiet --require-hashes --no-deps --requirement requirements/dev.txt
	touch $@

$(CLIENTS)/.python: requirements/clients.txt pyproject.toml | $(CLIENTS)/bin/python
	$(CLIENTS_PIP) install --quiet --require-hashes --no-deps --requirement requirements/clients.txt
	$(CLIENTS_PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(REALTIME_CLIENTS)/.python: requirements/realtime-clients.txt pyproject.toml | $(REALTIME_CLIENTS)/bin/python
	$(REALTIME_CLIENTS_PIP) install --quiet --require-hashes --no-deps --requirement requirements/realtime-clients.txt
	$(REALTIME_CLIENTS_PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(DASHBOARD)/.python: requirements/dashboard.txt pyproject.toml | $(DASHBOARD)/bin/python
	$(DASHBOARD_PIP) install --quiet --require-hashes --no-deps --requirement requirements/dashboard.txt
	$(DASHBOARD_PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(FUZZ)/.python: requirements/fuzz.txt pyproject.toml | $(FUZZ)/bin/python
	$(FUZZ_PIP) install --quiet --require-hashes --no-deps --requirement requirements/fuzz.txt
	$(FUZZ_PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(RELEASE)/.python: requirements/release.txt | $(RELEASE)/bin/python
	$(RELEASE_PIP) install --quiet --require-hashes --no-deps --requirement requirements/release.txt
	touch $@

$(CLIENTS)/.npm: tests/clients/npm/package-lock.json $(CLIENTS)/.python
	npm ci --prefix tests/clients/npm --no-audit --no-fund --silent
	touch $@

$(REALTIME_CLIENTS)/.npm: tests/realtime_clients/npm/package-lock.json $(REALTIME_CLIENTS)/.python
	npm ci --prefix tests/realtime_clients/npm --no-audit --no-fund --silent
	touch $@

# Without hashes: torch comes in builds for different processors, each with hashes of its own, and some machines
# have the small one for CPUs in a folder. The versions are those of the lock all the same.
$(VENV)/.training: requirements/training.txt $(DEV)
	$(PIP) install --quiet --constraint requirements/training.txt matplotlib torch
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(CLIENTS)/bin/python:
	$(PYTHON) -m venv $(CLIENTS)

$(REALTIME_CLIENTS)/bin/python:
	$(PYTHON) -m venv $(REALTIME_CLIENTS)

$(DASHBOARD)/bin/python:
	$(PYTHON) -m venv $(DASHBOARD)

$(FUZZ)/bin/python:
	$(PYTHON) -m venv $(FUZZ)

$(RELEASE)/bin/python:
	$(PYTHON) -m venv $(RELEASE)

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
