"""Routers: from a request to what answers it.

A `Router` finds a delegate for a request. `RuleRouter` does so by a list of `Rule` objects, the first that
matches wins; `ReversibleRuleRouter` also makes URLs from the names of rules. An application is a router, so
applications and routers nest. Structure of the URLs and hosts comes from `Matcher` objects.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial, wraps
from typing import Any, Union

from framework._http1.services import CallableMessage
from framework._route_index import RouteIndex
from framework.escape import url_escape, url_unescape, utf8
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from framework.httputil.request import HTTPServerRequest
from framework.log import app_log
from framework.util import import_object, re_unescape

__all__ = [
    "AnyMatches",
    "DefaultHostMatches",
    "HostMatches",
    "Matcher",
    "PathMatches",
    "ReversibleRouter",
    "ReversibleRuleRouter",
    "Router",
    "Rule",
    "RuleRouter",
    "URLSpec",
]

# Of a tuple as the table of an application has them: pattern, target, arguments, name.
RuleList = Sequence[Union["Rule", list[Any], tuple[Any, ...]]]


class Router(HTTPServerConnectionDelegate):
    """Finds what receives a request."""

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """What receives ``request``; None: nothing here does.

        ``kwargs`` are what an enclosing router found out about it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement find_handler")

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return RoutedMessage(self, server_conn, request_conn)


class ReversibleRouter(Router):
    """A router whose routes have names."""

    def reverse_url(self, name: str, *args: Any) -> str | None:
        """The URL of the route ``name`` with ``args`` in place of its groups; None if there is no such route."""
        raise NotImplementedError(f"{type(self).__name__} does not implement reverse_url")


class RoutedMessage(HTTPMessageDelegate):
    """Receives a request's header, finds the delegate for it, and hands it all on."""

    def __init__(self, router: Router, server_conn: object, request_conn: HTTPConnection) -> None:
        self._router = router
        self._server_connection = server_conn
        self._connection = request_conn
        self._delegate: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if not isinstance(start_line, RequestStartLine):
            raise TypeError(f"a request begins with a RequestStartLine, not with {start_line!r}")
        request = HTTPServerRequest(
            connection=self._connection,
            server_connection=self._server_connection,
            start_line=start_line,
            headers=headers,
        )
        delegate = self._router.find_handler(request)
        if delegate is None:
            app_log.debug("No route for %s %s", start_line.method, start_line.path)
            delegate = NotFoundMessage(self._connection)
        self._delegate = delegate
        return delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return None if self._delegate is None else self._delegate.data_received(chunk)

    def finish(self) -> None:
        if self._delegate is not None:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()


class NotFoundMessage(HTTPMessageDelegate):
    """Answers 404 without a body."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def finish(self) -> None:
        start_line = ResponseStartLine("HTTP/1.1", 404, "Not Found")
        self._connection.write_headers(start_line, HTTPHeaders({"Content-Length": "0"}))
        self._connection.finish()


class Matcher:
    """A condition on requests."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """What was found out about a request that fulfils the condition, None for any other.

        The keys ``path_args`` and ``path_kwargs`` are for the handler's method.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement match")

    def reverse(self, *args: Any) -> str | None:
        """A URL that fulfils the condition with ``args`` in place of the groups; None if there can't be one."""
        return None


class AnyMatches(Matcher):
    """Every request."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {}


class HostMatches(Matcher):
    """Requests to hosts whose name matches a regular expression."""

    def __init__(self, host_pattern: str | re.Pattern[str]) -> None:
        if isinstance(host_pattern, str):
            host_pattern = re.compile(host_pattern if host_pattern.endswith("$") else host_pattern + "$")
        self.host_pattern = host_pattern

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if self.host_pattern.match(request.host_name) else None


class DefaultHostMatches(Matcher):
    """Requests to a host nobody else wants, while the application's ``default_host`` matches."""

    def __init__(self, application: Any, host_pattern: re.Pattern[str]) -> None:
        self.application = application
        self.host_pattern = host_pattern

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        # A proxy that adds X-Real-Ip is taken to have checked the host.
        if "X-Real-Ip" not in request.headers and self.host_pattern.match(self.application.default_host):
            return {}
        return None


