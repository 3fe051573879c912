"""Signing in with a provider: the accounts that come of it, and those that must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio

from demo_app.errors import ErrorCode
from demo_app.stores.base import Identity
from tests.auth.conftest import Serve
from tests.auth.conftest import serve as serve_routes
from tests.auth.oidc_provider import CLIENT, SECRET, Provider
from tests.demo_app.client import Client, Response
from tests.demo_app.conftest import Running

__all__ = ["serve_routes"]

ADA = {
    "sub": "a1",
    "email": "Ada@Example.org",
    "email_verified": True,
    "preferred_username": "ada",
}
PASSWORD = "correct horse battery"


@pytest.fixture
def provider(serve_routes: Serve) -> Provider:
    provider = Provider(serve_routes)
    be(provider)
    return provider


@pytest_asyncio.fixture
async def demo(serve: Callable[..., Running], provider: Provider) -> Running:
    return serve(
        OIDC_ISSUER=provider.issuer,
        OIDC_CLIENT_ID=CLIENT,
        OIDC_CLIENT_SECRET=SECRET,
        OIDC_REDIRECT_URI="http://localhost/sign-in/back",
        OIDC_NAME="Example",
    )


def be(provider: Provider, **claims: Any) -> None:
    """Say who the provider's user is."""
    provider.userinfo = ADA | claims
    provider.claims = {"sub": provider.userinfo["sub"]}


async def come_back(client: Client, provider: Provider, location: str) -> Response:
    return await client.get("/sign-in/back?" + urlencode(provider.authorize(location)))


async def sign_in(client: Client, provider: Provider, query: str = "") -> Response:
    response = await client.get(f"/sign-in{query}")
    assert response.status == 302, response.body
    return await come_back(client, provider, response.headers["Location"])


async def register(client: Client, name: str = "ada", email: str = "ada@example.org") -> None:
    fields = {"username": name, "email": email, "password": PASSWORD}
    assert (await client.post("/register", **fields)).status == 201


async def log_in(client: Client, name: str = "ada") -> None:
    assert (await client.post("/login", username=name, password=PASSWORD)).status == 200


async def kinds(demo: Running) -> list[str]:
    return [event.kind for event in demo.redis.stream.values()]


async def test_without_a_provider_there_is_no_sign_in(running: Running) -> None:
    client = running.client()
    for path in ("/sign-in", "/sign-in/back"):
        assert (await client.get(path)).code == ErrorCode.NOT_FOUND
    assert (await client.post("/account/connect", old_password="x")).code == ErrorCode.NOT_FOUND
    assert b"sign-in" not in (await client.get("/")).body


async def test_the_page_says_whom_to_sign_in_with(demo: Running) -> None:
    body = (await demo.client().get("/")).body
    assert b'<a href="/sign-in?next=/account/info">Sign in with Example</a>' in body


async def test_a_first_sign_in_makes_an_account_and_a_session(demo: Running, provider: Provider) -> None:
    client = demo.client()
    response = await sign_in(client, provider, "?next=/account/info")
    assert (response.status, response.headers["Location"]) == (303, "/account/info")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    answer = await client.get("/account/info")
    assert answer.json["user"]["username"] == "ada"
    assert answer.json["user"]["email"] == "Ada@Example.org"
    assert [event["kind"] for event in answer.json["events"]] == ["logged_in", "registered"]
    (account,) = demo.mongo.accounts.values()
    assert demo.mongo.identities == {Identity(provider.issuer, "a1"): account.id}


async def test_a_later_sign_in_opens_the_same_account(demo: Running, provider: Provider) -> None:
    await sign_in(demo.client(), provider)
    # Name and address may have changed, also to somebody else's: the subject is who it is.
    be(provider, preferred_username="countess", email="new@example.org", email_verified=False)
    client = demo.client()
    assert (await sign_in(client, provider)).status == 303
    assert (await client.get("/isLogined")).json["username"] == "ada"
    assert len(demo.mongo.accounts) == 1
    assert await kinds(demo) == ["registered", "logged_in", "logged_in"]


async def test_a_session_of_a_sign_in_is_like_any_other(demo: Running, provider: Provider) -> None:
    client = demo.client()
    begun = await client.get("/sign-in")
    before = client.cookies["sid"]
    await come_back(client, provider, begun.headers["Location"])
    # Under a new id: who planted the old one has nothing.
    assert client.cookies["sid"] != before
    planted = Client(demo.port, {"sid": before})
    assert (await planted.get("/isLogined")).json["logined"] is False
    assert (await client.post("/logout")).status == 200
    assert (await client.get("/isLogined")).json["logined"] is False
    assert (await kinds(demo))[-1] == "logged_out"


async def test_no_password_opens_an_account_without_one(demo: Running, provider: Provider) -> None:
    client = demo.client()
    await sign_in(client, provider)
    for password in (PASSWORD, "\0", " "):
        response = await demo.client().post("/login", username="ada", password=password)
        assert response.code == ErrorCode.WRONG_CREDENTIALS
        edit = await client.post("/account/edit", old_password=password, password=PASSWORD)
        assert edit.code == ErrorCode.WRONG_PASSWORD


