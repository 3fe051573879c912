#!/bin/sh
# test-containers.sh PYTHON COMPOSE...: start a stack, run the integration tests inside it and those that need a hand
# on its containers from here, and remove it again. `make test-containers` sets the environment.
set -eu
cd "$(dirname "$0")/.."
python=$1
shift

clean_up() {
    status=$?
    if [ "$status" != 0 ]; then
        "$@" ps -a
        "$@" logs --no-color > .cache/reports/containers.log 2>&1
        "$@" logs --tail=5
        echo "All logs are in .cache/reports/containers.log." >&2
    fi
    "$@" --profile test down --volumes --remove-orphans > .cache/reports/down.log 2>&1 || cat .cache/reports/down.log
    exit "$status"
}

# The provider's address has the port in it, so that it has to be known beforehand.
HTTP_PORT=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export HTTP_PORT
# Made here: where Docker makes it, it belongs to root.
mkdir -p .cache/reports
trap 'clean_up "$@"' EXIT
trap 'exit 130' INT TERM
"$@" --profile test build
"$@" up -d
scripts/wait-until-healthy.sh "$@"
"$@" --profile test run --rm --no-deps -T tests
STACK_COMPOSE="$*" "$python" -m pytest tests/containers
