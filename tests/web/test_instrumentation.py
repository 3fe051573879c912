"""What instrumentation does to this API from outside: methods replaced at run time, attributes looked at."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from framework.web import Application, HTTPError, RequestHandler
from tests.web.conftest import TalkTo
from tests.web.talk import get


class Plain(RequestHandler):
    """Made before anything is replaced."""

    def get(self, kind: str) -> None:
        if kind == "fail":
            raise RuntimeError("failed")
        if kind == "refuse":
            raise HTTPError(403)
        self.write("plain")


class Later(RequestHandler):
    """The same as a coroutine."""

    async def get(self, kind: str) -> None:
        if kind == "fail":
            raise RuntimeError("failed")
        self.write("later")


SITE = Application([("/plain/(.*)", Plain), ("/later/(.*)", Later)], log_function=lambda handler: None)

Calls = list[str]


def watched(monkeypatch: pytest.MonkeyPatch, name: str, calls: Calls, kind: Any = RequestHandler) -> None:
    """Replaces a method by one that tells of its calls."""
    original = getattr(kind, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(kind, name, method)


@pytest.mark.parametrize("path", ["/plain/x", "/later/x"])
@pytest.mark.parametrize(
    "name",
    [
        "__init__",
        "initialize",
        "prepare",
        "on_finish",
        "finish",
        "flush",
        "write",
        "compute_etag",
        "set_etag_header",
        "set_default_headers",
        "check_etag_header",
        "_log",
        "set_header",
    ],
)
async def test_replaced_method_is_called(
    talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    calls: Calls = []
    watched(monkeypatch, name, calls)
    reply = await talk_to(SITE).ask(get(path))
    assert reply.text in ("plain", "later")
    assert name in calls


@pytest.mark.parametrize("path", ["/plain/fail", "/later/fail"])
async def test_replaced_methods_for_errors_are_called(
    talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    calls: Calls = []
    names = ["log_exception", "send_error", "write_error", "_handle_request_exception", "clear", "set_status"]
    for name in names:
        watched(monkeypatch, name, calls)
    assert (await talk_to(SITE).ask(get(path))).status == 500
    assert set(names) == set(calls)


@pytest.mark.parametrize("path", ["/plain/x", "/later/x", "/plain/fail", "/nowhere"])
async def test_execute_replaced_on_the_base_class_surrounds_every_request(
    talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    seen: list[Any] = []
    original = RequestHandler._execute

    async def execute(self: Any, transforms: Any, *args: Any, **kwargs: Any) -> None:
        seen.append((type(self).__name__, self.request.path, args))
        await original(self, transforms, *args, **kwargs)
        seen.append(self.get_status())

    talk = talk_to(SITE)
    monkeypatch.setattr(RequestHandler, "_execute", execute)
    status = (await talk.ask(get(path))).status
    assert len(seen) == 2
    assert seen[1] == status


async def test_methods_of_one_class_replaced_while_it_is_made(
    talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Calls = []
    original = RequestHandler.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if not calls:
            for name in ("prepare", "on_finish", "log_exception"):
                watched(monkeypatch, name, calls, type(self))
        original(self, *args, **kwargs)

    monkeypatch.setattr(RequestHandler, "__init__", init)
    assert (await talk_to(SITE).ask(get("/plain/fail"))).status == 500
    assert calls == ["prepare", "log_exception", "on_finish"]


async def test_application_methods_replaced(talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Calls = []
    watched(monkeypatch, "log_request", calls, Application)
    watched(monkeypatch, "find_handler", calls, Application)
    assert (await talk_to(SITE).ask(get("/plain/x"))).text == "plain"
    assert calls == ["find_handler", "log_request"]


async def test_what_is_put_on_a_request_or_handler_stays(
    talk_to: TalkTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[Any] = []

    def prepare(self: Any) -> None:
        self.request._span = self._span = object()

    def on_finish(self: Any) -> None:
        spans.append(self.request._span is self._span)

    monkeypatch.setattr(Plain, "prepare", prepare, raising=False)
    monkeypatch.setattr(Plain, "on_finish", on_finish, raising=False)
    await talk_to(SITE).ask(get("/plain/x"))
    assert spans == [True]


async def test_attributes_that_are_looked_at(talk_to: TalkTo) -> None:
    told: dict[str, Any] = {}

    class Looked(RequestHandler):
        def get(self, name: str) -> None:
            self.write("a")
            told["before"] = {
                key: getattr(self, key)
                for key in ("_write_buffer", "_finished", "_auto_finish", "_headers_written", "_status_code")
            }
            told["reason"] = self._reason
            told["transforms"] = self._transforms
            told["paths"] = (self.path_args, self.path_kwargs)
            connection: Any = self.request.connection
            told["ip"] = (self.request.remote_ip, connection.context._orig_remote_ip)
            told["has"] = [hasattr(self, key) for key in ("_current_user", "_locale", "_new_cookie")]
            told["summary"] = self._request_summary()

        def on_finish(self) -> None:
            told["after"] = (self._finished, self._headers_written, self._write_buffer, self._status_code)

    application = Application([("/(.*)", Looked)], log_function=lambda handler: None)
    talk_to(application, xheaders=True).now(get("/x", "X-Real-Ip: 1.2.3.4"))
    assert told == {
        "before": {
            "_write_buffer": [b"a"],
            "_finished": False,
            "_auto_finish": True,
            "_headers_written": False,
            "_status_code": 200,
        },
        "reason": "OK",
        "transforms": [],
        "paths": (["x"], {}),
        "ip": ("1.2.3.4", "127.0.0.1"),
        "has": [False, False, False],
        "summary": "GET /x (1.2.3.4)",
        "after": (True, True, [], 200),
    }


async def test_initialize_without_super_is_enough(talk_to: TalkTo) -> None:
    class Own(RequestHandler):
        def initialize(self, **kwargs: Any) -> None:
            self.kwargs = kwargs

        def get(self) -> None:
            self.write(str(self.kwargs))

    assert talk_to(Application([("/", Own, {"a": 1})])).now(get()).text == "{'a': 1}"


async def test_mixin_of_methods(talk_to: TalkTo) -> None:
    calls: list[str] = []

    class Timed:
        def prepare(self) -> None:
            calls.append("prepare")
            super().prepare()  # type: ignore[misc]

        def on_finish(self) -> None:
            calls.append("on_finish")
            super().on_finish()  # type: ignore[misc]

    class Mixed(Timed, Plain):
        pass

    assert talk_to(Application([("/(.*)", Mixed)])).now(get("/x")).text == "plain"
    assert calls == ["prepare", "on_finish"]


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that keeps nothing of what it decorates."""
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


async def test_decorated_methods(talk_to: TalkTo) -> None:
    class Decorated(RequestHandler):
        @wrapped
        async def get(self) -> None:
            self.write("decorated")

    assert (await talk_to(Decorated).ask(get())).text == "decorated"
