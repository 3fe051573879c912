"""permessage-deflate: negotiation and codec (RFC 7692 section 7)."""

from __future__ import annotations

import itertools
import os
import random
import zlib

import pytest

from framework.websocket.deflate import Deflate, Parameters, accept, check_answer, offer
from framework.websocket.errors import ProtocolViolation, WebSocketError
from framework.websocket.extensions import parse_extensions
from tests.cost import growth

LIMIT = 1 << 20


def fields(parameters: Parameters | None) -> tuple[bool, bool, int, int] | None:
    if parameters is None:
        return None
    return (
        parameters.server_no_context_takeover,
        parameters.client_no_context_takeover,
        parameters.server_max_window_bits,
        parameters.client_max_window_bits,
    )


# Reading the header (RFC 6455 section 9.1)


@pytest.mark.parametrize(
    "header, extensions",
    [
        ("", []),
        (" , ,\t,", []),
        ("foo", [("foo", [])]),
        ("foo, bar; baz=2", [("foo", []), ("bar", [("baz", "2")])]),
        ("bar; baz=2,foo", [("bar", [("baz", "2")]), ("foo", [])]),
        ("a;b;c=d ; e = f", [("a", [("b", None), ("c", "d"), ("e", "f")])]),
        ('a; b="c"', [("a", [("b", "c")])]),
        (r'a; b="\c\d"; e', [("a", [("b", "cd"), ("e", None)])]),
        (" a ,, b ", [("a", []), ("b", [])]),
        ("a; b, a; b", [("a", [("b", None)]), ("a", [("b", None)])]),
    ],
)
def test_extensions_are_read(header: str, extensions: list[tuple[str, list[tuple[str, str | None]]]]) -> None:
    assert parse_extensions(header) == extensions


@pytest.mark.parametrize(
    "header",
    [
        *(
            "a b",
            "a;",
            "a;;b",
            ";",
            "=",
            "a=b",
            "a; b=",
            'a; b="',
            'a; b=""',
            'a; b="c d"',
            'a; b="c',
            'a; b="c,d"',
        ),
        *("a; =b", "a; b=c d", "a; b c", "é", 'a; b="\\"', '"a"', "a; b=c;", "a\n", "a; b=c=d"),
    ],
)
def test_what_is_no_list_of_extensions_is_an_error(header: str) -> None:
    with pytest.raises(ValueError, match=r"extensions|token"):
        parse_extensions(header)
    assert accept(header) is None
    with pytest.raises(WebSocketError, match="the server answered with extensions"):
        check_answer(header)


# A server's choice (RFC 7692 sections 5.1 and 7.1)

NAME = "permessage-deflate"
EVERYTHING = (
    "; client_no_context_takeover; client_max_window_bits=11"
    "; server_max_window_bits=12; server_no_context_takeover"
)


@pytest.mark.parametrize(
    "parameters, agreed, answer",
    [
        ("", (False, False, 15, 15), ""),
        ("; client_max_window_bits", (False, False, 15, 15), ""),
        ("; client_max_window_bits=10", (False, False, 15, 10), "; client_max_window_bits=10"),
        ("; client_max_window_bits=8", (False, False, 15, 8), "; client_max_window_bits=8"),
        ("; server_max_window_bits=10", (False, False, 10, 15), "; server_max_window_bits=10"),
        ("; server_max_window_bits=8", (False, False, 8, 15), "; server_max_window_bits=8"),
        ('; server_max_window_bits="15"', (False, False, 15, 15), "; server_max_window_bits=15"),
        ("; server_no_context_takeover", (True, False, 15, 15), "; server_no_context_takeover"),
        ("; client_no_context_takeover", (False, True, 15, 15), "; client_no_context_takeover"),
        (
            EVERYTHING,
            (True, True, 12, 11),
            EVERYTHING,
        ),
    ],
)
def test_a_server_does_as_it_is_asked(
    parameters: str, agreed: tuple[bool, bool, int, int], answer: str
) -> None:
    accepted = accept(NAME + parameters)
    assert accepted is not None
    assert (fields(accepted[0]), accepted[1]) == (agreed, NAME + answer)
    # The client understands the same.
    assert fields(check_answer(accepted[1])) == agreed


