"""Programs that restart: each runs as a process of its own, and the test edits its files."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.programs import Program, write

SAY = """\
import os, sys
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""

SERVER = """\
import signal, socket
from say import say
from framework import autoreload
from framework.ioloop import IOLoop
"""

Run = Callable[..., Program]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    programs: list[Program] = []
    write(tmp_path, "say.py", SAY)

    def start(*command: str, **environment: str) -> Program:
        programs.append(Program(tmp_path, *command, **environment))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


# The command line


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 1, "Either -m or a path must be specified"),
        (["--until-success"], 1, "Either -m or a path must be specified"),
        (["-m"], 2, "-m needs the name of a module"),
        (["--fast", "x.py"], 2, "there is no option --fast"),
        (["--help"], 0, "Usage:"),
        (["-h", "x.py"], 0, "Usage:"),
    ],
)
def test_a_command_line_that_runs_nothing(run: Run, arguments: list[str], status: int, message: str) -> None:
    program = run("-m", "framework.autoreload", *arguments)
    assert program.end() == status
    assert any(message in line for line in program.seen), program.seen


def test_a_script_runs_as_by_itself(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "app/neighbour.py", "NAME = 'neighbour'\n")
    write(
        tmp_path,
        "app/script.py",
        "import sys, os, neighbour, say\n"
        "say.say('ran', __name__, sys.argv, os.path.basename(sys.path[0]), neighbour.NAME, __package__ or '-')\n",
    )
    program = run("-m", "framework.autoreload", "--until-success", "app/script.py", "-m", "a b", "--help")
    assert program.line("ran") == "__main__ ['app/script.py', '-m', 'a b', '--help'] app neighbour -"
    assert program.end() == 0


@pytest.mark.parametrize("option", [["-m", "pack.module"], ["-mpack.module"], ["-m", "pack"]])
def test_a_module_runs_as_by_itself(run: Run, tmp_path: Path, option: list[str]) -> None:
    text = (
        "import os, sys\nfrom say import say\nsay('ran', __name__, __package__, sys.argv[1:], sys.argv[0])\n"
    )
    for name in ("pack/module.py", "pack/__main__.py"):
        write(tmp_path, name, text)
    write(tmp_path, "pack/__init__.py", "")
    program = run("-m", "framework.autoreload", "--until-success", *option, "--until-success", "x")
    name = "module.py" if "module" in option[-1] else "__main__.py"
    assert program.line("ran") == f"__main__ pack ['--until-success', 'x'] {tmp_path}/pack/{name}"
    assert program.end() == 0


@pytest.mark.parametrize("ending", ["", "sys.exit()", "sys.exit(0)", "sys.exit(None)"])
def test_until_success_ends_with_success(run: Run, tmp_path: Path, ending: str) -> None:
    write(tmp_path, "script.py", f"import sys\n{ending}\n")
    assert run("-m", "framework.autoreload", "--until-success", "script.py").end() == 0


LOGGING = "import logging, sys\nlogging.basicConfig(level='INFO', format='%(message)s', stream=sys.stdout)\n"


def test_a_script_that_ended_runs_again_on_each_change(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "script.py", LOGGING + "import part\nprint('part', part.VALUE, sys.argv)\n")
    write(tmp_path, "part.py", "VALUE = 1\n")
    program = run("-m", "framework.autoreload", "script.py", "x")
    assert program.line("part") == "1 ['script.py', 'x']"
    program.line("Script exited normally")
    write(tmp_path, "part.py", "VALUE = 22\n")
    assert program.line(str(tmp_path / "part.py")) == "modified; restarting server"
    assert program.line("part") == "22 ['script.py', 'x']"
    program.line("Script exited normally")
    write(tmp_path, "script.py", LOGGING + "print('another')\n")
    program.line("another")


