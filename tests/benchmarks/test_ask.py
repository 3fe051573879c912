"""One request and its whole answer."""

from __future__ import annotations

import ssl

import pytest

from benchmarks.ask import ask, cookies
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request
from benchmarks.surroundings import certificate
from tests.benchmarks.web import serve


def test_answer_and_body_are_returned() -> None:
    with serve() as port:
        answer, body = ask(port, Request("/hello"))
    assert (answer.status, answer.headers.get_content_type(), body) == (200, "text/html", b"Hello, world!")


@pytest.mark.parametrize(("body", "length"), [("été", 5), (b"\xff\x00\r\n", 4)])
def test_a_body_is_sent_as_text_or_as_bytes(body: str | bytes, length: int) -> None:
    request = Request("/echo", "POST", {"Content-Type": "text/plain; charset=utf-8"}, body)
    with serve() as port:
        _, answered = ask(port, request)
    sent = body if isinstance(body, bytes) else body.encode()
    assert answered == b"%d %s" % (length, sent)


def test_cookies_are_sent_back_without_their_attributes() -> None:
    with serve() as port:
        first, _ = ask(port, Request("/visits"))
        assert cookies(first) == {"Cookie": "visits=1"}
        _, body = ask(port, Request("/visits", headers=cookies(first)))
        assert body == b"visit 2"
        plain, _ = ask(port, Request("/hello"))
        assert cookies(plain) == {}


def test_tls_1_3_is_insisted_on() -> None:
    with certificate() as (_, path, _, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, key)
        with serve(context) as port:
            assert ask(port, Request("/hello"), tls=True)[1] == b"Hello, world!"
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            serve(context) as port,
            pytest.raises(BenchmarkError, match=r"TLSv1\.2 was negotiated, not TLSv1\.3"),
        ):
            ask(port, Request("/hello"), tls=True)
