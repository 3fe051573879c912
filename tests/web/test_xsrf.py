"""Protection against cross-site requests."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil import HTTPHeaders, HTTPServerRequest
from framework.web import Application, HTTPError, RequestHandler
from framework.web.xsrf import decode_token, is_same_origin
from tests.web.conftest import TalkTo
from tests.web.talk import get, request

FORM = "Content-Type: application/x-www-form-urlencoded"


class Page(RequestHandler):
    """Shows its token, and is posted to."""

    def get(self) -> None:
        self.write(self.xsrf_token)

    def post(self) -> None:
        self.write("passed")


class Users(Page):
    def get_current_user(self) -> Any:
        return "me"


def protected(handler: type[RequestHandler] = Page, **settings: Any) -> Application:
    """A site with tokens."""
    return Application([("/", handler)], xsrf_cookies=True, **settings)


def cookie_of(reply: Any, name: str = "_xsrf") -> str:
    """The token that a response sets."""
    match = re.match(rf'{name}="?([^;"]*)', reply.headers["Set-Cookie"])
    assert match is not None
    return match.group(1)


@pytest.mark.parametrize("version", [1, 2])
async def test_token_of_a_page_comes_back_in_a_form(talk_to: TalkTo, version: int) -> None:
    talk = talk_to(protected(xsrf_cookie_version=version))
    page = talk.now(get())
    cookie = f"Cookie: _xsrf={cookie_of(page)}"
    body = f"_xsrf={page.text}".encode()
    assert talk.now(request("/", "POST", cookie, FORM, body=body)).text == "passed"
    for field in ("X-XSRFToken", "X-CSRFToken"):
        assert talk.now(request("/", "POST", cookie, f"{field}: {page.text}", body=b"")).text == "passed"


async def test_token_is_masked_anew_each_time_and_stays_the_same(talk_to: TalkTo) -> None:
    talk = talk_to(protected())
    cookie = f"Cookie: _xsrf={cookie_of(talk.now(get()))}"
    pages = [talk.now(get("/", cookie)) for _ in range(5)]
    assert len({page.text for page in pages}) == 5
    assert len({decode_token(page.text)[1] for page in pages}) == 1
    assert all("Set-Cookie" not in page.headers for page in pages)


async def test_token_of_version_1_is_read_where_2_is_written(talk_to: TalkTo) -> None:
    talk = talk_to(protected())
    token = "544024e082d5c58f544024e082d5c58f"
    page = talk.now(get("/", f"Cookie: _xsrf={token}"))
    assert page.text.startswith("2|")
    reply = talk.now(request("/", "POST", f"Cookie: _xsrf={token}", FORM, body=f"_xsrf={page.text}".encode()))
    assert reply.text == "passed"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "'_xsrf' argument missing from POST"),
        ("_xsrf=", "'_xsrf' argument missing from POST"),
        ("_xsrf=2|zz|a|b", "'_xsrf' argument has invalid format"),
        ("_xsrf=2|00|00|5", "'_xsrf' argument has invalid format"),
        ("_xsrf=2|1", "'_xsrf' argument has invalid format"),
        ("_xsrf=3|a", "'_xsrf' argument has invalid format"),
        ("_xsrf=abc", "XSRF cookie does not match POST argument"),
        ("_xsrf=" + "00" * 16, "XSRF cookie does not match POST argument"),
        ("_xsrf=é", "XSRF cookie does not match POST argument"),
    ],
)
async def test_anything_else_is_refused(
    talk_to: TalkTo, given: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    talk = talk_to(protected())
    for cookie in ("Cookie: _xsrf=544024e082d5c58f544024e082d5c58f", "Cookie: a=b"):
        caplog.clear()
        assert talk.now(request("/", "POST", cookie, FORM, body=given.encode())).status == 403
        assert told in caplog.text


async def test_reading_needs_no_token(talk_to: TalkTo) -> None:
    class Reading(RequestHandler):
        def get(self) -> None:
            self.write("read")

        head = options = get

    talk = talk_to(protected(Reading))
    for method in ("GET", "OPTIONS"):
        assert talk.now(request("/", method)).text == "read"


async def test_cookie_has_the_settings_name_and_options(talk_to: TalkTo) -> None:
    application = protected(
        xsrf_cookie_name="tok", xsrf_cookie_kwargs={"httponly": True, "samesite": "Strict"}
    )
    talk = talk_to(application)
    page = talk.now(get())
    token = cookie_of(page, "tok")
    assert "HttpOnly" in page.headers["Set-Cookie"]
    assert "SameSite=Strict" in page.headers["Set-Cookie"]
    # The argument is called as ever.
    body = f"_xsrf={page.text}".encode()
    assert talk.now(request("/", "POST", f"Cookie: tok={token}", FORM, body=body)).text == "passed"


async def test_cookie_of_a_user_lasts_as_long_as_a_login(talk_to: TalkTo) -> None:
    assert "expires=" in talk_to(protected(Users)).now(get()).headers["Set-Cookie"]
    assert "expires=" not in talk_to(protected(Page)).now(get()).headers["Set-Cookie"]
    kept = protected(Users, xsrf_cookie_kwargs={"expires_days": None})
    assert "expires=" not in talk_to(kept).now(get()).headers["Set-Cookie"]


def test_version_that_does_not_exist_is_a_mistake() -> None:
    made = Page(Application(xsrf_cookie_version=3), HTTPServerRequest("GET", "/"))
    with pytest.raises(ValueError, match="xsrf_cookie_version must be 1 or 2, not 3"):
        made.xsrf_token  # noqa: B018


def test_form_field() -> None:
    made = Page(Application(), HTTPServerRequest("GET", "/"))
    assert made.xsrf_form_html() == f'<input type="hidden" name="_xsrf" value="{made.xsrf_token.decode()}"/>'


@given(
    st.one_of(st.text(), st.binary(), st.from_regex(r"2\|[0-9a-f]{0,10}\|[0-9a-f]*\|[0-9]*", fullmatch=True))
)
def test_any_text_is_a_token_or_none(text: str | bytes) -> None:
    version, token, timestamp = decode_token(text)
    assert version in (None, 1, 2)
    assert (token is None) == (version is None) == (timestamp is None)


# -- origins


class Changed(RequestHandler):
    def post(self) -> None:
        self.write("changed")

    get = put = post


GUARDED = Application(
    [("/", Changed)], cross_origin_protection=True, trusted_origins=["https://trusted.example"]
)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ((), 200),
        (("Origin: http://example.com",), 200),
        (("Origin: https://example.com",), 200),
        (("Origin: http://EXAMPLE.com",), 200),
        (("Origin: http://example.com:8080",), 403),
        (("Origin: http://evil.example",), 403),
        (("Origin: null",), 403),
        (("Origin: http://[",), 403),
        (("Origin: nonsense",), 403),
        (("Origin: https://trusted.example",), 200),
        (("Origin: http://trusted.example",), 403),
        (("Sec-Fetch-Site: same-origin",), 200),
        (("Sec-Fetch-Site: none",), 200),
        (("Sec-Fetch-Site: same-site",), 403),
        (("Sec-Fetch-Site: cross-site",), 403),
        (("Sec-Fetch-Site: same-origin", "Origin: http://evil.example"), 200),
        (("Sec-Fetch-Site: cross-site", "Origin: http://example.com"), 403),
        (("Sec-Fetch-Site: cross-site", "Origin: https://trusted.example"), 200),
    ],
)
async def test_requests_that_browsers_say_come_from_elsewhere_are_refused(
    talk_to: TalkTo, fields: tuple[str, ...], status: int
) -> None:
    talk = talk_to(GUARDED)
    assert talk.now(request("/", "POST", *fields, body=b"")).status == status
    assert talk.now(request("/", "GET", *fields)).status == 200


async def test_trusted_origins_may_be_decided_by_the_handler(talk_to: TalkTo) -> None:
    class Own(Changed):
        def check_trusted_origin(self, origin: str) -> bool:
            return origin.endswith(".example")

    talk = talk_to(Application([("/", Own)], cross_origin_protection=True))
    assert talk.now(request("/", "POST", "Origin: http://any.example", body=b"")).status == 200
    assert talk.now(request("/", "POST", "Origin: http://any.other", body=b"")).status == 403


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://a", "a", True),
        ("http://a:80", "a", False),
        ("http://a:8000", "a:8000", True),
        ("//a", "a", True),
        ("a", "a", False),
        ("", "", False),
    ],
)
def test_same_origin(origin: str, host: str, same: bool) -> None:
    assert is_same_origin(origin, host) == same


def test_refusals_are_errors_of_http() -> None:
    made = Page(
        Application(),
        HTTPServerRequest("POST", "/", headers=HTTPHeaders({"Host": "a", "Origin": "http://b"})),
    )
    with pytest.raises(HTTPError, match="Origin 'http://b' not allowed"):
        made._check_cross_origin()
