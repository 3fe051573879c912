#!/usr/bin/env bash
# compile.sh: the framework with its hot modules compiled, as a wheel in dist/, and unpacked in build/compiled for the
# tests and the benchmarks. Does nothing where that is newer than the sources.
#
# What is compiled says setup.py; docs/compiled.md what for. It needs a C compiler and Python's header files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${VENV:-.venv}/bin/python
done=build/compiled/.done

fail() { echo "compile: $*" >&2; exit 1; }

version=$("$python" -VV)
if [ -e "$done" ] && [ "$(cat "$done")" = "$version" ] &&
    [ -z "$(find framework demo_app setup.py pyproject.toml -newer "$done" \( -name '*.py' -o -name '*.toml' \) -print -quit)" ]; then
    exit 0
fi
command -v "${CC:-cc}" > /dev/null || fail "there is no C compiler (Debian: apt install gcc)"
rm -rf build/compiled dist/compiled
mkdir -p build/compiled dist/compiled
echo "compile: half a minute" >&2
# In a copy: the wheel is to hold what is there now, and nothing of it is to stay beside the sources.
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
cp -r framework demo_app setup.py pyproject.toml README.md LICENSE "$sources"
FRAMEWORK_COMPILE=1 "$python" -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir dist/compiled "$sources"
"$python" -m pip install -q --disable-pip-version-check --no-deps --target build/compiled dist/compiled/*.whl
echo "$version" > "$done"
ls dist/compiled/*.whl
