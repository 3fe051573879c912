"""`RequestHandler`: what applications derive their handlers from."""

from __future__ import annotations

import datetime
import time
import traceback
from asyncio import Future
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from framework import locale as locales
from framework.escape import json_decode, json_encode, native_str, to_unicode, utf8, xhtml_escape
from framework.httputil.cookies import make_set_cookie
from framework.httputil.headers import printed_name
from framework.httputil.messages import responses
from framework.httputil.request import HTTPServerRequest, lazy
from framework.iostream import IOStream
from framework.log import app_log, gen_log
from framework.web import arguments, execute, output, render, signing, xsrf
from framework.web.arguments import NO_DEFAULT
from framework.web.errors import HTTPError
from framework.web.output import HeaderTypes
from framework.web.state import HandlerState

if TYPE_CHECKING:
    from framework.template import BaseLoader
    from framework.web.application import Application

__all__ = ["RequestHandler"]


class RequestHandler(HandlerState):
    """Answers the requests for one kind of resource.

    A subclass has a method for each HTTP method it serves (``get``, ``post``, …), plain or ``async``; its
    arguments are the groups of the route's pattern. For every request a new object is made, then
    `initialize`, `prepare` and the method are called, and `on_finish` when the response is complete.
    None of it may be used from another thread.
    """

    SUPPORTED_METHODS: tuple[str, ...] = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")

    _stream_request_body = False
    _raw_xsrf_token: xsrf.RawToken
    _plain_execute: ClassVar[Callable[..., Any]]
    _plain_clear: ClassVar[Callable[..., Any]]
    _plain_flush: ClassVar[Callable[..., Any]]
    _plain_set_header: ClassVar[Callable[..., Any]]

    # A subclass may have something happen right before a response's first byte; see `output.flush`.
    _before_headers: ClassVar[Callable[[Any], Awaitable[None] | None] | None] = None

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        self.application = application
        self.request = request
        self.path_args = []
        self.path_kwargs = {}
        self._transforms = None
        self._headers_written = False
        self._finished = False
        kind = type(self)
        if kind.clear is kind._plain_clear:
            try:
                self._headers = output.default_headers(request._start_time)
            except (AttributeError, TypeError):
                # A stand-in for a request, as tests make them.
                self._headers = output.default_headers(time.time())
            self._write_buffer = []
            self.set_default_headers()
        else:
            self.clear()
        if kwargs:
            self.initialize(**kwargs)
        else:
            self.initialize()

    # A subclass declares the arguments it takes.
    def _initialize(self) -> None:
        """Takes the arguments of the route (its ``kwargs``), before anything else."""

    initialize: Callable[..., None] = _initialize

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the application."""
        return self.application.settings

    def _unimplemented_method(self, *args: str, **kwargs: str) -> None:
        """Answers 405: a subclass defines the methods it serves."""
        raise HTTPError(405)

    head: Callable[..., Awaitable[None] | None] = _unimplemented_method
    get: Callable[..., Awaitable[None] | None] = _unimplemented_method
    post: Callable[..., Awaitable[None] | None] = _unimplemented_method
    delete: Callable[..., Awaitable[None] | None] = _unimplemented_method
    patch: Callable[..., Awaitable[None] | None] = _unimplemented_method
    put: Callable[..., Awaitable[None] | None] = _unimplemented_method
    options: Callable[..., Awaitable[None] | None] = _unimplemented_method

    # -- what subclasses override

    def prepare(self) -> Awaitable[None] | None:
        """Called before the method, whichever it is. May answer by itself, with `finish` or an exception."""
        return None

    def on_finish(self) -> None:
        """Called when the response has been sent to the connection."""

    def on_connection_close(self) -> None:
        """Called if the client goes away while the request is being answered asynchronously."""

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Takes a piece of the body; for handlers with `stream_request_body`."""
        raise NotImplementedError(f"{type(self).__name__} streams its body and must define data_received")

    def set_default_headers(self) -> None:
        """Sets headers that every response of this handler has, error pages too."""

    def get_current_user(self) -> Any:
        """Finds out who the user is; `current_user` keeps the answer."""
        return None

    def get_login_url(self) -> str:
        """Where `authenticated` sends those who must log in."""
        self.require_setting("login_url", "@framework.web.authenticated")
        url: str = self.application.settings["login_url"]
        return url

    def get_user_locale(self) -> locales.Locale | None:
        """The locale the user has chosen; None: go by the browser's."""
        return None

    def get_template_path(self) -> str | None:
        """The folder of the templates; None: that of the file the handler is in."""
        return self.application.settings.get("template_path")

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """An argument's bytes as text; raises 400 where they aren't UTF-8."""
        try:
            return value.decode() if isinstance(value, bytes) else to_unicode(value)
        except UnicodeDecodeError:
            raise HTTPError(400, "Invalid unicode in %s: %r", name or "url", value[:40]) from None

    def check_trusted_origin(self, origin: str) -> bool:
        """Whether pages of another origin may send requests here: those of the setting ``trusted_origins``."""
        return origin in self.application.settings.get("trusted_origins", ())

    # -- status and headers

    def clear(self) -> None:
        """Forgets the headers and the content of this response."""
        self._headers = output.default_headers(time.time())
        self.set_default_headers()
        self._write_buffer = []
        self._status_code = 200
        self._reason = responses[200]

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Sets the status; ``reason`` stands in for the standard phrase, if a status line can hold it."""
        self._status_code = status_code
        self._reason = (
            responses.get(status_code, "Unknown") if reason is None else output.reason_phrase(reason)
        )

    def get_status(self) -> int:
        """The status of the response so far."""
        return self._status_code

    def set_header(self, name: str, value: HeaderTypes) -> None:
        """Sets a header to text, a number or a time; raises `ValueError` for text no header can hold."""
        self._headers._fields[printed_name(name)] = output.header_value(value)

    def add_header(self, name: str, value: HeaderTypes) -> None:
        """Adds a header beside those of the same name."""
        self._headers.add(name, output.header_value(value))

    def clear_header(self, name: str) -> None:
        """Takes a header back."""
        if name in self._headers:
            del self._headers[name]

    # -- arguments

    def get_argument(self, name: str, default: Any = NO_DEFAULT, strip: bool = True) -> Any:
        """The last value of an argument of query or body; without a default, 400 if it is missing."""
        return arguments.last_of(self, name, default, self.request.arguments, strip)

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """All values of an argument of query or body."""
        return arguments.all_of(self, name, self.request.arguments, strip)

    def get_body_argument(self, name: str, default: Any = NO_DEFAULT, strip: bool = True) -> Any:
        """`get_argument` for the body alone."""
        return arguments.last_of(self, name, default, self.request.body_arguments, strip)

    def get_body_arguments(self, name: str, strip: bool = True) -> list[str]:
        """`get_arguments` for the body alone."""
        return arguments.all_of(self, name, self.request.body_arguments, strip)

    def get_query_argument(self, name: str, default: Any = NO_DEFAULT, strip: bool = True) -> Any:
        """`get_argument` for the query alone."""
        return arguments.last_of(self, name, default, self.request.query_arguments, strip)

    def get_query_arguments(self, name: str, strip: bool = True) -> list[str]:
        """`get_arguments` for the query alone."""
        return arguments.all_of(self, name, self.request.query_arguments, strip)

    def get_json_body(self) -> Any:
        """The body as JSON (RFC 8259), whatever its Content-Type; 400 if it isn't."""
        try:
            return json_decode(self.request.body)
        except ValueError as error:
            raise HTTPError(400, "Invalid JSON in the body: %s", error) from None

    # -- cookies

    @property
    def cookies(self) -> Any:
        """The cookies that came with the request."""
        return self.request.cookies

    def get_cookie(self, name: str, default: str | None = None) -> str | None:
        """The value of a cookie of the request."""
        return self.request._cookie_values.get(name, default)

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: float | tuple[int, ...] | datetime.datetime | None = None,
        path: str = "/",
        expires_days: float | None = None,
        *,
        max_age: int | None = None,
        httponly: bool = False,
        secure: bool = False,
        samesite: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets a cookie with the response; see `make_set_cookie` for the arguments and what they may hold."""
        name = native_str(name)
        # By place: with their names, a dict would be made of all of them.
        cookie = make_set_cookie(
            name, value, domain, expires, path, expires_days, max_age, httponly, secure, samesite, **kwargs
        )
        if self._new_cookies is None:
            self._new_cookies = {}
        # The last of a name is the one that counts, in its own place.
        self._new_cookies.pop(name, None)
        self._new_cookies[name] = cookie

    @property
    def _new_cookie(self) -> SimpleCookie:
        # To look at: what `set_cookie` was called with, under the name and type this API has had for it.
        if self._new_cookies is None:
            raise AttributeError("_new_cookie")
        return SimpleCookie("\r\n".join(self._new_cookies.values()))

    def clear_cookie(self, name: str, **kwargs: Any) -> None:
        """Deletes a cookie; path and domain must be those it was set with."""
        for excluded in ("expires", "max_age"):
            if excluded in kwargs:
                raise TypeError(f"clear_cookie() got an unexpected keyword argument '{excluded}'")
        expires = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=365)
        self.set_cookie(name, value="", expires=expires, **kwargs)

    def clear_all_cookies(self, **kwargs: Any) -> None:
        """Deletes every cookie the client sent."""
        # Without the names that no cookie can have, which a client may send all the same.
        for name in self.request.cookies:
            self.clear_cookie(name, **kwargs)

    def set_signed_cookie(
        self,
        name: str,
        value: str | bytes,
        expires_days: float | None = 30,
        version: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets a cookie that the client can read but not change; needs the setting ``cookie_secret``."""
        self.set_cookie(
            name, self.create_signed_value(name, value, version), expires_days=expires_days, **kwargs
        )

    set_secure_cookie = set_signed_cookie

    def create_signed_value(self, name: str, value: str | bytes, version: int | None = None) -> bytes:
        """Signs a value as `set_signed_cookie` does."""
        self.require_setting("cookie_secret", "secure cookies")
        secret = self.application.settings["cookie_secret"]
        key_version = None
        if isinstance(secret, dict):
            if self.application.settings.get("key_version") is None:
                raise ValueError("key_version setting must be used for secret_key dicts")
            key_version = self.application.settings["key_version"]
        return signing.create_signed_value(secret, name, value, version=version, key_version=key_version)

    def get_signed_cookie(
        self, name: str, value: str | None = None, max_age_days: float = 31, min_version: int | None = None
    ) -> bytes | None:
        """The value of a signed cookie; None if it is missing, changed or too old."""
        self.require_setting("cookie_secret", "secure cookies")
        if value is None:
            value = self.get_cookie(name)
        return signing.decode_signed_value(
            self.application.settings["cookie_secret"],
            name,
            value,
            max_age_days=max_age_days,
            min_version=min_version,
        )

    get_secure_cookie = get_signed_cookie

    def get_signed_cookie_key_version(self, name: str, value: str | None = None) -> int | None:
        """The version of the key that a signed cookie names."""
        self.require_setting("cookie_secret", "secure cookies")
        if value is None:
            value = self.get_cookie(name)
        return None if value is None else signing.get_signature_key_version(value)

    get_secure_cookie_key_version = get_signed_cookie_key_version

    # -- output

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Sends the client elsewhere: 302, 301 if ``permanent``, or ``status`` from 300 to 399."""
        if self._headers_written:
            raise RuntimeError("Cannot redirect after headers have been written")
        if status is None:
            status = 301 if permanent else 302
        elif not isinstance(status, int) or not 300 <= status <= 399:
            raise ValueError(f"a redirect's status lies between 300 and 399, not {status!r}")
        self.set_status(status)
        self.set_header("Location", utf8(url))
        self.finish()

    def write(self, chunk: str | bytes | dict[str, Any]) -> None:
        """Adds to the response; a dict is sent as JSON."""
        if self._finished:
            raise RuntimeError("Cannot write() after finish()")
        if isinstance(chunk, str):
            self._write_buffer.append(chunk.encode())
        elif isinstance(chunk, bytes):
            self._write_buffer.append(chunk)
        elif isinstance(chunk, dict):
            self._write_buffer.append(json_encode(chunk).encode())
            json = "application/json; charset=UTF-8"
            # Not through the method unless it was overridden: half a microsecond.
            if type(self).set_header is type(self)._plain_set_header:
                self._headers._fields["Content-Type"] = json
            else:
                self.set_header("Content-Type", json)
        else:
            message = "write() only accepts bytes, unicode, and dict objects"
            if isinstance(chunk, list):
                message += ". Lists not accepted for security reasons; wrap the list in a dict"
            raise TypeError(message)

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Sends what has been written so far. Awaiting it waits for a slow client."""
        return output.flush(self, include_footers)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Ends the response, with a last piece if given."""
        if self._finished:
            raise RuntimeError("finish() called twice")
        if chunk is not None:
            self.write(chunk)
        return output.finish(self)

    def detach(self) -> IOStream:
        """Takes the connection over from HTTP, as a stream; the handler answers for it from now on."""
        self._finished = True
        connection: Any = self.request.connection
        stream: IOStream = connection.detach()
        return stream

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Sends an error page in place of the response; what was written and not yet sent is dropped."""
        if self._headers_written:
            gen_log.error("Cannot send error response after headers written")
            if not self._finished:
                output.break_off(self)
            return
        self.clear()
        self._failing = True
        reason = kwargs.get("reason")
        if "exc_info" in kwargs:
            error = kwargs["exc_info"][1]
            if isinstance(error, HTTPError) and error.reason:
                reason = error.reason
        self.set_status(status_code, reason=reason)
        try:
            self.write_error(status_code, **kwargs)
        except Exception:
            app_log.error("Uncaught exception in write_error", exc_info=True)
        if not self._finished:
            self.finish()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Writes an error page. ``exc_info`` is the exception it is for, if there is one."""
        if self.application.settings.get("serve_traceback") and "exc_info" in kwargs:
            self.set_header("Content-Type", "text/plain")
            for line in traceback.format_exception(*kwargs["exc_info"]):
                self.write(line)
            self.finish()
        else:
            title = f"{status_code}: {xhtml_escape(self._reason)}"
            self.finish(f"<html><title>{title}</title><body>{title}</body></html>")

    # -- entity tags

    def compute_etag(self) -> str | None:
        """The entity tag of what has been written; None: none."""
        return output.compute_etag(self._write_buffer)

    def set_etag_header(self) -> None:
        """Sets the Etag header by `compute_etag`."""
        etag = self.compute_etag()
        if etag is not None:
            self.set_header("Etag", etag)

    def check_etag_header(self) -> bool:
        """Whether the client has what the Etag header names already."""
        if_none_match = self.request._field("If-None-Match")
        if if_none_match is None:
            return False
        etag = self._headers.get("Etag")
        return bool(etag) and output.matches_etag(etag, if_none_match)

    # -- the user

    @property
    def current_user(self) -> Any:
        """Who `get_current_user` said the user is. May be assigned."""
        if "_current_user" not in self.__dict__:
            self._current_user = self.get_current_user()
        return self._current_user

    @current_user.setter
    def current_user(self, value: Any) -> None:
        self._current_user = value

    @property
    def locale(self) -> locales.Locale:
        """The locale for this request: the user's, or else the browser's."""
        if "_locale" not in self.__dict__:
            self._locale = self.get_user_locale() or self.get_browser_locale()
        return self._locale

    @locale.setter
    def locale(self, value: locales.Locale) -> None:
        self._locale = value

    def get_browser_locale(self, default: str = "en_US") -> locales.Locale:
        """The locale that fits the Accept-Language header best (RFC 9110 section 12.5.4)."""
        return render.browser_locale(self.request._field("Accept-Language"), default)

    @property
    def xsrf_token(self) -> bytes:
        """The token that forms and scripts of this page repeat; see `xsrf`."""
        if "_xsrf_token" not in self.__dict__:
            self._xsrf_token = xsrf.make_token(self)
        return self._xsrf_token

    def check_xsrf_cookie(self) -> None:
        """Raises 403 unless the request repeats the token of its cookie."""
        xsrf.check_token(self)

    def _check_cross_origin(self) -> None:
        xsrf.check_origin(self)

    def xsrf_form_html(self) -> str:
        """The token as a hidden field of a form."""
        return render.xsrf_form_html(self)

    # -- pages

    def render(self, template_name: str, **kwargs: Any) -> Future[None]:
        """Answers with a template, and the CSS and JavaScript its modules need."""
        return render.render(self, template_name, kwargs)

    def render_string(self, template_name: str, **kwargs: Any) -> bytes:
        """A template as bytes."""
        return render.render_string(self, template_name, kwargs)

    def render_linked_js(self, js_files: Any) -> str:
        """The script elements for the modules' files."""
        return render.linked_js(self, js_files)

    def render_embed_js(self, js_embed: Any) -> bytes:
        """The script element for the modules' own code."""
        return render.embed_js(js_embed)

    def render_linked_css(self, css_files: Any) -> str:
        """The link elements for the modules' style sheets."""
        return render.linked_css(self, css_files)

    def render_embed_css(self, css_embed: Any) -> bytes:
        """The style element for the modules' own rules."""
        return render.embed_css(css_embed)

    def get_template_namespace(self) -> dict[str, Any]:
        """The names that every template of this handler knows."""
        return render.namespace(self)

    def create_template_loader(self, template_path: str) -> BaseLoader:
        """The loader of a folder of templates, by the settings ``template_loader``, ``autoescape`` and
        ``template_whitespace``."""
        return render.create_loader(self, template_path)

    @lazy
    def ui(self) -> Any:
        """The UI methods of the application, bound to this handler, and its modules under ``modules``."""
        return render.ui_namespace(self)

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        """The URL of a static file, with a hash of its content so that clients may keep it for ever."""
        return render.static_url(self, path, include_host, kwargs)

    def reverse_url(self, name: str, *args: Any) -> str:
        """The URL of a named route."""
        return self.application.reverse_url(name, *args)

    def require_setting(self, name: str, feature: str = "this feature") -> None:
        """Raises a clear error unless the application has a setting."""
        if not self.application.settings.get(name):
            raise RuntimeError(f"You must define the '{name}' setting in your application to use {feature}")

    # -- the frame

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Logs what a handler raised: a line for an `HTTPError` with a message, the traceback of all others."""
        if isinstance(value, HTTPError):
            message = value.get_message()
            if message:
                gen_log.warning("%d %s: %s", value.status_code, self._request_summary(), message)
        else:
            app_log.error(
                "Uncaught exception %s\n%r",
                self._request_summary(),
                self.request,
                exc_info=None if typ is None or value is None else (typ, value, tb),
            )

    async def _execute(self, transforms: list[Any], *args: bytes, **kwargs: bytes) -> None:
        """The whole life of the request. May be overridden or wrapped to do something around it."""
        rest = execute.begin(self, transforms, args, kwargs)
        if rest is not None:
            await rest

    def _handle_request_exception(self, e: BaseException) -> None:
        execute.handle_exception(self, e)

    def _clear_representation_headers(self) -> None:
        # RFC 9110 section 15.4.5: a 304 speaks of the representation the client has.
        for name in ("Content-Encoding", "Content-Language", "Content-Type"):
            self.clear_header(name)

    def _log(self) -> None:
        self.application.log_request(self)

    def _request_summary(self) -> str:
        request = self.request
        return f"{request.method} {request.uri} ({request.remote_ip})"


# What was not overridden takes a shorter way. To be read from the class: an object would bind them.
RequestHandler._plain_execute = RequestHandler._execute
RequestHandler._plain_clear = RequestHandler.clear
RequestHandler._plain_flush = RequestHandler.flush
RequestHandler._plain_set_header = RequestHandler.set_header