WRONG = [
    *("; foo", "; foo=1", "; server_no_context_takeover=1", "; client_no_context_takeover=true"),
    *("; server_max_window_bits", "; server_max_window_bits=7", "; server_max_window_bits=16"),
    *("; server_max_window_bits=09", "; server_max_window_bits=abc", "; client_max_window_bits=7"),
    *("; client_max_window_bits=16", "; client_max_window_bits=010", "; client_max_window_bits=+9"),
    *("; server_no_context_takeover; server_no_context_takeover", "; Server_max_window_bits=9"),
    "; client_max_window_bits; client_max_window_bits=9",
]


@pytest.mark.parametrize("parameters", WRONG)
def test_an_offer_with_anything_wrong_is_declined(parameters: str) -> None:
    assert accept(NAME + parameters) is None
    with pytest.raises(WebSocketError):
        check_answer(NAME + parameters)


@pytest.mark.parametrize(
    "header, answer",
    [
        (f"{NAME}; foo, {NAME}; server_max_window_bits=9, {NAME}", f"{NAME}; server_max_window_bits=9"),
        (f"x-webkit-deflate-frame, {NAME}", NAME),
        (f"{NAME}; server_max_window_bits=1, {NAME}", NAME),
    ],
)
def test_the_first_offer_that_can_be_done_is_taken(header: str, answer: str) -> None:
    accepted = accept(header)
    assert accepted is not None
    assert accepted[1] == answer


@pytest.mark.parametrize("header", ["", "foo", "Permessage-deflate", "permessage-bzip2; a=1"])
def test_offers_of_something_else_are_not_answered(header: str) -> None:
    assert accept(header) is None


def test_what_a_client_offers_is_accepted() -> None:
    accepted = accept(offer())
    assert accepted is not None
    assert accepted[1] == NAME


# What the client makes of the answer


def test_no_answer_is_no_compression() -> None:
    assert check_answer("") is None


@pytest.mark.parametrize(
    "header",
    [
        "foo",
        f"{NAME}, {NAME}",
        f"{NAME}, foo",
        f"foo, {NAME}",
        f"{NAME}; client_max_window_bits",
        "Permessage-Deflate",
    ],
)
def test_an_answer_to_something_else_is_an_error(header: str) -> None:
    with pytest.raises(WebSocketError, match="the server answered with extensions"):
        check_answer(header)


# The codec


def pair(parameters: Parameters, **options: int) -> tuple[Deflate, Deflate]:
    return Deflate(parameters, client=True, **options), Deflate(parameters, client=False, **options)


def test_the_examples_of_the_rfc() -> None:
    # Section 7.2.3.1 and 7.2.3.2.
    client, server = pair(Parameters())
    assert server.compress(b"Hello") == bytes.fromhex("f248cdc9c90700")
    assert server.compress(b"Hello") == bytes.fromhex("f200110000")
    assert client.decompress(bytes.fromhex("f248cdc9c90700"), True, LIMIT) == b"Hello"
    assert client.decompress(bytes.fromhex("f200110000"), True, LIMIT) == b"Hello"
    # In fragments.
    assert client.decompress(bytes.fromhex("f248cd"), False, LIMIT) in (b"", b"He", b"H")


@pytest.mark.parametrize(
    "payload",
    [
        # Section 7.2.3.3: a block without compression; 7.2.3.4: one with BFINAL; 7.2.3.5: two blocks.
        "000500faff48656c6c6f00",
        "f348cdc9c9070000",
        "f248050000" + "00ffff" + "cac9c90700",
    ],
)
def test_messages_of_other_compressors_are_read(payload: str) -> None:
    client, _ = pair(Parameters())
    for _ in range(3):
        assert client.decompress(bytes.fromhex(payload), True, LIMIT) == b"Hello"
    # In single bytes as well.
    whole = bytes.fromhex(payload)
    parts = [client.decompress(whole[at : at + 1], at == len(whole) - 1, LIMIT) for at in range(len(whole))]
    assert b"".join(parts) == b"Hello"


