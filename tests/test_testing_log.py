from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest

from framework.testing import ExpectLog, bind_unused_port

# bind_unused_port


def test_unused_ports() -> None:
    sock, port = bind_unused_port()
    with sock:
        assert sock.getsockname() == ("127.0.0.1", port)
        assert not sock.getblocking()
        with socket.create_connection(("127.0.0.1", port)):
            pass
    sock, port = bind_unused_port(address="127.0.0.2")
    with sock:
        assert sock.getsockname() == ("127.0.0.2", port)
    sock, port = bind_unused_port(True)
    with sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


# ExpectLog

LOGGER = logging.getLogger("framework.expect-log-test")


@pytest.fixture
def passed() -> Iterator[list[str]]:
    """The messages that get past the filters."""
    messages: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler = Keep()
    LOGGER.addHandler(handler)
    yield messages
    LOGGER.removeHandler(handler)
    assert LOGGER.filters == []
    assert LOGGER.level == logging.NOTSET


def test_expected_messages_are_swallowed_and_counted(passed: list[str]) -> None:
    with ExpectLog(LOGGER, "expected") as expect:
        LOGGER.warning("expected %d", 1)
        LOGGER.error("expected 2")
        LOGGER.warning("not expected")
    assert (expect.matched, expect.logged_stack, expect.deprecated_level_matched) == (2, False, 0)
    assert passed == ["not expected"]


def test_what_is_expected_and_not_logged_fails(passed: list[str]) -> None:
    with (
        pytest.raises(
            AssertionError, match=r"^did not get expected log message.*logged nothing like '\^mess'"
        ),
        ExpectLog(LOGGER.name, "^mess"),
    ):
        LOGGER.warning("a message")
    with ExpectLog(LOGGER, "message", required=False) as expect:
        pass
    assert expect.matched == 0
    # An error in the block is the more important one.
    with pytest.raises(KeyError), ExpectLog(LOGGER, "message"):
        raise KeyError


def test_a_level_is_enabled_and_has_to_be_met(passed: list[str]) -> None:
    LOGGER.setLevel(logging.WARNING)
    with ExpectLog(LOGGER, "message", level=logging.INFO) as expect:
        assert LOGGER.level == logging.INFO
        LOGGER.info("message")
    assert (expect.matched, LOGGER.level, passed) == (1, logging.WARNING, [])
    with (
        pytest.raises(AssertionError, match="like 'message' at level ERROR, but did so at WARNING"),
        ExpectLog(LOGGER, "message", level=logging.ERROR),
    ):
        LOGGER.warning("message")
    assert passed == ["message"]
    LOGGER.setLevel(logging.NOTSET)


def test_quiet_levels_have_to_be_named(passed: list[str]) -> None:
    logger = logging.getLogger("framework.expect-log-test")
    logger.setLevel(logging.INFO)
    with (
        pytest.warns(DeprecationWarning, match="INFO or below without level argument"),
        ExpectLog(logger, "message") as expect,
    ):
        logger.info("message")
    assert expect.deprecated_level_matched == 1
    logger.setLevel(logging.NOTSET)


def test_records_with_exceptions_are_noticed(passed: list[str]) -> None:
    with ExpectLog("", "message") as expect:
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            logging.getLogger().error("message", exc_info=True)
        logging.getLogger().error("message without one")
    assert expect.logged_stack
    assert expect.matched == 2
