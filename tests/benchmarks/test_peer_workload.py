"""What has to be answered before anything is measured."""

from __future__ import annotations

from json import loads

import pytest

from benchmarks.ask import ask
from benchmarks.errors import BenchmarkError
from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from tests.benchmarks.web import serve


@pytest.mark.parametrize(
    ("path", "expected", "message"),
    [
        ("/hello", Expected(b"Hello, world!"), None),
        ("/hello", Expected("HELLO, WORLD!", read=lambda body: body.decode().upper()), None),
        ("/hello", Expected(b"Hello"), r"a peer answers b'Hello, world!' \(13 bytes\), not b'Hello'"),
        ("/hello", Expected(b"Hello, world!", "text/plain"), "answers 200 text/html, not 200 text/plain"),
        ("/wrong", Expected(b"Hello, world!"), "answers 500 text/html, not 200 text/html"),
        ("/hello", Expected(b"Hello, world!", sets_cookie=True), "sets no cookie"),
        ("/visits", Expected(b"visit 1", sets_cookie=True), None),
    ],
)
def test_status_type_cookie_and_body_are_compared(path: str, expected: Expected, message: str | None) -> None:
    with serve() as port:
        answer, body = ask(port, Request(path))
    if message is None:
        expected.check("a peer", answer, body)
    else:
        with pytest.raises(BenchmarkError, match=message):
            expected.check("a peer", answer, body)


def test_the_request_is_measured_with_the_cookies_of_the_first_answer() -> None:
    expected = Expected(b"visit 1", sets_cookie=True)
    workload = PeerWorkload("v", "", Request("/visits"), expected, then=Expected(b"visit 2"))
    with serve() as port:
        assert workload._request("a peer", port) == Request("/visits", headers={"Cookie": "visits=1"})
        forgetful = PeerWorkload("v", "", Request("/visits"), expected, then=expected)
        with pytest.raises(BenchmarkError, match="answers b'visit 2'"):
            forgetful._request("a peer", port)
        plain = Expected(b"Hello, world!")
        with pytest.raises(BenchmarkError, match="a peer sets no cookie"):
            PeerWorkload("v", "", Request("/hello"), plain, then=plain)._request("a peer", port)
        assert PeerWorkload("v", "", Request("/hello"), plain)._request("a peer", port) == Request("/hello")


def test_json_is_compared_as_values() -> None:
    expected = Expected({"a": [1, 2]}, read=loads)
    assert expected.read(b'{"a":[1,2]}') == expected.body == expected.read(b'{ "a": [1, 2] }')
