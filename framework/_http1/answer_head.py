"""Where an answer's head ends, for those who take the connection over behind it (CONNECT, upgrades)."""

from __future__ import annotations

from framework._http1.client import MAX_INTERIM
from framework.httputil.errors import HTTPInputError
from framework.httputil.messages import ResponseStartLine, parse_response_start_line

__all__ = ["AnswerHead"]


class AnswerHead:
    """Collects an answer up to the end of its head. Interim responses are dropped (RFC 9110 section 15.2).

    :arg max_size: bytes of a head.
    """

    __slots__ = ("_interim", "_max_size", "data")

    def __init__(self, max_size: int) -> None:
        #: What has come, from the start line on.
        self.data = bytearray()
        self._max_size = max_size
        self._interim = 0

    def receive(self, data: bytes) -> tuple[ResponseStartLine, int] | None:
        """Takes more of the answer.

        :returns: the start line of the final response, 101 among those, and where in `data` its last field
            ends, before the empty line; None: more is needed.
        :raises HTTPInputError: it is no HTTP, or too long.
        """
        # The end may lie across two pieces.
        start = max(0, len(self.data) - 3)
        self.data += data
        while True:
            end = self.data.find(b"\r\n\r\n", start)
            if (len(self.data) if end < 0 else end) > self._max_size:
                raise HTTPInputError(f"a header of more than {self._max_size} bytes")
            if end < 0:
                return None
            line = bytes(self.data[: self.data.find(b"\r\n")]).decode("latin-1")
            try:
                start_line = parse_response_start_line(line)
            except HTTPInputError:
                raise HTTPInputError(f"{line[:100]!r}, which is no HTTP") from None
            if start_line.code == 101 or not 100 <= start_line.code < 200:
                return start_line, end
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise HTTPInputError("Too many 1xx responses")
            del self.data[: end + 4]
            start = 0
