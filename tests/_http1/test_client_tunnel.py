"""CONNECT on a fake transport."""

from __future__ import annotations

import asyncio

import pytest

from framework._http1.client_tunnel import Tunnel, TunnelRefused
from tests.fakes import FakeTransport


def make(authorization: str | None = None) -> tuple[Tunnel, FakeTransport]:
    """A tunnel that has been asked for."""
    tunnel = Tunnel("example.com:443", authorization, asyncio.get_running_loop())
    transport = FakeTransport(tunnel)
    transport.connect()
    return tunnel, transport


async def test_what_the_proxy_is_asked() -> None:
    assert make()[1].take() == b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
    assert b"\r\nProxy-Authorization: Basic eDp5\r\n" in make("Basic eDp5")[1].take()


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 Connection established\r\n\r\n",),
        (b"HTTP/1.0 201 \r\nA: b\r\n", b"C: d\r\n\r", b"\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",),
        (b"HTTP/1.1 102 Wait\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
async def test_the_way_is_open(pieces: tuple[bytes, ...]) -> None:
    tunnel, transport = make()
    for piece in pieces:
        assert not tunnel.opened.done()
        transport.feed(piece)
    assert await tunnel.opened is transport
    # Whoever takes it over misses nothing.
    assert not transport.is_reading()


@pytest.mark.parametrize(
    ("data", "message", "status"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered 407 Proxy Auth", 407),
        (b"HTTP/1.1 502 \r\n\r\n", "the proxy answered 502", 502),
        (b"SSH-2.0\r\n\r\n", "answered with 'SSH-2.0', which is no HTTP", None),
        (b"HTTP/1.1 200 OK\r\n\r\nand more", "something behind its answer", None),
        (b"x" * 70_000, "more than 65536 bytes", None),
        (b"HTTP/1.1 100 \r\n\r\n" * 2000, "Too many 1xx responses", None),
    ],
)
async def test_the_way_is_not_open(data: bytes, message: str, status: int | None) -> None:
    tunnel, transport = make()
    transport.feed(data)
    with pytest.raises(TunnelRefused, match=message) as caught:
        await tunnel.opened
    assert caught.value.status == status
    transport.deliver_close()


async def test_the_proxy_goes() -> None:
    tunnel, transport = make()
    transport.feed(b"HTTP/1.1 2")
    transport.deliver_close()
    with pytest.raises(TunnelRefused, match="closed the connection"):
        await tunnel.opened


async def test_nobody_waits_any_more() -> None:
    tunnel, transport = make()
    tunnel.opened.cancel()
    transport.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    transport.deliver_close()
    assert tunnel.opened.cancelled()
