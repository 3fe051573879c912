"""What comes back: each action, error pages, transforms, several responses."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tests.differential.cases.raw import FORM, request

PLAIN_ACTIONS = (
    "hello", "empty", "kinds", "wrong_kinds", "json", "json_own_type", "finish_chunk", "returns_text",
    "returns_none_future", "returns_done_future", "coroutine", "coroutine_result", "generator", "flushes",
    "flushes_nothing", "flushes_plain", "flush_with_length", "flush_with_status", "finish_is_awaitable",
    "length_short", "length_long", "length_right", "not_auto", "looks_inside", "clears",
    "no_content_with_body", "not_modified_headers", "reason_bad", "reason_utf8", "headers",
    "headers_refused", "headers_own", "header_date_own", "connection_close", "error_404", "error_default",
    "error_message", "error_percent", "error_reason", "error_reason_html", "error_unknown_code",
    "error_strange_code", "error_409_kwargs", "error_missing", "error_strings", "crash", "crash_later",
    "crash_flushed", "crash_finished", "finish_twice", "write_finished", "finish_raised",
    "finish_raised_with", "finish_raised_finished", "send_error", "send_error_reason",
    "send_error_default", "send_error_flushed", "input_error", "timeout_error", "etag_own", "etag_none",
    "etag_weak", "redirect_flushed", "cookies_set", "cookies_refused", "cookies_read",
    "cookies_clear_all", "cookie_case_kwargs", "signed", "signed_made", "user_assigned", "locale_of",
    "urls", "big_text",
)  # fmt: skip


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
    for name in (
        "hello", "big_text", "big_binary", "big_svg", "big_encoded", "big_streamed", "small_streamed",
        "not_found_text", "json", "crash", "no_content_with_body", "redirects",
    ):  # fmt: skip
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
