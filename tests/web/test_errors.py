"""Exceptions by which a handler ends a request."""

from __future__ import annotations

import copy
import pickle

import pytest

from framework.web import Finish, HTTPError, MissingArgumentError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HTTPError(), "HTTP 500: Internal Server Error"),
        (HTTPError(404), "HTTP 404: Not Found"),
        (HTTPError(599), "HTTP 599: Unknown"),
        (HTTPError(404, reason="Gone Fishing"), "HTTP 404: Gone Fishing"),
        (HTTPError(404, "a %s", "b"), "HTTP 404: Not Found (a b)"),
        (HTTPError(404, "a %s"), "HTTP 404: Not Found (a %s)"),
        (HTTPError(404, "100%", reason="r"), "HTTP 404: r (100%)"),
        (MissingArgumentError("x"), "HTTP 400: Bad Request (Missing argument x)"),
    ],
)
def test_errors_say_what_they_are(error: HTTPError, text: str) -> None:
    assert str(error) == text


def test_message_for_a_logger_of_ones_own() -> None:
    plain, formatted = HTTPError(400, "100%"), HTTPError(400, "%d%%", 5)
    assert (plain.log_message, plain.args, plain.get_message()) == ("100%%", (), "100%")
    assert (formatted.log_message, formatted.args, formatted.get_message()) == ("%d%%", (5,), "5%")
    assert (HTTPError(400).log_message, HTTPError(400).get_message()) == (None, None)


def test_attributes() -> None:
    error = HTTPError(409, log_message="m", reason="r")
    assert (error.status_code, error.log_message, error.reason) == (409, "m", "r")
    missing = MissingArgumentError("x")
    assert isinstance(missing, HTTPError)
    assert (missing.status_code, missing.arg_name, missing.reason) == (400, "x", None)


def test_errors_are_copied_with_what_they_carry() -> None:
    assert copy.copy(HTTPError(404)).status_code == 404
    restored = pickle.loads(pickle.dumps(HTTPError(403, "because", reason="r")))
    assert (restored.status_code, restored.reason) == (403, "r")
    assert str(pickle.loads(pickle.dumps(HTTPError(404, "a %s", "b")))) == "HTTP 404: Not Found (a b)"
    missing = pickle.loads(pickle.dumps(MissingArgumentError("x")))
    assert (type(missing), missing.arg_name, missing.status_code) == (MissingArgumentError, "x", 400)


@pytest.mark.parametrize("kind", [HTTPError, MissingArgumentError, Finish])
def test_errors_are_called_by_the_name_they_are_imported_by(kind: type[Exception]) -> None:
    assert f"{kind.__module__}.{kind.__qualname__}" == f"framework.web.{kind.__name__}"


def test_finish_is_no_error_of_http() -> None:
    assert not issubclass(Finish, HTTPError)
    assert Finish("a").args == ("a",)