ALL = [
    Parameters(
        server_no_context_takeover=server_alone,
        client_no_context_takeover=client_alone,
        server_max_window_bits=server_bits,
        client_max_window_bits=client_bits,
    )
    for server_alone, client_alone, server_bits, client_bits in itertools.product(
        (False, True), (False, True), (8, 9, 12, 15), (8, 11, 15)
    )
]


@pytest.mark.parametrize("parameters", ALL, ids=lambda one: "-".join(map(str, fields(one) or ())))
def test_all_parameters_take_messages_both_ways(parameters: Parameters) -> None:
    client, server = pair(parameters)
    chance = random.Random(7)
    words = [bytes(chance.choices(b"abcdef", k=chance.randrange(1, 60))) for _ in range(40)]
    for size in (0, 1, 3, 100, 0, 0, 5000, 1):
        message = b" ".join(chance.choices(words, k=size))
        for sender, receiver in ((client, server), (server, client)):
            payload = sender.compress(message)
            cut = len(payload) // 2
            first = receiver.decompress(payload[:cut], False, len(message))
            assert first + receiver.decompress(payload[cut:], True, len(message) - len(first)) == message


@pytest.mark.parametrize("level", range(-1, 10))
@pytest.mark.parametrize("mem_level", [1, 4, 9])
def test_a_window_of_8_bits_is_kept_to(level: int, mem_level: int) -> None:
    # An own zlib with that window reads what is sent: nothing refers back further than 256 bytes.
    _, server = pair(Parameters(server_max_window_bits=8), compression_level=level, mem_level=mem_level)
    reader = zlib.decompressobj(-8)
    chance = random.Random(level)
    text = bytes(chance.choices(b"abc", k=250))
    for size in range(200, 300):
        message = text + bytes(chance.choices(b"xyz", k=size - 200)) + text
        assert reader.decompress(server.compress(message) + b"\x00\x00\xff\xff") == message


def test_context_is_taken_over_only_if_that_was_agreed() -> None:
    message = os.urandom(300)
    _, server = pair(Parameters())
    first, second = server.compress(message), server.compress(message)
    assert len(second) < 20 < len(first)
    _, server = pair(Parameters(server_no_context_takeover=True))
    assert server.compress(message) == server.compress(message) == first


@pytest.mark.parametrize("alone", [False, True])
def test_context_is_kept_for_receiving_only_if_that_was_agreed(alone: bool) -> None:
    sender, _ = pair(Parameters())
    _, server = pair(Parameters(client_no_context_takeover=alone))
    message = os.urandom(300)
    assert server.decompress(sender.compress(message), True, LIMIT) == message
    reference = sender.compress(message)
    if alone:
        with pytest.raises(ProtocolViolation, match="damaged"):
            server.decompress(reference, True, LIMIT)
    else:
        assert server.decompress(reference, True, LIMIT) == message


def test_what_is_sent_after_release_can_be_read() -> None:
    client, server = pair(Parameters())
    message = os.urandom(300)
    sizes = []
    for _ in range(3):
        payload = server.compress(message)
        sizes.append(len(payload))
        assert client.decompress(payload, True, LIMIT) == message
        if len(sizes) == 2:
            server.release()
    assert sizes[1] < 20
    assert sizes[2] == sizes[0]


