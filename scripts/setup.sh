#!/usr/bin/env bash
# setup.sh [demo|dev|servers|bench|autobahn]...: what `make` needs before it runs the project without containers.
#
#   demo      .venv with the demo application          (requirements/demo.txt)
#   dev       .venv with the tools and tests as well   (requirements/dev.txt)
#   servers   the real servers the tests start: MongoDB in .venv; Redis, PostgreSQL, nginx, tinyproxy and
#             Chromium from the system
#   bench     what the benchmarks load servers with, and what stands beside them: wrk, nginx, Redis, openssl
#   autobahn  the Autobahn TestSuite in .cache/autobahn, which needs a Python 2.7 (PYTHON27=/path/to/python2.7 names it)
#
#   pythons   only say which interpreters there are
#
# Does only what is missing. PYTHON=/path/to/python names the interpreter for a new .venv; otherwise it is the newest
# one from 3.11 to 3.14 that really runs here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VENV:-.venv}
apt_is_fresh=

say() { echo "setup: $*" >&2; }
fail() { say "$@"; exit 1; }

# install_packages PACKAGE...: on Debian and its kin, as root; starts no service.
install_packages() {
    [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 1
    say "installing $*"
    local policy=/usr/sbin/policy-rc.d ours='' log status=0
    log=$(mktemp)
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        ours=1
    fi
    if [ -z "$apt_is_fresh" ]; then
        apt-get -q update > "$log" 2>&1 || :
        apt_is_fresh=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >> "$log" 2>&1 < /dev/null ||
        status=$?
    [ -z "$ours" ] || rm -f "$policy"
    [ "$status" = 0 ] || tail -n 20 "$log" >&2
    rm -f "$log"
    return "$status"
}

# usable PYTHON: it runs (a shim may not), is 3.11 to 3.14 and can make an environment.
usable() {
    "$1" -c '
import sys, ensurepip, sqlite3, ssl, venv
sys.exit(sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info[:2] <= (3, 14))
' > /dev/null 2>&1
}

# pythons: a usable interpreter of each version, the newest first.
pythons() {
    local minor candidate found=
    for minor in 14 13 12 11; do
        for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor"*/bin/python3; do
            if usable "$candidate"; then
                echo "$candidate"
                found=1
                break
            fi
        done
    done
    [ -z "$found" ] || return 0
    for candidate in python3 python; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

find_python() {
    local found
    if [ -n "${PYTHON:-}" ]; then
        usable "$PYTHON" || fail "PYTHON=$PYTHON is no CPython from 3.11 to 3.14 with venv, ensurepip, ssl and sqlite3"
        echo "$PYTHON"
        return
    fi
    found=$(pythons)
    [ -n "$found" ] && echo "${found%%$'\n'*}"
}

make_venv() {
    if [ -x "$venv/bin/python" ] && usable "$venv/bin/python"; then
        return
    fi
    local python
    if ! python=$(find_python); then
        [ -z "${PYTHON:-}" ] || exit 1
        install_packages python3 python3-venv || :
        python=$(find_python) ||
            fail "no CPython from 3.11 to 3.14 with venv was found: install one (Debian: apt install python3-venv)," \
                "or name it with PYTHON=/path/to/python"
    fi
    say "making $venv with $("$python" --version) ($python)"
    "$python" -m venv --clear "$venv"
}

# install_locked LOCK...: these versions with these hashes, and the project itself as it lies here.
install_locked() {
    local stamp=$venv/installed number locks=() lock installed=
    number=$(cat pyproject.toml requirements/*.txt | cksum)-$(pwd -P)
    [ ! -f "$stamp" ] || installed=$(cat "$stamp")
    for lock in build "$@"; do
        case $installed in
            "$number "*" $lock "*) ;;
            "$number "*" dev "*) [ "$lock" = demo ] || locks+=(-r "requirements/$lock.txt") ;;
            *) locks+=(-r "requirements/$lock.txt") ;;
        esac
    done
    [ ${#locks[@]} -gt 0 ] || return 0
    say "installing the requirements: build $*"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes "${locks[@]}"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
    # What was there under the same locks stays there.
    case $installed in "$number "*) ;; *) installed="$number " ;; esac
    echo "$installed build $* " > "$stamp"
}

has_program() {
    local name
    for name; do
        PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$name" > /dev/null && return
    done
    return 1
}
has_postgres() {
    has_program postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null
}
# The mongod of the wheel runs, or one of the system's.
has_mongod() {
    local found
    found=$(compgen -G "$venv/lib/python3*/site-packages/fiftyone/db/bin/mongod" | head -n 1) || :
    { [ -n "$found" ] && "$found" --version > /dev/null 2>&1; } || has_program mongod
}

install_servers() {
    local packages=()
    has_program nginx || packages+=(nginx)
    has_program redis-server || packages+=(redis-server)
    has_postgres || packages+=(postgresql)
    # A forward proxy, and what makes the tests' certificates.
    has_program tinyproxy || packages+=(tinyproxy-bin)
    has_program openssl || packages+=(openssl)
    # The browser.
    has_program chromium chromium-browser google-chrome || packages+=(chromium)
    # What the wheel's mongod is linked with.
    has_mongod || packages+=(libcurl4 libssl3 liblzma5)
    [ ${#packages[@]} -gt 0 ] || return 0
    install_packages "${packages[@]}" ||
        fail "the tests run against real servers, and these are missing:" \
            "${packages[*]} (Debian's package names: sudo apt-get install ${packages[*]})"
    has_mongod || fail "no mongod that runs: install MongoDB 6 or newer"
}

install_load() {
    local packages=()
    has_program wrk || packages+=(wrk)
    has_program nginx || packages+=(nginx)
    has_program redis-server || packages+=(redis-server)
    has_program openssl || packages+=(openssl)
    [ ${#packages[@]} -gt 0 ] || return 0
    install_packages "${packages[@]}" ||
        fail "the benchmarks need these, which are missing:" \
            "${packages[*]} (Debian's package names: sudo apt-get install ${packages[*]})"
}

# usable27 PYTHON: it runs (a shim may not), is 2.7 and has pip.
usable27() {
    "$1" -c 'import sys, ctypes, ssl, zlib, pip; sys.exit(sys.version_info[:2] != (2, 7))' > /dev/null 2>&1
}

find_python27() {
    local candidate
    for candidate in ${PYTHON27:-python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7}; do
        if usable27 "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# install_autobahn: the locked packages in a folder of their own, and `wstest`, which starts the suite from there.
install_autobahn() {
    local home=.cache/autobahn lock=requirements/autobahn.txt python number log
    python=$(find_python27) ||
        fail "the Autobahn TestSuite needs a CPython 2.7 with ssl, zlib and pip, and none was found${PYTHON27:+ at $PYTHON27}:" \
            "install one (pyenv: pyenv install 2.7.18), or name it with PYTHON27=/path/to/python2.7"
    number=$(cksum < $lock)-$python-$(pwd -P)
    if [ -x $home/wstest ] && [ "$(cat $home/installed 2> /dev/null)" = "$number" ]; then
        return
    fi
    say "installing the Autobahn TestSuite for $("$python" --version 2>&1) ($python)"
    rm -rf $home/packages $home/installed
    mkdir -p $home
    log=$home/install.log
    # One of its packages is compiled here: that needs a C compiler and this Python's headers.
    "$python" -m pip install -q --disable-pip-version-check --no-warn-script-location --no-deps --require-hashes \
        --target $home/packages -r $lock > $log 2>&1 || { tail -n 20 $log >&2; fail "that failed; all of it is in $log"; }
    cat > $home/wstest << END
#!$python
import site
site.addsitedir("$(pwd -P)/$home/packages")
from autobahntestsuite.wstest import run
run()
END
    chmod +x $home/wstest
    echo "$number" > $home/installed
}

if [ "$*" = pythons ]; then
    pythons
    exit
fi
locks=()
servers=
load=
autobahn=
for asked; do
    case $asked in
        demo | dev) locks+=("$asked") ;;
        servers) locks+=(testservers); servers=1 ;;
        bench) load=1 ;;
        autobahn) autobahn=1 ;;
        *) fail "$asked: there are demo, dev, servers, bench and autobahn" ;;
    esac
done
[ ${#locks[@]} -gt 0 ] || fail "say what for: demo, dev or servers"
make_venv
install_locked "${locks[@]}"
[ -z "$servers" ] || install_servers
[ -z "$load" ] || install_load
[ -z "$autobahn" ] || install_autobahn
