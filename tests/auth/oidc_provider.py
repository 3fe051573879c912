"""An OpenID Connect provider that a test bends as it likes, and an application that signs people in with it."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from framework.auth.oidc import OpenIDConnectMixin, OpenIDProvider
from framework.escape import json_decode
from framework.session import MemoryStore, SessionBaseHandler, Store
from framework.web import RequestHandler
from tests.auth.browser import Browser, SignIn, query_of
from tests.auth.conftest import Serve

__all__ = ["CLIENT", "SECRET", "Key", "Provider", "Site", "half_hash", "rsa_key", "site"]

CLIENT = "a client"
SECRET = "a secret/with+signs:"
COOKIE_SECRET = "a secret of this test"


class Key:
    """A key pair with its id."""

    def __init__(self, kid: str | None, algorithm: str, private: Any) -> None:
        self.kid, self.algorithm, self.private = kid, algorithm, private

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half as a JWK."""
        make = jwt.algorithms.get_default_algorithms()[self.algorithm]
        found: dict[str, Any] = make.to_jwk(self.private.public_key(), as_dict=True)
        found.pop("key_ops", None)
        return found | {"use": "sig", "alg": self.algorithm} | ({"kid": self.kid} if self.kid else {})


@functools.cache
def rsa_key(kid: str | None = "rsa", bits: int = 2048) -> Key:
    """An RSA key."""
    return Key(kid, "RS256", rsa.generate_private_key(65537, bits))


@functools.cache
def other_key(algorithm: str) -> Key:
    """A key for one of the other algorithms."""
    if algorithm == "EdDSA":
        return Key("ed", algorithm, ed25519.Ed25519PrivateKey.generate())
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm in curves:
        return Key(algorithm, algorithm, ec.generate_private_key(curves[algorithm]))
    return Key(algorithm, algorithm, rsa_key().private)


