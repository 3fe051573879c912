"""The requests that both packages are sent: raw bytes, for one of the site's applications."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """``raw`` goes to ``application`` piece by piece; a pause lies between pieces."""

    name: str
    application: str
    raw: tuple[bytes, ...]


def request(
    target: str,
    method: str = "GET",
    headers: tuple[str, ...] = (),
    body: bytes | None = None,
    version: str = "1.1",
    host: str = "main.example",
    close: bool = True,
) -> bytes:
    """A request that ends its connection."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host:
        lines.append(f"Host: {host}")
    if close:
        lines.append("Connection: close")
    lines += headers
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


FORM = "Content-Type: application/x-www-form-urlencoded"
PLAIN_ACTIONS = """
hello empty kinds wrong_kinds json json_own_type finish_chunk returns_text returns_none_future returns_done_future
coroutine coroutine_result generator flushes flushes_nothing flushes_plain flush_with_length flush_with_status
finish_is_awaitable length_short length_long length_right not_auto looks_inside clears no_content_with_body
not_modified_headers reason_bad reason_utf8 headers headers_refused headers_own header_date_own connection_close
error_404 error_default error_message error_percent error_reason error_reason_html error_unknown_code
error_strange_code error_409_kwargs error_missing error_strings crash crash_later crash_flushed crash_finished
finish_twice write_finished finish_raised finish_raised_with finish_raised_finished send_error send_error_reason
send_error_default send_error_flushed input_error timeout_error etag_own etag_none etag_weak redirect_flushed
cookies_set cookies_refused cookies_read cookies_clear_all cookie_case_kwargs signed signed_made user_assigned
locale_of urls big_text
""".split()


