#!/bin/sh
# lock.sh [WORD...]: resolve pyproject.toml into requirements/*.txt, with hashes, for every supported Python and
# platform at once. Versions already locked stay unless WORDs say otherwise: --upgrade, or --upgrade-package NAME.
set -eu
cd "$(dirname "$0")/.."

tools=.cache/lock
[ -x $tools/bin/uv ] || {
    "${PYTHON:-.venv/bin/python}" -m venv $tools
    $tools/bin/python -m pip install -q --disable-pip-version-check 'uv>=0.9'
}
lock() {
    $tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' "$@"
}
lock requirements/build.in -o requirements/build.txt "$@"
lock pyproject.toml --extra dev -o requirements/dev.txt "$@"
# The smaller sets have the versions of the larger one.
lock pyproject.toml --extra demo -c requirements/dev.txt -o requirements/demo.txt "$@"
lock pyproject.toml --extra testservers -c requirements/dev.txt -o requirements/testservers.txt "$@"
# In a container of its own, without the project.
lock pyproject.toml --extra provider -c requirements/dev.txt --no-emit-package httptools --no-emit-package uvloop \
    -o requirements/provider.txt "$@"
# For Python 2.7, of which uv knows nothing; nothing to resolve there.
$tools/bin/uv pip compile -q --no-deps --python-version 3.6 --generate-hashes --no-annotate \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
    requirements/autobahn.in -o requirements/autobahn.txt
