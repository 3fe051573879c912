"""Every difference between the clients that is meant, with its reason."""

from __future__ import annotations

from tests.differential.differences import Difference

__all__ = ["DIFFERENCES"]


def each(*names: str) -> tuple[str, ...]:
    """Whether the result is raised, returned or streamed."""
    return tuple(name + suffix for name in names for suffix in ("", "-returned", "-streamed"))


DIFFERENCES = [
    Difference("a phrase that is not there is not None", ("phrase_empty",), ("told",)),
    Difference(
        "the same, where the space before it is missing as well", each("phrase_missing"), ("outcome",)
    ),
    Difference(
        "extensions of chunks and trailers are read over (RFC 9112 sections 7.1.1 and 7.1.2)",
        each("chunk_extension", "trailer"),
        ("outcome",),
    ),
    Difference("fewer interim responses are enough to be sure", ("interim_for_ever",), ("told",)),
    Difference(
        "a server that switches to a protocol nobody asked for is not listened to (RFC 9110 section 15.2.2)",
        each("switching"),
        ("outcome",),
    ),
    Difference("a code below 100 is none", each("code_099"), ("outcome",)),
    Difference(
        "a header that does not say where the body ends is not told of",
        (
            *("length_'x'", "length_'-1'", "length_'2,_3'", "length_'2-Content-Length:_3'", "length_'+2'"),
            *("length_'2_2'", "length_'111111111111111111111111'", "length_and_chunks", "coding_gzip"),
            *("chunked_twice", "204_length", "204_chunks", "body_limit", "buffer_limit"),
        ),
        ("told",),
    ),
    Difference(
        "lengths that agree are told of as one", ("length_'2,_2'", "length_'2-Content-Length:_2'"), ("told",)
    ),
    Difference(
        "a header that is too long is an HTTPClientError, and UnsatisfiableReadError all the same",
        each("header_too_long", "header_limit"),
        ("outcome",),
    ),
    Difference(
        "more content codings are known (RFC 9110 section 8.4.1)",
        ("x-gzip", "deflate"),
        ("body", "headers", "told"),
    ),
    Difference("the same", ("x-gzip-returned", "deflate-returned"), ("body", "headers")),
    Difference("the same", ("x-gzip-streamed", "deflate-streamed"), ("headers", "streamed")),
    Difference(
        "what would break out of its place is not sent",
        ("header_NUL", "url_CR_LF", "url_NUL"),
        ("outcome", "sent"),
    ),
    Difference("a password in a URL is decoded (RFC 3986 section 3.2.1)", ("auth_url_encoded",), ("sent",)),
    Difference(
        "what may not stand in a request line is percent-encoded (RFC 3986 section 2.1)",
        ("url_unicode", "url_space"),
        ("sent",),
    ),
    Difference(
        "a URL without a host, or with a port that is none, is a mistake in the URL",
        ("url_without_host", "url_no_port", "url_big_port"),
        ("outcome",),
    ),
    Difference("there are proxies", ("proxy_without_port",), ("outcome",)),
    Difference(
        "a redirect to another scheme is an error; there it is never answered", ("moved_ftp",), ("outcome",)
    ),
]
