"""Sessions of handlers, from the request's cookie to the response's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.session import ApplicationSessions, Session, Store
from framework.session.cookie import SessionCookie
from framework.session.sessionhandler import SessionBaseHandler
from framework.web import Application, HTTPError, RequestHandler
from framework.web.signing import create_signed_value
from tests.session.client import Client
from tests.session.remote import RemoteStore

SECRET = "a secret for tests"


class Handler(SessionBaseHandler):
    """As the application of the documents has it."""

    def prepare(self) -> None:
        super().prepare()

    def get_current_user(self) -> Any:
        return self.session.get("user", None)


class Login(Handler):
    def get(self) -> None:
        self.session.renew()
        self.session["user"] = self.get_argument("user", "ada")
        self.write("welcome")


class SavedLogin(Handler):
    async def get(self) -> None:
        self.session.renew()
        self.session["user"] = "grace"
        await self.session.save()
        self.write("welcome")


class WhoAmI(Handler):
    def get(self) -> None:
        self.write(f"{self.current_user}")


class Logout(Handler):
    def get(self) -> None:
        self.session.flush()
        self.write("bye")


class Count(Handler):
    async def get(self) -> None:
        self.session["count"] = self.session.get("count", 0) + 1
        await asyncio.sleep(0)
        self.write(str(self.session["count"]))


class Plain(Handler):
    def get(self) -> None:
        self.write("plain")


class Fail(Handler):
    def get(self) -> None:
        if self.get_argument("flush", ""):
            self.session.flush()
        else:
            self.session["user"] = "changed"
        raise HTTPError(int(self.get_argument("status")))


class NotJSON(Handler):
    def get(self) -> None:
        self.session["list"] = []
        self.session["list"].append(b"bytes")
        self.write("never seen")


class OnDemand(Handler):
    session_autoload = False

    async def get(self) -> None:
        if self.get_argument("load", ""):
            await self.session.load()
        self.write(f"{self.session.get('user')}")


class Stream(Handler):
    async def get(self) -> None:
        self.session["before"] = 1
        self.write("first")
        await self.flush()
        self.session["after"] = 2
        await self.session.save()
        self.write("second")


class Slow(Handler):
    entered: ClassVar[asyncio.Event]
    go_on: ClassVar[asyncio.Event]

    async def get(self) -> None:
        if self.get_argument("change", ""):
            self.session["page"] = "slow"
        else:
            self.session.get("user")
        self.entered.set()
        await self.go_on.wait()
        self.write("done")


class NoSession(RequestHandler):
    def get(self) -> None:
        self.write("none")


ROUTES: list[Any] = [
    ("/login", Login),
    ("/saved-login", SavedLogin),
    ("/whoami", WhoAmI),
    ("/logout", Logout),
    ("/count", Count),
    ("/plain", Plain),
    ("/fail", Fail),
    ("/notjson", NotJSON),
    ("/ondemand", OnDemand),
    ("/stream", Stream),
    ("/slow", Slow),
    ("/nosession", NoSession),
]


class Site:
    """An application that is served, and clients for it."""

    def __init__(self, **settings: Any) -> None:
        self.application = Application(ROUTES, **settings)
        self.server = HTTPServer(self.application, xheaders=True)
        (socket,) = bind_sockets(0, "127.0.0.1")
        self.port: int = socket.getsockname()[1]
        self.server.add_sockets([socket])

    def client(self) -> Client:
        return Client(self.port)

    async def close(self) -> None:
        self.server.stop()
        await self.server.close_all_connections()


@pytest_asyncio.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    """A site over each of the stores."""
    Slow.entered, Slow.go_on = asyncio.Event(), asyncio.Event()
    site = Site(session={"store": store, "lifetime": 1000}, cookie_secret=SECRET)
    yield site
    await site.close()


@pytest.fixture
def remote() -> RemoteStore:
    return RemoteStore()


@pytest_asyncio.fixture
async def remote_site(remote: RemoteStore) -> AsyncIterator[Site]:
    """A site over a store that can be down."""
    Slow.entered, Slow.go_on = asyncio.Event(), asyncio.Event()
    site = Site(session={"store": remote, "lifetime": 1000}, cookie_secret=SECRET)
    yield site
    await site.close()


def aged(client: Client, seconds: float) -> None:
    """Make the client's cookie older."""
    session_id, _ = SessionCookie("sid", 10**9, SECRET).read(client.jar["sid"])
    assert session_id is not None
    clock = time.time() - seconds
    client.jar["sid"] = create_signed_value(SECRET, "sid", session_id, clock=lambda: clock).decode()


async def test_login_remember_logout(site: Site) -> None:
    client = site.client()
    assert (await client.get("/whoami")).body == "None"
    assert (await client.get("/login")).body == "welcome"
    assert (await client.get("/whoami")).body == "ada"
    old = dict(client.jar)
    assert (await client.get("/logout")).body == "bye"
    assert client.jar == {}
    assert (await client.get("/whoami")).body == "None"
    client.jar = old
    assert (await client.get("/whoami")).body == "None"


