"""An OpenID Connect provider for the demonstration and the tests: Authlib's, on Flask, with everything in memory.

Anybody may sign in under any name; all have one password. Not for anything that matters. Settings, all of them
environment variables:

PROVIDER_ISSUER           its address, as browsers see it: http://localhost:8080/provider
PROVIDER_HOST, _PORT      where it listens: 127.0.0.1, 9000
PROVIDER_CLIENT_ID        the one application it knows, with
PROVIDER_CLIENT_SECRET    its secret, and
PROVIDER_REDIRECT_URI     where it takes people back to
PROVIDER_PASSWORD         the password of all

Either secret may be given in a file instead: PROVIDER_PASSWORD_FILE=/run/secrets/provider_password.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import OpenIDCode, OpenIDToken, UserInfo, UserInfoEndpoint
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import Blueprint, Flask, Response, jsonify, render_template_string, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CODE_SECONDS = 60
TOKEN_SECONDS = 600
# Of codes and tokens; when there are more, the oldest are forgotten.
KEPT = 1000

_NAME = re.compile("[a-z0-9]{1,32}")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 3rem auto; padding: 0 1rem; }
label { display: block; margin: 1rem 0; }
</style>
</head>
<body>
<h1>Demonstration provider</h1>
{% if client %}
<p><strong>{{ client }}</strong> wants to know who you are.</p>
{% if wrong %}<p role="alert">{{ wrong }}</p>{% endif %}
<form method="post">
<label>Name <input name="name" autocomplete="username" required pattern="[a-z0-9]{1,32}"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button name="action" value="sign-in">Sign in</button>
<button name="action" value="deny" formnovalidate>Refuse</button>
</form>
{% else %}
<p>{{ text }}</p>
{% endif %}
</body>
</html>
"""


def setting(name: str, default: str | None = None) -> str:
    """Return a setting, or the content of the file that `name_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        with open(path, encoding="utf-8") as file:
            value = file.read().strip()
    else:
        value = os.environ.get(name) or default or ""
    if not value:
        sys.exit(f"provider: {name} (or {name}_FILE) is not set")
    return value


class Kept(OrderedDict[str, Any]):
    """What was given out; the oldest goes when there is too much."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > KEPT:
            self.popitem(last=False)


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """The one application."""

    client_id: str
    client_secret: str
    redirect_uri: str
    client_metadata: dict[str, Any] = field(default_factory=dict)
    id_token_signed_response_alg = "RS256"  # noqa: S105 - an algorithm

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(word for word in (scope or "").split() if word in ("openid", "profile", "email"))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(client_secret.encode(), self.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return bool(response_type == "code")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """What a browser takes to the application."""

    user: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    at: float = field(default_factory=time.time)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.at)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Token(TokenMixin):  # type: ignore[misc]
    """What the application has."""

    user: str
    client: Client
    scope: str
    at: float = field(default_factory=time.time)

    def check_client(self, client: Client) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return self.scope

    def get_user(self) -> str:
        return self.user

    def get_client(self) -> Client:
        return self.client

    def is_expired(self) -> bool:
        return time.time() > self.at + TOKEN_SECONDS

    def is_revoked(self) -> bool:
        return False


def claims_of(user: str, scope: str) -> UserInfo:
    """Return what is said of a user."""
    email = {"email": f"{user}@example.org", "email_verified": True}
    return UserInfo(sub=user, name=user.title(), preferred_username=user, **email).filter(scope)


