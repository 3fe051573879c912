"""Frames to and from bytes (RFC 6455 section 5)."""

from __future__ import annotations

import pytest

from framework.websocket.errors import ProtocolViolation, WebSocketError
from framework.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameReader, encode
from tests.cost import growth
from tests.websocket.wire import KEY, frame

LENGTHS = [0, 1, 2, 5, 124, 125, 126, 127, 128, 255, 256, 65535, 65536, 70000]


def read(data: bytes, *, masked: bool = True, compression: bool = False) -> list[tuple[int, bytes, int]]:
    reader = FrameReader(masked=masked, compression=compression)
    reader.feed(data)
    return all_of(reader)


def all_of(reader: FrameReader) -> list[tuple[int, bytes, int]]:
    found = []
    while (one := reader.next()) is not None:
        found.append(one)
    return found


# Section 5.7.
@pytest.mark.parametrize(
    "wire, first, payload, masked",
    [
        (b"\x81\x05Hello", 0x81, b"Hello", False),
        (b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 0x81, b"Hello", True),
        (b"\x01\x03Hel", 0x01, b"Hel", False),
        (b"\x80\x02lo", 0x80, b"lo", False),
        (b"\x89\x05Hello", 0x89, b"Hello", False),
        (b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 0x8A, b"Hello", True),
        (b"\x82\x7e\x01\x00" + bytes(256), 0x82, bytes(256), False),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(65536), 0x82, bytes(65536), False),
    ],
)
def test_the_examples_of_the_rfc(wire: bytes, first: int, payload: bytes, masked: bool) -> None:
    assert read(wire, masked=masked) == [(first, payload, 0)]
    key = b"\x37\xfa\x21\x3d" if masked else None
    assert encode(first & 15, payload, fin=first >= 0x80, key=key) == wire


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("length", LENGTHS)
def test_every_length_is_written_and_read(length: int, key: bytes | None) -> None:
    payload = bytes(at % 251 for at in range(length))
    wire = encode(BINARY, payload, key=key)
    assert wire == frame(0x82, payload, key)
    assert read(wire, masked=key is not None) == [(0x82, payload, 0)]


@pytest.mark.parametrize("opcode", [CONTINUATION, TEXT, BINARY])
@pytest.mark.parametrize("fin", [False, True])
@pytest.mark.parametrize("key", [None, KEY])
def test_data_frames_may_be_fragments(opcode: int, fin: bool, key: bytes | None) -> None:
    first = opcode | 0x80 * fin
    assert encode(opcode, b"abc", fin=fin, key=key) == frame(first, b"abc", key)
    assert read(frame(first, b"abc", key), masked=key is not None) == [(first, b"abc", 0)]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [False, True])
def test_the_first_frame_of_a_message_may_be_marked_as_compressed(opcode: int, fin: bool) -> None:
    wire = encode(opcode, b"abc", fin=fin, rsv1=True, key=KEY)
    assert wire == frame(0x40 | opcode | 0x80 * fin, b"abc")
    assert read(wire, compression=True) == [(wire[0], b"abc", 0)]


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
@pytest.mark.parametrize("key", [None, KEY])
def test_control_frames_have_up_to_125_bytes(opcode: int, key: bytes | None) -> None:
    wire = encode(opcode, b"x" * 125, key=key)
    assert read(wire, masked=key is not None) == [(0x80 | opcode, b"x" * 125, 0)]
    with pytest.raises(ValueError, match="control frame payloads may not exceed 125 bytes"):
        encode(opcode, b"x" * 126, key=key)


VIOLATIONS = {
    "reserved opcode 3": frame(0x83),
    "reserved opcode 7": frame(0x87),
    "reserved opcode 11": frame(0x8B),
    "reserved opcode 15": frame(0x8F),
    "reserved opcode 4": frame(0x04),
    "reserved bit without an extension for it": frame(0xC1),
    "masked frame from a server": b"",
    "unmasked frame": frame(0x81, b"abcdefgh", None),
    "fragmented control frame": frame(0x09),
    "control frame of more than 125 bytes": frame(0x89, bytes(126)),
    "length with its highest bit set": frame(0x82, length=b"\xff\x80" + bytes(7)),
    "length in more bytes than it needs": frame(0x82, b"x", length=b"\xfe\x00\x01"),
}


@pytest.mark.parametrize("reason", VIOLATIONS)
def test_violations_are_told_with_1002(reason: str) -> None:
    wire = VIOLATIONS[reason]
    reader = FrameReader(masked=bool(wire))
    reader.feed(wire or frame(0x81))
    with pytest.raises(ProtocolViolation) as caught:
        reader.next()
    assert (caught.value.code, caught.value.reason, str(caught.value)) == (1002, reason, reason)
    assert isinstance(caught.value, WebSocketError)


@pytest.mark.parametrize("first", [0x91, 0xA1, 0xC0, 0xC8, 0xC9, 0xF1, 0x99, 0xD1])
@pytest.mark.parametrize("compression", [False, True])
def test_other_reserved_bits_are_never_allowed(first: int, compression: bool) -> None:
    with pytest.raises(ProtocolViolation, match="reserved bit"):
        read(frame(first, b"x"), compression=compression)


