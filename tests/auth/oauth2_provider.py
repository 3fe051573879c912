"""A provider of OAuth 2 made with Authlib; its transport is this project's server."""

from __future__ import annotations

import json
import time
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from framework.httputil import HTTPServerRequest
from framework.web import RequestHandler

__all__ = ["KEY", "SECRET", "OAuth2Provider"]

KEY, SECRET = "the application", "se&cret %"


class Client(ClientMixin):
    """The one application that the provider knows."""

    def get_client_id(self) -> str:
        """Its name."""
        return KEY

    def get_default_redirect_uri(self) -> None:
        """None is on file."""

    def get_allowed_scope(self, scope: str) -> str:
        """What it may ask for: anything."""
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether an address is its own."""
        return "/login" in redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is the application that asks."""
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """It sends its secret in a form."""
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        """It wants codes."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """It has codes."""
        return grant_type == "authorization_code"


class Code(AuthorizationCodeMixin):
    """A code that was given out."""

    def __init__(self, code: str, request: Any) -> None:
        self.code = code
        self.user = request.user
        self.redirect_uri = request.payload.redirect_uri
        self.scope = request.payload.scope

    def get_redirect_uri(self) -> str:
        """Where it was sent."""
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        """What it is for."""
        return str(self.scope)


class Request(OAuth2Request):
    """Their request for one of ours."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request.method, request.full_url(), headers=dict(request.headers))
        self._args = {name: values[-1].decode() for name, values in request.query_arguments.items()}
        self._form = {name: values[-1].decode() for name, values in request.body_arguments.items()}
        self.payload = BasicOAuth2Payload({**self._args, **self._form})

    @property
    def args(self) -> dict[str, str]:
        """Of the query."""
        return self._args

    @property
    def form(self) -> dict[str, str]:
        """Of the body."""
        return self._form


class Server(AuthorizationServer):
    """The endpoints, with everything kept in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        server = self

        class Grant(AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

            def save_authorization_code(self, code: str, request: Any) -> None:
                server.codes[code] = Code(code, request)

            def query_authorization_code(self, code: str, client: Any) -> Code | None:
                return server.codes.get(code)

            def delete_authorization_code(self, authorization_code: Code) -> None:
                del server.codes[authorization_code.code]

            def authenticate_user(self, authorization_code: Code) -> str:
                return str(authorization_code.user)

        self.register_grant(Grant)
        made = iter(range(1, 100))
        self.register_token_generator("default", BearerTokenGenerator(lambda **_: f"token {next(made)}"))

    def query_client(self, client_id: str) -> Client | None:
        """The application."""
        return Client() if client_id == KEY else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Keeps it."""
        self.tokens[token["access_token"]] = {
            "user": request.user,
            "scope": token.get("scope"),
            "at": time.time(),
        }

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Any) -> OAuth2Request:
        """Their request for one of ours."""
        return request if isinstance(request, OAuth2Request) else Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, str, dict[str, str]]:
        """What is to be sent."""
        return status, json.dumps(body) if isinstance(body, dict) else body or "", dict(headers)


class OAuth2Provider:
    """A provider where "alice" is signed in and consents, unless ``consents`` is set to false.

    ``routes`` are the handlers to serve: ``/authorize``, ``/token`` and ``/userinfo``.
    """

    def __init__(self) -> None:
        self.server = server = Server()
        self.consents = True
        provider = self

        class Endpoint(RequestHandler):
            def send(self, answer: tuple[int, str, dict[str, str]]) -> None:
                status, body, headers = answer
                self.set_status(status)
                for name, value in headers.items():
                    self.set_header(name, value)
                self.finish(body)

        class Authorize(Endpoint):
            def get(self) -> None:
                theirs = server.create_oauth2_request(self.request)
                user = "alice" if provider.consents else None
                grant = server.get_consent_grant(theirs, user)
                self.send(server.create_authorization_response(theirs, user, grant))

        class Token(Endpoint):
            def post(self) -> None:
                self.send(server.create_token_response(self.request))

        class UserInfo(Endpoint):
            def get(self) -> None:
                found = server.tokens.get(self.get_argument("access_token", ""))
                if found is None:
                    self.send((401, '{"error": "invalid_token"}', {}))
                else:
                    self.send(
                        (
                            200,
                            json.dumps({"sub": found["user"], "fields": self.get_argument("fields", "")}),
                            {},
                        )
                    )

        self.routes = [("/authorize", Authorize), ("/token", Token), ("/userinfo", UserInfo)]