class PathMatches(Matcher):
    """Requests whose path matches a regular expression, from its first to its last character.

    The groups are arguments of the handler's method: by name if they have names (all or none), else by place.
    """

    def __init__(self, path_pattern: str | re.Pattern[str]) -> None:
        if isinstance(path_pattern, str):
            path_pattern = re.compile(path_pattern if path_pattern.endswith("$") else path_pattern + "$")
        self.regex = path_pattern
        if len(self.regex.groupindex) not in (0, self.regex.groups):
            raise ValueError(
                f"groups in url regexes must either be all named or all positional: {self.regex.pattern!r}"
            )
        self._path, self._group_count = _template_of(self.regex)

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return self.match_path(request.path or "")

    def match_path(self, path: str) -> dict[str, Any] | None:
        """`match` for a path alone."""
        found = self.arguments_in(path)
        if found is None:
            return None
        if not self.regex.groups:
            return {}
        return {"path_args": found[0], "path_kwargs": found[1]}

    def arguments_in(self, path: str) -> tuple[list[bytes | None], dict[str, bytes | None]] | None:
        """The arguments that a path holds, by place and by name; None if it doesn't match."""
        match = self.regex.match(path)
        if match is None:
            return None
        if self.regex.groupindex:
            return [], {name: _unquoted(value) for name, value in match.groupdict().items()}
        return [_unquoted(value) for value in match.groups()], {}

    def reverse(self, *args: Any) -> str | None:
        if self._path is None:
            raise ValueError("Cannot reverse url regex " + self.regex.pattern)
        if len(args) != self._group_count:
            raise ValueError(
                f"required number of arguments not found: {self.regex.pattern} takes {self._group_count}, "
                f"{len(args)} were given"
            )
        if not args:
            return self._path
        texts = [arg if isinstance(arg, (str, bytes)) else str(arg) for arg in args]
        return self._path % tuple([url_escape(utf8(text), plus=False) for text in texts])


def _unquoted(value: str | None) -> bytes | None:
    if value is None:
        return None
    return url_unescape(value, encoding=None, plus=False) if "%" in value else value.encode("latin-1")


def _template_of(regex: re.Pattern[str]) -> tuple[str | None, int | None]:
    """The pattern with %s in place of its groups, and their number; twice None if it isn't that simple."""
    pattern = regex.pattern.removeprefix("^").removesuffix("$")
    if regex.groups != pattern.count("("):
        # A bracket that isn't a group's.
        return None, None
    pieces = []
    for fragment in pattern.split("("):
        if ")" in fragment:
            pieces.append("%s" + fragment[fragment.index(")") + 1 :].replace("%", "%%"))
        else:
            try:
                text = re_unescape(fragment)
            except ValueError:
                return None, None
            pieces.append(text.replace("%", "%%") if regex.groups else text)
    return "".join(pieces), regex.groups


class Rule:
    """A matcher, the target of requests it matches, further arguments for the target, and a name."""

    def __init__(
        self,
        matcher: Matcher,
        target: Any,
        target_kwargs: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        if isinstance(target, str):
            target = import_object(target)
        self.matcher = matcher
        self.target = target
        self.target_kwargs = target_kwargs if target_kwargs else {}
        self.name = name

    def reverse(self, *args: Any) -> str | None:
        """The URL of this rule; see `Matcher.reverse`."""
        return self.matcher.reverse(*args)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.matcher!r}, {self.target}, "
            f"kwargs={self.target_kwargs!r}, name={self.name!r})"
        )


class URLSpec(Rule):
    """A rule for the path of a URL, as the route table of an application has them.

    ``pattern`` is a regular expression, ``handler`` a `RequestHandler` class or its dotted name,
    ``kwargs`` go to its ``initialize``, ``name`` is for ``reverse_url``.
    """

    def __init__(
        self,
        pattern: str | re.Pattern[str],
        handler: Any,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        matcher = PathMatches(pattern)
        super().__init__(matcher, handler, kwargs, name)
        self.regex = matcher.regex
        self.handler_class = self.target
        self.kwargs = kwargs

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.regex.pattern!r}, {self.handler_class}, "
            f"kwargs={self.kwargs!r}, name={self.name!r})"
        )