@pytest.mark.parametrize("verified", [True, False])
async def test_an_address_opens_nobodys_account(demo: Running, provider: Provider, verified: bool) -> None:
    await register(demo.client())
    be(provider, email_verified=verified)
    client = demo.client()
    response = await sign_in(client, provider)
    assert response.code == (ErrorCode.CONNECT_FIRST if verified else ErrorCode.EMAIL_NOT_VERIFIED)
    assert (await client.get("/isLogined")).json["logined"] is False
    assert len(demo.mongo.accounts) == 1
    assert not demo.mongo.identities


@pytest.mark.parametrize(
    "claims",
    [
        {"email": None},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": "no address"},
        {"email": "half\ud800@example.org"},
        {"email": ["ada@example.org"]},
    ],
)
async def test_a_new_account_needs_a_verified_address(
    demo: Running, provider: Provider, claims: dict[str, Any]
) -> None:
    be(provider, **claims)
    assert (await sign_in(demo.client(), provider)).code == ErrorCode.EMAIL_NOT_VERIFIED
    assert not demo.mongo.accounts


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "Ada Lovelace"}, "Ada-Lovelace"),
        ({"preferred_username": "ada@corp.example"}, "ada"),
        ({"preferred_username": "<b>"}, "Ada"),
        ({"preferred_username": 5, "nickname": "countess"}, "countess"),
        ({"preferred_username": "ada" * 100}, ("ada" * 100)[:55]),
        ({"preferred_username": "ﾊﾝﾅ子"}, "ハンナ子"),
    ],
)
async def test_a_user_name_is_made_of_what_the_provider_says(
    demo: Running, provider: Provider, claims: dict[str, Any], name: str
) -> None:
    be(provider, **claims)
    client = demo.client()
    assert (await sign_in(client, provider)).status == 303
    assert (await client.get("/isLogined")).json["username"] == name


async def test_a_name_that_is_taken_gets_a_tail(demo: Running, provider: Provider) -> None:
    await register(demo.client(), email="other@example.org")
    client = demo.client()
    assert (await sign_in(client, provider)).status == 303
    name = (await client.get("/isLogined")).json["username"]
    assert name.startswith("ada-")
    assert len(name) == 12


async def test_a_person_without_a_usable_name(demo: Running, provider: Provider) -> None:
    be(provider, preferred_username=None, email="a@example.org")
    client = demo.client()
    await sign_in(client, provider)
    assert (await client.get("/isLogined")).json["username"].startswith("user-")


