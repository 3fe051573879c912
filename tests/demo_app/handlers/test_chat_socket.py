"""The chat over WebSocket, talked to by a client of others' making."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from demo_app.errors import ErrorCode
from demo_app.services import chat_rooms
from tests.demo_app.client import Client
from tests.demo_app.conftest import Running
from tests.demo_app.handlers.test_account import logged_in
from tests.demo_app.handlers.test_chat import ROOM, texts, until_listening
from tests.demo_app.sockets import Talk


def talk(running: Running, client: Client, path: str = "/chat/lobby/socket", **headers: str) -> Talk:
    return Talk(f"ws://127.0.0.1:{running.port}{path}", client.cookies, headers)


async def until_no_slot_is_taken(running: Running) -> None:
    async with asyncio.timeout(20):
        while running.demo.slots._taken:  # noqa: ASYNC110 - the server's doing
            await asyncio.sleep(0.001)


async def refused(running: Running, client: Client, path: str, **headers: str) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as caught:
        async with talk(running, client, path, **headers):
            pass
    response = caught.value.response
    return response.status_code, json.loads(response.body or b"{}")


async def test_what_is_said_reaches_everybody_and_is_confirmed(running: Running) -> None:
    client = await logged_in(running)
    async with talk(running, client) as one, talk(running, client) as other:
        for each in (one, other):
            assert await each.receive() == {
                "code": 0,
                "message": "",
                "messages": [],
                "last": "0-0",
                "missed": False,
            }
        await one.send(text="hello", key="k")
        heard = await other.receive()
        assert (texts(heard), heard["last"], heard["messages"][0]["user"]) == (["hello"], "1-0", "ada")
        # The confirmation and the message itself, in either order.
        answers = [await one.receive(), await one.receive()]
        assert {"code": 0, "message": "", "id": "1-0", "key": "k"} in answers
        assert heard in answers
        assert (await client.post(ROOM, text="by post")).status == 201
        assert texts(await other.receive()) == ["by post"]
    await until_listening(running, 0)
    await until_no_slot_is_taken(running)


async def test_who_comes_back_gets_what_was_missed(running: Running) -> None:
    client = await logged_in(running)
    for text in "abc":
        await client.post(ROOM, text=text)
    async with talk(running, client, "/chat/lobby/socket?last=1-0") as back:
        assert texts(await back.receive()) == ["b", "c"]
        await client.post(ROOM, text="d")
        assert texts(await back.receive()) == ["d"]
    async with talk(running, client, "/chat/lobby/socket?last=99-0") as lost:
        assert (await lost.receive())["missed"] is True


async def test_what_was_not_confirmed_is_sent_again_and_said_once(running: Running) -> None:
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        await one.send(text="once", key="k")
        await one.receive()
    async with talk(running, client) as again:
        assert texts(await again.receive()) == ["once"]
        await again.send(text="once", key="k")
        assert (await again.receive())["id"] == "1-0"
    assert texts((await client.get(ROOM)).json) == ["once"]


async def test_only_who_is_logged_in_gets_a_socket(running: Running) -> None:
    status, answer = await refused(running, running.client(), "/chat/lobby/socket")
    assert (status, answer["code"]) == (401, ErrorCode.NOT_LOGGED_IN)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-WebSocket-Origin": "null"},
    ],
)
async def test_pages_of_other_sites_get_none(running: Running, headers: dict[str, str]) -> None:
    client = await logged_in(running)
    status, answer = await refused(running, client, "/chat/lobby/socket", **headers)
    assert (status, answer["code"]) == (403, ErrorCode.CROSS_SITE)


async def test_ones_own_page_does(running: Running) -> None:
    client = await logged_in(running)
    origin = f"http://127.0.0.1:{running.port}"
    async with talk(running, client, **{"Origin": origin, "Sec-Fetch-Site": "same-origin"}) as own:
        assert (await own.receive())["code"] == 0


async def test_what_is_not_there_and_what_is_wrong_gets_none(running: Running) -> None:
    client = await logged_in(running)
    status, answer = await refused(running, client, "/chat/cellar/socket")
    assert (status, answer["code"]) == (404, ErrorCode.NOT_FOUND)
    status, answer = await refused(running, client, "/chat/lobby/socket?last=x")
    assert (status, set(answer["fields"])) == (400, {"last"})


async def test_what_breaks_a_rule_is_told_and_the_socket_stays(serve: Callable[..., Running]) -> None:
    running = serve(LIMIT_CHAT_MESSAGES="4", CHAT_LENGTH="10")
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        assert (await one.ask("no JSON"))["code"] == ErrorCode.BAD_REQUEST
        assert (await one.ask(b"bytes"))["code"] == ErrorCode.BAD_REQUEST
        assert (await one.ask("[]"))["code"] == ErrorCode.BAD_REQUEST
        half = await one.ask(json.dumps({"text": "a", "key": "\ud800"}))
        assert (half["code"], half["fields"]) == (ErrorCode.INVALID_FIELDS, {"key": "text"})
        wrong = await one.ask(json.dumps({"text": "x" * 11, "key": "k1"}))
        assert (wrong["code"], wrong["key"]) == (ErrorCode.INVALID_FIELDS, "k1")
        assert wrong["fields"] == {"text": "at most 10 characters"}
        for _ in range(3):
            await one.ask(json.dumps({"text": "a", "key": "k2"}))
        # The message itself came, too.
        answers = [await one.ask(json.dumps({"text": "b", "key": "k3"}))]
        while "retry_after" not in answers[-1]:
            answers.append(await one.receive())
        assert (answers[-1]["code"], answers[-1]["key"]) == (ErrorCode.TOO_MANY_TRIES, "k3")
        await one.socket.send("x" * (12 * 10 + 1025))
        assert (await one.end())[0] == 1009


async def test_one_person_has_so_many_sockets(serve: Callable[..., Running]) -> None:
    running = serve(LIMIT_CHAT_CONNECTIONS="1")
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        async with talk(running, client) as other:
            assert (await other.receive())["code"] == ErrorCode.TOO_MANY_TRIES
            assert (await other.end())[0] == 1013
    await until_no_slot_is_taken(running)
    async with talk(running, client) as again:
        assert (await again.receive())["code"] == 0


async def test_a_logout_ends_the_socket_with_the_next_message(running: Running) -> None:
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        await client.post("/logout")
        await one.send(text="a")
        assert await one.end() == (1008, "logged out")
    assert running.chat.rooms == {}


async def test_a_logout_ends_the_socket_of_one_who_says_nothing(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_app.app.PING_EVERY", 0.05)
    running = serve()
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        # Nobody knows during an outage.
        running.redis.down = True
        await asyncio.sleep(0.2)
        running.redis.down = False
        await client.post("/logout")
        assert await one.end() == (1008, "logged out")


async def test_a_new_password_ends_the_sockets_of_older_sessions(running: Running) -> None:
    client = await logged_in(running)
    other = Client(running.port, dict(client.cookies))
    async with talk(running, other) as one:
        await one.receive()
        password = "correct horse battery"
        await client.post("/account/edit", old_password=password, password=password + "!")
        await one.send(text="a")
        assert await one.end() == (1008, "logged out")


async def test_an_outage_of_the_store_is_told_and_ends_the_socket(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        running.redis.down = True
        answer = await one.ask(json.dumps({"text": "a", "key": "k"}))
        assert (answer["code"], answer["retry_after"]) == (ErrorCode.UNAVAILABLE, 2)
        monkeypatch.setattr(chat_rooms, "PATIENCE", 0.0)
        running.chat.interrupt()
        assert (await one.end())[0] == 1013
    status, answer = await refused(running, client, "/chat/lobby/socket")
    assert (status, answer["code"]) == (503, ErrorCode.UNAVAILABLE)
    running.redis.down = False
    monkeypatch.undo()
    async with talk(running, client) as back:
        assert (await back.receive())["code"] == 0
        await client.post(ROOM, text="b")
        assert texts(await back.receive()) == ["b"]


async def test_a_store_that_goes_while_the_socket_opens_ends_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await logged_in(running)

    async def latest(room: str, limit: int) -> None:
        running.redis.down = True
        running.redis.check()

    monkeypatch.setattr(running.chat, "latest", latest)
    async with talk(running, client) as one:
        assert (await one.receive())["code"] == ErrorCode.UNAVAILABLE
        assert (await one.end())[0] == 1013
    await until_no_slot_is_taken(running)


async def test_whoever_goes_while_the_socket_opens_is_forgotten(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await logged_in(running)
    for number in range(30):
        await running.demo.chat.say(running.demo.chat.room("lobby"), str(number), "Ada", {"text": "x" * 2000})
    original, entered, go_on = running.chat.after, asyncio.Event(), asyncio.Event()

    async def after(room: str, last: str, limit: int) -> Any:
        entered.set()
        await go_on.wait()
        return await original(room, last, limit)

    monkeypatch.setattr(running.chat, "after", after)
    async with talk(running, client, "/chat/lobby/socket?last=0-0") as one:
        await entered.wait()
        one.socket.transport.abort()
    await asyncio.sleep(0.01)
    go_on.set()
    await until_no_slot_is_taken(running)
    await until_listening(running, 0)


async def test_a_socket_that_fails_while_it_opens_takes_no_slot(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await logged_in(running)

    async def latest(room: str, limit: int) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(running.chat, "latest", latest)
    async with talk(running, client) as one:
        assert (await one.end())[0] == 1011
    await until_no_slot_is_taken(running)


async def test_a_slow_client_is_told_to_come_back(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_app.app.UNREAD", 4096)
    running = serve(LIMIT_CHAT_MESSAGES="100000", CHAT_LENGTH="50000")
    client = await logged_in(running)
    async with talk(running, client) as slow:
        await slow.receive()
        slow.socket.transport.pause_reading()
        room, count = running.demo.chat.room("lobby"), 0
        async with asyncio.timeout(60):
            while len(room):
                await running.demo.chat.say(room, "2", "Bob", {"text": f"{count} {'x' * 40000}"})
                count += 1
                await asyncio.sleep(0)
        slow.socket.transport.resume_reading()
        heard: list[str] = []
        with pytest.raises(ConnectionClosedError):
            while True:
                heard += texts(await slow.receive())
        assert (await slow.end())[0] == 1013
    last = f"{len(heard)}-0"
    assert len(heard) < count
    async with talk(running, client, f"/chat/lobby/socket?last={last}") as back:
        while len(heard) < count:
            heard += texts(await back.receive())
    assert [int(text.split()[0]) for text in heard] == list(range(count))


async def test_the_end_of_the_process_sends_everybody_elsewhere(running: Running) -> None:
    client = await logged_in(running)
    async with talk(running, client) as one:
        await one.receive()
        running.stopping = True
        await running.demo.end_conversations()
        assert (await one.end())[0] == 1001
    async with talk(running, client) as late:
        assert (await late.receive())["code"] == ErrorCode.BUSY
        assert (await late.end())[0] == 1013
