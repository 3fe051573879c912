"""Restarts the program when one of its source files changes: for development.

``Application(debug=True)`` calls `start`, and the server restarts on every change while it runs. From the
command line, around any script or module, also one that does not get as far as that::

    python -m framework.autoreload [--until-success] path/to/script.py [args...]
    python -m framework.autoreload [--until-success] -m module.to.run [args...]

The program runs as it would by itself. When it has ended, crashed or turned out to have a syntax error, the
next change of one of its files runs it again.

A restart replaces the process by a new one of the same command line, the interpreter's own options included
(``python -u -m package``), in the directory it was started in. Descriptors that Python opened are closed by
it, listening sockets among them.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import signal
import sys
import traceback
import types
import weakref
from collections.abc import Callable, Iterator
from typing import NoReturn

from framework.ioloop import IOLoop, PeriodicCallback
from framework.log import app_log, gen_log
from framework.process import task_id

__all__ = ["add_reload_hook", "main", "start", "wait", "watch"]

USAGE = """\
Usage:
  python -m framework.autoreload [--until-success] -m module.to.run [args...]
  python -m framework.autoreload [--until-success] path/to/script.py [args...]

Options:
  -h, --help       show this help and exit
  -m module        the module to run
  --until-success  end when the program ends successfully (with status 0)