async def test_a_session_that_the_handler_has_saved_itself_gets_its_cookie(site: Site) -> None:
    client = site.client()
    await client.get("/saved-login")
    assert (await client.get("/whoami")).body == "grace"


async def test_changes_of_an_async_handler_are_there_in_the_next_request(site: Site) -> None:
    client = site.client()
    assert [(await client.get("/count")).body for _ in range(3)] == ["1", "2", "3"]
    assert (await site.client().get("/count")).body == "1"


async def test_no_cookie_before_something_is_stored(remote_site: Site, remote: RemoteStore) -> None:
    answer = await remote_site.client().get("/whoami")
    assert answer.cookies == {} and remote.calls == []


async def test_the_cookie_is_signed_and_safe(remote_site: Site) -> None:
    answer = await remote_site.client().get("/login")
    cookie = answer.cookies["sid"]
    assert cookie.value.startswith("2|1:0|10:")
    assert cookie["httponly"] is True and cookie["path"] == "/"
    assert cookie["samesite"] == "Lax" and cookie["max-age"] == "1000"
    assert not cookie["secure"]


async def test_the_cookie_is_secure_behind_https(remote_site: Site) -> None:
    answer = await remote_site.client().get("/login", X_Scheme="https")
    assert answer.cookies["sid"]["secure"] is True


async def test_the_cookie_is_sent_once(remote_site: Site) -> None:
    client = remote_site.client()
    assert "sid" in (await client.get("/count")).cookies
    assert (await client.get("/count")).cookies == {}


async def test_login_gives_a_new_id(remote_site: Site) -> None:
    client = remote_site.client()
    await client.get("/count")
    planted = dict(client.jar)
    await client.get("/login")
    assert client.jar != planted
    attacker = remote_site.client()
    attacker.jar = planted
    assert (await attacker.get("/whoami")).body == "None"
    assert (await client.get("/count")).body == "2"


async def test_a_made_up_cookie_is_ignored(remote_site: Site, remote: RemoteStore) -> None:
    client = remote_site.client()
    client.jar["sid"] = create_signed_value("another secret", "sid", "an-id").decode()
    assert (await client.get("/whoami")).body == "None"
    assert remote.calls == []


async def test_an_unknown_id_with_a_good_signature_is_not_adopted(remote_site: Site) -> None:
    client = remote_site.client()
    client.jar["sid"] = sent = create_signed_value(SECRET, "sid", "an-id").decode()
    assert (await client.get("/whoami")).cookies == {}
    await client.get("/login")
    assert client.jar["sid"] != sent and b"an-id" not in client.jar["sid"].encode()


async def test_an_old_cookie_is_sent_again(site: Site) -> None:
    client = site.client()
    await client.get("/login")
    aged(client, 50)
    assert (await client.get("/whoami")).cookies == {}
    aged(client, 150)
    answer = await client.get("/whoami")
    assert answer.body == "ada" and answer.cookies["sid"]["max-age"] == "1000"
    assert (await client.get("/whoami")).cookies == {}


async def test_an_old_cookie_is_sent_again_by_a_handler_that_ignores_the_session(
    remote_site: Site, remote: RemoteStore
) -> None:
    client = remote_site.client()
    await client.get("/login")
    aged(client, 150)
    assert "sid" in (await client.get("/plain")).cookies


async def test_a_cookie_past_its_lifetime_is_nothing(site: Site) -> None:
    client = site.client()
    await client.get("/login")
    aged(client, 1010)
    assert (await client.get("/whoami")).body == "None"


async def test_responses_that_depend_on_the_session_say_so(site: Site) -> None:
    client = site.client()
    assert (await client.get("/whoami")).field("Vary") == "Cookie"
    assert (await client.get("/plain")).field("Vary") is None


async def test_an_unchanged_session_is_read_once_and_not_written(
    remote_site: Site, remote: RemoteStore
) -> None:
    client = remote_site.client()
    await client.get("/login")
    remote.calls.clear()
    await client.get("/whoami")
    assert remote.calls == ["load"]


async def test_the_response_waits_until_the_session_is_stored(remote_site: Site, remote: RemoteStore) -> None:
    entered, stored = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        entered.set()
        await stored.wait()

    remote.pause = pause
    client = remote_site.client()
    request = asyncio.create_task(client.get("/login"))
    await entered.wait()
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not request.done()
    stored.set()
    assert (await request).body == "welcome"


@pytest.mark.parametrize(("status", "user"), [(400, "changed"), (404, "changed"), (500, "ada"), (503, "ada")])
async def test_a_failure_of_the_server_drops_changes(site: Site, status: int, user: str) -> None:
    client = site.client()
    await client.get("/login")
    assert (await client.get(f"/fail?status={status}")).status == status
    assert (await client.get("/whoami")).body == user


async def test_a_failure_of_the_server_keeps_a_flush(site: Site) -> None:
    client = site.client()
    await client.get("/login")
    answer = await client.get("/fail?status=500&flush=1")
    assert answer.status == 500 and answer.cookies["sid"].value == ""
    assert (await client.get("/whoami")).body == "None"