@pytest.mark.parametrize(
    "options, match",
    [
        ({"compression_level": 10}, "compression_level is from 0 to 9"),
        ({"compression_level": -2}, "compression_level is from 0 to 9"),
        ({"mem_level": 0}, "mem_level is from 1 to 9"),
        ({"mem_level": 10}, "mem_level is from 1 to 9"),
    ],
)
def test_options_out_of_range_are_an_error_at_once(options: dict[str, int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Deflate(Parameters(), client=False, **options)


def test_the_options_are_those_of_zlib() -> None:
    message = bytes(random.Random(1).choices(b"abcdefgh", k=3000))
    sizes = [
        len(Deflate(Parameters(), client=False, compression_level=level, mem_level=memory).compress(message))
        for level, memory in ((0, 8), (1, 1), (9, 9))
    ]
    assert sizes[0] > 3000 > sizes[1] > sizes[2]


# Limits and damage


def test_decompressing_ends_at_the_limit() -> None:
    client, server = pair(Parameters())
    message = bytes(1000)
    assert client.decompress(server.compress(message), True, 1000) == message
    with pytest.raises(ProtocolViolation) as caught:
        client.decompress(server.compress(message), True, 999)
    assert (caught.value.code, caught.value.reason) == (1009, "message too big")


def test_a_bomb_is_not_expanded() -> None:
    # A gigabyte, were it made: the piece that passes the limit is as far as it comes.
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    million = bytes(1 << 20)
    bomb = b"".join([compressor.compress(million) for _ in range(64)]) + compressor.flush(zlib.Z_SYNC_FLUSH)
    server = Deflate(Parameters(), client=False)
    with pytest.raises(ProtocolViolation, match="message too big"):
        server.decompress(bomb, True, 1000)
    start = zlib.decompressobj(-15).decompress(bomb, 1001)
    assert len(start) == 1001


@pytest.mark.parametrize("limit", [0, 1, 10])
def test_the_limit_may_be_anything(limit: int) -> None:
    client, server = pair(Parameters())
    assert client.decompress(server.compress(bytes(limit)), True, limit) == bytes(limit)
    with pytest.raises(ProtocolViolation, match="too big"):
        client.decompress(server.compress(bytes(limit + 1)), True, limit)


@pytest.mark.parametrize("damaged", [b"\xff\xff\xff\xff", b"\x06", b"\x00\x05\x00\x00\x00abcde"])
def test_damaged_data_is_told_with_1007(damaged: bytes) -> None:
    client, _ = pair(Parameters())
    with pytest.raises(ProtocolViolation) as caught:
        client.decompress(damaged, True, LIMIT)
    assert (caught.value.code, caught.value.reason) == (1007, "damaged compressed data")


def test_streams_may_end_inside_a_message_but_not_without_end() -> None:
    ended = bytes.fromhex("f348cdc9c90700")
    client, _ = pair(Parameters())
    assert client.decompress(ended * 16 + b"\x00", True, LIMIT) == b"Hello" * 16
    # Counted for each message.
    assert client.decompress(ended * 16 + b"\x00", True, LIMIT) == b"Hello" * 16
    with pytest.raises(ProtocolViolation) as caught:
        client.decompress(ended * 17 + b"\x00", True, LIMIT)
    assert (caught.value.code, caught.value.reason) == (1007, "compressed data that ends too often")


def test_the_limit_holds_over_streams_that_end() -> None:
    ended = bytes.fromhex("f348cdc9c90700")
    client, _ = pair(Parameters())
    with pytest.raises(ProtocolViolation, match="too big"):
        client.decompress(ended * 3 + b"\x00", True, 14)


COSTS = {
    "empty blocks": lambda n: b"\x00\x00\x00\xff\xff" * n,
    "ends": lambda n: b"\x03\x00" * n,
    "text": lambda n: Deflate(Parameters(), client=False).compress(b"some text " * n),
    "noise": lambda n: Deflate(Parameters(), client=False).compress(os.urandom(n)),
}


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("piece", [1, 1000, 1 << 30])
def test_decompressing_takes_time_in_proportion_to_the_data(name: str, piece: int) -> None:
    def work(data: bytes) -> None:
        codec = Deflate(Parameters(), client=True)
        try:
            for at in range(0, len(data), piece):
                codec.decompress(data[at : at + piece], False, LIMIT)
        except ProtocolViolation:
            pass

    assert growth(work, COSTS[name], 1000) <= 13


@pytest.mark.parametrize(
    "unit", ["a,", ",", " ", "a;b=c;", ";", "a; b=", '"', 'a; b="', "\\", 'a; b="\\', "a;b", "=", "a"]
)
def test_reading_extensions_takes_time_in_proportion_to_the_header(unit: str) -> None:
    def work(header: str) -> None:
        try:
            parse_extensions(header)
        except ValueError:
            pass

    assert growth(work, lambda n: unit * n, 200) <= 13
    assert growth(work, lambda n: f'a; b="{unit * n}', 200) <= 13