def half_hash(text: str, digest: Any = hashlib.sha256) -> str:
    """What `at_hash` is of an access token."""
    found = digest(text.encode()).digest()
    return base64.urlsafe_b64encode(found[: len(found) // 2]).rstrip(b"=").decode()


class Provider:
    """The provider. What it serves are its public attributes; a test changes them."""

    def __init__(self, serve: Serve) -> None:
        self.asked: Counter[str] = Counter()
        self.forms: list[dict[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        # path to (status, body), in place of what is below; a body that is callable gets the handler.
        self.instead: dict[str, tuple[int, Any]] = {}
        self.keys: list[Key] = [rsa_key()]
        self.signer: Key = rsa_key()
        self.algorithm: str | None = None
        self.token_headers: dict[str, Any] = {}
        # Changes to the claims; a value of None takes the claim away.
        self.claims: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.info: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {"sub": "alice", "email": "alice@example.org", "email_verified": True}
        self.id_token: Callable[[str], str | None] = lambda token: token
        self.nonces: dict[str, str] = {}
        self.verifiers: dict[str, str] = {}
        self.gate: asyncio.Event | None = None
        self.reached = asyncio.Event()
        provider = self

        class Endpoint(RequestHandler):
            async def get(self) -> None:
                await provider.respond(self)

            post = get

        self.issuer = serve((r"/.*", Endpoint))

    @property
    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end?x=1",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": [
                *("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "HS256", "none"),
            ],
        } | self.info
        return {name: value for name, value in document.items() if value is not None}

    async def respond(self, handler: RequestHandler) -> None:
        """Answer a request."""
        path = handler.request.path
        self.asked[path] += 1
        self.reached.set()
        self.headers.append(handler.request.headers)
        if self.gate is not None:
            await self.gate.wait()
        status, body = self.instead.get(path, (200, None))
        if callable(body):
            body(handler)
            return
        handler.set_status(status)
        if body is None:
            routes: dict[str, Callable[[RequestHandler], dict[str, Any]]] = {
                "/.well-known/openid-configuration": lambda _: self.metadata,
                "/keys": lambda _: {"keys": [key.jwk for key in self.keys]},
                "/token": self.token,
                "/userinfo": lambda _: self.userinfo,
            }
            body = routes[path](handler)
        handler.set_header("Content-Type", "application/json")
        handler.finish(body if isinstance(body, str | bytes) else json.dumps(body))

    def token(self, handler: RequestHandler) -> dict[str, Any]:
        """What is given for a code or a refresh token."""
        form = {name: handler.get_body_argument(name) for name in handler.request.body_arguments}
        self.forms.append(form)
        code = form.get("code", "")
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.verifiers.pop(code)
        answer = {
            "access_token": "an access token",
            "token_type": "Bearer",
            "expires_in": 600,
            "refresh_token": "a refresh token",
            "id_token": self.id_token(self.sign(self.nonces.pop(code, None))),
        } | self.answer
        return {name: value for name, value in answer.items() if value is not None}

    def sign(self, nonce: str | None) -> str:
        """Make an ID token."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
        } | self.claims
        headers = ({"kid": self.signer.kid} if self.signer.kid else {}) | self.token_headers
        # Whatever they are: jwt.encode() would look at some.
        return jwt.PyJWS().encode(
            json.dumps({name: value for name, value in claims.items() if value is not None}).encode(),
            self.signer.private,
            self.algorithm or self.signer.algorithm,
            headers=headers,
        )

    def authorize(self, url: str) -> dict[str, str]:
        """Sign the user in, and return the fields of the answer."""
        asked = query_of(url)
        code = f"code {len(self.nonces)}-{asked['state']}"
        self.nonces[code] = asked["nonce"]
        self.verifiers[code] = asked["code_challenge"]
        return {"code": code, "state": asked["state"], "iss": self.issuer}


class Site:
    """The application, and a browser at it."""

    def __init__(self, url: str, provider: Provider, browser: Browser) -> None:
        self.url, self.provider, self.browser = url, provider, browser

    async def begin(self, browser: Browser | None = None, query: str = "") -> dict[str, str]:
        """Go to the provider, sign in there, and return the fields of the answer."""
        response = await (browser or self.browser).get(f"{self.url}/sign-in{query}")
        assert response.code == 302, response.body
        return self.provider.authorize(response.headers["Location"])

    async def finish(self, fields: Mapping[str, str], browser: Browser | None = None) -> Any:
        """Come back; the result, or the error's type and message."""
        url = f"{self.url}/back?{'&'.join(f'{n}={jwt_quote(v)}' for n, v in fields.items())}"
        return json_decode((await (browser or self.browser).get(url)).body)

    async def sign_in(self) -> Any:
        """Both."""
        return await self.finish(await self.begin())


def jwt_quote(text: str) -> str:
    """Text for a query."""
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)


def site(
    serve: Serve,
    provider: Provider,
    browser: Browser,
    session: bool = True,
    store: Store | None = None,
    **arguments: Any,
) -> tuple[Site, OpenIDProvider]:
    """Serve an application with sessions (in memory, or where the test says), or without."""
    arguments = {"client_secret": SECRET} | arguments
    known = OpenIDProvider(provider.issuer, CLIENT, **arguments)
    base: type[RequestHandler] = SessionBaseHandler if session else RequestHandler

    class Begin(OpenIDConnectMixin, SignIn, base):  # type: ignore[misc,valid-type]
        async def work(self) -> Any:
            max_age = self.get_argument("max_age", None)
            await self.authorize_redirect(
                "http://site.example/back",
                next=self.get_argument("next", "/home"),
                data={"for": "tests"},
                max_age=int(max_age) if max_age else None,
                extra_params={"prompt": "login"},
            )

    class Back(OpenIDConnectMixin, SignIn, base):  # type: ignore[misc,valid-type]
        async def work(self) -> Any:
            user = await self.get_authenticated_user(userinfo=bool(self.get_argument("info", "")))
            return {
                "issuer": user.issuer,
                "subject": user.subject,
                "claims": user.claims,
                "access_token": user.tokens.access_token,
                "expires_in": user.tokens.expires_in,
                "next": user.next,
                "data": user.data,
            }

    class Refresh(OpenIDConnectMixin, SignIn, base):  # type: ignore[misc,valid-type]
        async def work(self) -> Any:
            tokens = await self.refresh(self.get_argument("token"), self.get_argument("subject"))
            return [tokens.access_token, tokens.refresh_token, tokens.scope]

    url = serve(
        ("/sign-in", Begin),
        ("/back", Back),
        ("/refresh", Refresh),
        openid_connect=known,
        cookie_secret=COOKIE_SECRET,
        **({"session": MemoryStore() if store is None else store} if session else {}),
    )
    return Site(url, provider, browser), known
