from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from framework import process

PRELUDE = """\
import logging, os, random, signal, sys, time
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stdout)
from framework.ioloop import IOLoop
from framework.process import fork_processes, task_id

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

"""


def start(script: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def run(script: str) -> tuple[int, str]:
    """Exit status and output of a program that begins with PRELUDE; process ids are replaced by PID."""
    with start(script) as program:
        output, _ = program.communicate(timeout=60)
    return program.returncode, re.sub(r"\(pid \d+\)", "(pid PID)", output)


# cpu_count


def test_cpu_count_respects_affinity() -> None:
    usable = len(os.sched_getaffinity(0))
    assert 1 <= process.cpu_count() <= usable


@pytest.mark.parametrize(("quota", "expected"), [(None, 8), (0.5, 1), (1.5, 2), (3.0, 3), (100.0, 8)])
def test_cpu_count_is_limited_by_the_quota(
    quota: float | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_cgroup_quota", lambda root: quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert process.cpu_count() == expected


def test_cpu_count_without_affinities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_cgroup_quota", lambda root: None)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert process.cpu_count() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert process.cpu_count() == 1


def files(root: Path, contents: dict[str, str]) -> str:
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a/b\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "0 0\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "nonsense\n"}, None),
        # The narrowest of a group and those above it.
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
            },
            2.0,
        ),
        # Version 1, beside other controllers.
        (
            {
                "proc/self/cgroup": "5:memory:/m\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_quota_of_control_groups(tmp_path: Path, contents: dict[str, str], expected: float | None) -> None:
    assert process._cgroup_quota(files(tmp_path, contents)) == expected


# fork_processes


def test_task_id_is_none_outside() -> None:
    assert process.task_id() is None


@pytest.mark.parametrize("count", ["3", "cpu_count()"])
def test_children_get_numbers_and_the_parent_exits_with_them(count: str) -> None:
    script = f"""
        from framework.process import cpu_count
        count = {count}
        number = fork_processes(count if count == 3 else None)
        say("child", number, task_id())
    """
    status, output = run(script)
    lines = sorted(line for line in output.splitlines() if line.startswith("child") and "pid" not in line)
    expected = 3 if count == "3" else process.cpu_count()
    assert status == 0
    assert lines == [f"child {n} {n}" for n in range(expected)]
    assert f"INFO Starting {expected} processes" in output
    assert output.count("(pid PID) exited normally") == expected


@pytest.mark.parametrize("count", [0, -1])
def test_no_number_means_one_child_for_each_processor(count: int) -> None:
    status, output = run(f"fork_processes({count})")
    assert status == 0
    assert f"Starting {process.cpu_count()} processes" in output


def test_children_have_different_random_numbers() -> None:
    status, output = run("random.seed(1)\nfork_processes(2)\nsay('number', random.random())")
    numbers = [line for line in output.splitlines() if line.startswith("number")]
    assert status == 0
    assert len(set(numbers)) == 2


def test_dead_children_are_told_and_replaced(tmp_path: Path) -> None:
    script = f"""
        number = fork_processes(2)
        mark = {str(tmp_path)!r} + f"/{{number}}"
        if not os.path.exists(mark):
            open(mark, "w").close()
            if number == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            sys.exit(3)
        say("second life of", number, task_id())
    """
    status, output = run(script)
    assert status == 0
    assert "WARNING child 0 (pid PID) killed by signal 9, restarting" in output
    assert "WARNING child 1 (pid PID) exited with status 3, restarting" in output
    for number in (0, 1):
        assert f"second life of {number} {number}" in output
        assert f"INFO child {number} (pid PID) exited normally" in output


@pytest.mark.parametrize("max_restarts", [0, 2])
def test_too_many_restarts_end_the_parent_and_the_other_children(max_restarts: int) -> None:
    script = f"""
        read, write = os.pipe()
        number = None
        try:
            number = fork_processes(2, max_restarts={max_restarts})
        except RuntimeError as error:
            os.close(write)
            # The other child has the other end until it ends.
            say("other child ended", os.read(read, 1) == b"")
            say("parent:", error)
            sys.exit(1)
        if number == 0:
            sys.exit(7)
        time.sleep(60)
    """
    status, output = run(script)
    assert status == 1
    assert output.count("exited with status 7, restarting") == max_restarts + 1
    assert "other child ended True" in output
    assert "parent: Too many child restarts, giving up" in output


SERVER = """
    number = fork_processes(2)
    loop = IOLoop.current()
    {handlers}
    say("ready")
    loop.start()
    say("ended", number)
"""


def signalled(script: str, signum: int) -> tuple[int, str]:
    with start(script, start_new_session=True) as program:
        assert program.stdout is not None
        lines: list[str] = []
        ready = 0
        while ready < 2:
            line = program.stdout.readline()
            assert line, lines
            lines.append(line)
            ready += line == "ready\n"
        program.send_signal(signum)
        rest, _ = program.communicate(timeout=60)
    return program.returncode, "".join(lines) + rest


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on_and_the_end_is_normal(signum: signal.Signals) -> None:
    handlers = f"loop.add_signal(signal.{signum.name}, loop.stop)"
    status, output = signalled(SERVER.format(handlers=handlers), signum)
    assert status == 0
    assert sorted(re.findall(r"ended \d", output)) == ["ended 0", "ended 1"]
    assert output.count("exited normally") == 2


def test_children_killed_by_the_signal_are_in_the_exit_status() -> None:
    status, output = signalled(SERVER.format(handlers=""), signal.SIGTERM)
    assert status == 128 + signal.SIGTERM
    assert output.count("killed by signal 15\n") == 2
    assert "restarting" not in output


def test_an_idle_loop_is_renewed_in_the_children() -> None:
    script = """
        import asyncio
        loop = IOLoop.current()
        loop.run_sync(lambda: None)
        before = loop.asyncio_loop
        fork_processes(2)
        assert IOLoop.current() is loop
        assert loop.asyncio_loop is not before and before.is_closed()
        say("child", loop.run_sync(lambda: asyncio.sleep(0, "ran")))
        loop.close()
    """
    status, output = run(script)
    assert status == 0, output
    assert output.count("child ran") == 2


def test_a_loop_of_asyncio_alone_is_not_shared() -> None:
    script = """
        import asyncio
        before = asyncio.new_event_loop()
        asyncio.set_event_loop(before)
        fork_processes(1)
        say("child", before.is_closed(), IOLoop.current().asyncio_loop is before)
        IOLoop.current().close()
    """
    status, output = run(script)
    assert status == 0, output
    assert "child True False" in output


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ("loop.add_callback(print)", "callbacks or timeouts wait in the event loop"),
        ("loop.call_later(1, print)", "callbacks or timeouts wait in the event loop"),
        ("loop.add_handler(os.pipe()[0], print, loop.READ)", r"handlers for the descriptors \[\d+\]"),
        ("task = loop.asyncio_loop.create_task(asyncio.sleep(1))", "tasks wait in the event loop"),
    ],
)
def test_what_waits_in_a_loop_is_not_lost_silently(setup: str, reason: str) -> None:
    script = f"""
        import asyncio
        loop = IOLoop.current()
        {setup}
        try:
            fork_processes(2)
        except RuntimeError as error:
            say(error)
        loop.close()
    """
    status, output = run(script)
    assert status == 0, output
    assert re.search(f"Cannot fork: .*{reason}.*Start the processes before anything else", output), output
    assert "Starting" not in output


