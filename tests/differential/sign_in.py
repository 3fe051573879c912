"""Signs in with the mixins of one of the two packages: ``python sign_in.py framework|tornado``.

Prints for each case, as JSON, what the browser got, what the provider was asked and what was raised and logged.
The provider is in this process, and answers as the case says.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

# Who imports this wants to know the cases' names only.
PACKAGE = sys.argv[1] if __name__ == "__main__" else "framework"
auth = importlib.import_module(PACKAGE + ".auth")
web = importlib.import_module(PACKAGE + ".web")
httpserver = importlib.import_module(PACKAGE + ".httpserver")


def listen() -> socket.socket:
    """A socket on a free port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.setblocking(False)
    return listening


# The addresses of the mixins need its port.
PROVIDER_SOCKET = listen() if __name__ == "__main__" else None
PROVIDER_PORT = 0 if PROVIDER_SOCKET is None else PROVIDER_SOCKET.getsockname()[1]
PROVIDER = f"http://127.0.0.1:{PROVIDER_PORT}"

SETTINGS = {
    "google_oauth": {"key": "consumer", "secret": "consumersecret"},
    "twitter_consumer_key": "consumer",
    "twitter_consumer_secret": "consumersecret",
}


class OAuth10a(auth.OAuthMixin):  # type: ignore[name-defined, misc]
    _OAUTH_REQUEST_TOKEN_URL = PROVIDER + "/request_token"
    _OAUTH_AUTHORIZE_URL = PROVIDER + "/authorize"
    _OAUTH_ACCESS_TOKEN_URL = PROVIDER + "/access_token"

    def _oauth_consumer_token(self) -> dict[str, Any]:
        return {"key": "consumer", "secret": "consumersecret"}

    async def _oauth_get_user_future(self, access_token: dict[str, Any]) -> Any:
        return {"name": "alice"} if access_token["key"] != "nobody" else None


class OAuth10(OAuth10a):
    _OAUTH_VERSION = "1.0"


class WithoutCallbacks(OAuth10a):
    _OAUTH_NO_CALLBACKS = True


class OAuth2(auth.OAuth2Mixin):  # type: ignore[name-defined, misc]
    _OAUTH_AUTHORIZE_URL = PROVIDER + "/authorize?x=y"
    _OAUTH_ACCESS_TOKEN_URL = PROVIDER + "/token"


class OpenId(auth.OpenIdMixin):  # type: ignore[name-defined, misc]
    _OPENID_ENDPOINT = PROVIDER + "/openid"


class Google(auth.GoogleOAuth2Mixin):  # type: ignore[name-defined, misc]
    _OAUTH_ACCESS_TOKEN_URL = PROVIDER + "/token"


class Facebook(auth.FacebookGraphMixin):  # type: ignore[name-defined, misc]
    _OAUTH_ACCESS_TOKEN_URL = PROVIDER + "/oauth/access_token?"
    _FACEBOOK_BASE_URL = PROVIDER


class Twitter(auth.TwitterMixin):  # type: ignore[name-defined, misc]
    _OAUTH_REQUEST_TOKEN_URL = PROVIDER + "/request_token"
    _OAUTH_AUTHORIZE_URL = PROVIDER + "/authorize"
    _OAUTH_AUTHENTICATE_URL = PROVIDER + "/authenticate"
    _OAUTH_ACCESS_TOKEN_URL = PROVIDER + "/access_token"
    _TWITTER_BASE_URL = PROVIDER + "/1.1"


class Case:
    """A page, how it is asked for, and what the provider answers."""

    __slots__ = ("answers", "headers", "mixin", "path", "work")

    def __init__(
        self,
        mixin: type,
        work: Callable[[Any], Any],
        *answers: bytes,
        path: str = "/page?y=1",
        cookie: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.mixin, self.work, self.answers, self.path = mixin, work, answers, path
        self.headers = {} if cookie is None else {"Cookie": cookie_of(*cookie)}


def cookie_of(key: bytes, secret: bytes) -> str:
    """The cookie of a browser that was sent to the provider."""
    return "_oauth_request_token=" + b"|".join(map(base64.b64encode, (key, secret))).decode()


def http(body: bytes, status: bytes = b"200 OK") -> bytes:
    """A response of the provider."""
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)


