"""The check for leaks finds what it should, and nothing in a test that cleans up."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading

import pytest

from tests import leaks
from tests.leaks import Snapshot, leaked_tasks


@pytest.fixture(autouse=True)
def without_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "GRACE_SECONDS", 0.0)


def test_nothing_is_found_where_nothing_is_left() -> None:
    before = Snapshot()
    with socket.socket():
        pass
    assert before.leaked() == []


def test_a_listening_socket_is_named_with_its_port() -> None:
    before = Snapshot()
    with socket.create_server(("127.0.0.1", 0)) as server:
        (line,) = before.leaked()
        assert f"(TCP port {server.getsockname()[1]}, listens)" in line
    assert before.leaked() == []


def test_an_open_file_is_named() -> None:
    before = Snapshot()
    with open(__file__):
        (line,) = before.leaked()
    assert line.endswith(__file__)


def test_a_thread_is_named() -> None:
    before = Snapshot()
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="forgotten")
    thread.start()
    assert before.leaked() == ["thread 'forgotten'"]
    done.set()
    thread.join()
    assert before.leaked() == []


def test_a_child_process_is_named_with_its_command() -> None:
    before = Snapshot()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as child:
        # Its answer shows that the program runs; until then the kernel knows no command line of it.
        child.stdin.write(b"here")  # type: ignore[union-attr]
        child.stdout.read(4)  # type: ignore[union-attr]
        assert f"child process {child.pid}: cat" in before.leaked()
    assert before.leaked() == []


@pytest.mark.both_loops
async def test_a_task_is_found_until_it_has_ended() -> None:
    task = asyncio.create_task(asyncio.sleep(60), name="forgotten")
    (line,) = await leaked_tasks()
    assert "forgotten" in line
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await leaked_tasks() == []
