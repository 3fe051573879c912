"""A request whose body is received piece by piece while its handler runs."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

from framework._http1 import writer
from framework._http1.flow import BodyPump
from framework._http1.request import WireRequest
from framework._http1.unpack import UnpackingDelegate
from framework.httputil.messages import HTTPMessageDelegate

if TYPE_CHECKING:
    from framework._http1.server import ServerConnection

__all__ = ["Upload"]


class Upload:
    """Between a connection and the delegate that receives a request: what the one reads the other gets.

    The connection reads no faster than the delegate takes it.
    """

    __slots__ = ("_pump", "_request", "_wire")

    def __init__(
        self, wire: ServerConnection, request: WireRequest, delegate: HTTPMessageDelegate, context: Context
    ) -> None:
        self._wire = wire
        self._request = request
        if request.packed:
            delegate = UnpackingDelegate(delegate, lambda: wire.max_body)
        self._pump = BodyPump(
            delegate, context, wire.pause_reading, wire.read_on, self._failed, self._accepted
        )

    @property
    def busy(self) -> bool:
        """Whether the delegate has something to deal with, and what comes has to wait."""
        return self._pump.busy

    def begin(self) -> None:
        """Hands over the header, and what is there of the body."""
        request = self._request
        self._pump.begin(request.start_line(), request.headers)
        self.deliver()

    def deliver(self) -> None:
        """Hands over what has come since."""
        request = self._request
        chunks = request.chunks
        if chunks:
            request.chunks = []
            for chunk in chunks:
                self._pump.feed(bytes(chunk))
        if request.complete:
            self._pump.end()

    def close(self) -> None:
        """Hands over no more."""
        self._pump.close()

    def _accepted(self) -> None:
        """The delegate has dealt with the header: time to ask for the body, unless it is more than anyone allowed."""
        wire, request = self._wire, self._request
        size = request.announced_size()
        if not wire.is_answering(request):
            # Answered without its body.
            return
        if size > wire.max_body:
            wire.give_up(413, f"a body of {size} bytes, {wire.max_body} at most")
        elif request.expects_continue and not request.complete and not request.head_written:
            wire.write(writer.CONTINUE)

    def _failed(self, error: BaseException) -> None:
        self._wire.failed(self._request, error)
