"""Four servers behind nginx: work is spread, one may die, each stops in good order."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode

from tests.integration.client import PASSWORD, Client, Person, eventually
from tests.integration.stack import DemoServer, LocalStack, server_environment


def upstreams(stack: LocalStack, since: int) -> Counter[int]:
    """Return how many requests each server got, by port, from nginx's line `since` on."""
    ports: Counter[int] = Counter()
    for line in stack.access_log()[since:]:
        # A retried request names each server it was handed to.
        ports.update(int(part.rpartition(":")[2]) for part in line["upstream"].split(", ") if part)
    return ports


def test_requests_are_spread_over_all_four(local_stack: LocalStack, client: Client) -> None:
    since = len(local_stack.access_log())
    for _ in range(400):
        assert client.get("/isLogined").status == 200
    ports = eventually(lambda: (found := upstreams(local_stack, since)).total() >= 400 and found)
    assert set(ports) == {server.port for server in local_stack.servers}
    assert min(ports.values()) >= 50, ports


def test_one_killed_server_costs_no_request_and_comes_back(
    local_stack: LocalStack, member: Person, new_client: Callable[..., Client]
) -> None:
    since = len(local_stack.access_log())
    victim = local_stack.servers[2]
    count = threading.Semaphore(0)
    failed: list[object] = []
    slowest: list[float] = []

    def load() -> None:
        client = new_client()
        client.cookies.update(member.client.cookies)
        for _ in range(250):
            try:
                answer = client.get("/isLogined")
            except (OSError, http.client.HTTPException) as error:
                failed.append(error)
                continue
            finally:
                count.release()
            slowest.append(answer.seconds)
            if answer.status != 200 or answer.json["logined"] is not True:
                failed.append(answer)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(500):
        count.acquire()
    victim.kill()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]
    assert len(slowest) == 2000
    served = eventually(lambda: (found := upstreams(local_stack, since)).total() >= 2000 and found)
    assert served[victim.port] > 0, "the victim had no part in it"

    victim.start()
    since = len(local_stack.access_log())

    def rejoined() -> bool:
        member.client.get("/isLogined")
        return upstreams(local_stack, since)[victim.port] > 0

    eventually(rejoined)


def test_a_session_is_good_on_every_server(
    local_stack: LocalStack, new_client: Callable[..., Client]
) -> None:
    person = Person(new_client(local_stack.servers[0].url))
    assert person.register().status == 201
    assert person.login().status == 200
    for server in local_stack.servers:
        other = new_client(server.url)
        other.cookies.update(person.client.cookies)
        assert other.get("/isLogined").json["logined"] is True
    assert other.post("/logout").status == 200
    for server in local_stack.servers:
        other = new_client(server.url)
        other.cookies.update(person.client.cookies)
        assert other.get("/isLogined").json["logined"] is False


def test_a_direct_client_that_is_no_proxy_cannot_choose_its_address(
    local_stack: LocalStack, new_client: Callable[..., Client]
) -> None:
    person = Person(new_client(local_stack.servers[1].url))
    assert person.register(X_Real_Ip="203.0.113.9").status == 201
    assert person.login(X_Forwarded_For="203.0.113.9").status == 200
    events = eventually(person.events)
    assert {event["address"] for event in events} == {person.client.address}


