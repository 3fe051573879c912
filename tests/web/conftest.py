"""Connections to applications that are closed when the test is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from framework.web import Application, RequestHandler
from tests.web.talk import Talk

TalkTo = Callable[..., Talk]


@pytest_asyncio.fixture
async def talk_to() -> AsyncIterator[TalkTo]:
    """Opens a connection to an application, or to a handler that answers everything."""
    talks = []

    def open_talk(target: Any, settings: dict[str, Any] | None = None, **options: Any) -> Talk:
        if isinstance(target, type) and issubclass(target, RequestHandler):
            target = Application(
                [(r"/(?:.*)", target)], log_function=lambda handler: None, **(settings or {})
            )
        talk = Talk(target, **options)
        talks.append(talk)
        return talk

    yield open_talk
    for talk in talks:
        talk.close()
