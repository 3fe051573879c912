"""Memcache's text protocol as a queue server speaks it: bytes to commands, and replies to bytes. No I/O.

From memcached's doc/protocol.txt. What is wrong in a command is answered by a line, and the connection goes on with
the next command:

- ``ERROR``: there is no such command
- ``CLIENT_ERROR ...``: the command is not what the protocol wants
- ``SERVER_ERROR ...``: the server can't do it
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "Bad",
    "Command",
    "Delete",
    "Other",
    "Parser",
    "Retrieve",
    "Store",
    "client_error",
    "server_error",
    "value",
]

MAX_KEY = 250
MAX_LINE = 8192

STORED = b"STORED\r\n"
NOT_STORED = b"NOT_STORED\r\n"
DELETED = b"DELETED\r\n"
NOT_FOUND = b"NOT_FOUND\r\n"
OK = b"OK\r\n"
END = b"END\r\n"
ERROR = b"ERROR\r\n"


def client_error(text: str) -> bytes:
    """The line that says what the client did wrong."""
    return f"CLIENT_ERROR {text}\r\n".encode()


def server_error(text: str) -> bytes:
    """The line that says what the server can't do."""
    return f"SERVER_ERROR {text}\r\n".encode()


BAD_FORMAT = client_error("bad command line format")
BAD_DATA = client_error("bad data chunk")
LINE_TOO_LONG = client_error("line too long")
TOO_LARGE = server_error("object too large for cache")


def value(key: bytes, flags: int, data: bytes, unique: int | None = None) -> bytes:
    """One item of the answer to ``get``, or to ``gets`` with its unique number."""
    cas = b"" if unique is None else b" %d" % unique
    return b"VALUE %b %d %d%b\r\n%b\r\n" % (key, flags, len(data), cas, data)


@dataclass(slots=True, frozen=True)
class Store:
    """``set``, ``add`` or ``replace``. ``expires`` is the field ``exptime``, as it was sent."""

    verb: bytes
    key: bytes
    flags: int
    expires: int
    data: bytes
    noreply: bool


@dataclass(slots=True, frozen=True)
class Retrieve:
    """``get``, or ``gets`` if the items' unique numbers are wanted."""

    keys: tuple[bytes, ...]
    unique: bool


@dataclass(slots=True, frozen=True)
class Delete:
    """``delete``."""

    key: bytes
    noreply: bool


@dataclass(slots=True, frozen=True)
class Other:
    """``stats``, ``version``, ``flush_all``, ``verbosity`` and ``quit``, with the words behind the name."""

    verb: bytes
    words: tuple[bytes, ...]
    noreply: bool


@dataclass(slots=True, frozen=True)
class Bad:
    """What is no command; ``reply`` is the line that says so, and empty if the client wants none."""

    reply: bytes


Command = Store | Retrieve | Delete | Other | Bad

_STORING = frozenset({b"set", b"add", b"replace"})
# They change a value in its place, which an item in a queue doesn't have. The first three are followed by data.
_NOT_FOR_QUEUES = frozenset({b"append", b"prepend", b"cas", b"incr", b"decr", b"touch", b"gat", b"gats"})
_WITH_DATA = frozenset({*_STORING, b"append", b"prepend", b"cas"})
_WITHOUT_NOREPLY = frozenset({b"get", b"gets", b"gat", b"gats", b"stats", b"version", b"quit"})
# The words that may follow the name, "noreply" not counted.
_OTHER = {
    b"stats": range(2),
    b"version": range(1),
    b"flush_all": range(2),
    b"verbosity": range(1, 2),
    b"quit": range(1),
}

_KEY = re.compile(rb"[^\x00-\x20\x7f]{1,%d}" % MAX_KEY)
_UNSIGNED = re.compile(rb"[0-9]{1,10}")
_SIGNED = re.compile(rb"-?[0-9]{1,10}")


