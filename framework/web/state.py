"""What a handler knows of the request it answers and of its response so far."""

from __future__ import annotations

from asyncio import Future
from typing import TYPE_CHECKING, Any, TypeAlias

from framework._compiled import mypyc_attr
from framework.httputil.headers import HTTPHeaders
from framework.httputil.request import HTTPServerRequest

if TYPE_CHECKING:
    from framework.web.application import Application

__all__ = ["Handler", "HandlerState"]

# A `RequestHandler` for those who call its methods: one that an application has overridden may return what it likes,
# and compiled code would insist on the type of the one that is here.
Handler: TypeAlias = Any


# Apart from `RequestHandler`, which stays a class of Python's in the compiled build, as applications derive from it and
# change it. There these are fields of a C structure for those who name its type: `execute` and `output` look at them
# some forty times for each request.
@mypyc_attr(allow_interpreted_subclasses=True)
class HandlerState:
    """The state of a `RequestHandler`, as every request begins with it. Instrumentation looks at it as well."""

    application: Application
    request: HTTPServerRequest
    path_args: Any
    path_kwargs: Any

    _status_code: int = 200
    _reason: str = "OK"
    _auto_finish: bool = True
    # Whether an error page is being written: a status without a body has none, whatever writes it.
    _failing: bool = False
    _prepared_future: Future[None] | None = None
    _body_future: Future[None] | None = None
    _new_cookies: dict[str, str] | None = None
    # What every response changes has no value in the class: CPython has no short way to a field that class and object
    # both have.
    _headers_written: bool
    _finished: bool
    _transforms: Any
    _headers: HTTPHeaders
    _write_buffer: list[bytes]
    # What must happen before the first byte has begun; output is kept back until it is done. See `output.flush`.
    _hook_done: bool = False
    _held: Future[None] | None = None
