"""What applications lean on inside, and static files with everything overridden."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.cases.raw import FORM, request

ACTIONS = (
    "inside_handler", "inside_application", "inside_request", "requests_by_hand", "header_objects",
    "cookie_table", "argument_table", "redirect_unicode", "redirect_bytes", "redirect_both",
    "redirect_line_break", "finish_with_dict", "raises_cancelled", "raises_return",
    "raises_strange_status", "buffer_replaced", "headers_behind_the_back", "status_after_flush",
    "write_subclasses", "later_by_itself", "routes_by_hand", "static_urls",
)  # fmt: skip


def inside() -> Iterator[tuple[str, str, bytes]]:
    """Attributes, tables of values, own subclasses."""
    for name in ACTIONS:
        yield f"inside {name}", "main", request(f"/do/{name}")
        yield f"inside head {name}", "main", request(f"/do/{name}", "HEAD")
        yield f"inside 1.0 {name}", "main", request(f"/do/{name}", version="1.0")
    query = "?q=%20a%20&q=b%20&empty=&control=a%01b%0Ac&invalid=%ff&a[]=1&%C3%A9=2&plus=a+b%2B"
    yield "arguments of a query", "main", request("/do/argument_table" + query)
    yield (
        "arguments of both",
        "main",
        request("/do/argument_table" + query, "POST", (FORM,), b"q=%20c%20&empty&invalid=%ff&plus=+"),
    )
    yield "a line break alone", "main", request("/do/hello").replace(b"\r\n", b"\n")
    yield "a fragment in the target", "main", request("/do/hello#fragment")
    yield "a length twice", "main", request("/args", "POST", (FORM, "Content-Length: 3"), b"a=1")


def statics() -> Iterator[tuple[str, str, bytes]]:
    """Subclasses of the handler of static files."""
    for kind in ("told", "generated", "elsewhere", "versioned", "guarded"):
        for path in (
            "file.txt",
            "none",
            "dir",
            "secret",
            "moved",
            "dir~index.html",
            "file.alias",
            "file.txt?deny=1",
            "",
        ):
            for method in ("GET", "HEAD"):
                yield f"statics {kind} {method} {path}", "main", request(f"/statics/{kind}/{path}", method)
        for header in (
            *(
                "Range: bytes=0-",
                "Range: bytes=100-",
                "Range: items=1",
                "If-None-Match: *",
                'If-None-Match: "own"',
            ),
            *(
                'If-None-Match: "v1", "x"',
                'If-None-Match: W/"v1"',
                "If-Modified-Since: Fri, 14 Jul 2017 02:40:00 GMT",
            ),
        ):
            yield f"statics {kind} {header}", "main", request(f"/statics/{kind}/file.txt", headers=(header,))