def test_a_module_that_ended_runs_again_on_each_change(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pack/__init__.py", "")
    write(tmp_path, "pack/__main__.py", LOGGING + "from pack import part\nprint('part', part.VALUE)\n")
    write(tmp_path, "pack/part.py", "VALUE = 1\n")
    program = run("-m", "framework.autoreload", "-m", "pack")
    assert program.line("part") == "1"
    program.line("Script exited normally")
    write(tmp_path, "pack/part.py", "VALUE = 22\n")
    assert program.line("part") == "22"
    program.line("Script exited normally")
    write(tmp_path, "pack/__main__.py", LOGGING + "print('main', __package__, sys.argv[1:])\n")
    assert program.line("main") == "pack []"


CRASHED = "Script exited with uncaught exception"


def test_syntax_errors_and_crashes_are_survived(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "script.py", "import part\nprint('part', part.VALUE)\n")
    write(tmp_path, "part.py", "VALUE = (\n")
    program = run("-m", "framework.autoreload", "--until-success", "script.py")
    program.line(CRASHED)
    # The report begins with the program's own lines.
    assert program.line("Traceback") == "(most recent call last):"
    assert program.line('  File "').endswith('script.py", line 1, in <module>')
    program.line("SyntaxError: ")
    write(tmp_path, "part.py", "VALUE = 1 / 0\n")
    program.line(CRASHED)
    program.line("ZeroDivisionError: ")
    write(tmp_path, "part.py", "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise SystemExit(3)\n")
    write(tmp_path, "part.py", "import other\nVALUE = other.VALUE\n")
    program.line(CRASHED)
    program.line("ModuleNotFoundError: ")
    # The missing module is written: nothing that exists was changed.
    write(tmp_path, "other.py", "VALUE = 'found'\n")
    assert program.line("part") == "found"
    assert program.end() == 0


def test_a_syntax_error_in_the_script_itself_is_survived(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "script.py", "def (\n")
    program = run("-m", "framework.autoreload", "--until-success", "script.py", "x")
    program.line("SyntaxError: ")
    write(tmp_path, "script.py", "import sys\nprint('ran', sys.argv)\n")
    assert program.line("ran") == "['script.py', 'x']"
    assert program.end() == 0


def test_a_script_that_does_not_exist_yet_runs_when_it_does(run: Run, tmp_path: Path) -> None:
    program = run("-m", "framework.autoreload", "--until-success", "script.py")
    program.line("FileNotFoundError: ")
    write(tmp_path, "script.py", "print('ran')\n")
    program.line("ran")


def test_a_package_that_cannot_be_imported_runs_when_it_can(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pack/__init__.py", "1 / 0\n")
    write(tmp_path, "pack/__main__.py", "print('ran')\n")
    program = run("-m", "framework.autoreload", "--until-success", "-m", "pack")
    program.line("ZeroDivisionError: ")
    write(tmp_path, "pack/__init__.py", "")
    program.line("ran")
    assert program.end() == 0


@pytest.mark.parametrize(
    ("ending", "told"),
    [("sys.exit(3)", "3"), ("sys.exit('no luck')", "1"), ("raise KeyboardInterrupt", "")],
)
def test_failure_is_told_and_waits_for_a_change(run: Run, tmp_path: Path, ending: str, told: str) -> None:
    write(tmp_path, "script.py", LOGGING + ending + "\n")
    program = run("-m", "framework.autoreload", "--until-success", "script.py")
    if not told:
        # Whoever presses Ctrl-C wants the end of it all.
        assert program.end() == -signal.SIGINT
        return
    assert program.line("Script exited with status") == told
    assert ("no luck" in program.seen) == ("no luck" in ending)
    write(tmp_path, "script.py", "print('fixed')\n")
    program.line("fixed")
    assert program.end() == 0


def test_errors_that_were_raised_in_handling_others_name_their_files(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path, "script.py", "try:\n    import part\nexcept ValueError as e:\n    raise TypeError from e\n"
    )
    write(tmp_path, "part.py", "raise ValueError\n")
    program = run("-m", "framework.autoreload", "--until-success", "script.py")
    program.line("TypeError")
    write(tmp_path, "part.py", "")
    assert program.end() == 0


# Programs that watch themselves


def test_a_server_restarts_with_its_command_line_and_without_its_sockets(run: Run, tmp_path: Path) -> None:
    """The interpreter's options, the module, arguments, directory and environment are as they were."""
    write(tmp_path, "pack/__init__.py", "")
    write(
        tmp_path,
        "pack/server.py",
        LOGGING
        + SERVER
        + """
import os, warnings
from framework.netutil import bind_sockets
from framework.tcpserver import TCPServer
say("version 1", __package__, sys.argv[1:], sys.stdout.write_through, sys.warnoptions, os.environ["OF_MINE"])
sockets = bind_sockets(int(os.environ.get("PORT", 0)), "127.0.0.1")
os.environ["PORT"] = str(sockets[0].getsockname()[1])
server = TCPServer()
server.add_sockets(sockets)
# Neither a timer nor another directory is the next program's.
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
os.chdir("/")
sys.argv.append("by the program")
async def main():
    autoreload.start(20)
    autoreload.start(20)
    say("descriptors", len(os.listdir("/proc/self/fd")), len(sockets))
IOLoop.current().spawn_callback(main)
IOLoop.current().start()
""",
    )
    program = run("-u", "-W", "error", "-m", "pack.server", "--port=0", "a b", OF_MINE="kept")
    expected = "pack ['--port=0', 'a b'] True ['error'] kept"
    assert program.line("version 1") == expected
    descriptors = program.line("descriptors")
    pid = program.process.pid
    source = (tmp_path / "pack/server.py").read_text()
    for number in (22, 333):
        source = re.sub(r"version \d+", f"version {number}", source)
        write(tmp_path, "pack/server.py", source)
        assert program.line(f"version {number}") == expected
        assert program.line("descriptors") == descriptors
    assert program.process.pid == pid
    assert program.process.poll() is None


def test_hooks_run_before_a_restart_even_if_one_fails_and_output_is_flushed(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "data.txt", "1")
    write(
        tmp_path,
        "script.py",
        LOGGING
        + SERVER
        + """
import os
def fail():
    raise ValueError("in the hook")
autoreload.add_reload_hook(lambda: say("hook 1"))
autoreload.add_reload_hook(fail)
autoreload.add_reload_hook(lambda: print("hook 3"))
autoreload.watch("data.txt")
autoreload.watch("not-yet.txt")
say("data", open("data.txt").read(), os.path.exists("not-yet.txt"))
loop = IOLoop.current()
loop.add_callback(autoreload.start, 20)
loop.add_callback(say, "watching")
loop.start()
""",
    )
    program = run("script.py")
    assert program.line("data") == "1 False"
    program.line("watching")
    write(tmp_path, "data.txt", "22")
    program.line("hook 1")
    program.line("Exception in reload hook <function fail")
    program.line("ValueError: in the hook")
    program.line("hook 3")
    assert program.line("data") == "22 False"
    program.line("watching")
    # A file that is away for a moment is no change; one that appears is.
    (tmp_path / "data.txt").rename(tmp_path / "aside")
    (tmp_path / "aside").rename(tmp_path / "data.txt")
    write(tmp_path, "not-yet.txt", "")
    assert program.line(str(tmp_path)) == f"{os.sep}not-yet.txt modified; restarting server"
    assert program.line("data") == "22 True"


def test_wait_at_the_end_of_a_script(run: Run, tmp_path: Path) -> None:
    text = "from framework import autoreload\nfrom say import say\nsay('run', {})\nautoreload.wait()\n"
    text = text.replace("say('run'", "autoreload.start(); say('run'")
    write(tmp_path, "script.py", text.format(1))
    program = run("script.py")
    assert program.line("run") == "1"
    write(tmp_path, "script.py", text.format(22))
    assert program.line("run") == "22"


def test_children_of_fork_processes_watch_nothing(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        "script.py",
        LOGGING
        + SERVER
        + "from framework.process import fork_processes\n"
        + "fork_processes(1)\n"
        + "autoreload.start()\n"
        + "say('tasks', len(autoreload._loops))\n",
    )
    program = run("script.py")
    program.line("autoreload does not work in several processes: child 0 watches nothing")
    assert program.line("tasks") == "0"
    assert program.end() == 0


def test_debug_mode_restarts_the_server_also_inside_of_the_wrapper(run: Run, tmp_path: Path) -> None:
    """The documents' combination: debug=True for changes, the command line for errors at startup."""
    text = """\
import asyncio, sys
from say import say
from framework.web import Application
async def main():
    Application(debug=True).listen(0, "127.0.0.1")
    say("serving", VALUE, sys.argv)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    write(tmp_path, "server.py", "VALUE = 1\n" + text)
    program = run("-m", "framework.autoreload", "server.py", "x")
    assert program.line("serving") == "1 ['server.py', 'x']"
    write(tmp_path, "server.py", "VALUE = (\n" + text)
    program.line(CRASHED)
    program.line("SyntaxError: ")
    write(tmp_path, "server.py", "VALUE = 3\n" + text)
    assert program.line("serving") == "3 ['server.py', 'x']"


@pytest.mark.parametrize(
    "start",
    [
        "application.listen(0, '127.0.0.1')\nIOLoop.current().add_callback(say, 'serving', VALUE)\n"
        "IOLoop.current().start()",
        "async def main():\n    application.listen(0, '127.0.0.1')\n    say('serving', VALUE)\n"
        "    await asyncio.Event().wait()\nasyncio.run(main())",
    ],
    ids=["IOLoop.start", "asyncio.run"],
)
def test_debug_mode_of_an_application_that_is_older_than_the_loop(
    run: Run, tmp_path: Path, start: str
) -> None:
    text = f"""\
import asyncio
from say import say
from framework.ioloop import IOLoop
from framework.web import Application
application = Application(debug=True)
{start}
"""
    write(tmp_path, "server.py", "VALUE = 1\n" + text)
    program = run("server.py")
    assert program.line("serving") == "1"
    write(tmp_path, "server.py", "VALUE = 22\n" + text)
    assert program.line("serving") == "22"
