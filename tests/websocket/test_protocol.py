"""The rules of a connection (RFC 6455 sections 5 to 7), bytes in and bytes out."""

from __future__ import annotations

import random

import pytest

from framework.websocket.deflate import Deflate, Parameters
from framework.websocket.errors import WebSocketClosedError
from framework.websocket.protocol import Close, Event, Ping, Pong, Protocol, State
from tests.cost import growth
from tests.websocket.wire import KEY, close, frame

LIMIT = 1 << 20


def server(limit: int = LIMIT, deflate: Deflate | None = None) -> Protocol:
    return Protocol(False, max_message_size=limit, deflate=deflate)


def client(limit: int = LIMIT, deflate: Deflate | None = None) -> Protocol:
    return Protocol(True, max_message_size=limit, deflate=deflate)


def plain(event: Event) -> object:
    """An event in a form that can be compared."""
    if isinstance(event, Ping | Pong):
        return (type(event).__name__, event.data)
    if isinstance(event, Close):
        return ("Close", event.code, event.reason, event.clean)
    return event


def events(protocol: Protocol, *data: bytes) -> list[object]:
    """All events that come of the data, received in these pieces."""
    found = []
    for piece in data:
        protocol.receive(piece)
        while (event := protocol.next_event()) is not None:
            found.append(plain(event))
    return found