class _Rules(list[Rule]):
    """A list of rules that forgets their index when it changes."""

    __slots__ = ("filed",)

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        super().__init__(rules)
        self.filed: RouteIndex[Rule] | None = None


def _changing(name: str) -> Callable[..., Any]:
    change = getattr(list, name)

    @wraps(change)
    def method(self: _Rules, *args: Any, **kwargs: Any) -> Any:
        self.filed = None
        return change(self, *args, **kwargs)

    return method


for _name in (
    *("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"),
    *("__delitem__", "__iadd__", "__imul__", "__setitem__"),
):
    setattr(_Rules, _name, _changing(_name))


class RuleRouter(Router):
    """A router by rules. A rule is a `Rule`, or the tuple or list of its arguments.

    Where a tuple begins with a string it is the pattern of a `PathMatches`. Targets are further
    routers, delegates, or functions that take a request.
    """

    def __init__(self, rules: RuleList | None = None) -> None:
        self._rules = _Rules()
        if rules:
            self.add_rules(rules)

    @property
    def rules(self) -> list[Rule]:
        """The rules in their order. May be changed and assigned."""
        return self._rules

    @rules.setter
    def rules(self, rules: Iterable[Rule]) -> None:
        self._rules = _Rules(rules)

    def add_rules(self, rules: RuleList) -> None:
        """Appends rules."""
        for rule in rules:
            if isinstance(rule, (tuple, list)):
                if len(rule) not in (2, 3, 4):
                    raise ValueError(
                        f"a rule has a pattern, a target, and maybe arguments and a name, not {rule!r}"
                    )
                rule = URLSpec(*rule) if isinstance(rule[0], str) else Rule(*rule)
            self.rules.append(self.process_rule(rule))

    def process_rule(self, rule: Rule) -> Rule:
        """What a rule is before it is added; for subclasses to change or refuse it."""
        return rule

    def index(self) -> RouteIndex[Rule]:
        """The rules by their paths, made anew when the list has changed."""
        rules = self._rules
        index = rules.filed
        if index is None:
            index = rules.filed = RouteIndex(
                [(rule.matcher.regex if type(rule.matcher) is PathMatches else None, rule) for rule in rules]
            )
        return index

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        for _, rule in self.index().candidates(request.path or ""):
            params = rule.matcher.match(request)
            if params is not None:
                if rule.target_kwargs:
                    params["target_kwargs"] = rule.target_kwargs
                delegate = self.get_target_delegate(rule.target, request, **params)
                if delegate is not None:
                    return delegate
        return None

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        """What receives a request for the target of a rule; for subclasses with targets of their own."""
        if isinstance(target, Router):
            return target.find_handler(request, **target_params)
        connection = request.connection
        if connection is None:
            raise RuntimeError(f"{request!r} has no connection to answer on")
        if isinstance(target, HTTPServerConnectionDelegate):
            return target.start_request(request.server_connection, connection)
        if callable(target):
            return CallableMessage(partial(target, **target_params), connection)
        return None


class ReversibleRuleRouter(ReversibleRouter, RuleRouter):
    """A router by rules, some of which have names."""

    def __init__(self, rules: RuleList | None = None) -> None:
        self.named_rules: dict[str, Any] = {}
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        rule = super().process_rule(rule)
        if rule.name:
            if rule.name in self.named_rules:
                app_log.warning("Multiple handlers named %s; replacing previous value", rule.name)
            self.named_rules[rule.name] = rule
        return rule

    def reverse_url(self, name: str, *args: Any) -> str | None:
        if name in self.named_rules:
            url: str | None = self.named_rules[name].matcher.reverse(*args)
            return url
        for rule in self.rules:
            if isinstance(rule.target, ReversibleRouter):
                url = rule.target.reverse_url(name, *args)
                if url is not None:
                    return url
        return None
