"""What all answers have in common, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from demo_app.errors import ErrorCode
from demo_app.handlers.health import LiveHandler
from tests.demo_app.conftest import Running

ADA = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}


async def test_answers_are_json_for_one_person_and_one_moment(running: Running) -> None:
    answer = await running.client().get("/isLogined")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"\n" not in answer.body


async def test_the_page_tells_what_there_is(running: Running) -> None:
    answer = await running.client().get("/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"/account/info" in answer.body


async def test_without_nginx_the_files_are_served_all_the_same(running: Running) -> None:
    for path in ("/robots.txt", "/static/robots.txt"):
        answer = await running.client().get(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
        assert answer.body.startswith(b"User-agent: *")
    assert (await running.client().get("/favicon.ico")).status == 200


async def test_unknown_addresses_and_methods(running: Running) -> None:
    client = running.client()
    missing = await client.get("/nothing/here")
    assert (missing.status, missing.code) == (404, ErrorCode.NOT_FOUND)
    assert (await client.post("/nothing/here")).status == 404
    wrong = await client.get("/login")
    assert (wrong.status, wrong.code) == (405, ErrorCode.METHOD_NOT_ALLOWED)
    assert wrong.headers["Allow"] == "POST"


async def test_messages_are_the_tables_and_in_debug_the_developers(serve: Callable[..., Running]) -> None:
    plain, debug = serve().client(), serve(DEBUG="true").client()
    answers = [await client.post("/register", username="a") for client in (plain, debug)]
    assert answers[0].json["message"] == "some fields are missing or wrong"
    assert "username: 3 to 64" in answers[1].json["message"]
    assert b'\n    "code"' in answers[1].body


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("text/plain", b"username=ada", 415, ErrorCode.UNSUPPORTED_MEDIA_TYPE),
        ("", b"username=ada", 415, ErrorCode.UNSUPPORTED_MEDIA_TYPE),
        ("application/xml", b"<a/>", 415, ErrorCode.UNSUPPORTED_MEDIA_TYPE),
        ("", b"", 400, ErrorCode.INVALID_FIELDS),
        ("application/json", b"", 400, ErrorCode.BAD_REQUEST),
        ("application/json", b"{", 400, ErrorCode.BAD_REQUEST),
        ("application/json", b"\xff", 400, ErrorCode.BAD_REQUEST),
        ("application/json", b"[]", 400, ErrorCode.BAD_REQUEST),
        ("application/json", b"[" * 100_000, 400, ErrorCode.BAD_REQUEST),
        ("application/json", b'{"username": 1}', 400, ErrorCode.INVALID_FIELDS),
        ("application/json", b'{"username": "\\ud800"}', 400, ErrorCode.INVALID_FIELDS),
        ("application/json", b'{"\\ud800": 1}', 400, ErrorCode.BAD_REQUEST),
        ("Application/JSON; charset=utf-8", b'{"username": "a"}', 400, ErrorCode.INVALID_FIELDS),
        ("application/x-www-form-urlencoded", b"username=%ff", 400, ErrorCode.BAD_REQUEST),
    ],
)
async def test_bodies_that_can_not_be_used(
    running: Running, content_type: str, body: bytes, status: int, code: ErrorCode
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await running.client().request("POST", "/register", headers, body)
    assert (answer.status, answer.code) == (status, code)


async def test_multipart_forms_are_forms(running: Running) -> None:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in ADA.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await running.client().request("POST", "/register", headers, f"{parts}--x--\r\n".encode())
    assert answer.status == 201


async def test_passwords_are_not_stripped(running: Running) -> None:
    client = running.client()
    await client.post("/register", **ADA | {"password": "  spaces  "})
    assert (await client.post("/login", username="ada", password="spaces")).status == 401
    assert (await client.post("/login", username="ada", password="  spaces  ")).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
async def test_posts_from_other_sites_are_refused(running: Running, headers: dict[str, str]) -> None:
    client = running.client()
    answer = await client.post("/register", headers, **ADA)
    assert (answer.status, answer.code) == (403, ErrorCode.CROSS_SITE)
    assert not running.mongo.accounts
    assert (await client.post("/login", headers)).status == 403
    assert (await client.get("/isLogined", headers)).status == 200


async def test_posts_from_the_own_site_are_welcome(running: Running) -> None:
    client = running.client()
    assert (
        await client.post("/register", {"Origin": f"http://127.0.0.1:{running.port}"}, **ADA)
    ).status == 201


@pytest.mark.parametrize("given", ["0123456789abcdef0123456789abcdef", "a-good.id_1"])
async def test_the_request_id_of_the_proxy_is_kept(running: Running, given: str) -> None:
    answer = await running.client().get("/health/live", {"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with spaces here", 'quote"quote"'])
async def test_a_request_id_that_is_missing_or_odd_is_made_anew(running: Running, given: str) -> None:
    answer = await running.client().get("/nothing", {"X-Request-Id": given} if given else {})
    made = answer.headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32


async def test_what_goes_wrong_inside_is_not_shown(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: LiveHandler) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(LiveHandler, "get", broken)
    answer = await running.client().get("/health/live")
    assert (answer.status, answer.code) == (500, ErrorCode.INTERNAL)
    assert b"secret" not in answer.body
    assert "secret detail" in caplog.text


async def test_in_debug_it_is_shown(serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: LiveHandler) -> None:
        raise ZeroDivisionError("a detail")

    monkeypatch.setattr(LiveHandler, "get", broken)
    answer = await serve(DEBUG="true").client().get("/health/live")
    assert "a detail" in json.loads(answer.body)["message"]
