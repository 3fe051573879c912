"""Primes over WebSocket."""

from __future__ import annotations

from collections.abc import Callable

from demo_app.errors import ErrorCode
from tests.demo_app.conftest import Running
from tests.demo_app.handlers.test_account import logged_in
from tests.demo_app.handlers.test_chat_socket import refused, talk, until_no_slot_is_taken


async def test_a_number_is_answered_with_whether_it_is_a_prime(running: Running) -> None:
    client = await logged_in(running)
    async with talk(running, client, "/primes") as one:
        assert await one.ask("17") == {"code": 0, "message": "", "number": "17", "prime": True}
        assert (await one.ask(" 18 "))["prime"] is False
        large = 2**127 - 1
        assert await one.ask(str(large)) == {"code": 0, "message": "", "number": str(large), "prime": True}
        wrong = await one.ask("seventeen")
        assert wrong["code"] == ErrorCode.INVALID_FIELDS
        assert wrong["fields"] == {"number": "a whole number of at most 100 digits"}
        await one.socket.send("1" * 1025)
        assert (await one.end())[0] == 1009
    await until_no_slot_is_taken(running)


async def test_one_person_asks_so_often(serve: Callable[..., Running]) -> None:
    running = serve(LIMIT_CHAT_MESSAGES="1", LIMIT_CHAT_SECONDS="7")
    client = await logged_in(running)
    async with talk(running, client, "/primes") as one:
        assert (await one.ask("17"))["code"] == 0
        answer = await one.ask("19")
        assert (answer["code"], answer["retry_after"]) == (ErrorCode.TOO_MANY_TRIES, 7)


async def test_only_who_is_logged_in_may_ask(running: Running) -> None:
    status, answer = await refused(running, running.client(), "/primes")
    assert (status, answer["code"]) == (401, ErrorCode.NOT_LOGGED_IN)
