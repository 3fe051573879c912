from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import unittest
from typing import Any

import pytest

from framework.options import OptionParser
from framework.testing import program

MAIN = """
import sys, unittest
import framework.testing
from framework.options import define, options

define("mine", default="unset")

class First(unittest.TestCase):
    def test_first(self):
        import logging
        print("first", options.mine, logging.getLogger().level)

class Second(unittest.TestCase):
    def test_second(self):
        print("second")
        import os
        if os.environ.get("INTERRUPT"):
            import signal
            signal.raise_signal(signal.SIGINT)
    @unittest.expectedFailure
    def test_third(self):
        self.fail()
%s
if __name__ == "__main__":
    framework.testing.main(%s)
"""
ALL = "def all():\n    return unittest.defaultTestLoader.loadTestsFromTestCase(First)\n"


def run_main(
    directory: Any, *arguments: str, all: str = "", kwargs: str = "", interrupt: str = ""
) -> tuple[int, str]:
    (directory / "program.py").write_text(MAIN % (all, kwargs))
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "INTERRUPT": interrupt},
    )
    return done.returncode, done.stdout + done.stderr


def test_main_runs_all_tests_with_options(tmp_path: Any) -> None:
    status, output = run_main(tmp_path, "--mine=set", "--logging=error")
    assert status == 0
    assert f"first set {logging.ERROR}" in output
    assert "Ran 3 tests" in output


def test_main_runs_the_suite_all(tmp_path: Any) -> None:
    status, output = run_main(tmp_path, all=ALL)
    assert (status, "Ran 1 test " in output, "second" in output) == (0, True, False)


def test_main_runs_named_tests(tmp_path: Any) -> None:
    status, output = run_main(tmp_path, "--verbose", "__main__.Second", all=ALL)
    assert (status, "Ran 2 tests" in output) == (0, True)
    assert "test_third (__main__.Second.test_third) ... expected failure" in output
    status, output = run_main(tmp_path, "--quiet", "--buffer", "--failfast", "--catch", "__main__.First")
    assert (status, "first" in output, "Ran 1 test " in output, "..." in output) == (0, False, True, False)
    status, output = run_main(tmp_path, "nothing_like_it")
    assert status == 1


def test_main_passes_arguments_to_unittest(tmp_path: Any) -> None:
    assert "test_second (__main__.Second.test_second) ... " in run_main(tmp_path, kwargs="verbosity=2")[1]


def test_main_knows_its_options(tmp_path: Any) -> None:
    status, output = run_main(tmp_path, "--nothing")
    assert (status, "Unrecognized command line option: 'nothing'" in output) == (1, True)
    status, output = run_main(tmp_path, "--help")
    assert (status, "--exception-on-interrupt" in output) == (0, True)


def test_main_can_leave_ctrl_c_to_the_system(tmp_path: Any) -> None:
    assert "KeyboardInterrupt" in run_main(tmp_path, interrupt="1")[1]
    status, output = run_main(tmp_path, "--exception_on_interrupt=false", interrupt="1")
    assert (status, "KeyboardInterrupt" in output) == (-2, False)


def test_main_as_a_program(tmp_path: Any) -> None:
    (tmp_path / "some_tests.py").write_text(MAIN % (ALL, ""))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "framework.testing", "some_tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Ran 3 tests" in done.stderr) == (0, True), done.stderr


class Called:
    """What `main` in this process passes on: the same as the programs above, where coverage sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.arguments: dict[str, Any] = {}
        self.signals: list[object] = []
        monkeypatch.setattr(unittest, "main", self._keep)
        monkeypatch.setattr(signal, "signal", lambda *what: self.signals.append(what))

    def _keep(self, **arguments: Any) -> None:
        self.arguments = arguments

    def __call__(self, *words: str, **arguments: Any) -> dict[str, Any]:
        options = OptionParser()
        for name in ("define", "parse_command_line"):
            self.monkeypatch.setattr(program, name, getattr(options, name))
        self.monkeypatch.setattr(program, "options", options)
        self.monkeypatch.setattr(sys, "argv", ["program", *words])
        # A second call must not define the options again.
        for _ in range(2):
            program.main(**arguments)
        return self.arguments


def test_options_become_arguments_of_unittest(monkeypatch: pytest.MonkeyPatch) -> None:
    called = Called(monkeypatch)
    monkeypatch.setattr(sys.modules["__main__"], "all", None, raising=False)
    assert called() == {"argv": ["program"], "defaultTest": "all"}
    monkeypatch.delattr(sys.modules["__main__"], "all")
    assert called() == {"argv": ["program"]}
    assert called("--quiet", verbosity=3) == {"argv": ["program"], "verbosity": 0}
    assert called("--verbose", "--failfast", "--catch", "--buffer", "name") == {
        "argv": ["program", "name"],
        "module": None,
        "verbosity": 2,
        "failfast": True,
        "catchbreak": True,
        "buffer": True,
    }
    assert called.signals == []
    called("--exception-on-interrupt=false")
    assert called.signals[0] == (signal.SIGINT, signal.SIG_DFL)
