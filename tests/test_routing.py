"""Routers, rules and matchers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from framework import routing
from framework.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from framework.routing import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    Matcher,
    PathMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Router,
    Rule,
    RuleRouter,
    URLSpec,
)
from framework.web import RequestHandler


class Connection:
    """A connection that keeps what is written."""

    context = None

    def __init__(self) -> None:
        self.status: int | None = None
        self.sent = b""

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> None:
        self.status = start_line.code
        self.sent += chunk or b""

    def finish(self) -> None:
        self.sent += b"."


def asked(
    path: str = "/", host: str = "example.com", connection: Any = None, **fields: str
) -> HTTPServerRequest:
    """A request."""
    headers = HTTPHeaders({"Host": host})
    for name, value in fields.items():
        headers[name.replace("_", "-")] = value
    line = RequestStartLine("GET", path, "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=headers, connection=connection)


# -- matchers


def test_any_request_matches() -> None:
    assert AnyMatches().match(asked()) == {}
    assert AnyMatches().reverse() is None


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        (r"a\.b", "a.b", True),
        (r"a\.b", "a.b:80", True),
        (r"a\.b", "A.B", True),
        (r"a\.b", "a.bc", False),
        (r"a\.b", "xa.b", False),
        (r"a\.b$", "a.b", True),
        (re.compile(r"a\.b"), "a.bc", True),
        (r".*\.b", "a.b", True),
    ],
)
def test_host_matches_its_whole_name(pattern: Any, host: str, matches: bool) -> None:
    assert (HostMatches(pattern).match(asked(host=host)) is not None) == matches


def test_default_host_is_for_requests_that_no_proxy_has_checked() -> None:
    class Site:
        default_host = "a.b"

    matcher = DefaultHostMatches(Site(), re.compile(r"a\.b$"))
    assert matcher.match(asked()) == {}
    assert matcher.match(asked(X_Real_Ip="1.2.3.4")) is None
    assert DefaultHostMatches(Site(), re.compile(r"b$")).match(asked()) is None


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/a", "/a", {}),
        ("/a", "/ab", None),
        ("/a$", "/a", {}),
        (re.compile("/a"), "/abc", {}),
        ("/a/(.*)", "/a/b%20c+d%2F%ff", {"path_args": [b"b c+d/\xff"], "path_kwargs": {}}),
        ("/(a)?/(b)?", "//b", {"path_args": [None, b"b"], "path_kwargs": {}}),
        ("/(?P<x>a)?/(?P<y>.*)", "//%C3%A9", {"path_args": [], "path_kwargs": {"x": None, "y": b"\xc3\xa9"}}),
    ],
)
def test_path_matches_as_a_whole_and_gives_its_groups(pattern: Any, path: str, found: Any) -> None:
    assert PathMatches(pattern).match(asked(path)) == found


def test_groups_have_names_all_or_none() -> None:
    with pytest.raises(ValueError, match="either be all named or all positional"):
        PathMatches("/(?P<x>a)/(b)")


@pytest.mark.parametrize(
    ("pattern", "arguments", "url"),
    [
        ("/a", (), "/a"),
        ("^/a$", (), "/a"),
        ("/a/(.*)", ("x y/é",), "/a/x%20y/%C3%A9"),
        ("/a/(.*)", (b"x&",), "/a/x%26"),
        ("/a/(.*)", (5,), "/a/5"),
        ("/(a)/(b)/c", ("1", "2"), "/1/2/c"),
        (r"/a\.b/(.*)", ("x",), "/a.b/x"),
        ("/a%20/(.*)", ("x",), "/a%20/x"),
        ("/a%20", (), "/a%20"),
        (r"/a\%/(.*)%b", ("x",), "/a%/x%b"),
    ],
)
def test_reversed_path(pattern: str, arguments: tuple[Any, ...], url: str) -> None:
    assert PathMatches(pattern).reverse(*arguments) == url


@pytest.mark.parametrize("pattern", [r"/a\d", r"/a\d/(x)", "/(?:a)/b", "/[(]a"])
def test_path_that_is_more_than_text_and_groups_has_no_reverse(pattern: str) -> None:
    with pytest.raises(ValueError, match="Cannot reverse url regex"):
        PathMatches(pattern).reverse("x")


@pytest.mark.parametrize("arguments", [(), ("a", "b")])
def test_reverse_takes_an_argument_for_each_group(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="required number of arguments not found"):
        PathMatches("/(a)").reverse(*arguments)


# -- rules


def test_rule_says_what_it_is() -> None:
    rule = Rule(PathMatches("/a"), RequestHandler, {"x": 1}, "n")
    assert rule.reverse() == "/a"
    assert re.fullmatch(r"Rule\(<.*PathMatches.*>, <class .*>, kwargs=\{'x': 1\}, name='n'\)", repr(rule))
    spec = URLSpec("/a", RequestHandler, {"x": 1}, "n")
    assert repr(spec).startswith("URLSpec('/a$', <class ")
    assert (spec.regex.pattern, spec.handler_class, spec.kwargs) == ("/a$", RequestHandler, {"x": 1})
    assert URLSpec("/a", RequestHandler).kwargs is None
    assert URLSpec("/a", RequestHandler).target_kwargs == {}


def test_target_may_be_a_dotted_name() -> None:
    assert Rule(AnyMatches(), "framework.web.RequestHandler").target is RequestHandler
    with pytest.raises(ImportError):
        Rule(AnyMatches(), "no.such.thing")


@pytest.mark.parametrize("rule", [("/a",), ("/a", 1, {}, "n", 5)])
def test_rule_as_a_tuple_has_two_to_four_parts(rule: Any) -> None:
    with pytest.raises(ValueError, match="a rule has a pattern, a target"):
        RuleRouter([rule])


# -- routers


class Message(HTTPMessageDelegate):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def headers_received(self, start_line: Any, headers: Any) -> None:
        self.heard.append(start_line.path)

    def data_received(self, chunk: bytes) -> None:
        self.heard.append(chunk)

    def finish(self) -> None:
        self.heard.append("finish")

    def on_connection_close(self) -> None:
        self.heard.append("close")


class Target(HTTPServerConnectionDelegate):
    """Gives out one message."""

    def __init__(self) -> None:
        self.message = Message()

    def start_request(self, server_conn: object, request_conn: Any) -> Message:
        return self.message


def drive(router: Router, path: str) -> Connection:
    """Sends a request with a body through a router."""
    connection = Connection()
    spoken_to: Any = connection
    message = router.start_request(object(), spoken_to)
    line = RequestStartLine("POST", path, "HTTP/1.1")
    message.headers_received(line, HTTPHeaders({"Host": "a"}))
    message.data_received(b"body")
    message.finish()
    message.on_connection_close()
    return connection


def test_router_hands_everything_on() -> None:
    target = Target()
    drive(RuleRouter([("/a", target)]), "/a")
    assert target.message.heard == ["/a", b"body", "finish", "close"]


def test_first_rule_wins_and_routers_nest() -> None:
    first, second, third = Target(), Target(), Target()
    router = RuleRouter(
        [
            Rule(HostMatches("elsewhere"), third),
            [PathMatches("/n/.*"), RuleRouter([("/n/x", first)])],
            ("/n/(.*)", second),
        ]
    )
    drive(router, "/n/x")
    assert (first.message.heard[0], second.message.heard) == ("/n/x", [])
    # A router that finds nothing leaves it to the rules behind it.
    drive(router, "/n/y")
    assert second.message.heard[0] == "/n/y"


def test_function_is_called_with_the_whole_request() -> None:
    seen = []

    def answer(request: HTTPServerRequest, **more: Any) -> None:
        seen.append((request.path, request.body))

    drive(RuleRouter([("/a", answer)]), "/a")
    assert seen == [("/a", b"body")]


def test_nothing_found_is_404() -> None:
    assert (drive(RuleRouter(), "/a").status, drive(RuleRouter(), "/a").sent) == (404, b".")


def test_target_that_is_nothing_is_passed_over() -> None:
    router = RuleRouter([("/a", 5)])
    assert router.find_handler(asked("/a", connection=Connection())) is None


def test_request_without_a_connection_can_not_be_handed_on() -> None:
    with pytest.raises(RuntimeError, match="has no connection to answer on"):
        RuleRouter([("/a", Target())]).find_handler(asked("/a"))


def test_arguments_of_a_rule_go_to_its_target() -> None:
    seen = []

    class Own(Router):
        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> None:
            seen.append(kwargs)

    RuleRouter([("/(.*)", Own(), {"x": 1})]).find_handler(asked("/a"))
    RuleRouter([(AnyMatches(), Own())]).find_handler(asked("/a"))
    assert seen == [{"path_args": [b"a"], "path_kwargs": {}, "target_kwargs": {"x": 1}}, {}]


@pytest.mark.parametrize(
    "change",
    [
        lambda router, rule: router.rules.__setitem__(0, rule),
        lambda router, rule: router.rules.__setitem__(slice(None), [rule]),
        lambda router, rule: setattr(router, "rules", [rule]),
        lambda router, rule: (router.rules.pop(), router.rules.append(rule)),
        lambda router, rule: (router.rules.clear(), router.rules.extend([rule])),
        lambda router, rule: (router.rules.remove(router.rules[0]), router.rules.insert(0, rule)),
        lambda router, rule: (router.rules.append(rule), router.rules.reverse()),
        lambda router, rule: (router.rules.append(rule), router.rules.sort(key=lambda one: one is not rule)),
        lambda router, rule: (router.rules.__delitem__(0), router.rules.__iadd__([rule])),
    ],
)
def test_rules_that_are_changed_in_place_are_noticed(change: Callable[[RuleRouter, Rule], None]) -> None:
    def before(request: object) -> None: ...
    def after(request: object) -> None: ...

    router = RuleRouter([("/a", before)])
    assert [rule.target for _, rule in router.index().candidates("/a")] == [before]
    assert router.index() is router.index()
    change(router, Rule(PathMatches("/a"), after))
    assert router.index().candidates("/a")[0][1].target is after
    assert router.rules[0].target is after


def test_rules_that_come_later_are_found() -> None:
    target = Target()
    router = RuleRouter([("/a", Target())])
    drive(router, "/b")
    router.add_rules([("/b", target)])
    drive(router, "/b")
    assert target.message.heard


def test_matcher_of_ones_own() -> None:
    class Own(Matcher):
        def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
            return {} if "X-Own" in request.headers else None

    router = RuleRouter([(Own(), Target())])
    assert router.find_handler(asked(connection=Connection())) is None
    assert router.find_handler(asked(connection=Connection(), X_Own="1")) is not None


def test_what_a_subclass_has_to_define_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Router does not implement find_handler"):
        Router().find_handler(asked())
    with pytest.raises(NotImplementedError, match="does not implement reverse_url"):
        ReversibleRouter().reverse_url("a")
    with pytest.raises(NotImplementedError, match="does not implement match"):
        Matcher().match(asked())
    assert Matcher().reverse() is None


def test_names_are_found_in_nested_routers(caplog: pytest.LogCaptureFixture) -> None:
    inner = ReversibleRuleRouter([URLSpec("/n/(.*)", Target(), name="inner")])
    router = ReversibleRuleRouter(
        [
            ("/p", Target()),
            Rule(PathMatches("/n/.*"), RuleRouter()),
            Rule(PathMatches("/n/.*"), ReversibleRuleRouter()),
            Rule(PathMatches("/n/.*"), inner),
            URLSpec("/a", Target(), name="a"),
            URLSpec("/b", Target(), name="a"),
        ]
    )
    assert router.reverse_url("inner", "x") == "/n/x"
    assert router.reverse_url("a") == "/b"
    assert router.reverse_url("none") is None
    assert "Multiple handlers named a; replacing previous value" in caplog.text


def test_routed_message_needs_the_head_of_a_request() -> None:
    message = RuleRouter().start_request(object(), Connection())  # type: ignore[arg-type]
    assert message.data_received(b"x") is None
    message.finish()
    message.on_connection_close()
    with pytest.raises(TypeError, match="begins with a RequestStartLine"):
        message.headers_received(ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders())


def test_public_names() -> None:
    assert set(routing.__all__) <= set(dir(routing))
