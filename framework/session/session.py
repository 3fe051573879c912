"""One visitor's session during one request: a mapping that knows what has become of it."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from framework.session.errors import SessionHeadersSent, SessionNotLoaded, SessionStoreUnavailable
from framework.session.stores.base import Store

__all__ = ["Session"]

_log = logging.getLogger("framework.session")


def _dumps(value: Any, where: str) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"{where}: {error}. A session holds JSON values only: str, int, float, bool, None,"
            " and lists and dictionaries of these"
        ) from None


def _key(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


class Session(MutableMapping[str, Any]):
    """What the server remembers of a visitor, as a mapping of names to JSON values.

    Values come back as JSON has them: tuples as lists, keys of inner dictionaries as strings. A change inside
    a value (`session["cart"].append(7)`) is noticed as well. Nothing is stored, and no cookie sent, before
    there is something to store.

    Args:
        store: where sessions are kept.
        lifetime: seconds that a session lives after its last use.
        client_id: the id in the request's cookie, its signature checked; None without one.
    """

    __slots__ = (
        "_client_id",
        "_data",
        "_ended",
        "_ended_ids",
        "_failure",
        "_id",
        "_lifetime",
        "_load_now",
        "_loaded",
        "_raw",
        "_renewed_id",
        "_sealed",
        "_set_here",
        "_store",
    )

    def __init__(self, store: Store, lifetime: int, client_id: str | None = None) -> None:
        self._store = store
        self._load_now: Callable[[str, int], str | None] | None = getattr(store, "load_now", None)
        self._lifetime = lifetime
        self._client_id = client_id
        # The id under which the store has, or is thought to have, this session.
        self._id = client_id
        self._loaded = client_id is None
        self._raw: str | None = None
        # Decoded from _raw at first use.
        self._data: dict[str, Any] | None = None
        self._failure: SessionStoreUnavailable | None = None
        # The keys that were set during this request, as against loaded.
        self._set_here: set[str] = set()
        self._renewed_id: str | None = None
        self._ended_ids: list[str] = []
        self._ended = False
        self._sealed = False

    def __repr__(self) -> str:
        # Neither the id nor the values: this ends up in logs.
        state = "not loaded" if not self._loaded else "stored" if self._id is not None else "new"
        return f"<Session {state}>"

    # The mapping

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"names in a session are str, not {type(key).__name__}")
        _dumps(value, f"session[{key!r}]")
        self._values()[key] = value
        self._set_here.add(key)

    def __delitem__(self, key: str) -> None:
        del self._values()[key]
        self._set_here.discard(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def clear(self) -> None:
        """Remove every value. A session without values is not kept; see also `flush`."""
        self._values().clear()
        self._set_here.clear()

    def set(self, key: str, value: Any) -> None:
        """Do `session[key] = value`."""
        self[key] = value

    def delete(self, key: str) -> None:
        """Remove `key` if it is there."""
        self.pop(key, None)

    def iskey(self, key: str) -> bool:
        """Return whether `key` is there."""
        return key in self

    # What becomes of it

    @property
    def id(self) -> str | None:
        """The session's id, a secret: whoever has it is the visitor. None before something was stored."""
        return self._id

    @property
    def loaded(self) -> bool:
        """Whether the session can be read without `load`."""
        return self._loaded or self._load_now is not None

    @property
    def used(self) -> bool:
        """Whether anything of the session was read or changed."""
        return self._data is not None or self._ended

    @property
    def modified(self) -> bool:
        """Whether there is anything to write to the store.

        Raises:
            TypeError: a value was changed into something that is not JSON.
        """
        if self._ended_ids or self._renewed_id is not None:
            return True
        return self._data is not None and self._text(self._data) != self._raw

    async def load(self) -> None:
        """Fetch the session from its store, once; nothing happens for a visitor who has none.

        Raises:
            SessionStoreUnavailable: the store does not answer.
        """
        if self._loaded or self._id is None:
            return
        try:
            raw = await self._store.load(_key(self._id), self._lifetime)
        except SessionStoreUnavailable as error:
            self._failure = error
            raise
        # Another load, or a flush, may have been faster.
        if not self._loaded:
            self._take(raw)

    def renew(self) -> None:
        """Give the session a new id: to be called wherever its rights change, above all at login.

        An id that somebody knew, or planted, before is worth nothing afterwards.
        """
        self._values()
        if self._id is not None:
            self._renewed_id = self._renewed_id or self._id
            self._id = None

    def flush(self) -> None:
        """End the session: its values, its entry in the store and its cookie. Needs no `load`."""
        self._ended_ids += [i for i in (self._id, self._renewed_id) if i is not None]
        self._ended = True
        self._renewed_id = self._id = None
        self._take(None)
        self._set_here.clear()

    async def save(self) -> None:
        """Write changes to the store now.

        Before the response's headers leave, this happens by itself; it is for changes made later than that,
        by a handler that streams or a WebSocket.

        Raises:
            SessionHeadersSent: the session would need a new id, but the headers have left.
            SessionStoreUnavailable: the store does not answer.
            TypeError: a value was changed into something that is not JSON.
        """
        while self._ended_ids:
            await self._store.delete(_key(self._ended_ids[-1]))
            self._ended_ids.pop()
        if self._data is None:
            return
        text = self._text(self._data)
        if text == self._raw and self._renewed_id is None:
            return
        if self._sealed and self._id is None and text is not None:
            raise SessionHeadersSent(
                "this session has no id that the client knows, and the headers that could tell it have been"
                " sent: store something in the session, or renew it, before the first flush() of the response"
            )
        if self._renewed_id is not None:
            text = await self._retire(self._renewed_id, self._data)
        await self._write(text)

    # What the handler needs

    async def revert(self) -> None:
        """Do what `flush` asked for, and drop every other change: for a response of failure."""
        if self._renewed_id is not None:
            self._id, self._renewed_id = self._renewed_id, None
        self._data = None
        self._set_here.clear()
        await self.save()

    async def touch(self) -> bool:
        """Return whether the session is in the store at this moment, and let it live on if so."""
        return self._id is not None and await self._store.load(_key(self._id), self._lifetime) is not None

    def seal(self) -> None:
        """Take note that no more cookies can be sent."""
        self._sealed = True

    @property
    def alive(self) -> bool:
        """Whether the session was found in its store, or put there."""
        return self.loaded and self._id is not None

    @property
    def cookie_is_new(self) -> bool:
        """Whether the client has to be told another id."""
        return self._id is not None and self._id != self._client_id

    @property
    def cookie_is_void(self) -> bool:
        """Whether the client's cookie was of a session that this request ended.

        Not so for a session that was found to be gone: the client may have got a new cookie meanwhile, in
        answer to another request, and this must not take it away.
        """
        return self._ended and self._id is None and self._client_id is not None

    # Inside

    def _values(self) -> dict[str, Any]:
        if self._data is None:
            if not self._loaded:
                self._load_at_once()
            self._data = self._decode()
        return self._data

    def _load_at_once(self) -> None:
        if self._load_now is not None and self._id is not None:
            self._take(self._load_now(_key(self._id), self._lifetime))
        elif self._failure is not None:
            raise self._failure
        else:
            raise SessionNotLoaded(
                "the session has not been loaded: `await self.session.load()` first,"
                " or let session_autoload be True"
            )

    def _take(self, raw: str | None) -> None:
        self._loaded = True
        self._raw = raw
        self._data = None
        if raw is None:
            # Ended, expired or never there. An id from outside is not adopted: what is stored next gets
            # one of its own.
            self._id = None

    def _decode(self) -> dict[str, Any]:
        if self._raw is None:
            return {}
        try:
            data = json.loads(self._raw)
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        _log.warning("session in the store is not a JSON object; starting a new one")
        self._take(None)
        return {}

    def _text(self, data: dict[str, Any]) -> str | None:
        return _dumps(data, "session") if data else None

    async def _retire(self, old_id: str, data: dict[str, Any]) -> str | None:
        """Remove the session under its old id and return the text for its new one."""
        was_there = await self._store.delete(_key(old_id))
        self._renewed_id = None
        self._raw = None
        if not was_there:
            # Another request ended the session while this one had it in hand. What was in it stays ended;
            # what this request has set itself is a session of its own.
            for key in [key for key in data if key not in self._set_here]:
                del data[key]
        return self._text(data)

    async def _write(self, text: str | None) -> None:
        if text is None:
            if self._id is not None:
                await self._store.delete(_key(self._id))
                self._id = None
                self._ended = True
        elif self._id is not None:
            if not await self._store.save(_key(self._id), text, self._lifetime, True):
                _log.info("session was ended by another request; the changes of this one are dropped")
                self._take(None)
                return
        else:
            new_id = secrets.token_urlsafe(32)
            await self._store.save(_key(new_id), text, self._lifetime, False)
            self._id = new_id
        self._raw = text