async def test_when_every_name_is_taken_there_is_no_account(
    demo: Running, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_app.services.sign_in.secrets.token_hex", lambda size: "tail")
    await register(demo.client(), "ada", "one@example.org")
    await register(demo.client(), "ada-tail", "two@example.org")
    assert (await sign_in(demo.client(), provider)).code == ErrorCode.USERNAME_TAKEN
    assert not demo.mongo.identities


async def test_two_first_sign_ins_at_once_make_one_account(
    demo: Running, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(demo.client(), provider)
    find, asked = demo.mongo.by_identity, []

    async def late(identity: Identity) -> Any:
        asked.append(identity)
        return None if len(asked) == 1 else await find(identity)

    monkeypatch.setattr(demo.mongo, "by_identity", late)
    client = demo.client()
    assert (await sign_in(client, provider)).status == 303
    assert (await client.get("/isLogined")).json["username"] == "ada"
    assert len(demo.mongo.accounts) == 1


# --- Connecting ---


async def connect(client: Client, provider: Provider, password: str = PASSWORD) -> Response:
    response = await client.post("/account/connect", old_password=password)
    if response.status != 200:
        return response
    location = response.json["location"]
    assert urlsplit(location).path == "/authorize"
    return await come_back(client, provider, location)


async def test_an_account_is_connected_with_its_password(demo: Running, provider: Provider) -> None:
    client = demo.client()
    await register(client)
    await log_in(client)
    response = await connect(client, provider)
    assert (response.status, response.headers["Location"]) == (303, "/account/info")
    assert (await client.get("/account/info")).json["events"][0]["kind"] == "connected"
    other = demo.client()
    assert (await sign_in(other, provider)).status == 303
    assert (await other.get("/isLogined")).json["username"] == "ada"
    # The password is as good as before.
    await log_in(demo.client())
    assert len(demo.mongo.accounts) == 1


async def test_connecting_needs_a_session_and_the_password(demo: Running, provider: Provider) -> None:
    client = demo.client()
    assert (await connect(client, provider)).code == ErrorCode.NOT_LOGGED_IN
    await register(client)
    await log_in(client)
    assert (await connect(client, provider, "wrong password")).code == ErrorCode.WRONG_PASSWORD
    assert (await connect(client, provider, "")).code == ErrorCode.INVALID_FIELDS
    refused = await client.post("/account/connect", {"Sec-Fetch-Site": "cross-site"}, old_password=PASSWORD)
    assert refused.code == ErrorCode.CROSS_SITE
    assert not demo.mongo.identities


async def test_an_identity_of_another_account_is_not_connected(demo: Running, provider: Provider) -> None:
    await sign_in(demo.client(), provider)
    client = demo.client()
    await register(client, "bob", "bob@example.org")
    await log_in(client, "bob")
    assert (await connect(client, provider)).code == ErrorCode.IDENTITY_TAKEN


async def test_what_one_account_began_another_does_not_finish(demo: Running, provider: Provider) -> None:
    client = demo.client()
    for name in ("ada", "bob"):
        await register(client, name, f"{name}@example.org")
    await log_in(client)
    location = (await client.post("/account/connect", old_password=PASSWORD)).json["location"]
    await log_in(client, "bob")
    assert (await come_back(client, provider, location)).code == ErrorCode.SIGN_IN_FAILED
    assert not demo.mongo.identities


async def test_who_has_logged_out_meanwhile_connects_nothing(demo: Running, provider: Provider) -> None:
    client = demo.client()
    await register(client)
    await log_in(client)
    location = (await client.post("/account/connect", old_password=PASSWORD)).json["location"]
    (account,) = demo.mongo.accounts
    # Another device has a new password, which ends this session.
    await demo.redis.end_sessions(account, 1e12, 60)
    assert (await come_back(client, provider, location)).code == ErrorCode.SIGN_IN_FAILED
    assert not demo.mongo.identities


async def test_an_account_that_is_gone_is_not_connected(demo: Running, provider: Provider) -> None:
    client = demo.client()
    await register(client)
    await log_in(client)
    location = (await client.post("/account/connect", old_password=PASSWORD)).json["location"]
    demo.mongo.accounts.clear()
    assert (await come_back(client, provider, location)).code == ErrorCode.NOT_LOGGED_IN


# --- What goes wrong ---


async def test_a_state_of_another_browser_opens_nothing(demo: Running, provider: Provider) -> None:
    location = (await demo.client().get("/sign-in")).headers["Location"]
    client = demo.client()
    response = await come_back(client, provider, location)
    assert (response.status, response.code) == (400, ErrorCode.SIGN_IN_FAILED)
    assert not client.cookies
    assert await kinds(demo) == ["login_failed"]


async def test_a_state_is_good_once(demo: Running, provider: Provider) -> None:
    client = demo.client()
    location = (await client.get("/sign-in")).headers["Location"]
    back = "/sign-in/back?" + urlencode(provider.authorize(location))
    assert (await client.get(back)).status == 303
    assert (await client.get(back)).code == ErrorCode.SIGN_IN_FAILED


async def test_a_refusal_of_the_provider(demo: Running, provider: Provider) -> None:
    client = demo.client()
    location = (await client.get("/sign-in")).headers["Location"]
    state = provider.authorize(location)["state"]
    answer = {"state": state, "error": "access_denied", "error_description": "<script>"}
    response = await client.get("/sign-in/back?" + urlencode(answer))
    assert (response.status, response.code) == (403, ErrorCode.SIGN_IN_REFUSED)
    assert b"script" not in response.body


async def test_a_provider_that_is_away(demo: Running, provider: Provider) -> None:
    provider.instead["/.well-known/openid-configuration"] = 500, {}
    response = await demo.client().get("/sign-in")
    assert (response.status, response.code) == (503, ErrorCode.PROVIDER_AWAY)
    assert response.headers["Retry-After"] == "2"
    assert not demo.redis.stream
    provider.instead.clear()
    client = demo.client()
    location = (await client.get("/sign-in")).headers["Location"]
    provider.instead["/token"] = 500, "oops"
    assert (await come_back(client, provider, location)).code == ErrorCode.PROVIDER_AWAY


async def test_nothing_is_connected_while_the_provider_is_away(demo: Running, provider: Provider) -> None:
    client = demo.client()
    await register(client)
    await log_in(client)
    provider.instead["/.well-known/openid-configuration"] = 500, {}
    assert (await connect(client, provider)).code == ErrorCode.PROVIDER_AWAY


@pytest.mark.parametrize("next", ["https://evil.example", "//evil.example", "/%5Cevil.example"])
async def test_nobody_is_sent_to_another_site(demo: Running, next: str) -> None:
    response = await demo.client().get(f"/sign-in?next={next}")
    assert (response.status, response.code) == (400, ErrorCode.BAD_REQUEST)


async def test_tries_are_limited(serve: Callable[..., Running], provider: Provider) -> None:
    demo = serve(
        OIDC_ISSUER=provider.issuer,
        OIDC_CLIENT_ID=CLIENT,
        OIDC_CLIENT_SECRET=SECRET,
        OIDC_REDIRECT_URI="http://localhost/sign-in/back",
        LIMIT_LOGIN_PER_ADDRESS="2",
    )
    assert (await sign_in(demo.client(), provider)).status == 303
    assert (await demo.client().get("/sign-in")).code == ErrorCode.TOO_MANY_TRIES
    assert (await demo.client().get("/sign-in/back?state=x")).code == ErrorCode.TOO_MANY_TRIES


async def test_without_redis_there_is_no_sign_in_for_the_moment(demo: Running, provider: Provider) -> None:
    demo.redis.down = True
    assert (await demo.client().get("/sign-in")).code == ErrorCode.UNAVAILABLE
