from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from framework.ioloop import IOLoop
from framework.netutil import Resolver

pytest.importorskip("pycares", reason="the extra cares is not installed")

import pycares

from framework.platform.caresresolver import CaresResolver

pytestmark = pytest.mark.both_loops

# One thread of pycares, made for the first channel that is closed, closes them all.
pycares.Channel().close()

NAMES: dict[str, list[str]] = {
    "four.test": ["10.0.0.1", "10.0.0.2"],
    "six.test": ["fd00::1"],
    "both.test": ["10.0.0.3", "fd00::3"],
    "xn--bcher-kva.test": ["10.0.0.4"],
}
A, AAAA = 1, 28


class NameServer(asyncio.DatagramProtocol):
    """Answers for `NAMES`; is silent where a name begins with "silent"."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        labels, position = [], 12
        while data[position]:
            labels.append(data[position + 1 : position + 1 + data[position]].decode())
            position += data[position] + 1
        name = ".".join(labels).lower()
        (kind,) = struct.unpack_from(">H", data, position + 1)
        question = data[12 : position + 5]
        self.asked.append(name)
        if name.startswith("silent"):
            return
        family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
        records = b""
        count = 0
        for text in NAMES.get(name, []):
            if kind in (A, AAAA) and (":" in text) == (kind == AAAA):
                packed = socket.inet_pton(family, text)
                records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(packed)) + packed
                count += 1
        code = 2 if name.startswith("broken") else 0 if name in NAMES else 3
        header = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0)
        self.transport.sendto(header + question + records, address)


@asynccontextmanager
async def resolver(**options: Any) -> AsyncIterator[tuple[CaresResolver, NameServer]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    asking: Any = CaresResolver(
        servers=[f"127.0.0.1:{port}"], udp_port=port, tcp_port=port, lookups="b", **options
    )
    try:
        yield asking, server
    finally:
        asking.close()
        transport.close()
        assert asking.fds == {}


async def test_addresses_have_their_family_and_the_form_that_connect_takes() -> None:
    async with resolver() as (asking, _):
        four, six = socket.AF_INET, socket.AF_INET6
        assert sorted(await asking.resolve("four.test", 80)) == [
            (four, ("10.0.0.1", 80)),
            (four, ("10.0.0.2", 80)),
        ]
        assert await asking.resolve("six.test", 81) == [(six, ("fd00::1", 81, 0, 0))]
        both = [(four, ("10.0.0.3", 82)), (six, ("fd00::3", 82, 0, 0))]
        assert sorted(await asking.resolve("both.test", 82)) == both
        assert await asking.resolve("both.test", 82, four) == both[:1]
        assert await asking.resolve("both.test", 82, six) == both[1:]
        assert asking.channel is not None
        assert asking.io_loop is IOLoop.current()


async def test_addresses_in_numbers_are_not_asked_for() -> None:
    async with resolver() as (asking, server):
        assert await asking.resolve("10.1.2.3", 80) == [(socket.AF_INET, ("10.1.2.3", 80))]
        assert await asking.resolve("127.1", 80) == [(socket.AF_INET, ("127.0.0.1", 80))]
        assert await asking.resolve("::1", 80) == [(socket.AF_INET6, ("::1", 80, 0, 0))]
        with pytest.raises(socket.gaierror, match="family"):
            await asking.resolve("10.1.2.3", 80, socket.AF_INET6)
        assert server.asked == []


async def test_names_of_other_scripts() -> None:
    async with resolver() as (asking, server):
        assert await asking.resolve("bücher.test", 80) == [(socket.AF_INET, ("10.0.0.4", 80))]
        with pytest.raises(socket.gaierror, match="is not a host name") as raised:
            await asking.resolve("ü" * 70, 80)
        assert raised.value.errno == socket.EAI_NONAME
        assert set(server.asked) == {"xn--bcher-kva.test"}


@pytest.mark.parametrize(
    ("host", "family", "code", "text"),
    [
        ("nothing.test", 0, socket.EAI_NONAME, "C-Ares returned error 4: .* while resolving nothing.test"),
        ("four.test", socket.AF_INET6, socket.EAI_NONAME, "C-Ares returned error"),
        ("not a name", 0, socket.EAI_NONAME, "while resolving not a name"),
        ("", 0, socket.EAI_NONAME, "while resolving"),
        ("four.test", socket.AF_UNIX, socket.EAI_FAMILY, "while resolving four.test"),
        ("broken.test", 0, socket.EAI_AGAIN, "C-Ares returned error .* while resolving broken.test"),
    ],
)
async def test_errors_are_those_of_getaddrinfo(host: str, family: int, code: int, text: str) -> None:
    async with resolver(tries=1, timeout=0.2) as (asking, _):
        with pytest.raises(OSError, match=text) as raised:
            await asking.resolve(host, 80, family)
        assert isinstance(raised.value, socket.gaierror)
        assert raised.value.errno == code


async def test_a_server_that_is_silent_is_given_up() -> None:
    async with resolver(tries=2, timeout=0.05) as (asking, server):
        with pytest.raises(socket.gaierror, match=r"while resolving silent\.test") as raised:
            await asking.resolve("silent.test", 80, socket.AF_INET)
        assert raised.value.errno == socket.EAI_AGAIN
        # It was asked again, by a timer.
        assert server.asked == ["silent.test"] * 2


async def test_many_at_once() -> None:
    async with resolver() as (asking, _):
        found = await asyncio.gather(*(asking.resolve("four.test", port) for port in range(20)))
        assert [answer[0][1][1] for answer in found] == list(range(20))


async def test_cancelling_and_closing_while_it_waits() -> None:
    async with resolver() as (asking, server):
        given_up = asyncio.ensure_future(asking.resolve("silent.test", 80))
        waiting = asyncio.ensure_future(asking.resolve("silent.too.test", 80))
        while len(set(server.asked)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        given_up.cancel()
        await asyncio.sleep(0)
        asking.close()
        asking.close()
        with pytest.raises(socket.gaierror, match=r"while resolving silent\.too\.test"):
            await waiting
        assert given_up.cancelled()
        with pytest.raises(RuntimeError):
            await asking.resolve("four.test", 80)


async def test_the_system_s_hosts_are_known() -> None:
    asking: Any = CaresResolver()
    found = await asking.resolve("localhost", 80)
    assert (socket.AF_INET, ("127.0.0.1", 80)) in found or (socket.AF_INET6, ("::1", 80, 0, 0)) in found
    asking.close()


async def test_it_can_be_configured() -> None:
    Resolver.configure("framework.platform.caresresolver.CaresResolver", tries=1)
    try:
        made: Any = Resolver()
        assert isinstance(made, CaresResolver)
        made.close()
    finally:
        Resolver.configure(None)
