"""Ways in which a handler fails, or ends early."""

from __future__ import annotations

import asyncio
from typing import Any

from framework import gen, httputil, web
from tests.differential.site.common import action


@action
def error_404(self: Any) -> None:
    raise web.HTTPError(404)


@action
def error_default(self: Any) -> None:
    raise web.HTTPError


@action
def error_message(self: Any) -> None:
    self.write("lost")
    self.set_header("X-Lost", "1")
    self.set_cookie("kept", "1")
    raise web.HTTPError(403, "because of %s and %d", "this", 5)


@action
def error_percent(self: Any) -> None:
    raise web.HTTPError(403, "100% %s")


@action
def error_reason(self: Any) -> None:
    raise web.HTTPError(403, "message", reason="My Reason")


@action
def error_reason_html(self: Any) -> None:
    raise web.HTTPError(403, reason="<b>&amp;")


@action
def error_unknown_code(self: Any) -> None:
    raise web.HTTPError(599)


@action
def error_strange_code(self: Any) -> None:
    raise web.HTTPError(299)


@action
def error_409_kwargs(self: Any) -> None:
    raise web.HTTPError(409, log_message="m %s", reason="r")


@action
def error_missing(self: Any) -> None:
    raise web.MissingArgumentError("thing")


@action
def error_strings(self: Any) -> None:
    for error in (
        web.HTTPError(),
        web.HTTPError(404),
        web.HTTPError(404, "a %s", "b"),
        web.HTTPError(404, "100%"),
        web.HTTPError(404, reason="r"),
        web.HTTPError(599, "x", reason="r"),
        web.MissingArgumentError("x"),
    ):
        self.write(f"{error} {error.status_code} {error.reason} {error.log_message} {error.args} {error!r}")
        self.write(f" {error.get_message()} {sorted(error.__dict__.items())}\n")


@action
def crash(self: Any) -> None:
    raise RuntimeError("boom")


@action
async def crash_later(self: Any) -> None:
    await asyncio.sleep(0)
    raise RuntimeError("boom later")


@action
async def crash_flushed(self: Any) -> None:
    self.write("begun")
    await self.flush()
    raise RuntimeError("boom flushed")


@action
def crash_finished(self: Any) -> None:
    self.finish("done")
    raise RuntimeError("boom finished")


@action
def finish_twice(self: Any) -> None:
    self.finish("a")
    self.finish("b")


@action
def write_finished(self: Any) -> None:
    self.finish("a")
    self.write("b")


@action
def finish_raised(self: Any) -> None:
    self.set_status(201)
    self.write("a")
    raise web.Finish


@action
def finish_raised_with(self: Any) -> None:
    self.write("a")
    raise web.Finish({"b": 1})


@action
def finish_raised_finished(self: Any) -> None:
    self.finish("a")
    raise web.Finish


@action
def send_error(self: Any) -> None:
    self.write("lost")
    self.send_error(503)


@action
def send_error_reason(self: Any) -> None:
    self.send_error(503, reason="Busy")


@action
def send_error_default(self: Any) -> None:
    self.send_error()


@action
def send_error_flushed(self: Any) -> None:
    self.write("begun")
    self.flush()
    self.send_error(500)


@action
def input_error(self: Any) -> None:
    raise httputil.HTTPInputError("bad input")


@action
def timeout_error(self: Any) -> None:
    raise gen.TimeoutError("too late")
