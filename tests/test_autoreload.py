"""The module in the test's own process, where a restart raises `Replaced`; see test_autoreload_programs."""

from __future__ import annotations

import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework import autoreload
from framework.ioloop import IOLoop
from tests.programs import write

CRASHED = "Script exited with uncaught exception"


class Replaced(SystemExit):
    """Raised where the process would become another one."""


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[list[str], str]]]:
    """The module as after its import, in the test's directory; the commands and directories of restarts."""
    commands: list[tuple[list[str], str]] = []

    def replace(path: str, command: list[str]) -> None:
        assert path == command[0]
        commands.append((command, os.getcwd()))
        raise Replaced

    for name, value in (("_watched", {}), ("_states", {}), ("_hooks", []), ("_started_in", str(tmp_path))):
        monkeypatch.setattr(autoreload, name, value)
    monkeypatch.setattr(os, "execv", replace)
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-u", "-m", "program", "argument"])
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "argv", sys.argv)
    modules = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    yield commands
    for name in set(sys.modules) - modules:
        if sys.modules[name].__dict__.get("__file__", "").startswith(str(tmp_path)):
            del sys.modules[name]


def run_main(*arguments: str, edit: Callable[[], object] | None = None) -> None:
    """`main` in this process; `edit` is called when it waits for a change, and the change restarts it."""
    sys.argv = ["autoreload", *arguments]
    if edit is None:
        autoreload.main()
        return
    old_start = autoreload.start

    def start(check_time: int = 1) -> None:
        old_start(1)
        edit()

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Replaced):
        patch.setattr(autoreload, "start", start)
        try:
            autoreload.main()
        finally:
            IOLoop.current().close()


Commands = list[tuple[list[str], str]]


def test_a_restart_has_the_same_command_line_and_directory(replaced: Commands, tmp_path: Path) -> None:
    script = write(tmp_path, "script.py", "import os\nos.chdir('/')\n")
    run_main("script.py", "x", edit=lambda: write(tmp_path, "script.py", "import os\n"))
    assert replaced == [([sys.executable, "-u", "-m", "program", "argument"], str(tmp_path))]
    assert sys.argv == ["script.py", "x"]
    assert str(script) in autoreload._watched


def test_a_restart_from_a_directory_that_is_gone(
    replaced: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.delattr(signal, "setitimer")
    for directory in (None, str(tmp_path / "gone")):
        monkeypatch.setattr(autoreload, "_started_in", directory)
        with pytest.raises(Replaced):
            autoreload._reload()
    assert replaced == [(["python", "-u", "-m", "program", "argument"], str(tmp_path))] * 2


def test_where_there_is_no_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert autoreload._working_directory() == os.getcwd()
    monkeypatch.setattr(os, "getcwd", lambda: os.stat("/nowhere"))
    assert autoreload._working_directory() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_like_it", CRASHED),
        ("def (", CRASHED),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise e from e", CRASHED),
        ("raise SystemExit('no luck')", "Script exited with status 1"),
        ("raise SystemExit(3)", "Script exited with status 3"),
        ("", "Script exited normally"),
        ("raise SystemExit", "Script exited with status 0"),
    ],
)
@pytest.mark.parametrize("as_module", [False, True])
def test_main_tells_how_the_program_ended(
    replaced: Commands,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    text: str,
    message: str,
    as_module: bool,
) -> None:
    caplog.set_level("INFO", "framework.general")
    path = write(tmp_path, "a_program.py", text)
    words = ["-m", "a_program"] if as_module else ["a_program.py"]
    sys.path.insert(0, str(tmp_path))
    run_main(*words, edit=lambda: write(tmp_path, path.name, text + "\n"))
    assert caplog.messages[0] == message
    assert caplog.messages[1].endswith("modified; restarting server")
    assert len(caplog.messages) == 2
    assert len(replaced) == 1