class Parser:
    """Takes bytes in pieces of any size and gives commands.

    It holds the data it was fed and not yet asked about, of those at most one unfinished line or value: what is
    longer than a limit is skipped as it comes.

    :arg max_value: bytes that a value may have.
    """

    __slots__ = ("_buffer", "_max_value", "_searched", "_skip", "_skip_line", "_storing", "_wanted")

    def __init__(self, max_value: int) -> None:
        self._max_value = max_value
        self._buffer = bytearray()
        # How much of the buffer has no line end.
        self._searched = 0
        # The command whose data is awaited, and how many bytes those are, the line end included.
        self._storing: list[bytes] | None = None
        self._wanted = 0
        # What is not looked at: so many bytes, or all up to the next line end.
        self._skip = 0
        self._skip_line = False

    def feed(self, data: bytes) -> None:
        """Adds what was received."""
        self._buffer += data

    def next(self) -> Command | None:
        """The next command; None if more has to be received first."""
        if not self._skipped():
            return None
        if self._storing is not None:
            return self._with_data(self._storing)
        end = self._buffer.find(b"\n", self._searched)
        size = len(self._buffer) if end < 0 else end
        if size > MAX_LINE:
            self._searched = 0
            self._skip_line = True
            self._skipped()
            return Bad(LINE_TOO_LONG)
        if end < 0:
            self._searched = size
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        self._drop(end + 1)
        return self._line(line)

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._searched = 0

    def _skipped(self) -> bool:
        """Drops what is to be skipped; whether that is done."""
        if self._skip:
            size = min(self._skip, len(self._buffer))
            self._drop(size)
            self._skip -= size
        if self._skip_line and not self._skip:
            end = self._buffer.find(b"\n")
            self._skip_line = end < 0
            self._drop(len(self._buffer) if end < 0 else end + 1)
        return not self._skip and not self._skip_line

    def _line(self, line: bytes) -> Command | None:
        verb, *words = line.split() or [b""]
        noreply = bool(words) and words[-1] == b"noreply" and verb not in _WITHOUT_NOREPLY
        if noreply:
            words.pop()
        if verb in _WITH_DATA:
            return self._storage(verb, words, noreply)
        if verb in _NOT_FOR_QUEUES:
            return _refused(verb, noreply)
        if verb in (b"get", b"gets"):
            if not words or not all(map(_KEY.fullmatch, words)):
                return Bad(BAD_FORMAT)
            return Retrieve(tuple(words), verb == b"gets")
        if verb == b"delete":
            # Old clients send a time, which can only be 0.
            if len(words) == 2 and words[1] == b"0":
                words.pop()
            if len(words) != 1 or not _KEY.fullmatch(words[0]):
                return _bad(BAD_FORMAT, noreply)
            return Delete(words[0], noreply)
        if verb in _OTHER:
            if len(words) not in _OTHER[verb]:
                return _bad(BAD_FORMAT, noreply)
            return Other(verb, tuple(words), noreply)
        return Bad(ERROR)

    def _storage(self, verb: bytes, words: list[bytes], noreply: bool) -> Command | None:
        count = 5 if verb == b"cas" else 4
        if len(words) < 4 or not _UNSIGNED.fullmatch(words[3]):
            # There is no telling how much data comes. What does is taken for commands.
            return Bad(BAD_FORMAT)
        size = int(words[3])
        refusal = b""
        if (
            len(words) != count
            or not _KEY.fullmatch(words[0])
            or not _UNSIGNED.fullmatch(words[1])
            or int(words[1]) >= 1 << 32
            or not _SIGNED.fullmatch(words[2])
        ):
            refusal = BAD_FORMAT
        elif size > self._max_value:
            refusal = TOO_LARGE
        if refusal or verb not in _STORING:
            self._skip = size
            self._skip_line = True
            return _bad(refusal, noreply) if refusal else _refused(verb, noreply)
        self._storing = [verb, *words[:3], b"noreply" if noreply else b""]
        self._wanted = size
        return self._with_data(self._storing)

    def _with_data(self, storing: list[bytes]) -> Command | None:
        size = self._wanted
        end = self._buffer[size : size + 2]
        if len(end) < 2 and b"\r\n".startswith(end):
            return None
        self._storing = None
        verb, key, flags, expires, noreply = storing
        if end != b"\r\n":
            # There is more, or less, data than was said: the next command is behind the next line end.
            self._drop(size)
            self._skip_line = True
            return _bad(BAD_DATA, bool(noreply))
        with memoryview(self._buffer) as view:
            data = bytes(view[:size])
        self._drop(size + 2)
        return Store(verb, key, int(flags), int(expires), data, bool(noreply))


def _bad(reply: bytes, noreply: bool) -> Bad:
    return Bad(b"" if noreply else reply)


def _refused(verb: bytes, noreply: bool) -> Bad:
    return _bad(client_error(f"{verb.decode()} is not possible on a queue"), noreply)