async def test_a_value_that_is_no_json_is_an_error_of_the_handler(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await site.client().get("/notjson")
    assert answer.status == 500 and "never seen" not in answer.body and answer.cookies == {}
    assert "A session holds JSON values only" in caplog.text


async def test_a_session_is_loaded_on_demand_only(remote_site: Site, remote: RemoteStore) -> None:
    client = remote_site.client()
    await client.get("/login")
    remote.calls.clear()
    assert (await client.get("/ondemand?load=1")).body == "ada"
    assert remote.calls == ["load"]


async def test_a_session_that_is_not_loaded_says_how(
    remote_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    client = remote_site.client()
    await client.get("/login")
    assert (await client.get("/ondemand")).status == 500
    assert "`await self.session.load()` first" in caplog.text


async def test_a_handler_that_streams_can_still_save(site: Site) -> None:
    client = site.client()
    answer = await client.get("/stream")
    assert "first" in answer.body and "second" in answer.body
    assert "sid" in answer.cookies
    session = Session(*_parts(site, client))
    await session.load()
    assert dict(session) == {"before": 1, "after": 2}


def _parts(site: Site, client: Client) -> tuple[Store, int, str | None]:
    sessions = ApplicationSessions.of(site.application)
    return sessions.store, sessions.lifetime, sessions.cookie.read(client.jar["sid"])[0]


async def test_a_slow_request_does_not_bring_a_session_back(site: Site) -> None:
    client = site.client()
    await client.get("/login")
    other = site.client()
    other.jar = dict(client.jar)
    slow = asyncio.create_task(other.get("/slow?change=1"))
    await Slow.entered.wait()
    await client.get("/logout")
    Slow.go_on.set()
    assert (await slow).cookies == {}
    assert (await other.get("/whoami")).body == "None"


async def test_a_slow_request_with_an_old_cookie_does_not_bring_it_back(site: Site) -> None:
    client = site.client()
    await client.get("/login")
    aged(client, 150)
    other = site.client()
    other.jar = dict(client.jar)
    slow = asyncio.create_task(other.get("/slow"))
    await Slow.entered.wait()
    await client.get("/login")
    Slow.go_on.set()
    assert (await slow).cookies == {}


async def test_an_outage_is_a_503_that_says_when_to_come_back(
    remote_site: Site, remote: RemoteStore, caplog: pytest.LogCaptureFixture
) -> None:
    client = remote_site.client()
    await client.get("/login")
    remote.down = True
    caplog.clear()
    answer = await client.get("/whoami")
    assert answer.status == 503 and answer.field("Retry-After") == "2"
    assert "session store remote is unavailable: it is down" in caplog.text
    # One line, no traceback: the store's fault, not the handler's.
    assert "Traceback" not in caplog.text
    assert all(record.levelno <= logging.WARNING or record.exc_info is None for record in caplog.records)
    assert "sid" in client.jar
    remote.down = False
    assert (await client.get("/whoami")).body == "ada"


async def test_an_outage_while_storing_is_a_503_without_a_cookie(
    remote_site: Site, remote: RemoteStore
) -> None:
    remote.down = True
    answer = await remote_site.client().get("/login")
    assert answer.status == 503 and answer.field("Retry-After") == "2"
    assert answer.cookies == {} and "welcome" not in answer.body


async def test_an_outage_does_not_matter_to_who_needs_no_session(
    remote_site: Site, remote: RemoteStore
) -> None:
    client = remote_site.client()
    await client.get("/login")
    for age in (0, 150):
        aged(client, age)
        remote.down = True
        assert (await client.get("/plain")).body == "plain"
        assert (await client.get("/nosession")).body == "none"
        assert (await remote_site.client().get("/whoami")).body == "None"
        remote.down = False


async def test_a_flush_that_could_not_be_stored_is_a_503(remote_site: Site, remote: RemoteStore) -> None:
    client = remote_site.client()
    await client.get("/login")
    remote.down = True
    assert (await client.get("/logout")).status == 503
    assert "sid" in client.jar


async def test_settings_in_the_form_of_torndsession() -> None:
    site = Site(
        session={
            "driver": "memory",
            "driver_settings": {"host": "anything"},
            "sid_name": "msid",
            "session_lifetime": 1800,
            "cookie_config": {"expires_days": None, "samesite": "Strict"},
            "force_persistence": True,
        },
        cookie_secret=SECRET,
    )
    client = site.client()
    answer = await client.get("/login")
    cookie = answer.cookies["msid"]
    assert cookie["max-age"] == "" and cookie["expires"] == "" and cookie["samesite"] == "Strict"
    assert (await client.get("/whoami")).body == "ada"
    await site.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"session": {}}, "sessions need a secret"), ({"cookie_secret": SECRET}, "no usable session= setting")],
)
async def test_missing_settings_are_told_at_first_use(
    settings: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(**settings)
    client = site.client()
    client.jar["sid"] = "something"
    assert (await client.get("/plain")).body == "plain"
    assert (await client.get("/whoami")).status == 500
    assert message in caplog.text
    await site.close()
