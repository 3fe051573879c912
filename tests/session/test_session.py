"""A session during one request, over stores of both kinds."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from framework.session import (
    MemoryStore,
    Session,
    SessionError,
    SessionHeadersSent,
    SessionNotLoaded,
    SessionStoreUnavailable,
)
from tests.session.remote import RemoteStore

LIFETIME = 100


@pytest.fixture
def remote() -> RemoteStore:
    return RemoteStore()


async def stored(remote: RemoteStore, **values: Any) -> str:
    """Make a session and return its id."""
    session = Session(remote, LIFETIME)
    session.update(values)
    await session.save()
    assert session.id is not None
    remote.calls.clear()
    return session.id


async def opened(remote: RemoteStore, session_id: str) -> Session:
    """Return a session as a request with that id finds it."""
    session = Session(remote, LIFETIME, session_id)
    await session.load()
    return session


async def values_of(remote: RemoteStore, session_id: str | None) -> dict[str, Any] | None:
    """Return what is stored under an id."""
    text = remote.entries.get(hashlib.sha256((session_id or "").encode()).hexdigest())
    return None if text is None else dict(json.loads(text))


# The mapping


async def test_it_is_a_mapping(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    assert not session
    session["a"] = 1
    session.set("b", [2])
    session.update(c=None)
    assert session.setdefault("d", "x") == "x"
    assert dict(session) == {"a": 1, "b": [2], "c": None, "d": "x"}
    assert len(session) == 4
    assert "a" in session and session.iskey("a") and not session.iskey("z")
    assert session.get("z", "default") == "default"
    del session["a"]
    session.delete("b")
    session.delete("b")
    assert session.pop("c") is None
    assert list(session) == ["d"]
    session.clear()
    assert dict(session) == {}
    with pytest.raises(KeyError):
        session["a"]
    with pytest.raises(KeyError):
        del session["a"]


@pytest.mark.parametrize(
    "value", [b"bytes", {1, 2}, object(), float("nan"), [float("inf")], {"a": {"b": b""}}]
)
async def test_only_json_values(remote: RemoteStore, value: object) -> None:
    session = Session(remote, LIFETIME)
    with pytest.raises(TypeError, match=r"session\['x'\]: .*A session holds JSON values only"):
        session["x"] = value
    assert "x" not in session


async def test_a_value_that_contains_itself_is_refused(remote: RemoteStore) -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(TypeError, match="Circular"):
        Session(remote, LIFETIME)["x"] = value


async def test_names_are_str(remote: RemoteStore) -> None:
    with pytest.raises(TypeError, match="names in a session are str, not int"):
        Session(remote, LIFETIME)[1] = 1  # type: ignore[index]  # what is tested


async def test_a_value_changed_to_something_else_is_refused_when_saved(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    session["x"] = []
    session["x"].append(b"")
    with pytest.raises(TypeError, match=r"session: .*bytes.*JSON values only"):
        await session.save()
    assert remote.calls == []


async def test_its_repr_tells_no_secret(remote: RemoteStore) -> None:
    session_id = await stored(remote, user="ada")
    session = Session(remote, LIFETIME, session_id)
    assert repr(session) == "<Session not loaded>"
    await session.load()
    assert repr(session) == "<Session stored>"
    assert repr(Session(remote, LIFETIME)) == "<Session new>"


# Storing


async def test_nothing_is_stored_before_there_is_something(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    assert session.get("user") is None
    assert not session.modified
    await session.save()
    session["a"] = 1
    del session["a"]
    await session.save()
    assert remote.calls == []
    assert session.id is None and not session.cookie_is_new and not session.cookie_is_void


async def test_the_first_value_makes_an_id_of_256_random_bits(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    session["user"] = "ada"
    assert session.modified
    await session.save()
    assert remote.calls == ["save"]
    assert session.id is not None and len(session.id) == 43
    assert session.cookie_is_new
    assert await values_of(remote, session.id) == {"user": "ada"}


async def test_a_leaked_store_gives_no_ids(remote: RemoteStore) -> None:
    session_id = await stored(remote, a=1)
    assert session_id not in repr(remote.entries)


async def test_values_are_there_in_the_next_request(remote: RemoteStore) -> None:
    values: dict[str, Any] = {"text": "é\u2028\ud800", "list": [1, 2.5, None, True, {"deep": []}], "": ""}
    session = await opened(remote, await stored(remote, **values))
    assert dict(session) == values
    assert not session.modified and not session.cookie_is_new
    await session.save()
    assert remote.calls == ["load"]


async def test_setting_an_equal_value_stores_nothing(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session["a"] = 1
    await session.save()
    assert remote.calls == ["load"]


async def test_a_change_is_written_under_the_same_id(remote: RemoteStore) -> None:
    session_id = await stored(remote, a=1)
    session = await opened(remote, session_id)
    session["b"] = 2
    await session.save()
    await session.save()
    assert remote.calls == ["load", "update"]
    assert not session.cookie_is_new
    assert await values_of(remote, session_id) == {"a": 1, "b": 2}


async def test_a_change_inside_a_value_is_noticed(remote: RemoteStore) -> None:
    session_id = await stored(remote, cart={"items": [1]})
    session = await opened(remote, session_id)
    session["cart"]["items"].append(2)
    assert session.modified
    await session.save()
    assert await values_of(remote, session_id) == {"cart": {"items": [1, 2]}}


async def test_a_session_that_is_emptied_ends(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session.clear()
    await session.save()
    assert remote.entries == {}
    assert session.cookie_is_void and session.id is None


async def test_what_is_in_the_store_but_no_session_is_ignored(
    remote: RemoteStore, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("no json", "[1]"):
        session_id = await stored(remote, a=1)
        await remote.memory.save(hashlib.sha256(session_id.encode()).hexdigest(), text, LIFETIME, False)
        session = await opened(remote, session_id)
        assert dict(session) == {}
        session["b"] = 2
        await session.save()
        assert session.id != session_id
        assert caplog.records[-1].levelno == logging.WARNING


# Loading


async def test_it_has_to_be_loaded_before_use(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME, await stored(remote, a=1))
    assert not session.loaded
    uses: list[Callable[[], object]] = [
        lambda: session.get("a"),
        lambda: session.update({"a": 2}),
        lambda: list(session),
        session.renew,
        session.clear,
    ]
    for use in uses:
        with pytest.raises(SessionNotLoaded, match=r"await self\.session\.load\(\)"):
            use()
    await session.load()
    await session.load()
    assert session.loaded and session["a"] == 1
    assert remote.calls == ["load"]


async def test_nothing_is_loaded_for_a_visitor_without_id(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    await session.load()
    assert remote.calls == []


async def test_a_store_in_memory_is_read_at_first_use() -> None:
    store = MemoryStore()
    session = Session(store, LIFETIME)
    session["a"] = 1
    await session.save()
    again = Session(store, LIFETIME, session.id)
    assert again.loaded and not again.used
    assert again["a"] == 1
    assert again.used


async def test_an_unknown_id_is_not_adopted(remote: RemoteStore) -> None:
    session = await opened(remote, "made-up")
    assert session.id is None and not session.alive
    session["a"] = 1
    await session.save()
    assert session.id not in (None, "made-up")
    assert session.cookie_is_new


async def test_an_unknown_ids_cookie_is_left_alone(remote: RemoteStore) -> None:
    # The client may have got a new one meanwhile.
    session = await opened(remote, "made-up")
    await session.save()
    assert not session.cookie_is_void


async def test_two_loads_at_once_do_not_undo_a_change(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME, await stored(remote, a=1))
    gate = asyncio.Event()
    remote.pause = gate.wait
    slow = asyncio.create_task(session.load())
    await asyncio.sleep(0)
    remote.pause = None
    await session.load()
    session["a"] = 2
    gate.set()
    await slow
    assert session["a"] == 2


# Renewal


async def test_renewing_gives_a_new_id_and_voids_the_old(remote: RemoteStore) -> None:
    old_id = await stored(remote, cart=[1])
    session = await opened(remote, old_id)
    session.renew()
    session.renew()
    assert session.modified
    session["user"] = "ada"
    await session.save()
    assert session.id != old_id and session.cookie_is_new
    assert await values_of(remote, session.id) == {"cart": [1], "user": "ada"}
    assert await values_of(remote, old_id) is None
    assert (await opened(remote, old_id)).id is None


async def test_renewing_without_a_change_moves_the_session(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session.renew()
    await session.save()
    assert await values_of(remote, session.id) == {"a": 1}
    assert not session.modified


async def test_renewing_an_empty_session_stores_nothing(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    session.renew()
    await session.save()
    assert remote.calls == [] and session.id is None


async def test_an_emptied_and_renewed_session_is_gone(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session.clear()
    session.renew()
    await session.save()
    assert remote.entries == {} and session.id is None


async def test_renewing_twice_in_separate_saves(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    ids = []
    for _ in range(2):
        session.renew()
        await session.save()
        ids.append(session.id)
    assert len(set(ids)) == 2
    assert len(remote.entries) == 1
    assert await values_of(remote, ids[-1]) == {"a": 1}


# Ending


async def test_flush_ends_it_everywhere(remote: RemoteStore) -> None:
    session_id = await stored(remote, user="ada")
    session = await opened(remote, session_id)
    session.flush()
    assert dict(session) == {} and session.id is None and session.modified
    await session.save()
    assert remote.entries == {}
    assert session.cookie_is_void and not session.modified


async def test_flush_needs_no_load(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME, await stored(remote, user="ada"))
    session.flush()
    session.flush()
    await session.save()
    assert remote.entries == {} and remote.calls == ["delete"]


async def test_flush_during_a_load_wins(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME, await stored(remote, user="ada"))
    gate = asyncio.Event()
    remote.pause = gate.wait
    load = asyncio.create_task(session.load())
    await asyncio.sleep(0)
    session.flush()
    gate.set()
    await load
    assert dict(session) == {}


async def test_what_is_set_after_flush_is_another_session(remote: RemoteStore) -> None:
    old_id = await stored(remote, user="ada")
    session = await opened(remote, old_id)
    session.flush()
    session["notice"] = "bye"
    await session.save()
    assert session.id != old_id and session.cookie_is_new and not session.cookie_is_void
    assert list(remote.entries.values()) == ['{"notice":"bye"}']


async def test_renewed_and_flushed_is_ended(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, user="ada"))
    session.renew()
    session.flush()
    await session.save()
    assert remote.entries == {} and session.cookie_is_void


async def test_flush_of_a_visitor_without_session_does_nothing(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME)
    session.flush()
    await session.save()
    assert remote.calls == [] and not session.cookie_is_void


# Requests at the same time


async def test_a_slow_request_does_not_undo_a_flush(remote: RemoteStore) -> None:
    session_id = await stored(remote, user="ada")
    slow = await opened(remote, session_id)
    slow["page"] = 2
    quick = await opened(remote, session_id)
    quick.flush()
    await quick.save()
    await slow.save()
    assert remote.entries == {}
    # Nor later in the same request; and the cookie, which may be a new one by now, is left alone.
    assert dict(slow) == {} and slow.id is None
    assert not slow.cookie_is_new and not slow.cookie_is_void


async def test_a_renewal_does_not_undo_a_flush(remote: RemoteStore) -> None:
    session_id = await stored(remote, user="ada")
    slow = await opened(remote, session_id)
    slow.renew()
    quick = await opened(remote, session_id)
    quick.flush()
    await quick.save()
    await slow.save()
    assert remote.entries == {} and slow.id is None


async def test_of_two_logins_at_once_both_get_a_session(remote: RemoteStore) -> None:
    session_id = await stored(remote, cart=[1])
    both = [await opened(remote, session_id) for _ in range(2)]
    for session in both:
        session.renew()
        session["user"] = "ada"
    for session in both:
        await session.save()
    assert await values_of(remote, both[0].id) == {"cart": [1], "user": "ada"}
    # The second found the visitor's old session gone, and has what it set itself.
    assert await values_of(remote, both[1].id) == {"user": "ada"}


async def test_the_last_write_wins(remote: RemoteStore) -> None:
    session_id = await stored(remote, a=0)
    first, second = [await opened(remote, session_id) for _ in range(2)]
    first["a"] = 1
    second["a"] = 2
    await second.save()
    await first.save()
    assert await values_of(remote, session_id) == {"a": 1}


async def test_touch_says_whether_it_is_still_there(remote: RemoteStore) -> None:
    session_id = await stored(remote, a=1)
    session = await opened(remote, session_id)
    assert await session.touch() is True
    remote.memory._entries.clear()
    assert await session.touch() is False
    assert await Session(remote, LIFETIME).touch() is False


# Failure


async def test_reverting_drops_changes(remote: RemoteStore) -> None:
    session_id = await stored(remote, a=1)
    session = await opened(remote, session_id)
    session["a"] = 2
    session.renew()
    await session.revert()
    assert session.id == session_id and not session.modified and not session.cookie_is_new
    assert await values_of(remote, session_id) == {"a": 1}
    assert dict(session) == {"a": 1}


async def test_reverting_keeps_a_flush(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session.flush()
    session["b"] = 2
    await session.revert()
    assert remote.entries == {} and session.cookie_is_void and dict(session) == {}


async def test_an_outage_is_told_at_load_and_at_each_use_after_it(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME, await stored(remote, a=1))
    remote.down = True
    with pytest.raises(SessionStoreUnavailable, match="store remote is unavailable: it is down") as caught:
        await session.load()
    assert caught.value.store == "remote" and caught.value.retry_after == 2
    with pytest.raises(SessionError, match="it is down"):
        session.get("a")
    remote.down = False
    await session.load()
    assert session["a"] == 1


async def test_an_outage_at_flush_is_tried_again_at_the_next_save(remote: RemoteStore) -> None:
    session = Session(remote, LIFETIME, await stored(remote, a=1))
    remote.down = True
    session.flush()
    with pytest.raises(SessionStoreUnavailable):
        await session.save()
    assert session.modified
    remote.down = False
    await session.save()
    assert remote.entries == {} and not session.modified


async def test_an_outage_at_save_keeps_the_change(remote: RemoteStore) -> None:
    session_id = await stored(remote, a=1)
    session = await opened(remote, session_id)
    session["a"] = 2
    remote.down = True
    with pytest.raises(SessionStoreUnavailable):
        await session.save()
    remote.down = False
    await session.save()
    assert await values_of(remote, session_id) == {"a": 2}


async def test_an_outage_at_renewal_leaves_the_old_id_to_be_voided(remote: RemoteStore) -> None:
    old_id = await stored(remote, a=1)
    session = await opened(remote, old_id)
    session.renew()
    remote.down = True
    with pytest.raises(SessionStoreUnavailable):
        await session.save()
    remote.down = False
    await session.save()
    assert await values_of(remote, old_id) is None
    assert await values_of(remote, session.id) == {"a": 1}


# After the headers


async def test_a_sealed_session_can_be_updated_but_not_begun(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session.seal()
    session["a"] = 2
    await session.save()
    assert list(remote.entries.values()) == ['{"a":2}']
    new = Session(remote, LIFETIME)
    new.seal()
    await new.save()
    new["a"] = 1
    with pytest.raises(SessionHeadersSent, match=r"before the first flush\(\) of the response"):
        await new.save()


async def test_a_sealed_session_cannot_be_renewed_but_flushed(remote: RemoteStore) -> None:
    session = await opened(remote, await stored(remote, a=1))
    session.seal()
    session.renew()
    with pytest.raises(SessionHeadersSent):
        await session.save()
    session.flush()
    await session.save()
    assert remote.entries == {}


# The same over every store


async def test_a_whole_life_over_each_store(store: Any) -> None:
    first = Session(store, LIFETIME)
    first["cart"] = [1]
    await first.save()
    second = Session(store, LIFETIME, first.id)
    await second.load()
    second.renew()
    second["user"] = "ada"
    await second.save()
    assert second.id != first.id
    third = Session(store, LIFETIME, second.id)
    await third.load()
    assert dict(third) == {"cart": [1], "user": "ada"}
    third["late"] = True
    fourth = Session(store, LIFETIME, second.id)
    fourth.flush()
    await fourth.save()
    await third.save()
    last = Session(store, LIFETIME, second.id)
    await last.load()
    assert dict(last) == {} and last.id is None
