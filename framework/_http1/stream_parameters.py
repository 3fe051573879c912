"""What those who run HTTP on streams of their own may set."""

from __future__ import annotations

from typing import Any

from framework._http1.settings import ServerSettings
from framework.iostream import IOStream

__all__ = ["HTTP1ConnectionParameters", "body_limit", "server_settings"]


class HTTP1ConnectionParameters:
    """What connections are to do. Sizes are bytes, times seconds; None is the default of `HTTPServer`.

    :arg no_keep_alive: closes a server's connection behind the first response.
    :arg chunk_size: how much is read at once, at most.
    :arg max_header_size: of the start line and the header together, 65,536.
    :arg header_timeout: until a request's header is complete, and between two requests.
    :arg max_body_size: the stream's ``max_buffer_size`` unless given.
    :arg body_timeout: for the whole of a body.
    :arg decompress: unpacks bodies with ``Content-Encoding: gzip``.
    """

    def __init__(
        self,
        no_keep_alive: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        header_timeout: float | None = None,
        max_body_size: int | None = None,
        body_timeout: float | None = None,
        decompress: bool = False,
    ) -> None:
        self.no_keep_alive = no_keep_alive
        self.chunk_size = chunk_size or 65536
        self.max_header_size = max_header_size or 65536
        self.header_timeout = header_timeout
        self.max_body_size = max_body_size
        self.body_timeout = body_timeout
        self.decompress = decompress


def body_limit(stream: IOStream, params: HTTP1ConnectionParameters) -> int:
    """How large bodies may be on a stream."""
    return stream.max_buffer_size if params.max_body_size is None else params.max_body_size


def server_settings(stream: IOStream, params: HTTP1ConnectionParameters) -> ServerSettings:
    """The server's settings for a stream."""
    given: dict[str, Any] = {"header_timeout": params.header_timeout, "idle_timeout": params.header_timeout}
    return ServerSettings(
        keep_alive=not params.no_keep_alive,
        decompress_request=params.decompress,
        max_header_size=params.max_header_size,
        max_body_size=body_limit(stream, params),
        body_timeout=params.body_timeout,
        **{name: value for name, value in given.items() if value is not None},
    )
