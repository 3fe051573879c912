"""What a request brings: arguments, bodies, header fields."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from tests.differential.cases.raw import FORM, request


def bodies() -> Iterator[tuple[str, str, bytes]]:
    """Arguments, forms, uploads."""
    queries = {
        "simple": "a=1&b=2&a=3",
        "blank": "a=&b&c=+",
        "spaces": "a=%20x%20&b=+y+&c=%09z%0a",
        "controls": "a=x%00y&b=%1b%7f&c=a%0Bb",
        "invalid": "a=%ff&b=%",
        "utf-8": "a=%C3%A9&%C3%A9=1&b=\xc3\xa9",
        "plus": "a=1%2B1+1",
        "semicolon": "a=1;b=2",
        "no name": "=x&&&a=1",
        "question": "a=1?b=2&c=#",
    }
    for name, query in queries.items():
        if name != "question":
            yield f"query {name}", "main", request(f"/args?{query}")
            yield f"echo query {name}", "main", request(f"/echo?{query}")
        body = query.encode("latin-1")
        yield f"form {name}", "main", request("/args?a=query", "POST", (FORM,), body)
    yield "form charset", "main", request("/args", "POST", (FORM + "; charset=utf-8",), b"a=1")
    yield "form case", "main", request("/args", "POST", (FORM.upper(),), b"a=1")
    yield "form put", "main", request("/args", "PUT", (FORM,), b"a=1&b=2")
    yield "form on get", "main", request("/args", "GET", (FORM,), b"a=1")
    yield "form without type", "main", request("/args", "POST", (), b"a=1")
    yield "form other type", "main", request("/echo", "POST", ("Content-Type: text/plain",), b"a=1")
    yield (
        "form encoded",
        "main",
        request("/args", "POST", (FORM, "Content-Encoding: gzip"), gzip.compress(b"a=1", mtime=0)),
    )
    chunked = (
        request("/args", "POST", (FORM, "Transfer-Encoding: chunked")) + b"3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n"
    )
    yield "form chunked", "main", chunked
    yield "missing argument", "main", request("/need")
    yield "missing argument in body", "main", request("/need", "POST", (FORM,), b"a=1")
    yield "argument there", "main", request("/need?need=x")
    yield "argument invalid", "main", request("/need?need=%ff")
    yield "path invalid", "main", request("/configured/%ff/1")
    yield "decode own", "main", request("/latin/%e9/a%2Fb?x=%e9")
    for name, data in (
        ("object", b'{"a": "\xc3\xa9"}'),
        ("list", b"[1]"),
        ("broken", b"{"),
        ("empty", b""),
        ("latin", b'"\xe9"'),
    ):
        yield f"json {name}", "main", request("/json", "POST", ("Content-Type: application/json",), data)
    yield "json echo", "main", request("/echo?a=1", "POST", ("Content-Type: application/json",), b'{"a": 2}')
    for name, data in multiparts():
        for kind in ("upload", "echo"):
            if kind == "upload" or name in ("two", "broken end"):
                headers = ("Content-Type: multipart/form-data; boundary=XX",)
                yield f"{kind} {name}", "main", request(f"/{kind}", "POST", headers, data)
    for name, header in (
        ("quoted boundary", 'multipart/form-data; boundary="XX"'),
        ("no boundary", "multipart/form-data"),
        ("other boundary", "multipart/form-data; boundary=YY"),
        ("parameters", "multipart/form-data; charset=utf-8; boundary=XX"),
        ("mixed", "multipart/mixed; boundary=XX"),
    ):
        data = dict(multiparts())["two"]
        yield f"upload {name}", "main", request("/upload", "POST", (f"Content-Type: {header}",), data)


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    """One part of a form."""
    lines = [f"Content-Disposition: {disposition}", *headers]
    return b"--XX\r\n" + "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + content + b"\r\n"


def multiparts() -> Iterator[tuple[str, bytes]]:
    """Bodies of type multipart/form-data with the boundary XX."""
    end = b"--XX--\r\n"
    yield (
        "two",
        part('form-data; name="a"', b"1")
        + part('form-data; name="f"; filename="x.txt"', b"file\r\n\r\nbytes \xff", "Content-Type: text/x")
        + end,
    )
    yield "no type", part('form-data; name="f"; filename="x"', b"data") + end
    yield "empty file", part('form-data; name="f"; filename=""', b"") + end
    yield "unquoted", part("form-data; name=a", b"1") + part("form-data; name=f; filename=n.txt", b"x") + end
    yield "utf-8 name", part('form-data; name="f"; filename="é.txt"', b"x") + end
    yield "extended name", part("form-data; name=\"f\"; filename*=UTF-8''%C3%A9.txt", b"x") + end
    yield "both names", part('form-data; name="f"; filename="a"; filename*=utf-8\'\'b', b"x") + end
    yield "escaped quote", part('form-data; name="f"; filename="a\\"b;c.txt"', b"x") + end
    yield "backslash", part('form-data; name="f"; filename="C:\\\\dir\\\\x"', b"x") + end
    yield "no name", part('form-data; filename="x"', b"x") + part('form-data; name="a"', b"1") + end
    yield "wrong disposition", part('attachment; name="a"', b"x") + part('form-data; name="b"', b"1") + end
    yield "same name", part('form-data; name="a"', b"1") + part('form-data; name="a"', b"2") + end
    yield "broken end", part('form-data; name="a"', b"1")
    yield "no headers", b"--XX\r\nno headers" + b"\r\n" + end
    yield "preamble", b"hello\r\n" + part('form-data; name="a"', b"1") + end + b"epilogue"
    yield "empty", b""


def headers() -> Iterator[tuple[str, str, bytes]]:
    """Requests that differ in their head."""
    yield "echo", "main", request("/echo")
    yield (
        "echo with all",
        "main",
        request(
            "/echo/one/two%2Fthree?q=1",
            headers=("X-A: 1", "X-A: 2", "x-lower: y", "X-Empty:", "Accept: a, b"),
        ),
    )
    yield "echo path args", "main", request("/echo/one/%C3%A9+%20")
    yield "echo named", "main", request("/named/a%20b/c/d")
    yield "echo optional none", "main", request("/optional")
    yield "echo optional second", "main", request("/optional/b")
    yield "echo port", "main", request("/echo", host="Main.Example:8080")
    yield "echo ipv6", "main", request("/echo", host="[::1]:80")
    yield "echo absolute", "main", request("http://other.example/echo?x=1")
    yield "echo http/1.0", "main", request("/echo", version="1.0", host="", close=False)
    yield "echo purge", "main", request("/echo", "PURGE")
    yield "echo report", "main", request("/echo", "REPORT")
    for name, value in (
        ("one", "a=1"),
        ("some", "a=1; b=2;c=3"),
        ("spaces", "  a = 1 ;  b=2 "),
        ("quoted", 'a="x y"; b="\\"q\\""; c="\\073\\303\\251"'),
        ("no value", "a; b=2"),
        ("no name", "=1; b=2"),
        ("twice", "a=1; a=2"),
        ("equals", "a=b=c; c=="),
        ("json", 'a={"x": "y"}; b=2'),
        ("utf-8", "a=\xc3\xa9; b=2"),
        ("commas", "a=1, b=2; c=3"),
        ("brackets", "a[b]=1; b=2"),
    ):
        yield f"cookies {name}", "main", request("/do/cookies_read", headers=(f"Cookie: {value}",))
        yield f"cookies echo {name}", "main", request("/echo", headers=(f"Cookie: {value}",))
    yield "cookies two fields", "main", request("/do/cookies_read", headers=("Cookie: a=1", "Cookie: b=2"))
    yield "cookies cleared", "main", request("/do/cookies_clear_all", headers=("Cookie: a=1; b=2",))
    for name, value in (
        ("v2", "2|1:0|10:1600000000|1:s|8:dmFsdWU=|x"),
        ("v1", "dmFsdWU=|1600000000|x"),
        ("nothing", ""),
        ("rubbish", "2|1:0"),
        (
            "good",
            "s=2|1:0|10:1600000000|1:s|8:dmFsdWU=|4f6d6b5a0ed3d12cf4be3a3dd5eb2f4d6e2a3b6b4b2a9d3d3d4f2b7c4f4d1c11",
        ),
    ):
        yield f"signed {name}", "main", request("/do/signed_read", headers=(f"Cookie: s={value}; t={value}",))
    for name, headers in (
        ("real ip", ("X-Real-Ip: 1.2.3.4",)),
        ("forwarded", ("X-Forwarded-For: 1.2.3.4, 5.6.7.8",)),
        ("bad ip", ("X-Real-Ip: nonsense",)),
        ("ipv6", ("X-Real-Ip: 2001:db8::1",)),
        ("scheme", ("X-Scheme: https",)),
        ("proto", ("X-Forwarded-Proto: http, https",)),
        ("bad scheme", ("X-Scheme: gopher",)),
    ):
        yield f"proxy {name}", "main", request("/echo", headers=headers)
    for value in (
        "fr", "fr-FR, en;q=0.5", "de;q=0.3, es;q=0.7", "es-ES", "pt", "pt-br", "zh", "", "*", "fr;q=0",
        "de;q=abc",
        "en;q=0.1, fr;q=1.5", "es;q=0.5;x=1", "fr_FR", "FR-fr;Q=0.5", ", ,", "de ;q=0.8 , es",
        "xx;q=1, es;q=0.2",
    ):  # fmt: skip
        yield (
            f"accept-language {value!r}",
            "main",
            request("/do/locale_of", headers=(f"Accept-Language: {value}",)),
        )
    yield "user locale", "main", request("/user-locale", headers=("Accept-Language: fr",))
    tag = '"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"'
    for name, value in (
        ("same", tag), ("other", '"x"'), ("star", "*"), ("weak", "W/" + tag), ("list", f'"x", W/"y", {tag}'),
        ("unquoted", tag.strip('"')), ("empty", ""), ("broken", tag + "x"), ("comma", f'"a,b",{tag}'),
    ):  # fmt: skip
        yield f"if-none-match {name}", "main", request("/do/hello", headers=(f"If-None-Match: {value}",))
        yield f"head if-none-match {name}", "main", request("/do/hello", "HEAD", (f"If-None-Match: {value}",))
    yield "post if-none-match", "main", request("/do/hello", "POST", (f"If-None-Match: {tag}",), b"")
    yield "own tag matches", "main", request("/do/etag_own", headers=('If-None-Match: "mine"',))
    yield "weak tag matches", "main", request("/do/etag_weak", headers=('If-None-Match: "weak"',))
    yield "tag on an error", "main", request("/do/error_404", headers=("If-None-Match: *",))
