"""Sign-ins under way: what has to be known again when the browser comes back from the provider.

Each is good once, for ten minutes, in the browser that began it. Where the application has sessions, it lies in
their store, and the session knows its state; otherwise it lies in a signed cookie.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from framework.auth.errors import AuthError
from framework.auth.oidc.provider import OpenIDProvider
from framework.session import ApplicationSessions, SessionBaseHandler
from framework.web import RequestHandler

__all__ = ["Pending", "put", "take"]

#: Seconds for a sign-in at the provider.
LIFETIME = 600

#: Sign-ins of one browser at the same time; when there are more, the oldest is given up.
AT_ONCE = 5

_SESSION_KEY = "openid_connect"
_COOKIE_PREFIX = "oidc-"


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in under way.

    Args:
        state: what it is called.
        nonce: what the ID token has to bear.
        verifier: the secret of PKCE.
        issuer, client_id: whom it was begun with.
        redirect_uri: where the browser comes back to.
        next: where to go in the end.
        max_age: the age that was asked for, in seconds.
        data: JSON value of the application's.
        began: when (epoch seconds).
    """

    state: str
    nonce: str
    verifier: str
    issuer: str
    client_id: str
    redirect_uri: str
    next: str
    max_age: int | None
    data: Any
    began: float


async def put(handler: RequestHandler, pending: Pending) -> None:
    """Keep a sign-in for the browser that this request is from.

    Raises:
        SessionStoreUnavailable: the store does not answer.
        TypeError: the application's data are no JSON.
    """
    text = json.dumps(asdict(pending), separators=(",", ":"), allow_nan=False)
    if isinstance(handler, SessionBaseHandler) and handler.settings.get("session") is not None:
        await _put_in_session(handler, pending.state, text)
    else:
        _put_in_cookie(handler, pending.state, text)


async def take(handler: RequestHandler, provider: OpenIDProvider, state: str) -> Pending:
    """Take the sign-in with this state; nobody gets it a second time.

    Raises:
        AuthError: this browser has begun no such sign-in, or it is over.
        SessionStoreUnavailable: the store does not answer.
    """
    if isinstance(handler, SessionBaseHandler) and handler.settings.get("session") is not None:
        text = await _take_from_session(handler, state)
    else:
        text = _take_from_cookie(handler, provider, state)
    if text is not None:
        pending = Pending(**json.loads(text))
        # Not from when on: another host may have begun it, whose clock is ahead.
        if pending.state == state and time.time() - pending.began < LIFETIME:
            return pending
    raise AuthError("this browser has begun no such sign-in, or it is over: begin again (state)")


# In the session's store: under a key of its own, because taking it away has to succeed exactly once, also when two
# requests have the same session in hand.


def _key(state: str) -> str:
    return hashlib.sha256(f"openid-connect:{state}".encode()).hexdigest()


async def _put_in_session(handler: SessionBaseHandler, state: str, text: str) -> None:
    session, store = handler.session, ApplicationSessions.of(handler.application).store
    await session.load()
    states = [*session.get(_SESSION_KEY, []), state]
    for old in states[:-AT_ONCE]:
        await store.delete(_key(old))
    await store.save(_key(state), text, LIFETIME, False)
    session[_SESSION_KEY] = states[-AT_ONCE:]


async def _take_from_session(handler: SessionBaseHandler, state: str) -> str | None:
    session, store = handler.session, ApplicationSessions.of(handler.application).store
    await session.load()
    states = session.get(_SESSION_KEY, [])
    if state not in states:
        return None
    states = [other for other in states if other != state]
    if states:
        session[_SESSION_KEY] = states
    else:
        del session[_SESSION_KEY]
    text = await store.load(_key(state), LIFETIME)
    return text if await store.delete(_key(state)) else None


# In a cookie, which the browser can read: it is about nobody but its user. That it is used once is what this process
# remembers, and the provider for the code.


def _cookie(state: str) -> str:
    return _COOKIE_PREFIX + hashlib.sha256(state.encode()).hexdigest()[:16]


def _put_in_cookie(handler: RequestHandler, state: str, text: str) -> None:
    others = [name for name in handler.cookies if name.startswith(_COOKIE_PREFIX)]
    # Many would make every request's header too long.
    for name in others if len(others) >= AT_ONCE else ():
        handler.clear_cookie(name, path="/")
    handler.set_signed_cookie(
        _cookie(state),
        text,
        expires_days=None,
        max_age=LIFETIME,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=handler.request.protocol == "https",
    )


def _take_from_cookie(handler: RequestHandler, provider: OpenIDProvider, state: str) -> str | None:
    name = _cookie(state)
    text = handler.get_signed_cookie(name, max_age_days=LIFETIME / 86400, min_version=2)
    if text is None:
        return None
    handler.clear_cookie(name, path="/")
    return text.decode() if provider.use_once(state, LIFETIME) else None
