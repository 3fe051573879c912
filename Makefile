# `make` alone explains. Everything sets up by itself what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

COMPOSE := $(shell docker compose version > /dev/null 2>&1 && echo docker compose || echo docker-compose)
export VENV ?= .venv
export PYTHON
PYTHON_ENV := $(VENV)/bin/python

.PHONY: help
help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{printf "  make %-18s%s\n", $$1, $$2}'

# --- The stack in containers ---

.PHONY: up
# docker-compose 1.29 can't replace a container on a newer engine (25 and up), only make it anew: hence its `down`.
up: secrets  ## build and start everything in containers, wait until it is ready, say where it is
	@$(if $(filter docker-compose,$(COMPOSE)),$(COMPOSE) down --remove-orphans)
	$(COMPOSE) up -d --build --remove-orphans || { $(COMPOSE) logs --tail=30 migrate; exit 1; }
	@scripts/wait-until-healthy.sh $(COMPOSE)
	@scripts/say-where.sh "$$($(COMPOSE) port nginx 8080)"

.PHONY: down
down:  ## stop and remove the containers; the data stay
	$(COMPOSE) down --remove-orphans

.PHONY: ps
ps:  ## list the containers and their health
	$(COMPOSE) ps

.PHONY: logs
logs:  ## follow the logs (SERVICE=app0 for one)
	$(COMPOSE) logs -f --tail=100 $(SERVICE)

.PHONY: shell
shell:  ## a shell in a server's container (SERVICE=app0)
	$(COMPOSE) exec $(or $(SERVICE),app0) sh

.PHONY: psql
psql:  ## PostgreSQL's client, as the application
	$(COMPOSE) exec postgres psql -U demo demo

.PHONY: redis-cli
redis-cli:  ## Redis' client
	$(COMPOSE) exec redis sh -c 'REDISCLI_AUTH=$$(cat /run/secrets/redis_password) exec redis-cli'

.PHONY: mongosh
mongosh:  ## MongoDB's client, as the application
	$(COMPOSE) exec mongo sh -c 'exec mongosh --quiet "mongodb://demo:$$(cat /run/secrets/mongodb_password)@127.0.0.1/demo"'

.PHONY: secrets
secrets:  ## make the random secrets that are not there yet
	@scripts/make-secrets.sh

# --- Without containers ---

.PHONY: demo
demo:  ## the same application here, with nothing to install: four processes, SQLite in data/
	@scripts/setup.sh demo
	@mkdir -p data
	@PATH_DATA=$${PATH_DATA:-data} TORNADO_SERVER_PORT=$${HTTP_PORT:-8080} exec $(PYTHON_ENV) -m demo_app demo

.PHONY: test
test:  ## all tests, against real MongoDB, Redis, PostgreSQL and nginx (ARGS='-k name' for some)
	@scripts/setup.sh dev servers
	$(PYTHON_ENV) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

.PHONY: test-pythons
test-pythons:  ## the same on every Python from 3.11 to 3.14 that is here, on uvloop and on asyncio's loop
	@for python in $$(scripts/setup.sh pythons); do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		for loop in uvloop asyncio; do \
			echo "--- Python $$version, $$loop"; \
			FRAMEWORK_LOOP=$$loop $(MAKE) test PYTHON=$$python VENV=.venv-$$version ARGS='$(ARGS)'; done; done

.PHONY: autobahn
autobahn:  ## the Autobahn TestSuite against WebSocket's both sides (ARGS=--quick for less, ARGS='--cases 5.*' for some)
	@scripts/setup.sh dev autobahn
	$(PYTHON_ENV) -m tests.autobahn $(ARGS)

.PHONY: compiled
compiled:  ## the hot modules compiled by mypyc: a wheel in dist/compiled/ (docs/compiled.md)
	@scripts/setup.sh dev
	@scripts/compile.sh

.PHONY: test-compiled
COMPILED_TESTS := _http1 httputil web differential test_escape.py test_httpserver.py \
	test_route_index.py test_routing.py
test-compiled: compiled  ## the tests of those modules and of what they serve, on them
	@rm -rf build/compiled/tests
	@cp -r tests pyproject.toml setup.py build/compiled/
	@mkdir -p .cache && ln -sfn ../../.cache build/compiled/.cache
	cd build/compiled && $(abspath $(PYTHON_ENV)) -m pytest $(or $(ARGS),$(addprefix tests/,$(COMPILED_TESTS)))

.PHONY: test-containers
# A stack of its own beside the one of `make up`: its own data, images and port (any free one).
test-containers: export COMPOSE_PROJECT_NAME := framework-demo-tests
test-containers: export DEMO_IMAGE := framework-demo:tests
test-containers: export PROVIDER_IMAGE := framework-demo-provider:tests
test-containers: export HTTP_BIND := 127.0.0.1
test-containers: export LIMIT_LOGIN_PER_ADDRESS := 100000
test-containers: export LIMIT_REGISTER_PER_ADDRESS := 100000
test-containers: export TESTS_USER := $(shell id -u):$(shell id -g)
test-containers: secrets  ## the stack in containers, tested from inside and by taking parts of it away
	@scripts/setup.sh dev
	@scripts/test-containers.sh "$(PYTHON_ENV)" $(COMPOSE)

.PHONY: check
check:  ## lint, formatting and types
	@scripts/setup.sh dev
	$(PYTHON_ENV) -m ruff check .
	$(PYTHON_ENV) -m ruff format --check .
	$(PYTHON_ENV) -m mypy

.PHONY: format
format:  ## put the sources in shape
	@scripts/setup.sh dev
	$(PYTHON_ENV) -m ruff check --fix-only .
	$(PYTHON_ENV) -m ruff format .

.PHONY: bench
bench:  ## this framework and its peers side by side (WHAT='hello json' for some, ARGS=--help for more)
	@scripts/setup.sh dev bench
	$(PYTHON_ENV) -m benchmarks $(WHAT) $(ARGS)

.PHONY: bench-image
# The environments of the peers stay in a volume; the figures come to benchmarks/results/image.
bench-image:  ## the same inside python:3.13-slim, the interpreter of `make up` (WHAT and ARGS as there)
	docker build -q -t framework-bench:local -f benchmarks/Dockerfile .
	@mkdir -p benchmarks/results/image
	docker run --rm --init -v framework-bench:/project/.cache \
		-v "$(CURDIR)/benchmarks/results/image:/project/benchmarks/results" framework-bench:local $(WHAT) $(ARGS)

.PHONY: lock
lock:  ## resolve the requirements again (ARGS=--upgrade for newer ones)
	@scripts/setup.sh dev
	scripts/lock.sh $(ARGS)

.PHONY: clean
clean:  ## remove everything made here: containers AND THEIR DATA, secrets, .venv, caches
	@if [ "$(YES)" != 1 ]; then \
		read -r -p 'This deletes all data of the stack and of the demo. Go on? (yes/no) ' answer; [ "$$answer" = yes ]; fi
	-@$(COMPOSE) --profile test down --volumes --remove-orphans
	rm -rf secrets data .venv .venv-* .cache .benchmarks .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