@pytest.mark.parametrize(
    "length, fits",
    [
        (b"\xfe\x00\x7d", False),
        (b"\xfe\x00\x7e", True),
        (b"\xff" + (0xFFFF).to_bytes(8, "big"), False),
        (b"\xff" + (0x10000).to_bytes(8, "big"), True),
        (b"\xff" + (2**63 - 1).to_bytes(8, "big"), True),
        (b"\xff" + (2**63).to_bytes(8, "big"), False),
    ],
)
def test_lengths_are_as_short_as_can_be(length: bytes, fits: bool) -> None:
    wire = frame(0x82, length=length)
    if fits:
        assert read(wire) == [(0x82, b"", int.from_bytes(length[1:], "big"))]
    else:
        with pytest.raises(ProtocolViolation, match="length"):
            read(wire)


def test_a_violation_is_seen_as_soon_as_its_byte_is_there() -> None:
    for wire in (b"\x83", b"\x81\x05", b"\x89\xfe", b"\x09"):
        with pytest.raises(ProtocolViolation):
            read(wire)


@pytest.mark.parametrize("masked", [False, True])
def test_bytes_that_come_one_by_one_give_the_same_frames(masked: bool) -> None:
    key = KEY if masked else None
    wire = (
        frame(0x01, b"abcde", key)
        + frame(0x89, b"ping", key)
        + frame(0x80, b"x" * 300, key)
        + frame(0x82, b"", key)
    )
    reader = FrameReader(masked=masked)
    payloads: list[tuple[int, bytes]] = []
    goes_on = False
    for at in range(len(wire)):
        reader.feed(wire[at : at + 1])
        for first, piece, rest in all_of(reader):
            if goes_on:
                assert payloads[-1][0] == first
                piece = payloads.pop()[1] + piece
            payloads.append((first, piece))
            goes_on = rest > 0
    assert payloads == [(0x01, b"abcde"), (0x89, b"ping"), (0x80, b"x" * 300), (0x82, b"")]
    assert reader.buffered == 0


def test_a_payload_is_handed_out_as_it_comes() -> None:
    wire = frame(0x82, b"0123456789")
    reader = FrameReader(masked=True)
    reader.feed(wire[:6])
    assert reader.next() == (0x82, b"", 10)
    assert reader.next() is None
    reader.feed(wire[6:9])
    assert reader.next() == (0x82, b"012", 7)
    reader.feed(wire[9:10])
    reader.feed(wire[10:15])
    reader.feed(wire[15:] + wire)
    assert all_of(reader) == [(0x82, b"3", 6), (0x82, b"456789", 0), (0x82, b"0123456789", 0)]


def test_control_frames_are_handed_out_whole() -> None:
    wire = frame(0x89, b"0123456789")
    reader = FrameReader(masked=True)
    for at in range(len(wire) - 1):
        reader.feed(wire[at : at + 1])
        assert reader.next() is None
        assert reader.buffered == at + 1
    reader.feed(wire[-1:])
    assert reader.next() == (0x89, b"0123456789", 0)


def test_what_has_not_been_handed_out_is_counted_and_can_be_forgotten() -> None:
    reader = FrameReader(masked=True)
    assert reader.buffered == 0
    wire = frame(0x81, b"abc")
    reader.feed(wire * 2)
    reader.feed(wire)
    assert reader.buffered == 3 * len(wire)
    reader.next()
    assert reader.buffered == 2 * len(wire)
    reader.clear()
    assert reader.buffered == 0
    assert reader.next() is None


def test_clearing_inside_a_frame_forgets_the_frame() -> None:
    reader = FrameReader(masked=True)
    reader.feed(frame(0x82, b"abc")[:-1])
    assert reader.next() == (0x82, b"ab", 1)
    reader.clear()
    reader.feed(frame(0x81, b"new"))
    assert reader.next() == (0x81, b"new", 0)


def _in_pieces(pieces: list[bytes]) -> None:
    reader = FrameReader(masked=True)
    for piece in pieces:
        reader.feed(piece)
        all_of(reader)


def _late(pieces: list[bytes]) -> None:
    reader = FrameReader(masked=True)
    for piece in pieces:
        reader.feed(piece)
        assert reader.buffered
    all_of(reader)


def _one_for_one(pieces: list[bytes]) -> None:
    # One frame is taken for each that comes, with as many before it as there are.
    reader = FrameReader(masked=True)
    reader.feed(b"".join(pieces))
    for piece in pieces:
        reader.feed(piece)
        reader.next()


def _cut(wire: bytes, size: int) -> list[bytes]:
    return [wire[at : at + size] for at in range(0, len(wire), size)]


COSTS = {
    "a large frame in small pieces": lambda n: _cut(frame(0x82, bytes(10 * n)), 10),
    "a large frame in single bytes": lambda n: _cut(frame(0x82, bytes(n)), 1),
    "small frames in one piece": lambda n: [frame(0x81, b"abc") * n],
    "small frames in single bytes": lambda n: _cut(frame(0x81, b"abc") * (n // 5), 1),
    "small frames": lambda n: [frame(0x81, b"abc")] * n,
    "pings in halves": lambda n: _cut(frame(0x89, bytes(121)) * n, 64),
    "frames of middle size": lambda n: [frame(0x82, bytes(200))] * n,
    "empty frames": lambda n: [frame(0x80)] * n,
}


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("way", [_in_pieces, _late, _one_for_one])
def test_reading_takes_time_in_proportion_to_what_comes(name: str, way: object) -> None:
    assert callable(way)
    assert growth(way, COSTS[name], 200) <= 13
