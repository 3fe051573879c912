"""The queue server on the wire, and as a program with a real memcached client."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymemcache.client.base import Client, PooledClient
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError, MemcacheUnknownCommandError
from pymemcache.serde import pickle_serde

from examples.queue_server.protocol import MAX_LINE
from framework import __version__
from tests.examples.queue_server import Server, new_store, serving

BAD_FORMAT = b"CLIENT_ERROR bad command line format\r\n"


# With pymemcache.


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.log()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def test_pymemcache_puts_and_takes(client: Client) -> None:
    assert client.set("mails", b"to ada")
    assert client.set("mails", "to bob", expire=60)
    assert client.add("mails", b"no") is False
    assert client.replace("mails", b"to eve") is True
    assert client.get("mails") == b"to ada"
    assert client.gets("mails") == (b"to bob", b"2")
    assert client.get("mails") == b"to eve"
    assert client.get("mails", default="nobody") == "nobody"
    assert client.gets("mails") == (None, None)
    assert client.set_many({"a": b"1", "b": b"2"}) == []
    assert client.get_many(["a", "none", "b"]) == {"a": b"1", "b": b"2"}
    assert client.version() == __version__.encode()
    stats = client.stats()
    assert (stats[b"cmd_set"], stats[b"curr_items"], stats[b"curr_connections"]) == (6, 0, 1)
    client.set("a", b"x" * 100_000)
    assert client.stats("queues") == {b"a:waiting": 1, b"a:reserved": 0}
    assert client.flush_all() is True
    assert client.get("a") is None
    client.quit()


def test_pymemcache_without_replies(client: Client) -> None:
    for number in range(100):
        client.set("a", b"%d" % number, noreply=True)
    client.delete("a", noreply=True)
    assert [client.get("a") for _ in range(100)] == [b"%d" % number for number in range(100)]
    client.flush_all(noreply=True)


def test_pymemcaches_serializer_has_its_flags_back(server: Server) -> None:
    with server.client(serde=pickle_serde) as client:
        client.set("a", {"to": ["ada", "bob"], "size": 7})
        assert client.get("a") == {"to": ["ada", "bob"], "size": 7}


def test_pymemcache_reserves_and_confirms(server: Server, client: Client) -> None:
    client.set("mails", b"1")
    client.set("mails", b"2")
    with server.client() as worker:
        assert worker.set("config:reserv", 1)
        assert worker.get("mails") == b"1"
        assert worker.get("mails") is None
        assert worker.delete("mails") is True
        assert worker.delete("mails") is False
        assert worker.get("mails") == b"2"
        assert client.get("mails") is None
    # The server hears of its end when it does.
    while (item := client.get("mails")) is None:
        pass
    assert item == b"2"


def test_pymemcache_understands_the_refusals(client: Client) -> None:
    with pytest.raises(MemcacheClientError, match="incr is not possible on a queue"):
        client.incr("a", 1)
    with pytest.raises(MemcacheClientError, match="decr is not possible on a queue"):
        client.decr("a", 1)
    with pytest.raises(MemcacheClientError, match="cas is not possible on a queue"):
        client.cas("a", b"get a", b"1")
    with pytest.raises(MemcacheClientError, match="append is not possible on a queue"):
        client.append("a", b"get a")
    with pytest.raises(MemcacheClientError, match="touch is not possible on a queue"):
        client.touch("a")
    with pytest.raises(MemcacheServerError, match="object too large for cache"):
        client.set("a", b"x" * ((1 << 20) + 1))
    with pytest.raises(MemcacheUnknownCommandError):
        client.cache_memlimit(64)
    assert client.set("a", b"x" * (1 << 20))
    assert client.get("a") == b"x" * (1 << 20)


def test_a_pool_of_clients_in_threads_takes_every_item_once(server: Server) -> None:
    pool = PooledClient((server.host, server.port), default_noreply=False, max_pool_size=4)
    taken: list[bytes] = []

    def work(name: int) -> None:
        for number in range(50):
            pool.set("a", b"%d %d" % (name, number))
            item = pool.get("a")
            if item is not None:
                taken.append(item)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while (item := pool.get("a")) is not None:
        taken.append(item)
    assert sorted(taken) == sorted(b"%d %d" % (name, number) for name in range(4) for number in range(50))
    pool.close()


def test_what_was_there_is_there_after_a_restart(server: Server) -> None:
    with server.client() as client:
        client.set("a", b"1")
        client.set("b", b"2")
        client.set("a", b"3")
        assert client.get("a") == b"1"
        assert server.stop() == 0
    server.start()
    assert "2 items in" in server.log()
    with server.client() as client:
        assert client.get_many(["a", "b"]) == {"a": b"3", "b": b"2"}
        assert client.get("a") is None


# As a program.


def test_a_second_server_in_the_same_folder_ends_and_says_why(server: Server) -> None:
    other = Server()
    other.queues = server.queues
    other.start(wait=False)
    assert other.wait() == 1
    assert "is in use by another process" in other.log()
    other.close()


def test_a_port_that_is_taken_ends_the_server_and_is_named(server: Server) -> None:
    other = Server()
    other.port = server.port
    other.start(wait=False)
    assert other.wait() == 1
    assert f"can't listen on port {server.port} of 127.0.0.1" in other.log()
    other.close()


def test_a_wrong_option_ends_the_server_and_is_named() -> None:
    server = Server("--max-connections=many")
    server.start(wait=False)
    assert server.wait() == 2
    assert "max-connections" in server.log() or "max_connections" in server.log()
    server.close()


def test_connections_that_reserve_from_their_beginning() -> None:
    with Server("--reserve") as server, server.client() as client:
        client.set("a", b"1")
        client.set("a", b"2")
        assert [client.get("a"), client.get("a")] == [b"1", None]
        assert client.delete("a")


# On the wire.


async def test_pipelined_commands_are_answered_in_order(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path)) as running:
        client = await running.connect()
        commands = b"".join(b"set a 0 0 3 noreply\r\n%03d\r\n" % number for number in range(500))
        commands += b"get a a\r\n" + b"get a\r\n" * 498 + b"nonsense\r\ndelete a\r\nget a\r\n"
        answers = b"VALUE a 0 3\r\n000\r\nVALUE a 0 3\r\n001\r\nEND\r\n"
        answers += b"".join(b"VALUE a 0 3\r\n%03d\r\nEND\r\n" % number for number in range(2, 500))
        await client.ask(commands, answers + b"ERROR\r\nNOT_FOUND\r\nEND\r\n")
        # Few waits for the disk, however many items they are.
        assert running.store.file.syncs < 20


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\r\n", b"ERROR\r\n"),
        (b"nonsense a b\r\n", b"ERROR\r\n"),
        (b"\x80\x00\x00\x01\r\n", b"ERROR\r\n"),
        (b"GET a\r\n", b"ERROR\r\n"),
        (b"get\r\n", BAD_FORMAT),
        (b"get " + b"k" * 251 + b"\r\n", BAD_FORMAT),
        (b"get a\x01\r\n", BAD_FORMAT),
        (b"set a 0 0 x\r\n", BAD_FORMAT),
        (b"set a b 0 5\r\nget a\r\n", BAD_FORMAT),
        (b"set " + b"k" * 251 + b" 0 0 5\r\nget a\r\n", BAD_FORMAT),
        (b"set a 0 0 3\r\nabcdef\r\n", b"CLIENT_ERROR bad data chunk\r\n"),
        (b"set a 0 0 1001\r\n" + b"x" * 1001 + b"\r\n", b"SERVER_ERROR object too large for cache\r\n"),
        (b"get " + b"a " * MAX_LINE + b"\r\n", b"CLIENT_ERROR line too long\r\n"),
        (b"incr a 1\r\n", b"CLIENT_ERROR incr is not possible on a queue\r\n"),
        (b"cas a 0 0 5 1\r\nget a\r\n", b"CLIENT_ERROR cas is not possible on a queue\r\n"),
        (b"delete a b\r\n", BAD_FORMAT),
        (b"flush_all soon\r\n", b"CLIENT_ERROR flush_all is done at once or not at all\r\n"),
        (b"verbosity\r\n", BAD_FORMAT),
    ],
)
async def test_bad_input_is_answered_by_the_protocols_line_and_the_connection_goes_on(
    tmp_path: Path, data: bytes, answer: bytes
) -> None:
    async with serving(new_store(tmp_path), max_value=1000) as running:
        client = await running.connect()
        await client.ask(data, answer)
        await client.ask(b"set a 0 0 1\r\n1\r\nget a\r\n", b"STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n")


async def test_quit_closes_after_the_answers_before_it(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path)) as running:
        client = await running.connect()
        client.send(b"set a 0 0 1\r\n1\r\nget a\r\nquit\r\nget b\r\n")
        assert await client.rest() == b"STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n"
        assert running.store.hold(b"a") is None


async def test_a_client_that_goes_in_the_middle_of_a_command_leaves_nothing(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path)) as running:
        client = await running.connect()
        await client.ask(b"", b"")
        client.send(b"set a 0 0 10\r\nabc")
        await client.close()
        other = await running.connect()
        await _alone(running.server.counters)
        await other.ask(b"get a\r\n", b"END\r\n")


async def test_a_client_that_has_said_all_is_answered(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path)) as running:
        client = await running.connect()
        client.send(b"set a 0 0 1\r\n1\r\nget a\r\n")
        client.writer.write_eof()
        assert await client.rest() == b"STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n"


async def test_a_client_that_never_stops_leaves_the_others_their_turn(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path)) as running:
        other = await running.connect()
        with socket.create_connection(("127.0.0.1", running.port)) as noisy:
            threads = [threading.Thread(target=work, args=(noisy,)) for work in (_flood, _drink)]
            for thread in threads:
                thread.start()
            for number in range(20):
                await other.ask(
                    b"set a 0 0 2\r\n%2d\r\nget a\r\n" % number,
                    b"STORED\r\nVALUE a 0 2\r\n%2d\r\nEND\r\n" % number,
                )
            noisy.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def _flood(connection: socket.socket) -> None:
    try:
        while True:
            connection.sendall(b"get none\r\n" * 10_000)
    except OSError:
        # It has been shut down.
        pass


def _drink(connection: socket.socket) -> None:
    try:
        while connection.recv(1 << 20):
            pass
    except OSError:
        pass


async def _alone(counters: object, connections: int = 1) -> None:
    while counters.connections != connections:  # type: ignore[attr-defined]  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.001)


async def test_what_a_client_reserved_is_there_again_when_it_has_gone(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path), reserving=True) as running:
        first, second = await running.connect(), await running.connect()
        await first.ask(
            b"set a 0 0 1\r\n1\r\nset a 0 0 1\r\n2\r\nget a\r\n",
            b"STORED\r\nSTORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n",
        )
        await second.ask(b"get a\r\n", b"VALUE a 0 1\r\n2\r\nEND\r\n")
        # Without a goodbye.
        first.writer.transport.abort()
        await _alone(running.server.counters)
        await second.ask(b"delete a\r\nget a\r\n", b"DELETED\r\nVALUE a 0 1\r\n1\r\nEND\r\n")


async def test_no_answer_leaves_before_what_it_tells_of_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = threading.Event(), threading.Event()
    fdatasync = os.fdatasync

    def slow(fd: int) -> None:
        asked.set()
        go_on.wait()
        fdatasync(fd)

    async with serving(new_store(tmp_path)) as running:
        client, other = await running.connect(), await running.connect()
        monkeypatch.setattr(os, "fdatasync", slow)
        client.send(b"set a 0 0 1\r\n1\r\n")
        answer = asyncio.ensure_future(client.line())
        await asyncio.to_thread(asked.wait)
        # Others are served meanwhile.
        await other.ask(b"get b\r\n", b"END\r\n")
        assert not answer.done()
        go_on.set()
        assert await answer == b"STORED\r\n"


async def test_too_many_connections_are_told_so(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path), max_connections=2) as running:
        first, second = await running.connect(), await running.connect()
        await first.ask(b"", b"")
        await second.ask(b"", b"")
        third = await running.connect()
        assert await third.rest() == b"SERVER_ERROR too many open connections\r\n"
        await first.close()
        await _alone(running.server.counters)
        fourth = await running.connect()
        await fourth.ask(b"get a\r\n", b"END\r\n")


async def test_a_client_that_does_not_read_is_given_no_more_and_dropped_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    count, size = 400, 100_000
    store = new_store(tmp_path, max_bytes=1 << 27)
    async with serving(store, send_seconds=0.2) as running:
        for number in range(count):
            store.put(b"a", 0, 0, b"%*d" % (size, number))
        await store.synced()
        slow, other = await running.connect(), await running.connect()
        await other.ask(b"", b"")
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        slow.send(b"get a\r\n" * count)
        with caplog.at_level("INFO", "queue_server"):
            await _alone(running.server.counters, 2)
            await _alone(running.server.counters)
        assert "127.0.0.1 doesn't take its answers; closed" in caplog.text
        counters = running.server.counters
        # What the system's buffers take, and no more: the queue has the rest, from the item on that did not go out.
        assert 1 < counters.hits < count
        assert counters.returned == 1
        assert len(store.queues) == count - counters.hits + 1
        await other.ask(
            b"get a\r\n",
            b"VALUE a 0 %d\r\n%*d\r\nEND\r\n" % (size, size, counters.hits - 1),
        )


async def test_a_disk_that_fails_is_answered_and_ends_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    failures: list[str] = []
    store = new_store(tmp_path, failed=lambda: failures.append("failed"))
    async with serving(store) as running:
        client = await running.connect()
        monkeypatch.setattr(os, "fdatasync", full)
        client.send(b"set a 0 0 1\r\n1\r\n")
        assert await client.rest() == b"SERVER_ERROR the log can't be written: No space left on device\r\n"
        assert failures == ["failed"]


async def test_the_server_ends_its_connections(tmp_path: Path) -> None:
    async with serving(new_store(tmp_path)) as running:
        clients = [await running.connect() for _ in range(5)]
        for client in clients:
            await client.ask(b"", b"")
        running.server.stop()
        await running.server.close()
        assert [await client.rest() for client in clients] == [b""] * 5
        assert running.server.counters.connections == 0