def octets(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


# Messages (section 5.4, 5.6)

MESSAGES: dict[str, tuple[bytes, list[object]]] = {
    "text": (frame(0x81, b"hello"), ["hello"]),
    "text with other letters": (frame(0x81, "κόσμε 🎉".encode()), ["κόσμε 🎉"]),
    "empty text": (frame(0x81), [""]),
    "binary": (frame(0x82, b"\x00\xff"), [b"\x00\xff"]),
    "empty binary": (frame(0x82), [b""]),
    "middle size": (frame(0x81, b"x" * 126) + frame(0x82, b"y" * 65535), ["x" * 126, b"y" * 65535]),
    "large": (frame(0x82, b"z" * 65536), [b"z" * 65536]),
    "several": (frame(0x81, b"a") + frame(0x82, b"b") + frame(0x81, b"c"), ["a", b"b", "c"]),
    "fragments": (frame(0x01, b"he") + frame(0x00, b"l") + frame(0x80, b"lo"), ["hello"]),
    "fragments of binary": (frame(0x02, b"he") + frame(0x80, b"llo"), [b"hello"]),
    "empty fragments": (frame(0x01) + frame(0x00) + frame(0x80), [""]),
    "empty last fragment": (frame(0x02, b"a") + frame(0x00) + frame(0x80), [b"a"]),
    "large fragments": (
        frame(0x01, b"a" * 3000) + frame(0x00, b"b") + frame(0x80, b"c" * 3000),
        ["a" * 3000 + "b" + "c" * 3000],
    ),
    "a character over fragments": (
        frame(0x01, b"\xf0\x9f") + frame(0x00, b"\x8e") + frame(0x80, b"\x89"),
        ["🎉"],
    ),
    "a ping between fragments": (
        frame(0x01, b"he") + frame(0x89, b"p") + frame(0x8A, b"q") + frame(0x80, b"llo"),
        [("Ping", b"p"), ("Pong", b"q"), "hello"],
    ),
    "a message after a fragmented one": (
        frame(0x01, b"a") + frame(0x80, b"b") + frame(0x82, b"c"),
        ["ab", b"c"],
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_received(name: str) -> None:
    wire, expected = MESSAGES[name]
    assert events(server(), wire) == expected
    assert events(server(), wire[:3], wire[3:9], wire[9:]) == expected
    if len(wire) < 10_000:
        assert events(server(), *octets(wire)) == expected


def test_a_client_receives_frames_without_mask() -> None:
    wire = frame(0x81, b"hello", None) + frame(0x02, b"x" * 200, None) + frame(0x80, b"y", None)
    assert events(client(), wire) == ["hello", b"x" * 200 + b"y"]
    assert events(client(), *octets(wire)) == ["hello", b"x" * 200 + b"y"]


def test_events_are_made_one_by_one_as_they_are_asked_for() -> None:
    protocol = server()
    wire = frame(0x81, b"abc")
    protocol.receive(wire * 3)
    assert protocol._reader.buffered == 3 * len(wire)
    assert protocol.next_event() == "abc"
    assert protocol._reader.buffered == 2 * len(wire)
    protocol.receive(frame(0x82, b"d"))
    assert [protocol.next_event() for _ in range(4)] == ["abc", "abc", b"d", None]
    assert protocol._reader.buffered == 0


# Sending


@pytest.mark.parametrize(
    "message, first, payload",
    [
        ("hé", 0x81, "hé".encode()),
        (b"\xff", 0x82, b"\xff"),
        ("", 0x81, b""),
        (b"", 0x82, b""),
        ("x" * 70000, 0x81, b"x" * 70000),
    ],
)
def test_a_server_sends_messages_without_mask(message: str | bytes, first: int, payload: bytes) -> None:
    assert server().send_message(message) == frame(first, payload, None)


def test_a_client_masks_each_frame_with_a_key_of_its_own() -> None:
    protocol = client()
    sent = [
        protocol.send_message("hello"),
        protocol.send_message("hello"),
        protocol.send_ping(b"hello"),
        protocol.send_pong(b"hello"),
        protocol.send_close(1000, "bye"),
    ]
    assert len({wire[2:6] for wire in sent}) == 5
    expected = ["hello", "hello", ("Ping", b"hello"), ("Pong", b"hello"), ("Close", 1000, "bye", True)]
    assert events(server(), b"".join(sent)) == expected


def test_text_that_is_no_unicode_is_not_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        server().send_message("\ud800")


# Control frames (section 5.5)


def test_a_ping_is_answered_with_its_data() -> None:
    protocol = server()
    assert events(protocol, frame(0x89, b"abc") + frame(0x89)) == [("Ping", b"abc"), ("Ping", b"")]
    assert protocol.take_output() == frame(0x8A, b"abc", None) + frame(0x8A, b"", None)
    assert protocol.take_output() == b""


def test_a_client_masks_its_pong() -> None:
    protocol = client()
    events(protocol, frame(0x89, b"abc", None))
    assert events(server(), protocol.take_output()) == [("Pong", b"abc")]


def test_a_pong_nobody_asked_for_is_not_answered() -> None:
    protocol = server()
    assert events(protocol, frame(0x8A, b"abc")) == [("Pong", b"abc")]
    assert protocol.take_output() == b""


def test_pings_and_pongs_are_sent_with_up_to_125_bytes() -> None:
    protocol = server()
    assert protocol.send_ping() == b"\x89\x00"
    assert protocol.send_ping(b"x" * 125) == frame(0x89, b"x" * 125, None)
    assert protocol.send_pong(b"x") == frame(0x8A, b"x", None)
    for send in (protocol.send_ping, protocol.send_pong):
        with pytest.raises(ValueError, match="control frame payloads may not exceed 125 bytes"):
            send(b"x" * 126)
    assert protocol.state is State.OPEN


# Closing (section 7)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_a_close_frame_is_answered_with_its_code(code: int) -> None:
    protocol = server()
    assert events(protocol, close(code, "tschüß".encode())) == [("Close", code, "tschüß", True)]
    assert protocol.take_output() == close(code, key=None)
    assert (protocol.close_code, protocol.close_reason) == (code, "tschüß")
    assert (protocol.close_sent, protocol.close_received, protocol.state) == (True, True, State.CLOSED)


def test_a_close_frame_may_say_nothing() -> None:
    protocol = server()
    assert events(protocol, frame(0x88)) == [("Close", 1005, "", True)]
    assert protocol.take_output() == b"\x88\x00"
    assert (protocol.close_code, protocol.close_reason) == (None, None)


def test_a_close_frame_may_have_a_code_alone() -> None:
    protocol = server()
    assert events(protocol, close(1001)) == [("Close", 1001, "", True)]
    assert (protocol.close_code, protocol.close_reason) == (1001, None)


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_code_that_no_frame_may_have_is_a_violation(code: int) -> None:
    protocol = server()
    assert events(protocol, close(code, b"x")) == [("Close", 1002, "close frame without a valid code", False)]
    assert protocol.take_output()[:4] == b"\x88\x22\x03\xea"
    assert (protocol.close_code, protocol.close_received) == (None, False)


def test_half_a_code_is_a_violation() -> None:
    assert events(server(), frame(0x88, b"\x03")) == [
        ("Close", 1002, "close frame without a valid code", False)
    ]


def test_a_reason_that_is_not_utf8_is_a_violation() -> None:
    protocol = server()
    assert events(protocol, close(1000, b"\xce\xba\xff")) == [
        ("Close", 1007, "text that is not UTF-8", False)
    ]
    assert protocol.take_output()[2:4] == (1007).to_bytes(2, "big")
    assert (protocol.close_code, protocol.close_received) == (None, False)


@pytest.mark.parametrize(
    "code, reason, payload",
    [
        (None, None, b""),
        (1000, None, b"\x03\xe8"),
        (None, "x", b"\x03\xe8x"),
        (None, "", b"\x03\xe8"),
        (1001, "é", b"\x03\xe9\xc3\xa9"),
        (4999, b"abc", b"\x13\x87abc"),
        (1000, "x" * 123, b"\x03\xe8" + b"x" * 123),
        (0, None, b"\x00\x00"),
    ],
)
def test_close_frames_are_sent(code: int | None, reason: str | bytes | None, payload: bytes) -> None:
    protocol = server()
    assert protocol.send_close(code, reason) == frame(0x88, payload, None)
    assert (protocol.state, protocol.close_sent, protocol.close_received) == (State.CLOSING, True, False)


@pytest.mark.parametrize("code, reason", [(1000, "x" * 124), (1000, "é" * 62), (-1, None), (65536, None)])
def test_a_close_frame_that_can_not_be_is_an_error_and_not_sent(code: int, reason: str | None) -> None:
    protocol = server()
    with pytest.raises(ValueError, match=r"125 bytes|two bytes"):
        protocol.send_close(code, reason)
    assert (protocol.state, protocol.close_sent) == (State.OPEN, False)


def test_the_answer_to_a_close_frame_is_the_end() -> None:
    one, other = server(), client()
    sent = one.send_close(1001, "restart")
    assert events(other, sent) == [("Close", 1001, "restart", True)]
    assert events(one, other.take_output()) == [("Close", 1001, "", True)]
    assert one.take_output() == b""
    assert one.state is other.state is State.CLOSED
    assert (one.close_code, one.close_reason) == (1001, None)


def test_what_was_under_way_is_received_after_sending_a_close_frame() -> None:
    protocol = server()
    protocol.receive(frame(0x81, b"before") + frame(0x89, b"ping"))
    protocol.send_close(1000)
    assert events(protocol, frame(0x82, b"after")) == ["before", ("Ping", b"ping"), b"after"]
    # Nothing is sent behind a close frame, so no pong.
    assert protocol.take_output() == b""
    assert events(protocol, frame(0x88)) == [("Close", 1005, "", True)]
    assert protocol.take_output() == b""


def test_what_comes_after_a_close_frame_is_ignored() -> None:
    protocol = server()
    assert events(protocol, close(1000) + frame(0x81, b"more"), frame(0x89)) == [("Close", 1000, "", True)]
    assert protocol.take_output() == close(1000, key=None)
    assert protocol._reader.buffered == 0


@pytest.mark.parametrize("how", ["sent", "received", "violation", "eof"])
def test_nothing_is_sent_once_it_is_over(how: str) -> None:
    protocol = server()
    if how == "sent":
        protocol.send_close()
    elif how == "eof":
        protocol.receive_eof()
        protocol.next_event()
    else:
        events(protocol, close(1000) if how == "received" else frame(0x83))
    protocol.take_output()
    for send in (protocol.send_message, protocol.send_ping, protocol.send_pong):
        with pytest.raises(WebSocketClosedError):
            send(b"x")
    assert protocol.send_close(1000) == b""
    assert protocol.take_output() == b""


def test_the_end_of_the_stream_is_the_end_after_what_came_before_it() -> None:
    protocol = server()
    protocol.receive(frame(0x81, b"last") + frame(0x81, b"unfinished")[:-1])
    protocol.receive_eof()
    assert protocol.next_event() == "last"
    assert protocol.state is State.OPEN
    assert events(protocol, b"") == [("Close", 1006, "", False)]
    assert (protocol.state, protocol.close_code, protocol.close_sent) == (State.CLOSED, None, False)
    assert protocol.next_event() is None
    assert protocol.take_output() == b""


def test_the_end_of_the_stream_after_the_close_handshake_is_no_event() -> None:
    protocol = server()
    assert events(protocol, close(1000)) == [("Close", 1000, "", True)]
    protocol.receive_eof()
    assert protocol.next_event() is None


def test_the_end_of_the_stream_instead_of_an_answer_is_1006() -> None:
    protocol = server()
    protocol.send_close(1000)
    protocol.receive_eof()
    assert events(protocol, b"") == [("Close", 1006, "", False)]


# Violations (section 7.1.7)

VIOLATIONS: dict[str, tuple[int, bytes]] = {
    "reserved bit without an extension for it": (1002, frame(0xC1, b"x")),
    "reserved opcode 3": (1002, frame(0x83, b"x")),
    "fragmented control frame": (1002, frame(0x09, b"x")),
    "control frame of more than 125 bytes": (1002, frame(0x89, b"x" * 126)),
    "unmasked frame": (1002, frame(0x81, b"x", None)),
    "continuation of no message": (1002, frame(0x80, b"x")),
    "new message inside a fragmented one": (1002, frame(0x01, b"x") + frame(0x81, b"x")),
    "text that is not UTF-8": (1007, frame(0x81, b"\xff")),
    "message too big": (1009, frame(0x82, bytes(LIMIT + 1))),
}


@pytest.mark.parametrize("reason", VIOLATIONS)
def test_a_violation_ends_the_connection_with_a_close_frame(reason: str) -> None:
    code, wire = VIOLATIONS[reason]
    protocol = server()
    expected = ["before", ("Close", code, reason, False)]
    assert events(protocol, frame(0x81, b"before") + wire + frame(0x81, b"after"), wire) == expected
    assert protocol.take_output() == close(code, reason.encode(), None)
    assert (protocol.state, protocol.close_sent, protocol.close_received) == (State.CLOSED, True, False)
    assert (protocol.close_code, protocol.close_reason, protocol._reader.buffered) == (None, None, 0)


def test_a_violation_after_sending_a_close_frame_is_not_answered() -> None:
    protocol = server()
    protocol.send_close(1000)
    assert events(protocol, frame(0x83)) == [("Close", 1002, "reserved opcode 3", False)]
    assert protocol.take_output() == b""


def test_a_client_refuses_masked_frames() -> None:
    protocol = client()
    assert events(protocol, frame(0x81, b"x")) == [("Close", 1002, "masked frame from a server", False)]
    assert events(server(), protocol.take_output()) == [("Close", 1002, "masked frame from a server", True)]


def test_a_last_continuation_of_no_message_is_a_violation_after_a_message_too() -> None:
    wire = frame(0x01, b"a") + frame(0x80, b"b") + frame(0x00, b"c")
    assert events(server(), wire) == ["ab", ("Close", 1002, "continuation of no message", False)]


# UTF-8, as it arrives (section 8.1)

NOT_UTF8 = {
    "bare continuation": b"\x80",
    "no such byte": b"\xff",
    "overlong": b"\xc0",
    "overlong of three bytes": b"\xe0\x80",
    "overlong of four bytes": b"\xf0\x80",
    "beyond the last character": b"\xf4\x90",
    "far beyond it": b"\xf8",
    "half of a surrogate pair": b"\xed\xa0",
    "other half": b"\xed\xbf",
    "broken off": b"\xce\x41",
}


@pytest.mark.parametrize("name", NOT_UTF8)
@pytest.mark.parametrize("before", [b"", "κόσμε".encode()])
def test_what_can_not_become_text_any_more_is_refused_at_once(name: str, before: bytes) -> None:
    bad = before + NOT_UTF8[name]
    refused = [("Close", 1007, "text that is not UTF-8", False)]
    rest = b"\x80" * 5
    # In the first of several fragments.
    assert events(server(), frame(0x01, bad)) == refused
    # In a frame that has not come to its end.
    whole = frame(0x81, bad + rest)
    unfinished = whole[: -len(rest)]
    assert events(server(), unfinished) == refused
    # And that came in single bytes, the last one is when.
    protocol = server()
    assert events(protocol, *octets(unfinished[:-1])) == []
    assert events(protocol, unfinished[-1:]) == refused
    # Over two fragments.
    assert events(server(), frame(0x01, bad[:-1]) + frame(0x00, bad[-1:])) == refused


@pytest.mark.parametrize(
    "character",
    ["\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"],
)
def test_every_kind_of_character_comes_through_in_pieces(character: str) -> None:
    data = f"{character}a{character}{character}".encode()
    assert events(server(), *octets(frame(0x81, data))) == [data.decode()]
    fragments = b"".join([frame(0x01), *(frame(0x00, octet) for octet in octets(data)), frame(0x80)])
    assert events(server(), fragments) == [data.decode()]


@pytest.mark.parametrize("data", [b"\xce", b"abc\xf0\x9f\x8e", b"\xed\x9f"])
def test_a_message_that_ends_inside_a_character_is_refused(data: bytes) -> None:
    refused = [("Close", 1007, "text that is not UTF-8", False)]
    assert events(server(), frame(0x81, data)) == refused
    assert events(server(), frame(0x01, data)) == []
    assert events(server(), frame(0x01, data) + frame(0x80)) == refused


def test_the_data_of_binary_messages_and_pings_is_no_text() -> None:
    protocol = server()
    wire = frame(0x02, b"\xff") + frame(0x89, b"\xff") + frame(0x80, b"\xff")
    assert events(protocol, wire) == [("Ping", b"\xff"), b"\xff\xff"]


# Size


def test_a_message_may_have_as_many_bytes_as_the_limit() -> None:
    big = ("Close", 1009, "message too big", False)
    assert events(server(10), frame(0x82, bytes(10))) == [bytes(10)]
    assert events(server(10), frame(0x82, bytes(11))) == [big]
    assert events(server(10), frame(0x01, b"a" * 5) + frame(0x00, b"b" * 5) + frame(0x80)) == ["aaaaabbbbb"]
    assert events(server(10), frame(0x01, b"a" * 5) + frame(0x00, b"b" * 6)) == [big]
    # Bytes are counted, not characters; and each message by itself.
    assert events(server(10), frame(0x81, "é".encode() * 6)) == [big]
    assert events(server(10), frame(0x82, bytes(10)) * 3) == [bytes(10)] * 3
    assert events(server(10), frame(0x89, bytes(20))) == [("Ping", bytes(20))]


def test_a_message_too_big_is_refused_by_its_header() -> None:
    protocol = server(1000)
    protocol.receive(b"\x82\xff" + (1 << 62).to_bytes(8, "big") + KEY)
    event = protocol.next_event()
    assert isinstance(event, Close)
    assert event.code == 1009


# Compression (RFC 7692)


def codecs(**parameters: bool) -> tuple[Protocol, Protocol]:
    agreed = Parameters(**parameters)
    return client(deflate=Deflate(agreed, client=True)), server(deflate=Deflate(agreed, client=False))


def test_messages_are_compressed_both_ways() -> None:
    ours, theirs = codecs()
    for message in ("abc" * 1000, b"x" * 1000, "", b"", "abc" * 1000, "é"):
        for sender, receiver in ((ours, theirs), (theirs, ours)):
            wire = sender.send_message(message)
            assert wire[0] == (0xC1 if isinstance(message, str) else 0xC2)
            assert len(wire) < 100
            assert events(receiver, wire) == [message]
            assert events(sender, receiver.send_message(message)) == [message]


def test_control_frames_are_not_compressed() -> None:
    ours, theirs = codecs()
    assert theirs.send_ping(b"abc") == frame(0x89, b"abc", None)
    assert events(theirs, frame(0xC9, b"x"))[0] == (
        "Close",
        1002,
        "reserved bit without an extension for it",
        False,
    )
    assert ours.send_close(1000)[:2] == b"\x88\x82"


def test_a_message_need_not_be_compressed() -> None:
    _, theirs = codecs()
    assert events(theirs, frame(0x81, b"abc")) == ["abc"]
    assert events(theirs, frame(0x01, b"abc") + frame(0x80, b"d")) == ["abcd"]


def test_compressed_messages_come_in_fragments_with_pings_between() -> None:
    codec = Deflate(Parameters(), client=True)
    payload = codec.compress("κόσμε ".encode() * 50)
    wire = frame(0x41, payload[:10]) + frame(0x89) + frame(0x00, payload[10:20]) + frame(0x80, payload[20:])
    expected = [("Ping", b""), "κόσμε " * 50]
    assert events(codecs()[1], wire) == expected
    assert events(codecs()[1], *octets(wire)) == expected


def test_a_continuation_is_not_marked_as_compressed() -> None:
    refused = ("Close", 1002, "reserved bit without an extension for it", False)
    assert events(codecs()[1], frame(0x41, b"") + frame(0xC0, b"")) == [refused]


def test_damaged_compressed_data_is_1007() -> None:
    assert events(codecs()[1], frame(0xC1, b"\xff" * 8)) == [
        ("Close", 1007, "damaged compressed data", False)
    ]


def test_compressed_text_is_checked_as_it_arrives() -> None:
    payload = Deflate(Parameters(), client=True).compress(b"abc\xff" + bytes(range(128)) * 100)
    protocol = codecs()[1]
    assert events(protocol, frame(0x41, payload[:100])) == [("Close", 1007, "text that is not UTF-8", False)]


def test_the_limit_is_for_the_decompressed_message() -> None:
    big = ("Close", 1009, "message too big", False)
    for message, expected in ((bytes(1000), [bytes(1000)]), (bytes(1001), [big])):
        payload = Deflate(Parameters(), client=True).compress(message)
        assert events(server(1000, Deflate(Parameters(), client=False)), frame(0xC2, payload)) == expected
        wire = frame(0x42, payload[:5]) + frame(0x00, payload[5:6]) + frame(0x80, payload[6:])
        assert events(server(1000, Deflate(Parameters(), client=False)), wire) == expected


def test_data_that_compression_made_longer_fits_the_limit_all_the_same() -> None:
    message = random.Random(5).randbytes(1000)
    payload = Deflate(Parameters(), client=True).compress(message)
    assert len(payload) > 1000
    assert events(server(1000, Deflate(Parameters(), client=False)), frame(0xC2, payload)) == [message]


# Costs

SMALL = b"".join([frame(0x01), *(frame(0x00, b"ab") for _ in range(10))])


def _fragments(n: int) -> list[bytes]:
    return [frame(0x02), *[frame(0x00, b"ab")] * n, frame(0x80)]


COSTS = {
    "many messages": lambda n: [frame(0x81, b"abc") * n],
    "many fragments": _fragments,
    "many fragments at once": lambda n: [b"".join(_fragments(n))],
    "empty fragments": lambda n: [frame(0x01), frame(0x00) * n],
    "text in single bytes": lambda n: octets(frame(0x81, "é".encode() * n)),
    "text in fragments": lambda n: [
        frame(0x01),
        frame(0x00, b"\xc3") + b"".join([frame(0x00, b"\xa9\xc3")] * n),
    ],
    "pings": lambda n: [frame(0x89, b"x" * 125) * n],
    "a large message in pieces": lambda n: [frame(0x02), *[frame(0x00, bytes(1500))] * n, frame(0x80)],
}


@pytest.mark.parametrize("name", COSTS)
def test_receiving_takes_time_in_proportion_to_what_comes(name: str) -> None:
    def work(pieces: list[bytes]) -> None:
        protocol = server(1 << 30)
        for piece in pieces:
            protocol.receive(piece)
            while protocol.next_event() is not None:
                protocol.take_output()

    assert growth(work, COSTS[name], 100) <= 13


def test_a_message_of_tiny_fragments_takes_little_more_memory_than_its_size() -> None:
    protocol = server()
    for _ in range(2000):
        events(protocol, SMALL[6:] if protocol._pieces else SMALL)
    assert [type(piece) for piece in protocol._pieces] == [bytearray]
    assert len(protocol._pieces[0]) == 2000 * 20
