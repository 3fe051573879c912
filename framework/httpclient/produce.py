"""Request bodies that are written by a function of the application, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from framework.gen import convert_yielded
from framework.httputil import HTTPOutputError

__all__ = ["Channel", "produce"]


class Channel(Protocol):
    """What a request goes out by and its response comes in by."""

    # Whether all of the request has been sent.
    request_sent: bool

    def write(self, data: bytes) -> asyncio.Future[None] | None:
        """Sends more of the request. What is returned, if anything, is done when more may be written."""

    def pause(self) -> None:
        """Takes no more of the response for now."""

    def resume(self) -> None:
        """Takes more of the response."""

    def abandon(self) -> None:
        """Gives the exchange up."""


async def produce(
    producer: Callable[[Callable[[bytes], Any]], Any] | None,
    promised: int,
    channel: Channel,
    frames_chunks: bool,
    wanted: Callable[[], bool],
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Lets ``producer`` write a body to a channel, and ends it.

    :arg promised: the length that was announced; -1 for a body in chunks.
    :arg frames_chunks: whether the chunks have to be framed before the channel takes them (RFC 9112 section 7.1).
    :arg wanted: whether anybody still wants the body; what is written otherwise is dropped.
    :raises HTTPOutputError: more or less was written than promised. What the producer raises comes as it is.
    """
    written = 0

    def write(chunk: bytes) -> asyncio.Future[None]:
        nonlocal written
        written += len(chunk)
        if 0 <= promised < written:
            raise HTTPOutputError("Tried to write more data than Content-Length")
        waiting = None
        # An empty chunk would be the last.
        if chunk and wanted():
            framed = promised < 0 and frames_chunks
            waiting = channel.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if framed else chunk)
        if waiting is None:
            waiting = loop.create_future()
            waiting.set_result(None)
        return waiting

    result = None if producer is None else producer(write)
    if result is not None:
        await convert_yielded(result)
    if written < promised:
        raise HTTPOutputError(f"Tried to write {promised - written} bytes less than Content-Length")
    if wanted():
        if promised < 0 and frames_chunks:
            channel.write(b"0\r\n\r\n")
        channel.request_sent = True
