"""The queue server's side of memcache's text protocol: bytes in, commands out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.queue_server.protocol import (
    BAD_DATA,
    BAD_FORMAT,
    ERROR,
    LINE_TOO_LONG,
    MAX_LINE,
    TOO_LARGE,
    Bad,
    Command,
    Delete,
    Other,
    Parser,
    Retrieve,
    Store,
    client_error,
    value,
)

MAX_VALUE = 1000


def parse(*pieces: bytes) -> list[Command]:
    parser = Parser(MAX_VALUE)
    found = []
    for piece in pieces:
        parser.feed(piece)
        while (command := parser.next()) is not None:
            found.append(command)
    return found


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (b"set q 1 2 3\r\nabc\r\n", Store(b"set", b"q", 1, 2, b"abc", False)),
        (b"add q 0 -1 0\r\n\r\n", Store(b"add", b"q", 0, -1, b"", False)),
        (
            b"replace q 4294967295 0 2 noreply\r\n\r\n\r\n",
            Store(b"replace", b"q", 4294967295, 0, b"\r\n", True),
        ),
        (b"set  q\t0 0   1\r\nx\r\n", Store(b"set", b"q", 0, 0, b"x", False)),
        (b"get a\r\n", Retrieve((b"a",), False)),
        (b"gets a b a\n", Retrieve((b"a", b"b", b"a"), True)),
        (b"get noreply\r\n", Retrieve((b"noreply",), False)),
        (b"get \xc3\xa4\r\n", Retrieve((b"\xc3\xa4",), False)),
        (b"delete a\r\n", Delete(b"a", False)),
        (b"delete a 0 noreply\r\n", Delete(b"a", True)),
        (b"stats\r\n", Other(b"stats", (), False)),
        (b"stats queues\r\n", Other(b"stats", (b"queues",), False)),
        (b"flush_all 0 noreply\r\n", Other(b"flush_all", (b"0",), True)),
        (b"verbosity 1\r\n", Other(b"verbosity", (b"1",), False)),
        (b"version\r\n", Other(b"version", (), False)),
        (b"quit\r\n", Other(b"quit", (), False)),
        (b"get " + b"k" * 250 + b"\r\n", Retrieve((b"k" * 250,), False)),
    ],
)
def test_a_command_is_understood(data: bytes, command: Command) -> None:
    assert parse(data + b"quit\r\n") == [command, Other(b"quit", (), False)]


def refused(verb: str) -> bytes:
    return client_error(f"{verb} is not possible on a queue")


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"\r\n", ERROR),
        (b"SET q 0 0 1\r\n", ERROR),
        (b"\x80\x01\x00\xff\r\n", ERROR),
        (b"shutdown noreply\r\n", ERROR),
        (b"get\r\n", BAD_FORMAT),
        (b"get " + b"k" * 251 + b"\r\n", BAD_FORMAT),
        (b"get a\x7f\r\n", BAD_FORMAT),
        (b"get a\x00b\r\n", BAD_FORMAT),
        (b"delete\r\n", BAD_FORMAT),
        (b"delete a 1\r\n", BAD_FORMAT),
        (b"delete a 0 0\r\n", BAD_FORMAT),
        (b"delete noreply\r\n", b""),
        (b"verbosity\r\n", BAD_FORMAT),
        (b"flush_all 1 2\r\n", BAD_FORMAT),
        (b"quit now\r\n", BAD_FORMAT),
        (b"set\r\n", BAD_FORMAT),
        (b"set q 0 0\r\n", BAD_FORMAT),
        (b"set q 0 0 -1\r\n", BAD_FORMAT),
        (b"set q 0 0 1e3\r\n", BAD_FORMAT),
        (b"set q 0 0 " + b"9" * 40 + b"\r\n", BAD_FORMAT),
        # The data that was announced belongs to the command, even if that is not carried out.
        (b"set q x 0 4\r\nquit\r\n", BAD_FORMAT),
        (b"set q 4294967296 0 4\r\nquit\r\n", BAD_FORMAT),
        (b"set q 0 soon 4\r\nquit\r\n", BAD_FORMAT),
        (b"set q 0 0 4 5\r\nquit\r\n", BAD_FORMAT),
        (b"set q 0 0 4 5 noreply\r\nquit\r\n", b""),
        (b"set " + b"k" * 251 + b" 0 0 4\r\nquit\r\n", BAD_FORMAT),
        (b"set q 0 0 1001\r\n" + b"quit\r\n" * 166 + b"stats\r\n", TOO_LARGE),
        (b"set q 0 0 1001 noreply\r\n" + b"quit\r\n" * 166 + b"stats\r\n", b""),
        (b"cas q 0 0 4 7\r\nquit\r\n", refused("cas")),
        (b"cas q 0 0 4\r\nquit\r\n", BAD_FORMAT),
        (b"append q 0 0 4\r\nquit\r\n", refused("append")),
        (b"prepend q 0 0 4 noreply\r\nquit\r\n", b""),
        (b"incr q 1\r\n", refused("incr")),
        (b"decr q 1 noreply\r\n", b""),
        (b"touch q 0\r\n", refused("touch")),
        (b"gat 0 q\r\n", refused("gat")),
        # More data than was said, and less: up to the next line end it is no command.
        (b"set q 0 0 1\r\nabc\r\n", BAD_DATA),
        (b"set q 0 0 1 noreply\r\nabc\r\n", b""),
        (b"set q 0 0 6\r\nabc\r\nquit\r\n", BAD_DATA),
        (b"get " + b"a " * MAX_LINE + b"\r\n", LINE_TOO_LONG),
        (b"x" * 3 * MAX_LINE + b"\r\n", LINE_TOO_LONG),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_what_is_wrong_has_its_reply_and_the_next_command_is_understood(
    data: bytes, reply: bytes, size: int
) -> None:
    data += b"version\r\n"
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert parse(*pieces) == [Bad(reply), Other(b"version", (), False)]


def test_a_line_without_end_is_refused_once_and_not_kept() -> None:
    parser = Parser(MAX_VALUE)
    found = []
    for _ in range(100):
        parser.feed(b"x" * MAX_LINE)
        while (command := parser.next()) is not None:
            found.append(command)
        assert len(parser._buffer) <= MAX_LINE
    assert found == [Bad(LINE_TOO_LONG)]


def test_a_value_that_is_too_large_is_not_kept() -> None:
    parser = Parser(MAX_VALUE)
    parser.feed(b"set q 0 0 9999999999\r\n")
    assert parser.next() == Bad(TOO_LARGE)
    for _ in range(100):
        parser.feed(b"get q\r\n" * 1000)
        assert parser.next() is None
        assert not parser._buffer


_KEYS = st.binary(min_size=1, max_size=250).map(lambda key: bytes(b % 90 + 33 for b in key))
_DATA = st.binary(max_size=50) | st.sampled_from([b"\r\n", b"get a\r\n", b"\r", b"\n", b"\r\r\n"])


def _store(verb: bytes, key: bytes, flags: int, expires: int, data: bytes, noreply: bool) -> bytes:
    return b"%b %b %d %d %d%b\r\n%b\r\n" % (
        verb,
        key,
        flags,
        expires,
        len(data),
        b" noreply" if noreply else b"",
        data,
    )


_COMMANDS = st.one_of(
    st.builds(
        lambda *fields: (_store(*fields), Store(*fields)),
        st.sampled_from([b"set", b"add", b"replace"]),
        _KEYS,
        st.integers(0, (1 << 32) - 1),
        st.integers(-9, 1 << 32),
        _DATA,
        st.booleans(),
    ),
    st.lists(_KEYS, min_size=1, max_size=5).map(
        lambda keys: (b"get " + b" ".join(keys) + b"\r\n", Retrieve(tuple(keys), False))
    ),
    _KEYS.filter(lambda key: key != b"noreply").map(
        lambda key: (b"delete " + key + b"\r\n", Delete(key, False))
    ),
    st.just((b"set q 0 0 3\r\nabcdef\r\n", Bad(BAD_DATA))),
    st.just((b"nonsense\r\n", Bad(ERROR))),
    st.just((b"set q 0 0 2000\r\n" + b"x\r\n" * 666 + b"yy\r\n", Bad(TOO_LARGE))),
)


@settings(deadline=None)
@given(st.lists(_COMMANDS, max_size=8), st.lists(st.integers(0, 4000), max_size=12))
def test_how_the_input_is_split_makes_no_difference(
    commands: list[tuple[bytes, Command]], cuts: list[int]
) -> None:
    data = b"".join(text for text, _ in commands)
    expected = [command for _, command in commands]
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    assert parse(*pieces) == expected
    assert parse(data) == expected


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_give_the_same_whole_or_in_pieces_and_never_an_error(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert parse(*pieces) == parse(whole)
    assert parse(*(whole[at : at + 1] for at in range(len(whole)))) == parse(whole)


def test_a_value_is_written_with_its_size_and_its_unique_number_if_wanted() -> None:
    assert value(b"q", 5, b"a\r\nb") == b"VALUE q 5 4\r\na\r\nb\r\n"
    assert value(b"q", 0, b"", 77) == b"VALUE q 0 0 77\r\n\r\n"
