"""Where a request goes: routes, pages, files."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.cases.raw import FORM, request


def routes() -> Iterator[tuple[str, str, bytes]]:
    """Which handler answers, and where it is sent."""
    for path in (
        "/nowhere", "/do/", "/do/none", "/echo/", "//echo", "/configured/a/x", "/configured/a%2Fb/5",
        "/configured-too",
        "/too-many/a/b/c", "/compiled", "/compiled-more", "/anchored", "/anchored/x", "/regular5y",
        "/nested/a",
        "/nested/5", "/nested/none", "/matched/x", "/ruled", "/redirect", "/redirect?x=1&x=2&y=%C3%A9+",
        "/redirect-302?b=2", "/redirect?%C3%A9=1",
        "/redirect/a/b%20c", "/redirect-named/1/2?q=1", "/redirect-short/a", "/error-handler",
        "/fallback/x?y=1",
        "/called/x", "/delegated/x", "/slash", "/slash/", "/slash?x=1", "/no-slash", "/no-slash/",
        "/no-slash//?a=b",
        "//slash//host", "///", "/user", "/user?user=me", "/own-login?login=/in",
        "/own-login?login=/in%3Fa%3D1",
        "/own-login?login=http%3A%2F%2Fa.example%2Fin", "/own-login?login=//a.example", "/no-login",
        "/executes/x", "/favicon.ico",
        "/do/redirects?to=/a%20b", "/do/redirects?to=%C3%A9&permanent=1",
        "/do/redirects?to=http%3A%2F%2Fa.example%2F",
        "/do/redirects?to=%0d%0aX%3A1", "/do/redirect_status?status=307", "/do/redirect_status?status=200",
        "/do/redirects?to=",
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
        "/static/file.txt", "/static/file.txt?v=abc", "/static/none.txt", "/static/", "/static/dir",
        "/static/dir/",
        "/static/../handlers.py", "/static/%2e%2e/handlers.py", "/static//etc/passwd",
        "/static/dir/../file.txt",
        "/static/data.json", "/static/empty.css", "/static/odd%20name%20%C3%A9.txt", "/static/numbers.bin",
        "/static/archive.tar.gz", "/robots.txt", "/static/file.txt/", "/static/file.txt%00", "/files/",
        "/files/dir",
        "/files/dir/", "/files/dir/index.html", "/files/none/", "/slow-static/own.txt", "/slow-static/none",
        "/static/%ff",
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
        "bytes=0-3", "bytes=4-", "bytes=-5", "bytes=0-", "bytes=0-10000", "bytes=2047-", "bytes=2048-",
        "bytes=5-2",
        "bytes=a-b", "bytes=", "bytes=0-1,3-4", "items=0-1", "bytes=-0", "bytes=-5000", "bytes=0-0", "0-3",
        "bytes = 0 - 3",
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
