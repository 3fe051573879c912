"""What handlers do with a request and a response, one call at a time."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest

from framework import locale
from framework.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from framework.iostream import IOStream
from framework.web import Application, HTTPError, MissingArgumentError, RequestHandler
from tests.web.conftest import TalkTo
from tests.web.talk import Talk, get, request


def handler(
    target: str = "/", fields: dict[str, str] | None = None, body: bytes = b"", **settings: Any
) -> Any:
    """A handler for a request that came over no connection."""
    headers = HTTPHeaders({"Host": "example.com", **(fields or {})})
    start_line = RequestStartLine("GET", target, "HTTP/1.1")
    made = HTTPServerRequest(start_line=start_line, headers=headers, body=body)
    return RequestHandler(Application(**settings), made)


def answering(function: Callable[[Any], Any]) -> type[RequestHandler]:
    """A handler class that runs a function whatever the method."""

    class Answering(RequestHandler):
        def get(self) -> Any:
            return function(self)

        post = put = head = get

    return Answering


# -- status and headers


def test_status_has_its_standard_phrase_or_the_one_given() -> None:
    one = handler()
    assert (one.get_status(), one._reason) == (200, "OK")
    one.set_status(404)
    assert (one.get_status(), one._reason) == (404, "Not Found")
    one.set_status(404, "Gone Fishing")
    assert one._reason == "Gone Fishing"
    one.set_status(599)
    assert one._reason == "Unknown"


@pytest.mark.parametrize("reason", ["a\nb", "<b>", "€", "", "a\x7f", b"\r\n"])
def test_phrase_that_no_status_line_can_hold_is_unknown(reason: Any) -> None:
    one = handler()
    one.set_status(403, reason)
    assert one._reason == "Unknown"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        (b"\xe9", "é"),
        (5, "5"),
        (True, "True"),
        (datetime.datetime(2020, 1, 2, 3, 4, 5), "Thu, 02 Jan 2020 03:04:05 GMT"),  # noqa: DTZ001
        ("a\tb", "a\tb"),
        ("\x80", "\x80"),
    ],
)
def test_header_values_of_every_kind(value: Any, text: str) -> None:
    one = handler()
    one.set_header("x-a", value)
    assert one._headers["X-A"] == text


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "€", "\x7f", "\x1b"])
def test_header_value_that_would_break_out_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="Unsafe header value"):
        handler().set_header("X-A", value)


@pytest.mark.parametrize("value", [None, 5.5, ["x"]])
def test_header_value_of_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="Unsupported header value"):
        handler().set_header("X-A", value)


def test_headers_are_added_and_taken_back() -> None:
    one = handler()
    one.add_header("X-A", "1")
    one.add_header("x-a", 2)
    assert one._headers.get_list("X-A") == ["1", "2"]
    one.clear_header("X-a")
    one.clear_header("X-Never")
    assert "X-A" not in one._headers


def test_clear_forgets_headers_status_and_content_but_no_cookies() -> None:
    one = handler()
    one.set_status(404)
    one.set_header("X-A", "1")
    one.write("x")
    one.set_cookie("kept", "1")
    one.clear()
    assert (one._status_code, one._reason, one._write_buffer) == (200, "OK", [])
    assert "X-A" not in one._headers
    assert list(one._new_cookies) == ["kept"]


def test_default_headers_survive_clear() -> None:
    class Defaults(RequestHandler):
        def set_default_headers(self) -> None:
            self.set_header("X-Default", "1")

    one = Defaults(Application(), HTTPServerRequest("GET", "/"))
    one.clear()
    assert one._headers["X-Default"] == "1"


# -- arguments


def test_arguments_of_query_and_body() -> None:
    one = handler(
        "/?a=1&b=%20x%20&a=2&c=a%00b", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=3&d=+y+"
    )
    assert one.get_argument("a") == "3"
    assert one.get_arguments("a") == ["1", "2", "3"]
    assert one.get_query_argument("a") == "2"
    assert one.get_query_arguments("a") == ["1", "2"]
    assert one.get_body_argument("a") == "3"
    assert one.get_body_arguments("a") == ["3"]
    assert one.get_argument("b") == "x"
    assert one.get_argument("b", strip=False) == " x "
    assert one.get_argument("c") == "a b"
    assert one.get_argument("none", None) is None
    assert one.get_arguments("none") == []


def test_missing_argument_is_an_error_of_the_clients() -> None:
    with pytest.raises(MissingArgumentError, match="Missing argument a") as caught:
        handler().get_argument("a")
    assert (caught.value.status_code, caught.value.arg_name) == (400, "a")


def test_argument_that_is_no_utf8_is_an_error_of_the_clients() -> None:
    with pytest.raises(HTTPError, match="Invalid unicode in a"):
        handler("/?a=%ff").get_argument("a")
    with pytest.raises(HTTPError, match="Invalid unicode in url"):
        handler().decode_argument(b"\xff")


def test_default_in_the_place_of_strip_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="strip must be"):
        handler().get_arguments("a", "default")


def test_decode_argument_may_return_what_it_likes() -> None:
    class Bytes(RequestHandler):
        def decode_argument(self, value: bytes, name: str | None = None) -> Any:
            return value

    one = Bytes(Application(), HTTPServerRequest("GET", "/?a=%00x"))
    assert one.get_argument("a", strip=False) == b"\x00x"


def test_json_body() -> None:
    assert handler(body=b'{"a": ["\xc3\xa9"]}').get_json_body() == {"a": ["é"]}
    for body in (b"", b"{", b'"\xff"'):
        with pytest.raises(HTTPError, match="Invalid JSON in the body") as caught:
            handler(body=body).get_json_body()
        assert caught.value.status_code == 400


# -- cookies


def test_cookies_are_set_read_and_cleared() -> None:
    one = handler(fields={"Cookie": "a=1; b=2"})
    assert (one.get_cookie("a"), one.get_cookie("c"), one.get_cookie("c", "d")) == ("1", None, "d")
    assert sorted(one.cookies) == ["a", "b"]
    one.set_cookie("n", "v", path="/p", httponly=True)
    one.set_cookie("n", "w")
    assert list(one._new_cookies.values()) == ["n=w; Path=/"]
    one.clear_all_cookies(path="/q")
    assert [text.split(";")[0] for text in one._new_cookies.values()] == ["n=w", 'a=""', 'b=""']
    assert "expires=" in one._new_cookies["a"]
    assert "Path=/q" in one._new_cookies["a"]


@pytest.mark.parametrize("name", ["expires", "max_age"])
def test_clear_cookie_knows_the_time_itself(name: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        handler().clear_cookie("a", **{name: 1})


def test_new_cookies_can_be_looked_at() -> None:
    one = handler()
    assert not hasattr(one, "_new_cookie")
    one.set_cookie("a", "b,c", secure=True)
    assert isinstance(one._new_cookie, SimpleCookie)
    assert one._new_cookie["a"].value == "b,c"
    assert one._new_cookie["a"]["secure"] is True


def test_signed_cookies_come_back() -> None:
    one = handler(cookie_secret="s")
    value = one.create_signed_value("n", "välue")
    two = handler(fields={"Cookie": f"n={value.decode()}"}, cookie_secret="s")
    assert two.get_signed_cookie("n") == "välue".encode()
    assert two.get_secure_cookie("n", max_age_days=-1) is None
    assert two.get_signed_cookie("none") is None
    assert two.get_signed_cookie("n", value=value[:-1].decode()) is None
    assert two.get_signed_cookie_key_version("n") == 0
    assert two.get_signed_cookie_key_version("none") is None
    one.set_signed_cookie("n", "v")
    assert "expires=" in one._new_cookies["n"]
    one.set_secure_cookie("n", "v", expires_days=None)
    assert "expires=" not in one._new_cookies["n"]


def test_signing_with_several_keys_needs_the_version_of_one() -> None:
    with pytest.raises(ValueError, match="key_version setting must be used"):
        handler(cookie_secret={1: "a"}).create_signed_value("n", "v")
    one = handler(cookie_secret={1: "a", 2: "b"}, key_version=2)
    value = one.create_signed_value("n", "v").decode()
    assert one.get_signed_cookie("n", value) == b"v"
    assert one.get_signed_cookie_key_version("n", value) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.create_signed_value("a", "b"),
        lambda one: one.get_signed_cookie("a"),
        lambda one: one.get_signed_cookie_key_version("a"),
        lambda one: one.get_login_url(),
        lambda one: one.static_url("x"),
        lambda one: one.require_setting("x"),
    ],
)
def test_setting_that_is_needed_is_named(call: Callable[[Any], Any]) -> None:
    with pytest.raises(Exception, match=r"You must define the '\w+' setting in your application"):
        call(handler())


# -- output


async def test_write_takes_text_bytes_and_dicts(talk_to: TalkTo) -> None:
    def write(self: Any) -> None:
        self.write("é")
        self.write(b"\xff")
        self.write({"a": "</"})
        assert self._write_buffer == ["é".encode(), b"\xff", b'{"a": "<\\/"}']

    reply = talk_to(answering(write)).now(get())
    assert reply.body == "é".encode() + b'\xff{"a": "<\\/"}'
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize("value", [[1], None, 5, bytearray(b"x")])
def test_write_takes_nothing_else(value: Any) -> None:
    with pytest.raises(TypeError, match="only accepts bytes, unicode, and dict"):
        handler().write(value)


async def test_write_and_finish_after_finish_are_mistakes(talk_to: TalkTo) -> None:
    raised = []

    def twice(self: Any) -> None:
        self.finish({"a": 1})
        for call in (lambda: self.write("x"), self.finish):
            with pytest.raises(RuntimeError) as caught:
                call()
            raised.append(str(caught.value))

    assert json.loads(talk_to(answering(twice)).now(get()).body) == {"a": 1}
    assert raised == ["Cannot write() after finish()", "finish() called twice"]


@pytest.mark.parametrize(
    ("arguments", "status", "location"),
    [
        ({"url": "/x"}, 302, "/x"),
        ({"url": "/x", "permanent": True}, 301, "/x"),
        ({"url": b"/x", "status": 307}, 307, "/x"),
        ({"url": "/é"}, 302, "/Ã©"),
    ],
)
async def test_redirects(talk_to: TalkTo, arguments: Any, status: int, location: str) -> None:
    reply = talk_to(answering(lambda self: self.redirect(**arguments))).now(get())
    assert (reply.status, reply.headers["Location"], reply.body) == (status, location, b"")


@pytest.mark.parametrize("status", [200, 400, "302"])
def test_redirect_has_a_redirects_status(status: Any) -> None:
    with pytest.raises(ValueError, match="between 300 and 399"):
        handler().redirect("/", status=status)


def test_redirect_comes_before_the_headers_leave() -> None:
    one = handler()
    one._headers_written = True
    with pytest.raises(RuntimeError, match="Cannot redirect after headers have been written"):
        one.redirect("/")


async def test_detach_gives_the_connection_away_as_a_stream(talk_to: TalkTo) -> None:
    taken: list[IOStream] = []

    def take(self: Any) -> None:
        taken.append(self.detach())

    talk = talk_to(answering(take))
    talk.transport.feed(get())
    (stream,) = taken
    assert talk.transport.take() == b""
    await stream.write(b"own")
    assert talk.transport.take() == b"own"
    line = stream.read_until(b"\n")
    talk.transport.feed(b"a line\n")
    assert await line == b"a line\n"
    stream.close()
    assert talk.transport.is_closing()


# -- errors


async def test_default_error_page_is_escaped(talk_to: TalkTo) -> None:
    reply = talk_to(answering(lambda self: self.send_error(418))).now(get())
    assert reply.text == (
        "<html><title>418: I&#x27;m a Teapot</title><body>418: I&#x27;m a Teapot</body></html>"
    )


async def test_error_page_drops_what_was_written(talk_to: TalkTo) -> None:
    def fail(self: Any) -> None:
        self.set_header("X-Lost", "1")
        self.set_cookie("kept", "1")
        self.write("lost")
        raise HTTPError(403, reason="No")

    reply = talk_to(answering(fail)).now(get())
    assert (reply.status, reply.reason) == (403, "No")
    assert "lost" not in reply.text
    assert "X-Lost" not in reply.headers
    assert reply.headers["Set-Cookie"] == "kept=1; Path=/"


async def test_traceback_is_shown_only_where_it_is_asked_for(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError("secret")

    assert "secret" not in talk_to(answering(fail)).now(get()).text
    reply = talk_to(answering(fail), {"serve_traceback": True}).now(get())
    assert reply.text.startswith("Traceback") and reply.text.endswith("RuntimeError: secret\n")
    assert reply.headers["Content-Type"] == "text/plain"
    assert "Uncaught exception GET / (127.0.0.1)\nHTTPServerRequest(" in caplog.text


async def test_error_in_the_error_page_still_ends_the_response(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(RequestHandler):
        def get(self) -> None:
            raise HTTPError(400)

        def write_error(self, status_code: int, **kwargs: Any) -> None:
            self.write("half")
            raise RuntimeError("in write_error")

    reply = talk_to(Broken).now(get())
    assert (reply.status, reply.text) == (400, "half")
    assert "Uncaught exception in write_error" in caplog.text


async def test_error_after_the_headers_breaks_the_connection_off(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    finished = []

    class Late(RequestHandler):
        def get(self) -> None:
            self.write("begun")
            self.flush()
            raise RuntimeError("late")

        def on_finish(self) -> None:
            finished.append(self._finished)

    talk = talk_to(Late)
    reply = talk.now(get())
    assert (reply.body, reply.whole) == (b"begun", False)
    assert talk.transport.aborted
    assert finished == [True]
    assert "Cannot send error response after headers written" in caplog.text


async def test_send_error_after_the_end_is_only_logged(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    def late(self: Any) -> None:
        self.finish("whole")
        self.send_error(500)

    reply = talk_to(answering(late)).now(get())
    assert (reply.status, reply.text) == (200, "whole")
    assert "Cannot send error response after headers written" in caplog.text


def test_log_exception_is_a_line_for_errors_of_the_clients(caplog: pytest.LogCaptureFixture) -> None:
    one = handler()
    one.log_exception(HTTPError, HTTPError(403), None)
    assert not caplog.records
    one.log_exception(HTTPError, HTTPError(403, "because %s", "so"), None)
    (record,) = caplog.records
    assert record.getMessage() == "403 GET / (None): because so"
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    caplog.clear()
    one.log_exception(None, None, None)
    assert caplog.records[0].levelname == "ERROR"


# -- users and locales


def test_current_user_is_asked_for_once_and_may_be_assigned() -> None:
    asked = []

    class Users(RequestHandler):
        def get_current_user(self) -> Any:
            asked.append(1)

    one = Users(Application(), HTTPServerRequest("GET", "/"))
    assert one.current_user is None
    assert one.current_user is None
    assert asked == [1]
    one.current_user = "me"
    assert (one.current_user, one._current_user) == ("me", "me")


def test_locale_is_the_users_or_the_browsers() -> None:
    one = handler(fields={"Accept-Language": "xx"})
    assert one.locale.code == "en_US"
    chosen = locale.get("en_US")
    one.locale = chosen
    assert one.locale is chosen

    class Users(RequestHandler):
        def get_user_locale(self) -> Any:
            return chosen

    assert Users(Application(), HTTPServerRequest("GET", "/")).locale is chosen


# -- pieces for others


def test_ui_is_made_when_asked_for_and_may_be_assigned() -> None:
    one = handler(ui_methods={"twice": lambda self, text: text * 2})
    assert "ui" not in one.__dict__
    assert one.ui.twice("a") == "aa"
    assert one.ui["twice"]("b") == "bb"
    assert one.ui is one.ui
    with pytest.raises(AttributeError):
        one.ui.nothing  # noqa: B018
    one.ui = "own"
    assert one.ui == "own"


def test_reverse_url_is_the_applications() -> None:
    application = Application([(r"/a/(\d+)", RequestHandler, None, "a")])
    one = RequestHandler(application, HTTPServerRequest("GET", "/"))
    assert one.reverse_url("a", 5) == "/a/5"
    with pytest.raises(KeyError, match="b not found in named urls"):
        one.reverse_url("b")


def test_what_is_not_implemented_says_so() -> None:
    one = handler()
    with pytest.raises(HTTPError, match="405"):
        one.get()
    with pytest.raises(NotImplementedError, match="must define data_received"):
        one.data_received(b"")
    assert one.prepare() is None
    assert one.get_template_path() is None
    one.on_finish()


def test_initialize_takes_only_what_a_subclass_declares() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        RequestHandler(Application(), HTTPServerRequest("GET", "/"), more=1)


def test_settings_are_the_applications() -> None:
    one = handler(thing=5)
    assert one.settings is one.application.settings
    assert one.settings["thing"] == 5


async def test_methods_that_are_not_supported(talk_to: TalkTo) -> None:
    class Own(RequestHandler):
        SUPPORTED_METHODS = (*RequestHandler.SUPPORTED_METHODS, "PURGE")

        def purge(self) -> None:
            self.write("purged")

    talk: Talk = talk_to(Own)
    assert talk.now(request("/", "PURGE")).text == "purged"
    assert talk.now(request("/", "REPORT")).status == 405
    assert talk.now(get()).status == 405
