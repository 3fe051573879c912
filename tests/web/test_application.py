"""Applications: settings, routes, hosts, and the two ways to their handlers."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable
from typing import Any

import pytest

from framework.httpserver import HTTPServer
from framework.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from framework.routing import AnyMatches, Matcher, PathMatches, Router, Rule
from framework.web import (
    Application,
    ErrorHandler,
    GZipContentEncoding,
    OutputTransform,
    RequestHandler,
    StaticFileHandler,
    TemplateModule,
    UIModule,
    stream_request_body,
    url,
)
from framework.web.service import ApplicationService
from framework.web.transforms import Compression
from tests.web.conftest import TalkTo
from tests.web.talk import get, request


class Say(RequestHandler):
    """Says its name and its arguments."""

    def initialize(self, name: str = "say") -> None:
        self.name = name

    def get(self, *args: str, **kwargs: str) -> None:
        self.write(f"{self.name} {args} {kwargs}")

    def post(self, *args: str) -> None:
        self.write(f"{self.name} {self.request.body!r}")


# -- settings


def test_settings_are_what_is_given() -> None:
    assert Application(thing=5).settings == {"thing": 5}
    assert Application().settings == {}


def test_debug_stands_for_several_settings() -> None:
    assert Application(debug=True, autoreload=False).settings == {
        "debug": True,
        "autoreload": False,
        "serve_traceback": True,
        "compiled_template_cache": False,
        "static_hash_cache": False,
    }
    assert Application(debug=False).settings == {"debug": False}


def test_transforms_are_those_given_or_compression() -> None:
    assert Application().transforms == []
    assert Application(compress_response=True).transforms == [Compression]
    assert issubclass(Compression, GZipContentEncoding)
    assert Application(transforms=[], compress_response=True).transforms == []
    application = Application()
    application.add_transform(OutputTransform)
    assert application.transforms == [OutputTransform]


class Panel(UIModule):
    pass


def shown(handler: Any) -> str:
    return "shown"


def test_ui_modules_and_methods_from_mappings_modules_and_lists() -> None:
    module = types.ModuleType("ui")
    module.Panel = Panel  # type: ignore[attr-defined]
    module.shown = shown  # type: ignore[attr-defined]
    module._hidden = shown  # type: ignore[attr-defined]
    module.Shown = shown  # type: ignore[attr-defined]
    module.text = "not a function"  # type: ignore[attr-defined]
    for given in (module, [module], [{"Panel": Panel, "shown": shown}]):
        application = Application(ui_modules=given, ui_methods=given)
        assert application.ui_modules["Panel"] is Panel
        assert application.ui_modules["Template"] is TemplateModule
        assert application.ui_methods == {"shown": shown}


@pytest.mark.parametrize("setting", ["ui_modules", "ui_methods"])
@pytest.mark.parametrize("wrong", [3, None, "module", UIModule, [{}, 3]])
def test_ui_settings_of_another_kind_are_refused(setting: str, wrong: object) -> None:
    expected = rf"the setting {setting} must be a module, a dict of names, or a list of those, not "
    with pytest.raises(TypeError, match=expected):
        Application(**{setting: wrong})  # type: ignore[arg-type]  # mypy takes it for the others


def test_static_path_makes_routes_before_the_others() -> None:
    application = Application(
        [("/a", Say)], static_path="/srv", static_url_prefix="/s/", static_handler_args={"x": 1}
    )
    assert [rule.matcher.regex.pattern for rule in application.wildcard_router.rules] == [  # type: ignore[attr-defined]
        r"/(robots\.txt)$",
        r"/(favicon\.ico)$",
        "/s/(.*)$",
        "/a$",
    ]
    first = application.wildcard_router.rules[0]
    assert (first.target, first.target_kwargs) == (StaticFileHandler, {"x": 1, "path": "/srv"})


def test_static_handler_class_of_ones_own() -> None:
    class Own(StaticFileHandler):
        pass

    application = Application(static_path="/srv", static_handler_class=Own)
    assert application.wildcard_router.rules[0].target is Own


# -- routes


async def test_routes_of_every_form(talk_to: TalkTo) -> None:
    application = Application(
        [
            ("/tuple", Say),
            ["/list", Say, {"name": "list"}],
            url("/url/(.*)", Say, {"name": "url"}, name="url"),
            Rule(PathMatches("/rule"), Say, {"name": "rule"}),
            ("/nested/.*", [("/nested/(?P<x>.*)", Say, {"name": "nested"}, "nested")]),
            (PathMatches("/matcher"), "framework.web.ErrorHandler", {"status_code": 410}),
        ]
    )
    talk = talk_to(application)
    assert talk.now(get("/tuple")).text == "say () {}"
    assert talk.now(get("/list")).text == "list () {}"
    assert talk.now(get("/url/a%20b")).text == "url ('a b',) {}"
    assert talk.now(get("/rule")).text == "rule () {}"
    assert (await talk.ask(get("/nested/y"))).text == "nested () {'x': 'y'}"
    assert talk.now(get("/matcher")).status == 410
    assert talk.now(get("/nowhere")).status == 404
    assert application.reverse_url("url", "é") == "/url/%C3%A9"
    assert application.reverse_url("nested", "z") == "/nested/z"


async def test_arguments_of_one_request_are_not_those_of_the_next(talk_to: TalkTo) -> None:
    talk = talk_to(Application([("/(.*)", Say)]))
    assert talk.now(get("/a")).text == "say ('a',) {}"
    assert talk.now(get("/")).text == "say ('',) {}"


async def test_default_handler(talk_to: TalkTo) -> None:
    application = Application(default_handler_class=Say, default_handler_args={"name": "default"})
    assert talk_to(application).now(get("/x")).text == "default () {}"
    assert talk_to(Application(default_handler_class=Say)).now(get("/x")).text == "say () {}"


async def test_hosts(talk_to: TalkTo) -> None:
    application = Application([("/", Say, {"name": "any"}), ("/only", Say)])
    application.add_handlers(r"example\.com", [("/", Say, {"name": "host"})])
    application.add_handlers(r".*\.net$", [("/", Say, {"name": "net"})])
    talk = talk_to(application)
    assert talk.now(get("/")).text == "host () {}"
    assert talk.now(get("/only")).text == "say () {}"
    raw = get("/").replace(b"example.com", b"a.net:80")
    assert talk.now(raw).text == "net () {}"
    assert talk.now(get("/").replace(b"example.com", b"else.where")).text == "any () {}"


async def test_default_host(talk_to: TalkTo) -> None:
    application = Application([("/all", Say)], default_host="main.net")
    application.add_handlers(r"main\.net", [("/", Say, {"name": "main"})])
    application.add_handlers(r"other\.net", [("/", Say, {"name": "other"})])
    talk = talk_to(application)
    assert (await talk.ask(get("/"))).text == "main () {}"
    assert (await talk.ask(get("/", "X-Real-Ip: 1.2.3.4"))).status == 404


async def test_matcher_among_the_hosts(talk_to: TalkTo) -> None:
    class ByField(Matcher):
        def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
            return {} if "X-Way" in request.headers else None

    application = Application([("/", Say)])
    inner = Application([("/", Say, {"name": "inner"})])
    application.default_router.rules.insert(0, Rule(ByField(), inner))
    application.wildcard_router.add_rules([Rule(ByField(), Say, {"name": "field"})])
    talk = talk_to(application)
    assert talk.now(get("/")).text == "say () {}"
    assert (await talk.ask(get("/", "X-Way: 1"))).text == "inner () {}"
    application.default_router.rules.pop(0)
    assert talk.now(get("/else", "X-Way: 1")).text == "field () {}"


async def test_routes_that_are_added_later_are_found(talk_to: TalkTo) -> None:
    application = Application([("/", Say)])
    talk = talk_to(application)
    assert talk.now(get("/later")).status == 404
    application.wildcard_router.add_rules([("/later", Say, {"name": "later"})])
    assert talk.now(get("/later")).text == "later () {}"


# -- ways to the handlers


async def done() -> asyncio.Future[None]:
    """A future that is done."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