"""

# A file's modification time in nanoseconds and its size; None while it does not exist.
State = tuple[int, int] | None

_watched: dict[str, None] = {}
# As each file was when it was first looked at.
_states: dict[str, State] = {}
_hooks: list[Callable[[], None]] = []
_loops: weakref.WeakSet[IOLoop] = weakref.WeakSet()


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        # It was removed.
        return None


_started_in = _working_directory()


def start(check_time: int = 500) -> None:
    """Looks for changes from now on, while the current loop runs, and restarts the process on the first.

    A second call for the same loop does nothing. In the children of `fork_processes` nothing is watched,
    and that is logged: a child that started the program anew would fork children of its own.

    :arg check_time: milliseconds from one look to the next.
    """
    loop = IOLoop.current()
    if loop in _loops:
        return
    if task_id() is not None:
        gen_log.warning("autoreload does not work in several processes: child %s watches nothing", task_id())
        return
    _loops.add(loop)
    _changed_file()
    PeriodicCallback(_check, check_time).start()


def wait() -> None:
    """Waits until a file changes and restarts the process: for the end of a script, such as a test run.

    It does not return. `main` does the same around a script, and survives errors in it.
    """
    loop = IOLoop()
    loop.add_callback(start)
    loop.start()


def watch(filename: str) -> None:
    """Watches one more file. Those of imported modules are watched anyway.

    :arg filename: a file or a directory, whose entries count; it need not exist yet.
    """
    _watched[os.path.abspath(filename)] = None


def add_reload_hook(fn: Callable[[], None]) -> None:
    """Has ``fn()`` called before a restart.

    Open files and sockets need none: what Python opened does not outlive a restart, unless
    `os.set_inheritable` says so.
    """
    _hooks.append(fn)


def _check() -> None:
    path = _changed_file()
    if path is not None:
        gen_log.info("%s modified; restarting server", path)
        # If the restart fails, the next change is another chance.
        del _states[path]
        _reload()


def _changed_file() -> str | None:
    """A watched file that is not as it was when it was first looked at; all new ones are looked at."""
    changed = None
    for path in (*_module_files(), *_watched):
        try:
            status = os.stat(path)
        except OSError:
            # Many editors remove a file for a moment when they save it.
            _states.setdefault(path, None)
            continue
        state = (status.st_mtime_ns, status.st_size)
        if _states.setdefault(path, state) != state:
            changed = path
    return changed


def _module_files() -> Iterator[str]:
    for module in list(sys.modules.values()):
        # Not getattr: lazy modules would load themselves, and things that are no modules do anything.
        path = module.__dict__.get("__file__") if isinstance(module, types.ModuleType) else None
        if isinstance(path, str):
            yield path[:-1] if path.endswith(".pyc") else path


def _reload() -> NoReturn:
    for hook in _hooks:
        try:
            hook()
        except Exception:
            app_log.error("Exception in reload hook %r", hook, exc_info=True)
    if hasattr(signal, "setitimer"):
        # Timers survive exec, handlers do not: the signal would kill the new program.
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            # There is none, or nobody reads it, or it is closed.
            pass
    if _started_in is not None:
        try:
            # A relative path in the command line is relative to this.
            os.chdir(_started_in)
        except OSError:
            pass
    _replace_process([sys.executable or sys.orig_argv[0], *sys.orig_argv[1:]])


def _replace_process(command: list[str]) -> NoReturn:
    if sys.platform == "win32":
        # There exec gives the new program another process id, and whoever waits for this one wakes up.
        os.spawnv(os.P_NOWAIT, command[0], command)  # noqa: S606
        os._exit(0)
    os.execv(command[0], command)  # noqa: S606


def main() -> None:
    """What ``python -m framework.autoreload`` does; see the module's own text.

    Exits with status 2 for a command line that it does not understand, and 1 for one that names nothing to
    run.
    """
    until_success, module, arguments = _parse(sys.argv[1:])
    sys.argv = [module or arguments[0], *arguments[0 if module else 1 :]]
    if not module:
        watch(arguments[0])
        # Where a script's own neighbours are imported from; the current directory stays behind it.
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
    message, error = "Script exited normally", None
    status: object = 0
    try:
        if module:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as exit:
        status = exit.code or 0
        if isinstance(status, str):
            print(status, file=sys.stderr)
            status = 1
        message = f"Script exited with status {status}"
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        status, message, error = 1, "Script exited with uncaught exception", raised
        _watch_error(raised)
    if module:
        _watch_module(module)
    # Before the message, which tells the user that a change will be noticed.
    _changed_file()
    if error is None:
        gen_log.info(message)
    else:
        gen_log.error(message, exc_info=(type(error), error, _without_own_frames(error.__traceback__)))
    if not (until_success and status == 0):
        wait()


def _parse(words: list[str]) -> tuple[bool, str | None, list[str]]:
    """Whether to end with the first success, the module, and the arguments: of a script, itself first."""
    until_success = False
    for number, word in enumerate(words):
        if word in ("-h", "--help"):
            print(USAGE)
            sys.exit(0)
        elif word == "--until-success":
            until_success = True
        elif word == "-m":
            if number + 1 == len(words):
                raise _refused("-m needs the name of a module", 2)
            return until_success, words[number + 1], words[number + 2 :]
        elif word.startswith("-m"):
            return until_success, word[2:], words[number + 1 :]
        elif word.startswith("-"):
            raise _refused(f"there is no option {word}", 2)
        else:
            return until_success, None, words[number:]
    raise _refused("Either -m or a path must be specified", 1)


def _refused(message: str, status: int) -> SystemExit:
    print(f"{USAGE}\npython -m framework.autoreload: error: {message}", file=sys.stderr)
    return SystemExit(status)


def _watch_error(error: BaseException) -> None:
    """Watches the files that an error came by: a module whose import failed is in no list of modules."""
    seen: set[int] = set()
    following: list[BaseException | None] = [error]
    while following:
        this = following.pop()
        if this is None or id(this) in seen:
            continue
        seen.add(id(this))
        following += (this.__cause__, this.__context__)
        names = [frame.filename for frame in traceback.extract_tb(this.__traceback__)]
        if isinstance(this, SyntaxError) and this.filename is not None:
            names.append(this.filename)
        if isinstance(this, ImportError) and sys.path:
            # The missing module may be written next.
            names.append(sys.path[0])
        for name in names:
            if not name.startswith("<"):
                watch(name)


def _watch_module(name: str) -> None:
    """Watches the file of a module that was run: it is in the list of modules no more."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except Exception:
        # It imports the packages above, whose error has been told.
        return
    if spec is not None and spec.origin is not None:
        watch(spec.origin)


def _without_own_frames(trace: types.TracebackType | None) -> types.TracebackType | None:
    """The part of a traceback that is of the program, if any is: not ours and not runpy's."""
    rest = trace
    while rest is not None:
        name = rest.tb_frame.f_code.co_filename
        if name != __file__ and name not in ("<frozen runpy>", runpy.__file__):
            return rest
        rest = rest.tb_next
    return trace


if __name__ == "__main__":
    # The module itself, not this copy of it: the one whose `watch` and `add_reload_hook` the program calls.
    from framework import autoreload

    autoreload.main()
