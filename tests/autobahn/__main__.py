"""Run the suite against the server and the client at the same time, and say how each did; 1 if a case failed."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.autobahn.report import QUICK, Report, expected_count
from tests.autobahn.suite import HOME, EchoServer, FuzzingServer, fuzz_server, play_client

# Twice what all cases take on a slow machine: a run that hangs has to end.
_LIMIT_SECONDS = 3600.0


def main(arguments: Sequence[str]) -> int:
    """Play the cases and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"the cases {' '.join(QUICK)} instead of all")
    parser.add_argument("--cases", nargs="+", metavar="CASES", help="these, like 5.* or 12.1.3")
    parser.add_argument("--side", choices=("server", "client"), help="this side alone")
    options = parser.parse_args(arguments)
    if not os.access(os.path.join(HOME, "wstest"), os.X_OK):
        parser.error("the suite is not installed: run `make autobahn`, which does that")
    cases = options.cases or (QUICK if options.quick else ["*"])
    sides = [options.side] if options.side else ["server", "client"]
    started = time.monotonic()
    _play(sides, cases)
    passed = failed = 0
    for side in sides:
        report = Report.read(side, _folder(side), expected_count(cases))
        print(*report.lines(), "", sep="\n")
        failed += len(report.failed) + report.missing
        passed += len(report.results) - len(report.failed)
    print(f"Autobahn TestSuite, {time.monotonic() - started:.0f} s; its reports are in {HOME}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _folder(side: str) -> str:
    return os.path.join(HOME, side)


def _play(sides: Sequence[str], cases: Sequence[str]) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    with contextlib.ExitStack() as servers:
        running = {}
        for side in sides:
            folder = _folder(side)
            shutil.rmtree(folder, ignore_errors=True)
            if side == "server":
                echo_server = servers.enter_context(EchoServer())
                running[side] = fuzz_server(echo_server.port, cases, folder)
            else:
                fuzzing_server = servers.enter_context(FuzzingServer(cases, folder))
                running[side] = play_client(fuzzing_server.port, folder)
            servers.callback(running[side].kill)
        for side, process in running.items():
            try:
                status = process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            if status:
                print(f"{side}: what played the cases ended with {status}:")
                print(_tail(f"{_folder(side)}.log"))


def _tail(path: str, lines: int = 20) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return "\n".join(file.read().splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
