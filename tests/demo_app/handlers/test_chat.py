"""The chat over HTTP: the page, saying, and asking what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from demo_app.errors import ErrorCode
from demo_app.services import chat_rooms
from tests.demo_app.client import Client
from tests.demo_app.conftest import Running
from tests.demo_app.handlers.test_account import logged_in

ROOM = "/chat/lobby/messages"


def texts(answer: dict[str, object]) -> list[str]:
    messages = answer["messages"]
    assert isinstance(messages, list)
    return [message["text"] for message in messages]


async def until_listening(running: Running, count: int) -> None:
    room = running.demo.feed.rooms["lobby"]
    async with asyncio.timeout(20):
        while len(room) != count:  # noqa: ASYNC110 - the server's doing
            await asyncio.sleep(0.001)


async def test_the_page_has_the_rooms_and_a_policy_of_its_own(running: Running) -> None:
    answer = await running.client().get("/chat")
    assert answer.status == 200
    assert b"<option>lobby</option>" in answer.body
    assert b'maxlength="2000"' in answer.body
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for name in ("chat.js", "chat.css"):
        assert f"/static/{name}?v=".encode() in answer.body


async def test_what_is_said_is_read(running: Running) -> None:
    client = await logged_in(running)
    empty = await client.get(f"{ROOM}?wait=0")
    assert empty.json == {"code": 0, "message": "", "messages": [], "last": "0-0", "missed": False}
    said = await client.post(ROOM, text="hello <b>", key="k1")
    assert (said.status, said.json) == (201, {"code": 0, "message": "", "id": "1-0", "key": "k1"})
    read = (await client.get(ROOM)).json
    (message,) = read["messages"]
    assert (message.pop("at") > "2020", read["last"]) == (True, "1-0")
    assert message == {"id": "1-0", "room": "lobby", "user": "ada", "text": "hello <b>", "key": "k1"}
    assert (await client.get(f"{ROOM}?last=1-0&wait=0")).json["last"] == "1-0"


async def test_what_is_sent_again_under_its_key_is_said_once(running: Running) -> None:
    client = await logged_in(running)
    for _ in range(3):
        answer = await client.post_json(ROOM, {"text": "once", "key": "k"})
        assert (answer.status, answer.json["id"]) == (201, "1-0")
    assert texts((await client.get(ROOM)).json) == ["once"]


async def test_who_asks_for_news_waits_for_them(running: Running) -> None:
    client = await logged_in(running)
    asked = asyncio.create_task(client.get(f"{ROOM}?last=0-0&wait=50"))
    await until_listening(running, 1)
    await client.post(ROOM, text="a")
    assert texts((await asked).json) == ["a"]
    await until_listening(running, 0)


async def test_who_stops_waiting_is_forgotten(running: Running) -> None:
    client = await logged_in(running)
    slots = running.demo.slots
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    writer.write(f"GET {ROOM}?last=0-0 HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
    await until_listening(running, 1)
    assert slots._taken.total() == 1
    writer.close()
    await writer.wait_closed()
    await until_listening(running, 0)
    async with asyncio.timeout(20):
        while slots._taken:  # noqa: ASYNC110 - the server's doing
            await asyncio.sleep(0.001)


async def test_only_those_who_are_logged_in(running: Running) -> None:
    client = running.client()
    for answer in (await client.get(ROOM), await client.post(ROOM, text="a")):
        assert (answer.status, answer.code) == (401, ErrorCode.NOT_LOGGED_IN)


async def test_other_sites_say_nothing(running: Running) -> None:
    client = await logged_in(running)
    answer = await client.post(ROOM, {"Origin": "http://elsewhere.example"}, text="a")
    assert (answer.status, answer.code) == (403, ErrorCode.CROSS_SITE)


async def test_there_are_no_other_rooms(running: Running) -> None:
    client = await logged_in(running)
    for path in ("/chat/cellar/messages", "/chat/cellar%2Flobby/messages", "/chat//messages"):
        assert (await client.get(path)).status == 404
        assert (await client.post(path, text="a")).status == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("last=yesterday", "last"),
        ("wait=51", "wait"),
        ("wait=-1", "wait"),
        ("wait=1.5", "wait"),
        ("wait=", "wait"),
        ("wait=0000000001", "wait"),
        ("wait=" + "9" * 5000, "wait"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(running: Running, query: str, field: str) -> None:
    client = await logged_in(running)
    answer = await client.get(f"{ROOM}?{query}")
    assert (answer.status, answer.code) == (400, ErrorCode.INVALID_FIELDS)
    assert set(answer.json["fields"]) == {field}


async def test_who_says_too_much_waits(serve: Callable[..., Running]) -> None:
    running = serve(LIMIT_CHAT_MESSAGES="2", LIMIT_CHAT_SECONDS="7", CHAT_LENGTH="5")
    client = await logged_in(running)
    long = await client.post(ROOM, text="sixsix")
    assert long.json["fields"] == {"text": "at most 5 characters"}
    await client.post(ROOM, text="a")
    answer = await client.post(ROOM, text="b")
    assert (answer.status, answer.code) == (429, ErrorCode.TOO_MANY_TRIES)
    assert answer.headers["Retry-After"] == "7"


async def test_one_person_has_so_many_questions_waiting(serve: Callable[..., Running]) -> None:
    running = serve(LIMIT_CHAT_CONNECTIONS="1")
    client = await logged_in(running)
    asked = asyncio.create_task(client.get(f"{ROOM}?last=0-0"))
    await until_listening(running, 1)
    answer = await client.get(f"{ROOM}?last=0-0")
    assert (answer.status, answer.code) == (429, ErrorCode.TOO_MANY_TRIES)
    await client.post(ROOM, text="a")
    assert (await asked).status == 200


async def test_without_the_store_there_is_no_chat(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_rooms, "PATIENCE", 0.0)
    client = await logged_in(running)
    asked = asyncio.create_task(client.get(f"{ROOM}?last=0-0"))
    await until_listening(running, 1)
    running.redis.down = True
    running.chat.interrupt()
    for answer in (await client.get(ROOM), await client.post(ROOM, text="a"), await asked):
        assert (answer.status, answer.code) == (503, ErrorCode.UNAVAILABLE)
        assert int(answer.headers["Retry-After"]) > 0
    running.redis.down = False
    asked = asyncio.create_task(client.get(f"{ROOM}?last=0-0"))
    await until_listening(running, 1)
    assert (await client.post(ROOM, text="a")).status == 201
    assert texts((await asked).json) == ["a"]


async def test_without_mongodb_there_is(running: Running) -> None:
    client = await logged_in(running)
    running.mongo.down = running.log.down = True
    assert (await client.post(ROOM, text="a")).status == 201
    assert texts((await client.get(ROOM)).json) == ["a"]


async def test_the_end_of_the_process_answers_those_who_wait(running: Running) -> None:
    client = await logged_in(running)
    asked = asyncio.create_task(client.get(f"{ROOM}?last=0-0"))
    await until_listening(running, 1)
    await running.demo.end_conversations()
    answer = await asked
    assert (answer.status, texts(answer.json)) == (200, [])
    answer = await client.get(f"{ROOM}?last=0-0")
    assert (answer.status, answer.code) == (503, ErrorCode.BUSY)


async def test_a_new_password_ends_other_sessions_here_too(running: Running) -> None:
    client = await logged_in(running)
    other = Client(running.port, dict(client.cookies))
    password = "correct horse battery"
    assert (await client.post("/account/edit", old_password=password, password=password + "!")).status == 200
    assert (await other.get(ROOM)).status == 401
    assert (await client.get(ROOM)).status == 200
