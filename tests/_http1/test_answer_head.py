"""Where an answer's head ends."""

from __future__ import annotations

import pytest

from framework._http1.answer_head import AnswerHead
from framework._http1.client import MAX_INTERIM
from framework.httputil import HTTPInputError

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
FINAL = b"HTTP/1.1 200 OK\r\nServer: x"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_end_is_found_however_the_pieces_are_cut(size: int) -> None:
    head = AnswerHead(1000)
    data = INTERIM * MAX_INTERIM + FINAL + b"\r\n\r\n"
    answers = [head.receive(data[at : at + size]) for at in range(0, len(data), size)]
    *before, answer = answers
    assert set(before) <= {None}
    assert answer == (("HTTP/1.1", 200, "OK"), len(FINAL))
    assert head.data == FINAL + b"\r\n\r\n"


def test_switching_protocols_is_no_interim_response() -> None:
    head = AnswerHead(1000)
    answer = head.receive(b"HTTP/1.1 101 x\r\n\r\nrest")
    assert answer is not None
    assert answer[0].code == 101
    assert head.data[answer[1] + 4 :] == b"rest"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (INTERIM * (MAX_INTERIM + 1), "^Too many 1xx responses$"),
        (b"SSH-2.0\r\n\r\n", "^'SSH-2.0', which is no HTTP$"),
        (b"HTTP/2 200 OK\r\n\r\n", "^'HTTP/2 200 OK', which is no HTTP$"),
        (b"x" * 1001, "^a header of more than 1000 bytes$"),
        (FINAL + b"x" * 1000 + b"\r\n\r\n", "^a header of more than 1000 bytes$"),
    ],
    ids=["1xx", "ssh", "HTTP/2", "no end", "long"],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(HTTPInputError, match=message):
        AnswerHead(1000).receive(data)
