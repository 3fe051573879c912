"""What both clients fetch: the answers of a server, by path, and the arguments of the fetch."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ANSWERS", "FETCHES", "FetchCase"]

HEAD = b"HTTP/1.1 "


@dataclass(frozen=True, slots=True)
class FetchCase:
    """A fetch of ``/NAME`` with these arguments, by a client with those of its own."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    # What is put in place of the whole URL, or behind it.
    url: str = ""
    behind: str = ""


ANSWERS: dict[str, bytes] = {}
FETCHES: list[FetchCase] = []


def answer(code: int, *lines: str, body: bytes = b"", reason: str = "X") -> bytes:
    """A response with a length."""
    head = [f"HTTP/1.1 {code} {reason}", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def raw(name: str, data: bytes, **client: Any) -> None:
    """A case about what comes back: raised, returned, streamed."""
    name = name.replace(" ", "_")
    ANSWERS[f"/{name}"] = data
    FETCHES.append(FetchCase(name, {"header_callback": True}, client))
    for suffix, arguments in (
        ("returned", {"raise_error": False}),
        ("streamed", {"streaming_callback": True}),
    ):
        ANSWERS[f"/{name}-{suffix}"] = data
        FETCHES.append(FetchCase(f"{name}-{suffix}", arguments, client))


def sent(name: str, url: str = "", behind: str = "", **arguments: Any) -> None:
    """A case about what is sent."""
    FETCHES.append(FetchCase(name.replace(" ", "_"), arguments, url=url, behind=behind))


def moved(name: str, code: int, location: str = "/landed", **arguments: Any) -> None:
    """A case about a redirect."""
    name = name.replace(" ", "_")
    ANSWERS[f"/{name}"] = answer(
        code, f"Location: {location}", body=b"" if arguments.get("method") == "HEAD" else b"moved"
    )
    if arguments.get("method") == "HEAD":
        ANSWERS[f"/{name}"] = f"HTTP/1.1 {code} X\r\nLocation: /landed-head\r\n\r\n".encode()
    FETCHES.append(FetchCase(name, arguments))


ANSWERS["/landed-head"] = HEAD + b"200 OK\r\n\r\n"
ANSWERS["/loop"] = answer(302, "Location: /loop", body=b"again")

GZIP = gzip.compress(b"packed " * 100, mtime=0)

# What comes back.

for number in (200, 201, 204, 299, 300, 304, 400, 404, 500, 503, 599, 999):
    raw(f"code {number}", answer(number))
raw("ok", answer(200, "A: b", "a: c", "Set-Cookie: d=e", body=b"hello", reason="Fine enough"))
raw("phrase empty", HEAD + b"200 \r\nContent-Length: 0\r\n\r\n")
raw("phrase missing", HEAD + b"200\r\nContent-Length: 0\r\n\r\n")
raw("phrase latin-1", HEAD + b"200 \xe9\r\nContent-Length: 0\r\n\r\n")
raw("value latin-1", HEAD + b"200 OK\r\nA: \xe9\r\nContent-Length: 0\r\n\r\n")
raw("value empty", HEAD + b"200 OK\r\nA:\r\nB: \r\nContent-Length: 0\r\n\r\n")
raw("until close", HEAD + b"200 OK\r\n\r\nall of it")
raw("http 1.0", b"HTTP/1.0 200 OK\r\n\r\nall of it")
raw("chunked", HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
raw("chunked upper", HEAD + b"200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
raw("chunked 1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
raw("chunk extension", HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n")
raw("trailer", HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n")
raw("bare LF", HEAD + b"200 OK\nContent-Length: 2\n\nok")
raw("line before", b"\r\n" + answer(200))
raw("hints", HEAD + b"103 Early\r\nLink: x\r\n\r\n" + answer(200, body=b"ok"))
raw("continue unasked", HEAD + b"100 Continue\r\n\r\n" + answer(200, body=b"ok"))
raw("interim for ever", (HEAD + b"100 Continue\r\n\r\n") * 200 + answer(200))
raw("switching", HEAD + b"101 Sw\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + answer(200))
raw("behind the end", answer(200, body=b"ok") + b"more")
raw("nothing", b"")
raw("cut in the header", HEAD + b"200 OK\r\nConte")
raw("cut in the body", answer(200, body=b"hello")[:-2])
raw("cut in a chunk", HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
raw("cut before the last chunk", HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
raw("garbage", b"garbage\r\n\r\n")
raw("http 2.0", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
raw("no colon", HEAD + b"200 OK\r\nfoo\r\n\r\n")
raw("folded", HEAD + b"200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n")
raw("NUL", HEAD + b"200 OK\r\nA: b\0\r\nContent-Length: 0\r\n\r\n")
raw("code 099", HEAD + b"099 X\r\nContent-Length: 0\r\n\r\n")
for text in (
    "x",
    "-1",
    "2, 3",
    "2, 2",
    "2\r\nContent-Length: 2",
    "2\r\nContent-Length: 3",
    "+2",
    "2 2",
    "1" * 30,
):
    raw(
        f"length {text[:24]!r}".replace("\\r\\n", "-"),
        HEAD + f"200 OK\r\nContent-Length: {text}\r\n\r\nok".encode(),
    )
raw("length and chunks", HEAD + b"200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
raw("coding gzip", HEAD + b"200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab")
raw(
    "chunked twice",
    HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
)
raw("chunk size", HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n")
raw("204 length", HEAD + b"204 No\r\nContent-Length: 3\r\n\r\nabc")
raw("204 length 0", HEAD + b"204 No\r\nContent-Length: 0\r\n\r\n")
raw("204 chunks", HEAD + b"204 No\r\nTransfer-Encoding: chunked\r\n\r\n")
raw("304 length", HEAD + b"304 No\r\nContent-Length: 3\r\n\r\n")
raw("304 chunks", HEAD + b"304 No\r\nTransfer-Encoding: chunked\r\n\r\n")
raw("header too long", HEAD + b"200 OK\r\n" + b"A: b\r\n" * 20_000 + b"\r\n")
raw("header limit", HEAD + b"200 OK\r\nA: " + b"x" * 2000 + b"\r\n\r\n", max_header_size=1000)
raw("body limit", answer(200, body=b"x" * 20), max_body_size=10)
raw("body limit met", answer(200, body=b"x" * 10), max_body_size=10)
raw(
    "body limit chunks",
    HEAD + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n",
    max_body_size=10,
)
raw("body limit until close", HEAD + b"200 OK\r\n\r\n" + b"x" * 20, max_body_size=10)
raw("buffer limit", answer(200, body=b"x" * 20_000), max_buffer_size=1000)
raw("buffer and body limit", answer(200, body=b"x" * 20_000), max_buffer_size=1000, max_body_size=100_000)
raw("gzip", answer(200, "Content-Encoding: gzip", body=GZIP))
raw("gzip upper", answer(200, "Content-Encoding: GZIP", body=GZIP))
raw("x-gzip", answer(200, "Content-Encoding: x-gzip", body=GZIP))
raw("gzip cut", answer(200, "Content-Encoding: gzip", body=GZIP[:-3]))
raw("gzip garbage", answer(200, "Content-Encoding: gzip", body=b"garbage"))
raw("gzip and more", answer(200, "Content-Encoding: gzip", body=GZIP + b"junk"))
raw("gzip empty", answer(200, "Content-Encoding: gzip"))
raw("gzip bomb", answer(200, "Content-Encoding: gzip", body=GZIP), max_body_size=600)
raw("deflate", answer(200, "Content-Encoding: deflate", body=zlib.compress(b"text")))
raw("identity", answer(200, "Content-Encoding: identity", body=b"text"))

# What is sent.

ALLOWED: dict[str, Any] = {"allow_nonstandard_methods": True, "raise_error": False}
for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
    if method != "HEAD":
        sent(f"method {method}", method=method)
    sent(f"method {method} with body", method=method, body="x")
    sent(
        f"method {method} with body allowed",
        method=method,
        body="x",
        allow_nonstandard_methods=True,
        raise_error=False,
    )
for method in ("POST", "PUT", "PATCH"):
    sent(f"method {method}", method=method, body="häh")
    sent(f"method {method} empty", method=method, body="")
    sent(f"method {method} no body", method=method)
sent("method unknown", method="BREW")
sent("method lower", method="post", body="x")
sent("method unknown allowed", method="BREW", allow_nonstandard_methods=True)
sent("type given", method="POST", body="x", headers={"Content-Type": "a/b"})
sent("headers", headers={"x-one": "1", "ACCEPT": "a/b", "Host": "other"})
sent("header latin-1", headers={"A": "\xe9"})
sent("header unicode", headers={"A": "中"})
sent("header CR LF", headers={"A": "b\r\nC: d"})
sent("header NUL", headers={"A": "b\0"})
sent("header number", headers={"A": 5})
sent("auth", auth_username="u", auth_password="p\xe4:x")
sent("auth user", auth_username="u")
sent("auth over header", auth_username="u", auth_password="p", headers={"Authorization": "x"})
sent("auth digest", auth_username="u", auth_password="p", auth_mode="digest")
sent("auth url", url="http://u:p@127.0.0.1:PORT/auth_url")
sent("auth url encoded", url="http://u:p%40q@127.0.0.1:PORT/auth_url_encoded")
sent("if modified since", if_modified_since=1_500_000_000)
sent("query", behind="?a=b&c#fragment")
sent("query only", url="http://127.0.0.1:PORT?a=b")
sent("params", behind=";a=b?c")
sent("dots", behind="/a/../b/./c//d")
sent("url unicode", behind="/é?ü")
sent("url space", behind="/a b")
sent("url CR LF", behind="/a\r\nb: c")
sent("url NUL", behind="/\0")
sent("url ftp", url="ftp://127.0.0.1:PORT/")
sent("url relative", url="/x")
sent("url without host", url="http:///x")
sent("url no port", url="http://127.0.0.1:xyz/")
sent("url big port", url="http://127.0.0.1:99999/")
sent("refused", url="http://127.0.0.1:1/")
sent("refused returned", url="http://127.0.0.1:1/", raise_error=False)
sent("no name", url="http://no-such-name.invalid/")
sent("user agent", user_agent="me")
sent("proxy without port", proxy_host="127.0.0.1")
sent("interface", network_interface="127.0.0.1")
sent("interface name", network_interface="lo")
sent("produced", method="POST", producer=["one", "two"])
sent("produced length", method="POST", producer=["one", "two"], headers={"Content-Length": "6"})
sent("produced more", method="POST", producer=["one", "two"], headers={"Content-Length": "5"})
sent("produced less", method="POST", producer=["one", "two"], headers={"Content-Length": "7"})
sent("produced get", method="GET", producer=["one"])
sent("produced and body", method="POST", producer=["one"], body="x")
sent("length wrong", method="POST", body="abc", headers={"Content-Length": "5"})
sent("kwargs unknown", nothing=1)
sent("timeout", url="http://127.0.0.1:PORT/silence", request_timeout=0.05)
sent("timeout returned", url="http://127.0.0.1:PORT/silence", request_timeout=0.05, raise_error=False)
sent("callback fails", header_callback="fail")
sent("streaming fails", streaming_callback="fail")

# Redirects.

for code in (300, 301, 302, 303, 307, 308):
    moved(f"moved {code}", code)
    moved(f"moved {code} POST", code, method="POST", body="abc", headers={"Content-Type": "a/b", "X": "y"})
    moved(f"moved {code} PUT", code, method="PUT", body="abc")
    moved(f"moved {code} DELETE", code, method="DELETE")
    moved(f"moved {code} HEAD", code, method="HEAD")
moved("moved not followed", 302, follow_redirects=False)
moved("moved returned", 302, follow_redirects=False, raise_error=False)
moved("moved none", 302, max_redirects=0)
moved("moved loop", 302, "/loop", max_redirects=3, raise_error=False)
moved("moved loop raised", 302, "/loop")
moved("moved relative", 302, "landed?a=b#c")
moved("moved empty", 302, "")
moved("moved ftp", 302, "ftp://x/")
moved("moved secrets", 302, headers={"Cookie": "a=b", "Authorization": "c"})
moved("moved auth", 302, auth_username="u", auth_password="p")
moved(
    "moved away",
    307,
    "http://localhost:PORT/landed",
    headers={"Cookie": "a=b", "Authorization": "c", "X": "y"},
)
moved("moved away auth", 302, "http://localhost:PORT/landed", auth_username="u", auth_password="p")
moved("moved away proxy", 302, "http://localhost:PORT/landed", headers={"Proxy-Authorization": "a"})
moved("moved callbacks", 302, header_callback=True, streaming_callback=True)
