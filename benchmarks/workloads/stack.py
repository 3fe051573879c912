"""The demo application through nginx and four servers: who is logged in, and logging in.

Nothing has a core of its own here: nginx, the servers and the load share them all.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from json import loads
from statistics import quantiles

from benchmarks.ask import ask, cookies
from benchmarks.client import Client
from benchmarks.cores import LOAD_CORE, pin, unpin
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load, Request, Sample
from benchmarks.setup import Setup
from benchmarks.stack import Stack

LOGINS = 32
PAUSE = 0.005
#: Until the logins are under way.
LEAD = 0.5

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ACCOUNT = "username=ada&email=ada%40example.org&password=correct+horse+battery"
REGISTER = Request("/register", "POST", FORM, ACCOUNT)
LOGIN = Request("/login", "POST", FORM, ACCOUNT)
IS_LOGINED = Request("/isLogined")
LIVE = Request("/health/live")


@dataclass(frozen=True, slots=True)
class StackWorkload:
    """`/isLogined` by one who is, `/login` by 32 at once; and how fast others are answered meanwhile.

    The loops must go on while passwords are hashed: `live p99` is what `/health/live` then takes.
    """

    name: str = "stack"
    title: str = f"through nginx and four servers; /login by {LOGINS} at once, beside it /health/live"
    unit: str = "requests/s"
    more_is_better: bool = True

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure both in turn, `setup.rounds` times."""
        asking: list[Sample] = []
        logging_in: list[Sample] = []
        load = Load(connections=64)
        with _every_core(), Stack() as stack:
            request = _log_in_once(stack.port)
            for number in range(setup.rounds):
                print(f"{self.name}: round {number + 1}", file=sys.stderr)
                asking.append(_without_cores(load.run(stack.port, request, setup.seconds)))
                with _first():
                    logging_in.append(asyncio.run(_measure_logins(stack.port, setup.seconds)))
        return {"/isLogined": asking, "/login": logging_in}


WORKLOAD = StackWorkload()


@contextmanager
def _every_core() -> Iterator[None]:
    unpin()
    try:
        yield
    finally:
        pin(LOAD_CORE)


@contextmanager
def _first() -> Iterator[None]:
    """Let this process, which measures, run as soon as it has something to do; where that is allowed."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except PermissionError:
        print("the load may have to wait for a processor, which counts as latency", file=sys.stderr)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def _without_cores(sample: Sample) -> Sample:
    """Leave out how busy the cores were: all do everything here."""
    return Sample(sample.value, {name: value for name, value in sample.details.items() if "core" not in name})


def _log_in_once(port: int) -> Request:
    """Make the account, log in, and return the request for `/isLogined` with the session's cookie."""
    for request, expected in ((REGISTER, 201), (LOGIN, 200)):
        answer, body = ask(port, request)
        if answer.status != expected:
            raise BenchmarkError(f"{request.path} answers {answer.status}: {body[:300]!r}")
    request = replace(IS_LOGINED, headers=cookies(answer))
    answer, body = ask(port, request)
    values = loads(body)
    if (values.get("logined"), values.get("username")) != (True, "ada"):
        raise BenchmarkError(f"{request.path} answers {answer.status}: {body[:300]!r}")
    return request


async def _measure_logins(port: int, seconds: float) -> Sample:
    """Let many log in again and again, and ask something small beside them; before that, alone."""
    at_rest = await _watch(port, seconds)
    logins: list[float] = []
    tasks = [asyncio.create_task(_log_in(port, logins)) for _ in range(LOGINS)]
    await asyncio.sleep(LEAD)
    logins.clear()
    began = time.perf_counter()
    waits = await _watch(port, seconds)
    lasted = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(error, Exception):
            raise error
    if len(logins) < 2:
        raise BenchmarkError(f"{len(logins)} logins in {lasted:.1f} s are too few to tell anything")
    details = {
        "p50 ms": _percentile(logins, 50),
        "p99 ms": _percentile(logins, 99),
        "live p99 ms": _percentile(waits, 99),
        "live greatest ms": max(waits),
        "at rest p99 ms": _percentile(at_rest, 99),
    }
    return Sample(len(logins) / lasted, details)


async def _watch(port: int, seconds: float) -> list[float]:
    """Ask whether the server lives, again and again, and return the milliseconds each answer took."""
    waits: list[float] = []
    async with Client(port) as client:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            waits.append(await _timed(client, LIVE))
            await asyncio.sleep(PAUSE)
    return waits


async def _log_in(port: int, logins: list[float]) -> None:
    async with Client(port) as client:
        while True:
            logins.append(await _timed(client, LOGIN))


async def _timed(client: Client, request: Request) -> float:
    """Ask, and return how many milliseconds it took until 200 was answered."""
    began = time.perf_counter()
    status, body = await client.ask(request)
    lasted = (time.perf_counter() - began) * 1000
    if status != 200:
        raise BenchmarkError(f"{request.path} answers {status}: {body[:300]!r}")
    return lasted


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
