"""Requests whose end or meaning can be read in two ways are refused: RFC 9112 sections 2.2, 3.2, 5, 6 and 11.

Each is answered with a complete response, the connection closes, no handler runs, and what is smuggled
behind it is never looked at.
"""

from __future__ import annotations

import pytest

from tests._http1.conftest import Server
from tests._http1.wire import get, request

pytestmark = pytest.mark.both_loops

H = b"Host: localhost\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """Return a POST with the given lines, each with whatever end it brings or CRLF."""
    return b"POST / HTTP/1.1\r\n" + H + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def header(*lines: bytes) -> bytes:
    """Return a GET with the given lines."""
    return b"GET / HTTP/1.1\r\n" + H + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


AMBIGUOUS = {
    "a length and chunked": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked and a length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "two lengths in one line": post(b"Content-Length: 5, 6", body=b"hello!"),
    "length with plus": post(b"Content-Length: +5", body=b"hello"),
    "length with minus": post(b"Content-Length: -5", body=b"hello"),
    "length with underscore": post(b"Content-Length: 1_0", body=b"hellohello"),
    "length in hexadecimal": post(b"Content-Length: 0x5", body=b"hello"),
    "length with a point": post(b"Content-Length: 5.0", body=b"hello"),
    "length with an exponent": post(b"Content-Length: 1e1", body=b"hellohello"),
    "length in two words": post(b"Content-Length: 5 5", body=b"hello"),
    "length in other digits": post("Content-Length: \u0665".encode(), body=b"hello"),
    "length in superscript": post(b"Content-Length: \xb2", body=b"he"),
    "no length in the line": post(b"Content-Length: ", body=b"hello"),
    "length beyond 64 bits": post(b"Content-Length: 99999999999999999999999", body=b"hello"),
    "two codings, chunked not last": post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked in two lines": post(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "not quite chunked": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"),
    "chunked behind a control": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity", body=b"hello"),
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF at the end of a line": b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "bare LF at the end of the request line": b"GET / HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare LF at the end of the header": b"GET / HTTP/1.1\r\nHost: localhost\r\n\n",
    "nothing but bare LF": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "bare CR in a value": header(b"X: a\rb"),
    "bare CR that hides a line": header(b"X: a\rContent-Length: 5"),
    "bare CR for the end of a line": b"GET / HTTP/1.1\rHost: localhost\r\n\r\n",
    "space before the colon": header(b"X : y"),
    "space before the colon of a length": post(b"Content-Length : 5", body=b"hello"),
    "tab before the colon": header(b"X\t: y"),
    "a folded line": header(b"X: a", b" b"),
    "a line folded with a tab": header(b"X: a", b"\tb"),
    "a folded length": post(b"Content-Length:", b" 5", body=b"hello"),
    "space before the first line": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "NUL in a value": header(b"X: a\0b"),
    "NUL in a name": header(b"X\0: a"),
    "NUL in the target": b"GET /\0 HTTP/1.1\r\n" + H + b"\r\n",
    "a control in a value": header(b"X: a\x01b"),
    "DEL in a value": header(b"X: a\x7fb"),
    "a name with a parenthesis": header(b"X(: a"),
    "a name beyond ASCII": header("Ä: a".encode()),
    "a line without a colon": header(b"Nothing"),
    "a line without a name": header(b": a"),
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "the same Host twice": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "two Hosts in HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "Host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "Host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "two Hosts in one line": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "a target with a space": b"GET /a b HTTP/1.1\r\n" + H + b"\r\n",
    "no target": b"GET HTTP/1.1\r\n" + H + b"\r\n",
    "no version": b"GET /\r\n" + H + b"\r\n",
    "another protocol": b"GET / HTTPS/1.1\r\n" + H + b"\r\n",
    "a version in small letters": b"GET / http/1.1\r\n" + H + b"\r\n",
    "a version of three digits": b"GET / HTTP/1.10\r\n" + H + b"\r\n",
    "a future version": b"GET / HTTP/3.0\r\n" + H + b"\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03",
    "a method with a control": b"G\x01T / HTTP/1.1\r\n" + H + b"\r\n",
    "a method in brackets": b"<GET> / HTTP/1.1\r\n" + H + b"\r\n",
}

CHUNK_ATTACKS = {
    "size with plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size with minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size with underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "size with prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size behind a space": b" 5\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "size beyond 64 bits": b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "nothing behind the data": b"5\r\nhello0\r\n\r\n",
    "bare LF behind the data": b"5\r\nhello\n0\r\n\r\n",
    "more data than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "a bad trailer": b"0\r\nX : y\r\n\r\n",
    "bare LF behind the last chunk": b"0\n\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_it_is_refused(server: Server, name: str) -> None:
    client = await server.connect()
    response = await client.ask(AMBIGUOUS[name] + SMUGGLED)
    assert response.status in (400, 501, 505, 413), response
    assert response["Connection"].lower() == "close"
    assert int(response["Content-Length"]) == len(response.body)
    assert await client.rest() == b""
    assert server.state.seen == []


@pytest.mark.parametrize("name", CHUNK_ATTACKS)
async def test_a_broken_chunk_is_refused(server: Server, name: str) -> None:
    client = await server.connect()
    response = await client.ask(post(b"Transfer-Encoding: chunked", body=CHUNK_ATTACKS[name]) + SMUGGLED)
    assert response.status in (400, 413), response
    assert response["Connection"].lower() == "close"
    assert await client.rest() == b""
    assert "GET /smuggled" not in server.state.seen


@pytest.mark.parametrize("name", ["two lengths", "NUL in a value", "bare CR in a value", "no Host"])
async def test_it_is_refused_byte_by_byte(server: Server, name: str) -> None:
    client = await server.connect()
    data = AMBIGUOUS[name]
    try:
        await client.send(*[data[at : at + 1] for at in range(len(data))])
    except ConnectionError:
        # Refused before its end.
        pass
    assert (await client.response()).status == 400
    assert server.state.seen == []


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length:5",
        b"Content-Length: \t 5 \t",
        b"content-length: 5",
        b"CONTENT-LENGTH: 005",
    ],
)
async def test_what_is_clear_is_served(server: Server, line: bytes) -> None:
    client = await server.connect()
    assert (await client.ask(post(line, body=b"hello"))).body == b"hello"
    assert (await client.ask(get("/next"))).body == b"hello /next"


@pytest.mark.parametrize("value", ["chunked", "Chunked", "CHUNKED", " chunked "])
async def test_chunked_in_any_case_is_served(server: Server, value: str) -> None:
    data = request("POST", "/", [f"Transfer-Encoding:{value}"]) + b"5\r\nhello\r\n0\r\n\r\n"
    assert (await server.ask(data)).body == b"hello"


@pytest.mark.parametrize(
    "host", ["localhost", "example.org:8080", "[::1]", "[::1]:80", "127.0.0.1", "a-b.c_d"]
)
async def test_good_hosts_are_served(server: Server, host: str) -> None:
    assert (await server.ask(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())).status == 200


async def test_letters_beyond_ascii_in_a_value_are_served(server: Server) -> None:
    assert (await server.ask(get("/", "X: caf\u00e9"))).status == 200
