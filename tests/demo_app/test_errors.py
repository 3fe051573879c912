"""The table of error codes."""

from __future__ import annotations

import pytest

from demo_app.errors import MESSAGES, STATUSES, AppError, ErrorCode, InvalidFields, TryLater, code_for_status


def test_every_code_has_a_status_and_a_message() -> None:
    assert set(STATUSES) == set(MESSAGES) == set(ErrorCode)
    assert all(message for code, message in MESSAGES.items() if code)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, ErrorCode.NOT_FOUND),
        (413, ErrorCode.TOO_LARGE),
        (400, ErrorCode.BAD_REQUEST),
        (418, ErrorCode.BAD_REQUEST),
        (500, ErrorCode.INTERNAL),
        (503, ErrorCode.UNAVAILABLE),
    ],
)
def test_statuses_of_the_framework_have_codes(status: int, code: ErrorCode) -> None:
    assert code_for_status(status) is code


def test_errors_carry_what_their_answer_needs() -> None:
    assert AppError(ErrorCode.USERNAME_TAKEN).status == 409
    assert str(AppError(ErrorCode.USERNAME_TAKEN)) == "this user name is taken"
    assert InvalidFields({"email": "required"}).message == "email: required"
    assert TryLater(ErrorCode.BUSY, 0.2).retry_after == 1
    assert TryLater(ErrorCode.TOO_MANY_TRIES, 1.2).retry_after == 2
