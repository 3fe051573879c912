"""What every store does alike."""

from __future__ import annotations

import asyncio

from framework.session import Store


async def test_what_is_saved_is_loaded(store: Store) -> None:
    assert await store.save("a", '{"x":"é\\u0000"}', 60, False) is True
    assert await store.load("a", 60) == '{"x":"é\\u0000"}'


async def test_an_unknown_key_loads_as_none(store: Store) -> None:
    assert await store.load("nobody", 60) is None


async def test_saving_again_replaces(store: Store) -> None:
    await store.save("a", "1", 60, False)
    assert await store.save("a", "2", 60, False) is True
    assert await store.load("a", 60) == "2"


async def test_must_exist_writes_only_what_is_there(store: Store) -> None:
    assert await store.save("a", "1", 60, True) is False
    assert await store.load("a", 60) is None
    await store.save("a", "1", 60, False)
    assert await store.save("a", "2", 60, True) is True
    assert await store.load("a", 60) == "2"


async def test_deleting_says_whether_it_was_there(store: Store) -> None:
    await store.save("a", "1", 60, False)
    assert await store.delete("a") is True
    assert await store.delete("a") is False
    assert await store.load("a", 60) is None


async def test_keys_are_apart(store: Store) -> None:
    await store.save("a", "1", 60, False)
    await store.save("b", "2", 60, False)
    await store.delete("a")
    assert await store.load("b", 60) == "2"


async def test_many_at_once(store: Store) -> None:
    await asyncio.gather(*(store.save(f"k{i}", str(i), 60, False) for i in range(50)))
    assert await asyncio.gather(*(store.load(f"k{i}", 60) for i in range(50))) == [str(i) for i in range(50)]


async def test_closing_twice_is_harmless(store: Store) -> None:
    await store.save("a", "1", 60, False)
    await store.close()
    await store.close()
