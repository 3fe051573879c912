"""Other programs as children: their streams, and word of their end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from typing import Any

import pytest

from framework import _subprocess
from framework.iostream import PipeIOStream
from framework.process import Subprocess
from tests.streams import until

pytestmark = [pytest.mark.both_loops, pytest.mark.usefixtures("way")]


@pytest.fixture(params=["descriptor", "thread"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the end is heard of."""
    if request.param == "thread":
        monkeypatch.delattr(os, "pidfd_open")


async def test_streams_in_and_out() -> None:
    child = Subprocess(["cat"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)
    assert isinstance(child.stdin, PipeIOStream)
    assert child.stderr is None
    assert child.returncode is None
    assert child.pid == child.proc.pid
    await child.stdin.write(b"hello")
    child.stdin.close()
    assert await child.stdout.read_until_close() == b"hello"
    assert await child.wait_for_exit() == 0
    assert child.returncode == 0


async def test_errors_have_a_stream_as_well() -> None:
    child: Any = Subprocess(
        "echo err >&2; echo out", shell=True, stdout=subprocess.PIPE, stderr=Subprocess.STREAM
    )
    assert child.stdout is child.proc.stdout
    assert await child.stderr.read_until_close() == b"err\n"
    assert await child.wait_for_exit() == 0
    assert child.stdout.read() == b"out\n"
    child.stdout.close()


async def test_other_arguments_are_those_of_popen() -> None:
    child = Subprocess(
        "echo $WORD; echo err >&2",
        shell=True,
        env={"WORD": "given"},
        stdout=Subprocess.STREAM,
        stderr=subprocess.STDOUT,
    )
    assert await child.stdout.read_until_close() == b"given\nerr\n"
    await child.wait_for_exit()


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("kill -9 $$", -signal.SIGKILL)])
async def test_a_bad_end(command: str, status: int) -> None:
    child = Subprocess(command, shell=True)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await child.wait_for_exit()
    assert caught.value.returncode == status
    assert caught.value.cmd == command
    again = Subprocess(command, shell=True)
    assert await again.wait_for_exit(raise_error=False) == status


async def test_all_who_wait_are_told() -> None:
    child = Subprocess(["cat"], stdin=Subprocess.STREAM)
    told: list[int] = []
    child.set_exit_callback(lambda _: pytest.fail("it was replaced"))
    child.set_exit_callback(told.append)
    futures = [child.wait_for_exit() for _ in range(3)]
    futures[1].cancel()
    child.stdin.close()
    assert (await futures[0], await futures[2]) == (0, 0)
    await until(lambda: told)
    assert told == [0]


async def test_an_end_that_was_heard_of_elsewhere() -> None:
    child = Subprocess(["true"])
    child.proc.wait()
    assert child.returncode is None
    told: list[int] = []
    child.set_exit_callback(told.append)
    await until(lambda: told)
    assert child.returncode == 0
    # And once more.
    assert await child.wait_for_exit() == 0


async def test_no_end_is_lost() -> None:
    children = [Subprocess(["sh", "-c", f"exit {number}"]) for number in range(20)]
    waiting = [child.wait_for_exit(raise_error=False) for child in children]
    assert await asyncio.gather(*waiting) == list(range(20))


async def test_a_program_that_cannot_be_started() -> None:
    with pytest.raises(FileNotFoundError):
        Subprocess(["/nonexistent"], stdin=Subprocess.STREAM, stdout=Subprocess.STREAM)


async def test_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGCHLD)
    Subprocess.initialize()
    child = Subprocess(["true"])
    assert await child.wait_for_exit() == 0
    assert signal.getsignal(signal.SIGCHLD) == before
    Subprocess.uninitialize()


def test_any_thread_will_do() -> None:
    answers: list[int] = []

    async def run() -> None:
        answers.append(await Subprocess(["true"]).wait_for_exit())

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    assert answers == [0]


async def test_somebody_else_fetched_the_status() -> None:
    child = Subprocess(["cat"], stdin=Subprocess.STREAM)
    future = child.wait_for_exit()

    child.stdin.close()
    os.waitpid(child.pid, 0)  # noqa: ASYNC222 (a moment)
    # `subprocess` takes it for a good end then.
    assert await future == 0


def test_it_is_part_of_the_public_module() -> None:
    assert _subprocess.Subprocess is Subprocess