def test_main_until_success(
    replaced: Commands, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO", "framework.general")
    write(tmp_path, "script.py", "")
    write(tmp_path, "pack/__init__.py", "")
    write(tmp_path, "pack/__main__.py", "raise SystemExit")
    run_main("--until-success", "script.py")
    sys.path.insert(0, str(tmp_path))
    run_main("--until-success", "-mpack")
    assert caplog.messages == ["Script exited normally", "Script exited with status 0"]
    assert str(tmp_path / "pack/__main__.py") in autoreload._watched
    assert replaced == []


def test_main_of_a_package_that_fails(replaced: Commands, tmp_path: Path) -> None:
    path = write(tmp_path, "pack_of_test/__init__.py", "1 / 0\n")
    sys.path.insert(0, str(tmp_path))
    run_main("-m", "pack_of_test.module", edit=lambda: write(tmp_path, "pack_of_test/__init__.py", ""))
    assert str(path) in autoreload._watched
    run_main("-m", "no_pack_of_test", edit=lambda: write(tmp_path, "no_pack_of_test.py", ""))
    assert len(replaced) == 2


def test_main_ends_by_ctrl_c(replaced: Commands, tmp_path: Path) -> None:
    write(tmp_path, "script.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        run_main("script.py")


@pytest.mark.parametrize(
    ("arguments", "status"), [([], 1), (["-m"], 2), (["--fast"], 2), (["--help"], 0), (["-h"], 0)]
)
def test_main_without_anything_to_run(
    replaced: Commands, arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        run_main(*arguments)
    assert exit.value.code == status
    output = capsys.readouterr()
    assert "Usage:" in (output.err if status else output.out)


def test_what_counts_as_a_change(replaced: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy:
        __file__ = property(lambda self: pytest.fail("a module was made to load"))

    compiled = types.ModuleType("compiled_of_test")
    compiled.__file__ = str(tmp_path / "compiled.pyc")
    monkeypatch.setitem(sys.modules, "lazy_of_test", Lazy())
    monkeypatch.setitem(sys.modules, "compiled_of_test", compiled)
    path = write(tmp_path, "watched", "1")
    source = write(tmp_path, "compiled.py", "1")
    autoreload.watch("watched")
    autoreload.watch("absent")
    assert autoreload._changed_file() is None
    path.unlink()
    assert autoreload._changed_file() is None
    write(tmp_path, "watched", "22")
    # A change is not forgotten by looking at it.
    for _ in range(2):
        assert autoreload._changed_file() == str(path)
    with pytest.raises(Replaced):
        autoreload._check()
    assert autoreload._changed_file() is None
    # The same size at another time.
    os.utime(path, (1, 1))
    with pytest.raises(Replaced):
        autoreload._check()
    write(tmp_path, "compiled.py", "22")
    assert autoreload._changed_file() == str(source)
    with pytest.raises(Replaced):
        autoreload._check()
    write(tmp_path, "absent", "")
    assert autoreload._changed_file() == str(tmp_path / "absent")


def test_hooks_are_called_in_order(replaced: Commands, caplog: pytest.LogCaptureFixture) -> None:
    called: list[int] = []
    autoreload.add_reload_hook(lambda: called.append(1))
    autoreload.add_reload_hook(lambda: called.append(1 // 0))
    autoreload.add_reload_hook(lambda: called.append(3))
    with pytest.raises(Replaced):
        autoreload._reload()
    assert called == [1, 3]
    assert caplog.messages[0].startswith("Exception in reload hook <function")


async def test_start_twice_looks_once(replaced: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []
    monkeypatch.setattr(autoreload, "_changed_file", lambda: looks.append(None))
    autoreload.start()
    autoreload.start()
    assert looks == [None]


async def test_start_in_a_forked_child_only_warns(
    replaced: Commands, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(autoreload, "task_id", lambda: 2)
    autoreload.start()
    assert caplog.messages == ["autoreload does not work in several processes: child 2 watches nothing"]
    assert IOLoop.current() not in autoreload._loops
