"""Slashes and users."""

from __future__ import annotations

from typing import Any

import pytest

from framework.web import (
    Application,
    RequestHandler,
    addslash,
    authenticated,
    removeslash,
    stream_request_body,
)
from tests.web.conftest import TalkTo
from tests.web.talk import get, request


class With(RequestHandler):
    @addslash
    def get(self) -> None:
        self.write("with")

    post = head = get


class Without(RequestHandler):
    @removeslash
    def get(self) -> None:
        self.write("without")

    post = head = get


SLASHES = Application([("/with/?", With), ("//with/?", With), ("/without/*", Without), ("/+", Without)])


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/with", "/with/"),
        ("/with?a=b&c", "/with/?a=b&c"),
        ("/without/", "/without"),
        ("/without//", "/without"),
        ("/without/?a=b", "/without?a=b"),
    ],
)
async def test_other_form_of_a_path_is_redirected(talk_to: TalkTo, path: str, location: str) -> None:
    reply = talk_to(SLASHES).now(get(path))
    assert (reply.status, reply.headers["Location"]) == (301, location)


@pytest.mark.parametrize(("path", "text"), [("/with/", "with"), ("/without", "without"), ("/", "without")])
async def test_right_form_of_a_path_is_served(talk_to: TalkTo, path: str, text: str) -> None:
    talk = talk_to(SLASHES)
    assert talk.now(get(path)).text == text
    if path != "/":
        assert talk.now(request(path, "POST", body=b"")).text == text


@pytest.mark.parametrize("path", ["/with", "/without/"])
async def test_only_reading_is_redirected(talk_to: TalkTo, path: str) -> None:
    assert talk_to(SLASHES).now(request(path, "POST", body=b"")).status == 404


async def test_redirect_never_leads_to_another_host(talk_to: TalkTo) -> None:
    assert talk_to(SLASHES).now(get("//with")).status == 404


class Private(RequestHandler):
    def get_current_user(self) -> Any:
        return self.get_query_argument("user", None)

    @authenticated
    def get(self) -> None:
        self.write(f"hello {self.current_user}")

    @authenticated
    async def post(self) -> None:
        self.write("posted")

    head = get


def private(login_url: str | None) -> Application:
    """A site with a page for users only."""
    settings: dict[str, Any] = {"login_url": login_url} if login_url else {}
    return Application([("/private", Private)], **settings)


@pytest.mark.parametrize(
    ("login_url", "location"),
    [
        ("/login", "/login?next=%2Fprivate%3Fa%3D1"),
        ("/login?x=y", "/login?x=y"),
        ("https://id.example/in", "https://id.example/in?next=http%3A%2F%2Fexample.com%2Fprivate%3Fa%3D1"),
    ],
)
async def test_strangers_are_sent_to_log_in(talk_to: TalkTo, login_url: str, location: str) -> None:
    reply = talk_to(private(login_url)).now(get("/private?a=1"))
    assert (reply.status, reply.headers["Location"]) == (302, location)


async def test_users_are_let_in(talk_to: TalkTo) -> None:
    talk = talk_to(private("/login"))
    assert talk.now(get("/private?user=me")).text == "hello me"
    assert (await talk.ask(request("/private?user=me", "POST", body=b""))).text == "posted"


async def test_strangers_may_not_change_anything(talk_to: TalkTo) -> None:
    assert (await talk_to(private("/login")).ask(request("/private", "POST", body=b""))).status == 403


async def test_login_url_is_needed(talk_to: TalkTo, caplog: pytest.LogCaptureFixture) -> None:
    assert talk_to(private(None)).now(get("/private")).status == 500
    assert "You must define the 'login_url' setting" in caplog.text


def test_decorated_methods_keep_their_names() -> None:
    assert (With.get.__name__, Without.get.__name__, Private.get.__name__) == ("get", "get", "get")


def test_only_handlers_stream_their_bodies() -> None:
    class Own(RequestHandler):
        pass

    assert stream_request_body(Own)._stream_request_body
    wrong: Any
    for wrong in (int, 5):
        with pytest.raises(TypeError, match="decorates subclasses of RequestHandler"):
            stream_request_body(wrong)