def make_app(issuer: str, client: Client, password: str) -> Flask:
    """Make the provider."""
    app = Flask("provider")
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {
        "authorization_code": TOKEN_SECONDS,
        "refresh_token": TOKEN_SECONDS,
    }
    kid = secrets.token_hex(8)
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": kid})
    codes: MutableMapping[str, Code] = Kept()
    access_tokens: MutableMapping[str, Token] = Kept()
    refresh_tokens: MutableMapping[str, Token] = Kept()

    def save_token(token: dict[str, Any], of: Any) -> None:
        given = Token(of.user, client, token["scope"])
        access_tokens[token["access_token"]] = given
        if "refresh_token" in token:
            refresh_tokens[token["refresh_token"]] = given

    server = AuthorizationServer(
        app, lambda client_id: client if client_id == client.client_id else None, save_token
    )

    class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
        def save_authorization_code(self, code: str, of: Any) -> None:
            data = of.payload.data
            codes[code] = Code(
                of.user,
                of.payload.redirect_uri,
                client.get_allowed_scope(of.payload.scope),
                data.get("nonce"),
                data.get("code_challenge"),
                data.get("code_challenge_method"),
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            # Whatever comes of it, a code is good once.
            found = codes.pop(code, None)
            return found if found is not None and time.time() < found.at + CODE_SECONDS else None

        def delete_authorization_code(self, authorization_code: Code) -> None:
            """It is gone already."""

        def authenticate_user(self, authorization_code: Code) -> str:
            return authorization_code.user

    class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
            return refresh_tokens.pop(refresh_token, None)

        def authenticate_user(self, refresh_token: Token) -> str:
            return refresh_token.user

        def revoke_old_credential(self, refresh_token: Token) -> None:
            """It is gone already."""

    class Identity:
        def resolve_client_private_key(self, client: Client) -> RSAKey:
            return key

        def get_encode_header(self, client: Client) -> dict[str, str]:
            return {"alg": "RS256", "kid": kid}

        def get_client_claims(self, client: Client) -> dict[str, Any]:
            return {"iss": issuer, "aud": [client.client_id], "exp": int(time.time()) + TOKEN_SECONDS}

        def generate_user_info(self, user: str, scope: str) -> UserInfo:
            return claims_of(user, "openid")

        def exists_nonce(self, nonce: str, of: Any) -> bool:
            return any(code.nonce == nonce for code in codes.values())

    class CodeIdentity(Identity, OpenIDCode):  # type: ignore[misc]
        """The ID token that comes for a code."""

    class RefreshedIdentity(Identity, OpenIDToken):  # type: ignore[misc]
        """The ID token that comes with a refresh."""

    class Challenge(CodeChallenge):  # type: ignore[misc]
        SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    class Issuer(IssuerParameter):  # type: ignore[misc]
        def get_issuer(self) -> str:
            return issuer

    class Info(UserInfoEndpoint):  # type: ignore[misc]
        def generate_user_info(self, user: str, scope: str) -> UserInfo:
            return claims_of(user, scope)

        def get_issuer(self) -> str:
            return issuer

    class EndSession(EndSessionEndpoint):  # type: ignore[misc]
        def get_server_jwks(self) -> KeySet:
            return KeySet([key])

        def end_session(self, end_session_request: Any) -> None:
            """There is none: everybody types the password each time."""

    class Validator(BearerTokenValidator):  # type: ignore[misc]
        def authenticate_token(self, token_string: str) -> Token | None:
            return access_tokens.get(token_string)

    server.register_grant(CodeGrant, [CodeIdentity(require_nonce=True), Challenge(required=True)])
    server.register_grant(RefreshGrant, [RefreshedIdentity()])
    server.register_extension(Issuer())
    protector = ResourceProtector()
    protector.register_token_validator(Validator())
    server.register_endpoint(Info(resource_protector=protector))
    server.register_endpoint(EndSession)
    routes = Blueprint("provider", __name__)

    @routes.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            userinfo_endpoint=f"{issuer}/userinfo",
            jwks_uri=f"{issuer}/keys",
            end_session_endpoint=f"{issuer}/end-session",
            scopes_supported=["openid", "profile", "email"],
            response_types_supported=["code"],
            grant_types_supported=["authorization_code", "refresh_token"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
        )

    @routes.get("/keys")
    def keys() -> Response:
        return jsonify(KeySet([key]).as_dict(private=False))

    @routes.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        try:
            grant = server.get_consent_grant(end_user=None)
        except OAuth2Error as error:
            return server.handle_error_response(None, error)
        name, wrong, status = request.form.get("name", ""), "", 200
        if request.method == "POST":
            if request.form.get("action") == "deny":
                return server.create_authorization_response(grant_user=None, grant=grant)
            typed = request.form.get("password", "").encode()
            if _NAME.fullmatch(name) and hmac.compare_digest(typed, password.encode()):
                return server.create_authorization_response(grant_user=name, grant=grant)
            wrong, status = "Wrong name or password.", 403
        return render_template_string(PAGE, client=client.client_id, wrong=wrong), status

    @routes.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @routes.route("/userinfo", methods=["GET", "POST"])
    def userinfo() -> Any:
        return server.create_endpoint_response("userinfo")

    @routes.route("/end-session", methods=["GET", "POST"])
    def end_session() -> Any:
        return server.create_endpoint_response("end_session") or render_template_string(
            PAGE, text="You are signed out."
        )

    @routes.get("/health")
    def health() -> str:
        return "fine\n"

    app.register_blueprint(routes, url_prefix=urlsplit(issuer).path or None)
    return app


def main() -> None:
    """Serve until SIGTERM."""
    issuer, redirect_uri = setting("PROVIDER_ISSUER"), setting("PROVIDER_REDIRECT_URI")
    if urlsplit(issuer).hostname in ("localhost", "127.0.0.1"):
        # Authlib wants HTTPS, also where nothing leaves this machine.
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    after = f"{redirect_uri.rpartition('/')[0]}/"
    client = Client(
        setting("PROVIDER_CLIENT_ID", "demo"),
        setting("PROVIDER_CLIENT_SECRET"),
        redirect_uri,
        {"post_logout_redirect_uris": ["{0.scheme}://{0.netloc}/".format(urlsplit(after))]},
    )
    app = make_app(issuer, client, setting("PROVIDER_PASSWORD"))
    host, port = setting("PROVIDER_HOST", "127.0.0.1"), int(setting("PROVIDER_PORT", "9000"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with make_server(host, port, app, threaded=True) as http:
        print(f"provider: {issuer} on port {http.server_port}", flush=True)
        http.serve_forever()


if __name__ == "__main__":
    main()
