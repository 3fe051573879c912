"""What the log says, and in which form."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator

import pytest

from demo_app import logs
from tests.demo_app.conftest import Running


@pytest.fixture
def configured() -> Iterator[Callable[[str], io.StringIO]]:
    """Configures logging for real, into a text."""
    names = ("", "demo_app", "framework")
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in names}

    def configure(format: str) -> io.StringIO:
        logging.config.dictConfig(logs.logging_config("INFO", format))
        stream = io.StringIO()
        handler = logging.getLogger().handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
        return stream

    yield configure
    for name, (level, handlers) in before.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers


async def test_a_request_is_one_json_line_with_its_id(
    running: Running, configured: Callable[[str], io.StringIO]
) -> None:
    stream = configured("json")
    headers = {"X-Request-Id": "an-id-of-nginx", "X-Real-IP": "203.0.113.9"}
    await running.client().get("/health/live?password=secret", headers)
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert line["request_id"] == "an-id-of-nginx"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/health/live", 200)
    assert line["address"] == "203.0.113.9"
    assert line["milliseconds"] >= 0
    assert line["level"] == "INFO"
    assert "secret" not in stream.getvalue()


async def test_every_line_of_a_request_has_its_id(
    running: Running, configured: Callable[[str], io.StringIO]
) -> None:
    stream = configured("json")
    running.mongo.down = True
    await running.client().post(
        "/login", {"X-Request-Id": "an-id-of-nginx"}, username="ada", password="correct horse"
    )
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["logger"] for line in lines] == ["demo_app", "framework.access"]
    assert {line["request_id"] for line in lines} == {"an-id-of-nginx"}
    assert [line["level"] for line in lines] == ["WARNING", "ERROR"]


async def test_the_plain_form_has_it_too(running: Running, configured: Callable[[str], io.StringIO]) -> None:
    stream = configured("plain")
    await running.client().get("/nothing", {"X-Request-Id": "an-id-of-nginx"})
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("[W ")
    assert " an-id-of-nginx framework.access] GET /nothing 404 " in line


def test_exceptions_stay_in_their_line(configured: Callable[[str], io.StringIO]) -> None:
    stream = configured("json")
    try:
        raise ZeroDivisionError("meant")
    except ZeroDivisionError:
        logging.getLogger("demo_app").exception("it happened")
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert line["message"] == "it happened"
    assert "ZeroDivisionError: meant" in line["exception"]
    assert line["request_id"] == "-"
