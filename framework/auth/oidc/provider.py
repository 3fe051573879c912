"""One provider, as an application knows it: what is configured, what it says of itself, its keys and endpoints."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from framework.auth.errors import AuthError
from framework.auth.oidc.errors import ProviderUnavailable, SignInRefused
from framework.auth.oidc.metadata import ProviderMetadata, check_address, is_loopback, parse_metadata
from framework.auth.oidc.shared import SharedFetch
from framework.auth.oidc.tokens import (
    ALGORITHMS,
    ExpectedToken,
    check_algorithms,
    find_key,
    require_library,
    token_header,
    verify_id_token,
)
from framework.auth.once import UsedOnce
from framework.auth.provider import with_query
from framework.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from framework.simple_httpclient import SimpleAsyncHTTPClient

__all__ = ["OpenIDProvider", "OpenIDTokens"]

#: Bytes of one answer of a provider; the largest known discovery documents and key sets have some tens of thousands.
MAX_ANSWER = 256 * 1024

#: Seconds between two looks for a key that is not there: nobody makes us ask more often by inventing key ids.
KEYS_AGAIN = 30.0

_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")


@dataclass(frozen=True, slots=True)
class OpenIDTokens:
    """What a provider gave for a code or a refresh token (RFC 6749 section 5.1).

    Args:
        access_token: for requests to the provider on behalf of its user.
        id_token: as it came; None where a refresh brought none.
        refresh_token: for new tokens; None if the provider gives none.
        expires_in: seconds that the access token is good for; None if the provider does not say.
        scope: what was granted; None if it is what was asked for.
    """

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None
    scope: str | None


class OpenIDProvider:
    """A provider of sign-ins, and the application's registration with it.

    One object serves a whole application: it keeps what the provider says of itself. Nothing is fetched before
    it is needed.

    Args:
        issuer: the provider's identifier, exactly as it writes it: an https:// URL, or http:// on this machine.
        client_id: what the provider knows the application by.
        client_secret: what the application proves itself with; None for a public client.
        scope: what is asked for; `openid` always is.
        algorithms: what ID tokens may be signed with, see `ALGORITHMS`.
        auth_method: `client_secret_basic`, `client_secret_post` or `none`; None takes what the provider offers.
        backchannel: where this process reaches the issuer's host, such as `http://provider:9000`, if that is not
            where browsers do; trusted like the issuer itself.
        lifetime: seconds that the provider's metadata and keys are used before they are fetched again.
        leeway: seconds that the provider's clock and ours may differ.
        timeout: seconds for one answer of the provider.
        http_client: makes the client for such answers, in the running loop; by default one with bounds of its own.
        clock: seconds that only ever grow.

    Raises:
        ValueError: an argument can't be used.
        RuntimeError: PyJWT is not installed.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        scope: Sequence[str] = ("openid", "profile", "email"),
        algorithms: Sequence[str] = tuple(ALGORITHMS),
        auth_method: str | None = None,
        backchannel: str | None = None,
        lifetime: float = 3600.0,
        leeway: float = 30.0,
        timeout: float = 5.0,
        http_client: Callable[[], AsyncHTTPClient] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_library()
        check_address(issuer, "issuer", http=is_loopback(str(issuer)))
        if urlsplit(issuer).query:
            raise ValueError("issuer should have no query")
        if not client_id:
            raise ValueError("client_id should not be empty")
        if auth_method not in (None, *_AUTH_METHODS):
            raise ValueError(f"auth_method should be one of {', '.join(_AUTH_METHODS)}, not {auth_method!r}")
        if auth_method is not None and (auth_method == "none") == bool(client_secret):
            raise ValueError(f"auth_method {auth_method} and a client_secret of this kind don't go together")
        if isinstance(scope, str) or any(not word or " " in word for word in scope):
            raise ValueError("scope should be a list of words")
        if backchannel is not None:
            check_address(backchannel, "backchannel", http=True)
        self.issuer = issuer
        self.client_id = client_id
        self.scope = " ".join(dict.fromkeys(("openid", *scope)))
        self.leeway = leeway
        self._secret = client_secret or None
        self._auth_method = auth_method or (None if client_secret else "none")
        self._algorithms = check_algorithms(algorithms)
        self._backchannel = backchannel.rstrip("/") if backchannel else None
        self._timeout = timeout
        self._make_client = http_client
        self._clock = clock
        self._client: tuple[asyncio.AbstractEventLoop, AsyncHTTPClient] | None = None
        self._metadata = SharedFetch(self._fetch_metadata, lifetime, clock)
        self._keys = SharedFetch(self._fetch_keys, lifetime, clock)
        self._used = UsedOnce()

    def __repr__(self) -> str:
        return f"<OpenIDProvider {self.issuer} for {self.client_id}>"

    async def metadata(self) -> ProviderMetadata:
        """What the provider says of itself.

        Raises:
            ProviderUnavailable: it says nothing, or nothing that can be used.
        """
        return await self._metadata.get()

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> OpenIDTokens:
        """Get tokens for a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

        Raises:
            SignInRefused: the provider does not give any.
            ProviderUnavailable: it does not answer, or not as it should.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        return await self._tokens(form, None)

    async def refresh(self, refresh_token: str) -> OpenIDTokens:
        """Get new tokens for a refresh token (RFC 6749 section 6).

        Raises:
            SignInRefused, ProviderUnavailable: as for `exchange`.
        """
        return await self._tokens(
            {"grant_type": "refresh_token", "refresh_token": refresh_token}, refresh_token
        )

    async def verify(
        self,
        id_token: str,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        subject: str | None = None,
        max_age: int | None = None,
    ) -> dict[str, Any]:
        """Verify an ID token of this provider for this application, and return its claims.

        Args:
            nonce, access_token, subject, max_age: see `ExpectedToken`.

        Raises:
            AuthError: it is not to be believed.
            ProviderUnavailable: its key can't be fetched.
        """
        offered = (await self.metadata()).signing_algorithms
        accepted = [name for name in self._algorithms if name in offered]
        algorithm, kid = token_header(id_token, accepted)
        key = find_key(await self._keys.get(), algorithm, kid)
        if key is None:
            # The provider may have begun to use another one.
            key = find_key(await self._keys.get(KEYS_AGAIN), algorithm, kid)
        if key is None:
            raise AuthError("the ID token is signed with a key that the provider does not have")
        expected = ExpectedToken(
            self.issuer, self.client_id, nonce, access_token, subject, max_age, self.leeway
        )
        return verify_id_token(id_token, key, algorithm, expected)

    async def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider tells of its user (OpenID Connect Core 1.0 section 5.3).

        Args:
            access_token: from this provider.
            subject: whom the verified ID token is about; the answer has to be about the same.

        Raises:
            AuthError: it is about somebody else, or the provider has no such endpoint.
            ProviderUnavailable: it does not answer, or not as it should.
        """
        url = (await self.metadata()).userinfo_endpoint
        if url is None:
            raise AuthError("the provider tells nothing of its users: it has no userinfo_endpoint")
        response = await self._fetch(url, "userinfo", headers={"Authorization": f"Bearer {access_token}"})
        claims = self._object(response, "userinfo")
        if response.code != 200:
            raise AuthError(f"the provider does not tell of its user: status {response.code}")
        if claims.get("sub") != subject:
            raise AuthError("the provider tells of somebody else than whom it signed in (sub)")
        return claims

    async def end_session_url(
        self,
        *,
        id_token: str | None = None,
        post_logout_redirect_uri: str | None = None,
        state: str | None = None,
    ) -> str | None:
        """Where to send a browser to end the session at the provider too (RP-Initiated Logout 1.0).

        Args:
            id_token: of the session that is to end; without it the provider may ask its user.
            post_logout_redirect_uri: where to come back to; the provider has to know it.
            state: to be given back there.

        Returns:
            The URL, or None if the provider has no such place.

        Raises:
            ProviderUnavailable: see `metadata`.
        """
        url = (await self.metadata()).end_session_endpoint
        if url is None:
            return None
        fields = {
            "client_id": self.client_id,
            "id_token_hint": id_token,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
        }
        return with_query(url, [(name, value) for name, value in fields.items() if value is not None])

    def use_once(self, state: str, seconds: float) -> bool:
        """Whether this is the first time that this process sees a state.

        Args:
            seconds: after which nobody can come with this state any more.
        """
        now = self._clock()
        return self._used.use(state, now, now + seconds)

    # What is asked of the provider

    async def _fetch_metadata(self) -> ProviderMetadata:
        # The well-known part follows the issuer's path (Discovery 1.0 section 4).
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        document = await self._fetch_object(url, "discovery document")
        return parse_metadata(document, self.issuer)

    async def _fetch_keys(self) -> Sequence[object]:
        keys = (await self._fetch_object((await self.metadata()).jwks_uri, "key set")).get("keys")
        if not isinstance(keys, list):
            raise ProviderUnavailable(f"the key set of {self.issuer} has no list of keys")
        return keys

    async def _tokens(self, form: dict[str, str], refresh_token: str | None) -> OpenIDTokens:
        metadata = await self.metadata()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        method = self._auth_method or _choose_method(metadata)
        if method == "client_secret_basic":
            # Each part is form-encoded first (RFC 6749 section 2.3.1).
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret or '')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.client_id
            if method == "client_secret_post":
                form["client_secret"] = self._secret or ""
        response = await self._fetch(
            metadata.token_endpoint, "token endpoint", method="POST", headers=headers, body=urlencode(form)
        )
        if response.code >= 500:
            # Whatever it says: the code or the refresh token may still be good.
            raise self._failing(response, "token endpoint")
        answer = self._object(response, "token endpoint")
        if response.code != 200:
            raise SignInRefused(str(answer.get("error")))
        return _read_tokens(answer, refresh_token)

    async def _fetch_object(self, url: str, what: str) -> dict[str, Any]:
        response = await self._fetch(url, what)
        if response.code != 200:
            raise self._failing(response, what)
        return self._object(response, what)

    def _failing(self, response: HTTPResponse, what: str) -> ProviderUnavailable:
        return ProviderUnavailable(f"the {what} of {self.issuer} was answered with status {response.code}")

    def _object(self, response: HTTPResponse, what: str) -> dict[str, Any]:
        try:
            answer = json.loads(response.body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ProviderUnavailable(
                f"the {what} of {self.issuer} answered no JSON object (status {response.code})"
            )
        return answer

    async def _fetch(
        self,
        url: str,
        what: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> HTTPResponse:
        sent = {"Accept": "application/json", **(headers or {})}
        origin = "://".join(urlsplit(self.issuer)[:2])
        if self._backchannel is not None and url.startswith(f"{origin}/"):
            sent["Host"] = urlsplit(origin).netloc
            url = self._backchannel + url[len(origin) :]
        request = HTTPRequest(
            url,
            method=method,
            headers=sent,
            body=body,
            # Secrets go where the provider said, and nowhere else.
            follow_redirects=False,
            connect_timeout=self._timeout,
            request_timeout=self._timeout,
        )
        try:
            return await self._http_client().fetch(request, raise_error=False)
        except (HTTPClientError, OSError, ValueError) as error:
            raise ProviderUnavailable(f"the {what} of {self.issuer} can't be had: {error}") from error

    def _http_client(self) -> AsyncHTTPClient:
        if self._make_client is not None:
            return self._make_client()
        loop = asyncio.get_running_loop()
        if self._client is None or self._client[0] is not loop:
            client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=MAX_ANSWER, max_clients=50)
            self._client = loop, client
        return self._client[1]


def _choose_method(metadata: ProviderMetadata) -> str:
    for method in _AUTH_METHODS[:2]:
        if method in metadata.token_endpoint_auth_methods:
            return method
    raise AuthError(f"the provider takes a client's secret neither as {' nor as '.join(_AUTH_METHODS[:2])}")


def _read_tokens(answer: Mapping[str, Any], refresh_token: str | None) -> OpenIDTokens:
    access_token, id_token = answer.get("access_token"), answer.get("id_token")
    new_refresh_token, scope = answer.get("refresh_token", refresh_token), answer.get("scope")
    kind, expires_in = answer.get("token_type"), answer.get("expires_in")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ProviderUnavailable("the provider gave a token of another kind than Bearer")
    if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
        raise ProviderUnavailable("the provider gave no access token")
    if id_token is not None and not isinstance(id_token, str):
        raise ProviderUnavailable("the provider gave an ID token that is no text")
    return OpenIDTokens(
        access_token=access_token,
        id_token=id_token,
        refresh_token=new_refresh_token if isinstance(new_refresh_token, str) else refresh_token,
        expires_in=float(expires_in) if isinstance(expires_in, int | float) else None,
        scope=scope if isinstance(scope, str) else None,
    )