async def test_plain_application_has_a_short_way() -> None:
    assert isinstance(Application().direct_service(await done()), ApplicationService)


@pytest.mark.parametrize(
    "name", ["start_request", "find_handler", "get_handler_delegate", "on_close", "__call__"]
)
async def test_overridden_or_replaced_methods_are_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = type("Own", (Application,), {name: lambda self, *args, **kwargs: None})
    assert own().direct_service(await done()) is None
    monkeypatch.setattr(Application, name, lambda self, *args, **kwargs: None)
    assert Application().direct_service(await done()) is None


async def test_long_way_gives_the_same_answers(talk_to: TalkTo) -> None:
    class Long(Application):
        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
            return super().find_handler(request, **kwargs)

    rules: list[Any] = [("/(.*)", Say)]
    for raw in (get("/a"), request("/", "POST", body=b"abc"), request("/", "DELETE")):
        replies = [await talk_to(kind(rules)).ask(raw) for kind in (Application, Long)]
        assert replies[0].body == replies[1].body
        assert replies[0].status == replies[1].status


async def test_delegates_and_streams_take_the_long_way(talk_to: TalkTo) -> None:
    @stream_request_body
    class Stream(RequestHandler):
        def prepare(self) -> None:
            self.got = b""

        def data_received(self, chunk: bytes) -> Awaitable[None] | None:
            self.got += chunk
            return None

        def post(self) -> None:
            self.write(self.got)

    class Own(Router):
        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
            return application.get_handler_delegate(request, Say, {"name": "own"}, [b"x"])

    application = Application([("/stream", Stream), ("/own", Own()), (".*", Say)])
    talk = talk_to(application)
    assert (await talk.ask(request("/stream", "POST", body=b"abc"))).text == "abc"
    assert (await talk.ask(request("/stream", "POST", "Content-Length: 4"), b"ab", b"cd")).text == "abcd"
    assert (await talk.ask(get("/own"))).text == "own ('x',) {}"
    assert (await talk.ask(request("/own", "POST", "Content-Length: 4"), b"ab", b"cd")).text == "own b'abcd'"
    assert (await talk.ask(request("/else", "POST", "Content-Length: 4"), b"ab", b"cd")).text == "say b'abcd'"


