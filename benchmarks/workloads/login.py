"""How long others wait while passwords are hashed: the loops must go on meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.client import Client
from benchmarks.cores import unpin
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request, Sample
from benchmarks.setup import Setup
from benchmarks.stack import Stack

LOGINS = 32
PAUSE = 0.005

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ACCOUNT = "username=ada&email=ada%40example.org&password=correct+horse+battery"
REGISTER = Request("/register", "POST", FORM, ACCOUNT)
LOGIN = Request("/login", "POST", FORM, ACCOUNT)
LIVE = Request("/health/live")


@dataclass(frozen=True, slots=True)
class Login:
    """`/health/live` through nginx, with and without 32 logins at once."""

    name: str = "login"
    title: str = f"/health/live through nginx while {LOGINS} logins hash, 99th percentile"
    unit: str = "ms"
    more_is_better: bool = False

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure with logins and without, in turn, `setup.rounds` times."""
        unpin()
        busy: list[Sample] = []
        quiet: list[Sample] = []
        with Stack() as stack:
            asyncio.run(_register(stack.port))
            _go_first()
            for number in range(setup.rounds):
                print(f"{self.name}: round {number + 1}", file=sys.stderr)
                busy.append(asyncio.run(_measure(stack.port, LOGINS, setup.seconds)))
                quiet.append(asyncio.run(_measure(stack.port, 0, setup.seconds)))
        return {f"while {LOGINS} logins hash": busy, "at rest": quiet}


WORKLOAD = Login()


def _go_first() -> None:
    """Let this process, which measures, run as soon as it has something to do; where that is allowed."""
    try:
        os.nice(-10)
    except PermissionError:
        print("the load may have to wait for a processor, which counts as latency", file=sys.stderr)


async def _register(port: int) -> None:
    async with Client(port) as client:
        status, body = await client.ask(REGISTER)
    if status != 201:
        raise BenchmarkError(f"/register answers {status}: {body[:300]!r}")


async def _measure(port: int, logins: int, seconds: float) -> Sample:
    statuses: list[int] = []
    tasks = [asyncio.create_task(_log_in(port, statuses)) for _ in range(logins)]
    await asyncio.sleep(0.5)
    statuses.clear()
    began = time.perf_counter()
    waits = await _watch(port, seconds)
    lasted = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(error, Exception):
            raise error
    percentiles = quantiles(waits, n=100, method="inclusive")
    details = {"p50 ms": percentiles[49], "greatest ms": max(waits), "logins/s": len(statuses) / lasted}
    return Sample(percentiles[98], details)


async def _watch(port: int, seconds: float) -> list[float]:
    """Ask whether the server lives, again and again, and return the milliseconds each answer took."""
    waits = []
    async with Client(port) as client:
        end = time.perf_counter() + seconds
        while (sent := time.perf_counter()) < end:
            status, _ = await client.ask(LIVE)
            waits.append((time.perf_counter() - sent) * 1000)
            if status != 200:
                raise BenchmarkError(f"{LIVE.path} answers {status}")
            await asyncio.sleep(PAUSE)
    return waits


async def _log_in(port: int, statuses: list[int]) -> None:
    async with Client(port) as client:
        while True:
            status, body = await client.ask(LOGIN)
            if status != 200:
                raise BenchmarkError(f"{LOGIN.path} answers {status}: {body[:300]!r}")
            statuses.append(status)
