"""Sessions: what the server remembers of a visitor from one request to the next.

::

    class Home(SessionBaseHandler):
        def get(self):
            self.session["visits"] = self.session.get("visits", 0) + 1
            self.write(f"visit number {self.session['visits']}")

    redis = dict(driver="redis", driver_settings=dict(host="localhost"))
    Application([("/", Home)], cookie_secret=..., session=redis)

The client gets a cookie with nothing but a random id, signed; the values are in a store, as JSON.
"""

from framework.session.errors import (
    SessionConfigError,
    SessionError,
    SessionHeadersSent,
    SessionNotLoaded,
    SessionStoreUnavailable,
)
from framework.session.session import Session
from framework.session.sessionhandler import SessionBaseHandler
from framework.session.settings import ApplicationSessions, SessionSettings
from framework.session.stores import MemoryStore, SQLiteStore, Store

__all__ = [
    "ApplicationSessions",
    "MemoryStore",
    "SQLiteStore",
    "Session",
    "SessionBaseHandler",
    "SessionConfigError",
    "SessionError",
    "SessionHeadersSent",
    "SessionNotLoaded",
    "SessionSettings",
    "SessionStoreUnavailable",
    "Store",
]
