"""The chat of the whole stack: a server dies while two hundred talk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.containers.compose import Compose
from tests.integration.client import Client, Person
from tests.integration.crowd import Crowd


@pytest.fixture
def people(new_client: Callable[[], Client]) -> list[dict[str, str]]:
    """The cookies of people who are logged in."""
    made = []
    for _ in range(20):
        person = Person(new_client())
        assert person.register().status == 201
        assert person.login().status == 200
        made.append(person.client.cookies)
    return made


@pytest.mark.parametrize("end", [Compose.kill, Compose.stop])
async def test_everybody_hears_everything_once_and_in_order_although_a_server_ends(
    stack: Compose, people: list[dict[str, str]], end: Callable[[Compose, str], None]
) -> None:
    async with Crowd(stack.base_url, people, clients=200, pollers=4) as crowd:
        await crowd.until_heard(0.3)
        await asyncio.to_thread(end, stack, "app1")
        await crowd.until_all_heard()
    crowd.check()
    # Its clients, and nobody else; nginx' processes deal each for itself.
    interrupted = [voice for voice in crowd.voices[:200] if voice.endings]
    assert 20 <= len(interrupted) <= 80
    if end is Compose.stop:
        assert {ending for voice in interrupted for ending in voice.endings} == {1001}


@pytest.mark.parametrize("how", [Compose.kill, Compose.pause])
async def test_the_talk_goes_on_when_redis_comes_back(
    stack: Compose, people: list[dict[str, str]], how: Callable[[Compose, str], None]
) -> None:
    async with Crowd(stack.base_url, people, clients=40, pollers=2) as crowd:
        await crowd.until_heard(0.3)
        await asyncio.to_thread(how, stack, "redis")
        await crowd.until(lambda: all(voice.endings for voice in crowd.voices))
        await asyncio.to_thread(stack.heal)
        await crowd.until_all_heard()
    crowd.check()
