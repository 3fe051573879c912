"""This project with its hot modules compiled by mypyc, as `make compiled` leaves it."""

from __future__ import annotations

import os
import sys

from benchmarks.environment import ROOT

NAME = "framework, compiled"
REQUIREMENTS = ["httptools", "uvloop", "redis", "hiredis"]
WORKLOADS = [
    "hello",
    "hello_async",
    "json",
    "form",
    "form_json",
    "cookie",
    "session",
    "upload",
    "upload_stream",
    "routes",
    "routes_10",
    "connections",
    "tls",
    "pipelined",
    "static_1k",
    "static_1m",
    "template",
]
NATIVE = True
REMARK = "the optional build with mypyc, docs/compiled.md"

COMPILED = os.path.join(ROOT, "build", "compiled")


if __name__ == "__main__":
    if not os.path.exists(os.path.join(COMPILED, ".done")):
        sys.exit("there is no compiled build: run `make compiled`")
    # Before the sources, which are found first otherwise.
    sys.path.insert(0, COMPILED)

    from benchmarks.peers.framework import main
    from framework.web import output

    if not str(output.__file__).endswith(".so"):
        sys.exit("the compiled build is not one for this interpreter: run `make compiled`")
    main()
