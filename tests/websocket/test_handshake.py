"""The opening handshake (RFC 6455 section 4)."""

from __future__ import annotations

import base64

import pytest

from framework.httputil import HTTPHeaders
from framework.websocket.errors import WebSocketError
from framework.websocket.handshake import accept_value, check_answer, new_key, parse_subprotocols, refusal

# The example of section 1.3.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

REQUEST = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
ANSWER = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}

Answer = tuple[int, str, dict[str, str]]
UPGRADE: Answer = (400, 'Can "Upgrade" only to "WebSocket".', {})
CONNECTION: Answer = (400, '"Connection" must be "Upgrade".', {})
MISSING: Answer = (400, "Missing/Invalid WebSocket headers", {})
VERSION: Answer = (426, "", {"Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"})


def headers(base: dict[str, str], name: str, *values: str) -> HTTPHeaders:
    result = HTTPHeaders({key: value for key, value in base.items() if key != name})
    for value in values:
        result.add(name, value)
    return result


@pytest.mark.parametrize("key", [KEY, KEY.encode()])
def test_the_example_of_the_rfc(key: str | bytes) -> None:
    assert accept_value(key) == ACCEPT


def test_a_key_is_16_random_bytes() -> None:
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    assert {len(base64.b64decode(key, validate=True)) for key in keys} == {16}


@pytest.mark.parametrize(
    "name, values",
    [
        ("Upgrade", ["websocket"]),
        ("Upgrade", ["WebSocket"]),
        ("Upgrade", ["h2c, websocket"]),
        ("Upgrade", ["h2c", "websocket"]),
        ("Connection", ["upgrade"]),
        ("Connection", ["keep-alive, Upgrade"]),
        ("Connection", ["keep-alive,upgrade ,x"]),
        ("Connection", ["keep-alive", "Upgrade"]),
        ("Sec-WebSocket-Key", ["AAAAAAAAAAAAAAAAAAAAAA=="]),
    ],
)
def test_a_proper_request_is_taken(name: str, values: list[str]) -> None:
    assert refusal(headers(REQUEST, name, *values)) is None


@pytest.mark.parametrize(
    "name, values, answer",
    [
        *(("Upgrade", values, UPGRADE) for values in ([], [""], ["websocket2"], ["web socket"], ["h2c"])),
        *(
            ("Connection", values, CONNECTION)
            for values in ([], [""], ["close"], ["Upgradex"], ["keep-alive"])
        ),
        *(
            ("Sec-WebSocket-Version", values, VERSION)
            for values in ([], [""], ["12"], ["14"], ["7"], ["8"], ["013"], ["13, 8"], ["13", "13"], ["x"])
        ),
        *(
            ("Sec-WebSocket-Key", values, MISSING)
            for values in (
                [],
                [""],
                ["abc"],
                ["AAAA"],
                [KEY + "xx"],
                [KEY[:-1]],
                ["!" * 24],
                [KEY, KEY],
                ["é" * 24],
            )
        ),
    ],
)
def test_any_other_request_is_refused(name: str, values: list[str], answer: Answer) -> None:
    refused = refusal(headers(REQUEST, name, *values))
    assert refused is not None
    assert (refused.status, refused.body, refused.headers) == answer


@pytest.mark.parametrize(
    "header, names",
    [
        ("", []),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a ,b ,,", ["a", "b"]),
        (",", []),
        ("v1.chat, B", ["v1.chat", "B"]),
    ],
)
def test_subprotocols_are_read(header: str, names: list[str]) -> None:
    assert parse_subprotocols(header) == names


def check(
    answer: HTTPHeaders, *, status: int = 101, asked: list[str] | None = None, compression: bool = True
) -> object:
    agreed = check_answer(status, answer, key=KEY, subprotocols=asked or [], compression=compression)
    return agreed.subprotocol, agreed.deflate is not None


def test_a_proper_answer_is_taken() -> None:
    assert check(HTTPHeaders(ANSWER)) == (None, False)
    assert check(HTTPHeaders(ANSWER), asked=["a"]) == (None, False)
    assert check(headers(ANSWER, "Connection", "keep-alive, Upgrade")) == (None, False)
    assert check(headers(ANSWER, "Upgrade", "WebSocket")) == (None, False)
    assert check(headers(ANSWER, "Sec-WebSocket-Protocol", "b"), asked=["a", "b"]) == ("b", False)
    assert check(headers(ANSWER, "Sec-WebSocket-Extensions", "permessage-deflate")) == (None, True)


def test_what_was_agreed_for_compression_is_told() -> None:
    answer = headers(ANSWER, "Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10")
    agreed = check_answer(101, answer, key=KEY, subprotocols=[], compression=True)
    assert agreed.deflate is not None
    assert agreed.deflate.server_max_window_bits == 10


@pytest.mark.parametrize(
    "name, values, match",
    [
        ("Upgrade", [], "not to websocket"),
        ("Upgrade", ["foo"], "not to websocket"),
        ("Connection", [], "not to websocket"),
        ("Connection", ["x"], "not to websocket"),
        ("Sec-WebSocket-Accept", [], "Sec-WebSocket-Accept"),
        ("Sec-WebSocket-Accept", ["xx"], "Sec-WebSocket-Accept"),
        ("Sec-WebSocket-Accept", [ACCEPT.lower()], "Sec-WebSocket-Accept"),
        ("Sec-WebSocket-Protocol", ["c"], "subprotocol 'c', not one of"),
        ("Sec-WebSocket-Protocol", [""], "subprotocol '', not one of"),
        ("Sec-WebSocket-Protocol", ["a", "b"], "subprotocol 'a,b', not one of"),
        ("Sec-WebSocket-Extensions", ["foo"], "extensions 'foo'"),
        ("Sec-WebSocket-Extensions", ["permessage-deflate", "permessage-deflate"], "extensions"),
        ("Sec-WebSocket-Extensions", ["permessage-deflate; foo"], "extensions"),
    ],
)
def test_any_other_answer_is_an_error(name: str, values: list[str], match: str) -> None:
    with pytest.raises(WebSocketError, match=match):
        check(headers(ANSWER, name, *values), asked=["a", "b"])


def test_compression_that_was_not_offered_is_an_error() -> None:
    answer = headers(ANSWER, "Sec-WebSocket-Extensions", "permessage-deflate")
    with pytest.raises(WebSocketError, match="none was offered"):
        check(answer, compression=False)


def test_a_subprotocol_that_was_not_asked_for_is_an_error() -> None:
    with pytest.raises(WebSocketError, match="subprotocol 'a'"):
        check(headers(ANSWER, "Sec-WebSocket-Protocol", "a"))


@pytest.mark.parametrize("status", [200, 302, 404, 100])
def test_another_status_is_an_error(status: int) -> None:
    with pytest.raises(WebSocketError, match="Non-websocket response"):
        check(HTTPHeaders(ANSWER), status=status)
