"""The applications that are asked, one for each way of setting one up."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from framework import httputil, locale, routing, web
from tests.differential.site import handlers as site
from tests.differential.site import statics
from tests.differential.site.common import Do

HERE = os.path.dirname(os.path.abspath(__file__))
SIGNED_WITH = "a secret that is long enough"


def fallback(request: Any) -> None:
    """A function as the target of `FallbackHandler`."""
    body = f"fallback {request.method} {request.path} {request.body!r}".encode()
    line = httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
    request.connection.write_headers(line, httputil.HTTPHeaders({"Content-Length": str(len(body))}), body)
    request.connection.finish()


def called(request: Any) -> None:
    """A function as the target of a rule."""
    body = f"called {request.method} {request.path} {request.body!r}".encode()
    line = httputil.ResponseStartLine("HTTP/1.1", 203, "Called")
    request.connection.write_headers(line, httputil.HTTPHeaders({"Content-Length": str(len(body))}), body)
    request.connection.finish()


class Message(httputil.HTTPMessageDelegate):
    """A delegate as a rule's target."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.heard: list[str] = []

    def headers_received(self, start_line: Any, headers: Any) -> None:
        self.heard.append(f"{start_line.method} {start_line.path}")

    def data_received(self, chunk: bytes) -> None:
        self.heard.append(repr(chunk))

    def finish(self) -> None:
        body = " ".join(self.heard).encode()
        line = httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
        self.connection.write_headers(line, httputil.HTTPHeaders({"Content-Length": str(len(body))}), body)
        self.connection.finish()


class Delegate(httputil.HTTPServerConnectionDelegate):
    """A server's delegate as a rule's target."""

    def start_request(self, server_conn: object, request_conn: Any) -> Message:
        return Message(request_conn)


class OwnRouter(routing.Router):
    """A router that is no list of rules."""

    def __init__(self, application: web.Application) -> None:
        self.application = application

    def find_handler(self, request: Any, **kwargs: Any) -> Any:
        if request.path.endswith("/none"):
            return None
        return self.application.get_handler_delegate(
            request, site.Configured, target_kwargs={"one": "router"}, path_args=[request.path.encode()]
        )


class ByHeader(routing.Matcher):
    """A matcher of one's own."""

    def match(self, request: Any) -> dict[str, Any] | None:
        value = request.headers.get("X-Way")
        return None if value is None else {"path_args": [value.encode()], "path_kwargs": {}}


