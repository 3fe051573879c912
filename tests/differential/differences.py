"""Every difference that is meant, with its reason. One that is not there any more fails the test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["DIFFERENCES", "Difference", "by_case", "check"]


@dataclass(frozen=True, slots=True)
class Difference:
    """In each of ``cases`` exactly these aspects differ; see `client.differing` for their names."""

    reason: str
    cases: tuple[str, ...]
    aspects: tuple[str, ...]


def by_case(differences: Iterable[Difference]) -> dict[str, set[str]]:
    """The aspects that are meant to differ, by the names of the cases."""
    intended: dict[str, set[str]] = {}
    for difference in differences:
        for name in difference.cases:
            intended.setdefault(name, set()).update(difference.aspects)
    return intended


def check(found: Mapping[str, tuple[object, object]], intended: set[str], listed: str) -> None:
    """Fail unless exactly what is intended was found to differ: aspects, ours and theirs. ``listed`` is a module."""
    unintended = {aspect: pair for aspect, pair in found.items() if aspect not in intended}
    assert not unintended, "\n".join(
        f"{aspect}\n  ours   {ours}\n  theirs {theirs}" for aspect, (ours, theirs) in unintended.items()
    )
    no_more = intended - set(found)
    assert not no_more, f"no difference any more, so that {listed} is wrong: {sorted(no_more)}"


PAGE = ("status", "header Content-Length", "body", "log")

DIFFERENCES = [
    Difference(
        "a length that the handler announced and did not keep is found before anything is sent, so that the "
        "client gets an error page and not a part of a response",
        ("do length_short",),
        (*PAGE, "header Etag"),
    ),
    Difference(
        "the same where more was written than announced; there the connection would be closed without a word",
        ("do length_long",),
        ("number", "log"),
    ),
    Difference(
        "the connection is broken off when a response fails in the middle, so that nobody takes it for whole",
        ("do crash_flushed", "do send_error_flushed", "do redirect_flushed", "bare redirect_flushed"),
        ("body",),
    ),
    Difference(
        "the status line is latin-1 like every other line of the head", ("do reason_utf8",), ("status",)
    ),
    Difference(
        "a body is parsed when it is first asked for, so that what is wrong with it comes up in the handler: "
        "HTTPInputError is the client's fault wherever it is raised",
        ("do input_error",),
        PAGE,
    ),
    Difference("the same; this handler catches it", ("form encoded",), PAGE),
    Difference("an empty body is a form without fields, whatever its type", ("upload empty",), PAGE),
    Difference(
        "a cookie with an attribute that was refused is not sent without that attribute",
        ("do cookies_refused", "do cookie_case_kwargs"),
        ("header Set-Cookie",),
    ),
    Difference(
        "a handler that can't be made answers with an error page; there the connection would be closed",
        ("initialize http", "initialize crash", "initialize arguments"),
        ("number", "log"),
    ),
    Difference(
        "bytes outside of ASCII are not allowed in a request's target (RFC 9112 section 3.2, RFC 3986)",
        ("query utf-8",),
        (*PAGE, "header Server", "header Date", "header Content-Type", "header Etag"),
    ),
    Difference("the same", ("echo query utf-8",), (*PAGE, "header Server", "header Date", "header Etag")),
    Difference(
        "a target in absolute form is served as what it names (RFC 9112 section 3.2.2)",
        ("echo absolute",),
        (*PAGE, "header Content-Type", "header Etag"),
    ),
    Difference(
        "lines of a header end in CRLF (RFC 9112 section 2.2 allows a bare LF, and what reads both can be smuggled by)",
        ("a line break alone",),
        (*PAGE, "header Server", "header Date", "header Content-Type", "header Etag"),
    ),
    Difference(
        "a fragment is never part of a request's target (RFC 9112 section 3.2)",
        ("a fragment in the target",),
        (*PAGE, "header Server", "header Date", "header Content-Type"),
    ),
    Difference(
        "a message with two Content-Length lines is refused, though they agree (RFC 9112 section 6.3)",
        ("a length twice",),
        (*PAGE, "header Server", "header Date", "header Content-Type"),
    ),
    Difference("a signed value may be a secret and stays out of the log", ("signed v1",), ("log",)),
    Difference(
        "an entry of Accept-Language with a parameter that does not exist is as though it were not there",
        ("accept-language 'es;q=0.5;x=1'",),
        ("body",),
    ),
    Difference(
        "names of query arguments are passed on as they came",
        ("path /redirect?%C3%A9=1",),
        ("header Location",),
    ),
    Difference(
        "a redirect to //slash/ would lead to the host slash",
        ("path //slash//host",),
        (*PAGE, "header Location"),
    ),
    Difference(
        "HEAD is answered like GET (RFC 9110 section 9.3.2)",
        ("head /redirect",),
        ("status", "header Content-Length", "header Location", "log"),
    ),
    Difference(
        "a response to HEAD may be written like that to GET; its body is left out",
        ("head /fallback/x",),
        ("number", "log"),
    ),
    Difference(
        "404 of a router is complete in one piece",
        ("router x/sub/none", "router x/nowhere", "router not found post"),
        ("header Content-Length", "header Transfer-Encoding"),
    ),
    Difference(
        "the log tells the method that lacked the token", ("xsrf PUT", "xsrf PATCH", "xsrf DELETE"), ("log",)
    ),
    Difference(
        "an Origin that is no URL is refused and no error of the server's",
        (
            "origin main.example http://[ -",
            "origin main.example:8080 http://[ -",
            "origin main.example:443 http://[ -",
        ),
        PAGE,
    ),
    Difference("a name with a NUL in it is that of no file", ("file /static/file.txt%00",), PAGE),
    Difference(
        "a Range that is not understood is ignored (RFC 9110 section 14.2)",
        ("range bytes=--1",),
        (*PAGE, "header Content-Range"),
    ),
    Difference(
        "the same",
        ("head range bytes=--1",),
        ("status", "header Content-Length", "header Content-Range", "log"),
    ),
    Difference(
        "a part is only sent if it is one of what the client has (If-Range, RFC 9110 section 13.1.5)",
        ("range conditional",),
        (*PAGE, "header Content-Range"),
    ),
    Difference(
        "an error of log_function is logged once and does not touch the response",
        ("log raises",),
        ("log",),
    ),
    Difference(
        "a response that announces less than the least length is not compressed",
        ("compressed small_streamed gzip", "compressed file"),
        ("header Content-Encoding", "header Content-Length", "header Transfer-Encoding", "body"),
    ),
    Difference(
        "names of content codings are the same in any case (RFC 9110 section 8.4.1)",
        ("compressed by GZIP",),
        ("header Content-Encoding", "header Content-Length", "header Etag", "body"),
    ),
    Difference(
        "a response before the end of the request's body reaches the client: the connection is closed, not reset",
        ("stream early", "stream chunked early", "stream refuse", "stream chunked refuse"),
        ("number", "end"),
    ),
    Difference(
        "an error in data_received is answered like one in any method of a handler",
        ("stream bad", "stream at once bad", "stream chunked bad"),
        ("number", "log"),
    ),
    Difference("the phrase of 100 is Continue (RFC 9110 section 15.2.1)", ("expect continue",), ("status",)),
]
