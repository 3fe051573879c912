"""Ways to a server, and what is said when there is none: names, addresses, deadlines."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from framework.httpclient import AsyncHTTPClient
from framework.netutil import Resolver
from framework.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError
from tests.httpclient.conftest import MakeClient, expire
from tests.httpclient.peer import HANG, OK, Peer, response

both_loops = pytest.mark.both_loops


class Hosts(Resolver):
    """Leads names of the tests somewhere, or nowhere."""

    def initialize(self, **known: Any) -> None:
        """Addresses by name."""
        self.known = known
        self.closed = 0

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """The addresses, for any port of their own."""
        if host == "never":
            await asyncio.Event().wait()
        found: list[tuple[int, Any]] = self.known[host]
        return found

    def close(self) -> None:
        """Counts."""
        self.closed += 1


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port where connections are neither accepted nor refused."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        clients = [socket.socket() for _ in range(4)]
        for one in clients:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            yield address[1]
        finally:
            for one in clients:
                one.close()


@both_loops
async def test_a_timeout_names_what_was_waited_for(make_client: MakeClient, kind: str, peer: Peer) -> None:
    client = make_client(max_clients=1)

    async def late(future: Any, doing: str) -> None:
        await expire(client, doing)
        with pytest.raises(HTTPTimeoutError, match=f"^Timeout {doing}$") as caught:
            await future
        assert (caught.value.code, caught.value.response) == (599, None)

    peer.will(HANG)
    await late(client.fetch(peer.url()), "during request")
    await peer.until_gone(1)
    peer.will(HANG)
    busy = client.fetch(peer.url())
    await late(client.fetch(peer.url()), "in request queue")
    busy.cancel()
    # The peer waits for the rest of a request.
    await late(client.fetch(peer.url(scheme="https")), f"during TLS handshake with 127.0.0.1:{peer.port}")
    with full_backlog() as port:
        await late(client.fetch(f"http://127.0.0.1:{port}/"), f"while connecting to 127.0.0.1:{port}")
    if kind == "simple":
        resolving = make_client(resolver=Hosts())
        client = resolving
        await late(resolving.fetch("http://never/"), "while resolving never")


async def test_a_connection_has_less_time_than_a_request(make_client: MakeClient, peer: Peer) -> None:
    client: Any = make_client(max_clients=1)
    peer.will(HANG)
    busy = client.fetch(peer.url(), connect_timeout=1000, request_timeout=2000)
    waiting = client.fetch(peer.url(), connect_timeout=1000, request_timeout=2000)
    unlimited = client.fetch(peer.url(), connect_timeout=0, request_timeout=2000)
    await peer.until_requests(1)
    now = asyncio.get_running_loop().time()
    first, second, third = client._fetches
    assert now + 900 < second.deadline < now + 1100
    assert now + 1900 < third.deadline < now + 2100
    # libcurl is asked what it is at when the time for connecting is over.
    if first.deadline < now + 1900:
        first.deadline_passed()
    assert now + 1900 < first.deadline < now + 2100
    for future in (busy, waiting, unlimited):
        future.cancel()


async def test_the_clock_ends_a_fetch(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(HANG)
    with pytest.raises(HTTPTimeoutError, match=r"^Timeout "):
        await client.fetch(peer.url(), request_timeout=0.01)


async def test_no_limit_is_no_limit(client: AsyncHTTPClient, peer: Peer) -> None:
    got = await client.fetch(peer.url(), request_timeout=0, connect_timeout=0)
    assert got.body == b"ok"
    with pytest.raises(TypeError):
        await client.fetch(peer.url(), request_timeout="soon")


async def test_the_time_of_a_request_includes_its_redirects(client: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(HANG, response(b"", 302, "Location: /again")).will(HANG)
    future = client.fetch(peer.url())
    await peer.until_requests(1)
    [fetch] = client._fetches  # type: ignore[attr-defined]
    deadline = fetch._request_deadline
    peer.release.set()
    await peer.until_requests(2)
    assert fetch._request_deadline == deadline
    assert future.done() or future.cancel()


@both_loops
async def test_the_next_address_is_tried(make_simple: MakeClient, peer: Peer) -> None:
    with closing(socket.socket()) as refusing, full_backlog() as silent:
        refusing.bind(("127.0.0.1", 0))
        addresses = {
            "refused": ("127.0.0.1", refusing.getsockname()[1]),
            "silent": ("127.0.0.1", silent),
            "good": ("127.0.0.1", peer.port),
        }
        known = {name: (socket.AF_INET, address) for name, address in addresses.items()}
        client = make_simple(
            resolver=Hosts(
                two=[known["refused"], known["good"]],
                slow=[known["silent"], known["refused"], known["good"]],
                both=[known["good"], known["good"]],
                bad=[known["refused"], known["refused"]],
                none=[],
            )
        )
        for name in ("two", "slow", "both"):
            assert (await client.fetch(f"http://{name}/")).body == b"ok"
        with pytest.raises(ConnectionRefusedError, match=r"Connection refused: .*127\.0\.0\.1"):
            await client.fetch("http://bad/")
        with pytest.raises(socket.gaierror, match="no address for 'none'"):
            await client.fetch("http://none/")
        with pytest.raises(KeyError):
            await client.fetch("http://unknown/")


@both_loops
async def test_a_resolver_may_lead_to_a_unix_socket(make_simple: MakeClient, tmp_path: Any) -> None:
    path = str(tmp_path / "socket")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    client = make_simple(resolver=Hosts(local=[(socket.AF_UNIX, path)]))
    assert (await client.fetch("http://local/")).body == b"ok"
    client.close()
    server.close()
    await server.wait_closed()


async def test_the_local_address(client: AsyncHTTPClient, kind: str, peer: Peer) -> None:
    assert (await client.fetch(peer.url(), network_interface="127.0.0.2")).body == b"ok"
    [writer] = peer.open
    assert writer.get_extra_info("peername")[0] == "127.0.0.2"
    if kind == "simple":
        with pytest.raises(ValueError, match="Unrecognized IPv4 or IPv6 address for network_interface"):
            await client.fetch(peer.url(), network_interface="eth0")


async def test_only_ipv4_on_request(simple: AsyncHTTPClient, peer: Peer) -> None:
    assert (await simple.fetch(peer.url(host="localhost"), allow_ipv6=False)).body == b"ok"
    with pytest.raises(socket.gaierror):
        await simple.fetch("http://[::1]:1/", allow_ipv6=False)


async def test_names_can_be_mapped(make_simple: MakeClient, peer: Peer) -> None:
    client = make_simple(hostname_mapping={"example.com": "127.0.0.1"})
    await client.fetch(f"http://example.com:{peer.port}/")
    assert peer.requests[0]["Host"] == f"example.com:{peer.port}"


async def test_a_resolver_that_was_given_is_not_closed(make_simple: MakeClient, peer: Peer) -> None:
    resolver = Hosts()
    make_simple(resolver=resolver).close()
    assert resolver.closed == 0


async def test_closing_while_connecting(make_simple: MakeClient) -> None:
    client = make_simple(resolver=Hosts())
    future = client.fetch("http://never/")
    await asyncio.sleep(0)
    client.close()
    with pytest.raises(HTTPStreamClosedError):
        await future


async def test_cancelling_while_connecting(make_simple: MakeClient, peer: Peer) -> None:
    with full_backlog() as silent:
        resolver = Hosts(
            one=[(socket.AF_INET, ("127.0.0.1", silent))], two=[(socket.AF_INET, ("127.0.0.1", silent))] * 2
        )
        client = make_simple(resolver=resolver)
        for name in ("one", "two", "never"):
            future = client.fetch(f"http://{name}/")
            for _ in range(5):
                await asyncio.sleep(0)
            assert future.cancel()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_name_that_tls_can_not_take(make_simple: MakeClient, peer: Peer) -> None:
    name = "a" * 70 + ".example"
    client = make_simple(resolver=Hosts(**{name: [(socket.AF_INET, ("127.0.0.1", peer.port))]}))
    with pytest.raises(ValueError, match="label"):
        await client.fetch(f"https://{name}/")


async def test_an_error_that_is_none_of_the_network(make_simple: MakeClient, peer: Peer) -> None:
    client = make_simple(resolver=Hosts(x=[(socket.AF_INET, 5)] * 2))
    with pytest.raises((TypeError, ValueError)):
        await client.fetch("http://x/")


async def test_a_resolver_may_answer_at_once(make_simple: MakeClient, peer: Peer) -> None:
    class AtOnce(Resolver):
        def initialize(self) -> None:
            """Nothing to do."""

        def resolve(self, host: str, port: int, family: Any = socket.AF_UNSPEC) -> Any:
            return [(socket.AF_INET, ("127.0.0.1", peer.port))]

    assert (await make_simple(resolver=AtOnce()).fetch("http://x/")).body == b"ok"


async def test_cancelling_while_a_proxy_thinks(make_simple: MakeClient, peer: Peer) -> None:
    client = make_simple()
    future = client.fetch("https://x.example/", proxy_host="127.0.0.1", proxy_port=peer.will(HANG).port)
    await peer.until_requests(1)
    assert peer.requests[0].line == "CONNECT x.example:443 HTTP/1.1"
    assert future.cancel()
    await peer.until_gone(1)