def main() -> web.Application:
    """Nearly everything."""
    application = web.Application(
        [
            (r"/", site.Echo, None, "home"),
            (r"/do/(\w+)", Do),
            (r"/echo/?", site.Echo),
            (r"/echo/(\w+)/(.*)", site.Echo),
            (r"/named/(?P<first>[^/]+)/(?P<second>.*)", site.Echo),
            (r"/optional(?:/(a))?(?:/(b))?", site.Echo),
            (r"/args", site.Args),
            (r"/need", site.Need),
            (r"/latin/(.*)/(.*)", site.Latin),
            (r"/json", site.Json),
            (r"/upload", site.Upload),
            (r"/status/(\d+)", site.Status),
            (r"/status/(\d+)/(.+)", site.Status),
            (r"/defaults/(\w+)", site.Defaults),
            (r"/own-errors/(\w+)", site.OwnErrors),
            (r"/broken-log", site.BrokenLog),
            (r"/prepared/([\w-]+)", site.Prepared),
            (r"/bad-initialize/http", site.BadInitialize, {"kind": "http"}),
            (r"/bad-initialize/crash", site.BadInitialize, {"kind": "crash"}),
            (r"/bad-initialize/arguments", site.BadInitialize),
            (r"/no-methods", site.NoMethods),
            web.url(r"/configured/(.*)/(\d+)", site.Configured, {"one": "1"}, name="configured"),
            web.URLSpec(r"/configured-too", site.Configured, {"one": "1", "two": "too"}),
            (r"/too-many/(.*)/(.*)/(.*)", site.Configured, {"one": "1"}),
            web.URLSpec(re.compile(r"/compiled"), site.Echo),
            (r"^/anchored$", site.Echo),
            (r"/regular\d[x-z]", site.Configured, {"one": "r"}, "regular"),
            (r"/user", site.User),
            (r"/own-login", site.OwnLogin),
            (r"/no-login", site.NoLogin),
            (r"/slash/?", site.Slash),
            (r"//slash//host/?", site.Slash),
            (r"/no-slash/?", site.NoSlash),
            (r"/*", site.NoSlash),
            (r"/stream/(\w+)", site.Stream),
            (r"/user-locale", site.UserLocale),
            (r"/page/(.*)", site.Page),
            (r"/page-string", site.PageString),
            (r"/page-assets/(.*)", site.PageOwnAssets),
            (r"/executes/(.*)", site.Executes),
            (r"/redirect", web.RedirectHandler, {"url": "/target"}),
            (r"/redirect-302", web.RedirectHandler, {"url": "/target?a=1", "permanent": False}),
            (r"/redirect/(.*)/(.*)", web.RedirectHandler, {"url": "/{1}/{0}"}),
            (r"/redirect-named/(?P<x>.*)/(?P<y>.*)", web.RedirectHandler, {"url": "http://e.com/{y}?x={x}"}),
            (r"/redirect-short/(.*)", web.RedirectHandler, {"url": "/{0}/{1}"}),
            (r"/error-handler", web.ErrorHandler, {"status_code": 410}),
            (r"/fallback/(.*)", web.FallbackHandler, {"fallback": fallback}),
            (
                r"/to-bare/.*",
                web.FallbackHandler,
                {"fallback": web.Application([(r"/to-bare/(hello)", Do)])},
            ),
            (r"/called/.*", called),
            (r"/delegate.*", Delegate()),
            (
                r"/nested/.*",
                [
                    (r"/nested/a", site.Configured, {"one": "na"}),
                    (r"/nested/(\d+)", site.Echo, None, "nested"),
                ],
            ),
            (routing.PathMatches(r"/matched/(.*)"), site.Echo),
            routing.Rule(ByHeader(), site.Echo),
            routing.Rule(routing.PathMatches("/ruled"), site.Configured, {"one": "ruled"}, "ruled"),
            (r"/slow-static/(.*)", site.StaticOverridden, {"path": os.path.join(HERE, "static")}),
            (
                r"/files/(.*)",
                web.StaticFileHandler,
                {"path": os.path.join(HERE, "static"), "default_filename": "index.html"},
            ),
            *statics.routes(),
        ],
        static_path=os.path.join(HERE, "static"),
        template_path=os.path.join(HERE, "templates"),
        ui_modules=[{"Entry": site.Entry}, {"Plain": site.Plain, "shout": site.shout}],
        ui_methods={"shout": site.shout, "_hidden": site.shout, "Upper": site.shout},
        cookie_secret=SIGNED_WITH,
        login_url="/login",
    )
    application.add_handlers(
        r"host\.example", [(r"/", site.Configured, {"one": "host"}), (r"/only", site.Echo)]
    )
    application.add_handlers(r".*\.wild\.example", [(r"/(.*)/(\d+)", site.Configured, {"one": "wild"})])
    router = OwnRouter(application)
    application.add_handlers("router.example", [(routing.AnyMatches(), router)])
    return application


def debugging() -> web.Application:
    """Error pages with tracebacks."""
    return web.Application(
        [(r"/do/(\w+)", Do), (r"/own-errors/(\w+)", site.OwnErrors)], debug=True, autoreload=False
    )


def bare() -> web.Application:
    """No settings and next to no routes."""
    return web.Application([(r"/do/(\w+)", Do), (r"/no-login", site.NoLogin), (r"/token", site.Token)])


