"""`Application`: the routes and settings of a site."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Iterator, Mapping
from inspect import isclass
from socket import AF_UNSPEC, AddressFamily
from typing import TYPE_CHECKING, Any, ClassVar

import framework
from framework._background import start
from framework.httpserver import HTTPServer
from framework.httputil.messages import HTTPMessageDelegate
from framework.httputil.request import HTTPServerRequest
from framework.log import access_log
from framework.routing import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Rule,
    RuleList,
)
from framework.web import execute, waiting
from framework.web.handler import RequestHandler
from framework.web.service import ApplicationService
from framework.web.standard import ErrorHandler
from framework.web.static import StaticFileHandler
from framework.web.transforms import Compression, OutputTransform
from framework.web.uimodules import BUILT_IN_MODULES, UIModule

if TYPE_CHECKING:
    from framework.template import BaseLoader

__all__ = ["Application"]


class ApplicationRouter(ReversibleRuleRouter):
    """Rules whose targets may also be handler classes and lists of further rules."""

    def __init__(self, application: Application, rules: RuleList | None = None) -> None:
        self.application = application
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        rule = super().process_rule(rule)
        if isinstance(rule.target, (list, tuple)):
            rule.target = ApplicationRouter(self.application, rule.target)
        return rule

    def get_target_delegate(
        self, target: Any, request: HTTPServerRequest, **target_params: Any
    ) -> HTTPMessageDelegate | None:
        if isclass(target) and issubclass(target, RequestHandler):
            return self.application.get_handler_delegate(request, target, **target_params)
        return super().get_target_delegate(target, request, **target_params)


class Application(ReversibleRouter):
    """A site: routes, settings, and how its responses are transformed.

    ``handlers`` is the route table: `URLSpec` and `Rule` objects or tuples of pattern, handler class,
    arguments for its ``initialize``, and name. The first route that fits wins. ``default_host`` is for
    routes of `add_handlers` when a request's own host is nobody's. ``transforms`` are
    `OutputTransform` classes. Every other argument is a setting, in ``settings``.
    """

    error_handler_class: ClassVar[type[RequestHandler]] = ErrorHandler
    static_handler_class: ClassVar[type[StaticFileHandler]] = StaticFileHandler

    def __init__(
        self,
        handlers: RuleList | None = None,
        default_host: str | None = None,
        transforms: list[type[OutputTransform]] | None = None,
        **settings: Any,
    ) -> None:
        if transforms is None:
            self.transforms: list[type[OutputTransform]] = []
            if settings.get("compress_response") or settings.get("gzip"):
                self.transforms.append(Compression)
        else:
            self.transforms = transforms
        self.default_host = default_host
        self.settings = settings
        self.template_loaders: dict[str, BaseLoader] = {}
        self.ui_modules: dict[str, type[UIModule]] = dict(BUILT_IN_MODULES)
        self.ui_methods: dict[str, Callable[..., Any]] = {}
        self._load_ui_modules(settings.get("ui_modules", {}))
        self._load_ui_methods(settings.get("ui_methods", {}))
        rules = list(handlers) if handlers else []
        if settings.get("static_path"):
            rules[:0] = self._static_rules(settings)
        if settings.get("debug"):
            for setting in ("autoreload", "serve_traceback"):
                settings.setdefault(setting, True)
            for setting in ("compiled_template_cache", "static_hash_cache"):
                settings.setdefault(setting, False)
        self.wildcard_router = ApplicationRouter(self, rules)
        self.default_router = ApplicationRouter(self, [Rule(AnyMatches(), self.wildcard_router)])
        if settings.get("autoreload"):
            # Imported here, by its name: nobody else needs it.
            framework.autoreload.start()

    @staticmethod
    def _static_rules(settings: dict[str, Any]) -> list[Any]:
        path = settings["static_path"]
        prefix = settings.get("static_url_prefix", "/static/")
        handler = settings.get("static_handler_class", StaticFileHandler)
        arguments = dict(settings.get("static_handler_args", {}))
        arguments["path"] = path
        patterns = (r"/(robots\.txt)", r"/(favicon\.ico)", prefix + "(.*)")
        return [(pattern, handler, arguments) for pattern in patterns]

    def _load_ui_methods(self, methods: Any) -> None:
        for name, function in _named("ui_methods", methods):
            if not name.startswith("_") and callable(function) and name[0].lower() == name[0]:
                self.ui_methods[name] = function

    def _load_ui_modules(self, modules: Any) -> None:
        for name, cls in _named("ui_modules", modules):
            if isclass(cls) and issubclass(cls, UIModule):
                self.ui_modules[name] = cls

    def listen(
        self,
        port: int,
        address: str | None = None,
        *,
        family: AddressFamily = AF_UNSPEC,
        backlog: int = 128,
        flags: int | None = None,
        reuse_port: bool = False,
        **kwargs: Any,
    ) -> HTTPServer:
        """Serves the application on a port. ``kwargs`` are those of `HTTPServer`, which is returned."""
        if self.settings.get("autoreload"):
            # Again: the application may be older than the loop that serves it.
            framework.autoreload.start()
        server = HTTPServer(self, **kwargs)
        server.listen(
            port, address=address, family=family, backlog=backlog, flags=flags, reuse_port=reuse_port
        )
        return server

    def add_handlers(self, host_pattern: str, host_handlers: RuleList) -> None:
        """Adds routes for the hosts whose names match a pattern; they come before those for all hosts."""
        matcher = HostMatches(host_pattern)
        rule = Rule(matcher, ApplicationRouter(self, host_handlers))
        # Before the last, which matches any host.
        self.default_router.rules.insert(-1, rule)
        if self.default_host is not None:
            self.wildcard_router.add_rules([(DefaultHostMatches(self, matcher.host_pattern), host_handlers)])

    def add_transform(self, transform_class: type[OutputTransform]) -> None:
        """Adds a transform for all responses."""
        self.transforms.append(transform_class)

    def make_transforms(self, request: HTTPServerRequest) -> list[OutputTransform]:
        """The transforms for one response."""
        return [transform(request) for transform in self.transforms] if self.transforms else []

    def direct_service(self, done: asyncio.Future[None]) -> ApplicationService | None:
        """The server's shorter way to the handlers, unless a subclass has a way of its own."""
        if any(getattr(type(self), name) is not function for name, function in _OWN_WAY.items()):
            return None
        return ApplicationService(self, done)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """The delegate for a request; that of the default handler (404) if no route fits."""
        delegate = self.default_router.find_handler(request)
        if delegate is not None:
            return delegate
        handler_class, handler_kwargs = self.default_handler()
        return self.get_handler_delegate(request, handler_class, handler_kwargs)

    def default_handler(self) -> tuple[type[RequestHandler], dict[str, Any]]:
        """What answers requests that no route fits: the setting ``default_handler_class``, or 404."""
        handler_class = self.settings.get("default_handler_class")
        if handler_class:
            return handler_class, self.settings.get("default_handler_args", {})
        return ErrorHandler, {"status_code": 404}

    def get_handler_delegate(
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        path_args: list[bytes] | None = None,
        path_kwargs: dict[str, bytes] | None = None,
    ) -> execute.HandlerDelegate:
        """What collects a request for a handler class and runs it."""
        return execute.HandlerDelegate(self, request, target_class, target_kwargs, path_args, path_kwargs)

    def __call__(self, request: HTTPServerRequest) -> Awaitable[None] | None:
        """Answers a whole request; what is returned is done when the handler is."""
        delegate = self.find_handler(request)
        if isinstance(delegate, execute.HandlerDelegate) and not delegate.stream_request_body:
            return delegate.execute()
        return start(waiting.hand_over(delegate, request), asyncio.get_running_loop())

    def reverse_url(self, name: str, *args: Any) -> str:
        """The URL of the route ``name``, with ``args`` in place of the groups of its pattern."""
        url = self.default_router.reverse_url(name, *args)
        if url is not None:
            return url
        raise KeyError(f"{name} not found in named urls")

    def log_request(self, handler: RequestHandler) -> None:
        """Logs a request that has been answered; the setting ``log_function`` takes its place."""
        log_function = self.settings.get("log_function")
        if log_function is not None:
            log_function(handler)
            return
        status = handler.get_status()
        if status < 400:
            if not access_log.isEnabledFor(20):
                return
            log = access_log.info
        elif status < 500:
            log = access_log.warning
        else:
            log = access_log.error
        log(
            "%d %s %.2fms",
            status,
            handler._request_summary(),
            1000.0 * handler.request.request_time(),
        )


def _named(setting: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The names that a setting gives, with what they stand for."""
    if isinstance(value, types.ModuleType):
        yield from [(name, getattr(value, name)) for name in dir(value)]
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _named(setting, entry)
    elif isinstance(value, Mapping):
        yield from value.items()
    else:
        raise TypeError(
            f"the setting {setting} must be a module, a dict of names, or a list of those, not {value!r}"
        )


# Where one of these was overridden, or replaced at run time, requests have to go by it.
_OWN_WAY = {
    name: getattr(Application, name)
    for name in ("start_request", "find_handler", "get_handler_delegate", "on_close", "__call__")
}
