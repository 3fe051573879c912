"""Both clients against servers that know nothing of this project: nginx, tinyproxy, OpenSSL."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.httpclient import AsyncHTTPClient, HTTPClientError
from framework.httpclient.errors import HTTPProxyError
from framework.httpclient.simple import SimpleAsyncHTTPClient
from framework.simple_httpclient import HTTPTimeoutError
from tests.httpclient.conftest import Authority, MakeClient, MakePeer, expire
from tests.httpclient.peer import HANG, NOW, Peer
from tests.servers import NginxServer, TinyproxyServer
from tests.streams import until

TEXT = "".join(f"line {number}\n" for number in range(20_000))

_SITE = """
    gzip on; gzip_types text/plain; gzip_min_length 100;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /chunked/ {{ ssi on; ssi_types text/plain; alias {root}/; gzip off; }}
        location /closing/ {{ keepalive_timeout 0; alias {root}/; }}
        location /two {{ return 200 "two"; }}
        location /moved {{ return 302 /two; }}
        location /gone {{ return 410 "gone"; }}
        location /upload {{
            client_max_body_size 1k; client_body_buffer_size 16k;
            proxy_pass http://127.0.0.1:{port}/two;
        }}
    }}
"""


@pytest.fixture(scope="module")
def nginx() -> Iterator[str]:
    """The address of an nginx with a few files."""
    server = NginxServer()
    root = Path(server.folder)
    (root / "text.txt").write_text(TEXT)
    (root / "small.bin").write_bytes(bytes(range(256)))
    server.http = _SITE.format(port=server.port, root=root)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.close()


@pytest.fixture(scope="module")
def proxy() -> Iterator[TinyproxyServer]:
    """A forward proxy that asks for a password."""
    server = TinyproxyServer("someone", "secret").start()
    yield server
    server.close()


def through(proxy: TinyproxyServer, **more: Any) -> dict[str, Any]:
    """The arguments of a request that goes through the proxy."""
    return {
        "proxy_host": proxy.host,
        "proxy_port": proxy.port,
        "proxy_username": proxy.username,
        "proxy_password": proxy.password,
    } | more


async def test_nginx_files_packed_and_plain(client: AsyncHTTPClient, nginx: str) -> None:
    packed = await client.fetch(f"{nginx}/text.txt")
    assert packed.body.decode() == TEXT
    assert packed.headers["X-Consumed-Content-Encoding"] == "gzip"
    plain = await client.fetch(f"{nginx}/text.txt", decompress_response=False)
    assert plain.body.decode() == TEXT
    own = await client.fetch(
        f"{nginx}/text.txt", decompress_response=False, headers={"Accept-Encoding": "gzip"}
    )
    assert gzip.decompress(own.body).decode() == TEXT


async def test_nginx_ranges_conditions_and_methods(client: AsyncHTTPClient, nginx: str) -> None:
    got = await client.fetch(f"{nginx}/small.bin", headers={"Range": "bytes=10-19"})
    assert (got.code, got.body) == (206, bytes(range(10, 20)))
    assert got.headers["Content-Range"] == "bytes 10-19/256"
    etag = got.headers["ETag"]
    again = await client.fetch(f"{nginx}/small.bin", headers={"If-None-Match": etag}, raise_error=False)
    assert (again.code, again.body) == (304, b"")
    head = await client.fetch(f"{nginx}/small.bin", method="HEAD", decompress_response=False)
    assert (head.body, head.headers["Content-Length"]) == (b"", "256")
    assert (await client.fetch(f"{nginx}/moved")).effective_url == f"{nginx}/two"
    got = await client.fetch(f"{nginx}/gone", raise_error=False)
    assert (got.code, got.body) == (410, b"gone")
    with pytest.raises(HTTPClientError, match="HTTP 404"):
        await client.fetch(f"{nginx}/nothing")


async def test_nginx_chunked(client: AsyncHTTPClient, nginx: str) -> None:
    got = await client.fetch(f"{nginx}/chunked/text.txt")
    assert got.headers["Transfer-Encoding"] == "chunked"
    assert got.body.decode() == TEXT
    pieces: list[bytes] = []
    await client.fetch(f"{nginx}/chunked/text.txt", streaming_callback=pieces.append)
    assert b"".join(pieces).decode() == TEXT


async def test_nginx_keeps_connections(make_simple: MakeClient, nginx: str) -> None:
    client = make_simple(max_clients=4)
    bodies = await asyncio.gather(*[client.fetch(f"{nginx}/two") for _ in range(40)])
    assert {got.body for got in bodies} == {b"two"}
    assert isinstance(client, SimpleAsyncHTTPClient)
    assert 1 <= len(client._pool) <= 4
    for _ in range(3):
        got = await client.fetch(f"{nginx}/closing/small.bin")
        assert (len(got.body), got.headers["Connection"]) == (256, "close")


async def test_nginx_says_no_before_all_is_sent(client: AsyncHTTPClient, nginx: str) -> None:
    got = await client.fetch(f"{nginx}/upload", method="POST", body=bytes(100_000), raise_error=False)
    assert got.code == 413
    got = await client.fetch(
        f"{nginx}/upload", method="POST", body=bytes(100_000), raise_error=False, expect_100_continue=True
    )
    assert got.code == 413
    got = await client.fetch(f"{nginx}/upload", method="POST", body=bytes(1000), expect_100_continue=True)
    assert got.body == b"two"


async def test_proxied_http(client: AsyncHTTPClient, proxy: TinyproxyServer, peer: Peer, nginx: str) -> None:
    for _ in range(2):
        assert (await client.fetch(f"{nginx}/two", **through(proxy))).body == b"two"
    got = await client.fetch(peer.url("/é?x"), **through(proxy), method="POST", body=b"abc")
    assert got.body == b"ok"
    [request] = peer.requests
    assert (request.target, request.body, request["Host"]) == ("/%C3%A9?x", b"abc", f"127.0.0.1:{peer.port}")
    assert request["Proxy-Authorization"] is None


async def test_a_proxy_that_refuses_http(client: AsyncHTTPClient, proxy: TinyproxyServer, peer: Peer) -> None:
    for arguments in ({"proxy_password": "wrong"}, {"proxy_username": None}):
        with pytest.raises(HTTPClientError) as caught:
            await client.fetch(peer.url(), **through(proxy, **arguments))
        assert caught.value.code in (401, 407)
    assert not peer.requests


async def test_a_tunnel_through_the_proxy(
    client: AsyncHTTPClient, proxy: TinyproxyServer, make_peer: MakePeer, authority: Authority
) -> None:
    peer = await make_peer(authority.context())
    for _ in range(2):
        got = await client.fetch(
            peer.url("/x", "https", "localhost"), **through(proxy, ca_certs=authority.ca), headers={"A": "b"}
        )
        assert got.body == b"ok"
    lines: list[str] = []
    await client.fetch(
        peer.url("/x", "https", "localhost"),
        **through(proxy, ca_certs=authority.ca, header_callback=lines.append),
    )
    # What the proxy says is not the server's answer.
    assert lines == ["HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n", "\r\n"]
    assert [(r.target, r["Proxy-Authorization"], r.connection) for r in peer.requests] == [
        ("/x", None, 0)
    ] * 3


async def test_a_proxy_that_refuses_a_tunnel(
    client: AsyncHTTPClient, proxy: TinyproxyServer, make_peer: MakePeer, authority: Authority
) -> None:
    peer = await make_peer(authority.context())
    url = peer.url("/x", "https", "localhost")
    with pytest.raises(HTTPProxyError, match=r"40[17]") as caught:
        await client.fetch(url, **through(proxy, proxy_password="wrong"))
    assert caught.value.code == 599
    with pytest.raises(HTTPProxyError, match=r"CONNECT|proxy"):
        await client.fetch("https://127.0.0.1:1/", **through(proxy))
    assert not peer.connections


async def test_a_proxy_that_is_not_there(client: AsyncHTTPClient, peer: Peer) -> None:
    with pytest.raises((HTTPClientError, ConnectionRefusedError)):
        await client.fetch(peer.url(), proxy_host="127.0.0.1", proxy_port=1)


@pytest.mark.both_loops
async def test_tls_with_an_authority_of_ones_own(
    client: AsyncHTTPClient, make_peer: MakePeer, authority: Authority
) -> None:
    peer = await make_peer(authority.context())
    for host in ("localhost", "127.0.0.1", "localhost"):
        got = await client.fetch(peer.url("/", "https", host), ca_certs=authority.ca)
        assert got.body == b"ok"
    assert peer.connections == 2


async def test_tls_that_nobody_vouches_for(
    client: AsyncHTTPClient, kind: str, make_peer: MakePeer, authority: Authority
) -> None:
    peer = await make_peer(authority.context())
    error: tuple[type[Exception], ...] = (
        (ssl.SSLCertVerificationError,) if kind == "simple" else (HTTPClientError,)
    )
    with pytest.raises(error):
        await client.fetch(peer.url("/", "https", "localhost"))
    other = await make_peer(authority.context(authority.other))
    with pytest.raises(error):
        await client.fetch(other.url("/", "https", "localhost"), ca_certs=authority.ca)
    for one in (peer, other):
        assert (await client.fetch(one.url("/", "https"), validate_cert=False)).body == b"ok"
        # What was not asked for a proof does not serve those who do.
        with pytest.raises(error):
            await client.fetch(one.url("/", "https", "localhost"))


async def test_a_client_certificate(
    client: AsyncHTTPClient, kind: str, make_peer: MakePeer, authority: Authority
) -> None:
    peer = await make_peer(authority.context(ask_client=True))
    certificate, key = authority.client
    url = peer.url("/", "https", "localhost")
    got = await client.fetch(url, ca_certs=authority.ca, client_cert=certificate, client_key=key)
    assert got.body == b"ok"
    # Without it the server closes, during the handshake or behind it.
    with pytest.raises((ssl.SSLError, HTTPClientError, ConnectionError)):
        await client.fetch(url, ca_certs=authority.ca)


async def test_options_for_tls(simple: AsyncHTTPClient, make_peer: MakePeer, authority: Authority) -> None:
    peer = await make_peer(authority.context())
    url = peer.url("/", "https", "localhost")
    context = ssl.create_default_context(cafile=authority.ca)
    for options in (context, {"ca_certs": authority.ca}, {"cert_reqs": ssl.CERT_NONE}):
        for _ in range(2):
            assert (await simple.fetch(url, ssl_options=options, validate_cert=True)).body == b"ok"
    assert peer.connections == 3
    with pytest.raises(ValueError, match="unknown ssl options nothing"):
        await simple.fetch(url, ssl_options={"nothing": 1})
    with pytest.raises(OSError, match="No such file"):
        await simple.fetch(url, ca_certs="/does/not/exist")


async def test_a_response_over_tls_that_breaks_off(
    client: AsyncHTTPClient, make_peer: MakePeer, authority: Authority
) -> None:
    peer = await make_peer(authority.context())
    url = peer.url("/", "https", "localhost")
    peer.will(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", close=True)
    with pytest.raises(HTTPClientError) as caught:
        await client.fetch(url, ca_certs=authority.ca)
    assert caught.value.code == 599
    peer.will(HANG)
    future = client.fetch(url, ca_certs=authority.ca)
    await peer.until_requests(2)
    future.cancel()
    await peer.until_closed()


async def test_a_server_that_goes_during_the_handshake(simple: AsyncHTTPClient, peer: Peer) -> None:
    peer.will(NOW)
    with pytest.raises(ConnectionResetError, match="lost during the TLS handshake"):
        await simple.fetch(peer.url(scheme="https"))


async def test_something_that_does_not_speak_tls(client: AsyncHTTPClient, nginx: str) -> None:
    with pytest.raises((ssl.SSLError, HTTPClientError)):
        await client.fetch(nginx.replace("http:", "https:") + "/two")


async def test_a_tunnel_that_ends_in_the_handshake(
    make_simple: MakeClient, proxy: TinyproxyServer, peer: Peer, authority: Authority
) -> None:
    client = make_simple()
    future = client.fetch(peer.url("/", "https", "localhost"), **through(proxy))
    await expire(client, "during TLS handshake with localhost")
    with pytest.raises(HTTPTimeoutError, match="during TLS handshake with localhost"):
        await future
    # The proxy may be connected before the server has noticed.
    await until(lambda: peer.connections)
    await peer.until_closed()
    # What answers there does not speak TLS.
    peer.will(NOW, b"hello, this is no TLS at all")
    with pytest.raises((ssl.SSLError, ConnectionError, HTTPProxyError)):
        await client.fetch(peer.url("/", "https"), **through(proxy))
    # The proxy takes a while to tell the server that the client has gone.
    ended = asyncio.Event()

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await writer.start_tls(authority.context())
        except OSError:
            pass
        writer.transport.abort()
        ended.set()

    other = await asyncio.start_server(shake_hands, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    with pytest.raises(ssl.SSLCertVerificationError):
        await client.fetch(f"https://127.0.0.1:{port}/", **through(proxy))
    other.close()
    await ended.wait()
