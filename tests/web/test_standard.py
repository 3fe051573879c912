"""Handlers for routes that need no code of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework.httputil import HTTPHeaders, ResponseStartLine
from framework.web import Application, ErrorHandler, FallbackHandler, RedirectHandler, RequestHandler
from tests.web.conftest import TalkTo
from tests.web.talk import get, request


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_error_handler_answers_with_its_status(talk_to: TalkTo, method: str) -> None:
    application = Application(
        [("/", ErrorHandler, {"status_code": 410})], xsrf_cookies=True, cross_origin_protection=True
    )
    assert talk_to(application).now(request("/", method, "Origin: http://evil")).status == 410


@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("/old", 301, "/new"),
        ("/old?a=1&a=2&b=%C3%A9+%26", 301, "/new?a=1&a=2&b=%C3%A9+%26"),
        ("/old?%C3%A9=1", 301, "/new?%C3%A9=1"),
        ("/for-now?b=2", 302, "/new?a=1&b=2"),
        ("/swap/1/2", 301, "/2/1"),
        ("/named/1/2", 301, "/y=2,x=1"),
    ],
)
async def test_redirect_handler(talk_to: TalkTo, target: str, status: int, location: str) -> None:
    application = Application(
        [
            ("/old", RedirectHandler, {"url": "/new"}),
            ("/for-now", RedirectHandler, {"url": "/new?a=1", "permanent": False}),
            ("/swap/(.*)/(.*)", RedirectHandler, {"url": "/{1}/{0}"}),
            ("/named/(?P<x>.*)/(?P<y>.*)", RedirectHandler, {"url": "/y={y},x={x}"}),
        ]
    )
    talk = talk_to(application)
    for method in ("GET", "HEAD"):
        reply = talk.now(request(target, method))
        assert (reply.status, reply.headers["Location"]) == (status, location)
    assert talk.now(request(target, "POST", body=b"")).status == 405


def answer(made: Any) -> None:
    """Answers a request by its connection."""
    line = ResponseStartLine("HTTP/1.1", 200, "OK")
    made.connection.write_headers(line, HTTPHeaders({"Content-Length": "4"}), b"fell")
    made.connection.finish()


async def answer_later(made: Any) -> None:
    """The same after a while."""
    await asyncio.sleep(0)
    answer(made)


class Inner(RequestHandler):
    def get(self) -> None:
        self.write("fell")


@pytest.mark.parametrize("fallback", [answer, answer_later, Application([("/.*", Inner)])])
async def test_fallback_answers_in_place_of_the_handler(talk_to: TalkTo, fallback: Any) -> None:
    finished = []

    class Own(FallbackHandler):
        def on_finish(self) -> None:
            finished.append(self._finished)

    talk = talk_to(Application([("/.*", Own, {"fallback": fallback})]))
    assert (await talk.ask(get("/x"))).text == "fell"
    assert finished == [True]


async def test_fallback_that_fails_is_answered_for(talk_to: TalkTo) -> None:
    def fail(made: Any) -> None:
        raise RuntimeError("failed")

    assert talk_to(Application([("/", FallbackHandler, {"fallback": fail})])).now(get()).status == 500
