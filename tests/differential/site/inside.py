"""What applications look at and lean on inside of handlers, requests and routers."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

from framework import gen, httputil, routing, web
from tests.differential.site.common import action, tell


@action
def inside_handler(self: Any) -> None:
    for name in (
        *("_status_code", "_reason", "_finished", "_auto_finish", "_headers_written", "_write_buffer"),
        *("_transforms", "_stream_request_body", "_prepared_future", "path_args", "path_kwargs"),
        *("current_user", "SUPPORTED_METHODS", "_new_cookie", "_current_user", "_locale"),
    ):
        tell(self, lambda name=name: getattr(self, name, "none"))
    tell(self, lambda: sorted(self._headers))
    tell(self, lambda: (type(self._headers).__name__, type(self._write_buffer).__name__))
    tell(self, lambda: self.settings is self.application.settings)
    tell(self, lambda: asyncio.iscoroutinefunction(self._execute))
    tell(self, lambda: (self.locale.code, self.locale.name, type(self.locale).__name__, self.locale.rtl))
    tell(self, lambda: (sorted(self.ui), sorted(self.get_template_namespace())))
    tell(self, lambda: self.ui["modules"]["Nope"])
    tell(self, lambda: self.ui.modules.Nope)
    tell(self, lambda: (len(self.xsrf_token), self.xsrf_form_html()[:42]))
    tell(self, lambda: self._new_cookie["_xsrf"].key)
    tell(self, lambda: self.require_setting("none", "it"))
    tell(self, lambda: self.decode_argument(b"\xff", "name"))
    tell(self, lambda: self.decode_argument(b"\xff"))
    tell(self, lambda: self._request_summary())
    tell(self, lambda: self._unimplemented_method())
    tell(self, lambda: self.compute_etag())
    tell(self, lambda: self.get_cookie("none", "default"))


@action
def inside_application(self: Any) -> None:
    application = self.application
    tell(self, lambda: (sorted(application.ui_modules), sorted(application.ui_methods)))
    tell(self, lambda: (application.transforms, application.default_host))
    tell(self, lambda: len(application.default_router.rules))
    tell(self, lambda: [type(rule.matcher).__name__ for rule in application.default_router.rules])
    tell(self, lambda: len(application.wildcard_router.rules))
    tell(self, lambda: sorted(application.wildcard_router.named_rules))
    rule = application.wildcard_router.rules[0]
    tell(self, lambda: (rule.matcher.regex.pattern, rule.target.__name__, rule.target_kwargs, rule.name))
    spec = application.wildcard_router.named_rules["configured"]
    tell(self, lambda: (spec.regex.pattern, spec.handler_class.__name__, spec.kwargs, spec.name))
    tell(self, lambda: (spec.reverse("a b", 5), spec.matcher.reverse("é/x", b"1"), spec.matcher._path))
    tell(self, lambda: application.reverse_url("none"))
    tell(self, lambda: application.reverse_url("configured", 1))


@action
def inside_request(self: Any) -> None:
    request = self.request
    context = request.connection.context
    tell(self, lambda: (context.protocol, context._orig_remote_ip, context._orig_protocol, str(context)))
    tell(self, lambda: context.address[0])
    tell(self, lambda: (request._finish_time, request._start_time <= request.request_time() + 1e12))
    tell(self, lambda: (type(request.headers).__name__, type(request.cookies).__name__))
    tell(self, lambda: request.full_url())
    for name in ("set_close_callback", "write", "finish", "write_headers", "detach", "set_max_body_size"):
        tell(self, lambda name=name: callable(getattr(request.connection, name)))


@action
def requests_by_hand(self: Any) -> None:
    class Context:
        remote_ip = "1.2.3.4"
        protocol = "https"

    class Connection:
        context = Context()

    def made(target: str, version: str = "HTTP/1.1", **options: Any) -> Any:
        line = httputil.RequestStartLine("GET", target, version)
        headers = httputil.HTTPHeaders({"Host": "Name.example:80", **options.pop("headers", {})})
        return httputil.HTTPServerRequest(start_line=line, headers=headers, **options)

    for one in (
        made("/a?b=c&b=d&e="),
        made("/", connection=Connection()),
        made("/x?y?z#f", body=b"body"),
        made("*", "HTTP/1.0"),
        made("http://other/path?q", files={"f": []}),
        made("/", headers={"Cookie": 'a="b\\054"; c; =d; bad[]=1'}),
    ):
        tell(self, lambda one=one: (one, one.path, one.query, one.uri, one.host_name, one.full_url()))
        tell(self, lambda one=one: (one.arguments, one.query_arguments, one.body_arguments, one.files))
        tell(self, lambda one=one: (one.body, one.remote_ip, one.protocol, one.connection is None))
        tell(self, lambda one=one: sorted((name, morsel.value) for name, morsel in one.cookies.items()))
    for host in ("a,b", "a b", "a/b", "a\\b"):
        tell(self, made, "/", headers={"Host": host})


@action
def header_objects(self: Any) -> None:
    make = httputil.HTTPHeaders
    for text in (
        "a: 1\r\nA: 2\r\n",
        "a: 1\r\n b\r\n",
        "a",
        " a: 1",
        "a : 1",
        "a: \x01",
        ": 1",
        "",
        "\r\n",
        "a:1\nb:2",
    ):
        tell(self, lambda text=text: sorted(make.parse(text).get_all()))
    headers = make({"content-TYPE": "a", "x": "1"})
    headers.add("X", "2")
    tell(self, lambda: (headers["x"], headers.get_list("X"), headers.get_list("none"), sorted(headers)))
    tell(self, lambda: (str(headers), len(headers), "CONTENT-type" in headers, headers.get("none", 5)))
    tell(self, lambda: (headers.pop("X"), headers.setdefault("New", "v"), sorted(headers.items())))
    tell(self, lambda: headers["none"])
    tell(self, lambda: headers.add("a b", "1"))
    tell(self, lambda: headers.add("a", "1\n"))
    tell(self, lambda: (headers.copy() == headers, make([("a", "1"), ("A", "2")])["a"], dict(make(a="1"))))


@action
def cookie_table(self: Any) -> None:
    # Without control characters: the newest releases of Python refuse them for Tornado, others send them in octal,
    # as is done here.
    for name, value in (
        *(
            ("a", "b"),
            ("b", "b c"),
            ("c", b"b"),
            ("d", "é"),
            ("e", ""),
            ("f", "a;b"),
            ("g", 'a"b'),
            ("h", "a,b"),
        ),
        *(
            ("i", "a=b&c"),
            ("j", "{}[]()<>@:/?"),
            ("é", "x"),
            ("a b", "x"),
            ("", "x"),
            ("path", "x"),
        ),
        *(("l", "\\"), ("n", "%20"), ("o;p", "x"), ("q=r", "x")),
    ):
        tell(self, self.set_cookie, name, value)
    soon = datetime.datetime(2030, 1, 1)  # noqa: DTZ001
    for name, options in (
        *(("A", {"domain": "d"}), ("B", {"expires": 0}), ("C", {"expires": soon}), ("D", {"max_age": 0})),
        *(
            ("E", {"samesite": "None"}),
            ("F", {"path": None}),
            ("G", {"HttpOnly": True}),
            ("H", {"expires_days": 0}),
        ),
        *(("I", {"secure": 1}), ("J", {"path": ""}), ("K", {"version": 1}), ("L", {"comment": "c"})),
    ):
        tell(self, self.set_cookie, name, "x", **options)


@action
def argument_table(self: Any) -> None:
    for name in ("q", "empty", "control", "invalid", "none", "a[]", "é", "plus"):
        for method in ("get_argument", "get_query_argument", "get_body_argument"):
            tell(self, getattr(self, method), name)
            tell(self, getattr(self, method), name, None)
            tell(self, getattr(self, method), name, "default", False)
            tell(self, getattr(self, method + "s"), name)


@action
def redirect_unicode(self: Any) -> None:
    self.redirect("/é x?a=b#c")


@action
def redirect_bytes(self: Any) -> None:
    self.redirect(b"/bytes", permanent=True)


@action
def redirect_both(self: Any) -> None:
    self.write("dropped?")
    self.redirect("../x", permanent=True, status=303)


@action
def redirect_line_break(self: Any) -> None:
    self.redirect("a\r\nb")


@action
def finish_with_dict(self: Any) -> None:
    self.set_status(201)
    raise web.Finish({"a": 1})


@action
async def raises_cancelled(self: Any) -> None:
    raise asyncio.CancelledError


@action
def raises_return(self: Any) -> None:
    raise gen.Return(5)


@action
def raises_strange_status(self: Any) -> None:
    raise web.HTTPError(299, "strange")


@action
def buffer_replaced(self: Any) -> None:
    self.write("replaced")
    self._write_buffer = [b"own ", b"chunks"]
    self._write_buffer.append(b"!")


@action
def headers_behind_the_back(self: Any) -> None:
    self._headers["x-own"] = "1"
    self._headers.add("X-Own", "2")
    del self._headers["Server"]
    self._status_code, self._reason = 203, "Own"


@action
async def status_after_flush(self: Any) -> None:
    self.write("a")
    await self.flush()
    self.set_status(500)
    self.set_cookie("too", "late")
    self.write("b")


@action
def write_subclasses(self: Any) -> None:
    class Text(str):
        pass

    class Dict(dict):  # type: ignore[type-arg]
        pass

    self.write(Text("text "))
    self.write(Dict(a=1))
    for wrong in (bytearray(b"x"), memoryview(b"x"), (1, 2), {1, 2}, object, 1.5, True):
        tell(self, self.write, wrong)


@action
def later_by_itself(self: Any) -> None:
    self._auto_finish = False
    asyncio.get_running_loop().call_soon(self.finish, "later")


@action
def routes_by_hand(self: Any) -> None:
    for pattern, arguments in (
        *(
            ("/a", ()),
            ("/a/(.*)/(\\d+)", ("x y", 5)),
            ("/a/(.*)", ()),
            ("/a$", ()),
            ("^/a", ()),
            ("/a\\.b", ()),
        ),
        *(("/a?", ()), ("/a\\d", ()), ("/a((b)c)", ("x", "y")), ("/(?P<x>.*)/(?P<y>.*)", (1, "é/ü"))),
        *(("/a[(]b", ()), ("/(?:a|b)/(c)", ("d",))),
    ):
        spec = web.url(pattern, web.RequestHandler, {"k": 1}, name="n")
        tell(
            self, lambda spec=spec: (spec.regex.pattern, spec.kwargs, spec.name, spec.handler_class.__name__)
        )
        tell(self, lambda spec=spec, arguments=arguments: spec.reverse(*arguments))
    tell(self, web.url, "/a(?P<x>b)/(c)", web.RequestHandler)
    tell(self, lambda: routing.ReversibleRuleRouter([("/a/(.*)", 5, None, "n")]).reverse_url("n", "z"))
    tell(self, lambda: routing.ReversibleRuleRouter([]).reverse_url("n"))
    tell(self, routing.RuleRouter, [("/a",)])
    tell(self, routing.RuleRouter, [("/a", 5, {}, "n", 6)])
    tell(
        self, lambda: web.Application([("/b", [("/b/(c)", web.RequestHandler, {}, "m")])]).reverse_url("m", 1)
    )