TOKEN = http(b"oauth_token=t&oauth_token_secret=tokensecret&screen_name=al&screen_name=b&blank=")
KEPT = (b"rt", b"tokensecret")
BACK = "/page?oauth_token=rt&oauth_verifier=v+%26"
VALID = http(b"ns:x\nis_valid:true\n")
JSON = http(b'{"a": ["\xc3\xbc"]}')
TWITTER = {"key": "t", "secret": "tokensecret"}

AX = "&openid.ns.ext1=http://openid.net/srv/ax/1.0" + "".join(
    f"&openid.ext1.type.n{number}=http://axschema.org/{type}&openid.ext1.value.n{number}={value}"
    for number, (type, value) in enumerate(
        [
            ("contact/email", "u%40x"),
            ("namePerson/first", "F"),
            ("namePerson/last", "L"),
            ("namePerson/friendly", "nick"),
            ("pref/language", "EN"),
        ]
    )
)
FULL_NAME = "&openid.ext1.type.full=http://axschema.org/namePerson&openid.ext1.value.full=Full+Name"


def one(type: str) -> str:
    """An answer with one attribute."""
    return f"/?openid.mode=id_res&openid.ns.a=http://openid.net/srv/ax/1.0&openid.a.type.x={type}&openid.a.value.x=E"