def test_tries_from_one_address_are_limited(
    local_stack: LocalStack, new_client: Callable[..., Client]
) -> None:
    settings = server_environment(
        local_stack.stores,
        SESSION_COOKIE_SECRET=local_stack.secret,
        LIMIT_LOGIN_PER_ADDRESS="3",
        LIMIT_REGISTER_PER_ADDRESS="2",
    )
    with DemoServer(settings) as server:
        client = new_client(server.url)
        statuses = [Person(client).login("wrong password").status for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        answer = Person(client).login("wrong password")
        assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (429, True)
        statuses = [Person(client).register().status for _ in range(3)]
        assert statuses == [201, 201, 429]
        # Another address is not held to it.
        assert Person(new_client(server.url)).login("wrong password").status == 401


def test_the_request_id_of_nginx_is_in_the_servers_log(local_stack: LocalStack, member: Person) -> None:
    answer = member.client.get("/isLogined")
    request_id = answer.headers["X-Request-Id"]
    assert len(request_id) == 32

    def found() -> list[str]:
        logs = [line for server in local_stack.servers for line in server.log().splitlines()]
        return [line for line in logs if request_id in line]

    assert eventually(found)


def test_no_log_line_has_a_password_or_a_session(local_stack: LocalStack, member: Person) -> None:
    member.login("wrong-password-in-clear")
    logs = "".join(server.log() for server in local_stack.servers)
    assert member.name in logs or "/login" in logs, "nothing of this request was logged at all"
    assert PASSWORD not in logs
    assert "wrong-password-in-clear" not in logs
    for value in member.client.cookies.values():
        assert value not in logs
    assert local_stack.secret not in logs


def test_a_server_told_to_stop_answers_what_it_works_on(local_stack: LocalStack, member: Person) -> None:
    settings = server_environment(local_stack.stores, SESSION_COOKIE_SECRET=local_stack.secret)
    body = login_form(member)
    with DemoServer(settings) as server, contextlib.ExitStack() as connections:
        address = (server.host, server.port)
        # More than are hashed at the same time.
        waiting = [connections.enter_context(socket.create_connection(address, timeout=30)) for _ in range(6)]
        for connection in waiting:
            connection.sendall(
                b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\n%s" % (len(body), body)
            )
        # Another connection, so that the others are certainly accepted and read.
        assert server.answers()
        server.signal(server.stop_signal)
        for connection in waiting:
            with connection.makefile("rb") as stream:
                assert stream.read().startswith(b"HTTP/1.1 200 ")
        assert server.wait(15) == 0, server.log()


def login_form(person: Person) -> bytes:
    """Return the body of a request to log in."""
    return urlencode({"username": person.name, "password": person.password}).encode()


def test_a_server_told_to_stop_takes_the_rest_of_a_request(local_stack: LocalStack, member: Person) -> None:
    settings = server_environment(local_stack.stores, SESSION_COOKIE_SECRET=local_stack.secret)
    body = login_form(member)
    with DemoServer(settings) as server:
        with socket.create_connection((server.host, server.port), timeout=30) as connection:
            connection.sendall(
                b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\n%s" % (len(body), body[:10])
            )
            # Another connection, so that the first is certainly accepted and read.
            assert server.answers()
            server.signal(server.stop_signal)
            eventually(lambda: _refused(server))
            connection.sendall(body[10:])
            with connection.makefile("rb") as stream:
                answer = stream.read()
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert b"connection: close" in answer.lower()
        assert server.wait(15) == 0, server.log()


def _refused(server: DemoServer) -> bool:
    try:
        with socket.create_connection((server.host, server.port), timeout=5):
            return False
    except ConnectionRefusedError:
        return True


def test_an_idle_kept_connection_does_not_delay_the_end(local_stack: LocalStack) -> None:
    settings = server_environment(local_stack.stores, SESSION_COOKIE_SECRET=local_stack.secret)
    with DemoServer(settings) as server, socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        assert server.stop(15) == 0, server.log()
        assert time.monotonic() - started < 5
        assert connection.recv(1) == b""


def test_a_rolling_restart_costs_no_request(
    local_stack: LocalStack, new_client: Callable[..., Client]
) -> None:
    stop = threading.Event()
    failed: list[object] = []
    done: list[int] = []

    def load() -> None:
        client = new_client()
        while not stop.is_set():
            try:
                answer = client.get("/isLogined")
            except (OSError, http.client.HTTPException) as error:
                failed.append(error)
                continue
            done.append(answer.status)
            if answer.status != 200:
                failed.append(answer)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for server in local_stack.servers:
            assert server.stop(15) == 0, server.log()
            server.start()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed, failed[:3]
    assert len(done) > 100
