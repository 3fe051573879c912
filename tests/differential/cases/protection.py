"""Cross-site requests, by token and by origin."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tests.differential.cases.raw import FORM, request


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
            headers: tuple[str, ...] = (f"Cookie: _xsrf={cookie}",) if cookie else ()
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
            "", "http://main.example", "https://main.example", "http://main.example:8080",
            "http://MAIN.example",
            "http://evil.example", "null", "https://trusted.example", "https://TRUSTED.example",
            "http://trusted.example",
            "http://port.example:8080", "http://port.example", "nonsense", "http://",
            "http://main.example/", "http://main.example:80",
            "https://main.example:443", "http://x@main.example", "http://main.example:x", "http://[",
            "http://main.example http://evil.example",
        ):  # fmt: skip
            for site in ("", "same-origin", "same-site", "cross-site", "none", "other", "Same-Origin"):
                if host == "main.example" or site in ("", "cross-site"):
                    headers: tuple[str, ...] = (f"Origin: {origin}",) if origin else ()
                    if site:
                        headers += (f"Sec-Fetch-Site: {site}",)
                    yield f"{host} {origin or '-'} {site or '-'}", host, headers