async def test_a_running_loop_cannot_be_forked() -> None:
    with pytest.raises(RuntimeError, match="Cannot fork: an event loop is running"):
        process.fork_processes(2)


def test_a_child_cannot_fork_more() -> None:
    script = """
        fork_processes(1)
        try:
            fork_processes(1)
        except RuntimeError as error:
            say(error)
    """
    status, output = run(script)
    assert status == 0
    assert "this is child process 0; only the parent can fork more" in output


# The parent's parts, in this process


def test_ctrl_c_at_a_terminal_is_not_passed_on_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: killed.append((pid, signum)))
    parent = process._Parent(0)
    parent.children = {11: 0, 12: 1}
    monkeypatch.setattr(process, "_at_terminal", lambda: True)
    parent._pass_on(signal.SIGINT, None)
    assert killed == []
    assert not parent._start(2)
    parent._pass_on(signal.SIGTERM, None)
    assert killed == [(11, signal.SIGTERM), (12, signal.SIGTERM)]


def test_a_child_that_has_just_ended_needs_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, signum: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    parent = process._Parent(0)
    parent.children = {11: 0}
    parent._signal_children(signal.SIGTERM)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [({}, False), ({0: 77}, True), ({1: 77}, True), ({0: 5}, False)],
)
def test_at_terminal(groups: dict[int, int], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def tcgetpgrp(fd: int) -> int:
        if fd not in groups:
            raise OSError(25, "Inappropriate ioctl for device")
        return groups[fd]

    monkeypatch.setattr(os, "tcgetpgrp", tcgetpgrp)
    monkeypatch.setattr(os, "getpgrp", lambda: 77)
    assert process._at_terminal() is expected


@pytest.fixture
def no_children(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[tuple[int, int]]], None]:
    """Replaces fork and wait: every child has number 100 and up, and ends as told."""
    pids = iter(range(100, 200))
    monkeypatch.setattr(os, "fork", lambda: next(pids))

    def ends(statuses: list[tuple[int, int]]) -> None:
        monkeypatch.setattr(os, "wait", iter(statuses).__next__)

    return ends