class Kept:
    """A connection that keeps what is written."""

    context = None

    def __init__(self) -> None:
        self.sent = b""

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> Any:
        self.sent += chunk or b""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def finish(self) -> None:
        self.sent += b"."


async def test_application_is_a_function_of_requests() -> None:
    @stream_request_body
    class Stream(RequestHandler):
        async def prepare(self) -> None:
            self.got = b""

        async def data_received(self, chunk: bytes) -> None:
            self.got += chunk

        def post(self) -> None:
            self.write(self.got)

    class Slow(RequestHandler):
        async def post(self) -> None:
            await asyncio.sleep(0)
            self.write("slow")

    application = Application([("/say", Say), ("/stream", Stream), ("/slow", Slow)])
    for path, sent in (("/say", b"say b'abc'."), ("/stream", b"abc."), ("/slow", b"slow.")):
        kept: Any = Kept()
        line = RequestStartLine("POST", path, "HTTP/1.1")
        made = HTTPServerRequest(
            start_line=line, headers=HTTPHeaders({"Host": "a"}), body=b"abc", connection=kept
        )
        waiting = application(made)
        if waiting is not None:
            await waiting
        for _ in range(3):
            await asyncio.sleep(0)
        assert kept.sent == sent


async def test_application_in_an_application(talk_to: TalkTo) -> None:
    inner = Application([("/in/(.*)", Say, {"name": "inner"})])
    outer = Application([("/in/.*", inner), (AnyMatches(), Say, {"name": "outer"})])
    talk = talk_to(outer)
    assert (await talk.ask(get("/in/x"))).text == "inner ('x',) {}"
    assert (await talk.ask(get("/x"))).text == "outer () {}"


async def test_listen_serves_on_a_port() -> None:
    server = Application([("/", Say)]).listen(0, "127.0.0.1", xheaders=True)
    assert isinstance(server, HTTPServer)
    assert server.xheaders
    (socket,) = server._sockets.values()
    reader, writer = await asyncio.open_connection(*socket.getsockname())
    writer.write(get("/", "Connection: close"))
    assert (await reader.read()).endswith(b"\r\n\r\nsay () {}")
    writer.close()
    await writer.wait_closed()
    server.stop()
    await server.close_all_connections()


# -- the log


class Status(RequestHandler):
    """Answers with a status."""

    def get(self, status: str) -> None:
        self.set_status(int(status))


@pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (404, "WARNING"), (500, "ERROR")])
async def test_requests_are_logged_by_their_status(
    talk_to: TalkTo, status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "framework.access")
    talk_to(Application([("/(.*)", Status)])).now(get(f"/{status}"))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("framework.access", level)
    assert record.getMessage().startswith(f"{status} GET /{status} (127.0.0.1) ")
    assert record.getMessage().endswith("ms")


async def test_success_is_not_logged_where_nobody_listens(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "framework.access")
    talk_to(Application([("/(.*)", Status)])).now(get("/200"))
    assert not caplog.records


async def test_log_function_takes_the_place_of_the_log(
    talk_to: TalkTo, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []
    application = Application(
        [("/(.*)", Status)],
        log_function=lambda handler: seen.append((handler.get_status(), handler.request.path)),
    )
    talk_to(application).now(get("/404"))
    assert seen == [(404, "/404")]
    assert not caplog.records


async def test_log_request_may_be_overridden(talk_to: TalkTo) -> None:
    seen = []

    class Own(Application):
        def log_request(self, handler: RequestHandler) -> None:
            seen.append(handler.request.request_time() >= 0)

    talk_to(Own([("/(.*)", Status)])).now(get("/200"))
    assert seen == [True]


def test_error_handler_is_the_default_for_what_can_not_be_made() -> None:
    assert Application.error_handler_class is ErrorHandler


async def test_a_route_is_looked_up_once_for_a_request_with_a_body(talk_to: TalkTo) -> None:
    asked: list[str | None] = []

    class Everything(Matcher):
        def match(self, request: HTTPServerRequest) -> dict[str, Any]:
            asked.append(request.path)
            return {}

    class Length(RequestHandler):
        def post(self) -> None:
            self.write(str(len(self.request.body)))

    application = Application([Rule(Everything(), Length)], log_function=lambda handler: None)
    reply = await talk_to(application).ask(request("/x", "POST", "Content-Length: 4"), b"body")
    assert (reply.text, asked) == ("4", ["/x"])
