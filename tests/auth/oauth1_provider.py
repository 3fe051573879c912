"""A provider of OAuth 1.0a made with Authlib; its transport is this project's server."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlencode

from authlib.oauth1 import AuthorizationServer, ClientMixin, ResourceProtector, TemporaryCredential
from authlib.oauth1.errors import OAuth1Error
from authlib.oauth1.rfc5849.wrapper import OAuth1Request

from framework.httputil import HTTPServerRequest
from framework.web import RequestHandler

__all__ = ["OAuth1Provider"]

KEY, SECRET = "the application", "se&cret %"


class Client(ClientMixin):
    """The one application that the provider knows."""

    def get_default_redirect_uri(self) -> None:
        """None is on file."""

    def get_client_secret(self) -> str:
        """Its secret."""
        return SECRET

    def get_rsa_public_key(self) -> None:
        """It has none."""


class Server(AuthorizationServer):
    """The endpoints, with everything kept in memory."""

    TEMPORARY_CREDENTIALS_METHOD = "GET"

    def __init__(self) -> None:
        self.temporary: dict[str, TemporaryCredential] = {}
        self.tokens: dict[str, TemporaryCredential] = {}
        self.nonces: set[str] = set()

    def create_oauth1_request(self, request: Any) -> OAuth1Request:
        """Their request for one of ours."""
        if isinstance(request, OAuth1Request):
            return request
        return OAuth1Request(
            request.method, request.full_url(), request.body.decode() or None, dict(request.headers)
        )

    def handle_response(self, status: int, payload: Any, headers: Any) -> tuple[int, str, dict[str, str]]:
        """What is to be sent."""
        return status, payload if isinstance(payload, str) else urlencode(payload), dict(headers)

    def get_client_by_id(self, client_id: str) -> Client | None:
        """The application."""
        return Client() if client_id == KEY else None

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Whether it was used."""
        used = nonce in self.nonces
        self.nonces.add(nonce)
        return used

    def _credential(self, **fields: Any) -> TemporaryCredential:
        token, secret = "t " + secrets.token_urlsafe(8), "s&" + secrets.token_urlsafe(8)
        return TemporaryCredential(fields, oauth_token=token, oauth_token_secret=secret)

    def create_temporary_credential(self, request: Any) -> TemporaryCredential:
        """A request token."""
        made = self._credential(client_id=request.client_id, oauth_callback=request.redirect_uri)
        return self.temporary.setdefault(made.get_oauth_token(), made)

    def get_temporary_credential(self, request: Any) -> TemporaryCredential | None:
        """It, again."""
        return self.temporary.get(request.token)

    def delete_temporary_credential(self, request: Any) -> None:
        """It was used."""
        self.temporary.pop(request.token)

    def create_authorization_verifier(self, request: Any) -> str:
        """The sign that the user has consented."""
        verifier = secrets.token_urlsafe(8)
        request.credential.update(oauth_verifier=verifier, user_id=request.user)
        return verifier

    def create_token_credential(self, request: Any) -> TemporaryCredential:
        """An access token."""
        made = self._credential(user_id=request.credential["user_id"])
        return self.tokens.setdefault(made.get_oauth_token(), made)


class Protector(ResourceProtector):
    """Checks the signatures of requests for what is the user's."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.get_client_by_id = server.get_client_by_id
        self.exists_nonce = server.exists_nonce

    def get_token_credential(self, request: Any) -> TemporaryCredential | None:
        """The access token."""
        return self.server.tokens.get(request.token)


class OAuth1Provider:
    """A provider where "alice" is signed in and consents, unless ``consents`` is set to false.

    ``routes`` are the handlers to serve: ``/request_token``, ``/authorize``, ``/access_token`` and ``/api/...``.
    """

    def __init__(self) -> None:
        self.server = Server()
        self.consents = True
        provider, server, protector = self, self.server, Protector(self.server)

        class Endpoint(RequestHandler):
            """What all of them do: answer as the library says."""

            def answer(self, request: HTTPServerRequest) -> tuple[int, str, dict[str, str]]:
                raise NotImplementedError("an endpoint answers")

            def get(self) -> None:
                status, body, headers = self.answer(self.request)
                self.set_status(status)
                for name, value in headers.items():
                    self.set_header(name, value)
                self.finish(body)

            post = get

        class RequestToken(Endpoint):
            def answer(self, request: HTTPServerRequest) -> Any:
                return server.create_temporary_credentials_response(request)

        class Authorize(Endpoint):
            def answer(self, request: HTTPServerRequest) -> Any:
                theirs = server.validate_authorization_request(server.create_oauth1_request(request))
                return server.create_authorization_response(theirs, "alice" if provider.consents else None)

        class AccessToken(Endpoint):
            def answer(self, request: HTTPServerRequest) -> Any:
                return server.create_token_response(request)

        class Api(Endpoint):
            def answer(self, request: HTTPServerRequest) -> Any:
                theirs = server.create_oauth1_request(request)
                try:
                    found = protector.validate_request(
                        theirs.method, theirs.uri, theirs.body, dict(request.headers)
                    )
                except OAuth1Error as error:
                    return server.handle_error_response(error)
                others = {name: value for name, value in theirs.params if not name.startswith("oauth_")}
                user = {"screen_name": found.credential["user_id"], "path": request.path, **others}
                return 200, json.dumps(user), {"Content-Type": "application/json"}

        self.routes = [
            ("/request_token", RequestToken),
            ("/authorize", Authorize),
            ("/access_token", AccessToken),
            ("/api/.*", Api),
        ]
