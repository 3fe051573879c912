"""Handlers whose answers are compared. Their text is run with each of the two packages in place of `framework`."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from framework import escape, gen, httputil, locale, web

Action = Callable[[Any], Any]
actions: dict[str, Action] = {}

HERE = os.path.dirname(os.path.abspath(__file__))


def action(function: Action) -> Action:
    """Answers ``/do/NAME``."""
    actions[function.__name__.strip("_")] = function
    return function


class Do(web.RequestHandler):
    """Runs one action, whatever the method."""

    def get(self, name: str) -> Any:
        return actions[name](self)

    head = post = put = patch = delete = options = get  # type: ignore[assignment]


def tell(handler: Any, function: Callable[[], Any]) -> None:
    """Writes what a call returns or raises."""
    try:
        handler.write(f"{function()!r}\n")
    except Exception as error:
        # The words of other errors than these, and what kind of programming error one is, are each package's affair.
        kind = type(error).__name__ if isinstance(error, web.HTTPError) else "error"
        handler.write(f"{kind}: {error}\n" if isinstance(error, web.HTTPError) else f"{kind}\n")


# -- what a request says


class Echo(web.RequestHandler):
    SUPPORTED_METHODS = (*web.RequestHandler.SUPPORTED_METHODS, "PURGE", "REPORT")  # type: ignore[assignment]

    def get(self, *args: Any, **kwargs: Any) -> None:
        request = self.request
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        for name in (
            "method uri path query version protocol host host_name arguments query_arguments body_arguments "
            "body files remote_ip"
        ).split():
            self.write(f"{name}: {getattr(request, name)!r}\n")
        self.write(f"args: {args!r} {kwargs!r} {self.path_args!r} {self.path_kwargs!r}\n")
        self.write(f"headers: {sorted(request.headers.get_all())!r}\n")
        self.write(f"cookies: {sorted((name, one.value) for name, one in request.cookies.items())!r}\n")
        self.write(f"url: {request.full_url()!r} {request!r}\n")
        self.write(f"{type(request.connection.context._orig_remote_ip).__name__}\n")  # type: ignore[union-attr]

    post = put = patch = delete = purge = options = get


class Args(web.RequestHandler):
    def get(self) -> None:
        for name in ("a", "b", "c", "d", "e", ""):
            for method in ("argument", "query_argument", "body_argument"):
                tell(self, lambda name=name, method=method: getattr(self, f"get_{method}")(name))
                tell(self, lambda name=name, method=method: getattr(self, f"get_{method}")(name, None, False))
                tell(self, lambda name=name, method=method: getattr(self, f"get_{method}s")(name))
                tell(
                    self, lambda name=name, method=method: getattr(self, f"get_{method}s")(name, strip=False)
                )

    post = put = get


class Need(web.RequestHandler):
    def get(self) -> None:
        self.write(self.get_argument("need"))

    post = get


class Latin(web.RequestHandler):
    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        return f"{name}={value.decode('latin-1')}"

    def get(self, one: str, two: str) -> None:
        self.write(f"{one} {two} {self.get_argument('x', 'none')}")


class Json(web.RequestHandler):
    def post(self) -> None:
        self.write({"got": escape.json_decode(self.request.body), "html": "</script>", "é": "ü"})


class Upload(web.RequestHandler):
    def post(self) -> None:
        for name, files in sorted(self.request.files.items()):
            for file in files:
                self.write(f"{name}: {file.filename!r} {file.content_type!r} {file['body']!r}\n")
        self.write(f"{sorted(self.request.body_arguments.items())!r}\n")


# -- writing


@action
def hello(self: Any) -> None:
    self.write("hello")


@action
def empty(self: Any) -> None:
    pass


@action
def kinds(self: Any) -> None:
    self.write("text é ")
    self.write(b"bytes \xff ")
    self.write({"a": [1, None, "</"]})


@action
def wrong_kinds(self: Any) -> None:
    for value in ([1], 5, None, 5.5, {1, 2}, bytearray(b"x")):
        tell(self, lambda value=value: self.write(value))
    self.write("still here")


@action
def json(self: Any) -> None:
    self.write({"a": 1, "b": ["é", None, True]})


@action
def json_own_type(self: Any) -> None:
    self.set_header("Content-Type", "application/vnd.x+json")
    self.write({"a": 1})


@action
def finish_chunk(self: Any) -> None:
    self.write("a")
    self.finish({"b": 1})


@action
def returns_text(self: Any) -> str:
    return "not allowed"


@action
def returns_none_future(self: Any) -> Awaitable[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    self.write("future")
    asyncio.get_running_loop().call_soon(future.set_result, None)
    return future


@action
def returns_done_future(self: Any) -> Awaitable[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    self.write("done future")
    return future


@action
async def coroutine(self: Any) -> None:
    self.write("a")
    await asyncio.sleep(0)
    self.write("b")


@action
async def coroutine_result(self: Any) -> str:
    self.write("a")
    return "thrown away"


@action
@gen.coroutine
def generator(self: Any) -> Generator[Any, Any, None]:
    yield gen.sleep(0.001)
    self.write("a")
    yield [gen.sleep(0.001), gen.sleep(0)]
    self.write("b")


@action
async def flushes(self: Any) -> None:
    self.write("a")
    await self.flush()
    self.write("bc")
    self.write("d")
    await self.flush()
    await self.flush()
    self.finish("e")


@action
async def flushes_nothing(self: Any) -> None:
    await self.flush()


@action
def flushes_plain(self: Any) -> None:
    self.write("a")
    self.flush()
    self.write("b")


@action
async def flush_with_length(self: Any) -> None:
    self.set_header("Content-Length", "4")
    self.write("ab")
    await self.flush()
    self.write("cd")


@action
async def flush_with_status(self: Any) -> None:
    self.set_status(201)
    self.set_header("X-A", "1")
    self.write("x")
    await self.flush()
    self.set_status(202)
    self.set_header("X-A", "2")


@action
async def finish_is_awaitable(self: Any) -> None:
    await self.finish("x")


@action
def length_short(self: Any) -> None:
    self.set_header("Content-Length", "10")
    self.write("abc")


@action
def length_long(self: Any) -> None:
    self.set_header("Content-Length", "2")
    self.write("abc")


@action
def length_right(self: Any) -> None:
    self.set_header("Content-Length", 3)
    self.write("abc")


@action
def not_auto(self: Any) -> None:
    self._auto_finish = False
    asyncio.get_running_loop().call_later(0.001, self.finish, "later")


@action
def looks_inside(self: Any) -> None:
    self.write("x")
    self.write(b"y")
    inside = [
        self._write_buffer[:],
        self._finished,
        self._auto_finish,
        self._headers_written,
        self._status_code,
    ]
    self.write(repr(inside) + repr([self._reason, self._transforms, sorted(self._headers)]))
    self.write(repr([self.path_args, self.path_kwargs, self.settings is self.application.settings]))
    self.write(repr([hasattr(self, "_current_user"), hasattr(self, "_locale"), hasattr(self, "_new_cookie")]))
    self.set_cookie("a", "b c")
    self.write(repr(self._new_cookie))
    self.write(repr(self.request.connection.context._orig_remote_ip))
    self.write(self._request_summary())


@action
def clears(self: Any) -> None:
    self.set_status(404)
    self.set_header("X-A", "1")
    self.set_cookie("kept", "1")
    self.write("x")
    self.clear()
    self.write("y")


# -- status


class Status(web.RequestHandler):
    def get(self, code: str, reason: str = "") -> None:
        self.set_status(int(code), reason or None)
        if code not in ("204", "304") and not code.startswith("1"):
            self.write(f"{self.get_status()} {self._reason}")

    head = get  # type: ignore[assignment]


@action
def no_content_with_body(self: Any) -> None:
    self.set_status(204)
    self.write("x")


@action
def not_modified_headers(self: Any) -> None:
    self.set_status(304)
    for name in ("Content-Language", "Content-Encoding", "Etag", "Last-Modified", "X-A", "Content-Length"):
        self.set_header(name, "0")


@action
def reason_bad(self: Any) -> None:
    self.set_status(200, "a\r\nX-B: 1")


@action
def reason_utf8(self: Any) -> None:
    self.set_status(200, "é")


# -- headers


@action
def headers(self: Any) -> None:
    self.set_header("X-Text", "a b")
    self.set_header("x-lower-case", "1")
    self.set_header("X-Bytes", b"b\xe9")
    self.set_header("X-Int", 5)
    self.set_header("X-Bool", True)
    self.set_header("X-Date", datetime.datetime(2020, 1, 2, 3, 4, 5))  # noqa: DTZ001
    zone = datetime.timezone(datetime.timedelta(hours=2))
    self.set_header("X-Zone", datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=zone))
    self.set_header("X-Latin", "é")
    self.set_header("X-Empty", "")
    self.set_header("X-Space", "  a  ")
    self.add_header("X-More", "1")
    self.add_header("x-more", b"2")
    self.add_header("X-More", 3)
    self.set_header("X-Gone", "1")
    self.clear_header("x-gone")
    self.clear_header("X-Never")
    self.write(repr(sorted(self._headers.items())[3:]))


@action
def headers_refused(self: Any) -> None:
    for value in ("a\nb", "a\rb", "a\0b", "€", "a\x7fb", 5.5, None, ["x"], "\x1b", "a\r\n b"):
        tell(self, lambda value=value: self.set_header("X-A", value))
    for name in ("X A", "X:A", "", "X\nA"):
        tell(self, lambda name=name: self.add_header(name, "x"))


@action
def headers_own(self: Any) -> None:
    self.set_header("Server", "mine")
    self.set_header("Date", "now")
    self.set_header("Content-Type", "image/png")
    self.write(b"\x89PNG")


@action
def header_date_own(self: Any) -> None:
    self.clear_header("Content-Type")
    self.clear_header("Server")
    self.write("x")


@action
def connection_close(self: Any) -> None:
    self.set_header("Connection", "close")
    self.write("x")


class Defaults(web.RequestHandler):
    def set_default_headers(self) -> None:
        self.set_header("X-Default", "1")
        self.set_header("Content-Type", "text/x")
        self.clear_header("Server")

    def get(self, kind: str) -> None:
        self.set_header("X-Own", "1")
        if kind == "error":
            raise web.HTTPError(400)
        if kind == "crash":
            raise RuntimeError("crash")
        if kind == "json":
            self.write({})
        if kind == "clear":
            self.clear()


# -- errors


@action
def error_404(self: Any) -> None:
    raise web.HTTPError(404)


@action
def error_default(self: Any) -> None:
    raise web.HTTPError


@action
def error_message(self: Any) -> None:
    self.write("lost")
    self.set_header("X-Lost", "1")
    self.set_cookie("kept", "1")
    raise web.HTTPError(403, "because of %s and %d", "this", 5)


@action
def error_percent(self: Any) -> None:
    raise web.HTTPError(403, "100% %s")


@action
def error_reason(self: Any) -> None:
    raise web.HTTPError(403, "message", reason="My Reason")


@action
def error_reason_html(self: Any) -> None:
    raise web.HTTPError(403, reason="<b>&amp;")


@action
def error_unknown_code(self: Any) -> None:
    raise web.HTTPError(599)


@action
def error_strange_code(self: Any) -> None:
    raise web.HTTPError(299)


@action
def error_409_kwargs(self: Any) -> None:
    raise web.HTTPError(409, log_message="m %s", reason="r")


@action
def error_missing(self: Any) -> None:
    raise web.MissingArgumentError("thing")


@action
def error_strings(self: Any) -> None:
    for error in (
        web.HTTPError(),
        web.HTTPError(404),
        web.HTTPError(404, "a %s", "b"),
        web.HTTPError(404, "100%"),
        web.HTTPError(404, reason="r"),
        web.HTTPError(599, "x", reason="r"),
        web.MissingArgumentError("x"),
    ):
        self.write(f"{error} {error.status_code} {error.reason} {error.log_message} {error.args} {error!r}")
        self.write(f" {error.get_message()} {sorted(error.__dict__.items())}\n")


@action
def crash(self: Any) -> None:
    raise RuntimeError("boom")


@action
async def crash_later(self: Any) -> None:
    await asyncio.sleep(0)
    raise RuntimeError("boom later")


@action
async def crash_flushed(self: Any) -> None:
    self.write("begun")
    await self.flush()
    raise RuntimeError("boom flushed")


@action
def crash_finished(self: Any) -> None:
    self.finish("done")
    raise RuntimeError("boom finished")


@action
def finish_twice(self: Any) -> None:
    self.finish("a")
    self.finish("b")


@action
def write_finished(self: Any) -> None:
    self.finish("a")
    self.write("b")


@action
def finish_raised(self: Any) -> None:
    self.set_status(201)
    self.write("a")
    raise web.Finish


@action
def finish_raised_with(self: Any) -> None:
    self.write("a")
    raise web.Finish({"b": 1})


@action
def finish_raised_finished(self: Any) -> None:
    self.finish("a")
    raise web.Finish


@action
def send_error(self: Any) -> None:
    self.write("lost")
    self.send_error(503)


@action
def send_error_reason(self: Any) -> None:
    self.send_error(503, reason="Busy")


@action
def send_error_default(self: Any) -> None:
    self.send_error()


@action
def send_error_flushed(self: Any) -> None:
    self.write("begun")
    self.flush()
    self.send_error(500)


@action
def input_error(self: Any) -> None:
    raise httputil.HTTPInputError("bad input")


@action
def timeout_error(self: Any) -> None:
    raise gen.TimeoutError("too late")


class OwnErrors(web.RequestHandler):
    def get(self, kind: str) -> None:
        if kind == "crash":
            raise RuntimeError("boom")
        if kind == "send":
            self.send_error(418, extra="more")
        if kind == "broken":
            raise web.HTTPError(400, "broken")
        raise web.HTTPError(404, "no %s", kind, reason="Nope")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.set_header("X-Error", "1")
        if "exc_info" in kwargs and str(kwargs["exc_info"][1]).endswith("(broken)"):
            self.write("partial")
            raise RuntimeError("in write_error")
        kind = kwargs["exc_info"][0].__name__ if "exc_info" in kwargs else None
        self.write({"status": status_code, "kind": kind, "keys": sorted(kwargs), "reason": self._reason})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, RuntimeError) and "boom" in str(value):
            logging.getLogger("site").warning("own log_exception: %s", value)
        else:
            super().log_exception(typ, value, tb)


class BrokenLog(web.RequestHandler):
    def get(self) -> None:
        raise RuntimeError("boom")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        raise RuntimeError("in log_exception")


class Prepared(web.RequestHandler):
    def prepare(self) -> Awaitable[None] | None:
        kind = self.path_args[0]
        self.write(f"prepare({kind}) ")
        if kind == "finish":
            self.finish("over")
        elif kind == "error":
            raise web.HTTPError(402)
        elif kind == "redirect":
            self.redirect("/there")
        elif kind.startswith("async"):
            return self.later(kind)
        return None

    async def later(self, kind: str) -> None:
        await asyncio.sleep(0)
        if kind == "async-finish":
            self.finish("over")
        if kind == "async-error":
            raise web.HTTPError(402)

    def get(self, kind: str) -> None:
        self.write(f"get({kind})")

    def on_finish(self) -> None:
        logging.getLogger("site").warning("on_finish %s %s", self._finished, self.get_status())
        if self.path_args[0] == "broken-end":
            raise RuntimeError("in on_finish")


class BadInitialize(web.RequestHandler):
    def initialize(self, kind: str) -> None:
        raise web.HTTPError(402) if kind == "http" else RuntimeError("in initialize")


class NoMethods(web.RequestHandler):
    pass


class Configured(web.RequestHandler):
    def initialize(self, one: str, two: str = "2") -> None:
        self.one, self.two = one, two

    def get(self, name: str = "", number: str = "") -> None:
        self.write(f"{self.one} {self.two} {name!r} {number!r} {self.path_args!r} {self.path_kwargs!r}")


# -- entity tags


@action
def etag_own(self: Any) -> None:
    self.set_header("Etag", '"mine"')
    self.write("x")


@action
def etag_none(self: Any) -> None:
    self.write("x")
    self.compute_etag = lambda: None


@action
def etag_weak(self: Any) -> None:
    self.write("x")
    self.compute_etag = lambda: 'W/"weak"'


# -- redirects


@action
def redirects(self: Any) -> None:
    self.redirect(self.get_argument("to"), permanent=bool(self.get_argument("permanent", "")))


@action
def redirect_status(self: Any) -> None:
    self.redirect("/x", status=int(self.get_argument("status")))


@action
def redirect_flushed(self: Any) -> None:
    self.write("x")
    self.flush()
    self.redirect("/x")


# -- cookies


@action
def cookies_set(self: Any) -> None:
    self.set_cookie("plain", "value")
    self.set_cookie("spaced", 'a b;c,d"e\\f')
    self.set_cookie("bytes", b"x")
    self.set_cookie(
        "all", "v", domain="example.com", path="/p", max_age=5, httponly=True, secure=True, samesite="Lax"
    )
    self.set_cookie("expires", "v", expires=datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC))
    self.set_cookie("expires_float", "v", expires=2000000000.5)
    self.set_cookie("expires_tuple", "v", expires=(2030, 1, 2, 3, 4, 5, 0, 2, 0))
    self.set_cookie("days", "v", expires_days=3)
    self.set_cookie("nopath", "v", path="")
    self.set_cookie("twice", "1", path="/a")
    self.set_cookie("twice", "2", path="/b")
    self.set_cookie("empty", "")
    self.set_cookie("flags", "v", httponly=False, secure=False, samesite=None, domain=None)
    self.clear_cookie("gone")
    self.clear_cookie("gone_there", path="/p", domain="example.com")


@action
def cookies_refused(self: Any) -> None:
    for arguments in (
        {"name": "a b", "value": "x"},
        {"name": "a", "value": "x\n"},
        {"name": "a", "value": "\x01"},
        {"name": "", "value": "x"},
        {"name": "a;", "value": "x"},
        {"name": "a", "value": "x", "path": "/;x"},
        {"name": "a", "value": "x", "domain": "a;b"},
        {"name": "a", "value": "x", "samesite": "a;b"},
        {"name": "a", "value": "x", "unknown": 1},
    ):
        tell(self, lambda arguments=arguments: self.set_cookie(**arguments))
    tell(self, lambda: self.clear_cookie("a", expires=5))
    tell(self, lambda: self.clear_cookie("a", max_age=5))


@action
def cookies_read(self: Any) -> None:
    for name in ("a", "b", "c", "A", "none"):
        self.write(f"{name}={self.get_cookie(name)!r} {self.get_cookie(name, 'default')!r}\n")
    self.write(repr(sorted(self.cookies)))


@action
def cookies_clear_all(self: Any) -> None:
    self.clear_all_cookies(path="/x")


@action
def cookie_case_kwargs(self: Any) -> None:
    self.set_cookie("a", "b", HttpOnly=True, Max_Age=3)


@action
def signed(self: Any) -> None:
    self.set_signed_cookie("two", "value é")
    self.set_secure_cookie("one", b"value", version=1, expires_days=None)
    self.set_signed_cookie("long", "v", expires_days=2, httponly=True)


@action
def signed_read(self: Any) -> None:
    for name in ("s", "t"):
        for arguments in ({}, {"max_age_days": 100000}, {"max_age_days": 100000, "min_version": 2}):
            tell(self, lambda name=name, arguments=arguments: self.get_signed_cookie(name, **arguments))
            tell(self, lambda name=name, arguments=arguments: self.get_secure_cookie(name, **arguments))
        tell(self, lambda name=name: self.get_signed_cookie_key_version(name))
    tell(self, lambda: self.get_signed_cookie("s", value="x"))


@action
def signed_made(self: Any) -> None:
    clock = lambda: 1600000000.0  # noqa: E731
    for secret, version, key in (("s", 1, None), ("s", 2, None), ({3: "k"}, 2, 3)):
        made = web.create_signed_value(secret, "n", "välue", version=version, clock=clock, key_version=key)  # type: ignore[arg-type]
        self.write(made + b"\n")
        tell(self, lambda secret=secret, made=made: web.decode_signed_value(secret, "n", made, clock=clock))
        tell(self, lambda made=made: web.get_signature_key_version(made))


# -- users


class User(web.RequestHandler):
    def get_current_user(self) -> Any:
        return self.get_argument("user", None)

    @web.authenticated
    def get(self) -> None:
        self.write(f"hello {self.current_user}")

    head = post = put = get

    @web.authenticated
    async def delete(self) -> None:
        self.write("deleted")


class OwnLogin(User):
    def get_login_url(self) -> str:
        return self.get_argument("login")


class NoLogin(web.RequestHandler):
    @web.authenticated
    def get(self) -> None:
        self.write("never")


@action
def user_assigned(self: Any) -> None:
    self.write(repr(self.current_user))
    self.current_user = "someone"
    self.write(repr(self.current_user))


# -- xsrf and origins


class Token(web.RequestHandler):
    def get(self) -> None:
        self.write(self.xsrf_token)
        self.write(self.xsrf_form_html())

    def post(self) -> None:
        self.write("passed")

    put = delete = patch = post

    def options(self) -> None:
        self.write("options")


# -- slashes


class Slash(web.RequestHandler):
    @web.addslash
    def get(self) -> None:
        self.write(f"slash {self.request.path}")

    head = post = get


class NoSlash(web.RequestHandler):
    @web.removeslash
    def get(self) -> None:
        self.write(f"no slash {self.request.path}")

    head = post = get


# -- streamed bodies


@web.stream_request_body
class Stream(web.RequestHandler):
    def prepare(self) -> Awaitable[None] | None:
        self.seen: list[bytes] = []
        kind = self.path_args[0]
        if kind == "early":
            self.finish("early")
        if kind == "refuse":
            raise web.HTTPError(413)
        return asyncio.sleep(0.001) if kind == "slow" else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.seen.append(chunk)
        if self.path_args[0] == "bad":
            raise web.HTTPError(422)
        return asyncio.sleep(0) if self.path_args[0] == "slow" else None

    def post(self, kind: str) -> None:
        self.write(f"{b''.join(self.seen)!r} {self.request.body!r} {self.request.arguments!r}")

    get = put = post


# -- locale


@action
def locale_of(self: Any) -> None:
    self.write(f"{self.locale.code} {self.locale.name} {self.locale.translate('hello')}")
    self.write(f" {self.get_browser_locale('fr_FR').code} {self.get_user_locale()}")


class UserLocale(web.RequestHandler):
    def get_user_locale(self) -> Any:
        return locale.get("de_DE")

    def get(self) -> None:
        self.write(self.locale.code)


# -- pages


class Page(web.RequestHandler):
    def get_current_user(self) -> str:
        return "us<er"

    def get(self, name: str) -> None:
        self.render(name, items=["<a>", "b & c", 'd"e'], html="<i>x</i>", nothing=None)


class PageString(web.RequestHandler):
    def get(self) -> None:
        self.write(self.render_string("plain.html", items=["<a>"], html="<b>"))

    def get_template_namespace(self) -> dict[str, Any]:
        names = super().get_template_namespace()
        names["nothing"] = sorted(names)
        return names


class PageOwnAssets(Page):
    def render_linked_js(self, js_files: Any) -> str:
        return f"<!-- js {list(js_files)} -->"

    def render_embed_css(self, css_embed: Any) -> bytes:
        return b"<!-- css " + b"|".join([escape.utf8(one) for one in css_embed]) + b" -->"


class Entry(web.UIModule):
    def render(self, entry: str, mark: str = "") -> bytes:
        return self.render_string("entry.html", entry=entry, mark=mark)

    def embedded_css(self) -> str:
        return ".entry { margin: 0 }"

    def embedded_javascript(self) -> str:
        return "entry();"

    def css_files(self) -> list[str]:
        return ["entry.css", "/abs.css", "http://elsewhere/x.css"]

    def javascript_files(self) -> str:  # type: ignore[override]
        return "entry.js"

    def html_head(self) -> str:
        return "<!-- head -->"

    def html_body(self) -> str:
        return "<!-- body -->"


class Plain(web.UIModule):
    def render(self) -> str:
        return f"[{self.current_user} {self.locale.code} {self.request.path} {self.handler.get_status()}]"

    def javascript_files(self) -> list[str]:
        return ["plain.js", "entry.js"]


def shout(handler: Any, text: str) -> str:
    """A UI method."""
    return f"{text.upper()}! {handler.request.path}"


@action
def urls(self: Any) -> None:
    tell(self, lambda: self.reverse_url("home"))
    tell(self, lambda: self.reverse_url("configured", "a b/ü", 5))
    tell(self, lambda: self.reverse_url("configured", "a"))
    tell(self, lambda: self.reverse_url("nowhere"))
    tell(self, lambda: self.reverse_url("regular"))
    tell(self, lambda: self.application.reverse_url("nested", 7))
    tell(self, lambda: self.static_url("file.txt"))
    tell(self, lambda: self.static_url("file.txt", include_host=True))
    tell(self, lambda: self.static_url("file.txt", include_version=False))
    tell(self, lambda: self.static_url("none.txt"))
    tell(self, lambda: self.require_setting("nothing"))


# -- transforms


@action
def big_text(self: Any) -> None:
    self.write("text " * 500)


@action
def big_binary(self: Any) -> None:
    self.set_header("Content-Type", "image/png")
    self.write("text " * 500)


@action
def big_svg(self: Any) -> None:
    self.set_header("Content-Type", "image/svg+xml; charset=x")
    self.set_header("Vary", "Cookie")
    self.write("text " * 500)


@action
def big_encoded(self: Any) -> None:
    self.set_header("Content-Encoding", "identity")
    self.write("text " * 500)


@action
async def big_streamed(self: Any) -> None:
    for _ in range(3):
        self.write("text " * 500)
        await self.flush()


@action
async def small_streamed(self: Any) -> None:
    self.set_header("Content-Length", "4")
    self.write("ab")
    await self.flush()
    self.write("cd")


@action
def not_found_text(self: Any) -> None:
    self.set_status(404)
    self.write("x" * 2000)


class Wrapped(web.OutputTransform):
    """A transform of the application's own."""

    def __init__(self, request: Any) -> None:
        self.path = request.path

    def transform_first_chunk(
        self, status_code: int, headers: Any, chunk: bytes, finishing: bool
    ) -> tuple[int, Any, bytes]:
        headers["X-Wrapped"] = f"{self.path} {finishing}"
        if "Content-Length" in headers:
            headers["Content-Length"] = str(len(chunk) + 2)
        return (
            (200 if status_code == 404 else status_code),
            headers,
            b"<" + chunk + (b">" if finishing else b""),
        )

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        return b"[" + chunk + b"]" + (b">" if finishing else b"")


# -- frames around the life of a request


class Executes(web.RequestHandler):
    async def _execute(self, transforms: Any, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.set_header("X-Args", repr((args, kwargs, transforms)))
        await super()._execute(transforms, *args, **kwargs)

    def get(self, one: str) -> None:
        self.write(one)


class StaticOverridden(web.StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        self.set_header("X-Path", path)

    def get_cache_time(self, path: str, modified: Any, mime_type: str) -> int:
        return 60

    def get_content_type(self) -> str:
        return "text/own"

    @classmethod
    def get_content(cls, abspath: str, start: int | None = None, end: int | None = None) -> Any:
        return b"own content"[start:end]

    def get_content_size(self) -> int:
        return 11

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        return "version"