def nothing() -> web.Application:
    """Not even routes."""
    return web.Application()


def default_handler() -> web.Application:
    """An own handler where no route fits, and a default host."""
    application = web.Application(
        [(r"/all", site.Configured, {"one": "all"})],
        default_host="default.example",
        default_handler_class=site.Configured,
        default_handler_args={"one": "default"},
    )
    application.add_handlers("default.example", [(r"/here", site.Configured, {"one": "default host"})])
    application.add_handlers("other.example", [(r"/here", site.Configured, {"one": "other host"})])
    return application


def log_function() -> web.Application:
    """Requests logged by a function of the application's own."""
    seen: list[str] = []

    def log(handler: Any) -> None:
        seen.append(f"{handler.get_status()} {handler.request.path} {handler.request.request_time() >= 0}")
        if handler.request.path == "/do/hello":
            raise RuntimeError("in log_function")

    class Seen(web.RequestHandler):
        def get(self) -> None:
            self.write("\n".join(seen))

    return web.Application([(r"/do/(\w+)", Do), (r"/seen", Seen)], log_function=log)


def compressed() -> web.Application:
    """Responses compressed."""
    return web.Application(
        [
            (r"/do/(\w+)", Do),
            (r"/files/(.*)", web.StaticFileHandler, {"path": os.path.join(HERE, "static")}),
        ],
        compress_response=True,
    )


def transformed() -> web.Application:
    """A transform of its own."""
    return web.Application(
        [(r"/do/(\w+)", Do), (r"/executes/(.*)", site.Executes)], transforms=[site.Wrapped]
    )


def xsrf(version: int, **more: Any) -> Callable[[], web.Application]:
    """Protection by token."""

    def make() -> web.Application:
        return web.Application(
            [
                (r"/token", site.Token),
                (r"/do/(\w+)", Do),
                (r"/gone", web.ErrorHandler, {"status_code": 410}),
            ],
            xsrf_cookies=True,
            xsrf_cookie_version=version,
            **more,
        )

    return make


def origins() -> web.Application:
    """Protection by origin."""
    return web.Application(
        [(r"/token", site.Token)],
        cross_origin_protection=True,
        trusted_origins=["https://trusted.example", "http://port.example:8080"],
    )


def unescaped() -> web.Application:
    """Templates that escape nothing and keep all white space."""
    return web.Application(
        [(r"/page/(.*)", site.Page)],
        # A path of its own, as loaders may be kept by it.
        template_path=os.path.join(HERE, "templates", ""),
        autoescape=None,
        template_whitespace="all",
        static_path=os.path.join(HERE, "static"),
        static_url_prefix="/s/",
        ui_modules={"Entry": site.Entry, "Plain": site.Plain},
        ui_methods={"shout": site.shout},
    )


APPLICATIONS: dict[str, Callable[[], Any]] = {
    "main": main,
    "debugging": debugging,
    "bare": bare,
    "nothing": nothing,
    "default_handler": default_handler,
    "log_function": log_function,
    "compressed": compressed,
    "transformed": transformed,
    "xsrf1": xsrf(1),
    "xsrf2": xsrf(2),
    "xsrf_named": xsrf(
        2, xsrf_cookie_name="tok", xsrf_cookie_kwargs={"httponly": True, "samesite": "Strict"}
    ),
    "origins": origins,
    "unescaped": unescaped,
    "router": lambda: routing.RuleRouter(
        [
            (routing.HostMatches("bare.example"), bare()),
            (routing.PathMatches("/called.*"), called),
            ("/delegate", Delegate()),
            (routing.PathMatches("/sub/.*"), routing.RuleRouter([(r"/sub/called", called)])),
            (routing.PathMatches("/do/.*"), bare()),
        ]
    ),
}


def prepare() -> None:
    """What is set once a process."""
    locale.load_translations(os.path.join(HERE, "translations"))