def test_parent_ignores_children_of_others(
    no_children: Callable[[list[tuple[int, int]]], None],
) -> None:
    no_children([(5, 0), (100, 0)])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_:
        process._Parent(0).run(1)
    assert exit_.value.code == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_parent_in_another_thread_leaves_signals_alone(
    no_children: Callable[[list[tuple[int, int]]], None],
) -> None:
    no_children([(100, 0)])
    codes: list[object] = []

    def parent() -> None:
        try:
            process._Parent(0).run(1)
        except SystemExit as error:
            codes.append(error.code)

    thread = threading.Thread(target=parent)
    thread.start()
    thread.join()
    assert codes == [0]


def test_parent_restarts_and_reports(
    no_children: Callable[[list[tuple[int, int]]], None], caplog: pytest.LogCaptureFixture
) -> None:
    no_children([(100, 9), (102, 3 << 8), (101, 0), (103, 0)])
    with caplog.at_level("INFO"), pytest.raises(SystemExit):
        process._Parent(2).run(2)
    assert [record.getMessage() for record in caplog.records] == [
        "child 0 (pid 100) killed by signal 9, restarting",
        "child 0 (pid 102) exited with status 3, restarting",
        "child 1 (pid 101) exited normally",
        "child 0 (pid 103) exited normally",
    ]


def test_child_side_of_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(process, "_task_id", None)
    before = signal.getsignal(signal.SIGTERM)
    assert process._Parent(0).run(3) == 0
    assert process.task_id() == 0
    assert signal.getsignal(signal.SIGTERM) is before
    parent = process._Parent(1)
    assert parent._ended(2, 100, 9)
    assert process.task_id() == 2


@pytest.mark.parametrize(
    ("asked", "max_restarts", "expected"),
    [(3, None, (3, process.MAX_RESTARTS)), (None, 0, (8, 0)), (0, 5, (8, 5)), (-2, 1, (8, 1))],
)
def test_fork_processes_as_a_child_sees_it(
    asked: int | None,
    max_restarts: int | None,
    expected: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[object] = []

    def run(parent: process._Parent, count: int) -> int:
        seen.append((count, parent.restarts_left))
        return 1

    monkeypatch.setattr(process, "release_loops", lambda: ["loops"])
    monkeypatch.setattr(process, "renew_loops", seen.append)
    monkeypatch.setattr(process._Parent, "run", run)
    monkeypatch.setattr(process, "cpu_count", lambda: 8)
    with caplog.at_level("INFO"):
        assert process.fork_processes(asked, max_restarts) == 1
    assert seen == [expected, ["loops"]]
    assert caplog.messages == [f"Starting {expected[0]} processes"]
    monkeypatch.setattr(process, "_task_id", 1)
    with pytest.raises(RuntimeError, match="this is child process 1"):
        process.fork_processes(asked)


def test_parent_gives_up(
    no_children: Callable[[list[tuple[int, int]]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_children([(100, 9)])
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: killed.append((pid, signum)))
    with pytest.raises(RuntimeError, match="Too many child restarts, giving up"):
        process._Parent(0).run(2)
    assert killed == [(101, signal.SIGTERM)]


def test_parent_tells_that_a_child_failed_after_the_signal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    parent = process._Parent(5)
    parent.children = {100: 0}
    parent.signal_passed = signal.SIGTERM
    monkeypatch.setattr(os, "wait", lambda: (100, 15))
    with pytest.raises(SystemExit) as exit_:
        parent.run(0)
    assert exit_.value.code == 128 + signal.SIGTERM
    assert caplog.messages == ["child 0 (pid 100) killed by signal 15"]
