"""The account routes, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from demo_app.errors import ErrorCode
from tests.demo_app.client import Client
from tests.demo_app.conftest import Running

ADA = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
LOGIN = {"username": "ada", "password": "correct horse battery"}


async def logged_in(running: Running) -> Client:
    client = running.client()
    assert (await client.post("/register", **ADA)).status == 201
    assert (await client.post("/login", **LOGIN)).status == 200
    return client


async def test_the_way_of_an_account(running: Running) -> None:
    client = running.client()
    registered = await client.post("/register", **ADA)
    assert registered.status == 201
    assert registered.json["user"]["username"] == "ada"
    assert registered.code == 0
    assert registered.json["message"] == ""
    assert (await client.get("/isLogined")).json == {"code": 0, "message": "", "logined": False}
    assert (await client.post("/login", **LOGIN)).status == 200
    assert (await client.get("/isLogined")).json["logined"] is True
    info = await client.get("/account/info")
    assert info.json["user"]["email"] == "ada@example.org"
    assert [event["kind"] for event in info.json["events"]] == ["logged_in", "registered"]
    assert info.json["events"][0]["user_agent"] == "client/1"
    assert (await client.post("/logout")).json == {"code": 0, "message": ""}
    assert not client.cookies
    assert (await client.get("/isLogined")).json["logined"] is False


async def test_a_second_registration_is_a_conflict(running: Running) -> None:
    client = running.client()
    await client.post("/register", **ADA)
    again = await client.post("/register", **ADA)
    assert (again.status, again.code) == (409, ErrorCode.USERNAME_TAKEN)
    other = await client.post("/register", **ADA | {"username": "bob"})
    assert (other.status, other.code) == (409, ErrorCode.EMAIL_TAKEN)


async def test_fifty_equal_registrations_at_once_make_one_account(running: Running) -> None:
    answers = await asyncio.gather(*[running.client().post("/register", **ADA) for _ in range(50)])
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49
    assert len(running.mongo.accounts) == 1


async def test_json_is_as_good_as_a_form(running: Running) -> None:
    client = running.client()
    assert (await client.post_json("/register", ADA)).status == 201
    assert (await client.post_json("/login", LOGIN)).status == 200


async def test_wrong_fields_are_named(running: Running) -> None:
    answer = await running.client().post("/register", username="a", password="correct horse")
    assert (answer.status, answer.code) == (400, ErrorCode.INVALID_FIELDS)
    assert set(answer.json["fields"]) == {"username", "email"}


async def test_logging_in_gives_a_new_session_id(running: Running) -> None:
    client = await logged_in(running)
    before = dict(client.cookies)
    await client.post("/login", **LOGIN)
    assert client.cookies["sid"] != before["sid"]
    old = running.client()
    old.cookies = before
    assert (await old.get("/isLogined")).json["logined"] is False


async def test_wrong_credentials_have_one_answer(running: Running) -> None:
    await logged_in(running)
    one = await running.client().post("/login", **LOGIN | {"password": "wrong"})
    other = await running.client().post("/login", **LOGIN | {"username": "nobody"})
    assert (one.status, one.body) == (other.status, other.body)
    assert (one.status, one.code) == (401, ErrorCode.WRONG_CREDENTIALS)
    assert "Set-Cookie" not in one.headers


async def test_too_many_tries_have_to_wait(serve: Callable[..., Running]) -> None:
    client = serve(LIMIT_LOGIN_PER_ACCOUNT="2", LIMIT_WINDOW_SECONDS="77").client()
    for _ in range(2):
        await client.post("/login", **LOGIN)
    answer = await client.post("/login", **LOGIN)
    assert (answer.status, answer.code) == (429, ErrorCode.TOO_MANY_TRIES)
    assert answer.headers["Retry-After"] == "77"


async def test_what_belongs_to_an_account_needs_a_login(running: Running) -> None:
    client = running.client()
    for answer in (await client.get("/account/info"), await client.post("/account/edit", email="x")):
        assert (answer.status, answer.code) == (401, ErrorCode.NOT_LOGGED_IN)


async def test_a_new_password_ends_all_other_sessions(running: Running) -> None:
    here = await logged_in(running)
    there = running.client()
    await there.post("/login", **LOGIN)
    before = here.cookies["sid"]
    edited = await here.post("/account/edit", old_password=ADA["password"], password="something new")
    assert edited.status == 200
    assert here.cookies["sid"] != before
    assert (await here.get("/isLogined")).json["logined"] is True
    assert (await there.get("/isLogined")).json["logined"] is False
    assert not there.cookies
    assert (await there.get("/account/info")).status == 401
    assert (await there.post("/login", **LOGIN)).status == 401
    assert (await there.post("/login", **LOGIN | {"password": "something new"})).status == 200


async def test_a_new_address_changes_nothing_else(running: Running) -> None:
    client = await logged_in(running)
    edited = await client.post("/account/edit", old_password=ADA["password"], email="new@example.org")
    assert edited.json["user"]["email"] == "new@example.org"
    wrong = await client.post("/account/edit", old_password="wrong", email="b@example.org")
    assert (wrong.status, wrong.code) == (403, ErrorCode.WRONG_PASSWORD)
    assert (await client.get("/isLogined")).json["logined"] is True


async def test_events_have_the_address_that_the_proxy_tells(running: Running) -> None:
    client = running.client()
    await client.post("/register", {"X-Real-IP": "203.0.113.9"}, **ADA)
    await client.post("/login", {"X-Real-IP": "2001:db8::7"}, **LOGIN)
    events = (await client.get("/account/info")).json["events"]
    assert [event["address"] for event in events] == ["2001:db8::7", "203.0.113.9"]


async def test_logging_out_twice_is_fine(running: Running) -> None:
    client = await logged_in(running)
    await client.post("/logout")
    assert (await client.post("/logout")).status == 200
    kinds = [event.kind for event in running.redis.stream.values()]
    assert kinds.count("logged_out") == 1


async def test_a_session_of_a_deleted_account_shows_nothing(running: Running) -> None:
    client = await logged_in(running)
    running.mongo.accounts.clear()
    assert (await client.get("/account/info")).status == 401


async def test_without_mongodb_sessions_still_work(running: Running) -> None:
    client = await logged_in(running)
    running.mongo.down = True
    for answer in (
        await client.post("/register", **ADA),
        await client.post("/login", **LOGIN),
        await client.post("/account/edit", old_password=ADA["password"], email="b@example.org"),
        await client.get("/account/info"),
    ):
        assert (answer.status, answer.code) == (503, ErrorCode.UNAVAILABLE)
        assert answer.headers["Retry-After"] == "2"
    assert (await client.get("/isLogined")).json["logined"] is True
    assert (await client.post("/logout")).status == 200


async def test_without_postgresql_only_reading_events_fails(running: Running) -> None:
    running.log.down = True
    client = await logged_in(running)
    answer = await client.get("/account/info")
    assert (answer.status, answer.code) == (503, ErrorCode.UNAVAILABLE)
    assert answer.headers["Retry-After"] == "2"
    edited = await client.post("/account/edit", old_password=ADA["password"], email="b@example.org")
    assert edited.status == 200
    running.log.down = False
    assert (await client.get("/account/info")).status == 200


async def test_without_redis_what_needs_a_session_fails(running: Running) -> None:
    client = await logged_in(running)
    running.redis.down = True
    for answer in (
        await client.get("/isLogined"),
        await client.get("/account/info"),
        await client.post("/login", **LOGIN),
        await client.post("/logout"),
    ):
        assert (answer.status, answer.code) == (503, ErrorCode.UNAVAILABLE)
        assert answer.headers["Retry-After"]
    assert (await client.get("/")).status == 200
    assert (await client.get("/health/live")).status == 200
    running.redis.down = False
    assert (await client.get("/isLogined")).json["logined"] is True


async def test_a_session_that_could_not_be_stored_is_no_login(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = running.client()
    await client.post("/register", **ADA)
    reset = running.redis.reset

    async def then_away(key: str) -> None:
        await reset(key)
        running.redis.down = True

    monkeypatch.setattr(running.redis, "reset", then_away)
    assert (await client.post("/login", **LOGIN)).status == 503
    assert not client.cookies
    assert [event.kind for event in running.redis.stream.values()] == ["registered"]
