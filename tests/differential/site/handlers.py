"""Handler classes, UI modules and transforms whose answers are compared."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from framework import escape, locale, web
from tests.differential.site.common import tell


class Echo(web.RequestHandler):
    SUPPORTED_METHODS = (*web.RequestHandler.SUPPORTED_METHODS, "PURGE", "REPORT")

    def get(self, *args: Any, **kwargs: Any) -> None:
        request = self.request
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        for name in (
            "method",
            "uri",
            "path",
            "query",
            "version",
            "protocol",
            "host",
            "host_name",
            "remote_ip",
        ):
            self.write(f"{name}: {getattr(request, name)!r}\n")
        for name in ("arguments", "query_arguments", "body_arguments", "body", "files"):
            self.write(f"{name}: {getattr(request, name)!r}\n")
        self.write(f"args: {args!r} {kwargs!r} {self.path_args!r} {self.path_kwargs!r}\n")
        self.write(f"headers: {sorted(request.headers.get_all())!r}\n")
        self.write(f"cookies: {sorted((name, one.value) for name, one in request.cookies.items())!r}\n")
        self.write(f"url: {request.full_url()!r} {request!r}\n")
        connection: Any = request.connection
        self.write(f"{connection.context._orig_remote_ip}\n")

    post = put = patch = delete = purge = options = get


class Args(web.RequestHandler):
    def get(self) -> None:
        for name in ("a", "b", "c", "d", "e", ""):
            for method in ("argument", "query_argument", "body_argument"):
                one, all_of = getattr(self, f"get_{method}"), getattr(self, f"get_{method}s")
                tell(self, one, name)
                tell(self, one, name, None, False)
                tell(self, all_of, name)
                tell(self, all_of, name, strip=False)

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


class Status(web.RequestHandler):
    def get(self, code: str, reason: str = "") -> None:
        self.set_status(int(code), reason or None)
        if code not in ("204", "304") and not code.startswith("1"):
            self.write(f"{self.get_status()} {self._reason}")

    head = get


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
        return str(self.get_argument("login"))


class NoLogin(web.RequestHandler):
    @web.authenticated
    def get(self) -> None:
        self.write("never")


class Token(web.RequestHandler):
    def get(self) -> None:
        self.write(self.xsrf_token)
        self.write(self.xsrf_form_html())

    def post(self) -> None:
        self.write("passed")

    put = delete = patch = post

    def options(self) -> None:
        self.write("options")


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


class UserLocale(web.RequestHandler):
    def get_user_locale(self) -> Any:
        return locale.get("de_DE")

    def get(self) -> None:
        self.write(self.locale.code)


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

    def javascript_files(self) -> str:
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