def begin(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """Work: the redirect of OAuth."""
    return lambda self: self.authorize_redirect(*arguments, **named)


def user(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """Work: the user who comes back."""
    return lambda self: self.get_authenticated_user(*arguments, **named)


def openid(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """Work: the redirect of OpenID."""
    return lambda self: self.authenticate_redirect(*arguments, **named)


def ask(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """Work: a request with a token."""
    return lambda self: self.oauth2_request(PROVIDER + arguments[0], *arguments[1:], **named)


def graph(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """Work: a request to Facebook's API."""
    return lambda self: self.facebook_request(*arguments, **named)


def tweet(*arguments: Any, **named: Any) -> Callable[[Any], Any]:
    """Work: a request to Twitter's API."""
    return lambda self: self.twitter_request(*arguments, **named)


CASES = {
    "oauth_begin": Case(OAuth10a, begin(), TOKEN),
    "oauth_begin_callback": Case(OAuth10a, begin("/cb?x=1", {"foo": "b r/ü"}), TOKEN, path="/a/b?q=1"),
    "oauth_begin_callback_elsewhere": Case(OAuth10a, begin("http://other.example/ü y"), TOKEN),
    "oauth_begin_callback_relative": Case(OAuth10a, begin("cb"), TOKEN, path="/a/b?q=1"),
    "oauth_begin_callback_empty": Case(OAuth10a, begin(""), TOKEN),
    "oauth_begin_out_of_band": Case(OAuth10a, begin("oob"), TOKEN),
    "oauth_begin_odd_token": Case(OAuth10a, begin(), http(b"oauth_token=a%20b%C3%BC&oauth_token_secret=1|2=")),
    "oauth_begin_old": Case(OAuth10, begin(), TOKEN),
    "oauth_begin_old_callback": Case(OAuth10, begin("cb", {"a": "b"}), TOKEN, path="/a/b?q=1"),
    "oauth_begin_old_out_of_band": Case(OAuth10, begin("oob"), TOKEN),
    "oauth_begin_without_callbacks": Case(WithoutCallbacks, begin(), TOKEN),
    "oauth_begin_without_callbacks_refused": Case(WithoutCallbacks, begin("/cb")),
    "oauth_begin_html": Case(OAuth10a, begin(), http(b"<html>")),
    "oauth_begin_refused": Case(OAuth10a, begin(), http(b"no", b"401 No")),
    "oauth_user": Case(OAuth10a, user(), TOKEN, path=BACK, cookie=KEPT),
    "oauth_user_without_verifier": Case(OAuth10a, user(), TOKEN, path="/?oauth_token=rt", cookie=KEPT),
    "oauth_user_stripped": Case(OAuth10a, user(), TOKEN, path="/?oauth_token=+rt+", cookie=KEPT),
    "oauth_user_twice": Case(OAuth10a, user(), TOKEN, path="/?oauth_token=b&oauth_token=rt", cookie=KEPT),
    "oauth_user_old": Case(OAuth10, user(), TOKEN, path=BACK, cookie=KEPT),
    "oauth_user_nobody": Case(
        OAuth10a, user(), http(b"oauth_token=nobody&oauth_token_secret=x"), path=BACK, cookie=KEPT
    ),
    "oauth_user_without_cookie": Case(OAuth10a, user(), path=BACK),
    "oauth_user_other_cookie": Case(OAuth10a, user(), path=BACK, cookie=(b"other", b"tokensecret")),
    "oauth_user_without_token": Case(OAuth10a, user(), path="/page?denied=rt", cookie=KEPT),
    "oauth_user_html": Case(OAuth10a, user(), http(b"<html>"), path=BACK, cookie=KEPT),
    "oauth_user_refused": Case(OAuth10a, user(), http(b"no", b"401 No"), path=BACK, cookie=KEPT),
    "openid_begin": Case(OpenId, openid()),
    "openid_begin_callback": Case(OpenId, openid("/cb/d?z=1&s")),
    "openid_begin_elsewhere": Case(OpenId, openid("http://h.example:1/cb", ax_attrs=[])),
    "openid_begin_one": Case(OpenId, openid(ax_attrs=["username"])),
    "openid_begin_two": Case(OpenId, openid("/cb", ["name", "email"])),
    "openid_begin_unknown": Case(OpenId, openid(ax_attrs=["shoe size"])),
    "openid_user": Case(OpenId, user(), VALID, path="/?openid.mode=id_res&openid.claimed_id=http://p/me" + AX),
    "openid_user_full_name": Case(OpenId, user(), VALID, path="/?openid.mode=id_res" + AX + FULL_NAME),
    "openid_user_email": Case(OpenId, user(), VALID, path=one("http://axschema.org/contact/email")),
    "openid_user_last": Case(OpenId, user(), VALID, path=one("http://axschema.org/namePerson/last")),
    "openid_user_friendly": Case(OpenId, user(), VALID, path=one("http://axschema.org/namePerson/friendly")),
    "openid_user_language": Case(OpenId, user(), VALID, path=one("http://axschema.org/pref/language")),
    "openid_user_other_attribute": Case(OpenId, user(), VALID, path=one("http://axschema.org/x")),
    "openid_user_no_attributes": Case(OpenId, user(), VALID, path="/?openid.mode=id_res&openid.identity=i"),
    "openid_user_blah": Case(OpenId, user(), VALID, path="/?openid.mode=blah&openid.claimed_id=c"),
    "openid_user_all_arguments": Case(
        OpenId, user(), VALID, path="/?openid.mode=id_res&a=1&a=+2&openid.sig=%2B%3D&b=&c=%C3%BC"
    ),
    "openid_user_invalid": Case(OpenId, user(), http(b"is_valid:false\n"), path="/?openid.mode=id_res"),
    "openid_user_trick": Case(OpenId, user(), http(b"x is_valid:true\n"), path="/?openid.mode=id_res"),
    "openid_user_refused": Case(OpenId, user(), http(b"no", b"400 No"), path="/?openid.mode=id_res"),
    "openid_user_cancelled": Case(OpenId, user(), http(b"is_valid:false\n"), path="/?openid.mode=cancel"),
    "oauth2_begin": Case(OAuth2, begin()),
    "oauth2_begin_all": Case(
        OAuth2,
        begin(
            *("http://h/cb?q=ü", "cl id", "secret", {"foo": "bar", "response_type": "t", "state": "s"}),
            *(["a", "b c"], "code"),
        ),
    ),
    "oauth2_begin_type": Case(OAuth2, begin(client_id="c", scope=["a"], response_type="token")),
    "oauth2_begin_empty": Case(OAuth2, begin(redirect_uri="", client_id="", scope=[], extra_params={})),
    "oauth2_request": Case(OAuth2, ask("/api"), JSON),
    "oauth2_request_token": Case(OAuth2, ask("/api", "tok&", a="b", c=1, d="ü &"), JSON),
    "oauth2_request_post": Case(OAuth2, ask("/api", access_token="t", post_args={"m": "ü", "n": 3}, a="b"), JSON),
    "oauth2_request_post_empty": Case(OAuth2, ask("/api", post_args={}), JSON),
    "oauth2_request_query": Case(OAuth2, ask("/api?x=y", access_token="t"), JSON),
    "oauth2_request_without_token": Case(OAuth2, ask("/api", a="b"), JSON),
    "oauth2_request_html": Case(OAuth2, ask("/api"), http(b"<html>")),
    "oauth2_request_refused": Case(OAuth2, ask("/api"), http(b"{}", b"403 No")),
    "google_begin": Case(
        Google,
        begin("http://h/cb", "consumer", None, {"approval_prompt": "auto"}, ["profile", "email"]),
    ),
    "google_user": Case(Google, user(redirect_uri="http://h/cb", code="co de"), http(b'{"access_token": "t"}')),
    "google_user_own": Case(Google, user("http://h/cb", "code", "id", "own"), http(b'{"access_token": "t"}')),
    "google_user_refused": Case(Google, user("http://h/cb", "code"), http(b'{"error": "x"}', b"400 No")),
    "google_user_error": Case(Google, user("http://h/cb", "code"), http(b'{"error": "invalid_grant"}')),
    "google_user_html": Case(Google, user("http://h/cb", "code"), http(b"<html>")),
    "google_settings": Case(Google, lambda self: self.get_google_oauth_settings()),
    "facebook_begin": Case(Facebook, begin("/auth/", "c", None, {"scope": "read_stream,offline_access"})),
    "facebook_user": Case(
        *(Facebook, user("http://h/cb?x", "cid", "secret", "co de", {"more": 1})),
        http(b'{"access_token": "at", "expires_in": "123"}'),
        http(b'{"id": "1", "name": "n", "more": "e"}'),
    ),
    "facebook_user_for_ever": Case(
        Facebook, user("r", "c", "s", "co"), http(b'{"access_token": "at"}'), http(b'{"id": "1"}')
    ),
    "facebook_user_nobody": Case(
        Facebook, user("r", "c", "s", "co"), http(b'{"access_token": "at"}'), http(b"null")
    ),
    "facebook_user_no_token": Case(Facebook, user("r", "c", "s", "co"), http(b"{}")),
    "facebook_user_refused": Case(Facebook, user("r", "c", "s", "co"), http(b"{}", b"400 No")),
    "facebook_request": Case(Facebook, graph("/me/feed", post_args={"message": "hi"}, access_token="t"), JSON),
    "facebook_request_arguments": Case(Facebook, graph("/me", "t", fields="a,b"), JSON),
    "twitter_begin": Case(Twitter, begin(), TOKEN),
    "twitter_authenticate": Case(Twitter, openid(), TOKEN),
    "twitter_authenticate_callback": Case(Twitter, openid("/cb"), TOKEN),
    "twitter_user": Case(Twitter, user(), TOKEN, http(b'{"screen_name": "al"}'), path=BACK, cookie=KEPT),
    "twitter_user_nobody": Case(Twitter, user(), TOKEN, http(b"null"), path=BACK, cookie=KEPT),
    "twitter_request": Case(Twitter, tweet("/users/show", TWITTER, screen_name="b ar"), JSON),
    "twitter_request_post": Case(Twitter, tweet("/statuses", TWITTER, {"status": "ü b&"}, a="b"), JSON),
    "twitter_request_whole": Case(Twitter, tweet(PROVIDER + "/x.json", TWITTER), JSON),
    "twitter_request_unsigned": Case(Twitter, tweet("/users/show", None), JSON),
    "twitter_request_odd_name": Case(Twitter, tweet("/users/show", TWITTER, **{"a!": "ü"}), JSON),
    "twitter_request_refused": Case(Twitter, tweet("/x", TWITTER), http(b"{}", b"403 No")),
}  # fmt: skip


class Run:
    """One case while it runs."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.answers = list(case.answers)
        self.asked: list[str] = []
        self.result: Any = None
        self.raised: list[str] = []

    async def provide(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Is the provider."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.lower().split("\r\n")
        length = next((int(line[16:]) for line in lines if line.startswith("content-length: ")), 0)
        type = [line for line in lines if line.startswith("content-type: ")]
        body = await reader.readexactly(length)
        self.asked.append(" ".join([head.split("\r\n")[0], *type, body.decode()]))
        writer.write(self.answers.pop(0) if self.answers else http(b"nothing was planned", b"500 No"))
        await writer.drain()
        writer.close()


class Records(logging.Handler):
    """Keeps what is logged, as text."""

    lines: list[str]

    def emit(self, record: logging.LogRecord) -> None:
        name = record.name.removeprefix(PACKAGE)
        self.lines.append(f"{name} {record.levelname} " + record.getMessage().split("\n")[0])


async def visit(case: Case, port: int) -> str:
    """What a browser gets for a case."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = {"Host": "site.example", "Connection": "close", **case.headers}
    lines = [f"GET {case.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    got = await reader.read()
    writer.close()
    return got.decode()


async def main() -> None:
    """Runs all cases."""
    records = Records()
    logging.getLogger().handlers = [records]
    logging.getLogger().setLevel(logging.INFO)
    current: list[Run] = []

    class Page(web.RequestHandler):  # type: ignore[name-defined, misc]
        async def get(self) -> None:
            run = current[0]
            try:
                done = run.case.work(self)
                run.result = await done if isinstance(done, Awaitable) else done
            except Exception as error:
                # Also the classes above, without those of Python.
                kinds = [
                    kind.__name__
                    for kind in type(error).__mro__
                    if kind.__module__.startswith(PACKAGE) or kind is type(error)
                ]
                run.raised = [*kinds, str(error)]
                raise

    pages = {mixin: type("Page", (Page, mixin), {}) for mixin in {case.mixin for case in CASES.values()}}

    async def provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await current[0].provide(reader, writer)

    provider = await asyncio.start_server(provide, sock=PROVIDER_SOCKET)
    routes = [(f"(?:/{mixin.__name__}/.*)", page) for mixin, page in pages.items()]
    application = web.Application(routes, **SETTINGS)
    server = httpserver.HTTPServer(application)
    site = listen()
    server.add_socket(site)
    results = {}
    for name, case in CASES.items():
        run = Run(case)
        current[:] = [run]
        records.lines = []
        case.path = f"/{case.mixin.__name__}{case.path}"
        response = await visit(case, site.getsockname()[1])
        results[name] = {
            "response": response,
            "asked": run.asked,
            "result": run.result,
            "raised": run.raised,
            "logged": records.lines,
        }
    server.stop()
    provider.close()
    json.dump({"provider": f"127.0.0.1:{PROVIDER_PORT}", "results": results}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
