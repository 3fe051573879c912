"""Servers that die, move or are added, as nginx in its container meets them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable

import pytest

from tests.containers.compose import SERVERS, Compose
from tests.integration.client import Client, Person, eventually

REQUESTS = 2000
THREADS = 8

KILL_PROGRAM = """
import os, signal
for name in os.listdir("/proc"):
    if name.isdecimal() and int(name) not in (1, os.getpid()):
        if b"demo_app" in open(f"/proc/{name}/cmdline", "rb").read():
            os.kill(int(name), signal.SIGKILL)
"""


class Load:
    """`REQUESTS` GETs of a session's state from `THREADS` clients; `act` is called when a quarter is done."""

    def __init__(self, new_client: Callable[[], Client], member: Person, act: Callable[[], object]) -> None:
        self.seconds: list[float] = []
        self.failed: list[object] = []
        self._new_client, self._member = new_client, member
        self._count = threading.Semaphore(0)
        threads = [threading.Thread(target=self._requests) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for _ in range(REQUESTS // 4):
            self._count.acquire()
        try:
            act()
        finally:
            for thread in threads:
                thread.join()

    def _requests(self) -> None:
        client = self._new_client()
        client.cookies.update(self._member.client.cookies)
        for _ in range(REQUESTS // THREADS):
            try:
                answer = client.get("/isLogined")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(error)
                continue
            finally:
                self._count.release()
            self.seconds.append(answer.seconds)
            if answer.status != 200 or answer.json["logined"] is not True:
                self.failed.append(answer)


def works_again(stack: Compose, client: Client, server: str) -> None:
    """Wait until nginx gives work to a server (its address and port)."""
    since = stack.now()

    def found() -> bool:
        client.get("/isLogined")
        return stack.upstreams(since)[server] > 0

    eventually(found)


def test_requests_are_spread_over_all_four(stack: Compose, member: Person) -> None:
    since = stack.now()
    for _ in range(400):
        assert member.client.get("/isLogined").status == 200
    ports = eventually(lambda: (counts := stack.ports(since)).total() >= 400 and counts)
    assert set(ports) == set(SERVERS.values())
    assert min(ports.values()) >= 50, ports


def program_killed(stack: Compose, service: str) -> None:
    stack("exec", "-T", service, "python", "-c", KILL_PROGRAM)


@pytest.mark.parametrize("end", [Compose.kill, Compose.stop, program_killed])
def test_a_server_that_ends_under_load_costs_no_request(
    stack: Compose, member: Person, new_client: Callable[[], Client], end: Callable[[Compose, str], None]
) -> None:
    load = Load(new_client, member, lambda: end(stack, "app1"))
    assert not load.failed, load.failed[:3]
    assert len(load.seconds) == REQUESTS
    if end is not program_killed:
        # Nobody restarts what somebody has stopped.
        stack.start("app1")
    eventually(lambda: stack.healthy("app1"), 60)
    works_again(stack, member.client, f"{stack.address('app1')}:8001")


def test_a_server_recreated_under_another_address_is_found_again(
    stack: Compose, member: Person, new_client: Callable[[], Client]
) -> None:
    before = stack.address("app3")

    def recreate() -> None:
        stack("rm", "--stop", "--force", "app3")
        # Takes the address that became free, so that app3 has to get another one.
        stack("up", "-d", "--no-deps", "--no-recreate", "--scale", "app0=2", "app0")
        stack("up", "-d", "--no-deps", "app3")

    try:
        load = Load(new_client, member, recreate)
        assert not load.failed, load.failed[:3]
        eventually(lambda: stack.healthy("app3"), 60)
        assert stack.address("app3") != before
        works_again(stack, member.client, f"{stack.address('app3')}:8003")
        # The added one has its share, too.
        works_again(stack, member.client, f"{before}:8000")
    finally:
        stack("up", "-d", "--no-deps", "--no-recreate", "--scale", "app0=1", "app0")


def test_nginx_starts_without_a_server(stack: Compose, member: Person) -> None:
    stack.kill("app2")
    stack.stop("nginx")
    stack.start("nginx")
    stack.base_url = f"http://{stack('port', 'nginx', '8080').strip()}"
    with Client(stack.base_url) as client:
        eventually(lambda: client.get("/health/live").status == 200)
        for _ in range(20):
            assert client.get("/health/live").status == 200


def test_the_servers_run_without_rights(stack: Compose) -> None:
    for service, user in {
        **dict.fromkeys(SERVERS, 10001),
        "provider": 10001,
        "nginx": 101,
        "redis": 999,
        "postgres": 70,
        "mongo": 999,
    }.items():
        status = stack("exec", "-T", service, "sh", "-c", "cat /proc/self/status; touch /new 2>&1 || true")
        assert f"Uid:\t{user}\t" in status, service
        assert "CapEff:\t0000000000000000" in status, service
        assert "NoNewPrivs:\t1" in status, service
        assert "Read-only file system" in status, service