def plain() -> Iterator[tuple[str, str, bytes]]:
    """Each action of the site, and what is done with them."""
    for name in PLAIN_ACTIONS:
        yield f"do {name}", "main", request(f"/do/{name}")
    for name in (
        "hello",
        "empty",
        "json",
        "flushes",
        "flush_with_length",
        "length_short",
        "crash",
        "error_404",
        "redirects",
    ):
        yield f"head {name}", "main", request(f"/do/{name}?to=/x", "HEAD")
    for name in ("hello", "flushes", "crash", "flush_with_length", "no_content_with_body"):
        yield f"http/1.0 {name}", "main", request(f"/do/{name}", version="1.0", close=False)
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        yield f"method {method}", "main", request("/do/hello", method, body=b"")
    for code in (
        200,
        201,
        202,
        204,
        206,
        301,
        304,
        400,
        404,
        405,
        418,
        422,
        451,
        499,
        500,
        503,
        511,
        599,
        600,
        999,
    ):
        yield f"status {code}", "main", request(f"/status/{code}")
    for code in (200, 204, 304, 404):
        yield f"head status {code}", "main", request(f"/status/{code}", "HEAD")
    for code, reason in ((200, "Fine"), (404, "Gone Fishing"), (599, "Own")):
        yield f"status {code} {reason}", "main", request(f"/status/{code}/{quote(reason)}")
    for kind in ("plain", "error", "crash", "json", "clear"):
        yield f"defaults {kind}", "main", request(f"/defaults/{kind}")
    for kind in ("plain", "crash", "send", "broken"):
        yield f"own errors {kind}", "main", request(f"/own-errors/{kind}")
    yield "broken log", "main", request("/broken-log")
    for kind in (
        "plain",
        "finish",
        "error",
        "redirect",
        "async",
        "async-finish",
        "async-error",
        "broken-end",
    ):
        yield f"prepare {kind}", "main", request(f"/prepared/{kind}")
    for kind in ("http", "crash", "arguments"):
        yield f"initialize {kind}", "main", request(f"/bad-initialize/{kind}")
    for method in ("GET", "HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "PURGE", "get"):
        yield f"no method {method}", "main", request("/no-methods", method)


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
        ("quoted", 'a="x y"; b="\\"q\\""; c="\\012\\303\\251"'),
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
        "fr", "fr-FR, en;q=0.5", "de;q=0.3, es;q=0.7", "es-ES", "pt", "pt-br", "zh", "", "*", "fr;q=0", "de;q=abc",
        "en;q=0.1, fr;q=1.5", "es;q=0.5;x=1", "fr_FR", "FR-fr;Q=0.5", ", ,", "de ;q=0.8 , es", "xx;q=1, es;q=0.2",
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


def routes() -> Iterator[tuple[str, str, bytes]]:
    """Which handler answers, and where it is sent."""
    for path in (
        "/nowhere", "/do/", "/do/none", "/echo/", "//echo", "/configured/a/x", "/configured/a%2Fb/5", "/configured-too",
        "/too-many/a/b/c", "/compiled", "/compiled-more", "/anchored", "/anchored/x", "/regular5y", "/nested/a",
        "/nested/5", "/nested/none", "/matched/x", "/ruled", "/redirect", "/redirect?x=1&x=2&y=%C3%A9+", "/redirect-302?b=2", "/redirect?%C3%A9=1",
        "/redirect/a/b%20c", "/redirect-named/1/2?q=1", "/redirect-short/a", "/error-handler", "/fallback/x?y=1",
        "/called/x", "/delegated/x", "/slash", "/slash/", "/slash?x=1", "/no-slash", "/no-slash/", "/no-slash//?a=b",
        "//slash//host", "///", "/user", "/user?user=me", "/own-login?login=/in", "/own-login?login=/in%3Fa%3D1",
        "/own-login?login=http%3A%2F%2Fa.example%2Fin", "/own-login?login=//a.example", "/no-login", "/executes/x", "/favicon.ico",
        "/do/redirects?to=/a%20b", "/do/redirects?to=%C3%A9&permanent=1", "/do/redirects?to=http%3A%2F%2Fa.example%2F",
        "/do/redirects?to=%0d%0aX%3A1", "/do/redirect_status?status=307", "/do/redirect_status?status=200", "/do/redirects?to=",
        "/%64o/hello", "/do/hello%0a", "/do/hello?", "/?x", "/do/./hello", "/page/../do/hello",
    ):  # fmt: skip
        yield f"path {path}", "main", request(path)
    for path in (
        "/redirect",
        "/user",
        "/slash",
        "/no-slash/",
        "/error-handler",
        "/fallback/x",
        "/do/redirects?to=/x",
        "/nowhere",
    ):
        yield f"head {path}", "main", request(path, "HEAD")
        yield f"post {path}", "main", request(path, "POST", (FORM,), b"a=1")
    yield "delete user", "main", request("/user", "DELETE")
    yield "delete user there", "main", request("/user?user=x", "DELETE")
    yield "put user", "main", request("/user", "PUT", (), b"")
    yield "called body", "main", request("/called/x", "POST", (), b"body")
    yield "to an application", "main", request("/to-bare/hello")
    yield "to an application, body", "main", request("/to-bare/hello", "POST", (), b"x")
    yield "to an application, nowhere", "main", request("/to-bare/nowhere")
    yield "delegate body", "main", request("/delegate", "POST", (), b"body")
    yield "own matcher", "main", request("/whatever", headers=("X-Way: this",))
    for host, path in (
        ("host.example", "/"), ("host.example:80", "/only"), ("HOST.example", "/"), ("host.example", "/do/hello"),
        ("xhost.example", "/"), ("hostxexample", "/only"), ("a.wild.example", "/x/5"), ("a.wild.example", "/x/y"),
        ("router.example", "/some/where"), ("router.example", "/none"),
    ):  # fmt: skip
        yield f"host {host}{path}", "main", request(path, host=host)
    for host, path in (
        ("x", "/all"), ("x", "/here"), ("default.example", "/here"), ("other.example", "/here"), ("x", "/nowhere"),
        ("other.example", "/all"),
    ):  # fmt: skip
        yield f"default host {host}{path}", "default_handler", request(path, host=host)
    yield "default host behind a proxy", "default_handler", request("/here", headers=("X-Real-Ip: 1.2.3.4",))
    yield "default handler post", "default_handler", request("/nowhere", "POST", body=b"")
    yield "no routes", "nothing", request("/")
    yield "no routes post", "nothing", request("/", "POST", body=b"x")
    for host, path in (
        ("bare.example", "/do/hello"), ("x", "/do/hello"), ("x", "/called/x"), ("x", "/delegate"), ("x", "/sub/called"),
        ("x", "/sub/none"), ("x", "/nowhere"), ("bare.example", "/nowhere"),
    ):  # fmt: skip
        yield f"router {host}{path}", "router", request(path, host=host)
    yield "router post", "router", request("/called/x", "POST", (), b"body")
    yield "router not found post", "router", request("/nowhere", "POST", (), b"body")


def protection() -> Iterator[tuple[str, str, bytes]]:
    """Cross-site requests, by token and by origin."""
    v2 = "2|5b7b6ccc|0f3b482cd9aea9430f3b482cd9aea943|1411070000"
    same = "2|00000000|544024e082d5c58f544024e082d5c58f|1"
    v1 = "544024e082d5c58f544024e082d5c58f"
    for application in ("xsrf1", "xsrf2"):
        for name, cookie in (
            ("new", ""),
            ("v2", v2),
            ("v1", v1),
            ("v3", "3|a"),
            ("bad", "2|zz"),
            ("text", "abc"),
        ):
            headers = (f"Cookie: _xsrf={cookie}",) if cookie else ()
            yield f"{application} token {name}", application, request("/token", headers=headers)
            for kind, argument in (
                ("none", ""),
                ("v2", v2),
                ("masked", same),
                ("v1", v1),
                ("bad", "2|1"),
                ("text", "abc"),
                ("wrong", "00" * 16),
            ):
                body = f"_xsrf={quote(argument)}".encode() if argument else b""
                yield (
                    f"{application} post {name} {kind}",
                    application,
                    request("/token", "POST", (*headers, FORM), body),
                )
    with_cookie = (f"Cookie: _xsrf={v2}",)
    for header in ("X-XSRFToken", "X-CSRFToken", "X-Other"):
        yield (
            f"xsrf header {header}",
            "xsrf2",
            request("/token", "POST", (*with_cookie, f"{header}: {same}"), b""),
        )
    yield "xsrf in query", "xsrf2", request(f"/token?_xsrf={same}", "POST", with_cookie, b"")
    yield (
        "xsrf empty argument and header",
        "xsrf2",
        request("/token?_xsrf=", "POST", (*with_cookie, f"X-XSRFToken: {same}"), b""),
    )
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
        yield f"xsrf {method}", "xsrf2", request("/token", method)
    yield "xsrf error handler", "xsrf2", request("/gone", "POST", (), b"")
    yield "xsrf not found", "xsrf2", request("/nowhere", "POST", (), b"")
    yield "xsrf no method", "xsrf2", request("/do/none", "PURGE")
    yield "xsrf named", "xsrf_named", request("/token")
    yield (
        "xsrf named post",
        "xsrf_named",
        request("/token", "POST", (f"Cookie: tok={v2}", FORM), f"tok={same}".encode()),
    )
    yield (
        "xsrf named missing",
        "xsrf_named",
        request("/token", "POST", (f"Cookie: tok={v2}", FORM), f"_xsrf={same}".encode()),
    )
    for name, host, headers in origins():
        yield f"origin {name}", "origins", request("/token", "POST", headers, b"", host=host)
    for method in ("GET", "OPTIONS", "PUT", "PATCH", "DELETE"):
        yield (
            f"origin {method}",
            "origins",
            request("/token", method, ("Origin: http://evil.example", "Sec-Fetch-Site: cross-site")),
        )
    yield (
        "origin http/1.0",
        "origins",
        request("/token", "POST", ("Origin: http://evil.example",), b"", version="1.0", host=""),
    )
    yield "origin not found", "origins", request("/nowhere", "POST", ("Origin: http://evil.example",), b"")


def origins() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Combinations of Host, Origin and Sec-Fetch-Site."""
    for host in ("main.example", "main.example:8080", "main.example:443"):
        for origin in (
            "", "http://main.example", "https://main.example", "http://main.example:8080", "http://MAIN.example",
            "http://evil.example", "null", "https://trusted.example", "https://TRUSTED.example", "http://trusted.example",
            "http://port.example:8080", "http://port.example", "nonsense", "http://", "http://main.example/", "http://main.example:80",
            "https://main.example:443", "http://x@main.example", "http://main.example:x", "http://[",
            "http://main.example http://evil.example",
        ):  # fmt: skip
            for site in ("", "same-origin", "same-site", "cross-site", "none", "other", "Same-Origin"):
                if host == "main.example" or site in ("", "cross-site"):
                    headers = (f"Origin: {origin}",) if origin else ()
                    if site:
                        headers += (f"Sec-Fetch-Site: {site}",)
                    yield f"{host} {origin or '-'} {site or '-'}", host, headers


def pages() -> Iterator[tuple[str, str, bytes]]:
    """Templates and modules."""
    for name in ("plain", "list", "modules", "fragment", "broken", "failing", "unescaped", "none"):
        yield f"page {name}", "main", request(f"/page/{name}.html")
        if name not in ("list",):
            yield f"unescaped page {name}", "unescaped", request(f"/page/{name}.html")
    yield "page in french", "main", request("/page/list.html", headers=("Accept-Language: fr",))
    yield "page string", "main", request("/page-string")
    yield "page own assets", "main", request("/page-assets/modules.html")
    yield "head page", "main", request("/page/plain.html", "HEAD")


def files() -> Iterator[tuple[str, str, bytes]]:
    """Static files."""
    for path in (
        "/static/file.txt", "/static/file.txt?v=abc", "/static/none.txt", "/static/", "/static/dir", "/static/dir/",
        "/static/../handlers.py", "/static/%2e%2e/handlers.py", "/static//etc/passwd", "/static/dir/../file.txt",
        "/static/data.json", "/static/empty.css", "/static/odd%20name%20%C3%A9.txt", "/static/numbers.bin",
        "/static/archive.tar.gz", "/robots.txt", "/static/file.txt/", "/static/file.txt%00", "/files/", "/files/dir",
        "/files/dir/", "/files/dir/index.html", "/files/none/", "/slow-static/own.txt", "/slow-static/none", "/static/%ff",
        "/static/C:%5Cx", "/static/./file.txt", "/files/dir?x=1",
    ):  # fmt: skip
        yield f"file {path}", "main", request(path)
    for path in ("/static/file.txt", "/static/none.txt", "/static/numbers.bin", "/files/dir"):
        yield f"head file {path}", "main", request(path, "HEAD")
        yield f"post file {path}", "main", request(path, "POST", (), b"")
    tag = '"'  # Filled in below; the tag is the hash of the content in both.
    text_tag = '"2a8e6bff80d21b2e8b4a1b7ba1bfcf3a"'
    for name, headers in (
        ("since same", ("If-Modified-Since: Fri, 14 Jul 2017 02:40:00 GMT",)),
        ("since later", ("If-Modified-Since: Sat, 15 Jul 2017 02:40:00 GMT",)),
        ("since before", ("If-Modified-Since: Thu, 13 Jul 2017 02:40:00 GMT",)),
        ("since broken", ("If-Modified-Since: yesterday",)),
        ("none match other", (f"If-None-Match: {text_tag}",)),
        ("none match star", ("If-None-Match: *",)),
        ("both", (f"If-None-Match: {tag}x", "If-Modified-Since: Fri, 14 Jul 2017 02:40:00 GMT")),
    ):
        yield f"file {name}", "main", request("/static/file.txt", headers=headers)
    for value in (
        "bytes=0-3", "bytes=4-", "bytes=-5", "bytes=0-", "bytes=0-10000", "bytes=2047-", "bytes=2048-", "bytes=5-2",
        "bytes=a-b", "bytes=", "bytes=0-1,3-4", "items=0-1", "bytes=-0", "bytes=-5000", "bytes=0-0", "0-3", "bytes = 0 - 3",
        "bytes=1-1-1", "bytes=--1",
    ):  # fmt: skip
        yield f"range {value}", "main", request("/static/numbers.bin", headers=(f"Range: {value}",))
        yield f"head range {value}", "main", request("/static/numbers.bin", "HEAD", (f"Range: {value}",))
    yield "range of nothing", "main", request("/static/empty.css", headers=("Range: bytes=0-0",))
    yield "range own content", "main", request("/slow-static/own.txt", headers=("Range: bytes=4-",))
    yield (
        "range conditional",
        "main",
        request("/static/file.txt", headers=("Range: bytes=1-2", "If-Range: x")),
    )
    yield (
        "range unmodified",
        "main",
        request(
            "/static/file.txt",
            headers=("Range: bytes=1-2", "If-Modified-Since: Fri, 14 Jul 2017 02:40:00 GMT"),
        ),
    )


def outputs() -> Iterator[tuple[str, str, bytes]]:
    """Debug pages, transforms, logs."""
    for name in ("crash", "crash_later", "error_message", "error_missing", "send_error", "hello"):
        yield f"debug {name}", "debugging", request(f"/do/{name}")
    yield "debug nowhere", "debugging", request("/nowhere")
    yield "debug own", "debugging", request("/own-errors/x")
    for name in ("hello", "redirect_flushed", "urls", "signed", "looks_inside"):
        yield f"bare {name}", "bare", request(f"/do/{name}")
    yield "bare no login", "bare", request("/no-login")
    yield "bare token", "bare", request("/token")
    yield "bare post", "bare", request("/token", "POST", (), b"")
    for name in ("json", "crash", "error_404", "flushes", "finish_raised"):
        yield f"log {name}", "log_function", request(f"/do/{name}")
    yield "log seen", "log_function", request("/seen")
    yield "log raises", "log_function", request("/do/hello")
    names = "hello big_text big_binary big_svg big_encoded big_streamed small_streamed not_found_text json crash".split()
    for name in (*names, "no_content_with_body", "redirects"):
        for coding in ("gzip", "identity"):
            headers = (f"Accept-Encoding: {coding}",)
            yield f"compressed {name} {coding}", "compressed", request(f"/do/{name}?to=/", headers=headers)
    for value in ("gzip, deflate", "gzip;q=1.0", "deflate", "x-gzip", "GZIP", "gzip ; q=0.5"):
        yield (
            f"compressed by {value}",
            "compressed",
            request("/do/big_text", headers=(f"Accept-Encoding: {value}",)),
        )
    yield "compressed head", "compressed", request("/do/big_text", "HEAD", ("Accept-Encoding: gzip",))
    yield "compressed file", "compressed", request("/files/file.txt", headers=("Accept-Encoding: gzip",))
    for name in ("hello", "flushes", "error_404", "crash", "empty", "finish_raised", "length_right"):
        yield f"transformed {name}", "transformed", request(f"/do/{name}")
    yield "transformed executes", "transformed", request("/executes/x")


def streams() -> Iterator[tuple[str, str, tuple[bytes, ...]]]:
    """More than one piece, or more than one request, on a connection."""
    for kind in ("plain", "slow", "early", "refuse", "bad"):
        head = request(f"/stream/{kind}?a=1", "POST", (FORM, "Content-Length: 6"))
        yield f"stream {kind}", "main", (head, b"abc", b"def")
        yield f"stream at once {kind}", "main", (head + b"abcdef",)
        chunked = request(f"/stream/{kind}", "POST", ("Transfer-Encoding: chunked",))
        yield f"stream chunked {kind}", "main", (chunked, b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n")
    yield "stream without body", "main", (request("/stream/plain"),)
    first = request("/do/hello", close=False)
    last = request("/do/json")
    yield "keep-alive", "main", (first, last)
    yield (
        "pipelined",
        "main",
        (first + request("/do/flushes", close=False) + request("/nowhere", close=False) + last,),
    )
    yield "keep-alive with body", "main", (request("/args", "POST", (FORM,), b"a=1", close=False), last)
    yield (
        "keep-alive with unread body",
        "main",
        (request("/nowhere", "POST", (FORM,), b"a=1", close=False) + last,),
    )
    yield (
        "head between",
        "main",
        (request("/do/hello", "HEAD", close=False) + request("/status/304", close=False) + last,),
    )
    yield (
        "http/1.0 keep-alive",
        "main",
        (
            request("/do/hello", version="1.0", headers=("Connection: keep-alive",), close=False),
            request("/do/json", version="1.0", close=False),
        ),
    )
    yield "body in pieces", "main", (request("/args", "POST", (FORM, "Content-Length: 7")), b"a=1", b"&b=2")
    yield (
        "expect continue",
        "main",
        (request("/json", "POST", ("Expect: 100-continue", "Content-Length: 2")), b"{}"),
    )


def _all() -> Iterator[Case]:
    for source in (plain, bodies, headers, routes, protection, pages, files, outputs):
        for name, application, raw in source():
            yield Case(name, application, (raw,))
    for name, application, pieces in streams():
        yield Case(name, application, pieces)


CASES = list(_all())
names = [case.name for case in CASES]
if len(set(names)) != len(names):
    raise ValueError(f"two cases of one name: {sorted(name for name in names if names.count(name) > 1)}")
json.dumps(names)
