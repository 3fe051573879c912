"""Non-blocking streams over sockets, TLS and pipes: read until a delimiter, so many bytes, or the end; write; close.

A program that serves its own protocol gets them from `framework.tcpserver.TCPServer`, one that connects from
`framework.tcpclient.TCPClient`. Each belongs to the loop in which it was made.
"""

from framework.iostream.base import BaseIOStream
from framework.iostream.errors import StreamBufferFullError, StreamClosedError, UnsatisfiableReadError
from framework.iostream.pipes import PipeIOStream
from framework.iostream.sockets import IOStream, SSLIOStream

__all__ = [
    "BaseIOStream",
    "IOStream",
    "PipeIOStream",
    "SSLIOStream",
    "StreamBufferFullError",
    "StreamClosedError",
    "UnsatisfiableReadError",
]
