"""Logging: one line per record, as text or JSON, each with the id of the request it belongs to."""

from __future__ import annotations

import json
import logging
import re
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from framework.log import LogFormatter, access_log
from framework.web import RequestHandler

__all__ = ["JSONFormatter", "begin_request", "log_request", "logging_config", "request_id"]

#: The id of the request that is being answered; empty outside of one.
request_id: ContextVar[str] = ContextVar("request_id", default="")

#: What nginx makes ($request_id), and what others commonly do.
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

#: What a request adds to its line, as attributes of the log record.
_FIELDS = ("method", "path", "status", "milliseconds", "address")


def begin_request(header: str | None) -> str:
    """Note the id of the request that begins.

    Args:
        header: its `X-Request-Id`; another id is made where it is missing or nothing to put in a log.

    Returns:
        The id.
    """
    given = header is not None and _GOOD_ID.fullmatch(header)
    made = header if header is not None and given else secrets.token_hex(16)
    request_id.set(made)
    return made


def log_request(handler: RequestHandler) -> None:
    """Log a finished request: the application's `log_function`."""
    status = handler.get_status()
    request = handler.request
    fields = (
        request.method,
        # Without the query: nothing that people type belongs in a log.
        request.path,
        status,
        round(1000 * request.request_time(), 1),
        request.remote_ip,
    )
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    extra = dict(zip(_FIELDS, fields, strict=True))
    access_log.log(level, "%s %s %d %.1fms %s", *fields, extra=extra)


class RequestIdFilter(logging.Filter):
    """Puts the request's id into every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.request_id = request_id.get() or "-"
        return True


class JSONFormatter(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        line.update((name, getattr(record, name)) for name in _FIELDS if hasattr(record, name))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def plain_formatter() -> LogFormatter:
    """The framework's format, with the process and the request's id."""
    return LogFormatter(
        fmt="%(color)s[%(levelname)1.1s %(asctime)s %(process)d %(request_id)s %(name)s]%(end_color)s"
        " %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
    )


def logging_config(level: str, format: str) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`.

    Args:
        level: of the application's and the framework's loggers; others speak from WARNING on.
        format: `plain` or `json`.
    """
    formatter = JSONFormatter if format == "json" else plain_formatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestIdFilter}},
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}
        },
        "loggers": {"demo_app": {"level": level}, "framework": {"level": level}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }
